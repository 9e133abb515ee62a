/*
 * A stream is a response that the HTTP library reads piece by piece (read_some(),
 * in its thread). When there is nothing, the connection is suspended, and costs
 * neither a thread nor a look; streams_wake() resumes it. Both are done under
 * the lock, so nothing that is said between them is slept over.
 *
 *   reading ──nothing there──▶ asleep ──news, heartbeat, end──▶ reading
 */
#include "api/stream.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/route.h"
#include "api/server.h"
#include "base/limits_api.h"

#define BLOCK_BYTES 2048 /* that the library reads at once, if it has none */

struct stream {
	struct stream *next, **at; /* of streams */
	struct streams *of;
	struct MHD_Connection *connection;
	struct who who;
	struct ring_reader reader;
	bool asleep, ends;
	usec_t last; /* when something was sent */

	/* What is being sent: a line of our own, or a message. */
	char line[96];
	size_t line_len, done;
	struct message *message;
};

struct streams {
	struct ring *ring;
	pthread_mutex_t lock; /* of all below, and each stream's asleep, ends */
	struct stream *all;
	size_t readers[TOPIC__MAX];
	bool ended;
	struct streams_counts counts;
};

struct streams *streams_new(void)
{
	struct streams *s = calloc(1, sizeof *s);

	if (s)
		s->ring = ring_new();
	if (!s || !s->ring) {
		free(s);
		return NULL;
	}
	pthread_mutex_init(&s->lock, NULL);
	return s;
}

void streams_free(struct streams *s)
{
	if (!s)
		return;
	ring_free(s->ring);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

struct ring *streams_ring(struct streams *s)
{
	return s->ring;
}

/* --- sending ------------------------------------------------------------------- */

static void say_line(struct stream *s, const char *fmt, const char *topic,
		     uint64_t n)
{
	s->line_len = (size_t)snprintf(s->line, sizeof s->line, fmt, topic,
				       (unsigned long long)n);
	s->done = 0;
}

/* Finds something to send. */
static bool find_next(struct stream *s)
{
	enum topic topic = 0;
	uint64_t missed = 0;

	s->line_len = s->done = 0;
	ring_put(s->of->ring, s->message);
	s->message = NULL;
	switch (ring_next(s->of->ring, &s->reader, &s->message, &topic,
			  &missed)) {
	case RING_MESSAGE: return true;
	case RING_MISSED:
		say_line(s,
			 "event: missed\ndata: "
			 "{\"topic\":\"%s\",\"count\":%llu}\n\n",
			 topic_name(topic), missed);
		pthread_mutex_lock(&s->of->lock);
		s->of->counts.missed += missed;
		pthread_mutex_unlock(&s->of->lock);
		return true;
	case RING_NOTHING: break;
	}
	if (usec_since(clock_now(), s->last) < API_HEARTBEAT_S * USEC_PER_SEC)
		return false;
	say_line(s, ":%s\n\n", "", 0);
	return true;
}

static size_t copy_some(struct stream *s, char *buf, size_t max)
{
	const char *from = s->message ? s->message->text : s->line;
	size_t len = s->message ? s->message->len : s->line_len;
	size_t n = len - s->done < max ? len - s->done : max;

	memcpy(buf, from + s->done, n);
	s->done += n;
	return n;
}

static bool is_over(struct stream *s)
{
	bool ends;

	pthread_mutex_lock(&s->of->lock);
	ends = s->ends;
	pthread_mutex_unlock(&s->of->lock);
	return ends;
}

static ssize_t read_some(void *cls, uint64_t pos, char *buf, size_t max)
{
	struct stream *s = cls;
	size_t n = 0;
	bool ends;

	(void)pos;
	/* who may no more gets no more, also one who never has read all */
	if (is_over(s))
		return MHD_CONTENT_READER_END_OF_STREAM;
	for (;;) {
		n += copy_some(s, buf + n, max - n);
		if (n == max || !find_next(s))
			break;
	}
	if (n > 0) {
		s->last = clock_now();
		return (ssize_t)n;
	}
	pthread_mutex_lock(&s->of->lock);
	ends = s->ends;
	/* said between find_next() and here: whoever wakes has to see it */
	if (!ends && !ring_has(s->of->ring, &s->reader)) {
		s->asleep = true;
		MHD_suspend_connection(s->connection);
	}
	pthread_mutex_unlock(&s->of->lock);
	return ends ? MHD_CONTENT_READER_END_OF_STREAM : 0;
}

struct MHD_Response *stream_response(struct stream *s)
{
	return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK_BYTES,
						 read_some, s, NULL);
}

