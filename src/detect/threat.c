/*
 * Theory. A slot holds the record that would be logged next: `count` is what
 * was not logged yet, the rest is of the latest occurrence.
 *
 *                          ,--- repeats: counted ---.
 *   first: logged, count 0 |                        |
 *   ----------------------> quiet ----------------> counting
 *              ^              | 10 s after the log    | logged, count 0:
 *              |              v                       |  - at a repeat 10 s
 *              |             free                     |    after the last log
 *              '--------------------------------------'  - 5 s after the last
 *                                                          repeat, and 10 s
 *
 * Logging copies the record to the ring; if that is full, the slot goes on
 * counting and stays due. A slot never logged is always due.
 *
 * The records are 2 KB each, so what is asked of every slot every 250 ms lies
 * apart from them.
 */
#include "detect/threat.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/bug.h"
#include "base/lru.h"

#define GAP_US	 (THREAT_GAP_S * USEC_PER_SEC)
#define QUIET_US (THREAT_QUIET_S * USEC_PER_SEC)
#define LOOK_US	 250000

#define PING_PAYLOAD_MAX 32000
#define SMALL_MSS_MAX	 255

static const struct threat_kind kinds[] = {
	{ THREAT_SYN_FLOOD, 5, true, DPI_DROP, false, "TCP SYN flood" },
	{ THREAT_ICMP_FLOOD, 5, true, DPI_DROP, false, "ICMP flood" },
	{ THREAT_SOURCE_SESSIONS, 4, false, DPI_DROP, false,
	  "source IP session limit" },
	{ THREAT_INVALID_PACKET, 3, true, DPI_DROP, false, "invalid packet" },
	{ THREAT_TEARDROP, 5, true, DPI_DROP, false, "IP teardrop" },
	{ THREAT_SYN_WITH_DATA, 3, false, DPI_DROP, false, "SYN with data" },
	{ THREAT_SPLIT_HANDSHAKE, 3, true, DPI_ALLOW, false,
	  "split handshake" },
	{ THREAT_NO_CLIENT_DATA, 3, false, DPI_RESET, false, "no client data" },
	{ THREAT_PING_OF_DEATH, 5, true, DPI_DROP, true, "ping of death" },
	{ THREAT_SMALL_MSS, 4, true, DPI_DROP, false, "small MSS" },
	{ THREAT_EXTERNAL_IP, 5, true, DPI_DROP, false,
	  "external IP of a service" },
};

_Static_assert(sizeof kinds / sizeof *kinds == THREAT_KINDS, "as told");

/* No padding: hashed and compared as bytes. */
struct threat_key {
	uint32_t id;
	uint16_t endpoint;
	uint16_t flags;
};
_Static_assert(sizeof(struct threat_key) == 8, "no padding");

struct slot {
	struct threat_key key;
	uint32_t count; /* not logged yet */
	bool logged_ever;
	bool only_quiet;
	usec_t seen, logged;
};

struct threat_log {
	uint64_t seed;
	struct {
		bool enabled;
		uint8_t action;
	} now[THREAT_KINDS];
	struct lru lru;
	struct slot *slots;	       /* limit + 1; [0] is unused */
	struct threat_record *records; /* of the slots */
	struct threat_record ring[THREAT_RECORDS_MAX];
	uint32_t ring_first, ring_n;
	usec_t looked;
	struct threat_stats stats;
};

/* -1: no such id. */
static int kind_index(uint32_t id)
{
	for (size_t i = 0; i < THREAT_KINDS; i++)
		if (kinds[i].id == id)
			return (int)i;
	return -1;
}

const struct threat_kind *threat_kind_at(unsigned i)
{
	BUG_ON(i >= THREAT_KINDS);
	return &kinds[i];
}

const struct threat_kind *threat_kind_find(uint32_t id)
{
	int i = kind_index(id);

	return i < 0 ? NULL : &kinds[i];
}

uint32_t threat_in_packet(const struct packet *p)
{
	if (packet_icmp_is_request(p) && p->payload_len > PING_PAYLOAD_MAX)
		return THREAT_PING_OF_DEATH;
	if (p->proto != PROTO_TCP || !(p->tcp_flags & TCP_SYN))
		return 0;
	if (p->tcp_mss >= 1 && p->tcp_mss <= SMALL_MSS_MAX)
		return THREAT_SMALL_MSS;
	return p->payload_len > 0 ? THREAT_SYN_WITH_DATA : 0;
}

