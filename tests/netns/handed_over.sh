#!/bin/bash
# A data plane hands over to a successor: connections notice nothing, flows stay the
# same, what is half said is still looked into, and what could go wrong leaves the
# first one in charge.
. "$(dirname "$0")/lib.sh"

version() { # MEMBER: of who serves the door now
    dp version -o json && python3 -c '
import json, sys
print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$out" "$1"
}
is_version() { [ "$(version "$1")" = "$2" ]; }

# Another one takes over, and is $dp_pid then; the first ends by itself.
take_over() {
    local before=$dp_pid n
    n=$(version successions)
    in_ns agent-ns "$weir_dp" -n "${workers:-1}" --listen "" --notify "" --control "$door" --take-over 2>>"$TEST_DIR/log" &
    dp_pid=$!
    wait "$before" && is_version successions $((n + 1))
}

# Connections that ask and are answered every few milliseconds, until they are told
# to stop; what each waited for longest, and whether one broke.
cat >"$TEST_DIR/talk.py" <<'P'
import selectors, signal, socket, sys, time
host, port, n, out = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
stop = []
signal.signal(signal.SIGUSR1, lambda *_: stop.append(1))
sel = selectors.DefaultSelector()
socks = {}
for i in range(n):
    s = socket.create_connection((host, port), timeout=60)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    s.setblocking(False)
    socks[s] = [0, time.monotonic(), 0.0, b""]  # asked, when, longest, answer
    sel.register(s, selectors.EVENT_READ)
def ask(s):
    st = socks[s]
    st[0] += 1
    st[1] = time.monotonic()
    s.send(b"%08d" % st[0])
for s in socks:
    ask(s)
open(out, "w").write("talks\n")
broken = 0
while not stop:
    for key, _ in sel.select(0.2):
        s, st = key.fileobj, socks[key.fileobj]
        try:
            got = s.recv(100)
        except OSError:
            got = b""
        if not got:
            broken += 1
            sel.unregister(s)
            continue
        st[3] += got
        if len(st[3]) < 8:
            continue
        if st[3] != b"%08d" % st[0]:
            broken += 1
        st[3] = b""
        st[2] = max(st[2], time.monotonic() - st[1])
        ask(s)
    time.sleep(0.002)
asked = sum(st[0] for st in socks.values())
late = max(max(st[2], 0) for st in socks.values())
open(out, "w").write(f"broken {broken} asked {asked} least {min(st[0] for st in socks.values())} longest_ms {late * 1000:.0f}\n")
P
serve_echo() {
    background container-ns python3 -c '
import asyncio
async def one(r, w):
    while d := await r.read(65536):
        w.write(d)
        await w.drain()
    w.close()
async def main():
    for a in ("0.0.0.0", "::"):
        await asyncio.start_server(one, a, 81, backlog=1000)
    await asyncio.Event().wait()
asyncio.run(main())'
    wait_until 20 listens container-ns 81
}
talk() { # ADDRESS N NAME
    background host-ns python3 "$TEST_DIR/talk.py" "$1" 81 "$2" "$TEST_DIR/$3"
    wait_until 30 grep -qs talks "$TEST_DIR/$3"
}
end_talk() { # NAME PID: nothing broke
    kill -USR1 "$2" && wait "$2"
    sed "s/^/# $1: /" "$TEST_DIR/$1"
    grep -q "^broken 0 " "$TEST_DIR/$1"
}
sessions() { # what makes each of them out that is open, by id
    dp '{"ctrl_list_session":{}}' -o json && python3 - "$out" <<'P'
import json, sys
for s in sorted(json.load(open(sys.argv[1]))["sessions"], key=lambda s: s["id"]):
    if s["client_state"] == "ESTABLISHED":
        print(s["id"], s["client"], s["client_port"], s["server_port"], s.get("application"), s["action"])
P
}

