/*
 * Theory. Rules are taken one by one: expressions compiled, groups cut into
 * chains, one group chosen to be the trigger. Then the triggers' patterns are
 * gathered by channel (place and transforms), equal ones once, and each channel
 * gets its database: block mode, as scanners join the borders of pieces by
 * themselves (sig_scan.c).
 */
#include "detect/sig_set.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <errno.h>
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#include "detect/sig_set_build.h"

static bool out_of_memory(struct sig_build *b)
{
	(void)err_set(b->reterr, ENOMEM, NULL, "out of memory");
	return false;
}

void *sig_build_alloc(struct sig_build *b, size_t size)
{
	void *p = arena_alloc(&b->set->arena, size);

	b->set->size.other_bytes += size;
	if (!p)
		(void)out_of_memory(b);
	return p;
}

/* content: its bytes in lower case */
static const uint8_t *lowered(struct sig_build *b, const struct sig_item *item)
{
	uint8_t *copy = sig_build_alloc(b, item->len);

	for (size_t i = 0; copy && i < item->len; i++) {
		uint8_t c = item->bytes[i];

		copy[i] = c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
	}
	return copy;
}

static bool make_steps(struct sig_build *b, const struct sig_item *items,
		       unsigned n, struct sig_step **ret);

/* NOLINTNEXTLINE(misc-no-recursion): base64_data has no base64_decode */
static bool make_step(struct sig_build *b, const struct sig_item *item,
		      struct sig_step *step)
{
	struct sig_step *after = NULL;
	size_t size = 0, jit = 0;

	*step = (struct sig_step){ .item = item, .bytes = item->bytes };
	if (item->kind == SIG_CONTENT && item->nocase) {
		step->bytes = lowered(b, item);
		return step->bytes != NULL;
	}
	if (item->kind == SIG_PCRE) {
		step->code = sig_pcre_new(item, b->reterr);
		if (!step->code)
			return false;
		if (!sig_build_keep_code(b, step->code)) {
			sig_pcre_free(step->code);
			return out_of_memory(b);
		}
		(void)pcre2_pattern_info(step->code, PCRE2_INFO_SIZE, &size);
		(void)pcre2_pattern_info(step->code, PCRE2_INFO_JITSIZE, &jit);
		b->set->size.expressions++;
		b->set->size.pcre_bytes += size + jit;
	}
	if (item->n_after == 0)
		return true;
	if (!make_steps(b, item->after, item->n_after, &after))
		return false;
	step->after = after;
	return true;
}

/* NOLINTNEXTLINE(misc-no-recursion): see make_step() */
static bool make_steps(struct sig_build *b, const struct sig_item *items,
		       unsigned n, struct sig_step **ret)
{
	struct sig_step *steps = sig_build_alloc(b, n * sizeof *steps);

	if (!steps)
		return false;
	for (unsigned i = 0; i < n; i++)
		if (!make_step(b, &items[i], &steps[i]))
			return false;
	*ret = steps;
	return true;
}

static bool is_absolute(const struct sig_item *item)
{
	return item->has_offset || item->has_depth || item->startswith ||
	       item->kind == SIG_BSIZE ||
	       (item->kind == SIG_PCRE && !item->relative &&
		item->bytes[0] == '^') ||
	       (item->kind >= SIG_BYTE_TEST && item->kind <= SIG_ISDATAAT &&
		!item->relative);
}

/* Does what is relative to the last match go on from where this one ends? */
static bool moves(const struct sig_item *item)
{
	return item->kind == SIG_BYTE_JUMP ||
	       (item->kind <= SIG_PCRE && !item->negated);
}

/* The number of each item's chain; how many there are. */
static unsigned number_chains(const struct sig_group *g, uint8_t *chain_of)
{
	unsigned n = 0, current = 0;
	bool any = false;

	for (unsigned i = 0; i < g->n_items; i++) {
		const struct sig_item *item = &g->items[i];
		bool joins = g->variables ? i > 0 : item->relative && any;

		chain_of[i] = (uint8_t)(joins ? current : n++);
		if (!joins && (moves(item) || item->relative)) {
			current = chain_of[i];
			any = true;
		}
	}
	return n;
}

/* Items that go on from one another are a chain. */
static bool make_chains(struct sig_build *b, struct sig_set_group *g)
{
	const struct sig_group *group = g->group;
	uint8_t chain_of[SIG_ITEMS_MAX];
	struct sig_chain *chains;
	struct sig_step *steps;
	unsigned at = 0;

	if (group->n_items == 0)
		return true; /* a note */
	g->n_chains = (uint8_t)number_chains(group, chain_of);
	chains = sig_build_alloc(b, g->n_chains * sizeof *chains);
	steps = sig_build_alloc(b, group->n_items * sizeof *steps);
	g->chains = chains;
	if (!chains || !steps)
		return false;
	for (unsigned n = 0; n < g->n_chains; n++) {
		chains[n].steps = &steps[at];
		for (unsigned i = 0; i < group->n_items; i++) {
			const struct sig_item *item = &group->items[i];

			if (chain_of[i] != n)
				continue;
			if (!make_step(b, item, &steps[at++]))
				return false;
			chains[n].n++;
			chains[n].absolute |= is_absolute(item);
			if (item == sig_fast_item(group))
				g->fast_chain = (uint8_t)n;
		}
	}
	return true;
}

/* The group with the rule's fast pattern, or the first one. */
static uint8_t trigger_of(const struct signature *s)
{
	const struct sig_item *best = NULL, *item;
	uint8_t trigger = 0;

	for (uint8_t i = 0; i < s->n_groups; i++) {
		item = sig_fast_item(&s->groups[i]);
		if (!item || (best && (best->fast || (!item->fast &&
						      item->len <= best->len))))
			continue;
		best = item;
		trigger = i;
	}
	return trigger;
}

