"""The internal listener as an HTTP server: who is let in, connections, methods, health, metrics."""

import re
import socket

import pytest

from daemon import Daemon, messages_path
from deadlines import eventually
from http_client import build_request, chunk
from prometheus_text import parse_metrics
from websocket_frames import PING, encode_frame

PUBLISH = messages_path("open.x")


class TestApiKeys:
    @pytest.fixture(scope="class")
    def locked(self):
        with Daemon({"internal": {"api_keys": [
                "all-of-it", {"key": "news-only", "topics": ["open.news.>"]},
                {"key": "publisher", "can": ["publish"]},
                {"key": "reader", "can": ["read"]}]}}) as own:
            yield own

    def call(self, daemon, key, method="POST", path=PUBLISH, body=b"1"):
        headers = {} if key is None else {"Authorization": f"Bearer {key}"}
        if body:
            headers["Content-Type"] = "application/json"
        return daemon.api(method, path, body, headers)

    def test_without_any_configured_loopback_needs_none(self, daemon):
        assert self.call(daemon, None).status == 201
        assert self.call(daemon, "anything").status == 201

    @pytest.mark.parametrize("key",
                             [None, "", "wrong", "all-of-i", "all-of-it2", "ALL-OF-IT",
                              "all-of-it all-of-it"])
    def test_are_asked_for_once_there_are_some(self, locked, key):
        answer = self.call(locked, key)
        assert answer.status == 401, answer
        assert answer.error()["code"] == "unauthenticated"

    @pytest.mark.parametrize("value",
                             ["all-of-it", "Basic all-of-it", "Bearer", "Bearer\tall-of-it x"])
    def test_have_to_come_as_bearer(self, locked, value):
        assert locked.api("POST", PUBLISH, b"1", {"Authorization": value}).status == 401

    def test_open_everything_under_api(self, locked):
        assert self.call(locked, "all-of-it").status == 201
        for path in ("/api/topics", "/api/connections", PUBLISH):
            assert self.call(locked, "all-of-it", "GET", path, None).status == 200
            assert self.call(locked, None, "GET", path, None).status == 401
        assert self.call(locked, None, "GET", "/api/nope", None).status == 401

    def test_may_be_for_some_topics(self, locked):
        assert self.call(locked, "news-only", path=messages_path("open.news.uk")).status == 201
        answer = self.call(locked, "news-only")
        assert answer.status == 403 and answer.error()["code"] == "forbidden"
        assert self.call(locked, "news-only", "GET", PUBLISH, None).status == 403

    def test_for_some_topics_are_asked_for_each_of_a_batch(self, locked):
        answer = self.call(locked, "news-only", path="/api/messages", body=(
            b'{"messages":[{"topic":"open.news.a","data":1},{"topic":"open.x","data":1}]}'))
        results = answer.json()["results"]
        assert "id" in results[0] and results[1]["error"]["code"] == "forbidden"

    def test_may_be_for_publishing_or_reading(self, locked):
        assert self.call(locked, "publisher").status == 201
        assert self.call(locked, "publisher", "GET", PUBLISH, None).status == 403
        assert self.call(locked, "reader").status == 403
        assert self.call(locked, "reader", "GET", PUBLISH, None).status == 200

    def test_are_not_asked_for_outside_of_api(self, locked):
        for path in ("/metrics", "/healthz", "/readyz"):
            assert locked.api("GET", path).status == 200

    def test_may_stand_in_a_file(self, start, tmp_path):
        keys = tmp_path / "keys"
        keys.write_text("first\nsecond\n")
        own = start({"internal": {"api_keys_file": str(keys)}})
        assert [self.call(own, key).status for key in ("first", "second", "third", None)] == [201,
                                                                                              201,
                                                                                              401,
                                                                                              401]

    def test_can_be_reloaded(self, start):
        own = start({"internal": {"api_keys": ["old"]}})
        own.reload({"internal": {"api_keys": ["new"]}})
        eventually(lambda: self.call(own, "new").status == 201, "the new key is known")
        eventually(lambda: self.call(own, "old").status == 401, "the old one is not, anywhere")

    def test_never_stand_in_the_log(self, start):
        own = start({"internal": {"api_keys": ["very-secret-one"]},
                     "log": {"level": "trace", "access": True}})
        self.call(own, "very-secret-one")
        self.call(own, "very-secret-two")
        own.stop()
        assert "very-secret" not in own.log.text()


