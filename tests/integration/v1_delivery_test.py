"""The door wspush.v1: what is delivered. Resume, history, gaps, latest, and the payload kinds."""

import base64

import pytest

from daemon import messages_path
from deadlines import eventually, patient
from v1_client import following, offset_of, split_id

OTHER_EPOCH = "00000000-1"


@pytest.fixture(scope="module", params=[1, 2, 3], ids=lambda n: f"{n}-reactors")
def reactors(request):
    return request.param


@pytest.fixture
def client(daemon):
    return daemon.v1()


def ids_of(events):
    return [event["id"] for event in events]


def everywhere(daemon, count=6):
    """Clients on (very likely) every reactor."""
    return [daemon.v1() for _ in range(count)]


class TestResume:
    def test_brings_what_was_missed_and_then_what_is_new(self, daemon, topic):
        ids = daemon.publish_many(topic, range(5))
        for client in everywhere(daemon):
            answer = client.subscribe(topic, after=ids[1])
            assert answer["recovered"] is True and answer["last"] == ids[-1]
            assert ids_of(client.messages(len(ids) - 2)) == ids[2:]
            ids.append(daemon.publish(topic, "new")["id"])
            assert ids_of(client.messages(1)) == ids[-1:]

    def test_after_the_newest_brings_nothing_old(self, daemon, client, topic):
        ids = daemon.publish_many(topic, range(3))
        answer = client.subscribe(topic, after=ids[-1])
        assert answer["recovered"] is True and answer["last"] == ids[-1]
        daemon.publish(topic, "new")
        assert client.next_op("message")["data"] == "new"

    def test_after_offset_0_brings_all(self, daemon, client, topic):
        last = daemon.v1().subscribe(topic)["last"]
        ids = daemon.publish_many(topic, range(3))
        assert client.subscribe(topic, after=last)["recovered"] is True
        assert ids_of(client.messages(3)) == ids

    def test_after_first_begins_with_the_oldest_kept(self, daemon, client, unique):
        topic = unique("short")  # keeps 3
        ids = daemon.publish_many(topic, range(7))
        assert client.subscribe(topic, after="first")["recovered"] is True
        assert ids_of(client.messages(3)) == ids[-3:]

    def test_after_first_of_nothing_begins_with_the_first(self, daemon, client, topic):
        answer = client.subscribe(topic, after="first")
        assert answer["recovered"] is True and offset_of(answer["last"]) == 0
        message_id = daemon.publish(topic, 1)["id"]
        assert ids_of(client.messages(1)) == [message_id]

    @pytest.mark.parametrize("seen, recovered",
                             [(0, False), (2, False), (3, True), (4, True), (6, True)])
    def test_is_recovered_exactly_where_the_log_reaches_back(self, daemon, client, unique, seen,
                                                             recovered):
        topic = unique("short")  # keeps the newest 3 of 7, offsets 5 to 7: reaches back to 4
        ids = daemon.publish_many(topic, range(7))
        answer = client.subscribe(topic, after=ids[seen])
        assert answer["recovered"] is recovered and answer["last"] == ids[-1]
        expected = ids[-3:] if not recovered else ids[seen + 1:]
        assert ids_of(client.messages(len(expected))) == expected
        new = daemon.publish(topic, "new")["id"]
        assert ids_of(client.messages(1)) == [new]

    def test_from_another_epoch_is_not_recovered_and_brings_what_is_kept(self, daemon, client,
                                                                         topic):
        ids = daemon.publish_many(topic, range(3))
        answer = client.subscribe(topic, after=OTHER_EPOCH)
        assert answer["recovered"] is False and answer["last"] == ids[-1]
        assert ids_of(client.messages(3)) == ids

    def test_from_the_future_is_not_recovered(self, daemon, client, topic):
        ids = daemon.publish_many(topic, range(3))
        assert client.subscribe(topic, after=following(ids[-1], 5))["recovered"] is False
        assert ids_of(client.messages(3)) == ids

    def test_from_the_largest_offsets_is_not_recovered_and_breaks_nothing(self, daemon, client,
                                                                          topic):
        epoch, _ = split_id(daemon.publish(topic, 1)["id"])
        for offset in (2**63 - 1, 2**64 - 1, 2**64, 10**30):
            answer = client.call("subscribe", topic=topic, after=f"{epoch}-{offset}")
            if answer["op"] == "error":  # too large to be an offset at all
                assert answer["code"] == "bad_request" and offset >= 2**64
                continue
            assert answer["recovered"] is False
            assert client.next_op("message")["data"] == 1
            client.ok("unsubscribe", topic=topic)

    def test_again_and_again_neither_loses_nor_repeats(self, daemon, topic):
        seen, last = [], None
        for round_number in range(10):
            client = daemon.v1()
            if last is None:
                last = client.subscribe(topic)["last"]
            else:
                assert client.subscribe(topic, after=last)["recovered"] is True
                seen += client.messages(3)
            daemon.publish_many(topic, [[round_number, "live", number] for number in range(4)])
            seen += client.messages(4)
            last = seen[-1]["id"]
            client.abort()
            daemon.publish_many(topic, [[round_number, "missed", number] for number in range(3)])
        assert [offset_of(message["id"]) for message in seen] == list(range(1, len(seen) + 1))

    def test_while_messages_pour_in_has_no_hole(self, daemon, topic):
        publisher = daemon.v1()
        last = publisher.subscribe(topic)["last"]
        readers = []
        for number in range(80):
            publisher.send_json({"op": "publish", "topic": topic, "data": number})
            if number % 8 == 0:
                readers.append(daemon.v1())
                readers[-1].send_json({"op": "subscribe", "id": 1, "topic": topic, "after": last})
        for reader in readers:
            assert reader.next_op("subscribed")["recovered"] is True
            assert [message["data"] for message in reader.messages(80)] == list(range(80))

    def test_of_a_topic_that_nobody_has_listened_to_goes_on(self, daemon, topic):
        client = daemon.v1()
        client.subscribe(topic)
        message_id = client.publish(topic, 1)
        client.close()
        again = daemon.v1()
        assert again.subscribe(topic, after=message_id)["recovered"] is True
        assert again.publish(topic, 2) == following(message_id)


