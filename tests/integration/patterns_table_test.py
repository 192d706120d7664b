"""Patterns as tables: what fits what, what overlaps, where one may begin again, what is none."""

import pytest

from deadlines import eventually
from sse_client import SseClient, ask_stream

# pattern -> topics that it fits (below one prefix), and topics that it does not.
MATCHES = """
pattern    fits                          does not fit

*          a  b  aa  ü                   a.b  a.b.c
>          a  b  a.b  a.b.c.d
a.*        a.b  a.a  a.aa                a  b.a  a.b.c
a.>        a.b  a.b.c  a.b.c.d           a  aa  aa.b  b.a.b
*.b        a.b  b.b                      a  b  a.b.c  a.bb
*.*        a.b  b.a                      a  a.b.c
*.>        a.b  a.b.c                    a
a.*.c      a.b.c  a.c.c                  a.c  a.b.b.c  b.b.c  a.b.cc
a.*.>      a.b.c  a.b.c.d                a.b  b.b.c
*.b.*      a.b.c  c.b.a                  a.b  a.c.b
*.*.>      a.b.c  a.b.c.d                a.b
"""

# What somebody is subscribed to, a topic, and how often a message of it comes.
OVERLAPS = """
subscriptions      topic  times

a                  a      1
a  *               a      2
a  *  >            a      3
a  b               a      1
*  >               a.b    1
a.*  *.b  a.>  >   a.b    4
a.*  *.b           a.c    1
a.b  a.*  *.b      b.b    1
"""

# Where the doors that take patterns do not.
BAD = """
pattern   why

a.>.b     bad_topic
>.a       bad_topic
a*        bad_topic
*a        bad_topic
a.**      bad_topic
a.>>      bad_topic
a..*      bad_topic
.*        bad_topic
*.        bad_topic
>.        bad_topic
*.>.>     bad_topic
a/*       bad_topic
"""


def rows_of(table):
    """Cells stand apart by three blanks, words in a cell by two, or by one."""
    lines = [line for line in table.splitlines() if line.strip()]
    starts = [at for at, letter in enumerate(lines[0])
              if letter != " " and (at == 0 or lines[0][at - 2:at] == "  ")]
    ends = starts[1:] + [None]
    return [[line[a:b].split() for a, b in zip(starts, ends)] for line in lines[1:]]


def escaped(pattern):
    return pattern.replace(">", "%3E").replace("/", "%2F")


@pytest.fixture(scope="module", params=[1, 2], ids=lambda n: f"{n}-reactors")
def reactors(request):
    return request.param


@pytest.fixture(scope="module")
def daemon_changes():
    return {"topics": [{"match": "brief.>", "history": {"messages": 2}},
                       {"match": "open.>", "publish": "anyone"}]}


class TestWhatFits:
    @pytest.mark.parametrize("pattern, fits, others", rows_of(MATCHES),
                             ids=[row[0][0] for row in rows_of(MATCHES)])
    def test_comes_at_each_door_and_nothing_else(self, daemon, topic, pattern, fits, others):
        pattern = f"{topic}.{pattern[0]}"
        v1 = daemon.v1()
        v1.subscribe(pattern)
        sse = SseClient.open(daemon.public, f"/topics?topic={escaped(pattern)}").start()
        poll = daemon.http()
        target = f"/topics?topic={escaped(pattern)}"
        place = poll.request("GET", target).header("Wspush-Last")
        expected = []
        for name in [*others, *fits]:  # What must not come would come first.
            daemon.publish(f"{topic}.{name}", name)
            expected += [f"{topic}.{name}"] if name in fits else []
        # Of several topics the order is not told; the order of each is.
        assert sorted(event["topic"] for event in v1.messages(len(expected))) == sorted(expected)
        assert v1.drain_until_pong() == []
        assert sorted(sse.next_event().type for _ in expected) == sorted(expected)
        polled = []
        while len(polled) < len(expected):
            answer = poll.request("GET", f"{target}&after={place}&wait=5").json()
            polled += [each["topic"] for each in answer["messages"]]
            place = answer["last"]
        assert sorted(polled) == sorted(expected)

    @pytest.mark.parametrize("filters, name, times", rows_of(OVERLAPS))
    def test_comes_once_for_each_subscription(self, daemon, topic, filters, name, times):
        client = daemon.v1()
        for each in filters:
            client.subscribe(f"{topic}.{each}")
        daemon.publish(f"{topic}.{name[0]}", 1)
        daemon.publish(f"{topic}.{name[0]}", 2)
        events = client.messages(2 * int(times[0]))
        assert client.drain_until_pong() == []
        ways = [event.get("pattern", event["topic"]) for event in events]
        assert sorted(ways) == sorted(2 * list(dict.fromkeys(ways)))
        assert all(event["topic"] == f"{topic}.{name[0]}" for event in events)

    @pytest.mark.parametrize("filters, name, times", rows_of(OVERLAPS))
    def test_comes_once_to_a_set(self, daemon, topic, filters, name, times):
        query = "&".join(f"topic={escaped(f'{topic}.{each}')}" for each in filters)
        sse = SseClient.open(daemon.public, f"/topics?{query}").start()
        sse_of_one = len(filters) == 1 and "*" not in filters[0] and ">" not in filters[0]
        for data in ("1", "2"):
            daemon.publish(f"{topic}.{name[0]}", int(data))
            event = sse.next_event()
            assert event.data == data
            assert event.type == ("" if sse_of_one else f"{topic}.{name[0]}")


