#!/usr/bin/env python3
"""What is small, each beside its limit or the plain way: a table of Markdown of bench/micro.

    bench/micro/table.py BUILD_DIRECTORY [--cpu 0] [--repetitions 5]

Runs the benchmarks in turn (their repetitions interleaved, so that what slows the machine for a
while slows both of a pair) and prints medians. BUILD_DIRECTORY is that of the preset `bench`.
About two minutes.
"""

import argparse
import json
import os
import subprocess
import sys
from typing import NamedTuple

KIBIBYTE = 1024


class Pair(NamedTuple):
    what: str
    ours: str         # a benchmark with its arguments
    other: str
    other_is: str     # what it is compared with
    goal: float = 0   # of the ratio of speeds; 0: none


def size_of(count):
    return f"{count // KIBIBYTE} KiB" if count % KIBIBYTE == 0 else f"{count} B"


def pairs():
    made = {"websocket": [], "base": [], "hub": [], "door": []}
    for size in (128, 1 << 10, 16 << 10, 64 << 10):
        made["websocket"].append(Pair(f"unmask {size_of(size)}", f"BM_Unmask/{size}",
                                      f"BM_Memcpy/{size}", "memcpy", 0.8 if size >= 1024 else 0))
    for kind, name in enumerate(("ASCII", "Latin", "Cyrillic", "CJK, emoji")):
        for size in (128, 1 << 10, 16 << 10):
            made["websocket"].append(Pair(
                f"UTF-8 of {size_of(size)}, {name}", f"BM_IsValidUtf8/{size}/{kind}",
                f"BM_SimdjsonUtf8/{size}/{kind}", "simdjson", 0.9 if size >= 1024 else 0))
    for size in (1 << 10, 64 << 10):
        made["websocket"].append(Pair(f"unmask and validate {size_of(size)}",
                                      f"BM_UnmaskText/{size}", f"BM_UnmaskThenValidate/{size}",
                                      "one after the other"))
    for size in (20, 128, 1 << 10):
        made["websocket"].append(Pair(f"256 KiB of text frames of {size} B to messages",
                                      f"BM_MessageAssembler<Opcode::kText>/{size}",
                                      f"BM_CopyOnly/{size}", "memcpy"))
    made["websocket"].append(Pair("frame of 1 KiB", "BM_EncodeFrame/1024", "BM_EncodeCopyOnly/1024",
                                  "memcpy"))
    for size in (1 << 10, 16 << 10):
        made["websocket"].append(Pair(f"deflate {size_of(size)}", f"BM_DeflateShared/{size}",
                                      f"BM_DeflateStreamForEach/{size}", "a stream for each",
                                      0.95))
        made["websocket"].append(Pair(f"inflate {size_of(size)}", f"BM_InflateShared/{size}",
                                      f"BM_InflateStreamForEach/{size}", "a stream for each",
                                      0.95))
    for count in (1_000, 1_000_000):
        made["base"] += [
            Pair(f"topic of {count:,} by name", f"BM_TopicLookupNameTable/{count}",
                 f"BM_TopicLookupUnorderedMap/{count}", "unordered_map, unkeyed hash", 0.8),
            Pair(f"connection of {count:,} by handle", f"BM_HandleLookupSlotMap/{count}",
                 f"BM_HandleLookupUnorderedMap/{count}", "unordered_map", 1),
            Pair(f"one of {count:,} connections for another", f"BM_ReplaceInSlotMap/{count}",
                 f"BM_ReplaceByNew/{count}", "delete and new", 1)]
        made["hub"].append(Pair(f"subscribe anew, {count:,} there",
                                f"BM_ResubscribeInTable/{count}", f"BM_ResubscribeInSet/{count}",
                                "std::set", 1))
    made["hub"] += [
        Pair("append to a log of 100", "BM_AppendToTopicLog/100", "BM_AppendToDeque/100",
             "deque"),
        Pair("3 of 3,000 patterns for a topic", "tree/3000", "list/3000", "trying each", 1)]
    for form in ("kRaw", "kWspushV1"):
        made["door"].append(Pair(f"wire form of 1 KiB, {form[1:]}",
                                 f"BM_WireForm<hub::WireForm::{form}>/1024",
                                 "BM_WireFormCopyOnly/1024", "a copy"))
    return made


def run(program, names, cpu, repetitions):
    """{name: nanoseconds}, the medians."""
    chosen = "|".join(sorted("^" + each.replace("(", "\\(") + "$" for each in names))
    done = subprocess.run(
        ["taskset", "-c", str(cpu), program, f"--benchmark_filter={chosen}",
         f"--benchmark_repetitions={repetitions}", "--benchmark_enable_random_interleaving=true",
         "--benchmark_min_time=0.05", "--benchmark_report_aggregates_only=true",
         "--benchmark_format=json"], check=True, stdout=subprocess.PIPE, text=True)
    found = {each["run_name"]: each["cpu_time"] for each in json.loads(done.stdout)["benchmarks"]
             if each.get("aggregate_name") == "median"}
    missing = set(names) - set(found)
    if missing:
        raise SystemExit(f"{program} has no {', '.join(sorted(missing))}")
    return found


def time_of(nanoseconds):
    return f"{nanoseconds / 1e3:,.1f} µs" if nanoseconds >= 10_000 else f"{nanoseconds:,.1f} ns"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("build")
    parser.add_argument("--cpu", type=int, default=0)
    parser.add_argument("--repetitions", type=int, default=5)
    arguments = parser.parse_args()
    is_good = True
    print("| | ours | compared with | | ours is so many times as fast | goal |\n"
          "| --- | --- | --- | --- | --- | --- |")
    for module, of_module in pairs().items():
        found = run(os.path.join(arguments.build, "bench", "micro", f"{module}_bench"),
                    {name for pair in of_module for name in (pair.ours, pair.other)},
                    arguments.cpu, arguments.repetitions)
        for pair in of_module:
            speed = found[pair.other] / found[pair.ours]
            missed = speed < pair.goal
            is_good = is_good and not missed
            print(f"| {pair.what} | {time_of(found[pair.ours])} | {pair.other_is} | "
                  f"{time_of(found[pair.other])} | {speed:.2f} | "
                  f"{f'{pair.goal:g}' if pair.goal else ''}{', missed' if missed else ''} |",
                  flush=True)
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
