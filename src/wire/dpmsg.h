/*
 * The compatible door's binary datagrams (reference 1.3, 1.4, 1.8, 1.9): a
 * 4-byte header - kind, more, length - and a body, all big-endian. Each writer
 * makes one whole datagram of at most COMPAT_REPLY_MAX bytes and returns its
 * length.
 *
 *    0      1      2        4
 *   +------+------+--------+------------------+
 *   | kind | more | length | body ...         |
 *   +------+------+--------+------------------+
 *
 * Counters wider than their field stay at its maximum. Padding is zero.
 * Replies are written by dpmsg.c, notifications by dpmsg_notify.c.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/limits.h"
#include "wire/records.h"
#include "wire/session.h"

enum dpmsg_kind {
	DPMSG_APP_UPDATE = 1,
	DPMSG_SESSION_LIST = 2,
	DPMSG_SESSION_COUNT = 3,
	DPMSG_DEVICE_COUNTER = 4,
	DPMSG_METER_LIST = 5,
	DPMSG_THREAT_LOG = 6,
	DPMSG_CONNECTION = 7,
	DPMSG_MAC_STATS = 8,
	DPMSG_DEVICE_STATS = 9,
	DPMSG_KEEP_ALIVE = 10,
	DPMSG_FQDN_UPDATE = 11,
	DPMSG_IP_FQDN_UPDATE = 12,
	DPMSG_IP_FQDN_RELEASE = 13,
	DPMSG_KIND__MAX
};

struct session_count {
	uint32_t all, tcp, udp, icmp, ip;
};

/* --- replies ---------------------------------------------------------- */

size_t dpmsg_keep_alive(uint8_t buf[static COMPAT_REPLY_MAX], uint32_t seq);
size_t dpmsg_session_count(uint8_t buf[static COMPAT_REPLY_MAX],
			   const struct session_count *c);
/* Lists: n is 0..X_PER_MSG; they end with one of n = 0 and more = false. */
size_t dpmsg_session_list(uint8_t buf[static COMPAT_REPLY_MAX],
			  const struct session_record *s, size_t n, bool more);
size_t dpmsg_meter_list(uint8_t buf[static COMPAT_REPLY_MAX],
			const struct meter_record *m, size_t n, bool more);
/* kind is DPMSG_MAC_STATS or DPMSG_DEVICE_STATS. */
size_t dpmsg_stats(uint8_t buf[static COMPAT_REPLY_MAX], enum dpmsg_kind kind,
		   const struct stats_record *s);
size_t dpmsg_device_counter(uint8_t buf[static COMPAT_REPLY_MAX],
			    const struct device_counters *c);

/* --- notifications ---------------------------------------------------- */

/* Where times go out: UNIX microseconds when the data plane's clock was 0. */
struct dpmsg_clock {
	uint64_t unix_us_at_zero;
};

/* The whole map of one workload: the first APPS_PER_MSG of n are told. */
size_t dpmsg_app_update(uint8_t buf[static COMPAT_REPLY_MAX], struct mac ep_mac,
			const struct app_record *apps, size_t n);
size_t dpmsg_threat(uint8_t buf[static COMPAT_REPLY_MAX],
		    const struct threat_record *t, struct dpmsg_clock clock);
/* n is 1..CONNECTIONS_PER_MSG, all of IPv4: the format has no other. */
/* The same kind, of what a sensor of NeuVector's found; without a packet. */
size_t dpmsg_finding(uint8_t buf[static COMPAT_REPLY_MAX],
		     const struct finding_record *f, struct dpmsg_clock clock);
size_t dpmsg_connections(uint8_t buf[static COMPAT_REPLY_MAX],
			 const struct connection_record *c, size_t n,
			 struct dpmsg_clock clock);
/* Addresses that are not IPv4 are passed over; n_ips 0 is told, too. */
size_t dpmsg_fqdn_update(uint8_t buf[static COMPAT_REPLY_MAX],
			 const struct fqdn_record *f);
/* Kind 12, or 13 when it is released. */
size_t dpmsg_ip_name(uint8_t buf[static COMPAT_REPLY_MAX],
		     const struct ip_name_record *r);
