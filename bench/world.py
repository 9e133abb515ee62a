"""The network that bench/run measures in.

    the bench: client and host                     workloads
    hplain ─────────────────────────────────────── plain    10.0.1.2
    hspliced ──── vex [agent: weir-dp on vth] vin ─ spliced  10.0.2.2
    hweb ─── in place: [weir-dp on vth] ─────────── web      10.0.3.2
    hlate ─── brought in while it talks ─────────── late     10.0.4.2

    few:  host with one workload, in place          one      10.0.5.2
    many: likewise, with many more beside it        one-of   10.0.6.2

All of it is in namespaces of the bench's own, mounts as well (inside() makes
them), and ends with it. Client and kernel path are the same for all; IPv6 is
off, so that nothing but what is measured crosses.
"""

import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

PORT = "7000"
HOST_MAC = "02:00:00:ff:ff:ff"
ALLOW = 2   # POLICY_ALLOW
DENY = 7    # POLICY_DENY
ADD = 1


def inside():
    """Once more from the start, in a network and mount namespace of its own."""
    if "WEIR_BENCH_INSIDE" not in os.environ:
        os.environ["WEIR_BENCH_INSIDE"] = "1"
        os.execvp("unshare", ["unshare", "--net", "--mount", "--propagation",
                              "private", *sys.argv])
    del os.environ["WEIR_BENCH_INSIDE"]
    for kind, at in (("tmpfs", "/run"), ("bpf", "/sys/fs/bpf")):
        subprocess.run(["mount", "-t", kind, "none", at], check=True)


def end_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def sh(*args, **kw):
    words = [str(a) for a in args]
    run = subprocess.run(words, text=True, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, check=False, **kw)
    if run.returncode:
        sys.exit(f"{' '.join(words)}: {run.stderr.strip() or run.returncode}")
    return run.stdout


def wait_for(what, is_so):
    for _ in range(1000):
        if is_so():
            return
        time.sleep(0.01)
    sys.exit(f"waited in vain: {what}")


# The row "detected".
SIGNATURES = 2000
SENSORS = [("cards", ["card_number"]), ("accounts", ["iban"]),
           ("keys", ["aws_access_key", "github_token", "jwt", "private_key"])]


def mac_of(n):
    return f"02:00:00:00:{n >> 8:02x}:{n & 255:02x}"


def messages(ids):
    """What a data plane is told: workload N has MAC and mark N."""
    told = [{"ctrl_add_srvc_port": {"iface": "vth"}}]
    macs = [mac_of(n) for n in ids]
    for n in ids:
        told.append({"ctrl_add_mac": {
            "iface": "vth", "mac": mac_of(n),
            "ucmac": f"4e:65:75:56:{n >> 8:02x}:{n & 255:02x}",
            "bcmac": f"ff:ff:ff:00:{n >> 8:02x}:{n & 255:02x}"}})
    told.append({"ctrl_cfg_mac": {"tap": False, "macs": macs}})
    told.append({"ctrl_cfg_policy": {
        "cmd": ADD, "flag": 3, "defact": DENY, "dir": 3, "mac": macs,
        "rules": [{"id": i + 1, "from": ["any"], "to": ["any"],
                   "ports": [PORT], "proto": proto, "action": "allow",
                   "ingress": True} for i, proto in enumerate(("tcp", "udp"))]}})
    return told


