"""The chaos run finds a fault that was planted between a subscriber and the checker."""

import asyncio
import pathlib
import subprocess
import sys

import pytest

DIRECTORY = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(DIRECTORY), str(DIRECTORY.parent / "support")]

from run_chaos import FAULTS, schedule  # noqa: E402
from subscribers import stream_pieces  # noqa: E402

import random  # noqa: E402


def chaos(*arguments):
    return subprocess.run([sys.executable, str(DIRECTORY / "run_chaos.py"), "--seed", "7",
                           "--seconds", "5", "--rate", "300", *arguments],
                          capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("plant, rule", [("drop", 1), ("duplicate", 2), ("payload", 3)])
def test_it_finds_a_delivery_that_was_spoiled(plant, rule):
    done = chaos("--plant", plant)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"rule {rule}:" in done.stdout, done.stdout
    assert done.stdout.splitlines()[-1].startswith("chaos: seed 7"), done.stdout


@pytest.mark.parametrize("plant", ["join", "leave", "count"])
def test_it_finds_what_a_member_was_told_wrong(plant):
    done = chaos("--plant", plant, "--seconds", "10")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "(presence, at" in done.stdout or "rule 4:" in done.stdout, done.stdout
    assert " 0 presence promises broken" not in done.stdout.splitlines()[-1], done.stdout


def test_it_says_no_to_a_door_that_is_none():
    done = chaos("--door", "v1,window")
    assert done.returncode == 2 and "--door" in done.stderr


def test_a_seed_draws_the_same_faults_and_a_restart_that_can_be_recovered_from():
    for seed in range(50):
        plan = schedule(20, random.Random(seed))
        assert plan == schedule(20, random.Random(seed))
        restarts = [at for at, fault in plan if fault == "restart"]
        assert restarts and max(restarts) <= 9
        assert {fault for _, fault in plan} <= set(FAULTS)
    restarts = [at for at, fault in schedule(600, random.Random(1)) if fault == "restart"]
    assert len(restarts) > 10 and min(b - a for a, b in zip(restarts, restarts[1:])) > 10
    drawn = {fault for _, fault in schedule(600, random.Random(0))}
    assert drawn == set(FAULTS)


def test_a_stream_is_read_in_chunks_cut_anywhere():
    body = b"retry: 1\n\n" + b"id: 2\ndata: x\n\n" * 3
    chunked = b"".join(b"%x\r\n%s\r\n" % (len(each), each)
                       for each in (body[:7], body[7:8], body[8:])) + b"0\r\n\r\n"

    async def read_plain():
        reader = asyncio.StreamReader()
        reader.feed_data(body)
        reader.feed_eof()
        return b"".join([each async for each in stream_pieces(reader, False)])

    async def read_slowly(cut):
        reader = asyncio.StreamReader()
        reader.feed_data(chunked[:cut])
        asyncio.get_running_loop().call_soon(reader.feed_data, chunked[cut:])
        return b"".join([each async for each in stream_pieces(reader, True)])

    for cut in range(1, len(chunked)):
        assert asyncio.run(read_slowly(cut)) == body
    assert asyncio.run(read_plain()) == body
