#!/usr/bin/python3
"""door_between.py DOOR REAL FINDINGS: a data plane's door that stands before the
real one. All that is said goes through, files with it, but weir_findings is
answered with what is in the file FINDINGS (JSON: a list, as weir_findings gives
it), each once in a run; without "raw", without raw bytes.

There is no other way to have a finding of a given text before an engine runs.
"""
import json
import os
import selectors
import socket
import sys

door, real, findings = sys.argv[1:4]
EPOCH = 4711


def answer(body, request):
    with open(findings) as f:
        whole = json.load(f)
    after = body.get("after", 0) if body.get("epoch") in (0, EPOCH) else 0
    page = [dict(f, number=i + 1) for i, f in enumerate(whole)][after:]
    if not body.get("raw"):
        page = [{k: v for k, v in f.items() if not k.startswith("raw")} for f in page]
    return {"id": request.get("id"), "ok": True, "findings": page, "next": len(whole),
            "epoch": EPOCH, "more": False, "missed": 0, "restarted": False}


def carry(source, sink, is_client):
    data, fds, _, _ = socket.recv_fds(source, 1 << 20, 4)
    if not data:
        return False
    try:
        request = json.loads(data) if is_client and b"weir_findings" in data else None
    except ValueError:
        request = None
    if request and "weir_findings" in request:
        source.send(json.dumps(answer(request["weir_findings"], request)).encode())
    else:
        socket.send_fds(sink, [data], fds)
    for fd in fds:
        os.close(fd)
    return True


listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
listening.bind(door)
os.chmod(door, 0o600)
listening.listen()
polled = selectors.DefaultSelector()
polled.register(listening, selectors.EVENT_READ)
others = {}
while True:
    for key, _ in polled.select():
        if key.fileobj is listening:
            client, _ = listening.accept()
            server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            server.connect(real)
            for one, other in (client, server), (server, client):
                others[one] = other, one is client
                polled.register(one, selectors.EVENT_READ)
        elif key.fileobj in others:
            other, is_client = others[key.fileobj]
            try:
                open_ = carry(key.fileobj, other, is_client)
            except OSError:
                open_ = False
            if not open_:
                for one in key.fileobj, other:
                    polled.unregister(one)
                    one.close()
                    del others[one]