class TestBrowsersOnThisMachine:
    @pytest.mark.parametrize("path", ["/api/topics", "/metrics", "/healthz"])
    def test_a_foreign_origin_is_403(self, daemon, path):
        for origin in ("http://evil.test", "null", f"http://127.0.0.1:{daemon.public[1]}",
                       "http://localhost"):
            answer = daemon.api("GET", path, headers={"Origin": origin})
            assert answer.status == 403 and answer.error(), origin

    def test_the_own_origin_is_let_in(self, daemon):
        port = daemon.internal[1]
        assert daemon.api("GET", "/api/topics",
                          headers={"Origin": f"http://127.0.0.1:{port}"}).status == 200
        answer = daemon.api("GET", "/api/topics", headers={"Origin": f"http://localhost:{port}"},
                            host=f"localhost:{port}")
        assert answer.status == 200

    def test_a_plain_text_post_from_a_page_publishes_nothing(self, daemon, topic):
        answer = daemon.api("POST", messages_path(topic), b"x", {
            "Origin": "http://evil.test", "Content-Type": "text/plain"})
        assert answer.status == 403
        assert daemon.api("GET", messages_path(topic)).json()["messages"] == []

    @pytest.mark.parametrize("host, status", [
        ("127.0.0.1", 200), ("10.1.2.3:8081", 200), ("[::1]", 200), ("[::1]:99", 200),
        ("localhost", 200),
        ("LocalHost:1", 200), ("evil.test", 403), ("localhost.evil.test", 403),
        ("127.0.0.1.evil.test", 403),
        ("evil.test:8081", 403), ("push.internal", 403)])
    def test_the_host_has_to_be_an_address_or_localhost(self, daemon, host, status):
        assert daemon.api("GET", "/api/topics", host=host).status == status

    def test_or_one_of_internal_hosts(self, start):
        own = start({"internal": {"hosts": ["push.internal"]}})
        for host, status in (("push.internal", 200), ("push.internal:8081", 200),
                             ("PUSH.internal", 200),
                             ("x.push.internal", 403), ("evil.test", 403)):
            assert own.api("GET", "/api/topics", host=host).status == status, host


