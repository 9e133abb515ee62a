#!/bin/bash
# `weir fleet init`: real servers run by its files and become one cluster; a node may
# what is its own and nothing else, an editor more; a node is added while others are
# connected.
#
#   a (an editor), b, c ── TLS, a certificate each ──▶ nats-server n1 ══ n2 ══ n3
#
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/common_nats.sh"
peer=$(dirname "$0")/nats_peer.py
need_nats

peer() { # NODE [N] <LINES: what they were answered, in $out; at server N, or 1
    local port=${nats_ports[${2:-1} - 1]}
    timeout 60 "$peer" "$fleet/node-$1" "${nats_hosts[0]}" "$port" >"$out" 2>>"$TEST_DIR/log"
}
is_line() { # N TEXT: the N-th answer
    [ "$(sed -n "$(($1 + 1))p" "$out")" = "$2" ]
}

make_fleet --node a --node b --node c=c.example --editor a
point $? "a fleet is made" "$out"
start_servers
point $? "its servers become a cluster with a leader" "$TEST_DIR/nats-n1.log"
peer a <<'C'
pub weir.events.a x
pub weir.events.b x
pub weir.ask.b
sub >
C
cat $out
finish
