/*
 * An event may come from the middle of anything, so what it causes waits for the
 * main loop's next turn.
 *
 * The note "responses" of the store has what each rule did, and whose quarantine
 * ends when: {"rules": {"3": [fired, last, suppressed, held_back]}, "until":
 * {WORKLOAD: time}}. It is written as hits are; an agent that is killed loses counts,
 * but not a quarantine's end, which is written at once.
 */
#include "agent/responses.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/captures.h"
#include "agent/commands.h"
#include "agent/door.h"
#include "agent/guard.h"
#include "agent/kept.h"
#include "agent/policy.h"
#include "agent/record.h"
#include "base/clock.h"
#include "base/limits_captures.h"
#include "base/limits_response.h"
#include "base/log.h"
#include "wire/member.h"

#define NOTE	 "responses"
#define WRITE_US (300 * USEC_PER_SEC)
#define SOON_US	 1000

enum count { FIRED, LAST, SUPPRESSED, HELD_BACK, COUNT__MAX };

/* How often a rule has acted lately; by its number, so rules may share one. */
struct rate {
	uint32_t id;
	uint64_t since_s;
	unsigned n;
};

struct waiting {
	json_t *response, *event; /* counts */
};

struct responses {
	json_t *rules, *until; /* owned; above */
	struct rate rates[RESPONSES_MAX];
	struct waiting waiting[RESPONSES_WAITING_MAX];
	size_t n_waiting;
	struct loop_timer act, write, end;
};

static uint64_t now_s(void)
{
	return clock_unix_us() / USEC_PER_SEC;
}

static uint32_t id_of(const json_t *response)
{
	return (uint32_t)json_integer_value(json_object_get(response, "id"));
}

/* --- counts ------------------------------------------------------------------------ */

static void write_note(void *arg)
{
	struct agent *a = arg;
	json_t *o = json_pack("{s:O, s:O}", "rules", a->responses->rules,
			      "until", a->responses->until);

	/* the store's state tells of it */
	(void)store_put_note(a->store, NOTE, o, NULL);
	json_decref(o);
}

static json_t *counts_of(struct responses *r, uint32_t id)
{
	char text[12];
	json_t *counts;

	(void)snprintf(text, sizeof text, "%u", id);
	counts = json_object_get(r->rules, text);
	if (!counts) {
		counts = json_pack("[i, i, i, i]", 0, 0, 0, 0);
		(void)json_object_set_new(r->rules, text, counts);
	}
	return counts;
}

static void count(struct agent *a, uint32_t id, enum count which)
{
	json_t *counts = counts_of(a->responses, id);
	json_t *one = json_array_get(counts, which);

	(void)json_integer_set(one, json_integer_value(one) + 1);
	(void)json_integer_set(json_array_get(counts, LAST),
			       (json_int_t)now_s());
	loop_timer_need(a->loop, &a->responses->write, WRITE_US);
}

static bool may_act(struct responses *r, uint32_t id)
{
	struct rate *rate = &r->rates[id % RESPONSES_MAX];
	uint64_t now = now_s();

	if (rate->id != id || now < rate->since_s ||
	    now >= rate->since_s + RESPONSE_RATE_S)
		*rate = (struct rate){ .id = id, .since_s = now };
	return rate->n++ < RESPONSE_RATE;
}

/* --- what is done -------------------------------------------------------------------- */

/* When the next quarantine ends. */
static void set_end(struct agent *a)
{
	uint64_t first = 0, now = now_s();
	const char *id;
	json_t *at;

	json_object_foreach (a->responses->until, id, at) {
		uint64_t end = (uint64_t)json_integer_value(at);

		if (!first || end < first)
			first = end;
	}
	if (first)
		loop_timer_set(a->loop, &a->responses->end,
			       first > now ? (first - now) * USEC_PER_SEC
					   : SOON_US);
}

static void quarantine(struct agent *a, const json_t *action, uint32_t id,
		       struct workload *w, json_t *done, char *why, size_t size)
{
	json_int_t seconds = json_integer_value(json_object_get(action, "for"));
	struct err err = { 0 };
	char text[64];

