"""Patterns at the door wspush.v1: what they match, positions, resume, gaps, and rights."""

import re

import pytest

from daemon import messages_path
from deadlines import eventually
from v1_client import offset_of, split_id

POSITION = re.compile(r"p[A-Za-z0-9_-]{8,}\Z")


@pytest.fixture(scope="module", params=[1, 2, 3], ids=lambda n: f"{n}-reactors")
def reactors(request):
    return request.param


@pytest.fixture
def client(daemon):
    return daemon.v1()


def everywhere(daemon, count=6):
    """Clients on (very likely) every reactor."""
    return [daemon.v1() for _ in range(count)]


def by_topic(events):
    """The ids of `message` events, by their topic, in the order in which they came."""
    ids = {}
    for event in events:
        assert event["op"] == "message", event
        ids.setdefault(event["topic"], []).append(event["id"])
    return ids


class Published:
    """Publishes to several topics in turn, and knows their ids."""

    def __init__(self, daemon, prefix):
        self._daemon = daemon
        self.prefix = prefix
        self.ids = {}

    def publish(self, *names):
        for name in names:
            topic = f"{self.prefix}.{name}"
            self.ids.setdefault(topic, []).append(self._daemon.publish(topic, name)["id"])

    def all(self):
        return {topic: list(ids) for topic, ids in self.ids.items()}

    def without(self, seen):
        """What is left of every topic behind those ids that were seen."""
        left = {topic: ids[len(seen.get(topic, [])):] for topic, ids in self.ids.items()}
        return {topic: ids for topic, ids in left.items() if ids}


@pytest.fixture
def published(daemon, topic):
    return Published(daemon, topic)


class TestSubscription:
    def test_gets_each_topic_that_fits_and_says_which(self, daemon, published):
        clients = everywhere(daemon)
        for client in clients:
            client.subscribe(published.prefix + ".*")
        published.publish("a", "b", "a", "c", "b", "a")
        daemon.publish(published.prefix, "too short")
        daemon.publish(published.prefix + ".a.b", "too long")
        published.publish("d")
        for client in clients:
            events = client.messages(7)
            assert by_topic(events) == published.all()
            for event in events:
                assert event["pattern"] == published.prefix + ".*"
                assert POSITION.match(event["position"]), event
                assert event["topic"] == f"{published.prefix}.{event['data']}"
            assert len({event["position"] for event in events}) == 7

    def test_with_a_rest_gets_one_or_more_segments(self, daemon, client, topic):
        client.subscribe(topic + ".>")
        daemon.publish(topic, 0)
        daemon.publish(topic + ".a", 1)
        daemon.publish(topic + ".a.b.c", 2)
        assert sorted(event["data"] for event in client.messages(2)) == [1, 2]

    def test_starts_with_the_next_message_and_says_a_position(self, daemon, client, published):
        published.publish("a", "b")
        answer = client.subscribe(published.prefix + ".*")
        assert POSITION.match(answer["last"]) and "recovered" not in answer
        new = daemon.publish(published.prefix + ".a", "new")["id"]
        assert client.next_op("message")["id"] == new

    def test_that_overlaps_another_delivers_for_itself(self, daemon, client, topic):
        client.subscribe(topic + ".a")
        client.subscribe(topic + ".*")
        client.subscribe(topic + ".>")
        daemon.publish(topic + ".a", 1)
        patterns = [event.get("pattern", "") for event in client.messages(3)]
        assert sorted(patterns) == ["", topic + ".*", topic + ".>"]

    def test_ends_with_unsubscribe(self, daemon, client, topic):
        pattern = topic + ".*"
        client.subscribe(pattern)
        client.fails("subscribe", "already_subscribed", topic=pattern)
        daemon.publish(topic + ".a", 1)
        assert client.next_op("message")["data"] == 1
        assert client.ok("unsubscribe", topic=pattern)["topic"] == pattern
        client.fails("unsubscribe", "not_subscribed", topic=pattern)
        daemon.publish(topic + ".a", 2)
        client.subscribe(topic + ".a", after="first")
        assert [event.get("pattern") for event in client.messages(2)] == [None, None]

    def test_counts_among_the_subscribers_that_a_publisher_hears_of(self, daemon, topic):
        for client in everywhere(daemon, 4):
            client.subscribe(topic + ".*")
        daemon.v1().subscribe(topic + ".a")
        eventually(lambda: daemon.publish(topic + ".a", 1)["subscribers"] == 5,
                   "all five are counted")

    def test_says_so_where_a_topic_begins_anew(self, daemon, client, topic):
        client.subscribe(topic + ".*")
        first = daemon.publish(topic + ".a", 1)["id"]
        assert client.next_op("message")["id"] == first
        assert daemon.api("DELETE", messages_path(topic + ".a")).status == 204
        second = daemon.publish(topic + ".a", 2)["id"]
        gap = client.next_op("gap")
        assert (gap["topic"], gap["pattern"]) == (topic + ".a", topic + ".*")
        assert (gap["after"], gap["next"]) == (first, second)
        assert client.next_op("message")["id"] == second

    def test_of_what_is_compressed_gets_the_same(self, daemon, published):
        client = daemon.v1(deflate="permessage-deflate")
        client.subscribe(published.prefix + ".*")
        topic = published.prefix + ".a"
        daemon.publish(topic, "x" * 4000)
        event = client.next_op("message")
        assert (event["topic"], event["data"]) == (topic, "x" * 4000)


