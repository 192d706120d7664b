"""Runs the examples of a Markdown page against a server: what docs/testing.md says of them.

A page is cut at its `## ` headings. Every fenced block is an example, in the order in which they
stand; a section has a server of its own. Kinds of blocks, by the word behind the fence:

    yaml    the configuration of the servers; the first one of the page
    http    requests and what is answered to them
    sse     what an event stream says next
    ws      WebSockets: who connects, what they say (>), what they are told (<)

Anything else is a fault of the page. Values that no two runs share (epochs, positions, ids of
connections, times) are shown as they might be: the first one that is told stands for the example's
from then on, also in what is sent.
"""

import json
import re
from urllib.parse import unquote

from deadlines import DEFAULT_SECONDS, as_deadline, eventually
from http_client import HttpConnection, parse_head
from sse_client import SseClient
from websocket_client import ConnectionClosed, WebSocketClient
from websocket_frames import PING, PONG, TEXT

_FENCE = re.compile(r"^```(\S*)[^\n]*\n(.*?)^```$", re.M | re.S)
_REQUEST = re.compile(r"(GET|POST|DELETE|OPTIONS|PUT|HEAD) (/\S*)\Z")
_STATUS = re.compile(r"HTTP/1\.1 (\d{3}) [A-Za-z -]+\Z")
_SPEECH = re.compile(r"(?:(\w+) )?([<>]) (.*)\Z", re.S)
_OPENING = re.compile(r"(?:(\w+): )?GET (/\S*)\Z")
_INTERNAL = ("/api/", "/metrics", "/healthz", "/readyz")

_ID = re.compile(r"\b([0-9a-f]{8})-(0|[1-9][0-9]*)\b")
_WORD = re.compile(r"\bp(?=[A-Za-z0-9_-]*[A-Z0-9])[A-Za-z0-9_-]{9,}\b|\b[0-9a-f]{24}\b")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z\Z")


class Block:
    """One fenced block. `line` is where it begins in the page."""

    def __init__(self, kind, text, line):
        self.kind, self.text, self.line = kind, text, line

    def __repr__(self):
        return f"the block at line {self.line}"


def sections_of(page):
    """[(heading, [Block])] of the sections that have any, and the text of the `yaml` block."""
    config, sections = None, []
    for part in re.finditer(r"^(?:## ([^\n]*)\n)?(.*?)(?=^## |\Z)", page, re.M | re.S):
        blocks = []
        for found in _FENCE.finditer(part[2]):
            line = page.count("\n", 0, part.start(2) + found.start()) + 1
            block = Block(found[1], found[2], line)
            if block.kind == "yaml" and config is None:
                config = block.text
                continue
            assert block.kind in ("http", "sse", "ws"), f"{block}: what is `{block.kind}`?"
            blocks.append(block)
        if blocks:
            sections.append((part[1] or "", blocks))
    return sections, config


class Names:
    """What the page calls by one name and this run by another, one to one."""

    def __init__(self):
        self._real, self._shown = {}, {}

    def bind(self, shown, real):
        """Whether `real` is what `shown` stands for, from now on at least."""
        if shown in self._real or real in self._shown:
            return self._real.get(shown) == real
        self._real[shown], self._shown[real] = real, shown
        return True

    def real(self, text):
        """`text` of the page as it is to be sent."""
        text = _ID.sub(lambda found: f"{self._real.get(found[1], found[1])}-{found[2]}", text)
        return _WORD.sub(lambda found: self._real.get(found[0], found[0]), text)


def fits_text(shown, real, names):
    """Whether `real` is what the page says, but for what differs from run to run."""
    if shown == "...":
        return real != ""
    if _TIME.match(shown):
        return bool(_TIME.match(real))
    if shown.startswith("wspushd/"):
        return bool(re.fullmatch(r"wspushd/\d+\.\d+\.\d+\S*", real))
    if not (_ID.search(shown) or _WORD.search(shown)):
        return shown == real
    # Piece by piece: what has a name of its own, and what stands between.
    pattern = re.compile(f"{_ID.pattern}|{_WORD.pattern}")
    of_shown, of_real = list(pattern.finditer(shown)), list(pattern.finditer(real))
    if pattern.sub("\0", shown) != pattern.sub("\0", real) or len(of_shown) != len(of_real):
        return False
    for a, b in zip(of_shown, of_real):
        if (a[1] is None) != (b[1] is None):
            return False
        is_same = names.bind(a[1], b[1]) and a[2] == b[2] if a[1] else names.bind(a[0], b[0])
        if not is_same:
            return False
    return True


