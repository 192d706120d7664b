"""The bytes of a WebSocket connection, by a second hand (RFC 6455 section 5.2).

Nothing here comes from the server or from the client of the integration tests: what both had wrong
in the same way would show.
"""

import os
import struct
from typing import NamedTuple

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
NAMES = {CONTINUATION: "continuation", TEXT: "text", BINARY: "binary", CLOSE: "close",
         PING: "ping", PONG: "pong"}
RSV1, RSV2, RSV3 = 4, 2, 1


def masked(payload, key):
    """Masks or unmasks `payload`: one exclusive or of two long integers."""
    size = len(payload)
    pattern = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "little") ^ int.from_bytes(pattern, "little")).to_bytes(
        size, "little")


def head(opcode, size, *, fin=True, rsv=0, mask=True, form=None):
    """A frame's header but for the masking key. `form` (7, 16, 64) forces a length field."""
    first = fin << 7 | rsv << 4 | opcode
    bit = mask << 7
    if form is None:
        form = 7 if size <= 125 else 16 if size <= 0xFFFF else 64
    if form == 7:
        return struct.pack("!BB", first, bit | size)
    if form == 16:
        return struct.pack("!BBH", first, bit | 126, size)
    return struct.pack("!BBQ", first, bit | 127, size)


def frame(opcode, payload=b"", *, fin=True, rsv=0, mask=True, form=None, size=None):
    """One frame as a client sends it, or as it must not: whatever is asked for.

    `size` announces another length than the payload has.
    """
    beginning = head(opcode, len(payload) if size is None else size, fin=fin, rsv=rsv, mask=mask,
                     form=form)
    if not mask:
        return beginning + payload
    key = os.urandom(4)
    return beginning + key + masked(payload, key)


def text(payload, **options):
    return frame(TEXT, payload, **options)


def binary(payload, **options):
    return frame(BINARY, payload, **options)


def more(payload, **options):
    """A continuation frame."""
    return frame(CONTINUATION, payload, **options)


def ping(payload=b"", **options):
    return frame(PING, payload, **options)


def pong(payload=b"", **options):
    return frame(PONG, payload, **options)


def close(code=None, reason=b"", **options):
    return frame(CLOSE, close_payload(code, reason), **options)


def close_payload(code=None, reason=b""):
    return b"" if code is None else struct.pack("!H", code) + reason


def fragments(opcode, payload, size, *, rsv=0):
    """A message in frames of `size` bytes, as a list of frames.

    Masked at one go with one key, as fragments may share it: `size` has to be a multiple of 4 where
    there is more than one frame.
    """
    if len(payload) <= size:
        return [frame(opcode, payload, rsv=rsv)]
    assert size % 4 == 0
    key = os.urandom(4)
    hidden = masked(payload, key)
    inner = head(CONTINUATION, size, fin=False) + key
    frames = [head(opcode, size, fin=False, rsv=rsv) + key + hidden[:size]]
    last = (len(payload) - 1) // size * size
    frames += [inner + hidden[at:at + size] for at in range(size, last, size)]
    frames.append(head(CONTINUATION, len(payload) - last) + key + hidden[last:])
    return frames


class Frame(NamedTuple):
    opcode: int
    payload: bytes
    fin: bool
    rsv1: bool


class Violation(Exception):
    """The server has sent what RFC 6455 does not let it send."""


class FrameReader:
    """Bytes of a server in, frames out."""

    def __init__(self):
        self._kept = bytearray()

    def feed(self, data):
        self._kept += data

    def left(self):
        """Bytes that make no whole frame yet."""
        return bytes(self._kept)

    def next(self):
        """The next frame; None until all of it is there."""
        kept = self._kept
        if len(kept) < 2:
            return None
        opcode, rsv, size = kept[0] & 15, kept[0] >> 4 & 7, kept[1] & 127
        fin = kept[0] >= 128
        if kept[1] >= 128:
            raise Violation("a masked frame")
        if opcode not in NAMES:
            raise Violation(f"a frame with the reserved opcode {opcode}")
        if rsv & (RSV2 | RSV3) or rsv and opcode not in (TEXT, BINARY):
            raise Violation(f"a {NAMES[opcode]} frame with RSV {rsv}")
        if opcode >= CLOSE and (size > 125 or not fin):
            raise Violation(f"a {NAMES[opcode]} frame that is too long or fragmented")
        start = 2
        if size >= 126:
            start = 4 if size == 126 else 10
            if len(kept) < start:
                return None
            size = int.from_bytes(kept[2:start], "big")
            if size <= (125 if start == 4 else 0xFFFF) or size >> 63:
                raise Violation(f"the length {size} in {8 * (start - 2)} bits")
        if len(kept) < start + size:
            return None
        found = Frame(opcode, bytes(memoryview(kept)[start:start + size]), fin, bool(rsv))
        del kept[:start + size]
        return found
