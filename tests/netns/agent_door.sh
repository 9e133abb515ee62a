#!/bin/bash
# The agent's door with clients that do not behave: rubbish, half lines, huge
# ones, many, slow ones, ones that follow and do not read. The agent answers
# others all along.
. "$(dirname "$0")/common_agent.sh"

cat >"$TEST_DIR/client.py" <<'P'
import json, os, resource, select, socket, sys, time
path = os.environ["WEIR_SOCKET"]

def connect():
    s = socket.socket(socket.AF_UNIX)
    s.connect(path)  # waits where the queue is full, which one with a time-out does not
    s.settimeout(10)
    return s

def line(s):
    data = b""
    while not data.endswith(b"\n"):
        more = s.recv(65536)
        if not more:
            return None
        data += more
    return json.loads(data)

def ask(text):
    s = connect()
    s.sendall(text)
    return line(s)

def code(text):
    return ask(text)["error"]["code"]

def rubbish():
    assert code(b"hello\n") == "EINVAL"
    assert code(b"[]\n") == "EINVAL"
    assert code(b"{}\n") == "EINVAL"
    assert code(b'{"command":1}\n') == "EINVAL"
    assert code(b'{"command":"nothing"}\n') == "ENOSYS"
    assert code(b'{"command":"ls","args":[]}\n') == "EINVAL"
    assert code(b'{"command":"ls","command":"ls"}\n') == "EINVAL"
    assert code(b'\xff\xfe\n') == "EINVAL"
    assert code(b'{"command":"' + b"x" * 100000 + b'"}\n') == "ENOSYS"
    assert code(b"[" * 100000 + b"\n") == "EINVAL"

def arguments():
    wrong = [None, 1, -1, 1.5, True, [], {}, "", "x" * 70000, "\u0000", 2**62, ["a"], {"a": 1}]
    names = ["workload", "group", "mode", "rule", "after", "text", "file", "since", "until", "limit", "ids",
             "netns", "from", "to", "port", "proto", "revision", "kind", "all", "off", "dry_run"]
    commands = ["status", "ls", "show", "divert", "release", "quarantine", "hook", "groups", "group-set",
                "group-delete", "mode", "rules", "rule-add", "rule-delete", "diff", "export", "history",
                "rollback", "learned", "accept", "reject", "candidate", "flows", "events", "explain", "sessions"]
    s = connect()
    n = 0
    for c in commands:
        for name in names:
            for v in wrong:
                if (c, name, v) in (("release", "all", True), ("divert", "all", True)):
                    continue
                n += 1
                s.sendall(json.dumps({"id": n, "command": c, "args": {name: v}}).encode() + b"\n")
                a = line(s)
                assert a["id"] in (n, None) and (a["ok"] or a["error"]["text"]), a

def pipelined():
    s = connect()
    s.sendall(b"".join(b'{"id":%d,"command":"status"}\n' % i for i in range(500)))
    f = s.makefile("rb")
    assert [json.loads(f.readline())["id"] for _ in range(500)] == list(range(500))

def halves():
    s = connect()
    for b in b'{"id":7,"command":"status"}\n':
        s.sendall(bytes((b,)))
    assert line(s)["id"] == 7
    s = connect()
    s.sendall(b'{"id":7,"comm')
    s.close()

def half_closed():  # as socat does at the end of its input
    s = connect()
    s.sendall(b'{"id":1,"command":"status"}\n{"id":2,"command":"mode","args":{"group":"x","mode":"monitor"}}\n'
              b'{"id":3,"command":"mode","args":{"group":"x","mode":"discover"}}\n')
    s.shutdown(socket.SHUT_WR)
    f = s.makefile("rb")
    assert [json.loads(f.readline())["id"] for _ in range(3)] == [1, 2, 3]
    assert not f.readline()

def many():
    keep = [connect() for _ in range(300)]
    alive = 0
    for s in keep:
        try:
            s.sendall(b'{"id":1,"command":"status"}\n')
            alive += line(s) is not None
        except (BrokenPipeError, ConnectionResetError):
            pass
    assert 100 <= alive <= 128, alive

def deaf():
    s = connect()  # asks and asks, and reads nothing
    s.settimeout(5)
    try:
        for _ in range(4000000):
            s.sendall(b'{"id":1,"command":"ls"}\n' * 100)
    except (BrokenPipeError, ConnectionResetError, TimeoutError):
        pass

