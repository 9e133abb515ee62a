"""beats.py serve FILE | ask ADDRESS: datagrams every millisecond, IPv4.

serve: answers at UDP port 82, and writes to FILE how many came at port 83, where none
may. ask: asks at both, until SIGUSR1, and prints the longest time without an answer."""
import select
import signal
import socket
import sys
import time

stop = []
for s in (signal.SIGUSR1, signal.SIGTERM):
    signal.signal(s, lambda *_: stop.append(1))


def udp(port=0):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("", port))
    s.setblocking(False)
    return s


def serve(path):
    allowed, denied, came, told = udp(82), udp(83), 0, -1
    while not stop:
        if came != told:
            told = came
            with open(path, "w") as f:
                f.write(f"{told}\n")
        for s in select.select([allowed, denied], [], [], 0.1)[0]:
            what, who = s.recvfrom(100)
            if s is allowed:
                s.sendto(what, who)
            else:
                came += 1


def ask(address):
    s, last, longest, sent = udp(), None, 0.0, 0
    while not stop:
        for port in (82, 83):
            s.sendto(b"%d" % sent, (address, port))
        sent += 1
        ready, _, _ = select.select([s], [], [], 0.001)
        now = time.monotonic()
        if ready:
            s.recv(100)
            if last:
                longest = max(longest, now - last)
            last = now
        time.sleep(0.001)
    print(f"sent={sent} longest_ms={longest * 1000:.0f}")


if sys.argv[1] == "serve":
    serve(sys.argv[2])
else:
    ask(sys.argv[2])
