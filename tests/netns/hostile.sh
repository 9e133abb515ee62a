#!/bin/bash
# What comes to weir-dp's doors or port may be anything: it is refused in clear
# words or counted, and the traffic that may go goes on.
#
#  ┌ host-ns ──────┐   ┌ agent-ns ─────────────────┐   ┌ container-ns ──────┐
#  │ ping -i 0.05  ╪═══╪ vex                   vin ╪═══╪ eth0 10.10.10.88   │
#  └───────────────┘   │  └──▶ vbr ═══ vth ◀──┘    │   └────────────────────┘
#                      │   ▲          ▲            │
#            hostile frames        weir-dp ◀── hostile messages
#                      └───────────────────────────┘
. "$(dirname "$0")/lib.sh"
compat=$TEST_DIR/compat.sock

start() {
    start_dp agent-ns --listen "$compat"
}

topology && splice up --mark 00b4 --mode inline && start && serve_container
point $? "a container is served" "$out"
wait_until 10 pings $cont4
point $? "it answers" "$TEST_DIR/ping"

# --- a ping that runs through what follows, and must lose nothing ---
ping_begin() {
    in_ns host-ns ping -n -i 0.05 -W 5 $cont4 >"$TEST_DIR/stream" 2>&1 &
    stream=$!
    children+=($stream)
    wait_until 10 grep -q 'icmp_seq=3 ' "$TEST_DIR/stream"
}

ping_end() { # NAME: some more came after all of it, and none was lost
    local seen
    seen=$(grep -c icmp_seq "$TEST_DIR/stream")
    more() { [ "$(grep -c icmp_seq "$TEST_DIR/stream")" -gt $((seen + 5)) ]; }
    wait_until 20 more
    kill -INT $stream
    wait $stream
    grep -q ' 0% packet loss' "$TEST_DIR/stream"
    point $? "$1" "$TEST_DIR/stream"
}

ping_begin

# --- our own door: each is answered, with code, place and words ---
python3 - "$door" >"$out" 2>&1 <<'P'
import json, os, socket, sys
door = sys.argv[1]

def connect():
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.settimeout(20)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
    s.connect(door)
    return s

s = connect()
bad = 0

def check(name, data, code, at, word):
    global bad
    s.send(data if isinstance(data, bytes) else json.dumps(data).encode())
    answer = json.loads(s.recv(70000))
    e = answer.get("error", {})
    ok = (answer["ok"] is False and e["code"] == code and at in e["at"]
          and word in e["text"])
    if not ok:
        bad += 1
        print("WRONG", name, answer)

mac = "1a:27:f3:87:3a:27"
check("garbage", os.urandom(500), "EINVAL", "", "")
check("a number", b"7", "EINVAL", "", "expected")
check("an array", b"[1]", "EINVAL", "", "object")
check("truncated", b'{"id":1,"ctrl_keep_alive":{"seq', "EINVAL", "", "line 1")
check("deep", b'{"ctrl_keep_alive":' + b"[" * 30000, "EINVAL", "", "")
check("too long", b'{"id":1,' + b" " * (1 << 20), "EMSGSIZE", "", "memfd")
check("unknown", {"id": 1, "ctrl_nonsense": {}}, "ENOENT", "", "ctrl_nonsense")
check("two", {"ctrl_keep_alive": {"seq_num": 1}, "weir_stats": {}}, "EINVAL", "", "one message")
check("none", {"id": 1}, "EINVAL", "", "no message")
check("missing", {"ctrl_keep_alive": {}}, "EINVAL", "ctrl_keep_alive.seq_num", "")
check("type", {"ctrl_keep_alive": {"seq_num": "1"}}, "EINVAL", "ctrl_keep_alive.seq_num", "")
check("negative", {"ctrl_keep_alive": {"seq_num": -1}}, "EINVAL", "ctrl_keep_alive.seq_num", "")
check("body", {"ctrl_keep_alive": []}, "EINVAL", "ctrl_keep_alive", "")
check("field", {"ctrl_keep_alive": {"seq_num": 1, "x": 1}}, "EINVAL", "ctrl_keep_alive.x", "")
for wrong in ("", "1a:27", mac + ":00", mac[:-1], "zz" + mac[2:], mac + " ", "x" * 60000):
    check("mac " + wrong[:20], {"ctrl_add_mac": {"iface": "vth", "mac": wrong,
          "ucmac": "4e:65:75:56:00:b4", "bcmac": "ff:ff:ff:00:00:b4"}},
          "EINVAL", "ctrl_add_mac.mac", "")
