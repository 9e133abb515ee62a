#!/bin/bash
# What weir-export writes, read by who reads such things: jq, rsyslogd, tshark, and
# servers that hang or fail. The agent, the data plane and the traffic are real.
#
#   web 10.9.0.2 ── hweb ┐                        ┌─ eve.json ── jq
#   app 10.9.0.3 ── happ ├ br0 10.9.0.1 ─ agent ─ weir-export ── rsyslogd, tshark, ...
. "$(dirname "$0")/common_export.sh"

account
bridge
workload web 2
workload app 3
export WEIR_SOCKET=$dir/agent.sock
write_config "$netns_only"
sed -i 's/^control: {\(.*\)}/control: {\1, group: weir-export}/' "$config"
start_agent
point $? "an agent" "$TEST_DIR/agent.log"
told_soon '{"app", "web"} <= {w["name"] for w in d["workloads"] if w["addresses"]}' ls
point $? "it knows the workloads" "$out"
mkdir "$TEST_DIR/www"
echo hi >"$TEST_DIR/www/index.html"
background web python3 -m http.server 80 -d "$TEST_DIR/www"
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj "/CN=web.example" -addext subjectAltName=DNS:web.example \
    -keyout "$TEST_DIR/web.key" -out "$TEST_DIR/web.pem" 2>>"$TEST_DIR/log"
background web openssl s_server -accept 443 -cert "$TEST_DIR/web.pem" -key "$TEST_DIR/web.key" -www -tls1_2 -quiet
background web dnsmasq -d --no-resolv --no-hosts --address=/svc.example/10.9.0.2 --listen-address 10.9.0.2 \
    --bind-interfaces --user=root --pid-file=
wait_until 10 listens web 80 && wait_until 10 listens web 443
point $? "servers"

# --- a file ---------------------------------------------------------------------------

write_export
"$weir_export" --config "$dir/export.yaml" --check >"$out" 2>&1
point $? "--check" "$out"
run_export
output_soon eve 'o["state"] == "ok" and o["sent"] > 0'
point $? "it runs, and tells how it is" "$TEST_DIR/export.log"
ps -o uid= -p "$export_pid" | grep -qw "$uid" && grep -q '^CapEff:.0*$' "/proc/$export_pid/status" &&
    grep -q '^CapBnd:.0*$' "/proc/$export_pid/status" && grep -q '^NoNewPrivs:.1$' "/proc/$export_pid/status"
point $? "as an account of its own, without a capability"
# from when on it is told, is known by its being told
begun() { get http://10.9.0.2/begun && eve_has '.event_type == "http"'; }
wait_until 40 begun
get "http://10.9.0.2/index.html?token=abcdef0123456789abcdef"
get -k --resolve web.example:443:10.9.0.2 https://web.example/
at app dig +short +tries=1 svc.example @10.9.0.2 >>"$TEST_DIR/log" 2>&1
eve_soon '.event_type == "http" and .http.url == "/index.html?token=**********************" and .http.status == 200
    and .http.hostname == "10.9.0.2" and .http.http_method == "GET" and .src_ip == "10.9.0.3" and .dest_port == 80
    and .proto == "TCP" and .app_proto == "http" and (.src_port > 0) and (.community_id | startswith("1:"))
    and .weir.client.name == "app" and .weir.server.name == "web" and .weir.workload.mode == "discover"'
point $? "http, secrets masked" "$eve"
eve_soon '.event_type == "tls" and .tls.sni == "web.example" and .tls.version == "TLS 1.2"
    and .tls.subject == "CN=web.example" and (.tls.ja3.hash | length == 32) and (.tls.ja4 | startswith("t13"))'
point $? "tls" "$eve"
eve_soon '.event_type == "dns" and .dns.type == "query" and .dns.rrname == "svc.example" and .dns.rrtype == "A"' &&
    eve_soon '.event_type == "dns" and .dns.type == "answer" and .dns.rcode == "NOERROR" and
        .dns.answers[0].rdata == "10.9.0.2"'
point $? "dns, question and answer" "$eve"
eve_soon '.event_type == "flow" and .dest_port == 80 and .flow.pkts_toserver > 3 and .flow.bytes_toclient > 3 and
    .flow.state == "closed" and .tcp.syn and .tcp.fin and .flow.start < .timestamp'
point $? "the flow, when it is over" "$eve"
numbers() {
    jq -es '(map(select(.http.url == "/begun"))[0]) as $h | (map(select(.event_type == "flow" and .flow_id == $h.flow_id))[0]) |
        .community_id == $h.community_id' "$eve" >"$out" 2>&1
}
wait_until 20 numbers # each conversation's end is told at its time
point $? "... has the numbers of its request" "$out"
# What is malformed comes in its three shapes: by a packet itself, by what packets are
# together, and by what is said in them.
at app ping -q -c 1 -W 1 -s 40000 10.9.0.2 >>"$TEST_DIR/log" 2>&1
eve_soon '.event_type == "anomaly" and .anomaly == {type: "decode", event: "decoder.ping_of_death"} and .proto == "ICMP"
    and .src_ip == "10.9.0.3" and .dest_ip == "10.9.0.2" and .icmp_type == 8 and .icmp_code == 0
    and .weir.id == 2006 and .weir.severity == "critical" and .weir.workload.name == "web"'
point $? "a ping of death is an anomaly of the packet" "$eve"
at app python3 -c '
import socket
s = socket.socket()
s.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 100)
s.connect(("10.9.0.2", 80))' 2>>"$TEST_DIR/log"
eve_soon '.event_type == "anomaly" and .anomaly == {type: "stream", event: "stream.small_mss"} and .proto == "TCP"
    and .src_ip == "10.9.0.3" and .src_port > 0 and .dest_port == 80'
