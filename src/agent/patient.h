/*
 * Memory for what somebody waits for, or what is told only once.
 */
#pragma once

#include <stddef.h>

/* Zeroed. Waits up to a second, for there may be some then; NULL: there is none. */
void *patient_calloc(size_t size);
