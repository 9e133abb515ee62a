#include "api/span.h"

#include <string.h>

static void skip_blanks(struct span_walk *w)
{
	while (w->at < w->end && (*w->at == ' ' || *w->at == '\t' ||
				  *w->at == '\r' || *w->at == '\n'))
		w->at++;
}

/* Behind the text that begins at its quote; NULL: it has no end. */
static const char *text_end(const char *at, const char *end)
{
	for (at++; at < end; at++) {
		if (*at == '"')
			return at + 1;
		if (*at == '\\')
			at++;
	}
	return NULL;
}

/* Behind a value that is an object or an array. */
static const char *nest_end(const char *at, const char *end)
{
	size_t depth = 0;

	while (at && at < end) {
		if (*at == '"') {
			at = text_end(at, end);
			continue;
		}
		if (*at == '{' || *at == '[')
			depth++;
		if ((*at == '}' || *at == ']') && --depth == 0)
			return at + 1;
		at++;
	}
	return NULL;
}

static const char *word_end(const char *at, const char *end)
{
	const char *begin = at;

	while (at < end && *at != ',' && *at != '}' && *at != ']' &&
	       *at != ' ' && *at != ':' && *at != '"')
		at++;
	return at > begin ? at : NULL;
}

static bool take_value(struct span_walk *w, struct span *ret)
{
	const char *end = NULL;

	skip_blanks(w);
	if (w->at < w->end)
		end = *w->at == '"' ? text_end(w->at, w->end)
		      : *w->at == '{' || *w->at == '['
			      ? nest_end(w->at, w->end)
			      : word_end(w->at, w->end);
	if (!end)
		return false;
	*ret = (struct span){ w->at, (size_t)(end - w->at) };
	w->at = end;
	return true;
}

static struct span_walk begin(struct span s, char open)
{
	struct span_walk w = { s.at, s.at + s.len, false };

	skip_blanks(&w);
	if (w.at < w.end && *w.at == open)
		w.at++;
	else
		w.failed = true;
	return w;
}

struct span_walk span_members(struct span object)
{
	return begin(object, '{');
}

struct span_walk span_elements(struct span array)
{
	return begin(array, '[');
}

/* Is there another one? Steps over what divides them. */
static bool more(struct span_walk *w, char close)
{
	if (w->failed)
		return false;
	skip_blanks(w);
	if (w->at < w->end && *w->at == ',') {
		w->at++;
		skip_blanks(w);
	}
	if (w->at < w->end && *w->at != close)
		return true;
	w->failed = w->at >= w->end;
	return false;
}

bool span_next_member(struct span_walk *w, struct span *ret_name,
		      struct span *ret_value)
{
	struct span name, value;

	if (!more(w, '}'))
		return false;
	w->failed = true;
	if (*w->at != '"' || !take_value(w, &name))
		return false;
	skip_blanks(w);
	if (w->at >= w->end || *w->at != ':')
		return false;
	w->at++;
	if (!take_value(w, &value))
		return false;
	w->failed = false;
	*ret_name = (struct span){ name.at + 1, name.len - 2 };
	*ret_value = value;
	return true;
}

bool span_next_element(struct span_walk *w, struct span *ret)
{
	if (!more(w, ']'))
		return false;
	w->failed = !take_value(w, ret);
	return !w->failed;
}

bool span_is(struct span s, const char *text)
{
	return s.len == strlen(text) && memcmp(s.at, text, s.len) == 0;
}

struct span span_member(struct span object, const char *name)
{
	struct span_walk w = span_members(object);
	struct span n, value;

	while (span_next_member(&w, &n, &value))
		if (span_is(n, name))
			return value;
	return (struct span){ NULL, 0 };
}
