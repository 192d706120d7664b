"""WebSocket frames (RFC 6455 section 5.2), pure: bytes to frames and back.

The encoder writes whatever it is told, valid or not; the decoder accepts only what a server may
send.

     0               1               2               3
    +-+-+-+-+-------+-+-------------+-------------------------------+
    |F|R|R|R|opcode |M| length (7)  | 126: length (16), 127: (64)   |
    +-+-+-+-+-------+-+-------------+-------------------------------+
    | masking key (4 bytes, only from clients), then the payload    |
    +---------------------------------------------------------------+
"""

import os
import struct
from typing import NamedTuple

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA


class ProtocolViolation(AssertionError):
    """The server sent what RFC 6455 does not allow it."""


class Frame(NamedTuple):
    opcode: int
    payload: bytes
    fin: bool = True
    rsv1: bool = False


def apply_mask(payload, key):
    """Masks or unmasks; through one big integer, which is fast enough for megabytes."""
    if not payload:
        return b""
    repeated = (key * (len(payload) // 4 + 1))[:len(payload)]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")).to_bytes(
        len(payload), "big")


def encode_frame(opcode, payload=b"", *, fin=True, rsv=0, mask=True, length=None, length_form=None):
    """One frame.

    `mask`: True for a random key, a key of 4 bytes, or None for an unmasked frame. `length`
    announces another length than the payload has; `length_form` is 7, 16 or 64 and forces a
    longer form than needed. `rsv`: 3 bits, RSV1 the highest.
    """
    announced = len(payload) if length is None else length
    if length_form is None:
        length_form = 7 if announced < 126 else 16 if announced < 65536 else 64
    key = os.urandom(4) if mask is True else mask
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    mask_bit = 0x80 if key is not None else 0
    if length_form == 7:
        head += bytes([mask_bit | announced])
    elif length_form == 16:
        head += bytes([mask_bit | 126]) + struct.pack("!H", announced)
    else:
        head += bytes([mask_bit | 127]) + struct.pack("!Q", announced)
    if key is None:
        return head + payload
    return head + key + apply_mask(payload, key)


def close_payload(code=None, reason=b""):
    """The payload of a close frame; `code=None` makes an empty one."""
    return b"" if code is None else struct.pack("!H", code) + reason


class FrameDecoder:
    """Feeds on bytes from a server, gives whole frames; raises ProtocolViolation."""

    def __init__(self, allow_rsv1=False):
        self._bytes = bytearray()
        self._allow_rsv1 = allow_rsv1  # permessage-deflate: on the first frame of a message

    def feed(self, data):
        self._bytes += data

    def next_frame(self):
        """The next frame, or None when fewer bytes than a whole one are there."""
        data = self._bytes
        if len(data) < 2:
            return None
        fin, opcode, short = bool(data[0] & 0x80), data[0] & 0x0F, data[1] & 0x7F
        rsv1 = bool(data[0] & 0x40)
        self._check(not data[0] & 0x30, f"RSV bits set: {data[0]:#04x}")
        self._check(not rsv1 or (self._allow_rsv1 and opcode in (TEXT, BINARY)),
                    f"RSV1 set: {data[0]:#04x}")
        self._check(not data[1] & 0x80, "a masked frame from the server")
        self._check(opcode in (CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG), f"opcode {opcode}")
        self._check(opcode < CLOSE or (fin and short < 126), "a fragmented or long control frame")
        head = 2 + {126: 2, 127: 8}.get(short, 0)
        if len(data) < head:
            return None
        length = int.from_bytes(data[2:head], "big") if head > 2 else short
        self._check(head != 4 or length > 125, "16-bit form of a short length")
        self._check(head != 10 or 65535 < length < 1 << 63, "64-bit form of a short length")
        if len(data) < head + length:
            return None
        payload = bytes(data[head:head + length])
        del data[:head + length]
        return Frame(opcode, payload, fin, rsv1)

    def pending(self):
        """Bytes of an unfinished frame."""
        return bytes(self._bytes)

    @staticmethod
    def _check(holds, what):
        if not holds:
            raise ProtocolViolation(what)


class MessageAssembler:
    """Frames to messages: (opcode, payload). Checks the order of fragments and the UTF-8.

    `deflate` decompresses what comes with RSV1.
    """

    def __init__(self, deflate=None):
        self._deflate = deflate
        self._opcode = None
        self._is_compressed = False
        self._parts = []

    def add(self, frame):
        """A message when `frame` (no control frame) ends one, else None."""
        if (frame.opcode == CONTINUATION) != (self._opcode is not None):
            raise ProtocolViolation(f"opcode {frame.opcode} does not fit the fragments before it")
        if self._opcode is None:
            self._opcode = frame.opcode
            self._is_compressed = frame.rsv1
        self._parts.append(frame.payload)
        if not frame.fin:
            return None
        opcode, payload = self._opcode, b"".join(self._parts)
        self._opcode, self._parts = None, []
        if self._is_compressed:
            payload = self._deflate.decompress(payload)
        if opcode == TEXT:
            try:
                payload.decode("utf-8")
            except UnicodeDecodeError:
                raise ProtocolViolation(f"invalid UTF-8 in a text message: {payload[:80]!r}") from None
        return opcode, payload
