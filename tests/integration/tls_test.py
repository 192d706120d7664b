"""TLS: wss and https on listeners, certificates and their reload, peers that behave badly."""

import json
import os
import pathlib
import select
import shutil
import signal
import socket
import ssl
import subprocess
import time

import pytest

from byte_stream import ByteStream, StreamClosed
from cuttable_proxy import CuttableProxy
from daemon import binary, merged, run
from deadlines import PATIENCE, Deadline, eventually, patient
from history_checker import check_history
from http_client import HttpConnection, fetch
from tls import (RecordingRelay, TlsAddress, client_context, make_certificate, record_lengths,
                 tls_section)
from v1_client import offset_of

KIB, MIB = 1 << 10, 1 << 20
EXAMPLE = pathlib.Path(__file__).parents[2] / "conf/examples/tls.yaml"
TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """{name: (certificate, key)}"""
    directory = tmp_path_factory.mktemp("tls")
    return {name: make_certificate(directory, name, names) for name, names in {
        "main": "DNS:localhost,IP:127.0.0.1",
        "second": "DNS:second.example,DNS:*.wild.example",
        "third": "DNS:localhost",
    }.items()}


@pytest.fixture(scope="module")
def daemon_changes(certificates):
    return {
        "listen": [{"address": "127.0.0.1:0",
                    "tls": tls_section(certificates["main"], also=[tls_section(
                        certificates["second"])])},
                   {"address": "127.0.0.1:0"}],
        "topics": [{"match": "gap.>", "publish": "anyone",
                    "history": {"messages": 20, "bytes": "4MiB"}},
                   {"match": "open.>", "publish": "anyone"}],
        "limits": {"message_bytes": "4MiB"},
    }


@pytest.fixture
def wss(daemon):
    """`wss(...)` is a v1 client over TLS."""
    return lambda context=None, **options: daemon.v1(
        address=TlsAddress(daemon.publics[0], context), **options)


def tls_only(certificates, name="main", **changes):
    return merged({"listen": [{"address": "127.0.0.1:0", "tls": tls_section(certificates[name])}]},
                  changes)


def handshakes(daemon, result):
    return daemon.metric("wspushd_tls_handshakes_total", result=result)


def peer_name(stream):
    """The common name in the certificate that the server showed; its context verifies."""
    return dict(part[0] for part in stream.sock.getpeercert()["subject"])["commonName"]


