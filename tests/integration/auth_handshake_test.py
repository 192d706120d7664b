"""Who a client is: tokens in the handshake, the keys that they are checked with, `auth`."""

import json
import os
import time

import pytest

from daemon import run
from deadlines import eventually, patient
from tokens import SECRET, KeyPair, hmac_token, secret_jwk, token, unsigned, write_jwks
from websocket_client import upgrade_headers

RULES = [
    {"match": "inbox.{user}.>", "subscribe": "authenticated", "publish": "authenticated"},
    {"match": "inbox.>", "subscribe": "nobody"},
    {"match": "users.>", "subscribe": "authenticated", "publish": "subscriber"},
    {"match": "listed.>", "subscribe": "token", "publish": "token"},
    {"match": "open.>", "publish": "anyone"},
]
AUTH = {"hmac_secret": SECRET, "cookie": "session", "clock_skew": "0s"}


@pytest.fixture(scope="module")
def daemon_changes():
    return {"auth": AUTH, "topics": RULES}


def ask(daemon, target, **headers):
    """The answer to a handshake that may be refused."""
    with daemon.http() as connection:
        return connection.request("GET", target, upgrade_headers(**headers))


def refused(daemon, target, status, code, **headers):
    answer = ask(daemon, target, **headers)
    assert answer.status == status and answer.error()["code"] == code, answer
    if status == 401:
        assert answer.header("WWW-Authenticate") == "Bearer"
    return answer


class TestWhereATokenStands:
    def places(self, value):
        return {
            "header": ("", {"Authorization": f"Bearer {value}"}),
            "query": (f"?token={value}", {}),
            "cookie": ("", {"Cookie": f"a=b; session={value}"}),
            "subprotocol": ("", {"Sec_WebSocket_Protocol": f"wspush.v1, bearer.{value}"}),
        }

    def test_every_place_gives_the_user(self, daemon):
        for place, (query, headers) in self.places(token("ann")).items():
            client = daemon.v1(f"/ws{query}", subprotocols=(), **headers)
            assert client.welcome["user"] == "ann", place
            expected = "wspush.v1" if place == "subprotocol" else None
            assert client.subprotocol == expected, "a token is never echoed"

    def test_every_place_counts_on_the_raw_door(self, daemon):
        for place, (query, headers) in self.places(token("ann")).items():
            raw = daemon.raw("inbox.ann.x", query, **headers)
            raw.send_text(place)
            assert raw.receive_text() == place
            assert raw.subprotocol is None

    def test_a_bad_token_is_401_wherever_it_stands(self, daemon):
        for query, headers in self.places("a.b.c").values():
            for path in ("/ws", "/topics/open.x", "/echo"):
                refused(daemon, path + query, 401, "unauthenticated", **headers)

    def test_the_first_place_decides(self, daemon):
        bad, good = "a.b.c", token("ann")
        refused(daemon, f"/ws?token={good}", 401, "unauthenticated", Authorization=f"Bearer {bad}")
        client = daemon.v1(f"/ws?token={bad}", Authorization=f"Bearer {good}")
        assert client.welcome["user"] == "ann"

    def test_without_one_the_client_is_anonymous(self, daemon):
        assert daemon.v1().welcome["user"] is None
        assert daemon.v1("/ws?token=").welcome["user"] is None
        assert daemon.v1(Authorization="Basic YTpi").welcome["user"] is None


