#!/usr/bin/python3
"""storm.py ROUNDS DOOR COMPAT SINK WEIR FETCHED: says everything to a weir-dp
that serves a container, while traffic runs through it.

Four threads, each with a bounded number of messages, meet after every round:
the owner of the configuration on our own door, an agent on the compatible one
(it keeps to workloads of its own, and hears notices at SINK), clients that come and
vanish, and one that captures. The owner goes on only when frames were forwarded in the round,
and now and then when a download was refused by its rule and another one came
whole: FETCHED is a file that grows with each. WEIR takes the port's interface
away and brings it back.

Every answer is checked; a wait has a deadline. Exits with 0, or says what was
wrong.
"""

import array
import ctypes
import fcntl
import json
import mmap
import os
import pathlib
import socket
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "compat"))
from dpclient import Client, decode, listen, messages  # noqa: E402

MAC = "1a:27:f3:87:3a:27"
HOST, CONTAINER = "10.10.10.66", "10.10.10.88"
PATIENCE_S = 60  # for what takes milliseconds; valgrind, a busy machine
FETCH_EVERY = 10  # rounds
IFACE_ROUNDS = 2  # of all
SEALS = (fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE)
DENY, ALLOW = 7, 2
ADD, MODIFY, DELETE = 1, 2, 3
START, END, WHOLE = 1, 2, 3

# What would cut off the traffic, or is somebody else's: not for everybody.
TRAFFIC_NEEDS = {"ctrl_add_srvc_port", "ctrl_del_srvc_port", "ctrl_cfg_internal_net"}
NOT_THERE = {"ctrl_add_port_pair", "ctrl_add_tap_port", "ctrl_add_nfq_port",
             "ctrl_del_port_pair", "ctrl_del_tap_port", "ctrl_del_nfq_port"}
# A kind of message has one place for chunks, whoever sends them.
chunking = threading.Lock()


def until(what, condition):
    """Asks again and again; the deadline is for what never comes."""
    deadline = time.monotonic() + PATIENCE_S
    pause = threading.Event()
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        pause.wait(0.01)


class Door:
    """A client of our own door."""

    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.sock.settimeout(PATIENCE_S)
        self.sock.connect(path)
        self.n = 0

    def answer(self):
        data, fds, _, _ = socket.recv_fds(self.sock, 70000, 4)
        answer = json.loads(data)
        assert answer.get("id") in (None, self.n), (self.n, answer)
        if answer.get("memfd"):
            with os.fdopen(fds[0], "rb") as f:
                f.seek(0)
                return json.load(f)
        assert not fds
        return answer

    def say(self, name, body, fds=()):
        self.n += 1
        text = json.dumps({"id": self.n, name: body}).encode()
        if len(text) > 60000:
            return self.large(json.dumps({name: body}).encode())
        if fds:
            socket.send_fds(self.sock, [text], fds)
        else:
            self.sock.send(text)
        return self.answer()

    def large(self, text):
        fd = os.memfd_create("body", os.MFD_ALLOW_SEALING)
        os.write(fd, text)
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, SEALS)
        head = json.dumps({"id": self.n, "memfd": True}).encode()
        socket.send_fds(self.sock, [head], [fd])
        os.close(fd)
        return self.answer()

    def do(self, name, **body):
        answer = self.say(name, body)
        assert answer["ok"], (name, body, answer)
        return answer

    def refused(self, code, name, **body):
        answer = self.say(name, body)
        assert not answer["ok"] and answer["error"]["code"] == code, \
            (name, body, answer)


# --- messages --------------------------------------------------------------

def rule(i, proto, port, action, **more):
    v6 = proto == 58 or more.pop("v6", False)
    net = "fd00:10:10:10::" if v6 else "10.10.10."
    return {"id": i, "sip": net + "66", "dip": net + "88", "port": port,
            "portr": port or 65535, "proto": proto, "action": action,
            "ingress": True, **more}


def what_runs():
    """What the traffic of the test needs; the rest is denied."""
    return [rule(1, 1, 0, ALLOW), rule(2, 58, 0, ALLOW), rule(3, 6, 80, ALLOW),
            rule(4, 6, 5201, ALLOW), rule(5, 6, 5202, ALLOW),
            rule(6, 17, 5202, ALLOW), rule(7, 17, 0, ALLOW, fqdn="a.example"),
            rule(8, 6, 443, ALLOW, apps=[{"app": 1001, "action": ALLOW, "rid": 9}])]


def policy(rules, cmd=ADD, flag=WHOLE, mac=MAC, **more):
    return {"cmd": cmd, "flag": flag, "defact": DENY, "dir": 3, "mac": [mac],
            "rules": rules, **more}


