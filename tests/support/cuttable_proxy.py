"""A TCP proxy between a client and a server whose connections can be cut, held and let in again."""

import socket
import struct
import threading


class CuttableProxy:
    """Listens on a port of its own, `address`, and forwards to `target`. Use it in a `with`."""

    def __init__(self, target):
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = self._listener.getsockname()
        self._lock = threading.Lock()
        self._pairs = []
        self._open = True
        self.accepted = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self.accepted += 1
                server = None
                if self._open:
                    try:
                        server = socket.create_connection(self._target)
                    except OSError:
                        pass
                if server is None:
                    client.close()
                    continue
                for sock in (client, server):  # Here, where nobody can have closed it.
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._pairs.append((client, server))
            for source, sink in ((client, server), (server, client)):
                threading.Thread(target=self._forward, args=(source, sink), daemon=True).start()

    @staticmethod
    def _forward(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            # One side was reset, by a peer that was killed: the other one must hear of it too.
            for sock in (source, sink):
                try:
                    sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def cut(self, reset=False):
        """Ends every connection, on both sides; with `reset` by RST."""
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            for sock in pair:
                try:
                    if reset:
                        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                        struct.pack("ii", 1, 0))
                    sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
                sock.close()

    def refuse(self):
        """From now on new connections are closed at once; those that are open stay."""
        with self._lock:
            self._open = False

    def admit(self):
        with self._lock:
            self._open = True

    def retarget(self, target):
        with self._lock:
            self._target = target

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listener.close()
        self.cut()
