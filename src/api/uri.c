#include "api/uri.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Text without control characters? */
static bool is_clean(const char *s)
{
	while (*s) {
		size_t n = utf8_char(s);

		if (n == 0 || (unsigned char)*s < ' ' || *s == 0x7f)
			return false;
		s += n;
	}
	return true;
}

/*
 * Decodes s[0..len) to *to with a NUL, and moves *to behind it; NULL: it is
 * wrong. plus: "+" is a blank.
 */
static const char *decode(const char *s, size_t len, bool plus, char **to)
{
	const char *result = *to;
	char *t = *to;

	for (size_t i = 0; i < len; i++) {
		int high, low;

		if (s[i] != '%') {
			*t++ = plus && s[i] == '+' ? ' ' : s[i];
			continue;
		}
		high = len - i > 2 ? hex_value(s[i + 1]) : -1;
		low = len - i > 2 ? hex_value(s[i + 2]) : -1;
		if (high < 0 || low < 0 || (high == 0 && low == 0))
			return NULL;
		*t++ = (char)(high << 4 | low);
		i += 2;
	}
	*t++ = '\0';
	*to = t;
	return is_clean(result) ? result : NULL;
}

static int no_path(struct err *reterr)
{
	return err_set(reterr, ENOENT, "path", "there is nothing by that path");
}

/* "/a/b" up to end. */
static int parse_path(const char *s, const char *end, struct uri *u, char **to,
		      struct err *reterr)
{
	while (s < end) {
		const char *slash = memchr(s + 1, '/', (size_t)(end - s - 1));
		const char *next = slash ? slash : end;
		const char *part;

		if (*s != '/' || u->n_parts == API_PATH_PARTS_MAX)
			return no_path(reterr);
		if (next == s + 1 && next == end && u->n_parts == 0)
			return 0; /* "/" alone */
		part = decode(s + 1, (size_t)(next - s - 1), false, to);
		if (!part || !part[0] || strlen(part) > API_PATH_PART_MAX ||
		    strcmp(part, ".") == 0 || strcmp(part, "..") == 0)
			return no_path(reterr);
		u->parts[u->n_parts++] = part;
		s = next;
	}
	return 0;
}

static int add_arg(struct uri *u, const char *s, size_t len, char **to,
		   struct err *reterr)
{
	const char *equals = memchr(s, '=', len);
	size_t name_len = equals ? (size_t)(equals - s) : len;
	struct uri_arg a;

	if (len == 0)
		return 0;
	if (u->n_args == API_QUERY_MAX)
		return err_set(reterr, EINVAL, "query", "at most %d arguments",
			       API_QUERY_MAX);
	a.name = decode(s, name_len, true, to);
	a.value = a.name ? decode(equals ? equals + 1 : s + len,
				  equals ? len - name_len - 1 : 0, true, to)
			 : NULL;
	if (!a.value)
		return err_set(reterr, EINVAL, "query",
			       "expected %%XX escapes of UTF-8 without control "
			       "characters");
	for (size_t i = 0; i < u->n_args; i++)
		if (strcmp(u->args[i].name, a.name) == 0)
			return err_set(reterr, EINVAL, a.name, "comes twice");
	u->args[u->n_args++] = a;
	return 0;
}

int uri_parse(const char *target, struct uri *ret, struct err *reterr)
{
	size_t len = strlen(target);
	const char *question = strchr(target, '?');
	char *to;
	int rc;

	*ret = (struct uri){ 0 };
	if (len > API_URI_MAX || target[0] != '/')
		return no_path(reterr);
	/* each part and argument has its NUL in place of what divides them */
	to = ret->text = malloc(2 * len + 4);
	if (!to)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	rc = parse_path(target, question ? question : target + len, ret, &to,
			reterr);
	for (const char *s = question; rc == 0 && s;) {
		const char *next = strchr(s + 1, '&');

		rc = add_arg(ret, s + 1,
			     next ? (size_t)(next - s - 1) : strlen(s + 1), &to,
			     reterr);
		s = next;
	}
	return rc;
}

void uri_done(struct uri *u)
{
	free(u->text);
	*u = (struct uri){ 0 };
}
