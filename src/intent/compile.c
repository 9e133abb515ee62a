/* A plan as the body of a message, and what else is asked of one. */
#include <errno.h>
#include <stdlib.h>

#include "intent/plan.h"

/* The MACs of all workloads of a class; NULL: out of memory. */
static json_t **list_macs(const struct plan *p,
			  const struct intent_world *world)
{
	json_t **macs = calloc(p->n_classes + 1, sizeof(json_t *));
	char text[MAC_TEXT_MAX];

	for (size_t n = 0; macs && n < p->n_classes; n++)
		macs[n] = json_array();
	for (size_t w = 0; macs && w < world->n; w++)
		for (size_t k = 0; k < world->workloads[w].n_macs; k++)
			/* one that is lost shows in count_macs() */
			(void)json_array_append_new(
				macs[p->class_of[w]],
				json_string(mac_format(
					world->workloads[w].macs[k], text)));
	return macs;
}

static size_t count_macs(json_t *const *macs, size_t n)
{
	size_t sum = 0;

	for (size_t k = 0; k < n; k++)
		sum += json_array_size(macs[k]);
	return sum;
}

/* A class of workloads that are not diverted has no policy. */
static json_t *policies_of(const struct plan *p,
			   const struct intent_world *world)
{
	json_t **macs = list_macs(p, world);
	json_t *all = json_array();
	size_t sum = 0;
	bool ok;

	for (size_t w = 0; w < world->n; w++)
		sum += world->workloads[w].n_macs;
	ok = macs && all && count_macs(macs, p->n_classes) == sum;
	for (size_t n = 0; n < p->n_classes && ok; n++)
		if (json_array_size(macs[n]) > 0)
			ok = json_array_append_new(
				     all,
				     json_pack("{s:O, s:s, s:b, s:O}", "macs",
					       macs[n], "default",
					       plan_default(p->classes[n].mode),
					       "ipv6", 1, "rules",
					       p->classes[n].rules)) == 0;
	for (size_t n = 0; macs && n < p->n_classes; n++)
		json_decref(macs[n]);
	free(macs);
	if (ok)
		return all;
	json_decref(all);
	return NULL;
}

json_t *intent_compile(const struct intent *i, const struct intent_world *world,
		       uint64_t version, uint64_t now, struct err *reterr)
{
	json_t *internal = json_array(), *policies = NULL, *body = NULL;
	struct plan p;

	if (plan_make(i, world, now, &p, reterr) == 0) {
		policies = policies_of(&p, world);
		if (!ranges_as_prefixes(&p.internal, SUBNETS_MAX, internal))
			/* NULL says that it failed */
			(void)err_set(reterr, E2BIG, "internal",
				      "more than %d networks of workloads",
				      SUBNETS_MAX);
		else if (policies)
			body = json_pack("{s:I, s:O, s:O, s:O}", "version",
					 (json_int_t)version, "internal",
					 internal, "sets", p.sets, "policies",
					 policies);
		if (!policies)
			/* likewise */
			(void)err_set(reterr, ENOMEM, NULL, "out of memory");
	}
	json_decref(internal);
	json_decref(policies);
	plan_done(&p);
	return body;
}
