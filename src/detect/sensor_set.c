/*
 * Theory. Each pattern is one expression, or one for each kind of secret, which
 * all sensors share. An expression is compiled twice: by PCRE2, which says what
 * matches, and for Vectorscan, which only says that it is worth while to ask:
 * exactly, or (HS_FLAG_PREFILTER) as something that finds at least as much, since
 * it cannot look around. What it cannot read at all is asked always (unfiltered).
 * Kinds of secrets that are mostly digits are not for Vectorscan: as nothing in
 * them is fixed, it would go through each byte's states, at a fifth of its speed.
 * They have a search of their own (detect/secret_seek.h), which says where an
 * expression may match: that one is anchored.
 *
 * For each place there is one database with the expressions that any sensor looks
 * for there.
 *
 * The expressions of secrets end with a callout: PCRE2 stops there, the check
 * (Luhn) is made, and where it fails another way to match is tried. So "4111 1111
 * 1111 1111 123" is found, though all its digits together are no card.
 */
#include "detect/sensor_set.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "base/limits.h"
#include "detect/fingerprint.h"
#include "detect/search.h"
#include "detect/sensor_set_own.h"
#include "detect/sig_match.h"

struct build {
	struct sensor_set *set;
	const struct sensor_set_options *opt;
	struct err *reterr;
	uint32_t of_secret[64]; /* by the kind's number: expression + 1 */
	uint32_t *expr_of;	/* of each use */
	uint32_t *rule_of;
	size_t n_uses, uses_room;
};

/* --- where ------------------------------------------------------------ */

#define BIT(place) (uint8_t)(1u << SENSOR_PLACE_##place)

static const uint8_t places_of[] = {
	[SENSOR_ANY] = BIT(URL) | BIT(HEADER) | BIT(BODY) | BIT(SQL) |
		       BIT(SENT),
	[SENSOR_URL] = BIT(URL),
	[SENSOR_HEADER] = BIT(HEADER),
	[SENSOR_BODY] = BIT(BODY),
	[SENSOR_SQL] = BIT(SQL),
	[SENSOR_PACKET] = BIT(SENT),
};
_Static_assert(sizeof places_of == SENSOR_WHERE__MAX, "one each");

bool sensor_rule_looks(const struct sensor_rule *r, enum sensor_place place,
		       bool all_sent)
{
	if (place == SENSOR_PLACE_SENT && !all_sent)
		return r->pattern->where == SENSOR_PACKET;
	return r->places >> place & 1;
}

/* --- expressions ------------------------------------------------------ */

static bool no_memory(struct build *b)
{
	(void)err_set(b->reterr, ENOMEM, NULL, "out of memory");
	return false;
}

/* What Vectorscan and PCRE2 read; its x is written into the text. */
static const char *text_with(struct build *b, const char *before,
			     const char *text, const char *after)
{
	size_t size = strlen(before) + strlen(text) + strlen(after) + 1;
	char *t = arena_alloc(&b->set->arena, size);

	if (t)
		(void)snprintf(t, size, "%s%s%s", before, text, after);
	return t;
}

/* false: *b->reterr; EINVAL: only this expression cannot be. */
static bool make_expr(struct build *b, const char *text, const char *flags,
		      const struct secret_kind *secret, uint32_t *ret)
{
	struct sensor_set *set = b->set;
	struct sensor_expr *e = &set->exprs[set->n_exprs];
	const char *read = text_with(b, "", text, secret ? "(?C1)" : "");
	bool sought = secret && secret->lead;
	struct sig_item item = {
		.kind = SIG_PCRE,
		.bytes = (const uint8_t *)read,
		.pcre_flags = sought ? "A" : flags,
	};

	*e = (struct sensor_expr){
		.secret = secret,
		.flags = flags,
		.sought = sought,
	};
	e->text = text_with(b, strchr(flags, 'x') ? "(?x)" : "",
			    secret && secret->hint ? secret->hint : text, "");
	if (!read || !e->text)
		return no_memory(b);
	item.len = (uint16_t)strlen(read);
	e->code = sig_pcre_new(&item, b->reterr);
	if (!e->code)
		return false;
	if (sought) { /* its width is less than SENSOR_WINDOW_MIN */
		set->sought[secret_seek_add(&set->seek, secret)] = set->n_exprs;
	} else {
		e->width = UINT_MAX;
		e->filtered = search_expression(e->text, e->flags, &e->hs_flags,
						&e->width);
	}
	*ret = set->n_exprs++;
	return true;
}

