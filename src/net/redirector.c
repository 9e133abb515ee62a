#include "net/redirector.h"

#include <errno.h>
#include <string.h>

#include "base/bug.h"

static const char *const redirector_names[] = {
	[REDIRECTOR_BPF] = "bpf",
	[REDIRECTOR_U32] = "u32",
};
_Static_assert(sizeof(redirector_names) / sizeof(*redirector_names) ==
		       REDIRECTOR__MAX,
	       "a name for each redirector");

static const char *const mode_names[] = {
	[DIVERT_PASS] = "pass",
	[DIVERT_INLINE] = "inline",
};
_Static_assert(sizeof(mode_names) / sizeof(*mode_names) == DIVERT_MODE__MAX,
	       "a name for each mode");

const char *redirector_name(enum redirector r)
{
	BUG_ON((unsigned)r >= REDIRECTOR__MAX);
	return redirector_names[r];
}

const char *divert_mode_name(enum divert_mode m)
{
	BUG_ON((unsigned)m >= DIVERT_MODE__MAX);
	return mode_names[m];
}

int redirector_parse(const char *name, enum redirector *ret, struct err *reterr)
{
	for (unsigned i = 0; i < REDIRECTOR__MAX; i++) {
		if (strcmp(name, redirector_names[i]) == 0) {
			*ret = (enum redirector)i;
			return 0;
		}
	}
	return err_set(reterr, EINVAL, NULL,
		       "\"%s\" is no redirector; expected bpf or u32", name);
}

int divert_mode_parse(const char *name, enum divert_mode *ret,
		      struct err *reterr)
{
	for (unsigned i = 0; i < DIVERT_MODE__MAX; i++) {
		if (strcmp(name, mode_names[i]) == 0) {
			*ret = (enum divert_mode)i;
			return 0;
		}
	}
	return err_set(reterr, EINVAL, NULL,
		       "\"%s\" is no mode; expected pass or inline", name);
}
