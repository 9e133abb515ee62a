"""DEV ingress|egress [first]

Somebody else's TCX program: counts the frames and asks the next program. It is
put behind the others, or before all. Says "ready"; then the count for each line
of input; it is gone when that ends.
"""

import ctypes
import os
import socket
import struct
import sys

MAP_CREATE, MAP_LOOKUP, PROG_LOAD, LINK_CREATE = 0, 1, 5, 28
ARRAY, SCHED_CLS = 2, 3
BEFORE, AFTER = 1 << 3, 1 << 4
BPF = {"x86_64": 321, "aarch64": 280}[os.uname().machine]  # bpf(2)
libc = ctypes.CDLL(None, use_errno=True)


def bpf(cmd, attr):
    buf = ctypes.create_string_buffer(attr.ljust(128, b"\0"), 128)
    got = libc.syscall(BPF, cmd, buf, 128)
    if got < 0:
        raise OSError(ctypes.get_errno(), f"bpf command {cmd}")
    return got


def insn(code, dst=0, src=0, off=0, imm=0):
    return struct.pack("<BBhi", code, dst | src << 4, off, imm)


def main(dev, side, where=""):
    counts = bpf(MAP_CREATE, struct.pack("<5I", ARRAY, 4, 8, 1, 0))
    program = b"".join([
        insn(0x62, 10, off=-4),                     # key 0, on the stack
        insn(0xbf, 2, 10), insn(0x07, 2, imm=-4),   # r2 = where it is
        insn(0x18, 1, 1, imm=counts), insn(0),      # r1 = the map
        insn(0x85, imm=1),                          # its value
        insn(0x15, 0, off=2),                       # none: over
        insn(0xb7, 1, imm=1), insn(0xdb, 0, 1),     # add 1
        insn(0xb7, 0, imm=-1), insn(0x95),          # TCX_NEXT
    ])
    code = ctypes.create_string_buffer(program)
    licence = ctypes.create_string_buffer(b"Apache-2.0")
    prog = bpf(PROG_LOAD, struct.pack("<IIQQ", SCHED_CLS, len(program) // 8,
                                      ctypes.addressof(code),
                                      ctypes.addressof(licence)))
    link = bpf(LINK_CREATE, struct.pack(
        "<4I", prog, socket.if_nametoindex(dev),
        46 if side == "ingress" else 47, BEFORE if where else AFTER))
    print("ready", flush=True)
    value = ctypes.create_string_buffer(8)
    key = ctypes.create_string_buffer(4)
    for _ in sys.stdin:
        bpf(MAP_LOOKUP, struct.pack("<IIQQ", counts, 0, ctypes.addressof(key),
                                    ctypes.addressof(value)))
        print(struct.unpack("<Q", value.raw)[0], flush=True)
    os.close(link)


main(*sys.argv[1:])
