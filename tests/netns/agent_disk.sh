#!/bin/bash
# What befalls the agent's disk: it fills, also before a start; its file is
# damaged; the agent is killed while it saves. What is enforced, and what the
# user said, is as it was.
. "$(dirname "$0")/common_agent.sh"

store=$TEST_DIR/store
state_has() { told "'$1' in d['records']['state']" status; }
all_well() { told 'd["records"]["state"] == ""' status; }
allowed_only() { greets app 10.9.0.2 8080 && no_greeting app 10.9.0.2 8081; }
rule_ids() { "$weir" policy list -o json | python3 -c '
import json, sys
print(*sorted(r["id"] for r in json.load(sys.stdin)["rules"]))'; }
fill() { # all but so many KiB
    local free
    free=$(df --output=avail -k "$store" | tail -n 1)
    [ "$free" -le "$1" ] || fallocate -l "$((free - $1))K" "$store/filler.$RANDOM$RANDOM"
}
fails() { # makes something to record, until it is told that this fails
    no_greeting app 10.9.0.2 8081 && state_has 'fails since'
}

bridge
workload web 2
workload app 3
listen web 8080
listen web 8081
mkdir "$store"
mount -t tmpfs -o size=32m none "$store"
write_config "$netns_only"
start_agent
point $? "the agent starts" "$TEST_DIR/agent.log"
weir policy add --from app --to web --port tcp/8080 && weir mode web protect && allowed_only
point $? "a policy is in force" "$out"

# --- full ---

fill 64
wait_until 60 fails
point $? "a full disk: status says that nothing is recorded, and since when" "$out"
allowed_only
point $? "what is enforced is as it was"
weir policy add --id 77 --from app --to web --port tcp/8081 && greets app 10.9.0.2 8081
point $? "the policy can still be changed" "$out"
fill 0
stop_agent
point $? "it ends" "$TEST_DIR/agent.log"
# its end and the next one's beginning give back what the log of changes took
still_full() { fill 0 && greets app 10.9.0.2 8080 && state_has 'fails since'; }
fill 0
start_agent && greets app 10.9.0.2 8080 && greets app 10.9.0.2 8081 && wait_until 60 still_full
point $? "the next one begins on a full disk, with the policy" "$out"
rm "$store"/filler.*
weir policy delete 77 && allowed_only
point $? "and takes a change" "$out"
wait_until 30 all_well
point $? "with room again all is recorded" "$out"
no_greeting app 10.9.0.2 8081
told_soon '[f for f in d["flows"] if f["violations"] and f["port"] == 8081]' flows --violations
point $? "what is blocked then, too" "$out"

# --- damaged ---

before=$(rule_ids)
stop_agent
dd if=/dev/urandom of="$store/weir.db" bs=4096 count=8 seek=1 conv=notrunc status=none
start_agent && state_has weir.db.damaged-1 && [ "$(rule_ids)" = "$before" ] && allowed_only
point $? "a damaged file is moved aside, the policy is as it was" "$out"
[ -s "$store/weir.db.damaged-1" ]
point $? "and it is kept"
stop_agent
rm "$store"/weir.db*
start_agent && [ "$(rule_ids)" = "$before" ] && allowed_only
point $? "nor is it lost with the whole file" "$out"

# --- killed ---

saved() { [ "$(wc -l <"$TEST_DIR/saved")" -ge "$1" ]; }
lost=0
for round in 1 2 3 4 5; do
    : >"$TEST_DIR/saved"
    (
        for id in $(seq $((round * 100)) $((round * 100 + 99))); do
            "$weir" policy add --id "$id" --from app --to web --port "tcp/$id" --no-wait \
                >>"$TEST_DIR/log" 2>&1 || break
            echo "$id" >>"$TEST_DIR/saved"
        done
    ) &
    adding=$!
    children+=($adding)
    wait_until 20 saved $((round * 3))
    stop_agent KILL
    wait $adding
    start_agent
    rule_ids | tr ' ' '\n' | sort >"$TEST_DIR/there"
    missing=$(sort "$TEST_DIR/saved" | comm -23 - "$TEST_DIR/there" | tr '\n' ' ')
    [ -z "$missing" ] || { lost=1 && echo "round $round: $missing" >>"$TEST_DIR/missing"; }
done
[ $lost = 0 ]
point $? "no rule that was accepted is lost when the agent is killed" "$TEST_DIR/missing"
stop_agent
point $? "it ends" "$TEST_DIR/agent.log"
finish
