#!/bin/bash
# The in-place layout: nothing of the workload is touched. Here the
# test is the host, with two workloads: one on a bridge, one on a routed veth of its own.
#
#   web 10.9.0.2 ── hweb ─ br0 10.9.0.1 ┐
#                                       ├ host: curl, ping, weir-dp on vth
#   app 10.8.0.2 ── happ 10.8.0.1 ──────┘
. "$(dirname "$0")/lib.sh"
weir() { "$weir" "$@" >"$out" 2>&1; }
web_mac=1a:27:f3:87:3a:27
app_mac=1a:27:f3:87:3a:28

workload() { # NAME MAC: its eth0 and the host's hNAME
    ip netns add "$1"
    ip -n "$1" link set lo up
    ip link add "h$1" type veth peer name eth0 address "$2" netns "$1"
    ip link set "h$1" up
    ip -n "$1" link set eth0 up
}

reaches() { ping -q -n -c 1 -W 1 "$1" >"$TEST_DIR/ping" 2>&1; }
no_way() { ! reaches "$@"; }
fetches() { curl -sS --noproxy '*' -m 10 -o /dev/null "http://$1/file" >"$out" 2>&1; }

shown() { # EXPRESSION over e, the entries of `weir divert show` by device
    "$weir" divert show -o json >"$out" 2>&1 &&
        json "(lambda e: $1)({x['dev']: x for x in d['diverted']})"
}

state() { # all that a diversion could have left behind
    ip -d link | grep -v 'state\|promiscuity' | sed 's/@.*//'
    ip addr show scope global | grep -v 'state '
    tc qdisc show
    for dev in hweb happ; do
        tc filter show dev $dev ingress
        tc filter show dev $dev egress
    done
    ls /sys/fs/bpf/weir 2>/dev/null
}

serve() { # the data plane has both, and web a policy
    dp '[{"ctrl_add_srvc_port":{"iface":"vth"}},
      {"ctrl_add_mac":{"iface":"vth","mac":"'$web_mac'","ucmac":"4e:65:75:56:00:b4","bcmac":"ff:ff:ff:00:00:b4"}},
      {"ctrl_add_mac":{"iface":"vth","mac":"'$app_mac'","ucmac":"4e:65:75:56:00:b5","bcmac":"ff:ff:ff:00:00:b5"}},
      {"ctrl_cfg_mac":{"tap":false,"macs":["'$web_mac'","'$app_mac'"]}},
      {"ctrl_enable_icmp_policy":{"enable_icmp_policy":true}},
      {"ctrl_cfg_policy":{"cmd":1,"flag":3,"defact":7,"dir":3,"ipv6":true,"mac":["'$web_mac'"],"rules":[
        {"id":1,"from":["any"],"to":["any"],"ports":["80"],"proto":"tcp","action":"allow","ingress":true},
        {"id":2,"from":["any"],"to":["any"],"proto":"icmp","action":"allow","ingress":true},
        {"id":3,"from":["any"],"to":["any"],"proto":"icmpv6","action":"allow","ingress":true}]}}]'
}

mount -t bpf none /sys/fs/bpf
workload web $web_mac
workload app $app_mac
ip link add br0 type bridge
ip link set hweb master br0
ip addr add 10.9.0.1/24 dev br0
ip addr add fd09::1/64 dev br0 nodad
ip link set br0 up
ip addr add 10.8.0.1/24 dev happ
for ns in web app; do
    net=$([ $ns = web ] && echo 10.9.0 || echo 10.8.0)
    ip -n $ns addr add $net.2/24 dev eth0
    ip -n $ns route add default via $net.1
