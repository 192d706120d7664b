"""Readers that stop or crawl: what they get, and that nobody else notices."""

import os
import time

import pytest

from daemon import Daemon
from deadlines import PATIENCE, Deadline, eventually
from history_checker import check_history
from v1_client import offset_of
from websocket_client import ConnectionClosed
from websocket_frames import BINARY, encode_frame

KIB, MIB = 1 << 10, 1 << 20
PAYLOAD = "x" * (60 * KIB)
WRITE_TIMEOUT = 2 if PATIENCE == 1 else 4  # seconds; a reader that only crawls has to be quicker
FLOOD = 600  # messages of 60 KiB: 36 MB, more than any socket buffer of the machine takes


@pytest.fixture(scope="module")
def daemon_changes():
    history = {"messages": 20, "bytes": "4MiB"}
    return {"topics": [
        {"match": f"{kind}.>", "publish": "anyone", "history": history, "when_slow": kind}
        for kind in ("gap", "disconnect", "latest")]}


def stalled(daemon, topic, **members):
    """A subscriber that has its first message, and from now on reads nothing."""
    client = daemon.v1(receive_buffer=16 * KIB)
    answer = client.subscribe(topic, **members)
    daemon.publish(topic, "first")
    client.next_op("message")
    return client, answer


def flood(daemon, topic, count=FLOOD):
    """Publishes until the log has left a stalled reader behind; the newest id."""
    for number in range(0, count, 10):
        daemon.publish_many(topic, [[n, PAYLOAD] for n in range(number, number + 10)])
    return daemon.publish(topic, "end")["id"]


def read_to(client, last, events):
    """Reads until the message `last`, logging for the history checker; the ops that came."""
    ops, deadline = [], Deadline(30)
    while True:
        event = client.next_event(deadline)
        ops.append(event["op"])
        if event["op"] == "gap":
            events.append({"event": "gap", "subscription": "s", "topic": event["topic"],
                           "after": event["after"], "next": event["next"]})
        else:
            assert event["op"] == "message", event
            events.append({"event": "message", "subscription": "s", "topic": event["topic"],
                           "id": event["id"], "payload": str(event["data"])[:20]})
            if event["id"] == last:
                return ops


def log_of(answer, topic, **members):
    """The beginning of a history: subscribed, and the first message that `stalled` has read."""
    first = f"{answer['last'].split('-')[0]}-{offset_of(answer['last']) + 1}"
    return [{"event": "subscribed", "subscription": "s", "topic": topic, "last": answer["last"],
             **members},
            {"event": "message", "subscription": "s", "topic": topic, "id": first,
             "payload": "first"}]


class TestWhenSlow:
    def test_gap_tells_what_was_lost_and_goes_on_with_the_oldest_kept(self, daemon, unique):
        topic = unique("gap")
        client, answer = stalled(daemon, topic)
        last = flood(daemon, topic)
        events = log_of(answer, topic)
        ops = read_to(client, last, events)
        assert ops.count("gap") >= 1
        events.append({"event": "settled", "subscription": "s", "topic": topic, "last": last})
        assert check_history(events) == []
        new = daemon.publish(topic, "live again")["id"]
        assert client.next_op("message")["id"] == new

    def test_disconnect_closes_with_4008(self, daemon, unique):
        topic = unique("disconnect")
        client, _ = stalled(daemon, topic)
        flood(daemon, topic)
        eventually(lambda: daemon.subscribers(topic) == 0, "it is no subscriber any more")
        client.expect_close(4008, 10, messages_before=True)

    def test_latest_skips_without_a_word(self, daemon, unique, deliveries):
        deliveries.may_break(1, "the rule says `when_slow: latest`, which the subscription does not")
        topic = unique("latest")
        client, answer = stalled(daemon, topic)
        last = flood(daemon, topic)
        events = log_of(answer, topic, mode="latest")
        ops = read_to(client, last, events)
        assert "gap" not in ops and len(ops) < FLOOD
        assert check_history(events) == []

    def test_a_client_may_ask_for_latest_where_the_rule_does_not(self, daemon, unique):
        topic = unique("gap")
        client, answer = stalled(daemon, topic, mode="latest")
        last = flood(daemon, topic)
        events = log_of(answer, topic, mode="latest")
        ops = read_to(client, last, events)
        assert "gap" not in ops and len(ops) < FLOOD
        assert check_history(events) == []

    def test_the_raw_door_closes_with_4007_where_it_cannot_tell_a_gap(self, daemon, unique):
        topic = unique("gap")
        client = daemon.raw(topic, receive_buffer=16 * KIB)
        flood(daemon, topic)
        payloads = []
        with pytest.raises(ConnectionClosed) as closed:
            deadline = Deadline(20)
            while True:
                payloads.append(client.receive_text(deadline))
        assert closed.value.code == 4007
        assert [int(p[1:p.index(",")]) for p in payloads] == list(range(len(payloads)))

    def test_a_resume_after_being_thrown_out_goes_on(self, daemon, unique):
        topic = unique("disconnect")
        client, answer = stalled(daemon, topic)
        last = flood(daemon, topic)
        seen = answer["last"]
        with pytest.raises(ConnectionClosed):
            while True:
                seen = client.next_op("message")["id"]
        again = daemon.v1()
        assert again.subscribe(topic, after=seen)["recovered"] is False
        while again.next_op("message")["id"] != last:
            pass


