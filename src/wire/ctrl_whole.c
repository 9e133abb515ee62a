/*
 * weir_policy: all policies and all sets, to be put into force as one.
 *
 * Most of a large one is as it was in the version before. So that such a policy
 * need not be compiled again it is known by a hash of its text, as that is
 * printed when read: who sends the same rules written otherwise only has them
 * compiled. The hash is of 128 bits and its texts are the agent's own, so two
 * policies with one hash are the same.
 */
#include "wire/ctrl_whole.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/addr.h"
#include "base/limits.h"
#include "wire/ctrl_rule.h"
#include "wire/field.h"

#define SHOW_MAX 40 /* of a text that is wrong */

void whole_spec_done(struct whole_spec *w)
{
	for (size_t i = 0; i < w->n_sets; i++)
		addr_set_spec_done(&w->sets[i]);
	free(w->sets);
	for (size_t i = 0; i < w->n_policies; i++) {
		struct whole_policy *p = &w->policies[i];

		for (size_t k = 0; p->rules && k < p->n_rules; k++)
			rule_spec_done(&p->rules[k]);
		free(p->rules);
		free(p->macs);
	}
	free(w->policies);
	free(w->internal);
}

/* n elements, all 0, or the sticky error; NULL also for none. */
static void *new_list(struct fields *f, const char *name, size_t n, size_t size)
{
	void *v = n ? calloc(n, size) : NULL;

	if (n && !v)
		f->rc = err_set(f->reterr, ENOMEM, name, "out of memory");
	return v;
}

static void prefix_element(struct err *err, const char *name, size_t i)
{
	char at[ERR_AT_MAX];

	(void)snprintf(at, sizeof at, "%s[%zu]", name, i);
	err_prefix(err, at);
}

static void parse_rules(struct fields *f, struct whole_policy *p)
{
	const json_t *array = NULL;

	field_array(f, "rules", FIELD_MUST, POLICY_RULES_MAX, &array);
	p->rules =
		new_list(f, "rules", json_array_size(array), sizeof *p->rules);
	if (!p->rules)
		return;
	p->n_rules = json_array_size(array);
	for (size_t i = 0; i < p->n_rules; i++) {
		f->rc = ctrl_parse_own_rule(json_array_get(array, i),
					    &p->rules[i], f->reterr);
		if (f->rc) {
			prefix_element(f->reterr, "rules", i);
			return;
		}
	}
}

static int add_to_hash(const char *text, size_t len, void *state)
{
	return XXH3_128bits_update(state, text, len) == XXH_OK ? 0 : -1;
}

static void hash_policy(struct fields *f, struct whole_policy *p)
{
	const json_t *rules = json_object_get(f->obj, "rules");
	const uint8_t rest[] = { p->defact, p->reject, p->ipv6 };
	XXH3_state_t *state = XXH3_createState();
	XXH128_hash_t hash;

	if (!state || XXH3_128bits_reset(state) != XXH_OK ||
	    json_dump_callback(rules, add_to_hash, state, JSON_COMPACT) < 0 ||
	    XXH3_128bits_update(state, rest, sizeof rest) != XXH_OK) {
		f->rc = err_set(f->reterr, ENOMEM, "rules", "out of memory");
	} else {
		hash = XXH3_128bits_digest(state);
		p->hash = (struct rules_hash){ hash.low64, hash.high64 };
	}
	(void)XXH3_freeState(state); /* always XXH_OK */
}

static int parse_policy(const json_t *v, struct whole_policy *p,
			struct err *reterr)
{
	struct fields f = fields_open(v, true, reterr);

	p->ipv6 = true;
	field_macs(&f, "macs", FIELD_MUST, MSG_MACS_MAX, &p->macs, &p->n_macs);
	field_action(&f, "default", &p->defact, &p->reject);
	field_bool(&f, "ipv6", FIELD_MAY, &p->ipv6);
	parse_rules(&f, p);
	if (!f.rc)
		hash_policy(&f, p);
	return fields_close(&f);
}

/* Where a MAC stands, to tell who has named it before. */
struct owner {
	struct mac mac;
	size_t policy, place;
};

static int owner_order(const void *a, const void *b)
{
	const struct owner *x = a, *y = b;
	int order = memcmp(x->mac.b, y->mac.b, sizeof x->mac.b);

	if (order)
		return order;
	return x->policy != y->policy ? (x->policy < y->policy ? -1 : 1)
	       : x->place < y->place  ? -1
				      : 1;
}