done
ip -n web addr add fd09::2/64 dev eth0 nodad
wait_until 10 reaches 10.9.0.2 && wait_until 10 reaches 10.8.0.2 && wait_until 10 reaches fd09::2
point $? "two workloads, on a bridge and routed" "$TEST_DIR/ping"
mkdir -p "$TEST_DIR/www"
head -c 200000 /dev/urandom >"$TEST_DIR/www/file"
for ns in web app; do
    background $ns python3 -m http.server 80 --bind 0.0.0.0 -d "$TEST_DIR/www" >"$TEST_DIR/http.$ns" 2>&1
    wait_until 20 listens $ns 80
    point $? "$ns serves files" "$TEST_DIR/http.$ns"
done
state >"$TEST_DIR/before"

for how in tcx clsact; do
    option=$([ $how = clsact ] && echo --clsact)
    # shellcheck disable=SC2086 # no word or one
    weir divert --netns web --mark 00b4 $option
    point $? "$how: the workload on the bridge is diverted" "$out"
    weir divert --dev happ --mark 00b5 --on-failure open $option
    point $? "$how: and the routed one, by its host's side" "$out"
    shown "e['hweb']['hook_in'] == e['hweb']['hook_out'] == e['happ']['hook_in'] == '$how'"
    point $? "$how: by $how" "$out"
    reaches 10.9.0.2 && reaches 10.8.0.2 && reaches fd09::2
    point $? "$how: mode pass: they are reached" "$TEST_DIR/ping"
    weir mode --netns web inline && weir mode --dev happ inline && no_way 10.9.0.2 && reaches 10.8.0.2
    point $? "$how: inline without a data plane: closed drops, open passes" "$TEST_DIR/ping"
    "$weir_dp" -n "${workers:-1}" --listen "" --notify "" --control "$door" 2>>"$TEST_DIR/log" &
    dp_pid=$!
    wait_until 20 dp version && serve
    point $? "$how: a data plane serves both" "$out"
    wait_until 5 reaches 10.9.0.2 && reaches 10.8.0.2 && reaches fd09::2 && fetches 10.9.0.2 && fetches 10.8.0.2
    point $? "$how: what may pass does, IPv4 and IPv6" "$out"
    at web ping -q -n -c 1 -W 1 10.9.0.1 >"$TEST_DIR/ping" 2>&1
    [ $? = 1 ]
    point $? "$how: what may not does not" "$TEST_DIR/ping"
    shown "e['hweb']['in']['to_dp']['frames'] > 5 and e['hweb']['out']['from_dp']['frames'] > 5"
    point $? "$how: frames went to the data plane and came back" "$out"
    weir mode --dev hweb quarantine && no_way 10.9.0.2 && weir mode --dev hweb hold && no_way 10.9.0.2
    point $? "$how: quarantine and hold let nothing through" "$TEST_DIR/ping"
    weir mode --dev hweb tap && at web ping -q -n -c 1 -W 1 10.9.0.1 >"$TEST_DIR/ping" 2>&1
    point $? "$how: tap lets all through" "$TEST_DIR/ping"
    copied() { reaches 10.9.0.2 && dp stats -o json && json "d['dropped'].get('tap', 0) > 0"; }
    wait_until 10 copied
    point $? "$how: and the data plane sees copies" "$out"

    # --- flips under load ---
    weir mode --dev hweb inline
    python3 - >"$TEST_DIR/load" 2>&1 <<'P' &
import sys, time, urllib.request
end = time.monotonic() + 4
n = 0
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
while time.monotonic() < end:
    assert len(opener.open("http://10.9.0.2/file", timeout=10).read()) == 200000
    n += 1
