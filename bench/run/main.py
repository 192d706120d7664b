#!/usr/bin/env python3
"""Measures wspushd beside the floor and its peers. Started by scripts/bench, which builds first."""

import argparse
import datetime
import os
import pathlib
import platform
import re
import resource
import signal
import subprocess
import sys
import tempfile

import choose
import page
import result_tables
import rows
from campaign import Campaign, Progress, seconds_expected
from kinds import Workshop, missing
from load import DiskLoad, Load
from results import Results
from servers import Servers

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGE = "docs/performance.md"
DISK_PROGRAM = "bench/engine/disk_publish.py"
SERVER_CPU = 0
LOAD_CPU = 1


def options_of(arguments):
    parser = argparse.ArgumentParser(
        prog="scripts/bench", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="What wspushd costs, beside the floor (a server that does only the unavoidable,\n"
                    "bench/floor) and its peers, all in turn on this machine. Writes\n"
                    "docs/performance.md and its plots. About 25 minutes; with --rounds 3\n"
                    "--seconds 0.8 about 17.",
        epilog="The server gets CPU 0, the load CPU 1: run it on an otherwise idle machine.\n"
               "Without root, what is missing is not installed, and peers that are not there\n"
               "are left out.")
    parser.add_argument("--rows", action="append", default=[], metavar="PATTERN",
                        help="only those: a table (`echo`) or rows of it (`fan-out/1000x*`); "
                             "may be repeated")
    parser.add_argument("--list", action="store_true", help="the tables and rows, and nothing else")
    parser.add_argument("--rounds", type=int, default=5, metavar="N",
                        help="of each row, the servers in turn (5)")
    parser.add_argument("--seconds", type=float, default=1.0, metavar="S",
                        help="of a round; rows that need it get more, or less (1)")
    parser.add_argument("--quick", action="store_true",
                        help="2 rounds of half a second, prints only")
    parser.add_argument("--noise", action="store_true",
                        help="the floor against a second floor: how far from 1 a ratio gets by "
                             "chance here; prints only")
    parser.add_argument("--no-peers", action="store_true", help="wspushd and the floor alone")
    parser.add_argument("--no-build", action="store_true", help="takes build/bench as it is")
    parser.add_argument("--no-page", action="store_true", help="prints only")
    parser.add_argument("--json", metavar="FILE", help="keeps the raw results")
    parser.add_argument("--page-from", metavar="FILE",
                        help="writes the page from raw results, and measures nothing")
    parser.add_argument("--build-directory", default="build/bench", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.quick:
        options.rounds, options.seconds = 2, 0.5
    options.no_peers = options.no_peers or options.noise
    if not 1 <= options.rounds <= 99:
        parser.error(f"--rounds {options.rounds}: 1 to 99 are allowed")
    if not 0.1 <= options.seconds <= 60:
        parser.error(f"--seconds {options.seconds:g}: 0.1 to 60 are allowed")
    return options


def said(command):
    """What a command prints; empty where it fails."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""


def command_of(arguments):
    """What was asked for, without what only says where the results go."""
    told, is_file = [], False
    for argument in arguments:
        if not is_file and argument not in ("--json", "--no-page", "--no-build") and \
                not argument.startswith("--json="):
            told.append(argument)
        is_file = argument == "--json"
    return " ".join(["scripts/bench", *told])


def about(options, arguments):
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = re.search(r"^model name\s*: (.*)$", file.read(), re.M)
    commit = said(["git", "rev-parse", "--short", "HEAD"]) or "unknown"
    if said(["git", "status", "--porcelain", "--", "src", "include", "bench", "cmake"]):
        commit += " with changes"
    return {"machine": f"{os.cpu_count()} CPUs, {model[1] if model else 'unknown model'}, "
                       f"Linux {platform.release().partition('-')[0]}",
            "commit": commit, "command": command_of(arguments),
            "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d"),
            "rounds": options.rounds, "seconds": options.seconds}


def cpus_of(server):
    """Where it runs: a reactor more, a CPU more, from the second on that of the load too."""
    settings = dict(server.settings)
    threads = settings.get("reactors", settings.get("threads", 1))
    return set(range(SERVER_CPU, min(SERVER_CPU + threads, os.cpu_count())))


def availability(shop):
    """A predicate of servers; says once on stderr what each absent one lacks."""
    told = {}

    def is_available(server):
        if server.kind not in told:
            told[server.kind] = missing(shop, server.kind)
            if told[server.kind]:
                print(f"bench: without {server.kind}: {told[server.kind]}", file=sys.stderr)
        return told[server.kind] is None

    return is_available


def show(tables, results):
    for table in tables:
        print(f"\n## {table.title}\n")
        print("\n".join(result_tables.tables_of(table, results)))


def publish(tables, results):
    for key in page.write(ROOT / PAGE, tables, results):
        print(f"bench: {key}: not all of its rows were measured: the page keeps what it has",
              file=sys.stderr)
    print(f"bench: wrote {PAGE}", file=sys.stderr)


def measure(options, arguments):
    if os.cpu_count() < 2:
        sys.exit("bench: two CPUs are needed, one for the server and one for its load")
    build = ROOT / options.build_directory
    with tempfile.TemporaryDirectory(prefix="wspush-bench.") as scratch:
        shop = Workshop(str(ROOT), str(build), scratch)
        tables = choose.chosen(rows.tables(), options.rows, not options.no_peers,
                               availability(shop))
        if options.noise:
            tables = choose.noise(tables)
        if not tables:
            sys.exit("bench: no row has that name; see --list")
        resource.setrlimit(resource.RLIMIT_NOFILE,
                           (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
        results = Results(about(options, arguments))
        progress = Progress(seconds_expected(tables, options.rounds, options.seconds))
        try:
            with Servers(shop, cpus_of) as servers, \
                    Load(str(build / "wspush"), LOAD_CPU) as load:
                disk = DiskLoad(str(ROOT / DISK_PROGRAM), str(build / "wspushd"),
                                (SERVER_CPU, LOAD_CPU), scratch)
                Campaign(servers, load, results, progress, options.rounds, options.seconds,
                         {"disk": disk}).run(tables)
        finally:  # what was measured before it was ended is not lost
            if options.json:
                results.write(options.json)
            show(tables, results)
    if not (options.quick or options.noise or options.no_page):
        publish(rows.tables(), results)
    return 1 if results.errors() else 0


def end(number, _frame):
    sys.exit(128 + number)  # on the way out everything that was started is ended


def main():
    arguments = sys.argv[1:]
    options = options_of(arguments)
    if options.list:
        for table in rows.tables():
            for row in table.rows:
                print(f"{table.key}/{row.key}: {row.label}: "
                      f"{', '.join(each.name for each in row.contenders)}")
        return 0
    if options.page_from:
        publish(rows.tables(), Results.read(options.page_from))
        return 0
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)
    return measure(options, arguments)


if __name__ == "__main__":
    sys.exit(main())
