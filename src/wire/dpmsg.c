#include "wire/dpmsg.h"

#include "base/bug.h"
#include "base/bytes.h"

#define SESSION_BYTES 140

static void put_sat16(struct outbytes *o, uint64_t v)
{
	put_be16(o, v > UINT16_MAX ? UINT16_MAX : (uint16_t)v);
}

static void put_sat32(struct outbytes *o, uint64_t v)
{
	put_be32(o, v > UINT32_MAX ? UINT32_MAX : (uint32_t)v);
}

/* 16 bytes, an IPv4 address in the first four, the rest zero. */
static void put_ip(struct outbytes *o, struct ip_addr a)
{
	if (ip_is_v4(a)) {
		put_be32(o, ip_to_v4(a));
		put_zero(o, 12);
	} else {
		put_copy(o, a.b, 16);
	}
}

static struct outbytes start(uint8_t *buf, enum dpmsg_kind kind, bool more)
{
	struct outbytes o = outbytes_of(buf, COMPAT_REPLY_MAX);

	put_u8(&o, (uint8_t)kind);
	put_u8(&o, more);
	put_be16(&o, 0);
	return o;
}

static size_t finish(struct outbytes *o)
{
	size_t len = outbytes_len(o);
	struct outbytes length = outbytes_of(o->begin + 2, 2);

	BUG_ON(o->full);
	put_be16(&length, (uint16_t)len);
	return len;
}

size_t dpmsg_keep_alive(uint8_t buf[static COMPAT_REPLY_MAX], uint32_t seq)
{
	struct outbytes o = start(buf, DPMSG_KEEP_ALIVE, false);

	put_be32(&o, seq);
	return finish(&o);
}

size_t dpmsg_session_count(uint8_t buf[static COMPAT_REPLY_MAX],
			   const struct session_count *c)
{
	struct outbytes o = start(buf, DPMSG_SESSION_COUNT, false);

	put_be32(&o, c->all);
	put_be32(&o, c->tcp);
	put_be32(&o, c->udp);
	put_be32(&o, c->icmp);
	put_be32(&o, c->ip);
	return finish(&o);
}

/* DPMsgSession, reference 1.9; the numbers are its offsets. */
static void put_session(struct outbytes *o, const struct session_record *s)
{
	put_be32(o, s->id); /* 0 */
	put_copy(o, s->ep_mac.b, 6);
	put_be16(o, s->ethertype);
	put_copy(o, s->client_mac.b, 6); /* 12 */
	put_copy(o, s->server_mac.b, 6);
	put_ip(o, s->client); /* 24 */
	put_ip(o, s->server);
	put_be16(o, s->client_port); /* 56 */
	put_be16(o, s->server_port);
	put_u8(o, s->icmp_code); /* 60 */
	put_u8(o, s->icmp_type);
	put_u8(o, s->proto);
	put_u8(o, 0);
	put_sat32(o, s->client_packets); /* 64 */
	put_sat32(o, s->server_packets);
	put_sat32(o, s->client_bytes);
	put_sat32(o, s->server_bytes);
	put_zero(o, 16);	    /* 80: reassembled packets and bytes */
	put_u8(o, s->client_state); /* 96 */
	put_u8(o, s->server_state);
	put_sat16(o, s->idle_s);
	put_be32(o, s->age_s); /* 100 */
	put_sat16(o, s->life_s);
	put_be16(o, s->application);
	put_be32(o, 0); /* 108: threat */
	put_be32(o, s->policy_id);
	put_u8(o, s->policy_action); /* 116 */
	put_u8(o, 0);		     /* severity */
	put_be16(o, s->flags);
	put_zero(o, 20); /* 120: X-Forwarded-For address, app, port */
}

size_t dpmsg_session_list(uint8_t buf[static COMPAT_REPLY_MAX],
			  const struct session_record *s, size_t n, bool more)
{
	struct outbytes o = start(buf, DPMSG_SESSION_LIST, more);
	size_t before = outbytes_len(&o) + 4;

	BUG_ON(n > SESSIONS_PER_MSG);
	put_be16(&o, (uint16_t)n);
	put_be16(&o, 0);
	for (size_t i = 0; i < n; i++)
		put_session(&o, &s[i]);
	BUG_ON(outbytes_len(&o) != before + n * SESSION_BYTES);
	return finish(&o);
}
