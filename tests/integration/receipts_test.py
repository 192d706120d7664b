"""`?receipt=written`: the answer to a publish says how many sockets have taken the message."""

import json
import threading
import time

import pytest

from daemon import messages_path
from deadlines import PATIENCE, eventually
from sse_client import SseClient
from tls import TlsAddress, make_certificate, tls_section


@pytest.fixture(scope="module", params=[1, 2], ids=lambda n: f"{n}-reactors")
def reactors(request):
    return request.param


def publish(daemon, topic, data="x", **headers):
    """The answer's object, asked for with a receipt."""
    answer = daemon.api("POST", messages_path(topic) + "?receipt=written", data,
                        {name.replace("_", "-"): value for name, value in headers.items()})
    assert answer.status == 201, answer
    body = answer.json()
    assert set(body) == {"id", "subscribers", "written"}, body
    return body


def test_counts_every_door_and_each_subscription(daemon, unique):
    # The pattern fits no topic of another test: the server may hear late that its client has gone.
    parent = unique("open")
    topic = f"{parent}.a"
    clients = [daemon.v1() for _ in range(6)]
    for client in clients:
        client.subscribe(topic)
    clients[0].subscribe(f"{parent}.*")
    raws = [daemon.raw(topic) for _ in range(3)]
    streams = [daemon.sse(topic) for _ in range(2)]
    both = SseClient.open(None, f"/topics?topic={topic}&topic=open.other",
                          connection=daemon.http()).start()
    poll = daemon.http()
    last = poll.request("GET", f"/topics/{topic}").header("Wspush-Last")
    poll.send_request("GET", f"/topics/{topic}?wait=50&after={last}")
    eventually(lambda: daemon.subscribers(topic) == 14, "all are counted")
    body = publish(daemon, topic)
    assert (body["subscribers"], body["written"]) == (14, 14)
    assert [client.next_op("message")["id"] for client in clients] == [body["id"]] * 6
    assert clients[0].next_op("message")["id"] == body["id"]  # By its pattern.
    assert [raw.receive_text() for raw in raws] == ['"x"'] * 3
    assert [stream.data(1) for stream in streams] == [['"x"']] * 2
    assert both.next_event().data == '"x"'
    assert poll.read_response().json()["messages"][0]["id"] == body["id"]


def test_is_nothing_where_nobody_listens(daemon, topic):
    body = publish(daemon, topic)
    assert (body["subscribers"], body["written"]) == (0, 0)


def test_is_there_only_where_it_was_asked_for(daemon, topic):
    daemon.v1().subscribe(topic)
    assert set(daemon.publish(topic, 1)) == {"id", "subscribers"}


@pytest.mark.parametrize("query", ["receipt=read", "receipt=", "receipt", "receipt=WRITTEN",
                                   "receipt=written&receipt=written"])
def test_of_another_kind_is_refused(daemon, topic, query):
    answer = daemon.api("POST", f"{messages_path(topic)}?{query}", 1)
    assert answer.status == 400 and answer.error()["code"] == "bad_request"
    assert daemon.api("GET", messages_path(topic)).json()["messages"] == []


@pytest.mark.parametrize("content_type", ["application/json", "application/x-ndjson"])
def test_of_many_is_refused(daemon, topic, content_type):
    body = json.dumps({"messages": [{"topic": topic, "data": 1}]}).encode()
    answer = daemon.api("POST", "/api/messages?receipt=written", body,
                        {"Content-Type": content_type})
    assert answer.status == 400 and answer.error()["code"] == "bad_request"
    assert daemon.api("GET", messages_path(topic)).json()["messages"] == []


def test_does_not_wait_for_readers_that_have_stopped(daemon, unique):
    topic = unique("long")
    stalled = [daemon.v1(receive_buffer=4096) for _ in range(3)]
    reading = [daemon.v1() for _ in range(3)]
    for client in stalled + reading:
        client.subscribe(topic)
    eventually(lambda: daemon.subscribers(topic) == 6, "all are counted")
    text = "y" * 200_000
    for _ in range(40):  # More than any socket takes.
        daemon.publish(topic, text)
        for client in reading:
            client.messages(1)
    begun = time.monotonic()
    body = publish(daemon, topic, "last")
    assert time.monotonic() - begun < 2 * PATIENCE
    assert (body["subscribers"], body["written"]) == (6, 3)
    assert [client.next_op("message")["data"] for client in reading] == ["last"] * 3


def test_of_a_message_that_is_cut_is_not_written(daemon, unique):
    topic = unique("long")
    client = daemon.v1(receive_buffer=4096)
    client.subscribe(topic)
    eventually(lambda: daemon.subscribers(topic) == 1, "it is counted")
    written = []
    for _ in range(100):
        written.append(publish(daemon, topic, "y" * 100_000)["written"])
        if written[-1] == 0:
            break
    assert written[0] == 1 and written[-1] == 0, "its socket is full somewhere in the middle"
    count = len(written)
    assert written == [1] * (count - 1) + [0]
    assert [len(event["data"]) for event in client.messages(count)] == [100_000] * count


