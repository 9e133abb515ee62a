/*
 * Rules are found by the word they are from: start[w]..start[w + 1] are those of word
 * w, by their order. A proposal's end is that word, or one of those that are wider.
 */
#include "intent/settled.h"

#include <stdlib.h>
#include <string.h>

#define WIDER 3

bool settled_init(struct settled *s, const struct intent *i, uint64_t now)
{
	size_t n = 0;

	*s = (struct settled){ .i = i, .now = now };
	for (size_t r = 0; r < i->n_rules; r++)
		n += i->rules[r].n_from;
	s->start = calloc(i->n_words + 2, sizeof *s->start);
	s->rules = calloc(n + 1, sizeof *s->rules);
	if (!s->start || !s->rules)
		return false;
	/* start[w + 2] counts those of w, then is where the next of w + 1 goes */
	for (size_t r = 0; r < i->n_rules; r++)
		for (size_t k = 0; k < i->rules[r].n_from; k++)
			s->start[i->rules[r].from[k] + 2]++;
	for (size_t w = 2; w < i->n_words + 2; w++)
		s->start[w] += s->start[w - 1];
	for (uint32_t r = 0; r < i->n_rules; r++)
		for (size_t k = 0; k < i->rules[r].n_from; k++)
			s->rules[s->start[i->rules[r].from[k] + 1]++] = r;
	return true;
}

void settled_done(struct settled *s)
{
	free(s->start);
	free(s->rules);
}

static size_t words_of(const struct settled *s, const char *text, uint8_t kind,
		       int64_t ret[static WIDER])
{
	ret[0] = intent_find_word(s->i, text);
	ret[1] = intent_find_word(s->i, "any");
	ret[2] = -1;
	if (kind == REF_GROUP)
		ret[2] = intent_find_word(s->i, "workloads");
	else if (kind != REF_NODE)
		ret[2] = intent_find_word(s->i, "external");
	return WIDER;
}

static bool goes_to(const struct rule *r, const int64_t *words, size_t n)
{
	for (size_t k = 0; k < r->n_to; k++)
		for (size_t w = 0; w < n; w++)
			if (words[w] == (int64_t)r->to[k])
				return true;
	return false;
}

static bool port_covers(const struct port_word *has, const struct port_word *of)
{
	if (has->name[0] || (has->proto && has->proto != of->proto))
		return false;
	return has->all ||
	       (!of->all && has->first <= of->first && has->last >= of->last);
}

/* Of a port it says nothing where the application is what is proposed. */
static bool covers(const struct rule *r, const struct proposed *p)
{
	bool ports = r->n_ports == 0, apps = r->n_apps == 0;

	for (size_t k = 0; k < r->n_apps; k++)
		apps |= p->app && r->apps[k] == p->app;
	for (size_t k = 0; k < r->n_ports; k++)
		ports |= p->app ? r->ports[k].all && !r->ports[k].proto
				: port_covers(&r->ports[k], &p->port);
	return ports && apps && !r->requests;
}

/* One that counts at one end only leaves the other open, but for a denial. */
static bool speaks(const struct settled *s, const struct rule *r,
		   const struct proposed *p, const int64_t *to, size_t n_to)
{
	return rule_is_active(r, s->now) &&
	       (r->side == SIDE_BOTH || rule_denies(r)) &&
	       goes_to(r, to, n_to) && covers(r, p);
}

bool settled_has(const struct settled *s, const struct proposed *p)
{
	int64_t from[WIDER], to[WIDER];
	size_t n = words_of(s, p->from, p->from_kind, from);
	size_t n_to = words_of(s, p->to, p->to_kind, to);
	uint32_t first = UINT32_MAX;

	for (size_t k = 0; k < n; k++) {
		if (from[k] < 0)
			continue;
		for (uint32_t at = s->start[from[k]];
		     at < s->start[from[k] + 1] && s->rules[at] < first; at++)
			if (speaks(s, &s->i->rules[s->rules[at]], p, to, n_to))
				first = s->rules[at];
	}
	return first != UINT32_MAX && s->i->rules[first].action != ACTION_LEARN;
}
