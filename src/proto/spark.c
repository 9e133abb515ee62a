/*
 * Spark's network library: frames of length (8, with itself), type (1), and by type
 *
 *   0 fetch of a chunk   stream (8), chunk (4)
 *   3 call               number (8), length of the rest (4)
 *   6 stream             length of its name (4)
 *   9 one-way message    length of the rest (4)
 *
 * where the inner length must agree with the frame's. Both sides may begin.
 */
#include "proto/spark.h"

#include "base/bytes.h"

#define FRAME_LEN_MAX (1u << 30)

static enum proto_guess is_frame(struct bytes b)
{
	uint64_t len, head = 8 + 1;
	uint32_t inner;
	uint8_t type;

	for (size_t i = 0; i < 4 && i < bytes_len(b); i++)
		if (b.begin[i])
			return PROTO_NO;
	if (!take_be64(&b, &len) || !take_u8(&b, &type))
		return PROTO_MAYBE;
	if (len > FRAME_LEN_MAX)
		return PROTO_NO;
	if (type == 0)
		return len == head + 12 ? PROTO_YES : PROTO_NO;
	if (type != 3 && type != 6 && type != 9)
		return PROTO_NO;
	if (type == 3) {
		head += 8;
		if (!take_skip(&b, 8))
			return PROTO_MAYBE;
	}
	if (!take_be32(&b, &inner))
		return PROTO_MAYBE;
	return inner > 0 && len == head + 4 + inner ? PROTO_YES : PROTO_NO;
}

static enum proto_guess recognise(const struct proto_opening *o)
{
	struct bytes first = o->said[o->first];

	return bytes_len(first) > 0 ? is_frame(first) : PROTO_MAYBE;
}

const struct proto_parser proto_spark = {
	.name = "spark",
	.app = APP_SPARK,
	.tcp = true,
	.recognise = recognise,
};
