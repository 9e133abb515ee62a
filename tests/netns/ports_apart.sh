#!/bin/bash
# What a port keeps apart: a pair's frames from the IP stack of weir-dp's own
# namespace, and a workload's namespace from another one that took its path.
#
#  pair  ┌ host-ns ──┐   ┌ agent-ns ──────────────┐   ┌ container-ns ─────┐
#        │ vp  .66   ╪═══╪ vex ◀── weir-dp ──▶ vin╪═══╪ eth0 .88          │
#        └───────────┘   └────────────────────────┘   └───────────────────┘
. "$(dirname "$0")/lib.sh"
netns=/run/netns/container-ns

shows() { # EXPRESSION over d, the answer of stats
    dp stats -o json && json "$1"
}

workload() {
    start_dp agent-ns --listen "" --notify "" &&
        dp '{"ctrl_add_mac":{"iface":"eth0","mac":"'$mac'","ucmac":"","bcmac":"","oldmac":"","pmac":"","pips":null}}' &&
        dp '{"ctrl_cfg_mac":{"macs":["'$mac'"],"tap":false}}'
}

# --- a pair and the own stack ---
pair_topology

ip -n agent-ns link add vother type veth peer name vother-peer
# An address that the own stack answers for, as soon as it hears of it.
ip -n agent-ns addr add 10.10.10.77/24 dev vex
ip -n agent-ns addr add fd00:10:10:10::77/64 dev vex nodad
wait_until 10 pings 10.10.10.77 && wait_until 10 pings fd00:10:10:10::77
point $? "before: the own stack answers by an interface of the pair" "$TEST_DIR/ping"

advertise() { # a router's word: the stack that hears it takes an address
    at host-ns python3 - <<'P'
import socket, struct
s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, socket.if_nametoindex("vp"))
ra = struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0)
prefix = struct.pack("!BBBBIII16s", 3, 4, 64, 0xc0, 3600, 3600, 0,
                     socket.inet_pton(socket.AF_INET6, "fd00:77::"))
s.sendto(ra + prefix, ("ff02::1", 0))
P
}
configured() {
    ip -n agent-ns -6 addr show dev vex | grep -q 'fd00:77:'
}
hears_routers() {
    advertise && configured
}
has_link_local() {
    ip -n host-ns -6 addr show dev vp scope link | grep -v tentative | grep -q fe80 &&
        ip -n agent-ns -6 addr show dev vex scope link | grep -v tentative | grep -q fe80
}
wait_until 10 has_link_local
wait_until 10 hears_routers
point $? "before: and is configured by what a router says"
ip -n agent-ns -6 addr flush dev vex to fd00:77::/64

workload && dp '{"ctrl_add_port_pair":{"vex_iface":"vex","vin_iface":"vin","epmac":"'$mac'","quar":false}}'
point $? "a pair is made" "$out"
wait_until 10 pings $cont4 && wait_until 10 pings $cont6
point $? "and bridged" "$TEST_DIR/ping"
no_pings 10.10.10.77 && no_pings fd00:10:10:10::77
point $? "the own stack does not answer any more" "$TEST_DIR/ping"
advertise && pings $cont6 && ! configured
point $? "nor hears it routers" "$TEST_DIR/ping"
at host-ns ip neigh flush dev vp && wait_until 10 pings $cont4 &&
    ! at host-ns ip neigh show 10.10.10.77 | grep -q lladdr
point $? "nor answers ARP" "$TEST_DIR/ping"
has_clsact() { at agent-ns tc qdisc show dev "$1" | grep -q clsact; }
has_clsact vex && dp '{"ctrl_del_port_pair":{"vex_iface":"vex","vin_iface":"vin","epmac":""}}' &&
    wait_until 10 pings 10.10.10.77 && ! has_clsact vex && ! has_clsact vin
point $? "the pair is deleted: it hears again, and nothing of the filter is left" "$TEST_DIR/ping"
dp '{"ctrl_add_port_pair":{"vex_iface":"vex","vin_iface":"vin","epmac":"'$mac'","quar":false}}' &&
    no_pings 10.10.10.77
point $? "and made again: it does not" "$TEST_DIR/ping"

# --- what one that was killed leaves, and what is not its ---
filters() { # DEV: preferences of what hangs at its hooks
    { at agent-ns tc filter show dev "$1" ingress; at agent-ns tc filter show dev "$1" egress; } |
        grep -o 'pref [0-9]*' | sort -u | tr -d '\n'
}
at agent-ns tc filter add dev vin egress pref 5 protocol all bpf bytecode '1,6 0 0 0,' flowid 1:1 &&
    at agent-ns tc qdisc add dev vother clsact &&
    at agent-ns tc filter add dev vother ingress pref 1 protocol all bpf da bytecode '1,6 0 0 2,'
