"""Two namespaces, programs in them, and what they say to each other on the way.

     this namespace                 server
     clients      c ═══════════════ s    servers; tcpdump
     10.1.0.1                       10.1.0.2
     2001:db8:1::1                  2001:db8:1::2

Checksum offload is off, so that the frames are as on a wire. A client gets the next
ports of a row, since the kernel has none but those to give: what is expected of a
capture can name them. Names of the machine are not its own.
"""
import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import time

CAPTURES = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "captures")
V4, V6 = "10.1.0.2", "2001:db8:1::2"
SERVER = ["ip", "netns", "exec", "server"]
QUIET = dict(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
# The last datagram: what is behind it is not of the capture.
MARK = b"the end of this capture"
MARK_PORT, FIRST_PORT = 39999, 40001
# Fragments behind the first one have no header that says what they carry.
FILTER = "(tcp or udp or ip6 proto 44) and not port 5353"


def run(command, **more):
    subprocess.run(command.split(), check=True, stdout=subprocess.DEVNULL, **more)


def bracketed(address):
    return f"[{address}]" if ":" in address else address


def wait_until(condition, what, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"record-captures: waited in vain: {what}")
        select.select([], [], [], 0.02)


def write_file(path, text):
    with open(path, "w", encoding="ascii") as f:
        f.write(text)
    return path


def make_network():
    run("mount -t tmpfs none /run")  # the other namespace's name is ours alone
    run("hostname host.example")
    run("ip netns add server")
    run("ip link add c address 02:00:00:00:01:01 type veth peer name s address 02:00:00:00:01:02 netns server")
    for host, prefix in ((1, ""), (2, "ip netns exec server ")):
        device = "cs"[host - 1]
        run(f"{prefix}ethtool -K {device} tx off")
        run(f"{prefix}ip address add 10.1.0.{host}/24 dev {device}")
        run(f"{prefix}ip address add 2001:db8:1::{host}/64 dev {device} nodad")
        run(f"{prefix}ip link set {device} up")
        run(f"{prefix}ip link set lo up")
    # Servers that tell where they are do it by name; the file is this namespace's alone.
    write_file("/run/hosts", f"127.0.0.1 localhost\n{V4} four.example\n{V6} six.example\n")
    run("mount --bind /run/hosts /etc/hosts")


def ss(words):
    return subprocess.run(SERVER + ["ss"] + words.split(), check=True, capture_output=True, text=True).stdout


def no_connections():
    """None between the two, that is: some servers talk to themselves."""
    lines = ss("-Htan state connected exclude time-wait").splitlines()
    return not any("10.1.0.1" in line or "2001:db8:1::1" in line for line in lines)


def cut(path):
    """The capture ends before the mark."""
    with open(path, "rb") as f:
        data = f.read()
    at = 24
    while MARK not in (frame := data[at + 16:at + 16 + int.from_bytes(data[at + 8:at + 12], "little")]):
        at += 16 + len(frame)
    with open(path, "wb") as f:
        f.write(data[:at])


class World:
    """For one capture: `folder` is empty, and goes when it is made."""

    def __init__(self, folder):
        self.folder, self.next_port = folder, FIRST_PORT

    @contextlib.contextmanager
    def server(self, command, port, udp=False, seconds=20, **more):
        """A program in the namespace `server`, which listens there on `port`."""
        words = command.split() if isinstance(command, str) else command
        log = open(os.path.join(self.folder, f"log-{port}"), "w+b")
        child = subprocess.Popen(SERVER + words, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                 start_new_session=True, **more)

        def listens():
            if child.poll() is not None and child.returncode:
                log.seek(0)
                sys.exit(f"record-captures: {words[0]}: {log.read().decode(errors='replace')}")
            return ss(f"-Hln{'u' if udp else 't'} sport = :{port}")
        try:
            wait_until(listens, command, seconds)
            yield child
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGTERM)
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
            log.close()

    @contextlib.contextmanager
    def capture(self, name):
        path = os.path.join(CAPTURES, name + ".pcap")
        # Those of the servers, where they begin something.
        subprocess.run(SERVER + ["sysctl", "-qw", "net.ipv4.ip_local_port_range=50001 50009"], check=True)
        dump = subprocess.Popen(SERVER + ["tcpdump", "-q", "-Z", "root", "--immediate-mode", "-U", "-i", "s", "-w", path, FILTER],
                                stderr=subprocess.PIPE)
        while b"listening on" not in dump.stderr.readline():
            if dump.poll() is not None:
                sys.exit("record-captures: tcpdump does not run")
        yield
        wait_until(no_connections, "connections that do not end", 60)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind(("10.1.0.1", MARK_PORT))
            s.sendto(MARK, (V4, 9))

            def recorded():
                with open(path, "rb") as f:
                    return MARK in f.read()
            wait_until(recorded, "the last frame in the capture")
        dump.send_signal(signal.SIGINT)
        dump.wait()
        cut(path)

    def ports(self, n=1):
        """The next n ports are those that a program here gets, the first of them is returned."""
        first = self.next_port
        self.next_port += n
        subprocess.run(["sysctl", "-qw", f"net.ipv4.ip_local_port_range={first} {first + n - 1}"], check=True)
        return first

    def say(self, command, n=1, text=None, seconds=60, **more):
        """Runs a client that makes n connections. Being refused is part of what is recorded."""
        self.ports(n)
        words = command.split() if isinstance(command, str) else command
        done = subprocess.run(words, input=text.encode() if text else None, timeout=seconds, check=False,
                              stdin=None if text else subprocess.DEVNULL, capture_output=True, **more)
        print(f"  {' '.join(words)}: {done.returncode}")
        if done.returncode:
            print("    " + (done.stdout + done.stderr).decode(errors="replace").strip()[-300:])
        return done

    def certificate(self):
        """Of www.example: the files of key and certificate."""
        key, crt = (os.path.join(self.folder, name) for name in ("key.pem", "crt.pem"))
        if not os.path.exists(crt):
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3650",
                            "-subj", "/CN=www.example", "-addext", "subjectAltName=DNS:www.example", "-keyout", key, "-out", crt],
                           check=True, **QUIET)
            os.chmod(key, 0o644)
        return key, crt
