/*
 * What waits for an output, against a naive model; cursors; files that are
 * followed by others; the configuration.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "export/config.h"
#include "export/queue.h"
#include "export/rotate.h"
#include "folder.h"
#include "seed.h"
#include "test.h"

static struct item *item_of(enum item_source source, uint64_t plane,
			    uint64_t number)
{
	struct item *i = item_new();

	i->source = source;
	i->plane = plane;
	i->number = number;
	i->json = strdup("{}");
	i->json_len = 2;
	return i;
}

static unsigned put(struct queue *q, uint64_t number, bool wanted)
{
	struct item *i = item_of(ITEM_OF_EVENTS, 0, number);
	unsigned gone = queue_put(q, i, wanted);

	item_put(i);
	return gone;
}

#define LINES 512

/* --- full, and not in order -------------------------------------------------------- */

static void test_full(void **state)
{
	struct queue *q = queue_new(
		&(struct queue_limits){ .lines = LINES, .bytes = 1 << 30 });
	const struct item *got[EXPORT_BATCH_MAX];
	unsigned gone = 0;

	(void)state;
	for (uint64_t n = 1; n <= LINES; n++)
		assert_int_equal(put(q, n, true), 0);
	/* what is under way does not give way, what waits behind it does */
	assert_int_equal(queue_peek(q, got, 3, 0), 3);
	for (uint64_t n = LINES + 1; n <= LINES + 10; n++)
		gone += put(q, n, true);
	assert_int_equal(gone, 10);
	assert_int_equal(got[0]->number, 1);
	queue_done(q, 3, true);
	assert_int_equal(queue_counts(q).lost, 10);
	assert_int_equal(queue_counts(q).sent, 3);
	assert_int_equal(queue_cursor(q).event, 3);
	assert_int_equal(queue_peek(q, got, 1, 0), 1);
	assert_int_equal(got[0]->number, 14);
	queue_done(q, 1, true);
	assert_int_equal(queue_cursor(q).event, 14);
	/* what was offered before is not again */
	assert_int_equal(put(q, 400, true), 0);
	assert_int_equal(queue_counts(q).waiting, LINES - 4);
	queue_free(q);
}

static void test_bytes(void **state)
{
	struct item *one = item_of(ITEM_OF_EVENTS, 0, 1);
	size_t size = item_size(one);
	struct queue *q = queue_new(
		&(struct queue_limits){ .lines = LINES, .bytes = 10 * size });

	(void)state;
	item_put(one);
	for (uint64_t n = 1; n <= 25; n++)
		(void)put(q, n, true);
	assert_int_equal(queue_counts(q).waiting, 10);
	assert_int_equal(queue_counts(q).lost, 15);
	assert_int_equal(queue_counts(q).bytes, 10 * size);
	queue_free(q);
}

/* --- at random, against a model: each wanted line is sent, waits, or is lost ------- */

static void test_model(void **state)
{
	struct queue *q = queue_new(
		&(struct queue_limits){ .lines = LINES, .bytes = 1 << 30 });
	const struct item *got[EXPORT_BATCH_MAX];
	uint64_t next = 1, wanted = 0, sent = 0, lost = 0, last = 0;
	uint64_t random = seed_choose() | 1;

	(void)state;
	for (int step = 0; step < 20000; step++) {
		size_t n = seed_draw(&random, 64), k;

		if (seed_draw(&random, 3)) {
			bool want = seed_draw(&random, 4);

			lost += put(q, next++, want);
			wanted += want;
			continue;
		}
		n = queue_peek(q, got, n + 1, 0);
		k = n ? seed_draw(&random, (uint32_t)n + 1) : 0;
		for (size_t i = 0; i < n; i++) {
			assert_true(got[i]->number > last);
			if (i < k)
				last = got[i]->number;
		}
		queue_done(q, k, true);
		sent += k;
		assert_true(queue_cursor(q).event >= last);
		assert_true(queue_cursor(q).event < next);
	}
	assert_int_equal(queue_counts(q).lost, lost);
	assert_int_equal(sent + lost + queue_counts(q).waiting, wanted);
	queue_free(q);
}

/* --- cursors ------------------------------------------------------------------------- */

