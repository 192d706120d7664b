"""`engine.type: disk`: what was acknowledged is there after a restart and after kill -9, under the
same ids, whatever the number of reactors; a disk that is full or not to be used is told."""

import os
import random
import re
import shutil
import subprocess
import tempfile
import threading
import time
from urllib.parse import quote

import pytest

from byte_stream import StreamClosed
from daemon import Daemon, messages_path
from deadlines import PATIENCE, eventually
from history_checker import check_history
from http_client import HttpConnection
from v1_client import offset_of, split_id

RULES = [
    {"match": "short.>", "publish": "anyone", "history": {"messages": 3}},
    {"match": "brief.>", "publish": "anyone", "history": {"ttl": "300ms"}},
    {"match": ">", "publish": "anyone", "message_bytes": "256KiB",
     "history": {"messages": 100000, "bytes": "64MiB", "ttl": "1h"}},
]


@pytest.fixture
def directory():
    path = tempfile.mkdtemp(prefix="wspushd-disk-")
    yield os.path.join(path, "data")
    shutil.rmtree(path)


def disk(path, sync="1s", reactors=2, topics=RULES):
    return {"engine": {"type": "disk", "disk": {"path": path, "sync": sync}},
            "reactors": reactors, "topics": topics}


def history(daemon, topic):
    """All kept messages of a topic as (id, data), asked for in pages; and what they ended with."""
    messages, after = [], "first"
    while True:
        answer = daemon.api("GET", f"/api/topics/{quote(topic, safe='')}/messages"
                                   f"?after={after}&limit=300").json()
        messages += [(each["id"], each["data"]) for each in answer["messages"]]
        if not answer["messages"]:
            return messages, answer["last"]
        after = answer["messages"][-1]["id"]