class TestTraffic:
    @pytest.mark.parametrize("version", [TLS12, TLS13], ids=lambda v: v.name)
    def test_echo_of_every_size(self, daemon, certificates, version):
        context = client_context(certificates["main"][0], version)
        client = daemon.websocket(address=TlsAddress(daemon.publics[0], context))
        assert client.stream.sock.version() == version.name.replace("_", ".")
        for size in (0, 1, 125, 16 * KIB - 10, 16 * KIB, 100_000, 2 * MIB):
            payload = os.urandom(size)
            client.send_binary(payload)
            assert client.receive_binary(Deadline(20)) == payload
        client.send_close()
        client.expect_close(1000)

    def test_fan_out_reaches_plain_and_tls_subscribers_alike(self, daemon, wss, topic):
        clients = [wss() for _ in range(6)] + [daemon.v1(address=daemon.publics[1])
                                               for _ in range(6)]
        for client in clients:
            client.subscribe(topic)
        publisher = wss()
        ids = [publisher.publish(topic, n) for n in range(50)]
        ids += daemon.publish_many(topic, range(200))
        for client in clients:
            assert [message["id"] for message in client.messages(250)] == ids
        # Some leave, some come: the others do not notice.
        for client in clients[::3]:
            client.ok("unsubscribe", topic=topic)
        late = wss()
        late.subscribe(topic, after=ids[-5])
        assert [message["id"] for message in late.messages(4)] == ids[-4:]
        last = publisher.publish(topic, "end")
        for number, client in enumerate(clients):
            if number % 3:
                assert client.next_op("message")["id"] == last
        assert late.next_op("message")["id"] == last

    def test_bytes_one_by_one(self, daemon, wss, topic):
        client = wss()
        client.stream.read_size = 1
        client.subscribe(topic)
        daemon.publish(topic, "x" * 3000)
        assert client.next_op("message")["data"] == "x" * 3000

    def test_small_messages_are_gathered_into_full_records(self, daemon, topic):
        with RecordingRelay(daemon.publics[0]) as relay:
            client = daemon.v1(address=TlsAddress(relay.address, client_context(version=TLS13)))
            client.subscribe(topic)
            before = len(relay.from_server())
            daemon.publish_many(topic, ["y" * 100] * 400)
            client.messages(400)
            lengths = [length for _, length in record_lengths(relay.from_server()[before:])]
        assert sum(lengths) > 50_000
        # One turn of each of two reactors may have got only a part of the batch.
        assert len(lengths) <= 12, lengths
        assert max(lengths) == 16 * KIB + 17, lengths

    def test_the_server_ends_with_close_notify(self, wss):
        client = wss()
        client.send_close(1000)
        client.expect_close(1000)  # a FIN without it would be a reset to this client
        client.stream.expect_end()

    def test_a_client_that_is_cut_is_gone(self, start, certificates):
        own = start(tls_only(certificates))  # Where nobody else's going is counted.
        client = own.v1(address=TlsAddress(own.publics[0], None))
        eventually(lambda: own.metric("wspushd_connections") == 1, "it is there")
        client.stream.sock.shutdown(socket.SHUT_WR)  # no close_notify
        eventually(lambda: own.metric("wspushd_connections") == 0, "it is gone")

    def test_over_a_unix_socket(self, start, certificates, tmp_path):
        path = str(tmp_path / "tls.sock")
        own = start({"listen": [{"address": f"unix:{path}",
                                 "tls": tls_section(certificates["main"])},
                                {"address": "127.0.0.1:0"}]})
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(Deadline().remaining())
        sock.connect(path)
        context = client_context(certificates["main"][0])
        stream = ByteStream(context.wrap_socket(sock, server_hostname="localhost"))
        stream.send(b"GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n")
        assert stream.read_until(b"\r\n\r\n").startswith(b"HTTP/1.1 404 ")
        stream.close()
        eventually(lambda: handshakes(own, "full") == 1, "it is counted")


