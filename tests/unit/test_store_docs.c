/*
 * Documents: never lost, whatever happens to the process or to the file.
 */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/limits.h"
#include "folder.h"
#include "seed.h"
#include "test.h"

static int make(void **state)
{
	*state = folder_make();
	return 0;
}

static int removes(void **state)
{
	folder_remove(*state);
	return 0;
}

static struct store *open_store(const char *dir)
{
	struct err err = { 0 };
	struct store *s;

	if (store_open(dir, &s, &err) < 0)
		fail_msg("%s: %s", err.at, err.text);
	return s;
}

static int put(struct store *s, const char *name, const char *text,
	       uint64_t expect, uint64_t *revision)
{
	json_t *doc = json_loads(text, 0, NULL);
	int rc = store_put_doc(s, name, doc, expect, revision, NULL);

	assert_non_null(doc);
	json_decref(doc);
	return rc;
}

static void assert_text(json_t *doc, const char *text)
{
	json_t *want = json_loads(text, 0, NULL);

	assert_non_null(want);
	assert_true(json_equal(doc, want));
	json_decref(doc);
	json_decref(want);
}

static void assert_doc(struct store *s, const char *name, const char *text,
		       uint64_t revision)
{
	struct err err = { 0 };
	uint64_t got;
	json_t *doc;

	if (store_get_doc(s, name, &doc, &got, &err) < 0)
		fail_msg("%s: %s: %s", name, err.at, err.text);
	assert_int_equal(got, revision);
	assert_text(doc, text);
}

