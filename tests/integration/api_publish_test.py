"""The internal listener: publishing, one message, many, and as a stream."""

import base64
import json

import pytest

from byte_stream import StreamClosed, StreamTimeout
from daemon import messages_path
from deadlines import eventually, patient
from http_client import HttpConnection, chunk
from v1_client import following, offset_of


@pytest.fixture(scope="module", params=[1, 2, 3], ids=lambda n: f"{n}-reactors")
def reactors(request):
    return request.param


def refused(answer, status, code):
    assert answer.status == status, answer
    assert answer.error()["code"] == code


class TestOneMessage:
    def test_is_answered_with_its_id_and_the_count_of_subscribers(self, daemon, topic):
        answer = daemon.publish(topic, 1)
        assert set(answer) == {"id", "subscribers"}
        assert answer["subscribers"] == 0 and offset_of(answer["id"]) == 1
        clients = [daemon.v1() for _ in range(5)]
        for client in clients:
            client.subscribe(topic)
        daemon.raw(topic)
        again = daemon.publish(topic, 2)
        assert again == {"id": following(answer["id"]), "subscribers": 6}
        for client in clients:
            assert client.next_op("message")["id"] == again["id"]

    def test_is_in_the_log_when_the_answer_comes(self, daemon, topic):
        for number in range(20):
            message_id = daemon.publish(topic, number)["id"]
            history = daemon.api("GET", messages_path(topic)).json()
            assert history["last"] == message_id and history["messages"][-1]["data"] == number

    @pytest.mark.parametrize("content_type, body, data, encoding", [
        ("application/json", b'{"a":1.0}', {"a": 1.0}, None),
        ("application/json; charset=utf-8", b"[1]", [1], None),
        ("Application/JSON", b"null", None, None), ("text/plain", b"{}", "{}", None),
        ("text/html;charset=utf-8", "é".encode(), "é", None), ("TEXT/x-anything", b"a", "a", None),
        ("application/octet-stream", b"\xff", "/w==", "base64"),
        ("image/png", b"a", "YQ==", "base64"),
        ("application/jsonx", b"{}", "e30=", "base64"), (None, b"{}", "e30=", "base64")], ids=str)
    def test_takes_its_kind_from_the_content_type(self, daemon, topic, content_type, body, data,
                                                  encoding):
        client = daemon.v1()
        client.subscribe(topic)
        headers = {} if content_type is None else {"Content-Type": content_type}
        answer = daemon.api("POST", messages_path(topic), body, headers)
        assert answer.status == 201, answer
        message = client.next_op("message")
        assert message["data"] == data and message.get("encoding") == encoding

    @pytest.mark.parametrize("body",
                             [b"", b"{", b"nope", b"{} {}", b'"\xff"', b"[1,]", b'"\n"', b"01",
                              b"[" * 5000])
    def test_of_bad_json_is_400(self, daemon, topic, body):
        refused(daemon.api("POST", messages_path(topic), body,
                           {"Content-Type": "application/json"}),
                400, "bad_request")
        assert daemon.api("GET", messages_path(topic)).json()["messages"] == []

    @pytest.mark.parametrize("body", [b"\xff", b"abc\xc3", b"\xed\xa0\x80", b"x" * 1000 + b"\x80"])
    def test_of_text_that_is_not_utf8_is_400(self, daemon, topic, body):
        refused(daemon.api("POST", messages_path(topic), body, {"Content-Type": "text/plain"}),
                400, "bad_request")

    @pytest.mark.parametrize("path",
                             ["a..b", ".a", "a%20b", "a%2Fb", "a*", "a.%3E", "%FF", "a%00",
                              "x" * 256])
    def test_to_a_bad_topic_is_400(self, daemon, path):
        refused(daemon.api("POST", f"/api/topics/{path}/messages", 1), 400, "bad_topic")

    def test_to_a_topic_that_no_rule_fits_is_403(self, daemon):
        refused(daemon.api("POST", messages_path("nowhere"), 1), 403, "forbidden")

    @pytest.mark.parametrize("prefix", ["readonly", "closed", "members"])
    def test_is_taken_whatever_the_rule_says_of_clients(self, daemon, unique, prefix):
        assert daemon.publish(unique(prefix), 1)

    def test_above_the_rules_message_bytes_is_413(self, daemon, unique):
        topic = unique("small")
        daemon.publish(topic, b"x" * 100, "text/plain")
        refused(daemon.api("POST", messages_path(topic), b"x" * 101,
                           {"Content-Type": "text/plain"}),
                413, "too_large")

    def test_comes_in_a_chunked_body_too(self, daemon, topic):
        client = daemon.v1()
        client.subscribe(topic)
        connection = daemon.http("internal")
        body = chunk(b'{"a"', b";ext=1") + chunk(b":") + chunk(b"1}") + b"0\r\nTrailer: x\r\n\r\n"
        for send in (connection.send, connection.stream.send_bytewise):
            connection.send_request("POST", messages_path(topic), {
                "Content-Type": "application/json", "Transfer-Encoding": "chunked"})
            send(body)
            assert connection.read_response().status == 201
            assert client.next_op("message")["data"] == {"a": 1}

    def test_with_percent_encoded_topic_is_the_same_topic(self, daemon, topic):
        daemon.publish(topic, 1)
        answer = daemon.api("POST", f"/api/topics/{topic.replace('.', '%2E')}/messages", 2)
        assert offset_of(answer.json()["id"]) == 2

    @pytest.mark.parametrize("key", ["AAPL", "k" * 100, "a b"])
    def test_may_have_a_key(self, daemon, topic, key):
        client = daemon.v1()
        client.subscribe(topic)
        daemon.publish(topic, 1, Wspush_Key=key)
        assert client.next_op("message")["key"] == key


