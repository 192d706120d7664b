"""The chaos run: a real wspushd, publishers at full rate, subscribers on every door, faults from a
seed, and the history checker looking at all of it while it happens. docs/testing.md says more.
"""

import argparse
import asyncio
import json
import math
import os
import pathlib
import random
import shutil
import sys
import tempfile
import time
from collections import Counter, deque
from itertools import zip_longest
from urllib.parse import quote

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent.parent / "support"),
                str(pathlib.Path(__file__).resolve().parent)]

from cuttable_proxy import CuttableProxy  # noqa: E402
from daemon import Daemon  # noqa: E402
from deadlines import PATIENCE  # noqa: E402
from history_checker import HistoryChecker  # noqa: E402
from http_client import HttpConnection, build_request, fetch  # noqa: E402
from members import make_members, settle_members, watch_the_lists  # noqa: E402
from presence_checker import PresenceChecker  # noqa: E402
from publishers import Publisher  # noqa: E402
from subscribers import Cursor, Subscriber, http_body, http_head  # noqa: E402
from tokens import SECRET  # noqa: E402

DOORS = ("v1", "pattern", "raw", "sse", "poll", "set")
PLANTS = ("none", "drop", "duplicate", "payload", "join", "leave", "count")
TOPICS = [f"chaos.t{number}" for number in range(4)]
KEYED = TOPICS[-1]
PATTERN = "chaos.*"
RECOVERY_SECONDS = 10
SETTLE_SECONDS = 20
PROGRESS_SECONDS = 10
OVERTIME_SECONDS = 40  # beyond the faults: a restart that is recovered from, publishers that end
RESTART_SPACING_SECONDS = RECOVERY_SECONDS + 2  # who has been killed again owes no recovery yet
ABANDONED_MAX = 10  # half-open peers that we keep open at once
PLANT_AT = 500  # which delivery a planted fault spoils
# How often each fault is drawn. A restart counts as the least of them, or nothing else would happen.
FAULTS = {"kill a client": 10, "stop a reader": 6, "leave a peer half open": 3,
          "cut all that goes through the proxy": 3, "kill a publisher": 3, "reload": 2,
          "clear a log": 1, "restart": 2}

CONFIG = {
    "reactors": 2,
    "echo": False,
    "heartbeat": {"ping_interval": "2s", "pong_timeout": "3s"},
    "limits": {"commands_per_second": 0, "write_timeout": "3s"},
    "auth": {"hmac_secret": SECRET},
    "topics": [{"match": "room.>", "subscribe": "anyone", "presence": True},
               {"match": "count.>", "subscribe": "anyone", "presence": "count"},
               {"match": ">", "subscribe": "anyone", "publish": "anyone",
                "history": {"messages": 5000, "bytes": "16MiB", "ttl": "10m"}}],
}


