#include "detect/search.h"

#include <errno.h>
#include <stdlib.h>

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

static unsigned flags_of(const char *flags)
{
	unsigned hs = 0;

	for (; *flags; flags++) {
		switch (*flags) {
		case 'i': hs |= HS_FLAG_CASELESS; break;
		case 'm': hs |= HS_FLAG_MULTILINE; break;
		case 's': hs |= HS_FLAG_DOTALL; break;
		default: break; /* x: in the text; A E G: it finds more */
		}
	}
	return hs;
}

static bool is_searchable(const char *text, unsigned flags, uint32_t *ret_width)
{
	hs_compile_error_t *e = NULL;
	hs_expr_info_t *about = NULL;
	hs_database_t *db = NULL;
	bool good;

	good = hs_expression_info(text, flags, &about, &e) == HS_SUCCESS &&
	       about->min_width > 0;
	if (good)
		*ret_width = about->max_width;
	free(about);
	(void)hs_free_compile_error(e); /* is valid, or NULL */
	e = NULL;
	good = good && hs_compile(text, flags, HS_MODE_BLOCK, NULL, &db, &e) ==
			       HS_SUCCESS;
	(void)hs_free_compile_error(e); /* is valid, or NULL */
	(void)hs_free_database(db);	/* is valid, or NULL */
	return good;
}

bool search_expression(const char *text, const char *flags, unsigned *ret_flags,
		       uint32_t *ret_width)
{
	unsigned hs = flags_of(flags);

	if (!is_searchable(text, hs, ret_width)) {
		hs |= HS_FLAG_PREFILTER;
		if (!is_searchable(text, hs, ret_width))
			return false;
	}
	*ret_flags = hs;
	return true;
}
