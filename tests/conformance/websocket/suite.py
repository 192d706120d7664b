"""The groups, how many cases each has, and what came of them."""

import concurrent.futures
import time
from typing import NamedTuple

import closing_cases
import compression_cases
import framing_cases
import limits_cases
import strict_cases
import utf8_cases
from peer import Mismatch

# In flight at a time: most of a case is waiting.
WORKERS = 8


class Group(NamedTuple):
    number: str
    what: str
    cases: callable  # a generator function
    count: int  # what it has to come to; Autobahn's, for the groups of Autobahn


GROUPS = (
    Group("1", "framing", framing_cases.framing, 16),
    Group("2", "ping and pong", framing_cases.pings, 11),
    Group("3", "reserved bits", framing_cases.reserved_bits, 7),
    Group("4", "opcodes", framing_cases.opcodes, 10),
    Group("5", "fragmentation", framing_cases.fragmentation, 20),
    Group("6", "UTF-8", utf8_cases.utf8, 145),
    Group("7", "close", closing_cases.closing, 37),
    Group("9", "limits", limits_cases.limits, 54),
    Group("10", "auto-fragmentation", framing_cases.auto_fragmentation, 1),
    Group("12", "compression: data", compression_cases.compression_data, 90),
    Group("13", "compression: parameters", compression_cases.compression_parameters, 126),
    *(Group(*row) for row in strict_cases.GROUPS),
)


class Outcome(NamedTuple):
    case: object
    failure: str  # empty: passed
    seconds: float


def run_case(case, lab):
    started = time.monotonic()
    failure = ""
    try:
        if case.run is None:
            raise Mismatch("a case", "unimplemented")
        case.run(lab)
    except Mismatch as problem:
        failure = str(problem)
    except Exception as problem:  # pylint: disable=broad-except
        failure = f"the driver broke: {type(problem).__name__}: {problem}"
    return Outcome(case, failure, time.monotonic() - started)


def select(patterns):
    """[(group, cases)]; with `patterns` only the cases whose number is one or begins with one."""
    chosen = []
    for group in GROUPS:
        cases = list(group.cases())
        if patterns:
            cases = [case for case in cases if any(
                case.number == each or case.number.startswith(each + ".") for each in patterns)]
        if cases or not patterns:
            chosen.append((group, cases))
    return chosen


def run(lab, patterns=(), workers=WORKERS):
    """[(group, outcomes)] of all cases, or of those that `patterns` choose."""
    chosen = select(patterns)
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        futures = {case.number: pool.submit(run_case, case, lab)
                   for _, cases in chosen for case in cases}
        return [(group, [futures[case.number].result() for case in cases])
                for group, cases in chosen]


def failures(results):
    """{number: failure}"""
    return {outcome.case.number: outcome.failure for _, outcomes in results
            for outcome in outcomes if outcome.failure}


def faults_of_counts(results):
    """What is wrong with how many cases there were, and with their numbers."""
    found = []
    for group, outcomes in results:
        if len(outcomes) != group.count:
            found.append(f"group {group.number}: {len(outcomes)} cases, {group.count} expected")
        if len({outcome.case.number for outcome in outcomes}) != len(outcomes):
            found.append(f"group {group.number}: a number twice")
    return found


def table(title, results, is_whole):
    """The lines of the report. `is_whole`: all cases were asked for, so that their count holds."""
    lines = [title, "", f"{'group':<34} cases passed failed seconds"]
    for group, outcomes in results:
        failed = sum(bool(outcome.failure) for outcome in outcomes)
        seconds = sum(outcome.seconds for outcome in outcomes)
        lines.append(f"{group.number + ' ' + group.what:<34} {len(outcomes):5} "
                     f"{len(outcomes) - failed:6} {failed:6} {seconds:7.1f}")
    lines.append("")
    every = [outcome for _, outcomes in results for outcome in outcomes]
    lines += [f"FAILED {outcome.case.number} ({outcome.case.what}): {outcome.failure}"
              for outcome in every if outcome.failure]
    if is_whole:
        lines += [f"FAILED {fault}" for fault in faults_of_counts(results)]
    passed = sum(not outcome.failure for outcome in every)
    wanted = sum(group.count for group, _ in results) if is_whole else len(every)
    lines.append(f"{passed} of {wanted} cases passed")
    return lines
