/*
 * Differences, and single changes. Both work on the object form: a change is
 * made in it and all of it parsed again, so that nothing can come about by
 * changes that could not stand in a file. 10,000 rules take some 50 ms.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "intent/format.h"
#include "intent/intent.h"
#include "intent/model.h"

/* --- differences ------------------------------------------------------ */

struct diff {
	json_t *added, *removed, *changed;
	bool ok;
};

static struct diff diff_open(void)
{
	return (struct diff){ json_array(), json_array(), json_array(), true };
}

/* Takes from and to, one of which may be NULL: it is not there. */
static void note(struct diff *d, json_t *from, json_t *to, bool exists_from,
		 bool exists_to)
{
	if ((exists_from && !from) || (exists_to && !to))
		d->ok = false;
	else if (!exists_from)
		d->ok &= json_array_append(d->added, to) == 0;
	else if (!exists_to)
		d->ok &= json_array_append(d->removed, from) == 0;
	else if (!json_equal(from, to))
		d->ok &= json_array_append_new(d->changed,
					       json_pack("{s:O, s:O}", "from",
							 from, "to", to)) == 0;
	json_decref(from);
	json_decref(to);
}

/* Takes list; an empty one is left out. */
static void put_list(json_t *o, const char *name, json_t *list, bool *ok)
{
	if (!list ||
	    (json_array_size(list) > 0 && json_object_set(o, name, list) < 0))
		*ok = false;
	json_decref(list);
}

/* As an object; empty if nothing differs. moved: NULL, or taken. */
static json_t *diff_close(struct diff *d, json_t *moved, bool *ok)
{
	json_t *o = json_object();

	*ok &= d->ok && o;
	put_list(o, "added", d->added, ok);
	put_list(o, "removed", d->removed, ok);
	put_list(o, "changed", d->changed, ok);
	if (moved)
		put_list(o, "moved", moved, ok);
	return o;
}

static json_t *diff_groups(const struct intent *from, const struct intent *to,
			   bool *ok)
{
	struct diff d = diff_open();

	for (size_t n = 0; n < from->n_groups; n++) {
		const struct group *g = &from->groups[n];
		int64_t k = intent_find_group(to, g->name);

		note(&d, group_json(from, g),
		     k < 0 ? NULL : group_json(to, &to->groups[k]), true,
		     k >= 0);
	}
	for (size_t n = 0; n < to->n_groups; n++)
		if (intent_find_group(from, to->groups[n].name) < 0)
			note(&d, NULL, group_json(to, &to->groups[n]), false,
			     true);
	return diff_close(&d, NULL, ok);
}

/* The written one of that name; NULL: none. */
static const struct sensor_known *find_written(const struct intent *i,
					       const char *name)
{
	for (size_t n = 0; n < i->n_sensors; n++)
		if (!i->sensors[n].ready &&
		    strcmp(i->sensors[n].name, name) == 0)
			return &i->sensors[n];
	return NULL;
}

static uint32_t number_of(const json_t *response)
{
	return (uint32_t)json_integer_value(json_object_get(response, "id"));
}

static json_t *diff_sensors(const struct intent *from, const struct intent *to,
			    bool *ok)
{
	struct diff d = diff_open();

	for (size_t n = 0; n < from->n_sensors; n++) {
		const struct sensor_known *s = &from->sensors[n];
		const struct sensor_known *k = find_written(to, s->name);

		if (!s->ready)
			note(&d, json_incref(s->o),
			     k ? json_incref(k->o) : NULL, true, k);
	}
	for (size_t n = 0; n < to->n_sensors; n++) {
		const struct sensor_known *s = &to->sensors[n];

		if (!s->ready && !find_written(from, s->name))
			note(&d, NULL, json_incref(s->o), false, true);
	}
	return diff_close(&d, NULL, ok);
}

