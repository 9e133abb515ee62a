#include "dp/answer_config_use.h"

#include "base/limits.h"

static void use(json_t *all, const char *name, size_t in_use, uint64_t limit)
{
	json_t *o = answer_group(all, name);

	answer_uint(o, "in_use", in_use);
	answer_uint(o, "limit", limit);
}

static void raise_to(size_t *n, size_t other)
{
	if (other > *n)
		*n = other;
}

static size_t ports_in_use(const struct ports *ps)
{
	size_t n = ps->service.state != PORT_NONE;

	for (size_t i = 1; i < WORKER_PORTS_MAX; i++)
		n += ps->at[i] != NULL;
	return n;
}

static void use_of_workloads(json_t *all, struct control *ctl,
			     const struct snapshot_spec *s)
{
	size_t rules = 0, ports = 0, signatures = 0, n;

	for (uint16_t i = 0; i < s->n_endpoints; i++) {
		const struct endpoint *e = &s->endpoints[i];
		const struct dlp_detector *d =
			dlp_detector_of(ctl->kept.dlp, i);

		if (e->policy)
			raise_to(&rules, policy_spec_of(e->policy)->n_rules);
		(void)app_maps_get(ctl->kept.apps, i, &n);
		raise_to(&ports, n);
		raise_to(&signatures, d ? d->n_rules : 0);
	}
	use(all, "rules", rules, POLICY_RULES_MAX);
	use(all, "listening_ports", ports, ENDPOINT_APPS_MAX);
	use(all, "dlp_signatures", signatures, DLP_RULES_MAX);
}

static void use_of_names(json_t *all, const struct fqdns *f)
{
	size_t n, largest = 0;
	const struct fqdn_entry *names = fqdns_all(f, &n);

	for (size_t i = 0; i < n; i++)
		raise_to(&largest, names[i].n_ips);
	use(all, "names", n, FQDNS_MAX);
	use(all, "addresses_of_a_name", largest, FQDN_IPS_MAX);
}

static void use_of_sets(json_t *all, const struct addr_sets *sets)
{
	size_t n = 0, largest = 0;
	const struct addr_set *s;

	for (; (s = addr_sets_at(sets, n)); n++)
		raise_to(&largest, s->n_ranges);
	use(all, "address_sets", n, ADDR_SETS_MAX);
	use(all, "ranges_of_a_set", largest, ADDR_SET_WORDS_MAX);
}

void answer_config_use(json_t *result, struct control *ctl)
{
	struct snapshot_spec s = snapshot_spec_of(config_current(ctl->config));
	json_t *all = answer_group(result, "config");

	use(all, "ports", ports_in_use(&ctl->ports), WORKER_PORTS_MAX);
	use_of_workloads(all, ctl, &s);
	use_of_names(all, config_fqdns(ctl->config));
	use_of_sets(all, config_addr_sets(ctl->config));
	use(all, "internal_subnets", s.n_internal, SUBNETS_MAX);
	use(all, "special_addresses", s.n_special, SUBNETS_MAX);
	use(all, "policy_addresses", s.n_policy_addrs, POLICY_ADDRS_MAX);
}
