# shellcheck shell=bash
# A real agent, and a weir-export that reads it, as an account of its own; for
# scripts of weir-export. See there for the topology.
. "$(dirname "$0")/common_agent.sh"
export PYTHONDONTWRITEBYTECODE=1

weir_export=$BUILD/src/export/weir-export
here=$(dirname "$0")
export_pid=
uid=64123
dir=/run/weir-export-test # the account may go there, as it may not to TEST_DIR
state=$dir/state
eve=$dir/logs/eve.json
export TZ=UTC

# An account of this test's own: /etc/passwd is another one here.
account() {
    { cat /etc/passwd; echo "weir-export:x:$uid:$uid::/nonexistent:/usr/sbin/nologin"; } >"$TEST_DIR/passwd"
    { cat /etc/group; echo "weir-export:x:$uid:"; } >"$TEST_DIR/group"
    mount --bind "$TEST_DIR/passwd" /etc/passwd && mount --bind "$TEST_DIR/group" /etc/group &&
        mkdir -p "$dir/logs" && chown "$uid:$uid" "$dir/logs"
}

write_export() { # [LINE]...: outputs
    cat >"$dir/export.new" <<Y
agent: $WEIR_SOCKET
state: $state
status: $dir/run/status.json
stats: {every_s: 1}
outputs:
  - {name: eve, kind: file, path: $eve}
Y
    [ $# = 0 ] || printf '  - %s\n' "$@" >>"$dir/export.new"
    mv "$dir/export.new" "$dir/export.yaml"
}

run_export() {
    "$weir_export" --config "$dir/export.yaml" >>"$TEST_DIR/export.log" 2>&1 &
    export_pid=$!
    # it hears signals from then on
    wait_until 20 export_runs
}
export_runs() { [ -e "$dir/run/status.json" ] && grep -q "\"pid\":$export_pid\b" "$dir/run/status.json"; }

stop_export() { # [SIGNAL]
    [ -n "$export_pid" ] || return 0
    kill "-${1:-TERM}" "$export_pid"
    wait "$export_pid" 2>>"$TEST_DIR/log"
    local status=$?
    export_pid=
    [ "${1:-TERM}" != TERM ] || return $status
}

end_export() {
    [ -z "$export_pid" ] || kill -9 "$export_pid"
    end_agent
}
trap end_export EXIT

# Of the lines of eve.json: is there one?
eve_has() { # JQ-FILTER
    jq -ces "map(select($1)) | length > 0" "$eve" >"$out" 2>&1
}
eve_soon() { wait_until 40 eve_has "$1"; }
count_eve() { jq -cs "map(select($1)) | length" "$eve"; } # JQ-FILTER

# Of `weir export status`, of the output NAME: does EXPRESSION over o hold?
output_is() { # NAME EXPRESSION
    "$weir" export status --file "$dir/run/status.json" -o json >"$out" 2>&1
    json 'any((lambda o: '"$2"')(o) for o in d["outputs"] if o["name"] == "'"$1"'")'
}
output_soon() { wait_until 40 output_is "$@"; }

server() { "$here/export_receive.py" "$@" 2>>"$TEST_DIR/log" & children+=($!); }
get() { at app curl -s -m 20 -o /dev/null "$@" 2>>"$TEST_DIR/log"; }
