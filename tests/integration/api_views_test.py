"""The internal listener: what it shows of topics and connections, and what it ends."""

from urllib.parse import quote

import pytest

from daemon import messages_path
from deadlines import eventually
from v1_client import offset_of, split_id


@pytest.fixture(scope="module", params=[1, 2, 3], ids=lambda n: f"{n}-reactors")
def reactors(request):
    return request.param


def topic_path(topic):
    return f"/api/topics/{quote(topic, safe='')}"


class TestHistory:
    def test_is_that_of_the_history_command(self, daemon, unique):
        topic = unique("long")
        ids = daemon.publish_many(topic, range(400))
        client = daemon.v1()
        for query, members in (("", {}), ("?limit=5", {"limit": 5}),
                               (f"?after={ids[390]}", {"after": ids[390]}),
                               (f"?after={ids[10]}&limit=7", {"after": ids[10], "limit": 7}),
                               ("?after=first&limit=2", {"after": "first", "limit": 2}),
                               ("?limit=1000", {"limit": 1000}),
                               ("?after=00000000-1", {"after": "00000000-1"})):
            answer = daemon.api("GET", messages_path(topic, query))
            assert answer.status == 200, answer
            command = client.ok("history", topic=topic, **members)
            for member in ("messages", "last", "gap"):
                assert answer.json().get(member) == command.get(member), (query, member)

    def test_keeps_the_spelling_of_its_payloads(self, daemon, topic):
        daemon.publish(topic, b'{"x":1.0}')
        assert b'"data":{"x":1.0}' in daemon.api("GET", messages_path(topic)).body

    @pytest.mark.parametrize("query", ["?after=x", "?limit=x", "?limit=-1", "?after="])
    def test_with_a_bad_parameter_is_400(self, daemon, topic, query):
        answer = daemon.api("GET", messages_path(topic, query))
        assert answer.status == 400 and answer.error()["code"] == "bad_request"

    def test_of_a_topic_that_clients_may_not_read_is_open_to_back_ends(self, daemon, unique):
        topic = unique("closed")
        daemon.publish(topic, 1)
        assert len(daemon.api("GET", messages_path(topic)).json()["messages"]) == 1

    def test_of_a_bad_topic_is_400_and_of_no_rules_403(self, daemon):
        assert daemon.api("GET", messages_path("a b")).error()["code"] == "bad_topic"
        answer = daemon.api("GET", messages_path("nowhere"))
        assert answer.status == 403 and answer.error()["code"] == "forbidden"


class TestTopics:
    def test_one_shows_its_counts(self, daemon, topic):
        clients = [daemon.v1() for _ in range(3)]
        for client in clients:
            client.subscribe(topic)
        ids = daemon.publish_many(topic, ["x" * 100] * 4)
        answer = daemon.api("GET", topic_path(topic))
        assert answer.status == 200, answer
        view = answer.json()
        assert {name: view[name] for name in ("topic", "subscribers", "members", "messages",
                                              "last")} == {
            "topic": topic, "subscribers": 3, "members": 0, "messages": 4, "last": ids[-1]}
        assert view["bytes"] >= 4 * 102

    def test_one_that_does_not_exist_has_nothing_or_is_404(self, daemon, topic):
        answer = daemon.api("GET", topic_path(topic))
        if answer.status == 200:
            assert (answer.json()["subscribers"], answer.json()["messages"]) == (0, 0)
        else:
            assert answer.status == 404 and answer.error()

    def test_are_listed_by_prefix(self, daemon, unique):
        prefix = unique()
        for number in range(5):
            daemon.publish(f"{prefix}.n{number}", 1)
        reader = daemon.v1()
        reader.subscribe(f"{prefix}.n3")
        listed = daemon.api("GET", f"/api/topics?prefix={prefix}.").json()["topics"]
        assert sorted((entry["topic"], entry["subscribers"]) for entry in listed) == [
            (f"{prefix}.n{number}", 1 if number == 3 else 0) for number in range(5)]
        assert set(listed[0]) >= {"topic", "subscribers"}
        assert len(daemon.api("GET", f"/api/topics?prefix={prefix}.&limit=2").json()["topics"]) == 2
        assert daemon.api("GET", "/api/topics?prefix=no.such").json() == {"topics": []}
        everything = [entry["topic"] for entry in daemon.api("GET", "/api/topics").json()["topics"]]
        assert f"{prefix}.n0" in everything or len(everything) >= 100

    def test_are_listed_in_order_where_they_are_more_than_one_turn_looks_at(self, daemon, unique):
        prefix = unique()
        names = [f"{prefix}.n{number}" for number in range(5000)]
        for first in range(0, len(names), 500):
            assert daemon.api("POST", "/api/messages", {"messages": [
                {"topic": name, "data": 1} for name in names[first:first + 500]]}).status == 200
        for limit in (1, 7, 4999, 5000, 10_000):
            listed = daemon.api("GET", f"/api/topics?prefix={prefix}.&limit={limit}").json()["topics"]
            assert [entry["topic"] for entry in listed] == sorted(names)[:limit]

    def test_are_cleared_with_a_new_epoch(self, daemon, topic):
        old = daemon.publish(topic, 1)["id"]
        answer = daemon.api("DELETE", messages_path(topic))
        assert answer.status == 204 and answer.body == b""
        history = daemon.api("GET", messages_path(topic)).json()
        assert history["messages"] == [] and split_id(history["last"])[0] != split_id(old)[0]
        new = daemon.publish(topic, 2)["id"]
        assert offset_of(new) == 1 and split_id(new)[0] == split_id(history["last"])[0]


