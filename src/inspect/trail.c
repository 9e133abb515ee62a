/*
 * Theory. What is said comes in pieces over several packets, so a record that is
 * not whole yet waits in one of a fixed number of places (talk.trail).
 *
 *   HTTP   a method begins one; the answer's end tells it. Where a second
 *          request comes before the answer to the first, the first is told
 *          without a status: HTTP/1 answers in order, so talk.trail_owed answers
 *          are passed over; HTTP/2 in any, so until all are over (trail_tangled)
 *          requests are told when they end, without one.
 *   TLS    the client's hello begins it, the end of the server's tells it.
 *   DNS    each message by itself, whichever way it was read.
 *
 * It begins when records are first asked for, and does not end before the data
 * plane does. When a flow is heard no more, what has begun is told as far as it
 * is known.
 *
 * URLs are told as findings tell requests: what looks like a secret is masked
 * (detect/evidence.h).
 */
#include "inspect/trail.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/image.h"
#include "detect/evidence.h"
#include "inspect/payload.h"
#include "packet/packet.h"
#include "proto/dns.h"
#include "proto/dns_value.h"
#include "wire/reason.h"
#include "wire/words.h"

struct open_record {
	struct trail_record record;
	uint32_t next_free;
	bool used;
	bool interim; /* the answer that is under way is none yet: 1xx */
};

struct trail {
	bool on;
	struct open_record *open; /* TRAIL_OPEN_MAX + 1; [0] is unused */
	uint32_t free, used_ever, in_use;
	struct trail_record *ring; /* TRAIL_RECORDS_MAX */
	uint32_t oldest, n;
	uint64_t told, lost, no_place;
};

struct saved_head {
	uint64_t on, told, lost, no_place;
};
IMAGE_PART(saved_head, "head", struct saved_head, 1);
IMAGE_PART(saved_ring, "ring", struct trail_record, 1); /* oldest first */

struct saved_open {
	uint64_t place;
	struct open_record open;
};
IMAGE_PART(saved_open, "open", struct saved_open, 1);

struct trail *trail_new(void)
{
	struct trail *t = calloc(1, sizeof *t);

	if (!t)
		return NULL;
	t->open = calloc(TRAIL_OPEN_MAX + 1, sizeof *t->open);
	t->ring = calloc(TRAIL_RECORDS_MAX, sizeof *t->ring);
	if (t->open && t->ring)
		return t;
	trail_free(t);
	return NULL;
}

void trail_free(struct trail *t)
{
	if (!t)
		return;
	free(t->open);
	free(t->ring);
	free(t);
}

/* --- records ------------------------------------------------------------------ */

static void of_flow(struct trail_record *r, const struct inspect *in,
		    const struct flow *f)
{
	const struct flow_key *k = &f->key;
	bool own = f->client_is_own;
	bool ports = k->proto != PROTO_ICMP && k->proto != PROTO_ICMPV6;

	r->proto = k->proto;
	r->icmp_type = f->icmp_type;
	r->icmp_code = f->icmp_code;
	r->action = f->verdict.action;
	r->reason = f->cut && f->cut_why ? f->cut_why : f->verdict.reason;
	r->severity = f->severity;
	r->threat = f->threat;
	r->blocked = (f->verdict.blocked || f->cut) && !f->tap;
	r->flags = (uint16_t)(f->verdict.flags | (own ? 0 : SESSION_INGRESS) |
			      (f->tap ? SESSION_TAP : 0) |
			      (f->midstream ? SESSION_MIDSTREAM : 0));
	r->endpoint = k->endpoint;
	r->ep_mac = passage_mac_of(in, k->endpoint);
	r->application = payload_app(f);
	r->client = own ? k->own : k->peer;
	r->server = own ? k->peer : k->own;
	if (ports) {
		r->client_port = own ? k->own_port : k->peer_port;
		r->server_port = own ? k->peer_port : k->own_port;
	}
	r->flow_id = f->id;
	r->policy_id = f->verdict.rule_id;
}

/* Where the next one goes; NULL: there is no room. */
static struct trail_record *next_place(struct trail *t)
{
	if (t->n == TRAIL_RECORDS_MAX) {
		t->lost++;
		return NULL;
	}
	t->told++;
	return &t->ring[(t->oldest + t->n++) % TRAIL_RECORDS_MAX];
}

