"""Waiting with a deadline.

No test sleeps: it waits for an event, and gives up after a bounded time. All bounds are multiplied
by WSPUSH_TEST_PATIENCE, which sanitizer builds set above 1.
"""

import os
import time

PATIENCE = float(os.environ.get("WSPUSH_TEST_PATIENCE", "1"))
DEFAULT_SECONDS = 5.0


class Deadline:
    """A moment in the future, `seconds` times the patience factor from now."""

    def __init__(self, seconds=DEFAULT_SECONDS):
        self._at = time.monotonic() + seconds * PATIENCE

    def remaining(self):
        """Seconds left, never negative."""
        return max(0.0, self._at - time.monotonic())

    def expired(self):
        return time.monotonic() >= self._at


def patient(seconds):
    """A duration for the config: `seconds` times the patience factor. For a timeout of the server's
    that would otherwise end what this program, or the server, is only slow to do."""
    return f"{seconds * PATIENCE * 1000:.0f}ms"


def as_deadline(seconds):
    """`seconds` from now, or the same deadline when it is one already (so that calls can nest)."""
    return seconds if isinstance(seconds, Deadline) else Deadline(seconds)


def eventually(probe, what, seconds=DEFAULT_SECONDS):
    """Calls `probe` until it returns something true, and returns that.

    For state that can only be asked for (a metric, a file, /proc); what can be awaited is awaited.
    An AssertionError names `what` and the last value when the time is over.
    """
    deadline = Deadline(seconds)
    pause = 0.005
    while True:
        value = probe()
        if value:
            return value
        if deadline.expired():
            raise AssertionError(f"not within {seconds * PATIENCE:g} s: {what} (last: {value!r})")
        time.sleep(min(pause, deadline.remaining()))
        pause = min(pause * 2, 0.1)