static bool secret_expr(struct build *b, const struct secret_kind *k,
			uint32_t *ret)
{
	unsigned i = 0;

	while (secret_kind_at(i) != k)
		i++;
	BUG_ON(i >= sizeof b->of_secret / sizeof *b->of_secret);
	if (b->of_secret[i] == 0) {
		if (!make_expr(b, k->regex, "", k, ret))
			return false;
		b->of_secret[i] = *ret + 1;
	}
	*ret = b->of_secret[i] - 1;
	return true;
}

/* --- sensors ---------------------------------------------------------- */

static void add_use(struct build *b, uint32_t expr, uint32_t rule)
{
	struct sensor_set *set = b->set;

	BUG_ON(b->n_uses == b->uses_room);
	b->expr_of[b->n_uses] = expr;
	b->rule_of[b->n_uses++] = rule;
	set->exprs[expr].n_uses++;
	set->exprs[expr].places |= set->rules[rule].places;
}

static bool add_rule(struct build *b, uint32_t n)
{
	const struct sensor_pattern *p = b->set->rules[n].pattern;
	uint32_t expr;

	if (p->regex) {
		if (!make_expr(b, p->regex, p->flags, NULL, &expr))
			return false;
		add_use(b, expr, n);
		return true;
	}
	for (unsigned i = 0; i < p->n_secrets; i++) {
		if (!secret_expr(b, p->secrets[i], &expr))
			return false;
		add_use(b, expr, n);
	}
	return true;
}

static bool add_sensor(struct build *b, const struct sensor *s)
{
	struct sensor_set *set = b->set;
	uint32_t first = set->n_rules;
	size_t uses = b->n_uses;

	for (unsigned i = 0; i < s->n_patterns; i++) {
		struct sensor_rule *r = &set->rules[set->n_rules++];

		*r = (struct sensor_rule){
			.sensor = s,
			.pattern = &s->patterns[i],
			.first = first,
			.places = places_of[s->patterns[i].where],
		};
		set->has_negated |= r->pattern->negated;
		if (r->pattern->or_sent)
			r->places |= BIT(SENT);
		if (add_rule(b, set->n_rules - 1))
			continue;
		/* as if it had not been begun; its expressions are idle */
		set->n_rules = first;
		while (b->n_uses > uses)
			set->exprs[b->expr_of[--b->n_uses]].n_uses--;
		return false;
	}
	return true;
}

static bool add_sensors(struct build *b)
{
	struct sensor_set *set = b->set;
	size_t n = sensor_list_len(set->list);

	for (size_t i = 0; i < n; i++) {
		const struct sensor *s = sensor_list_at(set->list, i);

		set->rules_at[i] = set->n_rules;
		if (add_sensor(b, s)) {
			set->size.sensors++;
			continue;
		}
		if (b->reterr->code != EINVAL)
			return false;
		set->rules_at[i] = UINT32_MAX;
		set->size.left_out++;
		if (b->opt && b->opt->left_out)
			b->opt->left_out(b->opt->arg, s, b->reterr);
		*b->reterr = (struct err){ 0 };
	}
	return true;
}

