/*
 * A thread for each of what the agent tells by itself, and one that asks. What is
 * said while nobody is connected (the agent is away, the first reader has just
 * come) nobody can count: it is told as one that was missed, so that readers
 * fetch what there is.
 */
#include "api/follow.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/link.h"
#include "api/lists.h"
#include "base/limits_api.h"
#include "base/text.h"

enum thread_kind { FOLLOW_EVENTS, FOLLOW_FLOWS, POLL, THREAD__MAX };

struct follow_thread {
	struct follow *of;
	pthread_t thread;
	struct link link;
	bool started;
	json_t *cursor; /* of the map; owned; NULL: from the beginning */
};

struct follow {
	struct streams *streams;
	struct ring *ring;
	pthread_mutex_t lock;
	pthread_cond_t end;
	bool ends; /* the lock's */
	atomic_ullong events[EVENT_KIND__MAX];
	struct follow_thread threads[THREAD__MAX];
};

/* false: it ends. */
static bool pause_ms(struct follow *f, unsigned ms)
{
	struct timespec at;
	bool ends;

	(void)clock_gettime(CLOCK_MONOTONIC, &at); /* cannot fail */
	at.tv_sec += ms / 1000;
	at.tv_nsec += ms % 1000 * 1000000L;
	if (at.tv_nsec >= 1000000000L) {
		at.tv_nsec -= 1000000000L;
		at.tv_sec++;
	}
	pthread_mutex_lock(&f->lock);
	while (!f->ends &&
	       pthread_cond_timedwait(&f->end, &f->lock, &at) != ETIMEDOUT)
		;
	ends = f->ends;
	pthread_mutex_unlock(&f->lock);
	return !ends;
}

static const char *const kinds[] = { "violation", "threat", "signature", "dlp",
				     "waf",	  "state",  "change" };
_Static_assert(sizeof kinds / sizeof *kinds == EVENT_KIND__MAX, "kinds");

const char *event_kind_name(enum event_kind k)
{
	return kinds[k];
}

uint64_t follow_events(struct follow *f, enum event_kind k)
{
	return f->events[k];
}

static void count_event(struct follow *f, struct span event)
{
	struct span kind = span_member(event, "kind");

	for (enum event_kind k = 0; k < EVENT_KIND__MAX; k++)
		if (kind.len == strlen(kinds[k]) + 2 &&
		    memcmp(kind.at + 1, kinds[k], kind.len - 2) == 0)
			f->events[k]++;
}

/* --- what the agent tells by itself --------------------------------------------- */

static void take_line(struct follow *f, enum topic t, struct span line)
{
	struct span event = span_member(line, "event");
	struct span missed = span_member(line, "missed");

	if (event.len && t == TOPIC_EVENTS)
		count_event(f, event);
	if (event.len)
		ring_add(f->ring, t, event.at, event.len);
	else if (missed.len)
		ring_skip(f->ring, t, strtoull(missed.at, NULL, 10));
}

/* Events are few; flows are told only if somebody reads. */
static bool is_wanted(struct follow *f, enum topic t)
{
	return t == TOPIC_EVENTS || streams_readers(f->streams, t) > 0;
}

/* As long as somebody reads and the agent is there. */
static void follow_topic(struct follow_thread *th, enum topic t)
{
	struct follow *f = th->of;
	struct span line;
	struct err err;
	int rc = link_ask(&th->link, topic_name(t), NULL,
			  json_pack("{s:b, s:i}", "follow", 1, "limit", 1),
			  &line, &err);

	if (rc < 0 || !span_is(span_member(line, "ok"), "true")) {
		link_close(&th->link);
		return;
	}
	/* between who came first and now */
	ring_skip(f->ring, t, 1);
	while (is_wanted(f, t)) {
		rc = link_next(&th->link, &line, &err);
		if (rc < 0 && rc != -EAGAIN)
			break;
		if (rc == 0)
			take_line(f, t, line);
	}
	link_close(&th->link);
}

static void *run_follower(void *arg)
{
	struct follow_thread *th = arg;
	enum topic t = th == &th->of->threads[FOLLOW_EVENTS] ? TOPIC_EVENTS
							     : TOPIC_FLOWS;

	do {
		if (is_wanted(th->of, t))
			follow_topic(th, t);
	} while (pause_ms(th->of, 200));
	return NULL;
}

/* --- what it is asked for ------------------------------------------------------------ */

/* An answer's members but "id" and "ok". */
static bool ask(struct follow_thread *th, const char *command, json_t *args,
		struct text *out)
{
	struct span line;
	struct err err;

	return link_ask(&th->link, command, NULL, args, &line, &err) == 0 &&
	       lists_answer(NULL, NULL, line, out, &err) == 0;
}

static void poll_plain(struct follow_thread *th, enum topic t)
{
	struct text out = { 0 };

	if (streams_readers(th->of->streams, t) > 0 &&
	    ask(th, topic_name(t), NULL, &out))
		ring_add(th->of->ring, t, out.at, out.len);
	text_done(&out);
}

