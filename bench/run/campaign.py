"""A whole run: group by group, round by round, contender by contender."""

import sys
import time

from load import LoadFault
from servers import ServerFault

# What a measurement takes besides its seconds: to start and to end, and for each connection.
SECONDS_AROUND = 0.25
SECONDS_PER_CONNECTION = 0.0001
SECONDS_PER_TLS_CONNECTION = 0.0006
SECONDS_PER_START = 0.3
# A window that has begun is waited for; few peers send several messages at once.
PEER_SECONDS_PER_DELIVERY = 8e-6


def rounds_of(row, contender, rounds):
    """The numbers of the rounds in which it takes part, spread over all of them."""
    count = min(rounds, row.rounds_max, *([row.peer_rounds_max] if contender.is_peer else []))
    return {1 + index * rounds // count for index in range(count)}


def seconds_of(row, contender, rounds, seconds):
    """About how long one measurement takes, with its share of starting the server."""
    starts = 1 if row.has_new_server_each_round else 1 / rounds
    connections = row.number("connections") + row.number("stalled")
    each = SECONDS_PER_TLS_CONNECTION if dict(contender.server.settings).get("tls") \
        else SECONDS_PER_CONNECTION
    behind = PEER_SECONDS_PER_DELIVERY * connections * row.number("window") if contender.is_peer \
        else 0.0
    return (SECONDS_AROUND + SECONDS_PER_START * starts + each * connections + row.warm_up +
            row.seconds * seconds + behind)


def seconds_expected(tables, rounds, seconds):
    """About how long the run takes."""
    return sum(seconds_of(row, each, rounds, seconds) * len(rounds_of(row, each, rounds))
               for table in tables for row in table.rows for each in row.contenders)


class Progress:
    """Says on stderr how far the run is and how long it will take."""

    def __init__(self, expected, clock=time.monotonic, out=sys.stderr):
        self._expected = max(expected, 1.0)
        self._clock = clock
        self._out = out
        self._began = clock()
        self._done = 0.0

    def say(self, what):
        left = max(self._expected - self._done, 0.0)
        spent = self._clock() - self._began
        # After a while the run knows better than the estimate how fast it goes.
        pace = spent / self._done if self._done > 20 else 1.0
        minutes, seconds = divmod(round(left * pace), 60)
        print(f"bench: [{100 * self._done / self._expected:3.0f} %, {minutes}:{seconds:02d} left] "
              f"{what}", file=self._out, flush=True)

    def complain(self, what):
        print(f"bench: {what}", file=self._out, flush=True)

    def advance(self, expected):
        self._done += expected


class Campaign:
    """`others`: {scenario: what measures it}, where that starts its servers itself."""

    def __init__(self, servers, load, results, progress, rounds, seconds, others=None):
        self._others = others or {}
        self._servers = servers
        self._load = load
        self._results = results
        self._progress = progress
        self._rounds = rounds
        self._seconds = seconds

    def run(self, tables):
        for table in tables:
            for group in table.groups():
                self._run_group(table, group)

    def _run_group(self, table, group):
        running = {}
        try:
            for number in range(1, self._rounds + 1):
                for row in group:
                    taking_part = [each for each in row.contenders
                                   if number in rounds_of(row, each, self._rounds)]
                    if not taking_part:
                        continue
                    self._progress.say(f"{table.key}: {row.label}, round {number} of "
                                       f"{self._rounds}: "
                                       f"{', '.join(each.name for each in taking_part)}")
                    for contender in taking_part:
                        self._measure(table, row, contender, number, running)
        finally:
            for each in running.values():
                self._servers.stop(each)

    def _measure(self, table, row, contender, number, running):
        names = (table.key, row.key, contender.name, number)
        began = time.monotonic()
        try:
            load = self._others.get(row.scenario)
            server = None if load else self._running_one(contender.server, running)
            result = (load or self._load).measure(row, contender, server,
                                                  row.seconds * self._seconds)
            self._results.add(*names, result=result, took=time.monotonic() - began)
        except (LoadFault, ServerFault) as fault:
            self._results.add(*names, error=str(fault))
            self._progress.complain(f"{table.key}: {row.label}: {contender.name}: {fault}")
        finally:
            if row.has_new_server_each_round and contender.server in running:
                self._servers.stop(running.pop(contender.server))
            self._progress.advance(seconds_of(row, contender, self._rounds, self._seconds))

    def _running_one(self, server, running):
        if server in running and running[server].process.poll() is not None:  # it died meanwhile
            self._servers.stop(running.pop(server))
        if server not in running:
            running[server] = self._servers.start(server)
        return running[server]
