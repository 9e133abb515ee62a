#!/bin/bash
# clang-tidy finds nothing, with the checks of .clang-tidy.
. "$(dirname "$0")/lib.sh"

passes "clang-tidy is content" "$SRC/tools/check-tidy"

tidy() { clang-tidy --quiet "$sample/src/a.c" -- -std=gnu17 -Wall; }
cp "$SRC/.clang-tidy" "$sample/"

write src/a.c <<<$'int f(int a);\nint f(int a)\n{\n\treturn a;\n}'
passes "clean code is not flagged" tidy
bad() { # NAME CHECK, text on stdin
    write src/a.c
    flags "$1" "$2" tidy
}
bad "a result dropped" bugprone-unused-return-value <<'S'
#include <unistd.h>
void f(void);
void f(void)
{
	chdir("/");
}
S
bad "NULL read" clang-analyzer-core.NullDereference <<'S'
int f(int a);
int f(int a)
{
	int *p = a ? &a : 0;
	return *p;
}
S
bad "a descriptor that leaks into children" android-cloexec-open <<'S'
#include <fcntl.h>
int f(void);
int f(void)
{
	return open("/", O_RDONLY);
}
S
bad "four levels of nesting" readability-function-size <<'S'
int f(int a);
int f(int a)
{
	if (a) {
		while (a) {
			if (a > 2) {
				if (a > 3) {
					a--;
				}
				a--;
			}
		}
	}
	return a;
}
S
finish
