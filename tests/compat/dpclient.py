#!/usr/bin/python3
"""Speaks NeuVector's data plane protocol as its agent does; for people and tests.

    dpclient.py names                    each message, an example, its answer
    dpclient.py send NAME [BODY]         sends one, prints the answer decoded
    dpclient.py listen [SECONDS]         prints the notices that come
    dpclient.py decode                   hex datagrams from stdin, decoded
    dpclient.py each                     sends all messages; one line for each

  --server PATH   the data plane's socket (default /tmp/dp_listen.sock)
  --client PATH   ours (default: beside it, dp_client.PID)
  --sink PATH     where notices are sent (default /tmp/ctrl_listen.sock)
  --mac MAC       the workload that `each` speaks of; given: it is configured
                  already, and so is a service port

Decoding is strict: lengths, counts, padding, the ends of texts. What is not as
the reference says is an error. A number is decoded as itself, an address or MAC
as text, one record as one object.
"""

import argparse
import json
import os
import socket
import struct
import sys
import time

REPLY_MAX = 8192
STATES = 12  # Linux TCP states, 0..11


class Wrong(Exception):
    """A datagram is not as the reference says."""


def expect(cond, what):
    if not cond:
        raise Wrong(what)


class Reader:
    """Takes fields from the front of a datagram's body, in network order."""

    def __init__(self, data, where=""):
        self.data, self.at, self.where = data, 0, where

    def raw(self, size):
        expect(self.at + size <= len(self.data), f"{self.where}: cut short")
        self.at += size
        return self.data[self.at - size:self.at]

    def uint(self, size):
        return int.from_bytes(self.raw(size), "big")

    def zero(self, size, what="padding"):
        expect(not any(self.raw(size)), f"{self.where}: {what} is not zero")

    def mac(self):
        return self.raw(6).hex(":")

    def ip(self, v4=True):
        """IPv4 lies in the first four bytes, and the rest is zero."""
        raw = self.raw(16)
        if not v4:
            return socket.inet_ntop(socket.AF_INET6, raw)
        expect(not any(raw[4:]), f"{self.where}: bytes behind an IPv4 address")
        return socket.inet_ntop(socket.AF_INET, raw[:4])

    def text(self, size):
        raw = self.raw(size)
        expect(0 in raw, f"{self.where}: text without an end")
        text, rest = raw.split(b"\0", 1)
        expect(not any(rest), f"{self.where}: bytes behind a text's end")
        return text.decode()

    def fields(self, spec):
        """"name:size ..." as a dict."""
        pairs = (word.split(":") for word in spec.split())
        return {name: self.uint(int(size)) for name, size in pairs}

    def done(self):
        expect(self.at == len(self.data), f"{self.where}: {len(self.data) - self.at} bytes too many")


# --- bodies, reference 1.8 and 1.9; the numbers are kinds ------------------

def apps(r):  # 1
    d = {"mac": r.mac(), "ports": []}
    for _ in range(r.uint(2)):
        d["ports"].append(r.fields("port:2 proto:2 server:2 application:2 ip_proto:1"))
        r.zero(1)
    expect(len(d["ports"]) <= 818, "more than 818 ports")
    return d


def listed(r, name, most, size, one):
    """A list's head and its records."""
    n = r.uint(2)
    r.zero(2, "reserved")
    expect(n <= most, f"{n} {name}, at most {most}")
    expect(len(r.data) == 4 + n * size, f"{name}: {n} of {size} bytes do not fill {len(r.data)}")
    return {name: [one(r) for _ in range(n)]}


def session(r):  # 2
    d = r.fields("id:4")
    d["mac"] = r.mac()
    d["ethertype"] = r.uint(2)
    d["client_mac"], d["server_mac"] = r.mac(), r.mac()
    expect(d["ethertype"] in (0x0800, 0x86dd), "ethertype")
    v4 = d["ethertype"] == 0x0800
    d["client"], d["server"] = r.ip(v4), r.ip(v4)
    d |= r.fields("client_port:2 server_port:2 icmp_code:1 icmp_type:1 ip_proto:1")
    r.zero(1)
    d |= r.fields("client_packets:4 server_packets:4 client_bytes:4 server_bytes:4 "
                  "client_asm_packets:4 server_asm_packets:4 client_asm_bytes:4 server_asm_bytes:4 "
                  "client_state:1 server_state:1 idle:2 age:4 life:2 application:2 threat:4 "
                  "policy:4 action:1 severity:1 flags:2")
    d["xff"] = r.ip()
    d |= r.fields("xff_app:2 xff_port:2")
    expect(d["client_state"] < STATES and d["server_state"] < STATES, "TCP state")
    expect(d["action"] <= 7 and d["severity"] <= 5, "action or severity")
    return d


