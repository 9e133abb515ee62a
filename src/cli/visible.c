#include "cli/visible.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "base/utf8.h"

/* "\u202e" and its NUL. */
#define ESCAPE_MAX 8

static void escape(unsigned c, char buf[static ESCAPE_MAX])
{
	if (c == '\n' || c == '\t' || c == '\r')
		(void)snprintf(buf, ESCAPE_MAX, "\\%c",
			       c == '\n'   ? 'n'
			       : c == '\t' ? 't'
					   : 'r');
	else if (c < 0x80)
		(void)snprintf(buf, ESCAPE_MAX, "\\x%02x", c);
	else
		(void)snprintf(buf, ESCAPE_MAX, "\\u%04x", c & 0xffff);
}

const char *visible_text(const char *text, char *buf, size_t size)
{
	size_t len = 0;

	BUG_ON(size < ESCAPE_MAX);
	while (*text && len + ESCAPE_MAX < size) {
		unsigned c;
		size_t n = utf8_hidden(text, &c);

		if (n)
			escape(c, buf + len);
		else
			(void)snprintf(buf + len, 2, "%c", *text);
		len += strlen(buf + len);
		text += n ? n : 1;
	}
	buf[len] = '\0';
	return buf;
}

static bool is_visible(const char *s)
{
	unsigned c;

	for (; *s; s++)
		if (utf8_hidden(s, &c))
			return false;
	return true;
}

/* NULL: it may be printed as it is; else the caller's. */
static char *visible_copy(const char *s)
{
	size_t size = strlen(s) * ESCAPE_MAX + ESCAPE_MAX + 1;
	char *copy;

	if (is_visible(s))
		return NULL;
	copy = malloc(size);
	if (!copy)
		die("out of memory");
	(void)visible_text(s, copy, size);
	return copy;
}

static void make_string(json_t *v)
{
	char *copy = visible_copy(json_string_value(v));

	if (!copy)
		return;
	/* one in which NUL stands would end there; and it is UTF-8 still */
	if (json_string_set_nocheck(v, copy) < 0)
		die("out of memory");
	free(copy);
}

/* NOLINTNEXTLINE(misc-no-recursion) */
static void make_object(json_t *o)
{
	json_t *v, *renamed = json_object();
	const char *name;
	void *next;

	json_object_foreach_safe (o, next, name, v) {
		char *copy = visible_copy(name);

		visible_make(v);
		if (!copy)
			continue;
		if (json_object_set_nocheck(renamed, copy, v) < 0)
			die("out of memory");
		(void)json_object_del(o, name);
		free(copy);
	}
	if (json_object_update(o, renamed) < 0)
		die("out of memory");
	json_decref(renamed);
}

/* As deep as JSON that was read may be (JSON_PARSER_MAX_DEPTH). */
/* NOLINTNEXTLINE(misc-no-recursion) */
void visible_make(json_t *value)
{
	json_t *v;
	size_t i;

	if (json_is_string(value))
		make_string(value);
	else if (json_is_object(value))
		make_object(value);
	json_array_foreach (value, i, v)
		visible_make(v);
}
