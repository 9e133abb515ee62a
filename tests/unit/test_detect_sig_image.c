/*
 * A scanner by signatures that is handed over, again and again, at any point, to a
 * new one that has compiled the rules itself tells what one tells that goes on. One
 * with other rules leaves connections alone; and whatever is in an image, it is
 * refused, or works.
 */
#include <stdio.h>

#include "image_of.h"
#include "packet/packet.h"
#include "sigs.h"
#include "wire/app.h"

#define SETS	     12
#define RULES	     40
#define CONNECTIONS  6
#define OPERATIONS   1500
#define TOLD_MAX     8192
#define SETS_EACH    40
#define READOPTED    2
#define HOSTILE_EACH 300

static uint64_t rnd;

static uint32_t draw(uint32_t below)
{
	return seed_draw(&rnd, below);
}

/* Few places: they run out at times. */
static const struct sig_scanner_options options = {
	.flows = CONNECTIONS + 1, .blocks = 9, .waiting = 24, .rates = 5
};

/* --- rules ----------------------------------------------------------------- */

static const struct {
	const char *name;
	enum proto_field field;
	bool server, in_pieces;
} buffers[] = {
	{ "http.method", FIELD_HTTP_METHOD, false, false },
	{ "http.uri", FIELD_HTTP_URI, false, false },
	{ "http.header", FIELD_HTTP_HEADER, false, true },
	{ "http.request_body", FIELD_HTTP_REQUEST_BODY, false, true },
	{ "http.header", FIELD_HTTP_HEADER, true, true },
	{ "http.server", FIELD_HTTP_SERVER, true, false },
	{ "http.response_body", FIELD_HTTP_RESPONSE_BODY, true, true },
};
#define BUFFERS (sizeof buffers / sizeof *buffers)

static void print_contents(FILE *f)
{
	if (draw(12) == 0) {
		(void)fprintf(f, "pcre:\"/a[bc]{2,9}d/\"; ");
		return;
	}
	for (unsigned i = 1 + draw(3); i > 0; i--) {
		(void)fprintf(f, "content:\"");
		for (unsigned k = 1 + draw(3); k > 0; k--)
			(void)fputc("abcd"[draw(4)], f);
		(void)fprintf(f, "\"; %s", draw(3) == 0 ? "nocase; " : "");
	}
}

static void print_http(FILE *f)
{
	unsigned first = draw(BUFFERS), second = draw(BUFFERS);

	if (draw(12) == 0)
		(void)fprintf(f, "app-layer-event:http.smuggling; ");
	(void)fprintf(f, "%s; ", buffers[first].name);
	if (draw(20) == 0)
		(void)fprintf(f, "to_lowercase; ");
	print_contents(f);
	if (second == first || buffers[second].server != buffers[first].server)
		return;
	(void)fprintf(f, "%s; ", buffers[second].name);
	print_contents(f);
}

static void print_options(FILE *f)
{
	static const char *const verbs[] = { "set", "unset", "toggle", "isset",
					     "isnotset" };
	static const char *const types[] = { "limit", "threshold", "both" };
	static const char *const tracks[] = { "by_src", "by_dst", "by_rule",
					      "by_both" };

	if (draw(4) == 0)
		(void)fprintf(f, "flowbits:%s,b%u; ", verbs[draw(5)], draw(3));
	if (draw(4) == 0)
		(void)fprintf(f,
			      "threshold:type %s, track %s, count %u, "
			      "seconds %u; ",
			      types[draw(3)], tracks[draw(4)], 1 + draw(4),
			      1 + draw(9));
	if (draw(9) == 0)
		(void)fprintf(f, "noalert; ");
	if (draw(5) == 0)
		(void)fprintf(f, "priority:%u; ", 1 + draw(4));
}

