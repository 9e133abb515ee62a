#!/bin/bash
# `weir fleet init`: real servers run by its files and become one cluster; a node may
# what is its own and nothing else, an editor more; a node is added while others are
# connected. What is refused, or fails half way, leaves nothing.
#
#   a (an editor), b, c ── TLS, a certificate each ──▶ nats-server n1 ══ n2 ══ n3
#
# shellcheck disable=SC2016,SC2015 # subjects begin with $; # shellcheck disable=SC2016 # subjects begin with $# shellcheck disable=SC2016 # subjects begin with $ || as it says
. "$SRC/tests/netns/common_nats.sh"
peer=$SRC/tests/netns/nats_peer.py
export PYTHONDONTWRITEBYTECODE=1

init() { "$weir" fleet init "$@" >"$out" 2>&1; }
one_server=(--server s=10.0.0.1:4222)

tree() { # FOLDER: what is in it, and what that is
    (cd "$1" && find . -printf '%p %m\n' | sort && find . -type f -exec sha256sum {} + | sort)
}

# --- files -------------------------------------------------------------------

parent=$TEST_DIR/parent
mkdir "$parent" "$parent/empty"
umask 000
init "$parent/new" "${one_server[@]}" --node a
status=$?
umask 022
[ $status = 0 ] && init "$parent/empty/" "${one_server[@]}" --node a &&
    [ "$(find "$parent" -mindepth 1 -maxdepth 1 -printf '%f %m\n' | sort | tr '\n' ' ')" = "empty 700 new 700 " ]
point $? "a fleet is made in a new folder, or an empty one, for its owner alone" "$out"
find "$parent/new" -type f -name '*.key' -printf '%p %m\n' >"$out"
[ "$(wc -l <"$out")" = 5 ] && ! grep -qv ' 600$' "$out" &&
    ! find "$parent/new" -perm /022 | grep .
point $? "keys are their owner's alone, whatever the umask" "$out"

tree "$parent" >"$TEST_DIR/before"
wrong=
while read -r what options; do
    # shellcheck disable=SC2086 # words
    init $options
    status=$?
    [ "$status" = "${what%%:*}" ] && grep -q -e "${what#*:}" "$out" ||
        wrong="$wrong, $options: $status $(cat "$out")"
done <<L
1:something $parent/new --server s=10.0.0.1:4222 --node a
1:No.such $parent/none/new --server s=10.0.0.1:4222 --node a
2:folder --server s=10.0.0.1:4222 --node a
2:--server $parent/x --node a
2:--node $parent/x --server s=10.0.0.1:4222
2:name $parent/x --server s=10.0.0.1:4222 --node A
2:name $parent/x --server s=10.0.0.1:4222 --node a.b
2:name $parent/x --server s=10.0.0.1:4222 --node=-a
2:name $parent/x --server s=10.0.0.1:4222 --node a --name w;
2:name $parent/x --server s=10.0.0.1:4222 --node $(printf 'a%.0s' {1..64})
2:twice $parent/x --server s=10.0.0.1:4222 --node a --node a
2:address $parent/x --server s=10.0.0.1:4222 --node a="x
2:PORT $parent/x --server s=10.0.0.1 --node a
2:port $parent/x --server s=10.0.0.1:0 --node a
2:port $parent/x --server s=10.0.0.1:65536 --node a
2:port $parent/x --server s=10.0.0.1:4222:x --node a
2:both $parent/x --server s=10.0.0.1:6222 --node a
2:address $parent/x --server s=10.0.0.256:4222 --node a
2:address $parent/x --server s=h"st:4222 --node a
2:address $parent/x --server s=0.0.0.0:4222 --node a
2:twice $parent/x --server s=h:4222 --server s=i:4222 --node a
2:common $parent/x --server s=h:4222 --server t=h:4223 --node a
2:3650 $parent/x --server s=h:4222 --node a --days 3651
2:quotes $parent/x --server s=h:4222 --node a --store /x"y
2:option $parent/x --server s=h:4222 --node a --nodes b
2:with $parent/new --add b --node c
2:already $parent/new --add a
2:no.node $parent/new --add b --editor c
2:go $parent/new --add b --show
2:folder --show
1:No.such $parent/none --show
2:no.node $parent/new --remove b
2:no.node $parent/new --remove a
2:too $parent/new --add b --remove b
2:no.node $parent/new --no-editor b
2:no.node $parent/new --renew b
2:no.server $parent/new --remove-server t
2:no.server $parent/new --remove-server s
2:address $parent/new --add-server t=x;:4222
2:already $parent/new --add-server s=h:4222
2:alone $parent/new --add-server t=h:4222
2:come.and.go $parent/new --add-server t=h:4222 --add b
2:--node $parent/new --remove-server s --node c
1:fleet.json $parent --add b
L
echo "wrong$wrong" >"$out"
[ -z "$wrong" ]
point $? "what is wrong is refused, with its reason" "$out"
tree "$parent" | diff - "$TEST_DIR/before" >"$out"
point $? "and leaves nothing" "$out"

