# For tests/lint/*.sh: TAP, and a directory for bad samples. Source it.
# Every check must be seen to fail, else it may pass for ever for another
# reason: `flags` gives it a sample that it has to refuse.

set -u
SRC=${SRC:-$(cd "$(dirname "$0")/../.." && pwd)}
sample=$(mktemp -d)
trap 'rm -rf "$sample"' EXIT
points=0
failures=0

point() { # STATUS NAME: one TAP point
    points=$((points + 1))
    if [ "$1" = 0 ]; then
        echo "ok $points - $2"
    else
        echo "not ok $points - $2"
        failures=$((failures + 1))
    fi
}

comment() { sed 's/^/# /'; }

passes() { # NAME CMD...: exits with 0
    local name=$1 output status
    shift
    output=$("$@" 2>&1)
    status=$?
    point "$status" "$name"
    [ "$status" = 0 ] || comment <<<"$output"
}

flags() { # NAME REGEX CMD...: exits with an error and says so
    local name=$1 regex=$2 output status
    shift 2
    output=$("$@" 2>&1)
    status=$?
    [ "$status" != 0 ] && grep -Eq -- "$regex" <<<"$output"
    set -- $?
    point "$1" "$name"
    [ "$1" = 0 ] || comment <<<"exit $status, wanted /$regex/: $output"
}

write() { # FILE, text on stdin: into the sample tree
    mkdir -p "$(dirname "$sample/$1")"
    cat >"$sample/$1"
}

fresh() { # an empty sample tree
    rm -rf "$sample"
    mkdir "$sample"
}

finish() {
    echo "1..$points"
    exit $((failures > 0))
}
