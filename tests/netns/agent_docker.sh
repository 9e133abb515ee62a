#!/bin/bash
# The agent beside a real dockerd, mode protect by default: not one frame of a
# container that sends at once passes, however it starts, is attached to another
# network, restarted; and the agent knows what there is, whatever is killed.
#
#   first_frames in container ── veth │ weir ── docker0, net2 ── tcpdump
. "$SRC/tests/netns/common_docker.sh"
. "$SRC/tests/netns/common_agent.sh"
. "$SRC/tests/netns/common_first.sh"

end() {
    kill_agent
    end_docker
}
trap end EXIT

gateway4=172.17.0.1 gateway6=fd17::1
send=(--entrypoint /bin/first_frames)

once() { # [OPTION]...: a container that sends from its first moment, and ends
    docker run --rm "${send[@]}" "$@" $image $gateway4 $gateway6 "${ms:-150}" >>"$TEST_DIR/once" 2>&1
}

sender() { # NAME [OPTION]...: one that goes on
    docker run -d --stop-signal KILL --name "$1" "${send[@]}" "${@:2}" $image $gateway4 $gateway6 0 >>"$TEST_DIR/once" 2>&1
}

none_here() { told 'd["workloads"] == []' ls; }
registry_is_exact() { # the agent's workloads are Docker's containers
    docker ps --no-trunc --format '{{.ID}} {{.Names}}' | sort >"$TEST_DIR/ps"
    "$weir" ls -o json | python3 -c '
import json, sys
for w in json.load(sys.stdin)["workloads"]:
    print(w["id"].split(":")[1], w["name"])' | sort | diff - "$TEST_DIR/ps" >"$out" 2>&1
}
no_pins() { # of ports that are gone
    told 'd["workloads"] == []' ls && told 'd["diverted"] == []' divert show
}

mkdir -p "$TEST_DIR/root/bin"
cp "$first_frames" "$TEST_DIR/root/bin/"
need_docker --ipv6 --fixed-cidr-v6 fd17::/64
docker network create -o com.docker.network.bridge.name=net2 second >"$out" 2>&1
for dev in docker0 net2; do keep_up $dev; done
watch docker0 net2

# --- without protection all of it is seen ---

write_config "runtimes: [{kind: docker, path: $socket}]"
start_agent
ms=2500 once # until addresses of IPv6 are no longer tentative
leaked
point $? "in discover a container's first frames pass" "$TEST_DIR/once"
for what in 'udp and ip' 'udp and ip6' 'tcp and ip' 'tcp and ip6' icmp icmp6 'host 192.0.2.1 and port 7777'; do
    [ -n "$(watched_of "$what")" ]
    point $? "and are counted: $what" "$TEST_DIR/once"
done
stop_agent
for pid in $(pgrep -f -- "--control $door"); do kill "$pid"; done

# --- with it nothing is ---

write_config "runtimes: [{kind: docker, path: $socket}]" \
    "store: {dir: $TEST_DIR/store2}" "modes: {default: protect}"
sed -i 1d "$config"
start_agent
watch docker0 net2
for _ in 1 2 3 4 5; do once; done
none_leaked
point $? "protected, 5 containers one after the other let nothing pass" "$TEST_DIR/passed"
for i in 1 2 3 4 5 6 7 8 9 10; do
    once &
    at_once[i]=$!
done
wait "${at_once[@]}"
none_leaked
point $? "10 at once let nothing pass" "$TEST_DIR/passed"
once --network second && none_leaked
point $? "nor one on another network" "$TEST_DIR/passed"
once --network none && once --mac-address 02:42:ac:11:00:77 && none_leaked
point $? "nor one with none, or with a MAC of its own" "$TEST_DIR/passed"
wait_until 10 no_pins
point $? "all are gone, and their ports" "$out"

# --- what goes on ---

sender web && wait_until 10 guarded web protect inline
point $? "one that goes on is guarded under its name" "$out"
for _ in 1 2 3; do
    docker network connect second web && docker network disconnect second web
done
docker network connect second web
two_ports() { told '[[p.get("doing") for p in w["ports"]] for w in d["workloads"] if w["name"] == "web"] == [["inline"] * 2]' ls; }
wait_until 10 two_ports
point $? "so is another network it is connected to while it runs" "$out"
none_leaked
point $? "which let nothing pass either" "$TEST_DIR/passed"
for _ in 1 2; do docker restart -t 0 web >>"$TEST_DIR/log"; done
docker pause web >>"$TEST_DIR/log" && docker unpause web >>"$TEST_DIR/log"
wait_until 10 two_ports && none_leaked
point $? "nor did restarts, a pause" "$TEST_DIR/passed"
docker run -d --name flips --cap-add NET_ADMIN "${send[@]}" $image $gateway4 $gateway6 0 >>"$TEST_DIR/once" 2>&1
wait_until 10 guarded flips protect inline
docker exec flips sh -c 'for i in $(seq 200); do
    ip link set eth0 address 02:42:ac:11:0$((i / 100)):$((i % 90 + 10)); done' >>"$TEST_DIR/once" 2>&1
wait_until 10 guarded flips protect inline && none_leaked
point $? "nor one that changes its MAC all the time" "$TEST_DIR/passed"
docker rm -f flips >>"$TEST_DIR/once"
docker rename web shop && wait_until 10 told '[w["name"] for w in d["workloads"]] == ["shop"]' ls
point $? "renamed, it has the new name" "$out"
sender side --network container:shop && docker run -d --name hosted --network host $image tail -f /dev/null >>"$TEST_DIR/once" &&
    wait_until 10 told '[sorted(w.get("about", {}).get("containers", [])) for w in d["workloads"]] == [["shop", "side"]]' ls
point $? "two containers in one namespace are one workload; the host's network is none" "$out"

# --- dockerd and the agent are killed ---

docker rm -f side hosted >>"$TEST_DIR/log"
stop_docker KILL && start_docker --ipv6 --fixed-cidr-v6 fd17::/64
wait_until 20 registry_is_exact && none_leaked
point $? "dockerd killed and started again: the agent knows what there is" "$out"
sender late && wait_until 10 registry_is_exact && none_leaked
point $? "and what comes after that" "$out"
for i in $(seq 20); do
    docker run --rm $image true >>"$TEST_DIR/once" 2>&1 &
    at_once[i % 5]=$!
    [ $((i % 5)) != 0 ] || wait "${at_once[@]}"
    [ $((i % 10)) != 5 ] || { stop_agent KILL; run_agent; }
done
wait "${at_once[@]}"
wait_until 20 registry_is_exact
point $? "the agent killed among 20 containers that come and go knows what there is" "$out"
wait_until 10 told 'len(d["diverted"]) == len([p for p in d["diverted"] if p["dev"]])' divert show
point $? "and nothing is left of those that went" "$out"
none_leaked
point $? "nothing passed meanwhile" "$TEST_DIR/passed"
finish
