"""The history checker finds each kind of broken promise, and accepts histories that keep them."""

import json

import pytest

from history_checker import check_history, main

E, F = "0000aaaa", "0000bbbb"


def subscribed(last, subscription="s", **more):
    return {"event": "subscribed", "subscription": subscription, "topic": "t", "last": last, **more}


def message(message_id, payload=None, subscription="s", **more):
    return {"event": "message", "subscription": subscription, "topic": "t", "id": message_id,
            "payload": message_id if payload is None else payload, **more}


def gap(after, following):
    return {"event": "gap", "subscription": "s", "topic": "t", "after": after, "next": following}


def unsubscribed():
    return {"event": "unsubscribed", "subscription": "s", "topic": "t"}


def sending(seq, publisher="p", payload=None):
    return {"event": "sending", "publisher": publisher, "topic": "t", "seq": seq,
            "payload": seq if payload is None else payload}


def published(seq, message_id, publisher="p"):
    return {"event": "published", "publisher": publisher, "topic": "t", "seq": seq,
            "id": message_id}


def settled(last):
    return {"event": "settled", "subscription": "s", "topic": "t", "last": last}


def history(*ids, last=f"{E}-9", **more):
    return {"event": "history", "topic": "t", "last": last, **more,
            "messages": [{"id": each, "payload": each} for each in ids]}


KEPT = {
    "an ordinary stream": [subscribed(f"{E}-4"), message(f"{E}-5"), message(f"{E}-6"),
                           settled(f"{E}-6")],
    "nothing published": [subscribed(f"{E}-0"), settled(f"{E}-0")],
    "a resume": [subscribed(f"{E}-0"), message(f"{E}-1"), unsubscribed(),
                 subscribed(f"{E}-3", after=f"{E}-1", recovered=True), message(f"{E}-2"),
                 message(f"{E}-3"), message(f"{E}-4")],
    "a resume from the first": [subscribed(f"{E}-9", after="first", recovered=True),
                                message(f"{E}-7"),
                                message(f"{E}-8")],
    "the first of an empty log": [subscribed(f"{E}-0", after="first", recovered=True),
                                  settled(f"{E}-0")],
    "a resume that is not recovered": [
        subscribed(f"{E}-0"), message(f"{E}-1"), unsubscribed(),
        subscribed(f"{E}-9", after=f"{E}-1", recovered=False), message(f"{E}-7"),
        message(f"{E}-8")],
    "a resume into another epoch": [
        subscribed(f"{E}-0"), message(f"{E}-1"), unsubscribed(),
        subscribed(f"{F}-2", after=f"{E}-1", recovered=False), message(f"{F}-1"),
        message(f"{F}-2")],
    "a gap": [subscribed(f"{E}-0"), message(f"{E}-1"), gap(f"{E}-1", f"{E}-5"), message(f"{E}-5"),
              message(f"{E}-6")],
    "a gap into another epoch": [subscribed(f"{E}-0"), message(f"{E}-1"), gap(f"{E}-1", f"{F}-1"),
                                 message(f"{F}-1")],
    "a gap before the first message": [subscribed(f"{E}-2"), gap(f"{E}-2", f"{E}-9"),
                                       message(f"{E}-9")],
    "latest that skips": [subscribed(f"{E}-0", mode="latest"), message(f"{E}-1"),
                          message(f"{E}-8")],
    "a client that goes back by itself": [
        subscribed(f"{E}-0"), message(f"{E}-1"), message(f"{E}-2"), unsubscribed(),
        subscribed(f"{E}-2", after=f"{E}-0", recovered=True), message(f"{E}-1"), message(f"{E}-2")],
    "acknowledged publishes": [sending(1), published(1, f"{E}-1"), sending(2),
                               published(2, f"{E}-2"),
                               subscribed(f"{E}-0"), message(f"{E}-1", 1, publisher="p", seq=1),
                               message(f"{E}-2", 2, publisher="p", seq=2)],
    "answers that overtake each other": [sending(1), sending(2), published(2, f"{E}-2"),
                                         published(1, f"{E}-1")],
    "a history with a gap": [history(f"{E}-5", f"{E}-6", after=f"{E}-1", gap=True)],
    "a history": [history(f"{E}-2", f"{E}-3", after=f"{E}-1")],
}