struct threat_log *threat_log_new(uint32_t slots, uint64_t seed)
{
	struct threat_log *t = calloc(1, sizeof *t);

	BUG_ON(slots == 0 || slots > THREAT_SLOTS_MAX);
	if (!t)
		return NULL;
	t->seed = seed;
	t->stats.slots_limit = slots;
	t->stats.records_limit = THREAT_RECORDS_MAX;
	for (size_t i = 0; i < THREAT_KINDS; i++) {
		t->now[i].enabled = kinds[i].enabled;
		t->now[i].action = kinds[i].action;
	}
	t->slots = calloc((size_t)slots + 1, sizeof *t->slots);
	t->records = calloc((size_t)slots + 1, sizeof *t->records);
	if (!t->slots || !t->records || lru_init(&t->lru, slots) < 0) {
		threat_log_free(t);
		return NULL;
	}
	return t;
}

void threat_log_free(struct threat_log *t)
{
	if (!t)
		return;
	lru_done(&t->lru);
	free(t->records);
	free(t->slots);
	free(t);
}

int threat_configure(struct threat_log *t, uint32_t id, bool enabled,
		     enum dpi_action action)
{
	int i = kind_index(id);

	if (i < 0)
		return -ENOENT;
	t->now[i].enabled = enabled;
	t->now[i].action = (uint8_t)action;
	return 0;
}

enum dpi_action threat_action(const struct threat_log *t, uint32_t id)
{
	int i = kind_index(id);

	if (i < 0 || !t->now[i].enabled)
		return DPI_NONE;
	return (enum dpi_action)t->now[i].action;
}

/* Logs what slot i has counted; or it has to wait. */
static void log_slot(struct threat_log *t, uint32_t i, usec_t now)
{
	struct slot *s = &t->slots[i];
	uint32_t at;

	if (t->ring_n == THREAT_RECORDS_MAX) {
		t->stats.ring_full++;
		return;
	}
	at = (t->ring_first + t->ring_n++) % THREAT_RECORDS_MAX;
	t->ring[at] = t->records[i];
	t->ring[at].count = s->count;
	s->count = 0;
	s->logged = now;
	s->logged_ever = true;
	t->stats.logged++;
}

/* A slot gives way, or its workload is gone. */
static void close_slot(struct threat_log *t, uint32_t i, usec_t now)
{
	struct slot *s = &t->slots[i];

	if (s->count)
		log_slot(t, i, now);
	t->stats.lost += s->count;
	lru_release(&t->lru, i);
}

static bool gap_is_over(const struct slot *s, usec_t now)
{
	return !s->logged_ever || usec_since(now, s->logged) >= GAP_US;
}

static uint32_t slot_of(struct threat_log *t, const struct threat_key *key,
			usec_t now)
{
	uint32_t hash =
		(uint32_t)XXH3_64bits_withSeed(key, sizeof *key, t->seed);
	uint32_t i;

	for (i = lru_find(&t->lru, hash); i; i = lru_same(&t->lru, i))
		if (memcmp(&t->slots[i].key, key, sizeof *key) == 0)
			return i;
	if (t->lru.in_use == t->lru.limit) {
		i = lru_oldest(&t->lru, 0);
		t->stats.evicted += t->slots[i].count ||
				    !gap_is_over(&t->slots[i], now);
		close_slot(t, i, now);
	}
	i = lru_take(&t->lru, hash, 0);
	t->slots[i] = (struct slot){ .key = *key };
	return i;
}

/* The frame as it is on the wire: with the workload's MAC for its mark. */
static void keep_frame(struct threat_record *r, const struct threat_event *e)
{
	struct bytes b = e->packet->frame.bytes;
	size_t len = bytes_len(b);
	size_t mac_at = e->flags & THREAT_PACKET_INGRESS ? 0 : 6;

	if (len > sizeof r->packet)
		len = sizeof r->packet;
	r->packet_len = (uint16_t)len;
	r->wire_len = (uint32_t)e->packet->frame.wire_len;
	if (r->wire_len < len)
		r->wire_len = (uint32_t)len;
	if (len)
		memcpy(r->packet, b.begin, len);
	if (len >= mac_at + 6 && !mac_is_zero(e->ep_mac))
		memcpy(r->packet + mac_at, e->ep_mac.b, 6);
}

