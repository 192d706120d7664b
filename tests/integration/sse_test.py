"""Server-Sent Events: one topic as a stream that any browser reads and comes back to by itself."""

import os
import resource
import shutil
import signal
import subprocess
import time
from urllib.parse import quote

import pytest

from byte_stream import ByteStream
from daemon import Daemon, messages_path
from deadlines import PATIENCE, Deadline, eventually
from http_client import HttpConnection, build_request, chunk
from sse_client import SseClient, StreamParser, ask_stream
from tls import TlsAddress, make_certificate, tls_section
from v1_client import following, split_id

KIB = 1 << 10


@pytest.fixture(scope="module", params=[1, 3], ids=lambda n: f"{n}-reactors")
def reactors(request):
    return request.param


@pytest.fixture(scope="module")
def daemon_changes():
    return {"limits": {"topic_bytes": 40}}


def ask(daemon, target, headers=None, **options):
    with HttpConnection(daemon.public) as connection:
        return ask_stream(connection, target, headers, **options)


class TestTheStream:
    def test_has_the_head_of_an_event_stream(self, daemon, topic):
        answer = daemon.sse(topic).answer
        assert answer.status == 200
        assert answer.header("Content-Type") == "text/event-stream"
        assert answer.header("Cache-Control") == "no-cache"
        assert answer.header("X-Accel-Buffering") == "no"
        assert answer.header("Transfer-Encoding") == "chunked"
        assert answer.header("Vary") == "Origin"
        assert answer.header("Access-Control-Allow-Origin") is None

    def test_the_subscription_holds_once_the_head_is_out(self, daemon, unique):
        for number in range(30):
            topic = unique()
            with HttpConnection(daemon.public) as connection:
                client = SseClient.open(None, f"/topics/{topic}", connection=connection)
                assert daemon.publish(topic, number)["subscribers"] == 1
                assert client.data(1) == [str(number)]

    def test_retry_is_sent_once_and_differs(self, daemon, topic):
        values = [tuple(daemon.sse(topic).parser.retry) for _ in range(12)]
        assert all(len(value) == 1 and 1000 <= value[0] <= 3000 for value in values)
        assert len(set(values)) > 1

    def test_ids_are_those_of_the_messages(self, daemon, topic):
        client = daemon.sse(topic)
        ids = [daemon.publish(topic, n)["id"] for n in range(5)]
        assert [client.next_event().id for _ in range(5)] == ids

    @pytest.mark.parametrize("body, content_type, data", [
        (b"plain \xe2\x82\xac", "text/plain", "plain \u20ac"),
        (b' {"a" : 1.00} ', "application/json", None),
        (b"one\ntwo", "text/plain", "one\ntwo"), (b"one\r\ntwo\rthree", "text/plain",
                                                  "one\ntwo\nthree"),
        (b"\n", "text/plain", "\n"), (b"ends\n", "text/plain", "ends\n"),
        (b"", "text/plain", ""), (b" blank first", "text/plain", " blank first"),
        (b"id: 7\n\nevent: x", "text/plain", "id: 7\n\nevent: x"),
        (b"\xef\xbb\xbfmark", "text/plain", "\ufeffmark"),
        (b'{\n "a": 1\r\n}', "application/json", '{\n "a": 1\n}'),
        (bytes(range(256)), "image/png",
         "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+P0BBQkNE"
         "RUZHSElKS0xNTk9QUVJTVFVWV1hZWltcXV5fYGFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6e3x9fn+AgYKDhIWGh4iJ"
         "iouMjY6PkJGSk5SVlpeYmZqbnJ2en6ChoqOkpaanqKmqq6ytrq+wsbKztLW2t7i5uru8vb6/wMHCw8TFxsfIycrLzM3O"
         "z9DR0tPU1dbX2Nna29zd3t/g4eLj5OXm5+jp6uvs7e7v8PHy8/T19vf4+fr7/P3+/w=="),
        (b"", "application/octet-stream", "")])
    def test_a_payload_is_one_data_line_for_each_of_its_lines(self, daemon, topic, body,
                                                              content_type, data):
        client = daemon.sse(topic)
        daemon.publish(topic, body, content_type)
        seen = client.data(1)[0]
        assert seen == data if data is not None else seen.strip() == body.decode().strip()
        daemon.publish(topic, "next")
        assert client.data(1) == ['"next"']

    def test_large_messages_arrive_whole(self, daemon, unique):
        topic = unique("long")
        client = daemon.sse(topic)
        lines = "\n".join("x" * 1000 for _ in range(200))
        daemon.publish(topic, b"y" * 200_000, "text/plain")
        daemon.publish(topic, lines.encode(), "text/plain")
        assert client.data(2) == ["y" * 200_000, lines]

    def test_what_clients_publish_comes_too(self, daemon, topic):
        client, publisher = daemon.sse(topic), daemon.v1()
        publisher.publish(topic, {"n": 1})
        assert client.data(1) == ['{"n":1}']

    def test_to_http_1_0_it_is_plain_text_that_ends_with_the_connection(self, daemon, topic):
        client = daemon.sse(topic, version="HTTP/1.0")
        assert client.answer.header("Transfer-Encoding") is None
        assert client.answer.header("Connection") == "close"
        daemon.publish(topic, b"a\nb", "text/plain")
        assert client.data(1) == ["a\nb"]

    def test_what_the_client_says_behind_its_request_changes_nothing(self, daemon, topic):
        client = daemon.sse(topic)
        client.stream.send(b"GET /ws HTTP/1.1\r\n\r\n" * 100)
        daemon.publish(topic, "still here")
        assert client.data(1) == ['"still here"']

    def test_one_that_goes_away_is_no_subscriber_any_more(self, daemon, topic):
        client = daemon.sse(topic)
        assert daemon.subscribers(topic) == 1
        client.close()
        eventually(lambda: daemon.subscribers(topic) == 0, "it is gone")

    def test_works_with_other_media_types_in_accept(self, daemon, topic):
        for accept in ("text/event-stream, */*", "application/json;q=0.5, TEXT/Event-Stream;q=0.9"):
            daemon.sse(topic, headers={"Accept": accept})


