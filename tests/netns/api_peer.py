#!/usr/bin/python3
"""Clients of weir-api that no browser is, for api.sh.

api_peer.py streams PORT TOKEN N SECONDS   N streams of events; how many were sent
                                           one within SECONDS
api_peer.py stream PORT TOKEN TOPICS SECONDS EXPRESSION
                                           until EXPRESSION over `messages`, a list
                                           of (topic, data), is true
api_peer.py slow PORT SECONDS              requests that trickle: cut off in time?
api_peer.py walk PORT TOKEN OPENAPI        each route with wrong arguments: every
                                           answer a problem of 4xx, and no crash
api_peer.py hostile PORT                   what is hardly HTTP
api_peer.py held ADDRESS PORT TOKEN        by TLS: requests on one connection, the last
                                           one after a line on standard input
"""
import http.client
import json
import random
import select
import socket
import ssl
import sys
import time


def connect(port):
    s = socket.create_connection(("127.0.0.1", port), timeout=20)
    return s


def request(port, method, path, headers=(), body=b""):
    """(status, headers, body) of one request on a connection of its own."""
    s = connect(port)
    head = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Connection: close"]
    head += [f"{k}: {v}" for k, v in headers]
    if body:
        head.append(f"Content-Length: {len(body)}")
    data = b""
    try:
        s.sendall("\r\n".join(head).encode("latin-1") + b"\r\n\r\n" + body)
    except OSError:
        pass  # it may have answered and closed already
    try:
        while True:
            piece = s.recv(65536)
            if not piece:
                break
            data += piece
    except ConnectionResetError:
        pass
    s.close()
    top, _, rest = data.partition(b"\r\n\r\n")
    lines = top.decode("latin-1").split("\r\n")
    status = int(lines[0].split()[1]) if data else 0
    return status, dict(x.lower().split(": ", 1) for x in lines[1:] if ": " in x), rest


def open_stream(port, token, topics):
    s = connect(port)
    s.sendall((f"GET /api/v1/stream?topics={topics} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
               f"Authorization: Bearer {token}\r\n\r\n").encode())
    return s


def streams(port, token, n, seconds):
    poll, waiting, got = select.epoll(), {}, 0
    for _ in range(n):
        s = open_stream(port, token, "events")
        waiting[s.fileno()] = [s, b""]
        poll.register(s.fileno(), select.EPOLLIN)
    print("open", flush=True)
    end = time.time() + seconds
    while waiting and time.time() < end:
        for fd, _ in poll.poll(1):
            s, data = waiting[fd]
            piece = s.recv(65536)
            waiting[fd][1] = data = data + piece
            if not piece or b"event: events\n" in data:
                got += b"event: events\n" in data and b" 200 " in data
                poll.unregister(fd)
                # stays open, or the others would have it easier
                waiting[fd] = None
                del waiting[fd]
                kept.append(s)
    print(got, flush=True)
    sys.stdin.readline()
    return 0 if got == n else 1


kept = []


def messages_of(data):
    """SSE within chunks -> [(topic, data)]."""
    head, _, rest = data.partition(b"\r\n\r\n")
    text = b""
    while b"\r\n" in rest:
        size, _, rest = rest.partition(b"\r\n")
        n = int(size, 16)
        if n == 0 or len(rest) < n:
            text += rest[:n]
            break
        text, rest = text + rest[:n], rest[n + 2:]
    found = []
    for part in text.decode().split("\n\n")[:-1]:
        lines = dict(x.split(": ", 1) for x in part.split("\n") if ": " in x)
        if "event" in lines:
            found.append((lines["event"], json.loads(lines["data"])))
    return found


def stream(port, token, topics, seconds, expression):
    s, data, end = open_stream(port, token, topics), b"", time.time() + seconds
    s.settimeout(1)
    while time.time() < end:
        try:
            piece = s.recv(65536)
        except TimeoutError:
            continue
        data += piece
        messages = messages_of(data)
        if eval(expression, {"messages": messages, "ended": not piece or data.endswith(b"\r\n0\r\n\r\n")}):
            print(json.dumps(messages[-20:]))
            return 0
        if not piece:
            break
    print(data[-2000:].decode(errors="replace"))
    return 1


