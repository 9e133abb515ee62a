"""What the servers of this folder share: a thread a connection, on both families.

Debian has no server of these five protocols, but clients. Each server here says what
its protocol's description asks for, as far as a client needs it to come to an end:
what is recorded is what real clients say, and right answers to it.
"""
import socket
import socketserver
import struct
import sys


class Gone(Exception):
    """The other end has closed."""


class Conversation(socketserver.BaseRequestHandler):
    """One connection; `talk` is the protocol."""

    def take(self, n):
        got = b""
        while len(got) < n:
            piece = self.request.recv(n - len(got))
            if not piece:
                raise Gone
            got += piece
        return got

    def send(self, data):
        self.request.sendall(data)

    def talk(self):
        raise NotImplementedError

    def handle(self):
        try:
            self.talk()
        except (Gone, ConnectionError):
            pass


class Server(socketserver.ThreadingTCPServer):
    address_family = socket.AF_INET6
    allow_reuse_address = True
    daemon_threads = True

    def server_bind(self):
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()


def serve(conversation):
    """Until it is ended, on the port of the command line."""
    Server(("::", int(sys.argv[1])), conversation).serve_forever()


class Reader:
    """Numbers and texts out of bytes, big-endian."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        self.at += n
        return self.data[self.at - n:self.at]

    def number(self, form):
        return struct.unpack(">" + form, self.take(struct.calcsize(">" + form)))[0]

    def text(self):
        """A length of two bytes, -1 is none."""
        n = self.number("h")
        return self.take(n).decode() if n >= 0 else None
