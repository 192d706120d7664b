#!/usr/bin/env python3
"""What an idle connection costs the server: memory of its process, before and after.

    bench/memory/idle_connections.py WSPUSHD [--count 10000] [--kinds ws,wss,...] [--json FILE]

Kinds: `ws`, `wss` (TLS), and with `+deflate` permessage-deflate as browsers offer it, with
`+takeover` the same where compression.context_takeover is on. Each kind gets a WSPUSHD of its own,
with one reactor, on loopback. The connections come to /ws, subscribe to topics that they share,
get --messages messages of 1 KiB that shrink, and are silent then. Prints the growth of the process
for each of them; the first tenth warms it up (tables, arenas) and is not counted. Beside it stands
what the kernel keeps, of a connection that has both ends here: the growth of the whole machine's
slabs, so nothing else may open or close many sockets or files meanwhile. Run it on the release
build.
"""

import argparse
import json
import os
import random
import re
import resource
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request

REQUEST = ("GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n"
           "Sec-WebSocket-Protocol: wspush.v1\r\n{}\r\n")
OFFER = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
KINDS = [transport + more for transport in ("ws", "wss") for more in ("", "+deflate", "+takeover")]
MESSAGE_BYTES = 1024


def private_bytes(pid):
    """Anonymous memory of the process that nobody else has."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        fields = dict(re.findall(r"^(\w+):\s+(\d+) kB$", file.read(), re.M))
    return 1024 * int(fields["Anonymous"])


def slab_bytes():
    """Of the machine's kernel: sockets, files, what epoll keeps of them."""
    with open("/proc/meminfo", encoding="ascii") as file:
        return 1024 * int(re.search(r"^Slab:\s+(\d+) kB$", file.read(), re.M)[1])


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


def start(binary, directory, kind):
    """The process, and the ports of its public and internal listeners."""
    config = os.path.join(directory, "wspushd.yaml")
    listener = {"address": "127.0.0.1:0"}
    if kind.startswith("wss"):
        listener["tls"] = certificate(directory)
    with open(config, "w", encoding="utf-8") as file:
        json.dump({"listen": [listener], "internal": {"address": "127.0.0.1:0"}, "reactors": 1,
                   "compression": {"context_takeover": kind.endswith("+takeover")},
                   "topics": [{"match": ">"}]}, file)
    process = subprocess.Popen([binary, "--config", config], stderr=subprocess.PIPE, text=True)
    ports = {}
    for line in process.stderr:
        found = re.search(r"listening on 127\.0\.0\.1:(\d+) \((public|internal)\)", line)
        if found:
            ports[found[2]] = int(found[1])
        if re.search(r"\bready\b", line):
            return process, ports["public"], ports["internal"]
    sys.exit("wspushd did not start")


def connect(port, context, request, commands):
    sock = socket.create_connection(("127.0.0.1", port))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if context is not None:
        sock = context.wrap_socket(sock, server_hostname="localhost")
    sock.sendall(request)
    got = b""
    while b"welcome" not in got:
        got += sock.recv(4096)
    assert (b"permessage-deflate" in got) == (b"permessage-deflate" in request), got
    sock.sendall(commands)
    while got.count(b'"subscribed"') < commands.count(b'"subscribe"'):
        got += sock.recv(65536)
    return sock


def publish(port, count):
    """Messages of words, that shrink to a third."""
    source = random.Random(1)
    for _ in range(count):
        text = "".join(f"word{source.randrange(300)} " for _ in range(200))[:MESSAGE_BYTES - 2]
        urllib.request.urlopen(urllib.request.Request(
            f"http://127.0.0.1:{port}/api/topics/bench.0/messages", json.dumps(text).encode(),
            {"Content-Type": "application/json"})).close()


def drain(socks):
    for sock in socks:
        sock.settimeout(10)
        sock.recv(65536)


def measure(options, kind):
    """Growth of the process, and of the kernel's slabs, for each connection, in bytes."""
    commands = b"".join(text_frame(json.dumps({"op": "subscribe", "id": n, "topic": f"bench.{n}"}))
                        for n in range(options.topics))
    request = REQUEST.format("" if "+" not in kind else OFFER).encode()
    context = None
    if kind.startswith("wss"):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with tempfile.TemporaryDirectory() as directory:
        process, public, internal = start(options.binary, directory, kind)
        warm, idle = [], []
        try:
            for socks, count in ((warm, options.count // 10), (idle, options.count)):
                before, slabs_before = private_bytes(process.pid), slab_bytes()
                for _ in range(count):
                    socks.append(connect(public, context, request, commands))
                if options.messages:
                    publish(internal, options.messages)
                    drain(warm + idle)
                time.sleep(1)  # what ended with the handshakes is freed
            return ((private_bytes(process.pid) - before) / options.count,
                    (slab_bytes() - slabs_before) / options.count)
        finally:
            process.kill()
            process.wait()
            process.stderr.close()
            for sock in warm + idle:
                sock.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary")
    parser.add_argument("--count", type=int, default=10000)
    parser.add_argument("--kinds", default="ws,ws+deflate,wss,wss+deflate",
                        help=f"some of {','.join(KINDS)}")
    parser.add_argument("--topics", type=int, default=1, help="of each connection")
    parser.add_argument("--messages", type=int, default=0, help="that each gets before it is idle")
    parser.add_argument("--json", help="a file that gets the results too")
    options = parser.parse_args()
    kinds = options.kinds.split(",")
    if not set(kinds) <= set(KINDS):
        parser.error(f"--kinds {options.kinds}: some of {','.join(KINDS)}")
    resource.setrlimit(resource.RLIMIT_NOFILE,
                       (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    print("| | bytes a connection | of the kernel, both ends |\n| --- | --- | --- |")
    results, kernel = {}, {}
    for kind in kinds:
        results[kind], kernel[kind] = (round(each) for each in measure(options, kind))
        print(f"| `{kind}` | {results[kind]:,} | {kernel[kind]:,} |", flush=True)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"connections": options.count, "topics": options.topics,
                       "messages": options.messages, "bytes": results, "kernel_bytes": kernel},
                      file)
            file.write("\n")


if __name__ == "__main__":
    main()
