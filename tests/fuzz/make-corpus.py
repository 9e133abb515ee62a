#!/usr/bin/python3
"""Writes the seed inputs of all targets but base_addr and flow: the same each time."""
import gzip
import json
import os
import struct
import sys
import zlib

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
KUBERNETES = {
    "page": '{"metadata":{"resourceVersion":"5","continue":"abc"},"items":[{"metadata":{"name":"a","namespace":"b","uid":"u",'
            '"labels":{"app":"web"}},"spec":{"podSelector":{},"nodeName":"n"}}]}',
    "pod": '{"type":"ADDED","object":{"metadata":{"name":"web-0","namespace":"shop","uid":"u","resourceVersion":"7","labels":{"a":"b"},'
           '"ownerReferences":[{"kind":"ReplicaSet","name":"web","controller":true}]},"spec":{"hostNetwork":true,"containers":'
           '[{"ports":[{"name":"http","containerPort":80,"protocol":"TCP"}]}]},"status":{"phase":"Running","podIP":"10.0.0.1",'
           '"podIPs":[{"ip":"fd00::1"}]}}}\n',
    "policy": '{"type":"MODIFIED","object":{"metadata":{"name":"p","namespace":"shop","uid":"u","resourceVersion":"8"},"spec":'
              '{"podSelector":{"matchLabels":{"a":"b"},"matchExpressions":[{"key":"c","operator":"NotIn","values":["d"]}]},'
              '"policyTypes":["Ingress","Egress"],"ingress":[{"from":[{"namespaceSelector":{"matchLabels":{"t":"o"}},"podSelector":{}},'
              '{"ipBlock":{"cidr":"10.0.0.0/8","except":["10.1.0.0/16"]}}],"ports":[{"port":"http"},{"port":80,"endPort":90,'
              '"protocol":"UDP"}]}],"egress":[{}]}}}\n',
    "deleted": '{"type":"DELETED","object":{"metadata":{"name":"shop","uid":"u","resourceVersion":"9"}}}\n'
               '{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"10"}}}\n',
    "expired": '{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"}}\n',
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


def framed(*messages):
    """As DNS stands in TCP."""
    return b"".join(struct.pack(">H", len(m)) + m for m in messages)


DNS_BYTES = {name: bytes.fromhex(text) for name, text in DNS.items()}
DNS_VALUES = DNS_BYTES["answer"][:6] + b"\0\x05\0\0\0\0" + DNS_Q + b"".join(
    b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 9, len(value)) + value for kind, value in (
        (15, b"\0\x0a\x02mx\xc0\x10"), (16, b"\x02v=\x03a b"), (33, b"\0\x01\0\x02\x01\xbb\x01s\xc0\x10"),
        (65, b"\0\x01\0\0\x01\0\x06\x02h2\x02h3\0\x03\0\x02\x20\xfb\0\x04\0\x04\x0a\0\0\x01\0\x06\0\0"),
        (6, b"\xc0\x10\xc0\x0c" + bytes(20))))
DNS_LOCAL = b"\0\0\0\0\0\2\0\0\0\0\0\0\1a\5local\0\0\1\x80\1\1b\xc0\x0e\0\x1c\0\1"
DNS_ZONE = DNS_BYTES["query"][:-4] + b"\0\xfc\0\1"

GZIP = gzip.compress(b"weir" * 40, mtime=0)
ZLIB = zlib.compress(b"weir" * 40)
BROTLI = bytes.fromhex("139f0000a4cbd2e4ee8468015863")  # the same
# fuzz_text.c: a kind of proto/decode.h, the length of a piece, the text.
TEXTS = {
    "percent": b"\0\3%41%u20ac%2541%4", "form": b"\1\1a+%2b", "html": b"\2\2&lt;&#x3c;&#0000060&Tab;&amp",
    "json": b"\3\5\\u0041\\ud83d\\ude00\\ud83d\\n", "base64": b"\4\1aGVs bG8=YQ!",
    "lower": b"\5\7AbC", "squeeze": b"\6\1a \t b", "strip": b"\7\2a \nb ",
}

# Conversations, for each parser: who says what. Each chunk of one whose name
# ends with -udp is a datagram.
def mysql(number, payload):
    return struct.pack("<I", len(payload))[:3] + bytes((number,)) + payload


MYSQL_HELLO = ("S", mysql(0, b"\n8.0.32\0" + b"\1\0\0\0saltsalt\0\xff\xf7\x21\2\0\xff\xdf\x15" + bytes(10) + b"saltsaltsalt\0x\0"))
MYSQL_OK = ("S", mysql(2, b"\0\0\0\2\0\0\0"))


def mysql_login(flags):
    return ("C", mysql(1, struct.pack("<II", flags, 1 << 24) + b"\x21" + bytes(23) + b"bob\0\2pwshop\0"))


def pg(kind, payload):
    return kind + struct.pack(">I", len(payload) + 4) + payload


PG_START = ("C", pg(b"", b"\0\3\0\0user\0bob\0database\0shop\0\0"))
def mongo(code, payload):
    return struct.pack("<4I", 16 + len(payload), 1, 0, code) + payload


def bson(elements):
    return struct.pack("<I", len(elements) + 5) + elements + b"\0"


MONGO_DB = b"\2$db\0\5\0\0\0shop\0"


def cql(version, opcode, body, flags=0):
    return bytes((version, flags, 0, 1, opcode)) + struct.pack(">I", len(body)) + body


CQL_START = cql(4, 1, b"\0\1\0\x0bCQL_VERSION\0\x053.0.0")
CQL_SELECT = b"\0\0\0\x08select 1\0\1\0"


def memcached(command, body=b"", key=0, extras=0, status=0, magic=0x80):
    return struct.pack(">BBHBBHIIQ", magic, command, key, extras, 0, status, len(body), 0, 0) + body


def tds(kind, payload, last=1):
    return struct.pack(">BBHHBB", kind, last, len(payload) + 8, 0, 1, 0) + payload


def utf16(text):
    return text.encode("utf-16-le")


