/*
 * Many patterns at once: a Vectorscan database, for signatures and sensors.
 */
#pragma once

#include <hs/hs.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/*
 * n expressions, 1.., with Vectorscan's flags and the numbers it is to tell, for
 * whole buffers. The caller frees it with hs_free_database(). NULL: *reterr, EIO.
 */
hs_database_t *search_new(const char *const *texts, const unsigned *flags,
			  const unsigned *ids, unsigned n, struct err *reterr);

/*
 * Can it look for what PCRE2 reads as text, with those flags of rules ("ims...")? At
 * least: what it cannot do (look around, refer back) it passes over, and finds more.
 * true: *ret_flags for search_new(); *ret_width of the longest match, UINT_MAX if there
 * is no such. Also false: it matches nothing at all, as an empty buffer. Flag x: who
 * asks has written "(?x)" into the text.
 */
bool search_expression(const char *text, const char *flags, unsigned *ret_flags,
		       uint32_t *ret_width);
