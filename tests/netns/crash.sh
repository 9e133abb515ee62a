#!/bin/bash
# A worker of weir-dp that dies of a mistake, as it is shipped: it tells where, no word
# of what it read, and the next one goes on.
. "$(dirname "$0")/lib.sh"
weir_dp=$BUILD_RELEASE/src/dp/weir-dp
log=$TEST_DIR/log
said=card-4111111111111111

worker() { ps -o pid= --ppid "$dp_pid" | tr -d ' '; } # in_ns executes weir-dp itself

topology && splice up --mark 00b4 --mode inline && start_dp agent-ns && serve_container
point $? "a container is served" "$out"
wait_until 10 pings $cont4
point $? "it answers" "$TEST_DIR/ping"
(in_ns host-ns ping -n -c 3 -i 0.05 -s 64 -p "$(printf %s "${said:0:16}" | od -An -tx1 | tr -d ' \n')" \
    $cont4 >"$TEST_DIR/ping" 2>&1)
point $? "something is said" "$TEST_DIR/ping"

kill -SEGV "$(worker)"
wait "$dp_pid"
[ $? = 1 ]
point $? "the parent ends with 1" "$log"
dp_pid=
grep -qE '^crash: version=[^ ]+ signal=11 code=-?[0-9]+ at=0x[0-9a-f]+$' "$log"
point $? "the log has the signal" "$log"
[ "$(grep -cE '^[^ ]+\([^)]*\+0x[0-9a-f]+\) ?\[0x[0-9a-f]+\]$' "$log")" -ge 3 ]
point $? "and the way there" "$log"
grep -q '/weir-dp(' "$log"
point $? "by offsets into the program" "$log"
grep -q 'worker died: Segmentation fault' "$log"
point $? "the opener says so" "$log"
! grep -q "${said:0:16}" "$log"
point $? "nothing of what was said is in it" "$log"

start_dp agent-ns && serve_container && wait_until 10 pings $cont4
point $? "the next one goes on" "$TEST_DIR/ping"
stop_dp
point $? "and ends" "$log"
finish
