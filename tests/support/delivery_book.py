"""Everything that the clients of a test are told and get, on its way to the history checker.

A test has one book (the fixture `deliveries` of tests/integration/conftest.py), and every client that
is made while it is in use writes into it by itself: subscriptions, messages, gaps and publishes of
wspush.v1, streams, polls, what the API published and read, and raw sockets that were opened behind an
id. At the end `problems` says which promises were broken (rules 1 to 4 of history_checker.py).

What cannot be known is not judged: a subscription whose command or answer was not seen, or a raw
socket that does not say where it begins. A test that is about the exception says so to its book:
`deliveries.may_break(rule, "why")`.
"""

import base64
import hashlib
import itertools
import json
import threading
from collections import deque
from urllib.parse import parse_qs, unquote, urlsplit

from history_checker import HistoryChecker

_SHORT = 64  # characters of a payload that are kept as they are

_current = None


def current():
    """The book in use, or None."""
    return _current


def use(book):
    global _current
    _current = book


def canonical(payload):
    """One spelling of a payload for all doors: they differ in how they quote it. Text that reads as
    JSON counts as what it reads as, since the raw door and a stream do not tell one from the other."""
    if isinstance(payload, (bytes, bytearray)):
        payload = base64.b64encode(payload).decode()
    while isinstance(payload, str):
        payload = payload.replace("\r\n", "\n").replace("\r", "\n")  # as a stream's lines end
        try:
            payload = json.loads(payload)
        except (ValueError, RecursionError):
            break
    text = payload if isinstance(payload, str) else json.dumps(payload, sort_keys=True)
    return text if len(text) <= _SHORT else \
        f"{len(text)} {hashlib.sha1(text.encode('utf-8', 'surrogatepass')).hexdigest()}"


def is_pattern(name):
    return any(segment in ("*", ">") for segment in name.split("."))


class DeliveryBook:
    """Its methods may be called from any thread."""

    def __init__(self):
        self._checker = HistoryChecker()
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._allowed = {}
        self._is_closed = False

    def may_break(self, rule, why):
        """The test is about a broken `rule`, or does what makes it seem so: `why`."""
        self._allowed[rule] = why

    def problems(self):
        """Sentences, each with what its subscription had seen; nothing is written any more."""
        with self._lock:
            self._is_closed = True
            found = self._checker.finish()
            return ["\n".join([problem, *context])
                    for problem, context in zip(found, self._checker.contexts)
                    if not any(f"rule {rule}:" in problem for rule in self._allowed)]

    def count(self, what):
        """How many `deliveries`, `gaps`, `resumes` or `sent` messages were written."""
        return self._checker.counts[what]

    def name(self, kind):
        """For a client: no other one has it."""
        return f"{kind} {next(self._numbers)}"

    def write(self, event, **members):
        with self._lock:
            if not self._is_closed:
                self._checker.add({"event": event, **members})

    def saw(self, topic, message_id, payload):
        """An id and its payload, whoever saw them."""
        self.write("history", topic=topic, last=message_id,
                   messages=[{"id": message_id, "payload": canonical(payload)}])


