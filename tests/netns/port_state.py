#!/usr/bin/python3
"""port_state.py NS DEV FILE [new]: all that DEV is in NS, as sorted text, to FILE.

What only time changes is left out, and what the network taught (neighbours
that are not permanent). `new`: also what a splice's new port may differ in.
"""

import json
import subprocess
import sys

ns, dev, path = sys.argv[1:4]
new = sys.argv[4:] == ["new"]
TIME = {"valid_life_time", "preferred_life_time", "used", "expires", "age"}
PORT = {"linkinfo", "link", "link_index", "link_netnsid", "permaddr", "ifalias",
        "num_tx_queues", "num_rx_queues", "gso_max_size", "gso_max_segs",
        "tso_max_size", "tso_max_segs", "gro_max_size", "inet6_addr_gen_mode",
        "min_mtu", "max_mtu", "qdisc"}


def ip(*args):
    text = subprocess.run(["ip", "-n", ns, "-d", "-j", *args], text=True,
                          check=True, stdout=subprocess.PIPE).stdout
    return json.loads(text or "[]")


def clean(x):
    if isinstance(x, dict):
        return {k: clean(v) for k, v in x.items()
                if k not in TIME and not (new and k in PORT)}
    if isinstance(x, list):
        return [clean(v) for v in x if v != {}]
    return x


def via(route):
    return route.get("dev") == dev or any(
        hop.get("dev") == dev for hop in route.get("nexthops", []))


lines = []
for item in ip("addr", "show", "dev", dev):
    for a in item.pop("addr_info"):
        lines.append("addr " + json.dumps(clean(a), sort_keys=True))
    lines.append("link " + json.dumps(clean(item), sort_keys=True))
for family in "-4", "-6":
    # The order of routes that are alike but for their way matters.
    for r in filter(via, ip(family, "route", "show", "table", "all")):
        lines.append("route " + json.dumps(clean(r), sort_keys=True))
    for proxy in [], ["proxy"]:
        for n in ip(family, "neigh", "show", *proxy):
            if n.get("dev") == dev and (proxy or "PERMANENT" in n["state"]):
                lines.append("neigh " + json.dumps(clean(n), sort_keys=True))
sysctl = subprocess.run(
    ["nsenter", f"--net=/run/netns/{ns}", "sh", "-c",
     f"cd /proc/sys/net && grep -s . ip*/*/{dev}/* | sort"],
    text=True, stdout=subprocess.PIPE, check=False).stdout
lines += ["sysctl " + s for s in sysctl.splitlines()
          if not (new and s.split(":")[0].endswith("/addr_gen_mode"))]
with open(path, "w", encoding="utf-8") as f:
    f.write("\n".join(lines) + "\n")
