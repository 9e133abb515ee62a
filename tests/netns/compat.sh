#!/bin/bash
# A client of our own (tests/compat/dpclient.py) says all that NeuVector's agent
# says, and hears all that it would hear.
#
#  ┌ host-ns ──────┐   ┌ agent-ns ─────────────────┐   ┌ container-ns ──────┐
#  │ 10.10.10.66   ╪═══╪ vex                   vin ╪═══╪ eth0 10.10.10.88   │
#  └───────────────┘   │  └──▶ vbr ═══ vth ◀──┘    │   │ mark ...56:00:b4   │
#                      │              ▲            │   └────────────────────┘
#                      │           weir-dp         │
#                      └───────▲──────────┬────────┘
#      dpclient.py ──▶ compat.sock     agent.sock ──▶ dpclient.py
. "$(dirname "$0")/lib.sh"

compat=$TEST_DIR/compat.sock
sink=$TEST_DIR/agent.sock
client=$SRC/tests/compat/dpclient.py

client() { # VERB ARGUMENT...: all in $out
    python3 "$client" --server "$compat" --sink "$sink" "$@" >"$out" 2>&1
}

each_points() { # PREFIX OPTION...: a point for each message
    local ok name why=$1
    shift
    client each "$@"
    cp "$out" "$TEST_DIR/each"
    while IFS= read -r name; do
        [ "${name#not ok}" = "$name" ]
        ok=$?
        point $ok "$why: ${name#*- }" "$out"
    done <"$TEST_DIR/each"
    [ "$(grep -c . "$TEST_DIR/each")" -ge 30 ]
    point $? "$why: all were said" "$TEST_DIR/each"
}

doors() { # EXPRESSION over c: what the compatible door counted
    dp stats -o json && json "(lambda c: $1)(d['doors']['compat'])"
}

protect() { # what host-ns asks is allowed, the rest is denied
    dp '[{"ctrl_enable_icmp_policy":{"enable_icmp_policy":true}},
      {"ctrl_cfg_nbe":{"macs":["1a:27:f3:87:3a:27"],"nbe":false}},
      {"ctrl_cfg_internal_net":{"flag":3,"subnet_addr":[{"ip":"10.10.10.0","mask":"255.255.255.0"}]}},
      {"ctrl_cfg_policy":{"cmd":1,"flag":3,"defact":7,"dir":3,"mac":["1a:27:f3:87:3a:27"],
        "rules":[{"id":10001,"sip":"10.10.10.66","dip":"10.10.10.88","port":0,"portr":65535,
                  "proto":0,"action":2,"ingress":true}]}},
      {"ctrl_cfg_policy_addr":{"flag":3,"subnet_addr":[
        {"ip":"10.10.10.66","mask":"255.255.255.255"},{"ip":"10.10.10.88","mask":"255.255.255.255"}]}}]'
}

# --- the decoder itself, on what the data plane's writers write ---
"$BUILD/tests/unit/dpmsg_samples" >"$TEST_DIR/samples"
python3 "$client" decode <"$TEST_DIR/samples" >"$out" 2>&1
diff "$SRC/tests/compat/samples.expected" "$out" >"$TEST_DIR/diff" 2>&1
point $? "each kind is written as the reference says" "$TEST_DIR/diff"
PYTHONDONTWRITEBYTECODE=1 python3 - "$SRC/tests/compat" "$TEST_DIR/samples" >"$out" 2>&1 <<'P'
import sys
sys.path.insert(0, sys.argv[1])
from dpclient import Wrong, decode, KINDS
samples = [bytes.fromhex(line.strip()) for line in open(sys.argv[2])]
assert {s[0] for s in samples} == set(KINDS), "a sample of each kind"
for s in samples:
    longer = (len(s) + 1).to_bytes(2, "big")
    shorter = (len(s) - 1).to_bytes(2, "big")
    for bad in (s[:-1], s + b"\0", s[:2] + longer + s[4:] + b"\0",
                s[:2] + shorter + s[4:-1], bytes([14]) + s[1:], s[:1] + b"\2" + s[2:]):
        try:
            decode(bad)
        except Wrong:
            continue
        sys.exit(f"taken: {bad.hex()}")
