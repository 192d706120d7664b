"""Subscribers that come back by themselves, on any door, and write down what they saw.

Each is written from the protocol alone. What it keeps between two connections is a cursor, and what
it saw goes to the history checker: nothing else is remembered.
"""

import asyncio
import itertools
import json
import socket
from urllib.parse import quote

from http_client import build_request, parse_head
from websocket_client import accept_for, random_key, upgrade_headers
from websocket_frames import (CLOSE, PING, PONG, TEXT, FrameDecoder, MessageAssembler,
                              encode_frame)

CONNECT_SECONDS = 5
SILENCE_SECONDS = 15  # of a server that pings every 2 s: the peer is gone
POLL_WAIT_SECONDS = 2
# Of the kernel, for each connection: what a reader in Python has yet to read when the server is
# killed would else keep it busy for longer than it may take to come back.
RECEIVE_BUFFER_BYTES = 128 * 1024
BACKOFF_MIN, BACKOFF_MAX = 0.05, 1.0
# What a server in trouble, or one that has had enough of a slow reader, may close with.
EXPECTED_CLOSES = {1001, 1013, 4007, 4008, 4009}


class Ended(Exception):
    """The connection is over; who had it comes back."""


NETWORK_ERRORS = (Ended, OSError, EOFError, asyncio.TimeoutError, asyncio.LimitOverrunError)


def next_backoff(rng, attempt):
    """Seconds: full jitter, doubling up to a second."""
    return rng.random() * min(BACKOFF_MAX, BACKOFF_MIN * 2 ** min(attempt, 10))


async def http_head(reader):
    return parse_head(await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), SILENCE_SECONDS))


async def http_chunks(reader):
    """The pieces of a chunked body."""
    while True:
        line = await asyncio.wait_for(reader.readuntil(b"\r\n"), SILENCE_SECONDS)
        size = int(line.split(b";")[0], 16)
        piece = await asyncio.wait_for(reader.readexactly(size + 2), SILENCE_SECONDS)
        if size == 0:
            return
        yield piece[:-2]


async def stream_pieces(reader, is_chunked):
    """The body of a stream, as much at once as there is: under load a turn of the loop for each of
    its chunks would make a slow reader of everybody."""
    buffer = bytearray()
    while data := await asyncio.wait_for(reader.read(65536), SILENCE_SECONDS):
        if not is_chunked:
            yield data
            continue
        buffer += data
        pieces, at = [], 0
        while (end := buffer.find(b"\r\n", at)) >= 0:
            size = int(buffer[at:end].split(b";")[0], 16)
            if len(buffer) < end + 2 + size + 2:
                break
            if size == 0:
                yield b"".join(pieces)
                return
            pieces.append(bytes(buffer[end + 2:end + 2 + size]))
            at = end + 2 + size + 2
        del buffer[:at]
        yield b"".join(pieces)


async def http_body(reader, response):
    if response.status == 204:
        return b""
    if response.header("Transfer-Encoding"):
        return b"".join([piece async for piece in http_chunks(reader)])
    length = int(response.header("Content-Length"))
    return await asyncio.wait_for(reader.readexactly(length), SILENCE_SECONDS)


class Cursor:
    """One subscription: its name in the log, what it is about, and where it goes on."""

    def __init__(self, name, topic, topics, mode="all"):
        self.name = name
        self.topic = topic    # a topic, a pattern, or None: a set of topics
        self.topics = topics  # those that it has to get
        self.is_feed = topics != [topic]
        self.mode = mode
        self.after = None     # a message id or an opaque position; None: begin with the next message
        self.active = False
        self.ended = set()    # topics whose last message is here