# A disk with room for some of the files.
small=$TEST_DIR/small
mkdir "$small"
mount -t tmpfs -o size=4m,nr_inodes=30 none "$small"
init "$small/fleet" "${one_server[@]}" --node a --node b --node c --node d --node e
[ $? = 1 ] && grep -q 'No space' "$out" && [ -z "$(ls -A "$small")" ]
point $? "a full disk leaves nothing of a new fleet" "$out"
init "$small/fleet" "${one_server[@]}" --node a && tree "$small" >"$TEST_DIR/before" &&
    ! init "$small/fleet" --add b --add c && grep -q 'No space' "$out" &&
    tree "$small" | diff - "$TEST_DIR/before" >"$out"
point $? "nor does it change one that is there" "$out"
head -c 4m /dev/zero >"$small/rest" 2>>"$TEST_DIR/log"
tree "$small/fleet" >"$TEST_DIR/before"
! init "$small/fleet" --renew a && grep -q 'No space' "$out" && tree "$small/fleet" | diff - "$TEST_DIR/before" >"$out"
point $? "nor a certificate, when it is renewed" "$out"
rm "$small/rest"

init "$parent/new" --add b=b.example --editor b --days 10 -o json &&
    json 'd["ok"] and d["added"] == ["b"] and d["servers"] == ["s"]' &&
    openssl x509 -in "$parent/new/node-b/node.crt" -noout -checkend $((9 * 86400)) >"$out" &&
    ! openssl x509 -in "$parent/new/node-b/node.crt" -noout -checkend $((11 * 86400)) >"$out"
point $? "a node is added, as JSON; its certificate holds as long as was said" "$out"
chmod 600 "$parent/new/server-s/users.conf" && mv "$parent/new/server-s/users.conf" "$TEST_DIR/users.conf" &&
    tree "$parent/new" | grep -v users.conf >"$TEST_DIR/before" && init "$parent/new" --users &&
    grep -q "Changed the fleet" "$out" && cmp "$TEST_DIR/users.conf" "$parent/new/server-s/users.conf" &&
    tree "$parent/new" | grep -v users.conf | diff - "$TEST_DIR/before" >"$out"
point $? "what servers know of nodes is written anew, and nothing else" "$out"
# as if the last try had ended before fleet.json was written
cp "$parent/new/fleet.json" "$TEST_DIR/fleet.json"
init "$parent/new" --add c && cp "$TEST_DIR/fleet.json" "$parent/new/" && echo >"$parent/new/node-c/node.crt" &&
    init "$parent/new" --add c && openssl verify -CAfile "$parent/new/ca.crt" "$parent/new/node-c/node.crt" >"$out" 2>&1
point $? "what an interrupted one left is no hindrance" "$out"

