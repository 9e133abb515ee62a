#!/bin/bash
# Three hosts of one fleet, with three servers: a rule that is written on one is
# enforced on another; two who change the same do not lose each other's change; the
# servers' leader is killed, a node is cut off, started anew meanwhile, and healed, and
# the connections go on.
. "$(dirname "$0")/common_fleet.sh"
need_nats

fleet_net
host a 1 && host b 2 && host c 3
make_fleet --node a --node b --node c --editor a --editor b
point $? "a fleet is made" "$out"
start_servers
point $? "its servers agree on a leader" "$TEST_DIR/nats-n1.log"
runs a web 2 && runs b app 2 && runs b db 3 && runs c job 2
for node in a b c; do
    start_agent_on "$node"
    point $? "the agent of $node" "$out"
done
told_on_soon a 'd["fleet"]["up"] and d["fleet"]["revision"] == 0 and {n["node"]: n["workloads"] for n in d["nodes"]} == {"b": 2, "c": 1}' fleet status
point $? "a knows the others and who runs there" "$out"
told_on_soon c '{n["node"]: n["workloads"] for n in d["nodes"]} == {"a": 1, "b": 2}' fleet status
point $? "and so does c" "$out"

finish