/* --- coming and going ------------------------------------------------------------ */

static void refuse(struct request *r, int code, const char *at,
		   const char *text)
{
	struct err err;

	(void)err_set(&err, code, at, "%s", text);
	answer_problem(r, &err);
}

static bool enter(struct streams *all, struct stream *s)
{
	bool room;

	pthread_mutex_lock(&all->lock);
	room = all->counts.open < API_STREAMS_MAX && !all->ended;
	if (room) {
		all->counts.open++;
		for (enum topic t = 0; t < TOPIC__MAX; t++)
			all->readers[t] += s->reader.topics >> t & 1;
		s->next = all->all;
		s->at = &all->all;
		if (s->next)
			s->next->at = &s->next;
		all->all = s;
	}
	pthread_mutex_unlock(&all->lock);
	return room;
}

void stream_open(struct request *r)
{
	struct streams *all = r->server->streams;
	const char *text = route_query(&r->uri, "topics");
	unsigned topics = 0;
	struct stream *s;

	if (!text || r->uri.n_args != 1 || !topics_parse(text, &topics)) {
		refuse(r, EINVAL, "topics",
		       "expected some of events,flows,map,top,status");
		return;
	}
	s = calloc(1, sizeof *s);
	if (!s) {
		refuse(r, ENOMEM, NULL, "out of memory");
		return;
	}
	s->of = all;
	s->connection = r->connection;
	s->who = r->who;
	s->last = clock_now();
	ring_begin(all->ring, topics, &s->reader);
	if (!enter(all, s)) {
		free(s);
		refuse(r, EAGAIN, NULL, "too many streams are open");
		return;
	}
	say_line(s, "retry: 2000\n\n%s", "", 0); /* and the headers go */
	r->stream = s;
}

void stream_free(struct stream *s)
{
	struct streams *all;

	if (!s)
		return;
	all = s->of;
	pthread_mutex_lock(&all->lock);
	*s->at = s->next;
	if (s->next)
		s->next->at = s->at;
	all->counts.open--;
	for (enum topic t = 0; t < TOPIC__MAX; t++)
		all->readers[t] -= s->reader.topics >> t & 1;
	pthread_mutex_unlock(&all->lock);
	ring_put(all->ring, s->message);
	free(s);
}

/* --- waking ---------------------------------------------------------------------- */

/* With the lock. A stream that is not asleep looks by itself. */
static void wake(struct stream *s)
{
	if (!s->asleep)
		return;
	s->asleep = false;
	MHD_resume_connection(s->connection);
}

void streams_wake(struct streams *s, struct accounts *a, usec_t now, bool check)
{
	uint64_t unix_s = clock_unix_us() / USEC_PER_SEC;

	pthread_mutex_lock(&s->lock);
	for (struct stream *t = s->all; t; t = t->next) {
		if (check && !t->ends && !accounts_still(a, &t->who, unix_s))
			t->ends = true;
		if (!t->asleep)
			continue;
		if (t->ends || ring_has(s->ring, &t->reader) ||
		    usec_since(now, t->last) >= API_HEARTBEAT_S * USEC_PER_SEC)
			wake(t);
	}
	pthread_mutex_unlock(&s->lock);
}

void streams_end(struct streams *s)
{
	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	s->ended = true;
	for (struct stream *t = s->all; t; t = t->next) {
		t->ends = true;
		wake(t);
	}
	pthread_mutex_unlock(&s->lock);
}

size_t streams_readers(struct streams *s, enum topic t)
{
	size_t n;

	pthread_mutex_lock(&s->lock);
	n = s->readers[t];
	pthread_mutex_unlock(&s->lock);
	return n;
}

struct streams_counts streams_count(struct streams *s)
{
	struct streams_counts counts;

	pthread_mutex_lock(&s->lock);
	counts = s->counts;
	pthread_mutex_unlock(&s->lock);
	return counts;
}
