/*
 * The memory of nDPI while frames are on their way: places of five sizes, taken
 * once, given out and back in constant time. Only for src/detect/breadth.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct breadth_memory;

/* NULL: out of memory. */
struct breadth_memory *breadth_memory_new(void);
void breadth_memory_free(struct breadth_memory *m);
/* NULL: too long, or none is left. */
void *breadth_memory_take(struct breadth_memory *m, size_t size);
/* false: it is not from here. */
bool breadth_memory_give_back(struct breadth_memory *m, void *p);
/* Is enough left for whatever one packet may need? */
bool breadth_memory_suffices(const struct breadth_memory *m);
uint32_t breadth_memory_in_use(const struct breadth_memory *m);
uint32_t breadth_memory_limit(void);
