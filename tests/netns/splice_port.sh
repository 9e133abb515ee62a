#!/bin/bash
# `weir splice` on a port with all that a port can have: the new one has it too,
# the old one gets it back exactly; and what is diverted keeps its offloads,
# its VLAN tag and its group addresses.
#
#   this test's namespace        agent                         work
#  ┌────────────────────┐  ┌────────────────────────┐   ┌──────────────────┐
#  │ peer 10.9.0.1      ╪══╪ vex                vin ╪═══╪ eth0 10.9.0.2    │
#  │      fd09::1       │  │    └▶ vbr ══ vth ◀┘    │   │      fd09::2     │
#  └────────────────────┘  └─────────────║──────────┘   └──────────────────┘
#                                     peer.py reflect
. "$(dirname "$0")/lib.sh"
here=$(dirname "$0")
mark=4e:65:75:56:00:b4

splice() { "$weir" splice "$@" >"$out" 2>&1; }
up() { splice up --netns work --agent agent --mark 00b4 "$@"; }
down() { splice down --netns work --agent agent "$@"; }
snap() { "$here/port_state.py" work eth0 "$TEST_DIR/$1" "${@:2}"; }
gone() { ! ip link show "$1" >/dev/null 2>&1; }
agent_is_empty() { ! ip -n agent -o link | grep -qv ' lo:'; }
counter() { # NAME: frames of it
    "$weir" splice show --agent agent -o json | python3 -c '
import json, sys
print(sum(s["counters"][sys.argv[1]]["frames"] for s in json.load(sys.stdin)["splices"]))' "$1"
}
reaches() { # both families, a ping each
    { ping -c 1 -W 2 10.9.0.2 && ping -c 1 -W 2 fd09::2; } >"$TEST_DIR/ping" 2>&1
}

same() { # A B NAME: two snapshots
    diff "$TEST_DIR/$1" "$TEST_DIR/$2" >"$TEST_DIR/diff" 2>&1
    point $? "$3" "$TEST_DIR/diff"
}

refused() { # STATUS REGEX NAME SPLICE-ARGUMENT...: and nothing changed
    local status=$1 regex=$2 name=$3 got
    shift 3
    splice "$@"
    got=$?
    [ $got = "$status" ] && grep -Eq -- "$regex" "$out"
    point $? "$name" "$out"
}

started() { # NS CMD...: in the background, and says that it is ready
    background "$1" "${@:2}" >"$TEST_DIR/ready"
    wait_until 10 grep -q ready "$TEST_DIR/ready"
}

stop_last() { # what was started last
    kill "${children[-1]}" && wait "${children[-1]}"
    unset 'children[-1]'
}

reflect() { # NAME of its log
    started agent "$here/peer.py" reflect vth "$TEST_DIR/$1"
}

world() { # a port with all that a port can have
    ip netns add agent
    ip netns add work
    ip -n agent link set lo up
    ip -n work link set lo up
    at work sysctl -qw net.ipv6.conf.default.accept_dad=0
    "$@"
    ip -n work link set eth0 address $mac alias "tenant 7" txqueuelen 500
    ip link set peer up
    ip addr replace 10.9.0.1/24 dev peer
    ip addr replace fd09::1/64 dev peer nodad
    ip -n work addr add 10.9.0.2/24 dev eth0 label eth0:main
    ip -n work addr add 10.9.0.3/24 dev eth0
    ip -n work addr add 10.77.0.1/32 dev eth0 scope link
    ip -n work addr add 10.78.0.1/24 dev eth0 noprefixroute
    ip -n work addr add fd09::2/64 dev eth0
    ip -n work addr add fd09:1::2/64 dev eth0 noprefixroute
    ip -n work addr add fd09::3/64 dev eth0 nodad
    ip -n work addr add 10.79.0.1/24 dev eth0
    ip -n work addr add 10.80.0.1/24 dev eth0 valid_lft 5000 preferred_lft 4000
    ip -n work link set eth0 up
    ip -n work addr add fd09:2::2/64 dev eth0 valid_lft 5000 preferred_lft 4000
    ip -n work route del 10.79.0.0/24 dev eth0
    ip -n work route add default via 10.9.0.1 dev eth0
    ip -n work route add default via 10.9.0.9 dev eth0 metric 50
    ip -n work route add 10.81.0.0/16 via 10.9.0.1 dev eth0 table 100 mtu 1300
    ip -n work route add 10.82.0.0/16 via 172.31.0.1 dev eth0 onlink
    ip -n work route add 10.83.0.0/16 nexthop via 10.9.0.1 nexthop via 10.9.0.7 weight 3
    ip -n work route add default via fd09::1 dev eth0 metric 512
    ip -n work route add fd83::/16 nexthop via fd09::1 nexthop via fd09::7
    ip -n work route add fd81::/64 via fd09::1 dev eth0 table 100
    ip -n work neigh add 10.9.0.77 lladdr 02:00:00:00:00:77 dev eth0 nud permanent
    ip -n work neigh add fd09::77 lladdr 02:00:00:00:00:77 dev eth0 nud permanent
    ip -n work neigh add proxy 10.9.0.99 dev eth0
    at work sysctl -qw net.ipv4.conf.eth0.rp_filter=2 \
        net.ipv6.conf.eth0.accept_ra=0 net.ipv4.neigh.eth0.gc_stale_time=90
    at work sysctl -qw net.ipv6.conf.default.accept_dad=1
}