size_t inspect_drain_trail(struct inspect *in, struct trail_record *ret,
			   size_t max)
{
	struct trail *t = in->trail;
	size_t n = 0;

	t->on = true;
	for (; n < max && t->n > 0; n++, t->n--) {
		ret[n] = t->ring[t->oldest];
		t->oldest = (t->oldest + 1) % TRAIL_RECORDS_MAX;
	}
	return n;
}

struct trail_stats inspect_trail_stats(const struct inspect *in)
{
	const struct trail *t = in->trail;

	return (struct trail_stats){ .in_use = t->n,
				     .limit = TRAIL_RECORDS_MAX,
				     .open = t->in_use,
				     .open_limit = TRAIL_OPEN_MAX,
				     .told = t->told,
				     .lost = t->lost,
				     .no_place = t->no_place };
}

/* --- what is said over several packets ---------------------------------------- */

static struct open_record *open_of(const struct inspect *in,
				   const struct talk *t)
{
	return t->trail ? &in->trail->open[t->trail] : NULL;
}

static struct open_record *begin(struct inspect *in, struct talk *talk,
				 enum trail_kind kind)
{
	struct trail *t = in->trail;
	uint32_t place = t->free;
	struct open_record *o;

	if (!t->open || (!place && t->used_ever == TRAIL_OPEN_MAX)) {
		t->no_place++;
		return NULL;
	}
	if (!place)
		place = ++t->used_ever;
	o = &t->open[place];
	t->free = o->next_free;
	t->in_use++;
	o->next_free = 0;
	o->used = true;
	o->interim = false;
	memset(&o->record, 0, offsetof(struct trail_record, text));
	o->record.kind = (uint8_t)kind;
	o->record.first_us = in->now.us;
	talk->trail = place;
	return o;
}

static void finish(struct inspect *in, const struct flow *f, struct talk *talk)
{
	struct trail *t = in->trail;
	struct open_record *o = open_of(in, talk);
	struct trail_record *r = o ? next_place(t) : NULL;

	if (!o)
		return;
	o->record.last_us = in->now.us;
	of_flow(&o->record, in, f);
	if (r)
		*r = o->record;
	o->used = false;
	o->next_free = t->free;
	t->free = talk->trail;
	t->in_use--;
	talk->trail = 0;
}

/* --- fields -------------------------------------------------------------------- */

/* [of whom][field]: the text + 1 that it is; 0: none. */
static const uint8_t text_of[PROTO_SIDE__MAX][FIELD__MAX] = {
	[PROTO_CLIENT] = {
		[FIELD_HTTP_METHOD] = TRAIL_TEXT_HTTP_METHOD + 1,
		[FIELD_HTTP_HOST] = TRAIL_TEXT_HTTP_HOST + 1,
		[FIELD_HTTP_URI_RAW] = TRAIL_TEXT_HTTP_URL + 1,
		[FIELD_HTTP_PROTOCOL] = TRAIL_TEXT_HTTP_PROTOCOL + 1,
		[FIELD_HTTP_USER_AGENT] = TRAIL_TEXT_HTTP_AGENT + 1,
		[FIELD_HTTP_REFERER] = TRAIL_TEXT_HTTP_REFERER + 1,
		[FIELD_TLS_SNI] = TRAIL_TEXT_TLS_SNI + 1,
		[FIELD_TLS_VERSION] = TRAIL_TEXT_TLS_OFFERED + 1,
		[FIELD_TLS_ALPN] = TRAIL_TEXT_TLS_CLIENT_ALPN + 1,
		[FIELD_JA3_HASH] = TRAIL_TEXT_TLS_JA3 + 1,
		[FIELD_JA4] = TRAIL_TEXT_TLS_JA4 + 1,
	},
	[PROTO_SERVER] = {
		[FIELD_HTTP_STAT_CODE] = TRAIL_TEXT_HTTP_STATUS + 1,
		[FIELD_HTTP_CONTENT_TYPE] = TRAIL_TEXT_HTTP_TYPE + 1,
		[FIELD_TLS_VERSION] = TRAIL_TEXT_TLS_VERSION + 1,
		[FIELD_TLS_ALPN] = TRAIL_TEXT_TLS_SERVER_ALPN + 1,
		[FIELD_TLS_CERT_SUBJECT] = TRAIL_TEXT_TLS_SUBJECT + 1,
		[FIELD_TLS_CERT_ISSUER] = TRAIL_TEXT_TLS_ISSUER + 1,
		[FIELD_TLS_CERT_NAME] = TRAIL_TEXT_TLS_NAME + 1,
		[FIELD_JA3S_HASH] = TRAIL_TEXT_TLS_JA3S + 1,
	},
};

