/*
 * Pieces of JSON text, found without making a tree of it: an answer of ten
 * thousand rules is 3 MiB as text and 40 as values. What is walked over is the
 * agent's; text that is no JSON ends a walk early, and is read nowhere beyond.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct span {
	const char *at; /* borrowed */
	size_t len;
};

/* Through the members of an object, or the elements of an array. */
struct span_walk {
	const char *at, *end;
	bool failed; /* it is no such thing */
};

struct span_walk span_members(struct span object);
/* name: without its quotes, escapes as they are. */
bool span_next_member(struct span_walk *w, struct span *ret_name,
		      struct span *ret_value);
struct span_walk span_elements(struct span array);
bool span_next_element(struct span_walk *w, struct span *ret);

/* The value of a member; len 0: there is none. */
struct span span_member(struct span object, const char *name);
bool span_is(struct span s, const char *text);
