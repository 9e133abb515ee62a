# For tests/vm/*.sh: boots Debian's own kernel in qemu, by emulation, with a
# root made of nothing but what the test names. Source it.
#
# The guest runs a shell script of the test. What it prints as "@@ ok NAME" or
# "@@ not ok NAME" becomes a TAP point here, the rest a comment; "@@ end" is
# the last line, and a guest that does not get there failed.
#
# The kernel's package is fetched once and kept in $WEIR_VM_CACHE.

set -u
SRC=${SRC:-$(cd "$(dirname "$0")/../.." && pwd)}
BUILD_RELEASE=${BUILD_RELEASE:-$SRC/build}
cache=${WEIR_VM_CACHE:-$SRC/build/vm}
# Emulated seconds are many; far more than the guest needs.
VM_SECONDS=${VM_SECONDS:-300}
kernel_meta=linux-image-cloud-amd64
work=$(mktemp -d)
qemu=
clean_up() {
    if [ -n "$qemu" ]; then kill -KILL "$qemu" 2>/dev/null; fi
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 1' INT TERM HUP

skip_all() { # WHY
    echo "1..0 # SKIP $1"
    exit 0
}

# Sets kernel (the image) and modules (a tree for modprobe -d).
vm_kernel() {
    local tool package deb
    for tool in qemu-system-x86_64 busybox cpio depmod modprobe dpkg-deb; do
        command -v "$tool" >/dev/null || skip_all "vm: there is no $tool"
    done
    mkdir -p "$cache"
    exec {lock}>"$cache/lock" && flock $lock # another test may be fetching it
    deb=$(ls -t "$cache"/linux-image-*-cloud-amd64_*.deb 2>/dev/null | head -n 1)
    if [ -z "$deb" ]; then
        package=$(apt-cache depends "$kernel_meta" 2>/dev/null |
            awk '/Depends:/ { print $2; exit }')
        [ -n "$package" ] && (cd "$work" && apt-get -qq -o APT::Sandbox::User=root download "$package" >&2) &&
            mv "$work/$package"_*.deb "$cache" ||
            skip_all "vm: $kernel_meta can neither be found nor fetched"
        deb=$(ls "$cache/$package"_*.deb)
    fi
    exec {lock}>&-
    dpkg-deb -x "$deb" "$work/kernel" || skip_all "vm: $deb cannot be unpacked"
    kernel=$(ls "$work"/kernel/boot/vmlinuz-*)
    release=${kernel##*/vmlinuz-}
    modules=$work/kernel
    depmod -b "$modules" "$release"
}

vm_program() { # FILE...: into the guest's /bin, with its libraries
    local file library
    for file; do
        cp "$file" "$root/bin/" || return 1
        ldd "$file" 2>/dev/null | grep -o '/[^ ]*\.so[^ ]*' | while read -r library; do
            mkdir -p "$root$(dirname "$library")"
            cp -Ln "$library" "$root$library"
        done
    done
}

# Modules in the order they need each other, each once.
vm_modules() { # NAME...
    local name
    mkdir -p "$root/modules"
    for name; do
        modprobe -d "$modules" -S "$release" --show-depends "$name" |
            awk '$1 == "insmod" { print $2 }'
    done | awk '!seen[$0]++' | while read -r file; do
        cp "$file" "$root/modules/"
        basename "$file" >>"$root/modules/order"
    done
}

# Starts the guest's root directory; the test's script is on stdin.
vm_root() {
    root=$work/root
    mkdir -p "$root"/{bin,dev,etc,modules,proc,run,sys,tmp,lib64}
    cp "$(command -v busybox)" "$root/bin/busybox"
    echo 'root:x:0:0::/:/bin/sh
nobody:x:65534:65534::/:/bin/false' >"$root/etc/passwd"
    echo 'root:x:0:
nogroup:x:65534:' >"$root/etc/group"
    { # Debian's busybox prefers its own ip and tc to those in PATH.
        echo 'ip() { /bin/ip "$@"; }; tc() { /bin/tc "$@"; }'
        echo 'point() { if [ "$1" = 0 ]; then echo "@@ ok $2"; else echo "@@ not ok $2"; fi; }'
        cat
    } >"$root/test.sh"
    cat >"$root/init" <<'INIT'
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devtmpfs none /dev
mkdir -p /dev/shm
for place in /dev/shm /run /tmp; do mount -t tmpfs none $place; done
while read -r module; do
    insmod "/modules/$module" || echo "insmod $module failed"
done </modules/order
sh /test.sh 2>&1
echo "@@ end"
reboot -f
INIT
    chmod 755 "$root/init"
}

vm_run() { # [OPTION of qemu]...: boots it and turns what it says into TAP
    local line points=0 failures=0 ended=
    (cd "$root" && find . | cpio -o -H newc --quiet) | gzip -1 >"$work/root.gz"
    timeout -k 5 "$VM_SECONDS" qemu-system-x86_64 -M q35 -accel tcg,thread=multi \
        -cpu max -smp 1 -m 384 -nodefaults -no-user-config -display none \
        -serial "file:$work/console" -no-reboot \
        -kernel "$kernel" -initrd "$work/root.gz" \
        -append "console=ttyS0 quiet loglevel=1 panic=-1 reboot=t mitigations=off tsc=unstable no_timer_check random.trust_cpu=on" \
        "$@" </dev/null >"$work/qemu" 2>&1 &
    qemu=$!
    wait "$qemu"
    qemu=
    while IFS= read -r line; do
        case $line in
        "@@ ok "*)
            points=$((points + 1))
            echo "ok $points - ${line#@@ ok }" ;;
        "@@ not ok "*)
            points=$((points + 1))
            failures=$((failures + 1))
            echo "not ok $points - ${line#@@ not ok }" ;;
        "@@ end") ended=1 ;;
        *) echo "# $line" ;;
        esac
    done < <(tr -d '\r' <"$work/console")
    points=$((points + 1))
    if [ -n "$ended" ]; then
        echo "ok $points - the guest came to its end"
    else
        failures=$((failures + 1))
        echo "not ok $points - the guest came to its end"
        sed 's/^/# qemu: /' "$work/qemu"
    fi
    echo "1..$points"
    exit $((failures > 0))
}
