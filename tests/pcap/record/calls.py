"""SIP, STUN and TURN, RADIUS."""
import os
import subprocess

from .world import V4, V6, bracketed, write_file


def sip(w):
    """A call by UDP and by TCP."""
    for transport, udp in (("u1", True), ("t1", False)):
        with w.server(["sipp", "-sn", "uas", "-t", transport, "-p", "5060", "-i", V4, "-nostdin"], 5060, udp=udp), \
                w.server(["sipp", "-sn", "uas", "-t", transport, "-p", "5061", "-i", V6, "-nostdin"], 5061, udp=udp):
            with w.capture("sip-udp" if udp else "sip-tcp"):
                for to, port in (V4, 5060), (V6, 5061):
                    here = w.ports()
                    mine = ["-i", "2001:db8:1::1" if ":" in to else "10.1.0.1", "-p", str(here)]
                    w.say(["sipp", "-sn", "uac", "-t", transport, "-m", "1", "-d", "100", "-timeout", "20s", "-nostdin", *mine,
                           f"{bracketed(to)}:{port}"])


def stun(w):
    """Binding requests; a relay is asked for and used, with a wrong password too."""
    conf = write_file(f"{w.folder}/turn.conf", f"listening-port=3478\nlistening-ip={V4}\nlistening-ip={V6}\nuser=bob:pw\nrealm=example\nlt-cred-mech\n"
                      f"no-cli\nno-tls\nno-dtls\nmin-port=50100\nmax-port=50110\nallow-loopback-peers\npidfile={w.folder}/pid\nlog-file=stdout\n"
                      f"userdb={w.folder}/db\n")
    with w.server(["turnserver", "-c", conf], 3478, udp=True):
        with w.capture("stun"):
            for to in V4, V6:
                client = ["turnutils_uclient", "-n", "1", "-m", "1", "-c", "-y", "-u", "bob"] + (["-x"] if ":" in to else [])
                w.say(["turnutils_stunclient", to], 2)
                w.say(client + ["-w", "pw", to], 4)
                w.say(client + ["-w", "pw", "-t", "-T", to], 4)
                w.say(client + ["-w", "wrong", to], 4)



def radius(w):
    """Accepted, rejected, accounted."""
    conf = f"{w.folder}/raddb"
    subprocess.run(["cp", "-r", "/etc/freeradius/3.0", conf], check=True)
    write_file(f"{conf}/clients.conf", "".join(f"client {name} {{ {kind} = {ends}\\n secret = testing123 }}\n".replace("\\n", "\n")
                                               for name, kind, ends in (("four", "ipv4addr", "10.1.0.0/24"), ("six", "ipv6addr", "2001:db8:1::/64"))))
    write_file(f"{conf}/mods-config/files/authorize", "bob Cleartext-Password := \"pw\"\n")
    write_file(f"{conf}/sites-enabled/default", "server default {\n" + "".join(
        f"listen {{ type = {kind}\n ipv{v}addr = *\n port = {port} }}\n" for kind, port in (("auth", 1812), ("acct", 1813)) for v in (4, 6)) +
        "authorize { files\n pap\n }\nauthenticate { Auth-Type PAP { pap\n } }\naccounting { ok\n }\npreacct { ok\n }\n}\n")
    for extra in ("sites-enabled/inner-tunnel", "mods-enabled/eap"):
        if os.path.lexists(f"{conf}/{extra}"):
            os.unlink(f"{conf}/{extra}")
    subprocess.run(["chmod", "-R", "a+rX", w.folder], check=True)
    with w.server(["freeradius", "-f", "-d", conf, "-l", "stdout", "-X"], 1812, udp=True):
        with w.capture("radius"):
            for to in V4, V6:
                client = ["radclient", "-r", "1", "-t", "3"]
                w.say(client + [bracketed(to) + ":1812", "auth", "testing123"], text="User-Name=bob,User-Password=pw")
                w.say(client + [bracketed(to) + ":1812", "auth", "testing123"], text="User-Name=bob,User-Password=wrong")
                w.say(client + [bracketed(to) + ":1813", "acct", "testing123"],
                      text="User-Name=bob,Acct-Status-Type=Start,Acct-Session-Id=7")


CAPTURES = {"sip-udp": sip, "sip-tcp": sip, "stun": stun, "radius": radius}
