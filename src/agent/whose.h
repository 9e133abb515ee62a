/*
 * Whose MAC or address something is: an index for the ten thousand connections a
 * second that may be told of. Made whole, then only asked.
 */
#pragma once

#include <stdint.h>

#include "base/addr.h"

struct whose;
struct workload;

struct whose_key {
	uint8_t b[16];
};

struct whose_key whose_mac(struct mac mac);
struct whose_key whose_addr(struct ip_addr a);

/* NULL: out of memory. */
struct whose *whose_new(void);
void whose_free(struct whose *x); /* NULL is accepted */
/* The first of a key stays. Out of memory: is not in it. */
void whose_add(struct whose *x, struct whose_key k, struct workload *w);
struct workload *whose_find(const struct whose *x, struct whose_key k);