static char *random_rules(void)
{
	static const char *const actions[] = { "alert", "alert", "drop",
					       "pass" };
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	bool pass = draw(3) == 0;

	assert_non_null(f);
	for (unsigned i = 1; i <= RULES; i++) {
		uint32_t what = draw(10);
		const char *action = actions[draw(pass ? 4 : 3)];

		(void)fprintf(f, "%s %s any any -> any any (", action,
			      what < 6	  ? "http"
			      : what == 6 ? "udp"
			      : what == 7 ? "tcp-pkt"
					  : "tcp");
		if (what < 6)
			print_http(f);
		else if (what < 9)
			print_contents(f);
		print_options(f);
		(void)fprintf(f, "sid:%u;)\n", i);
	}
	assert_int_equal(fclose(f), 0);
	return text;
}

static struct sig_set *set_of(const char *rules, const char *name,
			      const char *net)
{
	struct sig_list *l = sig_list_new();
	struct err err = { 0 };
	struct sig_set *set;

	assert_non_null(l);
	assert_int_equal(sig_list_set(l, "NET", net, &err), 0);
	assert_int_equal(sig_list_text(l, name, rules, strlen(rules), &err), 0);
	if (sig_list_refused(l))
		fail_msg("%s\n%s: %s", rules, sig_list_fault(l, 0)->keyword,
			 sig_list_fault(l, 0)->text);
	set = sig_set_new(l, NULL, &err);
	if (!set)
		fail_msg("%s\n%s: %s", rules, err.at, err.text);
	return set;
}

/* --- two scanners ------------------------------------------------------------ */

struct one {
	struct sig_scanner *scanner;
	struct sig_set *sets[SETS_EACH];
	unsigned n_sets;
	uint32_t flows[CONNECTIONS]; /* 0: none */
	char told[TOLD_MAX];
	size_t n;
};

/* Handles may differ: free ones are given out in another order. */
static void told(void *arg, uint32_t flow, const struct sig_told *t)
{
	struct one *o = arg;
	int c = -1;

	for (int i = 0; flow && i < CONNECTIONS; i++)
		if (o->flows[i] == flow)
			c = i;
	assert_true(flow == 0 || c >= 0);
	o->n += (size_t)snprintf(
		o->told + o->n, TOLD_MAX - o->n, " %d:%u%s.%u@%u+%u<%.*s>", c,
		t->signature->sid, t->silent ? "!" : "", t->buffer,
		(unsigned)t->at, t->len, (int)bytes_len(t->around),
		(const char *)t->around.begin);
	assert_true(o->n < TOLD_MAX - 400);
}

static struct sig_lane *new_lane(struct one *o, const char *rules)
{
	struct sig_lane *lane;

	assert_true(o->n_sets < SETS_EACH);
	o->sets[o->n_sets] = set_of(rules, "t", "any");
	lane = sig_lane_new(o->sets[o->n_sets++]);
	assert_non_null(lane);
	return lane;
}

static struct sig_scanner *new_scanner(struct one *o, struct sig_lane *lane)
{
	struct sig_scanner *s = sig_scanner_new(&options);

	assert_non_null(s);
	sig_scanner_tell(s, told, o);
	sig_scanner_adopt(s, lane);
	return s;
}

static void free_scanner(struct sig_scanner *s)
{
	struct sig_lane *lane;

	sig_scanner_drop(s);
	assert_int_equal(sig_scanner_counts(s).blocks, 0);
	assert_int_equal(sig_scanner_counts(s).waiting, 0);
	while ((lane = sig_scanner_give_back(s)))
		sig_lane_free(lane);
	sig_scanner_free(s);
}

static void done(struct one *o)
{
	free_scanner(o->scanner);
	for (unsigned i = 0; i < o->n_sets; i++)
		sig_set_free(o->sets[i]);
}

static void save(const void *s, struct image_writer *w)
{
	sig_scanner_save(s, w);
}

