"""The real figures: nginx as it comes (proxy_read_timeout 60 s), wspushd as it comes (a ping every
50 s), and connections that say nothing for more than two minutes."""

import select
import time

from daemon import Daemon
from deadlines import PATIENCE
from proxies import Nginx, connect, open_v1
from proxies_test import UPGRADE, nginx_server
from websocket_frames import PING

MINUTES = 130  # seconds: two of nginx's timeouts, and some
COUNT = 20


def test_idle_connections_outlive_nginx_with_the_defaults():
    with Daemon() as own, Nginx(["front"], lambda ports: nginx_server(
            ports["front"], own.public[1], UPGRADE)) as nginx:
        clients = {}
        for _ in range(COUNT):
            client = open_v1(connect(nginx.address("front")))
            clients[client.stream.sock] = client
        pings = dict.fromkeys(clients, 0)
        end = time.monotonic() + MINUTES
        while time.monotonic() < end:
            for sock in select.select(list(clients), [], [], end - time.monotonic())[0]:
                frame = clients[sock].receive_frame()
                assert frame.opcode == PING, frame
                clients[sock].send_frame(10, frame.payload)
                pings[sock] += 1
        assert all(2 <= count <= 4 for count in pings.values()), pings
        for client in clients.values():
            assert client.ok("ping", seconds=5 * PATIENCE)
            client.close()
