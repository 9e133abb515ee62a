/*
 * What a piece of code writes to stderr, for tests of logging.
 */
#pragma once

#include <stddef.h>

/*
 * Runs fn(arg) with stderr going to a memory file; copies what it wrote to
 * buf, cut to len - 1, NUL-terminated. Returns buf. The main thread.
 */
const char *stderr_of(void (*fn)(void *arg), void *arg, char *buf, size_t len);
