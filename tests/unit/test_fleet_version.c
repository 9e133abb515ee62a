/*
 * Versions of the fleet's policy: each reader comes to the text that was written, by
 * whatever messages; of several that follow the same one the first counts, for who
 * hears from the beginning and for who starts in the middle; and what is damaged, or
 * no version, changes nothing.
 */
#include "fleet/version.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "fleet/pack.h"
#include "seed.h"
#include "test.h"

/* One who hears. */
struct reader {
	struct version v;
	struct version_start start;
	char id[64]; /* of the last message */
};

static void reader_done(struct reader *r)
{
	version_done(&r->v);
}

static int hear_bytes(struct reader *r, uint64_t revision, const char *bytes,
		      size_t len, struct err *reterr)
{
	char *copied = malloc(len ? len : 1), *id = NULL;
	json_t *about = NULL;
	int rc;

	memcpy(copied, bytes, len);
	rc = version_read(&r->v, &r->start, revision, copied, len, &id, &about,
			  reterr);
	free(copied);
	r->id[0] = '\0';
	if (rc < 0) {
		assert_null(id);
		assert_null(about);
		assert_int_equal(rc, -reterr->code);
		return rc;
	}
	(void)snprintf(r->id, sizeof r->id, "%s", id);
	assert_string_equal(json_string_value(json_object_get(about, "by")),
			    id);
	free(id);
	json_decref(about);
	return rc;
}

static char *write_text(const struct version *last, const char *text,
			const char *id, size_t *ret_len)
{
	struct err err = { 0 };
	json_t *about = json_pack("{s:s}", "by", id);
	char *message = version_write(last, text, strlen(text), id, about,
				      ret_len, &err);

	if (!message)
		fail_msg("%s", err.text);
	json_decref(about);
	return message;
}

static bool is_whole(const char *message, size_t len)
{
	const char *end = memchr(message, '\n', len);
	json_t *head = json_loadb(message, (size_t)(end - message), 0, NULL);
	bool whole = !json_object_get(head, "cut");

	assert_non_null(head);
	json_decref(head);
	return whole;
}

/* --- texts --------------------------------------------------------------------- */

static void add_rule(struct text *t, unsigned n, unsigned port)
{
	text_addf(t, "%s{\"id\":%u,\"from\":\"group-%u\",\"ports\":[%u]}",
		  n ? "," : "", n, n % 97, port);
}

static char *policy_of(uint64_t *random, unsigned n_rules)
{
	struct text t = { 0 };

	text_add_word(&t, "{\"rules\":[");
	for (unsigned i = 0; i < n_rules; i++)
		add_rule(&t, i, seed_draw(random, 65536));
	text_add_word(&t, "]}");
	return text_take(&t);
}

/* That text, with some bytes of it others: more, fewer, or none. */
static char *edited(uint64_t *random, const char *text)
{
	size_t len = strlen(text);
	size_t at = seed_draw(random, (uint32_t)len + 1);
	size_t cut = seed_draw(random, 4)
			     ? seed_draw(random, 40)
			     : seed_draw(random, (uint32_t)len + 1);
	unsigned put = seed_draw(random, 6);
	struct text t = { 0 };

	if (cut > len - at)
		cut = len - at;
	text_add(&t, text, at);
	for (unsigned i = 0; i < put; i++)
		add_rule(&t, seed_draw(random, 3), seed_draw(random, 100));
	text_add_word(&t, text + at + cut);
	return text_take(&t);
}

/* --- one after the other ---------------------------------------------------------- */

