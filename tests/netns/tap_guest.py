"""tap_guest.py TAP NETNS_FILE MAC: a guest behind a tap, as a VM has it. Opens TAP of the namespace
it is started in, makes eth0 with MAC in NETNS_FILE, and carries frames between the two; prints "ready"."""
import ctypes
import fcntl
import os
import select
import struct
import sys

TUNSETIFF = 0x400454CA
IFF_TAP, IFF_NO_PI = 0x0002, 0x1000
SIOCSIFHWADDR = 0x8924
CLONE_NEWNET = 0x40000000


def tap(name):
    fd = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
    return fd


device, where, mac = sys.argv[1:]
outside = tap(device)
with open(where) as f:
    if ctypes.CDLL(None, use_errno=True).setns(f.fileno(), CLONE_NEWNET) != 0:
        sys.exit(f"{where}: {os.strerror(ctypes.get_errno())}")
inside = tap("eth0")
fcntl.ioctl(inside, SIOCSIFHWADDR, struct.pack("16sH6s16x", b"eth0", 1, bytes.fromhex(mac.replace(":", ""))))
print("ready", flush=True)
while True:
    for fd in select.select([outside, inside], [], [])[0]:
        frame = os.read(fd, 65536)
        try:
            os.write(inside if fd == outside else outside, frame)
        except OSError:
            pass  # a device that is down takes none, as a cable that is not plugged in
