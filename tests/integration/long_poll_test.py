"""Long poll: requests that are answered when there is something new."""

import signal
import time

import pytest

from daemon import messages_path
from deadlines import PATIENCE, eventually
from http_client import HttpConnection, build_request, fetch
from v1_client import following

SLACK = 1.0 * PATIENCE


@pytest.fixture(scope="module", params=[1, 3], ids=lambda n: f"{n}-reactors")
def reactors(request):
    return request.param


def position_of(daemon, topic):
    answer = daemon.poll(topic)
    assert answer.status == 204, answer
    return answer.header("Wspush-Last")


def waiting(daemon, topic, query, headers=()):
    """A connection whose poll waits at the server."""
    before = daemon.subscribers(topic)
    connection = daemon.http()
    connection.send_request("GET", f"/topics/{topic}{query}", headers)
    eventually(lambda: daemon.subscribers(topic) == before + 1, "the poll waits")
    return connection


class TestWithoutHistory:
    """A poll that waits is a subscriber: what is kept for others afterwards is nothing to it."""

    def test_what_is_not_kept_comes_to_who_waits(self, daemon, topic):
        topic = f"unkept.{topic}"
        after = position_of(daemon, topic)
        for data in range(3):
            polls = [waiting(daemon, topic, f"?after={after}") for _ in range(3)]
            after = daemon.publish(topic, data)["id"]
            for poll in polls:
                answer = poll.read_response()
                assert answer.status == 200, answer
                assert answer.json() == {"last": after, "messages": [
                    {"topic": topic, "id": after, "data": data}]}

    def test_more_than_is_kept_comes_to_who_waits(self, daemon, topic):
        topic = f"short.{topic}"
        poll = waiting(daemon, topic, f"?after={position_of(daemon, topic)}")
        ids = daemon.publish_many(topic, range(10))
        answer = poll.read_response().json()
        assert [each["id"] for each in answer["messages"]] == ids and "gap" not in answer

    def test_a_pattern_gets_what_is_not_kept(self, daemon, topic):
        pattern = f"unkept.{topic}.*"
        target = f"/topics?topic={pattern}"
        after = fetch(daemon.public, "GET", target).header("Wspush-Last")
        poll = daemon.http()
        poll.send_request("GET", f"{target}&after={after}", ())
        eventually(lambda: daemon.subscribers(f"unkept.{topic}.a") == 1, "the poll waits")
        daemon.publish(f"unkept.{topic}.a", 1)
        assert [each["data"] for each in poll.read_response().json()["messages"]] == [1]