static void test_whole_and_change(void **state)
{
	struct reader r = { 0 };
	struct err err = { 0 };
	size_t len;
	char *m = write_text(&r.v, "{\"rules\":[]}", "a.1", &len);

	assert_true(is_whole(m, len));
	assert_int_equal(hear_bytes(&r, 1, m, len, &err), 0);
	assert_string_equal(r.v.text, "{\"rules\":[]}");
	assert_int_equal(r.v.len, strlen(r.v.text));
	assert_int_equal(r.v.revision, 1);
	assert_int_equal(r.v.whole, 1);
	assert_string_equal(r.id, "a.1");
	free(m);
	m = write_text(&r.v, "{\"rules\":[{\"id\":1}]}", "b.2", &len);
	assert_false(is_whole(m, len));
	/* revisions need not be beside each other */
	assert_int_equal(hear_bytes(&r, 9, m, len, &err), 0);
	assert_string_equal(r.v.text, "{\"rules\":[{\"id\":1}]}");
	assert_int_equal(r.v.revision, 9);
	assert_int_equal(r.v.whole, 1);
	free(m);
	/* the same again, and nothing at all, are versions, too */
	m = write_text(&r.v, r.v.text, "b.3", &len);
	assert_int_equal(hear_bytes(&r, 10, m, len, &err), 0);
	assert_string_equal(r.v.text, "{\"rules\":[{\"id\":1}]}");
	free(m);
	m = write_text(&r.v, "", "b.4", &len);
	assert_int_equal(hear_bytes(&r, 11, m, len, &err), 0);
	assert_string_equal(r.v.text, "");
	assert_int_equal(r.v.len, 0);
	free(m);
	m = write_text(&r.v, "x", "b.5", &len);
	assert_int_equal(hear_bytes(&r, 12, m, len, &err), 0);
	assert_string_equal(r.v.text, "x");
	free(m);
	reader_done(&r);
}

#define EDITS 200

static void test_chain(void **state)
{
	uint64_t random = seed_choose() | 1, last_whole = 0;
	char *text = policy_of(&random, 50), *next, *m;
	struct reader r = { 0 };
	unsigned wholes = 0;

	for (uint64_t revision = 1; revision <= EDITS; revision++) {
		struct err err = { 0 };
		size_t len;

		m = write_text(&r.v, text, "n.1", &len);
		if (is_whole(m, len)) {
			last_whole = revision;
			wholes++;
		}
		assert_true(revision - last_whole <= FLEET_WHOLE_EVERY);
		if (hear_bytes(&r, revision, m, len, &err) != 0)
			fail_msg("revision %u: %s", (unsigned)revision,
				 err.text);
		assert_int_equal(r.v.len, strlen(text));
		assert_string_equal(r.v.text, text);
		assert_int_equal(r.v.whole, last_whole);
		free(m);
		next = edited(&random, text);
		free(text);
		text = next;
	}
	assert_true(wholes <= EDITS / FLEET_WHOLE_EVERY + 1);
	free(text);
	reader_done(&r);
}

/* What a change costs does not depend on how large the policy is. */
static void test_cost(void **state)
{
	uint64_t random = seed_choose() | 1;
	char *text = policy_of(&random, 40000), *rule, *m;
	struct reader r = { 0 };
	struct err err = { 0 };
	size_t len;

	assert_true(strlen(text) > 2000000 * 9 / 10);
	m = write_text(&r.v, text, "n.1", &len);
	assert_true(len > 10000);
	assert_int_equal(hear_bytes(&r, 1, m, len, &err), 0);
	free(m);
	rule = strstr(text, "{\"id\":20000,");
	assert_non_null(rule);
	memcpy(strstr(rule, "group-"), "GROUP-", 6);
	m = write_text(&r.v, text, "n.2", &len);
	assert_true(len < 1000);
	assert_int_equal(hear_bytes(&r, 2, m, len, &err), 0);
	assert_string_equal(r.v.text, text);
	free(m);
	free(text);
	reader_done(&r);
}

/* --- several at once ----------------------------------------------------------------- */

static void test_two_of_one_base(void **state)
{
	struct reader a = { 0 }, b = { 0 };
	struct err err = { 0 };
	size_t len, len_a, len_b;
	char *m = write_text(&a.v, "{}", "a.1", &len), *of_a, *of_b;

	assert_int_equal(hear_bytes(&a, 1, m, len, &err), 0);
	assert_int_equal(hear_bytes(&b, 1, m, len, &err), 0);
	of_a = write_text(&a.v, "{\"of\":\"a\"}", "a.2", &len_a);
	of_b = write_text(&b.v, "{\"of\":\"b\"}", "b.2", &len_b);
	assert_int_equal(hear_bytes(&a, 2, of_b, len_b, &err), 0);
	assert_int_equal(hear_bytes(&a, 3, of_a, len_a, &err), 1);
	assert_string_equal(a.id, "a.2"); /* whose it is is known also then */
	assert_int_equal(hear_bytes(&b, 2, of_b, len_b, &err), 0);
	assert_int_equal(hear_bytes(&b, 3, of_a, len_a, &err), 1);
	assert_string_equal(a.v.text, "{\"of\":\"b\"}");
	assert_string_equal(b.v.text, "{\"of\":\"b\"}");
	assert_int_equal(a.v.revision, 2);
	free(m);
	free(of_a);
	free(of_b);
	/* what follows the one that counts does so, too */
	m = write_text(&b.v, "{\"of\":\"b, again\"}", "b.3", &len);
	assert_int_equal(hear_bytes(&a, 4, m, len, &err), 0);
	assert_string_equal(a.v.text, "{\"of\":\"b, again\"}");
	free(m);
	reader_done(&a);
	reader_done(&b);
}

