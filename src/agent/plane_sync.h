/*
 * What a data plane has, and how it comes to what is wanted (plane.h). For
 * plane.c only; the plane's thread.
 */
#pragma once

#include "agent/body.h"
#include "agent/plane.h"
#include "door/dpclient.h"

/* Signatures, or sensors. */
struct plane_built {
	uint64_t version; /* that it was told last; 0: none */
	bool building;
	bool unknown;	/* it has nothing of the kind */
	bool is_news;	/* answer, err: not told to the main loop yet */
	json_t *answer; /* the last one; owned */
	struct err err; /* what was told last was refused; code 0: not */
};

/* Zero-initialised is nothing. */
struct plane_has {
	json_t *endpoints, *taps; /* as in what is wanted; owned */
	uint64_t number;	  /* of the want that is in force; 0: none */
	struct plane_built rules, detection;
	uint32_t vth;
	bool taps_missing; /* some could not be opened */
	bool drops_untold; /* an endpoint passes nothing before its policy */
};

void plane_has_done(struct plane_has *has);
/*
 * How it is to judge what no rule speaks of; *ret_drops: it knows how to pass
 * nothing of an endpoint before its policy has come.
 */
int plane_set_up(struct dpclient *c, bool *ret_drops, struct err *reterr);
/* Of a data plane that may have outlived an agent, by asking it. */
int plane_read(struct dpclient *c, struct plane_has *has, struct err *reterr);
/* *ret_answer: of the policy; the caller's. It may be set on failure, too. */
int plane_sync(struct dpclient *c, struct plane_has *has,
	       const struct plane_want *want, json_t **ret_answer,
	       struct err *reterr);
/* Asks how far what is being built is. */
int plane_look_built(struct dpclient *c, const char *name,
		     struct plane_built *b, struct err *reterr);
/* One of the things a data plane tells page by page. */
struct told_cursor {
	const char *message, *member;
	enum plane_news_kind kind;
	bool raw;   /* it is asked for raw bytes, too */
	bool newer; /* an older data plane may not know it */
	uint64_t after, epoch;
};

/*
 * The next page of it; c goes on. *ret_list is the caller's, NULL where there is
 * nothing; *ret_missed were gone before; *ret_more: there is another page.
 */
int plane_page(struct dpclient *client, struct told_cursor *c,
	       json_t **ret_list, uint64_t *ret_missed, bool *ret_more,
	       struct err *reterr);
/* Is one that says this of itself (weir_version) of our version? */
bool plane_is_ours(const json_t *version);
/* Did the data plane say no, or is it gone? */
bool plane_is_refusal(int rc);
/* One message {"name": body}; takes body. ret_answer may be NULL. */
int plane_say(struct dpclient *c, const char *name, json_t *body,
	      json_t **ret_answer, struct err *reterr);
