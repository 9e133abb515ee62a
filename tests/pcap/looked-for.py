#!/usr/bin/python3
"""looked-for.py SOURCES MAC...: messages for weir-dp --load: these workloads are looked at by all rules and
sensors that come with Weir, and for each threat."""
import json
import re
import sys

src, macs = sys.argv[1], sys.argv[2:]
with open(f"{src}/rules/builtin.rules") as f:
    rules = f.read()
with open(f"{src}/src/detect/sensor_parse.c") as f:
    ready = re.search(r"static const char ready\[\] =(.*?);\n\n", re.sub(r"/\*.*?\*/", "", f.read(), flags=re.S), re.S)[1]
sensors = json.loads("".join(re.findall(r'"((?:\\.|[^"\\])*)"', ready)).replace('\\"', '"'))
with open(f"{src}/src/detect/threat.h") as f:
    threats = re.findall(r"#define THREAT_\w+\s+([12]0\d\d)\n", f.read())
assert len(sensors) == 4 and len(threats) == 29
json.dump([{"weir_settings": {"threats": {t: {"enabled": True} for t in threats}}}] +
          [m for i, mac in enumerate(macs) for m in (
              {"ctrl_add_mac": {"mac": mac, "ucmac": f"4e:65:75:56:00:{i + 1:02x}"}}, {"ctrl_cfg_mac": {"macs": [mac], "tap": False}})] +
          [{"weir_rules": {"version": 1, "files": [{"name": "builtin.rules", "text": rules}]}},
           {"weir_detection": {"version": 1, "sensors": sensors, "workloads": [
               {"macs": macs, "signatures": "enforce", "sensors": [{"id": s["id"], "action": "block"} for s in sensors]}]}}], sys.stdout)
