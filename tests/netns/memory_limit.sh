#!/bin/bash
# weir-dp in a cgroup with a limit of memory: its tables become smaller in their order,
# it says so, and it lives on when they are full. Needs a cgroup hierarchy of memory
# that can be written; a group of this test's own.
own_processes=1
. "$(dirname "$0")/lib.sh"
weir_dp=$BUILD_RELEASE/src/dp/weir-dp # a sanitizer takes memory of its own

group=
end_group() {
    end_children
    [ -z "$group" ] || rmdir "$group"
}
trap end_group EXIT

# In the group of whoever runs this, by whichever version there is.
make_group() {
    local name=weir-test-$$-$RANDOM top own
    for top in $(awk '$3 == "cgroup" && $4 ~ /(^|,)memory(,|$)/ { print $2 }' /proc/mounts); do
        own=$(sed -n 's/^[0-9]*:[^:]*memory[^:]*://p' /proc/self/cgroup)
        for group in "$top$own/$name" "$top/$name"; do
            mkdir "$group" 2>/dev/null && limit=memory.limit_in_bytes && return
        done
    done
    for top in $(awk '$3 == "cgroup2" { print $2 }' /proc/mounts); do
        own=$(sed -n 's/^0:://p' /proc/self/cgroup)
        for group in "$top$own/$name" "$top/$name"; do
            mkdir "$group" 2>/dev/null || continue
            limit=memory.max
            [ ! -e "$group/$limit" ] || return
            rmdir "$group"
        done
    done
    group=
    return 1
}

run_limited() { # MB [OPTION of weir-dp]...
    local mb=$1
    echo $((mb << 20)) >"$group/$limit" || return 1
    : >"$TEST_DIR/log"
    (
        echo $BASHPID >"$group/cgroup.procs" || exit 1
        exec "$weir_dp" --listen "" --notify "" --control "$door" -s 1 "${@:2}" 2>>"$TEST_DIR/log"
    ) &
    dp_pid=$!
}
start_limited() { # as run_limited
    run_limited "$@" && wait_until 20 dp version
}
memory() { dp stats -o json && json "(lambda m: $1)(d['memory'])"; }
smaller_logged() { sed -n 's/^warn.*makes a table smaller: table=\([a-z0-9]*\) .*/\1/p' "$TEST_DIR/log" | paste -sd, -; }

if ! make_group; then
    echo "1..0 # SKIP no cgroup hierarchy of memory can be written here"
    exit 0
fi

start_limited 8192 && memory "m['cgroup_limit_bytes'] == 8192 << 20 and m['smaller'] == {} and m['fits']"
point $? "with enough nothing is smaller" "$out"
dp stats -o json && json "d['flows']['limit'] == 131072 and d['streams']['limit'] == 65536"
point $? "tables are as they are without a limit" "$out"
[ -z "$(smaller_logged)" ]
point $? "and nothing is said of it" "$TEST_DIR/log"
stop_dp
start_limited 640 && memory "list(m['smaller'])[0] == 'applications' and m['smaller']['applications']['places'] == 0
    and 'flows' not in m['smaller'] and m['fits'] and m['tables_bytes'] < 480 << 20"
point $? "with less nDPI goes first, flows stay" "$out"
stop_dp
order=
for mb in 1024 640 512 448 384 320 256; do
    start_limited "$mb" || break
    order="$order$mb: $(smaller_logged)
"
    case applications,http2,bodies,sensors,signatures,streams,flows in
    "$(smaller_logged)"*) ;;
    *) break ;;
    esac
    stop_dp || break
done
sed 's/^/# /' <<<"$order"
[ "$mb" = 256 ] && [ -z "$dp_pid" ]
point $? "always in the same order" "$TEST_DIR/log"
start_limited 192 -n 2 --flows 1000000 && memory "not m['fits'] or len(m['smaller']) == 7"
point $? "two workers that want a million flows: all are smaller" "$out"
dp stats && grep -q smaller "$out"
point $? "weir dp stats tells" "$out"
stop_dp

# --- what is not a table ---

# Signatures of expressions, for which a quarter of the limit has no room.
write_many() { # VERSION NUMBER: into rules.json
    python3 - "$1" "$2" >"$TEST_DIR/rules.json" <<'P'
import json, random, sys
word = random.Random(7)
def rule(sid):
    return (f'alert tcp any any -> any any (msg:"m"; content:"{word.getrandbits(96):x}"; '
            f'pcre:"/{word.getrandbits(64):x}[0-9]{{1,9}}{word.getrandbits(32):x}/i"; sid:{sid};)')
print(json.dumps([{"weir_rules": {"version": int(sys.argv[1]), "files": [
    {"name": "many.rules", "text": "\n".join(rule(1 + i) for i in range(int(sys.argv[2])))}]}}]))
P
}
many() { # VERSION NUMBER
    write_many "$@"
    dp @"$TEST_DIR/rules.json" -o json && wait_until 60 built
}
built() { dp '{"weir_rules":{}}' -o json && json "not d['building']"; }
start_limited 256 && many 1 100 && json "d['in_force'] == 1 and d['signatures'] == 100"
point $? "signatures for which there is room" "$out"
was=$dp_pid
many 2 20000 && json "d['error'] == 'out of memory' and d['in_force'] == 1 and d['signatures'] == 100"
point $? "too many: refused, those before stay in force" "$out"
grep -q '^warn.*weir_rules: nothing came of it.*out of memory' "$TEST_DIR/log" && [ "$dp_pid" = "$was" ] && kill -0 "$was"
point $? "nobody was ended for it, and the log says it" "$TEST_DIR/log"
many 3 200 && json "d['in_force'] == 3 and d['signatures'] == 200"
point $? "and others are taken" "$out"
stop_dp
write_many 4 20000
run_limited 256 --load "$TEST_DIR/rules.json"
! wait "$dp_pid" && grep -q '^error.*cannot start: weir_rules: out of memory' "$TEST_DIR/log"
point $? "told to begin with so many it does not start, and says why" "$TEST_DIR/log"
dp_pid=
start_limited 64 && grep -q '^warn.*tables at their least may take more' "$TEST_DIR/log" && memory "not m['fits']"
point $? "with far too little it says so, and starts" "$TEST_DIR/log"
stop_dp
point $? "and ends" "$TEST_DIR/log"
finish