static void hand_over(struct one *o, const char *rules)
{
	struct test_image i = test_image_of(save, o->scanner);

	free_scanner(o->scanner);
	o->scanner = new_scanner(o, new_lane(o, rules));
	assert_true(sig_scanner_load(o->scanner, &i.reader));
	test_image_free(&i);
	for (unsigned c = 0; c < CONNECTIONS; c++)
		assert_true(!o->flows[c] ||
			    sig_is_open(o->scanner, o->flows[c]));
}

/* Searches that are remembered are so by one of them only. */
static void assert_same(struct one o[2])
{
	struct sig_scanner_counts a = sig_scanner_counts(o[0].scanner);
	struct sig_scanner_counts b = sig_scanner_counts(o[1].scanner);

	if (strcmp(o[0].told, o[1].told) != 0)
		fail_msg("goes on:     %s\nhanded over: %s", o[0].told,
			 o[1].told);
	a.recalled = b.recalled;
	a.scans = b.scans;
	a.scanned_bytes = b.scanned_bytes;
	assert_memory_equal(&a, &b, sizeof a);
	o[0].n = o[1].n = 0;
	o[0].told[0] = o[1].told[0] = '\0';
}

/* --- what is said ------------------------------------------------------------ */

/* The same for both; of a field in pieces, whether it has begun. */
static struct {
	struct sig_facts facts;
	bool begun[BUFFERS];
} conns[CONNECTIONS];

static size_t random_text(char to[static 4000])
{
	size_t len = draw(40);

	/* now and then what does not fit a window */
	if (draw(30) == 0)
		len = draw(4000);
	for (size_t i = 0; i < len; i++)
		to[i] = "abcdAB.x"[draw(8)];
	return len;
}

static void open_both(struct one *o, unsigned n, unsigned c)
{
	conns[c].facts = (struct sig_facts){
		.client = ip_from_v4(1 + draw(3)),
		.server = ip_from_v4(9),
		.client_port = 1234,
		.server_port = 80,
		.proto = draw(4) ? PROTO_TCP : PROTO_UDP,
	};
	memset(conns[c].begun, 0, sizeof conns[c].begun);
	for (unsigned i = 0; i < n; i++)
		o[i].flows[c] = sig_open(o[i].scanner, &conns[c].facts);
}

static void say_field(struct one *o, unsigned n, unsigned c)
{
	static char text[4000];
	unsigned k = draw(BUFFERS);
	size_t len = random_text(text);
	struct proto_piece p = { .bytes = bytes_of(text, len),
				 .field = (uint8_t)buffers[k].field,
				 .side = buffers[k].server,
				 .begin = true,
				 .end = true };

	if (buffers[k].in_pieces) {
		p.begin = !conns[c].begun[k];
		p.end = draw(3) == 0;
		conns[c].begun[k] = !p.end;
	}
	/* one that comes again: one letter, one number */
	if (p.begin && p.end && len > 0 && draw(3) == 0) {
		memset(text, "abcd.x"[len % 6], len);
		p.same = 1 + len * FIELD__MAX + p.field;
	}
	for (unsigned i = 0; i < n; i++)
		sig_piece(o[i].scanner, o[i].flows[c], &p);
}

static void say_payload(struct one *o, unsigned n, unsigned c)
{
	static char text[4000];
	size_t len = random_text(text);
	bool gap = draw(20) == 0;
	enum proto_side side = draw(2);

	for (unsigned i = 0; i < n; i++)
		sig_payload(o[i].scanner, o[i].flows[c], side,
			    bytes_of(text, len), gap);
}

static void say_packet(struct one *o, unsigned n, unsigned c)
{
	static char text[4000];
	size_t len = random_text(text);
	struct sig_packet p = { .payload = bytes_of(text, len),
				.payload_len = (uint32_t)len,
				.ttl = 64,
				.established = draw(2) };
	enum proto_side side = draw(2);
	bool alone = draw(4) == 0;

	for (unsigned i = 0; i < n; i++)
		sig_packet(o[i].scanner, alone ? 0 : o[i].flows[c],
			   &conns[c].facts, side, &p);
}

