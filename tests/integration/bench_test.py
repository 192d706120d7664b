"""wspush bench against the real server: what it counts, what it refuses, and that it finds faults.

Counts only: how fast it was says nothing on a machine that runs tests.
"""

import base64
import hashlib
import json
import re
import socket
import threading

import pytest

from daemon import Daemon, run
from deadlines import eventually
from tls import make_certificate, tls_section

QUICK = ("--duration", "0.2", "--warm-up", "0.05", "--timeout", "20")


def url_of(address, scheme="ws", path=""):
    return f"{scheme}://{address[0]}:{address[1]}{path}"


def bench(scenario, url, *options):
    """Runs it with --json; returns what it reported."""
    done = run("wspush", "bench", scenario, "--url", url, "--json", *options, seconds=60)
    assert done.returncode == 0, done.stderr + done.stdout
    assert done.stderr == ""
    return json.loads(done.stdout)


def failing(scenario, url, *options):
    """Runs one that has to fail: what it reported (None where it came to none), and why."""
    done = run("wspush", "bench", scenario, "--url", url, "--json", "--timeout", "5", *options,
               seconds=60)
    assert done.returncode == 1, done.stderr + done.stdout
    assert done.stderr.startswith("wspush: bench: ") and done.stderr.count("\n") == 1, done.stderr
    return json.loads(done.stdout) if done.stdout else None, done.stderr


@pytest.fixture(scope="module")
def daemon_changes():
    return {"heartbeat": {"ping_interval": "1s", "proxy_read_timeout": "5s"}}


@pytest.fixture
def at(daemon):
    """Options that lead to the file's daemon and measure it."""
    return (url_of(daemon.public), "--api", url_of(daemon.internal, "http"), "--server-pid",
            str(daemon.process.pid))


@pytest.fixture
def url(daemon):
    return url_of(daemon.public)


@pytest.mark.parametrize("publish", ["connection", "http"])
@pytest.mark.parametrize("dialect", ["raw", "wspush.v1"])
@pytest.mark.parametrize("window", ["1", "16"])
def test_a_fan_out_is_exact_on_both_doors(at, topic, dialect, publish, window):
    report = bench("fan-out", *at, "--topic", topic, "--dialect", dialect, "--publish", publish,
                   "--connections", "20", "--window", window, "--check", "--messages", "64")
    assert report["exactly_once"] is True
    assert report["messages"] == 64 and report["deliveries"] == 64 * 20
    assert report["publisher_echoes"] == (64 if publish == "connection" else 0)
    assert report["cpu_us_per_delivery"] > 0 and 0 <= report["user_share"] <= 1
    assert report["latency_p50_us"] > 0
    assert [report[name] for name in ("missing", "duplicates", "out_of_order", "gaps",
                                      "offset_jumps", "corrupt", "closed")] == [0] * 7


@pytest.mark.parametrize("payload", ["letter", "mixed", "non-ascii", "random"])
def test_every_kind_of_payload_comes_as_it_went(at, topic, payload):
    for publish in ("connection", "http"):
        report = bench("fan-out", *at, "--topic", topic, "--payload", payload, "--publish", publish,
                       "--connections", "5", "--check", "--messages", "20", "--window", "4",
                       "--payload-bytes", "333")
        assert report["deliveries"] == 100 and report["exactly_once"] is True


def test_a_fan_out_at_a_rate_publishes_so_often(at, topic):
    report = bench("fan-out", *at, "--topic", topic, "--connections", "3", "--rate", "1000",
                   "--messages", "30")
    assert report["messages"] == 30 and report["rate_per_second"] == 1000
    # A socket has it before it is read; the fault of the other clock is far below a millisecond.
    assert 0 < report["arrival_p50_us"] < report["latency_p50_us"] + 1000


def test_a_load_program_that_spins_is_busy_only_with_what_comes(at, topic):
    report = bench("fan-out", *at, "--topic", topic, "--connections", "3", "--rate", "20", "--spin",
                   "--messages", "10", "--check")
    assert report["exactly_once"] is True and report["deliveries"] == 30
    assert 0 <= report["generator_share"] < 0.9, "asking in vain was taken for work"


def test_compressed_messages_are_inflated_and_counted(at, topic):
    report = bench("fan-out", *at, "--topic", topic, "--connections", "5", "--deflate", "--check",
                   "--payload", "mixed", "--payload-bytes", "1024", "--messages", "20")
    assert report["compressed"] == report["deliveries"] == 100
    assert report["bytes_per_delivery"] < 1000


@pytest.mark.parametrize("options", [(), ("--text", "--payload", "non-ascii"), ("--deflate",),
                                     ("--payload", "random", "--payload-bytes", "65536")])
