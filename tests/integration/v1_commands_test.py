"""The door wspush.v1: its commands, their answers, and every error code."""

import json
import re

import pytest

from daemon import run
from deadlines import eventually
from v1_client import split_id
from websocket_client import ConnectionClosed
from websocket_frames import TEXT, encode_frame


@pytest.fixture(scope="module", params=[1, 2, 3], ids=lambda n: f"{n}-reactors")
def reactors(request):
    return request.param


@pytest.fixture
def client(daemon):
    return daemon.v1()


class TestTheWelcome:
    def test_says_who_and_what(self, client):
        assert re.fullmatch(r"[A-Za-z0-9._~-]+", client.welcome["connection"])
        assert client.welcome["user"] is None
        assert client.welcome["ping_interval"] == 50
        assert re.fullmatch(r"wspushd/\S+", client.welcome["server"])

    def test_names_the_version_that_the_command_line_prints(self, client):
        assert client.welcome["server"].split("/")[1] in run("wspushd", "--version").stdout

    def test_gives_every_connection_an_id_of_its_own(self, daemon):
        ids = [daemon.v1().welcome["connection"] for _ in range(20)]
        assert len(set(ids)) == 20

    def test_comes_to_a_client_without_a_subprotocol_too(self, daemon):
        client = daemon.v1(subprotocols=())
        assert client.subprotocol is None
        assert client.ok("ping")


class TestIds:
    @pytest.mark.parametrize("command_id",
                             [0, 1, -1, 7, 2**53, "", "a", "7", "ä\"\\\u0001", "x" * 100], ids=repr)
    def test_come_back_as_they_were(self, client, command_id):
        client.send_json({"op": "ping", "id": command_id})
        answer = client.next_event()
        assert answer == {"op": "pong", "id": command_id}
        assert type(answer["id"]) is type(command_id)

    def test_come_back_with_errors(self, client):
        client.send_json({"op": "subscribe", "id": "mine", "topic": ""})
        assert client.next_event()["id"] == "mine"

    @pytest.mark.parametrize("command_id", ["1.5", "true", "{}", "[1]"])
    def test_that_are_neither_string_nor_integer_are_bad(self, client, command_id):
        client.send_text('{"op":"ping","id":%s}' % command_id)
        error = client.next_op("error")
        assert error["code"] == "bad_request" and "id" not in error

    def test_may_be_left_out_and_then_only_failures_are_answered(self, client, unique):
        topic = unique()
        client.send_json({"op": "ping"})
        client.send_json({"op": "subscribe", "topic": topic})
        client.send_json({"op": "publish", "topic": topic, "data": "mine"})
        assert client.next_op("message")["data"] == "mine"
        client.send_json({"op": "history", "topic": topic})
        client.send_json({"op": "unsubscribe", "topic": topic})
        assert client.drain_until_pong() == []
        client.send_json({"op": "unsubscribe", "topic": unique()})
        error = client.next_op("error")
        assert error["code"] == "not_subscribed" and "id" not in error


