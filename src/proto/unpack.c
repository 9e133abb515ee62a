/*
 * Theory. Each decoder is a library's (zlib, libbrotlidec), with all memory from
 * an arena that belongs to its place. zlib needs its state and a window of 32
 * KiB; brotli a window that its first bytes name, up to 16 MiB, of which we
 * allow BROTLI_ARENA_BYTES's worth.
 *
 * "deflate" is zlib's format by its definition, and raw deflate by what some
 * send; the first two bytes tell. "gzip" is sent where zlib's is meant, too, and
 * gzip bodies may be many in a row.
 *
 * A decoder in the middle of its stream cannot be handed to another process: the
 * libraries give out their windows at most, and their states are full of pointers.
 * What can is one that has written nothing yet, as far as what it has read is held,
 * and gzip's between two bodies. Another one is cut: it says from then on what one
 * says that has no memory, so the rest of that body is noted ("limit") and not told.
 */
#include "proto/unpack.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <brotli/decode.h>
#include <zlib.h>

#include "base/bug.h"
#include "base/limits.h"
#include "proto/arena.h"

#define MAGIC_LEN 2
#define HELD_MAX  16
#define MEMORY                                         \
	((size_t)INFLATERS_MAX * INFLATE_ARENA_BYTES + \
	 (size_t)BROTLIS_MAX * BROTLI_ARENA_BYTES)

struct place {
	struct arena arena;
	z_stream z;
	BrotliDecoderState *brotli; /* NULL: it is zlib's */
	uint32_t next_free;
	uint8_t coding; /* enum http_coding */
	bool used;
	bool begun;   /* its first bytes were right, as far as is known */
	bool over;    /* gzip: one body was, another may follow */
	bool cut;     /* what it had read did not come along */
	bool adopted; /* since it was loaded */
	uint8_t held_len;
	uint8_t held[HELD_MAX]; /* what was read before that */
};

struct unpack_pool {
	struct place places[INFLATERS_MAX + BROTLIS_MAX]; /* brotli's last */
	uint32_t free_inflaters, free_brotlis;		  /* + 1; 0: none */
	void *memory;					  /* MEMORY bytes */
	uint32_t inflaters,
		brotlis; /* those that are used, the first of each */
};

static struct place *get(struct unpack_pool *p, uint32_t handle)
{
	struct place *at = &p->places[handle - 1];

	BUG_ON(handle == 0 || handle > INFLATERS_MAX + BROTLIS_MAX ||
	       !at->used);
	return at;
}

/* Is it one of those that are used? i: 0 and up. */
static bool is_within(const struct unpack_pool *p, uint32_t i)
{
	return i < p->inflaters ||
	       (i >= INFLATERS_MAX && i - INFLATERS_MAX < p->brotlis);
}

static void make_free(struct unpack_pool *p)
{
	p->free_inflaters = p->free_brotlis = 0;
	for (uint32_t i = INFLATERS_MAX + BROTLIS_MAX; i > 0; i--) {
		uint32_t *first = i > INFLATERS_MAX ? &p->free_brotlis
						    : &p->free_inflaters;

		if (p->places[i - 1].used || !is_within(p, i - 1))
			continue;
		p->places[i - 1].next_free = *first;
		*first = i;
	}
}

struct unpack_pool *unpack_pool_new(void)
{
	struct unpack_pool *p = calloc(1, sizeof *p);
	uint8_t *at;

	if (!p)
		return NULL;
	/* pages that the kernel gives when they are touched */
	p->memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p->memory == MAP_FAILED) {
		free(p);
		return NULL;
	}
	at = p->memory;
	for (uint32_t i = 0; i < INFLATERS_MAX + BROTLIS_MAX; i++) {
		bool brotli = i >= INFLATERS_MAX;

		p->places[i].arena.begin = at;
		p->places[i].arena.size = brotli ? BROTLI_ARENA_BYTES
						 : INFLATE_ARENA_BYTES;
		at += p->places[i].arena.size;
	}
	p->inflaters = INFLATERS_MAX;
	p->brotlis = BROTLIS_MAX;
	make_free(p);
	return p;
}

