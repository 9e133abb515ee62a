#!/bin/bash
# The benchmark suite works: each row has figures, all that is carried is
# inspected, and nothing changes its order. What the figures are decides nothing.
. "$(dirname "$0")/lib.sh"
results=$TEST_DIR/results

has() { # EXPRESSION over d, the results
    python3 - "$results/results.json" "$1" >"$out" 2>&1 <<'P'
import json, sys
d = json.load(open(sys.argv[1]))
sys.exit(0 if eval("(" + sys.argv[2] + ")") else 1)
P
}

"$SRC/bench/run" --quick -b "$BUILD" -o "$results" >"$TEST_DIR/told" 2>&1
point $? "it runs, loses no byte from sight and keeps the order" "$TEST_DIR/told"
has "len(d['samples']) == 48 and all(s['value'] > 0 and s['seconds'] > 0 for s in d['samples'])"
point $? "eight measurements on six rows have figures" "$out"
has "all(0.999 <= s['seen'] <= 1.001 for s in d['samples'] if s['row'] in ('splice', 'inspected', 'cached', 'detected'))"
point $? "bytes inspected, or let go by the cache, are those carried" "$out"
has "any(s['seen'] - s['inspected'] > 0.5 for s in d['samples'] if s['row'] == 'cached')"
point $? "and the cache does let bytes go on" "$out"
has "len(d['hosts']) == 4 and all(s['value'] > 0 for s in d['hosts'])"
point $? "so has a host with many workloads" "$out"
has "len([b for b in d['brought'] if b['how'] == 'command' and b['sent'] > 0]) == 2 and len(d['brought']) == 2 + 2 + 19"
point $? "and bringing one in" "$out"
grep -q 'in place, inspected' "$TEST_DIR/told" && python3 -c '
import sys, xml.etree.ElementTree as x
t = x.parse(sys.argv[1]).getroot()
sys.exit(len(t.findall("{*}g")) != 15)' "$results/chart.svg" >"$out" 2>&1
point $? "a table and a chart of 15 panels are drawn" "$out"

# Ways to carry frames that are only compared.
"$SRC/bench/rings.py" -r 1 -s 0.05 -b "$BUILD" -o "$TEST_DIR/rings.json" \
    plain mmsg v2-256 v2+mmsg v3-1ms direct-tx waitforone >"$TEST_DIR/rings" 2>&1
point $? "other ways to carry frames are measured" "$TEST_DIR/rings"
python3 - "$TEST_DIR/rings.json" >"$out" 2>&1 <<'P'
import json, sys
d = json.load(open(sys.argv[1]))
carried = [s["forwarder"]["frames"] > 0 for s in d if s["method"] != "plain"]
sys.exit(len(d) != 42 or len(carried) != 36 or not all(carried) or
         not all(s.get("value", s.get("p50")) > 0 for s in d))
P
point $? "and each carries every load" "$out"

# An agent and weir-api with recorded flows, in namespaces of its own.
env -u NETNS_TEST_INSIDE BUILD="$BUILD" "$SRC/bench/api" 5 2000 --times 3 >"$TEST_DIR/api" 2>&1
[ "$(grep -c '^/' "$TEST_DIR/api")" -gt 80 ] && grep -q '^/flows.*rule=20077' "$TEST_DIR/api" &&
    grep -q '^rules-load, 20000 ' "$TEST_DIR/api" && grep -q '^weir-api: .* MB' "$TEST_DIR/api"
point $? "pages of lists are measured" "$TEST_DIR/api"
finish
