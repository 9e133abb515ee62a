#!/bin/bash
# The in-place layout: nothing of the workload is touched. Here the
# test is the host, with two workloads: one on a bridge, one on a routed veth of its own.
#
#   web 10.9.0.2 ── hweb ─ br0 10.9.0.1 ┐
#                                       ├ host: curl, ping, weir-dp on vth
#   app 10.8.0.2 ── happ 10.8.0.1 ──────┘
. "$(dirname "$0")/lib.sh"
weir() { "$weir" "$@" >"$out" 2>&1; }
web_mac=1a:27:f3:87:3a:27
app_mac=1a:27:f3:87:3a:28

workload() { # NAME MAC: its eth0 and the host's hNAME
    ip netns add "$1"
    ip -n "$1" link set lo up
    ip link add "h$1" type veth peer name eth0 address "$2" netns "$1"
    ip link set "h$1" up
    ip -n "$1" link set eth0 up
}

reaches() { ping -q -n -c 1 -W 1 "$1" >"$TEST_DIR/ping" 2>&1; }
no_way() { ! reaches "$@"; }
fetches() { curl -sS --noproxy '*' -m 10 -o /dev/null "http://$1/file" >"$out" 2>&1; }

shown() { # EXPRESSION over e, the entries of `weir divert show` by device
    "$weir" divert show -o json >"$out" 2>&1 &&
        json "(lambda e: $1)({x['dev']: x for x in d['diverted']})"
}

state() { # all that a diversion could have left behind
    ip -d link | grep -v 'state\|promiscuity' | sed 's/@.*//'
    ip addr show scope global | grep -v 'state '
    tc qdisc show
    for dev in hweb happ; do
        tc filter show dev $dev ingress
        tc filter show dev $dev egress
    done
    ls /sys/fs/bpf/weir 2>/dev/null
}

serve() { # the data plane has both, and web a policy
    dp '[{"ctrl_add_srvc_port":{"iface":"vth"}},
      {"ctrl_add_mac":{"iface":"vth","mac":"'$web_mac'","ucmac":"4e:65:75:56:00:b4","bcmac":"ff:ff:ff:00:00:b4"}},
      {"ctrl_add_mac":{"iface":"vth","mac":"'$app_mac'","ucmac":"4e:65:75:56:00:b5","bcmac":"ff:ff:ff:00:00:b5"}},
      {"ctrl_cfg_mac":{"tap":false,"macs":["'$web_mac'","'$app_mac'"]}},
      {"ctrl_enable_icmp_policy":{"enable_icmp_policy":true}},
      {"ctrl_cfg_policy":{"cmd":1,"flag":3,"defact":7,"dir":3,"ipv6":true,"mac":["'$web_mac'"],"rules":[
        {"id":1,"from":["any"],"to":["any"],"ports":["80"],"proto":"tcp","action":"allow","ingress":true},
        {"id":2,"from":["any"],"to":["any"],"proto":"icmp","action":"allow","ingress":true},
        {"id":3,"from":["any"],"to":["any"],"proto":"icmpv6","action":"allow","ingress":true}]}}]'
}

workload web $web_mac
workload app $app_mac
ip link add br0 type bridge
ip link set hweb master br0
ip addr add 10.9.0.1/24 dev br0
ip addr add fd09::1/64 dev br0 nodad
ip link set br0 up
ip addr add 10.8.0.1/24 dev happ
for ns in web app; do
    net=$([ $ns = web ] && echo 10.9.0 || echo 10.8.0)
    ip -n $ns addr add $net.2/24 dev eth0
    ip -n $ns route add default via $net.1
done
ip -n web addr add fd09::2/64 dev eth0 nodad
wait_until 10 reaches 10.9.0.2 && wait_until 10 reaches 10.8.0.2 && wait_until 10 reaches fd09::2
point $? "two workloads, on a bridge and routed" "$TEST_DIR/ping"
mkdir -p "$TEST_DIR/www"
head -c 200000 /dev/urandom >"$TEST_DIR/www/file"
for ns in web app; do
    background $ns python3 -m http.server 80 --bind 0.0.0.0 -d "$TEST_DIR/www" >"$TEST_DIR/http.$ns" 2>&1
    wait_until 20 listens $ns 80
    point $? "$ns serves files" "$TEST_DIR/http.$ns"
done
state >"$TEST_DIR/before"

