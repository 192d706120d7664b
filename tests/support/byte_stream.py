"""A blocking socket with a read buffer and a deadline on every call."""

import socket
import ssl

from deadlines import DEFAULT_SECONDS, Deadline, as_deadline


class StreamClosed(AssertionError):
    """The peer ended the connection; `was_reset` tells a RST from a FIN."""

    def __init__(self, was_reset, buffered=b""):
        super().__init__(
            f"connection {'reset' if was_reset else 'closed'} by the peer, {len(buffered)} bytes unread: "
            f"{buffered[:200]!r}")
        self.was_reset = was_reset
        self.buffered = buffered


class StreamTimeout(AssertionError):
    """Nothing (or not enough) came before the deadline."""


def open_socket(address, receive_buffer=None):
    """Connects to (host, port), or to a Unix socket when `address` is a path.

    An address that can `wrap` a socket (TlsAddress) has its handshake done here.
    """
    if isinstance(address, str):
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    else:
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
    if receive_buffer is not None:  # before connect, or the window is announced with the default
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    sock.settimeout(Deadline().remaining())
    try:
        sock.connect(address)
    except OSError:
        sock.close()
        raise
    if sock.family != socket.AF_UNIX:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if hasattr(address, "wrap"):
        try:
            return address.wrap(sock)
        except BaseException:
            sock.close()
            raise
    return sock


class ByteStream:
    """Owns `sock`. Reads go through `buffer`, so that what follows a head is not lost."""

    def __init__(self, sock):
        self.sock = sock
        self.buffer = b""
        self.read_size = 262144  # bytes asked for at once; small ones make a crawling reader

    @classmethod
    def connect(cls, address, receive_buffer=None):
        return cls(open_socket(address, receive_buffer))

    def send(self, data, seconds=DEFAULT_SECONDS):
        """Writes all of `data`; StreamClosed when the peer has reset the connection."""
        self.sock.settimeout(as_deadline(seconds).remaining())
        try:
            self.sock.sendall(data)
        except (ConnectionResetError, BrokenPipeError):
            raise StreamClosed(True, self.buffer) from None
        except socket.timeout:
            raise StreamTimeout(f"could not write {len(data)} bytes") from None

    def send_bytewise(self, data):
        """One system call and (as TCP_NODELAY is set) usually one segment for each byte."""
        for index in range(len(data)):
            self.send(data[index:index + 1])

    def send_what_fits(self, data):
        """Writes without waiting; returns the bytes that the socket took, 0 when it is full."""
        self.sock.settimeout(0)
        try:
            return self.sock.send(data)
        except BlockingIOError:
            return 0
        except (ConnectionResetError, BrokenPipeError):
            raise StreamClosed(True, self.buffer) from None

    def fill(self, deadline):
        """Reads once into the buffer. Raises StreamClosed at the end, StreamTimeout when late."""
        self.sock.settimeout(max(deadline.remaining(), 0.001))
        try:
            data = self.sock.recv(self.read_size)
        except socket.timeout:
            raise StreamTimeout(f"nothing more came; unread: {self.buffer[:200]!r}") from None
        except (ConnectionResetError, ssl.SSLEOFError):  # TLS: cut without a word
            raise StreamClosed(True, self.buffer) from None
        if not data:
            raise StreamClosed(False, self.buffer)
        self.buffer += data

    def read_until(self, mark, seconds=DEFAULT_SECONDS):
        """What comes up to and with `mark`."""
        deadline = as_deadline(seconds)
        while mark not in self.buffer:
            self.fill(deadline)
        end = self.buffer.index(mark) + len(mark)
        return self.take(end)

    def read_exactly(self, count, seconds=DEFAULT_SECONDS):
        deadline = as_deadline(seconds)
        while len(self.buffer) < count:
            self.fill(deadline)
        return self.take(count)

    def read_to_end(self, seconds=DEFAULT_SECONDS):
        """Everything up to the peer's FIN. A reset is an error."""
        deadline = as_deadline(seconds)
        while True:
            try:
                self.fill(deadline)
            except StreamClosed as closed:
                if closed.was_reset:
                    raise
                return self.take(len(self.buffer))

    def take(self, count):
        data, self.buffer = self.buffer[:count], self.buffer[count:]
        return data

    def expect_end(self, seconds=DEFAULT_SECONDS):
        """The peer sends nothing more and closes in an orderly way."""
        rest = self.read_to_end(seconds)
        assert rest == b"", f"unexpected bytes before the end: {rest[:200]!r}"

    def finish_writing(self):
        self.sock.shutdown(socket.SHUT_WR)

    def close(self):
        self.sock.close()
