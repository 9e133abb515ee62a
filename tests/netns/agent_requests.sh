#!/bin/bash
# What is asked, by rules and real clients: mosquitto's, kcat, Python's of MongoDB and of
# Cassandra. They log in and do what their rule names; anything else is ended before the server
# has it, and told. mosquitto is one itself; the others' servers are ours (pcap/record/servers).
#
#   app 10.9.0.2 (the clients) ── br0 ── data 10.9.0.3: the servers
. "$(dirname "$0")/common_agent.sh"
missing=
for program in mosquitto mosquitto_pub mosquitto_sub kcat; do
    command -v $program >/dev/null || missing="$missing $program"
done
for module in pymongo cassandra; do
    /usr/bin/python3 -c "import $module" 2>/dev/null || missing="$missing python3-$module"
done
if [ -n "$missing" ]; then
    echo "1..0 # SKIP not installed:$missing"
    exit 0
fi
servers=$SRC/tests/pcap/record/servers
printf '10.9.0.3 four.example\n' >"$TEST_DIR/hosts"
mount --bind "$TEST_DIR/hosts" /etc/hosts

serve() { # NAME PORT [ARGUMENT]...
    background data /usr/bin/python3 -B "$servers/$1.py" "${@:2}" >"$TEST_DIR/$1" 2>&1
    wait_until 20 listens data "$2"
}
asks() { at app timeout 60 "$@" >"$out" 2>&1; } # CLIENT...
python() { # NAME [ARGUMENT]...: a client of that name, of standard input
    cat >"$TEST_DIR/$1.client"
    asks /usr/bin/python3 -B "$TEST_DIR/$1.client" "${@:2}"
}
blocked() { # PORT APPLICATION
    told_soon "[e for e in d['events'] if e['kind'] == 'violation' and e['client'] == 'app' and e['server'] == 'data'
        and e['port'] == $1 and e['application'] == '$2' and e['blocked']]" events
}

bridge
workload app 2
workload data 3
printf 'allow_anonymous true\nlistener 1883 0.0.0.0\nuser root\nlog_type all\nlog_dest stderr\n' >"$TEST_DIR/mosquitto.conf"
background data mosquitto -c "$TEST_DIR/mosquitto.conf" >"$TEST_DIR/mosquitto" 2>&1
serve kafka 9092 secrets && serve mongodb 27017 && serve cassandra 9042 && wait_until 20 listens data 1883
point $? "servers" "$TEST_DIR/mosquitto"
write_config "$netns_only"
start_agent
point $? "an agent" "$TEST_DIR/agent.log"
told_soon '{"app", "data"} <= {w["name"] for w in d["workloads"] if w["addresses"]}' ls
point $? "it knows the workloads" "$out"
cat >"$TEST_DIR/policy.yaml" <<'Y'
groups:
- {name: data, mode: protect}
rules:
- {id: 1, from: app, to: data, applications: [mqtt], requests: [{mqtt.topic: 'public/*'}], action: allow}
- {id: 2, from: app, to: data, applications: [kafka], requests: [{kafka.topic: orders}], action: allow}
- {id: 3, from: app, to: data, applications: [mongodb], requests: [{mongodb.collection: things}], action: allow}
- {id: 4, from: app, to: data, applications: [cassandra], requests: [{sql.verb: [SELECT, USE]}], action: allow}
Y
weir apply -f "$TEST_DIR/policy.yaml"
point $? "weir apply" "$out"
wait_until 20 guarded data protect inline
point $? "it is in force" "$out"

# --- MQTT ---------------------------------------------------------------------

for version in 311 5; do
    asks mosquitto_pub -h 10.9.0.3 -V $version -i pub -t public/a -m "hello $version" -q 1 -r
    point $? "mosquitto_pub, version $version: a topic that is allowed" "$out"
    asks mosquitto_sub -h 10.9.0.3 -V $version -i sub -t public/a -C 1 -W 20 && grep -q "hello $version" "$out"
    point $? "mosquitto_sub reads it" "$out"
    ! asks mosquitto_pub -h 10.9.0.3 -V $version -i evil -t secret/a -m hello -q 1 && ! grep -q "secret/a" "$TEST_DIR/mosquitto"
    point $? "another topic is not published in" "$out"
    ! asks timeout 5 mosquitto_sub -h 10.9.0.3 -V $version -i evil -t 'secret/#' -C 1 -W 20 && ! grep -q "secret/#" "$TEST_DIR/mosquitto"
    point $? "nor read" "$out"
done
blocked 1883 mqtt
point $? "and it is told" "$out"

# --- Kafka --------------------------------------------------------------------

put() { echo "one more" | asks kcat -b four.example:9092 -P -t "$1" -p 0 -X message.timeout.ms=4000; } # TOPIC
take() { asks timeout 10 kcat -b four.example:9092 -C -t "$1" -p 0 -o beginning -e -X reconnect.backoff.max.ms=200; } # TOPIC
put orders && take orders && [ "$(grep -c '^one more$' "$out")" = 1 ]
point $? "kcat puts into a topic that is allowed, and takes from it" "$out"
! put secrets
point $? "into another one it does not" "$out"
take orders && [ "$(grep -c '^one more$' "$out")" = 1 ]
point $? "and the broker has got nothing" "$out"
take secrets
! grep -q "one more" "$out"
point $? "nor does it take from that" "$out"
blocked 9092 kafka
point $? "and it is told" "$out"

# --- MongoDB ------------------------------------------------------------------

mongo() { # COLLECTION
    python mongo "$1" <<'P'
import sys
import pymongo
client = pymongo.MongoClient("mongodb://10.9.0.3:27017/", directConnection=True, serverSelectionTimeoutMS=9000, retryReads=False, retryWrites=False)
name = sys.argv[1]
client.shop[name].insert_one({"_id": 1, "name": "one"})
print([thing["name"] for thing in client.shop[name].find({"name": {"$gt": "a"}})])
P
}
mongo things && grep -q "'one', 'two', 'three'" "$out"
point $? "pymongo writes and reads a collection that is allowed" "$out"
! mongo payroll && grep -qE 'AutoReconnect|ConnectionReset|connection closed' "$out"
point $? "another one it does not" "$out"
blocked 27017 mongodb
point $? "and it is told" "$out"

# --- Cassandra ----------------------------------------------------------------

cassandra() { # VERSION STATEMENT
    python cassandra "$@" <<'P'
import sys
import cassandra.auth
import cassandra.cluster
cluster = cassandra.cluster.Cluster(["10.9.0.3"], protocol_version=int(sys.argv[1]), schema_metadata_enabled=False, token_metadata_enabled=False,
    compression=False, auth_provider=cassandra.auth.PlainTextAuthProvider("bob", "pw"), idle_heartbeat_interval=0)
session = cluster.connect()
session.set_keyspace("shop")
for row in session.execute(sys.argv[2], timeout=9):
    print(row.name)
cluster.shutdown()
P
}
for version in 4 5; do
    cassandra $version "SELECT name FROM t" && [ "$(grep -c one "$out")" = 2 ]
    point $? "cassandra-driver, version $version: what reads is allowed" "$out"
    ! cassandra $version "INSERT INTO t (name) VALUES ('two')" && grep -qE 'Connection|NoHostAvailable|Timed' "$out"
    point $? "what writes is not" "$out"
done
blocked 9042 cassandra
point $? "and it is told" "$out"
finish
