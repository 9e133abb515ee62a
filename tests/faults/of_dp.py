"""weir-dp's two processes: their start, and what they are told at the door."""
import array
import json
import os
import re
import socket

import sites
from trial import Action, Asked, LIMIT_S, Program, Start, until

MAC = "1a:27:f3:87:3a:27"
NEW_MAC = "1a:27:f3:87:3a:28"
RULES = "".join(f'alert http any any -> any any (msg:"rule {i}"; http.uri; content:"/way{i}"; '
                f'pcre:"/way{i}[0-9]+/U"; sid:{i + 1};)\n' for i in range(3))
LOAD = [
    {"ctrl_cfg_internal_net": {"flag": 3, "subnet_addr": [{"ip": "10.10.10.0", "mask": "255.255.255.0"}]}},
    {"ctrl_add_srvc_port": {"iface": "vth"}},
    {"ctrl_add_mac": {"iface": "vth", "mac": MAC, "ucmac": "4e:65:75:56:00:b4", "bcmac": "ff:ff:ff:00:00:b4"}},
    {"ctrl_cfg_mac": {"tap": False, "macs": [MAC]}},
    {"weir_settings": {"flows": {"full": "drop"}}},
    {"weir_policy": {"version": 1, "sets": {"outside": ["192.0.2.0/24"]}, "policies": [{"macs": [MAC], "default": "deny", "rules": [
        {"id": 1, "from": ["any"], "to": ["any"], "ports": ["80-81"], "proto": "tcp", "action": "allow", "ingress": True},
        {"id": 2, "from": ["10.0.0.0/8"], "to": ["set:outside"], "ports": ["443"], "proto": "tcp", "action": "allow",
         "apps": ["ssl"]}]}]}},
    {"weir_rules": {"version": 1, "variables": {"HOME_NET": "10.10.10.0/24"},
                    "files": [{"name": "test.rules", "text": RULES}]}},
    {"weir_detection": {"version": 1, "sensors": [], "workloads": []}},
]


# Which version it is changes each time.
VERSION = re.compile(r'("(?:version|in_force)": ?)[0-9]+')


