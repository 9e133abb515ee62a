#!/bin/bash
# Several workers: each workload is one's, all together are one data plane, and
# when one hangs that is seen from outside.
#
#   a 10.9.0.2 ── ha 10.9.0.1 ┐
#   b 10.9.1.2 ── hb 10.9.1.1 ├ host: python, ping, weir-dp -n 2
#   c 10.9.2.2 ── hc 10.9.2.1 ┘
#
# Marks 00b4 (a, worker 0), 00b5 (b, worker 1), 00b6 (c, worker 0).
. "$(dirname "$0")/lib.sh"
trap '' PIPE # of a client that has ended
weir() { "$weir" "$@" >"$out" 2>&1; }
workers=2
ends="$SRC/tests/netns/cache_peer.py"
declare -A net=([a]=10.9.0 [b]=10.9.1 [c]=10.9.2)
declare -A mark=([a]=00:b4 [b]=00:b5 [c]=00:b6)
mac_of() { echo "1a:27:f3:87:3b:${mark[$1]#*:}"; }

reaches() { ping -q -n -c 1 -W 1 "$1" >"$TEST_DIR/ping" 2>&1; }
no_way() { ! reaches "$@"; }
stats() { dp stats -o json && json "$1"; }
shown() { # EXPRESSION over e, the entries of `weir divert show` by device
    "$weir" divert show -o json >"$out" 2>&1 &&
        json "(lambda e: $1)({x['dev']: x for x in d['diverted']})"
}
# A connection to each that this script drives: say WHO N echoes N bytes.
declare -A to from
connect() { # WHO
    local fifo=$TEST_DIR/fifo.$1
    rm -f "$fifo.in" "$fifo.out"
    mkfifo "$fifo.in" "$fifo.out"
    python3 "$ends" client "${net[$1]}.2" 7000 <"$fifo.in" >"$fifo.out" 2>&1 &
    children+=($!)
    exec {to[$1]}>"$fifo.in" {from[$1]}<"$fifo.out"
    heard "$1"
}
heard() { local line; read -r -t "${2:-20}" -u "${from[$1]}" line && echo "$line" >"$out" && [ "$line" = ok ]; }
say() { echo "$2" >&"${to[$1]}" && heard "$1"; }

policy() { # CMD WHO ACTION: tcp 7000 and ping; the rest is denied
    dp '{"ctrl_cfg_policy":{"cmd":'"$1"',"flag":3,"defact":7,"dir":3,"ipv6":true,"mac":["'"$(mac_of "$2")"'"],"rules":[
        {"id":1,"from":["any"],"to":["any"],"ports":["7000"],"proto":"tcp","action":"'"$3"'","ingress":true},
        {"id":2,"from":["any"],"to":["any"],"proto":"icmp","action":"allow","ingress":true}]}}'
}

add() { # WHO
    dp '[{"ctrl_add_mac":{"iface":"vth","mac":"'"$(mac_of "$1")"'","ucmac":"4e:65:75:56:'"${mark[$1]}"'","bcmac":"ff:ff:ff:00:'"${mark[$1]}"'"}},
      {"ctrl_cfg_mac":{"tap":false,"macs":["'"$(mac_of "$1")"'"]}}]'
}

for ns in a b c; do
    ip netns add $ns
    ip -n $ns link set lo up
    ip link add h$ns type veth peer name eth0 address "$(mac_of $ns)" netns $ns
    ip link set h$ns up
    ip -n $ns link set eth0 up
    ip addr add ${net[$ns]}.1/24 dev h$ns
    ip -n $ns addr add ${net[$ns]}.2/24 dev eth0
    ip -n $ns route add default via ${net[$ns]}.1
    background $ns python3 "$ends" server 7000 >"$TEST_DIR/server.$ns" 2>&1
    wait_until 20 listens $ns 7000
    point $? "a workload, $ns, that echoes" "$TEST_DIR/server.$ns"
    weir divert --netns $ns --mark "${mark[$ns]/:/}" --mode inline
    point $? "$ns is diverted" "$out"
done

"$weir_dp" -n 0 --control "$door" >"$out" 2>&1
[ $? = 2 ] && grep -q '1..16' "$out" && { "$weir_dp" -n 17 --control "$door" >"$out" 2>&1; [ $? = 2 ]; }
point $? "0 and 17 workers are refused" "$out"
# a supervisor's memory
head -c 20 /dev/zero >/dev/shm/dp_mnt.shm
"$weir_dp" -n $workers --flows 1000 --listen "" --notify "" --control "$door" 2>>"$TEST_DIR/log" &
dp_pid=$!
wait_until 20 dp version && dp '[{"ctrl_add_srvc_port":{"iface":"vth"}},{"ctrl_enable_icmp_policy":{"enable_icmp_policy":true}}]' &&
    add a && add b && add c && policy 1 a allow && policy 1 b allow && policy 1 c allow
