/*
 * weir_policy: everything is made first - sets, policies, and who has which -
 * and put into force by one snapshot.
 *
 * A policy that is in force already, known by the hash of its rules
 * (wire/ctrl_whole.c), is taken as it is: if the sets that it names hold what
 * they held. In the common case, one rule in one policy of a hundred, the rest
 * costs reading it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "base/limits.h"
#include "dp/config_draft.h"

/* Policies by hash; each may be several times in it. */
struct known {
	struct policy **list;
	size_t n;
};

static int hash_order(struct rules_hash a, struct rules_hash b)
{
	if (a.low != b.low)
		return a.low < b.low ? -1 : 1;
	return a.high == b.high ? 0 : a.high < b.high ? -1 : 1;
}

static int policy_order(const void *a, const void *b)
{
	return hash_order(policy_spec_of(*(struct policy *const *)a)->hash,
			  policy_spec_of(*(struct policy *const *)b)->hash);
}

static bool is_hash(struct rules_hash h)
{
	return h.low || h.high;
}

/* Those in force that a message may speak of again. */
static int known_fill(struct known *k, const struct snapshot_spec *s,
		      struct err *reterr)
{
	k->list = calloc(s->n_endpoints + 1, sizeof *k->list);
	if (!k->list)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	for (size_t i = 0; i < s->n_endpoints; i++) {
		struct policy *p = s->endpoints[i].policy;

		if (p && is_hash(policy_spec_of(p)->hash))
			k->list[k->n++] = p;
	}
	qsort(k->list, k->n, sizeof *k->list, policy_order);
	return 0;
}

static int has_hash(const void *hash, const void *policy)
{
	return hash_order(
		*(const struct rules_hash *)hash,
		policy_spec_of(*(struct policy *const *)policy)->hash);
}

/* Counted; NULL: it is to be compiled. */
static struct policy *known_get(const struct known *k, struct rules_hash hash,
				const struct addr_sets *before,
				const struct addr_sets *after)
{
	struct policy **found =
		k->n ? bsearch(&hash, k->list, k->n, sizeof *k->list, has_hash)
		     : NULL;

	if (!found || !policy_same_with_sets(*found, before, after))
		return NULL;
	return policy_get(*found);
}

/* What is to come into force. */
struct next {
	struct addr_sets *sets;
	struct policy **policies; /* of each of the message; counted */
	struct config_whole whole;
};

static void next_done(struct next *n, size_t n_policies)
{
	for (size_t i = 0; n->policies && i < n_policies; i++)
		policy_put(n->policies[i]);
	free(n->policies);
	addr_sets_free(n->sets);
}

static struct policy *compile(struct next *n, struct whole_policy *w,
			      struct err *reterr)
{
	struct policy_spec spec = {
		.rules = w->rules,
		.n_rules = w->n_rules,
		.defact = w->defact,
		.dir = POLICY_DIR_EGRESS | POLICY_DIR_INGRESS,
		.ipv6 = w->ipv6,
		.reject = w->reject,
		.whole = true,
		.hash = w->hash,
		.sets = n->sets,
	};

	w->rules = NULL;
	n->whole.compiled++;
	return policy_compile(&spec, reterr);
}

static int make_policies(struct next *n, const struct config *c,
			 struct whole_spec *w, struct err *reterr)
{
	struct snapshot_spec current = snapshot_spec_of(c->current);
	struct known known = { 0 };
	int rc = known_fill(&known, &current, reterr);

	n->policies = calloc(w->n_policies + 1, sizeof *n->policies);
	if (!n->policies)
		rc = err_set(reterr, ENOMEM, NULL, "out of memory");
	for (size_t i = 0; rc == 0 && n->policies && i < w->n_policies; i++) {
		struct whole_policy *p = &w->policies[i];
		char at[ERR_AT_MAX];

		n->whole.rules += p->n_rules;
		n->policies[i] = known_get(&known, p->hash, c->sets, n->sets);
		if (!n->policies[i])
			n->policies[i] = compile(n, p, reterr);
		if (n->policies[i])
			continue;
		(void)snprintf(at, sizeof at, "policies[%zu]", i);
		err_prefix(reterr, at);
		rc = -reterr->code;
	}
	free(known.list);
	return rc;
}

/* Who has which: nobody keeps what the message does not speak of. */
static int assign(struct config *c, const struct whole_spec *w,
		  const struct next *n, struct err *reterr)
{
	struct draft d = { 0 };
	int rc = draft_begin(c, &d, reterr);

	if (rc < 0)
		return rc;
	BUG_ON(!n->policies);
	for (size_t i = 0; i < d.spec.n_endpoints; i++)
		d.endpoints[i].policy = NULL;
	for (size_t i = 0; i < w->n_policies; i++)
		for (size_t k = 0; k < w->policies[i].n_macs; k++) {
			uint16_t e = snapshot_find_mac(
				c->current, w->policies[i].macs[k], MAC_REAL);

			if (e != ENDPOINT_NONE)
				d.endpoints[e].policy = n->policies[i];
		}
	if (w->has_internal) {
		d.spec.has_internal = true;
		d.spec.internal = w->internal;
		d.spec.n_internal = w->n_internal;
	}
	return draft_commit(c, &d, reterr);
}

int config_policies(struct config *c, struct ctrl_msg *m, struct err *reterr)
{
	struct whole_spec *w = &m->whole;
	struct next next = { .whole = { .version = w->version,
					.policies = w->n_policies } };
	int rc;

	if (w->version < c->whole.version && !w->force)
		return err_set(reterr, ESTALE, "weir_policy.version",
			       "%llu is in force, got %llu",
			       (unsigned long long)c->whole.version,
			       (unsigned long long)w->version);
	next.sets = addr_sets_new(w->sets, w->n_sets);
	rc = next.sets ? make_policies(&next, c, w, reterr)
		       : err_set(reterr, ENOMEM, NULL, "out of memory");
	if (rc == 0)
		rc = assign(c, w, &next, reterr);
	if (rc == 0) {
		struct addr_sets *before = c->sets;

		c->sets = next.sets;
		c->whole = next.whole;
		next.sets = before;
	} else {
		err_prefix(reterr, ctrl_name(m->kind));
	}
	next_done(&next, w->n_policies);
	return rc;
}

struct config_whole config_whole(const struct config *c)
{
	return c->whole;
}
