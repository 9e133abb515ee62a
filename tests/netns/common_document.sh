# shellcheck shell=bash
# A document, command by command, as a user types it: what it installs is what is
# used, and what it shows is what is printed (guide.py). In this test's mount namespace
# /run is empty, /etc and /var/lib are the host's with changes that nobody else
# sees. `systemctl` is stood in for: there is no systemd.
. "$(dirname "${BASH_SOURCE[0]}")/common_agent.sh"

layer() { # FOLDER: what is written there stays here
    local name=${1//\//_}
    mkdir -p "/run/layers/$name" "/run/layers/$name.work"
    mount -t overlay overlay \
        -o "lowerdir=$1,upperdir=/run/layers/$name,workdir=/run/layers/$name.work" "$1" 2>"$out"
}

answers() { command weir status; }

systemctl() { # VERB... UNIT
    [ "${!#}" = weir-agent ] || return
    case $1 in
    enable | start)
        weir-agent >>"$TEST_DIR/agent.log" 2>&1 &
        agent_pid=$!
        wait_until 10 answers ;;
    stop | disable) kill $agent_pid && wait $agent_pid; local status=$?; agent_pid=; return $status ;;
    restart) systemctl stop weir-agent && systemctl start weir-agent ;;
    reload) kill -HUP $agent_pid ;;
    kill) kill -9 $agent_pid; wait $agent_pid; agent_pid=; return 0 ;;
    *) return 1 ;;
    esac
}

end_document() {
    local pid
    [ -z "$agent_pid" ] || kill "$agent_pid"
    for pid in $(pgrep -f -- "$TEST_DIR/root/.*/weir-dp"); do kill "$pid"; done
    end_children
}

# What needs a moment ("a few seconds later") is tried again.
works() { # FILE
    # shellcheck disable=SC1090
    . "$1" >"$out" 2>&1 </dev/null || return
    [ ! -e "${1%.sh}.want" ] || "$SRC/tests/netns/guide.py" --shows "${1%.sh}.want" "$out"
}

run_document() { # FILE LEAST: a point a command, at least so many
    local file status prefix
    unset -f weir
    unset WEIR_SOCKET
    trap end_document EXIT
    mkdir -p "$TEST_DIR/commands" "$TEST_DIR/here"
    if ! layer /etc || ! layer /var/lib; then
        skip "$1" "no overlay here: $(cat "$out")"
        finish
    fi
    rm -rf /etc/weir /var/lib/weir /etc/cni
    meson install -C "$BUILD" --no-rebuild --quiet --destdir "$TEST_DIR/root" || exit
    prefix=$TEST_DIR/root$(build_option "$BUILD" prefix)
    PATH=$prefix/bin:$prefix/sbin:$PATH
    install -D -m 644 "$SRC/packaging/weir.yaml" /etc/weir/weir.yaml
    "$SRC/tests/netns/guide.py" "$SRC/$1" "$TEST_DIR/commands"
    cd "$TEST_DIR/here" || exit 1
    for file in "$TEST_DIR"/commands/*.sh; do
        wait_until 20 works "$file"
        status=$?
        [ ! -e "${file%.sh}.want" ] || sed 's/^/it shows: /' "${file%.sh}.want" >>"$out"
        point $status "$(head -1 "$file" | cut -c 3-)" "$out"
    done
    [ "$points" -ge "$2" ]
    point $? "there were commands"
}