/* Two make the first at once; the second is nobody's, wherever one starts. */
static void test_two_first(void **state)
{
	static const char *const texts[] = { "{\"n\":1}", "{\"n\":2}" };
	struct reader all = { 0 }, late = { 0 };
	struct version none = { 0 };
	struct err err = { 0 };
	size_t len;
	char *m;

	for (unsigned i = 0; i < 2; i++) {
		m = write_text(&none, texts[i], "n.1", &len);
		assert_int_equal(hear_bytes(&all, i + 1, m, len, &err), (int)i);
		if (i > 0) /* the first is kept no more */
			assert_int_equal(hear_bytes(&late, i + 1, m, len, &err),
					 1);
		free(m);
	}
	assert_string_equal(all.v.text, texts[0]);
	assert_int_equal(late.v.revision, 0);
	reader_done(&all);
	reader_done(&late);
}

#define PROPOSERS 5
#define MESSAGES  600

struct message {
	char *bytes, *text; /* what it comes to */
	size_t len;
	uint64_t after;
	bool whole;
	uint64_t counts; /* revision of who counts when it was heard */
};

struct many {
	struct message at[MESSAGES + 1]; /* by revision */
	uint64_t n;
	struct reader who[PROPOSERS];
	uint64_t heard[PROPOSERS];
	uint64_t random;
};

/* The model: is that the first that follows what it follows? */
static bool counts(const struct many *m, uint64_t revision)
{
	for (uint64_t r = 1; r < revision; r++)
		if (m->at[r].after == m->at[revision].after)
			return false;
	return true;
}

static void hear_next(struct many *m, struct reader *r, uint64_t revision)
{
	const struct message *one = &m->at[revision];
	struct err err = { 0 };
	int rc = hear_bytes(r, revision, one->bytes, one->len, &err);

	if (rc < 0)
		fail_msg("revision %u: %s", (unsigned)revision, err.text);
	if (rc == 0)
		assert_int_equal(one->counts, revision);
	if (r->v.revision == 0)
		return; /* of no use yet */
	assert_int_equal(r->v.revision, one->counts);
	assert_string_equal(r->v.text, m->at[one->counts].text);
	assert_int_equal(r->v.len, strlen(r->v.text));
}

/* Hears, but for some of the last, and proposes. */
static void propose(struct many *m, unsigned lag)
{
	unsigned who = seed_draw(&m->random, PROPOSERS);
	struct reader *r = &m->who[who];
	uint64_t missed = seed_draw(&m->random, lag + 1);
	struct message *one = &m->at[m->n + 1];
	char id[16];

	while (m->heard[who] + missed < m->n)
		hear_next(m, r, ++m->heard[who]);
	(void)snprintf(id, sizeof id, "n%u.%u", who, (unsigned)m->n);
	one->text = r->v.text ? edited(&m->random, r->v.text)
			      : policy_of(&m->random, 5);
	one->after = r->v.revision;
	one->bytes = write_text(&r->v, one->text, id, &one->len);
	one->whole = is_whole(one->bytes, one->len);
	m->n++;
	one->counts = counts(m, m->n) ? m->n : m->at[m->n - 1].counts;
}

/* Is there one in these from which who starts there can come to the last? */
static bool has_begin(const struct many *m, uint64_t first)
{
	for (uint64_t r = first; r <= m->n; r++)
		if (m->at[r].counts == r && m->at[r].whole &&
		    (first == 1 || m->at[r].after >= first))
			return true;
	return false;
}

