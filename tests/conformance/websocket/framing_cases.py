"""Groups 1 to 5 and 10: framing, ping and pong, reserved bits, opcodes, fragmentation."""

import wire
from cases import FRAMES, Case, clean, echo, fails, numbered, script
from peer import Peer
from wire import BINARY, PONG, TEXT, more, ping, pong, text

HELLO = b"Hello, world!"
OCTETS = 1  # chops of one octet


def framing():
    # (payload octets, octets in a chop)
    sizes = [(0, None), (125, None), (126, None), (127, None), (128, None), (65535, None),
             (65536, None), (65536, 997)]
    for prefix, opcode, fill in (("1.1", TEXT, b"*"), ("1.2", BINARY, b"\xfe")):
        for number, (size, chop) in numbered(prefix, sizes):
            yield echo(number, f"{wire.NAMES[opcode]} of {size} octets", opcode, fill * size,
                       chop=chop)


def pings():
    yield script("2.1", "a ping without payload", [ping()], [(PONG, b"")])
    yield script("2.2", "a ping with text", [ping(HELLO)], [(PONG, HELLO)])
    odd = b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff"
    yield script("2.3", "a ping with octets that are no text", [ping(odd)], [(PONG, odd)])
    full = b"\xfe" * 125
    yield script("2.4", "a ping of 125 octets", [ping(full)], [(PONG, full)])
    yield script("2.5", "a ping of 126 octets", [ping(full + b"\xfe")], end=fails(1002))
    yield script("2.6", "a ping of 125 octets, octet by octet", [ping(full)], [(PONG, full)],
                 chop=OCTETS)
    yield script("2.7", "a pong nobody asked for", [pong()], end=silent)
    yield script("2.8", "a pong nobody asked for, with payload", [pong(HELLO)], end=silent)
    yield script("2.9", "a pong nobody asked for, then a ping", [pong(b"unasked"), ping(b"asked")],
                 [(PONG, b"asked")])
    ten = [b"payload-%d" % index for index in range(10)]
    for number, what, chop in (("2.10", "ten pings", None),
                               ("2.11", "ten pings, octet by octet", OCTETS)):
        yield script(number, what, [ping(each) for each in ten], [(PONG, each) for each in ten],
                     chop=chop)


def silent(peer):
    peer.expect_silence()
    clean(peer)


def reserved_bits():
    yield script("3.1", "text with RSV 1", [text(HELLO, rsv=1)], end=fails(1002))
    # What was earned before the error still goes out.
    for number, rsv, chop in (("3.2", 2, None), ("3.3", 3, FRAMES), ("3.4", 4, OCTETS)):
        yield script(number, f"text, then text with RSV {rsv} and a ping",
                     [text(HELLO), text(HELLO, rsv=rsv), ping()], [(TEXT, HELLO)],
                     end=fails(1002), chop=chop)
    yield script("3.5", "binary with RSV 5", [wire.binary(b"\x00\xff", rsv=5)], end=fails(1002))
    yield script("3.6", "a ping with RSV 6", [ping(HELLO, rsv=6)], end=fails(1002))
    yield script("3.7", "a close with RSV 7", [wire.close(1000, rsv=7)], end=fails(1002))


def opcodes():
    for prefix, first in (("4.1", 3), ("4.2", 11)):
        yield script(f"{prefix}.1", f"opcode {first}", [wire.frame(first)], end=fails(1002))
        yield script(f"{prefix}.2", f"opcode {first + 1} with payload",
                     [wire.frame(first + 1, b"reserved")], end=fails(1002))
        for index, payload, chop in ((3, b"", None), (4, b"reserved", FRAMES),
                                     (5, b"reserved", OCTETS)):
            opcode = first + index - 1
            yield script(f"{prefix}.{index}", f"text, then opcode {opcode} and a ping",
                         [text(HELLO), wire.frame(opcode, payload), ping()], [(TEXT, HELLO)],
                         end=fails(1002), chop=chop)


def fragmentation():
    for number, name, opcode in (("5.1", "ping", wire.PING), ("5.2", "pong", PONG)):
        yield script(number, f"a {name} in two fragments",
                     [wire.frame(opcode, b"frag", fin=False), more(b"ment")], end=fails(1002))
    parts = [text(b"frag", fin=False), more(b"ment")]
    whole = (TEXT, b"fragment")
    ways = ((None, "at once"), (FRAMES, "frame by frame"), (OCTETS, "octet by octet"))
    for index, (chop, how) in enumerate(ways):
        yield script(f"5.{3 + index}", f"two fragments, {how}", parts, [whole], chop=chop)
    for index, (chop, how) in enumerate(ways):
        yield script(f"5.{6 + index}", f"two fragments with a ping between, {how}",
                     [parts[0], ping(b"between"), parts[1]], [(PONG, b"between"), whole], chop=chop)
    for first, fin in ((9, True), (12, False)):
        for index, (chop, how) in enumerate(ways):
            yield script(f"5.{first + index}",
                         f"a continuation (FIN {fin:d}) of nothing, then text, {how}",
                         [more(b"nothing", fin=fin), text(HELLO)], end=fails(1002), chop=chop)
    yield script("5.15", "two fragments, a continuation of nothing, text",
                 [*parts, more(b"nothing", fin=False), text(HELLO)], [whole], end=fails(1002))
    for number, fin in (("5.16", False), ("5.17", True)):
        yield script(number, f"twice: a continuation (FIN {fin:d}) of nothing, then two fragments",
                     2 * [more(b"nothing", fin=fin), *parts], end=fails(1002))
    yield script("5.18", "two fragments that both say text", [parts[0], text(b"ment")],
                 end=fails(1002))
    yield Case("5.19", "five fragments, two pings between, waiting for each pong", interleaved)
    five = fives()
    yield script("5.20", "five fragments with two pings between, at once",
                 [*five[:2], ping(b"one"), *five[2:4], ping(b"two"), five[4]],
                 [(PONG, b"one"), (PONG, b"two"), (TEXT, b"fragment" * 5)])


def fives():
    return [text(b"fragment", fin=False), *(more(b"fragment", fin=False) for _ in range(3)),
            more(b"fragment")]


def interleaved(lab):
    five = fives()
    with Peer.opened(lab.main) as peer:
        peer.send(*five[:2], ping(b"one"))
        peer.expect((PONG, b"one"))
        peer.send(*five[2:4], ping(b"two"))
        peer.expect((PONG, b"two"))
        peer.send(five[4])
        peer.expect((TEXT, b"fragment" * 5))
        peer.close()


def auto_fragmentation():
    yield echo("10.1.1", "text of 65536 octets in fragments of 1300", TEXT, b"*" * 65536,
               fragment=1300)
