"""Start, drain and end of the process, its log file, and the limits on connections."""

import json
import os
import re
import select
import signal
import socket
import time

import pytest

from byte_stream import ByteStream, StreamClosed
from daemon import Daemon, parse_address, run
from deadlines import PATIENCE, Deadline, eventually
from http_client import HttpConnection, chunk
from websocket_client import ConnectionClosed, upgrade_headers


def addresses(public, internal="127.0.0.1:0"):
    return {"listen": [{"address": public}], "internal": {"address": internal}}


def refused_start(tmp_path, config):
    """Starts a daemon that cannot; (seconds it took, its stderr)."""
    path = tmp_path / "c.yaml"
    path.write_text(json.dumps(config))
    begun = time.monotonic()
    done = run("wspushd", "--config", str(path))
    assert done.returncode == 1, done
    return time.monotonic() - begun, done.stderr


class TestStart:
    @pytest.mark.parametrize("reactors", [1, 2, 3])
    def test_is_quick_with_any_number_of_reactors(self, start, reactors):
        begun = time.monotonic()
        own = start({"reactors": reactors})
        assert time.monotonic() - begun < 1 * PATIENCE
        assert own.v1().ok("ping")
        with open(f"/proc/{own.process.pid}/status", encoding="ascii") as status:
            threads = int(re.search(r"Threads:\s+(\d+)", status.read())[1])
        assert threads >= reactors

    def test_on_a_port_in_use_names_the_key(self, tmp_path):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            took, said = refused_start(tmp_path, addresses(f"127.0.0.1:{port}"))
            assert took < 1 * PATIENCE and "listen[0].address" in said and str(port) in said
            took, said = refused_start(tmp_path, addresses("127.0.0.1:0", f"127.0.0.1:{port}"))
            assert took < 1 * PATIENCE and "internal.address" in said and str(port) in said

    def test_of_a_second_instance_on_the_same_address_is_refused(self, tmp_path, daemon):
        took, said = refused_start(tmp_path, addresses(f"127.0.0.1:{daemon.public[1]}"))
        assert took < 1 * PATIENCE and "listen[0].address" in said
        assert daemon.v1().ok("ping")

    def test_is_possible_at_once_after_a_crash(self, start):
        own = start()
        own.v1()
        address = f"127.0.0.1:{own.public[1]}"
        own.kill()
        assert start(addresses(address)).v1().ok("ping")

    def test_without_a_usable_address_or_directory_exits_1(self, tmp_path):
        _, said = refused_start(tmp_path, addresses("192.0.2.1:8080"))
        assert "listen[0].address" in said
        _, said = refused_start(tmp_path, addresses("unix:/no/such/directory/s"))
        assert "listen[0].address" in said

    def test_on_ipv6_works_where_there_is_one(self, start):
        try:
            socket.create_server(("::1", 0), family=socket.AF_INET6).close()
        except OSError:
            pytest.skip("no IPv6 loopback here")
        own = start(addresses("[::1]:0", "[::1]:0"))
        assert own.v1().ok("ping") and own.api("GET", "/healthz").status == 200

    def test_on_every_ipv6_address_takes_ipv4_too_and_names_it_as_such(self, start):
        try:
            own = start(addresses("[::]:0"))
        except AssertionError:
            pytest.skip("no IPv6 here")
        port = own.public[1]
        for host, address in (("127.0.0.1", "127.0.0.1"), ("::1", "::1")):
            with HttpConnection((host, port)) as connection:
                assert connection.request("GET", "/ws", upgrade_headers()).status == 101
                seen = own.api("GET", "/api/connections").json()["connections"]
                assert [each["address"] for each in seen] == [address]
            eventually(lambda: own.metric("wspushd_connections") == 0, "it is gone")