static bool is_empty(struct span map, const char *member)
{
	struct span v = span_member(map, member);

	return v.len == 0 || span_is(v, "[]");
}

/* "after": what it is a change of; map is an object with members. */
static void tell_change(struct follow_thread *th, struct span map)
{
	struct text t = { .at = NULL };

	text_addf(&t, "{\"after\":%lld,", json_integer_value(th->cursor));
	text_add(&t, map.at + 1, map.len - 1);
	if (!t.failed)
		ring_add(th->of->ring, TOPIC_MAP, t.at, t.len);
	text_done(&t);
}

/* Nobody read before: what it was then, who reads now has fetched, or fetches. */
static void tell_begin(struct follow_thread *th, json_int_t next)
{
	char text[160];
	int len = snprintf(text, sizeof text,
			   "{\"after\":%lld,\"nodes\":[],\"edges\":[],"
			   "\"gone\":[],\"next\":%lld,\"whole\":false}",
			   next, next);

	ring_add(th->of->ring, TOPIC_MAP, text, (size_t)len);
}

static void take_map(struct follow_thread *th, struct span map)
{
	struct span next = span_member(map, "next");
	bool whole = span_is(span_member(map, "whole"), "true");
	json_t *cursor = json_loadb(next.at ? next.at : "", next.len,
				    JSON_DECODE_ANY, NULL);

	if (!th->cursor)
		tell_begin(th, json_integer_value(cursor));
	else if (whole)
		ring_add(th->of->ring, TOPIC_MAP, map.at, map.len);
	else if (!is_empty(map, "nodes") || !is_empty(map, "edges") ||
		 !is_empty(map, "gone"))
		tell_change(th, map);
	json_decref(th->cursor);
	th->cursor = cursor;
}

/*
 * Changes since the last time, each with what it is a change of: by that who
 * fetched the map sees whether he missed any. All of it only where what came
 * before is not known any more.
 */
static void poll_map(struct follow_thread *th)
{
	struct text out = { 0 };
	json_t *args;

	if (streams_readers(th->of->streams, TOPIC_MAP) == 0) {
		json_decref(th->cursor);
		th->cursor = NULL;
		return;
	}
	args = json_object();
	if (th->cursor)
		(void)json_object_set(args, "after", th->cursor);
	if (ask(th, "map", args, &out)) {
		take_map(th, (struct span){ out.at, out.len });
	} else {
		json_decref(th->cursor);
		th->cursor = NULL;
	}
	text_done(&out);
	link_trim(&th->link);
}

static void *run_poll(void *arg)
{
	struct follow_thread *th = arg;

	do {
		poll_plain(th, TOPIC_TOP);
		poll_plain(th, TOPIC_STATUS);
		poll_map(th);
	} while (pause_ms(th->of, API_POLL_MS));
	return NULL;
}

/* --- start and end -------------------------------------------------------------------- */

static int start_thread(struct follow *f, enum thread_kind k, const char *agent,
			struct err *reterr)
{
	struct follow_thread *th = &f->threads[k];
	int rc;

	th->of = f;
	link_init(&th->link, agent, k == POLL ? API_AGENT_WAIT_S : 2);
	rc = pthread_create(&th->thread, NULL,
			    k == POLL ? run_poll : run_follower, th);
	if (rc != 0) {
		link_done(&th->link);
		return err_set(reterr, rc, NULL, "no thread: %s", strerror(rc));
	}
	th->started = true;
	return 0;
}

struct follow *follow_start(struct streams *s, const char *agent,
			    struct err *reterr)
{
	struct follow *f = calloc(1, sizeof *f);
	pthread_condattr_t attr;
	int rc = 0;

	if (!f) {
		(void)err_set(reterr, ENOMEM, NULL, "out of memory");
		return NULL;
	}
	f->streams = s;
	f->ring = streams_ring(s);
	pthread_mutex_init(&f->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&f->end, &attr);
	pthread_condattr_destroy(&attr);
	for (enum thread_kind k = 0; rc == 0 && k < THREAD__MAX; k++)
		rc = start_thread(f, k, agent, reterr);
	if (rc == 0)
		return f;
	follow_free(f);
	return NULL;
}

void follow_stop(struct follow *f)
{
	if (!f)
		return;
	pthread_mutex_lock(&f->lock);
	f->ends = true;
	pthread_cond_broadcast(&f->end);
	pthread_mutex_unlock(&f->lock);
	for (enum thread_kind k = 0; k < THREAD__MAX; k++) {
		struct follow_thread *th = &f->threads[k];

		if (!th->started)
			continue;
		link_cut(&th->link);
		pthread_join(th->thread, NULL);
		link_done(&th->link);
		json_decref(th->cursor);
		th->started = false;
	}
}

void follow_free(struct follow *f)
{
	if (!f)
		return;
	follow_stop(f);
	pthread_cond_destroy(&f->end);
	pthread_mutex_destroy(&f->lock);
	free(f);
}