init "$parent/hosts" --server v4=10.0.0.1:4222 --server 'v6=[fd00::1]:4222:7222' \
    --server dns=n3.example:4222 --node a --name blue &&
    for kind in server route; do
        openssl x509 -in "$parent/hosts/server-v4/$kind.crt" -noout -checkip 10.0.0.1 &&
            openssl x509 -in "$parent/hosts/server-v6/$kind.crt" -noout -checkip fd00::1 &&
            openssl x509 -in "$parent/hosts/server-dns/$kind.crt" -noout -checkhost n3.example
    done >"$out" 2>&1 && ! grep -q NOT "$out" && [ "$(wc -l <"$out")" = 6 ]
point $? "servers' certificates have their addresses, of both families, or DNS names" "$out"
python3 - "$parent/hosts/node-a/cluster.yaml" >"$out" 2>&1 <<'P'
import sys, yaml
got = yaml.safe_load(open(sys.argv[1]))
where = "/etc/weir/fleet/"
assert got == {"cluster": {
    "name": "blue",
    "servers": ["tls://10.0.0.1:4222", "tls://[fd00::1]:4222", "tls://n3.example:4222"],
    "ca": where + "ca.crt", "cert": where + "node.crt", "key": where + "node.key"}}, got
P
point $? "a node's part of weir.yaml names them all" "$out"

# --- a fleet that changes ------------------------------------------------------------

changing=$parent/changing
gone() { # what fleet.json says of who is gone, and who edits
    python3 -c 'import json, sys
d = json.load(open(sys.argv[1] + "/fleet.json"))
print(d["gone_nodes"], d["gone_servers"], [n["name"] for n in d["nodes"] if n["editor"]])' "$changing"
}
init "$changing" --server n1=h1:4222 --server n2=h2:4222 --server n3=h3:4222 --node a --node b --node c --editor a &&
    echo mine >"$changing/node-b/notes" && init "$changing" --remove b -o json && json 'd["removed"] == ["b"] and d["added"] == []' &&
    [ "$(ls "$changing/node-b")" = notes ] && ! grep -q '"b\.node' "$changing"/server-*/users.conf
point $? "a removed node's key goes, and nothing of others" "$out"
tree "$changing" >"$TEST_DIR/before"
init "$changing" --remove b -o json && json 'd["removed"] == ["b"]' && tree "$changing" | diff - "$TEST_DIR/before" >"$out"
point $? "once more changes nothing" "$out"
! init "$changing" --remove a && grep -q editor "$out" && ! init "$changing" --no-editor a && grep -q editor "$out" &&
    ! init "$changing" --add b && grep -q 'another name' "$out" && ! init "$changing" --remove a --remove c --add d &&
    ! init "$changing" --remove c --renew c && tree "$changing" | diff - "$TEST_DIR/before" >"$out"
point $? "what would leave no editor, or a name twice, changes nothing" "$out"
init "$changing" --remove a --editor c -o json && json 'd["editors"] == ["c"]' && [ "$(gone)" = "['b', 'a'] [] ['c']" ]
point $? "an editor goes when there is another" "$out"
init "$changing" --editor c && init "$changing" --add d --editor d && init "$changing" --no-editor c &&
    init "$changing" --no-editor c && [ "$(gone)" = "['b', 'a'] [] ['d']" ]
point $? "what is so already is done again" "$out"
# nats.conf of the first as an earlier Weir wrote it, each with something of its owner's
sed -i 's/include "routes.conf"/routes: ["nats-route:\/\/h2:6222"]/' "$changing/server-n1/nats.conf"
for n in 1 2 3; do
    echo "# mine" >>"$changing/server-n$n/nats.conf"
    cp "$changing/server-n$n/nats.conf" "$TEST_DIR/nats.conf-$n"
