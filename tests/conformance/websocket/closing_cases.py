"""Group 7: the closing handshake and its codes."""

import wire
from cases import closed, fails, numbered, script
from wire import TEXT, close, more, ping, text

VALID_CODES = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999)
INVALID_CODES = (0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999)
UNKNOWN_CODES = (5000, 65535)
REASON_BYTES_MAX = 123
NOT_UTF8 = b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited"


def closing():
    hello = text(b"Hello World!")
    yield script("7.1.1", "text, then close", [hello, close(1000)], [(TEXT, b"Hello World!")],
                 end=closed())
    yield script("7.1.2", "two close frames", 2 * [close(1000)], end=closed())
    yield script("7.1.3", "close, then a ping", [close(1000), ping()], end=closed())
    yield script("7.1.4", "close, then text", [close(1000), hello], end=closed())
    yield script("7.1.5", "a close inside a fragmented message",
                 [text(b"fragment1", fin=False), close(1000), more(b"fragment2")], end=closed())
    much = b"BAsd7&jh23" * 26214
    yield script("7.1.6", "text of 256 KiB, close, a ping", [text(much), close(1000), ping()],
                 [(TEXT, much)], end=closed())
    yield script("7.3.1", "an empty close", [close()], end=closed(None))
    yield script("7.3.2", "a close of one octet", [wire.frame(wire.CLOSE, b"a")], end=fails(1002))
    yield script("7.3.3", "a close code", [close(1000)], end=closed())
    yield script("7.3.4", "a close code and reason", [close(1000, b"Hello World!")], end=closed())
    yield script("7.3.5", "a reason of 123 octets", [close(1000, b"*" * REASON_BYTES_MAX)],
                 end=closed())
    yield script("7.3.6", "a reason of 124 octets", [close(1000, b"*" * (REASON_BYTES_MAX + 1))],
                 end=fails(1002))
    yield script("7.5.1", "a reason that is not UTF-8", [close(1000, NOT_UTF8)], end=fails(1007))
    for number, code in numbered("7.7", VALID_CODES):
        yield script(number, f"close {code}", [close(code)], end=closed(code))
    for number, code in numbered("7.9", INVALID_CODES):
        yield script(number, f"close {code}, which is invalid", [close(code)], end=fails(1002))
    for number, code in numbered("7.13", UNKNOWN_CODES):
        yield script(number, f"close {code}, which RFC 6455 does not know", [close(code)],
                     end=fails(1002))
