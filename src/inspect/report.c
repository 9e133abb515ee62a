/*
 * Theory. The table is a hash of records, each in the list of its worth, in
 * the order in which they came into it:
 *
 *   REPORT_PLAIN      oldest -> ... -> newest    the first to give way
 *   REPORT_LEARN      oldest -> ... -> newest
 *   REPORT_VIOLATION  oldest -> ... -> newest    never gives way
 *
 * A record's worth only rises. Taking out goes from the last list up, so what
 * is worth most leaves first.
 *
 * A flow remembers what was told of it (struct flow_told), so a report is the
 * difference. If there is no room, the flow's memory stays as it was, only the
 * time of the try is kept: the difference goes into the next report, and
 * nothing is lost before the session's end.
 *
 * Flags are part of the key, beyond the reference's: a session that was open
 * only for want of a policy must not be mixed up with others, lest a rule be
 * learned from it.
 */
#include "inspect/report.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/bug.h"
#include "base/lru.h"
#include "packet/packet.h"
#include "wire/words.h"

#define PORT_DNS 53
/* Client bytes over which a DNS session may be a tunnel (reference 6.2). */
#define DNS_TUNNEL_BYTES 800

_Static_assert(REPORT_WORTH__MAX <= LRU_LISTS_MAX, "one list a worth");

/* No padding: hashed and compared as bytes. */
struct report_key {
	struct ip_addr client, server;
	uint32_t policy_id;
	uint16_t endpoint, server_port, application, flags;
	struct mac ep_mac; /* an index may change hands between two drains */
	uint16_t proto;
};
_Static_assert(sizeof(struct report_key) == 52, "no padding");

struct entry {
	struct report_key key;
	uint8_t worth;
	struct connection_record record;
};

struct reports {
	struct lru lru;
	struct entry *entries; /* limit + 1; [0] is unused */
	uint64_t seed;
	struct report_stats stats;
};

struct saved_head {
	uint64_t seed;
	struct report_stats stats;
};
IMAGE_PART(saved_head, "head", struct saved_head, 1);
IMAGE_PART(saved_entries, "entries", struct entry, 1); /* by their places */

/* What one event adds to a record. */
struct addition {
	uint64_t bytes, packets;
	uint32_t sessions, violations;
	uint64_t first_us, last_us;
	uint16_t application;
	enum report_worth worth;
};

struct reports *reports_new(uint32_t limit, uint64_t seed)
{
	struct reports *r = calloc(1, sizeof *r);

	BUG_ON(limit == 0 || limit > REPORTS_MAX);
	if (!r)
		return NULL;
	r->seed = seed;
	r->stats.limit = limit;
	r->entries = calloc((size_t)limit + 1, sizeof *r->entries);
	if (!r->entries || lru_init(&r->lru, limit) < 0) {
		reports_free(r);
		return NULL;
	}
	return r;
}

void reports_free(struct reports *r)
{
	if (!r)
		return;
	lru_done(&r->lru);
	free(r->entries);
	free(r);
}

static bool is_icmp(uint8_t proto)
{
	return proto == PROTO_ICMP || proto == PROTO_ICMPV6;
}

bool report_is_dns(uint8_t proto, uint16_t server_port)
{
	return proto == PROTO_UDP && server_port == PORT_DNS;
}

static bool is_violation(const struct report_session *s)
{
	return s->action >= POLICY_VIOLATE;
}

static enum report_worth worth_of(const struct report_session *s)
{
	if (is_violation(s) || s->threat_id)
		return REPORT_VIOLATION;
	return s->action == POLICY_LEARN ? REPORT_LEARN : REPORT_PLAIN;
}

static struct report_key key_of(const struct report_session *s,
				uint16_t application)
{
	return (struct report_key){
		.client = s->client,
		.server = s->server,
		.policy_id = s->policy_id,
		.endpoint = s->endpoint,
		.server_port = is_icmp(s->proto) ? 0 : s->server_port,
		.application = application,
		.flags = s->flags,
		.ep_mac = s->ep_mac,
		.proto = s->proto,
	};
}

/* In a full table: is there now a place for something worth that much? */
static bool make_room(struct reports *r, enum report_worth worth)
{
	for (unsigned w = REPORT_PLAIN; w < worth; w++) {
		uint32_t i = lru_oldest(&r->lru, w);

		if (!i)
			continue;
		lru_release(&r->lru, i);
		r->stats.evicted[w]++;
		return true;
	}
	return false;
}

