"""scripts/bench: servers that are started, looked at and ended, and rounds that take turns."""

import io
import os
import pathlib
import signal
import socket
import sys
import tempfile
import unittest
from unittest import mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench" / "run"))

import campaign  # noqa: E402  (after the path is set)
import kinds  # noqa: E402
import load  # noqa: E402
import main  # noqa: E402
import servers  # noqa: E402
from plan import Baseline, Contender, Metric, Row, Server, Table  # noqa: E402
from results import Results  # noqa: E402

CPU = os.sched_getaffinity(0).pop()
LISTENS = """
import signal, socket, sys
listener = socket.create_server(("127.0.0.1", 0))
print("listening on 127.0.0.1:%d (public)" % listener.getsockname()[1], file=sys.stderr, flush=True)
signal.pause()
"""
REFUSES_TO_END = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + LISTENS


def python(text):
    return lambda shop, **settings: kinds.Launch([sys.executable, "-c", text])


class Scratch(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = scratch.name

    def program(self, text):
        path = os.path.join(self.scratch, "program")
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, 0o755)
        return path


class TheCommandOnThePage(unittest.TestCase):
    def test_says_what_was_measured_and_not_where_it_was_kept(self):
        self.assertEqual(main.command_of(["--rounds", "3", "--json", "a b.json", "--no-page",
                                          "--rows", "echo", "--json=c", "--no-build"]),
                         "scripts/bench --rounds 3 --rows echo")
        self.assertEqual(main.command_of([]), "scripts/bench")


class StartedServers(Scratch):
    def setUp(self):
        super().setUp()
        shop = kinds.Workshop(self.scratch, self.scratch, self.scratch)
        self.servers = servers.Servers(shop, lambda server: {CPU})
        self.addCleanup(self.servers.stop_all)

    def start(self, launch):
        with mock.patch.dict(kinds.KINDS, {"one": launch}):
            return self.servers.start(Server.of("one"))

    def test_are_known_by_their_address_and_stand_on_their_cpu(self):
        running = self.start(python(LISTENS))
        host, port = running.public.split(":")
        socket.create_connection((host, int(port)), timeout=5).close()
        self.assertEqual(os.sched_getaffinity(running.pid), {CPU})
        self.assertEqual(running.url(), f"ws://{running.public}")

    def test_are_ended_by_their_pid_though_they_may_not_want_to(self):
        with mock.patch.object(servers, "END_SECONDS", 0.2):
            running = [self.start(python(text)) for text in (LISTENS, REFUSES_TO_END)]
            self.servers.stop_all()
        self.assertEqual([each.process.returncode for each in running],
                         [-signal.SIGTERM, -signal.SIGKILL])

    def test_that_end_at_once_are_told_with_their_log(self):
        with self.assertRaisesRegex(servers.ServerFault, "no such thing"):
            self.start(python("raise SystemExit('no such thing')"))

    def test_are_refused_where_the_port_is_somebody_elses(self):
        with socket.create_server(("127.0.0.1", 0)) as foreign:
            address = f"127.0.0.1:{foreign.getsockname()[1]}"
            with mock.patch.object(servers, "START_SECONDS", 0.3), \
                    self.assertRaisesRegex(servers.ServerFault, "not what listens"):
                self.start(lambda shop: kinds.Launch(
                    [sys.executable, "-c", LISTENS], address=address))

    def test_a_port_shared_with_another_process_is_not_theirs_alone(self):
        def listen(port):
            listener = socket.socket()
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            listener.bind(("127.0.0.1", port))
            listener.listen()
            return listener

        with listen(0) as own:
            port = own.getsockname()[1]
            self.assertTrue(servers.owns_listeners(os.getpid(), port))
            child = os.fork()
            if child == 0:
                with listen(port):
                    os.kill(os.getpid(), signal.SIGSTOP)
                os._exit(0)
            try:
                os.waitpid(child, os.WUNTRACED)
                self.assertFalse(servers.owns_listeners(os.getpid(), port))
            finally:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)

    def test_nothing_that_listens_is_nobodys(self):
        self.assertFalse(servers.owns_listeners(os.getpid(), kinds.free_port()))


class Configurations(Scratch):
    def test_of_peers_are_filled_in(self):
        template = os.path.join(self.scratch, "template.conf")
        with open(template, "w", encoding="utf-8") as file:
            file.write("listen @ADDRESS@; pid @DIRECTORY@/pid;")
        shop = kinds.Workshop(self.scratch, self.scratch, self.scratch)
        directory, path = shop.filled_in(template, ADDRESS="127.0.0.1:1")
        with open(path, encoding="utf-8") as file:
            self.assertEqual(file.read(), f"listen 127.0.0.1:1; pid {directory}/pid;")

    def test_a_peer_that_is_not_built_says_so(self):
        shop = kinds.Workshop(self.scratch, self.scratch, self.scratch)
        self.assertIn("libboost-dev", kinds.missing(shop, "beast"))
        self.assertIsNone(kinds.missing(shop, "floor"))


