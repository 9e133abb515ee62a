#!/bin/bash
# rules/builtin.rules: each rule is told of its attacks however they are hidden, and
# none of ordinary traffic. builtin/make.py writes both; nothing of it is kept.
# BUILD: the build directory; BUILD_RELEASE: the one that is installed, since a sanitized
# program takes seven times as long to compile the rules for each capture; SRC: the sources.
. "$(dirname "$0")/lib.sh"
SRC=${SRC:-$(cd "$(dirname "$0")/../.." && pwd)}
weir=${BUILD:?is the build directory}/src/cli/weir
here=$SRC/tests/pcap
rules=$SRC/rules/builtin.rules
export PYTHONDONTWRITEBYTECODE=1

"$weir" rules check "$rules" >"$out/told" && ! grep -q refused "$out/told"
point $? "all are understood"

/usr/bin/python3 "$here/builtin/make.py" "$out"
point $? "captures are made"

for kind in attacks doubtful ordinary; do
    "$weir" rules test -o json -r "$out/$kind.pcap" "$rules" >"$out/$kind.told" 2>"$out/errors"
    /usr/bin/python3 "$here/builtin/check.py" "$rules" "$out/$kind.json" "$out/$kind.told" >"$out/wrong" 2>&1
    set -- $?
    point "$1" "$kind"
    [ "$1" = 0 ] || head -40 "$out/wrong" "$out/errors" | sed 's/^/# /'
done

# What real clients and servers have said.
for capture in "$here"/captures/*.pcap; do
    name=$(basename "$capture" .pcap)
    case $name in cut | no-capture) continue ;; esac
    "$BUILD_RELEASE/src/cli/weir" rules test -r "$capture" "$rules" >"$out/told" 2>&1 && grep -q ': 0 matches$' "$out/told"
    set -- $?
    point "$1" "nothing in $name"
    [ "$1" = 0 ] || sed 's/^/# /' "$out/told"
done

echo "1..$points"
exit $((failures > 0))
