/*
 * Building: everything is copied, and each policy's names are looked up once,
 * so that a judgement translates ids by one search in a short list.
 *
 * snapshot_judge() is section 5.3 of the reference as one list of questions,
 * each of which may end it:
 *
 *   no policy? policy switched off? family not judged? link-local?   -> open
 *   ingress: internal and direction not enforced (a)?                -> open
 *            unmanaged workload, and these are not checked?          -> open
 *   egress:  foreign source to an internal address?                  -> open
 *            external service address?               -> violate or deny
 *            internal and direction not enforced (a, b)?             -> open
 *            unmanaged workload, and these are not checked?          -> open
 *            bounded namespace to a service?                         -> open
 *   then the rules; then, for the action "check namespace", what the workload's
 *   boundary says (5.6); then, for an implicit denial, grace (5.5).
 *
 *   a: not for unmanaged workloads, workloads with a namespace boundary, and
 *      in strict mode those that deny by default
 *   b: not for addresses of hosts and those that go by a name
 *
 * A policy of a weir_policy is asked only whether IPv6 is judged, and then goes
 * by its rules alone: who makes it knows all workloads and their addresses, and
 * what it does not know is what the default is for.
 *
 * Where we differ: IPv6 is judged when the policy asks for it, and so are all
 * IP protocols; IPv6 link-local addresses are judged like others (neighbours
 * on one link would otherwise talk past every rule); grace is only given when
 * policy addresses were ever sent, since without a list every address would be
 * unknown for ever.
 */
#include "policy/snapshot.h"

#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "base/limits.h"
#include "policy/subnets.h"

/* Grace windows of 60 s, reference 5.5. */
#define GRACE_RETRIES	       10
#define GRACE_RETRIES_HOST     3
#define GRACE_RETRIES_EXTERNAL 2

/* The IP protocols that carry applications we look into. */
#define PROTO_NUMBER_TCP 6
#define PROTO_NUMBER_UDP 17

struct mac_slot {
	struct mac mac;
	uint16_t endpoint; /* ENDPOINT_NONE: free */
	uint8_t role;
};

/* A name of one policy, by the id that everybody else uses. */
struct name_ref {
	uint16_t id, own; /* own: the policy's number */
};

/* The names of one endpoint's policy, by rising id. */
struct name_refs {
	struct name_ref *refs;
	size_t n;
};

struct snapshot {
	uint32_t version;
	struct endpoint *endpoints;
	size_t n_endpoints;
	struct subnet *internal, *special;
	size_t n_internal, n_special;
	struct subnet_index internal_index, special_index;
	struct ip_addr *policy_addrs; /* sorted */
	size_t n_policy_addrs;
	bool has_internal, has_policy_addrs, icmp_enforced, net_policy_disabled;
	bool detect_unmanaged, strict_group_mode, xff;
	const struct name_set *names; /* borrowed */
	struct name_addr *name_addrs; /* sorted by address */
	size_t n_name_addrs;
	struct name_refs *refs;	       /* n_endpoints; of shared_refs */
	struct name_ref **shared_refs; /* of each policy; owned, each, too */
	size_t n_shared_refs;
	struct mac_slot *macs; /* open addressing, power of two, half full */
	size_t mac_mask;
};

static size_t mac_hash(struct mac m)
{
	uint64_t v = 0;

	memcpy(&v, m.b, sizeof m.b);
	/* Fibonacci hashing; the table holds what the agent chose, not what
	 * comes from the wire, so collisions cannot be forced. */
	return (size_t)((v * 0x9e3779b97f4a7c15ULL) >> 32);
}

static void mac_insert(struct snapshot *s, struct mac m, uint16_t endpoint,
		       enum mac_role role)
{
	size_t i = mac_hash(m) & s->mac_mask;

