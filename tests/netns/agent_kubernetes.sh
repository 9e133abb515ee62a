#!/bin/bash
# The agent in a cluster: pods of a real CRI runtime on node-a, an API server of the
# test's own that knows them, their namespaces' labels and the NetworkPolicies, and
# one pod on node-b. What the API server says is in force on live traffic, as it
# changes, and stays in force while it is away.
#
#   web, api, liar (shop), mon (ops) ── cri0 10.67.0.1 ── far 10.67.0.200 (shop, node-b)
#        weir-agent ◀── containerd, https://127.0.0.1:6443 (fake_kube.py)
. "$SRC/tests/netns/common_containerd.sh"
. "$SRC/tests/netns/common_agent.sh"
. "$SRC/tests/netns/common_kube.sh"

cri() {
    "$SRC/tests/netns/cri_pods.py" "$socket" "$@" 2>>"$TEST_DIR/cri.log"
}

declare -A pod_ip pod_ns pod_id
end() {
    local name
    kill_agent
    for name in "${!pod_id[@]}"; do cri stop "${pod_id[$name]}"; done
    end_containerd
}
trap end EXIT

pod() { # NAME NAMESPACE [LABEL=VALUE]...: on node-a; its network namespace is a copy by NAME
    local ns
    pod_id[$1]=$(cri run "$@") || return 1
    for ns in /run/netns/cni-*; do
        [[ " ${pod_ns[*]} " == *" $ns "* ]] || pod_ns[$1]=$ns
    done
    ln -s "${pod_ns[$1]}" "/run/netns/$1"
    pod_ip[$1]=$(at "$1" ip -4 -o addr show dev eth0 | awk '{sub("/.*", "", $4); print $4}')
}

up() { # is the API server heard?
    told 'all(d["kubernetes"][k]["up"] and d["kubernetes"][k]["listed"] for k in ("pods", "namespaces", "networkpolicies"))' status
}
down() { told 'not any(d["kubernetes"][k]["up"] for k in ("pods", "namespaces", "networkpolicies"))' status; }
in_force() { told 'd["policy"]["in_force"]' status; }
passes() { greets_within 2 "$1" "${pod_ip[$2]}" "$3"; }
# What is in force now may still be what was before.
passes_soon() { wait_until 20 passes "$@"; }
blocked() { ! passes "$@"; }
blocked_soon() { wait_until 20 blocked "$@"; }

mkdir -p "$base/cni.d"
cat >"$base/cni.d/10-weir.conflist" <<C
{"cniVersion": "0.4.0", "name": "weir", "plugins": [{"type": "bridge", "bridge": "cri0", "isGateway": true,
 "ipam": {"type": "host-local", "dataDir": "$base/ipam", "ranges": [[{"subnet": "10.67.0.0/24", "rangeEnd": "10.67.0.99"}]],
 "routes": [{"dst": "0.0.0.0/0"}]}}]}
