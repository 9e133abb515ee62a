#include "wire/reason.h"

static const struct {
	const char *name, *text;
	char kind;
} table[] = {
#define X(id, name, kind, what) [REASON_##id] = { name, what, #kind[0] },
	REASONS(X)
#undef X
};
_Static_assert(sizeof table / sizeof *table == REASON__MAX, "one row each");

const char *reason_name(enum reason r)
{
	return table[r].name;
}

const char *reason_text(enum reason r)
{
	return table[r].text;
}

char reason_kind(enum reason r)
{
	return table[r].kind;
}
