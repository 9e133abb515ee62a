/*
 * Theory. Slots 1..limit of one mapping hold the flows; 0 means "none". The
 * mapping is reserved, not filled: a slot costs memory from its first use on.
 * Free slots are a stack through next_in_bucket, last freed on top, so that
 * what is used stays warm; slots never used are taken in order.
 *
 *   buckets[hash] -> slot -> slot -> 0          by next_in_bucket
 *   class[c].oldest <-> ... <-> class[c].newest  by older/newer
 *
 * Established flows whose client has said nothing yet (f->silent) are in a list
 * of their own, in the order in which they were established: their place does
 * not change while the server talks. After FLOW_SILENT_S they are told of, or
 * before that the client speaks, and they go to their class.
 *
 * Invariants. A used slot (id != 0) is in exactly one bucket and in exactly one
 * list; that of a class is ordered by last_seen, because touching moves a flow
 * to the end and time does not go back; so what has expired is at the front. But
 * one that was silent may have been seen up to FLOW_SILENT_S before those ahead
 * of it, and so end that much late, among 1200 s. Numbers of the counts equal
 * what walking would find.
 */
#include "flow/flow.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
/* a key is hashed for each frame */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/bug.h"
#include "base/limits.h"
#include "flow/flow_own.h"
#include "flow/tcp.h"

static const struct {
	const char *name;
	uint32_t timeout_s;
} classes[] = {
	[FLOW_CLASS_TCP_OPENING] = { "tcp-opening", 20 },
	[FLOW_CLASS_TCP_ESTABLISHED] = { "tcp-established", 1200 },
	[FLOW_CLASS_TCP_HALF_CLOSED] = { "tcp-half-closed", 90 },
	[FLOW_CLASS_TCP_CLOSED] = { "tcp-closed", 15 },
	[FLOW_CLASS_TCP_CUT] = { "tcp-cut", 60 },
	[FLOW_CLASS_UDP] = { "udp", 30 },
	[FLOW_CLASS_ICMP] = { "icmp", 5 },
	[FLOW_CLASS_OTHER] = { "other", 15 },
};
_Static_assert(sizeof classes / sizeof *classes == FLOW_CLASS__MAX,
	       "one row a class");

static const char *const state_names[] = {
	"NONE",	      "ESTABLISHED", "SYN_SENT",  "SYN_RECV",
	"FIN_WAIT1",  "FIN_WAIT2",   "TIME_WAIT", "CLOSE",
	"CLOSE_WAIT", "LAST_ACK",    "LISTEN",	  "CLOSING",
};

const char *flow_class_name(enum flow_class c)
{
	return classes[c].name;
}

uint32_t flow_class_timeout_s(enum flow_class c)
{
	return classes[c].timeout_s;
}

const char *tcp_state_name(uint8_t state)
{
	return state < sizeof state_names / sizeof *state_names
		       ? state_names[state]
		       : "?";
}

