#!/bin/bash
# What src/runtime tells of pods of a real CRI runtime, containerd with its CRI
# plugin, asked by CRI as one would ask CRI-O; beside it the same containerd asked
# by its own API, and the folder of namespaces that CNI makes: three sources that
# see one pod, by one inode.
. "$SRC/tests/netns/common_containerd.sh"

cri() {
    "$SRC/tests/netns/cri_pods.py" "$socket" "$@" 2>>"$TEST_DIR/cri.log"
}

trap end_containerd EXIT

mkdir -p "$base/cni.d"
cat >"$base/cni.d/10-weir.conflist" <<E
{"cniVersion": "0.4.0", "name": "weir", "plugins": [{"type": "bridge", "bridge": "cri0",
 "ipam": {"type": "host-local", "dataDir": "$base/ipam", "ranges": [[{"subnet": "10.67.0.0/24"}]]}}]}
E
containerd_config "
[plugins.\"io.containerd.grpc.v1.cri\"]
  sandbox_image = \"$image\"
  disable_apparmor = true
  restrict_oom_score_adj = true
  [plugins.\"io.containerd.grpc.v1.cri\".cni]
    bin_dir = \"/usr/lib/cni\"
    conf_dir = \"$base/cni.d\""
if ! start_containerd || ! wait_until 10 cri version; then
    skip "cri" "containerd's CRI does not answer: $(tail -1 "$TEST_DIR/containerd.log")"
    finish
fi
busybox_root "$TEST_DIR/root"
make_image "$TEST_DIR/image.tar"
ctr -n k8s.io images import "$TEST_DIR/image.tar" >"$out" 2>&1
wait_until 10 cri run probe shop >"$TEST_DIR/probe"
point $? "a pod runs" "$TEST_DIR/cri.log"

start_news cri="$socket" containerd="$socket" netns=/run/netns
check "a pod that was there is in the list" \
    'told("listed") == 3 and any(n["source"] == 0 and n["about"]["pod"] == "probe" for n in by_id.values())'
pod=$(cri run web-6d4cf56db6-x2x9z shop app=web)
check "a pod that comes is told by all three" "
    len({n['source'] for n in by_id.values() if n['ino'] == by_id[0, '$pod']['ino']}) == 3"
check "CRI: pod, namespace, service, labels" "
    (lambda a: a['pod'] == 'web-6d4cf56db6-x2x9z' and a['namespace'] == 'shop' and a['service'] == 'web'
     and a['labels']['app'] == 'web' and a['runtime'] == 'cri' and a['started'] > 1700000000)(by_id[0, '$pod']['about'])"
check "containerd: the same" "
    (lambda a: a['pod'] == 'web-6d4cf56db6-x2x9z' and a['namespace'] == 'shop' and a['service'] == 'web'
     and a['labels']['app'] == 'web')(by_id[1, 'k8s.io/$pod']['about'])"
cri stop "$pod"
check "stopped: gone for all three" \
    "len(by_id) == 3 and all(n['ino'] == by_id[0, '$(cat "$TEST_DIR/probe")']['ino'] for n in by_id.values())"
stop_containerd KILL
check "killed: both are down" '{n["source"] for n in news if n["news"] == "down"} == {0, 1}'
start_containerd
check "back: the pod is there" \
    "news[-1]['source'] in (0, 1) and told('listed') == 5 and len(by_id) == 3" 20
stop_news
point $? "ends in time"
cri stop "$(cat "$TEST_DIR/probe")"
finish
