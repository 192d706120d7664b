"""TLS as others speak it: each client sends a large request and gets a large answer, and some change
their keys on the way. Our own record layer has to agree with all of them, in every cipher suite.
"""

import json
import os
import pathlib
import shutil
import signal
import socket
import ssl
import subprocess

import pytest

from daemon import LineReader
from deadlines import PATIENCE, Deadline
from tls import TlsAddress, client_context, make_certificate, tls_section

PROGRAMS = pathlib.Path(__file__).parents[1] / "clients"
SUITES = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"]
MESSAGES, MESSAGE_BYTES = 300, 3000  # what a history gives at most: 57 full records each way
START_SECONDS = 150  # of a JVM, or of a compiler that has nothing cached, on a busy machine


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return make_certificate(tmp_path_factory.mktemp("tls"), "main")


@pytest.fixture(scope="module")
def daemon_changes(certificate):
    return {"listen": [{"address": "127.0.0.1:0", "tls": tls_section(certificate)}],
            "internal": {"address": "127.0.0.1:0", "tls": tls_section(certificate)},
            "topics": [{"match": "open.>", "publish": "anyone",
                        "history": {"messages": MESSAGES, "bytes": "8MiB"}}],
            "limits": {"message_bytes": "4MiB"}}


def s_client(*options):
    return ["openssl", "s_client", "-CAfile", "{ca}", "-verify_return_error", "-connect",
            "{host}:{port}", *options]


PIPES = {
    **{f"openssl-{suite}": s_client("-quiet", "-tls1_3", "-ciphersuites", suite)
       for suite in SUITES},
    "openssl-records-of-512-bytes": s_client("-quiet", "-tls1_3", "-maxfraglen", "512"),
    "openssl-TLSv1.2": s_client("-quiet", "-tls1_2"),
    "node": ["node", PROGRAMS / "tls_pipe.mjs", "{host}", "{port}", "{ca}"],
    "go": ["go", "run", PROGRAMS / "tls_pipe.go", "{host}", "{port}", "{ca}"],
    "java": ["java", "-XX:TieredStopAtLevel=1", PROGRAMS / "TlsPipe.java", "{host}", "{port}",
             "{ca}"],
}


class Pipe:
    """A program that sends what it reads to the server, and prints what that answers."""

    def __init__(self, name, address, ca, *more):
        if shutil.which(PIPES[name][0]) is None:
            pytest.skip(f"{PIPES[name][0]} is not there")
        known = {"host": "localhost", "port": address[1], "ca": ca}
        self.command = [str(part).format(**known) for part in PIPES[name]]
        self.command[1:1] = more

    def run(self, request, codes=(0,)):
        done = subprocess.run(self.command, input=request, capture_output=True,
                              timeout=START_SECONDS * PATIENCE, check=False,
                              env={**os.environ, "GO111MODULE": "off", "GOTOOLCHAIN": "local"})
        assert done.returncode in codes, done.stderr[-2000:]
        self.told = done.stderr.decode(errors="replace")
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200 "), (head, done.stderr[-2000:])
        return json.loads(body)


def request(method, path, body=b""):
    return (f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            f"Content-Type: application/x-ndjson\r\nContent-Length: {len(body)}\r\n\r\n"
            ).encode() + body


def payloads(topic):
    return [f"{topic} {number} ".ljust(MESSAGE_BYTES, "x") for number in range(MESSAGES)]


def expect_large_both_ways(exchange, topic):
    """`exchange(method, path, body)` gives what the answer's JSON says."""
    lines = "".join(json.dumps({"topic": topic, "data": data}) + "\n" for data in payloads(topic))
    assert exchange("POST", "/api/messages", lines.encode())["published"] == MESSAGES
    history = exchange("GET", f"/api/topics/{topic}/messages?after=first&limit={MESSAGES}", b"")
    assert [message["data"] for message in history["messages"]] == payloads(topic)


@pytest.mark.parametrize("name", PIPES)
def test_large_messages_both_ways(daemon, certificate, topic, name):
    pipe = Pipe(name, daemon.internal, certificate[0])
    expect_large_both_ways(lambda *what: pipe.run(request(*what)), topic)


def test_java_changes_its_keys_all_the_time(daemon, certificate, topic, tmp_path):
    # Its limit of bytes for a key is 2^37 as it comes: here it asks for new ones every 64 KiB.
    limits = tmp_path / "java.security"
    limits.write_text("jdk.tls.keyLimits=AES/GCM/NoPadding KeyUpdate 2^16, "
                      "ChaCha20-Poly1305 KeyUpdate 2^16\n")
    pipe = Pipe("java", daemon.internal, certificate[0], f"-Djava.security.properties={limits}",
                "-Djavax.net.debug=ssl:handshake")
    told = []

    def exchange(*what):
        # Where the answer is whole it may still want a new key, of a connection that has ended.
        answer = pipe.run(request(*what), codes=(0, 1))
        told.append(pipe.told)
        return answer

    expect_large_both_ways(exchange, topic)
    for way in told:
        assert way.count("Produced KeyUpdate") > 5, way[-2000:]
        assert way.count("Consuming KeyUpdate") > 1, way[-2000:]


