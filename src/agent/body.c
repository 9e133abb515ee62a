#include "agent/body.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/bug.h"
#include "base/limits.h"
#include "base/text.h"

struct body *body_new(char *text)
{
	struct body *b = text ? calloc(1, sizeof *b) : NULL;
	struct text t = { 0 };
	size_t len;

	if (!b) {
		free(text);
		return NULL;
	}
	len = strlen(text);
	BUG_ON(text[0] != '{');
	/* one of so many: that two are the same by chance does not happen */
	b->version = XXH3_64bits(text, len) % POLICY_VERSION_MAX + 1;
	text_addf(&t, "{\"force\":true,\"version\":%llu%s",
		  (unsigned long long)b->version, text[1] == '}' ? "" : ",");
	text_add(&t, text + 1, len - 1);
	free(text);
	b->text = text_take(&t);
	b->users = 1;
	if (b->text)
		return b;
	free(b);
	return NULL;
}

struct body *body_get(struct body *b)
{
	if (b)
		atomic_fetch_add(&b->users, 1);
	return b;
}

void body_put(struct body *b)
{
	if (!b || atomic_fetch_sub(&b->users, 1) > 1)
		return;
	free(b->text);
	free(b);
}
