#!/bin/bash
# Workloads whose ports have no host's side: only listened to while they are
# watched, spliced through the agent's namespace when something is enforced,
# and put back as they were.
#
#   here 10.9.0.1 lan0 ═ lan1 ┄┬┄ macvlan eth0 web 10.9.0.2
#                              └┄ macvlan eth0 app 10.9.0.3
#   spliced:                   └┄ vex │ weir │ vin ═ eth0 web
. "$(dirname "$0")/common_agent.sh"

macvlan() { # NAME LAST
    ip netns add "$1"
    ip -n "$1" link set lo up
    ip link add link lan1 name "m$1" netns "$1" type macvlan mode bridge
    ip -n "$1" link set "m$1" name eth0
    ip -n "$1" addr add "10.9.0.$2/24" dev eth0
    ip -n "$1" addr add "fd09::$2/64" dev eth0 nodad
    ip -n "$1" link set eth0 up
    ip -n "$1" route add default via 10.9.0.1
}

# What a namespace's port is; left out: what only time changes.
port_state() { # NAMESPACE
    ip -n "$1" -d addr show dev eth0 | grep -v 'valid_lft'
    ip -n "$1" route show table all dev eth0
    ip -n "$1" -6 route show table all dev eth0
}

is() { # NAME EXPRESSION over w, the workload, and p, its port
    told_soon '[w for w in d["workloads"] for p in w["ports"] if w["name"] == "'"$1"'" and ('"$2"')]' ls
}

nothing_left() { # of splices
    [ ! -e /run/netns/weir ] || [ -z "$(ip -n weir -o link show | grep -v ': lo:')" ]
}

web_is_left() { [ "$(ip -n weir -o link show | grep -c ': v[ei][xn]')" = 2 ]; }

ip link add lan0 type veth peer name lan1
ip addr add 10.9.0.1/24 dev lan0
ip addr add fd09::1/64 dev lan0 nodad
ip link set lan0 up
ip link set lan1 up
macvlan web 2
macvlan app 3
listen web 8080
listen web 8081
write_config "$netns_only"
settled() { ! ip -n web addr show tentative | grep -q .; }
wait_until 10 settled
port_state web >"$TEST_DIR/before"
as_before() { port_state web | diff "$TEST_DIR/before" - >"$out"; }

# --- watched ---

start_agent
point $? "the agent starts" "$TEST_DIR/agent.log"
is web 'p["kind"] == "macvlan" and p["layout"] == "listened" and p["doing"] == "tap" and w["state"] == "guarded"' &&
    is app 'p["layout"] == "listened"'
point $? "a macvlan is listened to" "$out"
as_before && [ ! -e /run/netns/weir ]
point $? "and nothing is changed of it" "$out"
greets app 10.9.0.2 8080 && greets app fd09::2 8080
point $? "all passes"
told_soon 'len([f for f in d["flows"] if f["client"] == "app" and f["server"] == "web" and f["port"] == 8080
                and f["action"] == "learn"]) >= 2' flows
point $? "and is recorded" "$out"
told_soon '[p for p in d["proposals"] if p["rule"]["to"] == ["web"] and p["rule"]["ports"] == ["tcp/8080"]]' policy learned
point $? "and learned" "$out"
weir policy accept --all
point $? "it becomes a rule" "$out"

# --- enforced ---

end_all() { # also who serves a peer that vanished with its namespace
    pkill -f "$TEST_DIR/slow"
    end_agent
}
trap end_all EXIT
listen_slow() { # a line each 50 ms
    echo 'for i in {1..4000}; do echo "$i"; read -rt 0.05 <> <(:); done' >"$TEST_DIR/slow"
    background web socat TCP-LISTEN:8082,fork,reuseaddr "EXEC:bash $TEST_DIR/slow"
    wait_until 10 listens web 8082
}
weir policy add --from app --to web --port tcp/8082 --action allow --id 82
listen_slow
background app socat -u TCP:10.9.0.2:8082 - >"$TEST_DIR/lines" 2>>"$TEST_DIR/log"
lines() { [ "$(wc -l <"$TEST_DIR/lines")" -ge "$1" ]; }
wait_until 10 lines 5
weir mode web protect
point $? "protect, in force when the command ends" "$out"
is web 'p["layout"] == "spliced" and p["through"] == "weir" and p["doing"] == "inline" and p["kind"] == "macvlan" and w["state"] == "guarded"'
point $? "it is spliced through a namespace of the agent's" "$out"
is app 'p["layout"] == "listened"'
point $? "and nobody else is" "$out"
told '"weir" not in [w["name"] for w in d["workloads"]]' ls
point $? "that namespace is no workload" "$out"
greets app 10.9.0.2 8080 && greets app fd09::2 8080
point $? "what a rule allows passes"
no_greeting app 10.9.0.2 8081 && no_greeting app fd09::2 8081
point $? "what none does is blocked"
told_soon '[e for e in d["events"] if e["kind"] == "violation" and e["action"] == "deny" and e["port"] == 8081
            and e["client"] == "app" and e["server"] == "web"]' events
