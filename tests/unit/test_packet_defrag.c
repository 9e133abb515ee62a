/*
 * What becomes of fragments, case by case. Random ones, against a model:
 * test_packet_defrag_model.c.
 */
#include "packet/defrag.h"

#include "base/limits.h"
#include "fragments.h"
#include "packet/frame_store.h"
#include "test.h"

#define LIFE_US	    (DEFRAG_LIFE_S * USEC_PER_SEC)
#define CONTENT_MAX 65535
#define ENDPOINT    3

static const usec_t start = { 1000 };
static uint8_t content[CONTENT_MAX];

static struct defrag *new_table(enum defrag_overlap overlap)
{
	struct defrag_options opt = defrag_defaults(1);
	struct defrag *t;

	opt.overlap = overlap;
	t = defrag_new(&opt);
	assert_non_null(t);
	return t;
}

static enum defrag_outcome push(struct defrag *t, const struct fragment_spec *s,
				const uint8_t *bytes, usec_t now,
				struct defrag_datagram *ret)
{
	/* the completing one is the caller's until it has looked */
	static uint8_t buf[FRAME_MAX];
	size_t len = fragment_make(buf, sizeof buf, s, bytes);
	struct frame frame = { .bytes = bytes_of(buf, len), .wire_len = len };
	struct packet p;

	assert_int_equal(packet_decode(&p, frame), PACKET_OK);
	return defrag_push(t, &p, ENDPOINT, true, now, ret);
}

static void assert_outcome(enum defrag_outcome got, enum defrag_outcome want)
{
	assert_string_equal(defrag_outcome_name(got),
			    defrag_outcome_name(want));
}

/* --- whole ones ----------------------------------------------------------- */

static const struct {
	const char *name;
	struct fragment_spec spec;
	uint32_t total, step;
} cuts[] = {
	{ "two", { .proto = PROTO_UDP, .ttl = 64 }, 100, 64 },
	{ "tagged", { .proto = PROTO_UDP, .ttl = 64, .vlan = 7 }, 100, 64 },
	{ "options", { .proto = 253, .ttl = 1, .more_headers = 5 }, 99, 8 },
	{ "ipv6", { .v6 = true, .proto = PROTO_UDP, .id = 0x12345678 }, 77, 8 },
	{ "ipv6 extensions",
	  { .v6 = true, .proto = 253, .more_headers = 3, .vlan = 9 },
	  2000,
	  1232 },
	{ "ecn", { .proto = 253, .ecn = 2 }, 100, 48 },
	{ "64 KiB, MTU 576", { .proto = 253 }, 65535 - 20, 552 },
	{ "64 KiB, MTU 9000", { .proto = 253 }, 65535 - 20, 8976 },
	{ "64 KiB of IPv6", { .v6 = true, .proto = 253 }, 65535, 1232 },
	{ "one of 60 KiB", { .proto = PROTO_UDP }, 61000, 60000 },
};

static uint32_t pieces_of(size_t row)
{
	return (cuts[row].total + cuts[row].step - 1) / cuts[row].step;
}

static struct fragment_spec piece_of(size_t row, uint32_t i)
{
	struct fragment_spec s = cuts[row].spec;

	s.off = i * cuts[row].step;
	s.more = i + 1 < pieces_of(row);
	s.len = s.more ? cuts[row].step : cuts[row].total - s.off;
	return s;
}

static void check_whole(size_t row, const struct defrag_datagram *whole)
{
	static uint8_t want[FRAME_MAX];
	struct fragment_spec s = cuts[row].spec;
	size_t len;

	s.whole = true;
	s.len = cuts[row].total;
	len = fragment_make(want, sizeof want, &s, content);
	assert_row(cuts[row].name, whole->n_fragments == pieces_of(row));
	assert_row(cuts[row].name, whole->frame.wire_len == len);
	assert_row(cuts[row].name, bytes_len(whole->frame.bytes) == len);
	assert_memory_equal(whole->frame.bytes.begin, want, len);
	for (uint32_t i = 0; i < whole->n_fragments; i++) {
		s = piece_of(row, i);
		len = fragment_make(want, sizeof want, &s, content + s.off);
		assert_int_equal(bytes_len(whole->fragments[i]), len);
		assert_memory_equal(whole->fragments[i].begin, want, len);
	}
}