static void end_side(struct one *o, unsigned n, unsigned c)
{
	enum proto_side side = draw(2);

	for (unsigned k = 0; k < BUFFERS; k++)
		if (buffers[k].server == side)
			conns[c].begun[k] = false;
	for (unsigned i = 0; i < n; i++) {
		if (side == PROTO_CLIENT)
			sig_asked(o[i].scanner, o[i].flows[c]);
		sig_ended(o[i].scanner, o[i].flows[c], side);
	}
}

/* Something about a connection, by n scanners alike. */
static void operate(struct one *o, unsigned n)
{
	static const uint32_t apps[] = { 0, APP_HTTP, APP_HTTP, APP_HTTP2 };
	static usec_t now = { USEC_PER_SEC };
	unsigned c = draw(CONNECTIONS), what = draw(100);
	uint32_t app = apps[draw(4)];
	enum proto_side side = draw(2);

	if (o[0].flows[c] == 0) {
		open_both(o, n, c);
		return;
	}
	now = usec_add(now, draw(400000));
	for (unsigned i = 0; i < n; i++)
		sig_scanner_time(o[i].scanner, now);
	if (what < 50)
		say_field(o, n, c);
	else if (what < 70)
		say_payload(o, n, c);
	else if (what < 76)
		say_packet(o, n, c);
	else if (what < 86)
		end_side(o, n, c);
	for (unsigned i = 0; i < n && what >= 86; i++) {
		if (what < 92)
			sig_known(o[i].scanner, o[i].flows[c], app);
		else if (what < 95)
			sig_note(o[i].scanner, o[i].flows[c], side,
				 NOTE_HTTP_SMUGGLING);
		else if (what < 97)
			sig_asked(o[i].scanner, o[i].flows[c]);
		else
			sig_close(o[i].scanner, o[i].flows[c]);
		if (what >= 97)
			o[i].flows[c] = 0;
	}
}

static void one_round(struct sig_scanner_counts *sum)
{
	char *rules = random_rules();
	static struct one o[2];
	unsigned readopted = 0;
	struct sig_scanner_counts got;

	for (unsigned i = 0; i < 2; i++) {
		o[i] = (struct one){ .n = 0 };
		o[i].scanner = new_scanner(&o[i], new_lane(&o[i], rules));
	}
	for (unsigned n = 0; n < OPERATIONS; n++) {
		operate(o, 2);
		assert_same(o);
		if (draw(OPERATIONS / 12) == 0 && o[1].n_sets < SETS_EACH - 8)
			hand_over(&o[1], rules);
		if (draw(OPERATIONS / 2) || readopted == READOPTED)
			continue;
		/* the same again: connections stay with the one before */
		readopted++;
		for (unsigned i = 0; i < 2; i++)
			sig_scanner_adopt(o[i].scanner, new_lane(&o[i], rules));
	}
	got = sig_scanner_counts(o[1].scanner);
	assert_int_equal(got.sets_dropped, 0);
	sum->told += got.told;
	sum->silenced += got.silenced;
	sum->no_block += got.no_block;
	sum->no_waiting += got.no_waiting;
	sum->rates_evicted += got.rates_evicted;
	sum->passed_over += got.passed_over;
	done(&o[0]);
	done(&o[1]);
	free(rules);
}

static void test_same(void **state)
{
	struct sig_scanner_counts sum = { .flows = 0 };

	(void)state;
	rnd = seed_choose() | 1;
	for (unsigned i = 0; i < SETS; i++)
		one_round(&sum);
	/* it was worth it */
	assert_true(sum.told > 100);
	assert_true(sum.silenced > 0);
	assert_true(sum.no_block > 0);
	assert_true(sum.no_waiting > 0);
	assert_true(sum.rates_evicted > 0);
	assert_true(sum.passed_over > 0);
}

