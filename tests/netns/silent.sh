#!/bin/bash
# Sessions that are opened and left unused are reset at both ends (threat 2005),
# though nobody sends a frame by which that could be done.
#
#  ┌ host-ns ──────────┐   ┌ agent-ns ─────────────────┐   ┌ container-ns ──────┐
#  │ opens sessions,   ╪═══╪ vex ─▶ vbr ═ vth ◀─ vin   ╪═══╪ accepts them,      │
#  │ and says nothing  │   │           weir-dp         │   │ says nothing       │
#  └───────────────────┘   └───────────────────────────┘   └────────────────────┘
. "$(dirname "$0")/lib.sh"

cat >"$TEST_DIR/serve.py" <<'P'
import socket
listening = socket.create_server(("", 7000), family=socket.AF_INET6, dualstack_ipv6=True)
held = []
while True:
    held.append(listening.accept()[0])
P
cat >"$TEST_DIR/open.py" <<'P'
import signal, socket, sys
held = [socket.create_connection((sys.argv[1], 7000)) for _ in range(14)]
print("open", flush=True)
signal.pause()
P

topology && splice up --mark 00b4 --mode inline &&
    start_dp agent-ns --listen "" && serve_container &&
    dp '{"weir_settings":{"threats":{"2005":{"enabled":true,"action":"reset"}}}}'
point $? "a container is served" "$out"
wait_until 10 pings $cont4
point $? "it answers" "$TEST_DIR/ping"
background container-ns python3 "$TEST_DIR/serve.py"
wait_until 20 listens container-ns 7000

declare -A address=([4]=$cont4 [6]=$cont6)
for family in 4 6; do
    background host-ns python3 "$TEST_DIR/open.py" "${address[$family]}" >"$TEST_DIR/open$family"
done
for family in 4 6; do
    wait_until 20 grep -q open "$TEST_DIR/open$family"
    point $? "sessions are open, IPv$family"
done
# 10 in 10 s are let be, of both families together
ends_left() { # NAMESPACE N: of all sessions, seen from that end
    local n=0 family
    for family in 4 6; do
        n=$((n + $(at "$1" ss -Htn "-$family" state established "( sport = :7000 or dport = :7000 )" | wc -l)))
    done
    [ $n = "$2" ]
}
for end in host-ns container-ns; do
    wait_until 90 ends_left $end 10
    point $? "what is over the limit is reset in $end"
done
finish
