#!/bin/bash
# The agent beside a real containerd, whose tasks are in namespaces of a bridge:
# they have their names and labels, and what is protected is.
#
#   app 10.9.0.3 ── br0 ── 10.9.0.2 web      weir-agent ◀── containerd
. "$SRC/tests/netns/common_containerd.sh"
. "$SRC/tests/netns/common_agent.sh"

end() {
    kill_agent
    end_containerd
}
trap end EXIT

# Tasks' cgroups are /NAMESPACE/TASK: not in blue, which is runtimes_containerd's.
task() { # NAME [OPTION]...: in the network namespace NAME
    ctr -n green run -d --with-ns "network:/run/netns/$1" "${@:2}" $image "$1" /bin/tail -f /dev/null >"$out" 2>&1
}

containerd_config 'disabled_plugins = ["io.containerd.grpc.v1.cri"]'
if ! start_containerd; then
    skip "containerd" "it does not start: $(tail -1 "$TEST_DIR/containerd.log")"
    finish
fi
busybox_root "$TEST_DIR/root"
make_image "$TEST_DIR/image.tar"
ctr -n green images import "$TEST_DIR/image.tar" >"$out" 2>&1
bridge
workload web 2
workload app 3
listen web 80
listen web 81
task web --label tier=back
write_config "runtimes: [{kind: containerd, path: $socket}]"
start_agent
wait_until 10 guarded web discover tap
point $? "a task that was there is found" "$out"
wait_until 10 told '"link:happ" in [w["id"] for w in d["workloads"]]' ls
point $? "a device whose task is not there yet is known by its name" "$out"
task app --label com.docker.compose.service=front --label com.docker.compose.project=shop
wait_until 10 guarded app discover tap && told 'sorted(w["name"] for w in d["workloads"]) == ["app", "web"]' ls
point $? "until it comes" "$out"
told 'sorted(w["groups"] for w in d["workloads"]) == [["front.shop"], ["web"]]' ls
point $? "labels say what it is one of" "$out"
weir group set backs --where label.tier=back --mode protect &&
    weir policy add --from front.shop --to backs --port tcp/80 && wait_until 10 guarded web protect inline
point $? "a group by label is protected" "$out"
wait_until 5 greets app 10.9.0.2 80 && no_greeting app 10.9.0.2 81 && greets app fd09::2 80
point $? "and only what a rule allows passes" "$out"
stop_containerd KILL
greets app 10.9.0.2 80 && no_greeting app 10.9.0.2 81 && guarded web protect inline
point $? "also when containerd is killed" "$out"
start_containerd && told_soon '[s["up"] for s in d["runtimes"]] == [True]' status
ctr -n green task kill -s KILL app
wait_until 10 told '"app" not in [w["name"] for w in d["workloads"]]' ls
point $? "a task that ends is forgotten" "$out"
stop_agent
point $? "the agent ends" "$TEST_DIR/agent.log"
finish
