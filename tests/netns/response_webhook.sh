#!/bin/bash
# A response rule's webhook from end to end: a connection that the policy does not
# allow is an event of the agent, marked by a rule, and posted by weir-export to a
# server - that one, once, and nothing else.
#
#   web 10.9.0.2 ── hweb ┐
#   app 10.9.0.3 ── happ ├ br0 10.9.0.1 ─ agent ─ weir-export ── HTTP 127.0.0.1:8099
. "$(dirname "$0")/common_export.sh"

hooks=$TEST_DIR/hook.log
try() { no_greeting web 10.9.0.3 "$1"; }
# Of what was posted: a list p of {path, answer, body}; does EXPRESSION hold?
posted() { # EXPRESSION
    python3 - "$hooks" "$1" >"$out" 2>&1 <<'P'
import json, sys
p = [json.loads(x) for x in open(sys.argv[1])]
ports = [(x["path"], x["body"].get("dest_port")) for x in p if x["answer"] == "200"]
print(json.dumps(p, indent=1))
sys.exit(not eval("(" + sys.argv[2] + ")"))
P
}
posted_soon() { wait_until 60 posted "$1"; }

account
bridge
workload web 2
workload app 3
export WEIR_SOCKET=$dir/agent.sock
write_config "$netns_only"
sed -i 's/^control: {\(.*\)}/control: {\1, group: weir-export}/' "$config"
cat >"$TEST_DIR/policy.yaml" <<'Y'
groups:
- {name: web, mode: protect}
responses:
- {id: 1, event: violation, conditions: [{field: port, value: 99}], actions: [{suppress: true}]}
- {id: 2, event: violation, group: web, conditions: [{field: port, op: '>=', value: 90}], actions: [{webhook: oncall}]}
- {id: 3, event: violation, group: app, actions: [{webhook: never}]}
Y
start_agent && wait_until 10 guarded web discover tap
point $? "an agent and its workload" "$TEST_DIR/agent.log"
weir apply -f "$TEST_DIR/policy.yaml" && wait_until 10 guarded web protect inline
point $? "a policy with responses" "$out"
echo 503 >"$hooks.answer"
: >"$hooks"
server hook 127.0.0.1:8099 "$hooks"
serves() { ss -Hlnt "sport = :8099" | grep -q .; }
wait_until 20 serves
point $? "a server" "$TEST_DIR/log"
write_export "{name: oncall, kind: webhook, url: 'http://127.0.0.1:8099/oncall', allow_http: true}" \
    "{name: never, kind: webhook, url: 'http://127.0.0.1:8099/never', allow_http: true}" \
    "{name: chat, kind: webhook, url: 'http://127.0.0.1:8099/chat', allow_http: true, shape: teams, events: [violation]}"
run_export
output_soon eve 'o["state"] == "ok" and o["sent"] > 0'
point $? "weir-export" "$TEST_DIR/export.log"

try 80
try 99
try 90
told_event() { eve_has '.event_type == "alert" and .dest_port == 90'; }
wait_until 40 told_event && posted_soon 'any(x["path"] == "/oncall" and x["answer"] == "503" for x in p)'
point $? "a server that fails is asked" "$out"
echo 200 >"$hooks.answer"
posted_soon '("/oncall", 90) in ports and any(x["path"] == "/chat" and x["answer"] == "200" for x in p)'
point $? "... until it takes it" "$out"
posted 'all(x["body"]["event_type"] == "alert" and x["body"]["weir"]["workload"]["name"] == "web" and
    x["body"]["src_ip"] == "10.9.0.2" and x["body"]["dest_ip"] == "10.9.0.3" and x["body"]["alert"]["action"] == "blocked"
    for x in p if x["path"] == "/oncall")'
point $? "with what has happened" "$out"
posted 'any("10.9.0.3" in json.dumps(x["body"]) or "app" in json.dumps(x["body"]) for x in p if x["path"] == "/chat") and
    all(x["body"]["type"] == "message" for x in p if x["path"] == "/chat")'
point $? "and as a chat wants it" "$out"

stop_export
try 91
echo 307 >"$hooks.answer"
run_export
posted_soon 'any(x["path"] == "/oncall" and x["answer"] == "307" and x["body"]["dest_port"] == 91 for x in p)' &&
    output_soon oncall 'o["refused"] == 1 and o["waiting"] == 0'
point $? "what happened while weir-export was away is posted; one that sends elsewhere is given up" "$out"
echo 200 >"$hooks.answer"
try 92
posted_soon '("/oncall", 92) in ports'
point $? "and the next goes on" "$out"
posted 'sorted(x for x in ports if x[0] == "/oncall") == [("/oncall", 90), ("/oncall", 92)]'
point $? "each once, and none that no rule marks" "$out"
posted 'not any(x["path"] in ("/never", "/elsewhere") for x in p) and not any(x["body"].get("dest_port") == 99 for x in p)'
point $? "nothing to another webhook, or elsewhere, or of what is suppressed" "$out"
stop_export
point $? "it ends" "$TEST_DIR/export.log"
! grep -E "ERROR: (Address|Undefined|Leak)Sanitizer|runtime error" "$TEST_DIR/export.log" "$TEST_DIR/agent.log" >"$out"
point $? "and no sanitizer had to say anything" "$out"
finish
