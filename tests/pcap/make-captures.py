#!/usr/bin/python3
"""Writes tests/pcap/captures/, but for what record-captures.py records: the same bytes each time."""
import os

from scapy.all import (DNS, DNSQR, Dot1AD, Dot1Q, Ether, ICMP, ICMPv6DestUnreach, IP, IPv6,
                       IPv6ExtHdrFragment, Raw, TCP, UDP, wrpcap)

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "captures")
A, B = "02:00:00:00:00:01", "02:00:00:00:00:02"


def way(back, v6=False, tags=()):
    a, b = ("2001:db8::1", "2001:db8::2") if v6 else ("10.0.0.1", "10.0.0.2")
    macs = dict(src=B, dst=A) if back else dict(src=A, dst=B)
    ips = dict(src=b, dst=a) if back else dict(src=a, dst=b)
    frame = Ether(**macs)
    for i, vid in enumerate(tags):
        frame /= (Dot1Q if i == len(tags) - 1 else Dot1AD)(vlan=vid)
    return frame / (IPv6(**ips) if v6 else IP(**ips, id=1))


def tcp(back, flags, seq, ack=0, data=b"", sport=4000, dport=80, **where):
    ports = dict(sport=dport, dport=sport) if back else dict(sport=sport, dport=dport)
    return way(back, **where) / TCP(flags=flags, seq=seq, ack=ack, **ports) / Raw(data)


def handshake(**where):
    return [tcp(0, "S", 100, **where), tcp(1, "SA", 500, 101, **where), tcp(0, "A", 101, 501, **where)]


def talk(**where):
    return handshake(**where) + [
        tcp(0, "PA", 101, 501, b"GET /", **where), tcp(1, "A", 501, 106, b"200 OK", **where),
        tcp(0, "FA", 106, 507, **where), tcp(1, "FA", 507, 107, **where), tcp(0, "A", 107, 508, **where)]


def udp(back, sport, dport, size, **where):
    ports = dict(sport=dport, dport=sport) if back else dict(sport=sport, dport=dport)
    return way(back, **where) / UDP(**ports) / Raw(b"x" * size)


def fragments(frame, size):
    """The packet in pieces of that many bytes, a multiple of 8."""
    ip = frame[IPv6 if IPv6 in frame else IP]
    content = bytes(ip.payload)  # with its checksum over all of it
    pieces = [content[i:i + size] for i in range(0, len(content), size)]
    for i, piece in enumerate(pieces):
        more = i + 1 < len(pieces)
        head = ip.copy()
        head.remove_payload()
        if IPv6 in frame:
            head /= IPv6ExtHdrFragment(nh=17, id=7, m=more, offset=i * size // 8)
        else:
            head.flags, head.frag, head.proto = "MF" if more else 0, i * size // 8, 17
        yield Ether(src=frame.src, dst=frame.dst) / head / Raw(piece)


def over(fragment, before):
    """Another fragment of the same datagram, which begins so many bytes before that one."""
    other = fragment.copy()
    if IPv6 in other:
        other[IPv6ExtHdrFragment].offset -= before // 8
    else:
        other[IP].frag -= before // 8
    return other


def unreachable(frame, v6=False):
    """B says that frame, one of A's, did not arrive: its port is closed."""
    ip = bytes(frame[IPv6 if v6 else IP])
    error = ICMPv6DestUnreach(code=4) if v6 else ICMP(type=3, code=3)
    return way(1, v6) / error / Raw(ip)


def write(name, frames, pauses={}):
    """pauses: so many seconds pass before the frame of that index."""
    now = 1000
    for i, frame in enumerate(frames):
        now += pauses.get(i, 0)
        frame.time = now + i / 1000
    wrpcap(os.path.join(HERE, name + ".pcap"), frames)


os.makedirs(HERE, exist_ok=True)
write("tcp", talk())
write("tcp6", talk(v6=True))
write("udp-icmp", [way(0) / UDP(sport=4000, dport=53) / DNS(id=1, qd=DNSQR(qname="a.example")),
                   way(1) / UDP(sport=53, dport=4000) / Raw(b"x" * 20),
                   way(0) / ICMP(id=9), way(1) / ICMP(type=0, id=9),
                   way(0, True) / UDP(sport=4000, dport=5000) / Raw(b"abc")])

# The same addresses and ports, but in networks of their own.
write("vlan", talk() + talk(tags=(100,)) + talk(tags=(200,)))
write("qinq", talk(tags=(10, 100)) + talk(tags=(10, 200), v6=True))

# Whatever their order, fragments are one datagram. If one is missing, or another
# one is over it, they are none; what comes in the end tells that time passed.
PIECES = [list(fragments(udp(0, 4000, 5000, 40, v6=v6), 16)) for v6 in (False, True)]
LATE = udp(0, 4001, 5000, 40)
write("fragments", PIECES[0] + PIECES[1])
write("fragments-late-first", PIECES[0][::-1] + PIECES[1][::-1])
write("fragments-lost", PIECES[0][1:] + PIECES[1][:2] + [LATE], {4: 30})
write("fragments-overlap", [p for pieces in PIECES for p in (pieces[0], over(pieces[1], 8), *pieces[1:])] + [LATE], {8: 30})

# Of what A may send; errors about it arrive, those about anything else do not.
ASKED = [udp(0, 4000, 53, 20, v6=v6) for v6 in (False, True)]
OTHER = [udp(0, 4001, 53, 20, v6=v6) for v6 in (False, True)]
write("icmp-error", [frame for v6 in (False, True)
                     for frame in (unreachable(ASKED[v6], v6), ASKED[v6], unreachable(ASKED[v6], v6),
                                   unreachable(OTHER[v6], v6))])

# A may open port 80, and may not 81; nothing is said of 82 and of what B opens.
write("policy", talk() + [tcp(0, "S", 100, dport=81)] * 2 + [tcp(0, "S", 100, dport=82)]
      + talk(v6=True) + [tcp(0, "S", 100, dport=81, v6=True)] + [udp(1, 4000, 80, 20)])

# Their beginning was not seen. Of the second, the answer to it was.
write("midstream", [tcp(0, "PA", 101, 501, b"GET /"), tcp(1, "A", 501, 106, b"200 OK"), tcp(0, "A", 106, 507)]
      + handshake(sport=4001)[1:]
      + [tcp(1, "A", 501, 101, b"x" * 5, v6=True), tcp(0, "A", 101, 506, v6=True)])

# A reset outside the window ends nothing: after half a minute it is the same
# flow. Inside it ends one, and what comes then is another.
RST_OUT, RST_IN = 501 + 100000, 501
write("rst", handshake() + [tcp(1, "R", RST_OUT)] + handshake(sport=4001) + [tcp(1, "R", RST_IN, sport=4001)]
      + [tcp(0, "A", 101, 501, b"x", sport=sport) for sport in (4000, 4001)], {8: 30})

with open(os.path.join(HERE, "tcp.pcap"), "rb") as f:
    whole = f.read()
with open(os.path.join(HERE, "cut.pcap"), "wb") as f:
    f.write(whole[:-7])
with open(os.path.join(HERE, "no-capture.pcap"), "wb") as f:
    f.write(b"this is no capture\n")
