#!/bin/bash
# A runtime that has trouble with a container does not take the guard off it: a
# Docker of this test's own says what it is told to say.
. "$(dirname "$0")/common_agent.sh"

says=$TEST_DIR/docker
docker=$TEST_DIR/docker.sock

say() { # FILE TEXT [EVENT]
    echo "$2" >"$says/$1"
    [ -z "${3:-}" ] || echo "$3" >"$says/events"
}

of_docker() { # EXPRESSION over s, what status tells of this Docker
    told_soon "(lambda s: $1)(d['runtimes'][0])" status
}

bridge
workload web 2
in_ns web tail -f /dev/null &
children+=($!)
mkdir "$says"
mkfifo "$says/events"
say state running
say inspect 200
say pid $!
"$SRC/tests/netns/fake_docker.py" "$docker" "$says" 2>>"$TEST_DIR/log" &
children+=($!)
write_config "runtimes: [{kind: docker, path: $docker}]"
start_agent
point $? "it starts, with a data plane" "$TEST_DIR/agent.log"
wait_until 10 guarded web discover tap
point $? "a container is found and watched" "$out"

say inspect 500
say state paused die
of_docker 's["up"] and "500" in str(s["unreadable"])'
point $? "it cannot be inspected: status tells" "$out"
guarded web discover tap
point $? "and it is watched as before" "$out"
say inspect 200 unpause
of_docker 's["up"] and not s.get("unreadable")'
point $? "it can again" "$out"
guarded web discover tap
point $? "and is watched" "$out"

# --- what cannot be read, and is gone when the runtime comes back ---

say inspect 500
say state running die
of_docker 's["up"] and s["unreadable"]'
point $? "again it cannot" "$out"
kill "${children[-1]}"
of_docker 'not s["up"]'
point $? "its runtime ends" "$out"
guarded web discover tap
point $? "it is watched still" "$out"
say state ""
rm -f "$docker"
"$SRC/tests/netns/fake_docker.py" "$docker" "$says" 2>>"$TEST_DIR/log" &
children+=($!)
of_docker 's["up"] and not s.get("unreadable")'
point $? "the runtime is back without it: there is nothing to be read" "$out"
told_soon 'not [w for w in d["workloads"] if w["name"] == "web"]' ls
point $? "it is gone" "$out"
stop_agent
point $? "the agent ends" "$TEST_DIR/agent.log"
finish
