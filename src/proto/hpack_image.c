/*
 * Theory. What a decoder knows is its table: fields, oldest first, and what they
 * may come to. A new decoder learns the same from a header block that adds them
 * one by one. A name that is in the table already is named by its number, as the
 * sender may have done, so that the new table takes no more memory than the old
 * one did.
 */
#include <string.h>

#include "base/bug.h"
#include "proto/hpack_own.h"

struct saved_decoder {
	uint32_t handle;
	uint32_t table_max;
	uint32_t n_fields;
	uint32_t over; /* enum hpack_outcome */
};
IMAGE_PART(saved_decoders, "hpack", struct saved_decoder, 1);
/* Fields as hpack_take() has them, of one decoder after the other. */
IMAGE_PART(saved_fields, "hpack-fields", uint8_t, 1);

/* --- saving --------------------------------------------------------------- */

/* The n-th of what was added to the table, the latest is 1. */
static const nghttp2_nv *field_at(nghttp2_hd_inflater *inflater, size_t n)
{
	return nghttp2_hd_inflate_get_table_entry(inflater, HPACK_STATIC + n);
}

static size_t n_fields(nghttp2_hd_inflater *inflater)
{
	return nghttp2_hd_inflate_get_num_table_entries(inflater) -
	       HPACK_STATIC;
}

static size_t fields_len(nghttp2_hd_inflater *inflater)
{
	size_t len = 0;

	for (size_t n = n_fields(inflater); n > 0; n--) {
		const nghttp2_nv *nv = field_at(inflater, n);

		len += 2 * sizeof(uint32_t) + nv->namelen + nv->valuelen;
	}
	return len;
}

static void put_fields(struct outbytes *out, nghttp2_hd_inflater *inflater)
{
	for (size_t n = n_fields(inflater); n > 0; n--) {
		const nghttp2_nv *nv = field_at(inflater, n);

		put_be32(out, (uint32_t)nv->namelen);
		put_be32(out, (uint32_t)nv->valuelen);
		put_copy(out, nv->name, nv->namelen);
		put_copy(out, nv->value, nv->valuelen);
	}
}

void hpack_pool_save(struct hpack_pool *p, const char *of,
		     struct image_writer *w)
{
	uint64_t n = 0, len = 0;
	struct saved_decoder *to;
	struct outbytes out;
	uint8_t *bytes;

	for (uint32_t i = 1; i <= p->used_ever; i++)
		if (hpack_place(p, i)->used) {
			n++;
			len += fields_len(hpack_place(p, i)->inflater);
		}
	to = image_room(w, of, &saved_decoders, n);
	bytes = image_room(w, of, &saved_fields, len);
	if (!bytes) /* the last one: there is room for all, or only counted */
		return;
	out = outbytes_of(bytes, len);
	for (uint32_t i = 1; i <= p->used_ever; i++) {
		const struct hpack_place *at = hpack_place(p, i);

		if (!at->used)
			continue;
		*to++ = (struct saved_decoder){
			.handle = i,
			.table_max = (uint32_t)
				nghttp2_hd_inflate_get_max_dynamic_table_size(
					at->inflater),
			.n_fields = (uint32_t)n_fields(at->inflater),
			.over = at->over,
		};
		put_fields(&out, at->inflater);
	}
	BUG_ON(out.full);
}

/* --- loading -------------------------------------------------------------- */

/* RFC 7541 5.1: behind `first`, whose last bits it begins in. */
static void put_number(struct outbytes *out, uint8_t first, unsigned bits,
		       size_t n)
{
	size_t most = ((size_t)1 << bits) - 1;

	put_u8(out, (uint8_t)(first | (n < most ? n : most)));
	if (n < most)
		return;
	for (n -= most; n >= 0x80; n >>= 7)
		put_u8(out, (uint8_t)(0x80 | (n & 0x7f)));
	put_u8(out, (uint8_t)n);
}

/* Which entry of the table has that name; 0: none. */
static size_t name_at(nghttp2_hd_inflater *inflater, struct bytes name)
{
	size_t n = nghttp2_hd_inflate_get_num_table_entries(inflater);

	for (size_t i = 1; i <= n; i++) {
		const nghttp2_nv *nv =
			nghttp2_hd_inflate_get_table_entry(inflater, i);

		if (nv->namelen == bytes_len(name) &&
		    memcmp(nv->name, name.begin, nv->namelen) == 0)
			return i;
	}
	return 0;
}

