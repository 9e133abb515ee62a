# shellcheck shell=bash disable=SC2034
# What the tests of this folder share; to be sourced first, by whatever a test
# sources: once.
#
# Sourcing it moves the test into a network and mount namespace of its own with
# an empty /run, /dev/shm and /sys/fs/bpf: names, devices, mounts and pins that it
# makes end with it, and no other test that runs meanwhile sees them. A test that
# asks which processes there are sets own_processes before.

[ "$(type -t point)" != function ] || return 0
if [ -z "${NETNS_TEST_INSIDE:-}" ]; then
    # shellcheck disable=SC2086 # words
    NETNS_TEST_INSIDE=1 exec unshare --net --mount --propagation private \
        ${own_processes:+--pid --fork --kill-child --mount-proc} "$0" "$@"
fi
set -u
mount -t tmpfs none /run
mount -t tmpfs -o mode=1777 none /dev/shm
mount -t bpf none /sys/fs/bpf
ip link set lo up
# The system's programs before a user's wrappers of them.
PATH=/usr/sbin:/usr/bin:/sbin:/bin:$PATH

weir=$BUILD/src/cli/weir
weir_dp=$BUILD/src/dp/weir-dp
out=$TEST_DIR/out
door=$TEST_DIR/dp.sock
points=0
failures=0
children=() # started in the background; ended by finish or any other end
dp_pid=

# --- TAP -----------------------------------------------------------------

point() { # STATUS NAME [FILE that says more]
    points=$((points + 1))
    if [ "$1" = 0 ]; then
        echo "ok $points - $2"
        return
    fi
    echo "not ok $points - $2"
    failures=$((failures + 1))
    [ -z "${3:-}" ] || sed 's/^/# /' "$3"
}

skip() { # NAME WHY
    points=$((points + 1))
    echo "ok $points - $1 # SKIP $2"
}

finish() {
    echo "1..$points"
    exit $((failures > 0))
}

build_option() { # BUILD NAME: how that tree was configured
    meson introspect "$1" --buildoptions | python3 -c '
import json, sys
print(next(o["value"] for o in json.load(sys.stdin) if o["name"] == sys.argv[1]))' "$2"
}

# --- waiting and processes -----------------------------------------------

# True as soon as CMD is. Between two looks it waits as long as one took, so that who waits
# leaves half of a processor to those waited for.
within() { # SECONDS CMD...
    local end=$((SECONDS + $1)) begun pause
    shift
    while begun=${EPOCHREALTIME/[.,]/}; ! "$@"; do
        [ $SECONDS -lt $end ] || return 1
        pause=$((${EPOCHREALTIME/[.,]/} - begun))
        pause=$((pause < 20000 ? 20000 : pause > 300000 ? 300000 : pause))
        printf -v pause '0.%06d' $pause
        read -rt "$pause" <> <(:) || :
    done
}

# SECONDS, which CMD needs where nothing else runs, or a minute: the machine is not
# this test's alone.
wait_until() { # SECONDS CMD...
    within $(($1 < 60 ? 60 : $1)) "${@:2}"
}

# Is it so with each word? A loop that is left by break has succeeded, and would say so.
each() { # CMD... -- WORD...
    local cmd=() word
    while [ "$1" != -- ]; do
        cmd+=("$1")
        shift
    done
    shift
    for word; do "${cmd[@]}" "$word" || return 1; done
}

# What socat forked for a connection outlives it: its peer may be gone without a word.
forked() { # PID
    [ "$(cat "/proc/$1/comm" 2>/dev/null)" != socat ] || cat "/proc/$1/task/$1/children"
}

end_children() {
    local pid
    for pid in ${dp_pid:+"$dp_pid"} "${children[@]}"; do
        # shellcheck disable=SC2046 # words
        kill "$pid" $(forked "$pid") 2>/dev/null
    done
    wait
}
trap end_children EXIT
trap 'exit 143' TERM INT HUP

in_ns() { # NAMESPACE CMD...: becomes CMD, so that $! of a background is its pid
    local ns=$1
    shift
    exec nsenter --net="/run/netns/$ns" "$@"
}

background() { # NAMESPACE CMD...
    in_ns "$@" &
    children+=($!)
}

at() { # NAMESPACE CMD...
    (in_ns "$@")
}

listens() { # NAMESPACE PORT [-u]: somebody waits there
    at "$1" ss -Hln"${3:-t}" "sport = :$2" | grep -q .
}

# --- documents -----------------------------------------------------------

json() { # EXPRESSION over d, the document in $out
    python3 - "$out" "$1" <<'P'
import json, sys
text = open(sys.argv[1]).read()
d = json.loads(text)
assert text.count("\n") == 1, "not one line"
sys.exit(0 if eval("(" + sys.argv[2] + ")") else 1)
P
}

# --- the article's topology ----------------------------------------------
#
#  ┌ host-ns ──────────┐          ┌ agent-ns ┐          ┌ container-ns ─────┐
#  │ vp 10.10.10.66    ╪══════════╪══════════╪══════════╪ eth0 10.10.10.88  │
#  │ fd00:10:10:10::66 │ without  │  empty   │  Weir    │ fd00:10:10:10::88 │
#  └───────────────────┘          └──────────┘          └───────────────────┘

