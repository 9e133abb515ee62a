/*
 * The agent counts; two of its answers are rates. Traffic is of the last two.
 * Violations and drops are told of every few seconds at once, so those are of
 * the last ten seconds: else the column would blink.
 *
 * A counter that is lower than before has begun anew (a port was diverted
 * again, the data plane is another): the rate is 0 until the next answer.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/bug.h"
#include "cli/top.h"
#include "wire/member.h"

#define USEC 1e6

/* --- rates ------------------------------------------------------------------- */

static double rate(const json_t *now, const json_t *before, const char *member,
		   double seconds)
{
	uint64_t a, b;

	/* what is new here has no rate yet */
	if (!before || seconds <= 0)
		return 0;
	a = member_number(before, member);
	b = member_number(now, member);
	return b > a ? (double)(b - a) / seconds : 0;
}

static const json_t *row_at(const struct top_past *p, const char *id)
{
	return json_object_get(p->by_id, id);
}

static void fill_rates(const struct top_model *m, struct top_line *l)
{
	const struct top_past *now = &m->past[0], *last = &m->past[1],
			      *first = &m->past[m->n_past - 1];
	const json_t *before;
	double s;

	if (m->n_past < 2)
		return;
	before = row_at(last, l->id);
	s = (double)(now->clock_us - last->clock_us) / USEC;
	l->rates = (struct top_rates){
		.bits_in = 8 * rate(l->row, before, "bytes_in", s),
		.bits_out = 8 * rate(l->row, before, "bytes_out", s),
		.packets_in = rate(l->row, before, "packets_in", s),
		.packets_out = rate(l->row, before, "packets_out", s),
		.sessions = rate(l->row, before, "sessions_made", s),
	};
	while (first > last && !row_at(first, l->id))
		first--;
	before = row_at(first, l->id);
	s = (double)(now->clock_us - first->clock_us) / USEC;
	l->rates.violations = rate(l->row, before, "violations", s);
	l->rates.dropped = rate(l->row, before, "dropped", s);
}

static void add_to(struct top_line *sum, const struct top_line *l)
{
	sum->rates.bits_in += l->rates.bits_in;
	sum->rates.bits_out += l->rates.bits_out;
	sum->rates.packets_in += l->rates.packets_in;
	sum->rates.packets_out += l->rates.packets_out;
	sum->rates.sessions += l->rates.sessions;
	sum->rates.violations += l->rates.violations;
	sum->rates.dropped += l->rates.dropped;
	sum->sessions += l->sessions;
	sum->has_sessions |= l->has_sessions;
}

/* --- answers ------------------------------------------------------------------ */

static void drop_past(struct top_model *m)
{
	json_decref(m->past[--m->n_past].by_id);
}

static void push_past(struct top_model *m, const json_t *answer)
{
	uint64_t now = member_number(answer, "clock_us");
	json_t *row, *by_id = json_object();
	size_t i;

	json_array_foreach (json_object_get(answer, "workloads"), i, row)
		(void)json_object_set(by_id, member_text(row, "id"), row);
	/* a clock that goes back is another machine's, after a restart */
	while (m->n_past > 0 && now <= m->past[0].clock_us)
		drop_past(m);
	while (m->n_past == TOP_PAST_MAX ||
	       (m->n_past > 1 &&
		now - m->past[m->n_past - 1].clock_us > TOP_PAST_US))
		drop_past(m);
	memmove(&m->past[1], &m->past[0], m->n_past * sizeof *m->past);
	m->past[0] = (struct top_past){ by_id, now };
	m->n_past++;
}

void top_model_add(struct top_model *m, json_t *answer)
{
	const json_t *list = json_object_get(answer, "workloads"), *row;
	size_t i, n = json_array_size(list);

	push_past(m, answer);
	json_decref(m->answer);
	m->answer = answer;
	free(m->lines);
	free(m->shown);
	m->lines = calloc(n + 1, sizeof *m->lines);
	m->shown = calloc(n + 1, sizeof(struct top_line *));
	if (!m->lines || !m->shown)
		die("out of memory");
	m->n_lines = n;
	m->n_shown = 0;
	m->total = (struct top_line){ .row = NULL };
	json_array_foreach (list, i, row) {
		struct top_line *l = &m->lines[i];

		*l = (struct top_line){
			.row = row,
			.id = member_text(row, "id"),
			.name = member_text(row, "name"),
			.mode = member_text(row, "mode"),
			.state = member_text(row, "state"),
			.sessions = member_number(row, "sessions"),
			.has_sessions = json_object_get(row, "sessions"),
		};
		fill_rates(m, l);
		add_to(&m->total, l);
	}
}

void top_model_done(struct top_model *m)
{
	while (m->n_past > 0)
		drop_past(m);
	json_decref(m->answer);
	free(m->lines);
	free(m->shown);
	*m = (struct top_model){ .answer = NULL };
}

