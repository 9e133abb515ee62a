#!/usr/bin/python3
"""make.py DIR: writes attacks.pcap, ordinary.pcap, and what is in them (.json: for each connection
[its name, sid or 0, what it is]). The same bytes each time."""
import gzip
import json
import struct
import sys
import zlib

import attacks
import ordinary
from wire import MSS, Talk, chunked, mixed, percent, write

USUAL = {"Host": "www.example.org", "User-Agent": ordinary.CHROME, "Accept": "*/*"}
FORM = attacks.FORM
# How the bytes get there; v6: the last one.
WAYS = ("plain", "tiny", "overlap", "fragments", "v6", "v6-fragments")


def b(text):
    return text if isinstance(text, bytes) else text.encode("latin-1")


def marked(text, change):
    """What is between the marks, changed."""
    out, rest = b"", b(text)
    while b"\xab" in rest:
        before, rest = rest.split(b"\xab", 1)
        inside, rest = rest.split(b"\xbb", 1)
        out += before + change(inside)
    return out + rest


def request(method, uri, headers, body=None, packed=None):
    """packed: chunked, gzip, deflate, gzip-chunked"""
    head = dict(USUAL, **headers)
    if body is not None:
        if packed and "gzip" in packed:
            body = gzip.compress(body, mtime=0)
            head["Content-Encoding"] = "gzip"
        elif packed == "deflate":
            body = zlib.compress(body)
            head["Content-Encoding"] = "deflate"
        if packed and "chunked" in packed:
            body = chunked(body)
            head["Transfer-Encoding"] = "chunked"
        else:
            head["Content-Length"] = str(len(body))
    lines = b"".join(b(n) + b": " + b(v) + b"\r\n" for n, v in head.items())
    return b(method) + b" " + b(uri) + b" HTTP/1.1\r\n" + lines + b"\r\n" + (body or b"")


def plain(x):
    return x


def once(x):
    return percent(x, 1)


def twice(x):
    return percent(x, 2)


def every(x):
    return percent(x, 1, True)


def iis(x):
    """As IIS has it, what is special."""
    return b"".join(bytes([c]) if c in b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~" or c > 127
                    else b"%%u%04x" % c for c in x)


def json_escaped(body):
    """What may stand for itself in JSON and need not."""
    return b"".join(b"\\u%04X" % c if c in b"'<>$#%&;/.()=" else bytes([c]) for c in body)


def written(a):
    """(what, bytes) for each way to write that attack down."""
    case = [] if a.how.get("exact") else [("case", mixed)]
    if a.kind == "uri" and a.how.get("raw"):
        yield "as is", request("GET", a.text, {})
    elif a.kind == "uri":
        codes = [("once", once), ("twice", twice), ("every byte", every), ("iis", iis)]
        for name, code in codes + [(n, lambda x, f=f: once(f(x))) for n, f in case]:
            yield name, request("GET", marked(a.text, code), {})
    elif a.kind == "header":
        for name, change in [("as is", plain)] + case:
            yield name, request("GET", "/", {a.how["name"]: marked(a.text, change)})
    elif a.kind in ("form", "body"):
        codes = [("as is", plain)] + case
        if a.kind == "form":
            codes = [("once", once), ("twice", twice)] + [(n, lambda x, f=f: once(f(x))) for n, f in case]
        kind = {"Content-Type": FORM if a.kind == "form" else a.how["type"]}
        for name, code in codes:
            yield name, request("POST", "/a", kind, marked(a.text, code))
        if a.how.get("type") == "application/json" and not a.how.get("exact"):
            yield "json", request("POST", "/a", kind, json_escaped(marked(a.text, plain)))
        for packed in ("chunked", "gzip", "deflate", "gzip-chunked"):
            yield packed, request("POST", "/a", kind, marked(a.text, codes[0][1]), packed)
    else:
        yield "as is", b(a.text)


def mysql(query):
    """(back, bytes): greeting, login, OK, the query."""
    def packet(n, data):
        return struct.pack("<I", len(data))[:3] + bytes([n]) + data
    hello = (b"\x0a8.0.36\0" + struct.pack("<I", 7) + b"abcdefgh\0" + b"\xff\xf7\x21\x02\0\xff\x81\x15" + bytes(10)
             + b"abcdefghijkl\0mysql_native_password\0")
    login = struct.pack("<II", 0x00bfa28d, 1 << 24) + b"\x21" + bytes(23) + b"web\0\0shop\0mysql_native_password\0"
    return [(1, packet(0, hello)), (0, packet(1, login)), (1, packet(2, b"\0\0\0\2\0\0\0")), (0, packet(0, b"\3" + query))]