class TestRefusals:
    @pytest.mark.parametrize("target, status, code", [
        ("/topics/closed.x", 403, "forbidden"), ("/topics/nowhere", 403, "forbidden"),
        ("/topics/a..b", 400, "bad_topic"), ("/topics/", 400, "bad_topic"),
        ("/topics/open.%20", 400, "bad_topic"), ("/topics/open.*", 400, "bad_topic"),
        ("/topics/open.%C3", 400, "bad_topic"), ("/topics/open." + "x" * 36, 400, "bad_topic"),
        ("/topics/open.x?after=", 400, "bad_request"),
        ("/topics/open.x?after=newest", 400, "bad_request"),
        ("/topics/open.x?after=0000000g-1", 400, "bad_request"),
        ("/topics/open/x", 404, "not_found"), ("/topics", 400, "bad_request")])
    def test_are_told_with_status_and_code(self, daemon, target, status, code):
        with HttpConnection(daemon.public) as connection:
            answer = ask_stream(connection, target)
            assert (answer.status, answer.error()["code"]) == (status, code)

    def test_an_id_that_is_none_is_refused(self, daemon):
        answer = ask(daemon, "/topics/open.x", {"Last-Event-ID": "42"})
        assert (answer.status, answer.error()["code"]) == (400, "bad_request")

    @pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD"])
    def test_other_methods_are_405(self, daemon, method):
        answer = ask(daemon, "/topics/open.x", method=method)
        assert answer.status == 405 and answer.header("Allow") == "GET, OPTIONS"

    def test_a_body_is_refused(self, daemon):
        with HttpConnection(daemon.public) as connection:
            connection.send_request("GET", "/topics/open.x", {"Accept": "text/event-stream"}, b"x")
            assert connection.read_response().status == 400

    def test_a_connection_lives_on_after_a_refusal(self, daemon, topic):
        with HttpConnection(daemon.public) as connection:
            assert ask_stream(connection, "/topics/closed.x").status == 403
            assert ask_stream(connection, "/topics/a..b").status == 400
            client = SseClient.open(None, f"/topics/{topic}", connection=connection)
            daemon.publish(topic, 1)
            assert client.data(1) == ["1"]

    def test_where_a_user_is_required_it_is_401(self, start):
        own = start({"auth": {"required": True}})
        assert ask(own, "/topics/open.x").status == 401

    def test_beyond_the_limit_of_topics_is_429(self, start):
        own = start({"limits": {"topics": 1}})
        own.sse("open.one")
        answer = ask(own, "/topics/open.two")
        assert answer.status == 429 and answer.header("Retry-After")
        eventually(lambda: own.metric("wspushd_limit_hits_total", limit="topics") == 1, "counted")

    def test_beyond_the_limits_of_connections_is_as_for_others(self, start):
        own = start({"limits": {"connections": 1}})
        own.sse("open.x")
        assert ask(own, "/topics/open.x").status == 503
        other = start({"limits": {"connections_per_ip": 1}})
        other.sse("open.x")
        assert ask(other, "/topics/open.x").status == 429

    def test_below_a_prefix_the_rest_is_404(self, start):
        own = start({"path_prefix": "/push"})
        assert ask(own, "/topics/open.x").status == 404
        assert ask(own, "/push/topics/open.x").status == 200


