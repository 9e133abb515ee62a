#!/bin/bash
# Three hosts of one fleet, with three servers: a rule that is written on one is
# enforced on another; two who change the same do not lose each other's change; the
# servers' leader is killed, a node is cut off, started anew meanwhile, and healed, and
# the connections go on.
. "$(dirname "$0")/common_fleet.sh"
need_nats

fleet_net
host a 1 && host b 2 && host c 3
make_fleet --node a --node b --node c --editor a --editor b
point $? "a fleet is made" "$out"
start_servers
point $? "its servers agree on a leader" "$TEST_DIR/nats-n1.log"
runs a web 2 && runs b app 2 && runs b db 3 && runs c job 2
for node in a b c; do
    start_agent_on "$node"
    point $? "the agent of $node" "$out"
done
told_on_soon a 'd["fleet"]["up"] and d["fleet"]["revision"] == 0 and {n["node"]: n["workloads"] for n in d["nodes"]} == {"b": 2, "c": 1}' fleet status
point $? "a knows the others and who runs there" "$out"
told_on_soon c '{n["node"]: n["workloads"] for n in d["nodes"]} == {"a": 1, "b": 2}' fleet status
point $? "and so does c" "$out"

# --- one policy ---------------------------------------------------------------

listen_in b app 80 && reaches a web 10.9.2.2 80 && reaches c job 10.9.2.2 80
point $? "while all are in discover, all reach app"
weir_on a policy add --from web --to app --port tcp/80 --action allow &&
    weir_on a mode app protect
point $? "a rule is written on a, and app is to be protected" "$out"
wait_until 20 in_force_on a 2 && wait_until 20 in_force_on b 2 && wait_until 20 in_force_on c 2
point $? "it is in force on all" "$out"
reaches a web 10.9.2.2 80
point $? "on b it lets in who runs on a"
reaches_not c job 10.9.2.2 80
point $? "and nobody else"
told_on_soon a '[n["in_force"] and n["revision"] for n in d["nodes"]] == [2, 2]' fleet status
point $? "a knows that" "$out"
told_on_soon b '[f for f in d["flows"] if f["client_id"] == "a/netns:web" and f["client"] == "web" and f["server"] == "app"]' flows
point $? "b knows who that was" "$out"
told_on b 'd["from"]["name"] == "web" and d["from"]["workload"] == "a/netns:web"' explain 10.9.1.2 10.9.2.2 --port 80
point $? "and explains so" "$out"
weir_on c policy add --from job --to app --port tcp/80 --action allow
[ $? = 1 ] && grep -q 'may not change' "$out"
point $? "c is no editor, and is told so" "$out"
told_on c 'len(d["rules"]) == 1' policy list
point $? "nothing is changed by that" "$out"

# --- two who write at once ------------------------------------------------------

write_many() { # NODE: ten rules; prints how many of them were taken
    local n port taken=0
    for n in 0 1 2 3 4 5 6 7 8 9; do
        port=$((1000 * ${number_of[$1]} + n))
        WEIR_SOCKET=$TEST_DIR/$1/agent.sock "$weir" policy add --from web --to db --port "tcp/$port" \
            --action allow >>"$TEST_DIR/$1.added" 2>&1 && taken=$((taken + 1))
    done
    echo $taken
}
write_many a >"$TEST_DIR/taken.a" & writer=$!
write_many b >"$TEST_DIR/taken.b"
wait $writer
taken=$(($(cat "$TEST_DIR/taken.a") + $(cat "$TEST_DIR/taken.b")))
[ $taken -ge 10 ] && told_on_soon a 'len(d["rules"]) == 1 + '$taken policy list &&
    told_on_soon b 'len(d["rules"]) == 1 + '$taken policy list &&
    told_on_soon c 'len(d["rules"]) == 1 + '$taken policy list
point $? "two write at once: what was taken is there, on all" "$out"
! grep -hv 'in force' "$TEST_DIR/a.added" "$TEST_DIR/b.added" | grep -vq 'somebody else'
point $? "and who was not was told why" "$TEST_DIR/a.added"

# --- questions to other nodes -----------------------------------------------------

told_on a '[w["name"] for w in d["workloads"] if w["state"] == "guarded"] == ["job"]' ls --node c
point $? "a asks c who runs there" "$out"
told_on_soon a '[f for f in d["flows"] if f["client"] == "web"]' flows --node b
point $? "and b what was seen" "$out"
weir_on a flows --node nobody
[ $? = 1 ] && grep -q 'no such node' "$out"
point $? "who is none is told of" "$out"
weir_on a flows --node b --follow
[ $? = 1 ] && grep -q 'cannot be followed' "$out"
point $? "what cannot be asked, too" "$out"
weir_on a policy add --node b --from web --to app --action allow
[ $? = 1 ] && grep -q 'not done on another node' "$out"
point $? "nor is anything changed by way of another" "$out"
weir_on a quarantine app --node b && reaches_not a web 10.9.2.2 80
point $? "a workload of another node is isolated" "$out"
told_on b '[e for e in d["events"] if e["kind"] == "change" and "app" in e["text"] and e.get("by") == "uid 0 at a"]' events
point $? "b knows by whom" "$out"
weir_on a quarantine app --node b --off && reaches a web 10.9.2.2 80
point $? "and not any more" "$out"

# --- who claims another's address ---------------------------------------------------

