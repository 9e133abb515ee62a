#!/usr/bin/python3
"""chaos.py DURATION: break Weir at random under mixed real traffic, and see that nobody notices.

DURATION is seconds, or 10m, 1h. WEIR_SEED repeats the events of a run (not their outcome to the
microsecond). BUILD is the build tree (build/), CHAOS_DIR where the logs are (a new folder of
/tmp), CHAOS_ON_FAILURE=open what nobody wants: to see that this sees it. Needs root.

What holds all the time, whatever is killed, stopped or changed (see world.py for who is who):

    allowed    a connection that is allowed is never cut, never stalls for good, and brings the
               bytes that were sent
    denied     no byte comes by a port that is forbidden; by one that is forbidden now and then,
               none that was sent and heard while it was. From the question for a change to the
               answer that it is in force both is right
    refused    a policy that is wrong changes nothing
    rest       when all is over Weir has of the machine what it had before: descriptors, threads,
               links, namespaces, filters, pins, entries of maps; and memory, but for MEMORY_KB

Exit status 1, and what was violated when, if one of these did not hold.
"""
import collections
import os
import random
import signal
import subprocess
import sys
import time

import rest
import world

# Growth of a process that is no leak: what an allocator keeps after a busy time.
MEMORY_KB = 24 << 10
# What the verdict cache holds ages by itself.
CACHED = ("flows", "verdict", "cache")
LIVES_S = 15  # an allowed port is used again within this
# How often something is done at least; downloads, and who says little, take longer.
QUIET_S = {"download": 200, "http2": 200, "idle": 40, "guest": 1e9, "vault": 1e9}
FLUSH_S = 2   # for tables of what is gone to be tidied


