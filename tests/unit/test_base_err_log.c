/*
 * Errors as values, log lines and their limit, BUG_ON and die, the clock.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bug.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/log.h"
#include "stderr_of.h"
#include "test.h"

static void test_err_set(void **state)
{
	struct err e = { 0 };

	assert_int_equal(err_set(&e, EINVAL, "mac", "want %d bytes", 6),
			 -EINVAL);
	assert_int_equal(e.code, EINVAL);
	assert_string_equal(e.at, "mac");
	assert_string_equal(e.text, "want 6 bytes");
	/* The caller may not care, and there may be no place. */
	assert_int_equal(err_set(NULL, ENOENT, "x", "y"), -ENOENT);
	assert_int_equal(err_set(&e, ENOENT, NULL, "gone"), -ENOENT);
	assert_string_equal(e.at, "");
}

static void test_err_cut(void **state)
{
	char longer[2 * ERR_TEXT_MAX];
	struct err e = { 0 };

	memset(longer, 'x', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	(void)err_set(&e, E2BIG, longer, "%s", longer); /* returns -E2BIG */
	assert_int_equal(strlen(e.at), ERR_AT_MAX - 1);
	assert_int_equal(strlen(e.text), ERR_TEXT_MAX - 1);
	err_prefix(&e, longer);
	assert_true(strlen(e.at) <= ERR_AT_MAX - 1);
}

static void test_err_prefix(void **state)
{
	static const struct {
		const char *at, *outer, *want;
	} rows[] = {
		{ "mac", "ctrl_add_mac", "ctrl_add_mac.mac" },
		{ "", "ctrl_add_mac", "ctrl_add_mac" },
		{ "[3].port", "rules", "rules[3].port" },
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct err e = { 0 };

		(void)err_set(&e, EINVAL, rows[i].at, "x"); /* -EINVAL */
		err_prefix(&e, rows[i].outer);
		assert_string_equal(e.at, rows[i].want);
	}
}

static void test_err_code_name(void **state)
{
	assert_string_equal(err_code_name(EINVAL), "EINVAL");
	assert_string_equal(err_code_name(ENOSPC), "ENOSPC");
	assert_int_equal(err_code_name(99999)[0], 'E');
}

static void write_lines(void *arg)
{
	const char *text = arg;

	log_error("%s", text);
	log_warn("peer=%d", 7);
	log_info("ready");
	log_debug(LOG_CAT_PACKET, "frame %d", 1);
	log_debug(LOG_CAT_POLICY, "rule %d", 2);
}

static void test_log_lines(void **state)
{
	char buf[4096];

	log_set_debug(0);
	assert_string_equal(
		stderr_of(write_lines, "a\nb\x1b[m", buf, sizeof buf),
		"error: a?b?[m\nwarning: peer=7\ninfo: ready\n");
	log_set_debug(1u << LOG_CAT_POLICY);
	assert_non_null(strstr(stderr_of(write_lines, "", buf, sizeof buf),
			       "policy: rule 2\n"));
	assert_null(strstr(buf, "frame"));
	log_set_debug(0);
}

static void test_log_long_line(void **state)
{
	char text[4000], buf[8192];
	const char *end;

	memset(text, 'y', sizeof text - 1);
	text[sizeof text - 1] = '\0';
	(void)stderr_of(write_lines, text, buf, sizeof buf); /* is buf */
	end = strchr(buf, '\n');
	assert_non_null(end);
	assert_true(end - buf < 1024);
	assert_memory_equal(end + 1, "warning", 7);
}

static void test_log_categories(void **state)
{
	assert_int_equal(log_category_by_name("ctrl"), LOG_CAT_CTRL);
	assert_int_equal(log_category_by_name("DLP"), LOG_CAT_DLP);
	assert_int_equal(log_category_by_name("all"), -1);
	assert_int_equal(log_category_by_name(""), -1);
	log_set_debug(0);
	assert_true(log_debug_on(LOG_CAT_INIT));
	assert_true(log_debug_on(LOG_CAT_ERROR));
	assert_false(log_debug_on(LOG_CAT_TCP));
	log_set_debug(1u << LOG_CAT_TCP);
	assert_true(log_debug_on(LOG_CAT_TCP));
	log_set_debug(0);
}

static void test_log_limit(void **state)
{
	struct log_limit l = { { 0 }, 0, 0 };
	usec_t now = { 10 * USEC_PER_SEC };
	uint64_t held = 99;

	for (int i = 0; i < LOG_INPUT_PER_SEC; i++) {
		assert_true(log_allowed(&l, now, &held));
		assert_int_equal(held, 0);
	}
	held = 99;
	assert_false(log_allowed(&l, now, &held));
	assert_false(log_allowed(&l, usec_add(now, USEC_PER_SEC - 1), &held));
	assert_int_equal(held, 99);
	assert_true(log_allowed(&l, usec_add(now, USEC_PER_SEC), &held));
	assert_int_equal(held, 2);
	assert_true(log_allowed(&l, usec_add(now, USEC_PER_SEC), &held));
	assert_int_equal(held, 0);
}

static void test_clock(void **state)
{
	usec_t a = clock_now(), b = clock_now();

	assert_false(usec_before(b, a));
	assert_int_equal(usec_since(usec_add(a, 5), a), 5);
	assert_int_equal(usec_since(a, usec_add(a, 5)), 0);
	assert_true(usec_before(a, usec_add(a, 1)));
}

/* In a child of its own: the exit status as wait() tells it. */
static int status_of(void (*fn)(void))
{
	int status = -1;
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		fn();
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return status;
}

static void no_bug(void)
{
	BUG_ON(USEC_PER_SEC == 0);
}

static void bug(void)
{
	BUG_ON(USEC_PER_SEC != 0);
}

static void dies(void)
{
	die("no %s", "ring");
}

static void run_dies(void *arg)
{
	int *status = arg;

	*status = status_of(dies);
}

static void test_bug_and_die(void **state)
{
	char buf[256];
	int status = status_of(no_bug);

	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	status = status_of(bug);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
	assert_non_null(strstr(stderr_of(run_dies, &status, buf, sizeof buf),
			       "test_base_err_log: no ring\n"));
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_err_set),
		cmocka_unit_test(test_err_cut),
		cmocka_unit_test(test_err_prefix),
		cmocka_unit_test(test_err_code_name),
		cmocka_unit_test(test_log_lines),
		cmocka_unit_test(test_log_long_line),
		cmocka_unit_test(test_log_categories),
		cmocka_unit_test(test_log_limit),
		cmocka_unit_test(test_clock),
		cmocka_unit_test(test_bug_and_die),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
