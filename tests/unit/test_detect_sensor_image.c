/*
 * A scanner by sensors that is handed over, again and again, at any point, to a new
 * one that has compiled the sensors itself tells what one tells that goes on. One
 * with other sensors begins anew; and whatever is in an image, it is refused, or
 * works.
 */
#include <stdio.h>

#include "image_of.h"
#include "sensors.h"
#include "wire/app.h"

#define CONVERSATIONS 4
#define OPERATIONS    5000
#define HOSTILE	      1500

static uint64_t rnd;

static uint32_t draw(uint32_t below)
{
	return seed_draw(&rnd, below);
}

static const char sensors[] =
	"[{\"id\":20001,\"name\":\"a\",\"patterns\":"
	"[{\"secret\":\"card_number\"}]},"
	"{\"id\":20002,\"name\":\"b\",\"patterns\":"
	"[{\"secret\":[\"card_number\",\"jwt\"],\"count\":3}]},"
	"{\"id\":20003,\"name\":\"c\",\"patterns\":"
	"[{\"regex\":\"one\"},{\"regex\":\"tw+o\",\"count\":2}]},"
	"{\"id\":20004,\"name\":\"d\",\"patterns\":"
	"[{\"regex\":\"one\"},{\"regex\":\"three\",\"not\":true}]},"
	"{\"id\":20005,\"name\":\"e\",\"patterns\":"
	"[{\"regex\":\"se[nN]+t\",\"where\":\"packet\"}]},"
	"{\"id\":20006,\"name\":\"f\",\"patterns\":"
	"[{\"regex\":\"no$\",\"where\":\"body\"}]}]";

/* What is said comes in these, and they are cut anywhere. */
static const char *const bits[] = {
	"4111 1111 1111 1111",
	"4111",
	" 1111",
	"5555555555554444",
	"4012888888881881",
	"one",
	"two",
	"twwo",
	"three",
	"sent",
	"seNN",
	"t",
	"no",
	" ",
	"=",
	"%20",
	"NDExMTExMTExMTExMTExMQ==",
	"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abcdefghij",
	"eyJhbGciOiJIUzI1NiJ9.",
	"eyJzdWIiOiIxIn0.abcde",
};

static const enum proto_field fields[] = {
	FIELD_HTTP_METHOD,	 FIELD_HTTP_HOST, FIELD_HTTP_URI_RAW,
	FIELD_HTTP_HEADER,	 FIELD_SQL_TEXT,  FIELD_HTTP_REQUEST_BODY,
	FIELD_HTTP_REQUEST_BODY, FIELD_SMTP_BODY, FIELD_HTTP_RESPONSE_BODY,
};

/* Of both; which fields have begun. */
struct pair {
	struct sensor_bench *b[2];
	uint32_t c[2][CONVERSATIONS]; /* 0: none */
	bool begun[CONVERSATIONS][ARRAY_LEN(fields)];
	uint64_t told;
};

static struct sensor_bench *new_bench(const char *json)
{
	struct sensor_bench *b = calloc(1, sizeof *b);

	assert_non_null(b);
	bench_of(b, json);
	return b;
}

static void free_bench(struct sensor_bench *b)
{
	bench_done(b);
	free(b);
}

static void save(const void *s, struct image_writer *w)
{
	sensor_scanner_save(s, w);
}

static void hand_over(struct pair *p)
{
	struct test_image i = test_image_of(save, p->b[1]->scanner);

	free_bench(p->b[1]);
	p->b[1] = new_bench(sensors);
	assert_true(sensor_scanner_load(p->b[1]->scanner, &i.reader));
	test_image_free(&i);
	for (unsigned c = 0; c < CONVERSATIONS; c++)
		assert_true(!p->c[1][c] ||
			    sensor_is_open(p->b[1]->scanner, p->c[1][c]));
}

static size_t random_text(char to[static 4096])
{
	size_t len = 0, from;

	for (unsigned n = draw(draw(20) ? 6 : 60); n > 0; n--)
		len += (size_t)snprintf(to + len, 4096 - len, "%s",
					bits[draw(ARRAY_LEN(bits))]);
	/* a token may be longer than a window */
	if (draw(40) == 0)
		while (len < 1500)
			to[len++] = 'x';
	from = draw(3) ? 0 : draw((uint32_t)len + 1);
	memmove(to, to + from, len - from);
	len -= from;
	return draw(3) ? len : draw((uint32_t)len + 1);
}