void unpack_pool_limit(struct unpack_pool *p, uint32_t inflaters,
		       uint32_t brotlis)
{
	BUG_ON(inflaters < 1 || inflaters > INFLATERS_MAX || brotlis < 1 ||
	       brotlis > BROTLIS_MAX);
	p->inflaters = inflaters;
	p->brotlis = brotlis;
	make_free(p);
}

void unpack_pool_free(struct unpack_pool *p)
{
	if (!p)
		return;
	(void)munmap(p->memory, MEMORY); /* it was ours */
	free(p);
}

static void *take_for_brotli(void *arg, size_t len)
{
	return arena_take(arg, len);
}

static void give_back(void *arg, void *p)
{
	arena_give(arg, p);
}

static void *take_for_zlib(void *arg, unsigned n, unsigned size)
{
	return arena_take(arg, (size_t)n * size);
}

/* A new decoder lies there. */
static void begin_at(struct place *at, enum http_coding coding)
{
	*at = (struct place){ .arena = at->arena,
			      .coding = (uint8_t)coding,
			      .used = true };
	arena_reset(&at->arena);
	if (coding != HTTP_CODING_BROTLI)
		return;
	at->brotli = BrotliDecoderCreateInstance(take_for_brotli, give_back,
						 &at->arena);
	BUG_ON(!at->brotli); /* some KB of an empty arena */
}

uint32_t unpack_begin(struct unpack_pool *p, enum http_coding coding)
{
	bool brotli = coding == HTTP_CODING_BROTLI;
	uint32_t *first = brotli ? &p->free_brotlis : &p->free_inflaters;
	uint32_t handle = *first;
	struct place *at;

	BUG_ON(coding >= HTTP_CODING_IDENTITY);
	if (handle == 0)
		return 0;
	at = &p->places[handle - 1];
	*first = at->next_free;
	begin_at(at, coding);
	return handle;
}

void unpack_end(struct unpack_pool *p, uint32_t handle)
{
	struct place *at;
	uint32_t *first;

	if (handle == 0)
		return;
	/* what the library has lies in the arena, and is forgotten with it */
	at = get(p, handle);
	first = at->brotli ? &p->free_brotlis : &p->free_inflaters;
	at->used = false;
	at->next_free = *first;
	*first = handle;
}

struct bytes unpack_held(const struct unpack_pool *p, uint32_t handle)
{
	const struct place *at = &p->places[handle - 1];

	return bytes_of(at->held, at->begun ? 0 : at->held_len);
}

/* zlib's windowBits for what begins so; 0: nothing that was announced. */
static int format_of(const struct place *at)
{
	unsigned first = at->held[0], both = first << 8 | at->held[1];

	if (at->coding == HTTP_CODING_GZIP && both == 0x1f8b)
		return MAX_WBITS + 16;
	if ((first & 15) == Z_DEFLATED && first >> 4 <= 7 && both % 31 == 0)
		return MAX_WBITS;
	return at->coding == HTTP_CODING_DEFLATE ? -MAX_WBITS : 0;
}

/* UNPACK_OVER: the stream; more of them may follow. */
static enum unpack_outcome run_zlib(struct place *at, struct bytes *in,
				    struct outbytes *out)
{
	size_t len = bytes_len(*in), room = (size_t)(out->end - out->at);
	int r;

	if (len > UINT32_MAX)
		len = UINT32_MAX;
	/* next_in is not const in zlib.h; it does not write there */
	at->z.next_in = (uint8_t *)(uintptr_t)in->begin;
	at->z.avail_in = (unsigned)len;
	at->z.next_out = out->at;
	at->z.avail_out = (unsigned)room;
	r = inflate(&at->z, Z_NO_FLUSH);
	in->begin += len - at->z.avail_in;
	out->at = at->z.next_out;
	if (r == Z_STREAM_END)
		return UNPACK_OVER;
	return r == Z_OK || r == Z_BUF_ERROR ? UNPACK_ON : UNPACK_BROKEN;
}

