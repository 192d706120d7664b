"""Groups S.offer, S.kept and S.deflate: what was negotiated is answered and kept."""

import random
import zlib

import payloads
import wire
from cases import Case, numbered
from lab import KIB, MIB, MIN_BYTES, NARROW_BITS, TIGHT_MESSAGE_BYTES
from peer import Mismatch, Peer
from strict_deflate import TAIL
from wire import BINARY, PONG, RSV1, TEXT, binary, more, ping, text

DEFLATE = "permessage-deflate"
HELLO = b"Hello"
SERVERS = ("main", "takeover")
BITS = range(8, 16)
MANY_AT_ONCE = 40  # compressed, all of them together are smaller than what one read takes

# --- the offers

ACCEPTED = [
    # (Sec-WebSocket-Extensions lines, parameters that the answer has to have, with the most of it)
    ([DEFLATE], {}),
    ([f"{DEFLATE}; server_no_context_takeover"], {"server_no_context_takeover": None}),
    ([f"{DEFLATE}; client_no_context_takeover"], {}),
    ([f"{DEFLATE};server_no_context_takeover;client_no_context_takeover"],
     {"server_no_context_takeover": None}),
    ([f"{DEFLATE}; client_max_window_bits"], {}),
    *(([f"{DEFLATE}; client_max_window_bits={bits}"], {}) for bits in BITS),
    *(([f"{DEFLATE}; server_max_window_bits={bits}"], {"server_max_window_bits": bits})
      for bits in BITS),
    ([f'{DEFLATE}; server_max_window_bits="10"'], {"server_max_window_bits": 10}),
    ([f"{DEFLATE} ;\tserver_max_window_bits=12 ; client_max_window_bits"],
     {"server_max_window_bits": 12}),
    # An extension that nobody knows is left aside.
    ([f"x-other; a=1, {DEFLATE}; server_max_window_bits=11"], {"server_max_window_bits": 11}),
    # The first that can be accepted is, over all lines.
    ([f"{DEFLATE}; server_max_window_bits=9, {DEFLATE}; server_max_window_bits=12"],
     {"server_max_window_bits": 9}),
    ([f"{DEFLATE}; server_max_window_bits=7, {DEFLATE}; server_max_window_bits=12"],
     {"server_max_window_bits": 12}),
    ([f"{DEFLATE}; unknown", f"{DEFLATE}; server_max_window_bits=11", DEFLATE],
     {"server_max_window_bits": 11}),
    (["x-other", f"{DEFLATE}; server_max_window_bits=16, {DEFLATE}; client_max_window_bits=abc",
      f"{DEFLATE}; server_no_context_takeover"], {"server_no_context_takeover": None}),
]

DECLINED = [
    "server_max_window_bits",
    *(f"server_max_window_bits={each}" for each in
      ("7", "16", "0", "08", "010", "+9", "-9", "9.0", "0x9", "1e1", "150", "abc", '"7"', '"010"',
       "4294967305", "18446744073709551625")),
    *(f"client_max_window_bits={each}" for each in
      ("7", "16", "0", "08", "015", "+9", "abc", '"015"', "4294967305")),
    "server_no_context_takeover=1", "server_no_context_takeover=true",
    "client_no_context_takeover=0",
    "server_no_context_takeover; server_no_context_takeover",
    "client_no_context_takeover; client_no_context_takeover",
    "server_max_window_bits=10; server_max_window_bits=10",
    "server_max_window_bits=10; server_max_window_bits=11",
    "client_max_window_bits; client_max_window_bits=10",
    "unknown", "unknown=1", "server_max_window_bits=10; x", "mem_level=9",
    "Server_No_Context_Takeover",
    # A quoted value has to be a token once it is unquoted.
    *(f"{name}={value}" for name in ("server_max_window_bits", "client_max_window_bits")
      for value in ('""', '"15 "', '" 9"')),
    'server_no_context_takeover=""', 'a="1, permessage-deflate"',
]

# No list of extensions by the grammar of RFC 6455 section 9.1, which makes the handshake fail.
MALFORMED = [
    *(f"{name}={value}" for name in ("server_max_window_bits", "client_max_window_bits")
      for value in ("", '"9', "1 5")),
    "", "; server_no_context_takeover", "=1",
    "server_no_context_takeover client_no_context_takeover",
]