check("macs", {"ctrl_cfg_mac": {"macs": [mac, "1a:27"]}}, "EINVAL", "ctrl_cfg_mac.macs[1]", "")
check("iface", {"ctrl_add_srvc_port": {"iface": "x" * 16}}, "EINVAL", "ctrl_add_srvc_port.iface", "")
check("port", {"ctrl_add_srvc_port": {"iface": "other"}}, "EEXIST", "ctrl_add_srvc_port.iface", "vth")
check("rule", {"ctrl_cfg_policy": {"cmd": 1, "flag": 3, "defact": 7, "dir": 2,
      "mac": [mac], "rules": [{"id": 1, "sip": "10.10.10.300", "dip": "10.10.10.88",
      "port": 1, "portr": 1, "proto": 6, "action": 2, "ingress": True}]}},
      "EINVAL", "ctrl_cfg_policy.rules[0].sip", "")
check("memfd without", {"id": 1, "memfd": True}, "EINVAL", "memfd", "descriptor")

def pass_fd(fd, code, at):
    global bad
    socket.send_fds(s, [b'{"id":1,"memfd":true}'], [fd])
    answer = json.loads(s.recv(70000))
    if answer["ok"] or answer["error"]["code"] != code or answer["error"]["at"] != at:
        bad += 1
        print("WRONG", "memfd", answer)

unsealed = os.memfd_create("x", os.MFD_ALLOW_SEALING)
os.write(unsealed, b'{"weir_stats":{}}')
pass_fd(unsealed, "EINVAL", "memfd")
pass_fd(os.open("/dev/null", os.O_RDONLY), "EINVAL", "memfd")

# A client that never reads is dropped; the others are served.
mute = connect()
mute.setblocking(False)
try:
    while True:
        mute.send(b'{"weir_config":{}}')
except (BlockingIOError, BrokenPipeError, ConnectionResetError):
    pass
many = []
for i in range(100):
    try:
        many.append(connect())
    except OSError:
        break
for c in many:
    c.close()
s.send(b'{"id":9,"ctrl_keep_alive":{"seq_num":9}}')
assert json.loads(s.recv(70000)) == {"id": 9, "ok": True, "seq_num": 9}
sys.exit(bad > 0)
P
point $? "own door: what is wrong is answered with code, place and words" "$out"
wait_until 20 dp version
point $? "own door: new clients are served" "$out"

# --- the compatible door: each is counted ---
dp stats -o json && json "open('$TEST_DIR/n', 'w').write(str(d['doors']['compat']['messages'])) and True"
python3 - "$compat" >"$out" 2>&1 <<'P'
import json, os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
s.connect(sys.argv[1])
mac = "1a:27:f3:87:3a:27"
for garbage in (os.urandom(500), b"", b"7", b'{"ctrl_keep_alive":{"seq', b"[" * 8000,
                b'{"ctrl_add_mac":' * 400, b"x" * 8192, b" " * (1 << 20)):
    s.send(garbage)
for refused in ({"ctrl_keep_alive": {}}, {"ctrl_keep_alive": {"seq_num": "1"}},
                {"ctrl_add_srvc_port": {"iface": 7}}, {"ctrl_add_mac": None},
                {"ctrl_add_mac": {"iface": "vth", "mac": "1a:27",
                                  "ucmac": "4e:65:75:56:00:b4",
                                  "bcmac": "ff:ff:ff:00:00:b4"}},
                {"ctrl_cfg_mac": {"tap": False, "macs": [mac + ":00"]}}):
    s.send(json.dumps(refused).encode())
