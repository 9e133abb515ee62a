#!/bin/bash
# weir-api in front of a real agent: who may and who may not, what clients send that
# no browser sends, streams, TLS, and Prometheus reading its metrics.
. "$(dirname "$0")/common_agent.sh"

# An account that has nothing, and comes to both by their paths.
export WEIR_SOCKET=/run/agent.sock
account=nobody
peer="python3 $SRC/tests/netns/api_peer.py"
state=/run/api
web=$TEST_DIR/web
log=$TEST_DIR/api.log
base=http://127.0.0.1:8787/api/v1
api_pid=
password=a-Secret-of-Ann

start_api() { # [OPTION]...; BUILD_API: whose
    "${BUILD_API:-$BUILD}/src/api/weir-api" --config "$TEST_DIR/api.yaml" --socket "$WEIR_SOCKET" \
        --state "$state" --web "$web" --user $account "$@" >>"$TEST_DIR/api.out" 2>>"$log" &
    api_pid=$!
    children+=("$api_pid")
    wait_until 20 answers
}
answers() { [ "$(status "$base/session")" = 401 ] || ! kill -0 "$api_pid"; }
stop_api() {
    kill "$api_pid" && wait "$api_pid"
    local status=$?
    api_pid=
    return $status
}

status() { curl -sk -o "$out" -w '%{http_code}' "$@"; } # ARGUMENT... of curl
is() { # STATUS ARGUMENT... of curl; the body in $out
    local want=$1 got
    shift
    got=$(status "$@")
    [ "$got" = "$want" ] || { echo "$got, not $want: $*" >>"$TEST_DIR/asked"; return 1; }
}
field() { python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$out" "$1"; }
says() { # EXPRESSION over d, a body (no line at its end)
    python3 -c 'import json,sys; d = json.load(open(sys.argv[1])); sys.exit(not eval(sys.argv[2]))' "$out" "$1"
}
problem() { says "set(d) == {'type', 'title', 'status', 'detail', 'code', 'at'} and d['code'] == '$1'"; }
body=(-H 'Content-Type: application/json')
login() { # NAME PASSWORD -> $csrf, a jar of its name
    is 200 -c "$TEST_DIR/$1.jar" -b "$TEST_DIR/$1.jar" "${body[@]}" \
        -d "{\"user\":\"$1\",\"password\":\"$2\"}" $base/session && csrf=$(field csrf)
}
as() { local name=$1; shift; is "$1" -b "$TEST_DIR/$name.jar" "${body[@]}" -H "X-Weir-CSRF: $csrf" "${@:2}"; }
resident_kb() { awk '/^VmRSS/ { print $2 }' "/proc/$api_pid/status"; }

bridge
workload web 2
workload app 3
listen web 8080
write_config "$netns_only"
sed -i "s/^control: {/control: {api_user: $account, group: $(id -gn $account), /" "$config"
start_agent
point $? "an agent" "$TEST_DIR/agent.log"
mkdir -p "$web/assets"
echo '<!doctype html><title>Weir</title>' >"$web/index.html"
echo 'let x' >"$web/assets/x-1.js"
echo hidden >"$web/.hidden"
ln -s /etc/passwd "$web/link"
cat >"$TEST_DIR/api.yaml" <<Y
web: {openapi: $SRC/docs/openapi.yaml}
Y

# --- starts, and as whom ---

"$BUILD/src/api/weir-api" --state "$state" --user weir-nobody-here >"$out" 2>&1
[ $? = 1 ] && grep -q 'no account weir-nobody-here' "$out"
point $? "without its account it does not run as root, and says so" "$out"
"$BUILD/src/api/weir-api" --listen 10.9.0.1:8787 --state "$state" --user $account >"$out" 2>&1
[ $? = 2 ] && grep -q '10.9.0.1:8787 is not loopback: that needs TLS' "$out"
point $? "an address that others reach needs TLS" "$out"
start_api
point $? "it starts" "$log"
grep -q "^Uid:.*$(id -u $account)" /proc/$api_pid/status && grep -q '^CapEff:.*0000000000000000' /proc/$api_pid/status &&
    grep -q '^CapBnd:.*0000000000000000' /proc/$api_pid/status && grep -q '^NoNewPrivs:.*1' /proc/$api_pid/status
point $? "as an account that has nothing" /proc/$api_pid/status
word=$(sed -n 's/.*#\/setup?token=//p' "$TEST_DIR/api.out")
[ "$(grep -c 'setup?token=' "$TEST_DIR/api.out")" = 1 ] && [ ${#word} = 43 ]
point $? "and prints a link" "$TEST_DIR/api.out"

# --- users ---

is 401 $base/status && problem ENOKEY
point $? "nobody is told nothing" "$out"
is 403 "${body[@]}" -d '{"token":"wrong","user":"ann","password":"'$password'"}' $base/setup && problem EACCES
point $? "a wrong word makes no user" "$out"
is 400 "${body[@]}" -d '{"token":"'"$word"'","user":"ann","password":"short"}' $base/setup && problem EINVAL
point $? "a short password is refused" "$out"
is 200 "${body[@]}" -d '{"token":"'"$word"'","user":"ann","password":"'$password'"}' $base/setup && says 'd["user"] == "ann" and d["role"] == "admin"'
point $? "the link makes the first user, an admin" "$out"
is 403 "${body[@]}" -d '{"token":"'"$word"'","user":"eve","password":"'$password'"}' $base/setup
point $? "once" "$out"
login ann $password
point $? "who can log in" "$out"
grep -q '^#HttpOnly_127.0.0.1.*weir_session' "$TEST_DIR/ann.jar"
point $? "with a cookie that scripts do not see" "$TEST_DIR/ann.jar"
as ann 201 -d '{"user":"vic","password":"victor-looks","role":"viewer"}' $base/users &&
    as ann 201 -d '{"user":"olga","password":"olga-operates","role":"operator"}' $base/users &&
    as ann 409 -d '{"user":"vic","password":"victor-looks","role":"viewer"}' $base/users
point $? "and make others" "$out"
ann_csrf=$csrf
login vic victor-looks && as vic 200 $base/status && as vic 200 $base/workloads && as vic 200 "$base/explain?from=app&to=web&proto=tcp&port=8080" &&
    as vic 403 -X PUT -d '{"mode":"monitor"}' $base/mode && problem EPERM && as vic 403 $base/events/1 && as vic 403 $base/users
point $? "a viewer reads" "$out"
login olga olga-operates && as olga 200 -X PUT -d '{"mode":"monitor"}' $base/groups/web/mode && as olga 200 $base/events/1 &&
    as olga 403 $base/users && as olga 403 -X PATCH -d '{}' $base/settings
point $? "an operator changes, but not users or settings" "$out"
as olga 200 "$base/events?kind=change" && says 'any(e.get("by") == "olga" for e in d["events"])'
point $? "and it is told who did" "$out"
csrf=wrong
as olga 403 -X PUT -d '{"mode":"monitor"}' $base/mode && says 'd["at"] == "X-Weir-CSRF"'
point $? "not without the word against forged requests" "$out"
login olga olga-operates
as olga 403 -H 'Origin: http://evil.example' -X PUT -d '{"mode":"monitor"}' $base/mode && says 'd["at"] == "Origin"'
point $? "nor from another site" "$out"
is 415 -b "$TEST_DIR/olga.jar" -H "X-Weir-CSRF: $csrf" -H 'Content-Type: text/plain' -X PUT -d '{"mode":"monitor"}' $base/mode
point $? "nor as what a form can send" "$out"
as olga 421 -H 'Host: weir.evil.example' $base/status
point $? "nor by a name that somebody let point here" "$out"
as olga 403 -d '{"name":"t","role":"admin"}' $base/tokens && as olga 201 -d '{"name":"t","role":"operator","days":1}' $base/tokens
point $? "a token may at most what its user may" "$out"
token=$(field token) token_id=$(field id)
bearer=(-H "Authorization: Bearer $token")
is 200 "${bearer[@]}" $base/status && is 200 "${bearer[@]}" "${body[@]}" -X PUT -d '{"mode":"monitor"}' $base/groups/web/mode
point $? "it needs no cookie" "$out"
is 401 -H 'Authorization: Bearer weir_nonsense' $base/status
point $? "a wrong one is nobody" "$out"
csrf=$ann_csrf
as ann 200 $base/tokens && says 'len(d["tokens"]) == 1 and "token" not in d["tokens"][0] and "hash" not in d["tokens"][0]'
point $? "tokens are listed without themselves" "$out"
for i in 1 2 3 4 5; do is 401 "${body[@]}" -d '{"user":"vic","password":"wrong-'$i'-password"}' $base/session; done
is 429 "${body[@]}" -d '{"user":"vic","password":"victor-looks"}' $base/session
point $? "who guesses has to wait, also with the right one" "$out"
login olga olga-operates
point $? "the others do not" "$out"
csrf=$ann_csrf
as ann 200 -X DELETE $base/users/vic && csrf= && as vic 401 $base/status
point $? "a user that is deleted is out" "$out"
echo "from-the-console" | "$BUILD/src/api/weir-api" --state "$state" --user $account user add con --role viewer 2>>"$TEST_DIR/log"
# Asked by another one: each try to log in before it is known would be a wrong one.
there() { as ann 200 $base/users && says 'any(u["user"] == "con" for u in d["users"])'; }
wait_until 5 there && login con from-the-console
point $? "one that was made on the console is in" "$out"

# --- lists ---

csrf=$ann_csrf
as ann 200 "$base/workloads?limit=1" && says 'len(d["workloads"]) == 1 and d["total"] == 2 and d["next"] == d["workloads"][0]["id"]' &&
    as ann 200 "$base/workloads?limit=1&after=$(field next)" && says 'len(d["workloads"]) == 1 and "next" not in d'
point $? "workloads come in pages" "$out"
as ann 200 "$base/workloads?q=WEB" && says '[w["name"] for w in d["workloads"]] == ["web"]' && as ann 200 "$base/workloads?mode=protect" && says 'd["total"] == 0'
point $? "of those that are asked for" "$out"
tag=$(curl -s -b "$TEST_DIR/ann.jar" -D - -o "$out" $base/groups | tr -d '\r' | sed -n 's/^ETag: //p')
[ -n "$tag" ] && as ann 304 -H "If-None-Match: $tag" $base/groups && as ann 200 -H 'If-None-Match: "x"' $base/groups
point $? "what is the same is not sent again" "$out"
as ann 200 $base/policy && revision=$(field revision)
python3 - "$out" >"$TEST_DIR/put" <<'P'
import json, sys
d = json.load(open(sys.argv[1]))
print(json.dumps({"text": d["text"].replace("rules: []", "rules:\n- {from: app, to: web, ports: [tcp/8080], action: allow}")}))
P
as ann 412 -X PUT -H "If-Match: \"$((revision + 7))\"" -d "@$TEST_DIR/put" $base/policy && problem ESTALE &&
    as ann 412 -X PUT -H 'If-Match: "0"' -d "@$TEST_DIR/put" $base/policy && problem ESTALE
point $? "a policy that others have changed is not overwritten" "$out"
as ann 200 -X PUT -H "If-Match: \"$revision\"" -d "@$TEST_DIR/put" $base/policy && says "d['revision'] == $revision + 1 and d['in_force']"
point $? "one that they have not is" "$out"
as ann 200 $base/policy/history &&
    says '(d["revisions"][-1]["by"], d["revisions"][-1]["what"]) == ("ann", "a policy was applied: 1 rule added")'
point $? "its history says who did that, and what" "$out"
as ann 200 $base/rules && says 'len(d["rules"]) == 1' && told 'len(d["rules"]) == 1' policy list
point $? "and both doors show it" "$out"
as ann 200 "$base/rules?q=WEB&limit=1" && says 'd["total"] == 1 and len(d["rules"]) == 1 and "next" not in d' &&
    as ann 200 "$base/rules?q=nobody" && says 'd["total"] == 0 and d["rules"] == []'
point $? "and find it" "$out"
as ann 200 "$base/flows?q=nothing-like-it&rule=7" && says 'd["flows"] == [] and not d["more"]' &&
    as ann 400 "$base/flows?after=1&before=2" && says 'd["at"] == "before"'
point $? "flows are asked for by rule and text" "$out"
as ann 400 -X PUT -d '{"text":"rules: ["}' $base/policy && problem EINVAL
point $? "a wrong one is a problem with line and column" "$out"
# Status, and connections made, of a request and the same once more.
twice() { curl -s -m 20 -o /dev/null -w '%{http_code} %{num_connects}\n' "$@" -o /dev/null "${@: -1}" | tr '\n' ' ' >"$out"; }
twice $base/status && grep -qx '401 1 401 0 ' "$out" &&
    twice -X POST -H 'Content-Type: application/json' -d '{"user":"no","password":"body"}' $base/rules && grep -qx '401 1 401 0 ' "$out" &&
    twice http://127.0.0.1:8787/nope && grep -qx '404 1 404 0 ' "$out"
point $? "who is refused keeps his connection" "$out"
head -c 20000 /dev/zero >"$TEST_DIR/large"
twice -X POST -H 'Content-Type: application/json' -H 'Expect:' --data-binary "@$TEST_DIR/large" $base/rules && grep -qx '401 1 401 1 ' "$out"
point $? "but not if he sends much" "$out"

# --- captures, the map ---

csrf=$ann_csrf
as ann 200 -X POST -d '{"workload":"web","seconds":3}' $base/captures && id=$(field capture)
greets app 10.9.0.2 8080
done_capturing() { as ann 200 $base/captures && says 'd["captures"][0]["state"] == "done" and d["captures"][0]["frames"] > 0'; }
wait_until 20 done_capturing && as ann 200 $base/captures/$id/file && cp "$out" "$TEST_DIR/web.pcapng" &&
    tshark -r "$TEST_DIR/web.pcapng" >"$TEST_DIR/tshark" 2>>"$TEST_DIR/log" && grep -q 8080 "$TEST_DIR/tshark"
point $? "what a workload says is captured and fetched" "$out"
as ann 404 $base/captures/99/file && problem ENOENT
point $? "a capture that is not there has no file" "$out"
edge() { as ann 200 $base/map && says 'any(e["verdict"] == "allowed" and "tcp/8080" in e["protos_ports"] for e in d["edges"])'; }
wait_until 20 edge
point $? "the map has who talked" "$out"

# --- files ---

is 200 http://127.0.0.1:8787/ && grep -q Weir "$out" && is 200 http://127.0.0.1:8787/assets/x-1.js && is 404 http://127.0.0.1:8787/nope &&
    is 405 -X POST http://127.0.0.1:8787/
point $? "the UI's files are served" "$out"
[ "$(curl -s -o "$out" -o "$out" -w '%{num_connects}' http://127.0.0.1:8787/ http://127.0.0.1:8787/assets/x-1.js)" = 10 ]
point $? "one connection for all of them"
curl -s -D - -o "$out" http://127.0.0.1:8787/ | tr -d '\r' >"$TEST_DIR/head"
grep -q "^Content-Security-Policy: default-src 'none'; script-src 'self'; .*frame-ancestors 'none'" "$TEST_DIR/head" && ! grep -q unsafe "$TEST_DIR/head" &&
    grep -q '^X-Content-Type-Options: nosniff' "$TEST_DIR/head" && ! grep -qi '^Strict-Transport' "$TEST_DIR/head"
point $? "with headers that let nothing else in" "$TEST_DIR/head"
is 200 $base/openapi.yaml && cmp -s "$out" "$SRC/docs/openapi.yaml"
point $? "and the description of the API"

# --- streams ---

$peer stream 8787 "$token" events,top,status 30 'any(t == "events" and "protect" in d["text"] for t, d in messages) and any(t == "top" for t, d in messages) and any(t == "status" for t, d in messages)' >"$TEST_DIR/stream" 2>&1 &
stream=$!
streaming() { curl -s http://127.0.0.1:8787/metrics | grep -q "^weir_api_streams $1\$"; }
wait_until 10 streaming 1
weir mode app protect
wait $stream
point $? "a stream tells what happens" "$TEST_DIR/stream"
number=$(python3 -c '
import json, sys
print(next(d["number"] for t, d in json.load(open(sys.argv[1])) if t == "events" and "protect" in d["text"]))' "$TEST_DIR/stream")
mode_told() { is 200 "${bearer[@]}" "$base/events?after=$((number - 1))&limit=1" && grep -q 'protect' "$out"; }
[ -n "$number" ] && wait_until 10 mode_told
point $? "by the number that it has when it is asked for" "$TEST_DIR/stream"
is 400 "${bearer[@]}" "$base/stream?topics=nope" && is 400 "${bearer[@]}" $base/stream
point $? "of topics that there are" "$out"
$peer stream 8787 "$token" flows 30 'any(t == "flows" and d["client"] == "app" for t, d in messages)' >"$TEST_DIR/stream" 2>&1 &
stream=$!
wait_until 10 streaming 1
talk() { greets app 10.9.0.2 8080; ! kill -0 $stream 2>>"$TEST_DIR/log"; }
wait_until 20 talk
wait $stream
point $? "flows, too" "$TEST_DIR/stream"
$peer stream 8787 "$token" map 60 'any(t == "map" and d["after"] == d["next"] and not d["edges"] for t, d in messages) and any(t == "map" and not d["whole"] and d["after"] < d["next"] and d["edges"] for t, d in messages)' >"$TEST_DIR/stream" 2>&1 &
stream=$!
wait_until 10 streaming 1
wait_until 40 talk
wait $stream
point $? "where the map is, and then what changed of it" "$TEST_DIR/stream"
csrf=$ann_csrf
as ann 201 -d '{"name":"gone","role":"viewer"}' $base/tokens
gone=$(field token) gone_id=$(field id)
$peer stream 8787 "$gone" events 30 ended >"$TEST_DIR/stream" 2>&1 &
stream=$!
wait_until 10 streaming 1
as ann 200 -X DELETE $base/tokens/$gone_id
wait $stream
point $? "a stream ends with what it was opened by" "$TEST_DIR/stream"

# --- what no browser sends ---

$peer slow 8787 80 >"$TEST_DIR/slow" 2>&1 &
slow=$!
$peer hostile 8787 >"$out" 2>&1
point $? "tricks with paths and heads" "$out"
csrf=$ann_csrf
as ann 201 -d '{"name":"walk","role":"admin"}' $base/tokens
walk_token=$(field token)
$peer walk 8787 "$walk_token" "$SRC/docs/openapi.yaml" >"$out" 2>&1
point $? "each route with wrong arguments is a problem, no more" "$out"
is 200 "${bearer[@]}" $base/status
point $? "and it goes on" "$log"
head -c 9000000 /dev/zero | tr '\0' a >"$TEST_DIR/large"
is 413 "${bearer[@]}" "${body[@]}" -X PUT --data-binary "@$TEST_DIR/large" $base/policy
point $? "a body that is too large" "$out"
is 413 "${bearer[@]}" "${body[@]}" -H 'Transfer-Encoding: chunked' -X PUT --data-binary "@$TEST_DIR/large" $base/policy
point $? "also one that does not say its length" "$out"
wait $slow
point $? "clients that trickle are shown out" "$TEST_DIR/slow"

# --- metrics ---

is 200 http://127.0.0.1:8787/metrics && promtool check metrics <"$out" >"$TEST_DIR/promtool" 2>&1
point $? "promtool finds nothing wrong with the metrics" "$TEST_DIR/promtool"
cp "$out" "$TEST_DIR/metrics"
python3 - "$TEST_DIR/metrics" "$SRC" >"$out" 2>&1 <<'P'
import json, re, sys
told = set(re.findall(r"^# TYPE (\S+)", open(sys.argv[1]).read(), re.M))
named = set(re.findall(r"`(weir_\w+)`", open(sys.argv[2] + "/docs/metrics.md").read()))
board = json.load(open(sys.argv[2] + "/packaging/grafana/weir.json"))
used = set(re.findall(r"\bweir_\w+", json.dumps([t["expr"] for p in board["panels"] for t in p.get("targets", [])])))
print("undocumented", told - named, "missing", named - told, "unknown", used - told)
sys.exit(bool(told - named or named - told or used - told or not used))
P
point $? "they are those of docs/metrics.md, and the dashboard asks for no others" "$out"
is 401 -H 'X-Forwarded-For: 192.0.2.1' http://127.0.0.1:8787/metrics && is 200 "${bearer[@]}" -H 'X-Forwarded-For: 192.0.2.1' http://127.0.0.1:8787/metrics
point $? "through a proxy only with a token" "$out"
cat >"$TEST_DIR/prometheus.yml" <<Y
global: {scrape_interval: 1s}
scrape_configs:
- job_name: weir
  authorization: {credentials: $token}
  static_configs: [{targets: ['127.0.0.1:8787']}]
Y
prometheus --config.file="$TEST_DIR/prometheus.yml" --storage.tsdb.path="$TEST_DIR/tsdb" --web.listen-address=127.0.0.1:9090 >"$TEST_DIR/prometheus.log" 2>&1 &
children+=($!)
scraped() {
    is 200 'http://127.0.0.1:9090/api/v1/query?query=weir_workload_bytes_total' && says 'len(d["data"]["result"]) == 4' &&
        is 200 'http://127.0.0.1:9090/api/v1/query?query=weir_up' && says 'd["data"]["result"][0]["value"][1] == "1"'
}
wait_until 60 scraped
point $? "Prometheus scrapes them" "$TEST_DIR/prometheus.log"

# --- the agent goes, and comes back ---

stop_agent
is 503 "${bearer[@]}" $base/status && problem ECONNREFUSED && curl -s http://127.0.0.1:8787/metrics | grep -q '^weir_up 0'
point $? "without an agent that is said" "$out"
start_agent
is 200 "${bearer[@]}" $base/status
point $? "and when it is back all is well" "$out"

# --- TLS ---

stop_api
point $? "it ends in order" "$log"
certtool --generate-privkey --key-type ecdsa --outfile "$TEST_DIR/key.pem" >"$out" 2>&1
printf 'cn = weir\nip_address = 10.9.0.1\nexpiration_days = 2\ntls_www_server\n' >"$TEST_DIR/cert.cfg"
certtool --generate-self-signed --load-privkey "$TEST_DIR/key.pem" --template "$TEST_DIR/cert.cfg" --outfile "$TEST_DIR/cert.pem" >"$out" 2>&1
echo "tls: {cert: $TEST_DIR/cert.pem, key: $TEST_DIR/key.pem}" >>"$TEST_DIR/api.yaml"
BUILD_API=${BUILD_RELEASE:-$BUILD} start_api --listen 127.0.0.1:8787 --listen 10.9.0.1:8443
is 200 "${bearer[@]}" https://10.9.0.1:8443/api/v1/status
point $? "with a certificate others may ask, by TLS" "$log"
curl -s --cacert "$TEST_DIR/cert.pem" -D - -o "$out" "${body[@]}" -d '{"user":"olga","password":"olga-operates"}' https://10.9.0.1:8443/api/v1/session | tr -d '\r' >"$TEST_DIR/head"
grep -q '^Set-Cookie: weir_session=.*HttpOnly; SameSite=Strict; Secure$' "$TEST_DIR/head" && grep -q '^Strict-Transport-Security: max-age=31536000' "$TEST_DIR/head"
point $? "and browsers come back by TLS only" "$TEST_DIR/head"
! curl -s --cacert "$TEST_DIR/cert.pem" --tls-max 1.1 https://10.9.0.1:8443/ && ! curl -s http://10.9.0.1:8443/api/v1/status
point $? "no old one, and no plain text"
is 401 https://10.9.0.1:8443/metrics
point $? "metrics are for who has a token there" "$out"

# --- another certificate ---

cp "$TEST_DIR/cert.pem" "$TEST_DIR/cert-1.pem"
cp "$TEST_DIR/key.pem" "$TEST_DIR/key-1.pem"
certtool --generate-privkey --key-type ecdsa --outfile "$TEST_DIR/key-2.pem" >"$out" 2>&1
certtool --generate-self-signed --load-privkey "$TEST_DIR/key-2.pem" --template "$TEST_DIR/cert.cfg" --outfile "$TEST_DIR/cert-2.pem" >"$out" 2>&1
shows() { # FILE
    python3 -c 'import ssl, sys
sys.exit(ssl.get_server_certificate(("10.9.0.1", 8443)).split() != open(sys.argv[1]).read().split())' "$1" 2>>"$TEST_DIR/log"
}
mkfifo "$TEST_DIR/go2"
$peer held 10.9.0.1 8443 "$token" >"$TEST_DIR/held" 2>&1 <"$TEST_DIR/go2" &
held=$!
exec 8>"$TEST_DIR/go2"
wait_until 20 grep -q 200 "$TEST_DIR/held"
[ "$(stat -c %U:%a "$TEST_DIR/key.pem")" = root:600 ] && shows "$TEST_DIR/cert-1.pem"
point $? "its key is root's, and a connection is open" "$TEST_DIR/held"
kept() { [ "$(grep -c 'the old certificate is kept' "$log")" = "$1" ]; }
cp "$TEST_DIR/cert-2.pem" "$TEST_DIR/cert.pem"
kill -HUP $api_pid
wait_until 20 kept 1 && shows "$TEST_DIR/cert-1.pem"
point $? "one without its key is not taken" "$log"
kill -HUP $api_pid
mv "$TEST_DIR/key-2.pem" "$TEST_DIR/key.pem" # whole: half of one would be told of, too
kill -HUP $api_pid
wait_until 20 shows "$TEST_DIR/cert-2.pem" && kept 1 && grep -q 'there is another certificate' "$log"
point $? "with it it is; the log tells of each once" "$log"
echo >&8
exec 8>&-
wait $held && [ "$(grep -c 200 "$TEST_DIR/held")" -ge 2 ]
point $? "what was open goes on" "$TEST_DIR/held"
mv "$TEST_DIR/key-1.pem" "$TEST_DIR/key.pem"
mv "$TEST_DIR/cert-1.pem" "$TEST_DIR/cert.pem"
wait_until 40 shows "$TEST_DIR/cert.pem" && is 401 https://10.9.0.1:8443/metrics
point $? "one that changes is taken without a word, too" "$log"
rm "$TEST_DIR/cert.pem"
kill -HUP $api_pid
gone() { grep -q "the old certificate is kept: $TEST_DIR/cert.pem" "$log"; }
wait_until 20 gone && is 401 https://10.9.0.1:8443/metrics
point $? "a file that is gone is told of, and all goes on" "$log"
grep -q "^CapEff:.*0000000000000000" /proc/$api_pid/status && reader=$(pgrep -P $api_pid) && grep -q "^CapEff:.*0000000000000004" "/proc/$reader/status" &&
    grep -q "^Uid:.*$(id -u $account)" "/proc/$reader/status"
point $? "who reads them may read, and nothing else" "/proc/$reader/status"

# --- many look ---

many=1000
[ "$(ulimit -n)" -ge 2500 ] || ulimit -n 8192
mkfifo "$TEST_DIR/go"
$peer streams 8787 "$token" $many 60 >"$TEST_DIR/streams" 2>&1 <"$TEST_DIR/go" &
streams=$!
exec 9>"$TEST_DIR/go"
wait_until 60 streaming $many
point $? "a thousand streams are open" "$TEST_DIR/streams"
weir mode app monitor
all_told() { grep -qx "$many" "$TEST_DIR/streams"; }
wait_until 60 all_told
point $? "and each is told" "$TEST_DIR/streams"
login olga olga-operates && is 200 "${bearer[@]}" $base/workloads
point $? "others are served meanwhile" "$out"
if [ "$(build_option "${BUILD_RELEASE:-$BUILD}" b_sanitize)" = none ]; then
    resident_kb >"$out"
    [ "$(resident_kb)" -le 65536 ]
    point $? "in 64 MiB" "$out"
else
    skip "in 64 MiB" "only a release build can be measured"
fi
echo >&9
exec 9>&-
wait $streams
wait_until 20 streaming 0
point $? "and gone when they are" "$TEST_DIR/streams"

# --- what it said ---

cat "$log" "$TEST_DIR/agent.log" >"$TEST_DIR/logs"
! grep -F -e "$password" -e victor-looks -e olga-operates -e from-the-console -e wrong-1-password -e "$word" -e "$token" -e "$walk_token" \
    -e "$(awk '/weir_session/ { print $7 }' "$TEST_DIR/olga.jar")" "$TEST_DIR/logs" >"$out"
point $? "no secret is in a log" "$out"
! grep -F -r -e "$password" -e olga-operates -e "$token" -e "$word" "$state" >"$out"
point $? "nor on the disk" "$out"
! grep -E 'ERROR: (Address|Leak)Sanitizer|runtime error' "$log"
point $? "and no sanitizer had to say anything" "$log"
stop_api
point $? "it ends in order again" "$log"
finish
