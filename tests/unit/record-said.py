#!/usr/bin/python3
"""record-said.py NAME...: records tests/unit/said_NAME.h anew, what a real client and a
real server say to each other; all of them without a name.

     client ───▶ here: writes down who says what ───▶ server
     127.0.0.1, in a network namespace of its own

Run as root, and only to record again: bytes that are random (salts, ids) differ each
time. Servers run as this script's children with their data below a temporary folder.
"""
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
INSIDE = "RECORD_SAID_INSIDE"
PORT, HEARD = 5000, 5001  # of a server; where clients are to come


def wait_until(condition, what):
    end = time.monotonic() + 60
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"record-said: waited in vain: {what}")
        select.select([], [], [], 0.05)


def listens(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


def run(command, **more):
    return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **more)


class Server:
    """A program that listens on `port`; its process group ends with the block."""

    def __init__(self, command, port=PORT, user=None, env=None):
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        start_new_session=True, user=user, env=env)
        wait_until(lambda: listens(port), command[0])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait()


class Ear:
    """Writes down what is said through it on one connection."""

    def __init__(self, to=PORT):
        self.lines = []
        self.listener = socket.create_server(("127.0.0.1", HEARD))
        self.thread = threading.Thread(target=self.run, args=(to,), daemon=True)
        self.thread.start()

    def run(self, to):
        client, _ = self.listener.accept()
        self.listener.close()
        server = socket.create_connection(("127.0.0.1", to))
        sides = {client: ("C", server), server: ("S", client)}
        while sides:
            for s in select.select(list(sides), [], [])[0]:
                who, other = sides[s]
                try:
                    data = s.recv(65536)
                except ConnectionResetError:
                    data = b""
                if data:
                    self.hear(who, data)
                    other.sendall(data)
                else:
                    del sides[s]
                    try:
                        other.shutdown(socket.SHUT_WR)
                    except OSError:
                        sides = {}

    def hear(self, who, data):
        if self.lines and self.lines[-1][0] == who:
            self.lines[-1] = (who, self.lines[-1][1] + data)
        else:
            self.lines.append((who, data))

    def end(self):
        self.thread.join(30)
        return self.lines


class Ears:
    """As Ear, for clients that make several connections."""

    def __init__(self, to=PORT):
        self.all, self.to = [], to
        threading.Thread(target=self.run, daemon=True).start()
        wait_until(lambda: self.all, "an ear")

    def run(self):
        listener = socket.create_server(("127.0.0.1", HEARD))
        while True:
            ear = Ear.__new__(Ear)
            ear.lines, ear.listener = [], listener.dup()
            self.all.append(ear)
            accepted = select.select([listener], [], [])
            assert accepted
            ear.thread = threading.Thread(target=ear.run, args=(self.to,), daemon=True)
            ear.thread.start()
            wait_until(lambda: ear.listener.fileno() < 0, "a client")

    def heard(self):
        return [e.lines for e in self.all if len(e.lines) > 1]


def c_string(data):
    """As a C literal, cut where the line is full."""
    parts, line = [], ""
    for b in data:
        c = chr(b) if 32 <= b < 127 and chr(b) not in "\"\\?" else f"\\{b:03o}"
        if len(line) + len(c) > 68:
            parts.append(line)
            line = ""
        line += c
    return "\n\t  ".join(f'"{p}"' for p in parts + [line])


def write(name, talks):
    with open(os.path.join(HERE, f"said_{name}.h"), "w") as f:
        f.write("/* Recorded by record-said.py. */\n/* clang-format off */\n#pragma once\n\n#include \"talk.h\"\n")
        for talk, lines in talks.items():
            f.write(f"\n/* limits: table */\nstatic const struct talk_line said_{talk}[] = {{\n")
            for who, data in lines:
                f.write(f"\t{{ '{who}',\n\t  {c_string(data)},\n\t  {len(data)} }},\n")
            f.write("\t{ 0, NULL, 0 },\n};\n")


