"""HTTP/1.1 over a raw socket: requests are bytes that the test controls, answers are checked."""

import json
import re

import delivery_book
from byte_stream import ByteStream
from deadlines import DEFAULT_SECONDS, as_deadline

_STATUS_LINE = re.compile(rb"HTTP/1\.1 ([1-5]\d\d) ([^\r\n]*)\Z")
_HEADER_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n\0]*?)[ \t]*\Z")


class HttpResponse:
    """Status, headers in the order received, and the whole body."""

    def __init__(self, status, reason, headers, body=b""):
        self.status = status
        self.reason = reason
        self.headers = headers
        self.body = body

    def all(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def header(self, name):
        """The value, or None; a header that is there twice is an error."""
        values = self.all(name)
        assert len(values) <= 1, f"{name} is there {len(values)} times"
        return values[0] if values else None

    def json(self):
        content_type = self.header("Content-Type") or ""
        assert content_type.split(";")[0].strip() == "application/json", f"type {content_type!r}"
        return json.loads(self.body)

    def error(self):
        """The `error` object of a refusal, which is one line of JSON with `code` and `message`."""
        body = self.json()
        assert b"\n" not in self.body.rstrip(b"\n"), f"not one line: {self.body!r}"
        assert set(body) == {"error"}, body
        assert re.fullmatch(r"[a-z][a-z0-9_]*", body["error"]["code"]), body
        assert isinstance(body["error"]["message"], str) and body["error"]["message"], body
        return body["error"]

    def __repr__(self):
        return f"<{self.status} {self.reason} {self.headers} {self.body[:300]!r}>"


def parse_head(head):
    """An HttpResponse without a body from `head` (up to and with the empty line)."""
    lines = head.split(b"\r\n")
    assert lines[-2:] == [b"", b""], f"not a head: {head!r}"
    status_line = _STATUS_LINE.match(lines[0])
    assert status_line, f"bad status line {lines[0]!r}"
    headers = []
    for line in lines[1:-2]:
        header = _HEADER_LINE.match(line)
        assert header, f"bad header line {line!r}"
        headers.append((header[1].decode("ascii"), header[2].decode("utf-8")))
    return HttpResponse(int(status_line[1]), status_line[2].decode("ascii"), headers)


def build_request(method, target, headers=(), body=None, *, host="127.0.0.1", version="HTTP/1.1"):
    """The bytes of a request. `headers`: pairs or a dict; `host=None` leaves Host out."""
    lines = [f"{method} {target} {version}".encode()]
    if host is not None:
        lines.append(f"Host: {host}".encode())
    pairs = list(headers.items() if isinstance(headers, dict) else headers)
    if body is not None and not any(
            name.lower() in ("content-length", "transfer-encoding") for name, _ in pairs):
        pairs.append(("Content-Length", str(len(body))))
    lines += [name.encode() + b": " + (value if isinstance(value, bytes) else str(value).encode())
              for name, value in pairs]
    return b"\r\n".join(lines) + b"\r\n\r\n" + (body or b"")


def chunk(data, extension=b""):
    """`data` as one chunk of the chunked coding; empty data makes the last chunk."""
    if not data:
        return b"0\r\n\r\n"
    return b"%x" % len(data) + extension + b"\r\n" + data + b"\r\n"


class HttpConnection:
    """One connection; any number of requests on it, one after the other or pipelined."""

    notes = None  # for the test's delivery book

    def __init__(self, address, receive_buffer=None):
        self.address = address
        book = delivery_book.current()
        self.notes = delivery_book.HttpNotes(book) if book is not None else None
        self.stream = ByteStream.connect(address, receive_buffer)

    @property
    def host(self):
        """What a Host header for this connection says."""
        if isinstance(self.address, str):
            return "localhost"
        name, port = self.address[:2]
        return f"[{name}]:{port}" if ":" in name else f"{name}:{port}"

    def send(self, data):
        self.stream.send(data)

    def send_request(self, method, target, headers=(), body=None, **options):
        options.setdefault("host", self.host)
        if self.notes is not None:
            self.notes.asked(method, target, headers, body)
        self.send(build_request(method, target, headers, body, **options))

    def read_response(self, method="GET", seconds=DEFAULT_SECONDS):
        """The next final answer; interim ones (100) are skipped. `method` tells HEAD from GET."""
        seconds = as_deadline(seconds)
        while True:
            response = parse_head(self.stream.read_until(b"\r\n\r\n", seconds))
            if response.status >= 200 or response.status == 101:
                break
        if response.status not in (101, 204, 304) and method != "HEAD":
            self._read_body(response, seconds)
        if self.notes is not None:
            self.notes.answered(response)
        return response

    def _read_body(self, response, seconds):
        if response.header("Transfer-Encoding"):
            assert response.header("Transfer-Encoding").lower() == "chunked", response
            assert response.header("Content-Length") is None, response
            response.body = self._read_chunks(seconds)
        elif response.header("Content-Length") is not None:
            response.body = self.stream.read_exactly(int(response.header("Content-Length")),
                                                     seconds)
        else:
            response.body = self.stream.read_to_end(seconds)

    def request(self, method, target, headers=(), body=None, **options):
        self.send_request(method, target, headers, body, **options)
        return self.read_response(method)

    def _read_chunks(self, seconds):
        body = b""
        while True:
            size = int(self.stream.read_until(b"\r\n", seconds).split(b";")[0], 16)
            if size == 0:
                while self.stream.read_until(b"\r\n", seconds) != b"\r\n":
                    pass  # trailers
                return body
            body += self.stream.read_exactly(size, seconds)
            assert self.stream.read_exactly(2, seconds) == b"\r\n"

    def expect_end(self, seconds=DEFAULT_SECONDS):
        self.stream.expect_end(seconds)

    def close(self):
        self.stream.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def fetch(address, method, target, headers=(), body=None, **options):
    """One request on a connection of its own."""
    with HttpConnection(address) as connection:
        return connection.request(method, target, headers, body, **options)