topology
serve_files 30000000 80 '[::]:80'
serve_echo
splice up --mark 00b4 --mode inline
point $? "a container is diverted" "$out"
start_dp agent-ns --listen "" --notify "" && serve_container && dp '[
  {"ctrl_cfg_policy":{"cmd":1,"flag":3,"defact":7,"dir":3,"ipv6":true,"mac":["'$mac'"],"rules":[
   {"id":1,"from":["any"],"to":["any"],"ports":["80-81"],"proto":"tcp","action":"allow","ingress":true}]}}]'
point $? "a data plane serves it" "$out"
talk $cont4 40 four && four=${children[-1]} && talk $cont6 40 six && six=${children[-1]}
point $? "80 connections talk" "$TEST_DIR/log"
sessions >"$TEST_DIR/before"
[ "$(wc -l <"$TEST_DIR/before")" = 80 ]
point $? "each is a session" "$TEST_DIR/before"
first=$(version pid)
take_over
point $? "a successor takes over" "$TEST_DIR/log"
[ "$(version pid)" != "$first" ]
point $? "it is another process"
sessions >"$TEST_DIR/after"
cmp "$TEST_DIR/before" "$TEST_DIR/after"
point $? "sessions are the same" "$TEST_DIR/after"
take_over && take_over && is_version successions 3
point $? "and so on, twice" "$TEST_DIR/log"
end_talk four "$four"
point $? "none of IPv4 broke" "$TEST_DIR/four"
end_talk six "$six"
point $? "none of IPv6 did" "$TEST_DIR/six"

# --- what is told is told once, what is half said is looked into ---
stray() { # N datagrams that may not be
    at host-ns python3 -c '
import socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(int(sys.argv[1])):
    s.sendto(b"x", (sys.argv[2], 4711))
    time.sleep(0.001)' "$1" $cont4
}
violations() { # in all that was told
    dp '{"weir_connections":{"limit":1000}}' -o json && python3 -c '
import json, sys
print(sum(c["violations"] for c in json.load(open(sys.argv[1]))["connections"] if c["server_port"] == 4711))' "$out"
}
all_told() { [ "$(violations)" = "$1" ]; }
epoch() {
    dp '{"weir_connections":{"limit":1}}' -o json &&
        python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["epoch"])' "$out"
}
stray 50
wait_until 20 all_told 50
point $? "50 datagrams are denied, and told of" "$out"
stray 30
before=$(epoch)
take_over
stray 20
wait_until 20 all_told 100
point $? "50 more with a successor between them: each once" "$out"
[ "$(epoch)" = "$before" ]
point $? "who reads goes on where he was"
dp '{"weir_rules":{"version":1,"files":[{"name":"a","text":"drop http any any -> any 80 (msg:\"evil\"; http.uri; content:\"EVIL-AND-MORE\"; sid:7;)\n"}]}}'
built() { dp '{"weir_rules":{}}' -o json && json 'd["in_force"] == 1 and not d["building"]'; }
wait_until 30 built
point $? "a signature is in force" "$out"
halves() { # FIRST SECOND FILE: a request whose path comes in two parts
    background host-ns python3 -c '
import os, socket, sys, time
s = socket.create_connection((sys.argv[1], 80), timeout=60)
s.sendall(b"GET /" + sys.argv[2].encode())
open(sys.argv[4], "w").write("half\n")
while not os.path.exists(sys.argv[4] + ".go"):
    time.sleep(0.02)
s.settimeout(5)
try:
    s.sendall(sys.argv[3].encode() + b" HTTP/1.1\r\nHost: a\r\n\r\n")
    what = "answered" if s.recv(100) else "lost"
except OSError:
    what = "lost"
open(sys.argv[4], "w").write(what + "\n")' $cont4 "$1" "$2" "$TEST_DIR/$3"
    wait_until 20 grep -qs half "$TEST_DIR/$3"
}
halves EVIL-A ND-MORE evil && halves EVIL-A ND-LESS good
take_over
point $? "a successor comes in the middle of requests" "$TEST_DIR/log"
touch "$TEST_DIR/evil.go" "$TEST_DIR/good.go"
wait_until 20 grep -q 'answered\|lost' "$TEST_DIR/good" && grep -q answered "$TEST_DIR/good"
point $? "what may be is answered" "$TEST_DIR/good"
wait_until 20 grep -q 'answered\|lost' "$TEST_DIR/evil" && grep -q lost "$TEST_DIR/evil"
point $? "what the signature forbids is not" "$TEST_DIR/evil"
found() { dp findings -o json && json 'any(f["id"] == 7 for f in d["findings"])'; }
wait_until 10 found
point $? "and it is told" "$out"

