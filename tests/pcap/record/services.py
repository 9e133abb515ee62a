"""DNS, DHCP, NTP, SNMP, TFTP, syslog."""
import os

from .world import V4, V6, write_file

RECORDS = ("A", "AAAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT", "CAA", "NAPTR", "ANY", "HTTPS", "DS", "TLSA")


def dnsmasq(w, *more):
    return w.server(["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--user=root", "--pid-file",
                     "--local=/example/", "--local=/1.10.in-addr.arpa/", "--host-record=a.example,10.1.0.9,2001:db8:1::9", *more],
                    53, udp=True)


def dns(w):
    """UDP and TCP, a name that is not."""
    with dnsmasq(w):
        with w.capture("dns"):
            w.say(f"dig +tries=1 @{V4} a.example")
            w.say(f"dig +tries=1 @{V6} a.example AAAA")
            w.say(f"dig +tries=1 @{V4} +tcp a.example")
            w.say(f"dig +tries=1 @{V4} none.example")


def dns_types(w):
    """Every type of record that is asked for, by UDP and TCP; what a resolver does not know."""
    with dnsmasq(w, "--cname=www.example,a.example", "--mx-host=example,a.example,10", "--srv-host=_sip._udp.example,a.example,5060",
                 "--txt-record=example,v=spf1 -all", "--caa-record=example,0,issue,ca.example", "--ptr-record=9.0.1.10.in-addr.arpa,a.example",
                 "--naptr-record=example,10,10,u,E2U+sip,!^.*$!sip:a@example!", "--auth-server=a.example,s", "--auth-zone=zone.example"):
        with w.capture("dns-types"):
            for to in V4, V6:
                for kind in RECORDS:
                    name = {"CNAME": "www.example", "A": "a.example", "AAAA": "a.example", "PTR": "9.0.1.10.in-addr.arpa",
                            "SRV": "_sip._udp.example"}.get(kind, "example")
                    w.say(f"dig +tries=1 +time=3 @{to} {name} {kind}")
                w.say(f"dig +tries=1 +tcp @{to} example TXT")
                w.say(f"dig +tries=1 +noedns @{to} none.example")
                w.say(f"dig +tries=1 +dnssec @{to} -c CH version.bind txt")


def dhcp(w):
    """A lease and its end; there is only one address family in it."""
    with w.server(["dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0", "--user=root", "--pid-file",
                   "--dhcp-range=10.1.0.50,10.1.0.60,1h", "--interface=s", f"--dhcp-leasefile={w.folder}/leases"], 67, udp=True):
        with w.capture("dhcp"):
            w.say(["busybox", "udhcpc", "-f", "-n", "-q", "-R", "-i", "c", "-s", "/bin/true", "-t", "3", "-T", "2"])


def ntp(w):
    """A client that asks once."""
    conf = write_file(f"{w.folder}/chrony.conf", f"local stratum 3\nallow\ncmdport 0\ndriftfile {w.folder}/drift\npidfile {w.folder}/pid\n")
    with w.server(["chronyd", "-d", "-x", "-u", "root", "-f", conf], 123, udp=True):
        with w.capture("ntp"):
            for to in V4, V6:
                w.say(["chronyd", "-Q", "-t", "4", "-u", "root", f"server {to} iburst maxsamples 1", "cmdport 0", f"pidfile {w.folder}/q"], 4)
                w.say(["ntpdate", "-q", "-u", "-p", "1", to], 2)


def snmp(w):
    """Three versions, a walk, a community that is none."""
    conf = write_file(f"{w.folder}/snmpd.conf", "rocommunity public\nrocommunity6 public\nsysdescr a box\nsyscontact nobody\nsyslocation here\n"
                      "createUser bob SHA overtheweir AES overtheweir\nrouser bob\n")
    with w.server(["snmpd", "-f", "-C", "-c", conf, "-Lf", "/dev/null", "-p", f"{w.folder}/pid", "udp:161", "udp6:161"], 161, udp=True,
                  env=dict(os.environ, SNMP_PERSISTENT_DIR=w.folder)):
        with w.capture("snmp"):
            for to in V4, f"udp6:[{V6}]":
                for version in ("1", "2c"):
                    w.say(["snmpget", "-v", version, "-c", "public", "-r0", to, "1.3.6.1.2.1.1.3.0"])
                w.say(["snmpwalk", "-v", "2c", "-c", "public", "-r0", to, "1.3.6.1.2.1.1.9.1.3"])
                w.say(["snmpget", "-v", "2c", "-c", "wrong", "-r0", "-t1", to, "1.3.6.1.2.1.1.3.0"])
                w.say(["snmpget", "-v", "3", "-l", "authPriv", "-u", "bob", "-a", "SHA", "-A", "overtheweir", "-x", "AES", "-X", "overtheweir",
                       "-r0", to, "1.3.6.1.2.1.1.3.0"])


def tftp(w):
    """Reading and writing, a file that is not; the server's answers come from ports of their own."""
    files = f"{w.folder}/tftp"
    os.mkdir(files)
    os.chmod(w.folder, 0o755)
    os.chmod(files, 0o777)
    write_file(f"{files}/large.txt", "over the weir\n" * 150)
    mine = write_file(f"{w.folder}/mine.txt", "over the weir\n")
    with w.server(["in.tftpd", "-L", "-c", "-s", files, "--address", ":69"], 69, udp=True):
        with w.capture("tftp"):
            for to in V4, V6:
                client = ["tftp", "-6" if ":" in to else "-4", "-m", "binary", to, "-c"]
                w.say(client + ["get", "large.txt", "/dev/null"])
                w.say(client + ["get", "none.txt", "/dev/null"])
                w.say(client + ["put", mine, f"mine{len(to)}.txt"])


def syslog(w):
    """logger to rsyslog in the forms it has, by UDP and TCP."""
    conf = write_file(f"{w.folder}/rsyslog.conf", "module(load=\"imudp\")\nmodule(load=\"imtcp\")\ninput(type=\"imudp\" port=\"514\")\n"
                      "input(type=\"imtcp\" port=\"514\")\n*.* /dev/null\n")
    with w.server(["rsyslogd", "-n", "-f", conf, "-i", f"{w.folder}/pid"], 514, udp=True):
        with w.capture("syslog"):
            for to in V4, V6:
                client = ["logger", "-n", to, "-P", "514", "-t", "shop", "-p", "user.info"]
                for form in ("--rfc3164", "--rfc5424"):
                    w.say(client + ["-d", form, "over the weir"])
                    w.say(client + ["-T", form, "over the weir"])
                w.say(client + ["-T", "--octet-count", "over the weir"])


CAPTURES = {"dns": dns, "dns-types": dns_types, "dhcp": dhcp, "ntp": ntp, "snmp": snmp, "tftp": tftp, "syslog": syslog}
