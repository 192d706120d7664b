#!/usr/bin/env python3
"""What an idle connection costs the server: resident memory of its process, before and after.

    bench/memory/idle_connections.py WSPUSHD [--count 8000] [--tls] [--topics 1]

Starts WSPUSHD with one reactor on loopback, opens the connections to /ws, subscribes each to topics
that they share, lets all be silent, and prints the growth of the process for each of them. The
first tenth warms it up (tables, arenas) and is not counted. What the kernel keeps for a socket is
not in it.
"""

import argparse
import json
import os
import re
import resource
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time

REQUEST = (b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
           b"Sec-WebSocket-Protocol: wspush.v1\r\n\r\n")


def private_bytes(pid):
    """Anonymous memory of the process that nobody else has."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        fields = dict(re.findall(r"^(\w+):\s+(\d+) kB$", file.read(), re.M))
    return 1024 * int(fields["Anonymous"])


def text_frame(text):
    payload = text.encode()
    assert len(payload) < 65536
    head = struct.pack(">BB", 0x81, 0x80 | len(payload)) if len(payload) < 126 else \
        struct.pack(">BBH", 0x81, 0x80 | 126, len(payload))
    return head + b"\0\0\0\0" + payload


def certificate(directory):
    paths = [os.path.join(directory, name) for name in ("server.pem", "server.key")]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-noenc", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=DNS:localhost", "-out", paths[0], "-keyout",
                    paths[1]], check=True, capture_output=True)
    return {"certificate": paths[0], "key": paths[1]}


def start(binary, directory, is_tls):
    config = os.path.join(directory, "wspushd.yaml")
    listener = {"address": "127.0.0.1:0"}
    if is_tls:
        listener["tls"] = certificate(directory)
    with open(config, "w", encoding="utf-8") as file:
        json.dump({"listen": [listener], "internal": {"address": "127.0.0.1:0"}, "reactors": 1,
                   "topics": [{"match": ">"}]}, file)
    process = subprocess.Popen([binary, "--config", config], stderr=subprocess.PIPE, text=True)
    port = None
    for line in process.stderr:
        found = re.search(r"listening on 127\.0\.0\.1:(\d+) \(public\)", line)
        port = int(found[1]) if found else port
        if re.search(r"\bready\b", line):
            return process, port
    sys.exit("wspushd did not start")


def connect(port, context, commands):
    sock = socket.create_connection(("127.0.0.1", port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if context is not None:
        sock = context.wrap_socket(sock, server_hostname="localhost")
    sock.sendall(REQUEST)
    got = b""
    while b"welcome" not in got:
        got += sock.recv(4096)
    sock.sendall(commands)
    while got.count(b'"subscribed"') < commands.count(b'"subscribe"'):
        got += sock.recv(65536)
    return sock


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary")
    parser.add_argument("--count", type=int, default=8000)
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--topics", type=int, default=1)
    options = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE,
                       (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    commands = b"".join(text_frame(json.dumps({"op": "subscribe", "id": n, "topic": f"bench.{n}"}))
                        for n in range(options.topics))
    context = None
    if options.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with tempfile.TemporaryDirectory() as directory:
        process, port = start(options.binary, directory, options.tls)
        try:
            warm = [connect(port, context, commands) for _ in range(options.count // 10)]
            time.sleep(1)  # what ended with the handshakes is freed
            before = private_bytes(process.pid)
            idle = [connect(port, context, commands) for _ in range(options.count)]
            time.sleep(1)
            grown = private_bytes(process.pid) - before
            kind = "wss" if options.tls else "ws"
            print(f"{kind}, {len(warm)} + {len(idle)} connections, {options.topics} topics each: "
                  f"{grown / len(idle):.0f} bytes a connection")
        finally:
            process.kill()
            process.wait()


if __name__ == "__main__":
    main()