class TestConnections:
    def test_serve_many_requests(self, daemon):
        connection = daemon.http("internal")
        for number in range(20):
            assert connection.request("POST", PUBLISH, {"Content-Type": "application/json"},
                                      b"1").status == 201
            assert connection.request("GET", "/healthz").status == 200

    def test_serve_pipelined_requests_in_order(self, daemon, topic):
        connection = daemon.http("internal")
        connection.send(b"".join(
            build_request("POST", messages_path(topic), {"Content-Type": "text/plain"},
                          str(n).encode())
            + build_request("GET", messages_path(topic, "?limit=1")) for n in range(30)))
        for number in range(30):
            message_id = connection.read_response().json()["id"]
            assert connection.read_response().json()["messages"] == [{"id": message_id,
                                                                      "data": str(number)}]

    def test_end_when_asked_to(self, daemon):
        connection = daemon.http("internal")
        answer = connection.request("GET", "/healthz", {"Connection": "close"})
        assert answer.status == 200 and answer.header("Connection").lower() == "close"
        connection.expect_end()

    def test_of_http_1_0_end_after_the_answer(self, daemon):
        connection = daemon.http("internal")
        assert connection.request("GET", "/healthz", version="HTTP/1.0").status == 200
        connection.expect_end()

    def test_who_has_said_all_and_reads_slowly_gets_the_whole_answer(self, daemon):
        path = messages_path("open.slow-reader")
        for _ in range(15):
            assert daemon.api("POST", path, b'"%s"' % (b"x" * 60_000),
                              {"Content-Type": "application/json"}).status == 201
        with socket.socket() as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.settimeout(10)
            sock.connect(tuple(daemon.internal))
            sock.sendall(build_request("GET", path))
            sock.shutdown(socket.SHUT_WR)
            for _ in range(3):  # Turns in which it is seen that we send nothing more.
                assert daemon.api("GET", "/healthz").status == 200
            answer = b""
            while got := sock.recv(65536):
                answer += got
        head, _, body = answer.partition(b"\r\n\r\n")
        assert len(body) == int(re.search(rb"Content-Length: (\d+)", head)[1]) > 800_000

    def test_go_on_after_a_refusal_of_a_whole_request(self, daemon):
        connection = daemon.http("internal")
        assert connection.request("POST", PUBLISH, {"Content-Type": "application/json"},
                                  b"{").status == 400
        assert connection.request("GET", "/healthz").status == 200

    def test_answer_expect_100_continue(self, daemon):
        connection = daemon.http("internal")
        connection.send_request("POST", PUBLISH, {"Expect": "100-continue", "Content-Length": "1",
                                                  "Content-Type": "application/json"})
        assert connection.stream.read_until(b"\r\n\r\n").startswith(b"HTTP/1.1 100 ")
        connection.send(b"1")
        assert connection.read_response().status == 201

    @pytest.mark.parametrize("body", [
        b"x\r\n", b"-1\r\n", b"+5\r\nhello\r\n0\r\n\r\n", b"5\r\nhelloX\r\n0\r\n\r\n",
        b"5\nhello\r\n0\r\n\r\n",
        b"ffffffffffffffffff\r\n", b"0x5\r\nhello\r\n0\r\n\r\n", b" 5\r\nhello\r\n0\r\n\r\n",
        b"\r\n"], ids=repr)
    def test_with_a_broken_chunk_get_400_and_end(self, daemon, body):
        connection = daemon.http("internal")
        connection.send_request("POST", PUBLISH, {"Transfer-Encoding": "chunked"})
        connection.send(body)
        answer = connection.read_response()
        assert answer.status in (400, 413), answer
        connection.expect_end()

    @pytest.mark.parametrize("lines", [
        b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
        b"Content-Length: 1\r\nContent-Length: 2\r\n",
        b"Transfer-Encoding : chunked\r\n", b"Transfer-Encoding: x\r\n", b"X: a\r\n b\r\n",
        b"X: a\nb\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"], ids=repr)
    def test_with_a_head_that_could_smuggle_get_400_and_end(self, daemon, lines):
        connection = daemon.http("internal")
        connection.send(b"POST " + PUBLISH.encode() + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n" + lines + b"\r\n"
                        + chunk(b"1") + chunk(b""))
        answer = connection.read_response()
        assert answer.status in (400, 501), answer
        connection.expect_end()

    def test_without_host_get_400(self, daemon):
        assert daemon.api("GET", "/healthz", host=None).status == 400

    def test_with_long_lines_get_414_and_431(self, daemon):
        assert daemon.api("GET", "/api/topics?prefix=" + "x" * 9000).status == 414
        assert daemon.api("GET", "/healthz", headers={"X": "y" * 17000}).status == 431


class TestABodyThatIsCutShort:
    """A FIN before the body was whole: who sent it may still read, so it is told."""

    @pytest.mark.parametrize("headers, part", [
        ({"Content-Length": "10"}, b"12345"), ({"Content-Length": "10"}, b""),
        ({"Transfer-Encoding": "chunked"}, b"5\r\n12"), ({"Transfer-Encoding": "chunked"}, b""),
        ({"Transfer-Encoding": "chunked", "Content-Type": "application/x-ndjson"},
         b'5\r\n{"top\r\n')], ids=repr)
    def test_is_a_bad_request(self, daemon, topic, headers, part):
        path = "/api/messages" if "Content-Type" in headers else messages_path(topic)
        connection = daemon.http("internal")
        connection.send(build_request("POST", path, headers, host="127.0.0.1") + part)
        connection.stream.finish_writing()
        answer = connection.read_response()
        assert answer.status == 400 and answer.error()["code"] == "bad_request"
        connection.expect_end()
        assert daemon.api("GET", messages_path(topic)).json()["messages"] == []