	if (mac_is_zero(m))
		return;
	while (s->macs[i].endpoint != ENDPOINT_NONE)
		i = (i + 1) & s->mac_mask;
	s->macs[i] = (struct mac_slot){ m, endpoint, (uint8_t)role };
}

uint16_t snapshot_find_mac(const struct snapshot *s, struct mac mac,
			   enum mac_role role)
{
	size_t i = mac_hash(mac) & s->mac_mask;

	for (; s->macs[i].endpoint != ENDPOINT_NONE; i = (i + 1) & s->mac_mask)
		if (s->macs[i].role == role && mac_equal(s->macs[i].mac, mac))
			return s->macs[i].endpoint;
	return ENDPOINT_NONE;
}

static int addr_order(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct ip_addr));
}

static int name_addr_order(const void *a, const void *b)
{
	const struct name_addr *x = a, *y = b;
	int order = ip_compare(x->addr, y->addr);

	return order ? order : x->name - y->name;
}

/* A copy of n elements; NULL for none, or when out of memory. */
static void *copy_of(const void *src, size_t n, size_t size)
{
	void *p = n ? malloc(n * size) : NULL;

	if (p)
		memcpy(p, src, n * size);
	return p;
}

static void fill_macs(struct snapshot *s)
{
	for (size_t i = 0; i <= s->mac_mask; i++)
		s->macs[i].endpoint = ENDPOINT_NONE;
	for (size_t i = 0; i < s->n_endpoints; i++) {
		const struct endpoint *e = &s->endpoints[i];

		if (!e->used)
			continue;
		mac_insert(s, e->mac, (uint16_t)i, MAC_REAL);
		mac_insert(s, e->ucmac, (uint16_t)i, MAC_MARK);
		mac_insert(s, e->bcmac, (uint16_t)i, MAC_MARK);
	}
}

static int ref_order(const void *a, const void *b)
{
	return ((const struct name_ref *)a)->id -
	       ((const struct name_ref *)b)->id;
}

static bool fill_names(struct snapshot *s, struct name_refs *refs,
		       const struct policy *p)
{
	uint16_t n = policy_n_names(p);

	if (n == 0 || !s->names)
		return true;
	refs->refs = malloc(n * sizeof *refs->refs);
	if (!refs->refs)
		return false;
	for (uint16_t i = 1; i <= n; i++) {
		uint16_t id = name_set_id(s->names, policy_name(p, i));

		if (id)
			refs->refs[refs->n++] = (struct name_ref){ id, i };
	}
	qsort(refs->refs, refs->n, sizeof *refs->refs, ref_order);
	return true;
}

static int pointer_order(const void *a, const void *b)
{
	const char *x = *(char *const *)a, *y = *(char *const *)b;

	return (x > y) - (x < y);
}

struct policy **snapshot_policies(const struct snapshot_spec *spec,
				  size_t *ret_n)
{
	struct policy **list = calloc(spec->n_endpoints + 1, sizeof *list);
	size_t n = 0, out = 0;

	if (!list)
		return NULL;
	for (size_t i = 0; i < spec->n_endpoints; i++)
		if (spec->endpoints[i].policy)
			list[n++] = spec->endpoints[i].policy;
	qsort(list, n, sizeof *list, pointer_order);
	for (size_t i = 0; i < n; i++)
		if (out == 0 || list[out - 1] != list[i])
			list[out++] = list[i];
	*ret_n = out;
	return list;
}

/* Those of one policy are made once, however many workloads have it. */
static bool share_names(struct snapshot *s, struct policy **list, size_t n)
{
	struct name_refs *made = calloc(n + 1, sizeof *made);
	bool ok = made != NULL;

	s->shared_refs = calloc(n + 1, sizeof *s->shared_refs);
	if (!ok || !s->shared_refs) {
		free(made);
		return false;
	}
	for (size_t i = 0; i < n && ok; i++) {
		ok = fill_names(s, &made[i], list[i]);
		s->shared_refs[s->n_shared_refs++] = made[i].refs;
	}
	for (size_t i = 0; i < s->n_endpoints && ok; i++) {
		struct policy **at = bsearch(&s->endpoints[i].policy, list, n,
					     sizeof *list, pointer_order);

		if (at)
			s->refs[i] = made[at - list];
	}
	free(made);
	return ok;
}

