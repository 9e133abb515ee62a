"""SSH, FTP, IMAP, POP3, LDAP."""
import os
import subprocess

from .world import V4, V6, bracketed, write_file


def ssh(w):
    """OpenSSH: a command, copied files, a key that is none; dropbear's client."""
    for name in ("host", "mine", "other"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", f"{w.folder}/{name}"], check=True)
    os.makedirs("/run/sshd", exist_ok=True)
    subprocess.run(["cp", f"{w.folder}/mine.pub", f"{w.folder}/allowed"], check=True)
    conf = write_file(f"{w.folder}/sshd.conf", f"Port 22\nHostKey {w.folder}/host\nAuthorizedKeysFile {w.folder}/allowed\nStrictModes no\n"
                      f"UsePAM no\nPidFile none\nPermitRootLogin yes\nSubsystem sftp internal-sftp\nPrintMotd no\n")
    with w.server(["/usr/sbin/sshd", "-D", "-e", "-f", conf], 22):
        with w.capture("ssh"):
            for to in V4, V6:
                options = ["-F", "none", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes"]
                w.say(["ssh", *options, "-i", f"{w.folder}/mine", f"root@{to}", "echo over the weir"])
                w.say(["ssh", *options, "-i", f"{w.folder}/other", f"root@{to}", "true"])
                w.say(["sftp", "-q", *options, "-i", f"{w.folder}/mine", f"root@{bracketed(to)}:{w.folder}/host.pub", "/dev/null"])
                w.say(["dbclient", "-y", "-y", "-i", f"{w.folder}/none", f"root@{to}", "true"])


def ftp(w):
    """Lists and files, by ports of the server's and of the client's; TLS."""
    key, crt = w.certificate()
    files = f"{w.folder}/ftp"
    os.makedirs(files)
    os.chmod(w.folder, 0o755)
    write_file(f"{files}/a.txt", "over the weir\n" * 20)
    os.makedirs("/run/vsftpd/empty", exist_ok=True)
    conf = write_file(f"{w.folder}/vsftpd.conf", f"listen=NO\nlisten_ipv6=YES\nanonymous_enable=YES\nanon_root={files}\nno_anon_password=YES\n"
                      f"local_enable=NO\nseccomp_sandbox=NO\nrun_as_launching_user=NO\npasv_min_port=50001\npasv_max_port=50099\n"
                      f"ssl_enable=YES\nallow_anon_ssl=YES\nforce_anon_data_ssl=NO\nforce_anon_logins_ssl=NO\nrequire_ssl_reuse=NO\n"
                      f"rsa_cert_file={crt}\nrsa_private_key_file={key}\nsecure_chroot_dir=/run/vsftpd/empty\nftpd_banner=over the weir\n")
    with w.server(["vsftpd", conf], 21):
        with w.capture("ftp"):
            for to in V4, V6:
                url = f"ftp://{bracketed(to)}/"
                w.say(["curl", "-s", url, url + "a.txt"], 3)
                w.say(["curl", "-s", "-P", "-", url + "a.txt"], 2)
                w.say(["curl", "-sk", "--ssl-reqd", url + "a.txt"], 2)
                w.say(["curl", "-s", url + "none.txt"], 2)


def mail_conf(w):
    key, crt = w.certificate()
    users = write_file(f"{w.folder}/users", "bob:{PLAIN}pw\n")
    for at in ("run", "state", "mail/new", "mail/cur", "mail/tmp"):
        os.makedirs(f"{w.folder}/{at}")
    write_file(f"{w.folder}/mail/new/1.1.host", "From: a@host.example\nSubject: hello\n\nover the weir\n")
    subprocess.run(["chown", "-R", "mail:mail", f"{w.folder}/mail"], check=True)
    os.chmod(w.folder, 0o755)
    return write_file(f"{w.folder}/dovecot.conf", f"""
base_dir = {w.folder}/run
state_dir = {w.folder}/state
log_path = /dev/stderr
protocols = imap pop3
ssl = yes
ssl_cert = <{crt}
ssl_key = <{key}
disable_plaintext_auth = no
mail_location = maildir:{w.folder}/mail
first_valid_uid = 1
auth_failure_delay = 0
mail_uid = mail
mail_gid = mail
passdb {{
  driver = passwd-file
  args = {users}
}}
userdb {{
  driver = static
  args = uid=mail gid=mail home={w.folder}/mail
}}
""")


def mailboxes(w):
    """IMAP and POP3: a message is read; STARTTLS; TLS from the beginning; a wrong password."""
    conf = mail_conf(w)
    with w.server(["dovecot", "-F", "-c", conf], 143):
        for name, box in (("imap", "/INBOX;MAILINDEX=1"), ("pop3", "/1")):
            with w.capture(name):
                for to in V4, V6:
                    url = f"{name}://{bracketed(to)}"
                    w.say(["curl", "-s", "-u", "bob:pw", url + box])
                    w.say(["curl", "-sk", "-u", "bob:pw", "--ssl-reqd", url + box])
                    w.say(["curl", "-sk", "-u", "bob:pw", url.replace("://", "s://") + box])
                    w.say(["curl", "-s", "-u", "bob:wrong", url + box])


def ldap(w):
    """A search in what is not there, by a name and without."""
    os.makedirs(f"{w.folder}/db")
    conf = write_file(f"{w.folder}/slapd.conf", f"modulepath /usr/lib/ldap\nmoduleload back_mdb\ninclude /etc/ldap/schema/core.schema\n"
                      f"database mdb\nsuffix dc=example\nrootdn cn=bob,dc=example\nrootpw pw\ndirectory {w.folder}/db\nmaxsize 1048576\n")
    with w.server(["slapd", "-d", "0", "-f", conf, "-h", "ldap://0.0.0.0:389 ldap://[::]:389"], 389):
        with w.capture("ldap"):
            for to in V4, V6:
                url = ["-H", f"ldap://{bracketed(to)}"]
                w.say(["ldapsearch", "-x", *url, "-b", "dc=example"])
                w.say(["ldapsearch", "-x", *url, "-D", "cn=bob,dc=example", "-w", "pw", "-b", "dc=example", "(uid=bob)"])
                w.say(["ldapsearch", "-x", *url, "-D", "cn=bob,dc=example", "-w", "wrong", "-b", "dc=example"])


CAPTURES = {"ssh": ssh, "ftp": ftp, "imap": mailboxes, "pop3": mailboxes, "ldap": ldap}
