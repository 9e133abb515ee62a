#!/bin/bash
# What was denied is told without loss: a workload tries to reach new ports, 10,000 a
# second, and an agent that asks once a second hears of each of them. There are as
# many together as are kept for who is late, and the next when these are told: a
# machine that has no time for the data plane is no reason to fail.
# WEIR_TOLD_MS: so long at that pace, once; bench/README.md tells of a minute.
#
#   web 10.9.0.2 ── hweb ── host 10.9.0.1, way to 198.18.0.0/15: weir-dp
. "$(dirname "$0")/lib.sh"
rate=10000
for_ms=${WEIR_TOLD_MS:-1000}
times=6
[ -z "${WEIR_TOLD_MS:-}" ] || times=1

ip netns add web
ip -n web link set lo up
ip link add hweb type veth peer name eth0 address $mac netns web
ip link set hweb up
ip -n web link set eth0 up
ip addr add 10.9.0.1/24 dev hweb
ip -n web addr add 10.9.0.2/24 dev eth0
ip -n web route add default via 10.9.0.1
wait_until 10 at web ping -q -n -c 1 -W 1 10.9.0.1 >"$out" 2>&1
point $? "a workload" "$out"

"$weir" divert --netns web --mark 00b4 --mode inline >"$out" 2>&1
point $? "it is diverted" "$out"
"$weir_dp" --listen "" --notify "" --control "$door" 2>>"$TEST_DIR/log" &
dp_pid=$!
wait_until 20 dp version && dp '[{"ctrl_add_srvc_port":{"iface":"vth"}},
  {"ctrl_add_mac":{"mac":"'$mac'","ucmac":"4e:65:75:56:00:b4","bcmac":"ff:ff:ff:00:00:b4"}},
  {"ctrl_cfg_mac":{"tap":false,"macs":["'$mac'"]}},
  {"weir_policy":{"version":1,"policies":[{"macs":["'$mac'"],"default":"deny","rules":[]}]}}]'
point $? "a data plane that denies all" "$out"

cat >"$TEST_DIR/agent.py" <<'P'
import json, os, pathlib, resource, select, socket, subprocess, sys, time

door, dp_pid, weir, load, for_ms, rate, times = sys.argv[1:8]

def ask(s, request):
    s.send(json.dumps(request).encode())
    data, fds, _, _ = socket.recv_fds(s, 1 << 17, 1)
    answer = json.loads(data)
    if answer.get("memfd"):
        with os.fdopen(fds[0], "rb") as f:
            f.seek(0)
            answer = json.load(f)
    assert answer["ok"], answer
    return answer

def cpu_of(stat):
    return sum(map(int, stat.read_text().rsplit(")")[1].split()[11:13])) / os.sysconf("SC_CLK_TCK")

def dp_cpu():
    """Of the control thread, and of the others, which carry frames."""
    threads = {t.name: cpu_of(t / "stat") for t in pathlib.Path(f"/proc/{dp_pid}/task").iterdir()}
    control = threads.pop(dp_pid)
    return control, sum(threads.values())

s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.settimeout(30)
s.connect(door)
seen, after, epoch, missed, violations = set(), 0, 0, 0, 0

def hear():
    global after, epoch, missed, violations
    more = True
    while more:
        page = ask(s, {"weir_connections": {"after": after, "epoch": epoch, "limit": 4096}})
        after, epoch, more = page["next"], page["epoch"], page["more"]
        missed += page["missed"]
        for c in page["connections"]:
            if c["proto"] == "tcp" and c["action"] == "deny":
                seen.add((c["server"], c["server_port"]))
                violations += c["violations"]

def not_received():
    """With the hook's, where the data plane was too late with its sign of life."""
    stats = ask(s, {"weir_stats": {}})
    shown = json.loads(subprocess.check_output([weir, "divert", "show", "-o", "json"]))
    return stats["port"]["receive_lost"] + shown["diverted"][0]["out"]["drop_failed_closed"]["frames"]

sent = lost = 0
end = time.monotonic() + int(times) * int(for_ms) / 1000 + 200
for n in range(int(times)):
    trying = subprocess.Popen(["ip", "netns", "exec", "web", load, "attempt", f"198.18.{n}.1", "1", for_ms, rate],
                              stdout=subprocess.PIPE)
    while time.monotonic() < end:
        over = select.select([trying.stdout], [], [], 1)[0]
        hear()
        if over:
            break
    sent += json.loads(trying.communicate()[0])["sent"]
    while len(seen) < sent - lost and time.monotonic() < end:
        select.select([], [], [], 0.2)
        hear()
        lost = not_received()
stats = ask(s, {"weir_stats": {}})
own = resource.getrusage(resource.RUSAGE_SELF)
print(f"sent {sent}, told {len(seen)}, violations {violations}, missed {missed}, not received {lost};",
      "cpu: door {:.1f} s, workers {:.1f} s,".format(*dp_cpu()), f"this agent {own.ru_utime + own.ru_stime:.1f} s")
print(json.dumps(stats["reports"]))
# a frame that the machine had no time for was neither forwarded nor seen
sys.exit(not (sent and missed == 0 and stats["reports"]["lost"]["violation"] == 0 and len(seen) >= sent - lost))
P
worker=$(pgrep -P "$dp_pid")
python3 "$TEST_DIR/agent.py" "$door" "${worker:-$dp_pid}" "$weir" "$BUILD/bench/load" "$for_ms" "$rate" "$times" >"$out" 2>&1
point $? "each of $((times * rate * for_ms / 1000)) violations is told" "$out"
sed 's/^/# /' "$out"
stop_dp
finish
