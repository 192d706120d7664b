"""One connection to the server under test, as a conformance case drives it."""

import base64
import hashlib
import json
import os
import select
import socket
import ssl
import sys
from dataclasses import replace

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "support"))

import wire  # noqa: E402  (after the path is set)
from deadlines import PATIENCE, Deadline, as_deadline  # noqa: E402
from strict_deflate import (Deflater, Disagreement, Inflater,  # noqa: E402
                            parameters_of, read_agreement)

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
ANSWER_SECONDS = 20  # for a reply that is due; the machine may be busy
CLOSE_SECONDS = 4  # for the end of the TCP connection; below any timeout a server would wait for
HEAD_BYTES_MAX = 16384
RECEIVE_BYTES = 1 << 18


class Mismatch(Exception):
    """A case has failed: what the protocol asks for, and what came."""

    def __init__(self, expected, got):
        super().__init__(f"expected {expected}, got {got}")
        self.expected = expected
        self.got = got


def shown(value):
    """A payload or a frame, short enough for a line of the table."""
    if isinstance(value, bytes):
        return f"{value[:24]!r}..., {len(value)} bytes" if len(value) > 32 else repr(value)
    if isinstance(value, tuple) and value and value[0] in wire.NAMES:
        if value[0] == wire.CLOSE:
            code = int.from_bytes(value[1][:2], "big") if value[1] else None
            return f"close {code} {value[1][2:].decode(errors='replace')!r}"
        return f"{wire.NAMES[value[0]]} {shown(value[1])}"
    return str(value)


class Response:
    """The head of an HTTP answer."""

    def __init__(self, raw):
        lines = raw.decode("latin-1").split("\r\n")
        self.status = int(lines[0].split(" ")[1]) if lines[0].startswith("HTTP/1.1 ") else 0
        self.headers = [(name.lower(), value.strip(" \t")) for name, _, value in
                        (line.partition(":") for line in lines[1:] if line)]

    def all(self, name):
        return [value for key, value in self.headers if key == name.lower()]

    def get(self, name):
        values = self.all(name)
        return ", ".join(values) if values else None


class Target:
    """Where a server listens. `context`: an ssl.SSLContext, or None for plain TCP."""

    def __init__(self, address, path="/echo", context=None):
        self.address = address
        self.path = path
        self.context = context

    def connect(self, receive_buffer=None):
        """A connected socket; with TLS, through its handshake."""
        raw = socket.socket(socket.AF_INET)
        try:
            if receive_buffer is not None:
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            raw.settimeout(Deadline(ANSWER_SECONDS).remaining())
            raw.connect(self.address)
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.context is None:
                return raw
            return self.context.wrap_socket(raw, server_hostname=self.address[0],
                                            suppress_ragged_eofs=False)
        except BaseException:
            raw.close()
            raise