class TestMethodsAndPaths:
    @pytest.mark.parametrize("path",
                             ["/nope", "/api", "/api/", "/api/nope", "/healthz/",
                              "/api/topics/open.x/nope", "/ws",
                                      "/metrics/x"])
    def test_an_unknown_path_is_404(self, daemon, path):
        answer = daemon.api("GET", path)
        assert answer.status == 404 and answer.error()

    @pytest.mark.parametrize("method, path, allowed", [
        ("PUT", PUBLISH, {"GET", "POST", "DELETE"}), ("GET", "/api/messages", {"POST"}),
        ("POST", "/healthz", {"GET"}),
        ("POST", "/metrics", {"GET"}), ("DELETE", "/api/topics", {"GET"}),
        ("POST", "/api/connections/x", {"GET", "DELETE"}),
        ("GET", "/api/users/x/connections", {"DELETE"}), ("PATCH", "/readyz", {"GET"})])
    def test_another_method_is_405_with_allow(self, daemon, method, path, allowed):
        answer = daemon.api(method, path)
        assert answer.status == 405 and answer.error()
        assert set(re.split(r",\s*", answer.header("Allow"))) - {"HEAD", "OPTIONS"} == allowed

    def test_head_has_no_body(self, daemon):
        connection = daemon.http("internal")
        connection.send_request("HEAD", "/healthz")
        head = connection.read_response("HEAD")
        assert head.status in (200, 405)
        assert connection.request("GET", "/healthz").status == 200  # and nothing between them


class TestHealth:
    def test_it_is_alive_and_ready(self, daemon):
        assert daemon.api("GET", "/healthz").status == 200
        assert daemon.api("GET", "/readyz").status == 200

    def test_the_public_listener_shows_nothing_of_it(self, daemon):
        for path in ("/metrics", "/healthz", "/api/topics", "/api/connections"):
            assert daemon.http().request("GET", path).status == 404


class TestMetrics:
    def test_are_in_the_prometheus_text_format(self, daemon):
        answer = daemon.api("GET", "/metrics")
        assert answer.header("Content-Type").startswith("text/plain")
        assert "version=0.0.4" in answer.header("Content-Type")
        assert parse_metrics(answer.body.decode()).samples

    def test_are_in_openmetrics_where_asked_for(self, daemon):
        answer = daemon.api("GET", "/metrics", headers={
            "Accept": "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"})
        assert answer.header("Content-Type").startswith("application/openmetrics-text")
        metrics = parse_metrics(answer.body.decode(), open_metrics=True)
        assert metrics.types["wspushd_connections"] == "gauge"

    def test_have_the_names_that_are_promised(self, daemon):
        types = daemon.metrics().types
        assert types["wspushd_connections"] == "gauge"
        for name in ("limit_hits", "reload", "loop_stalls", "log_dropped"):
            assert types[f"wspushd_{name}_total"] == "counter", name
        assert types["wspushd_broker_up"] == "gauge"  # without a sample: there is no broker
        assert all(name.startswith("wspushd_") or name.startswith("process_") for name in types)

    def test_count_the_open_connections(self, daemon):
        daemon.close_clients()
        eventually(lambda: daemon.metric("wspushd_connections") == 0, "all are gone")
        for _ in range(9):
            daemon.v1()
        eventually(lambda: daemon.metric("wspushd_connections") == 9, "nine are counted")
        daemon.close_clients()
        eventually(lambda: daemon.metric("wspushd_connections") == 0, "all are gone again")

    def test_count_the_limits_that_were_hit(self, daemon):
        before = daemon.metric("wspushd_limit_hits_total")
        client = daemon.websocket("/echo")
        client.send_bytes(encode_frame(PING) * 500)
        client.expect_close(1008, messages_before=True)
        metrics = daemon.metrics()
        assert metrics.total("wspushd_limit_hits_total") > before
        assert all(labels.get("limit") for name, labels, _ in metrics.samples
                   if name == "wspushd_limit_hits_total")