class TestBadCommands:
    @pytest.mark.parametrize("text", [
        "", " ", "{", "}", "null", "1", '"ping"', "[]", '[{"op":"ping"}]', '{"op":"ping"',
        '{"op":"ping"} x',
        '{"op":"ping"}{"op":"ping"}', "{'op':'ping'}", '{"op":ping}', '{"op":"ping",}',
        '{"op":"ping","x":01}',
        '{"op":"ping","x":"\n"}', '{"op":"ping","x":tru}', '\ufeff{"op":"ping"}',
        '{"op":"publish","topic":"open.x","data":{"a":tru}}',
        '{"op":"publish","topic":"open.x","data":[1,]}',
        '{"op":"publish","topic":"open.x","data":NaN}', "{}", '{"id":1}', '{"op":1,"id":1}',
        '{"op":null}'],
        ids=repr)
    def test_that_are_no_json_object_with_an_op_are_bad_request(self, client, text):
        client.send_text(text)
        error = client.next_op("error")
        assert error["code"] == "bad_request" and error["message"]
        assert client.ok("ping")

    @pytest.mark.parametrize("depth, fits", [(30, True), (33, False), (2000, False)])
    def test_deeper_than_32_are_bad_request(self, client, depth, fits):
        client.send_text('{"op":"ping","id":1,"x":%s1%s}' % ("[" * depth, "]" * depth))
        assert client.next_event()["op"] == ("pong" if fits else "error")

    @pytest.mark.parametrize("op", ["", "nope", "PING", "ping ", "welcome", "pong"])
    def test_with_an_op_that_nobody_knows_are_unknown_op(self, client, op):
        client.fails(op, "unknown_op")

    def test_may_have_members_that_nobody_knows(self, client, topic):
        assert client.ok("ping", data=[1], extra={"op": "x"})
        assert client.ok("subscribe", topic=topic, colour="red")

    def test_in_a_binary_message_are_closed_with_1003(self, client):
        client.send_binary(b'{"op":"ping","id":1}')
        client.expect_close(1003)

    @pytest.mark.parametrize("op", ["subscribe", "unsubscribe", "publish", "history"])
    @pytest.mark.parametrize("topic", [
        "", " ", "a b", ".a", "a.", "a..b", ".", "a/b", "a?b", "a#b", "a\tb", "a\0b", "a\nb",
        "a\x7fb", "a\u0085b",
        "x" * 256, "open." + "é" * 126], ids=ascii)
    def test_about_a_bad_topic_are_bad_topic(self, client, op, topic):
        client.fails(op, "bad_topic", topic=topic, data=1)

    @pytest.mark.parametrize("topic", ["open.*", "*", "open.>", ">", "open.a*"])
    def test_that_publish_to_a_pattern_are_bad_topic(self, client, topic):
        client.fails("publish", "bad_topic", topic=topic, data=1)

    @pytest.mark.parametrize("op", ["subscribe", "unsubscribe", "publish", "history"])
    @pytest.mark.parametrize("members", [{}, {"topic": 1}, {"topic": None}, {"topic": ["open.x"]}],
                             ids=str)
    def test_without_a_topic_are_refused(self, client, op, members):
        answer = client.call(op, data=1, **members)
        assert answer["op"] == "error" and answer["code"] in ("bad_request", "bad_topic"), answer

    @pytest.mark.parametrize("members", [
        {"mode": "some"}, {"mode": 1}, {"max_rate": 0}, {"max_rate": -1}, {"max_rate": "5"},
        {"after": 5},
        {"after": ""}, {"after": "x"}, {"after": "1-1"}, {"after": "0000000g-1"},
        {"after": "00000000-"},
        {"after": "00000000-x"}, {"after": "00000000--1"}, {"after": "00000000-1 "},
        {"after": "First"}], ids=str)
    def test_that_subscribe_with_a_bad_member_are_bad_request(self, client, topic, members):
        client.fails("subscribe", "bad_request", topic=topic, **members)
        client.fails("unsubscribe", "not_subscribed", topic=topic)

    @pytest.mark.parametrize("members",
                             [{"after": "x"}, {"limit": "5"}, {"limit": -1}, {"after": 1}], ids=str)
    def test_that_ask_for_a_history_with_a_bad_member_are_bad_request(self, client, topic, members):
        client.fails("history", "bad_request", topic=topic, **members)

    def test_that_publish_nothing_are_bad_request(self, client, topic):
        client.fails("publish", "bad_request", topic=topic)

    def test_never_close_the_connection_before_their_limit(self, start):
        own = start({"limits": {"errors_per_connection": 20}})
        client = own.v1()
        for _ in range(19):
            client.fails("nope", "unknown_op")
        assert client.ok("ping")
        client.send_json({"op": "nope", "id": 1})
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                assert client.next_event()["code"] == "unknown_op"
        assert closed.value.code == 1008


