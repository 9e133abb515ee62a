"""MongoDB, Kafka, Cassandra, TDS, TNS: Debian's clients, to servers of our own (servers/)."""
import os

from .world import V4, V6, bracketed, write_file

PYTHON = "/usr/bin/python3"  # the one that Debian's clients are packaged for
SERVERS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "servers")


def served(w, name, port, *more):
    return w.server([PYTHON, "-B", f"{SERVERS}/{name}.py", str(port), *more], port)


def script(w, name, text):
    return [PYTHON, "-B", write_file(f"{w.folder}/{name}.py", text)]


def mongodb(w):
    """Reading, writing, an unknown command, a wrong password, compressed."""
    client = script(w, "client", """
import sys
import pymongo
import pymongo.errors
_, to, more = sys.argv
client = pymongo.MongoClient(f"mongodb://{more.partition(' ')[2]}{to}:27017/", directConnection=True, heartbeatFrequencyMS=60000,
                             **({"compressors": "zlib"} if "zlib" in more else {}))
try:
    things = client.shop.things
    things.insert_one({"_id": 1, "name": "one"})
    things.insert_many([{"_id": n, "name": "x" * n} for n in range(2, 40)])
    things.update_one({"_id": 1}, {"$set": {"name": "uno"}})
    print([thing["name"] for thing in things.find({"name": {"$gt": "a"}})])
    things.delete_many({"_id": {"$lt": 3}})
    client.shop.command("nosuch")
except pymongo.errors.OperationFailure as failure:
    print(failure)
client.close()
""")
    with served(w, "mongodb", 27017):
        with w.capture("mongodb"):
            for to in V4, V6:
                for how in "plain ", "zlib ", "login bob:wrong@":
                    w.say(client + [bracketed(to), how], 2)  # one of the two looks after the server


def kafka(w):
    """Putting and taking by two clients, both ways of SASL, a wrong password."""
    python = script(w, "client", """
import sys
import kafka
at = f"{sys.argv[1]}:9092"
producer = kafka.KafkaProducer(bootstrap_servers=at, api_version=(0, 11))
producer.send("orders", b"from python", key=b"k").get(10)
producer.close()
""")
    with served(w, "kafka", 9092):
        with w.capture("kafka"):
            for name in "four.example", "six.example":
                kcat = ["kcat", "-b", f"{name}:9092"]
                # A connection to learn who is there, and one to who that is.
                w.say(kcat + ["-L"], 2)
                w.say(kcat + ["-P", "-t", "orders", "-p", "0"], 2, text="one\ntwo\nthree\n")
                w.say(kcat + ["-C", "-t", "orders", "-p", "0", "-o", "beginning", "-e"], 2)
                w.say(python + [name], 2)
                sasl = ["-X", "security.protocol=sasl_plaintext", "-X", "sasl.mechanism=PLAIN", "-X", "sasl.username=bob"]
                w.say(kcat + sasl + ["-X", "sasl.password=pw", "-L"], 2)
                w.say(kcat + sasl + ["-X", "sasl.password=pw", "-X", "api.version.request=false",
                                     "-X", "broker.version.fallback=0.10.0", "-L"], 2)
                w.say(kcat + sasl + ["-X", "sasl.password=wrong", "-X", "reconnect.backoff.max.ms=10000",
                                     "-X", "reconnect.backoff.ms=10000", "-m", "2", "-L"], 1)


def cassandra(w):
    """Statements, prepared ones, a batch, an error, a wrong password; versions 4 and 5."""
    client = script(w, "client", """
import sys
import cassandra
import cassandra.auth
import cassandra.cluster
import cassandra.query
_, to, version, password = sys.argv
cluster = cassandra.cluster.Cluster([to], protocol_version=int(version), schema_metadata_enabled=False, token_metadata_enabled=False,
    compression=False, auth_provider=cassandra.auth.PlainTextAuthProvider("bob", password), idle_heartbeat_interval=0)
try:
    session = cluster.connect()
    session.set_keyspace("shop")
    print([row.name for row in session.execute("SELECT name FROM t")])
    session.execute("INSERT INTO t (name) VALUES ('one')")
    put = session.prepare("INSERT INTO t (name) VALUES (?)")
    session.execute(put, ["two"])
    batch = cassandra.query.BatchStatement()
    batch.add(put, ["three"])
    batch.add("DELETE FROM t WHERE name = 'two'")
    session.execute(batch)
    session.execute("SELECT name FROM nowhere")
except cassandra.InvalidRequest as failure:
    print(failure)
except cassandra.cluster.NoHostAvailable as failure:
    assert password == "wrong" and "incorrect" in str(failure)
cluster.shutdown()
""")
    with served(w, "cassandra", 9042):
        with w.capture("cassandra"):
            for to in V4, V6:
                for version, password in ("4", "pw"), ("5", "pw"), ("4", "wrong"):
                    w.say(client + [to, version, password], 2)  # one of the two is the cluster's own


def tds(w):
    """Statements by three clients, an error, a wrong login, a call; under TLS the login, or all."""
    key, crt = w.certificate()
    text = "SELECT a FROM t\ngo\nINSERT INTO t VALUES (3)\ngo\nSELECT a FROM nowhere\ngo\nexit\n"
    conf = write_file(f"{w.folder}/freetds.conf", "[global]\ntds version = 7.4\ntimeout = 10\nconnect timeout = 10\n" + "".join(
        f"[{name}{family}]\nhost = {to}\nport = 1433\nencryption = {how}\n" for family, to in ((4, V4), (6, V6))
        for name, how in (("plain", "off"), ("login", "request"), ("all", "require"))))
    env = dict(os.environ, FREETDSCONF=conf)
    call = script(w, "client", """
import sys
import pymssql
with pymssql.connect(server=sys.argv[1], user="bob", password="pw", tds_version="7.3") as client:
    cursor = client.cursor()
    cursor.callproc("sp_who", (1,))
    cursor.execute("SELECT a FROM t WHERE a = %d", 1)
    print(cursor.fetchall())
""")
    with served(w, "tds", 1433, key, crt):
        with w.capture("tds"):
            for family in "46":
                for name in "plain", "login", "all":
                    w.say(["tsql", "-S", name + family, "-D", "shop", "-U", "bob", "-P", "pw"], text=text, env=env)
                w.say(["tsql", "-S", "plain" + family, "-U", "eve", "-P", "pw"], text="exit\n", env=env)
                w.say(["bsqldb", "-S", "plain" + family, "-U", "bob", "-P", "pw"], text="SELECT a FROM t\n", env=env)
                w.say(call + ["plain" + family], env=env)


def tns(w):
    """Statements, a wrong password, a service that there is not."""
    client = script(w, "client", """
import sys
import oracledb
_, to, service, password = sys.argv
try:
    with oracledb.connect(user="bob", password=password, host=to, port=1521, service_name=service) as client:
        for statement in "SELECT a FROM t WHERE a = 1", "INSERT INTO t VALUES (1)":
            try:
                client.cursor().execute(statement)
            except oracledb.DatabaseError as failure:
                print(failure)
except oracledb.DatabaseError as failure:
    print(failure)
""")
    with served(w, "tns", 1521):
        with w.capture("tns"):
            for to in V4, V6:
                for service, password in ("shop", "pw"), ("shop", "wrong"), ("none", "pw"):
                    w.say(client + [to, service, password])


CAPTURES = {"mongodb": mongodb, "kafka": kafka, "cassandra": cassandra, "tds": tds, "tns": tns}
