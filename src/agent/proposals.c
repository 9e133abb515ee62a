/*
 * Making them of 100,000 conversations takes a second of the processor:
 *
 *   study.h: past, the intent ──a thread──▶ list ──▶ who waits for it; kept
 *
 * Who asks while the same is being made waits for that. What was made is good
 * until the policy is another, or something else was learned. What was made of
 * many (MANY) is good for ten times what making it took in any case, so that a busy
 * host does not do this all the time.
 */
#include "agent/proposals.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/study.h"
#include "base/clock.h"
#include "base/limits_door.h"
#include "intent/propose.h"

#define DAY_S	 86400ULL
#define KEPT_US	 (600 * USEC_PER_SEC)
#define STALE_US (60 * USEC_PER_SEC)
#define MANY	 10000

struct waits {
	struct waits *next;
	proposals_fn *fn;
	void *arg;
};

struct making {
	struct making *next;
	struct study study;
	uint64_t since_s;
	uint64_t news; /* when it began */
	usec_t begun;
	struct intent *intent; /* counted */
	struct waits *waits;   /* owned */
	json_t *list;	       /* what comes of it; owned */
};

struct proposals {
	uint64_t news;
	struct making *makings; /* under way */
	/* The last that were made of PROPOSALS_DAYS: */
	json_t *kept;	    /* owned; NULL: none */
	struct intent *of;  /* counted */
	uint64_t kept_news; /* news that is in them */
	usec_t made;
	uint64_t stale_us; /* so long they are good although there is news */
};

struct proposals *proposals_new(void)
{
	return calloc(1, sizeof(struct proposals));
}

static void forget(struct proposals *p)
{
	json_decref(p->kept);
	intent_put(p->of);
	p->kept = NULL;
	p->of = NULL;
}

void proposals_outdated(struct proposals *p)
{
	p->news++;
}

uint64_t proposals_news(const struct proposals *p)
{
	return p->news;
}

uint64_t proposals_kept_news(const struct proposals *p)
{
	return p->kept_news;
}

const json_t *proposals_kept(const struct agent *a, uint64_t since_s)
{
	const struct proposals *p = a->proposals;
	uint64_t age = usec_since(clock_now(), p->made);

	if (since_s || !p->kept || p->of != a->intent)
		return NULL;
	return age < (p->kept_news == p->news ? KEPT_US : p->stale_us) ? p->kept
								       : NULL;
}

/* --- making ------------------------------------------------------------------- */

static void free_making(struct making *m)
{
	past_done(&m->study.past);
	intent_put(m->intent);
	json_decref(m->list);
	free(m);
}

/* In its thread. */
static void make(struct study *s)
{
	struct making *m = s->arg;
	struct intent_judge *j =
		intent_judge_new(m->intent, &s->past.world,
				 clock_unix_us() / USEC_PER_SEC, &s->err);
	json_t *one;
	size_t i;

	if (!j)
		return;
	m->list = intent_propose(m->intent, &s->past.world, j, s->past.talks,
				 s->past.n_talks);
	if (!m->list)
		(void)err_set(&s->err, ENOMEM, NULL, "out of memory");
	json_array_foreach (m->list, i, one)
		(void)json_object_set_new(
			one, "id",
			intent_proposal_id(json_string_value(
				json_object_get(one, "key"))));
	intent_judge_free(j);
}

static void keep(struct agent *a, struct making *m)
{
	struct proposals *p = a->proposals;

	if (!m->list || m->since_s)
		return;
	forget(p);
	if (json_array_size(m->list) > PROPOSALS_KEPT_MAX)
		return;
	p->kept = json_incref(m->list);
	p->of = intent_get(m->intent);
	p->kept_news = m->news;
	p->made = clock_now();
	p->stale_us = m->study.past.n_talks < MANY
			      ? 0
			      : 10 * usec_since(p->made, m->begun);
	if (p->stale_us > STALE_US)
		p->stale_us = STALE_US;
}

/* It is over, well or not. */
static void made(struct agent *a, struct study *s)
{
	struct making *m = s->arg, **at = &a->proposals->makings;

	while (*at != m)
		at = &(*at)->next;
	*at = m->next;
	keep(a, m);
	while (m->waits) {
		struct waits *w = m->waits;

		m->waits = w->next;
		w->fn(a, m->list, &m->study.err, w->arg);
		free(w);
	}
	free_making(m);
	(void)malloc_trim(0); /* a hundred bytes for each conversation */
}

static struct making *begin(struct agent *a, uint64_t since_s,
			    struct err *reterr)
{
	/* what is made is kept for who asks next */
	static const struct study_kind kind = { .work = make, .done = made };
	struct making *m = calloc(1, sizeof *m);
	uint64_t since = since_s ? since_s
				 : clock_unix_us() / USEC_PER_SEC -
					   PROPOSALS_DAYS * DAY_S;

	if (!m) {
		(void)err_set(reterr, ENOMEM, NULL, "out of memory");
		return NULL;
	}
	*m = (struct making){ .since_s = since_s,
			      .news = a->proposals->news,
			      .begun = clock_now(),
			      .intent = intent_get(a->intent) };
	if (study_begin(a, &m->study, &kind, m, since, true, reterr) < 0) {
		free_making(m);
		return NULL;
	}
	m->next = a->proposals->makings;
	a->proposals->makings = m;
	return m;
}

static struct making *find(const struct agent *a, uint64_t since_s,
			   unsigned *ret_n)
{
	struct making *found = NULL;

	*ret_n = 0;
	for (struct making *m = a->proposals->makings; m; m = m->next) {
		++*ret_n;
		if (m->since_s == since_s && m->intent == a->intent &&
		    m->news == a->proposals->news)
			found = m;
	}
	return found;
}

int proposals_make(struct agent *a, uint64_t since_s, proposals_fn *fn,
		   void *arg, struct err *reterr)
{
	struct waits *w = calloc(1, sizeof *w);
	unsigned n;
	struct making *m = find(a, since_s, &n);

	if (!w)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	if (!m && n >= PROPOSALS_MAKINGS_MAX) {
		free(w);
		return err_set(reterr, EAGAIN, NULL,
			       "too much is under way already");
	}
	if (!m)
		m = begin(a, since_s, reterr);
	if (!m) {
		free(w);
		return -reterr->code;
	}
	*w = (struct waits){ m->waits, fn, arg };
	m->waits = w;
	return 0;
}

void proposals_free(struct proposals *p)
{
	if (!p)
		return;
	forget(p);
	free(p);
}