# --- what goes wrong ---
in_ns agent-ns "$weir_dp" --listen "" --notify "" --control "$door" --take-over --flows 64 >"$out" 2>&1 &
wait $!
[ $? = 1 ] && grep -q 'refused: .*131072 flows' "$out"
point $? "a successor with other tables is refused, and told why" "$out"
in_ns agent-ns "$weir_dp" --listen "" --notify "" --control "$TEST_DIR/none.sock" --take-over >"$out" 2>&1 &
wait $!
[ $? = 1 ] && grep -q 'no data plane to take over from' "$out"
point $? "nobody is there to take over from" "$out"
# one that is none: speaks until some step, and then is gone
cat >"$TEST_DIR/false.py" <<'P'
import json, socket, struct, sys
door, step = sys.argv[1:]
DOORS, USED, READY, SIGN, MEMORY, MAPPED, IMAGE, PORT, END, TAKEN, GO = range(11)
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.settimeout(30)
s.connect(door)
s.send(json.dumps({"id": 1, "weir_hand_over": {"protocol": 1, "workers": 1, "flows": 131072}}).encode())
assert json.loads(s.recv(70000))["ok"]
if step == "asks":
    sys.exit()
def hear():
    text, fds, _, _ = socket.recv_fds(s, 70000, 20)
    return struct.unpack("I", text[:4])[0], len(text), len(fds)
kind, size, fds = hear()
assert (kind, fds) == (DOORS, 2), (kind, fds)
def say(kind):
    s.send(struct.pack("I", kind) + bytes(size - 4))
if step == "lies":
    say(TAKEN)
elif step == "babbles":
    s.send(b"x" * 100)
if step in ("lies", "babbles"):
    assert hear()[0] == USED and s.recv(10) == b""
    sys.exit()
say(READY)
seen = {}
while END not in seen:
    kind = hear()[0]
    seen[kind] = seen.get(kind, 0) + 1
    if kind == MEMORY and seen[kind] == 2:
        if step == "maps nothing":
            sys.exit()
        say(MAPPED)
assert seen == {USED: 1, SIGN: 1, MEMORY: 2, IMAGE: 2, PORT: 1, END: 1}, seen
if step == "takes nothing":
    sys.exit()
say(TAKEN)
assert hear()[0] == GO
P
talk $cont4 20 five && five=${children[-1]}
pid=$(version pid)
for step in asks lies babbles "maps nothing" "takes nothing" "dies at last"; do
    python3 "$TEST_DIR/false.py" "$door" "$step" >"$out" 2>&1 && is_version pid "$pid"
    point $? "one that ... $step: the first goes on" "$out"
done
grep -c 'given up, going on as before' "$TEST_DIR/log" | grep -qx 6
point $? "each is told" "$TEST_DIR/log"
sessions >"$TEST_DIR/before" && take_over && sessions >"$TEST_DIR/after" && cmp "$TEST_DIR/before" "$TEST_DIR/after"
point $? "a true one takes over all the same" "$TEST_DIR/log"
end_talk five "$five"
point $? "and nobody noticed" "$TEST_DIR/five"
fetch() {
    at host-ns curl -sS -m 30 -o "$TEST_DIR/got" "http://$1/file" >"$out" 2>&1 &&
        cmp "$TEST_DIR/got" "$TEST_DIR/www/file" >"$out" 2>&1
}
fetch $cont4 && fetch "[$cont6]"
point $? "new connections may be what they might" "$out"
stop_dp
point $? "the last one ends" "$TEST_DIR/log"
! [ -e "$door" ]
point $? "and takes the door with it"

