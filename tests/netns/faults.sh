#!/bin/bash
# Every call of weir-dp that can fail does, once: memory, descriptors, what is asked of
# the kernel; when it starts, and when it is told something new (tests/faults/).
# FAULT_SECONDS: how long for each part, 0 for all sites (make faults). The programs
# as they are installed: a sanitizer's malloc would stand before ours.
own_processes=1
. "$(dirname "$0")/lib.sh"

faults() { # NAME...: what it tells is in $out
    BUILD=$BUILD_RELEASE FAULT_DIR=$TEST_DIR/run PYTHONDONTWRITEBYTECODE=1 \
        /usr/bin/python3 "$SRC/tests/faults/faults.py" "$BUILD/tests/unit/libfault.so" \
        "${FAULT_SECONDS:-25}" "$@" >"$out" 2>&1
}
tell() { grep -h ' sites, ' "$out" | sed 's/^/# /'; }

mkdir "$TEST_DIR/run"
chmod 755 "$TEST_DIR" "$TEST_DIR/run"
topology && splice up --mark 00b4 --mode inline
point $? "a container is diverted" "$out"
for part in ${FAULT_PARTS:-dp-opener-start dp-worker-start dp-asked}; do
    faults $part
    point $? "$part: each call that fails is told, and leaves nothing half" "$out"
    tell
done
finish