class TestTheBoundsOfTheLog:
    def kept(self, daemon, topic):
        return [m["data"] for m in daemon.api("GET", messages_path(topic)).json()["messages"]]

    def test_messages(self, daemon, unique):
        topic = unique("short")
        for number in range(1, 6):
            daemon.publish(topic, number)
            assert self.kept(daemon, topic) == list(range(max(1, number - 2), number + 1))

    def test_the_default_is_100_messages(self, daemon, topic):
        daemon.publish_many(topic, range(150))
        assert self.kept(daemon, topic) == list(range(50, 150))

    def test_bytes_and_ttl(self, start):
        own = start({"topics": [
            {"match": "bytes.>", "history": {"bytes": "10KiB"}},
            {"match": "ttl.>", "history": {"ttl": patient(1)}}]})
        own.publish_many("bytes.x", ["x" * 1000] * 30)
        kept = self.kept(own, "bytes.x")
        assert 5 <= len(kept) <= 10
        last = own.publish("ttl.x", "old")["id"]
        assert self.kept(own, "ttl.x") == ["old"]
        eventually(lambda: self.kept(own, "ttl.x") == [], "the message is over its time", 4)
        client = own.v1()
        answer = client.subscribe("ttl.x", after=last)
        assert answer["recovered"] is True, "a client that missed nothing comes back whole"
        assert own.publish("ttl.x", "new")["id"] == following(last)

    def test_a_message_larger_than_the_logs_bytes_still_goes_out(self, start):
        own = start({"topics": [{"match": ">", "publish": "anyone", "history": {"bytes": "1KiB"}}]})
        client = own.v1()
        client.subscribe("a")
        client.publish("a", "x" * 5000)
        assert len(client.next_op("message")["data"]) == 5000

    def test_of_all_logs_together(self, start):
        own = start({"limits": {"history_bytes": "64KiB"}})
        for number in range(50):
            own.publish(f"open.h{number}", "x" * 10_000)
        kept = sum(len(self.kept(own, f"open.h{number}")) for number in range(50))
        assert 1 <= kept <= 8
        assert self.kept(own, "open.h49") == ["x" * 10_000]