class TestResume:
    def test_after_an_id_brings_what_follows_and_what_is_new(self, daemon, topic):
        ids = daemon.publish_many(topic, range(5))
        for query, headers in (("", {"Last-Event-ID": ids[1]}), (f"?after={ids[1]}", {}),
                               (f"?after={ids[3]}", {"Last-Event-ID": ids[1]})):
            client = daemon.sse(topic, query, headers)
            assert client.data(3) == ["2", "3", "4"]
        daemon.publish(topic, "new")
        assert client.data(1) == ['"new"']

    def test_after_first_brings_all_that_is_kept(self, daemon, unique):
        topic = unique("short")
        daemon.publish_many(topic, range(7))
        assert daemon.sse(topic, "?after=first").data(3) == ["4", "5", "6"]

    def test_without_a_place_it_begins_with_the_next(self, daemon, topic):
        old = daemon.publish(topic, "old")["id"]
        client = daemon.sse(topic)
        assert client.parser.last_id == old  # where it comes back to if it is cut off now
        daemon.publish(topic, "new")
        assert client.data(1) == ['"new"']

    def test_one_that_was_cut_off_before_its_first_message_misses_nothing(self, daemon, topic):
        client = daemon.sse(topic)
        client.close()
        daemon.publish(topic, "meanwhile")
        back = daemon.sse(topic, headers={"Last-Event-ID": client.parser.last_id})
        assert back.data(1) == ['"meanwhile"']

    def test_what_is_lost_is_a_gap_before_what_is_kept(self, daemon, unique):
        topic = unique("short")
        ids = daemon.publish_many(topic, range(7))
        client = daemon.sse(topic, headers={"Last-Event-ID": ids[0]})
        gap = client.next_event()
        assert gap.type == "gap"
        assert gap.json() == {"topic": topic, "after": ids[0], "next": ids[4]}
        assert gap.id == ids[3]
        assert client.data(3) == ["4", "5", "6"]

    def test_another_epoch_is_a_gap(self, daemon, topic):
        daemon.publish(topic, 1)
        client = daemon.sse(topic, "?after=00000000-1")
        assert client.next_event().type == "gap"
        assert client.data(1) == ["1"]

    def test_who_comes_back_after_a_gap_is_not_told_of_it_again(self, daemon, topic):
        client = daemon.sse(topic, "?after=00000000-1")
        gap = client.next_event()
        assert gap.type == "gap"
        back = daemon.sse(topic, headers={"Last-Event-ID": gap.id})
        daemon.publish(topic, 1)
        assert back.data(1) == ["1"]

    def test_a_cleared_topic_is_a_gap(self, daemon, topic):
        old = daemon.publish(topic, 1)["id"]
        client = daemon.sse(topic)
        assert daemon.api("DELETE", messages_path(topic)).status == 204
        new = daemon.publish(topic, 2)["id"]
        gap = client.next_event()
        assert gap.type == "gap" and gap.json() == {"topic": topic, "after": old, "next": new}
        event = client.next_event()
        assert event.id == new and event.data == "2"
        assert split_id(new)[0] != split_id(old)[0]

    def test_a_place_is_good_on_every_door(self, daemon, topic):
        stream, socket = daemon.sse(topic), daemon.v1()
        socket.subscribe(topic)
        first = daemon.publish(topic, 1)["id"]
        assert stream.next_event().id == first == socket.next_op("message")["id"]
        second = daemon.publish(topic, 2)["id"]
        # From SSE on to WebSockets.
        back = daemon.v1()
        assert back.subscribe(topic, after=first)["recovered"] is True
        assert back.next_op("message")["id"] == second
        assert daemon.raw(topic, f"?after={first}").receive_text() == "2"
        # And the other way.
        event = daemon.sse(topic, headers={"Last-Event-ID": socket.next_op("message")["id"]})
        third = daemon.publish(topic, 3)["id"]
        assert event.next_event().id == third
        assert third == following(first, 2)
        assert daemon.poll(topic, f"?after={second}").json()["last"] == third