class V1Notes:
    """What one connection of wspush.v1 says and hears."""

    def __init__(self, book):
        self._book, self._name = book, book.name("v1")
        self._asked = {}        # id -> commands without an answer
        self._generations = {}  # topic or pattern -> number of its subscription here; 0: not known
        self._positions = {}    # topic or pattern -> what it would come back with
        self._seqs = itertools.count(1)

    def said(self, text):
        try:
            command = json.loads(text)
        except (ValueError, RecursionError):
            return
        if not isinstance(command, dict) or command.get("op") not in (
                "subscribe", "unsubscribe", "publish", "history"):
            return
        topics = command.get("topics")
        for each in topics if isinstance(topics, list) else [command]:
            if isinstance(each, dict) and isinstance(each.get("topic"), str):
                self._ask({**each, "op": command["op"]}, command.get("id"))

    def _ask(self, command, command_id):
        topic = command["topic"]
        if not isinstance(command_id, (int, str)):
            if command["op"] != "history":
                self._generations.setdefault(topic, 0)  # There will be no answer.
            return
        if command["op"] == "publish" and "data" in command:
            command["seq"] = next(self._seqs)
            self._book.write("sending", publisher=self._name, topic=topic, seq=command["seq"],
                             payload=canonical(command["data"]))
        self._asked.setdefault(command_id, deque()).append(command)

    def _command(self, event, op):
        waiting = self._asked.get(event.get("id"), ())
        for command in waiting:
            if command["op"] == op and command["topic"] == event.get("topic"):
                waiting.remove(command)
                return command
        return None

    def heard(self, event):
        handler = getattr(self, "_" + event.get("op", ""), None)
        if handler is not None and isinstance(event.get("topic"), str):
            handler(event)

    def _subscription(self, key):
        return f"{self._name} {key} {self._generations[key]}"

    def _subscribed(self, event):
        key, command = event["topic"], self._command(event, "subscribe")
        if command is None:
            self._generations[key] = 0
            return
        after = command.get("after")
        if not self._generations.get(key) or after != self._positions.get(key):
            # It goes elsewhere than where it was: another subscription for the checker.
            self._generations[key] = next(self._book._numbers)
        members = {"after": after, "recovered": event.get("recovered")} if after is not None else {}
        if after is None and "recovered" in event:
            members["recovered"] = event["recovered"]
        self._positions[key] = event["last"] if after is None else after
        self._book.write(
            "subscribed", subscription=self._subscription(key), topic=key, last=event["last"],
            mode="latest" if "max_rate" in command else command.get("mode", "all"),
            **({"feed": True} if is_pattern(key) else {}), **members)

    def _message(self, event):
        key = event.get("pattern", event["topic"])
        if not self._generations.get(key):
            self._book.saw(event["topic"], event["id"], event["data"])
            return
        self._positions[key] = event.get("position", event["id"])
        self._book.write("message", subscription=self._subscription(key), topic=event["topic"],
                         id=event["id"], payload=canonical(event["data"]),
                         **({"key": event["key"]} if "key" in event else {}))

    def _gap(self, event):
        key = event.get("pattern", event["topic"])
        if not self._generations.get(key):
            return
        if is_pattern(event["topic"]):
            self._book.write("lost", subscription=self._subscription(key))
        else:
            self._book.write("gap", subscription=self._subscription(key), topic=event["topic"],
                             after=event["after"], next=event["next"])

    def _unsubscribed(self, event):
        key = event["topic"]
        self._command(event, "unsubscribe")
        if self._generations.get(key):
            self._book.write("unsubscribed", subscription=self._subscription(key),
                             **({} if is_pattern(key) else {"topic": key}))

    def _published(self, event):
        command = self._command(event, "publish")
        if command is not None and "seq" in command:
            self._book.write("published", publisher=self._name, topic=event["topic"],
                             seq=command["seq"], id=event["message"])

    def _history(self, event):
        command = self._command(event, "history")
        if command is not None:
            write_history(self._book, event["topic"], command.get("after"), event)


def write_history(book, topic, after, answer):
    book.write("history", topic=topic, after=after, gap=answer.get("gap", False),
               last=answer["last"],
               messages=[{"id": each["id"], "payload": canonical(each["data"])}
                         for each in answer["messages"]])


class _Target:
    """Of a request for topics: `topics`, and `after` as it stands there."""

    def __init__(self, target, headers=()):
        parts = urlsplit(target)
        query = parse_qs(parts.query, keep_blank_values=True)
        self.path = parts.path
        self.after = query.get("after", [None])[0]
        pairs = headers.items() if hasattr(headers, "items") else headers
        for name, value in pairs or ():
            if name.lower() == "last-event-id" and value:
                self.after = value
        self.topics = query.get("topic", []) if parts.path == "/topics" else []
        if parts.path.startswith("/topics/"):
            self.topics = [unquote(parts.path[len("/topics/"):])]
        # Several, or a pattern: one stream of many topics.
        self.is_feed = parts.path == "/topics" and (
            len(set(self.topics)) > 1 or any(map(is_pattern, self.topics)))


def _subscribe(book, kind, target):
    """Writes that it holds; its name."""
    name = book.name(kind)
    book.write("subscribed", subscription=name, topic=target.topics[0], after=target.after,
               door=kind, **({"feed": True} if target.is_feed else {}))
    return name


