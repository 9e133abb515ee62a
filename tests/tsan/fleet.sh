#!/bin/bash
# A fleet's library (src/fleet) as AddressSanitizer and then ThreadSanitizer see it: two
# nodes in one process change the policy in turns, tell, ask and send, connect anew, and
# are freed and made again at any moment, while their server is killed and started (fleet_pair.c).
# And once more where the nearest copy of the policy and of what nodes tell has nothing, and
# there are no news of either.
#
#   fleet_pair: node a ═╗
#               node b ═╩═ 127.0.0.1:4222 nats-server, which is killed
. "$SRC/tests/netns/lib.sh"
. "$SRC/tests/netns/common_nats.sh"

need_nats
url=nats://127.0.0.1:4222
rounds=26

start_one() {
    nats-server -c "$TEST_DIR/nats.conf" >>"$TEST_DIR/nats.log" 2>&1 &
    nats_pids[0]=$!
    children+=($!)
}
# shellcheck disable=SC2317 # by wait_until, as what follows
answers() { curl -fs -m 5 http://127.0.0.1:8222/healthz >>"$TEST_DIR/log" 2>&1; }
last() { # WORD: the last number behind it
    sed -n "s/^$1 //p" "$told" | tail -1
}
# shellcheck disable=SC2317
reaches() { # WORD N, or it has ended
    [ "$(last "$1")" -ge "$2" ] || ! kill -0 "$pair" 2>>"$TEST_DIR/log"
} 2>>"$TEST_DIR/log"
# shellcheck disable=SC2317
has_ended() { ! kill -0 "$pair" 2>>"$TEST_DIR/log"; }

configure() { # NAME
    cat >"$TEST_DIR/nats.conf" <<EOF
host: 127.0.0.1
port: 4222
http: 127.0.0.1:8222
max_payload: 8388608
jetstream: {store_dir: "$TEST_DIR/nats-$1"}
EOF
}

run() { # BUILD NAME
    local at status
    told=$TEST_DIR/told-$2
    configure "$2"
    # begins where there is no server yet
    "$1/tests/unit/fleet_pair" $url $rounds >"$told" 2>"$TEST_DIR/err-$2" &
    pair=$!
    children+=($!)
    start_one
    wait_until 60 reaches round 1
    point $? "$2: both hear of each other" "$TEST_DIR/err-$2"
    for at in 4 8 12 16 20 24; do
        wait_until 60 reaches round $at || break
        down=$(last down)
        kill_server 1 KILL
        # every other time both have noticed before it is back
        [ $((at % 8)) != 0 ] || wait_until 60 reaches down $((${down:-0} + 2))
        start_one
    done
    wait_until 60 has_ended || kill "$pair"
    wait "$pair"
    status=$?
    point $status "$2: both have the same policy, with each change once" "$TEST_DIR/err-$2"
    [ "$(tail -1 "$told")" = "the same" ] && [ "$(last down)" -ge 6 ]
    point $? "$2: it was cut off each time" "$told"
    wait_until 60 answers
    kill_server 1
    ! grep -qE 'ThreadSanitizer|AddressSanitizer|LeakSanitizer' "$TEST_DIR/err-$2"
    point $? "$2: no finding" "$TEST_DIR/err-$2"
}

# Who is made again hears all that there was before, though the copy it asks has none.
with_copy_behind() {
    local status
    told=$TEST_DIR/told-behind
    configure behind
    start_one
    wait_until 60 answers
    "$SRC/tests/tsan/fleet_behind.py" 127.0.0.1 4222 KV_pair-policy KV_pair-nodes >"$TEST_DIR/behind" 2>&1 &
    copy=$!
    wait_until 60 grep -q ready "$TEST_DIR/behind"
    "$BUILD/tests/unit/fleet_pair" $url 6 >"$told" 2>"$TEST_DIR/err-behind" &
    pair=$!
    children+=($pair $copy)
    wait_until 200 has_ended || kill "$pair"
    wait "$pair"
    status=$?
    kill "$copy"
    wait "$copy" 2>>"$TEST_DIR/log"
    [ $status = 0 ] && [ "$(tail -1 "$told")" = "the same" ]
    point $? "behind: both have the same policy" "$TEST_DIR/err-behind"
    ! grep '^open' "$told"
    point $? "behind: who proposes hears what became of it" "$told"
    grep -q '^answered 10$' "$TEST_DIR/behind"
    point $? "behind: of a copy that has nothing" "$TEST_DIR/behind"
    kill_server 1
}

run "$BUILD" asan
run "$BUILD_TSAN" tsan
with_copy_behind
finish
