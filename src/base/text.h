/*
 * A text that grows, as it is written piece by piece. All 0 is the empty one.
 * Out of memory is remembered: what is added from then on is lost, and
 * text_take() says so; nobody has to look in between.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct text {
	char *at; /* owned; without NUL, NULL while empty */
	size_t len, size;
	bool failed;
};

void text_add(struct text *t, const char *bytes, size_t len);
/* What ends with a NUL, without it. */
void text_add_word(struct text *t, const char *word);
void text_addf(struct text *t, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* What it has come to, with a NUL, the caller's; NULL: out of memory. */
char *text_take(struct text *t);
void text_done(struct text *t);