def test_an_echo_brings_every_message_back(url, options):
    report = bench("echo", url, *options, "--connections", "4", "--depth", "8", "--warm-up", "0",
                   "--messages", "400")
    assert report["messages"] == 400 and report["missing"] == report["corrupt"] == 0
    assert report["round_trip_p50_us"] > 0


def test_an_echo_lasts_as_long_as_it_is_told(at):
    report = bench("echo", at[0], *at[3:], "--connections", "4", *QUICK)
    assert report["messages"] > 0 and report["seconds"] >= 0.2
    assert report["cpu_us_per_message"] > 0


def test_idle_connections_are_held_and_their_memory_is_told(daemon, at, topic):
    report = bench("idle", at[0], *at[3:], "--topic", topic, "--connections", "200", *QUICK)
    assert report["connections"] == 200 and report["closed"] == 0
    assert {"bytes_per_connection", "bytes_per_connection_after_first_tenth",
            "cpu_ms_per_second"} <= report.keys()
    eventually(lambda: daemon.subscribers(topic) == 0, "they have left")


def test_pings_are_answered_and_counted(at, topic):
    report = bench("pings", at[0], *at[3:], "--topic", topic, "--connections", "20", "--duration",
                   "3", "--warm-up", "0")
    assert report["pings"] >= 40 and report["closed"] == 0
    assert report["cpu_us_per_ping"] > 0


def test_handshakes_are_counted_to_the_last(daemon, at, topic):
    before = daemon.metric("wspushd_connections_opened_total", door="raw")
    report = bench("handshakes", at[0], *at[3:], "--topic", topic, "--connections", "8",
                   "--messages", "100", "--warm-up", "0")
    assert report["handshakes"] == 100 and report["cpu_us_per_handshake"] > 0
    assert daemon.metric("wspushd_connections_opened_total", door="raw") - before == 100


def test_stalled_subscribers_take_nothing_from_the_healthy_ones(at, topic):
    report = bench("stalled", *at, "--topic", topic, "--connections", "5", "--stalled", "10",
                   "--payload-bytes", "8192", "--messages", "200", "--warm-up", "0")
    assert report["deliveries"] == 1000 and report["exactly_once"] is True
    assert report["stalled_subscribers"] == 10
    assert report["healthy_deliveries_per_second"] > 0 and "memory_growth_bytes" in report


@pytest.mark.parametrize("publish", ["connection", "unanswered", "http", "http-pipelined", "ndjson"])
def test_all_that_is_published_is_taken_and_arrives(at, topic, publish):
    report = bench("publish", *at, "--topic", topic, "--dialect", "wspush.v1", "--publish", publish,
                   "--publishers", "3",
                   "--connections", "2", "--messages", "90", "--warm-up", "0", "--check")
    assert report["publishes"] == 90 and report["errors"] == 0
    assert report["deliveries"] == 180 and report["missing"] == 0
    assert report["cpu_us_per_publish"] > 0


def test_publishers_on_the_raw_door_know_their_own_messages(at, topic):
    report = bench("publish", *at, "--topic", topic, "--dialect", "raw", "--publishers", "3",
                   "--messages", "90")
    assert report["publishes"] == 90 and report["errors"] == 0


@pytest.mark.parametrize("publish", ["connection", "http", "http-pipelined", "ndjson"])
def test_a_refused_message_is_an_error_with_the_servers_words(at, publish):
    report, why = failing("publish", *at, "--topic", "nowhere.a", "--publish", publish,
                          "--messages", "10", "--warm-up", "0")
    assert "forbidden" in why
    # After a POST that it refuses the server may close: then the run is over.
    assert report is None if publish.startswith("http") else report["errors"] == 10, report


def test_over_tls_it_trusts_whom_it_is_told_to_and_resumes(start, tmp_path):
    paths = make_certificate(tmp_path, "server")
    daemon = start({"listen": [{"address": "127.0.0.1:0", "tls": tls_section(paths)}]})
    url = url_of(daemon.public, "wss")
    trusting = ("--ca", paths[0])
    report = bench("fan-out", url, *trusting, "--topic", "open.a", "--connections", "10",
                   "--messages", "20", "--window", "4", "--payload-bytes", "20000", "--check")
    assert report["deliveries"] == 200 and report["tls"] is True
    report = bench("echo", url.replace("127.0.0.1", "localhost"), *trusting, "--connections", "4",
                   "--payload-bytes", "100000", "--depth", "2", "--messages", "40")
    assert report["messages"] == 40
    once = ("--topic", "open.a", "--connections", "1", "--messages", "20", "--warm-up", "0")
    assert bench("handshakes", url, *trusting, *once)["resumed"] == 0
    _, why = failing("handshakes", url, *once)
    assert "certificate verify failed" in why
    assert bench("handshakes", url, "--insecure", *once)["handshakes"] == 20
    resumed = bench("handshakes", url, *trusting, "--resume", *once)
    assert resumed["resumed"] == 19