class TestAnswers:
    def test_without_a_position_one_is_told_at_once(self, daemon, topic):
        assert position_of(daemon, topic).endswith("-0")
        message = daemon.publish(topic, 1)["id"]
        assert position_of(daemon, topic) == message

    def test_what_is_there_comes_at_once(self, daemon, topic):
        after = position_of(daemon, topic)
        ids = daemon.publish_many(topic, [{"n": 1}, "two"])
        ids.append(daemon.publish(topic, b"a\nb", "text/plain")["id"])
        ids.append(daemon.publish(topic, b"\0\xff", "image/png", Wspush_Key="K")["id"])
        answer = daemon.poll(topic, f"?after={after}")
        assert answer.status == 200 and answer.header("Cache-Control") == "no-store"
        assert answer.json() == {"last": ids[3], "messages": [
            {"topic": topic, "id": ids[0], "data": {"n": 1}},
            {"topic": topic, "id": ids[1], "data": "two"},
            {"topic": topic, "id": ids[2], "data": "a\nb"},
            {"topic": topic, "id": ids[3], "key": "K", "encoding": "base64", "data": "AP8="}]}

    def test_what_comes_later_is_waited_for(self, daemon, topic):
        after = position_of(daemon, topic)
        polls = [waiting(daemon, topic, f"?after={after}") for _ in range(5)]
        message = daemon.publish(topic, "news")
        assert message["subscribers"] == 5
        for poll in polls:
            answer = poll.read_response()
            assert answer.status == 200
            assert answer.json() == {"last": message["id"], "messages": [
                {"topic": topic, "id": message["id"], "data": "news"}]}
        eventually(lambda: daemon.subscribers(topic) == 0, "nobody waits any more")

    def test_when_nothing_comes_the_position_stays(self, daemon, topic):
        after = daemon.publish(topic, 1)["id"]
        begun = time.monotonic()
        answer = daemon.poll(topic, f"?after={after}&wait=1")
        lasted = time.monotonic() - begun
        assert answer.status == 204 and answer.header("Wspush-Last") == after
        assert answer.body == b"" and 0.95 <= lasted < 1 + SLACK
        begun = time.monotonic()
        assert daemon.poll(topic, f"?after={after}&wait=0").status == 204
        assert time.monotonic() - begun < SLACK

    @pytest.mark.parametrize("wait", ["0.3", "00.30"])
    def test_a_fraction_of_a_second_is_one(self, daemon, topic, wait):
        begun = time.monotonic()
        assert daemon.poll(topic, f"?after=first&wait={wait}").status == 204
        assert 0.25 <= time.monotonic() - begun < 0.3 + SLACK

    def test_from_answer_to_answer_nothing_is_missed_or_repeated(self, daemon, unique):
        topic = unique("long")
        after, seen, connection = position_of(daemon, topic), [], daemon.http()
        for number in range(0, 200, 10):
            daemon.publish_many(topic, range(number, number + 10))
            answer = connection.request("GET", f"/topics/{topic}?after={after}")
            seen += [message["data"] for message in answer.json()["messages"]]
            assert answer.json()["last"] == answer.json()["messages"][-1]["id"]
            after = answer.json()["last"]
        assert seen == list(range(200))

    def test_first_begins_with_the_oldest_kept(self, daemon, unique):
        topic = unique("short")
        daemon.publish_many(topic, range(7))
        answer = daemon.poll(topic, "?after=first").json()
        assert [message["data"] for message in answer["messages"]] == [4, 5, 6]
        assert "gap" not in answer

    def test_what_is_lost_is_told(self, daemon, unique):
        topic = unique("short")
        ids = daemon.publish_many(topic, range(7))
        answer = daemon.poll(topic, f"?after={ids[0]}").json()
        assert answer["gap"] is True and answer["last"] == ids[6]
        assert [message["data"] for message in answer["messages"]] == [4, 5, 6]

    def test_a_position_of_another_epoch_is_told_the_new_one_at_once(self, daemon, topic):
        answer = daemon.poll(topic, "?after=00000000-7").json()
        assert answer == {"messages": [], "last": position_of(daemon, topic), "gap": True}

    def test_a_topic_that_is_cleared_answers_those_who_wait(self, daemon, topic):
        after = daemon.publish(topic, 1)["id"]
        poll = waiting(daemon, topic, f"?after={after}")
        assert daemon.api("DELETE", messages_path(topic)).status == 204
        answer = poll.read_response().json()
        assert answer["gap"] is True and answer["messages"] == []
        message = daemon.publish(topic, 2)["id"]
        assert daemon.poll(topic, f"?after={answer['last']}").json()["last"] == message

    def test_an_answer_has_three_hundred_messages_at_most(self, daemon, unique):
        topic = unique("long")
        ids = daemon.publish_many(topic, range(700))
        sizes, after = [], following(ids[0], -1)
        while after != ids[-1]:
            answer = daemon.poll(topic, f"?after={after}").json()
            sizes.append(len(answer["messages"]))
            after = answer["last"]
        assert sizes == [300, 300, 100]

    def test_an_answer_has_about_a_mebibyte_at_most(self, daemon, unique):
        topic = unique("long")
        ids = [daemon.publish(topic, b"x" * 250_000, "text/plain")["id"] for _ in range(12)]
        answer = daemon.poll(topic, f"?after={following(ids[0], -1)}").json()
        assert 4 <= len(answer["messages"]) <= 5
        assert answer["last"] == answer["messages"][-1]["id"]

    def test_a_batch_that_is_held_back_is_taken_when_the_time_is_over(self, start):
        own = start({"topics": [{"match": "open.>", "batch": "20ms"}]})
        after = position_of(own, "open.x")
        poll = waiting(own, "open.x", f"?after={after}&wait=5")
        message = own.publish("open.x", 1)["id"]
        assert poll.read_response().json()["last"] == message


