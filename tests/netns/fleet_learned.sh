#!/bin/bash
# What three nodes of a fleet learned, seen and decided by its editors, a and b: the same
# of several is one proposal; what one accepts is in force on all, and proposed no more;
# what one turns down is turned down for the other; a node is forgotten; lists that are
# none; learn.auto_accept; and servers that do not know of it yet.
# shellcheck disable=SC2016,SC2317 # subjects begin with $; called by wait_until
. "$(dirname "$0")/common_fleet.sh"
need_nats
peer=$SRC/tests/netns/nats_peer.py
export PYTHONDONTWRITEBYTECODE=1
nats_hosts=(10.8.0.101)
nats_ports=(4222)
nats_routes=(6222)
nats_namespaces=(s1)

# A node's list is told a minute after the one before.
learned_soon() { # NODE EXPRESSION: over p, the proposals by key, and f, of whom they are
    wait_until 150 learned_on "$@"
}
learned_on() { # NODE EXPRESSION [OPTION]...
    told_on "$1" '(lambda p, f: '"$2"')({p["key"]: p for p in d["proposals"]}, d["fleet"])' \
        policy learned "${@:3}"
}
nodes_of() { # KEY: the nodes' names
    # shellcheck disable=SC2028
    echo '[n["node"] for n in p["'"$1"'"]["provenance"]["nodes"]]'
}
id_of() { # KEY
    python3 -c 'import json, sys
print([p["id"] for p in json.load(open(sys.argv[1]))["proposals"] if p["key"] == sys.argv[2]][0])' "$out" "$1"
}
as_node() { # NODE LINE: what nats_peer.py says of it
    printf '%s\n' "$2" | python3 "$peer" "$fleet/node-$1" 10.8.0.101 4222 >"$out" 2>&1
    tail -n 1 "$out"
}

fleet_net
host a 1 && host b 2 && host c 3
make_fleet --node a --node b --node c --editor a --editor b
point $? "a fleet is made" "$out"
# As it was before there was this: without a word of it.
cp "$fleet/server-n1/users.conf" "$TEST_DIR/users.conf"
grep -v -- '-learned' "$TEST_DIR/users.conf" >"$fleet/server-n1/users.conf"
start_servers
point $? "its server runs" "$TEST_DIR/nats-n1.log"
runs a web 2 && runs b app 2 && runs c job 2 && runs c db 3
for node in a b c; do
    start_agent_on "$node"
    point $? "the agent of $node" "$out"
done

# --- servers of a former version -----------------------------------------------

told_on_soon a 'd["fleet"]["up"] and "users.conf" in d["fleet"]["learned"]["text"]' fleet status &&
    told_on_soon c 'd["fleet"]["up"] and "users.conf" in d["fleet"]["learned"]["text"]' fleet status
point $? "servers that do not know of it: the nodes are told why" "$out"
weir_on c fleet status && grep -q '^learned the servers. users.conf' "$out"
point $? "as a text, too" "$out"
listen_in b app 80 && listen_in c db 5432 && listen_in c db 5433
reaches a web 10.9.2.2 80 && reaches c job 10.9.2.2 80 && reaches c job 10.9.3.3 5432
point $? "they speak with each other"
wait_until 30 learned_on a '"web app tcp/80" in p and "users.conf" in f["alone"]'
point $? "a shows what it learned itself" "$out"
weir_on a policy add --from web --to app --port tcp/443 --action allow && wait_until 20 in_force_on c 1
point $? "and all else works" "$out"
[ "$(grep -c 'users.conf' "$TEST_DIR/agent-a.log")" = 1 ]
point $? "it was told once" "$TEST_DIR/agent-a.log"
"$weir" fleet init "$fleet" --users >"$out" 2>&1 && cmp "$TEST_DIR/users.conf" "$fleet/server-n1/users.conf" >"$out" 2>&1
point $? "weir fleet init --users writes what is missing" "$out"
reload_server 1
wait_until 60 told_on a 'd["fleet"]["up"] and d["fleet"]["learned"]["reads"] and "text" not in d["fleet"]["learned"]' fleet status
point $? "the servers are told, and a may read what others learned" "$out"

# --- the same, and different ------------------------------------------------------

learned_soon a '"alone" not in f and f["nodes"] == 3 and '"$(nodes_of "web app tcp/80")"' == ["a", "b"]'
point $? "a shows what a and b saw, as one" "$out"
learned_soon a "$(nodes_of "job app tcp/80")"' == ["b", "c"] and '"$(nodes_of "job db tcp/5432")"' == ["c"]'
point $? "and what a did not see" "$out"
learned_on a 'p["job db tcp/5432"]["provenance"]["workloads"] == ["c/netns:job", "c/netns:db"] and p["web app tcp/80"]["provenance"]["sessions"] == 2'
point $? "with who it was, and how often" "$out"
weir_on a policy learned && grep -q 'NODES' "$out" && grep -Eq '^[0-9a-f]{8} +job +app .* b,c$' "$out"
point $? "as a text, too" "$out"
learned_soon b "$(nodes_of "web app tcp/80")"' == ["a", "b"]'
point $? "b shows the same" "$out"
learned_on c '"job db tcp/5432" in p and "web app tcp/80" not in p and "editor" in f["alone"]'
point $? "c, which is no editor, shows its own and says so" "$out"
weir_on c policy learned && grep -q 'no editor' "$out"
point $? "also as a text" "$out"

