#!/bin/bash
# What cannot be inspected as it should: at each limit it passes, is dropped or bypassed, as is set, and
# counted by a name of its own. What follows of a connection that passed is looked at, of one that is
# bypassed not. At last the table of flows: what it has no room for is judged without it, or dropped.
#
#   host-ns: a client ── agent-ns: weir-dp ── container-ns: a server that writes down what it got
. "$(dirname "$0")/lib.sh"

cat >"$TEST_DIR/peer.py" <<'P'
import gzip, socket, sys, threading, time
HEAD = b"GET / HTTP/1.1\r\nHost: a\r\nX: "
def serve(path):
    seen = open(path, "ab", buffering=0)
    def one(c):
        while data := c.recv(65536):
            seen.write(data)
    s = socket.create_server(("0.0.0.0", 80), backlog=200)
    while True:
        threading.Thread(target=one, args=(s.accept()[0],), daemon=True).start()
def meets(limit, mark):
    """Pieces of a conversation, the last of which meets that limit and ends with the mark."""
    zeros = gzip.compress(bytes(1 << 20), 9)
    return {"parser_error": [HEAD + mark.replace(b"met", b"begun") + b"\r\n\r\n", b"\1\2\3\4\r\n\r\n" + mark],
            "parser_limit": [HEAD + b"a" * 70000 + mark + b"\r\n\r\n"],
            "unpack_limit": [b"POST / HTTP/1.1\r\nHost: a\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(zeros) + zeros +
                             HEAD + mark + b"\r\n\r\n"],
            "search_limit": [HEAD + b"c" * 1200 + mark + b"\r\n\r\n"]}[limit]
def say(address, path, limit, name):
    """Each piece when the one before has arrived; 3: the connection is reset."""
    c = socket.create_connection((address, 80), 20)
    c.settimeout(0.02)
    mark = b"met-" + name.encode() + b"."
    pieces = [(p, p[-len(mark) - 20:].strip()) for p in meets(limit, mark)]
    end = b"end-" + name.encode() + b"."
    for piece, at_end in pieces + [(b"GET /evil HTTP/1.1\r\nHost: a\r\nX: " + end + b"\r\n\r\n", end)]:
        until = time.monotonic() + 60
        try:
            c.sendall(piece)
            while at_end not in open(path, "rb").read():
                if time.monotonic() > until:
                    sys.exit(4)
                try:
                    c.recv(1)
                except TimeoutError:
                    pass
        except ConnectionError:
            sys.exit(3)
def open_many(address, n):
    """How many of so many at a time can be opened."""
    kept = []
    for _ in range(n):
        try:
            kept.append(socket.create_connection((address, 80), 0.5))
        except OSError:
            pass
    print(len(kept))
if sys.argv[1] == "serve":
    serve(sys.argv[2])
elif sys.argv[1] == "open":
    open_many(sys.argv[2], int(sys.argv[3]))
else:
    say(*sys.argv[2:])
P
say() { # LIMIT NAME
    at host-ns timeout 90 python3 "$TEST_DIR/peer.py" say $cont4 "$TEST_DIR/seen" "$@" >"$out" 2>&1
}
reached() { grep -qaF -- "$1" "$TEST_DIR/seen"; }
counted() { # LIMIT: how often it was met
    dp stats --all -o json >/dev/null 2>&1
    python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["applications"]["limits_met"][sys.argv[2]])' "$out" "$1"
}
evils() { # how many were found
    dp findings -o json
    python3 -c 'import json, sys; print(sum(f["count"] for f in json.load(open(sys.argv[1]))["findings"] if f["id"] == 20))' "$out"
}
more_evils() { [ "$(evils)" -gt "$1" ]; }

topology
: >"$TEST_DIR/seen"
background container-ns python3 "$TEST_DIR/peer.py" serve "$TEST_DIR/seen" >"$TEST_DIR/server" 2>&1
wait_until 20 listens container-ns 80
point $? "a server" "$TEST_DIR/server"
splice up --mark 00b4 --mode inline && start_dp agent-ns --listen "" --notify "" && serve_container
point $? "the container is served" "$out"
python3 - >"$TEST_DIR/rules.json" <<'P'
import json
print(json.dumps([{"weir_rules": {"version": 1, "files": [{"name": "t.rules", "text":
    'alert tcp any any -> any any (msg:"evil"; flow:to_server; content:"GET /evil"; sid:20;)\n'
    'alert http any any -> any any (msg:"a body"; http.request_body; content:"never"; sid:21;)\n'
    'alert tcp any any -> any any (msg:"long"; content:"cccc"; pcre:"/(c+)+[^cm]/"; sid:22;)\n'}]}}]))
P
built() { dp '{"weir_rules":{}}' -o json && json "not d['building'] and d['in_force'] == 1"; }
dp @"$TEST_DIR/rules.json" && wait_until 30 built
point $? "with rules" "$out"

for limit in parser_error parser_limit unpack_limit search_limit; do
    for what in pass bypass drop; do
        dp settings '{"inspection":{"on":{"'$limit'":"'$what'"}}}'
        point $? "$limit: $what" "$out"
        before=$(counted $limit) found=$(evils)
        say $limit "$limit-$what"
        status=$?
        [ "$(counted $limit)" = $((before + 1)) ]
        point $? "... is counted once" "$out"
        if [ $what = drop ]; then
            [ $status = 3 ] && ! reached "met-$limit-$what." && ! reached "end-$limit-$what."
            point $? "... what meets it does not arrive, and the connection is reset" "$out"
            dp stats -o json && json "d['dropped'].get('$limit', 0) >= 1"
            point $? "... by a reason of its own" "$out"
        else
            [ $status = 0 ] && reached "end-$limit-$what."
            point $? "... all of it arrives" "$out"
        fi
        [ $what != pass ] || wait_until 20 more_evils "$found"
        [ $what = pass ] || [ "$(evils)" = "$found" ]
        point $? "... and what follows is looked at only where it passed" "$out"
    done
    dp settings '{"inspection":{"on":{"'$limit'":null}}}'
done
stop_dp
point $? "weir-dp ends" "$TEST_DIR/log"

# --- the table of flows -------------------------------------------------------

start_dp agent-ns --listen "" --notify "" --flows 64 && serve_container
point $? "one with room for 64 flows" "$out"
opened() { # of 100
    at host-ns timeout 90 python3 "$TEST_DIR/peer.py" open $cont4 100 2>"$TEST_DIR/open"
}
dp settings '{"flows":{"full":"judge"}}' && [ "$(opened)" = 100 ]
point $? "flows.full is judge: 100 connections at a time" "$TEST_DIR/open"
dp stats -o json && json "d['stateless'] >= 36 and not d['dropped'].get('flow_table_full')"
point $? "... those without a place are counted" "$out"
dp settings '{"flows":{"full":"drop"}}' && dp clear && [ "$(opened)" -le 64 ]
point $? "drop: 64 at most" "$TEST_DIR/open"
dp stats -o json && json "d['dropped'].get('flow_table_full', 0) >= 36"
point $? "... by a reason of its own" "$out"
stop_dp
point $? "weir-dp ends" "$TEST_DIR/log"
finish