static void init_zlib(struct place *at, int format)
{
	at->z.zalloc = take_for_zlib;
	at->z.zfree = give_back;
	at->z.opaque = &at->arena;
	BUG_ON(inflateInit2(&at->z, format) != Z_OK);
	at->begun = true;
}

static enum unpack_outcome begin_zlib(struct place *at, struct bytes *in,
				      struct outbytes *out)
{
	struct bytes held;
	int format;

	while (at->held_len < MAGIC_LEN)
		if (!take_u8(in, &at->held[at->held_len++])) {
			at->held_len--;
			return UNPACK_ON;
		}
	format = format_of(at);
	if (format == 0)
		return UNPACK_BROKEN;
	init_zlib(at, format);
	held = bytes_of(at->held, MAGIC_LEN);
	return run_zlib(at, &held, out);
}

/* gzip: one body was, and another may follow; false: what follows is none. */
static bool begin_next(struct place *at, struct bytes in)
{
	if (*in.begin != 0x1f)
		return false;
	at->over = false;
	BUG_ON(inflateReset(&at->z) != Z_OK);
	return true;
}

static enum unpack_outcome some_zlib(struct place *at, struct bytes *in,
				     struct outbytes *out)
{
	enum unpack_outcome r;

	if (!at->begun) {
		r = begin_zlib(at, in, out);
		if (r != UNPACK_ON || !at->begun)
			return r;
	}
	do {
		if (at->over && bytes_len(*in) == 0)
			return UNPACK_ON;
		if (at->over && !begin_next(at, *in))
			return UNPACK_OVER;
		r = run_zlib(at, in, out);
		at->over = r == UNPACK_OVER && at->coding == HTTP_CODING_GZIP;
	} while (at->over);
	return r;
}

/* What is read and may turn out to be nothing that was packed. */
static void hold(struct place *at, struct bytes read)
{
	size_t room = HELD_MAX - at->held_len;

	if (bytes_len(read) > room) {
		at->begun = true;
		return;
	}
	at->held_len += (uint8_t)bytes_len(read);
	(void)take_copy(&read, at->held + HELD_MAX - room, bytes_len(read));
}

static enum unpack_outcome some_brotli(struct place *at, struct bytes *in,
				       struct outbytes *out)
{
	size_t len = bytes_len(*in), room = (size_t)(out->end - out->at);
	struct bytes before = *in;
	BrotliDecoderErrorCode code;
	BrotliDecoderResult r;

	r = BrotliDecoderDecompressStream(at->brotli, &len, &in->begin, &room,
					  &out->at, NULL);
	at->begun |= outbytes_len(out) > 0;
	if (r == BROTLI_DECODER_RESULT_SUCCESS)
		return UNPACK_OVER;
	before.end = in->begin;
	if (r != BROTLI_DECODER_RESULT_ERROR) {
		if (!at->begun)
			hold(at, before);
		return UNPACK_ON;
	}
	if (!at->begun)
		in->begin = before.begin;
	code = BrotliDecoderGetErrorCode(at->brotli);
	/* allocations that failed, brotli/decode.h */
	return code <= BROTLI_DECODER_ERROR_ALLOC_CONTEXT_MODES &&
			       code >= BROTLI_DECODER_ERROR_ALLOC_BLOCK_TYPE_TREES
		       ? UNPACK_LARGE
		       : UNPACK_BROKEN;
}

enum unpack_outcome unpack_some(struct unpack_pool *p, uint32_t handle,
				struct bytes *in, struct outbytes *out)
{
	struct place *at = get(p, handle);

	if (at->cut)
		return UNPACK_LARGE;
	return at->brotli ? some_brotli(at, in, out) : some_zlib(at, in, out);
}

/* --- for another process ---------------------------------------------- */