static void assert_no_doc(struct store *s, const char *name)
{
	json_t *doc;

	assert_int_equal(store_get_doc(s, name, &doc, NULL, NULL), -ENOENT);
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* --- one after the other ---------------------------------------------- */

static void test_put_get(void **state)
{
	struct store *s = open_store(*state);
	uint64_t revision;

	assert_string_equal(store_state(s), "");
	assert_no_doc(s, "intent");
	assert_int_equal(put(s, "intent", "{\"rules\":[1]}", 0, &revision), 0);
	assert_int_equal(revision, 1);
	assert_int_equal(put(s, "intent", "{\"rules\":[2]}", 1, &revision), 0);
	assert_int_equal(revision, 2);
	assert_int_equal(put(s, "intent", "{}", 1, &revision), -ESTALE);
	assert_int_equal(put(s, "intent", "{}", 3, NULL), -ESTALE);
	assert_int_equal(put(s, "candidate", "[]", 0, NULL), 0);
	assert_doc(s, "intent", "{\"rules\":[2]}", 2);
	store_free(s);

	s = open_store(*state);
	assert_doc(s, "intent", "{\"rules\":[2]}", 2);
	assert_doc(s, "candidate", "[]", 1);
	assert_int_equal(put(s, "intent", "{\"rules\":[3]}", 2, &revision), 0);
	assert_int_equal(revision, 3);
	store_free(s);
}

static void check_name(struct store *s, const char *name, int want)
{
	json_t *doc;

	assert_row(name, put(s, name, "{}", 0, NULL) == want);
	if (want == 0) {
		assert_doc(s, name, "{}", 1);
		return;
	}
	assert_row(name, store_get_doc(s, name, &doc, NULL, NULL) == want);
	assert_row(name, store_del_doc(s, name, NULL) == want);
	assert_row(name, store_doc_history(s, name, &doc, NULL) == want);
}

static void test_names(void **state)
{
	static const struct {
		const char *name;
		int want;
	} rows[] = {
		{ "intent", 0 },
		{ "0-9", 0 },
		{ "", -EINVAL },
		{ "../intent", -EINVAL },
		{ "a/b", -EINVAL },
		{ "a.b", -EINVAL },
		{ "Intent", -EINVAL },
		{ "caf\xc3\xa9", -EINVAL },
		{ "123456789-123456789-123456789-123456789-"
		  "123456789-123456789-123",
		  0 },
		{ "123456789-123456789-123456789-123456789-"
		  "123456789-123456789-1234",
		  -EINVAL },
	};
	struct store *s = open_store(*state);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_name(s, rows[i].name, rows[i].want);
	store_free(s);
}

static void test_no_document(void **state)
{
	struct store *s = open_store(*state);
	json_t *text = json_string("text");
	size_t n = STORE_DOC_BYTES_MAX;
	char *large = malloc(n + 1);
	json_t *doc;

	assert_int_equal(store_put_doc(s, "a", text, 0, NULL, NULL), -EINVAL);
	assert_int_equal(store_put_doc(s, "a", NULL, 0, NULL, NULL), -EINVAL);
	assert_non_null(large);
	memset(large, 'x', n);
	large[n] = '\0';
	doc = json_pack("[s]", large);
	assert_int_equal(store_put_doc(s, "a", doc, 0, NULL, NULL), -E2BIG);
	json_decref(doc);
	large[n - 4] = '\0';
	doc = json_pack("[s]", large);
	assert_int_equal(store_put_doc(s, "a", doc, 0, NULL, NULL), 0);
	json_decref(doc);
	free(large);
	json_decref(text);
	assert_string_equal(store_state(s), "");
	store_free(s);
}

static size_t history(struct store *s, const char *name, uint64_t *first)
{
	json_t *list;
	size_t n;

	assert_int_equal(store_doc_history(s, name, &list, NULL), 0);
	n = json_array_size(list);
	*first = (uint64_t)json_integer_value(
		json_object_get(json_array_get(list, 0), "revision"));
	json_decref(list);
	return n;
}

static void test_history(void **state)
{
	struct store *s = open_store(*state);
	char text[32];
	uint64_t first;
	json_t *list;
	json_t *doc;

	assert_int_equal(history(s, "intent", &first), 0);
	for (int i = 1; i <= STORE_REVISIONS_MAX + 5; i++) {
		(void)snprintf(text, sizeof text, "{\"n\": %d}", i);
		assert_int_equal(put(s, "intent", text, 0, NULL), 0);
	}
	assert_int_equal(history(s, "intent", &first), STORE_REVISIONS_MAX);
	assert_int_equal(first, 6);
	assert_int_equal(store_get_doc_at(s, "intent", 6, &doc, NULL), 0);
	assert_text(doc, "{\"n\": 6}");
	assert_int_equal(store_get_doc_at(s, "intent", 5, &doc, NULL), -ENOENT);
	assert_int_equal(store_get_doc_at(s, "intent", UINT64_MAX, &doc, NULL),
			 -ENOENT);

	/* what was deleted is to be had again, and its revisions count on */
	assert_int_equal(store_del_doc(s, "intent", NULL), 0);
	assert_no_doc(s, "intent");
	assert_int_equal(store_del_doc(s, "intent", NULL), -ENOENT);
	assert_int_equal(store_del_doc(s, "other", NULL), -ENOENT);
	assert_int_equal(store_get_doc_at(s, "intent", 106, &doc, NULL),
			 -ENOENT);
	assert_int_equal(store_get_doc_at(s, "intent", 105, &doc, NULL), 0);
	assert_text(doc, "{\"n\": 105}");
	assert_int_equal(store_doc_history(s, "intent", &list, NULL), 0);
	doc = json_array_get(list, json_array_size(list) - 1);
	assert_true(json_is_true(json_object_get(doc, "deleted")));
	assert_null(json_object_get(doc, "bytes"));
	json_decref(list);
	store_free(s);

	s = open_store(*state);
	assert_no_doc(s, "intent");
	assert_int_equal(put(s, "intent", "{}", 106, NULL), 0);
	assert_doc(s, "intent", "{}", 107);
	assert_int_equal(put(s, "a", "{}", 0, NULL), 0);
	assert_int_equal(put(s, "b", "{}", 0, NULL), 0);
	assert_int_equal(store_del_doc(s, "b", NULL), 0);
	assert_int_equal(store_list_docs(s, &list, NULL), 0);
	assert_int_equal(json_array_size(list), 2);
	assert_string_equal(json_string_value(json_object_get(
				    json_array_get(list, 0), "name")),
			    "a");
	assert_int_equal(json_integer_value(json_object_get(
				 json_array_get(list, 1), "revision")),
			 107);
	json_decref(list);
	store_free(s);
}

/* Puts one more; what: NULL: nothing is told about it. */
static void put_about(struct store *s, const char *what)
{
	json_t *about = what ? json_pack("{s:s, s:s}", "what", what, "revision",
					 "not it")
			     : NULL;

	assert_int_equal(
		store_put_text(s, "intent", "{}", about, 0, NULL, NULL), 0);
	json_decref(about);
}

/* Of the n-th in the history; NULL: nothing. */
static void assert_what(struct store *s, size_t n, const char *want)
{
	const char *what;
	json_t *list, *row;

	assert_int_equal(store_doc_history(s, "intent", &list, NULL), 0);
	row = json_array_get(list, n);
	assert_true(json_is_integer(json_object_get(row, "revision")));
	what = json_string_value(json_object_get(row, "what"));
	if (want) {
		assert_non_null(what);
		assert_string_equal(what, want);
	} else {
		assert_null(what);
	}
	json_decref(list);
}

/* What is told about a revision stays as long as it does. */
static void test_about(void **state)
{
	struct store *s = open_store(*state);
	char what[16];

	put_about(s, NULL);
	for (int i = 2; i <= STORE_REVISIONS_MAX + 2; i++) {
		(void)snprintf(what, sizeof what, "change %d", i);
		put_about(s, what);
	}
	assert_what(s, 0, "change 3");
	assert_what(s, STORE_REVISIONS_MAX - 1, "change 102");
	put_about(s, NULL);
	assert_what(s, STORE_REVISIONS_MAX - 1, NULL);
	put_about(s, "the last");
	store_free(s);

	/* the copy is made of the row, and has it, and the row of the copy */
	assert_int_equal(unlink(folder_file(*state, "documents/intent.json")),
			 0);
	store_free(open_store(*state));
	assert_int_equal(unlink(folder_file(*state, "weir.db")), 0);
	s = open_store(*state);
	assert_what(s, 0, "the last");
	assert_doc(s, "intent", "{}", 104);
	store_free(s);

	/* a copy in which it is nothing that can be told */
	assert_int_equal(unlink(folder_file(*state, "weir.db")), 0);
	write_file(folder_file(*state, "documents/intent.json"),
		   "{\"revision\": 7, \"saved\": 1, \"about\": \"me\","
		   " \"document\": {\"n\": 1}}");
	s = open_store(*state);
	assert_what(s, 0, NULL);
	assert_doc(s, "intent", "{\"n\":1}", 7);
	store_free(s);
}

static void test_notes(void **state)
{
	struct store *s = open_store(*state);
	json_t *doc = json_pack("{s:i}", "n", 1);
	uint64_t first;

	for (int i = 1; i <= 5; i++) {
		json_object_set_new(doc, "n", json_integer(i));
		assert_int_equal(store_put_note(s, "hits", doc, NULL), 0);
	}
	assert_int_equal(history(s, "hits", &first), 1);
	assert_int_equal(first, 5);
	assert_int_equal(
		access(folder_file(*state, "documents/hits.json"), F_OK), -1);
	assert_int_equal(store_put_note(s, "a/b", doc, NULL), -EINVAL);
	json_decref(doc);
	store_free(s);
	s = open_store(*state);
	assert_doc(s, "hits", "{\"n\":5}", 5);
	assert_string_equal(store_state(s), "");
	store_free(s);
}

/* Large revisions: fewer are kept, the last one always. */
static void test_history_bytes(void **state)
{
	struct store *s = open_store(*state);
	size_t n = STORE_REVISIONS_BYTES / 4 - 64;
	char *large = malloc(n + 1);
	uint64_t first;
	json_t *doc;

	assert_non_null(large);
	memset(large, 'x', n);
	large[n] = '\0';
	doc = json_pack("{s:s}", "text", large);
	free(large);
	for (int i = 0; i < 6; i++)
		assert_int_equal(store_put_doc(s, "a", doc, 0, NULL, NULL), 0);
	json_decref(doc);
	assert_int_equal(history(s, "a", &first), 4);
	assert_int_equal(first, 3);
	store_free(s);
}

/* --- what befalls it -------------------------------------------------- */

static void test_locked(void **state)
{
	struct store *s = open_store(*state);
	struct err err = { 0 };
	struct store *second;

	assert_int_equal(store_open(*state, &second, &err), -EBUSY);
	assert_string_equal(err.text, "another weir-agent uses it");
	store_free(s);
	store_free(open_store(*state));
}

static void test_folder(void **state)
{
	const char *file = folder_file(*state, "file");
	struct err err = { 0 };
	struct store *s;

	write_file(file, "");
	assert_int_equal(store_open(file, &s, &err), -ENOTDIR);
	assert_int_equal(store_open(folder_file(*state, "no/where"), &s, &err),
			 -ENOENT);
	store_free(open_store(folder_file(*state, "new")));
}

/* Tells each acknowledged revision until it is killed. */
static void write_on(const char *dir, int out)
{
	struct store *s;
	uint64_t revision;

	if (store_open(dir, &s, NULL) < 0)
		_exit(1);
	for (uint64_t n = 1;; n++) {
		json_t *doc = json_pack("{s:I}", "n", (json_int_t)n);

		if (store_put_doc(s, "intent", doc, 0, &revision, NULL) < 0 ||
		    write(out, &revision, sizeof revision) < 0)
			_exit(1);
		json_decref(doc);
	}
}

/* After so many acknowledged ones the child is killed; the last one's. */
static uint64_t killed_after(const char *dir, unsigned acknowledged)
{
	uint64_t last = 0;
	uint64_t got;
	int pipes[2];
	int status;
	pid_t child;

	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		write_on(dir, pipes[1]);
	close(pipes[1]);
	while (acknowledged-- && read(pipes[0], &got, sizeof got) == sizeof got)
		last = got;
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status));
	while (read(pipes[0], &got, sizeof got) == sizeof got)
		last = got;
	close(pipes[0]);
	return last;
}

