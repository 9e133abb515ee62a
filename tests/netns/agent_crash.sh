#!/bin/bash
# A data plane that dies: the agent says so, where its report is, and starts another;
# one that dies again and again is let be, and its workloads are as they are to be
# without one. Who is killed has not died of anything, and is not let be.
. "$(dirname "$0")/common_agent.sh"

bridge
workload web 2
workload app 3
listen web 80
workload more 4
listen app 80
write_config "$netns_only" "guard: {watch: inline}"
start_agent
weir policy add --from any --to web --port tcp/80 --action allow && weir mode web protect &&
    wait_until 10 guarded web protect inline && wait_until 10 guarded app discover inline &&
    greets app 10.9.0.2 80 && greets more 10.9.0.3 80
point $? "one workload is protected, one is not" "$out"

is_up() { told 'd["data_plane"]["up"] and d["policy"]["in_force"]' status; }
another() { is_up && [ "$(plane_pid)" != "$1" ]; }
# SIGNAL: a worker's, and another one is up.
worker_dies() {
    local pid
    wait_until 20 is_up && pid=$(plane_pid) && kill "$1" "$pid" && wait_until 30 another "$pid"
}
reports() { find "$TEST_DIR/store/crashes" -name 'weir-dp-*.txt' | wc -l; }
worker_dies -ABRT
point $? "a worker dies, and another one is started" "$TEST_DIR/agent.log"
[ "$(reports)" = 1 ] && grep -q '^died: version=.* signal=6' "$TEST_DIR"/store/crashes/*
point $? "a report is kept" "$TEST_DIR/agent.log"
told_soon "[e for e in d['events'] if 'the data plane died: $TEST_DIR/store/crashes/weir-dp-' in e['text']]" events
point $? "the event says where" "$out"
greets app 10.9.0.2 80 && greets more 10.9.0.3 80
point $? "all goes on" "$out"
for i in 1 2 3 4 5; do worker_dies -KILL; done
point $? "it is killed five times, and each time another one is started" "$TEST_DIR/agent.log"
worker_dies -ABRT && worker_dies -ABRT && worker_dies -ABRT
point $? "it dies, and dies, and dies" "$TEST_DIR/agent.log"
wait_until 20 is_up && pid=$(plane_pid) && kill -ABRT "$pid"
told_soon "not d['data_plane']['up'] and 'the 5th time in' in d['data_plane']['text']" status
point $? "the fifth time is one too many: status says so" "$out"
! within 5 another "$pid"
point $? "none is started" "$TEST_DIR/agent.log"
greets more 10.9.0.3 80
point $? "what is not protected goes on"
no_greeting app 10.9.0.2 80
point $? "what is, does not: closed" "$out"
stop_agent && start_agent && is_up
point $? "an agent that is started again starts one" "$TEST_DIR/agent.log"
greets app 10.9.0.2 80 && greets more 10.9.0.3 80
point $? "and all goes on" "$out"
finish
