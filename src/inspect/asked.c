#include "inspect/asked.h"

#include <string.h>

#include "base/image.h"

static const uint8_t field_of[REQUEST__MAX] = {
#define X(name, text, cased) [REQUEST_##name] = FIELD_##name,
	REQUEST_FIELDS(X)
#undef X
};

enum proto_field asked_field(enum request_field f)
{
	return (enum proto_field)field_of[f];
}

/* The request's field + 1 that a parser's is; 0: none. */
static const uint8_t request_of[FIELD__MAX] = {
#define X(name, text, cased) [FIELD_##name] = REQUEST_##name + 1,
	REQUEST_FIELDS(X)
#undef X
};

/* What was told again leaves its former text behind; that is given up here. */
static void tidy(struct asked *a)
{
	char text[REQUEST_TEXT_MAX];
	uint16_t used = 0;

	for (unsigned i = 0; i < REQUEST__MAX; i++) {
		struct asked_text *t = &a->field[i];

		if (!t->told)
			continue;
		memcpy(text + used, a->text + t->at, t->len + 1u);
		t->at = used;
		used = (uint16_t)(used + t->len + 1);
	}
	memcpy(a->text, text, used);
	a->used = used;
}

/* Who asks, and where, is said once and holds for what is asked then. */
static void next(struct asked *a)
{
	struct asked_text user = a->field[REQUEST_SQL_USER];
	struct asked_text database = a->field[REQUEST_SQL_DATABASE];

	memset(a->field, 0, sizeof a->field);
	a->field[REQUEST_SQL_USER] = user;
	a->field[REQUEST_SQL_DATABASE] = database;
	a->unseen = 0;
	a->cut = a->known = a->over = false;
	tidy(a);
}

/* Ends with NUL, for who wants text. */
static void keep(struct asked *a, struct asked_text *t, struct bytes b)
{
	size_t len = bytes_len(b);

	t->told = true;
	t->at = a->used;
	t->len = (uint16_t)len;
	if (len)
		memcpy(a->text + t->at, b.begin, len);
	a->text[t->at + len] = '\0';
	a->used = (uint16_t)(a->used + len + 1);
}

void asked_tell(struct asked *a, const struct proto_piece *p)
{
	unsigned i = request_of[p->field];

	if (i == 0 || p->side != PROTO_CLIENT)
		return;
	i--;
	if (a->over)
		next(a);
	a->known = false;
	a->field[i].told = false;
	a->unseen &= ~(1u << i);
	if (i == REQUEST_SQL_USER) /* another login, with its own database */
		a->field[REQUEST_SQL_DATABASE].told = false;
	if (p->unseen) {
		a->unseen |= 1u << i;
		return;
	}
	if (a->used + bytes_len(p->bytes) + 1 > REQUEST_TEXT_MAX)
		tidy(a);
	if (p->cut || !p->begin || !p->end ||
	    a->used + bytes_len(p->bytes) + 1 > REQUEST_TEXT_MAX)
		a->cut = true;
	else
		keep(a, &a->field[i], p->bytes);
}

/* What tidy() will put together has room. */
bool asked_is_sound(const struct asked *a)
{
	size_t all = 0;

	if (a->used > REQUEST_TEXT_MAX || a->unseen > REQUEST_UNSEEN_ALL ||
	    !image_is_bool(&a->cut) || !image_is_bool(&a->known) ||
	    !image_is_bool(&a->over))
		return false;
	for (unsigned i = 0; i < REQUEST__MAX; i++) {
		const struct asked_text *t = &a->field[i];

		if (!image_is_bool(&t->told))
			return false;
		if (!t->told)
			continue;
		if (t->at + t->len + 1u > a->used ||
		    a->text[t->at + t->len] != '\0')
			return false;
		all += t->len + 1u;
	}
	return all <= a->used;
}

void asked_whole(struct asked *a)
{
	/* nothing was told of it: it is not the login once more */
	if (a->over && !a->field[REQUEST_SQL_VERB].told)
		a->field[REQUEST_SQL_USER].told = false;
	a->known = true;
}

void asked_end(struct asked *a)
{
	a->over = true;
}

void asked_clear(struct asked *a)
{
	memset(a->field, 0, sizeof a->field);
	a->used = 0;
	a->unseen = 0;
	a->cut = a->known = a->over = false;
}

struct request asked_request(const struct asked *a)
{
	struct request r = request_none;

	r.unseen = a->cut ? REQUEST_UNSEEN_ALL : a->unseen;
	for (unsigned i = 0; i < REQUEST__MAX; i++)
		if (a->field[i].told)
			r.value[i] = bytes_of((const uint8_t *)a->text +
						      a->field[i].at,
					      a->field[i].len);
	return r;
}

const char *asked_host(const struct asked *a)
{
	const struct asked_text *t = &a->field[REQUEST_HTTP_HOST];

	if (!t->told)
		t = &a->field[REQUEST_TLS_SNI];
	if (!t->told || memchr(a->text + t->at, '\0', t->len))
		return "";
	return a->text + t->at;
}
