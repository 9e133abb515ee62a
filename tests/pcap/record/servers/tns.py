"""TNS as far as a login (verifier of 11g) and statements, none of which is done.

It is not documented by who made it; what is said here is what python-oracledb takes.
"""
import hashlib
import os
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from common import Conversation, serve

CONNECT, ACCEPT, REFUSE, DATA = 1, 2, 4, 6
PROTOCOL, TYPES, CALL, ERROR, PARAMETERS, STATUS = 1, 2, 3, 4, 8, 9
LOGIN, LOGIN_SECOND, STATEMENT, LOGOFF, COMMIT, ROLLBACK = 0x76, 0x73, 0x5e, 0x09, 0x0e, 0x0f
SALT = bytes(range(1, 11))
NEGOTIATION = b"\xde\xad\xbe\xef"
VERIFIER_11G = 0xb152
VERSION, LARGE = 318, 315


def number(n):
    """Its bytes' count and its bytes."""
    data = n.to_bytes((n.bit_length() + 7) // 8, "big")
    return bytes([len(data)]) + data


def counted(data):
    return bytes([len(data)]) + data


def pair(key, value, flags=0):
    return number(len(key)) + counted(key.encode()) + number(len(value)) + (counted(value.encode()) if value else b"") + number(flags)


def pairs(*rows):
    return bytes([PARAMETERS]) + number(len(rows)) + b"".join(pair(*row) for row in rows) + bytes([STATUS]) + number(0) + number(0)


def failure(code, text):
    said = f"ORA-{code:05}: {text}\n".encode()
    # Before the code come the call's status, number and row; behind it errors of arrays,
    # cursor, place, a row's name, the system's, what came of batches: all of that is 0.
    return bytes([ERROR]) + bytes(3) + number(code) + bytes(24) + number(code) + number(0) + counted(said)


def aes(key):
    return Cipher(algorithms.AES(key), modes.CBC(bytes(16)))


def encrypt(key, data):
    one = aes(key).encryptor()
    return one.update(data) + one.finalize()


def decrypt(key, data):
    one = aes(key).decryptor()
    return one.update(data) + one.finalize()


def told(body, key):
    """A value of hexadecimal digits: its length twice, itself."""
    at = body.index(key) + len(key)
    at += 1 + body[at]
    return bytes.fromhex(body[at + 1:at + 1 + body[at]].decode())


class TNS(Conversation):
    large = False

    def packet(self):
        head = self.take(8)
        length = int.from_bytes(head[:4] if self.large else head[:2], "big")
        return head[4], self.take(length - 8)

    def say(self, kind, body):
        length = len(body) + 8
        head = struct.pack(">I", length) if self.large else struct.pack(">HH", length, 0)
        self.send(head + bytes([kind, 0, 0, 0]) + body)

    def data(self, body):
        self.say(DATA, b"\0\0" + body)

    def login(self):
        """Both make a half of a key, veiled with the password's hash; who has both knows it."""
        key = hashlib.sha1(b"pw" + SALT).digest() + bytes(4)
        mine = os.urandom(32)
        self.data(pairs(("AUTH_SESSKEY", encrypt(key, mine).hex().upper()), ("AUTH_VFR_DATA", SALT.hex().upper(), VERIFIER_11G),
                        ("AUTH_PBKDF2_CSK_SALT", SALT.hex().upper()), ("AUTH_PBKDF2_VGEN_COUNT", "4096"), ("AUTH_PBKDF2_SDER_COUNT", "3"),
                        ("AUTH_GLOBALLY_UNIQUE_DBID", bytes(16).hex())))
        _, body = self.packet()
        theirs = decrypt(key, told(body, b"AUTH_SESSKEY"))
        key = hashlib.pbkdf2_hmac("sha512", (theirs[:24] + mine[:24]).hex().upper().encode(), SALT, 3, 24)
        word = decrypt(key, told(body, b"AUTH_PASSWORD"))
        if word[16:-word[-1]] != b"pw":
            self.data(failure(1017, "invalid username/password; logon denied"))
            return False
        proof = encrypt(key, os.urandom(16) + b"SERVER_TO_CLIENT" + bytes([16]) * 16)
        self.data(pairs(("AUTH_SVR_RESPONSE", proof.hex().upper()), ("AUTH_VERSION_NO", "318767104"), ("AUTH_SESSION_ID", "7"),
                        ("AUTH_SERIAL_NUM", "8")))
        return True

    def talk(self):
        _, body = self.packet()
        if b"SERVICE_NAME=shop" not in body:
            self.say(REFUSE, b"\x22\0\0\x2b(DESCRIPTION=(TMP=)(ERR=12514)(VSNNUM=318767104))")
            return
        self.say(ACCEPT, struct.pack(">HHHHHHHBBHHIII", VERSION, 1, 8192, 65535, 1, 0, 41, 0x45, 0x45, 0, 0, 0, 8192, 65535))
        self.large = VERSION >= LARGE
        while True:
            kind, body = self.packet()
            if kind != DATA or body[1] & 0x40:  # it says farewell
                return
            what = body[2:4]
            if body[2:6] == NEGOTIATION:  # of services behind this; there are none
                self.data(NEGOTIATION + struct.pack(">HIHB", 13, 0xb200200, 0, 0))
            elif what[0] == PROTOCOL:
                fdo = bytes([0] * 5 + [0, 0, 0, 0, 0, 7, 208])
                self.data(bytes([PROTOCOL, 6, 0]) + b"x86_64/Linux 2.4.xx\0" + struct.pack("<HBH", 873, 1, 0) + struct.pack(">H", len(fdo)) + fdo +
                          counted(bytes([6, 1, 1, 1, 239, 15, 1, 24, 1, 1, 1, 1, 1, 1, 1, 127, 255, 3, 16, 3, 3, 1, 1, 255, 1, 255, 255, 1, 12, 1, 1, 255, 1, 6, 12, 246, 249, 127, 5, 2, 3, 0, 0, 0, 0, 0, 0, 0])) +
                          counted(bytes([2, 1, 0, 1, 24, 0, 127, 1, 0, 0, 0, 0])))
            elif what[0] == TYPES:
                self.data(bytes([TYPES]) + bytes(2))
            elif what == bytes([CALL, LOGIN]):
                if not self.login():
                    return
            elif what == bytes([CALL, STATEMENT]) or what[0] == 0x11:
                self.data(failure(942, "table or view does not exist"))
            else:
                self.data(bytes([STATUS]) + number(0) + number(0))


serve(TNS)
