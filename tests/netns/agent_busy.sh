#!/bin/bash
# A dry run over all that there is in a large store: a workload that comes while
# it is being read is guarded before the dry run has ended. One whose client hangs up is
# given up, also if it is a browser, and weir-api is between. Of many proposals an answer
# has a page.
. "$(dirname "$0")/common_agent.sh"

# Of weir-api, which comes to the agent by this path.
export WEIR_SOCKET=/run/agent.sock
account=nobody

fill() { # 150,000 conversations of a week, of app with web, and one with each of 1,500 services
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
about = db.execute("SELECT about FROM workload WHERE wid = ?", [wid["web"]]).fetchone()[0]
for n in range(1500):
    db.execute("INSERT INTO workload (wid, id, seen_s, about) VALUES (?, ?, ?, ?)",
               (1000 + n, "netns:s%d" % n, now, about.replace('"web"', '"s%d"' % n)))
    db.execute("INSERT INTO flow (id, day, client, server, client_addr, server_addr, port, proto, app, action, rule,"
               " ingress, name, sessions, violations, bytes, packets, first_s, last_s)"
               " VALUES (?, ?, ?, ?, ?, ?, 80, 6, 0, 1, 0, 1, '', 1, 0, 100, 1, ?, ?)",
               (day << 32 | 200000 + n, day, wid["app"], 1000 + n, old + socket.inet_aton("10.9.0.3"),
                old + socket.inet_aton("10.8.%d.%d" % (n // 250, n % 250)), now - 100, now - 50))
db.commit()
P
}

bridge
workload web 2
workload app 3
write_config "$netns_only"
sed -i "s/^control: {/control: {api_user: $account, group: $(id -gn $account), /" "$config"
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

# --- nobody waits for it ---

cat >"$TEST_DIR/hang_up.py" <<'P'
import json, os, select, socket, sys
def connect():
    s = socket.socket(socket.AF_UNIX)
    s.connect(os.environ["WEIR_SOCKET"])
    return s
with connect() as s:
    s.sendall(b'{"command":"mode","args":{"group":"web","mode":"protect","dry_run":true}}\n')
s = connect()
f = s.makefile("rb", buffering=0)
for _ in range(600):
    s.sendall(b'{"command":"status"}\n')
    door = json.loads(f.readline())["door"]
    if door["given_up"] == 1:
        break
    select.select([], [], [], 0.1)
print(door)
sys.exit(door["given_up"] != 1)
P
python3 "$TEST_DIR/hang_up.py" >"$out" 2>&1
point $? "a dry run whose client hangs up is given up" "$out"

# The agent is halted until weir-api has hung up: what it finds then are the questions
# of a client that is not there any more.
cat >"$TEST_DIR/leave.py" <<'P'
import http.client, json, os, select, signal, sys
agent, api, link = int(sys.argv[1]), int(sys.argv[2]), open(sys.argv[3]).read()
headers = {"Content-Type": "application/json"}
def ask(c, method, path, body=None):
    c.request(method, "/api/v1" + path, body and json.dumps(body), headers)
def client():
    return http.client.HTTPConnection("127.0.0.1", 8787, timeout=20)
def files():
    return len(os.listdir(f"/proc/{api}/fd"))
def until(has):
    for _ in range(200):
        if files() == has:
            return
        select.select([], [], [], 0.1)
    sys.exit(f"{files()} descriptors, not {has}")
def leave(c, method, path, body=None):
    '''Once weir-api asks the agent. How many descriptors it has without both.'''
    n = files()
    ask(c, method, path, body)
    until(n + 1)
    c.close()
    return n - 1
first, second = client(), client()
ask(first, "POST", "/setup", {"token": link.split("token=")[1].split()[0], "user": "ann", "password": "a-Secret-of-Ann"})
answer = first.getresponse()
headers.update({"Cookie": answer.getheader("Set-Cookie").split(";")[0], "X-Weir-CSRF": json.loads(answer.read())["csrf"]})
os.kill(agent, signal.SIGSTOP)
try:
    until(leave(first, "GET", "/groups/web/mode/preview?mode=protect"))
    print("hung up")
    ask(second, "GET", "/session")
    print(second.getresponse().read())
    leave(second, "PUT", "/groups/web/mode", {"mode": "monitor"})
finally:
    os.kill(agent, signal.SIGCONT)
P
echo "web: {openapi: $SRC/docs/openapi.yaml}" >"$TEST_DIR/api.yaml"
mkdir "$TEST_DIR/web"
"$BUILD/src/api/weir-api" --config "$TEST_DIR/api.yaml" --socket "$WEIR_SOCKET" --state /run/api --web "$TEST_DIR/web" \
    --user $account >"$TEST_DIR/api.out" 2>>"$TEST_DIR/api.log" &
api_pid=$!
children+=("$api_pid")
serves() { curl -s -o "$out" http://127.0.0.1:8787/api/v1/session; }
wait_until 20 serves
python3 "$TEST_DIR/leave.py" "$agent_pid" "$api_pid" "$TEST_DIR/api.out" >"$out" 2>&1
point $? "weir-api hangs up when a browser leaves that asked for a dry run" "$out"
told_soon 'd["door"]["given_up"] == 2' status
point $? "which is given up, too" "$out"
asked_soon 'next(g for g in d["groups"] if g["name"] == "web")["mode"] == "monitor"' groups
point $? "a change that a browser asked for is made all the same" "$out"
kill "$api_pid" && wait "$api_pid"
point $? "weir-api ends" "$TEST_DIR/api.log"

# --- many proposals ---

cat >"$TEST_DIR/pages.py" <<'P'
import json, os, socket
s = socket.socket(socket.AF_UNIX)
s.connect(os.environ["WEIR_SOCKET"])
f = s.makefile("rb", buffering=0)
def learned(**args):
    s.sendall(json.dumps({"command": "learned", "args": args}).encode() + b"\n")
    line = f.readline()
    return dict(json.loads(line), bytes=len(line))
first = learned()
assert len(first["proposals"]) == 1000 and first["total"] == 1500, first["total"]
print(first["bytes"], "bytes")
second = learned(after=first["next"])
assert "next" not in second and second["total"] == 1500, second["total"]
ids = {p["id"] for a in (first, second) for p in a["proposals"]}
assert len(ids) == 1500, len(ids)
few = learned(limit=10)
assert [p["id"] for p in few["proposals"]] == [p["id"] for p in first["proposals"][:10]] and few["next"] == few["proposals"][9]["id"], few
assert learned(limit=1001)["error"]["at"] == "limit"
P
python3 "$TEST_DIR/pages.py" >"$out" 2>&1
point $? "of many proposals one answer has a page" "$out"
"$weir" policy learned -o json >"$out" && json 'len(d["proposals"]) == d["total"] == 1500 and "next" not in d'
point $? "weir policy learned has all of them" "$out"
stop_agent
point $? "the agent ends" "$TEST_DIR/agent.log"
finish