class World:
    """What publishers and subscribers share: where the server is, and the log of events."""

    def __init__(self, options):
        self.options = options
        self.checker = HistoryChecker()
        self.presence = PresenceChecker(PATIENCE)
        self._is_planted = options.plant not in ("join", "leave", "count")
        self.is_over = False
        self.restarts = 0
        self.faults = Counter()
        self.unexpected = []
        self._deliveries = 0
        self._sent_by = time.monotonic()
        self._directory = tempfile.mkdtemp(prefix="wspushd-chaos-")
        changes = dict(CONFIG)
        self.keeps_log = options.engine == "disk"  # over a restart
        if self.keeps_log:
            changes["engine"] = {"type": "disk",
                                 "disk": {"path": os.path.join(self._directory, "data")}}
        self.daemon = Daemon(changes, directory=self._directory)
        self.public, self.internal = self.daemon.public, self.daemon.internal
        changes["listen"] = [{"address": "%s:%d" % self.public}]
        changes["internal"] = {"address": "%s:%d" % self.internal}
        self._changes = changes
        self.public_proxy = CuttableProxy(self.public)
        self.internal_proxy = CuttableProxy(self.internal)

    def public_address(self, is_proxied):
        return self.public_proxy.address if is_proxied else self.public

    def internal_address(self):
        return self.internal_proxy.address

    @staticmethod
    def now():
        return time.monotonic()

    def record(self, event):
        if event["event"] == "message" and self.options.plant != "none":
            self._deliveries += 1
            if self._deliveries == PLANT_AT:
                if self.options.plant == "drop":
                    return
                if self.options.plant == "duplicate":
                    self.checker.add(event)
                if self.options.plant == "payload":
                    event = {**event, "payload": event["payload"][:2] + ["spoiled"]}
        self.checker.add(event)

    def present(self, event):
        """An event for the presence checker. A planted fault is one of somebody who stays to be told
        better and is not, in the last life of the server."""
        is_steady = event.get("subscription", "").startswith("m0.")
        if not self._is_planted and self.restarts and is_steady and event["event"] == "told":
            plant, view = self.options.plant, self.presence.view_of(event["subscription"])
            if plant == "count" and event["op"] == "count":
                event = {**event, "number": event["number"] + 1000}
                self._is_planted = True
            elif event["op"] == "join" and view is not None and event["user"] not in view:
                self._is_planted = plant in ("join", "leave")
                if plant == "join":
                    return
                if plant == "leave":
                    self.presence.add(event)
                    event = {**event, "op": "leave"}
        self.presence.add(event)

    @staticmethod
    def random(seed):
        return random.Random(seed)

    def wrong(self, what):
        """Something that no fault explains."""
        if len(self.unexpected) < 100:
            self.unexpected.append(what)

    async def pace(self, messages):
        """Lets the others run; with --rate, all publishers together send no faster than that."""
        if self.options.rate:
            self._sent_by = max(self._sent_by, self.now() - 1) + messages / self.options.rate
            await asyncio.sleep(max(0.0, self._sent_by - self.now()))
        else:
            await asyncio.sleep(0)

    async def newest(self, topic):
        """The id of the newest message of `topic`."""
        reader, writer = await asyncio.open_connection(*self.internal)
        try:
            writer.write(build_request("GET", f"/api/topics/{quote(topic)}"))
            response = await http_head(reader)
            body = await http_body(reader, response)
            if response.status == 503:
                raise OSError("not ready")
            assert response.status == 200, response
            return json.loads(body)["last"]
        finally:
            writer.transport.abort()

    async def in_thread(self, work, *arguments):
        return await asyncio.get_running_loop().run_in_executor(None, work, *arguments)

    async def restart(self):
        await self.in_thread(self.daemon.kill)
        self.restarts += 1
        self.record({"event": "restarted", "keeps": self.keeps_log})
        self.present({"event": "restarted", "at": self.now()})
        self.daemon = await self.in_thread(
            lambda: Daemon(self._changes, directory=self._directory))
        fault = {"fault": f"restart {self.restarts}"}
        ended = self.now()
        self.record({"event": "fault_ended", "at": ended, **fault})
        await asyncio.sleep(RECOVERY_SECONDS * PATIENCE)
        self.record({"event": "recovery_due", "at": self.now(), **fault})

    def close(self):
        try:
            self.daemon.stop()
        except AssertionError as failure:
            self.wrong(f"the server did not end well: {failure}")
        for proxy in (self.public_proxy, self.internal_proxy):
            proxy.__exit__()
        shutil.rmtree(self._directory, ignore_errors=True)


def answered_doors(daemon):
    """Those of DOORS, and `latest`, that this server answers."""
    doors = {"v1", "raw"}
    client = daemon.v1()
    if client.call("subscribe", topic="probe.*")["op"] == "subscribed":
        doors.add("pattern")
    if client.call("subscribe", topic="probe.a", max_rate=5)["op"] == "subscribed":
        doors.add("latest")
    for door, target, accept in (("poll", "/topics/probe", "application/json"),
                                 ("set", "/topics?topic=probe&topic=probe.a", "application/json"),
                                 ("sse", "/topics/probe", "text/event-stream")):
        with HttpConnection(daemon.public) as connection:
            connection.send_request("GET", target, {"Accept": accept})
            status = connection.stream.read_until(b"\r\n").split()[1]
            if status in (b"200", b"204"):
                doors.add(door)
    daemon.close_clients()
    return doors


