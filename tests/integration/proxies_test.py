"""Behind real proxies, nginx and HAProxy, over ws and wss, with every way in which they tell the
client's address; and behind balancers that spoil the headers of the handshake."""

import itertools
import pathlib
import signal

import pytest

from daemon import Daemon
from deadlines import eventually
from proxies import (CLIENT, Certificate, HaProxy, Nginx, connect, open_v1, open_websocket,
                     shake_hands)
from sse_client import SseClient
from websocket_client import ConnectionClosed

EXAMPLES = pathlib.Path(__file__).parents[2] / "conf" / "examples"

_numbers = itertools.count(1)

# The proxies come from 127.0.0.1, their clients do not.
BEHIND_A_PROXY = {"listen": [{"address": "127.0.0.1:0"},
                             {"address": "127.0.0.1:0", "proxy_protocol": True}],
                  "trusted_proxies": ["127.0.0.1/32"], "subprotocols": ["chat"]}

UPGRADE = """
    proxy_http_version 1.1;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection upgrade;
    proxy_set_header Host $http_host;
"""


def nginx_server(listen, upstream, settings, tls=""):
    return f"  server {{ listen 127.0.0.1:{listen}{' ssl' if tls else ''};{tls}\n" \
           f"    location / {{ proxy_pass http://127.0.0.1:{upstream};{settings} }} }}\n"


class Fronts:
    """All the proxies in front of one daemon. The names of ports: `<way>` for ws, `<way>-tls`."""

    WAYS = ["nginx-forwarded", "nginx-stream", "haproxy-forwarded", "haproxy-v1", "haproxy-v2"]

    def __init__(self, directory, plain, with_header):
        certificate = Certificate(str(directory))
        self.context = certificate.client_context()
        tls = f" ssl_certificate {certificate.certificate}; " \
              f"ssl_certificate_key {certificate.key};"
        forwarded = UPGRADE + "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;"

        def http(ports):
            return (nginx_server(ports["nginx-forwarded"], plain, forwarded)
                    + nginx_server(ports["nginx-forwarded-tls"], plain, forwarded, tls))

        def stream(ports):
            return "".join(
                f"  server {{ listen 127.0.0.1:{ports[name]}{ssl}; proxy_pass "
                f"127.0.0.1:{with_header}; proxy_protocol on; }}\n"
                for name, ssl in (("nginx-stream", ""), ("nginx-stream-tls", f" ssl;{tls[:-1]}")))

        def sections(ports):
            text = ""
            for way, server, option in (("haproxy-forwarded", plain, "option forwardfor"),
                                        ("haproxy-v1", f"{with_header} send-proxy", ""),
                                        ("haproxy-v2", f"{with_header} send-proxy-v2", "")):
                text += f"""
listen {way}
  bind 127.0.0.1:{ports[way]}
  bind 127.0.0.1:{ports[way + '-tls']} ssl crt {certificate.both} alpn http/1.1
  {option}
  server one 127.0.0.1:{server}
"""
            return text

        names = [name for way in self.WAYS for name in (way, way + "-tls")]
        self._nginx = Nginx([name for name in names if name.startswith("nginx")], http, stream)
        try:
            self._haproxy = HaProxy([name for name in names if name.startswith("haproxy")],
                                    sections)
        except BaseException:
            self._nginx.close()
            raise
        self._opened = []

    def connect(self, way, is_tls, **options):
        proxy = self._nginx if way.startswith("nginx") else self._haproxy
        connection = connect(proxy.address(way + "-tls" if is_tls else way),
                             self.context if is_tls else None, **options)
        self._opened.append(connection)
        return connection

    def close_clients(self):
        for connection in self._opened:
            connection.close()
        self._opened.clear()

    def close(self):
        self.close_clients()
        self._nginx.close()
        self._haproxy.close()


@pytest.fixture(scope="module")
def behind():
    with Daemon(BEHIND_A_PROXY) as running:
        yield running


@pytest.fixture(scope="module")
def _fronts(behind, tmp_path_factory):
    plain, with_header = (address[1] for address in behind.publics)
    fronts = Fronts(tmp_path_factory.mktemp("tls"), plain, with_header)
    yield fronts
    fronts.close()


@pytest.fixture
def fronts(_fronts):
    yield _fronts
    _fronts.close_clients()


@pytest.fixture(params=Fronts.WAYS)
def way(request):
    return request.param


@pytest.fixture(params=["ws", "wss"])
def enter(request, way, fronts):
    """`enter()` is a new connection through the proxy."""
    return lambda **options: fronts.connect(way, request.param == "wss", **options)


@pytest.fixture
def topic():
    return f"open.t{next(_numbers)}"


