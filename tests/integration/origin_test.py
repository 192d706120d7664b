"""Which Origins may open a WebSocket, and what a 101 tells them."""

import pytest

from daemon import Daemon
from http_client import HttpConnection
from websocket_client import upgrade_headers


def answer_to(daemon, origin, host=None, target="/ws"):
    with HttpConnection(daemon.public) as connection:
        connection.send_request("GET", target, upgrade_headers(Origin=origin),
                                host=host or connection.host)
        answer = connection.read_response()
        if answer.status != 101:
            answer.error()
            connection.expect_end()
        return answer


def allowed(daemon, origin, host=None, target="/ws"):
    answer = answer_to(daemon, origin, host, target)
    assert answer.status in (101, 403), answer
    return answer.status == 101


class TestSame:
    @pytest.mark.parametrize("origin, host", [
        ("http://push.test:8080", "push.test:8080"), ("https://push.test:8080", "push.test:8080"),
        ("http://PUSH.test:8080", "push.test:8080"), ("http://push.test:8080", "PUSH.TEST:8080"),
        ("http://push.test", "push.test"), ("https://push.test", "push.test"),
        ("http://push.test:80", "push.test"), ("http://push.test", "push.test:80"),
        ("https://push.test", "push.test:443"), ("https://push.test:443", "push.test"),
        ("http://[::1]:9000", "[::1]:9000"), ("http://127.0.0.1:9", "127.0.0.1:9")])
    def test_an_origin_with_the_host_and_port_of_host_is_let_in(self, daemon, origin, host):
        assert allowed(daemon, origin, host)

    @pytest.mark.parametrize("origin", [
        "http://push.test:8081", "http://push.test", "http://evil.test:8080",
        "http://a.push.test:8080",
        "http://push.test:8080.evil.test", "http://push.test:80800", "null", "push.test:8080",
        "http://", "http://push.test:8080@evil.test", "", "http://xpush.test:8080"])
    def test_any_other_is_403(self, daemon, origin):
        assert not allowed(daemon, origin, "push.test:8080")

    def test_no_origin_is_let_in(self, daemon):
        assert allowed(daemon, None)

    def test_two_origins_are_refused(self, daemon):
        answer = answer_to(daemon, ["http://push.test", "http://push.test"], "push.test")
        assert answer.status in (400, 403)

    @pytest.mark.parametrize("target", ["/ws", "/echo", "/topics/open.x"])
    def test_it_holds_on_every_door(self, daemon, target):
        assert not allowed(daemon, "http://evil.test", target=target)
        assert allowed(daemon, "http://push.test", "push.test", target)


class TestLists:
    @pytest.fixture(scope="class")
    def listed(self):
        with Daemon({"origins": ["https://app.example.com", "http://dev.test:3000",
                                 "*.example.org"]}) as own:
            yield own

    @pytest.mark.parametrize("origin", [
        "https://app.example.com", "https://app.example.com:443", "https://APP.Example.COM",
        "http://dev.test:3000", "https://a.example.org", "http://a.example.org:8080", None])
    def test_these_are_let_in(self, listed, origin):
        assert allowed(listed, origin)

    @pytest.mark.parametrize("origin", [
        "http://app.example.com", "https://app.example.com:444", "https://example.com",
        "https://app.example.com.evil.test", "https://xapp.example.com", "http://dev.test",
        "https://dev.test:3000", "https://example.org", "https://evilexample.org",
        "https://a.example.org.evil.test", "null", "https://.example.org"])
    def test_these_are_not(self, listed, origin):
        assert not allowed(listed, origin)

    def test_the_own_host_is_not_let_in_unless_same_is_listed(self, listed):
        assert not allowed(listed, "http://push.test", "push.test")


def test_a_star_lets_in_everybody(start):
    own = start({"origins": ["*"]})
    assert all(allowed(own, origin) for origin in ("https://any.test", "null", "http://a:1", None))


def test_null_can_be_listed_like_any_other(start):
    own = start({"origins": ["null"]})
    assert allowed(own, "null") and not allowed(own, "http://a.test")


def test_a_101_to_an_allowed_origin_carries_the_cors_headers(daemon):
    answer = answer_to(daemon, "http://push.test", "push.test")
    assert answer.header("Access-Control-Allow-Origin") == "http://push.test"
    assert answer.header("Access-Control-Allow-Credentials") == "true"


def test_a_101_without_an_origin_carries_none(daemon):
    assert answer_to(daemon, None).header("Access-Control-Allow-Origin") is None
