#!/bin/bash
# `weir splice` puts an agent namespace into a workload's path and takes it out
# again: the workload has its addresses, routes and connections all the time.
#
#  before    host-ns vp ═════════════════════════════════ eth0 container-ns
#
#  spliced   host-ns vp ═════ vex │ agent-ns │ vin ══════ eth0 container-ns
#                                 vbr ═══ vth
#
#  and a workload of another kind through the same agent:
#
#            host-ns lan0 ═ lan1 ┄┄ macvlan ┄┄┄┄┄┄┄┄┄┄┄┄┄ eth0 lan-ns
#  spliced                          vex1 │ agent-ns │ vin1 ═ eth0 lan-ns
. "$(dirname "$0")/lib.sh"

# What a namespace's device is, as JSON lines in an order of their own. Left
# out: how the peer's namespace is numbered, and what only time changes.
port_state() { # NAMESPACE
    {
        ip -n "$1" -d -j addr show dev eth0
        ip -n "$1" -d -j route show table all dev eth0
        ip -n "$1" -d -j -6 route show table all dev eth0
    } | python3 -c '
import json, sys
ignored = {"link_netnsid", "valid_life_time", "preferred_life_time", "tentative",
           "link_index", "expires"}
def plain(v):
    if isinstance(v, dict):
        return {k: plain(x) for k, x in v.items() if k not in ignored}
    if isinstance(v, list):
        return sorted((plain(x) for x in v), key=lambda x: json.dumps(x, sort_keys=True))
    return v
for line in sys.stdin:
    for o in plain(json.loads(line)):
        print(json.dumps(o, sort_keys=True, indent=1))'
}

# What a workload must keep while it is spliced: the same, but for what kind of
# device it is.
kept_state() { # NAMESPACE
    ip -n "$1" -j addr show dev eth0 | python3 -c '
import json, sys
d = json.load(sys.stdin)[0]
print(d["ifindex"], d["ifname"], d["address"], d["mtu"])
for a in sorted("%(local)s/%(prefixlen)d %(scope)s" % a for a in d["addr_info"]):
    print(a)'
    ip -n "$1" route show | sort
    ip -n "$1" -6 route show | sort
}

devices() { # NAMESPACE: their names
    ip -n "$1" -o link | sed 's/^[0-9]*: //; s/[@:].*//' | sort
}

settled() { # NAMESPACE: no address is being checked for duplicates
    ! ip -n "$1" addr show tentative | grep -q inet6
}

same() { # FILE CMD... NAME: CMD still says what is in FILE
    local file=$1 name="${*: -1}"
    "${@:2:$#-2}" >"$TEST_DIR/now"
    diff "$file" "$TEST_DIR/now" >"$TEST_DIR/diff"
    point $? "$name" "$TEST_DIR/diff"
}

# A call that must be refused, and leave everything as it was.
refused() { # REGEX NAME COMMAND...
    local regex=$1 name=$2 status
    shift 2
    port_state container-ns >"$TEST_DIR/port-before"
    devices agent-ns >"$TEST_DIR/agent-before"
    "$@"
    status=$?
    [ $status = 1 ] && grep -Eq -- "$regex" "$out"
    point $? "$name" "$out"
    same "$TEST_DIR/port-before" port_state container-ns "$name: the workload is as it was"
    same "$TEST_DIR/agent-before" devices agent-ns "$name: the agent is as it was"
}

# The connection that must live through everything.
open_connection() {
    background container-ns socat TCP-LISTEN:7000,bind=$cont4,reuseaddr,fork EXEC:cat
    wait_until 10 listens container-ns 7000
    coproc TALK { in_ns host-ns socat - TCP:$cont4:7000; }
    children+=("$TALK_PID")
}

connection_talks() { # NAME
    local heard=
    echo "$1" >&"${TALK[1]}"
    read -rt 20 heard <&"${TALK[0]}"
    [ "$heard" = "$1" ]
    point $? "the connection talks: $1"
}

connects() { # ADDRESS for socat: a new connection to the echo
    [ "$(echo hello | at host-ns socat -t 5 - "TCP:$1:7001,connect-timeout=5")" = hello ]
}