/* A text as it is: its length, and the bytes. */
static void put_text(struct outbytes *out, struct bytes b)
{
	put_number(out, 0, 7, bytes_len(b));
	put_copy(out, b.begin, bytes_len(b));
}

/* What the new decoder is told; false: it does not understand that. */
static bool tell(struct hpack_pool *p, uint32_t handle, struct outbytes *out,
		 bool last)
{
	uint8_t none[1];
	struct outbytes list = outbytes_of(none, 0); /* nobody hears of it */
	struct bytes part = bytes_of(out->begin, outbytes_len(out));

	return !out->full &&
	       hpack_some(p, handle, part, last, &list) != HPACK_BROKEN;
}

static bool load_fields(struct hpack_pool *p, const struct saved_decoder *s,
			struct bytes *fields)
{
	/* a name and a value of the table's size at most, and their numbers */
	uint8_t room[HPACK_TABLE_MAX + 16];
	struct outbytes out = outbytes_of(room, sizeof room);
	const struct hpack_place *at = hpack_place(p, s->handle);
	struct hpack_field f;

	put_number(&out, 0x20, 5, s->table_max);
	if (!tell(p, s->handle, &out, false))
		return false;
	for (uint32_t n = s->n_fields; n > 0; n--) {
		size_t index;

		if (!hpack_take(fields, &f))
			return false;
		index = name_at(at->inflater, f.name);
		out = outbytes_of(room, sizeof room);
		put_number(&out, 0x40, 6, index);
		if (!index)
			put_text(&out, f.name);
		put_text(&out, f.value);
		if (!tell(p, s->handle, &out, false))
			return false;
	}
	out = outbytes_of(room, sizeof room);
	return tell(p, s->handle, &out, true) &&
	       (at->over != HPACK_ON || n_fields(at->inflater) == s->n_fields);
}

/* They come in the order of their handles. */
static bool load_decoder(struct hpack_pool *p, const struct saved_decoder *s,
			 struct bytes *fields)
{
	if (s->handle <= p->used_ever || s->handle > p->limit ||
	    s->table_max > HPACK_TABLE_MAX || s->over > HPACK_LARGE ||
	    s->n_fields > HPACK_ENTRIES_MAX)
		return false;
	while (p->used_ever + 1 < s->handle) {
		struct hpack_place *at = hpack_place(p, ++p->used_ever);

		at->used = false;
		at->next_free = p->free;
		p->free = p->used_ever;
	}
	hpack_begin_at(hpack_place(p, ++p->used_ever));
	if (!load_fields(p, s, fields))
		return false;
	if (s->over != HPACK_ON)
		hpack_place(p, s->handle)->over = (uint8_t)s->over;
	return true;
}

bool hpack_pool_load(struct hpack_pool *p, const char *of,
		     const struct image_reader *r)
{
	uint64_t n, len;
	const struct saved_decoder *s = image_get(r, of, &saved_decoders, &n);
	const uint8_t *bytes = image_get(r, of, &saved_fields, &len);
	struct bytes fields;

	BUG_ON(p->used_ever > 0);
	if (!s || !bytes)
		return false;
	fields = bytes_of(bytes, len);
	for (uint64_t i = 0; i < n; i++) {
		struct saved_decoder one = s[i];

		if (!load_decoder(p, &one, &fields))
			return false;
	}
	return bytes_len(fields) == 0;
}

bool hpack_adopt(struct hpack_pool *p, uint32_t handle)
{
	struct hpack_place *at;

	if (handle == 0)
		return true;
	if (handle > p->used_ever)
		return false;
	at = hpack_place(p, handle);
	if (!at->used || at->adopted)
		return false;
	at->adopted = true;
	return true;
}

void hpack_pool_settle(struct hpack_pool *p)
{
	for (uint32_t i = 1; i <= p->used_ever; i++)
		if (hpack_place(p, i)->used && !hpack_place(p, i)->adopted)
			hpack_end(p, i);
}

void hpack_pool_reset(struct hpack_pool *p)
{
	p->used_ever = p->free = 0;
}
