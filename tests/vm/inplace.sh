#!/bin/bash
# Shares: qemu
# The in-place layout in a kernel without TCX, Debian 12's (6.1), and without
# BTF of the kernel: it falls back to clsact by itself, and nothing we load asks
# for BTF.
#
#    web 10.9.0.2 eth0 ── hweb 10.9.0.1, weir-dp on vth
. "$(dirname "$0")/lib.sh"

weir=$BUILD_RELEASE/src/cli/weir
dp=$BUILD_RELEASE/src/dp/weir-dp
[ -x "$weir" ] && [ -x "$dp" ] || {
    echo "Bail out! there is no $weir or $dp"
    exit 1
}
vm_kernel
vm_root <<'GUEST'
uname -r
# A folder in its place: no program can find the kernel's types any more.
mount -t tmpfs none /sys/kernel/btf
[ ! -e /sys/kernel/btf/vmlinux ]
point $? "there is no BTF of the kernel"
mount -t bpf none /sys/fs/bpf
ip netns add web
ip link add hweb type veth peer name eth0 address 1a:27:f3:87:3a:27 netns web
ip addr add 10.9.0.1/24 dev hweb
ip link set hweb up
ip -n web addr add 10.9.0.2/24 dev eth0
ip -n web link set eth0 up
reaches() { ping -c 1 -W 5 10.9.0.2 >/dev/null; }
no_way() { ! ping -c 1 -W 1 10.9.0.2 >/dev/null; }
until reaches; do :; done

weir divert --netns web --mark 00b4 >/tmp/out 2>&1
point $? "a workload is diverted without being told how"
cat /tmp/out
grep -q 'clsact in, clsact out' /tmp/out
point $? "by clsact, since there is no TCX"
reaches
point $? "mode pass"
weir mode --netns web inline && no_way
point $? "inline without a data plane: nothing passes"
weir-dp -n 1 --listen "" --notify "" --control /run/dp.sock 2>/tmp/log &
pid=$!
n=0
until weir dp version --control /run/dp.sock >/tmp/out 2>&1; do
    n=$((n + 1))
    [ $n -lt 200 ] || break
done
weir dp '[{"ctrl_add_mac":{"iface":"vth","mac":"1a:27:f3:87:3a:27","ucmac":"4e:65:75:56:00:b4","bcmac":"ff:ff:ff:00:00:b4"}},
    {"ctrl_cfg_mac":{"tap":false,"macs":["1a:27:f3:87:3a:27"]}},
    {"ctrl_add_srvc_port":{"iface":"vth"}}]' --control /run/dp.sock >/tmp/out 2>&1
point $? "a data plane serves it"
cat /tmp/out
n=0 # it is alive a moment after it has answered
until reaches; do
    n=$((n + 1))
    [ $n -lt 10 ] || break
done
[ $n -lt 10 ]
point $? "inline: frames go through it"
weir divert show >/tmp/out
cat /tmp/out
grep -q to_dp /tmp/out
point $? "and are counted"
weir mode --netns web quarantine && no_way
point $? "quarantine: nothing passes"
weir mode --netns web tap && reaches
point $? "tap: all passes"
kill $pid
wait $pid
weir release --netns web && reaches && [ ! -e /sys/fs/bpf/weir ]
point $? "released, nothing is pinned"
[ -z "$(tc qdisc show dev hweb clsact | grep clsact)" ]
point $? "and no qdisc is left"
cat /tmp/log
GUEST
vm_program "$weir" "$dp" /usr/sbin/ip /usr/sbin/tc
vm_modules veth sch_ingress cls_bpf af_packet
vm_run
