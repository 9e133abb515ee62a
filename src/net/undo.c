#include "net/undo.h"

#include "base/bug.h"

void undo_push(struct undo *u, const char *what,
	       int (*fn)(void *arg, struct err *reterr), void *arg)
{
	BUG_ON(u->len == UNDO_STEPS_MAX);
	u->step[u->len++] = (struct undo_step){ what, fn, arg };
}

int undo_run(struct undo *u, struct err *reterr)
{
	int first = 0;

	while (u->len > 0) {
		const struct undo_step *s = &u->step[--u->len];
		struct err err = { 0 };
		int r = s->fn(s->arg, &err);

		if (r == 0 || first != 0)
			continue;
		first = err_set(reterr, -r, err.at, "%s: %s", s->what,
				err.text);
	}
	return first;
}

void undo_commit(struct undo *u)
{
	u->len = 0;
}
