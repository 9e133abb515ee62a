#!/bin/bash
# What all nodes recorded, read from the fleet's streams: by an editor, and by nobody
# else; with filters, in pages, also of a node that is gone. A batch too large for the
# servers is split, and what is too large alone is left out, and counted.
# shellcheck disable=SC2015,SC2317 # || as it says; by wait_until
. "$(dirname "$0")/common_fleet.sh"
need_nats

fleet_net
host a 1 && host b 2 && host c 3
make_fleet --node a --node b --node c --editor a
start_servers
point $? "a fleet, and its servers" "$TEST_DIR/nats-n1.log"
runs a web 2 && runs b app 2 && runs c job 2
for node in a b c; do start_agent_on "$node" || break; done
told_on_soon a '{n["node"]: n["workloads"] for n in d["nodes"]} == {"b": 1, "c": 1}' fleet status
point $? "three nodes, of which a is an editor" "$out"

isolates() { # NODE WORKLOAD BY: an event of it, by that user
    WEIR_SOCKET=$TEST_DIR/$1/agent.sock WEIR_BY=$3 \
        python3 "$SRC/tests/netns/ask.py" quarantine '{"workload": "'"$2"'"}' >"$out" 2>&1
}

# --- events -----------------------------------------------------------------

told_on_soon a '{e["node"] for e in d["events"] if "connected to the fleet" in e["text"]} == {"a", "b", "c"}' \
    events --fleet
point $? "a reads events of all nodes" "$out"
for n in 1 2 3 4 5 6 7; do
    isolates b app "user $n" && isolates c job "user $n" || break
done
told_on_soon a 'all(sum(e.get("by") == "user %d" % n for e in d["events"]) == 2 for n in range(1, 8))' \
    events --fleet --kind change
point $? "and what happens there, soon, each once" "$out"
told_on a '(lambda at: at == sorted(at, reverse=True) and len(at) >= 17)([e["at"] for e in d["events"]])' events --fleet
point $? "the newest first" "$out"
told_on a 'd["events"] and all(e["node"] == "b" and e["kind"] == "change" for e in d["events"])' \
    events --fleet --node b --kind change
point $? "of one node, and one kind" "$out"
told_on a '{e["node"] for e in d["events"]} == {"b", "c"} and len(d["events"]) == 2' events --fleet --text 'USER 4' &&
    told_on a 'd["events"] == [] and not d["more"]' events --fleet --text 'user 9'
point $? "with a word in it" "$out"
told_on a 'd["events"] == [] and not d["more"]' events --fleet --since 0s --text user
point $? "since then" "$out"
weir_on a events --fleet --node c -n 3 && [ "$(grep -c '  c  ' "$out")" = 3 ] && grep -q 'older ones: --before' "$out"
point $? "as text, with the node" "$out"
weir_on a events --fleet --node c -n 3 -o yaml && grep -q 'node: "\?c' "$out"
point $? "as YAML" "$out"