class Run:
    def __init__(self, folder, build, seed):
        self.random = random.Random(seed)
        self.folder, self.begun = folder, time.monotonic()
        self.violations, self.counts = [], collections.Counter()
        self.traffic = collections.defaultdict(lambda: [0, 0, 0, 0, []])  # done, retries, cuts, bytes, ms
        self.times = collections.defaultdict(list)
        self.log = open(folder + "/events.log", "w", encoding="utf-8", buffering=1)
        self.ns, self.told = world.Namespaces(), world.Told()
        self.weir = world.Weir(build, folder)
        self.wanted, self.filler = {"mode": "discover", "toggle": "deny"}, 0
        self.last = {}  # when something was heard of each sort of traffic
        self.toggles, self.tokens = [], []  # (allow or deny, from, to); (sent, got)
        self.state = ("either", self.begun)
        self.number = 0
        self.passing = []  # (name, processes) of guests that are not gone yet

    def clock(self, at=None):
        return f"{(at or time.monotonic()) - self.begun:8.3f}"

    def say(self, text):
        self.log.write(f"{self.clock()} {text}\n")

    def violate(self, text, at=None):
        line = f"{self.clock(at)} {text}"
        self.violations.append(line)
        self.log.write(f"{line} VIOLATION\n")
        print("violation:", line, flush=True)

    # --- policy --------------------------------------------------------------

    def enter(self, state):
        """Of the port that is forbidden now and then."""
        now = time.monotonic()
        self.toggles.append((self.state[0], self.state[1], now))
        self.state = (state, now)

    def push(self, wait=True):
        """true: it is in force."""
        self.enter("either")
        try:
            a = self.weir.ask("apply", text=world.policy(self.wanted["mode"], self.wanted["toggle"], self.filler),
                              file="chaos")
        except (OSError, world.Refused) as e:
            self.say(f"  push: {e}")
            return False
        # without the word: it is the policy that there is, perhaps not yet in force
        if not a.get("in_force", self.weir.is_whole()):
            return False
        self.enter(self.wanted["toggle"])
        return True

    def settle(self):
        """All is there, and what is wanted in force."""
        if not self.weir.agent or self.weir.agent.poll() is not None:
            self.weir.start()
        self.weir.whole()
        if self.state[0] != self.wanted["toggle"]:
            world.until(90, self.push, "a policy to be taken")

    # --- events --------------------------------------------------------------

    def kill(self, which, sig=signal.SIGKILL):
        pid = {"opener": self.weir.planes()[0], "worker": self.weir.planes()[1],
               "agent": self.weir.agent.pid}[which]
        if pid:
            try:
                os.kill(pid, sig)
            except ProcessLookupError:
                pass
        if which == "agent" and sig in (signal.SIGKILL, signal.SIGTERM):
            self.weir.agent.wait()
        return pid

    def running(self):
        """(opener, worker), once both are there: one that has just begun has none yet to be killed."""
        found = []

        def both():
            found[:] = self.weir.planes()
            return all(found)
        world.until(90, both, "a data plane")
        return tuple(found)

    def recovered(self, what, killed=None):
        """killed: (opener, worker) of a data plane that is to end."""
        start = time.monotonic()
        if killed:
            world.until(90, lambda: all(new and new not in killed for new in self.weir.planes()),
                        "another data plane")
        self.settle()
        self.times[what].append(time.monotonic() - start)

    def kill_worker(self):
        killed = self.running()
        self.kill("worker")
        self.recovered("kill_worker", killed)

    def kill_opener(self):
        killed = self.running()
        self.kill("opener")
        self.recovered("kill_opener", killed)

    def kill_agent(self):
        self.kill("agent")
        time.sleep(self.random.choice((0, 0, 0.5, 2)))
        self.recovered("kill_agent")

    def kill_both(self):
        killed = self.running()
        for which in self.random.sample(("agent", "worker", "opener"), 2):
            self.kill(which)
        if self.weir.agent.poll() is not None:  # who else would start another one?
            self.weir.start()
        self.recovered("kill_both", killed)

    def restart_agent(self):
        self.kill("agent", signal.SIGTERM)
        self.recovered("restart_agent")

    def reload_agent(self):
        self.kill("agent", signal.SIGHUP)
        self.recovered("reload_agent")

    def stop(self, which):
        pid = self.kill(which, signal.SIGSTOP)
        time.sleep(self.random.uniform(0.05, 2))
        if pid:
            try:
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                pass

    def stop_worker(self):
        self.stop("worker")
        self.recovered("stop_worker")

    def stop_opener(self):
        self.stop("opener")
        self.recovered("stop_opener")

    def stop_agent(self):
        self.stop("agent")
        self.recovered("stop_agent")

    def flip_mode(self):
        self.wanted["mode"] = self.random.choice(("discover", "monitor", "protect"))
        self.push()
        self.settle()

    def change_policy(self):
        self.wanted["toggle"] = "deny" if self.wanted["toggle"] == "allow" else "allow"
        self.filler = self.random.choice((0, 0, 10, 2000))
        start = time.monotonic()
        if self.push():
            self.times["change_policy"].append(time.monotonic() - start)
        self.settle()

    def change_and_kill(self):
        """The change is asked for and not waited for; who is to make it dies."""
        self.wanted["toggle"] = "deny" if self.wanted["toggle"] == "allow" else "allow"
        self.enter("either")
        try:
            self.weir.ask("apply", text=world.policy(self.wanted["mode"], self.wanted["toggle"], self.filler),
                          file="chaos", wait=False)
        except (OSError, world.Refused):
            pass
        self.kill(self.random.choice(("worker", "opener", "agent")))
        self.recovered("change_and_kill")

    def refused_policy(self):
        wrong = world.policy("protect", "allow", 0).replace("ports: [tcp/8082]", self.random.choice(
            ("ports: [tcp/808200]", "prots: [tcp/8082]", "ports: [tcp/8082], action: maybe")))
        before = self.weir.ask("export")
        try:
            self.weir.ask("apply", text=wrong, file="wrong")
            self.violate("refused: a wrong policy was taken")
        except world.Refused as e:
            self.say(f"  refused: {e}")
        except OSError:
            return
        after = self.weir.ask("export")
        if (before["text"], before["revision"]) != (after["text"], after["revision"]):
            self.violate("refused: the policy is another one after a wrong one")

    def link_flaps(self):
        name = self.random.choice(("hweb", "hdb", "happ"))
        world.ip("link", "set", name, "down")
        time.sleep(self.random.uniform(0.05, 1.2))
        world.ip("link", "set", name, "up")

    def traffic_py(self, name, *words):
        return self.ns.run(name, sys.executable, world.HERE + "/traffic.py", *words, stdout=self.told.w,
                           stderr=self.log)

    def guest_comes(self):
        """Uses what it may, tries what it may not, and goes when it is done."""
        self.reap()
        if len(self.passing) >= 4:
            return
        self.number += 1
        name = f"guest{self.number}"
        self.ns.add(name, 100 + self.number % 100)
        self.passing.append((name, [self.traffic_py(name, "guest", world.ipv4(world.WEB), world.ipv6(world.WEB))]))

    def reap(self, wait=False):
        for name, processes in self.passing:
            for p in processes:
                if wait:
                    p.wait(120)
            if all(p.poll() is not None for p in processes):
                self.ns.remove(name)
        self.passing = [(n, ps) for n, ps in self.passing if any(p.poll() is None for p in ps)]

    def vault_comes(self):
        """In protect before its first frame, whatever happens meanwhile."""
        self.number += 1
        name, last = f"vault{self.number}", 100 + self.number % 100
        self.weir.whole()
        self.ns.add(name, last, lambda: self.weir.ask("hook", netns=f"/run/netns/{name}"))
        server = self.traffic_py(name, "serve", "9999")
        tries = [self.traffic_py("app", "try", address, "9999", "2.5")
                 for address in (world.ipv4(last), world.ipv6(last))]
        time.sleep(self.random.uniform(0, 0.5))
        self.random.choice((self.kill_worker, self.kill_agent, self.stop_worker, lambda: None, lambda: None))()
        for p in tries:
            p.wait()
        server.kill()
        server.wait()
        self.ns.remove(name)

    EVENTS = [kill_worker, kill_opener, kill_agent, kill_both, restart_agent, reload_agent, stop_worker, stop_opener,
              stop_agent, flip_mode, change_policy, change_and_kill, refused_policy, link_flaps, guest_comes,
              vault_comes]

    def event(self, do):
        self.counts[do.__name__] += 1
        self.say(do.__name__)
        try:
            do(self)
            self.settle()
        except (TimeoutError, world.Refused, OSError) as e:
            self.violate(f"{do.__name__}: {e!r}")
            self.settle()

    # --- what is told ----------------------------------------------------------

    def listen(self):
        for d in self.told.take():
            self.last[d["who"]] = d["at"]
            t = self.traffic[d["who"]] if d["what"] not in ("got", "ready") else None
            if d["what"] == "done":
                t[0] += 1
                t[3] += d["bytes"]
                if not d.get("long"):
                    t[4].append(d["ms"])
            elif d["what"] == "retry":
                t[1] += 1
            elif d["what"] == "tried":
                t[0] += 1
            elif d["what"] == "cut":
                t[2] += 1
                self.violate(f"allowed: {d['who']}: {d['text']}", d["at"])
                self.witness(d["who"])
            elif d["what"] == "got" and d["port"] == 8082:
                if d["sent"]:
                    self.tokens.append((d["sent"], d["at"]))
            elif d["what"] == "got":  # 9999
                self.violate(f"denied: {d['bytes']} bytes came by {d['who']}", d["at"])

    def judge_toggles(self):
        self.enter("either")
        for state, start, end in self.toggles:
            within = [t for t in self.tokens if start <= t[0] and t[1] <= end]
            if state == "deny" and within:
                self.violate(f"denied: 8082: {len(within)} words, the first sent at {self.clock(within[0][0])}",
                             within[0][1])
            if state == "allow" and end - start > LIVES_S and not within:
                self.violate(f"allowed: nothing came by 8082 in {end - start:.1f} s", end)

    def judge_stalls(self):
        """Right before the traffic ends."""
        self.listen()
        for who, (done, *_) in self.traffic.items():
            kind = who.split("-")[0]
            quiet = time.monotonic() - self.last[who]
            if done and quiet > QUIET_S.get(kind, LIVES_S):
                self.violate(f"allowed: {who}: stands still since {quiet:.0f} s")
                self.witness(who)

    def witness(self, who):
        """What the ends and Weir know of a connection, into the log."""
        for name in ("app", "web", "db"):
            text = subprocess.run(["nsenter", f"--net=/run/netns/{name}", "ss", "-tinoH"], check=False,
                                  stdout=subprocess.PIPE, text=True).stdout
            self.say(f"witness of {who}: {name}\n{text}")
        for command, args in (("status", {}), ("ls", {}), ("events", {"limit": 30}), ("sessions", {})):
            self.say(f"witness of {who}: {command}: {self.weir.asked(command, **args)}")

    def dangers(self):
        """A server that has seen what an application's rule should have kept from it."""
        with open(self.folder + "/servers.log", encoding="utf-8", errors="replace") as f:
            return [line for line in f if "SECURITY ATTACK" in line]

    # --- rest --------------------------------------------------------------------

    def at_rest(self):
        self.settle()
        time.sleep(FLUSH_S)
        opener, worker = self.weir.planes()
        return {"kernel": rest.of_kernel(CACHED), "agent": rest.of_process(self.weir.agent.pid),
                "opener": rest.of_process(opener), "worker": rest.of_process(worker)}

    def judge_rest(self, before, after):
        for where, had, has in rest.differences(before, after):
            if where.endswith("_kb"):
                if has - had > MEMORY_KB:
                    self.violate(f"rest: {where} was {had}, is {has}")
            else:
                self.violate(f"rest: {where} was {had}, is {has}")

    def table(self):
        print(f"\n{'event':18} {'times':>6} {'until all is well again, ms: median':>38} {'most':>7}")
        for do in self.EVENTS:
            t = sorted(self.times.get(do.__name__, []))
            print(f"{do.__name__:18} {self.counts[do.__name__]:6}" +
                  (f" {t[len(t) // 2] * 1000:38.0f} {t[-1] * 1000:7.0f}" if t else ""))
        print(f"\n{'traffic':18} {'done':>8} {'retries':>8} {'cut':>5} {'MB':>8} {'p50 ms':>8} {'p99 ms':>8} {'most':>8}")
        for who, (done, retries, cuts, size, ms) in sorted(self.traffic.items()):
            ms.sort()
            print(f"{who:18} {done:8} {retries:8} {cuts:5} {size / 1e6:8.1f}" +
                  (f" {ms[len(ms) // 2]:8.1f} {ms[len(ms) * 99 // 100]:8.1f} {ms[-1]:8.0f}" if ms else ""))
        print(f"{'8082, now and then':18} {len(self.tokens):8} words in {len(self.toggles)} states")
        kinds = collections.Counter(v.split()[1].rstrip(":") for v in self.violations)
        print(f"\nviolations: {len(self.violations)}", dict(kinds) if kinds else "")
        for v in self.violations[:50]:
            print("   ", v)


