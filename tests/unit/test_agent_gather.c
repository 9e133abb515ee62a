/*
 * A page of what all nodes recorded, of the batches of a stream: which are told, in
 * which order, how a page goes on, and what a node may send that is none. Random
 * streams are compared with a plain model of them.
 */
#include "agent/gather.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits_fleet.h"
#include "seed.h"
#include "test.h"

#define STREAM_MAX 64

struct stream {
	struct fleet_stored at[STREAM_MAX + 1]; /* by seq, from 1 */
	uint64_t n;
};

/* Takes text. */
static void store(struct stream *s, const char *node, uint64_t at_s, char *text)
{
	assert_true(s->n < STREAM_MAX);
	s->n++;
	s->at[s->n] = (struct fleet_stored){ .seq = s->n,
					     .at_s = at_s,
					     .node = node,
					     .text = text,
					     .len = text ? strlen(text) : 0 };
}

static void store_list(struct stream *s, enum fleet_stream kind,
		       const char *node, const char *id, json_t *list)
{
	json_t *o = json_pack("{s:i, s:s, s:s, s:o}", "form", 1, "node", "liar",
			      "store", id,
			      kind == FLEET_EVENTS ? "events" : "flows", list);

	store(s, node, 1000 + s->n, json_dumps(o, JSON_COMPACT));
	json_decref(o);
}

/* Of an array as text. */
static void store_text(struct stream *s, enum fleet_stream kind,
		       const char *node, const char *text)
{
	json_t *list = json_loads(text, 0, NULL);

	assert_non_null(list);
	store_list(s, kind, node, "s", list);
}

static void stream_done(struct stream *s)
{
	for (uint64_t i = 1; i <= s->n; i++)
		free((char *)(uintptr_t)s->at[i].text);
	s->n = 0;
}

/* As the fleet's thread does; so many messages at most. The caller's. */
static json_t *page_of(const struct stream *s, const struct gather_query *q,
		       uint64_t max)
{
	struct gather *g = gather_new(q);
	json_t *result = json_object();
	uint64_t seq;

	assert_non_null(g);
	seq = gather_from(g) ? gather_from(g) : s->n;
	for (; seq > 0 && max > 0; max--, seq--)
		if (!gather_take(g, &s->at[seq])) {
			seq--;
			break;
		}
	assert_int_equal(gather_tell(g, seq, result), 0);
	gather_free(g);
	return result;
}

static const json_t *list_of(const json_t *page)
{
	const json_t *list = json_object_get(page, "events");

	return list ? list : json_object_get(page, "flows");
}

static uint64_t number_of(const json_t *o, const char *member)
{
	return (uint64_t)json_integer_value(json_object_get(o, member));
}

/* "node:number node:number", in order. */
static const char *told(const json_t *page, char *buf, size_t size)
{
	const json_t *e;
	size_t i, n = 0;

	buf[0] = '\0';
	json_array_foreach (list_of(page), i, e) {
		const char *key = json_object_get(e, "id") ? "id" : "number";

		n += (size_t)snprintf(
			buf + n, size - n, "%s%s:%llu", i ? " " : "",
			json_string_value(json_object_get(e, "node")),
			(unsigned long long)number_of(e, key));
		assert_true(n < size);
	}
	return buf;
}

static void assert_told(const char *row, const struct stream *s,
			const struct gather_query *q, const char *want)
{
	json_t *page = page_of(s, q, STREAM_MAX);
	char buf[512];

	if (strcmp(told(page, buf, sizeof buf), want) != 0)
		fail_msg("row \"%s\": %s, not %s", row, buf, want);
	json_decref(page);
}

/* --- which are told ------------------------------------------------------------ */

