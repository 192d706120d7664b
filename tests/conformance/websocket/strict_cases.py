"""Groups S.*: what the Autobahn testsuite does not look at."""

import os
import struct
import time

import payloads
import strict_deflate_cases
import wire
from cases import Case, FRAMES, closed, fails, numbered, script
from lab import (KIB, MIB, TIGHT_FRAMES, TIGHT_MESSAGE_BYTES, TIGHT_QUEUED_BYTES,
                 TIGHT_WRITE_SECONDS)
from peer import PATIENCE, Mismatch, Peer
from wire import BINARY, PONG, TEXT, binary, close, more, ping, pong, text

OVER_UNREAD = 4 * MIB  # behind an error: more than the sockets of both sides hold
LINEAR_SECONDS = 5  # ten times what it takes where the machine is busy
STALL_SECONDS = 2  # nothing was taken for so long: the server has stopped reading
# Echoes of this size, so that the bound is met with many of them.
STALL_MESSAGE = 16 * KIB
# Each as large as the queue: what waits and the next one are always more.
STALL_LARGE = MIB
# Beside what a server keeps for one peer, the sockets of both sides hold bytes.
SOCKET_BYTES_MAX = 24 * MIB


def on(server, run):
    """`run(peer)` on a fresh connection to `server`."""

    def run_on(lab):
        with Peer.opened(lab.target(server)) as peer:
            run(peer)

    return run_on


# --- framing


def framing():
    yield script("S.frame.1", "text that is not masked", [text(b"Hello", mask=False)],
                 end=fails(1002))
    yield script("S.frame.2", "an unmasked close", [close(1000, mask=False)], end=fails(1002))
    forms = [(5, 16), (125, 16), (5, 64), (65535, 64)]
    for number, (size, form) in numbered("S.frame.long", forms):
        yield script(number, f"{size} octets with a length in {form} bits",
                     [binary(b"x" * size, form=form)], end=fails(1002))
    for number, high in numbered("S.frame.huge", (1 << 63, (1 << 64) - 1, 1 << 63 | 5)):
        yield script(number, f"a length of {high:#x}", [binary(b"", form=64, size=high)],
                     end=fails(1002))
    for number, form in numbered("S.frame.control", (16, 64)):
        yield script(number, f"a ping with a length in {form} bits", [ping(b"x" * 5, form=form)],
                     end=fails(1002))
    yield script("S.frame.utf8.1", "a code point cut by an empty last fragment",
                 [text(b"ab\xce", fin=False), more(b"")], end=fails(1007))
    yield script("S.frame.utf8.2", "a code point cut by the end of the message",
                 [text(b"ab\xe2\x82")], end=fails(1007))
    yield script("S.frame.utf8.3", "a code point around a ping",
                 [text(b"\xe2", fin=False), ping(b"p"), more(b"\x82", fin=False), more(b"\xac")],
                 [(PONG, b"p"), (TEXT, b"\xe2\x82\xac")])
    yield script("S.frame.utf8.4", "a cut code point does not reach into the next message",
                 [binary(b"\xce"), text(b"\xba")], [(BINARY, b"\xce")], end=fails(1007))
    yield script("S.frame.utf8.5", "a wrong octet fails before the fragment ends",
                 [text(b"x" * 300 + b"\xff", fin=False)], end=fails(1007))
    yield script("S.frame.many", "a hundred messages at once, in order",
                 [text(b"%d" % index) for index in range(100)],
                 [(TEXT, b"%d" % index) for index in range(100)])
    yield script("S.frame.one", "a fragmented message in fragments of one octet, each by itself",
                 [text(b"a", fin=False), *(more(b"b", fin=False) for _ in range(50)), more(b"c")],
                 [(TEXT, b"a" + b"b" * 50 + b"c")], chop=FRAMES)


# --- limits


