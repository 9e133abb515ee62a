# shellcheck shell=bash
# What benchmarks of an agent with many workloads share: bare namespaces on one bridge,
# and 10,000 rules between them. After tests/netns/common_agent.sh.

now_ms() { echo $((${EPOCHREALTIME/./} / 1000)); }
since() { # MS WHAT
    printf '%-34s %6d ms\n' "$2" $(($(now_ms) - $1))
}

has() { # WORKLOADS: all diverted, the policy in force
    "$weir" status | grep -q "^workloads   $1 in .* $1 diverted" &&
        "$weir" status | grep -q '^policy .* in force'
}

await() { # CMD...
    until "$@" 2>>"$TEST_DIR/log"; do read -rt 0.01 <> <(:) || :; done
}

# N, by as few processes as may be. Without IPv6, as containers of Docker are: a
# thousand that ask in vain for a router are a storm every few seconds, each question
# to a thousand ports, in which the kernel lets no process run for tens of ms.
many_workloads() {
    local i
    ip link add br0 type bridge
    ip addr add 10.9.255.254/16 dev br0
    ip link set br0 up
    for i in $(seq "$1"); do
        ip netns add "c$i"
        echo "link add v$i type veth peer name eth0 netns c$i"
        echo "link set v$i master br0 up"
    done >"$TEST_DIR/batch"
    ip -batch "$TEST_DIR/batch"
    for i in $(seq "$1"); do
        printf 'addr add 10.9.%d.%d/16 dev eth0\nlink set eth0 addrgenmode none up\n' $((i / 250 + 1)) $((i % 250 + 1)) |
            ip -n "c$i" -batch -
    done
}

many_rules() { # WORKLOADS: 10,000, as YAML
    python3 - "$1" <<'P'
import sys
n = int(sys.argv[1])
print("default_mode: discover\nrules:")
for i in range(10000):
    print(f"- {{id: {20000 + i}, from: c{i % n + 1}, to: c{i * 7 % n + 1}, ports: tcp/{1000 + i}, action: allow}}")
P
}

many_start() { # WORKLOADS: the agent, until it has them all
    "$weir_agent" --config "$config" >>"$TEST_DIR/agent.log" 2>&1 &
    agent_pid=$!
    await has "$1"
}
