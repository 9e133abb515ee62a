/*
 * Every change has one shape: a draft (config_draft.h).
 *
 * Chunks (reference 2): one slot for each door and kind of message. START begins
 * (and forgets what was unfinished), END puts the whole into force; anything else
 * without a beginning is refused.
 */
#include "dp/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "base/limits.h"
#include "dp/config_draft.h"

int draft_begin(const struct config *c, struct draft *ret, struct err *reterr)
{
	struct draft d = { .spec = snapshot_spec_of(c->current) };

	d.endpoints = calloc(ENDPOINTS_MAX, sizeof *d.endpoints);
	if (!d.endpoints)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	if (d.spec.n_endpoints)
		memcpy(d.endpoints, d.spec.endpoints,
		       d.spec.n_endpoints * sizeof *d.endpoints);
	d.spec.endpoints = d.endpoints;
	d.spec.version++;
	*ret = d;
	return 0;
}

/* The draft as a snapshot, with the names of f. */
static int build(const struct config *c, struct draft *d, const struct fqdns *f,
		 struct snapshot **ret, struct naming *ret_naming,
		 struct err *reterr)
{
	struct naming naming;
	int rc = naming_make(&d->spec, f, c->naming.names, &naming, reterr);

	if (rc < 0)
		return rc;
	d->spec.names = naming.names;
	d->spec.name_addrs = naming.addrs;
	d->spec.n_name_addrs = naming.n_addrs;
	*ret = snapshot_build(&d->spec);
	if (*ret) {
		*ret_naming = naming;
		return 0;
	}
	naming_done(&naming);
	return err_set(reterr, ENOMEM, NULL, "out of memory");
}

/* draft_commit() with other names given by the agent. */
static int commit_with(struct config *c, struct draft *d, const struct fqdns *f,
		       struct err *reterr)
{
	struct snapshot *before = c->current, *next;
	struct naming naming;
	int rc = build(c, d, f, &next, &naming, reterr);

	free(d->endpoints);
	if (rc < 0)
		return rc;
	c->publish(c->publish_arg, next);
	c->current = next;
	snapshot_free(before);
	naming_done(&c->naming);
	c->naming = naming;
	return 0;
}

int draft_commit(struct config *c, struct draft *d, struct err *reterr)
{
	return commit_with(c, d, c->fqdns, reterr);
}

void draft_drop(struct draft *d)
{
	free(d->endpoints);
	*d = (struct draft){ 0 };
}

static struct endpoint *find(struct draft *d, struct mac mac)
{
	for (size_t i = 0; i < d->spec.n_endpoints; i++)
		if (d->endpoints[i].used && mac_equal(d->endpoints[i].mac, mac))
			return &d->endpoints[i];
	return NULL;
}

struct config *config_new(config_publish_fn *publish, void *arg)
{
	struct config *c = calloc(1, sizeof *c);
	struct draft empty = { .spec = { .version = 1 } };
	struct err err;

	if (!c)
		return NULL;
	c->publish = publish;
	c->publish_arg = arg;
	c->fqdns = fqdns_new();
	if (!c->fqdns ||
	    build(c, &empty, c->fqdns, &c->current, &c->naming, &err) < 0) {
		config_free(c);
		return NULL;
	}
	publish(arg, c->current);
	return c;
}

static void rules_forget(struct rule_chunks *r)
{
	for (size_t i = 0; i < r->n; i++)
		rule_spec_done(&r->rules[i]);
	free(r->rules);
	*r = (struct rule_chunks){ 0 };
}

static void subnets_forget(struct subnet_chunks *s)
{
	free(s->nets);
	*s = (struct subnet_chunks){ 0 };
}

void config_free(struct config *c)
{
	if (!c)
		return;
	for (int door = 0; door < 2; door++) {
		for (int i = 0; i < SUBNET__MAX; i++)
			subnets_forget(&c->chunks[door].subnets[i]);
		rules_forget(&c->chunks[door].rules);
	}
	snapshot_free(c->current);
	naming_done(&c->naming);
	fqdns_free(c->fqdns);
	addr_sets_free(c->sets);
	free(c);
}

const struct snapshot *config_current(const struct config *c)
{
	return c->current;
}