static bool number_bits(struct sig_build *b, struct sig_rule *rule)
{
	const struct signature *s = rule->s;
	uint16_t *bits;
	unsigned n = 0;

	for (unsigned i = 0; i < s->n_bits; i++)
		n += s->bits[i].n;
	if (n == 0)
		return true;
	bits = sig_build_alloc(b, n * sizeof *bits);
	if (!bits)
		return false;
	rule->bits = bits;
	for (unsigned i = 0; i < s->n_bits; i++) {
		rule->sets_bits |= s->bits[i].verb < SIG_BIT_ISSET;
		rule->asks_bits |= s->bits[i].verb >= SIG_BIT_ISSET;
		for (unsigned k = 0; k < s->bits[i].n; k++)
			if (!sig_build_bit(b, s->bits[i].names[k], bits++))
				return false;
	}
	return true;
}

/* false: *b->reterr; EINVAL: only this rule cannot be. */
static bool make_rule(struct sig_build *b, const struct signature *s,
		      struct sig_rule *rule)
{
	unsigned bit = 0;

	*rule = (struct sig_rule){
		.s = s,
		.n_groups = s->n_groups,
		.of_packets = s->packets,
		.trigger = trigger_of(s),
	};
	rule->groups =
		sig_build_alloc(b, s->n_groups * sizeof *rule->groups + 1);
	if (!rule->groups)
		return false;
	for (unsigned i = 0; i < s->n_groups; i++) {
		struct sig_set_group *g = &rule->groups[i];

		g->group = &s->groups[i];
		if (!make_chains(b, g))
			return false;
		g->first_bit = (uint8_t)bit;
		bit += g->n_chains ? g->n_chains : 1u;
		if (bit > 32)
			return err_set(b->reterr, EINVAL, NULL,
				       "more than 32 things that are not "
				       "relative to each other"),
			       false;
		for (unsigned k = g->first_bit; k < bit; k++)
			g->bits |= 1u << k;
		rule->all |= g->bits;
		rule->fields |= g->group->buffer != SIG_BUFFER_PAYLOAD;
	}
	return number_bits(b, rule);
}

static bool cancelled(struct sig_build *b)
{
	if (!b->opt || !b->opt->cancelled || !b->opt->cancelled(b->opt->arg))
		return false;
	(void)err_set(b->reterr, ECANCELED, NULL, "cancelled");
	return true;
}

static bool make_rules(struct sig_build *b)
{
	struct sig_set *set = b->set;
	size_t n = sig_list_len(set->list);

	set->rules = sig_build_alloc(b, n * sizeof *set->rules + 1);
	if (!set->rules)
		return false;
	for (size_t i = 0; i < n; i++) {
		const struct signature *s = sig_list_at(set->list, i);

		if (i % 64 == 0 && cancelled(b))
			return false;
		if (make_rule(b, s, &set->rules[set->n_rules])) {
			set->n_rules++;
			continue;
		}
		if (b->reterr->code != EINVAL)
			return false;
		set->size.left_out++;
		if (b->opt && b->opt->left_out)
			b->opt->left_out(b->opt->arg, s, b->reterr);
		*b->reterr = (struct err){ 0 };
	}
	set->size.signatures = set->n_rules;
	return true;
}

static bool make_scratch(struct sig_build *b)
{
	struct sig_set *set = b->set;
	size_t size = 0;

	for (uint32_t i = 0; i < set->n_channels; i++) {
		if (cancelled(b))
			return false;
		if (!sig_build_database(b, &set->channels[i]))
			return false;
		if (set->channels[i].db &&
		    hs_alloc_scratch(set->channels[i].db, &set->scratch) !=
			    HS_SUCCESS)
			return out_of_memory(b);
	}
	if (set->scratch && hs_scratch_size(set->scratch, &size) == HS_SUCCESS)
		set->size.scratch_bytes = size;
	return true;
}

struct sig_set *sig_set_new(struct sig_list *list,
			    const struct sig_set_options *opt,
			    struct err *reterr)
{
	struct err err = { 0 };
	struct sig_build b = { .opt = opt, .reterr = &err };
	bool good;

	b.set = calloc(1, sizeof *b.set);
	if (!b.set) {
		sig_list_free(list);
		(void)err_set(reterr, ENOMEM, NULL, "out of memory");
		return NULL;
	}
	b.set->list = list;
	good = make_rules(&b) && sig_build_channels(&b) && make_scratch(&b) &&
	       sig_build_fingerprint(&b);
	sig_build_done(&b);
	if (good)
		return b.set;
	if (reterr)
		*reterr = err;
	sig_set_free(b.set);
	return NULL;
}

void sig_set_free(struct sig_set *s)
{
	if (!s)
		return;
	for (uint32_t i = 0; i < s->n_channels; i++)
		(void)hs_free_database(s->channels[i].db); /* is valid */
	(void)hs_free_scratch(s->scratch);		   /* is valid */
	sig_set_free_codes(s);
	arena_done(&s->arena);
	sig_list_free(s->list);
	free(s);
}

struct sig_set_size sig_set_size(const struct sig_set *s)
{
	return s->size;
}

uint64_t sig_set_fingerprint(const struct sig_set *s)
{
	return s->fingerprint;
}

const struct sig_list *sig_set_list(const struct sig_set *s)
{
	return s->list;
}

bool sig_set_wants(const struct sig_set *s, enum proto_field f)
{
	return s->wanted[f];
}

bool sig_set_wants_note(const struct sig_set *s, enum proto_note n)
{
	return s->n_notes[n] > 0;
}
