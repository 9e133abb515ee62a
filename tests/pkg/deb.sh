#!/bin/bash
# The Debian packages: built of this tree, looked at by lintian, and installed, used,
# removed, upgraded and purged in a Debian of their own (tests/pkg/base), where files are
# counted before and after, as piuparts does it. Nothing of it needs systemd to run;
# tests/netns/unit.sh has that. KEEP_DEBS=1 takes the packages of the last time.
#
#  ┌ this test, chroot ────────────────┐   ┌ web ────────┐
#  │ 10.99.0.1 web-host ═══════════════╪═══╪ eth0        │
#  │ weir-agent, weir-dp               │   │ 10.99.0.2   │
#  └───────────────────────────────────┘   └─────────────┘

# What needs the network comes before lib.sh, which leaves it.
debs=$SRC/build-deb
if [ -z "${NETNS_TEST_INSIDE:-}" ]; then
    if [ -n "${KEEP_DEBS:-}" ] || "$SRC/tools/deb" >"$TEST_DIR/built" 2>&1; then
        echo yes >"$TEST_DIR/is_built"
        "$SRC/tests/pkg/base" "$debs"/weir_*.deb "$debs"/weir-web_*.deb >"$TEST_DIR/base" 2>&1 &&
            echo yes >"$TEST_DIR/is_based"
    fi
fi
# shellcheck disable=SC2034 # for lib.sh
own_processes=1
. "$SRC/tests/netns/lib.sh"
root=$TEST_DIR/root
end() {
    end_children
    # its /dev is this machine's
    umount -l -R "$root"/{dev,sys,proc,run} 2>>"$TEST_DIR/log"
    rm -rf --one-file-system "$root"
}
trap end EXIT

# --- what was built ----------------------------------------------------------

[ -e "$TEST_DIR/is_built" ]
point $? "make deb works, and lintian finds neither errors nor warnings" "$TEST_DIR/built"
[ -e "$TEST_DIR/is_built" ] || finish
version=$(dpkg-deb -f "$debs"/weir_*.deb Version)
arch=$(dpkg --print-architecture)
ls "$debs" >"$out"
for name in weir weir-web weir-dbgsym weir-web-dbgsym; do
    grep -qx "${name}_${version}_$arch.deb" "$out" || echo "no $name" >>"$out"
done
! grep -q '^no ' "$out"
point $? "the packages are weir and weir-web, and the debug symbols of both" "$out"

# Files of packages, folders left out.
files_of() { dpkg-deb -c "$1" | awk '$1 !~ /^d/ { print $6 }'; }
files_of "$debs/weir_${version}_$arch.deb" | sort >"$TEST_DIR/weir.files"
files_of "$debs/weir-web_${version}_$arch.deb" | sort >"$TEST_DIR/web.files"
comm -12 "$TEST_DIR/weir.files" "$TEST_DIR/web.files" >"$out"
[ ! -s "$out" ]
point $? "no file is in both" "$out"
grep -i 'web\|weir-api\|openapi\|grafana' "$TEST_DIR/weir.files" >"$out"
[ ! -s "$out" ] && grep -q '/web/index.html$' "$TEST_DIR/web.files" && grep -q '/sbin/weir-api$' "$TEST_DIR/web.files"
point $? "the API and its pages are in weir-web alone" "$out"

if [ ! -e "$TEST_DIR/is_based" ]; then
    skip "they are installed in a Debian of their own" "$(tail -n 1 "$TEST_DIR/base")"
    finish
fi

# --- a Debian of their own ---------------------------------------------------

inside=(chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive)
in_root() { "${inside[@]}" "$@" </dev/null; }
in_root_do() { in_root sh -c "$1" >"$out" 2>&1; }

mkdir "$root"
tar -C "$root" --numeric-owner -xf "$SRC/build/pkg/base.tar"
mkdir "$root/debs"
cp "$debs/weir_${version}_$arch.deb" "$root/debs/weir.deb"
cp "$debs/weir-web_${version}_$arch.deb" "$root/debs/weir-web.deb"
mount --make-shared /run # what ip(8) mounts there is seen in both
mount --bind /run "$root/run"
mount -t proc none "$root/proc"
mount --rbind /dev "$root/dev"
mount --rbind /sys "$root/sys"

