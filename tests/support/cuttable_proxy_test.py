"""A proxy between a client and a server tells each of them what became of the other."""

import socket
import struct

import pytest

from cuttable_proxy import CuttableProxy


@pytest.fixture
def ends():
    """(client, server): two sockets with a proxy between them."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        with CuttableProxy(listener.getsockname()) as proxy:
            client = socket.create_connection(proxy.address, 10)
            server, _ = listener.accept()
            server.settimeout(10)
            client.sendall(b"x")
            assert server.recv(1) == b"x"  # The proxy has both.
            yield client, server
            client.close()
            server.close()


def is_over(sock):
    try:
        return sock.recv(1) == b""
    except ConnectionError:
        return True


def test_a_peer_that_was_killed_is_told(ends):
    client, server = ends
    server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    server.close()  # by RST, as the kernel does for a process that had not read everything
    assert is_over(client)


def test_an_end_in_order_is_passed_on_and_the_other_way_stays_open(ends):
    client, server = ends
    server.shutdown(socket.SHUT_WR)
    assert client.recv(1) == b""
    client.sendall(b"y")
    assert server.recv(1) == b"y"
