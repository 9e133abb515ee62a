/*
 * What our own door tells of a weir_policy: as its answer, and by weir_version,
 * weir_stats, weir_config whichever is in force. Control thread.
 */
#pragma once

#include <jansson.h>

#include "dp/control.h"

/* "version", "policies", "rules", "compiled", "unknown" */
void answer_policies(json_t *result, const struct control *ctl,
		     const struct whole_spec *sent);
/* "weir_policy", an object; version 0: none, or parts of it were changed. */
void answer_policy_in_force(json_t *result, const struct control *ctl);
