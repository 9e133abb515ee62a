#!/bin/bash
# `weir splice up` or `down` is killed at each of its requests to the kernel:
# the `down` after it leaves the workload's port as it was, and nothing else.
#
#   this test's namespace        agent              work
#  ┌────────────────────┐  ┌──────────────┐   ┌────────────────┐
#  │ peer 10.9.0.1      ╪══╪  (spliced)   ╪═══╪ eth0 10.9.0.2  │
#  └────────────────────┘  └──────────────┘   └────────────────┘
. "$(dirname "$0")/lib.sh"
here=$(dirname "$0")
# LeakSanitizer traces itself, which a traced process cannot.
export ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0

if ! strace -qq -o /dev/null true 2>/dev/null; then
    echo "1..0 # SKIP strace: cannot trace a process here"
    exit 0
fi
# The kernel would go on with a killed netlink request; strace's entry stop is
# before it, so request N is the first that is not made.
killed_at() { # N VERB OPTION...: true as long as there was an Nth
    { # the shell tells of it
        strace -f -qq -o /dev/null -e trace=sendto,sendmsg \
            -e "inject=sendto,sendmsg:signal=SIGKILL:when=$1" \
            "$weir" splice "$2" --netns work --agent agent "${@:3}" >"$out"
    } 2>/dev/null
    [ $? = 137 ]
}

splice() { "$weir" splice "$1" --netns work --agent agent "${@:2}" >"$out" 2>&1; }
state() { "$here/port_state.py" work eth0 "$TEST_DIR/$1"; }
gone() { ! ip link show "$1" >/dev/null 2>&1; }
agent_is_empty() { ! ip -n agent -o link | grep -qv ' lo:'; }
reaches() { ping -c 1 -W 1 10.9.0.2 >"$TEST_DIR/ping" 2>&1; }

world() {
    ip netns add agent
    ip netns add work
    at work sysctl -qw net.ipv6.conf.default.accept_dad=0
    ip link add peer type veth peer name eth0 address $mac netns work
    ip addr add 10.9.0.1/24 dev peer
    ip link set peer up
    ip -n work link set eth0 alias "tenant 7" up
    ip -n work addr add 10.9.0.2/24 dev eth0
    ip -n work addr add fd09::2/64 dev eth0
    ip -n work route add default via 10.9.0.1
    at work sysctl -qw net.ipv4.conf.eth0.rp_filter=2 net.ipv6.conf.eth0.accept_ra=0
    wait_until 10 reaches
    state before
}

as_before() { # NAME
    state after 2>"$TEST_DIR/diff" &&
        diff "$TEST_DIR/before" "$TEST_DIR/after" >"$TEST_DIR/diff" &&
        agent_is_empty && ! ls /run/weir/splice-* >>"$TEST_DIR/diff" 2>&1
    local status=$?
    [ $status = 0 ] && return
    cat "$out" >>"$TEST_DIR/diff"
    point 1 "$1" "$TEST_DIR/diff"
    # the next one shall not suffer from this one
    ip netns del work
    ip netns del agent
    wait_until 10 gone peer
    world
    return 1
}

all_repaired() { # VERB OPTION...: killed at 1, 2, ... up to the last request
    local n=0 broken=0
    while n=$((n + 1)); do
        [ "$1" = up ] || splice up --mode pass
        killed_at $n "$@" || break
        splice down
        as_before "$1 killed at request $n, then down" || broken=$((broken + 1))
    done
    [ $n -gt 5 ] && [ $broken = 0 ]
    point $? "$1, killed at each of its $((n - 1)) requests: down repairs it"
    splice down
    as_before "$1, not killed, and down" && reaches
    point $? "$1: the workload answers at the end" "$TEST_DIR/ping"
}

world
all_repaired up --mode pass
all_repaired down
finish
