"""Members of topics with presence, and who watches them: they come, go and come back, and write down
for the presence checker what they did and what they were told.
"""

import asyncio
import itertools
import json
from urllib.parse import quote

from deadlines import PATIENCE
from http_client import build_request
from subscribers import (NETWORK_ERRORS, Cursor, Ended, Subscriber, http_body, http_head,
                         stream_pieces)
from tokens import token
from websocket_frames import CLOSE, TEXT, encode_frame

ROOMS = ["room.a", "room.b"]
COUNTED = "count.a"
# By which the server has to know that somebody has gone: who says so, and who does not (the
# heartbeat of the run, and three seconds).
GONE_SECONDS = 3.0 * PATIENCE
HALF_OPEN_SECONDS = GONE_SECONDS + 5.0
ACTION_SECONDS = 4.0  # between two of one member, at most; half of it as a mean
LIST_SECONDS = 0.2
PAGES = (1, 2, 1000)  # limits of a listing
PAGES_MAX = 1000


class Member(Subscriber):
    """A connection of `user` (None: of nobody) in `topics`, by one of `doors` each time. It
    unsubscribes and comes again at random; once the faults are over it wants all of its topics.

    A steady one stays where it is, and no fault is meant for it.
    """

    def __init__(self, world, name, user, topics, doors, rng, *, is_proxied, is_steady):
        super().__init__(world, name, [Cursor(f"{name} {topic}", topic, [topic])
                                       for topic in topics], doors, rng, is_proxied)
        self.user, self.is_steady = user, is_steady
        self._names = itertools.count(1)
        self._stays = {}  # topic -> the name of its subscription, from the command on
        self._is_abandoned = self._can_answer = False
        self._act_at = 0.0

    @property
    def is_in(self):
        """It has all of its subscriptions and nothing else to do."""
        return all(cursor.active for cursor in self.cursors)

    def abandon(self):
        if self._door == "sse":
            return None  # A stream has no pong: as long as the kernel acknowledges, it is there.
        writer = super().abandon()
        self._is_abandoned = writer is not None
        return writer

    # What the checker is told.

    def _note(self, event, topic, /, **members):
        self.world.present({"event": event, "at": self.world.now(),
                            "subscription": self._stays[topic], **members})

    def _enter(self, topic, door):
        assert topic not in self._stays, topic
        self._stays[topic] = f"{self.name}.{next(self._names)}"
        watches = None if door != "v1" else "count" if topic == COUNTED else "members"
        self._note("entering", topic, topic=topic, user=self.user, watches=watches)

    def _is_member(self, topic):
        self._cursor(topic).active = True
        self._note("entered", topic)

    def _gone(self, topic, seconds):
        self._note("gone", topic, by=self.world.now() + seconds)
        del self._stays[topic]
        self._cursor(topic).active = False

    def _cursor(self, topic):
        return next(cursor for cursor in self.cursors if cursor.topic == topic)

    def _leave(self):
        if self._writer is not None:
            self._writer.transport.abort()
            self._writer = None
        for topic in list(self._stays):
            self._note("leaving", topic)
            self._gone(topic, HALF_OPEN_SECONDS if self._is_abandoned else GONE_SECONDS)
        self._is_abandoned = self._can_answer = False

    def _check_life(self):
        """What it noted belongs to the server that it has reached, and to none before."""
        if self._life != self.world.restarts:
            raise Ended

    # Life.

    async def _breathe(self):
        if self._writer is None:
            raise Ended
        if self._pause and not self._can_answer:
            self._pause = 0.0  # It could not ask afterwards whether it is still there.
        if self._pause:
            seconds, self._pause = self._pause, 0.0
            for topic in self._stays:
                self._note("unsure", topic)
            await asyncio.sleep(seconds)
            self._command("ping")
        if self._can_answer and self.world.is_over:
            for cursor in self.cursors:
                if cursor.topic not in self._stays:
                    self._subscribe(cursor.topic)
        elif self._can_answer and not self.is_steady:
            self._act()

    def _act(self):
        if self.world.now() < self._act_at:
            return
        self._act_at = self.world.now() + self.rng.random() * ACTION_SECONDS
        topic = self.rng.choice(self.cursors).topic
        if self.rng.random() < 0.1:
            self._say(encode_frame(CLOSE, (1000).to_bytes(2, "big")))
            raise Ended
        if topic not in self._stays:
            self._subscribe(topic)
        elif self._cursor(topic).active and topic not in self._ending:
            self._ending.add(topic)
            self._note("leaving", topic)
            self._command("unsubscribe", topic=topic)

    def _command(self, op, **members):
        command = {"op": op, "id": next(self._ids), **members}
        self._asked[command["id"]] = {**command, "asked": self.world.now()}
        self._say(encode_frame(TEXT, json.dumps(command).encode()))

    def _subscribe(self, topic):
        self._enter(topic, "v1")
        self._command("subscribe", topic=topic)

    def _path(self, path):
        return path + (f"?token={token(self.user)}" if self.user is not None else "")

    async def _v1(self):
        self._asked, self._ids, self._ending = {}, itertools.count(1), set()
        reader = await self._websocket(self._path("/ws"))
        self._check_life()
        for cursor in self.cursors:
            self._subscribe(cursor.topic)
        self._can_answer = True
        async for text in self._messages(reader):
            event = json.loads(text)
            getattr(self, "_on_" + event["op"])(event)

    def _on_welcome(self, event):
        assert event["user"] == self.user, event

    def _on_error(self, event):
        assert event["code"] in ("unavailable", "rate_limited"), event
        raise Ended

    def _on_subscribed(self, event):
        topic = self._asked.pop(event["id"])["topic"]
        self._is_member(topic)
        if topic != COUNTED:
            self._command("members", topic=topic)

    def _on_unsubscribed(self, event):
        topic = self._asked.pop(event["id"])["topic"]
        self._ending.discard(topic)
        self._gone(topic, GONE_SECONDS)

    def _on_members(self, event):
        command = self._asked.pop(event["id"])
        topic = command["topic"]
        if self._stays.get(topic) is not None and "next" not in event:
            self._note("listed", topic, topic=topic, asked=command["asked"],
                       count=event["count"], members=_pairs(event["members"]))

    def _on_pong(self, event):
        del self._asked[event["id"]]
        for topic in self._stays:
            if self._cursor(topic).active and topic not in self._ending:
                self._note("sure", topic)

    def _on_change(self, event):
        if event["topic"] in self._stays:
            self._note("told", event["topic"], op=event["op"], user=event["member"]["user"])

    _on_join = _on_leave = _on_change

    def _on_count(self, event):
        if event["topic"] in self._stays:
            self._note("told", event["topic"], op="count", number=event["members"])

    async def _raw(self):
        topic = self.cursors[0].topic
        self._enter(topic, "raw")
        reader = await self._websocket(self._path(f"/topics/{quote(topic)}"))
        self._check_life()
        self._is_member(topic)
        async for text in self._messages(reader):
            raise AssertionError(f"nobody publishes to {topic}: {text!r}")

    async def _sse(self):
        topic = self.cursors[0].topic
        self._enter(topic, "sse")
        reader = await self._connect()
        response = await self._answer(reader, self._path(f"/topics/{quote(topic)}"),
                                      "text/event-stream")
        self._check_life()
        self._is_member(topic)
        async for _ in stream_pieces(reader, response.header("Transfer-Encoding") is not None):
            await self._breathe()
        raise Ended


