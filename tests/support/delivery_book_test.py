"""The delivery book writes down what clients are told and get, and finds what does not fit together."""

import pytest

import delivery_book
from delivery_book import DeliveryBook, HttpNotes, RawNotes, SseNotes, V1Notes, canonical
from http_client import HttpResponse
from sse_client import SseEvent

E, F = "0000aaaa", "0000bbbb"


@pytest.fixture
def book():
    return DeliveryBook()



def subscribed(topic="t", last=f"{E}-0", command_id=1, **more):
    return {"op": "subscribed", "id": command_id, "topic": topic, "last": last, **more}


def message(message_id, data=0, topic="t", **more):
    return {"op": "message", "topic": topic, "id": message_id, "data": data, **more}


def answer(status, body, content_type="application/json"):
    return HttpResponse(status, "", [("Content-Type", content_type)], body.encode())


def v1(book, *events, command='{"op":"subscribe","id":1,"topic":"t"}'):
    notes = V1Notes(book)
    notes.said(command)
    for event in events:
        notes.heard(event)
    return notes


def test_doors_that_quote_a_payload_differently_agree():
    for same in [('{"a":1.00}', {"a": 1.0}), ('"x"', "x"), (b"\0\xff", "AP8="), ("a\r\nb\rc", "a\nb\nc"),
                 ("1", 1), ("[" * 100000, "[" * 100000), ("\ud800", "\ud800")]:
        assert canonical(same[0]) == canonical(same[1])
    assert canonical("x" * 1000) != canonical("x" * 999 + "y")
    assert len(canonical("x" * 1000)) < 100


def test_a_stream_without_a_hole_is_none(book):
    v1(book, subscribed(), message(f"{E}-1"), message(f"{E}-2"),
       {"op": "gap", "topic": "t", "after": f"{E}-2", "next": f"{E}-9"}, message(f"{E}-9"))
    assert book.problems() == [] and book.count("deliveries") == 3 and book.count("gaps") == 1


def test_a_hole_at_wspush_v1_is_found(book):
    v1(book, subscribed(), message(f"{E}-1"), message(f"{E}-3"))
    problem, = book.problems()
    assert "rule 1" in problem and f'"id": "{E}-1"' in problem  # with what came before


def test_a_resume_goes_on_where_the_client_was(book):
    notes = v1(book, subscribed(), message(f"{E}-1"), {"op": "unsubscribed", "id": 2, "topic": "t"})
    notes.said('{"op":"subscribe","id":3,"topic":"t","after":"%s-1"}' % E)
    notes.heard(subscribed(last=f"{E}-2", command_id=3, recovered=True))
    notes.heard(message(f"{E}-1"))
    assert "rule 2" in book.problems()[0]


def test_a_client_that_goes_back_by_itself_gets_what_it_has_again(book):
    notes = v1(book, subscribed(), message(f"{E}-1"), {"op": "unsubscribed", "id": 2, "topic": "t"})
    for command_id, after in (("3", "first"), ("4", f"{E}-0")):
        notes.said('{"op":"subscribe","id":"%s","topic":"t","after":"%s"}' % (command_id, after))
        notes.heard(subscribed(last=f"{E}-1", command_id=command_id, recovered=True))
        notes.heard(message(f"{E}-1"))
        notes.heard({"op": "unsubscribed", "topic": "t", "code": "forbidden"})
    assert book.problems() == []


def test_a_pattern_has_a_stream_for_each_topic(book):
    of_pattern = {"pattern": "t.*", "position": "p1"}
    v1(book, subscribed("t.*", "p0"), message(f"{E}-4", topic="t.a", **of_pattern),
       message(f"{E}-7", topic="t.b", **of_pattern), message(f"{E}-5", topic="t.a", **of_pattern),
       {"op": "gap", "topic": "t.a", "after": f"{E}-5", "next": f"{F}-1", **of_pattern},
       message(f"{F}-1", topic="t.a", **of_pattern), message(f"{E}-9", topic="t.b", **of_pattern),
       command='{"op":"subscribe","id":1,"topics":[{"topic":"t.*"},{"topic":"u"}]}')
    problem, = book.problems()
    assert "offset 9 after 7" in problem


@pytest.mark.parametrize("command", ['{"op":"subscribe","topic":"t"}', "no JSON", "[]",
                                     '{"op":"subscribe","id":{},"topic":7}'])
def test_a_subscription_that_was_not_seen_is_not_judged_but_its_payloads_are(book, command):
    v1(book, message(f"{E}-1", "a"), message(f"{E}-3"), command=command)
    notes = V1Notes(book)
    notes.heard(message(f"{E}-1", "b"))
    problem, = book.problems()
    assert "rule 3" in problem


