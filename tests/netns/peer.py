#!/usr/bin/python3
"""peer.py VERB ...: the other ends of the namespace tests.

    reflect DEV [FILE]  gives each frame on DEV back unchanged, as a data plane
                        that allows everything would: offloads and VLAN tags
                        kept. Writes a line a frame to FILE: MACs, type, length.
    serve PORT          TCP echo, both families, until it is killed
    talk HOST PORT      one TCP connection: sends each line of stdin, prints
                        what came back
    stream HOST PORT N  sends N bytes, reads them back, compares
    vlan DEV DST SRC TAG TYPE       one frame with a tag in it
    watch DEV SECONDS TYPE          prints MACs and tag of the first frame of
                        that type (hex) to come in; exits with 1 if none came
"""

import ctypes
import socket
import struct
import sys
import threading
import time

SOL_PACKET = 263
PACKET_AUXDATA = 8
PACKET_VNET_HDR = 15
PACKET_IGNORE_OUTGOING = 23
ETH_P_ALL = 3
TP_STATUS_VLAN_VALID = 1 << 4
TP_STATUS_VLAN_TPID_VALID = 1 << 6
VNET = 10


def mac(b):
    return b.hex(":")


def packet_socket():
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    s.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    s.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
    return s


def open_on(s, dev):
    s.bind((dev, ETH_P_ALL))


def receive(s, head):
    """A frame with the tag back in it, behind `head` bytes of vnet header."""
    data, aux, _, _ = s.recvmsg(70000, 256)
    for level, kind, value in aux:
        if level != SOL_PACKET or kind != PACKET_AUXDATA:
            continue
        status, _, _, _, _, tci, tpid = struct.unpack("IIIHHHH", value[:20])
        if status & TP_STATUS_VLAN_VALID:
            if not status & TP_STATUS_VLAN_TPID_VALID:
                tpid = 0x8100
            at = head + 12
            data = data[:at] + struct.pack("!HH", tpid, tci) + data[at:]
            if head and data[0] & 1:  # checksum to be filled in: moved too
                start = struct.unpack_from("<H", data, 6)[0] + 4
                hdr_len = struct.unpack_from("<H", data, 2)[0] + 4
                data = (data[:2] + struct.pack("<H", hdr_len) + data[4:6] +
                        struct.pack("<H", start) + data[8:])
    return data


def reflect(dev, log=None):
    s = packet_socket()
    s.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    s.setsockopt(socket.SOL_SOCKET, 33, 16 << 20)  # SO_RCVBUFFORCE
    open_on(s, dev)
    out = open(log, "w", buffering=1) if log else None
    print("ready", flush=True)
    while True:
        try:
            data = receive(s, VNET)
        except OSError:  # the device went
            return
        frame = data[VNET:]
        if out:
            out.write(f"{mac(frame[6:12])} > {mac(frame[:6])} "
                      f"{frame[12:14].hex()} {len(frame)}\n")
        try:
            s.send(data)
        except OSError as e:
            if out:
                out.write(f"not sent: {e.strerror}, {len(frame)} bytes\n")


def echo(c):
    while True:
        data = c.recv(65536)
        if not data:
            return
        c.sendall(data)


def serve(port):
    s = socket.create_server(("::", int(port)), family=socket.AF_INET6,
                             dualstack_ipv6=True)
    print("ready", flush=True)
    while True:
        c, _ = s.accept()
        threading.Thread(target=echo, args=(c,), daemon=True).start()


def talk(host, port):
    c = socket.create_connection((host, int(port)), 10)
    c.settimeout(30)
    for line in sys.stdin:
        data = line.encode()
        c.sendall(data)
        back = b""
        while len(back) < len(data):
            back += c.recv(65536)
        print(back.decode().strip(), flush=True)


def stream(host, port, n):
    n = int(n)
    c = socket.create_connection((host, int(port)), 10)
    c.settimeout(30)
    data = bytes(i * 7 % 251 for i in range(65536)) * (n // 65536 + 1)
    data = data[:n]
    threading.Thread(target=c.sendall, args=(data,), daemon=True).start()
    back = b""
    while len(back) < n:
        more = c.recv(1 << 20)
        if not more:
            sys.exit(1)
        back += more
    sys.exit(back != data)


def frame_of(dst, src, rest):
    head = bytes.fromhex(dst.replace(":", "") + src.replace(":", ""))
    return (head + rest).ljust(60, b"\0")


def vlan(dev, dst, src, tag, kind):
    s = packet_socket()
    open_on(s, dev)
    s.send(frame_of(dst, src, struct.pack("!HH", 0x8100, int(tag)) +
                    bytes.fromhex(kind)))


def watch(dev, seconds, kind):
    s = packet_socket()
    open_on(s, dev)
    print("ready", flush=True)
    end = time.monotonic() + float(seconds)
    while (left := end - time.monotonic()) > 0:
        s.settimeout(left)
        try:
            data = receive(s, 0)
        except socket.timeout:
            break
        tag = ""
        at = 12
        if data[12:14] in (b"\x81\x00", b"\x88\xa8"):
            tag = " tag " + str(struct.unpack_from("!H", data, 14)[0])
            at = 16
        if data[at:at + 2].hex() == kind:
            print(f"{mac(data[6:12])} > {mac(data[:6])}{tag}", flush=True)
            return
    sys.exit(1)


VERBS = {f.__name__: f for f in (reflect, serve, talk, stream, vlan, watch)}
# Dies with the test, however that ends.
ctypes.CDLL(None).prctl(1, 15)
VERBS[sys.argv[1]](*sys.argv[2:])
