#!/bin/bash
# A leak is stopped, and can be read about: a group's sensors and the user's rules,
# by `weir`, in each mode; what is told never says the secret itself. Both outlive the
# agent and the data plane.
#
#   app 10.9.0.3 (curl) ── br0 ── web 10.9.0.2: a server that writes down what it got
. "$(dirname "$0")/common_agent.sh"
for program in curl python3; do
    command -v $program >/dev/null || {
        echo "1..0 # SKIP not installed: $program"
        exit 0
    }
done

serve() {
    cat >"$TEST_DIR/server.py" <<'P'
import http.server, socket, sys
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.tell(self.path + " " + body.decode("latin-1"))
    def do_GET(self):
        self.tell(self.path)
    def tell(self, text):
        seen.write(text + "\n")
        seen.flush()
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"fine\n")
    def log_message(self, *a): pass
class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6
seen = open(sys.argv[1], "a")
Server(("::", 80), Handler).serve_forever()
P
    : >"$TEST_DIR/seen"
    background web python3 "$TEST_DIR/server.py" "$TEST_DIR/seen" >"$TEST_DIR/server" 2>&1
    wait_until 20 listens web 80
}

answered() { # ARGUMENT of curl...
    at app timeout 30 curl -sS --noproxy '*' -m 10 -o "$TEST_DIR/answer" "$@" >"$out" 2>&1 &&
        grep -q fine "$TEST_DIR/answer"
}

stopped() { # ARGUMENT of curl...: reset, or nothing came
    at app timeout 30 curl -sS --noproxy '*' -m 3 -o /dev/null "$@" >"$out" 2>&1
    local status=$?
    [ $status = 56 ] || [ $status = 28 ] || [ $status = 52 ]
}

reached() { grep -q -- "$1" "$TEST_DIR/seen"; } # TEXT

# What a number is written in: WAY NUMBER, a body in $TEST_DIR/body.
written() {
    python3 - "$@" >"$TEST_DIR/body" <<'P'
import base64, ctypes, gzip, sys, zlib
way, number = sys.argv[1:]
def br(data):
    out, size = ctypes.create_string_buffer(len(data) + 1024), ctypes.c_size_t(len(data) + 1024)
    assert ctypes.CDLL("libbrotlienc.so.1").BrotliEncoderCompress(5, 22, 0, len(data), data, ctypes.byref(size), out)
    return out.raw[:size.value]
json = b'{"user": "bob", "note": "%s"}'
some = lambda code: "".join(code % ord(c) if i % 3 == 0 else c for i, c in enumerate(number)).encode()
plain = json % number.encode()
sys.stdout.buffer.write({
    "json": lambda: json % some("\\u%04x"), "html": lambda: b"<a>%s</a>" % some("&#%d;"), "percent": lambda: b"a=b&c=" + some("%%25%02x"),
    "base64": lambda: json % base64.b64encode(b"the card is " + number.encode()), "base64-json": lambda: base64.b64encode(json % some("\\u%04x")),
    "gzip": lambda: gzip.compress(plain), "deflate": lambda: zlib.compress(plain), "br": lambda: br(plain),
    "gzip-json": lambda: gzip.compress(json % some("\\u%04x")), "br-base64": lambda: br(json % base64.b64encode(b"is " + number.encode()))}[way]())
P
}

# No digits of the card, in a row or as they were written, for people or programs.
untold() { # DIGIT... of a part of it
    weir events && ! grep -qE "$1" "$out" && weir events -o json && ! grep -qE "$1" "$out" &&
        ! grep -rqaE "$1" "$TEST_DIR/store"
}

found() { # KIND EXPRESSION over e, its events
    told_soon "[e for e in d['events'] if e['kind'] == '$1' and ($2)]" events --kind "$1"
}

in_force() { # SIGNATURES SENSORS
    told 'd["detection"]["signatures"]["state"] == d["detection"]["sensors"]["state"] == "in force" and
        d["detection"]["signatures"]["signatures"] == '"$1"' and d["detection"]["sensors"]["sensors"] == '"$2" status
}

card='4111 1111 1111 1111'
digits='4111 ?1111|1111 ?1111'
pay=http://10.9.0.2/pay

bridge
workload web 2
workload app 3
serve
point $? "a server" "$TEST_DIR/server"
mkdir -p "$TEST_DIR/share"
cat >"$TEST_DIR/share/builtin.rules" <<'R'
drop http any any -> any any (msg:"comes with it"; http.header; content:"X-Evil: yes"; sid:900; rev:2;)
R
write_config "$netns_only" "rules: {path: $TEST_DIR/share/builtin.rules}"
start_agent
point $? "an agent" "$TEST_DIR/agent.log"
told_soon '{"app", "web"} <= {w["name"] for w in d["workloads"] if w["addresses"]}' ls
point $? "it knows the workloads" "$out"
wait_until 20 in_force 1 0
point $? "rules that come with it are in force" "$out"

