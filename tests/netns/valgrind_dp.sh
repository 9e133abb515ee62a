#!/bin/bash
# weir-dp as it is installed, under valgrind: no byte that was not written is
# used, and none is lost, with traffic through it and every message at it.
. "$SRC/tests/netns/common_storm.sh"

storm_probe valgrind
# lax-ioctls: valgrind does not know NS_GET_NSTYPE, which takes no argument.
cat >"$TEST_DIR/weir-dp" <<EOV
#!/bin/sh
LD_PRELOAD=$BUILD/tests/unit/libno_filter.so exec valgrind --quiet --fair-sched=yes --vgdb=no --num-callers=30 \\
    --sim-hints=lax-ioctls \\
    --leak-check=full --show-leak-kinds=definite,indirect \\
    --errors-for-leak-kinds=definite,indirect --error-exitcode=99 \\
    --log-file="$TEST_DIR/valgrind.%p" "$BUILD_RELEASE/src/dp/weir-dp" --no-watchdog "\$@"
EOV
chmod +x "$TEST_DIR/weir-dp"
weir_dp=$TEST_DIR/weir-dp
storm 8
# Both processes wrote a log; with --quiet only a finding is in it.
[ "$(ls "$TEST_DIR"/valgrind.* | wc -l)" = 2 ]
point $? "opener and worker were watched"
cat "$TEST_DIR"/valgrind.* >"$out"
[ ! -s "$out" ]
point $? "valgrind found nothing" "$out"
finish
