/*
 * The defragmenter against a naive model: an array of datagrams by age, each
 * with all that came of it, searched from front to back and byte by byte.
 * Random fragments are given to both: in any order, again, with other bytes,
 * over each other, contradicting each other about the end, cut by a snaplen, of
 * more sources and larger than there is room for. After each, what was
 * answered, every byte of what is whole, who is gone and why, and the counts
 * are compared. The seed is printed; WEIR_SEED=n runs that one.
 *
 * Now and then all is saved, and what goes on was loaded from it; and bits of such
 * an image are turned around, and what comes of that can be used, or is nothing.
 */
#include "packet/defrag.h"

#include <stdlib.h>
#include <time.h>

#include "base/limits.h"
#include "fragments.h"
#include "images.h"
#include "seed.h"
#include "test.h"

#define OPERATIONS 40000
#define LIFE_US	   (DEFRAG_LIFE_S * USEC_PER_SEC)
#define UNIT	   2048 /* a piece of a large datagram: two blocks */
#define CONTENT	   (9 * UNIT + 8)
#define FRAME_ROOM (CONTENT + 256)
#define KEYS	   24
#define ENDPOINTS  3
#define EVENTS	   64

static const struct defrag_options small = {
	.datagrams = 9,
	.blocks = 28,
	.source_datagrams = 4,
	.source_blocks = 9,
};

struct model_fragment {
	struct fragment_spec spec;
	uint32_t captured; /* of the content */
	uint32_t frame_len;
	uint8_t frame[FRAME_ROOM];
	uint8_t content[CONTENT];
};

struct model_datagram {
	int key;
	usec_t since;
	bool dead;
	unsigned n;
	struct model_fragment *fragments[DEFRAG_FRAGMENTS_MAX];
};

struct event {
	enum defrag_outcome why;
	unsigned n_fragments;
	uint32_t frame_bytes;
	uint32_t id;
};

struct events {
	struct event list[EVENTS];
	unsigned n;
};

struct model {
	struct defrag *table;
	struct defrag_options opt;
	struct model_datagram datagrams[16]; /* oldest first */
	unsigned n;
	struct events want, got;
	uint64_t count[DEFRAG__MAX];
	usec_t now;
	uint64_t random;
};

/* xorshift64*: the same numbers everywhere. */
static uint32_t any(struct model *m, uint32_t below)
{
	m->random ^= m->random >> 12;
	m->random ^= m->random << 25;
	m->random ^= m->random >> 27;
	return (uint32_t)((m->random * 0x2545f4914f6cdd1dULL) >> 33) % below;
}

/* --- what a key stands for ------------------------------------------------ */

static struct fragment_spec spec_of(int key)
{
	return (struct fragment_spec){
		.v6 = key % 2,
		.host = (uint8_t)(1 + key / 2 % 2),
		.proto = key / 4 % 2 ? 253 : PROTO_UDP,
		.vlan = key % 3 == 0,
		/* IPv6 ids differ above the 16 bits of IPv4 ones, too */
		.id = (uint32_t)key * (key % 2 ? 0x10001u : 1u),
	};
}

static uint16_t endpoint_of(int key)
{
	return (uint16_t)(key / 4 % ENDPOINTS);
}

static bool ingress_of(int key)
{
	return key / 8 % 2;
}

static bool same_source(int a, int b)
{
	struct fragment_spec sa = spec_of(a), sb = spec_of(b);

	return endpoint_of(a) == endpoint_of(b) &&
	       ingress_of(a) == ingress_of(b) &&
	       (!ingress_of(a) || (sa.host == sb.host && sa.v6 == sb.v6));
}

/* --- the model ------------------------------------------------------------ */

static uint32_t end_of(const struct model_fragment *f)
{
	return f->spec.off + f->spec.len;
}

static uint32_t blocks_of(const struct model_datagram *d)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < d->n; i++)
		n += (d->fragments[i]->frame_len - 1) / DEFRAG_BLOCK_BYTES + 1;
	return n;
}

