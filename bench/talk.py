"""talk.py ADDRESS CONNECTIONS FILE: so many connections to echo.py, each of which asks
once in a second or so, a hundred of them whenever they were answered. FILE says "talks"
when all are there, and after SIGUSR1 what became of them."""
import selectors, signal, socket, sys, time
host, n, out = sys.argv[1], int(sys.argv[2]), sys.argv[3]
stop = []
signal.signal(signal.SIGUSR1, lambda *_: stop.append(1))
sel = selectors.DefaultSelector()
socks, longest, broken, asked = [], 0.0, 0, 0
for i in range(n):
    s = socket.create_connection((host, 81), timeout=60)
    s.setblocking(False)
    sel.register(s, selectors.EVENT_READ, i)
    socks.append([s, 0.0])
def ask(i):
    global asked
    asked += 1
    socks[i][1] = time.monotonic()
    socks[i][0].send(b"x")
def look(until):
    global longest, broken
    while True:
        left = until - time.monotonic()
        if left <= 0:
            return
        for key, _ in sel.select(left):
            s, i = key.fileobj, key.data
            try:
                got = s.recv(10)
            except OSError:
                got = b""
            if not got:
                broken += 1
                sel.unregister(s)
                socks[i][1] = -1
                continue
            longest = max(longest, time.monotonic() - socks[i][1])
            socks[i][1] = 0.0
            if i < 100:
                ask(i)
for i in range(n):
    ask(i)
    if i % 100 == 0:
        look(time.monotonic() + 0.001)
look(time.monotonic() + 2)
longest = 0.0
open(out, "w").write("talks\n")
at = 0
while not stop:
    for _ in range(100):
        at = (at + 1) % n
        if socks[at][1] == 0.0:
            ask(at)
    look(time.monotonic() + 0.01)
end = time.monotonic() + 60
while any(s[1] > 0 for s in socks[100:]) and time.monotonic() < end:
    look(time.monotonic() + 0.1)
unanswered = sum(s[1] > 0 for s in socks[100:])
open(out, "w").write(f"broken={broken + unanswered} asked={asked} longest_ms={longest * 1000:.1f}\n")
