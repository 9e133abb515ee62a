/* What the writers of dpmsg.c and dpmsg_notify.c share. */
#pragma once

#include "base/addr.h"
#include "base/bug.h"
#include "base/bytes.h"
#include "wire/dpmsg.h"

static inline void put_sat16(struct outbytes *o, uint64_t v)
{
	put_be16(o, v > UINT16_MAX ? UINT16_MAX : (uint16_t)v);
}

static inline void put_sat32(struct outbytes *o, uint64_t v)
{
	put_be32(o, v > UINT32_MAX ? UINT32_MAX : (uint32_t)v);
}

/* 16 bytes, an IPv4 address in the first four, the rest zero. */
static inline void put_ip(struct outbytes *o, struct ip_addr a)
{
	if (ip_is_v4(a)) {
		put_be32(o, ip_to_v4(a));
		put_zero(o, 12);
	} else {
		put_copy(o, a.b, 16);
	}
}

/* A text in a field of `room` bytes, cut so that a NUL ends it. */
static inline void put_text(struct outbytes *o, const char *text, size_t room)
{
	size_t len = strnlen(text, room - 1);

	put_copy(o, text, len);
	put_zero(o, room - len);
}

static inline struct outbytes dpmsg_start(uint8_t *buf, enum dpmsg_kind kind,
					  bool more)
{
	struct outbytes o = outbytes_of(buf, COMPAT_REPLY_MAX);

	put_u8(&o, (uint8_t)kind);
	put_u8(&o, more);
	put_be16(&o, 0); /* the length, known at the end */
	return o;
}

static inline size_t dpmsg_finish(struct outbytes *o)
{
	size_t len = outbytes_len(o);
	struct outbytes length = outbytes_of(o->begin + 2, 2);

	BUG_ON(o->full);
	put_be16(&length, (uint16_t)len);
	return len;
}
