#!/bin/bash
# As faults.sh, of weir-agent and weir-api.
own_processes=1
. "$(dirname "$0")/common_agent.sh"

faults() { # NAME...: what it tells is in $out
    BUILD=$BUILD_RELEASE FAULT_DIR=$TEST_DIR/run PYTHONDONTWRITEBYTECODE=1 \
        /usr/bin/python3 "$SRC/tests/faults/faults.py" "$BUILD/tests/unit/libfault.so" \
        "${FAULT_SECONDS:-25}" "$@" >"$out" 2>&1
}
tell() { grep -h ' sites, ' "$out" | sed 's/^/# /'; }

mkdir "$TEST_DIR/run"
chmod 755 "$TEST_DIR" "$TEST_DIR/run"
door=$TEST_DIR/run/dp.sock
bridge
workload web 2
workload app 3
for part in ${FAULT_PARTS:-agent-start api-start agent-asked}; do
    faults "$part"
    point $? "$part: each call that fails is told, and leaves nothing half" "$out"
    tell
done
finish