TDS_HEADERS = struct.pack("<IIHQI", 22, 18, 2, 0, 1)
TDS_LOGIN = tds(16, struct.pack("<II", 104, 0x74000004) + bytes(28) + struct.pack("<18H", 0, 0, 94, 3, *[0] * 12, 100, 2)
                + bytes(22) + utf16("bobdb"))


def tds_prelogin(kind, encryption):
    return tds(kind, b"\0\0\x0b\0\6\1\0\x11\0\1\xff\x0f\0\7\xd0\0\0" + bytes((encryption,)))


def tns(kind, payload):
    return struct.pack(">HHBBH", len(payload) + 8, 0, kind, 0, 0) + payload


TNS_TEXT = b"(DESCRIPTION=(A=(Sid = x)(USER=me)))"
TNS_CONNECT = struct.pack(">13H", 316, 300, 0, 0x2000, 0x7fff, 0x7f08, 0, 256, len(TNS_TEXT), 34, 0, 0, 0)


def kafka(api, version, body, client=b"me"):
    data = struct.pack(">HHIH", api, version, 7, len(client)) + client + body
    return struct.pack(">I", len(data)) + data


def zookeeper(number, op, body=b""):
    return struct.pack(">Iii", len(body) + 8, number, op) + body


ZOOKEEPER_HELLO = zookeeper(0, 0, struct.pack(">IIQI", 0, 10000, 0, 16) + bytes(17))
INNER = struct.pack(">bi", 0, -1)
def amqp(cls, number, arguments):
    return struct.pack(">BHIHH", 1, 1, len(arguments) + 4, cls, number) + arguments + b"\xce"


# Conversations, for each parser: who says what. A datagram is a chunk, too.
def h2(*frames):
    """Frames of HTTP/2: type, flags, stream, payload."""
    return b"".join(len(p).to_bytes(3, "big") + bytes((kind, flags)) + struct.pack(">I", stream) + p for kind, flags, stream, p in frames)


H2_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + h2((4, 0, 0, b""))
H2_HEAD = b"\x82\x86\1\1h"  # GET, http, authority h
H2_GRPC = b"\x83\x86\1\1h\4\5/a/Bc\x5f\x10application/grpc\0\x0dgrpc-encoding\4gzip"