static void say_field(struct pair *p, unsigned n, unsigned c)
{
	static char text[4096];
	unsigned k = draw(ARRAY_LEN(fields));
	struct proto_piece piece = {
		.bytes = bytes_of(text, random_text(text)),
		.field = (uint8_t)fields[k],
		.side = proto_field_side(fields[k]) == 'S',
		.begin = true,
		.end = true,
	};

	if (proto_field_in_pieces(fields[k])) {
		piece.begin = !p->begun[c][k];
		piece.end = draw(3) == 0;
		p->begun[c][k] = !piece.end;
	}
	for (unsigned i = 0; i < n; i++)
		(void)sensor_piece(p->b[i]->scanner, p->c[i][c], p->b[i]->uses,
				   &piece);
}

static void say_sent(struct pair *p, unsigned n, unsigned c)
{
	static char text[4096];
	struct bytes b = bytes_of(text, random_text(text));
	enum proto_side side = draw(2);
	bool gap = draw(20) == 0;

	for (unsigned i = 0; i < n; i++)
		(void)sensor_sent(p->b[i]->scanner, p->c[i][c], p->b[i]->uses,
				  side, b, gap);
}

static void end(struct pair *p, unsigned n, unsigned c)
{
	enum proto_side side = draw(2);

	for (unsigned k = 0; k < ARRAY_LEN(fields); k++)
		if ((proto_field_side(fields[k]) == 'S') == side)
			p->begun[c][k] = false;
	for (unsigned i = 0; i < n; i++)
		(void)sensor_ended(p->b[i]->scanner, p->c[i][c], p->b[i]->uses,
				   side);
}

/* Something about a conversation, in n scanners alike. */
static void operate(struct pair *p, unsigned n)
{
	static const uint32_t apps[] = { APP_HTTP, APP_SMTP, APP_REDIS, 0 };
	unsigned c = draw(CONVERSATIONS), what = draw(100);
	uint32_t app = apps[draw(4)];

	if (!p->c[0][c]) {
		for (unsigned i = 0; i < n; i++)
			p->c[i][c] = sensor_open(p->b[i]->scanner);
		return;
	}
	if (what < 55)
		say_field(p, n, c);
	else if (what < 80)
		say_sent(p, n, c);
	else if (what < 90)
		end(p, n, c);
	for (unsigned i = 0; i < n && what >= 90; i++) {
		if (what < 97) {
			sensor_known(p->b[i]->scanner, p->c[i][c], app);
			continue;
		}
		(void)sensor_close(p->b[i]->scanner, p->c[i][c], p->b[i]->uses);
		p->c[i][c] = 0;
	}
	if (what >= 97)
		memset(p->begun[c], 0, sizeof p->begun[c]);
}

/* What was told, and of the last one all that is shown. */
static void describe(const struct sensor_bench *b, char to[static 2048])
{
	const struct sensor_heard *h = &b->heard;

	(void)snprintf(to, 2048, "%s (%u: %u deep, %u, %s, %s «%s» %s)",
		       h->text, h->n, h->last.depth, h->last.count,
		       h->last.line, h->evidence.before, h->evidence.match,
		       h->evidence.after);
}

static void assert_same(struct pair *p)
{
	struct sensor_scanner_counts a =
		sensor_scanner_counts(p->b[0]->scanner);
	struct sensor_scanner_counts b =
		sensor_scanner_counts(p->b[1]->scanner);
	char texts[2][2048];

	for (unsigned i = 0; i < 2; i++)
		describe(p->b[i], texts[i]);
	if (strcmp(texts[0], texts[1]) != 0)
		fail_msg("goes on:     %s\nhanded over: %s", texts[0],
			 texts[1]);
	assert_memory_equal(&a, &b, sizeof a);
	p->told += p->b[0]->heard.n;
	for (unsigned i = 0; i < 2; i++)
		p->b[i]->heard = (struct sensor_heard){ 0 };
}