def redis(tmp):
    talks = {}
    with Server(["redis-server", "--port", str(PORT), "--save", "", "--dir", tmp, "--rename-command", "COMMAND", ""]):
        ear = Ear()
        run(["redis-cli", "-p", str(HEARD), "-3"], input=b"HELLO 3 AUTH default x\nset k v\nget k\nhgetall h\n"
            b"eval 'return 1' 1 {k}\nxread count 1 streams s 0\nnosuch\nflushall\n")
        talks["redis_cli"] = ear.end()
    return talks


def mysql(tmp):
    talks = {}
    data = os.path.join(tmp, "my")
    run(["mariadb-install-db", f"--datadir={data}", "--user=root", "--skip-test-db", "--auth-root-authentication-method=normal"], check=True)
    sql = b"CREATE DATABASE shop; CREATE USER bob@'%' IDENTIFIED BY 'pw'; GRANT ALL ON shop.* TO bob@'%';"
    with Server(["mariadbd", f"--datadir={data}", "--user=root", f"--port={PORT}", f"--socket={tmp}/s", "--bind-address=127.0.0.1",
                 "--skip-name-resolve", "--skip-log-bin", "--innodb-buffer-pool-size=8M"]):
        run(["mariadb", f"--socket={tmp}/s", "-uroot"], input=sql, check=True)
        cli = ["mariadb", "-h127.0.0.1", f"-P{HEARD}", "--skip-ssl"]
        ear = Ear()
        run(cli + ["-ubob", "-ppw", "shop"], input=b"CREATE TABLE t (a INT);\nINSERT INTO t VALUES (1);\n"
            b"SELECT a FROM t;\nSELECT b FROM t;\n/* c */ DROP TABLE t;\nUSE shop\n")
        talks["mariadb"] = ear.end()
        ear = Ear()
        run(cli + ["-ubob", "-pwrong", "shop"], input=b"SELECT 1;")
        talks["mariadb_denied"] = ear.end()
        ear = Ear()
        run(["mariadb", "-h127.0.0.1", f"-P{HEARD}", "--compress", "-ubob", "-ppw"], input=b"SELECT 1;")
        talks["mariadb_compressed"] = ear.end()
        import pymysql
        ear = Ear()
        c = pymysql.connect(host="127.0.0.1", port=HEARD, user="bob", password="pw", client_flag=1 << 16)
        c.cursor().execute("SELECT ';'; INSERT INTO shop.none VALUES (1)")
        c.close()
        talks["pymysql"] = ear.end()
    return talks


def postgresql(tmp):
    talks = {}
    data = os.path.join(tmp, "pg")
    shutil.copystat("/tmp", tmp)
    run(["chown", "postgres", tmp], check=True)
    bin_ = sorted(os.listdir("/usr/lib/postgresql"))[-1]
    bin_ = f"/usr/lib/postgresql/{bin_}/bin"
    pw = os.path.join(tmp, "pw")
    with open(pw, "w") as f:
        f.write("pw")
    os.chmod(pw, 0o644)
    run([f"{bin_}/initdb", "-D", data, "-A", "scram-sha-256", f"--pwfile={pw}", "-U", "bob"], user="postgres", check=True)
    with Server([f"{bin_}/postgres", "-D", data, "-p", str(PORT), "-k", tmp, "-c", "fsync=off"], user="postgres"):
        psql = ["psql", "-h", "127.0.0.1", "-p", str(HEARD), "-U", "bob", "-d", "postgres", "-X"]
        env = dict(os.environ, PGPASSWORD="pw", PGSSLMODE="disable", PGGSSENCMODE="disable")
        ear = Ear()
        run(psql, input=b"CREATE TABLE t (a int);\nINSERT INTO t VALUES (1);\nSELECT a FROM t;\nSELECT b FROM t;\n"
            b"COPY t FROM STDIN;\n2\n\\.\nCOPY t TO STDOUT;\nSELECT 1\\; DROP TABLE t;\nSELECT $1::int \\bind 5 \\g\n", env=env)
        talks["psql"] = ear.end()
        ear = Ear()
        run(psql, input=b"SELECT 1;", env=dict(env, PGPASSWORD="wrong"))
        talks["psql_denied"] = ear.end()
        ear = Ear()
        run(psql, input=b"SELECT 1;", env=dict(env, PGSSLMODE="prefer"))
        talks["psql_no_ssl"] = ear.end()
    return talks


