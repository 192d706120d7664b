"""SIGHUP: what it changes, what it leaves, and what a bad file does."""

import os
import signal

import pytest

from daemon import OPEN_CONFIG, merged
from deadlines import eventually

ONE_RULE = {"topics": [{"match": "open.>", "publish": "nobody"}]}


def reloads(own, result=None):
    labels = {} if result is None else {"result": result}
    return own.metric("wspushd_reload_total", **labels)


def reload(own, changes):
    """Reloads a good file and waits until it is in force."""
    errors = reloads(own, "error")
    own.reload_everywhere(changes)
    assert reloads(own, "error") == errors, own.log.text()


class TestAGoodFile:
    def test_changes_the_topic_rules_of_open_connections(self, start):
        own = start(ONE_RULE)
        client = own.v1()
        client.fails("publish", "forbidden", topic="open.x", data=1)
        reload(own, {"topics": [{"match": "open.>", "publish": "anyone"}]})
        eventually(lambda: client.call("publish", topic="open.x", data=1)["op"] == "published",
                   "it is allowed")

    def test_drops_no_connection_and_no_message(self, start):
        own = start()
        clients = [own.v1() for _ in range(20)]
        for client in clients:
            client.subscribe("open.x")
        for number in range(5):
            reload(own, {"limits": {"headers": 50 + number}})
            message_id = own.publish("open.x", number)["id"]
            assert [client.next_op("message")["id"] for client in clients] == [message_id] * 20

    def test_that_withdraws_a_right_ends_its_subscriptions(self, start):
        own = start()
        client, raw = own.v1(), own.raw("open.a")
        client.subscribe("open.a")
        client.subscribe("members.b")
        rules = [{"match": "open.>", "subscribe": "nobody"}, *OPEN_CONFIG["topics"]]
        reload(own, {"topics": rules})
        assert client.next_event() == {"op": "unsubscribed", "topic": "open.a", "code": "forbidden"}
        own.publish("open.a", "unheard")
        own.publish("members.b", "heard")
        assert client.next_op("message")["data"] == "heard"
        raw.expect_close((1008, 4003))

    def test_changes_limits_for_new_connections_only(self, start):
        own = start({"limits": {"subscriptions_per_connection": 1}})
        old = own.v1()
        old.subscribe("open.a")
        reload(own, {"limits": {"subscriptions_per_connection": 3}})
        old.fails("subscribe", "limit_exceeded", topic="open.b")
        new = own.v1()
        for topic in ("open.a", "open.b", "open.c"):
            new.subscribe(topic)
        new.fails("subscribe", "limit_exceeded", topic="open.d")

    def test_changes_origins_and_internal_hosts(self, start):
        own = start()
        reload(own, {"origins": ["https://a.test"], "internal": {"hosts": ["push.internal"]}})
        assert own.websocket("/ws", Origin="https://a.test")
        assert own.api("GET", "/api/topics", host="push.internal").status == 200

    def test_says_which_keys_need_a_restart(self, start):
        own = start()
        mark = len(own.log.lines())
        reload(own, {"heartbeat": {"ping_interval": "20s"}, "reactors": 3})
        own.log.await_line(r"heartbeat\.ping_interval.*restart|restart.*heartbeat\.ping_interval",
                           start=mark)
        own.log.await_line(r"reactors.*restart|restart.*reactors", start=mark)
        assert own.v1().welcome["ping_interval"] == 50

    def test_keeps_what_the_environment_and_set_say(self, start):
        own = start({"limits": {"subscriptions_per_connection": 1, "headers": 10}},
                    args=["--set", "limits.subscriptions_per_connection=2"],
                    env={"WSPUSHD_LIMITS__HEADERS": "20"})
        reload(own, {"limits": {"subscriptions_per_connection": 5, "headers": 7}})
        client = own.v1()
        client.subscribe("open.a")
        client.subscribe("open.b")
        client.fails("subscribe", "limit_exceeded", topic="open.c")
        many = {f"X_{i}": "y" for i in range(12)}
        assert own.websocket("/echo", **many)

    def test_in_a_storm_of_signals_is_read_in_the_end(self, start):
        own = start(ONE_RULE)
        client = own.v1()
        for _ in range(200):
            own.signal(signal.SIGHUP)
        own.reload({"topics": [{"match": "open.>", "publish": "anyone"}]})
        eventually(lambda: client.call("publish", topic="open.x", data=1)["op"] == "published",
                   "the newest rules")


class TestABadFile:
    @pytest.mark.parametrize("text", ["topics: nonsense\n", "a: [\n", "limits:\n  headers: many\n"])
    def test_changes_nothing_and_says_where(self, start, text):
        own = start()
        client = own.v1()
        client.subscribe("open.x")
        mark = len(own.log.lines())
        own.write_config(text)
        own.signal(signal.SIGHUP)
        eventually(lambda: reloads(own, "error") == 1, "the failure is counted")
        own.log.await_line(own.config_file + r":\d+:\d+: ", start=mark)
        client.publish("open.x", "as before")
        assert client.next_op("message")["data"] == "as before"
        assert own.v1().ok("ping") and own.api("GET", "/readyz").status == 200

    def test_is_bad_as_a_whole_even_where_parts_are_good(self, start):
        own = start(ONE_RULE)
        own.config = merged(own.config,
                            {"topics": [{"match": "open.>", "publish": "anyone"}], "echo": "maybe"})
        own.write_config()
        own.signal(signal.SIGHUP)
        eventually(lambda: reloads(own, "error") == 1, "the failure is counted")
        own.v1().fails("publish", "forbidden", topic="open.x", data=1)

    def test_that_is_gone_is_one_too_and_a_good_one_heals_it(self, start):
        own = start(ONE_RULE)
        os.unlink(own.config_file)
        own.signal(signal.SIGHUP)
        eventually(lambda: reloads(own, "error") == 1, "the failure is counted")
        assert own.v1().ok("ping")
        reload(own, {"topics": [{"match": "open.>", "publish": "anyone"}]})
        own.v1().publish("open.x", 1)