point $? "a handshake with small segments is one of the stream" "$eve"
printf 'POST / HTTP/1.1\r\nHost: web\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n' |
    at app socat -T2 - TCP:10.9.0.2:80 >>"$TEST_DIR/log" 2>&1
eve_soon '.event_type == "anomaly" and .anomaly == {type: "applayer", event: "HTTP_REQUEST_SMUGGLING", layer: "proto_parser"}
    and .app_proto == "http" and .src_ip == "10.9.0.3" and .dest_port == 80 and (.timestamp | test("^20.*[+]0000$"))'
point $? "a request of two lengths is one of the application" "$eve"
eve_soon '.event_type == "stats" and .stats.weir.counts.workloads >= 2 and .stats.weir.traffic.packets_in > 0'
point $? "stats" "$eve"
[ "$(stat -c %a:%u "$eve")" = "640:$uid" ]
point $? "a file that not everybody reads"

# --- the other outputs ------------------------------------------------------------------

# An authority of this test's own, and a server's certificate by it.
certificate() { # NAME SUBJECT-ALT-NAME
    openssl req -newkey rsa:2048 -nodes -subj "/CN=$1" -keyout "$dir/$1.key" -out "$TEST_DIR/$1.csr" &&
        openssl x509 -req -in "$TEST_DIR/$1.csr" -CA "$dir/ca.pem" -CAkey "$TEST_DIR/ca.key" -CAcreateserial -days 2 \
            -extfile <(echo "subjectAltName=$2") -out "$dir/$1.pem"
}
{
    openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=ca -keyout "$TEST_DIR/ca.key" -out "$dir/ca.pem" &&
        certificate logs DNS:logs.example && certificate hook IP:127.0.0.1
} 2>>"$TEST_DIR/log"
point $? "certificates"

cat >"$TEST_DIR/rsyslog.conf" <<R
global(workDirectory="$TEST_DIR" maxMessageSize="64k"
    defaultNetstreamDriverCAFile="$dir/ca.pem"
    defaultNetstreamDriverCertFile="$dir/logs.pem" defaultNetstreamDriverKeyFile="$dir/logs.key")
module(load="imudp")
module(load="imtcp")
template(name="all" type="string" string="%pri% %hostname% %app-name% %msgid% %structured-data% %msg%\n")
ruleset(name="udp") { action(type="omfile" file="$TEST_DIR/udp.log" template="all") }
ruleset(name="tcp") { action(type="omfile" file="$TEST_DIR/tcp.log" template="all") }
ruleset(name="tls") { action(type="omfile" file="$TEST_DIR/tls.log" template="all") }
input(type="imudp" address="127.0.0.1" port="5514" ruleset="udp")
input(type="imtcp" address="127.0.0.1" port="5514" ruleset="tcp")
input(type="imtcp" address="127.0.0.1" port="6514" ruleset="tls"
    streamDriver.name="gtls" streamDriver.mode="1" streamDriver.authMode="anon")