/* The record for that key; 0: there is no room for it. */
static uint32_t find_or_make(struct reports *r, const struct report_key *key,
			     const struct addition *a)
{
	uint32_t hash =
		(uint32_t)XXH3_64bits_withSeed(key, sizeof *key, r->seed);
	uint32_t i;

	for (i = lru_find(&r->lru, hash); i; i = lru_same(&r->lru, i))
		if (memcmp(&r->entries[i].key, key, sizeof *key) == 0)
			return i;
	if (r->lru.in_use == r->lru.limit && !make_room(r, a->worth))
		return 0;
	i = lru_take(&r->lru, hash, a->worth);
	r->entries[i] = (struct entry){
		.key = *key,
		.worth = (uint8_t)a->worth,
		.record = { .endpoint = key->endpoint,
			    .ep_mac = key->ep_mac,
			    .proto = (uint8_t)key->proto,
			    .server_port = key->server_port,
			    .client = key->client,
			    .server = key->server,
			    .flags = key->flags,
			    .application = key->application,
			    .policy_id = key->policy_id,
			    .first_us = a->first_us,
			    .last_us = a->last_us },
	};
	r->stats.made++;
	return i;
}

/* Records are taken out long before; a control thread may hang, though. */
static void add_u32(uint32_t *sum, uint32_t n)
{
	*sum = *sum > UINT32_MAX - n ? UINT32_MAX : *sum + n;
}

static bool wants_tunnel_hint(const struct report_session *s)
{
	return report_is_dns(s->proto, s->server_port) &&
	       !(s->flags & CONNECTION_INGRESS) &&
	       s->client_bytes > DNS_TUNNEL_BYTES;
}

/* false: there is no room, and nothing was changed. */
static bool tell(struct reports *r, const struct report_session *s,
		 const struct addition *a)
{
	struct report_key key = key_of(s, a->application);
	uint32_t i = find_or_make(r, &key, a);
	struct connection_record *c = &r->entries[i].record;

	if (!i)
		return false;
	if (a->worth > r->entries[i].worth) {
		r->entries[i].worth = (uint8_t)a->worth;
		lru_move(&r->lru, i, a->worth);
	}
	c->bytes += a->bytes;
	c->packets += a->packets;
	add_u32(&c->sessions, a->sessions);
	add_u32(&c->violations, a->violations);
	c->action = s->action;
	if (a->first_us < c->first_us)
		c->first_us = a->first_us;
	if (a->last_us > c->last_us)
		c->last_us = a->last_us;
	if (s->severity > c->severity) {
		c->severity = s->severity;
		c->threat_id = s->threat_id;
	}
	if (wants_tunnel_hint(s))
		c->client_port = s->client_port;
	r->stats.told++;
	return true;
}

/* Is a session that nothing was told of to be told of now? */
static bool may_start(const struct report_session *s, enum report_event what)
{
	bool notable = is_violation(s) || s->threat_id;
	bool answered = s->server_packets > 0;

	if (what == REPORT_END)
		return s->established || answered || notable;
	if (what != REPORT_PACKET && notable)
		return true;
	if (!s->app_certain)
		return false;
	if (is_icmp(s->proto))
		return answered;
	return s->proto != PROTO_TCP || s->established;
}

static bool is_to_be_told(const struct report_session *s,
			  const struct flow_told *told, enum report_event what,
			  usec_t now)
{
	bool dns = report_is_dns(s->proto, s->server_port);

	if (what == REPORT_PACKET && !report_is_due(told, dns, now))
		return false;
	if (!told->started)
		return may_start(s, what);
	if (what == REPORT_END) /* is there a rest? */
		return s->client_bytes + s->server_bytes != told->bytes ||
		       (uint32_t)(s->client_packets + s->server_packets) !=
			       told->packets;
	return true;
}

void report_session(struct reports *r, const struct report_session *s,
		    struct flow_told *told, enum report_event what, usec_t now)
{
	uint64_t bytes = s->client_bytes + s->server_bytes;
	uint32_t packets = (uint32_t)(s->client_packets + s->server_packets);
	bool starts = !told->started;
	struct addition a = {
		.bytes = bytes - told->bytes,
		.packets = packets - told->packets,
		.sessions = starts,
		.violations = is_violation(s) &&
			      (starts || what == REPORT_CHANGED),
		.first_us = starts ? s->first_seen.us : s->last_seen.us,
		.last_us = s->last_seen.us,
		.application = s->application,
		.worth = worth_of(s),
	};

