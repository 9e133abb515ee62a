/*
 * The ring of a capture: what is written is read, in two threads too; what does
 * not fit is counted; and neither side is harmed by what the other one writes.
 */
#include "wire/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "seed.h"
#include "test.h"

/* Where they are in the shared memory (wire/capture.c). */
#define HEAD_AT	  64
#define TAIL_AT	  128
#define DATA_AT	  4096
#define FILE_SIZE (DATA_AT + (size_t)CAPTURE_RING_BYTES)

struct bench {
	struct capture_writer *w;
	struct capture_reader *r;
};

static struct bench begin(uint32_t snaplen)
{
	struct err err;
	struct bench b = { .w = capture_writer_new(snaplen, &err) };

	assert_non_null(b.w);
	b.r = capture_reader_beside(b.w);
	assert_non_null(b.r);
	return b;
}

static void end(struct bench *b)
{
	capture_reader_free(b->r);
	capture_writer_free(b->w);
}

/* Frame number n: its length and bytes follow from it. */
static size_t length_of(uint32_t n)
{
	return (n * 2654435761u >> 8) % FRAME_MAX;
}

static const uint8_t *bytes_of_frame(uint32_t n)
{
	static uint8_t pattern[FRAME_MAX + 256];

	/* once, before there are threads: test_turns is the first */
	for (size_t i = 0; !pattern[1] && i < sizeof pattern; i++)
		pattern[i] = (uint8_t)(i * 7 + i / 256);
	return pattern + n % 256;
}

static void put(struct bench *b, uint32_t n)
{
	size_t len = length_of(n);
	struct capture_frame f = { .at_us = n,
				   .wire_len = (uint32_t)len + 1,
				   .flow_id = n,
				   .ingress = n % 2 };

	capture_put(b->w, &f, bytes_of(bytes_of_frame(n), len));
}

static bool check_next(struct bench *b, uint32_t *ret_n, size_t snaplen)
{
	struct capture_frame f;
	struct bytes bytes;
	bool broken;
	size_t len;

	if (!capture_next(b->r, &f, &bytes, &broken)) {
		assert_false(broken);
		return false;
	}
	len = length_of(f.flow_id);
	assert_int_equal(f.at_us, f.flow_id);
	assert_int_equal(f.wire_len, len + 1);
	assert_int_equal(f.ingress, f.flow_id % 2);
	if (len > snaplen)
		len = snaplen;
	assert_int_equal(bytes_len(bytes), len);
	assert_int_equal(memcmp(bytes.begin, bytes_of_frame(f.flow_id), len),
			 0);
	*ret_n = f.flow_id;
	return true;
}

/* Random turns of both, over the ring's end many times. */
static void turns(uint32_t snaplen, uint32_t frames)
{
	uint64_t random = seed_choose() | 1;
	struct bench b = begin(snaplen);
	uint32_t put_n = 0, got = 0, last = 0, n;
	struct capture_counts c;

	while (put_n < frames) {
		for (uint32_t i = seed_draw(&random, 300); i > 0; i--)
			put(&b, ++put_n);
		for (uint32_t i = seed_draw(&random, 300);
		     i > 0 && check_next(&b, &n, snaplen ? snaplen : FRAME_MAX);
		     i--) {
			assert_true(n > last);
			last = n;
			got++;
		}
	}
	while (check_next(&b, &n, snaplen ? snaplen : FRAME_MAX))
		got++;
	c = capture_writer_counts(b.w);
	assert_int_equal(c.frames, got);
	assert_int_equal(c.frames + c.lost, put_n);
	assert_int_equal(capture_reader_counts(b.r).lost, c.lost);
	end(&b);
}

static void test_turns(void **state)
{
	turns(0, 6000);
	turns(100, 60000);
}

/* When nobody reads, the first ones stay; when somebody does, it goes on. */
static void test_full(void **state)
{
	struct bench b = begin(0);
	uint32_t n = 0, put_n = 0, got = 0;

	do
		put(&b, ++put_n);
	while (capture_writer_counts(b.w).lost == 0);
	for (int i = 0; i < 1000; i++)
		put(&b, 1000000);
	while (check_next(&b, &n, FRAME_MAX) && n < 1000000)
		assert_int_equal(n, ++got);
	assert_true(got >= CAPTURE_RING_BYTES / (FRAME_MAX + 64));
	while (check_next(&b, &n, FRAME_MAX))
		;
	put(&b, 7);
	assert_true(check_next(&b, &n, FRAME_MAX));
	assert_int_equal(n, 7);
	assert_int_equal(capture_reader_end(b.r), CAPTURE_GOES_ON);
	capture_writer_end(b.w, CAPTURE_WORKLOAD_GONE);
	assert_int_equal(capture_reader_end(b.r), CAPTURE_WORKLOAD_GONE);
	end(&b);
}