R
rsyslogd -n -f "$TEST_DIR/rsyslog.conf" -i "$TEST_DIR/rsyslog.pid" >>"$TEST_DIR/log" 2>&1 &
children+=($!)
waits_at() { ss -Hln"${2:-t}" "sport = :$1" | grep -q .; }
wait_until 20 waits_at 5514 && wait_until 20 waits_at 6514
point $? "rsyslogd" "$TEST_DIR/log"
server stream "$dir/stream.sock" "$TEST_DIR/stream.log"
server dgram "$dir/dgram.sock" "$TEST_DIR/dgram.log"
server hook 127.0.0.1:8443 "$TEST_DIR/hook.log" "$dir/hook.pem" "$dir/hook.key"
server hang 127.0.0.1:5599 "$TEST_DIR/hang.log"
wait_until 20 test -S "$dir/dgram.sock" && wait_until 20 waits_at 8443 && wait_until 20 waits_at 5599
point $? "sockets, a webhook, and one that hangs" "$TEST_DIR/log"
tcpdump -i lo -U -w "$TEST_DIR/ipfix.pcap" udp port 4739 2>>"$TEST_DIR/log" &
children+=($!)
socat -u UDP-RECV:4739,bind=127.0.0.1 /dev/null &
children+=($!)
tcpdump -i lo -U -w "$TEST_DIR/ipfix-tcp.pcap" tcp port 4740 2>>"$TEST_DIR/log" &
children+=($!)
collector=
collect() { # FILE: of one connection
    [ -z "$collector" ] || kill "$collector"
    socat -u TCP-LISTEN:4740,bind=127.0.0.1,reuseaddr "OPEN:$1,creat,trunc" 2>>"$TEST_DIR/log" &
    collector=$!
    children+=("$collector")
}
collect "$TEST_DIR/first.ipfix"
echo 503 >"$TEST_DIR/hook.log.answer"
echo "https://127.0.0.1:8443/secret-path" >"$dir/hook.url"
echo "Bearer secret-token" >"$dir/hook.token"
chown "$uid" "$dir"/hook.{url,token} && chmod 600 "$dir"/hook.{url,token}

all_outputs() { # MORE...
    write_export "{name: small, kind: file, path: $dir/logs/small.json, rotate: {mb: 1, hours: 0, keep: 9}}" \
        "{name: udp, kind: syslog, to: 'udp://127.0.0.1:5514'}" \
        "{name: tcp, kind: syslog, to: 'tcp://127.0.0.1:5514', format: text, events: [http, alert]}" \
        "{name: tls, kind: syslog, to: 'tls://127.0.0.1:6514', tls: {ca: $dir/ca.pem, name: logs.example}}" \
        "{name: badname, kind: syslog, to: 'tls://127.0.0.1:6514', tls: {ca: $dir/ca.pem, name: other.example}}" \
        "{name: badca, kind: syslog, to: 'tls://127.0.0.1:6514', tls: {ca: $TEST_DIR/../none, name: logs.example}}" \
        "{name: stream, kind: unix, path: $dir/stream.sock}" \
        "{name: dgram, kind: unix, path: $dir/dgram.sock, type: datagram, events: [http]}" \
        "{name: hook, kind: webhook, url_file: $dir/hook.url, authorization_file: $dir/hook.token,
            tls: {ca: $dir/ca.pem}, events: [alert], severity: medium}" \
        "{name: collector, kind: ipfix, to: 'udp://127.0.0.1:4739'}" \
        "{name: flows, kind: ipfix, path: $dir/logs/flows.ipfix}" \
        "{name: tcp-flows, kind: ipfix, to: 'tcp://127.0.0.1:4740'}" \
        "{name: hang, kind: syslog, to: 'tcp://127.0.0.1:5599', buffer: {lines: 512}}" "$@"
}
all_outputs
sed -i "s|$TEST_DIR/../none|$dir/hook.pem|" "$dir/export.yaml"
kill -HUP "$export_pid"
output_soon flows 'True' && output_soon eve 'o["sent"] > 0'
point $? "SIGHUP: thirteen more" "$TEST_DIR/export.log"

weir policy add --from app --to web --port tcp/80 && weir policy add --from app --to web --port udp/53 &&
    weir mode web protect
point $? "a policy" "$out"
no_greeting app 10.9.0.2 8081
get http://10.9.0.2/everywhere
eve_soon '.event_type == "alert" and .alert.gid == 9001 and .alert.action == "blocked" and .dest_port == 8081
    and .src_ip == "10.9.0.3" and .weir.workload.name == "web" and .weir.workload.mode == "protect"' &&
    eve_soon '.event_type == "engine"'