def nets(n, flag=WHOLE, host="0"):
    return {"flag": flag, "subnet_addr": [
        {"ip": f"10.{i >> 8}.{i & 255}.{host}", "mask": "255.255.255.0"}
        for i in range(n)]}


def workload(i, mark):
    tail = f"{i >> 8 & 255:02x}:{i & 255:02x}"
    return {"iface": "vth", "mac": f"02:00:00:{mark}:{tail}",
            "ucmac": f"4e:65:75:{mark}:{tail}", "bcmac": ""}


def examples(mac):
    """All the agent may say, of that workload; its ports are nowhere."""
    for name, body, kind in messages(mac):
        if name in TRAFFIC_NEEDS:
            continue
        if "netns" in body:
            body = body | {"netns": "/run/netns/none"}
        yield name, body, kind


# --- the owner, on our own door ----------------------------------------------

def workloads(door, r):
    for i in range(3):
        w = workload(r * 4 + i, "0a")
        door.do("ctrl_add_mac", **w)
        door.do("ctrl_cfg_policy", **policy(what_runs(), mac=w["mac"]))
        door.do("ctrl_cfg_mac", macs=[MAC, w["mac"]], tap=True, apps=[
            {"ip_proto": 6, "port": 80, "app": 1001, "server": 0}])
        door.do("ctrl_cfg_mac", macs=[MAC, w["mac"]], tap=False)
        if i % 2:
            door.do("ctrl_del_mac", iface="vth", mac=w["mac"])
    for i in range(0, 3, 2):
        door.do("ctrl_del_mac", mac=workload(r * 4 + i, "0a")["mac"])


def container_again(door, r):
    """Its own entry, too, goes and comes."""
    door.do("ctrl_del_mac", mac=MAC)
    door.refused("ENOENT", "ctrl_cfg_mac", macs=[MAC], tap=False)
    door.do("ctrl_add_mac", mac=MAC, ucmac="4e:65:75:56:00:b4",
            bcmac="ff:ff:ff:00:00:b4", pips=[{"ip": "10.1.1.1"}])
    door.do("ctrl_cfg_mac", macs=[MAC], tap=False)


def policies(door, r):
    door.do("ctrl_cfg_policy", **policy(what_runs()))
    door.do("ctrl_cfg_policy", **policy(what_runs()[1:], MODIFY))
    door.do("ctrl_cfg_policy", **policy([], DELETE))
    door.do("ctrl_enable_icmp_policy", enable_icmp_policy=r % 2 == 0)
    many = [rule(i, 6, i, ALLOW) for i in range(1000, 1100 if r % 8 else 2000)]
    door.do("ctrl_cfg_policy", **policy(many + what_runs()))
    door.do("ctrl_cfg_policy", **policy(what_runs(), MODIFY, defact_reject=True))


def whole(door, r):
    """All policies at once, then as before; and a wrong one."""
    allow = [{"id": 1 + way, "action": "allow", "to": ["set:all"], "ports": ["0-65535"],
              "ingress": way == 1} for way in range(2)]
    body = {"version": 2 * r + 2, "force": True, "sets": {"all": ["0.0.0.0/0", "::/0"], f"s{r % 2}": [HOST]},
            "policies": [{"macs": [MAC, f"02:00:00:00:09:{i:02x}"], "default": "reject", "rules": [
                *allow, *({"id": 10 + k, "from": ["external", f"10.2.{i}.{k}"], "ingress": True, "action": "alert"}
                          for k in range(20))]} for i in range(1)]}
    for _ in range(2):  # the second time nothing is compiled
        answer = door.do("weir_policy", **body)
    assert answer["compiled"] == 0 and len(answer["unknown"]) == 1, answer
    door.refused("ENOENT", "weir_policy", **{**body, "sets": {}})
    door.do("weir_sets", sets=body["sets"])
    door.do("ctrl_cfg_policy", **policy(what_runs()))


def chunks(door, r):
    with chunking:
        door.do("ctrl_cfg_policy", **policy(what_runs(), flag=START))
        # forgotten by another beginning
        door.do("ctrl_cfg_policy", **policy(what_runs()[4:], flag=START))
        door.do("ctrl_cfg_policy", **policy([rule(20, 6, 22, DENY, reject=True)], flag=0))
        door.do("ctrl_cfg_policy", **policy(what_runs()[:4], flag=END))
        door.do("ctrl_cfg_policy_addr", **nets(3, START, "1"))
        door.do("ctrl_cfg_policy_addr", **nets(30, END, "2"))
        door.do("ctrl_cfg_specip_net", **nets(5, START))
        door.do("ctrl_cfg_specip_net", **nets(5))
        door.do("ctrl_cfg_internal_net", flag=WHOLE, subnet_addr=[
            {"ip": "10.10.10.0", "mask": "255.255.255.0"},
            {"ip": CONTAINER, "mask": "255.255.255.255", "iptype": "devip"}])
        door.refused("EINVAL", "ctrl_cfg_specip_net", **nets(3, 0))