static json_t *diff_responses(const struct intent *from,
			      const struct intent *to, bool *ok)
{
	struct diff d = diff_open();
	json_t *r;
	size_t n;

	json_array_foreach (from->responses, n, r) {
		const json_t *other = intent_response(to, number_of(r));

		note(&d, json_incref(r),
		     other ? json_incref((json_t *)(uintptr_t)other) : NULL,
		     true, other);
	}
	json_array_foreach (to->responses, n, r)
		if (!intent_response(from, number_of(r)))
			note(&d, NULL, json_incref(r), false, true);
	return diff_close(&d, NULL, ok);
}

/* A rule's place in the other intent. */
struct place {
	uint32_t id;
	size_t at;
};

static int place_order(const void *a, const void *b)
{
	uint32_t x = ((const struct place *)a)->id;
	uint32_t y = ((const struct place *)b)->id;

	return (x > y) - (x < y);
}

/* Rules by id; NULL: out of memory. */
static struct place *places_of(const struct intent *i)
{
	struct place *p = calloc(i->n_rules + 1, sizeof *p);

	for (size_t n = 0; p && n < i->n_rules; n++)
		p[n] = (struct place){ i->rules[n].id, n };
	if (p && i->n_rules)
		qsort(p, i->n_rules, sizeof *p, place_order);
	return p;
}

static const struct place *find_place(const struct place *p, size_t n,
				      uint32_t id)
{
	struct place key = { .id = id };

	return n ? bsearch(&key, p, n, sizeof *p, place_order) : NULL;
}

/*
 * Which of n different numbers do not belong to their longest rising
 * subsequence: the fewest that have moved. moved[k] says so of the k-th; false:
 * out of memory.
 */
static bool find_moved(const size_t *v, size_t n, bool *moved)
{
	size_t *tails =
		calloc(n + 1, sizeof *tails); /* index of last, by length */
	size_t *before = calloc(n + 1, sizeof *before);
	size_t longest = 0;

	for (size_t k = 0; tails && before && k < n; k++) {
		size_t low = 0, high = longest;

		while (low < high) {
			size_t middle = (low + high) / 2;

			if (v[tails[middle]] < v[k])
				low = middle + 1;
			else
				high = middle;
		}
		before[k] = low ? tails[low - 1] : SIZE_MAX;
		tails[low] = k;
		longest = low == longest ? low + 1 : longest;
		moved[k] = true;
	}
	if (tails && before && longest)
		for (size_t k = tails[longest - 1]; k != SIZE_MAX;
		     k = before[k])
			moved[k] = false;
	free(tails);
	free(before);
	return tails && before;
}

/* Rules that are in both and have changed places, as {"id":, "after":}. */
static json_t *list_moved(const struct intent *to, const struct place *old,
			  size_t n_old, bool *ok)
{
	size_t *v = calloc(to->n_rules + 1, sizeof *v);
	size_t *rule = calloc(to->n_rules + 1, sizeof *rule);
	bool *moved = calloc(to->n_rules + 1, sizeof *moved);
	json_t *list = json_array();
	size_t n = 0;

	for (size_t k = 0; v && rule && k < to->n_rules; k++) {
		const struct place *p = find_place(old, n_old, to->rules[k].id);

		if (!p)
			continue;
		v[n] = p->at;
		rule[n++] = k;
	}
	if (!v || !rule || !moved || !find_moved(v, n, moved))
		*ok = false;
	for (size_t k = 0; k < n && *ok; k++) {
		size_t at = rule[k];
		uint32_t after = at ? to->rules[at - 1].id : 0;

		if (moved[k])
			*ok = json_array_append_new(
				      list,
				      json_pack("{s:I, s:I}", "id",
						(json_int_t)to->rules[at].id,
						"after", (json_int_t)after)) ==
			      0;
	}
	free(v);
	free(rule);
	free(moved);
	return list;
}