/* Reserved, not filled; NULL: out of memory. */
static void *reserve(size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

static uint32_t buckets_for(uint32_t limit)
{
	uint32_t buckets = 1;

	while (buckets < limit)
		buckets *= 2;
	return buckets;
}

size_t flow_table_bytes(uint32_t limit)
{
	const struct flow_table *t = NULL;

	return ((size_t)limit + 1) * sizeof *t->slots +
	       buckets_for(limit) * sizeof *t->buckets;
}

struct flow_table *flow_table_new(uint32_t limit, uint64_t seed)
{
	struct flow_table *t = calloc(1, sizeof *t);
	uint32_t buckets = buckets_for(limit);

	BUG_ON(limit < FLOWS_MIN || limit > FLOWS_MAX);
	if (!t)
		return NULL;
	t->counts.limit = limit;
	t->seed = seed;
	flow_table_number(t, 1, 1);
	t->bucket_mask = buckets - 1;
	t->slots_bytes = ((size_t)limit + 1) * sizeof *t->slots;
	t->buckets_bytes = buckets * sizeof *t->buckets;
	t->slots = reserve(t->slots_bytes);
	t->buckets = reserve(t->buckets_bytes);
	if (!t->slots || !t->buckets) {
		flow_table_free(t);
		return NULL;
	}
	return t;
}

void flow_table_number(struct flow_table *t, uint32_t first, uint32_t step)
{
	t->next_id = t->first_id = first;
	t->id_step = step;
}

void flow_table_free(struct flow_table *t)
{
	if (!t)
		return;
	/* unmapping what was mapped cannot fail */
	if (t->slots)
		(void)munmap(t->slots, t->slots_bytes);
	if (t->buckets)
		(void)munmap(t->buckets, t->buckets_bytes);
	free(t);
}

void flow_table_on_end(struct flow_table *t,
		       void (*fn)(void *arg, struct flow *f), void *arg)
{
	t->on_end = fn;
	t->on_end_arg = arg;
}

/* The ports of a key, seen from sender and receiver of a packet. */
struct port_pair {
	uint16_t sender, receiver;
	bool sender_asked; /* ICMP */
};

static bool is_icmp(uint8_t proto)
{
	return proto == PROTO_ICMP || proto == PROTO_ICMPV6;
}

/* Reference 4: the asker's id, and what was asked. */
static struct port_pair icmp_ports(uint8_t proto, uint8_t type, uint8_t code,
				   uint16_t id)
{
	bool reply = icmp_is_reply(proto, type);
	uint16_t asked = (uint16_t)(icmp_request_type(proto, type) << 8 | code);

	if (reply)
		return (struct port_pair){ asked, id, false };
	return (struct port_pair){ id, asked, true };
}

static struct flow_key make_key(const struct packet *p, uint16_t endpoint,
				uint8_t proto, struct ip_addr own,
				struct ip_addr peer, struct port_pair ports,
				bool own_sends)
{
	return (struct flow_key){
		.own = own,
		.peer = peer,
		.own_port = own_sends ? ports.sender : ports.receiver,
		.peer_port = own_sends ? ports.receiver : ports.sender,
		.vlans = p->vlans,
		.endpoint = endpoint,
		.proto = proto,
		.opener_own = is_icmp(proto) && ports.sender_asked == own_sends,
		.tunnel = p->tunnel & 0x7f,
		.tunnel_id = p->tunnel_id,
	};
}

struct flow_key flow_key_of(const struct packet *p, uint16_t endpoint,
			    bool ingress)
{
	struct port_pair ports = { p->sport, p->dport, false };

	if (is_icmp(p->proto))
		ports = icmp_ports(p->proto, p->icmp_type, p->icmp_code,
				   p->icmp_id);
	return make_key(p, endpoint, p->proto, ingress ? p->daddr : p->saddr,
			ingress ? p->saddr : p->daddr, ports, !ingress);
}

struct flow_key flow_key_of_quote(const struct packet *p, uint16_t endpoint,
				  bool ingress)
{
	const struct packet_quote *q = &p->quote;
	struct port_pair ports = { q->sport, q->dport, false };

	/* an error that comes in speaks of what the workload has sent */
	if (is_icmp(q->proto))
		ports = icmp_ports(q->proto, q->icmp_type, q->icmp_code,
				   q->sport);
	return make_key(p, endpoint, q->proto, ingress ? q->saddr : q->daddr,
			ingress ? q->daddr : q->saddr, ports, ingress);
}

uint32_t flow_key_hash(const struct flow_table *t, const struct flow_key *key)
{
	return (uint32_t)XXH3_64bits_withSeed(key, sizeof *key, t->seed);
}

static struct flow *find_hashed(struct flow_table *t,
				const struct flow_key *key, uint32_t hash)
{
	uint32_t at = t->buckets[hash & t->bucket_mask];

	while (at) {
		struct flow *f = &t->slots[at];

		if (f->hash == hash && memcmp(&f->key, key, sizeof *key) == 0)
			return f;
		at = f->next_in_bucket;
	}
	return NULL;
}

struct flow *flow_find(struct flow_table *t, const struct flow_key *key)
{
	return find_hashed(t, key, flow_key_hash(t, key));
}

static uint32_t slot_of(const struct flow_table *t, const struct flow *f)
{
	return (uint32_t)(f - t->slots);
}

void flow_put_in_bucket(struct flow_table *t, struct flow *f)
{
	uint32_t *bucket = &t->buckets[f->hash & t->bucket_mask];

	f->next_in_bucket = *bucket;
	*bucket = slot_of(t, f);
}

static struct flow_list *list_of(struct flow_table *t, const struct flow *f)
{
	return &t->lists[f->silent ? FLOW_LIST_SILENT : f->class];
}

static void list_remove(struct flow_table *t, struct flow *f)
{
	struct flow_list *l = list_of(t, f);

	if (f->older)
		t->slots[f->older].newer = f->newer;
	else
		l->oldest = f->newer;
	if (f->newer)
		t->slots[f->newer].older = f->older;
	else
		l->newest = f->older;
}

void flow_put_in_list(struct flow_table *t, struct flow *f)
{
	struct flow_list *l = list_of(t, f);
	uint32_t at = slot_of(t, f);

	f->older = l->newest;
	f->newer = 0;
	if (l->newest)
		t->slots[l->newest].newer = at;
	else
		l->oldest = at;
	l->newest = at;
}

static uint32_t ms_of(usec_t t)
{
	return (uint32_t)(t.us / 1000);
}

/* f lives from now on again, in that class. */
static void touch(struct flow_table *t, struct flow *f, enum flow_class class,
		  usec_t now)
{
	bool silent = class == FLOW_CLASS_TCP_ESTABLISHED && !f->waited &&
		      tcp_client_is_silent(f);

	/* time that steps back would break the lists' order */
	if (usec_before(f->last_seen, now))
		f->last_seen = now;
	if (silent && f->silent)
		return;
	list_remove(t, f);
	f->class = (uint8_t) class;
	f->silent = silent;
	if (silent && !f->cut)
		f->silent_ms = ms_of(f->last_seen);
	flow_put_in_list(t, f);
}

void flow_count_live(struct flow_table *t, uint8_t proto, int by)
{
	struct flow_counts *c = &t->counts;
	uint32_t *n = proto == PROTO_TCP   ? &c->tcp
		      : proto == PROTO_UDP ? &c->udp
		      : is_icmp(proto)	   ? &c->icmp
					   : &c->other;

	*n += (uint32_t)by;
	c->total += (uint32_t)by;
}

static void count_made(struct flow_table *t, uint8_t proto)
{
	struct flow_counts *c = &t->counts;

	c->made++;
	if (proto == PROTO_TCP)
		c->made_tcp++;
	else if (proto == PROTO_UDP)
		c->made_udp++;
	else if (is_icmp(proto))
		c->made_icmp++;
	else
		c->made_other++;
}

/* Reference 4. */
static bool is_udp_server_port(uint16_t port)
{
	return port == 53 || port == 67 || port == 5353;
}

bool flow_opener_is_told(const struct packet *p)
{
	if (p->proto == PROTO_TCP)
		return p->tcp_flags & TCP_SYN;
	return p->proto != PROTO_UDP || is_udp_server_port(p->sport) ||
	       is_udp_server_port(p->dport);
}

bool flow_opener_is_own(const struct packet *p, bool ingress,
			bool *ret_midstream)
{
	bool sender_is_client = true;
	bool syn = p->tcp_flags & TCP_SYN;
	bool tcp = p->proto == PROTO_TCP;

	if (ret_midstream)
		*ret_midstream = p->proto == PROTO_TCP && !syn;
	if (tcp && syn)
		sender_is_client = !(p->tcp_flags & TCP_ACK);
	else if (tcp)
		sender_is_client = p->sport >= p->dport;
	else if (p->proto == PROTO_UDP && is_udp_server_port(p->sport))
		sender_is_client = p->dport == p->sport;
	else if (is_icmp(p->proto))
		sender_is_client = !packet_icmp_is_reply(p);
	return sender_is_client != ingress;
}

static enum flow_class first_class(uint8_t proto)
{
	if (proto == PROTO_TCP)
		return FLOW_CLASS_TCP_OPENING;
	if (proto == PROTO_UDP)
		return FLOW_CLASS_UDP;
	return is_icmp(proto) ? FLOW_CLASS_ICMP : FLOW_CLASS_OTHER;
}

/* All of a flow but its place in the table. */
static void begin_flow(struct flow_table *t, struct flow *f,
		       const struct packet *p, bool client_is_own,
		       bool midstream, usec_t now)
{
	f->id = t->next_id;
	t->next_id += t->id_step;
	if (t->next_id < t->id_step) /* past the last one; 0 is none */
		t->next_id = t->first_id;
	f->client_is_own = client_is_own;
	f->midstream = midstream;
	f->tap = false;
	f->split = f->split_noted = false;
	f->silent = f->waited = f->cut = f->unheard = false;
	f->silent_ms = 0;
	f->class = (uint8_t)first_class(p->proto);
	f->icmp_type = icmp_request_type(p->proto, p->icmp_type);
	f->icmp_code = p->icmp_code;
	f->first_seen = f->last_seen = now;
	memset(f->side, 0, sizeof f->side);
	memset(&f->challenge, 0, sizeof f->challenge);
	memset(&f->verdict, 0, sizeof f->verdict);
	memset(&f->told, 0, sizeof f->told);
	f->meter_ticket = 0;
	f->threat = 0;
	f->severity = 0;
	f->cut_why = 0;
	f->in_session = false;
	f->talk = 0;
	f->app = f->product = 0;
	f->app_state = FLOW_APP_OPEN;
	f->name_birth = 0;
	f->cached = 0;
	if (midstream)
		f->side[FLOW_CLIENT].state = f->side[FLOW_SERVER].state =
			TCP_S_ESTABLISHED;
	count_made(t, p->proto);
}

static uint32_t take_slot(struct flow_table *t, usec_t now)
{
	uint32_t at;

	if (t->counts.total == t->counts.limit)
		(void)flow_expire(t, now, 1);
	at = t->free;
	if (at)
		t->free = t->slots[at].next_in_bucket;
	else if (t->used_ever < t->counts.limit)
		at = ++t->used_ever;
	return at;
}

struct flow *flow_make(struct flow_table *t, const struct flow_key *key,
		       const struct packet *p, bool client_is_own,
		       bool midstream, usec_t now)
{
	uint32_t at = take_slot(t, now);
	struct flow *f;

	if (!at) {
		t->counts.refused_full++;
		return NULL;
	}
	f = &t->slots[at];
	f->key = *key;
	f->hash = flow_key_hash(t, key);
	flow_put_in_bucket(t, f);
	begin_flow(t, f, p, client_is_own, midstream, now);
	flow_put_in_list(t, f);
	flow_count_live(t, key->proto, 1);
	return f;
}

/* Another connection on the same key takes f's place; then p is its first. */
static void reopen(struct flow_table *t, struct flow *f, const struct packet *p,
		   enum flow_side opener, usec_t now)
{
	bool own = f->client_is_own == (opener == FLOW_CLIENT);
	struct flow_challenge c = f->challenge;
	struct flow_side_state *client;

	if (t->on_end)
		t->on_end(t->on_end_arg, f);
	list_remove(t, f);
	begin_flow(t, f, p, own, false, now);
	flow_put_in_list(t, f);
	if (!(p->tcp_flags & TCP_ACK))
		return;
	/* the SYN that p answers was the challenge */
	client = &f->side[FLOW_CLIENT];
	client->isn = c.isn;
	client->next_seq = c.next_seq;
	client->has_wscale = c.has_wscale;
	client->wscale = c.wscale;
	client->heard = client->syn_seen = true;
	client->has_isn = client->has_seq = true;
}

static void count_packet(struct flow *f, const struct packet *p,
			 enum flow_side side)
{
	struct flow_side_state *s = &f->side[side];

	s->packets++;
	s->bytes += p->payload_len;
}

/* Where the sides are, told by a packet that is believed. */
static void note_macs(struct flow *f, const struct packet *p,
		      enum flow_side side)
{
	f->side[side].mac = p->src;
	f->side[!side].mac = p->dst;
}

enum flow_step flow_follow(struct flow_table *t, struct flow *f,
			   const struct packet *p, enum flow_side side,
			   usec_t now)
{
	enum flow_step step = FLOW_STEP_OK;
	enum flow_class class = (enum flow_class)f->class;
	bool tcp = p->proto == PROTO_TCP;

	if (tcp)
		step = tcp_follow(f, p, side);
	if (step == FLOW_STEP_REOPENED) {
		enum flow_side opener = tcp_reopener(p, side);

		reopen(t, f, p, opener, now);
		side = opener == side ? FLOW_CLIENT : FLOW_SERVER;
		(void)tcp_follow(f, p, side); /* a first one is in order */
	}
	count_packet(f, p, side);
	if (step == FLOW_STEP_OUT_OF_WINDOW)
		return step;
	note_macs(f, p, side);
	if (tcp)
		class = tcp_class(f);
	touch(t, f, class, now);
	return step;
}

void flow_carried(struct flow_table *t, struct flow *f,
		  const struct flow_carried by_side[static FLOW_SIDE__MAX],
		  usec_t last_seen)
{
	enum flow_class class = (enum flow_class)f->class;

	for (int i = 0; i < FLOW_SIDE__MAX; i++) {
		f->side[i].packets += by_side[i].packets;
		f->side[i].bytes += by_side[i].bytes;
	}
	if (f->key.proto == PROTO_TCP) {
		tcp_carried(f, by_side);
		class = tcp_class(f);
	}
	touch(t, f, class, last_seen);
}

void flow_end(struct flow_table *t, struct flow *f)
{
	uint32_t at = slot_of(t, f);
	uint32_t *link = &t->buckets[f->hash & t->bucket_mask];

	if (t->on_end)
		t->on_end(t->on_end_arg, f);
	while (*link != at)
		link = &t->slots[*link].next_in_bucket;
	*link = f->next_in_bucket;
	list_remove(t, f);
	flow_count_live(t, f->key.proto, -1);
	f->id = 0;
	f->next_in_bucket = t->free;
	t->free = at;
}

static bool is_picked(const struct flow *f, struct flow_pick pick)
{
	switch (pick.by) {
	case FLOW_PICK_ALL: return true;
	case FLOW_PICK_ID: return f->id == pick.value;
	case FLOW_PICK_ENDPOINT: return f->key.endpoint == pick.value;
	}
	return false;
}

bool flow_sweep(struct flow_table *t, struct flow_pick pick, uint32_t *cursor,
		uint32_t *ended)
{
	uint32_t left = t->used_ever - *cursor;

	if (left > FLOWS_PER_SWEEP)
		left = FLOWS_PER_SWEEP;
	while (left-- > 0) {
		struct flow *f = &t->slots[++*cursor];

		if (f->id == 0 || !is_picked(f, pick))
			continue;
		flow_end(t, f);
		(*ended)++;
	}
	return *cursor < t->used_ever;
}

static bool has_expired(const struct flow *f, usec_t now)
{
	return usec_since(now, f->last_seen) >=
	       classes[f->class].timeout_s * USEC_PER_SEC;
}

uint32_t flow_expire(struct flow_table *t, usec_t now, uint32_t most)
{
	uint32_t n = 0;

	/* another list first each time, so that none waits for the others */
	t->expire_first = (t->expire_first + 1) % FLOW_LISTS;
	for (unsigned i = 0; i < FLOW_LISTS; i++) {
		const struct flow_list *l =
			&t->lists[(t->expire_first + i) % FLOW_LISTS];

		while (n < most && l->oldest &&
		       has_expired(&t->slots[l->oldest], now)) {
			flow_end(t, &t->slots[l->oldest]);
			n++;
		}
	}
	t->counts.expired += n;
	return n;
}

struct flow *flow_next_silent(struct flow_table *t, usec_t now)
{
	uint32_t at = t->lists[FLOW_LIST_SILENT].oldest;
	struct flow *f = &t->slots[at];

	/* signed: where time steps back, nothing is due */
	if (!at || (int32_t)(ms_of(now) - f->silent_ms) < FLOW_SILENT_S * 1000)
		return NULL;
	list_remove(t, f);
	f->silent = false;
	f->waited = true;
	flow_put_in_list(t, f);
	return f;
}

void flow_cut(struct flow_table *t, struct flow *f, usec_t now)
{
	tcp_cut(f);
	touch(t, f, tcp_class(f), now);
}

uint32_t flow_life_s(const struct flow *f, usec_t now)
{
	uint64_t whole = classes[f->class].timeout_s * USEC_PER_SEC;
	uint64_t idle = usec_since(now, f->last_seen);

	if (idle >= whole)
		return 0;
	return (uint32_t)((whole - idle + USEC_PER_SEC - 1) / USEC_PER_SEC);
}

struct flow *flow_at(struct flow_table *t, uint32_t place)
{
	BUG_ON(place == 0 || place > t->used_ever);
	return &t->slots[place];
}

struct flow *flow_next(struct flow_table *t, uint32_t *cursor)
{
	while (*cursor < t->used_ever) {
		struct flow *f = &t->slots[++*cursor];

		if (f->id)
			return f;
	}
	return NULL;
}

struct flow_counts flow_counts(const struct flow_table *t)
{
	return t->counts;
}
