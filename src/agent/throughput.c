/*
 * Counters only go up, and go with their port or workload; so each workload
 * remembers what it had at the last reading, and what is more counts. A workload
 * that is new since then, and one whose counters began anew, count from there.
 * Data planes are asked one after the other, the splices' last.
 */
#include "agent/throughput.h"

#include <errno.h>
#include <stdlib.h>

#include "agent/commands_top.h"
#include "agent/door.h"
#include "base/clock.h"
#include "base/limits_map.h"

struct point {
	uint64_t at_s, bytes, frames, dropped, sessions, new_sessions,
		violations, threats;
};

struct throughput {
	struct loop_timer timer;
	struct point ring[THROUGHPUT_POINTS];
	size_t n;		      /* ever */
	json_t *host;		      /* its answer; owned; NULL */
	uint64_t violations, threats; /* since the last point */
};

void throughput_violation(struct agent *a, uint64_t n)
{
	if (a->throughput)
		a->throughput->violations += n;
}

void throughput_threat(struct agent *a)
{
	if (a->throughput)
		a->throughput->threats++;
}

/* What it has more than at the last reading. */
static uint64_t more(struct workload *w, unsigned which, uint64_t now)
{
	uint64_t before = w->counted[which];

	w->counted[which] = now;
	return now >= before ? now - before : 0;
}

static void add_row(struct point *p, struct top_row *r)
{
	struct workload *w = r->workload;
	bool known = w->counted[4];

	if (r->by_plane && !r->told) /* its counters are not known */
		return;
	w->counted[4] = 1;
	if (!known) { /* what was before it was seen is not of these seconds */
		w->counted[0] = r->bytes[0] + r->bytes[1];
		w->counted[1] = r->packets[0] + r->packets[1];
		w->counted[2] = r->dropped;
		w->counted[3] = r->sessions_made;
	}
	p->bytes += more(w, 0, r->bytes[0] + r->bytes[1]);
	p->frames += more(w, 1, r->packets[0] + r->packets[1]);
	p->dropped += more(w, 2, r->dropped);
	if (!r->told)
		return;
	p->new_sessions += more(w, 3, r->sessions_made);
	p->sessions += r->sessions;
}

static void add_point(struct agent *a, const struct top_told *told)
{
	struct throughput *t = a->throughput;
	struct point *p;
	size_t n = 0;
	struct top_row *rows = top_rows(a, told, &n, NULL);

	p = &t->ring[t->n++ % THROUGHPUT_POINTS];
	*p = (struct point){ .at_s = clock_unix_us() / USEC_PER_SEC,
			     .violations = t->violations,
			     .threats = t->threats };
	for (size_t i = 0; rows && i < n; i++)
		add_row(p, &rows[i]);
	t->violations = t->threats = 0;
	free(rows);
}

static void forget_host(struct throughput *t)
{
	json_decref(t->host);
	t->host = NULL;
}

void throughput_answered(struct agent *a, const json_t *about, bool of_splices)
{
	struct throughput *t = a->throughput;
	struct top_told told;

	if (!t)
		return;
	if (!of_splices && a->splice_plane_up) {
		forget_host(t);
		t->host = json_incref((json_t *)(uintptr_t)about);
		door_ask_for_throughput(a, true);
		return;
	}
	told.host = of_splices ? t->host : about;
	told.splices = of_splices ? about : NULL;
	add_point(a, &told);
	forget_host(t);
}

static void look(void *arg)
{
	struct agent *a = arg;

	loop_timer_set(a->loop, &a->throughput->timer,
		       THROUGHPUT_STEP_S * USEC_PER_SEC);
	if (a->plane_up)
		door_ask_for_throughput(a, false);
	else
		throughput_answered(a, NULL, false);
}

json_t *throughput_json(const struct agent *a, uint64_t since_s)
{
	const struct throughput *t = a->throughput;
	size_t n = t->n < THROUGHPUT_POINTS ? t->n : THROUGHPUT_POINTS;
	json_t *list = json_array();

	for (size_t i = 0; i < n; i++) {
		const struct point *p =
			&t->ring[(t->n - n + i) % THROUGHPUT_POINTS];

		if (p->at_s < since_s)
			continue;
		(void)json_array_append_new(
			list,
			json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
				  "at", (json_int_t)p->at_s, "bytes",
				  (json_int_t)p->bytes, "frames",
				  (json_int_t)p->frames, "dropped",
				  (json_int_t)p->dropped, "sessions",
				  (json_int_t)p->sessions, "new_sessions",
				  (json_int_t)p->new_sessions, "violations",
				  (json_int_t)p->violations, "threats",
				  (json_int_t)p->threats));
	}
	return list;
}

int throughput_start(struct agent *a, struct err *reterr)
{
	a->throughput = calloc(1, sizeof *a->throughput);
	if (!a->throughput)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	a->throughput->timer = (struct loop_timer){ .fn = look, .arg = a };
	loop_timer_set(a->loop, &a->throughput->timer,
		       THROUGHPUT_STEP_S * USEC_PER_SEC);
	return 0;
}

void throughput_stop(struct agent *a)
{
	if (!a->throughput)
		return;
	loop_timer_off(a->loop, &a->throughput->timer);
	forget_host(a->throughput);
	free(a->throughput);
	a->throughput = NULL;
}