class TestSubscribe:
    def test_begins_with_the_next_message(self, daemon, client, topic):
        first = daemon.publish(topic, 1)["id"]
        answer = client.subscribe(topic)
        assert answer == {"op": "subscribed", "id": answer["id"], "topic": topic, "last": first}
        second = daemon.publish(topic, 2)["id"]
        assert client.next_event() == {"op": "message", "topic": topic, "id": second, "data": 2}

    def test_to_a_new_topic_tells_the_id_before_the_first(self, daemon, client, topic):
        epoch, offset = split_id(client.subscribe(topic)["last"])
        assert offset == 0
        assert daemon.publish(topic, 1)["id"] == f"{epoch}-1"

    @pytest.mark.parametrize("name", ["x" * 250, "é" * 125, "a-b_c:d", "日本.語", "A.B.C.D.E.F"],
                             ids=ascii)
    def test_takes_any_name_of_the_grammar(self, client, name):
        assert client.subscribe("open." + name)["topic"] == "open." + name

    def test_twice_is_already_subscribed(self, client, topic):
        client.subscribe(topic)
        client.fails("subscribe", "already_subscribed", topic=topic)
        client.ok("unsubscribe", topic=topic)
        client.subscribe(topic)

    def test_a_failed_second_one_changes_nothing(self, daemon, client, topic):
        client.subscribe(topic)
        client.fails("subscribe", "already_subscribed", topic=topic, after="first")
        daemon.publish(topic, 1)
        assert [event["data"] for event in client.messages(1)] == [1]

    @pytest.mark.parametrize("name", ["closed.x", "dropbox.x", "nowhere", "no.rule"])
    def test_where_no_rule_admits_it_is_forbidden(self, client, name):
        client.fails("subscribe", "forbidden", topic=name)

    def test_above_its_limit_is_limit_exceeded_until_one_is_given_back(self, start, unique):
        own = start({"limits": {"subscriptions_per_connection": 3}})
        client = own.v1()
        topics = [unique() for _ in range(4)]
        for topic in topics[:3]:
            client.subscribe(topic)
        client.fails("subscribe", "limit_exceeded", topic=topics[3])
        client.ok("unsubscribe", topic=topics[0])
        client.subscribe(topics[3])
        own.v1().subscribe(topics[0])

    def test_with_topics_answers_each_in_order(self, daemon, client, unique):
        known, fresh = unique(), unique()
        ids = [daemon.publish(known, number)["id"] for number in range(3)]
        client.send_json({"op": "subscribe", "id": "many", "topics": [
            {"topic": known, "after": ids[0]}, {"topic": "closed.x"}, {"topic": "a b"},
            {"topic": fresh},
            {"topic": known}, {"topic": "nowhere"}]})
        answers, messages = [], []
        while len(answers) < 6 or len(messages) < 2:
            event = client.next_event()
            (messages if event["op"] == "message" else answers).append(event)
        assert all(answer["id"] == "many" for answer in answers)
        assert [(a["op"], a.get("code"), a["topic"]) for a in answers] == [
            ("subscribed", None, known), ("error", "forbidden", "closed.x"),
            ("error", "bad_topic", "a b"),
            ("subscribed", None, fresh), ("error", "already_subscribed", known),
            ("error", "forbidden", "nowhere")]
        assert answers[0]["recovered"] is True and "recovered" not in answers[3]
        assert [message["id"] for message in messages] == ids[1:]

    def test_with_a_thousand_topics_comes_back_at_once(self, start):
        own = start({"limits": {"commands_per_second": 100}})
        client = own.v1()
        names = [f"open.many.{number}" for number in range(1000)]
        client.send_json({"op": "subscribe", "id": 1,
                          "topics": [{"topic": name} for name in names]})
        assert [client.next_op("subscribed")["topic"] for _ in names] == names

    @pytest.mark.parametrize("topics", [None, {}, "open.x", [1], ["open.x"], [{}], [{"topic": 1}]],
                             ids=str)
    def test_with_topics_that_are_no_list_of_objects_is_refused(self, client, topics):
        answer = client.call("subscribe", topics=topics)
        assert answer["op"] == "error" and answer["code"] in ("bad_request", "bad_topic"), answer

    def test_comes_before_its_first_message(self, daemon, topic):
        for number in range(20):
            client = daemon.v1()
            daemon.publish(topic, number)
            client.send_json({"op": "subscribe", "id": 1, "topic": topic, "after": "first"})
            daemon.publish(topic, "more")
            assert client.next_event()["op"] == "subscribed"
            assert client.next_event()["op"] == "message"
            client.abort()

    def test_ends_with_the_connection(self, daemon, client, topic):
        clients = [daemon.v1() for _ in range(3)]
        for each in clients:
            each.subscribe(topic)
        watcher = client
        watcher.subscribe(topic)
        assert daemon.subscribers(topic) == 4
        clients[0].close()
        clients[1].abort()
        eventually(lambda: daemon.subscribers(topic) == 2, "two are gone")


