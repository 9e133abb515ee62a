#include <errno.h>
#include <string.h>

#include "base/bug.h"
#include "net/inplace.h"

static const char *const mode_names[] = { "pass", "tap", "inline", "quarantine",
					  "hold" };
_Static_assert(sizeof mode_names / sizeof *mode_names == INPLACE_MODE__MAX,
	       "a name for each mode");
static const char *const failure_names[] = { "closed", "open" };
_Static_assert(sizeof failure_names / sizeof *failure_names ==
		       INPLACE_FAILURE__MAX,
	       "a name for each");
static const char *const hold_names[] = { "drop", "pass" };
_Static_assert(sizeof hold_names / sizeof *hold_names == INPLACE_HOLD__MAX,
	       "a name for each");

const char *inplace_mode_name(enum inplace_mode m)
{
	BUG_ON((unsigned)m >= INPLACE_MODE__MAX);
	return mode_names[m];
}

const char *inplace_failure_name(enum inplace_failure f)
{
	BUG_ON((unsigned)f >= INPLACE_FAILURE__MAX);
	return failure_names[f];
}

const char *inplace_hold_name(enum inplace_hold h)
{
	BUG_ON((unsigned)h >= INPLACE_HOLD__MAX);
	return hold_names[h];
}

/* Which of n names it is; -EINVAL: none. */
static int find_name(const char *const *names, int n, const char *name)
{
	for (int i = 0; i < n; i++)
		if (strcmp(name, names[i]) == 0)
			return i;
	return -EINVAL;
}

int inplace_mode_parse(const char *name, enum inplace_mode *ret,
		       struct err *reterr)
{
	int i = find_name(mode_names, INPLACE_MODE__MAX, name);

	if (i < 0)
		return err_set(reterr, EINVAL, NULL,
			       "\"%s\" is no mode; expected pass, tap, inline, "
			       "quarantine or hold",
			       name);
	*ret = (enum inplace_mode)i;
	return 0;
}

int inplace_failure_parse(const char *name, enum inplace_failure *ret,
			  struct err *reterr)
{
	int i = find_name(failure_names, INPLACE_FAILURE__MAX, name);

	if (i < 0)
		return err_set(reterr, EINVAL, NULL,
			       "\"%s\" is not understood; expected open or "
			       "closed",
			       name);
	*ret = (enum inplace_failure)i;
	return 0;
}

int inplace_hold_parse(const char *name, enum inplace_hold *ret,
		       struct err *reterr)
{
	int i = find_name(hold_names, INPLACE_HOLD__MAX, name);

	if (i < 0)
		return err_set(reterr, EINVAL, NULL,
			       "\"%s\" is not understood; expected drop or "
			       "pass",
			       name);
	*ret = (enum inplace_hold)i;
	return 0;
}
