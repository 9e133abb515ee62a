#!/bin/bash
# Functions of at most 70 lines, files of at most 800.
. "$(dirname "$0")/lib.sh"

check=$SRC/tools/check-limits
passes "functions and files are short enough" "$check" "$SRC"

function_of() { # LINES between the braces
    printf 'int f(int a)\n{\n'
    for ((i = 0; i < $1; i++)); do printf '\ta++;\n'; done
    printf '}\n'
}
table_of() { # LINES
    printf 'static const int t[] = {\n'
    for ((i = 0; i < $1; i++)); do printf '\t1,\n'; done
    printf '};\n'
}

fresh
function_of 68 | write src/base/a.c
{ echo '/* limits: table */'; function_of 300; } | write src/base/b.c
{ echo '/* limits: table */'; table_of 900; } | write src/base/c.c
passes "at the limit, and tables" "$check" "$sample"
fresh
function_of 69 | write src/base/a.c
flags "a function too long" 'a.c:2: f\(\) has 71 lines' "$check" "$sample"
fresh
{ echo '/* limits: table */'; table_of 3; function_of 69; } | write src/base/a.c
flags "a mark covers only what follows" 'f\(\) has 71' "$check" "$sample"
fresh
table_of 799 | write src/base/a.c
flags "a file too long" 'a.c: 801 lines' "$check" "$sample"
fresh
echo '/* limits: table */' | write src/base/a.c
flags "a mark without an end" 'without an end' "$check" "$sample"
finish
