#include "fleet/version.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/limits_fleet.h"
#include "base/text.h"
#include "fleet/pack.h"

#define FORM 1

void version_done(struct version *v)
{
	free(v->text);
	*v = (struct version){ 0 };
}

static uint32_t crc_of(const char *text, size_t len)
{
	struct bytes b = bytes_of(text, len);

	return crc32c_end(crc32c_add(CRC32C_START, b));
}

/* Where two texts differ: what is before and behind is alike. */
struct cut {
	size_t at, cut, put;
};

static struct cut cut_between(const struct version *old, const char *text,
			      size_t len)
{
	size_t most = old->len < len ? old->len : len, head = 0, tail = 0;

	while (head < most && old->text[head] == text[head])
		head++;
	while (tail < most - head &&
	       old->text[old->len - 1 - tail] == text[len - 1 - tail])
		tail++;
	return (struct cut){ head, old->len - head - tail, len - head - tail };
}

static void text_add_json(struct text *t, const json_t *o)
{
	char *line = json_dumps(o, JSON_COMPACT);

	if (line)
		text_add_word(t, line);
	else
		t->failed = true;
	free(line);
}

static json_t *head_of(const char *text, size_t len, const char *id,
		       const json_t *about, uint64_t after)
{
	return json_pack("{s:i, s:s, s:O, s:I, s:I, s:I}", "v", FORM, "id", id,
			 "about", about, "size", (json_int_t)len, "crc",
			 (json_int_t)crc_of(text, len), "after",
			 (json_int_t)after);
}

static bool say_change(json_t *head, const struct cut *c)
{
	return json_object_set_new(head, "at",
				   json_integer((json_int_t)c->at)) == 0 &&
	       json_object_set_new(head, "cut",
				   json_integer((json_int_t)c->cut)) == 0;
}

char *version_write(const struct version *last, const char *text, size_t len,
		    const char *id, const json_t *about, size_t *ret_len,
		    struct err *reterr)
{
	bool whole = last->revision == 0 ||
		     last->revision - last->whole >= FLEET_WHOLE_EVERY;
	struct cut c = whole ? (struct cut){ 0, 0, len }
			     : cut_between(last, text, len);
	json_t *head = head_of(text, len, id, about, last->revision);
	struct text t = { 0 };
	size_t packed_len = 0;
	char *packed;

	if (!head || (!whole && !say_change(head, &c))) {
		json_decref(head);
		(void)err_set(reterr, ENOMEM, NULL, "out of memory");
		return NULL;
	}
	packed = pack_text(text + c.at, c.put, &packed_len, reterr);
	if (!packed) {
		json_decref(head);
		return NULL;
	}
	text_add_json(&t, head);
	text_add(&t, "\n", 1);
	text_add(&t, packed, packed_len);
	free(packed);
	json_decref(head);
	*ret_len = t.len;
	if (t.len > FLEET_MESSAGE_MAX) {
		text_done(&t);
		(void)err_set(reterr, E2BIG, NULL, "more than %d bytes",
			      FLEET_MESSAGE_MAX);
		return NULL;
	}
	packed = text_take(&t);
	if (!packed)
		(void)err_set(reterr, ENOMEM, NULL, "out of memory");
	return packed;
}

/* --- reading --------------------------------------------------------------- */

static int no_version(struct err *reterr, const char *why)
{
	return err_set(reterr, EPROTO, NULL, "is no version of a policy: %s",
		       why);
}

/* A whole number 0..max of the head; false: it is none. */
static bool number(const json_t *head, const char *name, uint64_t max,
		   uint64_t *ret)
{
	const json_t *v = json_object_get(head, name);

	if (!json_is_integer(v) || json_integer_value(v) < 0 ||
	    (uint64_t)json_integer_value(v) > max)
		return false;
	*ret = (uint64_t)json_integer_value(v);
	return true;
}

struct head {
	bool whole;
	uint64_t size, crc, after, at, cut;
};

static int read_head(const json_t *o, struct head *ret, struct err *reterr)
{
	uint64_t form = 0;

	*ret = (struct head){ .whole = !json_object_get(o, "cut") };
	if (!number(o, "v", INT64_MAX, &form) || form == 0)
		return no_version(reterr, "of no form");
	if (form > FORM)
		return err_set(reterr, EOPNOTSUPP, NULL,
			       "the fleet's policy is written by a later Weir, "
			       "in a form that this one does not know");
	if (!number(o, "size", FLEET_UNPACKED_MAX, &ret->size) ||
	    !number(o, "crc", UINT32_MAX, &ret->crc) ||
	    !number(o, "after", INT64_MAX, &ret->after) ||
	    !json_is_string(json_object_get(o, "id")) ||
	    !json_is_object(json_object_get(o, "about")))
		return no_version(reterr, "a member is missing");
	if (!ret->whole && (!number(o, "at", FLEET_UNPACKED_MAX, &ret->at) ||
			    !number(o, "cut", FLEET_UNPACKED_MAX, &ret->cut)))
		return no_version(reterr, "of what it is a change");
	return 0;
}