for how in tcx clsact; do
    option=$([ $how = clsact ] && echo --clsact)
    # shellcheck disable=SC2086 # no word or one
    weir divert --netns web --mark 00b4 $option
    point $? "$how: the workload on the bridge is diverted" "$out"
    weir divert --dev happ --mark 00b5 --on-failure open $option
    point $? "$how: and the routed one, by its host's side" "$out"
    shown "e['hweb']['hook_in'] == e['hweb']['hook_out'] == e['happ']['hook_in'] == '$how'"
    point $? "$how: by $how" "$out"
    reaches 10.9.0.2 && reaches 10.8.0.2 && reaches fd09::2
    point $? "$how: mode pass: they are reached" "$TEST_DIR/ping"
    weir mode --netns web inline && weir mode --dev happ inline && no_way 10.9.0.2 && reaches 10.8.0.2
    point $? "$how: inline without a data plane: closed drops, open passes" "$TEST_DIR/ping"
    "$weir_dp" -n "${workers:-1}" --listen "" --notify "" --control "$door" 2>>"$TEST_DIR/log" &
    dp_pid=$!
    wait_until 20 dp version && serve
    point $? "$how: a data plane serves both" "$out"
    for n in 1 2; do # which would let go on what the first one drops
        "$weir_dp" -n $n --listen "" --notify "" --control "$TEST_DIR/second.sock" 2>>"$TEST_DIR/log" &
        second=$!
        children+=($second)
        wait_until 20 weir dp version --control "$TEST_DIR/second.sock"
        weir dp '{"ctrl_add_srvc_port":{"iface":"vth"}}' --control "$TEST_DIR/second.sock"
        [ $? = 1 ] && grep -q 'EBUSY: vth has a data plane already' "$out"
        point $? "$how: another with $n workers is refused" "$out"
        kill $second && wait $second
        unset 'children[-1]' # somebody else's number from now on
    done
    wait_until 5 reaches 10.9.0.2 && wait_until 5 reaches 10.8.0.2 && wait_until 5 reaches fd09::2 && fetches 10.9.0.2 && fetches 10.8.0.2
    point $? "$how: what may pass does, IPv4 and IPv6" "$out"
    at web ping -q -n -c 1 -W 1 10.9.0.1 >"$TEST_DIR/ping" 2>&1
    [ $? = 1 ]
    point $? "$how: what may not does not" "$TEST_DIR/ping"
    shown "e['hweb']['in']['to_dp']['frames'] > 5 and e['hweb']['out']['from_dp']['frames'] > 5"
    point $? "$how: frames went to the data plane and came back" "$out"
    weir mode --dev hweb quarantine && no_way 10.9.0.2 && weir mode --dev hweb hold && no_way 10.9.0.2
    point $? "$how: quarantine and hold let nothing through" "$TEST_DIR/ping"
    weir mode --dev hweb tap && at web ping -q -n -c 1 -W 1 10.9.0.1 >"$TEST_DIR/ping" 2>&1
    point $? "$how: tap lets all through" "$TEST_DIR/ping"
    copied() { reaches 10.9.0.2 && dp stats -o json && json "d['dropped'].get('tap', 0) > 0"; }
    wait_until 10 copied
    point $? "$how: and the data plane sees copies" "$out"

    weir release --netns web && weir divert --netns web --mark 0777 --mode inline $option && no_way 10.9.0.2 && dp blocks &&
        grep -q 'frames were dropped that are of no workload' "$out"
    point $? "$how: a wrong mark is told of" "$out"
    weir release --netns web && weir divert --netns web --mark 00b4 $option

    # --- flips under load ---
    weir mode --dev hweb inline
    python3 - >"$TEST_DIR/load" 2>&1 <<'P' &
import sys, time, urllib.request
end = time.monotonic() + 4
n = 0
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
while time.monotonic() < end:
    assert len(opener.open("http://10.9.0.2/file", timeout=10).read()) == 200000
    n += 1
