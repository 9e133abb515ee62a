"""weir-agent and weir-api: their start, and what they are asked to change."""
import http.client
import json
import os
import re
import socket

import of_dp
from trial import Action, Asked, LIMIT_S, Program, Start, until

POLICY = """apiVersion: weir/v1
kind: Policy
default_mode: protect
groups:
- {name: web, mode: protect}
- {name: app, mode: protect}
rules:
- {id: 10, from: [app], to: [web], ports: [tcp/80], action: allow}
"""
OTHER = POLICY + "- {id: 11, from: [app], to: [web], ports: [tcp/8080], action: allow}\n"
RULES = 'alert http any any -> any any (msg:"one"; http.uri; content:"/way"; sid:1000001;)\n'


def ask(door, command, seconds=LIMIT_S, **args):
    """The answer, or None: nobody was there, or he did not answer."""
    try:
        with socket.socket(socket.AF_UNIX) as s:
            s.settimeout(seconds)
            s.connect(door)
            s.sendall(json.dumps({"id": 1, "command": command, "args": args}).encode() + b"\n")
            line = s.makefile("rb").readline()
            return json.loads(line) if line.endswith(b"\n") else None
    except socket.timeout:
        return {"ok": False, "error": {"text": "no answer"}}
    except OSError:
        return None


def config(world, more=""):
    path = world.folder + "/weir.yaml"
    with open(path, "w", encoding="ascii") as f:
        f.write(f"""store: {{dir: {world.folder}/store}}
control: {{socket: {world.agent_door}, api_user: nobody, group: nogroup}}
data_plane: {{socket: {world.door}}}
runtimes: [{{kind: netns, path: /run/netns}}]
{more}""")
    return path


def is_whole(world):
    """The workloads are guarded, and the data plane has their policy."""
    s, ls = ask(world.agent_door, "status", 5), ask(world.agent_door, "ls", 5)
    return s and ls and s.get("ok") and ls.get("ok") and s["data_plane"]["up"] and s["policy"]["in_force"] and \
        sorted((w["name"], [p.get("doing") for p in w["ports"]]) for w in ls["workloads"] if w["ports"]) == \
        [("app", ["inline"]), ("web", ["inline"])] and s


class AgentStart(Start):
    """With two workloads and a data plane that goes on from the run before."""

    name, binary = "agent-start", "agent/weir-agent"

    def command(self):
        return [self.world.program(self.binary), "--config", config(self.world)]

    def is_ready(self):
        return is_whole(self.world)

    def wrong(self):
        return None

    def folders(self):
        return (self.world.folder + "/doors",)

    def sites(self):
        os.makedirs(self.world.folder + "/doors", exist_ok=True)
        # the data plane and what is guarded stay when an agent ends
        first = Program(self.command(), self.world.log, dict(os.environ))
        applied = until(lambda: ask(self.world.agent_door, "status", 5)) and \
            ask(self.world.agent_door, "apply", text=POLICY)
        if not applied or not applied["ok"] or not until(self.is_ready):
            raise AssertionError(f"it does not start: {applied} {first.said()}")
        first.end()
        return super().sites()


class AgentAsked(Asked):
    name, binary = "agent-asked", "agent/weir-agent"

    def start(self):
        os.makedirs(self.world.folder + "/doors", exist_ok=True)
        self.program = Program([self.world.program(self.binary), "--config", config(self.world)],
                               self.world.log, self.table.environment())
        if not until(lambda: ask(self.world.agent_door, "status", 5)) or self.tell("apply", text=POLICY)() or \
                not until(lambda: is_whole(self.world)):
            raise AssertionError("it does not start: " + self.program.said())

    def end(self):
        if self.program.end():
            self.program.process.kill()
            self.program.process.wait()

    def tell(self, command, **args):
        def do():
            answer = ask(self.world.agent_door, command, **args)
            if answer is None:
                return ""
            return None if answer.get("ok") else str(answer.get("error"))
        return do

    def state(self):
        if not until(lambda: self.program.ended() or is_whole(self.world)):
            return None
        told = {}
        for command in "export", "settings", "rules-loaded":
            answer = ask(self.world.agent_door, command) or {}
            # of settings what holds: what was set and is the default again may be named or not
            answer = answer.get("settings", answer)
            told[command] = re.sub(r'"(revision|version)": [0-9]+', "", json.dumps(answer, sort_keys=True))
        plane = of_dp.config(self.world.door) or {}
        told["plane"] = plane.get("weir_policy 1")
        return told

    def program_wrong(self):
        if self.program.ended():
            return f"ends with {self.program.process.returncode}: {self.program.crashed() or ''}"
        return self.program.crashed()

    def actions(self):
        tell = self.tell
        return [
            Action("apply", tell("apply", text=OTHER), tell("apply", text=POLICY)),
            Action("settings-set", tell("settings-set", part=True, settings={"data_plane": {"cache": {"frames": 9}}}),
                   tell("settings-set", part=True, settings={"data_plane": {"cache": {"frames": None}}})),
            Action("rules-load", tell("rules-load", files=[{"name": "one.rules", "text": RULES}]),
                   tell("rules-unload", all=True)),
        ]


class ApiStart(Start):
    name, binary = "api-start", "api/weir-api"

    def command(self):
        os.makedirs(self.world.folder + "/web", exist_ok=True)
        return [self.world.program(self.binary), "--socket", self.world.agent_door, "--state", self.world.state,
                "--web", self.world.folder + "/web", "--user", "nobody", "--listen", "127.0.0.1:8787"]

    def is_ready(self):
        try:
            c = http.client.HTTPConnection("127.0.0.1", 8787, timeout=5)
            c.request("GET", "/api/v1/session")
            return c.getresponse().status == 401
        except (OSError, http.client.HTTPException):
            return False

    def wrong(self):
        return None

    def folders(self):
        return (self.world.folder + "/doors",)
