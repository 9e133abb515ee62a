#include "wire/dpmsg.h"

#include "wire/dpmsg_put.h"

#define SESSION_BYTES 140
#define METER_BYTES   44
#define STATS_BYTES   176
#define COUNTER_BYTES 568
#define SLOT_SECONDS  5 /* of the traffic's slots, reference 1.9 */

size_t dpmsg_keep_alive(uint8_t buf[static COMPAT_REPLY_MAX], uint32_t seq)
{
	struct outbytes o = dpmsg_start(buf, DPMSG_KEEP_ALIVE, false);

	put_be32(&o, seq);
	return dpmsg_finish(&o);
}

size_t dpmsg_session_count(uint8_t buf[static COMPAT_REPLY_MAX],
			   const struct session_count *c)
{
	struct outbytes o = dpmsg_start(buf, DPMSG_SESSION_COUNT, false);

	put_be32(&o, c->all);
	put_be32(&o, c->tcp);
	put_be32(&o, c->udp);
	put_be32(&o, c->icmp);
	put_be32(&o, c->ip);
	return dpmsg_finish(&o);
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
	put_be32(o, s->client_asm.segments); /* 80 */
	put_be32(o, s->server_asm.segments);
	put_be32(o, s->client_asm.bytes);
	put_be32(o, s->server_asm.bytes);
	put_u8(o, s->client_state); /* 96 */
	put_u8(o, s->server_state);
	put_sat16(o, s->idle_s);
	put_be32(o, s->age_s); /* 100 */
	put_sat16(o, s->life_s);
	put_be16(o, s->application);
	put_be32(o, s->threat); /* 108 */
	put_be32(o, s->policy_id);
	put_u8(o, s->policy_action); /* 116 */
	put_u8(o, s->severity);
	put_be16(o, s->flags);
	put_zero(o, 20); /* 120: X-Forwarded-For address, app, port */
}

size_t dpmsg_session_list(uint8_t buf[static COMPAT_REPLY_MAX],
			  const struct session_record *s, size_t n, bool more)
{
	struct outbytes o = dpmsg_start(buf, DPMSG_SESSION_LIST, more);
	size_t before = outbytes_len(&o) + 4;

	BUG_ON(n > SESSIONS_PER_MSG);
	put_be16(&o, (uint16_t)n);
	put_be16(&o, 0);
	for (size_t i = 0; i < n; i++)
		put_session(&o, &s[i]);
	BUG_ON(outbytes_len(&o) != before + n * SESSION_BYTES);
	return dpmsg_finish(&o);
}

/* DPMsgMeter, reference 1.9. */
static void put_meter(struct outbytes *o, const struct meter_record *m)
{
	uint8_t flags = (uint8_t)((ip_is_v4(m->peer) || ip_is_any(m->peer)) |
				  m->tap << 1);

	put_copy(o, m->ep_mac.b, 6); /* 0 */
	put_sat16(o, m->idle_s);
	put_be32(o, m->count);
	put_be32(o, m->last_count);
	put_ip(o, m->peer); /* 16 */
	put_u8(o, m->kind); /* 32 */
	put_u8(o, flags);
	put_u8(o, m->span_s > UINT8_MAX ? UINT8_MAX : (uint8_t)m->span_s);
	put_u8(o, 0);
	put_be32(o, m->upper); /* 36 */
	put_be32(o, m->lower);
}

size_t dpmsg_meter_list(uint8_t buf[static COMPAT_REPLY_MAX],
			const struct meter_record *m, size_t n, bool more)
{
	struct outbytes o = dpmsg_start(buf, DPMSG_METER_LIST, more);
	size_t before = outbytes_len(&o) + 4;

	BUG_ON(n > METERS_PER_MSG);
	put_be16(&o, (uint16_t)n);
	put_be16(&o, 0);
	for (size_t i = 0; i < n; i++)
		put_meter(&o, &m[i]);
	BUG_ON(outbytes_len(&o) != before + n * METER_BYTES);
	return dpmsg_finish(&o);
}

static void put_volume(struct outbytes *o, const struct traffic_sum *t)
{
	put_be64(o, t->packets_in);
	put_be64(o, t->packets_out);
	put_be64(o, t->bytes_in);
	put_be64(o, t->bytes_out);
}

static void put_window(struct outbytes *o, const struct traffic_sum *t)
{
	put_be32(o, t->sessions_in);
	put_be32(o, t->sessions_out);
	put_volume(o, t);
}

/*
 * DPMsgStats, reference 1.9. The interval of MAC_STATS is in host order, as
 * NeuVector's is; its agent does not read it.
 */
size_t dpmsg_stats(uint8_t buf[static COMPAT_REPLY_MAX], enum dpmsg_kind kind,
		   const struct stats_record *s)
{
	struct outbytes o = dpmsg_start(buf, kind, false);
	uint32_t interval = SLOT_SECONDS;

	BUG_ON(kind != DPMSG_MAC_STATS && kind != DPMSG_DEVICE_STATS);
	if (kind == DPMSG_MAC_STATS)
		put_copy(&o, &interval, 4); /* 0 */
	else
		put_be32(&o, interval);
	put_be32(&o, 0);
	put_be32(&o, s->total.sessions_in); /* 8 */
	put_be32(&o, s->total.sessions_out);
	put_be32(&o, s->sessions_now_in);
	put_be32(&o, s->sessions_now_out);
	put_volume(&o, &s->total);
	put_window(&o, &s->last_5s); /* 56 */
	put_window(&o, &s->last_60s);
	put_window(&o, &s->last_300s);
	BUG_ON(outbytes_len(&o) != 4 + STATS_BYTES);
	return dpmsg_finish(&o);
}

/* DPMsgDeviceCounter, reference 1.9; the numbers are its offsets. */
size_t dpmsg_device_counter(uint8_t buf[static COMPAT_REPLY_MAX],
			    const struct device_counters *c)
{
	struct outbytes o = dpmsg_start(buf, DPMSG_DEVICE_COUNTER, false);
	const uint64_t first[] = {
		c->rx_packets,	     c->rx_dropped, /* 0 */
		c->tx_packets,	     c->tx_dropped,
		c->error_packets,    c->no_workload_packets,
		c->ipv4_packets,     c->ipv6_packets, /* 48 */
		c->tcp_packets,	     c->tcp_no_session_packets,
		c->udp_packets,	     c->icmp_packets, /* 80 */
		c->other_packets,    c->assemblies,
		c->freed_assemblies, c->fragments, /* 112 */
		c->freed_fragments,  c->timed_out_fragments,
		c->total_sessions,   c->tcp_sessions, /* 144 */
		c->udp_sessions,     c->icmp_sessions,
		c->ip_sessions,	     c->drop_meters, /* 176 */
		c->proxy_meters,     c->cur_meters,
		c->cur_log_caches, /* 208 */
	};

	for (size_t i = 0; i < sizeof first / sizeof *first; i++)
		put_be64(&o, first[i]);
	for (int i = 0; i < PARSERS_MAX; i++) /* 216 */
		put_be64(&o, c->parser_sessions[i]);
	for (int i = 0; i < PARSERS_MAX; i++) /* 376 */
		put_be64(&o, c->parser_packets[i]);
	put_be32(&o, c->exact_rules); /* 536 */
	put_be32(&o, c->range_rules);
	put_be32(&o, c->domains);
	put_be32(&o, c->domain_ips);
	put_be64(&o, c->limit_drop_connections); /* 552 */
	put_be64(&o, c->limit_pass_connections);
	BUG_ON(outbytes_len(&o) != 4 + COUNTER_BYTES);
	return dpmsg_finish(&o);
}
