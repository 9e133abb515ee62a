/* What goes to the agent unasked; the layouts are reference 1.8's. */
#include <stdio.h>

#include "wire/dpmsg.h"
#include "wire/dpmsg_put.h"

#define CONNECTION_BYTES 96
#define THREAT_BYTES	 2184
#define FQDN_HEAD_BYTES	 262
#define ETHERTYPE_IPV4	 0x0800
#define ETHERTYPE_IPV6	 0x86dd

static uint32_t unix_seconds(struct dpmsg_clock clock, uint64_t us)
{
	return (uint32_t)((clock.unix_us_at_zero + us) / 1000000);
}

size_t dpmsg_app_update(uint8_t buf[static COMPAT_REPLY_MAX], struct mac ep_mac,
			const struct app_record *apps, size_t n)
{
	struct outbytes o = dpmsg_start(buf, DPMSG_APP_UPDATE, false);
	size_t told = n < APPS_PER_MSG ? n : APPS_PER_MSG;

	put_copy(&o, ep_mac.b, 6);
	put_be16(&o, (uint16_t)told);
	for (size_t i = 0; i < told; i++) {
		put_be16(&o, apps[i].port);
		put_be16(&o, apps[i].proto);
		put_be16(&o, apps[i].server);
		put_be16(&o, apps[i].application);
		put_u8(&o, apps[i].ip_proto);
		put_u8(&o, 0);
	}
	return dpmsg_finish(&o);
}

/* DPMsgThreatLog; the numbers are its offsets. */
size_t dpmsg_threat(uint8_t buf[static COMPAT_REPLY_MAX],
		    const struct threat_record *t, struct dpmsg_clock clock)
{
	struct outbytes o = dpmsg_start(buf, DPMSG_THREAT_LOG, false);
	uint16_t len = t->packet_len;

	BUG_ON(len > THREAT_PACKET_MAX);
	put_be32(&o, t->id); /* 0 */
	put_be32(&o, unix_seconds(clock, t->at_us));
	put_be32(&o, t->count);
	put_u8(&o, t->action); /* 12 */
	put_u8(&o, t->severity);
	put_u8(&o, t->proto);
	put_u8(&o, t->flags);
	put_copy(&o, t->ep_mac.b, 6); /* 16 */
	put_be16(&o, t->ethertype);
	put_ip(&o, t->src); /* 24 */
	put_ip(&o, t->dst);
	put_be16(&o, t->src_port); /* 56 */
	put_be16(&o, t->dst_port);
	put_u8(&o, t->icmp_code); /* 60 */
	put_u8(&o, t->icmp_type);
	put_be16(&o, t->application);
	put_be16(&o, len); /* 64 */
	put_sat16(&o, t->wire_len);
	put_text(&o, t->text, THREAT_TEXT_MAX); /* 68 */
	put_copy(&o, t->packet, len);		/* 132 */
	put_zero(&o, THREAT_PACKET_MAX - len);
	put_be32(&o, 0); /* 2180: not read */
	BUG_ON(outbytes_len(&o) != 4 + THREAT_BYTES);
	return dpmsg_finish(&o);
}

size_t dpmsg_finding(uint8_t buf[static COMPAT_REPLY_MAX],
		     const struct finding_record *f, struct dpmsg_clock clock)
{
	bool v4 = ip_is_v4(f->client) && ip_is_v4(f->server);
	struct threat_record t = {
		.id = f->id,
		.count = f->count,
		.at_us = f->last_us,
		.action = f->action,
		.severity = f->severity,
		.proto = f->proto,
		.flags = f->flags & (THREAT_PACKET_INGRESS |
				     THREAT_SESSION_INGRESS | THREAT_TAP),
		.ep_mac = f->ep_mac,
		.ethertype = v4 ? ETHERTYPE_IPV4 : ETHERTYPE_IPV6,
		.src = f->client,
		.dst = f->server,
		.src_port = f->client_port,
		.dst_port = f->server_port,
		.application = f->application,
	};

	(void)snprintf(t.text, sizeof t.text, "%s: id %u",
		       f->kind == FINDING_WAF ? "WAF" : "DLP", f->id);
	return dpmsg_threat(buf, &t, clock);
}

