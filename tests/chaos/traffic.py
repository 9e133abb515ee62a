#!/usr/bin/python3
"""The ends of the traffic; each runs in a workload's namespace.

traffic.py serve PORT...             echo on 7; counts what comes by each PORT, TCP and UDP
traffic.py grpc-serve PORT
traffic.py client ADDRESS4 ADDRESS6 ADDRESS4 ADDRESS6 [EXPECTED]
                                     everything that is allowed of web (the first two) and of
                                     db, and tries of what is not, until SIGTERM
traffic.py guest ADDRESS4 ADDRESS6   some requests of web, then ends
traffic.py try ADDRESS PORT SECONDS  says something to who forbids it

Tells on standard output what happens, a JSON object a line: {"at": seconds of
CLOCK_MONOTONIC, "what": ..., "who": ...}. `what` is "done" (an exchange whose answer was
the one expected; ms, bytes), "cut" (an allowed connection or exchange failed: text), "got"
(a server's: bytes came by PORT; when they were sent, if they say so), "retry" (what the
kernel itself could not send, or a datagram that was lost: it was tried again).

An exchange has STALL_S: every disturbance is shorter than TCP's patience, so that who
waits longer has been forgotten.
"""
import asyncio
import errno
import hashlib
import json
import os
import random
import signal
import socket
import struct
import sys
import time

STALL_S = 30
CURL_NO_CONNECTION = 7
# Who reads slowly shuts the window; if what opens it again is lost, because the data plane was
# away, the sender asks by itself, twice as late each time, up to the kernel's two minutes.
WINDOW_S = 150
BIG_BYTES, SMALL_BYTES = 12 << 20, 20000


def tell(what, who, **more):
    line = json.dumps({"at": round(time.monotonic(), 4), "what": what, "who": who, **more}) + "\n"
    os.write(1, line.encode())  # one write: lines of several processes stay whole


def body(name, size):
    """The same everywhere, so that a client knows what a server has."""
    return random.Random(name).randbytes(size)


class Cut(Exception):
    """An allowed exchange that failed."""


def bracketed(address):
    return f"[{address}]" if ":" in address else address


def family(address):
    return "6" if ":" in address else "4"


# --- servers ------------------------------------------------------------------


async def echo(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    except OSError:
        pass  # the client tells of it
    writer.close()


def counter(port):
    async def count(reader, writer):
        try:
            while data := await reader.readline():
                words = data.split()
                sent = float(words[1]) if data.startswith(b"sent ") and len(words) > 1 else None
                tell("got", f"tcp/{port}", port=port, bytes=len(data), sent=sent)
        except (OSError, ValueError):
            pass
        writer.close()
    return count


class CountDatagrams(asyncio.DatagramProtocol):
    def __init__(self, port):
        self.port = port

    def datagram_received(self, data, addr):
        tell("got", f"udp/{self.port}", port=self.port, bytes=len(data), sent=None)


async def serve(ports):
    await asyncio.start_server(echo, ["0.0.0.0", "::"], 7)
    for port in map(int, ports):
        await asyncio.start_server(counter(port), ["0.0.0.0", "::"], port, limit=1 << 20)
        both = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        both.bind(("::", port))
        await asyncio.get_running_loop().create_datagram_endpoint(lambda p=port: CountDatagrams(p), sock=both)
    tell("ready", "servers")
    await asyncio.Event().wait()


def grpc_serve(port):
    import concurrent.futures

    import grpc

    class Any(grpc.GenericRpcHandler):
        def service(self, details):
            return grpc.unary_unary_rpc_method_handler(lambda request, context: b"seen " + request)

    # A connection that is silent for a while is not a lost one.
    server = grpc.server(concurrent.futures.ThreadPoolExecutor(2), handlers=[Any()])
    server.add_insecure_port(f"0.0.0.0:{port}")
    server.add_insecure_port(f"[::]:{port}")
    server.start()
    server.wait_for_termination()


# --- connections of ours ------------------------------------------------------


async def connect(address, port, who):
    """A new connection. That the kernel found no neighbour, because frames of ARP were lost
    too, is its own judgement: once more."""
    end = time.monotonic() + STALL_S
    while True:
        try:
            return await asyncio.wait_for(asyncio.open_connection(address, port), STALL_S)
        except OSError as e:
            if e.errno != errno.EHOSTUNREACH or time.monotonic() > end:
                raise Cut(f"connect: {e}") from e
            tell("retry", who)
        except asyncio.TimeoutError as e:
            raise Cut(f"connect: nothing for {STALL_S} s") from e


async def wait(what, doing, limit_s=STALL_S):
    try:
        return await asyncio.wait_for(doing, limit_s)
    except asyncio.TimeoutError as e:
        raise Cut(f"{what}: nothing for {STALL_S} s") from e
    except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError) as e:
        raise Cut(f"{what}: {e!r}") from e