/* --- order ----------------------------------------------------------------------- */

static const char *const names[] = {
	[TOP_NAME] = "name",	   [TOP_MODE] = "mode",
	[TOP_STATE] = "state",	   [TOP_IN] = "in",
	[TOP_OUT] = "out",	   [TOP_TRAFFIC] = "traffic",
	[TOP_PACKETS] = "packets", [TOP_SESSIONS] = "sessions",
	[TOP_NEW] = "new",	   [TOP_BLOCKED] = "blocked",
	[TOP_DROPPED] = "dropped",
};
_Static_assert(sizeof names / sizeof *names == TOP_COLUMN__MAX,
	       "one name each");

const char *top_column_name(enum top_column c)
{
	return (unsigned)c < TOP_COLUMN__MAX ? names[c] : NULL;
}

int top_column_parse(const char *name, enum top_column *ret, struct err *reterr)
{
	char all[256] = "";
	size_t len = 0;

	for (int i = 0; i < TOP_COLUMN__MAX; i++) {
		if (strcmp(names[i], name) == 0) {
			*ret = (enum top_column)i;
			return 0;
		}
		len += (size_t)snprintf(all + len, sizeof all - len, "%s%s",
					i ? ", " : "", names[i]);
	}
	return err_set(reterr, EINVAL, "--sort", "expected one of %s", all);
}

static double number_of(const struct top_line *l, enum top_column c)
{
	const struct top_rates *r = &l->rates;

	switch (c) {
	case TOP_IN: return r->bits_in;
	case TOP_OUT: return r->bits_out;
	case TOP_TRAFFIC: return r->bits_in + r->bits_out;
	case TOP_PACKETS: return r->packets_in + r->packets_out;
	case TOP_SESSIONS: return (double)l->sessions;
	case TOP_NEW: return r->sessions;
	case TOP_BLOCKED: return r->violations;
	case TOP_DROPPED: return r->dropped;
	default: return 0;
	}
}

static int compare_names(const struct top_line *a, const struct top_line *b)
{
	int d = strcasecmp(a->name, b->name);

	return d ? d : strcmp(a->id, b->id);
}

/* Numbers: the largest first. What is alike: by name, in either order. */
static int compare(const void *x, const void *y, void *arg)
{
	const struct top_line *a = *(struct top_line *const *)x,
			      *b = *(struct top_line *const *)y;
	const struct top_order *o = arg;
	double p = number_of(a, o->by), q = number_of(b, o->by);
	int d = (p < q) - (p > q);

	if (o->by == TOP_NAME)
		d = compare_names(a, b);
	else if (o->by == TOP_MODE)
		d = strcmp(a->mode, b->mode);
	else if (o->by == TOP_STATE)
		d = strcmp(a->state, b->state);
	if (o->reverse)
		d = -d;
	return d ? d : compare_names(a, b);
}

static bool matches(const struct top_line *l, const char *filter)
{
	return !filter || !filter[0] || strcasestr(l->name, filter) ||
	       strcasestr(l->mode, filter) || strcasestr(l->state, filter) ||
	       strcasestr(l->id, filter);
}

void top_model_order(struct top_model *m, const struct top_order *o)
{
	struct top_order order = *o;

	m->n_shown = 0;
	for (size_t i = 0; i < m->n_lines; i++)
		if (matches(&m->lines[i], o->filter))
			m->shown[m->n_shown++] = &m->lines[i];
	if (m->n_shown > 1)
		qsort_r(m->shown, m->n_shown, sizeof(struct top_line *),
			compare, &order);
}

/* --- as JSON ---------------------------------------------------------------------- */

static json_t *rates_json(const struct top_rates *r)
{
	return json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "bits_in",
			 r->bits_in, "bits_out", r->bits_out, "packets_in",
			 r->packets_in, "packets_out", r->packets_out,
			 "sessions", r->sessions, "violations", r->violations,
			 "dropped", r->dropped);
}

json_t *top_model_json(const struct top_model *m)
{
	json_t *o = json_copy(m->answer), *list = json_array();
	json_t *total =
		json_pack("{s:o}", "rates", rates_json(&m->total.rates));

	for (size_t i = 0; i < m->n_shown; i++) {
		json_t *row = json_copy((json_t *)(uintptr_t)m->shown[i]->row);

		(void)json_object_set_new(row, "rates",
					  rates_json(&m->shown[i]->rates));
		(void)json_array_append_new(list, row);
	}
	if (m->total.has_sessions)
		(void)json_object_set_new(
			total, "sessions",
			json_integer((json_int_t)m->total.sessions));
	(void)json_object_set_new(o, "workloads", list);
	(void)json_object_set_new(o, "total", total);
	(void)json_object_del(o, "id");
	return o;
}
