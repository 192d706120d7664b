"""The presence checker finds each kind of broken promise, and accepts histories that keep them."""

import pytest

from presence_checker import LAG_SECONDS, SLACK_SECONDS, PresenceChecker

LONG = LAG_SECONDS + 2 * SLACK_SECONDS + 1  # after so long everybody has heard


def entering(at, who, user=None, watches=None, topic="t"):
    return {"event": "entering", "at": at, "subscription": who, "user": user, "topic": topic,
            "watches": watches}


def of(kind, at, who, **more):
    return {"event": kind, "at": at, "subscription": who, **more}


def enters(at, who, user=None, watches=None, topic="t"):
    return [entering(at, who, user, watches, topic), of("entered", at, who)]


def leaves(at, who, by=None):
    return [of("leaving", at, who), of("gone", at, who, by=at + 1 if by is None else by)]


def told(at, op, user, who="w"):
    return of("told", at, who, op=op, user=user)


def count(at, number, who="w"):
    return of("told", at, who, op="count", number=number)


def listed(at, members, asked=None, topic="t", **more):
    return {"event": "listed", "at": at, "asked": at if asked is None else asked, "topic": topic,
            "members": members, "count": more.pop("count", len(members or ())), **more}


def look(at):
    return {"event": "look", "at": at}


def restarted(at):
    return {"event": "restarted", "at": at}


def check(*events):
    checker = PresenceChecker()
    for event in sorted(events, key=lambda event: event["at"]):
        checker.add(event)
    checker.finish()
    return checker


def rules(*events):
    return set(check(*events).broken)


WATCHER = enters(0, "w", watches="members") + [listed(0, [], subscription="w")]
COUNTER = enters(0, "w", watches="count")
A = enters(1, "a", "ann")

KEPT = {
    "somebody comes and goes": [
        *WATCHER, *A, told(1, "join", "ann"), look(LONG + 5), listed(LONG, [["ann", 1]]),
        *leaves(40, "a"), told(40.1, "leave", "ann"), listed(50, []), look(60)],
    "a watcher comes in the middle: the first may be a leave": [
        *A, *enters(20, "w", watches="members"), *leaves(20, "a"), told(20, "leave", "ann")],
    "a join comes after the list that had it": [
        *WATCHER, *A, listed(1, [["ann", 1]], subscription="w"), told(1.1, "join", "ann"),
        look(LONG + 9)],
    "gone and back before it was told": [
        *WATCHER, *A, told(1, "join", "ann"), *leaves(20, "a"), *enters(20.1, "b", "ann"),
        look(60)],
    "gone and back within what cannot be told apart": [
        *WATCHER, *A, told(1.1, "join", "ann"), *leaves(2, "a"), told(2.1, "leave", "ann"),
        *enters(3, "b", "ann"), told(3.1, "join", "ann"), look(60)],
    "the last of two connections decides": [
        *WATCHER, *A, *enters(1, "b", "ann"), told(1, "join", "ann"), *leaves(20, "a"),
        listed(30, [["ann", 1]]), *leaves(40, "b"), told(40, "leave", "ann"), look(60)],
    "a half-open peer may be there until the heartbeat has found out": [
        *WATCHER, *A, told(1, "join", "ann"), *leaves(20, "a", by=27), listed(26, [["ann", 1]]),
        told(27, "leave", "ann"), look(60)],
    "who reads nothing may have been thrown out": [
        *WATCHER, *A, told(1, "join", "ann"), of("unsure", 20, "a"), told(24, "leave", "ann"),
        listed(25, []), told(26, "join", "ann"), of("sure", 26, "a"), listed(40, [["ann", 1]]),
        look(60)],
    "a restart ends everything": [
        *WATCHER, *A, told(1, "join", "ann"), restarted(20), listed(25, []),
        *enters(26, "w2", watches="members"), listed(26, [], subscription="w2"), look(60)],
    "what was under way when the server died is read afterwards": [
        *WATCHER, *A, restarted(20), of("entered", 20.1, "a"), told(20.1, "join", "ann"),
        *leaves(21, "a"), listed(40, [])],
    "a number a second, and one more for who is new": [
        *COUNTER, count(0, 0), *A, count(0.1, 0), count(1.1, 1), count(2.1, 1), look(LONG + 9),
        listed(LONG + 9, None, count=1)],
    "two topics have nothing to do with each other": [
        *WATCHER, *enters(1, "b", "bob", topic="u"), listed(20, []),
        listed(20, [["bob", 1]], topic="u"), look(LONG + 9)],
}


@pytest.mark.parametrize("events", KEPT.values(), ids=KEPT)
def test_what_keeps_the_promises_is_accepted(events):
    assert check(*events).problems == []