print(n)
P
    load=$!
    flips=0
    while kill -0 $load 2>/dev/null; do
        for mode in pass tap inline; do
            "$weir" mode --dev hweb $mode || break 2
            flips=$((flips + 1))
        done
    done
    wait $load
    point $? "$how: $flips flips of mode under load, and every request is answered" "$TEST_DIR/load"
    shown "sum(c['frames'] for way in ('in', 'out') for n, c in e['hweb'][way].items()
        if n.startswith('drop') and n not in ('drop_quarantine', 'drop_hold', 'drop_failed_closed')) == 0"
    point $? "$how: the kernel has dropped nothing" "$out"

    # --- the data plane dies ---
    weir mode --dev hweb inline
    kill -9 "$dp_pid"
    wait "$dp_pid" 2>/dev/null
    dp_pid=
    # its worker ends with it
    wait_until 5 no_way 10.9.0.2 && wait_until 5 reaches 10.8.0.2
    point $? "$how: killed: closed passes nothing, open all" "$TEST_DIR/ping"
    weir release --netns web && [ ! -s "$out" ] && weir release --dev happ && [ ! -s "$out" ]
    point $? "$how: both are released" "$out"
    reaches 10.9.0.2 && reaches 10.8.0.2
    point $? "$how: and are reached" "$TEST_DIR/ping"
    state >"$TEST_DIR/after"
    diff "$TEST_DIR/before" "$TEST_DIR/after" >"$out"
    point $? "$how: all is as it was before" "$out"
done

# --- others' things at the same hooks ---
tc qdisc add dev happ clsact
ip link add seen type veth peer name seen2
for dev in seen seen2; do # says nothing by itself
    ip link set $dev addrgenmode none && ip link set $dev up
done
for side in ingress egress; do
    tc filter add dev happ $side prio 7 protocol ip u32 match u8 0 0 action mirred egress mirror dev seen
done
sent_by_seen() {
    ip -s -j link show seen | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["stats64"]["tx"]["packets"])'
}
count_seen() { # frames mirrored of one ping
    local before after
    before=$(sent_by_seen)
    reaches 10.8.0.2 || return 1
    after=$(sent_by_seen)
    echo $((after - before))
}
tc filter show dev happ ingress >"$TEST_DIR/filters"
alone=$(count_seen)
weir divert --dev happ --clsact --mode pass
[ "$(count_seen)" = "$alone" ] && [ "$alone" -ge 2 ]
point $? "somebody else's filter sees each frame as before ($alone)" "$out"
weir release --dev happ
tc filter show dev happ ingress | diff "$TEST_DIR/filters" - >"$out"
point $? "and is still there afterwards" "$out"

# --- the other layout, which would want the same vbr ---
ip netns attach here $$
workload moved 1a:27:f3:87:3a:29
weir divert --dev happ
weir splice up --netns moved --agent here
[ $? = 1 ] && grep -q 'diverted in place in that namespace' "$out"
point $? "nothing is spliced through a namespace where something is in place" "$out"
weir release --dev happ && weir splice up --netns moved --agent here --mode pass
point $? "but afterwards" "$out"
weir divert --dev happ
[ $? = 1 ] && grep -q 'spliced through this namespace' "$out" && ip link show vbr >"$out"
point $? "and then nothing is in place, and vbr stays the splice's" "$out"
weir splice down --netns moved --agent here
point $? "which can be taken down" "$out"

# --- what goes away, and what cannot be ---
weir divert --netns web && ip link delete hweb
gone() { ! ip link show hweb >/dev/null 2>&1; }
wait_until 10 gone
shown "'' in e"
point $? "a workload that is gone is listed without a device" "$out"
weir release --all && weir divert show && grep -q 'nothing is diverted' "$out"
point $? "release --all takes away what is left of it" "$out"
ip link add link br0 name mv0 type macvlan mode bridge
weir divert --dev mv0
[ $? = 1 ] && grep -q 'weir splice can' "$out"
point $? "a macvlan is refused, and told what can" "$out"
weir divert --dev nope
[ $? = 1 ] && weir mode --dev happ inline
[ $? = 1 ] && grep -q 'nothing is diverted\|not diverted' "$out"
point $? "no such device, not diverted: errors" "$out"
weir mode --dev happ sideways
[ $? = 2 ] && grep -q 'expected pass, tap, inline' "$out"
point $? "no such mode: told which there are" "$out"
finish