/* A free place in the draft; NULL when there are ENDPOINTS_MAX. */
/* NULL: that one is taken. */
static struct endpoint *place_at(struct draft *d, uint16_t index)
{
	BUG_ON(!d->endpoints);
	/* beyond the end of the list all are unused, and zero */
	if (d->spec.n_endpoints <= index)
		d->spec.n_endpoints = (size_t)index + 1;
	return d->endpoints[index].used ? NULL : &d->endpoints[index];
}

static struct endpoint *new_place(struct draft *d)
{
	for (size_t i = 0; i < d->spec.n_endpoints; i++)
		if (!d->endpoints[i].used)
			return &d->endpoints[i];
	if (d->spec.n_endpoints == ENDPOINTS_MAX)
		return NULL;
	return &d->endpoints[d->spec.n_endpoints++];
}

/* Is one of the MACs of somebody else than `self` this one? */
static bool is_taken(const struct draft *d, const struct endpoint *self,
		     struct mac mac)
{
	if (mac_is_zero(mac))
		return false;
	for (size_t i = 0; i < d->spec.n_endpoints; i++) {
		const struct endpoint *e = &d->endpoints[i];

		if (e != self && e->used &&
		    (mac_equal(e->mac, mac) || mac_equal(e->ucmac, mac) ||
		     mac_equal(e->bcmac, mac)))
			return true;
	}
	return false;
}

static int fill_endpoint(struct draft *d, const struct ctrl_msg *m,
			 struct err *reterr)
{
	struct endpoint *e = NULL;

	if (!mac_is_zero(m->add_mac.oldmac))
		e = find(d, m->add_mac.oldmac);
	if (!e)
		e = find(d, m->add_mac.mac);
	if (is_taken(d, e, m->add_mac.mac))
		return err_set(reterr, EEXIST, "ctrl_add_mac.mac",
			       "is another workload's MAC or mark");
	if (is_taken(d, e, m->add_mac.ucmac) ||
	    mac_equal(m->add_mac.ucmac, m->add_mac.mac))
		return err_set(reterr, EEXIST, "ctrl_add_mac.ucmac",
			       "is a workload's MAC or mark already");
	if (is_taken(d, e, m->add_mac.bcmac))
		return err_set(reterr, EEXIST, "ctrl_add_mac.bcmac",
			       "is a workload's MAC or mark already");
	if (!e) {
		e = m->add_mac.has_index ? place_at(d, m->add_mac.index)
					 : new_place(d);
		if (!e && m->add_mac.has_index)
			return err_set(reterr, EEXIST, "ctrl_add_mac.index",
				       "is another workload's");
		if (!e)
			return err_set(reterr, ENOSPC, "ctrl_add_mac",
				       "there are %d workloads already",
				       ENDPOINTS_MAX);
		*e = (struct endpoint){ .used = true, .tap = true };
	}
	e->mac = m->add_mac.mac;
	e->ucmac = m->add_mac.ucmac;
	e->bcmac = m->add_mac.bcmac;
	return 0;
}

int config_add_mac(struct config *c, const struct ctrl_msg *m,
		   struct err *reterr)
{
	struct draft d = { 0 };
	int rc = draft_begin(c, &d, reterr);

	if (rc < 0)
		return rc;
	rc = fill_endpoint(&d, m, reterr);
	if (rc < 0) {
		free(d.endpoints);
		return rc;
	}
	return draft_commit(c, &d, reterr);
}

static int no_such_mac(struct err *reterr, const char *at, struct mac mac)
{
	char text[MAC_TEXT_MAX];

	return err_set(reterr, ENOENT, at, "no workload has the MAC %s",
		       mac_format(mac, text));
}

int config_find_mac(const struct config *c, const struct ctrl_msg *m,
		    uint16_t *ret_index, struct err *reterr)
{
	uint16_t index = snapshot_find_mac(c->current, m->del_mac, MAC_REAL);

	if (index == ENDPOINT_NONE)
		return no_such_mac(reterr, "ctrl_del_mac.mac", m->del_mac);
	*ret_index = index;
	return 0;
}