/* From there on; true: it comes to what all others have. */
static bool start_at(struct many *m, uint64_t first)
{
	struct reader r = { 0 };
	bool has;

	for (uint64_t i = first; i <= m->n; i++)
		hear_next(m, &r, i);
	has = r.v.revision != 0;
	assert_int_equal(has, has_begin(m, first));
	reader_done(&r);
	return has;
}

static void run_many(uint64_t seed, unsigned lag, unsigned n)
{
	struct many *m = calloc(1, sizeof *m);

	m->random = seed;
	while (m->n < n) {
		propose(m, lag);
		/* in the middle of what is kept */
		if (seed_draw(&m->random, 8) == 0)
			(void)start_at(
				m, 1 + seed_draw(&m->random, (uint32_t)m->n));
		/* who hears all that is kept comes to the last, always */
		if (seed_draw(&m->random, 4) == 0 && lag < 4)
			assert_true(start_at(m, m->n <= FLEET_HISTORY
							? 1
							: m->n - FLEET_HISTORY +
								  1));
	}
	assert_true(start_at(m, 1));
	for (unsigned i = 0; i < PROPOSERS; i++) {
		while (m->heard[i] < m->n)
			hear_next(m, &m->who[i], ++m->heard[i]);
		reader_done(&m->who[i]);
	}
	for (uint64_t r = 1; r <= m->n; r++) {
		free(m->at[r].bytes);
		free(m->at[r].text);
	}
	free(m);
}

static void test_model(void **state)
{
	uint64_t random = seed_choose() | 1;

	/* those that begin at once, many times */
	for (unsigned i = 0; i < 100; i++)
		run_many(random + 2 * (uint64_t)i, i % 8, 4 + i % 40);
	for (unsigned lag = 0; lag < 24; lag += 3)
		run_many(random + lag * 1000, lag, MESSAGES / 2);
	run_many(random, 3, MESSAGES);
}

/* --- what is amiss ---------------------------------------------------------------------- */

#define TEXT "{\"rules\":[1,2,3]}"

/* A message with that head, and that text packed. */
static char *with_head(const char *head, const char *text, size_t *ret_len)
{
	struct text t = { 0 };
	struct err err = { 0 };
	size_t len;
	char *packed = pack_text(text, strlen(text), &len, &err);

	text_add_word(&t, head);
	text_add(&t, packed, len);
	free(packed);
	*ret_len = t.len;
	return text_take(&t);
}

/* Whose version is revision 5, TEXT. */
static void has_version(struct reader *r)
{
	struct err err = { 0 };
	size_t len;
	char *m = write_text(&r->v, TEXT, "n.1", &len);

	*r = (struct reader){ 0 };
	assert_int_equal(hear_bytes(r, 1, m, len, &err), 0);
	free(m);
	r->v.revision = r->v.whole = 5;
}

static void is_as_before(const struct reader *r)
{
	assert_int_equal(r->v.revision, 5);
	assert_int_equal(r->v.whole, 5);
	assert_string_equal(r->v.text, TEXT);
	assert_int_equal(r->v.len, strlen(TEXT));
}