class TestHistory:
    def test_gives_the_newest_oldest_first(self, daemon, client, topic):
        ids = daemon.publish_many(topic, range(10))
        answer = client.ok("history", topic=topic, limit=4)
        assert set(answer) == {"op", "id", "topic", "messages", "last"}
        assert answer["topic"] == topic and answer["last"] == ids[-1]
        assert answer["messages"] == [{"id": ids[n], "data": n} for n in range(6, 10)]

    def test_of_a_fresh_topic_is_empty(self, client, topic):
        answer = client.ok("history", topic=topic)
        assert answer["messages"] == [] and offset_of(answer["last"]) == 0 and "gap" not in answer

    def test_gives_100_by_default_and_300_at_most(self, daemon, client, unique):
        topic = unique("long")
        daemon.publish_many(topic, range(400))
        for limit, count in ((None, 100), (1, 1), (299, 299), (300, 300), (301, 300),
                             (100000, 300)):
            members = {} if limit is None else {"limit": limit}
            messages = client.ok("history", topic=topic, **members)["messages"]
            assert [m["data"] for m in messages] == list(range(400 - count, 400)), limit

    def test_after_an_id_gives_what_follows(self, daemon, client, topic):
        ids = daemon.publish_many(topic, range(10))
        answer = client.ok("history", topic=topic, after=ids[3])
        assert ids_of(answer["messages"]) == ids[4:] and answer["last"] == ids[-1]
        assert "gap" not in answer
        assert client.ok("history", topic=topic, after=ids[-1])["messages"] == []

    def test_after_an_id_goes_page_by_page(self, daemon, client, unique):
        topic = unique("long")
        ids = daemon.publish_many(topic, range(700))
        seen, after = [], ids[49]
        while True:
            page = ids_of(client.ok("history", topic=topic, after=after, limit=300)["messages"])
            if not page:
                break
            seen += page
            after = page[-1]
        assert seen == ids[50:]

    def test_after_first_gives_from_the_oldest(self, daemon, client, topic):
        ids = daemon.publish_many(topic, range(10))
        assert ids_of(client.ok("history", topic=topic, after="first",
                                limit=3)["messages"]) == ids[:3]

    def test_says_gap_where_the_log_no_longer_reaches_back(self, daemon, client, unique):
        topic = unique("short")
        ids = daemon.publish_many(topic, range(7))
        for seen, gap in ((0, True), (2, True), (3, False), (6, False)):
            answer = client.ok("history", topic=topic, after=ids[seen])
            assert answer.get("gap", False) is gap, seen
            assert ids_of(answer["messages"]) == (ids[-3:] if gap else ids[seen + 1:])
        assert client.ok("history", topic=topic, after=OTHER_EPOCH)["gap"] is True
        assert "gap" not in client.ok("history", topic=topic)

    def test_is_clipped_at_about_a_mebibyte(self, daemon, client, unique):
        topic = unique("long")
        for number in range(30):
            daemon.publish(topic, [number, "x" * 100_000])
        answer = client.ok("history", topic=topic, limit=300)
        numbers = [message["data"][0] for message in answer["messages"]]
        assert numbers == list(range(30 - len(numbers), 30)), "the newest, oldest first"
        assert 5 <= len(numbers) <= 12

    def test_gives_one_message_at_least(self, start):
        own = start({"limits": {"message_bytes": "4MiB"}, "topics": [
            {"match": ">", "message_bytes": "3MiB", "history": {"bytes": "8MiB"}}]})
        own.publish("a", "x" * 2_000_000)
        answer = own.v1().ok("history", topic="a")
        assert len(answer["messages"]) == 1

    @pytest.mark.parametrize("name", ["closed.x", "dropbox.x", "nowhere"])
    def test_needs_the_right_to_subscribe(self, client, name):
        client.fails("history", "forbidden", topic=name)

    def test_needs_no_subscription(self, daemon, client, topic):
        daemon.publish(topic, 1)
        assert client.ok("history", topic=topic)["messages"][0]["data"] == 1
        client.fails("unsubscribe", "not_subscribed", topic=topic)