static void test_events(void **state)
{
	static const struct {
		const char *name;
		struct gather_query q;
		const char *want;
	} rows[] = {
		{ "all, the newest first", { 0 }, "a:2 b:7 b:6 a:1 b:5" },
		{ "so many", { .limit = 2 }, "a:2 b:7" },
		{ "a kind", { .kind = "threat" }, "b:6 a:1" },
		{ "a node", { .node = "b" }, "b:7 b:6 b:5" },
		{ "none", { .node = "c" }, "" },
		{ "since", { .since_s = 902 }, "a:2 b:7 b:6" },
		{ "until", { .until_s = 902 }, "b:6 a:1 b:5" },
		{ "a rule", { .rule = 9 }, "b:7" },
		{ "words", { .text = "FOUND" }, "a:2" },
		{ "words elsewhere", { .text = "alice" }, "b:5" },
		{ "its id", { .workload = "netns:app" }, "b:6" },
		{ "its id, as others know it",
		  { .workload = "b/netns:app" },
		  "b:6" },
		{ "of another node", { .workload = "a/netns:app" }, "" },
		{ "its name, at whose port it was seen",
		  { .workload = "app" },
		  "b:6" },
		{ "its name, at the other's", { .workload = "web" }, "" },
		{ "that is none", { .workload = "b/" }, "" },
	};
	struct stream s = { 0 };

	store_text(&s, FLEET_EVENTS, "a",
		   "[{\"at\":901,\"kind\":\"threat\",\"number\":1}]");
	store_text(
		&s, FLEET_EVENTS, "b",
		"[{\"at\":900,\"kind\":\"change\",\"number\":5,\"by\":"
		"\"Alice\"},"
		"{\"at\":902,\"kind\":\"threat\",\"number\":6,"
		"\"workload\":\"netns:app\",\"client\":\"web\",\"client_id\":"
		"\"netns:web\","
		"\"server\":\"app\",\"server_id\":\"netns:app\"},"
		"{\"at\":903,\"kind\":\"violation\",\"number\":7,\"rule\":9}]");
	store_text(&s, FLEET_EVENTS, "a",
		   "[{\"at\":904,\"kind\":\"dlp\",\"number\":2,\"text\":"
		   "\"found it\"}]");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct gather_query q = rows[i].q;

		q.stream = FLEET_EVENTS;
		q.limit = q.limit ? q.limit : 100;
		assert_told(rows[i].name, &s, &q, rows[i].want);
	}
	stream_done(&s);
}

static void test_flows(void **state)
{
	static const struct {
		const char *name;
		struct gather_query q;
		const char *want;
	} rows[] = {
		{ "each as it was told last", { 0 }, "a:1 b:1 a:2" },
		{ "violations", { .only_violations = true }, "b:1" },
		{ "what it was is not asked for", { .until_s = 905 }, "a:2" },
		{ "a client, by name", { .workload = "web" }, "a:1" },
		{ "a server, by id", { .workload = "b/netns:app" }, "b:1" },
		{ "where it goes", { .text = "tcp/44" }, "b:1" },
		{ "an address", { .text = "10.9.1." }, "a:1" },
	};
	struct stream s = { 0 };

	store_text(&s, FLEET_FLOWS, "a",
		   "[{\"id\":1,\"last_seen\":900,\"violations\":3,\"client\":"
		   "\"web\",\"client_id\":\"x\"},"
		   "{\"id\":2,\"last_seen\":904}]");
	store_text(&s, FLEET_FLOWS, "b",
		   "[{\"id\":1,\"last_seen\":906,\"violations\":1,\"proto\":"
		   "\"tcp\",\"port\":443,"
		   "\"server\":\"app\",\"server_id\":\"netns:app\"}]");
	store_text(&s, FLEET_FLOWS, "a",
		   "[{\"id\":1,\"last_seen\":907,\"violations\":0,\"client\":"
		   "\"web\",\"client_id\":\"x\","
		   "\"client_address\":\"10.9.1.2\"}]");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct gather_query q = rows[i].q;

		q.stream = FLEET_FLOWS;
		q.limit = 100;
		assert_told(rows[i].name, &s, &q, rows[i].want);
	}
	stream_done(&s);
}

