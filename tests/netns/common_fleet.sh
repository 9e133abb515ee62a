# shellcheck shell=bash
# Several hosts of a fleet, each a network and mount namespace with its own /run and
# bpf, its own agent and data plane, and the servers of common_nats.sh.
#
#   node a                               node b
#   web 10.9.1.2 ── br0 ── fleet0 ┐    ┌ fleet0 ── br0 ── app 10.9.2.2
#                     10.8.0.1    └ brf ┘ 10.8.0.2
#                           servers 10.8.0.101, .102, .103
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/common_agent.sh"
. "$(dirname "${BASH_SOURCE[0]}")/common_nats.sh"

declare -A host_pid agent_of plane_of number_of
nats_hosts=(10.8.0.101 10.8.0.102 10.8.0.103)
nats_ports=(4222 4222 4222)
nats_routes=(6222 6222 6222)
nats_namespaces=(s1 s2 s3)

on() { # NODE CMD...: there
    nsenter -t "${host_pid[$1]}" -n -m -- "${@:2}"
}
behind() { # NODE CMD...: in the background
    (exec nsenter -t "${host_pid[$1]}" -n -m -- "${@:2}") &
    children+=($!)
}
onto_bridge() { # DEVICE
    ip link set "$1" master brf up
}
fleet_net() { # the network between hosts, and the servers' hosts
    local i
    ip link add brf type bridge
    ip link set brf up
    ip addr add 10.8.0.254/24 dev brf
    for i in 1 2 3; do
        ip netns add "s$i"
        ip -n "s$i" link set lo up
        ip link add "ps$i" type veth peer name eth0 netns "s$i"
        onto_bridge "ps$i"
        ip -n "s$i" addr add "10.8.0.10$i/24" dev eth0
        ip -n "s$i" link set eth0 up
    done
}

is_ready() { [ -e "/proc/$1/root/run/fleet-host" ]; }
host() { # NODE N: 10.8.0.N, with the network 10.9.N.0/24 for its workloads
    unshare --net --mount --propagation private sh -c '
        mount -t tmpfs none /run && mount -t tmpfs none /dev/shm && mount -t bpf none /sys/fs/bpf &&
            mkdir /run/netns /run/fleet-host && exec tail -f /dev/null' &
    host_pid[$1]=$! number_of[$1]=$2
    children+=($!)
    wait_until 10 is_ready "${host_pid[$1]}"
    ip link add "p$1" type veth peer name fleet0 netns "${host_pid[$1]}"
    onto_bridge "p$1"
    on "$1" sh -ec '
        sysctl -qw net.ipv4.ip_forward=1
        ip link set lo up
        ip addr add "10.8.0.$1/24" dev fleet0
        ip link set fleet0 up
        ip link add br0 type bridge
        ip addr add "10.9.$1.1/24" dev br0
        ip link set br0 up
        for n in 1 2 3 4; do
            [ "$n" = "$1" ] || ip route add "10.9.$n.0/24" via "10.8.0.$n"
        done' - "$2"
}
runs() { # NODE NAME LAST: a workload there, 10.9.N.LAST
    on "$1" sh -ec '
        ip netns add "$1"
        ip -n "$1" link set lo up
        ip link add "h$1" type veth peer name eth0 netns "$1"
        ip link set "h$1" master br0 up
        ip -n "$1" addr add "10.9.$2.$3/24" dev eth0
        ip -n "$1" link set eth0 up
        ip -n "$1" route add default via "10.9.$2.1"' - "$2" "${number_of[$1]}" "$3"
}
inside() { # NODE WORKLOAD CMD...
    on "$1" ip netns exec "$2" "${@:3}"
}

