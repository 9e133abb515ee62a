#!/usr/bin/python3
"""soak.py DURATION: the traffic of chaos.py, and nothing that breaks it: what grows?

First what is kept until its place is needed is filled, as it would be by a day or two: the data
plane's table of flows and its history of what was denied (65,536), with it what the agent keeps
of that. Its history of what was allowed is not, for only what is answered is in it.
DURATION is seconds, or 10m, 8h. Every SAMPLE_S a line in soak.csv of the folder of logs: memory
and descriptors of each process, exchanges and their latency since the line before. Exit status 1
if memory drifts more than LIMIT percent an hour, with what it may be wrong by (of a run that is
long enough to tell, TELLS_S), or if a connection was cut. BUILD and CHAOS_DIR as for chaos.py. Needs root.
"""
import csv
import http.client
import json
import subprocess
import sys
import threading
import time

import chaos
import rest
import world

SAMPLE_S, LIMIT = 10, 1.0
# The first part of the time tables and caches fill to what they are.
WARM = 0.25
# In less than this that filling is all that there is to see.
TELLS_S = 1800
PASSWORD = "soak-Soak-1234"
# Twice a datagram to each port: what each is to be told of is another connection.
FILL = """
import socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for turn in range(2):
    for port in range(10000, 65536):
        s.sendto(b"x", (sys.argv[1], port))
        if port % 100 == 0:
            time.sleep(0.02)
"""
PROCESSES = ("agent", "opener", "worker", "api")


class Api:
    """weir-api, and somebody who looks at its pages."""

    def __init__(self, run):
        self.run, self.asked, self.failed, self.process = run, 0, [], None
        self.command = [run.weir.build + "/src/api/weir-api", "--socket", run.weir.socket, "--state", "/run/api",
                        "--user", "nobody"]
        subprocess.run([*self.command, "user", "add", "ann", "--role", "viewer"], input=PASSWORD + "\n", text=True, check=True,
                       stdout=subprocess.DEVNULL)
        self.log = open(run.folder + "/api.log", "ab")
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        self.cookie = world.until(30, self.log_in, "weir-api")
        threading.Thread(target=self.look, daemon=True).start()

    def log_in(self):
        try:
            c = http.client.HTTPConnection("127.0.0.1", 8787, timeout=30)
            c.request("POST", "/api/v1/session", json.dumps({"user": "ann", "password": PASSWORD}),
                      {"Content-Type": "application/json"})
            answer = c.getresponse()
            return answer.getheader("Set-Cookie").split(";")[0] if answer.status == 200 else None
        except OSError:
            return None

    def look(self):
        while True:
            for path in ("status", "workloads", "flows?limit=100", "events?limit=100", "map", "sessions"):
                try:
                    c = http.client.HTTPConnection("127.0.0.1", 8787, timeout=60)
                    c.request("GET", "/api/v1/" + path, headers={"Cookie": self.cookie})
                    answer = c.getresponse()
                    answer.read()
                    if answer.status != 200:
                        self.failed.append(f"{path}: {answer.status}")
                except OSError as e:
                    self.failed.append(f"{path}: {e}")
                self.asked += 1
                time.sleep(0.5)


def fill(run):
    """To db that is allowed, to web it is not."""
    for last in (world.DB, world.WEB):
        if run.ns.run("app", "python3", "-c", FILL, world.ipv4(last)).wait() != 0:
            raise RuntimeError("nothing was filled")


def trend(times, values):
    """(percent of the mean an hour, what it may be wrong by: two standard errors)."""
    n = len(times)
    mt, mv = sum(times) / n, sum(values) / n
    stt = sum((t - mt) ** 2 for t in times)
    slope = sum((t - mt) * (v - mv) for t, v in zip(times, values)) / stt
    rest_of_it = sum((v - mv - slope * (t - mt)) ** 2 for t, v in zip(times, values))
    error = 2 * (rest_of_it / max(n - 2, 1) / stt) ** 0.5
    return slope * 3600 / mv * 100, error * 3600 / mv * 100


def sample(run, api, begun):
    pids = dict(zip(PROCESSES, (run.weir.agent.pid, *run.weir.planes(), api.process.pid)))
    line = {"seconds": round(time.monotonic() - begun, 1)}
    for name, pid in pids.items():
        p = rest.of_process(pid)
        if not p:
            raise RuntimeError(f"{name} ended")
        line.update({f"{name}_rss_kb": p["rss_kb"], f"{name}_private_kb": p["private_kb"],
                     f"{name}_descriptors": p["descriptors"]})
    run.listen()
    ms = sorted(x for t in run.traffic.values() for x in t[4])
    line.update(exchanges=len(ms), p50_ms=ms[len(ms) // 2] if ms else "", p99_ms=ms[len(ms) * 99 // 100] if ms else "")
    for t in run.traffic.values():
        t[4].clear()
    return line


def word(drift, error, seconds):
    if seconds < TELLS_S:
        return "too short a time to tell"
    if drift - error > LIMIT:
        return "GROWS"
    return "ok" if drift + error <= LIMIT else "ok, as far as this time tells"


def verdict(lines, api):
    """Whether it is good; prints it."""
    seconds = lines[-1]["seconds"] if lines else 0
    lines = lines[int(len(lines) * WARM):]
    if len(lines) < 3:
        sys.exit("soak: too short")
    good = not api.failed
    print(f"{'process':10} {'MiB':>8} {'drift %/h':>10} {'+-':>8} {'descriptors':>12}")
    for name in PROCESSES:
        kb = [line[f"{name}_rss_kb"] for line in lines]
        open_now = [line[f"{name}_descriptors"] for line in lines]
        drift, error = trend([line["seconds"] for line in lines], kb)
        said = word(drift, error, seconds)
        good &= said != "GROWS"
        print(f"{name:10} {kb[-1] / 1024:8.1f} {drift:10.2f} {error:8.2f} {open_now[0]:6}..{open_now[-1]}"
              f"  {said}")
    ms = [line["p99_ms"] for line in lines if line["p99_ms"] != ""]
    print(f"exchanges {sum(line['exchanges'] for line in lines)}, p99 {min(ms)}..{max(ms)} ms; "
          f"API {api.asked} pages, {len(api.failed)} failed {api.failed[:3]}")
    return good


def main():
    world.inside()
    duration = world.seconds(sys.argv[1])
    folder = world.folder()
    print(f"soak: {duration} s, logs in {folder}", flush=True)
    run = chaos.Run(folder, world.build(), 0)
    servers, ends = chaos.begin(run)
    api = Api(run)
    fill(run)
    client = chaos.start_client(run)
    begun, lines = time.monotonic(), []
    with open(folder + "/soak.csv", "w", encoding="ascii", newline="") as f:
        while time.monotonic() - begun < duration:
            time.sleep(SAMPLE_S)
            lines.append(sample(run, api, begun))
            if len(lines) == 1:
                out = csv.DictWriter(f, lines[0].keys())
                out.writeheader()
            out.writerow(lines[-1])
            f.flush()
    run.judge_stalls()
    chaos.end_client(run, client)
    good = verdict(lines, api)
    api.process.terminate()
    api.process.wait()
    chaos.end(run, servers, ends)
    for v in run.violations:
        print("   ", v)
    sys.exit(0 if good and not run.violations else 1)


if __name__ == "__main__":
    main()