static void test_cursor(void **state)
{
	struct cursor c = { 0 };
	struct item *i;

	(void)state;
	/* more data planes than are remembered; the first is used all the time */
	for (uint64_t plane = 1; plane <= EXPORT_PLANES_MAX + 3; plane++) {
		i = item_of(ITEM_OF_TRAIL, plane, 10);
		assert_false(cursor_has(&c, i));
		cursor_pass(&c, i);
		assert_true(cursor_has(&c, i));
		i->number = 11;
		assert_false(cursor_has(&c, i));
		item_put(i);
		i = item_of(ITEM_OF_TRAIL, 1, 10 + plane);
		cursor_pass(&c, i);
		item_put(i);
	}
	i = item_of(ITEM_OF_TRAIL, 1, 12 + EXPORT_PLANES_MAX);
	assert_true(cursor_has(&c, i));
	item_put(i);
	i = item_of(ITEM_OF_TRAIL, 2, 1); /* forgotten */
	assert_false(cursor_has(&c, i));
	item_put(i);
	i = item_of(ITEM_OF_US, 0, 0);
	cursor_pass(&c, i);
	assert_false(cursor_has(&c, i));
	item_put(i);
}

/* Another configuration of the same output: what waits goes on, in order. */
static void test_move(void **state)
{
	struct queue_limits small = { .lines = LINES, .bytes = 1 << 30 };
	struct queue *a = queue_new(
		&(struct queue_limits){ .lines = 2 * LINES, .bytes = 1 << 30 });
	struct queue *b = queue_new(&small);
	const struct item *got[2];

	(void)state;
	for (uint64_t n = 1; n <= LINES + 5; n++)
		(void)put(a, n, true);
	(void)queue_peek(a, got, 2, 0);
	queue_done(a, 2, true);
	(void)put(a, LINES + 6, false);
	queue_move(b, a);
	queue_free(a);
	assert_int_equal(queue_counts(b).waiting, LINES);
	assert_int_equal(queue_counts(b).lost, 3);
	assert_int_equal(queue_counts(b).sent, 2);
	assert_int_equal(put(b, LINES + 6, true), 0); /* passed before */
	assert_int_equal(queue_peek(b, got, 1, 0), 1);
	assert_int_equal(got[0]->number, 6);
	queue_free(b);
}

/* --- files --------------------------------------------------------------------------- */

static char *text_of(const char *path)
{
	static char buf[4096];
	FILE *f = fopen(path, "re");
	size_t n = f ? fread(buf, 1, sizeof buf - 1, f) : 0;

	buf[n] = '\0';
	if (f)
		(void)fclose(f);
	return buf;
}

