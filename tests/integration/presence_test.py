"""Presence: who is a member, what the others are told, and what whoever asks is answered."""

import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from daemon import OPEN_CONFIG
from deadlines import PATIENCE, Deadline, eventually, patient
from sse_client import SseClient
from tokens import SECRET, token

RULES = [
    {"match": "room.>", "publish": "anyone", "presence": True},
    {"match": "listed.>", "subscribe": "token", "presence": True},
    {"match": "users.>", "subscribe": "authenticated", "presence": True},
    {"match": "count.>", "presence": "count"},
    {"match": "plain.>"},
    {"match": "closed.>", "subscribe": "nobody", "presence": True},
]
CHANGES = {"auth": {"hmac_secret": SECRET, "clock_skew": "0s"}, "topics": RULES}


@pytest.fixture(scope="module", params=[1, 2])
def reactors(request):
    return request.param


@pytest.fixture(scope="module")
def daemon_changes():
    return CHANGES


@pytest.fixture
def room(unique):
    return unique("room")


def come(daemon, user, **claims):
    """A v1 client of `user`; None: anonymous."""
    return daemon.v1("/ws" if user is None else f"/ws?token={token(user, **claims)}")


def enter(daemon, user, topic, **claims):
    client = come(daemon, user, **claims)
    client.subscribe(topic)
    return client


def next_change(client, seconds=5):
    """("join", "u1"): what it is told next, which has to be about a member."""
    event = client.next_event(seconds)
    assert event["op"] in ("join", "leave"), event
    return event["op"], event["member"]["user"]


def watch(daemon, topic, user="watcher"):
    """A member that has seen its own join."""
    client = enter(daemon, user, topic)
    assert next_change(client) == ("join", user)
    return client


def listed(daemon, topic):
    """{user: connections} as the API says."""
    answer = daemon.api("GET", f"/api/topics/{topic}/members")
    assert answer.status == 200, answer
    body = answer.json()
    assert body["count"] == len(body["members"]), body
    return {member["user"]: member["connections"] for member in body["members"]}


def nothing_since(daemon, watcher, topic, name):
    """The watcher was told of nothing else: the next is a sentinel, which comes behind it."""
    sentinel = enter(daemon, name, topic)
    assert next_change(watcher) == ("join", name)
    sentinel.close()
    assert next_change(watcher) == ("leave", name)


# --- joins and leaves

def test_a_join_and_a_leave_are_told_in_the_words_of_the_protocol(daemon, room):
    watcher = watch(daemon, room)
    member = enter(daemon, "ann", room, info={"name": "Änn", "n": [1.50, None]})
    expected = {"topic": room, "member": {"user": "ann", "info": {"name": "Änn", "n": [1.5, None]}}}
    assert watcher.next_event() == {"op": "join", **expected}
    member.close()
    assert watcher.next_event() == {"op": "leave", **expected}
    assert listed(daemon, room) == {"watcher": 1}


def test_a_member_hears_of_itself_after_it_is_subscribed(daemon, room):
    client = come(daemon, "ann")
    client.send_json({"op": "subscribe", "id": 1, "topic": room})
    assert client.next_op("subscribed")["topic"] == room
    assert next_change(client) == ("join", "ann")


def test_one_user_is_one_member_however_many_connections_it_has(daemon, room):
    watcher = watch(daemon, room)
    connections = [enter(daemon, "ann", room) for _ in range(6)]
    assert next_change(watcher) == ("join", "ann")
    assert listed(daemon, room) == {"watcher": 1, "ann": 6}
    for client in connections[:-1]:
        client.close()
    eventually(lambda: listed(daemon, room)["ann"] == 1, "the others have left")
    nothing_since(daemon, watcher, room, "sentinel")
    connections[-1].ok("unsubscribe", topic=room)
    assert next_change(watcher) == ("leave", "ann")


def test_a_name_is_told_as_it_is(daemon, room):
    watcher = watch(daemon, room)
    for name in ('a "quoted" \\ one', "tab\tand\nline", "snow ☃ 𝄞", "x" * 255):
        member = enter(daemon, name, room)
        assert next_change(watcher) == ("join", name)
        member.close()
        assert next_change(watcher) == ("leave", name)


