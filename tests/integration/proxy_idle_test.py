"""Idle connections behind a proxy that cuts what is silent for too long: the ping keeps them alive,
and a ping that comes too late does not (so the first of it is not luck). Scaled down to seconds."""

import pytest

from byte_stream import StreamTimeout
from daemon import Daemon
from deadlines import PATIENCE
from proxies import HaProxy, Nginx, connect, open_v1
from proxies_test import UPGRADE, nginx_server
from websocket_client import ConnectionClosed

CUT_AFTER = 4  # seconds of silence, by the proxy


def nginx_in_front_of(daemon):
    return Nginx(["front"], lambda ports: nginx_server(
        ports["front"], daemon.public[1], UPGRADE + f"proxy_read_timeout {CUT_AFTER}s;"))


def haproxy_in_front_of(daemon):
    return HaProxy(["front"], lambda ports: f"""
listen front
  bind 127.0.0.1:{ports['front']}
  server one 127.0.0.1:{daemon.public[1]}
""", timeouts=f"{CUT_AFTER}s")


@pytest.mark.parametrize("in_front_of", [nginx_in_front_of, haproxy_in_front_of])
class TestAnIdleConnection:
    def test_lives_with_a_ping_below_the_timeout(self, in_front_of):
        with Daemon({"heartbeat": {"ping_interval": "2s", "proxy_read_timeout": f"{CUT_AFTER}s",
                                   "pong_timeout": "10s"}}) as own, in_front_of(own) as proxy:
            client = open_v1(connect(proxy.address("front")))
            with pytest.raises(StreamTimeout):  # nothing comes but pings, which are answered
                client.receive(12 / PATIENCE)
            assert len(client.pings) >= 4
            assert client.ok("ping")
            client.close()

    def test_is_cut_with_a_ping_above_it(self, in_front_of):
        with Daemon({"heartbeat": {"ping_interval": "30s", "proxy_read_timeout": "60s"}}) as own, \
                in_front_of(own) as proxy:
            client = open_v1(connect(proxy.address("front")))
            # The first ping of a connection may come early; the silence after it is long enough, even
            # where a machine holds up the pong and then the cut.
            with pytest.raises(ConnectionClosed) as closed:
                client.receive(12)
            assert not closed.value.clean and len(client.pings) <= 1