for unknown in ({"ctrl_nonsense": {}}, {"weir_stats": {}}):
    s.send(json.dumps(unknown).encode())
P
point $? "compatible door: takes whatever is sent" "$out"
compat_counted() {
    dp stats -o json && json "(lambda c: (c['garbage'], c['refused'], c['unknown'],
        c['messages']) == (8, 6, 2, $(cat "$TEST_DIR/n")))(d['doors']['compat'])"
}
wait_until 20 compat_counted
point $? "compatible door: 8 were garbage, 6 refused, 2 unknown" "$out"
ping_end "the ping lost nothing meanwhile"

# --- frames ---
ping_begin
at agent-ns python3 - >"$out" 2>&1 <<'P'
import os, random, socket, struct
rnd = random.Random(1)
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind(("vbr", 0))
mark = bytes.fromhex("4e65755600b4")
peer = bytes.fromhex("06829c025491")
ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 84, 1, 0, 64, 6, 0,
                 bytes([10, 10, 10, 66]), bytes([10, 10, 10, 88]))
tcp = struct.pack(">HHIIBBHHH", 1, 2, 3, 4, 0xf0, 2, 5, 0, 0) + bytes(44)
v6 = struct.pack(">IHBB16s16s", 6 << 28, 40, 0, 64, bytes(16), bytes(16))
ends = ((mark, peer), (peer, mark), (mark, mark), (bytes(6), bytes(6)))
sent = 0

def send(frame):
    global sent
    try:
        s.send(frame)
        sent += 1
    except OSError:  # shorter than a header, longer than the MTU
        pass

for i in range(4000):
    dst, src = ends[i % len(ends)]
    kind = i % 7
    if kind == 0:
        body = rnd.randbytes(rnd.randrange(0, 1500))
    elif kind == 1:
        body = b"\x08\x00" + (ip + tcp)[:rnd.randrange(0, 84)]
    elif kind == 2:
        body = b"\x86\xdd" + (v6 + rnd.randbytes(60))[:rnd.randrange(0, 100)]
    elif kind == 3:
        body = b"\x81\x00\x00\x07" * rnd.randrange(1, 8) + b"\x08\x00" + ip + tcp
    elif kind == 4:
        broken = bytearray(ip + tcp)
        for _ in range(4):
            broken[rnd.randrange(len(broken))] = rnd.randrange(256)
        body = b"\x08\x00" + bytes(broken)
    elif kind == 5:  # fragments of nothing, overlapping
        body = b"\x08\x00" + ip[:6] + struct.pack(">H", rnd.randrange(0x4000)) + ip[8:] + tcp
    else:  # IPv6 extension headers without end
        body = b"\x86\xdd" + v6 + b"\x00\x00" + b"\x00" * 6 + b"\x3c\x00" * 40
    send(dst + src + body)
assert sent > 3500, sent
P
point $? "thousands of broken frames were sent to the port" "$out"
dropped() { dp stats -o json && json "sum(d['dropped'].values()) > 500"; }
wait_until 20 dropped
point $? "they were dropped and counted" "$out"
ping_end "the ping lost nothing meanwhile"

# --- a policy larger than a datagram ---
python3 - >"$TEST_DIR/large.json" <<'P'
import json
print(json.dumps({"ctrl_cfg_policy": {
    "cmd": 1, "flag": 3, "defact": 1, "dir": 2, "mac": ["1a:27:f3:87:3a:27"],
    "rules": [{"id": i, "sip": "10.10.10.66", "dip": "10.10.10.88", "port": i,
               "portr": i, "proto": 6, "action": 2, "ingress": True}
              for i in range(1, 2001)]}}))
P
[ "$(stat -c %s "$TEST_DIR/large.json")" -gt 65536 ] && dp "@$TEST_DIR/large.json"
point $? "a policy of more than 64 KiB is accepted" "$out"