# --- every kind of port ---
apart() { # all namespaces anew
    end_children
    children=()
    for ns in host-ns agent-ns container-ns; do ip netns del $ns; done
}
ended() { ! kill -0 "$1" 2>/dev/null || [ "$(ps -o stat= -p "$1" | cut -c1)" = Z ]; }
ended_or_is_another() { ended "$1" || ! is_version pid "$2"; }
# Successors with so few descriptors that they fail, each a little later, until one
# has enough: all that fail leave the first one in charge.
short_of_descriptors() {
    local n=4 pid next failed=0
    pid=$(version pid)
    while is_version pid "$pid" && [ $((n += 2)) -lt 64 ]; do
        in_ns agent-ns prlimit --nofile=$n:$n "$weir_dp" --listen "" --notify "" --control "$door" \
            --take-over >>"$TEST_DIR/short" 2>&1 &
        next=$!
        wait_until 60 ended_or_is_another "$next" "$pid" || return 1
        ended "$next" || break
        wait "$next" && return 1
        failed=$((failed + 1))
        deaf_is_as_was || return 1
    done
    echo "# with $n descriptors it takes over"
    wait "$dp_pid"
    dp_pid=$next
    [ $failed -ge 3 ]
}
deaf_is_as_was() { [ $kind != pair ] || { deaf vex && deaf vin; }; }
deaf() { at agent-ns tc filter show dev "$1" ingress | grep -q bpf; }
splice down
for kind in pair tap nfq; do
    apart
    if [ $kind = pair ]; then pair_topology; else topology; fi
    serve_echo
    start_dp agent-ns --listen "" --notify "" &&
        dp '[{"ctrl_add_mac":{"iface":"eth0","mac":"'$mac'","ucmac":"","bcmac":"","oldmac":"","pmac":"","pips":null}},
             {"ctrl_cfg_mac":{"macs":["'$mac'"],"tap":false}},
             {"ctrl_cfg_policy":{"cmd":1,"flag":3,"defact":7,"dir":3,"ipv6":true,"mac":["'$mac'"],"rules":[
              {"id":1,"from":["any"],"to":["any"],"ports":["81"],"proto":"tcp","action":"allow","ingress":true}]}}]'
    case $kind in
    pair) dp '{"ctrl_add_port_pair":{"vin_iface":"vin","vex_iface":"vex","epmac":"'$mac'","quar":false}}' ;;
    tap) dp '{"ctrl_add_tap_port":{"netns":"/run/netns/container-ns","iface":"eth0","epmac":"'$mac'"}}' ;;
    nfq)
        for tables in iptables ip6tables; do
            at container-ns $tables -A INPUT -i eth0 -j NFQUEUE --queue-num 5 &&
                at container-ns $tables -A OUTPUT -o eth0 -j NFQUEUE --queue-num 5
        done >"$out" 2>&1
        dp '{"ctrl_add_nfq_port":{"netns":"/run/netns/container-ns","iface":"eth0","qnum":5,"epmac":"'$mac'"}}'
        ;;
    esac
    point $? "$kind: a port" "$out"
    talk $cont4 10 talks && six=${children[-1]} && take_over && take_over
    point $? "$kind: is taken over, twice" "$TEST_DIR/log"
    short_of_descriptors
    point $? "$kind: successors that fail leave all as it was" "$TEST_DIR/short"
    dp stats -o json && json "d['flows']['in_use'] >= 10 and
        [p['state'] for p in d['other_ports']] == ['open'] * (2 if '$kind' == 'pair' else 1)"
    point $? "$kind: with its flows" "$out"
    end_talk talks "$six"
    point $? "$kind: nothing broke" "$TEST_DIR/talks"
    deaf_is_as_was
    point $? "$kind: the interfaces stay deaf, if they were"
    stop_dp
    [ $kind != pair ] || ! { deaf vex || deaf vin; }
    point $? "$kind: the last one puts all back"
done

finish