def huge():
    s = connect()
    try:
        for _ in range(70):
            s.sendall(b"x" * (1 << 20))
        assert not s.recv(1)
    except (BrokenPipeError, ConnectionResetError):
        pass

def deaf_follower():
    s = connect()
    s.sendall(b'{"id":1,"command":"events","args":{"follow":true,"limit":1}}\n')
    assert line(s)["ok"]
    o = connect()
    for i in range(2000):  # each makes an event
        o.sendall(b'{"command":"mode","args":{"group":"x","mode":"%s","wait":false}}\n'
                  % (b"monitor", b"discover")[i % 2])
        assert line(o)["ok"]
    data = b""
    s.settimeout(2)
    try:
        while True:
            more = s.recv(1 << 20)
            if not more:
                break
            data += more
    except TimeoutError:
        pass
    got = [json.loads(x) for x in data.splitlines()]
    seen = sum("event" in x for x in got)
    missed = sum(x.get("missed", 0) for x in got)
    assert seen > 100 and seen + missed >= 1900, (seen, missed)

def no_descriptor():
    def status():
        s.sendall(b'{"id":1,"command":"status"}\n')
        return line(s)["door"]["pauses"]

    def ticks():  # of a processor, 100 a second
        text = open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()
        return int(text[11]) + int(text[12])

    s, pid = connect(), int(os.environ["AGENT_PID"])
    before = status()
    taken = {int(x) for x in os.listdir(f"/proc/{pid}/fd")}
    free = min(set(range(len(taken) + 1)) - taken)
    was = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (free, was[1]))
    other, begin, end = connect(), ticks(), time.time() + 60
    while status() < before + 8:  # a quarter of a second each
        assert time.time() < end
        select.select([], [], [], 0.1)
    used = ticks() - begin
    resource.prlimit(pid, resource.RLIMIT_NOFILE, was)
    other.sendall(b'{"id":7,"command":"status"}\n')
    assert line(other)["id"] == 7
    assert used < 100, used

globals()[sys.argv[1]]()
P

client() { AGENT_PID=$agent_pid timeout 100 python3 "$TEST_DIR/client.py" "$1" >"$out" 2>&1; }
alive() { told 'd["data_plane"]["up"]' status; }

bridge
workload web 2
write_config "$netns_only"
start_agent
for what in rubbish arguments pipelined halves half_closed many deaf huge deaf_follower no_descriptor; do
    client $what
    point $? "$what" "$out"
    alive
    point $? "... and others are answered" "$out"
done
[ "$(stat -c %a "$WEIR_SOCKET")" = 600 ]
point $? "only root may come in"
su nobody -s /bin/sh -c "exec 3<>/dev/null; python3 -c 'import socket; socket.socket(socket.AF_UNIX).connect(\"$WEIR_SOCKET\")'" >"$out" 2>&1
[ $? != 0 ]
point $? "nobody may not" "$out"

# --- a data plane that hangs ----------------------------------------------------

mapfile -t hung < <(pgrep -f -- "--control $door")
kill -STOP "${hung[@]}"
timeout 60 "$weir" mode nobody monitor -o json >"$out" 2>&1
[ $? = 1 ] && json 'd["error"]["code"] == "ETIMEDOUT" and "stored" in d["error"]["text"]'
point $? "a change that a hung data plane does not take is stored, and its command ends" "$out"
kill -CONT "${hung[@]}"
told_soon 'd["data_plane"]["up"] and d["policy"]["in_force"]' status
point $? "... and comes into force when it goes on" "$out"
timeout 60 "$weir" mode nobody discover -o json >"$out" 2>&1 && json 'd["in_force"]'
point $? "... and so does the next change" "$out"
stop_agent
point $? "it ends as it should"
kill_agent
no_plane() { ! pgrep -f -- "--control $door" >>"$TEST_DIR/log"; }
wait_until 10 no_plane && start_agent
point $? "another one starts, with a data plane of its own" "$TEST_DIR/agent.log"
mapfile -t hung < <(pgrep -f -- "--control $door")
kill -STOP "${hung[@]}"
weir release --all
point $? "all is released while that hangs" "$out"
kill "$agent_pid"
ended() { ! kill -0 "$agent_pid" 2>>"$TEST_DIR/log"; }
wait_until 60 ended && wait_until 10 no_plane
point $? "... and the agent ends, and its data plane with it" "$TEST_DIR/agent.log"
agent_pid=

finish
