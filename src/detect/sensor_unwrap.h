/*
 * What is written within what is written. Pure functions.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

/*
 * Percent (and '+' of forms), HTML and JSON codes undone. out has room for
 * bytes_len(in). Returns the length; 0: it is as in, nothing was written.
 */
size_t sensor_unwrap_text(struct bytes in, uint8_t *out);

/*
 * All that is base64 in it, each on a line of its own. cut: there was more before
 * it, so the first one may have begun there: its first word is '_' then, since it
 * may be the end of a longer one. open: more follows, so the last one may not be
 * whole, and its line does not end. What does not fit into out is left out; twice
 * bytes_len(in) is always enough for what makes sense. Returns the length.
 */
size_t sensor_unwrap_base64(struct bytes in, bool cut, bool open, uint8_t *out,
			    size_t size);

/*
 * How many of the last bytes of what was seen have to be looked at again with
 * what comes next: `least`, and as far back as codes lie close together (a card
 * number may be written in 500 bytes), or, if there is a long token, as there is
 * no blank; at most SENSOR_WINDOW_MAX. Base64 is not cut within four digits.
 */
size_t sensor_unwrap_window(struct bytes seen, size_t least, bool token);
