#!/bin/bash
# Modes change every 100 ms for a minute, and the data plane dies and comes back,
# while real programs load the workload: no request fails, no connection is
# reset.
#
#   container-ns 10.9.0.2 ── hcont ─ br0 10.9.0.1: curl, weir-dp on vth
#   nginx, dropbear (ssh)
. "$(dirname "$0")/lib.sh"
weir() { "$weir" "$@" >"$out" 2>&1; }
url=http://10.9.0.2
stream_mb=600 # of the long stream, at 10 MB/s: as long as the flips
get() { curl -sS --noproxy '*' --fail -m "$@"; }
reaches() { ping -q -n -c 1 -W 1 10.9.0.2 >"$TEST_DIR/ping" 2>&1; }
no_way() { ! reaches; }
tick() { read -rt "${1:-0.1}" <> <(:) || :; }

serve() { # the data plane has the workload, and a policy that allows port 80
    dp '[{"ctrl_add_mac":{"iface":"vth","mac":"'$mac'","ucmac":"4e:65:75:56:00:b4","bcmac":"ff:ff:ff:00:00:b4"}},
      {"ctrl_cfg_mac":{"tap":false,"macs":["'$mac'"]}},
      {"ctrl_cfg_policy":{"cmd":1,"flag":3,"defact":7,"dir":3,"mac":["'$mac'"],"rules":[
        {"id":1,"from":["any"],"to":["any"],"ports":["80","22"],"proto":"tcp","action":"allow","ingress":true}]}},
      {"ctrl_add_srvc_port":{"iface":"vth"}}]'
}

start() {
    "$weir_dp" -n "${workers:-1}" --listen "" --notify "" --control "$door" 2>>"$TEST_DIR/log" &
    dp_pid=$!
    wait_until 20 dp version && serve
}

no_dp() { ! dp version; }
die() { # SIGKILL; its worker ends with it, a moment later
    kill -9 "$dp_pid"
    wait "$dp_pid" 2>/dev/null
    dp_pid=
    wait_until 5 no_dp
}

# Connections that were reset, on both sides. RSTs sent (TcpOutRsts) may be a few
# more: where a flip lets later frames overtake those that the data plane has,
# TCP sends them again, and when the late ones come the connection may have ended
# in order already.
counters() {
    local side
    for side in nstat "at container-ns nstat"; do
        echo "# $side"
        $side -asz TcpEstabResets | grep ^Tcp
    done
}

unreset() { # since the beginning
    counters >"$TEST_DIR/resets"
    diff "$TEST_DIR/unreset" "$TEST_DIR/resets" >"$out"
}

# Root's home is ours, so that nothing is looked for, or left, in the real one.
serve_ssh() {
    local home=$TEST_DIR/home
    mkdir -p "$home/.ssh"
    sed "s,^root:.*,root:x:0:0::$home:/bin/sh," /etc/passwd >"$TEST_DIR/passwd"
    mount --bind "$TEST_DIR/passwd" /etc/passwd
    ssh-keygen -q -t ed25519 -N '' -f "$home/key" && cp "$home/key.pub" "$home/.ssh/authorized_keys"
    dropbearkey -t ed25519 -f "$home/host" >"$home/made" 2>&1
    background container-ns dropbear -F -E -s -r "$home/host" -p 22 -P "$home/pid" >"$TEST_DIR/sshd" 2>&1
}