/* A node says of itself what it likes, but not that it is another. */
static void test_whose(void **state)
{
	struct gather_query q = { .stream = FLEET_EVENTS, .limit = 10 };
	struct stream s = { 0 };
	json_t *page, *e;

	store_text(&s, FLEET_EVENTS, "b",
		   "[{\"at\":1,\"number\":1,\"node\":\"a\",\"raw\":\"00\"}]");
	page = page_of(&s, &q, STREAM_MAX);
	e = json_array_get(list_of(page), 0);
	assert_string_equal(json_string_value(json_object_get(e, "node")), "b");
	assert_string_equal(json_string_value(json_object_get(e, "made_on")),
			    "a");
	assert_null(json_object_get(e, "raw"));
	json_decref(page);
	stream_done(&s);
}

static void test_damaged(void **state)
{
	static const char *const rows[] = {
		NULL,
		"",
		"{",
		"[]",
		"{\"form\":1,\"store\":\"s\"}",
		"{\"form\":1,\"store\":\"s\",\"events\":{}}",
		"{\"form\":1,\"store\":\"\",\"events\":[]}",
		"{\"form\":1,\"store\":1,\"events\":[]}",
		"{\"form\":2,\"store\":\"s\",\"events\":[{\"number\":9,\"at\":"
		"9}]}",
		"{\"form\":1,\"store\":\"s\",\"flows\":[{\"number\":9,\"at\":9}"
		"]}",
	};
	struct gather_query q = { .stream = FLEET_EVENTS, .limit = 10 };
	struct stream s = { 0 };
	json_t *page, *many = json_array();
	char buf[64];

	store_text(&s, FLEET_EVENTS, "a",
		   "[1, null, [], {\"at\":\"x\",\"number\":{}}, "
		   "{\"at\":5,\"number\":1}]");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		store(&s, "b", 1000, rows[i] ? strdup(rows[i]) : NULL);
	for (int i = 0; i <= FLEET_BATCH_MAX; i++)
		(void)json_array_append_new(
			many, json_pack("{s:i, s:i}", "at", 9, "number", i));
	store_list(&s, FLEET_EVENTS, "b", "s", many);
	page = page_of(&s, &q, STREAM_MAX);
	assert_string_equal(told(page, buf, sizeof buf), "a:1 a:0");
	assert_int_equal(number_of(json_object_get(page, "fleet"), "damaged"),
			 ARRAY_LEN(rows) + 1);
	assert_int_equal(number_of(json_object_get(page, "fleet"), "messages"),
			 ARRAY_LEN(rows) + 2);
	json_decref(page);
	stream_done(&s);
}

/* What was stored long before then is not read; what was stored little before is. */
static void test_since(void **state)
{
	struct gather_query q = { .stream = FLEET_EVENTS,
				  .limit = 10,
				  .since_s = 100000 };
	struct gather *g = gather_new(&q);
	struct fleet_stored m = { .seq = 9, .at_s = 99900, .node = "a" };
	json_t *result = json_object();

	assert_true(gather_take(g, &m));
	m = (struct fleet_stored){ .seq = 8, .at_s = 90000, .node = "a" };
	assert_false(gather_take(g, &m));
	assert_int_equal(gather_tell(g, 7, result), 0);
	assert_true(json_is_false(json_object_get(result, "more")));
	assert_true(json_is_false(
		json_object_get(json_object_get(result, "fleet"), "cut")));
	json_decref(result);
	gather_free(g);
}

/* --- pages ------------------------------------------------------------------------ */

static void random_stream(struct stream *s, enum fleet_stream kind,
			  uint64_t *random)
{
	static const char *const nodes[] = { "a", "b", "c" };
	int numbers[3] = { 0 };

	for (int i = 0; i < 40; i++) {
		uint32_t who = seed_draw(random, 3);
		json_t *list = json_array();

		for (uint32_t n = seed_draw(random, 12); n > 0; n--) {
			int id = kind == FLEET_EVENTS
					 ? ++numbers[who]
					 : (int)seed_draw(random, 30);

			(void)json_array_append_new(
				list,
				json_pack("{s:i, s:i, s:i}",
					  kind == FLEET_EVENTS ? "number"
							       : "id",
					  id,
					  kind == FLEET_EVENTS ? "at"
							       : "last_seen",
					  i + 1, "place", i));
		}
		store_list(s, kind, nodes[who], "s", list);
	}
}

