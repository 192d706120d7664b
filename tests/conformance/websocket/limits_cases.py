"""Group 9: large messages, many fragments, small chops, many messages."""

import payloads
from cases import Case, echo, numbered
from payloads import KIB, MIB
from peer import Peer
from wire import BINARY, NAMES, TEXT, frame

SIZES = (64 * KIB, 256 * KIB, MIB, 4 * MIB, 8 * MIB, 16 * MIB)
FRAGMENTS = (64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB, 4 * MIB)
CHOPS = (64, 128, 256, 512, KIB, 2 * KIB)
SMALL = (0, 16, 64, 256, KIB, 4 * KIB)
MANY = 1000

KINDS = ((TEXT, payloads.text), (BINARY, payloads.binary))


def limits():
    for index, (opcode, make) in enumerate(KINDS):
        name = NAMES[opcode]
        for number, size in numbered(f"9.{1 + index}", SIZES):
            yield later(number, f"{name} of {size} octets", opcode, make, size)
        for number, fragment in numbered(f"9.{3 + index}", FRAGMENTS):
            yield later(number, f"{name} of 4 MiB in fragments of {fragment}", opcode, make,
                        4 * MIB, fragment=fragment)
        for number, chop in numbered(f"9.{5 + index}", CHOPS):
            yield later(number, f"{name} of 1 MiB in chops of {chop}", opcode, make, MIB, chop=chop)
        for number, size in numbered(f"9.{7 + index}", SMALL):
            yield Case(number, f"{MANY} times {name} of {size} octets",
                       one_by_one(opcode, make, size))


def later(number, what, opcode, make, size, **options):
    """An echo whose frames are made when it runs: all of them together would be 200 MB."""
    return Case(number, what,
                lambda lab: echo(number, what, opcode, make(size), **options).run(lab))


def one_by_one(opcode, make, size):
    def run(lab):
        payload = make(size)
        with Peer.opened(lab.main) as peer:
            for _ in range(MANY):
                peer.send(frame(opcode, payload))
                peer.expect((opcode, payload))
            peer.close()

    return run
