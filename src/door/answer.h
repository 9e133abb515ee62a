/*
 * What is the same in the answers of all our doors: "id", "ok", "error".
 */
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "base/err.h"

/*
 * 0: it answers request `id`, and says ok. Else -errno: what it says went wrong,
 * or -EPROTO; who: "the agent".
 */
int answer_check(const json_t *answer, uint32_t id, const char *who,
		 struct err *reterr);
