#!/usr/bin/python3
"""runtime_state.py FILE EXPRESSION: true, of what runtime_news has printed?

news    all of it, in order
now     {name: news} of what runs by it, as the contract in runtime.h says
told    how often: told("found", "web")
ms(n)   when
"""

import json
import sys

# the last line may be half written
with open(sys.argv[1], encoding="utf-8") as f:
    news = [json.loads(line) for line in f if line.endswith("\n")]

by_id, listed = {}, {}
names = {}
for n in news:
    key = (n["source"], n["id"])
    if n["news"] == "list":
        listed[n["source"]] = set()
    elif n["news"] == "down":
        listed.pop(n["source"], None)
    elif n["news"] == "listed":
        kept = listed.pop(n["source"])
        for gone in [k for k in by_id if k[0] == n["source"] and k not in kept]:
            del by_id[gone]
    elif n["news"] == "found":
        by_id[key] = n
        names[key] = n["about"]["name"]
        if n["source"] in listed:
            listed[n["source"]].add(key)
    elif n["news"] == "unreadable" and n["source"] in listed:
        listed[n["source"]].add(key)
    elif n["news"] == "gone":
        by_id.pop(key, None)
        listed.get(n["source"], set()).discard(key)

now = {n["about"]["name"]: n for n in by_id.values()}


def told(kind, name=None):
    return sum(n["news"] == kind and
               (name is None or names.get((n["source"], n["id"])) == name)
               for n in news)


try:
    sys.exit(0 if eval("(" + sys.argv[2] + ")") else 1)
except (IndexError, KeyError):  # of what is not there yet
    sys.exit(1)