# --- only watched -------------------------------------------------------------

weir group set web --dlp cards=block
point $? "weir group set web --dlp cards=block" "$out"
told 'd["workload"]["detection"] == {"sensors": [{"sensor": "cards", "kind": "dlp", "id": 30001, "action": "alert"}],
    "signatures": "alert"}' show web && weir show web && grep -q "looked for  cards=alert, signatures=alert" "$out"
point $? "in mode discover that is an alert" "$out"
weir group list && grep -Eq "^web +- +cards=block +" "$out" && grep -q "sensors there are: cards, bank_accounts" "$out"
point $? "and the group says what it says" "$out"
in_force 1 1
point $? "the sensor is in force when the command returns" "$out"
answered --data-urlencode "card=$card" "$pay" && reached 4111
point $? "the card number goes on" "$out"
found dlp 'e["name"] == "cards" and e["action"] == "allow" and e["request"].endswith("/pay") and
    e["client"] == "app" and e["server"] == "web" and "card" in e["evidence"]'
point $? "and is told" "$out"
answered -H 'X-Evil: yes' http://10.9.0.2/watched && found signature 'e["id"] == 900 and e["action"] == "allow"'
point $? "so is what a rule would drop" "$out"
untold "$digits"
point $? "without a digit of it" "$out"

# --- protected ----------------------------------------------------------------

weir policy add --from app --to web --port tcp/80 && weir mode web protect
point $? "weir mode web protect" "$out"
told 'd["workload"]["detection"]["sensors"][0]["action"] == "block" and
    d["workload"]["detection"]["signatures"] == "enforce"' show web
point $? "now it blocks" "$out"
: >"$TEST_DIR/seen"
stopped -d "name=x&card=$card" "$pay" && ! reached 4111
point $? "the card number in a POST does not reach the server" "$out"
stopped -d 'card=%34111111111111111' "$pay" && ! reached 4111 && ! reached %3411
point $? "nor does it behind a percent sign" "$out"
for way in json html percent base64 base64-json gzip deflate br gzip-json br-base64; do
    coding=(-H 'Content-Type: application/json')
    case $way in gzip* | deflate | br*) coding+=(-H "Content-Encoding: ${way%%-*}") ;; esac
    [ $way != gzip-json ] || coding+=(-H 'Transfer-Encoding: chunked')
    : >"$TEST_DIR/seen"
    written $way "$card" && stopped "${coding[@]}" --data-binary "@$TEST_DIR/body" "$pay" && [ ! -s "$TEST_DIR/seen" ]
    point $? "nor when it is written in $way" "$out"
    written $way "${card%1}2" && answered "${coding[@]}" --data-binary "@$TEST_DIR/body" "$pay" && [ -s "$TEST_DIR/seen" ]
    point $? "... but what is none does" "$out"
done
answered -d 'card=4111111111111112' "$pay" && reached 4111111111111112
point $? "what is none does: its last digit is wrong" "$out"
found dlp 'e["name"] == "cards" and e["action"] in ("reset", "drop") and e["server"] == "web"'
point $? "weir events tells of it" "$out"
asked 'd["dropped"]["dlp"] >= 1 and d["limits_met"]["unpack_limit"] == 0' top
point $? "counted by a reason of its own, as the metrics are" "$out"
weir events --kind dlp && grep -q 'dlp 30001 cards: app -> web' "$out" && grep -q 'request: POST' "$out" &&
    grep -q '«[* ]*[0-9]\{0,4\}»' "$out"
point $? "... for people, masked" "$out"
untold "$digits"
point $? "and nowhere a digit of it" "$out"
stopped -H 'X-Evil: yes' http://10.9.0.2/never && ! reached /never
point $? "the rule that drops does" "$out"

# --- rules of the user ------------------------------------------------------------

cat >"$TEST_DIR/my.rules" <<'R'
alert http any any -> any any (msg:"a secret path"; http.uri; content:"/secret"; sid:1000001; rev:3;)
alert http any any -> any any (msg:"not understood"; quickly; sid:1000002;)
R
weir rules load --strict "$TEST_DIR/my.rules"
[ $? = 1 ] && grep -q "my.rules:2:.*refused.*quickly" "$out" && grep -q "nothing was loaded" "$out" && in_force 1 1
point $? "weir rules load --strict: a mistake, and nothing is loaded" "$out"
weir rules load "$TEST_DIR/my.rules" && grep -q "my.rules:2:.*refused.*quickly" "$out" &&
    grep -q "1 rules loaded, 1 refused; 2 signatures in force" "$out"
