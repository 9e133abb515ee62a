#!/bin/bash
# Captures that the agent makes: into a file of its own, which other programs read;
# within bounds; several at a time; and what becomes of them when the agent ends.
. "$(dirname "$0")/common_agent.sh"

capture() { # EXPRESSION over c, the capture $id
    asked "[c for c in d['captures'] if c['id'] == $id and ($1)]" captures
}
capture_soon() { wait_until 20 capture "$@"; }
start() { # ARGUMENTS: id is its number
    asked 'd["ok"]' capture-start "$1" && id=$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["capture"])' "$out")
}
files() { find "$TEST_DIR/store/captures" -name '*.pcapng' | wc -l; }

bridge
workload web 2
workload app 3
listen app 80
listen app 81
background app socat -u TCP-LISTEN:82,fork,reuseaddr OPEN:/dev/null # takes all
wait_until 10 listens app 82
write_config "$netns_only"
start_agent && wait_until 5 guarded web discover tap && wait_until 5 guarded app discover tap
point $? "two workloads" "$out"
asked 'd["captures"] == []' captures
point $? "no captures" "$out"
start '{"workload": "app", "seconds": 600, "filter": "tcp port 80"}'
point $? "one begins" "$out"
capture 'c["state"] == "running" and c["name"] == "app" and c["filter"] == "tcp port 80" and c["by"] == "uid 0"'
point $? "it is told of" "$out"
greeted() { greets web 10.9.0.3 80 && greets web 10.9.0.3 81 && capture 'c["frames"] >= 6 and c["bytes"] > 500'; }
wait_until 20 greeted
point $? "it counts frames" "$out"
weir capture get "$id" -w "$TEST_DIR/now.pcapng" && tcpdump -nr "$TEST_DIR/now.pcapng" >"$out" 2>&1 &&
    grep -q '10.9.0.3.80: Flags \[S\]' "$out"
point $? "what there is can be had while it runs" "$out"
weir capture stop "$id" && capture_soon 'c["state"] == "done" and c["ended"] >= c["started"] and c["lost"] == 0'
point $? "it is stopped" "$out"
weir capture get "$id" -w "$TEST_DIR/all.pcapng" && tcpdump -nr "$TEST_DIR/all.pcapng" >"$out" 2>&1 &&
    grep -q '10.9.0.3.80: Flags \[S\]' "$out" && ! grep -q '10.9.0.3.81' "$out"
point $? "tcpdump reads it: what the filter wanted, and nothing else" "$out"
[ "$(stat -c %s "$TEST_DIR/all.pcapng")" = "$(stat -c %s "$TEST_DIR/store/captures/$id.pcapng")" ] &&
    cmp "$TEST_DIR/all.pcapng" "$TEST_DIR/store/captures/$id.pcapng" && [ "$(stat -c %a "$TEST_DIR/store/captures/$id.pcapng")" = 600 ]
point $? "byte for byte"
python3 - "$TEST_DIR/all.pcapng" >"$out" 2>&1 <<'P'
import sys
data = open(sys.argv[1], "rb").read()
assert b"verdict=" in data and b"reason=" in data
P
point $? "with verdicts" "$out"
weir capture list && grep -q "done" "$out"
point $? "weir capture list" "$out"

asked 'd["error"]["at"] == "filter" and d["error"]["code"] == "EINVAL"' capture-start '{"workload": "app", "filter": "no such filter ("}' &&
    asked 'd["error"]["at"] == "seconds"' capture-start '{"workload": "app", "seconds": 3601}' &&
    asked 'd["error"]["at"] == "seconds"' capture-start '{"workload": "app", "seconds": 0}' &&
    asked 'd["error"]["at"] == "bytes"' capture-start '{"workload": "app", "bytes": 1}' &&
    asked 'd["error"]["code"] == "ENOENT"' capture-start '{"workload": "nobody"}' &&
    asked 'd["error"]["code"] == "ENOENT" and d["error"]["at"] == "id"' capture-stop '{"id": 999}' &&
    asked 'd["error"]["code"] == "ENOENT"' capture-read '{"id": 999}' &&
    asked 'd["error"]["code"] == "EINVAL"' capture-delete '{"id": "../1"}' &&
    asked 'd["data"] == "" and d["done"]' capture-read "{\"id\": $id, \"offset\": 99999999}"
point $? "what is wrong is refused" "$out"
[ "$(files)" = 1 ]
point $? "and leaves no file"

first=$id
start '{"workload": "app", "seconds": 1}' && capture_soon 'c["state"] == "done" and c["ended"] >= c["started"] + 1'
point $? "one ends by its time" "$out"
start '{"workload": "app", "bytes": 65536}'
at web timeout 30 socat -u OPEN:/dev/zero,readbytes=400000 TCP:10.9.0.3:82 >>"$TEST_DIR/log" 2>&1
capture_soon 'c["state"] == "done" and 65536 <= c["bytes"] < 65536 + 70000'
point $? "one by its bytes" "$out"
n=0
while [ $n -lt 8 ] && start '{"workload": "app", "seconds": 900}'; do n=$((n + 1)); done
[ $n = 8 ] && asked 'd["error"]["code"] == "EBUSY"' capture-start '{"workload": "web"}'
point $? "eight run at a time, no more" "$out"
weir status
point $? "and the agent answers" "$out"
weir capture delete "$id" && wait_until 10 asked "not [c for c in d['captures'] if c['id'] == $id]" captures &&
    wait_until 10 start '{"workload": "web", "seconds": 900}'
point $? "one that runs is deleted, and makes room" "$out"
ip netns del web
capture_soon 'c["state"] == "done"'
point $? "one ends with its workload" "$out"

stop_agent KILL
start_agent
point $? "the agent is killed, and begins again" "$out"
asked "len([c for c in d['captures'] if c['state'] == 'failed' and c['why'] == 'agent ended']) == 7 and
       [c for c in d['captures'] if c['id'] == $first and c['state'] == 'done' and c['frames'] >= 6]" captures
point $? "what ran has failed, what was done is done" "$out"
weir capture get "$first" -w "$TEST_DIR/again.pcapng" && cmp "$TEST_DIR/all.pcapng" "$TEST_DIR/again.pcapng"
point $? "and can still be had"
start '{"workload": "app", "seconds": 900}'
stop_agent && start_agent && capture 'c["state"] == "failed" and c["why"] == "agent ended"'
point $? "so has what ran when it was ended" "$out"
for id in $(python3 -c 'import json, sys; print(*[c["id"] for c in json.load(open(sys.argv[1]))["captures"]])' "$out"); do
    weir capture delete "$id"
done
asked 'd["captures"] == []' captures && [ "$(files)" = 0 ]
point $? "all are deleted" "$out"

finish
