# shellcheck shell=bash
# Counts what containers that send at once (first_frames) get past their port:
#
#   container ── veth │ weir ── bridge ── tcpdump
#
# A mark of the test's own goes over the bridge when it is counted, so that all
# that came before it is in the file.
first_frames=$BUILD/tests/unit/first_frames
watched=()
watches=0
marks=0
seen_dir=

keep_up() { # BRIDGE: one that has no port is down, and sends no mark
    ip link add "k$1" type veth peer name "l$1"
    ip link set "k$1" master "$1" up
    ip link set "l$1" up
}

watch() { # BRIDGE...: from now on
    local dev
    watched=("$@")
    watches=$((watches + 1))
    seen_dir=$TEST_DIR/seen$watches
    mkdir "$seen_dir"
    for dev in "$@"; do
        tcpdump -i "$dev" -n -U --immediate-mode -B 65536 -w "$seen_dir/$dev.pcap" \
            'port 7777 or port 7778 or icmp[icmptype] == icmp-echo or
             (icmp6 and ip6[40] == 128)' >"$seen_dir/$dev.tcpdump" 2>&1 &
        children+=($!)
        wait_until 10 grep -q 'listening on' "$seen_dir/$dev.tcpdump"
    done
}

watched_of() { # FILTER: what was seen, on all
    local dev
    for dev in "${watched[@]}"; do
        tcpdump -r "$seen_dir/$dev.pcap" -n "$1" 2>>"$TEST_DIR/log" | sed "s/^/$dev: /"
    done
}

has_mark() { # NUMBER
    [ "$(watched_of "port 7778 and ip[4:2] = $1" | wc -l)" = ${#watched[@]} ]
}

mark() { # BRIDGE NUMBER: its IP identification
    python3 -c '
import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind((sys.argv[1], 0))
s.send(bytes.fromhex("ffffffffffff 020000000001 0800 4500001c%04x000040110000 c0000201 ffffffff"
                     "1e621e6200080000" % int(sys.argv[2])))' "$1" "$2"
}

leaked() { # 0: something passed, it is in $TEST_DIR/passed; 1: nothing
    local dev
    marks=$((marks + 1))
    for dev in "${watched[@]}"; do mark "$dev" $marks; done
    wait_until 10 has_mark $marks || return 2
    watched_of 'not port 7778' | cut -d' ' -f1,3- | sort | uniq -c >"$TEST_DIR/passed"
    [ -s "$TEST_DIR/passed" ]
}

none_leaked() {
    leaked
    [ $? = 1 ]
}
