#!/bin/bash
# `weir dp` speaks with a data plane.
#
#   a namespace of this test's own
#  ┌──────────────────────────────────────────────┐
#  │  vbr ═══ vth ◀─▶ weir-dp ◀─ dp.sock ─ weir dp │
#  └──────────────────────────────────────────────┘
. "$(dirname "$0")/lib.sh"

exits() { # STATUS REGEX NAME ARGUMENT...: what `dp` does
    local status=$1 regex=$2 name=$3 got
    shift 3
    dp "$@"
    got=$?
    [ $got = "$status" ] && grep -Eq -- "$regex" "$out"
    point $? "$name" "$out"
}

start() {
    start_dp own-ns --listen ""
}

ip netns attach own-ns $$
ip link add vbr type veth peer name vth
ip link set vbr up
ip link set vth up

exits 1 'no data plane answers.*weir-dp' "nobody there: says what to start" flows
start
point $? "the data plane is up" "$TEST_DIR/log"

exits 0 'weir-dp [0-9]' "version" version
exits 0 '"seq_num": 17' "a message of one's own" '{"ctrl_keep_alive":{"seq_num":17}}'
exits 0 '^\{"ok":true,"seq_num":17\}$' "the same as JSON" -o json '{"ctrl_keep_alive":{"seq_num":17}}'
exits 1 'ctrl_keep_alive.seq_num.*EINVAL|EINVAL.*ctrl_keep_alive.seq_num' \
    "a refusal says which field" '{"ctrl_keep_alive":{}}'
exits 1 '"code":"EINVAL".*"at":"ctrl_keep_alive.seq_num"' \
    "the same as JSON: the data plane's own words" -o json '{"ctrl_keep_alive":{}}'
exits 1 'no message "ctrl_nonsense"' "an unknown message is refused" '{"ctrl_nonsense":{}}'

cat >"$TEST_DIR/setup.json" <<'J'
[{"ctrl_cfg_internal_net":{"flag":3,"subnet_addr":[{"ip":"10.10.10.0","mask":"255.255.255.0"}]}},
 {"ctrl_add_srvc_port":{"iface":"vth","jumboframe":false}},
 {"ctrl_add_mac":{"iface":"vth","mac":"1a:27:f3:87:3a:27","ucmac":"4e:65:75:56:00:b4","bcmac":"ff:ff:ff:00:00:b4"}},
 {"ctrl_cfg_mac":{"tap":false,"macs":["1a:27:f3:87:3a:27"]}}]
J
exits 0 '^4 messages accepted' "messages from a file" "@$TEST_DIR/setup.json"
exits 0 '"accepted":2' "the same as JSON" -o json '[{"ctrl_keep_alive":{"seq_num":1}},{"ctrl_keep_alive":{"seq_num":2}}]'
exits 1 '\[1\].ctrl_add_mac.mac' "an array stops at the first refusal and says which" \
    '[{"ctrl_keep_alive":{"seq_num":1}},{"ctrl_add_mac":{"mac":"1a:27"}},{"ctrl_del_mac":{"mac":"1a:27:f3:87:3a:27"}}]'
dp config
grep -q '1a:27:f3:87:3a:27' "$out"
point $? "what comes after it was not sent" "$out"

exits 0 'no findings' "nothing was found" findings
exits 2 'only with findings' "--raw is of findings" threats --raw

exits 0 '"full": "judge"' "settings are shown" settings
dp settings
cp "$out" "$TEST_DIR/defaults.json"
exits 0 '"upper": 900' "one is set, and the answer shows it" settings '{"meters":{"syn-flood":{"upper":900}}}'
exits 0 '"lower": 600' "the others stay" settings
cat >"$TEST_DIR/settings.json" <<'J'
{"threats":{"2003":{"enabled":true}},"flows":{"full":"drop"},"streams":{"on":{"fin":"bypass"}},
 "fragments":{"overlap":"first"},"tunnels":{"look":["gre","vxlan"],"vxlan_ports":[4789]}}
