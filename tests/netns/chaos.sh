#!/bin/bash
# A minute of `make chaos`, the same events each time, and that what it looks for is
# seen: without a data plane "open" lets through what is forbidden.
. "$(dirname "$0")/lib.sh"

chaos() { # SEED SECONDS [VARIABLE=VALUE]...: all that it tells is in $out
    env BUILD="$BUILD_RELEASE" CHAOS_DIR="$TEST_DIR/run-$1" WEIR_SEED="$1" "${@:3}" \
        /usr/bin/python3 "$SRC/tests/chaos/chaos.py" "$2" >"$out" 2>&1
}

if ! /usr/bin/python3 -c '
import sys
sys.path.insert(0, sys.argv[1])
import world
absent = world.missing()
sys.exit(f"1..0 # SKIP not installed: {chr(32).join(absent)}" if absent else 0)' "$SRC/tests/chaos" 2>"$out"; then
    cat "$out"
    exit 0
fi

chaos 1 60
point $? "a minute of chaos: nothing allowed is cut, nothing denied comes, nothing is left" "$out"
grep -Eq '^kill_worker +[1-9]' "$out" && grep -Eq '^postgresql-6 +[1-9]' "$out"
point $? "there was chaos, and traffic" "$out"
! chaos 2 15 CHAOS_ON_FAILURE=open && grep -q 'violation:.*denied: .* bytes came by' "$out"
point $? "what is forbidden and comes all the same is seen" "$out"
finish
