#!/bin/bash
# A workload whose frames a data plane dies of is parked by itself, as its failure mode
# says, and is told; all others are guarded on. Later it is tried again.
own_processes=1
. "$(dirname "$0")/common_agent.sh"

bridge
workload web 2
workload app 3
workload more 4
listen more 80
listen web 80
listen app 80
cat >"$TEST_DIR/weir-dp" <<E
#!/bin/sh
LD_PRELOAD=$BUILD/tests/unit/libfatal.so exec "$BUILD_RELEASE/src/dp/weir-dp" "\$@"
E
chmod +x "$TEST_DIR/weir-dp"
write_config "$netns_only"
sed -i "s|^data_plane: {|&program: $TEST_DIR/weir-dp, |" "$config"
start_agent
# from the bridge, which is nobody's workload; as greets_within()
host_greets() { # SECONDS ADDRESS
    timeout $(($1 * 2 + 1)) socat -u "-T$1" "TCP:$2:80,connect-timeout=$1" - 2>>"$TEST_DIR/log" | grep -q hello
}
weir policy add --from any --to web --port tcp/80 --action allow &&
    weir policy add --from any --to app --port tcp/80 --action allow &&
    weir mode web protect && weir mode app protect &&
    wait_until 20 guarded web protect inline && wait_until 20 guarded app protect inline &&
    host_greets 20 10.9.0.2 && host_greets 20 10.9.0.3
point $? "two workloads are protected" "$out"

is_up() { told 'd["data_plane"]["up"] and d["policy"]["in_force"]' status; }
another() { is_up && [ "$(plane_pid)" != "$1" ]; }
state() { told "[w for w in d['workloads'] if w['name'] == '$1' and w['state'] == '$2']" ls; }
# Is sent from the bridge until the data plane has died of it.
dies_of() { # ADDRESS
    local pid
    wait_until 20 is_up && pid=$(plane_pid) || return 1
    fatal() {
        printf FATAL-FRAME | timeout 3 socat -T1 - "TCP:$1:80,connect-timeout=1" >>"$TEST_DIR/log" 2>&1
        ! kill -0 "$pid" 2>>"$TEST_DIR/log"
    }
    wait_until 30 fatal "$1" && wait_until 30 another "$pid"
}
dies_of 10.9.0.2 && state web guarded && dies_of 10.9.0.2 && state web guarded
point $? "a data plane dies of a frame, twice" "$TEST_DIR/agent.log"
grep -qiE '^frame: worker=0 thread=[0-9]+ .*4e:65:75:56:' "$TEST_DIR"/store/crashes/*
point $? "its report says at whose frame" "$TEST_DIR/agent.log"
dies_of 10.9.0.2 && wait_until 10 state web parked
point $? "the third time its workload is parked" "$out"
told_soon '[e for e in d["events"] if e.get("part") == "parked" and e["severity"] == "critical"
            and e["workload"] == "netns:web" and "of web:" in e["text"]]' events
point $? "an event says so" "$out"
weir show web && grep -q 'hold.*parked, for data planes die of its frames' "$out"
point $? "so does weir show" "$out"
! host_greets 2 10.9.0.2
point $? "nothing passes: closed" "$out"
is_up && state app guarded && host_greets 20 10.9.0.3
point $? "the other one is guarded on" "$out"
dies_of 10.9.0.3 && dies_of 10.9.0.3 && is_up && state app guarded
point $? "what is parked does not count against all" "$TEST_DIR/agent.log"
weir mode web discover && wait_until 10 guarded web discover pass && host_greets 20 10.9.0.2
point $? "one that is only watched is left open" "$out"
weir mode web protect && wait_until 10 guarded web protect hold
point $? "and closed again" "$out"
wait_until 90 guarded web protect inline && state web guarded && host_greets 20 10.9.0.2
point $? "after a while it is tried again" "$out"
dies_of 10.9.0.2 && wait_until 10 state web parked &&
    told_soon '(lambda s: len(s) == 2 and max(s) == 2 * min(s))(
        [int(e["text"].split("parked for ")[1].split()[0]) for e in d["events"]
         if e.get("part") == "parked" and "of web:" in e["text"]])' events
point $? "then once is enough, for twice as long" "$out"
dies_of 10.9.0.4 && dies_of 10.9.0.4 && state more guarded && dies_of 10.9.0.4 &&
    wait_until 10 state more parked && guarded more discover pass && host_greets 20 10.9.0.4
point $? "so is one of which the data plane has copies" "$out"
stop_agent && start_agent && wait_until 20 guarded web protect inline && host_greets 20 10.9.0.2
point $? "an agent that is started anew begins anew" "$out"
finish