void trail_wants_fields(const struct inspect *in,
			uint64_t unwanted[static FIELD_WORDS])
{
	if (!in->trail->on)
		return;
	for (unsigned f = 0; f < FIELD__MAX; f++)
		if (text_of[PROTO_CLIENT][f] || text_of[PROTO_SERVER][f])
			unwanted[f / 64] &= ~(1ULL << f % 64);
}

static bool is_http2(const struct flow *f)
{
	return f->app == APP_HTTP2 || f->app == APP_GRPC;
}

/* A request begins while another one's answer has not come. */
static void overtake(struct hearing *h)
{
	struct inspect *in = h->w->in;
	struct talk *t = h->t;

	finish(in, h->f, t);
	if (t->trail_owed == UINT8_MAX)
		t->trail_tangled = true;
	else
		t->trail_owed++;
	t->trail_tangled |= is_http2(h->f);
}

static void put(struct open_record *o, enum trail_text text, struct bytes b)
{
	const struct evidence_spot none = { .is_secret = false };
	char shown[FINDING_REQUEST_MAX];
	struct trail_record *r = &o->record;

	if (!trail_text_is_several(text) && trail_count(r, text))
		return;
	if (text != TRAIL_TEXT_HTTP_URL && text != TRAIL_TEXT_HTTP_REFERER) {
		trail_put(r, text, b);
		return;
	}
	evidence_request(&none, b, shown);
	r->cut |= bytes_len(b) >= sizeof shown;
	trail_put(r, text, bytes_of(shown, strlen(shown)));
}

/* Of an answer: is it to the request that is open? */
static bool is_answer(struct open_record *o, const struct talk *t,
		      const struct proto_piece *p)
{
	if (t->trail_owed || t->trail_tangled)
		return false;
	if (p->field == FIELD_HTTP_STAT_CODE) /* 101 is the last one */
		o->interim = bytes_len(p->bytes) == 3 &&
			     p->bytes.begin[0] == '1' &&
			     memcmp(p->bytes.begin, "101", 3) != 0;
	return !o->interim;
}

static void put_piece(struct hearing *h, const struct proto_piece *p)
{
	struct inspect *in = h->w->in;
	struct talk *t = h->t;
	unsigned text = text_of[p->side][p->field];
	enum trail_kind kind;
	struct open_record *o;

	if (!t || !text || !p->begin || !h->w->endpoint)
		return;
	text--;
	kind = trail_text_kind((enum trail_text)text);
	if (text == TRAIL_TEXT_HTTP_METHOD && t->trail)
		overtake(h);
	o = open_of(in, t);
	if (!o && (p->side == PROTO_SERVER ||
		   (kind == TRAIL_HTTP && text != TRAIL_TEXT_HTTP_METHOD) ||
		   (kind == TRAIL_TLS && t->answered)))
		return;
	if (!o)
		o = begin(in, t, kind);
	if (!o || o->record.kind != kind ||
	    (kind == TRAIL_HTTP && p->side == PROTO_SERVER &&
	     !is_answer(o, t, p)))
		return;
	put(o, (enum trail_text)text, p->bytes);
	o->record.cut |= p->cut;
}

void trail_piece(struct hearing *h, const struct proto_piece *p)
{
	if (h->w->in->trail->on)
		put_piece(h, p);
}

