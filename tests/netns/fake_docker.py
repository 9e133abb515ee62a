#!/usr/bin/python3
"""fake_docker.py SOCKET FOLDER: a Docker with one container, "web".

What it says of it stands in files of FOLDER, read each time: `state` (running,
paused; empty: none), `pid`, and `inspect`, the status of an inspection (200, 404,
500); and, if it is there, `config`: JSON, the inspection's "Config". A line written
to the FIFO `events` is an event of the container.
"""

import json
import os
import socketserver
import sys

ID = "ab" * 32


def said(name):
    with open(os.path.join(sys.argv[2], name), encoding="ascii") as f:
        return f.read().strip()


class Handler(socketserver.StreamRequestHandler):
    def say(self, status, value):
        body = json.dumps(value).encode()
        self.wfile.write(b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n\r\n" % (status, len(body)) + body)

    def follow(self):
        self.wfile.write(b"HTTP/1.1 200 X\r\n\r\n")
        # open for both, it does not end with a writer
        fifo = os.open(os.path.join(sys.argv[2], "events"), os.O_RDWR)
        for line in os.fdopen(fifo, "rb", 0):
            event = {"Type": "container", "Action": line.decode().strip(), "Actor": {"ID": ID}}
            self.wfile.write(json.dumps(event).encode() + b"\n")

    def answer(self, path):
        state = said("state")
        if path == "/version":
            self.say(200, {"ApiVersion": "1.41"})
        elif "/events" in path:
            self.follow()
        elif "/containers/json" in path:
            self.say(200, [{"Id": ID, "State": state, "Names": ["/web"]}] if state else [])
        else:
            config = json.loads(said("config")) if os.path.exists(os.path.join(sys.argv[2], "config")) else {}
            self.say(int(said("inspect")), {"Id": ID, "Name": "/web", "Config": config,
                                            "State": {"Status": state or "exited", "Pid": int(said("pid"))}})

    def handle(self):
        while request := self.rfile.readline().split():
            while self.rfile.readline().strip():
                pass
            self.answer(request[1].decode())


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


Server(sys.argv[1], Handler).serve_forever()