def all_kinds(door, r):
    """Each message of the agent's, on this door."""
    mac = workload(r, "0d")["mac"]
    with chunking:
        for name, body, _ in examples(mac):
            answer = door.say(name, body)
            assert answer["ok"] or name in NOT_THERE, (name, body, answer)


def rules_by_name(door, r):
    """Rules of our own form speak of a set, which changes under them."""
    w = workload(r, "0f")
    door.do("ctrl_add_mac", **w)
    door.do("weir_sets", sets={"peers": [HOST, "10.1.0.0/16"], "none": []})
    by_name = {"id": 31, "from": ["set:peers", "internal"], "to": [CONTAINER],
               "proto": "tcp", "ports": ["80", "1000-2000"], "action": "allow",
               "ingress": True}
    door.do("ctrl_cfg_policy", **policy([by_name], mac=w["mac"]))
    door.do("weir_sets", sets={"peers": [f"10.1.{r}.{i}" for i in range(40)]})
    for proto, port in (("tcp", 80), ("udp", 53), ("icmp", 0)):
        door.do("weir_explain", **{"from": HOST, "to": CONTAINER, "proto": proto,
                                   "port": port, "workload": w["mac"]})
    door.do("ctrl_del_mac", mac=w["mac"])
    door.do("weir_sets", sets={})


def mistakes(door, r):
    """What was taken before the mistake is given back."""
    door.refused("EINVAL", "ctrl_cfg_policy", **policy(
        what_runs() + [{**rule(9, 6, 1, ALLOW), "sip": "10.0.0.300"}]))
    door.refused("ENOENT", "ctrl_cfg_policy", **policy(
        what_runs(), mac="02:00:00:00:00:01"))
    door.refused("EINVAL", "ctrl_cfg_internal_net", flag=3, subnet_addr=[
        {"ip": "10.0.0.0", "mask": "255.0.255.0"}])
    door.refused("EEXIST", "ctrl_add_mac", **{
        **workload(0, "0b"), "ucmac": "4e:65:75:56:00:b4"})
    door.refused("EINVAL", "ctrl_add_mac", mac="1a:27")
    door.refused("EINVAL", "ctrl_cfg_mac", macs=[MAC, MAC, "x"], tap=True,
                 apps=[{"ip_proto": 6, "port": 80}])
    door.refused("EEXIST", "ctrl_add_srvc_port", iface="vth")
    door.refused("ENOENT", "ctrl_nonsense")
    null = os.open("/dev/null", os.O_RDONLY)
    for n in range(1, 4):
        assert door.say("weir_version", {}, [null] * n)["ok"]
    os.close(null)


def sessions(door, r):
    after, first = 0, None
    for _ in range(8):
        page = door.do("ctrl_list_session", after=after, limit=2 + r % 7)
        first = first or (page["sessions"] and page["sessions"][0]["id"])
        after = page["next"]
        if after is None:
            break
    door.do("ctrl_clear_session", filter_id=first or 1)
    door.do("ctrl_count_session")
    if r % 4 == 0:
        door.do("ctrl_clear_session", filter_id=0)


def settings(door, r):
    """What tables do at their limits changes under the traffic, and back."""
    before = door.do("weir_settings")["settings"]
    door.do("weir_settings", flows={"full": ["drop", "judge"][r % 2]},
            meters={"syn-flood": {"span_s": 5 + r % 3},
                    "udp-flood": {"enabled": True}},
            threats={"2003": {"enabled": r % 2 == 0}},
            streams={"overlap": "last", "on": {"held_max": "bypass"}},
            fragments={"overlap": "first"},
            tunnels={"look": ["gre", "vxlan"], "vxlan_ports": [4789 + r % 2]})
    door.refused("EINVAL", "weir_settings", flows={"full": "judge"},
                 meters={"syn-flood": {"upper": 0}})
    assert door.do("weir_settings", **before)["settings"] == before


def questions(door, r):
    for _ in range(4):
        for name in ("weir_stats", "ctrl_list_session", "weir_blocks",
                     "weir_config", "ctrl_count_session", "weir_version"):
            door.do(name)
    door.do("ctrl_keep_alive", seq_num=r)
    door.do("ctrl_set_debug", categories=[["all"], [], ["ctrl", "tcp"]][r % 3])


