#!/bin/bash
# A fleet that changes while it is used: certificates are renewed, by a reload of agents
# and servers; one that has ended keeps a node out until there is another; a fourth
# server joins three, and one of them goes for good; a node is removed; who edits changes.
# The policy is changed before, between and after, and is in force on all each time.
# shellcheck disable=SC2015 # || as it says
. "$(dirname "$0")/common_fleet.sh"
need_nats

fleet_net
ip netns add s4
ip -n s4 link set lo up
ip link add ps4 type veth peer name eth0 netns s4
onto_bridge ps4
ip -n s4 addr add 10.8.0.104/24 dev eth0
ip -n s4 link set eth0 up

nodes=(a b c)
servers=(1 2 3)
port=1000
taken=()
# On a, or on NODE; it is in force on all then, and so is all that was changed before. What
# a server that is slow leaves open is tried again, as users are told to.
change() { wait_until 100 changes "$@"; } # [NODE]
changes() { # [NODE]
    local node revision
    port=$((port + 1))
    weir_on "${1:-a}" policy add --from web --to app --port "tcp/$port" --action allow || {
        echo "# tcp/$port is not taken: $(head -c 300 "$out")" | tee -a "$TEST_DIR/log"
        return 1
    }
    taken+=("$port")
    revision=$(revision_on "${1:-a}")
    for node in "${nodes[@]}"; do
        wait_until 30 in_force_on "$node" "$revision" && has_all "$node" || {
            echo "# $node does not have revision $revision: $(head -c 300 "$out")" | tee -a "$TEST_DIR/log"
            return 1
        }
    done
}
has_all() { # NODE
    local one
    weir_on "$1" policy list || return 1
    for one in "${taken[@]}"; do grep -q "tcp/$one\b" "$out" || return 1; done
}
has_ended() { ! [ -e "/proc/$1" ] || grep -q '^State:.Z' "/proc/$1/status"; } # PID
init() { "$weir" fleet init "$fleet" "$@" >"$out" 2>&1; }
reload_agent() { # NODE; it has done so when its log says PATTERN once more
    local before log=$TEST_DIR/agent-$1.log
    before=$(grep -c "$2" "$log")
    kill -HUP "${agent_of[$1]}"
    wait_until 20 says_again "$log" "$2" "$before"
}
says_again() { [ "$(grep -c "$2" "$1")" -gt "$3" ]; } # LOG PATTERN BEFORE
reload_once() { # SERVER: nats-server reads its files again
    local log=$TEST_DIR/nats-n$1.log before
    before=$(grep -c 'Reloaded server configuration' "$log")
    kill -HUP "${nats_pids[$1 - 1]}"
    wait_until 20 reloaded "$log" "$before"
}
is_up() { told_on "$1" 'd["fleet"]["up"]' fleet status; }
is_down() { told_on "$1" 'not d["fleet"]["up"]' fleet status; }
ends_in() { # NODE DAYS
    told_on "$1" "abs(d['fleet']['certificate_ends'] - $(date +%s) - $2 * 86400) < 7200" fleet status
}
certificate_on() { # NODE RESULT: what the doctor says of its certificate
    WEIR_SOCKET=$TEST_DIR/$1/agent.sock on "$1" "$weir" doctor --config "$TEST_DIR/$1/weir.yaml" -o json >"$out" 2>&1
    json '[c["result"] for c in d["checks"] if c["name"] == "certificate of the fleet"] == ["'"$2"'"]'
}
connections() { # SERVER: the ids of connections there
    monitor "$1" connz | python3 -c 'import json, sys
print(*sorted(c["cid"] for c in json.load(sys.stdin)["connections"]))'
}
shown_by() { # SERVER: the fingerprint of the certificate that it shows to clients
    nsenter --net="/run/netns/s$1" python3 - "10.8.0.10$1" <<'P'
import hashlib, socket, ssl, sys
tls = ssl.create_default_context()
tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
s = socket.create_connection((sys.argv[1], 4222), 20)
while not s.recv(1) == b"\n":
    pass
print(hashlib.sha256(tls.wrap_socket(s).getpeercert(True)).hexdigest())
P
}
fingerprint() { # FILE
    openssl x509 -in "$1" -outform DER | sha256sum | cut -d ' ' -f 1
}
shows_its_own() { # SERVER
    shown_by "$1" >"$TEST_DIR/shown" 2>>"$TEST_DIR/log" &&
        [ "$(cat "$TEST_DIR/shown")" = "$(fingerprint "$fleet/server-n$1/server.crt")" ]
}

host a 1 && host b 2 && host c 3
make_fleet --node a --node b --node c --editor a
start_servers
point $? "three servers" "$TEST_DIR/nats-n1.log"
runs a web 2 && runs b app 2 && runs c job 2
each start_agent_on -- a b c
point $? "three nodes" "$TEST_DIR/agent-c.log"
wait_until 60 is_up a && change
point $? "one policy" "$out"
listen_in b app 80 && talk a web 10.9.2.2 80 "$TEST_DIR/said" && wait_until 20 more_than "$TEST_DIR/said" 0
point $? "a connection between nodes, that lasts"