class TestARestart:
    @pytest.mark.parametrize("before, after", [(1, 1), (1, 3), (2, 1), (3, 2)])
    def test_changes_nothing_whatever_the_number_of_reactors(self, start, directory, before, after):
        own = start(disk(directory, reactors=before))
        topics = [f"t{i}" for i in range(20)]
        ids = {topic: own.publish_many(topic, range(5)) for topic in topics}
        own.stop()
        own = start(disk(directory, reactors=after))
        for topic in topics:
            kept, last = history(own, topic)
            assert kept == list(zip(ids[topic], range(5))) and last == ids[topic][-1]
            client = own.v1()
            answer = client.subscribe(topic, after=ids[topic][2])
            assert answer["recovered"] is True and answer["last"] == last
            assert [each["id"] for each in client.messages(2)] == ids[topic][3:]
            new = own.publish(topic, "new")["id"]
            assert split_id(new) == (split_id(last)[0], split_id(last)[1] + 1)
            assert client.messages(1)[0]["id"] == new

    def test_keeps_every_kind_of_payload(self, start, directory):
        own = start(disk(directory))
        own.publish("kinds", {"a": [1, None]})
        own.publish("kinds", "täxt".encode(), "text/plain; charset=utf-8")
        own.publish("kinds", b"\0\xff", "application/octet-stream")
        before = own.api("GET", "/api/topics/kinds/messages?after=first").json()["messages"]
        own.stop()
        own = start(disk(directory))
        assert own.api("GET", "/api/topics/kinds/messages?after=first").json()["messages"] == before

    @pytest.mark.parametrize("before, after", [(1, 2), (3, 1)])
    def test_a_repeated_publish_is_answered_with_the_first_id(self, start, directory, before, after):
        own = start(disk(directory, reactors=before))
        topics = [f"t{i}" for i in range(10)]
        ids = [own.publish(topic, 1, Idempotency_Key="k")["id"] for topic in topics]
        own.publish("cleared", 1, Idempotency_Key="k")
        assert own.api("DELETE", "/api/topics/cleared/messages").status in (200, 204)
        own.kill()
        own = start(disk(directory, reactors=after))
        assert [own.publish(topic, 1, Idempotency_Key="k")["id"] for topic in topics] == ids
        assert own.publish("cleared", 1, Idempotency_Key="k")["id"]
        for topic, first in zip(topics, ids):
            assert [each for each, _ in history(own, topic)[0]] == [first]
            other = own.publish(topic, 2, Idempotency_Key="k2")["id"]
            assert offset_of(other) == 2
        assert history(own, "cleared")[0] == []

    def test_a_subscriber_of_a_topic_without_messages_has_missed_nothing(self, start, directory):
        own = start(disk(directory))
        last = own.v1().subscribe("idle")["last"]
        own.kill()
        own = start(disk(directory))
        answer = own.v1().subscribe("idle", after=last)
        assert answer["recovered"] is True and answer["last"] == last

    def test_does_not_bring_back_what_was_deleted(self, start, directory):
        own = start(disk(directory))
        before = own.publish("gone", 1)["id"]
        assert own.api("DELETE", "/api/topics/gone/messages").status in (200, 204)
        own.kill()
        own = start(disk(directory))
        kept, last = history(own, "gone")
        assert kept == [] and offset_of(last) == 0 and split_id(last)[0] != split_id(before)[0]
        assert own.v1().subscribe("gone", after=before)["recovered"] is False

    def test_applies_the_bounds_and_the_age_of_now(self, start, directory):
        own = start(disk(directory))
        short = own.publish_many("short.a", range(200))
        brief = own.publish("brief.a", 1)["id"]
        large = own.publish_many("large", range(50))
        own.kill()
        time.sleep(0.35)  # the time that passes while nothing runs: no event can tell
        smaller = [dict(RULES[0]), dict(RULES[1]),
                   {"match": ">", "publish": "anyone", "history": {"messages": 10}}]
        own = start(disk(directory, topics=smaller))
        assert [each[0] for each in history(own, "short.a")[0]] == short[-3:]
        assert history(own, "brief.a") == ([], brief)
        assert [each[0] for each in history(own, "large")[0]] == large[-10:]

    def test_brings_topics_back_that_nobody_asks_for(self, start, directory):
        own = start(disk(directory))
        for i in range(600):
            own.publish(f"t{i}", i)
        own.stop()
        own = start(disk(directory))
        eventually(lambda: own.metric("wspushd_topics") == 600, "all topics are in memory again")

    def test_a_topic_that_was_freed_goes_on_where_it_stood(self, start, directory):
        own = start(disk(directory))
        last = own.publish("brief.b", 1)["id"]
        eventually(lambda: own.metric("wspushd_topics") == 0, "the topic is freed", 30)
        own.kill()
        own = start(disk(directory))
        assert own.v1().subscribe("brief.b", after=last)["recovered"] is True
        assert offset_of(own.publish("brief.b", 2)["id"]) == 2


class Load:
    """Publishers and subscribers that write down what they saw, over many lives of a server."""

    def __init__(self, topics, publishers):
        self.events = []
        self.acknowledged = {}  # id -> (topic, payload)
        self._lock = threading.Lock()
        self._seqs = {(p, t): 0 for p in range(publishers) for t in topics}
        self.topics, self.publishers = topics, publishers

    def log(self, event, **members):
        with self._lock:
            self.events.append({"event": event, **members})

    def _publish(self, address, publisher, chance):
        """Until the server is gone."""
        try:
            with HttpConnection(address) as connection:
                while True:
                    topic = chance.choice(self.topics)
                    seq = self._seqs[publisher, topic] = self._seqs[publisher, topic] + 1
                    payload = f"{publisher}/{seq}/" + "x" * chance.choice([0, 0, 0, 3000])
                    self.log("sending", publisher=publisher, topic=topic, seq=seq, payload=payload)
                    answer = connection.request("POST", messages_path(topic),
                                                {"Content-Type": "text/plain"}, payload.encode())
                    assert answer.status == 201, answer
                    message_id = answer.json()["id"]
                    with self._lock:
                        assert (topic, message_id) not in self.acknowledged
                        self.acknowledged[topic, message_id] = payload
                    self.log("published", publisher=publisher, topic=topic, seq=seq, id=message_id)
        except (OSError, StreamClosed):
            pass
        except AssertionError as failure:
            self.failure = failure

    failure = None

    def run_until_killed(self, daemon, seconds, seed):
        chance = random.Random(seed)
        threads = [threading.Thread(target=self._publish,
                                    args=(daemon.internal, p, random.Random(seed * 100 + p)))
                   for p in range(self.publishers)]
        for thread in threads:
            thread.start()
        time.sleep(seconds * chance.random())
        daemon.kill()
        for thread in threads:
            thread.join()


