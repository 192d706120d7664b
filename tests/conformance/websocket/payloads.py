"""What is sent in bulk: made up here, the same in every run."""

import functools
import json
import random
import zlib

KIB, MIB = 1 << 10, 1 << 20
_SET_BYTES = 1 << 18
_SYLLABLES = ("ka lo mi ren tas u ver zon gra\u00df el \u00f6n dur \u4eca \u65e5 pe sta nu "
              "fi").split()


@functools.lru_cache(maxsize=None)
def text(size):
    """UTF-8 of exactly `size` octets, its code points at every offset."""
    line = "0123456789 abcdefghijklmnop \u00e4\u00f6\u00fc \u20ac \U0001f600 qrstuvwxyz\n".encode()
    whole = (line * (size // len(line) + 1))[:size]
    while whole:
        try:
            whole.decode()
            break
        except UnicodeDecodeError:
            whole = whole[:-1]
    return whole + b"." * (size - len(whole))


@functools.lru_cache(maxsize=None)
def binary(size):
    return random.Random(size).randbytes(size)


def _words(chance):
    while True:
        yield "".join(chance.choice(_SYLLABLES) for _ in range(chance.randint(1, 4)))


def _json(chance):
    words = _words(chance)
    rows = [{"id": index, "name": next(words), "price": round(chance.uniform(1, 999), 2),
             "tags": [next(words) for _ in range(3)], "active": chance.random() < .5}
            for index in range(2600)]
    return json.dumps(rows, ensure_ascii=False)


def _picture(chance):
    """512 x 512 grey pixels: slopes and a little noise."""
    out = bytearray()
    for y in range(512):
        level = y // 4
        for x in range(512):
            out.append((level + x // 3 + chance.getrandbits(2)) & 255)
    return bytes(out)


def _prose(chance):
    words = _words(chance)
    known = [next(words) for _ in range(3000)]
    return "\n".join(" ".join(known[int(3000 * chance.random() ** 3)] for _ in range(9)) + "."
                     for _ in range(4500)).encode()


def _page(chance):
    words = _words(chance)
    return "<table>\n" + "".join(
        f'<tr class="row{index % 2}"><td><a href="/item/{index}">{next(words)}</a></td>'
        f"<td>{chance.randint(1, 10**6)}</td></tr>\n" for index in range(3200)) + "</table>\n"


def _document(chance):
    """Headings that repeat around streams that are deflated already."""
    out = b"%PDF-1.4\n"
    index = 0
    while len(out) < _SET_BYTES:
        index += 1
        inside = zlib.compress(chance.randbytes(1500) + b"BT /F1 12 Tf ET\n" * 40)
        out += (f"{index} 0 obj\n<< /Length {len(inside)} /Filter /FlateDecode >>\n".encode()
                + b"stream\n" + inside + b"\nendstream\nendobj\n")
    return out


# The kinds of Autobahn's group 12, in its order. Text is sent as text, the others as binary.
_MAKERS = {"JSON": _json, "a picture": _picture, "prose": _prose, "HTML": _page,
           "a document": _document}
KINDS = tuple(_MAKERS)


@functools.lru_cache(maxsize=None)
def data_set(kind):
    """bytes, or str for what is sent as text; longer than any message of group 12."""
    return _MAKERS[kind](random.Random(kind))


def slices(kind, size, count):
    """`count` payloads of `size` octets, or code points of text, going round the data set."""
    whole = data_set(kind)
    assert len(whole) >= size, kind
    at = 0
    for _ in range(count):
        end = (at + size) % len(whole)
        part = whole[at:end] if at + size == end else whole[at:] + whole[:end]
        at = end
        yield part.encode() if isinstance(part, str) else part