def offers():
    for number, (lines, wanted) in numbered("S.offer.taken", ACCEPTED):
        yield Case(number, " | ".join(lines), accepted(lines, wanted))
    for number, parameters in numbered("S.offer.declined", DECLINED):
        yield Case(number, parameters, declined([f"{DEFLATE}; {parameters}"]))
    for number, parameters in numbered("S.offer.malformed", MALFORMED):
        yield Case(number, parameters, malformed(f"{DEFLATE}; {parameters}"))
    for number, other in numbered("S.offer.other", ("x-webkit-deflate-frame", "deflate-stream",
                                                    "permessage-deflat", "permessage-deflate2",
                                                    "permessage-bzip2")):
        yield Case(number, other, declined([other]))


def accepted(lines, wanted):
    def run(lab):
        for server in SERVERS:
            with Peer.deflating(lab.target(server), lines) as peer:
                for name, most in wanted.items():
                    if name not in peer.agreement.named:
                        raise Mismatch(f"{name} answered", sorted(peer.agreement.named))
                    if most is not None and getattr(peer.agreement, name) > most:
                        raise Mismatch(f"{name}, at most {most}", getattr(peer.agreement, name))
                round_trip(peer, payloads.text(1000))
                peer.close()

    return run


def declined(lines):
    """No extension, and the connection is one without: RSV1 is an error on it."""

    def run(lab):
        with Peer.opened(lab.main, lines) as peer:
            if peer.agreement is not None:
                raise Mismatch("no extension", peer.response.get("Sec-WebSocket-Extensions"))
            peer.send(text(HELLO))
            peer.expect((TEXT, HELLO))
            peer.send(text(HELLO, rsv=RSV1))
            peer.expect_failed(1002)

    return run


def malformed(line):
    def run(lab):
        with Peer(lab.main) as peer:
            peer.send(peer.request([("Sec-WebSocket-Extensions", line)]))
            if peer.read_response().status != 400:
                raise Mismatch("status 400", f"status {peer.response.status}")
            peer.expect_refused()

    return run


def round_trip(peer, payload, opcode=TEXT, exact=False):
    peer.send_compressed(opcode, payload)
    peer.expect((opcode, payload), exact=exact)


# --- what was agreed is kept


def far_repeats(bits):
    """Noise in which phrases come again within a window of `bits`, and somewhat beyond it: there a
    deflater that uses a larger window shows.

    Of 64 symbols, so that it always becomes smaller, and only the phrases are worth a reference.
    """
    chance = random.Random(bits)

    def noise(size):
        return bytes(chance.choices(range(64), k=size))

    distances = [int(part * (1 << bits)) for part in (.8, 1.2, 1.9)]
    out = b""
    for distance in distances[:1] if bits == 15 else distances:
        phrase = noise(60)
        out += phrase + noise(distance - len(phrase)) + phrase
    return out


def kept():
    for server in SERVERS:
        for bits in BITS:
            yield Case(f"S.kept.server.{server}.{bits}",
                       f"server_max_window_bits={bits}: no reference goes further back",
                       keeps_server_window(server, bits))
        for bits in BITS:
            yield Case(f"S.kept.client.{server}.{bits}",
                       f"client_max_window_bits={bits}: our window is understood",
                       understands_client_window(server, bits))
        yield Case(f"S.kept.context.{server}.1",
                   "server_no_context_takeover: each reply inflates by itself",
                   keeps_no_context(server))
        yield Case(f"S.kept.context.{server}.2",
                   "client_no_context_takeover: each of our messages begins anew",
                   understands_no_context(server))
        yield Case(f"S.kept.both.{server}", "all four parameters at their least",
                   keeps_least(server))
    yield Case("S.kept.context.used", "compression.context_takeover: the window is used",
               uses_context)
    for number, (offer, name) in numbered("S.kept.narrow", (
            (DEFLATE, None), (f"{DEFLATE}; server_max_window_bits=15", "server_max_window_bits"),
            (f"{DEFLATE}; client_max_window_bits", "client_max_window_bits"))):
        yield Case(number, f"compression.window_bits is the most that is granted: {offer}",
                   narrow(offer, name))
    yield Case("S.kept.min.1", "compression.min_bytes: below it a reply is plain",
               by_size(MIN_BYTES - 1, False))
    yield Case("S.kept.min.2", "compression.min_bytes: from it on a reply is compressed",
               by_size(MIN_BYTES, True))


