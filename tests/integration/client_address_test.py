"""Whose address a connection has: PROXY headers and forwarding headers, believed from trusted
proxies only, and the limits of one address that follow from it."""

import re
import socket
import struct

import pytest

from byte_stream import StreamClosed
from daemon import Daemon
from deadlines import eventually, patient
from http_client import HttpConnection, build_request
from websocket_client import WebSocketClient, upgrade_headers

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
LOCAL, PROXY = 0x20, 0x21
TCP4, TCP6, UNIX = 0x11, 0x21, 0x31


def v1(source):
    family, destination = ("TCP6", "::1") if ":" in source else ("TCP4", "127.0.0.1")
    return f"PROXY {family} {source} {destination} 56324 443\r\n".encode()


def v2(source=None, command=PROXY, family=None, rest=b"", block=None):
    """A version 2 header; `rest` stands behind the addresses."""
    if block is None:
        block = b""
        if source:
            kind = socket.AF_INET6 if ":" in source else socket.AF_INET
            address = socket.inet_pton(kind, source)
            block = address + bytes(len(address)) + struct.pack("!HH", 56324, 443)
            family = family or (TCP6 if kind == socket.AF_INET6 else TCP4)
    block += rest
    return SIGNATURE + bytes([command, family or 0]) + struct.pack("!H", len(block)) + block


def handshake(connection, path="/ws", **headers):
    connection.send_request("GET", path, upgrade_headers(**headers))
    return connection.read_response()


def addresses_of(daemon):
    """The addresses of the open connections, as the API tells them."""
    answer = daemon.api("GET", "/api/connections")
    return sorted(each["address"] for each in answer.json()["connections"])


def assert_addresses_become(daemon, wanted):
    """`addresses_of`, once the server has heard that the clients of earlier tests are gone."""
    eventually(lambda: addresses_of(daemon) == wanted, f"only {wanted} are connected")


class Trusting:
    """A daemon that trusts loopback and reads PROXY headers on `publics[0]`."""

    changes = {"listen": [{"address": "127.0.0.1:0", "proxy_protocol": True},
                          {"address": "127.0.0.1:0"}],
               "trusted_proxies": ["127.0.0.0/8", "10.0.0.0/8", "fd00::/8"],
               "log": {"access": True}, "handshake": {"timeout": patient(2)}}


@pytest.fixture(scope="module")
def daemon_changes():
    return Trusting.changes


def connect_behind(daemon, header, listener=0):
    """A connection on which `header` was sent, before anything else."""
    connection = daemon._opened(HttpConnection(daemon.publics[listener]))
    connection.send(header)
    return connection


class TestAProxyHeader:
    @pytest.mark.parametrize("header, address", [
        (v1("192.0.2.7"), "192.0.2.7"), (v1("2001:db8::7"), "2001:db8::7"),
        (b"PROXY UNKNOWN\r\n", "127.0.0.1"), (b"PROXY UNKNOWN what ever\r\n", "127.0.0.1"),
        (v2("192.0.2.8"), "192.0.2.8"), (v2("2001:db8::8"), "2001:db8::8"),
        (v2("192.0.2.9", rest=b"\x04" + struct.pack("!H", 1000) + bytes(1000)), "192.0.2.9"),
        (v2(command=LOCAL), "127.0.0.1"), (v2("192.0.2.10", command=LOCAL), "127.0.0.1"),
        (v2(), "127.0.0.1"), (v2(family=UNIX, block=bytes(216)), "127.0.0.1")], ids=repr)
    def test_tells_where_the_client_is(self, daemon, header, address):
        connection = connect_behind(daemon, header)
        assert handshake(connection).status == 101
        assert_addresses_become(daemon, [address])

    @pytest.mark.parametrize("header", [v1("192.0.2.7"), v2("192.0.2.7", rest=bytes(50))])
    def test_may_come_in_one_piece_with_the_request_and_byte_by_byte(self, daemon, header):
        connection = daemon._opened(HttpConnection(daemon.publics[0]))
        request = build_request("GET", "/echo", upgrade_headers(), host="x")
        connection.send(header + request)
        assert connection.read_response().status == 101
        connection = daemon._opened(HttpConnection(daemon.publics[0]))
        connection.stream.send_bytewise(header + request)
        assert connection.read_response().status == 101
        client = WebSocketClient(connection, None)
        client.send_text("still there")
        assert client.receive_text() == "still there"

    @pytest.mark.parametrize("header", [
        b"GET /ws HTTP/1.1\r\n", b"PROXY TCP4 192.0.2.1\r\n", b"PROXY TCP4 192.0.2.1 " + b"x" * 100,
        v2("192.0.2.7", command=0x11), v2("192.0.2.7", command=0x22), v2(family=0x41, block=bytes(12)),
        v2(family=TCP4, block=bytes(11)), v2("192.0.2.7", rest=bytes(5000)), b"\x16\x03\x01\x00"],
        ids=repr)
    def test_that_is_none_closes_the_connection_and_is_counted(self, daemon, header):
        before = daemon.metric("wspushd_proxy_headers_refused_total")
        connection = connect_behind(daemon, header)
        with pytest.raises(StreamClosed):
            connection.stream.read_exactly(1)
        assert daemon.metric("wspushd_proxy_headers_refused_total") == before + 1
        daemon.log.await_line(r"connections closed for their PROXY header, the last from 127\.0\.0\.1")

    def test_that_ends_in_the_middle_leaves_nothing_behind(self, daemon):
        for bytes_sent in (0, 1, 10, 20):
            connection = connect_behind(daemon, v2("192.0.2.7")[:bytes_sent])
            connection.stream.finish_writing()
            with pytest.raises(StreamClosed):
                connection.stream.read_exactly(1)
        eventually(lambda: daemon.metric("wspushd_connections") == 0, "all are gone")

    def test_on_a_listener_that_expects_none_is_a_bad_request(self, daemon):
        connection = connect_behind(daemon, v1("192.0.2.7"), listener=1)
        assert connection.read_response().status in (400, 505)

    def test_from_who_is_not_trusted_closes_the_connection(self, start):
        own = start({**Trusting.changes, "trusted_proxies": ["10.0.0.0/8"]})
        connection = own._opened(HttpConnection(own.publics[0]))
        with pytest.raises(StreamClosed):
            connection.send(v1("192.0.2.7"))
            connection.stream.read_exactly(1)
        assert own.metric("wspushd_proxy_headers_refused_total") == 1
        own.log.await_line(r"127\.0\.0\.1: it is not in trusted_proxies")

    def test_that_trickles_costs_no_cpu_and_ends_with_the_handshake_timeout(self, start):
        own = start({**Trusting.changes, "handshake": {"timeout": patient(1)}})
        header = v1("192.0.2.7")
        slow = [connect_behind(own, header[:20]) for _ in range(20)]
        used = own.metric("process_cpu_seconds_total")
        for connection in slow:
            connection.stream.expect_end()
        assert own.metric("process_cpu_seconds_total") - used < 0.3
        assert own.metric("wspushd_limit_hits_total", limit="handshake_timeout") == 20


