"""The test client speaks RFC 6455 itself: tried on its examples and on a tiny echo server."""

import socket
import threading

import pytest

from byte_stream import ByteStream, StreamClosed, StreamTimeout
from http_client import HttpConnection, build_request, chunk, parse_head
from prometheus_text import parse_metrics
from websocket_client import ConnectionClosed, WebSocketClient, accept_for, upgrade_headers
from websocket_frames import (BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, FrameDecoder,
                              MessageAssembler, ProtocolViolation, apply_mask, close_payload,
                              encode_frame)


def decode(data):
    decoder = FrameDecoder()
    decoder.feed(data)
    return decoder.next_frame()


def unmask_client_frame(stream):
    """Reads one client frame, written anew and simply, so that the encoder is not its own oracle."""
    first, second = stream.read_exactly(2)
    assert second & 0x80, "a client frame is masked"
    length = second & 0x7F
    if length == 126:
        length = int.from_bytes(stream.read_exactly(2), "big")
    elif length == 127:
        length = int.from_bytes(stream.read_exactly(8), "big")
    key = stream.read_exactly(4)
    masked = stream.read_exactly(length)
    return first & 0x80, first & 0x0F, bytes(byte ^ key[i % 4] for i, byte in enumerate(masked))


class EchoServer:
    """Accepts one client, shakes hands, sends back what it gets until a close frame."""

    def __init__(self, greeting=b"", split=False):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = self._listener.getsockname()
        self._greeting, self._split = greeting, split
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        sock, _ = self._listener.accept()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream = ByteStream(sock)
        send = stream.send_bytewise if self._split else stream.send
        head = stream.read_until(b"\r\n\r\n").decode()
        key = [line.split(": ")[1] for line in head.split("\r\n") if line.startswith("Sec-WebSocket-Key")]
        send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             b"Sec-WebSocket-Accept: " + accept_for(key[0]).encode() + b"\r\n\r\n" + self._greeting)
        try:
            while True:
                fin, opcode, payload = unmask_client_frame(stream)
                opcode = PONG if opcode == PING else opcode
                send(encode_frame(opcode, payload, fin=bool(fin), mask=None))
                if opcode == CLOSE:
                    break
        except StreamClosed:
            pass
        sock.close()
        self._listener.close()


class TestFrames:
    # RFC 6455 section 5.7.
    EXAMPLES = [
        ("8105 48656c6c6f", Frame(TEXT, b"Hello")),
        ("0103 48656c", Frame(TEXT, b"Hel", False)),
        ("8002 6c6f", Frame(CONTINUATION, b"lo")),
        ("8905 48656c6c6f", Frame(PING, b"Hello")),
        ("827e0100" + "00" * 256, Frame(BINARY, bytes(256))),
        ("827f0000000000010000" + "00" * 65536, Frame(BINARY, bytes(65536))),
    ]

    @pytest.mark.parametrize("text, frame", EXAMPLES, ids=range(len(EXAMPLES)))
    def test_the_examples_of_the_rfc_decode_and_encode(self, text, frame):
        data = bytes.fromhex(text)
        assert decode(data) == frame
        assert encode_frame(frame.opcode, frame.payload, fin=frame.fin, mask=None) == data

    def test_the_masked_example_of_the_rfc_encodes(self):
        assert encode_frame(TEXT, b"Hello", mask=bytes.fromhex("37fa213d")) == bytes.fromhex(
            "818537fa213d7f9f4d5158")

    @pytest.mark.parametrize("length", [0, 1, 3, 4, 5, 7, 1000])
    def test_masking_is_the_byte_by_byte_rule(self, length):
        payload, key = bytes(range(256)) * 4, b"\x01\x80\xff\x33"
        payload = payload[:length]
        assert apply_mask(payload, key) == bytes(b ^ key[i % 4] for i, b in enumerate(payload))

    def test_a_frame_decodes_at_every_split(self):
        data = encode_frame(TEXT, b"x" * 130, mask=None) + encode_frame(PING, b"y", mask=None)
        for split in range(len(data) + 1):
            decoder, frames = FrameDecoder(), []
            for part in (data[:split], data[split:]):
                decoder.feed(part)
                while (frame := decoder.next_frame()) is not None:
                    frames.append(frame)
            assert frames == [Frame(TEXT, b"x" * 130), Frame(PING, b"y")]

    @pytest.mark.parametrize("data", [
        encode_frame(TEXT, b"a"), encode_frame(TEXT, b"a", rsv=4, mask=None),
        encode_frame(3, b"a", mask=None), encode_frame(PING, b"a", fin=False, mask=None),
        encode_frame(PING, bytes(126), mask=None),
        encode_frame(TEXT, b"a", length_form=16, mask=None),
        encode_frame(TEXT, bytes(126), length_form=64, mask=None),
        encode_frame(TEXT, length=1 << 63, mask=None)])
    def test_what_a_server_may_not_send_is_a_violation(self, data):
        with pytest.raises(ProtocolViolation):
            decode(data)

    @pytest.mark.parametrize("frames", [
        [Frame(CONTINUATION, b"")], [Frame(TEXT, b"", False), Frame(TEXT, b"")],
        [Frame(TEXT, b"\xff")], [Frame(TEXT, b"\xc3", False), Frame(CONTINUATION, b"a")]])
    def test_fragments_out_of_order_and_bad_utf8_are_violations(self, frames):
        assembler = MessageAssembler()
        with pytest.raises(ProtocolViolation):
            for frame in frames:
                assembler.add(frame)