# --- the service port goes and comes ---
dp '{"ctrl_del_srvc_port":{"iface":"vth"}}'
dp '{"ctrl_add_srvc_port":{"iface":"nope"}}' -o json
json "not d['ok'] and d['error']['code'] == 'ENODEV' and d['error']['at'] == 'ctrl_add_srvc_port.iface'"
point $? "an interface that does not exist: ENODEV" "$out"
dp '{"ctrl_add_srvc_port":{"iface":"vth"}}' && wait_until 10 pings $cont4
point $? "the right one again: traffic goes on" "$out"

port_is() { dp stats -o json && json "d['port']['state'] == '$1'"; }
splice down
wait_until 20 port_is lost
point $? "vth deleted while in use: the port is lost, and said to be" "$out"
splice up --mark 00b4 --mode inline && wait_until 20 port_is open
point $? "vth is there again: the port is open" "$out"
wait_until 20 pings $cont4
point $? "traffic goes on" "$TEST_DIR/ping"

# --- who serves ---
worker=$(pgrep -P "$dp_pid")
status() { sed -n "s/^$1:[[:space:]]*//p" "/proc/$worker/status"; }
for id in $(status Uid); do [ "$id" != 0 ] || false; done
point $? "the worker is not root" "/proc/$worker/status"
[ "$(status CapEff)$(status CapPrm)" = 00000000000000000000000000000000 ] &&
    [ "$(status NoNewPrivs)" = 1 ]
point $? "the worker has no capabilities and gets none" "/proc/$worker/status"

# --- the doors' paths ---
other() { # OPTION...: another weir-dp, until it ends
    at agent-ns timeout 30 "$weir_dp" -n 1 "$@" >"$out" 2>&1
}
other --listen "" --control "$door"
[ $? = 1 ] && grep -q 'dp.sock.*running process' "$out"
point $? "a second weir-dp on the own door refuses" "$out"
other --listen "$compat" --control "$TEST_DIR/second.sock"
[ $? = 1 ] && grep -q 'compat.sock.*running process' "$out"
point $? "a second weir-dp on the compatible door refuses" "$out"
[ ! -e "$TEST_DIR/second.sock" ]
point $? "and leaves no socket"
dp version && pings $cont4
point $? "the first goes on" "$out"

echo precious >"$TEST_DIR/file"
other --listen "$TEST_DIR/file" --control "$TEST_DIR/second.sock"
[ $? = 1 ] && grep -q 'no socket' "$out" && [ "$(cat "$TEST_DIR/file")" = precious ]
point $? "a regular file at the path is refused and kept" "$out"
ln -s file "$TEST_DIR/link"
other --listen "$TEST_DIR/link" --control "$TEST_DIR/second.sock"
[ $? = 1 ] && [ -L "$TEST_DIR/link" ] && [ "$(cat "$TEST_DIR/file")" = precious ]
point $? "a symbolic link at the path is refused and kept" "$out"

stop_dp
point $? "SIGTERM ends it with 0" "$TEST_DIR/log"
[ ! -e "$door" ] && [ ! -e "$compat" ]
point $? "both sockets are gone"

python3 - "$door" "$compat" <<'P'
import socket, sys
for path, kind in zip(sys.argv[1:], (socket.SOCK_SEQPACKET, socket.SOCK_DGRAM)):
    socket.socket(socket.AF_UNIX, kind).bind(path)
P
[ -S "$door" ] && [ -S "$compat" ] && start
point $? "sockets that a dead process left are replaced" "$TEST_DIR/log"

# --- the worker dies ---
worker=$(pgrep -P "$dp_pid")
kill -KILL "$worker"
wait "$dp_pid"
[ $? = 4 ] && grep -q 'worker died' "$TEST_DIR/log"
point $? "a killed worker ends the parent with 4" "$TEST_DIR/log"
dp_pid=
[ ! -e "$door" ] && [ ! -e "$compat" ]
point $? "its sockets are gone"
start && serve_container && wait_until 10 pings $cont4
point $? "a new weir-dp takes over" "$out"
stop_dp
splice down && wait_until 10 pings $cont4
point $? "down: the container answers as before" "$TEST_DIR/ping"
finish