def memcached(_):
    with Server(["memcached", "-p", str(PORT), "-u", "nobody", "-l", "127.0.0.1"]):
        ear = Ear()
        with socket.create_connection(("127.0.0.1", HEARD)) as s:
            for line, end in ((b"set k 5 0 3\r\nabc\r\n", b"STORED\r\n"), (b"get k none\r\n", b"END\r\n"), (b"incr k 1\r\n", b"\r\n"),
                              (b"delete k noreply\r\nmg k v\r\n", b"EN\r\n"), (b"stats settings\r\n", b"END\r\n"), (b"quit\r\n", b"")):
                s.sendall(line)
                got = b""
                while not got.endswith(end):
                    got += s.recv(65536)
                if line.startswith(b"stats"):
                    break
        lines = ear.end()
    return {"memcached": lines[:8]}


def mqtt(tmp):
    talks = {}
    conf = os.path.join(tmp, "m.conf")
    with open(conf, "w") as f:
        f.write(f"listener {PORT} 127.0.0.1\nallow_anonymous true\n")
    os.chmod(tmp, 0o755)
    with Server(["mosquitto", "-c", conf]):
        to = ["-h", "127.0.0.1", "-p", str(HEARD)]
        ear = Ear()
        run(["mosquitto_pub", *to, "-i", "c1", "-u", "bob", "-P", "pw", "-t", "a/b", "-m", "hello", "-q", "1", "-r",
             "--will-topic", "gone", "--will-payload", "x"])
        talks["mosquitto_pub"] = ear.end()
        ear = Ear()
        run(["mosquitto_sub", *to, "-i", "c2", "-V", "5", "-t", "a/#", "-t", "z", "-C", "1"])
        talks["mosquitto_sub"] = ear.end()
    return talks


def amqp(tmp):
    import pika
    home = os.path.join(tmp, "r")
    os.mkdir(home)
    env = dict(os.environ, HOME=home, RABBITMQ_MNESIA_BASE=home, RABBITMQ_LOG_BASE=home, RABBITMQ_NODE_PORT=str(PORT),
               RABBITMQ_NODENAME="r@localhost", RABBITMQ_ENABLED_PLUGINS_FILE=f"{home}/plugins", RABBITMQ_PID_FILE=f"{home}/pid",
               RABBITMQ_CONFIG_FILE=f"{home}/none", ERL_EPMD_PORT="5002", RABBITMQ_DIST_PORT="5003")
    run(["chown", "-R", "rabbitmq", tmp])
    with Server(["/usr/lib/rabbitmq/bin/rabbitmq-server"], user="rabbitmq", env=env):
        ear = Ear()
        c = pika.BlockingConnection(pika.ConnectionParameters("127.0.0.1", HEARD))
        ch = c.channel()
        ch.exchange_declare("ex")
        ch.queue_declare("jobs")
        ch.queue_bind("jobs", "ex", "k")
        ch.basic_publish("ex", "k", b"hello")
        ch.basic_get("jobs", auto_ack=True)
        c.close()
        talks = {"pika": ear.end()}
    return talks


class Spoken:
    """A server that Debian has not: `answer` makes of the bytes that it heard what it says
    (None: it waits for more), and of what it leaves of them."""

    def __init__(self, answer, greeting=b""):
        self.listener = socket.create_server(("127.0.0.1", PORT))
        self.answer, self.greeting = answer, greeting
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            s, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(s,), daemon=True).start()

    def serve(self, s):
        heard = b""
        s.sendall(self.greeting)
        while data := s.recv(65536):
            heard += data
            while (said := self.answer(heard)) is not None:
                heard = said[1]
                s.sendall(said[0])


