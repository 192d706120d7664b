"""A client of the wspush.v1 door: JSON commands over a WebSocketClient."""

import itertools
import json
import re
from collections import deque

import delivery_book
from deadlines import DEFAULT_SECONDS, as_deadline
from websocket_client import WebSocketClient

MESSAGE_ID = re.compile(r"([0-9a-fA-F]{8})-(0|[1-9][0-9]*)\Z")


def split_id(message_id):
    """(epoch, offset) of a message id; AssertionError when it is none."""
    found = MESSAGE_ID.match(message_id) if isinstance(message_id, str) else None
    assert found, f"not a message id: {message_id!r}"
    return found[1], int(found[2])


def offset_of(message_id):
    return split_id(message_id)[1]


def following(message_id, steps=1):
    """The id `steps` after `message_id` in its epoch."""
    epoch, offset = split_id(message_id)
    return f"{epoch}-{offset + steps}"


class Event(dict):
    """What the server said, with `raw`, the JSON text as it came."""

    def __init__(self, raw):
        super().__init__(json.loads(raw))
        self.raw = raw


class V1Client(WebSocketClient):
    """Reads the welcome on open. What `call` is not waiting for stays in line for `next_event`."""

    def start(self):
        self._waiting = deque()
        self._ids = itertools.count(1)
        book = delivery_book.current()
        self._notes = delivery_book.V1Notes(book) if book is not None else None
        self.welcome = self._hear()
        assert self.welcome["op"] == "welcome", self.welcome
        return self

    @classmethod
    def open(cls, address, path="/ws", **options):
        options.setdefault("subprotocols", ["wspush.v1"])
        return cls.connect(address, path, **options).start()

    def send_text(self, text):
        if self._notes is not None:
            self._notes.said(text)
        super().send_text(text)

    def _hear(self, seconds=DEFAULT_SECONDS):
        event = Event(self.receive_text(seconds))
        if self._notes is not None:
            self._notes.heard(event)
        return event

    def send_json(self, command):
        self.send_text(json.dumps(command, ensure_ascii=False, separators=(",", ":")))

    def next_event(self, seconds=DEFAULT_SECONDS):
        """The next thing that the server said."""
        if self._waiting:
            return self._waiting.popleft()
        return self._hear(seconds)

    def next_op(self, op, seconds=DEFAULT_SECONDS):
        """The next event, which has to be an `op`."""
        event = self.next_event(seconds)
        assert event["op"] == op, f"wanted {op}: {event}"
        return event

    def call(self, op, seconds=DEFAULT_SECONDS, **members):
        """Sends a command and returns the answer that carries its id, be it an error or not."""
        command_id = next(self._ids)
        self.send_json({"op": op, "id": command_id, **members})
        return self.answer_to(command_id, seconds)

    def answer_to(self, command_id, seconds=DEFAULT_SECONDS):
        """The next event with this `id` (of a command, not of a message)."""
        deadline = as_deadline(seconds)
        for event in self._waiting:
            if event["op"] != "message" and event.get("id") == command_id:
                self._waiting.remove(event)
                return event
        while True:
            event = self._hear(deadline)
            if event["op"] != "message" and event.get("id") == command_id:
                return event
            self._waiting.append(event)

    def ok(self, op, answer=None, **members):
        """`call`, and the answer is not an error."""
        answered = self.call(op, **members)
        assert answered["op"] == (answer or {"subscribe": "subscribed", "ping": "pong",
                                             "unsubscribe": "unsubscribed", "publish": "published",
                                             "history": "history"}[op]), answered
        return answered

    def fails(self, op, code, **members):
        """`call`, and the answer is an error with `code`."""
        answered = self.call(op, **members)
        assert answered["op"] == "error" and answered["code"] == code, answered
        assert isinstance(answered["message"], str) and answered["message"], answered
        return answered

    def subscribe(self, topic, **members):
        return self.ok("subscribe", topic=topic, **members)

    def publish(self, topic, data):
        """The id of the new message."""
        return self.ok("publish", topic=topic, data=data)["message"]

    def messages(self, count, seconds=DEFAULT_SECONDS):
        """The next `count` events, all of them messages."""
        deadline = as_deadline(seconds)
        return [self.next_op("message", deadline) for _ in range(count)]

    def drain_until_pong(self, seconds=DEFAULT_SECONDS):
        """All that was said up to the answer to a ping sent now."""
        pong = self.call("ping", seconds)
        assert pong["op"] == "pong", pong
        said = list(self._waiting)
        self._waiting.clear()
        return said