def test_over_tls_counts_when_the_socket_has_all_of_it(start, reactors, tmp_path):
    pair = make_certificate(tmp_path, "main")
    own = start({"reactors": reactors,
                 "listen": [{"address": "127.0.0.1:0", "tls": tls_section(pair)}]})
    address = TlsAddress(own.public)
    reading = [own.v1(address=address) for _ in range(3)]
    stalled = own.v1(address=address, receive_buffer=4096)
    for client in [*reading, stalled]:
        client.subscribe("long.a")
    eventually(lambda: own.subscribers("long.a") == 4, "all are counted")
    written = []
    while len(written) < 100 and written[-1:] != [3]:
        written.append(publish(own, "long.a", "y" * 100_000)["written"])
        for client in reading:
            client.messages(1)
    assert written == [4] * (len(written) - 1) + [3]
    assert len(stalled.messages(len(written))) == len(written)


def test_of_a_rate_counts_who_was_due(daemon, topic):
    slow, fast = daemon.v1(), daemon.v1()
    slow.subscribe(topic, max_rate=0.01)
    fast.subscribe(topic, mode="latest")
    eventually(lambda: daemon.subscribers(topic) == 2, "both are counted")
    assert publish(daemon, topic, 1)["written"] == 2
    assert publish(daemon, topic, 2)["written"] == 1
    assert [event["data"] for event in fast.messages(2)] == [1, 2]
    assert slow.next_op("message")["data"] == 1


def test_of_a_repeat_is_nothing(daemon, topic):
    daemon.v1().subscribe(topic)
    eventually(lambda: daemon.subscribers(topic) == 1, "it is counted")
    first = publish(daemon, topic, 1, Idempotency_Key="k")
    again = publish(daemon, topic, 1, Idempotency_Key="k")
    assert again["id"] == first["id"] and (first["written"], again["written"]) == (1, 0)


def test_waits_for_a_batch(start, reactors):
    own = start({"reactors": reactors, "topics": [{"match": ">", "batch": "20ms"}]})
    clients = [own.v1() for _ in range(4)]
    for client in clients:
        client.subscribe("a")
    eventually(lambda: own.subscribers("a") == 4, "all are counted")
    assert publish(own, "a")["written"] == 4


def test_keeps_the_order_of_pipelined_answers(daemon, topic):
    daemon.v1().subscribe(topic)
    eventually(lambda: daemon.subscribers(topic) == 1, "it is counted")
    with daemon.http("internal") as connection:
        for number in range(20):
            receipt = "?receipt=written" if number % 3 else ""
            connection.send_request("POST", messages_path(topic) + receipt,
                                    {"Content-Type": "application/json"}, b"%d" % number)
        answers = [connection.read_response("POST").json() for _ in range(20)]
    offsets = [int(answer["id"].split("-")[1]) for answer in answers]
    assert offsets == list(range(1, 21))
    assert [answer.get("written") for answer in answers] == [
        1 if number % 3 else None for number in range(20)]


def test_is_answered_to_many_publishers_at_once(daemon, unique):
    topics = [unique("open") for _ in range(4)]
    for topic in topics:
        for _ in range(3):
            daemon.v1().subscribe(topic)
    for topic in topics:
        eventually(lambda: daemon.subscribers(topic) == 3, "all are counted")
    problems = []

    def run(topic):
        for number in range(50):
            body = publish(daemon, topic, number)
            if body["written"] != 3:
                problems.append(body)

    threads = [threading.Thread(target=run, args=(topic,)) for topic in topics * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []


def test_survives_a_publisher_that_does_not_wait(daemon, topic):
    daemon.v1().subscribe(topic)
    for _ in range(20):
        connection = daemon.http("internal")
        connection.send_request("POST", messages_path(topic) + "?receipt=written",
                                {"Content-Type": "application/json"}, b"1")
        connection.stream.close()
    eventually(lambda: daemon.subscribers(topic) == 1, "the subscriber is still there")
    assert publish(daemon, topic)["written"] == 1


def test_counts_who_is_answered_by_the_disk(start, reactors, tmp_path):
    own = start({"reactors": reactors, "engine": {"type": "disk", "disk": {
        "path": str(tmp_path / "data")}}})
    clients = [own.v1() for _ in range(4)]
    for client in clients:
        client.subscribe("open.a")
    eventually(lambda: own.subscribers("open.a") == 4, "all are counted")
    assert publish(own, "open.a")["written"] == 4