/* --- other rules ------------------------------------------------------------- */

#define ONE   "alert http any any -> $NET any (http.uri; content:\"a\"; sid:1;)\n"
#define OTHER "alert tcp any any -> any any (flowbits:set,b; sid:2;)\n"
static const struct {
	const char *name, *rules, *file, *net;
	bool same;
} fingerprints[] = {
	{ "the same", ONE OTHER, "t", "any", true },
	{ "of another file", ONE OTHER, "u", "any", true },
	{ "a comment", "# x\n" ONE "\n" OTHER, "t", "any", true },
	{ "another net", ONE OTHER, "t", "10.0.0.0/8", false },
	{ "another order", OTHER ONE, "t", "any", false },
	{ "one less", ONE, "t", "any", false },
	{ "one more",
	  ONE OTHER "alert tcp any any -> any any (flowbits:set,c; sid:3;)\n",
	  "t", "any", false },
	{ "another content",
	  "alert http any any -> $NET any (http.uri; content:\"b\"; "
	  "sid:1;)\n" OTHER,
	  "t", "any", false },
	{ "another case",
	  "alert http any any -> $NET any (http.uri; content:\"a\"; "
	  "nocase; sid:1;)\n" OTHER,
	  "t", "any", false },
	{ "another action",
	  "drop http any any -> $NET any (http.uri; content:\"a\"; "
	  "sid:1;)\n" OTHER,
	  "t", "any", false },
	{ "another priority",
	  "alert http any any -> $NET any (http.uri; content:\"a\"; "
	  "priority:1; sid:1;)\n" OTHER,
	  "t", "any", false },
	{ "no rule", "", "t", "any", false },
};

static void test_fingerprint(void **state)
{
	struct sig_set *set = set_of(ONE OTHER, "t", "any"), *other;

	(void)state;
	assert_int_not_equal(sig_set_fingerprint(set), 0);
	for (size_t i = 0; i < ARRAY_LEN(fingerprints); i++) {
		other = set_of(fingerprints[i].rules, fingerprints[i].file,
			       fingerprints[i].net);
		if ((sig_set_fingerprint(other) == sig_set_fingerprint(set)) !=
		    fingerprints[i].same)
			fail_msg("%s", fingerprints[i].name);
		sig_set_free(other);
	}
	sig_set_free(set);
}

#define RATED                                                              \
	"alert tcp any any -> any any (content:\"rated\"; threshold:type " \
	"limit, track by_rule, count 1, seconds 60; sid:1;)\n"

/* Who began with other rules is left alone; thresholds go on. */
static void test_other_rules(void **state)
{
	static struct one o;
	struct sig_scanner *was;
	struct test_image i;

	(void)state;
	o = (struct one){ .n = 0 };
	was = new_scanner(&o,
			  new_lane(&o, RATED "alert tcp any any -> any any "
					     "(content:\"ab\"; content:\"cd\"; "
					     "within:99; sid:2;)\n"));
	o.scanner = was;
	for (unsigned c = 0; c < 3; c++) {
		conns[c].facts = (struct sig_facts){ .proto = PROTO_TCP };
		o.flows[c] = sig_open(was, &conns[c].facts);
		sig_payload(was, o.flows[c], PROTO_CLIENT,
			    bytes_of("rated ab", 8), false);
	}
	sig_close(was, o.flows[1]);
	o.flows[1] = 0;
	assert_int_equal(sig_scanner_counts(was).told, 1);
	assert_int_equal(sig_scanner_counts(was).silenced, 2);
	assert_int_equal(sig_scanner_counts(was).waiting, 2);
	i = test_image_of(save, was);
	o.n = 0;
	o.told[0] = '\0';
	o.scanner = new_scanner(&o, new_lane(&o, RATED));
	assert_true(sig_scanner_load(o.scanner, &i.reader));
	assert_int_equal(sig_scanner_counts(o.scanner).sets_dropped, 2);
	assert_int_equal(sig_scanner_counts(o.scanner).flows, 2);
	assert_int_equal(sig_scanner_counts(o.scanner).blocks, 0);
	assert_int_equal(sig_scanner_counts(o.scanner).waiting, 0);
	for (unsigned c = 0; c < 3; c += 2) {
		assert_true(sig_is_open(o.scanner, o.flows[c]));
		assert_false(
			sig_wants_payload(o.scanner, o.flows[c], PROTO_CLIENT));
		sig_payload(o.scanner, o.flows[c], PROTO_CLIENT,
			    bytes_of("cd rated", 8), false);
		sig_close(o.scanner, o.flows[c]);
		o.flows[c] = 0;
	}
	assert_string_equal(o.told, "");
	/* a new one is looked at; its threshold was met */
	o.flows[0] = sig_open(o.scanner, &conns[0].facts);
	sig_payload(o.scanner, o.flows[0], PROTO_CLIENT, bytes_of("rated", 5),
		    false);
	assert_int_equal(sig_scanner_counts(o.scanner).silenced, 3);
	test_image_free(&i);
	free_scanner(was);
	done(&o);
}