static const struct model_fragment *holder(const struct model_datagram *d,
					   uint32_t byte)
{
	for (unsigned i = 0; i < d->n; i++)
		if (d->fragments[i]->spec.off <= byte &&
		    byte < end_of(d->fragments[i]))
			return d->fragments[i];
	return NULL;
}

/* 0: no last fragment is held. */
static uint32_t total_of(const struct model_datagram *d)
{
	for (unsigned i = 0; i < d->n; i++)
		if (!d->fragments[i]->spec.more)
			return end_of(d->fragments[i]);
	return 0;
}

static void empty(struct model_datagram *d)
{
	for (unsigned i = 0; i < d->n; i++)
		free(d->fragments[i]);
	d->n = 0;
}

static void note(struct events *e, struct event event)
{
	assert_true(e->n < EVENTS);
	e->list[e->n++] = event;
}

static void expect_gone(struct model *m, const struct model_datagram *d,
			enum defrag_outcome why)
{
	struct event e = { .why = why,
			   .n_fragments = d->n,
			   .id = spec_of(d->key).id };

	for (unsigned i = 0; i < d->n; i++)
		e.frame_bytes += d->fragments[i]->frame_len;
	note(&m->want, e);
}

static bool is_over(const struct model *m, const struct model_datagram *d)
{
	return usec_since(m->now, d->since) >= LIFE_US;
}

static void model_end(struct model *m, unsigned at, enum defrag_outcome why)
{
	struct model_datagram *d = &m->datagrams[at];

	if (!d->dead) {
		if (is_over(m, d) && why != DEFRAG_FORGOTTEN)
			why = !holder(d, 0) ? DEFRAG_LOST_FIRST
			      : total_of(d) ? DEFRAG_LOST_MIDDLE
					    : DEFRAG_LOST_LAST;
		m->count[why]++;
		expect_gone(m, d, why);
	}
	empty(d);
	m->n--;
	memmove(d, d + 1, (m->n - at) * sizeof *d);
}

/* The first of that source (any: -1) that is not `but`; n if there is none. */
static unsigned oldest(const struct model *m, int source, int but)
{
	unsigned i = 0;

	while (i < m->n &&
	       (m->datagrams[i].key == but ||
		(source >= 0 && !same_source(m->datagrams[i].key, source))))
		i++;
	return i;
}

static uint32_t use_of(const struct model *m, int source, bool of_blocks)
{
	uint32_t n = 0;

	for (unsigned i = 0; i < m->n; i++)
		if (source < 0 || same_source(m->datagrams[i].key, source))
			n += of_blocks ? blocks_of(&m->datagrams[i]) : 1;
	return n;
}

static struct model_datagram *model_find(struct model *m, int key)
{
	for (unsigned i = 0; i < m->n; i++)
		if (m->datagrams[i].key == key)
			return &m->datagrams[i];
	return NULL;
}

static struct model_datagram *model_begin(struct model *m, int key)
{
	struct model_datagram *d = model_find(m, key);

	if (d && !is_over(m, d))
		return d;
	if (d)
		model_end(m, (unsigned)(d - m->datagrams), DEFRAG_LOST_FIRST);
	if (use_of(m, key, false) == m->opt.source_datagrams)
		model_end(m, oldest(m, key, -1), DEFRAG_EVICTED_SOURCE);
	if (m->n == m->opt.datagrams)
		model_end(m, 0, DEFRAG_EVICTED);
	d = &m->datagrams[m->n++];
	*d = (struct model_datagram){ .key = key, .since = m->now };
	return d;
}