def fits(shown, real, names, member=None):
    """The same for JSON: every member is there, and none more."""
    if isinstance(shown, dict):
        return isinstance(real, dict) and list(shown) == list(real) and all(
            fits(value, real[key], names, key) for key, value in shown.items())
    if isinstance(shown, list):
        return isinstance(real, list) and len(shown) == len(real) and all(
            fits(a, b, names) for a, b in zip(shown, real))
    if isinstance(shown, str):
        return isinstance(real, str) and fits_text(shown, real, names)
    if member == "expires_in" and isinstance(shown, int):
        return isinstance(real, int) and shown - 5 <= real <= shown
    return type(shown) is type(real) and shown == real


def fits_payload(shown, real, names):
    """JSON where the page shows some; else text."""
    try:
        parsed = json.loads(shown)
    except ValueError:
        return fits_text(shown, real, names)
    try:
        return fits(parsed, json.loads(real), names)
    except ValueError:
        return False


class Run:
    """The examples of one section on one server."""

    def __init__(self, daemon):
        self._daemon = daemon
        self._names = Names()
        self._sockets, self._open, self._stream = {}, [], None

    def play(self, blocks):
        for block in blocks:
            {"http": self._play_http, "sse": self._play_sse, "ws": self._play_ws}[block.kind](block)
        assert not self._open, "a request of the page is never answered"
        for name, client in self._sockets.items():
            if client.closed is None:
                self._expect_silence(name, client)

    def _expect_silence(self, name, client):
        """Nothing was said that the page does not show: a ping goes round."""
        client.send_frame(PING, b"end")
        while True:
            frame = client.receive_frame()
            if frame.opcode == PONG and frame.payload == b"end":
                return
            assert frame.opcode in (PING, PONG), f"{name or 'the client'} was told more: {frame}"

    # --- ws

    def _play_ws(self, block):
        expected, greeted = {}, None  # who has yet to hear the welcome, which is shown but once
        for line in [*block.text.splitlines(), None]:
            speech = _SPEECH.match(line or "")
            is_told = speech is not None and speech[2] == "<"
            if not is_told:  # Whatever happens next, what was to be told is there by then.
                for name, shown in expected.items():
                    self._expect(block, name, shown)
                expected = {}
            if not line or line.startswith("#"):
                continue
            opening = _OPENING.match(line)
            if opening:
                target = self._names.real(opening[2])
                protocols = ["wspush.v1"] if target.split("?")[0].endswith("/ws") else []
                self._sockets[opening[1]] = self._daemon._opened(WebSocketClient.connect(
                    self._daemon.public, target, subprotocols=protocols))
                greeted = self._sockets[opening[1]] if protocols else None
                continue
            if greeted is not None and '"op":"welcome"' not in line:
                self._skip_welcome(greeted)
            greeted = None
            if is_told:
                expected.setdefault(speech[1], []).append(speech[3])
            else:
                assert speech, f"{block}: what does this say? {line}"
                self._say(self._sockets[speech[1]], self._names.real(speech[3]))
        if greeted is not None:
            self._skip_welcome(greeted)

    @staticmethod
    def _skip_welcome(client):
        opcode, payload = client.receive()
        assert opcode == TEXT and json.loads(payload)["op"] == "welcome", payload

    @staticmethod
    def _say(client, text):
        if text.startswith("close "):
            client.send_close(int(text[6:]))
        elif text.startswith("binary "):
            client.send_binary(bytes.fromhex(text[7:]))
        else:
            client.send_text(text)

    def _expect(self, block, name, shown):
        """All of `shown`, in whatever order: answers may overtake each other."""
        client, left = self._sockets[name], list(shown)
        while left:
            try:
                opcode, payload = client.receive()
                real = payload.decode() if opcode == TEXT else f"binary {payload.hex(' ')}"
            except ConnectionClosed as closed:
                real = f"close {closed.code} {closed.reason}".rstrip()
            fitting = next((each for each in left if fits_payload(each, real, self._names)), None)
            assert fitting is not None, f"{block}: wanted one of {left}, was told {real}"
            left.remove(fitting)

    # --- http

    def _play_http(self, block):
        lines = block.text.rstrip("\n").split("\n")
        starts = [at for at, line in enumerate(lines) if _REQUEST.match(line) or _STATUS.match(line)]
        assert starts and starts[0] == 0, f"{block}: it begins with a request or an answer"
        is_asked_here = False
        for begin, end in zip(starts, [*starts[1:], len(lines)]):
            head, _, body = "\n".join(lines[begin:end]).rstrip("\n").partition("\n\n")
            first, *fields = head.split("\n")
            headers = [tuple(field.split(": ", 1)) for field in fields]
            request = _REQUEST.match(first)
            if request:
                self._ask(request[1], request[2], headers, body)
                is_asked_here = True
                continue
            # To the request above it; a block that begins with an answer goes on with the one that
            # has waited longest.
            assert self._open, f"{block}: an answer to no request"
            method, connection = self._open.pop(-1 if is_asked_here else 0)
            self._expect_answer(block, method, connection, int(_STATUS.match(first)[1]), headers,
                                body)
        if request and is_asked_here:
            self._await_poll(request[2])

    def _await_poll(self, target):
        """The block ends with a request that waits for what the next one does."""
        topic = self._names.real(target).split("?")[0].removeprefix("/topics/")
        eventually(lambda: self._daemon.subscribers(unquote(topic)) > 0, f"{target} waits")

    def _ask(self, method, target, headers, body):
        target, body = self._names.real(target), self._names.real(body)
        is_internal = target.startswith(_INTERNAL)
        connection = self._daemon._opened(HttpConnection(
            self._daemon.internal if is_internal else self._daemon.public))
        pairs = [(name, self._names.real(value)) for name, value in headers]
        data = body.encode() if body or method == "POST" else None
        connection.send_request(method, target, pairs, data)
        self._open.append((method, connection))

    def _expect_answer(self, block, method, connection, status, headers, body):
        is_stream = ("Content-Type", "text/event-stream") in headers
        if is_stream:
            # The body of a stream has no end to wait for.
            answer = parse_head(connection.stream.read_until(b"\r\n\r\n", DEFAULT_SECONDS))
        else:
            answer = connection.read_response(method)
        assert answer.status == status, f"{block}: wanted {status}, got {answer}"
        for name, value in headers:
            real = answer.header(name)
            assert real is not None and fits_text(value, real, self._names), \
                f"{block}: {name} is {real!r}"
        if is_stream:
            self._stream = SseClient(connection, answer)
            self._lines = []
            self._expect_events(block, body)
        elif body.startswith("{"):
            assert fits(json.loads(body), answer.json(), self._names), \
                f"{block}: wanted {body}, got {answer.body.decode()}"
        elif body.startswith("...\n"):  # Lines out of a longer text.
            real = answer.body.decode().splitlines()
            for line in body.split("\n"):
                assert line == "..." or line in real, f"{block}: {line!r} is not there"
        else:
            assert answer.body.decode().rstrip("\n") == body, f"{block}: got {answer.body!r}"

    # --- sse

    def _play_sse(self, block):
        assert self._stream is not None, f"{block}: there is no stream"
        self._expect_events(block, block.text.rstrip("\n"))

    def _expect_events(self, block, text):
        """The lines that come next; each event ends with an empty one."""
        if not text:
            return
        if text == "# it ends":
            assert self._stream.expect_end() == [], block
            return
        deadline = as_deadline(DEFAULT_SECONDS)
        for shown in [*text.split("\n"), ""]:
            real = self._next_line(deadline)
            is_retry = shown.startswith("retry: ")
            fitting = bool(re.fullmatch(r"retry: [123]\d{3}", real)) if is_retry else (
                real.startswith("data: ") and shown.startswith("data: ") and
                fits_payload(shown[6:], real[6:], self._names)) or fits_text(
                    shown, real, self._names) if shown else real == ""
            assert fitting, f"{block}: wanted {shown!r}, got {real!r}"

    def _next_line(self, deadline):
        while not self._lines:
            stream = self._stream.stream
            size = int(stream.read_until(b"\r\n", deadline), 16)
            assert size > 0, "the stream has ended"
            self._lines += stream.read_exactly(size, deadline).decode().split("\n")[:-1]
            assert stream.read_exactly(2, deadline) == b"\r\n"
        return self._lines.pop(0)
