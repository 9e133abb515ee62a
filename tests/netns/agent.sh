#!/bin/bash
# The agent's whole story with bare namespaces: it finds them, learns what they
# do, makes rules of it, enforces, tells and explains what it blocks, gives all
# back.
. "$(dirname "$0")/common_agent.sh"

state() { # all that a diversion could have left behind
    ip -d link | grep -v 'state\|promiscuity' | sed 's/@.*//'
    for dev in hweb happ; do
        tc qdisc show dev $dev
        tc filter show dev $dev ingress
    done
    ls /sys/fs/bpf/weir 2>/dev/null
}

not_there() { ! ip link show "$1" >"$TEST_DIR/link" 2>&1; }
no_plane() { ! pgrep -f -- "--control $door" >"$TEST_DIR/pids"; }

bridge
workload web 2
workload app 3
listen web 8080
listen web 8081
write_config "$netns_only"
state >"$TEST_DIR/before"

# --- finds ---

start_agent
point $? "it starts, with a data plane" "$TEST_DIR/agent.log"
wait_until 5 guarded web discover tap && wait_until 5 guarded app discover tap
point $? "workloads that were there are found and watched" "$out"
told '{w["name"]: w["addresses"] for w in d["workloads"]} == {"web": ["10.9.0.2", "fd09::2"], "app": ["10.9.0.3", "fd09::3"]}' ls
point $? "with their addresses of both families" "$out"
weir explain app web --port 8080 && grep -q '^into web: passes: no rule speaks of it, and web is in mode discover' "$out"
point $? "explain knows both before anything was said" "$out"
told '[s["kind"] for s in d["runtimes"] if s["up"]] == ["netns"] and d["counts"]["workloads"] == 2' status
point $? "status tells of its sources" "$out"
"$weir_agent" --config "$config" >"$out" 2>&1
[ $? = 1 ] && grep -q 'another weir-agent uses it' "$out"
point $? "a second agent is refused" "$out"
sed "s,/store,/store2," "$config" >"$TEST_DIR/second.yaml"
"$weir_agent" --config "$TEST_DIR/second.yaml" >"$out" 2>&1
[ $? = 1 ] && grep -q 'another weir-agent answers' "$out"
point $? "also one with a store of its own" "$out"
for i in 1 2 3 4 5 6 7 8; do
    "$weir_agent" --config "$config" >"$TEST_DIR/second$i" 2>&1 &
    seconds[i]=$!
done
wait "${seconds[@]}"
weir status
point $? "eight at once leave the first its door" "$out"

"$weir" dp settings --control "$door" -o json >"$out" && json 'd["settings"]["policy"]["absent"] == "drop"'
point $? "its data plane passes nothing of whom it was told no policy" "$out"
told 'd["data_plane"]["version"]["version"] == d["version"] and "other_version" not in d["data_plane"]' status &&
    weir status && grep -q "weir-dp $("$weir_agent" --version | sed 's/.* //')\$" "$out"
point $? "status tells its version" "$out"

# --- learns ---

greets app 10.9.0.2 8080 && greets app fd09::2 8080
point $? "in discover all passes"
told_soon 'len([f for f in d["flows"] if f["client"] == "app" and f["server"] == "web" and f["port"] == 8080
                and f["action"] == "learn"]) == 2' flows
point $? "and is recorded, once for both ends" "$out"
told '[(p["rule"]["from"], p["rule"]["to"], p["rule"]["ports"]) for p in d["proposals"]] == [(["app"], ["web"], ["tcp/8080"])]' policy learned
point $? "a rule is proposed" "$out"
told 'd["compared"]["differ"] >= 1 and d["compared"]["rows"][0]["is"] == "deny"' mode web protect --dry-run
point $? "a dry run tells what would be blocked" "$out"
guarded web discover tap
point $? "and changes nothing" "$out"
weir policy accept --all
point $? "the proposal becomes a rule" "$out"
told '[r["origin"] for r in d["rules"]] == ["learned"]' policy list
point $? "which is listed" "$out"
told 'd["proposals"] == []' policy learned
point $? "and proposed no more" "$out"
told 'd["compared"]["differ"] == 0' mode web protect --dry-run
point $? "now nothing would be blocked" "$out"

# --- enforces ---

