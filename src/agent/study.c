#include "agent/study.h"

#include <errno.h>

#include "agent/aside.h"
#include "agent/record.h"
#include "base/limits_door.h"

/* It is in the list no more. */
static void end(struct agent *a, struct study *s)
{
	s->kind->done(a, s);
}

static void leave(struct agent *a, struct study *s)
{
	struct study **at = &a->studies;

	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	end(a, s);
}

static void work(void *job)
{
	struct study *s = job;

	s->kind->work(s);
}

static void worked(struct agent *a, void *job)
{
	leave(a, job);
}

static bool is_wanted(const struct study *s)
{
	return !s->kind->wanted || s->kind->wanted(s->agent, s);
}

static void read_on(void *arg)
{
	static const struct aside_work aside = { work, worked };
	struct study *s = arg;
	int rc;

	if (!is_wanted(s)) {
		s->agent->studies_given_up++;
		(void)err_set(&s->err, ECANCELED, NULL, "nobody waits for it");
		leave(s->agent, s);
		return;
	}
	rc = past_more(&s->past, &s->err);
	if (rc > 0)
		loop_timer_set(s->agent->loop, &s->read, 0);
	else if (rc < 0 || aside_run(s->agent, &aside, s, &s->err) < 0)
		leave(s->agent, s);
}

int study_begin(struct agent *a, struct study *s, const struct study_kind *kind,
		void *arg, uint64_t since_s, bool only_learned,
		struct err *reterr)
{
	unsigned n = 0;
	int rc;

	for (const struct study *one = a->studies; one; one = one->next)
		n++;
	if (n >= STUDIES_MAX)
		return err_set(reterr, EAGAIN, NULL,
			       "too much is under way already");
	record_flush(a);
	*s = (struct study){ .agent = a, .kind = kind, .arg = arg };
	rc = past_begin(a, since_s, only_learned, &s->past, reterr);
	if (rc < 0) {
		past_done(&s->past);
		return rc;
	}
	s->read = (struct loop_timer){ .fn = read_on, .arg = s };
	s->next = a->studies;
	a->studies = s;
	loop_timer_set(a->loop, &s->read, 0);
	return 0;
}

void studies_stop(struct agent *a)
{
	struct study *s;

	while ((s = a->studies)) {
		a->studies = s->next;
		loop_timer_off(a->loop, &s->read);
		(void)err_set(&s->err, ECANCELED, NULL, "weir-agent is ending");
		end(a, s);
	}
}
