#!/bin/bash
# The documents name what exists, and tell of every reason.
. "$(dirname "$0")/lib.sh"

check=$SRC/tools/check-docs
passes "paths in the documents exist" "$check" "$SRC"
passes "docs/REASONS.md is up to date" "$SRC/tools/gen-reasons" --check "$SRC"

fresh
write src/base/a.c <<<''
write docs/B.md <<<'[up](../README.md)'
write README.md <<'S'
`src/base/`, `src/base/a.c:12`, `src/*/a.c`, `docs/B.md`, [b](docs/B.md#x),
[far](https://example.org/x), `src/api/` (later), `weir dp`
S
passes "existing paths are not flagged" "$check" "$sample"
write docs/C.md <<<$'one\n`src/base/gone.c`'
flags "a file that is gone" 'docs/C.md:2: src/base/gone.c' "$check" "$sample"
write docs/C.md <<<'`tests/pcap/*.sh`'
flags "a pattern without a match" 'tests/pcap/\*.sh does not' "$check" "$sample"
write docs/C.md <<<'[x](gone.md)'
flags "a link to nowhere" 'gone.md' "$check" "$sample"

fresh
write src/wire/reason.h <<'S'
#define REASONS(X)                              \
	X(NONE, "none", V, "not decided")       \
	X(SHORT, "short", D,                    \
	  "cut "                                \
	  "short")
S
passes "reasons are written" "$SRC/tools/gen-reasons" "$sample"
passes "the text of a reason is joined" \
    grep -q '| `short` | cut short |' "$sample/docs/REASONS.md"
sed -i 's/cut "/very "/' "$sample/src/wire/reason.h"
flags "a reason that changed" 'run it' "$SRC/tools/gen-reasons" --check "$sample"
finish