	if (w->quarantined) {
		(void)snprintf(why, size, "quarantined already");
		return;
	}
	(void)snprintf(text, sizeof text, "response %u", id);
	if (kept_quarantine(a, w, text, &err) < 0) {
		(void)snprintf(why, size, "%.150s", err.text);
		return;
	}
	guard_release(a, w); /* sets what mode its ports are in now */
	(void)json_array_append_new(done, json_string("quarantine"));
	if (seconds &&
	    json_object_size(a->responses->until) < RESPONSES_TIMED_MAX) {
		(void)json_object_set_new(
			a->responses->until, w->id,
			json_integer((json_int_t)now_s() + seconds));
		write_note(a);
		set_end(a);
	}
}

static void capture(struct agent *a, const json_t *action, uint32_t id,
		    struct workload *w, json_t *done, char *why, size_t size)
{
	char by[32];
	struct capture_spec spec = { .bytes = CAPTURE_BYTES_DEFAULT,
				     .filter = "",
				     .why = by };
	struct err err = { 0 };
	uint64_t number = 0;

	(void)snprintf(by, sizeof by, "response %u", id);
	spec.seconds = (uint64_t)json_integer_value(
		json_object_get(action, "seconds"));
	if (captures_begin(a, w, &spec, &number, &err) < 0)
		(void)snprintf(why, size, "%.150s", err.text);
	else
		(void)json_array_append_new(done, json_string("capture"));
}

static struct workload *workload_of(struct agent *a, const json_t *event)
{
	const char *id = member_text(event, "workload");

	return id[0] ? registry_by_id(&a->registry, id) : NULL;
}

/* What became of it, for the log. */
static void tell(struct agent *a, const struct waiting *of,
		 const struct workload *w, json_t *done, const char *why)
{
	char text[512], list[80] = "";
	json_t *event, *d;
	size_t i;

	json_array_foreach (done, i, d) {
		size_t len = strlen(list);

		(void)snprintf(list + len, sizeof list - len, "%s%s",
			       i ? ", " : "", json_string_value(d));
	}
	(void)snprintf(text, sizeof text, "response %u to %s of %.100s: %s%s%s",
		       id_of(of->response), member_text(of->event, "kind"),
		       w ? workload_name(w) : "no workload",
		       list[0] ? list : "nothing done", why[0] ? ": " : "",
		       why);
	event = json_pack("{s:s, s:s, s:s, s:I, s:s, s:O, s:s, s:O}", "kind",
			  "response", "severity", "info", "workload",
			  w ? w->id : "", "response",
			  (json_int_t)id_of(of->response), "event",
			  member_text(of->event, "kind"), "done", done, "text",
			  text, "to", json_object_get(of->event, "text"));
	if (why[0])
		(void)json_object_set_new(event, "failed", json_string(why));
	record_event(a, event);
}

static void act_on(struct agent *a, const struct waiting *of)
{
	struct workload *w = workload_of(a, of->event);
	json_t *done = json_array(), *action;
	uint32_t id = id_of(of->response);
	char why[200] = "";
	size_t i;

	json_array_foreach (json_object_get(of->response, "actions"), i,
			    action) {
		const json_t *q = json_object_get(action, "quarantine");
		const json_t *c = json_object_get(action, "capture");

		if (json_object_get(action, "webhook"))
			(void)json_array_append_new(done,
						    json_string("webhook"));
		if ((q || c) && !w)
			(void)snprintf(why, sizeof why,
				       "its workload is not here");
		else if (q)
			quarantine(a, q, id, w, done, why, sizeof why);
		else if (c)
			capture(a, c, id, w, done, why, sizeof why);
	}
	tell(a, of, w, done, why);
	json_decref(done);
}

static void act(void *arg)
{
	struct agent *a = arg;
	struct responses *r = a->responses;

	/* what they cause comes behind them, but is not responded to */
	for (size_t i = 0; i < r->n_waiting; i++) {
		act_on(a, &r->waiting[i]);
		json_decref(r->waiting[i].response);
		json_decref(r->waiting[i].event);
	}
	r->n_waiting = 0;
}

#define END_AGAIN_S 60

