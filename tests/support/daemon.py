"""Runs the real wspushd on free ports, reads its log, stops it, and looks whether it went well."""

import copy
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import weakref
from urllib.parse import quote

from byte_stream import ByteStream
from deadlines import DEFAULT_SECONDS, Deadline, as_deadline, eventually, patient
from http_client import HttpConnection, fetch
from prometheus_text import parse_metrics
from sse_client import SseClient
from v1_client import V1Client
from websocket_client import WebSocketClient

_LISTENING = re.compile(r"listening on (\S+) \((public|internal)\)")
_SANITIZER = re.compile(
    r"(Address|Thread|Leak|Memory|UndefinedBehavior)Sanitizer|: runtime error: ")

# Everything may be tried on it; tests change what they are about. The timeouts are the defaults, and
# longer where the server, or this program, which reads one client after the other, is slow.
OPEN_CONFIG = {
    "listen": [{"address": "127.0.0.1:0"}],
    "internal": {"address": "127.0.0.1:0"},
    "reactors": 2,
    "echo": True,
    "limits": {"commands_per_second": 0, "errors_per_connection": 1000,
               "write_timeout": patient(30)},
    "handshake": {"timeout": patient(10)},
    "topics": [
        {"match": "readonly.>", "subscribe": "anyone", "publish": "nobody"},
        {"match": "members.>", "subscribe": "anyone", "publish": "subscriber"},
        {"match": "dropbox.>", "subscribe": "nobody", "publish": "anyone"},
        {"match": "closed.>", "subscribe": "nobody", "publish": "nobody"},
        {"match": "small.>", "publish": "anyone", "message_bytes": 100},
        {"match": "short.>", "publish": "anyone", "history": {"messages": 3}},
        {"match": "unkept.>", "publish": "anyone", "history": {"messages": 0}},
        {"match": "long.>", "publish": "anyone",
         "history": {"messages": 1000, "bytes": "8MiB"}, "message_bytes": "256KiB"},
        {"match": "open.>", "publish": "anyone"},
    ],
    "drain": {"period": "200ms"},
}


def merged(base, changes):
    """`base` with `changes` on top; mappings are merged, anything else is replaced."""
    result = copy.deepcopy(base)
    for key, value in changes.items():
        if isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = merged(result[key], value)
        else:
            result[key] = value
    return result


def binary(name):
    """The path of wspushd or wspush, from the environment of the test run."""
    path = os.environ.get(name.upper())
    assert path, f"set {name.upper()} to the path of the binary under test"
    return os.path.abspath(path)


def run(name, *arguments, env=None, stdin=None, seconds=DEFAULT_SECONDS):
    """Runs a command of ours to its end. Its output is text; a sanitizer report is an error."""
    done = subprocess.run([binary(name), *arguments], input=stdin, capture_output=True, text=True,
                          env={**os.environ, **(env or {})}, timeout=Deadline(seconds).remaining())
    assert not _SANITIZER.search(done.stderr), done.stderr
    return done


