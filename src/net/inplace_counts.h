/*
 * The counters of ports, for src/net/inplace.c; what others read of them is
 * inplace_counts_of() there.
 */
#pragma once

#include <stdint.h>

#include "bpf/inplace.h"

/* All zero, one of each possible CPU, the caller's. NULL: out of memory. */
struct inplace_counts *inplace_counts_new(int *ret_cpus);
/* Of one port, by the map's descriptor; zero where they cannot be read. */
void inplace_counts_sum(int map, uint32_t port, struct inplace_counts *ret);
