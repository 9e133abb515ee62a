#!/bin/bash
# `weir hook`: a container is guarded before it runs, by an agent that listens to
# no runtime at all; without an agent it does not start, or as it is told.
#
#   podman ── createRuntime ─▶ weir hook oci ─┐
#   CNI    ── bridge, weir-cni ───────────────┴▶ weir-agent
#
#   first_frames in container ── veth │ weir ── podman0 ── tcpdump
. "$SRC/tests/netns/common_podman.sh"
. "$SRC/tests/netns/common_agent.sh"
. "$SRC/tests/netns/common_first.sh"

end() {
    kill_agent
    end_podman
}
trap end EXIT

hooks() { # [OPTION of weir hook]...
    mkdir -p "$TEST_DIR/hooks"
    python3 -c '
import json, sys
print(json.dumps({"version": "1.0.0", "when": {"always": True}, "stages": ["createRuntime"],
                  "hook": {"path": sys.argv[1], "args": ["weir", "hook", "oci", *sys.argv[2:]]}}))' \
        "$weir" --socket "$WEIR_SOCKET" "$@" >"$TEST_DIR/hooks/weir.json"
}

hooked() { # OPTION of podman run...
    pod --hooks-dir "$TEST_DIR/hooks" run "$@" >"$out" 2>&1
}

once() { # a container that sends from its first moment, and ends
    hooked --rm --cap-add NET_RAW --entrypoint /bin/first_frames $image 10.88.0.1 fd17::1 100
}

mkdir -p "$TEST_DIR/root/bin"
cp "$first_frames" "$TEST_DIR/root/bin/"
need_podman
hooks --on-failure open
hooked -d --name stays $image tail -f /dev/null # podman0 goes with the last
watch podman0

# --- no agent ---

once && leaked
point $? "open, and no agent: it starts, and what it sends is seen" "$out"
hooks
once
[ $? != 0 ] && grep -q "weir-agent" "$out"
point $? "closed, and no agent: it does not start, and says why" "$out"

# --- an agent that listens to nobody ---

write_config "runtimes: []" "modes: {default: protect}"
start_agent
watch podman0
once && once && once
point $? "with the agent it starts" "$out"
none_leaked
point $? "and no first frame passes" "$TEST_DIR/passed"
hooked -d --name web $image tail -f /dev/null
told_soon '[w["id"].split(":")[0] for w in d["workloads"]] == ["link"] * 2' ls
point $? "one that no runtime claims is known by its device" "$out"
stop_agent
sed -i "s|^runtimes:.*|runtimes: [{kind: podman, path: $socket}]|" "$config"
start_agent
wait_until 10 guarded web protect inline
point $? "and has its name as soon as there is one to tell it" "$out"
hooked -d --name app $image tail -f /dev/null
wait_until 10 guarded app protect inline &&
    told 'sorted(w["name"] for w in d["workloads"]) == ["app", "stays", "web"]' ls
point $? "so has the next, and there is nothing else" "$out"
pod rm -fa -t 0 >>"$TEST_DIR/log" 2>&1

# --- CNI ---

mkdir -p "$TEST_DIR/cni"
ln -s "$weir" "$TEST_DIR/cni/weir-cni"
cni() { # COMMAND PLUGIN CONFIGURATION: in namespace one
    printf '%s' "$3" | CNI_COMMAND=$1 CNI_CONTAINERID=one CNI_NETNS=/run/netns/one CNI_IFNAME=eth0 \
        CNI_PATH=/usr/lib/cni:$TEST_DIR/cni "$2" >"$out" 2>>"$TEST_DIR/log"
}

last_of_chain() { # [MEMBER=VALUE]...: its configuration
    python3 - "$TEST_DIR/bridged" "$WEIR_SOCKET" "$@" <<'P'
import json, sys
conf = {"cniVersion": "1.0.0", "name": "net", "type": "weir-cni", "socket": sys.argv[2],
        "prevResult": json.load(open(sys.argv[1]))}
for member in sys.argv[3:]:
    name, value = member.split("=")
    conf[name] = value
    if not value:
        del conf[name]
print(json.dumps(conf))
P
}

weir_cni() { # COMMAND [MEMBER=VALUE]...
    cni "$1" "$TEST_DIR/cni/weir-cni" "$(last_of_chain "${@:2}")"
}

said() { # EXPRESSION over d, what it printed
    python3 -c '
import json, sys
d = json.load(open(sys.argv[1]))
sys.exit(not eval(sys.argv[2]))' "$out" "$1"
}

refused() { # CODE TEXT COMMAND [MEMBER=VALUE]...
    ! weir_cni "${@:3}" && said 'd["code"] == '"$1"' and "'"$2"'" in d["msg"] and d["cniVersion"]'
}

bridge_conf='{"cniVersion": "1.0.0", "name": "net", "type": "bridge", "bridge": "cni0", "isGateway": true,
 "ipam": {"type": "host-local", "dataDir": "'$TEST_DIR'/ipam", "ranges": [[{"subnet": "10.67.0.0/24"}]]}}'
ip netns add one
cni ADD /usr/lib/cni/bridge "$bridge_conf" && cp "$out" "$TEST_DIR/bridged"
point $? "the bridge plugin adds a device" "$out"
keep_up cni0
watch cni0
weir_cni ADD && cmp -s <(python3 -m json.tool "$out") <(python3 -m json.tool "$TEST_DIR/bridged")
point $? "ADD prints the result that it was given" "$out"
told '[p["mode"] in ("hold", "inline") for p in d["diverted"] if p["dev"].startswith("v")] == [True]' divert show
point $? "and its device is guarded" "$out"
at one "$first_frames" 10.67.0.1 fd17::1 100
none_leaked
point $? "so that nothing passes" "$TEST_DIR/passed"
weir_cni CHECK && [ ! -s "$out" ] && weir_cni STATUS && [ ! -s "$out" ]
point $? "CHECK and STATUS are content" "$out"
weir_cni VERSION && said '"1.0.0" in d["supportedVersions"] and d["cniVersion"] == "1.0.0"'
point $? "VERSION" "$out"
refused 1 cniVersion ADD cniVersion=0.1.0 && refused 4 CNI_COMMAND WHAT
point $? "a version or command that it does not know is refused" "$out"
refused 7 prevResult ADD prevResult= && refused 7 onFailure ADD onFailure=perhaps
point $? "so is to be the first of a chain, and what onFailure may not be" "$out"
! cni ADD "$TEST_DIR/cni/weir-cni" '{"cniVersion":' && said 'd["code"] == 6'
point $? "and what is no JSON" "$out"
weir_cni DEL && [ ! -s "$out" ]
point $? "DEL" "$out"
ip netns add two
ip link add wre0 type veth peer name wre1
ip link set wre0 up
ip link add wre2 link wre0 type macvlan
ip link set wre2 netns two
! weir hook netns two && grep -q 'macvlan' "$out"
point $? "a device that cannot be guarded is told, where all is protected" "$out"
stop_agent
refused 11 weir-agent ADD && refused 11 weir-agent CHECK && refused 50 weir-agent STATUS
point $? "without an agent ADD and CHECK are to be tried later" "$out"
weir_cni ADD onFailure=open && said '"interfaces" in d' && weir_cni DEL && [ ! -s "$out" ]
point $? "with onFailure open ADD goes on; DEL needs no agent" "$out"
finish
