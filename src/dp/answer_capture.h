/* What our own door tells of captures. Control thread. */
#pragma once

#include <jansson.h>

#include "dp/control.h"

/*
 * Of one that has begun: whose it is and by which marks its frames are known,
 * and what has to be added to their times for microseconds since 1970.
 */
void answer_capture(json_t *result, const struct control *ctl,
		    const struct capture_spec *spec);
/* "captures": use against limit, and each with its counts. */
void answer_captures(json_t *result, const struct control *ctl);
