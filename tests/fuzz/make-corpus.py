#!/usr/bin/python3
"""Writes the seed inputs of all targets but base_addr and flow: the same each time."""
import json
import os
import struct
import sys

from scapy.all import (ARP, Dot1Q, Ether, GRE, ICMP, IP, IPv6, TCP, UDP, ICMPv6DestUnreach, ICMPv6EchoRequest, ICMPv6ND_NS,
                       IPv6ExtHdrDestOpt, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop, Raw, SCTP, SCTPChunkData,
                       SCTPChunkInit, VXLAN)

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
GENEVE = Raw(bytes.fromhex("0200655800000900010280010000000b"))
OPTIONS = [("MSS", 1460), ("SAckOK", b""), ("Timestamp", (9, 0)), ("NOP", None), ("WScale", 7)]
SACK = [("NOP", None), ("NOP", None), ("SAck", (1, 2)), ("NOP", None), ("NOP", None), ("Timestamp", (9, 7))]


def unfilled(frame, start, offset):
    """What fuzz_decode.c takes for one: see csum_of() there. The field must hold the pseudo header's sum."""
    b = bytearray(bytes(frame))
    l3, l4_len, proto = start - 20, len(b) - start, b[start - 11]
    words = bytes(b[l3 + 12:l3 + 20]) + struct.pack(">HH", proto, l4_len)
    total = sum(struct.unpack(">%dH" % (len(words) // 2), words))
    total = (total & 0xffff) + (total >> 16)
    b[start + offset:start + offset + 2] = struct.pack(">H", (total & 0xffff) + (total >> 16))
    b[0:5] = bytes((3, start >> 8, start & 0xff, offset, 0))
    return bytes(b)


INNER = Ether(**ETHER) / V4 / TCP(flags="A", seq=1, ack=2) / Raw(b"abc")
DECODE = {
    "tcp-options": Ether(**ETHER) / V4 / TCP(flags="S", options=OPTIONS),
    "tcp-sack": Ether(**ETHER) / V4 / TCP(flags="A", options=SACK),
    "sctp-init": Ether(**ETHER) / V4 / SCTP(sport=1, dport=2, tag=0) / SCTPChunkInit(init_tag=5),
    "sctp-data": Ether(**ETHER) / V4 / SCTP(sport=1, dport=2, tag=5) / SCTPChunkData(data=b"abc") / SCTPChunkData(data=b"d"),
    "icmp6-error": Ether(**ETHER) / V6 / ICMPv6DestUnreach() / IPv6(src=V6.dst, dst=V6.src) / IPv6ExtHdrHopByHop()
                   / IPv6ExtHdrDestOpt() / TCP(flags="S"),
    "gre": Ether(**ETHER) / V4 / GRE(chksum_present=1, key_present=1, seqnum_present=1, key=7) / V4 / UDP() / Raw(b"a"),
    "gre-tap": Ether(**ETHER) / V6 / GRE(proto=0x6558) / INNER,
    "vxlan": Ether(**ETHER) / V4 / UDP(dport=4789) / VXLAN(vni=5) / INNER,
    "geneve": Ether(**ETHER) / V4 / UDP(dport=6081) / GENEVE / INNER,
    "ipip": Ether(**ETHER) / V4 / V4 / V6 / V4 / V4 / TCP(flags="A"),
    "unfilled": unfilled(INNER, 34, 16),
    "unfilled-inner": unfilled(Ether(**ETHER) / V4 / GRE() / V4 / TCP(flags="A") / Raw(b"abc"), 58, 16),
}
TALK = [(0, tcp("S", 100)), (1, tcp("SA", 500, 101, True)), (0, tcp("A", 101, 501)),
        (2, tcp("A", 101, 501)), (0x81, tcp("FA", 501, 101, True))]
UDP_PARTS = [bytes(UDP(sport=4000, dport=53, len=32)) + bytes(8), bytes(16)]
PARTS4 = [Ether(**ETHER) / IP(src="10.0.0.1", dst="10.0.0.2", id=7, proto=17, flags=f, frag=2 * i) / Raw(UDP_PARTS[i])
          for i, f in enumerate(("MF", ""))]
PARTS6 = [Ether(**ETHER) / V6 / IPv6ExtHdrFragment(nh=17, id=9, m=1 - i, offset=2 * i) / Raw(UDP_PARTS[i])
          for i in (0, 1)]
# Denied by the second policy, but not before its grace is used up.
UNKNOWN = Ether(**ETHER) / V4 / UDP(sport=4000, dport=5000)
MESSAGES = {
    "keep-alive": '{"ctrl_keep_alive":{"seq_num":1}}',
    "add-mac": '{"ctrl_add_mac":{"iface":"e","mac":"02:00:00:00:00:01","ucmac":"02:00:00:00:00:02","pips":[{"ip":"10.0.0.1"}]}}',
    "cfg-mac": '{"ctrl_cfg_mac":{"macs":["02:00:00:00:00:01"],"tap":true,"apps":[{"ip_proto":6,"port":80}]}}',
    "nets": '{"ctrl_cfg_internal_net":{"flag":3,"subnet_addr":[{"ip":"10.0.0.0","mask":"255.0.0.0"}]}}',
    "policy": '{"ctrl_cfg_policy":{"cmd":1,"flag":3,"defact":7,"dir":2,"mac":["02:00:00:00:00:01"],"rules":[{"id":1,'
              '"sip":"10.0.0.1","dip":"10.0.0.2","dipr":"10.0.0.9","port":0,"portr":65535,"proto":0,"action":5,'
              '"fqdn":"a.b","apps":[{"app":1,"action":2,"rid":3}]}]}}',
    "own-rules": '{"ctrl_cfg_policy":{"cmd":1,"flag":3,"defact":7,"dir":3,"mac":["02:00:00:00:00:01"],"rules":[{"id":1,'
                 '"from":["10.0.0.0/8","set:db","fqdn:*.a.b"],"to":["any"],"ports":["443","8000-8100"],"proto":"tcp",'
                 '"apps":["http",1002],"action":"reject","ingress":true}]}}',
    "sets": '{"weir_sets":{"sets":{"db":["10.0.0.1","10.0.1.0/24"]}}}',
    "whole": '{"weir_policy":{"version":1,"force":true,"sets":{"db":["10.0.0.1"]},"internal":["10.0.0.0/8","::1-::9"],'
             '"policies":[{"macs":["02:00:00:00:00:01"],"default":"reject","ipv6":false,"rules":[{"id":1,"to":["set:db"],'
             '"ports":["443"],"proto":"tcp","apps":["http"],"action":"allow"}]}]}}',
    "explain": '{"weir_explain":{"from":"10.0.0.1","to":"10.0.0.2","proto":"tcp","port":443,"app":"http","vhost":"a.b"}}',
    "settings": '{"weir_settings":{"meters":{"syn-flood":{"upper":9,"lower":8}},"threats":{"2003":{"action":"allow"}},'
                '"streams":{"overlap":"last","on":{"fin":"bypass"}},"fragments":{"overlap":"first"},'
                '"flows":{"full":"drop"},"tunnels":{"look":["gre","vxlan"],"vxlan_ports":[1]}}}',
    "debug": '{"ctrl_set_debug":{"categories":["ctrl","all"]}}',
}


def piece(key, place, long, flags, fill=1, padding=0, seconds=0):
    """A step of fuzz_defrag.c."""
    return bytes([0, key, place, long, fill, flags, padding, seconds])


def raw(frame):
    return b"\x80" + struct.pack(">H", len(bytes(frame))) + bytes(frame)


FRAGMENTS = {
    "two": piece(8, 0, 0, 1) + piece(8, 1, 0, 0),
    "backwards": piece(8, 2, 0x30, 2) + piece(8, 1, 0, 3) + piece(8, 0, 0, 3),
    "large": piece(4, 0, 1, 1) + piece(4, 2, 0, 1, padding=40) + piece(4, 3, 0, 0),
    "overlap": piece(8, 0, 1, 1) + piece(8, 1, 0, 1, fill=2) + piece(8, 2, 0, 0),
    "cut": piece(8, 0, 0, 1) + b"\x03" + piece(8, 1, 0, 8)[1:],
    "late": piece(8, 0, 0, 1) + piece(8, 1, 0, 0, seconds=10),
    "raw": raw(FRAMES["fragment"]) + raw(Ether(**ETHER) / IP(src="10.0.0.1", dst="10.0.0.2", id=7, frag=3, proto=17) / Raw(bytes(8))),
    "raw6": raw(FRAMES["fragment6"]) + raw(Ether(**ETHER) / V6 / IPv6ExtHdrFragment(id=9, offset=3, nh=17) / Raw(bytes(8))),
}

# fuzz_stream.c: options, then (what, captured, length, sequence number - next).
SEG, ACK, OPEN, SERVER, SYN, FIN, OTHER = 0, 3, 4, 16, 32, 64, 128
STREAMS = {
    "order": (1, [(SEG | SYN, 255, 0, 0), (SEG, 255, 3, 0), (SEG | SERVER, 255, 5, 0), (ACK, 0, 0, 0),
                  (SEG | FIN, 255, 2, 0), (ACK | SERVER, 0, 0, 1), (SEG | SERVER | FIN, 255, 0, 0)]),
    "disorder": (1, [(SEG, 255, 9, 90), (SEG, 255, 40, 50), (SEG, 255, 40, 20), (SEG, 255, 20, 0),
                     (SEG, 255, 40, -30)]),
    "conflict": (7, [(SEG, 255, 9, 9), (SEG | OTHER, 255, 9, 9), (SEG, 255, 20, 0), (SEG | OTHER, 255, 5, -9)]),
    "limits": (1, [(SEG, 255, 3999, 5000 * i + 99) for i in range(1, 9)] + [(SEG, 255, 3999, 0)] * 9),
    "cut": (0, [(SEG, 100, 90, 0), (SEG, 9, 90, 90), (SEG, 255, 200, 0), (ACK | SERVER, 0, 0, 50)]),
    "unseen": (5, [(OPEN + 2, 0, 0, -9), (SEG, 255, 9, 5), (ACK | SERVER, 0, 0, 20), (SEG, 0x7f, 90, 1 << 30)]),
}

DNS_Q = b"\x03WWW\x07example\x03com\0\0\x01\0\x01"
DNS = {
    "query": "0007010000010000000000 00" + DNS_Q.hex(),
    "answer": "000781800001000200000001" + DNS_Q.hex() + "c00c00050001000000090007 016102 6364c010"
              + "c02d00010001ffffffff00040a000001" + "0000291000000000000000",
    "aaaa": "00078180000100010000 0000" + DNS_Q.hex() + "c00c001c000100000009001020010db8000000000000000000000001",
    "loop": "000781800001000100000000" + DNS_Q.hex() + "c021c021",
    "back": "000781800001000100000000" + DNS_Q.hex() + "0161c00cc021",
    "label": "00070100000100000000000041",
    "rdata": "000781800001000100000000" + DNS_Q.hex() + "c00c000100010000000900050a00000100",
    "odd": "000701000001000000000000" + "04002e5cff00000100 01",
    "questions": "000701000002000000000000" + DNS_Q.hex() * 2,
}

# fuzz_match.c: boxes, then points; see take_box(), take_point() there.
COND, SAME, ANY_PEER, ANY_PORT, NAMED, ANY_PROTO = 4, 8, 16, 32, 64, 128
NET = 0x0a000000


def box(flags, peers, own=(NET, NET + 9), port=80, proto=6, name=0, more=0):
    return struct.pack(">BBBBHIIII", flags, name, proto, more, port, *peers, *own)


def point(how, peer, own=NET + 5, port=80, proto=6, names=0):
    return struct.pack(">BBBHII", how, names, proto, port, peer, own)


def index(ipv6, boxes, points):
    return struct.pack(">BH", ipv6, len(boxes)) + b"".join(boxes + points)


def hidden(first, second, n=30):
    """Of n regions each: one box over all of it, and six more just the same, so
    that it is cut out (MATCH_LIST_GOAL). Where the first one, of an odd order,
    does not count, the next one is to be found: nothing may have hidden it.
    Regions lie side by side by peer; by port, where all peers are meant."""
    wide = first & ANY_PEER
    boxes, points = [], []
    for i in range(n):
        peers, port = (NET + 16 * i, NET + 16 * i + 15), 10 * i
        # the one before it makes its order odd and is not met
        for own, flags in [((0, 0), 0), (None, first)] + [(None, second)] * 6:
            flags |= ANY_PROTO | (0 if wide else ANY_PORT)
            boxes.append(box(flags, peers, own or (0, 2**32 - 1), port=port, more=9))
        points += [point(how, NET + 16 * i + 7, port=port + 5) for how in range(2)]
    return index(0, boxes, points)


MATCHES = {
    "conditional": hidden(COND, 0),
    "external": hidden(1, 0),
    "internal": hidden(2, 0),
    "wide": hidden(COND | ANY_PEER, ANY_PEER),
    "few": index(0, [box(0, (NET, NET)), box(COND, (NET, NET + 3), port=81), box(ANY_PEER | ANY_PROTO, (0, 0))],
                 [point(0, NET + i % 5, port=79 + i % 4) for i in range(12)]),
    "peers": index(0, [box(1 + i % 2 | ANY_PEER | SAME * (i % 3 == 0), (0, 0), proto=6 + i % 2) for i in range(6)],
                   [point(i % 2, NET + i, proto=6 + i // 2 % 2) for i in range(8)]),
    "names": index(0, [box(NAMED | ANY_PEER | ANY_PORT, (0, 0), name=i % 8) for i in range(6)] + [box(0, (NET, NET + 9))],
                   [point(2 * (i % 4), NET + i, names=17 * i % 256) for i in range(10)]),
    "nested": index(0, [box((i + 1) % 4 | ANY_PORT | ANY_PROTO | COND * (i % 5 == 0), (NET + i // 4 * 16, NET + i // 4 * 16 + 15),
                            (0, 2**32 - 1)) for i in range(240)],
                    [point(i % 2, NET + i // 2 * 8 + i % 3, NET * (i % 3)) for i in range(200)]),
    "many": index(0, [box(COND * (i % 7 == 0) | i % 4, (NET + 37 * i, NET + 37 * i + i % 90), port=i % 9, more=i % 5) for i in range(200)],
                  [point(i % 2, NET + 61 * i, port=i % 12) for i in range(100)]),
    "overlap": index(0, [box(0, (NET + i, NET + 200 - i), (NET + i, NET + 99 - i), port=i, more=200) for i in range(60)],
                     [point(0, NET + 3 * i, NET + i, port=4 * i) for i in range(60)]),
    "six": index(1, [box(ANY_PORT, (NET + 300 * i, NET + 300 * i + 2 * i)) for i in range(40)] + [box(ANY_PEER, (0, 0))],
                 [point(i % 2, NET + 150 * i, NET + i % 12) for i in range(60)]),
}

RULES = {
    "plain": "f10.0.0.1\nt10.0.0.2\np443\nPtcp\nAallow",
    "lists": "f10.0.0.0/8\nf2001:db8::/32\nf10.9.0.1-10.9.0.7\ntany\np80\np8000-8100\nAreject\nahttp\na1002",
    "peer": "fexternal\nffqdn:*.Example.com\nfinternal\nt10.0.0.2\npany\nPudp\nAalert\ni",
    "dots": "f10.0.0.1\ntfqdn:*.a..\np1\nAallow",
    "set": "fset:db\ntset:web\nAdeny\nPany",
    "icmp": "f::1\nt::2-::9\nPicmpv6\nAlearn",
    "six": "f2001:db8::5/64\nt2001:db8::/128\np1-65535\nP132\nAallow",
}

YAML = {
    "scalars": "[1, -7, 1.5e3, true, ~, no, 0x10, '1', \"a\\tb\\u00e4\", !!str 5]\n",
    "block": "a:\n- b: 1\n  c: [x, {y: z}]\n- |\n  two\n  lines\n- >-\n  one\n  line\n# end\n",
    "alias": "a: &x {b: [1]}\nc: *x\nd: [*x, *x]\n",
    "laughs": "".join(f"a{i}: &a{i} [{','.join(['x' if i == 0 else f'*a{i - 1}'] * 9)}]\n" for i in range(8)),
    "documents": "a: 1\n---\n--- b\n...\n%YAML 1.1\n---\n- c\n",
    "twice": "a: 1\na: 2\n",
    "deep": "[" * 33 + "]" * 33,
    "path": "a[0].b",
}
INTENTS = {
    "groups": "default_mode: monitor\ngroups:\n- name: web\n  mode: protect\n  where:\n"
              "  - {key: label.app, op: in, value: [web, www]}\n  - {key: image, op: regex, value: 'nginx:[0-9.]+'}\n"
              "  - {key: pod, op: absent}\n- {name: db}\n",
    "addresses": "groups:\n- name: out\n  where:\n  - {key: address, op: in, value: [10.0.0.0/8, '*.a.org', 10.9.0.1-10.9.0.9]}\n"
                 "  - {key: address, op: '!=', value: 10.2.0.0/16}\nrules: [{from: any, to: out, action: deny}]\n",
    "rules": "rules:\n- id: 7\n  from: [web.shop, 10.0.0.0/8]\n  to: [db, external, node, workloads, 'fqdn:*.b']\n"
             "  ports: [tcp/80, udp/1-9, icmp, ip/47]\n  applications: [http]\n  action: reject\n  comment: c\n"
             "  expires: 2027-01-31\n  side: client\n  origin: learned\n",
    "netpol": "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: n, namespace: shop}\nspec:\n"
              "  podSelector: {matchLabels: {app: web}, matchExpressions: [{key: a, operator: NotIn, values: [b]}]}\n"
              "  policyTypes: [Ingress, Egress]\n  ingress:\n  - from:\n    - podSelector: {}\n"
              "      namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: ops}}\n"
              "    - ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}\n"
              "    ports: [{port: 80, endPort: 90, protocol: UDP}]\n  egress: []\n---\nrules: []\n",
}


def field(number, value):
    """A field of protobuf: a number, or bytes (text, a message)."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def varint(n):
    return bytes((n & 0x7f | 0x80,)) + varint(n >> 7) if n > 0x7f else bytes((n,))


def entry(number, key, value):
    return field(number, field(1, key) + field(2, value))


def event(topic, inner):
    return field(2, "k8s.io") + field(3, topic) + field(4, field(1, "x") + field(2, inner))


# What containerd and CRI runtimes answer, as src/runtime/*.proto names it.
SPEC = '{"annotations":{"io.kubernetes.cri.sandbox-name":"db-0","io.kubernetes.cri.sandbox-namespace":"shop"}}'
INFO = '{"pid":7,"runtimeSpec":{"linux":{"namespaces":[{"type":"network","path":"/run/netns/a"}]}}}'
GRPC = {
    "namespaces": field(1, field(1, "blue")) + field(1, field(1, "k8s.io")),
    "tasks": field(1, field(2, "c1") + field(3, 7) + field(4, 2)) + field(1, field(2, "c2") + field(3, 8) + field(4, 4)),
    "container": field(1, field(1, "c1") + entry(2, "tier", "front") + field(3, "i:1") + field(5, field(1, "x") + field(2, SPEC))),
    "start": event("/tasks/start", field(1, "c1") + field(2, 7)),
    "exit": event("/tasks/exit", field(1, "c1") + field(2, "exec") + field(3, 9)),
    "pods": field(1, field(1, "p1") + field(4, 1795949877)),
    "pod": field(1, field(1, "p1") + field(2, field(1, "web-x2x9z") + field(3, "shop")) + entry(7, "app", "web")) + entry(2, "info", INFO),
}
DOCKER = {
    "version": '{"ApiVersion":"1.41","MinAPIVersion":"1.12"}',
    "list": '[{"Id":"c1","Names":["/web"],"State":"running"}]',
    "container": '{"Id":"c1","Name":"/web","Config":{"Image":"i:1","Labels":{"com.docker.compose.service":"web"},'
                 '"ExposedPorts":{"80/tcp":{}}},"State":{"Status":"running","Pid":7,"StartedAt":"2026-11-29T10:57:57.1Z"},'
                 '"NetworkSettings":{"Ports":{"53/udp":null}}}',
    "pod": '{"Id":"c1","Name":"/k8s_a","Config":{"Labels":{"io.kubernetes.pod.name":"web-6d4cf56db6-x2x9z",'
           '"io.kubernetes.container.name":"a"}},"State":{"Status":"paused","Pid":7}}',
    "events": '{"Type":"container","Action":"start","Actor":{"ID":"c1"}}\n\n{"Type":"container","Action":"die","id":"c1"}\n',
}


def write(kind, name, data):
    folder = os.path.join(HERE, kind)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, name), "wb") as f:
        f.write(data)


def record(how, frame):
    data = bytes(frame)
    return struct.pack(">HB", len(data), how) + data


def dns(name, back=False, l4=None):
    """A message of DNS, of a workload's talk with its resolver."""
    data = bytes.fromhex(DNS[name])
    ip = IP(src=V4.dst, dst=V4.src) if back else V4
    ports = dict(sport=53, dport=4000) if back else dict(sport=4000, dport=53)
    if l4 is None:
        return Ether(**ETHER) / ip / UDP(**ports) / Raw(data)
    return Ether(**ETHER) / ip / TCP(**ports, **l4) / Raw(struct.pack(">H", len(data)) + data if "P" in l4["flags"] else b"")


BY_TCP = [(0, dns("query", False, dict(flags="S", seq=100))), (1, dns("query", True, dict(flags="SA", seq=500, ack=101))),
          (0, dns("query", False, dict(flags="PA", seq=101, ack=501))),
          (1, dns("answer", True, dict(flags="PA", seq=501, ack=101)))]
BY_NAME = Ether(**ETHER) / IP(src="10.0.0.9", dst="10.0.0.1") / UDP(sport=4001, dport=5000)
for name, frame in (FRAMES | DECODE).items():
    write("decode", name, bytes(frame))
write("heard", "arp", bytes(FRAMES["arp"]))
write("heard", "nd", bytes(Ether(**ETHER) / V6 / ICMPv6ND_NS(tgt="2001:db8::2")))
write("inspect", "talk", b"".join(record(*t) for t in TALK))
write("inspect", "fragments", b"".join(record(0, f) for p in (PARTS4, PARTS6) for f in (p[1], p[0], p[1])))
write("inspect", "grace", record(2, UNKNOWN) + record(61 << 2, UNKNOWN) * 12)
write("inspect", "names", record(0, dns("query")) + record(1, dns("answer", True)) + record(0, BY_NAME))
write("inspect", "names-tcp", b"".join(record(*t) for t in BY_TCP) + record(0, BY_NAME))
write("inspect", "tunnels", b"".join(record(0, DECODE[n]) for n in ("gre", "gre-tap", "vxlan", "geneve", "ipip")))
write("inspect", "all", b"".join(record(4, f) for f in FRAMES.values()))
for name, text in DNS.items():
    data = bytes.fromhex(text)
    write("dns", name, data)
    write("dns", name + "-framed", struct.pack(">H", len(data)) + data)
for name, data in FRAGMENTS.items():
    write("defrag", name, data)
for name, text in MESSAGES.items():
    write("ctrl", name, text.encode())
# All of the reference's, as the test client sends them; eight in one datagram.
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "compat"))
ALL = __import__("dpclient").messages("02:00:00:00:00:01")
for i in range(0, len(ALL), 8):
    write("ctrl", f"agent-{i // 8}", json.dumps({name: body for name, body, _ in ALL[i:i + 8]}).encode())
for name, (how, events) in STREAMS.items():
    write("stream", name, bytes((how, 0)) + b"".join(struct.pack(">BBHI", *e[:3], e[3] % 2**32) for e in events))
for name, data in MATCHES.items():
    write("match", name, data)
for name, text in RULES.items():
    write("rule", name, text.encode())
for name, data in GRPC.items():
    write("grpc", name, struct.pack(">BI", 0, len(data)) + data)
write("grpc", "all", b"".join(struct.pack(">BI", 0, len(data)) + data for data in GRPC.values()))
for name, text in DOCKER.items():
    write("docker", name, text.encode())
for name, text in YAML.items():
    write("yaml", name, text.encode())
for name, text in INTENTS.items():
    write("intent", name, text.encode())