class TestHandshake:
    @pytest.mark.parametrize("name, shown", [
        ("localhost", "main"), ("second.example", "second"), ("a.wild.example", "second"),
        ("SECOND.example", "second"), ("unknown.example", "main"), (None, "main")])
    def test_the_name_chooses_the_certificate(self, daemon, certificates, name, shown):
        context = client_context(certificates[shown][0])
        context.check_hostname = False
        stream = daemon.stream(TlsAddress(daemon.publics[0], context, name))
        assert peer_name(stream) == shown

    @pytest.mark.parametrize("offer, chosen", [
        (["http/1.1"], "http/1.1"), (["h2", "http/1.1"], "http/1.1"), (None, None)])
    def test_alpn_is_http_1_1(self, daemon, offer, chosen):
        stream = daemon.stream(TlsAddress(daemon.publics[0], client_context(alpn=offer)))
        assert stream.sock.selected_alpn_protocol() == chosen

    def test_alpn_without_http_1_1_is_refused(self, daemon):
        with pytest.raises(ssl.SSLError, match="(?i)no.application.protocol"):
            daemon.stream(TlsAddress(daemon.publics[0], client_context(alpn=["h2"])))

    def test_min_version_shuts_out_tls_1_2(self, start, certificates):
        own = start({"listen": [{"address": "127.0.0.1:0",
                                 "tls": tls_section(certificates["main"], min_version="1.3")}]})
        with pytest.raises(ssl.SSLError, match="(?i)protocol.version"):
            own.stream(TlsAddress(own.public, client_context(version=TLS12)))
        assert own.stream(TlsAddress(own.public)).sock.version() == "TLSv1.3"

    @pytest.mark.parametrize("version", [TLS12, TLS13], ids=lambda v: v.name)
    def test_a_ticket_resumes_at_every_reactor(self, start, certificates, version):
        own = start(tls_only(certificates, reactors=3))
        context = client_context(certificates["main"][0], version)

        def visit(session):
            stream = own.stream(TlsAddress(own.public, context, session=session))
            stream.send(b"GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n")
            stream.read_until(b"\r\n\r\n")  # the ticket of TLS 1.3 came before
            return stream.sock.session, stream.sock.session_reused

        session, was_resumed = visit(None)
        assert not was_resumed
        for _ in range(12):  # three reactors: one alone gets all of them in 1 of 500,000 runs
            session, was_resumed = visit(session)
            assert was_resumed
        eventually(lambda: handshakes(own, "resumed") == 12, "all are counted")
        assert handshakes(own, "full") == 1

    def test_plain_http_is_closed_counted_and_told(self, start, certificates):
        own = start(tls_only(certificates))
        stream = own.stream()
        stream.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        stream.expect_end()
        own.log.await_line(r"1 TLS handshakes failed, the last: the peer does not speak TLS")
        eventually(lambda: handshakes(own, "not_tls") == 1, "it is counted")

    def test_a_refusal_before_the_handshake_has_no_words(self, start, certificates):
        own = start(tls_only(certificates, limits={"connections": 1}))
        own.stream(TlsAddress(own.public))
        other = own.stream()
        with pytest.raises(StreamClosed) as closed:
            other.send(b"\x16\x03\x01")
            while True:
                other.fill(Deadline())
        assert closed.value.buffered == b""
        assert own.metric("wspushd_handshakes_refused_total", status="503") == 1

    def test_whoever_dawdles_is_closed_and_holds_up_nobody(self, start, certificates):
        own = start(tls_only(certificates, handshake={"timeout": patient(2)}))
        dawdlers = []
        for number in range(200):
            dawdlers.append(own.stream())
            if number % 2:  # at once: the time of the first may be over before the last is open
                dawdlers[-1].send(b"\x16\x03\x01\x02")
        began = time.monotonic()
        for _ in range(5):
            own.stream(TlsAddress(own.public)).close()
        assert time.monotonic() - began < 1 * PATIENCE
        for each in dawdlers:
            each.expect_end(5)
        assert time.monotonic() - began < 5 * PATIENCE
        # Those that said nothing may have been probes.
        eventually(lambda: handshakes(own, "failed") == 100, "they are counted")
        assert own.metric("wspushd_limit_hits_total", limit="handshake_timeout") == 200

    def test_a_trickle_does_not_extend_the_time(self, start, certificates):
        own = start(tls_only(certificates, handshake={"timeout": "500ms"}))
        began = time.monotonic()
        stream = own.stream()
        for byte in b"\x16\x03\x01\x02\x00" + b"x" * 400:
            stream.send(bytes([byte]))
            if select.select([stream.sock], [], [], 0.02)[0]:
                break
        with pytest.raises(StreamClosed):
            stream.fill(Deadline())
        assert 0.4 < time.monotonic() - began < 3 * PATIENCE


