"""MariaDB, PostgreSQL, Redis, memcached, ZooKeeper."""
import glob
import os
import socket
import subprocess

from .world import QUIET, V4, V6, bracketed, write_file


def mysql(w):
    """Commands, a wrong password, TLS, compression."""
    data, sock = f"{w.folder}/my", f"{w.folder}/my.sock"
    subprocess.run(["mariadb-install-db", f"--datadir={data}", "--user=root", "--skip-test-db",
                    "--auth-root-authentication-method=normal"], check=True, **QUIET)
    key, crt = w.certificate()
    sql = ("CREATE DATABASE shop; CREATE TABLE shop.t (a INT, b TEXT); INSERT INTO shop.t VALUES (1,'one'),(2,'two');"
           "CREATE USER bob@'%' IDENTIFIED BY 'pw'; GRANT ALL ON shop.* TO bob@'%';")
    with w.server(["mariadbd", "--no-defaults", f"--datadir={data}", "--user=root", "--port=3306", f"--socket={sock}", "--bind-address=*",
                   "--skip-name-resolve", "--skip-log-bin", "--innodb-buffer-pool-size=8M", f"--ssl-key={key}", f"--ssl-cert={crt}"],
                  3306, seconds=90):
        subprocess.run(["mariadb", f"--socket={sock}", "-uroot"], input=sql.encode(), check=True)
        with w.capture("mysql"):
            for to in V4, V6:
                client = ["mariadb", "--no-defaults", f"-h{to}", "-P3306", "-ubob"]
                w.say(client + ["--skip-ssl", "-ppw", "shop"],
                      text="SELECT * FROM t;\nINSERT INTO t VALUES (3,'three');\nSELECT c FROM t;\n")
                w.say(client + ["--skip-ssl", "-pwrong", "shop"], text="SELECT 1;\n")
                w.say(client + ["--ssl", "-ppw", "shop"], text="SELECT * FROM t;\n")
                w.say(client + ["--skip-ssl", "--compress", "-ppw", "shop"], text="SELECT * FROM t;\n")


def postgresql(w):
    """Simple and extended queries, COPY, a wrong password, TLS."""
    data, bin_ = f"{w.folder}/pg", sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
    key, crt = w.certificate()
    os.chmod(w.folder, 0o777)
    for path in key, crt:
        subprocess.run(["install", "-o", "postgres", "-m", "0600", path, f"{path}.pg"], check=True)
    pw = write_file(f"{w.folder}/pw", "pw")
    subprocess.run([f"{bin_}/initdb", "-D", data, "-A", "scram-sha-256", f"--pwfile={pw}", "-U", "bob", "-E", "UTF8", "--locale=C.UTF-8"],
                   user="postgres", check=True, **QUIET)
    write_file(f"{w.folder}/hba", "host all all all scram-sha-256\n")
    with w.server(["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", f"{bin_}/postgres", "-D", data, "-p", "5432", "-k", w.folder, "-c", "fsync=off", "-c", "listen_addresses=*", "-c", "ssl=on",
                   "-c", f"ssl_key_file={key}.pg", "-c", f"ssl_cert_file={crt}.pg", "-c", f"hba_file={w.folder}/hba"],
                  5432, seconds=90):
        with w.capture("postgresql"):
            for to in V4, V6:
                psql = ["psql", "-X", "-h", to, "-U", "bob", "-d", "postgres"]
                env = dict(os.environ, PGPASSWORD="pw", PGSSLMODE="disable", PGGSSENCMODE="disable")
                w.say(psql, text="CREATE TABLE IF NOT EXISTS t (a int);\nINSERT INTO t VALUES (1);\nSELECT a FROM t;\nSELECT b FROM t;\n"
                      "COPY t FROM STDIN;\n2\n\\.\nCOPY t TO STDOUT;\n", env=env)
                # It speaks the extended protocol, with statements that are prepared.
                bench = write_file(f"{w.folder}/bench", "\\set x 5\nSELECT a FROM t WHERE a = :x;\n")
                w.say([f"{bin_}/pgbench", "-h", to, "-U", "bob", "-n", "-M", "prepared", "-t", "3", "-f", bench, "postgres"], 2, env=env)
                # The first connection learns that there is a password to ask for; here it is known.
                w.say(psql + ["-c", "SELECT 1"], env=dict(env, PGPASSWORD="wrong"))
                w.say(psql + ["-c", "SELECT 1"], env=dict(env, PGSSLMODE="require"))


def redis(w):
    """Old and new protocol, by lines too, publishing, an error."""
    with w.server(["redis-server", "--port", "6379", "--bind", V4, V6, "--save", "", "--dir", w.folder, "--protected-mode", "no",
                   "--rename-command", "COMMAND", ""], 6379):
        with w.capture("redis"):
            for to in V4, V6:
                client = ["redis-cli", "-h", to]
                w.say(client, text="set k v\nget k\nincr k\nhset h a 1\nhgetall h\nlpush l a b c\nlrange l 0 -1\n")
                w.say(client + ["-3"], text="hgetall h\nmulti\nset a b\nexec\neval 'return 1' 0\nnosuch\n")
                w.say(["socat", "-t1", "-", f"TCP:{bracketed(to)}:6379"], text="PING\r\nSET a 1\r\nGET a\r\nQUIT\r\n")
                w.say(client + ["--pipe"], text="*1\r\n$4\r\nPING\r\n" * 20)


def memcached(w):
    """Text, and the binary protocol as a client of Debian speaks it."""
    with w.server(["memcached", "-p", "11211", "-u", "nobody", "-l", f"{V4},{V6}"], 11211):
        with w.capture("memcached"):
            for to in V4, V6:
                w.ports()
                with socket.create_connection((to, 11211)) as s:
                    for line, end in ((b"set k 5 0 3\r\nabc\r\n", b"STORED\r\n"), (b"get k none\r\n", b"END\r\n"),
                                      (b"incr k 1\r\n", b"\r\n"), (b"mg k v\r\n", b"\r\n"), (b"stats\r\n", b"END\r\n"), (b"quit\r\n", b"")):
                        s.sendall(line)
                        got = b""
                        while not got.endswith(end):
                            got += s.recv(65536)
                for how in ([], ["--binary"]):
                    w.say(["memcstat", *how, f"--servers={bracketed(to)}:11211"])


def zookeeper(w):
    """Its shell; and the words of four letters."""
    conf = write_file(f"{w.folder}/zoo.cfg", f"tickTime=2000\ndataDir={w.folder}/zk\nclientPort=2181\nadmin.enableServer=false\n"
                      "4lw.commands.whitelist=*\nmaxClientCnxns=0\n")
    classes = "/etc/zookeeper/conf:/usr/share/java/*"
    java = ["java", "-Xmx96m", "-cp", classes, "-Dzookeeper.log.dir=" + w.folder, "-Dzookeeper.root.logger=ERROR,CONSOLE"]
    with w.server(java + ["org.apache.zookeeper.server.quorum.QuorumPeerMain", conf], 2181, seconds=120):
        with w.capture("zookeeper"):
            for to in V4, V6:
                at = f"{bracketed(to)}:2181"
                w.say(java + ["org.apache.zookeeper.ZooKeeperMain", "-server", at], text="create /a one\nget /a\nls /\ndelete /a\nquit\n",
                      seconds=120)
                w.say(["socat", "-t1", "-", f"TCP:{at}"], text="ruok")
                w.say(["socat", "-t1", "-", f"TCP:{at}"], text="stat")


CAPTURES = {"mysql": mysql, "postgresql": postgresql, "redis": redis, "memcached": memcached, "zookeeper": zookeeper}