def several(daemon, *topics, query="", headers=None):
    """An event stream over topics and patterns, its beginning read."""
    names = "&".join(f"topic={quote(topic, safe='')}" for topic in topics)
    connection = daemon.http()
    return SseClient.open(None, f"/topics?{names}{query}", headers, connection=connection).start()


class TestSeveralTopics:
    def test_each_event_names_its_topic(self, daemon, unique):
        topics = [unique() for _ in range(4)]
        client = several(daemon, *topics)
        for number in range(20):
            daemon.publish(topics[number % 4], number)
        events = [client.next_event() for _ in range(20)]
        assert sorted((event.type, int(event.data)) for event in events) == sorted(
            (topics[number % 4], number) for number in range(20))
        for topic in topics:
            data = [int(event.data) for event in events if event.type == topic]
            assert data == sorted(data)

    def test_one_topic_alone_is_that_topic(self, daemon, topic):
        client = several(daemon, topic, topic)
        message = daemon.publish(topic, 1)["id"]
        event = client.next_event()
        assert (event.type, event.id, event.data) == ("", message, "1")

    def test_patterns_have_topics_that_come_to_be_later(self, daemon, unique):
        base = unique()
        client = several(daemon, f"{base}.*.end", f"{base}.x.>")
        wanted = [f"{base}.a.end", f"{base}.x.end", f"{base}.x.y.z"]
        for topic in wanted + [f"{base}.a", f"{base}.x", f"{base}.a.b.end"]:
            daemon.publish(topic, topic)
        events = [client.next_event() for _ in wanted]
        assert sorted(event.type for event in events) == sorted(wanted)
        assert all(event.data == f'"{event.type}"' for event in events)

    def test_a_place_brings_what_was_missed_on_each_of_them(self, daemon, unique):
        topics = [unique() for _ in range(5)]
        client, seen = several(daemon, *topics), {topic: [] for topic in topics}
        for round_number in range(8):
            for topic in topics:
                daemon.publish(topic, round_number)
            for _ in range(3):  # not all of them: cut off in the middle
                event = client.next_event()
                seen[event.type].append(int(event.data))
            client.close()
            client = several(daemon, *topics, headers={"Last-Event-ID": event.id})
        while sum(map(len, seen.values())) < 8 * len(topics):
            event = client.next_event()
            assert event.type in seen, event
            seen[event.type].append(int(event.data))
        assert all(data == list(range(8)) for data in seen.values()), seen

    def test_a_place_is_there_before_the_first_event(self, daemon, unique):
        topics = [unique(), unique()]
        client = several(daemon, *topics)
        client.close()
        daemon.publish(topics[1], "meanwhile")
        back = several(daemon, *topics, headers={"Last-Event-ID": client.parser.last_id})
        assert back.next_event().data == '"meanwhile"'

    def test_first_brings_all_that_is_kept(self, daemon, unique):
        topics = [unique("short"), unique("short")]
        for topic in topics:
            daemon.publish_many(topic, range(5))
        client = several(daemon, *topics, query="&after=first")
        events = [client.next_event() for _ in range(6)]
        assert sorted(event.data for event in events) == ["2", "2", "3", "3", "4", "4"]

    def test_what_is_lost_is_a_gap(self, daemon, unique):
        topics = [unique("short"), unique("short")]
        client = several(daemon, *topics)
        client.close()
        daemon.publish_many(topics[0], range(7))
        back = several(daemon, *topics, headers={"Last-Event-ID": client.parser.last_id})
        gap = back.next_event()
        assert gap.type == "gap" and gap.json()["after"] == client.parser.last_id
        assert [back.next_event().data for _ in range(3)] == ["4", "5", "6"]

    def test_a_place_of_another_process_is_a_gap(self, daemon, start, unique):
        own = start()
        place = several(own, "open.a", "open.b").parser.last_id
        client = several(daemon, unique(), unique(), headers={"Last-Event-ID": place})
        assert client.next_event().type == "gap"

    def test_a_topic_that_is_cleared_is_a_gap_of_its_own(self, daemon, unique):
        topics = [unique(), unique()]
        client = several(daemon, *topics)
        old = daemon.publish(topics[0], 1)["id"]
        assert client.next_event().data == "1"
        assert daemon.api("DELETE", messages_path(topics[0])).status == 204
        gap = client.next_event()
        assert gap.type == "gap"
        assert (gap.json()["topic"], gap.json()["after"]) == (topics[0], old)
        daemon.publish(topics[0], 2)
        assert client.next_event().data == "2"

    def test_what_may_not_be_read_is_refused_with_all_of_it(self, daemon, topic):
        for names, status in (("closed.x", 403), (">", 403), ("a..b", 400), ("open.*x", 400)):
            answer = ask(daemon, f"/topics?topic={topic}&topic={quote(names)}")
            assert answer.status == status, names
        for after in ("00000000-1", "p", "pAAAA", "newest"):
            assert ask(daemon, f"/topics?topic={topic}&topic=open.x&after={after}").status == 400

    def test_a_hundred_topics_are_allowed(self, daemon, topic):
        names = [f"{topic}.{number}" for number in range(100)]
        client = several(daemon, *names)
        for name in names[::10]:
            daemon.publish(name, name)
        assert sorted(client.next_event().type for _ in range(10)) == sorted(names[::10])

    def test_every_topic_counts_the_subscriber(self, daemon, unique):
        topics = [unique(), unique()]
        client = several(daemon, *topics)
        assert daemon.publish(topics[0], 1)["subscribers"] == 1
        client.close()
        eventually(lambda: daemon.subscribers(topics[1]) == 0, "it is gone")


