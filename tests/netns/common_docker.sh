# shellcheck shell=bash
# A dockerd of the test's own, in the namespace of the test, with an image of
# busybox.
. "$SRC/tests/netns/common_runtimes.sh"

base=$TEST_DIR/docker
short=/run/docker.$$ # paths of sockets may not be long
socket=$short/docker.sock
export DOCKER_HOST=unix://$socket
image=weir/bb:1
docker_pid=

docker_answers() {
    curl -sf -m 5 --unix-socket "$socket" http://d/_ping >"$TEST_DIR/ping" 2>&1
}

start_docker() { # [OPTION]...
    dockerd -H "$DOCKER_HOST" --data-root "$base/data" --exec-root "$short/exec" \
        -p "$short/pid" "$@" >>"$TEST_DIR/dockerd.log" 2>&1 &
    docker_pid=$!
    children+=($!)
    wait_until 30 docker_answers
}

stop_docker() { # SIGNAL
    kill "-$1" $docker_pid && wait $docker_pid 2>>"$TEST_DIR/log"
    # Its containerd ended with it; who reaps that is not ours to say, and a
    # zombie's pid would make the next dockerd wait for it.
    rm -f "$short/pid" "$short/exec/containerd/containerd.pid"
}

need_docker() { # [OPTION]...: a dockerd with the image, or the test is skipped
    mkdir -p "$base" "$short"
    if ! start_docker "$@"; then
        skip "docker" "dockerd does not start: $(tail -1 "$TEST_DIR/dockerd.log")"
        finish
    fi
    busybox_root "$TEST_DIR/root"
    tar -C "$TEST_DIR/root" -c . | docker import - $image >"$out" 2>&1
}

run() { # NAME [OPTION]... [-- CMD]: a container that stays
    local name=$1 options=()
    shift
    while [ $# -gt 0 ] && [ "$1" != -- ]; do options+=("$1"); shift; done
    [ $# = 0 ] || shift
    [ $# -gt 0 ] || set -- tail -f /dev/null
    docker run -d --stop-signal KILL --name "$name" "${options[@]}" $image "$@" >"$out" 2>&1
}

pid_of() { # CONTAINER
    docker inspect -f '{{.State.Pid}}' "$1"
}

end_docker() { # its children, and mounts, that a killed one leaves
    local pid
    docker ps -aq 2>/dev/null | xargs -r docker rm -f >"$out" 2>&1
    end_children
    for pid in $(pgrep -f -- "--config $short/"; pgrep -f -- "-address $short/"); do
        kill -9 "$pid"
    done
}