/* A workload has one policy. */
static void check_owners(struct fields *f, const struct whole_spec *w)
{
	struct owner *all;
	size_t n = 0;

	for (size_t i = 0; i < w->n_policies; i++)
		n += w->policies[i].n_macs;
	all = new_list(f, "policies", n, sizeof *all);
	if (!all)
		return;
	n = 0;
	for (size_t i = 0; i < w->n_policies; i++)
		for (size_t k = 0; k < w->policies[i].n_macs; k++)
			all[n++] =
				(struct owner){ w->policies[i].macs[k], i, k };
	qsort(all, n, sizeof *all, owner_order);
	for (size_t i = 1; i < n && !f->rc; i++) {
		const struct owner *a = &all[i - 1], *b = &all[i];
		char at[ERR_AT_MAX];

		if (!mac_equal(a->mac, b->mac))
			continue;
		(void)snprintf(at, sizeof at, "policies[%zu].macs[%zu]",
			       b->policy, b->place);
		fields_refuse(f, at, "stands in policies[%zu].macs[%zu], too",
			      a->policy, a->place);
	}
	free(all);
}

static void parse_policies(struct fields *f, struct whole_spec *w)
{
	const json_t *array = NULL;

	field_array(f, "policies", FIELD_MUST, ENDPOINTS_MAX, &array);
	w->policies = new_list(f, "policies", json_array_size(array),
			       sizeof *w->policies);
	if (!w->policies)
		return;
	w->n_policies = json_array_size(array);
	for (size_t i = 0; i < w->n_policies; i++) {
		f->rc = parse_policy(json_array_get(array, i), &w->policies[i],
				     f->reterr);
		if (f->rc) {
			prefix_element(f->reterr, "policies", i);
			return;
		}
	}
	check_owners(f, w);
}

/* The fewest subnets that are together what the range says. */
static void add_subnets(struct fields *f, const char *at, struct whole_spec *w,
			const struct addr_word *range)
{
	unsigned __int128 first = ip_to_u128(range->first), size, left;

	for (;;) {
		unsigned bits = 128;

		left = ip_to_u128(range->last) - first;
		for (size = 1;
		     bits > 0 && !(first & size) && 2 * size - 1 <= left;
		     size *= 2)
			bits--;
		if (w->n_internal == SUBNETS_MAX) {
			f->rc = err_set(f->reterr, E2BIG, at,
					"more than %d subnets", SUBNETS_MAX);
			return;
		}
		w->internal[w->n_internal++] = (struct subnet){
			.net = ip_from_u128(first),
			.prefix_bits = (uint8_t)bits,
		};
		if (size - 1 == left)
			return;
		first += size;
	}
}

static void parse_internal(struct fields *f, struct whole_spec *w)
{
	const json_t *array = NULL;
	char at[ERR_AT_MAX];

	w->has_internal =
		field_array(f, "internal", FIELD_MAY, SUBNETS_MAX, &array);
	if (w->has_internal)
		w->internal = new_list(f, "internal", SUBNETS_MAX,
				       sizeof *w->internal);
	for (size_t i = 0; !f->rc && i < json_array_size(array); i++) {
		const char *text = json_string_value(json_array_get(array, i));
		struct addr_word range = { 0 };

		(void)snprintf(at, sizeof at, "internal[%zu]", i);
		if (text && addr_range_by_text(text, &range))
			add_subnets(f, at, w, &range);
		else
			fields_refuse(f, at,
				      "expected an address, \"10.0.0.0/8\" or "
				      "\"10.0.0.5-10.0.0.9\", got \"%.*s\"",
				      SHOW_MAX, text ? text : "(no string)");
	}
}

int ctrl_parse_whole(const json_t *body, bool strict, struct ctrl_msg *m,
		     struct err *reterr)
{
	struct fields f = fields_open(body, strict, reterr);
	struct whole_spec *w = &m->whole;

	field_u64(&f, "version", FIELD_MUST, &w->version);
	if (w->version == 0 || w->version > POLICY_VERSION_MAX)
		fields_refuse(&f, "version", "expected an integer in 1..%llu",
			      (unsigned long long)POLICY_VERSION_MAX);
	field_bool(&f, "force", FIELD_MAY, &w->force);
	field_sets(&f, "sets", FIELD_MAY, &w->sets, &w->n_sets);
	parse_policies(&f, w);
	parse_internal(&f, w);
	return fields_close(&f);
}