	if (!is_to_be_told(s, told, what, now))
		return;
	told->at_s = (now.us / USEC_PER_SEC) & 0x3fffffff;
	if (tell(r, s, &a)) {
		told->bytes = bytes;
		told->packets = packets;
		told->started = true;
		told->deferred = false;
		return;
	}
	told->deferred = true;
	if (what == REPORT_END || (!starts && a.violations))
		r->stats.lost[a.worth]++;
	else
		r->stats.deferred++;
}

void report_denied(struct reports *r, const struct report_session *s,
		   uint64_t packets, usec_t now)
{
	struct addition a = {
		.packets = packets,
		.violations = packets < UINT32_MAX ? (uint32_t)packets
						   : UINT32_MAX,
		.first_us = now.us,
		.last_us = now.us,
		.application = APPLICATION_NOT_CHECKED,
		.worth = REPORT_VIOLATION,
	};

	if (!tell(r, s, &a))
		r->stats.lost[a.worth]++;
}

uint16_t report_flags(uint16_t session_flags)
{
	static const struct {
		uint16_t session, connection;
	} map[] = {
		{ SESSION_INGRESS, CONNECTION_INGRESS },
		{ SESSION_EXTERNAL, CONNECTION_EXTERNAL },
		{ SESSION_XFF, CONNECTION_XFF },
		{ SESSION_SVC_EXTIP, CONNECTION_SVC_EXTIP },
		{ SESSION_MESH, CONNECTION_MESH },
		{ SESSION_LINK_LOCAL, CONNECTION_LINK_LOCAL },
		{ SESSION_TMP_OPEN, CONNECTION_TMP_OPEN },
		{ SESSION_UNMANAGED, CONNECTION_UNMANAGED },
		{ SESSION_NBE_CHECK, CONNECTION_NBE_CHECK },
		{ SESSION_NBE_SAME, CONNECTION_NBE_SAME },
	};
	uint16_t flags = 0;

	for (size_t i = 0; i < sizeof map / sizeof *map; i++)
		if (session_flags & map[i].session)
			flags |= map[i].connection;
	return flags;
}

uint32_t reports_pending(const struct reports *r)
{
	return r->lru.in_use;
}

size_t reports_drain(struct reports *r, struct connection_record *ret,
		     size_t max)
{
	size_t n = 0;

	for (int w = REPORT_WORTH__MAX - 1; w >= 0; w--) {
		uint32_t i;

		while (n < max && (i = lru_oldest(&r->lru, (unsigned)w))) {
			ret[n++] = r->entries[i].record;
			lru_release(&r->lru, i);
		}
	}
	return n;
}

struct report_stats reports_stats(const struct reports *r)
{
	struct report_stats s = r->stats;

	s.in_use = r->lru.in_use;
	return s;
}

/* --- images ------------------------------------------------------------------ */

#define OWNER "reports"

void reports_save(const struct reports *r, struct image_writer *w)
{
	struct saved_head head = { r->seed, r->stats };
	struct entry *to;
	uint32_t cursor = 0, i;

	image_put(w, OWNER, &saved_head, &head, 1);
	lru_save(&r->lru, OWNER, w);
	to = image_room(w, OWNER, &saved_entries, r->lru.in_use);
	while (to && (i = lru_walk(&r->lru, &cursor)))
		*to++ = r->entries[i];
}

/* At that place, which is taken. */
static bool is_sound(const struct reports *r, uint32_t i)
{
	const struct entry *e = &r->entries[i];

	return e->worth < REPORT_WORTH__MAX &&
	       r->lru.links[i].list == e->worth &&
	       e->record.endpoint < ENDPOINTS_MAX;
}

static void forget_all(struct reports *r)
{
	uint32_t cursor = 0, i;

	while ((i = lru_walk(&r->lru, &cursor)))
		lru_release(&r->lru, i);
}

bool reports_load(struct reports *r, const struct image_reader *from)
{
	uint64_t n;
	const struct entry *e = image_get(from, OWNER, &saved_entries, &n);
	struct saved_head head;
	uint32_t cursor = 0, i;

	if (!e || !image_take(from, OWNER, &saved_head, &head, 1) ||
	    head.stats.limit != r->stats.limit ||
	    !lru_load(&r->lru, OWNER, from))
		return false;
	if (n != r->lru.in_use) {
		forget_all(r);
		return false;
	}
	while ((i = lru_walk(&r->lru, &cursor))) {
		r->entries[i] = *e++;
		if (!is_sound(r, i)) {
			forget_all(r);
			return false;
		}
	}
	r->seed = head.seed;
	r->stats = head.stats;
	return true;
}
