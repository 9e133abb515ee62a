/*
 * Kinds of secrets that sensors look for: a pattern that finds candidates, and a
 * check that tells a card number from another number of sixteen digits. And how
 * one is told of without being told.
 *
 * Pure; any thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/limits.h"

struct secret_kind {
	const char *name;  /* "card_number": stable, as sensors name it */
	const char *title; /* for people */
	const char *regex; /* PCRE2; what it matches is a candidate */
	/* Is a candidate one? NULL: each is. */
	bool (*check)(struct bytes candidate);
	/* How many letters and digits of it may be shown, at its ends. */
	uint8_t show_first, show_last;
	bool is_long; /* it may have more than SENSOR_WINDOW_MIN bytes */
	/*
	 * For a search through much. Of kinds that are mostly digits: what their
	 * first bytes are (detect/secret_seek.h), and whether there may be one;
	 * NULL: yes. Of others: a plain expression of few bytes that is in each
	 * match; NULL: regex is as good.
	 */
	const char *lead;
	bool (*likely)(struct bytes from); /* up to the end of all */
	const char *hint;
};

/* NULL behind the last. Static storage. */
const struct secret_kind *secret_kind_at(unsigned i);
/* NULL: there is none of that name. */
const struct secret_kind *secret_kind_find(const char *name);

/*
 * The match with a '*' for each letter and digit but for the first and last
 * ones that may be shown, never more than half of them; other printable
 * characters stay, so that its form is seen; the rest is '.'. Cut, with "..."
 * at its end, where it is longer than buf. k may be NULL: nothing is shown.
 * Returns buf.
 */
const char *secret_mask(const struct secret_kind *k, struct bytes match,
			char *buf, size_t size /* at least 8 */);
