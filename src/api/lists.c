#include "api/lists.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "api/route.h"
#include "door/answer.h"
#include "wire/has_text.h"

/* --- which elements ------------------------------------------------------------ */

static bool is_text(const json_t *v, const char *text)
{
	return json_is_string(v) && strcmp(json_string_value(v), text) == 0;
}

static bool fits(const json_t *o, const struct uri_arg *q)
{
	const json_t *v;
	size_t i;

	if (strcmp(q->name, "q") == 0)
		return json_has_text(o, q->value);
	if (strcmp(q->name, "namespace") == 0)
		return is_text(json_object_get(json_object_get(o, "about"),
					       "namespace"),
			       q->value);
	if (strcmp(q->name, "group") != 0)
		return is_text(json_object_get(o, q->name), q->value);
	json_array_foreach (json_object_get(o, "groups"), i, v)
		if (is_text(v, q->value))
			return true;
	return false;
}

static bool is_wanted(const struct command_route *r, const struct uri *u,
		      struct span element)
{
	json_t *o = NULL;
	bool wanted = true;

	for (size_t i = 0; i < u->n_args && wanted; i++) {
		if (!route_lists(r->filters, u->args[i].name, NULL))
			continue;
		if (!o)
			o = json_loadb(element.at, element.len, 0, NULL);
		wanted = fits(o, &u->args[i]);
	}
	json_decref(o);
	return wanted;
}

/* --- a page ------------------------------------------------------------------------- */

struct element {
	struct span whole, key; /* the key as it stands in the text */
};

struct page {
	struct element *at; /* owned */
	size_t n, size;
};

static bool add_element(struct page *p, struct element e)
{
	if (p->n == p->size) {
		size_t size = p->size ? 2 * p->size : 256;
		void *more = realloc(p->at, size * sizeof *p->at);

		if (!more)
			return false;
		p->at = more;
		p->size = size;
	}
	p->at[p->n++] = e;
	return true;
}

static int compare_spans(struct span a, struct span b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int c = memcmp(a.at, b.at, len);

	return c ? c : (a.len > b.len) - (a.len < b.len);
}

static int compare_keys(const void *a, const void *b)
{
	return compare_spans(((const struct element *)a)->key,
			     ((const struct element *)b)->key);
}

/* The first element of the page behind "after". -EINVAL: it is no text. */
static int find_begin(const struct page *p, const char *after, size_t *ret,
		      struct err *reterr)
{
	json_t *v = json_string(after);
	char *token = v ? json_dumps(v, JSON_ENCODE_ANY) : NULL;
	struct span key = { token, token ? strlen(token) : 0 };
	size_t i = 0;

	json_decref(v);
	if (!token)
		return err_set(reterr, EINVAL, "after", "is no text");
	while (i < p->n && compare_spans(p->at[i].key, key) <= 0)
		i++;
	free(token);
	*ret = i;
	return 0;
}

static int read_elements(const struct command_route *r, const struct uri *u,
			 struct span list, struct page *p, struct err *reterr)
{
	struct span_walk w = span_elements(list);
	struct span s;

	while (span_next_element(&w, &s)) {
		struct element e = { s, span_member(s, r->key) };

		if (e.key.len && is_wanted(r, u, s) && !add_element(p, e))
			return err_set(reterr, ENOMEM, NULL, "out of memory");
	}
	return w.failed ? err_set(reterr, EPROTO, NULL,
				  "the agent's answer is no JSON")
			: 0;
}

static int add_page(const struct command_route *r, const struct uri *u,
		    struct span list, struct text *out, struct err *reterr)
{
	const char *limit = route_query(u, "limit");
	const char *after = route_query(u, "after");
	size_t n = limit ? strtoul(limit, NULL, 10) : API_PAGE_DEFAULT;
	struct page p = { 0 };
	size_t begin = 0, i;
	int rc = read_elements(r, u, list, &p, reterr);

	if (rc == 0 && p.n)
		qsort(p.at, p.n, sizeof *p.at, compare_keys);
	if (rc == 0 && after && p.n)
		rc = find_begin(&p, after, &begin, reterr);
	text_add_word(out, "[");
	for (i = begin; rc == 0 && i < p.n && i - begin < n; i++) {
		if (i > begin)
			text_add_word(out, ",");
		text_add(out, p.at[i].whole.at, p.at[i].whole.len);
	}
	text_addf(out, "],\"total\":%zu", p.n);
	if (rc == 0 && i < p.n)
		text_addf(out, ",\"next\":%.*s", (int)p.at[i - 1].key.len,
			  p.at[i - 1].key.at);
	free(p.at);
	return rc;
}

/* --- the answer --------------------------------------------------------------------- */

static int refusal(struct span line, struct err *reterr)
{
	json_t *o = json_loadb(line.at, line.len, 0, NULL);
	json_int_t id = json_integer_value(json_object_get(o, "id"));
	int rc = o ? answer_check(o, (uint32_t)id, "the agent", reterr)
		   : err_set(reterr, EPROTO, NULL,
			     "the agent's answer is no JSON");

	json_decref(o);
	return rc;
}

int lists_answer(const struct command_route *r, const struct uri *u,
		 struct span line, struct text *out, struct err *reterr)
{
	struct span_walk w = span_members(line);
	struct span name, value;
	bool first = true;
	int rc = 0;

	if (!span_is(span_member(line, "ok"), "true"))
		return refusal(line, reterr);
	text_add_word(out, "{");
	while (rc == 0 && span_next_member(&w, &name, &value)) {
		if (span_is(name, "id") || span_is(name, "ok"))
			continue;
		text_addf(out, "%s\"%.*s\":", first ? "" : ",", (int)name.len,
			  name.at);
		first = false;
		if (r && r->list && !r->paged && span_is(name, r->list))
			rc = add_page(r, u, value, out, reterr);
		else
			text_add(out, value.at, value.len);
	}
	text_add_word(out, "}");
	if (rc == 0 && w.failed)
		rc = err_set(reterr, EPROTO, NULL,
			     "the agent's answer is no JSON");
	if (rc == 0 && out->failed)
		rc = err_set(reterr, ENOMEM, NULL, "out of memory");
	return rc;
}
