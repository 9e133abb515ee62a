#!/bin/bash
# Guests behind taps, as VMs are: found, known by what they say, judged, and not
# believed where they say to be somebody else.
#
#   guest's eth0 ═ (a program, in qemu's place) ═ tapX ─ br0 10.9.0.1: this test
. "$(dirname "$0")/common_agent.sh"

in_guest() { # NAME CMD...
    (exec nsenter --net="$TEST_DIR/$1" "${@:2}")
}

# Not in /run/netns: the agent must not find it there. It says nothing by itself.
guest() { # NAME TAP MAC LAST [MAC of the tap]
    touch "$TEST_DIR/$1"
    unshare --net="$TEST_DIR/$1" true
    ip link show "$2" >"$TEST_DIR/link" 2>&1 || ip tuntap add "$2" mode tap
    [ -z "${5:-}" ] || ip link set "$2" address "$5"
    ip link set "$2" addrgenmode none
    ip link set "$2" master br0 up
    python3 "$SRC/tests/netns/tap_guest.py" "$2" "$TEST_DIR/$1" "$3" >"$TEST_DIR/$1.log" 2>&1 &
    guest_pid=$!
    children+=("$guest_pid")
    wait_until 10 grep -qs ready "$TEST_DIR/$1.log" || return 1
    in_guest "$1" sysctl -qw net.ipv6.conf.all.autoconf=0 net.ipv6.conf.all.accept_ra=0
    in_guest "$1" ip link set eth0 addrgenmode none arp off
    in_guest "$1" ip addr add "10.9.0.$4/24" dev eth0
    in_guest "$1" ip link set eth0 up
    in_guest "$1" ip link set eth0 arp on
    in_guest "$1" ip link set lo up
}

is() { # NAME EXPRESSION over w, the workload, and p, its port
    told_soon '[w for w in d["workloads"] for p in w["ports"] if w["name"] == "'"$1"'" and ('"$2"')]' ls
}

guest_listens() { # NAME PORT
    nsenter --net="$TEST_DIR/$1" socat "TCP6-LISTEN:$2,fork,reuseaddr,ipv6only=0" "$greeting" &
    children+=($!)
    guest_hears() { in_guest "$1" ss -Hltn "sport = :$2" | grep -q .; }
    wait_until 10 guest_hears "$1" "$2"
}

hello() { # ADDRESS PORT: from the host
    timeout 5 socat -u -T2 "TCP:$1:$2,connect-timeout=2" - 2>>"$TEST_DIR/log" | grep -q hello
}
no_hello() { ! hello "$@"; }

mac_of() { # DEVICE [-n NAMESPACE]
    ip "${@:2}" -j link show "$1" | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["address"])'
}

says() { # NAME ADDRESS: by ARP, to be at its MAC
    in_guest "$1" python3 - "$2" <<'P'
import socket, sys
with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
    s.bind(("eth0", 0))
    mac, ip = s.getsockname()[4], socket.inet_aton(sys.argv[1])
    s.send(b"\xff" * 6 + mac + bytes.fromhex("0806 0001 0800 0604 0001") + mac + ip + bytes(6) + ip)
P
}

[ -c /dev/net/tun ] || {
    echo "1..0 # SKIP there is no /dev/net/tun"
    exit 0
}
bridge
workload web 2
listen web 8080
write_config "$netns_only" 'guard: {claim_ms: 100}'
start_agent
point $? "the agent starts" "$TEST_DIR/agent.log"

# --- who is behind it ---

guest one tap1 02:00:00:00:00:05 5
is tap1 'w["id"] == "tap:tap1" and p["mac"] == "00:00:00:00:00:00" and p["doing"] == "pass"'
point $? "a tap whose guest has said nothing is a workload that passes" "$out"
in_guest one ping -q -n -c 1 -W 2 10.9.0.1 >"$TEST_DIR/ping"
is tap1 'p["mac"] == "02:00:00:00:00:05" and p["doing"] == "tap" and w["addresses"] == ["10.9.0.5"]'
point $? "by its first frame its MAC is known, by ARP its address" "$out"
in_guest one ip -6 addr add fd09::5/64 dev eth0 nodad
in_guest one ping -q -n -c 1 -W 2 fd09::1 >"$TEST_DIR/ping"
is tap1 'set(w["addresses"]) == {"10.9.0.5", "fd09::5"}'
point $? "by neighbour discovery that of IPv6" "$out"
guest libvirt tap2 52:54:00:00:00:06 6 fe:54:00:00:00:06
is tap2 'p["mac"] == "52:54:00:00:00:06" and p["doing"] == "tap"'
point $? "libvirt's taps say it themselves" "$out"
stop_agent && start_agent
is tap1 'p["mac"] == "02:00:00:00:00:05" and p["doing"] == "tap" and "10.9.0.5" in w["addresses"] and w["id"] == "tap:tap1"'
point $? "an agent that is started again knows who is there" "$out"
stop_agent && "$weir" release --all && in_guest one ping -q -n -c 1 -W 2 10.9.0.1 >"$TEST_DIR/ping" && start_agent
is tap1 'p["mac"] == "02:00:00:00:00:05" and "10.9.0.5" in w["addresses"]'
point $? "from the bridge and the neighbour table, if nothing is left of the one before" "$out"