int config_del_mac(struct config *c, uint16_t index, struct err *reterr)
{
	struct draft d = { 0 };
	int rc = draft_begin(c, &d, reterr);

	if (rc < 0)
		return rc;
	BUG_ON(!d.endpoints || index >= d.spec.n_endpoints);
	d.endpoints[index] = (struct endpoint){ 0 };
	while (d.spec.n_endpoints && !d.endpoints[d.spec.n_endpoints - 1].used)
		d.spec.n_endpoints--;
	return draft_commit(c, &d, reterr);
}

/* Every MAC must be known (strict), or those that are not are skipped. */
static int check_macs(struct draft *d, const struct mac *macs, size_t n,
		      bool strict, const char *field, struct err *reterr)
{
	for (size_t i = 0; strict && i < n; i++) {
		char at[ERR_AT_MAX];

		if (find(d, macs[i]))
			continue;
		(void)snprintf(at, sizeof at, "%s[%zu]", field, i);
		return no_such_mac(reterr, at, macs[i]);
	}
	return 0;
}

/* The workloads' settings; all of them listen on the same ports. */
static void fill_cfg_mac(struct draft *d, const struct ctrl_msg *m,
			 struct port_set *listens)
{
	for (size_t i = 0; i < m->cfg_mac.n_macs; i++) {
		struct endpoint *e = find(d, m->cfg_mac.macs[i]);

		if (e && m->cfg_mac.has_tap)
			e->tap = m->cfg_mac.tap;
		if (e && m->cfg_mac.has_apps)
			e->listens = listens;
	}
}

int config_cfg_mac(struct config *c, const struct ctrl_msg *m, bool strict,
		   struct err *reterr)
{
	struct port_set *listens = NULL;
	struct draft d = { 0 };
	int rc = draft_begin(c, &d, reterr);

	if (rc < 0)
		return rc;
	rc = check_macs(&d, m->cfg_mac.macs, m->cfg_mac.n_macs, strict,
			"ctrl_cfg_mac.macs", reterr);
	if (rc == 0 && m->cfg_mac.has_apps && m->cfg_mac.n_apps > 0) {
		listens = port_set_new(m->cfg_mac.apps, m->cfg_mac.n_apps);
		if (!listens)
			rc = err_set(reterr, ENOMEM, NULL, "out of memory");
	}
	if (rc < 0) {
		free(d.endpoints);
		return rc;
	}
	fill_cfg_mac(&d, m, listens);
	rc = draft_commit(c, &d, reterr);
	port_set_put(listens);
	return rc;
}

/* false: as before, and then the one before is kept. */
static bool set_sensing(struct endpoint *e, struct sensing *next)
{
	if (sensing_same(e->sensing, next))
		return false;
	e->sensing = next;
	return true;
}

int config_set_sensing(struct config *c,
		       int (*of)(void *arg, uint16_t index,
				 struct sensing **ret),
		       void *arg, struct err *reterr)
{
	struct sensing **made;
	struct draft d = { 0 };
	bool changed = false;
	int rc = draft_begin(c, &d, reterr);
	size_t n = d.spec.n_endpoints;

	if (rc < 0)
		return rc;
	made = calloc(n + 1, sizeof(struct sensing *));
	for (size_t i = 0; made && rc == 0 && i < n; i++)
		if (d.endpoints[i].used)
			rc = of(arg, (uint16_t)i, &made[i]);
	for (size_t i = 0; made && rc == 0 && i < n; i++)
		if (d.endpoints[i].used)
			changed |= set_sensing(&d.endpoints[i], made[i]);
	if (!made || rc < 0) {
		rc = err_set(reterr, ENOMEM, NULL, "out of memory");
		draft_drop(&d);
	} else if (changed) {
		rc = draft_commit(c, &d, reterr);
	} else {
		draft_drop(&d);
	}
	/* the snapshot has counts of its own */
	for (size_t i = 0; made && i < n; i++)
		sensing_put(made[i]);
	free(made);
	return rc;
}

int config_renew(struct config *c, struct err *reterr)
{
	struct draft d = { 0 };
	int rc = draft_begin(c, &d, reterr);

	return rc < 0 ? rc : draft_commit(c, &d, reterr);
}

