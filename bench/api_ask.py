#!/usr/bin/python3
"""Asks weir-api for pages of every list, over one connection, and a second process
asks the agent's door for something small all the time.

A line: the route; p50, p99 and the longest of so many answers, in ms, from the
request's first byte to the answer's last; the longest that the door kept the other
one waiting meanwhile; what an answer takes of a processor, of weir-agent and of
weir-api, which is about the same on a busy machine; bytes of an answer. Then what loading signatures costs others
("rules-load"), and the memory of both processes, in MB.
"""

import argparse
import http.client
import json
import multiprocessing
import os
import pathlib
import socket
import subprocess
import sys
import time

WANTED_MS = 50
WANTED_API_MB = 64


class Door:
    """The agent's own door."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(path)
        self.file = self.socket.makefile("rwb")

    def ask(self, command, **args):
        line = json.dumps({"id": 1, "command": command, "args": args})
        self.file.write(line.encode() + b"\n")
        self.file.flush()
        return self.file.readline()


def watch(path, worst, stop):
    """The longest that a small question had to wait since worst was set to 0."""
    door = Door(path)
    while not stop.value:
        begun = time.monotonic()
        door.ask("captures")
        took = (time.monotonic() - begun) * 1000
        if took > worst.value:
            worst.value = took
        time.sleep(0.002)


def cpu_ms(pid):
    """Of all its threads, since it began."""
    return sum(int(p.read_text().split()[0]) for p in
               pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e6


class Client:
    def __init__(self, args):
        self.args = args
        self.http = http.client.HTTPConnection("127.0.0.1", 8787)
        self.worst = multiprocessing.Value("d", 0.0)
        self.stop = multiprocessing.Value("b", 0)
        self.watcher = multiprocessing.Process(
            target=watch, args=(args.door, self.worst, self.stop), daemon=True)
        self.watcher.start()
        self.slow = []

    def get(self, path):
        """Its body."""
        self.http.request("GET", "/api/v1" + path,
                          headers={"Cookie": self.args.cookie})
        answer = self.http.getresponse()
        body = answer.read()
        if answer.status != 200:
            sys.exit(f"{path}: {answer.status} {body[:300]}")
        return body

    def measure(self, path, wanted=WANTED_MS, times=None):
        times = times or self.args.times
        body = self.get(path)
        took = []
        self.worst.value = 0.0
        before = [cpu_ms(pid) for pid in (self.args.agent, self.args.api)]
        for _ in range(times):
            begun = time.monotonic()
            self.get(path)
            took.append((time.monotonic() - begun) * 1000)
        agent, api = ((cpu_ms(pid) - b) / times for pid, b in
                      zip((self.args.agent, self.args.api), before))
        took.sort()
        p99 = took[min(len(took) - 1, len(took) * 99 // 100)]
        print(f"{path:<62} {took[len(took) // 2]:8.1f} {p99:8.1f} {took[-1]:8.1f}"
              f" {self.worst.value:8.1f} {agent:8.1f} {api:8.1f} {len(body):9}",
              flush=True)
        if p99 > wanted:
            self.slow.append(path)
        return body


def last_key(client, path):
    """What "after" has to be for the last page of 100."""
    after = None
    while True:
        step = f"{path}?limit=100" + (f"&after={after}" if after else "")
        next_ = json.loads(client.get(step)).get("next")
        if next_ is None:
            return after
        after = next_


def lists(client):
    """Those that weir-api pages: by key."""
    some = json.loads(client.get("/workloads?limit=1"))["workloads"][0]
    for path, filters in (
            ("/workloads", ["q=c77", "group=c77", "namespace=none", "state=guarded", "mode=discover"]),
            ("/groups", ["q=c77", "mode=protect"]),
            ("/rules", ["q=c77", "q=nobody", "action=allow", "action=deny"])):
        client.measure(f"{path}?limit=100")
        client.measure(path)
        after = last_key(client, path)
        if after:
            client.measure(f"{path}?limit=100&after={after}")
        for f in filters:
            client.measure(f"{path}?limit=100&{f}")
    return some


def records(client, some):
    now = int(time.time())
    for path, more in (("/flows", ["violations=true"]), ("/events", ["kind=threat"])):
        first = json.loads(client.get(f"{path}?after=0&limit=100"))
        client.measure(f"{path}?limit=100")
        client.measure(f"{path}?limit=1000")
        client.measure(f"{path}?after=0&limit=100")
        client.measure(f"{path}?after={first['next']}&limit=100")
        for f in more + [f"workload={some['id']}", "rule=20077", "q=c77", "q=host77.", "q=10.9.2.",
                         "q=nothing-like-it", f"since={now - 3600}", f"until={now - 5 * 86400}",
                         f"since={now - 86400}&until={now - 80000}",
                         f"workload={some['id']}&rule=20077", "rule=20077&q=c77"]:
            client.measure(f"{path}?limit=100&{f}")
            client.measure(f"{path}?limit=100&after=0&{f}")


def others(client):
    now = int(time.time())
    client.measure("/map")
    after = json.loads(client.get("/map"))["next"]
    client.measure(f"/map?after={after}")
    client.measure(f"/map?since={now - 7200}")
    client.measure(f"/map?since={now - 6 * 86400}")
    client.measure("/policy", float("inf"))  # all rules as one text: no list
    for path in ("/status", "/top", "/throughput", "/sessions", "/policy/history", "/captures", "/responses", "/responses/log", "/signatures",
                 "/signatures/files", "/settings"):
        client.measure(path)
    learned(client, now)


def learned(client, now):
    """What is proposed: a page and the next as it is kept; and made anew, beside the
    agent's loop, as with each `since`: no list, but what others wait is told."""
    client.measure("/learned?limit=1")  # what the menu counts
    first = json.loads(client.measure("/learned"))
    if "next" in first:
        client.measure(f"/learned?after={first['next']}")
    client.measure("/learned?all=true")
    client.measure(f"/learned?limit=100&since={now - 7 * 86400}", float("inf"), 5)


