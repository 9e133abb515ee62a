"""Workloads on a bridge, what they serve, and Weir around them.

    web 10.9.0.2  nginx (80; HTTP/2 on 8080), gRPC, echo ──┐
    db  10.9.0.3  PostgreSQL, Redis, dnsmasq, echo ────────┤
    app 10.9.0.4  everything asks from here ───────────────┼ br0 10.9.0.1
    guest*        come, ask web, and go ───────────────────┤   (weir-agent, weir-dp)
    vault*        come, are asked in vain, and go ─────────┘

web, db and vaults are in protect. 9999 is forbidden everywhere, 8082 of web now and
then; the rest of what web and db serve is allowed to app, port 80 of web to guests.
"""
import glob
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

import traffic

HERE = os.path.dirname(os.path.abspath(__file__))
WEB, DB, APP = 2, 3, 4
PG = max(glob.glob("/usr/lib/postgresql/*/bin"), default="/usr/lib/postgresql/bin")
NEEDS = ["nginx", "curl", "redis-server", "psql", "dnsmasq", "ip", "tc", "bpftool", PG + "/initdb"]


# --- where it runs --------------------------------------------------------------


def inside():
    """Names, devices, pins and processes of our own, which end with us."""
    if os.environ.get("CHAOS_INSIDE") != "1":
        absent = missing()
        if absent:
            sys.exit(f"not installed: {' '.join(absent)}")
        os.environ["CHAOS_INSIDE"] = "1"
        os.execvp("unshare", ["unshare", "--net", "--mount", "--propagation", "private", "--pid", "--fork",
                              "--kill-child", "--mount-proc", sys.executable, *sys.argv])
    for kind, path, *options in (("tmpfs", "/run"), ("tmpfs", "/dev/shm", "-omode=1777"), ("bpf", "/sys/fs/bpf")):
        subprocess.run(["mount", "-t", kind, "none", path, *options], check=True)
    os.mkdir("/run/netns")
    ip("link", "set", "lo", "up")


def seconds(text):
    unit = {"s": 1, "m": 60, "h": 3600}.get(text[-1:])
    return int(text[:-1]) * unit if unit else int(text)


def folder():
    """Of the logs."""
    path = os.environ.get("CHAOS_DIR") or tempfile.mkdtemp(prefix="weir-chaos-")
    os.makedirs(path, exist_ok=True)
    return path


def build():
    return os.path.abspath(os.environ.get("BUILD") or os.path.join(HERE, "../../build"))


# --- workloads ------------------------------------------------------------------


def ipv4(last):
    return f"10.9.0.{last}"


def ipv6(last):
    return f"fd09::{last:x}"


def ip(*words):
    subprocess.run(["ip", *words], check=True, stdin=subprocess.DEVNULL)


def missing():
    """What has to be installed."""
    def there(p):
        return os.access(p, os.X_OK) if "/" in p else any(
            os.access(os.path.join(d, p), os.X_OK) for d in os.environ["PATH"].split(":"))
    absent = [p for p in NEEDS if not there(p)]
    if subprocess.run([sys.executable, "-c", "import grpc"], stderr=subprocess.DEVNULL, check=False).returncode:
        absent.append("python3-grpcio")
    return absent


def until(seconds, ask, what):
    end = time.monotonic() + seconds
    while not (answer := ask()):
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {seconds} s")
        time.sleep(0.02)
    return answer


class Namespaces:
    def __init__(self):
        ip("link", "add", "br0", "type", "bridge")
        ip("addr", "add", "10.9.0.1/24", "dev", "br0")
        ip("addr", "add", "fd09::1/64", "dev", "br0", "nodad")
        ip("link", "set", "br0", "up")

    @staticmethod
    def add(name, last, before_up=lambda: None):
        ip("netns", "add", name)
        ip("-n", name, "link", "set", "lo", "up")
        ip("link", "add", "h" + name, "type", "veth", "peer", "name", "eth0", "netns", name)
        before_up()
        ip("link", "set", "h" + name, "master", "br0", "up")
        ip("-n", name, "addr", "add", ipv4(last) + "/24", "dev", "eth0")
        ip("-n", name, "addr", "add", ipv6(last) + "/64", "dev", "eth0", "nodad")
        ip("-n", name, "link", "set", "eth0", "up")

    @staticmethod
    def remove(name):
        ip("netns", "del", name)

    @staticmethod
    def run(name, *command, **how):
        return subprocess.Popen(["nsenter", f"--net=/run/netns/{name}", *command],
                                stdin=subprocess.DEVNULL, **how)


