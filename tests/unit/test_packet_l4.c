/*
 * TCP options and SCTP chunks: what is told of them, and what is refused.
 */
#include "packet/packet.h"

#include <stdlib.h>

#include "base/limits.h"
#include "frames.h"
#include "test.h"

#define BYTES(...)                        \
	(const uint8_t[]){ __VA_ARGS__ }, \
		sizeof((const uint8_t[]){ __VA_ARGS__ })
#define TSVAL 0, 0, 0, 9
#define TSECR 0, 0, 0, 7

static enum packet_outcome decode(struct packet *p, const uint8_t *b,
				  size_t len)
{
	return packet_decode(p, (struct frame){ .bytes = bytes_of(b, len),
						.wire_len = len });
}

/* --- TCP options --------------------------------------------------------- */

/* clang-format off */
static const struct option_row {
	const char *name;
	uint8_t flags;
	const uint8_t *options;
	size_t options_len; /* of 4s */
	bool want; /* then the rest */
	uint16_t mss;
	bool sack, timestamps, has_wscale;
	uint8_t wscale;
} option_rows[] = {
	{ "none", TCP_SYN, NULL, 0, true, 0, 0, 0, 0, 0 },
	{ "linux syn", TCP_SYN,
	  BYTES(2, 4, 5, 0xb4, 4, 2, 8, 10, TSVAL, 0, 0, 0, 0, 1, 3, 3, 7),
	  true, 1460, true, true, true, 7 },
	{ "the same without syn", TCP_ACK,
	  BYTES(2, 4, 5, 0xb4, 4, 2, 8, 10, TSVAL, 0, 0, 0, 0, 1, 3, 3, 7),
	  true, 0, false, true, false, 0 },
	{ "wscale 15 is 14", TCP_SYN, BYTES(3, 3, 15, 0), true, 0, 0, 0,
	  true, 14 },
	{ "the last one counts", TCP_SYN,
	  BYTES(2, 4, 1, 0, 2, 4, 0, 200), true, 200, 0, 0, 0, 0 },
	{ "nothing behind the end", TCP_SYN, BYTES(0, 2, 4, 5), true, 0, 0, 0,
	  0, 0 },
	{ "unknown kind", TCP_SYN, BYTES(34, 4, 1, 2), true, 0, 0, 0, 0, 0 },
	{ "length 0", TCP_SYN, BYTES(34, 0, 1, 2), false, 0, 0, 0, 0, 0 },
	{ "length 1", TCP_ACK, BYTES(34, 1, 1, 2), false, 0, 0, 0, 0, 0 },
	{ "over the end", TCP_ACK, BYTES(1, 34, 4, 2), false, 0, 0, 0, 0, 0 },
	{ "kind without a length", TCP_ACK, BYTES(1, 1, 1, 34), false, 0, 0, 0,
	  0, 0 },
	{ "mss of 3", TCP_SYN, BYTES(2, 3, 5, 0), false, 0, 0, 0, 0, 0 },
	{ "wscale of 4", TCP_SYN, BYTES(3, 4, 5, 0), false, 0, 0, 0, 0, 0 },
	{ "sack permitted of 3", TCP_SYN, BYTES(4, 3, 5, 0), false, 0, 0, 0, 0,
	  0 },
	{ "timestamps of 9", TCP_SYN,
	  BYTES(8, 9, TSVAL, 0, 0, 0, 0, 0, 0), false, 0, 0, 0, 0, 0 },
	{ "sack", TCP_ACK, BYTES(1, 1, 5, 10, 0, 0, 0, 1, 0, 0, 0, 2), true, 0,
	  0, 0, 0, 0 },
	{ "sack of nothing", TCP_ACK, BYTES(1, 1, 5, 2), false, 0, 0, 0, 0, 0 },
	{ "half a sack", TCP_ACK, BYTES(1, 1, 5, 6, 0, 0, 0, 1), false, 0, 0, 0,
	  0, 0 },
	{ "timestamps", TCP_ACK, BYTES(1, 1, 8, 10, TSVAL, TSECR), true, 0, 0,
	  true, 0, 0 },
	{ "time 0 in an ack", TCP_ACK,
	  BYTES(1, 1, 8, 10, 0, 0, 0, 0, TSECR), false, 0, 0, 0, 0, 0 },
	{ "the same, other order", TCP_ACK,
	  BYTES(8, 10, 0, 0, 0, 0, TSECR, 1, 1), false, 0, 0, 0, 0, 0 },
	{ "time 0 in a syn", TCP_SYN,
	  BYTES(1, 1, 8, 10, 0, 0, 0, 0, TSECR), true, 0, 0, true, 0, 0 },
	{ "time 0 in a syn ack", TCP_SYN | TCP_ACK,
	  BYTES(1, 1, 8, 10, 0, 0, 0, 0, TSECR), true, 0, 0, true, 0, 0 },
	{ "time 0 in a rst", TCP_RST,
	  BYTES(1, 1, 8, 10, 0, 0, 0, 0, TSECR), true, 0, 0, true, 0, 0 },
	{ "short in the usual place", TCP_ACK,
	  BYTES(1, 1, 8, 9, TSVAL, TSECR), false, 0, 0, 0, 0, 0 },
};
/* clang-format on */

