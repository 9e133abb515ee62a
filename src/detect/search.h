/*
 * Many patterns at once: a Vectorscan database, for signatures and sensors.
 */
#pragma once

#include <hs/hs.h>

#include "base/err.h"

/*
 * n expressions, 1.., with Vectorscan's flags and the numbers it is to tell, for
 * whole buffers. The caller frees it with hs_free_database(). NULL: *reterr, EIO.
 */
hs_database_t *search_new(const char *const *texts, const unsigned *flags,
			  const unsigned *ids, unsigned n, struct err *reterr);
