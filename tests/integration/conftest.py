"""Fixtures: a daemon shared by the tests of a file, daemons of a test's own, topics nobody else uses.

The tests find the binaries in the environment, WSPUSHD and WSPUSH; ctest sets both. By hand:

    WSPUSHD=build/dev/src/bin/wspushd WSPUSH=build/dev/src/bin/wspush \
        /usr/bin/python3 -m pytest tests/integration/handshake_test.py

A slow build (sanitizers) sets WSPUSH_TEST_PATIENCE, by which every deadline is multiplied, and
WSPUSH_TEST_SANITIZED, which leaves out what can only be measured without a sanitizer's own memory.
"""

import itertools
import os
import sys

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "support"))

import delivery_book  # noqa: E402  (after the path is set)
from daemon import Daemon  # noqa: E402

_numbers = itertools.count(1)


@pytest.fixture(autouse=True)
def deliveries():
    """What the test's clients were told and got. It has to keep what is promised about delivery
    (tests/support/delivery_book.py), unless the test says `deliveries.may_break(rule, "why")`."""
    book = delivery_book.DeliveryBook()
    delivery_book.use(book)
    yield book
    delivery_book.use(None)
    problems = book.problems()
    assert not problems, "\n".join(problems[:20])


@pytest.fixture(scope="module")
def reactors():
    """How many reactors the shared daemon has; files where it matters run with 1, 2 and 3."""
    return 2


@pytest.fixture(scope="module")
def daemon_changes():
    """What the shared daemon of this file has on top of OPEN_CONFIG."""
    return {}


class _Shared:
    """Starts the daemon when first asked, and a new one after it died under a test."""

    def __init__(self, changes):
        self._changes = changes
        self.daemon = None

    def get(self):
        if self.daemon is None:
            self.daemon = Daemon(self._changes)
        return self.daemon


@pytest.fixture(scope="module")
def _shared(reactors, daemon_changes):
    shared = _Shared({**daemon_changes, "reactors": reactors})
    yield shared
    if shared.daemon is not None:
        shared.daemon.stop()


@pytest.fixture
def daemon(_shared):
    """The file's daemon. It has to outlive the test; the test's clients are closed."""
    running = _shared.get()
    yield running
    running.close_clients()
    if running.process.poll() is not None:
        _shared.daemon = None
        running.log.join()
        pytest.fail(f"wspushd ended with {running.process.returncode}:\n{running.log.text()[-6000:]}")
    running.check_log()


@pytest.fixture
def start():
    """`start(changes, ...)` runs a Daemon of the test's own; all end well, by SIGTERM, with it."""
    started = []

    def run_one(*arguments, **options):
        started.append(Daemon(*arguments, **options))
        return started[-1]

    yield run_one
    problems = []
    for each in started:
        try:
            each.stop(seconds=15)
        except AssertionError as problem:
            problems.append(str(problem))
    assert not problems, "\n".join(problems)


@pytest.fixture
def unique():
    """`unique("open")` is a topic under `open.` that no other test uses."""
    return lambda prefix="open": f"{prefix}.t{next(_numbers)}"


@pytest.fixture
def topic(unique):
    """A topic that anyone may subscribe to and publish to."""
    return unique("open")
