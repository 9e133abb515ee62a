/*
 * A record of the trail (wire/trail.h) as an object, with its number; the caller
 * owns it. Control thread.
 */
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "wire/trail.h"

json_t *answer_trail_record(const struct trail_record *r, uint64_t number,
			    uint64_t unix_us_at_zero);
