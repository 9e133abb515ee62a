#!/usr/bin/python3
"""check.py DIR RULES: DIR/{default,all,allow,reset} is what `weir-dp -p` printed of the captures that make.py
wrote there: by default, with each threat looked for, and with each action set to that one where it can be.
DIR/rules has for each capture that a rule is to meet the sids that did (rules/builtin.rules, the second
argument). Prints what is wrong, a line each."""
import collections
import os
import re
import sys

from table import FIXED, HOWS, NO_RESET, RULES, THREATS

DIR, BUILTIN = sys.argv[1:]


def told(name):
    """capture: {(id, severity, action)}"""
    found, capture = collections.defaultdict(set), None
    with open(f"{DIR}/{name}") as f:
        for line in f:
            if line.startswith("# "):
                capture = os.path.basename(line.split()[1])[:-len(".pcap")]
                found[capture] = set()
            m = re.match(r"threat (\d+) severity=(\w+) action=(\w+)", line)
            if m:
                found[capture].add((int(m[1]), m[2], m[3]))
    return found


def wrong():
    seen = {name: told(name) for name in HOWS}
    with open(f"{DIR}/rules") as f:
        sids = {line.split()[0]: line.split()[1:] for line in f}
    with open(BUILTIN) as f:
        text = f.read().replace("\\\n", "")
    # What is done and how bad it is (priority 1 is critical) stands in the rule.
    rules = {m[3]: (m[1], int(m[2])) for m in re.finditer(r"(?m)^(\w+) .*?metadata:threat (\d+); priority:1;.*sid:(\d+);", text)}
    met = set()
    for line in open(f"{DIR}/table"):
        threat, what = line.split()
        name, threat = f"{threat}-{what}", int(threat)
        severity, on, action = THREATS[threat].split()
        none = what.startswith("no-")
        met |= set() if none else {threat}
        if threat in RULES:
            if none != (("drop", threat) not in [rules.get(sid) for sid in sids[name]]):
                yield f"{name}: told by {sids[name]}"
            continue
        for how in ["all"] if what.endswith("-v6") else HOWS:
            want = action if how in ("default", "all") or threat in FIXED or how == "reset" and threat in NO_RESET else how
            these = {t for t in seen[how][name] if t[0] == threat}
            if these != (set() if none or how == "default" and on == "n" else {(threat, severity, want)}):
                yield f"{name}: {how}: {sorted(seen[how][name])}"
    for threat in set(THREATS) - met:
        yield f"{threat}: no capture meets it"


bad = list(wrong())
print("\n".join(bad))
sys.exit(bool(bad))