configure_on() { # NODE [LINE of the configuration]...
    local dir=$TEST_DIR/$1
    mkdir -p "$dir"
    {
        printf '%s\n' "node: $1" "store: {dir: $dir/store}" "control: {socket: $dir/agent.sock}" \
            "data_plane: {socket: $dir/dp.sock}" "$netns_only" "guard: {exclude: [fleet0]}"
        sed "s|/etc/weir/fleet|$fleet/node-$1|" "$fleet/node-$1/cluster.yaml"
        printf '%s\n' "${@:2}"
    } >"$dir/weir.yaml"
}
run_agent_on() { # NODE [LINE of the configuration]...
    local dir=$TEST_DIR/$1
    configure_on "$@"
    nsenter -t "${host_pid[$1]}" -n -m -- "$weir_agent" --config "$dir/weir.yaml" \
        >>"$TEST_DIR/agent-$1.log" 2>&1 &
    agent_of[$1]=$!
}
start_agent_on() { # NODE [LINE]...
    run_agent_on "$@"
    WEIR_SOCKET=$TEST_DIR/$1/agent.sock told_soon 'd["data_plane"]["up"] and d["policy"]["in_force"]' status
}
end_agent_on() { # NODE [SIGNAL]: the data plane goes on
    [ -n "${agent_of[$1]:-}" ] || return 0
    kill "-${2:-TERM}" "${agent_of[$1]}"
    wait "${agent_of[$1]}" 2>>"$TEST_DIR/log"
    agent_of[$1]=
}
weir_on() { # NODE ARGUMENT...: all in $out
    WEIR_SOCKET=$TEST_DIR/$1/agent.sock "$weir" "${@:2}" >"$out" 2>&1
}
told_on() { # NODE EXPRESSION ARGUMENT...
    WEIR_SOCKET=$TEST_DIR/$1/agent.sock told "${@:2}"
}
told_on_soon() { # NODE EXPRESSION ARGUMENT...
    wait_until 20 told_on "$@"
}
# That node has that revision of the fleet's policy in force.
in_force_on() { # NODE REVISION
    told_on "$1" 'd["fleet"]["revision"] == '"$2"' and d["fleet"]["in_force"]' fleet status
}
revision_on() { # NODE
    WEIR_SOCKET=$TEST_DIR/$1/agent.sock "$weir" fleet status -o json | python3 -c '
import json, sys
print(json.load(sys.stdin)["fleet"]["revision"])'
}

# --- who reaches whom ---

listen_in() { # NODE WORKLOAD PORT: says "hello" to who connects, and then echoes
    behind "$1" ip netns exec "$2" socat "TCP-LISTEN:$3,fork,reuseaddr" SYSTEM:'echo hello; exec cat'
    wait_until 10 listens_in "$@"
}
listens_in() { inside "$1" "$2" ss -Hltn "sport = :$3" | grep -q .; }
reaches_within() { # SECONDS NODE WORKLOAD ADDRESS PORT; who has nothing to say is let go at once
    inside "$2" "$3" timeout $(($1 * 2 + 1)) socat "-t$1" "-T$1" - "TCP:$4:$5,connect-timeout=$1" \
        2>>"$TEST_DIR/log" </dev/null | grep -q hello
}
reaches() { reaches_within 20 "$@"; }
reaches_not() { ! reaches_within 2 "$@"; }

# A connection that lasts: each line that is said comes back. How many have is in FILE;
# ended by SIGTERM, it says in FILE.end how many were said, and how many came back: the last
# one within a while, if ever.
talks=()
talk() { # NODE WORKLOAD ADDRESS PORT FILE
    # shellcheck disable=SC2016
    behind "$1" ip netns exec "$2" python3 -c '
import signal, socket, sys, time
end = []
s = socket.create_connection((sys.argv[1], int(sys.argv[2])))
signal.signal(signal.SIGTERM, lambda *_: (end.append(1), signal.alarm(10)))
signal.signal(signal.SIGALRM, lambda *_: s.shutdown(socket.SHUT_RDWR))
f = s.makefile("rw")
out = open(sys.argv[3], "w", buffering=1)
f.readline()
n = said = 0
while not end:
    f.write("%d\n" % n)
    f.flush()
    said += 1
    if f.readline() != "%d\n" % n:
        break
    n += 1
    out.seek(0)
    print(n, file=out)
    time.sleep(0.05)
with open(sys.argv[3] + ".end", "w") as f:
    print(said, n, file=f)
' "$3" "$4" "$5"
    talks+=("${children[-1]}")
}
end_talks() { # while there are who carry them
    for pid in "${talks[@]}"; do kill "$pid" 2>>"$TEST_DIR/log" && wait "$pid"; done
    talks=()
}
said() { # what was not written whole is none
    grep -x '[0-9]*' "$1" 2>>"$TEST_DIR/log" || echo 0
}
says_more() { # FILE
    local had
    had=$(said "$1")
    wait_until 20 more_than "$1" "$had"
}
more_than() { [ "$(said "$1")" -gt "${2:-0}" ]; }

# One that is cut off from the others, and its way back.
cut_off() { ip link set "p$1" down; }
heal() { ip link set "p$1" up; }

end_fleet() {
    local node pid
    end_talks
    for node in "${!agent_of[@]}"; do end_agent_on "$node"; done
    for node in "${!host_pid[@]}"; do
        for pid in $(pgrep -f -- "--control $TEST_DIR/$node/dp.sock"); do kill "$pid"; done
    done
    end_children
}
trap end_fleet EXIT
