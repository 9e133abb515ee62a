#!/bin/bash
# What a worker knows goes on in another one (inspect/image.h), and nobody can tell:
# captures' flows, blocks and dropped frames are the same however often it is handed
# over, and tests of the pipeline pass when it is between their frames (HAND_OVER,
# tests/unit/bench.h).
# BUILD: the build directory; BUILD_RELEASE: that of the programs as they are
# installed, a hand-over of which takes a tenth; SRC: the sources.
. "$(dirname "$0")/lib.sh"
SRC=${SRC:-$(cd "$(dirname "$0")/../.." && pwd)}
checked=${BUILD:?is the build directory}/src/dp/weir-dp
quick=${BUILD_RELEASE:?is the release build directory}/src/dp/weir-dp
here=$SRC/tests/pcap

handed_over() { # PROGRAM FRAMES NAME
    local program=$1 n=$2 name=$3 load=()
    [ ! -e "$here/load/$name.json" ] || load=(--load "$here/load/$name.json")
    "$program" -p "$here/captures/$name.pcap" --hand-over "$n" "${load[@]}" >"$out/flows" 2>"$out/errors"
    status=$?
    diff -u "$here/expected/$name.txt" "$out/flows" >"$out/diff" && [ "$status" = 0 ] && [ ! -s "$out/errors" ]
    set -- $?
    point "$1" "$name, after every $n frames"
    [ "$1" = 0 ] || head -40 "$out/diff" "$out/errors" | sed 's/^/# /'
}

# After every frame, and with sanitizers, all captures take ten minutes: some do.
for expected in "$here"/expected/*.txt; do
    name=$(basename "$expected" .txt)
    handed_over "$quick" 9 "$name"
done
for name in http policy quic redis; do
    handed_over "$quick" 1 "$name"
    handed_over "$checked" 50 "$name"
done

HAND_OVER=5 "$BUILD/tests/unit/test_inspect_payload" >"$out/told" 2>&1
point $? "test_inspect_payload, before each fifth frame"

echo "1..$points"
exit $((failures > 0))