static void test_stale(void **state)
{
	/* crc of "abc" is 910901175, of TEXT with [1,9,3] is not 7 */
	static const struct {
		const char *name, *head, *text;
	} rows[] = {
		{ "a gap",
		  "{\"v\":1,\"id\":\"x\",\"about\":{\"by\":\"x\"},\"size\":3,"
		  "\"crc\":910901175,\"after\":6}\n",
		  "abc" },
		{ "wrong crc, whole",
		  "{\"v\":1,\"id\":\"x\",\"about\":{\"by\":\"x\"},\"size\":3,"
		  "\"crc\":910901174,\"after\":5}\n",
		  "abc" },
		{ "wrong size, whole",
		  "{\"v\":1,\"id\":\"x\",\"about\":{\"by\":\"x\"},\"size\":4,"
		  "\"crc\":910901175,\"after\":5}\n",
		  "abc" },
		{ "wrong crc, a change",
		  "{\"v\":1,\"id\":\"x\",\"about\":{\"by\":\"x\"},\"size\":17,"
		  "\"crc\":7,\"after\":5,\"at\":12,\"cut\":1}\n",
		  "9" },
		{ "wrong size, a change",
		  "{\"v\":1,\"id\":\"x\",\"about\":{\"by\":\"x\"},\"size\":3,"
		  "\"crc\":910901175,\"after\":5,\"at\":0,\"cut\":16}\n",
		  "abc" },
		{ "cut at 1 behind the end",
		  "{\"v\":1,\"id\":\"x\",\"about\":{\"by\":\"x\"},\"size\":3,"
		  "\"crc\":910901175,\"after\":5,\"at\":18,\"cut\":0}\n",
		  "abc" },
		{ "cut beyond the end",
		  "{\"v\":1,\"id\":\"x\",\"about\":{\"by\":\"x\"},\"size\":3,"
		  "\"crc\":910901175,\"after\":5,\"at\":0,\"cut\":18}\n",
		  "abc" },
		{ "cut beyond the end, from the middle",
		  "{\"v\":1,\"id\":\"x\",\"about\":{\"by\":\"x\"},\"size\":3,"
		  "\"crc\":910901175,\"after\":5,\"at\":17,\"cut\":1}\n",
		  "abc" },
		{ "far beyond",
		  "{\"v\":1,\"id\":\"x\",\"about\":{\"by\":\"x\"},\"size\":3,"
		  "\"crc\":910901175,\"after\":5,\"at\":67108864,"
		  "\"cut\":67108864}\n",
		  "abc" },
	};
	static const char good[] =
		"{\"v\":1,\"id\":\"x\",\"about\":{\"by\":\"x\"},\"size\":3,"
		"\"crc\":910901175,\"after\":5,\"at\":0,\"cut\":17}\n";
	struct reader r = { 0 };
	struct err err = { 0 };
	size_t len;
	char *m;

	has_version(&r);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		m = with_head(rows[i].head, rows[i].text, &len);
		assert_row(rows[i].name,
			   hear_bytes(&r, 7, m, len, &err) == -ESTALE);
		is_as_before(&r);
		free(m);
	}
	/* where they are right, it is taken */
	m = with_head(good, "abc", &len);
	assert_int_equal(hear_bytes(&r, 7, m, len, &err), 0);
	assert_string_equal(r.v.text, "abc");
	free(m);
	reader_done(&r);
}

#define ID    "\"id\":\"x\","
#define ABOUT "\"about\":{\"by\":\"x\"},"
#define SIZE  "\"size\":3,"
#define CRC   "\"crc\":910901175,"
#define AFTER "\"after\":5"

/* limits: table */
static const char *const malformed[] = {
	"",
	"\n",
	"{}\n",
	"[]\n",
	"null\n",
	"\"v\"\n",
	"{\n",
	/* no end of its head */
	"{\"v\":1," ID ABOUT SIZE CRC AFTER "}",
	/* not all of it is JSON */
	"{\"v\":1," ID ABOUT SIZE CRC AFTER "}x\n",
	"{\"v\":1," ID ABOUT SIZE CRC AFTER "}{}\n",
	/* another form */
	"{" ID ABOUT SIZE CRC AFTER "}\n",
	"{\"v\":0," ID ABOUT SIZE CRC AFTER "}\n",
	"{\"v\":-1," ID ABOUT SIZE CRC AFTER "}\n",
	"{\"v\":\"1\"," ID ABOUT SIZE CRC AFTER "}\n",
	"{\"v\":1.0," ID ABOUT SIZE CRC AFTER "}\n",
	/* each is missing */
	"{\"v\":1," ABOUT SIZE CRC AFTER "}\n",
	"{\"v\":1," ID SIZE CRC AFTER "}\n",
	"{\"v\":1," ID ABOUT CRC AFTER "}\n",
	"{\"v\":1," ID ABOUT SIZE AFTER "}\n",
	"{\"v\":1," ID ABOUT SIZE "\"crc\":910901175}\n",
	/* each is something else */
	"{\"v\":1,\"id\":1," ABOUT SIZE CRC AFTER "}\n",
	"{\"v\":1,\"id\":null," ABOUT SIZE CRC AFTER "}\n",
	"{\"v\":1,\"id\":\"a\\u0000b\"," ABOUT SIZE CRC AFTER "}\n",
	"{\"v\":1," ID "\"about\":[]," SIZE CRC AFTER "}\n",
	"{\"v\":1," ID "\"about\":\"x\"," SIZE CRC AFTER "}\n",
	"{\"v\":1," ID ABOUT "\"size\":-1," CRC AFTER "}\n",
	"{\"v\":1," ID ABOUT "\"size\":\"3\"," CRC AFTER "}\n",
	"{\"v\":1," ID ABOUT "\"size\":67108865," CRC AFTER "}\n",
	"{\"v\":1," ID ABOUT SIZE "\"crc\":4294967296," AFTER "}\n",
	"{\"v\":1," ID ABOUT SIZE "\"crc\":-1," AFTER "}\n",
	"{\"v\":1," ID ABOUT SIZE CRC "\"after\":-1}\n",
	"{\"v\":1," ID ABOUT SIZE CRC "\"after\":5.0}\n",
	"{\"v\":1," ID ABOUT SIZE CRC "\"after\":true}\n",
	"{\"v\":1," ID ABOUT SIZE CRC "\"after\":9223372036854775808}\n",
	/* what follows itself, and what comes after it */
	"{\"v\":1," ID ABOUT SIZE CRC "\"after\":7}\n",
	"{\"v\":1," ID ABOUT SIZE CRC "\"after\":9}\n",
	/* twice the same */
	"{\"v\":1," ID ABOUT SIZE CRC AFTER "," AFTER "}\n",
	/* a change of what */
	"{\"v\":1," ID ABOUT SIZE CRC AFTER ",\"cut\":17}\n",
	"{\"v\":1," ID ABOUT SIZE CRC AFTER ",\"at\":-1,\"cut\":17}\n",
	"{\"v\":1," ID ABOUT SIZE CRC AFTER ",\"at\":0,\"cut\":-1}\n",
	"{\"v\":1," ID ABOUT SIZE CRC AFTER ",\"at\":0,\"cut\":null}\n",
	"{\"v\":1," ID ABOUT SIZE CRC AFTER ",\"at\":67108865,\"cut\":0}\n",
};