class TestTheOthers:
    def test_get_every_message_while_somebody_is_stalled(self, daemon, unique):
        topic = unique("gap")
        for _ in range(10):
            stalled(daemon, topic)
        live = [daemon.v1() for _ in range(4)]
        for client in live:
            client.subscribe(topic)
        waits = []
        for number in range(300):
            begun = time.monotonic()
            message_id = daemon.publish(topic, [number, PAYLOAD])["id"]
            for client in live:
                assert client.next_op("message")["id"] == message_id
            waits.append(time.monotonic() - begun)
        waits.sort()
        assert waits[len(waits) * 9 // 10] < 0.25 * PATIENCE, waits[-5:]

    def test_on_other_topics_of_the_same_connection_lose_nothing(self, daemon, unique):
        loud, quiet = unique("gap"), unique("gap")
        client, _ = stalled(daemon, loud)
        client.subscribe(quiet)
        last = flood(daemon, loud)
        ids = daemon.publish_many(quiet, range(5))
        got, deadline = [], Deadline(30)
        loud_done = False
        while not (loud_done and got == ids):
            event = client.next_event(deadline)
            if event["topic"] == quiet:
                assert event["op"] == "message"
                got.append(event["id"])
            elif event["op"] == "message":
                loud_done = loud_done or event["id"] == last
        assert got == ids

    @pytest.mark.skipif(bool(os.environ.get("WSPUSH_TEST_SANITIZED")),
                        reason="a sanitizer keeps freed memory")
    def test_cost_no_memory_for_those_that_are_stalled(self, daemon, unique):
        topic = unique("gap")
        flood(daemon, topic, 100)  # the log is full, what is allocated once is allocated
        clients = [stalled(daemon, topic)[0] for _ in range(80)]
        before = daemon.resident_bytes()
        flood(daemon, topic)
        assert daemon.resident_bytes() - before < 16 * MIB, "80 copies of one log would be 96 MB"
        assert all(client.closed is None for client in clients)

    def test_a_reader_of_few_bytes_at_a_time_gets_a_right_stream(self, daemon, unique):
        topic = unique("gap")
        client, answer = stalled(daemon, topic)
        ids = daemon.publish_many(topic, [[n, "y" * 5000] for n in range(15)])
        client.stream.read_size = 97
        events = log_of(answer, topic)
        for event in client.messages(15, 20):
            events.append({"event": "message", "subscription": "s", "topic": topic,
                           "id": event["id"],
                           "payload": event["data"]})
        assert events[-1]["id"] == ids[-1] and check_history(events) == []


class TestWriteTimeout:
    @pytest.fixture(scope="class")
    def strict(self):
        with Daemon({"limits": {"write_timeout": f"{WRITE_TIMEOUT}s"}, "topics": [
                {"match": ">", "publish": "anyone",
                 "history": {"messages": 20, "bytes": "4MiB"}}]}) as own:
            yield own

    def test_closes_a_peer_that_takes_nothing_with_4008(self, strict, unique):
        topic = unique("gap")
        client, _ = stalled(strict, topic)
        flood(strict, topic)
        eventually(lambda: strict.subscribers(topic) == 0, "the timeout has ended it", 6)
        try:
            client.expect_close(4008, 10, messages_before=True)
        except AssertionError as ended:  # the close frame needs room in the peer's full window
            assert "without a close frame" in str(ended) or "inside a frame" in str(ended), ended

    def test_leaves_alone_a_peer_that_takes_a_little(self, strict, unique):
        topic = unique("gap")
        client, _ = stalled(strict, topic)
        last = flood(strict, topic, 100)
        crawl_until = time.monotonic() + 1.5 * WRITE_TIMEOUT  # and never idle so long
        client.stream.read_size = 48 * KIB
        while client.next_event(10).get("id") != last:
            if time.monotonic() < crawl_until:
                time.sleep(0.1)  # this is the pace of the reader, not a wait for anything
        assert client.ok("ping")

    def test_does_not_mean_a_peer_for_whom_nothing_waits(self, strict, unique):
        client = strict.v1()
        client.subscribe(unique("gap"))
        stuck, _ = stalled(strict, unique("gap"))
        topic = unique("gap")
        gone, _ = stalled(strict, topic)
        flood(strict, topic)
        eventually(lambda: strict.subscribers(topic) == 0, "more than the timeout has passed", 6)
        assert client.ok("ping") and stuck.ok("ping")


class TestRepliesToAPeerThatDoesNotRead:
    def push_until_full(self, client, data, most):
        """Writes copies of `data` until the server takes no more; how many bytes it took."""
        sent, pending, idle = 0, b"", Deadline(0.5)
        while sent < most and not idle.expired():
            pending = pending or data
            taken = client.stream.send_what_fits(pending)
            pending = pending[taken:]
            sent += taken
            if taken:
                idle = Deadline(0.5)
            else:
                time.sleep(0.005)
        return sent, pending

    def test_it_is_not_read_from_and_then_gets_all_of_them(self, start):
        own = start({"limits": {"queued_bytes": "256KiB"}})
        client = own.websocket("/echo", receive_buffer=16 * KIB)
        frame = encode_frame(BINARY, os.urandom(16 * KIB))
        sent, pending = self.push_until_full(client, frame, 64 * MIB)
        assert sent < 64 * MIB, "the server goes on reading from a peer that does not read"
        client.stream.sock.setblocking(True)
        whole = (sent + len(pending)) // len(frame)
        received = 0
        while received < whole - (1 if pending else 0):
            assert len(client.receive_binary(10)) == 16 * KIB
            received += 1
        if pending:
            client.send_bytes(pending)
            assert len(client.receive_binary(10)) == 16 * KIB
        client.send_binary(b"fine")
        assert client.receive_binary() == b"fine"

    @pytest.mark.skipif(bool(os.environ.get("WSPUSH_TEST_SANITIZED")),
                        reason="a sanitizer keeps freed memory")
    def test_costs_no_more_than_queued_bytes(self, start):
        own = start({"limits": {"queued_bytes": "256KiB"}})
        own.publish_many("open.x", ["x" * 10_000] * 90)
        before = own.resident_bytes()
        for _ in range(20):
            client = own.v1(receive_buffer=16 * KIB)
            frame = encode_frame(1, b'{"op":"history","id":1,"topic":"open.x","limit":20}')
            self.push_until_full(client, frame * 20, 200 * KIB)
        assert own.resident_bytes() - before < 40 * MIB

    def test_one_reply_larger_than_queued_bytes_may_wait_alone(self, start):
        own = start({"limits": {"queued_bytes": "64KiB"}})
        client = own.websocket("/echo", receive_buffer=16 * KIB)
        data = os.urandom(MIB)
        client.send_binary(data)
        assert client.receive_binary(10) == data

    def test_a_full_queue_lets_no_message_overtake_its_subscribed(self, start, unique):
        own = start({"reactors": 1, "limits": {"queued_bytes": "1KiB"}})
        topics = [unique("open") for _ in range(40)]
        for topic in topics:
            own.publish(topic, "kept")
        client = own.v1()
        client.send_json({"op": "subscribe", "id": 1, "topics": [
            {"topic": topic, "after": "first"} for topic in topics]})
        subscribed = set()
        for _ in range(2 * len(topics)):
            event = client.next_event()
            if event["op"] == "subscribed":
                subscribed.add(event["topic"])
            else:
                assert event["op"] == "message" and event["topic"] in subscribed, event
        assert len(subscribed) == len(topics)