def mongodb(_):
    """pymongo, and a server that says ok to whatever it is told."""
    import bson
    import pymongo

    def answer(heard):
        if len(heard) < 16 or len(heard) < struct.unpack("<I", heard[:4])[0]:
            return None
        length, number, _, code = struct.unpack("<4I", heard[:16])
        doc = bson.encode({"ok": 1.0, "ismaster": True, "maxWireVersion": 6, "minWireVersion": 0, "n": 1,
                           "cursor": {"id": bson.Int64(0), "ns": "shop.t", "firstBatch": []}})
        if code == 2013:
            body = bytes(4) + b"\0" + doc
            said = struct.pack("<4I", 16 + len(body), 7, number, 2013) + body
        else:
            body = struct.pack("<IqII", 8, 0, 0, 1) + doc
            said = struct.pack("<4I", 16 + len(body), 7, number, 1) + body
        return said, heard[length:]

    Spoken(answer)
    ears = Ears()
    c = pymongo.MongoClient("127.0.0.1", HEARD, directConnection=True, retryWrites=False)
    c.shop.t.insert_one({"_id": 1, "a": {"b": [1, 2]}})
    list(c.shop.t.find({"a": 1}))
    c.shop.t.drop()
    c.close()
    return {"pymongo": next(e for e in ears.heard() if any(b"insert" in said for _, said in e))}


def zookeeper(_):
    """kazoo, and a server that knows nothing but that all is well."""
    from kazoo.client import KazooClient

    def answer(heard):
        if len(heard) < 12 or len(heard) < 4 + struct.unpack(">I", heard[:4])[0]:
            return None
        length, number, op = struct.unpack(">Iii", heard[:12])
        if number == 0:
            body = struct.pack(">IIQI", 0, 10000, 7, 16) + bytes(17)
        else:
            stat = struct.pack(">QQQQIIIQIIQ", 1, 1, 0, 0, 0, 0, 0, 0, 1, 0, 1)
            body = struct.pack(">iqi", number, 1, 0)
            body += {1: b"\0\0\0\2/a", 3: stat, 4: b"\0\0\0\1x" + stat, 5: stat,
                     14: struct.pack(">ibi", 2, 0, 0) + struct.pack(">ibi", -1, 1, -1)}.get(op, b"")
        return struct.pack(">I", len(body)) + body, heard[4 + length:]

    Spoken(answer)
    ear = Ear()
    c = KazooClient(hosts=f"127.0.0.1:{HEARD}")
    c.start()
    c.create("/a", b"x")
    c.get("/a")
    c.set("/a", b"y")
    t = c.transaction()
    t.create("/t", b"z")
    t.delete("/a")
    t.commit()
    c.stop()
    return {"kazoo": ear.end()}


def kafka(_):
    """kafka-python, and a broker of one topic; what it is sent, it says it has."""
    from kafka import KafkaProducer

    def answer(heard):
        if len(heard) < 12 or len(heard) < 4 + struct.unpack(">I", heard[:4])[0]:
            return None
        length, api, version, number = struct.unpack(">IHHI", heard[:12])
        if api == 18:
            apis = ((0, 0, 7), (1, 0, 11), (3, 0, 5), (18, 0, 2))
            body = struct.pack(">HI", 0, len(apis)) + b"".join(struct.pack(">3H", *a) for a in apis) + (bytes(4) if version else b"")
        elif api == 3:
            body = bytes(4) if version > 2 else b""
            body += struct.pack(">IIH", 1, 1, 9) + b"127.0.0.1" + struct.pack(">Ih", HEARD, -1)
            body += (struct.pack(">h", -1) if version > 1 else b"") + struct.pack(">I", 1)
            body += struct.pack(">IHH", 1, 0, 4) + b"jobs" + b"\0" + struct.pack(">IHIIIIII", 1, 0, 0, 1, 1, 1, 1, 1)
            body += bytes(4) if version > 4 else b""
        else:
            body = struct.pack(">IH", 1, 4) + b"jobs" + struct.pack(">IIHQq", 1, 0, 0, 0, -1) + (bytes(8) if version > 4 else b"") + bytes(4)
        return struct.pack(">II", len(body) + 4, number) + body, heard[4 + length:]

    Spoken(answer)
    ears = Ears()
    p = KafkaProducer(bootstrap_servers=f"127.0.0.1:{HEARD}", client_id="me", api_version=(2, 3), acks=1)
    p.send("jobs", b"hello").get(10)
    p.close()
    return {f"kafka_python_{i}": e for i, e in enumerate(ears.heard())}


