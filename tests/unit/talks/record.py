#!/usr/bin/python3
"""record.py: writes tls/ and quic/ anew: real conversations, NAME.talk, and what is to be told of them, NAME.want.

Servers and clients of openssl, gnutls (gnutls-bin) and ngtcp2 (ngtcp2-client,
ngtcp2-server) talk in a network namespace
of their own, through a relay that writes down who said what, in the form of
tests/fuzz/fuzz_parser.c. What is wanted is worked out here by other means than
the parser's: certificates are as they were asked for, JA3 and JA4 are computed
as they are published. Hellos that no program here says are made by hand; those
with published fingerprints carry these (PUBLISHED).
"""
import hashlib
import hmac
import itertools
import os
import queue
import select
import socket
import struct
import subprocess
import sys
import tempfile
import threading

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

HERE = os.path.dirname(os.path.abspath(__file__))
SUBJECT = "/C=DE/O=Example GmbH/CN=www.example.com"
NAMES = ["www.example.com", "*.Example.org", "xn--bcher-kva.example"]


# ---- the relay -------------------------------------------------------------

def connect(port):
    """As soon as somebody listens there."""
    for _ in range(100):
        try:
            return socket.create_connection(("127.0.0.1", port))
        except ConnectionRefusedError:
            select.select([], [], [], 0.05)
    sys.exit(f"nobody listens at {port}")


def relay(listener, to, said):
    """One connection, handed on to port `to`."""
    client, _ = listener.accept()
    server = connect(to)
    lock = threading.Lock()

    def pump(a, b, who):
        try:
            while data := a.recv(65536):
                with lock:
                    said.put((who, data))
                    b.sendall(data)
            b.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    threads = [threading.Thread(target=pump, args=x) for x in ((client, server, "C"), (server, client, "S"))]
    for t in threads:
        t.start()
    for t in threads:
        t.join(10)
    listener.close()


