/*
 * Undoes gzip, deflate and brotli, with a fixed number of decoders in fixed
 * memory. A decoder is a number (handle), 0 is none. One thread owns a pool;
 * nothing is allocated after unpack_pool_new(), and memory is touched when used.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "proto/http_coding.h"

struct unpack_pool;

/* NULL: out of memory. */
struct unpack_pool *unpack_pool_new(void);
/* NULL is accepted. */
void unpack_pool_free(struct unpack_pool *p);

/* coding: one of those three. 0: all decoders for it are in use. */
uint32_t unpack_begin(struct unpack_pool *p, enum http_coding coding);
/* handle: 0, or from unpack_begin(); not to be used any more. */
void unpack_end(struct unpack_pool *p, uint32_t handle);

enum unpack_outcome {
	UNPACK_ON,     /* all of *in is read, or *out is full */
	UNPACK_OVER,   /* what follows does not belong to it */
	UNPACK_BROKEN, /* it is not what it should be */
	UNPACK_LARGE,  /* it needs more memory than there is */
};

/* Reads of *in, writes to *out, as much as there is, or has room. */
enum unpack_outcome unpack_some(struct unpack_pool *p, uint32_t handle,
				struct bytes *in, struct outbytes *out);
/*
 * Of a decoder that was BROKEN before it wrote anything: what it has taken of
 * earlier *in, so that nothing is lost where a body is not packed at all.
 */
struct bytes unpack_held(const struct unpack_pool *p, uint32_t handle);