def test_events_go_through_compression(daemon, room):
    watcher = daemon.v1(f"/ws?token={token('w')}", deflate="permessage-deflate")
    watcher.subscribe(room)
    assert next_change(watcher) == ("join", "w")
    member = enter(daemon, "ann", room, info={"text": "long " * 60})
    assert watcher.next_event()["member"] == {"user": "ann", "info": {"text": "long " * 60}}
    member.close()
    assert next_change(watcher) == ("leave", "ann")


LEAVES = {
    "a close frame": lambda daemon, client, room: client.close(),
    "a reset": lambda daemon, client, room: (
        client.stream.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0"),
        client.stream.sock.close()),
    "an end without a word": lambda daemon, client, room:
        client.stream.sock.shutdown(socket.SHUT_WR),
    "unsubscribe": lambda daemon, client, room: client.ok("unsubscribe", topic=room),
    "the API, by its id": lambda daemon, client, room: daemon.api(
        "DELETE", f"/api/connections/{client.welcome['connection']}"),
    "the API, by its user": lambda daemon, client, room: daemon.api(
        "DELETE", f"/api/users/{client.welcome['user']}/connections"),
    "a revocation": lambda daemon, client, room: daemon.api(
        "POST", "/api/revocations", {"user": client.welcome["user"]}),
    "bytes that are no frame": lambda daemon, client, room: client.send_bytes(b"\xff" * 8),
}


@pytest.mark.parametrize("way", LEAVES)
def test_a_clean_end_is_told_within_two_seconds(daemon, room, way):
    watcher = watch(daemon, room)
    user = "goes by " + way
    client = enter(daemon, user.replace(" ", "-").replace(",", ""), room)
    name = client.welcome["user"]
    assert next_change(watcher) == ("join", name)
    begun = time.monotonic()
    LEAVES[way](daemon, client, room)
    assert next_change(watcher) == ("leave", name)
    assert time.monotonic() - begun < 2 * PATIENCE
    assert listed(daemon, room) == {"watcher": 1}


def test_the_end_of_a_token_is_a_leave(daemon, room):
    watcher = watch(daemon, room)
    client = enter(daemon, "short", room, exp=int(time.time()) + 3)
    assert next_change(watcher) == ("join", "short")
    assert next_change(watcher, 6) == ("leave", "short")
    client.expect_close(4001, messages_before=True)


def test_a_token_that_gives_less_is_a_leave_where_it_does(daemon, unique):
    kept, lost = unique("listed"), unique("listed")
    watcher = come(daemon, "watcher", subscribe=["listed.>"])
    watcher.subscribe(lost)
    assert next_change(watcher) == ("join", "watcher")
    client = come(daemon, "ann", subscribe=["listed.>"])
    client.subscribe(kept)
    client.subscribe(lost)
    assert next_change(watcher) == ("join", "ann")
    client.send_json({"op": "auth", "token": token("ann", subscribe=[kept])})
    assert next_change(watcher) == ("leave", "ann")
    assert listed(daemon, kept) == {"ann": 1}


def test_a_client_that_is_killed_leaves(daemon, room):
    watcher = watch(daemon, room)
    support = os.path.join(os.path.dirname(__file__), "..", "support")
    program = (f"import sys, signal; sys.path.insert(0, {support!r})\n"
               "from v1_client import V1Client\n"
               f"client = V1Client.open({daemon.public!r}, '/ws?token={token('killed')}')\n"
               f"client.subscribe({room!r})\n"
               "print('in', flush=True)\nsignal.pause()\n")
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as client:
        assert client.stdout.readline() == b"in\n"
        assert next_change(watcher) == ("join", "killed")
        client.send_signal(signal.SIGKILL)
        assert next_change(watcher, 2 * PATIENCE) == ("leave", "killed")


# --- who is one

@pytest.mark.parametrize("door", ["v1", "raw", "sse"])
def test_a_subscriber_of_the_topic_is_a_member_at_every_door_that_stays(daemon, room, door):
    watcher = watch(daemon, room)
    query = f"?token={token('ann')}"
    client = {"v1": lambda: enter(daemon, "ann", room), "raw": lambda: daemon.raw(room, query),
              "sse": lambda: daemon.sse(room, query)}[door]()
    assert next_change(watcher) == ("join", "ann")
    daemon.publish(room, "hello")
    if door == "raw":
        assert client.receive_text() == '"hello"', "no join came between"
    elif door == "sse":
        assert client.next_event().json() == "hello"
    assert watcher.next_op("message")["data"] == "hello"
    client.close()
    assert next_change(watcher) == ("leave", "ann")