C
containerd_config "
[plugins.\"io.containerd.grpc.v1.cri\"]
  sandbox_image = \"$image\"
  disable_apparmor = true
  restrict_oom_score_adj = true
  [plugins.\"io.containerd.grpc.v1.cri\".cni]
    bin_dir = \"/usr/lib/cni\"
    conf_dir = \"$base/cni.d\""
if ! start_containerd || ! wait_until 10 cri version; then
    skip "kubernetes" "containerd's CRI does not answer: $(tail -1 "$TEST_DIR/containerd.log")"
    finish
fi
busybox_root "$TEST_DIR/root"
make_image "$TEST_DIR/image.tar"
ctr -n k8s.io images import "$TEST_DIR/image.tar" >"$out" 2>&1
pod web shop app=web && pod api shop app=api && pod mon ops app=mon && pod liar shop app=api
point $? "pods run" "$TEST_DIR/cri.log"
ip netns add far
ip link add hfar type veth peer name eth0 netns far
ip link set hfar master cri0 up
ip -n far addr add 10.67.0.200/24 dev eth0
ip -n far link set eth0 up
pod_ip[far]=10.67.0.200
listen web 80
listen web 81
listen far 80

make_kube
start_kube
kube_control '{"page": 2}'
kube_namespace shop '{"team": "shop"}'
kube_namespace ops '{"team": "none"}'
kube_pod shop web web-uid node-a "${pod_ip[web]}" '{"app": "web", "tier": "front"}' '[{"name": "http", "containerPort": 80}]'
kube_pod shop api api-uid node-a "${pod_ip[api]}" '{"app": "api"}'
kube_pod ops mon mon-uid node-a "${pod_ip[mon]}" '{"app": "mon"}'
kube_pod shop liar liar-uid node-a "${pod_ip[liar]}" '{"app": "liar"}'
kube_pod shop far far-uid node-b "${pod_ip[far]}" '{"app": "api"}' '[{"name": "http", "containerPort": 80}]'
write_config "runtimes: [{kind: containerd, path: $socket}]" "node: node-a" "guard: {exclude: [hfar]}" \
    "kubernetes: {server: '$kube_url', token_file: $kube/token, ca_file: $kube/ca.pem}"
start_agent
wait_until 20 up
point $? "the API server is heard, page by page" "$out"
weir group set front --where label.tier=front &&
    told_soon '[w["groups"] for w in d["workloads"] if w["name"] == "web.shop"] == [["web.shop", "front"]]' ls
point $? "a pod has the labels that only the API server has" "$out"
passes_soon mon web 80
point $? "without policies all may speak" "$out"

allow_api='{"podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Ingress"], "ingress": [{"from":
    [{"podSelector": {"matchLabels": {"app": "api"}}}], "ports": [{"port": "http"}]}]}'
kube_policy shop web "$allow_api"
blocked_soon mon web 80 && passes_soon api web 80 && blocked api web 81
point $? "a policy is in force: by a pod's labels, and by the name of a port" "$out"
blocked liar web 80
point $? "not by labels that only its image has" "$out"
passes_soon far web 80
point $? "also for a pod of another node" "$out"
told '[r["comment"] for r in d["rules"] if r.get("origin") == "kubernetes"] == 3 * ["NetworkPolicy shop/web"]' policy list
point $? "its rules are told as the cluster's" "$out"
! weir policy delete 200000 && grep -q "the cluster's" "$out"
point $? "and cannot be deleted here" "$out"
kube_policy shop web '{"podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Ingress"], "ingress": [{"from":
    [{"namespaceSelector": {"matchLabels": {"team": "ops"}}}]}]}'
blocked_soon api web 80 && blocked mon web 80
point $? "it changes: by labels of a namespace, which none has" "$out"
kube_namespace ops '{"team": "ops"}'
passes_soon mon web 80
point $? "until one has" "$out"
kube_policy shop out '{"podSelector": {"matchLabels": {"app": "api"}}, "policyTypes": ["Egress"], "egress": [{"to":
    [{"podSelector": {}}], "ports": [{"port": "http"}]}]}'
kube_policy shop web "$allow_api"
passes_soon api web 80 && passes_soon api far 80 && blocked_soon mon web 80
point $? "egress to a port by name, here and on another node" "$out"
kube_pod shop far far-uid node-b "${pod_ip[far]}" '{"app": "api"}' '[{"name": "http", "containerPort": 8080}]'
blocked_soon api far 80 && passes api web 80
point $? "which is another number there now" "$out"
kube_no_policy shop out
passes_soon api far 80
point $? "a policy that is deleted is in force no more" "$out"

weir mode web.shop protect && weir policy add --from liar.shop --to web.shop --port tcp/81 &&
    weir policy add --from any --to web.shop --port icmp &&
    "$weir" export --format networkpolicy >"$TEST_DIR/np.yaml" 2>"$TEST_DIR/not_said" &&
    grep -q 'TCP, UDP and SCTP' "$TEST_DIR/not_said" && /usr/bin/python3 -c '