point $? "a block is an alert, and changes are told" "$eve"

said() { grep -qE -- "$2" "$TEST_DIR/$1.log"; }
said_soon() { wait_until 40 said "$@"; }
said_soon udp '^134 [^ ]+ weir http \[origin software="weir-export" swVersion="[^"]+"\]\[meta sequenceId="[0-9]+"\]\[weir@32473 kind="http" workload="web" rule="[0-9]+"\] .*"url":"/everywhere"' &&
    said_soon udp '^132 [^ ]+ weir alert .*kind="violation" severity="medium".*"event_type":"alert"'
point $? "syslog by UDP, as rsyslogd reads it" "$TEST_DIR/udp.log"
sed -n 's/^[^{]*{/{/p' "$TEST_DIR/udp.log" | jq -es 'length > 3 and all(.event_type)' >"$out" 2>&1
point $? "... whose messages are JSON" "$out"
said_soon tcp 'http: app -> web tcp/80 http GET /everywhere' && ! said tcp ' weir (flow|stats) '
point $? "by TCP, as short texts" "$TEST_DIR/tcp.log"
said_soon tls '"url":"/everywhere"'
point $? "by TLS" "$TEST_DIR/tls.log"
output_soon badname 'o["state"] == "failing" and "certificate is refused" in o["last_error"] and o["sent"] == 0 and o["waiting"] > 0' &&
    output_soon badca 'o["state"] == "failing" and "certificate is refused" in o["last_error"] and o["sent"] == 0'
point $? "a certificate of another name, or authority, gets nothing" "$out"
said_soon stream '"url":"/everywhere"' && said_soon dgram '"url":"/everywhere"' && ! said dgram '"event_type":"(flow|stats|alert)"' &&
    jq -es 'length > 0' "$TEST_DIR/stream.log" >"$out" 2>&1
point $? "sockets of the host" "$out"

tried() { [ "$(grep -c '"answer": "503"' "$TEST_DIR/hook.log")" -ge 2 ]; }
wait_until 40 tried && output_soon hook 'o["sent"] == 0 and o["waiting"] > 0 and "503" in o["last_error"]'
point $? "a webhook that fails is tried again" "$TEST_DIR/hook.log"
echo slow >"$TEST_DIR/hook.log.answer"
output_soon hook 'o["state"] == "ok" and o["sent"] > 0 and o["waiting"] == 0' &&
    said hook '"path": "/secret-path", "authorization": "Bearer secret-token", "answer": "slow".*"event_type": "alert"'
point $? "... until it takes it" "$out"
! grep -q secret "$TEST_DIR/export.log" && ! grep -q secret "$dir/run/status.json" 2>/dev/null
point $? "its secrets are nowhere" "$TEST_DIR/export.log"

# --- one that hangs, and very many -------------------------------------------------------

get "http://10.9.0.2/many/[1-900]"
many_are_there() { [ "$(jq -r 'select(.event_type == "http") | .http.url' "$eve" | grep '^/many/' | sort -u | wc -l)" = 900 ]; }
wait_until 60 many_are_there
point $? "900 requests are 900 lines" "$out"
[ "$(jq -r 'select(.event_type == "http") | .http.url' "$eve" | grep -c '^/many/')" = 900 ]
point $? "... each once" "$out"
output_soon hang 'o["lost"] > 0 and o["waiting"] == 512' && [ "$(grep -c 'output hang: its buffer is full' "$TEST_DIR/export.log")" = 1 ]
point $? "who hangs loses his own lines, counted, told once" "$out"
"$weir" export status --file "$dir/run/status.json" >"$out" 2>&1
[ $? = 1 ] && grep -qE '^badname +syslog +failing ' "$out"
point $? "weir export status tells, and exits with 1" "$out"
files_are_whole() { [ -s "$dir/logs/small.json.1" ] && cat "$dir"/logs/small.json* | jq -es 'length > 900' >"$out" 2>&1; }
wait_until 60 files_are_whole
point $? "files are turned by size, every line whole" "$out"

ipfix() { tshark -r "$1" -d udp.port==4739,cflow -d tcp.port==4740,cflow -T fields -e cflow.srcaddr -e cflow.dstaddr -e cflow.dstport \
    -e cflow.protocol -e cflow.initiator_octets -e cflow.responder_octets >"$out" 2>>"$TEST_DIR/log"; }
