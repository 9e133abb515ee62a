/*
 * CRC-32C: known values, and any bytes against one bit after the other.
 */
#include "base/crc32c.h"

#include "frames.h"
#include "test.h"

static uint32_t whole(const void *b, size_t len)
{
	return crc32c_end(crc32c_add(CRC32C_START, bytes_of(b, len)));
}

/* The check value of the CRC's definition; RFC 3720 B.4. */
static void test_known(void **state)
{
	static const uint8_t zeros[32];
	uint8_t b[32];

	assert_int_equal(whole("123456789", 9), 0xe3069283);
	assert_int_equal(whole(zeros, sizeof zeros), 0x8a9136aa);
	memset(b, 0xff, sizeof b);
	assert_int_equal(whole(b, sizeof b), 0x62a8ab43);
	for (size_t i = 0; i < sizeof b; i++)
		b[i] = (uint8_t)i;
	assert_int_equal(whole(b, sizeof b), 0x46dd794e);
}

static void test_bits(void **state)
{
	uint8_t b[300];
	uint32_t x = 1;

	for (size_t i = 0; i < sizeof b; i++) {
		x = x * 1664525 + 1013904223;
		b[i] = (uint8_t)(x >> 24);
	}
	for (size_t len = 0; len <= sizeof b; len++) {
		size_t half = len / 3;
		uint32_t crc = crc32c_add(CRC32C_START, bytes_of(b, half));

		crc = crc32c_add(crc, bytes_of(b + half, len - half));
		assert_int_equal(crc32c_end(crc), frame_crc32c(b, len));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