struct saved_decoder {
	uint32_t handle;
	uint8_t coding; /* enum http_coding */
	uint8_t begun, over, cut;
	uint8_t held_len;
	uint8_t held[HELD_MAX];
	uint8_t reserved[7];
};
IMAGE_PART(saved_decoders, "unpack", struct saved_decoder, 1);

void unpack_pool_save(const struct unpack_pool *p, const char *of,
		      struct image_writer *w)
{
	struct saved_decoder *to;
	uint64_t n = 0;

	for (uint32_t i = 0; i < INFLATERS_MAX + BROTLIS_MAX; i++)
		n += p->places[i].used;
	to = image_room(w, of, &saved_decoders, n);
	for (uint32_t i = 0; to && i < INFLATERS_MAX + BROTLIS_MAX; i++) {
		const struct place *at = &p->places[i];

		if (!at->used)
			continue;
		*to = (struct saved_decoder){
			.handle = i + 1,
			.coding = at->coding,
			.begun = at->begun,
			.over = at->over,
			.cut = at->cut || (at->begun && !at->over),
			.held_len = at->held_len,
		};
		memcpy(to++->held, at->held, sizeof at->held);
	}
}

/* What it has read and held is read again; false: it is not as it was. */
static bool read_again(struct place *at, const struct saved_decoder *s)
{
	struct bytes in = bytes_of(s->held, s->held_len);
	uint8_t room[1];
	struct outbytes out = outbytes_of(room, sizeof room);
	int format;

	if (at->brotli)
		return some_brotli(at, &in, &out) == UNPACK_ON && !at->begun;
	/* of zlib's no more than what tells its format; and that is all of it */
	if (s->held_len > MAGIC_LEN || (s->over != (s->held_len == MAGIC_LEN)))
		return false;
	memcpy(at->held, s->held, s->held_len);
	at->held_len = s->held_len;
	if (!s->over)
		return true;
	format = format_of(at);
	if (format == 0 || at->coding != HTTP_CODING_GZIP)
		return false;
	init_zlib(at, format);
	at->over = true;
	return true;
}

static bool load_decoder(struct unpack_pool *p, const struct saved_decoder *s)
{
	bool brotli = s->coding == HTTP_CODING_BROTLI;
	struct place *at;

	if (s->handle == 0 || !is_within(p, s->handle - 1) ||
	    s->coding >= HTTP_CODING_IDENTITY || s->held_len > HELD_MAX ||
	    brotli != (s->handle > INFLATERS_MAX) ||
	    p->places[s->handle - 1].used)
		return false;
	at = &p->places[s->handle - 1];
	begin_at(at, (enum http_coding)s->coding);
	at->cut = s->cut;
	if (!at->cut)
		return read_again(at, s);
	at->begun = true;
	return true;
}

bool unpack_pool_load(struct unpack_pool *p, const char *of,
		      const struct image_reader *r, uint64_t *ret_cut)
{
	uint64_t n;
	const struct saved_decoder *s = image_get(r, of, &saved_decoders, &n);

	*ret_cut = 0;
	for (uint64_t i = 0; s && i < n; i++) {
		struct saved_decoder one = s[i];

		if (!load_decoder(p, &one))
			return false;
		*ret_cut += one.cut != 0;
	}
	make_free(p);
	return s != NULL;
}

bool unpack_adopt(struct unpack_pool *p, uint32_t handle)
{
	struct place *at;

	if (handle == 0)
		return true;
	if (handle > INFLATERS_MAX + BROTLIS_MAX)
		return false;
	at = &p->places[handle - 1];
	if (!at->used || at->adopted)
		return false;
	at->adopted = true;
	return true;
}

void unpack_pool_settle(struct unpack_pool *p)
{
	for (uint32_t i = 0; i < INFLATERS_MAX + BROTLIS_MAX; i++)
		p->places[i].used &= p->places[i].adopted;
	make_free(p);
}

void unpack_pool_reset(struct unpack_pool *p)
{
	for (uint32_t i = 0; i < INFLATERS_MAX + BROTLIS_MAX; i++)
		p->places[i].used = false;
	make_free(p);
}
