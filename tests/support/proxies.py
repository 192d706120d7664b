"""Real proxies in front of a daemon: nginx and HAProxy on free loopback ports, with a configuration of
the test's own, and clients that come through them from an address of their own.
"""

import os
import shutil
import socket
import ssl
import subprocess
import tempfile

from byte_stream import ByteStream
from daemon import LineReader
from deadlines import DEFAULT_SECONDS, Deadline, eventually
from http_client import HttpConnection, build_request
from v1_client import V1Client
from websocket_client import WebSocketClient, accept_for, random_key, upgrade_headers

# Loopback has many addresses on Linux: clients come from this one, so that nobody takes it for the
# proxy's.
CLIENT = "127.0.0.2"

_STREAM_MODULE = "/usr/lib/nginx/modules/ngx_stream_module.so"  # libnginx-mod-stream


class Certificate:
    """A key and a certificate for localhost that signs itself, made by the openssl command."""

    def __init__(self, directory):
        self.certificate = os.path.join(directory, "certificate.pem")
        self.key = os.path.join(directory, "key.pem")
        self.both = os.path.join(directory, "both.pem")  # as HAProxy wants them
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
             "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", self.key, "-out",
             self.certificate], check=True, capture_output=True,
            timeout=Deadline(20).remaining())
        with open(self.both, "w", encoding="ascii") as both:
            for path in (self.certificate, self.key):
                with open(path, encoding="ascii") as file:
                    both.write(file.read())

    def client_context(self):
        return ssl.create_default_context(cafile=self.certificate)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


class _Proxy:
    """A proxy's process. `configure(ports, directory)` gives the text of its configuration, `ports`
    being the mapping of `names` to free ports. Use it in a `with`."""

    def __init__(self, names, configure):
        self._directory = tempfile.mkdtemp(prefix="wspushd-proxy-")
        self._path = os.path.join(self._directory, "proxy.conf")
        self._names, self._configure = list(names), configure
        try:
            # A free port may be somebody else's by the time that it is bound.
            if not any(self._start() for _ in range(5)):
                raise AssertionError(f"the proxy did not start:\n{self.log.text()}")
        except BaseException:
            self.close()
            raise

    def command(self, path):
        raise NotImplementedError

    def _start(self):
        self.ports = {name: free_port() for name in self._names}
        with open(self._path, "w", encoding="utf-8") as file:
            file.write(self._configure(self.ports, self._directory))
        self.process = subprocess.Popen(self.command(self._path), stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                        text=True, errors="replace", cwd=self._directory)
        self.log = LineReader(self.process.stderr)

        def is_settled():
            return self.process.poll() is not None or all(map(_connects, self.ports.values()))
        eventually(is_settled, "the proxy listens", 10)
        if self.process.poll() is None:
            return True
        self.log.join()
        assert "in use" in self.log.text(), self.log.text()
        return False

    def address(self, name):
        return ("127.0.0.1", self.ports[name])

    def close(self):
        process = getattr(self, "process", None)
        if process is not None and process.poll() is None:
            process.terminate()
            try:
                process.wait(Deadline(5).remaining())
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self._directory, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def _connects(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    except OSError:
        return False


class Nginx(_Proxy):
    """`http` and `stream` are functions of the ports; each gives the inside of its block."""

    def __init__(self, names, http=None, stream=None):
        super().__init__(names, lambda ports, directory: self._text(
            directory, http(ports) if http else "", stream(ports) if stream else ""))

    def command(self, path):
        return ["nginx", "-p", os.path.dirname(path), "-e", "stderr", "-c", path]

    @staticmethod
    def _text(directory, http, stream):
        paths = "".join(f"  {kind}_temp_path {directory}/{kind};\n"
                        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        user = "user root;\n" if os.geteuid() == 0 else ""
        module = f"load_module {_STREAM_MODULE};\n" if stream else ""
        blocks = (f"http {{\n  access_log off;\n{paths}{http}\n}}\n" if http else "") + \
                 (f"stream {{\n{stream}\n}}\n" if stream else "")
        return (f"{module}{user}daemon off;\nworker_processes 1;\nerror_log stderr notice;\n"
                f"pid {directory}/nginx.pid;\nevents {{ worker_connections 512; }}\n{blocks}")


class HaProxy(_Proxy):
    """`sections` is a function of the ports; it gives what stands behind `defaults`, or everything
    where there are no `timeouts`."""

    def __init__(self, names, sections, timeouts="60s"):
        defaults = (f"defaults\n  mode http\n  timeout connect 5s\n  timeout client {timeouts}\n"
                    f"  timeout server {timeouts}\n  timeout tunnel {timeouts}\n")
        super().__init__(names, lambda ports, _: (defaults if timeouts else "") + sections(ports))

    def command(self, path):
        return ["haproxy", "-db", "-f", path]


# Clients.

def connect(address, context=None, source=CLIENT):
    """An HttpConnection to a proxy, over TLS where there is a context."""
    sock = socket.create_connection(address, Deadline(DEFAULT_SECONDS).remaining(), (source, 0))
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if context is not None:
        sock = context.wrap_socket(sock, server_hostname="localhost")
    connection = HttpConnection.__new__(HttpConnection)
    connection.address = address
    connection.stream = ByteStream(sock)
    return connection


def shake_hands(connection, path, **changes):
    """The answer to a handshake on `connection`; the `Accept` of a 101 is checked."""
    key = random_key()
    connection.send(build_request("GET", path, upgrade_headers(key, **changes),
                                  host=connection.host))
    answer = connection.read_response()
    if answer.status == 101:
        assert answer.header("Sec-WebSocket-Accept") == accept_for(key), answer
    return answer


def open_websocket(connection, path="/echo", **changes):
    answer = shake_hands(connection, path, **changes)
    assert answer.status == 101, answer
    return WebSocketClient(connection, answer)


def open_v1(connection, path="/ws", **changes):
    answer = shake_hands(connection, path, Sec_WebSocket_Protocol="wspush.v1", **changes)
    assert answer.status == 101, answer
    return V1Client(connection, answer).start()
