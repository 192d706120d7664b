"""Many clients that subscribe, unsubscribe, publish and come back at random, and write down all of it.

One asyncio loop runs them; what they did and saw goes into one list of events for the history
checker. The same seed gives the same decisions (not the same timing).
"""

import asyncio
import itertools
import json
import random

from deadlines import Deadline
from v1_client import split_id
from websocket_client import accept_for, random_key, upgrade_headers
from http_client import build_request, parse_head
from websocket_frames import CLOSE, PING, PONG, TEXT, FrameDecoder, MessageAssembler, encode_frame


class ChurnClient:
    """One client of wspush.v1. `cursors` holds what it would resume from, by topic."""

    def __init__(self, name, address, topics, seed, events):
        self.name = name
        self._address = address
        self._topics = topics
        self._random = random.Random(seed)
        self._log = events.append
        self._incarnation = 0
        self._ids = itertools.count(1)
        self._seqs = itertools.count(1)
        self.cursors = {}
        self._active = set()
        self._answers = {}
        self._reading = None
        self.failure = None

    async def connect(self):
        self._incarnation += 1
        reader, self._writer = await asyncio.open_connection(*self._address)
        key = random_key()
        self._writer.write(build_request("GET", "/ws", upgrade_headers(key)))
        response = parse_head(await reader.readuntil(b"\r\n\r\n"))
        assert response.status == 101, response
        assert response.header("Sec-WebSocket-Accept") == accept_for(key)
        self._reading = asyncio.create_task(self._read(reader))

    async def disconnect(self):
        """Goes without a word, as networks do. What was under way is not seen any more."""
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)
        self._writer.transport.abort()
        for topic in sorted(self._active):
            self._log({"event": "unsubscribed", "subscription": self._subscription(topic),
                       "topic": topic})
        self._active.clear()
        for answer in self._answers.values():
            answer.cancel()
        self._answers.clear()

    def _subscription(self, topic):
        return f"{self.name} {topic}"

    async def _read(self, reader):
        decoder, assembler = FrameDecoder(), MessageAssembler()
        try:
            while data := await reader.read(65536):
                decoder.feed(data)
                while (frame := decoder.next_frame()) is not None:
                    if frame.opcode == PING:
                        self._writer.write(encode_frame(PONG, frame.payload))
                    elif frame.opcode == CLOSE:
                        raise AssertionError(f"closed by the server: {frame.payload!r}")
                    elif frame.opcode != PONG and (message := assembler.add(frame)):
                        self._take(json.loads(message[1]))
            raise AssertionError("the server ended the connection")
        except (AssertionError, OSError) as failure:
            self.failure = failure
            for answer in self._answers.values():
                answer.cancel()

    def _take(self, event):
        op, topic = event["op"], event.get("topic")
        if op == "message":
            data = event["data"]
            self.cursors[topic] = event["id"]
            self._log({"event": "message", "subscription": self._subscription(topic),
                       "topic": topic,
                       "id": event["id"], "payload": data, "publisher": data[0], "seq": data[1]})
        elif op == "gap":
            self._log({"event": "gap", "subscription": self._subscription(topic), "topic": topic,
                       "after": event["after"], "next": event["next"]})
        elif "id" in event:
            answer = self._answers.pop(event["id"], None)
            if answer is not None and not answer.done():
                self._note(answer.command, event)
                answer.set_result(event)

    def _note(self, command, event):
        """Logs an answer in the place where it stands among the messages."""
        op, topic = event["op"], event.get("topic")
        if op == "subscribed":
            entry = {"event": op, "subscription": self._subscription(topic), "topic": topic,
                     "last": event["last"],
                     "mode": command.get("mode", "all")}
            if "after" in command:
                entry.update(after=command["after"], recovered=event.get("recovered"))
            else:
                self.cursors[topic] = event["last"]
            self._active.add(topic)
            self._log(entry)
        elif op == "unsubscribed":
            self._active.discard(topic)
            self._log({"event": op, "subscription": self._subscription(topic), "topic": topic})
        elif op == "published":
            self._log({"event": op, "publisher": command["data"][0], "topic": topic,
                       "seq": command["data"][1],
                       "id": event["message"]})
        elif op == "history":
            self._log({"event": op, "topic": topic, "last": event["last"],
                       "gap": event.get("gap", False),
                       **({"after": command["after"]} if "after" in command else {}),
                       "messages": [{"id": m["id"],
                                     "payload": m["data"]} for m in event["messages"]]})
        else:
            raise AssertionError(f"{self.name}: {command} got {event}")

    def send(self, op, **members):
        """Sends a command; a future of its answer."""
        command_id = next(self._ids)
        answer = asyncio.get_running_loop().create_future()
        answer.command = members
        self._answers[command_id] = answer
        text = json.dumps({"op": op, "id": command_id, **members}).encode()
        self._writer.write(encode_frame(TEXT, text))
        return answer

    def publish(self, topic):
        data = [f"{self.name}.{self._incarnation}", next(self._seqs),
                "x" * self._random.randrange(200)]
        self._log({"event": "sending", "publisher": data[0], "topic": topic, "seq": data[1],
                   "payload": data})
        return self.send("publish", topic=topic, data=data)

    async def act(self, deadline):
        """Random things until the deadline; stays connected and subscribed at the end."""
        choose = self._random
        while not deadline.expired() and self.failure is None:
            topic = choose.choice(self._topics)
            action = choose.random()
            if action < 0.3:
                await self._toggle(topic)
            elif action < 0.75:
                answers = [self.publish(topic) for _ in range(choose.choice((1, 1, 1, 5)))]
                if choose.random() < 0.5:
                    await self._settle(answers)
            elif action < 0.8:
                after = {"after": self.cursors[topic]} if topic in self.cursors and choose.random() < 0.5 else {}
                await self._settle([self.send("history", topic=topic, limit=choose.randrange(1, 50),
                                              **after)])
            elif action < 0.88:
                held = sorted(self._active)
                await self.disconnect()
                await self.connect()
                for resumed in held:
                    self.send("subscribe", topic=resumed, after=self.cursors[resumed])
            else:
                await asyncio.sleep(choose.random() * 0.02)  # the pace of this client
        await self._settle(list(self._answers.values()))

    async def _toggle(self, topic):
        await self._settle(list(self._answers.values()))
        if topic in self._active:
            await self._settle([self.send("unsubscribe", topic=topic)])
        elif topic in self.cursors and self._random.random() < 0.7:
            await self._settle([self.send("subscribe", topic=topic, after=self.cursors[topic])])
        else:
            await self._settle([self.send("subscribe", topic=topic)])

    @staticmethod
    async def _settle(answers):
        if answers:
            await asyncio.wait(answers, timeout=Deadline(10).remaining())

    async def catch_up(self, last_by_topic, deadline):
        """Waits until every subscription has its topic's newest message, and logs that it is over."""
        while any(self.cursors[topic] != last_by_topic[topic] for topic in self._active):
            if deadline.expired() or self.failure is not None:
                break
            await asyncio.sleep(0.01)
        for topic in sorted(self._active):
            self._log({"event": "settled", "subscription": self._subscription(topic),
                       "topic": topic,
                       "last": last_by_topic[topic]})


