#!/bin/bash
# Shares: qemu
# The u32 redirector in a kernel that has act_pedit, Debian 12's: the demo over
# it, a splice whose filters are those of the article's tc commands, and that
# it all goes away again.
#
#    container-ns          agent-ns               root
#   ┌──────────────┐  ┌──────────────────┐   ┌───────────┐
#   │ eth0 .88     ╪══╪ vin   vbr    vex ╪═══╪ peer  .66 │
#   └──────────────┘  └────────║─────────┘   └───────────┘
#                             vth
. "$(dirname "$0")/lib.sh"

weir=$BUILD_RELEASE/src/cli/weir
dp=$BUILD_RELEASE/src/dp/weir-dp
[ -x "$weir" ] && [ -x "$dp" ] || {
    echo "Bail out! there is no $weir or $dp"
    exit 1
}
vm_kernel
vm_root <<'GUEST'
has() { grep -q -- "$1" /tmp/out; point $? "$2"; }
world() { ip -o link | sed 's/@.*//; s/<.*//'; ls /run/netns 2>/dev/null; }
world >/tmp/before

weir demo splice --seconds 1 --ipv6 --redirector u32 >/tmp/out 2>&1
point $? "the demo plays over u32, IPv6 too"
cat /tmp/out
has '06:82:9c:02:54:91 > 4e:65:75:56:00:b4, ethertype IPv4 (0x0800), length 98' \
    "frames reach the data plane with the mark"
world >/tmp/after
cmp -s /tmp/before /tmp/after
point $? "nothing is left of the demo"

ip netns add container-ns
ip netns add agent-ns
ip link add peer type veth peer name eth0 address 1a:27:f3:87:3a:27 netns container-ns
ip addr add 10.10.10.66/24 dev peer
ip link set peer up
ip -n container-ns addr add 10.10.10.88/24 dev eth0
ip -n container-ns link set eth0 up
# Without its state, which the kernel brings up to date later.
# Carrier comes a moment after "up": not what is compared.
device() { ip -n container-ns -o link show eth0 | sed 's|state [A-Z]*||; s|NO-CARRIER,||; s|,LOWER_UP||'; }
device >/tmp/eth0
inside() { ip netns exec "$@"; }
reaches() { ping -c 1 -W 5 10.10.10.88 >/dev/null; }

weir splice up --netns container-ns --agent agent-ns --mark 00b4 --redirector u32
point $? "splice up"
inside agent-ns tc filter show dev vex parent ffff: >/tmp/out
cat /tmp/out
has 'pedit action pipe keys 2' "vex edits frames"
has 'protocol ipv6 pref 10000' "and has a rule for IPv6"

# What the article's tc commands make, on devices of the same names. (It says
# mirror: its frames also go on to the namespace's own IP stack, which ours do
# not.)
ip netns add article
for dev in vex vin vbr; do
    ip -n article link add $dev type veth peer name $dev-end
    inside article tc qdisc add dev $dev ingress
done
add() { inside article tc filter add dev "$@"; }
add vex pref 10001 parent ffff: protocol ip u32 match u8 0 1 at -14 match u16 0x1a27 0xffff at -14 match u32 0xf3873a27 0xffffffff at -12 action pedit munge offset -14 u16 set 0x4e65 munge offset -12 u32 set 0x755600b4 pipe action mirred egress redirect dev vbr
add vex pref 10002 parent ffff: protocol all u32 match u8 0 0 action mirred egress redirect dev vin
add vbr pref 5 parent ffff: protocol all u32 match u16 0x4e65 0xffff at -14 match u32 0x755600b4 0xffffffff at -12 action pedit munge offset -14 u16 set 0x1a27 munge offset -12 u32 set 0xf3873a27 pipe action mirred egress redirect dev vin
add vin pref 10002 parent ffff: protocol all u32 match u8 0 0 action mirred egress redirect dev vex
add vin pref 10001 parent ffff: protocol ip u32 match u8 0 1 at -14 match u32 0x1a27f387 0xffffffff at -8 match u16 0x3a27 0xffff at -4 action pedit munge offset -8 u32 set 0x4e657556 munge offset -4 u16 set 0x00b4 pipe action mirred egress redirect dev vbr
add vbr pref 172 parent ffff: protocol all u32 match u32 0x4e657556 0xffffffff at -8 match u16 0x00b4 0xffff at -4 action pedit munge offset -8 u32 set 0x1a27f387 munge offset -4 u16 set 0x3a27 pipe action mirred egress redirect dev vex

told() { # NS DEV PREF PROTOCOL: the filter without the kernel's numbering
    inside $1 tc filter show dev $2 parent ffff: pref $3 protocol $4 |
        grep -E 'match|action|key #' | sed 's/^[[:space:]]*//'
}
for rule in 'vex 10001 ip' 'vex 10002 all' 'vin 10001 ip' 'vin 10002 all' \
    'vbr 5 all' 'vbr 172 all'; do
    told article $rule >/tmp/article
    told agent-ns $rule >/tmp/ours
    [ -s /tmp/article ] && cmp -s /tmp/article /tmp/ours
    point $? "the article's filter: $rule"
done
ip netns del article

weir splice mode --netns container-ns --agent agent-ns pass && reaches
point $? "mode pass lets through without a data plane"
[ -z "$(told agent-ns vex 10001 ip)$(told agent-ns vin 10001 ip)" ]
point $? "by taking the diverting filters away"
weir splice mode --netns container-ns --agent agent-ns inline && ! ping -c 1 -W 1 10.10.10.88 >/dev/null
point $? "mode inline waits for a data plane"
weir splice show --agent agent-ns >/tmp/out
cat /tmp/out
has u32 "show tells the redirector"

weir splice down --netns container-ns --agent agent-ns
point $? "splice down"
[ "$(ip -n agent-ns -o link | grep -vc ' lo:')" = 0 ]
point $? "no device is left in the agent's namespace"
[ -z "$(inside container-ns tc qdisc show dev eth0 ingress | grep ingress)" ]
point $? "no qdisc is left on the container's device"
reaches
point $? "the container is reached as before"
device >/tmp/out
cmp -s /tmp/eth0 /tmp/out
point $? "its device is as before"
cat /tmp/eth0 /tmp/out
GUEST
vm_program "$weir" "$dp" /usr/sbin/ip /usr/sbin/tc
vm_modules veth sch_ingress cls_bpf cls_u32 act_pedit act_mirred act_gact af_packet bridge
vm_run
