/*
 * Random rules on fields that come again and again: a scanner that remembers what
 * it searched tells what one tells that never does.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detect/sig_memo.h"
#include "detect/sig_scan.h"
#include "packet/packet.h"
#include "seed.h"
#include "sigs.h"
#include "test.h"
#include "wire/app.h"

#define SETS	    20
#define RULES	    30
#define TEXTS	    24
#define CONNECTIONS 150
#define REQUESTS    6
#define TOLD_MAX    4096

static uint64_t rnd;

static uint32_t draw(uint32_t below)
{
	return seed_draw(&rnd, below);
}

/* --- rules ----------------------------------------------------------------- */

static const struct {
	const char *name;
	enum proto_field field;
	bool server, in_pieces;
} buffers[] = {
	{ "http.method", FIELD_HTTP_METHOD, false, false },
	{ "http.uri", FIELD_HTTP_URI, false, false },
	{ "http.user_agent", FIELD_HTTP_USER_AGENT, false, false },
	{ "http.header", FIELD_HTTP_HEADER, false, true },
	{ "http.request_body", FIELD_HTTP_REQUEST_BODY, false, true },
	{ "http.header", FIELD_HTTP_HEADER, true, true },
	{ "http.server", FIELD_HTTP_SERVER, true, false },
	{ "http.response_body", FIELD_HTTP_RESPONSE_BODY, true, true },
};
#define BUFFERS (sizeof buffers / sizeof *buffers)

/*
 * The first group is what is searched for, in letters that most texts have not; the
 * second one is short, so that it is asked where no search finds anything.
 */
static void print_group(FILE *f, unsigned buffer, bool first)
{
	unsigned n = first ? 1 + draw(2) : 1;

	(void)fprintf(f, "%s; ", buffers[buffer].name);
	if (draw(60) == 0)
		(void)fprintf(f, "to_lowercase; ");
	if (first && draw(60) == 0) {
		(void)fprintf(f, "pcre:\"/x[yz]+[.]/\"; ");
		return;
	}
	for (unsigned i = 0; i < n; i++) {
		(void)fprintf(f, "content:%s\"", i && draw(3) == 0 ? "!" : "");
		for (unsigned k = first ? 2 + draw(4) : 1; k > 0; k--)
			(void)fputc((first ? "abcd" : "xyz.")[draw(4)], f);
		(void)fprintf(f, "\"; %s", draw(3) == 0 ? "nocase; " : "");
	}
}

static char *random_rules(void)
{
	static const char *const actions[] = { "alert", "alert", "drop",
					       "pass" };
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	bool pass = draw(4) == 0;
	unsigned first, second;

	assert_non_null(f);
	for (unsigned i = 1; i <= RULES; i++) {
		(void)fprintf(f, "%s http any any -> any any (",
			      actions[draw(pass ? 4 : 3)]);
		first = draw(BUFFERS);
		second = draw(BUFFERS);
		print_group(f, first, true);
		/* of the same side */
		if (second != first &&
		    buffers[second].server == buffers[first].server)
			print_group(f, second, false);
		(void)fprintf(f, "sid:%u;)\n", i);
	}
	assert_int_equal(fclose(f), 0);
	return text;
}

static struct sig_set *random_set(void)
{
	struct sig_list *l = sig_list_new();
	char *rules = random_rules();
	struct err err = { 0 };
	struct sig_set *set;

	assert_non_null(l);
	assert_int_equal(sig_list_text(l, "t", rules, strlen(rules), &err), 0);
	set = sig_set_new(l, NULL, &err);
	if (!set)
		fail_msg("%s\n%s: %s", rules, err.at, err.text);
	if (sig_list_refused(sig_set_list(set)))
		fail_msg("%s\n%s: %s", rules,
			 sig_list_fault(sig_set_list(set), 0)->keyword,
			 sig_list_fault(sig_set_list(set), 0)->text);
	free(rules);
	return set;
}

/* --- two scanners ------------------------------------------------------------ */

struct one {
	struct sig_scanner *scanner;
	uint32_t flow;
	char told[TOLD_MAX];
	size_t n;
};

static void told(void *arg, uint32_t flow, const struct sig_told *t)
{
	struct one *o = arg;

	(void)flow;
	o->n += (size_t)snprintf(o->told + o->n, TOLD_MAX - o->n,
				 " %u%s.%u@%u+%u", t->signature->sid,
				 t->silent ? "!" : "", t->buffer,
				 (unsigned)t->at, t->len);
	assert_true(o->n < TOLD_MAX - 100);
}

