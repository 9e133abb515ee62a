/*
 * Images of streams with bits turned around: what comes of them is nothing, or a
 * pool that can be used. That what is loaded goes on as it would have without is in
 * test_flow_stream_model.c. WEIR_SEED=n runs one seed again.
 */
#include "flow/stream.h"

#include "base/limits.h"
#include "images.h"
#include "seed.h"
#include "test.h"

#define STREAMS 12
#define ROUNDS	60
#define SPOILT	60

static const struct stream_options options = {
	.streams = STREAMS,
	.blocks = 400,
	.held_max = 8192,
	.unread_max = 6000,
	.unacked_max = 3000,
};

static size_t read_half(void *arg, const struct stream_chunk *chunk)
{
	(void)arg;
	return bytes_len(chunk->bytes) / 2;
}

/* Bytes and acknowledgements around where its sides are. */
static void talk(struct stream_pool *p, uint32_t handle, unsigned n,
		 uint64_t *random)
{
	static const uint8_t bytes[3000];
	struct stream_reader reader = { read_half, NULL };

	for (unsigned i = 0; i < n; i++) {
		enum flow_side side = seed_draw(random, 2) ? FLOW_SERVER
							   : FLOW_CLIENT;
		struct stream_side_view v = stream_side_view(p, handle, side);
		uint32_t len = seed_draw(random, sizeof bytes);
		struct stream_segment seg = {
			.seq = v.next + seed_draw(random, 4000) - 1000,
			.bytes = bytes_of(bytes,
					  seed_draw(random, 5) ? len : len / 2),
			.len = len,
			.fin = seed_draw(random, 50) == 0,
		};

		if (seed_draw(random, 3) == 0)
			(void)stream_ack(p, handle, side, seg.seq, &reader);
		else
			(void)stream_push(p, handle, side, &seg, &reader);
	}
}

static struct stream_pool *busy_pool(uint64_t *random)
{
	struct stream_start start[FLOW_SIDE__MAX] = { { true, 5 },
						      { false, 0 } };
	struct stream_pool *p = stream_pool_new(&options);

	assert_non_null(p);
	for (unsigned i = 0; i < STREAMS; i++) {
		uint32_t handle = stream_open(p, start);

		start[0].isn = (uint32_t)0 - seed_draw(random, 9000);
		if (seed_draw(random, 4) == 0)
			stream_watch(p, handle);
		talk(p, handle, 8, random);
		if (seed_draw(random, 6) == 0)
			stream_close(p, handle);
	}
	return p;
}

static void use_up(struct stream_pool *p, uint64_t *random)
{
	for (uint32_t h = 1; h <= STREAMS; h++)
		if (stream_is_open(p, h)) {
			talk(p, h, 30, random);
			stream_close(p, h);
		}
	assert_int_equal(stream_counts(p).blocks, 0);
	assert_int_equal(stream_counts(p).streams, 0);
}

static void image_of(struct images *i, const struct stream_pool *p)
{
	IMAGES_OF(i, stream_pool_save, p);
}

static void test_hostile(void **state)
{
	uint64_t random = seed_choose() | 1;
	unsigned refused = 0;

	(void)state;
	for (unsigned round = 0; round < ROUNDS; round++) {
		struct stream_pool *p = busy_pool(&random);
		struct images i;

		image_of(&i, p);
		for (unsigned k = 0; k < SPOILT; k++) {
			struct stream_pool *next = stream_pool_new(&options);
			struct images_spoilt s = images_spoil(&i, &random);
			bool loaded = image_read(&i.r, i.memory, i.len) == 0 &&
				      stream_pool_load(next, &i.r);

			refused += !loaded;
			assert_true(loaded || stream_counts(next).streams == 0);
			use_up(next, &random);
			stream_pool_free(next);
			images_turn(&i, &s);
		}
		stream_pool_free(p);
		free(i.memory);
	}
	print_message("# %u of %u refused\n", refused, ROUNDS * SPOILT);
	assert_true(refused > 0 && refused < ROUNDS * SPOILT);
}

/* Other sizes, another image: nothing is loaded. */
static void test_another(void **state)
{
	struct stream_options other = options;
	struct stream_pool *p = stream_pool_new(&options), *next;
	struct images i;

	(void)state;
	image_of(&i, p);
	other.unread_max--;
	next = stream_pool_new(&other);
	assert_false(stream_pool_load(next, &i.r));
	stream_pool_free(next);
	other = options;
	other.overlap = STREAM_LAST_WINS;
	next = stream_pool_new(&other);
	assert_true(stream_pool_load(next, &i.r));
	stream_pool_free(next);
	stream_pool_free(p);
	free(i.memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