def test_a_poll_a_pattern_a_set_and_nobody_make_no_member(daemon, unique):
    parent = unique("room")  # What the pattern fits is of this test alone.
    room = f"{parent}.a"
    watcher = watch(daemon, room)
    value = token("ann")
    polling = daemon.http()
    polling.send_request("GET", f"/topics/{room}?after=first&wait=55&token={value}")
    pattern = come(daemon, "ann")
    pattern.subscribe(f"{parent}.*")
    several = daemon._opened(SseClient.open(
        daemon.public, f"/topics?topic={room}&topic=room.other&token={value}")).start()
    anonymous = enter(daemon, None, room)
    eventually(lambda: daemon.subscribers(room) == 5, "all are subscribed")
    assert listed(daemon, room) == {"watcher": 1}
    sentinel = enter(daemon, "sentinel", room)
    assert next_change(watcher) == ("join", "sentinel")
    assert next_change(anonymous) == ("join", "sentinel"), "it may read, so it is told"
    daemon.publish(room, "hello")
    assert pattern.next_op("message")["data"] == "hello"
    assert several.next_event().json() == "hello"
    assert polling.read_response().status == 200
    sentinel.close()


def test_who_says_later_who_it_is_is_a_member_from_then_on(daemon, room):
    watcher = watch(daemon, room)
    client = enter(daemon, None, room)
    client.ok("auth", "authenticated", token=token("late", info=1))
    assert next_change(watcher) == ("join", "late")
    assert next_change(client) == ("join", "late")
    client.ok("auth", "authenticated", token=token("late", info=2))
    nothing_since(daemon, watcher, room, "sentinel")
    answer = watcher.ok("members", "members", topic=room)
    assert {"user": "late", "info": 2, "connections": 1} in answer["members"]
    client.close()
    assert watcher.next_event() == {"op": "leave", "topic": room,
                                    "member": {"user": "late", "info": 2}}


def test_the_newest_info_is_shown(daemon, room):
    first = enter(daemon, "ann", room, info="old")
    second = enter(daemon, "ann", room, info="new")
    assert first.ok("members", "members", topic=room)["members"] == [
        {"user": "ann", "info": "new", "connections": 2}]
    second.close()
    eventually(lambda: listed(daemon, room) == {"ann": 1}, "one is left")
    assert first.ok("members", "members", topic=room)["members"][0]["info"] == "new"


# --- coming back

def test_who_comes_back_while_the_old_connection_is_half_open_does_not_flap(start, reactors):
    own = start({**CHANGES, "reactors": reactors,
                 "heartbeat": {"ping_interval": "600ms", "pong_timeout": patient(0.4)}})
    watcher = watch(own, "room.x")
    old = come(own, "ann")
    old.subscribe("room.x")
    assert next_change(watcher) == ("join", "ann")
    # Nothing is read from it any more and no ping is answered: to the server it is a lost peer.
    new = enter(own, "ann", "room.x")
    assert listed(own, "room.x")["ann"] == 2
    stay = Deadline(3)
    while listed(own, "room.x")["ann"] != 1:
        assert not stay.expired(), "the lost peer is still there"
        for client in (watcher, new):  # They answer their pings, by reading.
            assert client.call("ping")["op"] == "pong"
    nothing_since(own, watcher, "room.x", "sentinel")
    new.close()
    assert next_change(watcher) == ("leave", "ann")


def test_a_lost_peer_leaves_in_time(start, reactors):
    own = start({**CHANGES, "reactors": reactors,
                 "heartbeat": {"ping_interval": "600ms", "pong_timeout": patient(0.4)}})
    watcher = watch(own, "room.x")
    lost = own.v1(f"/ws?token={token('lost')}", answer_pings=False)
    lost.subscribe("room.x")
    begun = time.monotonic()
    assert next_change(watcher) == ("join", "lost")
    assert next_change(watcher) == ("leave", "lost")
    assert time.monotonic() - begun < 1 + 2 * PATIENCE


def test_many_who_come_and_go_end_as_they_should(daemon, room):
    watcher = watch(daemon, room)
    there = {"watcher"}
    for number in range(60):
        user = f"u{number % 7}"
        client = enter(daemon, user, room)
        if number % 3:
            client.close()
        else:
            there.add(user)
    eventually(lambda: set(listed(daemon, room)) == there, "the table is right")
    view = {"watcher"}
    deadline = Deadline(5)
    while view != there:
        op, user = next_change(watcher, deadline)
        assert (user in view) == (op == "leave"), f"{op} of {user} out of turn"
        (view.add if op == "join" else view.discard)(user)


