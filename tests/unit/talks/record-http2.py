#!/usr/bin/python3
"""record-http2.py: writes http2/*.talk and *.want anew: real clients and servers, and what is to be told of them.

curl, nghttp and h2load speak with nginx, nghttpd and (for "Upgrade: h2c") a server of python3-h2;
gRPC is python3-grpcio's. All run here, on the loopback; a relay writes down who said
what, in the form of tests/fuzz/fuzz_parser.c. What is wanted is worked out with
python3-hpack, whose decoder is none of libnghttp2's.

Needs, beside what the tests need: nghttp2-server nghttp2-client python3-h2 python3-grpcio.
"""
import concurrent.futures
import gzip
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading

import grpc
import h2.config
import h2.connection
import h2.events
import hpack

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "http2")
NGINX = """
daemon off; error_log stderr crit; pid {tmp}/pid;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {tmp}/a; proxy_temp_path {tmp}/b; fastcgi_temp_path {tmp}/c;
    uwsgi_temp_path {tmp}/d; scgi_temp_path {tmp}/e;
    types {{ text/html html; text/css css; }}
    server {{
        listen 127.0.0.1:{port} http2;
        root {tmp}; gzip on; gzip_min_length 100;
        location /post {{ return 201 "taken\\n"; }}
        location /moved {{ return 301 /index.html; }}
    }}
}}
"""
CURL = ["curl", "-s", "-A", "curl/7.88.1", "--http2-prior-knowledge"]
NGHTTP = ["nghttp", "-n"]
# Server, and words of its client; {u} is the relay's.
TALKS = {
    "curl": ("nginx", CURL + ["{u}/index.html?v=1"]),
    "keep-alive": ("nginx", ["h2load", "-n", "4", "-c", "1", "-m", "1", "-H", "user-agent: h2load",
                             "{u}/index.html", "{u}/a.css?v=1", "{u}/none", "{u}/moved"]),
    "head": ("nginx", CURL + ["-I", "{u}/index.html"]),
    "gzip": ("nginx", CURL + ["--compressed", "{u}/index.html"]),
    "post": ("nginx", CURL + ["-d", "user=a&word=b", "-b", "session=1; a=b", "-e", "http://example.org/",
                              "-H", "X-Forwarded-For: 192.0.2.7", "{u}/post"]),
    "path": ("nginx", CURL + ["--path-as-is", "{u}/a/../%69ndex.html"]),
    "together": ("nghttpd", NGHTTP + ["{u}/index.html", "{u}/a.css", "{u}/none"]),
    "continued": ("nghttpd", NGHTTP + ["--continuation", "-b", "16", "{u}/index.html"]),
    "uploads": ("nghttpd", NGHTTP + ["-d", "{tmp}/large", "{u}/index.html", "{u}/a.css"]),
    "upgrade": ("h2", NGHTTP + ["-u", "{u}/one", "{u}/two"]),
}


def wait_for(port):
    for _ in range(10000):
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
    sys.exit("record-http2.py: nobody listens")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