/* Takes what was packed. */
static int make_text(const struct version *v, const struct head *h,
		     char *packed, size_t len, char **ret, struct err *reterr)
{
	size_t tail = h->whole ? 0 : v->len - h->at - h->cut;
	char *text;

	if (h->whole) {
		text = packed;
	} else {
		text = malloc(h->at + len + tail + 1);
		if (text) {
			memcpy(text, v->text, h->at);
			memcpy(text + h->at, packed, len);
			memcpy(text + h->at + len, v->text + h->at + h->cut,
			       tail);
			text[h->at + len + tail] = '\0';
		}
		free(packed);
	}
	if (!text)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	if (h->at + len + tail != h->size || crc_of(text, h->size) != h->crc) {
		free(text);
		return err_set(reterr, ESTALE, NULL,
			       "does not come to what it should");
	}
	*ret = text;
	return 0;
}

static int read_body(struct version *v, uint64_t revision, const struct head *h,
		     const char *body, size_t len, struct err *reterr)
{
	uint64_t whole = h->whole ? revision : v->whole;
	char *packed, *text = NULL;
	size_t n = 0;
	int rc;

	if (!h->whole && (h->at > v->len || h->cut > v->len - h->at))
		return err_set(reterr, ESTALE, NULL,
			       "changes what is not there");
	packed = unpack_text(body, len, &n, reterr);
	if (!packed)
		return -reterr->code;
	rc = make_text(v, h, packed, n, &text, reterr);
	if (rc < 0)
		return rc;
	version_done(v);
	*v = (struct version){ .revision = revision,
			       .text = text,
			       .len = (size_t)h->size,
			       .whole = whole };
	return 0;
}

/* Did one before it follow the same? 1; 0: none; -1: that is not known. */
static int is_late(const struct version_start *s, uint64_t after)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->after[i] == after)
			return 1;
	if (after == 0)
		return s->first <= s->purged + 1 ? 0 : -1;
	return after >= s->first ? 0 : -1;
}

/* As version_read(), of one that is well formed, while there is no version. */
static int read_first(struct version *v, struct version_start *s,
		      uint64_t revision, const struct head *h, const char *body,
		      size_t len, struct err *reterr)
{
	bool is_first = is_late(s, h->after) == 0;

	if (s->n == FLEET_HISTORY) {
		memmove(s->after, s->after + 1,
			(FLEET_HISTORY - 1) * sizeof *s->after);
		s->n--;
	}
	s->after[s->n++] = h->after;
	if (!is_first || !h->whole)
		return 1;
	return read_body(v, revision, h, body, len, reterr);
}

static int read_next(struct version *v, uint64_t revision, const struct head *h,
		     const char *body, size_t len, struct err *reterr)
{
	if (h->after < v->revision)
		return 1; /* another was first */
	if (h->after > v->revision)
		return err_set(reterr, ESTALE, NULL,
			       "follows revision %llu, and %llu is here",
			       (unsigned long long)h->after,
			       (unsigned long long)v->revision);
	return read_body(v, revision, h, body, len, reterr);
}

int version_read(struct version *v, struct version_start *start,
		 uint64_t revision, const char *bytes, size_t len,
		 char **ret_id, json_t **ret_about, struct err *reterr)
{
	const char *end = len ? memchr(bytes, '\n', len) : NULL;
	const char *body;
	size_t body_len;
	char *id = NULL;
	struct head h = { 0 };
	json_t *head;
	int rc;

	/* also what is no version was heard */
	if (!v->revision && !start->first)
		start->first = revision;
	if (!end)
		return no_version(reterr, "no head");
	head = json_loadb(bytes, (size_t)(end - bytes), JSON_REJECT_DUPLICATES,
			  NULL);
	rc = json_is_object(head) ? read_head(head, &h, reterr)
				  : no_version(reterr, "its head is no object");
	if (rc == 0 && h.after >= revision)
		rc = no_version(reterr, "it follows what is not before it");
	if (rc == 0) {
		id = strdup(json_string_value(json_object_get(head, "id")));
		if (!id)
			rc = err_set(reterr, ENOMEM, NULL, "out of memory");
	}
	body = end + 1;
	body_len = len - (size_t)(body - bytes);
	if (rc == 0)
		rc = v->revision ? read_next(v, revision, &h, body, body_len,
					     reterr)
				 : read_first(v, start, revision, &h, body,
					      body_len, reterr);
	if (rc >= 0) {
		*ret_id = id;
		*ret_about = json_incref(json_object_get(head, "about"));
		id = NULL;
	}
	free(id);
	json_decref(head);
	return rc;
}