class TestReload:
    @pytest.fixture
    def files(self, certificates, tmp_path):
        """Certificate and key of a listener, to be overwritten."""
        paths = (str(tmp_path / "now.pem"), str(tmp_path / "now.key"))

        def put(certificate, key):
            shutil.copy(certificates[certificate][0], paths[0])
            shutil.copy(certificates[key][1], paths[1])

        put("main", "main")
        return paths, put

    def shown(self, own, certificates):
        context = client_context(certificates["main"][0])
        context.load_verify_locations(certificates["third"][0])
        return peer_name(own.stream(TlsAddress(own.public, context)))

    def reloads(self, own, result):
        return own.metric("wspushd_reload_total", result=result)

    def test_new_handshakes_use_the_new_files_and_nobody_is_dropped(self, start, certificates,
                                                                    files):
        paths, put = files
        own = start({"listen": [{"address": "127.0.0.1:0", "tls": tls_section(paths)}]})
        client = own.v1(address=TlsAddress(own.public))
        client.subscribe("open.x")
        assert self.shown(own, certificates) == "main"
        half = own.stream()
        half.send(b"\x16\x03\x01")  # a handshake that has begun
        put("third", "third")
        own.signal(signal.SIGHUP)
        eventually(lambda: self.reloads(own, "ok") == 1, "it is reloaded")
        eventually(lambda: self.shown(own, certificates) == "third", "the new one is shown")
        message_id = own.publish("open.x", 1)["id"]
        assert client.next_op("message")["id"] == message_id
        client.publish("open.x", 2)

    def test_further_pairs_come_and_go(self, start, certificates):
        own = start(tls_only(certificates))
        context = client_context(certificates["second"][0])
        with pytest.raises(ssl.SSLCertVerificationError):
            own.stream(TlsAddress(own.public, context, "second.example"))
        own.config["listen"][0]["tls"]["also"] = [tls_section(certificates["second"])]
        own.reload()
        eventually(lambda: self.reloads(own, "ok") == 1, "it is reloaded")
        assert peer_name(own.stream(TlsAddress(own.public, context, "second.example"))) == "second"

    def test_a_key_of_another_certificate_changes_nothing(self, start, certificates, files):
        paths, put = files
        own = start({"listen": [{"address": "127.0.0.1:0", "tls": tls_section(paths)}]})
        put("third", "main")
        own.config["limits"]["headers"] = 7
        own.reload()
        eventually(lambda: self.reloads(own, "error") == 1, "it is refused")
        own.log.await_line(r"wspushd\.yaml:\d+:\d+: listen\[0\]\.tls\.key: .*now\.key: does not "
                           r"belong to the certificate .*now\.pem")
        assert self.shown(own, certificates) == "main"
        answer = fetch(own.internal, "GET", "/healthz", [(f"X-{n}", "1") for n in range(20)])
        assert answer.status == 200, "no key of the bad file is in force"
        put("third", "third")
        own.signal(signal.SIGHUP)
        eventually(lambda: self.reloads(own, "ok") == 1, "it is reloaded")
        eventually(lambda: self.shown(own, certificates) == "third", "the new one is shown")

    def test_a_file_that_is_gone_changes_nothing(self, start, certificates, files):
        paths, put = files
        own = start({"listen": [{"address": "127.0.0.1:0", "tls": tls_section(paths)}]})
        os.remove(paths[0])
        own.signal(signal.SIGHUP)
        eventually(lambda: self.reloads(own, "error") == 1, "it is refused")
        assert self.shown(own, certificates) == "main"


class TestStart:
    @pytest.mark.parametrize("what, key, message", [
        ("missing", "certificate", "cannot be read: No such file or directory"),
        ("foreign key", "key", "does not belong to the certificate"),
        ("junk", "certificate", "holds no PEM certificate")])
    @pytest.mark.parametrize("arguments", [[], ["--check"]], ids=["start", "check"])
    def test_bad_files_are_named_at_once(self, certificates, tmp_path, what, key, message,
                                         arguments):
        pair = list(certificates["main"])
        if what == "missing":
            pair[0] = str(tmp_path / "none.pem")
        elif what == "foreign key":
            pair[1] = certificates["third"][1]
        else:
            pair[0] = str(tmp_path / "junk.pem")
            (tmp_path / "junk.pem").write_text("junk\n")
        config = tmp_path / "wspushd.yaml"
        config.write_text("listen:\n  - address: 127.0.0.1:0\n    tls:\n"
                          f"      certificate: {pair[0]}\n      key: {pair[1]}\n"
                          "internal: {address: 127.0.0.1:0}\n")
        began = time.monotonic()
        done = run("wspushd", "--config", str(config), *arguments)
        assert time.monotonic() - began < 1 * PATIENCE
        line = 4 if key == "certificate" else 5
        assert done.returncode == 1
        file = pair[0] if key == "certificate" else pair[1]
        assert f"{config}:{line}:" in done.stderr
        assert f"listen[0].tls.{key}: {file}: {message}" in done.stderr, done.stderr

    def test_further_pairs_and_the_internal_listener_are_checked_too(self, certificates, tmp_path):
        config = tmp_path / "wspushd.yaml"
        config.write_text(json.dumps({
            "listen": [{"address": "127.0.0.1:0", "tls": tls_section(
                certificates["main"], also=[tls_section(("none.pem", "none.key"))])}],
            "internal": {"address": "127.0.0.1:0", "tls": tls_section(
                (certificates["main"][0], certificates["third"][1]))}}))
        done = run("wspushd", "--config", str(config), "--check")
        assert done.returncode == 1
        assert "listen[0].tls.also[0].certificate: none.pem: cannot be read" in done.stderr
        assert "internal.tls.key: " in done.stderr

    def test_the_example_is_good_where_its_files_are(self, certificates, tmp_path):
        text = EXAMPLE.read_text()
        for name, path in zip(("fullchain.pem", "key.pem"), certificates["main"]):
            assert f"/etc/wspushd/tls/{name}" in text
            text = text.replace(f"/etc/wspushd/tls/{name}", path)
        config = tmp_path / "tls.yaml"
        config.write_text(text)
        done = run("wspushd", "--config", str(config), "--check")
        assert done.returncode == 0 and done.stdout == f"{config}: OK\n", done

    def test_an_expired_certificate_is_a_warning(self, start, tmp_path):
        pair = make_certificate(tmp_path, "old", days=-1)
        own = start({"listen": [{"address": "127.0.0.1:0", "tls": tls_section(pair)}]})
        own.log.await_line(r"listen\[0\]\.tls: .*old\.pem: the certificate has expired on ")
        own.stream(TlsAddress(own.public))


