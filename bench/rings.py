#!/usr/bin/python3
"""rings.py [-r ROUNDS] [-s SECONDS] [-b BUILD] [-o FILE] [-n NICE] [METHOD...]

What each way costs that user space has to carry frames from one interface to
another: rings.c by METHODS below (all, or those named), under load.c's load.

    client c0 ─── m0 [mid: rings] m1 ─── s0 server    10.0.1.1, 10.0.1.2
    client d0 ──────────────────────── d1 server      10.0.2.1, 10.0.2.2: plain

Each round measures each load by each method, one after the other, and every
round begins with another one; a ratio is a value over that of `mmsg` (what
src/ring does) in the same round. Told are the median and min..max. cpu is what
client, forwarder, server and ksoftirqd ran, so that what else the machine does is
not in it. All of it is in namespaces of its own (world.inside()).
"""

import argparse
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys

sys.dont_write_bytecode = True
import world  # noqa: E402

TREE = pathlib.Path(__file__).resolve().parent.parent
WORKER = ["-w", "50", "-a"]     # how src/dp/worker.c waits
METHODS = {
    "plain": None,
    # frames in and out
    "mmsg": WORKER,
    "again": WORKER,            # the same: what chance does
    "mmsg-b8": ["-b", "8", *WORKER],
    "mmsg-b16": ["-b", "16", *WORKER],
    "mmsg-b256": ["-b", "256", *WORKER],
    "mmsg-send": ["-l", *WORKER],
    "v3-1ms": ["-i", "v3", *WORKER],
    "v3-128k": ["-i", "v3", "-k", "128", *WORKER],
    "v3-auto": ["-i", "v3", "-t", "0", *WORKER],
    "v2-64": ["-i", "v2", "-s", "64", *WORKER],
    "v2-256": ["-i", "v2", "-s", "256", *WORKER],
    "v2-1024": ["-i", "v2", "-s", "1024", *WORKER],
    "v2+mmsg": ["-i", "v2+mmsg", "-s", "4096", *WORKER],
    "v2+mmsg-16k": ["-i", "v2+mmsg", "-s", "16384", *WORKER],
    "v2+mmsg-b16": ["-i", "v2+mmsg", "-s", "4096", "-b", "16", *WORKER],
    "v2+mmsg-send": ["-i", "v2+mmsg", "-s", "4096", "-l", *WORKER],
    "v2-tx": ["-i", "v2", "-o", "ring", *WORKER],
    "mmsg-tx": ["-o", "ring", *WORKER],
    "direct-tx": ["-o", "ring", "-d", *WORKER],
    "uring": ["-i", "uring", *WORKER],
    "bypass": ["-q", *WORKER],
    # waiting
    "sleep": [],
    "spin-20": ["-w", "20"],
    "spin-50": ["-w", "50"],
    "spin-200": ["-w", "200"],
    "spin-ever": ["-e"],
    "waitforone": ["-2", "-1"],
    "two": ["-2", *WORKER],
    "busy-poll": ["-p", "50"],
    "v2-sleep": ["-i", "v2"],
    "v2-ever": ["-i", "v2", "-e"],
    "uring-sleep": ["-i", "uring"],
    "uring-two": ["-i", "uring", "-2"],
}
BASE = "mmsg"
KINDS = {
    "tcp1": ("stream", 1), "tcp1-cubic": ("stream", 1, "cubic"),
    "tcp8": ("stream", 8), "tcp8-cubic": ("stream", 8, "cubic"),
    "ask": ("ask",), "udp": ("udp", 8),
}
# Column: what it is taken from, name of the value there, heading.
COLUMNS = [
    ("tcp1", "value", "1 stream Gbit/s"),
    ("tcp1-cubic", "value", "1, cubic"),
    ("tcp8", "value", "8 streams"),
    ("tcp8-cubic", "value", "8, cubic"),
    ("tcp1", "own", "cpu s/GB, 1 stream"),
    ("tcp8-cubic", "own", "cpu s/GB, 8 cubic"),
    ("tcp1", "machine", "machine s/GB"),
    ("ask", "p50", "RR p50 us"), ("ask", "p99", "RR p99 us"),
    ("ask", "own", "cpu us/RR"),
    ("udp", "value", "UDP 64 B kpps"), ("udp", "own", "cpu us/frame"),
    ("udp", "lost", "UDP lost %"),
]


def network():
    for ns in ("client", "mid", "server"):
        world.sh("ip", "netns", "add", ns)
        world.sh("ip", "netns", "exec", ns, "sh", "-c",
                 "ip link set lo up; for d in all default; do echo 1 "
                 ">/proc/sys/net/ipv6/conf/$d/disable_ipv6; done")
    for dev, ns, peer, at in (("c0", "client", "m0", "mid"),
                              ("s0", "server", "m1", "mid"),
                              ("d0", "client", "d1", "server")):
        world.sh("ip", "link", "add", dev, "netns", ns, "type", "veth",
                 "peer", "name", peer, "netns", at)
        world.sh("ip", "-n", ns, "link", "set", dev, "up")
        world.sh("ip", "-n", at, "link", "set", peer, "up")
    ends = [("client", "c0", "10.0.1.1"), ("server", "s0", "10.0.1.2"),
            ("client", "d0", "10.0.2.1"), ("server", "d1", "10.0.2.2")]
    macs = {}
    for ns, dev, address in ends:
        world.sh("ip", "-n", ns, "addr", "add", f"{address}/24", "dev", dev)
        macs[dev] = json.loads(world.sh("ip", "-n", ns, "-j", "link", "show",
                                        dev))[0]["address"]
    # nobody asks for an address while no forwarder runs
    for ns, dev, peer, address in (("client", "c0", "s0", "10.0.1.2"),
                                   ("server", "s0", "c0", "10.0.1.1")):
        world.sh("ip", "-n", ns, "neigh", "add", address, "dev", dev,
                 "lladdr", macs[peer], "nud", "permanent")


