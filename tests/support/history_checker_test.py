"""The history checker finds each kind of broken promise, and accepts histories that keep them."""

import json

import pytest

from history_checker import HistoryChecker, check_history, main

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


def by_door(after, subscription="s", door="raw"):
    return {"event": "subscribed", "subscription": subscription, "topic": "t", "after": after,
            "door": door}


def feed(subscription="f", **more):
    return {"event": "subscribed", "subscription": subscription, "topic": "t.>", "last": "p0",
            "feed": True, **more}


def nameless(seq, publisher="p", subscription="s", payload=None):
    return message(None, seq if payload is None else payload, subscription, publisher=publisher,
                   seq=seq)


def lost(subscription="s"):
    return {"event": "lost", "subscription": subscription}


def acknowledged(*offsets, epoch=E):
    """One publisher's messages, each with the offset for its seq and payload."""
    return [event for offset in offsets
            for event in (sending(offset), published(offset, f"{epoch}-{offset}"))]


def without_id(seq):
    return {"event": "published", "publisher": "p", "topic": "t", "seq": seq}


def delivered(*offsets, subscription="s", epoch=E):
    return [message(f"{epoch}-{offset}", offset, subscription, publisher="p", seq=offset)
            for offset in offsets]


def keyed(offset, key, seen=True):
    return {**(message(f"{E}-{offset}", offset) if seen else
               {"event": "published", "publisher": "p", "topic": "t", "seq": offset,
                "id": f"{E}-{offset}"}), "key": key}


