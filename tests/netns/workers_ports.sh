#!/bin/bash
# Ports of two workers: two workloads spliced through one agent namespace, and
# a pair and a queue that move from one worker to the other under load.
#
#  ┌ host-ns ──────────┐   ┌ agent-ns ────────────────┐   ┌ one, two ─────────┐
#  │ h1, h2  10.10.N.1 ╪═══╪ vex ─▶ vbr ═ vth ◀─ vin  ╪═══╪ eth0  10.10.N.2   │
#  │                   │   │        weir-dp -n 2      │   ├ three ────────────┤
#  │ h3      10.10.3.1 ╪═══╪ out3 ◀─ weir-dp ─▶ in3   ╪═══╪ eth0  10.10.3.2   │
#  │                   │   └──────────────────────────┘   ├ four ─────────────┤
#  │ h4      10.10.4.1 ╪══════════════════════════════════╪ eth0  10.10.4.2   │
#  └───────────────────┘                                  │ NFQUEUE 7         │
#                                                         └───────────────────┘
. "$(dirname "$0")/lib.sh"
workers=2
mac_of() { echo "1a:27:f3:87:3c:0$1"; }
reaches() { pings "10.10.$1.2"; }
stats() { dp stats -o json && json "$1"; }

policy='{"cmd":1,"flag":3,"defact":2,"dir":3,"ipv6":true,"mac":["MAC"],"rules":[]}'
add() { # N MARK, "": none; what is allowed is all
    local marks='"ucmac":"","bcmac":""'
    [ -z "$2" ] || marks='"ucmac":"4e:65:75:56:00:'$2'","bcmac":"ff:ff:ff:00:00:'$2'"'
    dp '{"ctrl_add_mac":{"iface":"vth","mac":"'"$(mac_of "$1")"'",'"$marks"'}}'
}
serve() { # N MARK
    add "$1" "$2" && dp '[{"ctrl_cfg_mac":{"tap":false,"macs":["'"$(mac_of "$1")"'"]}},
        {"ctrl_cfg_policy":'"${policy/MAC/$(mac_of "$1")}"'}]'
}
carries() { # N BYTES FILE: by TCP, and it arrives whole
    at "n$1" socat -u TCP-LISTEN:7100,reuseaddr OPEN:"$3.got",creat,trunc &
    local server=$!
    wait_until 10 listens "n$1" 7100
    head -c "$2" /dev/urandom >"$3"
    at host-ns timeout 60 socat -u "OPEN:$3" "TCP:10.10.$1.2:7100"
    wait $server
    cmp "$3" "$3.got"
}

ip netns add host-ns
ip netns add agent-ns
ip -n agent-ns link set lo up
for n in 1 2 3 4; do
    ip netns add n$n
    ip -n n$n link set lo up
    if [ $n = 3 ]; then
        ip -n host-ns link add h3 type veth peer name out3 netns agent-ns
        ip -n n3 link add eth0 address "$(mac_of 3)" type veth peer name in3 netns agent-ns
        ip -n agent-ns link set out3 up
        ip -n agent-ns link set in3 up
    else
        ip -n host-ns link add h$n type veth peer name eth0 address "$(mac_of $n)" netns n$n
    fi
    ip -n host-ns addr add 10.10.$n.1/24 dev h$n
    ip -n n$n addr add 10.10.$n.2/24 dev eth0
    ip -n host-ns link set h$n up
    ip -n n$n link set eth0 up
    [ $n = 3 ] || wait_until 10 reaches $n
done
at n4 iptables -A INPUT -i eth0 -j NFQUEUE --queue-num 7 >"$out" 2>&1 &&
    at n4 iptables -A OUTPUT -o eth0 -j NFQUEUE --queue-num 7 >"$out" 2>&1
point $? "four workloads, one behind a queue" "$out"

# --- two workloads through one service port ---
for n in 1 2; do
    "$weir" splice up --netns n$n --agent agent-ns --mark 00b$n --mode inline >"$out" 2>&1
    point $? "workload $n is spliced" "$out"
done
start_dp agent-ns --listen "" --notify "" && dp '{"ctrl_add_srvc_port":{"iface":"vth"}}' && serve 1 b1 && serve 2 b2
point $? "two workers serve them" "$out"
wait_until 10 reaches 1 && wait_until 10 reaches 2
point $? "both are reached" "$TEST_DIR/ping"
carries 1 5000000 "$TEST_DIR/one" >"$out" 2>&1 && carries 2 5000000 "$TEST_DIR/two" >"$out" 2>&1
point $? "5 MB to each arrive whole" "$out"
stats "[w['workloads'] for w in d['workers']] == [1, 1] and all(w['bytes'] > 5000000 for w in d['workers']) and
    'other_worker' not in d['dropped']"
point $? "each by a worker of its own" "$out"
stop_dp
"$weir" splice down --agent agent-ns --all >"$out" 2>&1
point $? "and taken down" "$out"

# --- ports that move ---
start_dp agent-ns --listen "" --notify "" &&
    dp '{"ctrl_add_port_pair":{"vex_iface":"out3","vin_iface":"in3","epmac":"'"$(mac_of 3)"'","quar":false}}' &&
    dp '{"ctrl_add_nfq_port":{"netns":"/run/netns/n4","iface":"eth0","qnum":7,"epmac":"'"$(mac_of 4)"'"}}'
point $? "a pair and a queue" "$out"
stats "[p['worker'] for p in d['other_ports']] == [1, 1, 0]"
point $? "are of the workers that the MACs tell" "$out"
serve 3 "" && serve 4 "" && stats "[p['worker'] for p in d['other_ports']] == [1, 1, 0]"
point $? "and stay there with workloads that have no mark" "$out"
wait_until 10 reaches 3 && wait_until 10 reaches 4
point $? "both are reached" "$TEST_DIR/ping"
for n in 3 4; do
    carries $n 20000000 "$TEST_DIR/load" >"$TEST_DIR/carried" 2>&1 &
    load=$!
    moves=0
    while kill -0 $load 2>/dev/null; do
        add $n ${n}0 && add $n ${n}1 || break
        moves=$((moves + 2))
    done
    wait $load && [ $moves -ge 2 ]
    point $? "workload $n: 20 MB arrive whole while it moves $moves times" "$TEST_DIR/carried"
    stats "'other_worker' not in d['dropped'] and 'iface_tx' not in d['dropped']"
    point $? "and no frame met a worker that was not its own" "$out"
done
stats "[p['worker'] for p in d['other_ports']] == [1, 1, 1] and all(p['received'] > 100 for p in d['other_ports'])"
point $? "they are where the last mark says" "$out"
dp '{"ctrl_add_nfq_port":{"netns":"/run/netns/n4","iface":"eth0","qnum":7,"epmac":"1a:27:f3:87:3c:06"}}' &&
    stats "[p['worker'] for p in d['other_ports']] == [1, 1, 0]"
point $? "a port that is told of another workload moves, too" "$out"
stop_dp
point $? "weir-dp ends with 0" "$TEST_DIR/log"
finish