def talk(server, client, port):
    """What was said, until nobody says more; programs with {port}."""
    quiet = dict(stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    said, heard = queue.Queue(), []
    listener = socket.create_server(("127.0.0.1", port + 1))
    t = threading.Thread(target=relay, args=(listener, port, said))
    t.start()
    s = subprocess.Popen([w.format(port=port) for w in server], **quiet)
    c = subprocess.Popen([w.format(port=port + 1) for w in client], **quiet)
    try:
        heard.append(said.get(timeout=10))
        while True:
            heard.append(said.get(timeout=1))
    except queue.Empty:
        pass
    for program in (c, s):
        program.kill()
        program.wait()
    t.join(10)
    return heard


# ---- what is wanted --------------------------------------------------------

def grease(v):
    return v & 0x0f0f == 0x0a0a and v >> 8 == v & 0xff


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        part = self.data[self.at:self.at + n]
        assert len(part) == n
        self.at += n
        return part

    def number(self, n):
        return int.from_bytes(self.take(n), "big")

    def vector(self, n):
        return Reader(self.take(self.number(n)))

    def numbers(self, n=2):
        out = []
        while self.at < len(self.data):
            out.append(self.number(n))
        return out

    def rest(self):
        return self.at < len(self.data)


def messages(said, who):
    """Handshake messages of a side, up to its ChangeCipherSpec."""
    stream, out, plain = Reader(b"".join(d for w, d in said if w == who)), [], b""
    while stream.rest():
        kind, _, body = stream.number(1), stream.number(2), stream.vector(2)
        if kind != 22:
            break
        plain += body.data
    r = Reader(plain)
    while r.rest():
        kind = r.number(1)
        try:
            out.append((kind, r.vector(3).data))
        except AssertionError:
            break
    return out


def hello(data, server):
    r = Reader(data)
    h = {"version": r.number(2), "random": r.take(32)}
    r.vector(1)
    h["ciphers"] = [r.number(2)] if server else r.vector(2).numbers()
    r.number(1) if server else r.vector(1)
    h["ext"] = {}
    types = h["types"] = []
    if r.rest():
        e = r.vector(2)
        while e.rest():
            kind = e.number(2)
            types.append(kind)
            h["ext"][kind] = e.vector(2)
    ext = h["ext"]
    h["alpn"], h["sni"], h["groups"], h["points"], h["sigalgs"] = [], None, [], [], []
    if 16 in ext:
        names = ext[16].vector(2)
        while names.rest():
            h["alpn"].append(names.vector(1).data)
    if not server and 0 in ext and ext[0].data:
        one = ext[0].vector(2)
        one.take(1)
        h["sni"] = one.vector(2).data.decode().lower()
    if 10 in ext:
        h["groups"] = ext[10].vector(2).numbers()
    if 11 in ext:
        h["points"] = list(ext[11].vector(1).data)
    if 13 in ext:
        h["sigalgs"] = ext[13].vector(2).numbers()
    h["versions"] = [h["version"]]
    if 43 in ext:
        h["versions"] = [ext[43].number(2)] if server else [v for v in ext[43].vector(1).numbers() if not grease(v)]
    return h


def dashes(numbers):
    return "-".join(str(n) for n in numbers if not grease(n))


def ja3(h):
    text = ",".join((str(h["version"]), dashes(h["ciphers"]), dashes(h["types"]), dashes(h["groups"]), dashes(h["points"])))
    return hashlib.md5(text.encode()).hexdigest()


def ja3s(h):
    text = ",".join((str(h["version"]), dashes(h["ciphers"]), "-".join(map(str, h["types"]))))
    return hashlib.md5(text.encode()).hexdigest()


def sha12(text):
    return hashlib.sha256(text.encode()).hexdigest()[:12] if text else "0" * 12


def ja4(h, transport="t"):
    version = {0x304: "13", 0x303: "12", 0x302: "11", 0x301: "10", 0x300: "s3"}.get(max(h["versions"]), "00")
    ciphers = sorted("%04x" % c for c in h["ciphers"] if not grease(c))
    types = [e for e in h["types"] if not grease(e)]
    alpn = "00"
    if h["alpn"]:
        first = h["alpn"][0]
        ends = chr(first[0]) + chr(first[-1])
        alpn = ends if ends.isascii() and ends.isalnum() else first.hex()[0] + first.hex()[-1]
    others = ",".join(sorted("%04x" % e for e in types if e not in (0, 16)))
    sigalgs = ",".join("%04x" % s for s in h["sigalgs"] if not grease(s))
    if sigalgs:
        others += "_" + sigalgs
    return "%s%s%s%02d%02d%s_%s_%s" % (transport, version, "d" if 0 in h["ext"] else "i", min(len(ciphers), 99),
                                       min(len(types), 99), alpn, sha12(",".join(ciphers)), sha12(others))


VERSIONS = {0x300: "ssl3", 0x301: "1.0", 0x302: "1.1", 0x303: "1.2", 0x304: "1.3"}
OLD = {0x300: "tls.ssl3", 0x301: "tls.10", 0x302: "tls.11"}
RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")


def text(data):
    return "".join(chr(c) if 32 <= c < 127 and c != 92 else "\\x%02x" % c for c in data)


def client_lines(h, transport="t"):
    out = []
    if h["sni"]:
        out.append("C tls.sni " + h["sni"])
    out += ["C tls.version " + VERSIONS[v] for v in h["versions"]]
    if max(h["versions"]) in OLD:
        out.append("C note " + OLD[max(h["versions"])])
    out += ["C ja3.hash " + ja3(h), "C ja4 " + ja4(h, transport)]
    alpn = ["C tls.alpn " + text(a) for a in h["alpn"] if not (len(a) == 2 and grease(a[0] << 8 | a[1]))]
    # each is asked about
    return out + [line for a in alpn for line in (a, "asked")] + ([] if alpn else ["asked"]) + ["C ended"]


def want(said, certificate):
    """Lines of tests/unit/talk.h, in the order in which it is said."""
    out = ["app tls"]
    clients = [client_lines(hello(m, False)) for kind, m in messages(said, "C") if kind == 1]
    servers = [(kind, m) for kind, m in messages(said, "S")]
    out += clients[0]
    for kind, m in servers:
        if kind == 2:
            h = hello(m, True)
            if h["random"] == RETRY:
                # the second one may stand behind a ChangeCipherSpec
                stream = b"".join(d for w, d in said if w == "C")
                at = stream.index(b"\x16\x03", 5 + int.from_bytes(stream[3:5], "big"))
                out += client_lines(hello(messages([("C", stream[at:])], "C")[0][1], False))
                stream = b"".join(d for w, d in said if w == "S")
                at = stream.index(b"\x16\x03", 5 + int.from_bytes(stream[3:5], "big"))
                h = hello(messages([("S", stream[at:])], "S")[0][1], True)
            best = max(h["versions"])
            out.append("S tls.version " + VERSIONS[best])
            if best in OLD:
                out.append("S note " + OLD[best])
            out += ["S tls.alpn " + text(a) for a in h["alpn"]] + ["S ja3s.hash " + ja3s(h)]
        if kind == 11 and certificate:
            out += certificate
    if servers:
        out += ["S ended", "over"]
    return "\n".join(out) + "\n"


def put(name, said, wanted, folder="tls"):
    os.makedirs(os.path.join(HERE, folder), exist_ok=True)
    udp = 8 * (folder != "tls")
    with open(os.path.join(HERE, folder, name + ".talk"), "wb") as f:
        for i, (who, data) in enumerate(said):
            for at in range(0, len(data), 60000):
                part = data[at:at + 60000]
                f.write(struct.pack(">BH", (who == "S") | udp * (i == 0), len(part)) + part)
    with open(os.path.join(HERE, folder, name + ".want"), "w", encoding="ascii") as f:
        f.write(wanted)
    print(folder, name, sum(len(d) for _, d in said))


# ---- hellos by hand --------------------------------------------------------

def vec(n, data):
    return len(data).to_bytes(n, "big") + data


def made(ciphers, extensions, version=0x303, session=bytes(32)):
    body = struct.pack(">H", version) + bytes(range(32)) + vec(1, session)
    body += vec(2, b"".join(struct.pack(">H", c) for c in ciphers)) + b"\x01\x00"
    if extensions is not None:
        body += vec(2, b"".join(struct.pack(">H", e) + vec(2, v) for e, v in extensions))
    return b"\x01" + vec(3, body)


def record(message, size=16384, version=0x301):
    return b"".join(b"\x16" + struct.pack(">H", version) + vec(2, message[at:at + size])
                    for at in range(0, len(message), size))


def shorts(*numbers):
    return b"".join(struct.pack(">H", n) for n in numbers)


# Chrome 120 and 143, as it is known for: order of extensions is by chance, JA4 does not mind.
CHROME = [0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x9c, 0x9d, 0x2f, 0x35]
SIGALGS = shorts(0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601)
PUBLISHED = {
    "chrome-120": ("t13d1516h2_8daaf6152771_e5627efa2ab1", None),
    "chrome-143": ("t13d1516h2_8daaf6152771_d8a2da3f94cd", "98487aa16281980e7d1120d399efb6a4"),
}


def chrome(name, order, groups, share):
    sni = name.encode()
    values = {
        0: vec(2, b"\0" + vec(2, sni)), 5: b"\1\0\0\0\0", 10: vec(2, shorts(0x3a3a, *groups)), 11: b"\1\0",
        13: vec(2, SIGALGS), 16: vec(2, vec(1, b"h2") + vec(1, b"http/1.1")), 18: b"", 21: bytes(100), 23: b"",
        27: b"\2\0\2", 35: b"", 43: vec(1, shorts(0x6a6a, 0x304, 0x303)), 45: b"\1\1",
        51: vec(2, shorts(0x3a3a) + b"\0\1\0" + shorts(groups[0]) + vec(2, bytes(share))),
        0x4469: vec(2, vec(1, b"h2")), 0x44cd: vec(2, vec(1, b"h2")), 0xff01: b"\0",
        0xfe0d: b"\0\0\1\0\1\0" + vec(2, bytes(32)) + vec(2, bytes(176)),
    }
    return made([0xdada] + CHROME, [(0xcaca, b"")] + [(e, values[e]) for e in order] + [(0x1a1a, b"\0")])


def by_hand():
    old = chrome("www.google.com", [0, 23, 0xff01, 10, 11, 35, 16, 5, 13, 18, 51, 45, 43, 27, 0x4469, 21], [29, 23, 24], 32)
    new = chrome("TLS-Outer.browserleaks.com",
                 [45, 51, 16, 0xfe0d, 23, 0x44cd, 0, 11, 10, 43, 0xff01, 35, 18, 5, 13, 27], [4588, 29, 23, 24], 1216)
    plain = made([5, 10], None, 0x301, b"")
    nothing = made([0x2f], [(16, vec(2, vec(1, b"\xab\xcd"))), (13, vec(2, b""))])
    return {
        "chrome-120": [("C", record(old))],
        "chrome-143": [("C", record(new))],
        "chrome-143-records": [("C", record(new, 300))],
        "crumbs": [("C", record(old, 1))],
        "no-extensions": [("C", record(plain))],
        "ssl3": [("C", record(made([5, 10, 0xff], None, 0x300, b""), version=0x300))],
        "odd-alpn": [("C", record(nothing))],
        "dot": [("C", record(made([0x2f], [(0, vec(2, b"\0" + vec(2, b"A.b."))), (0x2a2a, b"")])))],
    }


# ---- QUIC: RFC 9001 5, RFC 9369 3 ------------------------------------------

QUIC = {1: ("38762cf7f55934b34d179ae6a4c80cadccbb7f0a", "quic", 0),
        0x6b3343cf: ("0dede3def700a6db819381be6e269dcbf9bd2ed9", "quicv2", 1)}
# RFC 9001 A.1, A.2; RFC 9369 A.1: for the id 8394c8f03e515708.
APPENDIX_ID = bytes.fromhex("8394c8f03e515708")
APPENDIX_KEYS = {1: "1f369613dd76d5467730efcbe3b1a22d fa044b2f42a3fd3b46fb255c 9f50449e04a0e810283a1e9933adedd2",
                 0x6b3343cf: "8b1a0bc121284290a29e0971b5cd045d 91f73e2351d8fa91660e909f 45b95e15235d6f45a6b19cbcb0294ba9"}
APPENDIX_HELLO = bytes.fromhex(
    "010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e86804fe3a47f06a2b69484c00000413011302010000c000000010000e00000b"
    "6578616d706c652e636f6dff01000100000a00080006001d0017001800100007000504616c706e000500050100000000003300260024001d0020"
    "9370b2c9caa47fbabaf4559fedba753de171fa71f50f1ce15d43e994ec74d748002b0003020304000d0010000e040305030603020308040805"
    "0806002d00020101001c00024001003900320408ffffffffffffffff05048000ffff07048000ffff0801100104800075300901100f088394c8f0"
    "3e51570806048000ffff")
APPENDIX_PACKET = "c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11d242b123dc9bd8bab936b47d92ec356c"
APPENDIX_TAG = "e221af44860018ab0856972e194cd934"


def hkdf(secret, label, n):
    label = b"tls13 " + label.encode()
    info = struct.pack(">HB", n, len(label)) + label + b"\0\1"
    return hmac.digest(secret, info, "sha256")[:n]


def quic_keys(version, cid):
    salt, name, _ = QUIC[version]
    client = hkdf(hmac.digest(bytes.fromhex(salt), cid, "sha256"), "client in", 32)
    return [hkdf(client, name + " " + what, n) for what, n in (("key", 16), ("iv", 12), ("hp", 16))]


def varint(n):
    return bytes([n]) if n < 0x40 else struct.pack(">H", 0x4000 | n)


def veil(hp, sample):
    return Cipher(algorithms.AES(hp), modes.ECB()).encryptor().update(sample)


def initial(version, cid, number, frames, keys=None, token=b"", size=1200):
    """A client's Initial packet, filled up to `size`."""
    key, iv, hp = keys or quic_keys(version, cid)
    head = bytes([0xc3 | QUIC[version][2] << 4]) + struct.pack(">I", version) + vec(1, cid) + b"\0" + varint(len(token)) + token
    frames += bytes(max(0, size - len(head) - 2 - 4 - 16 - len(frames)))
    head += struct.pack(">HI", 0x4000 | 4 + len(frames) + 16, number)
    nonce = (int.from_bytes(iv, "big") ^ number).to_bytes(12, "big")
    body = head + AESGCM(key).encrypt(nonce, frames, head)
    at = len(head) - 4
    mask = veil(hp, body[at + 4:at + 20])
    return (bytes([body[0] ^ mask[0] & 15]) + body[1:at] + bytes(a ^ b for a, b in zip(body[at:at + 4], mask[1:]))
            + body[at + 4:])


def crypto(data, *cuts):
    """CRYPTO frames, parts in the order in which they are given."""
    return b"".join(b"\6" + varint(a) + varint(b - a) + data[a:b] for a, b in cuts or [(0, len(data))])


def read_varint(r):
    first = r.number(1)
    rest = (1 << (first >> 6)) - 1
    return (first & 63) << 8 * rest | (r.number(rest) if rest else 0)


def quic_hello(said):
    """The client's first hello, of what it said."""
    got, keys = {}, None
    for data in (d for w, d in said if w == "C"):
        r = Reader(data)
        while r.rest():
            start, first = r.at, r.number(1)
            if not first & 0x80:
                break
            version = r.number(4)
            if version not in QUIC:
                break
            cid = r.vector(1).data
            r.vector(1)
            if first >> 4 & 3 == QUIC[version][2]:
                r.take(read_varint(r))
            length = read_varint(r)
            at = r.at
            body = r.take(length)
            if first >> 4 & 3 != QUIC[version][2]:
                continue
            keys = keys or quic_keys(version, cid)
            mask = veil(keys[2], body[4:20])
            first ^= mask[0] & 15
            size = (first & 3) + 1
            number = bytes(a ^ b for a, b in zip(body[:size], mask[1:]))
            nonce = (int.from_bytes(keys[1], "big") ^ int.from_bytes(number, "big")).to_bytes(12, "big")
            head = bytes([first]) + data[start + 1:at] + number
            f = Reader(AESGCM(keys[0]).decrypt(nonce, body[size:], head))
            while f.rest():
                kind = read_varint(f)
                if kind == 6:
                    offset = read_varint(f)
                    part = f.take(read_varint(f))
                    got.update({offset + i: c for i, c in enumerate(part)})
                elif kind == 2:
                    read_varint(f), read_varint(f)
                    for _ in range(2 * read_varint(f) + 1):
                        read_varint(f)
                else:
                    assert kind in (0, 1), kind
            hello_bytes = bytes(got[i] for i in itertools.takewhile(got.__contains__, itertools.count()))
            if len(hello_bytes) > 4 and len(hello_bytes) >= 4 + int.from_bytes(hello_bytes[1:4], "big"):
                return hello(hello_bytes[4:4 + int.from_bytes(hello_bytes[1:4], "big")], False)
    raise AssertionError("no hello")


def quic_want(*said):
    return "\n".join(["app quic"] + sum((client_lines(quic_hello(s), "q") for s in said), [])) + "\n"


def quic_by_hand():
    cid, v2 = APPENDIX_ID, 0x6b3343cf
    for version, text_of_keys in APPENDIX_KEYS.items():
        assert [k.hex() for k in quic_keys(version, cid)] == text_of_keys.split()
    appendix = initial(1, cid, 2, crypto(APPENDIX_HELLO))
    assert appendix.hex().startswith(APPENDIX_PACKET) and appendix.hex().endswith(APPENDIX_TAG)
    big = chrome("Quic.example.com", [45, 51, 16, 0xfe0d, 23, 0x44cd, 0, 11, 10, 43, 0xff01, 35, 18, 5, 13, 27],
                 [4588, 29, 23, 24], 1216)
    n = len(big)
    # as Chrome does: in parts, mixed up, with PING and PADDING between
    mixed = (crypto(big, (700, 900)) + b"\1" + crypto(big, (0, 1)) + bytes(3) + crypto(big, (1, 40), (300, 700)),
             b"\1" + crypto(big, (900, n), (40, 300)))
    datagrams = [initial(1, cid, i + 1, f, size=1250) for i, f in enumerate(mixed)]
    other = bytes(range(8, 20))
    second = made([0x1301], [(0, vec(2, b"\0" + vec(2, b"second.example")))])
    broken = bytearray(appendix)
    broken[600] ^= 1
    retried = initial(1, other, 3, crypto(APPENDIX_HELLO), token=bytes(70))
    chunks = {
        "appendix": [appendix],
        "version-2": [initial(v2, cid, 0, crypto(APPENDIX_HELLO))],
        "two-datagrams": datagrams,
        "other-order": datagrams[::-1],
        "broken-first": [bytes(broken), appendix],
        "twice": [appendix, appendix, b"\x40" + bytes(40)],
        "coalesced": [initial(1, cid, 0, mixed[0], size=0) + initial(1, cid, 1, mixed[1], size=0)],
        "acknowledged": [appendix, initial(1, other, 3, b"\2\1\0\1\0\0\0" + bytes(20), keys=quic_keys(1, cid))],
    }
    for name, said in chunks.items():
        said = [("C", d) for d in said]
        put(name + "-udp", said, quic_want(said if name != "broken-first" else said[1:]), "quic")
    for name, first, then in (("two-connections", appendix, initial(1, other, 0, crypto(second))),
                              ("retry", appendix, retried)):
        retry = ("S", b"\xf0\0\0\0\1\0" + vec(1, other) + bytes(86))
        put(name + "-udp", [("C", first), retry, ("C", then)], quic_want([("C", first)], [("C", then)]), "quic")
    # what no honest client says
    up = "C note limit\nasked\nC ended\n"
    for name, datagram, wanted in (
            ("far", initial(1, cid, 0, b"\6" + varint(8190) + varint(4) + b"abcd"), up),
            ("long", initial(1, cid, 0, crypto(b"\1\1\0\0\3\3")), up),
            ("many", initial(1, cid, 0, crypto(big, (0, 5)), size=1100)
             + b"".join(initial(1, cid, i, b"\1", size=0) for i in range(1, 9)), up),
            ("no-hello", initial(1, cid, 0, crypto(b"\2\0\0\0")), "C note malformed\nasked\nC ended\n"),
            ("odd-frame", initial(1, cid, 0, b"\x08abc"), "C note malformed\n"),
            ("half", initial(1, cid, 0, crypto(big, (0, 700), (701, n))), "")):
        put(name + "-udp", [("C", datagram)], "app quic\n" + wanted, "quic")
    # what is not read any further
    draft = appendix[:1] + b"\xff\0\0\x1d" + appendix[5:]
    put("draft-udp", [("C", draft)], "app quic\n", "quic")
    negotiated = [("C", appendix[:1] + b"\x1a\x2a\x3a\x4a" + appendix[5:]), ("S", b"\x80\0\0\0\0\0\x08" + cid + b"\0\0\0\1"),
                  ("C", appendix)]
    put("negotiated-udp", negotiated, quic_want(negotiated), "quic")


def talk_udp(server, client, port):
    """What was said, until nobody says more."""
    quiet = dict(stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    ends = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
    ends[0].bind(("127.0.0.1", port + 1))
    ends[1].connect(("127.0.0.1", port))
    programs = [subprocess.Popen([w.format(port=port) for w in server], **quiet)]
    select.select([], [], [], 0.5)
    programs.append(subprocess.Popen([w.format(port=port + 1) for w in client], **quiet))
    heard, peer = [], None
    while (ready := select.select(ends, [], [], 2)[0]) and len(heard) < 12:
        for end in ready:
            data, source = end.recvfrom(65536)
            heard.append(("C" if end is ends[0] else "S", data))
            if end is ends[0]:
                peer = source
                ends[1].send(data)
            else:
                ends[0].sendto(data, peer)
    for program in programs:
        program.kill()
        program.wait()
    return heard


# ---- all -------------------------------------------------------------------

def record_all(work):
    def openssl(*args):
        subprocess.run(["openssl", *args], check=True, cwd=work, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-days", "3650",
            "-subj", "/O=Example CA/CN=Root 1")
    with open(os.path.join(work, "ext"), "w", encoding="ascii") as f:
        f.write("subjectAltName=" + ",".join("DNS:" + n for n in NAMES) + ",IP:10.0.0.1,email:a@example.com\n")
    for key, new in (("rsa", ["rsa:2048"]), ("ec", ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"])):
        openssl("req", "-new", "-newkey", *new, "-nodes", "-keyout", key + ".key", "-out", "req", "-subj", SUBJECT)
        openssl("x509", "-req", "-in", "req", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "3650",
                "-extfile", "ext", "-out", key + ".pem")
    certificate = ["S tls.cert_subject C=DE, O=Example GmbH, CN=www.example.com",
                   "S tls.cert_issuer O=Example CA, CN=Root 1"] + ["S tls.cert_name " + n.lower() for n in NAMES]
    weak = ["-cipher", "ALL:@SECLEVEL=0"]

    def server(key, *more):
        return ["openssl", "s_server", "-accept", "127.0.0.1:{port}", "-cert", f"{work}/{key}.pem", "-key",
                f"{work}/{key}.key", "-chainCAfile", f"{work}/ca.pem", "-quiet", *more]

    def client(*more):
        return ["openssl", "s_client", "-connect", "127.0.0.1:{port}", "-quiet", "-servername", "WWW.Example.com", *more]

    gnutls = ["gnutls-cli", "--insecure", "--port", "{port}", "--sni-hostname", "gnutls.example.com"]
    talks = {
        "tls13": (server("ec"), client()),
        "tls13-alpn": (server("rsa", "-alpn", "h2"), client("-alpn", "h2,http/1.1")),
        "tls13-retry": (server("ec", "-groups", "P-384"), client("-groups", "X25519:P-384")),
        "tls12-rsa": (server("rsa", "-tls1_2", "-alpn", "http/1.1"), client("-tls1_2", "-cipher", "AES128-SHA", "-alpn", "http/1.1")),
        "tls12-ecdsa": (server("ec", "-tls1_2"), client("-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384")),
        "tls12-small-records": (server("rsa", "-tls1_2", "-split_send_frag", "512", "-max_send_frag", "512"), client()),
        "tls11": (server("rsa", "-tls1_1", *weak), client("-tls1_1", *weak)),
        "tls10": (server("rsa", "-tls1", *weak), client("-tls1", *weak)),
        "client-certificate": (server("rsa", "-tls1_2", "-Verify", "1"),
                               client("-cert", f"{work}/ec.pem", "-key", f"{work}/ec.key")),
        "no-name": (server("ec"), ["openssl", "s_client", "-connect", "127.0.0.1:{port}", "-quiet", "-noservername"]),
        "refused": (server("rsa", "-tls1_3"), client("-tls1_2")),
        "gnutls": (server("ec"), gnutls + ["127.0.0.1"]),
        "gnutls-tls12": (server("rsa"), gnutls + ["--priority", "NORMAL:-VERS-ALL:+VERS-TLS1.2", "127.0.0.1"]),
    }
    for i, (name, (s, c)) in enumerate(talks.items()):
        said = talk(s, c, 20000 + 2 * i)
        if not messages(said, "C"):
            sys.exit(f"{name}: nothing was said")
        put(name, said, want(said, certificate))
    files = [f"{work}/ec.key", f"{work}/ec.pem"]
    for i, (name, version) in enumerate({"ngtcp2": "v1", "ngtcp2-draft": "v2draft"}.items()):
        said = talk_udp(["gtlsserver", "-q", "127.0.0.1", "{port}", *files],
                        ["gtlsclient", "-q", "-v", version, "localhost", "{port}", "https://localhost/"], 21000 + 2 * i)
        put(name + "-udp", said, quic_want(said) if version == "v1" else "app quic\n", "quic")


def main():
    if len(sys.argv) < 2:
        script = 'ip link set lo up && exec "$0" "$1" inside'
        os.execvp("unshare", ["unshare", "-n", "sh", "-c", script, sys.executable, os.path.abspath(__file__)])
    quic_by_hand()
    for name, said in by_hand().items():
        wanted = want(said, None)
        if name in PUBLISHED:
            four, three = PUBLISHED[name]
            assert f"C ja4 {four}\n" in wanted and (not three or f"C ja3.hash {three}\n" in wanted), wanted
        put(name, said, wanted.replace("a.b.\n", "a.b\n"))
    with tempfile.TemporaryDirectory() as work:
        record_all(work)


main()
