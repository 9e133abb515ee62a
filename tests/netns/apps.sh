#!/bin/bash
# A port is for one application: redis may be spoken on 6379, and HTTP to it is
# refused before the server has seen any of it; of redis itself only what reads.
# Spliced, then in place.
#
# Of HTTP/2 and gRPC each request of a connection is judged.
#
#   spliced    host-ns: clients ── agent-ns: weir-dp ── container-ns: redis, nginx, gRPC
#   in place   web 10.9.0.2: redis, nginx, gRPC ── hweb ── host 10.9.0.1: clients, weir-dp
. "$(dirname "$0")/lib.sh"
missing=
for program in redis-server redis-cli nginx curl h2load; do
    command -v $program >/dev/null || missing="$missing $program"
done
/usr/bin/python3 -c "import grpc" 2>/dev/null || missing="$missing python3-grpcio"
if [ -n "$missing" ]; then
    echo "1..0 # SKIP not installed:$missing"
    exit 0
fi

serve_redis() { # NAMESPACE
    mkdir -p "$TEST_DIR/redis"
    background "$1" redis-server --port 6379 --bind 0.0.0.0 :: --protected-mode no --save "" \
        --appendonly no --dir "$TEST_DIR/redis" --logfile "" >"$TEST_DIR/redis/log" 2>&1
    wait_until 20 listens "$1" 6379
}

serve_grpc() { # NAMESPACE
    background "$1" /usr/bin/python3 "$SRC/tests/netns/grpc_peer.py" serve 0.0.0.0:50051 "$TEST_DIR/methods" \
        >"$TEST_DIR/grpc_log" 2>&1
    wait_until 20 listens "$1" 50051
}

call() { # METHOD...: on one connection; what comes of each, in $out
    timeout 30 "${client[@]}" /usr/bin/python3 "$SRC/tests/netns/grpc_peer.py" call "$server:50051" "$@" >"$out" 2>&1
}

policy() { # APPLICATIONS REQUESTS of port 6379; nginx is on 80 and 6380
    dp '[{"ctrl_cfg_policy":{"cmd":1,"flag":3,"defact":7,"dir":3,"ipv6":true,"mac":["'$mac'"],"rules":[
        {"id":1,"from":["any"],"to":["any"],"ports":["6379","6380"],"proto":"tcp","action":"allow",
         "apps":'"$1"',"ingress":true'"${2:+,\"requests\":$2}"'},
        {"id":2,"from":["any"],"to":["any"],"ports":["80"],"proto":"tcp","action":"allow","ingress":true}]}}]'
}

ask_redis() { # COMMAND...: what the server says, in $out
    timeout 20 "${client[@]}" redis-cli -h "$server" --no-raw "$@" >"$out" 2>&1
}

# What redis was sent as a whole, by its own count: a client that speaks HTTP to it
# is a "SECURITY ATTACK" in its log.
saw_http() {
    grep -q "SECURITY ATTACK" "$TEST_DIR/redis/log"
}

refused() { # URL: reset, at once
    timeout 20 "${client[@]}" curl -sS --noproxy '*' -m 10 -o /dev/null "$1" >"$out" 2>&1
    [ $? = 56 ]
}

flow() { # PORT EXPRESSION over the flows f to it
    dp flows -o json && json "(lambda f: $2)([s for s in d['sessions'] if s['server_port'] == $1])"
}

mapped() { # EXPRESSION over n, the agent's notices
    python3 - "$TEST_DIR/notices" "$1" <<'P'
import json, sys
n = [json.loads(line) for line in open(sys.argv[1]) if line.endswith("\n")]
sys.exit(0 if eval("(" + sys.argv[2] + ")") else 1)
P
}