class TestKill:
    @pytest.mark.parametrize("reactors, sync", [(1, "turn"), (2, "turn"), (1, "1s"), (2, "never")])
    def test_loses_nothing_that_was_acknowledged_and_uses_no_id_twice(self, directory, reactors,
                                                                      sync):
        load = Load([f"t{i}" for i in range(5)], publishers=4)
        rounds = 6
        cursors = {}
        for round_number in range(rounds):
            own = Daemon(disk(directory, sync=sync, reactors=reactors))
            try:
                client = own.v1()
                for topic in load.topics:
                    options = {"after": cursors[topic]} if topic in cursors else {}
                    answer = client.subscribe(topic, **options)
                    if options:
                        assert answer["recovered"] is True, (topic, answer)
                    load.log("subscribed", subscription=topic, topic=topic, last=answer["last"],
                             **options, **({"recovered": True} if options else {}))
                    cursors.setdefault(topic, answer["last"])
                load.run_until_killed(own, 1.0, seed=round_number + 1)
                self.read_what_came(client, load, cursors)
                assert load.failure is None, load.failure
            finally:
                own.kill()
        with Daemon(disk(directory, sync=sync, reactors=3 - reactors)) as own:
            for topic in load.topics:
                kept, last = history(own, topic)
                load.log("history", topic=topic, last=last, after="first",
                         messages=[{"id": i, "payload": data} for i, data in kept])
                there = dict(kept)
                for (name, message_id), payload in load.acknowledged.items():
                    if name == topic:
                        assert there.get(message_id) == payload, (topic, message_id)
                assert [offset_of(i) for i, _ in kept] == list(range(1, len(kept) + 1))
                assert len({split_id(i)[0] for i, _ in kept}) == 1
        assert len(load.acknowledged) > rounds * 10
        assert check_history(load.events) == []

    @staticmethod
    def read_what_came(client, load, cursors):
        """What had reached the subscriber before the server was gone."""
        while True:
            try:
                event = client.next_event(2)
            except (AssertionError, OSError, EOFError):
                break
            if event["op"] == "message":
                load.log("message", subscription=event["topic"], topic=event["topic"],
                         id=event["id"], payload=event["data"])
                cursors[event["topic"]] = event["id"]
        for topic in load.topics:
            load.log("unsubscribed", subscription=topic, topic=topic)


def start_fault(changes):
    """The log line that a daemon ends with which cannot start; exit code 1 within a second."""
    daemon = Daemon(changes, await_ready=False)
    begin = time.monotonic()
    assert daemon.await_exit(5) == 1
    assert time.monotonic() - begin < 2 * PATIENCE
    return daemon.log.lines()[-1]


