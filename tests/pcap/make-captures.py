#!/usr/bin/python3
"""Writes tests/pcap/captures/, but for what record-captures.py records: the same bytes each time."""
import os
from functools import reduce
from operator import truediv

from scapy.all import (DNS, DNSQR, DNSRR, Dot1AD, Dot1Q, Ether, GRE, ICMP, ICMPv6DestUnreach, IP, IPv6,
                       IPv6ExtHdrFragment, Raw, TCP, UDP, VXLAN, wrpcap)

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

# Nobody saw these begin. A listens on TCP 9000 and UDP 9001, B on TCP 9100; where
# both ports are listened on, or none, the lower one is the server's, or the
# receiver's.
write("listens", [tcp(0, "A", 101, 501, b"x", sport=sport, dport=dport)
                  for sport, dport in ((9000, 5000), (5001, 9100), (9000, 9100), (9001, 5000))]
      + [udp(0, 9001, 5000, 9), udp(0, 9000, 5000, 9)])

# B answers A's SYN by one of its own; A's SYN+ACK is still of what A opened, and
# A may do that, B may not. Before it, B says the right thing, or half of it.
def split(sport, *before):
    return [tcp(0, "S", 100, sport=sport), *before, tcp(1, "S", 90000, sport=sport),
            tcp(0, "SA", 100, 90001, sport=sport), tcp(1, "A", 90001, 101, sport=sport),
            tcp(1, "A", 90001, 101, b"hello", sport=sport), tcp(0, "A", 101, 90006, sport=sport)]


write("split", split(4000) + split(4001, tcp(1, "A", 7, 101, sport=4001))
      + split(4002, tcp(1, "SA", 500, 101, sport=4002)) + split(4003, tcp(1, "S", 500, sport=4003)))
# Of what is in a tunnel, port 80 may be: the frame goes on if all of it may.
def carried(dport, v6=False):
    ip = IPv6(src="2001:db8:9::1", dst="2001:db8:9::2") if v6 else IP(src="10.9.0.1", dst="10.9.0.2", id=1)
    return ip / TCP(sport=4000, dport=dport, flags="S", seq=100)


def vxlan(vni, dport):
    return (way(0) / UDP(sport=7000, dport=4789) / VXLAN(vni=vni, flags="Instance")
            / Ether(src="02:00:00:00:09:01", dst="02:00:00:00:09:02") / carried(dport))


TUNNELS = [vxlan(1, 80), vxlan(2, 80), vxlan(2, 81), way(0) / GRE() / carried(80), way(0) / GRE() / carried(81),
           way(0) / GRE(proto=0x86dd) / carried(80, v6=True)]
write("tunnels", TUNNELS)
write("tunnels-off", TUNNELS)

# A head that does not end, a window that takes nothing, and answers that are not
# what was asked; each beside one that looks like it. Seconds pass before the last.
def heard(sport, window, *said):
    frames, at = handshake(sport=sport), 101
    for text in said:
        frames.append(tcp(0, "PA", at, 501, text, sport=sport))
        at += len(text)
    frames.append(tcp(0, "A", at, 501, sport=sport))
    for frame in frames[2:]:
        frame[TCP].window = window if frame is frames[-1] else 65535
    return frames, at


def echoes(ident, *answers):
    return [frame for seq, answer in enumerate(answers, 1) for frame in (
        way(0) / ICMP(id=ident, seq=seq) / Raw(b"asked"), way(1) / ICMP(type=0, id=ident, seq=seq) / Raw(answer))]