/* DPMsgConnect; the numbers are its offsets. */
static void put_connection(struct outbytes *o,
			   const struct connection_record *c,
			   struct dpmsg_clock clock)
{
	put_copy(o, c->ep_mac.b, 6); /* 0 */
	put_u8(o, c->proto);
	put_u8(o, 0);
	put_be16(o, c->server_port); /* 8 */
	put_be16(o, c->client_port);
	put_ip(o, c->client); /* 12 */
	put_ip(o, c->server);
	put_be16(o, ETHERTYPE_IPV4); /* 44 */
	put_be16(o, c->flags);
	put_sat32(o, c->bytes); /* 48 */
	put_be32(o, c->sessions);
	put_be32(o, unix_seconds(clock, c->first_us)); /* 56 */
	put_be32(o, unix_seconds(clock, c->last_us));
	put_be16(o, c->application); /* 64 */
	put_u8(o, c->action);
	put_u8(o, c->severity);
	put_be32(o, c->policy_id); /* 68 */
	put_be32(o, c->violations);
	put_be32(o, c->threat_id); /* 76 */
	put_be32(o, c->ep_sessions_now);
	put_be32(o, c->ep_sessions_60s); /* 84 */
	put_be64(o, c->ep_bytes_60s);
}

size_t dpmsg_connections(uint8_t buf[static COMPAT_REPLY_MAX],
			 const struct connection_record *c, size_t n,
			 struct dpmsg_clock clock)
{
	/* `more` is always 1 in this kind, and nobody reads it */
	struct outbytes o = dpmsg_start(buf, DPMSG_CONNECTION, true);
	size_t before = outbytes_len(&o) + 4;

	BUG_ON(n == 0 || n > CONNECTIONS_PER_MSG);
	put_be16(&o, (uint16_t)n);
	put_be16(&o, 0);
	for (size_t i = 0; i < n; i++) {
		BUG_ON(!ip_is_v4(c[i].client) || !ip_is_v4(c[i].server));
		put_connection(&o, &c[i], clock);
	}
	BUG_ON(outbytes_len(&o) != before + n * CONNECTION_BYTES);
	return dpmsg_finish(&o);
}

size_t dpmsg_fqdn_update(uint8_t buf[static COMPAT_REPLY_MAX],
			 const struct fqdn_record *f)
{
	struct outbytes o = dpmsg_start(buf, DPMSG_FQDN_UPDATE, false);
	size_t told = 0;

	BUG_ON(f->n_ips > FQDN_IPS_PER_MSG);
	for (size_t i = 0; i < f->n_ips; i++)
		told += ip_is_v4(f->ips[i]);
	put_text(&o, f->name, FQDN_TEXT_MAX); /* 0 */
	put_be16(&o, (uint16_t)told);	      /* 256 */
	put_be16(&o, 0);
	put_u8(&o, f->vhost); /* 260: bit 0 */
	put_u8(&o, 0);
	BUG_ON(outbytes_len(&o) != 4 + FQDN_HEAD_BYTES);
	for (size_t i = 0; i < f->n_ips; i++)
		if (ip_is_v4(f->ips[i]))
			put_ip(&o, f->ips[i]);
	return dpmsg_finish(&o);
}

size_t dpmsg_ip_name(uint8_t buf[static COMPAT_REPLY_MAX],
		     const struct ip_name_record *r)
{
	struct outbytes o = dpmsg_start(
		buf, r->released ? DPMSG_IP_FQDN_RELEASE : DPMSG_IP_FQDN_UPDATE,
		false);

	put_ip(&o, r->ip);
	if (!r->released)
		put_text(&o, r->name, FQDN_TEXT_MAX);
	return dpmsg_finish(&o);
}
