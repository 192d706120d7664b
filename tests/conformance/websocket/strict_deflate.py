"""permessage-deflate (RFC 7692) by the letter of what was agreed, not more.

A server that keeps a window it gave up, or reaches further back than it said, is inflated wrongly
here, or not at all.
"""

import re
import zlib
from dataclasses import dataclass

TAIL = b"\x00\x00\xff\xff"
# zlib does not deflate raw with a window of 256: at 512 it never reaches back further than 250.
SMALLEST_DEFLATE_BITS = 9
# Inflated into pieces of one byte, zlib has its window and nothing else to copy from, so that
# a reference beyond it is an error. It costs a call for each byte.
EXACT_BYTES_MAX = 1 << 17


class Disagreement(Exception):
    """The server's answer to an offer is none that RFC 7692 section 7 allows."""


@dataclass(frozen=True)
class Agreement:
    """What the `101` said, with the defaults of RFC 7692 for what it did not say."""

    server_no_context_takeover: bool = False
    client_no_context_takeover: bool = False
    server_max_window_bits: int = 15
    client_max_window_bits: int = 15
    named: frozenset = frozenset()


_BITS = re.compile(r"8|9|1[0-5]")


def parameters_of(element):
    """`name; a; b=1` to (name, [(parameter, value or None)...]); quoted values unquoted."""
    name, *rest = [part.strip(" \t") for part in element.split(";")]
    found = []
    for part in rest:
        key, equals, value = part.partition("=")
        if equals and len(value) > 1 and value[0] == value[-1] == '"':
            value = value[1:-1]
        found.append((key.strip(" \t"), value if equals else None))
    return name, found


def read_agreement(answer, offered):
    """The Agreement in `answer`, a Sec-WebSocket-Extensions value, or None where it is None.

    `offered`: the names of the parameters in the offer that was accepted.
    """
    if answer is None:
        return None
    name, parameters = parameters_of(answer)
    if name != "permessage-deflate" or "," in answer:
        raise Disagreement(f"an extension that was not offered: {answer}")
    values = {}
    for key, value in parameters:
        if key in values:
            raise Disagreement(f"{key} twice: {answer}")
        if key in ("server_no_context_takeover", "client_no_context_takeover"):
            if value is not None:
                raise Disagreement(f"{key} with a value: {answer}")
            values[key] = True
        elif key in ("server_max_window_bits", "client_max_window_bits"):
            if value is None or not _BITS.fullmatch(value):
                raise Disagreement(f"{key} is no number from 8 to 15: {answer}")
            values[key] = int(value)
        else:
            raise Disagreement(f"an unknown parameter: {answer}")
    if "client_max_window_bits" in values and "client_max_window_bits" not in offered:
        raise Disagreement(f"client_max_window_bits was not offered: {answer}")
    return Agreement(named=frozenset(values), **values)


class Deflater:
    """Our side of the connection."""

    def __init__(self, agreement, level=6):
        self._agreement = agreement
        self._level = level
        self._stream = None

    def message(self, payload):
        """The payload of a compressed message, RFC 7692 section 7.2.1."""
        if self._stream is None or self._agreement.client_no_context_takeover:
            bits = max(self._agreement.client_max_window_bits, SMALLEST_DEFLATE_BITS)
            self._stream = zlib.compressobj(self._level, zlib.DEFLATED, -bits)
        out = self._stream.compress(payload) + self._stream.flush(zlib.Z_SYNC_FLUSH)
        assert out.endswith(TAIL)
        # An empty message is one empty block, and its first byte alone may say so.
        return out[:-4]


class Inflater:
    """The server's side of the connection."""

    def __init__(self, agreement):
        self._agreement = agreement
        self._stream = None

    def message(self, payload, *, exact=False):
        """What `payload` inflates to. `exact` holds the server to its window to the byte."""
        if self._stream is None or self._agreement.server_no_context_takeover:
            self._stream = zlib.decompressobj(-self._agreement.server_max_window_bits)
        data = payload + TAIL
        try:
            out = self._exactly(data) if exact else self._stream.decompress(data)
        except zlib.error as error:
            raise Disagreement(f"a reply that does not inflate as agreed: {error}") from None
        if self._stream.eof:
            # A final block. We ask servers to take them and not to send them: the stream behind it
            # would need a second decoder that shares the window.
            raise Disagreement("a reply with a final block")
        return out

    def _exactly(self, data):
        out = []
        for at in range(0, len(data), 64):
            piece = data[at:at + 64]
            while True:
                byte = self._stream.decompress(piece, 1)
                out.append(byte)
                piece = self._stream.unconsumed_tail
                if not byte:
                    break
            if len(out) > EXACT_BYTES_MAX:
                raise Disagreement(f"more than {EXACT_BYTES_MAX} bytes")
        return b"".join(out)