def ran(pids):
    """Seconds that the threads of these processes have run."""
    ns = 0
    for pid in pids:
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            ns += int((task / "schedstat").read_text().split()[0])
    return ns / 1e9


def softirq_threads():
    return world.sh("pgrep", "^ksoftirqd/").split()


class Bench:
    def __init__(self, args):
        self.args, self.samples = args, []
        self.soft = softirq_threads()
        self.server = self.start("server", f"{args.build}/bench/load", "server",
                                 world.PORT)
        world.wait_for("the server", lambda: f":{int(world.PORT):04X} " in
                       self.inside("server", "cat", "/proc/net/tcp"))

    def at(self, ns, *words):
        return ["nsenter", f"--net=/run/netns/{ns}", *map(str, words)]

    def inside(self, ns, *words):
        return world.sh(*self.at(ns, *words))

    def start(self, ns, *words):
        return subprocess.Popen(self.at(ns, *words), text=True,
                                stdout=subprocess.PIPE,
                                preexec_fn=world.end_with_parent)

    def load(self, address, what):
        """load.c's figures, and how long its process ran."""
        kind, *more = KINDS[what]
        client = self.start("client", f"{self.args.build}/bench/load", kind,
                            address, world.PORT, self.args.ms, *more)
        text = client.stdout.read()
        _, status, used = os.wait4(client.pid, 0)
        client.returncode = os.waitstatus_to_exitcode(status)
        if client.returncode:
            sys.exit(f"load {kind}: {client.returncode}")
        return json.loads(text), used.ru_utime + used.ru_stime

    def measure(self, number, method, what):
        options, forwarder, told = METHODS[method], None, {}
        pids = [self.server.pid, *self.soft]
        if options is not None:
            forwarder = self.start("mid", f"{self.args.build}/bench/rings",
                                   *options, "m0", "m1")
            if forwarder.stdout.readline() != "ready\n":
                sys.exit(f"{method}: the forwarder does not start")
            pids.append(forwarder.pid)
        before = ran(pids)
        got, client = self.load("10.0.1.2" if forwarder else "10.0.2.2", what)
        own = ran(pids) - before + client
        if forwarder:
            forwarder.send_signal(signal.SIGTERM)
            told = json.loads(forwarder.communicate()[0])
        self.samples.append({"round": number, "method": method, "what": what,
                             **figures(KINDS[what][0], got, own),
                             "forwarder": told})

    def rounds(self):
        methods = self.args.methods
        for number in range(self.args.rounds):
            turn = number % len(methods)
            for what in KINDS:
                for method in methods[turn:] + methods[:turn]:
                    self.measure(number, method, what)
            print(f"round {number + 1} of {self.args.rounds}, load "
                  f"{os.getloadavg()[0]:.0f}", file=sys.stderr, flush=True)


def figures(kind, got, own):
    if kind == "stream":
        gb = got["bytes"] / 1e9
        return {"value": gb * 8 / got["seconds"], "own": own / gb,
                "machine": got["cpu_s"] / gb}
    if kind == "ask":
        return {"p50": got["p50_us"], "p99": got["p99_us"],
                "own": own * 1e6 / got["count"]}
    return {"value": got["received"] / got["received_s"] / 1000,
            "own": own * 1e6 / max(got["received"], 1),
            "lost": 100 * (1 - got["received"] / got["sent"])}


def table(samples, methods):
    by = {(s["round"], s["method"], s["what"]): s for s in samples}
    rounds = sorted({s["round"] for s in samples})
    print("| method | " + " | ".join(c[2] for c in COLUMNS) + " |")
    print("|---" * (len(COLUMNS) + 1) + "|")
    for method in methods:
        cells = []
        for what, name, _ in COLUMNS:
            values = [by[r, method, what][name] for r in rounds]
            cell = f"{statistics.median(values):.3g}"
            if name != "lost" and BASE in methods:
                ratios = [by[r, method, what][name] / by[r, BASE, what][name]
                          for r in rounds]
                cell += (f" = {statistics.median(ratios):.2f} "
                         f"({min(ratios):.2f}..{max(ratios):.2f})")
            cells.append(cell)
        print(f"| {method} | " + " | ".join(cells) + " |")


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[2])
    parser.add_argument("-r", "--rounds", type=int, default=5)
    parser.add_argument("-s", "--seconds", type=float, default=0.7)
    parser.add_argument("-b", "--build", default=str(TREE / "build"))
    parser.add_argument("-o", "--out", default=str(TREE / "build/bench/rings.json"))
    parser.add_argument("-n", "--nice", type=int, default=0)
    parser.add_argument("methods", nargs="*", metavar="METHOD",
                        default=list(METHODS))
    args = parser.parse_args()
    args.ms = int(args.seconds * 1000)
    for method in args.methods:
        if method not in METHODS:
            parser.error(f"no method {method}: {' '.join(METHODS)}")
    return args


def main():
    args = parse()
    world.inside()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    os.nice(args.nice)
    network()
    bench = Bench(args)
    bench.rounds()
    bench.server.terminate()
    bench.server.wait()
    pathlib.Path(args.out).write_text(json.dumps(bench.samples, indent=1) + "\n")
    table(bench.samples, args.methods)


if __name__ == "__main__":
    main()
