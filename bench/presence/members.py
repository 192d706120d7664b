#!/usr/bin/env python3
"""What presence costs with very many members in one topic.

    bench/presence/members.py WSPUSHD [--members 15000] [--watchers 1000] [--joins 100] [--json FILE]

Starts WSPUSHD on loopback with two reactors. The members are connections to the raw door, a user
each, who are told of nobody; then come the watchers, wspush.v1 without a user, who are told of all.
Then, one after another: a user joins and leaves a topic that nobody watches, and the one with all of
them. The difference in CPU is what the join and the leave cost with so many members and watchers;
the time is from the request to the last watcher's `join`. At last the API lists everybody in pages
of a thousand. All connections have both ends here: a process may have as many descriptors as
`ulimit -n` says, so that bounds the members. Run it on the release build, alone on the machine.
"""

import argparse
import base64
import hashlib
import hmac
import json
import os
import re
import select
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import urllib.request

SECRET = "0123456789abcdef0123456789abcdef"
TOPIC, ASIDE = "room.big", "room.aside"
HANDSHAKES_AT_ONCE = 256
PATIENCE_SECONDS = 30
HEAD = ("GET {} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n")


def token(user):
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")
             for part in ({"alg": "HS256", "typ": "JWT"}, {"sub": user})]
    signed = b".".join(parts)
    digest = hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()
    return (signed + b"." + base64.urlsafe_b64encode(digest).rstrip(b"=")).decode()


def text_frame(text):
    payload = text.encode()
    assert len(payload) < 126
    return struct.pack(">BB", 0x81, 0x80 | len(payload)) + b"\0\0\0\0" + payload


def cpu_seconds(pid):
    """Of all threads of the process, exactly."""
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/schedstat", encoding="ascii") as file:
            total += int(file.read().split()[0])
    return total / 1e9


