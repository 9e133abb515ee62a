#!/bin/bash
# What was recorded (record-captures.py), carried in all ways a network has (vary.py):
# the same lines of weir-dp -p each time, nothing that rules/builtin.rules tell of, no leak
# for the sensors that come with Weir, and no threat but those that it has: wrong logins
# (2018) and TLS of before 1.2 (2012, 2027).
# BUILD: the build directory; SRC: the sources.
. "$(dirname "$0")/lib.sh"
SRC=${SRC:-$(cd "$(dirname "$0")/../.." && pwd)}
dp=${DP:-${BUILD:?is the build directory}/src/dp/weir-dp}
weir=${BUILD:?is the build directory}/src/cli/weir
here=$SRC/tests/pcap
export PYTHONDONTWRITEBYTECODE=1

mapfile -t names < <(/usr/bin/python3 "$here/record-captures.py" -l)
/usr/bin/python3 "$here/vary.py" "$out" "${names[@]}"
point $? "${#names[@]} captures are varied"

/usr/bin/python3 "$here/looked-for.py" "$SRC" 02:00:00:00:01:02 >"$out/all.json"
point $? "all that comes with Weir is looked for"

for capture in "$out"/*.pcap; do
    name=$(basename "$capture" .pcap)
    "$dp" -p "$capture" >"$out/flows" 2>"$out/errors"
    status=$?
    diff -u "$out/expected.txt" "$out/flows" >"$out/diff" && [ "$status" = 0 ]
    set -- $?
    point "$1" "$name: the same applications"
    [ "$1" = 0 ] || sed 's/^/# /' "$out/diff" "$out/errors"
    "$weir" rules test -r "$capture" "$SRC/rules/builtin.rules" >"$out/told" 2>&1 &&
        grep -q ': 0 matches$' "$out/told"
    set -- $?
    point "$1" "$name: nothing to tell of"
    [ "$1" = 0 ] || head -40 "$out/told" | sed 's/^/# /'
    "$dp" -p "$capture" --load "$out/all.json" >"$out/flows" 2>"$out/errors"
    status=$?
    grep -E '^(threat|signature|dlp|waf|dropped) ' "$out/flows" >"$out/alarms"
    [ "$status" = 0 ] && grep -q '^threat 2018 ' "$out/alarms" && ! grep -vE '^threat (2018|2012|2027) ' "$out/alarms"
    set -- $?
    point "$1" "$name: no false alarm"
    [ "$1" = 0 ] || head -40 "$out/alarms" "$out/errors" | sed 's/^/# /'
    # What parsers tell is the same, too.
    "$weir" rules test -r "$capture" "$here/rules/served.rules" 2>&1 | sed -n '$s/.*: //p' >"$out/matches"
    [ -e "$out/matches-first" ] || cp "$out/matches" "$out/matches-first"
    grep -q '^[1-9]' "$out/matches" && cmp "$out/matches-first" "$out/matches"
    point $? "$name: as many matches"
done

echo "1..$points"
exit $((failures > 0))
