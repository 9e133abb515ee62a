/*
 * What was recorded here, delivered to the fleet's streams: events one by one, and
 * flows as what they have come to. It is in the store first, so what is recorded while
 * the node is cut off, or the agent ends, is delivered afterwards.
 *
 * How far is not kept here: the stream is asked for our last batch whenever there is
 * a server again, and each second until it says so. So nothing is sent twice, whatever
 * was answered, unless the agent began anew where the server's copy is behind.
 *
 *   {"form":1,"node":"a","store":"ID","first":N,"last":M,"events":[...]}
 *   {"form":1,"node":"a","store":"ID","since":S,"until":S,"after":N,"flows":[...]}
 *
 * A batch that does not fit the servers' messages is tried again as two; what alone
 * does not fit is left out, counted, and told once.
 *
 * store: which one it is of; numbers of another mean nothing. A flow of the same
 * "id" comes again with more in it; the last counts.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "agent/flow_json.h"
#include "agent/member_own.h"
#include "agent/record.h"
#include "base/clock.h"
#include "base/limits_fleet.h"
#include "base/log.h"

#define FORM	 1
#define LOOK_US	 USEC_PER_SEC
#define FLOWS_US (60 * USEC_PER_SEC)
#define DAY_S	 86400ULL
#define ID_BYTES 16

struct sending_stream {
	bool known; /* how far it is there */
	bool waits; /* for the answer to `token` */
	uint64_t token;
	uint64_t
		after; /* of events: the last that is there; of flows: cursor */
	uint64_t since, until; /* of flows: the round that is under way */
	uint64_t next_after;   /* when what was sent is there */
	bool next_ends;	       /* ... and the round is over then */
	unsigned room;	       /* of the next batch: so many at most */
	unsigned n;	       /* in what was sent */
	uint64_t sent, failed, left_out;
	/* Events behind the former up to the latter were left out last. */
	uint64_t left_from, left_at;
};

struct sending {
	char store[2 * ID_BYTES + 1];
	struct sending_stream of[FLEET_STREAM__MAX];
	struct loop_timer events, flows;
};

static uint64_t now_s(void)
{
	return clock_unix_us() / USEC_PER_SEC;
}

/* --- batches ------------------------------------------------------------------- */

struct batch {
	json_t *list;
	uint64_t first, last;
};

static int add_event(const json_t *event, uint64_t number, void *arg)
{
	struct batch *b = arg;

	if (!b->first)
		b->first = number;
	b->last = number;
	return json_array_append_new(b->list,
				     event_json(event, number, false)) < 0
		       ? -ENOMEM
		       : 0;
}

static int add_flow(const struct store_flow *f, uint64_t cursor,
		    const json_t *client, const json_t *server, void *arg)
{
	struct batch *b = arg;
	json_t *o = flow_json(f, client, server);

	b->last = cursor;
	if (!o || json_object_set_new(o, "id",
				      json_integer((json_int_t)cursor)) < 0) {
		json_decref(o);
		return -ENOMEM;
	}
	return json_array_append_new(b->list, o) < 0 ? -ENOMEM : 0;
}

static struct loop_timer *timer_of(struct sending *g, enum fleet_stream s)
{
	return s == FLEET_EVENTS ? &g->events : &g->flows;
}

/* What was sent is there, or never will be. */
static void go_past(struct sending_stream *x, enum fleet_stream s)
{
	x->after = x->next_after;
	if (s == FLEET_FLOWS && x->next_ends) {
		x->since = x->until;
		x->until = x->after = 0;
	}
}

static void leave_out(struct agent *a, enum fleet_stream s,
		      const struct err *why)
{
	struct sending_stream *x = &a->member->sending->of[s];
	char text[ERR_TEXT_MAX + 128];

	if (x->after != x->left_at)
		x->left_from = x->after;
	go_past(x, s);
	x->left_at = x->after;
	if (x->left_out++ > 0)
		return;
	(void)snprintf(text, sizeof text,
		       "%s too large for the fleet's servers is left out "
		       "there, and so are others (weir fleet status -o json "
		       "counts them): %s",
		       s == FLEET_EVENTS ? "an event" : "a flow", why->text);
	log_warn("fleet: %s", text);
	record_state(a, "fleet", "medium", text);
}

/* It does not fit a message, and would not the next time either. */
static void too_large(struct agent *a, enum fleet_stream s,
		      const struct err *why)
{
	struct sending *g = a->member->sending;
	struct sending_stream *x = &g->of[s];

	if (x->n > 1)
		x->room = x->n / 2;
	else
		leave_out(a, s, why);
	loop_timer_set(a->loop, timer_of(g, s), 0);
}