P
point $? "and the decoder refuses what is a byte longer, shorter or else" "$out"

# --- every message ---
topology
splice up --mark 00b4 --mode inline
point $? "the container is spliced" "$out"
start_dp agent-ns --listen "$compat" --notify "$sink"
point $? "weir-dp is up" "$TEST_DIR/log"
each_points "nothing configured"
doors "c['unknown'] + c['garbage'] + c['unanswered'] == 0"
point $? "no message was unknown, and each answer was taken" "$out"

# --- a served workload: records with something in them ---
serve_container
protect
point $? "the policy is accepted" "$out"
wait_until 10 pings $cont4
point $? "ping passes" "$TEST_DIR/ping"
client send ctrl_list_session && grep -q '"client": "10.10.10.66"' "$out"
point $? "the session is listed" "$out"
client send ctrl_count_session && json "d['icmp'] >= 1 and d['all'] >= d['icmp']"
point $? "and counted" "$out"
for wrong in "ctrl_nonsense" "ctrl_list_session {" "ctrl_list_session --server $TEST_DIR/none"; do
    # shellcheck disable=SC2086 # words
    client send $wrong
    [ $? = 1 ] && [ "$(wc -l <"$out")" = 1 ] && grep -q '^dpclient: .*\(is no message\|not JSON\|no data plane\)' "$out"
    point $? "the client tells in a line what is wrong: $wrong" "$out"
done
client send ctrl_counter_device &&
    json "d['rx_packets'] >= 2 and d['tx_packets'] >= 2 and d['icmp_sessions'] >= 1 and d['range_rules'] == 1"
point $? "the device's counters have its frames" "$out"
client send ctrl_stats_macs '{"macs":["1a:27:f3:87:3a:27"]}' && json "d['total']['packets_in'] >= 1 and d['total']['sessions_in'] >= 1"
point $? "the workload's statistics have them" "$out"
client send ctrl_stats_device && json "d['total']['packets_in'] >= 1 and d['total']['packets_out'] >= 1"
point $? "the device's statistics, too" "$out"
each_points "while it serves" --mac 1a:27:f3:87:3a:27
wait_until 10 pings $cont4
point $? "ping still passes" "$TEST_DIR/ping"

# --- notices of their own accord ---
python3 "$client" --sink "$sink" listen >"$TEST_DIR/notices" 2>&1 &
listener=$!
children+=("$listener")
wait_until 10 test -S "$sink"
dp '{"ctrl_cfg_mac":{"macs":["1a:27:f3:87:3a:27"],"apps":[{"ip_proto":6,"port":3306,"app":2001,"server":0}]}}'
point $? "a port is told to weir-dp" "$out"
told() {
    grep -q '"kind": "app_update".*"port": 3306, "proto": 0, "server": 0, "application": 2001' "$TEST_DIR/notices"
}
wait_until 10 told
point $? "and it tells the agent of its own accord" "$TEST_DIR/notices"
told_connection() { # EXPRESSION over c, a connection: there was one
    python3 - "$TEST_DIR/notices" "$1" <<'P'
import json, sys
found = False
for line in open(sys.argv[1]):
    for c in json.loads(line).get("connections", []):
        found |= bool(eval("(" + sys.argv[2] + ")"))
sys.exit(not found)
P
}
protect
pings $cont4
at container-ns timeout 1 bash -c "exec 3<>/dev/tcp/$host4/9" 2>/dev/null
wait_until 20 told_connection "c['policy'] == 10001 and c['client'] == '$host4' and c['server'] == '$cont4'
    and c['ip_proto'] == 1 and c['flags'] & 1 and c['action'] == 2 and c['sessions'] >= 1"
point $? "of a connection and the rule that allowed it" "$TEST_DIR/notices"
wait_until 20 told_connection "c['policy'] == 0 and c['server'] == '$host4' and c['server_port'] == 9
    and c['action'] == 7 and c['violations'] >= 1 and c['sessions'] == 0 and c['application'] == 1"
point $? "and of what was denied before there was one" "$TEST_DIR/notices"
! grep -v '^{"kind": "[a-z_]*", "more": [01]' "$TEST_DIR/notices"
point $? "all notices are as the reference says" "$TEST_DIR/notices"
kill "$listener"
wait "$listener"