static int bad_chunk(enum ctrl_kind kind, struct err *reterr)
{
	char at[ERR_AT_MAX];

	(void)snprintf(at, sizeof at, "%s.flag", ctrl_name(kind));
	return err_set(reterr, EINVAL, at,
		       "no chunk with the START flag (1) came before this one");
}

static int subnets_in_force(struct config *c, enum subnet_kind kind,
			    const struct subnet_chunks *s, struct err *reterr)
{
	struct ip_addr *addrs = NULL;
	struct draft d = { 0 };
	int rc = draft_begin(c, &d, reterr);

	if (rc < 0)
		return rc;
	if (kind == SUBNET_INTERNAL) {
		d.spec.has_internal = s->n > 0;
		d.spec.internal = s->nets;
		d.spec.n_internal = s->n;
	} else if (kind == SUBNET_SPECIAL) {
		d.spec.special = s->nets;
		d.spec.n_special = s->n;
	} else {
		addrs = calloc(s->n + 1, sizeof *addrs);
		if (!addrs) {
			free(d.endpoints);
			return err_set(reterr, ENOMEM, NULL, "out of memory");
		}
		for (size_t i = 0; i < s->n; i++)
			addrs[i] = s->nets[i].net;
		d.spec.policy_addrs = addrs;
		d.spec.n_policy_addrs = s->n;
		d.spec.has_policy_addrs = true;
	}
	rc = draft_commit(c, &d, reterr);
	free(addrs);
	return rc;
}

int config_subnets(struct config *c, const struct ctrl_msg *m, bool strict,
		   struct err *reterr)
{
	enum subnet_kind kind =
		m->kind == CTRL_CFG_INTERNAL_NET ? SUBNET_INTERNAL
		: m->kind == CTRL_CFG_SPECIP_NET ? SUBNET_SPECIAL
						 : SUBNET_POLICY;
	size_t max = kind == SUBNET_POLICY ? POLICY_ADDRS_MAX : SUBNETS_MAX;
	struct subnet_chunks *s = &c->chunks[strict].subnets[kind];
	struct subnet *grown;
	int rc;

	if (m->subnets.flag & MSG_CHUNK_START) {
		subnets_forget(s);
		s->open = true;
	}
	if (!s->open)
		return bad_chunk(m->kind, reterr);
	if (s->n + m->subnets.n > max) {
		subnets_forget(s);
		return err_set(reterr, E2BIG, ctrl_name(m->kind),
			       "more than %zu addresses in all chunks", max);
	}
	grown = realloc(s->nets, (s->n + m->subnets.n + 1) * sizeof *grown);
	if (!grown) {
		subnets_forget(s);
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	}
	s->nets = grown;
	if (m->subnets.n)
		memcpy(s->nets + s->n, m->subnets.nets,
		       m->subnets.n * sizeof *s->nets);
	s->n += m->subnets.n;
	if (!(m->subnets.flag & MSG_CHUNK_END))
		return 0;
	rc = subnets_in_force(c, kind, s, reterr);
	subnets_forget(s);
	return rc;
}

/* Moves the rules of m behind those that came before. */
static int collect_rules(struct rule_chunks *r, struct ctrl_msg *m,
			 struct err *reterr)
{
	size_t more = m->policy.n_rules;
	struct rule_spec *grown;

	if (r->n + more > POLICY_RULES_MAX) {
		rules_forget(r);
		return err_set(reterr, E2BIG, "ctrl_cfg_policy.rules",
			       "more than %d rules in all chunks",
			       POLICY_RULES_MAX);
	}
	grown = realloc(r->rules, (r->n + more + 1) * sizeof *grown);
	if (!grown) {
		rules_forget(r);
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	}
	r->rules = grown;
	if (more)
		memcpy(r->rules + r->n, m->policy.rules, more * sizeof *grown);
	r->n += more;
	free(m->policy.rules);
	m->policy.rules = NULL;
	m->policy.n_rules = 0;
	return 0;
}