def meter(r):  # 5
    d = {"mac": r.mac()}
    d |= r.fields("idle:2 count:4 last_count:4")
    raw = r.raw(16)
    d |= r.fields("meter:1 flags:1 span:1")
    r.zero(1)
    d["source"] = Reader(raw, "meter").ip(d["flags"] & 1)
    d |= r.fields("upper:4 lower:4")
    expect(d["meter"] <= 3, "meter id")
    return d


def threat(r):  # 6
    d = r.fields("id:4 at:4 count:4 action:1 severity:1 ip_proto:1 flags:1")
    d["mac"] = r.mac()
    d["ethertype"] = r.uint(2)
    v4 = d["ethertype"] != 0x86dd
    d["src"], d["dst"] = r.ip(v4), r.ip(v4)
    d |= r.fields("src_port:2 dst_port:2 icmp_code:1 icmp_type:1 application:2 packet_len:2 wire_len:2")
    d["text"] = r.text(64)
    packet = r.raw(2048)
    r.zero(4, "name hash")
    expect(d["packet_len"] <= 2048, "packet length")
    expect(not any(packet[d["packet_len"]:]), "bytes behind the packet")
    expect(d["packet_len"] <= d["wire_len"], "packet longer than the wire's")
    expect(d["action"] <= 5 and 1 <= d["severity"] <= 5 and d["count"] >= 1, "action, severity or count")
    d["packet"] = packet[:d["packet_len"]].hex()
    return d


def connection(r):  # 7
    d = {"mac": r.mac(), "ip_proto": r.uint(1)}
    r.zero(1)
    d |= r.fields("server_port:2 client_port:2")
    d["client"], d["server"] = r.ip(), r.ip()
    d |= r.fields("ethertype:2 flags:2 bytes:4 sessions:4 first_seen:4 last_seen:4 application:2 "
                  "action:1 severity:1 policy:4 violations:4 threat:4 ep_sessions_now:4 "
                  "ep_sessions_60s:4 ep_bytes_60s:8")
    expect(d["ethertype"] == 0x0800, "only IPv4 is reported")
    expect(d["flags"] < 0x0400 and d["action"] <= 7 and d["severity"] <= 5, "flags, action or severity")
    expect(d["first_seen"] <= d["last_seen"], "seen last before first")
    return d


VOLUME = "packets_in:8 packets_out:8 bytes_in:8 bytes_out:8"


def stats(r, native):  # 8, 9
    raw = r.raw(4)
    interval = int.from_bytes(raw, sys.byteorder if native else "big")
    expect(interval == 5, f"interval {raw.hex()}")
    r.zero(4)
    d = {"total": r.fields("sessions_in:4 sessions_out:4 sessions_now_in:4 sessions_now_out:4 " + VOLUME)}
    for window in ("last_5s", "last_60s", "last_300s"):
        d[window] = r.fields("sessions_in:4 sessions_out:4 " + VOLUME)
    for small, large in (("last_5s", "last_60s"), ("last_60s", "last_300s"), ("last_300s", "total")):
        for name, v in d[small].items():
            expect(v <= d[large][name], f"{name}: {small} is more than {large}")
    return d


def counters(r):  # 4
    names = ("rx_packets rx_dropped tx_packets tx_dropped error_packets no_workload_packets ipv4_packets "
             "ipv6_packets tcp_packets tcp_no_session_packets udp_packets icmp_packets other_packets "
             "assemblies freed_assemblies fragments freed_fragments timed_out_fragments total_sessions "
             "tcp_sessions udp_sessions icmp_sessions ip_sessions drop_meters proxy_meters cur_meters "
             "cur_log_caches").split()
    d = {name: r.uint(8) for name in names}
    d["parser_sessions"] = [r.uint(8) for _ in range(20)]
    d["parser_packets"] = [r.uint(8) for _ in range(20)]
    d |= r.fields("exact_rules:4 range_rules:4 domains:4 domain_ips:4 limit_drop_connections:8 "
                  "limit_pass_connections:8")
    return d