class Subscriber:
    """Holds `cursors` on one connection after another, by one of `doors` each time."""

    def __init__(self, world, name, cursors, doors, rng, is_proxied):
        self.world, self.name, self.cursors, self.doors = world, name, cursors, doors
        self.rng = rng
        self.is_proxied = is_proxied
        self.reconnects = 0
        self._pause = 0.0
        self._life = 0  # of the server, at the latest when this connection was asked for
        self._session = self._writer = self._door = None

    # Faults.

    def kill(self):
        """Goes without a word."""
        if self._writer is not None:
            self._writer.transport.abort()

    def pause(self, seconds):
        """Stops reading at the next occasion."""
        self._pause = seconds

    def abandon(self):
        """Leaves the connection open and never reads it again: a half-open peer. Its writer, which
        has to be kept: one that is let go of closes, in newer Pythons."""
        if self._writer is None or self._session is None:
            return None
        writer, self._writer = self._writer, None
        try:
            writer.transport.pause_reading()
        except RuntimeError:  # it is closing
            pass
        self._session.cancel()
        return writer

    # Life.

    async def run(self):
        """Until it is cancelled."""
        attempt = 0
        while True:
            self._door = self.rng.choice(self.doors)
            self._life = self.world.restarts
            self._session = asyncio.ensure_future(getattr(self, "_" + self._door)())
            try:
                await asyncio.wait([self._session])
            finally:
                self._session.cancel()
            was_in = any(cursor.active for cursor in self.cursors)
            self._leave()
            failure = None if self._session.cancelled() else self._session.exception()
            if failure is not None and not isinstance(failure, NETWORK_ERRORS):
                self.world.wrong(f"{self.name} ({self._door}): {type(failure).__name__}: {failure}")
            self.reconnects += 1
            attempt = 0 if was_in else attempt + 1
            await asyncio.sleep(next_backoff(self.rng, attempt))

    def _leave(self):
        if self._writer is not None:
            self._writer.transport.abort()
            self._writer = None
        for cursor in self.cursors:
            if cursor.active:
                cursor.active = False
                self._log({"event": "unsubscribed", "subscription": cursor.name,
                           **({} if cursor.is_feed else {"topic": cursor.topic})})

    def is_settled(self, last):
        """Whether everything up to the ids of `last`, by topic, is here."""
        return all(topic in cursor.ended or cursor.after == last[topic]
                   for cursor in self.cursors for topic in cursor.topics)

    def _log(self, event):
        self.world.record(event)

    async def _connect(self):
        sock = socket.socket()
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
            await asyncio.wait_for(asyncio.get_running_loop().sock_connect(
                sock, self.world.public_address(self.is_proxied)), CONNECT_SECONDS)
            reader, self._writer = await asyncio.open_connection(sock=sock)
        except BaseException:
            sock.close()
            raise
        return reader

    def _say(self, data):
        if self._writer is None or self._writer.is_closing():
            raise Ended
        self._writer.write(data)

    async def _breathe(self):
        """Where a reader that stops stops, and one ends whose connection was left half open: the
        cancellation alone can get lost in a wait that has just ended."""
        if self._writer is None:
            raise Ended
        if self._pause:
            seconds, self._pause = self._pause, 0.0
            for cursor in self.cursors:
                self._log({"event": "away", "subscription": cursor.name})
            try:
                await asyncio.sleep(seconds)
            finally:
                for cursor in self.cursors:
                    self._log({"event": "back", "subscription": cursor.name})

    def _entered(self, cursor, **members):
        cursor.active = True
        self._log({"event": "subscribed", "subscription": cursor.name,
                   "topic": cursor.topic or "", "mode": cursor.mode,
                   **({"feed": True, "life": self._life} if cursor.is_feed else {}), **members})

    def _got(self, cursor, topic, message_id, payload, after, key=None):
        if after is not None:
            cursor.after = after
        if payload[0] == "end":
            cursor.ended.add(topic)
        event = {"event": "message", "subscription": cursor.name, "topic": topic, "id": message_id,
                 "payload": payload, "publisher": payload[0], "seq": payload[1]}
        if key is not None:
            event["key"] = key
        self._log(event)

    def _lost(self, cursor):
        self._log({"event": "lost", "subscription": cursor.name,
                   **({} if cursor.is_feed else {"topic": cursor.topic})})

    # WebSocket.

    async def _websocket(self, path):
        reader = await self._connect()
        key = random_key()
        self._say(build_request("GET", path, upgrade_headers(key)))
        response = await http_head(reader)
        if response.status in (429, 503):
            raise Ended
        assert response.status == 101, response
        assert response.header("Sec-WebSocket-Accept") == accept_for(key), response
        return reader

    async def _messages(self, reader):
        decoder, assembler = FrameDecoder(), MessageAssembler()
        while True:
            await self._breathe()
            data = await asyncio.wait_for(reader.read(65536), SILENCE_SECONDS)
            if not data:
                raise Ended
            decoder.feed(data)
            while (frame := decoder.next_frame()) is not None:
                if frame.opcode == PING:
                    self._say(encode_frame(PONG, frame.payload))
                elif frame.opcode == CLOSE:
                    self._closed(int.from_bytes(frame.payload[:2], "big"))
                elif frame.opcode != PONG and (message := assembler.add(frame)):
                    yield message[1]

    def _closed(self, code):
        if code == 4007:
            for cursor in self.cursors:
                self._lost(cursor)
                cursor.after = None
        assert code in EXPECTED_CLOSES, f"closed with {code}"
        raise Ended

    async def _v1(self):
        reader = await self._websocket("/ws")
        asked, ids = {}, itertools.count(1)
        for cursor in self.cursors:
            command = {"op": "subscribe", "id": next(ids), "topic": cursor.topic}
            if cursor.after is not None:
                command["after"] = cursor.after
            if cursor.mode != "all":
                command["mode"] = cursor.mode
            asked[command["id"]] = cursor, command
            self._say(encode_frame(TEXT, json.dumps(command).encode()))
        by_pattern = {cursor.topic: cursor for cursor in self.cursors if cursor.is_feed}
        by_topic = {cursor.topic: cursor for cursor in self.cursors if not cursor.is_feed}
        async for text in self._messages(reader):
            event = json.loads(text)
            op = event["op"]
            if op == "message":
                cursor = by_pattern.get(event.get("pattern")) or by_topic[event["topic"]]
                self._got(cursor, event["topic"], event["id"], event["data"],
                          event["position"] if cursor.is_feed else event["id"], event.get("key"))
            elif op == "gap":
                self._gap(by_pattern.get(event.get("pattern")) or by_topic.get(event["topic"]) or
                          next(iter(by_pattern.values())), event)
            elif op == "subscribed":
                cursor, command = asked[event["id"]]
                members = {"last": event["last"]}
                if "after" in command:
                    members.update(after=command["after"], recovered=event.get("recovered"))
                elif cursor.after is None:
                    cursor.after = event["last"]
                self._entered(cursor, **members)
            elif op == "error":
                assert event["code"] in ("unavailable", "rate_limited"), event
                raise Ended
            else:
                assert op == "welcome", event

    def _gap(self, cursor, event):
        if cursor.is_feed and event["topic"] == cursor.topic:
            self._lost(cursor)
        else:
            self._log({"event": "gap", "subscription": cursor.name, "topic": event["topic"],
                       "after": event["after"], "next": event["next"]})

    async def _raw(self):
        cursor = self.cursors[0]
        if cursor.after is None:
            cursor.after = await self.world.newest(cursor.topic)
        reader = await self._websocket(f"/topics/{quote(cursor.topic)}?after={cursor.after}")
        self._entered(cursor, after=cursor.after, door="raw")
        async for text in self._messages(reader):
            payload = json.loads(text)
            # This door gives no ids. Without a hole it is the next one; the checker compares.
            epoch, offset = cursor.after.split("-")
            self._got(cursor, cursor.topic, None, payload, f"{epoch}-{int(offset) + 1}")

    # HTTP.

    def _target(self, cursor, **parameters):
        if cursor.is_feed:
            names = cursor.topics if cursor.topic is None else [cursor.topic]
            query = [f"topic={quote(name)}" for name in names]
            path = "/topics"
        else:
            path, query = f"/topics/{quote(cursor.topic)}", []
        query += [f"{name}={quote(str(value), safe='')}" for name, value in parameters.items()
                  if value is not None]
        return path + ("?" + "&".join(query) if query else "")

    async def _answer(self, reader, target, accept):
        self._say(build_request("GET", target, {"Accept": accept}))
        response = await http_head(reader)
        if response.status in (429, 503):
            raise Ended
        assert response.status in (200, 204), response
        return response

    async def _sse(self):
        cursor = self.cursors[0]
        if cursor.after is None and not cursor.is_feed:
            cursor.after = await self.world.newest(cursor.topic)
        reader = await self._connect()
        after = cursor.after
        response = await self._answer(reader, self._target(cursor, after=after),
                                      "text/event-stream")
        assert (response.header("Content-Type") or "").startswith("text/event-stream"), response
        self._entered(cursor, after=after, door="sse")
        rest, fields = b"", {}
        async for piece in stream_pieces(reader, response.header("Transfer-Encoding") is not None):
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                if line:
                    name, _, value = line.decode().partition(":")
                    value = value.removeprefix(" ")
                    fields[name] = fields["data"] + "\n" + value \
                        if name == "data" and "data" in fields else value
                else:
                    self._take_event(cursor, fields)
                    fields = {}
            await self._breathe()
        raise Ended

    def _take_event(self, cursor, fields):
        after = fields.get("id")
        if "data" in fields and fields.get("event") != "gap":
            self._got(cursor, fields.get("event") if cursor.is_feed else cursor.topic,
                      None if cursor.is_feed else after, json.loads(fields["data"]), after)
            return
        if "data" in fields:
            gap = json.loads(fields["data"])
            if cursor.is_feed and gap.get("topic") in cursor.topics and "next" in gap:
                self._log({"event": "gap", "subscription": cursor.name, "topic": gap["topic"],
                           "after": gap.get("after"), "next": gap["next"]})
            elif cursor.is_feed:
                self._lost(cursor)
            else:
                self._log({"event": "gap", "subscription": cursor.name, "topic": cursor.topic,
                           "after": gap.get("after"), "next": gap.get("next")})
        if after is not None:
            cursor.after = after

    async def _poll(self):
        cursor = self.cursors[0]
        reader = await self._connect()
        while True:
            await self._breathe()
            response = await self._answer(
                reader, self._target(cursor, after=cursor.after, wait=POLL_WAIT_SECONDS),
                "application/json")
            body = await http_body(reader, response)
            answer = json.loads(body) if response.status == 200 else {
                "messages": [], "last": response.header("Wspush-Last")}
            if not cursor.active:
                after = cursor.after
                if after is None and not cursor.is_feed:
                    after = answer["last"]
                self._entered(cursor, after=after, door="poll")
            if answer.get("gap"):
                self._lost(cursor)
            for message in answer["messages"]:
                self._got(cursor, message["topic"], message["id"], message["data"], None,
                          message.get("key"))
            cursor.after = answer["last"]
            if response.header("Connection") == "close":
                raise Ended