ROW = Row("row", "row", "publish", (), (("payload-bytes", 20), ("deflate", None)))
ECHO = Row("row", "row", "echo", (), (("depth", 4),), warm_up=1)
CONTENDER = Contender("wspushd", Server.of("one"), "raw", load=(("publish", "http"),))


class LoadProgram(Scratch):
    def setUp(self):
        super().setUp()
        self.running = servers.Running(None, 42, "127.0.0.1:1", "127.0.0.1:2", True)

    def measure(self, text, row=ROW, contender=CONTENDER):
        with load.Load(self.program("#!/bin/sh\n" + text), CPU) as program:
            return program.measure(row, contender, self.running, 1)

    def test_is_told_what_the_row_and_the_contender_ask_for(self):
        says_its_arguments = """printf '{"said":"%s"}\\n' "$*" """
        self.assertEqual(
            self.measure(says_its_arguments)["said"],
            "bench publish --url wss://127.0.0.1:1 --server-pid 42 --duration 1 --warm-up 0.25 "
            "--json --dialect raw --topic bench --insecure --api http://127.0.0.1:2 "
            "--payload-bytes 20 --deflate --publish http")
        self.running = servers.Running(None, 42, "127.0.0.1:1", None, False)
        self.assertEqual(
            self.measure(says_its_arguments, ECHO, FLOOR)["said"],
            "bench echo --url ws://127.0.0.1:1 --server-pid 42 --duration 1 --warm-up 1 --json "
            "--depth 4")

    @unittest.skipUnless(os.path.exists("/proc/self/autogroup"), "sessions share CPUs equally")
    def test_may_give_way_to_the_server(self):
        row = Row("row", "row", "publish", (), load_gives_way=True)
        says_its_weight = """printf '{"said":"%s"}\\n' "$(cat /proc/self/autogroup) $1" """
        self.assertRegex(self.measure(says_its_weight, row)["said"], "nice 19 bench$")
        self.assertRegex(self.measure(says_its_weight)["said"], "nice 0 bench$")

    def test_a_line_of_json_among_others_is_the_result(self):
        self.assertEqual(self.measure("""echo a table; echo '{"x":1.5}'"""), {"x": 1.5})

    def test_no_result_or_a_failure_is_a_fault_that_says_why(self):
        for text, why in (("echo nothing", "no line of JSON"), ("exit 3", "ended with 3"),
                          ("echo two are missing >&2; echo '{\"x\":1}'; exit 1", "two are missing")):
            with self.subTest(text=text), self.assertRaisesRegex(load.LoadFault, why):
                self.measure(text)

    def test_one_that_does_not_end_is_ended(self):
        with mock.patch.object(load, "SPARE_SECONDS", -1.05), \
                self.assertRaisesRegex(load.LoadFault, "no end after"):
            self.measure("exec sleep 60")


class DiskProgram(Scratch):
    ROW = Row("1s", "1s", "disk", (), (("sync", "1s"), ("kept", 0)))

    def measure(self, text):
        program = load.DiskLoad(self.program("#!/bin/sh\n" + text), "wspushd", (0, 1), self.scratch)
        return program.measure(self.ROW, CONTENDER, None, 1)

    def test_is_told_what_the_row_asks_for_and_says_what_it_found(self):
        self.assertEqual(
            self.measure("""printf '{"publish":{"1s":{"said":"%s"}},"start":{}}' "$*" > "$7" """)
            ["said"].partition(" --json ")[0], f"wspushd --directory {self.scratch} --cpus 0,1")
        found = self.measure("""printf '{"publish":{},"start":{"said":"%s"}}' "$*" > "$7" """)
        self.assertTrue(found["said"].endswith(" --sync 1s --kept 0"), found)

    def test_a_failure_is_a_fault_that_says_why(self):
        with self.assertRaisesRegex(load.LoadFault, "refused by the disk"):
            self.measure("echo refused by the disk >&2; exit 1")

    def test_one_that_does_not_end_is_ended(self):
        with mock.patch.object(load, "SPARE_SECONDS", 0.05), \
                self.assertRaisesRegex(load.LoadFault, "no end after"):
            self.measure("exec sleep 60")


class FakeServers:
    def __init__(self):
        self.log = []
        self.broken = set()

    def start(self, server):
        if server.kind in self.broken:
            raise servers.ServerFault(f"{server.kind} is broken")
        self.log.append(f"+{server.kind}")
        running = mock.Mock(kind=server.kind)
        running.process.poll.return_value = None
        return running

    def stop(self, running):
        self.log.append(f"-{running.kind}")


class FakeLoad:
    def __init__(self, log):
        self.log = log
        self.broken = set()

    def measure(self, row, contender, running, seconds):
        self.log.append(f"{row.key}.{contender.name}")
        if contender.name in self.broken:
            raise load.LoadFault("out of order")
        return {"cpu": seconds}


OURS = Contender("ours", Server.of("a"), "raw")
FLOOR = Contender("floor", Server.of("b"), "floor")
PEER = Contender("peer", Server.of("c"), "floor", is_peer=True)
METRIC = Metric("cpu", "CPU", "µs")


