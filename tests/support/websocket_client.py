"""A WebSocket client for tests: full control over the bytes sent, strict about those received."""

import base64
import hashlib
import os
import struct

import delivery_book
from byte_stream import StreamClosed
from deadlines import DEFAULT_SECONDS, as_deadline
from deflate import Deflate
from http_client import HttpConnection, build_request
from websocket_frames import (BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, FrameDecoder,
                              MessageAssembler, ProtocolViolation, close_payload, encode_frame)

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def random_key():
    return base64.b64encode(os.urandom(16)).decode()


def accept_for(key):
    """Sec-WebSocket-Accept for a Sec-WebSocket-Key (RFC 6455 section 4.2.2)."""
    return base64.b64encode(hashlib.sha1(key.encode() + _GUID).digest()).decode()


def upgrade_headers(key=None, **changes):
    """The headers of an opening handshake, as pairs.

    `changes` replaces or adds some, underscores for hyphens; None leaves one out, a list repeats it.
    """
    headers = {"Upgrade": "websocket", "Connection": "Upgrade",
               "Sec-WebSocket-Key": key or random_key(), "Sec-WebSocket-Version": "13"}
    names = {name.lower(): name for name in headers}
    for name, value in changes.items():
        name = name.replace("_", "-")
        headers[names.get(name.lower(), name)] = value
    pairs = []
    for name, value in headers.items():
        if value is not None:
            pairs += [(name, each) for each in (value if isinstance(value, list) else [value])]
    return pairs


class ConnectionClosed(AssertionError):
    """The server closed with `code` (None: an empty close frame or none at all)."""

    def __init__(self, code, reason, clean):
        super().__init__(f"closed by the server: {code} {reason!r}" + ("" if clean else " (no close)"))
        self.code = code
        self.reason = reason
        self.clean = clean  # a close frame came