class TestInternalListener:
    def test_speaks_https(self, start, certificates):
        own = start({"internal": {"address": "127.0.0.1:0",
                                  "tls": tls_section(certificates["main"])}})
        client = own.v1()
        client.subscribe("open.x")
        address = TlsAddress(own.internal, client_context(certificates["main"][0]))
        answer = fetch(address, "POST", "/api/topics/open.x/messages",
                       {"Content-Type": "application/json"}, b'{"over":"tls"}')
        assert answer.status == 201, answer
        assert client.next_op("message")["data"] == {"over": "tls"}
        with HttpConnection(address) as connection:
            for _ in range(3):
                assert connection.request("GET", "/readyz").status == 200
        with pytest.raises(StreamClosed):
            fetch(own.internal, "GET", "/readyz")

    def test_takes_a_long_body_piece_by_piece(self, start, certificates):
        own = start({"internal": {"address": "127.0.0.1:0",
                                  "tls": tls_section(certificates["main"])}})
        lines = b"".join(b'{"topic":"open.x","data":%d}\n' % n for n in range(20_000))
        answer = fetch(TlsAddress(own.internal), "POST", "/api/messages",
                       {"Content-Type": "application/x-ndjson"}, lines)
        assert answer.status == 200 and answer.json()["published"] == 20_000, answer


