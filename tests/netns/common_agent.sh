# shellcheck shell=bash
# What the tests of the agent share: workloads on a bridge of this test's
# namespace, a weir-agent that sees them, and `weir`.
#
#   web 10.9.0.2 ── hweb ┐
#   app 10.9.0.3 ── happ ├ br0 10.9.0.1 (the host: this test)
#   ...                  ┘
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

weir_agent=$BUILD/src/agent/weir-agent
export WEIR_SOCKET=$TEST_DIR/agent.sock
config=$TEST_DIR/weir.yaml
agent_pid=

# What socat says to who connects. No program: one that ends at once, before socat
# looks, is heard of now and then as if it had said nothing.
greeting="OPEN:$TEST_DIR/greeting,rdonly!!OPEN:/dev/null,wronly"
echo hello >"$TEST_DIR/greeting"

weir() { "$weir" "$@" >"$out" 2>&1; }

# Of `weir ARGUMENT... -o json`: EXPRESSION over d.
told() { # EXPRESSION ARGUMENT...
    local expression=$1
    shift
    "$weir" "$@" -o json >"$out" 2>&1 && json "$expression"
}

told_soon() { # EXPRESSION ARGUMENT...
    wait_until 15 told "$@"
}

# At the agent's door itself; in EXPRESSION there is the answer d, and of a map
# nodes[name] and edges[(from name, to name)].
asked() { # EXPRESSION COMMAND [ARGUMENTS]
    local ask
    ask=$(dirname "${BASH_SOURCE[0]}")/ask.py
    python3 "$ask" "$2" "${3:-"{}"}" >"$out" 2>>"$TEST_DIR/log"
    python3 - "$1" "$out" 2>>"$TEST_DIR/log" <<'P'
import json, sys
d = json.load(open(sys.argv[2]))
names = {n["id"]: n["name"] for n in d.get("nodes", [])}
nodes = {n["name"]: n for n in d.get("nodes", [])}
edges = {(names.get(e["from"], e["from"]), names.get(e["to"], e["to"])): e for e in d.get("edges", [])}
sys.exit(0 if eval("(" + sys.argv[1] + ")") else 1)
P
}
asked_soon() { wait_until 20 asked "$@"; }

write_config() { # [LINE]...: more of it
    cat >"$config" <<Y
store: {dir: $TEST_DIR/store}
control: {socket: $WEIR_SOCKET}
data_plane: {socket: $door}
Y
    printf '%s\n' "$@" >>"$config"
}

netns_only='runtimes: [{kind: netns, path: /run/netns}]'

run_agent() {
    "$weir_agent" --config "$config" >>"$TEST_DIR/agent.log" 2>&1 &
    agent_pid=$!
}

start_agent() {
    run_agent
    told_soon 'd["data_plane"]["up"] and d["policy"]["in_force"]' status
}

stop_agent() { # [SIGNAL]
    [ -n "$agent_pid" ] || return 0
    kill "-${1:-TERM}" "$agent_pid"
    wait "$agent_pid" 2>>"$TEST_DIR/log"
    local status=$?
    agent_pid=
    [ "${1:-TERM}" != TERM ] || return $status
}

plane_pid() { "$weir" status -o json | python3 -c '
import json, sys
print(json.load(sys.stdin)["data_plane"]["version"]["pid"])'; }

# A data plane outlives its agent: it is found by its door's name.
kill_agent() {
    local pid
    # the agent first: it would start another data plane
    [ -z "$agent_pid" ] || { kill "$agent_pid" && wait "$agent_pid"; }
    for pid in $(pgrep -f -- "--control $door"); do kill "$pid"; done
}
end_agent() {
    kill_agent
    end_children
}
trap end_agent EXIT

bridge() {
    ip link add br0 type bridge
    ip addr add 10.9.0.1/24 dev br0
    ip addr add fd09::1/64 dev br0 nodad
    ip link set br0 up
}

workload() { # NAME LAST: its eth0 10.9.0.LAST, the host's hNAME on br0
    ip netns add "$1"
    ip -n "$1" link set lo up
    ip link add "h$1" type veth peer name eth0 netns "$1"
    ip link set "h$1" master br0 up
    ip -n "$1" addr add "10.9.0.$2/24" dev eth0
    ip -n "$1" addr add "fd09::$2/64" dev eth0 nodad
    ip -n "$1" link set eth0 up
    ip -n "$1" route add default via 10.9.0.1
}

listen() { # NAMESPACE PORT: says "hello" to who connects
    background "$1" socat "TCP6-LISTEN:$2,fork,reuseaddr,ipv6only=0" "$greeting"
    wait_until 10 listens "$1" "$2"
}

# It says nothing, and no end either: who hears that may be gone before he has greeted.
greets_within() { # SECONDS FROM ADDRESS PORT
    local address=$3
    [[ $address != *:* ]] || address="[$address]"
    at "$2" timeout $(($1 * 2 + 1)) socat -u "-T$1" "TCP:$address:$4,connect-timeout=$1" - \
        2>>"$TEST_DIR/log" | grep -q hello
}

# Whoever answers may be late; who does not is not waited for as long.
greets() { greets_within 20 "$@"; }
no_greeting() { ! greets_within 2 "$@"; }

guarded() { # NAME MODE DOING
    told '[w for w in d["workloads"] if w["name"] == "'"$1"'" and w["mode"] == "'"$2"'"
           and [p.get("doing") for p in w["ports"]] == ["'"$3"'"]]' ls
}

mkdir -p /run/netns