/* What was loaded goes with its scanner; the lane is as good as new. */
static void test_lane_again(void **state)
{
	static struct one o;
	struct sig_lane *lane;
	struct test_image i;

	(void)state;
	o = (struct one){ .n = 0 };
	o.scanner = new_scanner(&o, new_lane(&o, RATED));
	(void)sig_open(o.scanner, &conns[0].facts);
	i = test_image_of(save, o.scanner);
	free_scanner(o.scanner);
	lane = new_lane(&o, RATED);
	o.scanner = new_scanner(&o, lane);
	assert_true(sig_scanner_load(o.scanner, &i.reader));
	sig_scanner_free(o.scanner);
	o.scanner = new_scanner(&o, lane);
	sig_scanner_adopt(o.scanner, NULL);
	assert_ptr_equal(sig_scanner_give_back(o.scanner), lane);
	sig_lane_free(lane);
	test_image_free(&i);
	done(&o);
}

/* --- what nobody wrote --------------------------------------------------------- */

static void load_hostile(void *arg, const struct image_reader *r)
{
	struct one *o = arg;
	struct sig_lane *lane = sig_lane_new(o->sets[0]);
	struct sig_scanner *goes_on = o->scanner;
	uint32_t flows[CONNECTIONS];

	memcpy(flows, o->flows, sizeof flows);
	o->scanner = new_scanner(o, lane);
	(void)sig_scanner_load(o->scanner, r);
	/* as inspect/ does, which has numbers from an image, too */
	for (unsigned c = 0; c < CONNECTIONS; c++)
		if (!sig_is_open(o->scanner, o->flows[c]))
			o->flows[c] = 0;
	for (unsigned n = 0; n < 60; n++) {
		operate(o, 1);
		o->n = 0;
	}
	free_scanner(o->scanner);
	o->scanner = goes_on;
	memcpy(o->flows, flows, sizeof flows);
}

static void test_hostile(void **state)
{
	(void)state;
	rnd = seed_choose() | 1;
	for (unsigned i = 0; i < SETS; i++) {
		char *rules = random_rules();
		static struct one o;
		struct test_image image;

		o = (struct one){ .n = 0 };
		o.scanner = new_scanner(&o, new_lane(&o, rules));
		for (unsigned n = 0; n < 200; n++) {
			operate(&o, 1);
			o.n = 0;
		}
		image = test_image_of(save, o.scanner);
		test_image_hostile(&image, HOSTILE_EACH, &rnd, load_hostile,
				   &o);
		test_image_free(&image);
		done(&o);
		free(rules);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_fingerprint),
		cmocka_unit_test(test_other_rules),
		cmocka_unit_test(test_lane_again),
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