class TestWhatIsNone:
    @pytest.mark.parametrize("pattern, why", rows_of(BAD), ids=[r[0][0] for r in rows_of(BAD)])
    def test_is_refused_at_each_door(self, daemon, pattern, why):
        pattern = "open." + pattern[0]
        client = daemon.v1()
        client.fails("subscribe", why[0], topic=pattern)
        assert client.fails("unsubscribe", why[0], topic=pattern)
        answers = client.call("subscribe", topics=[{"topic": pattern}])
        assert (answers["op"], answers["code"]) == ("error", why[0])
        for ask in (ask_stream, lambda c, target: c.request("GET", target)):
            with daemon.http() as connection:
                answer = ask(connection, f"/topics?topic={escaped(pattern)}")
                assert answer.status == 400 and answer.error()["code"] == why[0]

    @pytest.mark.parametrize("pattern", ["open.*", "open.>"])
    def test_stands_where_a_topic_has_to(self, daemon, pattern):
        client = daemon.v1()
        client.fails("publish", "bad_topic", topic=pattern, data=1)
        client.fails("history", "bad_topic", topic=pattern)
        with daemon.http() as connection:
            answer = connection.request("GET", f"/topics/{escaped(pattern)}")
            assert answer.status == 400 and answer.error()["code"] == "bad_topic"
        for method, path in (("POST", "/messages"), ("GET", "/messages"), ("DELETE", "/messages"),
                             ("GET", "")):
            answer = daemon.api(method, f"/api/topics/{escaped(pattern)}{path}",
                                1 if method == "POST" else None)
            assert answer.status == 400 and answer.error()["code"] == "bad_topic", answer


class TestLimits:
    @pytest.mark.parametrize("count, status", [(1, 200), (100, 200), (101, 400)])
    def test_of_topics_and_patterns_in_one_stream(self, daemon, count, status):
        query = "&".join(f"topic=open.p{each}.*" for each in range(count))
        for ask in (ask_stream, lambda c, target: c.request("GET", target)):
            with daemon.http() as connection:
                answer = ask(connection, f"/topics?{query}")
                assert answer.status in ((200, 204) if status == 200 else (400,))

    @pytest.mark.parametrize("size, op", [(255, "subscribed"), (256, "error")])
    def test_of_its_bytes(self, daemon, size, op):
        pattern = "open." + "a" * (size - 7) + ".*"
        answer = daemon.v1().call("subscribe", topic=pattern)
        assert answer["op"] == op, answer

    def test_of_subscriptions_count_a_pattern_as_one(self, start, reactors):
        own = start({"reactors": reactors, "limits": {"subscriptions_per_connection": 3}})
        client = own.v1()
        for topic in ("open.*", "open.>", "open.a"):
            client.subscribe(topic)
        client.fails("subscribe", "limit_exceeded", topic="open.*.b")
        client.ok("unsubscribe", topic="open.>")
        client.subscribe("open.*.b")


class TestResume:
    """A client is away while these are published; `recovered` and what it then gets."""

    @pytest.mark.parametrize("away, recovered, missed", [
        ([], True, []),
        (["a"], True, ["a"]),
        (["a", "b"], True, ["a", "b"]),
        (["new"], True, ["new"]),
        (["new", "a", "newer"], True, ["new", "a", "newer"]),
        (["a", "a", "a"], False, ["a", "a"]),  # Two are kept.
        (["new", "new", "new"], False, ["new", "new"]),
        (["a", "b", "a", "b"], True, ["a", "b", "a", "b"]),
    ], ids=lambda each: "-".join(each) if isinstance(each, list) else None)
    def test_goes_on_behind_a_position(self, daemon, unique, away, recovered, missed):
        prefix = unique("brief")
        first = daemon.v1()
        first.subscribe(f"{prefix}.*")
        for name in ("a", "b"):
            daemon.publish(f"{prefix}.{name}", "seen")
        position = first.messages(2)[-1]["position"]
        first.close()
        eventually(lambda: daemon.subscribers(f"{prefix}.a") == 0, "it is gone")
        for name in away:
            daemon.publish(f"{prefix}.{name}", name)
        client = daemon.v1()
        answer = client.subscribe(f"{prefix}.*", after=position)
        assert answer["recovered"] is recovered
        daemon.publish(f"{prefix}.live", "live")
        events = client.messages(len(missed) + 1)
        assert client.drain_until_pong() == []
        names = [event["topic"].rsplit(".", 1)[1] for event in events]
        assert sorted(names) == sorted([*missed, "live"])
