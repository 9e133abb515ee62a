/* A plan as the body of a message. */
#include <errno.h>
#include <stdlib.h>

#include "base/text.h"
#include "intent/format.h"
#include "intent/plan.h"

/* Workloads in the order of their classes; NULL: out of memory. */
static uint32_t *sort_by_class(const struct plan *p, size_t n, size_t *first)
{
	uint32_t *sorted = calloc(n + 1, sizeof *sorted);

	for (size_t w = 0; sorted && w < n; w++)
		first[p->class_of[w] + 1]++;
	for (size_t c = 0; c < p->n_classes; c++)
		first[c + 1] += first[c];
	for (size_t w = n; sorted && w > 0; w--) {
		/* from behind, so that first[c + 1] becomes c's first */
		uint32_t c = p->class_of[w - 1];

		sorted[--first[c + 1]] = (uint32_t)(w - 1);
	}
	return sorted;
}

/* How many MACs that were. */
static size_t add_macs(struct text *t, const struct intent_workload *w,
		       size_t before)
{
	char text[MAC_TEXT_MAX];

	for (size_t k = 0; k < w->n_macs; k++)
		text_addf(t, before + k ? ",\"%s\"" : "\"%s\"",
			  mac_format(w->macs[k], text));
	return w->n_macs;
}

/* A class of workloads that are not diverted has no policy. */
static bool is_diverted(const struct intent_world *world, const uint32_t *who,
			size_t n)
{
	for (size_t k = 0; k < n; k++)
		if (world->workloads[who[k]].n_macs > 0)
			return true;
	return false;
}

static void add_policy(struct text *t, const struct plan *p,
		       const struct plan_class *c,
		       const struct intent_world *world, const uint32_t *who,
		       size_t n)
{
	size_t macs = 0;

	text_add_word(t, "{\"macs\":[");
	for (size_t k = 0; k < n; k++)
		macs += add_macs(t, &world->workloads[who[k]], macs);
	text_addf(t, "],\"default\":\"%s\",\"ipv6\":true,\"rules\":",
		  plan_default(c->mode));
	text_add(t, p->rules.at + c->at, c->len);
	text_add(t, "}", 1);
}

static void add_policies(struct text *t, const struct plan *p,
			 const struct intent_world *world)
{
	size_t own = world->n - world->n_peers;
	size_t *first = calloc(p->n_classes + 2, sizeof *first);
	uint32_t *sorted = first ? sort_by_class(p, own, first) : NULL;
	const char *between = "";

	if (!sorted)
		t->failed = true;
	for (size_t c = 0; sorted && c < p->n_classes; c++) {
		const uint32_t *who = sorted + first[c + 1];
		size_t end = c + 1 < p->n_classes ? first[c + 2] : own;
		size_t n = end - first[c + 1];

		if (!is_diverted(world, who, n))
			continue;
		text_add_word(t, between);
		add_policy(t, p, &p->classes[c], world, who, n);
		between = ",";
	}
	free(first);
	free(sorted);
}

static char *write_body(const struct plan *p, const struct intent_world *world,
			uint64_t version, struct err *reterr)
{
	json_t *internal = json_array();
	struct text t = { 0 };
	char *body;

	if (!ranges_as_prefixes(&p->internal, SUBNETS_MAX, internal)) {
		json_decref(internal);
		/* NULL says that it failed */
		(void)err_set(reterr, E2BIG, "internal",
			      "more than %d networks of workloads",
			      SUBNETS_MAX);
		return NULL;
	}
	text_addf(&t, "{\"version\":%llu,\"internal\":",
		  (unsigned long long)version);
	text_add_json(&t, internal);
	text_add_word(&t, ",\"sets\":");
	text_add_json(&t, p->sets);
	text_add_word(&t, ",\"policies\":[");
	add_policies(&t, p, world);
	text_add_word(&t, "]}");
	json_decref(internal);
	body = text_take(&t);
	if (!body)
		/* likewise */
		(void)err_set(reterr, ENOMEM, NULL, "out of memory");
	return body;
}

char *intent_compile(const struct intent *i, const struct intent_world *world,
		     uint64_t version, uint64_t now, bool *denied,
		     struct err *reterr)
{
	char *body = NULL;
	struct plan p;

	if (plan_make(i, world, now, &p, reterr) == 0)
		body = write_body(&p, world, version, reterr);
	for (size_t w = 0; body && denied && w < world->n - world->n_peers; w++)
		denied[w] = p.classes[p.class_of[w]].denies;
	plan_done(&p);
	return body;
}