# --- certificates ------------------------------------------------------------------

ends_in b 825 && weir_on b fleet status && ! grep -q certificate "$out" && certificate_on b good
point $? "of a certificate that holds long nothing is said but when it is asked for" "$out"
cp -r "$fleet/node-b" "$TEST_DIR/node-b"
init --renew b --days 20 && grep -q 'node-b/node.{crt,key}' "$out" && ! grep -q users.conf "$out" &&
    ! cmp -s "$fleet/node-b/node.key" "$TEST_DIR/node-b/node.key"
point $? "it is renewed, with another key" "$out"
ends_in b 825 && certificate_on b limited && grep -q 'reload' "$out"
point $? "which the agent does not know yet, and the doctor says so" "$out"
reload_agent b 'connecting anew' && wait_until 60 is_up b && ends_in b 20 && change
point $? "a reload, and it uses that, and has the policy" "$TEST_DIR/agent-b.log"
weir_on b fleet status && grep -q 'certificate  ends in 19 days' "$out" && certificate_on b limited &&
    grep -q 'ends in 19 days' "$out"
point $? "20 days before its end this is told" "$out"
init --show && [ "$(grep -c 'ends in' "$out")" = 11 ] && grep -q '^node b  *node-b/node.crt  *ends in 19 days' "$out" &&
    init --show -o json && json '[c["of"] for c in d["certificates"] if c["soon"]] == ["node b"] and len(d["certificates"]) == 11'
point $? "where the fleet was made, of all" "$out"

before=$(connections 1; connections 2; connections 3)
reload_agent b 'configuration: read again' && [ "$(connections 1; connections 2; connections 3)" = "$before" ]
point $? "a reload that brings nothing new keeps the connection" "$out"
cp "$TEST_DIR/node-b/node.key" "$fleet/node-b/node.key" # of the certificate before
reload_agent b 'going on with the servers' && is_up b && ends_in b 20 && change
point $? "what does not match is refused, and it goes on with what it had" "$TEST_DIR/agent-b.log"

# One that ends at once, with the authority's key.
(
    cd "$fleet/node-b" && openssl x509 -in node.crt -x509toreq -signkey node.key -out "$TEST_DIR/b.csr" ||
        openssl req -new -key node.key -subj /O=weir/CN=b -out "$TEST_DIR/b.csr"
    printf 'subjectAltName=DNS:b.node.weir\nextendedKeyUsage=clientAuth\n' >"$TEST_DIR/b.ext"
    openssl x509 -req -in "$TEST_DIR/b.csr" -CA ../ca.crt -CAkey ../ca.key -days 0 -extfile "$TEST_DIR/b.ext" -out node.crt
) >"$out" 2>&1
reload_agent b 'connecting anew' && wait_until 60 is_down b && weir_on b fleet status &&
    grep -q 'certificate  has ended' "$out" && certificate_on b limited && grep -q 'has ended' "$out"
point $? "with one that has ended it is cut off, and told why" "$TEST_DIR/agent-b.log"
nodes=(a c)
change
point $? "the others go on" "$out"
init --renew b && reload_agent b 'connecting anew' && wait_until 60 is_up b && nodes=(a b c) && change
point $? "renewed it is let in again, and has what was changed" "$TEST_DIR/agent-b.log"

before=$(connections 1; connections 2; connections 3)
cp -r "$fleet/server-n1" "$TEST_DIR/server-n1"
shows_its_own 1 && init --renew-all && ! shows_its_own 1
point $? "all are renewed" "$out"
renewed() { reload_once "$1" && shows_its_own "$1"; } # SERVER
each renewed -- 1 2 3
point $? "servers show theirs after a reload" "$TEST_DIR/nats-n1.log"
[ "$(connections 1; connections 2; connections 3)" = "$before" ] && change
point $? "and keep their connections" "$out"
connects_anew() { reload_agent "$1" 'connecting anew' && wait_until 60 is_up "$1"; } # NODE
each connects_anew -- a b c && change
point $? "nodes use theirs after a reload" "$out"
leader=$(leader_by 1)
kill_server "${leader#n}"
change
point $? "two of three go on" "$out"
start_server "${leader#n}" && wait_until 60 servers_agree && change
point $? "servers know each other by theirs: one that starts anew joins the others" "$TEST_DIR/nats-$leader.log"

# --- a fourth server -----------------------------------------------------------------

members() { # N: so many are in the servers' group, as all of them see it
    local n
    for n in "${servers[@]}"; do
        monitor "$n" jsz | grep -q "\"cluster_size\": $1" || return 1
    done
}
reconfigure() { # each node has the servers of its cluster.yaml
    local node
    for node in "${nodes[@]}"; do
        configure_on "$node" && reload_agent "$node" 'connecting anew' && wait_until 60 is_up "$node" || return 1
    done
}

