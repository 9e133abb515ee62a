#!/bin/bash
# What src/runtime tells of containers of a real Podman, by its service's
# Docker-like API; all in the namespace of this test:
#
#   podman run ─▶ events.log ─▶ podman system service ── api.sock ── runtime_news
#
# Podman's containers have no daemon: they go on while the service is away.
. "$SRC/tests/netns/common_podman.sh"

trap end_podman EXIT
need_podman

# --- there before, comes later ---

run early --network none
start_news podman="$socket"
check "a container that was there is in the list" \
    '[n["news"] for n in news[:2]] == ["up", "list"] and told("listed") == 1 and "early" in now'
tells "now['early']['ino'] == $(netns_of "$(pid_of early)")"
point $? "with its network namespace" "$told"
run web -l com.docker.compose.service=web -l com.docker.compose.project=shop \
    --expose 80 -- httpd -f -p 80
check "a container that comes is told" '"web" in now'
check "labels, compose's names, ports, image" \
    '(lambda a: a["service"] == "web" and a["namespace"] == "shop" and a["ports"] == ["tcp/80"]
      and a["image"] == "localhost/weir/bb:1" and a["state"] == "running" and a["runtime"] == "podman"
      and a["started"] > 1700000000)(now["web"]["about"])'
run side --network container:web
check "one that shares its namespace points to the same" \
    'now["side"]["ino"] == now["web"]["ino"] != now["early"]["ino"] != 0'
run hosted --network host
check "the host's network is none of its own" \
    'now["hosted"]["ino"] == 0 and now["hosted"]["about"]["host_network"]'
run bridged
check "one on podman's bridge" 'now["bridged"]["ino"] not in (0, now["web"]["ino"])'

# --- changes ---

pod pause web >"$out"
check "paused" 'now["web"]["about"]["state"] == "paused"'
pod unpause web >"$out"
check "and running again" 'now["web"]["about"]["state"] == "running"'
pod rename bridged bridge >"$out"
check "renamed" '"bridge" in now and "bridged" not in now'
before=$(wc -l <"$told")
pod exec web true
run marker --network none
check "a process within that ends is no news" "'marker' in now and len(news) == $before + 1"

# --- ends ---

kill -9 "$(pid_of early)"
check "killed: gone" '"early" not in now and told("gone", "early") == 1'
pod rm -f -t 0 marker >"$out"
check "removed: gone" '"marker" not in now'
for i in $(seq 10); do
    pod run --rm --network none $image true >>"$TEST_DIR/quick" 2>&1 &
    quick[i % 3]=$!
    [ $((i % 3)) != 0 ] || wait "${quick[@]}"
done
wait "${quick[@]}"
check "10 that ended at once leave nothing" 'set(now) == {"web", "side", "hosted", "bridge"}'
tells 'not told("unreadable")'
point $? "and were no riddle" "$told"

# --- the service goes and comes; its containers go on ---

stop_service TERM
check "the service ended: down" 'news[-1]["news"] == "down"'
pod rm -f -t 0 side >"$out"
run next --network none
start_service
check "it is back: what is now, is listed" \
    'told("listed") == 2 and set(now) == {"web", "hosted", "bridge", "next"}' 20
stop_service KILL
check "the service killed: down" 'news[-1]["news"] == "down"'
rm -f "$socket"
start_service
run late --network none
check "it is back, and followed" 'told("listed") == 3 and "late" in now' 20
kill -STOP $service_pid
stop_news
point $? "the end does not wait for a runtime that hangs"
kill -CONT $service_pid
finish
