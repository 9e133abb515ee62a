#!/bin/bash
# What other tests show of one worker holds of one among seven: theirs is number
# five there, for the mark 00b4 and for the MAC without a mark alike.
. "$(dirname "$0")/lib.sh"

for test in names cache ports silent threats; do
    mkdir "$TEST_DIR/$test"
    env -u NETNS_TEST_INSIDE workers=7 TEST_DIR="$TEST_DIR/$test" \
        "$SRC/tests/netns/$test.sh" >"$TEST_DIR/$test.log" 2>&1
    point $? "$test: $(grep -c '^ok' "$TEST_DIR/$test.log") points" "$TEST_DIR/$test.log"
done
finish
