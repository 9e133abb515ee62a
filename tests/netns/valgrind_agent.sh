#!/bin/bash
# weir-agent under valgrind: no byte that was not written is used, and none is lost,
# while workloads come, are protected, and go, rules are made and learned, and the
# data plane is killed.
. "$(dirname "$0")/common_agent.sh"

if ! command -v valgrind >"$out"; then
    skip "valgrind" "command -v valgrind"
    finish
fi
bridge
workload web 2
workload app 3
listen web 8080
# lax-ioctls: valgrind does not know NS_GET_NSTYPE, which takes no argument.
cat >"$TEST_DIR/weir-agent" <<E
#!/bin/sh
exec valgrind --quiet --fair-sched=yes --vgdb=no --num-callers=30 \\
    --sim-hints=lax-ioctls --suppressions="$SRC/tests/netns/valgrind_agent.supp" \\
    --leak-check=full --show-leak-kinds=definite,indirect \\
    --errors-for-leak-kinds=definite,indirect --error-exitcode=99 \\
    --log-file="$TEST_DIR/valgrind.%p" "$BUILD_RELEASE/src/agent/weir-agent" "\$@"
E
chmod +x "$TEST_DIR/weir-agent"
weir_agent=$TEST_DIR/weir-agent
docker=/run/docker-that-is-not-there.sock
write_config "runtimes: [{kind: netns, path: /run/netns}, {kind: docker, path: $docker}]"
start_agent
point $? "it starts" "$TEST_DIR/agent.log"
wait_until 20 guarded web discover tap && wait_until 20 guarded app discover tap
point $? "finds workloads" "$out"
greets app 10.9.0.2 8080
told_soon 'd["proposals"]' policy learned && weir policy accept --all && weir mode web protect &&
    wait_until 20 guarded web protect inline && greets app 10.9.0.2 8080
point $? "learns and protects" "$out"
weir export && cp "$out" "$TEST_DIR/policy.yaml" && weir diff -f "$TEST_DIR/policy.yaml" &&
    weir apply -f "$TEST_DIR/policy.yaml" && weir policy rollback --to 1 && weir explain app web --port 8080
point $? "takes a file, goes back, explains" "$out"
weir mode web protect
echo 'groups: [' >"$TEST_DIR/wrong.yaml"
! weir apply -f "$TEST_DIR/wrong.yaml" && ! weir policy delete 99 && weir quarantine app --why test &&
    weir quarantine app --off && weir hook netns app && weir events && weir flows && weir status
point $? "refuses, cuts off, tells" "$out"
workload late 4
wait_until 20 guarded late discover tap && ip netns del late
told_soon 'len(d["workloads"]) == 2' ls
point $? "one comes and goes" "$out"
before=$(plane_pid)
kill -9 "$before"
told_soon 'd["data_plane"]["up"] and d["policy"]["in_force"] and d["data_plane"]["version"]["pid"] != '"$before" status
point $? "starts another data plane" "$out"
kill -HUP $agent_pid
weir release --all
point $? "gives all back" "$out"
stop_agent
point $? "and ends" "$TEST_DIR/agent.log"
grep -hv '^--.*WARNING: unhandled eBPF command' "$TEST_DIR"/valgrind.* >"$out"
[ ! -s "$out" ]
point $? "valgrind found nothing" "$out"
finish