static void open_one(struct one *o, const struct sig_set *set)
{
	const struct sig_scanner_options opt = {
		.flows = 4, .blocks = 16, .waiting = 256, .rates = 16
	};
	struct sig_lane *lane = sig_lane_new(set);

	o->scanner = sig_scanner_new(&opt);
	assert_non_null(lane);
	assert_non_null(o->scanner);
	sig_scanner_tell(o->scanner, told, o);
	sig_scanner_adopt(o->scanner, lane);
}

static void close_one(struct one *o)
{
	struct sig_lane *lane;

	assert_int_equal(sig_scanner_counts(o->scanner).blocks, 0);
	assert_int_equal(sig_scanner_counts(o->scanner).waiting, 0);
	sig_scanner_adopt(o->scanner, NULL);
	while ((lane = sig_scanner_give_back(o->scanner)))
		sig_lane_free(lane);
	sig_scanner_free(o->scanner);
}

/* --- what is said ------------------------------------------------------------ */

static struct {
	char bytes[64];
	size_t len;
} texts[TEXTS];

static void random_texts(void)
{
	for (unsigned i = 0; i < TEXTS; i++) {
		/* mostly what no rule asks for: quiet */
		const char *letters = draw(3) ? "xyz.A" : "abcdx";

		texts[i].len = draw(sizeof texts[i].bytes);
		for (size_t k = 0; k < texts[i].len; k++)
			texts[i].bytes[k] = letters[draw(5)];
	}
}

static void both(struct one o[2], const struct proto_piece *p)
{
	struct proto_piece plain = *p;

	plain.same = 0;
	sig_piece(o[0].scanner, o[0].flow, p);
	sig_piece(o[1].scanner, o[1].flow, &plain);
}

static void say(struct one o[2], unsigned i)
{
	unsigned t = draw(TEXTS);
	size_t len = texts[t].len, cut = len;
	struct proto_piece p = { .field = (uint8_t)buffers[i].field,
				 .side = buffers[i].server,
				 .begin = true };

	if (buffers[i].in_pieces && draw(2))
		cut = draw((uint32_t)len + 1);
	p.bytes = bytes_of(texts[t].bytes, cut);
	p.end = cut == len;
	if (p.end && draw(2))
		p.same = 1 + t * FIELD__MAX + p.field;
	both(o, &p);
	if (p.end)
		return;
	p.bytes = bytes_of(texts[t].bytes + cut, len - cut);
	p.begin = false;
	p.end = true;
	both(o, &p);
}

static void exchange(struct one o[2])
{
	for (unsigned side = 0; side < PROTO_SIDE__MAX; side++) {
		for (unsigned i = 0; i < BUFFERS; i++)
			if (buffers[i].server == side && draw(5))
				say(o, i);
		for (unsigned k = 0; k < 2; k++) {
			if (side == PROTO_CLIENT)
				sig_asked(o[k].scanner, o[k].flow);
			sig_ended(o[k].scanner, o[k].flow,
				  (enum proto_side)side);
		}
	}
}

static void payload(struct one o[2])
{
	unsigned t = draw(TEXTS);

	for (unsigned k = 0; k < 2; k++)
		sig_payload(o[k].scanner, o[k].flow, PROTO_CLIENT,
			    bytes_of(texts[t].bytes, texts[t].len), false);
}

static void connection(struct one o[2])
{
	const struct sig_facts facts = { .client = ip_from_v4(1),
					 .server = ip_from_v4(2),
					 .client_port = 1234,
					 .server_port = 80,
					 .proto = PROTO_TCP };

	for (unsigned k = 0; k < 2; k++) {
		o[k].n = 0;
		o[k].told[0] = 0;
		o[k].flow = sig_open(o[k].scanner, &facts);
		sig_known(o[k].scanner, o[k].flow, APP_HTTP);
	}
	for (unsigned i = 0; i < REQUESTS; i++) {
		exchange(o);
		payload(o);
		assert_string_equal(o[0].told, o[1].told);
	}
	for (unsigned k = 0; k < 2; k++)
		sig_close(o[k].scanner, o[k].flow);
}

