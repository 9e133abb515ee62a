"""Cassandra: the native protocol, versions 4 and 5 (whose messages are in segments)."""
import struct
import zlib

from common import Conversation, Reader, serve

ERROR, STARTUP, READY, AUTHENTICATE, OPTIONS, SUPPORTED, QUERY, RESULT, PREPARE, EXECUTE, REGISTER, BATCH, LOGIN, LOGGED_IN = \
    0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 13, 15, 16
TEXT, INET, UUID, SET = 13, 16, 12, 34
HOST = b"\x0a\x01\x00\x02"
LOCAL = [("key", TEXT, b"local"), ("cluster_name", TEXT, b"weir"), ("data_center", TEXT, b"here"), ("rack", TEXT, b"one"),
         ("partitioner", TEXT, b"org.apache.cassandra.dht.Murmur3Partitioner"), ("release_version", TEXT, b"4.0.0"),
         ("schema_version", UUID, bytes(16)), ("host_id", UUID, bytes(15) + b"\1"), ("rpc_address", INET, HOST)]
PEERS = [("peer", INET, None), ("data_center", TEXT, None), ("host_id", UUID, None)]


def text(s):
    return struct.pack(">H", len(s)) + s.encode()


def rows(space, table, columns, n=1):
    head = struct.pack(">iii", 2, 1, len(columns)) + text(space) + text(table)
    head += b"".join(text(name) + struct.pack(">H", kind) for name, kind, _ in columns)
    row = b"".join(struct.pack(">i", len(value)) + value for _, _, value in columns if value is not None)
    return head + struct.pack(">i", n) + row * n


def result(statement):
    words = statement.lower().split()
    if words[0] == "use":
        return RESULT, struct.pack(">i", 3) + text(words[1])
    if words[0] != "select":
        return RESULT, struct.pack(">i", 1)
    if "system.local" in words:
        return RESULT, rows("system", "local", LOCAL)
    if "system.peers" in words or "system.peers_v2" in words:
        return RESULT, rows("system", "peers", PEERS, 0)
    if "nowhere" in words:
        return ERROR, struct.pack(">i", 0x2200) + text("unconfigured table nowhere")
    return RESULT, rows("shop", "t", [("name", TEXT, b"one")], 2)


def crc24(data):
    crc = 0x875060
    for byte in data:
        crc ^= byte << 16
        for _ in range(8):
            crc = crc << 1 ^ (0x1974F0B if crc & 0x800000 else 0)
    return crc & 0xffffff


def segment(payload):
    head = (len(payload) | 1 << 17).to_bytes(3, "little")
    check = crc24(head)
    return head + check.to_bytes(3, "little") + payload + struct.pack("<I", zlib.crc32(payload, zlib.crc32(b"\xfa\x2d\x55\xca")))


class Cassandra(Conversation):
    version, segments, left = 4, False, b""

    def next_bytes(self, n):
        """Out of segments, where there are any. They are taken as right: TCP has checked them."""
        if not self.segments:
            return self.take(n)
        while len(self.left) < n:
            length = int.from_bytes(self.take(6)[:3], "little") & 0x1ffff
            self.left += self.take(length)
            self.take(4)
        got, self.left = self.left[:n], self.left[n:]
        return got

    def say(self, stream, opcode, body):
        message = struct.pack(">BBHBI", self.version | 0x80, 0, stream, opcode, len(body)) + body
        self.send(segment(message) if self.segments else message)

    def answer(self, opcode, r):
        if opcode == OPTIONS:
            return SUPPORTED, struct.pack(">H", 2) + text("CQL_VERSION") + struct.pack(">H", 1) + text("3.4.5") + \
                text("COMPRESSION") + struct.pack(">H", 0)
        if opcode == STARTUP:
            return AUTHENTICATE, text("org.apache.cassandra.auth.PasswordAuthenticator")
        if opcode == LOGIN:
            if r.take(r.number("i")).endswith(b"\0bob\0pw"):
                return LOGGED_IN, struct.pack(">i", -1)
            return ERROR, struct.pack(">i", 0x100) + text("Provided username and/or password are incorrect")
        if opcode == QUERY:
            return result(r.take(r.number("i")).decode())
        if opcode == PREPARE:
            r.take(r.number("i"))
            known = struct.pack(">H", 2) + b"id" + (struct.pack(">H", 2) + b"md" if self.version >= 5 else b"")
            asked = struct.pack(">iii", 1, 1, 0) + text("shop") + text("t") + text("name") + struct.pack(">H", TEXT)
            return RESULT, struct.pack(">i", 4) + known + asked + struct.pack(">ii", 4, 0)
        if opcode in (EXECUTE, BATCH):
            return RESULT, struct.pack(">i", 1)
        return READY, b""

    def talk(self):
        while True:
            self.version, _, stream, opcode, length = struct.unpack(">BBHBI", self.next_bytes(9))
            body = self.next_bytes(length)
            if self.version > 5:
                self.version = 5
                self.say(stream, ERROR, struct.pack(">i", 0x0a) + text("Invalid or unsupported protocol version (66); highest is 5/v5"))
                continue
            self.say(stream, *self.answer(opcode, Reader(body)))
            self.segments = self.segments or opcode == STARTUP and self.version >= 5


serve(Cassandra)
