#!/bin/bash
# The agent beside a real podman: containers have their names, labels make groups,
# what is protected is, and who goes is forgotten.
#
#   app ── podman0 ── web      weir-agent ◀── podman's service
. "$SRC/tests/netns/common_podman.sh"
. "$SRC/tests/netns/common_agent.sh"

end() {
    kill_agent
    end_podman
}
trap end EXIT

address_of() { # CONTAINER
    pod inspect -f '{{.NetworkSettings.IPAddress}}' "$1"
}

inside() { # CONTAINER CMD...: in its network; becomes CMD
    local pid
    pid=$(pid_of "$1")
    exec nsenter --net="/proc/$pid/ns/net" "${@:2}"
}

serve() { # CONTAINER PORT: says "hello" to who connects
    inside "$1" socat "TCP4-LISTEN:$2,fork,reuseaddr" "$greeting" &
    children+=($!)
}

gets() { # PORT: app, from web
    (inside app socat -T1 - "TCP4:$web:$1,connect-timeout=1" </dev/null) >"$TEST_DIR/got" 2>&1
    grep -q hello "$TEST_DIR/got"
}
gets_not() { ! gets "$@"; }

need_podman
write_config "runtimes: [{kind: podman, path: $socket}]"
run early
start_agent
wait_until 10 guarded early discover tap
point $? "one that was there is found" "$out"
run web -l tier=back
run app -l com.docker.compose.service=front -l com.docker.compose.project=shop
wait_until 10 guarded web discover tap && wait_until 10 guarded app discover tap
point $? "so are those that come" "$out"
told 'sorted(w["groups"] for w in d["workloads"]) == [["early"], ["front.shop"], ["web"]]' ls
point $? "compose's labels say what it is one of" "$out"
web=$(address_of web)
told '["'"$web"'"] == [w["addresses"] for w in d["workloads"] if w["name"] == "web"][0]' ls
point $? "its address is podman's" "$out"
serve web 80
serve web 81
wait_until 5 gets 80 && wait_until 5 gets 81
point $? "all passes" "$TEST_DIR/got"
weir group set backs --where label.tier=back --mode protect
point $? "a group by label" "$out"
wait_until 10 guarded web protect inline
point $? "its workload is protected" "$out"
weir policy add --from front.shop --to backs --port tcp/80
point $? "with a rule" "$out"
wait_until 5 gets 80 && gets_not 81
point $? "which is all that passes" "$TEST_DIR/got"
pod pause web >>"$TEST_DIR/log" && wait_until 10 told '[w["about"]["state"] for w in d["workloads"] if w["name"] == "web"] == ["paused"]' ls
point $? "a pause is seen" "$out"
pod unpause web >>"$TEST_DIR/log"
pod rm -f -t 0 early app >>"$TEST_DIR/log" && wait_until 10 told '[w["name"] for w in d["workloads"]] == ["web"]' ls
point $? "who goes is forgotten" "$out"
stop_service TERM
pod rm -f -t 0 web >>"$TEST_DIR/log"
start_service
wait_until 20 told 'd["workloads"] == []' ls
point $? "also while the service is away" "$out"
stop_agent
point $? "the agent ends" "$TEST_DIR/agent.log"
finish
