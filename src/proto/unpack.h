/*
 * Undoes gzip, deflate and brotli, with a fixed number of decoders in fixed
 * memory. A decoder is a number (handle), 0 is none. One thread owns a pool;
 * nothing is allocated after unpack_pool_new(), and memory is touched when used.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/image.h"
#include "proto/http_coding.h"

struct unpack_pool;

/* NULL: out of memory. */
struct unpack_pool *unpack_pool_new(void);
/* Fewer than INFLATERS_MAX, BROTLIS_MAX, before the first. */
void unpack_pool_limit(struct unpack_pool *p, uint32_t inflaters,
		       uint32_t brotlis);
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
 * Decoders, for another process. Only one that has not begun with its stream can
 * go on there, see unpack.c: of the others what follows is LARGE.
 */
void unpack_pool_save(const struct unpack_pool *p, const char *of,
		      struct image_writer *w);
/*
 * Into a pool that had none yet; *ret_cut: how many cannot go on. false: they are
 * not there, or cannot be these; unpack_pool_reset() is to be called.
 */
bool unpack_pool_load(struct unpack_pool *p, const char *of,
		      const struct image_reader *r, uint64_t *ret_cut);
/* Somebody has that one, of those that were loaded. false: nobody can. */
bool unpack_adopt(struct unpack_pool *p, uint32_t handle);
/* All are adopted that will be; the others end. */
void unpack_pool_settle(struct unpack_pool *p);
/* As new. */
void unpack_pool_reset(struct unpack_pool *p);

/*
 * Of a decoder that was BROKEN before it wrote anything: what it has taken of
 * earlier *in, so that nothing is lost where a body is not packed at all.
 */
struct bytes unpack_held(const struct unpack_pool *p, uint32_t handle);
