# shellcheck shell=bash
# A podman of the test's own, in the namespace of the test, with an image of
# busybox; and its service, for who asks that.
. "$SRC/tests/netns/common_runtimes.sh"

base=$TEST_DIR/podman
short=/run/podman.$$ # paths of sockets, and of this, may not be long
socket=$short/api.sock
image=localhost/weir/bb:1
service_pid=

# cgroups in hybrid mode: runc. Limits as low as a test machine's root may set.
mkdir -p "$base" "$short"
cat >"$base/containers.conf" <<E
[containers]
default_ulimits = ["nofile=16384:16384", "nproc=4096:4096"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
events_logfile_path = "$base/events.log"
E
export CONTAINERS_CONF=$base/containers.conf
export CONTAINERS_STORAGE_CONF=$base/storage.conf
printf '[storage]\ndriver = "overlay"\nrunroot = "%s"\ngraphroot = "%s"\n' \
    "$short/run" "$base/root" >"$base/storage.conf"

pod() {
    podman --root "$base/root" --runroot "$short/run" --tmpdir "$short/tmp" \
        --runtime runc "$@"
}

answers() {
    curl -sf -m 5 --unix-socket "$socket" http://d/_ping >"$TEST_DIR/ping" 2>&1
}

start_service() {
    podman --root "$base/root" --runroot "$short/run" --tmpdir "$short/tmp" --runtime runc \
        system service --time 0 "unix://$socket" >>"$TEST_DIR/podman.log" 2>&1 &
    service_pid=$!
    children+=($!)
    wait_until 20 answers
}

stop_service() { # SIGNAL
    kill "-$1" $service_pid
    wait $service_pid 2>>"$TEST_DIR/log"
}

run() { # NAME [OPTION]... [-- CMD]: a container that stays
    local name=$1 options=()
    shift
    while [ $# -gt 0 ] && [ "$1" != -- ]; do options+=("$1"); shift; done
    [ $# = 0 ] || shift
    [ $# -gt 0 ] || set -- tail -f /dev/null
    pod run -d --stop-signal KILL --name "$name" "${options[@]}" $image "$@" >"$out" 2>&1
}

pid_of() { # CONTAINER
    pod inspect -f '{{.State.Pid}}' "$1"
}

end_podman() {
    pod rm -fa -t 0 >"$out" 2>&1
    end_children
    cut -d' ' -f2 /proc/self/mounts | grep "^\($base\|$short\)/" | tac | xargs -r umount -l
}

need_podman() { # with its service and the image, or the test is skipped
    if ! start_service; then
        skip "podman" "its service does not start: $(tail -1 "$TEST_DIR/podman.log")"
        finish
    fi
    busybox_root "$TEST_DIR/root"
    tar -C "$TEST_DIR/root" -c . | pod import - $image >"$out" 2>&1
}