def listens(name, port, kind="t"):
    return subprocess.run(["nsenter", f"--net=/run/netns/{name}", "ss", f"-Hln{kind}", f"sport = :{port}"],
                          stdout=subprocess.PIPE, check=True).stdout


class Servers:
    def __init__(self, ns, folder):
        self.ns, self.folder, self.all = ns, folder, []
        self.log = open(os.path.join(folder, "servers.log"), "ab")
        self.nginx()
        self.postgresql()
        redis = self.folder_of("redis")
        self.start("db", "redis-server", "--port", "6379", "--bind", "0.0.0.0", "::", "--protected-mode", "no",
                   "--save", "", "--appendonly", "no", "--dir", redis)
        self.start("db", "dnsmasq", "--keep-in-foreground", "--no-resolv", "--no-hosts", "--conf-file=/dev/null",
                   "--pid-file=", "--user=root", "--address=/host.test/10.9.8.7")
        self.start("web", sys.executable, HERE + "/traffic.py", "grpc-serve", "50051")
        for name, port, kind in (("web", 80, "t"), ("web", 8080, "t"), ("web", 50051, "t"), ("db", 5432, "t"),
                                 ("db", 6379, "t"), ("db", 53, "u")):
            until(60, lambda n=name, p=port, k=kind: listens(n, p, k), f"{name} {port}")

    def folder_of(self, name):
        path = os.path.join(self.folder, name)
        os.mkdir(path)
        os.chmod(path, 0o755)
        return path

    def start(self, name, *command, **how):
        self.all.append(self.ns.run(name, *command, stdout=self.log, stderr=self.log, **how))

    def nginx(self):
        www = self.folder_of("www")
        for name, size in (("big", traffic.BIG_BYTES), ("small", traffic.SMALL_BYTES)):
            with open(f"{www}/{name}", "wb") as f:
                f.write(traffic.body(name, size))
        d = self.folder_of("nginx")
        with open(d + "/conf", "w", encoding="ascii") as f:
            f.write(f"""user root; daemon off; master_process off; error_log {d}/log; pid {d}/pid;
events {{ }}
http {{
    access_log off; keepalive_requests 1000000; keepalive_timeout 3600; send_timeout 600;
    client_body_temp_path {d}/a; proxy_temp_path {d}/b; fastcgi_temp_path {d}/c;
    uwsgi_temp_path {d}/d; scgi_temp_path {d}/e;
    server {{ listen 80; listen [::]:80; listen 8080 http2; listen [::]:8080 http2; root {www}; }}
}}
""")
        self.start("web", "nginx", "-c", d + "/conf", "-e", d + "/log")

    def postgresql(self):
        d = "/run/postgresql"  # its account may not reach the folder of logs
        os.mkdir(d)
        as_other = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
        os.chown(d, 65534, 65534)
        subprocess.run([*as_other, PG + "/initdb", "-D", d + "/data", "-A", "trust", "-U", "postgres", "-N",
                        "--locale=C"], check=True, stdout=self.log, stderr=self.log, cwd=d)
        with open(d + "/data/pg_hba.conf", "w", encoding="ascii") as f:
            f.write("host all all 0.0.0.0/0 trust\nhost all all ::/0 trust\n")
        self.start("db", *as_other, PG + "/postgres", "-D", d + "/data", "-h", "*", "-k", d, "-F", cwd=d)

    def end(self):
        for p in self.all:
            p.terminate()
        for p in self.all:
            p.wait()


# --- what is told ---------------------------------------------------------------


class Told:
    """Lines of all ends of the traffic, read as they come."""

    def __init__(self):
        self.lock = threading.Lock()
        self.lines = []
        self.r, self.w = os.pipe()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        with open(self.r, encoding="utf-8") as f:
            for line in f:
                d = json.loads(line)
                with self.lock:
                    self.lines.append(d)

    def take(self):
        with self.lock:
            lines, self.lines = self.lines, []
        return lines


# --- Weir -----------------------------------------------------------------------


class Refused(Exception):
    def __init__(self, error):
        super().__init__(f"{error['code']} {error['at']}: {error['text']}")
        self.code = error["code"]