static void check_option_row(const struct option_row *r)
{
	struct frame_spec s = { .saddr = "10.0.0.1",
				.daddr = "10.0.0.2",
				.proto = PROTO_TCP,
				.flags = r->flags,
				.payload = r->options,
				.payload_len = r->options_len };
	uint8_t buf[FRAME_SPEC_MAX];
	size_t len = frame_make(buf, &s);
	enum packet_outcome got;
	struct packet p;

	/* what was the payload becomes options */
	buf[46] = (uint8_t)((5 + r->options_len / 4) << 4);
	got = decode(&p, buf, len);
	assert_row(r->name, got == (r->want ? PACKET_OK : PACKET_L4_MALFORMED));
	if (!r->want)
		return;
	assert_row(r->name, p.payload_len == 0);
	assert_row(r->name, p.tcp_mss == r->mss);
	assert_row(r->name, p.tcp_has_sack == r->sack);
	assert_row(r->name, p.tcp_has_timestamps == r->timestamps);
	assert_row(r->name, p.tcp_has_wscale == r->has_wscale);
	assert_row(r->name, p.tcp_wscale == r->wscale);
}

static void test_tcp_options(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(option_rows); i++)
		check_option_row(&option_rows[i]);
}

/* --- SCTP chunks --------------------------------------------------------- */

#define TAG  0, 0, 0, 5
#define NONE 0, 0, 0, 0

/* clang-format off */
static const struct sctp_row {
	const char *name;
	const uint8_t *sctp; /* from the verification tag on */
	size_t len;
	bool want;
	uint8_t chunk;
} sctp_rows[] = {
	{ "init", BYTES(NONE, NONE, 1, 0, 0, 8, 1, 2, 3, 4), true, 1 },
	{ "init with a tag", BYTES(TAG, NONE, 1, 0, 0, 4), false, 0 },
	{ "init and data", BYTES(NONE, NONE, 1, 0, 0, 4, 0, 0, 0, 4), false,
	  0 },
	{ "data and init", BYTES(NONE, NONE, 0, 0, 0, 4, 1, 0, 0, 4), false,
	  0 },
	{ "init and 3 bytes", BYTES(NONE, NONE, 1, 0, 0, 4, 0, 0, 0), true,
	  1 },
	{ "init ack", BYTES(TAG, NONE, 2, 0, 0, 4), true, 2 },
	{ "init ack in company", BYTES(TAG, NONE, 2, 0, 0, 4, 3, 0, 0, 4),
	  false, 0 },
	{ "shutdown complete", BYTES(TAG, NONE, 14, 0, 0, 4), true, 14 },
	{ "the same in company", BYTES(TAG, NONE, 3, 0, 0, 4, 14, 0, 0, 4),
	  false, 0 },
	{ "sack and data", BYTES(TAG, NONE, 3, 0, 0, 4, 0, 3, 0, 8, 1, 2, 3,
	  4), true, 3 },
	{ "padded", BYTES(TAG, NONE, 3, 0, 0, 5, 9, 0, 0, 0, 0, 3, 0, 4), true,
	  3 },
	{ "last one unpadded", BYTES(TAG, NONE, 0, 3, 0, 5, 9), true, 0 },
	{ "over the end", BYTES(TAG, NONE, 0, 3, 0, 6, 9), false, 0 },
	{ "second over the end", BYTES(TAG, NONE, 3, 0, 0, 4, 0, 3, 0, 5),
	  false, 0 },
	{ "length 3", BYTES(TAG, NONE, 0, 3, 0, 3), false, 0 },
	{ "length 0", BYTES(TAG, NONE, 3, 0, 0, 4, 0, 0, 0, 0), false, 0 },
	{ "no chunk", BYTES(TAG, NONE), false, 0 },
	{ "half a chunk", BYTES(TAG, NONE, 0, 0, 0), false, 0 },
};
/* clang-format on */