BEGINS = {"event": "begins", "topics": ["t"]}
FAULT = {"event": "fault_ended", "fault": "a restart", "at": 100.0}
DUE = {"event": "recovery_due", "fault": "a restart", "at": 110.0}
IN_TIME = {**published(1, f"{E}-1"), "at": 101.0}
AWAY = {"event": "away", "subscription": "s"}
BACK = {"event": "back", "subscription": "s"}

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
    "a door without a word for recovered": [
        by_door(f"{E}-4", door="sse"), message(f"{E}-5"), unsubscribed(),
        by_door(f"{E}-5", door="poll"), message(f"{E}-6"), settled(f"{E}-6")],
    "messages without ids, found when they are acknowledged": [
        sending(1), sending(2), by_door(f"{E}-0"), nameless(1), published(1, f"{E}-1"), nameless(2),
        published(2, f"{E}-2"), settled(f"{E}-2")],
    "a message without an id that nobody acknowledged": [
        sending(1), *acknowledged(2), by_door(f"{E}-0"), nameless(1), nameless(2),
        settled(f"{E}-2")],
    "a loss told by a close": [
        *acknowledged(1, 2, 3, 4, 5), by_door(f"{E}-0"), nameless(1), lost(), unsubscribed(),
        by_door(f"{E}-4"), nameless(5), settled(f"{E}-5")],
    "a gap without ids": [subscribed(f"{E}-0"), message(f"{E}-1"), gap(f"{E}-1", None),
                          message(f"{F}-3"), message(f"{F}-4")],
    "a loss told and then nothing kept": [by_door(f"{E}-1"), lost(), settled(f"{F}-0")],
    "a client that changes the door": [
        subscribed(f"{E}-0"), message(f"{E}-1"), unsubscribed(), by_door(f"{E}-1", door="sse"),
        message(f"{E}-2"), unsubscribed(), subscribed(f"{E}-2", after=f"{E}-2", recovered=True),
        message(f"{E}-3")],
    "a feed that begins anywhere": [feed(), message(f"{E}-7", subscription="f"),
                                    message(f"{E}-8", subscription="f")],
    "a feed that is resumed": [
        feed(), message(f"{E}-7", subscription="f"), {"event": "unsubscribed", "subscription": "f"},
        feed(after="p1", recovered=True), message(f"{E}-8", subscription="f")],
    "a feed that is not recovered": [
        feed(), message(f"{E}-7", subscription="f"), {"event": "unsubscribed", "subscription": "f"},
        feed(after="p1", recovered=False), message(f"{E}-9", subscription="f"),
        message(f"{E}-10", subscription="f")],
    "a feed that comes with a position of another process": [
        feed(life=1), message(f"{E}-7", subscription="f"),
        {"event": "unsubscribed", "subscription": "f"}, feed(after="p1", recovered=False, life=2),
        message(f"{E}-7", subscription="f"), message(f"{E}-8", subscription="f")],
    "the same at a door without a word for recovered": [
        feed(life=1, door="sse"), message(f"{E}-7", subscription="f"),
        {"event": "unsubscribed", "subscription": "f"}, feed(after="p1", life=2, door="poll"),
        lost("f"), message(f"{E}-7", subscription="f"), message(f"{E}-8", subscription="f")],
    "a feed that was told of a loss": [
        feed(), message(f"{E}-7", subscription="f"), lost("f"), message(f"{F}-2", subscription="f")],
    "a feed that was told of a loss when it had everything": [
        feed(), message(f"{E}-7", subscription="f"), lost("f"),
        {**settled(f"{E}-7"), "subscription": "f"}],
    "a feed one of whose topics was cleared": [
        feed(), message(f"{E}-7", subscription="f"),
        {**gap(f"{E}-7", f"{F}-1"), "subscription": "f"}, message(f"{F}-1", subscription="f")],
    "a topic and a pattern beside it": [
        subscribed(f"{E}-0"), feed(), message(f"{E}-1", subscription="f"), message(f"{E}-1")],
    "acknowledged lines without ids": [
        sending(1), sending(2), sending(3), subscribed(f"{E}-0"), *delivered(1, 2, 3),
        without_id(1), without_id(2), without_id(3), settled(f"{E}-3")],
    "a publish that failed and is not there": [
        sending(1), sending(2), sending(3), subscribed(f"{E}-0"),
        message(f"{E}-1", 1, publisher="p", seq=1), message(f"{E}-2", 3, publisher="p", seq=3),
        published(3, f"{E}-2"), settled(f"{E}-2")],
    "the same answer to a retry": [sending(1), sending(1), published(1, f"{E}-1"),
                                   published(1, f"{E}-1")],
    "acknowledged, then lost and told": [
        *acknowledged(1, 2, 3), subscribed(f"{E}-0"), *delivered(1), gap(f"{E}-1", f"{E}-3"),
        *delivered(3), settled(f"{E}-3")],
    "latest with the newest of each key": [
        subscribed(f"{E}-0", mode="latest"), sending(1), sending(2), sending(3),
        keyed(1, "A", False), keyed(2, "A", False), keyed(3, "B", False), keyed(2, "A"),
        keyed(3, "B"), settled(f"{E}-3")],
    "latest that was told of a loss of keys": [
        subscribed(f"{E}-0", mode="latest"), sending(1), keyed(1, "A", False),
        gap(f"{E}-0", f"{E}-3"), keyed(3, "B"), settled(f"{E}-3")],
    "latest that skips what a gap had promised": [
        subscribed(f"{E}-5", mode="latest"), gap(f"{E}-5", f"{F}-1"), message(f"{F}-4"),
        settled(f"{F}-4")],
    "epochs that were ended": [
        BEGINS, *acknowledged(1), {"event": "cleared", "topic": "t"},
        sending(2), published(2, f"{F}-1"), {"event": "restarted"},
        sending(3), published(3, "0000cccc-1")],
    "recovery": [sending(1), subscribed(f"{E}-0"), FAULT, IN_TIME, message(f"{E}-1", 1), DUE],
    "recovery by coming back": [
        sending(1), subscribed(f"{E}-0"), FAULT, IN_TIME, unsubscribed(),
        subscribed(f"{E}-1", after=f"{E}-0", recovered=True), DUE],
    "no recovery for who does not read": [
        sending(1), subscribed(f"{E}-0"), AWAY, FAULT, IN_TIME, DUE, BACK],
    "no recovery where nobody publishes": [subscribed(f"{E}-0"), FAULT, DUE],
}

