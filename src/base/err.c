#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int err_set(struct err *reterr, int code, const char *at, const char *fmt, ...)
{
	va_list ap;

	/* an error is never 0, also where a library forgot to set errno */
	if (code <= 0)
		code = EIO;
	if (!reterr)
		return -code;
	reterr->code = code;
	/* Cut text is still better than none. */
	(void)snprintf(reterr->at, sizeof reterr->at, "%s", at ? at : "");
	va_start(ap, fmt);
	(void)vsnprintf(reterr->text, sizeof reterr->text, fmt, ap);
	va_end(ap);
	return -code;
}

void err_prefix(struct err *err, const char *outer)
{
	char inner[ERR_AT_MAX];

	memcpy(inner, err->at, sizeof inner);
	/* A path too long for the field is cut at its inner end. */
	(void)snprintf(err->at, sizeof err->at, "%.79s%s%.79s", outer,
		       inner[0] && inner[0] != '[' ? "." : "", inner);
}

const char *err_code_name(int code)
{
	const char *name = strerrorname_np(code);

	return name ? name : "EUNKNOWN";
}
