# shellcheck shell=bash
# What the tests of the runtimes share: a program that prints what src/runtime
# tells (runtime_news), questions about that, and a root file system of busybox.
. "$SRC/tests/netns/lib.sh"

told=$TEST_DIR/told
news_pid=

start_news() { # KIND=PATH...: what they tell goes to $told, from the beginning
    : >"$told"
    "$BUILD/tests/unit/runtime_news" "$@" >"$told" 2>>"$TEST_DIR/log" &
    news_pid=$!
    children+=($!)
}

stop_news() { # true: by itself, in a second
    local begun=$EPOCHREALTIME status
    kill "$news_pid" && wait "$news_pid"
    status=$?
    news_ended_ms=$(((${EPOCHREALTIME/./} - ${begun/./}) / 1000))
    [ $status = 0 ] && [ $news_ended_ms -lt 1000 ]
}

tells() { # EXPRESSION of runtime_state.py
    "$SRC/tests/netns/runtime_state.py" "$told" "$1"
}

tells_soon() { # EXPRESSION [SECONDS]
    wait_until "${2:-10}" tells "$1"
}

check() { # NAME EXPRESSION [SECONDS]: a point
    tells_soon "$2" "${3:-5}"
    point $? "$1" "$told"
}

busybox_root() { # FOLDER: a root file system
    local applet
    mkdir -p "$1"/{bin,etc,proc,sys,dev,tmp}
    cp /bin/busybox "$1/bin/"
    for applet in sh tail true httpd unshare ip seq; do
        ln -sf busybox "$1/bin/$applet"
    done
    echo 'root:x:0:0::/:/bin/sh' >"$1/etc/passwd"
}

netns_of() { # PID: inode of its network namespace
    stat -Lc %i "/proc/$1/ns/net"
}
