"""An address space that the service manager limits: new clients are sent away in time, and where
memory runs out all the same, what was at hand fails and the process lives (robustness, faults)."""

import os

import pytest

from daemon import Daemon
from deadlines import eventually
from websocket_client import upgrade_headers

MIB = 1 << 20

pytestmark = pytest.mark.skipif(bool(os.environ.get("WSPUSH_TEST_SANITIZED")),
                                reason="a sanitizer maps terabytes of its own")


@pytest.fixture
def hoarder(start):
    """Keeps all that is published, and may use 512 MiB."""
    return start({"reactors": 1,
                  "limits": {"history_bytes": "4GiB", "message_bytes": "4MiB"},
                  "topics": [{"match": ">", "publish": "anyone", "message_bytes": "4MiB",
                              "history": {"messages": 100000, "bytes": "4GiB", "ttl": "1h"}}]},
                 address_space=512 * MIB)


def publish(own):
    """The status of a publish of 2 MiB; None where the connection ended without an answer."""
    try:
        return own.api("POST", "/api/topics/big/messages", bytes(2 * MIB),
                       {"Content-Type": "application/octet-stream"}).status
    except (AssertionError, OSError):
        return None


def fill_until(own, is_reached):
    """Publishes until `is_reached()`, at most twice what may be kept."""
    for _ in range(512):
        if is_reached(publish(own)):
            return
    raise AssertionError("1 GiB was taken by a process of 512 MiB")


def handshake_status(own):
    answer = own.http().request("GET", "/ws", upgrade_headers())
    if answer.status == 503:
        assert 1 <= int(answer.header("Retry-After")) <= 5
    return answer.status


class TestAnAddressSpaceThatIsLimited:
    def test_sends_new_clients_away_before_it_is_used_up_and_takes_them_back(self, hoarder):
        client = hoarder.v1()
        client.subscribe("small")
        fill_until(hoarder, lambda _: hoarder.api("GET", "/readyz").status == 503)
        assert handshake_status(hoarder) == 503
        assert hoarder.metric("wspushd_limit_hits_total", limit="memory") >= 1
        # Those who are there are served on.
        sent = hoarder.publish("small", {"n": 1})
        assert client.messages(1)[0]["id"] == sent["id"]
        assert hoarder.api("DELETE", "/api/topics/big/messages").status == 204
        eventually(lambda: hoarder.api("GET", "/readyz").status == 200, "ready again")
        assert handshake_status(hoarder) == 101

    def test_fails_what_is_at_hand_when_there_is_no_more_and_nothing_else(self, hoarder):
        client = hoarder.v1()
        client.subscribe("small")
        fill_until(hoarder, lambda status: status != 201)
        for _ in range(20):  # It keeps asking for what is not there.
            assert publish(hoarder) != 201 or hoarder.process.poll() is None
        assert hoarder.process.poll() is None, hoarder.log.text()
        assert hoarder.api("DELETE", "/api/topics/big/messages").status == 204
        sent = hoarder.publish("small", {"n": 2})
        assert client.messages(1)[0]["id"] == sent["id"]
        assert publish(hoarder) == 201