print(n)
P
    load=$!
    flips=0
    while kill -0 $load 2>/dev/null; do
        for mode in pass tap inline; do
            "$weir" mode --dev hweb $mode || break 2
            flips=$((flips + 1))
        done
    done
    wait $load
    point $? "$how: $flips flips of mode under load, and every request is answered" "$TEST_DIR/load"
    shown "sum(c['frames'] for way in ('in', 'out') for n, c in e['hweb'][way].items()
        if n.startswith('drop') and n not in ('drop_quarantine', 'drop_hold', 'drop_failed_closed')) == 0"
    point $? "$how: the kernel has dropped nothing" "$out"

    # --- the data plane dies ---
    weir mode --dev hweb inline
    kill -9 "$dp_pid"
    wait "$dp_pid" 2>/dev/null
    dp_pid=
    # its worker ends with it
    wait_until 5 no_way 10.9.0.2 && wait_until 5 reaches 10.8.0.2
    point $? "$how: killed: closed passes nothing, open all" "$TEST_DIR/ping"
    weir release --netns web && [ ! -s "$out" ] && weir release --dev happ && [ ! -s "$out" ]
    point $? "$how: both are released" "$out"
    reaches 10.9.0.2 && reaches 10.8.0.2
    point $? "$how: and are reached" "$TEST_DIR/ping"
    state >"$TEST_DIR/after"
    diff "$TEST_DIR/before" "$TEST_DIR/after" >"$out"
    point $? "$how: all is as it was before" "$out"
done

# --- quarantine's allow-list, and what is on hold ---
ip addr add 10.9.0.7/24 dev br0
ip addr add fd09::7/64 dev br0 nodad
from() { ping -q -n -c 1 -W 1 -I "$1" "$2" >"$TEST_DIR/ping" 2>&1; }
only_7() { # MODE: of the two hosts only .7 gets through, by both families
    from 10.9.0.7 10.9.0.2 && ! from 10.9.0.1 10.9.0.2 && from fd09::7 fd09::2 && ! from fd09::1 fd09::2 &&
        at web ping -q -n -c 1 -W 1 10.9.0.7 >"$TEST_DIR/ping" 2>&1 &&
        ! at web ping -q -n -c 1 -W 1 10.9.0.1 >"$TEST_DIR/ping" 2>&1 &&
        weir divert show && grep -q "mode $1" "$out"
}
nobody() { ! from 10.9.0.7 10.9.0.2 && ! from 10.9.0.1 10.9.0.2 && ! from fd09::7 fd09::2; }
weir divert --netns web --mode quarantine --allow 10.9.0.7 --allow fd09::7
only_7 quarantine
point $? "quarantine: only with those who are allowed" "$out"
at web ip neigh flush dev eth0
ip neigh flush dev br0
from fd09::7 fd09::2
point $? "also when IPv6 neighbours are yet to be found" "$TEST_DIR/ping"
shown "e['hweb']['allow'] == ['10.9.0.7', 'fd09::7'] and e['hweb']['in']['allowed']['frames'] >= 3
    and e['hweb']['out']['allowed']['frames'] >= 3 and e['hweb']['in']['drop_quarantine']['frames'] >= 2"
point $? "shown and counted" "$out"
weir mode --netns web hold && only_7 hold
point $? "hold: they stay allowed" "$out"
weir mode --netns web hold --hold pass && from 10.9.0.1 10.9.0.2 && from fd09::1 fd09::2 &&
    shown "e['hweb']['hold'] == 'pass' and e['hweb']['in']['held_passed']['frames'] >= 2"
point $? "hold with the verdict pass: all" "$out"
weir mode --netns web quarantine && only_7 quarantine
point $? "which is not quarantine's" "$out"
weir mode --netns web quarantine --allow fd09::/16 && ! from 10.9.0.7 10.9.0.2 && from fd09::1 fd09::2 &&
    from fd09::7 fd09::2 && shown "e['hweb']['allow'] == ['fd09::/16']"
point $? "another list stands instead of the first" "$out"
weir mode --netns web quarantine --allow ::/0 && from fd09::1 fd09::2 && ! from 10.9.0.1 10.9.0.2
point $? "all of IPv6 is not IPv4" "$out"
weir mode --netns web quarantine --allow none && nobody && shown "e['hweb']['allow'] == []"
point $? "and none is nobody" "$out"
weir mode --netns web quarantine --allow 10.9.0.7/24
[ $? = 2 ] && grep -q 'no bits behind' "$out" && weir mode --netns web quarantine --mac 02:00:00:00:00:01
[ $? = 2 ] && grep -q 'not an option of weir mode' "$out" && weir mode --netns web hold --hold maybe
[ $? = 2 ] && grep -q 'expected drop or pass' "$out"
point $? "what is no network, no option of the command, no verdict: told" "$out"
weir mode --netns web quarantine --allow none --allow 10.9.0.1
[ $? = 2 ] && grep -q 'contradict' "$out" && weir mode --netns web quarantine --allow 10.9.0.1 --allow none
[ $? = 2 ] && grep -q 'contradict' "$out" && nobody
point $? "nobody and somebody is a contradiction, and changes nothing" "$out"
weir mode --netns
[ $? = 2 ] && grep -q -- '--netns: no such option, or its value' "$out" && weir mode --nonsense
[ $? = 2 ] && grep -q -- '--nonsense: no such option' "$out"
point $? "an option that is none, or lacks its value, is named" "$out"
mark=$("$weir" divert show -o json | grep -o '"ucmac":"[^"]*' | tail -c 6 | tr -d :)
weir divert --dev happ --mark "$mark"
[ $? = 1 ] && grep -q "mark $mark belongs to another" "$out"
point $? "a mark that is taken is refused, and named" "$out"
# shellcheck disable=SC2046 # words
weir mode --netns web quarantine $(printf -- '--allow 10.9.1.%d ' {1..65})
[ $? = 2 ] && grep -q 'more than 64' "$out" &&
    weir mode --netns web quarantine $(printf -- '--allow 10.9.1.%d ' {1..64}) &&
    shown "len(e['hweb']['allow']) == 64"