static void test_rotate(void **state)
{
	char *dir = folder_make(), *path = strdup(folder_file(dir, "eve"));
	struct rotated r = {
		.path = path, .keep = 2, .max_bytes = 6, .max_s = 100, .fd = -1
	};
	char older[512];
	struct err err;
	struct stat st;

	(void)state;
	for (int i = 1; i <= 4; i++) {
		char line[16];

		assert_int_equal(rotated_open(&r, &err), 0);
		(void)snprintf(line, sizeof line, "line%d\n", i);
		assert_false(rotated_is_due(&r, 1000));
		assert_int_equal(
			rotated_write(&r, line, strlen(line), 1000, &err), 0);
		assert_true(rotated_is_due(&r, 1000));
		assert_int_equal(rotated_turn(&r, &err), 0);
	}
	(void)snprintf(older, sizeof older, "%s.1", path);
	assert_string_equal(text_of(older), "line4\n");
	assert_int_equal(stat(older, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	(void)snprintf(older, sizeof older, "%s.2", path);
	assert_string_equal(text_of(older), "line3\n");
	(void)snprintf(older, sizeof older, "%s.3", path);
	assert_int_equal(access(older, F_OK), -1);
	/* by its age */
	r.max_bytes = 0;
	assert_int_equal(rotated_open(&r, &err), 0);
	assert_int_equal(rotated_write(&r, "x\n", 2, 1000, &err), 0);
	assert_false(rotated_is_due(&r, 1099));
	assert_true(rotated_is_due(&r, 1100));
	/* moved away by somebody */
	assert_true(rotated_is_there(&r));
	assert_int_equal(rename(path, older), 0);
	assert_false(rotated_is_there(&r));
	rotated_close(&r);
	free(path);
	folder_remove(dir);
}

/* Half a line, as one who was killed leaves it, is taken away. */
static void test_torn(void **state)
{
	static const struct {
		const char *before, *after;
	} rows[] = {
		{ "", "" },
		{ "{}\n", "{}\n" },
		{ "{}\n{\"a\"", "{}\n" },
		{ "{\"a\"", "" },
	};
	char *dir = folder_make(), *path = strdup(folder_file(dir, "eve"));

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct rotated r = { .path = path, .keep = 1, .fd = -1 };
		FILE *f = fopen(path, "we");
		struct err err;

		(void)fputs(rows[i].before, f);
		(void)fclose(f);
		assert_int_equal(rotated_open(&r, &err), 0);
		rotated_close(&r);
		assert_string_equal(text_of(path), rows[i].after);
	}
	free(path);
	folder_remove(dir);
}

/* A full disk: whole lines or none. */
static void test_no_room(void **state)
{
	struct rotated r = { .path = "/dev/full", .keep = 1, .fd = -1 };
	struct err err;

	(void)state;
	assert_int_equal(rotated_open(&r, &err), -EINVAL);
	assert_string_equal(err.text, "is no file");
}

/* --- configuration --------------------------------------------------------------------- */

static void test_config(void **state)
{
	static const struct {
		const char *yaml, *at, *text; /* at NULL: it is right */
	} rows[] = {
		{ "outputs: []", NULL, NULL },
		{ "outputs:\n- {name: a, kind: file, path: /x}", NULL, NULL },
		{ "outputs:\n- {name: a, kind: syslog, to: 'udp://[::1]'}",
		  NULL, NULL },
		{ "outputs:\n- {name: a, kind: syslog, to: tls://h:6514, tls: "
		  "{ca: /c, name: n}, events: [alert, dns], severity: high}",
		  NULL, NULL },
		{ "outputs:\n- {name: a, kind: webhook, url: https://h/x}",
		  NULL, NULL },
		{ "outputs:\n- {name: a, kind: ipfix, to: tcp://h}", NULL,
		  NULL },
		{ "", "f", "must be one document" },
		{ "output: []", "f:1:1", "outputs" },
		{ "outputs:\n- {name: a, kind: mail}", "f:2:13",
		  "one of file, unix" },
		{ "outputs:\n- {name: a b, kind: file, path: /x}", "f:2:4",
		  "letters" },
		{ "outputs:\n- {name: a, kind: file, path: x}",
		  "f:2:", "begin with /" },
		{ "outputs:\n- {name: a, kind: file, path: /x, to: h}",
		  "f:2:", "to" },
		{ "outputs:\n- {name: a, kind: file, path: /x}\n- {name: a, "
		  "kind: file, path: /y}",
		  "f:3:", "already" },
		{ "outputs:\n- {name: a, kind: syslog, to: 'http://h'}",
		  "f:2:", "udp://" },
		{ "outputs:\n- {name: a, kind: syslog, to: 'udp://h:x'}",
		  "f:2:", "port" },
		{ "outputs:\n- {name: a, kind: syslog, to: 'udp://:1'}",
		  "f:2:", "no host" },
		{ "outputs:\n- {name: a, kind: ipfix, to: 'tls://h:1'}",
		  "f:2:", "udp://, tcp://" },
		{ "outputs:\n- {name: a, kind: webhook, url: http://h/}",
		  "f:2:", "allow_http" },
		{ "outputs:\n- {name: a, kind: webhook}", "f:2:", "url_file" },
		{ "outputs:\n- {name: a, kind: webhook, url_file: /none}",
		  "f:2:", "No such file" },
		{ "outputs:\n- {name: a, kind: file, path: /x, events: [x]}",
		  "f:2:", "alert, anomaly" },
		{ "outputs:\n- {name: a, kind: file, path: /x, severity: bad}",
		  "f:2:", "critical" },
		{ "outputs:\n- {name: a, kind: file, path: /x, buffer: {lines: "
		  "1}}",
		  "f:2:", "512" },
		{ "outputs:\n- {name: a, kind: syslog, to: tls://h, tls: "
		  "{cert: /c}}",
		  "f:2:", "go together" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct export_config c;
		struct err err = { 0 };
		int rc = export_config_parse(rows[i].yaml, strlen(rows[i].yaml),
					     "f", &c, &err);

		if (rc == 0)
			export_config_done(&c);
		if ((rc == 0) != !rows[i].at ||
		    (rc < 0 &&
		     (strncmp(err.at, rows[i].at, strlen(rows[i].at)) != 0 ||
		      !strstr(err.text, rows[i].text))))
			fail_msg("%s: %d %s: %s", rows[i].yaml, rc, err.at,
				 err.text);
	}
}

/* A file that cannot be moved away is gone on with. */
static void test_turn_fails(void **state)
{
	char *dir = folder_make(), *path = strdup(folder_file(dir, "eve"));
	struct rotated r = {
		.path = path, .keep = 2, .max_bytes = 1, .fd = -1
	};
	struct err err;
	int fd;

	(void)state;
	assert_int_equal(mkdir(folder_file(dir, "eve.1"), 0700), 0);
	assert_int_equal(mkdir(folder_file(dir, "eve.2"), 0700), 0);
	assert_int_equal(mkdir(folder_file(dir, "eve.2/x"), 0700), 0);
	assert_int_equal(rotated_open(&r, &err), 0);
	fd = r.fd;
	assert_int_equal(rotated_write(&r, "x\n", 2, 1000, &err), 0);
	assert_true(rotated_turn(&r, &err) < 0);
	assert_int_equal(r.fd, fd);
	assert_true(rotated_is_there(&r));
	assert_int_equal(rotated_write(&r, "y\n", 2, 1000, &err), 0);
	assert_int_equal(r.bytes, 4);
	rotated_close(&r);
	free(path);
	folder_remove(dir);
}

static void write_text(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* Is it taken for a secret, "Bearer x"? */
static bool is_secret(const char *path, const char *text)
{
	struct export_config c;
	char yaml[700];
	struct err err;
	bool is;

	write_text(path, text);
	(void)snprintf(yaml, sizeof yaml,
		       "outputs:\n- {name: a, kind: webhook, url: "
		       "'https://h/', authorization_file: %s}\n",
		       path);
	if (export_config_parse(yaml, strlen(yaml), "f", &c, &err) < 0)
		return false;
	is = strcmp(c.outputs[0].authorization, "Bearer x") == 0;
	export_config_done(&c);
	return is;
}

/* A secret is one line: what is behind it would be another header. */
static void test_secret(void **state)
{
	static const char *const wrong[] = { "Bearer x\rX-Y: z",
					     "Bearer x\nX-Y: z", "\x1b", "" };
	char *dir = folder_make();
	const char *path = folder_file(dir, "secret");

	(void)state;
	assert_true(is_secret(path, "Bearer x"));
	assert_true(is_secret(path, "Bearer x\r\n"));
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
		assert_false(is_secret(path, wrong[i]));
	folder_remove(dir);
}

static void test_defaults(void **state)
{
	static const char text[] =
		"outputs:\n- {name: f, kind: file, path: /x}\n- {name: w, "
		"kind: "
		"webhook, url: https://h/}\n- {name: i, kind: ipfix, to: "
		"udp://h}\n- {name: s, kind: syslog, to: 'tls://h', events: "
		"[alert, dns]}\n";
	struct export_config c;
	struct err err;

	(void)state;
	assert_int_equal(
		export_config_parse(text, sizeof text - 1, "f", &c, &err), 0);
	assert_int_equal(c.outputs[0].kinds, ITEMS_ALL);
	assert_int_equal(c.outputs[0].buffer.lines, EXPORT_LINES_DEFAULT);
	assert_true(c.outputs[1].only_marked);
	assert_int_equal(c.outputs[2].kinds, 1u << ITEM_FLOW);
	assert_string_equal(c.outputs[2].port, "4739");
	assert_string_equal(c.outputs[3].port, "6514");
	assert_int_equal(c.outputs[3].kinds,
			 item_kinds_of("alert") | 1u << ITEM_DNS);
	assert_string_equal(c.door, "/run/weir/agent.sock");
	export_config_done(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_model),
		cmocka_unit_test(test_cursor),
		cmocka_unit_test(test_move),
		cmocka_unit_test(test_rotate),
		cmocka_unit_test(test_torn),
		cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_config),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_secret),
		cmocka_unit_test(test_turn_fails),
	};

	return cmocka_run_group_tests_name("export_queue", tests, NULL, NULL);
}
