#include "api/ring.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits_api.h"

static const char *const names[] = { "events", "flows", "map", "top",
				     "status" };
_Static_assert(sizeof names / sizeof *names == TOPIC__MAX, "names");

struct ring {
	pthread_mutex_t lock; /* of all */
	struct message *at[API_MESSAGES_MAX];
	uint64_t begin, end; /* of those that are kept */
	size_t bytes;
	uint64_t numbers[TOPIC__MAX]; /* the last of each */
};

const char *topic_name(enum topic t)
{
	return names[t];
}

static bool add_topic(const char *text, size_t len, unsigned *topics)
{
	for (enum topic t = 0; t < TOPIC__MAX; t++)
		if (strlen(names[t]) == len &&
		    memcmp(names[t], text, len) == 0) {
			*topics |= 1u << t;
			return true;
		}
	return false;
}

bool topics_parse(const char *text, unsigned *ret)
{
	unsigned topics = 0;

	for (;;) {
		size_t len = strcspn(text, ",");

		if (!add_topic(text, len, &topics))
			return false;
		if (!text[len])
			break;
		text += len + 1;
	}
	*ret = topics;
	return true;
}

struct ring *ring_new(void)
{
	struct ring *r = calloc(1, sizeof *r);

	if (r)
		pthread_mutex_init(&r->lock, NULL);
	return r;
}

/* With the lock. */
static void put(struct message *m)
{
	if (m && --m->users == 0)
		free(m);
}

void ring_put(struct ring *r, struct message *m)
{
	pthread_mutex_lock(&r->lock);
	put(m);
	pthread_mutex_unlock(&r->lock);
}

static void drop_oldest(struct ring *r)
{
	struct message **m = &r->at[r->begin++ % API_MESSAGES_MAX];

	r->bytes -= (*m)->len;
	put(*m);
	*m = NULL;
}

void ring_free(struct ring *r)
{
	if (!r)
		return;
	while (r->begin < r->end)
		drop_oldest(r);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

static struct message *make(enum topic t, const char *json, size_t len)
{
	size_t max = len + 40;
	struct message *m = len > API_MESSAGE_MAX ? NULL
						  : malloc(sizeof *m + max);

	if (!m)
		return NULL;
	m->users = 1;
	m->topic = t;
	m->said = clock_now();
	m->len = (size_t)snprintf(m->text, max, "event: %s\ndata: ", names[t]);
	m->len += (size_t)snprintf(m->text + m->len, max - m->len, "%.*s\n\n",
				   (int)len, json);
	return m;
}

/* With the lock. */
static void drop_old(struct ring *r, usec_t now)
{
	while (r->begin < r->end &&
	       usec_since(now, r->at[r->begin % API_MESSAGES_MAX]->said) >
		       API_MESSAGE_KEPT_US)
		drop_oldest(r);
}

void ring_age(struct ring *r, usec_t now)
{
	pthread_mutex_lock(&r->lock);
	drop_old(r, now);
	pthread_mutex_unlock(&r->lock);
}

void ring_add(struct ring *r, enum topic t, const char *json, size_t len)
{
	struct message *m = make(t, json, len);

	pthread_mutex_lock(&r->lock);
	r->numbers[t]++;
	if (m) {
		drop_old(r, m->said);
		m->number = r->numbers[t];
		while (r->end - r->begin == API_MESSAGES_MAX ||
		       (r->end > r->begin &&
			r->bytes + m->len > API_MESSAGES_BYTES_MAX))
			drop_oldest(r);
		r->at[r->end++ % API_MESSAGES_MAX] = m;
		r->bytes += m->len;
	}
	pthread_mutex_unlock(&r->lock);
}

void ring_skip(struct ring *r, enum topic t, uint64_t n)
{
	pthread_mutex_lock(&r->lock);
	r->numbers[t] += n;
	pthread_mutex_unlock(&r->lock);
}

void ring_begin(struct ring *r, unsigned topics, struct ring_reader *ret)
{
	pthread_mutex_lock(&r->lock);
	*ret = (struct ring_reader){ .topics = topics, .at = r->end };
	memcpy(ret->seen, r->numbers, sizeof ret->seen);
	pthread_mutex_unlock(&r->lock);
}

/* What is between the last one of a topic and number n is missed. */
static bool has_gap(struct ring_reader *reader, enum topic t, uint64_t n,
		    enum topic *ret_topic, uint64_t *ret_missed)
{
	if (n <= reader->seen[t])
		return false;
	*ret_topic = t;
	*ret_missed = n - reader->seen[t];
	reader->seen[t] = n;
	return true;
}

/* The first message from his place on that is for him. */
static struct message *find(struct ring *r, struct ring_reader *reader)
{
	if (reader->at < r->begin)
		reader->at = r->begin;
	while (reader->at < r->end) {
		struct message *m = r->at[reader->at % API_MESSAGES_MAX];

		if (reader->topics & 1u << m->topic)
			return m;
		reader->at++;
	}
	return NULL;
}

enum ring_next ring_next(struct ring *r, struct ring_reader *reader,
			 struct message **ret, enum topic *ret_topic,
			 uint64_t *ret_missed)
{
	enum ring_next next = RING_NOTHING;
	struct message *m;

	pthread_mutex_lock(&r->lock);
	m = find(r, reader);
	if (m) {
		next = has_gap(reader, m->topic, m->number - 1, ret_topic,
			       ret_missed)
			       ? RING_MISSED
			       : RING_MESSAGE;
	} else {
		for (enum topic t = 0; t < TOPIC__MAX && !next; t++)
			if (reader->topics & 1u << t &&
			    has_gap(reader, t, r->numbers[t], ret_topic,
				    ret_missed))
				next = RING_MISSED;
	}
	if (next == RING_MESSAGE) {
		reader->seen[m->topic] = m->number;
		reader->at++;
		m->users++;
		*ret = m;
	}
	pthread_mutex_unlock(&r->lock);
	return next;
}

bool ring_has(struct ring *r, const struct ring_reader *reader)
{
	bool has = false;

	pthread_mutex_lock(&r->lock);
	for (enum topic t = 0; t < TOPIC__MAX; t++)
		has |= reader->topics & 1u << t &&
		       reader->seen[t] < r->numbers[t];
	pthread_mutex_unlock(&r->lock);
	return has;
}