static void test_random(void **state)
{
	uint64_t recalled = 0, matched = 0;

	rnd = seed_choose() | 1;
	for (unsigned i = 0; i < SETS; i++) {
		struct sig_set *set = random_set();
		static struct one o[2];

		random_texts();
		open_one(&o[0], set);
		for (unsigned k = 0; k < CONNECTIONS; k++) {
			/* knows nothing of the connections before */
			open_one(&o[1], set);
			connection(o);
			matched += o[0].n > 0;
			close_one(&o[1]);
		}
		recalled += sig_scanner_counts(o[0].scanner).recalled;
		close_one(&o[0]);
		sig_set_free(set);
	}
	assert_true(recalled > 1000);
	assert_true(matched > 100);
}

/* --- fields that several searches ask of ------------------------------------- */

/* That nothing was found in one way says nothing about others. */
static void test_other_ways(void **state)
{
	static const struct {
		const char *rules, *uri;
	} rows[] = {
		{ "alert http any any -> any any (http.uri; content:\"abcd\"; "
		  "sid:1;)\n"
		  "alert http any any -> any any (http.uri; pcre:\"/x[yz]/\"; "
		  "sid:2;)\n",
		  "/xy" },
		{ "alert http any any -> any any (http.uri; content:\"abcd\"; "
		  "sid:1;)\n"
		  "alert http any any -> any any (http.uri; to_lowercase; "
		  "content:\"efgh\"; sid:2;)\n",
		  "/EFGH" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct sigs *s = sigs_new(rows[i].rules, false);

		for (unsigned k = 0; k < 4; k++) {
			sig_known(s->scanner, s->flow, APP_HTTP);
			sigs_field(s, PROTO_CLIENT, FIELD_HTTP_URI,
				   rows[i].uri);
			assert_string_equal(sigs_told(s), "2");
			sigs_again(s);
		}
		sigs_free(s);
	}
}

/* --- the memory alone ------------------------------------------------------ */

static struct sig_search search_of(const char *text, size_t len,
				   uint32_t channel, uint32_t old)
{
	return (struct sig_search){ .bytes = bytes_of(text, len),
				    .channel = channel,
				    .old = old };
}

/* Made twice, it is known, and nothing else is. */
static void test_memo(void **state)
{
	static char text[SIG_MEMO_BYTES + 1], other[sizeof text];
	static const size_t lens[] = { 1,  7,	8,
				       15, 16,	17,
				       33, 600, SIG_MEMO_BYTES };
	struct sig_memo *m = sig_memo_new();
	uint32_t hits[SIG_MEMO_HITS] = { 3, 1, 2 }, got[SIG_MEMO_HITS], n;

	assert_non_null(m);
	memset(text, 'x', sizeof text);
	for (size_t i = 0; i < sizeof lens / sizeof *lens; i++) {
		size_t len = lens[i];
		struct sig_search s = search_of(text, len, 5, 1);

		for (unsigned k = 0; k < 2; k++) {
			assert_false(sig_memo_recall(m, &s, got, &n));
			sig_memo_learn(m, &s, hits, 3);
		}
		assert_true(sig_memo_recall(m, &s, got, &n));
		assert_int_equal(n, 3);
		assert_memory_equal(got, hits, 3 * sizeof *hits);
		s = search_of(text, len, 6, 1);
		assert_false(sig_memo_recall(m, &s, got, &n));
		s = search_of(text, len, 5, 0);
		assert_false(sig_memo_recall(m, &s, got, &n));
		/* another byte anywhere, also where no hash looks */
		for (size_t at = 0; at < len; at++) {
			memcpy(other, text, sizeof text);
			other[at] = 'y';
			s = search_of(other, len, 5, 1);
			assert_false(sig_memo_recall(m, &s, got, &n));
		}
	}
	/* what is too long, or has too much in it */
	for (unsigned k = 0; k < 3; k++) {
		struct sig_search s = search_of(text, sizeof text, 5, 1);

		assert_false(sig_memo_recall(m, &s, got, &n));
		sig_memo_learn(m, &s, hits, 0);
		s = search_of(text, 100, 7, 0);
		assert_false(sig_memo_recall(m, &s, got, &n));
		sig_memo_learn(m, &s, hits, SIG_MEMO_HITS + 1);
	}
	sig_memo_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_other_ways),
		cmocka_unit_test(test_memo),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
