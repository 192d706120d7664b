"""The config file and the command line: what is accepted, and how each fault is told."""

import os
import re

import pytest

from daemon import Daemon, run

# Every key of docs/configuration.md with its default.
EVERY_KEY = """\
listen:
  - address: "127.0.0.1:0"
    proxy_protocol: false
internal: {address: "127.0.0.1:0", api_keys: [], hosts: []}
trusted_proxies: []
reactors: auto
pin_reactors: false
path_prefix: ""
ws_paths: ["/ws"]
subprotocols: []
origins: ["same"]
echo: false
demo: false
handshake: {timeout: 10s, relaxed: false}
heartbeat: {ping_interval: 50s, pong_timeout: 10s, proxy_read_timeout: 60s}
compression: {enabled: true, level: 1, min_bytes: 128, context_takeover: false, window_bits: 15, max_ratio: 1000}
limits:
  connections: 0
  connections_per_ip: 0
  connect_rate_per_ip: 0
  message_bytes: 1MiB
  frames_per_message: 4096
  header_bytes: 16KiB
  headers: 100
  body_bytes: 16MiB
  topics: 1000000
  topic_bytes: 255
  subscriptions_per_connection: 1000
  commands_per_second: 100
  history_bytes: 0
  errors_per_connection: 20
  queued_bytes: 1MiB
  write_timeout: 30s
auth: {hmac_secret: "", public_key_file: "", jwks_file: "", audience: "", issuer: "", cookie: "", required: false,
       timeout: 10s, clock_skew: 5s}
topics:
  - match: ">"
    subscribe: anyone
    publish: nobody
    history: {messages: 100, bytes: 1MiB, ttl: 5m}
    presence: false
    when_slow: gap
    message_bytes: 64KiB
    batch: 0ms
    forward: []
engine:
  type: memory
  disk: {path: /var/lib/wspushd, sync: 1s}
  redis: {url: "redis://127.0.0.1:6379/0", prefix: "wspushd"}
bridges: []
pusher: {apps: []}
log: {level: info, format: text, file: "", access: false}
drain: {period: 10s}
"""


def check(tmp_path, text, *arguments, env=None):
    """`--check` of a file with `text`: (exit code, output, path)."""
    path = tmp_path / "under test.yaml"
    path.write_text(text)
    done = run("wspushd", "--config", str(path), "--check", *arguments, env=env)
    return done.returncode, done.stdout + done.stderr, str(path)


def faults(output, path):
    """[(line, column, text)] of the lines `FILE:LINE:COLUMN: text`."""
    return [(int(line), int(column), text) for line, column, text in re.findall(
        re.escape(path) + r":(\d+):(\d+): (.+)", output)]


