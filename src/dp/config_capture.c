#include <errno.h>

#include "dp/config_draft.h"

int config_set_capture(struct config *c, unsigned place, uint16_t index,
		       struct err *reterr)
{
	uint16_t bit = (uint16_t)(1u << place);
	struct draft d = { 0 };
	bool changed = false;
	int rc = draft_begin(c, &d, reterr);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < d.spec.n_endpoints; i++) {
		struct endpoint *e = &d.endpoints[i];
		uint16_t before = e->captures;

		e->captures &= (uint16_t)~bit;
		if (i == index)
			e->captures |= bit;
		changed |= e->captures != before;
	}
	if (changed)
		return draft_commit(c, &d, reterr);
	draft_drop(&d);
	return 0;
}