static void test_killed(void **state)
{
	uint64_t random = seed_choose() | 1;
	json_int_t before = 0;

	for (int i = 0; i < 20; i++) {
		unsigned n = 1 + seed_draw(&random, 30);
		uint64_t last = killed_after(*state, n);
		struct store *s = open_store(*state);
		uint64_t revision;
		json_int_t value;
		json_t *doc;

		assert_string_equal(store_state(s), "");
		assert_int_equal(
			store_get_doc(s, "intent", &doc, &revision, NULL), 0);
		/* one more may have been saved and not told any more */
		assert_in_range(revision, last, last + 1);
		value = json_integer_value(json_object_get(doc, "n"));
		assert_int_equal(value, (json_int_t)revision - before);
		json_decref(doc);
		/* the copy says the same, so the file may go */
		store_free(s);
		assert_int_equal(unlink(folder_file(*state, "weir.db")), 0);
		s = open_store(*state);
		assert_int_equal(store_get_doc(s, "intent", &doc, &last, NULL),
				 0);
		assert_int_equal(last, revision);
		assert_int_equal(json_integer_value(json_object_get(doc, "n")),
				 value);
		json_decref(doc);
		store_free(s);
		before = (json_int_t)revision;
	}
}

static void copy_file(const char *from, const char *to)
{
	char buf[65536];
	int in = open(from, O_RDONLY | O_CLOEXEC);
	int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	ssize_t n;

	assert_true(in >= 0 && out >= 0);
	while ((n = read(in, buf, sizeof buf)) > 0)
		assert_int_equal(write(out, buf, (size_t)n), n);
	assert_int_equal(n, 0);
	close(in);
	close(out);
}

