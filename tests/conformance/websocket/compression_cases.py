"""Groups 12 and 13: compressed messages, by data, size, fragments and parameters."""

import payloads
from cases import Case, numbered
from peer import Mismatch, Peer
from wire import BINARY, TEXT

# (octets in a message, octets in a fragment of what it was compressed to; 0: one frame)
SIZES = [*((16 << 2 * power, 0) for power in range(4)), *((4096 << power, 0) for power in range(6)),
         *((8192 << power, 256) for power in range(5)), (131072, 1024), (131072, 4096),
         (131072, 32768)]
AUTOBAHN_MESSAGES = 1000
SHORT_RUN_BYTES = 1 << 19  # in a case, when Autobahn's counts are not asked for
# From here on every one of the data sets that is sent as text comes back smaller.
SURELY_SMALLER = 256

DEFAULT = "permessage-deflate; client_no_context_takeover; client_max_window_bits"
NO_CONTEXT = DEFAULT + "; server_no_context_takeover"
PARAMETERS = (
    [DEFAULT],
    [NO_CONTEXT],
    [DEFAULT + "; server_max_window_bits=8"],
    [DEFAULT + "; server_max_window_bits=15"],
    [NO_CONTEXT + "; server_max_window_bits=8"],
    [NO_CONTEXT + "; server_max_window_bits=15"],
    [", ".join((NO_CONTEXT + "; server_max_window_bits=8", NO_CONTEXT, DEFAULT))],
)


def message_count(lab, size):
    return AUTOBAHN_MESSAGES if lab.is_full else max(4, min(32, SHORT_RUN_BYTES // size))


def compression_data():
    for group, kind in enumerate(payloads.KINDS, 1):
        for number, (size, fragment) in numbered(f"12.{group}", SIZES):
            yield Case(number, described(kind, size, fragment),
                       bulk("main", [DEFAULT], kind, size, fragment))


def compression_parameters():
    for group, offers in enumerate(PARAMETERS, 1):
        for number, (size, fragment) in numbered(f"13.{group}", SIZES):
            yield Case(number, described(offers[0], size, fragment),
                       bulk("takeover", offers, "JSON", size, fragment))


def described(what, size, fragment):
    return f"{what}: {size} octets" + (f" in fragments of {fragment}" if fragment else "")


def bulk(server, offers, kind, size, fragment):
    """Messages there and back, one after the other. The server's answer is held to the offer."""

    def run(lab):
        opcode = TEXT if isinstance(payloads.data_set(kind), str) else BINARY
        with Peer.deflating(lab.target(server), offers) as peer:
            hold_to_offer(peer, offers[0])
            for payload in payloads.slices(kind, size, message_count(lab, size)):
                peer.send_compressed(opcode, payload, fragment)
                peer.expect((opcode, payload))
                if opcode == TEXT and size >= SURELY_SMALLER and not peer.was_compressed:
                    raise Mismatch("a compressed reply", "a plain one")
            peer.close()

    return run


def hold_to_offer(peer, offer):
    """The first element of `offer` is one that can be accepted: it is, with what it asks for."""
    first = offer.split(",")[0]
    answer = peer.agreement
    if "server_no_context_takeover" in first and not answer.server_no_context_takeover:
        raise Mismatch("server_no_context_takeover answered", sorted(answer.named))
    if "server_max_window_bits=" in first:
        bits = int(first.partition("server_max_window_bits=")[2].partition(";")[0])
        if "server_max_window_bits" not in answer.named or answer.server_max_window_bits > bits:
            raise Mismatch(f"server_max_window_bits, at most {bits}",
                           f"{sorted(answer.named)}, {answer.server_max_window_bits}")