class TestAStartThatCannotBe:
    def test_names_the_other_server_that_uses_the_directory(self, start, directory):
        own = start(disk(directory))
        line = start_fault(disk(directory))
        assert f"engine.disk.path: {directory}: another wspushd uses it (pid {own.process.pid})" \
            in line

    def test_names_the_format_that_it_does_not_read(self, directory):
        os.mkdir(directory)
        with open(os.path.join(directory, "format"), "w", encoding="ascii") as file:
            file.write("wspushd disk 9\n")
        assert "its format is \"wspushd disk 9\"" in start_fault(disk(directory))

    def test_names_a_directory_that_cannot_be_written(self, directory):
        line = start_fault(disk("/proc/wspushd"))
        assert "engine.disk.path: /proc/wspushd: " in line and "set engine.disk.path" in line
        with open(directory, "w", encoding="ascii"):
            pass
        assert "Not a directory; name a directory" in start_fault(disk(directory))

    def test_says_that_a_disk_is_full(self, small_disk):
        small_disk.fill()
        line = start_fault(disk(small_disk.path))
        assert "engine.disk.path: " in line and "No space left on device" in line


class SmallDisk:
    """A file system of a few megabytes in memory."""

    def __init__(self, path, megabytes):
        self.path = path
        os.mkdir(path)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "none", path],
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")

    def fill(self):
        with open(os.path.join(self.path, "filler"), "wb") as file:
            try:
                while True:
                    file.write(bytes(64 << 10))
                    file.flush()
            except OSError:
                pass

    def make_room(self):
        os.unlink(os.path.join(self.path, "filler"))


@pytest.fixture
def small_disk(directory):
    made = SmallDisk(directory, 128)
    yield made
    subprocess.run(["umount", "-l", directory], check=True)


class TestADiskThatIsFull:
    def test_refuses_publishes_keeps_clients_and_recovers_by_itself(self, start, small_disk):
        own = start(disk(small_disk.path, sync="turn"))
        client = own.v1()
        client.subscribe("t")
        sent = [own.publish("t", i)["id"] for i in range(10)]
        assert own.metric("wspushd_broker_up", broker="disk") == 1
        small_disk.fill()
        payload = bytes(200 << 10)
        answers = []

        def is_refused():
            answers.append(own.api("POST", messages_path("u"), payload,
                                   {"Content-Type": "application/octet-stream"}))
            return answers[-1].status != 201
        eventually(is_refused, "the disk is full", 20)
        assert answers[-1].status == 503 and answers[-1].error()["code"] == "unavailable"
        assert client.call("publish", topic="t", data="x")["code"] == "unavailable"
        assert own.metric("wspushd_broker_up", broker="disk") == 0
        refused = own.metric("wspushd_publishes_refused_total")
        assert refused >= 2
        # Nobody heard of what was refused, and everybody is still served.
        assert [each["id"] for each in client.messages(10)] == sent
        assert client.ok("ping") and client.drain_until_pong() == []
        assert [each[0] for each in history(own, "t")[0]] == sent
        said = [line for line in own.log.lines() if "publishes are refused" in line]
        assert len(said) == 1 and "No space left on device" in said[0]

        small_disk.make_room()
        eventually(lambda: own.metric("wspushd_broker_up", broker="disk") == 1, "it recovers", 15)
        after = own.publish("t", "after")["id"]
        assert split_id(after) == (split_id(sent[-1])[0], 11)
        assert client.messages(1)[0]["id"] == after
        own.kill()
        own = start(disk(small_disk.path, sync="turn"))
        assert [each[0] for each in history(own, "t")[0]] == sent + [after]
        acknowledged = sum(answer.status == 201 for answer in answers)
        assert len(history(own, "u")[0]) == acknowledged


class TestWhatIsSaid:
    def test_a_copy_without_its_state_begins_new_epochs(self, start, directory):
        own = start(disk(directory))
        before = own.publish("t", 1)["id"]
        own.stop()
        os.unlink(os.path.join(directory, "state"))
        own = start(disk(directory))
        kept, last = history(own, "t")
        assert [data for _, data in kept] == [1]
        assert split_id(last)[0] != split_id(before)[0]
        assert own.v1().subscribe("t", after=before)["recovered"] is False
        assert re.search("what may be missing is told to clients", own.log.text())