class TestThroughAProxy:
    def test_commands_and_messages_pass(self, behind, enter, topic):
        client = open_v1(enter())
        assert client.subprotocol == "wspush.v1"
        client.subscribe(topic)
        behind.publish(topic, {"from": "the API"})
        client.publish(topic, "from the client")
        assert [message["data"] for message in client.messages(2)] == [
            {"from": "the API"}, "from the client"]

    def test_raw_messages_pass(self, behind, enter, topic):
        client = open_websocket(enter(), f"/topics/{topic}", Sec_WebSocket_Protocol="nope, chat")
        assert client.subprotocol == "chat"
        behind.publish(topic, b"text", "text/plain")
        assert client.receive_text() == "text"
        client.send_text("back")
        assert client.receive_text() == "back"

    def test_events_pass_one_by_one_and_unbuffered(self, behind, enter, topic):
        client = SseClient.open(None, f"/topics/{topic}", connection=enter()).start()
        for number in range(5):
            behind.publish(topic, number)
            assert client.data(1) == [str(number)]
        back = SseClient.open(None, f"/topics/{topic}", {"Last-Event-ID": client.parser.last_id},
                              connection=enter())
        behind.publish(topic, "back")
        assert client.data(1) == back.data(1) == ['"back"']

    def test_polls_pass(self, behind, enter, topic):
        connection = enter()
        position = connection.request("GET", f"/topics/{topic}").header("Wspush-Last")
        connection.send_request("GET", f"/topics/{topic}?after={position}&wait=20")
        eventually(lambda: behind.subscribers(topic) == 1, "the poll waits")
        message = behind.publish(topic, "news")["id"]
        assert connection.read_response().json()["last"] == message

    def test_large_messages_and_pings_pass_both_ways(self, enter):
        client = open_websocket(enter())
        client.send_binary(bytes(range(256)) * 2000)
        assert client.receive_binary() == bytes(range(256)) * 2000
        client.send_frame(9, b"are you there")
        assert client.receive_pong() == b"are you there"

    def test_close_codes_pass_both_ways(self, behind, enter):
        client = open_v1(enter())
        connection = client.welcome["connection"]
        assert behind.api("DELETE", f"/api/connections/{connection}").status == 204
        with pytest.raises(ConnectionClosed) as closed:
            client.receive()
        assert closed.value.code == 4003
        client = open_websocket(enter())
        client.send_close(3456)
        client.expect_close(3456)

    def test_the_address_is_the_clients(self, behind, enter):
        eventually(lambda: behind.metric("wspushd_connections", door="wspush.v1") == 0,
                   "nobody is there")
        client = open_v1(enter())
        seen = behind.api("GET", f"/api/connections/{client.welcome['connection']}").json()
        assert seen["address"] == CLIENT

    def test_a_forged_address_is_not_believed(self, behind, enter):
        client = open_v1(enter(), X_Forwarded_For="192.0.2.66", Forwarded="for=192.0.2.66")
        seen = behind.api("GET", f"/api/connections/{client.welcome['connection']}").json()
        assert seen["address"] == CLIENT

    def test_refusals_pass_with_their_bodies(self, enter):
        for path, changes, status in (("/nope", {}, 404), ("/topics/nowhere", {}, 403),
                                      ("/ws", {"Sec_WebSocket_Version": "8"}, 426),
                                      ("/ws", {"Origin": "http://elsewhere.example"}, 403)):
            answer = shake_hands(enter(), path, **changes)
            assert answer.status == status, path
            assert answer.error()["code"]


class TestLimitsOfOneAddress:
    @pytest.fixture(scope="class")
    def behind(self):
        with Daemon({**BEHIND_A_PROXY, "limits": {"connections_per_ip": 2}}) as running:
            yield running

    @pytest.fixture(scope="class")
    def _fronts(self, behind, tmp_path_factory):
        plain, with_header = (address[1] for address in behind.publics)
        fronts = Fronts(tmp_path_factory.mktemp("tls"), plain, with_header)
        yield fronts
        fronts.close()

    def test_count_the_clients_and_not_the_proxy(self, behind, fronts, way):
        eventually(lambda: behind.metric("wspushd_connections") == 0, "nobody is there")
        for source in ("127.0.0.2", "127.0.0.3"):
            statuses = [shake_hands(fronts.connect(way, False, source=source), "/ws").status
                        for _ in range(3)]
            assert statuses == [101, 101, 429]


# What balancers do to the headers on the way to us, as settings of a real proxy. nginx passes a 101 on
# and tunnels as long as the client asked for an upgrade, whatever it sent on itself.
SPOILERS = {
    "HTTP/1.0 without Upgrade, Connection: close": "",
    "HTTP/1.1 without Upgrade, Connection: close": "proxy_http_version 1.1;",
    "Upgrade alone":
        "proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; "
        "proxy_set_header Connection keep-alive;",
    "no Upgrade, Connection alone":
        "proxy_http_version 1.1; proxy_set_header Connection upgrade;",
    "an altered Upgrade":
        "proxy_http_version 1.1; proxy_set_header Upgrade tunnel; "
        "proxy_set_header Connection upgrade;",
}


