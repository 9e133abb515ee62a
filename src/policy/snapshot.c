/*
 * snapshot_judge() is section 5.3 of the reference as one list of questions,
 * each of which may end it:
 *
 *   no policy? family not judged? link-local?        -> open
 *   ingress: internal and direction not enforced?    -> open
 *            unmanaged workload?                     -> open
 *   egress:  foreign source to an internal address?  -> open
 *            external service address?               -> violate or deny
 *            internal and direction not enforced?    -> open
 *            unmanaged workload?                     -> open
 *   then the rules; then, for an implicit denial, grace (5.5).
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

/* Grace windows of 60 s, reference 5.5. */
#define GRACE_RETRIES	       10
#define GRACE_RETRIES_HOST     3
#define GRACE_RETRIES_EXTERNAL 2

struct mac_slot {
	struct mac mac;
	uint16_t endpoint; /* ENDPOINT_NONE: free */
	uint8_t role;
};

struct snapshot {
	uint32_t version;
	struct endpoint *endpoints;
	size_t n_endpoints;
	struct subnet *internal, *special;
	size_t n_internal, n_special;
	struct ip_addr *policy_addrs; /* sorted */
	size_t n_policy_addrs;
	bool has_policy_addrs, icmp_enforced;
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

struct snapshot *snapshot_build(const struct snapshot_spec *spec)
{
	struct snapshot *s = calloc(1, sizeof *s);
	size_t slots = 64;

	if (!s)
		return NULL;
	s->version = spec->version;
	/* three MACs each, at most half full */
	while (slots < spec->n_endpoints * 6)
		slots *= 2;
	s->mac_mask = slots - 1;
	s->macs = malloc(slots * sizeof *s->macs);
	s->endpoints = copy_of(spec->endpoints, spec->n_endpoints,
			       sizeof *s->endpoints);
	s->internal =
		copy_of(spec->internal, spec->n_internal, sizeof *s->internal);
	s->special =
		copy_of(spec->special, spec->n_special, sizeof *s->special);
	s->policy_addrs = copy_of(spec->policy_addrs, spec->n_policy_addrs,
				  sizeof *s->policy_addrs);
	if (s->endpoints) {
		s->n_endpoints = spec->n_endpoints;
		for (size_t i = 0; i < s->n_endpoints; i++)
			(void)policy_get(s->endpoints[i].policy);
	}
	if (!s->macs || (spec->n_endpoints && !s->endpoints) ||
	    (spec->n_internal && !s->internal) ||
	    (spec->n_special && !s->special) ||
	    (spec->n_policy_addrs && !s->policy_addrs)) {
		snapshot_free(s);
		return NULL;
	}
	s->n_internal = spec->n_internal;
	s->n_special = spec->n_special;
	s->n_policy_addrs = spec->n_policy_addrs;
	s->has_policy_addrs = spec->has_policy_addrs;
	s->icmp_enforced = spec->icmp_enforced;
	if (s->n_policy_addrs)
		qsort(s->policy_addrs, s->n_policy_addrs,
		      sizeof *s->policy_addrs, addr_order);
	fill_macs(s);
	return s;
}

void snapshot_free(struct snapshot *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->n_endpoints; i++)
		policy_put(s->endpoints[i].policy);
	free(s->endpoints);
	free(s->internal);
	free(s->special);
	free(s->policy_addrs);
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
		.policy_addrs = s->policy_addrs,
		.n_policy_addrs = s->n_policy_addrs,
		.has_policy_addrs = s->has_policy_addrs,
		.icmp_enforced = s->icmp_enforced,
		.version = s->version,
	};
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
	if (s->n_internal == 0 || ip_is_loopback(a))
		return true;
	for (size_t i = 0; i < s->n_internal; i++)
		if (ip_in_prefix(a, s->internal[i].net,
				 s->internal[i].prefix_bits))
			return true;
	return false;
}

static enum ip_type special_type(const struct snapshot *s, struct ip_addr a)
{
	for (size_t i = 0; i < s->n_special; i++)
		if (ip_in_prefix(a, s->special[i].net,
				 s->special[i].prefix_bits))
			return (enum ip_type)s->special[i].type;
	return IP_TYPE_NONE;
}

static struct judgement open_for(enum reason reason, uint16_t flags)
{
	return (struct judgement){ .action = POLICY_OPEN,
				   .reason = (uint8_t)reason,
				   .flags = flags };
}

