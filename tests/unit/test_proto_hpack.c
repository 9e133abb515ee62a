/*
 * Fields that libnghttp2's own deflater has packed, in tables of any size, cut
 * anywhere: they come out as they were, also of a pool that goes on for another
 * one. And what there is no room for.
 */
#include "base/limits.h"
#include "images.h"
#include "proto/hpack.h"
#include "seed.h"
#include "test.h"

#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <string.h>

#define FIELDS 12

/* Few names and values, so that the table is of use. */
static void make_field(uint64_t *random, nghttp2_nv *nv, char *name,
		       char *value)
{
	size_t len = seed_draw(random, 8) ? seed_draw(random, 40)
					  : seed_draw(random, 3000);

	(void)snprintf(name, 32, "x-name-%u", seed_draw(random, 12));
	if (seed_draw(random, 3) == 0)
		(void)snprintf(name, 32, ":path");
	for (size_t i = 0; i < len; i++)
		value[i] = (char)(seed_draw(random, 4)
					  ? 'a' + seed_draw(random, 26)
					  : seed_draw(random, 256));
	*nv = (nghttp2_nv){ .name = (uint8_t *)name,
			    .value = (uint8_t *)value,
			    .namelen = strlen(name),
			    .valuelen = len };
}

static void one_block(uint64_t *random, nghttp2_hd_deflater *d,
		      struct hpack_pool *p, uint32_t handle)
{
	static char names[FIELDS][32], values[FIELDS][3000];
	static uint8_t block[FIELDS * 4000], room[64 << 10];
	struct outbytes list = outbytes_of(room, sizeof room);
	struct bytes rest, part;
	struct hpack_field f;
	nghttp2_nv nv[FIELDS];
	size_t n = 1 + seed_draw(random, FIELDS);
	ssize_t len;

	for (size_t i = 0; i < n; i++)
		make_field(random, &nv[i], names[i], values[i]);
	len = nghttp2_hd_deflate_hd(d, block, sizeof block, nv, n);
	assert_true(len > 0);
	rest = bytes_of(block, (size_t)len);
	do {
		size_t most = bytes_len(rest);

		assert_true(take_bytes(
			&rest, seed_draw(random, (uint32_t)most + 1), &part));
		assert_int_equal(hpack_some(p, handle, part,
					    bytes_len(rest) == 0, &list),
				 HPACK_ON);
	} while (bytes_len(rest) > 0);
	assert_false(list.full);
	rest = bytes_of(list.begin, outbytes_len(&list));
	for (size_t i = 0; i < n; i++) {
		assert_true(hpack_take(&rest, &f));
		assert_int_equal(bytes_len(f.name), nv[i].namelen);
		assert_int_equal(bytes_len(f.value), nv[i].valuelen);
		assert_memory_equal(f.name.begin, nv[i].name, nv[i].namelen);
		if (nv[i].valuelen)
			assert_memory_equal(f.value.begin, nv[i].value,
					    nv[i].valuelen);
	}
	assert_false(hpack_take(&rest, &f));
}

/* What goes on was loaded from an image. */
static struct hpack_pool *handed_over(struct hpack_pool *p)
{
	struct hpack_pool *next = hpack_pool_new();
	struct images i;

	assert_non_null(next);
	images_count(&i);
	hpack_pool_save(p, "test", &i.w);
	images_write(&i);
	hpack_pool_save(p, "test", &i.w);
	images_read(&i);
	assert_true(hpack_pool_load(next, "test", &i.r));
	hpack_pool_free(p);
	free(i.memory);
	return next;
}

static void deflated(void **state)
{
	uint64_t random = seed_choose() | 1;
	struct hpack_pool *p = hpack_pool_new();

	(void)state;
	assert_non_null(p);
	for (unsigned round = 0; round < 40; round++) {
		uint32_t handle = hpack_begin(p);
		nghttp2_hd_deflater *d;

		assert_true(handle);
		assert_int_equal(nghttp2_hd_deflate_new(&d, HPACK_TABLE_MAX),
				 0);
		for (unsigned i = 0; i < 60; i++) {
			/* as if its reader had said so */
			if (seed_draw(&random, 8) == 0)
				assert_int_equal(
					nghttp2_hd_deflate_change_table_size(
						d,
						seed_draw(&random,
							  HPACK_TABLE_MAX + 1)),
					0);
			if (seed_draw(&random, 10) == 0)
				p = handed_over(p);
			one_block(&random, d, p, handle);
		}
		nghttp2_hd_deflate_del(d);
		hpack_end(p, handle);
	}
	hpack_pool_free(p);
}

