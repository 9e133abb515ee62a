/*
 * Theory. A head, then parts, each a struct record and its bytes, padded to
 * ALIGN. A record says how long it is, so the reader goes from one to the next
 * without knowing what it passes; an image has some dozens of them.
 *
 * Invariant of a reader: every offset is held against the length anew each time,
 * since the writer may still change the bytes; a record is copied before it is
 * looked at.
 */
#include "base/image.h"

#include <errno.h>
#include <string.h>

#include "base/bug.h"

#define ALIGN 64

static const char magic[8] = "weirimg";

struct head {
	char magic[8];
	uint64_t len; /* of all; 0: it was not finished */
	uint8_t reserved[48];
};

struct record {
	char of[IMAGE_NAME_MAX], name[IMAGE_NAME_MAX];
	uint32_t version, size;
	uint64_t n;
	uint64_t bytes; /* size * n, padded */
	uint8_t reserved[8];
};
_Static_assert(sizeof(struct head) == ALIGN && sizeof(struct record) == ALIGN,
	       "what follows is aligned");

static uint64_t padded(uint64_t len)
{
	return (len + ALIGN - 1) & ~(uint64_t)(ALIGN - 1);
}

static void write_head(struct image_writer *w)
{
	struct head h = { .len = w->len };

	memcpy(h.magic, magic, sizeof h.magic);
	if (w->base && w->len <= w->size)
		memcpy(w->base, &h, sizeof h);
}

void image_write(struct image_writer *w, void *base, size_t size)
{
	*w = (struct image_writer){ base, size, sizeof(struct head) };
	write_head(w);
}

void *image_room(struct image_writer *w, const char *of,
		 const struct image_part *part, uint64_t n)
{
	struct record rec = { .version = part->version,
			      .size = part->size,
			      .n = n,
			      .bytes = padded(part->size * n) };
	size_t begin = w->len;

	BUG_ON(strlen(of) >= sizeof rec.of || n > SIZE_MAX / 2 / part->size);
	w->len += sizeof rec + rec.bytes;
	if (!w->base || w->len > w->size)
		return NULL;
	memcpy(rec.of, of, strlen(of));
	memcpy(rec.name, part->name, sizeof rec.name);
	memcpy(w->base + begin, &rec, sizeof rec);
	write_head(w);
	return w->base + begin + sizeof rec;
}

void image_put(struct image_writer *w, const char *of,
	       const struct image_part *part, const void *at, uint64_t n)
{
	void *to = image_room(w, of, part, n);

	if (to && n > 0)
		memcpy(to, at, part->size * n);
}

int image_written(const struct image_writer *w)
{
	return w->len <= w->size ? 0 : -ENOSPC;
}

int image_read(struct image_reader *r, const void *base, size_t len)
{
	struct head h;

	if (len < sizeof h)
		return -EINVAL;
	memcpy(&h, base, sizeof h);
	if (memcmp(h.magic, magic, sizeof h.magic) != 0 || h.len < sizeof h ||
	    h.len > len)
		return -EINVAL;
	*r = (struct image_reader){ base, h.len };
	return 0;
}

static bool is_it(const struct record *rec, const char *of,
		  const struct image_part *part)
{
	return strncmp(rec->of, of, sizeof rec->of) == 0 &&
	       strncmp(rec->name, part->name, sizeof rec->name) == 0;
}

const void *image_get(const struct image_reader *r, const char *of,
		      const struct image_part *part, uint64_t *ret_n)
{
	size_t at = sizeof(struct head);
	struct record rec;

	while (r->len - at >= sizeof rec) {
		memcpy(&rec, r->base + at, sizeof rec);
		at += sizeof rec;
		if (rec.bytes > r->len - at || rec.bytes % ALIGN != 0)
			return NULL;
		if (is_it(&rec, of, part)) {
			if (rec.version != part->version ||
			    rec.size != part->size ||
			    rec.n > rec.bytes / rec.size)
				return NULL;
			*ret_n = rec.n;
			return r->base + at;
		}
		at += rec.bytes;
	}
	return NULL;
}

bool image_take(const struct image_reader *r, const char *of,
		const struct image_part *part, void *at, uint64_t n)
{
	uint64_t there;
	const void *from = image_get(r, of, part, &there);

	if (!from || there != n)
		return false;
	if (n > 0)
		memcpy(at, from, part->size * n);
	return true;
}
