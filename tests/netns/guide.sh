#!/bin/bash
# docs/guide.md, command by command, as a new user types it: what it installs is
# what is used, with a real dockerd; and what it shows is what is printed.
#
# In this test's mount namespace: /run is empty, /etc and /var/lib are the host's
# with changes that nobody else sees. `make` and `systemctl` are stood in for: the
# tree is built already, and there is no systemd.
. "$SRC/tests/netns/common_runtimes.sh"

base=$TEST_DIR/docker
short=/run/docker.$$
export DOCKER_CONFIG=$TEST_DIR/config DOCKER_HOST=unix:///run/docker.sock
agent_pid=

layer() { # FOLDER: what is written there stays here
    local name=${1//\//_}
    mkdir -p "/run/layers/$name" "/run/layers/$name.work"
    mount -t overlay overlay \
        -o "lowerdir=$1,upperdir=/run/layers/$name,workdir=/run/layers/$name.work" "$1" 2>"$out"
}

docker_answers() {
    curl -sf -m 5 --unix-socket /run/docker.sock http://d/_ping >"$TEST_DIR/ping" 2>&1
}

start_docker() {
    dockerd -H "$DOCKER_HOST" --data-root "$base" --exec-root "$short" -p "$short.pid" \
        >"$TEST_DIR/dockerd.log" 2>&1 &
    children+=($!)
    wait_until 30 docker_answers
}

end() {
    local pid
    docker ps -aq 2>/dev/null | xargs -r docker rm -f >"$TEST_DIR/rm" 2>&1
    [ -z "$agent_pid" ] || kill "$agent_pid"
    for pid in $(pgrep -f -- "$TEST_DIR/root/.*/weir-dp"); do kill "$pid"; done
    end_children
    for pid in $(pgrep -f -- "--config $short/"; pgrep -f -- "-address $short/"); do
        kill -9 "$pid"
    done
}
trap end EXIT

# --- who is stood in for ---

make() { # install
    [ "$*" = install ] && meson install -C "$BUILD" --no-rebuild --quiet --destdir "$TEST_DIR/root" || return
    prefix=$TEST_DIR/root$(build_option "$BUILD" prefix)
    PATH=$prefix/bin:$prefix/sbin:$PATH
    install -D -m 644 "$SRC/packaging/weir.yaml" /etc/weir/weir.yaml
}

answers() { weir status; }

systemctl() { # VERB... weir-agent
    [ "${!#}" = weir-agent ] || return
    case $1 in
    enable | start)
        weir-agent >>"$TEST_DIR/agent.log" 2>&1 &
        agent_pid=$!
        wait_until 10 answers ;;
    reload) kill -HUP $agent_pid ;;
    restart) kill $agent_pid && wait $agent_pid && systemctl start weir-agent ;;
    disable) kill $agent_pid && wait $agent_pid; local status=$?; agent_pid=; return $status ;;
    *) return 1 ;;
    esac
}

# --- the guide ---

mkdir -p "$base" "$TEST_DIR/commands" "$TEST_DIR/config"
if ! layer /etc || ! layer /var/lib; then
    skip "guide" "no overlay here: $(cat "$out")"
    finish
fi
if ! start_docker; then
    skip "guide" "dockerd does not start: $(tail -1 "$TEST_DIR/dockerd.log")"
    finish
fi
busybox_root "$TEST_DIR/image"
ln -s busybox "$TEST_DIR/image/bin/wget"
for applet in timeout echo sleep; do ln -s busybox "$TEST_DIR/image/bin/$applet"; done
tar -C "$TEST_DIR/image" -c . | docker import - busybox >"$out" 2>&1
"$SRC/tests/netns/guide.py" "$SRC/docs/guide.md" "$TEST_DIR/commands"
cd "$TEST_DIR" || exit 1

# What needs a moment ("a few seconds later") is tried again.
works() { # FILE
    # shellcheck disable=SC1090
    . "$1" >"$out" 2>&1 </dev/null || return
    [ ! -e "${1%.sh}.want" ] || "$SRC/tests/netns/guide.py" --shows "${1%.sh}.want" "$out"
}

for file in "$TEST_DIR"/commands/*.sh; do
    wait_until 20 works "$file"
    status=$?
    [ ! -e "${file%.sh}.want" ] || sed 's/^/the guide shows: /' "${file%.sh}.want" >>"$out"
    point $status "$(head -1 "$file" | cut -c 3-)" "$out"
done
[ "$points" -gt 40 ]
point $? "there were commands"

finish
