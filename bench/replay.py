#!/usr/bin/python3
"""replay.py [-b BUILD] [-d DIR] [-i] [REPLAY'S OPTIONS...]

One core's inspection of captures: records what Debian's programs say to each other,
twice, and gives it to BUILD/bench/replay (replay.c), which prints what a frame costs.

     this namespace                        server: the workload
     iperf3, curl, load   c ══════════ s   iperf3, nginx, load; tcpdump
     10.1.0.1                              10.1.0.2

  bulk      iperf3, one TCP stream of 64 MB to the workload
  download  curl, a file of 64 MB from nginx
  keep      16 curls, 500 requests each over one connection; answers of 612 bytes
  varied    as keep, but no two requests, and no two answers have the same headers or body
  close     8 curls, 250 requests each, a connection for each
  short     load connect: 64 bytes there and back, 16 connections at a time
  tls       8 curls, 50 requests each over TLS 1.3, a connection for each

-1500 has frames as on a wire (the devices' offloads are off), -64k as they pass a veth
with its offloads on, and so weir-dp. Captures stay in DIR, if one is given, and are
recorded only if they are not there. Root; makes namespaces that end with it.

-i counts instructions instead, a frame, with valgrind's callgrind: what does not depend
on what else the machine does. (A vector instruction is one, and memory costs nothing.)
"""
import argparse
import os
import pathlib
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time

TREE = pathlib.Path(__file__).resolve().parent.parent
INSIDE = "WEIR_REPLAY_INSIDE"
SERVER = ["ip", "netns", "exec", "server"]
MARK = b"the end of this capture"
HERE, THERE = "10.1.0.1", "10.1.0.2"
KINDS = "bulk", "download", "keep", "varied", "close", "short", "tls"
FRAMES = {"1500": "off", "64k": "on"}
MEGABYTES = 64
CLIENTS, REQUESTS = 16, 500

NGINX = """
daemon off; master_process off; pid {0}/pid; user root;
events {{ }}
http {{
    access_log off; keepalive_requests 100000;
    client_body_temp_path {0}/t; proxy_temp_path {0}/t; fastcgi_temp_path {0}/t;
    uwsgi_temp_path {0}/t; scgi_temp_path {0}/t;
    server {{
        listen 80; listen 443 ssl; root {0}/www;
        ssl_certificate {0}/cert; ssl_certificate_key {0}/key;
    }}
}}
"""


def run(command):
    subprocess.run(command.split(), check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def wait_until(condition, what):
    end = time.monotonic() + 30
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"replay.py: waited in vain: {what}")
        select.select([], [], [], 0.02)


def make_network():
    run("mount -t tmpfs none /run")  # the other namespace's name is ours alone
    run("ip netns add server")
    run("ip link add c address 02:00:00:00:01:01 type veth peer name s address 02:00:00:00:01:02 netns server")
    for host, device, prefix in ((1, "c", ""), (2, "s", " ".join(SERVER) + " ")):
        run(f"{prefix}sysctl -w net.ipv6.conf.all.disable_ipv6=1")
        run(f"{prefix}ip address add 10.1.0.{host}/24 dev {device}")
        run(f"{prefix}ip link set {device} up")
        run(f"{prefix}ip link set lo up")


def set_offloads(how):
    for device, prefix in (("c", []), ("s", SERVER)):
        subprocess.run([*prefix, "ethtool", "-K", device, "tx", how, "tso", how, "gso", how, "gro", how], check=True,
                       stdout=subprocess.DEVNULL)


def listens(port):
    try:
        socket.create_connection((THERE, port), 1).close()
        return True
    except OSError:
        return False


def no_connections():
    return not subprocess.run([*SERVER, *"ss -Htan state connected exclude time-wait".split()], check=True,
                              capture_output=True).stdout


def serve(folder, build):
    www = pathlib.Path(folder, "www")
    www.mkdir()
    (www / "index.html").write_text("over the weir\n" * 43 + "over weir\n", encoding="ascii")
    (www / "large").write_bytes(os.urandom(1 << 20) * MEGABYTES)
    for page in range(CLIENTS * REQUESTS):
        (www / f"p{page}").write_text(os.urandom(306).hex(), encoding="ascii")
    for client in range(CLIENTS):
        pathlib.Path(folder, f"varied{client}").write_text("next\n".join(
            f'url = "http://{THERE}/p{page}"\nheader = "Host: www.example.test"\noutput = /dev/null\nsilent\n'
            f'header = "X-Request-Id: {os.urandom(16).hex()}"\n'
            for page in range(client * REQUESTS, (client + 1) * REQUESTS)), encoding="ascii")
    run(f"openssl req -x509 -newkey rsa:2048 -nodes -keyout {folder}/key -out {folder}/cert -days 30 "
        "-subj /CN=www.example.test")
    pathlib.Path(folder, "nginx.conf").write_text(NGINX.format(folder), encoding="ascii")
    return [subprocess.Popen([*SERVER, *command], stdout=subprocess.DEVNULL)
            for command in (["nginx", "-e", f"{folder}/error.log", "-c", f"{folder}/nginx.conf"],
                            ["iperf3", "-s", "-p", "5201"], [f"{build}/bench/load", "server", "7000"])]