class TestConnections:
    def test_one_is_found_by_the_id_of_its_welcome(self, daemon, unique):
        for _ in range(6):  # on whatever reactor it is
            client, topic = daemon.v1(), unique()
            client.subscribe(topic)
            name = client.welcome["connection"]
            assert quote(name, safe="") == name
            view = daemon.api("GET", f"/api/connections/{name}").json()
            assert set(view) >= {"id", "user", "door", "address", "since", "topics", "queued_bytes"}
            assert view["id"] == name and view["user"] is None
            assert "127.0.0.1" in view["address"] and view["queued_bytes"] == 0
            assert view["door"] and view["since"]
            assert view["topics"] in (1, [topic])

    def test_all_are_listed(self, daemon):
        clients = [daemon.v1() for _ in range(7)]
        daemon.raw("open.x")
        daemon.websocket("/echo")
        listed = daemon.api("GET", "/api/connections").json()["connections"]
        ids = [entry["id"] for entry in listed]
        assert len(set(ids)) == len(ids)
        assert {client.welcome["connection"] for client in clients} <= set(ids)
        assert len({entry["door"] for entry in listed}) >= 3
        assert len(daemon.api("GET", "/api/connections?limit=3").json()["connections"]) == 3
        assert daemon.api("GET", "/api/connections?user=nobody").json() == {"connections": []}

    def test_one_that_is_gone_is_404(self, daemon):
        client = daemon.v1()
        name = client.welcome["connection"]
        client.close()
        eventually(lambda: daemon.api("GET", f"/api/connections/{name}").status == 404,
                   "it is forgotten")
        assert daemon.api("DELETE", f"/api/connections/{name}").status == 404

    @pytest.mark.parametrize("name",
                             ["x", "0", "..", "a%2Fb", "%FF", "x" * 1000, "-1",
                              "99999999999999999999"])
    def test_an_id_that_nobody_has_is_404(self, daemon, name):
        answer = daemon.api("GET", f"/api/connections/{name}")
        assert answer.status in (404, 400) and answer.error()

    def test_one_can_be_ended_with_4003(self, daemon):
        for _ in range(6):
            client, other = daemon.v1(), daemon.v1()
            answer = daemon.api("DELETE", f"/api/connections/{client.welcome['connection']}")
            assert answer.status == 204 and answer.body == b""
            client.expect_close(4003)
            assert other.ok("ping")

    def test_on_every_door_can_be_ended_with_4003(self, daemon, topic):
        for open_one in (lambda: daemon.raw(topic), lambda: daemon.websocket("/echo")):
            before = {e["id"] for e in daemon.api("GET", "/api/connections").json()["connections"]}
            client = open_one()
            client.send_frame(9, b"")
            client.receive_pong()
            after = {e["id"] for e in daemon.api("GET", "/api/connections").json()["connections"]}
            (name,) = after - before
            assert daemon.api("DELETE", f"/api/connections/{name}").status == 204
            client.expect_close(4003)

    def test_those_of_a_user_that_nobody_is_are_none(self, daemon):
        client = daemon.v1()
        assert daemon.api("DELETE", "/api/users/nobody/connections").status == 204
        assert client.ok("ping")
