#!/bin/bash
# Whatever of Weir is killed while connections run: none of them is lost, nothing
# that is forbidden passes, no rule is forgotten.
#
#   app ── curl, 200 kB/s ──▶ web (protect), and every 50 ms a try at a port
#                                  that no rule allows
. "$(dirname "$0")/common_agent.sh"

download() { # so slow that it runs all along; one of both families
    at app curl -sS --noproxy '*' -m 120 --limit-rate 200k -o "$TEST_DIR/got$1" "$2" \
        >>"$TEST_DIR/curl" 2>&1
}

forbidden() { # until $TEST_DIR/stop is there: who gets through is in leaked
    while [ ! -e "$TEST_DIR/stop" ]; do
        at app socat -T1 - TCP:10.9.0.2:8081,connect-timeout=0.2 </dev/null >>"$TEST_DIR/leaked" 2>>"$TEST_DIR/log"
        read -rt 0.05 <> <(:) || :
    done
}

# A connection whose client has the lower port: nobody would guess who serves. It says
# a line when $TEST_DIR/speak has one, and the server answers it.
old_connection() {
    mkfifo "$TEST_DIR/speak"
    background web socat TCP6-LISTEN:40000,fork,reuseaddr,ipv6only=0 EXEC:cat
    wait_until 10 listens web 40000 || return
    background app socat "OPEN:$TEST_DIR/speak,rdwr!!CREATE:$TEST_DIR/heard" TCP:10.9.0.2:40000,sourceport=33000
    old=${children[-1]}
}
answers() { # WORD
    echo "$1" >"$TEST_DIR/speak"
    wait_until 20 grep -q "$1" "$TEST_DIR/heard"
}

in_force() { told 'd["data_plane"]["up"] and d["policy"]["in_force"] and d["counts"]["workloads"] == 2' status; }
holds() { wait_until 20 in_force && wait_until 5 guarded web protect inline; }
serve() { # nginx in web
    mkdir -p "$TEST_DIR/www" "$TEST_DIR/nginx"
    chmod 755 "$TEST_DIR" "$TEST_DIR/www"
    head -c 6000000 /dev/urandom >"$TEST_DIR/www/file"
    cat >"$TEST_DIR/nginx.conf" <<EOC
user root; daemon off; master_process off;
error_log $TEST_DIR/nginx/error.log; pid $TEST_DIR/nginx/pid;
events { }
http {
    access_log off;
    client_body_temp_path $TEST_DIR/nginx/body; proxy_temp_path $TEST_DIR/nginx/proxy;
    fastcgi_temp_path $TEST_DIR/nginx/fastcgi; uwsgi_temp_path $TEST_DIR/nginx/uwsgi;
    scgi_temp_path $TEST_DIR/nginx/scgi;
    server { listen 80; listen [::]:80; root $TEST_DIR/www; }
}
EOC
    background web nginx -c "$TEST_DIR/nginx.conf" -e "$TEST_DIR/nginx/error.log" >"$TEST_DIR/nginx/out" 2>&1
    wait_until 10 listens web 80
}

bridge
workload web 2
workload app 3
serve
listen web 8081
write_config "$netns_only"
start_agent && wait_until 5 guarded web discover tap
weir policy add --from app --to web --port tcp/80 --port tcp/40000 && weir mode web protect && holds
point $? "web is protected" "$out"

: >"$TEST_DIR/leaked"
download 4 http://10.9.0.2/file &
four=$!
download 6 'http://[fd09::2]/file' &
six=$!
forbidden &
tries=$!
children+=($tries)
old_connection && answers before
point $? "a connection that will outlast all of it" "$TEST_DIR/log"

before=$(plane_pid)
receives() { grep -q "^47 " /proc/"$agent_pid"/task/*/syscall; } # recvmsg(2)
stands_still() { [ "$(ps -o stat= -p "$agent_pid" | cut -c1)" = T ]; }
kill -STOP "$before"
wait_until 10 receives && kill -STOP "$agent_pid" && wait_until 10 stands_still && kill -CONT "$agent_pid"
wait_until 10 receives && kill -CONT "$before"
holds && ! grep -q 'data plane: down' "$TEST_DIR/agent.log"
point $? "an agent that was stopped and goes on lost nobody" "$TEST_DIR/agent.log"

stop_agent KILL
start_agent && holds
point $? "a killed agent goes on where it was" "$TEST_DIR/agent.log"
told '[r["to"] for r in d["rules"]] == [["web"]]' policy list
point $? "with its rules" "$out"

before=$(plane_pid)
kill -9 "$before"
plane_is_another() { in_force && [ "$(plane_pid)" != "$before" ]; }
wait_until 10 plane_is_another && holds
point $? "a killed data plane is started again" "$TEST_DIR/agent.log"
answers after
point $? "and knows who serves a connection that is older" "$TEST_DIR/log"

before=$(plane_pid)
stop_agent KILL
kill -9 "$before"
start_agent && holds
point $? "both killed: both are there again" "$TEST_DIR/agent.log"

before=$(plane_pid)
stop_agent
start_agent && holds && [ "$(plane_pid)" = "$before" ]
point $? "an agent that was stopped finds its data plane" "$TEST_DIR/agent.log"

kill -STOP "$(plane_pid)"
before=$(plane_pid)
stop_agent KILL
kill -CONT "$before"
start_agent && holds
point $? "killed while the data plane stands still" "$TEST_DIR/agent.log"

for _ in 1 2 3 4 5; do # in the middle of whatever it does then
    weir mode app monitor --no-wait
    weir mode app discover --no-wait
    stop_agent KILL
    start_agent
done
holds
point $? "killed five times in the middle of changes" "$TEST_DIR/agent.log"

wait $four && cmp -s "$TEST_DIR/www/file" "$TEST_DIR/got4"
point $? "a download by IPv4 lost nothing" "$TEST_DIR/curl"
wait $six && cmp -s "$TEST_DIR/www/file" "$TEST_DIR/got6"
point $? "nor one by IPv6" "$TEST_DIR/curl"
: >"$TEST_DIR/stop"
wait $tries
[ ! -s "$TEST_DIR/leaked" ]
point $? "and what is forbidden never passed" "$TEST_DIR/leaked"
at app socat -T2 - TCP:10.9.0.2:80,connect-timeout=2 <<<"" >"$out" 2>&1
point $? "what is allowed does"

# socat's child ends when it hears that nobody is there any more
no_cat() { ! ip netns pids web | xargs -r ps -o comm= -p | grep -qx cat; }
kill "$old"
wait_until 20 no_cat
finish