static bool is_duplicate(const struct model_datagram *d,
			 const struct model_fragment *f)
{
	for (unsigned i = 0; i < d->n; i++) {
		const struct model_fragment *h = d->fragments[i];
		uint32_t len = h->captured < f->captured ? h->captured
							 : f->captured;

		if (h->spec.off == f->spec.off && h->spec.len == f->spec.len &&
		    h->spec.more == f->spec.more &&
		    memcmp(h->content, f->content, len) == 0)
			return true;
	}
	return false;
}

static enum defrag_outcome model_consider(const struct model_datagram *d,
					  const struct model_fragment *f)
{
	uint32_t total = total_of(d);

	if (d->dead)
		return DEFRAG_DEAD;
	if (is_duplicate(d, f))
		return DEFRAG_DUPLICATE;
	if (total && (f->spec.more ? end_of(f) >= total : end_of(f) != total))
		return DEFRAG_END;
	for (unsigned i = 0; i < d->n; i++)
		if (!f->spec.more && end_of(d->fragments[i]) > end_of(f))
			return DEFRAG_END;
	for (uint32_t at = f->spec.off; at < end_of(f); at++)
		if (holder(d, at))
			return DEFRAG_OVERLAP;
	return DEFRAG_HELD;
}

/* What is left when room was made for f; false: it cannot be made. */
static bool model_make_room(struct model *m, int key,
			    const struct model_fragment *f)
{
	uint32_t need = (f->frame_len - 1) / DEFRAG_BLOCK_BYTES + 1;

	while (use_of(m, key, true) + need > m->opt.source_blocks) {
		unsigned victim = oldest(m, key, key);

		if (victim == m->n)
			return false;
		model_end(m, victim, DEFRAG_EVICTED_SOURCE);
	}
	while (use_of(m, -1, true) + need > m->opt.blocks)
		model_end(m, oldest(m, -1, key), DEFRAG_EVICTED);
	return true;
}

static bool model_is_whole(const struct model_datagram *d)
{
	uint32_t total = total_of(d);

	for (uint32_t at = 0; at < total; at++)
		if (!holder(d, at))
			return false;
	return total > 0;
}

static bool ecn_is_mixed(const struct model_datagram *d)
{
	unsigned capable = 0;

	for (unsigned i = 0; i < d->n; i++)
		capable += d->fragments[i]->spec.ecn > 0;
	return capable > 0 && capable < d->n;
}

static void model_kill(struct model *m, struct model_datagram *d,
		       enum defrag_outcome why)
{
	expect_gone(m, d, why);
	empty(d);
	d->dead = true;
}

/* What defrag_push(f) is to answer; takes f if it is now part of d. */
static enum defrag_outcome model_push(struct model *m, int key,
				      struct model_fragment *f, bool *ret_taken)
{
	struct model_datagram *d = model_begin(m, key);
	enum defrag_outcome o = model_consider(d, f);
	bool first = m->opt.overlap == DEFRAG_OVERLAP_FIRST;

	*ret_taken = false;
	if (o == DEFRAG_OVERLAP || o == DEFRAG_END) {
		if (!first)
			model_kill(m, d, o);
		return o;
	}
	if (o != DEFRAG_HELD)
		return o;
	assert_true(d->n < DEFRAG_FRAGMENTS_MAX);
	d->fragments[d->n++] = f;
	if (model_is_whole(d)) {
		o = ecn_is_mixed(d) ? DEFRAG_ECN : DEFRAG_COMPLETE;
		if (o == DEFRAG_ECN) {
			d->n--; /* the new one is not told of */
			model_kill(m, d, o);
		}
		*ret_taken = o == DEFRAG_COMPLETE;
		return o;
	}
	d->n--;
	if (!model_make_room(m, key, f)) {
		model_kill(m, model_find(m, key), DEFRAG_TOO_LARGE);
		return DEFRAG_TOO_LARGE;
	}
	d = model_find(m, key); /* others before it may be gone */
	d->fragments[d->n++] = f;
	*ret_taken = true;
	return DEFRAG_HELD;
}

/* --- comparing ------------------------------------------------------------ */