done
init "$changing" --add-server n4=h4:4223:6223 --add-server n5=h5:4222 && [ "$(grep -c 'of an earlier Weir' "$out")" = 1 ] &&
    grep -q h5:6222 "$changing/server-n1/routes.conf" && ! grep -q h1: "$changing/server-n1/routes.conf" &&
    [ "$(cat "$changing"/server-n*/routes.conf | grep -c 'route://h4:6223')" = 4 ] &&
    [ "$(grep -c 'h4:4223.*h5:4222' "$changing/node-d/cluster.yaml")" = 1 ]
point $? "servers more: the others have them in their routes, and nodes" "$out"
for n in 1 2 3; do cmp "$changing/server-n$n/nats.conf" "$TEST_DIR/nats.conf-$n"; done >"$out" 2>&1
[ ! -s "$out" ] && openssl verify -CAfile "$changing/route-ca.crt" "$changing/server-n5/route.crt" >"$out" 2>&1
point $? "what is in nats.conf is its owner's" "$out"
init "$changing" --remove-server n2 && ! grep -q h2: "$changing"/server-n*/routes.conf "$changing"/node-*/cluster.yaml &&
    ! init "$changing" --remove-server n1 --remove-server n3 && ! init "$changing" --add-server n2=h9:4222 &&
    [ "$(gone)" = "['b', 'a'] ['n2'] ['d']" ]
point $? "servers less, one at a time, and a name once" "$out"
cp -r "$changing" "$TEST_DIR/renewed"
init "$changing" --renew c --renew n1 --days 7 -o json && json 'd["renewed"] == ["c"] and d["renewed_servers"] == ["n1"]' &&
    (cd "$changing" && find . -type f -exec cmp -s {} "$TEST_DIR/renewed/{}" \; -o -type f -print | sort | tr '\n' ' ') >"$out" &&
    [ "$(cat "$out")" = "./node-c/node.crt ./node-c/node.key ./server-n1/route.crt ./server-n1/route.key ./server-n1/server.crt ./server-n1/server.key " ] &&
    openssl verify -CAfile "$changing/ca.crt" "$changing/node-c/node.crt" "$changing/server-n1/server.crt" >"$out" 2>&1
point $? "renewed are those that were said, and nothing else" "$out"
init "$changing" --renew-all --days 3650 && grep -q 'no longer than the authority' "$out" && ! init "$changing" --renew-all --add 'x"'
point $? "nothing holds longer than who signed it, which is told" "$out"
mv "$changing/ca.key" "$TEST_DIR/" && init "$changing" --remove c && init "$changing" --show && ! init "$changing" --add y &&
    mv "$TEST_DIR/ca.key" "$changing/"
point $? "who goes needs no key of the authority" "$out"
cp "$changing/fleet.json" "$TEST_DIR/" && echo '{' >"$changing/fleet.json" && ! init "$changing" --add y &&
    grep -q 'fleet.json' "$out" && cp "$TEST_DIR/fleet.json" "$changing/" &&
    python3 -c 'import json, sys
d = json.load(open(sys.argv[1]))
del d["gone_nodes"], d["gone_servers"]
json.dump(d, open(sys.argv[1], "w"))' "$changing/fleet.json" && init "$changing" --add y
point $? "a fleet.json of an earlier Weir is read, one that is damaged is not" "$out"

need_nats

# --- servers -------------------------------------------------------------------

make_fleet --node a --node b --node c=c.example --editor a
point $? "a fleet of three servers" "$out"
taken() { (cd "$fleet/server-n$1" && nats-server -t -c nats.conf); } # N
each taken -- 1 2 3 >"$out" 2>&1
point $? "nats-server takes each file" "$out"
start_servers
point $? "they become a cluster with a leader" "$TEST_DIR/nats-n1.log"
first=$(leader_by 1)
kill_server "${first#n}" KILL
others_lead() { servers_agree && [ "$(leader_by $((${first#n} % 3 + 1)))" != "$first" ]; }
wait_until 40 others_lead
point $? "without their leader they have another one" "$TEST_DIR/nats-n1.log"
start_server "${first#n}"
wait_until 40 servers_agree
point $? "and it comes back" "$TEST_DIR/nats-${first}.log"