def fqdn(r):  # 11
    d = {"name": r.text(256)}
    n = r.uint(2)
    r.zero(2, "reserved")
    d["vhost"] = r.uint(1)
    r.zero(1)
    expect(n <= 495 and d["vhost"] <= 1, "count or flags")
    d["ips"] = [r.ip() for _ in range(n)]
    return d


KINDS = {
    1: ("app_update", apps),
    2: ("session_list", lambda r: listed(r, "sessions", 58, 140, session)),
    3: ("session_count", lambda r: r.fields("all:4 tcp:4 udp:4 icmp:4 ip:4")),
    4: ("device_counter", counters),
    5: ("meter_list", lambda r: listed(r, "meters", 186, 44, meter)),
    6: ("threat_log", threat),
    7: ("connection", lambda r: listed(r, "connections", 85, 96, connection)),
    8: ("mac_stats", lambda r: stats(r, True)),
    9: ("device_stats", lambda r: stats(r, False)),
    10: ("keep_alive", lambda r: r.fields("seq_num:4")),
    11: ("fqdn_update", fqdn),
    12: ("ip_fqdn_update", lambda r: {"ip": r.ip(), "name": r.text(256)}),
    13: ("ip_fqdn_release", lambda r: {"ip": r.ip()}),
}
NOTICES = (1, 6, 7, 11, 12, 13)


def decode(data):
    """One datagram as {"kind": name, "more": 0 or 1, ...}."""
    expect(4 <= len(data) <= REPLY_MAX, f"{len(data)} bytes")
    kind, more, length = struct.unpack_from(">BBH", data)
    expect(kind in KINDS, f"kind {kind}")
    name, body = KINDS[kind]
    expect(length == len(data), f"{name}: length {length} of {len(data)} bytes")
    expect(more == (kind == 7) or more < 2 and kind in (2, 5), f"{name}: more {more}")
    reader = Reader(data[4:], name)
    d = {"kind": name, "more": more} | body(reader)
    reader.done()
    return d


# --- messages, reference 2: NAME, example body, kind of the answer ---------

MAC = "02:42:ac:11:00:02"
NET = "/proc/4711/ns/net"


def whole(**fields):
    return {"flag": 3} | fields


