/*
 * Any text as a policy of another firewall: what comes out is a policy of ours, the
 * same when it is written and read again, and all that is told has a place.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "import/import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check(struct import_result *r)
{
	char *text = intent_to_yaml(r->intent);
	struct intent *again = NULL;
	struct err err = { 0 };
	size_t told = 0, n;
	json_t *diff, *v;

	BUG_ON(!text);
	BUG_ON(intent_from_yaml(text, strlen(text), "again", &again, &err) !=
	       0);
	diff = intent_diff(r->intent, again);
	BUG_ON(json_object_size(diff) != 0);
	json_array_foreach (r->report, n, v)
		BUG_ON(!json_string_value(json_object_get(v, "text")) ||
		       !strchr(json_string_value(json_object_get(v, "at")),
			       ':'));
	for (int w = 0; w < IMPORT_WEIGHT__MAX; w++)
		told += r->counts[w];
	BUG_ON(told != json_array_size(r->report));
	json_decref(diff);
	intent_put(again);
	free(text);
	import_result_done(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct import_file file = { "f", (const char *)data, len };
	struct import_options options = { .strict = len % 2 };
	struct import_result r = { .intent = NULL };
	struct err err = { 0 };

	if (import_neuvector(&file, 1, &options, &r, &err) == 0)
		check(&r);
	else
		BUG_ON(err.code == 0 || err.text[0] == '\0');
	err = (struct err){ 0 };
	if (import_networkpolicies(&file, 1, &r, &err) == 0)
		check(&r);
	else
		BUG_ON(err.code == 0 || err.text[0] == '\0');
	return 0;
}
