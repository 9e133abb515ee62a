#!/usr/bin/python3
"""fleet_behind.py HOST PORT STREAM...: answers in place of those streams' copies.

They are asked by direct get. This one has nothing and gets nothing, as a copy would that
stalls while it catches up, and goes on answering. Has the server leave such questions
alone, answers them, and says how many; and has it tell no news of these streams.
"""
import itertools
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "netns"))
from nats_peer import Peer

NONE = b"NATS/1.0 404 Message Not Found\r\n\r\n"


def config_of(peer, stream):
    return json.loads(peer.req("$JS.API.STREAM.INFO." + stream))["config"]


def take_over(peer, stream):
    config = config_of(peer, stream) | {"allow_direct": False}
    config.pop("republish")
    said = peer.req("$JS.API.STREAM.UPDATE." + stream, json.dumps(config))
    now = config_of(peer, stream)
    if now.get("allow_direct") or now.get("republish"):
        sys.exit(f"{stream}: {said}")
    peer.sub("$JS.API.DIRECT.GET." + stream)


def answer(peer):
    while not peer.messages:
        peer.one()
    _, _, reply = peer.messages.pop(0)
    peer.send(f"HPUB {reply} {len(NONE)} {len(NONE)}\r\n", NONE)


def main():
    peer = Peer(None, sys.argv[1], int(sys.argv[2]))
    for stream in sys.argv[3:]:
        take_over(peer, stream)
    peer.sock.settimeout(None)
    for n in itertools.count(1):
        answer(peer)
        print("answered", n, flush=True)


main()