class TestCompanion:
    @pytest.fixture
    def own(self, start, certificates):
        own = start(tls_only(certificates, internal={"address": "127.0.0.1:0", "tls": tls_section(
            certificates["main"])}))
        own.internal = TlsAddress(own.internal)
        return own

    @staticmethod
    def urls(own, host="localhost"):
        return ("--url", f"wss://{host}:{own.public[1]}",
                "--api", f"https://{host}:{own.internal[1]}")

    def publish(self, own, certificates, data, *more, stdin=None):
        done = run("wspush", "pub", "open.x", *data, *self.urls(own), "--ca",
                   certificates["main"][0], *more, stdin=stdin)
        assert done.returncode == 0, done.stderr

    def test_subscribes_and_publishes(self, own, certificates):
        self.publish(own, certificates, ["hello"])
        self.publish(own, certificates, [], stdin="x" * 60_000)
        self.publish(own, certificates, ["--ndjson"], stdin="".join(
            f'"{n}{"y" * 200}"\n' for n in range(2000)))
        done = run("wspush", "sub", "open.x", "--count", "2", "--after", "first", *self.urls(own),
                   "--ca", certificates["main"][0])
        assert done.returncode == 0, done.stderr
        lines = done.stdout.splitlines()
        assert len(lines) == 2
        eventually(lambda: own.metric("wspushd_messages_published_total") == 2002, "all of them")

    def test_comes_back_after_a_cut(self, own, certificates):
        with CuttableProxy(own.public) as proxy:
            process = subprocess.Popen(
                [binary("wspush"), "sub", "open.x", "--url", f"wss://localhost:{proxy.address[1]}",
                 "--ca", certificates["main"][0], "--count", "2"], stdout=subprocess.PIPE,
                stderr=subprocess.PIPE, text=True)
            eventually(lambda: own.metric("wspushd_subscriptions") == 1, "it is subscribed")
            self.publish(own, certificates, ["one"])
            assert process.stdout.readline() == "one\n"
            proxy.cut()
            self.publish(own, certificates, ["two"])
            out, err = process.communicate(timeout=Deadline(10).remaining())
        assert (out, process.returncode) == ("two\n", 0), err

    def test_believes_only_whom_it_is_told_to(self, own, certificates):
        def attempt(host, *trust):
            done = run("wspush", "pub", "open.x", "1", *self.urls(own, host), *trust)
            return done.returncode, done.stderr

        assert attempt("localhost", "--insecure")[0] == 0
        assert attempt("127.0.0.1", "--ca", certificates["main"][0])[0] == 0
        code, told = attempt("localhost")
        assert code == 1 and "TLS: self-signed certificate; give who vouches" in told, told
        code, told = attempt("localhost", "--ca", certificates["third"][0])
        assert code == 1 and "--ca" in told, told
        code, told = attempt("localhost", "--ca", "/nowhere")
        assert code == 1 and "/nowhere cannot be read" in told, told

    def test_a_wrong_name_is_no_match(self, start, certificates):
        own = start(tls_only(certificates, "second"))
        done = run("wspush", "sub", "open.x", "--url", f"wss://localhost:{own.public[1]}", "--ca",
                   certificates["second"][0])
        assert done.returncode == 1 and "TLS: hostname mismatch" in done.stderr, done.stderr

    def test_a_plain_server_is_named_so(self, start, certificates):
        own = start()
        done = run("wspush", "sub", "open.x", "--url", f"wss://localhost:{own.public[1]}",
                   "--insecure")
        assert done.returncode == 1 and "the peer does not speak TLS" in done.stderr, done.stderr
        own = start(tls_only(certificates))
        done = run("wspush", "sub", "open.x", "--url", f"ws://localhost:{own.public[1]}")
        assert done.returncode == 1, done.stderr


class TestDrain:
    def test_says_1001_and_close_notify(self, start, certificates):
        own = start(tls_only(certificates))
        clients = [own.v1(address=TlsAddress(own.public)) for _ in range(10)]
        half = own.stream()
        half.send(b"\x16\x03\x01")
        own.signal(signal.SIGTERM)
        for client in clients:
            client.expect_close(1001)
        assert own.await_exit(10) == 0  # for five seconds the half one may still close