/* A table of 4 KiB has room for its tiniest fields, and a large one beside it. */
static void worst_table(void **state)
{
	struct hpack_pool *p = hpack_pool_new();
	static uint8_t room[64 << 10], large[4 + 32768];
	struct outbytes list, o = outbytes_of(large, sizeof large);
	uint32_t handle = hpack_begin(p);

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		list = outbytes_of(room, sizeof room);
		assert_int_equal(hpack_some(p, handle, bytes_of("\x40\0\0", 3),
					    true, &list),
				 HPACK_ON);
	}
	p = handed_over(p);
	/* not indexed, of 32,000 bytes: 127 + 121 + 249 * 128 */
	put_copy(&o, "\1\x7f\x81\xf9\1", 5);
	while (outbytes_len(&o) < 5 + 32000)
		put_u8(&o, 'a');
	list = outbytes_of(room, sizeof room);
	assert_int_equal(hpack_some(p, handle,
				    bytes_of(large, outbytes_len(&o)), true,
				    &list),
			 HPACK_ON);
	assert_int_equal(outbytes_len(&list), 8 + strlen(":authority") + 32000);
	hpack_end(p, handle);
	hpack_pool_free(p);
}

/* Names of a full table that only the static one has; and what is not adopted. */
static void full_table(void **state)
{
	struct hpack_pool *p = hpack_pool_new();
	uint32_t a = hpack_begin(p), b = hpack_begin(p), c = hpack_begin(p);
	static uint8_t room[64 << 10];
	struct outbytes list = outbytes_of(room, sizeof room);

	(void)state;
	/* 16 KiB; then :authority, without a value, 350 times */
	assert_int_equal(
		hpack_some(p, b, bytes_of("\x3f\xe1\x7f", 3), false, &list),
		HPACK_ON);
	for (unsigned i = 0; i < 350; i++)
		assert_int_equal(hpack_some(p, b, bytes_of("\x41\0", 2),
					    i == 349, &list),
				 HPACK_ON);
	hpack_end(p, a);
	p = handed_over(p);
	list = outbytes_of(room, sizeof room);
	/* the oldest of them */
	assert_int_equal(
		hpack_some(p, b, bytes_of("\xff\x9c\2", 3), true, &list),
		HPACK_ON);
	assert_int_equal(outbytes_len(&list), 8 + strlen(":authority"));
	assert_true(hpack_adopt(p, 0));
	assert_true(hpack_adopt(p, b));
	assert_false(hpack_adopt(p, b));
	assert_false(hpack_adopt(p, a));
	assert_false(hpack_adopt(p, HPACK_DECODERS_MAX));
	hpack_pool_settle(p);
	/* c was nobody's, a was free */
	assert_int_equal(hpack_begin(p), c);
	assert_int_equal(hpack_begin(p), a);
	assert_int_equal(hpack_begin(p), c + 1);
	/* one before it in the table is none */
	assert_int_equal(
		hpack_some(p, b, bytes_of("\xff\x9d\2", 3), true, &list),
		HPACK_BROKEN);
	p = handed_over(p);
	assert_int_equal(hpack_some(p, b, bytes_of("\x82", 1), true, &list),
			 HPACK_BROKEN);
	hpack_pool_free(p);
}

static void beyond_memory(void **state)
{
	/* a value of 65,535 bytes is announced */
	static const char block[] = "\1\x7f\x80\xff\3";
	struct hpack_pool *p = hpack_pool_new();
	static uint8_t room[64];
	struct outbytes list = outbytes_of(room, sizeof room);
	uint32_t handle = hpack_begin(p);

	(void)state;
	assert_int_equal(hpack_some(p, handle,
				    bytes_of(block, sizeof block - 1), false,
				    &list),
			 HPACK_LARGE);
	hpack_end(p, handle);
	hpack_pool_free(p);
}

static void all_in_use(void **state)
{
	struct hpack_pool *p = hpack_pool_new();
	uint32_t last = 0;

	(void)state;
	for (unsigned i = 0; i < HPACK_DECODERS_MAX; i++)
		assert_true((last = hpack_begin(p)));
	assert_int_equal(hpack_begin(p), 0);
	hpack_end(p, last);
	assert_int_equal(hpack_begin(p), last);
	hpack_pool_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(deflated),   cmocka_unit_test(worst_table),
		cmocka_unit_test(full_table), cmocka_unit_test(beyond_memory),
		cmocka_unit_test(all_in_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
