"""What pages of other origins may read by SSE and long poll."""

import pytest

from http_client import HttpConnection
from sse_client import ask_stream

STREAM = {"Accept": "text/event-stream"}


def ask(daemon, origin, headers=None, method="GET", target="/topics/open.x"):
    """As a browser does at push.test; the head of the answer."""
    with HttpConnection(daemon.public) as connection:
        return ask_stream(connection, target, {"Accept": "*/*", "Origin": origin, **(headers or {})},
                          method, host="push.test")


@pytest.mark.parametrize("door", [{}, STREAM], ids=["poll", "sse"])
class TestReading:
    def test_an_allowed_origin_may_read(self, daemon, door):
        answer = ask(daemon, "http://push.test", door)
        assert answer.status in (200, 204)
        assert answer.header("Access-Control-Allow-Origin") == "http://push.test"
        assert answer.header("Access-Control-Allow-Credentials") == "true"
        assert "Wspush-Last" in answer.header("Access-Control-Expose-Headers").split(", ")
        assert answer.header("Vary") == "Origin"

    def test_any_other_is_refused_and_told_nothing(self, daemon, door):
        for origin in ("http://evil.test", "https://push.test:8443", "null", ""):
            answer = ask(daemon, origin, door)
            assert answer.status == 403 and answer.error()["code"] == "forbidden"
            assert answer.header("Access-Control-Allow-Origin") is None

    def test_an_allowed_origin_may_read_a_refusal_too(self, daemon, door):
        for target, status in (("/topics/closed.x", 403), ("/topics/open.x?after=x", 400)):
            answer = ask(daemon, "http://push.test", door, target=target)
            assert answer.status == status
            assert answer.header("Access-Control-Allow-Origin") == "http://push.test"

    def test_a_star_names_the_origin_itself(self, start, door):
        own = start({"origins": ["*"]})
        answer = ask(own, "https://any.test", door)
        assert answer.header("Access-Control-Allow-Origin") == "https://any.test"

    def test_a_reload_of_origins_holds_for_the_next_request(self, start, door):
        own = start({"origins": ["http://old.test"]})
        assert ask(own, "http://old.test", door).status in (200, 204)
        own.reload_everywhere({"origins": ["http://new.test"]})
        assert ask(own, "http://old.test", door).status == 403
        assert ask(own, "http://new.test", door).status in (200, 204)


@pytest.mark.parametrize("target", ["/topics/open.x", "/topics?topic=open.x", "/topics/closed.x"])
class TestPreflight:
    ASKS = {"Access-Control-Request-Method": "GET",
            "Access-Control-Request-Headers": "authorization,last-event-id"}

    def test_names_what_a_reader_may_send(self, daemon, target):
        answer = ask(daemon, "http://push.test", self.ASKS, "OPTIONS", target)
        assert answer.status == 204
        assert answer.header("Access-Control-Allow-Origin") == "http://push.test"
        assert answer.header("Access-Control-Allow-Credentials") == "true"
        assert answer.header("Access-Control-Allow-Methods") == "GET"
        allowed = answer.header("Access-Control-Allow-Headers").lower().split(", ")
        assert {"authorization", "last-event-id"} <= set(allowed)
        assert int(answer.header("Access-Control-Max-Age")) > 0
        assert answer.header("Vary") == "Origin"

    def test_is_refused_to_others(self, daemon, target):
        answer = ask(daemon, "http://evil.test", self.ASKS, "OPTIONS", target)
        assert answer.status == 403
        assert answer.header("Access-Control-Allow-Origin") is None

    def test_the_connection_is_there_for_the_request_itself(self, daemon, target):
        with HttpConnection(daemon.public) as connection:
            answer = connection.request("OPTIONS", target, {"Origin": "http://push.test"},
                                        host="push.test")
            assert answer.status == 204 and answer.header("Allow") == "GET, OPTIONS"
            assert connection.request("GET", "/topics/open.x").status == 204
