#!/bin/bash
# Who writes other MAC addresses than he should does not get around weir-dp: a
# unicast packet in a group frame, a foreign MAC on the workload's side, a mark
# where none belongs. Each is judged, or dropped and counted.
#
#  ┌ host-ns ─────────┐   ┌ agent-ns ─────────────────┐   ┌ container-ns ───┐
#  │ frames by hand   ╪═══╪ vex                   vin ╪═══╪ frames by hand  │
#  │ UDP 9000 listens │   │  └──▶ vbr ═══ vth ◀──┘    │   │ UDP 9000 listens│
#  └──────────────────┘   │            weir-dp        │   └─────────────────┘
#                         └───────────────────────────┘
. "$(dirname "$0")/lib.sh"
foreign=02:de:ad:00:00:01

# A UDP packet to port 9000 that says TEXT, in a frame with these MACs.
send_udp() { # NAMESPACE DEVICE DST SRC FROM TO TEXT SPORT
    at "$1" python3 - "${@:2}" <<'P'
import ipaddress, socket, struct, sys
dev, dst, src, saddr, daddr, text, sport = sys.argv[1:]
saddr, daddr = map(ipaddress.ip_address, (saddr, daddr))

def checksum(data):
    data += b"\0" * (len(data) % 2)
    s = sum(struct.unpack(f">{len(data) // 2}H", data))
    while s >> 16:
        s = (s & 0xffff) + (s >> 16)
    return s ^ 0xffff

udp = struct.pack(">HHHH", int(sport), 9000, 8 + len(text), 0) + text.encode()
pseudo = saddr.packed + daddr.packed + struct.pack(">HBB", len(udp), 0, 17)
udp = udp[:6] + struct.pack(">H", checksum(pseudo + udp)) + udp[8:]
if saddr.version == 4:
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(udp), 1, 0, 64, 17, 0)
    ip += saddr.packed + daddr.packed
    ip = ip[:10] + struct.pack(">H", checksum(ip)) + ip[12:]
else:
    ip = struct.pack(">IHBB", 6 << 28, len(udp), 17, 64)
    ip += saddr.packed + daddr.packed
mac = lambda t: bytes.fromhex(t.replace(":", ""))
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
s.bind((dev, 0))
s.send(mac(dst) + mac(src) + (b"\x08\x00" if saddr.version == 4 else b"\x86\xdd") + ip + udp)
P
}

out_udp() { # DST SRC TEXT: from the workload
    send_udp container-ns eth0 "$1" "$2" $cont4 $host4 "$3" 9001
}

in_udp() { # DST SRC TEXT: to it
    send_udp host-ns vp "$1" "$2" $host4 $cont4 "$3" 9002
}

heard() { # NAMESPACE TEXT
    grep -q "$2" "$TEST_DIR/heard-$1"
}

counter() { # NAME: frames
    "$weir" splice show --agent agent-ns -o json >"$out" &&
        python3 -c 'import json, sys
print(json.load(open(sys.argv[1]))["splices"][0]["counters"][sys.argv[2]]["frames"])' "$out" "$1"
}

counts() { # NAME BEFORE: there is one more by now
    [ "$(counter "$1")" -gt "$2" ]
}

# A frame that must be dropped in the kernel and counted as COUNTER. A frame
# with the right MACs that comes behind it shows that it is not just late.
dropped() { # COUNTER DIRECTION DST SRC NAME
    local before at=host-ns
    before=$(counter "$1")
    [ "$2" = out ] || at=container-ns
    "$2_udp" "$3" "$4" "not-$1"
    if [ "$2" = out ]; then
        out_udp $host_mac $mac "behind-$1"
    else
        in_udp $mac $host_mac "behind-$1"
    fi
    wait_until 10 heard $at "behind-$1" && wait_until 10 counts "$1" "$before" &&
        ! heard $at "not-$1"
    point $? "$5" "$out"
}