class TestTheIdempotencyKey:
    def test_makes_a_repeat_publish_nothing_and_answer_the_first_id(self, daemon, topic):
        client = daemon.v1()
        client.subscribe(topic)
        first = daemon.publish(topic, "one", Idempotency_Key="k1")["id"]
        for _ in range(5):
            answer = daemon.api("POST", messages_path(topic), '"two"'.encode(), {
                "Content-Type": "application/json", "Idempotency-Key": "k1"})
            assert answer.status in (200, 201) and answer.json()["id"] == first
        last = daemon.publish(topic, "end")["id"]
        assert last == following(first)
        assert [m["data"] for m in client.messages(2)] == ["one", "end"]

    def test_is_its_own_on_each_topic_and_each_key_is_another(self, daemon, unique):
        a, b = unique(), unique()
        first = daemon.publish(a, 1, Idempotency_Key="k")["id"]
        assert offset_of(daemon.publish(b, 1, Idempotency_Key="k")["id"]) == 1
        assert daemon.publish(a, 2, Idempotency_Key="K")["id"] == following(first)
        assert daemon.publish(a, 3, Idempotency_Key="k2")["id"] == following(first, 2)

    def test_of_a_refused_publish_is_not_used_up(self, daemon, topic):
        bad = daemon.api("POST", messages_path(topic), b"{", {
            "Content-Type": "application/json", "Idempotency-Key": "k"})
        assert bad.status == 400
        assert offset_of(daemon.publish(topic, 1, Idempotency_Key="k")["id"]) == 1