host_mac=06:82:9c:02:54:91
mac=1a:27:f3:87:3a:27
host4=10.10.10.66 cont4=10.10.10.88
host6=fd00:10:10:10::66 cont6=fd00:10:10:10::88

topology() {
    local ns
    for ns in host-ns agent-ns container-ns; do
        ip netns add $ns
        ip -n $ns link set lo up
    done
    ip -n host-ns link add vp address $host_mac type veth \
        peer name eth0 address $mac netns container-ns
    ip -n host-ns addr add $host4/24 dev vp
    ip -n host-ns addr add $host6/64 dev vp nodad
    ip -n container-ns addr add $cont4/24 dev eth0
    ip -n container-ns addr add $cont6/64 dev eth0 nodad
    ip -n host-ns link set vp up
    ip -n container-ns link set eth0 up
    ip -n container-ns route add default via $host4
    wait_until 10 pings $cont4 && wait_until 10 pings $cont6
}

# Two wires that end in agent-ns, and nothing that joins them.
pair_topology() {
    local ns
    for ns in host-ns agent-ns container-ns; do
        ip netns add $ns
        ip -n $ns link set lo up
    done
    ip -n host-ns link add vp address $host_mac type veth peer name vex netns agent-ns
    ip -n container-ns link add eth0 address $mac type veth peer name vin netns agent-ns
    ip -n host-ns addr add $host4/24 dev vp
    ip -n host-ns addr add $host6/64 dev vp nodad
    ip -n container-ns addr add $cont4/24 dev eth0
    ip -n container-ns addr add $cont6/64 dev eth0 nodad
    ip -n host-ns link set vp up
    ip -n container-ns link set eth0 up
    ip -n agent-ns link set vex up
    ip -n agent-ns link set vin up
}

pings() { # ADDRESS [OPTION of ping]...: host-ns hears it
    local address=$1
    shift
    at host-ns ping -q -n -c 1 -W 1 "$@" "$address" >"$TEST_DIR/ping" 2>&1
}

no_pings() {
    ! pings "$@"
}

splice() { # VERB ARGUMENT...: `weir splice` of the container; all in $out
    local verb=$1
    shift
    "$weir" splice "$verb" --netns container-ns --agent agent-ns "$@" >"$out" 2>&1
}

# --- a web server in the container ---

serve_files() { # BYTES LISTEN...: nginx with a random file of so many, www/file
    local listen
    mkdir -p "$TEST_DIR/www" "$TEST_DIR/nginx"
    chmod 755 "$TEST_DIR" "$TEST_DIR/www"
    head -c "$1" /dev/urandom >"$TEST_DIR/www/file"
    listen=$(printf 'listen %s; ' "${@:2}")
    cat >"$TEST_DIR/nginx.conf" <<EOC
user root;
daemon off;
master_process off;
error_log $TEST_DIR/nginx/error.log;
pid $TEST_DIR/nginx/pid;
events { }
http {
    access_log off;
    client_body_temp_path $TEST_DIR/nginx/body;
    proxy_temp_path $TEST_DIR/nginx/proxy;
    fastcgi_temp_path $TEST_DIR/nginx/fastcgi;
    uwsgi_temp_path $TEST_DIR/nginx/uwsgi;
    scgi_temp_path $TEST_DIR/nginx/scgi;
    server { $listen root $TEST_DIR/www; }
}
EOC
    background container-ns nginx -c "$TEST_DIR/nginx.conf" \
        -e "$TEST_DIR/nginx/error.log" >"$TEST_DIR/nginx/out" 2>&1
}

# --- data plane ----------------------------------------------------------

dp() { # ARGUMENT...: `weir dp` at our door; stdout and stderr in $out
    "$weir" dp "$@" --control "$door" >"$out" 2>&1
}

start_dp() { # NAMESPACE [OPTION]...: in $dp_pid, with $workers; ready when it answers
    in_ns "$1" "$weir_dp" -n "${workers:-1}" --control "$door" "${@:2}" 2>>"$TEST_DIR/log" &
    dp_pid=$!
    wait_until 20 dp version
}

stop_dp() {
    [ -z "$dp_pid" ] || { kill "$dp_pid" && wait "$dp_pid"; }
    local status=$?
    dp_pid=
    return $status
}

# The messages that make a data plane serve the container with mark 00b4.
serve_container() {
    dp '[{"ctrl_cfg_internal_net":{"flag":3,"subnet_addr":[{"ip":"10.10.10.0","mask":"255.255.255.0"}]}},
      {"ctrl_add_srvc_port":{"iface":"vth"}},
      {"ctrl_add_mac":{"iface":"vth","mac":"1a:27:f3:87:3a:27","ucmac":"4e:65:75:56:00:b4","bcmac":"ff:ff:ff:00:00:b4"}},
      {"ctrl_cfg_mac":{"tap":false,"macs":["1a:27:f3:87:3a:27"]}}]'
}
