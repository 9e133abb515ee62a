/*
 * What a data plane has, and how it comes to what is wanted (plane.h). For
 * plane.c only; the plane's thread.
 */
#pragma once

#include "agent/plane.h"
#include "door/dpclient.h"

/* Zero-initialised is nothing. */
struct plane_has {
	json_t *endpoints, *taps; /* as in what is wanted; owned */
	uint64_t number;	  /* of the want that is in force; 0: none */
	uint32_t vth;
	bool taps_missing; /* some could not be opened */
};

void plane_has_done(struct plane_has *has);
/* Of a data plane that may have outlived an agent, by asking it. */
int plane_read(struct dpclient *c, struct plane_has *has, struct err *reterr);
/* *ret_answer: of the policy; the caller's. It may be set on failure, too. */
int plane_sync(struct dpclient *c, struct plane_has *has,
	       const struct plane_want *want, json_t **ret_answer,
	       struct err *reterr);
/* One message {"name": body}; takes body. ret_answer may be NULL. */
int plane_say(struct dpclient *c, const char *name, json_t *body,
	      json_t **ret_answer, struct err *reterr);