def make_members(world, doors, rng):
    """Steady ones, who know everything, and others, several connections of each user among them."""
    if "v1" not in doors:
        return []
    members = []

    def add(user, topics, their_doors, is_steady=False):
        number = len(members)
        members.append(Member(world, f"m{number}", user, topics, their_doors,
                              world.random(rng.random()), is_steady=is_steady,
                              is_proxied=not is_steady and number % 3 == 0))

    everywhere = [*ROOMS, COUNTED]
    add(None, everywhere, ["v1"], is_steady=True)
    add("steady", everywhere, ["v1"], is_steady=True)
    for number in range(world.options.members):
        # One topic for the doors that have no other; users with one to three connections.
        user = f"u{number * number % max(2, world.options.members // 2)}"
        if number % 3 == 2:
            add(user, [everywhere[number // 3 % len(everywhere)]],
                sorted(doors & {"v1", "raw", "sse"}))
        else:
            add(user if number % 8 != 7 else None, everywhere, ["v1"])
    return members


async def list_members(address, topic, limit):
    """The whole list by the API, in pages: the members of a `listed` event, or None where it is not
    known to be one list."""
    reader, writer = await asyncio.open_connection(*address)
    try:
        members, cursor, count = [], None, 0
        for _ in range(PAGES_MAX):
            target = f"/api/topics/{quote(topic)}/members?limit={limit}"
            writer.write(build_request("GET", target + (f"&cursor={cursor}" if cursor else "")))
            response = await http_head(reader)
            body = await http_body(reader, response)
            if response.status == 503:
                raise Ended
            assert response.status == 200, response
            answer = json.loads(body)
            count = answer["count"]
            if "members" not in answer:
                return {"members": None, "count": count}
            members += answer["members"]
            cursor = answer.get("next")
            if cursor is None:
                break
        return {"members": _pairs(members), "count": count}
    finally:
        writer.transport.abort()


def _pairs(members):
    return [[member["user"], member["connections"]] for member in members]


async def watch_the_lists(world, rng):
    """Asks the API who is there, now and then, and has everybody's belief judged; until cancelled."""
    while True:
        await asyncio.sleep(LIST_SECONDS)
        topic, asked, life = rng.choice([*ROOMS, COUNTED]), world.now(), world.restarts
        try:
            # The number may be another with each page: it is judged where there is one.
            limit = rng.choice(PAGES)
            answer = await list_members(world.internal, topic, limit)
        except NETWORK_ERRORS:
            continue  # the server is down
        if life == world.restarts:
            world.present({"event": "listed", "at": world.now(), "asked": asked, "topic": topic,
                           **answer})
            world.present({"event": "look", "at": world.now()})


async def settle_members(world, members, seconds):
    """Everybody is where they want to be; then everybody knows it, and the API. What is not so in
    time is a broken promise."""
    deadline = world.now() + seconds
    while True:
        if all(member.is_in for member in members):
            lists = {}
            for topic in (*ROOMS, COUNTED):
                answer = await list_members(world.internal, topic, PAGES[0])
                lists[topic] = answer["count"] if answer["members"] is None else dict(
                    answer["members"])
            differences = world.presence.differences(lists)
        else:
            differences = [f"rule 4: {member.name} did not come back" for member in members
                           if not member.is_in]
        if not differences or world.now() > deadline:
            world.presence.report(differences)
            return
        await asyncio.sleep(0.1)