end_of_world() {
    end_children
    children=()
    ip netns del work
    ip netns del agent
    ip link del peer 2>/dev/null
    wait_until 10 gone peer
}

veth() { ip link add peer type veth peer name eth0 netns work; }

world veth
wait_until 10 reaches
point $? "before: ping, both families" "$TEST_DIR/ping"
snap before
ip -n work -o link show eth0 >"$TEST_DIR/index"
started work "$here/peer.py" serve 7000
coproc TALK { exec "$here/peer.py" talk 10.9.0.2 7000; }
children+=("$TALK_PID")
say() { # WORD: through the connection that was made at first
    local back
    echo "$1" >&"${TALK[1]}" && read -rt 30 back <&"${TALK[0]}" && [ "$back" = "$1" ]
}
snap before new
mv "$TEST_DIR/before" "$TEST_DIR/before.new"
snap before
say one
point $? "before: a TCP connection"

# --- mode pass ---------------------------------------------------------------
up --mode pass -o json
point $? "up, mode pass" "$out"
python3 -c '
import json, sys
s = json.load(open(sys.argv[1]))["splice"]
assert s["ucmac"] == "'$mark'" and s["bcmac"] == "ff:ff:ff:00:00:b4"
assert s["mac"] == "'$mac'" and s["iface"] == "vth" and s["state"] == "whole"
print("# cut off for", s["gap_us"], "us")' "$out"
point $? "tells what a data plane has to know" "$out"
snap spliced new
same before.new spliced "the new port is what the old one was"
say two
point $? "pass: the connection goes on"
reaches
point $? "pass: ping, both families" "$TEST_DIR/ping"
"$here/peer.py" stream fd09::2 7000 5000000
point $? "pass: 5 MB over IPv6, there and back"
[ "$(counter pass_in)" -gt 0 ] && [ "$(counter pass_out)" -gt 0 ] && [ "$(counter straight_in)" -gt 0 ]
point $? "pass: counted"
"$weir" splice show --agent agent >"$out" && grep -q "$mac" "$out" && grep -q whole "$out"
point $? "show tells it" "$out"

# --- mode inline -------------------------------------------------------------
reflect log
splice mode --netns work --agent agent inline
point $? "mode inline" "$out"
say three
point $? "inline: the connection goes on"
reaches
point $? "inline: ping, both families" "$TEST_DIR/ping"
peer_mac=$(ip -j link show peer | sed "s/.*\"address\":\"\([^\"]*\).*/\1/")
grep -q "^$peer_mac > $mark 0800 98$" "$TEST_DIR/log" &&
    grep -q "^$mark > $peer_mac 0800 98$" "$TEST_DIR/log" &&
    grep -q "^$mark > $peer_mac 86dd 118$" "$TEST_DIR/log"
point $? "inline: frames wear the mark, as destination in, as source out" "$TEST_DIR/log"
! grep -v " \(0800\|86dd\) " "$TEST_DIR/log" | grep -q .
point $? "inline: only IP is diverted"
"$here/peer.py" stream 10.9.0.2 7000 5000000
point $? "inline: 5 MB over IPv4, there and back"
"$here/peer.py" stream fd09::2 7000 5000000
point $? "inline: 5 MB over IPv6, there and back"
awk '$NF > 20000 { big++ } END { exit !(big > 10) }' "$TEST_DIR/log"
point $? "inline: GSO frames stay whole"
[ "$(counter from_dp_in)" = "$(counter to_dp_in)" ] && [ "$(counter from_dp_out)" = "$(counter to_dp_out)" ]
point $? "inline: as many come back as were sent"
stop_last
! ping -c 1 -W 1 10.9.0.2 >"$out"
point $? "inline without a data plane: nothing passes" "$out"
splice mode --netns work --agent agent pass && reaches
point $? "pass again: it does" "$TEST_DIR/ping"

