#include "detect/threat.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"

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
	{ THREAT_DNS_LOOP, 5, true, DPI_DROP, false,
	  "DNS name that points in circles" },
	{ THREAT_SSH_1, 2, true, DPI_ALLOW, false, "SSH version 1" },
	{ THREAT_HEARTBLEED, 5, true, DPI_DROP, false, "TLS heartbleed" },
	{ THREAT_SSL2_CIPHERS, 5, true, DPI_DROP, false,
	  "SSL 2.0 cipher overflow" },
	{ THREAT_OLD_SSL, 3, true, DPI_DROP, false, "SSL 2.0 or 3.0" },
	{ THREAT_TLS_10, 1, false, DPI_ALLOW, false, "TLS 1.0" },
	{ THREAT_HTTP_LENGTH, 4, true, DPI_DROP, false,
	  "HTTP negative length" },
	{ THREAT_HTTP_SMUGGLING, 4, true, DPI_DROP, false,
	  "HTTP request smuggling" },
	{ THREAT_SLOWLORIS, 5, false, DPI_RESET, false,
	  "HTTP request that does not end" },
	{ THREAT_SMALL_WINDOW, 4, false, DPI_RESET, false, "TCP small window" },
	{ THREAT_DNS_OVERFLOW, 5, true, DPI_ALLOW, false, "DNS overflow" },
	{ THREAT_SQL_DENIED, 1, true, DPI_ALLOW, false,
	  "database login refused" },
	{ THREAT_DNS_TRANSFER, 5, true, DPI_DROP, false, "DNS zone transfer" },
	{ THREAT_ICMP_TUNNEL, 5, true, DPI_ALLOW, true, "tunnel in ICMP" },
	{ THREAT_DNS_NULL, 5, false, DPI_ALLOW, false, "DNS type NULL" },
	{ THREAT_SQL_INJECTION, 5, true, DPI_DROP, false, "SQL injection" },
	{ THREAT_STRUTS_XML, 5, true, DPI_DROP, false,
	  "Struts, a class in XML" },
	{ THREAT_SMALL_MSS, 4, true, DPI_DROP, false, "small MSS" },
	{ THREAT_EXTERNAL_IP, 5, true, DPI_DROP, false,
	  "external IP of a service" },
	{ THREAT_TLS_11, 1, false, DPI_ALLOW, false, "TLS 1.1" },
};

_Static_assert(sizeof kinds / sizeof *kinds == THREAT_KINDS, "as told");

IMAGE_PART(saved_records, "records", struct threat_record, 1);

struct threat_log {
	struct {
		bool enabled;
		uint8_t action;
	} now[THREAT_KINDS];
	struct tally *tally; /* of struct threat_record */
};

/* -1: no such id. */
static int kind_index(uint32_t id)
{
	size_t from = 0, to = THREAT_KINDS;

	while (to - from > 1) {
		size_t middle = (from + to) / 2;

		if (kinds[middle].id <= id)
			from = middle;
		else
			to = middle;
	}
	return kinds[from].id == id ? (int)from : -1;
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
	for (size_t i = 0; i < THREAT_KINDS; i++) {
		t->now[i].enabled = kinds[i].enabled;
		t->now[i].action = kinds[i].action;
	}
	t->tally = tally_new(slots, THREAT_RECORDS_MAX,
			     sizeof(struct threat_record), seed);
	if (!t->tally) {
		threat_log_free(t);
		return NULL;
	}
	return t;
}

void threat_log_free(struct threat_log *t)
{
	if (!t)
		return;
	tally_free(t->tally);
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

enum dpi_action threat_note(struct threat_log *t, const struct threat_event *e,
			    usec_t now)
{
	struct tally_key key = { e->id, e->endpoint, e->flags };
	int k = kind_index(e->id);

	BUG_ON(k < 0);
	if (!t->now[k].enabled)
		return DPI_NONE;
	keep_latest(tally_open(t->tally, &key, now, NULL), e, &kinds[k],
		    t->now[k].action, now);
	tally_count(t->tally, e->count, kinds[k].only_quiet, now);
	return (enum dpi_action)t->now[k].action;
}

void threat_age(struct threat_log *t, usec_t now)
{
	tally_age(t->tally, now);
}

void threat_forget_endpoint(struct threat_log *t, uint16_t endpoint, usec_t now)
{
	tally_forget_endpoint(t->tally, endpoint, now);
}

size_t threat_drain(struct threat_log *t, struct threat_record *ret, size_t max)
{
	size_t n = 0;
	uint32_t count;

	while (n < max && tally_take(t->tally, &ret[n], &count))
		ret[n++].count = count;
	return n;
}

struct tally_stats threat_stats(const struct threat_log *t)
{
	return tally_stats(t->tally);
}

void threat_log_save(const struct threat_log *t, struct image_writer *w)
{
	tally_save(t->tally, "threats", &saved_records, w);
}

static bool is_sound(const void *record)
{
	const struct threat_record *r = record;

	return kind_index(r->id) >= 0 && r->action < DPI_ACTION__MAX &&
	       r->packet_len <= sizeof r->packet &&
	       memchr(r->text, '\0', sizeof r->text);
}

bool threat_log_load(struct threat_log *t, const struct image_reader *r)
{
	return tally_load(t->tally, "threats", &saved_records, is_sound, r);
}
