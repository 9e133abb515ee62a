#!/usr/bin/python3
"""export_receive.py KIND ADDRESS OUT [CERT KEY]: receives what weir-export sends.

hook   HTTP (with CERT KEY: HTTPS) on ADDRESS "HOST:PORT": a line of JSON each,
       {"path", "authorization", "body"}. What is in the file OUT.answer decides:
       a status (3xx: to /elsewhere), "hang", or "slow".
hang   TCP on "HOST:PORT": accepts, and never reads.
unix   stream, dgram: a socket at the path ADDRESS: lines.
"""

import http.server
import json
import os
import select
import socket
import ssl
import sys
import threading

kind, address, out = sys.argv[1:4]
lock = threading.Lock()


def write(line):
    with lock, open(out, "a") as f:
        f.write(line + "\n")


def wanted():
    try:
        with open(out + ".answer") as f:
            return f.read().strip()
    except FileNotFoundError:
        return "200"


class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        answer = wanted()
        write(json.dumps({"path": self.path, "authorization": self.headers.get("Authorization"),
                          "answer": answer, "body": json.loads(body)}))
        while answer == "hang" and wanted() == "hang":
            select.select([], [], [], 0.05)
        if answer == "slow":
            select.select([], [], [], 0.2)
        self.send_response(int(answer) if answer.isdigit() else 200)
        if answer.startswith("3"):
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def inet():
    host, port = address.rsplit(":", 1)
    return host, int(port)


if kind == "hook":
    server = http.server.ThreadingHTTPServer(inet(), Hook)
    if len(sys.argv) > 5:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(*sys.argv[4:6])
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    server.serve_forever()
elif kind == "hang":
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    s.bind(inet())
    s.listen()
    kept = []
    while True:
        kept.append(s.accept())
else:
    if os.path.exists(address):
        os.unlink(address)
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM if kind == "dgram" else socket.SOCK_STREAM)
    s.bind(address)
    os.chmod(address, 0o666)
    if kind == "dgram":
        while True:
            write(s.recv(1 << 20).decode())
    s.listen()
    while True:
        c, _ = s.accept()
        for line in c.makefile():
            write(line.rstrip("\n"))