/* Given in order, or the last first. */
static void check_cut(size_t row, bool backwards)
{
	struct defrag *t = new_table(DEFRAG_OVERLAP_KILL);
	uint32_t n = pieces_of(row);
	struct defrag_datagram whole = { 0 };
	enum defrag_outcome o = DEFRAG_HELD;

	for (uint32_t i = 0; i < n && o == DEFRAG_HELD; i++) {
		struct fragment_spec s =
			piece_of(row, backwards ? n - 1 - i : i);

		o = push(t, &s, content + s.off, start, &whole);
	}
	assert_row(cuts[row].name, o == DEFRAG_COMPLETE);
	check_whole(row, &whole);
	assert_int_equal(defrag_stats(t).count[DEFRAG_HELD], n - 1);
	assert_int_equal(defrag_stats(t).datagrams, 0);
	assert_int_equal(defrag_stats(t).fragments, 0);
	assert_true(defrag_stats(t).bytes > 0);
	defrag_release(t);
	assert_int_equal(defrag_stats(t).bytes, 0);
	defrag_free(t);
}

static void test_whole(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(cuts); i++) {
		check_cut(i, false);
		check_cut(i, true);
	}
}

/* The bytes before the cut, and the whole length. */
static void test_cut_by_snaplen(void **state)
{
	static uint8_t first[256], last[256];
	struct fragment_spec a = { .proto = 253, .len = 64, .more = true };
	struct fragment_spec b = { .proto = 253, .off = 64, .len = 36 };
	size_t first_len = fragment_make(first, sizeof first, &a, content);
	size_t last_len = fragment_make(last, sizeof last, &b, content + 64);
	struct defrag *t = new_table(DEFRAG_OVERLAP_KILL);
	struct defrag_datagram whole;
	struct packet p;

	assert_int_equal(
		packet_decode(&p, (struct frame){ .bytes = bytes_of(first, 54),
						  .wire_len = first_len }),
		PACKET_OK);
	assert_outcome(defrag_push(t, &p, 1, false, start, &whole),
		       DEFRAG_HELD);
	/* a copy that was captured whole says nothing else */
	assert_int_equal(
		packet_decode(
			&p, (struct frame){ .bytes = bytes_of(first, first_len),
					    .wire_len = first_len }),
		PACKET_OK);
	assert_outcome(defrag_push(t, &p, 1, false, start, &whole),
		       DEFRAG_DUPLICATE);
	assert_int_equal(
		packet_decode(&p,
			      (struct frame){ .bytes = bytes_of(last, last_len),
					      .wire_len = last_len }),
		PACKET_OK);
	assert_outcome(defrag_push(t, &p, 1, false, start, &whole),
		       DEFRAG_COMPLETE);
	assert_int_equal(whole.frame.wire_len, 14 + 20 + 100);
	assert_int_equal(bytes_len(whole.frame.bytes), 54);
	assert_memory_equal(whole.frame.bytes.begin + 34, content, 20);
	defrag_free(t);
}

/* What the rings say of a frame. */
static void test_port_and_checksum(void **state)
{
	static const struct frame_port port = { .kind = FRAME_PORT_PAIR };
	static uint8_t buf[256];
	static const struct {
		enum frame_csum_state given, want;
	} rows[] = {
		{ FRAME_CSUM_CHECK, FRAME_CSUM_CHECK },
		{ FRAME_CSUM_VALID, FRAME_CSUM_CHECK },
		{ FRAME_CSUM_UNFILLED, FRAME_CSUM_CHECK },
		{ FRAME_CSUM_CAPTURED, FRAME_CSUM_CAPTURED },
	};
	struct defrag *t = new_table(DEFRAG_OVERLAP_KILL);
	struct fragment_spec first = { .proto = 253, .len = 64, .more = true };
	struct fragment_spec last = { .proto = 253, .off = 64, .len = 36 };
	struct defrag_datagram whole;
	struct packet p;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		size_t len = fragment_make(buf, sizeof buf, &last, content);
		struct frame f = { .bytes = bytes_of(buf, len),
				   .wire_len = len,
				   .csum.state = rows[i].given,
				   .port = &port };

		assert_outcome(push(t, &first, content, start, &whole),
			       DEFRAG_HELD);
		assert_int_equal(packet_decode(&p, f), PACKET_OK);
		assert_outcome(
			defrag_push(t, &p, ENDPOINT, true, start, &whole),
			DEFRAG_COMPLETE);
		assert_ptr_equal(whole.frame.port, &port);
		assert_int_equal(whole.frame.csum.state, rows[i].want);
	}
	defrag_free(t);
}