static void keep_headers(struct threat_record *r, const struct packet *p,
			 bool swap)
{
	bool icmp = p->proto == PROTO_ICMP || p->proto == PROTO_ICMPV6;

	r->proto = p->proto;
	r->ethertype = p->ethertype;
	r->src = swap ? p->daddr : p->saddr;
	r->dst = swap ? p->saddr : p->daddr;
	r->src_port = swap ? p->dport : p->sport;
	r->dst_port = swap ? p->sport : p->dport;
	if (icmp) {
		r->icmp_type = p->icmp_type;
		r->icmp_code = p->icmp_code;
	}
}

static void keep_latest(struct threat_record *r, const struct threat_event *e,
			const struct threat_kind *kind, uint8_t action,
			usec_t now)
{
	r->id = e->id;
	r->at_us = now.us;
	r->action = action;
	r->severity = kind->severity;
	r->flags = e->flags;
	r->endpoint = e->endpoint;
	r->ep_mac = e->ep_mac;
	r->application = e->application;
	r->proto = 0;
	r->ethertype = 0;
	r->src = r->dst = (struct ip_addr){ { 0 } };
	r->src_port = r->dst_port = 0;
	r->icmp_type = r->icmp_code = 0;
	r->packet_len = 0;
	r->wire_len = 0;
	/* cut text is still better than none */
	(void)snprintf(r->text, sizeof r->text, "%s",
		       e->text ? e->text : kind->name);
	if (e->packet)
		keep_frame(r, e);
	if (e->packet && e->decoded)
		keep_headers(r, e->packet, e->swap);
}

static void count_more(struct threat_log *t, struct slot *s, uint32_t n)
{
	uint32_t room = UINT32_MAX - s->count;

	if (n > room) {
		t->stats.lost += n - room;
		n = room;
	}
	s->count += n;
}

enum dpi_action threat_note(struct threat_log *t, const struct threat_event *e,
			    usec_t now)
{
	struct threat_key key = { e->id, e->endpoint, e->flags };
	int k = kind_index(e->id);
	struct slot *s;
	uint32_t i;

	BUG_ON(k < 0);
	if (!t->now[k].enabled)
		return DPI_NONE;
	i = slot_of(t, &key, now);
	s = &t->slots[i];
	keep_latest(&t->records[i], e, &kinds[k], t->now[k].action, now);
	s->only_quiet = kinds[k].only_quiet;
	s->seen = now;
	count_more(t, s, e->count);
	t->stats.noted += e->count;
	lru_move(&t->lru, i, 0);
	if (!s->logged_ever || (gap_is_over(s, now) && !s->only_quiet))
		log_slot(t, i, now);
	return (enum dpi_action)t->now[k].action;
}

static void age_slot(struct threat_log *t, uint32_t i, usec_t now)
{
	const struct slot *s = &t->slots[i];
	bool quiet = usec_since(now, s->seen) >= QUIET_US;

	if (!gap_is_over(s, now))
		return;
	if (!s->count)
		lru_release(&t->lru, i);
	else if (quiet || !s->logged_ever)
		log_slot(t, i, now);
}

void threat_age(struct threat_log *t, usec_t now)
{
	uint32_t cursor = 0, i;

	if (usec_since(now, t->looked) < LOOK_US)
		return;
	t->looked = now;
	while ((i = lru_walk(&t->lru, &cursor)))
		age_slot(t, i, now);
}

void threat_forget_endpoint(struct threat_log *t, uint16_t endpoint, usec_t now)
{
	uint32_t cursor = 0, i;

	while ((i = lru_walk(&t->lru, &cursor)))
		if (t->slots[i].key.endpoint == endpoint)
			close_slot(t, i, now);
}

size_t threat_drain(struct threat_log *t, struct threat_record *ret, size_t max)
{
	size_t n = 0;

	while (n < max && t->ring_n) {
		ret[n++] = t->ring[t->ring_first];
		t->ring_first = (t->ring_first + 1) % THREAT_RECORDS_MAX;
		t->ring_n--;
	}
	return n;
}

struct threat_stats threat_stats(const struct threat_log *t)
{
	struct threat_stats s = t->stats;

	s.slots = t->lru.in_use;
	s.records = t->ring_n;
	return s;
}
