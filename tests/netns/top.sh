#!/bin/bash
# weir top, on a terminal of 80x24 and without one: what goes on between two
# workloads is shown, sorted, filtered, opened, and marked as of the past when the
# agent is gone.
. "$(dirname "$0")/common_agent.sh"

export LC_ALL=C.UTF-8 TERM=xterm-256color
unset NO_COLOR
screen_pid=

start_screen() { # ROWS COLUMNS ARGUMENT...: of weir top
    local rows=$1 columns=$2
    shift 2
    coproc SCREEN { exec "$SRC/tests/netns/screen.py" "$rows" "$columns" "$weir" top "$@" 2>>"$TEST_DIR/log"; }
    screen_pid=$SCREEN_PID
    children+=("$screen_pid")
}

screen() { # WORD...: as screen.py has them
    local answer
    echo "$*" >&"${SCREEN[1]}" && read -rt 60 answer <&"${SCREEN[0]}" && [ "$answer" = yes ]
}

look() { # STATUS NAME: a point, with the screen if it is not reached
    local status=$1
    [ "$status" = 0 ] || screen save "$out"
    point "$status" "$2" "$out"
}

end_screen() {
    exec {SCREEN[1]}>&-
    wait "$screen_pid"
}

bridge
workload web 2
workload app 3
workload idle 4
listen web 8080
listen web 8081
background web iperf3 -s >>"$TEST_DIR/iperf" 2>&1
write_config "$netns_only"
start_agent
wait_until 5 guarded web discover tap && wait_until 5 guarded app discover tap
point $? "workloads are watched" "$out"

# --- without a screen ---

wait_until 10 listens web 5201
background app iperf3 -c 10.9.0.2 -b 8M -t 600 >>"$TEST_DIR/iperf" 2>&1
weir top -b -n 1
[ $? = 0 ] && grep -q '^data plane up .*, policy revision .* in force, 3 workloads$' "$out" &&
    grep -Eq '^web +discover +guarded +[0-9.]+M ' "$out" && grep -Eq '^idle +discover +guarded +[0-9.]+k? +[0-9.]+k? ' "$out"
point $? "a table in batch mode, with rates" "$out"
[ "$(grep -n '^web\|^idle' "$out" | sed 's/.*:\(web\|idle\).*/\1/' | tr '\n' ' ')" = "web idle " ]
point $? "the busy ones first" "$out"
"$weir" top -b -n 3 -d 0.2 </dev/null >"$out" 2>&1 && [ "$(grep -c '^WORKLOAD' "$out")" = 3 ]
point $? "so many as asked for" "$out"
"$weir" top -n 2 -d 0.2 </dev/null >"$out" 2>&1 && [ "$(grep -c '^WORKLOAD' "$out")" = 2 ] && ! grep -q $'\e' "$out"
point $? "no terminal is batch mode, too" "$out"
weir top -b -n 1 -f IDL && grep -q ^idle "$out" && ! grep -q ^web "$out"
point $? "filtered" "$out"
told '[w["name"] for w in d["workloads"]][2] == "idle" and d["workloads"][0]["rates"]["bits_in"] + d["workloads"][0]["rates"]["bits_out"] > 1e6
      and {w["name"]: w["sessions"] for w in d["workloads"]}["web"] >= 2
      and d["total"]["rates"]["bits_in"] > 1e6 and d["data_plane"]["up"] and d["took_us"] < 1000000' top -n 1
point $? "as JSON, with counters and rates" "$out"
weir top -b -n 1 -o yaml && grep -q '^workloads:' "$out"
point $? "as YAML" "$out"
weir top -s nothing
[ $? = 2 ] && grep -q 'expected one of name, mode' "$out"
point $? "a column that there is not is told with those that there are" "$out"
weir top --nonsense -o json
[ $? = 2 ] && json 'd["error"]["code"] == "EINVAL"'
point $? "a mistake is told as -o wants it, though that comes later" "$out"
weir top -b --socket "$TEST_DIR/nobody"
[ $? = 1 ] && grep -q 'no agent answers' "$out"
point $? "nobody there" "$out"