# --- asking

def test_members_come_page_by_page(daemon, room):
    clients = [enter(daemon, f"u{number}", room) for number in range(25)]
    found, cursor, pages = [], {}, 0
    while True:
        answer = clients[0].ok("members", "members", topic=room, limit=10, **cursor)
        assert answer["count"] == 25 and answer["topic"] == room
        found += [member["user"] for member in answer["members"]]
        pages += 1
        if "next" not in answer:
            break
        cursor = {"cursor": answer["next"]}
    assert pages == 3 and sorted(found) == sorted(f"u{number}" for number in range(25))
    first = daemon.api("GET", f"/api/topics/{room}/members?limit=24").json()
    second = daemon.api("GET", f"/api/topics/{room}/members?cursor={first['next']}").json()
    assert len(first["members"]) == 24 and len(second["members"]) == 1 and "next" not in second
    assert {m["user"] for m in first["members"] + second["members"]} == set(found)


def test_whoever_stays_through_a_listing_is_in_it_once(daemon, room):
    clients = {number: enter(daemon, f"u{number}", room) for number in range(20)}
    asking, found, cursor, gone = clients[0], [], {}, 1
    while True:
        answer = asking.ok("members", "members", topic=room, limit=3, **cursor)
        found += [member["user"] for member in answer["members"]]
        if "next" not in answer:
            break
        cursor = {"cursor": answer["next"]}
        clients.pop(gone).close()
        gone += 3
        enter(daemon, f"late{gone}", room)
    for number in clients:
        assert found.count(f"u{number}") == 1, number


@pytest.mark.parametrize("members, text", [
    ({"limit": 0}, "limit"), ({"limit": -1}, "limit"), ({"limit": "7"}, "limit"),
    ({"limit": 1.5}, "limit"), ({"cursor": ""}, "cursor"), ({"cursor": "x"}, "cursor"),
    ({"cursor": 7}, "cursor"), ({"cursor": "m-1"}, "cursor")])
def test_a_bad_question_is_refused(daemon, room, members, text):
    client = enter(daemon, "ann", room)
    assert text in client.fails("members", "bad_request", topic=room, **members)["message"]
    if not isinstance(members.get("limit", members.get("cursor")), float):
        query = "&".join(f"{key}={value}" for key, value in members.items())
        if query not in ("limit=7", "cursor=7"):
            answer = daemon.api("GET", f"/api/topics/{room}/members?{query}")
            assert answer.status == 400 and answer.error()["code"] == "bad_request", answer


def test_where_no_presence_is_kept_the_question_is_refused(daemon, unique):
    plain = unique("plain")
    client = come(daemon, "ann")
    client.subscribe(plain)
    assert "presence" in client.fails("members", "bad_request", topic=plain)["message"]
    answer = daemon.api("GET", f"/api/topics/{plain}/members")
    assert answer.status == 400 and "presence" in answer.error()["message"]
    assert daemon.api("GET", f"/api/topics/{plain}").json()["members"] == 0


def test_to_ask_needs_the_right_to_subscribe(daemon, unique):
    come(daemon, None).fails("members", "unauthenticated", topic=unique("users"))
    come(daemon, "ann").fails("members", "forbidden", topic=unique("closed"))
    come(daemon, "ann").fails("members", "forbidden", topic="nowhere.x")
    come(daemon, "ann").fails("members", "bad_topic", topic="room.*")
    come(daemon, "ann").fails("members", "bad_request")
    assert daemon.api("GET", "/api/topics/nowhere.x/members").status == 403
    assert daemon.api("GET", "/api/topics/room.*/members").status == 400
    assert daemon.api("POST", "/api/topics/room.x/members").status == 405


def test_an_empty_room_has_no_members_and_is_not_made_by_asking(daemon, room):
    assert listed(daemon, room) == {}
    answer = come(daemon, "ann").ok("members", "members", topic=room)
    assert answer["members"] == [] and answer["count"] == 0 and "next" not in answer
    assert daemon.api("GET", f"/api/topics?prefix={room}").json() == {"topics": []}


