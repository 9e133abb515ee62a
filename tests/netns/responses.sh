#!/bin/bash
# Response rules: a violation has its workload quarantined for a time and captured,
# is marked for a webhook, or is suppressed; what was done is told, once, and does not
# go round in circles.
. "$(dirname "$0")/common_agent.sh"

try() { at web socat -T1 - "TCP:10.9.0.3:$1,connect-timeout=1" </dev/null >>"$TEST_DIR/log" 2>&1; }
events() { asked "[e for e in d['events'] if $1]" events '{"limit": 1000}'; }

bridge
workload web 2
workload app 3
cat >"$TEST_DIR/policy.yaml" <<'Y'
groups:
- {name: web, mode: protect}
responses:
- {id: 7, event: violation, conditions: [{field: port, value: 81}], actions: [{suppress: true}]}
- event: violation
  group: web
  conditions: [{field: port, op: '>=', value: 90}, {field: severity, op: '!=', value: critical}]
  actions: [{quarantine: {for: 8}}, {capture: {seconds: 5}}, {webhook: oncall}]
  comment: who comes near 90
- {event: violation, group: app, actions: [{webhook: never}]}
- {event: change, actions: [{webhook: changes}]}
Y
write_config "$netns_only"
start_agent && wait_until 5 guarded web discover tap
point $? "a workload" "$out"
weir apply -f "$TEST_DIR/policy.yaml" && wait_until 10 guarded web protect inline
point $? "a policy with responses" "$out"
weir export && grep -q 'who comes near 90' "$out" && cp "$out" "$TEST_DIR/again.yaml" && weir diff -f "$TEST_DIR/again.yaml"
point $? "exported, it is the same" "$out"
asked '[r["id"] for r in d["responses"]] == [7, 8, 9, 10] and all(r["fired"] == 0 for r in d["responses"] if r["id"] < 10)' responses
point $? "they have numbers" "$out"

try 80
asked_soon '[e for e in d["events"] if e["kind"] == "violation" and e["port"] == 80 and "webhooks" not in e]' events
point $? "who meets no condition is told as ever" "$out"
try 81
asked_soon '[r for r in d["responses"] if r["id"] == 7 and r["suppressed"] >= 1]' responses
point $? "one is suppressed" "$out"
! events 'e["kind"] == "violation" and e["port"] == 81'
point $? "and not told" "$out"
told '[w for w in d["workloads"] if w["name"] == "web" and w["state"] == "guarded"]' ls
point $? "nobody is quarantined" "$out"
try 90
asked_soon '[w for w in d["workloads"] if w["name"] == "web" and w.get("quarantined") == "response 8"]' ls
point $? "one has its workload quarantined" "$out"
asked_soon '[e for e in d["events"] if e["kind"] == "violation" and e["port"] == 90 and e["webhooks"] == ["oncall"]]' events
point $? "is marked" "$out"
asked_soon '[c for c in d["captures"] if c["name"] == "web" and c["by"] == "response 8"]' captures
point $? "and has it captured" "$out"
asked_soon '[e for e in d["log"] if e["response"] == 8 and e["done"] == ["quarantine", "capture", "webhook"] and
             e["kind"] == "response" and e["event"] == "violation"]' responses-log
point $? "the log tells" "$out"
weir response log && grep -q "response 8 to violation of web: quarantine, capture, webhook" "$out"
point $? "weir response log, too" "$out"
told_soon '[w for w in d["workloads"] if w["name"] == "web" and w["state"] == "guarded"]' ls
point $? "its time is over" "$out"
events 'e["kind"] == "change" and "its time is over" in e["text"]'
point $? "which is an event" "$out"
asked 'all(e.get("response") != 9 for e in d["log"])' responses-log
point $? "another group's rule has not fired" "$out"

weir response add violation --group web --if port=95 --quarantine --comment 'for ever'
point $? "weir response add" "$out"
asked '[r for r in d["responses"] if r["id"] == 11 and r["actions"] == [{"quarantine": True}]]' responses
point $? "adds one" "$out"
weir response delete 8 && weir response list && ! grep -q '90' "$out"
point $? "weir response delete" "$out"
try 95
asked_soon '[w for w in d["workloads"] if w["name"] == "web" and w.get("quarantined") == "response 11"]' ls
point $? "it acts" "$out"
stop_agent KILL
start_agent && wait_until 10 asked '[w for w in d["workloads"] if w["name"] == "web" and w.get("quarantined") == "response 11"]' ls
point $? "the quarantine outlives the agent" "$out"
asked 'd["error"]["at"] == "response.event"' response-set '{"response": {"event": "nothing", "actions": [{"suppress": true}]}}' &&
    asked 'd["error"]["at"] == "response.actions"' response-set '{"response": {"event": "threat", "actions": []}}' &&
    asked 'd["error"]["at"] == "response.actions[0].quarantine.for"' response-set \
        '{"response": {"event": "threat", "actions": [{"quarantine": {"for": 0}}]}}' &&
    asked 'd["error"]["at"] == "response.conditions[0].field"' response-set \
        '{"response": {"event": "threat", "conditions": [{"field": "raw", "value": 1}], "actions": [{"suppress": true}]}}' &&
    asked 'd["error"]["at"] == "after"' response-set '{"response": {"event": "threat", "actions": [{"suppress": true}]}, "after": 7}' &&
    asked 'd["error"]["code"] == "ENOENT"' response-delete '{"id": 99}' &&
    asked 'd["ok"]' response-delete '{"id": "7", "wait": false}'
point $? "what is wrong is refused, with its place" "$out"
asked '[r for r in d["responses"] if r["id"] == 10 and 1 <= r["fired"] <= 20 and not r["held_back"] > 1000]' responses
point $? "changes fire their rule, and what it does does not" "$out"
asked 'd["ok"]' rollback '{"to": 1, "wait": false}' && asked '[r["id"] for r in d["responses"]] == [7, 8, 9, 10]' responses
point $? "rollback has them" "$out"

finish
