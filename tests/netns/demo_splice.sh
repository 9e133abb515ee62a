#!/bin/bash
# `weir demo splice` plays to the end, takes everything down in every case, and bears
# company.
#
# All of it in a network and mount namespace of this test's own with an empty
# /run, so that "nothing is left" is said about everything there is:
#
#   this test's namespace           made and removed by the demo
#  ┌──────────────────────┐   ┌─────────┐  ┌──────────┐  ┌──────────────┐
#  │ lo, an empty /run    │   │ host-ns ╪══╪ agent-ns ╪══╪ container-ns │
#  └──────────────────────┘   │ web-br  │  └──────────┘  └──────────────┘
#                             │ veth-web╪══ web-ns
#                             └─────────┘
own_processes=1
. "$(dirname "$0")/lib.sh"

# Everything a demo could leave: names, devices, files, mounts, processes.
world() {
    ip -o link | sed 's/@.*//; s/<.*//'
    ls /run/netns 2>/dev/null
    find /run -mindepth 1 ! -path /run/netns
    ls /sys/fs/bpf/weir 2>/dev/null
    grep -c . /proc/net/unix
    pgrep -fc "$BUILD/src/(cli|dp)/weir"
}

clean() { # NAME: all is as it was at first
    world >"$TEST_DIR/after"
    cmp -s "$TEST_DIR/before" "$TEST_DIR/after"
    point $? "$1" "$TEST_DIR/after"
}

reaches() { # STEP PID: waits for its heading, or for the end of the demo
    local pid=$2
    there() { grep -q "^ *$1 " "$out" || ! kill -0 "$pid" 2>/dev/null; }
    wait_until 60 there "$1"
}

world >"$TEST_DIR/before"

"$weir" demo splice --seconds 1 >"$out" 2>&1
point $? "plays to the end" "$out"
clean "nothing is left"
grep -q '06:82:9c:02:54:91 > 1a:27:f3:87:3a:27, ethertype IPv4 (0x0800), length 98' "$out" &&
    grep -q '06:82:9c:02:54:91 > 4e:65:75:56:00:b4, ethertype IPv4 (0x0800), length 98' "$out"
point $? "shows the frame with its real MAC and with the mark"
grep -q 'because rule 1001 says deny' "$out"
point $? "tells why it blocked"
grep -q 'it is the same flow to weir-dp, taken over from tap' "$out" &&
    grep -q 'the stream of step 10 ends in order' "$out"
point $? "modes change under a stream that lives on" "$out"
! grep -q $'\033' "$out"
point $? "no colour where there is no terminal"
python3 -c 'import sys; sys.exit(any(len(l.rstrip("\n")) > 100 for l in open(sys.argv[1], encoding="utf-8")))' "$out"
point $? "no line is longer than 100 columns"

"$weir" demo splice --seconds 1 --ipv6 -o json >"$out"
point $? "plays with IPv6, told as JSON" "$out"
json 'd["ok"] and d["failed"] == 0 and all(c["ok"] for s in d["steps"] for c in s["checks"])'
point $? "one document, all checks passed" "$out"
json 'any(p["to"] == "fd00:10:10:10::88" and p["received"] == 3 for s in d["steps"] for p in s.get("ping", []))'
point $? "IPv6 was pinged"
json '[s["mbit_per_s"][l] for s in d["steps"] if s["name"] == "costs" for l in ("wire", "spliced", "bridge", "inplace", "cached")]'
point $? "and both layouts were measured"
clean "nothing is left of it"

if "$weir" demo splice --seconds 1 --redirector u32 >"$out" 2>&1; then
    skip "u32 is refused where the kernel cannot" "this kernel has act_pedit"
else
    grep -q pedit "$out"
    point $? "u32 is refused where the kernel cannot, and says what is missing" "$out"
fi
clean "nothing is left of the refused one"

# Ctrl-C in different places: as soon as a heading is written.
for step in 1 3 5 7 9 12 13; do
    : >"$out" # its headings, not those of the one before
    "$weir" demo splice --seconds 1 >"$out" 2>&1 &
    pid=$!
    reaches "$step" $pid
    kill -INT $pid
    wait $pid
    [ $? = 1 ] && grep -q stopped "$out"
    point $? "stops when interrupted in step $step" "$out"
    clean "nothing is left after step $step"
done

"$weir" demo splice --seconds 1 | head -n 3 >/dev/null
[ "${PIPESTATUS[0]}" = 1 ]
point $? "stops when nobody reads on"
clean "nothing is left when nobody reads on"

"$weir" demo splice --seconds 1 >"$TEST_DIR/one" 2>&1 &
pid=$!
"$weir" demo splice --seconds 1 >"$TEST_DIR/two" 2>&1
point $? "two at a time: one" "$TEST_DIR/two"
wait $pid
point $? "two at a time: the other" "$TEST_DIR/one"
clean "nothing is left of the two"

"$weir" demo splice --seconds 1 --keep -o json >"$out"
point $? "--keep plays" "$out"
kept() { json "open('$TEST_DIR/value', 'w').write(d['steps'][-1]['$1']) > 0"; cat "$TEST_DIR/value"; }
control=$(kept control)
ip netns exec "$(kept host)" ping -c 1 -W 1 10.10.10.88 >"$TEST_DIR/ping" &&
    "$weir" dp flows --control "$control" >"$TEST_DIR/flows" &&
    grep -q '10.10.10.66 → 10.10.10.88' "$TEST_DIR/flows"
point $? "--keep leaves it up, and traffic goes through weir-dp" "$TEST_DIR/flows"
ip netns exec "$(kept host)" ping -c 1 -W 1 10.10.20.88 >"$TEST_DIR/ping" &&
    "$weir" dp flows --control "$(dirname "$control")/inplace.sock" >"$TEST_DIR/flows" &&
    grep -q '10.10.20.66 → 10.10.20.88' "$TEST_DIR/flows"
point $? "in place, too" "$TEST_DIR/flows"
"$weir" demo splice --down >"$out"
point $? "--down takes it down" "$out"
clean "nothing is left after --down"

for step in 4 12; do
    : >"$out" # its headings, not those of the one before
    "$weir" demo splice --seconds 1 >"$out" 2>&1 &
    pid=$!
    reaches $step $pid
    kill -KILL $pid
    wait $pid 2>/dev/null
    "$weir" demo splice --down >"$out" && grep -q 'taken down' "$out"
    point $? "--down takes down one that was killed in step $step" "$out"
    clean "nothing is left of the one killed in step $step"
done

"$weir" demo splice --seconds 1 --here >"$out" 2>&1
point $? "--here plays in the caller's namespace" "$out"
clean "nothing is left of --here"

unshare --user "$weir" demo splice >"$out" 2>&1
[ $? = 1 ] && grep -q root "$out"
point $? "says that it needs root" "$out"
"$weir" demo splice --seconds none >"$out" 2>&1
[ $? = 2 ] && grep -q -- --seconds "$out"
point $? "a wrong option is a usage error" "$out"
"$weir" demo splice --help | grep -q 'weir demo splice --down'
point $? "--help shows examples"

finish
