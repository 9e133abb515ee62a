/*
 * Asking the store for few of many: by text and by rule, from either end, and how
 * far a page looks that finds nothing.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits_store.h"
#include "folder.h"
#include "store/store.h"
#include "test.h"
#include "wire/app.h"

#define DAY 86400ull

struct world {
	char *dir;
	struct store *s;
};

static int make(void **state)
{
	struct world *w = calloc(1, sizeof *w);
	struct err err;

	w->dir = folder_make();
	if (store_open(w->dir, &w->s, &err) < 0)
		fail_msg("%s: %s", err.at, err.text);
	*state = w;
	return 0;
}

static int removes(void **state)
{
	struct world *w = *state;

	store_free(w->s);
	folder_remove(w->dir);
	free(w);
	return 0;
}

static void put_workload(struct store *s, const char *id, const char *name)
{
	json_t *about = json_pack("{s:s}", "name", name);

	assert_int_equal(store_put_workload(s, id, about, 1, NULL), 0);
	json_decref(about);
}

/* The ports of what is told, in its order: "1 2 ". */
struct told {
	char text[200];
	uint64_t first, last;
	size_t n;
};

static void tell(struct told *t, unsigned number, uint64_t cursor)
{
	size_t len = strlen(t->text);

	assert_true(cursor > t->last);
	t->first = t->n++ ? t->first : cursor;
	t->last = cursor;
	(void)snprintf(t->text + len, sizeof t->text - len, "%u ", number);
}

static int on_flow(const struct store_flow *f, uint64_t cursor,
		   const json_t *client_about, const json_t *server_about,
		   void *arg)
{
	tell(arg, f->port, cursor);
	return 0;
}

static int on_event(const json_t *event, uint64_t number, void *arg)
{
	tell(arg, (unsigned)number, number);
	return 0;
}

/* --- by text, by rule --------------------------------------------------------- */

static void put_flows(struct store *s)
{
	const struct store_flow flows[] = {
		{ .client = "id-w",
		  .server = "id-d",
		  .name = "",
		  .port = 1,
		  .proto = 6,
		  .app = APP_HTTP,
		  .rule_id = 7,
		  .action = 2,
		  .client_addr = ip_from_v4(0x0a000001),
		  .server_addr = ip_from_v4(0x0a000002) },
		{ .client = "",
		  .server = "id-d",
		  .name = "",
		  .port = 2,
		  .proto = 17,
		  .rule_id = 8,
		  .action = 1,
		  .client_addr = ip_from_v4(0xc0a80105),
		  .server_addr = ip_from_v4(0x0a000002) },
		{ .client = "id-w",
		  .server = "",
		  .name = "api.Example.org",
		  .port = 3,
		  .proto = 6,
		  .app = APP_TLS,
		  .rule_id = 7,
		  .action = 7,
		  .violations = 1,
		  .client_addr = ip_from_v4(0x0a000001),
		  .server_addr = { { 0xfd, 0, [15] = 9 } } },
	};
	struct store_flow f;

	put_workload(s, "id-w", "Web-1");
	put_workload(s, "id-d", "db");
	for (size_t i = 0; i < ARRAY_LEN(flows); i++) {
		f = flows[i];
		f.sessions = 1;
		f.first_s = f.last_s = DAY + 10 * i;
		assert_int_equal(store_add_flows(s, &f, 1, NULL), 0);
	}
}

static const struct {
	const char *name;
	struct store_flow_query q;
	const char *want;
} flow_rows[] = {
	{ "a client's name, in any case", { .text = "web-" }, "1 3 " },
	{ "a server's name", { .text = "db" }, "1 2 " },
	{ "an id is not shown", { .text = "id-w" }, "" },
	{ "a DNS name", { .text = "example" }, "3 " },
	{ "an application", { .text = "TLS" }, "3 " },
	{ "a protocol", { .text = "udp" }, "2 " },
	{ "and its port", { .text = "tcp/3" }, "3 " },
	{ "an address", { .text = "192.168.1.5" }, "2 " },
	{ "the begin of one", { .text = "10.0.0.2" }, "1 2 " },
	{ "IPv6", { .text = "FD00::9" }, "3 " },
	{ "nothing", { .text = "nothing" }, "" },
	{ "a rule", { .rule = 7 }, "1 3 " },
	{ "another", { .rule = 8 }, "2 " },
	{ "none such", { .rule = 9 }, "" },
	{ "rule and text", { .rule = 7, .text = "http" }, "1 " },
	{ "rule and workload", { .rule = 7, .workload = "id-d" }, "1 " },
	{ "rule and violations", { .rule = 7, .only_violations = true }, "3 " },
	{ "learned", { .only_learned = true }, "2 " },
	{ "text and time", { .text = "web", .since_s = DAY + 5 }, "3 " },
};

static void check_flows(struct store *s, size_t row, bool newest)
{
	struct store_flow_query q = flow_rows[row].q;
	struct told t = { "" };

	q.limit = 10;
	q.newest = newest;
	assert_int_equal(store_each_flow(s, &q, on_flow, &t, NULL), 0);
	assert_row(flow_rows[row].name,
		   strcmp(t.text, flow_rows[row].want) == 0);
}

static void test_flows(void **state)
{
	struct world *w = *state;

	put_flows(w->s);
	for (size_t i = 0; i < ARRAY_LEN(flow_rows); i++) {
		check_flows(w->s, i, false);
		check_flows(w->s, i, true);
	}
}

