"""permessage-deflate (RFC 7692): what is negotiated, and that it is kept."""

import base64
import json
import os
import random
import zlib

import pytest

from daemon import Daemon
from deadlines import Deadline, eventually
from http_client import HttpConnection, build_request
from tls import TlsAddress, make_certificate, tls_section
from v1_client import offset_of
from websocket_client import WebSocketClient, upgrade_headers
from websocket_frames import BINARY, CONTINUATION, PING, TEXT, close_payload, encode_frame

KIB, MIB = 1 << 10, 1 << 20
PLAIN_OFFER = "permessage-deflate"
NO_TAKEOVER = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"


def words(bytes_wanted, seed=1):
    """Text that shrinks, with repetitions near and far."""
    source = random.Random(seed)
    text = ""
    while len(text) < bytes_wanted:
        text += f"word{source.randrange(300)} "
    return text[:bytes_wanted]


def noise(bytes_wanted, seed=1):
    return random.Random(seed).randbytes(bytes_wanted)


def dense(bytes_wanted, seed=1):
    """Text that shrinks by a quarter only."""
    return base64.b64encode(noise(bytes_wanted * 3 // 4, seed)).decode()


def shake_hands(daemon, *extensions, path="/echo"):
    """The response to a handshake with these Sec-WebSocket-Extensions lines."""
    with HttpConnection(daemon.public) as connection:
        headers = upgrade_headers(Sec_WebSocket_Extensions=list(extensions))
        connection.send(build_request("GET", path, headers, host=connection.host))
        return connection.read_response()


def answer(daemon, *extensions, path="/echo"):
    response = shake_hands(daemon, *extensions, path=path)
    assert response.status == 101, response
    return response.header("Sec-WebSocket-Extensions")


class TestNegotiation:
    @pytest.mark.parametrize("offers, wanted", [
        ([PLAIN_OFFER], NO_TAKEOVER),
        ([NO_TAKEOVER], NO_TAKEOVER),
        (["permessage-deflate; client_max_window_bits"], NO_TAKEOVER + "; client_max_window_bits=15"),
        (["permessage-deflate; client_max_window_bits=9"], NO_TAKEOVER + "; client_max_window_bits=9"),
        (["permessage-deflate; server_max_window_bits=8"], NO_TAKEOVER + "; server_max_window_bits=8"),
        (['permessage-deflate; server_max_window_bits="12"'],
         NO_TAKEOVER + "; server_max_window_bits=12"),
        (["permessage-deflate;server_max_window_bits=15;client_max_window_bits=15"],
         NO_TAKEOVER + "; server_max_window_bits=15; client_max_window_bits=15"),
        # What cannot be taken is declined, and the next one is looked at.
        (["permessage-deflate; server_max_window_bits=7, permessage-deflate"], NO_TAKEOVER),
        (["permessage-deflate; unknown, permessage-deflate; server_max_window_bits=10"],
         NO_TAKEOVER + "; server_max_window_bits=10"),
        (["x-webkit-deflate-frame, foo; bar=1", "permessage-deflate; server_max_window_bits",
          "permessage-deflate; server_max_window_bits=11"],
         NO_TAKEOVER + "; server_max_window_bits=11"),
        (["permessage-deflate; server_max_window_bits=9, permessage-deflate"],
         NO_TAKEOVER + "; server_max_window_bits=9"),
        (["permessage-deflate; server_max_window_bits=08"], None),
        (["permessage-deflate; server_max_window_bits=16"], None),
        (["permessage-deflate; client_max_window_bits=8.0"], None),
        (["permessage-deflate; client_max_window_bits=+8"], None),
        (["permessage-deflate; server_no_context_takeover=1"], None),
        (["permessage-deflate; client_no_context_takeover; client_no_context_takeover"], None),
        (["permessage-bzip2"], None),
        ([], None),
    ])
    def test_the_101_has_the_answer(self, daemon, offers, wanted):
        assert answer(daemon, *offers) == wanted

    @pytest.mark.parametrize("header", [
        "permessage-deflate;", "permessage-deflate; =1", "permessage-deflate; a=", "foo bar",
        'permessage-deflate; server_max_window_bits="10', "permessage-deflate, ;", "", ",,,",
    ])
    def test_a_malformed_header_is_refused(self, daemon, header):
        for path in ("/echo", "/ws", "/topics/open.x"):
            response = shake_hands(daemon, PLAIN_OFFER, header, path=path) if header.strip(",") else (
                shake_hands(daemon, header, path=path))
            assert response.status == 400
            assert response.error()["code"] == "bad_request"
            assert response.header("Sec-WebSocket-Extensions") is None

    def test_every_door_negotiates(self, daemon, topic):
        for path in ("/ws", "/echo", f"/topics/{topic}"):
            assert answer(daemon, PLAIN_OFFER, path=path) == NO_TAKEOVER

    def test_a_header_full_of_offers_is_walked_once(self, daemon):
        offers = "permessage-deflate; server_max_window_bits=7, " * 300
        assert answer(daemon, offers + PLAIN_OFFER) == NO_TAKEOVER

    def test_the_bound_of_the_config_is_the_most(self, start):
        daemon = start({"compression": {"window_bits": 11}})
        for bits in range(8, 16):
            granted = min(bits, 11)
            assert answer(daemon, f"permessage-deflate; server_max_window_bits={bits}") == (
                f"{NO_TAKEOVER}; server_max_window_bits={granted}")
            assert answer(daemon, f"permessage-deflate; client_max_window_bits={bits}") == (
                f"{NO_TAKEOVER}; client_max_window_bits={granted}")
        assert answer(daemon, "permessage-deflate; client_max_window_bits") == (
            f"{NO_TAKEOVER}; client_max_window_bits=11")
        # Not asked for, and kept nevertheless.
        with daemon.websocket(deflate=PLAIN_OFFER) as client:
            client.deflate.server_bits = 11
            message = noise(3000) * 3
            client.send_binary(message)
            assert client.receive_binary() == message

    def test_switched_off_nothing_is_agreed(self, start):
        daemon = start({"compression": {"enabled": False}})
        assert answer(daemon, PLAIN_OFFER) is None
        assert shake_hands(daemon, "permessage-deflate;").status == 400
        client = daemon.websocket()
        client.send_frame(TEXT, b"\xf2\x48\xcd\xc9\xc9\x07\x00", rsv=4)
        client.expect_close(1002)


class TestMessages:
    @pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 128, 129, 1000, 16 * KIB, 65535, 65536,
                                      300 * KIB, MIB])
    def test_come_back_as_they_were(self, daemon, size):
        client = daemon.websocket(deflate=PLAIN_OFFER)
        text = words(size)
        client.send_text(text)
        assert client.receive_text() == text
        data = noise(size)
        client.send_binary(data)
        assert client.receive_binary() == data
        client.send_frame(TEXT, text.encode())  # not compressed: allowed at any time
        assert client.receive_text() == text
        # Small ones, and what does not shrink, go plain.
        assert client.compressed == [size >= 128, False, size >= 128]

    def test_fragments_of_every_size(self, daemon):
        client = daemon.websocket(deflate=PLAIN_OFFER)
        text = words(2000)
        payload = client.deflate.compress(text.encode())
        for size in (1, 2, 7, 100, len(payload) - 1):
            pieces = [payload[i:i + size] for i in range(0, len(payload), size)]
            for number, piece in enumerate(pieces):
                client.send_frame(CONTINUATION if number else TEXT, piece,
                                  fin=number == len(pieces) - 1, rsv=0 if number else 4)
            assert client.receive_text() == text

    def test_control_frames_between_the_fragments(self, daemon):
        client = daemon.websocket(deflate=PLAIN_OFFER)
        payload = client.deflate.compress(b"x" * 5000)
        half = len(payload) // 2
        client.send_frame(BINARY, payload[:half], fin=False, rsv=4)
        client.send_frame(PING, b"between")
        assert client.receive_pong() == b"between"
        client.send_frame(CONTINUATION, b"", fin=False)
        client.send_frame(PING, b"again")
        assert client.receive_pong() == b"again"
        client.send_frame(CONTINUATION, payload[half:])
        assert client.receive_binary() == b"x" * 5000
        client.close()

    def test_byte_by_byte_on_the_wire(self, daemon):
        client = daemon.websocket(deflate=PLAIN_OFFER)
        frame = encode_frame(TEXT, client.deflate.compress(words(300).encode()), rsv=4)
        for byte in frame:
            client.send_bytes(bytes([byte]))
        assert client.receive_text() == words(300)

    def test_blocks_may_be_final(self, daemon):  # RFC 7692 7.2.3.4
        client = daemon.websocket(deflate=PLAIN_OFFER)

        def final(data):
            compressor = zlib.compressobj(6, zlib.DEFLATED, -15)
            return compressor.compress(data) + compressor.flush(zlib.Z_FINISH)

        hello = b"\xf3\x48\xcd\xc9\xc9\x07\x00"
        for payload, wanted in ((hello + b"\0", "Hello"),
                                (hello + hello + b"\0", "HelloHello"),
                                (hello + b"\xf2\x00\x11\x00\x00", "HelloHello"),
                                (final(words(900).encode()) + b"\0", words(900))):
            client.send_frame(TEXT, payload, rsv=4)
            assert client.receive_text() == wanted
        client.send_text("and on it goes")
        assert client.receive_text() == "and on it goes"

    def test_the_examples_of_the_rfc(self, daemon):  # 7.2.3
        client = daemon.websocket(deflate=PLAIN_OFFER)
        for payload, wanted in ((b"\xf2\x48\xcd\xc9\xc9\x07\x00", "Hello"),
                                (b"\x00\x05\x00\xfa\xffHello\x00", "Hello"),
                                (b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", "Hello"),
                                (b"\x00", ""), (b"\x02\x00", "")):
            client.send_frame(TEXT, payload, rsv=4)
            assert client.receive_text() == wanted


class TestViolations:
    @pytest.mark.parametrize("payload", [
        b"", b"\xff\xff\xff\xff", b"Hello", b"\x07" * 100, b"\xf2\x48\xcd\xc9",
        b"\xf3\x48\xcd\xc9\xc9\x07\x00\xff",  # garbage behind a final block
        b"\xf2\x00\x11\x00\x00",              # refers to a message before the first
    ])
    def test_what_is_no_deflate_data_closes_with_1007(self, daemon, payload):
        client = daemon.websocket(deflate=PLAIN_OFFER)
        client.send_text("earned")
        client.send_frame(BINARY, payload, rsv=4)
        assert client.receive_text() == "earned"
        client.expect_close(1007)

    def test_text_that_is_not_utf8_closes_with_1007(self, daemon):
        for data in (b"\xff" * 300, b"a" * 20_000 + b"\xed\xa0\x80", b"cut \xe2\x82"):
            client = daemon.websocket(deflate=PLAIN_OFFER)
            client.send_text(data)
            client.expect_close(1007)
        client = daemon.websocket(deflate=PLAIN_OFFER)
        client.send_binary(b"\xff" * 300)
        assert client.receive_binary() == b"\xff" * 300

    def test_rsv1_belongs_on_the_first_frame_of_a_message(self, daemon):
        def client():
            return daemon.websocket(deflate=PLAIN_OFFER)

        each = client()
        each.send_frame(PING, b"", rsv=4)
        each.expect_close(1002)
        each = client()
        each.send_frame(8, close_payload(1000), rsv=4)
        each.expect_close(1002)
        each = client()
        payload = each.deflate.compress(b"x" * 1000)
        each.send_frame(TEXT, payload[:4], fin=False, rsv=4)
        each.send_frame(CONTINUATION, payload[4:], rsv=4)
        each.expect_close(1002)
        for rsv in (1, 2, 3, 5, 6, 7):
            each = client()
            each.send_frame(TEXT, payload, rsv=rsv)
            each.expect_close(1002)
        each = daemon.websocket()
        each.send_frame(TEXT, payload, rsv=4)
        each.expect_close(1002)

    def test_the_clients_window_ends_with_its_message(self, daemon):
        client = daemon.websocket(deflate=PLAIN_OFFER)
        client.deflate.client_keeps = True  # against what was agreed on
        client.send_text("Hello, Hello, Hello")
        client.send_text("Hello, Hello, Hello")
        assert client.receive_text() == "Hello, Hello, Hello"
        client.expect_close(1007)


class TestBombs:
    def hits(self, daemon, limit):
        return daemon.metric("wspushd_limit_hits_total", limit=limit) or 0

    def test_more_than_message_bytes_closes_with_1009(self, daemon):
        before = self.hits(daemon, "message_bytes")
        client = daemon.websocket(deflate=PLAIN_OFFER)
        client.send_binary(noise(KIB) * 1025)
        client.expect_close(1009)
        eventually(lambda: self.hits(daemon, "message_bytes") > before, "it is counted")
        client = daemon.websocket(deflate=PLAIN_OFFER)
        client.send_binary(words(MIB).encode())
        assert len(client.receive_binary()) == MIB

    def test_more_than_max_ratio_closes_with_1009(self, start):
        daemon = start({"compression": {"max_ratio": 50}})
        client = daemon.websocket(deflate=PLAIN_OFFER)
        client.send_binary(b"\0" * 100 * KIB)
        client.expect_close(1009)
        eventually(lambda: self.hits(daemon, "max_ratio") == 1, "it is counted")

    @pytest.mark.skipif(bool(os.environ.get("WSPUSH_TEST_SANITIZED")),
                        reason="the sanitizer's memory is counted too")
    def test_cost_no_more_memory_than_is_allowed(self, start):
        daemon = start({"limits": {"message_bytes": "8MiB"}, "compression": {"max_ratio": 1000000}})
        compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
        blocks = compressor.compress(b"\0" * MIB) + compressor.flush(zlib.Z_FULL_FLUSH)
        bomb = (blocks * 2048)[:-4]  # 2 GiB in 2 MiB
        before = daemon.resident_bytes()
        for _ in range(3):
            client = daemon.websocket(deflate=PLAIN_OFFER)
            client.send_frame(BINARY, bomb, rsv=4)
            client.expect_close(1009)
        assert daemon.resident_bytes() - before < 64 * MIB


class TestWhatWasAgreedIsKept:
    @pytest.mark.parametrize("bits", range(8, 16))
    def test_every_window_of_the_server(self, daemon, unique, bits):
        topic = unique("long")
        offer = f"permessage-deflate; server_max_window_bits={bits}"
        client = daemon.websocket(deflate=offer)
        subscriber = daemon.v1(deflate=offer)
        subscriber.subscribe(topic)
        assert client.deflate.server_bits == bits
        window = 1 << bits
        for distance in (window - 263, window - 262, window - 1, window, window + 1, 2 * window):
            if distance < 120:
                continue
            # A run that comes again from so far back, and something that shrinks in any case.
            run = dense(100, distance)
            message = run + dense(distance - 100, distance + 1)[:distance - 100] + run + "x" * 9000
            client.send_text(message)
            assert client.receive_text() == message
            daemon.publish(topic, message)
            assert subscriber.next_op("message")["data"] == message
        assert client.compressed[-1] and subscriber.compressed[-1]

    @pytest.mark.parametrize("bits", range(8, 16))
    def test_every_window_of_the_client(self, daemon, bits):
        client = daemon.websocket(deflate=f"permessage-deflate; client_max_window_bits={bits}")
        text = words(100_000)
        client.send_text(text)
        assert client.receive_text() == text

    def test_no_message_of_the_server_refers_to_another(self, daemon, topic):
        client, subscriber = daemon.websocket(deflate=PLAIN_OFFER), daemon.v1(deflate=PLAIN_OFFER)
        assert not client.deflate.server_keeps  # so each is inflated by a window of its own
        subscriber.subscribe(topic)
        for number in range(5):
            client.send_text(words(500))
            assert client.receive_text() == words(500)
            daemon.publish(topic, words(500))
            assert subscriber.next_op("message")["data"] == words(500)
        assert client.compressed == [True] * 5 and subscriber.compressed[-5:] == [True] * 5

    def test_min_bytes_of_the_config(self, start):
        daemon = start({"compression": {"min_bytes": 1000}})
        client = daemon.websocket(deflate=PLAIN_OFFER)
        for size in (999, 1000):
            client.send_text("x" * size)
            client.receive_text()
        assert client.compressed == [False, True]
        daemon.stop()
        daemon = start({"compression": {"min_bytes": 0}})
        client = daemon.websocket(deflate=PLAIN_OFFER)
        for text in ("", "x", "x" * 20):
            client.send_text(text)
            assert client.receive_text() == text
        assert client.compressed == [False, False, True]


SERVER_KEEPS = "permessage-deflate; client_no_context_takeover"
CLIENT_KEEPS = "permessage-deflate; server_no_context_takeover"


class TestContextTakeover:
    @pytest.fixture(scope="class", params=[1, 2], ids=lambda n: f"{n}-reactors")
    def taking_over(self, request, tmp_path_factory):
        certificate = make_certificate(tmp_path_factory.mktemp("tls"), "main")
        changes = {"reactors": request.param, "compression": {"context_takeover": True},
                   "listen": [{"address": "127.0.0.1:0"},
                              {"address": "127.0.0.2:0", "tls": tls_section(certificate)}],
                   "limits": {"message_bytes": "4MiB"},
                   "topics": [{"match": "open.>", "publish": "anyone", "message_bytes": "4MiB",
                               "history": {"messages": 3000, "bytes": "64MiB"}}]}
        with Daemon(changes) as daemon:
            daemon.publics.sort()  # the plain one is first
            yield daemon

    @pytest.fixture
    def addresses(self, taking_over):
        return {"tcp": taking_over.public, "tls": TlsAddress(taking_over.publics[1])}

    @pytest.mark.parametrize("offer, wanted", [
        (PLAIN_OFFER, PLAIN_OFFER),
        (NO_TAKEOVER, NO_TAKEOVER),
        (SERVER_KEEPS, SERVER_KEEPS),
        (CLIENT_KEEPS, CLIENT_KEEPS),
        ("permessage-deflate; client_max_window_bits; server_max_window_bits=10",
         "permessage-deflate; server_max_window_bits=10; client_max_window_bits=15"),
    ])
    def test_is_answered_as_it_was_offered(self, taking_over, topic, offer, wanted):
        for path in ("/ws", "/echo", f"/topics/{topic}"):
            assert answer(taking_over, offer, path=path) == wanted

    @pytest.mark.parametrize("offer", [PLAIN_OFFER, SERVER_KEEPS, CLIENT_KEEPS, NO_TAKEOVER])
    def test_each_window_is_kept_where_that_was_agreed(self, taking_over, offer):
        client = taking_over.websocket(deflate=offer)
        text = words(900)
        sizes = []
        for _ in range(3):
            client.send_text(text)
            frame = client.receive_reply()
            assert frame.rsv1
            sizes.append(len(frame.payload))
            assert client.deflate.decompress(frame.payload) == text.encode()
        if client.deflate.server_keeps:
            # References to the last one, which do not inflate by themselves.
            assert max(sizes[1:]) < sizes[0] // 8
            with pytest.raises(zlib.error):
                zlib.decompressobj(-15).decompress(frame.payload)
        else:
            assert sizes[0] == sizes[1] == sizes[2]

    def test_plain_messages_and_control_frames_between(self, taking_over):
        client = taking_over.websocket(deflate=PLAIN_OFFER)
        for number in range(20):
            text = words(400, number % 3) + str(number)
            client.send_text(text)
            client.send_frame(PING, str(number).encode())
            client.send_frame(TEXT, b"plain in between")
            assert client.receive_text() == text
            assert client.receive_pong() == str(number).encode()
            assert client.receive_text() == "plain in between"
        assert client.compressed == [True, False] * 20
        client.close()

    @pytest.mark.parametrize("bits", range(8, 16))
    def test_every_window_of_the_server(self, taking_over, unique, bits):
        topic = unique()
        offer = f"permessage-deflate; server_max_window_bits={bits}"
        client = taking_over.websocket(deflate=offer)
        subscriber = taking_over.v1(deflate=offer)
        subscriber.subscribe(topic)
        assert client.deflate.server_bits == bits and client.deflate.server_keeps
        window = 1 << bits
        for distance in (window - 263, window - 262, window - 1, window, window + 1, 2 * window):
            run = dense(200, bits)  # the same each time, so many bytes before its last coming
            for message in (run, dense(max(distance - 200, 130), distance)):
                client.send_text(message)
                assert client.receive_text() == message
                taking_over.publish(topic, message)
                assert subscriber.next_op("message")["data"] == message
        assert all(client.compressed) and all(subscriber.compressed[-12:])

    @pytest.mark.parametrize("bits", range(8, 16))
    def test_every_window_of_the_client(self, taking_over, bits):
        client = taking_over.websocket(deflate=f"permessage-deflate; client_max_window_bits={bits}")
        for size in (100_000, 300, 300, 100_000):
            client.send_text(words(size))
            assert client.receive_text() == words(size)

    def test_large_messages(self, taking_over, unique, addresses):
        topic = unique()
        subscribers = [taking_over.raw(topic, address=address, deflate=PLAIN_OFFER)
                       for address in addresses.values()]
        for data in (words(3 * MIB).encode(), noise(2 * MIB), b"small", noise(2 * MIB)):
            client = taking_over.websocket(deflate=PLAIN_OFFER)
            client.send_binary(data)
            assert client.receive_binary(60) == data
            taking_over.publish(topic, data, "application/octet-stream")
            for subscriber in subscribers:
                assert subscriber.receive_binary(60) == data

    def test_all_kinds_of_subscribers_get_the_same(self, taking_over, unique, addresses):
        topic = unique()
        offers = [None, PLAIN_OFFER, CLIENT_KEEPS, SERVER_KEEPS, NO_TAKEOVER,
                  "permessage-deflate; server_max_window_bits=9"]
        kinds = [(offer, address) for offer in offers for address in addresses.values()] * 2
        v1 = [taking_over.v1(deflate=offer, address=address) for offer, address in kinds]
        raw = [taking_over.raw(topic, deflate=offer, address=address) for offer, address in kinds]
        for client in v1:
            client.subscribe(topic)
        bodies = [words(1 * KIB, n) for n in range(30)] + ["tiny", words(70_000), dense(5000)]
        ids = [taking_over.publish(topic, body)["id"] for body in bodies]
        for client in v1:
            events = [client.next_op("message") for _ in bodies]
            assert [e["id"] for e in events] == ids
            assert [e["data"] for e in events] == bodies
        for client in raw:
            assert [json.loads(client.receive_text()) for _ in bodies] == bodies
        for client in v1 + raw:
            wanted = client.deflate is not None
            assert client.compressed[-len(bodies):] == [wanted] * 30 + [False, wanted, wanted]
            client.close()

    def test_a_resume_comes_compressed(self, taking_over, unique):
        topic = unique()
        first = taking_over.publish(topic, words(500))["id"]
        for number in range(40):
            taking_over.publish(topic, words(500, number))
        client = taking_over.v1(deflate=PLAIN_OFFER)
        assert client.call("subscribe", topic=topic, after=first)["recovered"] is True
        assert [client.next_op("message")["data"] for _ in range(40)] == [
            words(500, n) for n in range(40)]
        raw = taking_over.raw(topic, f"?after={first}", deflate=PLAIN_OFFER)
        assert [json.loads(raw.receive_text()) for _ in range(40)] == [
            words(500, n) for n in range(40)]
        assert raw.compressed == [True] * 40

    def test_many_who_resume_at_once_are_served_in_turns(self, taking_over, unique, addresses):
        topic = unique()
        texts = [dense(60 * KIB, n) for n in range(10)]
        taking_over.publish_many(topic, texts)
        # 24 MB of text, far more than one turn compresses or encrypts.
        clients = [taking_over.raw(topic, "?after=first", address=address, deflate=offer)
                   for address in addresses.values() for offer in (PLAIN_OFFER, None)
                   for _ in range(10)]
        taking_over.publish(topic, "live")
        for client in clients:
            assert [json.loads(client.receive_text(30)) for _ in texts] == texts
            assert json.loads(client.receive_text()) == "live"

    def test_a_slow_reader_misses_nothing(self, taking_over, unique, addresses):
        topic = unique()
        slow = [taking_over.raw(topic, address=address, deflate=offer, receive_buffer=16 * KIB)
                for address in addresses.values() for offer in (PLAIN_OFFER, CLIENT_KEEPS)]
        quick = taking_over.v1(deflate=PLAIN_OFFER)
        quick.subscribe(topic)
        texts = [dense(60 * KIB, n) for n in range(8)]
        count = 400  # 24 MB, 18 MB deflated: more than the socket buffers take
        for number in range(0, count, 10):
            taking_over.publish_many(topic, [[n, texts[n % 8]] for n in range(number, number + 10)])
            for n in range(number, number + 10):
                assert quick.next_op("message")["data"][0] == n
        eventually(lambda: (taking_over.metric("wspushd_slow_subscribers") or 0) >= 4,
                   "they are behind")
        for client in slow:
            deadline = Deadline(60)
            client.send_frame(PING, b"while nothing is taken")
            for n in range(count):
                assert json.loads(client.receive_text(deadline)) == [n, texts[n % 8]]
        taking_over.publish(topic, "live again")
        for client in slow:
            assert json.loads(client.receive_text()) == "live again"
            assert client.pongs == [b"while nothing is taken"]
            client.close()

    DEEP = [{"match": "open.>", "publish": "anyone", "message_bytes": "256KiB",
             "history": {"messages": 3000, "bytes": "64MiB"}}]

    def test_the_close_comes_behind_all_that_was_published(self, start, unique):
        daemon = start({"compression": {"context_takeover": True}, "topics": self.DEEP})
        topic = unique()
        clients = [daemon.raw(topic, deflate=PLAIN_OFFER, receive_buffer=16 * KIB)
                   for _ in range(3)]
        texts = [dense(50 * KIB, n) for n in range(40)]
        daemon.publish_many(topic, texts)
        daemon.process.terminate()
        for client in clients:
            assert [json.loads(client.receive_text(20)) for _ in texts] == texts
            client.expect_close(1001)

    def test_one_that_reads_nothing_is_given_up(self, start, unique):
        daemon = start({"compression": {"context_takeover": True}, "topics": self.DEEP,
                        "limits": {"write_timeout": "300ms"}})
        topic = unique()
        client = daemon.raw(topic, deflate=PLAIN_OFFER, receive_buffer=16 * KIB)
        for number in range(8):
            daemon.publish_many(topic, [noise(60 * KIB, n).hex() for n in range(20)])
        eventually(lambda: daemon.metric("wspushd_limit_hits_total", limit="write_timeout") == 1,
                   "it is counted")
        client.expect_close(4008, 20, messages_before=True)


class TestFanOut:
    @pytest.fixture(scope="class", params=[1, 2], ids=lambda n: f"{n}-reactors")
    def crowd(self, request):
        history = {"messages": 3000, "bytes": "64MiB"}
        changes = {"reactors": request.param, "topics": [
            {"match": "open.>", "publish": "anyone", "message_bytes": "256KiB", "history": history}]}
        with Daemon(changes) as daemon:
            yield daemon

    OFFERS = [None, PLAIN_OFFER, None, "permessage-deflate; server_max_window_bits=12",
              "permessage-deflate; server_max_window_bits=13",
              "permessage-deflate; server_max_window_bits=8", PLAIN_OFFER]

    def test_plain_and_deflated_subscribers_get_the_same(self, crowd, unique):
        topic = unique()
        offers = self.OFFERS * 2
        v1 = [crowd.v1(deflate=offer) for offer in offers]
        raw = [crowd.raw(topic, deflate=offer) for offer in offers]
        for client in v1:
            client.subscribe(topic)
        bodies = [words(1 * KIB, n) for n in range(30)] + ["tiny", words(70_000), dense(5000)]
        ids = [crowd.publish(topic, body)["id"] for body in bodies]
        for client in v1:
            events = [client.next_op("message") for _ in bodies]
            assert [e["id"] for e in events] == ids
            assert [e["data"] for e in events] == bodies
        for client in raw:
            assert [json.loads(client.receive_text()) for _ in bodies] == bodies
        for client in v1 + raw:
            wanted = client.deflate is not None
            came = client.compressed[-len(bodies):]
            assert came == [wanted] * 30 + [False, wanted, wanted]

    def test_binary_text_and_json(self, crowd, unique):
        topic = unique()
        v1, raw = crowd.v1(deflate=PLAIN_OFFER), crowd.raw(topic, deflate=PLAIN_OFFER)
        v1.subscribe(topic)
        for body, content_type, opcode in ((b"\0\1" * 400, "application/octet-stream", BINARY),
                                           (b"", "application/octet-stream", BINARY),
                                           ("\u20ac".encode() * 300, "text/plain", TEXT),
                                           (b'{"a" : "' + b"b" * 300 + b'"}', "application/json", TEXT),
                                           (noise(600), "application/octet-stream", BINARY)):
            crowd.publish(topic, body, content_type)
            assert raw.receive() == (opcode, body)
            event = v1.next_op("message")
            data = event["data"]
            if event.get("encoding") == "base64":
                data = base64.b64decode(data)
            elif content_type == "application/json":
                assert event["data"] == json.loads(body)
                continue
            else:
                data = data.encode()
            assert data == body

    def test_clients_publish_compressed(self, crowd, unique):
        topic = unique()
        publisher, plain = crowd.v1(deflate=PLAIN_OFFER), crowd.v1()
        raw = crowd.raw(topic, deflate=PLAIN_OFFER)
        plain.subscribe(topic)
        publisher.subscribe(topic)
        for number in range(20):
            data = {"n": number, "text": words(600, number)}
            message_id = publisher.call("publish", topic=topic, data=data)["message"]
            for client in (plain, publisher):
                event = client.next_op("message")
                assert event["data"] == data and event["id"] == message_id
            assert json.loads(raw.receive_text()) == data
        raw.send_text(words(500))
        assert plain.next_op("message")["data"] == words(500)
        assert raw.receive_text() == words(500)

    def test_history_and_resume_come_compressed(self, crowd, unique):
        topic = unique()
        first = crowd.publish(topic, words(500))["id"]
        for number in range(40):
            crowd.publish(topic, words(500, number))
        client = crowd.v1(deflate=PLAIN_OFFER)
        answer = client.call("subscribe", topic=topic, after=first)
        assert answer["recovered"] is True
        events = [client.next_op("message") for _ in range(40)]
        assert [offset_of(e["id"]) for e in events] == list(range(2, 42))
        assert [e["data"] for e in events] == [words(500, n) for n in range(40)]
        history = client.call("history", topic=topic, limit=50)
        assert len(history["messages"]) == 41
        assert client.compressed[-41:] == [True] * 41

    def test_a_message_is_compressed_once_for_all(self, crowd, unique):
        topic = unique()
        clients = [crowd.v1(deflate=PLAIN_OFFER) for _ in range(20)]
        for client in clients:
            client.subscribe(topic)

        def input_bytes():
            return crowd.metric("wspushd_deflate_input_bytes_total") or 0

        before, text = input_bytes(), words(10_000)
        crowd.publish(topic, text)
        for client in clients:
            assert client.next_op("message")["data"] == text
        # Once in each reactor at most, not once for each subscriber.
        eventually(lambda: input_bytes() > before, "it is counted")
        assert 10_000 < input_bytes() - before < 2 * 10_300

    def test_a_slow_deflated_subscriber_misses_nothing(self, crowd, unique):
        topic = unique()
        slow = [crowd.v1(deflate=PLAIN_OFFER, receive_buffer=16 * KIB),
                crowd.raw(topic, deflate=PLAIN_OFFER, receive_buffer=16 * KIB),
                crowd.v1(receive_buffer=16 * KIB)]
        for client in (slow[0], slow[2]):
            client.subscribe(topic)
        quick = crowd.v1(deflate=PLAIN_OFFER)
        quick.subscribe(topic)
        texts = [dense(60 * KIB, n) for n in range(8)]
        count = 400  # 24 MB, 18 MB deflated: more than the socket buffers take
        for number in range(0, count, 10):
            crowd.publish_many(topic, [[n, texts[n % 8]] for n in range(number, number + 10)])
            for n in range(number, number + 10):
                assert quick.next_op("message")["data"][0] == n
        eventually(lambda: (crowd.metric("wspushd_slow_subscribers") or 0) >= 3, "they are behind")
        for client in slow:
            deadline = Deadline(60)
            client.send_frame(PING, b"in the middle of a cut frame")
            for n in range(count):
                data = (client.next_event(deadline)["data"] if client is not slow[1]
                        else json.loads(client.receive_text(deadline)))
                assert data == [n, texts[n % 8]]
        crowd.publish(topic, "live again")
        assert slow[0].next_op("message")["data"] == "live again"
        assert json.loads(slow[1].receive_text()) == "live again"
        assert slow[0].pongs and slow[1].pongs


class TestIdleConnections:
    @pytest.mark.skipif(bool(os.environ.get("WSPUSH_TEST_SANITIZED")),
                        reason="the sanitizer's memory is counted too")
    def test_a_compressed_one_owns_no_more_than_a_plain_one(self, start):
        def growth(daemon, **options):
            WebSocketClient.connect(daemon.public, "/echo", **options)  # what is made once
            before = daemon.resident_bytes()
            clients = [daemon.websocket(**options) for _ in range(400)]
            for client in clients:
                client.send_text("x" * 300)
                client.receive_text()
            return daemon.resident_bytes() - before

        plain = growth(start())
        deflated = growth(start(), deflate=PLAIN_OFFER)
        # 400 windows would be 100 MB; what is shared is under 1 MB for each of two reactors.
        assert deflated - plain < 3 * MIB
