#!/bin/bash
# The verdict cache: flows that are decided never leave the kernel, and yet are
# counted, closed, re-judged and blocked as if they did.
#
#   web 10.9.0.2, fd09::2 ── hweb ── host 10.9.0.1, fd09::1: nc, python, weir-dp
. "$(dirname "$0")/lib.sh"
weir() { "$weir" "$@" >"$out" 2>&1; }
mac=1a:27:f3:87:3a:27
ends="$(dirname "$0")/cache_peer.py"

# A connection to web that this script drives line by line: say N sends and reads
# N bytes, and writes "ok" or what went wrong.
connect() { # ADDRESS
    coproc conn { exec python3 "$ends" client "$1" 7000 2>>"$TEST_DIR/client"; }
    conn_pid=$!
    heard
}
heard() { local line; [ -n "${conn[0]:-}" ] && read -r -t "${1:-20}" line <&"${conn[0]}" && echo "$line" >"$out" && [ "$line" = ok ]; }
say() { [ -n "${conn[1]:-}" ] && echo "$1" >&"${conn[1]}" && heard; }

shown() { # EXPRESSION over e, hweb's entry
    "$weir" divert show -o json >"$out" 2>&1 && json "(lambda e: $1)(d['diverted'][0])"
}
stats() { dp stats -o json && json "$1"; }
flow() { # EXPRESSION over the flows f of port 7000
    dp flows -o json && json "(lambda f: $1)([s for s in d['sessions'] if s['server_port'] == 7000])"
}

policy() { # CMD ACTION: tcp 7000, and udp 7001, to web
    dp '{"ctrl_cfg_policy":{"cmd":'"$1"',"flag":3,"defact":7,"dir":3,"ipv6":true,"mac":["'$mac'"],"rules":[
        {"id":1,"from":["any"],"to":["any"],"ports":["7000"],"proto":"tcp","action":"'"$2"'","ingress":true},
        {"id":2,"from":["any"],"to":["any"],"ports":["7001"],"proto":"udp","action":"'"$2"'","ingress":true}]}}'
}

ip netns add web
ip -n web link set lo up
# Frames are counted here, so nobody asks for neighbours or routers meanwhile.
ip link add hweb address 02:00:00:00:00:01 type veth peer name eth0 address $mac netns web
ip link set hweb addrgenmode none
ip -n web link set eth0 addrgenmode none
ip link set hweb up
ip -n web link set eth0 up
ip addr add 10.9.0.1/24 dev hweb
ip addr add fd09::1/64 dev hweb nodad
ip -n web addr add 10.9.0.2/24 dev eth0
ip -n web addr add fd09::2/64 dev eth0 nodad
for net in 10.9.0. fd09::; do
    ip neigh replace ${net}2 dev hweb lladdr $mac nud permanent
    ip -n web neigh replace ${net}1 dev eth0 lladdr 02:00:00:00:00:01 nud permanent
done
background web python3 "$ends" server 7000 >"$TEST_DIR/server" 2>&1
wait_until 20 listens web 7000
point $? "a workload that echoes" "$TEST_DIR/server"

weir divert --netns web --mark 00b4 --mode inline
point $? "it is diverted" "$out"
"$weir_dp" -n "${workers:-1}" --listen "" --notify "" --control "$door" 2>>"$TEST_DIR/log" &
dp_pid=$!
wait_until 20 dp version && dp '[{"ctrl_add_srvc_port":{"iface":"vth"}},
  {"ctrl_add_mac":{"iface":"vth","mac":"'$mac'","ucmac":"4e:65:75:56:00:b4","bcmac":"ff:ff:ff:00:00:b4"}},
  {"ctrl_cfg_mac":{"tap":false,"macs":["'$mac'"]}}]' && policy 1 allow
point $? "a data plane with a policy" "$out"

cached() { stats "d['cache']['in_use'] == $1"; }
# Frames that came up so far, as the kernel has counted them.
up() { shown "print(e['in']['to_dp']['frames'] + e['out']['to_dp']['frames']) or True" | head -1; }

