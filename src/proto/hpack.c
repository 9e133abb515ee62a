/*
 * Theory. A decoder's table says what the numbers of the next header block mean,
 * so each block must be decoded, in order and whole, also one that nobody wants.
 * All that the library takes lies in the decoder's arena, and is forgotten with
 * it.
 *
 * What the table may grow to is what its reader has said in
 * SETTINGS_HEADER_TABLE_SIZE, at a time that cannot be told exactly from outside.
 * It need not be: whoever encodes says in a block which size it takes from there
 * on (RFC 7541 6.3), so any size up to HPACK_TABLE_MAX is followed. One that the
 * reader did not allow ends the connection there.
 *
 * A connection that is met in its middle has a table that we do not know. What is
 * added from there on stands before what was there, so its numbers are known; a
 * number behind them is not. Whatever the table's size is by then, that holds: an
 * entry that the other side has lost is not named any more, and of those that we
 * have lost the numbers are too high (hpack_late()).
 */
#include "proto/hpack.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/bug.h"
#include "proto/hpack_own.h"

#define MEMORY ((size_t)HPACK_DECODERS_MAX * HPACK_ARENA_BYTES)

struct hpack_pool *hpack_pool_new(void)
{
	struct hpack_pool *p = calloc(1, sizeof *p);
	void *memory;

	if (!p)
		return NULL;
	/* pages that the kernel gives when they are touched */
	memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED) {
		free(p);
		return NULL;
	}
	p->memory = memory;
	p->limit = HPACK_DECODERS_MAX;
	return p;
}

void hpack_pool_limit(struct hpack_pool *p, uint32_t decoders)
{
	BUG_ON(decoders < 1 || decoders > HPACK_DECODERS_MAX ||
	       p->used_ever > 0);
	p->limit = decoders;
}

void hpack_pool_free(struct hpack_pool *p)
{
	if (!p)
		return;
	(void)munmap(p->memory, MEMORY); /* it was ours */
	free(p);
}

/* --- memory for the library ------------------------------------------- */

static void *take(size_t len, void *arg)
{
	return arena_take(arg, len);
}

static void *take_cleared(size_t n, size_t size, void *arg)
{
	void *p;

	if (size && n > HPACK_ARENA_BYTES / size)
		return NULL;
	p = arena_take(arg, n * size);
	if (p)
		memset(p, 0, n * size);
	return p;
}

static void give(void *p, void *arg)
{
	arena_give(arg, p);
}

/* The inflater takes none anew; what it cannot have is an error to it. */
static void *take_anew(void *p, size_t len, void *arg)
{
	return NULL;
}

/* --- decoding --------------------------------------------------------- */

static struct hpack_place *get(struct hpack_pool *p, uint32_t handle)
{
	BUG_ON(handle == 0 || handle > p->used_ever ||
	       !hpack_place(p, handle)->used);
	return hpack_place(p, handle);
}

void hpack_begin_at(struct hpack_place *at)
{
	at->used = true;
	at->adopted = false;
	at->over = HPACK_ON;
	at->arena = (struct arena){
		.begin = (uint8_t *)at + sizeof *at,
		.size = HPACK_ARENA_BYTES - sizeof *at,
	};
	arena_reset(&at->arena);
	at->functions = (nghttp2_mem){ &at->arena, take, give, take_cleared,
				       take_anew };
	/* some KB of an empty arena */
	BUG_ON(nghttp2_hd_inflate_new2(&at->inflater, &at->functions) != 0);
	BUG_ON(nghttp2_hd_inflate_change_table_size(at->inflater,
						    HPACK_TABLE_MAX) != 0);
}

uint32_t hpack_begin(struct hpack_pool *p)
{
	uint32_t handle = p->free;
	struct hpack_place *at;

	if (handle == 0 && p->used_ever == p->limit)
		return 0;
	if (handle == 0)
		handle = ++p->used_ever;
	at = hpack_place(p, handle);
	if (handle == p->free)
		p->free = at->next_free;
	hpack_begin_at(at);
	return handle;
}

