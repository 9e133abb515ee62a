"""server PORT | client ADDRESS PORT | flood ADDRESS PORT N | udp ADDRESS PORT
| tagged MAC VID N

The two ends of what tests/netns/cache.sh sends: an echo by TCP on PORT and by
UDP on PORT + 1; a client told by lines on stdin how many bytes to send and to
read back, or which ("=text"), or "close"; N datagrams; one datagram that must be answered; N datagrams from 10.9.0.2 to port 7003, sent
on eth0 with that source and a VLAN tag (0: without).
"""

import socket
import struct
import sys
import threading


def echo(conn):
    with conn:
        while data := conn.recv(1 << 16):
            conn.sendall(data)


def echo_udp(port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("0.0.0.0", port))
        while True:
            data, who = s.recvfrom(2048)
            s.sendto(data, who)


def server(port):
    threading.Thread(target=echo_udp, args=(port + 1,), daemon=True).start()
    with socket.create_server(("::", port), family=socket.AF_INET6,
                              dualstack_ipv6=True) as listening:
        while True:
            conn, _ = listening.accept()
            threading.Thread(target=echo, args=(conn,), daemon=True).start()


def back(conn, said):
    data = said[1:].encode() if said.startswith("=") else b"x" * int(said)
    send = threading.Thread(target=conn.sendall, args=(data,))
    n = len(data)
    send.start()
    while n > 0:
        got = len(conn.recv(min(n, 1 << 16)))
        if got == 0:
            raise ConnectionError("closed early")
        n -= got
    send.join()


def client(address, port):
    with socket.create_connection((address, port), timeout=5) as conn:
        conn.settimeout(None)
        print("ok", flush=True)
        for line in sys.stdin:
            if line.strip() == "close":
                break
            back(conn, line.strip())
            print("ok", flush=True)
    print("ok", flush=True)


def tagged(mac, vid, n):
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 36, 1, 0, 64, 17, 0,
                     bytes([10, 9, 0, 2]), bytes([10, 9, 0, 1]))
    total = sum(struct.unpack("!10H", ip))
    total = (total & 0xffff) + (total >> 16)
    total = (total & 0xffff) + (total >> 16)
    ip = ip[:10] + struct.pack("!H", ~total & 0xffff) + ip[12:]
    udp = struct.pack("!4H", 7002, 7003, 16, 0) + bytes(8)
    tag = struct.pack("!HH", 0x8100, vid) if vid else b""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
        s.bind(("eth0", 0))
        for _ in range(n):
            s.send(b"\x02" + bytes(4) + b"\x01" + bytes.fromhex(mac.replace(":", "")) +
                   tag + b"\x08\x00" + ip + udp)


def flood(address, port, n):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        for _ in range(n):
            s.sendto(b"x" * 100, (address, port))


def udp(address, port):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(5)
        s.sendto(b"hello", (address, port))
        s.recv(100)


def main():
    what, *rest = sys.argv[1:]
    {"server": lambda p: server(int(p)),
     "client": lambda a, p: client(a, int(p)),
     "flood": lambda a, p, n: flood(a, int(p), int(n)),
     "udp": lambda a, p: udp(a, int(p)),
     "tagged": lambda m, v, n: tagged(m, int(v), int(n))}[what](*rest)


if __name__ == "__main__":
    main()