static void told(void *arg, const struct defrag_gone *g)
{
	struct model *m = arg;

	note(&m->got, (struct event){ g->why, g->n_fragments, g->frame_bytes,
				      g->frag_id });
}

static void compare_events(struct model *m)
{
	assert_int_equal(m->got.n, m->want.n);
	for (unsigned i = 0; i < m->got.n; i++) {
		const struct event *g = &m->got.list[i];
		const struct event *w = &m->want.list[i];

		assert_string_equal(defrag_outcome_name(g->why),
				    defrag_outcome_name(w->why));
		assert_int_equal(g->id, w->id);
		assert_int_equal(g->n_fragments, w->n_fragments);
		assert_int_equal(g->frame_bytes, w->frame_bytes);
	}
	m->got.n = m->want.n = 0;
}

static void compare_stats(const struct model *m)
{
	struct defrag_stats s = defrag_stats(m->table);
	uint32_t sources = 0, fragments = 0;

	for (unsigned i = 0; i < m->n; i++) {
		sources += oldest(m, m->datagrams[i].key, -1) == i;
		fragments += m->datagrams[i].n;
	}
	assert_int_equal(s.datagrams, m->n);
	assert_int_equal(s.fragments, fragments);
	assert_int_equal(s.sources, sources);
	assert_int_equal(s.bytes, use_of(m, -1, true) * DEFRAG_BLOCK_BYTES);
	for (int o = 0; o < DEFRAG__MAX; o++)
		assert_int_equal(s.count[o], m->count[o]);
}

static void compare_whole(const struct model_datagram *d,
			  const struct defrag_datagram *got)
{
	static uint8_t content[CONTENT], want[FRAME_ROOM];
	struct fragment_spec spec = holder(d, 0)->spec;
	size_t wire_len, captured = 0;
	uint32_t at = 0;
	const struct model_fragment *f;

	assert_int_equal(got->n_fragments, d->n);
	spec.whole = true;
	spec.padding = 0;
	spec.len = total_of(d);
	for (unsigned i = 0; at < spec.len; at = end_of(f), i++) {
		f = holder(d, at);
		memcpy(content + at, f->content, f->spec.len);
		assert_int_equal(bytes_len(got->fragments[i]), f->frame_len);
		assert_memory_equal(got->fragments[i].begin, f->frame,
				    f->frame_len);
	}
	while (captured < spec.len &&
	       captured - holder(d, (uint32_t)captured)->spec.off <
		       holder(d, (uint32_t)captured)->captured)
		captured++;
	wire_len = fragment_make(want, sizeof want, &spec, content);
	assert_int_equal(got->frame.wire_len, wire_len);
	assert_int_equal(bytes_len(got->frame.bytes),
			 wire_len - spec.len + captured);
	assert_memory_equal(got->frame.bytes.begin, want,
			    bytes_len(got->frame.bytes));
}

/* --- operations ----------------------------------------------------------- */

/* The same key has the same datagram, except now and then. */
static void fill(struct model *m, int key, struct model_fragment *f)
{
	uint32_t off = f->spec.off;

	for (uint32_t i = 0; i < f->spec.len; i++)
		f->content[i] = (uint8_t)((off + i) * 7u + (unsigned)key * 3u);
	/* a UDP header that says no more than there is */
	if (off == 0)
		memcpy(f->content + 4, (uint8_t[]){ 0, 8 }, 2);
	if (any(m, 60) == 0)
		f->content[any(m, f->spec.len)] ^= 0x80;
	if (off == 0)
		f->content[4] = 0;
}

/* Pieces of the same length each, mostly. */
static struct model_fragment *draw_fragment(struct model *m, int key)
{
	struct model_fragment *f = calloc(1, sizeof *f);
	uint32_t unit = key % 5 == 0 ? UNIT : 8u * (1 + (unsigned)key % 4);
	uint32_t n = 2 + (unsigned)key % 7, at = any(m, n);
	struct fragment_spec *s = &f->spec;