class TestABalancerThatSpoilsTheHeaders:
    @staticmethod
    def spoiling(port):
        names = list(SPOILERS)
        return Nginx(names, lambda ports: "".join(
            nginx_server(ports[name], port, SPOILERS[name]) for name in names))

    @pytest.mark.parametrize("path", ["/ws", "/topics/open.x"])
    def test_gets_through_where_the_handshake_is_relaxed(self, path):
        with Daemon({"handshake": {"relaxed": True}}) as own, self.spoiling(own.public[1]) as nginx:
            for name in SPOILERS:
                with connect(nginx.address(name)) as connection:
                    if path == "/ws":
                        assert open_v1(connection).ok("ping"), name
                    else:
                        client = open_websocket(connection, path)
                        client.send_text(name)
                        assert client.receive_text() == name

    def test_is_refused_where_it_is_not(self):
        with Daemon() as own, self.spoiling(own.public[1]) as nginx:
            for name in SPOILERS:
                with connect(nginx.address(name)) as connection:
                    answer = shake_hands(connection, "/ws")
                    assert answer.status in (400, 426), name
                    answer.error()

    def test_of_haproxys_kind_too(self):
        def sections(ports):
            return f"""
listen altered
  bind 127.0.0.1:{ports['altered']}
  http-request set-header Upgrade websocket-tunnel
  server one 127.0.0.1:{own.public[1]}
"""
        for is_relaxed, status in ((True, 101), (False, 426)):
            with Daemon({"handshake": {"relaxed": is_relaxed}}) as own, \
                    HaProxy(["altered"], sections) as haproxy, \
                    connect(haproxy.address("altered")) as connection:
                assert shake_hands(connection, "/ws").status == status


class TestTheExamples:
    """The files in conf/examples, with the ports and the certificates of the test in their places."""

    @staticmethod
    def example(name, *changes):
        text = (EXAMPLES / name).read_text(encoding="utf-8")
        for found, wanted in changes:
            assert found in text, f"{name} says nothing of {found}"
            text = text.replace(found, str(wanted))
        return text

    def daemon(self, name):
        return Daemon(text=self.example(name, ("127.0.0.1:8080", "127.0.0.1:0"))
                      + "\ninternal: {address: \"127.0.0.1:0\"}\ndrain: {period: 60s}\nreactors: 1\n")

    @staticmethod
    def tried(own, connection):
        """A page of the proxy's own origin connects and gets a message; its address is known."""
        client = open_v1(connection, Origin=f"https://{connection.host}")
        client.subscribe("news")
        own.publish("news", {"n": 1})
        assert client.next_op("message")["data"] == {"n": 1}
        seen = own.api("GET", f"/api/connections/{client.welcome['connection']}").json()
        assert seen["address"] == CLIENT

    def test_for_nginx_work_together(self, tmp_path):
        certificate = Certificate(str(tmp_path))
        with self.daemon("behind-nginx.yaml") as own, Nginx(["tls"], lambda ports: self.example(
                "behind-nginx.conf", ("listen 443", f"listen 127.0.0.1:{ports['tls']}"),
                ("127.0.0.1:8080", f"127.0.0.1:{own.public[1]}"),
                ("/etc/nginx/tls/fullchain.pem", certificate.certificate),
                ("/etc/nginx/tls/key.pem", certificate.key))) as nginx:
            for _ in range(2):
                with connect(nginx.address("tls"), certificate.client_context()) as connection:
                    self.tried(own, connection)
            with connect(nginx.address("tls"), certificate.client_context()) as connection:
                assert connection.request("GET", "/ws").status == 426
            own.signal(signal.SIGTERM)  # twice: at once
            own.signal(signal.SIGTERM)

    def test_for_haproxy_work_together(self, tmp_path):
        certificate = Certificate(str(tmp_path))
        with self.daemon("behind-haproxy.yaml") as own, HaProxy(["tls"], lambda ports: self.example(
                "behind-haproxy.cfg", ("bind :443", f"bind 127.0.0.1:{ports['tls']}"),
                ("127.0.0.1:8080", f"127.0.0.1:{own.public[1]}"),
                ("port 8081", f"port {own.internal[1]}"), ("inter 2s", "inter 50ms"),
                ("maxconn 100000", "maxconn 100"),
                ("/etc/haproxy/push.example.com.pem", certificate.both)), timeouts=None) as haproxy:
            with connect(haproxy.address("tls"), certificate.client_context()) as connection:
                self.tried(own, connection)
                with connect(haproxy.address("tls"), certificate.client_context()) as second:
                    self.tried(own, second)
                third = open_v1(connect(haproxy.address("tls"), certificate.client_context()))
                assert "is DOWN" not in haproxy.log.text()
                own.signal(signal.SIGTERM)  # two are still there: it drains for half a minute
                haproxy.log.await_line(r"wspushd/one is DOWN, reason: .*code: 503", 10)
                third.abort()
            own.signal(signal.SIGTERM)