class Weir:
    def __init__(self, build, folder):
        self.build, self.folder = build, folder
        # weir-api's account reaches /run, and not always the folder of logs
        self.socket, self.door = "/run/agent.sock", "/run/dp.sock"
        self.agent, self.log = None, open(folder + "/agent.log", "ab")
        with open(folder + "/weir.yaml", "w", encoding="ascii") as f:
            f.write(f"""store: {{dir: {folder}/store}}
control: {{socket: {self.socket}, api_user: nobody, group: nogroup}}
data_plane: {{socket: {self.door}}}
runtimes: [{{kind: netns, path: /run/netns}}]
guard: {{on_failure: {os.environ.get("CHAOS_ON_FAILURE", "closed")}}}
""")

    def ask(self, command, seconds=60, **args):
        """Of the agent. OSError: it was not there, or did not stay."""
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(seconds)
            s.connect(self.socket)
            s.sendall(json.dumps({"id": 1, "command": command, "args": args}).encode() + b"\n")
            line = s.makefile("rb").readline()
        if not line:
            raise ConnectionResetError("the agent ended")
        answer = json.loads(line)
        if not answer["ok"]:
            raise Refused(answer["error"])
        return answer

    def asked(self, command, **args):
        try:
            return self.ask(command, **args)
        except (OSError, Refused):
            return None

    def start(self):
        self.agent = subprocess.Popen([self.build + "/src/agent/weir-agent", "--config", self.folder + "/weir.yaml"],
                                      stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def is_whole(self):
        s = self.asked("status")
        return s and s["data_plane"]["up"] and s["policy"]["in_force"] and s

    def whole(self):
        return until(90, self.is_whole, "the policy in force")

    def guarded(self, name, mode, doing):
        d = self.asked("ls")
        return d and any(w["name"] == name and w["mode"] == mode and
                         [p.get("doing") for p in w["ports"]] == [doing] for w in d["workloads"])

    def planes(self):
        """(opener, worker); whoever has ended is left out. This is a pid namespace of our own."""
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/stat", encoding="utf-8") as f:
                    command, _, rest = f.read().rpartition(")")
                state, parent = rest.split()[:2]
            except OSError:
                continue
            if command.endswith("(weir-dp") and state not in "ZX":
                found.append((int(pid), int(parent)))
        pids = {pid for pid, _ in found}
        openers = [pid for pid, parent in found if parent not in pids]
        workers = [pid for pid, parent in found if parent in pids]
        return (openers or [0])[0], (workers or [0])[0]

    def end(self):
        if self.agent:
            self.agent.terminate()
            self.agent.wait()
        opener, _ = self.planes()
        if opener:
            os.kill(opener, signal.SIGTERM)
            until(30, lambda: self.planes() == (0, 0), "the data plane's end")


def policy(app_mode, toggle, filler):
    """The whole of it: app's mode, what is done with 8082, so many rules that never match."""
    rules = "".join(f"- {{id: {1000 + i}, from: [app], to: [db], ports: [tcp/{20000 + i}], action: deny}}\n"
                    for i in range(filler))
    return f"""apiVersion: weir/v1
kind: Policy
default_mode: discover
groups:
- {{name: web, mode: protect}}
- {{name: db, mode: protect}}
- {{name: app, mode: {app_mode}}}
- name: guests
  where: [{{key: name, op: prefix, value: guest}}]
- name: vaults
  mode: protect
  where: [{{key: name, op: prefix, value: vault}}]
rules:
{rules}- {{id: 10, from: [app], to: [web], ports: [tcp/80, tcp/8080, tcp/50051, tcp/7], action: allow}}
- {{id: 11, from: [guests], to: [web], ports: [tcp/80], action: allow}}
- {{id: 12, from: [app], to: [db], ports: [tcp/5432], applications: [postgresql], action: allow}}
- {{id: 13, from: [app], to: [db], ports: [tcp/6379], applications: [redis], action: allow}}
- {{id: 14, from: [app], to: [db], ports: [udp/53, tcp/7], action: allow}}
- {{id: 15, from: [app], to: [db], ports: [udp/10000-65535], action: allow}}
- {{id: 20, from: [app], to: [web], ports: [tcp/8082], action: {toggle}}}
"""