# The same in both layouts. $server: its address; as the container is reached.
one_layout() { # NAME
    policy '["redis"]'
    point $? "$1: a rule by application" "$out"
    ask_redis set key value && grep -q OK "$out" && flow 6379 "any(s['application_name'] == 'redis' and
        s['rule'] == 1 and not s['blocked'] for s in f)"
    point $? "$1: redis is spoken with" "$out"
    refused "http://$server:6379/"
    point $? "$1: HTTP to its port is reset" "$out"
    flow 6379 "any(s['application_name'] == 'http' and s['blocked'] for s in f)"
    point $? "$1: and its flow is known for what it was" "$out"
    ! saw_http
    point $? "$1: the server has not seen the request" "$TEST_DIR/redis/log"
    refused "http://$server:6380/"
    point $? "$1: nor does a web server on a port of that rule answer" "$out"
    "${client[@]}" curl -sS --noproxy '*' -m 10 -o /dev/null "http://$server/file" >"$out" 2>&1
    point $? "$1: it does on its own" "$out"

    dp '[{"ctrl_cfg_policy":{"cmd":1,"flag":3,"defact":7,"dir":3,"ipv6":true,"mac":["'$mac'"],"rules":[
        {"id":1,"from":["any"],"to":["any"],"ports":["80"],"action":"reject","ingress":true,
         "requests":[{"http.path":"/adm*"}]},
        {"id":2,"from":["any"],"to":["any"],"ports":["80"],"proto":"tcp","action":"allow","ingress":true}]}}]'
    "${client[@]}" curl -sS --noproxy '*' -m 10 "http://$server/file" "http://$server/x/..%2f/%61dm" \
        -o /dev/null -o "$TEST_DIR/answer" -w '%{http_code}\n' >"$out" 2>&1
    [ "$(cat "$out")" = "200
403" ] && grep -qx "Forbidden, rule 1" "$TEST_DIR/answer"
    point $? "$1: a rule that rejects requests answers one of them with a 403" "$out"

    dp '[{"ctrl_cfg_policy":{"cmd":1,"flag":3,"defact":7,"dir":3,"ipv6":true,"mac":["'$mac'"],"rules":[
        {"id":1,"from":["any"],"to":["any"],"ports":["8080"],"proto":"tcp","action":"allow","ingress":true,
         "requests":[{"http.method":"GET","http.path":"/file"}]},
        {"id":2,"from":["any"],"to":["any"],"ports":["50051"],"proto":"tcp","action":"allow","ingress":true,
         "apps":["grpc"],"requests":[{"grpc.service":"shop.Cart","grpc.method":["Get*","List"]}]}]}}]'
    "${client[@]}" curl -sS --noproxy '*' -m 10 --http2-prior-knowledge -o /dev/null "http://$server:8080/file" \
        -w '%{http_version} %{http_code}' >"$out" 2>&1
    [ "$(cat "$out")" = "2 200" ]
    point $? "$1: HTTP/2 is spoken with" "$out"
    ! "${client[@]}" curl -sS --noproxy '*' -m 10 --http2-prior-knowledge -o /dev/null "http://$server:8080/" >"$out" 2>&1
    point $? "$1: and what it asks must be allowed" "$out"
    timeout 20 "${client[@]}" h2load -n 3 -c 1 -m 1 "http://$server:8080/file" "http://$server:8080/file" \
        "http://$server:8080/x/..%2f/%61dm" >"$out" 2>&1
    grep -q "2 succeeded, 1 failed" "$out" && grep -q "status codes: 2 2xx" "$out"
    point $? "$1: the third request of a connection is not" "$out"
    flow 8080 "any(s['application_name'] == 'http2' and s['rule'] == 1 for s in f) and any(s['blocked'] for s in f)"
    point $? "$1: flows tell it" "$out"
    call /shop.Cart/Get /shop.Cart/GetAll /shop.Cart/List && [ "$(sort -u "$out")" = ok ]
    point $? "$1: a gRPC service's methods that are allowed" "$out"
    flow 50051 "any(s['application_name'] == 'grpc' and s['rule'] == 2 for s in f)"
    point $? "$1: are known for gRPC" "$out"
    call /shop.Cart/Get /shop.Cart/Delete
    # a client that tries it again may be late to give up
    tr '\n' ' ' <"$out" | grep -Eqx 'ok (UNAVAILABLE|DEADLINE_EXCEEDED) ' && ! grep -q Delete "$TEST_DIR/methods"
    point $? "$1: one that is not has not reached the server" "$out"

    policy '["redis"]' '[{"redis.class":["read","connection","other"]}]'
    ask_redis get key && grep -q value "$out"
    point $? "$1: with a rule of requests what reads is allowed" "$out"
    ask_redis set key other
    ask_redis get key && grep -q value "$out"
    point $? "$1: what writes is refused, and has not reached it" "$out"
    dp stats -o json && json "d['dropped'].get('request', 0) >= 1"
    point $? "$1: by a reason of its own" "$out"
}

