#!/bin/bash
# What detection finds, from the data plane's door to `weir events`: masked for who
# looks, the bytes as they were for who asks for that event, those of a leak never.
. "$(dirname "$0")/common_agent.sh"
export PYTHONDONTWRITEBYTECODE=1

bridge
workload web 2
workload app 3
write_config "$netns_only"
mac_of_web=$(ip -n web -o link show eth0 | sed 's/.*ether \([^ ]*\).*/\1/')
finding() { # KIND ID NAME EVIDENCE
    echo '{"kind":"'"$1"'","workload":"'"$mac_of_web"'","direction":"ingress","id":'"$2"',"rev":3,
      "name":"'"$3"'","classtype":"web-application-attack","severity":"high","action":"drop","count":2,
      "first_seen":1700000000,"last_seen":1700000009,"client":"10.9.0.3","client_port":40000,
      "server":"10.9.0.2","server_port":80,"proto":"tcp","application":"http","flow":7,"rule":5,
      "said_by":"client","flags":[],"request":"POST shop/pay","field":"http.request_body",
      "offset":2,"length":8,"evidence":"'"$4"'","raw_offset":0,"raw":"6e3d7365637265742d37"}'
}
echo "[]" >"$TEST_DIR/findings"

"$weir_dp" --listen "" --notify "" --control "$door.real" 2>"$TEST_DIR/dp.log" &
children+=($!)
wait_until 20 "$weir" dp version --control "$door.real" >"$out" 2>&1
"$(dirname "$0")/door_between.py" "$door" "$door.real" "$TEST_DIR/findings" 2>"$TEST_DIR/between.log" &
children+=($!)
wait_until 20 "$weir" dp version --control "$door" >"$out" 2>&1
start_agent
point $? "an agent, and a data plane that finds" "$TEST_DIR/agent.log"
told_soon '{"app", "web"} <= {w["name"] for w in d["workloads"] if w["addresses"]}' ls
point $? "it knows the workloads" "$out"

echo "[$(finding signature 2034 'log4j lookup' 'n=«${jndi:»ldap'),
  $(finding dlp 20001 'card number' 'n=«************1111»')]" >"$TEST_DIR/findings.new"
mv "$TEST_DIR/findings.new" "$TEST_DIR/findings"
told_soon '[e for e in d["events"] if e["kind"] == "signature" and e["id"] == 2034
    and e["name"] == "log4j lookup" and e["evidence"] == "n=«${jndi:»ldap" and e["request"] == "POST shop/pay"
    and e["rule"] == 5 and e["flow"] == 7 and e["count"] == 2 and e["severity"] == "high"
    and e["client"] == "app" and e["client_address"] == "10.9.0.3"
    and e["server"] == "web" and e["server_address"] == "10.9.0.2" and e["workload"] == e["server_id"]]' events
point $? "it is an event, with names" "$out"
told 'len([e for e in d["events"] if "evidence" in e]) == 2 and not [e for e in d["events"] if "raw" in e]' events
point $? "once, without raw bytes" "$out"
told 'len(d["events"]) == 1 and d["events"][0]["id"] == 20001' events --kind dlp
point $? "by kind" "$out"
number() { "$weir" events --kind "$1" -o json | python3 -c 'import json,sys; print(json.load(sys.stdin)["events"][0]["number"])'; }
found=$(number signature)
leak=$(number dlp)
weir events && grep -q "signature 2034 log4j lookup: app -> web drop  (2 times)" "$out" &&
    grep -q "event $found, at web, http, flow 7, policy rule 5" "$out" && grep -qF 'http.request_body: n=«${jndi:»ldap' "$out" &&
    grep -qF 'request: POST shop/pay' "$out"
point $? "for people" "$out"
told 'len(d["events"]) == 1 and d["events"][0]["raw"] == "6e3d7365637265742d37"' events --raw "$found"
point $? "raw bytes of the one that is asked for" "$out"
weir events --raw "$found" && grep -q '6e 3d 73 65 63 72 65 74 2d 37 .*n=secret-7' "$out"
point $? "... for people" "$out"
told 'd["events"][0]["id"] == 20001 and "raw" not in d["events"][0]' events --raw "$leak" &&
    grep -rqa '"log4j lookup".*"raw":"6e3d7365' "$TEST_DIR/store" &&
    ! grep -rqa '"card number"[^}]*"raw":"6e3d7365' "$TEST_DIR/store"
point $? "those of a leak are not stored" "$out"
weir events --raw "$leak" && grep -q 'weir dp findings --raw' "$out" && weir events && ! grep -q 'dp findings' "$out"
point $? "... and who asks for them is told where they are" "$out"
weir events --raw 4711
[ $? = 1 ] && grep -q 'no event 4711' "$out"
point $? "an event that is none" "$out"
dp findings && grep -q 'signature 2034 log4j lookup' "$out" && grep -qF 'n=«${jndi:»ldap' "$out" && ! grep -q 6e3d "$out"
point $? "weir dp findings" "$out"
dp findings --raw && grep -q '0000  6e 3d 73 65 63 72 65 74 2d 37 .*n=secret-7' "$out" && ! grep -q '.\{100\}' "$out"
point $? "... --raw, for people: as bytes and as text, in lines that fit" "$out"
dp findings --raw -o json && json '[f["raw"] for f in d["findings"]] == ["6e3d7365637265742d37"] * 2'
point $? "... --raw: of a leak, too" "$out"

finish