static bool fill_endpoints(struct snapshot *s, const struct snapshot_spec *spec)
{
	size_t n = spec->n_endpoints, n_policies = 0;
	struct policy **policies;
	bool ok;

	s->refs = calloc(n ? n : 1, sizeof *s->refs);
	s->endpoints = copy_of(spec->endpoints, n, sizeof *s->endpoints);
	if (!s->refs || (n && !s->endpoints))
		return false;
	s->n_endpoints = n;
	for (size_t i = 0; i < n; i++) {
		(void)policy_get(s->endpoints[i].policy);
		(void)port_set_get(s->endpoints[i].listens);
		(void)sensing_get(s->endpoints[i].sensing);
	}
	policies = snapshot_policies(spec, &n_policies);
	ok = policies && share_names(s, policies, n_policies);
	free(policies);
	return ok;
}

static bool fill_lists(struct snapshot *s, const struct snapshot_spec *spec)
{
	s->internal =
		copy_of(spec->internal, spec->n_internal, sizeof *s->internal);
	s->special =
		copy_of(spec->special, spec->n_special, sizeof *s->special);
	s->policy_addrs = copy_of(spec->policy_addrs, spec->n_policy_addrs,
				  sizeof *s->policy_addrs);
	s->name_addrs = copy_of(spec->name_addrs, spec->n_name_addrs,
				sizeof *s->name_addrs);
	if ((spec->n_internal && !s->internal) ||
	    (spec->n_special && !s->special) ||
	    (spec->n_policy_addrs && !s->policy_addrs) ||
	    (spec->n_name_addrs && !s->name_addrs))
		return false;
	if (!subnet_index_init(&s->internal_index, s->internal,
			       spec->n_internal) ||
	    !subnet_index_init(&s->special_index, s->special, spec->n_special))
		return false;
	s->n_internal = spec->n_internal;
	s->n_special = spec->n_special;
	s->n_policy_addrs = spec->n_policy_addrs;
	s->n_name_addrs = spec->n_name_addrs;
	if (s->n_policy_addrs)
		qsort(s->policy_addrs, s->n_policy_addrs,
		      sizeof *s->policy_addrs, addr_order);
	if (s->n_name_addrs)
		qsort(s->name_addrs, s->n_name_addrs, sizeof *s->name_addrs,
		      name_addr_order);
	return true;
}

struct snapshot *snapshot_build(const struct snapshot_spec *spec)
{
	struct snapshot *s = calloc(1, sizeof *s);
	size_t slots = 64;

	if (!s)
		return NULL;
	s->version = spec->version;
	s->has_internal = spec->has_internal || spec->n_internal > 0;
	s->has_policy_addrs = spec->has_policy_addrs;
	s->icmp_enforced = spec->icmp_enforced;
	s->net_policy_disabled = spec->net_policy_disabled;
	s->detect_unmanaged = spec->detect_unmanaged;
	s->strict_group_mode = spec->strict_group_mode;
	s->xff = spec->xff;
	s->names = spec->names;
	/* three MACs each, at most half full */
	while (slots < spec->n_endpoints * 6)
		slots *= 2;
	s->mac_mask = slots - 1;
	s->macs = malloc(slots * sizeof *s->macs);
	if (!s->macs || !fill_endpoints(s, spec) || !fill_lists(s, spec)) {
		snapshot_free(s);
		return NULL;
	}
	fill_macs(s);
	return s;
}

