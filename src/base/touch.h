/*
 * Memory that is about to be written, and not while frames wait: a table's memory is
 * the kernel's until it is used, page by page, and the first use of a page costs more
 * than what it is used for (in some virtual machines a hundred times more).
 */
#pragma once

#include <stddef.h>

/* The pages of len bytes at `at`, which nobody else writes, are there afterwards. */
void touch_memory(void *at, size_t len);