void trail_ended(struct hearing *h, enum proto_side side)
{
	struct inspect *in = h->w->in;
	struct talk *t = h->t;
	struct open_record *o = t ? open_of(in, t) : NULL;

	if (!t)
		return;
	if (side == PROTO_CLIENT) {
		if (o && t->trail_tangled) {
			finish(in, h->f, t);
			t->trail_owed += t->trail_owed < UINT8_MAX;
		}
		return;
	}
	if (t->trail_owed) {
		t->trail_tangled &= --t->trail_owed > 0;
		return;
	}
	t->trail_tangled = false;
	if (o && !o->interim)
		finish(in, h->f, t);
}

void trail_talk_end(struct inspect *in, const struct flow *f, struct talk *t)
{
	if (t->trail)
		finish(in, f, t);
	t->trail_owed = 0;
	t->trail_tangled = false;
}

/* --- DNS ------------------------------------------------------------------------ */

/* "TYPE TTL OWNER VALUE" */
static void put_answer(struct trail_record *r, const struct dns_msg *m,
		       const struct dns_record *a)
{
	char line[TRAIL_VALUE_MAX], type[DNS_TYPE_TEXT_MAX];
	int n = snprintf(line, sizeof line, "%s %u %.*s ",
			 dns_type_name(a->type, type), a->ttl_s, a->owner.len,
			 a->owner.text);
	struct outbytes out;

	if (n < 0 || (size_t)n >= sizeof line)
		return;
	out = outbytes_of(line + n, sizeof line - (size_t)n);
	if (dns_put_value(m->whole, a, &out) != DNS_OK)
		return;
	r->cut |= out.full;
	trail_put(r, TRAIL_TEXT_DNS_ANSWER,
		  bytes_of(line, (size_t)n + outbytes_len(&out)));
}

void trail_dns(struct inspect *in, const struct flow *f, enum proto_side side,
	       struct bytes message)
{
	struct dns_cursor cursor = { 0 };
	struct trail_record *r;
	char type[DNS_TYPE_TEXT_MAX];
	const char *word;
	struct dns_record a;
	struct dns_msg m;

	if (!in->trail->on || f->key.endpoint == ENDPOINT_NONE ||
	    dns_parse(message, &m) != DNS_OK || !m.has_question ||
	    m.response != (side == PROTO_SERVER))
		return;
	r = next_place(in->trail);
	if (!r)
		return;
	memset(r, 0, offsetof(struct trail_record, text));
	r->kind = TRAIL_DNS;
	r->first_us = r->last_us = in->now.us;
	of_flow(r, in, f);
	r->response = m.response;
	r->truncated = m.truncated;
	r->rcode = m.rcode;
	r->dns_id = m.id;
	word = dns_type_name(m.qtype, type);
	trail_put(r, TRAIL_TEXT_DNS_TYPE, bytes_of(word, strlen(word)));
	trail_put(r, TRAIL_TEXT_DNS_NAME, bytes_of(m.qname.text, m.qname.len));
	while (m.response && dns_next_answer(&m, &cursor, &a))
		put_answer(r, &m, &a);
}

/* --- flows ---------------------------------------------------------------------- */

static uint8_t tcp_flags_of(const struct flow *f)
{
	const struct flow_side_state *c = &f->side[FLOW_CLIENT];
	const struct flow_side_state *s = &f->side[FLOW_SERVER];

	if (f->key.proto != PROTO_TCP)
		return 0;
	return (uint8_t)((c->syn_seen || s->syn_seen ? TRAIL_TCP_SYN : 0) |
			 (c->fin_seen || s->fin_seen ? TRAIL_TCP_FIN : 0) |
			 (c->reset || s->reset ? TRAIL_TCP_RST : 0));
}

void trail_flow_end(struct inspect *in, const struct flow *f)
{
	const struct flow_side_state *c = &f->side[FLOW_CLIENT];
	const struct flow_side_state *s = &f->side[FLOW_SERVER];
	struct trail_record *r;

	if (!in->trail->on || f->key.endpoint == ENDPOINT_NONE ||
	    !f->in_session)
		return;
	r = next_place(in->trail);
	if (!r)
		return;
	memset(r, 0, offsetof(struct trail_record, text));
	r->kind = TRAIL_FLOW;
	of_flow(r, in, f);
	r->first_us = f->first_seen.us;
	r->last_us = f->last_seen.us;
	r->client_packets = c->packets;
	r->server_packets = s->packets;
	r->client_bytes = c->bytes;
	r->server_bytes = s->bytes;
	r->client_state = c->state;
	r->server_state = s->state;
	r->tcp_flags = tcp_flags_of(f);
}

