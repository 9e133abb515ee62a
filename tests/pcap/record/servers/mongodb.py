"""MongoDB: OP_QUERY for the first words, OP_MSG and OP_COMPRESSED (zlib) behind them."""
import struct
import zlib

import bson

from common import Conversation, serve

OP_REPLY, OP_QUERY, OP_COMPRESSED, OP_MSG = 1, 2004, 2012, 2013
ZLIB = 2
HELLO = {"ismaster": True, "maxBsonObjectSize": 16777216, "maxMessageSizeBytes": 48000000, "maxWriteBatchSize": 100000,
         "minWireVersion": 0, "maxWireVersion": 8, "readOnly": False, "ok": 1.0}
MORE_TO_COME = 2


def answer(command):
    verb = next(iter(command))
    space = f"{command.get('$db')}.{command[verb]}"
    if verb.lower() == "ismaster":
        return HELLO | ({"compression": ["zlib"]} if "zlib" in command.get("compression", []) else {})
    if verb in ("insert", "update", "delete"):
        return {"n": 1, "ok": 1.0}
    if verb in ("find", "aggregate"):
        return {"cursor": {"firstBatch": [{"_id": 1, "name": "one"}, {"_id": 2, "name": "two"}], "id": bson.Int64(7), "ns": space}, "ok": 1.0}
    if verb == "getMore":
        return {"cursor": {"nextBatch": [{"_id": 3, "name": "three"}], "id": bson.Int64(0), "ns": space}, "ok": 1.0}
    if verb == "saslStart":
        return {"ok": 0.0, "errmsg": "Authentication failed.", "code": 18, "codeName": "AuthenticationFailed"}
    if verb in ("ping", "endSessions", "drop"):
        return {"ok": 1.0}
    return {"ok": 0.0, "errmsg": f"no such command: '{verb}'", "code": 59, "codeName": "CommandNotFound"}


class MongoDB(Conversation):
    number = 0

    def say(self, opcode, to, body, packed=False):
        if packed:
            body = struct.pack("<iib", opcode, len(body), ZLIB) + zlib.compress(body)
            opcode = OP_COMPRESSED
        self.number += 1
        self.send(struct.pack("<iiii", len(body) + 16, self.number, to, opcode) + body)

    def talk(self):
        while True:
            length, number, _, opcode = struct.unpack("<iiii", self.take(16))
            body = self.take(length - 16)
            packed = opcode == OP_COMPRESSED
            if packed:
                opcode = struct.unpack("<i", body[:4])[0]
                body = zlib.decompress(body[9:])
            if opcode == OP_QUERY:
                command = bson.decode(body[body.index(b"\0", 4) + 9:])
                self.say(OP_REPLY, number, struct.pack("<iqii", 8, 0, 0, 1) + bson.encode(answer(command)), packed)
                continue
            flags, = struct.unpack("<I", body[:4])
            length, = struct.unpack("<i", body[5:9])
            command = bson.decode(body[5:5 + length])
            if not flags & MORE_TO_COME:
                self.say(OP_MSG, number, struct.pack("<IB", 0, 0) + bson.encode(answer(command)), packed)


serve(MongoDB)
