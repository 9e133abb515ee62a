#!/bin/bash
# weir capture: a workload's frames with their verdicts, in its own MAC, nothing
# of it left to the kernel while it runs; pcapng that others read.
#
#   web 10.9.0.2, fd09::2 ── hweb ── host 10.9.0.1, fd09::1: python, weir-dp
. "$(dirname "$0")/lib.sh"
here=$(dirname "$0")
mark=4e:65:75:56:00:b4

capture() { # FILE OPTION...: in the background, ready when it captures
    local file=$1
    shift
    "$weir" capture "$@" --control "$door" >"$file" 2>"$file.err" &
    capture_pid=$!
    children+=($!)
    wait_until 10 captures 1
}
captures() { dp stats -o json && json "d['captures']['in_use'] == $1"; }
ended() { # SIGNAL: the capture, by that
    kill "-$1" "$capture_pid" && wait "$capture_pid"
}
holds() { # FILE EXPRESSION over the packets p of a pcapng file
    python3 "$here/pcapng.py" "$1" "$2" >"$out" 2>&1
}

ip netns add web
ip -n web link set lo up
ip link add hweb type veth peer name eth0 address $mac netns web
ip link set hweb up
ip -n web link set eth0 up
ip addr add 10.9.0.1/24 dev hweb
ip addr add fd09::1/64 dev hweb nodad
ip -n web addr add 10.9.0.2/24 dev eth0
ip -n web addr add fd09::2/64 dev eth0 nodad
background web python3 "$here/cache_peer.py" server 7000 >"$TEST_DIR/server" 2>&1
wait_until 20 listens web 7000
point $? "a workload that echoes" "$TEST_DIR/server"

"$weir" divert --netns web --mark 00b4 --mode inline >"$out" 2>&1
point $? "it is diverted" "$out"
"$weir_dp" -n "${workers:-1}" --listen "" --notify "" --control "$door" 2>>"$TEST_DIR/log" &
dp_pid=$!
wait_until 20 dp version && dp '[{"ctrl_add_srvc_port":{"iface":"vth"}},
  {"ctrl_add_mac":{"mac":"'$mac'","ucmac":"'$mark'","bcmac":"ff:ff:ff:00:00:b4"}},
  {"ctrl_cfg_mac":{"tap":false,"macs":["'$mac'"]}},
  {"weir_policy":{"version":1,"policies":[{"macs":["'$mac'"],"default":"deny","rules":[
    {"id":7,"ports":["7000"],"proto":"tcp","action":"allow","ingress":true},
    {"id":8,"ports":["7009"],"proto":"tcp","action":"reject","ingress":true}]}]}}]'
point $? "a data plane with a policy" "$out"

talk() { # ADDRESS BYTES TIMES: a connection to the workload
    coproc conn { exec python3 "$here/cache_peer.py" client "$1" 7000 2>&1; }
    conn_pid=$!
    local i line
    read -r -t 20 line <&"${conn[0]}"
    for ((i = 0; i < $3; i++)); do
        echo "$2" >&"${conn[1]}" && read -r -t 20 line <&"${conn[0]}" && [ "$line" = ok ] || return
    done
    echo close >&"${conn[1]}"
    wait "$conn_pid"
}
knock() { # ADDRESS PORT: is denied
    python3 - "$@" <<'P'
import socket, sys
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])), timeout=1)
except OSError:
    sys.exit(0)
sys.exit(1)
P
}

# --- what is captured ---
capture "$TEST_DIR/all.pcapng" web -w -
point $? "a capture by name" "$TEST_DIR/all.pcapng.err"
talk 10.9.0.2 1000 30
point $? "a connection of thirty rounds" "$TEST_DIR/server"
talk fd09::2 1000 3
point $? "another by IPv6" "$TEST_DIR/server"
knock 10.9.0.2 7008 && knock 10.9.0.2 7009
point $? "two that are denied" "$TEST_DIR/server"
ended INT
point $? "Ctrl-C ends it" "$TEST_DIR/all.pcapng.err"
captures 0
point $? "and the data plane has none left" "$out"
holds "$TEST_DIR/all.pcapng" "len([x for x in p if x.dport == 7000 and x.ip == 4 and x.payload]) >= 30"
point $? "all of the connection was seen, none of it by the kernel alone" "$out"
holds "$TEST_DIR/all.pcapng" "all(x.note['verdict'] == 'forward' and x.note['rule'] == '7' and x.note['flow'] != '0'
    for x in p if 7000 in (x.sport, x.dport))"
