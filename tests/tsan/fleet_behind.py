#!/usr/bin/python3
"""fleet_behind.py HOST PORT STREAM...: answers in place of those streams' copies.

They are asked by direct get. This one has nothing and gets nothing, as a copy would that
stalls while it catches up, and goes on answering. Makes the streams so that the server
leaves such questions alone, and tells no news; answers, and says how often.
"""
import itertools
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "netns"))
from nats_peer import Peer

NONE = b"NATS/1.0 404 Message Not Found\r\n\r\n"
HISTORY = 64  # FLEET_HISTORY


def make(peer, stream):
    """As fleet/streams.c does, but for direct gets and news."""
    config = {"name": stream, "subjects": [f"${stream.replace('_', '.', 1)}.>"],
              "max_msgs_per_subject": HISTORY, "discard": "new", "deny_delete": True,
              "storage": "file", "num_replicas": 1, "allow_direct": False}
    said = json.loads(peer.req("$JS.API.STREAM.CREATE." + stream, json.dumps(config)))
    if "error" in said:
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
        make(peer, stream)
    print("ready", flush=True)
    peer.sock.settimeout(None)
    for n in itertools.count(1):
        answer(peer)
        print("answered", n, flush=True)


main()