def limits():
    over = TIGHT_MESSAGE_BYTES + 1
    at = payloads.text(TIGHT_MESSAGE_BYTES)
    yield Case("S.limit.at", "a message of limits.message_bytes",
               on("tight", lambda peer: (peer.send(text(at)), peer.expect((TEXT, at)),
                                         peer.close())))
    tight = [
        ("one octet more, and none of it sent", lambda: [text(b"", size=over)], 1009),
        ("2^62 octets announced", lambda: [binary(b"", form=64, size=1 << 62)], 1009),
        ("the sum of two fragments", lambda: [binary(b"x" * 40000, fin=False),
                                              more(b"x" * (over - 40000))], 1009),
        ("one fragment more than limits.frames_per_message",
         lambda: [text(b"a", fin=False), *(more(b"b", fin=False) for _ in range(TIGHT_FRAMES))],
         1008),
        ("2^62 octets behind fragments", lambda: [binary(b"x", fin=False),
                                                  more(b"", form=64, size=1 << 62)], 1009),
    ]
    for number, (what, frames, code) in numbered("S.limit", tight):
        yield Case(number, what, on("tight", lambda peer, frames=frames, code=code: (
            peer.send(b"".join(frames())), peer.expect_failed(code))))
    yield Case("S.limit.last", "as many fragments as limits.frames_per_message",
               on("tight", lambda peer: (
                   peer.send(text(b"a", fin=False),
                             *(more(b"b", fin=False) for _ in range(TIGHT_FRAMES - 2)), more(b"c")),
                   peer.expect((TEXT, b"a" + b"b" * (TIGHT_FRAMES - 2) + b"c")), peer.close())))
    yield Case("S.limit.linear", "4 MiB in fragments of 64 octets cost no more than their octets",
               on("main", many_fragments))


def many_fragments(peer):
    """A server that copies what it has with every fragment takes 130 GB of copies for it."""
    payload = payloads.text(4 * MIB)
    peer.send(b"".join(wire.fragments(TEXT, payload, 64)))
    started = time.monotonic()
    peer.expect((TEXT, payload))
    seconds = time.monotonic() - started
    if seconds > LINEAR_SECONDS * PATIENCE:
        raise Mismatch(f"an echo within {LINEAR_SECONDS} s", f"one after {seconds:.1f} s")
    peer.close()


# --- the end


