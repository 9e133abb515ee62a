# shellcheck shell=bash
# A containerd of the test's own, with an image of busybox that needs no registry.
. "$SRC/tests/netns/common_runtimes.sh"

base=$TEST_DIR/containerd
short=/run/ctr.$$ # paths of sockets may not be long
socket=$short/c.sock
image=docker.io/weir/bb:1
containerd_pid=

containerd_config() { # LINES more of its configuration
    mkdir -p "$base" "$short"
    cat >"$base/config.toml" <<E
version = 2
root = "$base/root"
state = "$short/state"
$1
[grpc]
  address = "$socket"
[ttrpc]
  address = "$socket.ttrpc"
E
}

ctr() {
    command ctr -a "$socket" --timeout 10s "$@"
}

containerd_answers() {
    ctr version >"$out" 2>&1
}

start_containerd() {
    containerd -c "$base/config.toml" >>"$TEST_DIR/containerd.log" 2>&1 &
    containerd_pid=$!
    children+=($!)
    wait_until 20 containerd_answers
}

stop_containerd() { # SIGNAL
    kill "-$1" $containerd_pid && wait $containerd_pid 2>>"$TEST_DIR/log"
}

end_containerd() { # the tasks outlive their containerd
    local pid
    end_children
    for pid in $(pgrep -f -- "-address $socket"); do
        pkill -9 -P "$pid"
        kill -9 "$pid"
    done
    cut -d' ' -f2 /proc/self/mounts | grep "^\($base\|$short\)/" | tac | xargs -r umount -l
}
make_image() { # FILE: an OCI layout of one layer, busybox
    python3 - "$TEST_DIR/root" "$1" <<'P'
import hashlib, io, json, sys, tarfile
root, target = sys.argv[1:]
layer = io.BytesIO()
with tarfile.open(fileobj=layer, mode="w") as t:
    t.add(root, arcname=".")
blobs = {}
def blob(data, kind):
    digest = hashlib.sha256(data).hexdigest()
    blobs[f"blobs/sha256/{digest}"] = data
    return {"mediaType": f"application/vnd.oci.image.{kind}", "digest": f"sha256:{digest}", "size": len(data)}
layer = blob(layer.getvalue(), "layer.v1.tar")
config = blob(json.dumps({"architecture": "amd64", "os": "linux", "config": {"Env": ["PATH=/bin"], "Entrypoint": ["/bin/tail", "-f", "/dev/null"]},
    "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]}}).encode(), "config.v1+json")
manifest = blob(json.dumps({"schemaVersion": 2, "config": config, "layers": [layer]}).encode(), "manifest.v1+json")
manifest["annotations"] = {"io.containerd.image.name": "docker.io/weir/bb:1", "org.opencontainers.image.ref.name": "1"}
files = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}',
         "index.json": json.dumps({"schemaVersion": 2, "manifests": [manifest]}).encode(), **blobs}
with tarfile.open(target, "w") as t:
    for name, data in files.items():
        info = tarfile.TarInfo(name)
        info.size = len(data)
        t.addfile(info, io.BytesIO(data))
P
}
