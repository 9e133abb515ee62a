#!/bin/bash
# A worker of weir-dp that dies of a mistake, as it is shipped: it tells where, no word
# of what it read, and the next one goes on.
. "$(dirname "$0")/lib.sh"
weir_dp=$BUILD_RELEASE/src/dp/weir-dp
log=$TEST_DIR/log
said=card-4111111111111111

no_process() { ! kill -0 "$1" 2>>"$TEST_DIR/log2"; }
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
grep -qE '^crash: version=[^ ]+ signal=11 code=-?[0-9]+ thread=[0-9]+ at=0x[0-9a-f]+$' "$log"
point $? "the log has the signal" "$log"
[ "$(grep -cE '^[^ ]+\([^)]*\+0x[0-9a-f]+\) ?\[0x[0-9a-f]+\]$' "$log")" -ge 3 ]
point $? "and the way there" "$log"
grep -q '/weir-dp(' "$log"
point $? "by offsets into the program" "$log"
grep -q 'worker died: Segmentation fault' "$log"
point $? "the opener says so" "$log"
! grep -q "${said:0:16}" "$log"
point $? "nothing of what was said is in it" "$log"

# --- in the thread that reads frames, with reports kept ---
reports() { find "$TEST_DIR/crashes" -name 'weir-dp-*.txt' | sort; }
newest() { reports | tail -1; }
thread() { # the first worker's
    local of
    of=$(worker)
    find "/proc/$of/task" -mindepth 1 -maxdepth 1 -printf '%f\n' | grep -vx "$of" | sort -n | head -1
}
signal_thread() { # SIGNAL
    python3 -c 'import ctypes, sys; sys.exit(ctypes.CDLL(None).syscall(234, *map(int, sys.argv[1:])) != 0)' \
        "$(worker)" "$(thread)" "$1"
}
start_dp agent-ns --crash "$TEST_DIR/crashes" && serve_container && wait_until 10 pings $cont4
point $? "the next one goes on" "$TEST_DIR/ping"
: >"$log"
signal_thread 11
point $? "a worker's own thread makes a mistake"
wait "$dp_pid"
[ $? = 1 ] && dp_pid=
grep -qE '^crash: version=[^ ]+ signal=11 ' "$log" && grep -q '/weir-dp(' "$log"
point $? "the log has it, too" "$log"
[ "$(reports | wc -l)" = 1 ] && grep -q '^died: version=[^ ]* signal=11$' "$(newest)" && grep -q '/weir-dp(' "$(newest)"
point $? "it is kept in a file" "$log"
grep -qiE '^last frame: worker=0 .*4e:65:75:56:00:b4' "$(newest)"
point $? "with whose frame it was" "$(newest)"
[ "$(stat -c %a "$(newest)")" = 600 ]
point $? "for nobody else to read"

# --- one that hangs ---
start_dp agent-ns --crash "$TEST_DIR/crashes" && serve_container && wait_until 10 pings $cont4
: >"$log"
kill -STOP "$(worker)"
wait "$dp_pid"
[ $? = 1 ] && dp_pid=
point $? "one that hangs is ended" "$log"
grep -q 'watchdog: a worker hangs, ending it: worker=0 for_ms=2[0-9][0-9][0-9]' "$log"
point $? "and that is told" "$log"
[ "$(reports | wc -l)" = 2 ] && grep -q '^died: version=[^ ]* signal=9 it hung$' "$(newest)"
point $? "and kept" "$log"
start_dp agent-ns --crash "$TEST_DIR/crashes" --no-watchdog && serve_container && wait_until 10 pings $cont4
kill -STOP "$(worker)"
! within 4 no_process "$dp_pid"
point $? "a debugger may have it for as long as it likes" "$log"
kill -CONT "$(worker)"
wait_until 10 pings $cont4
point $? "it goes on" "$TEST_DIR/ping"
for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17; do
    : >"$TEST_DIR/crashes/weir-dp-20000101T0000$n-1.txt"
done
kill -SEGV "$(worker)"
wait "$dp_pid"
dp_pid=
[ "$(reports | wc -l)" = 16 ] && [ "$(reports | grep -c -v /weir-dp-2000)" = 3 ]
point $? "sixteen are kept, the newest" "$log"

start_dp agent-ns && serve_container && wait_until 10 pings $cont4
point $? "the last one goes on" "$TEST_DIR/ping"
stop_dp
point $? "and ends" "$log"
finish
