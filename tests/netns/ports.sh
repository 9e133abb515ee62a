#!/bin/bash
# The other kinds of port that NeuVector's agent asks for: a pair that weir-dp
# bridges itself, a tap in the workload's namespace, an NFQUEUE there; and the
# supervisor's heartbeat.
#
#  pair  ┌ host-ns ──┐   ┌ agent-ns ──────────────┐   ┌ container-ns ─────┐
#        │ vp  .66   ╪═══╪ vex ◀── weir-dp ──▶ vin╪═══╪ eth0 .88          │
#        └───────────┘   └────────────────────────┘   └───────────────────┘
#
#  tap   ┌ host-ns ──┐              ┌ container-ns ──────────────────────┐
#  nfq   │ vp  .66   ╪══════════════╪ eth0 .88 ── socket of weir-dp,     │
#        └───────────┘              │             which is in agent-ns   │
#                                   └────────────────────────────────────┘
. "$(dirname "$0")/lib.sh"
compat=$TEST_DIR/compat.sock
netns=/run/netns/container-ns

start() {
    start_dp agent-ns --listen "$compat" --notify "" "$@" &&
        dp '[{"ctrl_cfg_internal_net":{"flag":3,"subnet_addr":[{"ip":"10.10.10.0","mask":"255.255.255.0"}]}},
             {"ctrl_add_mac":{"iface":"eth0","mac":"'$mac'","ucmac":"","bcmac":"","oldmac":"","pmac":"","pips":null}},
             {"ctrl_cfg_mac":{"macs":["'$mac'"],"tap":false}},
             {"ctrl_enable_icmp_policy":{"enable_icmp_policy":true}}]'
}

policy() { # ACTION [EXTRA of the message]: of all to the container
    dp '{"ctrl_cfg_policy":{"cmd":1,"flag":3,"defact":'"$1"',"dir":3,"mac":["'$mac'"]'"${2:-}"',"rules":[]}}'
}

shows() { # EXPRESSION over d, the answer of stats
    dp stats -o json && json "$1"
}

carries() { # BYTES: one TCP stream of them arrives whole
    at container-ns socat -u TCP-LISTEN:7100,reuseaddr OPEN:"$TEST_DIR/got",creat,trunc &
    local server=$!
    children+=($server)
    wait_until 10 listens container-ns 7100
    head -c "$1" /dev/urandom >"$TEST_DIR/sent"
    at host-ns timeout 60 socat -u OPEN:"$TEST_DIR/sent" TCP:$cont4:7100
    wait $server
    cmp "$TEST_DIR/sent" "$TEST_DIR/got" >"$out" 2>&1
}

connects() {
    at host-ns timeout 20 socat -u /dev/null TCP:$cont4:7001,connect-timeout=10 >"$out" 2>&1
}

judged() { # WHAT: allowed, denied, rejected, as the policy says
    policy 2 && wait_until 10 pings $cont4 && wait_until 10 pings $cont6
    point $? "$1: allowed, IPv4 and IPv6 pass" "$TEST_DIR/ping"
    carries 20000000
    point $? "$1: 20 MB arrive whole" "$out"
    policy 7 && wait_until 10 no_pings $cont4 &&
        dp blocks -o json && json "any(b['reason'] == 'default' for b in d['blocks'])"
    point $? "$1: denied, nothing passes, and it is told" "$out"
}

# --- pair ---
pair_topology
background container-ns socat TCP-LISTEN:7001,reuseaddr,fork EXEC:cat
wait_until 10 listens container-ns 7001

pair() { # QUARANTINED
    dp '{"ctrl_add_port_pair":{"vex_iface":"vex","vin_iface":"vin","epmac":"'$mac'","quar":'"$1"'}}'
}

start && pair false
point $? "a pair is made" "$out"
wait_until 10 pings $cont4
point $? "and bridged" "$TEST_DIR/ping"
judged "pair"
policy 7 ',"defact_reject":true' && connects
[ $? = 1 ] && grep -q 'refused' "$out"
point $? "pair: a rejected connection is refused at once" "$out"
policy 2
pair true && wait_until 10 no_pings $cont4 && shows "d['dropped'].get('quarantined', 0) > 0"
point $? "pair: quarantined, nothing passes" "$out"
pair false && wait_until 10 pings $cont4 && shows "len(d['other_ports']) == 2"
point $? "pair: and passes again; it is still the same pair" "$out"
ip -n agent-ns link set vin mtu 600
large_ping() { at host-ns ping -c 3 -i 0.2 -W 1 -s 1000 -M do $cont4 >"$TEST_DIR/ping" 2>&1; }
dp stats -o json && cp "$out" "$TEST_DIR/before"
! large_ping && shows "d['dropped'].get('send_refused', 0) == 3 and
    d['forwarded']['default'] == json.load(open('$TEST_DIR/before'))['forwarded']['default']"