@pytest.mark.parametrize("split", [False, True], ids=["whole", "bytewise"])
class TestClient:
    def test_echoes_every_length_form(self, split):
        with WebSocketClient.connect(EchoServer(split=split).address, "/") as client:
            for length in (0, 1, 125, 126, 65535, 65536) if not split else (0, 125, 126):
                client.send_binary(bytes(length))
                assert client.receive_binary() == bytes(length)
            client.close()

    def test_puts_fragments_together_and_answers_pings_between_them(self, split):
        greeting = (encode_frame(TEXT, b"a\xc3", fin=False, mask=None) + encode_frame(PING, b"p",
                                                                                      mask=None)
                    + encode_frame(CONTINUATION, b"\xa9", mask=None))
        with WebSocketClient.connect(EchoServer(greeting, split).address, "/") as client:
            assert client.receive_text() == "a\u00e9"
            assert client.pings == [b"p"]
            assert client.receive_pong() == b"p"  # our own answer, echoed

    def test_takes_no_ping_for_a_reply(self, split):
        greeting = encode_frame(PING, b"p", mask=None) + encode_frame(PONG, b"q", mask=None)
        with WebSocketClient.connect(EchoServer(greeting * 2, split).address, "/") as client:
            assert client.receive_pong() == b"q"
            assert client.receive_reply() == Frame(PONG, b"q")
            assert client.pings == [b"p"] * 2

    def test_reports_the_servers_close_code(self, split):
        greeting = encode_frame(CLOSE, close_payload(4003, b"bye"), mask=None)
        with WebSocketClient.connect(EchoServer(greeting, split).address, "/") as client:
            with pytest.raises(ConnectionClosed) as closed:
                client.receive()
            assert (closed.value.code, closed.value.reason) == (4003, "bye")

    def test_expect_close_refuses_another_code_and_a_message_before_it(self, split):
        for greeting in (encode_frame(CLOSE, close_payload(1002), mask=None),
                         encode_frame(TEXT, b"a", mask=None)):
            with WebSocketClient.connect(EchoServer(greeting, split).address, "/") as client:
                with pytest.raises(AssertionError):
                    client.expect_close(1000, 0.5)


def test_a_wait_for_nothing_ends_with_a_timeout():
    with WebSocketClient.connect(EchoServer().address, "/") as client:
        with pytest.raises(StreamTimeout):
            client.receive(0.05)