class TestRights:
    @pytest.mark.parametrize("pattern, code", [
        (">", "forbidden"), ("*.x", "forbidden"), ("dropbox.*", "forbidden"),
        ("closed.>", "forbidden"), ("nowhere.*", "forbidden"), ("open*", "bad_topic"),
        ("open.>.a", "bad_topic"), ("open..*", "bad_topic"), ("*." * 128, "bad_topic")], ids=ascii)
    def test_want_a_pattern_whose_topics_are_all_allowed(self, client, pattern, code):
        client.fails("subscribe", code, topic=pattern)

    @pytest.mark.parametrize("op", ["publish", "history"])
    @pytest.mark.parametrize("pattern", ["open.*", ">"])
    def test_to_do_something_else_with_a_pattern_there_are_none(self, client, op, pattern):
        client.fails(op, "bad_topic", topic=pattern, data=1)

    def test_that_are_withdrawn_end_the_subscription(self, start):
        daemon = start({"topics": [{"match": "news.>", "publish": "anyone"},
                                   {"match": "misc.>", "publish": "anyone"}]})
        client = daemon.v1()
        client.subscribe("news.*")
        client.subscribe("misc.*")
        daemon.reload({"topics": [{"match": "news.a", "subscribe": "nobody"},
                                  {"match": "news.>", "publish": "anyone"},
                                  {"match": "misc.>", "publish": "anyone"}]})
        event = client.next_op("unsubscribed")
        assert (event["topic"], event["code"]) == ("news.*", "forbidden")
        daemon.publish("news.b", 1)
        daemon.publish("misc.b", 2)
        assert client.next_op("message")["data"] == 2

    def test_are_for_so_many_topics_and_patterns_of_one_connection(self, start):
        daemon = start({"limits": {"subscriptions_per_connection": 2}})
        client = daemon.v1()
        client.subscribe("open.*")
        client.subscribe("open.a")
        client.fails("subscribe", "limit_exceeded", topic="open.>")