for to in 10.9.0.2 fd09::2; do
    connect $to
    point $? "$to: a connection" "$out"
    say 1000
    cached 0
    point $? "$to: it is not in the cache at once" "$out"
    for _ in 1 2 3 4; do say 1000; done
    wait_until 5 cached 1
    point $? "$to: after some frames it is" "$out"
    say 1
    before=$(up)
    say 3000000
    point $? "$to: it goes on" "$out"
    [ "$(up)" = "$before" ]
    point $? "$to: and nothing of it comes up" "$out"
    shown "e['in']['cached']['bytes'] > 3000000 and e['out']['cached']['bytes'] > 3000000"
    point $? "$to: the kernel has counted it" "$out"
    # or more, where segments were sent twice; but not all were
    counted() { flow "len(f) == 1 and all(3005001 <= f[0][side + '_bytes'] < 6000000 for side in ('client', 'server'))"; }
    wait_until 10 counted
    point $? "$to: each byte of it is in the flow's figures" "$out"
    say close && wait "$conn_pid"
    over() { flow "all(s['client_state'] in ('TIME_WAIT', 'CLOSE', 'LAST_ACK') for s in f)" && cached 0; }
    wait_until 10 over
    point $? "$to: its end is seen, and it leaves the cache" "$out"
    dp clear
done

# --- what holds at once ---
connect 10.9.0.2 && for _ in 1 2 3 4 5; do say 1000; done
wait_until 5 cached 1
point $? "another connection is in the cache" "$out"
weir mode --dev hweb quarantine && echo 10 >&"${conn[1]}" && ! heard 1
point $? "quarantine cuts it off with the next frame" "$out"
weir mode --dev hweb inline && heard
point $? "inline lets it go on" "$out"
policy 2 deny
point $? "a policy that denies it" "$out"
echo 100 >&"${conn[1]}" && ! heard
point $? "ends it with the next frame" "$out"
blocked() { flow "any(s['blocked'] for s in f)"; }
blocked
point $? "and the flow is told as blocked" "$out"
wait "$conn_pid" 2>/dev/null
policy 2 allow
dp clear

# --- sensors that come find what the kernel had ---
connect 10.9.0.2 && for _ in 1 2 3 4 5; do say 1000; done
wait_until 5 cached 1
point $? "a connection is in the cache before any sensor is there" "$out"
say "= 4111111111111111."
point $? "and a card number passes" "$out"
dp '{"weir_detection":{"version":1,"sensors":[{"id":30001,"name":"cards","kind":"dlp","patterns":[{"secret":"card_number"}]}],
    "workloads":[{"macs":["'$mac'"],"signatures":"off","sensors":[{"id":30001,"action":"block"}]}]}}'
in_force() { dp '{"weir_detection":{}}' -o json && json "d['in_force'] == 1 and not d['building']"; }
wait_until 20 in_force
point $? "a sensor for them comes" "$out"
say 100
point $? "the connection goes on" "$out"
echo "= 4111111111111111." >&"${conn[1]}" && ! heard
point $? "but no card number does" "$out"
stats "d['dropped'].get('dlp', 0) > 0"
point $? "the sensor has dropped it" "$out"
wait "$conn_pid" 2>/dev/null
dp '{"weir_detection":{"version":2,"sensors":[],"workloads":[]}}'
dp clear

# --- a VLAN is part of the key ---
tagged() { # VID N: datagrams of web's, the kernel takes the tag off; 0: none
    at web python3 "$ends" tagged $mac "$1" "$2" >"$out" 2>&1
}
out_counts() { shown "print(e['out']['to_dp']['frames'], e['out']['cached']['frames'], e['out']['drop_cached']['frames']) or True" | head -1; }
dp '{"ctrl_cfg_policy":{"cmd":2,"flag":3,"defact":7,"dir":3,"mac":["'$mac'"],"rules":[
    {"id":1,"from":["any"],"to":["any"],"ports":["7003"],"proto":"udp","action":"allow","ingress":false}]}}'