# --- chunks, and messages together ---
python3 - "$compat" <<'P'
import json, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
def say(**messages):
    s.sendto(json.dumps(messages).encode(), sys.argv[1])
mac = ["1a:27:f3:87:3a:27"]
rule = {"id": 1, "sip": "10.10.10.66", "dip": "10.10.10.88", "port": 1, "portr": 1, "proto": 6,
        "action": 2, "ingress": True}
for flag, first in ((1, 100), (0, 200), (2, 300)):
    say(ctrl_cfg_policy={"cmd": 1, "flag": flag, "defact": 6, "dir": 3, "mac": mac,
                         "rules": [rule | {"id": first + i} for i in range(40)]})
    say(ctrl_cfg_dlp={"flag": flag, "mac": mac, "dlp_rule_names": [{"id": 20000 + first, "action": 1}],
                      "waf_rule_names": None, "rule_ids": None, "waf_rule_ids": None,
                      "ruletype": "", "wafruletype": ""})
say(ctrl_cfg_nbe={"macs": mac, "nbe": True}, ctrl_sys_conf={"xff_enabled": True},
    ctrl_strict_group_mode={"strict_group_mode": True})
P
chunked() {
    dp config -o json && json "(lambda m: len(m['ctrl_cfg_policy']['rules']) == 120
        and [r['id'] for r in m['ctrl_cfg_dlp']['dlp_rule_names']] == [20100, 20200, 20300]
        and m['ctrl_cfg_nbe']['nbe'] and m['ctrl_sys_conf']['xff_enabled']
        and m['ctrl_strict_group_mode']['strict_group_mode'])(
        {k: v for x in d['messages'] for k, v in x.items()})"
}
wait_until 10 chunked
point $? "chunks are one policy, one DLP setting; many messages in one datagram" "$out"

# --- each door has its own chunks ---
half='"cmd":1,"defact":6,"dir":3,"mac":["1a:27:f3:87:3a:27"],"rules":[{"sip":"10.10.10.66",
    "dip":"10.10.10.88","port":1,"portr":1,"proto":6,"action":2,"ingress":true,"id"'
refused() {
    dp stats -o json && python3 -c 'import json, sys
print(json.load(open(sys.argv[1]))["doors"]["compat"]["refused"])' "$out"
}
before=$(refused)
dp "{\"ctrl_cfg_policy\":{\"flag\":1,$half:500}]}}"
client send ctrl_cfg_policy "{\"flag\":2,$half:600}]}"
more_refused() { [ "$(refused)" = $((before + 1)) ]; }
wait_until 10 more_refused
point $? "what one door has begun the other cannot end" "$out"
dp "{\"ctrl_cfg_policy\":{\"flag\":2,$half:501}]}}" && dp config -o json &&
    json "[r['id'] for m in d['messages'] if 'ctrl_cfg_policy' in m
        for r in m['ctrl_cfg_policy']['rules']] == [500, 501]"
point $? "nor mix with its own" "$out"

# --- what is printed can be read back ---
dp config
cp "$out" "$TEST_DIR/config.json"
stop_dp
start_dp agent-ns --listen "$compat" --notify "$sink"
dp - <"$TEST_DIR/config.json"
point $? "what config prints can be sent back" "$out"
dp config
cmp -s "$out" "$TEST_DIR/config.json"
point $? "and makes the same state" "$out"

# --- an agent that is not there, or is somebody else ---
rm -f "$sink"
dp '{"ctrl_refresh_app":{}}'
dp stats -o json && json "d['notices']['apps']['not_taken'] >= 1"
point $? "a notice that nobody takes is counted" "$out"
python3 - "$sink" "$out" <<'P' &
import os, signal, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
os.chown(sys.argv[1], 12345, -1)
s.settimeout(15)
try:
    s.recv(9000)
    open(sys.argv[1] + ".heard", "w").close()
except TimeoutError:
    pass
