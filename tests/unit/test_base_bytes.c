/*
 * The cursor: takes succeed or change nothing, puts remember the overflow.
 */
#include "base/bytes.h"

#include "test.h"

static const uint8_t sample[] = {
	0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08
};

enum take {
	TAKE_U8,
	TAKE_BE16,
	TAKE_BE32,
	TAKE_BE64,
	TAKE_LE16,
	TAKE_LE32,
	TAKE_SKIP5,
	TAKE_COPY6
};

static bool take(enum take how, struct bytes *b, uint32_t *ret)
{
	uint8_t u8, six[6];
	uint16_t u16;
	uint64_t u64;

	switch (how) {
	case TAKE_U8:
		if (!take_u8(b, &u8))
			return false;
		*ret = u8;
		return true;
	case TAKE_BE16:
		if (!take_be16(b, &u16))
			return false;
		*ret = u16;
		return true;
	case TAKE_BE32: return take_be32(b, ret);
	case TAKE_BE64:
		if (!take_be64(b, &u64))
			return false;
		assert_int_equal(u64 >> 32, 0x01020304);
		*ret = (uint32_t)u64;
		return true;
	case TAKE_LE16:
		if (!take_le16(b, &u16))
			return false;
		*ret = u16;
		return true;
	case TAKE_LE32: return take_le32(b, ret);
	case TAKE_SKIP5: *ret = 0; return take_skip(b, 5);
	case TAKE_COPY6:
		if (!take_copy(b, six, sizeof six))
			return false;
		*ret = six[5];
		return true;
	}
	return false;
}

static void test_take(void **state)
{
	static const struct {
		const char *name;
		enum take how;
		size_t len; /* of sample, given to the cursor */
		bool want;
		uint32_t value;
		size_t left;
	} rows[] = {
		{ "u8", TAKE_U8, 1, true, 0x01, 0 },
		{ "u8 of none", TAKE_U8, 0, false, 0, 0 },
		{ "be16", TAKE_BE16, 3, true, 0x0102, 1 },
		{ "be16 of one", TAKE_BE16, 1, false, 0, 1 },
		{ "be32", TAKE_BE32, 4, true, 0x01020304, 0 },
		{ "be32 of three", TAKE_BE32, 3, false, 0, 3 },
		{ "be64", TAKE_BE64, 8, true, 0x05060708, 0 },
		{ "be64 of seven", TAKE_BE64, 7, false, 0, 7 },
		{ "le16", TAKE_LE16, 3, true, 0x0201, 1 },
		{ "le16 of one", TAKE_LE16, 1, false, 0, 1 },
		{ "le32", TAKE_LE32, 4, true, 0x04030201, 0 },
		{ "le32 of three", TAKE_LE32, 3, false, 0, 3 },
		{ "skip", TAKE_SKIP5, 6, true, 0, 1 },
		{ "skip past the end", TAKE_SKIP5, 4, false, 0, 4 },
		{ "copy", TAKE_COPY6, 6, true, 0x06, 0 },
		{ "copy of five", TAKE_COPY6, 5, false, 0, 5 },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		/* Its own allocation: a read past it is seen. */
		uint8_t *p = test_malloc(rows[i].len + 1);
		struct bytes b;
		uint32_t value = 0;

		memcpy(p + 1, sample, rows[i].len);
		b = bytes_of(p + 1, rows[i].len);
		assert_row(rows[i].name,
			   take(rows[i].how, &b, &value) == rows[i].want);
		if (rows[i].want)
			assert_row(rows[i].name, value == rows[i].value);
		assert_row(rows[i].name, bytes_len(b) == rows[i].left);
		assert_row(rows[i].name, b.end == p + 1 + rows[i].len);
		test_free(p);
	}
}

static void test_take_bytes(void **state)
{
	struct bytes b = bytes_of(sample, sizeof sample), part = { NULL, NULL };

	assert_true(take_bytes(&b, 2, &part));
	assert_ptr_equal(part.begin, sample);
	assert_int_equal(bytes_len(part), 2);
	assert_int_equal(bytes_len(b), sizeof sample - 2);
	assert_false(take_bytes(&b, sizeof sample - 1, &part));
	assert_ptr_equal(part.begin, sample);
	assert_int_equal(bytes_len(b), sizeof sample - 2);
	/* Nothing is a part too. */
	assert_true(take_bytes(&b, 0, &part));
	assert_int_equal(bytes_len(part), 0);
}

static void test_empty(void **state)
{
	struct bytes b = bytes_of(NULL, 0);
	uint8_t v = 7;

	assert_int_equal(bytes_len(b), 0);
	assert_false(take_u8(&b, &v));
	assert_int_equal(v, 7);
	assert_true(take_skip(&b, 0));
	/* A length that comes from the wire may be anything. */
	b = bytes_of(sample, sizeof sample);
	assert_false(take_skip(&b, SIZE_MAX));
	assert_int_equal(bytes_len(b), sizeof sample);
}

static void test_put(void **state)
{
	static const uint8_t want[] = { 0x0a, 0x01, 0x02, 0x0b, 0x0c, 0x0d,
					0x0e, 0,    0,	  0x11, 0x22, 0x33,
					0x44, 0x55, 0x66, 0x77, 0x88, 0xee };
	uint8_t buf[sizeof want];
	struct outbytes o = outbytes_of(buf, sizeof buf);

	memset(buf, 0xff, sizeof buf);
	put_u8(&o, 0x0a);
	put_be16(&o, 0x0102);
	put_be32(&o, 0x0b0c0d0e);
	put_zero(&o, 2);
	put_be64(&o, 0x1122334455667788);
	put_copy(&o, (uint8_t[]){ 0xee }, 1);
	assert_false(o.full);
	assert_int_equal(outbytes_len(&o), sizeof want);
	assert_memory_equal(buf, want, sizeof want);
}

/* Once something did not fit, nothing after it is written, fit or not. */
static void test_put_full(void **state)
{
	uint8_t buf[4] = { 9, 9, 9, 9 };
	struct outbytes o = outbytes_of(buf, 3);

	put_be16(&o, 0x0102);
	put_be16(&o, 0x0304);
	assert_true(o.full);
	put_u8(&o, 5);
	put_zero(&o, 1);
	assert_int_equal(outbytes_len(&o), 2);
	assert_memory_equal(buf, ((uint8_t[]){ 1, 2, 9, 9 }), 4);

	o = outbytes_of(buf, 1);
	put_zero(&o, 2);
	assert_true(o.full);
	assert_int_equal(buf[0], 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_take),
		cmocka_unit_test(test_take_bytes),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_put),
		cmocka_unit_test(test_put_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
