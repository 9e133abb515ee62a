/* A small file of ours, read whole: a configuration. */
#pragma once

#include <stddef.h>

#include "base/err.h"

/*
 * Its bytes, which the caller frees, and how many; NUL stands behind them. NULL
 * and *reterr (at: path): -ENOENT and the like; -E2BIG if it is no regular file
 * or has more than max bytes; -EIO if it became shorter meanwhile.
 */
char *file_load(const char *path, size_t max, size_t *ret_len,
		struct err *reterr);