# --- who comes in ----------------------------------------------------------------

peer() { # NODE [N] <LINES: what they were answered, in $out; at server N, or 1
    timeout 60 "$peer" "$fleet/node-$1" "${nats_hosts[0]}" "${nats_ports[${2:-1} - 1]}" \
        >"$out" 2>>"$TEST_DIR/log"
}
answers() { # NODE N: the lines on stdin are "ANSWER<tab>LINE"; ANSWER: no is refused
    local lines wanted
    lines=$(cat)
    wanted=$(cut -f 1 <<<"$lines")
    cut -f 2 <<<"$lines" | peer "$1" "$2" || return 1
    sed -i "1d; s/^'Permissions Violation.*/no/; s/^{\"stream.*/stored/; s/^{\"type.*/told/" "$out"
    diff <(echo "$wanted") "$out" >"$TEST_DIR/differs" || {
        paste <(echo "$lines") "$out" >"$TEST_DIR/differs"
        return 1
    }
}
turned_away() { # NODE
    ! timeout 60 "$peer" "$fleet/$1" 127.0.0.1 4222 >"$out" 2>>"$TEST_DIR/log" </dev/null &&
        grep -q '^refused: ' "$out"
}
# TLS 1.2, where the server's word on the certificate is a part of the handshake.
routes() { # CERTIFICATE: server 1 speaks with it as with a server
    timeout 60 openssl s_client -connect 127.0.0.1:6222 -tls1_2 -CAfile "$fleet/route-ca.crt" \
        -verify_return_error -cert "$fleet/$1.crt" -key "$fleet/$1.key" >"$out" 2>&1 </dev/null
}

peer b </dev/null && [ "$(cat "$out")" = connected ]
point $? "a node comes in" "$out"
turned_away node-b:
point $? "nobody does without a certificate" "$out"
turned_away node-b:../../parent/new/node-b/node
point $? "nor with another fleet's" "$out"
turned_away server-n2:server
point $? "a server's certificate is none of a node" "$out"
! openssl verify -purpose sslserver -CAfile "$fleet/ca.crt" "$fleet/node-b/node.crt" >"$out" 2>&1
point $? "a node's certificate is none of a server" "$out"
routes server-n2/route && ! routes node-b/node && grep -q 'alert' "$out"
point $? "a node does not speak as a server to servers" "$out"

# --- what they may ---------------------------------------------------------------

bucket() { # NAME: as an editor makes it
    printf 'told\treq $JS.API.STREAM.CREATE.KV_weir-%s {"name":"KV_weir-%s","subjects":["$KV.weir-%s.>"],"num_replicas":3,"storage":"file","max_msgs_per_subject":1,"allow_direct":true,"deny_delete":true,"republish":{"src":"$KV.weir-%s.>","dest":"weir.news.%s.>"}}\n' "$1" "$1" "$1" "$1" "$1"
}
log_stream() { # NAME
    printf 'told\treq $JS.API.STREAM.CREATE.weir-%s {"name":"weir-%s","subjects":["weir.%s.*"],"num_replicas":3,"storage":"file","allow_direct":true}\n' "$1" "$1" "$1"
}
{
    bucket policy
    bucket nodes
    log_stream events
    log_stream flows
    tr '|' '\t' <<'L'
stored|req $KV.weir-policy.intent one
stored|req $KV.weir-nodes.inventory.b forgotten
stored|req $KV.weir-nodes.inventory.a mine
stored|req weir.events.a x
ok|pub weir.ask.b
ok|pub weir.ask-all
ok|sub weir.ask.a
told|req $JS.API.CONSUMER.CREATE.weir-events {"stream_name":"weir-events","config":{"deliver_subject":"_INBOX.a.events","ack_policy":"none"}}
no|pub weir.events.b
no|pub weir.flows.b
no|pub other.events.a
no|pub $JS.API.STREAM.DELETE.KV_weir-policy
no|pub $JS.API.STREAM.PURGE.KV_weir-policy
no|pub $JS.API.STREAM.CREATE.other
no|sub _INBOX.b.>
no|sub >
L
} >"$TEST_DIR/lines"
answers a 1 <"$TEST_DIR/lines"
point $? "an editor makes the streams, changes the policy, asks nodes, and no more" "$TEST_DIR/differs"

