"""kafka.py PORT [TOPIC]...: one broker, whose topics (orders, and others) have one partition and keep, together, what is put in them."""
import struct
import sys
import threading

from common import Conversation, Reader, serve

PRODUCE, FETCH, OFFSETS, METADATA, SASL, VERSIONS, SASL_LOGIN = 0, 1, 2, 3, 17, 18, 36
KNOWN = {PRODUCE: (3, 7), FETCH: (4, 4), OFFSETS: (1, 1), METADATA: (1, 9), SASL: (0, 1), VERSIONS: (0, 3), SASL_LOGIN: (0, 1)}
TOPICS, PORT = ["orders"] + sys.argv[2:], 9092
log, lock = [], threading.Lock()  # of batches: (first offset, records, bytes)


def text(s):
    return struct.pack(">h", len(s)) + s.encode()


def array(items):
    return struct.pack(">i", len(items)) + b"".join(items)


def end():
    return log[-1][0] + log[-1][1] if log else 0


def append(batch):
    records, = struct.unpack(">i", batch[57:61])
    with lock:
        first = end()
        log.append((first, records, struct.pack(">q", first) + batch[8:]))
    return first


def metadata(version, host):
    """From version 9 on lengths are of 7 bits a byte, one more than they are, and tags follow."""
    flexible = version >= 9
    tags = b"\0" if flexible else b""

    def word(s):
        return bytes([len(s) + 1]) + s.encode() if flexible else text(s)

    def none():
        return b"\0" if flexible else b"\xff\xff"

    def row(items):
        return bytes([len(items) + 1]) + b"".join(items) if flexible else array(items)
    nodes = row([struct.pack(">i", 1)])
    partition = struct.pack(">hii", 0, 0, 1) + (struct.pack(">i", 0) if version >= 7 else b"") + nodes + nodes + \
        (row([]) if version >= 5 else b"") + tags
    topics = [struct.pack(">h", 0) + word(topic) + b"\0" + row([partition]) + (struct.pack(">i", -2147483648) if version >= 8 else b"") + tags
              for topic in TOPICS]
    return tags + (struct.pack(">i", 0) if version >= 3 else b"") + row([struct.pack(">i", 1) + word(host) + struct.pack(">i", PORT) + none() + tags]) + \
        (word("weir") if version >= 2 else b"") + struct.pack(">i", 1) + row(topics) + \
        (struct.pack(">i", -2147483648) if version >= 8 else b"") + tags


def versions(version):
    if version < 3:
        return struct.pack(">h", 0) + array([struct.pack(">hhh", api, *span) for api, span in KNOWN.items()]) + bytes(4 if version else 0)
    return struct.pack(">hB", 0, len(KNOWN) + 1) + b"".join(struct.pack(">hhhB", api, *span, 0) for api, span in KNOWN.items()) + bytes(5)


def produced(version, r):
    r.text()
    acks, _, topics = r.number("h"), r.number("i"), r.number("i")
    said = []
    for _ in range(topics):
        name, parts = r.text(), []
        for _ in range(r.number("i")):
            part = r.number("i")
            first = append(r.take(r.number("i")))
            parts.append(struct.pack(">ihqq", part, 0, first, -1) + (struct.pack(">q", 0) if version >= 5 else b""))
        said.append(text(name) + array(parts))
    return array(said) + struct.pack(">i", 0) if acks else None


def offsets(r):
    r.number("i")
    said = []
    for _ in range(r.number("i")):
        name, parts = r.text(), []
        for _ in range(r.number("i")):
            part, when = r.number("i"), r.number("q")
            parts.append(struct.pack(">ihqq", part, 0, -1, 0 if when == -2 else end()))
        said.append(text(name) + array(parts))
    return array(said)


def fetched(r):
    r.take(17)
    said = []
    for _ in range(r.number("i")):
        name, parts = r.text(), []
        for _ in range(r.number("i")):
            part, at, _ = r.number("i"), r.number("q"), r.number("i")
            data = b"".join(batch for first, records, batch in log if first + records > at)
            parts.append(struct.pack(">ihqqii", part, 0, end(), end(), -1, len(data)) + data)
        said.append(text(name) + array(parts))
    return struct.pack(">i", 0) + array(said)


class Kafka(Conversation):
    def is_bob(self, token):
        return token.split(b"\0")[1:] == [b"bob", b"pw"]

    def raw_login(self):
        """Behind version 0 of the handshake the token has a length and nothing else."""
        length, = struct.unpack(">i", self.take(4))
        if self.is_bob(self.take(length)):
            self.send(struct.pack(">i", 0))

    def talk(self):
        host = ("six" if self.request.getsockname()[0].count(":") > 3 else "four") + ".example"
        while True:
            r = Reader(self.take(struct.unpack(">i", self.take(4))[0]))
            api, version, number = r.number("h"), r.number("h"), r.take(4)
            r.text()
            raw = False
            if api == VERSIONS:
                said = versions(version)
            elif api == METADATA:
                said = metadata(version, host)
            elif api == PRODUCE:
                said = produced(version, r)
            elif api == OFFSETS:
                said = offsets(r)
            elif api == FETCH:
                said = fetched(r)
            elif api == SASL:
                said, raw = struct.pack(">h", 0) + array([text("PLAIN")]), version == 0
            elif api == SASL_LOGIN:
                good = self.is_bob(r.take(r.number("i")))
                said = struct.pack(">h", 0 if good else 58) + (b"\xff\xff" if good else text("no")) + struct.pack(">i", 0) + \
                    (struct.pack(">q", 0) if version else b"")
            else:
                return
            if said is not None:
                said = number + said
                self.send(struct.pack(">i", len(said)) + said)
            if raw:
                self.raw_login()


serve(Kafka)
