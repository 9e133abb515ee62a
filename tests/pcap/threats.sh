#!/bin/bash
# The reference's table of threats: each is met by captures (threats/make.py), in IPv4 and IPv6, and told with
# its id, severity and action: the default one and, where it can be set, another; and not where it is not
# looked for. Those that are rules are told by rules/builtin.rules.
# BUILD: the build directory; BUILD_RELEASE: that of the programs as they are installed, which are
# quicker; SRC: the sources.
. "$(dirname "$0")/lib.sh"
SRC=${SRC:-$(cd "$(dirname "$0")/../.." && pwd)}
checked=${BUILD:?is the build directory}/src/dp/weir-dp
quick=${BUILD_RELEASE:?is the release build directory}/src/dp/weir-dp
weir=$BUILD_RELEASE/src/cli/weir
here=$SRC/tests/pcap/threats
rules=$SRC/rules/builtin.rules
export PYTHONDONTWRITEBYTECODE=1

/usr/bin/python3 "$here/make.py" "$out"
point $? "captures are made"

for how in default all allow reset; do
    dp=$quick
    [ $how != all ] || dp=$checked
    for side in in in6 out; do
        [ $side != in6 ] || [ $how = all ] || continue
        # a folder of one file has no heading
        [ $side = in ] || echo "# $(echo "$out"/out/*.pcap)"
        "$dp" --flows 4096 -p "$out/$side" --load "$out/$side-$how.json" 2>>"$out/errors" || echo "$side $how failed" >>"$out/errors"
    done >"$out/$how"
done
for capture in "$out"/in{,6}/202[23]-*.pcap; do
    echo "$(basename "$capture" .pcap)" "$("$weir" rules test -o json -r "$capture" "$rules" 2>>"$out/errors" |
        sed -n 's/.*"sid":\([0-9]*\),.*/\1/p' | tr '\n' ' ')"
done >"$out/rules"
"$quick" --flows 4096 -v thrt_tls_1dot0 -v thrt_tls_1dot1 -p "$out/in" --load "$out/in-default.json" >"$out/option"
[ "$(grep -c '^threat 20\(12\|27\) ' "$out/option")" -ge 2 ]
point $? "-v has TLS 1.0 and 1.1 looked for"
[ ! -s "$out/errors" ]
point $? "they are read"
[ ! -s "$out/errors" ] || sed 's/^/# /' "$out/errors"

/usr/bin/python3 "$here/check.py" "$out" "$rules" >"$out/wrong" 2>&1
set -- $?
point "$1" "$(wc -l <"$out/table") captures: each threat is told as the table says"
[ "$1" = 0 ] || head -40 "$out/wrong" | sed 's/^/# /'

echo "1..$points"
exit $((failures > 0))