point $? "with its verdict, rule and flow" "$out"
holds "$TEST_DIR/all.pcapng" "all((x.dst if x.inbound else x.src) == '$mac' and
    (x.sport if not x.inbound else x.dport) >= 7000 for x in p)"
point $? "in the workload's own MAC, and each with its direction" "$out"
holds "$TEST_DIR/all.pcapng" "all(x.note['verdict'] == 'drop' and x.note['rule'] == '0' for x in p if x.dport == 7008) and
    any(x.dport == 7008 for x in p)"
point $? "what was denied, too" "$out"
holds "$TEST_DIR/all.pcapng" "[(x.note['verdict'], x.note['rule']) for x in p if 7009 in (x.dport, x.sport)][:2] == [('drop', '8'), ('made', '8')]"
point $? "and our answer to what was rejected" "$out"
holds "$TEST_DIR/all.pcapng" "sums['drop'] == 0 and sums['received'] == sums['written'] == len(p) and abs(p[0].at - time.time()) < 300"
point $? "sums at the end, and the time of day" "$out"

# --- the kernel has the flow already ---
cached() { dp stats -o json && json "d['cache']['in_use'] == $1"; }
coproc conn { exec python3 "$here/cache_peer.py" client 10.9.0.2 7000 2>&1; }
conn_pid=$!
read -r -t 20 _ <&"${conn[0]}"
for _ in 1 2 3 4 5 6; do echo 100 >&"${conn[1]}" && read -r -t 20 _ <&"${conn[0]}"; done
wait_until 5 cached 1
point $? "a connection is the kernel's" "$out"
capture "$TEST_DIR/later.pcapng" --netns web -w - tcp port 7000 and greater 100
for _ in 1 2 3; do echo 1000 >&"${conn[1]}" && read -r -t 20 _ <&"${conn[0]}"; done
ended TERM
holds "$TEST_DIR/later.pcapng" "len(p) >= 6 and all(x.length >= 100 for x in p) and 'greater 100' in interface['filter']"
point $? "a capture gets it back, through its filter" "$out"
for _ in 1 2 3; do echo 100 >&"${conn[1]}" && read -r -t 20 _ <&"${conn[0]}"; done
wait_until 5 cached 1
point $? "and gives it back at its end" "$out"
echo close >&"${conn[1]}"
wait "$conn_pid"

# --- as text; ends ---
capture "$TEST_DIR/text" --mac $mac -c 3
talk 10.9.0.2 10 3
wait "$capture_pid" && [ "$(wc -l <"$TEST_DIR/text")" = 3 ]
point $? "-c 3 shows three frames" "$TEST_DIR/text"
grep -Eq '^[0-9:]{8}\.[0-9]{6} in  forward 10\.9\.0\.1:[0-9]+ > 10\.9\.0\.2:7000 tcp \[S\], 74 bytes \(rule, rule 7, flow [0-9]+\)$' "$TEST_DIR/text"
point $? "as a line each" "$TEST_DIR/text"
"$weir" capture web --seconds 1 --control "$door" >"$out" 2>&1
point $? "--seconds 1 ends it" "$out"
"$weir" capture web -w "$TEST_DIR/file.pcapng" --seconds 1 -s 60 --control "$door" >"$out" 2>&1 &
children+=($!)
file_pid=$!
wait_until 10 captures 1 && talk 10.9.0.2 1000 3
wait $file_pid
holds "$TEST_DIR/file.pcapng" "p and all(len(x.bytes) <= 60 for x in p) and any(x.length > 1000 for x in p)" &&
    [ "$(stat -c %a "$TEST_DIR/file.pcapng")" = 600 ]
point $? "-w FILE, -s 60: cut, and only for who captures" "$out"

# --- in a tap, with another mark ---
"$weir" mode --netns web tap >"$out" 2>&1
capture "$TEST_DIR/tap.pcapng" web -w -
knock 10.9.0.2 7008
ended INT
holds "$TEST_DIR/tap.pcapng" "[(x.note['verdict'], x.note['reason']) for x in p if x.dport == 7008][0] == ('watched', 'default') and
    all((x.dst if x.inbound else x.src) == '$mac' for x in p)"