P
children+=($!)
wait_until 10 test -S "$sink"
dp '{"ctrl_refresh_app":{}}'
json_untold() { dp stats -o json && json "d['notices']['apps']['sent'] == 0"; }
json_untold && [ ! -e "$sink.heard" ]
point $? "a socket that is another user's is told nothing" "$out"

# --- an agent that comes late ---
rm -f "$sink"
protect
at container-ns timeout 1 bash -c "exec 3<>/dev/tcp/$host4/10" 2>/dev/null
not_taken() { dp stats -o json && json "d['notices']['connections']['not_taken'] >= 1"; }
wait_until 30 not_taken
point $? "one of a connection, too" "$out"
dp connections -o json && json "any(c['server_port'] == 10 and c['action'] == 'deny' and
    c['violations'] >= 1 and c['direction'] == 'egress' for c in d['connections'])"
point $? "who asks at our own door is told of it meanwhile" "$out"
dp connections && grep -q '10.10.10.66:10 .*deny' "$out"
point $? "also in text" "$out"
python3 "$client" --sink "$sink" listen >"$TEST_DIR/notices" 2>&1 &
listener=$!
children+=("$listener")
wait_until 30 told_connection "c['server_port'] == 10 and c['action'] == 7 and c['violations'] >= 1"
point $? "the agent hears of it when it is there" "$TEST_DIR/notices"
dp stats -o json && json "d['notices']['connections']['lost'] == 0"
point $? "and none is lost" "$out"

# --- a workload goes: the rest of its sessions is told, and as its own ---
dp '{"ctrl_cfg_policy":{"cmd":1,"flag":3,"defact":2,"dir":3,"mac":["'$mac'"],"rules":[]}}'
background container-ns python3 -c 'import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("0.0.0.0", 7002))
while True:
    s.sendto(*s.recvfrom(2000))'
mkfifo "$TEST_DIR/talk"
exec {talk}<>"$TEST_DIR/talk"
background host-ns python3 -c 'import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect((sys.argv[1], 7002))
for line in open(sys.argv[2]):
    for i in range(int(line)):
        s.settimeout(0.5)
        while True:  # the echo may not be there yet
            try:
                s.send(b"x" * 100)
                assert len(s.recv(2000)) == 100
                break
            except (ConnectionRefusedError, TimeoutError):
                pass
    open(sys.argv[2] + "." + line.strip(), "w").close()' "$cont4" "$TEST_DIR/talk"
told_bytes() { # OP BYTES: so many in all records of that session, both sides
    python3 - "$TEST_DIR/notices" "$mac" "$1" "$2" <<'P'
import json, sys
total = 0
for line in open(sys.argv[1]):
    for c in json.loads(line).get("connections", []):
        if c["server_port"] == 7002:
            assert c["mac"] == sys.argv[2] and c["action"] == 2 and c["server"] == "10.10.10.88", c
            total += c["bytes"]
sys.exit(not eval(f"{total} {sys.argv[3]} {sys.argv[4]}"))
P
}
# so much that nobody looks any more which application it is
echo 5 >&$talk
wait_until 30 told_bytes '>=' 200
point $? "a session is told when it begins" "$TEST_DIR/notices"
echo 3 >&$talk
wait_until 10 test -e "$TEST_DIR/talk.3" && dp flows -o json
bytes=$(python3 -c 'import json, sys
print(sum(s["client_bytes"] + s["server_bytes"] for s in json.load(open(sys.argv[1]))["sessions"]
    if s["server_port"] == 7002))' "$out")
[ "$bytes" -ge 800 ] && told_bytes '<' "$bytes"
point $? "and goes on untold"
client send ctrl_del_mac '{"iface":"eth0","mac":"'$mac'"}'
wait_until 30 told_bytes == "$bytes"
point $? "its workload goes: the rest of it is told, with the workload's MAC" "$TEST_DIR/notices"
dp stats -o json && json "d['endpoints']['in_use'] == 0 and d['notices']['connections']['lost'] == 0"
point $? "and the workload is gone" "$out"
exec {talk}>&-
kill "$listener"
wait "$listener"

stop_dp
point $? "SIGTERM ends it with 0" "$TEST_DIR/log"
splice down && wait_until 10 pings $cont4
point $? "down: the container answers as before" "$TEST_DIR/ping"
finish
