"""What a case is, and the scripts that most cases are made of."""

from typing import Callable, NamedTuple, Optional

import wire
from peer import Peer

FRAMES = "frames"  # as `chop`: each frame by itself


class Case(NamedTuple):
    """`number` as the Autobahn testsuite has it, or one of our own that begins with S.

    `run(lab)` raises peer.Mismatch, or returns when all was right; None: not written, a failure.
    """

    number: str
    what: str
    run: Optional[Callable]


def clean(peer):
    peer.close()


def fails(*codes):
    return lambda peer: peer.expect_failed(*codes)


def closed(code=1000):
    """The close was among what was sent: it is answered, and that is all."""

    def end(peer):
        peer.expect_close([code])
        peer.expect_end()

    return end


def script(number, what, sends, expects=(), end=clean, chop=None):
    """A case on a connection of its own: `sends` goes out, `expects` comes back, then `end`.

    `sends` is a list of frames. `chop`: None sends all at once, FRAMES each by itself, a number
    chops of so many octets.
    """

    def run(lab):
        with Peer.opened(lab.main) as peer:
            if chop is FRAMES:
                peer.send(*sends)
            elif chop is None:
                peer.send(b"".join(sends))
            else:
                peer.send(*sends, chop=chop)
            peer.expect(*expects)
            end(peer)

    return Case(number, what, run)


def echo(number, what, opcode, payload, *, chop=None, fragment=None):
    """One message that comes back as it was."""
    sends = wire.fragments(opcode, payload, fragment) if fragment else [wire.frame(opcode, payload)]
    return script(number, what, sends, [(opcode, payload)], chop=chop)


def numbered(prefix, items):
    """(`prefix`.1, first), (`prefix`.2, second), ..."""
    return [(f"{prefix}.{index}", item) for index, item in enumerate(items, 1)]
