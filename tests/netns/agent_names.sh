#!/bin/bash
# Who makes a container chooses its labels and its image's name, who is in it its
# devices': whatever they are, the terminal of who looks obeys nothing of it, no
# line is forged, nothing disappears from what is told, and -o json has it as it is.
. "$(dirname "$0")/common_agent.sh"

says=$TEST_DIR/docker
docker=$TEST_DIR/docker.sock

configure() { # PYTHON: the container's Config
    python3 -c "import json; print(json.dumps($1))" >"$says/config"
}
again() { echo rename >"$says/events"; }
harmless() { # in $out: printable, and as many lines as it should have
    python3 - "$out" <<'P'
import sys
text = open(sys.argv[1], encoding="utf-8", newline="").read()
bad = [c for c in text if c != "\n" and (ord(c) < 32 or 127 <= ord(c) < 160 or 0x200b <= ord(c) <= 0x202e)]
assert not bad, bad
assert not [l for l in text.splitlines() if l.startswith("forged")], text
P
}

bridge
workload web 2
in_ns web tail -f /dev/null &
children+=($!)
mkdir "$says"
mkfifo "$says/events"
echo running >"$says/state"
echo 200 >"$says/inspect"
echo $! >"$says/pid"
# ESC, CSI of one character, a line of its own, right to left, a bell
configure '{"Image": "reg/\033[2Jimg\u009b31m\nforged  protect  guarded", "Labels": {
    "k\nforged": "\033]0;title\007", "com.docker.compose.service": "s\033[8m", "rtl": "\u202egpj"}}'
"$SRC/tests/netns/fake_docker.py" "$docker" "$says" 2>>"$TEST_DIR/log" &
children+=($!)
write_config "runtimes: [{kind: docker, path: $docker}]"
start_agent
told_soon '[w["about"]["image"] for w in d["workloads"]] == ["reg/\033[2Jimg\u009b31m\nforged  protect  guarded"]' ls
point $? "JSON has the image's name as it is" "$out"
weir ls && harmless && grep -qF 'reg/\x1b[2Jimg\u009b31m\nforged' "$out"
point $? "ls shows it, harmless" "$out"
weir show web && harmless && grep -qF 'k\nforged=\x1b]0;title\x07' "$out" && grep -qF 'rtl=\u202egpj' "$out"
point $? "show does, and labels" "$out"
weir quarantine web --why $'\033[31mwhy\nforged' && weir show web && harmless && weir quarantine web --off &&
    weir show web && harmless
point $? "why somebody is in quarantine" "$out"
weir events && harmless
point $? "events" "$out"
! weir show $'w\033[31m\nforged' && harmless
point $? "an error that names it" "$out"
weir flows && harmless && weir status && harmless && weir group && harmless
point $? "what else there is" "$out"

# --- the devices' names are bytes ---

ip -n web link set eth0 down && ip -n web link set eth0 name $'e\xff\033[31m' && ip -n web link set $'e\xff\033[31m' up
told_soon '[p["device"] for w in d["workloads"] for p in w["ports"]] == ["e\\xff\033[31m"]' ls
point $? "a device whose name is no UTF-8 does not disappear" "$out"
weir show web && harmless
point $? "and is shown, harmless" "$out"
told 'd["counts"]["diverted"] == 1' status
point $? "and diverted" "$out"
ip link add $'h\xffvm' type veth peer name eth1 netns web
ip link set $'h\xffvm' up
ip netns add other
ip link add $'o\xc3' type veth peer name eth0 netns other
ip link set $'o\xc3' master br0 up
weir mode default protect
point $? "protect by default" "$out"
told_soon '[w["mode"] for w in d["workloads"] if w["name"] == "o\\xc3"] == ["protect"]' ls
point $? "a port with such a name, which no runtime knows, is a workload, in the mode of others" "$out"
told_soon '[p["doing"] for w in d["workloads"] if w["name"] == "o\\xc3" for p in w["ports"]] == ["inline"]' ls
point $? "and protected" "$out"

# --- an image with more labels than are looked at ---

configure '{"Image": "img", "Labels": {**{"a%03d" % n: "x" for n in range(200)}, "tier": "secure"}}'
again
told_soon '[e for e in d["events"] if "73 labels more than the 128" in e["text"]]' events
point $? "that labels are left out is told" "$out"
told '[w["about"]["labels_left_out"] for w in d["workloads"] if w["name"] == "web"] == [73]' ls
point $? "and how many" "$out"
stop_agent
point $? "the agent ends" "$TEST_DIR/agent.log"
finish
