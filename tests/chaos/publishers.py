"""Publishers at full rate, in each of the ways there are.

A payload is [publisher, seq, padding]; each publisher counts its messages to a topic by itself.
Whoever does not know what became of a message goes on under a new name: the order of publishes is
promised only for those that were sent after the answer to the one before, or on one connection.
"""

import asyncio
import itertools
import json
from urllib.parse import quote

from http_client import build_request
from subscribers import (CONNECT_SECONDS, NETWORK_ERRORS, SILENCE_SECONDS, Ended, http_body,
                         http_head, next_backoff)
from websocket_client import random_key, upgrade_headers
from websocket_frames import CLOSE, PING, PONG, TEXT, FrameDecoder, MessageAssembler, encode_frame

KEYS = 8
PIPELINE = 16


class Publisher:
    """Publishes to `topics` until it is told to stop; `way` is http, batch, ndjson or v1."""

    def __init__(self, world, name, way, topics, keyed_topic, rng):
        self.world, self.way, self.topics, self.keyed_topic = world, way, topics, keyed_topic
        self.rng = rng
        self._base = name
        self._incarnations = itertools.count(1)
        self._reader = self._writer = None
        self.reconnects = 0
        self._rename()

    def _rename(self):
        self.name = f"{self._base}.{next(self._incarnations)}"
        self._seqs = {}

    def kill(self):
        """In the middle of what it is saying, if that is possible."""
        if self._writer is not None:
            self._writer.transport.abort()

    async def run(self):
        attempt = 0
        while not self.world.is_over:
            try:
                await getattr(self, "_" + self.way)()
                attempt = 0
            except NETWORK_ERRORS:
                self._close()
                self._rename()
                attempt += 1
                await asyncio.sleep(next_backoff(self.rng, attempt))
        self._close()

    def _close(self):
        if self._writer is not None:
            self._writer.transport.abort()
        self._reader = self._writer = None

    async def _connect(self, address):
        if self._writer is None:
            self.reconnects += 1
            self._reader, self._writer = await asyncio.wait_for(
                asyncio.open_connection(*address), CONNECT_SECONDS)
            return True
        return False

    def _say(self, data):
        if self._writer.is_closing():
            raise Ended
        self._writer.write(data)

    def _next(self):
        """(topic, payload, key or None) of the next message; it is logged as sent."""
        topic = self.rng.choice(self.topics)
        seq = self._seqs[topic] = self._seqs.get(topic, 0) + 1
        payload = [self.name, seq, "x" * self.rng.choice((0, 20, 200, 2000))]
        # The door wspush.v1 publishes without keys.
        key = f"k{self.rng.randrange(KEYS)}" if topic == self.keyed_topic and self.way != "v1" \
            else None
        self.world.record({"event": "sending", "publisher": self.name, "topic": topic, "seq": seq,
                           "payload": payload})
        return topic, payload, key

    def _acknowledged(self, message, message_id):
        topic, payload, key = message
        event = {"event": "published", "publisher": payload[0], "topic": topic, "seq": payload[1],
                 "at": self.world.now()}
        if message_id is not None:
            event["id"] = message_id
        if key is not None:
            event["key"] = key
        self.world.record(event)

    async def _request(self, target, headers, body):
        await self._connect(self.world.internal_address())
        self._say(build_request("POST", target, headers, body))
        response = await http_head(self._reader)
        response.body = await http_body(self._reader, response)
        return response

    async def _http(self):
        """One message; sent again under its key until there is an answer. A server that keeps its
        log keeps the key too; of another the key is over when it dies."""
        message = topic, payload, key = self._next()
        headers = {"Content-Type": "application/json",
                   "Idempotency-Key": f"{self.name} {topic} {payload[1]}"}
        if key is not None:
            headers["Wspush-Key"] = key
        life, attempt = self.world.restarts, 0
        while True:
            try:
                response = await self._request(f"/api/topics/{quote(topic)}/messages", headers,
                                               json.dumps(payload).encode())
                if response.status == 201:
                    break
                assert response.status in (429, 503), response
            except NETWORK_ERRORS:
                self._close()
            if life != self.world.restarts and not self.world.keeps_log:
                raise Ended
            attempt += 1
            await asyncio.sleep(next_backoff(self.rng, attempt))
        if life != self.world.restarts and attempt and not self.world.keeps_log:
            raise Ended  # it may have happened in both lives
        self._acknowledged(message, json.loads(response.body)["id"])
        await self.world.pace(1)

    @staticmethod
    def _entry(message):
        topic, payload, key = message
        return {"topic": topic, "data": payload, **({"key": key} if key is not None else {})}

    async def _batch(self):
        messages = [self._next() for _ in range(self.rng.randrange(1, 20))]
        response = await self._request(
            "/api/messages", {"Content-Type": "application/json"},
            json.dumps({"messages": [self._entry(each) for each in messages]}).encode())
        if response.status in (429, 503):
            raise Ended
        assert response.status == 200, response
        has_failed = False
        for message, result in zip(messages, json.loads(response.body)["results"], strict=True):
            if "id" in result:
                self._acknowledged(message, result["id"])
            has_failed = has_failed or "id" not in result
        if has_failed:
            raise Ended
        await self.world.pace(len(messages))

    async def _ndjson(self):
        """A request of some hundred lines, written as they come."""
        await self._connect(self.world.internal_address())
        self._say(build_request("POST", "/api/messages", {
            "Content-Type": "application/x-ndjson", "Transfer-Encoding": "chunked"}))
        messages = []
        for _ in range(self.rng.randrange(1, 20)):
            lines = b""
            for _ in range(self.rng.randrange(1, 20)):
                messages.append(self._next())
                lines += json.dumps(self._entry(messages[-1])).encode() + b"\n"
            self._say(b"%x\r\n%s\r\n" % (len(lines), lines))
            await asyncio.wait_for(self._writer.drain(), SILENCE_SECONDS)
            await self.world.pace(20)
            if self.world.is_over:
                break
        self._say(b"0\r\n\r\n")
        response = await http_head(self._reader)
        answer = json.loads(await http_body(self._reader, response))
        if response.status in (429, 503) or answer.get("failed"):
            raise Ended
        assert response.status == 200 and answer["published"] == len(messages), response
        for message in messages:
            self._acknowledged(message, None)

    async def _v1(self):
        """Publishes in a pipeline; once in a while it is cut off in the middle of a frame."""
        if await self._connect(self.world.public_address(True)):
            self._say(build_request("GET", "/ws", upgrade_headers(random_key())))
            response = await http_head(self._reader)
            if response.status != 101:
                raise Ended
            self._decoder, self._assembler = FrameDecoder(), MessageAssembler()
        asked = {}
        for number in range(PIPELINE):
            message = self._next()
            asked[number] = message
            frame = encode_frame(TEXT, json.dumps({
                "op": "publish", "id": number, "topic": message[0],
                "data": message[1]}).encode())
            if self.rng.random() < 0.0005:
                self._say(frame[:self.rng.randrange(1, len(frame))])
                await asyncio.wait_for(self._writer.drain(), SILENCE_SECONDS)
                raise Ended
            self._say(frame)
        while asked:
            event = await self._event()
            if event["op"] == "published":
                self._acknowledged(asked.pop(event["id"]), event["message"])
            elif event["op"] == "error":
                raise Ended
        await self.world.pace(PIPELINE)

    async def _event(self):
        while True:
            frame = self._decoder.next_frame()
            if frame is None:
                data = await asyncio.wait_for(self._reader.read(65536), SILENCE_SECONDS)
                if not data:
                    raise Ended
                self._decoder.feed(data)
            elif frame.opcode == PING:
                self._say(encode_frame(PONG, frame.payload))
            elif frame.opcode == CLOSE:
                raise Ended
            elif frame.opcode != PONG and (message := self._assembler.add(frame)):
                return json.loads(message[1])
