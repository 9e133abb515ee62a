#!/usr/bin/python3
"""fake_kube.py FOLDER PORT: an API server as far as lists and watches go.

HTTPS with FOLDER/server.pem. Who asks needs the token that FOLDER/accepted has.
Objects live in FOLDER/state.json, over restarts; if there is FOLDER/forget, without
what became of them until then. As documented for the API
(kubernetes.io/docs/reference/using-api/api-concepts): resourceVersion, limit and
continue, fieldSelector, watch=1 with events from a resourceVersion on, bookmarks,
410 for one that was compacted, Status objects.

POST /control takes JSON, and needs no token:
  {"set": KIND, "object": {...}}   added or modified, by namespace and name
  {"del": KIND, "namespace":, "name":}
  {"drop": true}                   all watches break off
  {"garbage": TEXT}                is sent to all watches, as it is
  {"refuse": STATUS}               every request gets that; 0: none any more
  {"page": N}                      no page has more than so many
GET /control: {"asked": {"list": n, "watch": n, "401": n, ...}, "watching": n}
"""

import http.server
import json
import os
import ssl
import sys
import threading
import time
import urllib.parse

FOLDER, PORT = sys.argv[1], int(sys.argv[2])
PATHS = {"/api/v1/namespaces": ("namespaces", "Namespace", "v1"),
         "/api/v1/pods": ("pods", "Pod", "v1"),
         "/apis/networking.k8s.io/v1/networkpolicies": ("networkpolicies", "NetworkPolicy", "networking.k8s.io/v1")}
state = {"version": 100, "compacted": 0, "objects": {k: {} for k, _, _ in PATHS.values()}, "events": []}
asked, watching = {}, set()
options = {"refuse": 0, "page": 1000}
changed = threading.Condition()


def save():
    with open(FOLDER + "/state.tmp", "w", encoding="ascii") as f:
        json.dump(state, f)
    os.replace(FOLDER + "/state.tmp", FOLDER + "/state.json")


def change(kind, key, value):
    """One more version; value None: deleted."""
    state["version"] += 1
    before = state["objects"][kind].get(key)
    if value is None:
        value = before
        del state["objects"][kind][key]
        what = "DELETED"
    else:
        value["metadata"].setdefault("uid", before["metadata"]["uid"] if before else f"uid-{kind}-{state['version']}")
        state["objects"][kind][key] = value
        what = "MODIFIED" if before else "ADDED"
    value["metadata"]["resourceVersion"] = str(state["version"])
    state["events"].append([state["version"], kind, what, json.loads(json.dumps(value))])


def selected(selector, o):
    """Terms that are true of it: FIELD=VALUE, FIELD!=VALUE."""
    for term in filter(None, selector.split(",")):
        field, value = term.split("!=" if "!=" in term else "=")
        v = o
        for part in field.split("."):
            v = v.get(part, {})
        if ((v or "") == value) == ("!=" in term):
            return False
    return True


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def say(self, status, value):
        body = json.dumps(value).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def fail(self, code, reason):
        asked[str(code)] = asked.get(str(code), 0) + 1
        self.say(code, {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                        "message": reason.lower(), "reason": reason, "code": code})

    def chunk(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def event(self, what, value):
        self.chunk(json.dumps({"type": what, "object": value}).encode() + b"\n")

    def list(self, kind, name, version, query):
        selector, limit = query.get("fieldSelector", ""), int(query.get("limit", "0"))
        first, at = (json.loads(query["continue"]) if "continue" in query else (0, state["version"]))
        if at < state["compacted"]:
            return self.fail(410, "Expired")
        items = [o for _, o in sorted(state["objects"][kind].items()) if selected(selector, o)]
        step = min(limit or options["page"], options["page"])
        meta = {"resourceVersion": str(at)}
        if first + step < len(items):
            meta.update({"continue": json.dumps([first + step, at]), "remainingItemCount": len(items) - first - step})
        return self.say(200, {"kind": name + "List", "apiVersion": version, "metadata": meta,
                              "items": items[first:first + step]})

    def watch(self, kind, name, version, query):
        at, selector = int(query.get("resourceVersion", "0")), query.get("fieldSelector", "")
        end = time.monotonic() + int(query.get("timeoutSeconds", "300"))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.flush()
        if at < state["compacted"]:
            self.event("ERROR", {"kind": "Status", "status": "Failure", "reason": "Expired", "code": 410,
                                 "message": f"too old resource version: {at}"})
            return self.chunk(b"")
        watching.add(self.connection)
        try:
            self.follow(kind, name, version, selector, at, end)
        finally:
            watching.discard(self.connection)
        return self.chunk(b"")

    def follow(self, kind, name, version, selector, at, end):
        while time.monotonic() < end:
            with changed:
                news = [e for e in state["events"] if e[0] > at]
                if not news:
                    changed.wait(0.5)
            for number, of, what, value in news:
                at = number
                if of != kind:
                    continue
                # who leaves the selection is deleted, to who watches it
                if not selected(selector, value):
                    what = "DELETED"
                self.event(what, value)
            if news:
                self.event("BOOKMARK", {"kind": name, "apiVersion": version, "metadata": {"resourceVersion": str(at)}})
            elif self.connection not in watching:
                return

    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))
        if url.path == "/control":
            return self.say(200, {"asked": asked, "watching": len(watching)})
        with open(FOLDER + "/accepted", encoding="ascii") as f:
            token = f.read().strip()
        if options["refuse"]:
            return self.fail(options["refuse"], "Refused")
        if self.headers.get("Authorization") != "Bearer " + token:
            return self.fail(401, "Unauthorized")
        if url.path not in PATHS:
            return self.fail(404, "NotFound")
        what = "watch" if query.get("watch") in ("1", "true") else "list"
        asked[what] = asked.get(what, 0) + 1
        return getattr(self, what)(*PATHS[url.path], query)

    def do_POST(self):
        order = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with changed:
            if "set" in order:
                meta = order["object"]["metadata"]
                change(order["set"], f"{meta.get('namespace', '')}/{meta['name']}", order["object"])
            if "del" in order:
                change(order["del"], f"{order.get('namespace', '')}/{order['name']}", None)
            for option in set(options) & set(order):
                options[option] = order[option]
            save()
            changed.notify_all()
        for connection in list(watching):
            if "garbage" in order:
                data = order["garbage"].encode()
                connection.sendall(b"%x\r\n%s\r\n" % (len(data), data))
            if "drop" in order:
                watching.discard(connection)
                connection.shutdown(2)
        self.say(200, {})


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass  # who was asking went away


if os.path.exists(FOLDER + "/state.json"):
    with open(FOLDER + "/state.json", encoding="ascii") as saved:
        state = json.load(saved)
if os.path.exists(FOLDER + "/forget"):  # a server that begins with nothing but what there is
    state["version"] += 1
    state["compacted"] = state["version"]
server = Server(("127.0.0.1", PORT), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(FOLDER + "/server.pem")
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
server.serve_forever()
