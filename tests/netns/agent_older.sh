#!/bin/bash
# An agent that finds a data plane of another version, which knows less than it
# should: it uses it, guards as well as that one can, and says so.
. "$(dirname "$0")/common_agent.sh"

# another version's: its name is another, and it knows neither policy.absent nor
# what detection is told and tells
python3 - "$weir_dp" "$TEST_DIR/weir-dp" <<'P'
import subprocess, sys
version = subprocess.run([sys.argv[1], "--version"], capture_output=True, check=True).stdout.split()[1]
text = open(sys.argv[1], "rb").read()
older = text.replace(b"\0" + version + b"\0", b"\0" + b"9" * len(version) + b"\0").replace(b"\0absent\0", b"\0absenT\0")
assert older != text
for name in b"weir_findings", b"weir_rules", b"weir_detection", b"weir_hand_over":
    assert b"\0" + name + b"\0" in older
    older = older.replace(b"\0" + name + b"\0", b"\0" + name[:-1] + b"Z\0")
open(sys.argv[2], "wb").write(older)
P
chmod 755 "$TEST_DIR" "$TEST_DIR/weir-dp"

bridge
workload web 2
workload app 3
listen web 8080
listen web 8081
write_config "$netns_only"
"$TEST_DIR/weir-dp" --listen "" --notify "" --control "$door" 2>"$TEST_DIR/dp.log" &
older=$!
children+=($!)
wait_until 10 "$weir" dp version --control "$door" >"$out" 2>&1
start_agent
point $? "the agent uses the data plane that is there" "$TEST_DIR/agent.log"
told 'd["data_plane"]["other_version"] and not d["data_plane"]["version"]["drops_untold"]
    and d["data_plane"]["version"]["version"] != d["version"]' status
point $? "status: it is another version" "$out"
weir status && grep -q 'another version than the agent' "$out"
point $? "... and for people" "$out"
told 'd["detection"]["signatures"]["state"] == d["detection"]["sensors"]["state"] == "unknown"' status &&
    weir status && grep -q "^detection .*an older data plane" "$out"
point $? "it cannot look for signatures and sensors, and that is told" "$out"
weir policy add --from app --to web --port tcp/8080 --action allow && weir mode web protect &&
    greets app 10.9.0.2 8080 && no_greeting app 10.9.0.2 8081
point $? "it protects" "$out"
kill $older
told_soon 'd["data_plane"]["up"] and "other_version" not in d["data_plane"] and d["policy"]["in_force"] and
    d["detection"]["signatures"]["state"] == d["detection"]["sensors"]["state"] == "in force"' status
point $? "when that one ends, the agent's own is started" "$out"
greets app 10.9.0.2 8080 && no_greeting app 10.9.0.2 8081
point $? "... and protects" "$out"
stop_agent
point $? "the agent ends" "$TEST_DIR/agent.log"
finish
