"""Servers under test: started, looked at whether it is they who answer, and ended, each by its pid."""

import os
import signal
import subprocess
import time

import kinds

START_SECONDS = 15
END_SECONDS = 12  # a drain may take 10


class ServerFault(Exception):
    """A server that did not start, or is not what listens there."""


class Running:
    """A server that runs. `pid` is the process that has the connections."""

    def __init__(self, process, pid, public, internal, uses_tls):
        self.process = process
        self.pid = pid
        self.public = public
        self.internal = internal
        self.uses_tls = uses_tls

    def url(self):
        return f"{'wss' if self.uses_tls else 'ws'}://{self.public}"


def listening_inodes(port, table="/proc/net/tcp"):
    """Inodes of the IPv4 sockets that listen on a port."""
    with open(table, encoding="ascii") as file:
        rows = [line.split() for line in file.readlines()[1:]]
    return {row[9] for row in rows
            if row[3] == "0A" and int(row[1].rpartition(":")[2], 16) == port}


def owns_listeners(pid, port):
    """True if something listens on the port, and all that does is a socket of the process."""
    inodes = listening_inodes(port)
    own = set()
    directory = f"/proc/{pid}/fd"
    try:
        for name in os.listdir(directory):
            try:
                target = os.readlink(os.path.join(directory, name))
            except FileNotFoundError:
                continue  # closed meanwhile
            if target.startswith("socket:["):
                own.add(target[len("socket:["):-1])
    except FileNotFoundError:
        return False
    return bool(inodes) and inodes <= own


def children_of(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(each) for each in file.read().split()]


def cpu_list(cpus):
    return ",".join(str(each) for each in sorted(cpus))


class Servers:
    """Starts servers on their CPUs. Use it in a `with`: on the way out all are ended."""

    def __init__(self, shop, cpus_of):
        self._shop = shop
        self._cpus_of = cpus_of  # of a plan.Server
        self._running = []
        self._count = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop_all()

    def start(self, server):
        """Returns it Running. Raises ServerFault with the end of its log."""
        settings = dict(server.settings)
        launch = kinds.KINDS[server.kind](self._shop, **settings)
        self._count += 1
        log_path = os.path.join(self._shop.scratch, f"{server.kind}.{self._count}.log")
        # In a session of its own the terminal's Ctrl-C does not reach it; should this program be
        # killed, the kernel ends it.
        command = ["setpriv", "--pdeathsig", "TERM",
                   "taskset", "-c", cpu_list(self._cpus_of(server)), *launch.command]
        with open(log_path, "wb") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                       start_new_session=True,
                                       env={**os.environ, **launch.environment})
        running = Running(process, process.pid, launch.address, None, settings.get("tls", False))
        self._running.append(running)
        self._await(running, launch, log_path)
        return running

    def _await(self, running, launch, log_path):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and running.process.poll() is None:
            with open(log_path, encoding="utf-8", errors="replace") as file:
                log = file.read()
            if launch.address is None:
                running.public = kinds.find_address(launch.public, log)
            if launch.internal is not None:
                running.internal = kinds.find_address(launch.internal, log)
            if launch.has_worker:
                running.pid = next(iter(children_of(running.process.pid)), None)
            if running.public and running.pid and (running.internal or not launch.internal) and \
                    owns_listeners(running.pid, int(running.public.rpartition(":")[2])):
                return
            time.sleep(0.02)
        with open(log_path, encoding="utf-8", errors="replace") as file:
            tail = "".join(file.readlines()[-20:])
        raise ServerFault(f"{launch.command[0]} did not start, or is not what listens on "
                          f"{running.public or 'its port'}:\n{tail}")

    def stop(self, running):
        self._running.remove(running)
        end([running.process])

    def stop_all(self):
        processes = [each.process for each in self._running]
        self._running = []
        end(processes)


def end(processes):
    """SIGTERM to all, and SIGKILL to what is still there when a drain must be over."""
    for process in processes:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + END_SECONDS
    for process in processes:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
