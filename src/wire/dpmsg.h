/*
 * The compatible door's binary datagrams (reference 1.3, 1.4, 1.9): a 4-byte
 * header - kind, more, length - and a body, all big-endian. Each writer makes
 * one whole datagram of at most COMPAT_REPLY_MAX bytes and returns its length.
 *
 *    0      1      2        4
 *   +------+------+--------+------------------+
 *   | kind | more | length | body ...         |
 *   +------+------+--------+------------------+
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "wire/session.h"

enum dpmsg_kind {
	DPMSG_SESSION_LIST = 2,
	DPMSG_SESSION_COUNT = 3,
	DPMSG_KEEP_ALIVE = 10,
};

struct session_count {
	uint32_t all, tcp, udp, icmp, ip;
};

size_t dpmsg_keep_alive(uint8_t buf[static COMPAT_REPLY_MAX], uint32_t seq);
size_t dpmsg_session_count(uint8_t buf[static COMPAT_REPLY_MAX],
			   const struct session_count *c);
/*
 * n is 0..SESSIONS_PER_MSG. The list ends with a datagram of n = 0 and
 * more = false. Counters wider than the field stay at its maximum.
 */
size_t dpmsg_session_list(uint8_t buf[static COMPAT_REPLY_MAX],
			  const struct session_record *s, size_t n, bool more);
