/*
 * What is new is asked for page by page, behind the last number that was had: so
 * nothing is missed while the agent, or we, are away, and what is asked for twice
 * is told apart by its number.
 *
 *   connect ──▶ where did they begin? ──▶ page, page, ... ──all had──▶ wait 1 s ─┐
 *      ▲                                       ▲                                 │
 *      └──any error── wait 0.25 .. 30 s        └─────────────────────────────────┘
 *
 * Events have the numbers of the agent's store. Where its last one is below ours,
 * the store is another one: all of it is new. The trail has numbers of one run of
 * the agent, and each record that of its data plane besides; from another run all
 * that it has is asked for, and what was had already is passed over (queue.h).
 *
 * An output without a cursor begins with what comes once all that there was has
 * been passed (outputs_caught_up()).
 */
#include "export/reader.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "door/agentclient.h"
#include "export/eve.h"
#include "wire/member.h"

struct reader {
	pthread_t thread;
	bool running;
	struct outputs *outputs; /* borrowed */
	char *door, *host;
	atomic_uint stats_s;
	atomic_bool stop;

	/* The thread's own. */
	struct agentclient client; /* fd -1: not connected */
	struct who *who;
	struct eve eve;
	char node[256];
	uint64_t event;	       /* the last that was put in */
	uint64_t trail, epoch; /* likewise, and of which run */
	uint64_t trail_lost;   /* what that run's agent has said */
	usec_t who_asked, stats_at;
	bool who_missing; /* somebody was not known */

	pthread_mutex_t lock; /* of what follows; and of client.fd */
	bool up;
	char error[ERR_TEXT_MAX];
	uint64_t since_s, events, records, missed, strange;
};

/* --- states ---------------------------------------------------------------------- */

static void set_state(struct reader *r, bool up, const char *text)
{
	bool change;

	pthread_mutex_lock(&r->lock);
	change = up != r->up || (!up && !r->error[0]);
	r->up = up;
	(void)snprintf(r->error, sizeof r->error, "%s", text);
	if (change)
		r->since_s = clock_unix_us() / USEC_PER_SEC;
	pthread_mutex_unlock(&r->lock);
	if (change && up)
		log_info("agent: connected");
	else if (change)
		log_warn("agent: %s, trying again", text);
}

static void count(struct reader *r, uint64_t *what, uint64_t n)
{
	pthread_mutex_lock(&r->lock);
	*what += n;
	pthread_mutex_unlock(&r->lock);
}

static void nap(const struct reader *r, uint64_t us)
{
	usec_t end = usec_add(clock_now(), us);

	while (!atomic_load(&r->stop) && usec_before(clock_now(), end)) {
		struct timespec t = { .tv_nsec = 20 * 1000000L };

		(void)nanosleep(&t, NULL); /* less is as well */
	}
}

static void disconnect(struct reader *r)
{
	pthread_mutex_lock(&r->lock);
	agentclient_done(&r->client);
	pthread_mutex_unlock(&r->lock);
}

/* Takes args. */
static int ask(struct reader *r, const char *command, json_t *args,
	       json_t **ret, struct err *reterr)
{
	return agentclient_ask(&r->client, command, args, ret, reterr);
}

/* --- who is here ---------------------------------------------------------------------- */

static int ask_who(struct reader *r, struct err *reterr)
{
	uint64_t age = usec_since(clock_now(), r->who_asked);
	json_t *answer = NULL;
	int rc;

	if (r->who_asked.us && age < EXPORT_WHO_S * USEC_PER_SEC &&
	    !(r->who_missing && age >= EXPORT_WHO_SOON_S * USEC_PER_SEC))
		return 0;
	rc = ask(r, "ls", NULL, &answer, reterr);
	if (rc < 0)
		return rc;
	who_set(r->who, answer);
	json_decref(answer);
	r->who_asked = clock_now();
	r->who_missing = false;
	return 0;
}

/* Modes and groups are others behind a change: those of now are asked for. */
static int ask_who_again(struct reader *r, const json_t *events,
			 struct err *reterr)
{
	const json_t *ev;
	const char *kind;
	size_t i;

	json_array_foreach (events, i, ev) {
		kind = json_string_value(json_object_get(ev, "kind"));
		if (kind && strcmp(kind, "change") == 0)
			r->who_asked = (usec_t){ 0 };
	}
	return ask_who(r, reterr);
}

/* --- what is new ------------------------------------------------------------------- */

