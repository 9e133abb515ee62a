/*
 * What one process knows, for another that goes on with it: an image in memory
 * that both can map (dp/handover.h has one of each worker). It is a list of
 * parts, each an array of plain structs as they lie in memory, found by name:
 *
 *   owner "flows"   part "places", version 2, 256 bytes each   n of them
 *   owner "flows"   part "head", ...
 *
 * A part that has another version or size than the reader knows is not there
 * for it: who changes a struct, or what its values mean, gives its part another
 * version (tests/lint/image.sh holds the structs' layouts against that). So an
 * owner takes all of its parts or none, and begins empty without them.
 *
 * Pointers mean nothing to the reader: an owner saves places or names in their
 * stead. The writer is a process of our own account, but may be an older one, or
 * one that was taken over: a reader checks what it goes by as if it came from
 * the wire. It copies a part before it looks at it; the writer may still hold
 * the memory.
 *
 * One thread each.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define IMAGE_NAME_MAX 16

struct image_part {
	char name[IMAGE_NAME_MAX]; /* with its NUL */
	uint32_t version;
	uint32_t size; /* of one */
};

/* An array of `type`, for one file; the linter reads this line. */
#define IMAGE_PART(id, part_name, type, part_version)                    \
	static const struct image_part id = { .name = (part_name),       \
					      .version = (part_version), \
					      .size = sizeof(type) }

struct image_writer {
	uint8_t *base; /* NULL: it only counts */
	size_t size;   /* of the memory */
	size_t len;    /* of the image; more than size: it did not fit */
};

/*
 * base: `size` zero bytes, aligned as malloc()'s, borrowed; or NULL: nothing is
 * written, and w->len tells how much it would be.
 */
void image_write(struct image_writer *w, void *base, size_t size);
/* n structs of that part; `of` is the owner, IMAGE_NAME_MAX - 1 bytes at most. */
void image_put(struct image_writer *w, const char *of,
	       const struct image_part *part, const void *at, uint64_t n);
/*
 * As image_put(), but where the caller writes them: n structs, aligned to 8 bytes,
 * zero. NULL: nothing is to be written.
 */
void *image_room(struct image_writer *w, const char *of,
		 const struct image_part *part, uint64_t n);
/* All is there: 0; -ENOSPC: the memory was too small. */
int image_written(const struct image_writer *w);

struct image_reader {
	const uint8_t *base;
	size_t len;
};

/* base: aligned likewise, borrowed. 0; -EINVAL: that is no image. */
int image_read(struct image_reader *r, const void *base, size_t len);
/*
 * How many structs that part has, and where they lie (aligned to 8 bytes); NULL:
 * it is not there as it is known here. *ret_n may be 0.
 */
const void *image_get(const struct image_reader *r, const char *of,
		      const struct image_part *part, uint64_t *ret_n);
/* As image_get() and copied to `at`; false, and nothing is: not exactly n. */
bool image_take(const struct image_reader *r, const char *of,
		const struct image_part *part, void *at, uint64_t n);

/*
 * Is that a bool? To be asked of each in what was copied from an image before it is
 * read as one.
 */
static inline bool image_is_bool(const bool *b)
{
	return *(const unsigned char *)b <= 1;
}