/* false: it is tried again. */
static bool end_one(struct agent *a, const char *id)
{
	struct workload *w = registry_by_id(&a->registry, id);
	char what[WORKLOAD_TEXT_MAX + 64];
	struct err err;

	if (!w) /* it may come back with its id */
		return false;
	/* by hand it may have become another one since */
	if (!w->quarantined || strncmp(w->quarantine_why, "response ", 9) != 0)
		return true;
	if (kept_quarantine(a, w, NULL, &err) < 0) {
		log_warn("response: a quarantine cannot end: %s", err.text);
		return false;
	}
	guard_release(a, w);
	(void)snprintf(what, sizeof what,
		       "%s is quarantined no more: its time is over",
		       workload_name(w));
	record_change(a, what);
	return true;
}

/* Quarantines whose time is over. */
static void end_some(void *arg)
{
	struct agent *a = arg;
	const char *id;
	json_t *at;
	void *next;

	json_object_foreach_safe (a->responses->until, next, id, at) {
		if ((uint64_t)json_integer_value(at) > now_s())
			continue;
		if (end_one(a, id))
			(void)json_object_del(a->responses->until, id);
		else
			(void)json_integer_set(at, (json_int_t)now_s() +
							   END_AGAIN_S);
	}
	write_note(a);
	set_end(a);
}

/* --- events --------------------------------------------------------------------------- */

static bool has_action(const json_t *response, const char *name)
{
	const json_t *action;
	size_t i;

	json_array_foreach (json_object_get(response, "actions"), i, action)
		if (json_object_get(action, name))
			return true;
	return false;
}

/* Who is to be told: names, each once. */
static void mark(json_t *event, const json_t *response)
{
	json_t *list = json_object_get(event, "webhooks"), *action, *one;
	size_t i, k;

	json_array_foreach (json_object_get(response, "actions"), i, action) {
		json_t *name = json_object_get(action, "webhook");
		bool there = false;

		if (!name)
			continue;
		if (!list) {
			list = json_array();
			(void)json_object_set_new(event, "webhooks", list);
		}
		json_array_foreach (list, k, one)
			there = there || json_equal(one, name);
		if (!there)
			(void)json_array_append(list, name);
	}
}

static void fire(struct agent *a, const json_t *response, json_t *event)
{
	struct responses *r = a->responses;
	uint32_t id = id_of(response);

	if (!may_act(r, id) || r->n_waiting == RESPONSES_WAITING_MAX) {
		count(a, id, HELD_BACK);
		return;
	}
	count(a, id, FIRED);
	mark(event, response);
	r->waiting[r->n_waiting++] = (struct waiting){
		json_incref((json_t *)(uintptr_t)response),
		json_incref(event),
	};
	loop_timer_need(a->loop, &r->act, SOON_US);
}

static bool has_other_actions(const json_t *response)
{
	return has_action(response, "quarantine") ||
	       has_action(response, "capture") ||
	       has_action(response, "webhook");
}

bool responses_look(struct agent *a, json_t *event)
{
	const json_t *list =
		a->responses && a->intent ? intent_responses(a->intent) : NULL;
	const json_t *groups, *response;
	struct workload *w;
	bool tells = true;
	size_t i;

	if (!a->responses || json_array_size(list) == 0 ||
	    json_object_get(event, "response"))
		return true;
	w = workload_of(a, event);
	groups = w ? policy_groups_of(a, w) : NULL;
	json_array_foreach (list, i, response) {
		if (!intent_response_meets(response, event, groups))
			continue;
		if (has_action(response, "suppress")) {
			count(a, id_of(response), SUPPRESSED);
			tells = false;
		}
		if (has_other_actions(response))
			fire(a, response, event);
	}
	return tells;
}

/* --- start and end ------------------------------------------------------------------------ */

int responses_start(struct agent *a, struct err *reterr)
{
	struct responses *r = calloc(1, sizeof *r);
	json_t *doc = NULL;
	uint64_t revision;

	a->responses = r;
	if (!r)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	r->act = (struct loop_timer){ .fn = act, .arg = a };
	r->write = (struct loop_timer){ .fn = write_note, .arg = a };
	r->end = (struct loop_timer){ .fn = end_some, .arg = a };
	/* without it counts begin anew; the store's state says why */
	(void)store_get_doc(a->store, NOTE, &doc, &revision, NULL);
	r->rules = json_incref(json_object_get(doc, "rules"));
	r->until = json_incref(json_object_get(doc, "until"));
	json_decref(doc);
	if (!json_is_object(r->rules)) {
		json_decref(r->rules);
		r->rules = json_object();
	}
	if (!json_is_object(r->until)) {
		json_decref(r->until);
		r->until = json_object();
	}
	set_end(a);
	return 0;
}

