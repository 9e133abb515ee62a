/*
 * Does the policy have a rule already for what is proposed? By its words alone:
 * without knowing who runs where, so of an older list no more than that is said.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "intent/model.h"

/* One proposal: its ends, as words of rules; and its application, or its ports. */
struct proposed {
	const char *from, *to;
	uint8_t from_kind, to_kind; /* enum ref_kind */
	uint32_t app;		    /* 0: the ports */
	struct port_word port;
};

struct settled {
	const struct intent *i; /* borrowed */
	uint64_t now;
	uint32_t *start, *rules; /* of each word: the rules that are from it */
};

/* false: out of memory. To be ended by settled_done() either way. */
bool settled_init(struct settled *s, const struct intent *i, uint64_t now);
void settled_done(struct settled *s);
/* The first rule that speaks of all of it allows it, forbids it, or tells of it. */
bool settled_has(const struct settled *s, const struct proposed *p);