/* p NULL: detaches. */
static int attach(struct config *c, const struct ctrl_msg *m, struct policy *p,
		  bool strict, struct err *reterr)
{
	struct draft d = { 0 };
	int rc = draft_begin(c, &d, reterr);

	if (rc < 0)
		return rc;
	rc = check_macs(&d, m->policy.macs, m->policy.n_macs, strict,
			"ctrl_cfg_policy.mac", reterr);
	if (rc < 0) {
		free(d.endpoints);
		return rc;
	}
	for (size_t i = 0; i < m->policy.n_macs; i++) {
		struct endpoint *e = find(&d, m->policy.macs[i]);

		if (e)
			e->policy = p;
	}
	rc = draft_commit(c, &d, reterr);
	if (rc == 0)
		c->whole = (struct config_whole){ 0 };
	return rc;
}

int config_policy(struct config *c, struct ctrl_msg *m, bool strict,
		  struct err *reterr)
{
	struct rule_chunks *r = &c->chunks[strict].rules;
	struct policy_spec spec = {
		.defact = m->policy.defact,
		.dir = m->policy.dir,
		.ipv6 = m->policy.ipv6,
		.reject = m->policy.reject,
		.sets = c->sets,
	};
	struct policy *p;
	int rc;

	if (m->policy.flag & MSG_CHUNK_START) {
		rules_forget(r);
		r->open = true;
	}
	if (!r->open)
		return bad_chunk(m->kind, reterr);
	rc = collect_rules(r, m, reterr);
	if (rc < 0 || !(m->policy.flag & MSG_CHUNK_END))
		return rc;
	if (m->policy.cmd == POLICY_CMD_DELETE) {
		rules_forget(r);
		return attach(c, m, NULL, strict, reterr);
	}
	spec.rules = r->rules;
	spec.n_rules = r->n;
	*r = (struct rule_chunks){ 0 };
	p = policy_compile(&spec, reterr);
	if (!p) {
		err_prefix(reterr, ctrl_name(m->kind));
		return -reterr->code;
	}
	rc = attach(c, m, p, strict, reterr);
	policy_put(p);
	return rc;
}

int config_switch(struct config *c, const struct ctrl_msg *m,
		  struct err *reterr)
{
	struct draft d = { 0 };
	int rc = draft_begin(c, &d, reterr);

	if (rc < 0)
		return rc;
	switch (m->kind) {
	case CTRL_SYS_CONF: d.spec.xff = m->on; break;
	case CTRL_DISABLE_NET_POLICY: d.spec.net_policy_disabled = m->on; break;
	case CTRL_DETECT_UNMANAGED: d.spec.detect_unmanaged = m->on; break;
	case CTRL_STRICT_GROUP_MODE: d.spec.strict_group_mode = m->on; break;
	case CTRL_ENABLE_ICMP_POLICY: d.spec.icmp_enforced = m->on; break;
	default: BUG_ON(true);
	}
	return draft_commit(c, &d, reterr);
}

int config_nbe(struct config *c, const struct ctrl_msg *m, bool strict,
	       struct err *reterr)
{
	struct draft d = { 0 };
	int rc = draft_begin(c, &d, reterr);

	if (rc < 0)
		return rc;
	rc = check_macs(&d, m->cfg_nbe.macs, m->cfg_nbe.n_macs, strict,
			"ctrl_cfg_nbe.macs", reterr);
	if (rc < 0) {
		free(d.endpoints);
		return rc;
	}
	for (size_t i = 0; i < m->cfg_nbe.n_macs; i++) {
		struct endpoint *e = find(&d, m->cfg_nbe.macs[i]);

		if (e && m->cfg_nbe.has_nbe)
			e->nbe = m->cfg_nbe.nbe;
	}
	return draft_commit(c, &d, reterr);
}

int config_find_macs(const struct config *c, const struct mac *macs, size_t n,
		     bool strict, const char *field, uint16_t **ret,
		     size_t *ret_n, struct err *reterr)
{
	uint16_t *list = calloc(n + 1, sizeof *list);
	size_t found = 0;

	if (!list)
		return err_set(reterr, ENOMEM, field, "out of memory");
	for (size_t i = 0; i < n; i++) {
		uint16_t e = snapshot_find_mac(c->current, macs[i], MAC_REAL);
		char at[ERR_AT_MAX];

		if (e != ENDPOINT_NONE) {
			list[found++] = e;
			continue;
		}
		(void)snprintf(at, sizeof at, "%s[%zu]", field, i);
		if (!strict)
			continue;
		free(list);
		return no_such_mac(reterr, at, macs[i]);
	}
	*ret = list;
	*ret_n = found;
	return 0;
}

