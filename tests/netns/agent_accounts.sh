#!/bin/bash
# Who may ask at the agent's door: root and weir-api's account everything,
# weir-export's what only reads, nobody else anything; and for whom it is asked.
#
# The accounts are two of this system's that do nothing else here: games and news.
. "$(dirname "$0")/common_agent.sh"

api=$(id -u games) && exporter=$(id -u news) && group=$(id -g games) && other=$(id -u lp)
[ -n "$api" ] && [ -n "$exporter" ] && [ -n "$other" ]
point $? "three accounts"

as() { WEIR_AS=$1 WEIR_BY=${WEIR_BY:-} asked "${@:2}"; }

chmod 711 "$TEST_DIR"
write_config "$netns_only"
sed -i "s|^control:.*|control: {socket: $WEIR_SOCKET, group: games, api_user: games, export_user: news}|" "$config"
bridge
workload web 2
start_agent
point $? "an agent" "$out"
[ "$(stat -c '%a %g' "$WEIR_SOCKET")" = "660 $group" ]
point $? "its socket is the group's"

as "$api:$group" 'd["ok"] and d["workloads"]' ls
point $? "weir-api reads" "$out"
as "$api:$group" 'd["ok"] and d["revision"]' mode '{"group": "web", "mode": "monitor", "wait": false}'
point $? "and changes" "$out"
as "$api:$group" 'd["ok"] is False and d["error"]["code"] == "ENOENT"' events '{"raw": 99999}'
point $? "and may ask for raw bytes" "$out"
WEIR_BY=alice as "$api:$group" 'd["ok"]' mode '{"group": "web", "mode": "discover", "wait": false}'
point $? "it says for whom" "$out"
asked_soon "[e for e in d['events'] if e['kind'] == 'change' and e.get('by') == 'alice' and e['who'] == 'uid $api']" events
point $? "which is in the event" "$out"
WEIR_BY=$'a\nb' as "$api:$group" 'd["error"]["at"] == "by" and d["error"]["code"] == "EINVAL"' status
point $? "not what is no name" "$out"

each as "$exporter:$group" 'd["ok"]' -- \
    status ls groups rules rules-status export history learned flows events top throughput map
point $? "weir-export reads" "$out"
may_not() { # COMMAND
    as "$exporter:$group" 'd["error"]["code"] == "EPERM" and d["error"]["at"] == "command"' "$1" \
        '{"workload": "web", "group": "web", "mode": "protect", "all": true}'
}
each may_not -- mode release divert quarantine apply rollback rule-add rule-delete group-set group-delete accept \
    reject candidate rules-load rules-unload hook
point $? "and changes nothing" "$out"
guarded web discover tap
point $? "really" "$out"
as "$exporter:$group" 'd["error"]["code"] == "EPERM" and d["error"]["at"] == "raw"' events '{"raw": 1}'
point $? "nor has it raw bytes" "$out"
WEIR_BY=alice as "$exporter:$group" 'd["error"]["code"] == "EPERM" and d["error"]["at"] == "by"' status
point $? "nor does it ask for others" "$out"

as "$other:$group" 'd["error"]["code"] == "EPERM" and "may not ask" in d["error"]["text"]' status
point $? "who is only of the group is refused, and told so" "$out"
! as "$other:$other" 'True' status 2>>"$TEST_DIR/log" && ! grep -q '"ok"' "$out"
point $? "who is not does not come that far"
WEIR_BY=bob asked 'd["ok"]' status
point $? "root may say for whom it asks" "$out"
grep -q "door: refused uid=$other" "$TEST_DIR/agent.log"
point $? "a refusal is in the log" "$TEST_DIR/agent.log"

# Who may come in may not keep others out, nor busy.
cat >"$TEST_DIR/crowd.py" <<'P'
import os, socket, sys
path, what = os.environ["WEIR_SOCKET"], sys.argv[1]
os.setgroups([])
os.setgid(int(sys.argv[3]))
os.setuid(int(sys.argv[2]))
kept = []
for _ in range(200 if what == "many" else 1):
    s = socket.socket(socket.AF_UNIX)
    s.connect(path)
    kept.append(s)
if what == "lines":  # 32 million empty requests, the last without its end
    kept[0].sendall(b"\n" * (32 << 20) + b"x")
if what == "huge":  # 8 MiB of one request
    try:
        kept[0].sendall(b"x" * (8 << 20))
        if not kept[0].recv(1):
            print("closed", flush=True)
    except (BrokenPipeError, ConnectionResetError):
        print("closed", flush=True)
print("there", flush=True)
sys.stdin.read()
P
mkfifo "$TEST_DIR/stay"
exec 8<>"$TEST_DIR/stay"
crowd() { # WHAT UID
    : >"$TEST_DIR/crowd" # what the one before said
    python3 "$TEST_DIR/crowd.py" "$1" "$2" "$group" <"$TEST_DIR/stay" >"$TEST_DIR/crowd" 2>&1 8>&- &
    crowd=$!
    children+=("$crowd")
}
crowd many "$exporter"
wait_until 20 grep -q there "$TEST_DIR/crowd" && asked 'd["ok"] and d["door"]["turned_away"] > 0' status
point $? "an account that comes very often leaves room for root" "$out"
kill "$crowd"
few() { asked 'd["door"]["clients"] < 10' status; }
wait_until 20 few
crowd huge "$other"
wait_until 20 grep -q there "$TEST_DIR/crowd" && grep -q closed "$TEST_DIR/crowd"
point $? "who may ask nothing asks nothing large" "$TEST_DIR/crowd"
kill "$crowd"
crowd lines "$other"
wait_until 60 grep -q there "$TEST_DIR/crowd"
point $? "32 million lines of one who is refused are read" "$TEST_DIR/crowd"
timeout 20 "$weir" status >"$out" 2>&1
point $? "and others are answered" "$out"
kill "$crowd"

sed -i "s|api_user: games|api_user: nobody-of-that-name|" "$config"
kill -HUP "$agent_pid"
wait_until 10 as "$api:$group" 'd["error"]["code"] == "EPERM"' status
point $? "an account that is named no more" "$out"

finish
