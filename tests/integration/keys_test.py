"""Keys of messages: how they come in and go out, the newest of each (`latest`), and `max_rate`."""

import json

import pytest

from daemon import messages_path


@pytest.fixture(scope="module", params=[1, 2, 3], ids=lambda n: f"{n}-reactors")
def reactors(request):
    return request.param


@pytest.fixture
def client(daemon):
    return daemon.v1()


def publish_keys(daemon, topic, entries):
    """Publishes [(key or None, data)...] in one batch; returns the ids."""
    messages = [{"topic": topic, "data": data, **({"key": key} if key is not None else {})}
                for key, data in entries]
    answer = daemon.api("POST", "/api/messages", {"messages": messages})
    assert answer.status == 200, answer
    return [result["id"] for result in answer.json()["results"]]


def pairs(events):
    return [(event.get("key"), event["data"]) for event in events]


class TestKey:
    def test_comes_with_the_message_and_in_the_history(self, daemon, client, unique):
        parent = unique("open")  # What the pattern fits is of this test alone.
        topic = f"{parent}.a"
        client.subscribe(topic)
        client.subscribe(f"{parent}.*")
        assert daemon.api("POST", messages_path(topic), b"1",
                          {"Content-Type": "application/json", "Wspush-Key": "AAPL"}).status == 201
        publish_keys(daemon, topic, [("MSFT", 2), (None, 3)])
        line = json.dumps({"topic": topic, "data": 4, "key": "é \"quoted\""}, ensure_ascii=False)
        assert daemon.api("POST", "/api/messages", line.encode() + b"\n",
                          {"Content-Type": "application/x-ndjson"}).status == 200
        expected = [("AAPL", 1), ("MSFT", 2), (None, 3), ("é \"quoted\"", 4)]
        came = client.messages(8)
        assert pairs(event for event in came if "pattern" not in event) == expected
        assert pairs(event for event in came if "pattern" in event) == expected
        assert pairs(client.ok("history", topic=topic)["messages"]) == expected
        assert pairs(daemon.api("GET", messages_path(topic)).json()["messages"]) == expected

    def test_is_of_255_bytes_at_most(self, daemon, topic):
        json_type = {"Content-Type": "application/json"}
        for length, status in ((255, 201), (256, 400)):
            assert daemon.api("POST", messages_path(topic), b"1",
                              {**json_type, "Wspush-Key": "k" * length}).status == status
        results = daemon.api("POST", "/api/messages", {"messages": [
            {"topic": topic, "data": 1, "key": key} for key in ("é" * 127, "é" * 128, 5)
        ]}).json()["results"]
        assert ["id" in result for result in results] == [True, False, False]


class TestLatest:
    def test_is_the_newest_of_each_key(self, daemon, client, topic):
        publish_keys(daemon, topic, [("a", 1), ("b", 1), ("a", 2), (None, 1), ("c", 1), ("b", 2)])
        client.subscribe(topic, after="first", mode="latest")
        assert pairs(client.messages(4)) == [("a", 2), (None, 1), ("c", 1), ("b", 2)]
        publish_keys(daemon, topic, [("a", 3)])
        assert pairs(client.messages(1)) == [("a", 3)]

    def test_is_what_came_since_where_it_goes_on(self, daemon, client, topic):
        ids = publish_keys(daemon, topic, [("a", 1), ("b", 1), ("a", 2), ("b", 2), ("b", 3)])
        assert client.subscribe(topic, after=ids[2], mode="latest")["recovered"] is True
        assert pairs(client.messages(1)) == [("b", 3)]

    def test_has_what_the_log_has_dropped(self, daemon, client, unique):
        topic = unique("short")  # keeps 3
        publish_keys(daemon, topic, [("a", 1)] + [("b", i) for i in range(9)])
        client.subscribe(topic, after="first", mode="latest")
        assert pairs(client.messages(2)) == [("a", 1), ("b", 8)]
        other = daemon.v1()
        other.subscribe(topic, after="first")
        assert pairs(other.messages(3)) == [("b", 6), ("b", 7), ("b", 8)]

    def test_of_a_pattern_is_the_newest_of_each_topic_and_key(self, daemon, client, topic):
        for name in "xy":
            publish_keys(daemon, f"{topic}.{name}", [("a", 1), ("b", 1), ("a", 2)])
        client.subscribe(topic + ".*", after="first", mode="latest")
        came = client.messages(4)
        assert sorted((event["topic"][-1], event["key"], event["data"]) for event in came) == [
            ("x", "a", 2), ("x", "b", 1), ("y", "a", 2), ("y", "b", 1)]


class TestMaxRate:
    @pytest.mark.parametrize("of_pattern", [False, True], ids=["topic", "pattern"])
    def test_brings_the_first_and_then_the_newest(self, daemon, client, topic, of_pattern):
        client.subscribe(topic + ".*" if of_pattern else topic + ".a", max_rate=4)
        publish_keys(daemon, topic + ".a", [(None, i) for i in range(50)])
        came = []
        while 49 not in came:
            came.append(client.next_op("message")["data"])
        assert len(came) <= 3 and came == sorted(came)
        # Nothing was told to be lost, and what is published later comes.
        publish_keys(daemon, topic + ".a", [(None, 50)])
        assert client.next_op("message")["data"] == 50

    @pytest.mark.parametrize("rate", [0, -1, "5", True, [1]], ids=str)
    def test_is_a_positive_number(self, client, topic, rate):
        client.fails("subscribe", "bad_request", topic=topic, max_rate=rate)

    @pytest.mark.parametrize("rate", [0.001, 2.5, 1e300], ids=str)
    def test_may_be_any_positive_number(self, daemon, topic, rate):
        client = daemon.v1()
        client.subscribe(topic, max_rate=rate)
        daemon.publish(topic, "first")
        assert client.next_op("message")["data"] == "first"