BROKEN = {
    "a silent hole": (1, [subscribed(f"{E}-0"), message(f"{E}-1"), message(f"{E}-3")]),
    "a hole right after subscribed": (1, [subscribed(f"{E}-4"), message(f"{E}-6")]),
    "a hole after a recovered resume": (
        1, [subscribed(f"{E}-5", after=f"{E}-1", recovered=True), message(f"{E}-3")]),
    "a hole after a resume that was not recovered": (
        1,
        [subscribed(f"{E}-9", after=f"{F}-1", recovered=False), message(f"{E}-7"),
         message(f"{E}-9")]),
    "going back": (1, [subscribed(f"{E}-5"), message(f"{E}-6"), message(f"{E}-5")]),
    "latest that goes back": (1, [subscribed(f"{E}-5", mode="latest"), message(f"{E}-9"),
                                  message(f"{E}-7")]),
    "an epoch that changes without a word": (
        1, [subscribed(f"{E}-0"), message(f"{E}-1"), message(f"{F}-1")]),
    "a gap that does not begin where the stream was": (
        1, [subscribed(f"{E}-0"), message(f"{E}-1"), gap(f"{E}-3", f"{E}-5"), message(f"{E}-5")]),
    "a gap that misses nothing": (1,
                                  [subscribed(f"{E}-0"), message(f"{E}-1"),
                                   gap(f"{E}-1", f"{E}-2")]),
    "a gap that is not kept": (
        1, [subscribed(f"{E}-0"), gap(f"{E}-0", f"{E}-5"), message(f"{E}-6")]),
    "a message before subscribed": (1, [message(f"{E}-1")]),
    "a message after unsubscribed": (1, [subscribed(f"{E}-0"), unsubscribed(), message(f"{E}-1")]),
    "a lost end": (1, [subscribed(f"{E}-0"), message(f"{E}-1"), settled(f"{E}-2")]),
    "nothing at all": (1, [subscribed(f"{E}-0"), settled(f"{E}-2")]),
    "recovered missing": (1, [subscribed(f"{E}-0", after=f"{E}-0")]),
    "recovered without after": (1, [subscribed(f"{E}-0", recovered=True)]),
    "recovered from another epoch": (1, [subscribed(f"{E}-1", after=f"{F}-1", recovered=True)]),
    "recovered from the future": (1, [subscribed(f"{E}-1", after=f"{E}-2", recovered=True)]),
    "an id that is none": (1, [subscribed(f"{E}-0"), message(f"{E}-01")]),
    "a history with a hole": (1, [history(f"{E}-2", f"{E}-4")]),
    "a history that leaves out its beginning": (1, [history(f"{E}-5", after=f"{E}-1")]),
    "a duplicate": (2, [subscribed(f"{E}-0"), message(f"{E}-1"), message(f"{E}-1")]),
    "a duplicate after a resume": (
        2, [subscribed(f"{E}-0"), message(f"{E}-1"), unsubscribed(),
            subscribed(f"{E}-1", after=f"{E}-1", recovered=True), message(f"{E}-1")]),
    "subscribed twice": (2, [subscribed(f"{E}-0"), subscribed(f"{E}-0")]),
    "two payloads to two subscribers": (
        3, [subscribed(f"{E}-0"), subscribed(f"{E}-0", "other"), message(f"{E}-1", "a"),
            message(f"{E}-1", "b", "other")]),
    "another payload in history": (
        3, [subscribed(f"{E}-0"), message(f"{E}-1", "a"), history(f"{E}-1")]),
    "another payload than was acknowledged": (
        3,
        [sending(1, payload="a"), published(1, f"{E}-1"), subscribed(f"{E}-0"),
         message(f"{E}-1", "b")]),
    "one id for two publishes": (
        3, [sending(1), published(1, f"{E}-1"), sending(1, "q", "x"), published(1, f"{E}-1", "q")]),
    "a message that nobody sent": (
        3, [sending(1), subscribed(f"{E}-0"), message(f"{E}-1", 7, publisher="p", seq=7)]),
    "offset 0 for a message": (3, [sending(1), published(1, f"{E}-0")]),
    "a publisher's messages swapped": (
        4,
        [sending(1), sending(2), subscribed(f"{E}-0"), message(f"{E}-1", 2, publisher="p", seq=2),
            message(f"{E}-2", 1, publisher="p", seq=1)]),
    "acknowledged out of order": (
        4, [sending(1), published(1, f"{E}-2"), sending(2), published(2, f"{E}-1")]),
    "acknowledged out of order by answers that overtook": (
        4, [sending(1), sending(2), published(2, f"{E}-1"), published(1, f"{E}-2")]),
}


@pytest.mark.parametrize("name", KEPT)
def test_it_accepts(name):
    assert check_history(KEPT[name]) == []


@pytest.mark.parametrize("name", BROKEN)
def test_it_finds(name):
    rule, events = BROKEN[name]
    problems = check_history(events)
    assert any(f"rule {rule}:" in problem for problem in problems), problems


def test_as_a_program_it_reads_lines_and_exits_1_for_a_broken_history(tmp_path, capsys):
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_text("\n".join(json.dumps(event) for event in KEPT["a gap"]) + "\n")
    bad.write_text("\n".join(json.dumps(event) for event in BROKEN["a duplicate"][1]))
    assert main([str(good)]) == 0
    assert main([str(good), str(bad)]) == 1
    assert "rule 2" in capsys.readouterr().out
