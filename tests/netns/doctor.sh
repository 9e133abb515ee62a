#!/bin/bash
# weir doctor beside reality: what it says is good works here, what is taken away
# is told, nothing of the host is changed by looking, and nobody keeps it waiting.
. "$(dirname "$0")/common_agent.sh"

doctor() { # ARGUMENT...: in $out, its exit status in $status
    "${as[@]}" "$weir" doctor --config "$config" --control "$door" -o json "$@" \
        >"$out" 2>"$TEST_DIR/err"
    status=$?
}
as=()

# Is there such a check with that result, and these words in what was found?
has() { # NAME RESULT [WORDS]
    python3 - "$out" "$@" <<'P'
import json, sys
d = json.load(open(sys.argv[1]))
name, result, words = (sys.argv[2:] + [""])[:3]
checks = [c for c in d["checks"] if c["name"] == name]
sys.exit(0 if any(c["result"] == result and words in c["found"] for c in checks) else 1)
P
}

# What is not good says what it means or what to do.
explains() {
    json 'all("means" in c or "do" in c or c["result"] in ("good", "not looked at")
              for c in d["checks"])'
}

state_of_host() { # what a look must not change
    # whether a carrier was noticed yet is the kernel's affair
    ip -o link | sed 's/ state [A-Z]*//; s/NO-CARRIER,//; s/,LOWER_UP//'
    ip netns
    find /sys/fs/bpf /run
    cut -d' ' -f 3- /proc/self/mountinfo
    tc qdisc
}

without() { # CAPABILITY...: $as, which has all others
    local c list=
    for c; do list=$list,-$c; done
    as=(setpriv --bounding-set "${list#,}" --inh-caps "${list#,}")
}

write_config "$netns_only"
bridge
workload web 2

# --- as it is ---

state_of_host >"$TEST_DIR/before"
doctor
point $((status)) "nothing is missing where the tests run" "$out"
json 'd["ok"] and d["counts"]["missing"] == 0 and sum(d["counts"].values()) == len(d["checks"])'
point $? "and it counts what it says" "$out"
state_of_host >"$TEST_DIR/after"
cmp "$TEST_DIR/before" "$TEST_DIR/after"
point $? "nothing of the host was changed" "$TEST_DIR/after"
explains
point $? "what is not good is explained" "$out"
has "divert a port in place" good && has "packet socket" good && has veth good
point $? "a port can be diverted" "$out"
has devices good "1 veths"
point $? "the workload's veth is seen" "$out"
has weir-agent limited && has weir-dp limited
point $? "no agent runs, which is no more than limited" "$out"
"$weir" doctor --config "$config" --control "$door" >"$out" 2>&1
grep -q '^  good .*divert a port in place' "$out" && grep -q ' 0 missing' "$out"
point $? "as text" "$out"
"$weir" doctor --nothing >"$out" 2>&1
[ $? = 2 ]
point $? "an option that is none" "$out"

# --- taken away ---

umount /sys/fs/bpf
doctor
has /sys/fs/bpf limited "not mounted" && has "divert a port in place" good && [ $status = 0 ]
point $? "bpffs is not mounted: told, and a port can be diverted all the same" "$out"
mount -t bpf none /sys/fs/bpf

if [ -d /sys/kernel/btf ]; then
    mount -t tmpfs none /sys/kernel/btf
    doctor
    has BTF good "is not there" && has "divert a port in place" good
    point $? "BTF is hidden: Weir does without" "$out"
    umount /sys/kernel/btf
else
    skip "BTF is hidden" "this kernel has none"
fi

without bpf perfmon
doctor
has capabilities limited || has capabilities good
point $? "CAP_BPF alone is not missed: CAP_SYS_ADMIN has it" "$out"
has "divert a port in place" good
point $? "and a port can be diverted" "$out"

without bpf sys_admin
doctor
has capabilities missing CAP_SYS_ADMIN && has capabilities missing CAP_BPF && [ $status = 1 ]
point $? "without CAP_BPF and CAP_SYS_ADMIN: named, and the exit status says so" "$out"
has "divert a port in place" missing && has "network namespaces" missing
point $? "and nothing can be diverted" "$out"
! "${as[@]}" "$weir" divert --dev hweb --mode pass >"$out" 2>&1
point $? "which is so" "$out"

without net_raw
doctor
has capabilities missing CAP_NET_RAW && has "packet socket" missing
point $? "without CAP_NET_RAW: no packet socket" "$out"

as=(setpriv --reuid 65534 --regid 65534 --clear-groups)
chmod 755 "$TEST_DIR"
chmod 644 "$config"
doctor
has "who runs this" "not looked at" && has "divert a port in place" "not looked at" \
    && has "packet socket" "not looked at" && json 'd["counts"]["missing"] == 0'
point $? "not root: it says what it could not look at, and that is not missing" "$out"
as=()

# --- configuration, state directory ---

cp "$config" "$TEST_DIR/right"
printf 'guard: {links: 7}\n' >>"$config"
doctor
has file missing "$config:5" && [ $status = 1 ]
point $? "a wrong configuration, with its line" "$out"
cp "$TEST_DIR/right" "$config"
"$weir" doctor --config "$TEST_DIR/none.yaml" -o json >"$out" 2>&1
has file missing none.yaml
point $? "one that is named and not there" "$out"