# --- judged ---

guest_listens one 8080
guest_listens one 8081
hello 10.9.0.5 8080 && hello 10.9.0.5 8081
point $? "in discover all passes"
weir policy add --from any --to tap1 --port tcp/8080 --action allow --id 1 && weir mode tap1 protect
point $? "protect" "$out"
is tap1 'p["doing"] == "inline" and w["state"] == "guarded"' && hello 10.9.0.5 8080 && no_hello 10.9.0.5 8081
point $? "what a rule allows passes, what none does is blocked" "$out"
told_soon '[e for e in d["events"] if e["kind"] == "violation" and e["port"] == 8081 and e["server"] == "tap1"]' events
point $? "the event names it" "$out"

# --- not before it is known ---

socat -u UDP-RECV:9000 "OPEN:$TEST_DIR/leaked,creat,append" &
children+=($!)
weir export && sed 's/^default_mode: .*/default_mode: protect/' "$out" >"$TEST_DIR/protect.yaml" &&
    weir apply -f "$TEST_DIR/protect.yaml"
point $? "all that is new is protected" "$out"
guest new tap3 02:00:00:00:00:07 7
is tap3 'p["mac"] == "00:00:00:00:00:00" and p["doing"] == "hold"'
point $? "who is not known is on hold" "$out"
in_guest new ip neigh add 10.9.0.1 lladdr "$(mac_of br0)" dev eth0
for i in {1..50}; do echo "$i"; done | in_guest new socat -u - UDP-SENDTO:10.9.0.1:9000
is tap3 'p["mac"] == "02:00:00:00:00:07" and p["doing"] == "inline"'
point $? "by a frame that was held its MAC is known" "$out"
in_guest new ping -q -n -c 1 -W 1 10.9.0.1 >"$TEST_DIR/ping"
[ ! -s "$TEST_DIR/leaked" ]
point $? "and nothing of it has passed" "$TEST_DIR/leaked"
weir policy add --from tap3 --to any --port udp/9000 --action allow --id 2
leaks() { echo now | in_guest new socat -u - UDP-SENDTO:10.9.0.1:9000 && grep -q now "$TEST_DIR/leaked"; }
wait_until 10 leaks
point $? "but what a rule allows" "$out"

# --- not who it says to be ---

guest thief tap4 "$(mac_of eth0 -n web)" 8
says thief 10.9.0.8
is tap4 'p["mac"] == "00:00:00:00:00:00" and p["doing"] == "hold" and "which is web" in p.get("why", "")'
point $? "who takes a workload's MAC does not become it" "$out"
is web 'p["state"] == "diverted" and "why" not in p'
point $? "and it stays who it is" "$out"
says one 10.9.0.2
is tap1 '"10.9.0.2" not in w["addresses"] and "10.9.0.2, which is web" in p.get("why", "")'
point $? "nor who takes its address" "$out"
says one 10.9.0.1
is tap1 '"10.9.0.1" not in w["addresses"] and "this host" in p.get("why", "")'
point $? "nor the host's" "$out"

# --- somebody else comes ---

kill "$guest_pid"
guest_pid=$(pgrep -f "tap_guest.py tap3 " | head -n 1)
kill "$guest_pid"
is tap3 'p["mac"] == "00:00:00:00:00:00" and p["doing"] == "hold" and not w["addresses"]'
point $? "a tap that nobody holds open forgets who was behind it" "$out"
guest other tap3 02:00:00:00:00:09 9
in_guest other ping -q -n -c 1 -W 1 10.9.0.1 >"$TEST_DIR/ping"
is tap3 'p["mac"] == "02:00:00:00:00:09" and p["doing"] == "inline"'
point $? "and knows who is next" "$out"
workload late 5
told_soon '[w for w in d["workloads"] if w["name"] == "late" and "10.9.0.5" in w["addresses"]]' ls &&
    is tap1 '"10.9.0.5" not in w["addresses"]'
point $? "an address that the kernel gives to a workload is no tap's any more" "$out"
ip link del tap4
told_soon 'not [w for w in d["workloads"] if w["name"] == "tap4"]' ls
point $? "a tap that goes is forgotten" "$out"
weir release --all && stop_agent
point $? "the agent ends" "$TEST_DIR/agent.log"
finish
