"""Clients that people use, against the real binary: each connects, subscribes, receives, publishes and
closes, with compression where it offers it. Their programs are in tests/clients.

A client is collected where its library is there; scripts/test installs them all (scripts/packages.sh,
tests/clients/package.json), so with CI=true one that is missing is a failure of its own.
"""

import json
import os
import pathlib
import shutil
import signal
import subprocess

import pytest

from daemon import LineReader
from deadlines import Deadline
from http_client import HttpConnection
from websocket_client import upgrade_headers

PROGRAMS = pathlib.Path(__file__).parents[1] / "clients"
GORILLA = "/usr/share/gocode/src/github.com/gorilla/websocket"  # golang-github-gorilla-websocket-dev
TEXT = "Goal! " * 2000  # worth compressing
START_SECONDS = 150  # of a JVM, or of a compiler that has nothing cached, on a busy machine


def has(*programs):
    return all(map(shutil.which, programs))


class Client:
    """How to run one: its command, whether it is there, whether it offers permessage-deflate."""

    def __init__(self, command, is_there, offers_compression, env=None):
        self.command = [str(part) for part in command]
        self.is_there = is_there
        self.offers_compression = offers_compression
        self.env = env or {}


ALL = {
    "node-ws": Client(["node", PROGRAMS / "node_ws.mjs"],
                      has("node") and (PROGRAMS / "node_modules/ws").exists(), True),
    "python-websockets": Client(["/usr/bin/python3", PROGRAMS / "python_websockets.py"],
                                os.path.exists("/usr/lib/python3/dist-packages/websockets"), True),
    "java": Client(["java", "-XX:TieredStopAtLevel=1", PROGRAMS / "JavaHttpClient.java"],
                   has("java", "javac"), False),
    "go-gorilla": Client(["go", "run", PROGRAMS / "gorilla.go"],
                         has("go") and os.path.exists(GORILLA), True,
                         {"GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOFLAGS": "",
                          "GOTOOLCHAIN": "local"}),
}
THERE = [name for name, client in ALL.items() if client.is_there]


def test_all_clients_are_there_where_they_must_be():
    if os.environ.get("CI") == "true":
        assert THERE == list(ALL), "scripts/test installs them"


@pytest.fixture
def run_client():
    """`run_client(name, url, topic)` starts one; it is ended with the test."""
    running = []

    def start(name, *arguments):
        client = ALL[name]
        process = subprocess.Popen([*client.command, *arguments], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                   env={**os.environ, **client.env}, start_new_session=True)
        running.append(process)
        return process, LineReader(process.stdout)

    yield start
    for process in running:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)  # `go run` has a child
            process.wait()


def server_compresses(daemon):
    """Whether a plain offer of permessage-deflate is taken."""
    with HttpConnection(daemon.public) as connection:
        answer = connection.request("GET", "/ws", upgrade_headers(
            Sec_WebSocket_Extensions="permessage-deflate"))
        return "permessage-deflate" in (answer.header("Sec-WebSocket-Extensions") or "")


def events(lines, count, seconds=START_SECONDS):
    return [json.loads(line) for line in lines.await_count(count, seconds)]


@pytest.mark.parametrize("name", THERE)
def test_a_client_subscribes_receives_publishes_and_closes(daemon, topic, run_client, name):
    url = f"ws://127.0.0.1:{daemon.public[1]}/ws"
    process, lines = run_client(name, url, topic)
    opened, subscribed = events(lines, 2)
    assert opened["event"] == "open" and opened["subprotocol"] == "wspush.v1", opened
    is_compressed = "permessage-deflate" in opened["extensions"]
    assert is_compressed == (ALL[name].offers_compression and server_compresses(daemon))
    assert subscribed == {"event": "subscribed"}

    watcher = daemon.v1()  # not before: a compiler may take longer than a heartbeat
    watcher.subscribe(topic)
    daemon.publish(topic, {"from": "API", "text": TEXT})
    said = events(lines, 5)[2:]
    assert said == [
        {"event": "message", "data": {"from": "API", "text": TEXT}},
        {"event": "message", "data": {"from": "client", "echo": TEXT}},
        {"event": "closed", "code": 1000}]
    assert [message["data"]["from"] for message in watcher.messages(2)] == ["API", "client"]
    assert process.wait(Deadline(20).remaining()) == 0, lines.text()


class TestCurl:
    """The HTTP parts, as a shell script would use them."""

    @staticmethod
    def curl(*arguments):
        done = subprocess.run(["curl", "--silent", "--show-error", "--no-buffer", "--max-time", "20",
                               *arguments], capture_output=True, text=True,
                              timeout=Deadline(30).remaining())
        assert done.returncode == 0, done
        return done.stdout

    @staticmethod
    def api(daemon):
        return f"http://127.0.0.1:{daemon.internal[1]}"

    def test_publishes_reads_the_history_and_asks_for_health(self, daemon, topic):
        api = self.api(daemon)
        watcher = daemon.v1()
        watcher.subscribe(topic)
        said = self.curl("--json", '{"n":1}', f"{api}/api/topics/{topic}/messages")
        assert json.loads(said)["subscribers"] == 1
        assert watcher.next_op("message")["data"] == {"n": 1}
        history = json.loads(self.curl(f"{api}/api/topics/{topic}/messages"))
        assert [message["data"] for message in history["messages"]] == [{"n": 1}]
        for path in ("/healthz", "/readyz"):
            assert self.curl("--output", "/dev/null", "--write-out", "%{http_code}",
                             api + path) == "200"

    def test_streams_lines_and_a_large_body_with_expect_100(self, daemon, topic, tmp_path):
        lines = tmp_path / "lines"
        lines.write_text("".join(json.dumps({"topic": topic, "data": n}) + "\n"
                                 for n in range(20_000)))
        said = self.curl("--upload-file", lines, "--request", "POST", "--header",
                         "Transfer-Encoding: chunked", "--header",
                         "Content-Type: application/x-ndjson", "--header", "Expect: 100-continue",
                         f"{self.api(daemon)}/api/messages")
        assert json.loads(said) == {"published": 20_000, "failed": 0, "errors": []}

    def test_sees_the_refusals_of_the_public_listener(self, daemon):
        public = f"http://127.0.0.1:{daemon.public[1]}"
        for path, status in (("/ws", "426"), ("/nope", "404")):
            said = self.curl("--write-out", "\n%{http_code}", public + path)
            body, code = said.rsplit("\n", 1)
            assert code == status and set(json.loads(body)) == {"error"}