TALKS = {
    "http2": {
        "mixed": [("C", H2_PREFACE + h2((1, 4, 1, H2_HEAD + b"\4\2/a"), (1, 4, 3, H2_HEAD + b"\4\2/b"), (0, 0, 1, b"one"),
                                        (0, 1, 3, b"two"), (0, 1, 1, b"!"))),
                  ("S", h2((4, 0, 0, b""), (4, 1, 0, b""), (1, 4, 1, b"\x88"), (1, 4, 3, b"\x8d"), (0, 1, 1, b"ok"), (0, 1, 3, b"")))],
        "padded": [("C", H2_PREFACE + h2((1, 0x2c, 1, b"\2\0\0\0\0\x10" + H2_HEAD + b"\x84xx"), (0, 9, 1, b"\3abcxyz")))],
        "continued": [("C", H2_PREFACE + h2((1, 1, 1, H2_HEAD[:2]), (9, 0, 1, H2_HEAD[2:]), (9, 4, 1, b"\4\x11/a/..%2f%2e./%41?b"))),
                      ("S", h2((4, 0, 0, b""), (5, 0, 1, b"\0\0\0\2" + H2_HEAD), (9, 4, 1, b"\x84"), (1, 4, 2, b"\x48\003100"),
                               (1, 5, 2, b"\x88\x0f\x27\5nginx")))],
        "grpc": [("C", H2_PREFACE + h2((1, 4, 1, H2_GRPC), (0, 0, 1, b"\0\0\0\0\3a"), (0, 0, 1, b"bc\1" + struct.pack(">I", len(GZIP)) + GZIP),
                                       (1, 5, 1, b"\0\1t\1u"), (3, 0, 1, b"\0\0\0\0"))),
                 ("S", h2((4, 0, 0, b""), (1, 4, 1, b"\x88\x5f\x10application/grpc"), (0, 0, 1, b"\0\0\0\0\0"), (1, 5, 1, b"\0\1s\0010")))],
        "table": [("C", H2_PREFACE + h2((1, 5, 1, b"\x3f\xe1\x7f" + H2_HEAD + b"\x84\x40\1a\x7f\x81\1" + b"b" * 256 + b"\xbe" * 9),
                                        (1, 5, 3, b"\x20" + H2_HEAD + b"\x85"), (6, 0, 0, b"12345678"), (1, 5, 5, b"\xbe")))],
        "odd": [("C", H2_PREFACE + h2((1, 4, 1, H2_HEAD + b"\x84\0\1A\5b\r\nc:\x0f\x0d\0013\x60\3a=1\x60\3b=2\x84"),
                                      (0, 0, 1, b"four"), (2, 0, 1, b"12345"), (77, 0, 0, b""), (3, 0, 1, b"1234"), (7, 0, 0, b"12345678")))],
        "middle": [("C", h2((8, 0, 0, b"\0\0\1\0"), (1, 4, 7, H2_HEAD + b"\x84\x40\1a\1b\x7f\x09\1x"), (1, 5, 9, H2_HEAD + b"\xbe\xbf\xc0"))),
                   ("S", h2((1, 4, 7, b"\xbe"), (0, 1, 7, b"hi"), (1, 5, 9, b"\x88"))), ("C", h2((0, 1, 7, b"late"), (1, 1, 11, H2_HEAD[:3]), (9, 4, 11, H2_HEAD[3:])))],
        "mid-body-middle": [("C", b"rest"), ("S", h2((6, 1, 0, b"12345678"), (8, 0, 0, b"\0\0\1\0"))), ("C", h2((1, 5, 9, H2_HEAD + b"\x84"))), ("S", h2((1, 5, 9, b"\x88")))],
        "coded": [("C", H2_PREFACE + h2((1, 5, 1, H2_HEAD + b"\x84"))),
                  ("S", h2((4, 0, 0, b""), (1, 4, 1, b"\x88\x5a\4gzip"), (0, 0, 1, GZIP[:9]), (0, 1, 1, GZIP[9:])))],
    },
    "dns": {
        "both-udp": [("C", DNS_BYTES["query"]), ("S", DNS_BYTES["answer"])],
        "values-udp": [("C", DNS_BYTES["query"]), ("S", DNS_VALUES)],
        "loop-udp": [("C", DNS_BYTES["query"]), ("S", DNS_BYTES["loop"]), ("S", DNS_BYTES["back"])],
        "local-udp": [("C", DNS_LOCAL), ("C", DNS_BYTES["aaaa"])],
        "both": [("C", framed(DNS_BYTES["query"], DNS_ZONE)), ("S", framed(DNS_BYTES["answer"])[:30]),
                 ("S", framed(DNS_BYTES["answer"], DNS_BYTES["aaaa"])[30:])],
        "long": [("C", framed(DNS_BYTES["query"] + bytes(3000), DNS_BYTES["odd"])),
                 ("S", framed(DNS_BYTES["answer"] + bytes(20000))), ("S", framed(DNS_VALUES))],
    },
    "tls": {
        "ssl2": [("C", b"\x80\x1c\1\0\2\0\3\0\0\0\x10abc0123456789abcdef"), ("S", b"\x80\5\4\0\1\0\2")],
        "beat": [("C", b"\x16\3\3\0\x2d\1\0\0\x29\3\3" + bytes(32) + b"\0\0\2\0\x2f\1\0"), ("C", b"\x18\3\3\0\3\1\x40\0")],
        "middle": [("C", b"\x17\3\3\0\3abc"), ("S", b"\x15\3\3\0\2\2\x28")],
    },
    "http": {
        "unasked-101": [("C", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"), ("S", b"HTTP/1.1 101 a\r\nUpgrade: h2c\r\n\r\n"), ("C", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")],
        "get": [("C", b"GET /a/../b?c=1 HTTP/1.1\r\nHost: a.b:80\r\nUser-Agent: c\r\nCookie: d=e\r\n\r\n"),
                ("S", b"HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Length: 2\r\n\r\nok")],
        "chunked": [("C", b"POST http://a/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n0\r\nT: u\r\n\r\n"),
                    ("S", b"HTTP/1.1 100 a\r\n\r\nHTTP/1.0 200 OK\r\n\r\nto the end")],
        "old": [("C", b"\r\nGET /\r\n"), ("S", b"<p>")],
        "leave": [("C", b"CONNECT a:1 HTTP/1.1\r\n\r\nHEAD * HTTP/1.1\r\nUpgrade: h2c\r\n\r\n"),
                  ("S", b"HTTP/1.1 407 a\r\nContent-Length: 0\r\n\r\nHTTP/1.1 101 a\r\nUpgrade: h2c\r\n\r\n")],
        "upgrade": [("C", b"GET / HTTP/1.1\r\nUpgrade: h2c\r\n\r\n"),
                    ("S", b"HTTP/1.1 101 a\r\nUpgrade: h2c\r\n\r\n" + h2((4, 0, 0, b""), (1, 5, 1, b"\x88"))),
                    ("C", H2_PREFACE + h2((1, 5, 3, H2_HEAD + b"\x84")))],
        "odd": [("C", b"POST /%2e%252e\\..;/#b HTTP/1.0\nContent-Length : 3\nA: b\r\n c\nfoo\nContent-Length: -1\n\n")],
        "deflate-br": [("C", b"GET / HTTP/1.1\r\n\r\n" * 2),
                       ("S", b"HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n"
                        % len(ZLIB) + ZLIB + b"\r\n0\r\n\r\n"),
                       ("S", b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: %d\r\n\r\n" % len(BROTLI) + BROTLI)],
        "gzip": [("C", b"GET / HTTP/1.1\r\n\r\n"),
                 ("S", b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(GZIP) + GZIP)],
    },
    "rtsp": {
        "of": [("C", b"DESCRIBE rtsp://h/a RTSP/1.0\r\n\r\n"), ("S", b"RTSP/1.0 200 OK\r\n\r\n")],
    },
    "sip": {
        "invite-udp": [("C", b"INVITE sip:a@b SIP/2.0\r\n\r\n"), ("S", b"SIP/2.0 100 Trying\r\n\r\n")],
        "blank": [("C", b"\r\n\r\n"), ("S", b"OPTIONS tel:1 SIP/2.0\r\n\r\n")],
    },
    "ssh": {
        "both": [("S", b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"), ("C", b"SSH-2.0-dropbear\r\n")],
        "before": [("C", b"SSH-2.0-a\r\n"), ("S", b"hello\nSSH-1.99-b\n")],
    },
    "amqp": {
        "methods": [("C", b"AMQP\0\0\x09\1"), ("S", amqp(10, 10, b"")),
                    ("C", amqp(10, 11, b"\0\0\0\0\5PLAIN\0\0\0\7\0bob\0pw\0") + amqp(10, 40, b"\1/\0") + amqp(60, 40, b"\0\0\2ex\1k\0")
                     + b"\2\0\1\0\0\0\3abc\xce\3\0\1\0\0\0\2xy\xce" + amqp(50, 20, b"\0\0\1q\2ex\1k\0")),
                    ("S", amqp(10, 50, b"\1\x93"))],
        "1.0": [("C", b"AMQP\3\1\0\0")],
    },
    "cassandra": {
        "query": [("C", cql(4, 5, b"") + CQL_START), ("S", cql(0x84, 2, b"")), ("C", cql(4, 7, CQL_SELECT) + cql(4, 10, b"\0\2xx")),
                  ("S", cql(0x84, 0, b"\0\0\1\0\0\2no"))],
        "batch": [("C", CQL_START), ("C", cql(4, 13, b"\0\0\3\0\0\0\0\6insert\0\2\0\0\0\1x\xff\xff\xff\xff\1\0\2id\0\0\0\0\0\0\6delete\0\0\0\1"))],
        "login": [("C", CQL_START + cql(4, 15, b"\0\0\0\7\0bob\0pw") + cql(4, 7, b"\0\1\0\1k\0\0\0\1v" + CQL_SELECT, 4))],
        "segments": [("C", b"\5" + CQL_START[1:]), ("S", cql(0x85, 2, b"")),
                     ("C", b"\x18\0\2crc" + cql(5, 7, CQL_SELECT) + b"crc4\x11\0\0crc" + cql(5, 7, CQL_SELECT)[:17] + b"crc4\7\0\0crcct 1\0\1\0crc4"),
                     ("S", b"\x0b\0\0crc" + cql(0x85, 8, b"abcd")[:11] + b"crc4\2\0\0crccdcrc4")],
        "old": [("C", b"\2\0\0\5\0\0\0\0")],
        "nodes": [("C", b"\xca\x55\x2d\xfa\0")],
    },
    "erlang": {
        "port": [("C", b"\0\x10x\x9c\x40\x4d\0\0\6\0\5\0\3bob\0\0")],
        "where": [("C", b"\0\4zbob")],
        "greets": [("C", b"\0\x0cn\0\5\0\0\0\0a@b.c")],
        "new": [("C", b"\0\x12N\0\0\0\0\0\0\0\1\0\0\0\1\0\3a@b")],
    },
    "couchbase": {
        "login": [("C", memcached(0x1f, b"a\0\1", 1) + memcached(0x21, b"PLAIN\0bob\0pw", 5)), ("S", memcached(0x21, b"Auth", 0, 0, 0x20, 0x81)),
                  ("C", memcached(0x21, b"SCRAM-SHA-1n,,n=ann,r=x", 11) + memcached(0x89, b"shop", 4))],
        "flexible": [("C", memcached(0x1f)), ("C", memcached(1, b"f00" + bytes(8) + b"kv", 0x301, 8, 0, 8))],
    },
    "kafka": {
        "produce": [("C", kafka(0, 2, b"\0\1\0\0\0\1\0\0\0\1\0\1a\0\0\0\1\0\0\0\0\0\0\0\3xyz")), ("S", b"\0\0\0\4\0\0\0\7")],
        "flexible": [("C", kafka(0, 9, b"\0\0\0\1\0\0\0\1\2\2a\2\0\0\0\0\4xyz\0\1\5\1z\0"))],
        "ids": [("C", kafka(0, 13, b"\0\0\0\1\0\0\0\1\2" + bytes(16) + b"\1\0\0"))],
        "fetch": [("C", kafka(1, 11, bytes(25) + b"\0\0\0\1\0\1t\0\0\0\1" + bytes(28)))],
        "metadata": [("C", kafka(3, 1, b"\0\0\0\2\0\1a\0\1b") + kafka(3, 10, b"\0\3" + bytes(17) + b"\0" + bytes(16) + b"\2t\0\1\1\1\0"))],
        "offsets": [("C", kafka(9, 3, b"\0\1g\0\0\0\2\0\1a\0\0\0\1\0\0\0\1\0\1b\0\0\0\0") + kafka(9, 8, b"\0\2\2g\2\2t\1\0\0\1\0"))],
        "topics": [("C", kafka(19, 2, b"\0\0\0\1\0\1a\0\0\0\1\0\1\0\0\0\0\0\0\0\0\0") + kafka(20, 4, b"\0\2\2x\0\0") + kafka(37, 2, b"\0\2\2x\0\0\0\1\0\0\0\0"))],
        "sasl": [("C", kafka(17, 0, b"\0\5PLAIN") + b"\0\0\0\7\0me\0pwd")],
        "transactions": [("C", kafka(24, 3, b"\0\2t" + bytes(10) + b"\2\2x\1\0\0") + kafka(28, 2, b"\0\1t\0\1g" + bytes(10) + b"\0\0\0\1\0\1x\0\0\0\0"))],
        "nobody": [("C", b"\0\0\0\x0e\0\3\0\1\0\0\0\7\xff\xff\0\0\0\0"), ("S", b"\0\0\0\4\0\0\0\7")],
    },
    "memcached": {
        "text": [("C", b"set k 0 -1 9\r\nget k\r\n12\r\nget k l\r\nms k 2 T0\r\nab\r\n"), ("S", b"STORED\r\n")],
        "binary": [("C", memcached(1, bytes(8) + b"kab", 1, 8) + memcached(0x0c, b"k", 1)), ("S", memcached(0x0c, b"0000kv", 1, 4, 0, 0x81))],
        "answer": [("C", b"get k\r\n"), ("S", b"END\r\n")],
    },
    "mongodb": {
        "msg": [("C", mongo(2013, bytes(5) + bson(b"\2find\0\2\0\0\0t\0\3a\0" + bson(b"") + b"\x0bb\0x\0i\0\x08c\0\1" + MONGO_DB))),
                ("S", mongo(2013, bytes(5) + bson(b"\1ok\0" + bytes(8) + b"\x10code\0\x12\0\0\0")))],
        "list": [("C", mongo(2013, bytes(4) + b"\1\x13\0\0\0documents\0" + bson(b"") + b"\0" + bson(b"\2insert\0\2\0\0\0t\0" + MONGO_DB)))],
        "query": [("C", mongo(2004, bytes(4) + b"a.$cmd\0" + bytes(8) + bson(b"\3$query\0" + bson(b"\2drop\0\2\0\0\0t\0")))
                   + mongo(2004, bytes(4) + b"a.b.c\0" + bytes(8) + bson(b"")) + mongo(2006, bytes(4) + b"a.b\0" + bytes(9))),
                  ("S", mongo(1, bytes(20) + bson(b"\x10code\0\x12\0\0\0")))],
        "compressed": [("C", mongo(2012, struct.pack("<IIB", 2013, 32, 1) + b"data"))],
    },
    "mqtt": {
        "4": [("C", b"\x10\x1b\0\4MQTT\4\xc6\0\0\0\1c\0\1w\0\0\0\3bob\0\2pw"), ("S", b"\x20\2\0\5"),
              ("C", b"\x30\5\0\1t12\x82\x0c\0\1\0\3a/b\0\0\1#\1\xc0\0\xa2\5\0\2\0\1z\xe0\0"), ("S", b"\x31\6\0\3a/bx")],
        "5": [("C", b"\x10\x17\0\4MQTT\5\4\0\0\2\x21\1\0\0\1\xff\0\1w\0\1x\x82\x09\0\1\2xy\0\1t\0\x30\7\0\0\3\x23\0\1z\xf0\0")],
        "3": [("C", b"\x10\x0f\0\6MQIsdp\3\2\0\x3c\0\1c")],
    },
    "mysql": {
        "query": [MYSQL_HELLO, mysql_login(0x8208), MYSQL_OK, ("C", mysql(0, b"\3select 1;drop table")), ("S", mysql(1, b"\xff\x28\4#42000no")),
                  ("C", mysql(0, b"\2shop") + mysql(0, b"\x16insert") + mysql(0, b"\x11ann\0\2pwshop\0"))],
        "attributes": [MYSQL_HELLO, mysql_login(0x8008200), MYSQL_OK, ("C", mysql(0, b"\3\3\1\4\1\3\0\1a\xfd\0\1b\6\0\1c\1\2\3\4\3xyzcall"))],
        "old": [MYSQL_HELLO, ("C", mysql(1, b"\x08\0\xff\xff\xffbob\0scr\0shop")), ("S", mysql(2, b"\xff\x15\4no"))],
        "tls": [MYSQL_HELLO, ("C", mysql(1, struct.pack("<II", 0x8a00, 9) + bytes(24)))],
        "compressed": [MYSQL_HELLO, mysql_login(0x8228), MYSQL_OK],
        "executed": [MYSQL_HELLO, mysql_login(0x8208), MYSQL_OK, ("C", mysql(0, b"\3/*!50000 drop*/ /**/ x '\\'' `a`-- \n#b\nuse `x`;with a as (delete) select"))],
    },
    "postgresql": {
        "behind-wish": [("C", b"\0\0\0\x08\x04\xd2\x16\x2f\0\0\0\x12\0\3\0\0user\0bob\0\0Q\0\0\0\x1cselect"), ("S", b"S"), ("C", b"\x16\3\1\0\x2f")],
        "query": [PG_START, ("S", pg(b"R", bytes(4)) + pg(b"Z", b"I")), ("C", pg(b"Q", b"select $a$;$a$, E'\\'';drop /* /* */ */ x\0")),
                  ("S", pg(b"E", b"SERROR\0C28P01\0\0") + pg(b"Z", b"I"))],
        "prepared": [PG_START, ("C", pg(b"P", b"s\0with a as (select 1) delete\0\0\1\0\0\0\x17") + pg(b"B", b"\0") + pg(b"F", b"xx"))],
        "wishes": [("C", b"\0\0\0\x08\x04\xd2\x16\x30"), ("S", b"N"), ("C", b"\0\0\0\x08\x04\xd2\x16\x2f"), ("S", b"S")],
    },
    "smtp": {
        "behind-starttls": [("S", b"220 mx\r\n"), ("C", b"EHLO me\r\nSTARTTLS\r\nDATA\r\nhalf a\n"), ("S", b"250 ok\r\n220 go\r\n"), ("C", b"\x16\3\1\0\x2f")],
        "mail": [("S", b"220 mx ESMTP\r\n"), ("C", b"EHLO me\r\nmail from:<a@b> SIZE=9\r\nRCPT TO: c@d x\r\nDATA\r\n"),
                 ("S", b"250-mx\r\n250 x\r\n250 ok\r\n250 ok\r\n354 go\r\n"), ("C", b"a\r\n..b\r\n.c\n.\r\nQUIT\r\n"), ("S", b"250 ok\r\n")],
        "chunks": [("C", b"EHLO me\r\nBDAT 5\r\n.\r\nabBDAT 1 LAST\r\nxRSET\r\n"), ("S", b"220 x\r\n503 no\r\n")],
        "login": [("C", b"ehlo me\r\nauth login\r\n"), ("S", b"220 mx\r\n250 ok\r\n334 x\r\n"), ("C", b"Ym9i\r\n"), ("S", b"535 no\r\n")],
        "tls": [("C", b"helo me\r\nSTARTTLS\r\n"), ("S", b"220 mx\r\n250 ok\r\n220 go\r\n")],
        "end": [("C", b"helo me\r\nDATA\r\na\n.\nNOOP\r\n"), ("S", b"220 mx\r\n250 ok\r\n500 no\r\n")],
    },
    "spark": {
        "call": [("C", b"\0\0\0\0\0\0\0\x17\3\0\0\0\0\0\0\0\7\0\0\0\2ab")],
        "one-way": [("S", b"\0\0\0\0\0\0\0\x0f\x09\0\0\0\2ab")],
    },
    "tds": {
        "batch": [("C", tds_prelogin(18, 0)), ("S", tds_prelogin(4, 2)), ("C", TDS_LOGIN), ("S", tds(4, b"\xad\3\0abc")),
                  ("C", tds(1, TDS_HEADERS + utf16("select [;] ;drop \U0001f600")[:-3], 0) + tds(1, b"\xd8\0\xdex\0")), ("S", tds(4, b"\xaa\4\0\x18\x48\0\0"))],
        "encrypted": [("C", tds_prelogin(18, 0)), ("S", tds_prelogin(4, 0)), ("C", tds(18, b"\x16\3\1\0\0") + b"\x17\3\3\0\4abcd" + tds(1, utf16("go")))],
        "calls": [("C", TDS_LOGIN), ("C", tds(3, TDS_HEADERS + b"\5\0" + utf16("sp_wo") + b"\0\0")
                   + tds(3, TDS_HEADERS + b"\xff\xff\x0a\0\0\0\0\0\xe7\x40\x1f\x09\4\xd0\0\x34\4\0" + utf16("go"))
                   + tds(3, TDS_HEADERS + b"\xff\xff\x0d\0\0\0\0\1\x26\4\0\0\0\x63\xff\xff\xff\x7f\x09\4\xd0\0\x34\xff\xff\xff\xff"
                         + b"\0\0\xe7\xff\xff\x09\4\xd0\0\x34\4\0\0\0\0\0\0\0\4\0\0\0g\0o\0\0\0\0\0"))],
    },
    "tns": {
        "connect": [("C", tns(1, TNS_CONNECT + TNS_TEXT)), ("S", tns(2, b"\1\x3a")), ("C", tns(6, b"\0\0\x11\x69\1\3\x5e\7\1\x0dselect 1 from\1"))],
        "large": [("C", tns(1, TNS_CONNECT) + tns(6, b"\0\0(SERVICE_NAME=shop)(user=ann)")), ("S", tns(2, b"\1\x3b")),
                  ("C", b"\0\0\0\x17\6\0\0\0\0\0\3\x5e\7\1\7begin x\1")],
        "refused": [("C", tns(1, TNS_CONNECT + TNS_TEXT)), ("S", tns(4, b"\1\1\0\x18(DESCRIPTION=(ERR=12514))"))],
    },
    "zookeeper": {
        "requests": [("C", ZOOKEEPER_HELLO + zookeeper(1, 4, b"\0\0\0\4/a/b\0") + zookeeper(-2, 11)), ("S", b"\0\0\0\2xx")],
        "multi": [("C", ZOOKEEPER_HELLO + zookeeper(1, 14, b"\0\0\0\1" + INNER + b"\0\0\0\2/a\0\0\0\3xyz\0\0\0\1\0\0\0\x1f\0\0\0\5world\0\0\0\2me"
                   + bytes(4) + b"\0\0\0\2" + INNER + b"\0\0\0\2/b" + bytes(4) + b"\xff\xff\xff\xff\1\xff\xff\xff\xff"))],
        "word": [("C", b"ruok\n")],
        "follower": [("C", b"\0\0\0\x0b" + bytes(8) + b"\0\0\0\x14" + bytes(8) + b"\0\1\0\0")],
        "vote": [("C", b"\xff\xff\xff\xff\xff\xff\0\0\0\0")],
    },
    "redis": {
        "arrays": [("C", b"*3\r\n$3\r\nset\r\n$1\r\nk\r\n$1\r\nv\r\n*4\r\n$4\r\nEVAL\r\n$1\r\n1\r\n$1\r\n1\r\n$1\r\nk\r\n"),
                   ("S", b"+OK\r\n%1\r\n$1\r\na\r\n|1\r\n:1\r\n_\r\n*-1\r\n-WRONGPASS x\r\n")],
        "typed": [("C", b"PING\r\n"), ("S", b"+PONG\r\n"), ("C", b"'del' \"a\\n\\x61\" b\r\n")],
        "streams": [("C", b"*4\r\n$5\r\nXREAD\r\n$7\r\nSTREAMS\r\n$1\r\nq\r\n$1\r\n0\r\n"), ("S", b"*-1\r\n")],
        "users": [("C", b"*3\r\n$4\r\nAUTH\r\n$1\r\nu\r\n$1\r\np\r\n*4\r\n$5\r\nHELLO\r\n$1\r\n3\r\n$4\r\nAUTH\r\n$1\r\nu\r\n")],
        "replica": [("C", b"*1\r\n$4\r\nSYNC\r\n"), ("S", b"$3\r\nREDIS")],
    },
}

SIGNATURES = {
    "all": r"""# comment
alert tcp $HOME_NET any -> [1.2.3.0/24,!1.2.3.4,fd00::/8] [80,!90:100,8080:] (msg:"a \"b\""; flow:established,to_server; content:"GET|20 0d0A|"; offset:1; depth:10; nocase; content:!"b c"; distance:-1; within:9; sid:1; rev:2; classtype:misc-attack; reference:cve,1; metadata:a b;)
drop http any any <> any any (http.uri; url_decode; content:"/a"; startswith; fast_pattern:0,1; http.method; content:"POST"; \
  pcre:"/a\/b/Ui"; bsize:<9; urilen:3<>7,raw; sid:2;)
pass udp any any -> any 53 (byte_extract:1,0,len; content:"a"; offset:len; isdataat:!len,relative; byte_test:2,>,0x10,-4,relative,little,bitmask 0xff; byte_jump:2,0,relative,multiplier 4,align,post_offset -2; sid:3;)
reject ip any any -> any any (dsize:100<>200; flags:S,12; ttl:!64; ip_proto:!tcp; sameip; sid:4;)
alert http any any -> any any (http.cookie; content:"="; base64_decode:bytes 8, offset 1, relative; base64_data; content:"x"; flowbits:isset,a|b; flowbits:noalert; threshold:type both, track by_dst, count 5, seconds 60; detection_filter:track by_src, count 5, seconds 60; app-layer-protocol:!dns; app-layer-event:malformed; sid:5;)
alert icmp any any -> any any (itype:8; icode:0; sid:6;)
alert tcp any any -> any any (file_data; to_lowercase; content:"a"; tls.version:1.2; sid:7;)
""",
    "refused": 'alert tcp any any -> any any (content:"|0|"; sid:1;)\nalert smb any any -> any any (sid:2;)\n'
               'alert tcp any any -> any any (lua:x; sid:2;)\nalert tcp [![a]] any -> any any (',
    "circle": "alert tcp ![1.2.3.4,[any,[any,[any,[any,[any,[any,[any,any]]]]]]]] any -> any any (sid:1;)",
}


def said(*commands):
    return b"".join(bytes([command, how, len(data)]) + data for command, how, data in commands)


# Commands of fuzz_sigscan.c.
SIGSCANS = {
    "http": said((7, 1, b""), (0x01, 6, b"a"), (0x11, 6, b"/bc"), (0x21, 6, b"host"), (0x41, 2, b"ab: c\r\n"),
                 (0x41, 4, b"d\r\n"), (0x51, 2, b"a%2"), (0x51, 4, b"0b"), (7, 0, b""), (5, 0, b""), (0x61, 6, b"ab"),
                 (5, 1, b"")),
    "raw": said((3, 0, b"a"), (3, 0, b"bcd"), (3, 1, b"goodgood"), (0, 4, b""), (3, 0, b"a\0\7b\1xc"), (6, 2, b"aaaa")),
    "notes": said((7, 1, b""), (4, 0, b""), (0x11, 6, b"=YWE="), (0x31, 6, b"a"), (5, 0, b"")),
}


def quic_frames(hello, *cuts):
    """CRYPTO frames of fuzz_quic.c's packets: (flags, from, to)."""
    return b"".join(struct.pack(">BHBHH", flags, 5 + to - at, 6, 0x4000 | at, 0x4000 | to - at) + hello[at:to]
                    for flags, at, to in cuts)


ENDS = ('"client":"app","client_id":"n:app","client_address":"10.9.0.3","client_port":40000,"server":"web",'
        '"server_id":"n:web","server_address":"10.9.0.2","server_port":80,"workload":"n:web","proto":"tcp",'
        '"application":"http","flow":7,"rule":5,"number":9,"plane":77,"first_us":1700000000123456,'
        '"last_us":1700000003500000')
# The first byte: 'c' a configuration, else JSON of the agent.
EXPORTS = {
    "violation": 'r{"kind":"violation","at":1700000000,"severity":"medium","blocked":true,"text":"t","webhooks":["a"],'
                 + ENDS + "}",
    "signature": 'r{"kind":"signature","at":1,"id":2034,"rev":3,"name":"n","classtype":"c","severity":"high",'
                 '"action":"drop","flags":["tap"],"said_by":"client","evidence":"m",' + ENDS + "}",
    "threat": 'r{"kind":"threat","at":1,"id":1009,"name":"ping of death","from":"10.9.0.3","to":"fd00::1",'
              '"proto":"icmpv6","icmp_type":128,"icmp_code":0,"text":"x"}',
    "state": 'r{"kind":"state","at":1,"severity":"high","part":"data-plane","text":"down\\n"}',
    "flow": 'r{"kind":"flow","client_packets":7,"client_state":"time_wait","server_state":"closed","syn":true,' + ENDS + "}",
    "http": 'r{"kind":"http","http":{"method":"GET","host":"web","url":"/x","status":"404","cut":true},' + ENDS + "}",
    "tls": 'r{"kind":"tls","tls":{"sni":"web","version":"1.2","ja3":"a","name":["web"]},' + ENDS + "}",
    "dns": 'r{"kind":"dns","dns":{"rrname":"a","rrtype":"A","response":true,"rcode":3,"answer":[{"rdata":"x"}]},' + ENDS + "}",
    "config": "cagent: /a\nstats: {every_s: 5}\noutputs:\n- {name: a, kind: file, path: /x, rotate: {mb: 1, keep: 2}}\n"
              "- {name: b, kind: syslog, to: 'tls://[::1]:6514', tls: {ca: /c}, events: [alert, dns], severity: low}\n"
              "- {name: c, kind: webhook, url: https://h/, shape: teams}\n- {name: d, kind: ipfix, to: udp://h}\n"
              "- {name: e, kind: unix, path: /s, type: datagram, buffer: {lines: 600, mb: 1}}\n",
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
# Bodies: flags and field, longest piece - 1, text.
SENSORS = {
    "json": (0xc0, 20, '{"card": "4111 1111 1111 1111", "iban": "GB82 WEST 1234 5698 7654 32"}'),
    "json-codes": (0x80, 7, '"\\u0034111111111111111", "&#52;111111111111111 %34111111111111111"'),
    "base64": (0xc0, 255, "a=NDExMTExMTExMTExMTExMQ==&b=TkRFeE1URXhNVEV4TVRFeE1URXhNUT09"),
    "keys": (0x42, 63, "AKIAIOSFODNN7EXAMPLE -----BEGIN RSA PRIVATE KEY----- xoxb-12345678-abcdefgh"),
    "header": (0xc1, 30, "Authorization: Bearer eyJhbGciOiJI.eyJzdWIiOiIx.SflKxwRJSMeK\r\nX: 123-45-6789\r\n"),
    "url": (0xc3, 255, "/a?card=4111%2B1111%2B1111%2B1111&b=%2534111111111111111"),
}
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
# The hello of a recorded conversation of TLS, in QUIC.
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "unit", "talks", "tls", "chrome-143.talk"), "rb") as f:
    HELLO = f.read()[8:]
END = len(HELLO)
write("quic", "two", quic_frames(HELLO, (0, 0, 1000), (0, 1000, END)))
write("quic", "mixed", quic_frames(HELLO, (0, 900, END), (2, 0, 300), (2, 200, 905)))
write("quic", "other", quic_frames(HELLO, (0, 0, 1000), (1, 0, 1000), (1, 1000, END)))
write("quic", "far", quic_frames(HELLO, (0, 0, 100)) + bytes.fromhex("00000906800100004004") + b"abcd")
write("quic", "acks", bytes.fromhex("00001b 0205000103 0000 0301000000 010203 01 1c000003616263 0000000000".replace(" ", "")))


def opening(name, data):
    """The first words of both sides, for fuzz_recognise.c."""
    udp, said, at = data[0] >> 3 & 1, [b"", b""], 0
    while at < len(data):
        who, size = data[at] & 1, struct.unpack_from(">H", data, at + 1)[0]
        if not udp or not said[who]:
            said[who] += data[at + 3:at + 3 + size]
        at += 3 + size
    client, server = (s[:700] for s in said)
    write("recognise", name, struct.pack(">BBH", udp | 2 * name.endswith("middle") | 8 * (data[0] & 1), 7, len(client)) + client + server)
    if not udp and len(client) > 40:
        write("recognise", name + "-middle", struct.pack(">BBH", 2, 7, len(client) - 30) + client[30:] + server)


# Recorded ones are in this form already; names/ has first words only.
RECORDED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "unit", "talks")
for folder, _, files in os.walk(RECORDED):
    for file in files:
        name, kind = os.path.splitext(file)
        if kind != ".talk":
            continue
        with open(os.path.join(folder, file), "rb") as f:
            data = f.read()
        opening(name, data)
        if not folder.endswith("names"):
            write("parser_" + os.path.basename(folder), name, data)
# Of those that are only recognised: what is said first, by the server where it greets.
GREETED = {
    "ftp": [(b"220 (vsFTPd 3.0.3)\r\n", b"USER anonymous\r\n"), (b"220-Welcome\r\n220 here\r\n", b"AUTH TLS\r\n"), (b"220 x\r\n", b"EHLO y\r\n")],
    "pop3": [(b"+OK Dovecot ready.\r\n", b"CAPA\r\n"), (b"+OK <1@x>\r\n", b"apop bob 0123\r\n"), (b"+OK\r\n", b"STLS\r\n")],
    "imap": [(b"* OK [CAPABILITY IMAP4rev1] ready\r\n", b"a1 CAPABILITY\r\n"), (b"* PREAUTH\r\n", b"A.2 login bob pw\r\n"), (b"* OK\r\n", b"a1 NOOP\r\n")],
    "ldap": [(b"", bytes.fromhex("300c020101600702010304008000")), (b"", bytes.fromhex("3084000000190201016384000000100400" "0a01000a0100020100020100010100")),
             (b"", b"\x30\x1d\2\1\1\x77\x18\x80\x161.3.6.1.4.1.1466.20037")],
}
for parser, talks in GREETED.items():
    for n, (server, client) in enumerate(talks):
        data = struct.pack(">BBH", 8 if server else 0, 7, len(client)) + client + server
        write("recognise", f"{parser}-{n}", data)
        write("recognise_" + parser, str(n), data)
write("recognise", "echo", struct.pack(">BBH", 1, 7, 3) + b"abcabc")
for parser, talks in TALKS.items():
    for name, lines in talks.items():
        data = b"".join(struct.pack(">BH", who == "S", len(said)) + said for who, said in lines)
        if name.endswith("-udp"):
            data = bytes((data[0] | 8,)) + data[1:]
        if name.endswith("middle"):
            data = bytes((data[0] | 2,)) + data[1:]
        opening(parser + "-" + name, data)
        write("parser_" + parser, name, data)
        write("parser_" + parser, name + "-any", bytes((data[0] | 0x10,)) + data[1:])
# What fuzz_fleet.c takes: what it is, a revision, and a version, a packed text or an inventory.
VERSION = ('{"v":1,"id":"a.1","about":{"by":"a"},"size":%d,"crc":%d,"after":%d%s}\n%s')
INVENTORY = ('{"form":1,"workloads":[{"about":{"name":"web","labels":{"tier":"web"}},'
             '"at":[["docker:1","10.0.0.2","fd00::2"],["docker:2","10.0.0.3"]]},{"about":{},"at":[]}]}')
FLEET = {
    "first": (0x80, 1, VERSION % (3, 910901175, 0, "", "abc")),
    "whole": (0x81, 7, VERSION % (3, 910901175, 5, "", "abc")),
    "change": (0x81, 7, VERSION % (3, 910901175, 5, ',"at":0,"cut":17', "abc")),
    "void": (0x81, 7, VERSION % (3, 910901175, 4, "", "abc")),
    "gap": (0x81, 9, VERSION % (3, 910901175, 6, "", "abc")),
    "not-packed": (1, 7, VERSION % (3, 910901175, 5, "", "abc")),
    "inventory": (3, 0, INVENTORY),
}
for name, (how, revision, text) in FLEET.items():
    write("fleet", name, bytes((how, revision)) + text.encode())
LEARNED = {"rule": {"from": ["web"], "to": ["fqdn:a.example.com"], "ports": ["tcp/8000-8010"],
                    "action": "allow", "origin": "learned"},
           "provenance": {"first_seen": 1, "last_seen": 2, "sessions": 3, "workloads": ["netns:a", "c/x"],
                          "more_workloads": 1, "nodes": []}}
write("fleet", "learned", bytes((0x40, 0)) + json.dumps(
    [LEARNED, {**LEARNED, "rule": {**LEARNED["rule"], "action": "deny"}},
     {**LEARNED, "rule": {"from": ["10.0.0.1"], "to": "db", "applications": ["redis"],
                          "action": "allow", "origin": "learned"}}]).encode())
write("fleet", "rejected", bytes((0x41, 0)) + b'{"k":7,"l":6,"m":-3}')
write("fleet", "packed", bytes((2, 0)) + struct.pack(">Q", 3) + zlib.compress(b"abc", 1))

for name, data in TEXTS.items():
    write("text", name, data)
for name, (how, events) in STREAMS.items():
    write("stream", name, bytes((how, 0)) + b"".join(struct.pack(">BBHI", *e[:3], e[3] % 2**32) for e in events))
for name, data in MATCHES.items():
    write("match", name, data)
for name, text in RULES.items():
    write("rule", name, text.encode())
for name, data in GRPC.items():
    write("grpc", name, struct.pack(">BI", 0, len(data)) + data)
write("grpc", "all", b"".join(struct.pack(">BI", 0, len(data)) + data for data in GRPC.values()))
for name, text in KUBERNETES.items():
    write("kubernetes", name, text.encode())
for name, text in DOCKER.items():
    write("docker", name, text.encode())
for name, text in YAML.items():
    write("yaml", name, text.encode())
for name, text in SIGNATURES.items():
    write("signature", name, text.encode())
for name, data in SIGSCANS.items():
    write("sigscan", name, data)
for name, (how, piece, text) in SENSORS.items():
    write("sensor", name, bytes((how, piece)) + text.encode())
for name, text in EXPORTS.items():
    write("export", name, text.encode())
for name, text in INTENTS.items():
    write("intent", name, text.encode())