def begin(run):
    """Workloads, servers and Weir, and all is in force."""
    for name, last in (("web", world.WEB), ("db", world.DB), ("app", world.APP)):
        run.ns.add(name, last)
    servers = world.Servers(run.ns, run.folder)
    run.weir.start()
    world.until(60, run.weir.is_whole, "weir-agent")
    run.push()
    run.settle()
    world.until(30, lambda: run.weir.guarded("db", "protect", "inline"), "db guarded")
    ends = [run.traffic_py("web", "serve", "8082", "9999"), run.traffic_py("db", "serve", "9999")]
    for name in ("web", "db"):
        world.until(30, lambda n=name: world.listens(n, 9999), "servers")
    return servers, ends


def start_client(run):
    return run.traffic_py("app", "client", *(a for last in (world.WEB, world.DB)
                                             for a in (world.ipv4(last), world.ipv6(last))))


def end_client(run, client):
    client.terminate()
    client.wait()
    time.sleep(1)
    run.listen()


def warm_up(run, seconds):
    client = start_client(run)
    time.sleep(seconds)
    end_client(run, client)


def chaos(run, seconds):
    client = start_client(run)
    end = time.monotonic() + seconds
    due = []
    while time.monotonic() < end:
        if not due:  # each of them before one comes again
            due = run.random.sample(Run.EVENTS, len(Run.EVENTS))
        run.event(due.pop())
        time.sleep(run.random.choice((0, 0.1, 0.5, 1.5)))
        run.listen()
        if client.poll() is not None:
            raise RuntimeError("the client ended")
    run.reap(wait=True)
    run.wanted, run.filler = {"mode": "discover", "toggle": "deny"}, 0
    run.push()
    run.settle()
    time.sleep(3)
    run.judge_stalls()
    end_client(run, client)


