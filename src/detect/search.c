#include "detect/search.h"

#include <errno.h>

hs_database_t *search_new(const char *const *texts, const unsigned *flags,
			  const unsigned *ids, unsigned n, struct err *reterr)
{
	hs_compile_error_t *e = NULL;
	hs_database_t *db = NULL;

	if (hs_compile_multi(texts, flags, ids, n, HS_MODE_BLOCK, NULL, &db,
			     &e) == HS_SUCCESS)
		return db;
	(void)err_set(reterr, EIO, "vectorscan", "%s",
		      e ? e->message : "failed");
	(void)hs_free_compile_error(e); /* is valid, or NULL */
	return NULL;
}