static void sent_off(struct agent *a, enum fleet_stream s, json_t *batch)
{
	struct sending_stream *x = &a->member->sending->of[s];
	char *text = batch ? json_dumps(batch, JSON_COMPACT) : NULL;
	struct err err = { 0 };

	json_decref(batch);
	x->token = ++a->member->last_token;
	x->waits = text &&
		   fleet_send(a->member->fleet, s, text, x->token, &err) == 0;
	free(text);
	if (err.code == E2BIG)
		too_large(a, s, &err);
}

static void send_events(struct agent *a)
{
	struct sending *g = a->member->sending;
	struct sending_stream *x = &g->of[FLEET_EVENTS];
	struct batch b = { .list = json_array() };
	uint64_t days = a->config.cluster.events_days * DAY_S;
	struct store_event_query q = { .after = x->after,
				       .since_s = now_s() - days,
				       .limit = x->room };

	if (!b.list ||
	    store_each_event(a->store, &q, add_event, &b, NULL) < 0 ||
	    json_array_size(b.list) == 0) {
		json_decref(b.list);
		return;
	}
	x->next_after = b.last;
	x->n = (unsigned)json_array_size(b.list);
	sent_off(a, FLEET_EVENTS,
		 json_pack("{s:i, s:s, s:s, s:I, s:I, s:o}", "form", FORM,
			   "node", a->config.node, "store", g->store, "first",
			   (json_int_t)b.first, "last", (json_int_t)b.last,
			   "events", b.list));
}

static void send_flows(struct agent *a)
{
	struct sending *g = a->member->sending;
	struct sending_stream *x = &g->of[FLEET_FLOWS];
	struct batch b = { .list = json_array() };
	struct store_flow_query q = { .since_s = x->since,
				      .after = x->after,
				      .limit = x->room };

	if (!x->until)
		x->until = now_s();
	record_flush(a);
	if (!b.list || store_each_flow(a->store, &q, add_flow, &b, NULL) < 0) {
		json_decref(b.list);
		return;
	}
	x->next_after = b.last;
	x->n = (unsigned)json_array_size(b.list);
	x->next_ends = x->n < x->room;
	if (json_array_size(b.list) == 0) {
		json_decref(b.list);
		x->since = x->until;
		x->until = x->after = 0;
		return;
	}
	sent_off(a, FLEET_FLOWS,
		 json_pack("{s:i, s:s, s:s, s:I, s:I, s:I, s:b, s:o}", "form",
			   FORM, "node", a->config.node, "store", g->store,
			   "since", (json_int_t)x->since, "until",
			   (json_int_t)x->until, "after", (json_int_t)b.last,
			   "ends", x->next_ends, "flows", b.list));
}

static bool may_send(const struct agent *a, enum fleet_stream s)
{
	const struct sending_stream *x = &a->member->sending->of[s];

	return a->member->up && x->known && !x->waits;
}

static void ask_last(struct agent *a, enum fleet_stream s)
{
	struct sending_stream *x = &a->member->sending->of[s];
	struct err err;

	x->known = false;
	x->token = ++a->member->last_token;
	x->waits = fleet_last(a->member->fleet, s, x->token, &err) == 0;
}

/* How far it is, that was not told when it was asked for. */
static void ask_again(struct agent *a)
{
	const struct sending *g = a->member->sending;

	for (int s = 0; a->member->up && s < FLEET_STREAM__MAX; s++)
		if (!g->of[s].known && !g->of[s].waits)
			ask_last(a, (enum fleet_stream)s);
}

static void events_due(void *arg)
{
	struct agent *a = arg;

	/* sooner when there is more to do */
	loop_timer_set(a->loop, &a->member->sending->events, LOOK_US);
	ask_again(a); /* of both */
	if (may_send(a, FLEET_EVENTS))
		send_events(a);
}

static void flows_due(void *arg)
{
	struct agent *a = arg;

	loop_timer_set(a->loop, &a->member->sending->flows, FLOWS_US);
	if (may_send(a, FLEET_FLOWS))
		send_flows(a);
}

/* --- what became of it ------------------------------------------------------------ */

/* Where our last batch there ends. */
static void take_last(struct agent *a, enum fleet_stream s, const char *text,
		      size_t len)
{
	struct sending *g = a->member->sending;
	struct sending_stream *x = &g->of[s];
	json_t *o = text ? json_loadb(text, len, 0, NULL) : NULL;
	const char *store = json_string_value(json_object_get(o, "store"));
	bool ours = store && strcmp(store, g->store) == 0;

	x->known = true;
	x->after = x->since = x->until = 0;
	if (ours && s == FLEET_EVENTS)
		x->after = (uint64_t)json_integer_value(
			json_object_get(o, "last"));
	if (ours && s == FLEET_EVENTS && x->after == x->left_from)
		x->after = x->left_at;
	if (s == FLEET_FLOWS)
		x->since = now_s() - a->config.cluster.flows_days * DAY_S;
	if (ours && s == FLEET_FLOWS) {
		bool ends = json_is_true(json_object_get(o, "ends"));

		x->since = (uint64_t)json_integer_value(
			json_object_get(o, ends ? "until" : "since"));
		if (!ends) {
			x->until = (uint64_t)json_integer_value(
				json_object_get(o, "until"));
			x->after = (uint64_t)json_integer_value(
				json_object_get(o, "after"));
		}
	}
	json_decref(o);
}