/* --- contradictions ------------------------------------------------------- */

struct step {
	uint32_t off, len;
	bool more;
	bool other; /* other bytes than the datagram has there */
	enum defrag_outcome want;
};

#define HELD	  DEFRAG_HELD
#define COMPLETE  DEFRAG_COMPLETE
#define DUPLICATE DEFRAG_DUPLICATE
#define OVERLAP	  DEFRAG_OVERLAP
#define END	  DEFRAG_END
#define DEAD	  DEFRAG_DEAD

static const struct {
	const char *name;
	enum defrag_overlap overlap;
	struct step steps[6];
	unsigned n;
} contradictions[] = {
	{ "duplicate",
	  DEFRAG_OVERLAP_KILL,
	  { { 0, 16, true, false, HELD },
	    { 0, 16, true, false, DUPLICATE },
	    { 16, 9, false, false, COMPLETE } },
	  3 },
	{ "duplicate of the last",
	  DEFRAG_OVERLAP_KILL,
	  { { 16, 9, false, false, HELD },
	    { 16, 9, false, false, DUPLICATE },
	    { 0, 16, true, false, COMPLETE } },
	  3 },
	{ "same place, other bytes",
	  DEFRAG_OVERLAP_KILL,
	  { { 0, 16, true, false, HELD },
	    { 0, 16, true, true, OVERLAP },
	    { 0, 16, true, false, DEAD },
	    { 16, 9, false, false, DEAD } },
	  4 },
	{ "same place, other bytes: the first",
	  DEFRAG_OVERLAP_FIRST,
	  { { 0, 16, true, false, HELD },
	    { 0, 16, true, true, OVERLAP },
	    { 16, 9, false, false, COMPLETE } },
	  3 },
	{ "teardrop: inside",
	  DEFRAG_OVERLAP_KILL,
	  { { 0, 40, true, false, HELD },
	    { 24, 4, false, false, END },
	    { 40, 8, false, false, DEAD } },
	  3 },
	{ "inside, same bytes",
	  DEFRAG_OVERLAP_KILL,
	  { { 0, 40, true, false, HELD },
	    { 24, 8, true, false, OVERLAP },
	    { 40, 8, false, false, DEAD } },
	  3 },
	{ "over the end of the one before",
	  DEFRAG_OVERLAP_KILL,
	  { { 0, 16, true, false, HELD }, { 8, 16, true, false, OVERLAP } },
	  2 },
	{ "over the beginning of the one behind",
	  DEFRAG_OVERLAP_KILL,
	  { { 16, 16, true, false, HELD }, { 8, 16, true, false, OVERLAP } },
	  2 },
	{ "over two: the first",
	  DEFRAG_OVERLAP_FIRST,
	  { { 16, 8, true, false, HELD },
	    { 32, 8, true, false, HELD },
	    { 8, 40, true, true, OVERLAP },
	    { 0, 16, true, false, HELD },
	    { 24, 8, true, false, HELD },
	    { 40, 8, false, false, COMPLETE } },
	  6 },
	{ "a second end",
	  DEFRAG_OVERLAP_KILL,
	  { { 32, 8, false, false, HELD }, { 40, 8, false, false, END } },
	  2 },
	{ "behind the end",
	  DEFRAG_OVERLAP_FIRST,
	  { { 32, 8, false, false, HELD },
	    { 40, 8, true, false, END },
	    { 0, 32, true, false, COMPLETE } },
	  3 },
	{ "more behind the last one",
	  DEFRAG_OVERLAP_KILL,
	  { { 32, 8, false, false, HELD }, { 32, 8, true, false, END } },
	  2 },
	{ "ends before what is held",
	  DEFRAG_OVERLAP_KILL,
	  { { 32, 8, true, false, HELD }, { 16, 8, false, false, END } },
	  2 },
};

