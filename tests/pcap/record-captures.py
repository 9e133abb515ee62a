#!/usr/bin/python3
"""Records tests/pcap/captures/http.pcap and dns.pcap: what Debian's programs really say.

     this namespace                 server
     curl, dig    c ═══════════════ s    nginx, dnsmasq, tcpdump
     10.1.0.1                       10.1.0.2
     2001:db8:1::1                  2001:db8:1::2

Run as root, and only to record again: ports, addresses and names are fixed, so that
expected/ stays true, but bytes and times differ each time. Checksum offload is off, so
that the frames are as on a wire.
"""
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "captures")
INSIDE = "RECORD_CAPTURES_INSIDE"
SERVER = ["ip", "netns", "exec", "server"]
# The last datagram; nobody listens for it, which an ICMP error says.
MARK = b"the end of this capture"

NGINX = """
daemon off; master_process off; pid {0}/pid; user root;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {0}/t; proxy_temp_path {0}/t; fastcgi_temp_path {0}/t;
    uwsgi_temp_path {0}/t; scgi_temp_path {0}/t;
    server {{ listen 80; listen [::]:80; root {0}/www; }}
}}
"""


def run(command):
    subprocess.run(command.split(), check=True, stdout=subprocess.DEVNULL)


def wait_until(condition, what):
    end = time.monotonic() + 10
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"record-captures: waited in vain: {what}")
        select.select([], [], [], 0.02)


def make_network():
    run("mount -t tmpfs none /run")  # the other namespace's name is ours alone
    run("ip netns add server")
    run("ip link add c address 02:00:00:00:01:01 type veth peer name s address 02:00:00:00:01:02 netns server")
    for host, prefix in ((1, ""), (2, "ip netns exec server ")):
        device = "cs"[host - 1]
        run(f"{prefix}ethtool -K {device} tx off")
        run(f"{prefix}ip address add 10.1.0.{host}/24 dev {device}")
        run(f"{prefix}ip address add 2001:db8:1::{host}/64 dev {device} nodad")
        run(f"{prefix}ip link set {device} up")
        run(f"{prefix}ip link set lo up")


def listens(address, port):
    try:
        socket.create_connection((address, port), 1).close()
        return True
    except OSError:
        return False


def no_connections():
    ss = subprocess.run(SERVER + "ss -Htan state connected exclude time-wait".split(), check=True, capture_output=True)
    return not ss.stdout


def record(name, commands, mark_port):
    path = os.path.join(HERE, name + ".pcap")
    dump = subprocess.Popen(SERVER + ["tcpdump", "-q", "-Z", "root", "--immediate-mode", "-U", "-i", "s", "-w", path],
                            stderr=subprocess.PIPE)
    while b"listening on" not in dump.stderr.readline():
        if dump.poll() is not None:
            sys.exit("record-captures: tcpdump does not run")
    for command in commands:
        # Being refused is part of what is recorded.
        subprocess.run(command.split(), check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(no_connections, "connections that do not end")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("10.1.0.1", mark_port))
        s.sendto(MARK, ("10.1.0.2", 9))

        def error_recorded():
            with open(path, "rb") as f:
                return f.read().count(MARK) == 2
        wait_until(error_recorded, "the last frame in the capture")
    dump.send_signal(signal.SIGINT)
    dump.wait()


def serve(folder):
    www = os.path.join(folder, "www")
    os.makedirs(www)
    for name, size in (("index.html", 200), ("large.txt", 6000)):
        path = os.path.join(www, name)
        with open(path, "w", encoding="ascii") as f:
            f.write("over the weir\n" * (size // 14))
        os.utime(path, (1000000000, 1000000000))
    with open(os.path.join(folder, "nginx.conf"), "w", encoding="ascii") as f:
        f.write(NGINX.format(folder))
    yield subprocess.Popen(SERVER + ["nginx", "-e", folder + "/error.log", "-c", folder + "/nginx.conf"])
    yield subprocess.Popen(SERVER + ["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv",
                                     "--no-hosts", "--user=root", "--pid-file", "--local=/example/",
                                     "--host-record=a.example,10.1.0.9,2001:db8:1::9"])


def record_all():
    make_network()
    with tempfile.TemporaryDirectory() as folder:
        servers = list(serve(folder))
        try:
            wait_until(lambda: listens("10.1.0.2", 80) and listens("10.1.0.2", 53), "the servers")
            wait_until(no_connections, "connections that do not end")
            curl = "curl -s -o /dev/null -o /dev/null --local-port"
            record("http", [f"{curl} 40001 http://10.1.0.2/ http://10.1.0.2/large.txt",
                            f"{curl} 40002 http://[2001:db8:1::2]/",
                            f"{curl} 40003 -I http://10.1.0.2/nothing",
                            f"{curl} 40004 http://10.1.0.2:81/"], 40005)
            dig = "dig +tries=1 -b"
            record("dns", [f"{dig} 10.1.0.1#40011 @10.1.0.2 a.example",
                           f"{dig} 2001:db8:1::1#40012 @2001:db8:1::2 a.example AAAA",
                           f"{dig} 10.1.0.1#40013 @10.1.0.2 +tcp a.example",
                           f"{dig} 10.1.0.1#40014 @10.1.0.2 none.example"], 40015)
        finally:
            for server in servers:
                server.terminate()
                server.wait()


if INSIDE not in os.environ:
    os.environ[INSIDE] = "1"
    os.execvp("unshare", ["unshare", "--net", "--mount", "--propagation", "private", sys.executable, __file__])
record_all()