static bool exists(const char *dir, const char *name)
{
	return access(folder_file(dir, name), F_OK) == 0;
}

/* Writes over a part of the file. */
static void damage(const char *dir, off_t at, size_t n)
{
	int fd = open(folder_file(dir, "weir.db"), O_WRONLY | O_CLOEXEC);
	char *junk = malloc(n);

	assert_non_null(junk);
	assert_true(fd >= 0);
	memset(junk, 0x5a, n);
	assert_int_equal(pwrite(fd, junk, n, at), n);
	close(fd);
	free(junk);
}

static void test_damaged(void **state)
{
	struct store *s = open_store(*state);

	assert_int_equal(put(s, "intent", "{\"n\":1}", 0, NULL), 0);
	assert_int_equal(put(s, "intent", "{\"n\":2}", 0, NULL), 0);
	assert_int_equal(put(s, "gone", "{}", 0, NULL), 0);
	assert_int_equal(store_del_doc(s, "gone", NULL), 0);
	store_free(s);
	for (int i = 0; i < STORE_DAMAGED_MAX + 2; i++) {
		struct store_stats stats;

		/* all, the head, or a piece behind it */
		damage(*state, i == 1 ? 0 : 100, i == 2 ? 40000 : 5000);
		s = open_store(*state);
		assert_doc(s, "intent", "{\"n\":2}", 2);
		assert_no_doc(s, "gone");
		store_stats(s, &stats);
		assert_int_equal(stats.damaged, 1);
		assert_non_null(strstr(store_state(s), "weir.db.damaged-"));
		store_free(s);
		s = open_store(*state);
		assert_string_equal(store_state(s), "");
		assert_doc(s, "intent", "{\"n\":2}", 2);
		store_free(s);
	}
	assert_true(exists(*state, "weir.db.damaged-1"));
	assert_true(exists(*state, "weir.db.damaged-3"));
	assert_false(exists(*state, "weir.db.damaged-4"));
}

