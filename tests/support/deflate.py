"""The client's side of permessage-deflate (RFC 7692), by Python's zlib; strict about the server's.

    deflate = Deflate(offers=["permessage-deflate; server_max_window_bits=10"], answer=header)
    deflate.compress(b"...")    # payload of a frame with RSV1
    deflate.decompress(payload)
"""

import zlib

_TAIL = b"\x00\x00\xff\xff"
_FLAGS = ("server_no_context_takeover", "client_no_context_takeover")
_NUMBERS = ("server_max_window_bits", "client_max_window_bits")


def parse_extension(text):
    """(name, {parameter: value or None}) of one extension; AssertionError when a name comes twice."""
    name, *parameters = [part.strip() for part in text.split(";")]
    result = {}
    for parameter in parameters:
        key, _, value = parameter.partition("=")
        assert key not in result, f"{key} twice in {text!r}"
        result[key] = value if "=" in parameter else None
    return name, result


def check_answer(answer, offer):
    """The agreed parameters, where `answer` may stand for `offer` (RFC 7692 section 7.1)."""
    name, agreed = parse_extension(answer)
    _, offered = parse_extension(offer)
    assert name == "permessage-deflate", answer
    for key, value in agreed.items():
        assert key in _FLAGS + _NUMBERS, f"unknown parameter {key} in {answer!r}"
        assert (value is None) == (key in _FLAGS), answer
        assert value is None or value in map(str, range(8, 16)), answer
    assert "client_max_window_bits" not in agreed or "client_max_window_bits" in offered, (
        f"{answer!r} has a client_max_window_bits that {offer!r} has not")
    assert "server_no_context_takeover" in agreed or "server_no_context_takeover" not in offered, (
        f"{answer!r} leaves out server_no_context_takeover of {offer!r}")
    if "server_max_window_bits" in offered:
        assert "server_max_window_bits" in agreed, f"{answer!r} to {offer!r}"
        assert int(agreed["server_max_window_bits"]) <= int(offered["server_max_window_bits"])
    if offered.get("client_max_window_bits") and "client_max_window_bits" in agreed:
        assert int(agreed["client_max_window_bits"]) <= int(offered["client_max_window_bits"])
    return agreed


class Deflate:
    """Both directions of one connection, with exactly the windows that were agreed on."""

    def __init__(self, answer, offer):
        agreed = check_answer(answer, offer)
        self.server_bits = int(agreed.get("server_max_window_bits") or 15)
        self.client_bits = int(agreed.get("client_max_window_bits") or 15)
        self.server_keeps = "server_no_context_takeover" not in agreed
        self.client_keeps = "client_no_context_takeover" not in agreed
        self._compressor = None
        self._decompressor = None

    def compress(self, data, level=6):
        if self._compressor is None or not self.client_keeps:
            # zlib makes no raw stream with 8 bits; 9 never reach back further than 250 bytes.
            self._compressor = zlib.compressobj(level, zlib.DEFLATED, -max(self.client_bits, 9))
        payload = self._compressor.compress(data) + self._compressor.flush(zlib.Z_SYNC_FLUSH)
        assert payload.endswith(_TAIL)
        return payload[:-4]

    def decompress(self, payload):
        """AssertionError where `payload` needs more than the agreed window, or is no message."""
        if self._decompressor is None or not self.server_keeps:
            self._decompressor = zlib.decompressobj(-self.server_bits)
        data = payload + _TAIL
        try:
            if self.server_bits == 15:  # more cannot be written
                message = self._decompressor.decompress(data)
            else:
                # A byte at a time, or zlib would take what it has just put out for its window.
                parts = []
                while data:
                    parts.append(self._decompressor.decompress(data, 1))
                    data = self._decompressor.unconsumed_tail
                while parts[-1]:
                    parts.append(self._decompressor.decompress(b"", 1))
                message = b"".join(parts)
        except zlib.error as error:
            raise AssertionError(f"{len(payload)} bytes do not inflate: {error}") from None
        assert not self._decompressor.eof, "a final block from the server"
        return message
