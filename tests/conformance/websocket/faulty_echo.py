"""An echo server that is right, but for the faults it is told to have.

For the tests of the conformance suite alone: small, slow, a thread for each connection. FAULTS says
what it can do wrong.
"""

import base64
import codecs
import hashlib
import json
import re
import socket
import struct
import threading
import zlib

import wire
from wire import BINARY, CLOSE, CONTINUATION, PING, PONG, RSV1, TEXT

# Each is looked for by name where the server decides.
FAULTS = {
    "text is judged when the message ends",
    "an empty last fragment hides a cut code point",
    "errors are answered with 1000",
    "errors cut TCP",
    "errors reset TCP",
    "an error drops the replies before it",
    "the server window is kept though given up",
    "the server window is larger than answered",
    "parameters are kept but not answered",
    "each message of the client is inflated anew",
    "nothing is inflated behind a final block",
    "RSV1 is let through on control frames",
    "RSV1 is let through on continuations",
    "a control frame ends compression",
    "unmasked frames are taken",
    "long forms of lengths are taken",
    "the top bit of a length is dropped",
    "every number of window bits is taken",
    "unknown parameters are taken",
    "parameters may come twice",
    "the last offer wins",
    "only the first header line of offers counts",
    "a close is answered without its code",
    "a pong follows the close",
    "TCP is left open",
    "every close code is taken",
    "close reasons are not looked at",
    "a close of one octet is taken",
    "a request may have a body",
    "a second Host is taken",
    "echoes are masked",
    "text comes back as binary",
    "replies are never compressed",
    "every size is taken",
    "echoes are queued without a bound",
    "slow readers are cut",
    "pings are not answered",
    "small messages are compressed too",
    "the window bits of the config are not kept",
    "TLS ends without close_notify",
}
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_FLAGS = ("server_no_context_takeover", "client_no_context_takeover")
_BITS = ("server_max_window_bits", "client_max_window_bits")
_TOKEN = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_PARAMETER = rf'[ \t]*;[ \t]*{_TOKEN}(?:=(?:{_TOKEN}|"[^"]*"))?'
_ELEMENT = rf"[ \t]*{_TOKEN}(?:{_PARAMETER})*[ \t]*"
_LIST = re.compile(rf"{_ELEMENT}(?:,{_ELEMENT})*")
_WINDOW = 1 << 15
_MAX_RATIO = 1000
_SEND_BUFFER = 1 << 16
_LINGER_SECONDS = 3


class _Failed(Exception):
    def __init__(self, code):
        super().__init__(code)
        self.code = code


class _Ended(Exception):
    pass


class FaultyEcho:
    """Listens on a free port of loopback until `close`.

    `context`: an ssl.SSLContext, or None for plain TCP. The others are as in a config of wspushd.
    """

    def __init__(self, faults=(), context=None, *, message_bytes=16 << 20, frames=65536,
                 min_bytes=0, takeover=False, window_bits=15, write_seconds=30):
        unknown = set(faults) - FAULTS
        assert not unknown, unknown
        self.faults = set(faults)
        self.message_bytes, self.frames, self.min_bytes = message_bytes, frames, min_bytes
        self.takeover, self.window_bits, self.write_seconds = takeover, window_bits, write_seconds
        self.context = context
        self.left_open = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)
        self.address = self._listener.getsockname()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=_Connection(self, peer).serve, daemon=True).start()

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for peer in self.left_open:
            peer.close()


