#!/bin/bash
# C is as clang-format wants it, and scripts parse.
. "$(dirname "$0")/lib.sh"

check=$SRC/tools/check-format
passes "the tree is formatted" "$check" "$SRC"

fresh
write a.c <<<$'int f(int a)\n{\n\treturn a;\n}'
passes "a formatted file is not flagged" "$check" "$sample"
write a.c <<<$'int f(int a) {\n  return a; }'
flags "a file in another style" 'clang-format-violations' "$check" "$sample"
write a.c <<<$'/* text \n */\nint a;'
flags "blanks at the end of a line" 'a.c:1:' "$check" "$sample"
write a.c <<<'int a;'
write b.sh <<<'if true; then'
flags "a shell script that does not parse" 'b.sh.*syntax error' "$check" "$sample"
rm "$sample/b.sh"
write b.py <<<'def f(:'
flags "a Python script that does not parse" 'SyntaxError' "$check" "$sample"
finish
