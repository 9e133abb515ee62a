#!/bin/bash
# Hostile frames by the hundred thousand through the pipeline, with all that it can look
# for (tests/torture/torture.c): nothing breaks, nothing is left, and they did get as
# far as they were meant to. `make torture FRAMES=100000000` goes on for longer.
# BUILD: the build directory; SRC: the sources.
. "$(dirname "$0")/lib.sh"
SRC=${SRC:-$(cd "$(dirname "$0")/../.." && pwd)}
frames=${FRAMES:-200000}
seed=${WEIR_SEED:-$(date +%s)}
echo "# WEIR_SEED=$seed"
captures=()
for file in "$SRC"/tests/pcap/captures/*.pcap; do
    [[ $file == */no-capture.pcap ]] || captures+=("$file")
done
"${BUILD:?is the build directory}/tests/torture/torture" -n "$frames" -s "$seed" \
    -r "$SRC/rules/builtin.rules" -r "$SRC/tests/pcap/rules/http.rules" "${captures[@]}" >"$out/told" 2>"$out/errors"
point $? "$frames frames: each is decided, nothing is left"
sed 's/^/# /' "$out/told" "$out/errors"

is() { # NAME CONDITION: of awk, on that value v
    tr ' ' '\n' <"$out/told" | awk -F= -v name="$1" '$1 == name { v = $2; ok = ('"$2"') }
        END { exit !ok }'
}
is flows 'v > 1000' && is datagrams 'v > 100' && is known 'v > 10'
point $? "they were flows, datagrams in parts, applications"
is threats 'v > 0' && is findings 'v > 0' && is connections 'v > 100'
point $? "threats and signatures, and all was told"
reasons=$(grep -c '^dropped_' "$out/told")
[ "$reasons" -ge 10 ]
point $? "and were dropped for $reasons reasons"

echo "1..$points"
exit $((failures > 0))
