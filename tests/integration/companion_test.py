"""wspush, the companion on the command line: sub, pub, and their exit codes."""

import json
import signal
import subprocess

import pytest

from cuttable_proxy import CuttableProxy
from daemon import Daemon, LineReader, binary, messages_path, run
from deadlines import Deadline, eventually
from v1_client import offset_of


class Sub:
    """A running `wspush sub`; `out` and `err` are its lines."""

    def __init__(self, url, *arguments):
        self.process = subprocess.Popen(
            [binary("wspush"), "sub", *arguments, "--url", url], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.out, self.err = LineReader(self.process.stdout), LineReader(self.process.stderr)

    def exit_code(self, seconds=5):
        code = self.process.wait(Deadline(seconds).remaining())
        self.out.join()
        self.err.join()
        return code

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(Deadline().remaining())
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.err.join()
        assert "Sanitizer" not in self.err.text(), self.err.text()


def url_of(address, scheme="ws"):
    return f"{scheme}://{address[0]}:{address[1]}"


@pytest.fixture
def sub(daemon):
    """`sub("topic", ...)` runs `wspush sub` and waits until it is subscribed."""
    running = []

    def run_one(*arguments, address=None, topics=None):
        if topics is None:
            topics = [argument for argument in arguments if argument.startswith(("open", "short"))]
        before = {topic: daemon.subscribers(topic) for topic in topics}
        running.append(Sub(url_of(address or daemon.public), *arguments))
        for topic in topics:
            eventually(lambda t=topic: daemon.subscribers(t) > before[t], f"subscribed to {topic}")
        return running[-1]

    yield run_one
    for each in running:
        each.end()


@pytest.fixture
def pub(daemon):
    return lambda *arguments, **options: run(
        "wspush", "pub", *arguments, "--api", url_of(daemon.internal, "http"),
        "--url", url_of(daemon.public), **options)


def kept(daemon, topic):
    return daemon.api("GET", messages_path(topic, "?limit=300")).json()["messages"]


class TestSub:
    def test_prints_a_line_for_each_message_at_once(self, daemon, sub, topic):
        reader = sub(topic)
        for number in range(5):
            daemon.publish(topic, {"n": number})
            assert json.loads(reader.out.await_count(number + 1)[number]) == {"n": number}
        assert reader.err.text() == "" or reader.process.poll() is None

    @pytest.mark.parametrize("body, content_type, line", [
        (b'{"a":1.50}', "application/json", '{"a":1.50}'),
        (b'"text"', "application/json", "text"),  # as a text: wspush.v1 shows both alike
        (b"plain text", "text/plain", "plain text"), (b"two\nlines", "text/plain", "two lines"),
        (b"\xff\x00", "image/png", "/wA="), ("größer".encode(), "text/plain", "größer")])
    def test_raw_prints_the_payload(self, daemon, sub, topic, body, content_type, line):
        reader = sub(topic, "--format", "raw", "--count", "1")
        daemon.publish(topic, body, content_type)
        assert reader.out.await_count(1) == [line]
        assert reader.exit_code() == 0

    def test_raw_never_prints_two_lines_for_one_message(self, daemon, sub, topic):
        reader = sub(topic, "--count", "2")
        daemon.publish(topic, b"a\r\nb\nc\rd", "text/plain")
        daemon.publish(topic, b"end", "text/plain")
        first, second = reader.out.await_count(2)
        assert first.split() == ["a", "b", "c", "d"] and second == "end"

    def test_json_prints_the_message_object(self, daemon, sub, topic):
        reader = sub(topic, "--format", "json", "--count", "2")
        ids = [daemon.publish(topic, {"a": 1.5}, Wspush_Key="K")["id"],
               daemon.publish(topic, b"\xff", "image/png")["id"]]
        first, second = map(json.loads, reader.out.await_count(2))
        assert first == {"op": "message", "topic": topic, "id": ids[0], "data": {"a": 1.5},
                         "key": "K"}
        assert second["data"] == "/w==" and second["encoding"] == "base64"
        assert reader.exit_code() == 0

    def test_takes_several_topics(self, daemon, sub, unique):
        topics = [unique() for _ in range(3)]
        reader = sub(*topics, "--format", "json", "--count", "3")
        for topic in topics:
            daemon.publish(topic, topic)
        assert sorted(json.loads(line)["topic"] for line in reader.out.await_count(3)) == sorted(topics)
        assert reader.exit_code() == 0

    def test_ends_with_0_after_count_messages_and_prints_no_more(self, daemon, sub, topic):
        daemon.publish_many(topic, range(10))
        reader = sub(topic, "--after", "first", "--count", "4", topics=[])
        assert reader.exit_code() == 0
        assert reader.out.lines() == ["0", "1", "2", "3"]

    def test_resumes_after_an_id(self, daemon, sub, topic):
        ids = daemon.publish_many(topic, range(5))
        reader = sub(topic, "--after", ids[2], "--count", "2", topics=[])
        assert reader.out.await_count(2) == ["3", "4"]
        assert reader.exit_code() == 0

    @pytest.mark.parametrize("reset", [False, True], ids=["fin", "rst"])
    def test_comes_back_by_itself_without_loss(self, daemon, sub, topic, reset):
        with CuttableProxy(daemon.public) as proxy:
            reader = sub(topic, address=proxy.address)
            number = 0
            for _ in range(3):
                for _ in range(5):
                    daemon.publish(topic, number)
                    number += 1
                reader.out.await_count(number)
                proxy.refuse()
                proxy.cut(reset)
                eventually(lambda: daemon.subscribers(topic) == 0, "cut off")
                for _ in range(5):
                    daemon.publish(topic, number)
                    number += 1
                proxy.admit()
                assert reader.out.await_count(number, 15) == [str(n) for n in range(number)]

    def test_comes_back_after_a_restart_of_the_server(self, start, topic):
        first = start()
        address = f"{first.public[0]}:{first.public[1]}"
        reader = Sub(url_of(first.public), topic)
        try:
            eventually(lambda: first.subscribers(topic) == 1, "subscribed")
            first.publish(topic, "before")
            reader.out.await_count(1)
            first.kill()
            second = start({"listen": [{"address": address}]})
            eventually(lambda: second.subscribers(topic) == 1, "subscribed again", 15)
            second.publish(topic, "after")
            assert reader.out.await_count(2) == ['before', 'after']
        finally:
            reader.end()

    def test_comes_back_after_a_drain(self, start, topic):
        first = start()
        address = f"{first.public[0]}:{first.public[1]}"
        reader = Sub(url_of(first.public), topic)
        try:
            eventually(lambda: first.subscribers(topic) == 1, "subscribed")
            first.stop()
            second = start({"listen": [{"address": address}]})
            eventually(lambda: second.subscribers(topic) == 1, "subscribed again", 15)
        finally:
            reader.end()

    @pytest.mark.parametrize("topic_name", ["closed.x", "nowhere", "bad topic"])
    def test_of_a_topic_that_is_refused_exits_1_and_says_so(self, daemon, topic_name):
        done = run("wspush", "sub", topic_name, "--url", url_of(daemon.public), seconds=10)
        assert done.returncode == 1 and done.stdout == "" and done.stderr.strip()

    def test_prints_nothing_else_on_stdout(self, daemon, sub, topic):
        reader = sub(topic, "--count", "1")
        daemon.publish(topic, 1)
        assert reader.exit_code() == 0
        assert reader.out.lines() == ["1"]


class TestPub:
    def test_publishes_its_argument(self, daemon, pub, sub, topic):
        reader = sub(topic, "--count", "2")
        assert pub(topic, "hello world").returncode == 0
        assert pub(topic, '{"a":1}').returncode == 0
        assert reader.out.await_count(2) == ["hello world", '{"a":1}']

    def test_publishes_standard_input(self, daemon, pub, topic):
        done = pub(topic, "-", stdin="from a pipe")
        assert done.returncode == 0, done
        (message,) = kept(daemon, topic)
        assert message["data"].strip() == "from a pipe"

    def test_ndjson_with_a_topic_publishes_each_line_as_json_to_it(self, daemon, pub, topic):
        done = pub(topic, "--ndjson", stdin='{"n":1.50}\n[2]\n"three"\n4\n')
        assert done.returncode == 0, done
        assert [m["data"] for m in kept(daemon, topic)] == [{"n": 1.5}, [2], "three", 4]
        assert b"1.50" in daemon.api("GET", messages_path(topic)).body

    def test_ndjson_without_a_topic_publishes_objects(self, daemon, pub, unique):
        a, b = unique(), unique()
        lines = [{"topic": a, "data": {"n": 1}}, {"topic": b, "text": "two"},
                 {"topic": a, "base64": "/w=="}]
        done = pub("--ndjson", stdin="".join(json.dumps(line) + "\n" for line in lines))
        assert done.returncode == 0, done
        assert [m["data"] for m in kept(daemon, a)] == [{"n": 1}, "/w=="]
        assert [m["data"] for m in kept(daemon, b)] == ["two"]

    def test_ndjson_publishes_a_line_when_it_comes(self, daemon, topic):
        client = daemon.v1()
        client.subscribe(topic)
        process = subprocess.Popen(
            [binary("wspush"), "pub", topic, "--ndjson", "--api", url_of(daemon.internal, "http")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            for number in range(5):
                process.stdin.write(f"{number}\n")
                process.stdin.flush()
                assert client.next_op("message")["data"] == number
            process.stdin.close()
            assert process.wait(Deadline().remaining()) == 0
        finally:
            process.kill()
            process.wait()

    def test_ndjson_with_a_line_that_fails_exits_1_and_publishes_the_rest(self, daemon, pub, topic):
        done = pub(topic, "--ndjson", stdin="1\n{broken\n2\n")
        assert done.returncode == 1 and "2" in done.stderr
        assert [m["data"] for m in kept(daemon, topic)] == [1, 2]

    def test_of_a_topic_that_is_refused_exits_1(self, pub):
        for name in ("nowhere", "bad topic"):
            done = pub(name, "x")
            assert done.returncode == 1 and done.stderr.strip() and done.stdout == ""

    def test_to_a_server_that_is_not_there_exits_1(self, topic):
        done = run("wspush", "pub", topic, "x", "--api", "http://127.0.0.1:1", seconds=10)
        assert done.returncode == 1 and "127.0.0.1:1" in done.stderr

    def test_takes_the_api_key(self):
        with Daemon({"internal": {"api_keys": ["sesame"]}}) as own:
            def pub(*arguments):
                return run("wspush", "pub", "open.x", "1", "--api", url_of(own.internal, "http"),
                           *arguments)
            assert pub().returncode == 1
            assert pub("--key", "wrong").returncode == 1
            assert pub("--key", "sesame").returncode == 0
            answer = own.api("GET", messages_path("open.x"),
                             headers={"Authorization": "Bearer sesame"})
            assert offset_of(answer.json()["last"]) == 1


@pytest.mark.parametrize("arguments",
                         [[], ["nope"], ["sub"], ["pub"], ["sub", "--nope", "x"],
                          ["sub", "x", "--count"],
                                       ["sub", "x", "--count", "many"],
                          ["sub", "x", "--format", "xml"],
                                       ["sub", "x", "--url", "nonsense"]], ids=str)
def test_wrong_usage_exits_with_an_error_on_stderr(arguments):
    done = run("wspush", *arguments, stdin="")
    assert done.returncode in (1, 2) and done.stderr.strip() and done.stdout == ""
