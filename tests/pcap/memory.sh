#!/bin/bash
# A million connections at once in at most 600 MB, and what becomes of one more
# (bench/memory.c). Memory, unlike time, is the same on a busy machine: so this
# decides, on the programs as they are installed, where no sanitizer adds to it.
# BUILD_RELEASE: their build directory.
. "$(dirname "$0")/lib.sh"
LIMIT_MB=600
memory=${BUILD_RELEASE:?is the release build directory}/bench/memory

is() { # NAME CONDITION: of awk, on that value v; so is a missing one
    awk -F= -v name="$1" '$1 == name { v = $2; ok = ('"$2"') }
        END { exit !ok }' "$out/told"
}

"$memory" >"$out/told" 2>"$out/errors"
point $? "every frame is decided and counted as it should be"
sed 's/^/# /' "$out/told" "$out/errors"

is flows 'v == 1000000' && is flows_limit 'v == 1000000'
point $? "a million flows at once"
is rss_full_mb "v > 0 && v <= $LIMIT_MB"
point $? "in at most $LIMIT_MB MB"
is stateless_first 'v == 1' && is stateless 'v > 1000000'
point $? "one more is judged without state, and counted"
full=$(sed -n 's/^rss_full_mb=//p' "$out/told")
is rss_over_mb "v > 0 && v <= ${full:-0} + 1"
point $? "a million more cost no memory"

echo "1..$points"
exit $((failures > 0))
