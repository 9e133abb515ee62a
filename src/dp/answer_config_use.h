/*
 * Part of weir_stats: what the configuration uses of its limits. What would be
 * over one is refused, and counted by the door (refused_full).
 */
#pragma once

#include "dp/answer.h"

/*
 * "config": of what there is one for each workload, the largest of all counts.
 */
void answer_config_use(json_t *result, struct control *ctl);
