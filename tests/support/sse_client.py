"""A client of Server-Sent Events: reads as a browser's EventSource does, and checks the framing."""

import json
from collections import deque

import delivery_book
from byte_stream import StreamClosed
from deadlines import DEFAULT_SECONDS, as_deadline
from http_client import HttpConnection, parse_head


class SseEvent:
    """`type` is empty where the stream named none; `id` is the last one by then."""

    def __init__(self, event_type, event_id, data):
        self.type, self.id, self.data = event_type, event_id, data

    def json(self):
        return json.loads(self.data)

    def __repr__(self):
        return f"<{self.type or 'message'} {self.id} {self.data[:200]!r}>"


class StreamParser:
    """HTML Living Standard, "Interpreting an event stream". `last_id` is what a browser would come
    back with, `retry` the values that were sent, `comments` the comment lines."""

    def __init__(self):
        self.events = deque()
        self.last_id, self.retry, self.comments = "", [], 0
        self._rest = b""
        self._id = self._type = ""
        self._data = []

    def feed(self, data):
        # A CR at the end may be half of a CRLF; ours ends its own lines with LF.
        *lines, self._rest = (self._rest + data).replace(b"\r\n", b"\n").split(b"\n")
        for line in lines:
            self._take(line.decode("utf-8"))

    def _take(self, line):
        if not line:
            self.last_id = self._id
            if self._data:
                self.events.append(SseEvent(self._type, self._id, "\n".join(self._data)))
            self._type, self._data = "", []
            return
        if line.startswith(":"):
            self.comments += 1
            return
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "id":
            self._id = value
        elif name == "event":
            self._type = value
        elif name == "retry":
            self.retry.append(int(value))
        else:
            raise AssertionError(f"a field that nobody knows: {line!r}")


class SseClient:
    """An open stream. `answer` is the head; chunks are taken apart where it is chunked."""

    def __init__(self, connection, answer, notes=None):
        self.answer, self.stream, self._notes = answer, connection.stream, notes
        self.parser = StreamParser()
        self._is_chunked = answer.header("Transfer-Encoding") == "chunked"

    @classmethod
    def open(cls, address, target, headers=None, *, receive_buffer=None, connection=None,
             **options):
        """The answer has to be an event stream; read a refusal with `ask_stream`."""
        connection = connection or HttpConnection(address, receive_buffer)
        answer = ask_stream(connection, target, headers, **options)
        assert answer.status == 200, answer
        assert answer.header("Content-Type") == "text/event-stream", answer
        book = delivery_book.current()
        return cls(connection, answer,
                   delivery_book.SseNotes.of(book, target, headers) if book is not None else None)

    def _read_some(self, deadline):
        """Feeds the parser with what comes next; False at the end of the body."""
        if not self._is_chunked:
            try:
                if not self.stream.buffer:
                    self.stream.fill(deadline)
            except StreamClosed as closed:
                assert not closed.was_reset, closed
                return False
            self._feed(self.stream.take(len(self.stream.buffer)))
            return True
        size = int(self.stream.read_until(b"\r\n", deadline), 16)
        data = self.stream.read_exactly(size, deadline)
        assert self.stream.read_exactly(2, deadline) == b"\r\n"
        self._feed(data)
        return size > 0

    def _feed(self, data):
        before = len(self.parser.events)
        self.parser.feed(data)
        for index in range(before, len(self.parser.events)) if self._notes is not None else ():
            self._notes.heard(self.parser.events[index])

    def next_event(self, seconds=DEFAULT_SECONDS):
        deadline = as_deadline(seconds)
        while not self.parser.events:
            assert self._read_some(deadline), "the stream has ended"
        return self.parser.events.popleft()

    def data(self, count, seconds=DEFAULT_SECONDS):
        """The data of the next `count` events, all of them messages without a type."""
        deadline = as_deadline(seconds)
        events = [self.next_event(deadline) for _ in range(count)]
        assert all(event.type == "" for event in events), events
        return [event.data for event in events]

    def start(self, seconds=DEFAULT_SECONDS):
        """Reads the beginning: `retry`, and the place that the stream starts from."""
        deadline = as_deadline(seconds)
        while not self.parser.retry:
            assert self._read_some(deadline), "the stream has ended"
        return self

    def await_comment(self, seconds=DEFAULT_SECONDS):
        """Reads until there is one comment more."""
        deadline, before = as_deadline(seconds), self.parser.comments
        while self.parser.comments == before:
            assert self._read_some(deadline), "the stream has ended"

    def expect_end(self, seconds=DEFAULT_SECONDS):
        """Reads to the end of the stream and of the connection; the events that came before."""
        deadline = as_deadline(seconds)
        while self._read_some(deadline):
            pass
        self.stream.expect_end(deadline)
        events, self.parser.events = list(self.parser.events), deque()
        return events

    def close(self):
        self.stream.close()


def ask_stream(connection, target, headers=None, method="GET", **options):
    """The answer to a request for an event stream; a refusal with its body."""
    headers = {"Accept": "text/event-stream", **(headers or {})}
    connection.send_request(method, target, headers, **options)
    if connection.notes is not None:
        connection.notes.forget()
    head = parse_head(connection.stream.read_until(b"\r\n\r\n"))
    length = head.header("Content-Length")
    if head.status != 200 and length is not None and method != "HEAD":
        head.body = connection.stream.read_exactly(int(length))
    return head
