#!/bin/bash
# What src/runtime tells of containers of a real dockerd, which runs in the
# namespace of this test:
#
#   dockerd ── docker.sock ── runtime_news ── told ── runtime_state.py
#
# Containers that were there before, that come and go, share a namespace, pause,
# are renamed or killed; a dockerd that is restarted, killed, stopped.
. "$SRC/tests/netns/common_docker.sh"

trap end_docker EXIT
need_docker

# --- there before ---

run early
start_news docker="$socket"
check "a container that was there is in the list" \
    '[n["news"] for n in news[:2]] == ["up", "list"] and told("listed") == 1 and "early" in now'
[ "$(netns_of "$(pid_of early)")" = "$(python3 -c "
import json
print([n['ino'] for n in map(json.loads, open('$told')) if n['news'] == 'found'][-1])")" ]
point $? "with its network namespace"

# --- comes later ---

run web -l com.docker.compose.service=web -l com.docker.compose.project=shop \
    -l tier=front --expose 80/tcp --expose 53/udp -- httpd -f -p 80
check "a container that comes is told" '"web" in now'
check "labels, compose's names, ports, image" \
    '(lambda a: a["service"] == "web" and a["namespace"] == "shop" and a["labels"]["tier"] == "front"
      and a["ports"] == ["tcp/80", "udp/53"] and a["image"] == "weir/bb:1" and a["state"] == "running"
      and a["runtime"] == "docker" and a["started"] > 1700000000)(now["web"]["about"])'
run side --network container:web
check "one that shares its namespace points to the same" \
    'now["side"]["ino"] == now["web"]["ino"] != now["early"]["ino"] != 0 and now["side"]["pid"] != now["web"]["pid"]'
run hosted --network host
check "the host's network is none of its own" \
    'now["hosted"]["ino"] == 0 and now["hosted"]["about"]["host_network"]'
run lonely --network none
check "no network is a namespace, too" 'now["lonely"]["ino"] != 0'

sandbox_of() { # CONTAINER: inode of the namespace that Docker made
    stat -Lc %i "$(docker inspect -f '{{.NetworkSettings.SandboxKey}}' "$1")"
}
elsewhere() { # CONTAINER
    [ "$(netns_of "$(pid_of "$1")")" != "$(sandbox_of "$1")" ]
}
run fled --cap-add SYS_ADMIN --security-opt seccomp=unconfined -- \
    unshare -n tail -f /dev/null
check "one whose first process is elsewhere" '"fled" in now'
tells "now['fled']['ino'] == $(sandbox_of fled)"
point $? "is where its interfaces are" "$told"
wait_until 5 elsewhere fled
point $? "which its first process is not"
docker pause fled >"$out"
check "and stays there" "now['fled']['about']['state'] == 'paused' and \
    now['fled']['ino'] == $(sandbox_of fled)"
docker rm -f fled >"$out"
check "it ends" '"fled" not in now'

# --- changes ---

docker pause web >"$out"
check "paused" 'now["web"]["about"]["state"] == "paused"'
docker unpause web >"$out"
check "and running again" 'now["web"]["about"]["state"] == "running" and told("found", "web") == 3'
docker rename lonely alone >"$out"
check "renamed" '"alone" in now and "lonely" not in now and now["alone"]["about"]["service"] == "alone"'
before=$(wc -l <"$told")
docker exec web true && docker exec web sh -c 'exit 3'
docker kill -s HUP early >"$out" 2>&1 # as pid 1 it ignores that
run marker
check "a process within that ends, and a signal, are no news" \
    "'marker' in now and 'early' in now and len(news) == $before + 1"

# --- ends ---

kill -9 "$(pid_of early)"
check "killed: gone" '"early" not in now and told("gone", "early") == 1'
docker restart -t 0 marker >"$out" 2>&1
# Its namespace is another one; the number of that may be the same, for the
# kernel gives numbers again.
check "restarted: told anew" \
    'len({n["pid"] for n in news if n["news"] == "found" and n["about"]["name"] == "marker"}) == 2 and "marker" in now'
check "with its namespace as it is" "now['marker']['ino'] == $(sandbox_of marker)"
docker rm -f marker >"$out"
check "removed: gone" '"marker" not in now'

# --- many at once ---

descriptors() { # of who is told; at most so many
    [ "$(ls "/proc/$news_pid/fd" | wc -l)" -le "$1" ]
}
had=$(ls "/proc/$news_pid/fd" | wc -l)

for i in $(seq 30); do
    docker run --rm --network none $image true >>"$TEST_DIR/quick" 2>&1 &
    quick[i % 6]=$!
    [ $((i % 6)) != 0 ] || wait "${quick[@]}"
done
wait "${quick[@]}"
check "30 that ended at once leave nothing" \
    'set(now) == {"web", "side", "hosted", "alone"}'
tells 'not told("unreadable")'
point $? "and were no riddle" "$told"
for i in $(seq 5); do
    begun=$(date +%s%3N)
    run "timed$i"
    ended=$(date +%s%3N)
    echo "$begun $(date -d "$(docker inspect -f '{{.State.StartedAt}}' "timed$i")" +%s%3N) $ended" \
        >>"$TEST_DIR/timed"
done
check "five more" 'all(f"timed{i}" in now for i in range(1, 6))'
wait_until 10 descriptors "$((had + 2))" # connections that are kept
point $? "no descriptor stays open"
python3 - "$told" "$TEST_DIR/timed" <<'P'
import json, sys
found = {n["about"]["name"]: n["ms"] for n in map(json.loads, open(sys.argv[1])) if n["about"]}
for i, line in enumerate(open(sys.argv[2]), 1):
    begun, started, ended = (int(t) - int(line.split()[0]) for t in line.split())
    print(f"# docker run: started after {started} ms, told after "
          f"{found[f'timed{i}'] - int(line.split()[0])} ms, back after {ended} ms")
P

# --- dockerd goes and comes ---

stop_docker TERM
check "dockerd ended: down" 'news[-1]["news"] == "down"'
start_docker
check "dockerd is back: listed, and nothing runs" \
    'told("up") == 2 and told("listed") == 2 and not now' 20
docker start web >"$out"
check "and what starts is told" '"web" in now'
stop_docker KILL
check "dockerd killed: down" 'told("listed") == 2 and news[-1]["news"] == "down"'
start_docker
check "dockerd is back" 'told("listed") == 3' 20
run late
check "and followed" '"late" in now' 20

# --- and hangs ---

kill -STOP $docker_pid
stop_news
point $? "the end does not wait for a runtime that hangs"
start_news docker="$socket" containerd="$short/exec/containerd/containerd.sock"
check "one that hangs is down" \
    'any(n["source"] == 0 and n["news"] == "down" and "hangs" in n["text"] for n in news)' 20
kill -CONT $docker_pid
check "until it goes on" 'any(n["source"] == 0 and n["about"]["name"] == "late" for n in by_id.values())' 20
id=$(docker inspect -f '{{.Id}}' late)
check "Docker's own containerd tells of the same namespace" "
    by_id[0, '$id']['ino'] == by_id[1, 'moby/$id']['ino'] != 0 and by_id[0, '$id']['pid'] == by_id[1, 'moby/$id']['pid']"
stop_news
point $? "ends in time"
tells '[n["text"] for n in news if n["news"] == "unreadable"] == []'
point $? "nothing was unreadable"
finish