async def request(reader, writer, address, path, want):
    writer.write(f"GET {path} HTTP/1.1\r\nHost: {bracketed(address)}\r\n\r\n".encode())
    head = await wait("head", reader.readuntil(b"\r\n\r\n"))
    if not head.startswith(b"HTTP/1.1 200 "):
        raise Cut(f"answer: {head[:80]!r}")
    got = await wait("body", reader.readexactly(len(want)))
    if got != want:
        raise Cut("another body than was sent")


async def http_once(address, who, small):
    start = time.monotonic()
    reader, writer = await connect(address, 80, who)
    await request(reader, writer, address, "/small", small)
    writer.close()
    tell("done", who, ms=round((time.monotonic() - start) * 1000, 2), bytes=len(small))


async def http_new(address, who):
    small = body("small", SMALL_BYTES)
    while True:
        await http_once(address, who, small)
        await asyncio.sleep(0.2)


async def http_kept(address, who):
    small = body("small", SMALL_BYTES)
    while True:
        reader, writer = await connect(address, 80, who)
        for _ in range(random.randint(20, 2000)):
            start = time.monotonic()
            await request(reader, writer, address, "/small", small)
            tell("done", who, ms=round((time.monotonic() - start) * 1000, 2), bytes=len(small))
            await asyncio.sleep(0.05)
        writer.close()


async def idle(address, who):
    """Says something now and then, over one connection for ever."""
    reader, writer = await connect(address, 7, who)
    while True:
        for _ in range(3):
            start = time.monotonic()
            word = b"%f\n" % start
            writer.write(word)
            if await wait("echo", reader.readline()) != word:
                raise Cut("another echo, or the end")
            tell("done", who, ms=round((time.monotonic() - start) * 1000, 2), bytes=len(word))
        await asyncio.sleep(random.uniform(3, 20))


# --- programs -----------------------------------------------------------------


async def run(*command, **how):
    return await asyncio.create_subprocess_exec(
        *command, stdin=how.get("stdin", asyncio.subprocess.DEVNULL),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE)


async def fetch(who, size, want, *options):
    """curl; size bytes whose SHA-256 is want. No neighbour: see connect()."""
    start = time.monotonic()
    p = await run("curl", "-svS", "--noproxy", "*", *options)
    complaints = asyncio.create_task(p.stderr.read())
    digest, got = hashlib.sha256(), 0
    while data := await wait("curl", p.stdout.read(1 << 18), WINDOW_S):
        digest.update(data)
        got += len(data)
    status = await p.wait()
    said = (await complaints).decode(errors="replace").splitlines()
    if status == CURL_NO_CONNECTION and any("No route to host" in line for line in said):
        tell("retry", who)
        return
    if status or got != size or digest.digest() != want:
        raise Cut(f"curl: status {status}, {got} of {size} bytes: {' '.join(said[-3:])}")
    tell("done", who, ms=round((time.monotonic() - start) * 1000, 2), bytes=got, long=True)


async def download(address, who):
    big = hashlib.sha256(body("big", BIG_BYTES)).digest()
    while True:
        await fetch(who, BIG_BYTES, big, "--limit-rate", "1M", f"http://{bracketed(address)}/big")


