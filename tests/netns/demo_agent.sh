#!/bin/bash
# `weir demo` plays to the end with each runtime that can run here, leaves nothing
# behind in any case, and bears to be interrupted, killed and kept.
#
#   this test ── weir demo ── first process of a PID namespace ── story
#                                 │ own network, mounts, /run
#                                 ├ dockerd, containerd, containers
#                                 └ weir-agent ── weir-dp
own_processes=1
. "$(dirname "$0")/lib.sh"

# Everything a demo could leave where it was called.
world() {
    ip -o link | sed 's/@.*//; s/<.*//'
    find /run -mindepth 1 ! -path /run/netns
    cat /proc/self/mounts
    ls -d /sys/fs/cgroup/weir-demo-* /sys/fs/cgroup/*/weir-demo-* /etc/docker /etc/containers /var/lib/docker 2>/dev/null
    ls /dev/shm /sys/fs/bpf/weir 2>/dev/null
    pgrep -af "^weir-demo|$BUILD/src/(cli|agent|dp)/weir|/run/demo/|httpd -f -p 80 -h /www"
}

clean() { # NAME: all is as it was at first
    as_before() { world | diff "$TEST_DIR/before" - >"$TEST_DIR/differs"; }
    wait_until 5 as_before
    point $? "$1" "$TEST_DIR/differs"
}

reaches() { # STEP PID: waits for its heading, or for the end of the demo
    local pid=$2
    there() { grep -q "^ *$1 " "$out" || ! kill -0 "$pid" 2>/dev/null; }
    wait_until 90 there "$1"
}

begin() { # OPTION...: in the background, in $pid
    : >"$out"
    "$weir" demo "$@" >"$out" 2>&1 &
    pid=$!
    children+=($pid)
}

world >"$TEST_DIR/before"

# --- to the end ---

can=()
for runtime in docker podman namespaces; do
    as=text
    [ $runtime != namespaces ] || as=json
    "$weir" demo --runtime $runtime -o $as >"$out" 2>&1
    status=$?
    if [ $status = 1 ] && grep -q 'not installed here\|it ended at once\|does not answer: ' "$out"; then
        skip "with $runtime" "$(tail -1 "$out")"
    else
        point $status "with $runtime: plays to the end" "$out"
        can+=($runtime)
    fi
    clean "nothing is left of $runtime"
done
json 'd["ok"] and d["failed"] == 0 and all(c["ok"] for s in d["steps"] for c in s["checks"])
      and len(d["steps"]) == 9 and d["steps"][0]["runtime"] == "namespaces"'
point $? "one document, all checks passed" "$out"

# --- interrupted ---

for step in 1:${can[0]} 2:${can[0]} 4:namespaces 7:namespaces; do
    begin --runtime "${step#*:}"
    reaches "${step%:*}" $pid
    kill -INT $pid
    wait $pid
    [ $? = 1 ] && grep -q stopped "$out"
    point $? "stops when interrupted in step ${step%:*}" "$out"
    clean "nothing is left after step ${step%:*}"
done
grep -q 'violation  app -> web tcp/8080 blocked' "$out"
point $? "what is blocked is told" "$out"
! grep -q $'\033' "$out"
point $? "no colour where there is no terminal"
begin # whatever can run
reaches 2 $pid
grep -q "docker run\|podman run\|bare network" "$out"
point $? "without an option it takes what can run" "$out"
kill -KILL $pid
wait $pid 2>>"$TEST_DIR/log"
"$weir" demo --down >"$out"
clean "nothing is left when it is killed"
"$weir" demo --namespaces | head -n 3 >"$TEST_DIR/three"
[ "${PIPESTATUS[0]}" = 1 ]
point $? "stops when nobody reads on" "$TEST_DIR/three"
clean "nothing is left when nobody reads on"

# --- kept ---

mkdir "$TEST_DIR/web"
echo 'the pages' >"$TEST_DIR/web/index.html"
chmod 755 "$TEST_DIR" "$TEST_DIR/web"
WEIR_WEB=$TEST_DIR/web begin --namespaces --keep -o json
wait $pid
point $? "--keep plays" "$out"
kept() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["steps"][-1][sys.argv[2]])' "$TEST_DIR/kept" "$1"; }
cp "$out" "$TEST_DIR/kept"
export WEIR_SOCKET
WEIR_SOCKET=$(kept socket)
"$weir" ls -o json >"$out" && json '{w["name"]: w["mode"] for w in d["workloads"]} == {"web": "protect", "app": "discover"}'
point $? "its agent is asked from outside" "$out"
# The story has killed the agent and the data plane by then.
"$weir" flows -o json >"$out" && json 'd["flows"] and all(f["client"] == "app" and f["server"] == "web" for f in d["flows"])'
point $? "what was recorded over restarts is of both, by their names" "$out"
link=$(kept link)
site=${link%%/#*}
curl -sf -m 10 "$site/" >"$out" 2>&1 && grep -q 'the pages' "$out"
point $? "the web UI answers out here" "$out"
curl -sf -m 20 -c "$TEST_DIR/jar" -H 'Content-Type: application/json' "$site/api/v1/setup" \
    -d "{\"token\": \"${link##*token=}\", \"user\": \"me\", \"password\": \"as long as it takes\"}" >"$out" 2>&1 &&
    curl -sf -m 10 -b "$TEST_DIR/jar" "$site/api/v1/workloads" >"$out" 2>&1 && echo >>"$out" &&
    json '{w["name"]: w["mode"] for w in d["workloads"]} == {"web": "protect", "app": "discover"}'
point $? "its link makes a user, who sees both" "$out"
gets() { nsenter -t "$(kept pid)" -m -n ip netns exec app busybox timeout 2 wget -q -O - "http://$(kept web):$1/" >"$out" 2>&1; }
gets 80 && ! gets 8080 && "$weir" policy add --from app --to web --port tcp/8080 >"$out" && gets 8080
point $? "and told what to allow" "$out"
begin --namespaces
reaches 2 $pid
grep -q 'the agent has found both' "$out" && kill -INT $pid
point $? "another beside it is no trouble" "$out"
wait $pid
"$weir" demo --down >"$out" && grep -q '1 taken down' "$out"
point $? "--down takes down what was kept" "$out"
clean "nothing is left after --down"
"$weir" demo --down >"$out" && grep -q 'no demo was left' "$out"
point $? "then there is none" "$out"

# --- words ---

unshare --user "$weir" demo >"$out" 2>&1
[ $? = 1 ] && grep -q root "$out"
point $? "says that it needs root" "$out"
"$weir" demo --runtime lxc >"$out" 2>&1
[ $? = 2 ] && grep -q 'docker, podman or namespaces' "$out"
point $? "a wrong runtime is a usage error" "$out"
PATH=$TEST_DIR "$weir" demo --runtime docker >"$out" 2>&1
[ $? = 1 ] && grep -q 'needs dockerd, which is not installed' "$out"
point $? "what is not installed is named" "$out"
"$weir" demo --help | grep -q 'weir demo --down'
point $? "--help shows examples"

finish