reachable() { # WHEN
    pings $cont4
    point $? "IPv4 ping $1" "$TEST_DIR/ping"
    pings $cont6
    point $? "IPv6 ping $1" "$TEST_DIR/ping"
    connects $cont4
    point $? "IPv4 TCP $1"
    connects "[$cont6]"
    point $? "IPv6 TCP $1"
}

send_frame() { # NAMESPACE DEVICE DST SRC: 64 bytes of IPv4 ethertype
    at "$1" python3 - "$@" <<'P'
import socket, sys
_, _, dev, dst, src = sys.argv
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind((dev, 0))
mac = lambda t: bytes.fromhex(t.replace(":", ""))
s.send(mac(dst) + mac(src) + b"\x08\x00" + b"E" + bytes(49))
P
}

counted() { # COUNTER: `show` counts at least one
    "$weir" splice show --agent agent-ns -o json >"$out" &&
        json "any(s['counters']['$1']['frames'] > 0 for s in d['splices'])"
}

shows() { # EXPRESSION over d
    "$weir" splice show --agent agent-ns -o json >"$out" && json "$1"
}

topology
point $? "the topology is up"
wait_until 10 settled container-ns
background container-ns socat TCP6-LISTEN:7001,ipv6only=0,reuseaddr,fork EXEC:cat
wait_until 10 listens container-ns 7001
reachable "before"
open_connection
connection_talks "before"

port_state container-ns >"$TEST_DIR/port"
kept_state container-ns >"$TEST_DIR/kept"
devices agent-ns >"$TEST_DIR/agent"

# --- up and down ---
splice up --mark 00b4 --mode pass
point $? "up" "$out"
connection_talks "spliced"
reachable "spliced"
wait_until 10 settled container-ns
same "$TEST_DIR/kept" kept_state container-ns \
    "spliced, the port has its name, ifindex, MAC, MTU, addresses and routes"
devices agent-ns | tr '\n' ' ' >"$out"
[ "$(cat "$out")" = "lo vbr vex vin vth " ]
point $? "the agent has vex, vin, vbr and vth" "$out"
shows "len(d['splices']) == 1 and d['splices'][0]['state'] == 'whole' and
       d['splices'][0]['mac'] == '$mac' and
       d['splices'][0]['ucmac'] == '4e:65:75:56:00:b4' and
       d['splices'][0]['bcmac'] == 'ff:ff:ff:00:00:b4' and
       d['splices'][0]['mode'] == 'pass'"
point $? "show tells MAC, marks, state and mode" "$out"
counted pass_in && counted pass_out
point $? "show counts what passed" "$out"

refused 'spliced already' "a second up is refused" splice up --mark 00b5
refused 'spliced already' "and through another agent, too" \
    eval '"$weir" splice up --netns container-ns --agent host-ns >"$out" 2>&1'

# Nobody may put frames under a mark of ours.
send_frame host-ns vp $mac 4e:65:75:56:00:b4
wait_until 10 counted drop_spoof_in
point $? "a mark that comes from outside is dropped and counted" "$out"
send_frame container-ns eth0 4e:65:75:56:00:b4 $mac
wait_until 10 counted drop_spoof_out
point $? "a mark that the workload sends to is dropped and counted" "$out"

# Without a data plane nothing goes through inline: never past it.
splice mode inline && no_pings $cont4
point $? "inline without a data plane lets nothing through" "$TEST_DIR/ping"
splice mode pass && wait_until 10 pings $cont4
point $? "back in pass" "$out"
splice mode sideways
[ $? = 2 ] && grep -q 'pass or inline' "$out"
point $? "an unknown mode is a usage error" "$out"