point $? "a list has its limit" "$out"
python3 - $web_mac >"$out" 2>&1 <<'P'
import socket, struct, sys
def mac(text): return bytes.fromhex(text.replace(":", ""))
with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
    s.bind(("br0", 0))
    for source in "4e:65:75:56:00:01", "02:00:00:00:00:01":
        s.send(mac(sys.argv[1]) + mac(source) + b"\x08\x00" + struct.pack(
            "!BBHHHBBH4s4s", 0x45, 0, 28, 1, 0, 64, 17, 0, bytes([10, 9, 1, 9]), bytes([10, 9, 0, 2])) + bytes(8))
P
[ ! -s "$out" ] && shown "e['hweb']['in']['drop_spoof']['frames'] == 1 and e['hweb']['in']['allowed']['frames'] > 0"
point $? "a frame that wears a mark is dropped though its address is allowed" "$out"
weir release --netns web && weir divert --netns web --mode quarantine && shown "e['hweb']['allow'] == []"
point $? "who is diverted anew has no list" "$out"
weir release --netns web
ip addr del 10.9.0.7/24 dev br0
ip addr del fd09::7/64 dev br0
# --- the programs are loaded once, and anew by another version of Weir ---
id_of() { # prog|link PIN: of the program
    bpftool -j "$1" show pinned "$2" 2>"$out" |
        python3 -c 'import json, sys; d = json.load(sys.stdin); print(d["prog_id" if "prog_id" in d else "id"])'
}
egress_of() { echo "/sys/fs/bpf/weir"/*/"link_$(cat "/sys/class/net/$1/ifindex")_egress"; }
prog_in() { echo /sys/fs/bpf/weir/*/prog_in_*; }
mount -t sysfs none /sys && mount -t bpf none /sys/fs/bpf
# the kernel's switch is one for all: what others do with it is not told from this
echo 0 >"$TEST_DIR/rcu_expedited" && mount --bind "$TEST_DIR/rcu_expedited" /sys/kernel/rcu_expedited
hurry=$(cat /sys/kernel/rcu_expedited)
weir divert --dev hweb && weir divert --dev happ
first=$(id_of prog "$(prog_in)")
[ "$first" -gt 0 ] && [ "$(id_of link "$(egress_of hweb)")" = "$first" ] && [ "$(id_of link "$(egress_of happ)")" = "$first" ]
point $? "the second workload gets the first one's program" "$out"
[ "$(cat /sys/kernel/rcu_expedited)" = "$hurry" ]
point $? "grace periods are what they were"
mkdir /sys/fs/bpf/weir/hurry && echo 1 >/sys/kernel/rcu_expedited # as one that was killed
weir release --dev happ && weir divert --dev happ && [ ! -e /sys/fs/bpf/weir/hurry ] && [ "$(cat /sys/kernel/rcu_expedited)" = "$hurry" ]
point $? "also where who hurried was killed" "$out"
pin=$(prog_in)
mv "$pin" "${pin%/*}/prog_in_other" && weir release --dev happ && weir divert --dev happ --mode inline --on-failure open
second=$(id_of prog "$(prog_in)")
[ "$(prog_in)" = "$pin" ] && [ "$second" != "$first" ] && [ "$(id_of link "$(egress_of happ)")" = "$second" ]
point $? "what another version has pinned is not used, and goes" "$out"
reaches 10.8.0.2 && shown "e['happ']['in']['failed_open']['frames'] > 0"
point $? "programs and maps belong together" "$out"
bpftool map create "${pin%/*}/other" type hash key 4 value 24 entries 16 name other >"$out" 2>&1 &&
    weir release --dev happ && mv "${pin%/*}/eps" "${pin%/*}/kept" && mv "${pin%/*}/other" "${pin%/*}/eps"
