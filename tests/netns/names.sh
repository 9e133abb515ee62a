#!/bin/bash
# Rules by name: the container may fetch from *.shop.test, wherever its own
# lookups say that is.
#
#  ┌ host-ns ───────────┐   ┌ agent-ns ─────────────────┐   ┌ container-ns ───┐
#  │ dnsmasq, web server╪═══╪ vex                   vin ╪═══╪ curl, dig       │
#  │ 192.0.2.7, .8, .9  │   │  └──▶ vbr ═══ vth ◀──┘    │   │                 │
#  └────────────────────┘   │              ▲            │   └─────────────────┘
#                           │           weir-dp ──▶ agent.sock ──▶ dpclient.py
#                           └───────────────────────────┘
. "$(dirname "$0")/lib.sh"
missing=
for program in curl dnsmasq dig; do
    command -v $program >/dev/null || missing="$missing $program"
done
if [ -n "$missing" ]; then
    echo "1..0 # SKIP not installed:$missing"
    exit 0
fi
sink=$TEST_DIR/agent.sock
web6=2001:db8:2::7

policy() { # NAME: of whose port 80 the container may fetch
    dp '[{"ctrl_cfg_policy":{"cmd":1,"flag":3,"defact":7,"dir":3,"ipv6":true,"mac":["1a:27:f3:87:3a:27"],
        "rules":[
        {"id":1,"from":["any"],"to":["10.10.10.66"],"ports":["53"],"action":"allow"},
        {"id":2,"from":["any"],"to":["fqdn:'"$1"'"],"ports":["80"],"proto":"tcp","action":"allow"}]}}]'
}

fetches() { # URL
    at container-ns curl -sS --noproxy '*' -m 10 -o /dev/null "$1" >"$out" 2>&1
}

no_fetch() { # URL: its first packet is dropped
    at container-ns curl -sS --noproxy '*' -m 1 -o /dev/null "$1" >"$out" 2>&1
    [ $? = 28 ]
}

noticed() { # EXPRESSION over n, the notices so far
    python3 - "$TEST_DIR/notices" "$1" <<'P'
import json, sys
n = [json.loads(line) for line in open(sys.argv[1]) if line.endswith("\n")]
sys.exit(0 if eval("(" + sys.argv[2] + ")") else 1)
P
}

topology
for i in 7 8 9; do
    ip -n host-ns addr add 192.0.2.$i/32 dev lo
done
ip -n host-ns addr add $web6/128 dev lo nodad
ip -n container-ns route add default via $host6
background host-ns dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts \
    --user=root --pid-file="$TEST_DIR/dnsmasq.pid" --port=53 --local-ttl=600 --local=/test/ \
    --host-record=www.shop.test,192.0.2.7 --host-record=other.shop.test,192.0.2.9 \
    --host-record=six.shop.test,$web6 --host-record=cdn.test,192.0.2.8 \
    --cname=img.shop.test,cdn.test >"$TEST_DIR/dnsmasq" 2>&1
background host-ns python3 -c '
import http.server
class Server(http.server.ThreadingHTTPServer):
    address_family = 10
Server(("::", 80), http.server.SimpleHTTPRequestHandler).serve_forever()' >"$TEST_DIR/web" 2>&1
wait_until 20 listens host-ns 53 && wait_until 20 listens host-ns 80
point $? "a resolver and a web server serve" "$TEST_DIR/web"
# the C library asks as it does anywhere
echo "nameserver $host4" >"$TEST_DIR/resolv.conf"
mount --bind "$TEST_DIR/resolv.conf" /etc/resolv.conf

python3 "$SRC/tests/compat/dpclient.py" --sink "$sink" listen >"$TEST_DIR/notices" 2>&1 &
children+=($!)
wait_until 20 test -S "$sink"
splice up --mark 00b4 --mode inline && start_dp agent-ns --listen "" --notify "$sink" &&
    serve_container && policy '*.shop.test'
point $? "the container is served, with a rule by name" "$out"

no_fetch http://192.0.2.7/
point $? "an address that it never asked for cannot be reached" "$out"
fetches http://www.shop.test/
point $? "curl reaches the name, looked up by the C library" "$out"
dp explain --from $cont4 --to 192.0.2.7 --proto tcp --port 80 &&
    grep -q 'rule 2 says allow' "$out" && grep -q 'by the name \*.shop.test' "$out"
point $? "weir dp explain tells the rule, and the name" "$out"
no_fetch http://192.0.2.9/
point $? "another address still cannot be reached" "$out"
at container-ns dig +tcp +short other.shop.test >"$out" 2>&1 && fetches http://192.0.2.9/
point $? "until it is looked up, over TCP" "$out"
dp stats -o json && json "'stream_fin' not in d['dropped']"
point $? "that connection's ends are as they must be" "$out"
no_fetch http://cdn.test/
point $? "a name of which no rule speaks is not reached" "$out"
fetches http://img.shop.test/
point $? "nor is it any more, once a name of the rule leads there (CNAME)" "$out"
fetches http://six.shop.test/
point $? "over IPv6" "$out"

# --- what the agent hears ---
wait_until 20 noticed "any(d['kind'] == 'fqdn_update' and d['name'] == '*.shop.test' and
    '192.0.2.7' in d['ips'] for d in n)"
point $? "the agent is told what the wildcard gained (kind 11)" "$TEST_DIR/notices"
wait_until 20 noticed "any(d['kind'] == 'ip_fqdn_update' and d['ip'] == '192.0.2.7' and
    d['name'] == 'www.shop.test' for d in n)"
point $? "and what the external address was asked for (kind 12)" "$TEST_DIR/notices"

# --- names that the agent gives ---
policy given.test
no_fetch http://192.0.2.7/
point $? "with a rule of another name the old one is of no use" "$out"
dp '{"ctrl_cfg_set_fqdn":{"fqdn_name":"given.test","fqdn_ips":["192.0.2.7"],"vhost":false}}'
fetches http://192.0.2.7/
point $? "an address that the agent gave the name is reached" "$out"
dp '{"ctrl_cfg_del_fqdn":{"names":["given.test"]}}' && no_fetch http://192.0.2.7/
point $? "until it takes it back" "$out"
dp '{"ctrl_cfg_del_fqdn":{"names":["given.test"]}}'
[ $? = 1 ] && grep -q 'names\[0\]' "$out"
point $? "which it can do once" "$out"

dp stats -o json && json "d['names']['answers_used'] >= 3 and d['names']['dns']['ok'] >= 8 and
    d['streams']['opened'] >= 1 and d['names']['in_use'] >= 4"
point $? "weir dp stats tells what was read" "$out"
stop_dp
point $? "weir-dp ends with 0" "$TEST_DIR/log"
finish