class TestForwardingHeaders:
    @pytest.mark.parametrize("headers, address", [
        ({}, "127.0.0.1"),
        ({"X_Forwarded_For": "192.0.2.1"}, "192.0.2.1"),
        ({"X_Forwarded_For": "6.6.6.6, 192.0.2.1"}, "192.0.2.1"),
        ({"X_Forwarded_For": "6.6.6.6, 192.0.2.1, 10.0.0.9, fd00::1"}, "192.0.2.1"),
        ({"X_Forwarded_For": ["6.6.6.6", "192.0.2.1", "10.0.0.9"]}, "192.0.2.1"),
        ({"X_Forwarded_For": "192.0.2.1:4711"}, "192.0.2.1"),
        ({"X_Forwarded_For": "[2001:db8::1]:4711"}, "2001:db8::1"),
        ({"X_Forwarded_For": "2001:db8::1"}, "2001:db8::1"),
        ({"X_Forwarded_For": "10.0.0.1"}, "10.0.0.1"),
        ({"X_Forwarded_For": "192.0.2.1, unknown"}, "127.0.0.1"),
        ({"X_Forwarded_For": "\", 192.0.2.1"}, "192.0.2.1"),
        ({"X_Forwarded_For": "," * 5000 + "192.0.2.1"}, "192.0.2.1"),
        ({"Forwarded": "for=192.0.2.1"}, "192.0.2.1"),
        ({"Forwarded": 'for=6.6.6.6, For="[2001:db8::1]:80";proto=https'}, "2001:db8::1"),
        ({"Forwarded": 'for=", for=192.0.2.1'}, "192.0.2.1"),
        ({"Forwarded": "for=192.0.2.1, for=_hidden"}, "127.0.0.1"),
        ({"Forwarded": "for=6.6.6.6", "X_Forwarded_For": "192.0.2.1"}, "192.0.2.1")], ids=str)
    def test_of_a_trusted_proxy_tell_where_the_client_is(self, daemon, headers, address):
        connection = daemon._opened(HttpConnection(daemon.publics[1]))
        assert handshake(connection, **headers).status == 101
        assert_addresses_become(daemon, [address])

    def test_tell_it_to_the_access_log_too(self, daemon):
        connection = daemon._opened(HttpConnection(daemon.publics[1]))
        handshake(connection, "/nope", X_Forwarded_For="192.0.2.77")
        daemon.log.await_line(r"\b192\.0\.2\.77 GET")

    def test_of_anybody_else_are_nothing(self, start):
        own = start({"trusted_proxies": ["10.0.0.0/8"]})
        assert handshake(own.http(), X_Forwarded_For="192.0.2.1", Forwarded="for=192.0.2.1").status \
            == 101
        assert addresses_of(own) == ["127.0.0.1"]

    def test_are_believed_of_a_unix_peer_where_loopback_is_trusted(self, start, tmp_path):
        path = str(tmp_path / "push.sock")
        own = start({"listen": [{"address": f"unix:{path}"}], "trusted_proxies": ["127.0.0.0/8"]})
        assert handshake(own.http(), X_Forwarded_For="192.0.2.1").status == 101
        assert addresses_of(own) == ["192.0.2.1"]

    def test_are_judged_by_whom_the_proxy_header_named(self, daemon):
        connection = connect_behind(daemon, v1("10.0.0.5"))
        assert handshake(connection, X_Forwarded_For="6.6.6.6, 192.0.2.3").status == 101
        assert_addresses_become(daemon, ["192.0.2.3"])
        daemon.close_clients()
        eventually(lambda: addresses_of(daemon) == [], "it is gone")
        connection = connect_behind(daemon, v1("192.0.2.4"))
        assert handshake(connection, X_Forwarded_For="6.6.6.6").status == 101
        assert addresses_of(daemon) == ["192.0.2.4"]

    def test_take_loopback_rights_from_who_comes_through_a_proxy(self, start):
        """/api without a key answers this machine only, and a proxy on it is not the client."""
        own = start({"trusted_proxies": ["127.0.0.0/8"]})
        assert own.api("GET", "/api/topics").status == 200
        assert own.api("GET", "/api/topics", headers={"X-Forwarded-For": "192.0.2.1"}).status == 403
        assert own.api("GET", "/api/topics", headers={"X-Forwarded-For": "127.0.0.1"}).status == 200