# All files but those that dpkg, ld.so and sysusers keep anyway.
listed() { # FILE
    find "$root" \( -path "$root/proc" -o -path "$root/sys" -o -path "$root/dev" -o -path "$root/run" \
        -o -path "$root/debs" \) -prune -o -printf '%y %m %U:%G %P %l\n' |
        grep -vE ' (var/lib/dpkg/|var/log/|var/cache/|etc/ld.so.cache|etc/\.pwd\.lock|etc/g?shadow|etc/(passwd|group|subuid|subgid))' |
        sort >"$1"
}
leaves_nothing() { # after what was done, in words
    listed "$TEST_DIR/after"
    diff "$TEST_DIR/before" "$TEST_DIR/after" >"$out"
    point $? "$1" "$out"
    (cd "$root" && ls run var/log) >"$out"
    ! grep -q weir "$out"
    point $? "nor in /run or /var/log" "$out"
}
listed "$TEST_DIR/before"

# --- installed -----------------------------------------------------------------

in_root_do 'dpkg -i /debs/weir.deb /debs/weir-web.deb'
point $? "they are installed" "$out"
in_root_do 'set -e
    [ "$(weir --version)" = "$(weir-dp --version | sed s/weir-dp/weir/)" ]
    weir-agent --check; weir-api --check; weir-export --check'
point $? "programs run, and take their configuration" "$out"
in_root_do 'set -e
    for name in weir-dp weir-api weir-export; do getent passwd $name | grep ":/usr/sbin/nologin$"; done
    getent group weir | grep weir-api | grep weir-export'
point $? "the accounts are there, and cannot log in" "$out"
in_root_do '[ "$(dpkg-query -W -f "\${Conffiles}\n" weir weir-web | grep -c " /etc/weir/")" = 3 ]'
point $? "what is in /etc/weir is the user's" "$out"
in_root_do 'systemd-analyze --man=no verify /lib/systemd/system/weir-*.service 2>&1 | tee /dev/stderr | grep -c weir- | grep -qx 0'
point $? "systemd understands the units" "$out"
in_root_do 'find /etc/systemd/system -name "weir*"; ls /run' && ! grep -q weir "$out"
point $? "nothing is enabled, nothing runs" "$out"
missing=
while read -r page; do
    grep -qE "/man/man.*/$page\.gz$" "$TEST_DIR/weir.files" "$TEST_DIR/web.files" || missing="$missing $page"
done < <(sed -n "s/^foreach page : \[\(.*\)\]/\1/p" "$SRC/docs/man/meson.build" | tr -d "', " | sed 's/\([0-9]\)\([a-z]\)/\1\n\2/g')
echo "missing:$missing" >"$out"
[ -z "$missing" ]
point $? "each manual is in one of them" "$out"
grep -q /bash-completion/completions/weir "$TEST_DIR/weir.files" && grep -q "/zsh/.*/_weir" "$TEST_DIR/weir.files"
point $? "so are completions"

for unit in weir-agent:57 weir-api:26 weir-export:15; do # of 100, the less the better
    in_root_do "systemd-analyze security --offline=true --threshold=${unit#*:} /lib/systemd/system/${unit%:*}.service"
    safe=$?
    grep 'Overall\|✗' "$out" >"$TEST_DIR/security"
    point $safe "${unit%:*} is exposed as docs/install.md tells, not more" "$TEST_DIR/security"
done

bad=
for program in weir-dp weir-agent weir-api weir-export weir; do
    LC_ALL=C readelf -hlWd "$(ls "$root"/usr/*bin/$program)" >"$out" 2>&1
    grep -q 'Type: *DYN (Position-Independent' "$out" && grep -q GNU_RELRO "$out" && grep -q 'BIND_NOW\|Flags: .*NOW' "$out" &&
        LC_ALL=C readelf -sW --dyn-syms "$(ls "$root"/usr/*bin/$program)" | grep -q ' __stack_chk_fail@' &&
        LC_ALL=C readelf -sW --dyn-syms "$(ls "$root"/usr/*bin/$program)" | grep -q ' __[a-z]*_chk@' || bad="$bad $program"
done
echo "not hardened:$bad" >"$out"
[ -z "$bad" ]
point $? "programs are hardened as in make install" "$out"

# --- used, removed, installed again ----------------------------------------------