@pytest.mark.parametrize("suite", [*SUITES, None], ids=str)
def test_curl(daemon, certificate, topic, tmp_path, suite):
    if shutil.which("curl") is None:
        pytest.skip("curl is not there")
    version = ["--tlsv1.2", "--tls-max", "1.2"] if suite is None else [
        "--tlsv1.3", "--tls13-ciphers", suite]

    def exchange(method, path, body):
        sent = tmp_path / "body"
        sent.write_bytes(body)
        done = subprocess.run(
            ["curl", "-sS", "--fail", "--cacert", certificate[0], *version, "-X", method,
             *(["--data-binary", f"@{sent}", "-H", "Content-Type: application/x-ndjson"] if body
               else []), f"https://localhost:{daemon.internal[1]}{path}"],
            capture_output=True, timeout=60 * PATIENCE, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    expect_large_both_ways(exchange, topic)


class TestSClient:
    """`openssl s_client` with a terminal's commands: K and k change the key."""

    @pytest.fixture
    def talk(self, daemon, certificate):
        running = []

        def start(*options):
            command = [part.format(host="localhost", port=daemon.internal[1], ca=certificate[0])
                       for part in s_client(*options)]
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                       stderr=subprocess.STDOUT, text=True, bufsize=1)
            running.append(process)
            return process, LineReader(process.stdout)

        yield start
        for process in running:
            process.kill()
            process.wait()

    @staticmethod
    def type_in(process, lines, text, wanted):
        before = len(lines.lines())
        process.stdin.write(text)
        process.stdin.flush()
        lines.await_line(wanted, start=before)

    def ask(self, process, lines):
        self.type_in(process, lines, "GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n",
                     r"HTTP/1\.1 200 ")

    @pytest.mark.parametrize("suite", SUITES)
    def test_key_updates_asked_for_and_not(self, talk, suite):
        process, lines = talk("-tls1_3", "-ciphersuites", suite)
        self.ask(process, lines)
        for letter in "KkkKK":
            self.type_in(process, lines, letter + "\n", "KEYUPDATE")
            self.ask(process, lines)

    def test_a_ticket_resumes(self, talk, tmp_path):
        session = str(tmp_path / "session")
        process, lines = talk("-tls1_3", "-sess_out", session)
        self.ask(process, lines)
        process.stdin.write("Q\n")
        process.stdin.close()
        process.wait(Deadline(10).remaining())
        process, lines = talk("-tls1_3", "-sess_in", session)
        lines.await_line("Reused, TLSv1.3")
        self.ask(process, lines)


class TestPython:
    def test_half_close_leaves_the_other_direction(self, daemon, certificate):
        """A client that has said close_notify still gets its answer, whole, and ours."""
        raw = socket.create_connection(daemon.internal, Deadline(10).remaining())
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = client_context(certificate[0]).wrap_bio(incoming, outgoing,
                                                      server_hostname="localhost")

        def drive(step):
            while True:
                try:
                    return step()
                except ssl.SSLWantReadError:
                    if said := outgoing.read():
                        raw.sendall(said)
                    data = raw.recv(65536)
                    incoming.write(data) if data else incoming.write_eof()

        with raw:
            drive(tls.do_handshake)
            tls.write(request("GET", "/healthz"))
            try:
                tls.unwrap()
            except ssl.SSLWantReadError:
                pass  # Our close_notify is written; theirs comes behind the answer.
            raw.sendall(outgoing.read())
            raw.shutdown(socket.SHUT_WR)
            answer = b""
            try:
                while data := drive(lambda: tls.read(65536)):
                    answer += data
            except ssl.SSLZeroReturnError:
                pass
            assert answer.startswith(b"HTTP/1.1 200 "), answer

    def test_a_slow_reader_gets_every_byte(self, daemon, topic):
        client = daemon.v1(address=TlsAddress(daemon.publics[0]), receive_buffer=16 << 10)
        client.subscribe(topic)
        client.stream.read_size = 2000
        publisher = daemon.v1(address=TlsAddress(daemon.publics[0]))
        ids = [publisher.publish(topic, "y" * 60_000) for _ in range(30)]
        for message in client.messages(30, 60):
            assert message["id"] == ids.pop(0)
            assert message["data"] == "y" * 60_000

    def test_a_reload_of_the_certificate_leaves_connections_alone(self, start, certificate,
                                                                  tmp_path):
        now = [str(tmp_path / name) for name in ("now.pem", "now.key")]
        for source, path in zip(certificate, now):
            shutil.copy(source, path)
        own = start({"listen": [{"address": "127.0.0.1:0", "tls": tls_section(now)}]})
        client = own.v1(address=TlsAddress(own.public))
        client.subscribe("open.x")
        for source, path in zip(make_certificate(tmp_path, "other"), now):
            shutil.copy(source, path)
        own.signal(signal.SIGHUP)
        own.log.await_line(r"\breloaded$")
        other = own.v1(address=TlsAddress(own.public))
        message_id = other.publish("open.x", "behind it")
        assert client.next_op("message")["id"] == message_id