HEAD = b"GET / HTTP/1.1\r\nHost: a\r\n"
SLOW, QUICK = heard(4000, 65535, HEAD), heard(4001, 65535, HEAD, b"\r\n")
SHUT, OPEN = heard(4002, 0, HEAD + b"\r\n"), heard(4003, 65535, HEAD + b"\r\n")
FIRST = (SLOW[0] + QUICK[0] + SHUT[0] + OPEN[0] + echoes(1, b"other", b"bytes", b"again") + echoes(2, b"asked", b"other", b"bytes"))
SHUT_LATE = tcp(0, "A", SHUT[1], 501, sport=4002)
SHUT_LATE[TCP].window = 0
write("waiting", FIRST + [tcp(0, "PA", SLOW[1], 501, b"A: b\r\n", sport=4000), tcp(0, "A", QUICK[1], 501, sport=4001),
                          SHUT_LATE, tcp(0, "A", OPEN[1], 501, sport=4003)], {len(FIRST): 9})

# A reset outside the window ends nothing: after half a minute it is the same
# flow. Inside it ends one, and what comes then is another.
RST_OUT, RST_IN = 501 + 100000, 501
write("rst", handshake() + [tcp(1, "R", RST_OUT)] + handshake(sport=4001) + [tcp(1, "R", RST_IN, sport=4001)]
      + [tcp(0, "A", 101, 501, b"x", sport=sport) for sport in (4000, 4001)], {8: 30})



# A may open port 80 of www.shop.test and 443 of *.cdn.test, whatever their
# addresses are: what A asked the resolver for says that.
def host(name):
    return {"resolver": "10.0.0.53", "stranger": "10.0.0.54", "www6": "2001:db8:2::1"}.get(name, "10.2.0." + name)


def to(name, l4, back=0):
    v6 = name == "www6"
    ends = dict(src=host(name), dst="2001:db8::1" if v6 else "10.0.0.1")
    if not back:
        ends = dict(src=ends["dst"], dst=ends["src"])
    return Ether(src=B if back else A, dst=A if back else B) / (IPv6(**ends) if v6 else IP(**ends, id=1)) / l4


def opens(name, port, sport=5000):
    return to(name, TCP(sport=sport, dport=port, flags="S", seq=1))


def message(id, name, kind, answers=None):
    records = [DNSRR(rrname=n, type=t, ttl=60, rdata=d) for n, t, d in answers or ()]
    said = dict(an=reduce(truediv, records), qr=1) if records else {}
    return DNS(id=id, rd=1, qd=DNSQR(qname=name, qtype=kind), **said)


def lookup(resolver, id, *answered, sport=6000):
    asked = message(id, *answered[:2])
    return [to(resolver, UDP(sport=sport, dport=53) / asked),
            to(resolver, UDP(sport=53, dport=sport) / message(id, *answered), back=1)]


def by_tcp(id, *answered, sport=6001):
    """The answer comes in two pieces, the second one first."""
    asked, answer = (len(m).to_bytes(2, "big") + m for m in map(bytes, (message(id, *answered[:2]),
                                                                       message(id, *answered))))

    def segment(back, flags, seq, ack, data=b""):
        ports = dict(sport=53, dport=sport) if back else dict(sport=sport, dport=53)
        return to("resolver", TCP(flags=flags, seq=seq, ack=ack, **ports) / Raw(data), back)

    end = 101 + len(asked)
    return [segment(0, "S", 100, 0), segment(1, "SA", 500, 101), segment(0, "A", 101, 501),
            segment(0, "PA", 101, 501, asked), segment(1, "PA", 511, end, answer[10:]),
            segment(1, "A", 501, end, answer[:10]), segment(0, "A", end, 501 + len(answer))]


