#!/bin/bash
# Each header compiles alone, and twice.
. "$(dirname "$0")/lib.sh"

check=$SRC/tools/check-headers
passes "each header compiles alone" "$check"

write good.h <<<$'#pragma once\n#include <stdint.h>\nstruct a {\n\tuint8_t b;\n};'
passes "a self-contained header is not flagged" "$check" "$sample/good.h"
write bad.h <<<$'#pragma once\nstruct a {\n\tuint8_t b;\n};'
flags "a header that leans on another" 'bad.h: does not compile' \
    "$check" "$sample/bad.h"
write twice.h <<<$'struct a {\n\tint b;\n};'
flags "a header without #pragma once" 'redefinition' "$check" "$sample/twice.h"
finish