BROKEN = {
    "a join twice": (1, [*WATCHER, *A, told(1, "join", "ann"), told(2, "join", "ann")]),
    "a leave twice": (1, [*WATCHER, *A, told(1, "join", "ann"), *leaves(20, "a"),
                          told(20, "leave", "ann"), told(21, "leave", "ann")]),
    "a join of nobody": (2, [*WATCHER, told(1, "join", "ann")]),
    "a join of somebody of another topic": (
        2, [*WATCHER, *enters(1, "a", "ann", topic="u"), told(1, "join", "ann")]),
    "a join of somebody long gone": (
        2, [*enters(0, "a", "ann"), *leaves(5, "a"), *enters(40, "w", watches="members"),
            told(40, "join", "ann")]),
    "a leave of somebody who is there": (
        3, [*WATCHER, *A, told(1, "join", "ann"), told(40, "leave", "ann"), look(41)]),
    "a leave where the other connection stands": (
        3, [*WATCHER, *A, *enters(1, "b", "ann"), *leaves(40, "a"), told(40, "leave", "ann")]),
    "a join that is never told": (4, [*WATCHER, *A, look(LONG + 9)]),
    "a leave that is never told": (
        4, [*WATCHER, *A, told(1, "join", "ann"), *leaves(20, "a"), look(20 + LONG)]),
    "a watcher that is told by nobody, and believes nothing": (
        4, [*enters(0, "w", watches="members"), *A, look(LONG + 9)]),
    "a half-open peer that stays for ever": (
        4, [*WATCHER, *A, told(1, "join", "ann"), *leaves(20, "a", by=27), look(27 + LONG)]),
    "a list without somebody": (5, [*A, listed(20, [])]),
    "a list with somebody twice": (5, [*A, listed(20, [["ann", 1], ["ann", 1]])]),
    "a list with a connection too many": (5, [*A, listed(20, [["ann", 2]])]),
    "a list with a connection too few": (
        5, [*A, *enters(1, "b", "ann"), listed(20, [["ann", 1]])]),
    "a list with who has gone": (5, [*A, *leaves(20, "a"), listed(22, [["ann", 1]])]),
    "a list with who never was": (5, [*A, listed(20, [["ann", 1], ["bob", 1]])]),
    "a list whose number is another": (5, [*A, listed(20, [["ann", 1]], count=2)]),
    "members of a life before": (
        5, [*A, restarted(20), listed(22, [["ann", 1]])]),
    "a number that is not told": (6, [*COUNTER, *A, look(LONG + 9)]),
    "a number too high": (6, [*COUNTER, *A, count(20, 2)]),
    "a number too low": (6, [*COUNTER, *A, count(1, 1), count(30, 0)]),
    "a number that stays when it is another": (
        6, [*COUNTER, *A, count(1, 1), *leaves(20, "a"), look(20 + LONG)]),
    "more than one number a second": (
        6, [*COUNTER, count(0, 0), count(0.1, 0), count(0.2, 0)]),
}


@pytest.mark.parametrize("rule, events", BROKEN.values(), ids=BROKEN)
def test_a_broken_promise_is_found(rule, events):
    assert rule in rules(*events)


def test_at_the_end_everybody_knows_the_same():
    checker = check(*WATCHER, *A, *enters(1, "b", "ann"), told(1, "join", "ann"),
                    *enters(1, "n", watches="count", topic="u"), *enters(1, "c", "cis", topic="u"),
                    count(2, 1, "n"))
    assert checker.differences({"t": {"ann": 2}, "u": 1}) == []
    for lists in ({"t": {"ann": 1}}, {"t": {}}, {"t": {"ann": 2, "bob": 1}}, {"u": 2}):
        found, = checker.differences(lists)
        assert found.startswith("rule 5:"), found
        checker.report([found])
    assert checker.broken[5] == 4 and len(checker.problems) == 4


@pytest.mark.parametrize("change, rule", [
    (told(5, "leave", "ann"), 4), (count(5, 2, "n"), 6), (of("unsure", 5, "a"), 4)])
def test_at_the_end_who_believes_something_else_is_found(change, rule):
    checker = check(*WATCHER, *A, told(1, "join", "ann"), *enters(1, "n", watches="count", topic="u"),
                    *enters(1, "c", "cis", topic="u"), count(2, 1, "n"), change)
    found, = checker.differences({"t": {"ann": 1}, "u": 1})
    assert found.startswith(f"rule {rule}:"), found


def test_what_is_over_is_forgotten():
    checker = PresenceChecker()
    for number in range(1000):
        at = number * 10.0
        for event in (*enters(at, f"a{number}", "ann"), *leaves(at + 5, f"a{number}")):
            checker.add(event)
    assert len(checker._stays) < 20 and checker.finish() == []
