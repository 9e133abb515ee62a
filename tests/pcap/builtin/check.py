#!/usr/bin/python3
"""check.py RULES LIST.json TOLD.json...: TOLD is what `weir rules test -o json` printed of a capture that
make.py wrote. Prints what is wrong, a line each: an attack that its rule was not told of, ordinary
traffic that any rule was, a rule without attack (of which doubtful.json has not all)."""
import json
import re
import sys


def told(path):
    found, last = {}, {}
    with open(path) as f:
        for line in f:
            one = json.loads(line)
            if "sid" in one:
                found.setdefault(one["connection"], set()).add(one["sid"])
            last = one
    assert last.get("ok") and not last["limits_met"], last
    assert not last["refused"] and not last["fragments"], last
    return found


def main(rules, listed, said, *more):
    with open(listed) as f:
        known = json.load(f)
    found, wrong, tried = told(said), 0, set()
    for name, sid, what in known:
        got = found.get(name, set())
        tried.add(sid)
        if sid and sid not in got:
            print(f"{sid} was not told of {what}: {sorted(got)}")
        elif not sid and got:
            print(f"{sorted(got)} told of {what}")
        else:
            continue
        wrong += 1
    with open(rules) as f:
        sids = {int(s) for s in re.findall(r"\bsid:(\d+)", f.read())}
    for sid in sorted(sids - tried) if any(tried) and not listed.endswith("doubtful.json") else ():
        print(f"{sid} has no attack")
        wrong += 1
    return wrong > 0


sys.exit(main(*sys.argv[1:]))