class TestTimeAndEnd:
    def test_silence_is_filled_with_comments(self, start):
        own = start({"heartbeat": {"ping_interval": "600ms", "pong_timeout": "400ms"}})
        client = own.sse("open.x")
        since = time.monotonic()
        for _ in range(4):
            client.await_comment(2)
            assert time.monotonic() - since < 0.6 + 1.0 * PATIENCE
            since = time.monotonic()
        own.publish("open.x", 1)
        assert client.data(1) == ["1"]

    def test_where_there_is_traffic_there_are_none(self, start):
        own = start({"heartbeat": {"ping_interval": "1s", "pong_timeout": "1s"}})
        client = own.sse("open.x")
        deadline, count, silences, spoke_at = Deadline(2.5 / PATIENCE), 0, 0, time.monotonic()
        while not deadline.expired():
            own.publish("open.x", count)
            assert client.data(1) == [str(count)]
            count += 1
            # Each half second that this program, or the server, was held up.
            silences += int((time.monotonic() - spoke_at) / 0.5)
            spoke_at = time.monotonic()
        assert client.parser.comments <= 1 + silences

    def test_a_drain_ends_the_stream_after_what_was_published(self, start):
        own = start({"drain": {"period": "300ms"}})
        clients = [own.sse("open.x") for _ in range(5)] + [own.sse("open.x", version="HTTP/1.0")]
        own.publish("open.x", "last words")
        own.signal(signal.SIGTERM)
        for client in clients:
            assert [event.data for event in client.expect_end()] == ['"last words"']
        own.close_clients()
        assert own.await_exit() == 0

    def test_the_api_ends_it(self, daemon, topic):
        def streams():
            views = daemon.api("GET", "/api/connections").json()["connections"]
            return {view["id"] for view in views if view["door"] == "sse" and view["topics"] == 1}

        others = streams()  # Clients of earlier tests, where it has not heard that they are gone.
        client = daemon.sse(topic)
        (name,) = streams() - others
        assert daemon.api("GET", f"/api/connections/{name}").json()["door"] == "sse"
        assert daemon.api("DELETE", f"/api/connections/{name}").status == 204
        assert client.expect_end() == []

    def test_a_reload_that_withdraws_the_right_ends_it(self, start):
        own = start()
        client = own.sse("open.x")
        own.reload_everywhere({"topics": [{"match": "open.>", "subscribe": "nobody"}]})
        assert client.expect_end() == []
        assert ask(own, "/topics/open.x").status == 403

    def test_is_counted_at_its_door(self, start):
        own = start()
        client = own.sse("open.x")
        assert own.metric("wspushd_connections", door="sse") == 1
        assert own.metric("wspushd_connections_opened_total", door="sse") == 1
        own.publish("open.x", 1)
        client.data(1)
        eventually(lambda: own.metric("wspushd_deliveries_total") == 1, "it is a delivery")
        client.close()
        eventually(lambda: own.metric("wspushd_connections", door="sse") == 0, "it is gone")


