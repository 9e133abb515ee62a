#!/bin/bash
# What src/runtime tells of containers of a real containerd, in two of its
# namespaces, "blue" and "k8s.io"; the network namespaces are made by this test:
#
#   containerd ── c.sock (gRPC) ── runtime_news ── told ── runtime_state.py
#
# Tasks that were there before, that come and go, share a namespace, pause, exec
# and are killed; a containerd that is restarted, killed, stopped.
. "$SRC/tests/netns/common_containerd.sh"

run() { # NAMESPACE NAME [OPTION]... [-- CMD]: a task that stays
    local namespace=$1 name=$2 options=()
    shift 2
    while [ $# -gt 0 ] && [ "$1" != -- ]; do options+=("$1"); shift; done
    [ $# = 0 ] || shift
    [ $# -gt 0 ] || set -- /bin/tail -f /dev/null
    ctr -n "$namespace" run -d "${options[@]}" $image "$name" "$@" >"$out" 2>&1
}

pid_of() { # NAMESPACE NAME
    ctr -n "$1" task ls | awk -v name="$2" '$1 == name { print $2 }'
}

trap end_containerd EXIT

containerd_config 'disabled_plugins = ["io.containerd.grpc.v1.cri"]'
if ! start_containerd; then
    skip "containerd" "it does not start: $(tail -1 "$TEST_DIR/containerd.log")"
    finish
fi
busybox_root "$TEST_DIR/root"
make_image "$TEST_DIR/image.tar"
for namespace in blue k8s.io; do
    ctr -n $namespace images import "$TEST_DIR/image.tar" >"$out" 2>&1
done
for name in one two; do ip netns add $name; done

# --- there before ---

run blue early
start_news containerd="$socket"
check "a task that was there is in the list" \
    '[n["news"] for n in news[:2]] == ["up", "list"] and told("listed") == 1 and "early" in now'
tells "now['early']['ino'] == $(netns_of "$(pid_of blue early)") and now['early']['id'] == 'blue/early'"
point $? "with its network namespace" "$told"

# --- comes later ---

run blue web --with-ns network:/run/netns/one --label tier=front
check "a task that comes is told" '"web" in now'
check "labels, image" \
    '(lambda a: a["service"] == "web" and a["labels"]["tier"] == "front" and a["image"] == "docker.io/weir/bb:1"
      and a["state"] == "running" and a["runtime"] == "containerd" and a["containerd_namespace"] == "blue"
      and a["started"] > 1700000000)(now["web"]["about"])'
run blue side --with-ns network:/run/netns/one
check "one that shares its namespace points to the same" \
    'now["side"]["ino"] == now["web"]["ino"] and now["side"]["pid"] != now["web"]["pid"]'
tells "now['web']['ino'] == $(stat -Lc %i /run/netns/one)"
point $? "which is the one that was given" "$told"
run blue hosted --net-host
check "the host's network is none of its own" \
    'now["hosted"]["ino"] == 0 and now["hosted"]["about"]["host_network"]'
run k8s.io 0123 --with-ns network:/run/netns/two \
    --label io.kubernetes.container.name=app --label io.kubernetes.pod.namespace=shop \
    --label io.kubernetes.pod.name=cart-6d4cf56db6-x2x9z
check "a pod's container, in another namespace" \
    '(lambda n: n["id"] == "k8s.io/0123" and n["about"]["service"] == "cart" and n["about"]["namespace"] == "shop"
      and n["about"]["pod"] == "cart-6d4cf56db6-x2x9z")(now["app"])'
run k8s.io 4567 --with-ns network:/run/netns/two \
    --annotation io.kubernetes.cri.container-name=helper \
    --annotation io.kubernetes.cri.sandbox-namespace=shop \
    --annotation io.kubernetes.cri.sandbox-name=cart-6d4cf56db6-x2x9z
check "annotations tell the same" \
    '(lambda a: a["service"] == "cart" and a["namespace"] == "shop")(now["helper"]["about"])'

# --- changes ---

ctr -n blue task pause web
check "paused" 'now["web"]["about"]["state"] == "paused"'
ctr -n blue task resume web
check "and running again" 'now["web"]["about"]["state"] == "running"'
before=$(wc -l <"$told")
ctr -n blue task exec --exec-id x1 web /bin/true
ctr -n blue task exec --exec-id x2 web /bin/sh -c 'exit 3'
run blue marker
check "a process within that ends is no news" "'marker' in now and len(news) == $before + 1"
ctr -n blue container label marker tier=back >"$out"
check "a new label" 'now["marker"]["about"]["labels"]["tier"] == "back"'

# --- ends ---

kill -9 "$(pid_of blue early)"
check "killed: gone" '"early" not in now and told("gone", "early") == 1'
ctr -n blue task kill -s KILL marker
check "ended: gone" '"marker" not in now'
for i in $(seq 30); do
    ctr -n blue run --rm $image "quick$i" /bin/true >>"$TEST_DIR/quick" 2>&1 &
    quick[i % 6]=$!
    [ $((i % 6)) != 0 ] || wait "${quick[@]}"
done
check "30 that ended at once leave nothing" \
    'set(now) == {"web", "side", "hosted", "app", "helper"}'
tells 'not told("unreadable")'
point $? "and were no riddle" "$told"

# --- containerd goes and comes; its tasks go on ---

stop_containerd TERM
check "containerd ended: down" 'news[-1]["news"] == "down"'
start_containerd
check "it is back: the same is listed" \
    'told("listed") == 2 and set(now) == {"web", "side", "hosted", "app", "helper"}' 20
run blue next
check "and what starts is told" '"next" in now'
next=$(pid_of blue next)
stop_containerd KILL
check "containerd killed: down" 'news[-1]["news"] == "down"'
kill -9 "$next"
start_containerd
check "it is back: what ended meanwhile is gone" \
    'told("listed") == 3 and set(now) == {"web", "side", "hosted", "app", "helper"}' 20
kill -STOP $containerd_pid
stop_news
point $? "the end does not wait for a runtime that hangs"
start_news containerd="$socket"
check "one that hangs is down" \
    'news[0]["news"] == "down" and "hangs" in news[0]["text"]' 20
kill -CONT $containerd_pid
check "until it goes on" '"web" in now' 20
stop_news
point $? "ends in time"
finish
