#!/bin/bash
# Shares: qemu
# A virtual machine behind a tap is diverted in place; all in a network and mount
# namespace of this test's own.
#
#   guest 10.9.0.2 ═ tap0 ─ br0 10.9.0.1: curl, weir-dp on vth
if [ -z "${VM_TEST_INSIDE:-}" ]; then
    # the kernel's package comes by the network, which is not there inside
    bash -c '. "$0/lib.sh"; vm_kernel' "$(dirname "$0")" >/dev/null 2>&1
    VM_TEST_INSIDE=1 exec unshare --net --mount --propagation private "$0" "$@"
fi
. "$(dirname "$0")/lib.sh"

weir=$BUILD_RELEASE/src/cli/weir
dp=$BUILD_RELEASE/src/dp/weir-dp
[ -x "$weir" ] && [ -x "$dp" ] || {
    echo "Bail out! there is no $weir or $dp"
    exit 1
}
mac=02:00:00:00:0a:02
out=$work/out
door=$work/dp.sock
points=0
failures=0
point() { # STATUS NAME
    points=$((points + 1))
    [ "$1" = 0 ] && { echo "ok $points - $2"; return; }
    failures=$((failures + 1))
    echo "not ok $points - $2"
    sed 's/^/# /' "$out"
}
wait_until() { # SECONDS CMD..., or a minute: the machine is not this test's alone
    local end=$((SECONDS + ($1 < 60 ? 60 : $1)))
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
reaches() { ping -q -n -c 1 -W 2 10.9.0.2 >"$out" 2>&1; }
shown() { # EXPRESSION over e, the one entry of `weir divert show`
    "$weir" divert show -o json >"$out" 2>&1 &&
        python3 -c "import json, sys; e = json.load(open(sys.argv[1]))['diverted'][0]; sys.exit(not ($1))" "$out"
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
ip tuntap add tap0 mode tap
ip link add br0 type bridge
ip link set tap0 master br0
ip addr add 10.9.0.1/24 dev br0
ip link set br0 up
ip link set tap0 up
vm_run -netdev tap,id=n0,ifname=tap0,script=no,downscript=no \
    -device virtio-net-pci,netdev=n0,mac=$mac,romfile= >"$work/guest" 2>&1 &
guest=$!
wait_until 120 fetches 80 && wait_until 20 fetches 81
point $? "the guest serves files"

"$weir" divert --dev tap0 >"$out" 2>&1
[ $? = 1 ] && grep -q MAC "$out"
point $? "a tap is not diverted before it is said who is behind it"
"$weir" divert --dev tap0 --mac $mac --mark 00b4 --mode tap >"$out" 2>&1
point $? "with --mac it is"
"$dp" -n 1 --listen "" --notify "" --control "$door" 2>"$work/log" &
dp_pid=$!
wait_until 20 "$weir" dp version --control "$door" >"$out" 2>&1
"$weir" dp '[{"ctrl_add_mac":{"iface":"vth","mac":"'$mac'","ucmac":"4e:65:75:56:00:b4","bcmac":"ff:ff:ff:00:00:b4"}},
    {"ctrl_cfg_mac":{"tap":false,"macs":["'$mac'"]}},
    {"ctrl_cfg_policy":{"cmd":1,"flag":3,"defact":7,"dir":3,"mac":["'$mac'"],"rules":[
      {"id":1,"from":["any"],"to":["any"],"ports":["80"],"proto":"tcp","action":"allow","ingress":true}]}},
    {"ctrl_add_srvc_port":{"iface":"vth"}}]' --control "$door" >"$out" 2>&1
point $? "a data plane serves it"
# all of it is to come up here
"$weir" dp settings '{"cache":{"on":false}}' --control "$door" >"$out" 2>&1
fetches 80 && fetches 81
point $? "tap: all passes"
shown "e['in']['copied']['frames'] > 0 and e['out']['copied']['bytes'] > 1000000"
point $? "and is seen, both ways"
"$weir" mode --dev tap0 inline >"$out" 2>&1 && wait_until 5 fetches 80
point $? "inline: what policy allows passes"
no_way 81
point $? "what it denies does not"
"$weir" dp blocks --control "$door" >"$out" 2>&1 && grep -q '10.9.0.2:81' "$out"
point $? "and is told"
shown "e['out']['from_dp']['bytes'] > 1000000 and e['out']['from_dp']['frames'] < 900"
point $? "the guest's offloads are kept: frames are larger than the wire's"
"$weir" mode --dev tap0 quarantine >"$out" 2>&1 && no_way 80
point $? "quarantine: nothing passes"
"$weir" mode --dev tap0 pass >"$out" 2>&1 && fetches 81
point $? "pass: all does"
kill "$dp_pid"
wait "$dp_pid"
"$weir" release --dev tap0 >"$out" 2>&1 && reaches && [ ! -e /sys/fs/bpf/weir ]
point $? "released, nothing is pinned"
bash -c "echo >/dev/tcp/10.9.0.2/9" 2>"$out"
wait "$guest"
point $? "the guest came to its end"
echo "1..$points"
exit $((failures > 0))