sane() { ipfix "$1" && python3 - "$out" <<'P'
import sys
for line in open(sys.argv[1]):
    f = [x.split(",") for x in line.rstrip("\n").split("\t")]
    for row in zip(*f):
        if row[:4] == ("10.9.0.3", "10.9.0.2", "80", "6") and int(row[4]) > 30 and int(row[5]) > 100:
            sys.exit(0)
sys.exit(1)
P
}
wait_until 60 sane "$TEST_DIR/ipfix.pcap"
point $? "tshark reads IPFIX by UDP" "$out"
wait_until 60 sane "$dir/logs/flows.ipfix"
point $? "... and from a file" "$out"
wait_until 60 sane "$TEST_DIR/ipfix-tcp.pcap" && wait_until 60 sane "$TEST_DIR/first.ipfix"
point $? "... and by TCP, on the wire and as a collector has it" "$out"
collect "$TEST_DIR/second.ipfix"
second() { get http://10.9.0.2/second && sane "$TEST_DIR/second.ipfix"; }
wait_until 60 second
point $? "a collector that comes again has templates of its own" "$out"
! tshark -r "$TEST_DIR/ipfix-tcp.pcap" -d tcp.port==4740,cflow -T fields -e _ws.malformed -e cflow.template_frame \
    -e _ws.expert.message 2>>"$TEST_DIR/log" | grep -iE 'malformed|no template' >"$out"
point $? "... and nothing of it is malformed" "$out"

# --- killed, away, changed ---------------------------------------------------------------

urls_of() { cat "$dir"/logs/small.json* | jq -r 'select(.event_type == "http") | .http.url' | grep "^/$1/" | sort -u | wc -l; }
all_of() { [ "$(urls_of "$1")" = "$2" ]; }
get "http://10.9.0.2/killed/[1-300]" &
getter=$!
some_of() { [ "$(urls_of "$1")" -gt "$2" ]; }
wait_until 60 some_of killed 20
stop_export KILL
run_export
wait "$getter"
wait_until 60 all_of killed 300
point $? "kill -9 loses nothing" "$out"
stop_export && ! [ -e "$dir/run/status.json" ]
point $? "it ends when it is asked to" "$TEST_DIR/export.log"
"$weir" export status --file "$dir/run/status.json" >"$out" 2>&1
[ $? = 1 ] && grep -q "does not run" "$out"
point $? "... and weir export status says so" "$out"
get "http://10.9.0.2/away/[1-50]"
no_greeting app 10.9.0.2 8082
run_export
wait_until 60 all_of away 50 && eve_soon '.event_type == "alert" and .dest_port == 8082'
point $? "what happened meanwhile is told" "$out"
get "http://10.9.0.2/changed/[1-200]" &
getter=$!
wait_until 60 some_of changed 10
sed -i 's/path: \(.*\)small.json, rotate: {mb: 1,/path: \1small.json, rotate: {mb: 2,/' "$dir/export.yaml"
kill -HUP "$export_pid"
wait "$getter"
wait_until 60 all_of changed 200 && grep -q "configuration: read again" "$TEST_DIR/export.log"
point $? "an output that changes loses nothing" "$TEST_DIR/export.log"
echo "  - {name: x, kind: pigeon}" >>"$dir/export.yaml"
"$weir_export" --config "$dir/export.yaml" --check >"$out" 2>&1
[ $? = 2 ] && grep -qE 'export.yaml:[0-9]+:[0-9]+: outputs\[14\].kind: must be one of' "$out"
point $? "--check names the line" "$out"
kill -HUP "$export_pid"
refused() { grep -q "going on with the old one" "$TEST_DIR/export.log"; }
wait_until 20 refused && get http://10.9.0.2/after/1 && wait_until 60 all_of after 1
point $? "a configuration that is wrong changes nothing" "$TEST_DIR/export.log"

# The agent ends, and another one comes: its trail is told once, from where it was.
stop_agent && get http://10.9.0.2/agent/1 && start_agent
get http://10.9.0.2/agent/2
wait_until 60 all_of agent 2
point $? "another agent is gone on with" "$TEST_DIR/export.log"
[ "$(jq -r 'select(.event_type == "http") | .http.url' "$eve" | grep -c '^/many/')" = 900 ]
point $? "... and nothing is told again" "$eve"
stop_export
! grep -E "ERROR: (Address|Undefined|Leak)Sanitizer|runtime error" "$TEST_DIR/export.log" >"$out"
point $? "it ends well" "$out"
finish
