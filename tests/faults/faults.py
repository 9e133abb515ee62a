#!/usr/bin/python3
"""faults.py LIBRARY SECONDS NAME...: every call that can fail does, once, each by itself.

What is tried (NAME) is a program's start, or what a running one is asked to change. It is done
once to see by which ways it comes to calls that ask for memory or for something of the kernel
(fault.c); then again and again, each time with another of these failing, for SECONDS, or all of
them (0). What holds each time:

    the program goes on, or ends with a status that is not 0 and words of why
    no process dies of a signal, none hangs
    no pin, namespace or socket is left
    a change is in force as a whole, or not at all; who is told that it was refused finds
    the old, who is told that it was done the new
    without a fault all works afterwards

Environment: BUILD, programs without sanitizers; FAULT_DIR, a folder for sockets and logs;
FAULT_SITE, to try only sites whose way has that in it. To be run in the namespaces that
tests/netns/faults.sh makes. Exit status 1 if something did not hold.
"""
import os
import sys
import time

import of_agent
import of_dp
import sites

# What is wrong in a library, and cannot be mended here: (in the site's way, why).
KNOWN = [
    ("seccomp_load <", "libseccomp 2.5.4 spoils the heap where it writes a filter without memory"),
    ("getpwnam_r <", "glibc 2.36 ends the process where it begins to look for names without memory"),
    ("getgrnam_r <", "the same"),
]
ALL = {c.name: c for c in (of_dp.OpenerStart, of_dp.WorkerStart, of_dp.DpAsked, of_dp.Change, of_dp.Given,
                           of_agent.AgentStart, of_agent.AgentAsked, of_agent.ApiStart)}


class World:
    def __init__(self, folder):
        self.folder, self.door, self.log = folder, folder + "/dp.sock", folder + "/program.log"
        # weir-api's account reaches these
        self.agent_door, self.state = "/run/agent.sock", "/run/api"

    @staticmethod
    def program(path):
        return os.environ["BUILD"] + "/src/" + path


def only_some():
    return os.environ.get("FAULT_SITE")


def tried(trial, seconds):
    """(sites, tried, violations)"""
    found = trial.sites()
    spared = [p for p in found if any(way in str(p) for way, _ in KNOWN)]
    found = sites.spread([p for p in found if p not in spared])
    only = only_some()
    if only:
        found = [p for p in found if only in str(p)]
    end = time.monotonic() + seconds
    reached, violations = 0, []
    for n, place in enumerate(found):
        if seconds and time.monotonic() > end:
            break
        failed, problem = trial.attempt(place)
        reached += failed
        if problem:
            what = getattr(place, "action", None)
            what = f"{what.name}: " if what else ""
            violations.append(f"{what}{problem}: {place}")
            print("violation:", violations[-1], flush=True)
            with open(trial.world.log, encoding="utf-8", errors="replace") as f:
                print("".join("    " + line for line in f.readlines()[-6:]), end="", flush=True)
    else:
        n = len(found)
    return len(found), n, reached, len(spared), violations


def main():
    library, seconds, names = sys.argv[1], float(sys.argv[2]), sys.argv[3:]
    world, bad = World(os.environ["FAULT_DIR"]), 0
    for name in names:
        which = ALL[name]
        table = sites.Table(world.folder + "/table", library, world.program(which.binary))
        trial = which(world, table)
        start, end = getattr(trial, "start", None), getattr(trial, "end", None)
        if start:
            start()
        begun = time.monotonic()
        n, done, reached, spared, violations = tried(trial, seconds)
        if end:
            end()
        print(f"{name}: {n} sites, {done} tried, {reached} failed, {spared} spared, "
              f"{len(violations)} violations, "
              f"{time.monotonic() - begun:.0f} s", flush=True)
        bad += len(violations)
        if not done and not only_some():
            bad += 1
            print("violation: no site was tried: is the library loaded?", flush=True)
    return bad > 0


sys.exit(main())
