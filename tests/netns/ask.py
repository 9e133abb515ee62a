"""ask.py COMMAND [ARGS-AS-JSON]: one request at the agent's door, its answer printed.

With WEIR_AS=uid[:gid] it is somebody else who asks.
"""
import json
import os
import socket
import sys


def main():
    s = socket.socket(socket.AF_UNIX)
    if os.environ.get("WEIR_AS"):
        uid, _, gid = os.environ["WEIR_AS"].partition(":")
        os.setgroups([])
        os.setgid(int(gid or uid))
        os.setuid(int(uid))
    s.connect(os.environ["WEIR_SOCKET"])
    request = {"id": 1, "command": sys.argv[1], "args": json.loads(sys.argv[2]) if len(sys.argv) > 2 else {}}
    if os.environ.get("WEIR_BY"):
        request["by"] = os.environ["WEIR_BY"]
    s.sendall(json.dumps(request).encode() + b"\n")
    answer = json.loads(s.makefile("rb").readline())
    print(json.dumps(answer))
    return 0 if answer["ok"] else 1


sys.exit(main())