class TestSlowReader:
    PAYLOAD = "x" * (60 * KIB)
    FLOOD = 400  # messages of 60 KiB: 24 MB, more than any socket buffer of the machine takes

    def stalled(self, daemon, topic):
        client = daemon.v1(address=TlsAddress(daemon.publics[0]), receive_buffer=16 * KIB)
        answer = client.subscribe(topic)
        daemon.publish(topic, "first")
        client.next_op("message")
        return client, answer

    def flood(self, daemon, topic):
        for number in range(0, self.FLOOD, 10):
            daemon.publish_many(topic, [[n, self.PAYLOAD] for n in range(number, number + 10)])
        return daemon.publish(topic, "end")["id"]

    def test_is_told_of_the_gap_and_goes_on(self, daemon, unique):
        topic = unique("gap")
        client, answer = self.stalled(daemon, topic)
        last = self.flood(daemon, topic)
        epoch, start = answer["last"].split("-")[0], offset_of(answer["last"])
        events = [{"event": "subscribed", "subscription": "s", "topic": topic,
                   "last": answer["last"]},
                  {"event": "message", "subscription": "s", "topic": topic,
                   "id": f"{epoch}-{start + 1}", "payload": "first"}]
        gaps, deadline = 0, Deadline(30)
        while True:
            event = client.next_event(deadline)
            if event["op"] == "gap":
                gaps += 1
                events.append({"event": "gap", "subscription": "s", "topic": event["topic"],
                               "after": event["after"], "next": event["next"]})
                continue
            assert event["op"] == "message", event
            events.append({"event": "message", "subscription": "s", "topic": event["topic"],
                           "id": event["id"], "payload": str(event["data"])[:20]})
            if event["id"] == last:
                break
        assert gaps >= 1
        events.append({"event": "settled", "subscription": "s", "topic": topic, "last": last})
        assert check_history(events) == []
        new = daemon.publish(topic, "live again")["id"]
        assert client.next_op("message")["id"] == new

    @pytest.mark.skipif(bool(os.environ.get("WSPUSH_TEST_SANITIZED")), reason="measures memory")
    def test_many_of_them_cost_little_and_hold_up_nobody(self, daemon, wss, unique):
        topic = unique("gap")
        reader = wss()
        reader.subscribe(topic)
        before = daemon.resident_bytes()
        stalled = [self.stalled(daemon, topic)[0] for _ in range(30)]
        reader.messages(30)
        for number in range(0, self.FLOOD, 10):
            ids = daemon.publish_many(topic, [[n, self.PAYLOAD]
                                              for n in range(number, number + 10)])
            assert [m["id"] for m in reader.messages(10, 10)] == ids
        grown = daemon.resident_bytes() - before
        # The log, what each stream keeps (at most 64 KiB), a cut frame; not 24 MB for each.
        assert grown < 4 * MIB * 2 + len(stalled) * 256 * KIB, f"{grown / MIB:.1f} MiB"

    def test_a_reader_of_nothing_is_closed_after_the_write_timeout(self, start, certificates):
        own = start(tls_only(certificates, limits={"write_timeout": "500ms"}))
        client = own.v1(address=TlsAddress(own.public), receive_buffer=16 * KIB)
        client.subscribe("open.x")
        payload = "x" * (60 * KIB)
        for _ in range(100):
            own.publish_many("open.x", [payload] * 10)
            if own.metric("wspushd_limit_hits_total", limit="write_timeout"):
                break
        eventually(lambda: own.metric("wspushd_limit_hits_total", limit="write_timeout") == 1,
                   "it is found")
        eventually(lambda: own.metric("wspushd_connections") == 0, "it is closed", 10)


class TestBehindAProxyHeader:
    """The header comes first, in plain bytes, and TLS behind it."""

    @staticmethod
    def config(certificates, **changes):
        return merged({"listen": [{"address": "127.0.0.1:0", "proxy_protocol": True,
                                   "tls": tls_section(certificates["main"])}],
                       "trusted_proxies": ["127.0.0.0/8"]}, changes)

    @staticmethod
    def connect(own, source):
        sock = socket.create_connection(own.public, Deadline(10).remaining())
        sock.sendall(f"PROXY TCP4 {source} 192.0.2.9 1000 443\r\n".encode())
        return sock

    def test_the_handshake_follows_and_the_address_is_the_clients(self, start, certificates):
        own = start(self.config(certificates))
        sock = client_context(certificates["main"][0]).wrap_socket(
            self.connect(own, "198.51.100.7"), server_hostname="localhost")
        with sock:
            sock.sendall(b"GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert sock.recv(4096).startswith(b"HTTP/1.1 404 ")

    def test_a_client_over_its_limit_is_closed_without_a_plain_word(self, start, certificates):
        own = start(self.config(certificates, limits={"connections_per_ip": 1}))
        with self.connect(own, "198.51.100.7") as first, \
                self.connect(own, "198.51.100.7") as second:
            second.settimeout(Deadline(10).remaining())
            assert second.recv(4096) == b""
            assert own.metric("wspushd_limit_hits_total", limit="connections_per_ip") == 1
            first.close()
