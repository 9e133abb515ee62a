/*
 * Theory. Who can tell from the fewest bytes, and is met most, is asked first:
 * one parser's yes is final, so a parser whose yes is weak stands behind those
 * whose yes is strong.
 */
#include "proto/parsers.h"

#include <stddef.h>

#include "proto/amqp.h"
#include "proto/cassandra.h"
#include "proto/dhcp.h"
#include "proto/dns_talk.h"
#include "proto/echo.h"
#include "proto/erlang.h"
#include "proto/greeted.h"
#include "proto/http1.h"
#include "proto/http2.h"
#include "proto/kafka.h"
#include "proto/ldap.h"
#include "proto/memcached.h"
#include "proto/mongodb.h"
#include "proto/mqtt.h"
#include "proto/mysql.h"
#include "proto/ntp.h"
#include "proto/postgresql.h"
#include "proto/quic.h"
#include "proto/radius.h"
#include "proto/redis.h"
#include "proto/sip_rtsp.h"
#include "proto/smtp.h"
#include "proto/snmp.h"
#include "proto/spark.h"
#include "proto/ssh.h"
#include "proto/stun.h"
#include "proto/syslog.h"
#include "proto/tds.h"
#include "proto/tftp.h"
#include "proto/tls.h"
#include "proto/tns.h"
#include "proto/zookeeper.h"

/* A line each, so that two new ones do not meet. */
/* clang-format off */
static const struct proto_parser *const parsers[] = {
	&proto_tls,
	&proto_http,
	&proto_http2,
	&proto_sip,
	&proto_rtsp,
	&proto_ssh,
	&proto_quic,
	&proto_dns,
	&proto_redis,
	&proto_mysql,
	&proto_postgresql,
	&proto_mongodb,
	&proto_cassandra,
	&proto_memcached,
	&proto_couchbase,
	&proto_stun,
	&proto_dhcp,
	&proto_snmp,
	&proto_ntp,
	&proto_tftp,
	&proto_syslog,
	&proto_radius,
	&proto_tds,
	&proto_tns,
	&proto_zookeeper,
	&proto_kafka,
	&proto_mqtt,
	&proto_amqp,
	&proto_smtp,
	&proto_ftp,
	&proto_pop3,
	&proto_imap,
	&proto_ldap,
	&proto_spark,
	&proto_echo,
	&proto_erlang,
	NULL,
};
/* clang-format on */
#define PARSERS (sizeof parsers / sizeof *parsers - 1)
_Static_assert(PARSERS <= PARSERS_ALL_MAX, "a bit each in candidates");

const struct proto_parser *proto_parser_at(unsigned i)
{
	return i < PARSERS ? parsers[i] : NULL;
}

const struct proto_parser *proto_parser_of(uint32_t app)
{
	for (unsigned i = 0; i < PARSERS; i++)
		if (parsers[i]->app == app)
			return parsers[i];
	return NULL;
}

unsigned proto_parser_place(const struct proto_parser *p)
{
	unsigned i = 0;

	while (i < PARSERS && parsers[i] != p)
		i++;
	return i;
}

static enum proto_guess guess(const struct proto_parser *p,
			      const struct proto_opening *o)
{
	if (o->udp ? !p->udp : !p->tcp)
		return PROTO_NO;
	return p->recognise(o);
}

const struct proto_parser *proto_recognise(const struct proto_opening *o,
					   uint64_t *candidates)
{
	uint64_t left = 0;

	for (unsigned i = 0; i < PARSERS; i++) {
		if (!(*candidates >> i & 1))
			continue;
		switch (guess(parsers[i], o)) {
		case PROTO_YES: return parsers[i];
		case PROTO_MAYBE: left |= (uint64_t)1 << i; break;
		case PROTO_NO: break;
		}
	}
	*candidates = left;
	return NULL;
}
