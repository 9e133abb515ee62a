/*
 * HPACK (RFC 7541): header blocks of HTTP/2 made fields again, by libnghttp2's
 * inflater, with a fixed number of them in fixed memory. A decoder is a side's of
 * a connection, since its table lives as long as that; it is a number (handle),
 * 0 is none. One worker's thread; nothing is allocated after hpack_pool_new(),
 * and memory is touched when used.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

struct hpack_pool;

/* NULL: out of memory. */
struct hpack_pool *hpack_pool_new(void);
/* NULL is accepted. */
void hpack_pool_free(struct hpack_pool *p);

/* 0: all decoders are in use. */
uint32_t hpack_begin(struct hpack_pool *p);
/* handle: 0, or from hpack_begin(); not to be used any more. */
void hpack_end(struct hpack_pool *p, uint32_t handle);

enum hpack_outcome {
	HPACK_ON,
	HPACK_BROKEN, /* it is not what it should be: nothing can be read on */
	HPACK_LARGE,  /* it needs more memory than there is: likewise */
};

/*
 * A part of a header block; last: its end. Its fields are written behind what is
 * in *list, for hpack_take(), as long as there is room: then it is full.
 */
enum hpack_outcome hpack_some(struct hpack_pool *p, uint32_t handle,
			      struct bytes part, bool last,
			      struct outbytes *list);

struct hpack_field {
	struct bytes name, value; /* of the list */
};

/* The next field of a list; false: there is none. */
bool hpack_take(struct bytes *list, struct hpack_field *ret);