static void put(struct reader *r, struct item *i, uint64_t *counter)
{
	if (!i) {
		count(r, &r->strange, 1);
		return;
	}
	r->who_missing |= i->workload[0] && i->source != ITEM_OF_US &&
			  !strstr(i->json, "\"groups\"");
	outputs_put(r->outputs, i);
	count(r, counter, 1);
	item_put(i);
}

/* *ret_more: there is another page. */
static int read_events(struct reader *r, bool *ret_more, struct err *reterr)
{
	json_t *answer = NULL, *list, *ev;
	size_t i;
	int rc = ask(r, "events",
		     json_pack("{s:I, s:i}", "after", (json_int_t)r->event,
			       "limit", EXPORT_PAGE),
		     &answer, reterr);

	if (rc < 0)
		return rc;
	list = json_object_get(answer, "events");
	rc = ask_who_again(r, list, reterr);
	json_array_foreach (list, i, ev) {
		uint64_t number = member_number(ev, "number");

		if (rc < 0)
			break;
		put(r, eve_of_event(&r->eve, ev), &r->events);
		if (number > r->event)
			r->event = number;
	}
	*ret_more = json_array_size(list) >= EXPORT_PAGE;
	json_decref(answer);
	return rc;
}

static void count_missed(struct reader *r, const json_t *answer)
{
	uint64_t lost = member_number(answer, "lost"), epoch;
	uint64_t missed = member_number(answer, "missed");

	epoch = member_number(answer, "epoch");
	if (epoch == r->epoch && lost > r->trail_lost)
		missed += lost - r->trail_lost;
	r->trail_lost = lost;
	r->epoch = epoch;
	if (missed)
		count(r, &r->missed, missed);
}

static int read_trail(struct reader *r, bool *ret_more, struct err *reterr)
{
	json_t *answer = NULL, *record;
	size_t i;
	int rc = ask(r, "trail",
		     json_pack("{s:I, s:I, s:i}", "after", (json_int_t)r->trail,
			       "epoch", (json_int_t)r->epoch, "limit",
			       EXPORT_PAGE),
		     &answer, reterr);

	if (rc < 0)
		return rc;
	json_array_foreach (json_object_get(answer, "trail"), i, record)
		put(r, eve_of_trail(&r->eve, record), &r->records);
	r->trail = member_number(answer, "next");
	*ret_more = json_is_true(json_object_get(answer, "more"));
	count_missed(r, answer);
	json_decref(answer);
	return 0;
}

/* --- how it is ----------------------------------------------------------------------- */

static int tell_stats(struct reader *r, struct err *reterr)
{
	uint64_t every = atomic_load(&r->stats_s) * USEC_PER_SEC;
	json_t *status = NULL, *top = NULL;
	struct item *i;
	int rc;

	if (!every ||
	    (r->stats_at.us && usec_since(clock_now(), r->stats_at) < every))
		return 0;
	r->stats_at = clock_now();
	rc = ask(r, "status", NULL, &status, reterr);
	if (rc == 0)
		rc = ask(r, "top", NULL, &top, reterr);
	if (rc == 0) {
		i = eve_of_stats(&r->eve, status, top,
				 outputs_status(r->outputs), clock_unix_us());
		if (i)
			outputs_put(r->outputs, i);
		item_put(i);
	}
	json_decref(status);
	json_decref(top);
	return rc;
}

/* --- the agent ----------------------------------------------------------------------- */

/* Where to go on: the agent's last event, and what outputs have. */
static int find_place(struct reader *r, struct err *reterr)
{
	uint64_t had = outputs_event(r->outputs), last;
	json_t *answer = NULL;
	const char *node;
	int rc = ask(r, "status", NULL, &answer, reterr);

	if (rc < 0)
		return rc;
	node = json_string_value(json_object_get(answer, "node"));
	(void)snprintf(r->node, sizeof r->node, "%s", node ? node : r->host);
	json_decref(answer);
	answer = NULL;
	rc = ask(r, "events", json_pack("{s:i}", "limit", 1), &answer, reterr);
	if (rc < 0)
		return rc;
	last = member_number(answer, "next");
	json_decref(answer);
	if (had == UINT64_MAX) {
		r->event = last;
	} else if (had > last) {
		log_warn("agent: its events begin anew, so all of them are "
			 "new last=%llu had=%llu",
			 (unsigned long long)last, (unsigned long long)had);
		outputs_events_anew(r->outputs);
		r->event = 0;
	} else {
		r->event = had;
	}
	r->trail = 0; /* what was had is passed over */
	return 0;
}

