"""Group 6: UTF-8 in text messages, judged as it arrives.

The sequences are those of Markus Kuhn's decoder stress test, in its order.
"""

import wire
from cases import Case, clean, echo, fails, numbered, script
from peer import Peer
from wire import TEXT, more, text

KOSME = "\u03ba\u1f79\u03c3\u03bc\u03b5".encode()
BEYOND = b"\xf4\x90\x80\x80"  # U+110000, if there was one
AFTER = b"edited"
LONELY = [(0xC0, 0xDF), (0xE0, 0xEF), (0xF0, 0xF7), (0xF8, 0xFB), (0xFC, 0xFD)]


def beginnings():
    yield echo("6.1.1", "empty text", TEXT, b"")
    yield script("6.1.2", "three empty fragments",
                 [text(b"", fin=False), more(b"", fin=False), more(b"")], [(TEXT, b"")])
    yield script("6.1.3", "an empty fragment before and behind",
                 [text(b"", fin=False), more(b"middle", fin=False), more(b"")], [(TEXT, b"middle")])
    words = "Hello-\u00b5@\u00df\u00f6\u00e4\u00fc\u00e0\u00e1-UTF-8!!".encode()
    cut = words.index(b"@")
    yield echo("6.2.1", "several scripts", TEXT, words)
    yield script("6.2.2", "cut between code points",
                 [text(words[:cut], fin=False), more(words[cut:])], [(TEXT, words)])
    yield script("6.2.3", "cut between all octets", octets(words), [(TEXT, words)])
    yield script("6.2.4", "another, cut between all octets", octets(KOSME), [(TEXT, KOSME)])
    wrong = KOSME + b"\xed\xa0\x80" + AFTER
    yield script("6.3.1", "a surrogate inside", [text(wrong)], end=fails(1007))
    yield script("6.3.2", "a surrogate inside, cut between all octets", octets(wrong),
                 end=fails(1007))
    # The last piece is never sent: the error is in the one before.
    for number, pieces in (("6.4.1", (KOSME, BEYOND)), ("6.4.2", (KOSME + b"\xf4", b"\x90"))):
        yield script(number, "fails at the fragment that is wrong",
                     [text(pieces[0], fin=False), more(pieces[1], fin=False)], end=fails(1007))
    yield Case("6.4.3", "fails inside an unfinished frame", unfinished(KOSME, BEYOND, AFTER))
    yield Case("6.4.4", "fails inside an unfinished frame, at the octet",
               unfinished(KOSME + b"\xf4", b"\x90", b"\x80\x80" + AFTER))


def octets(payload):
    """A text message in fragments of one octet."""
    return [wire.frame(TEXT if at == 0 else wire.CONTINUATION, payload[at:at + 1],
                       fin=at == len(payload) - 1) for at in range(len(payload))]


def unfinished(good, wrong, rest):
    """One frame; first what is good of it arrives, then what is not, the rest never."""

    def run(lab):
        frame = text(good + wrong + rest)
        start = len(frame) - len(rest) - len(wrong)
        with Peer.opened(lab.main) as peer:
            peer.send(frame[:start])
            peer.send(frame[start:start + len(wrong)])
            peer.expect_failed(1007)

    return run


def stress_groups():
    """From 6.5 on: (what, sequences)."""
    hello = ["$", "\u00a2", "\u20ac", "\U00024b62"]
    yield "valid", [*(f"hello{each}world".encode() for each in hello), KOSME]
    yield "prefixes of a valid text", [KOSME[:size] for size in range(1, len(KOSME) + 1)]
    yield "the first of each length", [b"\x00", b"\xc2\x80", b"\xe0\xa0\x80", b"\xf0\x90\x80\x80"]
    yield "the first of 5 and 6 octets", [first(5), first(6)]
    yield "the last of each length", [b"\x7f", b"\xdf\xbf", b"\xef\xbf\xbf", b"\xf4\x8f\xbf\xbf"]
    yield "the last of 4, 5 and 6 octets", [b"\xf7" + 3 * b"\xbf", b"\xfb" + 4 * b"\xbf",
                                            b"\xfd" + 5 * b"\xbf"]
    yield "other boundaries", [b"\xed\x9f\xbf", b"\xee\x80\x80", b"\xef\xbf\xbd",
                               b"\xf4\x8f\xbf\xbf", BEYOND]
    yield "continuations of nothing", [
        b"\x80", b"\xbf", *((b"\x80\xbf" * 3)[:size] for size in range(2, 7)),
        bytes(range(0x80, 0xC0))]
    yield "lonely beginnings", [b"".join(bytes([each]) + b" " for each in range(low, high + 1))
                                for low, high in LONELY]
    cut = [bytes([start]) + fill * (size - 2) for fill, starts in
           ((b"\x80", (0xC0, 0xE0, 0xF0, 0xF8, 0xFC)), (b"\xbf", (0xDF, 0xEF, 0xF7, 0xFB, 0xFD)))
           for size, start in enumerate(starts, 2)]
    yield "the last octet missing", cut
    yield "many of those in a row", [b"".join(cut)]
    yield "octets that never are", [b"\xfe", b"\xff", b"\xfe\xfe\xff\xff"]
    yield "overlong ASCII", overlong(0x2F)
    yield "the longest overlong", [b"\xc1\xbf", b"\xe0\x9f\xbf", b"\xf0\x8f\xbf\xbf",
                                   b"\xf8\x87" + 3 * b"\xbf", b"\xfc\x83" + 4 * b"\xbf"]
    yield "overlong NUL", overlong(0)
    high, low = (0xD800, 0xDB7F, 0xDB80, 0xDBFF), (0xDC00, 0xDFFF)
    yield "single surrogates", [surrogate(each) for each in (*high, 0xDC00, 0xDF80, 0xDFFF)]
    yield "pairs of surrogates", [surrogate(left) + surrogate(right)
                                  for left in high for right in low]
    planes = [plane << 16 | end for plane in range(1, 17) for end in (0xFFFE, 0xFFFF)]
    yield "code points that are no characters", [chr(each).encode()
                                                 for each in (0xFFFE, 0xFFFF, *planes)]
    yield "specials", [chr(each).encode() for each in range(0xFFF9, 0x10000)]


def first(size):
    """The first sequence of 5 or 6 octets, had they not been taken back."""
    return {5: b"\xf8\x88", 6: b"\xfc\x84"}[size] + (size - 2) * b"\x80"


def overlong(code):
    """`code`, below 64, in 2 to 6 octets."""
    return [bytes([start]) + (size - 2) * b"\x80" + bytes([0x80 | code])
            for size, start in enumerate((0xC0, 0xE0, 0xF0, 0xF8, 0xFC), 2)]


def surrogate(code):
    return chr(code).encode("utf-8", "surrogatepass")


def is_valid(payload):
    try:
        payload.decode()
        return True
    except UnicodeDecodeError:
        return False


def utf8():
    yield from beginnings()
    for group, (what, sequences) in enumerate(stress_groups(), 5):
        for number, payload in numbered(f"6.{group}", sequences):
            valid = is_valid(payload)
            yield script(number, f"{what}: {payload[:16].hex(' ')}", [text(payload)],
                         [(TEXT, payload)] if valid else [], end=clean if valid else fails(1007))
