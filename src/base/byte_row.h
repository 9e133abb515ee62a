/*
 * Sixteen bytes at a time: of which kind each is, as a bit of a number. With
 * vectors, which compilers make of what the processor has. Pure.
 */
#pragma once

#include <endian.h>
#include <stdint.h>
#include <string.h>

#define BYTE_ROW 16

/* Of a comparison each byte is 0 or 0xff. */
typedef uint8_t byte_row __attribute__((vector_size(BYTE_ROW)));

/* BYTE_ROW bytes from b on. */
static inline byte_row byte_row_of(const uint8_t *b)
{
	byte_row r;

	memcpy(&r, b, sizeof r);
	return r;
}

static inline byte_row byte_row_within(byte_row r, uint8_t first, uint8_t last)
{
	return (byte_row)(r - first <= (uint8_t)(last - first));
}

static inline byte_row byte_row_is(byte_row r, uint8_t c)
{
	return (byte_row)(r == c);
}

/* A bit for each byte, the first one's the lowest. flags: 0 or 0xff each. */
static inline uint32_t byte_row_bits(byte_row flags)
{
	uint64_t half[2];

	memcpy(half, &flags, sizeof half);
	for (unsigned i = 0; i < 2; i++)
		/* the sum of its bytes, in the highest one */
		half[i] = (le64toh(half[i]) & 0x8040201008040201u) *
				  0x0101010101010101u >>
			  56;
	return (uint32_t)(half[0] | half[1] << 8);
}