HOSTILE = {
    "none": unsigned({"alg": "none"}, {"sub": "ann"}),
    "None": unsigned({"alg": "None"}, {"sub": "ann"}),
    "no algorithm": unsigned({}, {"sub": "ann"}),
    "another secret": hmac_token({"sub": "ann"}, secret="another"),
    "its own key": hmac_token({"sub": "ann"}, jwk=secret_jwk()),
    "a key's address": hmac_token({"sub": "ann"}, jku="http://127.0.0.1:1/jwks"),
    "a certificate's address": hmac_token({"sub": "ann"}, x5u="http://127.0.0.1:1/c"),
    "an extension": hmac_token({"sub": "ann"}, crit=["b64"]),
    "padding": hmac_token({"sub": "ann"}) + "=",
    "no user": hmac_token({"iss": "x"}),
    "a user that is a number": hmac_token({"sub": 7}),
    "two users": hmac_token('{"sub":"ann","sub":"root"}'),
    "a time in quotes": hmac_token({"sub": "ann", "exp": "2000000000"}),
    "later": hmac_token({"sub": "ann", "nbf": 4_000_000_000}),
    "info too large": hmac_token({"sub": "ann", "info": "x" * 1024}),
    "no topics": hmac_token({"sub": "ann", "subscribe": ["a..b"]}),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_token_is_401(daemon, name):
    refused(daemon, "/ws", 401, "unauthenticated", Authorization=f"Bearer {HOSTILE[name]}")


def test_an_expired_token_says_so(daemon):
    refused(daemon, f"/ws?token={token('ann', -1)}", 401, "token_expired")
    daemon.v1().fails("auth", "token_expired", token=token("ann", -1))


def test_a_token_has_8_kib_at_most(daemon):
    client = daemon.v1()
    client.fails("auth", "unauthenticated", token=token("ann", x="y" * 8192))
    assert daemon.metric("wspushd_limit_hits_total", limit="token") >= 1
    fitting = token("ann", x="y" * 5900)
    assert client.call("auth", token=fitting)["user"] == "ann"


def test_no_token_is_in_the_log(start):
    own = start({"auth": AUTH, "topics": RULES, "log": {"level": "trace", "access": True}})
    good, bad = token("ann"), token("bob", -1)
    own.v1(f"/ws?token={good}")
    own.raw("inbox.ann.x", f"?token={good}")
    for each in (good, bad, "geheim.geheim.geheim"):
        ask(own, f"/ws?token={each}")
        ask(own, "/ws", Authorization=f"Bearer {each}", Cookie=f"session={each}")
        own.v1().call("auth", token=each)
    own.stop()
    log = own.log.text()
    for each in (good, bad):
        assert each not in log and each.split(".")[2] not in log and each.split(".")[1] not in log
    assert "geheim" not in log and SECRET not in log


class TestRules:
    def test_401_where_a_user_is_wanted_403_where_none_would_do(self, daemon):
        refused(daemon, "/topics/users.x", 401, "unauthenticated")
        refused(daemon, "/topics/inbox.ann.x", 401, "unauthenticated")
        refused(daemon, "/topics/listed.x", 401, "unauthenticated")
        refused(daemon, "/topics/inbox.x", 403, "forbidden")
        bearer = {"Authorization": f"Bearer {token('ann')}"}
        refused(daemon, "/topics/inbox.bob.x", 403, "forbidden", **bearer)
        refused(daemon, "/topics/listed.x", 403, "forbidden", **bearer)
        refused(daemon, "/topics/no.rule", 403, "forbidden", **bearer)

    def test_a_user_has_its_own_topics(self, daemon):
        ann, bob = (daemon.v1(f"/ws?token={token(user)}") for user in ("ann", "bob"))
        ann.subscribe("inbox.ann.a")
        bob.fails("subscribe", "forbidden", topic="inbox.ann.a")
        bob.fails("publish", "forbidden", topic="inbox.ann.a", data=1)
        bob.fails("history", "forbidden", topic="inbox.ann.a")
        daemon.publish("inbox.ann.a", "from the back end")
        assert ann.next_op("message")["data"] == "from the back end"

    def test_lists_of_the_token(self, daemon):
        client = daemon.v1(f"/ws?token={token('ann', subscribe=['listed.a.>'], publish=['listed.*'])}")
        client.subscribe("listed.a.b")
        client.fails("subscribe", "forbidden", topic="listed.a")
        client.publish("listed.b", 1)
        client.fails("publish", "forbidden", topic="listed.a.b", data=1)

    def test_subscribers_may_publish(self, daemon):
        client = daemon.v1(f"/ws?token={token('ann')}")
        client.fails("publish", "forbidden", topic="users.s", data=1)
        client.subscribe("users.s")
        client.publish("users.s", 1)

    def test_what_an_anonymous_client_sends_on_a_raw_door_that_wants_a_user_closes_it(self, start):
        own = start({"auth": AUTH, "topics": [{"match": ">", "publish": "authenticated"}]})
        raw = own.raw("open.x")
        raw.send_text("mine")
        raw.expect_close(1008)
        raw = own.raw("open.x", f"?token={token('ann')}")
        raw.send_text("mine")
        assert raw.receive_text() == "mine"


class TestAuthCommand:
    def test_answers_and_renews(self, daemon):
        client = daemon.v1()
        client.fails("subscribe", "unauthenticated", topic="users.x")
        answer = client.call("auth", token=token("ann", 3600))
        assert answer["op"] == "authenticated" and answer["user"] == "ann"
        assert 3590 <= answer["expires_in"] <= 3600
        client.subscribe("users.x")
        assert client.call("auth", token=token("ann"))["expires_in"] is None
        client.fails("auth", "forbidden", token=token("bob"))
        client.fails("auth", "unauthenticated", token="a.b.c")
        client.fails("auth", "bad_request")
        assert client.publish("users.x", 1), "nothing has changed by that"

    def test_with_fewer_rights_ends_what_they_gave(self, daemon):
        client = daemon.v1(f"/ws?token={token('ann', subscribe=['listed.>'])}")
        client.subscribe("listed.a")
        client.subscribe("listed.b")
        assert client.call("auth", token=token("ann", subscribe=["listed.a"]))["user"] == "ann"
        assert client.next_event() == {"op": "unsubscribed", "topic": "listed.b",
                                       "code": "forbidden"}
        daemon.publish("listed.b", "unheard")
        daemon.publish("listed.a", "heard")
        assert client.next_op("message")["data"] == "heard"

    def test_is_wanted_in_time_where_a_user_is_required(self, start):
        own = start({"auth": {**AUTH, "required": True, "timeout": "3s"}, "topics": RULES})
        begun = time.monotonic()
        late, early = own.v1(), own.v1()
        for op in ("subscribe", "unsubscribe", "publish", "history", "ping"):
            early.fails(op, "unauthenticated", topic="open.x", data=1)
        assert early.call("auth", token=token("ann"))["user"] == "ann"
        late.expect_close(4002)
        assert 2.9 < time.monotonic() - begun < 13
        early.subscribe("open.x")
        refused(own, "/topics/open.x", 401, "unauthenticated")
        refused(own, "/echo", 401, "unauthenticated")
        assert own.raw("open.x", f"?token={token('ann')}")
        assert own.metric("wspushd_limit_hits_total", limit="auth_timeout") == 1

    def test_is_wanted_before_a_command_is_looked_at_where_a_user_is_required(self, start):
        client = start({"auth": {**AUTH, "required": True}, "topics": RULES}).v1()
        client.fails("dance", "unauthenticated")
        client.fails("members", "unauthenticated", topic="no good")
        client.fails("subscribe", "unauthenticated")
        client.fails("subscribe", "unauthenticated", topics=5)
        client.fails("subscribe", "unauthenticated", topics=[])
        client.send_json({"op": "subscribe", "id": "back",
                          "topics": [{"topic": "open.x"}, {"topic": "no good"}]})
        for topic in ("open.x", "no good"):
            answer = client.next_event()
            assert (answer["op"], answer["code"]) == ("error", "unauthenticated")
            assert (answer["id"], answer["topic"]) == ("back", topic)
        client.call("auth", token=token("ann"))
        client.fails("dance", "unknown_op")


class TestTheEndOfAToken:
    def test_closes_every_door_with_4001(self, start):
        own = start({"auth": AUTH, "topics": RULES})
        begun = time.monotonic()
        short = f"?token={token('ann', 4)}"
        clients = [own.v1(f"/ws{short}"), own.raw("open.x", short), own.websocket(f"/echo{short}")]
        renewed = own.v1(f"/ws{short}")
        renewed.call("auth", token=token("ann", 3600))
        for client in clients:
            client.expect_close(4001)
        assert 3 < time.monotonic() - begun < 14
        assert renewed.call("ping")["op"] == "pong"

    def test_grants_the_clock_skew(self, start):
        own = start({"auth": {**AUTH, "clock_skew": "1h"}, "topics": RULES})
        client = own.v1(f"/ws?token={token('ann', -60)}")
        assert client.call("auth", token=token("ann", -1))["expires_in"] == 0


class TestKeys:
    @pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
    def test_a_public_key_takes_its_own_algorithm_alone(self, start, tmp_path, algorithm):
        pair, other = (KeyPair(algorithm, tmp_path, name) for name in ("a", "b"))
        own = start({"auth": {"public_key_file": pair.public_file}, "topics": RULES})
        assert own.v1(f"/ws?token={pair.token({'sub': 'ann'})}").welcome["user"] == "ann"
        with open(pair.public_file, encoding="ascii") as file:
            public = file.read()
        for forged in (other.token({"sub": "ann"}), hmac_token({"sub": "ann"}, secret=public),
                       hmac_token({"sub": "ann"}, secret=public.strip()), token("ann")):
            refused(own, f"/ws?token={forged}", 401, "unauthenticated")

    @pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
    def test_a_secret_takes_the_three_hmacs(self, daemon, algorithm):
        value = hmac_token({"sub": "ann"}, algorithm=algorithm)
        assert daemon.v1(f"/ws?token={value}").welcome["user"] == "ann"

    def test_a_set_of_keys_chooses_by_kid(self, start, tmp_path):
        rsa, ec, ed = (KeyPair(name, tmp_path) for name in ("RS256", "ES256", "EdDSA"))
        jwks = write_jwks(tmp_path / "jwks.json", rsa.jwk(kid="r"), ec.jwk(kid="e"),
                          ed.jwk(kid="d", alg="EdDSA", use="sig"), secret_jwk(kid="s", alg="HS512"))
        own = start({"auth": {"jwks_file": jwks}, "topics": RULES})

        def user_of(value):
            return own.v1(f"/ws?token={value}").welcome["user"]

        assert user_of(rsa.token({"sub": "ann"}, kid="r")) == "ann"
        assert user_of(ec.token({"sub": "ann"}, kid="e")) == "ann"
        assert user_of(ed.token({"sub": "ann"}, kid="d")) == "ann"
        assert user_of(hmac_token({"sub": "ann"}, algorithm="HS512", kid="s")) == "ann"
        assert user_of(ec.token({"sub": "ann"})) == "ann", "without kid all are tried"
        for forged in (rsa.token({"sub": "ann"}, kid="e"), rsa.token({"sub": "ann"}, kid="x"),
                       hmac_token({"sub": "ann"}, kid="s"), hmac_token({"sub": "ann"}, kid="r")):
            refused(own, f"/ws?token={forged}", 401, "unauthenticated")

    def test_audience_and_issuer_are_wanted_where_configured(self, start):
        own = start({"auth": {**AUTH, "audience": "push", "issuer": "login"}, "topics": RULES})
        good = token("ann", aud=["x", "push"], iss="login")
        assert own.v1(f"/ws?token={good}").welcome["user"] == "ann"
        for claims in ({"aud": "x", "iss": "login"}, {"aud": "push", "iss": "x"}, {}):
            refused(own, f"/ws?token={token('ann', **claims)}", 401, "unauthenticated")

    def test_without_keys_no_token_is_good(self, start):
        own = start({"topics": RULES})
        refused(own, f"/ws?token={token('ann')}", 401, "unauthenticated")
        own.v1().fails("auth", "unauthenticated", token=token("ann"))

    def test_a_bad_file_is_refused_at_its_place(self, start, tmp_path):
        pair = KeyPair("ES256", tmp_path)
        bad = tmp_path / "bad.json"
        bad.write_text('{"keys":[{"kty":"oct","k":"geheim!"}]}', encoding="utf-8")
        for key, path, words in (("public_key_file", pair.private_file, "a private key"),
                                 ("public_key_file", str(tmp_path / "none"), "cannot be read"),
                                 ("jwks_file", str(bad), "keys[0]: k is not base64url"),
                                 ("jwks_file", pair.public_file, "no JSON object")):
            config = tmp_path / "wspushd.yaml"
            config.write_text(f"auth:\n  {key}: {json.dumps(path)}\n", encoding="utf-8")
            done = run("wspushd", "--check", "--config", str(config))
            assert done.returncode == 1, done
            assert done.stderr.startswith(f"{config}:2:"), done.stderr
            assert f"auth.{key}" in done.stderr and words in done.stderr, done.stderr
            assert "geheim" not in done.stderr


class TestAReload:
    def reload(self, own, changes, result="ok"):
        before = own.metric("wspushd_reload_total", result=result)
        own.reload(changes)
        eventually(lambda: own.metric("wspushd_reload_total", result=result) == before + 1,
                   "the reload is counted")

    def test_changes_keys_for_those_who_come(self, start, tmp_path):
        old, new = (KeyPair("ES256", tmp_path, name) for name in ("old", "new"))
        own = start({"auth": {"public_key_file": old.public_file}, "topics": RULES})
        client = own.v1(f"/ws?token={old.token({'sub': 'ann'})}")
        client.subscribe("users.x")
        os.replace(new.public_file, old.public_file)  # the same path: it is read again
        self.reload(own, {})
        refused(own, f"/ws?token={old.token({'sub': 'ann'})}", 401, "unauthenticated")
        assert own.v1(f"/ws?token={new.token({'sub': 'ann'})}").welcome["user"] == "ann"
        own.publish("users.x", "still here")
        assert client.next_op("message")["data"] == "still here"
        client.fails("auth", "unauthenticated", token=old.token({"sub": "ann"}))

    def test_with_a_bad_key_changes_nothing(self, start, tmp_path):
        pair = KeyPair("EdDSA", tmp_path)
        own = start({"auth": {"public_key_file": pair.public_file}, "topics": RULES})
        with open(pair.public_file, "w", encoding="ascii") as file:
            file.write("nonsense")
        self.reload(own, {"echo": False}, "error")
        assert own.v1(f"/ws?token={pair.token({'sub': 'ann'})}").welcome["user"] == "ann"
        own.log.await_line(r"wspushd\.yaml:\d+:\d+: auth\.public_key_file")

    def test_that_withdraws_a_right_ends_its_subscriptions(self, start):
        own = start({"auth": AUTH, "topics": RULES})
        anonymous = own.v1()
        ann = own.v1(f"/ws?token={token('ann', subscribe=['users.>'])}")
        bob = own.v1(f"/ws?token={token('bob')}")
        raw = own.raw("users.x", f"?token={token('bob')}")
        anonymous.subscribe("open.x")
        for client in (ann, bob):
            client.subscribe("users.x")
            client.subscribe("open.x")
        rules = json.loads(json.dumps(RULES))
        rules[2]["subscribe"] = "token"       # users.>: now only who has it in its token
        rules[4]["subscribe"] = "authenticated"  # open.>: no longer for anyone
        self.reload(own, {"topics": rules})
        gone = {"op": "unsubscribed", "code": "forbidden"}
        assert anonymous.next_event() == {**gone, "topic": "open.x"}
        assert bob.next_event() == {**gone, "topic": "users.x"}
        raw.expect_close(1008)
        own.publish("users.x", 1)
        own.publish("open.x", 2)
        assert [each["data"] for each in ann.messages(2)] == [1, 2]
        assert bob.next_op("message")["data"] == 2
        assert anonymous.drain_until_pong() == []

    def test_that_requires_a_user_gives_those_who_are_there_their_time(self, start):
        own = start({"auth": {**AUTH, "timeout": patient(1)}, "topics": RULES})
        stays, goes = own.v1(), own.v1()
        raw = own.raw("open.x")
        stays.call("ping")
        self.reload(own, {"auth": {"required": True}})
        stays.fails("subscribe", "unauthenticated", topic="open.x")
        assert stays.call("auth", token=token("ann"))["user"] == "ann"
        goes.expect_close(4002)
        raw.expect_close((4002, 1008))
        stays.subscribe("open.x")


class TestTheCompanion:
    def test_makes_tokens_that_the_server_takes(self, start, tmp_path):
        ec = KeyPair("ES256", tmp_path)
        secret = tmp_path / "secret"
        secret.write_text(SECRET + "\n", encoding="ascii")
        own = start({"auth": {"hmac_secret_file": str(secret), "public_key_file": ec.public_file},
                     "topics": RULES})
        for key in (["--secret-file", str(secret)], ["--secret", SECRET, "--alg", "HS384"],
                    ["--private-key", ec.private_file]):
            done = run("wspush", "token", "--user", "ann", *key, "--subscribe", "listed.>",
                       "--expires", "90s")
            assert done.returncode == 0 and done.stderr == "", done
            value = done.stdout.rstrip("\n")
            client = own.v1(f"/ws?token={value}")
            client.subscribe("listed.a")
            assert 80 <= client.call("auth", token=value)["expires_in"] <= 90

    def test_subscribes_with_one(self, daemon, unique):
        topic = unique("inbox.ann")
        host, port = daemon.public
        daemon.publish(topic, "mine")
        address = ["--url", f"ws://{host}:{port}", "--count", "1", "--after", "first"]
        done = run("wspush", "sub", topic, *address, "--token", token("ann"))
        assert (done.returncode, done.stdout) == (0, "mine\n"), done
        done = run("wspush", "sub", topic, *address, "--token", "a.b.c")
        assert done.returncode == 1 and "a.b.c" not in done.stderr, done

    def test_says_what_is_wrong(self, tmp_path):
        for arguments, code in ((["--user", "ann"], 2),
                                (["--user", "ann", "--secret-file", str(tmp_path / "none")], 1),
                                (["--user", "ann", "--private-key", __file__], 1)):
            done = run("wspush", "token", *arguments)
            assert done.returncode == code and done.stdout == "" and done.stderr, done
