"""The servers that the cases run against: wspushd, configured in several ways."""

import os
import ssl
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "support"))

from daemon import Daemon, merged  # noqa: E402  (after the path is set)
from peer import Target  # noqa: E402

KIB, MIB = 1 << 10, 1 << 20

# What the `tight` server is set to, for the cases that go to its limits.
TIGHT_MESSAGE_BYTES = 64 * KIB
TIGHT_FRAMES = 16
TIGHT_QUEUED_BYTES = 256 * KIB
TIGHT_WRITE_SECONDS = 1
MIN_BYTES = 128
NARROW_BITS = 10

_BASE = {
    "listen": [{"address": "127.0.0.1:0"}],
    "internal": {"address": "127.0.0.1:0"},
    "reactors": 2,
    "echo": True,
    "limits": {"message_bytes": "16MiB", "frames_per_message": 65536, "queued_bytes": "1MiB"},
    # Each message is compressed, also the smallest.
    "compression": {"min_bytes": 0},
    # A ping that nobody asked for would be allowed at any time: as few as can be.
    "heartbeat": {"ping_interval": "60m", "proxy_read_timeout": "2h"},
    "drain": {"period": "200ms"},
}
CONFIGURATIONS = {
    "main": {},
    "takeover": {"compression": {"context_takeover": True}},
    "narrow": {"compression": {"window_bits": NARROW_BITS}},
    "tight": {
        "limits": {"message_bytes": TIGHT_MESSAGE_BYTES, "frames_per_message": TIGHT_FRAMES,
                   "queued_bytes": TIGHT_QUEUED_BYTES,
                   "write_timeout": f"{TIGHT_WRITE_SECONDS}s"},
        "compression": {"min_bytes": MIN_BYTES},
    },
}


class Certificate:
    """One for 127.0.0.1, signed by itself, made in `directory`."""

    def __init__(self, directory):
        self.path = os.path.join(directory, "certificate.pem")
        self.key_path = os.path.join(directory, "key.pem")
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext",
             "subjectAltName=IP:127.0.0.1", "-keyout", self.key_path, "-out", self.path],
            check=True, capture_output=True)

    def client_context(self):
        context = ssl.create_default_context(cafile=self.path)
        context.set_alpn_protocols(["http/1.1"])
        # An end without close_notify is no end, but an error (RFC 8446 section 6.1).
        context.options &= ~ssl.OP_IGNORE_UNEXPECTED_EOF
        return context

    def server_context(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.path, self.key_path)
        return context


class Lab:
    """Starts each server once; `with` it, so that all of them end, and end well.

    `uses_tls`: cases speak TLS with a certificate made for this run. `is_full`: Autobahn's own
    counts of messages.
    """

    def __init__(self, uses_tls=False, is_full=False):
        self.is_full = is_full
        self._lock = threading.Lock()
        self._daemons = {}
        self._directory = tempfile.TemporaryDirectory(prefix="wspushd-conformance-")
        self._certificate = Certificate(self._directory.name) if uses_tls else None
        self._context = self._certificate and self._certificate.client_context()

    @property
    def main(self):
        return self.target("main")

    def target(self, name):
        with self._lock:
            if name not in self._daemons:
                changes = merged(CONFIGURATIONS[name], self._listener())
                self._daemons[name] = Daemon(changes, base=_BASE)
            return Target(self._daemons[name].public, context=self._context)

    def _listener(self):
        if self._certificate is None:
            return {}
        return {"listen": [{"address": "127.0.0.1:0", "tls": {
            "certificate": self._certificate.path, "key": self._certificate.key_path}}]}

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        problems = []
        for name, daemon in self._daemons.items():
            try:
                daemon.stop()
            except AssertionError as problem:
                problems.append(f"the server `{name}`: {problem}")
        self._directory.cleanup()
        if problems and kind is None:
            raise AssertionError("\n".join(problems))
