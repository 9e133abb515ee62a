/*
 * Any text as a policy: what is refused says where; what is taken is the same
 * when it is written and read again, and can be compiled for a few workloads,
 * or says why not.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "intent/intent.h"
#include "intent/judge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_same(const struct intent *i)
{
	char *text = intent_to_yaml(i);
	struct intent *again = NULL;
	struct err err = { 0 };
	json_t *diff;

	BUG_ON(!text);
	BUG_ON(intent_from_yaml(text, strlen(text), "again", &again, &err) !=
	       0);
	diff = intent_diff(i, again);
	BUG_ON(json_object_size(diff) != 0);
	json_decref(diff);
	intent_put(again);
	free(text);
}

static void check_compiled(const struct intent *i)
{
	json_t *about[2] = {
		json_pack("{s:s, s:s, s:{s:s}}", "name", "web", "namespace",
			  "shop", "labels", "app", "web"),
		json_pack("{s:s, s:s}", "name", "db", "image", "pg:1"),
	};
	struct ip_addr addrs[] = { ip_from_v4(0x0a000001),
				   ip_from_v4(0x0a000002) };
	struct mac macs[] = { { { 2, 1 } }, { { 2, 2 } } };
	struct intent_workload w[] = {
		{ "a", about[0], &addrs[0], 1, &macs[0], 1 },
		{ "b", about[1], &addrs[1], 1, &macs[1], 1 },
	};
	struct intent_world world = { w, 2, NULL, 0, true };
	struct intent_connection c = {
		0, 1, addrs[0], addrs[1], 80, 6, 0, "a.b"
	};
	struct err err = { 0 };
	struct intent_judge *j = intent_judge_new(i, &world, 1, &err);
	char *body = intent_compile(i, &world, 1, 1, NULL, &err);
	json_t *read = body ? json_loads(body, JSON_REJECT_DUPLICATES, NULL)
			    : NULL;

	/* a rule may be too large for the index */
	BUG_ON((!body || !j) && err.code != E2BIG);
	BUG_ON(body && !read);
	if (j)
		BUG_ON(!intent_judge_ask(j, &c).judged);
	intent_judge_free(j);
	json_decref(read);
	free(body);
	json_decref(about[0]);
	json_decref(about[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct intent *i = NULL;
	struct err err = { 0 };

	if (intent_from_yaml((const char *)data, len, "f", &i, &err) != 0) {
		BUG_ON(i || err.code == 0 || err.text[0] == '\0');
		return 0;
	}
	check_same(i);
	check_compiled(i);
	intent_put(i);
	return 0;
}