def test_the_topics_view_and_the_metrics_count_them(daemon, room):
    for user in ("a", "a", "b"):
        enter(daemon, user, room)
    view = daemon.api("GET", f"/api/topics/{room}").json()
    assert view["members"] == 2 and view["subscribers"] == 3
    eventually(lambda: daemon.metric("wspushd_members") == 2, "the gauge follows")


def test_who_may_subscribe_to_one_topic_may_still_do_so_with_presence(start):
    own = start({**CHANGES, "limits": {"subscriptions_per_connection": 1}})
    client = enter(own, "ann", "room.a")
    client.fails("subscribe", "limit_exceeded", topic="room.b")
    connection = own.api("GET", f"/api/connections/{client.welcome['connection']}").json()
    assert connection["topics"] == 1


# --- only the number

def test_the_number_is_told_at_most_once_a_second_and_to_who_is_new(daemon, unique):
    topic = unique("count")
    begun = time.monotonic()
    first = enter(daemon, "a", topic)
    assert first.next_event() == {"op": "count", "topic": topic, "members": 1}
    others = [enter(daemon, f"u{number}", topic) for number in range(30)]
    told = seconds = 0
    while told != 31:
        event = first.next_event()
        told = event["members"]
        assert event == {"op": "count", "topic": topic, "members": told}
        # From before the first: how late this program looked at the one before proves nothing.
        seconds += 1
        assert time.monotonic() - begun > seconds - 0.1, "a second has not passed"
    numbers = [others[-1].next_event(3)["members"]]
    while numbers[-1] != 31:
        numbers.append(others[-1].next_event(3)["members"])
    assert len(numbers) <= 2
    answer = first.ok("members", "members", topic=topic)
    assert answer["count"] == 31 and "members" not in answer and "next" not in answer
    assert daemon.api("GET", f"/api/topics/{topic}/members").json() == {"count": 31}
    late = enter(daemon, "a", topic)  # The number stays as it is.
    assert late.next_event(3) == {"op": "count", "topic": topic, "members": 31}
    others[0].close()
    assert first.next_event(3)["members"] == 30


# --- reload, drain

def with_presence(kind):
    return {"topics": [{"match": "room.>", "publish": "anyone", "presence": kind}]}


def test_a_reload_turns_it_on_and_off_and_into_a_number(start, reactors):
    own = start({**CHANGES, **with_presence(False), "reactors": reactors})
    clients = {user: enter(own, user, "room.x") for user in ("a", "b")}
    raw = own.raw("room.x", f"?token={token('c')}")
    assert own.api("GET", "/api/topics/room.x/members").status == 400
    own.reload(with_presence(True))
    for client in clients.values():
        assert {next_change(client)[1] for _ in range(3)} == {"a", "b", "c"}
    assert listed(own, "room.x") == {"a": 1, "b": 1, "c": 1}
    own.reload(with_presence("count"))
    for client in clients.values():
        assert client.next_event(3) == {"op": "count", "topic": "room.x", "members": 3}
    own.reload(with_presence(False))
    eventually(lambda: own.api("GET", "/api/topics/room.x").json()["members"] == 0, "it is off")
    eventually(lambda: own.metric("wspushd_members") == 0, "nobody is left in a table")
    raw.close()
    own.publish("room.x", "still here")
    for client in clients.values():
        assert client.next_op("message")["data"] == "still here"
    own.reload(with_presence(True))
    for client in clients.values():
        assert {next_change(client)[1] for _ in range(2)} == {"a", "b"}


def test_a_rule_that_withdraws_the_right_ends_the_membership(start, reactors):
    own = start({**CHANGES, **with_presence(True), "reactors": reactors})
    client = watch(own, "room.x", "a")
    own.reload({"topics": [{"match": "room.>", "subscribe": "nobody", "presence": True}]})
    assert client.next_event() == {"op": "unsubscribed", "topic": "room.x", "code": "forbidden"}
    eventually(lambda: listed(own, "room.x") == {}, "its home has heard of it")


def test_a_drain_with_members_ends_well(start, reactors):
    own = start({**CHANGES, "reactors": reactors, "drain": {"period": "500ms"}})
    clients = [enter(own, f"u{number}", "room.x") for number in range(40)]
    own.signal(signal.SIGTERM)
    for client in clients:
        client.expect_close(1001, messages_before=True)
    assert own.await_exit() == 0


def test_the_file_that_turns_it_on_gives_no_notice(start):
    assert "presence" not in start({**CHANGES, "topics": RULES + OPEN_CONFIG["topics"]}).log.text()
