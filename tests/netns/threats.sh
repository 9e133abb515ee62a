#!/bin/bash
# A flood through weir-dp, and what is done about it is set while it runs: dropped,
# or only told of; and each time blocks, threats, flows and reports agree.
#
#  ┌ host-ns ──┐   ┌ agent-ns ─────────────────┐   ┌ container-ns ──────┐
#  │ pings  .66╪═══╪ vex ─▶ vbr ═ vth ◀─ vin   ╪═══╪ .88                │
#  └───────────┘   │           weir-dp         │   └────────────────────┘
#                  └───────────────────────────┘
. "$(dirname "$0")/lib.sh"

topology && splice up --mark 00b4 --mode inline &&
    start_dp agent-ns --listen "" && serve_container
point $? "a container is served" "$out"
wait_until 10 pings $cont4
point $? "it answers" "$TEST_DIR/ping"

flood() { # N: so many are answered of 20 requests at once
    at host-ns ping -f -c 20 -W 1 $cont4 >"$TEST_DIR/ping" 2>&1
    grep -q " $1 received" "$TEST_DIR/ping"
}
# A minute, so that no flood takes longer; another span begins to count anew.
settings() { # ACTION SPAN
    dp settings '{"meters":{"icmp-flood":{"span_s":'"$2"',"upper":3,"lower":3,"log_gap_s":0}},
                  "threats":{"1002":{"action":"'"$1"'"}}}'
}
asked() { # WHAT EXPRESSION over d, the answer
    dp "$1" -o json && json "$2"
}

settings drop 60 && flood 3
point $? "what is over the limit is dropped" "$TEST_DIR/ping"
asked blocks "[(b['count'], b['proto'], b['to_port'], b['from']) for b in d['blocks']
    if b['threat'] == 1002 and b['reason'] == 'flood'] == [(17, 'icmp', 8 << 8, '$host4')]"
point $? "blocks say so, and which threat it was" "$out"
dp blocks && grep -q 'reason: flood, threat 1002' "$out"
point $? "also in text" "$out"
told_threat() { # ACTION
    asked threats "any(t['id'] == 1002 and t['action'] == '$1' for t in d['threats'])"
}
wait_until 20 told_threat drop
point $? "threats say that it was dropped" "$out"
told_connection() {
    asked connections "any(c['threat'] == 1002 and c['severity'] == 'critical' and c['client'] == '$host4'
        for c in d['connections'])"
}
wait_until 20 told_connection
point $? "and the report of the connection that it met it" "$out"

settings allow 59 && flood 20
point $? "set to be told of only, all of it passes" "$TEST_DIR/ping"
marks() { # a flow of ICMP is gone after 5 s
    flood 20 && asked flows "any(s.get('threat') == 1002 and s['proto'] == 'icmp' for s in d['sessions'])"
}
wait_until 20 marks
point $? "and marks its flow" "$out"
asked blocks "sum(b['count'] for b in d['blocks']) == 17"
point $? "and is no block" "$out"
wait_until 20 told_threat allow
point $? "but a threat, with that action" "$out"
dp settings '{"threats":{"2001":{"action":"allow"}}}'
[ $? = 1 ] && grep -q 'threats.2001.action' "$out"
point $? "what cannot be read cannot be let be" "$out"

# --- an address that policy lets be and a threat does not ---
dp '[{"ctrl_cfg_internal_net":{"flag":3,"subnet_addr":[{"ip":"10.99.0.0","mask":"255.255.0.0"}]}},
     {"ctrl_cfg_specip_net":{"flag":3,"subnet_addr":[{"ip":"'$host4'","mask":"255.255.255.255","iptype":"extip"}]}},
     {"ctrl_cfg_policy":{"cmd":1,"flag":3,"defact":6,"dir":3,"mac":["'$mac'"],"rules":[]}}]'
point $? "the host's address is one of a service" "$out"
background host-ns socat TCP-LISTEN:7003,reuseaddr,fork EXEC:cat
wait_until 10 listens host-ns 7003
connects() { at container-ns timeout 20 socat -u /dev/null TCP:$host4:7003,connect-timeout=5 >"$out" 2>&1; }
explained() { # STATUS EXPRESSION over a, the answer of the workload
    dp explain --from $cont4 --to $host4 --proto tcp --port 7003 --workload $mac -o json
    [ $? = "$1" ] && json "any($2 for a in d['answers'] if a['direction'] == 'egress')"
}
external() { # ACTION
    dp settings '{"threats":{"2026":{"action":"'"$1"'"}}}'
}
external reset && explained 1 "a['action'] == 'violate' and a.get('threat') == 2026
    and a.get('threat_action') == 'reset' and not a['passes'] and a['rejected']"
point $? "explain: policy lets it be, the threat's action does not" "$out"
! connects && grep -q refused "$out"
point $? "and so it is: refused" "$out"
external allow && explained 0 "a.get('threat_action') == 'allow' and a['passes'] and not a['rejected']" && connects
point $? "set to be told of only: explained so, and it connects" "$out"
stop_dp
point $? "weir-dp ends"
finish