static bool make_room(struct build *b)
{
	struct sensor_set *set = b->set;
	size_t n = sensor_list_len(set->list), rules = 0, own = 0, kinds = 0;

	for (size_t i = 0; i < n; i++) {
		const struct sensor *s = sensor_list_at(set->list, i);

		rules += s->n_patterns;
		for (unsigned k = 0; k < s->n_patterns; k++) {
			own += s->patterns[k].regex != NULL;
			b->uses_room += s->patterns[k].regex
						? 1
						: s->patterns[k].n_secrets;
		}
	}
	while (secret_kind_at((unsigned)kinds))
		kinds++;
	set->exprs =
		arena_alloc(&set->arena, (own + kinds) * sizeof *set->exprs);
	set->rules = arena_alloc(&set->arena, rules * sizeof *set->rules + 1);
	set->rules_at = arena_alloc(&set->arena, n * sizeof *set->rules_at + 1);
	set->uses =
		arena_alloc(&set->arena, b->uses_room * sizeof *set->uses + 1);
	set->unfiltered = arena_alloc(&set->arena,
				      (own + kinds) * sizeof *set->unfiltered);
	b->expr_of = calloc(b->uses_room + 1, sizeof *b->expr_of);
	b->rule_of = calloc(b->uses_room + 1, sizeof *b->rule_of);
	return (set->exprs && set->rules && set->rules_at && set->uses &&
		set->unfiltered && b->expr_of && b->rule_of) ||
	       no_memory(b);
}

/* Uses by expression, in the order of sensors. */
static void sort_uses(struct build *b)
{
	struct sensor_set *set = b->set;
	uint32_t at = 0;

	for (uint32_t i = 0; i < set->n_exprs; i++) {
		struct sensor_expr *e = &set->exprs[i];

		e->uses_at = at;
		at += e->n_uses;
		if (!e->filtered && !e->sought && e->n_uses)
			set->unfiltered[set->n_unfiltered++] = i;
		if (e->width < SENSOR_WINDOW_MAX && e->width > set->size.window)
			set->size.window = e->width;
		e->n_uses = 0;
	}
	for (size_t i = 0; i < b->n_uses; i++) {
		struct sensor_expr *e = &set->exprs[b->expr_of[i]];

		set->uses[e->uses_at + e->n_uses++] = b->rule_of[i];
	}
}

/* --- databases -------------------------------------------------------- */

static bool make_database(struct build *b, enum sensor_place place)
{
	struct sensor_set *set = b->set;
	const char **texts = calloc(set->n_exprs + 1u, sizeof *texts);
	unsigned *flags = calloc(set->n_exprs + 1u, sizeof *flags);
	unsigned *ids = calloc(set->n_exprs + 1u, sizeof *ids);
	bool good = (texts && flags && ids) || no_memory(b);
	unsigned n = 0;
	size_t size;

	for (uint32_t i = 0; good && i < set->n_exprs; i++) {
		const struct sensor_expr *e = &set->exprs[i];

		if (!e->filtered || !e->n_uses || !(e->places >> place & 1))
			continue;
		texts[n] = e->text;
		flags[n] = e->hs_flags | HS_FLAG_SINGLEMATCH;
		ids[n++] = i;
	}
	if (good && n > 0) {
		set->dbs[place] = search_new(texts, flags, ids, n, b->reterr);
		good = set->dbs[place] != NULL;
	}
	if (good && n > 0 &&
	    hs_database_size(set->dbs[place], &size) == HS_SUCCESS)
		set->size.database_bytes += size;
	if (good && n > 0 &&
	    hs_alloc_scratch(set->dbs[place], &set->scratch) != HS_SUCCESS)
		good = no_memory(b);
	free(ids);
	free(flags);
	free(texts);
	return good;
}

static void note_sought(struct sensor_set *set, enum sensor_place place)
{
	for (unsigned i = 0; i < set->seek.n; i++) {
		const struct sensor_expr *e = &set->exprs[set->sought[i]];

		if (e->n_uses && e->places >> place & 1)
			set->sought_at[place] |= (uint16_t)(1u << i);
	}
}

static bool make_databases(struct build *b)
{
	struct sensor_set *set = b->set;
	size_t size;

	for (unsigned i = 0; i < SENSOR_PLACE__MAX; i++) {
		note_sought(set, (enum sensor_place)i);
		if (!make_database(b, (enum sensor_place)i))
			return false;
	}
	if (set->scratch && hs_scratch_size(set->scratch, &size) == HS_SUCCESS)
		set->size.scratch_bytes = size;
	return true;
}

