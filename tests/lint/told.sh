#!/bin/bash
# What modules count, `weir dp stats` tells.
. "$(dirname "$0")/lib.sh"

check=$SRC/tools/check-told
passes "all that is counted is told" "$check" "$SRC"

counts() { # MEMBERS
    fresh
    write src/flow/f.h <<S
struct flow_counts {
	uint32_t total; /* not yet; ended */
	$1
};
S
    write src/dp/answer_tables.c <<'S'
#include "flow/f.h"

void answer_flows(json_t *o, const struct flow_counts *c)
{
	answer_uint(o, "in_use", c->total);
	answer_uint(o, "by_worth", c->by_worth[0]);
	/* c->untold is only spoken of */
}
S
}
counts 'uint64_t by_worth[WORTH__MAX];'
passes "what is told is not flagged" "$check" "$sample"
counts 'uint64_t by_worth[2], untold;'
flags "a member that is not" 'f.h:3: flow_counts.untold is told by no' "$check" "$sample"
counts 'struct other_stats others;'
flags "a member that is a struct" 'flow_counts.others' "$check" "$sample"
counts 'uint64_t by_worth[2];'
write src/detect/d.h <<'S'
struct d_counts {
	uint64_t untold;
};
S
passes "a header that nothing includes which runs is not asked for" "$check" "$sample"
write src/flow/f.c <<'S'
#include "flow/f.h"

#include "detect/d.h"
S
flags "but one that is included further down is" 'd.h:2: d_counts.untold' "$check" "$sample"
fresh
write src/flow/f.h </dev/null
write src/dp/answer_tables.c <<'S'
#include "flow/f.h"
S
flags "nothing to check" 'no struct' "$check" "$sample"
finish
