/*
 * Any text as a policy of another firewall: what comes out is a policy of ours, the
 * same when it is written and read again, and all that is told has a place.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "import/import.h"
#include "yaml/yaml.h"

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

/* Only what is no YAML is refused as a whole, or what is too much. */
static void check_refused(const struct import_file *f, const struct err *err)
{
	struct yaml_text *y = NULL;
	struct err other;

	BUG_ON(err->code == 0 || err->text[0] == '\0');
	if (err->code == E2BIG || err->code == ENOMEM)
		return;
	BUG_ON(yaml_text_read(f->text, f->len, f->name, &y, &other) == 0);
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
		check_refused(&file, &err);
	err = (struct err){ 0 };
	if (import_networkpolicies(&file, 1, &r, &err) == 0)
		check(&r);
	else
		check_refused(&file, &err);
	return 0;
}
