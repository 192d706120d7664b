"""Frames, messages and the closing handshake, on the echo door (RFC 6455 sections 5 to 7)."""

import struct

import pytest

from byte_stream import StreamClosed
from daemon import Daemon
from deadlines import eventually
from websocket_client import ConnectionClosed
from websocket_frames import (BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, close_payload,
                              encode_frame)

KIB, MIB = 1 << 10, 1 << 20


@pytest.fixture
def echo(daemon):
    return daemon.websocket("/echo")


class TestMessages:
    @pytest.mark.parametrize("length",
                             [0, 1, 125, 126, 127, 128, 65535, 65536, 65537, 300_000, MIB])
    def test_of_every_length_come_back(self, echo, length):
        text = ("0123456789abcdef" * (length // 16 + 1))[:length]
        echo.send_text(text)
        assert echo.receive_text() == text
        echo.send_binary(bytes(range(256)) * (length // 256) + bytes(length % 256))
        assert len(echo.receive_binary()) == length

    def test_binary_may_hold_any_bytes(self, echo):
        data = bytes(range(256)) * 16
        echo.send_binary(data)
        assert echo.receive_binary() == data

    @pytest.mark.parametrize("key", [b"\0\0\0\0", b"\xff\xff\xff\xff", b"\1\2\3\4"])
    def test_are_unmasked_with_any_key_at_any_length(self, echo, key):
        for length in list(range(0, 70)) + [255, 1000, 4097]:
            data = bytes(i % 251 for i in range(length))
            echo.send_frame(BINARY, data, mask=key)
            assert echo.receive_binary() == data

    def test_many_in_one_segment_come_back_in_order(self, echo):
        echo.send_bytes(b"".join(encode_frame(TEXT, str(i).encode()) for i in range(500)))
        assert [echo.receive_text() for _ in range(500)] == [str(i) for i in range(500)]

    def test_may_arrive_byte_by_byte(self, echo):
        data = encode_frame(TEXT, "größer".encode()) + encode_frame(BINARY, b"x" * 130)
        echo.stream.send_bytewise(data)
        assert echo.receive_text() == "größer"
        assert echo.receive_binary() == b"x" * 130

    def test_may_be_split_at_any_byte(self, echo):
        data = encode_frame(TEXT, b"a" * 126, fin=False) + encode_frame(CONTINUATION,
                                                                        b"\xe2\x82\xac")
        for split in range(1, len(data)):
            echo.send_bytes(data[:split])
            echo.send_bytes(data[split:])
        for _ in range(1, len(data)):
            assert echo.receive_text() == "a" * 126 + "€"

    def test_more_of_them_than_commands_are_allowed_come_back(self, start):
        own = start({"limits": {"commands_per_second": 1, "subscriptions_per_connection": 1}})
        client = own.websocket("/echo")
        for number in range(300):
            client.send_text(str(number))
            assert client.receive_text() == str(number)


class TestFragments:
    def test_become_one_message(self, echo):
        for opcode in (TEXT, BINARY):
            echo.send_frame(opcode, b"one ", fin=False)
            echo.send_frame(CONTINUATION, b"two ", fin=False)
            echo.send_frame(CONTINUATION, b"three")
            assert echo.receive() == (opcode, b"one two three")

    def test_may_be_empty(self, echo):
        echo.send_frame(TEXT, b"", fin=False)
        echo.send_frame(CONTINUATION, b"", fin=False)
        echo.send_frame(CONTINUATION, b"a", fin=False)
        echo.send_frame(CONTINUATION, b"")
        assert echo.receive_text() == "a"

    def test_may_have_a_ping_between_them_that_is_answered_at_once(self, echo):
        echo.send_frame(TEXT, b"a", fin=False)
        echo.send_frame(PING, b"now")
        assert echo.receive_pong() == b"now"
        echo.send_frame(CONTINUATION, b"b")
        assert echo.receive_text() == "ab"

    def test_may_split_a_code_point(self, echo):
        data = "aµ€😀".encode()
        for index, byte in enumerate(data):
            echo.send_frame(TEXT if index == 0 else CONTINUATION, bytes([byte]),
                            fin=index == len(data) - 1)
        assert echo.receive_text() == "aµ€😀"

    def test_may_be_followed_by_a_close_before_they_end(self, echo):
        echo.send_frame(TEXT, b"a", fin=False)
        echo.close()


VIOLATIONS = {
    "an unmasked frame": encode_frame(TEXT, b"a", mask=None),
    "an unmasked close": encode_frame(CLOSE, close_payload(1000), mask=None),
    **{f"RSV{3 - bit}": encode_frame(TEXT, b"a", rsv=1 << bit) for bit in range(3)},
    "RSV1 on a ping": encode_frame(PING, b"", rsv=4),
    "RSV1 on a continuation": encode_frame(TEXT, b"", fin=False) + encode_frame(CONTINUATION,
                                                                                rsv=4),
    **{f"opcode {opcode}": encode_frame(opcode, b"") for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14,
                                                                    15)},
    "a ping of 126 bytes": encode_frame(PING, bytes(126)),
    "a pong of 126 bytes": encode_frame(PONG, bytes(126)),
    "a close of 126 bytes": encode_frame(CLOSE, close_payload(1000, b"x" * 124)),
    "a fragmented ping": encode_frame(PING, b"", fin=False),
    "a fragmented pong": encode_frame(PONG, b"", fin=False),
    "a fragmented close": encode_frame(CLOSE, close_payload(1000), fin=False),
    "a continuation of nothing": encode_frame(CONTINUATION, b"a"),
    "an unfinished continuation of nothing": encode_frame(CONTINUATION, b"a", fin=False),
    "a continuation after a whole message": encode_frame(TEXT, b"a", fin=False) + encode_frame(
        CONTINUATION, b"b") + encode_frame(CONTINUATION, b"c"),
    "a text inside a message": encode_frame(TEXT, b"a", fin=False) + encode_frame(TEXT, b"b"),
    "a binary inside a message": encode_frame(TEXT, b"a", fin=False) + encode_frame(BINARY, b"b"),
    "a 64-bit length with its high bit set": encode_frame(BINARY, length=1 << 63, length_form=64),
    "the largest 64-bit length": encode_frame(BINARY, length=(1 << 64) - 1, length_form=64),
    "a short length in 16 bits": encode_frame(TEXT, b"a" * 125, length_form=16),
    "a short length in 64 bits": encode_frame(TEXT, b"a" * 125, length_form=64),
    "a 16-bit length in 64 bits": encode_frame(TEXT, b"a" * 65535, length_form=64),
}


class TestProtocolErrors:
    @pytest.mark.parametrize("name", VIOLATIONS)
    def test_are_closed_with_1002(self, echo, name):
        echo.send_bytes(VIOLATIONS[name])
        echo.expect_close(1002, messages_before="after a whole message" in name)

    @pytest.mark.parametrize("name", ["an unmasked frame", "opcode 3", "a fragmented ping"])
    def test_are_found_byte_by_byte_too(self, echo, name):
        try:
            echo.stream.send_bytewise(VIOLATIONS[name])
        except StreamClosed:
            pass  # the server need not wait for the last byte
        echo.expect_close(1002)

    def test_have_a_reason_that_a_person_can_read(self, echo):
        echo.send_bytes(VIOLATIONS["an unmasked frame"])
        with pytest.raises(ConnectionClosed) as closed:
            echo.receive()
        assert closed.value.reason and closed.value.reason.isascii()

    def test_let_the_messages_before_them_be_answered(self, echo):
        echo.send_bytes(encode_frame(TEXT, b"first") + VIOLATIONS["opcode 3"])
        assert echo.receive_text() == "first"
        echo.expect_close(1002)

    def test_can_be_read_by_a_peer_that_goes_on_sending(self, echo):
        echo.send_bytes(VIOLATIONS["RSV1"])
        for _ in range(8):  # unread input at close(2) would make the kernel send RST instead
            echo.send_binary(bytes(64 * KIB))
        with pytest.raises(ConnectionClosed) as closed:
            echo.receive()
        assert closed.value.code == 1002
        echo.stream.finish_writing()
        echo.stream.expect_end()

    def test_end_only_their_own_connection(self, daemon):
        others = [daemon.websocket("/echo") for _ in range(8)]
        for name in VIOLATIONS:
            daemon.websocket("/echo").send_bytes(VIOLATIONS[name])
        for client in others:
            client.send_text("still here")
            assert client.receive_text() == "still here"


class TestControlFrames:
    @pytest.mark.parametrize("payload", [b"", b"a", bytes(range(125))])
    def test_a_ping_is_answered_with_its_payload(self, echo, payload):
        echo.send_frame(PING, payload)
        assert echo.receive_pong() == payload

    def test_an_unasked_pong_is_ignored(self, echo):
        echo.send_frame(PONG, b"nobody asked")
        echo.send_text("a")
        assert echo.receive_reply() == Frame(TEXT, b"a")

    def test_pongs_coalesce_to_the_newest(self, echo):
        sent = [str(i).encode() for i in range(40)]
        echo.send_bytes(b"".join(encode_frame(PING, payload) for payload in sent))
        got = [echo.receive_pong()]
        while got[-1] != sent[-1]:
            got.append(echo.receive_pong())
        at = [sent.index(payload) for payload in got]
        assert at == sorted(set(at)), "pongs in another order than the pings, or twice"

    def test_a_hundred_at_once_are_borne(self, echo):
        echo.send_bytes(encode_frame(PING, b"x") * 99 + encode_frame(PING, b"last"))
        while echo.receive_pong() != b"last":
            pass
        echo.send_text("alive")
        assert echo.receive_text() == "alive"

    @pytest.mark.parametrize("opcode", [PING, PONG])
    def test_a_flood_of_them_is_closed_with_1008(self, echo, opcode):
        with pytest.raises(ConnectionClosed) as closed:
            try:
                echo.send_bytes(encode_frame(opcode, b"x") * 3000)
            except StreamClosed:
                pass
            echo.receive()
        assert closed.value.code == 1008


class TestTheClosingHandshake:
    @pytest.mark.parametrize("code",
                             [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999,
                                      4000, 4999])
    def test_begun_by_the_client_is_answered_and_ended_by_the_server(self, echo, code):
        echo.send_close(code, "bye".encode())
        echo.expect_close((code, 1000))

    def test_may_come_without_a_code(self, echo):
        echo.send_close(None)
        echo.expect_close((None, 1000))

    def test_may_have_the_longest_reason(self, echo):
        echo.send_close(1000, b"x" * 123)
        echo.expect_close(1000)

    @pytest.mark.parametrize("code",
                             [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 1999, 2000, 2999, 5000,
                                      5001, 65535])
    def test_with_a_code_that_may_not_be_sent_is_1002(self, echo, code):
        echo.send_close(code)
        echo.expect_close(1002)

    def test_with_one_byte_is_1002(self, echo):
        echo.send_frame(CLOSE, b"\x03")
        echo.expect_close(1002)

    def test_with_a_reason_that_is_not_utf8_is_refused(self, echo):
        echo.send_close(1000, b"\xff\xfe")
        echo.expect_close((1007, 1002))

    def test_ends_what_is_said(self, echo):
        echo.send_bytes(encode_frame(CLOSE, close_payload(1000)) + encode_frame(TEXT, b"late")
                        + encode_frame(PING, b"late"))
        echo.expect_close(1000)
        assert echo.pongs == []

    def test_is_not_lost_in_a_reset_however_much_is_unread_behind_it(self, echo):
        rest = encode_frame(BINARY, b"late" * 1000) * 1000
        echo.send_bytes(encode_frame(CLOSE, close_payload(1000)) + rest[:len(rest) // 2])
        assert echo.receive_reply() == Frame(CLOSE, close_payload(1000))
        echo.send_bytes(rest[len(rest) // 2:])
        with pytest.raises(StreamClosed) as ended:
            echo.receive_frame()
        assert not ended.value.was_reset

    def test_is_over_when_the_client_ends_tcp(self, daemon):
        def connections():
            return daemon.metric("wspushd_connections", door="echo")

        eventually(lambda: connections() == 0, "those of other tests are gone")
        client = daemon.websocket()
        client.send_close()
        client.expect_close(1000)
        assert connections() == 1
        client.abort()
        eventually(lambda: connections() == 0, "it is gone", 4)  # it was waited for, 5 s at most

    def test_comes_after_what_was_asked_before_it(self, echo):
        echo.send_bytes(encode_frame(TEXT, b"a") + encode_frame(TEXT, b"b") + encode_frame(
            CLOSE, close_payload(1000)))
        assert [echo.receive_text(), echo.receive_text()] == ["a", "b"]
        echo.expect_close(1000)

    def test_a_peer_that_just_goes_costs_nobody_anything(self, daemon):
        for end in ("abort", "reset"):
            for _ in range(20):
                client = daemon.websocket("/echo")
                client.send_frame(TEXT, b"half", length=1000)
                if end == "reset":
                    client.stream.sock.setsockopt(1, 13,
                                                  struct.pack("ii", 1, 0))  # SO_LINGER 0: RST
                client.abort()
        client = daemon.websocket("/echo")
        client.send_text("fine")
        assert client.receive_text() == "fine"


BAD_UTF8 = {
    "a lone continuation byte": b"\x80", "an overlong slash": b"\xc0\xaf", "C1": b"\xc1\xbf",
    "an overlong of 3 bytes": b"\xe0\x80\xaf", "an overlong of 4 bytes": b"\xf0\x80\x80\xaf",
    "the first surrogate": b"\xed\xa0\x80", "the last surrogate": b"\xed\xbf\xbf",
    "above 10FFFF": b"\xf4\x90\x80\x80", "F5": b"\xf5\x80\x80\x80", "FE": b"\xfe", "FF": b"\xff",
    "cut by a letter": b"\xe2\x82a", "two leads": b"\xc3\xc3", "5 bytes": b"\xf8\x88\x80\x80\x80",
}
GOOD_UTF8 = ["\0", "\x7f", "\u0080", "\u07ff", "\u0800", "\ud7ff", "\ue000", "\ufffd", "\ufffe",
             "\uffff", "\U00010000", "\U0010ffff", "κόσμε", "\ufeffBOM"]


class TestUtf8:
    @pytest.mark.parametrize("text", GOOD_UTF8, ids=ascii)
    def test_every_corner_of_it_comes_back(self, echo, text):
        for padded in (text, "x" * 70 + text + "y" * 70):
            echo.send_text(padded)
            assert echo.receive_text() == padded

    @pytest.mark.parametrize("name", BAD_UTF8)
    @pytest.mark.parametrize("before", [0, 61, 1000])
    def test_what_is_not_is_closed_with_1007(self, echo, name, before):
        echo.send_text(b"x" * before + BAD_UTF8[name] + b"yyyyyyyy")
        echo.expect_close(1007)

    @pytest.mark.parametrize("cut", [b"\xc3", b"\xe2\x82", b"\xf0\x9f\x98"])
    def test_a_code_point_cut_off_by_the_end_is_1007(self, echo, cut):
        echo.send_text(b"x" + cut)
        echo.expect_close(1007)

    def test_it_fails_at_the_first_bad_fragment(self, echo):
        echo.send_frame(TEXT, b"\xce\xba\xed\xa0\x80", fin=False)
        echo.expect_close(1007)

    @pytest.mark.parametrize("name", BAD_UTF8)
    def test_it_fails_inside_a_frame_that_is_not_all_there(self, echo, name):
        echo.send_frame(TEXT, b"abc" + BAD_UTF8[name] + b"\x20" * 4, length=5000)
        echo.expect_close(1007)

    def test_it_fails_where_a_fragment_goes_on_wrongly(self, echo):
        echo.send_frame(TEXT, b"\xe2\x82", fin=False)
        echo.send_frame(CONTINUATION, b"\x28", fin=False)
        echo.expect_close(1007)

    def test_a_ping_may_hold_any_bytes(self, echo):
        echo.send_frame(PING, b"\xff\x80")
        assert echo.receive_pong() == b"\xff\x80"


class TestLimits:
    @pytest.fixture(scope="class")
    def strict(self):
        with Daemon({"limits": {"message_bytes": 1000, "frames_per_message": 8}}) as own:
            yield own

    def test_a_message_at_the_limit_comes_back(self, strict):
        client = strict.websocket("/echo")
        client.send_binary(bytes(1000))
        assert len(client.receive_binary()) == 1000

    def test_one_byte_more_is_1009(self, strict):
        client = strict.websocket("/echo")
        client.send_binary(bytes(1001))
        client.expect_close(1009)

    @pytest.mark.parametrize("length", [1001, 65536, 1 << 32, (1 << 63) - 1])
    def test_the_length_is_judged_when_the_frame_begins(self, strict, length):
        client = strict.websocket("/echo")
        client.send_frame(BINARY, b"", length=length)
        client.expect_close(1009)

    def test_fragments_are_judged_together(self, strict):
        client = strict.websocket("/echo")
        client.send_frame(TEXT, b"x" * 600, fin=False)
        client.send_frame(CONTINUATION, b"x" * 400)
        assert len(client.receive_text()) == 1000
        client.send_frame(TEXT, b"x" * 600, fin=False)
        client.send_frame(CONTINUATION, b"", length=401)
        client.expect_close(1009)

    def test_the_default_is_1_mib(self, daemon):
        client = daemon.websocket("/echo")
        client.send_frame(BINARY, b"", length=MIB + 1)
        client.expect_close(1009)

    def test_as_many_frames_as_allowed_make_a_message(self, strict):
        client = strict.websocket("/echo")
        client.send_bytes(encode_frame(TEXT, b"a", fin=False)
                          + encode_frame(CONTINUATION, b"b", fin=False) * 6
                          + encode_frame(CONTINUATION, b"c"))
        assert client.receive_text() == "abbbbbbc"

    def test_one_frame_more_is_1008(self, strict):
        client = strict.websocket("/echo")
        client.send_bytes(encode_frame(TEXT, b"a", fin=False)
                          + encode_frame(CONTINUATION, b"b", fin=False) * 8)
        client.expect_close(1008)

    def test_the_default_of_frames_is_4096(self, daemon):
        client = daemon.websocket("/echo")
        client.send_bytes(encode_frame(BINARY, b"a", fin=False)
                          + encode_frame(CONTINUATION, b"", fin=False) * 4094
                          + encode_frame(CONTINUATION, b""))
        assert client.receive_binary() == b"a"
        client.send_bytes(encode_frame(BINARY, b"a", fin=False)
                          + encode_frame(CONTINUATION, b"", fin=False) * 4096)
        client.expect_close(1008)

    def test_an_announced_length_costs_no_memory_before_it_comes(self, daemon):
        before = daemon.resident_bytes()
        for _ in range(200):
            daemon.websocket("/echo").send_frame(BINARY, b"x" * 10, length=MIB)
        last = daemon.websocket("/echo")
        last.send_text("a")
        assert last.receive_text() == "a"
        assert daemon.resident_bytes() - before < 64 * MIB