class TestTheBodyLimit:
    @pytest.fixture
    def small(self, start):
        return start({"limits": {"body_bytes": 1000}})

    def test_is_judged_at_once_when_content_length_says_so(self, small):
        connection = small.http("internal")
        connection.send_request("POST", messages_path("open.x"), {"Content-Length": "1001"})
        refused(connection.read_response(), 413, "too_large")
        connection.expect_end()

    def test_is_judged_while_chunks_come(self, small):
        connection = small.http("internal")
        connection.send_request("POST", messages_path("open.x"), {"Transfer-Encoding": "chunked"})
        try:
            for _ in range(11):
                connection.send(chunk(b"x" * 100))
        except StreamClosed:
            pass
        refused(connection.read_response(), 413, "too_large")

    def test_lets_in_what_is_at_it(self, small):
        assert small.api("POST", messages_path("open.x"), b"x" * 1000).status == 201

    def test_of_a_stream_of_lines_is_that_of_one_line(self, small):
        lines = b"".join(b'{"topic":"open.x","data":%d}\n' % number for number in range(200))
        answer = small.api("POST", "/api/messages", lines, {"Content-Type": "application/x-ndjson"})
        assert answer.status == 200 and answer.json()["published"] == 200


class TestABatch:
    def publish(self, daemon, body, status=200):
        answer = daemon.api("POST", "/api/messages", body)
        assert answer.status == status, answer
        return answer

    def test_answers_each_in_order(self, daemon, unique):
        a, b = unique(), unique()
        results = self.publish(daemon, {"messages": [
            {"topic": a, "data": {"n": 1}}, {"topic": b, "text": "te\u00dft"},
            {"topic": "nowhere", "data": 1},
            {"topic": a, "base64": "AP8="}, {"topic": "a b", "data": 1}, {"topic": a, "data": None},
            {"topic": a}, {"topic": b, "base64": "!"}, {"data": 1}]}).json()["results"]
        codes = [result.get("error", {}).get("code", "ok") for result in results]
        assert codes == ["ok", "ok", "forbidden", "ok", "bad_topic", "ok", "bad_request",
                         "bad_request",
                         "bad_request"]
        assert all(result["error"]["message"] for result in results if "error" in result)
        assert [offset_of(results[n]["id"]) for n in (0, 1, 3, 5)] == [1, 1, 2, 3]
        history = daemon.api("GET", messages_path(a)).json()["messages"]
        assert [m["data"] for m in history] == [{"n": 1}, "AP8=", None]
        assert history[1]["encoding"] == "base64"
        assert daemon.api("GET", messages_path(b)).json()["messages"][0]["data"] == "te\u00dft"

    def test_keeps_its_order_for_every_subscriber(self, daemon, topic):
        clients = [daemon.v1() for _ in range(4)]
        for client in clients:
            client.subscribe(topic)
        daemon.publish_many(topic, range(200))
        for client in clients:
            assert [m["data"] for m in client.messages(200)] == list(range(200))

    def test_keeps_the_spelling_of_its_data(self, daemon, topic):
        client = daemon.v1()
        client.subscribe(topic)
        daemon.api("POST", "/api/messages",
                   b'{"messages":[{"data":{"x":1.0,"y":[1E2]},"topic":"%s"}]}' % topic.encode(),
                   {"Content-Type": "application/json"})
        assert '"data":{"x":1.0,"y":[1E2]}' in client.next_op("message").raw

    def test_may_have_keys(self, daemon, topic):
        client = daemon.v1()
        client.subscribe(topic)
        self.publish(daemon, {"messages": [{"topic": topic, "data": 1, "key": "AAPL"}]})
        assert client.next_op("message")["key"] == "AAPL"

    def test_may_be_empty(self, daemon):
        assert self.publish(daemon, {"messages": []}).json() == {"results": []}

    def test_judges_each_message_by_its_rule(self, daemon, unique):
        topic = unique("small")
        results = self.publish(daemon, {"messages": [
            {"topic": topic, "text": "x" * 100},
            {"topic": topic, "text": "x" * 101}]}).json()["results"]
        assert "id" in results[0] and results[1]["error"]["code"] == "too_large"

    @pytest.mark.parametrize("body", [[], {}, {"messages": {}}, {"messages": 1}, 1, "x"], ids=str)
    def test_that_is_none_is_400(self, daemon, body):
        assert self.publish(daemon, body, 400).error()["code"] == "bad_request"

    @pytest.mark.parametrize("body", [b"", b"{", b'{"messages":[{]}', b'{"messages":[]} x'])
    def test_that_is_no_json_is_400(self, daemon, body):
        refused(daemon.api("POST", "/api/messages", body, {"Content-Type": "application/json"}),
                400, "bad_request")

    def test_with_things_that_are_no_messages_fails_for_those_alone(self, daemon, topic):
        results = self.publish(daemon,
                               {"messages": [1, {"topic": topic, "data": 1}, None,
                                             []]}).json()["results"]
        assert ["id" in result for result in results] == [False, True, False, False]