ip netns add web
ip link add web-host type veth peer name eth0 netns web
ip addr add 10.99.0.1/24 dev web-host
ip link set web-host up
ip -n web addr add 10.99.0.2/24 dev eth0
ip -n web link set eth0 up
mkdir -m 755 /run/weir
mkdir -m 700 "$root/var/lib/weir" # systemd's StateDirectory=
start_agent() {
    "${inside[@]}" /usr/sbin/weir-agent >>"$TEST_DIR/agent.log" 2>&1 & # itself, not a shell
    agent=$!
    children+=($!)
    wait_until 20 guarded
}
guarded() { in_root_do 'weir ls' && grep -q 'web.*guarded' "$out"; }
reached() { ping -q -n -c 1 -W 1 10.99.0.2 >"$out" 2>&1; }
diverted() { tc filter show dev web-host ingress 2>/dev/null | grep -q .; tc qdisc show dev web-host | grep -q clsact; }
stop_agent() {
    kill "$agent" 2>/dev/null
    wait "$agent" 2>/dev/null
}

no_plane() { ! pgrep -x weir-dp >"$TEST_DIR/pids"; }

start_agent && reached
point $? "the installed agent guards a namespace, which answers" "$TEST_DIR/agent.log"
plane=$(pgrep -x -o weir-dp)
in_root_do 'dpkg -i /debs/weir.deb /debs/weir-web.deb' && kill -0 "$plane" && reached && guarded
point $? "installed again, the data plane goes on" "$out"
in_root_do 'dpkg -r weir-web' && kill -0 "$plane" && guarded
point $? "weir-web goes without weir" "$out"
in_root_do 'dpkg -r weir'
removed=$?
[ $removed = 0 ] && ! diverted && reached
point $? "removed, it diverts nothing" "$out"
stop_agent
wait_until 20 no_plane
point $? "and the data plane ends with its agent"
listed "$TEST_DIR/after"
diff "$TEST_DIR/before" "$TEST_DIR/after" | sed -n 's/^[<>] [a-z] [0-7]* [0-9:]* //p' |
    grep -v '^etc/weir\|^var/lib/weir\|^etc \|^var/lib ' | grep -v '^var/lib/systemd' >"$out"
[ ! -s "$out" ] && [ -s "$root/etc/weir/weir.yaml" ] && [ -s "$root/var/lib/weir/weir.db" ]
point $? "what is left is what was stored, and the configuration" "$out"
in_root_do 'dpkg -i /debs/weir.deb /debs/weir-web.deb' && no_plane() { ! pgrep -x weir-dp >"$TEST_DIR/pids"; }

start_agent && reached
point $? "installed again it goes on with these" "$out"
in_root_do 'weir release --all'
stop_agent
wait_until 20 no_plane
mkdir -p "$root"/var/lib/weir-{api,export} "$root/var/log/weir" # systemd's, too
in_root_do 'dpkg -P weir-web weir'
point $? "they are purged" "$out"
leaves_nothing "nothing is left"

# --- upgraded ----------------------------------------------------------------------

# What there was before weir-web: one package with all of it, and other defaults.
older() {
    local work=$TEST_DIR/older
    dpkg-deb -R "$root/debs/weir.deb" "$work" && dpkg-deb -R "$root/debs/weir-web.deb" "$work.web" || return
    cp -r "$work.web"/{etc,lib,usr} "$work/" || return
    cat "$work.web/DEBIAN/conffiles" >>"$work/DEBIAN/conffiles"
    rm -r "$work/usr/share/doc/weir-web" "$work/DEBIAN/md5sums"
    sed -i 's/^Version: .*/Version: 0.1.0-1/; /^\(Breaks\|Replaces\):/d' "$work/DEBIAN/control"
    echo "# older" >>"$work/etc/weir/weir.yaml"
    dpkg-deb --root-owner-group -b "$work" "$root/debs/older.deb"
}
older >"$out" 2>&1 && in_root_do 'dpkg -i /debs/older.deb'
point $? "an older one, of one package, is installed" "$out"
echo 'log: warn' >"$root/etc/weir/weir.yaml"
in_root_do 'dpkg --force-confold -i /debs/weir.deb /debs/weir-web.deb'
point $? "it is upgraded to two" "$out"
[ "$(cat "$root/etc/weir/weir.yaml")" = 'log: warn' ] && [ -s "$root/etc/weir/weir.yaml.dpkg-dist" ] &&
    ! grep -q older "$root/etc/weir/api.yaml"
point $? "a changed configuration is kept, the new one lies beside it"
in_root_do '[ "$(dpkg-query -S /usr/sbin/weir-api /usr/share/weir/web/index.html /etc/weir/api.yaml | cut -d: -f1 | sort -u)" = weir-web ]'
point $? "and the API is of the other package" "$out"
in_root_do 'dpkg --audit'
[ ! -s "$out" ]
point $? "dpkg finds no fault" "$out"
in_root_do 'dpkg -P weir-web weir'
leaves_nothing "purged, nothing is left"
finish
