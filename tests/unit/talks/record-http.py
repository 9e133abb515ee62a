#!/usr/bin/python3
"""record-http.py: writes http/*.talk and *.want anew: curl and nginx, and what is to be told of them.

Both run here, on the loopback; a relay writes down who said what, in the form of
tests/fuzz/fuzz_parser.c. What is wanted is worked out by Python's own parsers of
heads, chunks and gzip.
"""
import email.parser
import gzip
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "http")
CONF = """
daemon off; error_log stderr crit; pid {tmp}/pid;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {tmp}/a; proxy_temp_path {tmp}/b; fastcgi_temp_path {tmp}/c;
    uwsgi_temp_path {tmp}/d; scgi_temp_path {tmp}/e;
    types {{ text/html html; text/css css; }}
    server {{
        listen 127.0.0.1:{port}; listen [::1]:{port};
        root {tmp}; gzip on; gzip_min_length 100;
        location /post {{ proxy_pass http://127.0.0.1:{port}/taken; }}
        location /taken {{ return 201 "taken\\n"; }}
        location /moved {{ return 301 /index.html; }}
    }}
}}
"""
CURL = ["curl", "-s", "-A", "curl/7.88.1"]
# Words of each conversation; {u} is the relay's.
TALKS = {
    "keep-alive": ["{u}/index.html", "{u}/a.css?v=1", "{u}/none", "{u}/moved"],
    "head": ["-I", "{u}/index.html", "{u}/a.css"],
    "gzip": ["--compressed", "{u}/index.html", "{u}/a.css"],
    "post": ["-d", "user=a&word=b", "-b", "session=1", "-e", "http://example.org/", "{u}/post"],
    "post-chunked": ["-H", "Transfer-Encoding: chunked", "-H", "Expect:", "-d", "in pieces", "{u}/post"],
    "expect-100": ["-H", "Expect: 100-continue", "-d", "wait for it", "{u}/post"],
    "ipv6": ["-H", "X-Forwarded-For: 2001:db8::7", "{u}/index.html"],
    "path": ["--path-as-is", "{u}/a/../%69ndex.html", "{u}//index.html"],
    "http-10": ["-0", "{u}/index.html"],
}


def wait_for(address):
    for _ in range(10000):
        with socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET) as s:
            if s.connect_ex(address) == 0:
                return
    sys.exit("record-http.py: nobody listens")


def relay(listener, to, said):
    """One connection, handed on; each side's bytes up to the next change are one line."""
    client, _ = listener.accept()
    server = socket.create_connection(to)
    lock = threading.Lock()

    def pump(a, b, who):
        while data := a.recv(65536):
            with lock:
                said.append((who, data))
                b.sendall(data)
        b.shutdown(socket.SHUT_WR)

    threads = [threading.Thread(target=pump, args=x) for x in ((client, server, "C"), (server, client, "S"))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()


def record(words, host, port):
    said = []
    with socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET) as listener:
        at = listener.getsockname()[1]
        url = f"http://[{host}]:{at}" if ":" in host else f"http://{host}:{at}"
        t = threading.Thread(target=relay, args=(listener, (host, port), said))
        t.start()
        subprocess.run(CURL + [w.format(u=url) for w in words], check=True, stdout=subprocess.DEVNULL)
        t.join()
    return said


# ---- what is wanted --------------------------------------------------------

def text(data):
    return "".join(chr(c) if 32 <= c <= 126 and c != 92 else f"\\x{c:02x}" for c in data)


class Side:
    """A side's bytes, read as messages one after the other."""

    def __init__(self):
        self.data, self.heard = b"", []

    def line(self, field, value, letter):
        self.heard.append(f"{letter} {field} {text(value)}")

    def headers(self, letter, names):
        """Those told whole, in the order in which they stand, then all but cookies."""
        end = self.data.index(b"\r\n\r\n") + 4
        first, _, rest = self.data[:end].partition(b"\r\n")
        self.data = self.data[end:]
        self.first = first.decode()
        self.fields = email.parser.BytesParser().parsebytes(rest)
        for name, value in self.fields.items():
            if name.lower() in names:
                told = re.sub(r":\d+$", "", value).lower() if name == "Host" else value
                self.line(names[name.lower()], told.encode(), letter)
                if name.lower() == "server":
                    self.known()
        plain = b"".join(h + b"\r\n" for h in rest.split(b"\r\n") if h and not h.lower().startswith((b"cookie:", b"set-cookie:")))
        self.line("http.header", plain, letter)

    told_nginx = False

    def known(self):
        if not Side.told_nginx:
            self.heard.append("known nginx")
        Side.told_nginx = True

    def body(self, has_body, until_end=False):
        if self.fields.get("Transfer-Encoding") == "chunked" and has_body:
            data = b""
            while True:
                size, _, self.data = self.data.partition(b"\r\n")
                size = int(size, 16)
                data, self.data = data + self.data[:size], self.data[size + 2:]
                if size == 0:
                    return data
        size = int(self.fields.get("Content-Length", len(self.data) if until_end else 0)) if has_body else 0
        data, self.data = self.data[:size], self.data[size:]
        return data