class NdjsonStream:
    """A request to /api/messages that stays open; lines are sent as the test likes."""

    def __init__(self, daemon):
        self.connection = HttpConnection(daemon.internal)
        self.connection.send_request("POST", "/api/messages", {
            "Content-Type": "application/x-ndjson", "Transfer-Encoding": "chunked"})

    def send(self, data):
        self.connection.send(chunk(data))

    def line(self, **members):
        self.send(json.dumps(members).encode() + b"\n")

    def end(self):
        self.connection.send(chunk(b""))
        answer = self.connection.read_response()
        assert answer.status == 200, answer
        self.connection.close()
        return answer.json()


class TestAStreamOfLines:
    def test_publishes_each_line_when_it_arrives(self, daemon, topic):
        client, stream = daemon.v1(), NdjsonStream(daemon)
        client.subscribe(topic)
        for number in range(20):
            stream.line(topic=topic, data=number)
            assert client.next_op("message")["data"] == number
        assert stream.end() == {"published": 20, "failed": 0, "errors": []}

    def test_publishes_a_line_when_its_end_arrives_whatever_the_chunks(self, daemon, topic):
        client, stream = daemon.v1(), NdjsonStream(daemon)
        client.subscribe(topic)
        whole = b"".join(b'{"topic":"%s","text":"%d"}\n' % (topic.encode(), n) for n in range(6))
        for at in range(0, len(whole), 7):
            stream.send(whole[at:at + 7])
        assert [m["data"] for m in client.messages(6)] == [str(n) for n in range(6)]
        stream.send(whole)  # many lines in one chunk
        assert [m["data"] for m in client.messages(6)] == [str(n) for n in range(6)]
        assert stream.end()["published"] == 12

    def test_publishes_a_last_line_without_an_end(self, daemon, topic):
        stream = NdjsonStream(daemon)
        stream.send(b'{"topic":"%s","data":1}' % topic.encode())
        assert stream.end()["published"] == 1

    def test_takes_every_kind_of_payload_and_keys(self, daemon, topic):
        client, stream = daemon.v1(), NdjsonStream(daemon)
        client.subscribe(topic)
        stream.line(topic=topic, data={"a": 1})
        stream.line(topic=topic, text="t", key="K")
        stream.line(topic=topic, base64=base64.b64encode(b"\0").decode())
        messages = client.messages(3)
        assert [m["data"] for m in messages] == [{"a": 1}, "t", "AA=="]
        assert messages[1]["key"] == "K" and messages[2]["encoding"] == "base64"
        assert stream.end()["published"] == 3

    def test_goes_on_after_lines_that_failed_and_lists_them(self, daemon, topic):
        stream = NdjsonStream(daemon)
        stream.line(topic=topic, data=1)
        stream.send(b"{broken\n")
        stream.line(topic="nowhere", data=1)
        stream.line(topic="a b", data=1)
        stream.line(topic=topic)
        stream.line(topic=topic, data=2)
        result = stream.end()
        assert (result["published"], result["failed"]) == (2, 4)
        assert [(e["line"], e["error"]["code"]) for e in result["errors"]] == [
            (2, "bad_request"), (3, "forbidden"), (4, "bad_topic"), (5, "bad_request")]
        history = daemon.api("GET", messages_path(topic)).json()["messages"]
        assert [m["data"] for m in history] == [1, 2]

    def test_lists_the_first_hundred_failures(self, daemon):
        stream = NdjsonStream(daemon)
        stream.send(b"nope\n" * 150)
        result = stream.end()
        assert (result["published"], result["failed"]) == (0, 150)
        assert [error["line"] for error in result["errors"]] == list(range(1, 101))

    def test_may_come_with_a_content_length(self, daemon, topic):
        body = b'{"topic":"%s","data":1}\n' % topic.encode() * 3
        answer = daemon.api("POST", "/api/messages", body, {"Content-Type": "application/x-ndjson"})
        assert answer.json() == {"published": 3, "failed": 0, "errors": []}

    def test_may_be_empty(self, daemon):
        assert NdjsonStream(daemon).end() == {"published": 0, "failed": 0, "errors": []}

    def test_keeps_the_order_of_its_lines_through_many_reactors(self, daemon, unique):
        topics = [unique("long") for _ in range(5)]
        client = daemon.v1()
        for topic in topics:
            client.subscribe(topic)
        stream = NdjsonStream(daemon)
        stream.send(b"".join(b'{"topic":"%s","data":%d}\n' % (topics[n % 5].encode(),
                                                              n) for n in range(1000)))
        seen = {topic: [] for topic in topics}
        for message in client.messages(1000):
            seen[message["topic"]].append(message["data"])
        assert [seen[topic] for topic in topics] == [list(range(n, 1000, 5)) for n in range(5)]
        assert stream.end()["published"] == 1000

    def test_lasts_longer_than_a_handshake_may(self, start):
        own = start({"handshake": {"timeout": patient(0.5)}})
        client, stream = own.v1(), NdjsonStream(own)
        client.subscribe("open.x")
        stream.line(topic="open.x", data=1)
        client.messages(1)
        slow = own.http()  # when this one is timed out, more than the timeout has passed
        slow.send(b"GET ")
        assert slow.read_response().status == 408
        stream.line(topic="open.x", data=2)
        assert client.next_op("message")["data"] == 2
        assert stream.end()["published"] == 2

    def test_that_breaks_off_keeps_what_was_published(self, daemon, topic):
        client, stream = daemon.v1(), NdjsonStream(daemon)
        client.subscribe(topic)
        stream.line(topic=topic, data="before")
        client.messages(1)
        stream.send(b'{"topic":"%s","data":"half' % topic.encode())
        stream.connection.close()
        daemon.publish(topic, "after")
        assert client.next_op("message")["data"] == "after"

    def test_with_a_line_above_message_bytes_fails_that_line_or_the_request(self, start):
        own = start({"limits": {"message_bytes": 1000}})
        stream = NdjsonStream(own)
        stream.line(topic="open.x", data=1)
        try:
            stream.line(topic="open.x", text="x" * 5000)
            stream.line(topic="open.x", data=2)
            stream.connection.send(chunk(b""))
        except StreamClosed:
            pass
        answer = stream.connection.read_response()
        if answer.status == 200:
            assert [e["line"] for e in answer.json()["errors"]] == [2] and answer.json()["published"] == 2
        else:
            refused(answer, 413, "too_large")
        stream.connection.close()

    def test_does_not_hold_up_the_other_requests(self, daemon, topic):
        streams = [NdjsonStream(daemon) for _ in range(8)]
        for number, stream in enumerate(streams):
            stream.line(topic=topic, data=number)
        assert daemon.publish(topic, "through")
        eventually(lambda: len(daemon.api("GET", messages_path(topic)).json()["messages"]) == 9,
                   "all are there")
        assert [stream.end()["published"] for stream in streams] == [1] * 8
        with pytest.raises(StreamTimeout):
            idle = NdjsonStream(daemon)
            idle.connection.read_response(seconds=0.05)
