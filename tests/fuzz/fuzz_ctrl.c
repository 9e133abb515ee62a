/*
 * Any bytes as a control message, on both doors. Settings that are read can be
 * shown, and what is shown, all or what is not the default, makes them again.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/bug.h"
#include "dp/settings.h"
#include "wire/ctrl.h"

/* Takes text. */
static void makes_again(json_t *text, const json_t *all)
{
	struct inspect_settings s = inspect_settings_default();
	struct err err;
	json_t *again;

	BUG_ON(settings_read(text, &s, &s, &err) < 0);
	again = settings_json(&s);
	BUG_ON(!json_equal(again, all));
	json_decref(again);
	json_decref(text);
}

static void settings(const json_t *body)
{
	struct inspect_settings s = inspect_settings_default();
	struct err err = { 0 };
	json_t *all;

	if (settings_read(body, &s, &s, &err) < 0) {
		BUG_ON(err.code == 0);
		return;
	}
	all = settings_json(&s);
	makes_again(settings_changed_json(&s), all);
	makes_again(json_incref(all), all);
	json_decref(all);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct err err = { 0 };
	json_t *v = ctrl_load((const char *)data, len, &err), *body;
	const char *name;

	if (!v) {
		BUG_ON(err.code == 0);
		return 0;
	}
	/* jansson's iteration wants an object that it may change */
	json_object_foreach (v, name, body) {
		int kind = ctrl_kind_by_name(name);

		for (int strict = 0; kind >= 0 && strict < 2; strict++) {
			struct ctrl_msg m;

			if (ctrl_parse((enum ctrl_kind)kind, body, strict, &m,
				       &err) < 0)
				continue;
			if (kind == CTRL_WEIR_SETTINGS)
				settings(m.settings);
			ctrl_msg_done(&m);
		}
	}
	json_decref(v);
	return 0;
}