def slow(port, seconds):
    """One that says nothing, one that trickles its head, one its body."""
    begin, ends, poll = time.time(), {}, select.poll()
    kinds = {
        "silent": b"",
        "head": b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: ",
        "body": b"POST /api/v1/session HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                b"Content-Type: application/json\r\nContent-Length: 5000\r\n\r\n{",
    }
    socks = {}
    for name, text in kinds.items():
        s = connect(port)
        s.sendall(text)
        socks[name] = s
        poll.register(s, select.POLLIN)
    while socks and time.time() - begin < seconds:
        for name, s in list(socks.items()):
            try:
                if name != "silent":
                    s.sendall(b"a")
                s.settimeout(0.2)
                if s.recv(4096) == b"":
                    raise ConnectionResetError
            except TimeoutError:
                continue
            except OSError:
                ends[name] = time.time() - begin
                del socks[name]
    print(ends)
    return 0 if len(ends) == len(kinds) else 1


WRONG = [None, True, -1, 1 << 70, 1.5, "", "x" * 5000, "\u0000", "../..", [], [[]], {}, {"a": {}}]


def check(method, path, answer, may=(400, 403, 404, 409, 412, 413, 415, 501, 502, 503)):
    status, headers, body = answer
    if status in (200, 201):
        return True  # it happened to be right
    try:
        problem = json.loads(body)
        fine = (status in may and headers["content-type"] == "application/problem+json"
                and set(problem) == {"type", "title", "status", "detail", "code", "at"}
                and problem["status"] == status and problem["detail"])
    except (ValueError, KeyError):
        fine = False
    if not fine:
        print(method, path[:200], status, body[:300])
    return fine


def walk(port, token, openapi):
    import yaml
    random.seed(7)
    doc = yaml.safe_load(open(openapi))
    auth = [("Authorization", f"Bearer {token}")]
    bad = n = 0
    skipped = ("/api/v1/stream", "/api/v1/session/password")
    for path, methods in doc["paths"].items():
        if path in skipped:
            continue
        for method, op in methods.items():
            parts = [p["name"] for p in op.get("parameters", []) if p["in"] == "path"]
            queries = [p["name"] for p in op.get("parameters", []) if p["in"] == "query"]
            content = op.get("requestBody", {}).get("content", {})
            schema = content.get("application/json", {}).get("schema", {})
            members = list(schema.get("properties", {})) + ["nope"]
            tries = []
            for odd in ("nope", "%2e%2e", "%00", "%ff", "9" * 30, "x" * 300):
                at = path
                for name in parts:
                    at = at.replace("{" + name + "}", odd)
                if parts:
                    tries.append((at, b""))
            plain = path
            for name in parts:
                plain = plain.replace("{" + name + "}", "nope")
            for name in queries + ["nope"]:
                for odd in ("", "%00", "x", "-1", "9" * 30, "%5b%5d"):
                    tries.append((f"{plain}?{name}={odd}", b""))
            if content:
                for name in members:
                    for odd in WRONG:
                        tries.append((plain, json.dumps({name: odd}).encode()))
                for text in (b"", b"[]", b"null", b"{", b"\xff", b"{" * 5000, b"x" * 300000):
                    tries.append((plain, text))
            for at, body in tries:
                headers = list(auth)
                if body:
                    kind = "text/plain" if "text/plain" in content else "application/json"
                    headers.append(("Content-Type", kind))
                bad += not check(method, at, request(port, method.upper(), at, headers, body))
                n += 1
    print(n, "requests,", bad, "wrong")
    return 0 if n > 1000 and bad == 0 else 1


def hostile(port):
    fine = True
    for path in ("/../../etc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2fetc/passwd",
                 "//etc/passwd", "/assets/../../../etc/passwd", "/index.html%00.js", "/.hidden",
                 "/index.html/", "/./index.html", "/link", "/api", "/api/", "/api/v1", "/\\..\\x"):
        answer = request(port, "GET", path)
        if answer[0] != 404 or b"root:" in answer[2]:
            print(path, answer)
            fine = False
    for text in (b"\x16\x03\x01\x02\x00\x01\x00", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n",
                 b"\0" * 1000, b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 5000 + b"\r\n",
                 b"POST /api/v1/session HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                 b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n{}",
                 b"POST /api/v1/session HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -1\r\n\r\n",
                 b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\n\r\n"):
        s = connect(port)
        try:
            s.sendall(text)
            s.shutdown(socket.SHUT_WR)
            while s.recv(65536):
                pass
        except OSError:
            pass
        s.close()
    return 0 if fine and request(port, "GET", "/")[0] == 200 else 1


def held(address, port, token):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    s = http.client.HTTPSConnection(address, port, timeout=20, context=context)
    s.connect()
    s.auto_open = 0  # never another one
    told = False
    while True:
        s.request("GET", "/api/v1/session", headers={"Authorization": f"Bearer {token}"})
        answer = s.getresponse()
        answer.read()
        print(answer.status, flush=True)
        if told:
            return 0
        told = bool(select.select([sys.stdin], [], [], 3)[0])  # else it idles too long


if __name__ == "__main__":
    what, args = sys.argv[1], sys.argv[2:]
    if what == "streams":
        sys.exit(streams(int(args[0]), args[1], int(args[2]), int(args[3])))
    if what == "stream":
        sys.exit(stream(int(args[0]), args[1], args[2], int(args[3]), args[4]))
    if what == "slow":
        sys.exit(slow(int(args[0]), int(args[1])))
    if what == "walk":
        sys.exit(walk(int(args[0]), args[1], args[2]))
    if what == "hostile":
        sys.exit(hostile(int(args[0])))
    if what == "held":
        sys.exit(held(args[0], int(args[1]), args[2]))
    sys.exit(__doc__)
