"""Ending what a token gave: revocations, a user's connections."""

import time

import pytest

from deadlines import PATIENCE, eventually
from tokens import SECRET, token
from websocket_client import upgrade_headers

RULES = [{"match": "users.>", "subscribe": "authenticated"}, {"match": ">", "publish": "anyone"}]


@pytest.fixture(scope="module", params=[1, 3])
def reactors(request):
    return request.param


@pytest.fixture(scope="module")
def daemon_changes():
    return {"auth": {"hmac_secret": SECRET}, "topics": RULES}


def clients_of(daemon, value, count=6):
    """On enough connections that each reactor has some; all doors."""
    query = f"?token={value}"
    clients = [daemon.v1(f"/ws{query}") for _ in range(count)]
    clients += [daemon.raw("users.x", query), daemon.websocket(f"/echo{query}")]
    late = daemon.v1()
    late.call("auth", token=value)
    return clients + [late]


def revoke(daemon, **what):
    answer = daemon.api("POST", "/api/revocations", what)
    assert answer.status == 204 and answer.body == b"", answer


def is_refused(daemon, value):
    with daemon.http() as connection:
        answer = connection.request("GET", f"/ws?token={value}", upgrade_headers())
    assert answer.status in (101, 401), answer
    return answer.status == 401


def test_of_a_user_ends_its_connections_and_refuses_its_tokens(daemon):
    issued = int(time.time())
    value, silent = token("u1", iat=issued - 1), token("u1")
    clients, others = clients_of(daemon, value), clients_of(daemon, token("u2"), 2)
    begun = time.monotonic()
    revoke(daemon, user="u1")
    for client in clients:
        client.expect_close(4003)
    assert time.monotonic() - begun < 1 * PATIENCE
    assert is_refused(daemon, value) and is_refused(daemon, silent)
    daemon.v1().fails("auth", "unauthenticated", token=value)
    fresh = token("u1", iat=issued + 60)
    assert not is_refused(daemon, fresh)
    assert daemon.v1(f"/ws?token={fresh}").call("ping")["op"] == "pong"
    assert others[0].call("ping")["op"] == others[-1].call("ping")["op"] == "pong"


def test_of_a_token_covers_that_one_alone(daemon):
    one, two = token("u3", jti="one"), token("u3", jti="two")
    first, second = daemon.v1(f"/ws?token={one}"), daemon.v1(f"/ws?token={two}")
    revoke(daemon, jti="one", expires_in=60)
    first.expect_close(4003)
    assert second.call("ping")["op"] == "pong"
    assert is_refused(daemon, one) and not is_refused(daemon, two)
    assert is_refused(daemon, token("another", jti="one"))


def test_ends_by_itself(daemon):
    value = token("u4")
    revoke(daemon, user="u4", expires_in=3)
    assert is_refused(daemon, value)
    eventually(lambda: not is_refused(daemon, value), "it is forgotten", 10)


@pytest.mark.parametrize("body", [
    {}, {"user": "u", "jti": "t"}, {"user": ""}, {"user": 7}, {"jti": None}, {"jti": "x" * 256},
    {"user": "u", "expires_in": 0}, {"user": "u", "expires_in": -1},
    {"user": "u", "expires_in": 1.5}, {"user": "u", "expires_in": "60"},
    {"user": "u", "expires_in": 10**12}, [], "u"])
def test_refuses_what_is_no_revocation(daemon, body):
    answer = daemon.api("POST", "/api/revocations", body)
    assert answer.status == 400 and answer.error()["code"] == "bad_request", answer


def test_a_users_connections_are_listed_and_ended(daemon):
    value = token("u 5/ü")
    clients = clients_of(daemon, value)
    listed = daemon.api("GET", "/api/connections?user=u%205%2F%C3%BC").json()["connections"]
    assert len(listed) == len(clients)
    assert {each["user"] for each in listed} == {"u 5/ü"}
    assert {each["door"] for each in listed} == {"wspush.v1", "raw", "echo"}
    assert daemon.api("GET", "/api/connections?user=nobody").json()["connections"] == []
    one = daemon.api("GET", f"/api/connections/{clients[0].welcome['connection']}").json()
    assert one["user"] == "u 5/ü"
    answer = daemon.api("DELETE", "/api/users/u%205%2F%C3%BC/connections")
    assert answer.status == 204
    for client in clients:
        client.expect_close(4003)
    assert not is_refused(daemon, value), "they may come back"
    assert daemon.api("DELETE", "/api/users/nobody/connections").status == 204


def test_of_thousands_of_connections_is_through_within_a_second(start):
    own = start({"auth": {"hmac_secret": SECRET}, "topics": RULES, "reactors": 1})
    value, other = token("u1"), token("u2")
    clients = [own.websocket(f"/echo?token={value}") for _ in range(2500)]
    others = [own.v1(f"/ws?token={other}") for _ in range(3)]
    begun = time.monotonic()
    revoke(own, user="u1")
    assert time.monotonic() - begun < 1 * PATIENCE
    # Told to all by now: each of them is being closed.
    assert own.api("GET", "/api/connections?user=u1").json()["connections"] == []
    for client in clients:
        client.expect_close(4003)
    for client in others:
        assert client.call("ping")["op"] == "pong"


def test_an_api_key_for_some_topics_may_not(start):
    own = start({"auth": {"hmac_secret": SECRET}, "topics": RULES, "internal": {"api_keys": [
        "all", {"key": "some", "topics": ["news.>"]}, {"key": "reader", "can": ["read"]}]}})
    for key, status in (("all", 204), ("some", 403), ("reader", 403), ("none", 401)):
        bearer = {"Authorization": f"Bearer {key}"}
        assert own.api("POST", "/api/revocations", {"user": "u"}, bearer).status == status
        assert own.api("DELETE", "/api/users/u/connections", None, bearer).status == status


class TestARestart:
    @pytest.fixture
    def disk(self, tmp_path):
        return {"engine": {"type": "disk", "disk": {"path": str(tmp_path / "data"),
                                                    "sync": "never"}},
                "auth": {"hmac_secret": SECRET}, "topics": RULES}

    @pytest.mark.parametrize("ends", ["stop", "kill"])
    @pytest.mark.parametrize("before, after", [(1, 2), (2, 1)])
    def test_changes_nothing_on_the_disk(self, start, disk, ends, before, after):
        own = start({**disk, "reactors": before})
        revoke(own, user="u1")
        revoke(own, user="u2", expires_in=1)
        revoke(own, jti="one", expires_in=60)
        fresh = token("u1", iat=int(time.time()) + 60)
        getattr(own, ends)()
        own = start({**disk, "reactors": after})
        for _ in range(4):  # On every reactor.
            assert is_refused(own, token("u1")) and is_refused(own, token("u3", jti="one"))
            assert not is_refused(own, fresh) and not is_refused(own, token("u3", jti="two"))
        eventually(lambda: not is_refused(own, token("u2")), "it has its end, too", 10)
        revoke(own, user="u4")
        own.stop()
        own = start(disk)
        assert is_refused(own, token("u1")) and is_refused(own, token("u4"))
        assert not is_refused(own, token("u2"))

    def test_forgets_all_where_nothing_is_kept(self, start):
        changes = {"auth": {"hmac_secret": SECRET}, "topics": RULES}
        own = start(changes)
        revoke(own, user="u1")
        assert is_refused(own, token("u1"))
        own.stop()
        assert not is_refused(start(changes), token("u1"))