class TestUnsubscribe:
    def test_ends_the_messages(self, daemon, client, unique):
        topic, other = unique(), unique()
        client.subscribe(topic)
        client.subscribe(other)
        answer = client.ok("unsubscribe", topic=topic)
        assert answer == {"op": "unsubscribed", "id": answer["id"], "topic": topic}
        daemon.publish(topic, "not for us")
        daemon.publish(other, "for us")
        assert client.next_op("message")["data"] == "for us"
        assert client.drain_until_pong() == []

    def test_without_a_subscription_is_not_subscribed(self, client, topic):
        client.fails("unsubscribe", "not_subscribed", topic=topic)
        client.subscribe(topic)
        client.ok("unsubscribe", topic=topic)
        client.fails("unsubscribe", "not_subscribed", topic=topic)


JSON_AS_WRITTEN = [
    "1", "1.0", "1.10", "-0", "0.1e1", "1E5", "1e+05", "12345678901234567890",
    "-9223372036854775809", "1e400",
    "0.30000000000000004", "100000000000000000000000000000000000000000.000", "true", "false",
    "null", '""',
    '"\\u00e9\\/\\n"', '"é"', "[]", "{}", "[1,2.50,[3.0]]", '{"b":1,"a":2,"b":3}',
    '{"price":1.50,"n":1e2}',
    '[ 1 , 2 ]', '{ "a" : 1 }', '"\\"},\\"data\\":1"', '"\\ud83d\\ude00"',
    '{"op":"x","id":9,"topic":"y"}']


class TestPublish:
    def test_is_answered_with_the_id_and_reaches_every_subscriber(self, daemon, client, topic):
        readers = [daemon.v1() for _ in range(6)]
        for reader in readers:
            reader.subscribe(topic)
        answer = client.ok("publish", topic=topic, data={"a": [1, "ß"]})
        assert set(answer) == {"op", "id", "topic", "message"} and answer["topic"] == topic
        for reader in readers:
            assert reader.next_event() == {
                "op": "message", "topic": topic, "id": answer["message"], "data": {"a": [1, "ß"]}}

    def test_reaches_the_publisher_too_if_it_is_subscribed(self, client, topic):
        client.subscribe(topic)
        message_id = client.publish(topic, "mine")
        assert client.next_op("message")["id"] == message_id

    @pytest.mark.parametrize("data", JSON_AS_WRITTEN)
    def test_passes_json_on_byte_for_byte(self, daemon, client, topic, data):
        reader = daemon.v1()
        reader.subscribe(topic)
        client.send_text('{"op":"publish","id":1,"topic":"%s","data":%s}' % (topic, data))
        assert client.next_op("published")
        assert '"data":%s' % data in reader.next_op("message").raw
        history = client.ok("history", topic=topic)
        assert '"data":%s' % data in history.raw

    def test_takes_its_members_in_any_order_and_spacing(self, daemon, client, topic):
        client.subscribe(topic)
        client.send_text('\r\n\t { "data" : 2.0 ,\n"topic":"%s" , "op":"publish" } \n' % topic)
        assert '"data":2.0' in client.next_op("message").raw

    def test_takes_a_topic_that_is_spelled_with_escapes(self, client, topic):
        client.subscribe(topic)
        escaped = "".join(f"\\u{ord(letter):04x}" for letter in topic)
        client.send_text('{"op":"publish","topic":"%s","data":1}' % escaped)
        assert client.next_op("message")["topic"] == topic

    @pytest.mark.parametrize("name", ["readonly.x", "closed.x", "nowhere"])
    def test_where_no_rule_admits_it_is_forbidden(self, client, name):
        client.fails("publish", "forbidden", topic=name, data=1)

    def test_by_subscribers_only_needs_a_subscription(self, client, unique):
        topic = unique("members")
        client.fails("publish", "forbidden", topic=topic, data=1)
        client.subscribe(topic)
        client.publish(topic, 1)
        client.ok("unsubscribe", topic=topic)
        client.fails("publish", "forbidden", topic=topic, data=1)

    def test_is_possible_where_subscribing_is_not(self, client, unique):
        client.publish(unique("dropbox"), 1)

    def test_above_the_rules_message_bytes_is_too_large(self, client, unique):
        topic = unique("small")
        client.publish(topic, "x" * 98)  # and two quotes: exactly 100 bytes
        client.fails("publish", "too_large", topic=topic, data="x" * 99)
        assert client.ok("ping")

    def test_the_default_of_message_bytes_is_64_kib(self, client, topic):
        client.publish(topic, "x" * (65536 - 2))
        client.fails("publish", "too_large", topic=topic, data="x" * (65536 - 1))

    def test_on_one_topic_takes_effect_in_the_order_sent(self, client, topic):
        commands = []
        for number in range(20):
            commands += [{"op": "subscribe", "topic": topic},
                         {"op": "publish", "topic": topic, "data": number},
                         {"op": "unsubscribe", "topic": topic},
                         {"op": "publish", "topic": topic, "data": "unheard"}]
        client.send_bytes(b"".join(encode_frame(TEXT,
                                                json.dumps(each).encode()) for each in commands))
        assert [event["data"] for event in client.messages(20)] == list(range(20))
        history = client.ok("history", topic=topic)
        assert [message["data"] for message in history["messages"]] == [
            data for number in range(20) for data in (number, "unheard")]

    def test_of_many_has_the_same_order_everywhere(self, daemon, topic):
        clients = [daemon.v1() for _ in range(6)]
        for each in clients:
            each.subscribe(topic)
        for number in range(15):
            for name, each in enumerate(clients):
                each.send_json({"op": "publish", "topic": topic, "data": [name, number]})
        seen = [[(m["id"], m["data"]) for m in each.messages(90)] for each in clients]
        assert all(each == seen[0] for each in seen)
        assert [split_id(message_id)[1] for message_id, _ in seen[0]] == list(range(1, 91))
        for name in range(6):
            assert [data[1] for _, data in seen[0] if data[0] == name] == list(range(15))