weir mode web protect
point $? "protect, in force when the command ends" "$out"
guarded web protect inline && guarded app discover tap
point $? "each workload by its own mode" "$out"
greets app 10.9.0.2 8080 && greets app fd09::2 8080
point $? "what a rule allows passes, by both families"
at app ip neigh flush dev eth0
at web ip neigh flush dev eth0
greets app fd09::2 8080 && greets app 10.9.0.2 8080
point $? "also when the neighbours have to be found anew"
no_greeting app 10.9.0.2 8081 && no_greeting app fd09::2 8081
point $? "what none does is blocked"
! at app ping -q -n -c 1 -W 1 10.9.0.2 >"$out" && ! at app ping -q -n -c 1 -W 1 fd09::2 >"$out"
point $? "a ping is, too" "$out"
"$weir" capture web -c 1 --control "$door" tcp dst port 8081 >"$TEST_DIR/capture" 2>"$out" &
capture_pid=$!
children+=($!)
captured() { no_greeting app 10.9.0.2 8081 && [ -s "$TEST_DIR/capture" ]; }
wait_until 20 captured && wait $capture_pid && grep -q ' in  drop .* > 10.9.0.2:8081 tcp \[S\]' "$TEST_DIR/capture"
point $? "and seen by capture, by the workload's name" "$TEST_DIR/capture"
told_soon '[e for e in d["events"] if e["kind"] == "violation" and e["action"] == "deny" and e["port"] == 8081
            and e["client"] == "app" and e["server"] == "web"]' events
point $? "with an event" "$out"
weir explain app web --port 8080
point $? "explain: passes" "$out"
! weir explain app web --port 8081 && grep -q 'is dropped' "$out"
point $? "explain: is dropped, by the server's mode" "$out"
weir explain app web --port 8080 -o json && ! weir explain app web --port 8081 -o json && json 'd["explained"]'
point $? "with the same exit code in JSON" "$out"
told_soon '[r for r in d["rules"] if r.get("hits", 0) >= 2]' policy list
point $? "rules count their hits" "$out"
told 'd["flows"] and {f["rule"] for f in d["flows"]} == {10000} and not d["more"]' flows --rule 10000 &&
    told 'd["flows"] == []' flows --rule 9999
point $? "and what one decided is found by it" "$out"
told 'd["flows"] and {f["port"] for f in d["flows"]} == {8081}' flows --text TCP/8081 &&
    told 'd["events"] and all("8081" in e["text"] for e in d["events"])' events --text tcp/8081
point $? "or by a text" "$out"
told 'len(d["events"]) == 1 and d["more"] and d["before"] == d["events"][0]["number"]' events --limit 1 &&
    before=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["before"])' "$out") &&
    told "[e['number'] for e in d['events']] == [$before - 1]" events --limit 1 --before "$before"
point $? "page by page, back from the last" "$out"

# --- as code ---

weir export && cp "$out" "$TEST_DIR/policy.yaml" && weir diff -f "$TEST_DIR/policy.yaml"
point $? "what is exported differs in nothing" "$out"
cat >>"$TEST_DIR/policy.yaml" <<Y
- {id: 7, from: app, to: web, ports: [tcp/8081], action: allow, comment: by hand}
Y
! weir diff -f "$TEST_DIR/policy.yaml" && grep -q '^+ rule.*by hand' "$out"
point $? "diff tells what a file would change" "$out"
weir apply -f "$TEST_DIR/policy.yaml" && greets app 10.9.0.2 8081
point $? "applied, it is in force" "$out"
sed 's/action: allow, comment/action: alow, comment/' "$TEST_DIR/policy.yaml" >"$TEST_DIR/wrong.yaml"
! weir apply -f "$TEST_DIR/wrong.yaml" && grep -Eq "wrong.yaml:[0-9]+:[0-9]+.*(alow|action)" "$out"
point $? "a wrong one is refused with line and column" "$out"
told 'len(d["rules"]) == 2' policy list
point $? "and changes nothing" "$out"
weir policy delete 7 && no_greeting app 10.9.0.2 8081
point $? "a rule that is deleted counts no more" "$out"
told 'len(d["revisions"]) >= 4' policy history
point $? "history keeps the revisions" "$out"
told '[(r["what"], r["who"]) for r in d["revisions"][-2:]] ==
    [("a policy was applied: 1 rule added", "uid 0"), ("rule 7 was deleted", "uid 0")] and "by" not in d["revisions"][-1]' policy history &&
    cp "$out" "$TEST_DIR/history" && weir policy history && grep -q "uid 0 *rule 7 was deleted\$" "$out"
point $? "with who made each, and what was done" "$out"
cp "$TEST_DIR/history" "$out"
weir policy rollback --to "$(python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))["revisions"][-2]["revision"])' "$out")" &&
    greets app 10.9.0.2 8081
point $? "and rollback goes back to one" "$out"
weir policy delete 7
weir export && sed '/^rules:/a - {id: 21, from: app, to: web, ports: [tcp/8080], action: allow, side: client}' "$out" >"$TEST_DIR/side.yaml"
weir apply -f "$TEST_DIR/side.yaml" && greets app 10.9.0.2 8080 &&
    told_soon '[r for r in d["rules"] if r["id"] == 21 and r.get("hits", 0) == 1]' policy list
