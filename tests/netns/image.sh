#!/bin/bash
# The container image: made twice alike, with nothing but what is needed; and an agent in
# it, beside Docker's other containers, guards them as one on the host does.
#
#  ┌ this test: dockerd ──────────────────────┐
#  │  weir (host's network, host's pids)      │
#  │  docker0 ═════ web 172.17.0.x: httpd     │
#  └──────────────────────────────────────────┘
export BUILD=$BUILD_RELEASE # as it is shipped
. "$(dirname "$0")/common_docker.sh"
version=$(sed -n "s/^ *version: '\(.*\)',$/\1/p" "$SRC/meson.build")
prefix=$(build_option "$BUILD" prefix)
files=$TEST_DIR/files

# --- what it is ---------------------------------------------------------------

make_image() { (cd / && umask "$1" && "$SRC/tools/image" "$BUILD" "$TEST_DIR/$2") >"$out" 2>&1; }
make_image 022 first
point $? "an image is made" "$out"
make_image 077 second && cmp "$TEST_DIR"/{first,second}/weir-*.tar >"$out" 2>&1
point $? "twice the same" "$out"
archive=$(echo "$TEST_DIR"/first/weir-*.tar)
mkdir "$TEST_DIR/layout" && tar -C "$TEST_DIR/layout" -xf "$archive"
python3 - "$TEST_DIR/layout" >"$out" 2>&1 <<'P'
import hashlib, json, os, sys
def blob(of):
    path = os.path.join(sys.argv[1], "blobs/sha256", of["digest"].removeprefix("sha256:"))
    data = open(path, "rb").read()
    assert hashlib.sha256(data).hexdigest() == os.path.basename(path) and len(data) == of["size"]
    return data
index = json.load(open(sys.argv[1] + "/index.json"))
manifest = json.loads(blob(index["manifests"][0]))
config = json.loads(blob(manifest["config"]))
data = blob(manifest["layers"][0])
assert config["rootfs"]["diff_ids"] == [manifest["layers"][0]["digest"]]
open(sys.argv[1] + "/layer", "wb").write(data)
P
point $? "it is an OCI layout, all digests right" "$out"
tar -tf "$TEST_DIR/layout/layer" | sed 's,/$,,' >"$files"
for program in sbin/weir-{agent,dp,api,export} bin/weir share/weir/rules/builtin.rules share/weir/web/index.html; do
    grep -qx "${prefix#/}/$program" "$files" || echo "no $program"
done >"$out"
grep -qx etc/ssl/certs/ca-certificates.crt "$files" || echo "no certificates" >>"$out"
[ ! -s "$out" ]
point $? "programs, rules, pages and certificates are in it" "$out"
grep -E '/(ba|da)?sh$|busybox|/(apt|dpkg|perl|python[0-9.]*|mount|ip|cat)$' "$files" >"$out"
[ ! -s "$out" ]
point $? "no shell, no package manager, no tools" "$out"
# each library has the licence of its package, each text that these name
grep -c '/copyright$' "$files" >"$out"
[ "$(cat "$out")" -gt 20 ] && grep -qx usr/share/common-licenses/LGPL-2.1 "$files" && grep -qx usr/share/doc/weir/LICENSE "$files"
point $? "licences are in it" "$out"
tar -tvf "$TEST_DIR/layout/layer" | grep -v ' 0/0 \|1970-01-01' >"$out"
[ ! -s "$out" ]
point $? "all is root's, of one time" "$out"

# --- run ------------------------------------------------------------------------

trap end_docker EXIT
mount --make-shared /run # as it is where systemd boots
need_docker
docker load -i "$archive" >"$out" 2>&1 && grep -q "weir:$version" "$out"
point $? "Docker loads it" "$out"
# docs/install.md has these lines
mkdir -p /run/netns /run/weir "$TEST_DIR/state"
docker run -d --name weir --network host --pid host \
    --cap-drop ALL --cap-add NET_ADMIN --cap-add NET_RAW --cap-add SYS_ADMIN \
    --cap-add SYS_PTRACE --cap-add SETUID --cap-add SETGID --cap-add SETPCAP \
    --cap-add CHOWN --cap-add FOWNER --cap-add KILL --cap-add DAC_OVERRIDE \
    --security-opt apparmor=unconfined --read-only --tmpfs /tmp \
    -v "$socket:/run/docker.sock" -v /run/netns:/run/netns:rslave -v /run/weir:/run/weir \
    -v /sys/fs/bpf:/sys/fs/bpf -v "$TEST_DIR/state:/var/lib/weir" \
    "weir:$version" >"$out" 2>&1
point $? "an agent is started of it" "$out"
[ $failures = 0 ] || finish
weir_of() { docker exec weir "$prefix/bin/weir" "$@" >"$out" 2>&1; }
up() { weir_of status && grep -q 'data plane *up' "$out"; }
wait_until 20 up
point $? "it has its data plane up" "$out"
docker logs weir >"$TEST_DIR/weir.log" 2>&1
run web -- httpd -f -p 80 -h /etc
guarded() { weir_of ls && grep -q 'web.*guarded.*docker' "$out"; }
wait_until 20 guarded
point $? "it guards another container" "$out"
address=$(docker inspect -f '{{.NetworkSettings.IPAddress}}' web)
fetched() { curl -sf -m 5 "http://$address/passwd" >"$TEST_DIR/fetched" 2>&1; }
fetched
point $? "which is reached" "$TEST_DIR/weir.log"
seen() { weir_of flows && grep -q 'web.*80' "$out"; }
wait_until 20 seen
point $? "and that is seen" "$out"
weir_of mode web protect && ! fetched
point $? "protected, it is not" "$out"
"$weir" status >"$out" 2>&1
point $? "weir on the host asks the same agent" "$out"
mkdir "$TEST_DIR/api"
docker run -d --name api --network host --entrypoint "$prefix/sbin/weir-api" \
    --cap-drop ALL --cap-add SETUID --cap-add SETGID --cap-add SETPCAP --cap-add CHOWN \
    --cap-add FOWNER --cap-add DAC_OVERRIDE --read-only -v /run/weir:/run/weir -v "$TEST_DIR/api:/var/lib/weir-api" \
    "weir:$version" >"$out" 2>&1
has_page() { curl -sf -m 5 http://127.0.0.1:8787/ >"$TEST_DIR/page" 2>&1 && grep -qi '<html' "$TEST_DIR/page"; }
wait_until 20 has_page
point $? "weir-api of the same image has its page"
docker logs api >"$TEST_DIR/api.log" 2>&1
docker exec weir /bin/sh -c true >"$out" 2>&1
[ $? -gt 125 ]
point $? "nobody gets a shell in it" "$out"
docker restart -t 20 weir >"$out" 2>&1
wait_until 20 up && ! fetched
point $? "started again, it has not forgotten" "$out"
weir_of release --all && wait_until 20 fetched
point $? "released, all is as it was" "$out"
docker logs weir >"$TEST_DIR/weir.log" 2>&1
! grep -iE 'sanitizer|assert|BUG' "$TEST_DIR/weir.log"
point $? "and nothing went wrong meanwhile" "$TEST_DIR/weir.log"
finish