tr '|' '\t' >"$TEST_DIR/lines" <<'L'
stored|req $KV.weir-nodes.inventory.b mine
stored|req weir.events.b x
stored|req weir.flows.b x
told|req $JS.API.INFO
told|req $JS.API.STREAM.INFO.KV_weir-policy
told|req $JS.API.STREAM.INFO.weir-events
told|req $JS.API.STREAM.MSG.GET.KV_weir-policy {"seq":1}
told|req $JS.API.STREAM.MSG.GET.KV_weir-nodes {"seq":1}
ok|sub weir.news.>
ok|sub weir.ask.b
ok|sub weir.ask-all
ok|sub _INBOX.b.more.>
no|pub $KV.weir-nodes.inventory.a
no|pub $KV.weir-nodes.inventory.a.b
no|pub $KV.weir-policy.intent
no|pub weir.events.a
no|pub weir.flows.a
no|pub weir.ask.a
no|pub weir.ask.b
no|pub weir.ask-all
no|pub _INBOX.a.x
no|pub $JS.API.STREAM.CREATE.KV_weir-policy
no|pub $JS.API.STREAM.UPDATE.KV_weir-policy
no|pub $JS.API.STREAM.DELETE.KV_weir-nodes
no|pub $JS.API.STREAM.PURGE.KV_weir-nodes
no|pub $JS.API.CONSUMER.CREATE.weir-events
no|pub $JS.API.CONSUMER.CREATE.KV_weir-policy
no|pub $JS.API.CONSUMER.CREATE.KV_weir-nodes.x
no|pub $JS.API.DIRECT.GET.weir-events.weir.events.a
no|pub $JS.API.DIRECT.GET.weir-events
no|pub $JS.API.DIRECT.GET.weir-flows
no|pub $JS.API.DIRECT.GET.weir-flows.weir.flows.a
no|pub $JS.API.STREAM.MSG.GET.weir-events
no|pub $SYS.REQ.SERVER.PING
no|sub _INBOX.a.>
no|sub _INBOX.>
no|sub weir.ask.a
no|sub weir.ask.*
no|sub weir.events.>
no|sub $KV.weir-policy.>
no|sub >
no|sub *
L
answers b 2 <"$TEST_DIR/lines"
point $? "a node says and hears what is its own, at any server, and nothing else" "$TEST_DIR/differs"

peer b 3 <<'L'
req $JS.API.DIRECT.GET.KV_weir-policy.$KV.weir-policy.intent
req $JS.API.DIRECT.GET.KV_weir-nodes.$KV.weir-nodes.inventory.a
req $JS.API.DIRECT.GET.weir-events.weir.events.b
L
[ "$(sed '1d; s/.* //' "$out" | tr '\n' ' ')" = "one mine x " ]
point $? "it reads the policy, what others are, and its own events" "$out"
# Neither with the number of another's message where its own subject is asked for.
peer b 3 <<'L'
req $JS.API.DIRECT.GET.weir-events.weir.events.b {"seq":1}
req $JS.API.DIRECT.GET.weir-events.weir.events.b {"last_by_subj":"weir.events.a"}
req $JS.API.STREAM.INFO.weir-events {"subjects_filter":">"}
L
! sed 1d "$out" | grep -q ' x$'
point $? "and nobody else's, however it asks" "$out"
peer a 1 <<'L'
req $JS.API.DIRECT.GET.weir-events {"seq":2}
req $JS.API.DIRECT.GET.weir-events {"seq":1}
L
[ "$(sed '1d; s/.* //' "$out" | tr '\n' ' ')" = "x x " ]
point $? "an editor reads what all recorded, by its number" "$out"