class _Connection:
    def __init__(self, server, peer):
        self.server, self.socket = server, peer
        self.has = server.faults.__contains__
        self.bytes = bytearray()
        self.agreed = None
        self.due = b""  # replies that were not sent yet
        self.inflater = self.deflater = None
        self.window = b""
        self.opcode = None  # of the unfinished message
        self.is_left_open = False

    def serve(self):
        try:
            if self.server.context is not None:
                self.socket = self.server.context.wrap_socket(self.socket, server_side=True)
            if self.handshake():
                self.echo()
        except (_Ended, OSError):
            pass
        if not self.is_left_open:
            self.socket.close()

    # Reading and writing.

    def read(self):
        data = self.socket.recv(1 << 16)
        if not data:
            raise _Ended
        self.bytes += data

    def write(self, data):
        if self.has("echoes are queued without a bound"):
            self.socket.setblocking(True)
            threading.Thread(target=self._sendall, args=(data,), daemon=True).start()
            return
        self.socket.settimeout(self.server.write_seconds)
        view = memoryview(data)
        is_slow = False
        while view:
            try:
                view = view[self.socket.send(view):]
            except TimeoutError:
                if is_slow or self.has("slow readers are cut"):
                    raise _Ended from None
                is_slow = True
                self.socket.settimeout(_LINGER_SECONDS)
        self.socket.settimeout(None)
        if is_slow:
            raise _Failed(4008)

    def _sendall(self, data):
        try:
            self.socket.sendall(data)
        except OSError:
            pass

    def linger(self):
        """Ends our half, and reads what comes until the other one ends."""
        if self.has("TCP is left open"):
            self.is_left_open = True
            self.server.left_open.append(self.socket)
            return
        self.socket.settimeout(_LINGER_SECONDS)
        if self.server.context is not None:
            if not self.has("TLS ends without close_notify"):
                try:
                    self.socket.unwrap()
                except OSError:
                    pass  # What came instead of the other side's close_notify; ours is out.
            self.socket = socket.socket(fileno=self.socket.detach())
            self.socket.settimeout(_LINGER_SECONDS)
        self.socket.shutdown(socket.SHUT_WR)
        while self.socket.recv(1 << 16):
            pass

    # The handshake.

    def handshake(self):
        while b"\r\n\r\n" not in self.bytes:
            self.read()
        head, _, rest = bytes(self.bytes).partition(b"\r\n\r\n")
        self.bytes[:] = rest
        lines = head.decode("latin-1").split("\r\n")
        fields = [line.partition(":") for line in lines[1:]]
        headers = {}
        for name, _, value in fields:
            headers.setdefault(name.lower(), []).append(value.strip(" \t"))
        status = self.judge(fields, headers)
        if status != 101:
            body = json.dumps({"error": {"code": "refused", "message": str(status)}})
            self.socket.sendall(
                (f"HTTP/1.1 {status} Refused\r\nSec-WebSocket-Version: 13\r\n"
                 f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}").encode())
            self.linger()
            return False
        key = headers["sec-websocket-key"][0].encode()
        accept = base64.b64encode(hashlib.sha1(key + _GUID).digest()).decode()
        answer = [f"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                  f"Connection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n"]
        lines = headers.get("sec-websocket-extensions", [])
        extension = self.negotiate(lines)
        if extension:
            answer.append(f"Sec-WebSocket-Extensions: {extension}\r\n")
        self.socket.sendall(("".join(answer) + "\r\n").encode())
        return True

    def judge(self, fields, headers):
        def one(name):
            return headers[name][0] if len(headers.get(name, ())) == 1 else None

        if any(name != name.strip() or name.startswith(" ") for name, _, _ in fields):
            return 400
        if one("host") is None and not (self.has("a second Host is taken") and "host" in headers):
            return 400
        if "transfer-encoding" in headers or "content-length" in headers or self.bytes:
            if not self.has("a request may have a body"):
                return 400
            self.bytes.clear()
        if "upgrade" not in headers:
            return 426
        tokens = ",".join(headers.get("connection", ())).lower().split(",")
        if "upgrade" not in [each.strip() for each in tokens]:
            return 400
        if one("sec-websocket-version") is None:
            return 400
        if one("sec-websocket-version") != "13":
            return 426
        key = one("sec-websocket-key")
        if key is None or not re.fullmatch(r"[A-Za-z0-9+/]{22}==", key):
            return 400
        if not all(_LIST.fullmatch(line) for line in headers.get("sec-websocket-extensions", ())):
            return 400
        return 101

    def negotiate(self, lines):
        if self.has("only the first header line of offers counts"):
            lines = lines[:1]
        elements = re.findall(r'(?:[^,"]|"[^"]*")+', ",".join(lines))
        if self.has("the last offer wins"):
            elements.reverse()
        for element in elements:
            agreed = self.agree(element)
            if agreed is not None:
                break
        else:
            return None
        if self.has("parameters are kept but not answered"):
            self.agreed = agreed
            return "permessage-deflate"
        self.agreed = agreed
        named = [key if value is True else f"{key}={value}" for key, value in agreed.items()
                 if value]
        return "; ".join(["permessage-deflate", *named])

    def agree(self, element):
        """The parameters of the answer to one offer; None when it is declined."""
        name, *parts = [part.strip(" \t") for part in element.split(";")]
        if name != "permessage-deflate":
            return None
        asked = {}
        for part in parts:
            key, equals, value = part.partition("=")
            if key in asked and not self.has("parameters may come twice"):
                return None
            if len(value) > 1 and value[0] == value[-1] == '"':
                value = value[1:-1]
            if key in _FLAGS and not equals:
                asked[key] = True
            elif key in _BITS:
                if key == _BITS[1] and not equals:
                    asked[key] = 15
                elif re.fullmatch("8|9|1[0-5]", value):
                    asked[key] = int(value)
                elif self.has("every number of window bits is taken") and value.isdecimal():
                    asked[key] = min(max(int(value), 9), 15)
                else:
                    return None
            elif not self.has("unknown parameters are taken"):
                return None
        answer = {key: True for key in _FLAGS if asked.get(key)}
        if not self.server.takeover:
            answer.update(dict.fromkeys(_FLAGS, True))
        most = 15 if self.has("the window bits of the config are not kept") else \
            self.server.window_bits
        if _BITS[0] in asked or most < 15:
            answer[_BITS[0]] = min(asked.get(_BITS[0], 15), most)
        if _BITS[1] in asked:
            answer[_BITS[1]] = min(asked[_BITS[1]], most)
        return answer

    # Messages.

    def echo(self):
        try:
            while True:
                self.frames()
                due, self.due = self.due, b""
                if due:
                    self.write(due)
                self.read()
        except _Failed as failed:
            self.fail(failed.code)

    def fail(self, code):
        if self.has("errors cut TCP") and code != 4008:
            self.socket.shutdown(socket.SHUT_RDWR)
            return
        if self.has("errors reset TCP"):
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return
        if self.has("errors are answered with 1000"):
            code = 1000
        due = b"" if self.has("an error drops the replies before it") else self.due
        self.socket.sendall(due + self.reply_frame(CLOSE, struct.pack("!H", code)))
        self.linger()

    @staticmethod
    def reply_frame(opcode, payload, rsv=0, mask=False):
        return wire.frame(opcode, payload, rsv=rsv, mask=mask)

    def frames(self):
        """Takes what is there; text is judged as it comes, also inside a frame."""
        while True:
            data = self.bytes
            if not data:
                return
            self.judge_first(data[0])
            if len(data) < 2:
                return
            header = self.header(data)
            if header is None:
                return
            start, size, key = header
            opcode, fin = data[0] & 15, data[0] >= 128
            if opcode < CLOSE:
                self.begin(opcode, bool(data[0] & 0x40), size)
            part = bytes(data[start:start + size])
            if key:
                part = wire.masked(part, key)
            if len(data) < start + size:
                if opcode < CLOSE and not self.has("text is judged when the message ends"):
                    self.judge_text(opcode, data[0], part)
                return
            del data[:start + size]
            if opcode < CLOSE:
                self.add(opcode, fin, part)
            else:
                self.control(opcode, part)

    def judge_first(self, first):
        opcode, rsv = first & 15, first >> 4 & 7
        if rsv & 3 or opcode not in wire.NAMES or opcode >= CLOSE and first < 128:
            raise _Failed(1002)
        if rsv & RSV1:
            allowed = opcode in (TEXT, BINARY) or \
                opcode >= CLOSE and self.has("RSV1 is let through on control frames") or \
                opcode == CONTINUATION and self.has("RSV1 is let through on continuations")
            if not allowed or self.agreed is None:
                raise _Failed(1002)
        if opcode < CLOSE and (opcode == CONTINUATION) != (self.opcode is not None):
            raise _Failed(1002)

    def header(self, data):
        """(where the payload starts, its size, the masking key), or None until it is there."""
        is_masked, short = data[1] >= 128, data[1] & 127
        if not is_masked and not self.has("unmasked frames are taken"):
            raise _Failed(1002)
        if data[0] & 15 >= CLOSE and short > 125:
            raise _Failed(1002)
        at = {126: 4, 127: 10}.get(short, 2)
        if len(data) < at:
            return None
        size = short if at == 2 else int.from_bytes(data[2:at], "big")
        if self.has("the top bit of a length is dropped"):
            size &= (1 << 63) - 1
        if size >> 63:
            raise _Failed(1002)
        if size < {4: 126, 10: 1 << 16}.get(at, 0) and \
                not self.has("long forms of lengths are taken"):
            raise _Failed(1002)
        start = at + 4 * is_masked
        if len(data) < start:
            return None
        return start, size, bytes(data[at:start])

    def begin(self, opcode, rsv1, size):
        if opcode != CONTINUATION:
            fresh = {"parts": [], "size": 0, "frames": 0, "compressed": rsv1,
                     "decoder": codecs.getincrementaldecoder("utf-8")()}
            self.fresh = (opcode, fresh)
        message = self.message if opcode == CONTINUATION else self.fresh[1]
        if message["frames"] >= self.server.frames:
            raise _Failed(1008)
        if message["size"] + size > self.server.message_bytes and \
                not self.has("every size is taken"):
            raise _Failed(1009)

    def judge_text(self, opcode, first, part):
        """An unfinished frame: judged with a copy of the state, as its bytes will come again."""
        kind, message = (self.opcode, self.message) if opcode == CONTINUATION else self.fresh
        if kind != TEXT or message["compressed"] or first & 0x40:
            return
        decoder = codecs.getincrementaldecoder("utf-8")()
        decoder.setstate(message["decoder"].getstate())
        try:
            decoder.decode(part)
        except UnicodeDecodeError:
            raise _Failed(1007) from None

    def add(self, opcode, fin, part):
        if opcode != CONTINUATION:
            self.opcode, self.message = self.fresh
        message = self.message
        message["parts"].append(part)
        message["size"] += len(part)
        message["frames"] += 1
        late = self.has("text is judged when the message ends")
        if self.opcode == TEXT and not message["compressed"] and not late:
            is_hidden = fin and not part and \
                self.has("an empty last fragment hides a cut code point")
            try:
                message["decoder"].decode(part, fin and not is_hidden)
            except UnicodeDecodeError:
                raise _Failed(1007) from None
            if is_hidden:
                message["parts"] = [b"".join(message["parts"]).decode(errors="ignore").encode()]
        if fin:
            kind, self.opcode = self.opcode, None
            payload = b"".join(message["parts"])
            if message["compressed"]:
                payload = self.inflate(payload)
            if kind == TEXT and (late or message["compressed"]):
                try:
                    payload.decode()
                except UnicodeDecodeError:
                    raise _Failed(1007) from None
            self.reply(kind, payload)

    def inflate(self, payload):
        if self.inflater is None or self.agreed.get("client_no_context_takeover") or \
                self.has("each message of the client is inflated anew"):
            self.inflater, self.window = zlib.decompressobj(-15), b""
        out, rest = [], payload + b"\x00\x00\xff\xff"
        left = min(self.server.message_bytes, _MAX_RATIO * max(len(payload), 1)) + 1
        if self.has("every size is taken"):
            left = 1 << 30
        try:
            while rest:
                if self.inflater.eof:
                    if self.has("nothing is inflated behind a final block"):
                        break
                    self.inflater = zlib.decompressobj(-15, zdict=self.window)
                piece = self.inflater.decompress(rest, left)
                out.append(piece)
                left -= len(piece)
                if left <= 0:
                    raise _Failed(1009)
                self.window = (self.window + piece)[-_WINDOW:]
                rest = self.inflater.unused_data if self.inflater.eof else \
                    self.inflater.unconsumed_tail
        except zlib.error:
            raise _Failed(1007) from None
        if not self.inflater.eof and not _ends_between_blocks(self.inflater, payload):
            raise _Failed(1007)
        return b"".join(out)

    def reply(self, opcode, payload):
        if self.has("text comes back as binary"):
            opcode = BINARY
        rsv = 0
        small = len(payload) < self.server.min_bytes and \
            not self.has("small messages are compressed too")
        if self.agreed is not None and not small and not self.has("replies are never compressed"):
            rsv = RSV1
            fresh = self.agreed.get("server_no_context_takeover") and \
                not self.has("the server window is kept though given up")
            if self.deflater is None or fresh:
                bits = 15 if self.has("the server window is larger than answered") else \
                    max(self.agreed.get("server_max_window_bits", 15), 9)
                self.deflater = zlib.compressobj(6, zlib.DEFLATED, -bits)
            payload = (self.deflater.compress(payload) +
                       self.deflater.flush(zlib.Z_SYNC_FLUSH))[:-4]
        self.due += self.reply_frame(opcode, payload, rsv, self.has("echoes are masked"))

    def control(self, opcode, payload):
        if self.has("a control frame ends compression") and self.opcode is not None:
            self.message["compressed"] = False
        if opcode == PING and not self.has("pings are not answered"):
            self.due += self.reply_frame(PONG, payload)
        if opcode == CLOSE:
            self.closed(payload)

    def closed(self, payload):
        if len(payload) == 1:
            if not self.has("a close of one octet is taken"):
                raise _Failed(1002)
            payload = b""
        if payload:
            code = int.from_bytes(payload[:2], "big")
            valid = 1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999
            if not valid and not self.has("every close code is taken"):
                raise _Failed(1002)
            try:
                payload[2:].decode()
            except UnicodeDecodeError:
                if not self.has("close reasons are not looked at"):
                    raise _Failed(1007) from None
        answer = b"" if self.has("a close is answered without its code") else payload[:2]
        last = self.due + self.reply_frame(CLOSE, answer)
        if self.has("a pong follows the close"):
            last += self.reply_frame(PONG, b"")
        self.due = b""
        self.write(last)
        self.linger()
        raise _Ended


def _ends_between_blocks(inflater, payload):
    """Whether the stream stands at the beginning of a block, as a whole message leaves it.

    Seen from outside: a final empty block behind it ends the stream. The copy is tried, not the
    stream itself.
    """
    if not payload:
        return False
    probe = inflater.copy()
    try:
        probe.decompress(b"\x03\x00")
    except zlib.error:
        return False
    return probe.eof
