/*
 * Ports by name. A name means what the server says, so each workload has numbers
 * of its own, and two that differ in one are of different classes.
 */
#include <stdlib.h>
#include <string.h>

#include "intent/plan.h"
#include "intent/words.h"

bool rule_has_names(const struct rule *r)
{
	for (size_t k = 0; k < r->n_ports; k++)
		if (r->ports[k].name[0])
			return true;
	return false;
}

/* Its number in words; p->n: none. */
static size_t find(const struct plan_ports *p, const struct port_word *w)
{
	size_t k = 0;

	while (k < p->n && (p->words[k].proto != w->proto ||
			    strcmp(p->words[k].name, w->name) != 0))
		k++;
	return k;
}

static bool add_words(struct plan_ports *p, const struct rule *r)
{
	for (size_t k = 0; k < r->n_ports; k++) {
		struct port_word *grown;

		if (!r->ports[k].name[0] || find(p, &r->ports[k]) < p->n)
			continue;
		grown = intent_grow(p->words, p->n, &p->room, sizeof *grown);
		if (!grown)
			return false;
		p->words = grown;
		p->words[p->n++] = r->ports[k];
	}
	return true;
}

bool plan_ports_find(struct plan_ports *p, const struct intent *i,
		     const struct intent_world *world, uint64_t now)
{
	char text[PORT_WORD_MAX];

	for (size_t n = 0; n < i->n_rules; n++)
		if (rule_is_active(&i->rules[n], now) &&
		    !add_words(p, &i->rules[n]))
			return false;
	p->numbers = calloc(p->n * world->n + 1, sizeof *p->numbers);
	if (!p->numbers)
		return false;
	for (size_t w = 0; w < world->n; w++) {
		const json_t *ports = json_object_get(world->workloads[w].about,
						      "named_ports");

		for (size_t k = 0; ports && k < p->n; k++) {
			json_int_t v = json_integer_value(json_object_get(
				ports, port_word_format(&p->words[k], text)));

			if (v > 0 && v <= UINT16_MAX)
				p->numbers[w * p->n + k] = (uint16_t)v;
		}
	}
	return true;
}

void plan_ports_done(struct plan_ports *p)
{
	free(p->words);
	free(p->numbers);
	*p = (struct plan_ports){ 0 };
}

uint16_t plan_ports_number(const struct plan_ports *p, size_t workload,
			   const struct port_word *w)
{
	size_t k = find(p, w);

	return k < p->n ? p->numbers[workload * p->n + k] : 0;
}

bool plan_ports_same(const struct plan_ports *p, size_t a, size_t b)
{
	return p->n == 0 || memcmp(p->numbers + a * p->n, p->numbers + b * p->n,
				   p->n * sizeof *p->numbers) == 0;
}

uint64_t plan_ports_hash(const struct plan_ports *p, size_t workload)
{
	return p->n == 0 ? 0
			 : hash_of_bytes(p->numbers + workload * p->n,
					 p->n * sizeof *p->numbers);
}

size_t plan_ports_of(const struct plan_ports *p, const struct rule *r,
		     size_t workload,
		     struct port_word ret[static INTENT_WORDS_MAX])
{
	size_t n = 0;

	for (size_t k = 0; k < r->n_ports; k++) {
		struct port_word w = r->ports[k];

		if (w.name[0]) {
			if (workload == PLAN_NOBODY)
				continue;
			w.first = plan_ports_number(p, workload, &w);
			w.last = w.first;
			w.name[0] = '\0';
			if (w.first == 0)
				continue;
		}
		ret[n++] = w;
	}
	return n;
}