point $? "with an event" "$out"
had=$(wc -l <"$TEST_DIR/lines")
wait_until 10 lines $((had + 20))
point $? "a download that was under way goes on" "$TEST_DIR/lines"

# --- its sessions ---

background web socat TCP-LISTEN:8083,fork,reuseaddr EXEC:cat
wait_until 10 listens web 8083
weir policy add --from app --to web --port tcp/8083 --action allow --id 83
# shellcheck disable=SC2016
background app bash -c 'exec 3<>/dev/tcp/10.9.0.2/8083; echo begun >&3; cat <&3; echo ended' >"$TEST_DIR/talk" 2>>"$TEST_DIR/log"
wait_until 10 grep -q begun "$TEST_DIR/talk"
spliced=4294967296 # where their ids begin
asked "d['page']['next'] == $spliced" sessions
point $? "sessions of splices come after the host's" "$out"
of_8083='[s["id"] for s in d["page"]["sessions"] if s["server_port"] == 8083]'
asked "[i > $spliced for i in $of_8083] == [True] and d['page']['next'] is None" sessions "{\"after\": $spliced}"
point $? "with ids of their own" "$out"
id=$(python3 -c "import json; d = json.load(open('$out')); print($of_8083[0])")
asked 'd["killed"] == 1 and d["unknown"] == 2' session-kill "{\"ids\": [4000000000, $id, $((spliced + 4000000000))]}" &&
    wait_until 10 grep -q ended "$TEST_DIR/talk"
point $? "one of them is ended, of ids of both" "$out"
weir flows kill "$id"
[ $? = 1 ] && grep -q '1 are not there' "$out"
point $? "once" "$out"
asked 'd["error"]["at"] == "ids"' session-kill "{\"ids\": [$spliced]}" && asked 'd["error"]["at"] == "ids"' session-kill "{\"ids\": [$((2 * spliced))]}"
point $? "what is no id is refused" "$out"
asked 'd["ok"]' settings-set '{"part": true, "settings": {"data_plane": {"cache": {"frames": 77}}}}'
"$weir" dp settings --control "$door.splices" -o json >"$out" && json 'd["settings"]["cache"]["frames"] == 77'
point $? "settings are theirs, too" "$out"

# --- what goes through it is counted ---

row() { # NAME EXPRESSION over r, the workload's row of top
    asked_soon "[r for r in d['workloads'] if r['name'] == '$1' and ($2)] and 'host' not in d" top
}
row web 'r["packets_in"] > 0 and r["bytes_out"] > 0 and r["sessions"] >= 1 and r["sessions_made"] >= 3'
point $? "top has the traffic of who is spliced" "$out"
row app 'r["packets_out"] > 0 and r["bytes_in"] > 0'
point $? "and of who is listened to" "$out"
asked_soon 'sum(p["bytes"] for p in d["points"][-2:]) > 0 and d["points"][-1]["sessions"] >= 1' throughput
point $? "and so has the throughput" "$out"

# --- the agent dies ---

stop_agent KILL
greets app 10.9.0.2 8080 && no_greeting app 10.9.0.2 8081
point $? "without an agent it is judged on"
start_agent && is web 'p["layout"] == "spliced" and p["doing"] == "inline" and w["state"] == "guarded"'
point $? "the next one goes on with it" "$out"
greets app 10.9.0.2 8080 && no_greeting app 10.9.0.2 8081
point $? "as before"
had=$(wc -l <"$TEST_DIR/lines")
wait_until 10 lines $((had + 20))
point $? "and the download, too" "$TEST_DIR/lines"
weir mode web discover && is web 'p["layout"] == "listened" and p["doing"] == "tap"' && greets app 10.9.0.2 8081
point $? "in discover it is put back" "$out"
wait_until 10 as_before
point $? "as it was" "$out"