static void check_step(struct defrag *t, const char *row, const struct step *c)
{
	struct fragment_spec s = {
		.proto = 253, .off = c->off, .len = c->len, .more = c->more
	};
	static uint8_t other[256];
	struct defrag_datagram whole = { 0 };
	enum defrag_outcome o;

	memset(other, 0xee, sizeof other);
	o = push(t, &s, c->other ? other : content + c->off, start, &whole);
	assert_row(row, o == c->want);
	if (o != COMPLETE)
		return;
	assert_memory_equal(whole.frame.bytes.begin + 34, content,
			    bytes_len(whole.frame.bytes) - 34);
}

static void test_contradictions(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(contradictions); i++) {
		struct defrag *t = new_table(contradictions[i].overlap);

		for (unsigned k = 0; k < contradictions[i].n; k++)
			check_step(t, contradictions[i].name,
				   &contradictions[i].steps[k]);
		defrag_free(t);
	}
}

/* --- what belongs together ------------------------------------------------ */

#define UDP4 .proto = PROTO_UDP, .id = 7
#define UDP6 .v6 = true, .proto = PROTO_UDP, .id = 7

/* Is b, of endpoint 1 and ingress, the other half of a? */
static const struct {
	const char *name;
	struct fragment_spec a, b;
	uint16_t endpoint; /* of a; not 1: another one */
	bool egress;	   /* of a */
	bool together;
} pairs[] = {
	{ "same", { UDP4 }, { UDP4 }, 1, false, true },
	{ "other id",
	  { UDP4 },
	  { .proto = PROTO_UDP, .id = 8 },
	  1,
	  false,
	  false },
	{ "other source", { UDP4 }, { UDP4, .host = 2 }, 1, false, false },
	{ "other protocol",
	  { UDP4 },
	  { .proto = 253, .id = 7 },
	  1,
	  false,
	  false },
	{ "other VLAN",
	  { UDP4, .vlan = 5 },
	  { UDP4, .vlan = 6 },
	  1,
	  false,
	  false },
	{ "no VLAN", { UDP4, .vlan = 5 }, { UDP4 }, 1, false, false },
	{ "other endpoint", { UDP4 }, { UDP4 }, 2, false, false },
	{ "other way", { UDP4 }, { UDP4 }, 1, true, false },
	{ "other options",
	  { UDP4 },
	  { UDP4, .more_headers = 1 },
	  1,
	  false,
	  true },
	{ "other TTL", { UDP4 }, { UDP4, .ttl = 9 }, 1, false, true },
	{ "ipv6", { UDP6 }, { UDP6 }, 1, false, true },
	{ "ipv6, other high half of the id",
	  { UDP6 },
	  { .v6 = true, .proto = PROTO_UDP, .id = 0x10007 },
	  1,
	  false,
	  false },
	{ "ipv6, other next header",
	  { UDP6 },
	  { .v6 = true, .proto = 253, .id = 7 },
	  1,
	  false,
	  true },
	{ "ipv6, other source",
	  { UDP6 },
	  { UDP6, .host = 2 },
	  1,
	  false,
	  false },
};

static void test_pairs(void **state)
{
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		struct defrag *t = new_table(DEFRAG_OVERLAP_KILL);
		struct fragment_spec a = pairs[i].a, b = pairs[i].b;
		struct defrag_datagram whole;
		static uint8_t buf[256];
		enum defrag_outcome o;
		struct packet p;
		size_t len;

		a.len = b.off = b.len = 16;
		a.more = true;
		len = fragment_make(buf, sizeof buf, &a, content);
		assert_int_equal(
			packet_decode(
				&p, (struct frame){ .bytes = bytes_of(buf, len),
						    .wire_len = len }),
			PACKET_OK);
		o = defrag_push(t, &p, pairs[i].endpoint, !pairs[i].egress,
				start, &whole);
		assert_outcome(o, HELD);
		len = fragment_make(buf, sizeof buf, &b, content + 16);
		assert_int_equal(
			packet_decode(
				&p, (struct frame){ .bytes = bytes_of(buf, len),
						    .wire_len = len }),
			PACKET_OK);
		o = defrag_push(t, &p, 1, true, start, &whole);
		if (o != (pairs[i].together ? COMPLETE : HELD))
			fail_msg("%s", pairs[i].name);
		defrag_free(t);
	}
}