point $? "others have filters there, too" "$out"
in_ns agent-ns "$weir_dp" -n 1 --control "$TEST_DIR/second.sock" --listen "" --notify "" 2>>"$TEST_DIR/log" &
second_dp=$!
children+=($second_dp)
wait_until 10 test -S "$TEST_DIR/second.sock"
kill $second_dp && wait $second_dp && no_pings 10.10.10.77 && [ "$(filters vin)" = "pref 1pref 5" ]
point $? "a second weir-dp leaves alone what is a living one's" "$TEST_DIR/ping"
kill -KILL $dp_pid
wait $dp_pid 2>/dev/null
dp_pid=
no_pings 10.10.10.77 && [ "$(filters vex)" = "pref 1" ]
point $? "killed, it leaves the interfaces deaf" "$TEST_DIR/ping"
start_dp agent-ns --listen "" --notify "" && wait_until 10 pings 10.10.10.77 && ! has_clsact vex
point $? "the next one takes that off, and the qdisc that was made for it" "$TEST_DIR/ping"
has_clsact vin && [ "$(filters vin)" = "pref 5" ] && [ "$(filters vother)" = "pref 1" ]
point $? "but nothing that is others'"
grep -q 'which was killed left deaf n=2' "$TEST_DIR/log"
point $? "and says so" "$TEST_DIR/log"
stop_dp
workload && dp '{"ctrl_add_port_pair":{"vex_iface":"vex","vin_iface":"vin","epmac":"'$mac'","quar":false}}' &&
    no_pings 10.10.10.77
point $? "the pair is made once more" "$out"

# --- a side that is lost ---
ip -n agent-ns link del vin
wait_until 10 shows "any(p['state'] == 'lost' for p in d['other_ports'])" &&
    no_pings $cont4 && shows "d['dropped'].get('iface_tx', 0) > 0"
point $? "what would go out by a lost side is a drop, and told so" "$out"
stop_dp && wait_until 10 pings 10.10.10.77
point $? "weir-dp ends: the stack hears again" "$TEST_DIR/ping"

# --- a namespace, and another one at its path ---
ip -n host-ns link del vp
ip -n container-ns link del eth0 2>"$out"
device() { # in container-ns, and up
    ip -n container-ns link add eth0 type veth peer name eth0-peer &&
        ip -n container-ns link set eth0-peer up && ip -n container-ns link set eth0 up
}
device
tap='{"netns":"'$netns'","iface":"eth0","epmac":"'$mac'"}'
workload && dp '{"ctrl_add_tap_port":'"$tap"'}' && shows "d['other_ports'][0]['state'] == 'open'"
point $? "a tap is opened" "$out"
is() { # STATE of the tap
    shows "[p['state'] for p in d['other_ports']] == ['$1']"
}
at container-ns ip link del eth0 && wait_until 10 is lost &&
    device && wait_until 10 is open
point $? "lost and found again in the same namespace" "$out"
in_ns container-ns tail -f /dev/null &
holder=$!
children+=($holder)
inside() { # the holder has entered
    [ "$(stat -Lc %i /proc/$holder/ns/net)" = "$(stat -Lc %i $netns)" ]
}
wait_until 10 inside
umount $netns && rm $netns && ip netns add container-ns && device
nsenter --net=/proc/$holder/ns/net ip link del eth0 && wait_until 10 is gone
point $? "another namespace took the path: the port is given up, not moved" "$out"
grep -q 'its namespace is gone' "$TEST_DIR/log"
point $? "and the log says so" "$TEST_DIR/log"
dp '{"ctrl_add_tap_port":'"$tap"'}' && is open
point $? "asked for again it is the namespace of today's" "$out"
sockets() { # PID or namespace's path: packet sockets in there
    nsenter --net="$1" cat /proc/net/packet | tail -n +2 | wc -l
}
in_ns container-ns tail -f /dev/null &
second=$!
children+=($second)
holder=$second wait_until 10 inside
umount $netns && rm $netns && ip netns add container-ns && device && is open &&
    [ "$(sockets /proc/$second/ns/net)" = 1 ] && [ "$(sockets $netns)" = 0 ]
point $? "while it is open another namespace takes the path: it stays where it was" "$out"
dp '{"ctrl_add_tap_port":'"$tap"'}' && is open &&
    [ "$(sockets /proc/$second/ns/net)" = 0 ] && [ "$(sockets $netns)" = 1 ]
point $? "asked for again it is opened in the one of today's, and only there" "$out"
dp '{"ctrl_add_tap_port":'"$tap"'}' && is open && [ "$(sockets $netns)" = 1 ]
point $? "and once more: it is the same port" "$out"
at container-ns ip link del eth0 && wait_until 10 is lost && wait_until 10 umount $netns &&
    rm $netns && wait_until 10 is gone
point $? "a path that names nothing: given up" "$out"
dp '{"ctrl_del_tap_port":'"$tap"'}' && shows "d['other_ports'] == []"
point $? "and deleted" "$out"
stop_dp
point $? "weir-dp ends"
finish