def test_the_accept_value_is_that_of_the_rfc():
    assert accept_for("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def test_handshake_headers_can_be_left_out_repeated_and_replaced():
    headers = upgrade_headers("k", Upgrade=None, Origin=["a", "b"], connection="x")
    assert headers == [("Connection", "x"), ("Sec-WebSocket-Key", "k"),
                       ("Sec-WebSocket-Version", "13"),
                       ("Origin", "a"), ("Origin", "b")]


class TestHttp:
    def test_builds_what_it_is_told(self):
        assert build_request("POST", "/a", {"X": "1"}, b"hi", host=None) == (
            b"POST /a HTTP/1.1\r\nX: 1\r\nContent-Length: 2\r\n\r\nhi")
        assert chunk(b"hello") == b"5\r\nhello\r\n" and chunk(b"") == b"0\r\n\r\n"

    @pytest.mark.parametrize("head", [
        b"HTTP/1.1 200 OK\nA: b\r\n\r\n", b"HTTP/1.0 200 OK\r\n\r\n", b"HTTP/1.1 200\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nA : b\r\n\r\n", b"HTTP/1.1 200 OK\r\n b: c\r\n\r\n"])
    def test_refuses_a_malformed_head(self, head):
        with pytest.raises(AssertionError):
            parse_head(head)

    def test_reads_pipelined_answers_of_each_framing(self):
        ours, theirs = socket.socketpair()
        connection = HttpConnection.__new__(HttpConnection)
        connection.stream = ByteStream(ours)
        theirs.sendall(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"
                       b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nhi\r\n0\r\nT: t\r\n\r\n"
                       b"HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
                       b"HTTP/1.1 200 OK\r\n\r\nto the end")
        theirs.close()
        assert connection.read_response().body == b"abc"
        assert connection.read_response().body == b"hi"
        assert connection.read_response().status == 204
        assert connection.read_response("HEAD").body == b""
        assert connection.read_response().body == b"to the end"
        ours.close()


class TestMetricsText:
    GOOD = ('# HELP a_total Number of a.\n# TYPE a_total counter\na_total{x="1",y="q\\"\\\\"} 3\n'
            'a_total{x="2"} 4.5e3\n# HELP b B.\n# TYPE b gauge\nb -1\n')

    def test_sums_by_label(self):
        metrics = parse_metrics(self.GOOD)
        assert metrics.total("a_total") == 4503 and metrics.total("a_total", x="1") == 3
        assert metrics.total("b") == -1 and metrics.total("none") == 0

    @pytest.mark.parametrize("text", [
        "a 1\n", "# TYPE a gauge\na 1\n", "# HELP a A.\n# TYPE a gauge\na 1",
        "# HELP a A.\n# TYPE a cake\n",
        "# HELP a A.\n# TYPE a gauge\na one\n", "# HELP a A.\n# TYPE a gauge\na 1\na 2\n",
        '# HELP a A.\n# TYPE a gauge\na{x=1} 1\n',
        "# HELP a A.\n# TYPE a gauge\n# TYPE a gauge\na 1\n",
        "# HELP a A.\n# TYPE a counter\na 1\n",
        "# HELP a_total A.\n# TYPE a_total counter\na_total -1\n",
        "# HELP a A.\n# TYPE a gauge\n# HELP b A.\n# TYPE b gauge\na{x=\"1\"} 1\nb 1\na{x=\"2\"} 1\n"])
    def test_refuses_what_a_scraper_would(self, text):
        with pytest.raises(AssertionError):
            parse_metrics(text)

    def test_open_metrics_ends_with_eof(self):
        assert parse_metrics("# HELP a A.\n# TYPE a counter\na_total 1\n# EOF\n",
                             True).total("a_total") == 1
        with pytest.raises(AssertionError):
            parse_metrics("# HELP a A.\n# TYPE a counter\na_total 1\n", True)