class WebSocketClient:
    """An open connection. Pings are answered by themselves unless `answer_pings` is turned off.

    With permessage-deflate agreed (`deflate` is not None) what `send_text` and `send_binary` say is
    compressed; what comes is decompressed with exactly the window that was agreed on.
    """

    def __init__(self, connection, response, answer_pings=True, deflate=None):
        self.stream = connection.stream
        self.response = response
        self.answer_pings = answer_pings
        self.pings = []  # payloads of the server's pings, in order
        self.pongs = []  # payloads of the server's pongs, in order
        self.closed = None  # (code, reason) once the server's close frame is here
        self.deflate = deflate
        self.compressed = []  # of each message that came: was it compressed?
        self._decoder = FrameDecoder(allow_rsv1=deflate is not None)
        self._assembler = MessageAssembler(deflate)
        self._raw_notes = None

    @classmethod
    def connect(cls, address, path, *, subprotocols=(), answer_pings=True, receive_buffer=None,
                host=None, seconds=DEFAULT_SECONDS, deflate=None, **header_changes):
        """Shakes hands and checks every header of the 101. AssertionError with the answer if not.

        `deflate`: an offer of permessage-deflate, that has to be taken.
        """
        connection = HttpConnection(address, receive_buffer)
        try:
            if subprotocols:
                header_changes["Sec_WebSocket_Protocol"] = ", ".join(subprotocols)
            if deflate is not None:
                header_changes["Sec_WebSocket_Extensions"] = deflate
            key = random_key()
            connection.send(build_request("GET", path, upgrade_headers(key, **header_changes),
                                          host=host or connection.host))
            response = connection.read_response(seconds=seconds)
            assert response.status == 101, response
            assert response.header("Upgrade").lower() == "websocket", response
            assert response.header("Connection").lower() == "upgrade", response
            assert response.header("Sec-WebSocket-Accept") == accept_for(key), response
            extensions = response.all("Sec-WebSocket-Extensions")
            assert len(extensions) == (deflate is not None), response
            agreed = Deflate(extensions[0], deflate) if extensions else None
            client = cls(connection, response, answer_pings, agreed)
            book = delivery_book.current()
            client._raw_notes = delivery_book.RawNotes.of(book, path) if book is not None else None
            return client
        except BaseException:
            connection.close()
            raise

    @property
    def subprotocol(self):
        return self.response.header("Sec-WebSocket-Protocol")

    # Sending.

    def send_bytes(self, data):
        self.stream.send(data)

    def send_frame(self, opcode, payload=b"", **options):
        self.stream.send(encode_frame(opcode, payload, **options))

    def send_text(self, text):
        self.send_message(TEXT, text.encode() if isinstance(text, str) else text)

    def send_binary(self, data):
        self.send_message(BINARY, data)

    def send_message(self, opcode, payload):
        """One frame, compressed where that was agreed on."""
        if self.deflate is None:
            self.send_frame(opcode, payload)
        else:
            self.send_frame(opcode, self.deflate.compress(payload), rsv=4)

    def send_close(self, code=1000, reason=b""):
        self.send_frame(CLOSE, close_payload(code, reason))

    # Receiving.

    def receive_frame(self, seconds=DEFAULT_SECONDS):
        """The next frame of any kind, nothing done about it. StreamClosed at the end."""
        deadline = as_deadline(seconds)
        while True:
            if self.stream.buffer:
                self._decoder.feed(self.stream.take(len(self.stream.buffer)))
            frame = self._decoder.next_frame()
            if frame is not None:
                return frame
            try:
                self.stream.fill(deadline)
            except StreamClosed as closed:
                if self._decoder.pending() and not closed.was_reset:
                    raise ProtocolViolation(
                        f"the stream ends inside a frame: {self._decoder.pending()[:80]!r}") from None
                raise

    def receive(self, seconds=DEFAULT_SECONDS):
        """The next message as (opcode, payload). ConnectionClosed when the server closes instead."""
        deadline = as_deadline(seconds)
        while True:
            try:
                frame = self.receive_frame(deadline)
            except StreamClosed as closed:
                raise ConnectionClosed(None, str(closed), False) from None
            if frame.opcode == PING:
                self.pings.append(frame.payload)
                if self.answer_pings:
                    self.send_frame(PONG, frame.payload)
            elif frame.opcode == PONG:
                self.pongs.append(frame.payload)
            elif frame.opcode == CLOSE:
                self._take_close(frame.payload)
                raise ConnectionClosed(*self.closed, True)
            else:
                if frame.opcode != CONTINUATION:
                    self.compressed.append(frame.rsv1)
                message = self._assembler.add(frame)
                if message is not None:
                    if self._raw_notes is not None:
                        self._raw_notes.heard(message[1] if message[0] == BINARY
                                              else message[1].decode())
                    return message

    def receive_text(self, seconds=DEFAULT_SECONDS):
        opcode, payload = self.receive(seconds)
        assert opcode == TEXT, f"a binary message: {payload[:80]!r}"
        return payload.decode()

    def receive_binary(self, seconds=DEFAULT_SECONDS):
        opcode, payload = self.receive(seconds)
        assert opcode == BINARY, f"a text message: {payload[:80]!r}"
        return payload

    def receive_reply(self, seconds=DEFAULT_SECONDS):
        """The next frame that is no ping: the first ping of a connection that has not spoken yet
        comes at any moment of the interval, and was asked for by nobody."""
        deadline = as_deadline(seconds)
        while (frame := self.receive_frame(deadline)).opcode == PING:
            self.pings.append(frame.payload)
        return frame

    def receive_pong(self, seconds=DEFAULT_SECONDS):
        """The payload of the next frame but for pings, which has to be a pong."""
        frame = self.receive_reply(seconds)
        assert frame.opcode == PONG, frame
        return frame.payload

    def expect_close(self, codes, seconds=DEFAULT_SECONDS, *, messages_before=False):
        """The server closes with `codes` (one or several) and then ends the stream; returns the code.

        With `messages_before` messages may come first; they are thrown away.
        """
        allowed = (codes,) if codes is None or isinstance(codes, int) else tuple(codes)
        deadline = as_deadline(seconds)
        while True:
            try:
                message = self.receive(deadline)
            except ConnectionClosed as closed:
                assert closed.clean, f"the stream ended without a close frame, wanted {codes}"
                assert closed.code in allowed, f"{closed}, wanted {codes}"
                break
            assert messages_before, f"a message before the close {codes}: {message!r}"
        try:
            rest = self.stream.read_to_end(deadline)
        except StreamClosed:
            rest = b""  # the answer to its close may find the server's socket already gone
        assert rest == b"", f"bytes after the close frame: {rest[:80]!r}"
        return self.closed[0]

    def close(self, code=1000):
        """A clean closing handshake, begun by us."""
        if self.closed is None:
            self.send_close(code)
            self.expect_close((code, 1000, None), messages_before=True)
        self.stream.close()

    def abort(self):
        """Closes the socket without a word."""
        self.stream.close()

    def _take_close(self, payload):
        if len(payload) == 1:
            raise ProtocolViolation("a close frame with one byte")
        if payload:
            code, reason = struct.unpack("!H", payload[:2])[0], payload[2:].decode("utf-8")
            if not (1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999):
                raise ProtocolViolation(f"close code {code} may not be sent")
            self.closed = (code, reason)
        else:
            self.closed = (None, "")
        try:
            self.send_frame(CLOSE, payload[:2])
        except StreamClosed:
            pass

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.abort()