static size_t sctp_make(uint8_t buf[FRAME_SPEC_MAX], const uint8_t *sctp,
			size_t len)
{
	struct frame_spec s = { .saddr = "10.0.0.1",
				.daddr = "10.0.0.2",
				.proto = PROTO_SCTP,
				.no_l4 = true,
				.payload_len = 4 + len };
	size_t frame_len = frame_make(buf, &s);

	buf[34] = 0x0f;
	buf[35] = 0xa0; /* 4000 */
	buf[37] = 80;
	memcpy(buf + 38, sctp, len);
	return frame_len;
}

static void test_sctp_chunks(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(sctp_rows); i++) {
		const struct sctp_row *r = &sctp_rows[i];
		uint8_t buf[FRAME_SPEC_MAX];
		size_t len = sctp_make(buf, r->sctp, r->len);
		enum packet_outcome got;
		struct packet p;

		got = decode(&p, buf, len);
		assert_row(r->name,
			   got == (r->want ? PACKET_OK : PACKET_L4_MALFORMED));
		if (!r->want)
			continue;
		assert_row(r->name, p.sport == 4000 && p.dport == 80);
		assert_row(r->name, p.sctp_chunk == r->chunk);
		assert_row(r->name, p.sctp_vtag == (r->chunk == 1 ? 0 : 5));
		assert_row(r->name, p.payload_len == r->len - 8);
	}
}

static void test_sctp_many_chunks(void **state)
{
	uint8_t sctp[8 + 4 * (SCTP_CHUNKS_MAX + 1)] = { TAG };
	size_t frame_len = 38 + sizeof sctp;
	uint8_t *b = malloc(frame_len);
	struct packet p;

	assert_non_null(b);
	assert_true(frame_len > FRAME_SPEC_MAX);
	for (size_t i = 0; i <= SCTP_CHUNKS_MAX; i++)
		sctp[8 + 4 * i + 3] = 4;
	(void)sctp_make(b, sctp, 8);
	memcpy(b + 38, sctp, sizeof sctp);
	b[16] = (uint8_t)((frame_len - 14) >> 8);
	b[17] = (uint8_t)(frame_len - 14);
	assert_int_equal(decode(&p, b, frame_len), PACKET_L4_MALFORMED);
	frame_len -= 4;
	b[16] = (uint8_t)((frame_len - 14) >> 8);
	b[17] = (uint8_t)(frame_len - 14);
	assert_int_equal(decode(&p, b, frame_len), PACKET_OK);
	free(b);
}

/* In a first fragment the chunks may end behind it. */
static void test_sctp_fragments(void **state)
{
	static const uint8_t data[] = { TAG, NONE, 0, 3, 1, 0, 1, 2, 3, 4 };
	uint8_t buf[FRAME_SPEC_MAX];
	size_t len = sctp_make(buf, data, sizeof data);
	struct packet p;

	assert_int_equal(decode(&p, buf, len), PACKET_L4_MALFORMED);
	buf[20] = 0x20;
	buf[17] = 20 + 16;
	assert_int_equal(decode(&p, buf, 34 + 16), PACKET_OK);
	assert_int_equal(p.sctp_vtag, 5);
	buf[17] = 20 + 8;
	assert_int_equal(decode(&p, buf, 34 + 8), PACKET_FRAG_TINY);
	/* a later one over the first chunk's header */
	buf[20] = 0;
	buf[21] = 1;
	assert_int_equal(decode(&p, buf, 34 + 8), PACKET_FRAG_TINY);
	buf[21] = 2;
	assert_int_equal(decode(&p, buf, 34 + 8), PACKET_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tcp_options),
		cmocka_unit_test(test_sctp_chunks),
		cmocka_unit_test(test_sctp_many_chunks),
		cmocka_unit_test(test_sctp_fragments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