class TestUnixSockets:
    def test_are_removed_at_the_end(self, start, tmp_path):
        public, internal = tmp_path / "push.sock", tmp_path / "api.sock"
        own = start(addresses(f"unix:{public}", f"unix:{internal}"))
        assert public.is_socket() and internal.is_socket()
        assert own.v1().ok("ping") and own.api("GET", "/healthz").status == 200
        own.stop()
        assert not public.exists() and not internal.exists()

    def test_are_taken_over_from_a_process_that_died(self, start, tmp_path):
        path = tmp_path / "push.sock"
        own = start(addresses(f"unix:{path}"))
        own.kill()
        assert path.is_socket()
        assert start(addresses(f"unix:{path}")).v1().ok("ping")

    def test_are_refused_to_a_second_instance(self, start, tmp_path):
        path = tmp_path / "push.sock"
        own = start(addresses(f"unix:{path}"))
        took, said = refused_start(tmp_path, addresses(f"unix:{path}"))
        assert took < 1 * PATIENCE and "listen[0].address" in said and str(path) in said
        assert own.v1().ok("ping"), "the first one keeps it"

    def test_of_a_new_instance_are_not_removed_by_the_old_one(self, start, tmp_path):
        path = tmp_path / "push.sock"
        old = start({**addresses(f"unix:{path}"), "drain": {"period": "60s"}})
        held = [old.v1() for _ in range(3)]
        old.signal(signal.SIGTERM)
        eventually(lambda: not connects(str(path)), "the old one listens no more")
        new = start(addresses(f"unix:{path}"))
        old.signal(signal.SIGTERM)
        assert old.await_exit() == 0 and held
        assert new.v1().ok("ping")

    def test_let_in_whom_the_umask_lets_in(self, tmp_path):
        path = tmp_path / "push.sock"
        before = os.umask(0o007)
        try:
            with Daemon(addresses(f"unix:{path}")):
                assert os.stat(path).st_mode & 0o777 == 0o770
        finally:
            os.umask(before)

    def test_leave_a_file_alone_that_is_no_socket(self, tmp_path):
        path = tmp_path / "file"
        path.write_text("mine")
        refused_start(tmp_path, addresses(f"unix:{path}"))
        assert path.read_text() == "mine"


