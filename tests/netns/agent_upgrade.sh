#!/bin/bash
# weir upgrade: another data plane in place of the one that runs, by the agent; and
# by itself where it finds one of another version. Connections go on.
. "$(dirname "$0")/common_agent.sh"

bridge
workload web 2
workload app 3
listen web 8081
mkdir -p "$TEST_DIR/www"
head -c 300000 /dev/urandom >"$TEST_DIR/www/file"
background web python3 -m http.server 8080 --bind :: -d "$TEST_DIR/www" >"$TEST_DIR/http" 2>&1
wait_until 20 listens web 8080
# Fetches over one connection again and again, until it is told to stop.
fetch_on() { # ADDRESS FILE
    background app python3 -c '
import hashlib, http.client, signal, sys, time
address, out, file = sys.argv[1:]
want = hashlib.sha256(open(file, "rb").read()).digest()
stop = []
signal.signal(signal.SIGUSR1, lambda *_: stop.append(1))
n = 0
try:
    while not stop:
        c = http.client.HTTPConnection(address, 8080, timeout=60)
        c.request("GET", "/file")
        assert hashlib.sha256(c.getresponse().read()).digest() == want
        c.close()
        n += 1
        print("fetches", n, file=open(out, "w"))
except Exception as e:
    print("broke", repr(e), file=open(out, "w"))' "$1" "$2" "$TEST_DIR/www/file"
    wait_until 30 grep -qs 'fetches' "$2"
}
went_on() { # FILE PID: without an error, and more than there were
    local n
    n=$(cut -d' ' -f2 "$1")
    more() { ! grep -q fetches "$1" || [ "$(cut -d" " -f2 "$1")" -gt "$2" ] 2>>"$TEST_DIR/log"; }
    wait_until 30 more "$1" "$n"
    kill -USR1 "$2" && wait "$2"
    grep -q '^fetches' "$1"
}
write_config "$netns_only"
start_agent
weir policy add --from app --to web --port tcp/8080 --action allow && weir mode web protect
greets app 10.9.0.2 8081
[ $? != 0 ]
point $? "a workload is protected" "$out"
weir upgrade && grep -q 'nothing to do: the data plane is of version' "$out"
point $? "upgrade: there is nothing to do" "$out"
fetch_on 10.9.0.2 "$TEST_DIR/four" && four=${children[-1]} && fetch_on fd09::2 "$TEST_DIR/six" && six=${children[-1]}
point $? "files are fetched" "$TEST_DIR/four"
first=$(plane_pid)
weir upgrade --test && grep -q '^data plane: handed over to pid [0-9]*, version .*; frames waited for [0-9]*\.[0-9] ms$' "$out"
point $? "upgrade --test: it hands over" "$out"
sed 's/^/# /' "$out"
told "d['data_plane']['up'] and d['data_plane']['version']['pid'] != $first and d['data_plane']['version']['successions'] == 1
    and d['policy']['in_force'] and d['data_plane']['starts'] == 1" status
point $? "status: another process, and no start" "$out"
! kill -0 "$first" 2>>"$TEST_DIR/log"
point $? "the first one is gone"
weir upgrade --test && weir upgrade --test
point $? "and again, twice" "$out"
went_on "$TEST_DIR/four" "$four"
point $? "nothing broke, IPv4" "$TEST_DIR/four"
went_on "$TEST_DIR/six" "$six"
point $? "... IPv6" "$TEST_DIR/six"
no_greeting app 10.9.0.2 8081
point $? "what may not be may not"
listen web 8082
weir policy add --from app --to web --port tcp/8082 --action allow && greets app 10.9.0.2 8082
point $? "a changed policy comes into force" "$out"
told_soon "[e for e in d['events'] if 'handed over to another process' in e['text']]" events
point $? "it is an event" "$out"
stop_agent && weir_version_of() { "$weir" dp version --control "$door"; } && weir_version_of >"$out" 2>&1
point $? "the agent ends, the data plane goes on" "$out"

# --- one of another version, which the agent finds ---
kill_agent
python3 - "$weir_dp" "$TEST_DIR/weir-dp" <<'P'
import subprocess, sys
version = subprocess.run([sys.argv[1], "--version"], capture_output=True, check=True).stdout.split()[1]
text = open(sys.argv[1], "rb").read()
older = text.replace(b"\0" + version + b"\0", b"\0" + b"9" * len(version) + b"\0")
assert older != text
open(sys.argv[2], "wb").write(older)
P
chmod 755 "$TEST_DIR" "$TEST_DIR/weir-dp"
"$TEST_DIR/weir-dp" --listen "" --notify "" --control "$door" 2>"$TEST_DIR/dp.log" &
older=$!
wait_until 10 weir_version_of >"$out" 2>&1
start_agent
told_soon 'd["data_plane"]["up"] and "other_version" not in d["data_plane"] and d["data_plane"]["version"]["successions"] == 1 and d["policy"]["in_force"]' status
point $? "an agent that finds one of another version has it hand over" "$out"
wait $older
point $? "and that one ends" "$TEST_DIR/dp.log"
greets app 10.9.0.2 8082 && no_greeting app 10.9.0.2 8081
point $? "it protects" "$out"
stop_agent
sed -i "s|^data_plane: .*|data_plane: {socket: $door, program: /bin/false}|" "$config"
start_agent
pid=$(plane_pid)
weir upgrade --test
[ $? != 0 ] && grep -q 'the successor could not take over' "$out" && [ "$(plane_pid)" = "$pid" ]
point $? "a successor that cannot: the first goes on, and it is told" "$out"
greets app 10.9.0.2 8082 && no_greeting app 10.9.0.2 8081
point $? "and protects" "$out"

finish
