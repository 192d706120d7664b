#!/usr/bin/env python3
"""What keeping history on the disk costs: publishing with each `sync`, and starting again.

    bench/engine/disk_publish.py WSPUSHD [--directory DIR] [--messages 200000] [--topics 10000]
                                 [--kept 1000000] [--reactors 1] [--sync memory,never,1s,turn]
                                 [--cpus 0,1] [--json FILE]

For each of memory, never, 1s and turn (or those of --sync): a WSPUSHD of its own on loopback, fed by --streams NDJSON
streams that together publish --messages of 128 B over --topics (acknowledged messages a second,
CPU of the server for each), then by one connection that waits for each answer (median and 99th
percentile). Then --kept messages over --topics are published, the server is killed (-9) and started
again: how long until it says ready, until a first history is answered, until all topics are in
memory. DIR decides which disk is meant. --cpus gives the servers the first of two CPUs and this
program, which publishes, the second. scripts/bench runs it for its tables `disk` and `restart`. Run
it on the release build, on a quiet machine.
"""

import argparse
import http.client
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time

PAYLOAD = "x" * 116  # 128 B of JSON with its quotes and number
HISTORY = {"messages": 1000000, "bytes": "1GiB", "ttl": "24h"}


SYNCS = ("memory", "never", "1s", "turn")


class Server:
    def __init__(self, program, directory, engine, reactors, cpu=None):
        config = {"listen": [{"address": "127.0.0.1:0"}], "internal": {"address": "127.0.0.1:0"},
                  "reactors": reactors, "engine": engine, "drain": {"period": "0ms"},
                  "topics": [{"match": ">", "history": HISTORY}]}
        path = os.path.join(directory, "wspushd.yaml")
        with open(path, "w", encoding="utf-8") as file:
            json.dump(config, file)
        self.began = time.monotonic()
        pinned = [] if cpu is None else ["taskset", "-c", str(cpu)]
        self.process = subprocess.Popen([*pinned, program, "--config", path],
                                        stderr=subprocess.PIPE, text=True)
        self.port = None
        for line in self.process.stderr:
            found = re.search(r"listening on 127\.0\.0\.1:(\d+) \(internal\)", line)
            if found:
                self.port = int(found[1])
            if re.search(r"\bready\b", line):
                break
        else:
            raise SystemExit(f"{program} did not start")
        self.ready_seconds = time.monotonic() - self.began
        threading.Thread(target=self.process.stderr.read, daemon=True).start()

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=170)

    def get(self, path):
        connection = self.connect()
        connection.request("GET", path)
        return connection.getresponse().read()

    def metric(self, name):
        return float(re.search(rf"^{name} (\S+)$", self.get("/metrics").decode(), re.M)[1])

    def cpu_seconds(self):
        """Of all its threads: that which writes and those of the store are part of the price."""
        tasks = f"/proc/{self.process.pid}/task"
        spent = 0
        for task in os.listdir(tasks):
            with open(f"{tasks}/{task}/schedstat", encoding="ascii") as file:
                spent += int(file.read().split()[0])
        return spent / 1e9

    def resident_bytes(self):
        with open(f"/proc/{self.process.pid}/statm", encoding="ascii") as file:
            return int(file.read().split()[1]) * resource.getpagesize()

    def end(self, kill=False):
        if kill:
            self.process.kill()
        else:
            self.process.terminate()
        self.process.wait(30)


def lines(first, count, topics):
    return "".join(f'{{"topic":"bench.t{n % topics}","data":"{n:08}{PAYLOAD}"}}\n'
                   for n in range(first, first + count)).encode()


def publish_streams(server, messages, topics, streams):
    """Acknowledged messages a second, through NDJSON streams at the same time."""
    share = messages // streams
    bodies = [lines(i * share, share, topics) for i in range(streams)]
    answers = [None] * streams

    def run(i):
        connection = server.connect()
        connection.request("POST", "/api/messages", bodies[i],
                           {"Content-Type": "application/x-ndjson"})
        answers[i] = json.load(connection.getresponse())
    threads = [threading.Thread(target=run, args=(i,)) for i in range(streams)]
    cpu, begin = server.cpu_seconds(), time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.monotonic() - begin
    published = sum(answer["published"] for answer in answers)
    if published != share * streams:
        raise SystemExit(f"{share * streams - published} were refused: {answers[0]['errors'][:1]}")
    return published / seconds, (server.cpu_seconds() - cpu) / published