/* While it is open: one call fails, the next works on. */
static void test_damaged_meanwhile(void **state)
{
	struct store *s = open_store(*state);
	struct store_flow f = { .client = "a", .server = "", .name = "" };
	int rc = 0;
	int i;

	assert_int_equal(put(s, "intent", "{\"n\":1}", 0, NULL), 0);
	for (f.last_s = 0; f.last_s < 3000; f.last_s++) {
		f.port = (uint16_t)f.last_s;
		assert_int_equal(store_add_flows(s, &f, 1, NULL), 0);
	}
	store_free(s);
	s = open_store(*state);
	damage(*state, 8192, 200000);
	for (i = 0; i < 5000 && rc == 0; i++) {
		f.port = (uint16_t)(i * 37);
		rc = store_add_flows(s, &f, 1, NULL);
	}
	assert_int_equal(rc, -EIO);
	assert_non_null(strstr(store_state(s), "fails since"));
	assert_int_equal(store_add_flows(s, &f, 1, NULL), 0);
	assert_non_null(strstr(store_state(s), "weir.db.damaged-1"));
	assert_doc(s, "intent", "{\"n\":1}", 1);
	store_free(s);
}

/* A file that was put back from before: the copy is newer, and wins. */
static void test_old_file(void **state)
{
	struct store *s = open_store(*state);
	json_t *doc;

	assert_int_equal(put(s, "intent", "{\"n\":1}", 0, NULL), 0);
	store_free(s);
	copy_file(folder_file(*state, "weir.db"), folder_file(*state, "old"));
	s = open_store(*state);
	assert_int_equal(put(s, "intent", "{\"n\":2}", 0, NULL), 0);
	assert_int_equal(put(s, "intent", "{\"n\":3}", 0, NULL), 0);
	assert_int_equal(put(s, "new", "{}", 0, NULL), 0);
	store_free(s);
	copy_file(folder_file(*state, "old"), folder_file(*state, "weir.db"));

	s = open_store(*state);
	assert_doc(s, "intent", "{\"n\":3}", 3);
	assert_doc(s, "new", "{}", 1);
	assert_int_equal(store_get_doc_at(s, "intent", 1, &doc, NULL), 0);
	assert_text(doc, "{\"n\":1}");
	store_free(s);
}