members 3
point $? "three are a group" "$out"
nats_hosts+=(10.8.0.104) nats_ports+=(4222) nats_routes+=(6222) nats_monitors+=(8225) nats_namespaces+=(s4)
init --add-server n4=10.8.0.104:4222 && grep -q '^1\. ' "$out" && grep -q 'server-n3/routes.conf' "$out" &&
    (cd "$fleet/server-n4" && nats-server -t -c nats.conf) >>"$out" 2>&1
point $? "a fourth is added" "$out"
change
point $? "which changes nothing yet" "$out"
start_server 4 && servers=(1 2 3 4) && wait_until 60 members 4 && change
point $? "it starts, and joins them" "$TEST_DIR/nats-n4.log"
each reload_once -- 1 2 3 && change
point $? "they know it by their routes" "$TEST_DIR/nats-n1.log"
reconfigure && change
point $? "nodes know it, by a reload" "$TEST_DIR/agent-a.log"

# --- and one of the first goes -----------------------------------------------------------

init --remove-server n1 && grep -q 'weir fleet retire' "$out" && [ ! -e "$fleet/server-n1" ] && cp "$out" "$TEST_DIR/first" &&
    init --remove-server n1 && cmp "$out" "$TEST_DIR/first"
point $? "a server is removed; done again it says the same" "$out"
! "$weir" fleet retire "$fleet" n2 >"$out" 2>&1 && grep -q 'none that was removed' "$out"
point $? "one that was not is not retired" "$out"
reconfigure && change
point $? "nodes leave it, by a reload" "$TEST_DIR/agent-a.log"
(cd "$TEST_DIR/server-n1" && nats-server --signal "ldm=${nats_pids[0]}") >"$out" 2>&1
wait_until 150 has_ended "${nats_pids[0]}" && kill_server 1 2>>"$TEST_DIR/log" && servers=(2 3 4) && change
point $? "it hands over and ends" "$TEST_DIR/nats-n1.log"
retire() { nsenter --net=/run/netns/s2 "$weir" fleet retire "$fleet" n1 >"$out" 2>&1; }
members 4 && retire
point $? "it is retired, and the others have its share" "$out"
wait_until 60 members 3 && change
point $? "three are a group again" "$out"
retire && grep -q 'counts no more' "$out"
point $? "once more is the same" "$out"
kept_by() { # on which servers each stream is
    nsenter --net=/run/netns/s2 timeout 20 python3 "$SRC/tests/netns/nats_peer.py" "$fleet/node-a" 10.8.0.102 4222 2>>"$TEST_DIR/log" <<'L' |
req $JS.API.STREAM.INFO.KV_weir-policy
req $JS.API.STREAM.INFO.KV_weir-nodes
req $JS.API.STREAM.INFO.weir-events
req $JS.API.STREAM.INFO.weir-flows
L
        sed 1d | python3 -c 'import json, sys
for line in sys.stdin:
    c = json.loads(line)["cluster"]
    print(*sorted([c["leader"]] + [r["name"] for r in c["replicas"] if r["current"]]))'
}
all_keep() { # each of the four streams is on those three, as far as its leader
    kept_by >"$out"
    [ "$(sort -u "$out")" = "n2 n3 n4" ] && [ "$(wc -l <"$out")" = 4 ]
}
all_keep
point $? "the fourth keeps its share" "$out"
each reload_once -- 2 3 4 && change
point $? "they forget its route" "$TEST_DIR/nats-n2.log"
leader=$(leader_by 2)
kill_server "${leader#n}" KILL
change
point $? "of the three one may fail" "$out"
start_server "${leader#n}" && wait_until 60 all_keep && change
point $? "and comes back" "$out"

# --- who may what --------------------------------------------------------------------------

reload_users() { for n in 2 3 4; do reload_server $n || return 1; done; }
init --editor b && grep -q 'come back' "$out" && reload_users && change b
point $? "b edits, from then on" "$out"
init --no-editor a && reload_users && wait_until 60 is_up a
point $? "a does no more" "$out"
may_not() { ! weir_on a mode app protect && grep -q 'may not change' "$out"; }
wait_until 60 may_not && change b
point $? "and is told so" "$out"
cp -r "$fleet/node-c" "$TEST_DIR/node-c"
init --remove c && grep -q 'weir fleet forget c' "$out" && [ ! -e "$fleet/node-c" ] && reload_users && wait_until 60 is_down c
point $? "c is removed, and shown out" "$out"
end_agent_on c
cp -r "$TEST_DIR/node-c" "$fleet/" && run_agent_on c && wait_until 60 is_down c
point $? "it does not come in again" "$TEST_DIR/agent-c.log"
nodes=(a b)
told_on b '"c" in [n["node"] for n in d["nodes"]]' fleet status && weir_on b fleet forget c &&
    told_on_soon a '[n["node"] for n in d["nodes"]] == ["b"]' fleet status
point $? "it is forgotten" "$out"
! init --add c && grep -q 'another name' "$out" && init --add d && grep -q node-d "$out" && change b
point $? "its name is not given again" "$out"
says_more "$TEST_DIR/said"
point $? "and the connection has gone on"
finish