J
exits 0 '"full": "drop"' "settings from a file" settings "@$TEST_DIR/settings.json"
exits 0 '^\{"ok":true,"settings":\{"meters":\{' "the same as JSON" settings -o json
exits 1 'EINVAL.*1..900, got 901|weir_settings.meters.syn-flood.lower.*EINVAL' "out of range: says which field" \
    settings '{"flows":{"full":"judge"},"meters":{"syn-flood":{"lower":901}}}'
exits 1 'weir_settings.threats.9999' "an unknown name: says which" settings '{"threats":{"9999":{"enabled":true}}}'
exits 0 '"full": "drop"' "what is refused changes nothing" settings
exits 2 'not JSON' "settings that are no JSON: usage" settings '{'
exits 2 'neither JSON' "settings of a word: usage" settings nonsense
dp config
grep -q '^{"weir_settings":{"meters":{"syn-flood":{"upper":900}},"threats":{"2003":{"enabled":true}},.*}},*$' "$out"
point $? "config prints those that are not the default, alone" "$out"

# A policy of many rules is longer than a datagram and goes as a memfd.
python3 - >"$TEST_DIR/large.json" <<'P'
import json
print(json.dumps({"ctrl_cfg_policy": {
    "cmd": 1, "flag": 3, "defact": 7, "dir": 2, "mac": ["1a:27:f3:87:3a:27"],
    "rules": [{"id": i, "sip": "10.10.10.66", "dip": "10.10.10.88", "port": i,
               "portr": i, "proto": 6, "action": 2, "ingress": True}
              for i in range(1, 2001)]}}))
P
exits 0 '^accepted' "a message longer than a datagram" "@$TEST_DIR/large.json"
exits 0 '"rules": *2000|rules +2,000' "it arrived whole" stats

dp config
cp "$out" "$TEST_DIR/config.json"
stop_dp
start
dp - <"$TEST_DIR/config.json"
point $? "what config prints can be sent back" "$out"
dp config
cmp -s "$out" "$TEST_DIR/config.json"
point $? "and makes the same state" "$out"
dp settings - <"$TEST_DIR/defaults.json" && cmp -s "$out" "$TEST_DIR/defaults.json"
point $? "what settings prints can be sent back" "$out"
dp config
! grep -q weir_settings "$out"
point $? "config does not print the defaults" "$out"
stop_dp
start_dp own-ns --listen "" --load "$TEST_DIR/config.json"
dp config
cmp -s "$out" "$TEST_DIR/config.json"
point $? "--load makes the same state" "$out"


# All policies at once, larger than a datagram, too.
python3 - >"$TEST_DIR/whole.json" <<'P'
import json
rule = lambda i: {"id": i, "to": ["set:db", f"10.9.0.{i % 250}"], "ports": [str(i)], "proto": "tcp", "action": "allow"}
print(json.dumps({"weir_policy": {
    "version": 7, "sets": {"db": ["10.0.0.1", "10.1.0.0/16"]}, "internal": ["10.0.0.0/8", "fd00::1-fd00::6"],
    "policies": [{"macs": ["1a:27:f3:87:3a:27", "02:00:00:00:00:77"], "default": "reject",
                  "rules": [rule(i) for i in range(1, 2001)]}]}}))
P
exits 0 '"02:00:00:00:00:77"' "a policy as a whole" "@$TEST_DIR/whole.json"
dp stats -o json && json "d['weir_policy'] == {'version': 7, 'policies': 1, 'rules': 2000, 'compiled': 1}"
point $? "stats tell its version" "$out"
dp version -o json && json "d['weir_policy']['version'] == 7"
point $? "version, too" "$out"
exits 1 'weir_policy.version.*ESTALE|ESTALE.*weir_policy.version' "an older version is refused" \
    '{"weir_policy":{"version":6,"policies":[]}}'
dp config
cp "$out" "$TEST_DIR/config.json"
stop_dp
start_dp own-ns --listen "" --load "$TEST_DIR/config.json"
dp config
cmp -s "$out" "$TEST_DIR/config.json" && grep -q '"weir_policy":{"version":7' "$out"
point $? "config prints it, and --load makes the same state" "$out"

