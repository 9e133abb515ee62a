/*
 * Two passes over everybody who speaks of names, the first to count: this is
 * done with every snapshot, and mostly there are few names or none.
 */
#include "dp/naming.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

/* Who speaks of names: policies, each once, and the agent. */
struct speakers {
	struct policy **policies; /* owned */
	size_t n_policies;
	const struct fqdn_entry *given;
	size_t n_given;
};

/* All texts, some several times; ret NULL: only counts. */
static size_t collect_texts(const struct speakers *s, const char **ret)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_policies; i++)
		for (uint16_t k = 1; k <= policy_n_names(s->policies[i]);
		     k++, n++)
			if (ret)
				ret[n] = policy_name(s->policies[i], k);
	for (size_t k = 0; k < s->n_given; k++, n++)
		if (ret)
			ret[n] = s->given[k].name;
	return n;
}

/* All addresses with their names; ret NULL: only counts. */
static size_t collect_addrs(const struct speakers *s,
			    const struct name_set *names, struct name_addr *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n_policies; i++) {
		const struct policy *p = s->policies[i];
		size_t m;
		const struct policy_name_addr *a = policy_name_addrs(p, &m);

		for (size_t k = 0; ret && k < m; k++)
			ret[n + k] = (struct name_addr){
				a[k].addr,
				name_set_id(names, policy_name(p, a[k].name)),
			};
		n += m;
	}
	for (size_t k = 0; k < s->n_given; k++) {
		const struct fqdn_entry *e = &s->given[k];

		for (size_t m = 0; ret && m < e->n_ips; m++)
			ret[n + m] = (struct name_addr){
				e->ips[m],
				name_set_id(names, e->name),
			};
		n += e->n_ips;
	}
	return n;
}

static int addr_order(const void *a, const void *b)
{
	const struct name_addr *x = a, *y = b;
	int order = ip_compare(x->addr, y->addr);

	return order ? order : x->name - y->name;
}

/* Sorts, takes out what is there twice, and looks for who has too many. */
static int tidy_addrs(struct naming *n, struct err *reterr)
{
	char text[IP_TEXT_MAX];
	size_t out = 0, run = 0;

	if (n->n_addrs)
		qsort(n->addrs, n->n_addrs, sizeof *n->addrs, addr_order);
	for (size_t i = 0; i < n->n_addrs; i++) {
		if (out && addr_order(&n->addrs[out - 1], &n->addrs[i]) == 0)
			continue;
		if (!out || !ip_equal(n->addrs[out - 1].addr, n->addrs[i].addr))
			run = 0;
		n->addrs[out++] = n->addrs[i];
		if (++run > NAMES_GIVEN_MAX)
			return err_set(reterr, E2BIG, NULL,
				       "%s would go by more than %d names",
				       ip_format(n->addrs[i].addr, text),
				       NAMES_GIVEN_MAX);
	}
	n->n_addrs = out;
	return 0;
}

static int make(const struct speakers *s, const struct name_set *before,
		struct naming *ret, struct err *reterr)
{
	size_t n = collect_texts(s, NULL);
	const char **texts = calloc(n + 1, sizeof *texts);
	struct naming made = { 0 };
	int rc;

	if (!texts)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	(void)collect_texts(s, texts);
	made.names = name_set_next(before, texts, n, reterr);
	free(texts);
	if (!made.names)
		return -reterr->code;
	made.n_addrs = collect_addrs(s, made.names, NULL);
	made.addrs = calloc(made.n_addrs + 1, sizeof *made.addrs);
	if (made.addrs) {
		(void)collect_addrs(s, made.names, made.addrs);
		rc = tidy_addrs(&made, reterr);
	} else {
		rc = err_set(reterr, ENOMEM, NULL, "out of memory");
	}
	if (rc < 0)
		naming_done(&made);
	else
		*ret = made;
	return rc;
}

int naming_make(const struct snapshot_spec *spec, const struct fqdns *f,
		const struct name_set *before, struct naming *ret,
		struct err *reterr)
{
	struct speakers s = { .given = NULL };
	int rc;

	s.given = fqdns_all(f, &s.n_given);
	s.policies = snapshot_policies(spec, &s.n_policies);
	if (!s.policies)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	rc = make(&s, before, ret, reterr);
	free(s.policies);
	return rc;
}

void naming_done(struct naming *n)
{
	name_set_free(n->names);
	free(n->addrs);
	*n = (struct naming){ 0 };
}
