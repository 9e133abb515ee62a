#!/usr/bin/python3
"""record-captures.py [-l | NAME...]: records what Debian's programs really say to each other.

Into tests/pcap/captures/; without a NAME all of record/'s captures, which -l lists. What
make-captures.py writes is not recorded. Run as root, and only to record again: client's
ports, addresses and names are fixed, so that expected/ stays true but for the ports that
servers choose; bytes and times differ each time. What is recorded is in the repository, so
no test needs these packages:

    apt-get install --no-install-recommends amqp-tools bind9-dnsutils bsdutils busybox-static chrony
        coturn curl dnsmasq-base dovecot-imapd dovecot-pop3d dropbear-bin ethtool exim4-daemon-light
        freeradius freeradius-utils freetds-bin gnutls-bin kcat ldap-utils libio-socket-inet6-perl
        libmemcached-tools mariadb-client mariadb-server memcached mosquitto mosquitto-clients
        nghttp2-client nghttp2-server nginx-light ngtcp2-client ngtcp2-server ntpsec-ntpdate
        openssh-client openssh-server postgresql python3-aiosmtpd python3-cassandra python3-kafka
        python3-oracledb python3-pymongo python3-pymssql python3-websockets rabbitmq-server
        redis-server rsyslog sip-tester slapd snmp snmpd socat swaks tcpdump tftp-hpa tftpd-hpa
        vsftpd zookeeper

Debian has no server of MongoDB, Kafka, Cassandra, TDS and TNS: its clients speak to what
record/servers/ answers. Of Couchbase it has neither.
"""
import os
import sys
import tempfile

from record import calls, databases, messages, remote, served, services, web
from record.world import World, make_network

INSIDE = "RECORD_CAPTURES_INSIDE"
RECORDERS = {name: recorder for part in (web, databases, messages, services, calls, remote, served)
             for name, recorder in part.CAPTURES.items()}


def record(names):
    make_network()
    for recorder in dict.fromkeys(RECORDERS[name] for name in names):  # some make two
        print(f"{recorder.__name__}:", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            recorder(World(folder))


def main():
    if sys.argv[1:] == ["-l"]:
        print("\n".join(RECORDERS))
        return
    names = sys.argv[1:] or list(RECORDERS)
    if wrong := set(names) - set(RECORDERS):
        sys.exit(f"record-captures: no such capture: {' '.join(wrong)} (one of {' '.join(RECORDERS)})")
    if INSIDE not in os.environ:
        os.environ[INSIDE] = "1"
        os.execvp("unshare", ["unshare", "--net", "--mount", "--uts", "--propagation", "private", sys.executable, "-B", __file__, *names])
    record(names)


main()