/* The copies are as good as gone: they are written again from the file. */
static void test_lost_copies(void **state)
{
	const char *copy = folder_file(*state, "documents/intent.json");
	struct store *s = open_store(*state);

	assert_int_equal(put(s, "intent", "{\"n\":1}", 0, NULL), 0);
	assert_int_equal(put(s, "other", "{\"n\":2}", 0, NULL), 0);
	store_free(s);
	write_file(copy, "{\"name\": \"intent\", \"revis");
	assert_int_equal(unlink(folder_file(*state, "documents/other.json")),
			 0);
	store_free(open_store(*state));
	assert_int_equal(unlink(folder_file(*state, "weir.db")), 0);
	s = open_store(*state);
	assert_doc(s, "intent", "{\"n\":1}", 1);
	assert_doc(s, "other", "{\"n\":2}", 1);
	assert_string_equal(store_state(s), "");
	store_free(s);

	/* neither the one nor the other: told, and not "there is none" */
	copy = folder_file(*state, "documents/intent.json");
	write_file(copy, "{");
	assert_int_equal(unlink(folder_file(*state, "weir.db")), 0);
	s = open_store(*state);
	assert_non_null(strstr(store_state(s), "documents/intent.json"));
	assert_int_equal(store_get_doc(s, "intent", NULL, NULL, NULL),
			 -EBADMSG);
	store_free(s);
}

/* No weir.db can be had: what was said is known all the same. */
static void test_no_file(void **state)
{
	struct store *s = open_store(*state);
	struct store_flow f = { .client = "a", .server = "", .name = "" };
	json_t *doc;

	assert_int_equal(put(s, "intent", "{\"n\":1}", 0, NULL), 0);
	store_free(s);
	assert_int_equal(unlink(folder_file(*state, "weir.db")), 0);
	assert_int_equal(mkdir(folder_file(*state, "weir.db"), 0700), 0);
	s = open_store(*state);
	assert_non_null(strstr(store_state(s), "opening"));
	assert_doc(s, "intent", "{\"n\":1}", 1);
	assert_int_equal(store_get_doc(s, "other", &doc, NULL, NULL), -ENOENT);
	assert_int_equal(put(s, "intent", "{}", 0, NULL), -EIO);
	assert_true(store_add_flows(s, &f, 1, NULL) < 0);
	assert_true(store_trim(s, 0, 0, 0));

	assert_int_equal(rmdir(folder_file(*state, "weir.db")), 0);
	assert_int_equal(store_add_flows(s, &f, 1, NULL), 0);
	assert_string_equal(store_state(s), "");
	assert_int_equal(put(s, "intent", "{\"n\":2}", 1, NULL), 0);
	assert_doc(s, "intent", "{\"n\":2}", 2);
	store_free(s);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make, removes)
	const struct CMUnitTest tests[] = {
		TEST(test_put_get),	TEST(test_names),
		TEST(test_no_document), TEST(test_history),
		TEST(test_about),	TEST(test_history_bytes),
		TEST(test_notes),	TEST(test_locked),
		TEST(test_folder),	TEST(test_killed),
		TEST(test_damaged),	TEST(test_damaged_meanwhile),
		TEST(test_old_file),	TEST(test_lost_copies),
		TEST(test_no_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