def tds(_):
    """FreeTDS' tsql, and a server that takes any login."""

    def packet(kind, payload):
        return struct.pack(">BBHHBB", kind, 1, len(payload) + 8, 0, 1, 0) + payload

    def answer(heard):
        if len(heard) < 8 or len(heard) < struct.unpack(">H", heard[2:4])[0]:
            return None
        length = struct.unpack(">H", heard[2:4])[0]
        done = b"\xfd" + bytes(12)
        if heard[0] == 18:
            body = b"\0\0\x0b\0\6\1\0\x11\0\1\xff\x0f\0\7\xd0\0\0\2"
        elif heard[0] == 16:
            name = "SQL".encode("utf-16-le")
            ack = b"\1\x74\0\0\4\3" + name + b"\x0f\0\7\xd0"
            body = b"\xad" + struct.pack("<H", len(ack)) + ack + done
        else:
            body = done
        return packet(4, body), heard[length:]

    Spoken(answer)
    ear = Ear()
    run(["tsql", "-H", "127.0.0.1", "-p", str(HEARD), "-U", "bob", "-P", "pw", "-D", "shop"], input=b"select 1\ngo\nexit\n",
        env=dict(os.environ, TDSVER="7.4"), timeout=30)
    return {"tsql": ear.end()}


def cassandra(_):
    """Python's driver, up to where a server without a schema does not suffice it."""
    from cassandra.cluster import Cluster, NoHostAvailable

    def answer(heard):
        if len(heard) < 9 or len(heard) < 9 + struct.unpack(">I", heard[5:9])[0]:
            return None
        length = 9 + struct.unpack(">I", heard[5:9])[0]
        code, body = {5: (6, b"\0\2\0\x0bCQL_VERSION\0\1\0\0053.0.0\0\x0bCOMPRESSION\0\0"), 7: (8, b"\0\0\0\1")}.get(heard[4], (2, b""))
        return bytes((0x84, 0)) + heard[2:4] + bytes((code,)) + struct.pack(">I", len(body)) + body, heard[length:]

    Spoken(answer)
    ears = Ears()
    c = Cluster(["127.0.0.1"], port=HEARD, protocol_version=4, connect_timeout=5)
    try:
        c.connect()
    except NoHostAvailable:
        pass
    c.shutdown()
    return {"cassandra_driver": next(e for e in ears.heard() if any(b"SELECT" in said for _, said in e))}


def smtp(_):
    """Python's smtplib, and a server of a few words."""
    import smtplib

    def answer(heard):
        if b"\n" not in heard:
            return None
        line, rest = heard.split(b"\n", 1)
        if line.startswith(b"data") and b"\r\n.\r\n" not in rest:
            return (b"354 go on\r\n", b"\r\n" + rest) if not rest else None
        if line == b"\r":
            return (b"250 taken\r\n", rest.split(b"\r\n.\r\n", 1)[1]) if b"\r\n.\r\n" in rest else None
        return (b"250-here\r\n250 ok\r\n" if line.startswith(b"ehlo") else b"250 ok\r\n"), rest

    Spoken(answer, b"220 here ESMTP\r\n")
    ear = Ear()
    c = smtplib.SMTP("127.0.0.1", HEARD, local_hostname="me")
    c.sendmail("a@b", ["c@d", "e@f"], "Subject: x\n\n.hidden\nbye\n")
    c.quit()
    return {"smtplib": ear.end()}


ALL = {f.__name__: f for f in (redis, mysql, postgresql, mongodb, memcached, mqtt, amqp, smtp,
                                  zookeeper, kafka, tds, cassandra)}


def main():
    if INSIDE not in os.environ:
        os.execvpe("unshare", ["unshare", "-n", sys.executable, *sys.argv], dict(os.environ, **{INSIDE: "1"}))
    run(["ip", "link", "set", "lo", "up"], check=True)
    for name in sys.argv[1:] or ALL:
        with tempfile.TemporaryDirectory() as tmp:
            write(name, ALL[name](tmp))


main()
