#!/bin/bash
# What is found in what flows say: signatures and sensors of a data plane, told by
# its own door, and by NeuVector's messages. A rule's action holds before the server
# has seen anything; rules change while traffic runs.
#
#    host-ns: curl, dig ── agent-ns: weir-dp ── container-ns: a server that tells
. "$(dirname "$0")/lib.sh"
for program in curl python3; do
    command -v $program >/dev/null || {
        echo "1..0 # SKIP not installed: $program"
        exit 0
    }
done
client=(nsenter --net=/run/netns/host-ns)

# A server that writes down the body of each request, and answers with what the path
# names: /card has one. The file says what has reached it.
serve() {
    cat >"$TEST_DIR/server.py" <<'P'
import http.server, sys, socket
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        seen.write(self.path + " " + body.decode("latin-1") + "\n"); seen.flush()
        self.answer()
    def do_GET(self):
        seen.write(self.path + "\n"); seen.flush()
        self.answer()
    def answer(self):
        text = b"pan=5500005555555559 \n" if self.path == "/card" else b"fine\n"
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
    def log_message(self, *a): pass
class Server(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6
seen = open(sys.argv[1], "a")
Server(("::", 80), Handler).serve_forever()
P
    : >"$TEST_DIR/seen"
    background container-ns python3 "$TEST_DIR/server.py" "$TEST_DIR/seen" >"$TEST_DIR/server" 2>&1
    wait_until 20 listens container-ns 80
}

fetch() { # ARGUMENT of curl...: its answer in $TEST_DIR/answer
    timeout 30 "${client[@]}" curl -sS --noproxy '*' -m 10 -o "$TEST_DIR/answer" "$@" >"$out" 2>&1
}

stopped() { # ARGUMENT of curl...: reset, or nothing came
    timeout 30 "${client[@]}" curl -sS --noproxy '*' -m 3 -o /dev/null "$@" >"$out" 2>&1
    local status=$?
    [ $status = 56 ] || [ $status = 28 ] || [ $status = 52 ]
}

reached() { grep -q -- "$1" "$TEST_DIR/seen"; } # TEXT

rules() { # VERSION TEXT: asked until they are in force; the answer in $out
    python3 - "$1" "$2" >"$TEST_DIR/rules.json" <<'P'
import json, sys
print(json.dumps({"weir_rules": {"version": int(sys.argv[1]), "variables": {"HOME_NET": "10.10.10.0/24"},
    "files": [{"name": "test.rules", "text": sys.argv[2]}]}}))
P
    dp "$(cat "$TEST_DIR/rules.json")" -o json && wait_until 30 built weir_rules
}

built() { dp "{\"$1\":{}}" -o json && json "not d['building']"; } # MESSAGE

detection() { # VERSION ACTION MODE: of sensors "cards" and "words", of signatures
    dp '{"weir_detection":{"version":'"$1"',"sensors":[
        {"id":30001,"name":"cards","kind":"dlp","patterns":[{"secret":"card_number"}]},
        {"id":45001,"name":"words","kind":"waf","patterns":[{"regex":"drop\\s+table","flags":"i","where":"url"}]}],
        "workloads":[{"macs":["'$mac'"],"signatures":"'"$3"'",
        "sensors":[{"id":30001,"action":"'"$2"'"},{"id":45001,"action":"'"$2"'"}]}]}}' -o json &&
        wait_until 30 built weir_detection
}

found() { # EXPRESSION over f, the findings so far
    dp findings -o json && json "[f for f in d['findings'] if ($1)]"
}

dropped() { dp stats -o json && json "d['dropped'].get('$1', 0) >= ${2:-1}"; } # REASON [COUNT]

topology
serve
point $? "a server" "$TEST_DIR/server"
splice up --mark 00b4 --mode inline && start_dp agent-ns --listen "" --notify "" && serve_container
point $? "the container is served" "$out"
dp '[{"ctrl_cfg_policy":{"cmd":1,"flag":3,"defact":7,"dir":3,"ipv6":true,"mac":["'$mac'"],"rules":[
    {"id":1,"from":["any"],"to":["any"],"proto":"tcp","ports":["80"],"action":"allow","ingress":true}]}}]'
point $? "and protected" "$out"

# --- signatures -----------------------------------------------------------------