ssh_session() { # one session, until there is enough: a line there and back, and so on
    python3 - "$TEST_DIR/enough" ssh -F none -i "$TEST_DIR/home/key" -o BatchMode=yes -o LogLevel=ERROR \
        -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null root@10.9.0.2 cat <<'P'
import os, subprocess, sys, time
with subprocess.Popen(sys.argv[2:], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as p:
    n = 0
    while not os.path.exists(sys.argv[1]):
        n += 1
        p.stdin.write(b"%d\n" % n)
        p.stdin.flush()
        if p.stdout.readline() != b"%d\n" % n:
            sys.exit("the session ended after %d lines" % n)
        time.sleep(0.02)
    p.stdin.close()
    print(n)
    sys.exit(p.wait())
P
}

load() { # PHASE: programs that run until $TEST_DIR/enough is there
    rm -f "$TEST_DIR/enough"
    ( # new connections
        n=0
        until [ -e "$TEST_DIR/enough" ]; do
            get 20 -o /dev/null $url/file || exit 1
            n=$((n + 1))
        done
        echo $n
    ) >"$TEST_DIR/new.$1" 2>&1 &
    new=$!
    ( # many requests over one connection
        n=0
        until [ -e "$TEST_DIR/enough" ]; do
            made=$(get 60 -o /dev/null -w '%{num_connects}\n' "$url/file?[1-100]" | awk '{ n += $1 } END { print NR, n }')
            [ "$made" = "100 1" ] || { echo "requests, connections: $made"; exit 1; }
            n=$((n + 100))
        done
        echo $n
    ) >"$TEST_DIR/kept.$1" 2>&1 &
    kept=$!
    ssh_session >"$TEST_DIR/ssh.$1" 2>&1 &
    session=$!
}

loaded() { # PHASE: they end, and none has failed
    touch "$TEST_DIR/enough"
    wait $new
    point $? "$1: $(tail -n 1 "$TEST_DIR/new.$1") requests by connections of their own, none failed" "$TEST_DIR/new.$1"
    wait $kept
    point $? "$1: $(tail -n 1 "$TEST_DIR/kept.$1") requests over kept ones, none failed" "$TEST_DIR/kept.$1"
    wait $session
    point $? "$1: $(tail -n 1 "$TEST_DIR/ssh.$1") lines there and back over one ssh session" "$TEST_DIR/ssh.$1"
}

stream() { # MB: one response, 10 MB/s, in $stream
    truncate -s "$1M" "$TEST_DIR/www/long"
    get 200 --limit-rate 10M -o /dev/null -w '%{size_download}\n' $url/long >"$TEST_DIR/stream" 2>&1 &
    stream=$!
}

streamed() { # MB PHASE
    wait $stream && [ "$(cat "$TEST_DIR/stream")" = $(($1 << 20)) ]
    point $? "$2: the one long stream came whole" "$TEST_DIR/stream"
}

ip netns add container-ns
ip -n container-ns link set lo up
ip link add hcont type veth peer name eth0 address $mac netns container-ns
ip link add br0 type bridge
ip link set hcont master br0
ip addr add 10.9.0.1/24 dev br0
ip link set br0 up
ip link set hcont up
ip -n container-ns addr add 10.9.0.2/24 dev eth0
ip -n container-ns link set eth0 up
wait_until 10 reaches
point $? "a workload behind a bridge" "$TEST_DIR/ping"
serve_files 20000 80
wait_until 10 listens container-ns 80
point $? "serves files" "$TEST_DIR/nginx/out"
serve_ssh
wait_until 10 listens container-ns 22
point $? "and a shell" "$TEST_DIR/sshd"
weir divert --netns container-ns --mark 00b4 && start
point $? "is diverted in place" "$out"
counters >"$TEST_DIR/unreset"

# --- flips ---
load flips
stream $stream_mb
flips=0
end=$((SECONDS + 60))
bad=0
while [ $SECONDS -lt $end ]; do
    for mode in pass tap inline; do
        # not sanitized: that takes longer to start than a mode is to last
        "$BUILD_RELEASE/src/cli/weir" mode --netns container-ns $mode >"$out" 2>&1 || bad=1
        flips=$((flips + 1))
        tick 0.08
    done
done
[ $bad = 0 ]
point $? "$flips flips of mode in a minute" "$out"
streamed $stream_mb flips
loaded flips
unreset
point $? "flips: no connection was reset" "$out"

# --- quarantine: a moment of it is a moment of loss, which TCP makes good ---
weir mode --netns container-ns inline
load quarantine
stream 40
for_a_moment() {
    weir mode --netns container-ns quarantine || return
    tick
    weir mode --netns container-ns inline || return
    for _ in 1 2 3 4 5 6; do tick; done
}
each for_a_moment -- 1 2 3 4 5 6
point $? "quarantine for a moment, six times" "$out"
streamed 40 quarantine
loaded quarantine
unreset
point $? "quarantine: no connection was reset" "$out"

# --- death under load: closed ---
weir mode --netns container-ns inline
stream 30
wait_until 10 dp flows
die
closed() {
    "$weir" divert show -o json >"$out" 2>&1 &&
        json "any(d['diverted'][0][w]['drop_failed_closed']['frames'] for w in ('in', 'out'))"
}
wait_until 10 closed && no_way
point $? "closed: without its data plane nothing passes" "$out"
start
point $? "closed: it comes back" "$out"
streamed 30 closed
unreset
point $? "closed: the connection of before was neither cut nor reset" "$out"

# --- death under load: open ---
weir release --netns container-ns &&
    weir divert --netns container-ns --mark 00b4 --mode inline --on-failure open
point $? "diverted anew, open" "$out"
die
start
load open
stream 60
comes_back() {
    die
    for _ in 1 2 3 4 5; do tick; done
    start || return
    for _ in 1 2 3 4 5; do tick; done
}
each comes_back -- 1 2 3
point $? "open: its data plane died and came back three times" "$out"
streamed 60 open
loaded open
unreset
point $? "open: no connection was reset" "$out"
weir release --netns container-ns && [ ! -e /sys/fs/bpf/weir ]
point $? "released, nothing is pinned" "$out"
finish
