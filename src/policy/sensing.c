#include "policy/sensing.h"

#include <stdlib.h>
#include <string.h>

#include "base/bug.h"

#define COMBINATIONS 4 /* of SENSING_DLP and SENSING_WAF */

struct sensing {
	unsigned refs;
	uint8_t signatures;
	bool scoped; /* any of NeuVector's */
	struct sensor_scope scope;
	uint32_t *rule_ids, *waf_rule_ids;	/* of scope */
	struct sensor_use *lists[COMBINATIONS]; /* by bits */
	size_t n[COMBINATIONS];
};

static int by_id(const void *a, const void *b)
{
	const struct sensor_use *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

/* As qsort() is not stable, each is put in its place, or over one of its id. */
static void add_all(struct sensor_use *list, size_t *n, struct sensor_uses more)
{
	size_t before = *n;

	for (size_t i = 0; i < more.n; i++) {
		struct sensor_use *there = before ? bsearch(&more.uses[i], list,
							    before,
							    sizeof *list, by_id)
						  : NULL;

		for (size_t k = before; !there && k < *n; k++)
			if (list[k].id == more.uses[i].id)
				there = &list[k];
		if (!there)
			there = &list[(*n)++];
		*there = more.uses[i];
	}
	if (*n > 1)
		qsort(list, *n, sizeof *list, by_id);
}

/* Own ones last: they count where an id is in both. */
static bool fill(struct sensing *s, const struct sensing_spec *spec,
		 unsigned bits)
{
	struct sensor_use *list;

	list = calloc(spec->own.n + spec->dlp.n + spec->waf.n + 1,
		      sizeof *list);
	s->lists[bits] = list;
	if (!list)
		return false;
	if (bits & SENSING_DLP)
		add_all(list, &s->n[bits], spec->dlp);
	if (bits & SENSING_WAF)
		add_all(list, &s->n[bits], spec->waf);
	add_all(list, &s->n[bits], spec->own);
	return true;
}

/* Never NULL but without memory. */
static uint32_t *copy_ids(const uint32_t *ids, size_t n)
{
	uint32_t *copy = calloc(n + 1, sizeof *copy);

	if (copy && n > 0)
		memcpy(copy, ids, n * sizeof *copy);
	return copy;
}

static void sensing_free(struct sensing *s)
{
	for (unsigned i = 0; i < COMBINATIONS; i++)
		free(s->lists[i]);
	free(s->rule_ids);
	free(s->waf_rule_ids);
	free(s);
}

struct sensing *sensing_new(const struct sensing_spec *spec)
{
	struct sensing *s = calloc(1, sizeof *s);
	bool ok;

	if (!s)
		return NULL;
	s->refs = 1;
	s->signatures = spec->signatures;
	s->scoped = spec->dlp.n > 0 || spec->waf.n > 0;
	s->scope = spec->scope;
	s->rule_ids = copy_ids(spec->scope.rule_ids, spec->scope.n_rule_ids);
	s->waf_rule_ids =
		copy_ids(spec->scope.waf_rule_ids, spec->scope.n_waf_rule_ids);
	s->scope.rule_ids = s->rule_ids;
	s->scope.waf_rule_ids = s->waf_rule_ids;
	ok = s->rule_ids && s->waf_rule_ids;
	for (unsigned bits = 0; ok && bits < COMBINATIONS; bits++)
		ok = fill(s, spec, bits);
	if (ok)
		return s;
	sensing_free(s);
	return NULL;
}

struct sensing *sensing_get(struct sensing *s)
{
	if (s)
		s->refs++;
	return s;
}

void sensing_put(struct sensing *s)
{
	if (!s)
		return;
	BUG_ON(s->refs == 0);
	if (--s->refs == 0)
		sensing_free(s);
}

static bool same_uses(struct sensor_uses a, struct sensor_uses b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (a.uses[i].id != b.uses[i].id ||
		    a.uses[i].action != b.uses[i].action)
			return false;
	return true;
}

static bool same_ids(const uint32_t *a, size_t n, const uint32_t *b, size_t m)
{
	return n == m && memcmp(a, b, n * sizeof *a) == 0;
}

static bool same_scope(const struct sensor_scope *a,
		       const struct sensor_scope *b)
{
	if (!a || !b)
		return a == b;
	return a->inside == b->inside && a->waf_inside == b->waf_inside &&
	       a->dir == b->dir && a->default_deny == b->default_deny &&
	       same_ids(a->rule_ids, a->n_rule_ids, b->rule_ids,
			b->n_rule_ids) &&
	       same_ids(a->waf_rule_ids, a->n_waf_rule_ids, b->waf_rule_ids,
			b->n_waf_rule_ids);
}

bool sensing_same(const struct sensing *a, const struct sensing *b)
{
	bool same = sensing_signatures(a) == sensing_signatures(b) &&
		    same_scope(sensing_scope(a), sensing_scope(b));

	for (unsigned bits = 0; same && bits < COMBINATIONS; bits++)
		same = same_uses(sensing_uses(a, bits), sensing_uses(b, bits));
	return same;
}

enum signatures_mode sensing_signatures(const struct sensing *s)
{
	return s ? (enum signatures_mode)s->signatures : SIGNATURES_ENFORCE;
}

struct sensor_uses sensing_uses(const struct sensing *s, unsigned bits)
{
	struct sensor_uses u = { NULL, 0 };

	BUG_ON(bits >= COMBINATIONS);
	if (s)
		u = (struct sensor_uses){ s->lists[bits], s->n[bits] };
	return u;
}

const struct sensor_scope *sensing_scope(const struct sensing *s)
{
	return s && s->scoped ? &s->scope : NULL;
}

bool sensing_is_compat(const struct sensing *s, uint32_t id)
{
	struct sensor_use key = { .id = id };

	return s && s->scoped &&
	       !bsearch(&key, s->lists[0], s->n[0], sizeof key, by_id);
}