point $? "two workers serve them" "$out"
dp '{"ctrl_add_mac":{"iface":"vth","mac":"1a:27:f3:87:3b:01","ucmac":"4e:65:75:56:00:01","bcmac":"ff:ff:ff:00:00:02"}}'
[ $? = 1 ] && grep -q 'bcmac' "$out"
point $? "marks that lead to two workers are refused" "$out"

# --- each its own, all together one ---
for ns in a b c; do
    wait_until 10 reaches ${net[$ns]}.2 && connect $ns && say $ns 1000
    point $? "$ns is reached, and echoes" "$out"
done
stats "[w['workloads'] for w in d['workers']] == [2, 1] and all(w['frames'] > 5 and w['received'] > 5 for w in d['workers'])"
point $? "each worker has its workloads, and had frames" "$out"
dp stats && grep -A 3 '^workers$' "$out" | grep -q '^    workloads  *2$'
point $? "a person is told so, too" "$out"
stats "sum(w['frames'] for w in d['workers']) == d['frames']['to_workloads'] + d['frames']['from_workloads'] and
    sum(w['flows']['in_use'] for w in d['workers']) == d['flows']['in_use'] and
    [w['flows']['limit'] for w in d['workers']] == [500, 500] and d['flows']['limit'] == 1000"
point $? "the whole is the sum of the parts" "$out"
stats "'other_worker' not in d['dropped'] and 'no_endpoint' not in d['dropped']"
point $? "no frame came to the wrong one" "$out"
dp flows -o json && json "sorted(s['workload'][-2:] for s in d['sessions'] if s['server_port'] == 7000) == ['b4', 'b5', 'b6'] and
    len({s['id'] for s in d['sessions']}) == len(d['sessions']) >= 3"
point $? "the flows of all are listed, each under an id of its own" "$out"
paged() { # ask for one flow at a time
    python3 - "$door" <<'P' >"$out" 2>&1
import json, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.connect(sys.argv[1])
def ask(name, **body):
    s.send(json.dumps({"id": 1, name: body}).encode())
    answer = json.loads(s.recv(1 << 20))
    assert answer["ok"], answer
    return answer
whole = ask("ctrl_list_session", limit=256)
assert whole["next"] is None, whole
pages, after = [], 0
while after is not None:
    page = ask("ctrl_list_session", limit=1, after=after)
    pages += page["sessions"]
    after = page["next"]
key = lambda s: s["id"]
assert [key(x) for x in pages] == [key(x) for x in whole["sessions"]], pages
assert ask("ctrl_list_session", limit=5, after=0xffffffff)["sessions"] == []
P
}
paged
point $? "page by page, too" "$out"

# --- told together ---
for ns in a b; do
    python3 "$ends" flood ${net[$ns]}.2 7001 3 >"$out" 2>&1
