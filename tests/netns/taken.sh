#!/bin/bash
# A worker of weir-dp that a hostile frame took over: as the program is shipped, it may
# not open, connect, signal, load or become anything. tests/netns/taken.c stands in for
# the attacker's code.
. "$(dirname "$0")/lib.sh"
weir_dp=$BUILD_RELEASE/src/dp/weir-dp
log=$TEST_DIR/log

worker() { ps -o pid= --ppid "$dp_pid" | tr -d ' '; } # in_ns executes weir-dp itself
status_is() { # PROCESS FIELD VALUE
    grep -Pq "^$2:\t$3\$" "/proc/$1/status"
}

topology && splice up --mark 00b4 --mode inline && start_dp agent-ns && serve_container
point $? "a container is served" "$out"

# --- before the first frame ---
child=$(worker)
cp "/proc/$child/status" "$out"
uid=$(id -u weir-dp 2>/dev/null || id -u nobody)
status_is "$child" Uid "$uid\t$uid\t$uid\t$uid" && status_is "$child" Groups ' ?[0-9]*'
point $? "the worker has an account of its own" "$out"
has_none() { status_is "$child" "Cap$1" 0000000000000000; } # SET
each has_none -- Inh Prm Eff Bnd Amb
point $? "no capability, and none to get" "$out"
status_is "$child" NoNewPrivs 1 && status_is "$child" Seccomp 2
point $? "nor by another program; its calls are filtered" "$out"
status_is "$dp_pid" Seccomp 2
point $? "the opener's, too"
bad=
for task in "/proc/$child/task/"*; do
    grep -Pq '^Seccomp:\t2$' "$task/status" || bad+=" $task"
done
echo "$bad" >"$out"
[ -z "$bad" ]
point $? "each of its threads" "$out"
# but its standard streams
for fd in "/proc/$child/fd/"*; do
    [ "${fd##*/}" -le 2 ] || readlink "$fd"
done | grep -vE '^(/dev/null$|(socket|anon_inode|pipe):)' >"$out"
[ ! -s "$out" ]
point $? "it holds no file, directory or namespace" "$out"
wait_until 10 pings $cont4
point $? "and its traffic goes on" "$TEST_DIR/ping"
stop_dp

# --- in the place of the first frame ---
cat >"$TEST_DIR/taken" <<S
#!/bin/bash
LD_PRELOAD=$BUILD/tests/unit/libtaken.so exec $weir_dp "\$@"
S
chmod +x "$TEST_DIR/taken"
weir_dp=$TEST_DIR/taken
begin() { # [NAME]: with the attacker's code, until it ran
    : >"$log"
    TAKEN=${1-} start_dp agent-ns && serve_container
    (in_ns host-ns ping -n -c 1 -W 1 $cont4 >"$TEST_DIR/ping" 2>&1) || true
}

begin
wait_until 10 grep -q '^taken: end 0$' "$log"
point $? "what it tries is answered" "$log"
tries=$(grep -c '^taken: ' "$log")
refused=$(grep -cE '^taken: .* (1|38)$' "$log")
[ "$tries" -gt 30 ] && [ "$refused" = $((tries - 1)) ]
point $? "and refused, each" "$log"
wait_until 10 pings $cont4
point $? "the traffic goes on" "$TEST_DIR/ping"
stop_dp

for name in execve fork ptrace vm setns unshare mount setuid io_uring keyctl; do
    begin "$name"
    wait_until 10 grep -q 'worker died: Bad system call' "$log" && ! grep -q '^taken:' "$log"
    point $? "$name ends it, and the opener says so" "$log"
    wait "$dp_pid"
    dp_pid=
done
finish
