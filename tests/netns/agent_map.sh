#!/bin/bash
# The map: who talked to whom is there a moment after it was recorded, with what
# became of it; what changed is told by a cursor; it outlives the agent; and what
# went through is told every ten seconds.
. "$(dirname "$0")/common_agent.sh"

bridge
workload web 2
workload app 3
workload idle 4
write_config "$netns_only"
start_agent && wait_until 5 guarded web discover tap
point $? "a watched workload" "$out"
asked 'd["whole"] and set(nodes) >= {"web", "app", "idle"} and not edges and d["left_out"] == 0 and
       nodes["idle"]["state"] == "guarded" and nodes["idle"]["kind"] == "workload" and
       nodes["idle"]["groups"] == ["idle"] and nodes["idle"]["mode"] == "discover"' map
point $? "who is here is on the map, without an edge" "$out"
listen app 80
greets web 10.9.0.3 80 && greets web 10.9.0.3 80
point $? "web asks app"
asked_soon '("web", "app") in edges and edges["web", "app"]["sessions"] == 2 and
            edges["web", "app"]["verdict"] == "allowed" and
            edges["web", "app"]["protos_ports"] == ["tcp/80"] and edges["web", "app"]["bytes"] >= 12 and
            edges["web", "app"]["first_seen"] <= edges["web", "app"]["last_seen"]' map
point $? "that is an edge" "$out"
next=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["next"])' "$out")
asked 'not d["whole"] and d["nodes"] == [] and d["edges"] == [] and d["gone"] == [] and d["next"] == '"$next" \
    map "{\"after\": $next}"
point $? "nothing changed since" "$out"
asked 'd["whole"]' map "{\"after\": $((next - 100000000000))}" && asked 'd["whole"]' map "{\"after\": $((next + 1000000))}"
point $? "who has a cursor of another agent is told all" "$out"

weir mode app protect
point $? "app is protected" "$out"
no_greeting web 10.9.0.3 80
point $? "and not reached"
asked_soon 'not d["whole"] and d["edges"] and d["edges"][0]["verdict"] == "denied" and d["edges"][0]["denied"] >= 1 and
            [n for n in d["nodes"] if n["name"] == "app" and n["mode"] == "protect"] and
            not [n for n in d["nodes"] if n["name"] == "idle"]' map "{\"after\": $next}"
point $? "that is what changed, and nothing else" "$out"
weir mode web protect
for there in 198.51.100.1 10.77.0.1; do
    at web socat -T1 - "TCP:$there:443,connect-timeout=1" </dev/null >>"$TEST_DIR/log" 2>&1
done
asked_soon '("web", "outside") in edges and edges["web", "outside"]["protos_ports"] == ["tcp/443"] and
            nodes["outside"]["kind"] == "outside" and nodes["10.77.0.1"]["kind"] == "address" and
            ("web", "10.77.0.1") in edges' map
point $? "the world is outside, what is local has an address" "$out"
now=$(date +%s)
asked '("web", "app") in edges and d["whole"] and edges["web", "app"]["verdict"] == "denied" and "idle" not in nodes and
       0 < d["recorded"]["first"] <= d["recorded"]["last"]' map "{\"since\": $((now - 3600)), \"until\": $now}"
point $? "history has it, too" "$out"
asked 'd["edges"] == [] and d["whole"]' map "{\"since\": $((now - 90000)), \"until\": $((now - 80000))}"
point $? "and a day ago there was nothing" "$out"
! asked 'd["ok"]' map '{"since": 20, "until": 10}' && asked 'd["error"]["at"] == "until"' map '{"since": 20, "until": 10}'
point $? "until is after since" "$out"

next=$(python3 "$(dirname "$0")/ask.py" map | python3 -c 'import json, sys; print(json.load(sys.stdin)["next"])')
ip netns del idle
asked_soon '[g for g in d["gone"] if g.get("node")] and not d["whole"]' map "{\"after\": $next}"
point $? "who went without having talked is gone" "$out"
ip netns del app
asked_soon 'nodes["app"]["state"] == "gone" and ("web", "app") in edges' map
point $? "who talked is still told of" "$out"

asked_soon 'd["step"] == 10 and d["points"] and sum(p["frames"] for p in d["points"]) > 0 and
            sum(p["bytes"] for p in d["points"]) > 0 and sum(p["violations"] for p in d["points"]) >= 1' throughput
point $? "what went through is told" "$out"
asked 'd["points"] == []' throughput "{\"since\": $(($(date +%s) + 100))}"
point $? "as of a time" "$out"

stop_agent
point $? "the agent ends"
start_agent
point $? "and begins again" "$out"
asked '("web", "app") in edges and edges["web", "app"]["verdict"] == "denied" and edges["web", "app"]["sessions"] >= 2' map
point $? "with the map it had" "$out"
wait_until 40 asked '("web", "10.77.0.1") in edges' map
point $? "all of it" "$out"
stop_agent KILL
start_agent && asked '("web", "app") in edges' map
point $? "also one that was killed" "$out"

finish