class TestResume:
    def test_brings_what_was_missed_of_every_topic(self, daemon, published):
        pattern = published.prefix + ".*"
        first = daemon.v1()
        first.subscribe(pattern)
        published.publish("a", "b", "a", "b")
        seen = first.messages(4)
        first.close()
        published.publish("b", "new", "a", "new", "newer")
        for client in everywhere(daemon):
            answer = client.subscribe(pattern, after=seen[-1]["position"])
            assert answer["recovered"] is True and POSITION.match(answer["last"])
            left = published.without(by_topic(seen))
            count = sum(len(ids) for ids in left.values())
            assert by_topic(client.messages(count)) == left
            published.publish("a", "newest")
            assert by_topic(client.messages(2)) == {
                published.prefix + ".a": published.ids[published.prefix + ".a"][-1:],
                published.prefix + ".newest": published.ids[published.prefix + ".newest"][-1:]}

    def test_may_begin_at_every_position(self, daemon, published):
        pattern = published.prefix + ".*"
        first = daemon.v1()
        start = first.subscribe(pattern)["last"]
        published.publish(*"abcabdaebcafgabcag")
        events = first.messages(18)
        places = [(start, [])] + [(event["position"], events[:at + 1])
                                  for at, event in enumerate(events)]
        client = daemon.v1()
        for position, seen in places:
            assert client.subscribe(pattern, after=position)["recovered"] is True
            left = published.without(by_topic(seen))
            came = client.messages(18 - len(seen))
            assert by_topic(came) == left
            client.ok("unsubscribe", topic=pattern)
            # A position of what was made up for is as good as one of what came at once.
            if len(came) > 1:
                middle = came[len(came) // 2 - 1]["position"]
                client.subscribe(pattern, after=middle)
                rest = came[len(came) // 2:]
                assert by_topic(client.messages(len(rest))) == by_topic(rest)
                client.ok("unsubscribe", topic=pattern)

    def test_brings_more_than_one_piece_of_what_was_missed(self, daemon, unique):
        prefix = unique("long")
        client = daemon.v1()
        pattern = prefix + ".>"
        start = client.subscribe(pattern)["last"]
        client.ok("unsubscribe", topic=pattern)
        ids = {f"{prefix}.{name}": daemon.publish_many(f"{prefix}.{name}", range(900))
               for name in "abc"}
        assert client.subscribe(pattern, after=start)["recovered"] is True
        assert by_topic(client.messages(2700)) == ids

    def test_says_where_a_topic_lost_something(self, daemon, unique):
        prefix = unique("short")  # keeps 3 of each
        pattern = prefix + ".*"
        first = daemon.v1()
        first.subscribe(pattern)
        for name in "ab":
            daemon.publish(f"{prefix}.{name}", 0)
        position = first.messages(2)[-1]["position"]
        kept = {f"{prefix}.b": daemon.publish_many(f"{prefix}.b", range(3))}
        for client in everywhere(daemon, 3):
            assert client.subscribe(pattern, after=position)["recovered"] is True
            assert by_topic(client.messages(3)) == kept
        kept[f"{prefix}.a"] = daemon.publish_many(f"{prefix}.a", range(4))[-3:]
        for client in everywhere(daemon, 3):
            assert client.subscribe(pattern, after=position)["recovered"] is False
            assert by_topic(client.messages(6)) == kept

    def test_after_first_begins_with_all_that_is_kept(self, daemon, unique):
        prefix = unique("short")
        kept = {f"{prefix}.{name}": daemon.publish_many(f"{prefix}.{name}", range(5))[-3:]
                for name in "abc"}
        for client in everywhere(daemon, 3):
            assert client.subscribe(prefix + ".*", after="first")["recovered"] is True
            assert by_topic(client.messages(9)) == kept

    def test_knows_the_position_of_another_process_and_says_no(self, daemon, start, published):
        other = start()
        position = other.v1().subscribe(published.prefix + ".*")["last"]
        published.publish("a", "b")
        client = daemon.v1()
        answer = client.subscribe(published.prefix + ".*", after=position)
        assert answer["recovered"] is False
        assert by_topic(client.messages(2)) == published.all()

    @pytest.mark.parametrize("after", ["", "p", "x", "pAAAA", "00000000-1", 5, "first ", "p" * 99])
    def test_after_no_position_is_a_bad_request(self, client, topic, after):
        client.fails("subscribe", "bad_request", topic=topic + ".*", after=after)
        client.fails("unsubscribe", "not_subscribed", topic=topic + ".*")

    def test_after_a_position_with_a_letter_changed_is_a_bad_request(self, client, topic):
        position = client.subscribe(topic + ".*")["last"]
        client.ok("unsubscribe", topic=topic + ".*")
        changed = position[:5] + ("A" if position[5] != "A" else "B") + position[6:]
        client.fails("subscribe", "bad_request", topic=topic + ".*", after=changed)
        client.fails("subscribe", "bad_request", topic=topic, after=position)

    def test_of_many_comes_with_one_command(self, daemon, client, published):
        pattern = published.prefix + ".*"
        start = daemon.v1().subscribe(pattern)["last"]
        published.publish("a")
        client.send_json({"op": "subscribe", "id": 77, "topics": [
            {"topic": pattern, "after": start}, {"topic": published.prefix + ".b"}]})
        answers = [client.answer_to(77), client.answer_to(77)]
        assert [answer["topic"] for answer in answers] == [pattern, published.prefix + ".b"]
        assert answers[0]["recovered"] is True
        assert client.next_op("message")["id"] == published.ids[published.prefix + ".a"][0]


class TestSlowReader:
    def test_is_told_of_what_it_lost_and_then_gets_all(self, daemon, unique):
        prefix = unique("long")  # keeps 1000 messages or 8 MiB of each
        pattern = prefix + ".*"
        slow = daemon.v1(receive_buffer=4096)
        slow.subscribe(pattern)
        payload = "x" * 60_000
        last = {}
        for _ in range(20):
            for name in "ab":
                last[f"{prefix}.{name}"] = daemon.publish_many(
                    f"{prefix}.{name}", [payload] * 20)[-1]
        seen = {}
        gaps = 0
        while seen != last:
            event = slow.next_event()
            if event["op"] == "gap":
                assert (event["topic"], event["pattern"]) == (pattern, pattern)
                assert POSITION.match(event["after"]) and POSITION.match(event["next"])
                gaps += 1
                told = set(last)
                continue
            assert event["op"] == "message", event
            topic, message_id = event["topic"], event["id"]
            before = offset_of(seen[topic]) if topic in seen else 0
            if gaps > 0 and topic in told:
                assert offset_of(message_id) > before
                told.discard(topic)
            else:
                assert offset_of(message_id) == before + 1, "a hole that was not told"
            assert split_id(message_id)[0] == split_id(last[topic])[0]
            seen[topic] = message_id
        assert gaps >= 1, "it reads after 48 MiB, of which 16 are kept"