def make_crowd(world, doors, rng):
    """Subscribers: on the doors for one topic, which they change, and on those for many."""
    single = [door for door in ("v1", "raw", "sse", "poll") if door in doors]
    crowd = []

    def add(cursors, their_doors):
        number = len(crowd)
        crowd.append(Subscriber(world, f"s{number}", [
            Cursor(f"s{number} {topic or 'set'}", topic, topics, mode)
            for topic, topics, mode in cursors], their_doors,
            random.Random(rng.random()), number % 3 == 0))

    for number in range(world.options.subscribers):
        topic = TOPICS[number % len(TOPICS)]
        kind = number % 6
        if single and (kind < 4 or not {"pattern", "set"} & doors):
            # The first of each topic keep to one door, the others go on at any.
            chosen = [single[number // len(TOPICS) % len(single)]] if kind < 2 else single
            add([(topic, [topic], "all")], chosen)
        elif "pattern" in doors and (kind == 4 or "set" not in doors):
            # A topic and a pattern over it on one connection: each delivers.
            cursors = [(PATTERN, TOPICS, "all")]
            add(cursors + ([(topic, [topic], "all")] if number % 4 == 0 else []), ["v1"])
        elif "set" in doors:
            add([(None, TOPICS, "all")],
                [door for door in ("sse", "poll") if door in doors] or ["sse", "poll"])
    if "v1" in doors:
        add([(TOPICS[0], [TOPICS[0]], "latest")], ["v1"])
        if "latest" in doors:
            add([(KEYED, [KEYED], "latest")], ["v1"])
    return crowd


def schedule(seconds, rng):
    """(second, fault) for the whole run, from the seed alone."""
    plan, at, restarted = [], 1.0, -math.inf
    last_restart = max(seconds - RECOVERY_SECONDS * PATIENCE - 1, seconds / 3)
    while at < seconds - 0.5:
        fault = rng.choices(list(FAULTS), FAULTS.values())[0]
        if fault == "restart":
            if at - restarted < RESTART_SPACING_SECONDS * PATIENCE or at > last_restart:
                fault = "kill a client"
            else:
                restarted = at
        plan.append((at, fault))
        at += 0.1 + rng.random() * 0.6
    if not any(fault == "restart" for _, fault in plan):  # there is one in every run
        middle = min(last_restart, seconds / 2)
        plan = sorted(plan + [(middle, "restart")])
    return plan


async def carry_out(world, plan, clients, publishers, rng):
    """The faults at their times; returns when all of them have ended and been recovered from."""
    began, recoveries, abandoned, loud = world.now(), [], deque(), True
    restarting = None
    for at, fault in plan:
        await asyncio.sleep(max(0.0, began + at - world.now()))
        world.faults[fault] += 1
        is_down = restarting is not None and world.daemon.process.poll() is not None
        if fault == "kill a client":
            rng.choice(clients).kill()
        elif fault == "stop a reader":
            rng.choice(clients).pause(rng.choice((0.3, 1.0, 4.0)))
        elif fault == "leave a peer half open":
            writer = rng.choice(clients).abandon()
            if writer is not None:
                abandoned.append(writer)
                if len(abandoned) > ABANDONED_MAX:
                    abandoned.popleft().transport.abort()
        elif fault == "cut all that goes through the proxy":
            for proxy in (world.public_proxy, world.internal_proxy):
                await world.in_thread(proxy.cut, rng.random() < 0.5)
        elif fault == "kill a publisher":
            rng.choice(publishers).kill()
        elif fault == "restart":
            restarting = asyncio.ensure_future(world.restart())
            recoveries.append(restarting)
        elif is_down:
            pass
        elif fault == "reload":
            loud = not loud
            world.daemon.reload({"log": {"access": not loud}, "limits": {"headers": 99 + loud}})
        elif fault == "clear a log":
            topic = rng.choice(TOPICS)
            # Told before: whatever comes of the request, one more epoch may be seen.
            world.record({"event": "cleared", "topic": topic})
            try:
                await world.in_thread(fetch, world.internal, "DELETE",
                                      f"/api/topics/{topic}/messages")
            except (OSError, AssertionError):
                pass  # the server has just been killed
    await asyncio.sleep(max(0.0, began + world.options.seconds - world.now()))
    await asyncio.gather(*recoveries)
    for writer in abandoned:
        writer.transport.abort()


async def settle(world, crowd):
    """One more message for each topic; then everybody has to have everything up to it."""
    last = {}
    for topic in TOPICS:
        payload = ["end", 1, ""]
        world.record({"event": "sending", "publisher": "end", "topic": topic, "seq": 1,
                      "payload": payload})
        last[topic] = (await world.in_thread(world.daemon.publish, topic, payload))["id"]
        world.record({"event": "published", "publisher": "end", "topic": topic, "seq": 1,
                      "id": last[topic], "at": world.now()})
    deadline = world.now() + SETTLE_SECONDS * PATIENCE
    while not all(subscriber.is_settled(last) for subscriber in crowd):
        if world.now() > deadline:
            break
        await asyncio.sleep(0.02)
    for subscriber in crowd:
        for cursor in subscriber.cursors:
            for topic in cursor.topics:
                world.record({"event": "settled", "subscription": cursor.name, "topic": topic,
                              "last": last[topic]})


def line_of(world, crowd, publishers, members):
    """The counts, as one line."""
    counts, broken, presence = world.checker.counts, world.checker.broken, world.presence
    others = sum(number for rule, number in broken.items() if rule not in (1, 2))
    return (f"{counts['sent']} messages ({counts['acknowledged']} acknowledged), "
            f"{counts['deliveries']} deliveries, {len(crowd)} subscribers, "
            f"{len(publishers)} publishers, "
            f"{len(members)} members, "
            f"{sum(each.reconnects for each in crowd + publishers + members)} reconnects, "
            f"{world.restarts} server restarts, {sum(world.faults.values())} faults, "
            f"{counts['gaps']} gaps told, {broken[1]} holes untold, {broken[2]} duplicates, "
            f"{presence.counts['changes']} joins and leaves told, {presence.counts['lists']} lists, "
            f"{presence.broken.total()} presence promises broken, "
            f"{others + len(world.unexpected)} other broken promises")


async def tell_progress(world, crowd, publishers, members):
    began = world.now()
    while True:
        await asyncio.sleep(PROGRESS_SECONDS)
        print(f"[{world.now() - began:4.0f} s] {line_of(world, crowd, publishers, members)}",
              flush=True)


def make_publishers(world, rng):
    ways = ("http", "batch", "ndjson", "v1")
    return [Publisher(world, f"p{number}", ways[number % len(ways)], TOPICS, KEYED,
                      random.Random(rng.random())) for number in range(world.options.publishers)]


async def run(world, plan, crowd, publishers, members, rng):
    world.record({"event": "begins", "topics": TOPICS})
    reading = [asyncio.ensure_future(each.run()) for each in crowd + members]
    writing = [asyncio.ensure_future(each.run()) for each in publishers]
    progress = [asyncio.ensure_future(tell_progress(world, crowd, publishers, members))]
    if members:
        progress.append(asyncio.ensure_future(watch_the_lists(world, random.Random(rng.random()))))
    clients = crowd + [member for member in members if not member.is_steady]
    try:
        await carry_out(world, plan, clients, publishers, rng)
        world.is_over = True
        for failure in await asyncio.gather(*writing, return_exceptions=True):
            if failure is not None:
                world.wrong(f"a publisher: {type(failure).__name__}: {failure}")
        await settle(world, crowd)
        if members:
            await settle_members(world, members, SETTLE_SECONDS * PATIENCE)
            for failure in (await asyncio.gather(*cancelled(progress), return_exceptions=True)):
                if not isinstance(failure, asyncio.CancelledError):
                    world.wrong(f"the lists: {type(failure).__name__}: {failure}")
    finally:
        await asyncio.gather(*cancelled(reading + writing + progress), return_exceptions=True)


def cancelled(tasks):
    for task in tasks:
        task.cancel()
    return tasks


async def run_to_the_end(world, plan, crowd, publishers, members, rng):
    """Ends by itself whatever happens, and what ended it is a problem like any other."""
    seconds = world.options.seconds + (2 * SETTLE_SECONDS + OVERTIME_SECONDS) * PATIENCE
    try:
        await asyncio.wait_for(run(world, plan, crowd, publishers, members, rng), seconds)
    except asyncio.TimeoutError:
        world.wrong(f"the run did not end within {seconds:g} s")
    except Exception as failure:  # whatever it is, the last line says what was found by then
        world.wrong(f"the run: {type(failure).__name__}: {failure}")


def parse_options(arguments):
    parser = argparse.ArgumentParser(prog="scripts/chaos", description="Faults at random on a real "
                                     "wspushd under load, and a proof of what it promises about "
                                     "delivery. Exit code 1 where a promise was broken.")
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=None, help="the same one draws the same faults")
    parser.add_argument("--door", default=None, help="of " + ",".join(DOORS) +
                        "; without it all that the server answers")
    parser.add_argument("--engine", choices=("memory", "disk"), default="memory")
    parser.add_argument("--subscribers", type=int, default=24)
    parser.add_argument("--publishers", type=int, default=4)
    parser.add_argument("--members", type=int, default=12,
                        help="connections that come and go in topics with presence; two more stay")
    parser.add_argument("--rate", type=float, default=0,
                        help="messages a second of all publishers together; 0: as fast as they can")
    parser.add_argument("--plant", choices=PLANTS, default="none",
                        help="spoil one delivery, or what one member is told, on its way to the "
                        "checker, which has to find it")
    options = parser.parse_args(arguments)
    options.door = set(options.door.split(",")) if options.door else None
    if options.door is not None and not options.door <= set(DOORS):
        parser.error(f"--door: of {','.join(DOORS)}")
    if options.seconds < 5 or options.subscribers < 6 or options.publishers < 1 or \
            options.members < 0:
        parser.error("at least 5 seconds, 6 subscribers and a publisher, and no less than no members")
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(1 << 32)
    return options


def main(arguments):
    options = parse_options(arguments)
    print(f"seed {options.seed}, engine {options.engine}", flush=True)
    world = World(options)
    try:
        answered = answered_doors(world.daemon)
        doors = answered if options.door is None else options.door | (answered & {"latest"})
        if not doors <= answered:
            print(f"the server does not answer {','.join(sorted(doors - answered))}")
            return 1
        print(f"doors {','.join(sorted(doors))}", flush=True)
        rng = random.Random(options.seed)
        plan = schedule(options.seconds, random.Random(rng.random()))
        crowd, publishers = make_crowd(world, doors, rng), make_publishers(world, rng)
        members = make_members(world, answered, rng) if options.members else []
        asyncio.run(run_to_the_end(world, plan, crowd, publishers, members, rng))
    finally:
        world.close()
    problems = world.checker.finish() + world.presence.finish() + world.unexpected
    for problem, context in list(zip_longest(problems, world.checker.contexts, fillvalue=()))[:20]:
        print("\n".join([problem, *context]))
    print(f"chaos: seed {options.seed}, {options.seconds:g} s: "
          f"{line_of(world, crowd, publishers, members)}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
