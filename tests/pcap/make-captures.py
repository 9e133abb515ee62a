#!/usr/bin/python3
"""Writes tests/pcap/captures/: the same bytes each time."""
import os

from scapy.all import DNS, DNSQR, Ether, ICMP, IP, IPv6, Raw, TCP, UDP, wrpcap

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "captures")
A, B = "02:00:00:00:00:01", "02:00:00:00:00:02"


def way(back, v6=False):
    a, b = ("2001:db8::1", "2001:db8::2") if v6 else ("10.0.0.1", "10.0.0.2")
    macs = dict(src=B, dst=A) if back else dict(src=A, dst=B)
    ips = dict(src=b, dst=a) if back else dict(src=a, dst=b)
    return Ether(**macs) / (IPv6(**ips) if v6 else IP(**ips, id=1))


def tcp(back, flags, seq, ack=0, data=b""):
    ports = dict(sport=80, dport=4000) if back else dict(sport=4000, dport=80)
    return way(back) / TCP(flags=flags, seq=seq, ack=ack, **ports) / Raw(data)


def write(name, frames):
    for i, frame in enumerate(frames):
        frame.time = 1000 + i / 1000
    wrpcap(os.path.join(HERE, name + ".pcap"), frames)


os.makedirs(HERE, exist_ok=True)
write("tcp", [tcp(0, "S", 100), tcp(1, "SA", 500, 101), tcp(0, "A", 101, 501),
              tcp(0, "PA", 101, 501, b"GET /"), tcp(1, "A", 501, 106, b"200 OK"),
              tcp(0, "FA", 106, 507), tcp(1, "FA", 507, 107), tcp(0, "A", 107, 508)])
write("udp-icmp", [way(0) / UDP(sport=4000, dport=53) / DNS(id=1, qd=DNSQR(qname="a.example")),
                   way(1) / UDP(sport=53, dport=4000) / Raw(b"x" * 20),
                   way(0) / ICMP(id=9), way(1) / ICMP(type=0, id=9),
                   way(0, True) / UDP(sport=4000, dport=5000) / Raw(b"abc")])
with open(os.path.join(HERE, "tcp.pcap"), "rb") as f:
    whole = f.read()
with open(os.path.join(HERE, "cut.pcap"), "wb") as f:
    f.write(whole[:-7])
with open(os.path.join(HERE, "no-capture.pcap"), "wb") as f:
    f.write(b"this is no capture\n")