async def back_end(name, daemon, topics, seed, deadline, events):
    """Publishes batches through the API, and now and then clears a topic's log."""
    choose, seqs, loop = random.Random(seed), itertools.count(1), asyncio.get_running_loop()
    while not deadline.expired():
        topic = choose.choice(topics)
        if choose.random() < 0.03:
            await loop.run_in_executor(None, daemon.api, "DELETE", f"/api/topics/{topic}/messages")
        payloads = [[name, next(seqs), "y"] for _ in range(choose.choice((1, 10)))]
        for payload in payloads:
            events.append({"event": "sending", "publisher": name, "topic": topic, "seq": payload[1],
                           "payload": payload})
        ids = await loop.run_in_executor(None, daemon.publish_many, topic, payloads)
        for payload, message_id in zip(payloads, ids):
            events.append({"event": "published", "publisher": name, "topic": topic,
                           "seq": payload[1],
                           "id": message_id})


async def churn(daemon, *, clients, topics, seconds, seed):
    """Runs it all; the events, in an order in which each client's own are as they happened."""
    events = []
    names = [f"open.churn{number}" for number in range(topics)]
    crowd = [ChurnClient(f"c{number}", daemon.public, names, f"{seed}/{number}", events)
             for number in range(clients)]
    await asyncio.gather(*(client.connect() for client in crowd))
    deadline = Deadline(seconds)
    await asyncio.gather(*(client.act(deadline) for client in crowd),
                         *(back_end(f"b{number}", daemon, names, f"{seed}/b{number}", deadline,
                                    events)
                           for number in range(2)))
    last = {}
    for seq, topic in enumerate(names):  # one more for each topic, so that a cleared one has a newest
        payload = ["end", seq, ""]
        events.append({"event": "sending", "publisher": "end", "topic": topic, "seq": seq,
                       "payload": payload})
        last[topic] = daemon.publish(topic, payload)["id"]
        split_id(last[topic])
    catching_up = Deadline(15)
    await asyncio.gather(*(client.catch_up(last, catching_up) for client in crowd))
    failures = [f"{client.name}: {client.failure}" for client in crowd if client.failure is not None]
    for client in crowd:
        client._reading.cancel()
        client._writer.transport.abort()
    assert not failures, failures[:10]
    return events