void responses_stop(struct agent *a)
{
	struct responses *r = a->responses;

	if (!r)
		return;
	for (size_t i = 0; i < r->n_waiting; i++) {
		json_decref(r->waiting[i].response);
		json_decref(r->waiting[i].event);
	}
	if (r->write.on)
		write_note(a);
	loop_timer_off(a->loop, &r->act);
	loop_timer_off(a->loop, &r->write);
	loop_timer_off(a->loop, &r->end);
	json_decref(r->rules);
	json_decref(r->until);
	free(r);
	a->responses = NULL;
}

/* --- commands --------------------------------------------------------------------------------- */

int command_responses(struct agent *a, struct door_client *c,
		      const json_t *args, json_t *result, struct err *reterr)
{
	static const char *const names[COUNT__MAX] = { "fired", "last_fired",
						       "suppressed",
						       "held_back" };
	const json_t *all = intent_responses(a->intent), *one;
	json_t *list = json_array();
	size_t i;

	json_array_foreach (all, i, one) {
		json_t *copy = json_copy((json_t *)(uintptr_t)one);
		json_t *counts = counts_of(a->responses, id_of(one));

		for (size_t k = 0; k < COUNT__MAX; k++)
			(void)json_object_set_new(
				copy, names[k],
				json_integer(json_integer_value(
					json_array_get(counts, k))));
		(void)json_array_append_new(list, copy);
	}
	(void)json_object_set_new(result, "responses", list);
	return 0;
}

int command_response_set(struct agent *a, struct door_client *c,
			 const json_t *args, json_t *result, struct err *reterr)
{
	json_t *response = json_deep_copy(json_object_get(args, "response"));
	struct intent *next = NULL;
	uint64_t number = 0;
	uint32_t id = 0;
	char what[64];
	int rc = arg_id(response, "id", &number, reterr);

	if (rc == 0 && json_object_get(args, "after")) {
		json_decref(response);
		return err_set(reterr, EINVAL, "after",
			       "response rules have no order: each that "
			       "matches acts");
	}
	if (rc == 0 && number) /* in a path it is a text */
		(void)json_object_set_new(response, "id",
					  json_integer((json_int_t)number));
	if (rc == 0)
		rc = intent_with_response(a->intent, response, &next, &id,
					  reterr);
	json_decref(response);
	if (rc < 0) {
		err_prefix(reterr, "response");
		return rc;
	}
	(void)json_object_set_new(result, "response", json_integer(id));
	(void)snprintf(what, sizeof what, "response rule %u was set", id);
	return commands_change(a, c, args, next, what, result, reterr);
}

int command_response_delete(struct agent *a, struct door_client *c,
			    const json_t *args, json_t *result,
			    struct err *reterr)
{
	struct intent *next = NULL;
	uint64_t id = 0;
	char what[64], text[12];
	int rc = arg_id(args, "id", &id, reterr);

	if (rc == 0 && id > UINT32_MAX)
		id = 0; /* there is none */
	if (rc == 0)
		rc = intent_without_response(a->intent, (uint32_t)id, &next,
					     reterr);
	if (rc < 0)
		return rc;
	(void)snprintf(text, sizeof text, "%u", (unsigned)id);
	(void)json_object_del(a->responses->rules, text);
	(void)snprintf(what, sizeof what, "response rule %u was deleted",
		       (unsigned)id);
	return commands_change(a, c, args, next, what, result, reterr);
}

/* Events of kind "response", as they are. */
int command_responses_log(struct agent *a, struct door_client *c,
			  const json_t *args, json_t *result,
			  struct err *reterr)
{
	json_t *copy = json_copy((json_t *)(uintptr_t)args);
	int rc;

	(void)json_object_set_new(copy, "kind", json_string("response"));
	rc = command_events(a, c, copy, result, reterr);
	json_decref(copy);
	if (rc < 0)
		return rc;
	(void)json_object_set(result, "log", json_object_get(result, "events"));
	(void)json_object_del(result, "events");
	return 0;
}
