#!/bin/bash
# The include table of docs/ARCHITECTURE.md holds.
. "$(dirname "$0")/lib.sh"

check=$SRC/tools/check-includes
passes "the tree keeps the include table" "$check" "$SRC"

tree() {
    fresh
    write docs/ARCHITECTURE.md <<'S'
| folder | purpose | may include |
|---|---|---|
| `src/base/` | bytes | libc only |
| `src/wire/` | words | base |
| `src/ring/` | frames | base |
| `src/inspect/` | pipeline | all above |
| `src/cli/` | command line | base, wire, bpf |
| `bpf/` | programs | - |
S
    write src/base/a.h <<<'#pragma once'
    write src/base/a.c <<<'#include "base/a.h"'
}

tree
write src/inspect/i.c <<'S'
/* #include "cli/x.h" in a comment is nothing */
#include <stdio.h>

#include "base/a.h"
#include "ring/r.h"
S
write src/cli/c.c <<'S'
#include "bpf/shared.h"
#include "divert.skel.h"
S
passes "allowed includes are not flagged" "$check" "$sample"

bad() { # NAME REGEX FILE, text on stdin
    tree
    write "$3"
    flags "$1" "$2" "$check" "$sample"
}
bad "a folder not in its row" 'src/wire/w.c:2: .*may not include ring' \
    src/wire/w.c <<<$'#include <stdio.h>\n#include "ring/r.h"'
bad "a folder below the row of 'all above'" 'may not include cli' \
    src/inspect/i.c <<<'#include "cli/c.h"'
bad "a header has rules too" 'may not include wire' src/ring/r.h \
    <<<'#include "wire/w.h"'
bad "the skeleton where bpf is not allowed" 'may not include bpf' \
    src/ring/r.c <<<'#include "divert.skel.h"'
bad "a library in base" 'libc only' src/base/b.c <<<'#include <jansson.h>'
bad "own header not first" 'a.c:1: begins with' src/base/a.c \
    <<<$'#include <stdio.h>\n#include "base/a.h"'
bad "a way up" 'no "\.\."' src/wire/w.c <<<'#include "../base/a.h"'
bad "a name without its folder" 'name the folder' src/base/b.c \
    <<<'#include "a.h"'
bad "system headers after ours" 'comes before ours' src/wire/w.c \
    <<<$'#include "base/a.h"\n#include <stdio.h>'
bad "a folder without a row" 'has no row' src/new/n.c <<<'int n;'
tree
write docs/ARCHITECTURE.md <<<'no table'
flags "no table" 'no row like' "$check" "$sample"
finish