point $? "a rule of the client's side counts its hits, once, where both are guarded" "$out"
weir policy delete 21 && weir apply -f "$TEST_DIR/side.yaml" &&
    told '[r for r in d["rules"] if r["id"] == 21 and "hits" not in r]' policy list
point $? "another rule of its number begins anew" "$out"
weir policy delete 21
weir group set front --where name=app --mode monitor && wait_until 5 guarded app monitor tap
point $? "a group by selector, with a mode" "$out"
weir policy add --from front --to web --port tcp/8081 --action deny --id 9 && weir group delete front
[ $? = 1 ] && grep -qi 'rule' "$out"
point $? "a group that a rule speaks of stays" "$out"
weir policy delete 9 && weir group delete front
point $? "without it, it can go" "$out"

# --- a NetworkPolicy ---

cat >"$TEST_DIR/netpol.yaml" <<Y
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web-in, namespace: default}
spec:
  podSelector: {matchLabels: {nobody: here}}
  ingress: [{ports: [{port: 80}]}]
Y
weir apply -f "$TEST_DIR/netpol.yaml"
point $? "a NetworkPolicy is added" "$out"
told '10000 in [r["id"] for r in d["rules"]] and len([r for r in d["rules"] if r.get("origin") == "network-policy"]) == 3' policy list
point $? "beside the rules there are" "$out"
sed -i 's/port: 80/port: 81/' "$TEST_DIR/netpol.yaml"
weir apply -f "$TEST_DIR/netpol.yaml" &&
    told '[r["ports"] for r in d["rules"] if r.get("origin") == "network-policy" and r.get("ports")] == [["tcp/81"]]' policy list
point $? "and replaced by one of its name" "$out"
weir apply -f "$TEST_DIR/netpol.yaml" && grep -q 'nothing differs' "$out"
point $? "again, nothing differs" "$out"
python3 -c 'print("rules:"); [print(f"- {{id: {i}, from: any, to: any, ports: tcp/{i}, action: allow}}") for i in range(1, 2501)]' >"$TEST_DIR/many.yaml"
weir apply -f "$TEST_DIR/many.yaml" &&
    told '[r["id"] for r in d["rules"]] == list(range(1, 2501)) and d["total"] == 2500 and "next" not in d' policy list
point $? "of more rules than a page has all are listed" "$out"
weir apply -f "$TEST_DIR/policy.yaml" && weir policy delete 7
point $? "a whole policy is without it" "$out"

# --- a candidate ---

weir export && sed 's/tcp\/8080/tcp\/8090/' "$out" >"$TEST_DIR/candidate.yaml"
weir policy candidate -f "$TEST_DIR/candidate.yaml" && greets app 10.9.0.2 8080
point $? "a candidate blocks nothing" "$out"
told_soon '[e for e in d["events"] if "candidate: app -> web tcp/8080 would be blocked" in e["text"]]' events
point $? "but tells what it would" "$out"
weir policy candidate --off
point $? "and is forgotten" "$out"

# --- quarantine ---

weir quarantine app --why test && guarded app discover quarantine && no_greeting app 10.9.0.2 8080
point $? "a workload in quarantine is cut off" "$out"
stop_agent && start_agent && wait_until 5 guarded app discover quarantine
point $? "and stays so when the agent is started again" "$out"
weir quarantine app --off && greets app 10.9.0.2 8080
point $? "until that ends" "$out"

# --- comes and goes ---

