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

start_limited() { # MB [OPTION of weir-dp]...
    local mb=$1
    echo $((mb << 20)) >"$group/$limit" || return 1
    : >"$TEST_DIR/log"
    (
        echo $BASHPID >"$group/cgroup.procs" || exit 1
        exec "$weir_dp" --listen "" --notify "" --control "$door" -s 1 "${@:2}" 2>>"$TEST_DIR/log"
    ) &
    dp_pid=$!
    wait_until 20 dp version
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
start_limited 64 && grep -q '^warn.*tables at their least may take more' "$TEST_DIR/log" && memory "not m['fits']"
point $? "with far too little it says so, and starts" "$TEST_DIR/log"
stop_dp
point $? "and ends" "$TEST_DIR/log"
finish