static int connect_agent(struct reader *r, struct err *reterr)
{
	struct timeval t = { .tv_sec = EXPORT_ANSWER_S };
	struct agentclient c = { .fd = -1 };
	int rc = agentclient_open(r->door, &c, reterr);

	if (rc < 0)
		return rc;
	/* an agent that hangs does not keep us for ever */
	(void)setsockopt(c.fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
	(void)setsockopt(c.fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t);
	pthread_mutex_lock(&r->lock);
	r->client = c;
	pthread_mutex_unlock(&r->lock);
	r->who_asked = (usec_t){ 0 };
	return find_place(r, reterr);
}

/* All that is new; 0, or the connection is of no more use. */
static int read_all(struct reader *r, struct err *reterr)
{
	bool events = true, trail = true;
	int rc = ask_who(r, reterr);

	while (rc == 0 && (events || trail) && !atomic_load(&r->stop)) {
		if (events)
			rc = read_events(r, &events, reterr);
		if (rc == 0 && trail)
			rc = read_trail(r, &trail, reterr);
		outputs_hold(r->outputs);
	}
	if (rc == 0 && !atomic_load(&r->stop)) {
		outputs_caught_up(r->outputs, r->event);
		rc = tell_stats(r, reterr);
	}
	return rc;
}

static void *run(void *arg)
{
	struct reader *r = arg;
	uint64_t retry_ms = EXPORT_RETRY_FIRST_MS;

	while (!atomic_load(&r->stop)) {
		struct err err = { 0 };
		int rc = 0;

		if (r->client.fd < 0)
			rc = connect_agent(r, &err);
		if (rc == 0)
			rc = read_all(r, &err);
		if (rc == 0) {
			set_state(r, true, "");
			retry_ms = EXPORT_RETRY_FIRST_MS;
			nap(r, EXPORT_POLL_US);
			continue;
		}
		disconnect(r);
		if (atomic_load(&r->stop))
			break;
		set_state(r, false, err.text);
		nap(r, retry_ms * 1000);
		retry_ms = retry_ms * 2 < EXPORT_RETRY_LAST_MS
				   ? retry_ms * 2
				   : EXPORT_RETRY_LAST_MS;
	}
	return NULL;
}

/* --- from outside ------------------------------------------------------------------ */

static bool make(struct reader *r, const struct reader_spec *spec)
{
	r->door = strdup(spec->door);
	r->host = strdup(spec->host);
	r->who = who_new();
	return r->door && r->host && r->who;
}

struct reader *reader_new(const struct reader_spec *spec, struct outputs *os,
			  struct err *reterr)
{
	struct reader *r = calloc(1, sizeof *r);
	int rc = 0;

	if (r) {
		pthread_mutex_init(&r->lock, NULL);
		r->client.fd = -1;
		r->outputs = os;
		atomic_init(&r->stats_s, spec->stats_s);
	}
	if (!r || !make(r, spec)) {
		reader_free(r);
		(void)err_set(reterr, ENOMEM, NULL, "out of memory");
		return NULL;
	}
	(void)snprintf(r->node, sizeof r->node, "%s", spec->host);
	r->eve = (struct eve){ .who = r->who, .host = r->node };
	rc = pthread_create(&r->thread, NULL, run, r);
	if (rc != 0) {
		(void)err_set(reterr, rc, NULL, "a thread: %s", strerror(rc));
		reader_free(r);
		return NULL;
	}
	r->running = true;
	return r;
}

void reader_free(struct reader *r)
{
	if (!r)
		return;
	atomic_store(&r->stop, true);
	pthread_mutex_lock(&r->lock);
	if (r->client.fd >= 0) /* who waits for an answer waits no more */
		(void)shutdown(r->client.fd, SHUT_RDWR);
	pthread_mutex_unlock(&r->lock);
	if (r->running)
		(void)pthread_join(r->thread, NULL);
	agentclient_done(&r->client);
	pthread_mutex_destroy(&r->lock);
	who_free(r->who);
	free(r->door);
	free(r->host);
	free(r);
}

void reader_set_stats(struct reader *r, uint32_t stats_s)
{
	atomic_store(&r->stats_s, stats_s);
}

json_t *reader_status(struct reader *r)
{
	json_t *o;

	pthread_mutex_lock(&r->lock);
	o = json_pack("{s:s, s:I, s:I, s:I, s:I, s:I}", "state",
		      r->up ? "up" : "down", "since", (json_int_t)r->since_s,
		      "events", (json_int_t)r->events, "trail",
		      (json_int_t)r->records, "missed", (json_int_t)r->missed,
		      "strange", (json_int_t)r->strange);
	if (o && r->error[0])
		(void)json_object_set_new(o, "text", json_string(r->error));
	pthread_mutex_unlock(&r->lock);
	return o;
}