/* A reader that writes anything anywhere: frames are lost, nothing else. */
static void test_hostile_reader(void **state)
{
	uint64_t random = seed_choose() | 1;
	struct bench b = begin(0);
	uint8_t *memory = capture_writer_memory(b.w);
	_Atomic uint64_t *tail = (void *)(memory + TAIL_AT);
	_Atomic uint64_t *head = (void *)(memory + HEAD_AT);
	struct capture_counts c;

	for (uint32_t i = 1; i <= 3000; i++) {
		uint64_t nonsense = (uint64_t)seed_draw(&random, UINT32_MAX)
				    << seed_draw(&random, 33);

		switch (seed_draw(&random, 5)) {
		case 0: atomic_store(tail, nonsense); break;
		case 1: atomic_store(tail, atomic_load(head)); break;
		case 2: atomic_store(tail, atomic_load(head) + 8); break;
		case 3: atomic_store(head, nonsense); break;
		default: memset(memory, 0xff, DATA_AT); break;
		}
		put(&b, i);
		c = capture_writer_counts(b.w);
		assert_int_equal(c.frames + c.lost, i);
	}
	assert_true(c.frames > 0 && c.lost > 0);
	end(&b);
}

/* A writer that writes anything: what is no record is told, and no more. */
static void test_hostile_writer(void **state)
{
	uint64_t random = seed_choose() | 1;
	struct bench b = begin(0);
	uint8_t *memory = capture_writer_memory(b.w);
	_Atomic uint64_t *head = (void *)(memory + HEAD_AT);
	unsigned refused = 0;

	for (int round = 0; round < 500; round++) {
		struct capture_reader *r = capture_reader_beside(b.w);
		struct capture_frame f;
		struct bytes bytes;
		bool broken;

		for (int i = 0; i < 64; i++)
			memory[DATA_AT + i] = (uint8_t)seed_draw(&random, 256);
		/* mostly a small length, so that some are records */
		if (round % 2)
			memset(memory + DATA_AT + 1, 0, 3);
		atomic_store(head,
			     round % 3
				     ? 512
				     : (uint64_t)seed_draw(&random, UINT32_MAX)
					       << (round % 33));
		for (int i = 0; i < 100 && capture_next(r, &f, &bytes, &broken);
		     i++)
			assert_true(bytes_len(bytes) <= FRAME_MAX);
		refused += broken;
		capture_reader_free(r);
	}
	assert_true(refused > 0);
	end(&b);
}

/* What comes as a descriptor: only what cannot change its size. */
static void test_descriptors(void **state)
{
	struct bench b = begin(0);
	int fd = capture_writer_fd(b.w), other;
	struct capture_reader *r;
	struct err err;

	assert_int_equal(ftruncate(fd, 0), -1);
	assert_int_equal(ftruncate(fd, 1 << 28), -1);
	r = capture_reader_new(fd, &err);
	assert_non_null(r);
	put(&b, 5);
	assert_int_equal(capture_reader_counts(r).frames, 1);
	capture_reader_free(r);
	/* the right size, without seals; sealed, and without the magic */
	other = memfd_create("other", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	assert_int_equal(ftruncate(other, FILE_SIZE), 0);
	assert_null(capture_reader_new(other, &err));
	assert_int_equal(fcntl(other, F_ADD_SEALS,
			       F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL),
			 0);
	assert_null(capture_reader_new(other, &err));
	assert_null(capture_reader_new(-1, &err));
	assert_int_equal(err.code, EPROTO);
	close(other);
	capture_reader_free(NULL);
	capture_writer_free(NULL);
	end(&b);
}

/* --- two threads ------------------------------------------------------- */

#define THREAD_FRAMES 20000

struct race {
	struct bench b;
	_Atomic bool done;
};

static void *write_all(void *arg)
{
	struct race *race = arg;

	for (uint32_t n = 1; n <= THREAD_FRAMES; n++)
		put(&race->b, n);
	atomic_store(&race->done, true);
	return NULL;
}

static void test_threads(void **state)
{
	struct race race = { .b = begin(300) };
	uint32_t n, last = 0, got = 0;
	struct capture_counts c;
	pthread_t thread;
	bool done;

	assert_int_equal(pthread_create(&thread, NULL, write_all, &race), 0);
	do {
		done = atomic_load(&race.done);
		while (check_next(&race.b, &n, 300)) {
			assert_true(n > last);
			last = n;
			got++;
		}
		(void)sched_yield();
	} while (!done);
	assert_int_equal(pthread_join(thread, NULL), 0);
	c = capture_writer_counts(race.b.w);
	assert_int_equal(c.frames, got);
	assert_int_equal(c.frames + c.lost, THREAD_FRAMES);
	end(&race.b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_turns),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_hostile_reader),
		cmocka_unit_test(test_hostile_writer),
		cmocka_unit_test(test_descriptors),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
