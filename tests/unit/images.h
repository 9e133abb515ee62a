/*
 * Images of what a test hands over to another object: counted, written, read.
 *
 *	IMAGES_OF(&i, x_save, x);
 *	... x_load(next, &i.r) ...
 *	free(i.memory);
 */
#pragma once

#include "base/image.h"
#include "seed.h"
#include "test.h"

#include <stdlib.h>

struct images {
	uint8_t *memory; /* exactly as long as it is, so that ASan sees more */
	size_t len;
	struct image_writer w;
	struct image_reader r;
};

static inline void images_count(struct images *i)
{
	image_write(&i->w, NULL, 0);
}

static inline void images_write(struct images *i)
{
	i->len = i->w.len;
	i->memory = calloc(1, i->len);
	assert_non_null(i->memory);
	image_write(&i->w, i->memory, i->len);
}

static inline void images_read(struct images *i)
{
	assert_int_equal(image_written(&i->w), 0);
	assert_int_equal(i->w.len, i->len);
	assert_int_equal(image_read(&i->r, i->memory, i->len), 0);
}

#define IMAGES_OF(i, save, x)         \
	do {                          \
		images_count(i);      \
		(save)((x), &(i)->w); \
		images_write(i);      \
		(save)((x), &(i)->w); \
		images_read(i);       \
	} while (0)

#define IMAGES_SPOILT 4

/* Bits of an image that were turned around, to be turned back. */
struct images_spoilt {
	size_t bits[IMAGES_SPOILT];
	unsigned n;
};

static inline void images_turn(struct images *i, const struct images_spoilt *s)
{
	for (unsigned k = 0; k < s->n; k++)
		i->memory[s->bits[k] / 8] ^= (uint8_t)(1 << s->bits[k] % 8);
}

/* A few of them, anywhere, but most where the heads are. */
static inline struct images_spoilt images_spoil(struct images *i,
						uint64_t *random)
{
	struct images_spoilt s = { .n = 1 + seed_draw(random, IMAGES_SPOILT) };

	for (unsigned k = 0; k < s.n; k++)
		s.bits[k] =
			seed_draw(random, i->len > 2048 && seed_draw(random, 3)
						  ? 8 * 2048
						  : (uint32_t)(8 * i->len));
	images_turn(i, &s);
	return s;
}
