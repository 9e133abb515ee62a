#!/bin/bash
# Rules over captures: weir rules test prints what rules/ expects; what is refused
# is told with its place, by check, list and test.
# BUILD: the build directory; SRC: the sources.
. "$(dirname "$0")/lib.sh"
SRC=${SRC:-$(cd "$(dirname "$0")/../.." && pwd)}
weir=${BUILD:?is the build directory}/src/cli/weir
here=$SRC/tests/pcap

asks() { # CAPTURE RULES
    local status
    "$weir" rules test -r "$here/captures/$1.pcap" "$here/rules/$2.rules" >"$out/told" 2>"$out/errors"
    status=$?
    diff -u "$here/rules/$1.txt" "$out/told" >"$out/diff" && [ "$status" = 0 ]
    set -- $? "$1"
    point "$1" "$2.pcap"
    [ "$1" = 0 ] || sed 's/^/# /' "$out/diff" "$out/errors"
}

asks http http
for name in mongodb kafka cassandra tds tns smtp-exim; do
    asks "$name" served
done

"$weir" rules test -o json -r "$here/captures/http.pcap" "$here/rules/http.rules" >"$out/json"
/usr/bin/python3 - "$out/json" "$here/rules/http.txt" <<'EOF'
import json
import sys
told = [json.loads(line) for line in open(sys.argv[1])]
lines = open(sys.argv[2]).read().splitlines()
assert told[-1]["ok"] and told[-1]["matches"] == len(told) - 1 == len(lines) - 1, told[-1]
for one, line in zip(told[:-1], lines):
    assert line.startswith(f"packet {one['packet']}: {one['action']} {one['gid']}:{one['sid']}:"), line
EOF
point $? "the same in JSON"

# As in the data plane: what overlaps, or has a wrong checksum, matches nothing (one
# datagram in the first is whole).
cat >"$out/any.rules" <<'EOF'
alert udp any any -> any any (msg:"a datagram"; sid:1;)
EOF
"$weir" rules test -r "$here/captures/fragments-overlap.pcap" "$out/any.rules" >"$out/told" &&
    grep -q ': 1 matches$' "$out/told" && grep -qx '  frag_overlap: 4' "$out/told"
point $? "what is refused is not looked at, and is told with its reason"
/usr/bin/python3 - "$here/captures/dns.pcap" "$out/wrong.pcap" <<'EOF'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
# The last byte of the first frame's IPv4 header checksum.
data[24 + 16 + 14 + 11] ^= 1
open(sys.argv[2], "wb").write(data)
EOF
right=$("$weir" rules test -o json -r "$here/captures/dns.pcap" "$out/any.rules" | grep -c '"gid"')
wrong=$("$weir" rules test -o json -r "$out/wrong.pcap" "$out/any.rules" | tee "$out/told" | grep -c '"gid"')
[ "$right" -gt 1 ] && [ "$wrong" -lt "$right" ] && grep -q '"refused": *{"csum_ip": *1}' "$out/told"
point $? "nor is a wrong checksum"

"$weir" rules check "$here/rules/http.rules" >"$out/told" && grep -q '^7 signatures' "$out/told"
point $? "check: all are understood"

(cd "$here/rules" && "$weir" rules check refused.rules) >"$out/told"
[ $? = 1 ] && grep -q '^refused.rules:3:3: refused: replace: not understood$' "$out/told" &&
    grep -q '^1 signatures' "$out/told" && grep -q '^1 refused$' "$out/told"
point $? "check: what is refused is told, and its place"

(cd "$here/rules" && "$weir" rules list refused.rules) >"$out/told"
[ $? = 1 ] && grep -q '^1  *alert  http .*good$' "$out/told"
point $? "list: the others are there"

# What list --long writes reads as the same.
"$weir" rules list --long "$here/rules/http.rules" >"$out/once.rules" &&
    "$weir" rules list --long "$out/once.rules" >"$out/twice.rules" &&
    cmp "$out/once.rules" "$out/twice.rules"
point $? "list --long is read again"

"$weir" rules test -r "$here/captures/no-capture.pcap" "$here/rules/http.rules" >/dev/null 2>"$out/errors"
[ $? = 1 ] && [ -s "$out/errors" ]
point $? "no capture is an error, and says so"

"$weir" rules check /nowhere.rules >/dev/null 2>"$out/errors"
[ $? = 1 ] && grep -q nowhere "$out/errors"
point $? "no file is an error, and says so"

"$weir" rules check >/dev/null 2>&1
[ $? = 2 ]
point $? "no file said"

echo "1..$points"
exit $((failures > 0))
