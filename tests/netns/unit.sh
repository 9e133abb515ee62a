#!/bin/bash
# The unit under a real systemd, which runs in namespaces and on a copy of this
# machine's root: weir-dp outlives each end of the agent, and the sandbox lets
# all be done that `weir demo` does. The agent is a stand-in of a few lines, as
# it is the unit that is tried.
. "$(dirname "$0")/lib.sh"

gone() { # WHY
    skip "the unit under a real systemd" "$1"
    finish
}
[ -x /lib/systemd/systemd ] || gone "no systemd"
groups=$(findmnt -t cgroup2 -no TARGET | head -n 1)
group=$groups/weir-test-$$
[ -n "$groups" ] && mkdir "$group" 2>/dev/null || gone "no cgroup2 that may be written"
root=$TEST_DIR/root
copy=$TEST_DIR/copy
mkdir "$root" "$copy"
end() {
    end_children
    find "$group" -depth -type d -exec rmdir {} + 2>/dev/null
}
trap end EXIT
mount -t tmpfs none "$copy" && mkdir "$copy/upper" "$copy/work" &&
    mount -t overlay none "$root" \
        -o "lowerdir=/,upperdir=$copy/upper,workdir=$copy/work" 2>"$out" ||
    gone "overlay of /: $(cat "$out")"

prefix=$(build_option "$BUILD_RELEASE" prefix)

cat >"$TEST_DIR/weir-agent" <<'P'
#!/usr/bin/python3
import os, signal, socket, subprocess, sys
def alive():
    try:
        os.kill(int(open("/run/weir/pid").read()), 0)
        return True
    except (OSError, ValueError):
        return False
if not alive():
    dp = subprocess.Popen([sys.argv[0][:-5] + "dp", "--listen", "", "--notify", ""])
    with open("/run/weir/pid", "w") as f:
        f.write(str(dp.pid))
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
signal.signal(signal.SIGHUP, lambda *_: open("/run/reloaded", "w").close())
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect(os.environ["NOTIFY_SOCKET"])
s.send(b"READY=1")
signal.signal(signal.SIGUSR1, lambda *_: open("/run/demo", "w").write(str(
    subprocess.run(["weir", "demo"], stdout=open("/run/demo.out", "w"),
                   stderr=subprocess.STDOUT).returncode)))
while True:
    signal.pause()
P

# What is told: a line "ok NAME" or "not ok NAME" each.
cat >"$TEST_DIR/inside" <<'S'
until_true() {
    local end=$((SECONDS + 60))
    until "$@"; do
        [ $SECONDS -lt $end ] || return 1
        read -rt 0.05 <> <(:) || :
    done
}
say() { [ $? = 0 ] && echo "ok $1" || echo "not ok $1"; }
main() { systemctl show -p MainPID --value weir-agent; }
lives() { kill -0 "$dp" && weir dp version >/dev/null; }
new_agent() { [ "$(main)" != 0 ] && [ "$(main)" != "$1" ] && systemctl -q is-active weir-agent; }

systemd-sysusers
systemctl start weir-agent
say "it starts, and says when it is ready"
dp=$(cat /run/weir/pid)
until_true lives
say "weir-dp answers"
ps -o user= -C weir-dp | sort | tr -d '\n' | grep -qx 'root *weir-dp'
say "its worker is the user weir-dp"
[ "$(stat -c %a /var/lib/weir)" = 700 ]
say "what is stored is root's alone"
systemctl reload weir-agent && until_true [ -e /run/reloaded ]
say "a reload is a SIGHUP"
before=$(main)
systemctl restart weir-agent && new_agent "$before" && lives
say "weir-dp outlives a restart"
before=$(main)
kill -KILL "$before"
until_true new_agent "$before" && lives
say "a killed agent comes back, weir-dp lives"
systemctl stop weir-agent && lives && [ -S /run/weir/dp.sock ]
say "and outlives a stop, with its door"
systemctl start weir-agent && lives && [ "$(cat /run/weir/pid)" = "$dp" ]
say "the next agent finds it"
kill -USR1 "$(main)"
until_true [ -s /run/demo ]
[ "$(cat /run/demo)" = 0 ] || { tail -n 20 /run/demo.out; false; }
say "weir demo may do all it does"
kill -KILL "$dp"
until_true eval '! kill -0 "$dp"'
systemctl -q is-active weir-agent
say "a weir-dp that is killed does not take the agent along"
systemctl --force --force poweroff
S

cat >"$TEST_DIR/boot" <<'S'
set -e
root=$1 test=$2 build=$3 prefix=$4
for fs in proc sysfs:sys bpf:sys/fs/bpf cgroup2:sys/fs/cgroup tmpfs:run tmpfs:tmp tmpfs:dev; do
    mount -t "${fs%:*}" none "$root/${fs#*:}"
done
for device in null zero full random urandom tty; do
    touch "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/shm"
mount -t tmpfs none "$root/dev/shm"
meson install -C "$build" --no-rebuild --quiet --destdir "$root"
install -m 755 "$test/weir-agent" "$root$prefix/sbin/"
install -m 755 "$test/inside" "$root/run/"
mkdir "$root/run/test"
mount --bind "$test" "$root/run/test"
rm -rf "$root"/etc/systemd/system/*.wants
cat >"$root/etc/systemd/system/weir-test.target" <<U
[Unit]
Wants=weir-test.service
U
cat >"$root/etc/systemd/system/weir-test.service" <<U
[Unit]
DefaultDependencies=no
[Service]
ExecStart=/bin/bash /run/inside
StandardOutput=file:/run/test/told
StandardError=file:/run/test/told
U
exec env -i container=weir-test PATH="$PATH" chroot "$root" \
    /lib/systemd/systemd --unit=weir-test.target --log-target=null --show-status=no
S

(
    echo $BASHPID >"$group/cgroup.procs"
    exec timeout 200 unshare --pid --fork --kill-child --cgroup --uts --ipc --mount \
        bash "$TEST_DIR/boot" "$root" "$TEST_DIR" "$BUILD_RELEASE" "$prefix"
) >"$out" 2>&1 &
children+=($!)
wait $!
[ -s "$TEST_DIR/told" ] || cp "$out" "$TEST_DIR/told"
while read -r line; do
    case $line in
    "ok "* | "not ok "*)
        [ "${line%%ok *}" = "" ]
        point $? "${line#*ok }" "$TEST_DIR/told" ;;
    esac
done <"$TEST_DIR/told"
[ $points = 11 ]
point $? "systemd came to the end" "$TEST_DIR/told"
finish
