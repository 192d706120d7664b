"""The suite passes a server that is right, and finds each fault that is planted in one."""

import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))

import suite  # noqa: E402  (after the path is set)
from faulty_echo import FAULTS, FaultyEcho  # noqa: E402
from lab import (MIN_BYTES, NARROW_BITS, TIGHT_FRAMES, TIGHT_MESSAGE_BYTES,  # noqa: E402
                 TIGHT_WRITE_SECONDS, Certificate)
from peer import Target  # noqa: E402

CONFIGURATIONS = {
    "main": {},
    "takeover": {"takeover": True},
    "narrow": {"window_bits": NARROW_BITS},
    "tight": {"message_bytes": TIGHT_MESSAGE_BYTES, "frames": TIGHT_FRAMES,
              "min_bytes": MIN_BYTES, "write_seconds": TIGHT_WRITE_SECONDS},
}

# Which cases find it: each of them has to.
FOUND_BY = {
    "text is judged when the message ends": ["6.4.1", "6.4.2", "6.4.3", "6.4.4", "S.frame.utf8.5"],
    "an empty last fragment hides a cut code point": ["S.frame.utf8.1"],
    "errors are answered with 1000": ["3.1", "4.1.1", "5.1", "6.3.1", "7.3.2", "S.frame.1"],
    "errors cut TCP": ["2.5", "3.2", "5.9", "6.3.2", "7.9.1"],
    "errors reset TCP": ["3.1", "S.close.unread.1", "S.close.unread.4"],
    "an error drops the replies before it": ["3.2", "4.1.3", "4.2.3", "5.15", "S.close.earned"],
    "the server window is kept though given up":
        ["12.1.4", "13.2.4", "S.kept.context.main.1", "S.kept.context.takeover.1"],
    "the server window is larger than answered":
        [f"S.kept.server.{server}.{bits}" for server in ("main", "takeover")
         for bits in range(8, 15)],
    "parameters are kept but not answered": ["13.2.1", "13.3.1", "S.offer.taken.2",
                                             "S.kept.context.takeover.1"],
    "each message of the client is inflated anew": ["S.deflate.takeover.3",
                                                    "S.kept.client.takeover.15"],
    "nothing is inflated behind a final block": ["S.deflate.takeover.8", "S.deflate.main.9",
                                                 "S.deflate.takeover.9"],
    "RSV1 is let through on control frames": ["S.deflate.main.15", "S.deflate.main.16",
                                              "S.deflate.main.17"],
    "RSV1 is let through on continuations": ["S.deflate.main.18", "S.deflate.main.19"],
    "a control frame ends compression": ["S.deflate.main.10"],
    "unmasked frames are taken": ["S.frame.1", "S.frame.2"],
    "long forms of lengths are taken": ["S.frame.long.1", "S.frame.long.4"],
    "the top bit of a length is dropped": ["S.frame.huge.2"],
    "every number of window bits is taken": ["S.offer.declined.2", "S.offer.declined.3",
                                             "S.offer.declined.5", "S.offer.declined.22"],
    "unknown parameters are taken": ["S.offer.taken.27", "S.offer.declined.36"],
    "parameters may come twice": ["S.offer.declined.30", "S.offer.declined.32"],
    "the last offer wins": ["S.offer.taken.25"],
    "only the first header line of offers counts": ["S.offer.taken.27", "S.offer.taken.28"],
    "a close is answered without its code": ["1.1.1", "7.1.1", "7.7.1", "S.close.known.1"],
    "a pong follows the close": ["7.1.1", "7.3.1"],
    "TCP is left open": ["1.1.1", "3.1", "7.1.1"],
    "every close code is taken": ["7.9.1", "7.9.9", "7.13.1", "S.close.wrong.1"],
    "close reasons are not looked at": ["7.5.1", "S.close.reason.2"],
    "a close of one octet is taken": ["7.3.2"],
    "a request may have a body": ["S.upgrade.1", "S.upgrade.2", "S.upgrade.16"],
    "a second Host is taken": ["S.upgrade.4"],
    "echoes are masked": ["1.1.1", "9.7.1"],
    "text comes back as binary": ["1.1.2", "12.1.1"],
    "replies are never compressed": ["12.1.4", "S.kept.context.main.1", "S.kept.min.2"],
    "every size is taken": ["S.limit.1", "S.limit.3", "S.deflate.limit.1"],
    "echoes are queued without a bound": ["S.stall.1"],
    "slow readers are cut": ["S.stall.2"],
    "pings are not answered": ["2.1", "2.7", "5.6"],
    "small messages are compressed too": ["S.kept.min.1"],
    "the window bits of the config are not kept": ["S.kept.narrow.1", "S.kept.narrow.2", "S.kept.narrow.3"],
}


class FaultyLab:
    """As lab.Lab, of faulty servers."""

    is_full = False

    def __init__(self, faults=(), certificate=None):
        self._context = certificate and certificate.client_context()
        self._servers = {
            name: FaultyEcho(faults, certificate and certificate.server_context(), **settings)
            for name, settings in CONFIGURATIONS.items()}

    @property
    def main(self):
        return self.target("main")

    def target(self, name):
        return Target(self._servers[name].address, context=self._context)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for server in self._servers.values():
            server.close()


def test_a_server_without_fault_passes_every_group():
    with FaultyLab() as lab:
        # Of the large messages a few are enough: this server is slow.
        numbers = [group.number for group in suite.GROUPS if group.number != "9"]
        results = suite.run(lab, [*numbers, "9.1.1", "9.2.1", "9.7.4"])
    assert suite.failures(results) == {}


def test_the_cases_run_over_tls_too(tmp_path):
    with FaultyLab(certificate=Certificate(tmp_path)) as lab:
        results = suite.run(lab, ["1", "2", "3", "4", "5", "6", "7", "10", "S.frame", "S.stall"])
    assert suite.failures(results) == {}


def test_an_end_without_close_notify_is_found(tmp_path):
    fault = "TLS ends without close_notify"
    with FaultyLab([fault], Certificate(tmp_path)) as lab:
        results = suite.run(lab, ["1.1.1", "3.1", "7.1.1"])
    assert len(suite.failures(results)) == 3


def test_each_group_has_the_cases_that_it_has_to_have():
    assert {group.number: len(cases) for group, cases in suite.select([])} == \
        {group.number: group.count for group in suite.GROUPS}


def test_each_fault_is_looked_for():
    assert set(FOUND_BY) == FAULTS - {"TLS ends without close_notify"}  # has a test of its own


@pytest.mark.parametrize("fault", sorted(FOUND_BY))
def test_a_planted_fault_is_found(fault, monkeypatch):
    # What does not come is not waited for so long: the servers are idle but for this.
    monkeypatch.setattr("peer.ANSWER_SECONDS", 4)
    monkeypatch.setattr("peer.CLOSE_SECONDS", 2)
    with FaultyLab([fault]) as lab:
        results = suite.run(lab, FOUND_BY[fault])
    missed = [outcome.case.number for _, outcomes in results for outcome in outcomes
              if not outcome.failure]
    assert missed == []
    assert sum(len(outcomes) for _, outcomes in results) >= len(FOUND_BY[fault])


def test_a_case_that_is_not_there_counts_as_failed():
    case = suite.select(["1.1.1"])[0][1][0]._replace(run=None)
    assert "unimplemented" in suite.run_case(case, None).failure
