# shellcheck shell=bash disable=SC2034,SC2154
# A fleet and its servers: what `weir fleet init` makes, and nats-server by it.
# All is in $TEST_DIR; the servers are n1, n2, ...
#
#   nats-server n1 ══ n2 ══ n3   nats_hosts, nats_ports, nats_routes, nats_monitors
#        └─────────────────┘     in nats_namespaces, or here
#
# A test may say others before make_fleet.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

fleet=$TEST_DIR/fleet
nats_hosts=(127.0.0.1 127.0.0.1 127.0.0.1)
nats_ports=(4222 4223 4224)
nats_routes=(6222 6223 6224)
nats_monitors=(8222 8223 8224)
nats_namespaces=() # a name each; "" or none: this test's own
nats_pids=()       # "": does not run

need_nats() { # ends the test where there is none
    command -v nats-server >/dev/null && return
    skip "a fleet" "no nats-server"
    finish
}

make_fleet() { # OPTION of weir fleet init...: what it said is in $out
    local i host servers=()
    for i in "${!nats_hosts[@]}"; do
        host=${nats_hosts[i]}
        [[ $host != *:* ]] || host="[$host]"
        servers+=(--server "n$((i + 1))=$host:${nats_ports[i]}:${nats_routes[i]}")
    done
    "$weir" fleet init "$fleet" "${servers[@]}" --store "$TEST_DIR/nats" --monitor 8222 \
        "$@" >"$out" 2>&1
}

start_server() { # N, from 1
    local i=$(($1 - 1)) in=()
    [ -z "${nats_namespaces[i]:-}" ] || in=(nsenter --net="/run/netns/${nats_namespaces[i]}")
    mkdir -p "$TEST_DIR/nats"
    (
        cd "$fleet/server-n$1" || exit
        exec "${in[@]}" nats-server -c nats.conf -m "${nats_monitors[i]}"
    ) >>"$TEST_DIR/nats-n$1.log" 2>&1 &
    nats_pids[i]=$!
    children+=($!)
}

start_servers() { # all; returns when they have a leader
    local i
    for i in "${!nats_hosts[@]}"; do start_server $((i + 1)); done
    wait_until 30 servers_agree
}

kill_server() { # N [SIGNAL]
    local i=$(($1 - 1)) pid child rest=()
    pid=${nats_pids[i]:-}
    [ -n "$pid" ] || return 0
    kill "-${2:-TERM}" "$pid"
    wait "$pid" 2>>"$TEST_DIR/log"
    nats_pids[i]=
    for child in "${children[@]}"; do
        [ "$child" = "$pid" ] || rest+=("$child")
    done
    children=("${rest[@]}")
}

# As nats-server --signal reload does; returns when it is done. Twice: nats-server 2.9
# finds what an account new to it imports when it reads it again.
reload_server() { # N
    local log=$TEST_DIR/nats-n$1.log before
    for _ in 1 2; do
        before=$(grep -c 'Reloaded server configuration' "$log")
        kill -HUP "${nats_pids[$1 - 1]}"
        wait_until 20 reloaded "$log" "$before" || return 1
    done
}
reloaded() { # LOG BEFORE
    [ "$(grep -c 'Reloaded server configuration' "$1")" -gt "$2" ]
}

monitor() { # N PATH: what its monitor says, on stdout
    local i=$(($1 - 1)) in=()
    [ -z "${nats_namespaces[i]:-}" ] || in=(nsenter --net="/run/netns/${nats_namespaces[i]}")
    "${in[@]}" curl -fs -m 5 "http://127.0.0.1:${nats_monitors[i]}/$2"
}

# Who leads JetStream, as server N sees it; nothing: nobody, or it does not answer.
leader_by() { # N
    monitor "$1" jsz | python3 -c '
import json, sys
try:
    print(json.load(sys.stdin).get("meta_cluster", {}).get("leader", ""))
except ValueError:
    pass' 2>>"$TEST_DIR/log"
}

# Those that run are well, and name the same of them as leader. (One alone leads
# itself, without a word.)
servers_agree() {
    local i leader=
    for i in "${!nats_hosts[@]}"; do
        [ -n "${nats_pids[i]:-}" ] || continue
        monitor $((i + 1)) healthz >/dev/null || return 1
        [ ${#nats_hosts[@]} -gt 1 ] || return 0
        leader=${leader:-$(leader_by $((i + 1)))}
        [ -n "$leader" ] && [ "$(leader_by $((i + 1)))" = "$leader" ] || return 1
    done
    [ -n "${nats_pids[${leader#n} - 1]:-}" ]
}