point $? "in a tap: what would have been found" "$out"
"$weir" mode --netns web inline >"$out" 2>&1
marked() { # HHLL
    dp '{"ctrl_add_mac":{"mac":"'$mac'","ucmac":"4e:65:75:56:'${1%??}:${1#??}'","bcmac":"ff:ff:ff:00:'${1%??}:${1#??}'"}}'
}
capture "$TEST_DIR/moved.pcapng" web -w -
marked 00b5 && marked 00b4 && talk 10.9.0.2 1000 3
ended INT
holds "$TEST_DIR/moved.pcapng" "len([x for x in p if x.note['verdict'] == 'forward']) >= 6"
point $? "it goes on when its mark has been another one" "$out"
capture "$TEST_DIR/text" web
dp stats && grep -Eq '^captures .* 1 of 16' "$out"
point $? "weir dp stats tells of it" "$out"
dp '{"ctrl_del_mac":{"mac":"'$mac'"}}'
wait "$capture_pid" && grep -q 'the workload is gone' "$TEST_DIR/text.err"
point $? "it ends when the workload is gone" "$TEST_DIR/text.err"
dp '[{"ctrl_add_mac":{"mac":"'$mac'","ucmac":"'$mark'","bcmac":"ff:ff:ff:00:00:b4"}},{"ctrl_cfg_mac":{"tap":false,"macs":["'$mac'"]}}]'
"$weir" capture web -w - --control "$door" 2>"$TEST_DIR/pipe.err" | head -c 60 >"$TEST_DIR/head" &
pipe_pid=$!
wait_until 10 captures 1 && talk 10.9.0.2 1000 3
wait $pipe_pid && wait_until 10 captures 0 && ! grep -q capture: "$TEST_DIR/pipe.err"
point $? "it ends when nobody reads it any more, and that is no error" "$TEST_DIR/pipe.err"

# --- errors ---
fails() { # STATUS REGEX NAME ARGUMENT...
    local status=$1 regex=$2 name=$3
    shift 3
    "$weir" capture "$@" --control "$door" >"$out" 2>&1
    [ $? = "$status" ] && grep -Eq "$regex" "$out"
    point $? "$name" "$out"
}
fails 2 'FILTER' "a filter that is none" web prot 7
fails 1 'no workload has the MAC' "a MAC that nobody has" --mac 02:00:00:00:00:99
fails 1 'nobody' "a namespace that is not there" nobody
fails 2 'expected one of' "nobody named" -c 3
fails 2 'number' "a count that is none" web -c 0
python3 - "$door" $mac >"$out" 2>&1 <<'P'
import json, socket, sys
doors = []
def ask():
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.settimeout(20)
    s.connect(sys.argv[1])
    s.send(json.dumps({"weir_capture": {"workload": sys.argv[2]}}).encode())
    data, fds, _, _ = socket.recv_fds(s, 65536, 1)
    doors.append(s)
    return json.loads(data), fds
for i in range(16):
    answer, fds = ask()
    assert answer["ok"] and len(fds) == 1, answer
answer, fds = ask()
assert answer["error"]["code"] == "ENOSPC" and not fds, answer
P
point $? "sixteen at a time, no more" "$out"
wait_until 10 captures 0
point $? "and they end with their clients" "$out"

# --- others read it ---
if command -v tshark >/dev/null; then
    tshark -r "$TEST_DIR/all.pcapng" -Y 'tcp.dstport == 7008' -T fields -e frame.comment >"$out" 2>&1
    grep -q '^flow=0 verdict=drop reason=default rule=0$' "$out"
    point $? "tshark reads it, and shows the comments" "$out"
    capinfos "$TEST_DIR/all.pcapng" >"$out" 2>&1 && ! grep -qi 'cut short\|malformed' "$out"
    point $? "capinfos finds nothing wrong" "$out"
    "$weir" capture web -w - -c 6 --control "$door" 2>/dev/null |
        tshark -r - -T fields -e frame.comment >"$TEST_DIR/comments" 2>&1 &
    pipe_pid=$!
    wait_until 10 captures 1 && talk 10.9.0.2 1000 3
    wait $pipe_pid && [ "$(grep -c '^flow=[0-9]* verdict=forward' "$TEST_DIR/comments")" = 6 ]
    point $? "tshark reads it from a pipe" "$TEST_DIR/comments"
else
    skip "tshark reads it" "no tshark"
fi
stop_dp
finish