def messages(mac):
    """All 37, in the order of the agent's replay after a reconnect (1.6)."""
    rule = {"id": 10023, "sip": "10.1.2.3", "dip": "10.1.9.9", "port": 443, "portr": 443, "proto": 6,
            "action": 2, "ingress": False}
    apps_rule = rule | {"id": 10024, "dip": "0.0.0.0", "port": 0, "portr": 65535, "proto": 0, "action": 5,
                        "apps": [{"app": 1001, "action": 2, "rid": 10024},
                                 {"app": 0xffffffff, "action": 7, "rid": 10025}]}
    fqdn_rule = rule | {"id": 10030, "dip": "93.184.216.34", "fqdn": "*.example.com", "vhost": True}
    pair = {"vex_iface": "vex1267-eth0", "vin_iface": "vin1267-eth0"}
    tap = {"netns": NET, "iface": "eth0"}
    ssn = {"name": "ssn", "id": 20001, "patterns": [r"/\b\d{3}-\d{2}-\d{4}\b/is; context packet"]}
    return [
        ("ctrl_keep_alive", {"seq_num": 0x01020304}, 10),
        ("ctrl_set_debug", {"categories": ["ctrl"]}, None),
        ("ctrl_cfg_internal_net", whole(subnet_addr=[{"ip": "10.1.0.0", "mask": "255.255.0.0"}]), None),
        ("ctrl_cfg_specip_net", whole(subnet_addr=[{"ip": "10.1.0.1", "mask": "255.255.255.255",
                                                    "iptype": "hostip"}]), None),
        ("ctrl_add_srvc_port", {"iface": "vth", "jumboframe": False}, None),
        ("ctrl_del_tap_port", tap | {"epmac": ""}, None),
        ("ctrl_add_mac", {"iface": "vth", "mac": mac, "ucmac": "4e:65:75:56:01:2c",
                          "bcmac": "ff:ff:ff:00:01:2c", "oldmac": "", "pmac": "", "pips": None}, None),
        ("ctrl_add_port_pair", pair | {"epmac": mac, "quar": False}, None),
        ("ctrl_add_tap_port", tap | {"epmac": mac}, None),
        ("ctrl_add_nfq_port", tap | {"qnum": 1, "epmac": mac, "jumboframe": False}, None),
        ("ctrl_cfg_mac", {"macs": [mac], "tap": False,
                          "apps": [{"ip_proto": 6, "port": 8080, "app": 1001, "server": 2022}]}, None),
        ("ctrl_cfg_nbe", {"macs": [mac], "nbe": True}, None),
        ("ctrl_cfg_set_fqdn", {"fqdn_name": "*.example.com", "fqdn_ips": ["93.184.216.34"],
                               "vhost": False}, None),
        ("ctrl_cfg_policy", whole(cmd=1, defact=6, dir=1, mac=[mac], rules=[rule, apps_rule, fqdn_rule]), None),
        ("ctrl_cfg_policy_addr", whole(subnet_addr=[{"ip": "10.1.2.3", "mask": "255.255.255.255"}]), None),
        ("ctrl_refresh_app", {}, None),
        ("ctrl_cfg_dlp", whole(mac=[mac], dlp_rule_names=[{"id": 20001, "action": 2}],
                               waf_rule_names=[{"id": 40001, "action": 1}], rule_ids=[10023],
                               waf_rule_ids=[], ruletype="inside", wafruletype="wafoutside"), None),
        ("ctrl_bld_dlp", whole(dir=1, mac=[mac], delmac=[], dlp_rules=[ssn]), None),
        ("ctrl_bld_dlpmac", {"oldmac": [mac], "addmac": [mac], "delmac": []}, None),
        ("ctrl_sys_conf", {"xff_enabled": True}, None),
        ("ctrl_disable_net_policy", {"disable_net_policy": False}, None),
        ("ctrl_detect_unmanaged_wl", {"detect_unmanaged_wl": False}, None),
        ("ctrl_enable_icmp_policy", {"enable_icmp_policy": False}, None),
        ("ctrl_strict_group_mode", {"strict_group_mode": False}, None),
        ("ctrl_count_session", {}, 3),
        ("ctrl_list_session", {}, 2),
        ("ctrl_list_meter", {}, 5),
        ("ctrl_stats_macs", {"macs": [mac]}, 8),
        ("ctrl_stats_device", {}, 9),
        ("ctrl_counter_device", {}, 4),
        ("ctrl_clear_session", {"filter_id": 0xffffffff}, None),
        ("ctrl_cfg_dlpmac", {"delmac": [mac]}, None),
        ("ctrl_cfg_del_fqdn", {"names": ["*.example.com"]}, None),
        ("ctrl_del_port_pair", pair | {"epmac": ""}, None),
        ("ctrl_del_nfq_port", tap | {"qnum": 0, "epmac": ""}, None),
        ("ctrl_del_mac", {"iface": "vth", "mac": mac}, None),
        ("ctrl_del_srvc_port", {"iface": "vth"}, None),
    ]


class Client:
    """The agent's end: a request, and the answer it is defined to have."""

    def __init__(self, server, path, timeout=20):
        self.server, self.path = server, path
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(path)
        self.sock.settimeout(timeout)

    def close(self):
        self.sock.close()
        os.unlink(self.path)

    def send(self, name, body):
        text = json.dumps({name: body}).encode()
        expect(len(text) <= 8120, "an agent does not send so much at once")
        try:
            self.sock.sendto(text, self.server)
        except (FileNotFoundError, ConnectionRefusedError):
            raise Wrong(f"no data plane reads {self.server} (--server)") from None

    def answer(self, kind):
        """The decoded datagrams of one answer; a list has several."""
        got = []
        while True:
            try:
                data = self.sock.recv(REPLY_MAX + 1)
            except TimeoutError:
                raise Wrong("no answer: is the message complete? The data plane's log says "
                            "what it refuses") from None
            got.append(decode(data))
            expect(data[0] == kind, f"answer of kind {data[0]}, not {kind}")
            if kind not in (2, 5):
                return got
            if not got[-1]["more"]:
                expect(data[1:] == b"\0\0\x08\0\0\0\0", "the end of the list")
                return got

    def ask(self, name, body, kind):
        self.send(name, body)
        return self.answer(kind) if kind else []

    def alive(self, seq):
        """Everything sent before has been worked on when this returns."""
        expect(self.ask("ctrl_keep_alive", {"seq_num": seq}, 10)[0]["seq_num"] == seq, "sequence")


