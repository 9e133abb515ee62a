/*
 * The agent's dispatch and the table of all commands (wire/commands.h) are the same
 * commands; who may only read is given nothing that changes.
 */
#include "wire/commands.h"

#include <string.h>

#include "agent/door.h"
#include "test.h"

static void test_all_told(void **state)
{
	for (const struct command *k = commands; k->name; k++) {
		const struct command_spec *spec = command_spec(k->name);

		assert_row(k->name, spec);
		if (k->reads)
			assert_row(k->name, !spec->changes);
		for (const struct command *other = commands; other != k;
		     other++)
			assert_row(k->name, strcmp(other->name, k->name) != 0);
	}
}

static void test_all_there(void **state)
{
	for (const struct command_spec *s = command_specs; s->name; s++) {
		const struct command *k = commands;

		while (k->name && strcmp(k->name, s->name) != 0)
			k++;
		assert_row(s->name, k->name);
		/* what is read of a capture is not masked */
		if (!s->changes && strcmp(s->name, "capture-read") != 0)
			assert_row(s->name, k->reads);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_told),
		cmocka_unit_test(test_all_there),
	};

	return cmocka_run_group_tests_name("agent_commands", tests, NULL, NULL);
}