def test_a_server_that_is_not_there_is_told_in_a_sentence():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        for scenario in ("fan-out", "echo", "idle", "handshakes", "publish"):
            _, why = failing(scenario, url_of(sock.getsockname()))
            assert "Connection refused" in why, why


def test_a_refused_handshake_and_a_foreign_process_are_told(at, url):
    _, why = failing("fan-out", url, "--topic", "closed.a")
    assert "403" in why
    _, why = failing("echo", url + "/nothing")
    assert "404" in why
    _, why = failing("fan-out", *at[:-1], "1")
    assert "a process other than 1 listens" in why


def test_pings_that_do_not_come_are_told(start):
    daemon = start({"heartbeat": {"ping_interval": "50s", "proxy_read_timeout": "60s"}})
    _, why = failing("pings", url_of(daemon.public), "--topic", "open.a", "--connections", "2",
                     "--duration", "0.1", "--warm-up", "0")
    assert "no ping came" in why


class FaultyFloor:
    """Fans out as the floor does, with a fault: `alter` turns a frame into what is sent for it."""

    def __init__(self, alter):
        self._alter = alter
        self._subscribers = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = self._listener.getsockname()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            head = b""
            while b"\r\n\r\n" not in head:
                head += sock.recv(4096)
            key = re.search(rb"Sec-WebSocket-Key: (\S+)", head)[1]
            accept = base64.b64encode(hashlib.sha1(
                key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
            sock.sendall(b"HTTP/1.1 101 x\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n")
            if head.startswith(b"GET /publish "):
                threading.Thread(target=self._publish, args=(sock,), daemon=True).start()
            else:
                self._subscribers.append(sock)

    def _publish(self, sock):
        try:
            self._fan_out(sock)
        except OSError:
            pass  # The load has seen enough and is gone.

    def _fan_out(self, sock):
        unread, number = b"", 0
        while data := sock.recv(65536):
            unread += data
            while len(unread) >= 2 and len(unread) >= 6 + (unread[1] & 0x7f):  # all payloads here are below 126 bytes
                length = unread[1] & 0x7f
                mask, masked = unread[2:6], unread[6:6 + length]
                unread = unread[6 + length:]
                payload = bytes(byte ^ mask[i % 4] for i, byte in enumerate(masked))
                number += 1
                for frame in self._alter(number, bytes([0x81, length]) + payload):
                    for subscriber in self._subscribers:
                        subscriber.sendall(frame)

    def close(self):
        self._listener.close()


@pytest.mark.parametrize("kind, alter", [
    ("missing", lambda number, frame: [] if number == 5 else [frame]),
    ("duplicates", lambda number, frame: [frame] * (2 if number == 5 else 1)),
    ("corrupt", lambda number, frame: [frame[:-1] + b"!"] if number == 5 else [frame]),
    ("closed", lambda number, frame: [b"\x88\x02\x03\xe8"] if number == 5 else [frame]),
])
def test_a_server_that_is_at_fault_is_found_out(kind, alter):
    floor = FaultyFloor(alter)
    try:
        report, why = failing("fan-out", url_of(floor.address), "--dialect", "floor", "--check",
                              "--connections", "2", "--messages", "10", "--window", "10",
                              "--payload-bytes", "20", "--timeout", "2")
    finally:
        floor.close()
    assert report["exactly_once"] is False and report[kind] >= 2, report
    assert "not every message came once and in order" in why


def test_a_server_that_fans_nothing_out_is_told_what_may_be_wrong():
    floor = FaultyFloor(lambda number, frame: [])
    try:
        report, why = failing("fan-out", url_of(floor.address), "--dialect", "floor",
                              "--connections", "2", "--messages", "3", "--payload-bytes", "20",
                              "--timeout", "1")
    finally:
        floor.close()
    assert report["missing"] > 0
    assert "no message came to anybody: does the server speak --dialect floor" in why


def test_the_table_is_for_people_and_progress_goes_to_standard_error(url, topic):
    done = run("wspush", "bench", "idle", "--url", url, "--topic", topic, "--connections", "3",
               "--duration", "1.2", "--progress")
    assert done.returncode == 0
    assert "idle: 3 connections, raw\n" in done.stdout and "{" not in done.stdout
    assert "wspush bench: holding, 0 pings\n" in done.stderr or "pings\n" in done.stderr


def test_a_wrong_option_is_wrong_usage():
    done = run("wspush", "bench", "echo", "--window", "3")
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr == ("wspush: --window is not for wspush bench echo "
                           "(see wspush bench --help)\n")
    help_text = run("wspush", "bench", "--help")
    assert help_text.returncode == 0 and help_text.stdout.startswith("wspush bench: ")
