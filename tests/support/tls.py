"""TLS for the test clients: certificates made on the spot, addresses that are spoken to in TLS."""

import os
import socket
import ssl
import subprocess
import threading


def make_certificate(directory, name, names="DNS:localhost,IP:127.0.0.1", days=2):
    """Writes `<name>.pem` and `<name>.key`, self-signed, CN=<name>; returns both paths."""
    certificate, key, request = (os.path.join(str(directory), name + end)
                                 for end in (".pem", ".key", ".csr"))
    for command in (
            ["req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc",
             "-subj", f"/CN={name}", "-addext", f"subjectAltName={names}", "-out", request,
             "-keyout", key],
            # Unlike `req -x509` it makes a certificate that has expired, too.
            ["x509", "-req", "-in", request, "-signkey", key, "-days", str(days),
             "-copy_extensions", "copyall", "-out", certificate]):
        subprocess.run(["openssl", *command], check=True, capture_output=True, timeout=60)
    return certificate, key


def tls_section(paths, **more):
    """What a listener's `tls` says."""
    return {"certificate": paths[0], "key": paths[1], **more}


def client_context(ca_file=None, version=None, alpn=None):
    """A client's context that trusts `ca_file`, or anybody; only one `version` if told."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if ca_file is None:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    else:
        context.load_verify_locations(ca_file)
    if version is not None:
        context.minimum_version = context.maximum_version = version
    if alpn is not None:
        context.set_alpn_protocols(alpn)
    return context


class TlsAddress(tuple):
    """(host, port), or a unix path with `unix`, and how TLS is spoken there: see open_socket.

    The end of the stream has to be told (close_notify), or it counts as a reset.
    """

    def __new__(cls, address, context=None, name="localhost", session=None):
        self = super().__new__(cls, address)
        self.context = context or client_context()
        self.name = name
        self.session = session
        return self

    def wrap(self, sock):
        return self.context.wrap_socket(sock, server_hostname=self.name, session=self.session,
                                        suppress_ragged_eofs=False)


def record_lengths(data):
    """[(content type, length)] of the TLS records in `data`, which begins with one."""
    records = []
    while len(data) >= 5:
        length = int.from_bytes(data[3:5], "big")
        records.append((data[0], length))
        data = data[5 + length:]
    return records


class RecordingRelay:
    """Forwards to `target` and keeps what the server sends. Use it in a `with`."""

    def __init__(self, target):
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = self._listener.getsockname()
        self._lock = threading.Lock()
        self._data = b""
        self._sockets = []
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        client, _ = self._listener.accept()
        server = socket.create_connection(self._target)
        self._sockets = [client, server]
        threading.Thread(target=self._forward, args=(client, server, False), daemon=True).start()
        self._forward(server, client, True)

    def _forward(self, source, sink, is_kept):
        try:
            while data := source.recv(65536):
                if is_kept:
                    with self._lock:
                        self._data += data
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def from_server(self):
        with self._lock:
            return self._data

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listener.close()
        for sock in self._sockets:
            sock.close()