# --- a rule that denies, in discover; its data plane dies ---

weir policy add --from app --to web --port tcp/8081 --action deny --id 81 &&
    is web 'p["layout"] == "spliced" and p["doing"] == "inline" and w["mode"] == "discover"' && no_greeting app 10.9.0.2 8081
point $? "what a rule denies in discover is spliced, too, and blocked" "$out"
at app socat -u TCP:10.9.0.2:8082,connect-timeout=2 - 2>>"$TEST_DIR/log" | head -n 3 >"$out"
[ "$(cat "$out")" = "$(printf '1\n2\n3')" ]
point $? "all else passes" "$out"
pkill -KILL -f -- "--control $door.splices"
blocked_again() { greets app 10.9.0.2 8080 && no_greeting app 10.9.0.2 8081; }
wait_until 20 blocked_again
point $? "a data plane that dies is started again" "$TEST_DIR/agent.log"
weir policy delete 81 && is web 'p["layout"] == "listened"' && greets app 10.9.0.2 8081
point $? "without the rule it is put back" "$out"

# As one that dies between the exchange and its end leaves it: all there, and not up.
weir mode web protect && is web 'p["layout"] == "spliced" and p["doing"] == "inline"' && greets app 10.9.0.2 8080
stop_agent KILL
ip -n weir link set vex down && ip -n weir link set vin down && start_agent &&
    is web 'p["layout"] == "spliced" and p["doing"] == "inline"' && greets app 10.9.0.2 8080
point $? "a splice that was not finished is put back, and made anew" "$TEST_DIR/agent.log"
weir mode web discover && is web 'p["layout"] == "listened"'
point $? "and put back once more" "$out"

# At any moment of a switch, up or down.
left=0
for i in {1..12}; do
    ("$weir" mode web protect && "$weir" mode web discover) >>"$TEST_DIR/switches" 2>&1 &
    switch_pid=$!
    read -rt "$(printf '0.%03d' $((i * 23)))" <> <(:)
    stop_agent KILL
    wait "$switch_pid"
    start_agent && weir mode web protect &&
        is web 'p["layout"] == "spliced" and p["doing"] == "inline"' &&
        greets app 10.9.0.2 8080 && no_greeting app 10.9.0.2 8081 &&
        weir mode web discover && is web 'p["layout"] == "listened"' && greets app 10.9.0.2 8081 || {
        left=1
        break
    }
done
point $left "whenever it dies in a switch, the next one brings it to an end" "$TEST_DIR/agent.log"
wait_until 10 as_before
point $? "and the port is as it was" "$out"

# --- quarantine, and who goes ---

weir quarantine app --why test && is app 'p["layout"] == "spliced" and p["doing"] == "quarantine"' &&
    no_greeting app 10.9.0.2 8080
point $? "in quarantine nothing passes" "$out"
weir quarantine app --off && is app 'p["layout"] == "listened"' && greets app 10.9.0.2 8080
point $? "until that ends" "$out"
weir mode web protect
weir mode app protect && is app 'p["layout"] == "spliced" and p["doing"] == "inline"'
point $? "another one is spliced" "$out"
had=$(wc -l <"$TEST_DIR/lines")
wait_until 10 lines $((had + 20))
point $? "beside a download of the first" "$TEST_DIR/lines"
ip netns del app
told_soon '[w["name"] for w in d["workloads"]] == ["web"]' ls && wait_until 20 web_is_left
point $? "one that goes leaves nothing behind" "$out"

# --- gives back ---

weir mode web protect && is web 'p["layout"] == "spliced"' && weir release --all &&
    wait_until 10 as_before
point $? "release --all puts the port back" "$out"
nothing_left
point $? "and leaves nothing in the namespace" "$out"
stop_agent && [ ! -e /run/netns/weir ]
point $? "which goes with the agent" "$TEST_DIR/agent.log"
no_planes() { ! pgrep -f -- "--control $door" >"$TEST_DIR/pids"; }
wait_until 10 no_planes
point $? "as do the data planes" "$TEST_DIR/pids"
finish
