"""MQTT, AMQP, SMTP."""
import os
import subprocess

from .world import V4, V6, bracketed, write_file


def mqtt(w):
    """Publishing and subscribing in three versions, a wrong password, TLS."""
    key, crt = w.certificate()
    os.chmod(w.folder, 0o755)
    pw = write_file(f"{w.folder}/pw", "bob:pw\n")
    subprocess.run(["mosquitto_passwd", "-U", pw], check=True)
    os.chmod(pw, 0o644)
    conf = write_file(f"{w.folder}/m.conf", f"allow_anonymous false\npassword_file {pw}\nlistener 1883\n"
                      f"listener 8883\ncertfile {crt}\nkeyfile {key}\n")
    with w.server(["mosquitto", "-c", conf], 1883):
        with w.capture("mqtt"):
            for to in V4, V6:
                host = ["-h", to, "-u", "bob"]
                for version in ("31", "311", "5"):
                    w.say(["mosquitto_pub", *host, "-V", version, "-P", "pw", "-i", "p", "-t", "a/b", "-m", "hello", "-q", "2", "-r",
                           "--will-topic", "gone", "--will-payload", "x"])
                    w.say(["mosquitto_sub", *host, "-V", version, "-P", "pw", "-i", "s", "-t", "a/#", "-C", "1"])
                w.say(["mosquitto_pub", *host, "-P", "wrong", "-t", "a/b", "-m", "hello"])
                w.say(["mosquitto_pub", *host, "-P", "pw", "-p", "8883", "--cafile", crt, "--insecure", "-t", "a/b", "-m", "hello"])


def amqp(w):
    """A queue, what is put in it and taken from it, a wrong password."""
    home = f"{w.folder}/r"
    os.mkdir(home)
    conf = write_file(f"{home}/r.conf", "listeners.tcp.1 = :::5672\nloopback_users = none\n")
    env = dict(os.environ, HOME=home, RABBITMQ_MNESIA_BASE=home, RABBITMQ_LOG_BASE=home, RABBITMQ_NODENAME="r@localhost",
               RABBITMQ_ENABLED_PLUGINS_FILE=f"{home}/plugins", RABBITMQ_PID_FILE=f"{home}/pid", RABBITMQ_CONFIG_FILE=conf,
               ERL_EPMD_PORT="5002", RABBITMQ_DIST_PORT="5003")
    subprocess.run(["chown", "-R", "rabbitmq", w.folder], check=True)
    command = ["setpriv", "--reuid=rabbitmq", "--regid=rabbitmq", "--clear-groups", "/usr/lib/rabbitmq/bin/rabbitmq-server"]
    with w.server(command, 5672, seconds=180, env=env):
        with w.capture("amqp"):
            for to in V4, V6:
                url = f"amqp://guest:guest@{bracketed(to)}"
                w.say(["amqp-declare-queue", "--url", url, "-q", "jobs"])
                w.say(["amqp-publish", "--url", url, "-r", "jobs", "-b", "hello"])
                w.say(["amqp-get", "--url", url, "-q", "jobs"])
                w.say(["amqp-publish", "--url", url.replace("guest@", "wrong@"), "-r", "jobs", "-b", "hello"])


def smtp(w):
    """A message, one over STARTTLS, a login, a wrong password, an old HELO: to a server in Python."""
    key, crt = w.certificate()
    serve = write_file(f"{w.folder}/serve.py", f"""
import asyncio, ssl
from aiosmtpd.handlers import Sink
from aiosmtpd.smtp import SMTP, AuthResult
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain({crt!r}, {key!r})
def known(server, session, envelope, mechanism, data):
    return AuthResult(success=data.password == b"pw", handled=False)
def one():
    return SMTP(Sink(), hostname="mail.example", tls_context=tls, authenticator=known, auth_require_tls=False)
loop = asyncio.new_event_loop()
loop.run_until_complete(loop.create_server(one, "::", 25, reuse_address=True))
loop.run_until_complete(loop.create_server(one, "0.0.0.0", 25, reuse_address=True))
loop.run_forever()
""")
    with w.server(["/usr/bin/python3", serve], 25):
        with w.capture("smtp"):
            for to in V4, V6:
                mail = ["swaks", "--server", to, "--from", "a@host.example", "--to", "b@mail.example", "--helo", "host.example"]
                w.say(mail + ["--body", "over the weir"])
                w.say(mail + ["--tls", "--body", "over the weir"])
                w.say(mail + ["--auth", "PLAIN", "--auth-user", "bob", "--auth-password", "pw"])
                w.say(mail + ["--auth", "LOGIN", "--auth-user", "bob", "--auth-password", "wrong"])
                w.say(mail[:-2] + ["--helo", "host.example", "--quit-after", "HELO", "--protocol", "SMTP"])
                text = write_file(f"{w.folder}/mail", "Subject: hello\n\nover the weir\n")
                w.say(["curl", "-s", f"smtp://{bracketed(to)}/host.example", "--mail-from", "a@host.example", "--mail-rcpt", "b@mail.example",
                       "-T", text])


def smtp_exim(w):
    """The same to exim, with pipelining, chunks (BDAT), and a command that there is not."""
    key, crt = w.certificate()
    subprocess.run(["chown", "-R", "Debian-exim", w.folder], check=True)
    spool = f"{w.folder}/spool"
    conf = write_file(f"{w.folder}/exim.conf", f"""primary_hostname = mail.example
spool_directory = {spool}
log_file_path = {w.folder}/%slog
tls_certificate = {crt}
tls_privatekey = {key}
tls_advertise_hosts = *
chunking_advertise_hosts = *
host_lookup =
rfc1413_query_timeout = 0s
acl_smtp_rcpt = accept
acl_smtp_data = discard
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_condition = ${{if and{{{{eq{{$auth2}}{{bob}}}}{{eq{{$auth3}}{{pw}}}}}}}}
""")
    with w.server(["exim4", "-C", conf, "-bdf", "-oX", "25"], 25):
        with w.capture("smtp-exim"):
            for to in V4, V6:
                mail = ["swaks", "--server", to, "--from", "a@host.example", "--to", "b@mail.example", "--helo", "host.example"]
                w.say(mail + ["--body", "over the weir"])
                w.say(mail + ["--pipeline", "--tls", "--auth", "PLAIN", "--auth-user", "bob", "--auth-password", "pw"])
                w.say(mail + ["--pipeline", "--auth", "PLAIN", "--auth-user", "bob", "--auth-password", "wrong"])
                w.say(["socat", "-t5", "-", f"TCP:{bracketed(to)}:25"],
                      text="EHLO host.example\r\nMAIL FROM:<a@host.example>\r\nRCPT TO:<b@mail.example>\r\n"
                      "BDAT 18\r\nSubject: hello\r\n\r\nBDAT 15 LAST\r\nover the weir\r\nNOSUCH\r\nQUIT\r\n")


CAPTURES = {"mqtt": mqtt, "amqp": amqp, "smtp": smtp, "smtp-exim": smtp_exim}
