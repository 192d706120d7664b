"""docs/protocol.md says what the server does: its examples are sent and answered as they stand.

How an example is written: docs/testing.md.
"""

import os

import pytest

from daemon import Daemon
from page_examples import Names, Run, fits_payload, sections_of

ROOT = os.path.join(os.path.dirname(__file__), "..", "..")
PAGES = ["docs/protocol.md"]


def read(page):
    with open(os.path.join(ROOT, page), encoding="utf-8") as file:
        return file.read()


def sections():
    return [pytest.param(page, blocks, id=f"{os.path.basename(page)}: {heading}")
            for page in PAGES for heading, blocks in sections_of(read(page))[0]]


def play(page, blocks, reactors):
    config = sections_of(read(page))[1]
    daemon = Daemon(text=config, args=(
        "--set", 'listen=[{address: "127.0.0.1:0"}]', "--set", "internal.address=127.0.0.1:0",
        "--set", f"reactors={reactors}", "--set", "drain.period=100ms"))
    try:
        Run(daemon).play(blocks)
    finally:
        daemon.stop()


@pytest.mark.parametrize("reactors", [1, 2])
@pytest.mark.parametrize("page, blocks", sections())
def test_the_examples_hold(page, blocks, reactors):
    play(page, blocks, reactors)


def test_no_door_is_left_out():
    text = "".join(block.text for page in PAGES for _, blocks in sections_of(read(page))[0]
                   for block in blocks)
    for each in ('"op":"subscribe"', '"op":"unsubscribe"', '"op":"publish"', '"op":"history"',
                 '"op":"auth"', '"op":"ping"', '"op":"gap"', '"recovered":true',
                 '"recovered":false', '"mode":"latest"', '"max_rate"', '"pattern"', '"position"',
                 '"encoding":"base64"', '"key"', "text/event-stream", "Last-Event-ID", "event: gap",
                 "Wspush-Last", "wait=", '"gap":true', "topic=sports.*", "GET /echo",
                 "/api/messages", "application/x-ndjson", "receipt=written", "Idempotency-Key",
                 "/api/topics?prefix=",
                 "/api/connections", "/api/users/", "/api/revocations", "/metrics", "/healthz",
                 "/readyz", "close 4003", "close 4007", "HTTP/1.1 101"):
        assert each in text, f"no example has {each}"


# What an example shows, and something that the server does not do: each has to be found.
FAULTS = [
    ('"op":"pong","id":4', '"op":"pong","id":5'),
    ('"title":"It works"}}\n> {"op":"history"', '"title":"It fails"}}\n> {"op":"history"'),
    ('"last":"0f3a9c01-1"}\n> {"op":"ping"', '"last":"0f3a9c01-2"}\n> {"op":"ping"'),
    ('"last":"0f3a9c01-1"}\n> {"op":"ping"', '"last":"0f3a9c02-1"}\n> {"op":"ping"'),
    ('"last":"0f3a9c01-1"}\n> {"op":"ping"', '"last":"0f3a9c01-1","more":1}\n> {"op":"ping"'),
    ('< close 1000\n', '< close 1001\n'),
    ('\n< {"op":"message","topic":"news","id":"0f3a9c01-1","data":{"title":"It works"}}', ''),
    ('"position":"pAQ3kz8sBAgAC"', '"position":"pAQ3kz8sBAQAB"'),
    ("late < binary 00 ff", "late < binary 00 fe"),
    ("data: two", "data: three"),
    ("event: sports.chess", "event: sports.go"),
    ("Wspush-Last: 0f3a9c01-0\n\nGET", "Wspush-Last: 0f3a9c01-1\n\nGET"),
    ('"last":"4be81c02-3","gap":true', '"last":"4be81c02-3","gap":false'),
    ("HTTP/1.1 415", "HTTP/1.1 400"),
    ("Allow: GET, POST, DELETE", "Allow: GET, POST"),
    ('"subscribers":1,"written":1', '"subscribers":1,"written":0'),
    ("# TYPE wspushd_connections gauge", "# TYPE wspushd_connections counter"),
    ('"code":"unsupported_media_type"', '"code":"bad_request"'),
    ('"door":"wspush.v1"', '"door":"raw"'),
]


@pytest.mark.parametrize("shown, other", FAULTS, ids=[fault[1][:40] for fault in FAULTS])
def test_an_example_that_is_changed_is_found(shown, other):
    page = read("docs/protocol.md")
    assert shown in page, "the page has changed: plant another fault"
    config = sections_of(page)[1]
    at = page.index(shown)
    spoiled = page[:at] + other + page[at + len(shown):]
    blocks = next(after for (_, before), (_, after) in zip(
        sections_of(page)[0], sections_of(spoiled)[0])
        if [each.text for each in before] != [each.text for each in after])
    daemon = Daemon(text=config, args=(
        "--set", 'listen=[{address: "127.0.0.1:0"}]', "--set", "internal.address=127.0.0.1:0"))
    try:
        with pytest.raises(AssertionError):
            Run(daemon).play(blocks)
    finally:
        daemon.stop()


@pytest.mark.parametrize("page", ["## A\n```python\n1\n```\n", "## A\n```\nGET /\n```\n"])
def test_a_block_that_nobody_runs_is_a_fault(page):
    with pytest.raises(AssertionError):
        sections_of(page)


def test_names_stand_for_one_thing_each():
    names = Names()
    assert fits_payload('{"id":"aaaaaaaa-1"}', '{"id":"bbbbbbbb-1"}', names)
    assert not fits_payload('{"id":"aaaaaaaa-1"}', '{"id":"cccccccc-1"}', names)
    assert not fits_payload('{"id":"dddddddd-1"}', '{"id":"bbbbbbbb-1"}', names)
    assert names.real("after=aaaaaaaa-7 or 00000000-1") == "after=bbbbbbbb-7 or 00000000-1"
