#!/usr/bin/python3
"""record_names.py: writes names/ anew: first words of protocols that are known by name only, and what they are known as.

Programs: busybox (udhcpc, tftp), logger, snmpget (package snmp); and
bytes of scapy and by hand where there is no small program. In a network namespace of its own.
"""
import os
import select
import socket
import struct
import subprocess
import sys

from scapy.all import DHCP6OptClientId, DHCP6OptIA_NA, DHCP6_Solicit, DUID_LL, NTP, Radius, RadiusAttribute, SNMP

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "names")
QUIET = dict(stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def put(app, name, said, udp=True):
    with open(os.path.join(HERE, f"{app}-{name}{'-udp' if udp else ''}.talk"), "wb") as f:
        for i, (who, data) in enumerate(said):
            f.write(struct.pack(">BH", (who == "S") | 8 * (udp and i == 0), len(data)) + data)
    with open(os.path.join(HERE, f"{app}-{name}{'-udp' if udp else ''}.want"), "w", encoding="ascii") as f:
        f.write(f"app {app}\nover\n")
    print(app, name, [len(d) for _, d in said])


def first(port, program, kind=socket.SOCK_DGRAM):
    """What the program says first to 127.0.0.1:port."""
    with socket.socket(socket.AF_INET, kind) as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("127.0.0.1", port))
        if kind == socket.SOCK_STREAM:
            s.listen()
        p = subprocess.Popen(program, **QUIET)
        try:
            if not select.select([s], [], [], 10)[0]:
                sys.exit(f"{program}: says nothing")
            return s.accept()[0].recv(65536) if kind == socket.SOCK_STREAM else s.recv(65536)
        finally:
            p.kill()
            p.wait()


def dhcp():
    """udhcpc's first datagram, as it comes out at the other end of a cable."""
    for words in ("link add d0 type veth peer name d1", "link set d0 up", "link set d1 up"):
        subprocess.run(["ip", *words.split()], check=True)
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x800)) as s:
        s.bind(("d1", 0))
        p = subprocess.Popen(["busybox", "udhcpc", "-f", "-i", "d0", "-t", "1", "-T", "1", "-s", "/bin/true"], **QUIET)
        try:
            while select.select([s], [], [], 10)[0]:
                frame = s.recv(65536)
                if frame[23] == 17 and frame[36:38] == b"\0\x43":
                    return frame[42:]
        finally:
            p.kill()
            p.wait()
    sys.exit("udhcpc says nothing")


def main():
    if len(sys.argv) < 2:
        script = 'ip link set lo up && exec "$0" "$1" inside'
        os.execvp("unshare", ["unshare", "-n", "sh", "-c", script, sys.executable, os.path.abspath(__file__)])
    os.makedirs(HERE, exist_ok=True)
    put("dhcp", "udhcpc", [("C", dhcp())])
    put("dhcp", "six", [("C", bytes(DHCP6_Solicit(trid=7) / DHCP6OptClientId(duid=DUID_LL(lladdr="02:00:00:00:00:01"))
                                    / DHCP6OptIA_NA(iaid=1)))])
    put("tftp", "busybox", [("C", first(6969, ["busybox", "tftp", "-g", "-r", "a/b", "-l", "/dev/null", "127.0.0.1", "6969"]))])
    put("tftp", "old", [("C", b"\0\2file\0NetASCII\0")])
    put("tftp", "answer", [("C", b"\0\6blksize\0001432\0tsize\00012\0")])
    to = ["-n", "127.0.0.1", "-P", "5514"]
    put("syslog", "new", [("C", first(5514, ["logger", *to, "-d", "--rfc5424", "hello"]))])
    put("syslog", "old", [("C", first(5514, ["logger", *to, "-d", "--rfc3164", "hello"]))])
    put("syslog", "lines", [("C", first(5514, ["logger", *to, "-T", "hello"], socket.SOCK_STREAM))], False)
    put("syslog", "counted", [("C", first(5514, ["logger", *to, "-T", "--octet-count", "hello"], socket.SOCK_STREAM))], False)
    for version in ("1", "2c", "3"):
        put("snmp", version, [("C", first(1161, ["snmpget", "-v", version, "-c", "public", "-u", "a", "127.0.0.1:1161", "1.3.6.1.2.1.1.1.0"]))])
    put("snmp", "scapy", [("C", bytes(SNMP()))])
    asks = NTP(mode=3, stratum=0, ref=0, orig=0, recv=0, sent=3900000000.5)
    put("ntp", "client", [("C", bytes(asks))])
    asks = bytes(NTP(mode=3, stratum=3, ref=3899999000.25, orig=3899999990.25, recv=3899999990.5, sent=3900000000.5))
    put("ntp", "running", [("C", asks), ("S", b"\x24\2" + asks[2:16] + asks[16:24] + asks[40:48] + bytes(16))])
    put("ntp", "monlist", [("C", b"\x17\0\3\x2a" + bytes(4))])
    put("ntp", "readvar", [("C", b"\x16\2\0\1" + bytes(8))])
    put("stun", "bind", [("C", b"\0\1\0\x08\x21\x12\xa4\x42" + bytes(range(12)) + b"\x80\x28\0\4abcd")])
    put("stun", "turn", [("C", b"\0\3\0\x08\x21\x12\xa4\x42" + bytes(range(12)) + b"\0\x19\0\4\x11\0\0\0")], False)
    put("radius", "request", [("C", bytes(Radius(code=1, id=7, authenticator=bytes(range(16)), attributes=[
        RadiusAttribute(type=1, value=b"user"), RadiusAttribute(type=4, value=b"\x0a\0\0\1")])))])


main()