exits 0 '^no flows' "flows, when there are none" flows
exits 0 '^\{"ok":true,"sessions":\[\]\}' "the same as JSON" flows -o json
exits 0 'nothing was blocked' "blocks, when there are none" blocks
exits 0 '^0 flows' "count" count
exits 0 '^0 flows cleared' "clear" clear
exits 0 '^endpoints .* 1 of 4,096' "stats show use against limit" stats
exits 0 '"endpoints":\{' "stats as JSON" stats -o json
dp stats -o json && json "all(u['limit'] > 0 for u in d['config'].values()) and
    d['config']['ports']['in_use'] == 1 and d['config']['rules']['in_use'] == 2000 and
    d['config']['internal_subnets']['in_use'] == 5 and d['port']['buffer_bytes_limit'] > 0"
point $? "what the configuration and the port's buffer use of their limits" "$out"

# No descriptor, one client more than there may be, and one rule more.
python3 - "$door" "$dp_pid" >"$out" 2>&1 <<'P'
import json, os, resource, select, socket, sys, time

def client():
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.settimeout(20)
    s.connect(sys.argv[1])
    return s

def ask(s, request):
    s.send(json.dumps(request).encode())
    return json.loads(s.recv(1 << 17))

def door(s):
    return ask(s, {"weir_stats": {}})["doors"]["own"]

# No descriptor is left: who comes waits, and the processor does not.
def ticks():  # a hundred a second
    text = open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()
    return int(text[11]) + int(text[12])

def allow(n):  # as who it is, who may
    child = os.fork()
    if child == 0:
        ids = {x.split(":")[0]: int(x.split()[1]) for x in open(f"/proc/{pid}/status") if x[:4] in ("Uid:", "Gid:")}
        os.setresgid(*[ids["Gid"]] * 3)
        os.setresuid(*[ids["Uid"]] * 3)
        hard = resource.prlimit(int(pid), resource.RLIMIT_NOFILE)[1]
        resource.prlimit(int(pid), resource.RLIMIT_NOFILE, (n, hard))
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0

first = client()
pid = open(f"/proc/{sys.argv[2]}/task/{sys.argv[2]}/children").read().split()[-1]  # the opener's
assert door(first)["clients"]["pauses"] == 0
taken = {int(x) for x in os.listdir(f"/proc/{pid}/fd")}
allow(min(set(range(len(taken) + 1)) - taken))
late, begin, end = client(), ticks(), time.time() + 60
while door(first)["clients"]["pauses"] < 8:  # a quarter of a second each
    assert time.time() < end
    select.select([], [], [], 0.1)
used = ticks() - begin
allow(1024)
assert door(late)["clients"]["in_use"] == 2
late.close()
assert used < 100, used

limit = door(first)["clients"]["limit"]
all = [first] + [client() for _ in range(limit - 1)]
assert ask(all[-1], {"ctrl_keep_alive": {"seq_num": 1}})["ok"]
print(door(first)["clients"])
assert door(first)["clients"]["in_use"] == limit
assert client().recv(100) == b""
assert door(first)["clients"]["turned_away"] == 1
nets = [{"ip": "10.0.0.0", "mask": "255.0.0.0"}] * 1000
for flag in [1] + [0] * 65:  # SUBNETS_MAX
    refused = ask(first, {"ctrl_cfg_internal_net": {"flag": flag, "subnet_addr": nets}})
print(refused)
assert refused["error"]["code"] == "E2BIG", refused
assert door(first)["refused_full"] == 1
P
point $? "what is refused at a limit is counted" "$out"

exits 2 'flows, blocks' "no word: usage" -o text
exits 2 'nonsense' "an unknown word: usage" nonsense
exits 2 'not JSON' "broken JSON: usage" '{"ctrl_keep_alive":'
exits 2 'one member' "two messages in one object: usage" '{"a":{},"b":{}}'
exits 2 'argument' "an argument too many: usage" stats 7
exits 2 'number' "clear what is no number: usage" clear seven
exits 2 '' "an unknown option: usage" --nonsense
exits 1 'No such file' "a file that is not there" @/nonexistent/file
"$BUILD/src/cli/weir" dp --help | grep -q 'weir dp flows'
point $? "--help shows examples"

stop_dp
exits 1 'no data plane answers' "it is gone: says so" flows
finish
