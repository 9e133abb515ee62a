#!/usr/bin/python3
"""cri_pods.py SOCKET run NAME NAMESPACE [LABEL=VALUE]... | stop ID | version

One request to a CRI runtime, by curl; prints the id of a pod that was made.
"""

import struct
import subprocess
import sys


def varint(n):
    return bytes((n & 0x7f | 0x80,)) + varint(n >> 7) if n > 0x7f else bytes((n,))


def field(number, value):
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def call(method, message):
    run = subprocess.run(
        ["curl", "-sS", "-m", "20", "--http2-prior-knowledge", "--unix-socket", sys.argv[1],
         "-H", "content-type: application/grpc", "-H", "te: trailers", "-D", "/dev/stderr",
         "--data-binary", "@-", f"http://cri/runtime.v1.RuntimeService/{method}"],
        input=struct.pack(">BI", 0, len(message)) + message, capture_output=True, check=False)
    if b"grpc-status: 0" not in run.stderr:
        sys.exit(run.stderr.decode())
    return run.stdout[5:]


verb, args = sys.argv[2], sys.argv[3:]
if verb == "version":
    call("Version", b"")
elif verb == "run":
    name, namespace = args[:2]
    config = field(1, field(1, name) + field(2, name + "-uid") + field(3, namespace))
    config += field(2, name) + field(8, b"")
    for label in args[2:]:
        key, value = label.split("=")
        config += field(6, field(1, key) + field(2, value))
    answer = call("RunPodSandbox", field(1, config))
    print(answer[2:2 + answer[1]].decode())
elif verb == "stop":
    call("StopPodSandbox", field(1, args[0]))
