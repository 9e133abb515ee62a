#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BYTES  4096
#define FORMAT_BYTES 128 /* so much mostly fits */

static bool make_room(struct text *t, size_t more)
{
	size_t size = t->size ? t->size : FIRST_BYTES;
	char *grown;

	if (t->failed || more <= t->size - t->len)
		return !t->failed;
	while (size - t->len < more)
		size *= 2;
	grown = realloc(t->at, size);
	if (!grown) {
		t->failed = true;
		return false;
	}
	t->at = grown;
	t->size = size;
	return true;
}

void text_add(struct text *t, const char *bytes, size_t len)
{
	if (len == 0 || !make_room(t, len))
		return;
	memcpy(t->at + t->len, bytes, len);
	t->len += len;
}

void text_add_word(struct text *t, const char *word)
{
	text_add(t, word, strlen(word));
}

void text_addf(struct text *t, const char *fmt, ...)
{
	va_list args;
	int n;

	if (!make_room(t, FORMAT_BYTES))
		return;
	va_start(args, fmt);
	n = vsnprintf(t->at + t->len, t->size - t->len, fmt, args);
	va_end(args);
	if (n >= 0 && (size_t)n >= t->size - t->len) {
		/* and its NUL, which the next one overwrites */
		if (!make_room(t, (size_t)n + 1))
			return;
		va_start(args, fmt);
		n = vsnprintf(t->at + t->len, t->size - t->len, fmt, args);
		va_end(args);
	}
	t->failed |= n < 0;
	t->len += n < 0 ? 0 : (size_t)n;
}

char *text_take(struct text *t)
{
	char *whole, *less;

	text_add(t, "", 1);
	if (t->failed) {
		text_done(t);
		return NULL;
	}
	whole = t->at;
	less = realloc(whole, t->len); /* half of it may be room */
	*t = (struct text){ 0 };
	return less ? less : whole;
}

void text_done(struct text *t)
{
	free(t->at);
	*t = (struct text){ 0 };
}