void snapshot_free(struct snapshot *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n_endpoints; i++) {
		policy_put(s->endpoints[i].policy);
		port_set_put(s->endpoints[i].listens);
		sensing_put(s->endpoints[i].sensing);
	}
	for (size_t i = 0; i < s->n_shared_refs; i++)
		free(s->shared_refs[i]);
	free(s->shared_refs);
	free(s->refs);
	free(s->endpoints);
	subnet_index_done(&s->internal_index);
	subnet_index_done(&s->special_index);
	free(s->internal);
	free(s->special);
	free(s->policy_addrs);
	free(s->name_addrs);
	free(s->macs);
	free(s);
}

struct snapshot_spec snapshot_spec_of(const struct snapshot *s)
{
	return (struct snapshot_spec){
		.endpoints = s->endpoints,
		.n_endpoints = s->n_endpoints,
		.internal = s->internal,
		.special = s->special,
		.n_internal = s->n_internal,
		.n_special = s->n_special,
		.has_internal = s->has_internal,
		.policy_addrs = s->policy_addrs,
		.n_policy_addrs = s->n_policy_addrs,
		.has_policy_addrs = s->has_policy_addrs,
		.icmp_enforced = s->icmp_enforced,
		.net_policy_disabled = s->net_policy_disabled,
		.detect_unmanaged = s->detect_unmanaged,
		.strict_group_mode = s->strict_group_mode,
		.xff = s->xff,
		.version = s->version,
		.names = s->names,
		.name_addrs = s->name_addrs,
		.n_name_addrs = s->n_name_addrs,
	};
}

const struct name_set *snapshot_names(const struct snapshot *s)
{
	return s->names;
}

bool snapshot_has_names(const struct snapshot *s)
{
	return name_set_count(s->names) > 0;
}

uint32_t snapshot_version(const struct snapshot *s)
{
	return s->version;
}

const struct endpoint *snapshot_endpoint(const struct snapshot *s,
					 uint16_t index)
{
	if (index >= s->n_endpoints || !s->endpoints[index].used)
		return NULL;
	return &s->endpoints[index];
}

bool snapshot_is_internal(const struct snapshot *s, struct ip_addr a)
{
	return !s->has_internal || ip_is_loopback(a) ||
	       subnet_index_find(&s->internal_index, a) != MATCH_NONE;
}

static enum ip_type special_type(const struct snapshot *s, struct ip_addr a)
{
	uint32_t i = subnet_index_find(&s->special_index, a);

	return i == MATCH_NONE ? IP_TYPE_NONE
			       : (enum ip_type)s->special[i].type;
}

static struct judgement open_for(enum reason reason, uint16_t flags)
{
	return (struct judgement){ .action = POLICY_OPEN,
				   .reason = (uint8_t)reason,
				   .flags = flags };
}

bool snapshot_xff(const struct snapshot *s)
{
	return s->xff;
}

/* --- names ------------------------------------------------------------ */

/* Learned ones, that of a running flow, and those that were given. */
#define NAMES_OF_PEER_MAX (NAMES_PER_ADDR_MAX + 1 + NAMES_GIVEN_MAX)

/* The policy's own numbers of what the peer goes by. */
struct names {
	uint16_t own[NAMES_OF_PEER_MAX];
	uint16_t id[NAMES_OF_PEER_MAX]; /* the same, in the name set */
	unsigned n;
};

static void add_name(struct names *names, const struct name_refs *refs,
		     uint16_t id)
{
	size_t low = 0, high = refs->n;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (refs->refs[middle].id < id)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == refs->n || refs->refs[low].id != id ||
	    names->n == NAMES_OF_PEER_MAX)
		return;
	names->own[names->n] = refs->refs[low].own;
	names->id[names->n++] = id;
}

/* The policy's own number, as everybody else knows it. */
static uint16_t id_of(const struct names *names, uint16_t own)
{
	for (unsigned i = 0; own && i < names->n; i++)
		if (names->own[i] == own)
			return names->id[i];
	return NAME_NONE;
}