BROKEN = {
    "latest that skips a key behind what a gap had promised": (
        5, [subscribed(f"{E}-0", mode="latest"), gap(f"{E}-0", f"{E}-3"), sending(3), sending(4),
            keyed(3, "A", False), keyed(4, "B"), settled(f"{E}-4")]),
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
    "latest that goes behind what a gap had promised": (
        1, [subscribed(f"{E}-0", mode="latest"), gap(f"{E}-0", f"{E}-5"), message(f"{E}-4")]),
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
    "a hole at a door without a word for recovered": (
        1, [by_door(f"{E}-4", door="sse"), message(f"{E}-6")]),
    "a hole among messages without ids": (
        1, [*acknowledged(1, 2, 3), by_door(f"{E}-0"), nameless(1), nameless(3)]),
    "a hole at the end of messages without ids": (
        1, [*acknowledged(1, 2), by_door(f"{E}-0"), nameless(1), settled(f"{E}-2")]),
    "a hole hidden by a message that nobody acknowledged": (
        1, [*acknowledged(1), sending(2), *acknowledged(3), by_door(f"{E}-0"), nameless(2),
            nameless(3)]),
    "a hole behind a change of the door": (
        1, [subscribed(f"{E}-0"), message(f"{E}-1"), unsubscribed(), by_door(f"{E}-1", door="sse"),
            message(f"{E}-3")]),
    "a hole in a feed": (1, [feed(), message(f"{E}-7", subscription="f"),
                             message(f"{E}-9", subscription="f")]),
    "a hole in a feed's resume": (
        1, [feed(), message(f"{E}-7", subscription="f"),
            {"event": "unsubscribed", "subscription": "f"}, feed(after="p1", recovered=True),
            message(f"{E}-9", subscription="f")]),
    "a feed that got nothing after a loss": (
        1, [feed(), message(f"{E}-7", subscription="f"), lost("f"),
            {**settled(f"{E}-8"), "subscription": "f"}]),
    "a feed whose topic was cleared when it was away": (
        1, [*acknowledged(7), feed(), message(f"{E}-7", 7, subscription="f"),
            {"event": "unsubscribed", "subscription": "f"}, feed(after="p1", recovered=True),
            message(f"{F}-1", subscription="f")]),
    "a gap in a feed that does not begin where the topic was": (
        1, [feed(), message(f"{E}-7", subscription="f"),
            {**gap(f"{E}-8", f"{F}-1"), "subscription": "f"}]),
    "a feed that goes back after a loss": (
        1, [feed(), message(f"{E}-7", subscription="f"), lost("f"),
            message(f"{E}-6", subscription="f")]),
    "a feed that never saw a topic": (
        1, [feed(), {**settled(f"{E}-2"), "subscription": "f"}]),
    "an epoch that changes in a feed without a word": (
        1, [feed(), message(f"{E}-7", subscription="f"), message(f"{F}-8", subscription="f")]),
    "a duplicate among messages without ids": (
        2, [*acknowledged(1), by_door(f"{E}-0"), nameless(1), nameless(1)]),
    "a duplicate after a change of the door": (
        2, [by_door(f"{E}-0", door="sse"), message(f"{E}-1"), unsubscribed(),
            by_door(f"{E}-1", door="poll"), message(f"{E}-1")]),
    "a duplicate in a feed's resume": (
        2, [feed(), message(f"{E}-7", subscription="f"),
            {"event": "unsubscribed", "subscription": "f"}, feed(after="p1", recovered=True),
            message(f"{E}-7", subscription="f")]),
    "a duplicate in a feed that was told of a loss": (
        2, [feed(), message(f"{E}-7", subscription="f"),
            {"event": "unsubscribed", "subscription": "f"}, feed(after="p1", recovered=False),
            message(f"{E}-7", subscription="f")]),
    "a duplicate in a feed's second return to another process": (
        2, [feed(life=1), message(f"{E}-7", subscription="f"),
            {"event": "unsubscribed", "subscription": "f"}, feed(after="p1", recovered=False, life=2),
            message(f"{E}-7", subscription="f"), {"event": "unsubscribed", "subscription": "f"},
            feed(after="p2", recovered=False, life=2), message(f"{E}-7", subscription="f")]),
    "a duplicate in a feed that began in a later process": (
        2, [feed(life=2), message(f"{E}-7", subscription="f"),
            {"event": "unsubscribed", "subscription": "f"}, feed(after="p1", recovered=False, life=2),
            message(f"{E}-7", subscription="f")]),
    "a feed subscribed twice": (2, [feed(), feed()]),
    "a message without an id that nobody sent": (3, [sending(1), by_door(f"{E}-0"), nameless(7)]),
    "a message without an id under another one's": (
        3, [sending(1), *acknowledged(2), subscribed(f"{E}-0", "other"),
            message(f"{E}-1", "x", "other"), by_door(f"{E}-0"), nameless(1), nameless(2)]),
    "an acknowledged line that never came": (
        5, [sending(1), sending(2), sending(3), subscribed(f"{E}-0"),
            message(f"{E}-1", 1, publisher="p", seq=1), message(f"{E}-2", 3, publisher="p", seq=3),
            without_id(2)]),
    "an acknowledged line missing at the end": (
        5, [sending(1), sending(2), without_id(1), without_id(2), subscribed(f"{E}-0"),
            *delivered(1), settled(f"{E}-1")]),
    "a log that ends before what was acknowledged": (
        5, [*acknowledged(1, 2), subscribed(f"{E}-0"), *delivered(1), settled(f"{E}-1")]),
    "a retry that was carried out again": (
        5, [sending(1), published(1, f"{E}-1"), published(1, f"{E}-2")]),
    "a publish that is there twice": (
        5, [sending(1), subscribed(f"{E}-0"), message(f"{E}-1", 1, publisher="p", seq=1),
            message(f"{E}-2", 1, publisher="p", seq=1)]),
    "latest without the newest of a key": (
        5, [subscribed(f"{E}-0", mode="latest"), sending(1), keyed(1, "A", False), keyed(2, "B"),
            settled(f"{E}-2")]),
    "latest with an older one of a key": (
        5, [subscribed(f"{E}-0", mode="latest"), sending(1), sending(2), keyed(1, "A"),
            keyed(2, "A", False), keyed(3, "B"), settled(f"{E}-3")]),
    "an epoch that nothing has ended": (
        5, [BEGINS, *acknowledged(1), sending(2), published(2, f"{F}-1")]),
    "an epoch that ends although its engine keeps it": (
        5, [BEGINS, *acknowledged(1), {"event": "restarted", "keeps": True}, sending(2),
            published(2, f"{F}-1")]),
    "no recovery": (6, [sending(1), subscribed(f"{E}-0"), FAULT, IN_TIME, DUE]),
    "no recovery of who was closed and did not get in again": (
        6, [sending(1), subscribed(f"{E}-0"), FAULT, IN_TIME, unsubscribed(), DUE]),
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


def test_a_problem_comes_with_what_its_subscription_had_seen():
    checker = HistoryChecker()
    for event in [subscribed(f"{E}-0"), subscribed(f"{E}-0", "other"),
                  *[message(f"{E}-{offset}") for offset in range(1, 30)],
                  {"event": "cleared", "topic": "t"}, message(f"{E}-1", subscription="other"),
                  message(f"{E}-31", "x" * 1000)]:
        checker.add(event)
    assert len(checker.finish()) == 1
    lines = checker.contexts[0]
    assert f'"id": "{E}-29"' in lines[-3] and '"cleared"' in lines[-2], lines
    assert lines[-1].startswith("  event 34: ") and len(lines[-1]) < 200, lines
    assert 5 < len(lines) < 20 and not any('"other"' in line for line in lines), lines


def test_it_counts_what_it_saw_and_what_was_told():
    checker = HistoryChecker()
    for event in [*acknowledged(1, 2, 3), subscribed(f"{E}-0"), *delivered(1),
                  gap(f"{E}-1", f"{E}-3"), unsubscribed(),
                  subscribed(f"{E}-3", after=f"{E}-1", recovered=False), *delivered(3, 3)]:
        checker.add(event)
    checker.finish()
    assert checker.counts == {"sent": 3, "acknowledged": 3, "deliveries": 3, "gaps": 2,
                              "resumes": 1}
    assert checker.broken == {2: 1}


def test_messages_whose_ids_nobody_tells_wait_within_a_bound():
    checker = HistoryChecker()
    checker.add(by_door(f"{E}-0"))
    for seq in range(1, 20001):
        checker.add(sending(seq))
        checker.add(nameless(seq))
    assert checker.counts["deliveries"] > 10000
    assert checker.finish() == []
    assert checker.counts["deliveries"] == 20000