def keeps_server_window(server, bits):
    def run(lab):
        offer = f"{DEFLATE}; server_max_window_bits={bits}"
        payload = far_repeats(bits)
        with Peer.deflating(lab.target(server), [offer]) as peer:
            if peer.agreement.server_max_window_bits > bits:
                raise Mismatch(f"server_max_window_bits={bits}", str(peer.agreement))
            for part in (payload, payload[::-1], payload):
                round_trip(peer, part, BINARY, exact=True)
                if not peer.was_compressed:
                    raise Mismatch("a compressed reply", "a plain one")
            peer.close()

    return run


def understands_client_window(server, bits):
    def run(lab):
        offer = f"{DEFLATE}; client_max_window_bits={bits}"
        payload = far_repeats(bits)
        with Peer.deflating(lab.target(server), [offer], level=9) as peer:
            if peer.agreement.client_max_window_bits > bits and \
                    "client_max_window_bits" in peer.agreement.named:
                raise Mismatch(f"client_max_window_bits, at most {bits}", str(peer.agreement))
            for part in (payload, payload, payloads.text(5000)):
                round_trip(peer, part, BINARY)
            peer.close()

    return run


def keeps_no_context(server):
    def run(lab):
        with Peer.deflating(lab.target(server),
                            [f"{DEFLATE}; server_no_context_takeover"]) as peer:
            if not peer.agreement.server_no_context_takeover:
                raise Mismatch("server_no_context_takeover", str(sorted(peer.agreement.named)))
            for _ in range(3):  # The inflater is a new one each time.
                round_trip(peer, payloads.text(3000), exact=True)
                if not peer.was_compressed:
                    raise Mismatch("a compressed reply", "a plain one")
            peer.close()

    return run


def understands_no_context(server):
    def run(lab):
        with Peer.deflating(lab.target(server),
                            [f"{DEFLATE}; client_no_context_takeover"]) as peer:
            for size in (3000, 10, 3000, 0, 3000):
                payload = payloads.text(size)
                stream = zlib.compressobj(9, zlib.DEFLATED, -15)
                data = stream.compress(payload) + stream.flush(zlib.Z_SYNC_FLUSH)
                peer.send(text(data[:-len(TAIL)], rsv=RSV1))
                peer.expect((TEXT, payload))
            peer.close()

    return run


def keeps_least(server):
    def run(lab):
        offer = (f"{DEFLATE}; server_no_context_takeover; client_no_context_takeover; "
                 "server_max_window_bits=8; client_max_window_bits=8")
        with Peer.deflating(lab.target(server), [offer]) as peer:
            for _ in range(3):
                round_trip(peer, far_repeats(8), BINARY, exact=True)
            peer.close()

    return run


def uses_context(lab):
    with Peer.deflating(lab.target("takeover"), [DEFLATE]) as peer:
        if peer.agreement.server_no_context_takeover:
            raise Mismatch("a window that is kept", "server_no_context_takeover")
        noise = random.Random(1).randbytes(4 * KIB)
        peer.send_compressed(BINARY, noise)
        peer.expect((BINARY, noise))
        peer.send_compressed(BINARY, noise)
        frame = peer.frame()
        if len(frame.payload) > len(noise) // 8:
            raise Mismatch("the same message in a fraction of its size",
                           f"{len(frame.payload)} of {len(noise)} bytes")
        peer.close()


def narrow(offer, name):
    """The server does not go beyond its own bound, whether it has to say so or not."""

    def run(lab):
        with Peer.deflating(lab.target("narrow"), [offer]) as peer:
            if name is not None and getattr(peer.agreement, name) > NARROW_BITS:
                raise Mismatch(f"{name}, at most {NARROW_BITS}",
                               peer.response.get("Sec-WebSocket-Extensions"))
            peer.inflate_with(NARROW_BITS)
            for _ in range(2):
                round_trip(peer, far_repeats(NARROW_BITS), BINARY, exact=True)
            peer.close()

    return run


def by_size(size, is_compressed):
    def run(lab):
        with Peer.deflating(lab.target("tight"), [DEFLATE]) as peer:
            payload = b"a" * size
            round_trip(peer, payload)
            if peer.was_compressed != is_compressed:
                names = {True: "a compressed reply", False: "a plain reply"}
                raise Mismatch(names[is_compressed], names[peer.was_compressed])
            peer.close()

    return run


# --- compressed messages


def on(server, run, offer=DEFLATE):
    """`run(peer)` on a connection to `server` where permessage-deflate was agreed."""

    def run_on(lab):
        with Peer.deflating(lab.target(server), [offer]) as peer:
            run(peer)

    return run_on