point $? "pair: what the kernel does not take is a drop, and was not forwarded" "$out"
ip -n agent-ns link set vin mtu 1500
wait_until 10 pings $cont4
dp '{"ctrl_add_port_pair":{"vex_iface":"vex","vin_iface":"other","epmac":"'$mac'"}}'
[ $? = 1 ] && grep -q 'another pair' "$out"
point $? "pair: half of it in another one is refused" "$out"
dp '{"ctrl_add_port_pair":{"vex_iface":"nowhere","vin_iface":"here","epmac":"'$mac'"}}'
[ $? = 1 ] && grep -q 'nowhere' "$out"
point $? "pair: an interface that does not exist is refused" "$out"
ip -n agent-ns link set vin name vin-away && ip -n agent-ns link del vin-away
wait_until 10 shows "any(p['state'] == 'lost' for p in d['other_ports'])"
point $? "pair: a side that vanishes is noticed" "$out"
ip -n container-ns link add eth0 address $mac type veth peer name vin netns agent-ns
ip -n container-ns addr add $cont4/24 dev eth0
ip -n container-ns addr add $cont6/64 dev eth0 nodad
ip -n container-ns link set eth0 up
ip -n agent-ns link set vin up
wait_until 20 pings $cont4
point $? "pair: and taken again when it comes back" "$TEST_DIR/ping"
dp config -o json && json "any('ctrl_add_port_pair' in m for m in d['messages'])"
point $? "pair: it is in the configuration" "$out"
dp '{"ctrl_del_port_pair":{"vex_iface":"vex","vin_iface":"vin","epmac":""}}' &&
    no_pings $cont4 && shows "d['other_ports'] == []"
point $? "pair: deleted, nothing is bridged" "$out"
stop_dp
point $? "weir-dp ends"

# --- tap ---
ip -n host-ns link del vp
ip -n container-ns link del eth0
ip -n host-ns link add vp address $host_mac type veth \
    peer name eth0 address $mac netns container-ns
ip -n host-ns addr add $host4/24 dev vp
ip -n host-ns addr add $host6/64 dev vp nodad
ip -n container-ns addr add $cont4/24 dev eth0
ip -n container-ns addr add $cont6/64 dev eth0 nodad
ip -n host-ns link set vp up
ip -n container-ns link set eth0 up
wait_until 10 pings $cont4

start && dp '{"ctrl_add_tap_port":{"netns":"'$netns'","iface":"eth0","epmac":"'$mac'"}}'
point $? "a tap is opened in the workload's namespace" "$out"
policy 7
carries 2000000 && pings $cont4
point $? "tap: nothing is taken from the traffic" "$out"
dp blocks -o json && json "any(b['to_port'] == 7100 for b in d['blocks'])"
point $? "tap: but what would be denied is told" "$out"
policy 2
carries 2000000
dp flows -o json && json "any(s['server_port'] == 7100 and s['client_bytes'] >= 2000000 and s['server_packets'] > 0 for s in d['sessions'])"
point $? "tap: and all of what is allowed is seen, both ways" "$out"
dp '{"ctrl_add_tap_port":{"netns":"/etc/passwd","iface":"eth0","epmac":"'$mac'"}}'
[ $? = 1 ] && grep -q 'no network namespace' "$out"
point $? "tap: a path that is no namespace is refused" "$out"
dp '{"ctrl_add_tap_port":{"netns":"/run/netns/none","iface":"eth0","epmac":"'$mac'"}}'
[ $? = 1 ] && grep -q '/run/netns/none' "$out"
point $? "tap: and one that does not exist" "$out"
dp '{"ctrl_del_tap_port":{"netns":"'$netns'","iface":"eth0","epmac":""}}' && shows "d['other_ports'] == []"
point $? "tap: deleted" "$out"

# --- nfqueue ---
queue_all() {
    local tables
    for tables in iptables ip6tables; do
        at container-ns $tables -A INPUT -i eth0 -j NFQUEUE --queue-num 7 &&
            at container-ns $tables -A OUTPUT -o eth0 -j NFQUEUE --queue-num 7 || return
    done
}
queue_all >"$out" 2>&1
point $? "netfilter has a queue" "$out"
nfq='{"netns":"'$netns'","iface":"eth0","qnum":7,"epmac":"'$mac'"}'
no_pings $cont4
point $? "without anybody at the queue nothing passes" "$TEST_DIR/ping"
dp '{"ctrl_add_nfq_port":'"$nfq"'}'
point $? "a queue is bound in the workload's namespace" "$out"
shows "[(p['waiting'], p['waiting_limit'], p['dropped_full']) for p in d['other_ports']] == [(0, 8192, 0)]"
point $? "nfq: how many packets wait is told, and how many may" "$out"
judged "nfq"
dp '{"ctrl_add_nfq_port":{"netns":"'$netns'","iface":"eth1","qnum":7,"epmac":"'$mac'"}}'
[ $? = 1 ] && grep -q 'somebody else' "$out"
point $? "nfq: a queue that is taken is refused" "$out"
policy 2 && dp '{"ctrl_del_nfq_port":'"$nfq"'}' && no_pings $cont4
point $? "nfq: released, netfilter's rule decides: closed" "$out"
stop_dp
point $? "weir-dp ends"

# --- the supervisor's heartbeat ---
head -c 20 /dev/zero >/dev/shm/dp_mnt.shm
beats() { # MORE THAN: the first thread's
    python3 -c 'import struct, sys
d = open("/dev/shm/dp_mnt.shm", "rb").read()
sys.exit(not (struct.unpack_from("=I", d)[0] > int(sys.argv[1]) and d[16] == 1 and d[17:20] == b"\0\0\0"))' "$1"
}
start && wait_until 10 beats 1
point $? "the heartbeat is counted" "$out"
stop_dp
truncate -s 4 /dev/shm/dp_mnt.shm
"$weir_dp" --control "$door" --listen "" >"$out" 2>&1
[ $? != 0 ] && grep -q 'at least 20 bytes' "$out"
point $? "memory that is too small is refused" "$out"
rm /dev/shm/dp_mnt.shm
finish