static json_t *diff_rules(const struct intent *from, const struct intent *to,
			  bool *ok)
{
	struct place *old = places_of(from), *new = places_of(to);
	struct diff d = diff_open();
	json_t *moved = NULL;

	d.ok = old && new;
	for (size_t n = 0; n < from->n_rules && d.ok; n++) {
		const struct place *p =
			find_place(new, to->n_rules, from->rules[n].id);

		note(&d, rule_json(from, &from->rules[n]),
		     p ? rule_json(to, &to->rules[p->at]) : NULL, true, p);
	}
	for (size_t n = 0; n < to->n_rules && d.ok; n++)
		if (!find_place(old, from->n_rules, to->rules[n].id))
			note(&d, NULL, rule_json(to, &to->rules[n]), false,
			     true);
	if (d.ok)
		moved = list_moved(to, old, from->n_rules, ok);
	free(old);
	free(new);
	return diff_close(&d, moved, ok);
}

json_t *intent_diff(const struct intent *from, const struct intent *to)
{
	bool ok = true;
	json_t *o = json_object();
	json_t *sensors = diff_sensors(from, to, &ok);
	json_t *groups = diff_groups(from, to, &ok);
	json_t *rules = diff_rules(from, to, &ok);
	json_t *responses = diff_responses(from, to, &ok);
	enum intent_mode a = intent_default_mode(from);
	enum intent_mode b = intent_default_mode(to);

	if (ok && a != b)
		ok = json_object_set_new(o, "default_mode",
					 json_pack("{s:s, s:s}", "from",
						   intent_mode_name(a), "to",
						   intent_mode_name(b))) == 0;
	if (ok && json_object_size(sensors) > 0)
		ok = json_object_set(o, "sensors", sensors) == 0;
	if (ok && json_object_size(groups) > 0)
		ok = json_object_set(o, "groups", groups) == 0;
	if (ok && json_object_size(rules) > 0)
		ok = json_object_set(o, "rules", rules) == 0;
	if (ok && json_object_size(responses) > 0)
		ok = json_object_set(o, "responses", responses) == 0;
	json_decref(responses);
	json_decref(sensors);
	json_decref(groups);
	json_decref(rules);
	if (ok)
		return o;
	json_decref(o);
	return NULL;
}

/* --- single changes --------------------------------------------------- */

static json_t *open_change(const struct intent *i, const char *list,
			   json_t **ret_list, struct err *reterr)
{
	json_t *o = intent_to_json(i);

	if (!o) {
		/* NULL says that it failed */
		(void)err_set(reterr, ENOMEM, NULL, "out of memory");
		return NULL;
	}
	*ret_list = json_object_get(o, list);
	return o;
}

/* Takes o. at: the object that is new, whose members an error names. */
static int close_change(json_t *o, const char *list, size_t at,
			struct intent **ret, struct err *reterr)
{
	struct err err = { 0 };
	int rc = intent_from_json(o, ret, &err);
	char prefix[40];
	size_t n = (size_t)snprintf(prefix, sizeof prefix, "%s[%zu]", list, at);

	json_decref(o);
	if (rc < 0 && strncmp(err.at, prefix, n) == 0) {
		char rest[ERR_AT_MAX];

		(void)snprintf(rest, sizeof rest, "%s",
			       err.at + n + (err.at[n] == '.'));
		memcpy(err.at, rest, sizeof rest);
	}
	if (rc < 0 && reterr)
		*reterr = err;
	return rc;
}

/* Index of the object whose member is that text; its size: none. */
static size_t find_text(const json_t *list, const char *member,
			const char *text)
{
	size_t n = 0;

	while (n < json_array_size(list)) {
		const char *one = json_string_value(
			json_object_get(json_array_get(list, n), member));

		if (one && strcmp(one, text) == 0)
			break;
		n++;
	}
	return n;
}

static size_t find_id(const json_t *list, json_int_t id)
{
	size_t n = 0;

	while (n < json_array_size(list) &&
	       json_integer_value(
		       json_object_get(json_array_get(list, n), "id")) != id)
		n++;
	return n;
}