workload late 4
wait_until 5 guarded late discover tap
point $? "a workload that comes later is watched" "$out"
ip -n late addr add 10.9.0.44/24 dev eth0
told_soon '[w for w in d["workloads"] if w["name"] == "late" and "10.9.0.44" in w["addresses"]]' ls
point $? "an address that comes later is seen" "$out"
# Addresses that come and go cost no compilation each: one in COMPILE_PAUSE_US, 100 ms.
compiled() { "$weir" status -o json | python3 -c '
import json, sys
print(json.load(sys.stdin)["policy"]["compiled"])'; }
flap() { # each change a little after the last
    local i what
    for i in $(seq 75); do
        for what in add del; do
            echo "addr $what 10.9.0.45/24 dev eth0"
            read -rt 0.012 <> <(:) || :
        done
    done
}
before=$(compiled)
begun=${EPOCHREALTIME/./}
flap | ip -n late -batch - &
flapping=$!
for i in 1 2 3 4 5; do
    # a command in between is not put off
    told 'd["in_force"]' policy add --from late --to web --port "tcp/900$i" || echo "command $i" >>"$TEST_DIR/put_off"
done
wait $flapping
ip -n late addr add 10.9.0.46/24 dev eth0
told_soon '[w for w in d["workloads"] if w["name"] == "late" and "10.9.0.46" in w["addresses"]]' ls
told_soon 'd["policy"]["in_force"]' status
took_ms=$(((${EPOCHREALTIME/./} - begun) / 1000))
n=$(($(compiled) - before))
echo "compiled $n times in $took_ms ms" >"$out"
# 5 for the commands, 1 at once, 1 begun before
[ $n -gt 5 ] && [ $n -le $((took_ms / 100 + 7)) ] && [ ! -e "$TEST_DIR/put_off" ]
point $? "addresses that come and go do not keep it compiling" "$out"
ip netns del late
told_soon 'sorted(w["name"] for w in d["workloads"]) == ["app", "web"]' ls && wait_until 5 not_there hlate
point $? "one that goes is forgotten, and its port gone" "$out"

# one that no runtime knows, whose device has the number that br0 has here
unshare --net tail -f /dev/null &
elsewhere=$!
children+=($!)
other_net() { [ "$(readlink /proc/$elsewhere/ns/net)" != "$(readlink /proc/self/ns/net)" ]; }
wait_until 5 other_net
ip link add hbare type veth peer name eth0 index "$(ip -o link show br0 | cut -d: -f1)" netns $elsewhere
ip link set hbare master br0 up
nsenter -t $elsewhere -n sh -c 'ip addr add 10.9.0.9/24 dev eth0; ip link set eth0 up'
told_soon '[w["addresses"] for w in d["workloads"] if w["name"] == "hbare"] == [["10.9.0.9"]]' ls
point $? "a port that no runtime knows has its own addresses, not this host's" "$out"
nsenter -t $elsewhere -n ip addr add 10.9.0.10/24 dev eth0
told_soon '[w["addresses"] for w in d["workloads"] if w["name"] == "hbare"] == [["10.9.0.9", "10.9.0.10"]]' ls
point $? "and those that come later" "$out"
# then one does, in a group that is protected, and the data plane is slow
weir group set fresh --where name=fresh --mode protect
mapfile -t slow < <(pgrep -f -- "--control $door")
kill -STOP "${slow[@]}"
ip netns attach fresh $elsewhere
told_soon '[(w["mode"], p["doing"]) for w in d["workloads"] if w["name"] == "fresh" for p in w["ports"]] == [("protect", "hold")]' ls
point $? "one that is protected all at once is on hold until its policy is there" "$out"
kill -CONT "${slow[@]}"
wait_until 15 guarded fresh protect inline
point $? "... and goes on then" "$out"
weir group delete fresh
ip link del hbare
ip netns del fresh

# --- configuration ---

cp "$config" "$TEST_DIR/good.yaml"
echo 'guard: {on_failure: perhaps}' >>"$config"
kill -HUP $agent_pid
wait_until 5 grep -q 'weir.yaml:[0-9]*:[0-9]*:.*closed, open' "$TEST_DIR/agent.log" && told 'd["ok"]' status
point $? "a wrong configuration is refused with its place, and changes nothing" "$TEST_DIR/agent.log"
cp "$TEST_DIR/good.yaml" "$config"
echo 'guard: {exclude: [happ]}' >>"$config"
kill -HUP $agent_pid
told_soon '[w["state"] for w in d["workloads"] if w["name"] == "app"] == ["not diverted"]' ls
point $? "a right one is taken" "$out"
cp "$TEST_DIR/good.yaml" "$config"
kill -HUP $agent_pid
wait_until 5 guarded app discover tap
point $? "and back" "$out"
before=$(plane_pid)
kill -9 "$before"
plane_is_another() { plane_pid >"$out" && [ "$(cat "$out")" != "$before" ]; }
wait_until 10 plane_is_another && wait_until 10 guarded app discover tap
point $? "a data plane that dies is started again as before" "$TEST_DIR/agent.log"

# --- gives back ---

weir release app && told '[w["state"] for w in d["workloads"] if w["name"] == "app"] == ["released"]' ls
point $? "one workload is released" "$out"
weir divert app && wait_until 5 guarded app discover tap
point $? "and diverted again" "$out"
weir release --all && state | diff "$TEST_DIR/before" - >"$out"
point $? "release --all leaves the host as it was" "$out"
greets app 10.9.0.2 8081
point $? "and all passes"
weir divert --all && wait_until 5 guarded web protect inline && no_greeting app 10.9.0.2 8081
point $? "divert --all begins again" "$out"
weir release --all && stop_agent
point $? "the agent ends"
wait_until 5 no_plane
point $? "and its data plane, which nobody needs"

finish