def listen(path):
    sink = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    sink.bind(path)
    return sink


def show(d):
    print(json.dumps(d), flush=True)


def do_names():
    for name, body, kind in messages(MAC):
        print(json.dumps({name: body}))
        print(f"    {'answer: ' + KINDS[kind][0] if kind else 'no answer'}")


def do_send(opt):
    name, body = opt.words[0], {}
    if len(opt.words) > 1:
        try:
            body = json.loads(opt.words[1])
        except ValueError as e:
            raise Wrong(f"BODY is not JSON: {e}") from None
    kinds = {n: k for n, _, k in messages(MAC)}
    expect(name in kinds, f"{name} is no message; dpclient.py names lists them")
    kind = kinds[name]
    client = Client(opt.server, opt.client)
    try:
        for d in client.ask(name, body, kind):
            show(d)
    finally:
        client.close()


def do_listen(opt):
    end = time.monotonic() + float(opt.words[0]) if opt.words else None
    sink = listen(opt.sink)
    while end is None or time.monotonic() < end:
        sink.settimeout(None if end is None else max(0.01, end - time.monotonic()))
        try:
            data = sink.recv(REPLY_MAX + 1)
        except TimeoutError:
            break
        expect(data[0] in NOTICES, f"kind {data[0]} is no notice")
        show(decode(data))


def do_decode():
    for line in sys.stdin:
        show(decode(bytes.fromhex(line.strip())))


def each(opt):
    """(ok, text) for each message of the reference."""
    client = Client(opt.server, opt.client)
    sent = messages(opt.mac or MAC)
    sink = listen(opt.sink)
    sink.settimeout(20)
    try:
        yield len({name for name, _, _ in sent}) == 37, "these are the 37 messages"
        for i, (name, body, kind) in enumerate(sent):
            if opt.mac and name in ("ctrl_add_mac", "ctrl_del_mac", "ctrl_add_srvc_port", "ctrl_del_srvc_port"):
                continue
            text = f"{name}: {KINDS[kind][0] if kind else 'taken'}"
            try:
                client.ask(name, body, kind)
                client.alive(i)
                if name == "ctrl_refresh_app":
                    got = decode(sink.recv(REPLY_MAX + 1))
                    expect(got["mac"] == (opt.mac or MAC), "mac")
                    expect(got["ports"][0] == {"port": 8080, "proto": 1001, "server": 2022,
                                               "application": 0, "ip_proto": 6}, "port")
                    text = f"{name}: the agent's socket has app_update"
                yield True, text
            except (Wrong, TimeoutError) as e:
                yield False, f"{text}: {e or 'nothing came'}"
    finally:
        client.close()


def do_each(opt):
    bad = 0
    for ok, text in each(opt):
        print("ok" if ok else "not ok", "-", text, flush=True)
        bad += not ok
    return 1 if bad else 0


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("verb", choices=("names", "send", "listen", "decode", "each"))
    p.add_argument("words", nargs="*")
    p.add_argument("--server", default="/tmp/dp_listen.sock")
    p.add_argument("--client")
    p.add_argument("--sink", default="/tmp/ctrl_listen.sock")
    p.add_argument("--mac")
    opt = p.parse_args()
    opt.client = opt.client or os.path.join(os.path.dirname(opt.server), f"dp_client.{os.getpid()}")
    if opt.verb == "send" and not opt.words:
        p.error("send NAME [BODY]")
    try:
        return {"names": do_names, "decode": do_decode}[opt.verb]() if opt.verb in ("names", "decode") \
            else {"send": do_send, "listen": do_listen, "each": do_each}[opt.verb](opt)
    except Wrong as e:
        print(f"dpclient: {e}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