/* Also where the bytes asked for begin behind the first block. */
static void test_store(void **state)
{
	static uint8_t linear[4 * DEFRAG_BLOCK_BYTES];
	struct outbytes out = outbytes_of(linear, sizeof linear);
	const size_t len = 3 * DEFRAG_BLOCK_BYTES + 1;
	uint8_t other = (uint8_t)~content[len - 1];
	struct frame_store s;
	struct bytes got;
	uint32_t f, small;

	assert_true(frame_store_init(&s, 5));
	small = frame_store_put(&s, bytes_of(content, DEFRAG_BLOCK_BYTES));
	f = frame_store_put(&s, bytes_of(content, len));
	assert_int_equal(frame_store_room(&s), 0);
	for (size_t at = 0; at < len; at += 97)
		assert_true(frame_store_equal(
			&s, f, at, bytes_of(content + at, len - at)));
	assert_false(frame_store_equal(&s, f, len - 1, bytes_of(&other, 1)));
	got = frame_store_get(&s, f, len, &out);
	assert_int_equal(bytes_len(got), len);
	assert_memory_equal(got.begin, content, len);
	got = frame_store_get(&s, small, DEFRAG_BLOCK_BYTES, &out);
	assert_int_equal(outbytes_len(&out), len); /* where it lies */
	assert_memory_equal(got.begin, content, DEFRAG_BLOCK_BYTES);
	frame_store_drop(&s, f);
	assert_int_equal(frame_store_room(&s), 4);
	frame_store_done(&s);
	frame_store_done(&s);
}

/* RFC 3168 5.3: a router may mark what is ECN-capable, and nothing else. */
static void test_ecn(void **state)
{
	static const struct {
		uint8_t a, b;
		enum defrag_outcome want;
	} rows[] = {
		{ 0, 0, COMPLETE }, { 1, 3, COMPLETE },	  { 2, 3, COMPLETE },
		{ 3, 3, COMPLETE }, { 0, 3, DEFRAG_ECN }, { 2, 0, DEFRAG_ECN },
	};
	struct defrag *t = new_table(DEFRAG_OVERLAP_KILL);
	struct defrag_datagram whole;

	for (size_t i = 0; i < 2 * ARRAY_LEN(rows); i++) {
		struct fragment_spec s = { .v6 = i % 2,
					   .proto = 253,
					   .id = (uint32_t)i,
					   .len = 16,
					   .more = true,
					   .ecn = rows[i / 2].a };

		assert_outcome(push(t, &s, content, start, &whole), HELD);
		s.off = 16;
		s.more = false;
		s.ecn = rows[i / 2].b;
		assert_outcome(push(t, &s, content + 16, start, &whole),
			       rows[i / 2].want);
	}
	defrag_free(t);
}

/* --- limits --------------------------------------------------------------- */

static void last_gone(void *arg, const struct defrag_gone *g)
{
	*(struct defrag_gone *)arg = *g;
}

static void test_too_many(void **state)
{
	struct defrag *t = new_table(DEFRAG_OVERLAP_FIRST);
	struct fragment_spec s = { .proto = 253, .len = 8, .more = true };
	struct defrag_datagram whole;
	struct defrag_gone gone = { 0 };

	defrag_on_gone(t, last_gone, &gone);
	for (int i = 0; i < DEFRAG_FRAGMENTS_MAX; i++, s.off += 8)
		assert_outcome(push(t, &s, content, start, &whole), HELD);
	assert_outcome(push(t, &s, content, start, &whole), DEFRAG_TOO_MANY);
	assert_int_equal(gone.why, DEFRAG_TOO_MANY);
	assert_int_equal(gone.n_fragments, DEFRAG_FRAGMENTS_MAX);
	assert_int_equal(gone.endpoint, ENDPOINT);
	assert_true(gone.ingress);
	assert_int_equal(gone.proto, 253);
	assert_int_equal(defrag_stats(t).bytes, 0);
	assert_int_equal(defrag_stats(t).datagrams, 1);
	assert_outcome(push(t, &s, content, start, &whole), DEAD);
	defrag_free(t);
}

/* Small pieces in large frames. */
static void test_too_large(void **state)
{
	struct defrag *t = new_table(DEFRAG_OVERLAP_KILL);
	struct fragment_spec s = { .proto = 253,
				   .len = 8,
				   .more = true,
				   .padding = 4096 - 14 - 20 - 8 };
	struct defrag_datagram whole;

	for (int i = 0; i < DEFRAG_FRAMES_BYTES / 4096; i++, s.off += 8)
		assert_outcome(push(t, &s, content, start, &whole), HELD);
	assert_outcome(push(t, &s, content, start, &whole), DEFRAG_TOO_LARGE);
	defrag_free(t);
}

