#!/bin/bash
# Who changes a struct that lies in an image gives its part another version.
. "$(dirname "$0")/lib.sh"

check=$SRC/tools/check-image
passes "the layouts are the recorded ones" "$check"

part() { # MEMBERS VERSION [FLAGS [COMPILER]]
    write src/base/a.c <<S
#include <stdbool.h>
#include <stdint.h>
struct part { int version; };
#define IMAGE_PART(id, part_name, type, part_version) \\
	static const struct part id = { (part_version) + sizeof(type) - sizeof(type) }
struct inner {
	uint8_t a : 3, b : 5;
	bool c;
	$1
};
struct outer {
	struct inner inners[2][3];
	struct outer *next;
};
/* IMAGE_PART(none, "none", int, 1); */
IMAGE_PART(the_part, "things", struct outer, $2);
IMAGE_PART(the_bytes, "bytes", uint8_t[4],
	   1);
S
    write build-clang/compile_commands.json <<S
[{"directory": "$sample", "file": "src/base/a.c", "command":
  "${4:-gcc} ${3:-} -MD -MF a.d -o a.o -c src/base/a.c"}]
S
}

part 'int16_t d;' 1
flags "a part that is not recorded" 'a.c:16: part "things" version 1 is not recorded' \
    "$check" "$sample"
passes "it is recorded" "$check" "$sample" --record
passes "and known" "$check" "$sample"
passes "in two lines, in order" test "$(cut -d' ' -f1-3 "$sample/src/base/image.layouts")" = \
    $'src/base/a.c bytes 1\nsrc/base/a.c things 1'
part 'int16_t d;' 1 "-O2 -fsanitize=address,undefined"
passes "a sanitizer changes nothing" "$check" "$sample"
part 'int16_t d;' 1 "" clang
passes "nor does another compiler" "$check" "$sample"
for members in 'int16_t e;' 'uint16_t d;' 'int8_t e, d;' 'int16_t d; int8_t e;' \
    'enum { X } d;'; do
    part "$members" 1
    flags "a member within it: $members" 'struct outer changed: give part "things" version 2' \
        "$check" "$sample"
done
flags "that is not recorded" 'struct outer changed' "$check" "$sample" --record
part 'uint16_t d;' 2
flags "another version is to be recorded" 'version 2 is not recorded' "$check" "$sample"
passes "as it can be" "$check" "$sample" --record
passes "and is known then" "$check" "$sample"
part 'uint16_t d;' 1
flags "no version comes again" 'give part "things" version 3' "$check" "$sample"
part 'uint16_t d;' 2
echo 'src/base/b.c gone 1 0123456789abcdef' >>"$sample/src/base/image.layouts"
flags "a part that is gone" 'src/base/b.c: there is no part "gone"' "$check" "$sample"
part 'nonsense d;' 2
flags "what does not compile" 'a.c: does not compile' "$check" "$sample"
rm "$sample/build-clang/compile_commands.json"
flags "without a build" 'compile_commands.json is not there: run' "$check" "$sample"
fresh
flags "nothing to check" 'no IMAGE_PART' "$check" "$sample"
finish