static const struct {
	const char *name;
	struct store_event_query q;
	const char *want;
} event_rows[] = {
	{ "in any of its texts, in any case", { .text = "db" }, "1 3 " },
	{ "members are not their names", { .text = "rule" }, "4 " },
	{ "raw bytes are not looked into", { .text = "abcd" }, "" },
	{ "what JSON escapes", { .text = "\"scan\"" }, "2 " },
	{ "a rule", { .rule = 7 }, "1 " },
	{ "rule and kind", { .rule = 8, .kind = "threat" }, "" },
	{ "kind and text", { .kind = "violation", .text = "x" }, "3 " },
	{ "rule and text", { .rule = 7, .text = "web" }, "1 " },
};

static void check_events(struct store *s, size_t row, bool newest)
{
	struct store_event_query q = event_rows[row].q;
	struct told t = { "" };

	q.limit = 10;
	q.newest = newest;
	assert_int_equal(store_each_event(s, &q, on_event, &t, NULL), 0);
	assert_row(event_rows[row].name,
		   strcmp(t.text, event_rows[row].want) == 0);
}

static void test_events(void **state)
{
	static const char *const events[] = {
		"{\"kind\":\"violation\",\"rule\":7,\"text\":\"web -> db\"}",
		"{\"kind\":\"threat\",\"rule\":0,\"raw\":\"abcd\","
		"\"text\":\"a \\\"scan\\\"\"}",
		"{\"kind\":\"violation\",\"rule\":8,\"of\":[{\"x\":\"DB\"}],"
		"\"text\":\"x\"}",
		"{\"kind\":\"state\",\"text\":\"no rule\"}",
	};
	struct world *w = *state;

	for (size_t i = 0; i < ARRAY_LEN(events); i++) {
		json_t *event = json_loads(events[i], 0, NULL);
		const json_t *one = event;

		assert_int_equal(
			store_add_events(w->s, &one, 1, 1000, NULL, NULL), 0);
		json_decref(event);
	}
	for (size_t i = 0; i < ARRAY_LEN(event_rows); i++) {
		check_events(w->s, i, false);
		check_events(w->s, i, true);
	}
}

/* --- how far ------------------------------------------------------------------ */

#define MANY (2 * STORE_LOOK_MAX + 100)

/* So many, of which the first and the last are of "db". */
static void put_many(struct store *s)
{
	struct store_flow *flows = calloc(MANY, sizeof *flows);

	assert_non_null(flows);
	put_workload(s, "id-w", "web");
	put_workload(s, "id-d", "db");
	for (size_t i = 0; i < MANY; i++)
		flows[i] = (struct store_flow){
			.client = "id-w",
			.server = i == 0 || i == MANY - 1 ? "id-d" : "id-w",
			.name = "",
			.port = (uint16_t)(i == 0	   ? 1
					   : i == MANY - 1 ? 2
							   : 3),
			.server_addr = ip_from_v4((uint32_t)i),
			.sessions = 1,
			.first_s = DAY,
			.last_s = DAY,
		};
	assert_int_equal(store_add_flows(s, flows, MANY, NULL), 0);
	free(flows);
}

/* Pages until there are no more; how many it took. */
static unsigned pages(struct store *s, struct store_flow_query q,
		      struct told *t)
{
	struct store_seen seen = { .more = true };
	unsigned n = 0;

	q.seen = &seen;
	for (; seen.more; n++) {
		struct told page = { "" };

		assert_true(n < 10);
		assert_int_equal(store_each_flow(s, &q, on_flow, &page, NULL),
				 0);
		(void)snprintf(t->text + strlen(t->text),
			       sizeof t->text - strlen(t->text), "%s|",
			       page.text);
		q.after = q.newest ? 0 : seen.cursor;
		q.before = q.newest ? seen.cursor : 0;
	}
	return n;
}

static void test_how_far(void **state)
{
	struct world *w = *state;
	struct store_flow_query q = { .text = "db", .limit = 10 };
	struct told t = { "" };

	put_many(w->s);
	assert_int_equal(pages(w->s, q, &t), 3);
	assert_string_equal(t.text, "1 ||2 |");
	q.newest = true;
	t = (struct told){ "" };
	assert_int_equal(pages(w->s, q, &t), 3);
	assert_string_equal(t.text, "2 ||1 |");
	/* one that is full ends there, and goes on behind it */
	q.limit = 1;
	t = (struct told){ "" };
	assert_int_equal(pages(w->s, q, &t), 5);
	assert_string_equal(t.text, "2 |||1 ||");
	/* who does not ask how far is told all */
	q = (struct store_flow_query){ .text = "db", .limit = 10 };
	t = (struct told){ "" };
	assert_int_equal(store_each_flow(w->s, &q, on_flow, &t, NULL), 0);
	assert_string_equal(t.text, "1 2 ");
}

/* Pages back from the end have each once. */
static void test_before(void **state)
{
	struct world *w = *state;
	struct store_seen seen = { .more = true };
	struct store_event_query q = { .newest = true,
				       .limit = 3,
				       .seen = &seen };
	char all[1024] = "";

	for (int i = 0; i < 7; i++) {
		json_t *event = json_pack("{s:s}", "kind", "state");
		const json_t *one = event;

		assert_int_equal(
			store_add_events(w->s, &one, 1, 1000, NULL, NULL), 0);
		json_decref(event);
	}
	while (seen.more) {
		struct told t = { "" };

		assert_int_equal(store_each_event(w->s, &q, on_event, &t, NULL),
				 0);
		(void)snprintf(all + strlen(all), sizeof all - strlen(all),
			       "%s|", t.text);
		q.before = seen.cursor;
	}
	assert_string_equal(all, "5 6 7 |2 3 4 |1 |");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make, removes)
	const struct CMUnitTest tests[] = {
		TEST(test_flows),
		TEST(test_events),
		TEST(test_how_far),
		TEST(test_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