class TestSeveralTopics:
    def position_of(self, daemon, names):
        answer = fetch(daemon.public, "GET", f"/topics?{names}")
        assert answer.status == 204, answer
        return answer.header("Wspush-Last")

    def test_one_position_is_for_all_of_them(self, daemon, unique):
        topics = [unique() for _ in range(4)]
        names = "&".join(f"topic={topic}" for topic in topics)
        after, seen, connection = self.position_of(daemon, names), [], daemon.http()
        for number in range(30):
            message = daemon.publish(topics[number % 4], number)["id"]
            answer = connection.request("GET", f"/topics?{names}&after={after}&wait=5").json()
            assert [(each["topic"], each["id"], each["data"]) for each in answer["messages"]] == [
                (topics[number % 4], message, number)]
            assert "gap" not in answer
            after = answer["last"]
            seen.append(after)
        assert len(set(seen)) == 30

    def test_what_comes_later_is_waited_for(self, daemon, unique):
        base = unique()
        names = f"topic={base}.*&topic={base}.deep.%3E"
        after = self.position_of(daemon, names)
        poll = daemon.http()
        poll.send_request("GET", f"/topics?{names}&after={after}&wait=20")
        eventually(lambda: daemon.subscribers(f"{base}.x") == 1, "it waits")
        daemon.publish(f"{base}.deep.down.here", "news")
        answer = poll.read_response().json()
        assert [each["topic"] for each in answer["messages"]] == [f"{base}.deep.down.here"]

    def test_many_messages_come_in_several_answers(self, daemon, unique):
        base = unique("long")
        after = self.position_of(daemon, f"topic={base}.*")
        for number in range(5):
            daemon.publish_many(f"{base}.t{number}", range(200))
        seen, sizes = {}, []
        while sum(sizes) < 1000:
            answer = fetch(daemon.public, "GET", f"/topics?topic={base}.*&after={after}&wait=5")
            assert answer.status == 200, (sizes, answer)
            assert "gap" not in answer.json()
            for each in answer.json()["messages"]:
                seen.setdefault(each["topic"], []).append(each["data"])
            sizes.append(len(answer.json()["messages"]))
            after = answer.json()["last"]
        assert max(sizes) <= 300
        assert all(data == list(range(200)) for data in seen.values()) and len(seen) == 5
        answer = fetch(daemon.public, "GET", f"/topics?topic={base}.*&after={after}&wait=0")
        assert answer.status == 204

    def test_what_is_lost_is_told(self, daemon, unique):
        topics = [unique("short"), unique("short")]
        names = "&".join(f"topic={topic}" for topic in topics)
        after = self.position_of(daemon, names)
        daemon.publish_many(topics[1], range(7))
        answer = fetch(daemon.public, "GET", f"/topics?{names}&after={after}").json()
        assert answer["gap"] is True
        assert [each["data"] for each in answer["messages"]] == [4, 5, 6]
        assert fetch(daemon.public, "GET",
                     f"/topics?{names}&after={answer['last']}&wait=0").status == 204

    def test_a_position_of_another_process_is_a_gap(self, daemon, start, unique):
        names = f"topic={unique()}&topic={unique()}"
        after = self.position_of(start(), names)
        answer = fetch(daemon.public, "GET", f"/topics?{names}&after={after}").json()
        assert answer["gap"] is True and answer["messages"] == []
        assert fetch(daemon.public, "GET",
                     f"/topics?{names}&after={answer['last']}&wait=0").status == 204

    def test_first_begins_with_what_is_kept(self, daemon, unique):
        topics = [unique(), unique()]
        for topic in topics:
            daemon.publish(topic, topic)
        answer = fetch(daemon.public, "GET",
                       f"/topics?topic={topics[0]}&topic={topics[1]}&after=first").json()
        assert sorted(each["topic"] for each in answer["messages"]) == sorted(topics)


