#!/bin/bash
# The article's client drives weir-dp, unchanged, over the sockets it expects.
#
#  ┌ host-ns ──────┐   ┌ agent-ns ─────────────────┐   ┌ container-ns ──────┐
#  │ 10.10.10.66   ╪═══╪ vex                   vin ╪═══╪ eth0 10.10.10.88   │
#  └───────────────┘   │  └──▶ vbr ═══ vth ◀──┘    │   │ mark ...56:00:b4   │
#                      │              ▲            │   └────────────────────┘
#                      │           weir-dp         │
#                      └──────────────┬────────────┘
#        the article's client ──▶ /tmp/dp_listen.sock
. "$(dirname "$0")/lib.sh"

# A /tmp of our own for the client's fixed path; this tree, the test's directory
# and what a sanitizer writes stay where they are, should that be in /tmp.
private_tmp() {
    local new=$TEST_DIR/tmp keep
    mkdir "$new"
    mount -t tmpfs -o mode=1777 none "$new"
    for keep in "$SRC" "$TEST_DIR" "$(sed -n 's/.*log_path=\([^:]*\)\/.*/\1/p' <<<"${ASAN_OPTIONS:-}")"; do
        case $keep in
            /tmp/*)
                mkdir -p "$new/${keep#/tmp/}"
                mount --bind "$keep" "$new/${keep#/tmp/}"
                ;;
        esac
    done
    mount --rbind "$new" /tmp
}

own_client() { # the article's four messages, should its text not be here
    cat <<'P'
import json, socket
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect("/tmp/dp_listen.sock")
nets = [{"ip": "10.10.10.0", "mask": "255.255.255.0"},
        {"ip": "10.10.10.88", "mask": "255.255.255.0", "iptype": "devip"}]
for m in ({"ctrl_cfg_internal_net": {"flag": 3, "subnet_addr": nets}},
          {"ctrl_add_srvc_port": {"iface": "vth", "jumboframe": False}},
          {"ctrl_add_mac": {"iface": "vth", "mac": "1a:27:f3:87:3a:27",
                            "ucmac": "4e:65:75:56:00:b4",
                            "bcmac": "ff:ff:ff:00:00:b4", "oldmac": "",
                            "pmac": "", "pips": None}},
          {"ctrl_cfg_mac": {"tap": False, "macs": ["1a:27:f3:87:3a:27"]}}):
    s.sendall(json.dumps(m).encode())
P
}

# Sends a message as the article's client does: a datagram, nobody answers.
send_message() { # JSON
    python3 - "$1" <<'P'
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect("/tmp/dp_listen.sock")
s.sendall(sys.argv[1].encode())
P
}

policy() { # CMD RULES: 1 adds, 3 deletes the container's policy; open without
    send_message '{"ctrl_cfg_policy":{"cmd":'"$1"',"flag":3,"defact":1,"dir":2,
        "mac":["1a:27:f3:87:3a:27"],"rules":['"$2"']}}'
}

doors() { # EXPRESSION over c: what the compatible door counted
    dp stats -o json && json "(lambda c: $1)(d['doors']['compat'])"
}

private_tmp
topology
point $? "the topology is up"
splice up --mark 00b4 --mode inline
point $? "the container is spliced with the article's mark" "$out"
start_dp agent-ns
point $? "weir-dp -n 1 is up" "$TEST_DIR/log"
[ -S /tmp/dp_listen.sock ]
point $? "it listens where the article's client sends"
no_pings $cont4
point $? "nothing passes before the client has spoken" "$TEST_DIR/ping"

article=$SRC/../shared/seed/neuvector-dp-diversion.md
client=$TEST_DIR/client.py
awk '/^    import socket/ { on = 1 }
     on { sub(/^    /, ""); print }
     on && /^cfg_mac\(\)/ { exit }' "$article" 2>/dev/null >"$client"
if [ -s "$client" ]; then
    python3 "$client" >"$out" 2>&1 && [ "$(grep -c success "$out")" = 4 ]
    point $? "the article's client runs as it was printed" "$out"
else
    skip "the article's client runs as it was printed" "no text of the article beside this tree"
    own_client | python3 -
fi
doors "c['messages'] == 4 and c['refused'] + c['unknown'] + c['garbage'] == 0" ||
    wait_until 10 doors "c['messages'] == 4"
point $? "its four messages were accepted" "$out"
wait_until 10 pings $cont4
point $? "ping passes" "$TEST_DIR/ping"
pings $cont6
point $? "IPv6 ping passes" "$TEST_DIR/ping"
dp flows && grep -q '10.10.10.66 → 10.10.10.88' "$out"
point $? "through weir-dp" "$out"

send_message '{"ctrl_enable_icmp_policy":{"enable_icmp_policy":true}}'
policy 1 '{"id":1001,"sip":"10.10.10.66","dip":"10.10.10.88","port":0,"portr":0,
           "proto":1,"action":7,"ingress":true}'
wait_until 10 no_pings $cont4
point $? "a rule that denies ICMP blocks it" "$TEST_DIR/ping"
dp blocks -o json && json "any(b['rule'] == 1001 and b['proto'] == 'icmp' for b in d['blocks'])"
point $? "and is named" "$out"
policy 3 ''
wait_until 10 pings $cont4
point $? "without the policy it passes again" "$TEST_DIR/ping"
doors "c['refused'] + c['unknown'] + c['garbage'] == 0"
point $? "no message was refused" "$out"

# --- the binary replies, to a client that has an address ---
python3 - "$TEST_DIR" >"$out" 2>&1 <<'P'
import json, socket, struct, sys
path = "/tmp/dp_client.test"
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(path)
s.settimeout(20)

def ask(name, **body):
    s.sendto(json.dumps({name: body}).encode(), "/tmp/dp_listen.sock")

def told(data, what):
    print(what, data.hex())
    return data

ask("ctrl_keep_alive", seq_num=0x01020304)
assert told(s.recv(9000), "keep-alive").hex() == "0a00000801020304"

ask("ctrl_count_session")
count = told(s.recv(9000), "count")
kind, more, length = struct.unpack_from(">BBH", count)
assert len(count) == 24 and length == 24 and not more
total = struct.unpack_from(">I", count, 4)[0]
assert total >= 1, total

ask("ctrl_list_session")
sessions = 0
while True:
    data = told(s.recv(9000), "list")
    kind, more, length, n = struct.unpack_from(">BBHH", data)
    assert kind == 2 and length == len(data) <= 8192
    if not more:
        break
    assert n and (len(data) - 8) % n == 0, (n, len(data))
    assert (len(data) - 8) // n == 140, "a session's record"
    assert bytes.fromhex("1a27f3873a27") in data
    sessions += n
assert data.hex() == "0200000800000000"
assert sessions == total, (sessions, total)

ask("ctrl_clear_session", filter_id=0)
ask("ctrl_count_session")
assert struct.unpack_from(">I", s.recv(9000), 4)[0] == 0
P
point $? "keep-alive, count, list and clear have the replies that the agent reads" "$out"

# The worker may not write to root's sockets, and its opener does so only beside
# the door's: no service elsewhere hears from it.
python3 - "$TEST_DIR/elsewhere" <<'P'
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
s.sendto(b'{"ctrl_keep_alive":{"seq_num":1}}', "/tmp/dp_listen.sock")
P
wait_until 10 doors "c['unanswered'] == 1"
point $? "a client's socket elsewhere gets no reply, and that is counted" "$out"

stop_dp
point $? "SIGTERM ends it with 0" "$TEST_DIR/log"
[ ! -e /tmp/dp_listen.sock ]
point $? "its socket is gone"
splice down && wait_until 10 pings $cont4
point $? "down: the container answers as before" "$TEST_DIR/ping"
finish