def postgresql(query):
    start = b"\0\3\0\0user\0web\0database\0shop\0\0"
    ask = b"Q" + struct.pack("!I", len(query) + 5) + query + b"\0"
    ready = b"R\0\0\0\x08\0\0\0\0Z\0\0\0\5I"
    return [(0, struct.pack("!I", len(start) + 4) + start), (1, ready), (0, ask)]


class Captures:
    def __init__(self):
        self.talks, self.list = [], []

    def talk(self, sid, what, said, way="plain", dport=80):
        """said: (back, bytes)..."""
        t = Talk(len(self.talks), v6=way.startswith("v6"), dport=dport)
        for back, data in said:
            if back:
                t.answer(data)
            else:
                t.say(data, way.replace("v6-", "") if way != "v6" else "plain")
        t.close()
        self.talks.append(t)
        self.list.append([t.name(), sid, f"{what}, {way}"])

    def write(self, path):
        write(path + ".pcap", self.talks)
        with open(path + ".json", "w") as f:
            json.dump(self.list, f)


def all_attacks():
    c, seen = Captures(), {}
    for a in attacks.ATTACKS:
        n = seen[a.sid] = seen.get(a.sid, 0) + 1
        if a.kind == "sql":
            for name, say in (("mysql", mysql), ("postgresql", postgresql)):
                for way in ("plain", "tiny", "v6"):
                    c.talk(a.sid, f"{name} {n}", say(b(a.text)), way, 3306 if name == "mysql" else 5432)
            continue
        for i, (name, said) in enumerate(written(a)):
            # all ways for the first form, which is what differs least; else two
            for way in WAYS if i == 0 else ("plain", "tiny"):
                c.talk(a.sid, f"{a.kind} {n} {name}", [(0, said)], way, a.how.get("dport", 80))
    return c


def all_ordinary():
    c = Captures()
    for method, uri, headers, body in ordinary.REQUESTS:
        head = {n.replace("_", "-"): v for n, v in headers.items()}
        said = request(method, uri, head, None if body is None else b(body) if isinstance(body, str) else body)
        for way in ("plain", "tiny"):
            c.talk(0, f"{method} {uri[:60]}", [(0, said)], way)
        if body is not None:
            c.talk(0, f"{method} {uri[:60]} gzip", [(0, request(method, uri, head, b(body), "gzip-chunked"))])
    for kind, page in ordinary.answers():
        said = b(f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(b(page))}\r\n\r\n{page}")
        c.talk(0, "answer", [(0, request("GET", "/", {})), (1, said)])
    for query in ordinary.SQL:
        c.talk(0, f"mysql: {query[:60]}", mysql(b(query)), dport=3306)
        c.talk(0, f"postgresql: {query[:60]}", postgresql(b(query)), dport=5432)
    return c


def all_doubtful():
    """Attacks and harmless requests at the same place: who is first is believed. In force the other one is
    refused (tests/unit/test_inspect_detection.c); what is only watched, as a capture, goes on."""
    c, end = Captures(), b" HTTP/1.1\r\nHost: w\r\n\r\n"
    for a in attacks.ATTACKS:
        if a.kind == "sql":
            continue
        bad = next(iter(written(a)))[1]
        good = b"GET /" + b"a" * (len(bad) - 5 - len(end)) + end
        if not bad.startswith((b"GET ", b"POST ")) or len(bad) > MSS or len(good) != len(bad):
            continue
        for way in ("in order", "held"):
            for v6 in (False, True):
                for sid, both in (a.sid, (bad, good)), (0, (good, bad)):
                    t = Talk(len(c.talks), v6=v6, dport=a.how.get("dport", 80))
                    t.twice(*both, way)
                    t.close()
                    c.talks.append(t)
                    c.list.append([t.name(), sid, f"{way}, the attack {'first' if sid else 'last'}"])
    return c


if __name__ == "__main__":
    all_doubtful().write(sys.argv[1] + "/doubtful")
    all_attacks().write(sys.argv[1] + "/attacks")
    all_ordinary().write(sys.argv[1] + "/ordinary")
