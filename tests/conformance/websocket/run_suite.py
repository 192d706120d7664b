#!/usr/bin/python3
"""Runs the conformance cases against the real wspushd and prints what came of them.

    WSPUSHD=build/release/wspushd run_suite.py [--tls] [--full] [--output FILE] [NUMBER...]

NUMBER: a case or the beginning of its number: 6.4.1, 6, S.close. Exit code 1 when a case has
failed, or when there were not as many as there have to be.
"""

import argparse
import sys
import time

import suite
from lab import Lab


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--tls", action="store_true", help="the same cases over TLS")
    parser.add_argument("--full", action="store_true",
                        help="1000 messages in each case of groups 12 and 13")
    parser.add_argument("--output", help="a file that gets the table too")
    parser.add_argument("numbers", nargs="*", help="only these cases or groups")
    options = parser.parse_args()
    started = time.monotonic()
    with Lab(uses_tls=options.tls, is_full=options.full) as lab:
        results = suite.run(lab, options.numbers)
    is_whole = not options.numbers
    seconds = time.monotonic() - started
    title = f"WebSocket conformance over {'TLS' if options.tls else 'TCP'}, {seconds:.0f} s"
    report = "\n".join(suite.table(title, results, is_whole)) + "\n"
    print(report, end="")
    if options.output:
        with open(options.output, "w", encoding="utf-8") as file:
            file.write(report)
    has_failed = suite.failures(results) or (is_whole and suite.faults_of_counts(results))
    ran = sum(len(outcomes) for _, outcomes in results)
    return 1 if has_failed or not ran else 0


if __name__ == "__main__":
    sys.exit(main())
