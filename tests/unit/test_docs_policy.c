/*
 * Every example of docs/policy.md is a policy; the NetworkPolicy in it becomes
 * what is written there. SOURCE_ROOT says where the document is.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "intent/intent.h"
#include "test.h"

#define EXAMPLES_MAX 32

static char *examples[EXAMPLES_MAX];
static size_t n_examples;

static char *read_document(void)
{
	FILE *f = fopen(SOURCE_ROOT "/docs/policy.md", "re");
	char *text = calloc(1, 1 << 18);

	assert_non_null(f);
	assert_non_null(text);
	assert_true(fread(text, 1, (1 << 18) - 1, f) > 0);
	assert_int_equal(fclose(f), 0);
	return text;
}

/* Takes what stands between "```yaml" and "```". */
static int start(void **state)
{
	char *text = read_document(), *at = text, *end;

	while ((at = strstr(at, "\n```yaml\n"))) {
		at += strlen("\n```yaml\n");
		end = strstr(at, "\n```\n");
		assert_non_null(end);
		assert_true(n_examples < EXAMPLES_MAX);
		examples[n_examples++] = strndup(at, (size_t)(end - at) + 1);
		at = end;
	}
	free(text);
	return 0;
}

static int stop(void **state)
{
	while (n_examples)
		free(examples[--n_examples]);
	return 0;
}

static struct intent *from_yaml(const char *text)
{
	struct intent *i = NULL;
	struct err err = { 0 };

	if (intent_from_yaml(text, strlen(text), "example", &i, &err) != 0)
		fail_msg("%s: %s\n%s", err.at, err.text, text);
	return i;
}

static void test_examples(void **state)
{
	assert_true(n_examples >= 7);
	for (size_t k = 0; k < n_examples; k++)
		intent_put(from_yaml(examples[k]));
}

static void without_comments(json_t *rules)
{
	for (size_t k = 0; k < json_array_size(rules); k++)
		(void)json_object_del(json_array_get(rules, k), "comment");
}

/* The last but one becomes the last; comments are left out there. */
static void test_network_policy(void **state)
{
	struct intent *from = from_yaml(examples[n_examples - 2]);
	struct intent *to = from_yaml(examples[n_examples - 1]);
	json_t *a = intent_to_json(from), *b = intent_to_json(to);

	without_comments(json_object_get(a, "rules"));
	if (!json_equal(a, b))
		fail_msg("it becomes\n%s", json_dumps(a, JSON_COMPACT));
	json_decref(a);
	json_decref(b);
	intent_put(from);
	intent_put(to);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_examples),
		cmocka_unit_test(test_network_policy),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
