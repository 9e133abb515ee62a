/*
 * A pid is only a number: between the runtime's answer and our opening of
 * /proc/PID the process may have ended, and the number may be another's. If the
 * process's cgroup does not tell whose it is (process.h), it is the container's
 * when the runtime still says so afterwards, since the descriptor that we have
 * by then stands for the process that had the number all the while.
 */
#include "runtime/look.h"

#include <errno.h>
#include <stdlib.h>

/*
 * How often one that changes while it is looked at is looked at anew, and one
 * over which the connection breaks: if the runtime ended, nobody is there then.
 */
#define TRIES 3
/* "brief" of one that a list does not have; no list has it. */
#define MISSING UINT64_MAX

static bool is_lost(int r)
{
	return r == -ECANCELED || r == -ECONNREFUSED || r == -ENOENT;
}

static void container_done(struct container *c)
{
	json_decref(c->about);
	free(c->netns);
}

/*
 * A runtime's own path of the namespace is where it has put the interfaces. The
 * first process is there as well, unless it has gone elsewhere, which may be to
 * leave an empty namespace to be guarded.
 */
static int open_place(const struct container *c, const char *id,
		      struct process *ret, struct err *reterr)
{
	struct netns ns;
	int r;

	if (c->pid > 0) {
		r = process_open(c->pid, id, ret, reterr);
		if (r == 0 && c->netns &&
		    netns_open(c->netns, &ns, NULL) == 0) {
			netns_done(&ret->ns);
			ret->ns = ns;
		}
		return r;
	}
	if (!c->netns)
		return err_set(reterr, ESRCH, NULL,
			       "neither its process nor its network "
			       "namespace is told");
	r = netns_open(c->netns, &ret->ns, reterr);
	ret->named = true;
	return r == -ENOENT ? -ESRCH : r;
}

/* opened: how process_open() ended. -ESTALE: the runtime says another thing. */
static int confirm(struct look *l, const char *id, const struct process *p,
		   int opened, struct err *reterr)
{
	struct container again = { 0 };
	struct err unused;
	int r;

	if (opened == 0 && p->named)
		return 0;
	r = l->inspect(l->session, id, &again, opened == 0 ? reterr : &unused);
	if (r == 0 && (!again.runs || again.pid != p->pid))
		r = -ESTALE;
	else if (r == 0)
		r = opened;
	container_done(&again);
	return r;
}

/* As look_at(); -ESTALE: it changed meanwhile; -ESRCH: no such process here. */
static int look_once(struct look *l, const char *id, uint64_t brief,
		     struct err *reterr)
{
	struct container c = { 0 };
	struct process p = { .ns.fd = -1 };
	int r = l->inspect(l->session, id, &c, reterr);

	if (r == 0 && !c.runs) {
		container_done(&c);
		return source_gone(l->source, id);
	}
	if (r == 0) {
		p.pid = c.pid;
		r = open_place(&c, id, &p, reterr);
		r = confirm(l, id, &p, r, reterr);
	}
	if (r == 0) {
		json_t *about = c.about;

		c.about = NULL;
		r = source_found(l->source, id, about, &p, brief);
	}
	container_done(&c);
	netns_done(&p.ns);
	return r;
}

int look_at(struct look *l, const char *id, uint64_t brief, struct err *reterr)
{
	int r = -ESTALE;

	for (int i = 0; (r == -ESTALE || r == -EPIPE) && i < TRIES; i++)
		r = look_once(l, id, brief, reterr);
	l->hung = r == -ETIMEDOUT ? l->hung + 1 : 0;
	if (r == 0 || is_lost(r) || l->hung == RUNTIME_HUNG_IN_A_ROW)
		return r;
	if (r == -ESRCH && brief != 0)
		l->vanished = true;
	if (brief == 0 || (r == -ESRCH && !l->again)) {
		l->doubtful = true;
		return 0;
	}
	if (r == -ESTALE)
		(void)err_set(reterr, ESTALE, NULL, "it changes all the time");
	return source_unreadable(l->source, id, reterr->text);
}

int look_at_missing(struct look *l, struct err *reterr)
{
	char id[RUNTIME_ID_MAX];
	int r = 0;

	while (r == 0 && source_list_missing(l->source, id))
		r = look_at(l, id, MISSING, reterr);
	l->again = l->vanished;
	l->vanished = false;
	return r;
}

int look_at_events(struct look *l, struct http *http, http_split *split,
		   usec_t until, struct err *reterr)
{
	const char *item;
	size_t len;
	int r;

	do {
		usec_t soon =
			usec_add(clock_now(), RUNTIME_SETTLE_MS * 1000ULL);
		uint64_t left_us;

		if (l->doubtful && usec_before(soon, until))
			until = soon;
		l->doubtful = false;
		left_us = usec_since(until, clock_now());
		r = http_next(http, split, (int)(left_us / 1000), &item, &len,
			      reterr);
		if (r <= 0)
			break;
		r = l->take(l->session, item, len, reterr);
	} while (r == 0 && usec_before(clock_now(), until));
	return r;
}
