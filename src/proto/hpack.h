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
#include "base/image.h"

struct hpack_pool;

/* NULL: out of memory. */
struct hpack_pool *hpack_pool_new(void);
/* Fewer than HPACK_DECODERS_MAX, before the first; one more finds no place. */
void hpack_pool_limit(struct hpack_pool *p, uint32_t decoders);
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

/*
 * A whole header block, by a decoder that was begun later than the connection: it
 * knows of the table what was added since. Fields that need more are left out,
 * and *unknown is set.
 */
enum hpack_outcome hpack_late(struct hpack_pool *p, uint32_t handle,
			      struct bytes block, struct outbytes *list,
			      bool *unknown);

/* Decoders and their tables; between two header blocks. */
void hpack_pool_save(struct hpack_pool *p, const char *of,
		     struct image_writer *w);
/*
 * Into a pool that had none yet: they decode what follows alike. false: they are
 * not there, or cannot be these; hpack_pool_reset() is to be called.
 */
bool hpack_pool_load(struct hpack_pool *p, const char *of,
		     const struct image_reader *r);
/* Somebody has that one, of those that were loaded. false: nobody can. */
bool hpack_adopt(struct hpack_pool *p, uint32_t handle);
/* All are adopted that will be; the others end. */
void hpack_pool_settle(struct hpack_pool *p);
/* As new. */
void hpack_pool_reset(struct hpack_pool *p);

/* Entries of the table that are always there. */
#define HPACK_STATIC 61u

/* One field of a header block, or a size of the table. Borrows. */
struct hpack_part {
	struct bytes bytes; /* all of it */
	struct bytes value; /* of that, a literal's with its length ahead */
	uint32_t index;	    /* of the field, or its name; 0: not in the table */
	bool of_table;	    /* the whole field is */
	bool adds;	    /* to the table */
};

/* hpack_part.c: pure. false: it is none, or not there whole. */
bool hpack_take_part(struct bytes *b, struct hpack_part *ret);
/* Is it such parts to its end, of a table of so many entries at most? */
bool hpack_is_block(struct bytes b, uint32_t entries);

struct hpack_field {
	struct bytes name, value; /* of the list */
};

/* The next field of a list; false: there is none. */
bool hpack_take(struct bytes *list, struct hpack_field *ret);
