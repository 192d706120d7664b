"""What measures: the load program, `wspush bench`, and bench/engine for the disk.

One measurement is one run of a program.
"""

import json
import os
import subprocess
import tempfile

SPARE_SECONDS = 90  # to connect, to warm up, to close
TOPIC = "bench"
PUBLISHING = ("fan-out", "stalled", "publish")


class LoadFault(Exception):
    """A run that gave no result, or one with faults in it. Says what the program said."""


def command_of(program, row, contender, running, seconds):
    """The arguments of one measurement."""
    command = [program, "bench", row.scenario, "--url", running.url(), "--server-pid",
               str(running.pid), "--duration", f"{seconds:g}", "--warm-up", f"{row.warm_up:g}",
               "--json"]
    if row.scenario != "echo":
        command += ["--dialect", contender.dialect, "--topic", TOPIC]
    if running.uses_tls:
        command.append("--insecure")
    if row.scenario in PUBLISHING:
        # Who has no listener of its own for back ends takes them where the subscribers come in.
        command += ["--api", f"http://{running.internal or running.public}"]
    for option, value in (*row.load, *contender.load):
        command.append(f"--{option}")
        if value is not None:
            command.append(str(value))
    return command


def result_of(output):
    """The JSON in what it printed: the last line that is an object. ValueError if there is none."""
    for line in reversed(output.splitlines()):
        if line.startswith("{"):
            return json.loads(line)
    raise ValueError("no line of JSON")


class DiskLoad:
    """Rows of the scenario `disk`: bench/engine/disk_publish.py, which starts its own servers."""

    def __init__(self, program, wspushd, cpus, scratch):
        self._command = [program, wspushd, "--directory", scratch, "--cpus",
                         ",".join(str(each) for each in cpus)]
        self._scratch = scratch

    def measure(self, row, _contender, _running, _seconds):
        """The fields of the result. Raises LoadFault."""
        with tempfile.TemporaryDirectory(dir=self._scratch) as directory:
            path = os.path.join(directory, "result.json")
            command = [*self._command, "--json", path]
            for option, value in row.load:
                command += [f"--{option}", str(value)]
            try:
                done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True,
                                      text=True, check=False, timeout=SPARE_SECONDS)
            except subprocess.TimeoutExpired:
                raise LoadFault(f"no end after {SPARE_SECONDS} s: {' '.join(command)}") from None
            if done.returncode != 0:
                raise LoadFault(f"{' '.join(command)}\nended with {done.returncode}: "
                                f"{(done.stderr or done.stdout).strip()[-1000:]}")
            with open(path, encoding="utf-8") as file:
                content = json.load(file)
        found = content["start"]
        for each in content["publish"].values():
            found = {**found, **each}
        return found


# The kernel shares a CPU among sessions first, so that nice says nothing between two of them; and a
# CPU with idle-class work alone counts as free for a reactor that wakes up.
GIVES_WAY = ("sh", "-c", 'echo 19 > /proc/self/autogroup; exec chrt --idle 0 "$@"', "sh")


class Load:
    """Runs it on its CPU. Use it in a `with`: a run under way does not outlive it."""

    def __init__(self, program, cpu):
        self._program = program
        self._cpu = cpu
        self._process = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._end()

    def measure(self, row, contender, running, seconds):
        """The fields of the result. Raises LoadFault."""
        command = command_of(self._program, row, contender, running, seconds)
        way = GIVES_WAY if row.load_gives_way else ()
        with subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "taskset", "-c", str(self._cpu), *way, *command],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                start_new_session=True) as self._process:
            try:
                output, complaint = self._process.communicate(timeout=seconds + row.warm_up +
                                                              SPARE_SECONDS)
            except subprocess.TimeoutExpired:
                raise LoadFault(f"no end after {SPARE_SECONDS} s: {' '.join(command)}") from None
            finally:
                self._end()
        try:
            result = result_of(output)
        except ValueError as fault:
            result = {}
            complaint = complaint or f"{fault} in {output!r}"
        if self._process.returncode != 0 or not result:
            said = (complaint or output).strip()
            raise LoadFault(f"{' '.join(command)}\nended with {self._process.returncode}: "
                            f"{said[-1000:]}")
        return result

    def _end(self):
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