class TestSlowReaders:
    PAYLOAD = "x" * (60 * KIB)

    @pytest.fixture(scope="class")
    def slow(self):
        history = {"messages": 20, "bytes": "4MiB"}
        with Daemon({"topics": [{"match": f"{kind}.>", "history": history, "when_slow": kind}
                                for kind in ("gap", "disconnect", "latest")]}) as own:
            yield own

    def stalled(self, slow, topic):
        client = slow.sse(topic, receive_buffer=16 * KIB)
        slow.publish(topic, "first")
        client.data(1)
        for number in range(0, 600, 10):
            slow.publish_many(topic, [[n, self.PAYLOAD] for n in range(number, number + 10)])
        return client, slow.publish(topic, "end")["id"]

    @pytest.mark.parametrize("version", ["HTTP/1.1", "HTTP/1.0"])
    def test_gap_tells_what_was_lost_and_nothing_else_is(self, slow, unique, version):
        topic = unique("gap")
        client = slow.sse(topic, receive_buffer=16 * KIB, version=version)
        for number in range(0, 600, 10):
            slow.publish_many(topic, [[n, self.PAYLOAD] for n in range(number, number + 10)])
        last, deadline, gaps = slow.publish(topic, "end")["id"], Deadline(30), 0
        at = client.parser.last_id
        while at != last:
            event = client.next_event(deadline)
            if event.type == "gap":
                gap, gaps = event.json(), gaps + 1
                assert gap["after"] == at and split_id(gap["next"])[1] > split_id(at)[1] + 1
                at = following(gap["next"], -1)
                assert event.id == at
            else:
                assert event.type == "" and event.id == following(at)
                at = event.id
        assert gaps >= 1

    def test_disconnect_ends_the_stream(self, slow, unique):
        topic = unique("disconnect")
        client, last = self.stalled(slow, topic)
        eventually(lambda: slow.subscribers(topic) == 0, "it is no subscriber any more")
        events = client.expect_end(20)
        assert all(event.type == "" for event in events) and events[-1].id != last

    def test_latest_skips_without_a_word(self, slow, unique, deliveries):
        deliveries.may_break(1, "the rule says `when_slow: latest`, which the subscription does not")
        client, last = self.stalled(slow, unique("latest"))
        deadline, seen = Deadline(30), 0
        while True:
            event = client.next_event(deadline)
            assert event.type == ""
            seen += 1
            if event.id == last:
                break
        assert seen < 600

    def test_one_that_takes_nothing_is_ended_by_the_write_timeout(self, start):
        own = start({"limits": {"write_timeout": "2s"}})
        self.stalled(own, "open.x")
        eventually(lambda: own.subscribers("open.x") == 0, "it is ended", 10)
        assert own.metric("wspushd_limit_hits_total", limit="write_timeout") >= 1

    def test_nobody_else_is_held_up(self, slow, unique):
        topic = unique("gap")
        reader = slow.sse(topic)
        slow.sse(topic, receive_buffer=16 * KIB)
        for number in range(100):
            slow.publish(topic, [number, self.PAYLOAD])
            assert reader.data(1)[0].startswith(f"[{number},")