class TestPayloads:
    def test_text_is_a_json_string(self, daemon, client, topic):
        client.subscribe(topic)
        for text in ("plain", '{"not":"parsed"}', 'quote " backslash \\ slash /',
                     "line\nend\r\ttab\0\x1f\x7f",
                     "größer €😀\u2028", "", "12"):
            daemon.publish(topic, text.encode(), "text/plain")
            message = client.next_op("message")
            assert message["data"] == text and "encoding" not in message

    def test_binary_is_base64_and_says_so(self, daemon, client, topic):
        client.subscribe(topic)
        for data in (b"", b"a", b"ab", b"abc", bytes(range(256)), b"\xff" * 1000):
            daemon.publish(topic, data, "application/octet-stream")
            message = client.next_op("message")
            assert message["encoding"] == "base64"
            assert message["data"] == base64.b64encode(data).decode()
        history = client.ok("history", topic=topic)["messages"]
        assert history[-1]["encoding"] == "base64" and base64.b64decode(history[-1]["data"]) == b"\xff" * 1000

    def test_the_key_comes_with_the_message(self, daemon, client, topic):
        client.subscribe(topic)
        daemon.publish(topic, 1, Wspush_Key="AAPL")
        daemon.publish(topic, 2)
        first, second = client.messages(2)
        assert first["key"] == "AAPL" and "key" not in second
        assert [m.get("key") for m in client.ok("history", topic=topic)["messages"]] == ["AAPL",
                                                                                         None]

    def test_json_from_a_back_end_keeps_its_spelling(self, daemon, client, topic):
        client.subscribe(topic)
        for text in ("1.0", "1E400", "12345678901234567890", '{"a":1.50,"b":[-0,1e2]}',
                     '"\\u00e9"'):
            daemon.publish(topic, text.encode(), "application/json")
            assert '"data":' + text in client.next_op("message").raw

    def test_large_ones_arrive_whole(self, daemon, client, unique):
        topic = unique("long")
        client.subscribe(topic)
        for size in (125, 126, 65535, 65536, 200_000):
            daemon.publish(topic, b"x" * size, "text/plain")
            assert client.next_op("message")["data"] == "x" * size


class TestAClearedTopic:
    def test_tells_its_subscribers_of_the_new_epoch_by_a_gap(self, daemon, topic):
        clients = everywhere(daemon)
        for client in clients:
            client.subscribe(topic)
        old = daemon.publish(topic, "old")["id"]
        for client in clients:
            assert client.messages(1)[0]["id"] == old
        assert daemon.api("DELETE", messages_path(topic)).status == 204
        new = daemon.publish(topic, "new")["id"]
        assert split_id(new)[0] != split_id(old)[0] and offset_of(new) == 1
        for client in clients:
            gap = client.next_op("gap")
            assert gap == {"op": "gap", "topic": topic, "after": old, "next": new}
            assert client.next_op("message")["id"] == new

    def test_is_not_recovered_by_an_old_id(self, daemon, client, topic):
        old = daemon.publish(topic, "old")["id"]
        daemon.api("DELETE", messages_path(topic))
        answer = client.subscribe(topic, after=old)
        assert answer["recovered"] is False
        assert split_id(answer["last"])[0] != split_id(old)[0] and offset_of(answer["last"]) == 0


class TestLatest:
    def test_gets_every_message_while_it_keeps_up(self, daemon, client, topic):
        client.subscribe(topic, mode="latest")
        for number in range(10):
            message_id = daemon.publish(topic, number)["id"]
            assert client.next_op("message")["id"] == message_id

    def test_mode_all_is_the_default_said_aloud(self, daemon, client, topic):
        client.subscribe(topic, mode="all")
        daemon.publish_many(topic, range(10))
        assert [m["data"] for m in client.messages(10)] == list(range(10))


def test_a_batch_rule_collects_and_loses_nothing(start):
    own = start({"topics": [{"match": ">", "publish": "anyone", "batch": "20ms"}]})
    client = own.v1()
    client.subscribe("a")
    for number in range(50):
        client.send_json({"op": "publish", "topic": "a", "data": number})
    assert [m["data"] for m in client.messages(50)] == list(range(50))


def test_a_topic_above_limits_topics_is_limit_exceeded(start):
    own = start({"limits": {"topics": 3}})
    client = own.v1()
    codes = [client.call("publish", topic=f"open.l{number}", data=1).get("code", "ok")
             for number in range(12)]
    assert codes == ["ok"] * 3 + ["limit_exceeded"] * 9
    answer = own.api("POST", messages_path("open.l99"), b"1")
    assert answer.status == 429 and answer.error()["code"] == "limit_exceeded"