rules 1 'alert http any any -> $HOME_NET any (msg:"a path"; http.uri; content:"/secret"; sid:1; rev:2;)
drop http any any -> any any (msg:"dropped"; http.header; content:"X-Evil: yes"; sid:2;)
reject tcp any any -> any 80 (msg:"raw"; content:"cmd.exe"; nocase; sid:3;)
alert http any any -> any any (msg:"not understood"; quickly; sid:4;)'
json "d['signatures'] == 3 and d['refused'] == 1 and d['faults'][0]['keyword'] == 'quickly' and
    d['faults'][0]['line'] == 4 and d['faults'][0]['file'] == 'test.rules' and d['in_force'] == 1"
point $? "three rules are in force, and one is refused with its place" "$out"
for family in "$cont4" "[$cont6]"; do
    fetch "http://$family/secret?a=1" && reached "/secret?a=1"
    point $? "$family: what only alerts goes on" "$out"
    stopped -H 'X-Evil: yes' "http://$family/never" && ! reached /never
    point $? "$family: what is dropped does not reach the server" "$out"
    stopped "http://$family/x?CMD.exe" && [ "$(grep -ci cmd.exe "$TEST_DIR/seen")" = 0 ]
    point $? "$family: nor does what is rejected" "$out"
done
wait_until 20 found "f['kind'] == 'signature' and f['id'] == 1 and f['rev'] == 2 and f['name'] == 'a path' and
    f['request'] == 'GET $cont4/secret' and '/secret' in f['evidence'] and f['action'] == 'allow'"
point $? "each is told: the alert" "$out"
found "f['id'] == 2 and f['action'] == 'drop'" && wait_until 20 found "f['id'] == 3 and f['action'] == 'reset'"
point $? "and what was stopped" "$out"
dropped signature 2
point $? "by a reason of its own" "$out"
dp blocks -o json && json "[b for b in d['blocks'] if b['reason'] == 'signature' and b['threat'] == 2]"
point $? "the block names the rule" "$out"

# --- while traffic runs ----------------------------------------------------------

# A connection that lasts, whose requests come one by one.
cat >"$TEST_DIR/keep.py" <<'P'
import http.client, sys, time
c = http.client.HTTPConnection(sys.argv[1], 80, timeout=20)
n = 0
while True:
    c.request("GET", "/keep?n=%d" % n); r = c.getresponse(); r.read(); n += 1
    print(n, flush=True); time.sleep(0.02)
P
background host-ns python3 "$TEST_DIR/keep.py" "$cont4" >"$TEST_DIR/kept" 2>"$TEST_DIR/kept.err"
going() { [ "$(wc -l <"$TEST_DIR/kept")" -gt "$1" ]; }
wait_until 20 going 5
point $? "a connection is kept" "$TEST_DIR/kept.err"
before=$(wc -l <"$TEST_DIR/kept")
for version in $(seq 2 9); do
    rules $version "alert http any any -> any any (msg:\"v$version\"; http.uri; content:\"/v$version\"; sid:$((100 + version));)" ||
        break
done
[ "$version" = 9 ] && json "d['in_force'] == 9 and d['signatures'] == 1"
point $? "rules change eight times" "$out"
wait_until 20 going $((before + 10)) && [ ! -s "$TEST_DIR/kept.err" ]
point $? "and the connection goes on" "$TEST_DIR/kept.err"
fetch "http://$cont4/v9" && fetch "http://$cont4/v2" && fetch -H 'X-Evil: yes' "http://$cont4/now" &&
    wait_until 20 found "f['id'] == 109" && ! found "f['id'] == 102"
point $? "the last ones count, the others not any more" "$out"
few() { dp stats -o json && json "d['signatures']['sets'] <= 5"; }
few
point $? "the older sets go" "$out"
turns=0
for turn in $(seq 6); do
    rules 9 '# none' && rules 9 "alert http any any -> any any (msg:\"t$turn\"; http.uri; content:\"/t$turn\"; sid:$((200 + turn));)" &&
        turns=$((turns + 1))