def programs(kind, build, folder):
    """What speaks in that capture, all at the same time."""
    curl = ["curl", "-s", "-o", "/dev/null"]
    if kind == "bulk":
        return [["iperf3", "-c", THERE, "-n", f"{MEGABYTES}M"]]
    if kind == "download":
        return [[*curl, f"http://{THERE}/large"]]
    if kind == "keep":
        return [[*curl, "-H", "Host: www.example.test", f"http://{THERE}/?[1-{REQUESTS}]"]] * CLIENTS
    if kind == "varied":
        return [["curl", "-K", f"{folder}/varied{client}"] for client in range(CLIENTS)]
    if kind == "close":
        return [[*curl, "-H", "Connection: close", f"http://{THERE}/?[1-250]"]] * 8
    if kind == "tls":
        return [[*curl, "-k", "--no-sessionid", "-H", "Connection: close", "--resolve",
                 f"www.example.test:443:{THERE}", "https://www.example.test/?[1-50]"]] * 8
    return [[f"{build}/bench/load", "connect", THERE, "7000", "200", "16"]]


def record(path, commands):
    dump = subprocess.Popen([*SERVER, *"tcpdump -q -Z root -s 262144 -B 262144 -U -i s -w".split(), path, "tcp or udp"],
                            stderr=subprocess.PIPE)
    while b"listening on" not in dump.stderr.readline():
        if dump.poll() is not None:
            sys.exit("replay.py: tcpdump does not run")
    for speaking in [subprocess.Popen(command, stdout=subprocess.DEVNULL) for command in commands]:
        if speaking.wait():
            sys.exit(f"replay.py: {speaking.args} failed")
    wait_until(no_connections, "connections that do not end")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.sendto(MARK, (THERE, 9))
    wait_until(lambda: subprocess.run(["tail", "-c", "1000", path], check=True, capture_output=True).stdout.count(MARK),
               "the last frame in the capture")
    dump.send_signal(signal.SIGINT)
    told = dump.communicate()[1]
    if b"\n0 packets dropped by kernel" not in told:
        sys.exit(f"replay.py: {path} is not whole: {told.decode()}")


def record_all(folder, build):
    missing = [(kind, frames) for frames in FRAMES for kind in KINDS
               if not os.path.exists(f"{folder}/{kind}-{frames}.pcap")]
    if not missing:
        return
    make_network()
    with tempfile.TemporaryDirectory() as own:
        servers = serve(own, build)
        try:
            for port in 80, 5201, 7000:
                wait_until(lambda port=port: listens(port), "the servers")
            for kind, frames in missing:
                set_offloads(FRAMES[frames])
                wait_until(no_connections, "connections that do not end")
                part = f"{folder}/part"
                record(part, programs(kind, build, own))
                os.rename(part, f"{folder}/{kind}-{frames}.pcap")
        finally:
            for server in servers:
                server.terminate()
                server.wait()


def count_instructions(build, captures, rest):
    levels = "carried", "identified", "read", "breadth"
    print(f"{'capture':20}", *(f"{level:>12}" for level in levels))
    for capture in captures:
        print(f"{os.path.basename(capture):20}", end="", flush=True)
        for level in levels:
            ran = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
                                  "--toggle-collect=play", f"{build}/bench/replay", *rest, "-n", "1", "-l", level,
                                  capture], check=True, text=True, capture_output=True)
            frames = int(ran.stdout.splitlines()[1].split()[1])
            count = int(ran.stderr.split("Collected :")[1].split()[0])
            print(f" {count / frames:12.0f}", end="", flush=True)
        print()


def main():
    own = argparse.ArgumentParser(usage=__doc__)
    own.add_argument("-b", dest="build", default=str(TREE / "build"))
    own.add_argument("-d", dest="folder")
    own.add_argument("-i", dest="instructions", action="store_true")
    args, rest = own.parse_known_args()
    if INSIDE not in os.environ:
        os.environ[INSIDE] = "1"
        os.execvp("unshare", ["unshare", "--net", "--mount", "--propagation", "private", sys.executable, *sys.argv])
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.folder or temporary
        record_all(folder, args.build)
        captures = [f"{folder}/{kind}-{frames}.pcap" for frames in FRAMES for kind in KINDS]
        if args.instructions:
            count_instructions(args.build, captures, rest)
            return
        sys.exit(subprocess.run([f"{args.build}/bench/replay", *rest, *captures], check=False).returncode)


main()