async def http2(address, who):
    big = hashlib.sha256(body("big", BIG_BYTES)).digest()
    while True:
        await fetch(who, BIG_BYTES, big, "--http2-prior-knowledge", "--limit-rate", "500k",
                    f"http://{bracketed(address)}:8080/big")


async def session(who, p, question, answer):
    """A program that is asked line by line."""
    n = 0
    complaints = asyncio.create_task(p.stderr.read())
    while True:
        n += 1
        start = time.monotonic()
        p.stdin.write(question(n))
        got = await wait("answer", p.stdout.readline())
        if got != answer(n):
            text = await asyncio.wait_for(complaints, 1) if not got else b""
            raise Cut(f"answered {got[:80]!r} {text.decode(errors='replace').strip()}")
        tell("done", who, ms=round((time.monotonic() - start) * 1000, 2), bytes=len(got))
        await asyncio.sleep(0.1)


async def postgresql(address, who):
    # keeps one connection; a lost one is an error of psql's, and it asks nothing of the terminal
    p = await run("psql", "-XAtq", "-v", "ON_ERROR_STOP=1",
                  f"host={address} user=postgres dbname=postgres sslmode=disable connect_timeout={STALL_S}",
                  stdin=asyncio.subprocess.PIPE)
    await session(who, p, lambda n: f"select md5('{n}') || repeat('x', {n % 3000});\n".encode(),
                  lambda n: hashlib.md5(b"%d" % n).hexdigest().encode() + b"x" * (n % 3000) + b"\n")


async def redis(address, who):
    reader, writer = await connect(address, 6379, who)
    n = 0
    while True:
        n += 1
        start = time.monotonic()
        value = b"%d" % n * (n % 500 + 1)
        key = who.encode()
        for words in ((b"SET", key, value), (b"GET", key)):
            writer.write(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words))
        if await wait("SET", reader.readline()) != b"+OK\r\n":
            raise Cut("SET was not answered")
        want = b"$%d\r\n%s\r\n" % (len(value), value)
        if await wait("GET", reader.readexactly(len(want))) != want:
            raise Cut("another value than was set")
        tell("done", who, ms=round((time.monotonic() - start) * 1000, 2), bytes=len(value))
        await asyncio.sleep(0.1)


async def grpc_calls(address, who):
    """A process of its own: the library has threads."""
    p = await run(sys.executable, os.path.abspath(__file__), "grpc-client", address)
    n = 0
    while True:
        start = time.monotonic()
        line = await wait("call", p.stdout.readline())
        n += 1
        if line != b"ok %d\n" % n:
            raise Cut(f"call: {line.decode(errors='replace').strip() or 'ended'}")
        tell("done", who, ms=round((time.monotonic() - start) * 1000, 2), bytes=4)


def grpc_client(address):
    import grpc
    states = []
    # a connection that was cut is not made again for the call
    with grpc.insecure_channel(f"{bracketed(address)}:50051", options=[
            ("grpc.enable_retries", 0), ("grpc.enable_http_proxy", 0)]) as channel:
        channel.subscribe(states.append, try_to_connect=True)
        call = channel.unary_unary("/shop.Cart/Get")
        n = 0
        while True:
            n += 1
            try:
                answer = call(b"%d" % n, timeout=STALL_S, wait_for_ready=n == 1)
                lost = n > 1 and states[-1] != grpc.ChannelConnectivity.READY
                print("another answer" if answer != b"seen %d" % n else
                      f"lost its connection: {states}" if lost else f"ok {n}", flush=True)
            except grpc.RpcError as e:
                print(e.code().name, e.details(), flush=True)
            time.sleep(0.2)


