#!/usr/bin/python3
"""The floor servers do what a peer of theirs sees: floor_server_test.py BUILD_DIRECTORY"""

import pathlib
import socket
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "bench" / "run"), str(ROOT / "tests" / "support")]

from byte_stream import StreamClosed  # noqa: E402  (after the path is set)
from http_client import HttpConnection, build_request  # noqa: E402
from kinds import Workshop  # noqa: E402
from plan import Server  # noqa: E402
from servers import Servers  # noqa: E402
from tls import TlsAddress, client_context  # noqa: E402
from websocket_client import WebSocketClient, upgrade_headers  # noqa: E402
from websocket_frames import BINARY, PING, TEXT, encode_frame  # noqa: E402

BUILD = sys.argv.pop() if len(sys.argv) > 1 else "build/dev"
SIZES = (0, 1, 31, 32, 33, 125, 126, 1024, 65535, 65536, 200_000)


def pattern(count):
    return bytes(index * 7 % 256 for index in range(count))


class FloorServer(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.servers = Servers(Workshop(str(ROOT), BUILD, scratch.name), lambda server: {0})
        self.addCleanup(self.servers.stop_all)

    def start(self, mode, **settings):
        running = self.servers.start(Server.of("floor", mode=mode, **settings))
        host, _, port = running.public.rpartition(":")
        self.address = (host, int(port))
        if settings.get("tls"):
            self.address = TlsAddress(self.address)

    def client(self, path="/"):
        client = WebSocketClient.connect(self.address, path)
        self.addCleanup(client.abort)
        return client

    def test_echoes_every_length_of_frame(self):
        for tls in (False, True):
            with self.subTest(tls=tls):
                self.start("echo", tls=tls)
                client = self.client()
                for size in SIZES:
                    client.send_binary(pattern(size))
                    self.assertEqual(client.receive_binary(), pattern(size))

    def test_echoes_frames_that_come_in_one_piece_or_in_many(self):
        for tls in (False, True):
            with self.subTest(tls=tls):
                self.start("echo", tls=tls)
                client = self.client()
                frames = [encode_frame(BINARY, pattern(size)) for size in (5, 40, 70_000, 3)]
                client.send_bytes(b"".join(frames))
                for size in (5, 40, 70_000, 3):
                    self.assertEqual(client.receive_binary(), pattern(size))
                client.stream.send_bytewise(frames[1])
                self.assertEqual(client.receive_binary(), pattern(40))

    def test_keeps_answers_that_its_peer_does_not_read(self):
        self.start("echo")
        client = self.client()
        frame = encode_frame(BINARY, pattern(1_000_000))
        # More than both sockets hold: the server has to stop reading, and to go on.
        sent, data = 0, frame * 24
        while took := client.stream.send_what_fits(data[sent:sent + 1_000_000]):
            sent += took
        received = 0
        while received < 24:
            if sent < len(data):
                sent += client.stream.send_what_fits(data[sent:sent + 1_000_000])
            if received * len(frame) < sent - len(frame):
                self.assertEqual(client.receive_binary(), pattern(1_000_000))
                received += 1
            elif sent == len(data):
                self.assertEqual(client.receive_binary(), pattern(1_000_000))
                received += 1

    def test_sends_what_is_published_to_all_but_the_publisher(self):
        for tls in (False, True):
            with self.subTest(tls=tls):
                self.start("fan-out", tls=tls)
                subscribers = [self.client() for _ in range(3)]
                publisher = self.client("/publish")
                # Several at once, then one at a time: what a socket has no room for is dropped.
                small, large = SIZES[:6], SIZES[6:]
                for sizes in (small, *((size,) for size in large)):
                    publisher.send_bytes(b"".join(encode_frame(TEXT, pattern(size).hex().encode())
                                                  for size in sizes))
                    for subscriber in subscribers:
                        for size in sizes:
                            self.assertEqual(subscriber.receive_text(), pattern(size).hex())

    def test_sends_it_to_the_clients_of_all_threads(self):
        self.start("fan-out", threads=3)
        subscribers = [self.client() for _ in range(24)]  # on one thread alone: once in 3^23 runs
        publishers = [self.client("/publish") for _ in range(4)]
        for number, publisher in enumerate(publishers):
            texts = [f"{number}, {index}" for index in range(3)]
            publisher.send_bytes(b"".join(encode_frame(TEXT, text.encode()) for text in texts))
            for subscriber in subscribers:
                self.assertEqual([subscriber.receive_text() for _ in texts], texts)

    def test_drops_for_a_full_socket_whole_messages_only(self):
        for tls in (False, True):
            with self.subTest(tls=tls):
                self.start("fan-out", tls=tls)
                full = WebSocketClient.connect(self.address, "/", receive_buffer=4096)
                self.addCleanup(full.abort)
                reader = self.client()
                publisher = self.client("/publish")
                count = 400
                for number in range(count):
                    publisher.send_binary(number.to_bytes(4, "big") + bytes(60_000))
                    self.assertEqual(reader.receive_binary()[:4], number.to_bytes(4, "big"))
                publisher.send_binary(b"the end")
                self.assertEqual(reader.receive_binary(), b"the end")
                # What it missed is missing as a whole; once it reads, it gets what comes then.
                numbers = []
                while True:
                    publisher.send_binary(b"the end")
                    message = full.receive_binary()
                    if message == b"the end":
                        break
                    self.assertEqual(len(message), 60_004)
                    numbers.append(int.from_bytes(message[:4], "big"))
                self.assertEqual(numbers, sorted(set(numbers)))
                self.assertLess(len(numbers), count)

    def test_goes_on_when_subscribers_leave(self):
        self.start("fan-out")
        leaving, staying = self.client(), self.client()
        publisher = self.client("/publish")
        leaving.abort()
        for _ in range(3):
            publisher.send_text("still there")
            self.assertEqual(staying.receive_text(), "still there")

    def test_pings_each_second(self):
        self.start("ping")
        client = self.client()
        self.assertEqual(client.receive_frame().opcode, PING)
        self.assertEqual(client.receive_frame().opcode, PING)

    def test_answers_the_close_notify_of_tls(self):
        self.start("echo", tls=True)
        with socket.create_connection(tuple(self.address), timeout=10) as connection:
            with client_context().wrap_socket(connection) as stream:
                stream.unwrap()  # SSLEOFError without an answer

    def test_answers_requests_however_they_come(self):
        self.start("http")
        connection = HttpConnection(self.address)
        self.addCleanup(connection.close)
        request = build_request("POST", "/x", [("Content-Length", "5")], host="localhost") + b"hello"
        for pieces in ([request], [request * 3], [request[:10], request[10:] + request[:-1], b"o"],
                       [request[at:at + 1] for at in range(len(request))]):
            for piece in pieces:
                connection.send(piece)
            for _ in range(b"".join(pieces).count(b"hello")):
                answer = connection.read_response()
                self.assertEqual((answer.status, len(answer.body)), (201, 41))
        connection.send(build_request("GET", "/", [], host="localhost"))
        self.assertEqual(connection.read_response().status, 201)

    def test_closes_on_a_request_without_a_key(self):
        self.start("fan-out")
        connection = HttpConnection(self.address)
        self.addCleanup(connection.close)
        headers = [pair for pair in upgrade_headers() if pair[0] != "Sec-WebSocket-Key"]
        connection.send(build_request("GET", "/", headers, host="localhost"))
        with self.assertRaises(StreamClosed):
            connection.read_response()


if __name__ == "__main__":
    unittest.main(verbosity=2)
