"""The heartbeat with small intervals: pings in time, spread, needless where there is traffic."""

import select
import time

import pytest

from daemon import Daemon, run
from deadlines import PATIENCE, Deadline, eventually
from websocket_client import ConnectionClosed
from websocket_frames import PING, PONG

# A machine that keeps this program waiting for TIMEOUT makes it a client that does not answer.
INTERVAL, TIMEOUT = (0.6, 1.0) if PATIENCE == 1 else (1.2, 3.0)
SLACK = 0.8 * INTERVAL  # below one interval more: a ping that was left out is found


@pytest.fixture(scope="module")
def daemon_changes():
    return {"heartbeat": {"ping_interval": f"{INTERVAL * 1000:.0f}ms",
                          "pong_timeout": f"{TIMEOUT * 1000:.0f}ms"}}


@pytest.mark.parametrize("door", ["v1", "raw", "echo"])
class TestAnIdleClient:
    def open(self, daemon, door, **options):
        return {"v1": lambda: daemon.v1(**options), "raw": lambda: daemon.raw("open.x", **options),
                "echo": lambda: daemon.websocket("/echo", **options)}[door]()

    def test_is_pinged_within_the_interval_again_and_again(self, daemon, door):
        client = self.open(daemon, door)
        quiet_since = time.monotonic()
        for _ in range(4):
            frame = client.receive_frame()
            assert frame.opcode == PING
            now = time.monotonic()
            assert now - quiet_since < INTERVAL + SLACK
            client.send_frame(PONG, frame.payload)
            quiet_since = now

    def test_that_answers_nothing_is_closed_with_4009(self, daemon, door):
        begun = time.monotonic()
        client = self.open(daemon, door, answer_pings=False)
        with pytest.raises(ConnectionClosed) as closed:
            client.receive()
        lasted = time.monotonic() - begun
        assert closed.value.code == 4009
        assert client.pings, "it was never asked"
        assert INTERVAL + TIMEOUT - 0.05 <= lasted < INTERVAL + TIMEOUT + 0.5 + SLACK

    def test_that_answers_lives_on(self, daemon, door):
        client = self.open(daemon, door)
        deadline, pings = Deadline(2 * (INTERVAL + TIMEOUT) / PATIENCE), 0
        while not deadline.expired():
            frame = client.receive_frame()
            assert frame.opcode == PING
            client.send_frame(PONG, frame.payload)
            pings += 1
        assert pings >= 2


def exchange(client, intervals, say, listen):
    """Says something every 100 ms; the pings that came meanwhile, and the longest that one of the
    two sides said nothing."""
    spoke_at = heard_at = time.monotonic()
    end, pings, silence = spoke_at + intervals * INTERVAL, 0, 0.0
    while time.monotonic() < end:
        say()
        now = time.monotonic()
        silence = max(silence, now - spoke_at, now - heard_at)
        spoke_at = now
        while (left := spoke_at + 0.1 - time.monotonic()) > 0:
            if client.stream.buffer or select.select([client.stream.sock], [], [], left)[0]:
                frame = client.receive_frame()
                heard_at = time.monotonic()
                pings += frame.opcode == PING
                listen(frame)
    return pings, max(silence, time.monotonic() - min(spoke_at, heard_at))


def assert_is_not_pinged(client, say):
    """Tries again where this program, or the server, was kept from speaking: then a ping is right."""
    for _ in range(5):
        pings, silence = exchange(client, 4, lambda: say(client), lambda frame: None)
        if pings == 0:
            return
        assert silence > INTERVAL / 2, f"{pings} pings though both said something every {silence} s"
    pytest.fail(f"never got to speak in time: {silence} s")


def test_a_client_with_traffic_both_ways_is_not_pinged(daemon):
    assert_is_not_pinged(daemon.websocket("/echo"), lambda client: client.send_text("tick"))


def test_a_client_that_only_listens_is_pinged(daemon, topic):
    client = daemon.raw(topic)
    pings, _ = exchange(client, 3.5, lambda: daemon.publish(topic, 1),
                        lambda frame: client.send_frame(PONG, frame.payload)
                        if frame.opcode == PING else None)
    assert pings >= 2


def test_a_client_that_speaks_need_not_answer_pings(daemon):
    client = daemon.v1()  # commands without an id: the server has nothing to say
    assert exchange(client, 4, lambda: client.send_json({"op": "ping"}), lambda frame: None)[0] >= 2
    assert client.ok("ping")


def test_an_own_ping_of_the_client_counts_as_traffic(daemon):
    assert_is_not_pinged(daemon.websocket("/echo"), lambda client: client.send_frame(PING, b"me"))


def test_a_silent_client_is_gone_from_its_topics(daemon, topic):
    client = daemon.v1(answer_pings=False)
    client.subscribe(topic)
    eventually(lambda: daemon.subscribers(topic) == 0, "the silent one is no subscriber",
               INTERVAL + TIMEOUT + 2)


def test_first_pings_are_spread_and_never_late(daemon):
    opened, clients, waited = {}, {}, []

    def take_pings(seconds):
        for sock in select.select(list(clients), [], [], seconds)[0]:
            assert clients.pop(sock).receive_frame().opcode == PING
            waited.append(time.monotonic() - opened[sock])

    opened_clients = []  # they stay open
    for _ in range(80):
        begun = time.monotonic()
        client = daemon.v1()
        opened_clients.append(client)
        clients[client.stream.sock] = client
        opened[client.stream.sock] = begun
        take_pings(0)
    deadline = Deadline(INTERVAL + TIMEOUT)
    while clients:
        assert not deadline.expired(), f"{len(waited)} of 80 were pinged"
        take_pings(deadline.remaining())
    assert max(waited) < INTERVAL + SLACK
    assert len({int(seconds * 10) for seconds in waited}) >= 4, "all in one burst"


def test_the_welcome_names_the_interval():
    with Daemon(args=["--set", "heartbeat.ping_interval=20s"]) as own:
        assert own.v1().welcome["ping_interval"] == 20


@pytest.mark.parametrize("interval, proxy, fits",
                         [("59s", "60s", True), ("60s", "60s", False), ("61s", "60s", False),
                                                   ("90s", "2m", True)])
def test_the_interval_has_to_be_below_the_proxies_timeout(tmp_path, interval, proxy, fits):
    path = tmp_path / "c.yaml"
    path.write_text(f"heartbeat:\n  ping_interval: {interval}\n  proxy_read_timeout: {proxy}\n")
    done = run("wspushd", "--config", str(path), "--check")
    assert (done.returncode == 0) is fits, done
    if not fits:
        assert "ping_interval" in done.stdout + done.stderr
