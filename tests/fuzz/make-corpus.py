#!/usr/bin/python3
"""Writes the seed inputs of decode, inspect and ctrl: the same each time."""
import os
import struct

from scapy.all import (ARP, Dot1Q, Ether, ICMP, IP, IPv6, TCP, UDP, ICMPv6EchoRequest,
                       IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, Raw)

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "corpus")
ETHER = dict(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
V4 = IP(src="10.0.0.1", dst="10.0.0.2", id=7)
V6 = IPv6(src="2001:db8::1", dst="2001:db8::2")


def tcp(flags, seq, ack=0, back=False):
    ip = IP(src=V4.dst, dst=V4.src) if back else V4
    ports = dict(sport=80, dport=4000) if back else dict(sport=4000, dport=80)
    options = [("MSS", 1460), ("WScale", 7)] if "S" in flags else []
    return Ether(**ETHER) / ip / TCP(flags=flags, seq=seq, ack=ack, options=options, **ports)


FRAMES = {
    "arp": Ether(**ETHER) / ARP(hwsrc=ETHER["src"], psrc="10.0.0.1", pdst="10.0.0.2"),
    "tcp-syn": tcp("S", 100),
    "tcp-fin": tcp("FA", 100, 200),
    "udp-vlan": Ether(**ETHER) / Dot1Q(vlan=5) / Dot1Q(vlan=6) / V4 / UDP(sport=4000, dport=53) / Raw(b"abc"),
    "icmp-echo": Ether(**ETHER) / V4 / ICMP(id=9),
    "icmp-error": Ether(**ETHER) / V4 / ICMP(type=3, code=1) / IP(src="10.0.0.2", dst="10.0.0.1") / UDP(),
    "fragment": Ether(**ETHER) / IP(src="10.0.0.1", dst="10.0.0.2", id=7, flags="MF") / UDP(len=100) / Raw(bytes(16)),
    "udp6-ext": Ether(**ETHER) / V6 / IPv6ExtHdrDestOpt() / UDP(sport=4000, dport=53),
    "fragment6": Ether(**ETHER) / V6 / IPv6ExtHdrFragment(id=9, m=1) / UDP(len=100) / Raw(bytes(16)),
    "echo6": Ether(**ETHER) / V6 / ICMPv6EchoRequest(id=9),
}
TALK = [(0, tcp("S", 100)), (1, tcp("SA", 500, 101, True)), (0, tcp("A", 101, 501)),
        (2, tcp("A", 101, 501)), (0x81, tcp("FA", 501, 101, True))]
MESSAGES = {
    "keep-alive": '{"ctrl_keep_alive":{"seq_num":1}}',
    "add-mac": '{"ctrl_add_mac":{"iface":"e","mac":"02:00:00:00:00:01","ucmac":"02:00:00:00:00:02","pips":[{"ip":"10.0.0.1"}]}}',
    "cfg-mac": '{"ctrl_cfg_mac":{"macs":["02:00:00:00:00:01"],"tap":true,"apps":[{"ip_proto":6,"port":80}]}}',
    "nets": '{"ctrl_cfg_internal_net":{"flag":3,"subnet_addr":[{"ip":"10.0.0.0","mask":"255.0.0.0"}]}}',
    "policy": '{"ctrl_cfg_policy":{"cmd":1,"flag":3,"defact":7,"dir":2,"mac":["02:00:00:00:00:01"],"rules":[{"id":1,'
              '"sip":"10.0.0.1","dip":"10.0.0.2","dipr":"10.0.0.9","port":0,"portr":65535,"proto":0,"action":5,'
              '"fqdn":"a.b","apps":[{"app":1,"action":2,"rid":3}]}]}}',
    "debug": '{"ctrl_set_debug":{"categories":["ctrl","all"]}}',
}


def write(kind, name, data):
    folder = os.path.join(HERE, kind)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as f:
        f.write(data)


def record(how, frame):
    data = bytes(frame)
    return struct.pack(">HB", len(data), how) + data


for name, frame in FRAMES.items():
    write("decode", name, bytes(frame))
write("inspect", "talk", b"".join(record(*t) for t in TALK))
write("inspect", "all", b"".join(record(4, f) for f in FRAMES.values()))
for name, text in MESSAGES.items():
    write("ctrl", name, text.encode())