tagged 5 20 && wait_until 5 cached 1
point $? "VLAN 5: after some datagrams it is in the cache" "$out"
read -r up0 cached0 _ <<<"$(out_counts)"
tagged 5 50
read -r up1 cached1 _ <<<"$(out_counts)"
[ $((up1 - up0)) = 0 ] && [ $((cached1 - cached0)) = 50 ]
point $? "VLAN 5: and none comes up" "$out"
tagged 6 3 && tagged 0 3
read -r up2 cached2 _ <<<"$(out_counts)"
[ $((up2 - up1)) = 6 ] && [ "$cached2" = "$cached1" ]
point $? "the same addresses on VLAN 6, and without a tag, are other flows" "$out"
vlan_counted() { dp flows -o json && json "any(s['client_packets'] == 70 for s in d['sessions'])"; }
wait_until 10 vlan_counted
point $? "VLAN 5: each of them is in the flow's figures" "$out"
policy 2 allow
dp clear

# --- what is denied ---
dp settings '{"cache":{"frames":4}}'
policy 2 deny
flooded() { # again, in case all of it came up before the first verdict was written
    python3 "$ends" flood 10.9.0.2 7001 1000 >"$out" 2>&1 &&
        shown "e['in']['drop_cached']['frames'] > 0"
}
wait_until 20 flooded
point $? "what is denied again and again is dropped at the hook" "$out"
hooked=$(shown "print(e['in']['drop_cached']['frames']) or True" | head -1)
told() { dp blocks -o json && json "sum(b['count'] for b in d['blocks'] if b['to_port'] == 7001) > $hooked"; }
wait_until 10 told
point $? "each of them is in the list of blocks" "$out"
policy 2 allow
python3 "$ends" udp 10.9.0.2 7001 >"$out" 2>&1
point $? "a policy that allows it opens at once" "$out"

# --- tap, failure, settings ---
connect 10.9.0.2 && for _ in 1 2 3 4 5; do say 1000; done
wait_until 5 cached 2
weir mode --dev hweb tap && say 10
before=$(up)
shown "print(e['in']['copied']['frames']) or True" | head -1 >"$TEST_DIR/copies"
say 1000000 && [ "$(shown "print(e['in']['copied']['frames']) or True" | head -1)" = "$(cat "$TEST_DIR/copies")" ]
point $? "in a tap a decided flow is not copied" "$out"
weir mode --dev hweb inline
kill -9 "$dp_pid"
wait "$dp_pid" 2>/dev/null
cut_off() { echo 10 >&"${conn[1]}" && ! heard 1; }
wait_until 10 cut_off
point $? "without a data plane the cache passes nothing (closed)" "$out"
"$weir_dp" -n "${workers:-1}" --listen "" --notify "" --control "$door" 2>>"$TEST_DIR/log" &
dp_pid=$!
wait_until 20 dp version && dp '[{"ctrl_add_srvc_port":{"iface":"vth"}},
  {"ctrl_add_mac":{"iface":"vth","mac":"'$mac'","ucmac":"4e:65:75:56:00:b4","bcmac":"ff:ff:ff:00:00:b4"}},
  {"ctrl_cfg_mac":{"tap":false,"macs":["'$mac'"]}}]' && policy 1 allow && heard 120 # it sends again, ever more slowly
point $? "with the next one it goes on" "$out"
stats "d['cache']['failed'] == 0"
point $? "the kernel took each entry" "$out"
for _ in 1 2 3 4 5 6; do say 1000; done
wait_until 5 cached 1
point $? "and it is cached again" "$out"
dp settings '{"cache":{"on":false}}' && say 100
wait_until 5 cached 0
point $? "a setting takes all out" "$out"
before=$(up)
say 100000 && [ "$(up)" -gt "$before" ]
point $? "and frames come up again" "$out"
say close
weir release --all
point $? "released" "$out"
[ -z "$(ls /sys/fs/bpf/weir 2>/dev/null)" ]
point $? "and no pin is left"
finish