weir divert --dev happ
[ $? = 1 ]
point $? "maps that are not the programs' are found out" "$out"
rm -f "${pin%/*}/eps" && mv "${pin%/*}/kept" "${pin%/*}/eps"
weir release --all && [ -z "$(ls /sys/fs/bpf/weir 2>/dev/null)" ]
point $? "and all of it goes with the last one" "$out"

# --- others' things at the same hooks ---
tc qdisc add dev happ clsact
ip link add seen type veth peer name seen2
for dev in seen seen2; do # says nothing by itself
    ip link set $dev addrgenmode none && ip link set $dev up
done
for side in ingress egress; do
    tc filter add dev happ $side prio 7 protocol ip u32 match u8 0 0 action mirred egress mirror dev seen
done
sent_by_seen() {
    ip -s -j link show seen | python3 -c 'import json, sys; print(json.load(sys.stdin)[0]["stats64"]["tx"]["packets"])'
}
count_seen() { # frames mirrored of one ping
    local before after
    before=$(sent_by_seen)
    reaches 10.8.0.2 || return 1
    after=$(sent_by_seen)
    echo $((after - before))
}
tc filter show dev happ ingress >"$TEST_DIR/filters"
alone=$(count_seen)
weir divert --dev happ --clsact --mode pass
[ "$(count_seen)" = "$alone" ] && [ "$alone" -ge 2 ]
point $? "somebody else's filter sees each frame as before ($alone)" "$out"
weir release --dev happ
tc filter show dev happ ingress | diff "$TEST_DIR/filters" - >"$out"
point $? "and is still there afterwards" "$out"

# --- and their TCX programs ---
other() { # SIDE [first]: in the background; its input is $other_in
    coproc OTHER { exec python3 "$SRC/tests/netns/tcx_other.py" happ "$@" 2>&1; }
    other_pid=$OTHER_PID
    other_out=${OTHER[0]} other_in=${OTHER[1]}
    read -ru "$other_out" line && [ "$line" = ready ]
}
other_saw() { echo >&"$other_in" && read -ru "$other_out" line && echo "$line"; }
end_other() {
    exec {other_in}>&- {other_out}<&-
    wait "$other_pid"
}
if "$weir" divert --dev happ -o json | grep -q '"hook_in":"tcx"'; then
    weir release --dev happ
    other ingress && reaches 10.8.0.2 && before=$(other_saw) && [ "$before" -ge 1 ]
    point $? "somebody else's TCX program counts" "$TEST_DIR/ping"
    weir divert --dev happ --mode inline --on-failure open && reaches 10.8.0.2 && after=$(other_saw) && [ "$after" -gt "$before" ]
    point $? "and does with ours before it ($before, $after)" "$out"
    shown "e['happ']['first_in'] and e['happ']['first_out'] and e['happ']['out']['failed_open']['frames'] > 0"
    point $? "ours is first" "$out"
    weir release --dev happ && reaches 10.8.0.2 && [ "$(other_saw)" -gt "$after" ]
    point $? "it stays when ours goes" "$out"
    end_other
    weir divert --dev happ && other egress first && shown "not e['happ']['first_in'] and e['happ']['first_out']" &&
        weir divert show && grep -q 'before ours on the way in' "$out"
    point $? "who comes before ours is told" "$out"
    end_other
    weir release --dev happ
else
    skip "other people's TCX programs" "the kernel has no TCX"
fi

# --- the other layout, which would want the same vbr ---
ip netns attach here $$
workload moved 1a:27:f3:87:3a:29
weir divert --dev happ
weir splice up --netns moved --agent here
[ $? = 1 ] && grep -q 'diverted in place in that namespace' "$out"
point $? "nothing is spliced through a namespace where something is in place" "$out"
weir release --dev happ && weir splice up --netns moved --agent here --mode pass
point $? "but afterwards" "$out"
weir divert --dev happ
[ $? = 1 ] && grep -q 'spliced through this namespace' "$out" && ip link show vbr >"$out"
point $? "and then nothing is in place, and vbr stays the splice's" "$out"
weir splice down --netns moved --agent here
point $? "which can be taken down" "$out"

