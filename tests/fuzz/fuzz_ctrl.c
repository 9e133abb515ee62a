/*
 * Any bytes as a control message, on both doors.
 */
#include <stddef.h>
#include <stdint.h>

#include "base/bug.h"
#include "wire/ctrl.h"

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
				       &err) == 0)
				ctrl_msg_done(&m);
		}
	}
	json_decref(v);
	return 0;
}
