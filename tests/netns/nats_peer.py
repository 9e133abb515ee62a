#!/usr/bin/python3
"""nats_peer.py FOLDER HOST PORT: one client of a server of NATS, with a node's files.

FOLDER has node.crt, node.key and ca.crt. With "FOLDER:NAME" the key and certificate
are NAME.key and NAME.crt; with "FOLDER:" there is none. Each line of standard
input is done, and answered by one line:

    pub SUBJECT [TEXT]         ok, or what the server minds
    pack SUBJECT TEXT          the same, as agents pack what they tell
    sub SUBJECT                the same
    req SUBJECT [TEXT]         the answer's text (headers before it), or the error
    reply SUBJECT TO [TEXT]    as pub, with TO for whoever answers
    next                       SUBJECT TEXT of the next message that came
    answer [TEXT]              to who sent that, as pub
"""

import json
import secrets
import socket
import ssl
import sys
import zlib


class Refused(Exception):
    pass


def tls_of(folder):
    folder, _, name = folder.partition(":") if ":" in folder else (folder, "", "node")
    tls = ssl.create_default_context(cafile=folder + "/ca.crt")
    if name:
        tls.load_cert_chain(f"{folder}/{name}.crt", f"{folder}/{name}.key")
    return tls


class Peer:
    def __init__(self, folder, host, port, timeout=20):
        """folder None: a server that wants no TLS."""
        tls = tls_of(folder) if folder else None
        self.node = folder.partition(":")[0].rstrip("/").split("/node-")[-1] if folder else "peer"
        self.sock = socket.create_connection((host, port), timeout)
        self.buffer = b""
        self.info = json.loads(self.line().partition(b" ")[2])
        if tls:
            self.sock = tls.wrap_socket(self.sock, server_hostname=host)
        self.sids = 0
        self.messages, self.errors = [], []
        self.asker = ""  # where the last message that was looked at wants its answer
        self.send("CONNECT " + json.dumps({"verbose": False, "pedantic": False, "lang": "python",
                                           "version": "0", "protocol": 1, "headers": True,
                                           "no_responders": True}) + "\r\n")
        self.settle()
        if self.errors:
            raise Refused(self.errors.pop())
        self.inbox = f"_INBOX.{self.node}.{secrets.token_hex(8)}"
        self.sub(self.inbox + ".*")
        self.refused_inbox = self.errors.pop() if self.errors else None

    def send(self, text, payload=None):
        data = text.encode()
        self.sock.sendall(data if payload is None else data + payload + b"\r\n")

    def more(self):
        got = self.sock.recv(65536)
        if not got:
            raise Refused(self.errors[-1] if getattr(self, "errors", None) else "closed")
        self.buffer += got

    def line(self):
        while b"\r\n" not in self.buffer:
            self.more()
        line, _, self.buffer = self.buffer.partition(b"\r\n")
        return line

    def exactly(self, n):
        while len(self.buffer) < n + 2:
            self.more()
        data, self.buffer = self.buffer[:n], self.buffer[n + 2:]
        return data

    def one(self):
        """Reads one thing the server says; what it was."""
        line = self.line().decode()
        word, _, rest = line.partition(" ")
        if word == "PING":
            self.send("PONG\r\n")
        elif word == "-ERR":
            self.errors.append(rest)
        elif word in ("MSG", "HMSG"):
            parts = rest.split(" ")
            body = self.exactly(int(parts[-1])).decode()
            reply = parts[2] if len(parts) > (4 if word == "HMSG" else 3) else ""
            # headers, on one line, before what they are of
            self.messages.append((parts[0], " ".join(body.split("\r\n")), reply))
        return word

    def settle(self):
        """All that was sent before was dealt with."""
        self.send("PING\r\n")
        while self.one() != "PONG":
            pass

    def said(self):
        self.settle()
        return self.errors.pop() if self.errors else "ok"

    def sub(self, subject):
        self.sids += 1
        self.send(f"SUB {subject} {self.sids}\r\n")
        return self.said()

    def pub(self, subject, text="", reply=""):
        payload = text if isinstance(text, bytes) else text.encode()
        self.send(f"PUB {subject} {reply + ' ' if reply else ''}{len(payload)}\r\n", payload)
        return self.said()

    def req(self, subject, text=""):
        reply = f"{self.inbox}.{secrets.token_hex(4)}"
        said = self.pub(subject, text, reply)
        if said != "ok":
            return said
        while True:
            for i, (to, body, _) in enumerate(self.messages):
                if to == reply:
                    del self.messages[i]
                    return body
            self.one()

    def next(self):
        while not self.messages:
            self.one()
        subject, body, self.asker = self.messages.pop(0)
        return f"{subject} {body}"

    def do(self, line):
        word, _, rest = line.partition(" ")
        if word == "next":
            return self.next()
        if word == "reply":
            subject, to, *text = rest.split(" ", 2)
            return self.pub(subject, "".join(text), to)
        if word == "answer":
            return self.pub(self.asker, rest)
        subject, _, text = rest.partition(" ")
        if word == "pack":
            data = text.encode()
            return self.pub(subject, len(data).to_bytes(8, "big") + zlib.compress(data))
        return {"pub": self.pub, "sub": self.sub, "req": self.req}[word](
            subject, *([text] if word != "sub" else []))


def main():
    try:
        peer = Peer(sys.argv[1], sys.argv[2], int(sys.argv[3]))
        print("connected", flush=True)
        for line in sys.stdin:
            print(peer.do(line.rstrip("\n")), flush=True)
    except (Refused, OSError) as e:  # ssl.SSLError is one
        print("refused:", e, flush=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