# Peers that stay. What they were answered is in from-NAME, a line for "connected" first.
declare -A to
stays() { # NAME NODE SERVER
    mkfifo "$TEST_DIR/to-$1"
    timeout 300 "$peer" "$fleet/node-$2" 127.0.0.1 "${nats_ports[$3 - 1]}" <"$TEST_DIR/to-$1" \
        >"$TEST_DIR/from-$1" 2>>"$TEST_DIR/log" &
    children+=($!)
    exec {fd}>"$TEST_DIR/to-$1"
    to[$1]=$fd
}
does() { # NAME LINE: and what it was answered, soon, in $out
    local lines
    lines=$(wc -l <"$TEST_DIR/from-$1")
    echo "$2" >&"${to[$1]}"
    wait_until 20 said_more "$1" "$lines" && tail -n 1 "$TEST_DIR/from-$1" >"$out"
}
said_more() { [ "$(wc -l <"$TEST_DIR/from-$1")" -gt "$2" ]; } # NAME LINES
does_not() { does "$@" && grep -q Violation "$out"; }
done_by() { does "$@" && [ "$(cat "$out")" = ok ]; }
hears() { # NAME PATTERN: soon, maybe behind others
    for _ in {1..40}; do
        does "$1" next || return 1
        ! grep -q "$2" "$out" || return 0
    done
    return 1
}

stays a a 2
stays b b 1
stays near c 1
stays far c 3
for name in a b near far; do wait_until 20 said_more $name 0; done
done_by b 'sub weir.ask.b' && done_by b 'sub weir.ask-all' && done_by a 'sub _INBOX.a.answer' &&
    done_by a 'reply weir.ask.b _INBOX.a.answer how are you' && hears b '^weir.ask.b .*how are you$' &&
    done_by b 'answer well' && hears a '^_INBOX.a.answer .*well$'
point $? "who is asked answers" "$out"
does_not b 'answer well'
point $? "and that once" "$out"
done_by a 'reply weir.ask-all _INBOX.a.answer all of you' && hears b '^weir.ask-all all of you$' &&
    done_by b 'answer so am I' && hears a '^_INBOX.a.answer .*so am I$'
point $? "so do all when all are asked" "$out"

for name in near far; do done_by $name 'sub weir.news.>' && done_by $name 'sub weir.ask.c' || break; done
# What answers a request asks nobody whether the client may say something there: not
# with what b has stored, nor by what tells that it is stored.
tricks=0
for subject in '$KV.weir-policy.intent' '$KV.weir-nodes.inventory.a' weir.events.a weir.ask.c weir.ask-all \
    weir.news.nodes.inventory.a; do
    done_by b "reply \$JS.API.DIRECT.GET.KV_weir-nodes.\$KV.weir-nodes.inventory.b $subject" &&
        done_by b "reply \$JS.API.STREAM.MSG.GET.KV_weir-nodes $subject {\"last_by_subj\":\"\$KV.weir-nodes.inventory.b\"}" &&
        done_by b "reply \$KV.weir-nodes.inventory.b $subject evil" &&
        done_by b "reply \$JS.API.INFO $subject" || break
    tricks=$((tricks + 1))
done
[ $tricks = 6 ] && does b 'req $KV.weir-nodes.inventory.b last' && grep -q KV_weir-nodes "$out"
point $? "a node has the servers answer it at other subjects" "$out"
hears near ' last$' && hears far ' last$' &&
    cat "$TEST_DIR"/from-{near,far} | grep -v -e '^ok$' -e '^connected$' \
        -e '^weir.news.nodes.inventory.b .* \(evil\|last\)$' >"$out"