class TestDrain:
    @pytest.fixture
    def crowded(self, start):
        return self.crowd(start)

    def crowd(self, start, period="1500ms"):
        own = start({"drain": {"period": period}})
        return own, [own.v1() for _ in range(30)]

    def drained(self, own, clients):
        """Seconds from SIGTERM to each 1001, and the longest that this program did not look."""
        begun = looked = time.monotonic()
        own.signal(signal.SIGTERM)
        by_socket, at, blind = {client.stream.sock: client for client in clients}, [], 0.0
        deadline = Deadline(5)
        while by_socket:
            assert not deadline.expired(), f"{len(by_socket)} were not closed"
            for sock in select.select(list(by_socket), [], [], 0.02)[0]:
                by_socket.pop(sock).expect_close(1001)
                at.append(time.monotonic() - begun)
            blind, looked = max(blind, time.monotonic() - looked), time.monotonic()
        return at, blind

    def test_says_1001_to_all_spread_over_the_period(self, start):
        for _ in range(5):
            own, clients = self.crowd(start)
            at, blind = self.drained(own, clients)
            assert at[-1] < 1.5 + 0.5 * PATIENCE
            assert own.await_exit() == 0
            if at[-1] - at[0] > 0.5 and at[len(at) // 2] - at[0] > 0.2:
                return
            assert blind > 0.1, f"in bursts: {at}"  # else this program came too late to tell
        pytest.fail(f"never got to look in time: {blind} s")

    def test_makes_readyz_503_and_goes_on_serving_those_that_are_left(self, start):
        own, clients = self.crowd(start, "20s")  # Ends when all are gone: nobody waits for that.
        own.signal(signal.SIGTERM)
        eventually(lambda: own.api("GET", "/readyz").status == 503, "not ready", 1)
        assert own.api("GET", "/healthz").status == 200
        left = 0
        for client in reversed(clients):
            try:
                left += client.ok("ping") is not None
            except AssertionError:
                pass  # its turn had come
        assert left > 0

    def test_closes_the_public_listeners_and_refuses_on_open_connections(self, start):
        own, _ = self.crowd(start, "20s")
        waiting = own.http()
        waiting.send(b"GET /ws HTTP/1.1\r\n")
        own.signal(signal.SIGTERM)
        eventually(lambda: own.api("GET", "/readyz").status == 503, "draining", 1)

        def refused():
            try:
                with HttpConnection(own.public) as connection:
                    return connection.request("GET", "/ws", upgrade_headers()).status == 503
            except (ConnectionError, StreamClosed):  # refused, or reset in the accept queue
                return True
        assert refused()
        eventually(lambda: not connects(own.public), "the listener is closed", 2)
        waiting.send(b"Host: x\r\n\r\n")
        answer = waiting.read_response()
        assert answer.status == 503 and int(answer.header("Retry-After")) >= 1
        answer.error()

    def test_answers_503_to_a_lone_connection_that_asks_once_more(self, start):
        own = start({"drain": {"period": "2s"}})
        kept, silent = own.http(), own.http()
        assert kept.request("GET", "/topics/open.x").status == 204
        own.signal(signal.SIGTERM)
        eventually(lambda: own.api("GET", "/readyz").status == 503, "draining", 1)
        answer = kept.request("GET", "/topics/open.x")
        assert answer.status == 503 and int(answer.header("Retry-After")) >= 1
        kept.expect_end()
        silent.expect_end()
        own.close_clients()
        assert own.await_exit() == 0

    def test_delivers_what_was_published_before_it(self, start):
        own = start({"drain": {"period": "300ms"}})
        client = own.v1()
        client.subscribe("long.x")
        ids = own.publish_many("long.x", ["x" * 10_000] * 50)
        own.signal(signal.SIGTERM)
        assert [message["id"] for message in client.messages(50)] == ids
        client.expect_close(1001)

    def test_answers_a_stream_of_messages_for_what_has_come(self, start):
        own = start()
        feed = own.http("internal")
        feed.send_request("POST", "/api/messages", {"Content-Type": "application/x-ndjson",
                                                    "Transfer-Encoding": "chunked"})
        lines = b'{"topic":"open.x","data":1}\n{"topic":"nowhere","data":1}\n'
        feed.send(chunk(lines * 10 + b'{"topic":"open.x","da'))
        eventually(lambda: own.metric("wspushd_messages_published_total") == 10, "all are published")
        own.signal(signal.SIGTERM)
        answer = feed.read_response()
        assert answer.status == 200
        told = answer.json()
        assert (told["published"], told["failed"], len(told["errors"])) == (10, 10, 10)
        feed.expect_end()
        feed.close()
        assert own.await_exit() == 0

    def test_waits_for_no_idle_connection_of_the_internal_listener(self, start):
        own = start()
        idle = own.http("internal")
        assert idle.request("GET", "/healthz").status == 200
        begun = time.monotonic()
        own.signal(signal.SIGTERM)
        idle.expect_end()
        assert own.await_exit() == 0
        assert time.monotonic() - begun < 1.5 * PATIENCE

    def test_gives_up_on_a_stream_that_never_reads_its_answer(self, start):
        own = start()
        feed = own.http("internal")
        feed.send_request("POST", "/api/messages", {"Content-Type": "application/x-ndjson",
                                                    "Transfer-Encoding": "chunked"})
        feed.send(chunk(b'{"topic":"open.x","data":1}\n'))
        eventually(lambda: own.metric("wspushd_messages_published_total") == 1, "it is published")
        own.signal(signal.SIGTERM)
        assert own.await_exit(5) == 0

    def test_with_nobody_there_ends_at_once(self, start):
        own = start({"drain": {"period": "30s"}})
        begun = time.monotonic()
        own.stop()
        assert time.monotonic() - begun < 2 * PATIENCE

    def test_ends_as_soon_as_all_are_gone(self, start):
        own = start({"drain": {"period": "30s"}})
        clients = [own.v1() for _ in range(5)]
        own.signal(signal.SIGTERM)
        eventually(lambda: own.api("GET", "/readyz").status == 503, "draining")
        for client in clients:
            client.abort()
        assert own.await_exit(3) == 0

    def test_is_cut_short_by_a_second_sigterm(self, start):
        own = start({"drain": {"period": "60s"}})
        clients = [own.v1() for _ in range(5)]
        own.signal(signal.SIGTERM)
        eventually(lambda: own.api("GET", "/readyz").status == 503, "draining")
        own.signal(signal.SIGTERM)
        assert own.await_exit(3) == 0
        for client in clients:
            with pytest.raises(ConnectionClosed):
                client.receive()

    def test_ignores_sighup_meanwhile(self, crowded):
        own, _ = crowded
        own.signal(signal.SIGTERM)
        own.signal(signal.SIGHUP)
        assert own.await_exit(8) == 0

    def test_does_not_wait_for_a_peer_that_never_reads(self, start):
        own = start({"drain": {"period": "200ms"}})
        client = own.v1(receive_buffer=4096)
        client.subscribe("long.x")
        for _ in range(20):
            own.publish_many("long.x", ["x" * 60_000] * 10)
        own.signal(signal.SIGTERM)
        assert own.await_exit(9) == 0


def connects(address):
    try:
        ByteStream.connect(address).close()
        return True
    except OSError:
        return False


class TestTheLogFile:
    def test_is_reopened_by_sigusr1(self, tmp_path):
        log, rotated = tmp_path / "wspushd.log", tmp_path / "wspushd.log.1"
        own = Daemon({"log": {"file": str(log)}}, await_ready=False)
        eventually(lambda: log.exists() and re.search(r"\bready\b", log.read_text()),
                   "ready, in the file")
        own.publics = [parse_address(re.search(r"listening on (\S+) \(public\)",
                                               log.read_text())[1])]
        os.rename(log, rotated)
        own.signal(signal.SIGUSR1)
        eventually(log.exists, "a new file")
        assert own.v1().ok("ping")
        own.stop()
        assert log.read_text(), "the end is in the new file"

    def test_in_json_is_one_object_a_line(self, tmp_path):
        log = tmp_path / "wspushd.log"
        own = Daemon({"log": {"file": str(log), "format": "json", "access": True}},
                     await_ready=False)
        eventually(lambda: log.exists() and re.search(r"\bready\b", log.read_text()),
                   "ready, in the file")
        own.stop()
        for line in log.read_text().splitlines():
            assert isinstance(json.loads(line), dict)

    def test_that_cannot_be_opened_is_a_failure_to_start(self, tmp_path):
        _, said = refused_start(tmp_path,
                                {**addresses("127.0.0.1:0"), "log": {"file": "/no/such/dir/log"}})
        assert "/no/such/dir/log" in said

    def test_cannot_be_forged_from_outside(self, start):
        own = start({"log": {"level": "trace", "access": True}})
        own.http().request("GET", "/nope", {"User-Agent": "x", "Origin": "http://a\tforged"})
        own.v1().fails("subscribe", "bad_topic", topic="a\nforged line ready\n")
        own.stop()
        assert not any(line.startswith("forged") for line in own.log.lines())


class TestLimitsOnConnections:
    def open(self, own):
        """The status of one more handshake, and the client or the refusal."""
        connection = own.http()
        connection.send_request("GET", "/ws", upgrade_headers())
        answer = connection.read_response()
        return answer.status, connection, answer

    def test_a_full_server_answers_503_with_retry_after_until_there_is_room(self, start):
        own = start({"limits": {"connections": 4}})
        inside = [self.open(own) for _ in range(4)]
        assert [status for status, _, _ in inside] == [101] * 4
        for _ in range(3):
            status, connection, answer = self.open(own)
            assert status == 503 and 1 <= int(answer.header("Retry-After")) <= 5
            answer.error()
            connection.expect_end()
        assert own.api("GET", "/healthz").status == 200
        inside[0][1].close()
        eventually(lambda: self.open(own)[0] == 101, "there is room again")

    def test_one_address_gets_429_above_its_share(self, start):
        own = start({"limits": {"connections_per_ip": 3}})
        assert [self.open(own)[0] for _ in range(3)] == [101] * 3
        status, connection, answer = self.open(own)
        assert status == 429 and int(answer.header("Retry-After")) >= 1
        answer.error()
        connection.expect_end()

    def test_one_address_gets_429_when_it_comes_too_often(self, start):
        own = start({"limits": {"connect_rate_per_ip": 5}})
        statuses = [self.open(own)[0] for _ in range(60)]
        assert statuses[0] == 101 and 429 in statuses and set(statuses) == {101, 429}

    def test_no_descriptor_is_lost_over_a_thousand_connections(self, daemon):
        daemon.close_clients()
        eventually(lambda: daemon.metric("wspushd_connections") == 0, "all are gone")
        before = daemon.open_descriptors()
        for number in range(1000):
            stream = ByteStream.connect(daemon.public)
            if number % 3:
                stream.send(b"GET /ws HTTP/1.1\r\nHost: x\r\n\r\n" if number % 2 else b"GET")
            stream.close()
        eventually(lambda: daemon.open_descriptors() <= before + 2, "every descriptor is back")
