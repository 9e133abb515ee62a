#!/bin/bash
# The issue's story: `web` may speak MySQL with `db`, whatever the port. What a client of
# MySQL says arrives; HTTP to 3306 is ended before the server has seen a byte of it, also
# where a web server listens; MySQL elsewhere is as good. A server of MySQL speaks first, so
# its greeting alone must not make MySQL of what its client says then. Events tell it.
. "$(dirname "$0")/common_agent.sh"
for program in curl python3; do
    command -v $program >/dev/null || {
        echo "1..0 # SKIP not installed: $program"
        exit 0
    }
done

# MySQL, as far as it takes: a greeting, a login, questions; what was heard is written down.
cat >"$TEST_DIR/mysql.py" <<'P'
import socket, sys, threading
def packet(number, b): return len(b).to_bytes(3, "little") + bytes([number]) + b
def whole(f):
    head = f.read(4)
    return f.read(int.from_bytes(head[:3], "little")) if len(head) == 4 else b""
greeting = (b"\x0a8.0.36\0" + b"\1\0\0\0" + b"abcdefgh\0" + b"\xff\xf7\x2d\2\0\xff\xdf\x15" +
            bytes(10) + b"abcdefghijkl\0" + b"mysql_native_password\0")
fine = b"\0\0\0\2\0\0\0"
def serve(c):
    f = c.makefile("rb")
    c.sendall(packet(0, greeting))
    number = 2
    while said := whole(f):
        seen.write(repr(said) + "\n"); seen.flush()
        c.sendall(packet(number, fine))
        number = 1
def ask(address, port, *statements):
    f = (c := socket.create_connection((address, port), 20)).makefile("rb")
    assert b"8.0.36" in whole(f)
    c.sendall(packet(1, b"\x85\xa6\xff\x01" + b"\0\0\0\1\x21" + bytes(23) + b"shop\0\0" + b"mysql_native_password\0"))
    assert whole(f) == fine
    for said in statements or ["SELECT 42"]:
        c.sendall(packet(0, b"\3" + said.encode()))
        assert whole(f) == fine
if sys.argv[1] == "ask":
    ask(sys.argv[2], int(sys.argv[3]), *sys.argv[4:])
else:
    seen = open(sys.argv[2], "a")
    s = socket.create_server(("::", int(sys.argv[3])), family=socket.AF_INET6, dualstack_ipv6=True)
    while True:
        threading.Thread(target=serve, args=(s.accept()[0],), daemon=True).start()
P
: >"$TEST_DIR/seen"
: >"$TEST_DIR/pages"

serve() { # PORT
    background db python3 "$TEST_DIR/mysql.py" serve "$TEST_DIR/seen" "$1" >"$TEST_DIR/mysql" 2>&1
    wait_until 20 listens db "$1"
}
ask() { at web timeout 60 python3 "$TEST_DIR/mysql.py" ask "$@" >"$out" 2>&1; } # ADDRESS PORT [STATEMENT]...

# Ended, maybe behind the greeting; 7 would be: nobody listens.
refused() { # URL
    at web timeout 30 curl -sS --noproxy '*' -m 5 -o /dev/null "$1" >"$out" 2>&1
    local status=$?
    [ $status != 0 ] && [ $status != 7 ]
}

bridge
workload web 2
workload db 3
serve 3306
point $? "MySQL listens" "$TEST_DIR/mysql"
write_config "$netns_only"
start_agent
point $? "an agent" "$TEST_DIR/agent.log"
told_soon '{"web", "db"} <= {w["name"] for w in d["workloads"] if w["addresses"]}' ls
point $? "it knows the workloads" "$out"

cat >"$TEST_DIR/policy.yaml" <<'Y'
groups:
- {name: db, mode: protect}
rules:
- {id: 1, from: web, to: db, applications: [mysql], action: allow}
Y
weir apply -f "$TEST_DIR/policy.yaml"
point $? "weir apply: web -> db application mysql" "$out"
wait_until 20 guarded db protect inline
point $? "it is in force" "$out"

ask 10.9.0.3 3306
point $? "MySQL is spoken with" "$out"
ask fd09::3 3306
point $? "by IPv6, too" "$out"
grep -q "SELECT 42" "$TEST_DIR/seen"
point $? "and has heard what was asked" "$TEST_DIR/seen"
told_soon '[f for f in d["flows"] if f["application"] == "mysql" and f["port"] == 3306]' flows
point $? "weir flows: mysql" "$out"

# Its client waits for the greeting, as curl may or may not.
cat >"$TEST_DIR/late.py" <<'P'
import socket, sys
c = socket.create_connection((sys.argv[1], 3306), 20)
assert c.recv(4096)
c.sendall(b"POST /late HTTP/1.1\r\nHost: db\r\n\r\n")
c.settimeout(5)
try:
    sys.exit(1 if c.recv(4096) else 0)
except OSError:
    sys.exit(0)
P
late() { at web timeout 60 python3 "$TEST_DIR/late.py" "$1" >"$out" 2>&1; } # ADDRESS
late 10.9.0.3 && late fd09::3
point $? "HTTP behind the greeting is refused" "$out"
refused http://10.9.0.3:3306/shop && refused 'http://[fd09::3]:3306/shop'
point $? "HTTP to 3306 is refused" "$out"
! grep -q HTTP "$TEST_DIR/seen"
point $? "and MySQL has seen none of it" "$TEST_DIR/seen"
told_soon '[e for e in d["events"] if e["kind"] == "violation" and e["client"] == "web" and e["server"] == "db"
    and e["port"] == 3306 and e["blocked"]]' events
point $? "an event: web -> db" "$out"

serve 4406
ask 10.9.0.3 4406
point $? "MySQL at another port is MySQL" "$out"

cat >"$TEST_DIR/pages.py" <<'P'
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        seen.write(self.path + "\n"); seen.flush()
        self.send_response(200); self.send_header("Content-Length", "0"); self.end_headers()
    def log_message(self, *a): pass
seen = open(sys.argv[1], "a")
http.server.ThreadingHTTPServer(("0.0.0.0", 3307), Handler).serve_forever()
P
background db python3 "$TEST_DIR/pages.py" "$TEST_DIR/pages" >"$TEST_DIR/web" 2>&1
wait_until 20 listens db 3307
refused http://10.9.0.3:3307/shop && [ ! -s "$TEST_DIR/pages" ]
point $? "nor is a web server there, wherever it listens" "$TEST_DIR/pages"
spoken() { weir events && grep -qF 'web -> db tcp/3307 (http) blocked: no rule allows it' "$out"; }
wait_until 20 spoken
point $? "weir events says what was spoken, for people" "$out"

sed -i 's/applications: \[mysql\]/&, requests: [{sql.verb: SELECT}]/' "$TEST_DIR/policy.yaml"
weir apply -f "$TEST_DIR/policy.yaml" && grep -q 'sql.verb' "$out"
point $? "weir apply: what is asked by its verb" "$out"
ask 10.9.0.3 3306 "SELECT 43" && grep -q "SELECT 43" "$TEST_DIR/seen"
point $? "a client logs in, and asks for that" "$out"
! ask 10.9.0.3 3306 "SELECT 44" "DELETE FROM t" && grep -q "SELECT 44" "$TEST_DIR/seen" &&
    ! grep -q "DELETE" "$TEST_DIR/seen"
point $? "and for nothing else" "$TEST_DIR/seen"
finish