class SseNotes:
    """An event stream of one topic; those of many have no ids of messages."""

    @classmethod
    def of(cls, book, target, headers):
        asked = _Target(target, headers)
        return cls(book, asked) if asked.topics and not asked.is_feed else None

    def __init__(self, book, target):
        self._book, self._topic = book, target.topics[0]
        self._name = _subscribe(book, "sse", target)

    def heard(self, event):
        """An SseEvent."""
        about = {"subscription": self._name, "topic": self._topic}
        if event.type == "gap":
            gap = json.loads(event.data)
            self._book.write("gap", after=gap.get("after"), next=gap.get("next"), **about)
        else:
            self._book.write("message", id=event.id, payload=canonical(event.data), **about)


class RawNotes:
    """A raw socket that was opened behind an id: without a hole each message is the next one."""

    @classmethod
    def of(cls, book, path):
        target = _Target(path)
        epoch, _, offset = (target.after or "").partition("-")
        if not target.path.startswith("/topics/") or not offset.isdigit():
            return None
        return cls(book, target, epoch, int(offset))

    def __init__(self, book, target, epoch, offset):
        self._book, self._topic, self._epoch, self._offset = book, target.topics[0], epoch, offset
        self._name = _subscribe(book, "raw", target)

    def heard(self, payload):
        self._offset += 1
        self._book.write("message", subscription=self._name, topic=self._topic,
                         id=f"{self._epoch}-{self._offset}", payload=canonical(payload))


class HttpNotes:
    """Requests of one HTTP connection and their answers: polls, publishes, histories."""

    def __init__(self, book):
        self._book = book
        self._asked = deque()

    def asked(self, method, target, headers, body):
        self._asked.append((method, target, dict(headers or {}), body))

    def forget(self):
        """The answer to the newest request is none that ends."""
        self._asked.pop()

    def answered(self, answer):
        if not self._asked:
            return  # It was sent by hand.
        method, target, headers, body = self._asked.popleft()
        if method not in ("GET", "POST") or answer.status not in (200, 201, 204) or \
                not (answer.header("Content-Type") or "").startswith("application/json"):
            return
        path = urlsplit(target).path
        if method == "GET" and (path == "/topics" or path.startswith("/topics/")):
            self._poll(_Target(target), answer.json())
        elif path == "/api/messages" and method == "POST":
            self._batch(body, answer.json())
        elif path.startswith("/api/topics/") and path.endswith("/messages"):
            topic = unquote(path[len("/api/topics/"):-len("/messages")])
            if method == "GET":
                write_history(self._book, topic, _Target(target).after, answer.json())
            elif "idempotency-key" not in map(str.lower, headers):  # It may tell an older one's id.
                self._publish(topic, headers, body, answer.json())

    def _poll(self, target, answer):
        name = _subscribe(self._book, "poll", target)
        topic = {} if target.is_feed else {"topic": target.topics[0]}
        if answer.get("gap"):
            self._book.write("lost", subscription=name, **topic)
        for message in answer["messages"]:
            self._book.write("message", subscription=name, topic=message["topic"],
                             id=message["id"], payload=canonical(message["data"]))
        self._book.write("unsubscribed", subscription=name, **topic)

    def _publish(self, topic, headers, body, answer):
        fields = {name.lower(): value for name, value in headers.items()}
        kind = str(fields.get("content-type", "")).lower().strip()
        if body is None or "id" not in answer or "transfer-encoding" in fields or \
                "content-length" in fields:
            return  # The body is not the payload, or it was made by hand.
        is_text = kind.startswith("text/") or kind.split(";")[0].strip() == "application/json"
        self._book.saw(topic, answer["id"], bytes(body).decode() if is_text else bytes(body))

    def _batch(self, body, answer):
        try:
            sent = json.loads(body)["messages"]
        except (ValueError, TypeError, KeyError):
            return  # NDJSON tells no ids.
        for message, result in zip(sent, answer.get("results", ())):
            for form in ("data", "text", "base64"):
                if "id" in result and form in message:
                    self._book.saw(message["topic"], result["id"], message[form])