PATHS = {"/a/../%69ndex.html": "/index.html", "//index.html": "/index.html"}
OF_REQUEST = {"host": "http.host", "user-agent": "http.user_agent", "cookie": "http.cookie", "referer": "http.referer",
              "content-type": "http.content_type", "x-forwarded-for": "http.forwarded_for"}
OF_ANSWER = {"server": "http.server", "content-type": "http.content_type", "set-cookie": "http.cookie"}


def request(side, log):
    method, target, version = side.data.split(b"\r\n", 1)[0].decode().split(" ")
    path, _, query = target.partition("?")
    path = PATHS.get(path, path)
    for field, value in (("method", method), ("uri.raw", target), ("uri", path + ("?" + query if query else "")),
                         ("path", path), ("protocol", version)):
        side.line("http." + field, value.encode(), "C")
    side.headers("C", OF_REQUEST)
    side.heard.append("asked")
    return method


def wanted(said):
    """In the order of the recording: who has all that a line of the want needs, says it."""
    Side.told_nginx = False
    sides, heard, methods = {"C": Side(), "S": Side()}, ["app http"], []
    body_left = {"C": False, "S": False}
    for who, data in said:
        side = sides[who]
        side.data += data
        while side.data:
            side.heard = heard
            if not body_left[who]:
                if who == "C":
                    methods.append(request(side, heard))
                    has_body = "Content-Length" in side.fields or "Transfer-Encoding" in side.fields
                else:
                    _, code, message = side.data.split(b"\r\n", 1)[0].split(b" ", 2)
                    side.line("http.stat_code", code, "S")
                    side.line("http.stat_msg", message, "S")
                    if code == b"100":
                        side.data = side.data[side.data.index(b"\r\n\r\n") + 4:]
                        heard.append("S ended")
                        continue
                    side.headers("S", OF_ANSWER)
                    has_body = methods.pop(0) != "HEAD"
                if has_body and not side.data:
                    body_left[who] = True
                    break
            body = side.body(has_body if not body_left[who] else True)
            body_left[who] = False
            if side.fields.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body) if body else body
            if body:
                side.line("http.request_body" if who == "C" else "http.response_body", body, who)
            heard.append(who + " ended")
    return "\n".join(heard) + "\n"


def joined(said):
    """Bytes of a side in a row as one line: how they were cut is not kept."""
    out = []
    for who, data in said:
        if out and out[-1][0] == who:
            out[-1] = (who, out[-1][1] + data)
        else:
            out.append((who, data))
    return out


def main():
    os.makedirs(HERE, exist_ok=True)
    with tempfile.TemporaryDirectory() as tmp, socket.create_server(("127.0.0.1", 0)) as free:
        os.chmod(tmp, 0o755)
        port = free.getsockname()[1]
        free.close()
        with open(tmp + "/index.html", "w") as f:
            f.write("<html>" + "<p>line of text</p>\n" * 20 + "</html>\n")
        with open(tmp + "/a.css", "w") as f:
            f.write("p { color: red }\n")
        with open(tmp + "/conf", "w") as f:
            f.write(CONF.format(tmp=tmp, port=port))
        nginx = subprocess.Popen(["/usr/sbin/nginx", "-c", tmp + "/conf", "-p", tmp])
        try:
            wait_for(("127.0.0.1", port))
            for name, words in TALKS.items():
                said = joined(record(words, "::1" if name == "ipv6" else "127.0.0.1", port))
                with open(os.path.join(HERE, name + ".talk"), "wb") as f:
                    for who, data in said:
                        f.write(bytes((who == "S",)) + len(data).to_bytes(2, "big") + data)
                with open(os.path.join(HERE, name + ".want"), "w") as f:
                    f.write(wanted(said))
        finally:
            nginx.terminate()
            nginx.wait()


main()
