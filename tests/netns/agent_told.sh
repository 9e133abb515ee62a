#!/bin/bash
# A protected workload tries to reach new ports, 10,000 a second: each of them that
# comes to the data plane (on a busy machine not all do) is recorded by the agent,
# and they are a few events, not thousands. So many together as are kept for who is
# late (netns/told).
# WEIR_TOLD_MS: so long at that pace, once.
. "$(dirname "$0")/common_agent.sh"
for_ms=${WEIR_TOLD_MS:-1000}
times=5
[ -z "${WEIR_TOLD_MS:-}" ] || times=1

recorded() { # how many violations the store has, of as many different ports
    python3 - <<'P'
import json, os, socket
s = socket.socket(socket.AF_UNIX)
s.connect(os.environ["WEIR_SOCKET"])
f = s.makefile("rw")
after, violations, ends = 0, 0, set()
while True:
    f.write(json.dumps({"command": "flows", "args": {"violations": True, "after": after, "limit": 10000}}) + "\n")
    f.flush()
    a = json.loads(f.readline())
    if not a["flows"]:
        break
    for x in a["flows"]:
        if x["server_address"].startswith("198."):
            violations += x["violations"]
            ends.add((x["server_address"], x["port"]))
    after = a["next"]
print(violations, len(ends))
P
}

bridge
workload web 2
write_config "$netns_only" "modes: {default: protect}"
start_agent && wait_until 5 guarded web protect inline
point $? "a protected workload" "$out"
# else the first ones wait for an answer to ARP, and not all of them find room
ip -n web neigh replace 10.9.0.1 dev eth0 \
    lladdr "$(ip -o link show br0 | sed 's/.*ether \([^ ]*\).*/\1/')"
# Tries that did not come to the data plane: it was too late with its sign of life or
# with reading, or the kernel was with what a device had received.
lost() {
    dp stats -o json && ip -s -j link >"$TEST_DIR/links" && "$weir" divert show -o json |
        python3 -c '
import json, sys
devices = {d["ifname"]: d["stats64"]["rx"]["dropped"] for d in json.load(open(sys.argv[2]))}
print(json.load(sys.stdin)["diverted"][0]["out"]["drop_failed_closed"]["frames"]
      + json.load(open(sys.argv[1]))["port"]["receive_lost"]
      + sum(devices[d] for d in ("hweb", "vth")))' "$out" "$TEST_DIR/links"
}
all() { # each once
    local violations ends lost
    lost=$(lost) && read -r violations ends < <(recorded) || return
    echo "sent $sent, lost $lost, recorded $violations of $ends" >"$out"
    [ "$violations" = "$ends" ] && [ "$ends" -le "$sent" ] && [ "$ends" -ge $((sent - lost)) ]
}
sent=0
for ((n = 0; n < times; n++)); do
    at web "$BUILD/bench/load" attempt "198.18.$n.1" 1 "$for_ms" 10000 >"$TEST_DIR/sent" 2>&1
    sent=$((sent + $(python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))["sent"])' "$TEST_DIR/sent")))
    wait_until 60 all || break
done
[ "$sent" -gt 1000 ]
point $? "it tries" "$TEST_DIR/sent"
all
point $? "each try is recorded" "$out"
told 'd["records"]["missed"] == 0 and d["records"]["lost_flows"] == 0 and d["records"]["lost_events"] == 0' status
point $? "nothing was missed" "$out"
told '1 <= len([e for e in d["events"] if e["kind"] == "violation"])' events
point $? "with events" "$out"

finish