pages() { # COMMAND N: all of it, N at a time, in $TEST_DIR/pages
    local before=()
    : >"$TEST_DIR/pages"
    for _ in {1..100}; do
        weir_on a "$1" --fleet -n "$2" "${before[@]}" -o json || return 1
        cat "$out" >>"$TEST_DIR/pages"
        mapfile -t before < <(python3 -c '
import json, sys
d = json.load(open(sys.argv[1]))
if d["more"]:
    print("--before", d["before"], sep="\n")' "$out")
        [ ${#before[@]} -gt 0 ] || return 0
    done
    return 1
}
each_once() { # COMMAND MEMBER...: what the pages had is what one page has, each once
    weir_on a "$1" --fleet -n 1000 -o json && python3 - "$TEST_DIR/pages" "$out" "$@" <<'P'
import json, sys
name, key = sys.argv[3], sys.argv[4:]
text, pages, at = open(sys.argv[1]).read(), [], 0
while text[at:].strip():
    page, n = json.JSONDecoder().raw_decode(text[at:].lstrip())
    at += len(text[at:]) - len(text[at:].lstrip()) + n
    pages.append(page)
of = lambda d: [tuple(e.get(k) for k in key) for e in d[name]]
got = [e for p in pages for e in of(p)]
whole = of(json.load(open(sys.argv[2])))
assert len(got) == len(set(got)), "twice"
# what came meanwhile is in the whole alone
assert set(got) <= set(whole) and len(pages) > 2 and len(whole) - len(got) < 5, (got, whole)
P
}
pages events 7 && each_once events node number 2>>"$out"
point $? "in pages, each once" "$out"

refused=0
for what in --follow '--raw 3' '--node b --follow'; do
    # shellcheck disable=SC2086 # words
    weir_on a events --fleet $what
    [ $? = 1 ] && grep -q 'is not for what a fleet recorded' "$out" && refused=$((refused + 1))
done
[ $refused = 3 ]
point $? "what is not there is refused" "$out"

# --- who may ------------------------------------------------------------------

weir_on c events --fleet
[ $? = 1 ] && grep -q 'may not read what others recorded' "$out"
point $? "c is no editor, and reads nothing" "$out"
weir_on c flows --fleet
[ $? = 1 ] && grep -q 'may not read what others recorded' "$out"
point $? "no flows either" "$out"
told_on c 'd["fleet"]["up"]' fleet status && told_on c '[e for e in d["events"] if e.get("by") == "user 7"]' events
point $? "it is a node as before, and reads its own" "$out"

# --- flows ----------------------------------------------------------------------

told_by_b() { told_on a '[f for f in d["flows"] if f["node"] == "b" and f["client"] == "web" and f["server"] == "app" and f["sessions"] '"$1"']' flows --fleet; }
recorded_by_b() { told_on b '[f for f in d["flows"] if f["client"] == "web" and f["sessions"] '"$1"']' flows; }
again_b() { # what it recorded is delivered when it begins
    end_agent_on b && start_agent_on b
}
weir_on b quarantine app --off && listen_in b app 80 && reaches a web 10.9.2.2 80 && wait_until 20 recorded_by_b '== 1' && again_b &&
    wait_until 90 told_by_b '== 1'
point $? "a flow that b saw" "$out"
reaches a web 10.9.2.2 80 && wait_until 20 recorded_by_b '== 2' && again_b && wait_until 90 told_by_b '== 2'
point $? "and what it came to" "$out"
told_on a '(lambda k: len(k) == len(set(k)))([(f["node"], f["id"]) for f in d["flows"]])' flows --fleet &&
    ! told_by_b '== 1'
point $? "once, as it was told last" "$out"
told_on a '[f["server"] for f in d["flows"]] == ["app"]' flows --fleet --node b --workload web --text tcp/80
point $? "with filters" "$out"
weir_on a flows --fleet && head -n 1 "$out" | grep -q '^NODE *LAST SEEN'
point $? "as text, with the node" "$out"

# --- over HTTP ----------------------------------------------------------------------

api() { # PATH [OPTION of curl]...: the answer in $out, and its status behind it
    curl -s -m 60 -b "$TEST_DIR/jar" -c "$TEST_DIR/jar" -w '\n%{http_code}' "${@:2}" "http://127.0.0.1:8787/api/v1$1" >"$out"
    [ "$(tail -n 1 "$out")" = 200 ] && sed -i '$d' "$out"
}
link() { grep -o 'token=.*' "$TEST_DIR/api.log" >"$TEST_DIR/link"; }
"$BUILD/src/api/weir-api" --user root --listen 127.0.0.1:8787 --socket "$TEST_DIR/a/agent.sock" \
    --state "$TEST_DIR/api" >"$TEST_DIR/api.log" 2>&1 &
children+=($!)
wait_until 20 link && api /setup -H 'Content-Type: application/json' \
    -d '{"token":"'"$(sed -n '1s/token=//p' "$TEST_DIR/link")"'","user":"ann","password":"correct horse battery"}'
point $? "weir-api in front of a" "$out"
api '/events?fleet=true&kind=change&limit=3' && json 'len(d["events"]) == 3 and d["more"] and all(e["node"] in "bc" for e in d["events"])'
point $? "it tells events of all nodes" "$out"
api '/flows?fleet=true&node=b&workload=app' && json '[f["server"] for f in d["flows"]] == ["app"] and not d["fleet"]["cut"]'
point $? "and flows" "$out"

# --- what does not fit ------------------------------------------------------------

for n in 1 2 3; do
    kill_server $n && sed -i 's/^max_payload: .*/max_payload: 325/' "$fleet/server-n$n/nats.conf"
done
grep -qx 'max_payload: 325' "$fleet/server-n1/nats.conf"
point $? "the servers are to take messages of 325 bytes" "$fleet/server-n1/nats.conf"
noise() { head -c 2000 /dev/urandom | tr -dc a-zA-Z0-9 | head -c "$1"; }
for n in 1 2 3 4 5 6 7 8; do
    isolates b app "split $n $(noise 70)" || break
done && isolates b app "huge $(noise 123)" && isolates b app "behind"
point $? "b records meanwhile more than one takes, and one more" "$out"
start_servers
all_there() {
    told_on a 'all(sum("split %d" % n in e.get("by", "") for e in d["events"]) == 1 for n in range(1, 9)) and [e for e in d["events"] if e.get("by") == "behind"]' \
        events --fleet --node b
}
wait_until 60 all_there
point $? "they come, in several messages" "$out"
told_on a 'not [e for e in d["events"] if "huge" in e.get("by", "")]' events --fleet &&
    told_on b 'd["fleet"]["sent"]["events"]["left_out"] == 1' fleet status
point $? "but for the one, which is counted" "$out"
told_on_soon b '[e for e in d["events"] if "is left out" in e["text"]] and [e for e in d["events"] if "huge" in e.get("by", "")]' events
point $? "and told; b has it" "$out"

# --- a node that is gone, and one that is cut off ----------------------------------

end_agent_on b && wait_until 20 weir_on a fleet forget b && told_on_soon a '[n["node"] for n in d["nodes"]] == ["c"]' fleet status
point $? "b is gone" "$out"
all_there && told_by_b '== 2'
point $? "what it recorded is there" "$out"
is_cut_off() { told_on a 'not d["fleet"]["up"]' fleet status; }
cut_off a && wait_until 60 is_cut_off && ! weir_on a events --fleet && grep -q 'cut off from the fleet' "$out"
point $? "who is cut off is told so" "$out"
heal a && wait_until 60 all_there
point $? "and reads again, when it is not" "$out"

finish