[ $? = 1 ]
point $? "nobody hears more of it than what it stored as its own" "$out"
peer a <<'L'
req $JS.API.DIRECT.GET.KV_weir-policy.$KV.weir-policy.intent
req $JS.API.DIRECT.GET.KV_weir-nodes.$KV.weir-nodes.inventory.a
req $JS.API.DIRECT.GET.weir-events.weir.events.a
L
[ "$(sed '1d; s/.* //' "$out" | tr '\n' ' ')" = "one mine x " ]
point $? "and neither the policy nor what others said is another" "$out"
peer a <<<'req $KV.weir-policy.intent two' && hears near '^weir.news.policy.intent .* two$' &&
    hears far '^weir.news.policy.intent .* two$'
point $? "nodes hear of another policy, at any server" "$out"

# --- one more ----------------------------------------------------------------------

connections() { # N: the ids of connections at server N
    monitor "$1" connz | python3 -c 'import json, sys
print(*sorted(c["cid"] for c in json.load(sys.stdin)["connections"]))'
}
connections 1 >"$TEST_DIR/before"
init "$fleet" --add d=d.example
point $? "a node is added to the fleet" "$out"
turned_away node-d
point $? "servers that were not told of it do not let it in" "$out"
reload_server 1 && reload_server 2 && reload_server 3
point $? "servers read their users again" "$TEST_DIR/nats-n1.log"
printf 'stored\treq $KV.weir-nodes.inventory.d x\nno\tpub $KV.weir-nodes.inventory.b\n' >"$TEST_DIR/lines"
answers d 1 <"$TEST_DIR/lines" && answers d 3 <"$TEST_DIR/lines"
point $? "then it comes in, and may what is its own" "$TEST_DIR/differs"
[ -s "$TEST_DIR/before" ] && connections 1 | diff "$TEST_DIR/before" - >"$out" &&
    done_by b 'pub weir.events.b y' && does_not b 'pub weir.events.d y' &&
    peer a <<<'req $KV.weir-policy.intent three' && hears near ' three$' && hears far ' three$' &&
    done_by a 'reply weir.ask.b _INBOX.a.answer again' && hears b ' again$' && done_by b 'answer yes' &&
    hears a ' yes$'
point $? "who was connected is so still, with what it may and hears" "$out"
init "$fleet" --add e --editor e && reload_server 1 && reload_server 2 && reload_server 3 &&
    stays e e 3 && wait_until 20 said_more e 0 && done_by e 'sub _INBOX.e.answer' &&
    done_by e 'reply weir.ask-all _INBOX.e.answer new' && hears b ' new$' && done_by b 'answer welcome' &&
    hears e ' welcome$' && connections 1 | diff "$TEST_DIR/before" - >"$out"
point $? "and is asked by an editor that is added" "$out"
users() { # N: the users of connections at server N
    monitor "$1" 'connz?auth=1' | grep -o '"authorized_user": "[^"]*"'
}
c_is_there() { users "$1" | grep -q '"c.node.weir"'; } # SERVER
gone() { ! c_is_there 1 && ! c_is_there 3 && users 1 | grep -q '"b.node.weir"'; }
c_is_there 1 && c_is_there 3 && init "$fleet" --remove c && init "$fleet" --add f && reload_server 1 && reload_server 2 &&
    reload_server 3 && wait_until 20 gone && turned_away node-c
point $? "a node that is taken out is shown out, and comes in no more" "$out"
before=$(grep -c "Reloaded server configuration" "$TEST_DIR/nats-n2.log")
(cd "$fleet/server-n2" && nats-server --signal "reload=${nats_pids[1]}") >"$out" 2>&1 &&
    wait_until 20 reloaded "$TEST_DIR/nats-n2.log" "$before"
point $? "nats-server --signal reload does the same" "$out"
finish