class TestLimitsOfOneAddress:
    @pytest.fixture
    def limited(self, start):
        return start({**Trusting.changes, "limits": {"connections_per_ip": 2}})

    @staticmethod
    def through_header(daemon, address):
        return handshake(connect_behind(daemon, v1(address)))

    @staticmethod
    def forwarded(daemon, address):
        connection = daemon._opened(HttpConnection(daemon.publics[1]))
        return handshake(connection, X_Forwarded_For=address)

    @pytest.mark.parametrize("way", ["through_header", "forwarded"])
    def test_count_the_client_and_not_the_proxy(self, limited, way):
        enter = getattr(self, way)
        for address in ("192.0.2.1", "192.0.2.2", "2001:db8::1"):
            assert [enter(limited, address).status for _ in range(2)] == [101, 101]
            refused = enter(limited, address)
            assert refused.status == 429 and int(refused.header("Retry-After")) >= 1
            assert refused.error()["code"] == "rate_limited"
        assert limited.metric("wspushd_limit_hits_total", limit="connections_per_ip") == 3
        assert limited.metric("wspushd_handshakes_refused_total", status="429") == 3
        limited.close_clients()
        eventually(lambda: addresses_of(limited) == [], "all are gone")
        assert [enter(limited, "192.0.2.1").status for _ in range(3)] == [101, 101, 429]

    def test_add_up_over_both_ways(self, limited):
        assert self.through_header(limited, "192.0.2.1").status == 101
        assert self.forwarded(limited, "192.0.2.1").status == 101
        assert self.forwarded(limited, "192.0.2.1").status == 429
        assert self.through_header(limited, "192.0.2.1").status == 429

    def test_do_not_hold_for_the_proxy_itself(self, limited):
        for _ in range(5):
            connection = daemon_connection(limited)
            assert handshake(connection).status == 101
            assert handshake(connect_behind(limited, v2(command=LOCAL))).status == 101

    def test_follow_the_client_of_each_request_of_a_connection(self, start):
        own = start({**Trusting.changes, "limits": {"connections_per_ip": 1}, "demo": True})
        connection = daemon_connection(own)
        for address in ("192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.1"):
            assert connection.request("GET", "/", {"X-Forwarded-For": address}).status == 200
        assert self.forwarded(own, "192.0.2.1").status == 429
        assert self.forwarded(own, "192.0.2.2").status == 101

    def test_of_the_rate_count_the_client(self, start):
        own = start({**Trusting.changes, "limits": {"connect_rate_per_ip": 2}})
        for enter in (self.through_header, self.forwarded):
            address = "192.0.2.1" if enter == self.forwarded else "192.0.2.2"
            statuses = [enter(own, address).status for _ in range(20)]
            assert statuses[:2] == [101, 101] and 429 in statuses
            assert enter(own, "198.51.100.1").status == 101


def daemon_connection(daemon):
    return daemon._opened(HttpConnection(daemon.publics[1]))


def test_a_listener_for_proxy_headers_with_nobody_to_trust_is_told_at_the_start():
    with Daemon({"listen": [{"address": "127.0.0.1:0", "proxy_protocol": True}]}) as own:
        assert re.search(r"listen\[0\]\.proxy_protocol is on, but trusted_proxies is empty",
                         own.log.text())