def test_publishes_of_a_connection_keep_their_order(book):
    notes = V1Notes(book)
    for number in (1, 2):
        notes.said('{"op":"publish","id":%d,"topic":"t","data":%d}' % (number, number))
    notes.heard({"op": "published", "id": 1, "topic": "t", "message": f"{E}-2"})
    notes.heard({"op": "published", "id": 2, "topic": "t", "message": f"{E}-1"})
    assert "rule 4" in book.problems()[0]


def test_a_history_with_a_hole_is_found(book):
    v1(book, {"op": "history", "id": 1, "topic": "t", "last": f"{E}-9",
              "messages": [{"id": f"{E}-1", "data": 1}, {"id": f"{E}-3", "data": 1}]},
       command='{"op":"history","id":1,"topic":"t"}')
    assert "rule 1" in book.problems()[0]


def test_a_stream_of_events_is_judged(book):
    notes = SseNotes.of(book, f"/topics/t?after={E}-9", {"Last-Event-ID": f"{E}-1"})
    notes.heard(SseEvent("", f"{E}-2", "x"))
    notes.heard(SseEvent("gap", f"{E}-4", '{"after":"%s-2","next":"%s-5"}' % (E, E)))
    notes.heard(SseEvent("", f"{E}-5", "x"))
    notes.heard(SseEvent("", f"{E}-7", "x"))
    problem, = book.problems()
    assert "offset 7 after 5" in problem
    assert SseNotes.of(book, "/topics?topic=a&topic=b", {}) is None


def test_a_stream_that_begins_anywhere_may_be_told_of_a_loss_first(book):
    notes = SseNotes.of(book, "/topics?topic=t&topic=t", {})
    notes.heard(SseEvent("gap", f"{F}-0", '{"after":"%s-2","next":"%s-1"}' % (E, F)))
    notes.heard(SseEvent("", f"{F}-1", "x"))
    assert book.problems() == []


def test_a_raw_socket_behind_an_id_is_compared_with_what_others_got(book):
    v1(book, subscribed(), message(f"{E}-1", 1), message(f"{E}-2", 2), message(f"{E}-3", 3))
    notes = RawNotes.of(book, f"/topics/t?after={E}-1")
    notes.heard("2")
    notes.heard("4")
    problem, = book.problems()
    assert "rule 3" in problem
    assert RawNotes.of(book, "/topics/t") is None and RawNotes.of(book, "/ws") is None


def test_polls_and_publishes_and_histories_of_the_api_are_judged(book):
    notes = HttpNotes(book)
    notes.asked("POST", "/api/topics/t/messages", {"content-type": " Text/PLAIN;x=y"}, b"x")
    notes.asked("POST", "/api/messages", {}, b'{"messages":[{"topic":"t","base64":"AP8="}]}')
    notes.asked("GET", f"/topics/t?after={E}-0", [], None)
    notes.asked("GET", f"/api/topics/t/messages?after={E}-0", [], None)
    notes.answered(answer(201, '{"id":"%s-1"}' % E))
    notes.answered(answer(200, '{"results":[{"id":"%s-2"}]}' % E))
    notes.answered(answer(200, '{"messages":[{"topic":"t","id":"%s-1","data":"y"}],"last":"%s-1"}' %
                          (E, E)))
    notes.answered(answer(200, '{"messages":[{"id":"%s-2","data":"AP8="}],"last":"%s-2"}' % (E, E)))
    notes.answered(answer(200, "{}"))  # to what was sent by hand
    problems = book.problems()
    assert len(problems) == 2 and "rule 3" in problems[0] and "rule 1" in problems[1], problems


def test_a_poll_that_is_told_of_a_loss_may_go_on_anywhere(book):
    notes = HttpNotes(book)
    notes.asked("GET", f"/topics/t?after={E}-1", [], None)
    notes.answered(answer(200, '{"messages":[{"topic":"t","id":"%s-5","data":1}],"last":"%s-5",'
                               '"gap":true}' % (E, E)))
    assert book.problems() == [] and book.count("gaps") == 1


def test_an_id_that_an_idempotency_key_gives_back_is_not_that_of_this_payload(book):
    notes = HttpNotes(book)
    for payload in (b"1", b"2"):
        notes.asked("POST", "/api/topics/t/messages",
                    {"Content-Type": "application/json", "Idempotency-Key": "k"}, payload)
        notes.answered(answer(201, '{"id":"%s-1"}' % E))
    assert book.problems() == []


def test_a_test_may_say_what_it_breaks(book):
    book.may_break(1, "the log is a fake")
    v1(book, subscribed(), message(f"{E}-1"), message(f"{E}-3"), message(f"{E}-3"))
    problem, = book.problems()
    assert "rule 2" in problem


def test_what_comes_after_the_end_is_not_written(book):
    notes = v1(book, subscribed())
    assert book.problems() == []
    notes.heard(message(f"{E}-7"))
    assert book.problems() == []


def test_there_is_one_in_use_or_none(book):
    delivery_book.use(book)
    assert delivery_book.current() is book
    delivery_book.use(None)
    assert delivery_book.current() is None