def relay(listener, port, said):
    """One connection, handed on; each side's bytes up to the next change are one line."""
    client, _ = listener.accept()
    server = socket.create_connection(("127.0.0.1", port))
    lock = threading.Lock()

    def pump(a, b, who):
        while data := a.recv(65536):
            with lock:
                said.append((who, data))
                b.sendall(data)
        try:
            b.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    threads = [threading.Thread(target=pump, args=x) for x in ((client, server, "C"), (server, client, "S"))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()


def record(port, client):
    """client(at): speaks with 127.0.0.1:at, and ends."""
    said = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        t = threading.Thread(target=relay, args=(listener, port, said))
        t.start()
        client(listener.getsockname()[1])
        t.join()
    return said


def serve_upgrade(listener):
    """One connection of HTTP/1.1 that becomes HTTP/2."""
    s, _ = listener.accept()
    data = b""
    while b"\r\n\r\n" not in data:
        data += s.recv(65536)
    settings = re.search(rb"HTTP2-Settings: *(\S+)", data, re.I)[1]
    s.sendall(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
    c = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
    c.initiate_upgrade_connection(settings)
    waiting = [1]
    with s:
        while True:
            for stream in waiting:
                c.send_headers(stream, [(":status", "200"), ("server", "h2"), ("content-length", "3")])
                c.send_data(stream, b"ok\n", end_stream=True)
            s.sendall(c.data_to_send())
            if not (data := s.recv(65536)):
                return
            waiting = [e.stream_id for e in c.receive_data(data) if isinstance(e, h2.events.StreamEnded)]


class Echo(grpc.GenericRpcHandler):
    def service(self, details):
        if details.method == "/shop.Cart/Get":
            return grpc.unary_unary_rpc_method_handler(lambda request, context: b"cart of " + request)
        return grpc.stream_stream_rpc_method_handler(lambda requests, context: (b"seen " + r for r in requests))


def speak_grpc(at):
    options = [("grpc.default_compression_algorithm", grpc.Compression.Gzip)]
    with grpc.insecure_channel(f"127.0.0.1:{at}", options=options) as channel:
        get = channel.unary_unary("/shop.Cart/Get")
        watch = channel.stream_stream("/shop.Cart/Watch")
        get(b"a user, " * 20, timeout=20)
        list(watch(iter([b"one", b"two"]), timeout=20))
        try:
            channel.unary_unary("/shop.Cart/Get2")(b"x", timeout=20)
        except grpc.RpcError:
            pass


# ---- what is wanted --------------------------------------------------------

def text(data):
    return "".join(chr(c) if 32 <= c <= 126 and c != 92 else f"\\x{c:02x}" for c in data)


PATHS = {"/a/../%69ndex.html": "/index.html"}
OF_REQUEST = {"user-agent": "http.user_agent", "referer": "http.referer", "content-type": "http.content_type",
              "x-forwarded-for": "http.forwarded_for"}
OF_ANSWER = {"server": "http.server", "content-type": "http.content_type", "set-cookie": "http.cookie"}


class Talk:
    def __init__(self):
        self.heard, self.sides, self.grpc, self.software = [], {}, False, set()

    def line(self, *words):
        self.heard.append(" ".join(words))


class Side:
    def __init__(self, talk, who):
        self.talk, self.who, self.data, self.decoder = talk, who, b"", hpack.Decoder()
        self.telling, self.open, self.bodies, self.last, self.block = 0, None, {}, 0, None
        self.decoder.max_allowed_table_size = 16384

    def tell(self, field, value):
        self.talk.line(self.who, field, text(value))

    def close(self):
        """The open field in pieces is over, if it has begun."""
        if self.open:
            self.tell(*self.open)
        self.open = None

    def told(self):
        if self.telling:
            self.close()
            self.talk.line(self.who, "ended")
        self.telling = 0

    def turn_to(self, stream, anew=False):
        if self.telling != stream or anew:
            self.told()
            self.telling = stream

    def known(self, app):
        if app not in self.talk.software:
            self.talk.line("known", app)
        self.talk.software.add(app)

    def lines(self, fields):
        self.close()
        pseudo = dict(f for f in fields if f[0].startswith(":"))
        out = b""
        if ":authority" in pseudo and "host" not in dict(fields):
            out = b"host: " + pseudo[":authority"].encode() + b"\r\n"
        for name, value in fields:
            if not name.startswith(":") and name not in ("cookie", "set-cookie"):
                out += f"{name}: {value}\r\n".encode("latin-1")
        if out:
            self.tell("http.header", out)

    def fields(self, fields, names):
        for name, value in fields:
            if name in names:
                self.tell(names[name], value.encode())
            if name == "server" and self.who == "S" and value.startswith("nginx"):
                self.known("nginx")
        cookies = [value for name, value in fields if name == "cookie"]
        if cookies:
            self.tell("http.cookie", "; ".join(cookies).encode())
        self.lines(fields)

    def request(self, stream, fields):
        head = dict(fields)
        raw = head[":path"]
        path, _, query = raw.partition("?")
        path = PATHS.get(path, path)
        self.tell("http.method", head[":method"].encode())
        self.tell("http.uri.raw", raw.encode())
        self.tell("http.uri", (path + ("?" + query if query else "")).encode())
        self.tell("http.path", path.encode())
        self.tell("http.protocol", b"HTTP/2")
        self.tell("http.host", re.sub(r":\d+$", "", head[":authority"]).lower().encode())
        self.fields(fields, OF_REQUEST)
        is_grpc = head.get("content-type", "").startswith("application/grpc")
        if is_grpc:
            service, _, method = raw[1:].rpartition("/")
            self.tell("grpc.service", service.encode())
            self.tell("grpc.method", method.encode())
        if is_grpc != self.talk.grpc:
            self.talk.line("known", "grpc" if is_grpc else "http2")
        self.talk.grpc = is_grpc
        self.talk.line("asked")

    def head(self, stream, fields, over):
        head = dict(fields)
        if ":status" in head:
            self.turn_to(stream, True)
            self.tell("http.stat_code", head[":status"].encode())
            self.fields(fields, OF_ANSWER)
        elif ":method" in head:
            self.turn_to(stream, True)
            self.request(stream, fields)
        else:
            self.turn_to(stream)
            self.lines(fields)
        if not over:
            self.bodies[stream] = head, fields, bytearray()

    def end(self, stream):
        self.bodies.pop(stream, None)
        if self.telling == stream:
            self.told()

    def body(self, stream, data):
        head, fields, packed = self.bodies[stream]
        if data and self.telling != stream:
            self.turn_to(stream)
            if self.who == "C":
                self.request(stream, fields)
        if head.get("content-type", "").startswith("application/grpc"):
            packed += data
            while len(packed) >= 5 and len(packed) >= 5 + int.from_bytes(packed[1:5], "big"):
                n = int.from_bytes(packed[1:5], "big")
                message = bytes(packed[5:5 + n])
                if n:
                    self.tell("grpc.message", gzip.decompress(message) if packed[0] else message)
                del packed[:5 + n]
        elif data:
            field = "http.request_body" if self.who == "C" else "http.response_body"
            if head.get("content-encoding") == "gzip":
                packed += data
                self.open = field, gzip.decompress(packed)
            else:
                self.open = field, (self.open[1] if self.open else b"") + data

    def frame(self, kind, flags, stream, payload):
        if kind in (0, 1) and flags & 8:
            payload = payload[1:len(payload) - payload[0]]
        if kind == 1 and flags & 0x20:
            payload = payload[5:]
        if kind == 0:
            self.body(stream, payload)
        elif kind == 1:
            self.block = flags, payload
        elif kind == 9:
            self.block = self.block[0] | flags, self.block[1] + payload
        if kind in (1, 9) and self.block[0] & 4:
            fields = [(n if isinstance(n, str) else n.decode("latin-1"), v if isinstance(v, str) else v.decode("latin-1"))
                      for n, v in self.decoder.decode(self.block[1], raw=True)]
            self.head(stream, fields, self.block[0] & 1)
            if self.block[0] & 1:
                self.end(stream)
        if kind == 0 and flags & 1:
            self.end(stream)
        if kind == 3:
            for side in self.talk.sides.values():
                side.end(stream)

    def feed(self, data):
        self.data += data
        while len(self.data) >= 9:
            n = int.from_bytes(self.data[:3], "big")
            if len(self.data) < 9 + n:
                break
            frame, self.data = self.data[:9 + n], self.data[9 + n:]
            self.frame(frame[3], frame[4], int.from_bytes(frame[5:9], "big") & 0x7fffffff, frame[9:])


UPGRADED = """app http
C http.method GET
C http.uri.raw /one
C http.uri /one
C http.path /one
C http.protocol HTTP/1.1
C http.host 127.0.0.1
C http.user_agent nghttp2/1.52.0
C http.header {}
asked
C ended
S http.stat_code 101
S http.stat_msg Switching Protocols
S http.header Connection: Upgrade\\x0d\\x0aUpgrade: h2c\\x0d\\x0a
S ended
known http2
"""


def wanted(said):
    talk = Talk()
    talk.sides = {who: Side(talk, who) for who in "CS"}
    first = "app http2\n"
    if said[0][1].startswith(b"GET "):
        first = UPGRADED.format(text(said[0][1].partition(b"\r\n")[2][:-2]))
        said = [(who, data.partition(b"\r\n\r\n")[2] if b"HTTP/1.1" in data else data) for who, data in said]
    for who, data in said:
        talk.sides[who].feed(data.removeprefix(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"))
    return first + "".join(line + "\n" for line in talk.heard)


def joined(said):
    """Bytes of a side in a row as one line: how they were cut is not kept."""
    out = []
    for who, data in said:
        if out and out[-1][0] == who and len(out[-1][1]) + len(data) < 65536:
            out[-1] = (who, out[-1][1] + data)
        else:
            out.append((who, data))
    return out


def write(name, said):
    said = joined(said)
    name = "h2-" + name  # those of http/ are in the same corpus
    with open(os.path.join(HERE, name + ".talk"), "wb") as f:
        for who, data in said:
            f.write(bytes((who == "S",)) + len(data).to_bytes(2, "big") + data)
    with open(os.path.join(HERE, name + ".want"), "w") as f:
        f.write(wanted(said))


def main():
    os.makedirs(HERE, exist_ok=True)
    with tempfile.TemporaryDirectory() as tmp:
        os.chmod(tmp, 0o755)
        ports = {"nginx": free_port(), "nghttpd": free_port()}
        for name, data in (("index.html", "<html>" + "<p>line of text</p>\n" * 20 + "</html>\n"),
                           ("a.css", "p { color: red }\n"), ("large", "user=a&word=" + "b" * 20000),
                           ("conf", NGINX.format(tmp=tmp, port=ports["nginx"]))):
            with open(os.path.join(tmp, name), "w") as f:
                f.write(data)
        servers = [subprocess.Popen(["/usr/sbin/nginx", "-c", tmp + "/conf", "-p", tmp]),
                   subprocess.Popen(["nghttpd", "--no-tls", "-d", tmp, str(ports["nghttpd"])])]
        rpc = grpc.server(concurrent.futures.ThreadPoolExecutor(2), handlers=[Echo()])
        ports["grpc"] = rpc.add_insecure_port("127.0.0.1:0")
        rpc.start()
        try:
            wait_for(ports["nginx"])
            wait_for(ports["nghttpd"])
            for name, (server, words) in TALKS.items():
                with socket.create_server(("127.0.0.1", 0)) as listener:
                    threading.Thread(target=serve_upgrade, args=(listener,), daemon=True).start()
                    port = ports.get(server, listener.getsockname()[1])
                    write(name, record(port, lambda at: subprocess.run(
                        [w.format(u=f"http://127.0.0.1:{at}", tmp=tmp) for w in words],
                        check=True, stdout=subprocess.DEVNULL)))
            write("grpc", record(ports["grpc"], speak_grpc))
        finally:
            rpc.stop(None)
            for s in servers:
                s.terminate()
                s.wait()


main()