# --- VLAN --------------------------------------------------------------------
splice mode --netns work --agent agent inline
reflect vlan
background work "$here/peer.py" watch eth0 10 0800 >"$TEST_DIR/seen"
wait_until 10 grep -q ready "$TEST_DIR/seen"
"$here/peer.py" vlan peer $mac $peer_mac 42 0800
wait_until 10 grep -q "^$peer_mac > $mac tag 42$" "$TEST_DIR/seen"
point $? "a tagged frame comes through with its tag" "$TEST_DIR/seen"
grep -q "^$peer_mac > $mark 8100" "$TEST_DIR/vlan"
point $? "and was diverted" "$TEST_DIR/vlan"

# --- changes while it is spliced, and down ------------------------------------
ip -n work addr add 10.9.0.44/24 dev eth0
down
point $? "down" "$out"
ip -n work -o addr | grep -q 10.9.0.44
point $? "an address added meanwhile is kept"
ip -n work addr del 10.9.0.44/24 dev eth0
agent_is_empty
point $? "nothing is left in the agent's namespace"
snap after
same before after "the port is exactly what it was"
say four
point $? "the connection goes on"
reaches
point $? "ping, both families" "$TEST_DIR/ping"

# --- again and again, under traffic ------------------------------------------------
up_and_down() { up --mode pass && say "up $1" && down && say "down $1"; } # WORD
each up_and_down -- 1 2 3 4 5
point $? "up and down again and again, the connection goes on" "$out"
snap after
same before after "and nothing has changed"

# --- what is refused leaves no trace --------------------------------------------
refused 1 'loopback' "the loopback device" up --netns work --agent agent --dev lo
refused 2 'four hex' "a mark that is none" up --netns work --agent agent --mark 12
ip -n agent link add vbr type bridge
refused 1 'vbr' "vbr is something else's" up --netns work --agent agent
splice down --agent agent --all
ip -n agent link show vbr >"$out" 2>&1
point $? "and stays, also when all is taken down" "$out"
ip -n agent link del vbr
ip -n agent link add vth type bridge
refused 1 'vth' "vth is something else's" up --netns work --agent agent
ip -n agent link del vth
ip -n work link add br0 type bridge
ip -n work link add br1 type veth peer name br2
ip -n work link set br1 master br0
refused 1 'port of' "a port of a bridge" up --netns work --agent agent --dev br1
ip -n work link del br0
ip -n work link del br1
at work tc qdisc add dev eth0 clsact
refused 1 'clsact' "a device with rules of its own" up --netns work --agent agent
at work tc qdisc del dev eth0 clsact
agent_is_empty
point $? "no trace of them in the agent's namespace"
snap after
same before after "nor in the workload's"
exec {TALK[1]}>&-

# --- large MTU, BIG frames -------------------------------------------------------
end_of_world
jumbo() { veth; ip link set peer mtu 9000; ip -n work link set eth0 mtu 9000; }
world jumbo
wait_until 10 reaches
snap before
up --mode inline
point $? "MTU 9000: up" "$out"
reflect jumbo
ping -c 1 -W 2 -M do -s 8972 10.9.0.2 >"$out"
point $? "MTU 9000: a frame of full length passes" "$out"
down
snap after
same before after "MTU 9000: down, as before"

# --- a macvlan -----------------------------------------------------------------
end_of_world
macvlan() {
    ip link add peer type veth peer name lower
    ip link set lower up
    ip link add eth0 link lower address $mac type macvlan mode bridge
    ip link set eth0 netns work
}
world macvlan
wait_until 10 reaches
point $? "macvlan: ping before"
snap before
up --mode inline
point $? "macvlan: up" "$out"
reflect macvlan
# A new neighbour asks by multicast, which a macvlan does not let pass by itself.
ip neigh flush dev peer
wait_until 10 reaches
point $? "macvlan: ping inline, both families" "$TEST_DIR/macvlan"
down
point $? "macvlan: down" "$out"
snap after
same before after "macvlan: the port is exactly what it was"
wait_until 10 reaches
point $? "macvlan: ping after"

end_of_world
finish