class TestTheRateOfCommands:
    # Burst: the greater of twice the rate and subscriptions_per_connection + 100.

    def count_pongs(self, client, commands):
        for number in range(commands):
            client.send_json({"op": "ping", "id": number})
        answers = [client.next_event() for _ in range(commands)]
        assert {a.get("code") for a in answers if a["op"] == "error"} <= {"rate_limited"}
        return sum(a["op"] == "pong" for a in answers), answers

    def test_beyond_the_burst_is_rate_limited_and_not_carried_out(self, start):
        own = start({"limits": {"commands_per_second": 2, "subscriptions_per_connection": 10}})
        pongs, answers = self.count_pongs(own.v1(), 300)
        assert all(answer["op"] == "pong" for answer in answers[:110])
        assert 110 <= pongs < 160
        publisher, reader = own.v1(), own.v1()
        reader.subscribe("open.rate")
        for number in range(150):
            publisher.send_json({"op": "publish", "id": number, "topic": "open.rate",
                                 "data": number})
        done = [a["id"] for a in (publisher.next_event() for _ in range(150)) if a["op"] == "published"]
        assert [message["data"] for message in reader.messages(len(done))] == done
        assert reader.drain_until_pong() == []

    def test_twice_the_rate_is_the_burst_where_that_is_greater(self, start):
        own = start({"limits": {"commands_per_second": 200, "subscriptions_per_connection": 10}})
        _, answers = self.count_pongs(own.v1(), 400)
        assert all(answer["op"] == "pong" for answer in answers)

    def test_each_topic_of_a_subscribe_counts(self, start):
        own = start({"limits": {"commands_per_second": 1, "subscriptions_per_connection": 10}})
        client = own.v1()
        client.send_json({"op": "subscribe", "id": 1, "topics": [{"topic": "closed.x"}] * 150})
        codes = [client.next_op("error")["code"] for _ in range(150)]
        assert set(codes[:110]) == {"forbidden"}
        assert codes.count("rate_limited") >= 30

    def test_is_unlimited_with_0(self, daemon):
        pongs, _ = self.count_pongs(daemon.v1(), 3000)
        assert pongs == 3000


def test_a_client_may_close_in_the_middle_of_everything(daemon, topic):
    for number in range(30):
        client = daemon.v1()
        client.send_json({"op": "subscribe", "id": 1,
                          "topics": [{"topic": f"{topic}.{i}"} for i in range(50)]})
        client.send_json({"op": "publish", "topic": f"{topic}.1", "data": number})
        client.abort()
    assert daemon.v1().ok("ping")


def test_many_connections_are_spread_and_all_served(daemon, topic):
    clients = [daemon.v1() for _ in range(60)]
    for client in clients:
        client.subscribe(topic)
    message_id = daemon.publish(topic, "to all")["id"]
    assert [client.next_op("message")["id"] for client in clients] == [message_id] * 60