def signatures(client, count, folder):
    """How long others wait while so many rules are loaded."""
    text = subprocess.run([os.environ["BUILD"] + "/bench/signatures", "print", str(count)],
                          check=True, capture_output=True).stdout.decode()
    door = Door(client.args.door)
    client.worst.value = 0.0
    begun = time.monotonic()
    answer = json.loads(door.ask("rules-load", files=[{"name": "bench.rules", "text": text}]))
    took = (time.monotonic() - begun) * 1000
    if not answer["ok"]:
        sys.exit(f"rules-load: {answer}")
    print(f"{f'rules-load, {count} rules':<62} {took:8.1f} {'':8} {'':8}"
          f" {client.worst.value:8.1f} {'':8} {'':8} {len(text):9}", flush=True)
    door.ask("rules-unload", all=True)


def memory(pid):
    """Resident now, and the most it ever was; MB."""
    lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    return [int(line.split()[1]) / 1024 for word in ("VmRSS", "VmHWM")
            for line in lines if line.startswith(word)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cookie", required=True)
    parser.add_argument("--agent", required=True)
    parser.add_argument("--api", required=True)
    parser.add_argument("--door", required=True)
    parser.add_argument("--rules")
    parser.add_argument("--times", type=int, default=100)
    args = parser.parse_args()
    client = Client(args)
    print(f"{'ms':<62} {'p50':>8} {'p99':>8} {'most':>8} {'others':>8}"
          f" {'agent':>8} {'api':>8} {'bytes':>9}")
    some = lists(client)
    records(client, some)
    others(client)
    for count in (10000, 20000):
        signatures(client, count, args.rules)
    client.stop.value = 1
    client.watcher.join(5)
    for name, pid in (("weir-agent", args.agent), ("weir-api", args.api)):
        now, most = memory(pid)
        print(f"{name}: {now:.0f} MB, at most {most:.0f} MB")
    most = memory(args.api)[1]
    for path in client.slow:
        print(f"slower than {WANTED_MS} ms: {path}")
    if most > WANTED_API_MB:
        print(f"weir-api had more than {WANTED_API_MB} MB")
    sys.exit(1 if client.slow or most > WANTED_API_MB else 0)


if __name__ == "__main__":
    main()
