#!/bin/bash
# weir-dp as it is installed, with its filter of system calls (src/dp/sandbox.c): with
# traffic through it and every message at it, nothing that it asks the kernel for is
# refused, but for what libraries try and go on without.
. "$SRC/tests/netns/common_storm.sh"

storm_probe strace
compat=$TEST_DIR/compat.sock
sink=$TEST_DIR/sink.sock
calls=$TEST_DIR/calls
cat >"$TEST_DIR/weir-dp" <<EOV
#!/bin/sh
exec strace -f -qq --failed-only -o "$calls" "$BUILD_RELEASE/src/dp/weir-dp" "\$@"
EOV
chmod +x "$TEST_DIR/weir-dp"
weir_dp=$TEST_DIR/weir-dp

# strace follows the opener and the worker, and is the one we started.
descriptors() {
    local pid
    for pid in $(pgrep -f "^$BUILD_RELEASE/src/dp/weir-dp.*$door"); do ls "/proc/$pid/fd"; done | grep -c '^[0-9]'
}

large_policy() {
    python3 - >"$TEST_DIR/large.json" <<'P'
import json
print(json.dumps({"ctrl_cfg_policy": {
    "cmd": 1, "flag": 3, "defact": 2, "dir": 2, "mac": ["1a:27:f3:87:3a:27"],
    "rules": [{"id": i, "sip": "10.10.10.66", "dip": "10.10.10.88", "port": i,
               "portr": i, "proto": 6, "action": 2, "ingress": True}
              for i in range(1, 2001)]}}))
P
    [ "$(stat -c %s "$TEST_DIR/large.json")" -gt 65536 ] && dp "@$TEST_DIR/large.json"
}

storm_begin && storm_rounds 4
large_policy
point $? "a policy that comes by a descriptor is taken" "$out"
dp stats -o json && json "d['ok']"
point $? "statistics are told, of queues too" "$out"
dp flows -o json && json "d['ok']"
point $? "and flows" "$out"
pkill -TERM -f "^$BUILD_RELEASE/src/dp/weir-dp.*$door"
wait "$dp_pid"
point $? "SIGTERM ends it with 0" "$TEST_DIR/log"
dp_pid=
grep -E ' (EPERM|ENOSYS) ' "$calls" | grep -vE '"/proc/sys/vm/overcommit_memory"|clone3\(' >"$out"
[ ! -s "$out" ]
point $? "nothing was refused" "$out"
[ -s "$calls" ]
point $? "it was watched"
finish