static void add_pattern(uint64_t *f, const struct sensor_pattern *p)
{
	fingerprint_text(f, p->regex);
	fingerprint_text(f, p->flags);
	fingerprint_number(f, p->n_secrets);
	for (unsigned i = 0; i < p->n_secrets; i++)
		fingerprint_text(f, p->secrets[i]->name);
	fingerprint_number(f, p->where);
	fingerprint_number(f, p->count);
	fingerprint_number(f, p->negated);
	fingerprint_number(f, p->or_sent);
}

/* Of all rules, by number, and of all kinds of secrets, by theirs. */
static uint64_t fingerprint_of(const struct sensor_set *set)
{
	uint64_t f = set->n_rules;
	const struct secret_kind *k;

	for (unsigned i = 0; (k = secret_kind_at(i)); i++) {
		fingerprint_text(&f, k->name);
		fingerprint_text(&f, k->regex);
	}
	for (uint32_t i = 0; i < set->n_rules; i++) {
		const struct sensor_rule *r = &set->rules[i];

		fingerprint_number(&f, r->sensor->id);
		fingerprint_number(&f, r->sensor->kind);
		fingerprint_number(&f, r->first);
		add_pattern(&f, r->pattern);
	}
	return f;
}

struct sensor_set *sensor_set_new(struct sensor_list *l,
				  const struct sensor_set_options *opt,
				  struct err *reterr)
{
	struct err err = { 0 };
	struct build b = { .opt = opt, .reterr = &err };
	struct sensor_set *set = calloc(1, sizeof *set);
	bool good;

	b.set = set;
	if (!set) {
		sensor_list_free(l);
		(void)err_set(reterr, ENOMEM, NULL, "out of memory");
		return NULL;
	}
	set->list = l;
	set->size.window = SENSOR_WINDOW_MIN;
	good = make_room(&b) && add_sensors(&b);
	if (good) {
		sort_uses(&b);
		good = make_databases(&b);
	}
	free(b.expr_of);
	free(b.rule_of);
	set->size.expressions = set->n_exprs;
	set->size.unfiltered = set->n_unfiltered;
	set->fingerprint = fingerprint_of(set);
	if (good)
		return set;
	if (reterr)
		*reterr = err;
	sensor_set_free(set);
	return NULL;
}

void sensor_set_free(struct sensor_set *s)
{
	if (!s)
		return;
	for (unsigned i = 0; i < SENSOR_PLACE__MAX; i++)
		(void)hs_free_database(s->dbs[i]); /* is valid, or NULL */
	(void)hs_free_scratch(s->scratch);	   /* is valid, or NULL */
	for (uint32_t i = 0; i < s->n_exprs; i++)
		sig_pcre_free(s->exprs[i].code);
	arena_done(&s->arena);
	sensor_list_free(s->list);
	free(s);
}

struct sensor_set_size sensor_set_size(const struct sensor_set *s)
{
	return s->size;
}

uint64_t sensor_set_fingerprint(const struct sensor_set *s)
{
	return s->fingerprint;
}

int64_t sensor_set_index(const struct sensor_set *s, uint32_t id)
{
	size_t low = 0, high = sensor_list_len(s->list);

	while (low < high) {
		size_t mid = (low + high) / 2;
		uint32_t here = sensor_list_at(s->list, mid)->id;

		if (here == id)
			return s->rules_at[mid] == UINT32_MAX ? -1
							      : (int64_t)mid;
		if (here < id)
			low = mid + 1;
		else
			high = mid;
	}
	return -1;
}

const struct sensor *sensor_set_find(const struct sensor_set *s, uint32_t id)
{
	int64_t i = sensor_set_index(s, id);

	return i < 0 ? NULL : sensor_list_at(s->list, (size_t)i);
}
