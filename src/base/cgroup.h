/* What memory this process may have, by the control groups that it is in. */
#pragma once

#include <stdint.h>

#include "base/err.h"

/*
 * The least limit of its own group and of those above it, in bytes: memory.max of
 * version 2, memory.limit_in_bytes of version 1, as far as they are mounted here. 0:
 * there is none. root: before each path, "" but in tests. -errno and *reterr where
 * what the kernel says of it cannot be read.
 */
int cgroup_memory_limit(const char *root, uint64_t *ret, struct err *reterr);