/* What a judgement needs to know of the peer. */
struct peer {
	struct ip_addr addr, own;
	enum ip_type type;
	bool external;
};

/* Reference 5.3 before the rules; true when it has decided. */
static bool exempt(const struct snapshot *s, const struct policy *policy,
		   const struct policy_query *q, const struct peer *peer,
		   struct judgement *ret)
{
	uint16_t ext = peer->external ? SESSION_EXTERNAL : 0;
	uint8_t dir = policy_spec_of(policy)->dir;

	if (!q->ingress && !peer->external && dir & POLICY_DIR_EGRESS &&
	    !snapshot_is_internal(s, peer->own)) {
		*ret = open_for(REASON_PASS_THROUGH, 0);
		return true;
	}
	if (!q->ingress && peer->external && peer->type == IP_TYPE_EXT) {
		bool deny = policy_spec_of(policy)->defact == POLICY_DENY;

		*ret = (struct judgement){
			.action = deny ? POLICY_DENY : POLICY_VIOLATE,
			.reason = REASON_EXTERNAL_IP,
			.flags = ext | SESSION_SVC_EXTIP,
		};
		return true;
	}
	if (!peer->external && peer->type != IP_TYPE_UWL &&
	    !(dir & (q->ingress ? POLICY_DIR_INGRESS : POLICY_DIR_EGRESS)) &&
	    (q->ingress || peer->type != IP_TYPE_HOST)) {
		*ret = open_for(REASON_INTERNAL, 0);
		return true;
	}
	if (peer->type == IP_TYPE_UWL) {
		*ret = open_for(REASON_UNMANAGED, ext | SESSION_UNMANAGED);
		return true;
	}
	return false;
}

static bool is_policy_addr(const struct snapshot *s, struct ip_addr a)
{
	return s->n_policy_addrs > 0 &&
	       bsearch(&a, s->policy_addrs, s->n_policy_addrs, sizeof a,
		       addr_order) != NULL;
}

/* Reference 5.5: how much grace an implicit denial gets. */
static void consider_grace(const struct snapshot *s, const struct peer *peer,
			   struct judgement *j)
{
	bool host = peer->type == IP_TYPE_HOST || peer->type == IP_TYPE_TUNNEL;
	bool about_own = peer->external || host;

	if (!s->has_policy_addrs)
		return;
	if (peer->type == IP_TYPE_DEV) {
		*j = open_for(REASON_INTERNAL, j->flags);
		return;
	}
	if (peer->type == IP_TYPE_UWL || peer->type == IP_TYPE_SVC ||
	    peer->type == IP_TYPE_EXT)
		return;
	if (is_policy_addr(s, about_own ? peer->own : peer->addr))
		return;
	j->grace_retries = peer->external ? GRACE_RETRIES_EXTERNAL
			   : host	  ? GRACE_RETRIES_HOST
					  : GRACE_RETRIES;
}

struct judgement snapshot_judge(const struct snapshot *s, uint16_t endpoint,
				const struct policy_query *q)
{
	const struct endpoint *e = snapshot_endpoint(s, endpoint);
	struct policy_query full = *q;
	struct judgement j;
	struct peer peer = {
		.addr = q->ingress ? q->client : q->server,
		.own = q->ingress ? q->server : q->client,
	};

	if (!e || !e->policy)
		return open_for(REASON_NO_POLICY, SESSION_TMP_OPEN);
	if (!ip_is_v4(q->client) && !policy_spec_of(e->policy)->ipv6)
		return open_for(REASON_FAMILY_OPEN, 0);
	if (ip_is_v4(q->client) &&
	    (ip_is_link_local(q->client) || ip_is_link_local(q->server)))
		return open_for(REASON_LINK_LOCAL, SESSION_LINK_LOCAL);
	peer.external = !snapshot_is_internal(s, peer.addr);
	peer.type = special_type(s, peer.addr);
	if (exempt(s, e->policy, q, &peer, &j))
		return j;
	full.peer_external = peer.external;
	full.icmp_enforced = s->icmp_enforced;
	j = policy_match(e->policy, &full);
	if (peer.external)
		j.flags |= SESSION_EXTERNAL;
	if (j.reason == REASON_DEFAULT && j.action >= POLICY_VIOLATE)
		consider_grace(s, &peer, &j);
	return j;
}