/* Puts a copy of v at n, in place of what is there, or behind the last. */
static bool put_at(json_t *list, size_t n, const json_t *v)
{
	json_t *copy = json_deep_copy(v);

	if (n < json_array_size(list))
		return json_array_set_new(list, n, copy) == 0;
	return json_array_append_new(list, copy) == 0;
}

int intent_with_group(const struct intent *i, const json_t *group,
		      struct intent **ret, struct err *reterr)
{
	const char *name = json_string_value(json_object_get(group, "name"));
	json_t *groups, *o = open_change(i, "groups", &groups, reterr);
	size_t n;

	if (!o)
		return -ENOMEM;
	n = name ? find_text(groups, "name", name) : json_array_size(groups);
	if (!put_at(groups, n, group)) {
		json_decref(o);
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	}
	return close_change(o, "groups", n, ret, reterr);
}

static bool is_off(const json_t *use)
{
	const char *action = json_string_value(json_object_get(use, "action"));

	return action && strcmp(action, "off") == 0;
}

/* What a list of dlp or waf becomes by what is said anew; both borrowed. */
static json_t *changed_uses(const json_t *uses, const json_t *said)
{
	json_t *list = json_array(), *use;
	size_t k;

	(void)json_array_extend(list, (json_t *)(uintptr_t)uses);
	json_array_foreach (said, k, use) {
		const char *name =
			json_string_value(json_object_get(use, "sensor"));
		size_t n = name ? find_text(list, "sensor", name)
				: json_array_size(list);

		if (is_off(use))
			/* or it was not there */
			(void)json_array_remove(list, n);
		else if (!put_at(list, n, use)) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

/* Says v of that member; false: out of memory. */
static bool change_member(json_t *group, const char *name, json_t *v)
{
	bool uses = strcmp(name, "dlp") == 0 || strcmp(name, "waf") == 0;

	if (json_is_null(v)) {
		/* or it was not there */
		(void)json_object_del(group, name);
		return true;
	}
	if (!uses || !json_is_array(v))
		return json_object_set(group, name, v) == 0;
	v = changed_uses(json_object_get(group, name), v);
	return json_object_set_new(group, name, v) == 0;
}

int intent_with_group_part(const struct intent *i, const json_t *group,
			   struct intent **ret, struct err *reterr)
{
	const char *name = json_string_value(json_object_get(group, "name"));
	json_t *groups, *one, *v,
		*o = open_change(i, "groups", &groups, reterr);
	const char *member;
	bool ok = true;
	size_t n;

	if (!o)
		return -ENOMEM;
	n = name ? find_text(groups, "name", name) : json_array_size(groups);
	if (n == json_array_size(groups))
		ok = json_array_append_new(groups, json_object()) == 0;
	one = json_array_get(groups, n);
	json_object_foreach ((json_t *)(uintptr_t)group, member, v)
		ok = ok && change_member(one, member, v);
	if (!ok) {
		json_decref(o);
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	}
	return close_change(o, "groups", n, ret, reterr);
}

/* A rule that speaks of it; 0: none. Without `where` it is there anyway. */
static uint32_t find_user(const struct intent *i, const char *name)
{
	int64_t g = intent_find_group(i, name);

	if (g < 0 || i->groups[g].n_terms == 0)
		return 0;
	for (size_t n = 0; n < i->n_rules; n++) {
		const struct rule *r = &i->rules[n];

		for (size_t k = 0; k < r->n_from; k++)
			if (i->words[r->from[k]].group == g)
				return r->id;
		for (size_t k = 0; k < r->n_to; k++)
			if (i->words[r->to[k]].group == g)
				return r->id;
	}
	return 0;
}

int intent_without_group(const struct intent *i, const char *name,
			 struct intent **ret, struct err *reterr)
{
	uint32_t user = find_user(i, name);
	json_t *groups, *o;
	size_t n;

	if (user)
		return err_set(reterr, EBUSY, "name",
			       "rule %u speaks of \"%.*s\"", user,
			       INTENT_NAME_MAX, name);
	o = open_change(i, "groups", &groups, reterr);
	if (!o)
		return -ENOMEM;
	n = find_text(groups, "name", name);
	if (json_array_remove(groups, n) < 0) {
		json_decref(o);
		return err_set(reterr, ENOENT, "name",
			       "there is no group \"%.*s\"", INTENT_NAME_MAX,
			       name);
	}
	return close_change(o, "groups", n, ret, reterr);
}

/* Where a rule goes; -1: `after` is no rule. was: where it was; SIZE_MAX. */
static int64_t place_for(const json_t *rules, int64_t after, size_t was)
{
	size_t n;

	if (after == INTENT_IN_PLACE && was != SIZE_MAX)
		return (int64_t)was;
	if (after < 0)
		return (int64_t)json_array_size(rules);
	if (after == 0)
		return 0;
	n = find_id(rules, after);
	return n < json_array_size(rules) ? (int64_t)n + 1 : -1;
}

/* Takes the rule with that id out; where it was, SIZE_MAX: there was none. */
static size_t take_out(json_t *rules, json_int_t id)
{
	size_t n = id > 0 ? find_id(rules, id) : SIZE_MAX;

	return json_array_remove(rules, n) == 0 ? n : SIZE_MAX;
}

/* Is it the id of one of those? */
static bool is_given(const json_t *rules, uint32_t id)
{
	return find_id(rules, id) < json_array_size(rules);
}

/*
 * The ids of rules that were put in, in their order: those that have one say
 * so, the others got those that are in `now` and were not before.
 */
static int tell_ids(const struct intent *before, const struct intent *now,
		    const json_t *rules, json_t *ids)
{
	struct place *old = places_of(before);
	size_t at = 0;
	bool ok = old != NULL;

	for (size_t k = 0; k < json_array_size(rules) && ok; k++) {
		const json_t *rule = json_array_get(rules, k);
		json_int_t id = json_integer_value(json_object_get(rule, "id"));

		while (id == 0 && at < now->n_rules) {
			uint32_t one = now->rules[at++].id;

			if (!find_place(old, before->n_rules, one) &&
			    !is_given(rules, one))
				id = one;
		}
		ok = json_array_append_new(ids, json_integer(id)) == 0;
	}
	free(old);
	return ok ? 0 : -ENOMEM;
}

/* Copies of the rules, where they belong. *ret_n: where the last one went. */
static int put_rules(json_t *list, const json_t *rules, int64_t after,
		     size_t *ret_n, struct err *reterr)
{
	int64_t behind = -1; /* the place behind the one before */

	for (size_t k = 0; k < json_array_size(rules); k++) {
		const json_t *rule = json_array_get(rules, k);
		json_int_t id = json_integer_value(json_object_get(rule, "id"));
		size_t was = take_out(list, id);
		int64_t n = place_for(list, after, was);

		if (n < 0)
			return err_set(reterr, ENOENT, "after",
				       "there is no rule %lld",
				       (long long)after);
		if (after >= 0 && behind >= 0)
			n = behind - (was < (size_t)behind);
		if (json_array_insert_new(list, (size_t)n,
					  json_deep_copy(rule)) < 0)
			return err_set(reterr, ENOMEM, NULL, "out of memory");
		behind = n + 1;
		*ret_n = (size_t)n;
	}
	return 0;
}

int intent_with_rules(const struct intent *i, const json_t *rules,
		      int64_t after, struct intent **ret, json_t *ret_ids,
		      struct err *reterr)
{
	json_t *list, *o = open_change(i, "rules", &list, reterr);
	struct intent *made = NULL;
	size_t n = 0;
	int rc;

	if (!o)
		return -ENOMEM;
	rc = put_rules(list, rules, after, &n, reterr);
	if (rc < 0) {
		json_decref(o);
		return rc;
	}
	/* of several, the path says which rule of all is wrong */
	rc = close_change(o, json_array_size(rules) == 1 ? "rules" : "", n,
			  &made, reterr);
	if (rc == 0 && ret_ids && tell_ids(i, made, rules, ret_ids) < 0) {
		intent_put(made);
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	}
	if (rc == 0)
		*ret = made;
	return rc;
}

int intent_with_rule(const struct intent *i, const json_t *rule, int64_t after,
		     struct intent **ret, uint32_t *ret_id, struct err *reterr)
{
	json_t *rules = json_pack("[O]", rule), *ids = json_array();
	int rc;

	if (rules && ids)
		rc = intent_with_rules(i, rules, after, ret, ids, reterr);
	else
		rc = err_set(reterr, ENOMEM, NULL, "out of memory");
	if (rc == 0 && ret_id)
		*ret_id = (uint32_t)json_integer_value(json_array_get(ids, 0));
	json_decref(rules);
	json_decref(ids);
	return rc;
}

int intent_without_rule(const struct intent *i, uint32_t id,
			struct intent **ret, struct err *reterr)
{
	json_t *rules, *o = open_change(i, "rules", &rules, reterr);
	size_t n;

	if (!o)
		return -ENOMEM;
	n = find_id(rules, id);
	if (json_array_remove(rules, n) < 0) {
		json_decref(o);
		return err_set(reterr, ENOENT, "id", "there is no rule %u", id);
	}
	return close_change(o, "rules", n, ret, reterr);
}

int intent_with_response(const struct intent *i, const json_t *response,
			 struct intent **ret, uint32_t *ret_id,
			 struct err *reterr)
{
	uint32_t id = number_of(response), last = 0;
	json_t *list, *o = open_change(i, "responses", &list, reterr), *r;
	size_t n;
	int rc;

	if (!o)
		return -ENOMEM;
	/* the lists of an intent are the intent's */
	list = list ? json_copy(list) : json_array();
	(void)json_object_set_new(o, "responses", list);
	json_array_foreach (list, n, r)
		if (number_of(r) > last)
			last = number_of(r);
	n = id ? find_id(list, id) : json_array_size(list);
	if (!put_at(list, n, response)) {
		json_decref(o);
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	}
	rc = close_change(o, "responses", n, ret, reterr);
	if (rc == 0 && ret_id)
		*ret_id = id ? id : last + 1;
	return rc;
}

int intent_without_response(const struct intent *i, uint32_t id,
			    struct intent **ret, struct err *reterr)
{
	json_t *list, *o = open_change(i, "responses", &list, reterr);
	size_t n;

	if (!o)
		return -ENOMEM;
	list = list ? json_copy(list) : json_array();
	(void)json_object_set_new(o, "responses", list);
	n = find_id(list, id);
	if (json_array_remove(list, n) < 0) {
		json_decref(o);
		return err_set(reterr, ENOENT, "id",
			       "there is no response rule %u", id);
	}
	return close_change(o, "responses", n, ret, reterr);
}

int intent_with_mode(const struct intent *i, const char *group,
		     enum intent_mode mode, struct intent **ret,
		     struct err *reterr)
{
	json_t *groups, *o = open_change(i, "groups", &groups, reterr);
	json_t *word = json_string(intent_mode_name(mode));
	size_t n = 0;
	bool ok;

	if (!o || !word) {
		json_decref(o);
		json_decref(word);
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	}
	if (!group) {
		ok = json_object_set(o, "default_mode", word) == 0;
	} else {
		n = find_text(groups, "name", group);
		ok = n < json_array_size(groups)
			     ? json_object_set(json_array_get(groups, n),
					       "mode", word) == 0
			     : json_array_append_new(
				       groups,
				       json_pack("{s:s, s:O}", "name", group,
						 "mode", word)) == 0;
	}
	json_decref(word);
	if (!ok) {
		json_decref(o);
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	}
	return close_change(o, "groups", n, ret, reterr);
}