done
blocked() { dp blocks -o json && json "{b['workload'][-2:] for b in d['blocks'] if b['to_port'] == 7001} == {'b4', 'b5'} and
    [b['last_s_ago'] for b in d['blocks']] == sorted(b['last_s_ago'] for b in d['blocks'])"; }
wait_until 10 blocked
point $? "blocks of both workers, the newest first" "$out"
explained() { dp explain --from 10.9.0.1 --to "${net[$1]}.2" --proto tcp --port 7000 -o json && json "len(d['answers']) == 1 and d['answers'][0]['rule'] == 1"; }
explained a && explained b
point $? "a workload is explained whichever worker's it is" "$out"
dp '{"ctrl_stats_macs":{"macs":["'"$(mac_of a)"'","'"$(mac_of b)"'"]}}' -o json && cp "$out" "$TEST_DIR/two" &&
    dp '{"ctrl_stats_device":{}}' -o json
point $? "statistics of workloads and of the device" "$out"
reported() { dp '{"weir_connections":{"after":0,"limit":56}}' -o json && json "{c['workload'][-2:] for m in (d if isinstance(d, list) else [d]) for c in m['connections']} >= {'b4', 'b5', 'b6'}"; }
wait_until 20 reported
point $? "connections of all are reported" "$out"

# --- the verdict cache ---
for ns in a b; do
    for _ in 1 2 3 4 5; do say $ns 1000; done
done
cached() { stats "d['cache']['in_use'] >= 2 and d['cache']['limit'] == 65536"; }
wait_until 5 cached
point $? "connections of both workers are in the cache" "$out"
say a 2000000 && say b 2000000 && shown "all(e[dev][way]['cached']['bytes'] > 1900000 for dev in ('ha', 'hb') for way in ('in', 'out'))"
point $? "and what they carry stays in the kernel" "$out"
counted() { dp flows -o json && json "sorted(s['client_bytes'] > 2000000 for s in d['sessions'] if s['server_port'] == 7000) == [False, True, True]"; }
wait_until 10 counted
point $? "each worker has it in its flow's figures" "$out"
policy 2 b deny
echo 100 >&"${to[b]}" && ! heard b 2 && say a 100
point $? "a policy that denies one's ends it, the other's goes on" "$out"
policy 2 b allow && connect b && say b 100
point $? "and one that allows it lets it begin again" "$out"
dp clear

# --- another mark ---
dp '{"ctrl_add_mac":{"iface":"vth","mac":"'"$(mac_of c)"'","ucmac":"4e:65:75:56:00:b7","bcmac":"ff:ff:ff:00:00:b7"}}' &&
    stats "[w['workloads'] for w in d['workers']] == [1, 2]" && dp flows -o json && json "not any(s['workload'][-2:] == 'b6' for s in d['sessions'])"
point $? "with another mark a workload is another worker's, and the old one has forgotten it" "$out"
add c

# --- a worker hangs ---
thread_of() { # WORKER: its thread; they were started in that order, behind the first
    local process
    process=$(pgrep -P "$dp_pid")
    find "/proc/$process/task" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort -n | sed -n "$(($1 + 2))p"
}
cat >"$TEST_DIR/hold.py" <<'P'
# hold.py TID: holds that thread alone until stdin ends.
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
tid = int(sys.argv[1])
SEIZE, INTERRUPT, DETACH, WALL = 0x4206, 0x4207, 17, 0x40000000
for request in SEIZE, INTERRUPT:
    assert libc.ptrace(request, tid, None, None) == 0, os.strerror(ctypes.get_errno())
os.waitpid(tid, WALL)
print("held", flush=True)
sys.stdin.read()
libc.ptrace(DETACH, tid, None, None)
P
closed() { # DEVICE ADDRESS: by the kernel, for want of a data plane
    local before
    before=$(shown "print(e['$1']['in']['drop_failed_closed']['frames']) or True" | head -1)
    no_way "$2" && shown "e['$1']['in']['drop_failed_closed']['frames'] > $before"
}
beats() { od -An -tu4 -N4 /dev/shm/dp_mnt.shm | tr -d ' '; }
more_beats() { [ "$(beats)" -gt "$1" ]; }
for worker in 0 1; do
    coproc hold { exec python3 "$TEST_DIR/hold.py" "$(thread_of $worker)" 2>&1; }
    hold_pid=$!
    read -r -t 20 line <&"${hold[0]}" && [ "$line" = held ]
    point $? "worker $worker hangs" "$TEST_DIR/log"
    # what comes before the kernel has seen it waits for the worker, or goes on
    wait_until 10 closed ha 10.9.0.2 && wait_until 10 closed hb 10.9.1.2
    point $? "then the failure policy holds for all" "$out"
    before=$(beats)
    # one may have been under way
    ! within 4 more_beats $((before + 1))
    point $? "and the supervisor sees no heartbeat" "$out"
    eval "exec ${hold[1]}>&-"
    wait $hold_pid
    wait_until 10 reaches 10.9.0.2 && wait_until 10 reaches 10.9.1.2
    point $? "and no longer when it goes on" "$TEST_DIR/ping"
    wait_until 20 more_beats $((before + 1))
    point $? "and the heartbeat as well" "$TEST_DIR/log"
done

# --- the port goes and comes back ---
ip link set vth down && ip link set vth up
back() { stats "d['port']['state'] == 'open' and d['port']['times_lost'] >= 1" && reaches 10.9.0.2 && reaches 10.9.1.2; }
wait_until 20 back
point $? "the service port is lost, and all workers have it again" "$out"
say a 100 && say b 100
point $? "and what was in the middle goes on" "$out"
stop_dp
point $? "SIGTERM ends them all with 0" "$TEST_DIR/log"
finish