/* The first of name_addrs for that address or behind it. */
static size_t first_name_addr(const struct snapshot *s, struct ip_addr a)
{
	size_t low = 0, high = s->n_name_addrs;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (ip_compare(s->name_addrs[middle].addr, a) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void find_names(const struct snapshot *s, const struct name_refs *refs,
		       const struct policy_query *q, struct ip_addr peer,
		       struct names *ret)
{
	ret->n = 0;
	if (refs->n == 0)
		return;
	for (unsigned i = 0; i < q->n_names; i++)
		add_name(ret, refs, q->names[i]);
	for (size_t i = first_name_addr(s, peer);
	     i < s->n_name_addrs && ip_equal(s->name_addrs[i].addr, peer); i++)
		add_name(ret, refs, s->name_addrs[i].name);
}

/* --- judging ---------------------------------------------------------- */

/* One judgement under way. */
struct asking {
	const struct snapshot *s;
	const struct endpoint *e;
	const struct policy_spec *policy;
	struct policy_query q;
	struct ip_addr addr, own; /* the peer's, the workload's */
	enum ip_type type;	  /* the peer's */
	bool external;		  /* the peer is no internal address */
	struct names names;
};

/* Internal, and the policy does not enforce this direction. */
static bool is_unenforced(const struct asking *a)
{
	uint8_t dir = a->q.ingress ? POLICY_DIR_INGRESS : POLICY_DIR_EGRESS;

	return !a->external && !(a->policy->dir & dir);
}

/* Reference 5.3: internal traffic that is let through unasked. */
static bool is_exempt(const struct asking *a)
{
	if (!is_unenforced(a) || a->type == IP_TYPE_UWL || a->e->nbe)
		return false;
	if (a->s->strict_group_mode && a->policy->defact == POLICY_DENY)
		return false;
	return a->q.ingress || (a->type != IP_TYPE_HOST && a->names.n == 0);
}

/* Reference 5.3 before the rules; true when it has decided. */
static bool decide_early(const struct asking *a, struct judgement *ret)
{
	uint16_t ext = a->external ? SESSION_EXTERNAL : 0;
	bool egress = !a->q.ingress;

	if (egress && !a->external && a->policy->dir & POLICY_DIR_EGRESS &&
	    !snapshot_is_internal(a->s, a->own)) {
		*ret = open_for(REASON_PASS_THROUGH, 0);
	} else if (egress && a->external && a->type == IP_TYPE_EXT) {
		*ret = (struct judgement){
			.action = a->policy->defact == POLICY_DENY
					  ? POLICY_DENY
					  : POLICY_VIOLATE,
			.reason = REASON_EXTERNAL_IP,
			.flags = ext | SESSION_SVC_EXTIP,
		};
	} else if (is_exempt(a)) {
		*ret = open_for(REASON_INTERNAL, 0);
	} else if (a->type == IP_TYPE_UWL && !a->s->detect_unmanaged) {
		*ret = open_for(REASON_UNMANAGED, ext | SESSION_UNMANAGED);
	} else if (egress && a->e->nbe && a->type == IP_TYPE_SVC) {
		*ret = open_for(REASON_NAMESPACE_SERVICE, ext);
	} else {
		return false;
	}
	return true;
}

static bool is_policy_addr(const struct snapshot *s, struct ip_addr a)
{
	return s->n_policy_addrs > 0 &&
	       bsearch(&a, s->policy_addrs, s->n_policy_addrs, sizeof a,
		       addr_order) != NULL;
}

/* Reference 5.6: what the rules said, seen from a bounded namespace. */
static void apply_boundary(const struct asking *a, struct judgement *j)
{
	if (j->action == POLICY_CHECK_NBE && !a->e->nbe) {
		j->action = POLICY_ALLOW;
	} else if (j->action == POLICY_CHECK_NBE) {
		j->action = a->policy->defact == POLICY_DENY ? POLICY_DENY
							     : POLICY_VIOLATE;
		j->rule_id = 0;
		j->reason = REASON_NAMESPACE;
		j->flags |= SESSION_NBE_CHECK;
	} else if (j->action == POLICY_DENY && a->e->nbe && is_unenforced(a)) {
		j->flags |= SESSION_NBE_SAME;
	}
}

/* Reference 5.5: how much grace an implicit denial gets. */
static void consider_grace(const struct asking *a, struct judgement *j)
{
	bool host = a->type == IP_TYPE_HOST || a->type == IP_TYPE_TUNNEL;
	bool about_own = a->external || host;

	if (!a->s->has_policy_addrs)
		return;
	if (a->type == IP_TYPE_DEV) {
		*j = open_for(REASON_INTERNAL, j->flags);
		return;
	}
	if (a->type == IP_TYPE_UWL || a->type == IP_TYPE_SVC ||
	    a->type == IP_TYPE_EXT)
		return;
	/* in strict mode an unknown workload is a stranger */
	if (!about_own && a->s->strict_group_mode)
		return;
	if (is_policy_addr(a->s, about_own ? a->own : a->addr))
		return;
	j->grace_retries = a->external ? GRACE_RETRIES_EXTERNAL
			   : host      ? GRACE_RETRIES_HOST
				       : GRACE_RETRIES;
}

/*
 * Only TCP and UDP are looked into: of others nothing more will be known
 * (reference 5.4, for ICMP).
 */
static void know_at_once(struct policy_query *q)
{
	if (q->proto == PROTO_NUMBER_TCP || q->proto == PROTO_NUMBER_UDP)
		return;
	if (q->app == POLICY_APP_UNKNOWN_YET)
		q->app = POLICY_APP_UNIDENTIFIED;
	if (!q->vhost)
		q->vhost = "";
	if (!q->request)
		q->request = &request_none;
}

struct judgement snapshot_judge(const struct snapshot *s, uint16_t endpoint,
				const struct policy_query *q)
{
	struct asking a = { .s = s,
			    .e = snapshot_endpoint(s, endpoint),
			    .q = *q,
			    .addr = q->ingress ? q->client : q->server,
			    .own = q->ingress ? q->server : q->client };
	struct judgement j;

	if (!a.e || !a.e->policy)
		return open_for(REASON_NO_POLICY, SESSION_TMP_OPEN);
	if (s->net_policy_disabled)
		return open_for(REASON_POLICY_OFF, SESSION_TMP_OPEN);
	a.policy = policy_spec_of(a.e->policy);
	if (!ip_is_v4(q->client) && !a.policy->ipv6)
		return open_for(REASON_FAMILY_OPEN, 0);
	if (!a.policy->whole && ip_is_v4(q->client) &&
	    (ip_is_link_local(q->client) || ip_is_link_local(q->server)))
		return open_for(REASON_LINK_LOCAL, SESSION_LINK_LOCAL);
	a.external = !snapshot_is_internal(s, a.addr);
	a.type = special_type(s, a.addr);
	find_names(s, &s->refs[endpoint], q, a.addr, &a.names);
	if (!a.policy->whole && decide_early(&a, &j))
		return j;
	a.q.peer_external = a.external;
	a.q.icmp_enforced = s->icmp_enforced;
	a.q.names = a.names.own;
	a.q.n_names = a.names.n;
	know_at_once(&a.q);
	j = policy_match(a.e->policy, &a.q);
	j.name = id_of(&a.names, j.name);
	if (a.external)
		j.flags |= SESSION_EXTERNAL;
	if (a.type == IP_TYPE_UWL)
		j.flags |= SESSION_UNMANAGED;
	if (a.policy->whole)
		return j;
	apply_boundary(&a, &j);
	if (j.reason == REASON_DEFAULT && j.action >= POLICY_VIOLATE)
		consider_grace(&a, &j);
	return j;
}