class TestCheck:
    @pytest.mark.parametrize("text",
                             ["", "# nothing\n", "{}\n", "---\n", EVERY_KEY, "echo: true\n",
                              "reactors: 3\n"],
                             ids=lambda t: t[:12])
    def test_says_ok_to_a_good_file(self, tmp_path, text):
        code, output, path = check(tmp_path, text)
        assert (code, output.strip().splitlines()[-1]) == (0, f"{path}: OK"), output

    # text, line and column (of the key or of the value) of the fault, words that have to be there
    FAULTS = [
        ("heartbeat:\n  ping_intervall: 20s\n", 2, (3,),
         ["heartbeat.ping_intervall", "ping_interval"]),
        ("lisen: []\n", 1, (1,), ["lisen", "listen"]),
        ("echo: maybe\n", 1, (1, 7), ["echo", "maybe", "true", "false"]),
        ("limits:\n  message_bytes: lots\n", 2, (3, 18), ["limits.message_bytes", "lots"]),
        ("limits:\n  message_bytes: -1\n", 2, (3, 18), ["limits.message_bytes", "-1"]),
        ("limits:\n  message_bytes: 1 MB\n", 2, (3, 18), ["limits.message_bytes", "1 MB"]),
        ("limits:\n  headers: 1.5\n", 2, (3, 12), ["limits.headers", "1.5"]),
        ("limits:\n  topics: 99999999999999999999999\n", 2, (3, 11), ["limits.topics"]),
        ("handshake: {timeout: 10}\n", 1, (13, 22), ["handshake.timeout", "10"]),
        ("handshake:\n  timeout: 10 parsecs\n", 2, (3, 12), ["handshake.timeout", "10 parsecs"]),
        ("handshake:\n  timeout: -5s\n", 2, (3, 12), ["handshake.timeout", "-5s"]),
        ("topics:\n  - match: a\n    when_slow: maybe\n", 3, (5, 16),
         ["when_slow", "maybe", "gap", "disconnect", "latest"]),
        ("topics:\n  - match: a\n    subscribe: subscriber\n", 3, (5, 16),
         ["subscribe", "subscriber", "anyone", "nobody"]),
        ("topics:\n  - match: a..b\n", 2, (5, 12), ["match", "a..b"]),
        ("topics:\n  - match: '>.a'\n", 2, (5, 12), ["match", ">.a"]),
        ("topics:\n  - match: a\n    batch: 50ms\n", 3, (5, 12), ["batch", "50ms", "20ms"]),
        ("topics:\n  - match: a\n    presence: some\n", 3, (5, 15), ["presence", "some", "count"]),
        ("compression:\n  level: 10\n", 2, (3, 10), ["compression.level", "10", "9"]),
        ("compression:\n  window_bits: 8\n", 2, (3, 16),
         ["compression.window_bits", "8", "9", "15"]),
        ("engine: {type: floppy}\n", 1, (10, 16),
         ["engine.type", "floppy", "memory", "disk", "redis"]),
        ("log: {level: loud}\n", 1, (7, 14), ["log.level", "loud", "info"]),
        ("log: {format: xml}\n", 1, (7, 15), ["log.format", "xml", "text", "json"]),
        ("listen:\n  - address: nonsense\n", 2, (5, 14), ["listen[0].address", "nonsense"]),
        ("listen:\n  - address: '127.0.0.1:99999'\n", 2, (5, 14), ["listen[0].address", "99999"]),
        ("internal:\n  address: ''\n", 2, (3, 12), ["internal.address"]),
        ("reactors: many\n", 1, (1, 11), ["reactors", "many", "auto"]),
        ("reactors: -1\n", 1, (1, 11), ["reactors", "-1"]),
        ("origins: same\n", 1, (1, 10), ["origins", "same"]),
        ("heartbeat: 5s\n", 1, (1, 12), ["heartbeat"]),
        ("echo: true\necho: false\n", 2, (1, 7), ["echo"]),
        ("limits:\n  headers:\n  topics: 5\n", 2, (3, 11), ["limits.headers"]),
    ]

    @pytest.mark.parametrize("text, line, columns, words", FAULTS,
                             ids=[f[0].replace("\n", "|") for f in FAULTS])
    def test_names_the_place_the_key_what_was_found_and_what_is_allowed(self, tmp_path, text, line,
                                                                        columns, words):
        code, output, path = check(tmp_path, text)
        assert code == 1, output
        found = faults(output, path)
        assert len(found) == 1, output
        assert found[0][0] == line and found[0][1] in columns, output
        for word in words:
            assert word in found[0][2], (word, output)

    def test_reports_all_faults_at_once_in_order(self, tmp_path):
        code, output, path = check(tmp_path, "\n".join([
            "lisen: []", "echo: maybe", "limits:", "  headers: x", "  nope: 1", "heartbeat:",
            "  ping_interval: 70s", "topics:", "  - match: a", "    publish: somebody", ""]))
        assert code == 1
        assert [line for line, _, _ in faults(output, path)] == [1, 2, 4, 5, 7, 10], output

    @pytest.mark.parametrize("text",
                             ["a: [1\n", "echo: 'open\n b: 1\n", "\tx: 1\n", "a: b: c\n", "{",
                              "- 1\n", "x\n", "[" * 20000])
    def test_tells_where_the_yaml_breaks(self, tmp_path, text):
        code, output, path = check(tmp_path, text)
        assert code == 1 and faults(output, path), output

    def test_names_a_file_that_cannot_be_read(self, tmp_path):
        for name in ("absent.yaml", "."):
            done = run("wspushd", "--config", str(tmp_path / name), "--check")
            assert done.returncode == 1 and str(tmp_path / name).rstrip(".") in done.stdout + done.stderr

    def test_never_shows_a_secret(self, tmp_path):
        code, output, _ = check(tmp_path,
                                "auth: {hmac_secret: very-secret, hmac_secret_file: /nope}\n"
                                          "internal: {api_keys: [very-secret, {key: very-secret, cann: [x]}]}\nnope: 1\n")
        assert code == 1 and "very-secret" not in output

    def test_does_not_listen_anywhere(self, tmp_path, daemon):
        port = daemon.public[1]
        code, output, _ = check(tmp_path, f'listen: [{{address: "127.0.0.1:{port}"}}]\n')
        assert code == 0, output

    def test_of_the_shipped_file_is_ok(self):
        shipped = os.path.join(os.path.dirname(__file__), "..", "..", "conf", "wspushd.yaml")
        if not os.path.exists(shipped):
            pytest.skip("no conf/wspushd.yaml in this tree")
        done = run("wspushd", "--config", shipped, "--check")
        assert done.returncode == 0, done


