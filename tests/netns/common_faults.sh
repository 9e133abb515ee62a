# shellcheck shell=bash
# What faults.sh and faults_agent.sh share; behind lib.sh.

faults() { # NAME: what it tells is in $out
    BUILD=$BUILD_RELEASE FAULT_DIR=$TEST_DIR/run PYTHONDONTWRITEBYTECODE=1 \
        /usr/bin/python3 "$SRC/tests/faults/faults.py" "$BUILD/tests/unit/libfault.so" \
        "${FAULT_SECONDS:-25}" "$1" >"$out" 2>&1
}

fail_each() { # PART...
    local part
    for part in ${FAULT_PARTS:-"$@"}; do
        faults "$part"
        point $? "$part: each call that fails is told, and leaves nothing half" "$out"
        grep -h ' sites, ' "$out" | sed 's/^/# /'
    done
}

mkdir "$TEST_DIR/run"
chmod 755 "$TEST_DIR" "$TEST_DIR/run"
