/*
 * weir_explain: what would become of a connection, and why. Control thread.
 */
#pragma once

#include <jansson.h>

#include "dp/control.h"
#include "wire/ctrl.h"

/* -ENOENT and *reterr: the workload it names does not exist. */
int explain_check(struct control *ctl, struct ctrl_msg *m, bool strict,
		  struct err *reterr);
/*
 * "version", and "answers": one for each workload at either end, as far as it
 * is known whose the addresses are. Those that do not fit are counted: "more".
 */
void explain_json(struct control *ctl, const struct ctrl_msg *m,
		  json_t *result);