mkdir -p "$TEST_DIR/store"
mount -t tmpfs -o size=4m none "$TEST_DIR/store"
doctor
has "state directory" missing "4 MB free" || has "state directory" missing "3 MB free"
point $? "no room for the state" "$out"
mount -o remount,ro "$TEST_DIR/store"
doctor
has "state directory" missing read-only
point $? "a state directory that cannot be written" "$out"
umount "$TEST_DIR/store"
chmod 777 "$TEST_DIR/store"
doctor
has "state directory's owner" limited 0777
point $? "one that anybody may write" "$out"
chmod 700 "$TEST_DIR/store"

# --- runtimes ---

mkdir "$TEST_DIR/docker"
echo running >"$TEST_DIR/docker/state"
echo $$ >"$TEST_DIR/docker/pid"
echo 200 >"$TEST_DIR/docker/inspect"
mkfifo "$TEST_DIR/docker/events"
python3 "$SRC/tests/netns/fake_docker.py" "$TEST_DIR/d.sock" "$TEST_DIR/docker" \
    >"$TEST_DIR/log" 2>&1 &
children+=($!)
# It takes whoever comes, and says nothing.
socat "UNIX-LISTEN:$TEST_DIR/h.sock,fork" "SYSTEM:exec cat >$TEST_DIR/swallowed" &
children+=($!)
python3 -c 'import socket, sys; s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1])' \
    "$TEST_DIR/r.sock"
wait_until 10 test -S "$TEST_DIR/d.sock"
wait_until 10 test -S "$TEST_DIR/h.sock"
write_config "runtimes:" \
    "- {kind: docker, path: $TEST_DIR/d.sock}" \
    "- {kind: netns, path: /run/netns}"
doctor --wait 60
has docker good "answers"
point $? "a runtime that answers" "$out"
has netns good "1 run"
point $? "a folder of namespaces, with the workload" "$out"
write_config "runtimes:" \
    "- {kind: podman, path: $TEST_DIR/h.sock}" \
    "- {kind: containerd, path: $TEST_DIR/h.sock}" \
    "- {kind: cri, path: $TEST_DIR/r.sock}"
doctor
has podman limited hangs && has containerd limited hangs
point $? "runtimes that hang are told, and keep nobody waiting" "$out"
has cri limited refused
point $? "a socket that nobody listens at" "$out"
write_config "$netns_only"

# --- networks ---

layer() { # FOLDER: what is written there stays here
    mkdir -p "$TEST_DIR/layer" && mount -t tmpfs none "$TEST_DIR/layer" \
        && mkdir "$TEST_DIR/layer/up" "$TEST_DIR/layer/work" \
        && mount -t overlay overlay \
            -o "lowerdir=$1,upperdir=$TEST_DIR/layer/up,workdir=$TEST_DIR/layer/work" "$1"
}
if layer /etc 2>"$TEST_DIR/log"; then
    rm -rf /etc/cni
    mkdir -p /etc/cni/net.d
    doctor
    has /etc/cni/net.d good "no configuration"
    point $? "no CNI" "$out"
    echo '{"plugins": [{"type": "cilium-cni"}]}' >/etc/cni/net.d/05-cilium.conflist
    echo '{"type": "bridge"}' >/etc/cni/net.d/10-other.conf
    doctor
    has 05-cilium.conflist limited cilium-cni && has 10-other.conf good "not the first" \
        && has 05-cilium.conflist limited "weir-cni is not"
    point $? "Cilium, and who is asked second" "$out"
    echo '{"plugins": [{"type": "calico"}, {"type": "weir-cni"}]}' \
        >/etc/cni/net.d/01-calico.conflist
    doctor
    has 01-calico.conflist good calico && has 01-calico.conflist good weir-cni \
        && ! has 01-calico.conflist limited
    point $? "Calico, with Weir's plugin in the chain" "$out"
    echo '{"plugins": [' >/etc/cni/net.d/00-broken.conflist
    doctor
    has 00-broken.conflist limited "line 2"
    point $? "a configuration that is none" "$out"
else
    skip "CNI" "no overlay here: $(cat "$TEST_DIR/log")"
fi

has "others' programs" good none
point $? "nobody else has programs on ports" "$out"
coproc OTHER { exec python3 "$SRC/tests/netns/tcx_other.py" hweb ingress 2>&1; }
read -r ready <&"${OTHER[0]}"
if [ "$ready" = ready ]; then
    doctor
    has "others' programs" good "1 by TCX"
    point $? "somebody else's program is told" "$out"
else
    skip "somebody else's program" "no TCX: $ready"
fi
other=${OTHER[1]}
exec {other}>&-
wait "$OTHER_PID" 2>"$TEST_DIR/log"

# --- with an agent ---

start_agent
doctor
has weir-agent good version && has weir-dp good version && has versions good
point $? "agent and data plane answer, of one version" "$out"
has "diverted ports" good "1 in place" && told 'any(p["state"] == "diverted"
    for w in d["workloads"] for p in w["ports"])' ls
point $? "what is diverted is told as weir ls does" "$out"
doctor
has "others' programs" good none
point $? "Weir's own programs are not others'" "$out"
chmod 666 "$WEIR_SOCKET"
doctor
has door limited 0666
point $? "a door that anybody may open" "$out"
kill -STOP "$agent_pid"
doctor
kill -CONT "$agent_pid"
has weir-agent limited hangs && [ $status = 0 ]
point $? "an agent that hangs is told as that" "$out"
wait_until 10 told 'd["ok"]' status
kill_agent
agent_pid=
doctor
has "diverted ports" limited "1 in place" && json 'any(c["name"] == "diverted ports" and
    "release --all" in c["do"] for c in d["checks"])'
point $? "what an earlier run left, and how to be rid of it" "$out"
"$weir" release --all >"$out" 2>&1
doctor
has "diverted ports" good "0 in place"
point $? "after that there is nothing" "$out"

finish