def resident_bytes(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        return 1024 * int(re.search(r"^VmRSS:\s+(\d+) kB$", file.read(), re.M)[1])


def start(binary, directory):
    """The process, and the ports of its public and internal listeners."""
    config = os.path.join(directory, "wspushd.yaml")
    with open(config, "w", encoding="utf-8") as file:
        json.dump({"listen": [{"address": "127.0.0.1:0"}], "internal": {"address": "127.0.0.1:0"},
                   "reactors": 2, "auth": {"hmac_secret": SECRET},
                   # Nothing but presence is to happen meanwhile.
                   "heartbeat": {"ping_interval": "10m", "proxy_read_timeout": "20m"},
                   "topics": [{"match": "room.*", "presence": True}]}, file)
    process = subprocess.Popen([binary, "--config", config], stderr=subprocess.PIPE, text=True)
    ports = {}
    for line in process.stderr:
        if found := re.search(r"listening on \S+:(\d+) \((public|internal)\)", line):
            ports[found[2]] = int(found[1])
        if " ready" in line:
            return process, ports
    raise RuntimeError("wspushd did not start")


def read_head(sock):
    """Up to the end of the answer to the handshake, which has to be a 101; what comes behind it."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = sock.recv(65536)
        if not piece:
            raise RuntimeError(f"the handshake was not answered: {data!r}")
        data += piece
    head, _, rest = data.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 101"):
        raise RuntimeError(f"refused: {head!r}")
    return rest


def connect(port, path):
    sock = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS)
    sock.sendall(HEAD.format(path).encode())
    return sock


def connect_many(port, paths):
    """Some handshakes at a time."""
    sockets = []
    for first in range(0, len(paths), HANDSHAKES_AT_ONCE):
        group = [connect(port, path) for path in paths[first:first + HANDSHAKES_AT_ONCE]]
        for sock in group:
            read_head(sock)
        sockets += group
    return sockets


class Watchers:
    """Connections of wspush.v1 that are subscribed to TOPIC, and what they have been told."""

    def __init__(self, port, count):
        self._sockets = {sock.fileno(): sock for sock in connect_many(port, ["/ws"] * count)}
        self._poll = select.epoll()
        for sock in self._sockets.values():
            sock.sendall(text_frame(json.dumps({"op": "subscribe", "id": 1, "topic": TOPIC})))
            self._poll.register(sock.fileno(), select.EPOLLIN)
        self.await_all('"op":"subscribed"')

    def __len__(self):
        return len(self._sockets)

    def await_all(self, text):
        """Reads until each has been told `text`."""
        heard = {fileno: b"" for fileno in self._sockets}
        text, deadline = text.encode(), time.monotonic() + PATIENCE_SECONDS
        while heard:
            events = self._poll.poll(deadline - time.monotonic())
            if not events:
                raise RuntimeError(f"{len(heard)} watchers were not told {text!r}")
            for fileno, _ in events:
                data = heard.get(fileno, b"") + self._sockets[fileno].recv(65536)
                if fileno in heard:
                    heard[fileno] = data
                    if text in data:
                        del heard[fileno]


def visit(port, pid, topic, user, watchers):
    """One user comes and goes: CPU seconds of the server, seconds to the last watcher's join."""
    path = f"/topics/{topic}?token={token(user)}"
    before, began = cpu_seconds(pid), time.monotonic()
    sock = connect(port, path)
    if watchers is not None:
        watchers.await_all(f'"op":"join","topic":"{topic}","member":{{"user":"{user}"')
    seconds = time.monotonic() - began
    read_head(sock)
    sock.close()
    if watchers is not None:
        watchers.await_all(f'"op":"leave","topic":"{topic}","member":{{"user":"{user}"')
    else:
        time.sleep(0.005)  # It is gone by then; nobody says so.
    return cpu_seconds(pid) - before, seconds


def list_everybody(port, pid):
    """How many the API lists, in how many pages; CPU and time of one page, in seconds; the bytes."""
    seen, pages, size, cursor, times = 0, 0, 0, None, []
    before = cpu_seconds(pid)
    while True:
        began = time.monotonic()
        query = f"?limit=1000&cursor={cursor}" if cursor else "?limit=1000"
        with urllib.request.urlopen(
                f"http://127.0.0.1:{port}/api/topics/{TOPIC}/members{query}") as response:
            body = response.read()
        times.append(time.monotonic() - began)
        answer = json.loads(body)
        seen, pages, size = seen + len(answer["members"]), pages + 1, size + len(body)
        cursor = answer.get("next")
        if cursor is None:
            return {"listed": seen, "pages": pages, "page_bytes": size // pages,
                    "page_cpu_us": (cpu_seconds(pid) - before) / pages * 1e6,
                    "page_ms": statistics.median(times) * 1e3}


def measure(binary, options):
    with tempfile.TemporaryDirectory() as directory:
        process, ports = start(binary, directory)
        try:
            public, pid = ports["public"], process.pid
            memory = resident_bytes(pid)
            began, cpu = time.monotonic(), cpu_seconds(pid)
            paths = [f"/topics/{TOPIC}?token={token(f'member-{number}')}"
                     for number in range(options.members)]
            prepared = time.monotonic()
            members = connect_many(public, paths)
            result = {"members": len(members), "come_seconds": time.monotonic() - prepared,
                      "come_cpu_us": (cpu_seconds(pid) - cpu) / len(members) * 1e6,
                      "member_bytes": (resident_bytes(pid) - memory) / len(members),
                      "preparing_seconds": prepared - began}
            watchers = Watchers(public, options.watchers)
            aside = [visit(public, pid, ASIDE, f"visitor-{number}", None)[0]
                     for number in range(options.joins)]
            visits = [visit(public, pid, TOPIC, f"guest-{number}", watchers)
                      for number in range(options.joins)]
            alone, watched = statistics.median(aside), statistics.median(cpu for cpu, _ in visits)
            result |= {"watchers": len(watchers), "joins": options.joins,
                       "visit_cpu_us": watched * 1e6, "visit_alone_cpu_us": alone * 1e6,
                       "event_cpu_us": (watched - alone) / 2 * 1e6,
                       "event_cpu_us_per_watcher": (watched - alone) / 2 / len(watchers) * 1e6,
                       "last_join_ms": statistics.median(seconds for _, seconds in visits) * 1e3,
                       **list_everybody(ports["internal"], pid)}
            if result["listed"] != len(members):
                raise RuntimeError(f"{result['listed']} were listed of {len(members)}")
            return result
        finally:
            process.kill()
            process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary", metavar="WSPUSHD")
    parser.add_argument("--members", type=int, default=15_000)
    parser.add_argument("--watchers", type=int, default=1000)
    parser.add_argument("--joins", type=int, default=100)
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    result = measure(options.binary, options)
    for name, value in result.items():
        print(f"{name:26} {value:,.2f}" if isinstance(value, float) else f"{name:26} {value:,}")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(result, file, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