SUBSCRIBERS, MESSAGES = 1000, 50


@pytest.mark.parametrize("count", [1, 3])
def test_a_thousand_subscribers_get_everything_once_and_in_order(count):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < SUBSCRIBERS + 200:
        if hard != resource.RLIM_INFINITY and hard < SUBSCRIBERS + 200:
            pytest.skip(f"{SUBSCRIBERS + 200} descriptors are needed, {hard} allowed")
        resource.setrlimit(resource.RLIMIT_NOFILE, (SUBSCRIBERS + 200, hard))
    # No comments in between. Before the first message one may come at any moment of the interval: the
    # first look at the silence, that spreads them.
    heartbeat = {"ping_interval": "1h", "proxy_read_timeout": "2h"}
    comment = chunk(b":\n\n")
    with Daemon({"reactors": count, "heartbeat": heartbeat}) as own:
        streams = [ByteStream.connect(own.public) for _ in range(SUBSCRIBERS)]
        request = build_request("GET", "/topics/open.fan", {"Accept": "text/event-stream"})
        for stream in streams:
            stream.send(request)
        for stream in streams:
            assert stream.read_until(b"\r\n\r\n").startswith(b"HTTP/1.1 200 ")
            stream.read_until(b"\n\n\r\n")
        ids = [own.publish("open.fan", number)["id"] for number in range(MESSAGES)]
        wanted = b"".join(chunk(f"id: {message}\ndata: {number}\n\n".encode())
                          for number, message in enumerate(ids))
        for stream in streams:
            begin = stream.read_exactly(len(comment), 30)
            begin = b"" if begin == comment else begin
            assert begin + stream.read_exactly(len(wanted) - len(begin), 30) == wanted
            stream.close()


def test_over_tls_and_through_a_unix_socket_it_is_the_same(start, tmp_path):
    paths = make_certificate(tmp_path, "main")
    own = start({"listen": [{"address": "127.0.0.1:0", "tls": tls_section(paths)},
                            {"address": f"unix:{tmp_path}/s"}]})
    clients = [own.sse("open.x", address=address)
               for address in (TlsAddress(own.publics[0]), f"{tmp_path}/s")]
    for number in range(20):
        own.publish("open.x", b"x" * 3000 + b"\n%d" % number, "text/plain")
    for client in clients:
        assert client.data(20) == ["x" * 3000 + f"\n{number}" for number in range(20)]
    own.signal(signal.SIGTERM)
    for client in clients:
        assert client.expect_end() == []


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
@pytest.mark.parametrize("version", ["--http1.1", "--http1.0"])
def test_curl_prints_events_as_they_come(daemon, topic, version):
    host, port = daemon.public
    process = subprocess.Popen(
        ["curl", "-sSN", version, "-H", "Accept: text/event-stream",
         f"http://{host}:{port}/topics/{topic}"], stdout=subprocess.PIPE)
    try:
        eventually(lambda: daemon.subscribers(topic) == 1, "curl is there")
        parser, wanted = StreamParser(), []
        for number in range(3):
            daemon.publish(topic, number)
            wanted.append(str(number))
            while len(parser.events) < len(wanted):
                parser.feed(os.read(process.stdout.fileno(), 65536))
        assert [event.data for event in parser.events] == wanted
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
