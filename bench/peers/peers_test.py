#!/usr/bin/python3
"""The peers that are installed do what scripts/bench asks of them: peers_test.py BUILD_DIRECTORY"""

import pathlib
import struct
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "bench" / "run"), str(ROOT / "tests" / "support")]

from http_client import HttpConnection, build_request  # noqa: E402  (after the path is set)
from kinds import Workshop, missing  # noqa: E402
from plan import Server  # noqa: E402
from servers import Servers  # noqa: E402
from tls import TlsAddress  # noqa: E402
from websocket_client import WebSocketClient  # noqa: E402

BUILD = sys.argv.pop() if len(sys.argv) > 1 else "build/dev"


class Peers(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.shop = Workshop(str(ROOT), BUILD, scratch.name)
        self.servers = Servers(self.shop, lambda server: {0})
        self.addCleanup(self.servers.stop_all)

    def start(self, kind, **settings):
        why = missing(self.shop, kind)
        if why:
            self.skipTest(why)
        running = self.servers.start(Server.of(kind, **settings))
        host, _, port = running.public.rpartition(":")
        self.address = (host, int(port))
        if settings.get("tls"):
            self.address = TlsAddress(self.address)

    def client(self, path="/", **options):
        client = WebSocketClient.connect(self.address, path, **options)
        self.addCleanup(client.abort)
        return client

    def fan_out(self, subscribing="/", publishing="/publish", **options):
        subscribers = [self.client(subscribing, **options) for _ in range(2)]
        publisher = self.client(publishing)
        for number in range(20):
            publisher.send_text(f"message {number} " + 200 * "x")
        for subscriber in subscribers:
            for number in range(20):
                self.assertEqual(subscriber.receive_text(), f"message {number} " + 200 * "x")
        return subscribers

    def echo(self):
        client = self.client()
        for size in (20, 16384, 65536):
            client.send_binary(bytes(size))
            client.send_text(size * "t")
            self.assertEqual(client.receive_binary(), bytes(size))
            self.assertEqual(client.receive_text(), size * "t")

    def test_ws_fans_out(self):
        self.start("node", mode="fan-out")
        self.fan_out()

    def test_ws_fans_out_over_tls(self):
        self.start("node", mode="fan-out", tls=True)
        self.fan_out()

    def test_ws_fans_out_compressed(self):
        self.start("node", mode="fan-out", deflate=True)
        for subscriber in self.fan_out(deflate="permessage-deflate; client_max_window_bits"):
            self.assertEqual(subscriber.compressed, 20 * [True])

    def test_ws_echoes(self):
        self.start("node", mode="echo")
        self.echo()

    def test_beast_fans_out(self):
        self.start("beast", mode="fan-out")
        self.fan_out()

    def test_beast_echoes(self):
        self.start("beast", mode="echo")
        self.echo()

    def test_nchan_fans_out(self):
        self.start("nchan")
        self.fan_out("/sub/bench", "/pub/bench")

    def test_nchan_takes_what_is_posted(self):
        self.start("nchan")
        subscriber = self.client("/topics/bench")
        connection = HttpConnection(self.address)
        self.addCleanup(connection.close)
        for number in range(3):
            connection.send(build_request("POST", "/api/topics/bench/messages",
                                          body=b"posted %d" % number))
            self.assertIn(connection.read_response().status, (200, 201, 202))
            self.assertEqual(subscriber.receive()[1], b"posted %d" % number)

    def test_nats_speaks_its_protocol_in_a_websocket(self):
        self.start("nats")
        subscriber, publisher = self.client(), self.client()
        for client in (subscriber, publisher):
            self.assertTrue(client.receive_binary().startswith(b"INFO "))
        subscriber.send_binary(b'CONNECT {"verbose":false}\r\nSUB bench 1\r\nPING\r\n')
        self.assertIn(b"PONG", subscriber.receive_binary())
        publisher.send_binary(b'CONNECT {"verbose":false}\r\nPUB bench 5\r\nhello\r\n')
        self.assertEqual(subscriber.receive_binary(), b"MSG bench 1 5\r\nhello\r\n")

    def test_mosquitto_speaks_mqtt_in_a_websocket(self):
        self.start("mosquitto")

        def string(text):
            return struct.pack(">H", len(text)) + text

        def packet(first, body):
            return bytes((first, len(body))) + body

        clients = [self.client("/mqtt", subprotocols=["mqtt"]) for _ in range(2)]
        for number, client in enumerate(clients):
            client.send_binary(packet(0x10, string(b"MQTT") + b"\x04\x02" + struct.pack(">H", 0) +
                                      string(b"client%d" % number)))
            self.assertEqual(client.receive_binary(), b"\x20\x02\x00\x00")
        subscriber, publisher = clients
        subscriber.send_binary(packet(0x82, b"\x00\x01" + string(b"bench") + b"\x00"))
        self.assertEqual(subscriber.receive_binary(), b"\x90\x03\x00\x01\x00")
        publisher.send_binary(packet(0x30, string(b"bench") + b"hello"))
        self.assertEqual(subscriber.receive_binary(), packet(0x30, string(b"bench") + b"hello"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
