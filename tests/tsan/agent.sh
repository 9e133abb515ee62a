#!/bin/bash
# weir-agent's threads - main loop, data plane's, one for each runtime, and those of
# work that takes long - as ThreadSanitizer sees them, while workloads and policies
# come and go, signatures are loaded, proposals made, and the data plane is killed.
. "$SRC/tests/netns/common_agent.sh"

weir_agent=$BUILD_TSAN/src/agent/weir-agent
bridge
write_config "$netns_only"
start_agent
point $? "it starts" "$TEST_DIR/agent.log"
for i in 2 3 4 5 6 7; do
    workload "w$i" $i
    weir mode "w$i" protect --no-wait
    weir policy add --from w2 --to "w$i" --port "tcp/800$i" --no-wait
    weir ls && weir explain w2 "w$i" --port 80
done
listen w3 8003
greets w2 10.9.0.3 8003
point $? "what is allowed passes"
for i in $(seq 2000); do # a request so large that it is read aside
    echo "alert tcp any any -> any any (msg:\"m$i\"; content:\"word$i\"; sid:$i;)"
done >"$TEST_DIR/many.rules"
"$weir" rules load "$TEST_DIR/many.rules" >>"$TEST_DIR/log" 2>&1 &
loading=$!
for i in 2 3 4 5; do
    "$weir" policy learned >>"$TEST_DIR/log" 2>&1 &
    "$weir" policy add --from "w$i" --to w2 --port tcp/90 --no-wait >>"$TEST_DIR/log" 2>&1
    "$weir" ls >>"$TEST_DIR/log" 2>&1
done
wait $loading && told 'any(f["name"] == "many.rules" for f in d["files"])' rules status
point $? "signatures are loaded meanwhile" "$out"
kill -9 "$(plane_pid)"
weir explain w2 w3 --port 80 # asked of a data plane that is not there
wait_until 20 greets w2 10.9.0.3 8003
point $? "also by the next data plane" "$TEST_DIR/agent.log"
for i in 4 5 6 7; do ip netns del "w$i"; done
told_soon 'd["counts"]["workloads"] == 2' status
point $? "workloads go" "$out"
kill -HUP $agent_pid
weir release --all && stop_agent
point $? "it ends" "$TEST_DIR/agent.log"
! grep -A30 'WARNING: ThreadSanitizer' "$TEST_DIR/agent.log" >"$out"
point $? "no race" "$out"

finish