def port_again(door, r):
    door.do("ctrl_del_srvc_port", iface="vth")
    door.refused("ENODEV", "ctrl_add_srvc_port", iface="nope")
    door.do("weir_stats")
    door.do("ctrl_add_srvc_port", iface="vth")


def ports_heard(door):
    """Frames that came by each port that is open."""
    stats = door.do("weir_stats")
    return {p["kind"] + p.get("iface", "") if p["kind"] == "pair" else p["kind"]:
            p["received"] for p in stats["other_ports"] if p["state"] == "open"}


def other_ports(door, weir):
    """
    A tap and a queue in the container's namespace, and a pair, beside the
    service port; all of another workload. With WEIR the interfaces go and come.
    """
    w = workload(0, "0e")
    there = {"netns": "/run/netns/container-ns", "iface": "eth0"}
    pair = {"vex_iface": "pair1", "vin_iface": "pair2"}
    door.do("ctrl_add_mac", **w)
    door.do("ctrl_cfg_mac", macs=[w["mac"]], tap=False)
    door.do("ctrl_add_tap_port", **there, epmac=w["mac"])
    door.do("ctrl_add_nfq_port", **there, qnum=7, epmac=w["mac"])
    door.do("ctrl_add_port_pair", **pair, epmac=w["mac"], quar=False)
    if weir:
        interface_again(door, weir)
    questions(door, 0)
    until("all ports are open", lambda: len(ports_heard(door)) == 4)
    before = ports_heard(door)
    for kind in ("tap", "nfq"):
        until(f"{kind} hears frames",
              lambda: ports_heard(door).get(kind, 0) > before[kind])
    door.do("ctrl_del_tap_port", **there, epmac="")
    door.do("ctrl_del_port_pair", **pair, epmac="")
    door.do("ctrl_del_nfq_port", **there, qnum=7, epmac="")
    door.do("ctrl_del_mac", mac=w["mac"])


def interface_again(door, weir):
    """Messages go on while the interface goes, is gone, and comes."""
    def splice(*words):
        process = subprocess.Popen([weir, "splice", *words], text=True,
                                   stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT)
        for r in range(6):
            questions(door, r)
        output, _ = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0, output

    def is_state(want):
        return lambda: door.do("weir_stats")["port"]["state"] == want

    where = ("--netns", "container-ns", "--agent", "agent-ns")
    splice("down", *where)
    until("the port is lost", is_state("lost"))
    questions(door, 0)
    policies(door, 0)
    sessions(door, 0)
    splice("up", *where, "--mark", "00b4", "--mode", "inline")
    until("the port is open", is_state("open"))


def fetched(path):
    return os.stat(path).st_size


def downloads(door, r, path):
    """A rule that denies them is met; without it they come whole."""
    deny = rule(1000 + r, 6, 80, DENY, reject=r % 2 == 0)
    door.do("ctrl_cfg_policy", **policy([deny] + what_runs(), MODIFY))
    until("a download is blocked", lambda: any(
        b["rule"] == deny["id"] for b in door.do("weir_blocks")["blocks"]))
    door.do("ctrl_cfg_policy", **policy(what_runs(), MODIFY))
    before = fetched(path)
    until("a download comes whole", lambda: fetched(path) > before)


def forwarded(door):
    return sum(door.do("weir_stats")["forwarded"].values())


def owner(rounds, door_path, weir, fetched_path):
    door = Door(door_path)
    iface_every = rounds // (IFACE_ROUNDS + 1)

    def one(r):
        before = forwarded(door)
        for step in (workloads, policies, whole, chunks, all_kinds, rules_by_name,
                     mistakes, sessions, settings, questions):
            step(door, r)
        if r % 5 == 1:
            container_again(door, r)
        if r % 5 == 2:
            port_again(door, r)
        if r % iface_every == iface_every - 1 and r < iface_every * IFACE_ROUNDS:
            other_ports(door, weir)
        elif r % 5 == 3:
            other_ports(door, None)
        policies(door, r)
        until("frames are forwarded", lambda: forwarded(door) > before + 20)
        if r % FETCH_EVERY == 7:
            downloads(door, r, fetched_path)
    return one


# --- an agent, on the compatible door ----------------------------------------

def hear_apps(sink, mac):
    """Notices, each as the reference says, up to that workload's ports."""
    while True:
        notice = decode(sink.recv(9000))
        if notice["kind"] == "app_update" and notice["mac"] == mac:
            return