# --- accepting, and turning down -----------------------------------------------------

learned_on a 'True' && weir_on a policy accept "$(id_of "job db tcp/5432")"
point $? "a accepts what only c has seen" "$out"
revision=$(revision_on a)
wait_until 30 in_force_on b "$revision" && wait_until 30 in_force_on c "$revision" &&
    told_on c '[r["origin"] for r in d["rules"] if r["to"] == ["db"]] == ["learned"]' policy list
point $? "it is in force on all" "$out"
learned_on a '"job db tcp/5432" not in p and "job app tcp/80" in p' &&
    learned_on b '"job db tcp/5432" not in p and "job app tcp/80" in p'
point $? "and proposed no more, although c's list is an older one" "$out"
learned_on a 'True' && weir_on a policy reject "$(id_of "job app tcp/80")" && learned_on a '"job app tcp/80" not in p'
point $? "a turns something down" "$out"
wait_until 20 learned_on b '"job app tcp/80" not in p'
point $? "b does not show it" "$out"
learned_on b 'p["job app tcp/80"]["rejected"]' --all && weir_on b policy reject --undo "$(id_of "job app tcp/80")" &&
    learned_on b '"job app tcp/80" in p'
point $? "b takes that back" "$out"
wait_until 20 learned_on a '"job app tcp/80" in p'
point $? "a shows it again" "$out"

# --- a node that is none of ours any more ---------------------------------------------

learned_on a "$(nodes_of "job app tcp/80")"' == ["b", "c"]'
point $? "c has a part in it" "$out"
end_agent_on c
weir_on a fleet forget c && wait_until 20 learned_on a "$(nodes_of "job app tcp/80")"' == ["b"] and f["nodes"] == 2'
point $? "it is forgotten, and has none" "$out"
learned_on b "$(nodes_of "job app tcp/80")"' == ["b"]'
point $? "as b knows" "$out"

# --- what c's key can do -----------------------------------------------------------------

for subject in learned.a rejected.c rejected.a; do
    as_node c "pub \$KV.weir-learned.$subject x" | grep -q 'ermission'
    point $? "c may not write $subject" "$out"
done
as_node c 'pub $JS.API.DIRECT.GET.KV_weir-learned x' | grep -q 'ermission'
point $? "nor read what others learned" "$out"
seen='"provenance":{"first_seen":1,"last_seen":9000000000,"sessions":9,"workloads":["netns:x"]}'
rule() { # FROM TO PORT ACTION [MORE]
    echo '{"rule":{"from":["'"$1"'"],"to":["'"$2"'"],"ports":["'"$3"'"],"action":"'"$4"'","origin":"learned"'"${5:-}"'},'"$seen"'}'
}
hostile() { # PROPOSAL,...: as c's list
    as_node c 'pack $KV.weir-learned.learned.c {"form":1,"proposals":['"$1"'],"untold":0}' | grep -qx ok
}
hostile "$(rule x web tcp/1 deny),$(rule x 'no name!' tcp/2 allow),$(rule any web tcp/3 allow),$(rule x web any allow),$(rule x web tcp/4 allow ',"id":1'),7,$(rule x web tcp/5 allow)"
wait_until 20 learned_on a 'f["dropped"] == 6 and [k for k in p if "x web" in k] == ["x web tcp/5"] and '"$(nodes_of "x web tcp/5")"' == ["c"]'
point $? "of its list what is none is dropped" "$out"
as_node c 'pub $KV.weir-learned.learned.c garbage' | grep -qx ok && learned_on a '"x web tcp/5" in p' &&
    grep -q 'what c learned' "$TEST_DIR/agent-a.log"
point $? "a list that is none changes nothing, and is logged" "$out"

# --- nobody looks ------------------------------------------------------------------------------

hostile "$(rule x web tcp/6 allow),$(rule web x tcp/7 allow)"
weir_on a mode web protect && end_agent_on a && start_agent_on a 'learn: {auto_accept: true}'
point $? "a accepts by itself; web is in protect" "$out"
hostile "$(rule x web tcp/6 allow),$(rule web x tcp/7 allow),$(rule x app tcp/8 allow)"
wait_until 150 told_on a '[r for r in d["rules"] if r["to"] == ["app"] and r["from"] == ["x"]]' policy list
point $? "what c says of groups in discover it takes" "$out"
told_on a 'not [r for r in d["rules"] if "x" in r["from"] + r["to"] and "web" in r["from"] + r["to"]]' policy list &&
    learned_on a '"x web tcp/6" in p and "web x tcp/7" in p'
point $? "of one in protect it only proposes it" "$out"

# --- cut off --------------------------------------------------------------------------------------

is_cut_off() { told_on "$1" 'not d["fleet"]["up"]' fleet status; }
cut_off b
wait_until 60 is_cut_off b
learned_on b '"x web tcp/6" not in p and "cut off" in f["alone"]'
point $? "b is cut off: it shows its own, and says so" "$out"
reaches c job 10.9.3.3 5433
heal b
wait_until 60 learned_on b '"alone" not in f and "x web tcp/6" in p'
point $? "it is healed, and shows all" "$out"

finish
