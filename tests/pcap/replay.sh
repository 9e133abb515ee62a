#!/bin/bash
# Captures through weir-dp -p: each prints what expected/ lists, a line a flow,
# block or reason to drop; under the messages of load/, if there is such a file.
# BUILD: the build directory; SRC: the sources.
. "$(dirname "$0")/lib.sh"
SRC=${SRC:-$(cd "$(dirname "$0")/../.." && pwd)}
dp=${DP:-${BUILD:?is the build directory}/src/dp/weir-dp}
here=$SRC/tests/pcap

for expected in "$here"/expected/*.txt; do
    name=$(basename "$expected" .txt)
    load=()
    [ ! -e "$here/load/$name.json" ] || load=(--load "$here/load/$name.json")
    "$dp" -p "$here/captures/$name.pcap" "${load[@]}" >"$out/flows" 2>"$out/errors"
    status=$?
    diff -u "$expected" "$out/flows" >"$out/diff" && [ "$status" = 0 ]
    set -- $?
    point "$1" "$name"
    [ "$1" = 0 ] || sed 's/^/# /' "$out/diff" "$out/errors"
done

for name in cut no-capture; do
    "$dp" -p "$here/captures/$name.pcap" >/dev/null 2>"$out/errors"
    [ $? = 1 ] && [ -s "$out/errors" ]
    point $? "$name is an error, and says so"
done

mkdir "$out/folder"
cp "$here/captures/tcp.pcap" "$here/captures/udp-icmp.pcap" "$out/folder"
"$dp" -p "$out/folder" >"$out/flows" 2>"$out/errors"
status=$?
[ "$status" = 0 ] && [ "$(wc -l <"$out/flows")" -ge 4 ]
point $? "a folder"
[ "$status" = 0 ] || sed 's/^/# /' "$out/errors"

echo "1..$points"
exit $((failures > 0))