/* Each of both is right, and together they are not. */
static void test_too_long(void **state)
{
	struct defrag *t = new_table(DEFRAG_OVERLAP_KILL);
	struct fragment_spec s = {
		.proto = 253, .len = 32768, .more = true, .more_headers = 1
	};
	struct defrag_datagram whole;

	for (int v6 = 0; v6 < 2; v6++) {
		s.v6 = v6;
		s.off = 0;
		s.len = 32768;
		s.more = true;
		s.more_headers = 1;
		assert_outcome(push(t, &s, content, start, &whole), HELD);
		s.off = s.len;
		s.len = 65535 - 20 - 32768;
		s.len += v6 ? 20 : 0;
		s.more = false;
		s.more_headers = 0;
		assert_outcome(push(t, &s, content, start, &whole),
			       DEFRAG_TOO_LONG);
	}
	defrag_free(t);
}

/* To the microsecond, also for one that was killed. */
static void test_life(void **state)
{
	struct defrag *t = new_table(DEFRAG_OVERLAP_KILL);
	struct fragment_spec first = { .proto = 253, .len = 16, .more = true };
	struct fragment_spec last = { .proto = 253, .off = 16, .len = 4 };
	usec_t before_end = usec_add(start, LIFE_US - 1);
	usec_t end = usec_add(start, LIFE_US);
	struct defrag_datagram whole;
	struct defrag_gone gone = { 0 };

	defrag_on_gone(t, last_gone, &gone);
	assert_outcome(push(t, &first, content, start, &whole), HELD);
	assert_int_equal(defrag_age(t, before_end, 9), 0);
	assert_outcome(push(t, &last, content + 16, before_end, &whole),
		       COMPLETE);
	assert_outcome(push(t, &first, content, start, &whole), HELD);
	assert_outcome(push(t, &last, content + 16, end, &whole), HELD);
	assert_int_equal(gone.why, DEFRAG_LOST_LAST);
	assert_int_equal(defrag_age(t, usec_add(end, LIFE_US), 9), 1);
	assert_int_equal(gone.why, DEFRAG_LOST_FIRST);

	assert_outcome(push(t, &first, content, start, &whole), HELD);
	assert_outcome(push(t, &first, content + 1, start, &whole), OVERLAP);
	assert_outcome(push(t, &last, content, before_end, &whole), DEAD);
	gone.n_fragments = 4711;
	assert_int_equal(defrag_age(t, before_end, 9), 0);
	assert_int_equal(defrag_age(t, end, 9), 1);
	assert_int_equal(gone.n_fragments, 4711);
	defrag_free(t);
}

/* However much one sends, what another one has begun gets whole. */
static void test_one_source_leaves_the_others_alone(void **state)
{
	struct defrag *t = new_table(DEFRAG_OVERLAP_KILL);
	struct fragment_spec s = { .host = 1, .proto = 253, .more = true };
	struct fragment_spec flood = { .host = 2, .proto = 253, .more = true };
	struct defrag_datagram whole;

	s.len = flood.len = 1480;
	assert_outcome(push(t, &s, content, start, &whole), HELD);
	for (flood.id = 0; flood.id < 4 * DEFRAG_DATAGRAMS_MAX; flood.id++)
		for (flood.off = 0; flood.off < 5 * flood.len;
		     flood.off += flood.len)
			assert_outcome(push(t, &flood, content, start, &whole),
				       HELD);
	assert_true(defrag_stats(t).count[DEFRAG_EVICTED_SOURCE] > 0);
	assert_int_equal(defrag_stats(t).count[DEFRAG_EVICTED], 0);
	s.off = s.len;
	s.more = false;
	assert_outcome(push(t, &s, content, start, &whole), COMPLETE);
	defrag_free(t);
	defrag_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_cut_by_snaplen),
		cmocka_unit_test(test_port_and_checksum),
		cmocka_unit_test(test_contradictions),
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_store),
		cmocka_unit_test(test_ecn),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_life),
		cmocka_unit_test(test_one_source_leaves_the_others_alone),
	};

	for (size_t i = 0; i < sizeof content; i++)
		content[i] = (uint8_t)(i * 7 + i / 256);
	content[4] = 0; /* a UDP header's length, if it is one */
	content[5] = 8;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