# --- a screen ---

start_screen 24 80 -d 0.3
screen shows '^weir top on .*, every 0.3 s' && screen shows '^data plane up .*policy revision'
look $? "the title and the state"
screen shows '^web +discover +guarded +[0-9.]+M +[0-9.]+k +[2-9] ' && screen shows '^idle +discover +guarded +[0-9.]+k? +[0-9.]+k? +0 '
look $? "a row a workload, with its rates and sessions"
screen save "$out" && [ "$(wc -l <"$out")" = 24 ] && ! grep -q '.\{81\}' "$out" && tail -1 "$out" | grep -q '^q quit .* h help'
look $? "keys at the bottom, nothing is broken"
screen send N && screen shows '^app.*\n^idle.*\n^web' && screen send r && screen shows '^web.*\n^idle.*\n^app'
look $? "sorted by a key, and the other way round"
screen send '/idl' && screen shows '^filter: idl' && screen hides '^web' && screen send '\r' && screen shows '^q quit'
look $? "a filter while it is typed"
screen send '\x1b' && screen shows '^web'
look $? "Escape ends it"
weir policy add --from any --to web --port tcp/8080 --id 1 && weir policy add --from any --to web --port tcp/5201 --id 2 && weir mode web protect
screen shows '^web +protect +guarded' && no_greeting app 10.9.0.2 8081 && screen shows 'violation +app -> web tcp/8081 blocked: no rule'
look $? "what is blocked is told of"
screen shows '^web .* [0-9]\.[0-9]$' && screen shows ', 0\.[0-9]/s blocked'
look $? "and counted"
screen send '\x1b[H' && screen send '\r' && screen shows '^web: protect, guarded' &&
    screen shows '^in +app +web +tcp/5201 +unknown +allow +[0-9.]+M? +[0-9]+[sm]$' && screen shows '^ITS EVENTS'
look $? "Enter: the sessions of one workload, and its events"
screen size 40 132 && screen shows '^in  app +web +tcp/5201' && screen send '\x1b' && screen shows 'BOTH bit/s +PACKETS/s' &&
    screen save "$out" && [ "$(grep -c '^q quit' "$out")" = 1 ]
look $? "a wider screen shows more, and nothing twice"
screen size 10 40 && screen shows '^web' && screen hides EVENTS && screen size 24 80 && screen shows '^EVENTS'
look $? "a small one less"
screen send h && screen shows 'the other way round' && screen send x && screen shows '^web'
look $? "help"
screen send p && screen shows PAUSED && screen send p && screen hides PAUSED
look $? "pause"

# --- the agent goes ---

kill -STOP "$agent_pid"
screen shows 'the agent has not answered for' && screen shows '^web'
look $? "an agent that hangs is told of, and what was known stays"
kill -CONT "$agent_pid"
screen shows '^weir top on'
look $? "until it answers again"
stop_agent
screen shows 'trying again: no agent answers' && screen shows '^web'
look $? "one that is gone, too"
start_agent
screen shows '^weir top on' && screen shows '^web +protect +guarded +[0-9.]+M'
look $? "and found again"
kill "$(plane_pid)"
screen shows '^DATA PLANE DOWN|^data plane up [0-9]s' && screen shows '^data plane up' && screen shows '^web +protect'
look $? "a data plane that is started anew"
kill -STOP "$agent_pid"
screen shows 'has not answered' && screen send q && screen ended 0
look $? "q ends it, even then, and gives the terminal back"
kill -CONT "$agent_pid"
end_screen
start_screen 24 80
screen shows '^web' && screen signal TERM && screen ended 0
look $? "so does a signal"
end_screen
NO_COLOR=1 start_screen 24 80 -n 2 -d 0.2
screen ended 0
look $? "so many looks, and it ends"
end_screen
finish