import sys, yaml
p, = yaml.safe_load_all(open(sys.argv[1]))
spec = p["spec"]
rule, = spec["ingress"]
assert p["kind"] == "NetworkPolicy" and p["metadata"] == {"name": "weir-web.shop", "namespace": "shop"}
assert {"key": "app", "operator": "In", "values": ["web"]} in spec["podSelector"]["matchExpressions"]
assert rule["ports"] == [{"protocol": "TCP", "port": 81}] and len(rule["from"]) == 1' "$TEST_DIR/np.yaml"
point $? "rules are exported as NetworkPolicies, and what cannot be said is told" "$TEST_DIR/np.yaml"
weir export && grep -q 'k8s.shop.web' "$out" && printf 'default_mode: discover\n' >"$TEST_DIR/p.yaml" &&
    weir apply -f "$TEST_DIR/p.yaml" && blocked_soon mon web 80 && passes api web 80
point $? "whatever is applied here, the cluster's policies stay" "$out"

kube_policy shop odd '{"podSelector": {"matchLabels": {"app": "api"}}, "policyTypes": ["Ingress"], "ingress": [{"from":
    [{"podSelector": {"matchSpells": ["x"]}}]}]}'
told_soon 'any("shop/odd" in n for n in d["kubernetes"]["not_understood"])' status
point $? "what is not understood is told" "$out"
listen api 80
blocked_soon mon api 80
point $? "and isolates" "$out"
kube_no_policy shop odd
passes_soon mon api 80
point $? "until it is gone" "$out"

stop_kube
told_soon 'not any(d["kubernetes"][k]["up"] for k in ("pods", "namespaces", "networkpolicies"))' status
blocked mon web 80 && passes api web 80
point $? "the API server dies: what is in force stays" "$out"
start_kube
kube_policy shop web '{"podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Ingress"], "ingress": [{"from":
    [{"namespaceSelector": {"matchLabels": {"team": "ops"}}}]}]}'
wait_until 60 passes mon web 80 && blocked_soon api web 80
point $? "it is back: what changed meanwhile is caught up with" "$out"
stop_kube
wait_until 60 down
touch "$kube/forget"
start_kube
kube_no_policy shop web
kube_policy shop web "$allow_api"
wait_until 60 passes api web 80 && blocked_soon mon web 80 && wait_until 60 kube_told 'd["asked"]["list"] >= 3'
point $? "and listed again where it has forgotten since when (410)" "$TEST_DIR/control"

echo second >"$kube/accepted"
kube_break_off '{"drop": true}'
wait_until 60 told '"401" in d["kubernetes"]["pods"]["text"]' status
point $? "a token that is accepted no more is told" "$out"
echo second >"$kube/token"
wait_until 60 up
point $? "and read again when there is another" "$out"
for what in '{"garbage": "{\"type\":\"ADDED\"}\n"}' '{"garbage": "rubbish\n"}'; do
    kube_break_off "$what"
done
kube_policy shop web '{"podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Ingress"], "ingress": [{"from":
    [{"namespaceSelector": {"matchLabels": {"team": "ops"}}}]}]}'
wait_until 60 passes mon web 80 && blocked_soon api web 80 && wait_until 60 up
point $? "rubbish in a watch costs that watch" "$out"
kube_break_off '{"refuse": 503, "drop": true}'
wait_until 60 down
blocked api web 80 && passes mon web 80
point $? "nor does one that refuses change anything" "$out"

# The next agent has it from its store.
stop_agent
start_agent
wait_until 20 down
passes_soon mon web 80 && blocked_soon api web 80
point $? "an agent that starts meanwhile knows what it said, labels of namespaces and all" "$out"
kube_control '{"refuse": 0}'
wait_until 60 up
kube_no_policy shop web
passes_soon api web 80
point $? "and goes on when it is back" "$out"
kube_policy shop web "$allow_api"
blocked_soon mon web 80
stop_agent
write_config "runtimes: [{kind: containerd, path: $socket}]" "node: node-a" "guard: {exclude: [hfar]}"
start_agent
passes_soon mon web 80
point $? "configured without a cluster, its policies are dropped" "$out"
stop_agent
point $? "the agent ends" "$TEST_DIR/agent.log"
finish