def deflated(payload, level=6, flush=zlib.Z_SYNC_FLUSH):
    """`payload` compressed by itself, nothing cut from its end."""
    stream = zlib.compressobj(level, zlib.DEFLATED, -15)
    return stream.compress(payload) + stream.flush(flush)


def final_block(payload):
    """A message whose block says that it is the last one (RFC 7692 section 7.2.3.4)."""
    return deflated(payload, flush=zlib.Z_FINISH) + b"\x00"


def messages():
    for server in SERVERS:
        for number, (what, run) in numbered(f"S.deflate.{server}", COMPRESSED):
            yield Case(number, what, on(server, run))
    yield Case("S.deflate.limit.1", "inflates to more than limits.message_bytes",
               on("tight", fails_with([text(deflated(b"ab" * TIGHT_MESSAGE_BYTES)[:-4], rsv=RSV1)],
                                      1009)))
    at = payloads.text(TIGHT_MESSAGE_BYTES)
    yield Case("S.deflate.limit.2", "inflates to limits.message_bytes",
               on("tight", lambda peer: (round_trip(peer, at), peer.close())))
    yield Case("S.deflate.many", f"{MANY_AT_ONCE} messages of 1 MiB in one read",
               on("main", many_at_once))
    yield Case("S.deflate.limit.3", "inflates to more than compression.max_ratio of it",
               on("main", lambda peer: (
                   peer.send(binary(deflated(bytes(8 * MIB), 9)[:-4], rsv=RSV1)),
                   peer.expect_failed(1009))))


def many_at_once(peer):
    """A server that inflates them piecemeal, so that it can serve others, forgets none of them."""
    payload = _LARGE
    peer.send(binary(deflated(payload)[:-4], rsv=RSV1) * MANY_AT_ONCE)
    peer.expect(*MANY_AT_ONCE * [(BINARY, payload)])
    peer.close()


def fails_with(frames, *codes):
    return lambda peer: (peer.send(b"".join(frames)), peer.expect_failed(*codes))


def echoes(frames, *payloads_due, opcode=TEXT):
    return lambda peer: (peer.send(b"".join(frames)),
                         peer.expect(*((opcode, each) for each in payloads_due)), peer.close())


def final_blocks(peer):
    """Messages go on behind a final block, also those that use the window before it."""
    first, second = payloads.text(500), payloads.text(700)
    peer.send(text(final_block(first), rsv=RSV1))
    peer.expect((TEXT, first))
    if not peer.agreement.client_no_context_takeover:
        stream = zlib.compressobj(9, zlib.DEFLATED, -15, zdict=first)
        data = stream.compress(first) + stream.flush(zlib.Z_SYNC_FLUSH)
        assert len(data) < 40, "this does not use the window"
        peer.send(text(data[:-4], rsv=RSV1))
        peer.expect((TEXT, first))
    for _ in range(3):
        peer.send(text(deflated(second)[:-4], rsv=RSV1))
        peer.expect((TEXT, second))
        peer.send(text(final_block(second), rsv=RSV1))
        peer.expect((TEXT, second))
    peer.close()


def control_between(peer):
    payload = payloads.text(2000)
    data = deflated(payload)[:-4]
    third = len(data) // 3
    peer.send(text(data[:third], fin=False, rsv=RSV1), ping(b"one"))
    peer.expect((PONG, b"one"))
    peer.send(more(data[third:2 * third], fin=False) + ping(b"two") + wire.pong(b"x"))
    peer.expect((PONG, b"two"))
    peer.send(more(data[2 * third:]))
    peer.expect((TEXT, payload))
    peer.close()


def octet_by_octet(peer):
    payload = payloads.text(200)
    data = deflated(payload)[:-4]
    frames = [text(b"", fin=False, rsv=RSV1)]
    frames += [more(data[at:at + 1], fin=False) for at in range(len(data))] + [more(b"")]
    peer.send(*frames)
    peer.expect((TEXT, payload))
    peer.close()


def shared_window(peer):
    """What RFC 7692 section 7.2.3.2 shows: the second Hello is a reference to the first."""
    if peer.agreement.client_no_context_takeover:
        frames = 2 * [text(deflated(HELLO)[:-4], rsv=RSV1)]
    else:
        frames = [text(bytes.fromhex(each), rsv=RSV1)
                  for each in ("f248cdc9c90700", "f200110000")]
    peer.send(b"".join(frames))
    peer.expect((TEXT, HELLO), (TEXT, HELLO))
    peer.close()