# --- two workloads, one of them a macvlan ---
ip netns add lan-ns
ip -n host-ns link add lan0 type veth peer name lan1
ip -n host-ns addr add 10.20.0.1/24 dev lan0
ip -n host-ns link set lan0 up
ip -n host-ns link set lan1 up
ip -n host-ns link add eth0 link lan1 netns lan-ns type macvlan mode bridge
ip -n lan-ns addr add 10.20.0.2/24 dev eth0
ip -n lan-ns link set eth0 up
wait_until 10 pings 10.20.0.2 && wait_until 10 settled lan-ns
point $? "the macvlan workload answers" "$TEST_DIR/ping"
port_state lan-ns >"$TEST_DIR/lan"
lan() { # VERB ARGUMENT...
    "$weir" splice "$1" --netns lan-ns --agent agent-ns "${@:2}" >"$out" 2>&1
}
refused '00b4' "a mark that is taken is refused" lan up --mark 00b4 --mode pass
same "$TEST_DIR/lan" port_state lan-ns "the macvlan is as it was"
lan up --mark 00b5 --mode pass
point $? "the macvlan is spliced through the same agent" "$out"
wait_until 10 pings 10.20.0.2
point $? "and answers" "$TEST_DIR/ping"
pings $cont4
point $? "and so does the first" "$TEST_DIR/ping"
shows "len(d['splices']) == 2 and len({s['ucmac'] for s in d['splices']}) == 2"
point $? "show tells both" "$out"
lan down
point $? "the macvlan is put back" "$out"
wait_until 10 settled lan-ns
same "$TEST_DIR/lan" port_state lan-ns "as it was"
pings 10.20.0.2 && pings $cont4
point $? "both answer" "$TEST_DIR/ping"
connection_talks "beside another's up and down"

# --- down ---
splice down
point $? "down" "$out"
connection_talks "after down"
reachable "after down"
wait_until 10 settled container-ns
same "$TEST_DIR/port" port_state container-ns "the port is as it was"
same "$TEST_DIR/agent" devices agent-ns "the agent is as it was"
splice down
[ $? = 1 ] && grep -q 'not spliced' "$out"
point $? "a second down says that there is nothing" "$out"
shows "d['splices'] == []"
point $? "show tells of nothing" "$out"

# --- what cannot be ---
refused nowhere "an agent that does not exist" \
    eval '"$weir" splice up --netns container-ns --agent nowhere >"$out" 2>&1'
refused nowhere "a workload that does not exist" \
    eval '"$weir" splice up --netns nowhere --agent agent-ns >"$out" 2>&1'
refused eth7 "a device that does not exist" splice up --dev eth7
refused 'same namespace' "an agent that is the workload" \
    eval '"$weir" splice up --netns container-ns --agent container-ns >"$out" 2>&1'
ip -n agent-ns link add vbr type veth peer name foreign
refused 'vbr.*no veth' "somebody else's vbr" splice up
ip -n agent-ns link del vbr
if splice up --redirector u32; then
    skip "u32 is refused where the kernel cannot" "this kernel has act_pedit"
    splice down
else
    refused pedit "u32 where the kernel cannot, says what is missing" \
        splice up --redirector u32
fi
pings $cont4
point $? "the workload answers after all that" "$TEST_DIR/ping"

# --- large MTU ---
ip -n host-ns link set vp mtu 9000
ip -n container-ns link set eth0 mtu 9000
port_state container-ns >"$TEST_DIR/port"
splice up --mode pass && wait_until 10 pings $cont4 -s 8900 -M "do"
point $? "MTU 9000: whole frames pass" "$TEST_DIR/ping"
splice down && wait_until 10 settled container-ns
same "$TEST_DIR/port" port_state container-ns "MTU 9000: the port is as it was"

# --- a workload that ends while it is spliced ---
splice up --mode pass && lan up --mode pass
point $? "both are spliced" "$out"
ip netns del lan-ns
orphaned() {
    shows "sorted(s['state'] for s in d['splices']) == ['orphan', 'whole']"
}
wait_until 20 orphaned
point $? "the splice of a workload that ended is an orphan" "$out"
pings $cont4
point $? "the other one does not mind" "$TEST_DIR/ping"
"$weir" splice down --agent agent-ns --all >"$out" 2>&1
point $? "down --all" "$out"
same "$TEST_DIR/agent" devices agent-ns "nothing is left in the agent"
wait_until 10 settled container-ns
same "$TEST_DIR/port" port_state container-ns "the living one is as it was"
connection_talks "at the end"
finish
