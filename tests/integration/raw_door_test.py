"""The raw door: one topic, payloads exactly as they were published."""

import pytest

from daemon import messages_path
from v1_client import split_id
from websocket_frames import BINARY, CONTINUATION, PING, TEXT


@pytest.fixture(scope="module", params=[1, 3], ids=lambda n: f"{n}-reactors")
def reactors(request):
    return request.param


class TestReceiving:
    def test_the_subscription_holds_once_the_101_is_out(self, daemon, unique):
        for number in range(30):
            topic = unique()
            client = daemon.raw(topic)
            assert daemon.publish(topic, number)["subscribers"] == 1
            assert client.receive_text() == str(number)

    def test_text_and_json_are_text_and_binary_is_binary(self, daemon, topic):
        client = daemon.raw(topic)
        for body, content_type, opcode in (
                (b"plain \xe2\x82\xac", "text/plain", TEXT),
                (b' { "a" : 1.00 } ', "application/json", TEXT),
                (b"<b>", "text/html; charset=utf-8", TEXT),
                (bytes(range(256)), "image/png", BINARY),
                (b"", "application/octet-stream", BINARY), (b"", "text/plain", TEXT)):
            daemon.publish(topic, body, content_type)
            opcode_seen, payload = client.receive()
            assert opcode_seen == opcode
            assert payload == body or (content_type == "application/json" and payload == body.strip())

    def test_what_wspush_v1_publishes_is_its_data(self, daemon, topic):
        client, publisher = daemon.raw(topic), daemon.v1()
        publisher.send_text('{"op":"publish","topic":"%s","data":{"n":1.50}}' % topic)
        assert client.receive_text() == '{"n":1.50}'
        publisher.send_text('{"op":"publish","topic":"%s","data":"text"}' % topic)
        assert client.receive_text() == '"text"'

    def test_large_messages_arrive_whole(self, daemon, unique):
        topic = unique("long")
        client = daemon.raw(topic)
        daemon.publish(topic, b"\0" * 200_000, "application/octet-stream")
        assert client.receive_binary() == b"\0" * 200_000

    def test_pings_are_answered(self, daemon, topic):
        client = daemon.raw(topic)
        client.send_frame(PING, b"hello")
        assert client.receive_pong() == b"hello"


class TestPublishing:
    def test_reaches_everybody_and_the_sender(self, daemon, topic):
        clients = [daemon.raw(topic) for _ in range(4)]
        clients[0].send_text("hello")
        clients[1].send_binary(b"\0\xff")
        for client in clients:
            assert {client.receive(), client.receive()} == {(TEXT, b"hello"), (BINARY, b"\0\xff")}

    def test_a_text_is_published_as_text_and_never_parsed(self, daemon, topic):
        reader, client = daemon.v1(), daemon.raw(topic)
        reader.subscribe(topic)
        for text in ('{"a":1}', "12", "{broken", ""):
            client.send_text(text)
            assert reader.next_op("message")["data"] == text
        client.send_binary(b"\x01")
        assert reader.next_op("message")["encoding"] == "base64"

    def test_fragments_are_one_message(self, daemon, topic):
        client = daemon.raw(topic)
        client.send_frame(TEXT, b"a", fin=False)
        client.send_frame(CONTINUATION, b"b")
        assert client.receive_text() == "ab"

    def test_keeps_the_order_of_one_client(self, daemon, unique):
        topic = unique("long")
        reader, client = daemon.raw(topic), daemon.raw(topic)
        for number in range(300):
            client.send_text(str(number))
        assert [reader.receive_text() for _ in range(300)] == [str(n) for n in range(300)]

    def test_where_the_rule_says_nobody_is_closed_with_1008_and_ignored(self, daemon, unique):
        topic = unique("readonly")
        reader, client = daemon.raw(topic), daemon.raw(topic)
        client.send_text("no")
        client.expect_close(1008)
        daemon.publish(topic, b"yes", "text/plain")
        assert reader.receive_text() == "yes"

    def test_where_the_rule_says_subscriber_is_open_to_it(self, daemon, unique):
        client = daemon.raw(unique("members"))
        client.send_text("yes")
        assert client.receive_text() == "yes"

    def test_above_the_rules_message_bytes_is_closed_with_1009(self, daemon, unique):
        client = daemon.raw(unique("small"))
        client.send_text("x" * 100)
        assert client.receive_text() == "x" * 100
        client.send_text("x" * 101)
        client.expect_close(1009)

    def test_that_is_not_utf8_is_closed_with_1007(self, daemon, topic):
        client = daemon.raw(topic)
        client.send_text(b"\xff")
        client.expect_close(1007)

    def test_over_the_rate_is_closed_with_1008(self, start):
        own = start({"limits": {"commands_per_second": 1, "subscriptions_per_connection": 10}})
        client = own.raw("open.rate")
        for number in range(109):  # within the burst of 110, which the topic itself may count in
            client.send_text(str(number))
        assert [client.receive_text() for _ in range(109)] == [str(n) for n in range(109)]
        for _ in range(60):
            client.send_text("more")
        client.expect_close(1008, messages_before=True)


class TestResume:
    def test_after_an_id_brings_what_follows_and_what_is_new(self, daemon, topic):
        ids = daemon.publish_many(topic, range(5))
        for _ in range(4):
            client = daemon.raw(topic, f"?after={ids[1]}")
            assert [client.receive_text() for _ in range(3)] == ["2", "3", "4"]
        daemon.publish(topic, "new")
        assert client.receive_text() == '"new"'

    def test_after_first_brings_all_that_is_kept(self, daemon, unique):
        topic = unique("short")
        daemon.publish_many(topic, range(7))
        client = daemon.raw(topic, "?after=first&unknown=1")
        assert [client.receive_text() for _ in range(3)] == ["4", "5", "6"]

    def test_without_after_begins_with_the_next(self, daemon, topic):
        daemon.publish(topic, "old")
        client = daemon.raw(topic)
        daemon.publish(topic, "new")
        assert client.receive_text() == '"new"'

    def test_beyond_the_log_is_closed_with_4007(self, daemon, unique):
        topic = unique("short")
        ids = daemon.publish_many(topic, range(7))
        daemon.raw(topic, f"?after={ids[0]}").expect_close(4007)

    def test_from_another_epoch_is_closed_with_4007(self, daemon, topic):
        daemon.publish(topic, 1)
        daemon.raw(topic, "?after=00000000-1").expect_close(4007)

    def test_a_cleared_topic_is_a_hole(self, daemon, topic):
        old = daemon.publish(topic, 1)["id"]
        client = daemon.raw(topic)
        daemon.publish(topic, 2)
        assert client.receive_text() == "2"
        assert daemon.api("DELETE", messages_path(topic)).status == 204
        assert split_id(daemon.publish(topic, 3)["id"])[0] != split_id(old)[0]
        client.expect_close(4007)