policy() { # ACTION of UDP, in both directions
    dp '{"ctrl_cfg_policy":{"cmd":1,"flag":3,"defact":2,"dir":3,"mac":["'$mac'"],"rules":[
      {"id":1,"sip":"'$host4'","dip":"'$cont4'","port":0,"portr":65535,"proto":17,"action":'"$1"',"ingress":true},
      {"id":2,"sip":"'$cont4'","dip":"'$host4'","port":0,"portr":65535,"proto":17,"action":'"$1"',"ingress":false}]}}'
}

blocked() { # RULE
    dp blocks -o json && json "any(b['rule'] == $1 for b in d['blocks'])"
}

topology && splice up --mark 00b4 --mode inline && start_dp agent-ns --listen "" --notify "" && serve_container
point $? "a container is served" "$out"
for ns in host-ns container-ns; do
    in_ns $ns socat -u UDP-RECV:9000 STDOUT >"$TEST_DIR/heard-$ns" &
    children+=($!)
    wait_until 10 listens $ns 9000 u
done
wait_until 10 pings $cont4
point $? "it answers" "$TEST_DIR/ping"

# --- a unicast packet in a broadcast frame is judged like any other ---
policy 2
out_udp ff:ff:ff:ff:ff:ff $mac out-broadcast
in_udp ff:ff:ff:ff:ff:ff $host_mac in-broadcast
wait_until 10 heard host-ns out-broadcast && wait_until 10 heard container-ns in-broadcast
point $? "allowed, it arrives in both directions"
out_udp 01:00:5e:01:02:03 $mac out-multicast
wait_until 10 heard host-ns out-multicast
point $? "and from the workload also in a multicast frame"
policy 7
out_udp ff:ff:ff:ff:ff:ff $mac not-out-broadcast
wait_until 10 blocked 2
point $? "denied from the workload, it is blocked by its rule" "$out"
in_udp ff:ff:ff:ff:ff:ff $host_mac not-in-broadcast
wait_until 10 blocked 1
point $? "denied to the workload, too" "$out"
policy 2
out_udp $host_mac $mac behind-denied && in_udp $mac $host_mac behind-denied
wait_until 10 heard host-ns behind-denied && wait_until 10 heard container-ns behind-denied &&
    ! heard host-ns not-out && ! heard container-ns not-in
point $? "neither has arrived"

# --- what cannot be judged is dropped, and counted ---
dropped drop_foreign_out out $host_mac $foreign "IP from a foreign MAC of the workload is dropped"
dropped drop_foreign_in in $foreign $host_mac "IP to a foreign MAC is dropped"
dropped drop_foreign_in in 01:00:5e:01:02:03 $host_mac "a unicast packet to it in a multicast frame is dropped"
dropped drop_spoof_out out ff:ff:ff:00:00:b4 $mac "the broadcast mark from the workload is dropped"
dropped drop_spoof_in in ff:ff:ff:00:00:b4 $host_mac "the broadcast mark from outside is dropped"
dropped drop_spoof_in in $mac ff:ff:ff:00:00:b4 "a group as source is dropped"
dropped drop_spoof_in in $mac 4e:65:75:56:00:b4 "a mark as source is dropped"

# --- multicast goes straight, and IPv6 is no way around either ---
before=$(counter straight_out)
send_udp container-ns eth0 33:33:00:00:00:01 $mac $cont6 ff02::1 multicast 9001
wait_until 10 counts straight_out "$before"
point $? "IPv6 multicast goes straight" "$out"
before=$(counter to_dp_out)
send_udp container-ns eth0 33:33:00:00:00:01 $mac $cont6 $host6 unicast 9001
wait_until 10 counts to_dp_out "$before"
point $? "an IPv6 unicast packet in a multicast frame is diverted" "$out"

# --- in mode pass nothing of this is looked at ---
splice mode pass
out_udp $host_mac $foreign pass-foreign
out_udp ff:ff:ff:ff:ff:ff $mac pass-broadcast
wait_until 10 heard host-ns pass-foreign && wait_until 10 heard host-ns pass-broadcast
point $? "mode pass passes them" "$out"

stop_dp
point $? "weir-dp ends"
finish