point $? "weir rules load: what is refused is told, the other is in force" "$out"
weir rules status && grep -q 'builtin.rules .*comes with Weir' "$out" && grep -q 'my.rules ' "$out"
point $? "weir rules status" "$out"
weir rules list
grep -q '^1000001 ' "$out" && grep -q '^900 ' "$out"
point $? "weir rules list: what is loaded" "$out"
answered http://10.9.0.2/secret/1 && found signature 'e["id"] == 1000001 and e["rev"] == 3 and e["name"] == "a secret path" and
    "/secret" in e["evidence"] and e["client"] == "app" and e["server"] == "web"'
point $? "traffic that matches is told, with names" "$out"
told '[e for e in d["events"] if e["text"] == "1 rules were loaded, 1 refused, of my.rules"]' events --kind change
point $? "and so is who loaded them" "$out"

# --- a policy with sensors of its own -----------------------------------------

weir export >/dev/null && cp "$out" "$TEST_DIR/policy.yaml" && cat >>"$TEST_DIR/policy.yaml" <<'Y'
sensors:
- {name: codewords, patterns: [{regex: 'code-[0-9]{4}', where: body}]}
Y
sed -i 's/^  dlp:$/&\n  - {sensor: codewords, action: block}/; s/^  dlp: \[/&{sensor: codewords, action: block}, /' "$TEST_DIR/policy.yaml"
weir diff -f "$TEST_DIR/policy.yaml"
grep -q '^+ sensor .*codewords' "$out" && grep -q '^+ group .*codewords' "$out"
point $? "weir diff" "$out"
weir apply -f "$TEST_DIR/policy.yaml" && in_force 2 2
point $? "weir apply" "$out"
stopped -d 'x=code-1234' "$pay" && ! reached code-1234 && found dlp 'e["name"] == "codewords"'
point $? "its sensor blocks" "$out"
sed 's/sensor: codewords/sensor: code/' "$TEST_DIR/policy.yaml" >"$TEST_DIR/wrong.yaml"
! weir apply -f "$TEST_DIR/wrong.yaml" && grep -q 'wrong.yaml:[0-9]*:[0-9]*.*there is no sensor "code"' "$out"
point $? "one that is not there is a mistake with its line" "$out"

# --- they outlive what keeps them -------------------------------------------------

kill -KILL "$(plane_pid)"
again() { in_force 2 2 && told 'd["data_plane"]["starts"] == 2' status; }
wait_until 20 again
point $? "a new data plane has them" "$out"
wait_until 20 stopped -d 'x=code-4321' "$pay" && ! reached code-4321
point $? "and blocks" "$out"
stop_agent KILL
start_agent && wait_until 20 in_force 2 2 && told '[f["name"] for f in d["files"]] == ["builtin.rules", "my.rules"]' rules status
point $? "so has a new agent" "$out"
stopped -d 'x=code-5678' "$pay" && ! reached code-5678
point $? "and it goes on" "$out"
weir policy rollback --to 3 && told 'd["workload"]["detection"]["sensors"] == [
    {"sensor": "cards", "kind": "dlp", "id": 30001, "action": "block"}]' show web && answered -d 'x=code-9999' "$pay"
point $? "the policy that was has the sensors that were" "$out"
weir rules unload my.rules && wait_until 20 in_force 1 1
point $? "weir rules unload" "$out"
told '"builtin_missing" not in d' rules status && mv "$TEST_DIR/share/builtin.rules" "$TEST_DIR/share/gone.rules" &&
    kill -HUP "$agent_pid"
without() { told 'd["builtin_missing"] == "'"$TEST_DIR/share/builtin.rules"'"' rules status; }
wait_until 20 without && weir rules status && grep -q 'none of those that come with Weir' "$out"
point $? "rules that come with Weir, and are not there, are told of" "$out"
mv "$TEST_DIR/share/gone.rules" "$TEST_DIR/share/builtin.rules" && kill -HUP "$agent_pid" && wait_until 20 in_force 1 1
point $? "... until they are" "$out"
weir group set web --dlp none --signatures off && in_force 1 0 && answered -d "card=$card" "$pay" &&
    answered -H 'X-Evil: yes' http://10.9.0.2/now
point $? "and nothing is looked for any more" "$out"
weir status && grep -q "^detection   1 signatures; 0 sensors" "$out"
point $? "weir status" "$out"
finish