	assert_non_null(f);
	*s = spec_of(key);
	s->ttl = (uint8_t)(1 + any(m, 3));
	s->ecn = (uint8_t)(key % 4 == 2 ? 1 + any(m, 2) : 0);
	if (any(m, 100) == 0)
		s->ecn = (uint8_t)any(m, 4);
	s->more_headers = (uint8_t)(any(m, 4) == 0 ? any(m, 3) : 0);
	s->padding = any(m, 8) == 0 ? (uint16_t)any(m, 30) : 0;
	s->off = at * unit;
	s->len = unit;
	s->more = at + 1 < n;
	if (!s->more && key % 3)
		s->len -= 3; /* the last one can be of any length */
	if (any(m, 30) == 0)
		s->len += unit;
	if (any(m, 30) == 0 && s->len > 8)
		s->off += 8;
	if (s->off > 0 && any(m, 50) == 0)
		s->more = !s->more && s->len % 8 == 0;
	fill(m, key, f);
	f->captured = s->len;
	f->frame_len = (uint32_t)fragment_make(f->frame, sizeof f->frame, s,
					       f->content);
	return f;
}

/* As a snaplen does it: nothing that packet_decode() wants is missing. */
static void cut(struct model *m, struct model_fragment *f)
{
	uint32_t keep = f->spec.off == 0 && f->spec.proto == PROTO_UDP ? 8 : 0;

	f->captured = keep + any(m, f->spec.len - keep + 1);
	f->frame_len -= f->spec.len - f->captured + f->spec.padding;
	f->spec.padding = 0;
}

static void op_push(struct model *m)
{
	/* few at a time, so that some get whole, and others after them */
	int key = (int)((m->now.us / (4 * USEC_PER_SEC) + any(m, 8)) % KEYS);
	struct model_fragment *f = draw_fragment(m, key);
	size_t wire_len = f->frame_len;
	struct defrag_datagram whole = { .n_fragments = 4711 };
	enum defrag_outcome want, got;
	struct packet p;
	bool taken;

	if (any(m, 40) == 0)
		cut(m, f);
	assert_int_equal(
		packet_decode(&p,
			      (struct frame){
				      .bytes = bytes_of(f->frame, f->frame_len),
				      .wire_len = wire_len }),
		PACKET_OK);
	got = defrag_push(m->table, &p, endpoint_of(key), ingress_of(key),
			  m->now, &whole);
	want = model_push(m, key, f, &taken);
	assert_string_equal(defrag_outcome_name(got),
			    defrag_outcome_name(want));
	m->count[want]++;
	compare_events(m);
	if (want == DEFRAG_COMPLETE) {
		struct model_datagram *d = model_find(m, key);

		compare_whole(d, &whole);
		empty(d);
		m->n--;
		memmove(d, d + 1,
			(size_t)(m->datagrams + m->n - d) * sizeof *d);
		defrag_release(m->table);
		return;
	}
	assert_int_equal(whole.n_fragments, 4711);
	if (!taken)
		free(f);
}

static void op_age(struct model *m)
{
	uint32_t most = any(m, 4), n = 0;

	for (; n < most && m->n > 0 && is_over(m, &m->datagrams[0]); n++)
		model_end(m, 0, DEFRAG_LOST_FIRST);
	assert_int_equal(defrag_age(m->table, m->now, most), n);
	compare_events(m);
}

static void op_forget(struct model *m)
{
	uint16_t endpoint = (uint16_t)any(m, ENDPOINTS);

	for (unsigned i = 0; i < m->n;)
		if (endpoint_of(m->datagrams[i].key) == endpoint)
			model_end(m, i, DEFRAG_FORGOTTEN);
		else
			i++;
	defrag_forget_endpoint(m->table, endpoint);
	compare_events(m);
}

/* --- handed over ---------------------------------------------------------- */

