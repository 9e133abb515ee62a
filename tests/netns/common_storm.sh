# shellcheck shell=bash
# A weir-dp under a checker of memory or threads, with traffic through it, is
# told everything there is to tell, all the time and from several sides. Which
# checker, and what it found, is the sourcing test's.
#
#  ┌ host-ns ──────┐   ┌ agent-ns ─────────────────┐   ┌ container-ns ──────┐
#  │ curl, iperf3, ╪═══╪ vex                   vin ╪═══╪ nginx, iperf3 -s   │
#  │ ping          │   │  └──▶ vbr ═══ vth ◀──┘    │   │ eth0 10.10.10.88   │
#  └───────────────┘   │              ▲            │   └────────────────────┘
#                      │          $weir_dp ◀─▶ storm.py, both doors
#                      └───────────────────────────┘
#
# Traffic ends with the test; how much is said is a number, not a time.
. "$SRC/tests/netns/lib.sh"

storm_probe() { # PROGRAM...: or the test is skipped
    local program missing=
    for program in nginx curl iperf3 "$@"; do
        command -v "$program" >/dev/null || missing="$missing $program"
    done
    [ -n "$missing" ] || return 0
    echo "1..0 # SKIP not installed:$missing"
    exit 0
}

storm_servers() {
    serve_files 1000000 80
    background container-ns iperf3 -s -p 5201 >"$TEST_DIR/iperf-tcp" 2>&1
    background container-ns iperf3 -s -p 5202 >"$TEST_DIR/iperf-udp" 2>&1
    local port
    for port in 80 5201 5202; do
        wait_until 20 listens container-ns $port || return
    done
}

fetch_on_and_on() { # a byte in `fetched` for each file that came whole
    local curl
    trap 'kill $curl; exit' TERM
    while :; do
        in_ns host-ns curl -sS --noproxy '*' -m 5 -o "$TEST_DIR/got" \
            http://$cont4/file >"$TEST_DIR/curl" 2>&1 &
        curl=$!
        ! wait $curl || ! cmp -s "$TEST_DIR/www/file" "$TEST_DIR/got" ||
            printf . >>"$TEST_DIR/fetched"
    done
}

storm_traffic() {
    : >"$TEST_DIR/fetched"
    fetch_on_and_on &
    children+=($!)
    background host-ns iperf3 -c $cont4 -p 5201 -t 36000 -b 100M --bidir \
        >"$TEST_DIR/iperf-tcp-client" 2>&1
    background host-ns iperf3 -c $cont4 -p 5202 -t 36000 -u -b 10M \
        >"$TEST_DIR/iperf-udp-client" 2>&1
    background host-ns ping -n -i 0.05 $cont4 >"$TEST_DIR/ping4" 2>&1
    background host-ns ping -n -i 0.1 -s 4000 $cont6 >"$TEST_DIR/ping6" 2>&1
    wait_until 60 flows_of_all
}

flows_of_all() { # each kind of traffic has got through
    dp flows -o json && json "{80, 5201} <= {s['server_port'] for s in d['sessions']
        if s['server_packets']} and {'icmp', 'icmpv6', 'udp'} <= {s['proto']
        for s in d['sessions'] if s['client_packets']}" &&
        [ -s "$TEST_DIR/fetched" ]
}

descriptors() { # how many the two processes have open
    ls "/proc/$dp_pid/fd" "/proc/$(pgrep -P "$dp_pid")/fd" | grep -c '^[0-9]'
}

descriptors_are() {
    [ "$(descriptors)" = "$1" ]
}

must() { # like point, and is what it tells
    point "$@"
    return "$1"
}

other_ports() { # what weir-dp may be told to read besides vth
    local i
    for i in 1 2; do
        ip -n agent-ns link add pair$i type veth peer name pair-end$i &&
            ip -n agent-ns link set pair$i up &&
            ip -n agent-ns link set pair-end$i up || return
    done
    at container-ns iptables -A INPUT -i eth0 -p icmp \
        -j NFQUEUE --queue-num 7 --queue-bypass
}

storm_begin() {
    # A supervisor's heartbeat.
    head -c 20 /dev/zero >/dev/shm/dp_mnt.shm
    topology && other_ports >"$out" 2>&1
    must $? "interfaces and a queue of netfilter" "$out" || return
    splice up --mark 00b4 --mode inline &&
        start_dp agent-ns --listen "$compat" --notify "$sink" && serve_container
    must $? "a container is served by $weir_dp" "$TEST_DIR/log" || return
    storm_servers
    must $? "servers listen in the container" || return
    storm_traffic
    must $? "traffic of each kind runs through weir-dp"
}

storm_rounds() { # ROUNDS
    local open
    open=$(descriptors)
    "$SRC/tests/netns/storm.py" "$1" "$door" "$compat" "$sink" "$weir" \
        "$TEST_DIR/fetched" >"$TEST_DIR/storm" 2>&1
    must $? "$1 rounds of messages were answered while it ran" "$TEST_DIR/storm" ||
        return
    wait_until 60 flows_of_all
    point $? "traffic of each kind still runs"
    wait_until 60 descriptors_are "$open"
    point $? "no descriptor is left open"
}

storm() { # ROUNDS; weir-dp has ended then
    local compat=$TEST_DIR/compat.sock sink=$TEST_DIR/sink.sock
    storm_begin && storm_rounds "$1"
    stop_dp
    point $? "SIGTERM in the middle of it ends weir-dp with 0" "$TEST_DIR/log"
    [ ! -e "$door" ] && [ ! -e "$compat" ]
    point $? "its sockets are gone"
}