# --- what goes away, and what cannot be ---
weir divert --netns web && ip link delete hweb
gone() { ! ip link show hweb >/dev/null 2>&1; }
wait_until 10 gone
shown "'' in e"
point $? "a workload that is gone is listed without a device" "$out"
weir release --all && weir divert show && grep -q 'nothing is diverted' "$out"
point $? "release --all takes away what is left of it" "$out"
ip netns delete web # its eth0 went with hweb
weir divert --dev happ && workload web $web_mac && weir divert --dev hweb
index=$(cat /sys/class/net/hweb/ifindex)
ip link delete hweb && wait_until 10 gone
weir release --dev hweb
[ $? = 1 ] && shown "list(e) == ['happ']"
point $? "any other release takes away what is left of who is gone" "$out"
ip netns delete web && workload web $web_mac && weir divert --dev hweb && ip link delete hweb
wait_until 10 gone && weir release --dev happ && [ -z "$(ls /sys/fs/bpf/weir 2>/dev/null)" ] && ! ip link show vbr >/dev/null 2>&1
point $? "and if it was the last one, all of it" "$out"
ip netns delete web && workload web $web_mac && weir divert --dev hweb --mode inline
index=$(cat /sys/class/net/hweb/ifindex)
ip netns delete web && wait_until 10 gone && ip netns add web && ip link add hweb index "$index" type veth peer name eth0 netns web
ip link set hweb up && ip -n web link set eth0 up
weir divert --dev hweb --mode inline --on-failure open && shown "e['hweb']['hook_in'] == 'tcx' and e['hweb']['on_failure'] == 'open'"
point $? "a new device of the same number is another one" "$out"
weir release --all
# between any two steps of ours the workload may go
left=0
for i in {1..40}; do
    ip netns delete web
    workload web $web_mac
    going=()
    for words in 'divert --dev hweb' 'mode --dev hweb inline' 'release --dev hweb'; do
        for _ in 1 2; do # one of them may be just where it goes
            # shellcheck disable=SC2086 # words
            "$weir" $words >>"$TEST_DIR/vanish" 2>&1 &
            going+=($!)
        done
    done
    read -rt "$(printf '0.%03d' $((i * 2)))" <> <(:)
    ip link delete hweb
    for pid in "${going[@]}"; do
        wait "$pid"
        [ $? -le 1 ] || left=1
    done
done
grep -i 'runtime error\|sanitizer\|cannot open' "$TEST_DIR/vanish" >"$out"
[ $? = 1 ] && [ $left = 0 ] && weir release --all && [ -z "$(ls /sys/fs/bpf/weir 2>/dev/null)" ] && ! ip link show vbr >"$out" 2>&1
point $? "workloads that go in the middle of anything leave nothing behind" "$out"
# --- namespaces that end with what they have ---
unshare --net bash -c '
    ip link add hgone type veth peer name egone && ip link set hgone up && ip link set egone up
    "$0" divert --dev hgone' "$weir" >"$out" 2>&1
point $? "a namespace of its own diverts" "$out"
ends=$(ls /sys/fs/bpf/weir)
taken_away() { # the kernel ends a namespace some time later
    weir release --dev happ
    weir divert --dev happ && ! ls "/sys/fs/bpf/weir/$ends" >"$TEST_DIR/ends" 2>&1
}
wait_until 20 taken_away && shown "list(e) == ['happ']"
point $? "and when it has ended, the next one takes its pins away" "$out"
ours=$(ls /sys/fs/bpf/weir)
mkdir "/sys/fs/bpf/weir/inplace0-${ours#*-}"
weir release --all && weir divert --dev happ
[ $? = 1 ] && grep -q 'another version of Weir' "$out" && [ "$(ls /sys/fs/bpf/weir)" = "inplace0-${ours#*-}" ]
point $? "where another version of Weir diverts, this one does not" "$out"
rmdir "/sys/fs/bpf/weir/inplace0-${ours#*-}"
ip link add link br0 name mv0 type macvlan mode bridge
weir divert --dev mv0
[ $? = 1 ] && grep -q 'weir splice can' "$out"
point $? "a macvlan is refused, and told what can" "$out"
weir divert --dev nope
[ $? = 1 ] && weir mode --dev happ inline
[ $? = 1 ] && grep -q 'nothing is diverted\|not diverted' "$out"
point $? "no such device, not diverted: errors" "$out"
weir mode --dev happ sideways
[ $? = 2 ] && grep -q 'expected pass, tap, inline' "$out"
point $? "no such mode: told which there are" "$out"
finish
