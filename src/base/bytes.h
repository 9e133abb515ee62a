/*
 * The one way to read bytes that came from outside, and to write bytes that go
 * there.
 *
 * `struct bytes` is a cursor over memory somebody else owns: it never holds a
 * pointer apart from its end, so a reader cannot run past it. Each take_*
 * either moves the cursor and succeeds, or leaves both the cursor and *ret
 * untouched and returns false. `struct outbytes` is the mirror for writing; it
 * remembers an overflow (`full`) so that a writer checks once, at the end.
 *
 * Multi-byte integers are in network byte order in memory (take_be*, put_be*),
 * with some databases the other way round (take_le*), and in host order in the
 * caller's variables: the byte order is changed here, once.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Borrowed memory [begin, end); begin <= end, both NULL means empty. */
struct bytes {
	const uint8_t *begin;
	const uint8_t *end;
};

static inline struct bytes bytes_of(const void *begin, size_t len)
{
	const uint8_t *p = begin;

	return (struct bytes){ p, p ? p + len : p };
}

static inline size_t bytes_len(struct bytes b)
{
	return (size_t)(b.end - b.begin);
}

static inline bool take_skip(struct bytes *b, size_t len)
{
	if (bytes_len(*b) < len)
		return false;
	b->begin += len;
	return true;
}

/* *ret borrows from the same memory as *b. */
static inline bool take_bytes(struct bytes *b, size_t len, struct bytes *ret)
{
	if (bytes_len(*b) < len)
		return false;
	*ret = (struct bytes){ b->begin, b->begin + len };
	b->begin += len;
	return true;
}

/* Copies len bytes to dst. */
static inline bool take_copy(struct bytes *b, void *dst, size_t len)
{
	if (bytes_len(*b) < len)
		return false;
	memcpy(dst, b->begin, len);
	b->begin += len;
	return true;
}

static inline bool take_u8(struct bytes *b, uint8_t *ret)
{
	return take_copy(b, ret, 1);
}

static inline bool take_be16(struct bytes *b, uint16_t *ret)
{
	if (bytes_len(*b) < 2)
		return false;
	*ret = (uint16_t)(b->begin[0] << 8 | b->begin[1]);
	b->begin += 2;
	return true;
}

static inline bool take_be32(struct bytes *b, uint32_t *ret)
{
	if (bytes_len(*b) < 4)
		return false;
	*ret = (uint32_t)b->begin[0] << 24 | (uint32_t)b->begin[1] << 16 |
	       (uint32_t)b->begin[2] << 8 | b->begin[3];
	b->begin += 4;
	return true;
}

static inline bool take_be64(struct bytes *b, uint64_t *ret)
{
	uint64_t n = 0;

	if (bytes_len(*b) < 8)
		return false;
	for (int i = 0; i < 8; i++)
		n = n << 8 | *b->begin++;
	*ret = n;
	return true;
}

static inline bool take_le16(struct bytes *b, uint16_t *ret)
{
	if (bytes_len(*b) < 2)
		return false;
	*ret = (uint16_t)(b->begin[1] << 8 | b->begin[0]);
	b->begin += 2;
	return true;
}

static inline bool take_le32(struct bytes *b, uint32_t *ret)
{
	if (bytes_len(*b) < 4)
		return false;
	*ret = (uint32_t)b->begin[3] << 24 | (uint32_t)b->begin[2] << 16 |
	       (uint32_t)b->begin[1] << 8 | b->begin[0];
	b->begin += 4;
	return true;
}

/* Writes into [begin, end); at is the next free byte. */
struct outbytes {
	uint8_t *begin;
	uint8_t *at;
	uint8_t *end;
	bool full; /* a put did not fit; nothing after it was written */
};

static inline struct outbytes outbytes_of(void *begin, size_t len)
{
	uint8_t *p = begin;

	return (struct outbytes){ p, p, p + len, false };
}

static inline size_t outbytes_len(const struct outbytes *o)
{
	return (size_t)(o->at - o->begin);
}

static inline void put_copy(struct outbytes *o, const void *src, size_t len)
{
	if (o->full || (size_t)(o->end - o->at) < len) {
		o->full = true;
		return;
	}
	memcpy(o->at, src, len);
	o->at += len;
}

static inline void put_zero(struct outbytes *o, size_t len)
{
	if (o->full || (size_t)(o->end - o->at) < len) {
		o->full = true;
		return;
	}
	memset(o->at, 0, len);
	o->at += len;
}

static inline void put_u8(struct outbytes *o, uint8_t v)
{
	put_copy(o, &v, 1);
}

static inline void put_be16(struct outbytes *o, uint16_t v)
{
	put_copy(o, (uint8_t[]){ (uint8_t)(v >> 8), (uint8_t)v }, 2);
}

static inline void put_be32(struct outbytes *o, uint32_t v)
{
	put_copy(o,
		 (uint8_t[]){ (uint8_t)(v >> 24), (uint8_t)(v >> 16),
			      (uint8_t)(v >> 8), (uint8_t)v },
		 4);
}

static inline void put_be64(struct outbytes *o, uint64_t v)
{
	put_be32(o, (uint32_t)(v >> 32));
	put_be32(o, (uint32_t)v);
}
