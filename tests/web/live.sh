#!/bin/bash
# The story a new user plays, in a browser, with nothing made up: a running agent with
# its data plane, weir-api in front of it, and two workloads that talk.
#
#   web 10.9.0.2 ┐                 ┌ weir-agent ── weir-dp
#                ├ br0 (this test) ┤
#   app 10.9.0.3 ┘                 └ weir-api 127.0.0.1 ── Chromium
. "$(dirname "$0")/../netns/common_agent.sh"
. "$(dirname "$0")/common_web.sh"

bridge
workload web 2
workload app 3
# says hello, and then what it hears: such a connection stays open
background web socat "TCP6-LISTEN:8080,fork,reuseaddr,ipv6only=0" SYSTEM:'echo hello; cat'
wait_until 10 listens web 8080
listen web 8081
write_config "$netns_only"
start_agent || { echo "Bail out! the agent does not start"; sed 's/^/# /' "$TEST_DIR/agent.log"; exit 1; }
wait_until 5 guarded web discover tap && wait_until 5 guarded app discover tap

"$BUILD/src/api/weir-api" --user root --listen 127.0.0.1:8787 --web "$WEB" --socket "$WEIR_SOCKET" \
    --state "$TEST_DIR/api" >"$TEST_DIR/api.log" 2>&1 &
children+=($!)
link() { grep -o 'http://[^ ]*token=[^ ]*' "$TEST_DIR/api.log" >"$TEST_DIR/link"; }
wait_until 20 link || { echo "Bail out! weir-api prints no link"; sed 's/^/# /' "$TEST_DIR/api.log"; exit 1; }

run live "$(head -1 "$TEST_DIR/link")"
status=$?
sed 's/token=.*//' "$TEST_DIR/api.log" >"$TEST_DIR/api.txt"
exit $status