def plain_between(peer):
    """Messages that are not compressed leave the windows alone."""
    for index in range(4):
        payload = payloads.text(900 + index)
        peer.send(text(payload))
        peer.expect((TEXT, payload))
        round_trip(peer, payload)
    peer.close()


_NOISE = random.Random(3).randbytes(100_000)
_LARGE = bytes(MIB - 4 * KIB) + _NOISE[:4 * KIB]
_CUT = deflated(payloads.text(5000))
COMPRESSED = [
    ("RFC 7692 7.2.3.1: one block",
     echoes([text(bytes.fromhex("f248cdc9c90700"), rsv=RSV1)], HELLO)),
    ("RFC 7692 7.2.3.1: in two fragments",
     echoes([text(bytes.fromhex("f248cd"), rsv=RSV1, fin=False), more(bytes.fromhex("c9c90700"))],
            HELLO)),
    ("RFC 7692 7.2.3.2: a shared window", shared_window),
    ("RFC 7692 7.2.3.3: a block without compression",
     echoes([text(bytes.fromhex("000500faff48656c6c6f00"), rsv=RSV1)], HELLO)),
    ("RFC 7692 7.2.3.4: a final block",
     echoes([text(bytes.fromhex("f348cdc9c9070000"), rsv=RSV1)], HELLO)),
    ("RFC 7692 7.2.3.5: two blocks",
     echoes([text(bytes.fromhex("f248050000" "00ffffcac9c90700"), rsv=RSV1)], HELLO)),
    ("RFC 7692 7.2.3.6: an empty message", echoes([text(b"\x00", rsv=RSV1)], b"")),
    ("final blocks, with messages behind them", final_blocks),
    ("a final block, another block behind it in the same message",
     echoes([text(deflated(HELLO, flush=zlib.Z_FINISH) + deflated(b", world")[:-4], rsv=RSV1)],
            b"Hello, world")),
    ("control frames between the fragments", control_between),
    ("fragments of one octet, empty first and last", octet_by_octet),
    ("plain messages between", plain_between),
    ("100 kB that do not compress",
     echoes([binary(deflated(_NOISE)[:-4], rsv=RSV1)], _NOISE, opcode=BINARY)),
    ("stored blocks", echoes([binary(deflated(_NOISE, 0)[:-4], rsv=RSV1)], _NOISE, opcode=BINARY)),
    ("RSV1 on a ping", fails_with([ping(b"x", rsv=RSV1)], 1002)),
    ("RSV1 on a pong", fails_with([wire.pong(b"x", rsv=RSV1)], 1002)),
    ("RSV1 on a close", fails_with([wire.close(1000, rsv=RSV1)], 1002)),
    ("RSV1 on a continuation of a compressed message",
     fails_with([text(_CUT[:9], fin=False, rsv=RSV1), more(_CUT[9:-4], rsv=RSV1)], 1002)),
    ("RSV1 on a continuation of a plain message",
     fails_with([text(b"a", fin=False), more(b"b", rsv=RSV1)], 1002)),
    ("RSV2 beside RSV1", fails_with([text(_CUT[:-4], rsv=6)], 1002)),
    ("RSV3 beside RSV1", fails_with([text(_CUT[:-4], rsv=5)], 1002)),
    ("text that inflates to no UTF-8", fails_with([text(deflated(b"\xff")[:-4], rsv=RSV1)], 1007)),
    ("text that inflates to half a code point",
     fails_with([text(deflated(b"ab\xe2\x82")[:-4], rsv=RSV1)], 1007)),
    ("no DEFLATE at all", fails_with([text(b"\xff" * 20, rsv=RSV1)], 1002, 1007)),
    ("a reserved block type", fails_with([binary(b"\x06\x00", rsv=RSV1)], 1002, 1007)),
    ("a stream that ends early", fails_with([binary(_CUT[:20], rsv=RSV1)], 1002, 1007)),
    ("no octet at all", fails_with([binary(b"", rsv=RSV1)], 1002, 1007)),
    ("a reference beyond the beginning",
     fails_with([binary(bytes.fromhex("f200110000"), rsv=RSV1)], 1002, 1007)),
]

GROUPS = (
    ("S.offer", "strict: offers", offers, 90),
    ("S.kept", "strict: what was agreed", kept, 44),
    ("S.deflate", "strict: compressed messages", messages, 60),
)
