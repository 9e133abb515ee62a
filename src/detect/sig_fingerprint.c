/*
 * Theory. What a rule says is its text as it is printed, which reads as the same
 * rule again; what its variables stand for, as the text has their names; and how it
 * was cut into chains and numbered, as that is what connections remember of it.
 * Databases follow from that.
 */
#include <errno.h>
#include <stdlib.h>

#include "detect/fingerprint.h"
#include "detect/sig_set_build.h"

/* Some may take more room when they are printed: numbers for bytes. */
#define TEXT_MAX ((size_t)8 * SIG_RULE_BYTES_MAX)

static void add_addrs(uint64_t *f, const struct sig_addrs *a)
{
	fingerprint_number(f, a->n);
	for (unsigned i = 0; i < a->n; i++) {
		const struct sig_addr_range *r = &a->ranges[i];

		fingerprint_bytes(f, &r->low, sizeof r->low);
		fingerprint_bytes(f, &r->high, sizeof r->high);
		fingerprint_number(f, r->not );
	}
}

static void add_ports(uint64_t *f, const struct sig_ports *p)
{
	fingerprint_number(f, p->n);
	for (unsigned i = 0; i < p->n; i++) {
		fingerprint_number(f, p->ranges[i].low);
		fingerprint_number(f, p->ranges[i].high);
		fingerprint_number(f, p->ranges[i].not );
	}
}

static void add_built(uint64_t *f, const struct sig_rule *r)
{
	const uint16_t *bits = r->bits;

	fingerprint_number(f, r->n_groups);
	fingerprint_number(f, r->trigger);
	fingerprint_number(f, r->of_packets);
	for (unsigned i = 0; i < r->n_groups; i++) {
		fingerprint_number(f, r->groups[i].n_chains);
		fingerprint_number(f, r->groups[i].fast_chain);
		fingerprint_number(f, r->groups[i].first_bit);
	}
	for (unsigned i = 0; i < r->s->n_bits; i++)
		for (unsigned k = 0; k < r->s->bits[i].n; k++)
			fingerprint_number(f, *bits++);
}

bool sig_build_fingerprint(struct sig_build *b)
{
	struct sig_set *set = b->set;
	char *text = malloc(TEXT_MAX);
	uint64_t f = set->n_rules;

	if (!text) {
		(void)err_set(b->reterr, ENOMEM, NULL, "out of memory");
		return false;
	}
	for (uint32_t i = 0; i < set->n_rules; i++) {
		const struct signature *s = set->rules[i].s;

		if (!sig_print(s, text, TEXT_MAX)) {
			f = 0;
			break;
		}
		fingerprint_text(&f, text);
		fingerprint_number(&f, s->priority);
		add_addrs(&f, &s->from);
		add_addrs(&f, &s->to);
		add_ports(&f, &s->from_ports);
		add_ports(&f, &s->to_ports);
		add_built(&f, &set->rules[i]);
	}
	free(text);
	set->fingerprint = f;
	return true;
}
