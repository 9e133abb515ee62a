#!/bin/bash
# Sessions that are opened and left unused are reset at both ends (threat 2005),
# though nobody sends a frame by which that could be done. So are those whose
# request does not come to its end (threat 2015), of HTTP/1 and HTTP/2.
#
#  ┌ host-ns ──────────┐   ┌ agent-ns ─────────────────┐   ┌ container-ns ──────┐
#  │ opens sessions,   ╪═══╪ vex ─▶ vbr ═ vth ◀─ vin   ╪═══╪ accepts them,      │
#  │ and says nothing  │   │           weir-dp         │   │ says nothing;      │
#  │ or half a request │   └───────────────────────────┘   │ nginx              │
#  └───────────────────┘                                   └────────────────────┘
. "$(dirname "$0")/lib.sh"
for program in nginx curl; do
    command -v $program >/dev/null || { echo "1..0 # SKIP not installed: $program"; exit 0; }
done

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
    dp '{"weir_settings":{"threats":{"2005":{"enabled":true,"action":"reset"},"2015":{"enabled":true,"action":"reset"}}}}'
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

# --- requests that do not come to their end ---
mkdir -p "$TEST_DIR/nginx"
cat >"$TEST_DIR/nginx/conf" <<EOC
daemon off; error_log $TEST_DIR/nginx/error.log; pid $TEST_DIR/nginx/pid; events {}
http {
    access_log $TEST_DIR/nginx/access.log;
    client_body_temp_path $TEST_DIR/nginx/a; proxy_temp_path $TEST_DIR/nginx/b; fastcgi_temp_path $TEST_DIR/nginx/c;
    uwsgi_temp_path $TEST_DIR/nginx/d; scgi_temp_path $TEST_DIR/nginx/e;
    client_header_timeout 120s; client_body_timeout 120s; keepalive_timeout 120s;
    server { listen 80; location / { return 200 "ok"; } location /read { proxy_pass http://127.0.0.1:81; } }
    server { listen 82 http2; location / { return 200 "ok"; } location /read { proxy_pass http://127.0.0.1:81; } }
}
EOC
# The request's last byte is kept back; the rest is sent, drop by drop behind the first part.
cat >"$TEST_DIR/slow.py" <<'P'
import socket, struct, sys
def frame(kind, flags, payload):
    return struct.pack(">I", len(payload))[1:] + bytes((kind, flags)) + struct.pack(">I", 1) + payload
START = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"
GET, POST = b"\x82\x86\1\1h\x84", b"\x83\x86\1\1h\4\5/read\x0f\x0d\0015"
SAID = {
    "head-1": (80, [b"GET / HTTP/1.1\r\nHost: h\r\n"] + [b"A: b\r\n"] * 30),
    "head-2": (82, [START + frame(1, 1, GET[:2])] + [frame(9, 0, b"")] * 15),
    "half-2": (82, [START + frame(1, 5, GET)[:-1]]),
    "body-1": (80, [b"POST /read HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n"]),
    "body-2": (82, [START + frame(1, 4, POST)]),
    "whole-1": (80, [b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"]),
    "whole-2": (82, [START + frame(1, 5, GET)]),
}
port, parts = SAID[sys.argv[2]]
s = socket.create_connection((sys.argv[1], port))
s.settimeout(1)
print("open", flush=True)
for part in parts + [b""] * 100:
    try:
        s.sendall(part)
        while True:
            if not s.recv(4096):
                sys.exit("closed")
    except TimeoutError:
        pass
    except (ConnectionResetError, BrokenPipeError):
        print("reset", flush=True)
        break
P
background container-ns nginx -c "$TEST_DIR/nginx/conf" -e "$TEST_DIR/nginx/error.log" >"$TEST_DIR/nginx/out" 2>&1
wait_until 20 listens container-ns 80 && wait_until 20 listens container-ns 82
point $? "nginx listens" "$TEST_DIR/nginx/out"
serves() { # PORT OPTION...
    local port=$1
    shift
    at host-ns timeout 20 curl -sS --noproxy '*' "$@" "http://$cont4:$port/" >"$out" 2>&1 && grep -qx ok "$out"
}
serves 80 && serves 82 --http2-prior-knowledge
point $? "it serves both" "$out"
slow="head-1 head-2 half-2 body-1 body-2"
for how in $slow whole-1 whole-2; do
    background host-ns python3 "$TEST_DIR/slow.py" "$cont4" $how >"$TEST_DIR/slow-$how" 2>&1
done
for how in $slow; do
    wait_until 90 grep -q reset "$TEST_DIR/slow-$how"
    point $? "$how is reset" "$TEST_DIR/slow-$how"
done
dp threats -o json && json "len([t for t in d['threats'] if t['id'] == 2015 and t['action'] == 'reset']) >= 1"
point $? "threats say so" "$out"
! grep -qE "reset|closed" "$TEST_DIR/slow-whole-1" "$TEST_DIR/slow-whole-2"
point $? "whose requests are whole go on" "$TEST_DIR/slow-whole-2"
finish