def agent(compat, sink_path):
    folder = os.path.dirname(compat)
    a = Client(compat, f"{folder}/agent.sock", PATIENCE_S)

    def everything(mac):
        sink = listen(sink_path)
        sink.settimeout(PATIENCE_S)
        for i, (name, body, kind) in enumerate(examples(mac)):
            a.ask(name, body, kind)
            a.alive(i)
            if name == "ctrl_refresh_app":
                hear_apps(sink, mac)
        sink.close()

    def one(r):
        for i in range(2):
            w = workload(r * 2 + i, "0c")
            with chunking:
                everything(w["mac"])
        a.send("ctrl_cfg_mac", {"tap": True, "macs": [w["mac"]]})
        for wrong in (b"", b"[" * 3000, b'{"ctrl_add_mac":', b'{"a":1,"a":2}',
                      b'{"ctrl_cfg_mac":{"macs":["x"],"tap":true}}', b"x" * 9000):
            a.sock.sendto(wrong, compat)
        a.alive(r)
        # it asks, and is gone before it is answered
        other = Client(compat, f"{folder}/vanishing.sock", PATIENCE_S)
        other.send("ctrl_list_session", {})
        other.send("ctrl_keep_alive", {"seq_num": 1})
        other.close()
    return one


# --- clients that come and vanish --------------------------------------------

def connect(path):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.connect(path)  # waits where the queue is full, which one with a time-out does not
    s.settimeout(PATIENCE_S)
    return s


def never_reads(path):
    """Until it is dropped; the number of answers that a socket holds bounds it."""
    s = connect(path)
    try:
        for _ in range(10000):
            s.send(b'{"weir_config":{}}')
    except (BrokenPipeError, ConnectionResetError):
        return
    raise AssertionError("a client that never reads is not dropped")


def crowd(path, n):
    """More than are served: those over the limit are closed."""
    many = []
    for _ in range(n):
        try:
            many.append(connect(path))
        except (OSError, socket.timeout):
            break
    for s in many:
        s.close()


def capturer(path):
    """Captures for a round, reads nothing, and scribbles where it may."""
    held = []

    def one(r):
        ask = json.dumps({"weir_capture": {"workload": MAC, "snaplen": r % 3 * 100}}).encode()
        s = connect(path)
        s.send(ask)
        data, fds, _, _ = socket.recv_fds(s, 70000, 4)
        assert json.loads(data)["ok"] and len(fds) == 1, data
        with mmap.mmap(fds[0], 0) as ring:
            ring[128:136] = os.urandom(8) if r % 2 else ring[64:72]
        os.close(fds[0])
        held.append(s)
        if len(held) > 2:
            held.pop(0).close()
        s = connect(path)
        s.send(ask)
        s.close()
    return one


def passers_by(path):
    unsealed = os.memfd_create("unsealed", os.MFD_ALLOW_SEALING)
    os.write(unsealed, b'{"weir_stats":{}}')

    def one(r):
        connect(path).close()
        for text in (b'{"weir_config":{}}', b'{"id":1,', b"\0" * 60000,
                     b'{"ctrl_list_session":{}}', b"7"):
            s = connect(path)
            s.send(text)
            s.close()
        s = connect(path)
        socket.send_fds(s, [b'{"id":1,"memfd":true}'], [unsealed])
        s.close()
        # a socket's worth of descriptors that nobody wants
        s = connect(path)
        s.sendmsg([b'{"weir_version":{}}'], [(
            socket.SOL_SOCKET, socket.SCM_RIGHTS,
            array.array("i", [unsealed] * 8))])
        s.recv(70000)
        s.close()
        if r % 5 == 3:
            never_reads(path)
        if r % 5 == 4:
            crowd(path, 70)
    return one


# --- together ----------------------------------------------------------------

def run(rounds, players):
    """Each player's rounds, all together; the first failure ends them."""
    meet = threading.Barrier(len(players))
    problems = []

    def play(player):
        try:
            for r in range(rounds):
                player(r)
                meet.wait(4 * PATIENCE_S)
        except threading.BrokenBarrierError:
            pass
        except Exception as e:  # told by main
            problems.append(e)
            meet.abort()

    threads = [threading.Thread(target=play, args=(p,)) for p in players]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if problems:
        raise problems[0]


def main():
    rounds, door, compat, sink, weir, fetched_path = sys.argv[1:]
    # Dies with the test, however that ends.
    ctypes.CDLL(None).prctl(1, 15)
    run(int(rounds), [owner(int(rounds), door, weir, fetched_path),
                      agent(compat, sink), passers_by(door), capturer(door)])


main()
