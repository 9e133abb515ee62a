#!/bin/bash
# `make demo-fleet` plays to the end, and leaves nothing behind; stopped in the middle,
# too.
# One where a check fails says so.
. "$(dirname "$0")/common_nats.sh"
need_nats

demo() { # CMD...: becomes the demo, with this test's programs and folder
    exec env -u NETNS_TEST_INSIDE TMPDIR="$TEST_DIR/tmp" "$@" "$SRC/tools/demo-fleet" </dev/null
}
mkdir "$TEST_DIR/tmp"
ours() { pgrep -f "$TEST_DIR/tmp/weir-fleet"; }
clean() { ! ours && [ -z "$(ls -A "$TEST_DIR/tmp")" ]; }

(demo env) >"$out" 2>&1
point $? "it plays to the end" "$out"
[ "$(tail -n 1 "$out" | sed 's/[0-9]* s\.$/N s./')" = "✓ $(grep -c '^   ✓' "$out") of $(grep -c '^   [✓✗]' "$out") checks passed in N s." ]
point $? "its last line says that all passed" "$out"
read -r lines said back < <(sed -n 's/^   ✓ \([0-9]*\) lines \(said\), \([0-9]*\) came back: nothing$/\1 \2 \3/p' "$out")
[ "${said:-}" = said ] && [ "$lines" -gt 100 ] && [ "$lines" = "$back" ]
point $? "the connection lost nothing" "$out"
! grep -q $'\033' "$out"
point $? "no colour where there is no terminal"
clean >"$TEST_DIR/left"
point $? "nothing is left" "$TEST_DIR/left"

demo env >"$out" 2>&1 &
demo_pid=$!
children+=($demo_pid)
agents() { grep -q 'weir-agent on c' "$out"; }
wait_until 120 agents
kill -TERM $demo_pid
wait $demo_pid
[ $? = 143 ] && ! grep -q 'checks passed' "$out"
point $? "it stops when told to" "$out"
wait_until 20 clean >"$TEST_DIR/left"
point $? "and nothing is left" "$TEST_DIR/left"

# With programs that do nothing.
mkdir -p "$TEST_DIR/broken/src/cli"
ln -s /bin/false "$TEST_DIR/broken/src/cli/weir"
(demo env BUILD="$TEST_DIR/broken") >"$out" 2>&1
[ $? = 1 ] && tail -n 1 "$out" | grep -q '^✗ 0 of 1 checks passed'
point $? "where a check fails it exits with 1, and says so" "$out"
wait_until 20 clean >"$TEST_DIR/left"
point $? "nothing is left of that" "$TEST_DIR/left"
finish