def same_agent(run, times):
    """Data planes that die and changes that come cost an agent that lives through them nothing."""
    measured = []
    for _ in range(2):
        for _ in range(times):
            for do in (Run.kill_worker, Run.change_policy, Run.kill_opener, Run.flip_mode):
                run.event(do)
        run.wanted, run.filler = {"mode": "discover", "toggle": "deny"}, 0
        run.push()
        run.settle()
        time.sleep(FLUSH_S)
        measured.append({"the agent that lives on": rest.of_process(run.weir.agent.pid)})
    return measured


def end(run, servers, ends):
    for p in ends:
        p.kill()
        p.wait()
    run.weir.end()
    servers.end()


def main():
    world.inside()
    seconds = world.seconds(sys.argv[1])
    seed = int(os.environ.get("WEIR_SEED") or random.SystemRandom().randrange(1 << 32))
    folder = world.folder()
    print(f"chaos: {seconds} s, WEIR_SEED={seed}, logs in {folder}", flush=True)
    run = Run(folder, world.build(), seed)
    servers, ends = begin(run)
    warm_up(run, min(10, seconds / 4))
    before = run.at_rest()
    chaos(run, seconds)
    after = run.at_rest()
    run.judge_rest(before, after)
    run.judge_rest(*same_agent(run, 3))
    run.judge_toggles()
    for line in run.dangers():
        run.violate(f"denied: redis: {line.strip()}")
    end(run, servers, ends)
    run.table()
    sys.exit(1 if run.violations else 0)


if __name__ == "__main__":
    main()