/* "node:id" -> the place of the batch in which it is told last. */
static json_t *model_of(const struct stream *s)
{
	json_t *model = json_object(), *e;
	size_t i;

	for (uint64_t seq = 1; seq <= s->n; seq++) {
		json_t *o = json_loads(s->at[seq].text, 0, NULL);

		json_array_foreach (list_of(o), i, e) {
			const char *key = json_object_get(e, "id") ? "id"
								   : "number";
			char name[64];

			(void)snprintf(name, sizeof name, "%s:%llu",
				       s->at[seq].node,
				       (unsigned long long)number_of(e, key));
			(void)json_object_set(model, name,
					      json_object_get(e, "place"));
		}
		json_decref(o);
	}
	return model;
}

/* Takes what the page tells out of the model: each once, and as it is there. */
static void take_page(const json_t *page, json_t *model)
{
	uint64_t last = UINT64_MAX;
	const json_t *e;
	size_t i;

	json_array_foreach (list_of(page), i, e) {
		bool flow = json_object_get(e, "id");
		uint64_t at = number_of(e, flow ? "last_seen" : "at");
		char name[64];

		(void)snprintf(name, sizeof name, "%s:%llu",
			       json_string_value(json_object_get(e, "node")),
			       (unsigned long long)number_of(
				       e, flow ? "id" : "number"));
		if (!json_equal(json_object_get(model, name),
				json_object_get(e, "place")))
			fail_msg("%s is told twice, or as it was", name);
		(void)json_object_del(model, name);
		assert_true(at <= last);
		last = at;
	}
}

static void pages(enum fleet_stream kind, uint64_t *random, uint64_t max)
{
	struct gather_query q = { .stream = kind,
				  .limit = 1 + seed_draw(random, 20) };
	struct stream s = { 0 };
	json_t *model;

	random_stream(&s, kind, random);
	model = model_of(&s);
	for (int n = 0;; n++) {
		json_t *page = page_of(&s, &q, max);
		bool more = json_is_true(json_object_get(page, "more"));

		assert_true(n < 1000);
		assert_true(json_array_size(list_of(page)) <= q.limit);
		take_page(page, model);
		q.before = number_of(page, "before");
		assert_int_equal(more, q.before != 0);
		json_decref(page);
		if (!more)
			break;
	}
	assert_int_equal(json_object_size(model), 0);
	json_decref(model);
	stream_done(&s);
}

static void test_pages(void **state)
{
	uint64_t random = seed_choose() | 1;

	for (int i = 0; i < 200; i++) {
		pages(FLEET_EVENTS, &random, STREAM_MAX);
		pages(FLEET_FLOWS, &random, STREAM_MAX);
		/* also where less is read for one */
		pages(FLEET_EVENTS, &random, 1 + seed_draw(&random, 9));
	}
}

/* Where not all is read it is told, and goes on there. */
static void test_cut(void **state)
{
	struct gather_query q = { .stream = FLEET_FLOWS, .limit = 10 };
	struct stream s = { 0 };
	json_t *page;
	char buf[64];

	for (int i = 0; i < 5; i++)
		store_text(&s, FLEET_FLOWS, i % 2 ? "a" : "b",
			   "[{\"id\":1,\"last_seen\":5}]");
	page = page_of(&s, &q, 3);
	assert_string_equal(told(page, buf, sizeof buf), "b:1 a:1");
	assert_true(json_is_true(
		json_object_get(json_object_get(page, "fleet"), "cut")));
	assert_true(json_is_true(json_object_get(page, "more")));
	q.before = number_of(page, "before");
	json_decref(page);
	page = page_of(&s, &q, 3);
	assert_string_equal(told(page, buf, sizeof buf), "a:1 b:1");
	assert_true(json_is_false(json_object_get(page, "more")));
	json_decref(page);
	stream_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_events), cmocka_unit_test(test_flows),
		cmocka_unit_test(test_whose),  cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_since),  cmocka_unit_test(test_pages),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