class Peer:
    """A client that says exactly what it is told to, and holds the server to the RFCs."""

    def __init__(self, target, receive_buffer=None):
        self.target = target
        self.socket = target.connect(receive_buffer)
        self.response = None
        self.agreement = None
        self._reader = wire.FrameReader()
        self._http = b""
        self._message = None  # (opcode, is compressed, payloads) of an unfinished message
        self._is_closing = False  # its close frame has come: nothing may follow
        self.was_compressed = False  # the newest message
        self._deflater = self._inflater = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.abort()

    def abort(self):
        self.socket.close()

    # The handshake.

    @classmethod
    def opened(cls, target, offers=(), *, level=6, **options):
        """A connection that was upgraded. `offers`: the Sec-WebSocket-Extensions lines."""
        peer = cls(target, **options)
        try:
            peer.upgrade(offers)
            if offers:
                peer.agree(offers, level)
            elif peer.response.get("Sec-WebSocket-Extensions") is not None:
                raise Mismatch("no extension", peer.response.get("Sec-WebSocket-Extensions"))
        except BaseException:
            peer.abort()
            raise
        return peer

    @classmethod
    def deflating(cls, target, offers=("permessage-deflate",), **options):
        """A connection on which permessage-deflate was agreed: else the case has failed."""
        peer = cls.opened(target, offers, **options)
        if peer.agreement is None:
            peer.abort()
            raise Mismatch("permessage-deflate", "no extension: unimplemented")
        return peer

    def request(self, headers=(), *, path=None, key=None, instead=None):
        """The bytes of a handshake; `headers` come after those that are due.

        `instead`: {name: value or None} replaces or leaves out what is due.
        """
        self.key = key or base64.b64encode(os.urandom(16)).decode()
        due = {"Host": f"{self.target.address[0]}:{self.target.address[1]}",
               "Upgrade": "websocket", "Connection": "Upgrade",
               "Sec-WebSocket-Key": self.key, "Sec-WebSocket-Version": "13", **(instead or {})}
        lines = [f"GET {path or self.target.path} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in due.items() if value is not None]
        lines += [f"{name}: {value}" for name, value in headers]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def upgrade(self, offers=()):
        self.send(self.request([("Sec-WebSocket-Extensions", line) for line in offers]))
        self.expect_upgraded()

    def expect_upgraded(self):
        response = self.read_response()
        if response.status != 101:
            raise Mismatch("101", f"status {response.status}")
        accept = base64.b64encode(hashlib.sha1(self.key.encode() + _GUID).digest()).decode()
        for name, value in (("Upgrade", "websocket"), ("Connection", "Upgrade"),
                            ("Sec-WebSocket-Accept", accept)):
            if [each.lower() for each in response.all(name)] != [value.lower()]:
                raise Mismatch(f"{name}: {value}", str(response.all(name)))

    def expect_refused(self):
        """The body and the end of an answer that is no 101: nothing else may come on it."""
        deadline = Deadline(CLOSE_SECONDS)
        body = self._http
        while True:
            data = self._receive(deadline)
            if not data:
                break
            body += data
        length = self.response.get("Content-Length")
        if length != str(len(body)):
            raise Mismatch(f"a body of Content-Length: {length}", f"{len(body)} bytes")
        try:
            code = json.loads(body)["error"]["code"]
        except (ValueError, KeyError, TypeError):
            code = None
        if not code:
            raise Mismatch("a JSON body with an error code", shown(body))

    def read_response(self):
        """The head of an answer. What is behind it stays: frames of a 101."""
        deadline = Deadline(ANSWER_SECONDS)
        while b"\r\n\r\n" not in self._http:
            data = self._receive(deadline)
            if not data:
                raise Mismatch("an HTTP answer", f"the end after {self._http!r}")
            self._http += data
            if len(self._http) > HEAD_BYTES_MAX:
                raise Mismatch("an HTTP answer", "an endless head")
        raw, _, rest = self._http.partition(b"\r\n\r\n")
        self.response = Response(raw)
        self._http = rest
        if self.response.status == 101:
            self._reader.feed(rest)
        return self.response

    def agree(self, offers, level=6):
        """Takes over what the server has answered to `offers`."""
        answer = self.response.get("Sec-WebSocket-Extensions")
        if answer is None:
            return
        offered = {key for line in offers for element in line.split(",")
                   for key, _ in parameters_of(element.strip())[1]}
        try:
            self.agreement = read_agreement(answer, offered)
        except Disagreement as problem:
            raise Mismatch("an answer that fits the offer", str(problem)) from None
        self._deflater = Deflater(self.agreement, level)
        self._inflater = Inflater(self.agreement)

    def inflate_with(self, window_bits):
        """Holds the server to a smaller window than it has answered."""
        self._inflater = Inflater(replace(self.agreement, server_max_window_bits=window_bits))

    # Sending.

    def send(self, *pieces, chop=None):
        """Sends `pieces`, each by itself, or all together in chops of `chop` octets."""
        if chop is not None:
            data = b"".join(pieces)
            pieces = [data[at:at + chop] for at in range(0, len(data), chop)]
        try:
            for piece in pieces:
                self.socket.sendall(piece)
        except TimeoutError:
            raise Mismatch("a server that reads", "nothing taken in time") from None
        except OSError as problem:
            raise Mismatch("a connection that can be written to", _named(problem)) from None

    def push(self, data):
        """Sends what goes out of `data` without waiting; what is left of it."""
        while data and select.select([], [self.socket], [], 0)[1]:
            self.socket.settimeout(0)
            try:
                data = data[self.socket.send(data):]
            except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
                break
            except OSError as problem:
                raise Mismatch("a connection that can be written to", _named(problem)) from None
        return data

    def compressed(self, payload):
        return self._deflater.message(payload)

    def send_compressed(self, opcode, payload, fragment=None):
        data = self.compressed(payload)
        self.send(b"".join(wire.fragments(opcode, data, fragment or max(len(data), 1),
                                          rsv=wire.RSV1)))

    # Receiving.

    def _receive(self, deadline):
        """Bytes, b"" at the end. Raises Mismatch at a reset, or when the time is over."""
        try:
            self.socket.settimeout(max(deadline.remaining(), 0.001))
            return self.socket.recv(RECEIVE_BYTES)
        except TimeoutError:
            raise Mismatch("an answer", "nothing in time") from None
        except OSError as problem:
            raise Mismatch("an orderly end", _named(problem)) from None

    def frame(self, seconds=None):
        """The next frame, a heartbeat answered and left out; None at the end of the connection."""
        deadline = as_deadline(ANSWER_SECONDS if seconds is None else seconds)
        while True:
            try:
                found = self._reader.next()
            except wire.Violation as problem:
                raise Mismatch("a frame by RFC 6455", str(problem)) from None
            if found is not None:
                if found.rsv1 and self.agreement is None:
                    raise Mismatch("RSV 0", "RSV1 without permessage-deflate")
                if found.opcode == wire.PING and not self._is_closing:
                    self.send(wire.pong(found.payload))
                    continue
                return found
            data = self._receive(deadline)
            if not data:
                if self._reader.left():
                    raise Mismatch("whole frames", "the end inside of one")
                return None
            self._reader.feed(data)

    def event(self, seconds=None, *, exact=False):
        """The next message or control frame, (opcode, payload); None at the end."""
        deadline = as_deadline(ANSWER_SECONDS if seconds is None else seconds)
        while True:
            frame = self.frame(deadline)
            if frame is None:
                return None
            if frame.opcode >= wire.CLOSE:
                return frame.opcode, frame.payload
            if (frame.opcode == wire.CONTINUATION) != (self._message is not None):
                raise Mismatch("fragments in order", f"a {wire.NAMES[frame.opcode]} frame")
            if self._message is None:
                self._message = (frame.opcode, frame.rsv1, [])
            self._message[2].append(frame.payload)
            if frame.fin:
                opcode, is_compressed, parts = self._message
                self._message = None
                return opcode, self._whole(is_compressed, b"".join(parts), exact)

    def _whole(self, is_compressed, payload, exact):
        self.was_compressed = is_compressed
        if not is_compressed:
            return payload
        try:
            return self._inflater.message(payload, exact=exact)
        except Disagreement as problem:
            raise Mismatch("a reply as agreed", str(problem)) from None

    def expect(self, *events, exact=False):
        """Exactly these messages and control frames, in this order."""
        for wanted in events:
            got = self.event(exact=exact)
            if got != wanted:
                raise Mismatch(shown(wanted), shown(got) if got else "the end of the connection")

    def expect_silence(self):
        """Nothing is owed: a ping comes back, and nothing before it."""
        probe = os.urandom(4)
        self.send(wire.ping(probe))
        self.expect((wire.PONG, probe))

    # The end.

    def expect_close(self, codes):
        """A close frame with one of `codes` (None: an empty one), its reason UTF-8."""
        got = self.event()
        wanted = f"close {' or '.join(map(str, codes))}"
        if got is None or got[0] != wire.CLOSE:
            raise Mismatch(wanted, shown(got) if got else "the end of the connection")
        self._is_closing = True
        payload = got[1]
        code = int.from_bytes(payload[:2], "big") if len(payload) >= 2 else None
        if len(payload) == 1 or code not in codes:
            raise Mismatch(wanted, shown(got))
        try:
            payload[2:].decode()
        except UnicodeDecodeError:
            raise Mismatch("a reason in UTF-8", repr(payload[2:])) from None

    def expect_end(self):
        """The server ends the TCP connection, soon, without another byte and without a reset."""
        try:
            got = self.event(CLOSE_SECONDS)
        except Mismatch as problem:
            raise Mismatch("the end of TCP after the close", problem.got) from None
        if got is not None:
            raise Mismatch("nothing after the close", shown(got))

    def close(self, code=1000, reason=b""):
        """The closing handshake, begun by us; the server echoes the code."""
        self.send(wire.close(code, reason))
        self.expect_close([code])
        self.expect_end()

    def expect_failed(self, *codes):
        """The server fails the connection with one of `codes`; we answer, it ends TCP."""
        self.expect_close(codes)
        if select.select([self.socket], [], [], 0)[0]:
            self.expect_end()  # Its half is closed already: ours is nothing it waits for.
            return
        try:
            self.socket.sendall(wire.close(codes[0]))
        except OSError as problem:
            raise Mismatch("a close that can be answered", _named(problem)) from None
        self.expect_end()


def _named(problem):
    return f"{type(problem).__name__}: {problem}"
