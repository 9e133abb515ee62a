/*
 * A number for the calling thread's network namespace that no other one gets
 * until the next boot: its cookie (Linux 5.14). An older kernel has only the
 * inode's number, which a later namespace may get again.
 */
#pragma once

#include <stdint.h>

#include "base/err.h"

int own_netns_id(uint64_t *ret, struct err *reterr);
