/*
 * Eight bytes at a time by eight tables ("slicing by 8").
 *
 * Dividing by the polynomial is linear over XOR: what a byte in the k-th place
 * from the end leaves behind is the XOR of what each of its bits leaves there.
 * So 8 numbers make a table, and the compiler makes it of them: row k names
 * what is left of the bits 1, 2, 4 ... 128 with k bytes behind them.
 */
#include "base/crc32c.h"

#define ROW_0(F, i)                                                      \
	F(i, 0xf26b8303, 0xe13b70f7, 0xc79a971f, 0x8ad958cf, 0x105ec76f, \
	  0x20bd8ede, 0x417b1dbc, 0x82f63b78)
#define ROW_1(F, i)                                                      \
	F(i, 0x13a29877, 0x274530ee, 0x4e8a61dc, 0x9d14c3b8, 0x3fc5f181, \
	  0x7f8be302, 0xff17c604, 0xfbc3faf9)
#define ROW_2(F, i)                                                      \
	F(i, 0xa541927e, 0x4f6f520d, 0x9edea41a, 0x38513ec5, 0x70a27d8a, \
	  0xe144fb14, 0xc76580d9, 0x8b277743)
#define ROW_3(F, i)                                                      \
	F(i, 0xdd45aab8, 0xbf672381, 0x7b2231f3, 0xf64463e6, 0xe964b13d, \
	  0xd725148b, 0xaba65fe7, 0x52a0c93f)
#define ROW_4(F, i)                                                      \
	F(i, 0x38116fac, 0x7022df58, 0xe045beb0, 0xc5670b91, 0x8f2261d3, \
	  0x1ba8b557, 0x37516aae, 0x6ea2d55c)
#define ROW_5(F, i)                                                      \
	F(i, 0xef306b19, 0xdb8ca0c3, 0xb2f53777, 0x6006181f, 0xc00c303e, \
	  0x85f4168d, 0x0e045beb, 0x1c08b7d6)
#define ROW_6(F, i)                                                      \
	F(i, 0x68032cc8, 0xd0065990, 0xa5e0c5d1, 0x4e2dfd53, 0x9c5bfaa6, \
	  0x3d5b83bd, 0x7ab7077a, 0xf56e0ef4)
#define ROW_7(F, i)                                                      \
	F(i, 0x493c7d27, 0x9278fa4e, 0x211d826d, 0x423b04da, 0x847609b4, \
	  0x0d006599, 0x1a00cb32, 0x34019664)

#define BIT(i, b, left) (((i) >> (b)) & 1 ? (uint32_t)(left) : 0)
#define ENTRY(i, a, b, c, d, e, f, g, h)                            \
	BIT(i, 0, a) ^ BIT(i, 1, b) ^ BIT(i, 2, c) ^ BIT(i, 3, d) ^ \
		BIT(i, 4, e) ^ BIT(i, 5, f) ^ BIT(i, 6, g) ^ BIT(i, 7, h)
#define FROM_4(ROW, i)                                           \
	ROW(ENTRY, i), ROW(ENTRY, (i) + 1), ROW(ENTRY, (i) + 2), \
		ROW(ENTRY, (i) + 3)
#define FROM_16(ROW, i)                                             \
	FROM_4(ROW, i), FROM_4(ROW, (i) + 4), FROM_4(ROW, (i) + 8), \
		FROM_4(ROW, (i) + 12)
#define FROM_64(ROW, i)                                                  \
	FROM_16(ROW, i), FROM_16(ROW, (i) + 16), FROM_16(ROW, (i) + 32), \
		FROM_16(ROW, (i) + 48)
#define TABLE(ROW)                                                    \
	{                                                             \
		FROM_64(ROW, 0), FROM_64(ROW, 64), FROM_64(ROW, 128), \
			FROM_64(ROW, 192)                             \
	}

static const uint32_t left_of[8][256] = {
	TABLE(ROW_0), TABLE(ROW_1), TABLE(ROW_2), TABLE(ROW_3),
	TABLE(ROW_4), TABLE(ROW_5), TABLE(ROW_6), TABLE(ROW_7),
};

uint32_t crc32c_add(uint32_t crc, struct bytes b)
{
	uint8_t w[8], byte;

	while (take_copy(&b, w, sizeof w)) {
		w[0] ^= (uint8_t)crc;
		w[1] ^= (uint8_t)(crc >> 8);
		w[2] ^= (uint8_t)(crc >> 16);
		w[3] ^= (uint8_t)(crc >> 24);
		crc = left_of[7][w[0]] ^ left_of[6][w[1]] ^ left_of[5][w[2]] ^
		      left_of[4][w[3]] ^ left_of[3][w[4]] ^ left_of[2][w[5]] ^
		      left_of[1][w[6]] ^ left_of[0][w[7]];
	}
	while (take_u8(&b, &byte))
		crc = crc >> 8 ^ left_of[0][(crc ^ byte) & 0xff];
	return crc;
}