/* --- images ---------------------------------------------------------------------- */

#define OWNER "trail"

void trail_save(const struct trail *t, struct image_writer *w)
{
	struct saved_head head = { t->on, t->told, t->lost, t->no_place };
	struct trail_record *ring;
	struct saved_open *open;

	image_put(w, OWNER, &saved_head, &head, 1);
	ring = image_room(w, OWNER, &saved_ring, t->n);
	for (uint32_t i = 0; ring && i < t->n; i++)
		*ring++ = t->ring[(t->oldest + i) % TRAIL_RECORDS_MAX];
	open = image_room(w, OWNER, &saved_open, t->in_use);
	for (uint32_t i = 1; open && i <= t->used_ever; i++)
		if (t->open[i].used)
			*open++ = (struct saved_open){ i, t->open[i] };
}

/* trail_next() finds only texts that there are. */
static bool has_sound_texts(const struct trail_record *r)
{
	size_t at = 0;

	if (r->text_len > TRAIL_TEXT_MAX)
		return false;
	while (at + TRAIL_TEXT_HEAD <= r->text_len) {
		const uint8_t *text = r->text + at;

		if (text[0] >= TRAIL_TEXT__MAX)
			return false;
		at += TRAIL_TEXT_HEAD + ((size_t)text[1] << 8 | text[2]);
	}
	return at == r->text_len;
}

static bool is_sound(const struct trail_record *r)
{
	return r->kind < TRAIL_KIND__MAX && r->reason < REASON__MAX &&
	       image_is_bool(&r->blocked) && image_is_bool(&r->response) &&
	       image_is_bool(&r->truncated) && image_is_bool(&r->cut) &&
	       has_sound_texts(r);
}

bool trail_load(struct trail *t, const struct image_reader *r)
{
	uint64_t n;
	const struct trail_record *from = image_get(r, OWNER, &saved_ring, &n);
	struct saved_head head;

	if (!from || n > TRAIL_RECORDS_MAX ||
	    !image_take(r, OWNER, &saved_head, &head, 1))
		return false;
	for (uint32_t i = 0; i < n; i++) {
		t->ring[i] = from[i];
		if (!is_sound(&t->ring[i]))
			return false;
	}
	t->n = (uint32_t)n;
	t->on = head.on;
	t->told = head.told;
	t->lost = head.lost;
	t->no_place = head.no_place;
	return true;
}

static bool load_open(struct trail *t, const struct saved_open *s)
{
	struct open_record *o;
	uint64_t place = s->place;

	if (place <= t->used_ever || place > TRAIL_OPEN_MAX)
		return false;
	while (t->used_ever < place)
		t->open[++t->used_ever].used = false;
	o = &t->open[place];
	memcpy(o, &s->open, sizeof *o);
	if (!image_is_bool(&o->interim) || !is_sound(&o->record)) {
		o->used = false;
		return false;
	}
	o->used = true;
	t->in_use++;
	return true;
}

void trail_forget_open(struct trail *t)
{
	for (uint32_t i = 1; i <= t->used_ever; i++)
		t->open[i] = (struct open_record){ .used = false };
	t->used_ever = t->in_use = t->free = 0;
}

bool trail_load_open(struct trail *t, const struct image_reader *r)
{
	uint64_t n;
	const struct saved_open *from = image_get(r, OWNER, &saved_open, &n);

	for (uint64_t i = 0; from && i < n; i++)
		if (!load_open(t, &from[i]))
			from = NULL;
	if (!from) {
		trail_forget_open(t);
		return false;
	}
	for (uint32_t i = t->used_ever; i > 0; i--)
		if (!t->open[i].used) {
			t->open[i].next_free = t->free;
			t->free = i;
		}
	return true;
}

bool trail_is_open(const struct trail *t, uint32_t place)
{
	return place > 0 && place <= t->used_ever && t->open[place].used;
}

uint32_t trail_count_open(const struct trail *t)
{
	return t->in_use;
}
