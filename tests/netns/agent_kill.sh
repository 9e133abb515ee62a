#!/bin/bash
# A connection that is ended by hand is over at both ends at once, also one that
# says nothing and one that the kernel lets go on by itself; others go on, and so
# does what is only watched.
. "$(dirname "$0")/common_agent.sh"

bridge
workload web 2
workload app 3
listen_echo() { background app socat TCP-LISTEN:"$1",fork,reuseaddr EXEC:cat; wait_until 10 listens app "$1"; }
listen_echo 80
listen_echo 81
write_config "$netns_only" "guard: {watch: inline}"
start_agent && wait_until 5 guarded web discover inline && wait_until 5 guarded app discover inline
point $? "two workloads" "$out"

# Connects, says PORT, waits for what comes; writes what became of it.
talk() { # PORT FILE
    # shellcheck disable=SC2016
    background web python3 -c '
import socket, sys
s = socket.create_connection(("10.9.0.3", int(sys.argv[1])))
out = open(sys.argv[2], "w", buffering=1)
for _ in range(30):
    s.sendall(b"x" * 100)
    n = 0
    while n < 100:
        n += len(s.recv(1000))
print("talks", file=out)
try:
    print("more" if s.recv(10) else "closed", file=out)
except ConnectionResetError:
    print("reset", file=out)
' "$1" "$2"
    wait_until 20 grep -q talks "$2"
}
session() { # PORT: ids of its sessions
    asked 'True' sessions && python3 - "$1" "$out" <<'P'
import json, sys
print(json.dumps([s["id"] for s in json.load(open(sys.argv[2]))["page"]["sessions"] if s["server_port"] == int(sys.argv[1])]))
P
}
established() { at "$1" ss -Htn state established "( sport = :$2 or dport = :$2 )" | grep -q .; }

talk 80 "$TEST_DIR/80" && talk 81 "$TEST_DIR/81"
point $? "two connections, which wait" "$TEST_DIR/80"
established web 80 && established app 80
point $? "are established"
ids=$(session 80)
[ -n "$ids" ] && [ "$ids" != "[]" ]
point $? "a session is seen" "$out"
asked "d['killed'] == len($ids) and d['unknown'] == 0 and d['watched'] == 0" session-kill "{\"ids\": $ids}"
point $? "it is ended" "$out"
wait_until 10 grep -q reset "$TEST_DIR/80"
point $? "its client is reset" "$TEST_DIR/80"
gone() { ! established app 80; }
wait_until 10 gone
point $? "and its server"
established web 81 && ! grep -q 'reset\|closed' "$TEST_DIR/81"
point $? "the other one goes on"
asked 'd["unknown"] == 2 and d["killed"] == 0' session-kill '{"ids": [4000000000, 4000000001]}'
point $? "who is none is told of" "$out"
asked 'd["error"]["at"] == "ids"' session-kill '{"ids": []}' && asked 'd["error"]["at"] == "ids"' session-kill '{"ids": ["1"]}' &&
    asked 'd["error"]["at"] == "ids"' session-kill '{"ids": [0]}' && asked 'd["error"]["at"] == "ids"' session-kill
point $? "what is no id is refused" "$out"
asked_soon "[e for e in d['events'] if e['kind'] == 'change' and 'session' in e['text'] and e['who'] == 'uid 0']" events
point $? "it is an event" "$out"
talk 80 "$TEST_DIR/80b"
point $? "a new connection may be" "$TEST_DIR/80b"
ids=$(session 81)
weir flows kill $(echo "$ids" | tr -d '[],')
point $? "weir flows kill" "$out"
wait_until 10 grep -q reset "$TEST_DIR/81"
point $? "does the same" "$TEST_DIR/81"

# --- in full spate, and by the kernel alone ---

weir policy add --from web --to app --port tcp/82 --action allow
background app socat -u OPEN:/dev/zero TCP-LISTEN:82,reuseaddr
wait_until 10 listens app 82
# shellcheck disable=SC2016
background web python3 -c '
import socket, sys
s = socket.create_connection(("10.9.0.3", 82))
out = open(sys.argv[1], "w", buffering=1)
n = said = 0
try:
    while True:
        got = len(s.recv(1 << 16))
        if got == 0:
            break
        n += got
        if n >> 22 > said:
            said = n >> 22
            out.seek(0)
            print(said, file=out)
except ConnectionResetError:
    pass
print("ended", file=out)
' "$TEST_DIR/82"
said() { tail -1 "$TEST_DIR/82" 2>>"$TEST_DIR/log" | grep -x '[0-9]*' || echo 0; }
more() { [ "$(said)" -gt "$1" ]; }
frames_up() { "$weir" divert show -o json | python3 -c '
import json, sys
print(sum(e[way]["to_dp"]["frames"] for e in json.load(sys.stdin)["diverted"] for way in ("in", "out")))'; }
decided() { # 4 MiB more pass, and hardly any frame comes up
    local had up
    had=$(said) up=$(frames_up)
    wait_until 20 more "$had" && [ $(($(frames_up) - up)) -lt 100 ]
}
wait_until 30 decided
point $? "a download that the kernel lets go on by itself" "$TEST_DIR/82"
ids=$(session 82)
asked "d['killed'] == len($ids) > 0 and d['unknown'] == 0" session-kill "{\"ids\": $ids}"
point $? "it is ended" "$out"
wait_until 10 grep -q ended "$TEST_DIR/82"
point $? "at once, at its client" "$TEST_DIR/82"
gone() { ! established app 82; }
wait_until 10 gone
point $? "and its server"

finish
