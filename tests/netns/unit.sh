#!/bin/bash
# The units under a real systemd, which runs in namespaces and on a copy of this
# machine's root: weir-dp outlives each end of the agent, no frame is lost by it,
# and the sandboxes let all be done that is to be done. So does a package's end.
#
#  ┌ systemd's namespace ──────────────┐   ┌ web ────────┐
#  │ 10.99.0.1 web-host ═══════════════╪═══╪ eth0        │
#  │ weir-agent, weir-dp               │   │ 10.99.0.2   │
#  └───────────────────────────────────┘   └─────────────┘
. "$(dirname "$0")/lib.sh"

gone() { # WHY
    skip "the units under a real systemd" "$1"
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
has_event() { weir events --kind state -o json | grep -q "$1"; }
is_guarded() { weir ls | grep -q 'web.*guarded'; }

systemd-sysusers
ip netns add web
ip link add web-host type veth peer name eth0 netns web
ip addr add 10.99.0.1/24 dev web-host
ip link set web-host up
ip -n web addr add 10.99.0.2/24 dev eth0
ip -n web link set eth0 up

systemctl start weir-agent && weir status >/dev/null
say "it starts, is ready when it says so, and answers"
until_true weir dp version >/dev/null
say "weir-dp answers"
dp=$(pgrep -o -x weir-dp)
ps -o user= -C weir-dp | sort | tr -d '\n' | grep -qx 'root *weir-dp'
say "its worker is the user weir-dp"
[ "$(stat -c %a /var/lib/weir)" = 700 ] && [ -s /var/lib/weir/weir.db ]
say "what is stored is root's alone"
until_true is_guarded && ping -q -c 3 -i 0.1 10.99.0.2 >/dev/null
say "a namespace is guarded, and answers"
looks_for_some() { weir status | grep '^detection  *[1-9][0-9]* signatures'; }
until_true looks_for_some || { weir status; false; }
say "the signatures that come with it are in force"

echo 'nonsense: 1' >>/etc/weir/weir.yaml
systemctl reload weir-agent && until_true has_event nonsense && lives
say "a reload of what is wrong changes nothing, and is told"
sed -i '$d' /etc/weir/weir.yaml

systemctl start weir-api && until_true curl -sf -o /run/page http://127.0.0.1:8787/ && [ -s /run/page ] &&
    curl -sf http://127.0.0.1:8787/api/v1/openapi.yaml | grep -q '^openapi:'
say "weir-api starts, and has its page"
ps -o user= -C weir-api | sort -u | grep -qx 'weir-api'
say "as the user weir-api"
systemctl reload weir-api && systemctl -q is-active weir-api
say "it takes a reload"
systemctl start weir-export && until_true test -s /run/weir-export/status.json && systemctl -q is-active weir-export
say "weir-export starts"
systemctl reload weir-export && systemctl -q is-active weir-export
say "it takes a reload"
systemctl stop weir-api weir-export

ping -q -i 0.05 10.99.0.2 >/run/pings &
ping=$!
before=$(main)
systemctl restart weir-agent && new_agent "$before" && lives
say "weir-dp outlives a restart"
before=$(main)
sh -e /run/test/weir.prerm upgrade 9 && sh -e /run/test/weir.postinst configure 0.1.0-1 && new_agent "$before" && lives
say "and an upgrade of the package, which starts the agent anew"
before=$(main)
kill -KILL "$before"
until_true new_agent "$before" && lives
say "a killed agent comes back, weir-dp lives"
systemctl stop weir-agent && lives && [ -S /run/weir/dp.sock ]
say "and outlives a stop, with its door"
systemctl start weir-agent && until_true is_guarded && [ "$(pgrep -o -x weir-dp)" = "$dp" ]
say "the next agent adopts it"
kill -INT $ping
wait $ping
grep -q ' 0% packet loss' /run/pings || { cat /run/pings; false; }
say "and no frame was lost meanwhile"

kill -KILL "$dp"
until_true eval '! kill -0 "$dp"'
until_true weir dp version >/dev/null && systemctl -q is-active weir-agent
say "a weir-dp that is killed does not take the agent along"
weir release --all && systemctl stop weir-agent && ping -q -c 3 -i 0.1 10.99.0.2 >/dev/null
say "all is released and ended"

systemctl start weir-agent && until_true is_guarded && systemctl stop weir-agent && dp=$(pgrep -o -x weir-dp)
say "an agent ends, and leaves its weir-dp"
sh -e /run/test/weir.prerm remove && until_true eval '! kill -0 "$dp"' && ! systemctl -q is-active weir-agent &&
    ping -q -c 3 -i 0.1 10.99.0.2 >/dev/null && ! tc qdisc show dev web-host | grep -q clsact
say "the package's end ends that, too"
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
mkdir "$root"/dev/{shm,pts}
mount -t tmpfs none "$root/dev/shm"
# PrivateDevices= makes another one of it
mount -t devpts -o newinstance,ptmxmode=666 none "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
meson install -C "$build" --no-rebuild --quiet --destdir "$root"
install -m 755 "$test/inside" "$root/run/"
mkdir "$root/run/test"
mount --bind "$test" "$root/run/test"
rm -rf "$root"/etc/systemd/system/*.wants "$root/usr/sbin/policy-rc.d"
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
# not chroot(8): under that no unit gets a mount namespace
mkdir "$root/run/old"
cd "$root"
pivot_root . run/old
umount -l run/old
exec env -i container=weir-test PATH="$PATH" chroot . \
    /lib/systemd/systemd --unit=weir-test.target --log-target=null --show-status=no
S

cp "$SRC"/packaging/debian/weir.{prerm,postinst} "$TEST_DIR/"
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
[ $points = 22 ]
point $? "systemd came to the end" "$TEST_DIR/told"
finish