def publish_one_by_one(server, count):
    """Seconds from the request to its answer, sorted."""
    connection = server.connect()
    times = []
    for n in range(count):
        begin = time.monotonic()
        connection.request("POST", f"/api/topics/bench.t{n % 100}/messages", f'"{PAYLOAD}"',
                           {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        if answer.status != 201:
            raise SystemExit(f"a publish was answered {answer.status}")
        times.append(time.monotonic() - begin)
    return sorted(times)


def bytes_under(directory):
    return sum(os.path.getsize(os.path.join(at, name))
               for at, _, names in os.walk(directory) for name in names)


def engine_of(sync, path):
    return {"type": "memory"} if sync == "memory" else \
        {"type": "disk", "disk": {"path": path, "sync": sync}}


def measure_publishing(arguments, root, sync, cpu):
    server = Server(arguments.program, root, engine_of(sync, os.path.join(root, sync)),
                    arguments.reactors, cpu)
    try:
        rate, each = publish_streams(server, arguments.messages, arguments.topics,
                                     arguments.streams)
        times = publish_one_by_one(server, arguments.single)
    finally:
        server.end()
    return {"messages_per_second": rate, "cpu_seconds": each,
            "median_seconds": times[len(times) // 2],
            "p99_seconds": times[len(times) * 99 // 100]}


def measure_start(arguments, root, cpu):
    """What was kept is there again after a kill: when, and what it takes."""
    data = os.path.join(root, "kept")
    engine = engine_of("1s", data)
    server = Server(arguments.program, root, engine, arguments.reactors, cpu)
    try:
        publish_streams(server, arguments.kept, arguments.topics, arguments.streams)
        before = server.resident_bytes()
    finally:
        server.end(kill=True)
    server = Server(arguments.program, root, engine, arguments.reactors, cpu)
    try:
        first = json.loads(server.get("/api/topics/bench.t77/messages?after=first&limit=300"))
        first_seconds = time.monotonic() - server.began
        while server.metric("wspushd_topics") < arguments.topics:
            time.sleep(0.02)
        return {"kept": arguments.kept, "topics": arguments.topics,
                "ready_seconds": server.ready_seconds, "first_history_seconds": first_seconds,
                "first_history_messages": len(first["messages"]),
                "all_topics_seconds": time.monotonic() - server.began, "resident_before": before,
                "resident_after": server.resident_bytes(), "disk_bytes": bytes_under(data)}
    finally:
        server.end()


def options_of(arguments):
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("program")
    parser.add_argument("--directory", help="where the logs lie; a temporary one")
    parser.add_argument("--messages", type=int, default=200_000)
    parser.add_argument("--single", type=int, default=2000, help="published one by one")
    parser.add_argument("--topics", type=int, default=10_000)
    parser.add_argument("--kept", type=int, default=1_000_000, help="0: no start is measured")
    parser.add_argument("--streams", type=int, default=2)
    parser.add_argument("--reactors", type=int, default=1)
    parser.add_argument("--sync", default=",".join(SYNCS),
                        help="some of %(default)s; empty: a start alone is measured")
    parser.add_argument("--cpus", help="of the server and of the publishers, like 0,1")
    parser.add_argument("--json")
    options = parser.parse_args(arguments)
    options.syncs = [each for each in options.sync.split(",") if each]
    if not set(options.syncs) <= set(SYNCS):
        parser.error(f"--sync {options.sync}: some of {','.join(SYNCS)}")
    return options


def main():
    arguments = options_of(sys.argv[1:])
    cpu = None
    if arguments.cpus:
        cpu, own = (int(each) for each in arguments.cpus.split(","))
        os.sched_setaffinity(0, {own})
    root = tempfile.mkdtemp(prefix="disk-publish-", dir=arguments.directory)
    results = {"publish": {}, "start": {}}
    try:
        if arguments.syncs:
            print(f"{'engine':<14}{'messages/s':>12}{'CPU us each':>13}{'median us':>11}{'p99 us':>9}")
        for sync in arguments.syncs:
            found = measure_publishing(arguments, root, sync, cpu)
            results["publish"][sync] = found
            print(f"{sync:<14}{found['messages_per_second']:>12,.0f}"
                  f"{found['cpu_seconds'] * 1e6:>13.2f}{found['median_seconds'] * 1e6:>11.0f}"
                  f"{found['p99_seconds'] * 1e6:>9.0f}", flush=True)
        if arguments.kept > 0:
            found = results["start"] = measure_start(arguments, root, cpu)
            print(f"\n{found['kept']:,} kept in {found['topics']:,} topics, after kill -9: ready in "
                  f"{found['ready_seconds'] * 1e3:.0f} ms, a first history "
                  f"({found['first_history_messages']} messages) after "
                  f"{found['first_history_seconds'] * 1e3:.0f} ms, all in memory after "
                  f"{found['all_topics_seconds']:.2f} s\nresident "
                  f"{found['resident_before'] / 1e6:.0f} MB before, "
                  f"{found['resident_after'] / 1e6:.0f} MB after; on the disk "
                  f"{found['disk_bytes'] / 1e6:.0f} MB")
    finally:
        shutil.rmtree(root, ignore_errors=True)
    if arguments.json:
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