void hpack_end(struct hpack_pool *p, uint32_t handle)
{
	struct hpack_place *at;

	if (handle == 0)
		return;
	/* what the library has lies in the arena, and is forgotten with it */
	at = get(p, handle);
	at->used = false;
	at->next_free = p->free;
	p->free = handle;
}

/* Whole, or not at all. */
static void put_field(struct outbytes *list, const nghttp2_nv *nv)
{
	list->full |= (size_t)(list->end - list->at) <
		      2 * sizeof(uint32_t) + nv->namelen + nv->valuelen;
	put_be32(list, (uint32_t)nv->namelen);
	put_be32(list, (uint32_t)nv->valuelen);
	put_copy(list, nv->name, nv->namelen);
	put_copy(list, nv->value, nv->valuelen);
}

static enum hpack_outcome inflate(struct hpack_place *at, struct bytes part,
				  bool last, struct outbytes *list)
{
	int flags;
	nghttp2_nv nv;
	ssize_t n;

	do {
		flags = 0;
		n = nghttp2_hd_inflate_hd2(at->inflater, &nv, &flags,
					   part.begin, bytes_len(part), last);
		if (n == NGHTTP2_ERR_NOMEM)
			return HPACK_LARGE;
		if (n < 0 || !take_skip(&part, (size_t)n))
			return HPACK_BROKEN;
		if (flags & NGHTTP2_HD_INFLATE_EMIT)
			put_field(list, &nv);
	} while (!(flags & NGHTTP2_HD_INFLATE_FINAL) &&
		 (flags & NGHTTP2_HD_INFLATE_EMIT || bytes_len(part) > 0));
	if (last)
		(void)nghttp2_hd_inflate_end_headers(at->inflater); /* is 0 */
	return HPACK_ON;
}

enum hpack_outcome hpack_some(struct hpack_pool *p, uint32_t handle,
			      struct bytes part, bool last,
			      struct outbytes *list)
{
	struct hpack_place *at = get(p, handle);

	if (at->over == HPACK_ON)
		at->over = (uint8_t)inflate(at, part, last, list);
	return (enum hpack_outcome)at->over;
}

/* What was put behind `at` goes again if it has no name; true: it had none. */
static bool drop_nameless(struct outbytes *list, uint8_t *at)
{
	struct bytes put = bytes_of(at, (size_t)(list->at - at));
	struct hpack_field f;

	if (!hpack_take(&put, &f) || bytes_len(f.name) > 0)
		return false;
	list->at = at;
	return true;
}

/*
 * An entry of the table whose name is not known is kept in its place, without a
 * name, so that those before it keep theirs.
 */
enum hpack_outcome hpack_late(struct hpack_pool *p, uint32_t handle,
			      struct bytes block, struct outbytes *list,
			      bool *unknown)
{
	static const uint8_t nameless[] = { 0x40, 0 };
	nghttp2_hd_inflater *inflater = get(p, handle)->inflater;
	enum hpack_outcome o = HPACK_ON;
	struct hpack_part part;

	*unknown = false;
	while (o == HPACK_ON && bytes_len(block) > 0) {
		uint8_t *at = list->at;
		bool known;

		if (!hpack_take_part(&block, &part))
			return HPACK_BROKEN;
		known = part.index <=
			nghttp2_hd_inflate_get_num_table_entries(inflater);
		*unknown |= !known;
		if (!known && !part.adds)
			continue;
		if (!known)
			o = hpack_some(p, handle, bytes_of(nameless, 2), false,
				       list);
		if (o == HPACK_ON)
			o = hpack_some(p, handle,
				       known ? part.bytes : part.value, false,
				       list);
		*unknown |= drop_nameless(list, at);
	}
	if (o != HPACK_ON)
		return o;
	return hpack_some(p, handle, bytes_of("", 0), true, list);
}

bool hpack_take(struct bytes *list, struct hpack_field *ret)
{
	uint32_t name, value;

	return take_be32(list, &name) && take_be32(list, &value) &&
	       take_bytes(list, name, &ret->name) &&
	       take_bytes(list, value, &ret->value);
}
