#include "wire/has_text.h"

#include <stdint.h>
#include <string.h>

/* What is told is a few levels deep; what is deeper is not looked into. */
#define DEPTH_MAX 6

/* NOLINTNEXTLINE(misc-no-recursion): at most DEPTH_MAX deep */
static bool has_text(const json_t *v, const char *part, int depth)
{
	const char *name;
	json_t *m;
	size_t i;

	if (json_is_string(v))
		return strcasestr(json_string_value(v), part);
	if (depth == DEPTH_MAX)
		return false;
	json_object_foreach ((json_t *)(uintptr_t)v, name, m)
		if (has_text(m, part, depth + 1))
			return true;
	json_array_foreach (v, i, m)
		if (has_text(m, part, depth + 1))
			return true;
	return false;
}

bool json_has_text(const json_t *v, const char *part)
{
	return has_text(v, part, 0);
}