/* Conversations begin anew, at their next piece; or before that, a hand-over. */
static void adopt_again(struct sensor_bench *b)
{
	struct sensor_lane *lane = sensor_lane_new(b->set);

	assert_non_null(lane);
	sensor_lane_free(sensor_scanner_adopt(b->scanner, lane));
	b->lane = lane;
}

static void test_same(void **state)
{
	static struct pair p;
	struct sensor_scanner_counts got;

	(void)state;
	rnd = seed_choose() | 1;
	p = (struct pair){ .told = 0 };
	p.b[0] = new_bench(sensors);
	p.b[1] = new_bench(sensors);
	for (unsigned n = 0; n < OPERATIONS; n++) {
		operate(&p, 2);
		assert_same(&p);
		if (draw(OPERATIONS / 40) == 0)
			hand_over(&p);
		for (unsigned i = 0; i < 2 && n % 500 == 499; i++)
			adopt_again(p.b[i]);
	}
	got = sensor_scanner_counts(p.b[1]->scanner);
	/* it was worth it */
	assert_true(p.told > 100);
	assert_true(got.restarted > 0);
	free_bench(p.b[0]);
	free_bench(p.b[1]);
}

static void test_other_sensors(void **state)
{
	static const char others[] =
		"[{\"id\":20003,\"name\":\"c\",\"patterns\":"
		"[{\"regex\":\"one\"},{\"regex\":\"two\"}]}]";
	struct sensor_bench *was = new_bench(sensors);
	struct sensor_bench *now = new_bench(others);
	uint32_t c = sensor_open(was->scanner);
	struct test_image i;

	(void)state;
	assert_int_not_equal(sensor_set_fingerprint(was->set),
			     sensor_set_fingerprint(now->set));
	say_whole(was, c, FIELD_HTTP_REQUEST_BODY, text_of("one"));
	i = test_image_of(save, was->scanner);
	assert_true(sensor_scanner_load(now->scanner, &i.reader));
	assert_true(sensor_is_open(now->scanner, c));
	/* what was half found is forgotten */
	say_whole(now, c, FIELD_HTTP_REQUEST_BODY, text_of("two"));
	assert_int_equal(now->heard.n, 0);
	assert_int_equal(sensor_scanner_counts(now->scanner).restarted, 1);
	say_whole(now, c, FIELD_HTTP_REQUEST_BODY, text_of("one"));
	assert_int_equal(now->heard.n, 1);
	(void)sensor_close(now->scanner, c, now->uses);
	assert_false(sensor_is_open(now->scanner, c));
	test_image_free(&i);
	free_bench(was);
	free_bench(now);
}

static void load_hostile(void *arg, const struct image_reader *r)
{
	const struct sensor_scanner_options o = {
		.conversations = 4,
		.windows = 16,
		.progress = 64,
	};
	struct pair *p = arg, mine = *p;
	struct sensor_bench b = *p->b[0];

	mine.b[0] = &b;
	b.scanner = sensor_scanner_new(&o);
	assert_non_null(b.scanner);
	(void)sensor_scanner_adopt(b.scanner, b.lane);
	(void)sensor_scanner_load(b.scanner, r);
	/* as inspect/ does, which has numbers from an image, too */
	for (unsigned c = 0; c < CONVERSATIONS; c++)
		if (!sensor_is_open(b.scanner, mine.c[0][c]))
			mine.c[0][c] = 0;
	for (unsigned n = 0; n < 40; n++)
		operate(&mine, 1);
	sensor_scanner_free(b.scanner);
}

static void test_hostile(void **state)
{
	static struct pair p;
	struct test_image i;

	(void)state;
	rnd = seed_choose() | 1;
	p = (struct pair){ .told = 0 };
	p.b[0] = new_bench(sensors);
	for (unsigned turn = 0; turn < 10; turn++) {
		for (unsigned n = 0; n < 50; n++) {
			operate(&p, 1);
			p.b[0]->heard = (struct sensor_heard){ 0 };
		}
		i = test_image_of(save, p.b[0]->scanner);
		test_image_hostile(&i, HOSTILE / 10, &rnd, load_hostile, &p);
		test_image_free(&i);
	}
	free_bench(p.b[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_other_sensors),
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
