/*
 * What all nodes recorded, asked of the fleet's streams: also of a node that is gone.
 * Reading and looking is the fleet's thread's (fleet_read(), gather.h); here are who
 * asks, and the answer. Who may is the servers' matter: editors.
 */
#include <errno.h>
#include <stdlib.h>

#include "agent/commands.h"
#include "agent/door_client.h"
#include "agent/gather.h"
#include "agent/member_own.h"
#include "base/limits_fleet.h"

struct member_reading {
	struct member_reading *next;
	uint64_t token, work;
	struct gather
		*gather; /* owned; the fleet's thread's until it is told */
};

static void reading_free(struct member_reading *r)
{
	gather_free(r->gather);
	free(r);
}

static bool take(void *arg, const struct fleet_stored *m)
{
	struct member_reading *r = arg;

	return gather_take(r->gather, m);
}

static int check(struct agent *a, const json_t *args, struct err *reterr)
{
	static const char *const not_there[] = { "after", "follow", "raw" };

	if (!a->member)
		return err_set(reterr, EINVAL, "fleet",
			       "this host is of no fleet");
	for (size_t i = 0; i < sizeof not_there / sizeof *not_there; i++)
		if (json_object_get(args, not_there[i]))
			return err_set(reterr, EINVAL, not_there[i],
				       "is not for what a fleet recorded; ask "
				       "that node");
	if (a->member->n_reading == FLEET_READS_MAX)
		return err_set(reterr, EAGAIN, "fleet",
			       "%d read already what the fleet recorded",
			       FLEET_READS_MAX);
	return 0;
}

int member_read(struct agent *a, struct door_client *c, const json_t *args,
		const struct gather_query *q, json_t *result,
		struct err *reterr)
{
	struct member_reading *r;
	struct member *m = a->member;
	int rc = check(a, args, reterr);

	if (rc < 0)
		return rc;
	r = calloc(1, sizeof *r);
	if (r)
		r->gather = gather_new(q);
	if (!r || !r->gather) {
		free(r);
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	}
	r->token = ++m->last_token;
	rc = fleet_read(m->fleet, q->stream, gather_from(r->gather), take, r,
			r->token, reterr);
	if (rc < 0) {
		reading_free(r);
		return rc;
	}
	r->next = m->reading;
	m->reading = r;
	m->n_reading++;
	r->work = door_later_work(c, result);
	return COMMAND_LATER;
}

void member_was_read(struct agent *a, const struct fleet_news *n)
{
	struct member_reading **at = &a->member->reading, *r;
	struct err err = n->err;
	struct door_client *c;

	while (*at && (*at)->token != n->token)
		at = &(*at)->next;
	r = *at;
	if (!r)
		return;
	*at = r->next;
	a->member->n_reading--;
	c = door_waits(a, r->work);
	if (c && !err.code &&
	    gather_tell(r->gather, n->revision, c->result) < 0)
		(void)err_set(&err, ENOMEM, NULL, "out of memory");
	if (c)
		door_worked(a, r->work, &err);
	reading_free(r);
}

void member_read_stop(struct agent *a)
{
	struct member_reading *r;

	while ((r = a->member->reading)) {
		a->member->reading = r->next;
		reading_free(r);
	}
}
