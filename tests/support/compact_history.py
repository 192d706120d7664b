"""What the history checker remembers of millions of messages, in a few bytes each."""

from array import array
from bisect import bisect_left, bisect_right

_PAGE = 1024
_RUNS_MAX = 1000

ACKNOWLEDGED, SKIPPED = 1, 2


class Offsets:
    """A set of offsets that mostly come in order: runs of consecutive ones."""

    def __init__(self):
        self._first, self._last = [], []

    def __contains__(self, offset):
        at = bisect_right(self._first, offset) - 1
        return at >= 0 and offset <= self._last[at]

    def add(self, offset):
        at = bisect_right(self._first, offset)
        if at > 0 and self._last[at - 1] == offset - 1:
            self._last[at - 1] = offset
            return
        self._first.insert(at, offset)
        self._last.insert(at, offset)
        if len(self._first) > _RUNS_MAX:  # the two oldest, and what lies between, become one
            self._first.pop(1)
            self._last.pop(0)


class Fingerprints:
    """A 64-bit number for each offset of one topic and epoch; 24 bytes or less a message."""

    def __init__(self):
        self._pages = {}

    def setdefault(self, offset, fingerprint):
        """The number that was there first."""
        page = self._pages.get(offset // _PAGE)
        if page is None:
            page = self._pages[offset // _PAGE] = array("q", bytes(8 * _PAGE))
        at = offset % _PAGE
        if page[at] == 0:
            page[at] = fingerprint
        return page[at]


class Publishes:
    """What one publisher has sent to one topic, by its `seq`."""

    def __init__(self):
        self.seqs, self.fingerprints = array("q"), array("q")
        self.places = array("q")  # of the message id, by a number that the caller gives; 0: unknown
        self.flags = bytearray()

    def add(self, seq, fingerprint):
        at = len(self.seqs)
        if at and self.seqs[-1] >= seq:
            at = bisect_left(self.seqs, seq)
            if self.seqs[at] == seq:  # sent again
                self.fingerprints[at] = fingerprint
                return
        self.seqs.insert(at, seq)
        self.fingerprints.insert(at, fingerprint)
        self.places.insert(at, 0)
        self.flags.insert(at, 0)

    def find(self, seq):
        """Its index, or None."""
        at = bisect_left(self.seqs, seq)
        return at if at < len(self.seqs) and self.seqs[at] == seq else None

    def between(self, after, before):
        """Indexes of what was sent with a seq above `after` and below `before` (None: no end)."""
        end = len(self.seqs) if before is None else bisect_left(self.seqs, before)
        return range(bisect_right(self.seqs, after), end)