# --- spliced -------------------------------------------------------------------

topology
serve_redis container-ns && serve_files 1000 80 6380 "8080 http2" && wait_until 20 listens container-ns 8080
point $? "redis and nginx serve" "$TEST_DIR/redis/log"
serve_grpc container-ns
point $? "so does gRPC" "$TEST_DIR/grpc_log"
python3 "$SRC/tests/compat/dpclient.py" --sink "$TEST_DIR/agent.sock" listen >"$TEST_DIR/notices" 2>&1 &
children+=($!)
wait_until 20 test -S "$TEST_DIR/agent.sock"
splice up --mark 00b4 --mode inline &&
    start_dp agent-ns --listen "" --notify "$TEST_DIR/agent.sock" && serve_container
point $? "the container is served" "$out"
server=$cont4
client=(nsenter --net=/run/netns/host-ns)
one_layout spliced
wait_until 20 mapped "any(d['kind'] == 'app_update' and
    any(a['port'] == 6379 and a['application'] == 2002 for a in d['ports']) for d in n)"
point $? "the agent is told what speaks on the port (kind 1)" "$TEST_DIR/notices"
dp '{"ctrl_counter_device":{}}' -o json && json "d['parser_sessions'][9] >= 2 and d['parser_packets'][9] >= 4 and
    d['parser_sessions'][0] >= 2"
point $? "and the parsers count (kind 4)" "$out"
stop_dp
point $? "weir-dp ends with 0" "$TEST_DIR/log"

# --- in place -------------------------------------------------------------------

mount -t bpf none /sys/fs/bpf
ip netns add web
ip -n web link set lo up
ip link add hweb type veth peer name eth0 address $mac netns web
ip link set hweb up
ip -n web link set eth0 up
ip addr add 10.9.0.1/24 dev hweb
ip -n web addr add 10.9.0.2/24 dev eth0
serve_redis web
background web nginx -c "$TEST_DIR/nginx.conf" -e "$TEST_DIR/nginx/error.log" >"$TEST_DIR/nginx/out" 2>&1
wait_until 20 listens web 8080 && serve_grpc web
point $? "redis, nginx and gRPC serve once more" "$TEST_DIR/redis/log"
"$weir" divert --netns web --mark 00b4 --mode inline >"$out" 2>&1
point $? "diverted in place" "$out"
"$weir_dp" -n "${workers:-1}" --listen "" --notify "" --control "$door" 2>>"$TEST_DIR/log" &
dp_pid=$!
wait_until 20 dp version && dp '[{"ctrl_add_srvc_port":{"iface":"vth"}},
  {"ctrl_add_mac":{"iface":"vth","mac":"'$mac'","ucmac":"4e:65:75:56:00:b4","bcmac":"ff:ff:ff:00:00:b4"}},
  {"ctrl_cfg_mac":{"tap":false,"macs":["'$mac'"]}}]'
point $? "a data plane" "$out"
server=10.9.0.2
client=()
one_layout "in place"

# What is recognised, and of which no rule asks more, is the kernel's again.
policy '["redis"]'
coproc cli { exec redis-cli -h "$server" 2>&1; }
children+=("$cli_PID")
for _ in $(seq 20); do echo "set key value" >&"${cli[1]}"; read -rt 20 _ <&"${cli[0]}"; done
cached() { dp stats -o json && json "d['cache']['in_use'] >= 1 and sum(d['cache']['passed'].values()) > 0"; }
more() { echo "get key" >&"${cli[1]}" && read -rt 20 _ <&"${cli[0]}" && cached; }
wait_until 20 more
point $? "in place: a recognised connection is left to the kernel" "$out"
stop_dp
point $? "weir-dp ends with 0" "$TEST_DIR/log"
finish