SHOP = ("www.shop.test", "A", [("www.shop.test", "CNAME", "edge.cdn.test"), ("edge.cdn.test", "A", host("1"))])
EARLY = (lookup("resolver", 1, *SHOP) + [opens("1", 80), opens("1", 443), opens("1", 25), opens("2", 80)]
         # nobody asked for that; that one may not be asked
         + lookup("resolver", 2, "www.shop.test", "A", [("www.shop.test", "A", host("3"))], sport=6002)[1:]
         + [opens("3", 80)]
         + lookup("stranger", 3, "www.shop.test", "A", [("www.shop.test", "A", host("4"))], sport=6003)
         + [opens("4", 80)]
         # an answer may not speak of another name than was asked for
         + lookup("resolver", 4, "x.test", "A", [("www.shop.test", "A", host("5"))], sport=6004) + [opens("5", 80)]
         + by_tcp(5, "www.shop.test", "A", [("www.shop.test", "A", host("6"))]) + [opens("6", 80)]
         + lookup("resolver", 6, "www.shop.test", "AAAA", [("www.shop.test", "AAAA", host("www6"))], sport=6005)
         + [opens("www6", 80), opens("7", 80)])
# the name's time is over: what runs goes on, nothing new begins
write("names", EARLY + [opens("1", 80), opens("1", 80, sport=5001)], {len(EARLY): 19, len(EARLY) + 1: 61})

TALKS = os.path.join(HERE, "..", "..", "unit", "talks")


def spoken(path, sport, size=1448, swap=False, **where):
    """A recorded conversation between ports that say nothing, in segments of `size`; swap: in
    wrong order, each twice."""
    with open(os.path.join(TALKS, path + ".talk"), "rb") as f:
        data = f.read()
    ports, at, parts = dict(sport=sport, dport=9999), 0, []
    while at < len(data):
        back, end = data[at] & 1, at + 3 + int.from_bytes(data[at + 1:at + 3], "big")
        parts.append((back, data[at + 3:end]))
        at = end
    if path.endswith("-udp"):
        return [way(back, **where) / UDP(**(dict(sport=9999, dport=sport) if back else ports)) / Raw(part) for back, part in parts]
    next_, frames = [101, 501], handshake(**ports, **where)
    for back, part in parts:
        segments = []
        for i in range(0, len(part), size):
            segments.append(tcp(back, "PA", next_[back] + i, next_[not back], part[i:i + size], **ports, **where))
        next_[back] += len(part)
        frames += segments[::-1] + segments if swap else segments
        frames.append(tcp(not back, "A", next_[not back], next_[back], **ports, **where))
    return frames


SPOKEN = [("tls/tls13", {}), ("tls/tls12-rsa", dict(v6=True, size=100)), ("tls/tls10", dict(size=7)),
          ("tls/chrome-143", dict(size=1)), ("tls/gnutls", dict(swap=True)), ("tls/tls13-retry", dict(v6=True, swap=True, size=50)),
          ("tls/chrome-143-records", {}), ("quic/appendix-udp", {}), ("quic/two-datagrams-udp", dict(v6=True)),
          ("quic/ngtcp2-udp", {}), ("quic/draft-udp", {}), ("names/dhcp-udhcpc-udp", {}), ("names/ntp-client-udp", {}),
          ("names/ntp-running-udp", dict(v6=True)), ("names/tftp-busybox-udp", {}), ("names/snmp-3-udp", dict(v6=True)),
          ("names/syslog-old-udp", {}), ("names/syslog-counted", dict(size=1)), ("names/stun-bind-udp", {}),
          ("names/stun-turn", dict(v6=True)), ("names/radius-request-udp", {})]
write("spoken", [frame for i, (path, how) in enumerate(SPOKEN) for frame in spoken(path, 41000 + i, **how)])

with open(os.path.join(HERE, "tcp.pcap"), "rb") as f:
    whole = f.read()
with open(os.path.join(HERE, "cut.pcap"), "wb") as f:
    f.write(whole[:-7])
with open(os.path.join(HERE, "no-capture.pcap"), "wb") as f:
    f.write(b"this is no capture\n")

# What a rule and a sensor of the loaded ones find.
LEAK = b"POST /evil HTTP/1.1\r\nHost: a\r\nContent-Length: 24\r\n\r\ncard=4111 1111 1111 1111&"
write("leak", handshake() + [tcp(0, "PA", 101, 501, LEAK), tcp(1, "A", 501, 101 + len(LEAK))])