/* One policy in both forms, so that who shares it goes on sharing it. */
struct renewed {
	const struct policy *before;
	struct policy *after; /* counted */
};

/* The policy with other sets; NULL and *reterr when it needs one not there. */
static struct policy *renew(struct renewed *list, size_t *n,
			    const struct endpoint *e,
			    const struct addr_sets *sets, struct err *reterr)
{
	char mac[MAC_TEXT_MAX], at[ERR_AT_MAX];
	struct policy *p;

	for (size_t i = 0; i < *n; i++)
		if (list[i].before == e->policy)
			return list[i].after;
	p = policy_with_sets(e->policy, sets, reterr);
	if (p) {
		list[(*n)++] = (struct renewed){ e->policy, p };
		return p;
	}
	(void)snprintf(at, sizeof at, "weir_sets: policy of %s",
		       mac_format(e->mac, mac));
	err_prefix(reterr, at);
	return NULL;
}

int config_sets(struct config *c, const struct ctrl_msg *m, struct err *reterr)
{
	struct addr_sets *sets = addr_sets_new(m->sets.sets, m->sets.n);
	struct draft d = { 0 };
	struct renewed *list = NULL;
	size_t n = 0;
	int rc;

	if (!sets)
		return err_set(reterr, ENOMEM, "weir_sets", "out of memory");
	rc = draft_begin(c, &d, reterr);
	if (rc < 0)
		goto free_sets;
	list = calloc(d.spec.n_endpoints + 1, sizeof *list);
	if (!list) {
		free(d.endpoints);
		rc = err_set(reterr, ENOMEM, "weir_sets", "out of memory");
		goto free_sets;
	}
	for (size_t i = 0; rc == 0 && i < d.spec.n_endpoints; i++) {
		struct endpoint *e = &d.endpoints[i];

		if (!e->policy || !policy_uses_sets(e->policy))
			continue;
		e->policy = renew(list, &n, e, sets, reterr);
		rc = e->policy ? 0 : -reterr->code;
	}
	if (rc == 0)
		rc = draft_commit(c, &d, reterr);
	else
		free(d.endpoints);
	for (size_t i = 0; i < n; i++)
		policy_put(list[i].after);
	free(list);
	if (rc == 0) {
		struct addr_sets *before = c->sets;

		c->sets = sets;
		c->whole = (struct config_whole){ 0 };
		sets = before;
	}
free_sets:
	addr_sets_free(sets);
	return rc;
}

const struct addr_sets *config_addr_sets(const struct config *c)
{
	return c->sets;
}

/* What the agent gave, changed by change(); none of it when that fails. */
static int change_fqdns(struct config *c, const struct ctrl_msg *m,
			int (*change)(struct fqdns *f, const struct ctrl_msg *m,
				      struct err *reterr),
			struct err *reterr)
{
	struct fqdns *f = fqdns_copy(c->fqdns);
	struct draft d = { 0 };
	int rc;

	if (!f)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	rc = change(f, m, reterr);
	if (rc == 0)
		rc = draft_begin(c, &d, reterr);
	if (rc == 0)
		rc = commit_with(c, &d, f, reterr);
	if (rc == 0) {
		struct fqdns *before = c->fqdns;

		c->fqdns = f;
		f = before;
	}
	fqdns_free(f);
	return rc;
}

int config_set_fqdn(struct config *c, const struct ctrl_msg *m,
		    struct err *reterr)
{
	return change_fqdns(c, m, fqdns_set, reterr);
}

static int delete_fqdns(struct fqdns *f, const struct ctrl_msg *m,
			struct err *reterr)
{
	(void)fqdns_del(f, m);
	return 0;
}

int config_del_fqdn(struct config *c, const struct ctrl_msg *m, bool strict,
		    struct err *reterr)
{
	int rc = strict ? fqdns_check(c->fqdns, m, reterr) : 0;

	return rc < 0 ? rc : change_fqdns(c, m, delete_fqdns, reterr);
}

const struct fqdns *config_fqdns(const struct config *c)
{
	return c->fqdns;
}
