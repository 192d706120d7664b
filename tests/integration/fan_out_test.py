"""One topic, many subscribers: every message reaches every one of them, once and in order."""

import os
import resource
import selectors

import pytest

from byte_stream import ByteStream
from daemon import Daemon
from deadlines import Deadline
from http_client import build_request
from websocket_client import upgrade_headers
from websocket_frames import PING, TEXT, Frame, FrameDecoder

# The figure of the release note is 10,000: WSPUSH_TEST_SUBSCRIBERS=10000.
SUBSCRIBERS = int(os.environ.get("WSPUSH_TEST_SUBSCRIBERS", "1000"))
MESSAGES = 100
PAYLOADS = [f"{number:08d}".encode().ljust(128, b".") for number in range(MESSAGES)]


def raise_descriptor_limit(count):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        if hard != resource.RLIM_INFINITY and hard < count:
            pytest.skip(f"{count} descriptors are needed, {hard} allowed")
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))


@pytest.mark.parametrize("reactors", [1, 2, 3])
def test_every_message_arrives_at_every_subscriber_once_and_in_order(reactors):
    raise_descriptor_limit(SUBSCRIBERS + 200)
    with Daemon({"reactors": reactors}) as daemon:
        streams = [ByteStream.connect(daemon.public) for _ in range(SUBSCRIBERS)]
        request = build_request("GET", "/topics/open.fan", upgrade_headers())
        for stream in streams:
            stream.send(request)
        for stream in streams:
            assert stream.read_until(b"\r\n\r\n").startswith(b"HTTP/1.1 101 ")
        for payload in PAYLOADS:
            assert daemon.publish("open.fan", payload, "text/plain")["subscribers"] == SUBSCRIBERS
        check_all(streams)
        for stream in streams:
            stream.close()


def check_all(streams):
    """Reads until each stream has all payloads; the first wrong, missing or extra one fails."""
    selector, got, deadline = selectors.DefaultSelector(), {}, Deadline(60)
    for stream in streams:
        selector.register(stream.sock, selectors.EVENT_READ, (stream, FrameDecoder()))
        got[stream] = 0
    unfinished = len(streams)
    while unfinished:
        ready = selector.select(deadline.remaining())
        assert ready, f"{unfinished} streams are short, e.g. {min(got.values())} of {MESSAGES} messages"
        for key, _ in ready:
            stream, decoder = key.data
            stream.fill(deadline)
            decoder.feed(stream.take(len(stream.buffer)))
            while (frame := decoder.next_frame()) is not None:
                if frame.opcode == PING:
                    continue
                assert got[stream] < MESSAGES, f"one more than all: {frame.payload[:8]}"
                assert frame == Frame(TEXT, PAYLOADS[got[stream]]), frame.payload[:8]
                got[stream] += 1
                unfinished -= got[stream] == MESSAGES
