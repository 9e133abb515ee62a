"""HTTP, TLS, HTTP over it, HTTP/2, WebSocket, QUIC."""
import os

from .world import V4, V6, bracketed, write_file


def page(w):
    www = f"{w.folder}/www"
    os.makedirs(www, exist_ok=True)
    write_file(f"{www}/index.html", "over the weir\n" * 14)
    return www


NGINX = """
daemon off; master_process off; pid {0}/pid; user root;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {0}/t; proxy_temp_path {0}/t; fastcgi_temp_path {0}/t;
    uwsgi_temp_path {0}/t; scgi_temp_path {0}/t;
    server {{ {1} root {0}/www; }}
}}
"""


def nginx(w, port, *lines):
    conf = write_file(f"{w.folder}/nginx.conf", NGINX.format(w.folder, " ".join(lines)))
    return w.server(["nginx", "-e", f"{w.folder}/error.log", "-c", conf], port)


def http(w):
    """curl and nginx: several requests of a connection, HEAD, a port where nobody listens."""
    write_file(f"{page(w)}/large.txt", "over the weir\n" * 428)
    with nginx(w, 80, "listen 80; listen [::]:80;"):
        with w.capture("http"):
            curl = ["curl", "-s", "-o", "/dev/null", "-o", "/dev/null"]
            w.say(curl + ["http://10.1.0.2/", "http://10.1.0.2/large.txt"])
            w.say(curl + ["http://[2001:db8:1::2]/"])
            w.say(curl + ["-I", "http://10.1.0.2/nothing"])
            w.say(curl + ["http://10.1.0.2:81/"])


def tls(w):
    """By openssl: both versions, ALPN, a name, a resumed session, a client of no version that the server has."""
    key, crt = w.certificate()
    serve = ["openssl", "s_server", "-accept", "443", "-key", key, "-cert", crt, "-HTTP", "-alpn", "http/1.1", "-quiet"]
    with w.server(serve, 443, cwd=page(w)):
        with w.capture("tls"):
            for to in V4, V6:
                client = ["openssl", "s_client", "-connect", f"{bracketed(to)}:443", "-servername", "www.example", "-alpn", "h2,http/1.1"]
                ask = "GET /index.html HTTP/1.0\r\n\r\n"
                for version in ("-tls1_2", "-tls1_3"):
                    session = f"{w.folder}/session{version}"
                    w.say(client + [version, "-ign_eof", "-quiet", "-sess_out", session], text=ask)
                    w.say(client + [version, "-ign_eof", "-quiet", "-sess_in", session], text=ask)
                w.say(client[:4] + ["-noservername", "-ign_eof", "-quiet"], text=ask)
                w.say(client + ["-tls1_1", "-quiet", "-cipher", "DEFAULT@SECLEVEL=0"], text=ask)
                w.say(["gnutls-cli", "--insecure", "-p", "443", "--sni-hostname=www.example", to], text=ask)


def https(w):
    """curl and nginx: HTTP/1 and 2 over TLS."""
    key, crt = w.certificate()
    page(w)
    with nginx(w, 443, "listen 443 ssl http2; listen [::]:443 ssl http2;", f"ssl_certificate {crt}; ssl_certificate_key {key};"):
        with w.capture("https"):
            for to in V4, V6:
                curl = ["curl", "-s", "--connect-to", f"www.example:443:{bracketed(to)}:443", "https://www.example/", "-o", "/dev/null"]
                w.say(curl + ["-k", "--http1.1"])
                w.say(curl + ["-k", "--http2"])
                w.say(curl + ["-k", "--tls-max", "1.2"])
                w.say(curl)  # it does not trust the certificate


def http2(w):
    """nghttpd in clear: by prior knowledge; what looks like gRPC; upgrades, which it does not understand."""
    with w.server(["nghttpd", "--no-tls", "-d", page(w), "8080"], 8080):
        with w.capture("http2"):
            for to in V4, V6:
                url = f"http://{bracketed(to)}:8080/"
                w.say(["nghttp", "-n", url, url + "none"])
                w.say(["nghttp", "-nu", url])
                w.say(["nghttp", "-n", "-H", "content-type: application/grpc", "-H", ":method: POST", "-H", "te: trailers",
                       "-d", "/dev/null", url + "shop.Cart/Add"])
                w.say(["curl", "-s", "--http2-prior-knowledge", url, "-o", "/dev/null"])
                w.say(["curl", "-s", "--http2", url, "-o", "/dev/null"])


def websocket(w):
    """Python's websockets, of both sides."""
    serve = write_file(f"{w.folder}/serve.py", """
import asyncio, websockets
async def echo(ws):
    async for said in ws:
        await ws.send(said)
async def main():
    async with websockets.serve(echo, ["0.0.0.0", "::"], 8000):
        await asyncio.Future()
asyncio.run(main())
""")
    with w.server(["/usr/bin/python3", serve], 8000):
        with w.capture("websocket"):
            for to in V4, V6:
                w.say(["/usr/bin/python3", "-m", "websockets", f"ws://{bracketed(to)}:8000/chat"], text="hello\nover the weir\n")
                w.say(["curl", "-s", "-o", "/dev/null", f"http://{bracketed(to)}:8000/"])


def quic(w):
    """ngtcp2's client and server; one that validates addresses first, by Retry."""
    key, crt = w.certificate()
    www = page(w)
    serve = ["/usr/sbin/gtlsserver", "-q", "-d", www, "*"]
    with w.server(serve + ["4433", key, crt], 4433, udp=True), \
            w.server(serve[:1] + ["-V"] + serve[1:] + ["4434", key, crt], 4434, udp=True):
        with w.capture("quic"):
            for to in V4, V6:
                client = ["gtlsclient", "-q", "--exit-on-all-streams-close", "--timeout=3s"]
                w.say(client + [to, "4433", "https://www.example/index.html"])
                w.say(client + [to, "4434", "https://www.example/index.html"])
                w.say(client + ["-v", "v2", to, "4433", "https://www.example/index.html"])


CAPTURES = {"http": http, "tls": tls, "https": https, "http2": http2, "websocket": websocket, "quic": quic}