class World:
    def __init__(self, build):
        self.build = build
        self.dir = tempfile.mkdtemp(prefix="weir-bench.")
        self.children = []

    def done(self):
        for child in reversed(self.children):
            child.terminate()
        for child in self.children:
            child.wait()
        shutil.rmtree(self.dir)

    # --- programs ---

    def at(self, ns, *args):
        return [*(["nsenter", f"--net=/run/netns/{ns}"] if ns else []),
                *map(str, args)]

    def start(self, ns, *args):
        child = subprocess.Popen(self.at(ns, *args), stdout=subprocess.DEVNULL,
                                 preexec_fn=end_with_parent)
        self.children.append(child)
        return child

    def weir(self, *args, ns=None, **kw):
        return sh(*self.at(ns, f"{self.build}/src/cli/weir", *args), **kw)

    def load(self, kind, address, ms, *more, ns=None):
        """What bench/load printed, as a dictionary."""
        return json.loads(sh(*self.at(
            ns, f"{self.build}/bench/load", kind, address, PORT, ms, *more)))

    def start_load(self, *words):
        """The same while other things are done."""
        kind, address, ms, *more = words
        return subprocess.Popen(
            [str(a) for a in (f"{self.build}/bench/load", kind, address, PORT,
                              ms, *more)],
            text=True, stdout=subprocess.PIPE, preexec_fn=end_with_parent)

    def dp(self, name, *args, **kw):
        return self.weir("dp", *args, "--control", f"{self.dir}/{name}.sock", **kw)

    def start_dp(self, name, ns, ids):
        door = f"{self.dir}/{name}.sock"
        self.start(ns, f"{self.build}/src/dp/weir-dp", "--listen", "",
                   "--notify", "", "--control", door)
        wait_for("a data plane", lambda: os.path.exists(door))
        self.dp(name, "-", input=json.dumps(messages(ids)))
        # a client that opens connections as fast as it can is no flood here
        self.dp(name, "settings", '{"meters":{"syn-flood":{"upper":1000000000}}}')

    def look_for(self, name, signatures):
        """So many signatures, which each workload has off; and the ready sensors."""
        rules = sh(f"{self.build}/bench/signatures", "print", signatures)
        told = {"weir_rules": {"version": 1, "files": [
            {"name": "bench.rules", "text": rules}]}}
        self.dp(name, "-", input=json.dumps(told))
        self.detections = 0
        wait_for("rules", lambda: json.loads(self.dp(
            name, "-", "-o", "json", input='{"weir_rules":{}}'))["in_force"])

    def detect(self, name, number, on):
        """That workload is looked through by all of them, or by none."""
        self.detections += 1
        sensors = [{"id": 30001 + i, "name": n, "kind": "dlp",
                    "patterns": [{"secret": secrets}]}
                   for i, (n, secrets) in enumerate(SENSORS)]
        uses = [{"id": s["id"], "action": "block"} for s in sensors]
        self.dp(name, "-", input=json.dumps({"weir_detection": {
            "version": self.detections, "sensors": sensors, "workloads": [{
                "macs": [mac_of(number)],
                "signatures": "enforce" if on else "off",
                "sensors": uses if on else []}]}}))
        wait_for("sensors", lambda: not json.loads(self.dp(
            name, "-", "-o", "json", input='{"weir_detection":{}}'))["building"])

    # --- the network ---

    def namespace(self, ns):
        sh("ip", "netns", "add", ns)
        sh("ip", "-n", ns, "link", "set", "lo", "up")
        self.only_ipv4(ns)

    def only_ipv4(self, ns):
        """And many ports for clients, all above the servers': that tells who is
        who of a connection whose beginning was not seen."""
        sh(*self.at(ns, "sh", "-c", "for d in all default; do echo 1 "
                    ">/proc/sys/net/ipv6/conf/$d/disable_ipv6; done; "
                    "echo 10000 65535 >/proc/sys/net/ipv4/ip_local_port_range"))

    def workload(self, name, number, host=None):
        """Its eth0, and the host's side of it, "h" and its name."""
        at = ["ip", *(["-n", host] if host else [])]
        self.namespace(name)
        sh(*at, "link", "add", f"h{name}", "address", HOST_MAC, "type", "veth",
           "peer", "name", "eth0", "address", mac_of(number), "netns", name)
        sh(*at, "addr", "add", f"10.0.{number}.1/24", "dev", f"h{name}")
        sh(*at, "link", "set", f"h{name}", "up")
        sh("ip", "-n", name, "addr", "add", f"10.0.{number}.2/24", "dev", "eth0")
        sh("ip", "-n", name, "link", "set", "eth0", "up")
        # so that there is no ARP, which is not inspected
        sh(*at, "neigh", "add", f"10.0.{number}.2", "lladdr", mac_of(number),
           "dev", f"h{name}")
        sh("ip", "-n", name, "neigh", "add", f"10.0.{number}.1", "lladdr",
           HOST_MAC, "dev", "eth0")
        self.start(name, f"{self.build}/bench/load", "server", PORT)
        wait_for(f"{name}'s server", lambda: sh(*self.at(
            name, "ss", "-Hltn", f"sport = :{PORT}")))

    def divert(self, name, number, ns=None, mode="inline"):
        self.weir("divert", "--dev", f"h{name}", "--mark", f"{number:04x}",
                  "--mode", mode, ns=ns)

    def up(self):
        sh("ip", "link", "set", "lo", "up")
        self.only_ipv4(None)
        for number, name in enumerate(("plain", "spliced", "web", "late"), 1):
            self.workload(name, number)
        self.namespace("agent")
        self.weir("splice", "up", "--netns", "spliced", "--agent", "agent",
                  "--mark", "0002", "--mode", "pass")
        self.start_dp("splice", "agent", [2])
        self.divert("web", 3)
        self.start_dp("inplace", None, [3, 4])
        self.look_for("inplace", SIGNATURES)

    def up_hosts(self, crowd):
        """Two hosts, and so many workloads more at the second."""
        for number, host, name in ((5, "few", "one"), (6, "many", "one-of")):
            self.namespace(host)
            self.workload(name, number, host)
            self.divert(name, number, ns=host)
        self.namespace("crowd")
        lines = "".join(
            f"link add h{n} type veth peer name p{n} address {mac_of(n)} netns crowd\n"
            f"link set h{n} up\n" for n in crowd)
        sh("ip", "-n", "many", "-batch", "-", input=lines)
        sh("ip", "-n", "crowd", "-batch", "-",
           input="".join(f"link set p{n} up\n" for n in crowd))
        self.start_dp("few", "few", [5])
        self.start_dp("many", "many", [6, *crowd])

    # --- what crossed ---

    def carried(self, ns):
        """Bytes of whole frames at the workload, both ways."""
        s = json.loads(sh("ip", "-n", ns, "-s", "-j", "link", "show", "eth0"))
        return sum(s[0]["stats64"][way]["bytes"] for way in ("rx", "tx"))

    def stats(self, name):
        return json.loads(self.dp(name, "stats", "-o", "json"))

    def inspected(self, name):
        return sum(self.stats(name)["bytes"].values())

    def diverted(self, dev):
        """What `weir divert show` tells of it."""
        for d in json.loads(self.weir("divert", "show", "-o", "json"))["diverted"]:
            if d["dev"] == dev:
                return d
        sys.exit(f"{dev} is not diverted")

    def by_cache(self, dev):
        """Bytes that the kernel let go on by a verdict in the cache."""
        d = self.diverted(dev)
        return sum(d[way]["cached"]["bytes"] for way in ("in", "out"))

    def dropped(self, dev):
        """Frames that the kernel did not let on to it: {reason: number}."""
        return {name: c["frames"] for name, c in self.diverted(dev)["in"].items()
                if name.startswith("drop_") and c["frames"]}