static void test_malformed(void **state)
{
	struct reader r = { 0 }, none = { 0 };
	struct err err = { 0 };
	size_t len;
	char *m;

	has_version(&r);
	for (size_t i = 0; i < ARRAY_LEN(malformed); i++) {
		m = with_head(malformed[i], "abc", &len);
		assert_row(malformed[i],
			   hear_bytes(&r, 7, m, len, &err) == -EPROTO);
		is_as_before(&r);
		assert_row(malformed[i],
			   hear_bytes(&none, 7, m, len, &err) == -EPROTO);
		assert_int_equal(none.v.revision, 0);
		free(m);
	}
	reader_done(&r);
	reader_done(&none);
}

/* What a later Weir writes is not passed over: others may have taken it. */
static void test_later_form(void **state)
{
	static const char *const rows[] = {
		"{\"v\":2," ID ABOUT SIZE CRC AFTER "}\n",
		"{\"v\":9223372036854775807}\n",
	};
	struct reader r = { 0 };
	struct err err = { 0 };
	size_t len;
	char *m;

	has_version(&r);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		m = with_head(rows[i], "abc", &len);
		assert_row(rows[i],
			   hear_bytes(&r, 7, m, len, &err) == -EOPNOTSUPP);
		is_as_before(&r);
		free(m);
	}
	reader_done(&r);
}

/* A good head, and behind it what is not what was packed. */
static void test_damaged_body(void **state)
{
	static const char head[] = "{\"v\":1," ID ABOUT SIZE CRC AFTER "}\n";
	struct reader r = { 0 };
	struct err err = { 0 };
	size_t len;
	char *m = with_head(head, "abc", &len);
	size_t body = strlen(head);
	int rc;

	has_version(&r);
	for (size_t n = 0; n < len; n++) {
		assert_int_equal(hear_bytes(&r, 7, m, n, &err), -EPROTO);
		is_as_before(&r);
	}
	for (size_t i = body; i < len; i++) {
		m[i] = (char)~m[i];
		rc = hear_bytes(&r, 7, m, len, &err);
		assert_true(rc == -EPROTO || rc == -E2BIG);
		is_as_before(&r);
		m[i] = (char)~m[i];
	}
	assert_int_equal(hear_bytes(&r, 7, m, len, &err), 0);
	free(m);
	reader_done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_and_change),
		cmocka_unit_test(test_chain),
		cmocka_unit_test(test_cost),
		cmocka_unit_test(test_two_of_one_base),
		cmocka_unit_test(test_two_first),
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_stale),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_later_form),
		cmocka_unit_test(test_damaged_body),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