class Rounds(unittest.TestCase):
    def setUp(self):
        self.servers = FakeServers()
        self.load = FakeLoad(self.servers.log)
        self.results = Results({})
        self.said = io.StringIO()

    def run_rows(self, *rows, rounds=2):
        table = Table("t", "T", "", (METRIC,), rows)
        progress = campaign.Progress(campaign.seconds_expected([table], rounds, 1), out=self.said)
        campaign.Campaign(self.servers, self.load, self.results, progress, rounds, 1).run([table])
        return " ".join(self.servers.log)

    def test_take_turns_with_servers_that_stay_for_their_rows(self):
        log = self.run_rows(Row("x", "x", "echo", (OURS, FLOOR)), Row("y", "y", "echo", (OURS,)))
        self.assertEqual(log, "+a x.ours +b x.floor x.ours x.floor -a -b +a y.ours y.ours -a")

    def test_rows_of_a_group_take_turns_too(self):
        log = self.run_rows(Row("x", "x", "echo", (OURS,), group="g"),
                            Row("y", "y", "echo", (OURS,), group="g",
                                baseline=Baseline(row="x")))
        self.assertEqual(log, "+a x.ours y.ours x.ours y.ours -a")

    def test_rows_that_need_it_get_a_new_server_each_time(self):
        log = self.run_rows(Row("x", "x", "idle", (OURS,), has_new_server_each_round=True))
        self.assertEqual(log, "+a x.ours -a +a x.ours -a")

    def test_peers_and_rows_may_have_fewer_rounds_spread_over_all(self):
        row = Row("x", "x", "echo", (OURS, PEER))
        self.assertEqual(campaign.rounds_of(row, OURS, 5), {1, 2, 3, 4, 5})
        self.assertEqual(campaign.rounds_of(row, PEER, 5), {1, 2, 4})
        self.assertEqual(campaign.rounds_of(row, PEER, 2), {1, 2})
        short = Row("x", "x", "idle", (OURS,), rounds_max=2)
        self.assertEqual(campaign.rounds_of(short, OURS, 5), {1, 3})

    def test_a_fault_is_kept_and_told_and_the_others_go_on(self):
        self.load.broken = {"ours"}
        self.servers.broken = {"c"}
        self.run_rows(Row("x", "x", "echo", (OURS, FLOOR, PEER)), rounds=1)
        self.assertEqual([(each["contender"], each["error"]) for each in self.results.errors()],
                         [("ours", "out of order"), ("peer", "c is broken")])
        self.assertEqual(self.results.values("t", "x", "floor", METRIC), {1: 1.0})
        self.assertIn("out of order", self.said.getvalue())

    def test_servers_are_ended_whatever_happens(self):
        self.load.measure = mock.Mock(side_effect=KeyboardInterrupt)
        with self.assertRaises(KeyboardInterrupt):
            self.run_rows(Row("x", "x", "echo", (OURS,)))
        self.assertEqual(self.servers.log, ["+a", "-a"])

    def test_a_server_that_died_is_started_anew(self):
        started = []

        def start(server):
            running = mock.Mock(kind=server.kind)
            running.process.poll.return_value = 1 if not started else None
            started.append(running)
            return running

        self.servers.start = start
        self.run_rows(Row("x", "x", "echo", (OURS,)), rounds=3)
        self.assertEqual(len(started), 2)

    def test_what_starts_its_servers_itself_gets_none(self):
        table = Table("t", "T", "", (METRIC,), (Row("x", "x", "disk", (OURS,)),))
        disk = mock.Mock()
        disk.measure.return_value = {"cpu": 3.0}
        progress = campaign.Progress(1, out=self.said)
        campaign.Campaign(self.servers, self.load, self.results, progress, 2, 1,
                          {"disk": disk}).run([table])
        self.assertEqual(self.servers.log, [])
        self.assertEqual(self.results.values("t", "x", "ours", METRIC), {1: 3.0, 2: 3.0})

    def test_each_measurement_is_progress(self):
        now = [0.0]
        rows_ = (Row("x", "x", "echo", (OURS, FLOOR)), Row("y", "y", "echo", (OURS,), group="g"))
        table = Table("t", "T", "", (METRIC,), rows_)
        expected = campaign.seconds_expected([table], 2, 1)
        progress = campaign.Progress(expected, clock=lambda: now[0], out=self.said)
        campaign.Campaign(self.servers, self.load, self.results, progress, 2, 1).run([table])
        progress.say("end")
        self.assertIn("[100 %, 0:00 left] end", self.said.getvalue())
        self.assertIn("[ 33 %", self.said.getvalue())

    def test_progress_tells_how_much_time_is_left(self):
        now = [0.0]
        progress = campaign.Progress(200, clock=lambda: now[0], out=self.said)
        progress.say("one")
        progress.advance(100)
        now[0] = 150.0  # slower than thought
        progress.say("two")
        self.assertEqual(self.said.getvalue(), "bench: [  0 %, 3:20 left] one\n"
                                               "bench: [ 50 %, 2:30 left] two\n")


if __name__ == "__main__":
    unittest.main()