class TestTheCommandLine:
    def test_version_and_help_go_to_stdout_and_exit_0(self):
        for name in ("wspushd", "wspush"):
            version, help_text = run(name, "--version"), run(name, "--help")
            assert version.returncode == 0 and re.search(r"\d+\.\d+\.\d+", version.stdout)
            assert help_text.returncode == 0 and help_text.stderr == ""
        assert all(word in run("wspushd", "--help").stdout for word in ("--config", "--check",
                                                                        "--set"))

    @pytest.mark.parametrize("arguments", [["--nope"], ["--config"], ["--set"], ["stray"], ["-x"]],
                             ids=str)
    def test_a_wrong_one_exits_2_and_says_so_on_stderr(self, arguments):
        done = run("wspushd", *arguments)
        assert done.returncode == 2 and done.stderr.strip() and done.stdout == ""

    @pytest.mark.parametrize("setting",
                             ["heartbeat.nope=1", "echo=perhaps", "limits.headers=[1", "=1",
                              "echo"])
    def test_a_wrong_setting_is_refused_and_named(self, tmp_path, setting):
        code, output, _ = check(tmp_path, "", "--set", setting)
        assert code in (1, 2) and setting.split("=")[0] in output

    def test_a_wrong_variable_of_the_environment_is_refused_and_named(self, tmp_path):
        code, output, _ = check(tmp_path, "", env={"WSPUSHD_LIMITS__HEADERS": "many"})
        assert code == 1
        assert output.startswith('WSPUSHD_LIMITS__HEADERS: limits.headers: found "many"; allowed: ')

    def test_a_bad_file_exits_1_when_started_for_real_too(self, tmp_path):
        path = tmp_path / "bad.yaml"
        path.write_text("echo: maybe\n")
        done = run("wspushd", "--config", str(path))
        assert done.returncode == 1 and f"{path}:1:" in done.stderr


class TestOverrides:
    def interval(self, changes=None, **options):
        with Daemon(changes, **options) as own:
            return own.v1().welcome["ping_interval"]

    def test_the_environment_wins_over_the_file_and_set_over_both(self):
        file = {"heartbeat": {"ping_interval": "41s"}}
        env = {"WSPUSHD_HEARTBEAT__PING_INTERVAL": "42s"}
        args = ["--set", "heartbeat.ping_interval=43s"]
        assert self.interval(file) == 41
        assert self.interval(file, env=env) == 42
        assert self.interval(file, args=args) == 43
        assert self.interval(file, env=env, args=args) == 43
        assert self.interval(env=env) == 42

    def test_a_value_is_yaml_and_lists_are_replaced_whole(self):
        with Daemon({"ws_paths": ["/x", "/y"]}, args=["--set", "ws_paths=[/a, '/b']"]) as own:
            assert own.v1("/a") and own.v1("/b")
            assert own.http().request("GET", "/x").status == 404
        with Daemon(env={"WSPUSHD_INTERNAL__API_KEYS": "[a, b]"}) as own:
            headers = {"Authorization": "Bearer b"}
            assert own.api("GET", "/api/topics", headers=headers).status == 200
            assert own.api("GET", "/api/topics").status == 401

    def test_a_whole_rule_can_be_set(self):
        with Daemon(args=["--set", "topics=[{match: only.this, publish: anyone}]"]) as own:
            client = own.v1()
            client.publish("only.this", 1)
            client.fails("publish", "forbidden", topic="open.x", data=1)

    def test_they_do_without_a_file(self):
        own = Daemon.without_file("--set", 'listen=[{address: "127.0.0.1:0"}]', "--set",
                                  "internal.address=127.0.0.1:0")
        try:
            client = own.v1()
            client.subscribe("any.topic")
            client.publish("any.topic", "the built-in default lets anyone")
            assert client.next_op("message")
            page = own.http().request("GET", "/")
            assert page.status == 200 and page.header("Content-Type").startswith("text/html")
        finally:
            own.stop()

    def test_a_key_of_a_later_feature_is_known_and_says_so(self):
        with Daemon({"pusher": {"apps": [{"id": "1", "key": "k",
                                          "secret": "very-secret"}]}}) as own:
            assert own.v1().ok("ping")
            assert "very-secret" not in own.log.text()
