/*
 * Debug categories are changed by one thread while others log.
 */
#include <pthread.h>
#include <string.h>

#include "base/log.h"
#include "stderr_of.h"
#include "test.h"

#define ROUNDS 1000

static void *toggle(void *arg)
{
	for (int i = 0; i < ROUNDS; i++)
		log_set_debug(i % 2 ? 1u << LOG_CAT_TCP : 0);
	return NULL;
}

static void log_meanwhile(void *arg)
{
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, toggle, NULL), 0);
	for (int i = 0; i < ROUNDS; i++)
		log_debug(LOG_CAT_TCP, "segment %d", i);
	assert_int_equal(pthread_join(thread, NULL), 0);
}

/* Which lines come is chance; that each is whole is not. */
static void test_toggle(void **state)
{
	static char buf[ROUNDS * 20];
	const char *line = stderr_of(log_meanwhile, NULL, buf, sizeof buf);

	while (*line) {
		assert_memory_equal(line, "tcp: segment ", 13);
		line = strchr(line, '\n');
		assert_non_null(line);
		line++;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_toggle) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
