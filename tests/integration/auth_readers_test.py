"""Tokens of clients that read by Server-Sent Events and long poll."""

import pytest

from deadlines import eventually
from http_client import HttpConnection
from sse_client import SseClient, ask_stream
from tokens import SECRET, token

RULES = [
    {"match": "inbox.{user}.>", "subscribe": "authenticated"},
    {"match": "inbox.>", "subscribe": "nobody"},
    {"match": "users.>", "subscribe": "authenticated"},
    {"match": "listed.>", "subscribe": "token"},
    {"match": "open.>", "publish": "anyone"},
]
AUTH = {"hmac_secret": SECRET, "cookie": "session", "clock_skew": "0s"}


@pytest.fixture(scope="module")
def daemon_changes():
    return {"auth": AUTH, "topics": RULES}


@pytest.fixture(params=["sse", "poll"])
def ask(request):
    """`ask(daemon, target, headers)`: the head of the answer at either door."""
    def run(daemon, target, headers=None):
        accept = "text/event-stream" if request.param == "sse" else "*/*"
        with HttpConnection(daemon.public) as connection:
            return ask_stream(connection, target, {"Accept": accept, **(headers or {})})
    return run


def bearer(user, *args, **claims):
    return {"Authorization": f"Bearer {token(user, *args, **claims)}"}


def waiting_poll(daemon, topic, headers):
    poll = daemon.http()
    before = daemon.subscribers(topic)
    poll.send_request("GET", f"/topics/{topic}?after=first&wait=55", headers)
    eventually(lambda: daemon.subscribers(topic) == before + 1, "the poll waits")
    return poll


class TestWhoMayRead:
    def test_every_place_of_a_token_counts(self, daemon, ask):
        value = token("ann")
        for query, headers in (("", {"Authorization": f"Bearer {value}"}),
                               (f"?token={value}", {}), ("", {"Cookie": f"session={value}"})):
            assert ask(daemon, f"/topics/users.x{query}", headers).status in (200, 204)

    def test_a_missing_one_is_401_where_a_user_is_wanted(self, daemon, ask):
        answer = ask(daemon, "/topics/users.x")
        assert answer.status == 401 and answer.error()["code"] == "unauthenticated"
        assert answer.header("WWW-Authenticate") == "Bearer"

    def test_a_bad_one_is_401_wherever_it_is_brought(self, daemon, ask):
        for headers, code in (({"Authorization": "Bearer x.y.z"}, "unauthenticated"),
                              (bearer("ann", -5), "token_expired")):
            answer = ask(daemon, "/topics/open.x", {**headers, "Origin": "http://push.test",
                                                    "X-Other": "1"})
            assert answer.status == 403  # another site's page is told nothing about tokens
            answer = ask(daemon, "/topics/open.x", headers)
            assert answer.status == 401 and answer.error()["code"] == code

    def test_the_rule_says_which_topics_are_the_users(self, daemon, ask):
        ann = bearer("ann", subscribe=["listed.a", "listed.b.*"])
        for target, status in (("/topics/inbox.ann.x", None), ("/topics/inbox.bob.x", 403),
                               ("/topics/listed.a", None), ("/topics/listed.c", 403),
                               ("/topics?topic=listed.a&topic=inbox.ann.x", None),
                               ("/topics?topic=listed.a&topic=listed.c", 403),
                               ("/topics?topic=inbox.ann.%3E", None),
                               ("/topics?topic=inbox.%3E", 403)):
            answer = ask(daemon, target, ann)
            assert answer.status in ((200, 204) if status is None else (status,)), target

    def test_where_a_user_is_required_everybody_needs_one(self, start, ask):
        own = start({"auth": {**AUTH, "required": True}, "topics": RULES})
        assert ask(own, "/topics/open.x").status == 401
        assert ask(own, "/topics/open.x", bearer("ann")).status in (200, 204)


class TestTheEnd:
    def stream(self, daemon, topic, headers):
        return SseClient.open(None, f"/topics/{topic}", headers, connection=daemon.http()).start()

    def test_the_connections_are_the_users(self, start):
        own = start({"auth": AUTH, "topics": RULES})
        stream = self.stream(own, "users.x", bearer("ann"))
        poll = waiting_poll(own, "users.x", bearer("bob"))
        views = own.api("GET", "/api/connections").json()["connections"]
        assert sorted((view["door"], view["user"]) for view in views) == [
            ("poll", "bob"), ("sse", "ann")]
        for user in ("ann", "bob"):
            assert own.api("DELETE", f"/api/users/{user}/connections").status == 204
        assert stream.expect_end() == []
        poll.expect_end()

    def test_a_stream_ends_when_its_token_expires(self, daemon, topic):
        stream = self.stream(daemon, topic, bearer("ann", 1.2))
        daemon.publish(topic, 1)
        assert [event.data for event in stream.expect_end(4)] == ["1"]

    def test_a_poll_that_waits_is_told_that_its_token_has_expired(self, daemon, topic):
        poll = waiting_poll(daemon, topic, bearer("ann", 1.2))
        answer = poll.read_response(seconds=4)
        assert answer.status == 401 and answer.error()["code"] == "token_expired"
        assert poll.request("GET", f"/topics/{topic}").status == 204

    def test_a_revocation_ends_both(self, start):
        own = start({"auth": AUTH, "topics": RULES})
        headers = bearer("ann", jti="one")
        stream = self.stream(own, "users.x", headers)
        poll = waiting_poll(own, "users.x", headers)
        assert own.api("POST", "/api/revocations", {"jti": "one"}).status in (200, 201, 204)
        assert stream.expect_end() == []
        poll.expect_end()
        with own.http() as connection:
            assert ask_stream(connection, "/topics/users.x", headers).status == 401

    def test_a_reload_that_takes_it_from_some_ends_theirs(self, start):
        own = start({"auth": AUTH, "topics": RULES})
        ann, bob = bearer("ann", subscribe=["open.x"]), bearer("bob")
        streams = {name: self.stream(own, "open.x", headers)
                   for name, headers in (("ann", ann), ("bob", bob))}
        poll = waiting_poll(own, "open.x", bob)
        own.reload({"topics": [{"match": "open.>", "subscribe": "token"}]})
        assert streams["bob"].expect_end() == []
        assert poll.read_response().status == 403
        own.publish("open.x", "still here")
        assert streams["ann"].data(1) == ['"still here"']