async def dns(address, who):
    """Datagrams may be lost; an answer is one nonetheless, in the end, and the right one."""
    loop = asyncio.get_running_loop()
    n = 0
    while True:
        n += 1
        start = time.monotonic()
        s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
        s.setblocking(False)
        s.connect((address, 53))
        ident = random.randrange(65536)
        query = struct.pack(">6H", ident, 0x100, 1, 0, 0, 0) + b"\x04host\x04test\0\0\x01\0\x01"
        while True:
            if time.monotonic() > start + STALL_S:
                raise Cut(f"no answer for {STALL_S} s")
            try:
                s.send(query)
                got = await asyncio.wait_for(loop.sock_recv(s, 2048), 1)
                break
            except (asyncio.TimeoutError, OSError) as e:
                if isinstance(e, ConnectionRefusedError):
                    raise Cut(f"refused: {e}") from e
                tell("retry", who)
                await asyncio.sleep(0.2)
        s.close()
        if got[:2] != query[:2] or not got.endswith(bytes([10, 9, 8, 7])):
            raise Cut(f"another answer: {got!r}")
        tell("done", who, ms=round((time.monotonic() - start) * 1000, 2), bytes=len(got))
        await asyncio.sleep(0.2)


# --- what is forbidden --------------------------------------------------------


async def say(address, port, words, seconds):
    """One try: whether it was heard is what the server tells."""
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(address, port), 0.5)
    except (OSError, asyncio.TimeoutError):
        return
    end = time.monotonic() + seconds
    try:
        while time.monotonic() < end:
            writer.write(words())
            await writer.drain()
            await asyncio.sleep(0.05)
    except OSError:
        pass
    writer.transport.abort()


def datagram(address, port, data):
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.setblocking(False)
        try:
            s.sendto(data, (address, port))
        except OSError:
            pass


def sent_now():
    return b"sent %f\n" % time.monotonic()


async def forbidden(address, who):
    while True:
        port = 9999
        datagram(address, port, b"forbidden")
        await say(address, port, lambda: b"forbidden\n", 0.2)
        tell("tried", who)
        await asyncio.sleep(0.1)


async def toggled(address, who):
    """8082 is now allowed, now not. Both short connections and some that outlast a change."""
    while True:
        await say(address, 8082, sent_now, random.choice((0.2, 1, 8)))
        await asyncio.sleep(0.05)


# --- all of it ----------------------------------------------------------------


async def on_and_on(make, address, who):
    """A new connection after one that was cut: the next one shall be told of, too."""
    while True:
        try:
            await make(address, who)
        except Cut as e:
            tell("cut", who, text=str(e))
        except OSError as e:
            tell("cut", who, text=repr(e))
        await asyncio.sleep(1)


async def client(web4, web6, db4, db6):
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    kinds = [(web4, web6, (http_new, http_kept, download, http2, grpc_calls, idle, forbidden, toggled)),
             (db4, db6, (postgresql, redis, dns, idle, forbidden))]
    tasks = [asyncio.create_task(on_and_on(
        make, address, f"{make.__name__}{'-db' if address in (db4, db6) and make in (idle, forbidden) else ''}"
        f"-{family(address)}")) for a4, a6, makes in kinds for address in (a4, a6) for make in makes]
    await ended.wait()
    for t in tasks:
        t.cancel()
    os._exit(0)  # its programs end with the pipes; what is on its way is nobody's


async def guest(web4, web6):
    small = body("small", SMALL_BYTES)
    try:
        for address in (web4, web6) * 2:
            await http_once(address, f"guest-{family(address)}", small)
            await say(address, 9999, lambda: b"forbidden\n", 0.2)
    except Cut as e:
        tell("cut", "guest", text=str(e))


async def try_it(address, port, seconds):
    end = time.monotonic() + float(seconds)
    while time.monotonic() < end:
        datagram(address, int(port), b"forbidden")
        await say(address, int(port), lambda: b"forbidden\n", 0.2)
        tell("tried", "vault")


def main():
    what, *rest = sys.argv[1:]
    if what == "grpc-serve":
        grpc_serve(rest[0])
    elif what == "grpc-client":
        grpc_client(rest[0])
    elif what == "serve":
        asyncio.run(serve(rest))
    else:
        asyncio.run({"client": client, "guest": guest, "try": try_it}[what](*rest))


if __name__ == "__main__":
    main()