class LineReader:
    """Collects the lines of a pipe on a thread of its own, so that the writer never waits."""

    def __init__(self, pipe):
        self._lines = []
        self._changed = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(target=self._collect, args=(pipe,), daemon=True)
        self._thread.start()

    def _collect(self, pipe):
        for line in pipe:
            with self._changed:
                self._lines.append(line.rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def lines(self):
        with self._changed:
            return list(self._lines)

    def text(self):
        return "\n".join(self.lines())

    def await_line(self, pattern, seconds=DEFAULT_SECONDS, start=0):
        """The first line from index `start` on that `pattern` is found in, as a match."""
        deadline = as_deadline(seconds)
        pattern = re.compile(pattern)
        at = start
        with self._changed:
            while True:
                for line in self._lines[at:]:
                    found = pattern.search(line)
                    if found:
                        return found
                at = max(at, len(self._lines))
                if self._ended or not self._changed.wait(deadline.remaining()):
                    if not self._ended and not deadline.expired():
                        continue
                    raise AssertionError(
                        f"no line with {pattern.pattern!r}; from {start} on:\n"
                        + "\n".join(self._lines[start:][-60:]))

    def await_count(self, count, seconds=DEFAULT_SECONDS):
        """The first `count` lines."""
        deadline = as_deadline(seconds)
        with self._changed:
            enough = self._changed.wait_for(
                lambda: len(self._lines) >= count or self._ended, deadline.remaining())
            assert enough and len(self._lines) >= count, f"{len(self._lines)} of {count} lines: " + \
                "\n".join(self._lines[-20:])
            return self._lines[:count]

    def join(self, seconds=DEFAULT_SECONDS):
        self._thread.join(Deadline(seconds).remaining())


class Daemon:
    """A running wspushd. Use it in a `with`, or call `stop`: both assert a clean end.

    `changes` goes on top of `base` (OPEN_CONFIG unless told); `text` is a whole config file
    instead. `config_file` is the path of what it reads, for tests that rewrite it and reload.
    `address_space` is its RLIMIT_AS in bytes. It works in `directory`, or in one of its own that goes
    when it is stopped, or else with the test run.
    """

    def __init__(self, changes=None, *, base=None, text=None, args=(), env=None, directory=None,
                 await_ready=True, address_space=None):
        self._directory = directory or self._own_directory()
        self.config_file = os.path.join(self._directory, "wspushd.yaml")
        self.config = merged(OPEN_CONFIG if base is None else base, changes or {})
        self.write_config(text)
        self._clients = []
        command = [binary("wspushd"), "--config", self.config_file, *args]
        if address_space is not None:
            command = ["prlimit", f"--as={address_space}", *command]
        self._start(command, env, await_ready)

    @classmethod
    def without_file(cls, *args, env=None):
        """Started with the arguments alone, no config file at all."""
        daemon = cls.__new__(cls)
        daemon._directory, daemon.config_file, daemon.config = daemon._own_directory(), None, {}
        daemon._clients = []
        daemon._start([binary("wspushd"), *args], env, True)
        return daemon

    def _own_directory(self):
        path = tempfile.mkdtemp(prefix="wspushd-test-")
        # Not every test stops its daemon: some are killed, some never become ready.
        self._remove_directory = weakref.finalize(self, shutil.rmtree, path, ignore_errors=True)
        return path

    def _remove_directory(self):
        """Nothing, where the directory belongs to somebody else."""

    def _start(self, command, env, await_ready):
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            text=True, errors="replace", env={**os.environ, **(env or {})}, cwd=self._directory)
        self.log = LineReader(self.process.stderr)
        self._asked_to_stop = self._killed = False
        self.publics, self.internal = [], None
        if not await_ready:
            return
        try:
            self._read_addresses()
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise

    def _read_addresses(self):
        """From the log: `listening on ADDRESS (public|internal)` for each listener, then `ready`."""
        self.log.await_line(r"\bready\b", 10)
        for line in self.log.lines():
            found = _LISTENING.search(line)
            if found and found[2] == "public":
                self.publics.append(parse_address(found[1]))
            elif found:
                self.internal = parse_address(found[1])
        assert self.publics and self.internal, f"addresses are missing:\n{self.log.text()}"

    @property
    def public(self):
        return self.publics[0]

    def write_config(self, text=None):
        """Writes `text`, or `config` (JSON is YAML too), to the file."""
        with open(self.config_file, "w", encoding="utf-8") as file:
            file.write(json.dumps(self.config, indent=1) if text is None else text)

    # The public side, its first listener unless told. What is opened here is closed by `stop`.

    def v1(self, path="/ws", address=None, **options):
        return self._opened(V1Client.open(address or self.public, path, **options))

    def raw(self, topic, query="", address=None, **options):
        return self._opened(WebSocketClient.connect(
            address or self.public, f"/topics/{quote(topic, safe='')}{query}", **options))

    def websocket(self, path="/echo", address=None, **options):
        return self._opened(WebSocketClient.connect(address or self.public, path, **options))

    def sse(self, topic, query="", headers=None, address=None, **options):
        """Server-Sent Events of one topic; its beginning is read, so the subscription holds."""
        return self._opened(SseClient.open(
            address or self.public, f"/topics/{quote(topic, safe='')}{query}", headers,
            **options)).start()

    def poll(self, topic, query="", headers=None, **options):
        """One long poll on a connection of its own."""
        return fetch(self.public, "GET", f"/topics/{quote(topic, safe='')}{query}", headers or {},
                     **options)

    def http(self, listener="public"):
        return self._opened(HttpConnection(self.public if listener == "public" else self.internal))

    def stream(self, address=None):
        """A bare connection to the public listener."""
        return self._opened(ByteStream.connect(address or self.public))

    def _opened(self, client):
        self._clients.append(client)
        return client

    def close_clients(self):
        for client in self._clients:
            getattr(client, "abort", client.close)()
        self._clients.clear()

    # The internal side.

    def api(self, method, path, body=None, headers=None, **options):
        """One request to the internal listener; a body that is no bytes is sent as JSON."""
        headers = dict(headers or {})
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            headers.setdefault("Content-Type", "application/json")
        return fetch(self.internal, method, path, headers, body, **options)

    def publish(self, topic, data, content_type="application/json", **headers):
        """Publishes through the API; the answer's object. `data` is JSON unless it is bytes."""
        body = data if isinstance(data, bytes) else json.dumps(data).encode()
        answer = self.api("POST", messages_path(topic), body, {
            "Content-Type": content_type,
            **{name.replace("_", "-"): value for name, value in headers.items()}})
        assert answer.status == 201, answer
        return answer.json()

    def publish_many(self, topic, payloads):
        """Publishes JSON payloads in one batch; their ids."""
        answer = self.api("POST", "/api/messages",
                          {"messages": [{"topic": topic, "data": data} for data in payloads]})
        assert answer.status == 200, answer
        return [result["id"] for result in answer.json()["results"]]

    def metrics(self):
        answer = self.api("GET", "/metrics")
        assert answer.status == 200, answer
        return parse_metrics(answer.body.decode())

    def metric(self, name, **labels):
        """The sum over the samples of `name` that carry `labels`; 0 when there are none."""
        return self.metrics().total(name, **labels)

    def subscribers(self, topic):
        answer = self.api("GET", f"/api/topics/{quote(topic, safe='')}")
        return answer.json()["subscribers"] if answer.status == 200 else 0

    # The process.

    def signal(self, number):
        self._asked_to_stop = self._asked_to_stop or number in (signal.SIGTERM, signal.SIGINT)
        self.process.send_signal(number)

    def reload(self, changes=None):
        """SIGHUP, after `changes` went on top of the config file."""
        self.config = merged(self.config, changes or {})
        self.write_config()
        self.signal(signal.SIGHUP)

    def reload_everywhere(self, changes=None):
        """`reload`, until each reactor has it: one by one they would answer as before."""
        before = self.metric("wspushd_reload_total", result="ok")
        self.reload(changes)
        eventually(lambda: self.metric("wspushd_reload_total", result="ok") == before + 1,
                   "the reload is counted")

    def resident_bytes(self):
        return self._status_kilobytes("VmRSS") * 1024

    def _status_kilobytes(self, name):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return int(re.search(rf"^{name}:\s+(\d+) kB", status.read(), re.M)[1])

    def open_descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def await_exit(self, seconds=DEFAULT_SECONDS):
        """The exit code; the process is killed and the test fails when it does not end in time."""
        try:
            code = self.process.wait(Deadline(seconds).remaining())
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            self.log.join()
            raise AssertionError(f"did not end within {seconds} s:\n{self.log.text()[-4000:]}") from None
        self.log.join()
        return code

    def kill(self):
        """SIGKILL: for tests of a crash. `stop` then no longer asks for exit code 0."""
        self._killed = True
        self.process.kill()
        self.process.wait()
        self.log.join()

    def stop(self, seconds=10):
        """SIGTERM unless it was sent already; the exit code is 0 and no sanitizer complained."""
        self.close_clients()
        try:
            self._stop(seconds)
        finally:
            self._remove_directory()

    def _stop(self, seconds):
        if self._killed:
            return
        if self.process.poll() is None and not self._asked_to_stop:
            self.signal(signal.SIGTERM)
        code = self.await_exit(seconds)
        self.check_log()
        assert code == 0, f"exit code {code}:\n{self.log.text()[-4000:]}"

    def check_log(self):
        assert not _SANITIZER.search(self.log.text()), self.log.text()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.stop()
            return
        # The test has failed: its error counts, what the process says is added for the reader.
        self.close_clients()
        self.process.kill()
        self.process.wait()
        self.log.join()
        self._remove_directory()
        print("\n".join(self.log.lines()[-60:]))


def parse_address(text):
    """(host, port) from `127.0.0.1:80` or `[::1]:80`; the path from `unix:/path`."""
    if text.startswith("unix:"):
        return text[len("unix:"):]
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def messages_path(topic, query=""):
    return f"/api/topics/{quote(topic, safe='')}/messages{query}"