class TestConnections:
    def test_go_on_after_an_answer_also_pipelined(self, daemon, topic):
        after = daemon.publish(topic, 1)["id"]
        poll = waiting(daemon, topic, f"?after={after}")
        poll.send(build_request("GET", f"/topics/{topic}", host=poll.host)
                  + build_request("GET", f"/topics/{topic}?after=first", host=poll.host))
        message = daemon.publish(topic, 2)["id"]
        assert poll.read_response().json()["last"] == message
        assert poll.read_response().header("Wspush-Last") == message
        assert [each["data"] for each in poll.read_response().json()["messages"]] == [1, 2]
        assert poll.request("GET", "/topics/closed.x").status == 403
        assert poll.request("GET", f"/topics/{topic}").status == 204

    def test_can_become_a_websocket_or_a_stream_afterwards(self, daemon, topic):
        from sse_client import SseClient
        connection = daemon.http()
        assert connection.request("GET", f"/topics/{topic}").status == 204
        client = SseClient.open(None, f"/topics/{topic}", connection=connection)
        daemon.publish(topic, 1)
        assert client.data(1) == ["1"]

    def test_to_http_1_0_it_closes(self, daemon, topic):
        connection = daemon.http()
        connection.send_request("GET", f"/topics/{topic}?after=first&wait=0", version="HTTP/1.0")
        assert connection.read_response().header("Connection") == "close"
        connection.expect_end()

    def test_a_client_that_goes_away_while_it_waits_is_noticed(self, daemon, topic):
        poll = waiting(daemon, topic, "?after=first&wait=55")
        poll.close()
        eventually(lambda: daemon.subscribers(topic) == 0, "it is gone", 2)

    def test_one_that_half_closes_is_answered_at_once(self, daemon, topic):
        poll = waiting(daemon, topic, "?after=first&wait=55")
        poll.stream.finish_writing()
        answer = poll.read_response(seconds=2)
        assert answer.status == 204 and answer.header("Connection") == "close"
        poll.expect_end()

    def test_a_large_answer_reaches_one_that_half_closes(self, daemon, unique):
        topic = unique("long")
        ids = [daemon.publish(topic, b"x" * 250_000, "text/plain")["id"] for _ in range(4)]
        connection = daemon.http()
        connection.send_request("GET", f"/topics/{topic}?after={following(ids[0], -1)}")
        connection.stream.finish_writing()
        assert connection.read_response().json()["last"] == ids[3]
        connection.expect_end()

    def test_are_seen_as_polls_also_between_two(self, start):
        own = start()
        poll = waiting(own, "open.x", "?after=first")
        views = own.api("GET", "/api/connections").json()["connections"]
        assert [(view["door"], view["topics"]) for view in views] == [("poll", 1)]
        assert own.metric("wspushd_connections", door="poll") == 1
        own.publish("open.x", 1)
        poll.read_response()
        assert own.metric("wspushd_connections", door="poll") == 1
        assert poll.request("GET", "/topics/open.x").status == 204
        assert own.metric("wspushd_connections_opened_total", door="poll") == 1
        assert own.metric("wspushd_connections", door="http") == 0
        poll.close()
        eventually(lambda: own.metric("wspushd_connections", door="poll") == 0, "it is gone")

    def test_the_api_ends_one_that_waits(self, start):
        own = start()
        poll = waiting(own, "open.x", "?after=first")
        view = own.api("GET", "/api/connections").json()["connections"][0]
        assert own.api("DELETE", f"/api/connections/{view['id']}").status == 204
        poll.expect_end()

    def test_a_drain_answers_those_who_wait(self, start):
        own = start({"drain": {"period": "200ms"}})
        after = own.publish("open.x", 1)["id"]
        polls = [waiting(own, "open.x", f"?after={after}&wait=55") for _ in range(4)]
        own.signal(signal.SIGTERM)
        for poll in polls:
            answer = poll.read_response()
            assert answer.status == 204 and answer.header("Wspush-Last") == after
            assert answer.header("Connection") == "close"
            poll.expect_end()
        own.close_clients()
        assert own.await_exit() == 0

    def test_a_reload_that_withdraws_the_right_answers_403(self, start):
        own = start()
        poll = waiting(own, "open.x", "?after=first")
        own.reload({"topics": [{"match": "open.>", "subscribe": "nobody"}]})
        assert poll.read_response().status == 403
        assert poll.request("GET", "/topics/open.x").status == 403