static void image_of(struct images *i, const struct defrag *t)
{
	IMAGES_OF(i, defrag_save, t);
}

static void op_hand_over(struct model *m)
{
	struct defrag_options opt = m->opt;
	struct images i;

	opt.seed = m->opt.seed + any(m, 1000);
	image_of(&i, m->table);
	defrag_free(m->table);
	m->table = defrag_new(&opt);
	assert_non_null(m->table);
	defrag_on_gone(m->table, told, m);
	assert_true(defrag_load(m->table, &i.r));
	free(i.memory);
}

static unsigned refused, loaded;

/* Some fragments more, then it is the end of all. */
static void use_up(struct model *m, struct defrag *t)
{
	struct defrag_datagram whole;
	struct packet p;

	for (unsigned i = 0; i < 30; i++) {
		int key = (int)any(m, KEYS);
		struct model_fragment *f = draw_fragment(m, key);
		struct frame frame = { .bytes =
					       bytes_of(f->frame, f->frame_len),
				       .wire_len = f->frame_len };

		if (packet_decode(&p, frame) == PACKET_OK)
			(void)defrag_push(t, &p, endpoint_of(key),
					  ingress_of(key), m->now, &whole);
		free(f);
	}
	defrag_release(t);
	for (uint16_t i = 0; i < ENDPOINTS; i++)
		defrag_forget_endpoint(t, i);
}

static void op_spoil(struct model *m)
{
	struct images i;

	image_of(&i, m->table);
	for (unsigned k = 0; k < 30; k++) {
		struct defrag *next = defrag_new(&m->opt);
		struct images_spoilt s = images_spoil(&i, &m->random);
		bool is = image_read(&i.r, i.memory, i.len) == 0 &&
			  defrag_load(next, &i.r);

		*(is ? &loaded : &refused) += 1;
		assert_true(is || (defrag_stats(next).datagrams == 0 &&
				   defrag_stats(next).sources == 0 &&
				   defrag_stats(next).bytes == 0));
		use_up(m, next);
		defrag_free(next);
		images_turn(&i, &s);
	}
	free(i.memory);
}

static void run_model(enum defrag_overlap overlap)
{
	const char *given = getenv("WEIR_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 0)
			      : (uint64_t)time(NULL) * 0x9e3779b97f4a7c15ULL;
	static struct model m;

	print_message("# WEIR_SEED=%llu\n", (unsigned long long)seed);
	m = (struct model){ .now = { 1 }, .random = seed | 1, .opt = small };
	m.opt.overlap = overlap;
	m.opt.seed = seed;
	m.table = defrag_new(&m.opt);
	assert_non_null(m.table);
	defrag_on_gone(m.table, told, &m);
	for (int i = 0; i < OPERATIONS; i++) {
		uint32_t what = any(&m, 100);

		if (any(&m, 50) == 0)
			op_hand_over(&m);
		if (any(&m, 1000) == 0)
			op_spoil(&m);
		if (what == 0)
			op_forget(&m);
		else if (what < 5)
			op_age(&m);
		else
			op_push(&m);
		compare_stats(&m);
		m.now = usec_add(m.now,
				 any(&m, any(&m, 50) ? 300000 : 3000000));
	}
	for (int o = 0; o < DEFRAG__MAX; o++) {
		/* these take larger datagrams than are drawn here */
		if (o == DEFRAG_TOO_MANY || o == DEFRAG_TOO_LONG)
			continue;
		assert_true(m.count[o] > 0);
	}
	assert_true(refused > 0 && loaded > 0);
	while (m.n > 0)
		empty(&m.datagrams[--m.n]);
	defrag_free(m.table);
}

static void test_model_kill(void **state)
{
	run_model(DEFRAG_OVERLAP_KILL);
}

static void test_model_first(void **state)
{
	run_model(DEFRAG_OVERLAP_FIRST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_model_kill),
		cmocka_unit_test(test_model_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
