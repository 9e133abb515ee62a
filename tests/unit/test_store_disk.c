/*
 * A disk that fills: a small tmpfs in a mount namespace of this program's own.
 * Who records goes on, is told what is the matter, and once there is room again
 * it is recorded as before; a document is either saved or as it was.
 */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "folder.h"
#include "test.h"

#define DAY 86400u

static bool may_mount;

static int make(void **state)
{
	char *dir = folder_make();

	if (may_mount)
		assert_int_equal(mount("weir-test", dir, "tmpfs",
				       MS_NOSUID | MS_NODEV, "size=32m"),
				 0);
	*state = dir;
	return 0;
}

static int removes(void **state)
{
	if (may_mount)
		assert_int_equal(umount2(*state, MNT_DETACH), 0);
	folder_remove(*state);
	return 0;
}

static void want_mounts(void)
{
	if (may_mount)
		return;
	print_message("# unshare(CLONE_NEWNS): %s\n", strerror(EPERM));
	skip();
}

static struct store *open_store(const char *dir)
{
	struct err err = { 0 };
	struct store *s;

	if (store_open(dir, &s, &err) < 0)
		fail_msg("%s: %s", err.at, err.text);
	return s;
}

/* Takes all the room but so many bytes. */
static void fill(const char *dir, uint64_t but)
{
	int fd = open(folder_file(dir, "filler"),
		      O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	struct statvfs st;
	uint64_t bytes;
	off_t end;

	assert_true(fd >= 0);
	assert_int_equal(fstatvfs(fd, &st), 0);
	bytes = st.f_bavail * st.f_frsize;
	end = lseek(fd, 0, SEEK_END);
	if (bytes > but)
		assert_int_equal(posix_fallocate(fd, end, (off_t)(bytes - but)),
				 0);
	close(fd);
}

static void make_room(const char *dir)
{
	assert_int_equal(unlink(folder_file(dir, "filler")), 0);
}

/* n different flows of a day. */
static int add(struct store *s, uint64_t day, unsigned from, unsigned n)
{
	struct store_flow *flows = calloc(n, sizeof *flows);
	int rc;

	assert_non_null(flows);
	for (unsigned i = 0; i < n; i++)
		flows[i] = (struct store_flow){
			.client = "web",
			.server = "",
			.name = "example.org",
			.server_addr = ip_from_v4(from + i),
			.sessions = 1,
			.last_s = day * DAY,
		};
	rc = store_add_flows(s, flows, n, NULL);
	free(flows);
	return rc;
}

static int put(struct store *s, int n, size_t more)
{
	char *text = calloc(1, more + 1);
	json_t *doc;
	int rc;

	assert_non_null(text);
	memset(text, 'x', more);
	doc = json_pack("{s:i, s:s}", "n", n, "more", text);
	rc = store_put_doc(s, "intent", doc, 0, NULL, NULL);
	free(text);
	json_decref(doc);
	return rc;
}

static int note(struct store *s)
{
	json_t *doc = json_pack("{}");
	int rc = store_put_note(s, "hits", doc, NULL);

	json_decref(doc);
	return rc;
}

static int doc_number(struct store *s)
{
	json_t *doc;
	int n;

	assert_int_equal(store_get_doc(s, "intent", &doc, NULL, NULL), 0);
	n = (int)json_integer_value(json_object_get(doc, "n"));
	json_decref(doc);
	return n;
}

static uint64_t flows_of(struct store *s)
{
	struct store_stats stats;

	store_stats(s, &stats);
	return stats.flows;
}

static void test_full(void **state)
{
	unsigned from = 1;
	uint64_t recorded;
	struct store *s;
	int rc = 0;

	want_mounts();
	s = open_store(*state);
	assert_int_equal(put(s, 1, 10), 0);
	assert_int_equal(add(s, 1, 0, 1), 0);
	fill(*state, 3 << 20);
	while (rc == 0) {
		rc = add(s, 1, from, 500);
		from += rc == 0 ? 500 : 0;
	}
	assert_int_equal(rc, -ENOSPC);
	assert_non_null(strstr(store_state(s), "fails since"));
	assert_non_null(strstr(store_state(s), "full"));
	recorded = flows_of(s);
	assert_int_equal(recorded, from);

	/* again and again, and what was said is still known */
	for (int i = 0; i < 100; i++)
		assert_int_equal(add(s, 1, from, 5000), -ENOSPC);
	assert_int_equal(flows_of(s), recorded);
	/* a policy can be changed, but not for ever, and not by halves */
	assert_int_equal(put(s, 2, 1 << 20), 0);
	assert_int_equal(doc_number(s), 2);
	assert_string_not_equal(store_state(s), "");
	assert_int_equal(add(s, 1, from, 1), -ENOSPC);
	assert_int_equal(put(s, 3, 9 << 20), -ENOSPC);
	assert_int_equal(doc_number(s), 2);
	assert_int_equal(note(s), -ENOSPC);

	make_room(*state);
	assert_int_equal(add(s, 1, from, 500), 0);
	assert_string_equal(store_state(s), "");
	assert_int_equal(flows_of(s), recorded + 500);
	assert_int_equal(put(s, 3, 1 << 20), 0);
	assert_int_equal(doc_number(s), 3);
	store_free(s);
}

/* Forgetting must work on the fullest disk, or it would stay full. */
static void test_full_trim(void **state)
{
	struct store_stats stats;
	struct store *s;
	unsigned from = 1;
	int rc = 0;

	want_mounts();
	s = open_store(*state);
	while (rc == 0) {
		rc = add(s, 1 + from / 20000, from, 500);
		from += 500;
	}
	assert_int_equal(rc, -ENOSPC);
	fill(*state, 0);
	for (int i = 0; i < 2000; i++)
		if (store_trim(s, 0, 0, 4 << 20))
			break;
	assert_string_equal(store_state(s), "");
	store_stats(s, &stats);
	assert_in_range(stats.bytes_used, 1, 4 << 20);
	assert_int_equal(add(s, 9, from, 500), 0);
	store_free(s);
}

/* The agent starts on a disk that is full already. */
static void test_full_before(void **state)
{
	struct store *s;
	json_t *doc;

	want_mounts();
	s = open_store(*state);
	assert_int_equal(put(s, 1, 10), 0);
	store_free(s);
	fill(*state, 0);
	s = open_store(*state);
	assert_int_equal(doc_number(s), 1);
	store_free(s);

	/* also without a file: what was kept for that is enough */
	assert_int_equal(unlink(folder_file(*state, "weir.db")), 0);
	fill(*state, 0);
	s = open_store(*state);
	assert_int_equal(doc_number(s), 1);
	assert_int_equal(add(s, 1, 1, 1), -ENOSPC);
	assert_string_not_equal(store_state(s), "");
	store_free(s);

	/* and with nothing kept */
	assert_int_equal(unlink(folder_file(*state, "weir.db")), 0);
	fill(*state, 0);
	s = open_store(*state);
	assert_string_not_equal(store_state(s), "");
	assert_int_equal(doc_number(s), 1);
	assert_int_equal(store_get_doc(s, "other", &doc, NULL, NULL), -ENOENT);
	assert_int_equal(add(s, 1, 1, 1), -ENOSPC);
	assert_int_equal(put(s, 2, 1), -ENOSPC);
	make_room(*state);
	assert_int_equal(add(s, 1, 1, 1), 0);
	assert_string_equal(store_state(s), "");
	assert_int_equal(put(s, 2, 1), 0);
	assert_int_equal(doc_number(s), 2);
	store_free(s);
}

/* Nothing at all is free, not even what was kept, and the WAL is not empty. */
static void test_full_again(void **state)
{
	unsigned from = 1;
	struct store *s;
	int rc = 0;

	want_mounts();
	s = open_store(*state);
	assert_int_equal(put(s, 1, 10), 0);
	fill(*state, 4 << 20);
	while (rc == 0) {
		rc = add(s, 1, from, 500);
		from += 500;
	}
	assert_int_equal(put(s, 2, 1 << 20), 0);
	fill(*state, 0);
	store_free(s);
	fill(*state, 0);
	s = open_store(*state);
	assert_int_equal(doc_number(s), 2);
	assert_true(flows_of(s) > 0);
	assert_string_not_equal(store_state(s), "");
	make_room(*state);
	assert_int_equal(add(s, 1, from, 500), 0);
	assert_string_equal(store_state(s), "");
	store_free(s);
}

/* What cannot be written at all, as a disk with errors is mounted anew. */
static void test_read_only(void **state)
{
	struct store *s;

	want_mounts();
	s = open_store(*state);
	assert_int_equal(put(s, 1, 10), 0);
	store_free(s);
	assert_int_equal(
		mount(NULL, *state, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
	s = open_store(*state);
	assert_int_equal(doc_number(s), 1);
	assert_true(add(s, 1, 1, 1) < 0);
	assert_true(put(s, 2, 1) < 0);
	assert_string_not_equal(store_state(s), "");
	assert_int_equal(doc_number(s), 1);
	assert_int_equal(mount(NULL, *state, NULL, MS_REMOUNT, NULL), 0);
	assert_int_equal(put(s, 2, 1), 0);
	assert_string_equal(store_state(s), "");
	assert_int_equal(doc_number(s), 2);
	store_free(s);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, make, removes)
	const struct CMUnitTest tests[] = {
		TEST(test_full),	TEST(test_full_trim),
		TEST(test_full_before), TEST(test_full_again),
		TEST(test_read_only),
	};

	may_mount = unshare(CLONE_NEWNS) == 0 &&
		    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