class TestRefusals:
    @pytest.mark.parametrize("query", [
        "?wait=-1", "?wait=", "?wait=soon", "?wait=1s", "?wait=1e3", "?wait=1.", "?wait=%201",
        "?after=", "?after=1", "?after=newest", "?after=00000000-01", "?after=0000000G-1"])
    def test_bad_values_are_400(self, daemon, topic, query):
        answer = daemon.poll(topic, query)
        assert answer.status == 400 and answer.error()["code"] == "bad_request"

    def test_above_55_seconds_counts_as_55(self, daemon, topic):
        daemon.publish(topic, 1)
        assert daemon.poll(topic, "?after=first&wait=86400").status == 200

    @pytest.mark.parametrize("path, status, code", [
        ("/topics/closed.x", 403, "forbidden"), ("/topics/nowhere", 403, "forbidden"),
        ("/topics/a..b", 400, "bad_topic"), ("/topics/open.*", 400, "bad_topic"),
        ("/topics", 400, "bad_request"), ("/topics?topic=a..b", 400, "bad_topic"),
        ("/topics?topic=open.x&topic=closed.x", 403, "forbidden"),
        ("/topics?topic=%3E", 403, "forbidden"), ("/topics?topic=open.*&after=0000002a-1", 400,
                                                  "bad_request"),
        ("/topics/open/x", 404, "not_found")])
    def test_are_told_with_status_and_code(self, daemon, path, status, code):
        answer = fetch(daemon.public, "GET", path)
        assert (answer.status, answer.error()["code"]) == (status, code)

    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "HEAD"])
    def test_other_methods_are_405(self, daemon, topic, method):
        answer = fetch(daemon.public, method, f"/topics/{topic}")
        assert answer.status == 405 and answer.header("Allow") == "GET, OPTIONS"

    def test_a_body_is_refused(self, daemon, topic):
        assert fetch(daemon.public, "GET", f"/topics/{topic}", body=b"x").status == 400

    def test_more_than_a_hundred_topics_are_refused_and_counted(self, daemon, topic):
        before = daemon.metric("wspushd_limit_hits_total", limit="topics_per_request")
        query = "&".join(f"topic={topic}.{number}" for number in range(101))
        answer = fetch(daemon.public, "GET", f"/topics?{query}")
        assert answer.status == 400 and answer.error()["code"] == "bad_request"
        after = daemon.metric("wspushd_limit_hits_total", limit="topics_per_request")
        assert after == before + 1

    def test_a_websocket_needs_one_topic_in_its_path(self, daemon):
        from websocket_client import upgrade_headers
        with HttpConnection(daemon.public) as connection:
            connection.send_request("GET", "/topics?topic=open.x", upgrade_headers())
            assert connection.read_response().status == 400
            connection.expect_end()

    def test_where_a_user_is_required_it_is_401(self, start):
        assert start({"auth": {"required": True}}).poll("open.x").status == 401

    def test_a_server_that_drains_answers_503(self, start):
        own = start({"drain": {"period": "30s"}, "reactors": 1})
        connections = [own.http() for _ in range(2)]
        for connection in connections:
            assert connection.request("GET", "/topics/open.x").status == 204
        own.signal(signal.SIGTERM)
        eventually(lambda: own.api("GET", "/readyz").status == 503, "draining")
        connection = connections[1]
        connection.send_request("GET", "/topics/open.x")
        answer = connection.read_response()
        assert answer.status == 503 and answer.header("Retry-After")
        own.close_clients()