def closing():
    yield script("S.close.ping", "a ping right behind the close is not answered",
                 [close(1000), ping(b"late")], end=closed())
    for number, code in numbered("S.close.known", (1012, 1013, 1014, 3500, 4500)):
        yield script(number, f"close {code}", [close(code, b"why")], end=closed(code))
    for number, code in numbered("S.close.wrong", (1, 1015, 1017, 1999, 2500, 5001, 32768)):
        yield script(number, f"close {code}, which is invalid", [close(code)], end=fails(1002))
    wrong = [b"\xff", b"\xce", b"ok \xed\xa0\x80", b"\xc0\x80"]
    for number, reason in numbered("S.close.reason", wrong):
        yield script(number, f"the reason {reason!r}", [close(1000, reason)], end=fails(1007))
    yield script("S.close.reply", "an echo that is due comes before the close",
                 [binary(b"x" * 100000), close(4321)], [(BINARY, b"x" * 100000)], end=closed(4321))
    yield Case("S.close.much", "much behind the close is thrown away, without a reset",
               on("main", lambda peer: (peer.send(close(1000) + binary(bytes(MIB))),
                                        closed()(peer))))
    # Each is answered by its code, which can be read however much comes behind it.
    errors = [("reserved bits", binary(b"x", rsv=2), 1002), ("an opcode", wire.frame(5), 1002),
              ("no mask", text(b"x", mask=False), 1002), ("UTF-8", text(b"\xff"), 1007),
              ("the length", binary(b"", size=(16 << 20) + 1), 1009),
              ("a continuation", more(b"x"), 1002), ("a close code", close(1005), 1002)]
    for number, (what, frame, code) in numbered("S.close.unread", errors):
        yield Case(number, f"{code} for {what}, with {OVER_UNREAD >> 20} MiB unread behind it",
                   on("main", lambda peer, frame=frame, code=code: (
                       peer.send(frame + os.urandom(KIB) * (OVER_UNREAD // KIB)),
                       peer.expect_close([code]), peer.expect_end())))
    yield Case("S.close.earned", "echoes and pongs that are due come before an error, in order",
               on("main", earned))
    yield Case("S.close.half", "a client that ends TCP without a close gets what is due",
               on("main", half_closed))


def earned(peer):
    sends, due = [], []
    for index in range(20):
        payload = payloads.text(1000 + index)
        sends += [text(payload), ping(b"%d" % index)]
        due += [(TEXT, payload), (PONG, b"%d" % index)]
    peer.send(b"".join(sends) + wire.frame(3))
    peer.expect(*due)
    peer.expect_failed(1002)


def half_closed(peer):
    if peer.target.context is not None:
        # TLS has no half-open connections that all libraries know: the close frame is it.
        peer.close()
        return
    peer.send(text(b"last words"))
    peer.expect((TEXT, b"last words"))
    peer.socket.shutdown(1)
    peer.expect_end()


# --- control frames


def control():
    yield script("S.control.1", "a ping between octets of a fragmented message, each by itself",
                 [text(b"a", fin=False), ping(b"1"), more(b"b", fin=False), ping(b"2"), more(b"c")],
                 [(PONG, b"1"), (PONG, b"2"), (TEXT, b"abc")], chop=FRAMES)
    yield script("S.control.2", "a ping inside a message, in chops of one octet",
                 [binary(b"\x00\xff", fin=False), ping(bytes(range(125))), more(b"\xfe")],
                 [(PONG, bytes(range(125))), (BINARY, b"\x00\xff\xfe")], chop=1)
    yield script("S.control.3", "an unasked pong inside a message",
                 [text(b"a", fin=False), pong(b"x"), more(b"b")], [(TEXT, b"ab")])
    for number, (name, opcode) in numbered(
            "S.control.rsv", (("ping", wire.PING), ("pong", PONG), ("close", wire.CLOSE))):
        yield script(number, f"a {name} with RSV 1", [wire.frame(opcode, b"", rsv=1)],
                     end=fails(1002))


# --- the handshake


def handshake():
    refused = [
        ("a body by Content-Length", {}, [("Content-Length", "5")], b"Hello", 400),
        ("a body by chunks", {}, [("Transfer-Encoding", "chunked")], b"0\r\n\r\n", 400),
        ("both lengths", {}, [("Content-Length", "5"), ("Transfer-Encoding", "chunked")],
         b"0\r\n\r\n", 400),
        ("two Host lines", {}, [("Host", "b.example")], b"", 400),
        ("no Host", {"Host": None}, [], b"", 400),
        ("two keys", {}, [("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA==")], b"", 400),
        ("no key", {"Sec-WebSocket-Key": None}, [], b"", 400),
        ("a key of 15 bytes", {"Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAA"}, [], b"", 400),
        ("a key that is no base64", {"Sec-WebSocket-Key": "!AAAAAAAAAAAAAAAAAAAAA=="}, [], b"",
         400),
        ("no version", {"Sec-WebSocket-Version": None}, [], b"", 400),
        ("two versions", {}, [("Sec-WebSocket-Version", "13")], b"", 400),
        ("version 8", {"Sec-WebSocket-Version": "8"}, [], b"", 426),
        ("version 013", {"Sec-WebSocket-Version": "013"}, [], b"", 426),
        ("no Upgrade", {"Upgrade": None}, [], b"", 426),
        ("Connection without upgrade", {"Connection": "keep-alive"}, [], b"", 400),
        ("a frame before the 101", {}, [], text(b"early"), 400),
        ("a blank before a colon", {}, [("X-Test ", "1")], b"", 400),
        ("a folded line", {}, [("X-Test", "1\r\n 2")], b"", 400),
    ]
    for number, (what, instead, extra, body, status) in numbered("S.upgrade", refused):
        yield Case(number, what, refusal(instead, extra, body, status))
    taken = [
        ("Connection with more than upgrade", {"Connection": "keep-alive, Upgrade"}),
        ("words in another case", {"Upgrade": "WebSocket", "Connection": "UPGRADE"}),
        ("blanks around a version", {"Sec-WebSocket-Version": " 13 \t"}),
    ]
    for number, (what, instead) in numbered("S.upgrade.taken", taken):
        yield Case(number, what, acceptance(instead))
    yield Case("S.upgrade.chopped", "a request in chops of one octet", chopped_request)


def refusal(instead, extra, body, status):
    def run(lab):
        with Peer(lab.main) as peer:
            peer.send(peer.request(extra, instead=instead) + body)
            response = peer.read_response()
            if response.status != status:
                raise Mismatch(f"status {status}", f"status {response.status}")
            if status == 426 and response.get("Sec-WebSocket-Version") != "13":
                raise Mismatch("Sec-WebSocket-Version: 13",
                               str(response.get("Sec-WebSocket-Version")))
            peer.expect_refused()

    return run


def acceptance(instead):
    def run(lab):
        with Peer(lab.main) as peer:
            peer.send(peer.request(instead=instead))
            peer.expect_upgraded()
            peer.send(text(b"in"))
            peer.expect((TEXT, b"in"))
            peer.close()

    return run


def chopped_request(lab):
    with Peer(lab.main) as peer:
        peer.send(peer.request(), chop=1)
        peer.expect_upgraded()
        peer.close()


# --- slow readers


def stalled():
    yield Case("S.stall.1", "a reader that stops is not read from; later it gets every echo",
               stall_and_come_back(STALL_MESSAGE))
    yield Case("S.stall.3", "the same with echoes as large as limits.queued_bytes",
               stall_and_come_back(STALL_LARGE))
    yield Case("S.stall.2", "a reader that takes nothing for limits.write_timeout gets 4008",
               stall_for_good)


def fill(peer, size):
    """Sends messages of `size` octets and reads nothing until the server reads no more.

    (payloads sent, what is left of the last one's frame, and has to go first later). Nothing is left
    where the server read on to the end.
    """
    sent, left = [], b""
    peer.socket.settimeout(STALL_SECONDS)
    while len(sent) * size < SOCKET_BYTES_MAX + TIGHT_QUEUED_BYTES:
        payload = struct.pack("!Q", len(sent)) * (size // 8)
        sent.append(payload)
        left = binary(payload)
        while left:
            try:
                left = left[peer.socket.send(left):]
            except TimeoutError:
                return sent, left
            except OSError as problem:
                raise Mismatch("a server that stops reading", str(problem)) from None
    return sent, b""


def stall_and_come_back(size):
    def run(lab):
        with Peer.opened(lab.main, receive_buffer=16 * KIB) as peer:
            sent, left = fill(peer, size)
            if not left:
                raise Mismatch(f"no more read before {SOCKET_BYTES_MAX >> 20} MiB of echoes wait",
                               "a server that reads on")
            for payload in sent[:-1]:
                left = peer.push(left)
                peer.expect((BINARY, payload))
            peer.send(left)
            peer.expect((BINARY, sent[-1]))
            peer.close()

    return run


def stall_for_good(lab):
    with Peer.opened(lab.target("tight"), receive_buffer=16 * KIB) as peer:
        # It may come to the close before it has stopped reading, and then throws away what comes.
        sent, _ = fill(peer, STALL_MESSAGE)
        # Nothing comes that could be waited for: what is tried is that time passes. `fill` has
        # waited already, and 5 s after the close frame the server gives up, read or not.
        time.sleep(TIGHT_WRITE_SECONDS)
        for payload in sent:
            got = peer.event()
            if got is None or got[0] == wire.CLOSE:
                break
            if got != (BINARY, payload):
                raise Mismatch("the next echo", f"another, {len(got[1])} bytes")
        else:
            raise Mismatch("close 4008", "every echo")
        code = int.from_bytes(got[1][:2], "big") if got else None
        if code != 4008:
            raise Mismatch("close 4008", f"close {code}" if got else "the end of the connection")
        peer.expect_end()


GROUPS = (
    ("S.frame", "strict: framing", framing, 18),
    ("S.limit", "strict: limits", limits, 8),
    ("S.control", "strict: control frames", control, 6),
    ("S.close", "strict: the end", closing, 28),
    ("S.upgrade", "strict: the handshake", handshake, 22),
    ("S.stall", "strict: slow readers", stalled, 3),
    *strict_deflate_cases.GROUPS,
)
