"""What a daemon of a test leaves behind: nothing. The daemon is a script here that says its lines."""

import gc
import os
import stat

import pytest

from daemon import Daemon

READY = """#!/bin/sh
trap 'exit 0' TERM
echo 'listening on 127.0.0.1:1 (public)' >&2
echo 'listening on 127.0.0.1:2 (internal)' >&2
echo 'ready' >&2
while :; do sleep 0.01; done
"""


@pytest.fixture
def wspushd(tmp_path, monkeypatch):
    """`wspushd(text)` makes a script the binary under test; temporary directories go below `own`."""
    own = tmp_path / "own"
    own.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(own))

    def make(text):
        path = tmp_path / "wspushd"
        path.write_text(text)
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("WSPUSHD", str(path))
        return own

    return make


def test_a_daemon_that_is_stopped_takes_its_directory_with_it(wspushd):
    own = wspushd(READY)
    daemon = Daemon()
    assert len(os.listdir(own)) == 1
    daemon.stop()
    assert os.listdir(own) == []
    with Daemon():
        assert len(os.listdir(own)) == 1
    assert os.listdir(own) == []
    daemon = Daemon.without_file()
    daemon.stop()
    assert os.listdir(own) == []


def test_so_does_one_that_is_killed_and_one_whose_test_fails(wspushd):
    own = wspushd(READY)
    daemon = Daemon()
    daemon.kill()
    daemon.stop()
    assert os.listdir(own) == []
    with pytest.raises(KeyError), Daemon():
        raise KeyError
    assert os.listdir(own) == []


def test_so_does_one_that_ends_badly_or_never_becomes_ready(wspushd):
    own = wspushd(READY.replace("exit 0", "exit 3"))
    with pytest.raises(AssertionError):
        Daemon().stop()
    assert os.listdir(own) == []
    wspushd("#!/bin/sh\nexit 1\n")
    with pytest.raises(AssertionError):
        Daemon()
    gc.collect()
    assert os.listdir(own) == []


def test_a_directory_of_the_test_stays(wspushd, tmp_path):
    wspushd(READY)
    kept = tmp_path / "kept"
    kept.mkdir()
    Daemon(directory=str(kept)).stop()
    assert (kept / "wspushd.yaml").exists()
