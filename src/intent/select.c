/*
 * Who is in which group.
 *
 * Terms of the same key: one of those that say what it is must be true, and all
 * of those that say what it is not (!=). Different keys: each. What a workload
 * does not have is no text: only != is true of it.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "intent/model.h"

/* --- service groups --------------------------------------------------- */

/*
 * Puts text behind what is there, its odd bytes as '_', also '.', so that a
 * group's name has one dot if there is a namespace and none if not, and a
 * service cannot be called as if it were of another's namespace.
 */
static void add_part(char *buf, size_t size, const char *text)
{
	size_t n = strlen(buf);

	for (; *text && n + 1 < size; text++) {
		char c = *text;
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			     (c >= '0' && c <= '9') || c == '-';

		buf[n++] = plain ? c : '_';
	}
	buf[n] = '\0';
}

/* A service's and a namespace's name; the rest of a longer one is cut. */
#define PART_MAX 63
_Static_assert((size_t)2 * PART_MAX + sizeof "._" <= INTENT_NAME_MAX,
	       "both fit");

static const char *text_of(const json_t *about, const char *name)
{
	const char *text = json_string_value(json_object_get(about, name));

	return text && text[0] ? text : NULL;
}

static void service_of(const json_t *about, char buf[static INTENT_NAME_MAX])
{
	const char *service = text_of(about, "service");
	const char *namespace = text_of(about, "namespace");

	buf[0] = '\0';
	if (!service)
		service = text_of(about, "name");
	add_part(buf, PART_MAX + 1, service ? service : "unnamed");
	if (namespace) {
		size_t n = strlen(buf);

		buf[n] = '.';
		buf[n + 1] = '\0';
		add_part(buf, (size_t)2 * PART_MAX + 2, namespace);
	}
	if (!intent_name_is_valid(buf) || intent_name_is_reserved(buf)) {
		size_t n = strlen(buf);

		buf[n] = '_';
		buf[n + 1] = '\0';
	}
}

char *intent_service_of(const json_t *about)
{
	char buf[INTENT_NAME_MAX];

	service_of(about, buf);
	return strdup(buf);
}

/* --- terms ------------------------------------------------------------ */

bool subject_init(struct subject *s, const struct intent *i,
		  const json_t *about)
{
	const json_t *labels = json_object_get(about, "labels");
	const json_t *of_namespace = json_object_get(about, "namespace_labels");

	*s = (struct subject){ .labels = NULL };
	for (int k = 0; k < KEY_LABEL; k++)
		s->texts[k] = json_string_value(
			json_object_get(about, intent_key_words[k]));
	service_of(about, s->service);
	if (i->n_labels == 0)
		return true;
	s->labels = calloc(2 * i->n_labels, sizeof *s->labels);
	if (!s->labels)
		return false;
	s->namespace_labels = s->labels + i->n_labels;
	for (size_t n = 0; n < i->n_labels; n++) {
		s->labels[n] = json_string_value(
			json_object_get(labels, i->labels[n]));
		s->namespace_labels[n] = json_string_value(
			json_object_get(of_namespace, i->labels[n]));
	}
	return true;
}

void subject_done(struct subject *s)
{
	free(s->labels);
	s->labels = NULL;
}

static bool regex_matches(const struct intent *i, const struct term *t,
			  const char *text)
{
	/* not one of the intent's: two threads may ask */
	pcre2_match_data *found = pcre2_match_data_create(1, NULL);
	/* an error (the limit, no memory) is no match */
	bool is = found && pcre2_match(t->regex, (PCRE2_SPTR)text, strlen(text),
				       0, 0, found, i->regex_limits) >= 0;

	pcre2_match_data_free(found);
	return is;
}

static bool is_one_of(const struct term *t, const char *text)
{
	for (uint32_t n = 0; n < t->n_values; n++)
		if (strcmp(t->values[n], text) == 0)
			return true;
	return false;
}

static const char *asked_text(const struct term *t, const struct subject *s)
{
	if (t->key == KEY_LABEL)
		return s->labels[t->label];
	if (t->key == KEY_NAMESPACE_LABEL)
		return s->namespace_labels[t->label];
	return s->texts[t->key];
}

static bool term_is_true(const struct intent *i, const struct term *t,
			 const struct subject *s)
{
	const char *text = asked_text(t, s);
	const char *value = t->n_values ? t->values[0] : "";

	if (!text)
		return op_is_negative(t->op);
	switch ((enum intent_op)t->op) {
	case OP_IS: return strcmp(text, value) == 0;
	case OP_IS_NOT: return strcmp(text, value) != 0;
	case OP_PREFIX: return strncmp(text, value, strlen(value)) == 0;
	case OP_REGEX: return regex_matches(i, t, text);
	case OP_IN: return is_one_of(t, text);
	case OP_CONTAINS: return strstr(text, value) != NULL;
	case OP_ABSENT: return false;
	case INTENT_OP__MAX: break;
	}
	BUG_ON(true);
	return false;
}

