"""How each kind of server is started: ours, the floor, and the peers that Debian and npm ship."""

import os
import re
import shutil
import socket
import subprocess
from dataclasses import dataclass, field

NCHAN_MODULE = "/usr/lib/nginx/modules/ngx_nchan_module.so"


@dataclass
class Launch:
    """A command, and where what it starts listens: told by its log, or chosen here."""

    command: list
    environment: dict = field(default_factory=dict)
    public: str = r"listening on ([\d.:]+) \(public\)"  # of the log
    internal: str | None = None
    address: str | None = None     # instead of `public`
    has_worker: bool = False       # the connections are those of its one child


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Workshop:
    """Where the programs are, and a directory for what they are given."""

    def __init__(self, root, build, scratch):
        self.root = root
        self.build = build
        self.scratch = scratch
        self._certificate = None

    def peer(self, *parts):
        return os.path.join(self.root, "bench", "peers", *parts)

    def program(self, *parts):
        return os.path.join(self.build, *parts)

    def certificate(self):
        """The paths of a certificate of P-256 and its key, made when first asked for."""
        if self._certificate is None:
            paths = [os.path.join(self.scratch, name) for name in ("server.pem", "server.key")]
            subprocess.run(
                ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                 "ec_paramgen_curve:P-256", "-noenc", "-days", "2", "-subj", "/CN=localhost",
                 "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-out", paths[0],
                 "-keyout", paths[1]], check=True, capture_output=True)
            self._certificate = paths
        return self._certificate

    def filled_in(self, template, **values):
        """A directory that holds a peer's configuration, with its @NAMES@ filled in."""
        directory = os.path.join(self.scratch, f"{os.path.basename(template)}.{free_port()}")
        os.mkdir(directory)
        with open(template, encoding="utf-8") as file:
            text = file.read()
        for name, value in {"DIRECTORY": directory, **values}.items():
            text = text.replace(f"@{name}@", str(value))
        path = os.path.join(directory, os.path.basename(template))
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return directory, path


def wspushd(shop, reactors=1, tls=False, echo=False, ping_interval=None, goes_first=False):
    """As it is shipped, history, offsets and metrics on; the limits meant for clients lifted.

    With `goes_first` whoever shares a CPU with it waits, where we may say so (root).
    """
    listener = '{address: "127.0.0.1:0"}'
    if tls:
        certificate, key = shop.certificate()
        listener = (f'{{address: "127.0.0.1:0", '
                    f'tls: {{certificate: "{certificate}", key: "{key}"}}}}')
    settings = [f"listen=[{listener}]", "internal.address=127.0.0.1:0", f"reactors={reactors}",
                "limits.commands_per_second=0",
                f"topics=[{{match: bench, subscribe: anyone, publish: anyone}}]"]
    if reactors > 1:
        settings.append("pin_reactors=true")
    if echo:
        settings.append("echo=true")
    if ping_interval:
        settings.append(f"heartbeat.ping_interval={ping_interval}")
    options = [part for each in settings for part in ("--set", each)]
    way = ["chrt", "--rr", "1"] if goes_first and os.geteuid() == 0 else []
    return Launch([*way, shop.program("wspushd"), *options],
                  internal=r"listening on ([\d.:]+) \(internal\)")


def floor(shop, mode, tls=False, threads=1, number=1):
    """`number` tells two of them apart that are compared with each other."""
    del number
    command = [shop.program("bench", "floor", "floor_server"), "127.0.0.1:0", "--mode", mode,
               "--threads", str(threads)]
    return Launch(command + (["--tls", *shop.certificate()] if tls else []))


def node(shop, mode, tls=False, deflate=False):
    command = ["node", shop.peer("node", "server.mjs"), "--mode", mode]
    if deflate:
        command.append("--deflate")
    if tls:
        certificate, key = shop.certificate()
        command += ["--certificate", certificate, "--key", key]
    return Launch(command)


def beast(shop, mode):
    return Launch([shop.program("bench", "peers", "beast_server"), "--mode", mode])


def nchan(shop):
    address = f"127.0.0.1:{free_port()}"
    directory, path = shop.filled_in(shop.peer("nginx", "nchan.conf"), ADDRESS=address)
    return Launch(["nginx", "-p", directory, "-c", path, "-e", "stderr"], address=address,
                  has_worker=True)


def nats(shop):
    return Launch(["nats-server", "-c", shop.peer("nats", "nats.conf")],
                  environment={"GOMAXPROCS": "1"},
                  public=r"websocket clients on ws://([\d.:]+)")


def mosquitto(shop):
    port = free_port()
    _, path = shop.filled_in(shop.peer("mosquitto", "mosquitto.conf"), PORT=port)
    return Launch(["mosquitto", "-c", path], address=f"127.0.0.1:{port}")


KINDS = {"wspushd": wspushd, "floor": floor, "node": node, "beast": beast, "nchan": nchan,
         "nats": nats, "mosquitto": mosquitto}


def missing(shop, kind):
    """What a peer lacks to take part, in a few words; None if nothing."""
    def program(name):
        return None if shutil.which(name) else f"{name} is not installed"

    if kind == "node":
        there = os.path.isdir(shop.peer("node_modules", "ws"))
        return program("node") or (None if there else "the package ws is not installed")
    if kind == "beast":
        return None if os.path.exists(shop.program("bench", "peers", "beast_server")) \
            else "its server is not built (libboost-dev)"
    if kind == "nchan":
        return program("nginx") or (None if os.path.exists(NCHAN_MODULE)
                                    else "libnginx-mod-nchan is not installed")
    if kind == "nats":
        return program("nats-server")
    if kind == "mosquitto":
        return program("mosquitto")
    return None


def find_address(pattern, log):
    found = re.findall(pattern, log)
    return found[-1] if found else None