def ask(door, name, body, seconds=LIMIT_S):
    """The answer, or None: nobody was there, or he did not answer."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
            s.settimeout(seconds)
            s.connect(door)
            s.sendall(json.dumps({"id": 1, name: body}).encode())
            text, given, _, _ = s.recvmsg(1 << 17, socket.CMSG_SPACE(8 * array.array("i").itemsize))
            fds = array.array("i")
            for _, _, data in given:
                fds.frombytes(data[:len(data) - len(data) % fds.itemsize])
            answer = json.loads(text) if text else None
            for fd in fds:
                if answer and answer.get("memfd"):
                    answer = json.loads(os.pread(fd, os.fstat(fd).st_size, 0))
                os.close(fd)
            return answer
    except socket.timeout:
        return {"ok": False, "error": {"text": "no answer", "hangs": True}}
    except OSError:
        return None


BUILT = ("weir_rules", "weir_detection")


def built(door):
    """Of each kind what was built last; None: something is being built."""
    answers = {name: ask(door, name, {}, 5) for name in BUILT}
    if all(a and a.get("ok") and not a.get("building") for a in answers.values()):
        return answers
    return None


def config(door):
    """All that it says of what it was told; None: it does not."""
    there = until(lambda: built(door))
    if not there:
        return None
    answer = ask(door, "weir_config", {})
    if not answer or not answer.get("ok"):
        return None
    told, seen = {}, {}
    for m in answer["messages"]:
        name = next(iter(m))
        seen[name] = seen.get(name, 0) + 1
        told[f"{name} {seen[name]}"] = VERSION.sub(r"\g<1>0", json.dumps(m, sort_keys=True))
    for name, state in there.items():
        told[name] = {k: state.get(k) for k in ("signatures", "sensors", "workloads", "refused", "left_out")}
        if state["error"]:
            told[name + " 1"] = None  # ordered, and not what is in force
    return told


def command(world, *more):
    return ["nsenter", "--net=/run/netns/agent-ns", world.program("dp/weir-dp"), "--control", world.door,
            "--listen", world.folder + "/listen.sock", "--notify", "", "-s", "1", *more]


class DpStart(Start):
    """With messages to start with."""

    name, binary = "dp-start", "dp/weir-dp"
    expected = None

    def command(self):
        with open(self.world.folder + "/load.json", "w", encoding="ascii") as f:
            json.dump(LOAD, f)
        return command(self.world, "--load", self.world.folder + "/load.json", "--crash", self.world.folder + "/crashes")

    def is_ready(self):
        answer = ask(self.world.door, "weir_version", {}, 1)
        return answer and answer.get("ok")

    def wrong(self):
        there = until(lambda: config(self.world.door))
        if self.expected is None:
            DpStart.expected = there
        return None if there == self.expected else f"it is ready with another configuration: {there}"

    def folders(self):
        return (self.world.folder,)


class OpenerStart(DpStart):
    name, roles = "dp-opener-start", sites.FIRST


class WorkerStart(DpStart):
    name, roles = "dp-worker-start", sites.FORKED


class Change:
    """One weir-dp takes over from another: that succeeds, or the first one goes on."""

    name, roles, binary = "dp-takes-over", sites.BOTH, "dp/weir-dp"
    fails = "second"  # whose calls fail

    def __init__(self, world, table):
        self.world, self.table, self.there, self.expected = world, table, [], None

    def begin(self, who, *more):
        env = self.table.environment() if who == self.fails else dict(os.environ)
        p = Program(command(self.world, *more), f"{self.world.folder}/{who}.log", env)
        self.there.append(p)
        return p

    def once(self, arm):
        """arm(): from here on."""
        with open(self.world.folder + "/first.json", "w", encoding="ascii") as f:
            # how rules are built is part of any start
            json.dump([m for m in LOAD if "weir_rules" not in m], f)
        first = self.begin("first", "--load", self.world.folder + "/first.json")
        before = until(lambda: config(self.world.door))
        if self.fails == "second":
            arm()
        second = self.begin("second", "--take-over")
        if self.fails == "first":
            arm()
        decided = until(lambda: first.ended() or second.ended())
        self.table.at.phase = sites.OFF
        self.changed = first.ended()
        problem = first.crashed() or second.crashed()
        if not decided:
            problem = problem or "hangs"
        elif self.changed and first.process.returncode != 0:
            problem = problem or f"the first one ends with {first.process.returncode}"
        elif not self.changed and not second.said().strip():
            problem = problem or "ends without a word"
        if not problem and config(self.world.door) != before:
            problem = "nobody serves, or another configuration"
        return problem or (second if self.changed else first).end()

    def attempt(self, place):
        try:
            problem = self.once(lambda: self.table.fail(place, self.roles))
        finally:
            self.stop()
        return self.table.off(), problem

    def stop(self):
        with open(self.world.log, "w", encoding="utf-8") as log:
            for p in self.there:
                log.write(p.said())
                p.process.kill()
                p.process.wait()
        self.there = []

    def sites(self):
        problem = self.once(lambda: self.table.note(self.roles))
        self.stop()
        self.table.off()
        if problem or not self.changed:
            with open(self.world.log, encoding="utf-8") as f:
                raise AssertionError(f"without any fault: {problem or 'it does not change'}: {f.read()}")
        return self.table.places()


class Given(Change):
    name, fails = "dp-gives-over", "first"


class DpAsked(Asked):
    """Each message that changes something, at its own door."""

    name, binary = "dp-asked", "dp/weir-dp"
    program = None

    def start(self):
        self.program = Program(command(self.world), self.world.log, self.table.environment())
        if not until(lambda: ask(self.world.door, "weir_version", {}, 5)):
            raise AssertionError("it does not start: " + self.program.said())
        for m in LOAD:
            problem = self.tell(m)()
            if problem:
                raise AssertionError(problem)

    def end(self):
        if self.program.end():
            self.program.process.kill()
            self.program.process.wait()

    def tell(self, *messages):
        """Something to do: None, or why it was refused; "" if there was no answer."""
        def do():
            for m in messages:
                (name, body), = m.items()
                body = dict(body)
                if "version" in body:
                    self.version = body["version"] = getattr(self, "version", 1) + 1
                answer = ask(self.world.door, name, body)
                if answer is None:
                    return ""
                if not answer.get("ok"):
                    return str(answer.get("error", answer))
                there = until(lambda: built(self.world.door))
                if there and name in there and there[name]["error"]:
                    return "not built: " + there[name]["error"]
            return None
        return do

    def state(self):
        return config(self.world.door)

    def program_wrong(self):
        if self.program.ended():
            return f"ends with {self.program.process.returncode}: {self.program.crashed() or ''}"
        return self.program.crashed()

    def actions(self):
        by_name = {next(iter(m)): m for m in LOAD}
        policy = json.loads(json.dumps(by_name["weir_policy"]))
        policy["weir_policy"]["policies"][0]["rules"].append(
            {"id": 3, "from": ["any"], "to": ["set:outside"], "ports": ["8443"], "proto": "tcp", "action": "allow"})
        rules = json.loads(json.dumps(by_name["weir_rules"]))
        rules["weir_rules"]["files"][0]["text"] += RULES.replace("sid:", "sid:10").replace("/way", "/other")
        sensors = {"weir_detection": {"version": 1, "sensors": [
            {"id": 30001, "name": "cards", "kind": "dlp", "patterns": [{"secret": "card_number"}]},
            {"id": 45001, "name": "words", "kind": "waf", "patterns": [{"regex": "drop\\s+table", "flags": "i", "where": "url"}]}],
            "workloads": [{"macs": [MAC], "signatures": "alert",
                           "sensors": [{"id": 30001, "action": "alert"}, {"id": 45001, "action": "block"}]}]}}
        mac = {"iface": "vth", "mac": NEW_MAC, "ucmac": "4e:65:75:56:00:b5", "bcmac": "ff:ff:ff:00:00:b5"}
        settings = {"weir_settings": {"flows": {"full": "judge"}}}
        subnets = {"ctrl_cfg_internal_net": {"flag": 3, "subnet_addr": [{"ip": "10.10.0.0", "mask": "255.255.0.0"}]}}
        cfg = {"flag": 3, "cmd": 1, "defact": 7, "dir": 3, "mac": [MAC], "rules": []}
        tell = self.tell
        return [
            Action("weir_policy", tell(policy), tell(by_name["weir_policy"])),
            Action("weir_rules", tell(rules), tell(by_name["weir_rules"])),
            Action("weir_detection", tell(sensors), tell(by_name["weir_detection"])),
            Action("weir_settings", tell(settings), tell(by_name["weir_settings"])),
            Action("ctrl_cfg_internal_net", tell(subnets), tell(by_name["ctrl_cfg_internal_net"])),
            Action("ctrl_add_mac", tell({"ctrl_add_mac": mac}), tell({"ctrl_del_mac": {"iface": "vth", "mac": NEW_MAC}})),
            Action("ctrl_del_srvc_port", tell({"ctrl_del_srvc_port": {"iface": "vth"}}),
                   tell({"ctrl_add_srvc_port": {"iface": "vth"}})),
        ]