static bool any_is_true(const struct intent *i, const struct group *g,
			const struct subject *s, uint32_t first)
{
	const struct term *of = &g->terms[first];

	for (uint32_t n = first; n < g->n_terms; n++) {
		const struct term *t = &g->terms[n];

		if (!op_is_negative(t->op) && t->key == of->key &&
		    t->label == of->label && term_is_true(i, t, s))
			return true;
	}
	return false;
}

bool group_has(const struct intent *i, const struct group *g,
	       const struct subject *s, const struct intent_workload *w)
{
	if (g->n_terms == 0)
		return strcmp(g->name, s->service) == 0;
	if (g->addresses) {
		for (size_t n = 0; n < w->n_addrs; n++)
			if (ranges_have(&g->ranges, w->addrs[n]))
				return true;
		return false;
	}
	for (uint32_t n = 0; n < g->n_terms; n++) {
		const struct term *t = &g->terms[n];

		if (op_is_negative(t->op) && !term_is_true(i, t, s))
			return false;
		if (t->first && !any_is_true(i, g, s, n))
			return false;
	}
	return true;
}

/* --- answers ---------------------------------------------------------- */

/* Is a written group in the way of the service group of that name? */
static bool is_hidden(const struct intent *i, const char *service)
{
	int64_t g = intent_find_group(i, service);

	return g >= 0 && i->groups[g].n_terms > 0;
}

json_t *intent_groups_of(const struct intent *i,
			 const struct intent_workload *w)
{
	json_t *names = json_array();
	struct subject s;
	bool ok = subject_init(&s, i, w->about);

	if (ok && !is_hidden(i, s.service))
		ok = json_array_append_new(names, json_string(s.service)) == 0;
	for (size_t n = 0; n < i->n_groups && ok; n++) {
		const struct group *g = &i->groups[n];

		if (g->n_terms > 0 && group_has(i, g, &s, w))
			ok = json_array_append_new(names,
						   json_string(g->name)) == 0;
	}
	subject_done(&s);
	if (ok)
		return names;
	json_decref(names);
	return NULL;
}

const char *intent_group_of_address(const struct intent *i, struct ip_addr a)
{
	for (size_t n = 0; n < i->n_groups; n++)
		if (i->groups[n].addresses &&
		    ranges_have(&i->groups[n].ranges, a))
			return i->groups[n].name;
	return NULL;
}

enum intent_mode intent_mode_of(const struct intent *i,
				const struct intent_workload *w)
{
	int mode = -1;
	struct subject s;

	/* Without memory nothing is known: the strictest. */
	if (!subject_init(&s, i, w->about))
		return MODE_PROTECT;
	for (size_t n = 0; n < i->n_groups; n++) {
		const struct group *g = &i->groups[n];

		if (g->mode > mode && group_has(i, g, &s, w))
			mode = g->mode;
	}
	subject_done(&s);
	return mode < 0 ? intent_default_mode(i) : (enum intent_mode)mode;
}

/* Is anybody in the group that a word names? services: names of all that run. */
static bool is_met(const struct intent *i, const struct ref *r,
		   const struct subject *s, const json_t *services,
		   const struct intent_world *world)
{
	const struct group *g = r->group >= 0 ? &i->groups[r->group] : NULL;

	if (!g || g->n_terms == 0)
		return json_object_get(services, r->text) != NULL;
	for (size_t n = 0; n < world->n; n++)
		if (group_has(i, g, &s[n], &world->workloads[n]))
			return true;
	return g->addresses;
}

json_t *intent_empty_groups(const struct intent *i,
			    const struct intent_world *world)
{
	struct subject *s = calloc(world->n + 1, sizeof *s);
	json_t *names = json_array(), *services = json_object();
	bool ok = s && names;

	for (size_t n = 0; n < world->n && ok; n++)
		ok = subject_init(&s[n], i, world->workloads[n].about) &&
		     json_object_set_new(services, s[n].service, json_true()) ==
			     0;
	for (size_t n = 0; n < i->n_words && ok; n++)
		if (i->words[n].kind == REF_GROUP &&
		    !intent_name_is_cluster(i->words[n].text) &&
		    !is_met(i, &i->words[n], s, services, world))
			ok = json_array_append_new(
				     names, json_string(i->words[n].text)) == 0;
	for (size_t n = 0; s && n < world->n; n++)
		subject_done(&s[n]);
	free(s);
	json_decref(services);
	if (ok)
		return names;
	json_decref(names);
	return NULL;
}
