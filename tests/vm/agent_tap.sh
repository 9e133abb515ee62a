#!/bin/bash
# Shares: qemu
# The agent and a real virtual machine: it finds who is behind the tap, learns,
# protects and tells, by the VM's name; all in a network and mount namespace of
# this test's own.
#
#   guest 10.9.0.2 ═ tap0 ─ br0 10.9.0.1: curl, weir-agent with its weir-dp
if [ -z "${VM_TEST_INSIDE:-}" ]; then
    # the kernel's package comes by the network, which is not there inside
    bash -c '. "$0/lib.sh"; vm_kernel' "$(dirname "$0")" >/dev/null 2>&1
    VM_TEST_INSIDE=1 exec unshare --net --mount --propagation private "$0" "$@"
fi
. "$(dirname "$0")/lib.sh"

weir=$BUILD_RELEASE/src/cli/weir
agent=$BUILD_RELEASE/src/agent/weir-agent
for program in "$weir" "$agent" "$BUILD_RELEASE/src/dp/weir-dp"; do
    [ -x "$program" ] || {
        echo "Bail out! there is no $program"
        exit 1
    }
done
mac=52:54:00:00:0a:02
out=$work/out
door=$work/dp.sock
export WEIR_SOCKET=$work/agent.sock
points=0
failures=0
point() { # STATUS NAME
    points=$((points + 1))
    [ "$1" = 0 ] && { echo "ok $points - $2"; return; }
    failures=$((failures + 1))
    echo "not ok $points - $2"
    sed 's/^/# /' "$out"
}
wait_until() { # SECONDS CMD...
    local end=$((SECONDS + $1))
    shift
    until "$@"; do
        [ $SECONDS -lt $end ] || return 1
        read -rt 0.05 <> <(:) || :
    done
}
fetches() { # PORT: a megabyte from the guest
    [ "$(curl -sS --noproxy '*' -m 10 "http://10.9.0.2:$1/file" 2>"$out" | wc -c)" = 1000000 ]
}
no_way() { ! curl -sS --noproxy '*' -m 2 -o "$work/got" "http://10.9.0.2:$1/file" 2>"$out"; }
told() { # EXPRESSION over d, ARGUMENT... of weir
    local expression=$1
    shift
    "$weir" "$@" -o json >"$out" 2>&1 &&
        python3 -c "import json, sys; d = json.load(open(sys.argv[1])); sys.exit(not ($expression))" "$out"
}
is() { # EXPRESSION over w, the VM, and p, its port
    told '[w for w in d["workloads"] for p in w["ports"] if w["id"] == "tap:tap0" and ('"$1"')]' ls
}

vm_kernel
vm_root <<'GUEST'
ip link set lo up
ip addr add 10.9.0.2/24 dev eth0
ip link set eth0 up
mkdir -p /www
head -c 1000000 /dev/zero >/www/file
httpd -p 80 -h /www
httpd -p 81 -h /www
nc -l -p 9 # until the test says that it is enough
GUEST
vm_modules virtio_pci virtio_net af_packet
mount -t tmpfs none /run
mount -t bpf none /sys/fs/bpf
ip link set lo up
ip link add br0 type bridge
ip addr add 10.9.0.1/24 dev br0
ip link set br0 up
cat >"$work/weir.yaml" <<Y
store: {dir: $work/store}
control: {socket: $WEIR_SOCKET}
data_plane: {socket: $door}
runtimes: [{kind: netns, path: /run/netns}]
Y
mkdir /run/netns
"$agent" --config "$work/weir.yaml" >"$work/log" 2>&1 &
agent_pid=$!
wait_until 20 told 'd["data_plane"]["up"] and d["policy"]["in_force"]' status
point $? "the agent starts"
"$weir" policy add --from any --to tap0 --port tcp/9 --action allow >"$out" 2>&1 &&
    "$weir" mode default protect >"$out" 2>&1
point $? "what is new is protected"

ip tuntap add tap0 mode tap
ip link set tap0 master br0 up
vm_run -netdev tap,id=n0,ifname=tap0,script=no,downscript=no \
    -device virtio-net-pci,netdev=n0,mac=$mac,romfile= >"$work/guest" 2>&1 &
guest=$!
wait_until 20 is 'p["doing"] == "hold" and p["mac"] == "00:00:00:00:00:00"'
point $? "the tap of a VM that has not begun is on hold"
pinged() { ping -q -n -c 1 -W 1 10.9.0.2 >"$out" 2>&1 || is 'p["doing"] == "inline"'; }
wait_until 120 pinged && wait_until 10 is "p['mac'] == '$mac' and p['doing'] == 'inline' and w['addresses'] == ['10.9.0.2']"
point $? "its first frames tell who it is"
ready() { no_way 80 && told '[e for e in d["events"] if e.get("port") == 80 and e["kind"] == "violation"]' events; }
wait_until 60 ready && told '[e for e in d["events"] if e.get("port") == 80 and e["server"] == "tap0" and e["action"] == "deny"]' events
point $? "nothing reaches it, and events name it"
"$weir" mode tap0 discover >"$out" 2>&1 && wait_until 60 fetches 80 && wait_until 20 fetches 81
point $? "in discover all does"
learned() { told '[p for p in d["proposals"] if p["rule"]["to"] == ["tap0"]]' policy learned; }
wait_until 20 learned
point $? "which is learned"
"$weir" policy add --from any --to tap0 --port tcp/80 --action allow >"$out" 2>&1 &&
    "$weir" mode tap0 protect >"$out" 2>&1 && fetches 80 && no_way 81
point $? "in protect what a rule allows passes, and nothing else"
denied() { told '[f for f in d["flows"] if f["port"] == 81 and f["action"] == "deny" and f["server"] == "tap0"]' flows; }
wait_until 20 denied
point $? "which is recorded, by the VM's name"
kill "$agent_pid"
wait "$agent_pid"
fetches 80 && no_way 81
point $? "also without an agent"
"$agent" --config "$work/weir.yaml" >>"$work/log" 2>&1 &
agent_pid=$!
wait_until 20 is "p['mac'] == '$mac' and p['doing'] == 'inline' and w['addresses'] == ['10.9.0.2']" && fetches 80
point $? "the next agent goes on"
bash -c "echo >/dev/tcp/10.9.0.2/9" 2>"$out"
wait "$guest"
point $? "the guest came to its end"
wait_until 10 is 'p["doing"] == "hold" and p["mac"] == "00:00:00:00:00:00"'
point $? "and its tap waits for who comes next"
"$weir" release --all >"$out" 2>&1 && [ ! -e /sys/fs/bpf/weir ]
point $? "released, nothing is pinned"
kill "$agent_pid"
wait "$agent_pid"
point $? "the agent ends"
echo "1..$points"
exit $((failures > 0))
