#!/bin/bash
# A dry run over all that there is in a large store: a workload that comes while
# it is being read is guarded before the dry run has ended.
. "$(dirname "$0")/common_agent.sh"

fill() { # 150,000 conversations of a week, of app with web
    python3 - "$TEST_DIR/store/weir.db" <<'P'
import json, socket, sqlite3, sys, time
db = sqlite3.connect(sys.argv[1])
wid = dict(db.execute("SELECT json_extract(about, '$.name'), wid FROM workload"))
now = int(time.time())
old = b"\0" * 10 + b"\xff\xff"
day = now // 86400
rows = ((day << 32 | n + 1, day, wid["app"], wid["web"], old + socket.inet_aton("10.9.0.3"), old + socket.inet_aton("10.9.0.2"),
         1 + n % 60000, (6, 17, 132)[n // 60000], 0, 1, 0, 1, "", 1, 0, 100, 1, now - 100, now - 50) for n in range(150000))
db.executemany("INSERT INTO flow (id, day, client, server, client_addr, server_addr, port, proto, app, action, rule,"
               " ingress, name, sessions, violations, bytes, packets, first_s, last_s)"
               " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)", rows)
db.commit()
P
}

bridge
workload web 2
workload app 3
write_config "$netns_only"
start_agent && wait_until 10 guarded web discover tap && wait_until 10 guarded app discover tap
point $? "two workloads" "$out"
greets app 10.9.0.2 1
stop_agent
fill >"$out" 2>&1
point $? "a large store" "$out"
start_agent
# The first answer says that the dry run has begun; as long as there is no second one
# it has not ended, for the agent writes that before it looks at anything else.
cat >"$TEST_DIR/ask.py" <<'P'
import json, os, select, socket, subprocess, sys
weir, to = sys.argv[1:]
s = socket.socket(socket.AF_UNIX)
s.connect(os.environ["WEIR_SOCKET"])
s.sendall(b'{"command":"status"}\n{"command":"mode","args":{"group":"web","mode":"protect","dry_run":true}}\n')
f = s.makefile("rb", buffering=0)
f.readline()
subprocess.run("ip netns add late && ip link add hlate type veth peer name eth0 netns late &&"
               " ip link set hlate master br0 up", shell=True, check=True)
guarded = False
while not guarded and not select.select([s], [], [], 0)[0]:
    shown = subprocess.run([weir, "divert", "show", "-o", "json"], capture_output=True, check=True).stdout
    guarded = "hlate" in [x["dev"] for x in json.loads(shown)["diverted"]]
ended = bool(select.select([s], [], [], 0)[0])
answer = s.makefile("rb").readline()
with open(to, "wb") as out:
    out.write(answer)
print("guarded", guarded, "ended", ended)
sys.exit(not guarded or ended)
P
python3 "$TEST_DIR/ask.py" "$weir" "$TEST_DIR/dry" >"$out" 2>&1
point $? "a workload that comes meanwhile is guarded before it has ended" "$out"
python3 -c 'import json, sys; d = json.load(open(sys.argv[1])); sys.exit(d["conversations"] < 150000)' "$TEST_DIR/dry"
point $? "the dry run has looked at all" "$TEST_DIR/dry"
stop_agent
point $? "the agent ends" "$TEST_DIR/agent.log"
finish
