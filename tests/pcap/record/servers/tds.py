"""TDS 7.4: logins in the clear, under TLS, or wholly under TLS; batches and calls."""
import ssl
import struct
import sys

from common import Conversation, serve

BATCH, RPC, ANSWER, LOGIN7, PRELOGIN = 1, 3, 4, 16, 18
OFF, ON, NOT, REQUIRED = range(4)
DONE, DONE_PROC = 0xfd, 0xfe


def wide(text):
    return text.encode("utf-16le")


def short_text(text):
    return bytes([len(text)]) + wide(text)


def done(token=DONE, status=0, rows=0):
    return struct.pack("<BHHQ", token, status, 0, rows)


def changed(kind, new, old):
    body = bytes([kind]) + short_text(new) + short_text(old)
    return struct.pack("<BH", 0xe3, len(body)) + body


def error(number, text, state=1, severity=14):
    body = struct.pack("<iBBH", number, state, severity, len(text)) + wide(text) + short_text("SERVER") + b"\0" + struct.pack("<i", 1)
    return struct.pack("<BH", 0xaa, len(body)) + body + done(status=2)


def welcome():
    name = "Microsoft SQL Server"
    body = struct.pack(">BI", 1, 0x74000004) + short_text(name) + b"\x0f\0\x10\x07"
    return changed(1, "master", "") + struct.pack("<BH", 0xad, len(body)) + body + changed(4, "4096", "4096") + done()


def numbers():
    """One column, two rows."""
    column = struct.pack("<BHIHBB", 0x81, 1, 0, 9, 0x26, 4) + short_text("a")
    return column + b"".join(struct.pack("<BBi", 0xd1, 4, n) for n in (1, 2)) + done(status=0x10, rows=2)


def batch(statement):
    if "nowhere" in statement:
        return error(208, "Invalid object name 'nowhere'.", severity=16)
    return numbers() if statement.lower().lstrip().startswith("select") else done()


class TDS(Conversation):
    tls = None

    def take_plain(self, n):
        """Out of TLS, while there is any."""
        if not self.tls:
            return self.take(n)
        got = b""
        while len(got) < n:
            try:
                got += self.tls.read(n - len(got))
            except ssl.SSLWantReadError:
                self.cipher_in.write(self.record())
        return got

    def record(self):
        head = self.take(5)
        return head + self.take(int.from_bytes(head[3:], "big"))

    def say(self, body, kind=ANSWER):
        data = struct.pack(">BBHHBB", kind, 1, len(body) + 8, 0, 1, 0) + body
        if self.tls:
            self.tls.write(data)
            data = self.cipher_out.read()
        self.send(data)

    def message(self):
        body = b""
        while True:
            kind, status, length = struct.unpack(">BBH4x", self.take_plain(8))
            body += self.take_plain(length - 8)
            if status & 1:
                return kind, body

    def shake_hands(self):
        """Each flight is within a packet of type PRELOGIN."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[3], sys.argv[2])
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        self.cipher_in, self.cipher_out = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(self.cipher_in, self.cipher_out, server_side=True)
        while True:
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                if flight := self.cipher_out.read():
                    self.say(flight, PRELOGIN)
                self.cipher_in.write(self.message()[1])
                continue
            if flight := self.cipher_out.read():
                self.say(flight, PRELOGIN)
            self.tls = tls
            return

    def prelogin(self, asked):
        """Encryption is what the client asks for."""
        at, wanted = 0, NOT
        while asked[at] != 0xff:
            option, place, _ = struct.unpack(">BHH", asked[at:at + 5])
            if option == 1:
                wanted = asked[place]
            at += 5
        options = ((0, b"\x0f\0\x10\x07\0\0"), (1, bytes([wanted])), (2, b"\0"), (3, b""), (4, b"\0"))
        head, rest, place = b"", b"", len(options) * 5 + 1
        for option, value in options:
            head += struct.pack(">BHH", option, place + len(rest), len(value))
            rest += value
        self.say(head + b"\xff" + rest)
        return wanted

    def talk(self):
        kind, body = self.message()
        wanted = NOT
        if kind == PRELOGIN:
            wanted = self.prelogin(body)
            if wanted != NOT:
                self.shake_hands()
            kind, body = self.message()
        if wanted == OFF:  # of all but the login
            self.tls = None
        at, length = struct.unpack("<HH", body[40:44])
        if body[at:at + length * 2].decode("utf-16le") != "bob":
            self.say(error(18456, "Login failed for user."))
            return
        self.say(welcome())
        while True:
            kind, body = self.message()
            if kind == BATCH:
                self.say(batch(body[struct.unpack("<I", body[:4])[0]:].decode("utf-16le")))
            elif kind == RPC:
                self.say(struct.pack("<Bi", 0x79, 0) + done(DONE_PROC))
            else:
                return


serve(TDS)