static void is_there(struct agent *a, enum fleet_stream s)
{
	struct sending_stream *x = &a->member->sending->of[s];

	x->sent++;
	x->room += x->room / 4 + 1;
	if (x->room > FLEET_BATCH_MAX)
		x->room = FLEET_BATCH_MAX;
	go_past(x, s);
	if (s == FLEET_FLOWS && x->next_ends)
		return;
	/* there may be more */
	if (s == FLEET_EVENTS)
		send_events(a);
	else
		send_flows(a);
}

void member_sent(struct agent *a, const struct fleet_news *n)
{
	struct sending *g = a->member->sending;

	for (int s = 0; s < FLEET_STREAM__MAX; s++) {
		struct sending_stream *x = &g->of[s];

		if (x->token != n->token)
			continue;
		x->waits = false;
		if (n->err.code == E2BIG) {
			too_large(a, (enum fleet_stream)s, &n->err);
		} else if (n->err.code) {
			/* it may be there all the same: it is asked for soon */
			x->failed++;
			x->known = false;
		} else if (n->kind == FLEET_LAST) {
			take_last(a, (enum fleet_stream)s, n->text, n->len);
		} else {
			is_there(a, (enum fleet_stream)s);
		}
		return;
	}
}

void member_send_up(struct agent *a)
{
	struct sending *g = a->member->sending;

	for (int s = 0; g && s < FLEET_STREAM__MAX; s++)
		if (!g->of[s].known || g->of[s].waits)
			ask_last(a, (enum fleet_stream)s);
}

json_t *member_send_json(const struct agent *a)
{
	static const char *const names[FLEET_STREAM__MAX] = { "events",
							      "flows" };
	json_t *o = json_object();

	for (int s = 0; a->member->sending && s < FLEET_STREAM__MAX; s++) {
		const struct sending_stream *x = &a->member->sending->of[s];

		(void)json_object_set_new(
			o, names[s],
			json_pack("{s:b, s:I, s:I, s:I, s:I}", "known",
				  x->known, "after", (json_int_t)x->after,
				  "batches", (json_int_t)x->sent, "failed",
				  (json_int_t)x->failed, "left_out",
				  (json_int_t)x->left_out));
	}
	return o;
}

/* --- start and end --------------------------------------------------------------------- */

static int make_id(struct agent *a, char *id, struct err *reterr)
{
	unsigned char bytes[ID_BYTES];
	uint64_t revision;
	json_t *doc;
	int rc;

	if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
		return err_set(reterr, EIO, NULL, "no random bytes");
	for (size_t i = 0; i < sizeof bytes; i++)
		(void)snprintf(id + 2 * i, 3, "%02x", bytes[i]);
	doc = json_pack("{s:s}", "store", id);
	rc = doc ? store_put_doc(a->store, "fleet", doc, 0, &revision, reterr)
		 : err_set(reterr, ENOMEM, NULL, "out of memory");
	json_decref(doc);
	return rc;
}

int member_send_start(struct agent *a, struct err *reterr)
{
	struct sending *g = calloc(1, sizeof *g);
	json_t *doc = NULL;
	const char *id;
	uint64_t revision;
	int rc;

	a->member->sending = g;
	if (!g)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	for (int s = 0; s < FLEET_STREAM__MAX; s++)
		g->of[s].room = FLEET_BATCH_MAX;
	g->events = (struct loop_timer){ .fn = events_due, .arg = a };
	g->flows = (struct loop_timer){ .fn = flows_due, .arg = a };
	rc = store_get_doc(a->store, "fleet", &doc, &revision, reterr);
	id = json_string_value(json_object_get(doc, "store"));
	if (rc == 0 && id && strlen(id) == sizeof g->store - 1)
		memcpy(g->store, id, sizeof g->store);
	else if (rc == 0 || rc == -ENOENT)
		rc = make_id(a, g->store, reterr);
	json_decref(doc);
	if (rc < 0)
		return rc;
	loop_timer_set(a->loop, &g->events, LOOK_US);
	loop_timer_set(a->loop, &g->flows, LOOK_US);
	return 0;
}

void member_send_stop(struct agent *a)
{
	struct sending *g = a->member->sending;

	if (!g)
		return;
	loop_timer_off(a->loop, &g->events);
	loop_timer_off(a->loop, &g->flows);
	free(g);
	a->member->sending = NULL;
}
