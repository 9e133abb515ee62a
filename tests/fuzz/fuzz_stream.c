/*
 * Segments and acknowledgements made of the input, given to streams of a pool
 * that is small enough to meet each limit. The reader checks that what it is
 * shown continues what it has left; after each event the counts must agree with
 * each other and with what the sides tell.
 *
 * First two bytes: the options. Then 8 bytes an event:
 *   0 what (0..2 segment, 3 ACK, 4 close and open), stream, side, flags
 *   1 how many bytes are captured of 255   2..3 length   4..7 sequence number,
 *   added to the side's next one
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/bug.h"
#include "base/bytes.h"
#include "base/limits.h"
#include "flow/stream.h"

#define EVENTS_MAX 500
#define STREAMS	   2
#define UNREAD	   3000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct event {
	uint8_t what, captured;
	uint16_t len;
	uint32_t seq;
};

struct reader {
	struct stream_pool *pool;
	uint8_t left[FLOW_SIDE__MAX][UNREAD];
	size_t n_left[FLOW_SIDE__MAX];
	bool last[FLOW_SIDE__MAX];
};

static bool take_event(struct bytes *b, struct event *e)
{
	return take_u8(b, &e->what) && take_u8(b, &e->captured) &&
	       take_be16(b, &e->len) && take_be32(b, &e->seq);
}

static struct stream_options options(uint8_t how, uint8_t on)
{
	struct stream_options o = stream_options_default();

	o.streams = STREAMS;
	o.blocks = STREAM_BLOCKS_MIN;
	o.held_max = 10000;
	o.unread_max = UNREAD;
	o.unacked_max = how & 1 ? 4000 : 0;
	o.overlap = how & 2 ? STREAM_LAST_WINS : STREAM_FIRST_WINS;
	if (how & 4)
		memset(o.on, on % STREAM_EXCEPTION__MAX, sizeof o.on);
	return o;
}

/* Consumes by the first byte's value, so that all depends on the input. */
static size_t read_chunk(void *arg, const struct stream_chunk *chunk)
{
	struct reader *r = arg;
	size_t len = bytes_len(chunk->bytes), left = r->n_left[chunk->side];
	size_t consumed = len;

	BUG_ON(r->last[chunk->side] || (len == 0 && !chunk->last));
	if (chunk->gap_before)
		left = 0;
	BUG_ON(left > len);
	if (left)
		BUG_ON(memcmp(r->left[chunk->side], chunk->bytes.begin, left));
	if (len && chunk->bytes.begin[0] % 4 == 0)
		consumed = len * (chunk->bytes.begin[0] / 4) / 64;
	r->last[chunk->side] = chunk->last;
	left = len - consumed;
	r->n_left[chunk->side] = left <= UNREAD ? left : 0;
	if (left && left <= UNREAD)
		memcpy(r->left[chunk->side], chunk->bytes.begin + consumed,
		       left);
	return consumed;
}

static void check_result(const struct stream_pool *p, struct stream_result r)
{
	BUG_ON(r.outcome >= STREAM_OUTCOME__MAX);
	BUG_ON(r.cause >= STREAM_CAUSE__MAX);
	if (r.cause != STREAM_CAUSE_NONE)
		BUG_ON(r.exception != stream_on(p, r.cause));
	BUG_ON(r.exception == STREAM_DROP && r.outcome != STREAM_REFUSED);
	BUG_ON(r.exception == STREAM_BYPASS && r.outcome != STREAM_BYPASSED);
}

static void check_pool(const struct stream_pool *p, const uint32_t *handles)
{
	struct stream_counts c = stream_counts(p);
	uint64_t bytes = 0;

	BUG_ON(c.streams != STREAMS || c.blocks > c.blocks_limit);
	for (int i = 0; i < STREAMS * FLOW_SIDE__MAX; i++) {
		struct stream_side_view v =
			stream_side_view(p, handles[i / FLOW_SIDE__MAX],
					 (enum flow_side)(i % FLOW_SIDE__MAX));

		BUG_ON(v.unread > UNREAD || v.held > 10000);
		BUG_ON(v.ended && (v.unread || v.held));
		bytes += v.unread + v.held;
	}
	BUG_ON(bytes > (uint64_t)c.blocks * STREAM_BLOCK_BYTES);
}

static uint32_t reopen(struct stream_pool *p, uint32_t handle, struct reader *r,
		       const struct event *e)
{
	struct stream_start start[FLOW_SIDE__MAX] = {
		{ e->what & 1, e->seq },
		{ e->what & 2, e->seq * 2 },
	};

	stream_close(p, handle);
	memset(r, 0, sizeof *r);
	r->pool = p;
	return stream_open(p, start);
}

static struct stream_result push(struct stream_pool *p, uint32_t handle,
				 struct reader *r, const struct event *e)
{
	static uint8_t bytes[65536];
	struct stream_reader reader = { read_chunk, r };
	enum flow_side side = e->what & 16 ? FLOW_SERVER : FLOW_CLIENT;
	enum flow_side of = e->what % 8 == 3 ? !side : side;
	uint32_t seq = stream_side_view(p, handle, of).next + e->seq;
	uint32_t len = e->len & 0x8000 ? e->len : e->len & 0xfff;
	struct stream_segment seg = {
		.seq = seq,
		.bytes = bytes_of(bytes, (size_t)len * e->captured / 255),
		.len = len,
		.syn = e->what & 32,
		.fin = e->what & 64,
	};

	if (e->what % 8 == 3)
		return stream_ack(p, handle, side, seq, &reader);
	/* each place has its own byte, but for what says otherwise */
	for (uint32_t i = 0; i < bytes_len(seg.bytes); i++)
		bytes[i] = (uint8_t)((seq + i) * 7 + (e->what >> 7));
	return stream_push(p, handle, side, &seg, &reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct reader readers[STREAMS];
	struct bytes in = bytes_of(data, len);
	uint32_t handles[STREAMS] = { 0 };
	struct event e = { 0 };
	struct stream_options o;
	struct stream_pool *p;
	uint8_t how, on;

	if (!take_u8(&in, &how) || !take_u8(&in, &on))
		return 0;
	o = options(how, on);
	p = stream_pool_new(&o);
	BUG_ON(!p);
	for (int i = 0; i < STREAMS; i++)
		handles[i] = reopen(p, 0, &readers[i], &e);
	for (int i = 0; i < EVENTS_MAX && take_event(&in, &e); i++) {
		unsigned at = e.what >> 3 & 1;

		if (e.what % 8 == 4)
			handles[at] = reopen(p, handles[at], &readers[at], &e);
		else
			check_result(p, push(p, handles[at], &readers[at], &e));
		check_pool(p, handles);
	}
	for (int i = 0; i < STREAMS; i++)
		stream_close(p, handles[i]);
	BUG_ON(stream_counts(p).blocks || stream_counts(p).streams);
	stream_pool_free(p);
	return 0;
}