runs b thief 5 && inside a web ip addr add 10.9.2.5/32 dev eth0 && runs a later 6
told_on_soon b '[n for n in d["nodes"] if n["node"] == "a" and n["workloads"] == 2]' fleet status &&
    reaches_not b thief 10.9.2.2 80
point $? "an address that somebody has here is his, whatever a tells" "$out"
inside a web ip addr del 10.9.2.5/32 dev eth0

# --- a leader dies, a node is cut off, and both come back ---------------------------

talk a web 10.9.2.2 80 "$TEST_DIR/said"
wait_until 20 more_than "$TEST_DIR/said" 0
point $? "a connection between nodes, that lasts" "$TEST_DIR/log"
leader=$(leader_by 1)
kill_server "${leader#n}" KILL
wait_until 30 weir_on a policy add --from job --to db --port tcp/5432 --action allow
point $? "the servers' leader is killed, and a rule is written all the same" "$out"
revision=$(revision_on a)
wait_until 30 in_force_on b "$revision" && wait_until 30 in_force_on c "$revision"
point $? "it is in force on all" "$out"
says_more "$TEST_DIR/said"
point $? "the connection goes on"
start_server "${leader#n}"
wait_until 60 servers_agree
point $? "the server comes back"

is_cut_off() { told_on "$1" 'not d["fleet"]["up"]' fleet status; }
cut_off b
wait_until 60 is_cut_off b
point $? "b is cut off" "$out"
weir_on b policy add --from job --to app --port tcp/80 --action allow
[ $? = 1 ] && grep -q 'cut off from the fleet' "$out"
point $? "it cannot change the policy, and says why" "$out"
end_agent_on b && start_agent_on b && is_cut_off b
point $? "its agent is started anew" "$out"
told_on b 'd["from"]["workload"] == "a/netns:web"' explain 10.9.1.2 10.9.2.2 --port 80
point $? "it knows who runs elsewhere, and what they may" "$out"
runs b other 4
seen_on() { told_on "$1" '[w for w in d["workloads"] if w["name"] == "'"$2"'" and w["state"] == "guarded"]' ls; }
wait_until 20 seen_on b other && ! inside b other timeout 3 socat -u TCP:10.9.2.2:80,connect-timeout=1 - | grep -q hello
point $? "what was in force there is" "$out"
wait_until 30 weir_on a policy add --from other --to app --port tcp/80 --action allow
point $? "meanwhile the policy is changed" "$out"
revision=$(revision_on a)
in_force_on b "$revision"
[ $? = 1 ]
point $? "which it does not know yet"
heal b
wait_until 60 in_force_on b "$revision"
point $? "it is healed, and has it" "$out"
inside b other timeout 40 socat -u -T20 TCP:10.9.2.2:80,connect-timeout=20 - 2>>"$TEST_DIR/log" | grep -q hello
point $? "it is in force there"
says_more "$TEST_DIR/said"
point $? "the connection has gone on"
told_on_soon a '[n for n in d["nodes"] if n["node"] == "b" and n["workloads"] == 4]' fleet status
point $? "who came meanwhile is known to the others" "$out"

# --- servers that do not answer --------------------------------------------------------

told_on b 'd["fleet"]["up"] and "nodes_text" not in d["fleet"] and not [n for n in d["nodes"] if n["silent"]]' fleet status
point $? "b asks others how they are" "$out"
for pid in "${nats_pids[@]}"; do kill -STOP "$pid"; done
weir_on b fleet status && grep -q 'as they were when they were asked last: ' "$out" && ! grep -q silent "$out"
point $? "when servers do not answer it says so, and calls nobody silent" "$out"
for pid in "${nats_pids[@]}"; do kill -CONT "$pid"; done
told_on_soon b '"nodes_text" not in d["fleet"]' fleet status
point $? "and asks again" "$out"

# --- servers that come back with less than they had ----------------------------------

has_revision() { wait_until 60 in_force_on "$1" "$revision"; } # NODE
stop_servers() { for n in 1 2 3; do kill_server $n; done; }
stop_servers
cp -r "$TEST_DIR/nats" "$TEST_DIR/nats-before"
start_servers && wait_until 60 weir_on a policy add --from later --to db --port tcp/7007 --action allow
revision=$(revision_on a)
each has_revision -- a b c
point $? "one more change, of which a backup of the servers does not know" "$out"
stop_servers
rm -r "$TEST_DIR/nats" && mv "$TEST_DIR/nats-before" "$TEST_DIR/nats" && start_servers
wait_until 60 grep -q 'have less of it than was heard' "$TEST_DIR/agent-b.log" &&
    weir_on b policy list && grep -q 'tcp/7007' "$out" && is_cut_off b
point $? "that is restored; a node does not go back for it at once" "$TEST_DIR/agent-b.log"
goes_back() { ! is_cut_off "$1" && weir_on "$1" policy list && ! grep -q 'tcp/7007' "$out" && told_on "$1" 'd["fleet"]["in_force"]' fleet status; }
each wait_until 60 goes_back -- a b c
point $? "but when it lasts" "$out"
wait_until 60 weir_on c policy add --from later --to db --port tcp/7008 --action allow
revision=$(revision_on c)
each has_revision -- a b c
point $? "and all have what is changed then" "$out"
says_more "$TEST_DIR/said"
point $? "the connection has gone on"
finish