done
before=$(wc -l <"$TEST_DIR/kept")
[ $turns = 6 ] && wait_until 20 going $((before + 10)) && [ ! -s "$TEST_DIR/kept.err" ] && few
point $? "so they do when there are none in between" "$out"
dp "$(sed 's/"version": 1,/"version": 3,/' "$TEST_DIR/rules.json" | sed 's/"version": 9,/"version": 3,/')" -o json
grep -q ESTALE "$out"
point $? "an older version is refused" "$out"

# --- sensors ----------------------------------------------------------------------

card=4111111111111111
detection 1 block enforce
point $? "sensors block" "$out"
stopped -d "name=x&card=$card" "http://$cont4/pay" && ! reached "$card"
point $? "a card number in a POST does not reach the server" "$out"
fetch -d "name=x&card=4111111111111112" "http://$cont4/pay" && reached 4111111111111112
point $? "what is none does: its last digit is wrong" "$out"
stopped "http://$cont4/card" && ! grep -q 5500005555555559 "$TEST_DIR/answer"
point $? "nor does the server's answer leave with one" "$out"
stopped "http://$cont4/q?x=drop%20%20TABLE" && ! reached TABLE
point $? "a WAF sensor looks behind the percent signs" "$out"
wait_until 20 found "f['kind'] == 'dlp' and f['name'] == 'cards' and f['request'].endswith('/pay') and f['action'] == 'reset' and
    'card=' in f['evidence'] and '11111111' not in str(f)"
point $? "it is told of, masked" "$out"
dp findings --raw -o json && grep -q "$(printf %s "$card" | xxd -p | tr -d '\n')" "$out"
point $? "and only who asks for them gets the raw bytes" "$out"
dropped dlp 2 && dropped waf 1
point $? "by reasons of their own" "$out"
detection 2 alert enforce
fetch -d "card=5105105105105100" "http://$cont4/pay" && reached 5105105105105100 &&
    wait_until 20 found "f['kind'] == 'dlp' and f['action'] == 'allow'"
point $? "a sensor that alerts only tells" "$out"
rules 10 'drop http any any -> any any (msg:"d"; http.uri; content:"/secret"; sid:50;)'
detection 3 alert alert
fetch "http://$cont4/secret2" && reached /secret2 && wait_until 20 found "f['id'] == 50 and f['action'] == 'allow'"
point $? "signatures of a workload that is not enforced only tell" "$out"
detection 4 alert off
fetch "http://$cont4/secret3" && reached /secret3
point $? "and none are looked for where they are off" "$out"
dp config -o json && json "(lambda m: [x for x in m if 'weir_rules' in x] and
    [x for x in m if 'weir_detection' in x])(d['messages'])"
point $? "all of it is in the configuration" "$out"
dp '{"weir_detection":{"version":5,"sensors":[{"id":30001,"name":"a","kind":"dlp","patterns":[]}],"workloads":[]}}'
grep -q 'sensors' "$out"
point $? "a sensor without patterns is refused, by its place" "$out"

# --- NeuVector's ------------------------------------------------------------------

dp '{"weir_detection":{"version":6,"sensors":[],"workloads":[]}}' && wait_until 20 built weir_detection
dp '[{"ctrl_bld_dlp":{"flag":3,"dir":3,"mac":["'$mac'"],"delmac":[],"dlp_rules":[
        {"name":"codeword","id":20001,"patterns":["/code-[0-9]{4}/; context body"]}]}},
    {"ctrl_cfg_dlp":{"flag":3,"mac":["'$mac'"],"dlp_rule_names":[{"id":20001,"action":2}],"waf_rule_names":[],
        "rule_ids":[1],"waf_rule_ids":[],"ruletype":"outside","wafruletype":""}}]' && wait_until 20 built weir_detection
point $? "NeuVector's messages are taken" "$out"
stopped -d "x=code-1234" "http://$cont4/nv" && ! reached code-1234
point $? "what they look for is dropped" "$out"
wait_until 20 found "f['id'] == 20001 and f['kind'] == 'dlp' and f['action'] == 'drop' and f['name'] == 'codeword'"
point $? "and told" "$out"
dp '{"ctrl_cfg_dlpmac":{"delmac":["'$mac'"]}}' && fetch -d "x=code-1234" "http://$cont4/nv" && reached code-1234
point $? "not any more when it is taken back" "$out"
stop_dp
point $? "weir-dp ends with 0" "$TEST_DIR/log"
finish
