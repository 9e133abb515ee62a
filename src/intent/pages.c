/*
 * Rules page by page: an object is made only of those that are told, since ten
 * thousand of them are tens of megabytes and as many milliseconds.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "intent/format.h"
#include "intent/intent.h"
#include "intent/model.h"
#include "intent/words.h"
#include "wire/app.h"
#include "wire/has_text.h"

json_t *intent_groups(const struct intent *i)
{
	json_t *list = json_array();
	bool ok = list;

	for (size_t n = 0; n < i->n_groups && ok; n++)
		ok = json_array_append_new(list,
					   group_json(i, &i->groups[n])) == 0;
	if (ok)
		return list;
	json_decref(list);
	return NULL;
}

static bool is_in(const char *text, const char *part)
{
	return text && strcasestr(text, part);
}

static bool words_have(const struct intent *i, const uint32_t *words, size_t n,
		       const char *part)
{
	for (size_t k = 0; k < n; k++)
		if (is_in(i->words[words[k]].text, part))
			return true;
	return false;
}

static bool traffic_has(const struct rule *r, const char *part)
{
	char text[PORT_WORD_MAX];

	for (size_t n = 0; n < r->n_ports; n++)
		if (is_in(port_word_format(&r->ports[n], text), part))
			return true;
	for (size_t n = 0; n < r->n_apps; n++)
		if (is_in(app_name(r->apps[n]), part))
			return true;
	return json_has_text(r->requests, part);
}

/* Of what rule_json() tells. */
static bool rule_has(const struct intent *i, const struct rule *r,
		     const char *part)
{
	char text[TIME_WORD_MAX];

	return words_have(i, r->from, r->n_from, part) ||
	       words_have(i, r->to, r->n_to, part) || traffic_has(r, part) ||
	       is_in(intent_action_words[r->action], part) ||
	       is_in(r->comment, part) ||
	       (r->expires &&
		is_in(time_word_format(r->expires, text), part)) ||
	       (r->side != SIDE_BOTH &&
		is_in(intent_side_words[r->side], part)) ||
	       (r->origin != ORIGIN_USER &&
		is_in(intent_origin_words[r->origin], part));
}

static bool fits(const struct intent *i, const struct rule *r,
		 const struct intent_rules_query *q)
{
	return (!q->action ||
		strcmp(intent_action_words[r->action], q->action) == 0) &&
	       (!q->text || rule_has(i, r, q->text));
}

int intent_each_rule(const struct intent *i, const struct intent_rules_query *q,
		     void (*cb)(json_t *rule, void *arg), void *arg,
		     size_t *ret_total, uint32_t *ret_next, struct err *reterr)
{
	size_t total = 0, told = 0;
	uint32_t last = 0, next = 0;
	bool behind = q->after == 0;

	for (size_t n = 0; n < i->n_rules; n++) {
		const struct rule *r = &i->rules[n];
		json_t *o;

		if (!fits(i, r, q))
			continue;
		total++;
		if (!behind) {
			behind = r->id == q->after;
			continue;
		}
		if (q->limit && told == q->limit) {
			next = last;
			continue;
		}
		o = rule_json(i, r);
		if (!o)
			return err_set(reterr, ENOMEM, NULL, "out of memory");
		cb(o, arg);
		told++;
		last = r->id;
	}
	/* of none at all it does not matter behind which */
	if (!behind && total)
		return err_set(reterr, EINVAL, "after",
			       "that rule is gone; begin without it");
	*ret_total = total;
	*ret_next = next;
	return 0;
}
