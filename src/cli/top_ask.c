/*
 * A thread that asks, and waits as long as it takes. What it has heard is laid
 * down for the screen, newest first to be taken; what was not taken in time is
 * replaced, but for events, which are put behind each other.
 *
 *   asking ──answer──▶ laid down ──▶ wait for the delay, or top_ask_now()
 *     │ no answer
 *     └──▶ laid down: why ──▶ wait, connect anew
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/top.h"
#include "cli/visible.h"
#include "door/agentclient.h"
#include "wire/member.h"

/* Events that are fetched when it starts, and a time. */
#define EVENTS_FIRST 200
#define EVENTS_PAGE  200

struct top_ask {
	char *socket;
	unsigned delay_ms;
	pthread_t thread;
	int wake_fd, news_fd; /* eventfds */

	pthread_mutex_t lock; /* of these: */
	bool stop;
	int busy_fd; /* connected; shut down to end a wait. -1: none */
	char workload[STORE_ID_MAX];
	struct top_news news;

	/* The thread's own. */
	struct agentclient client; /* fd -1: not connected */
	uint64_t last_event;
	bool has_events; /* last_event is the agent's */
};

static void wake(int fd)
{
	uint64_t one = 1;

	(void)!write(fd, &one, sizeof one); /* full means awake */
}

static void drain(int fd)
{
	uint64_t n;

	(void)!read(fd, &n, sizeof n); /* empty is fine */
}

static void news_done(struct top_news *n)
{
	json_decref(n->top);
	json_decref(n->events);
	json_decref(n->sessions);
	*n = (struct top_news){ .top = NULL };
}

/* --- one round -------------------------------------------------------------------- */

static int connect_agent(struct top_ask *a, struct err *reterr)
{
	int rc = agentclient_open(a->socket, &a->client, reterr);

	if (rc < 0)
		return rc;
	pthread_mutex_lock(&a->lock);
	a->busy_fd = a->client.fd;
	if (a->stop) /* it was to be shut down a moment ago */
		(void)shutdown(a->busy_fd, SHUT_RDWR);
	pthread_mutex_unlock(&a->lock);
	a->has_events = false;
	return 0;
}

static void disconnect(struct top_ask *a)
{
	pthread_mutex_lock(&a->lock);
	a->busy_fd = -1;
	pthread_mutex_unlock(&a->lock);
	agentclient_done(&a->client);
}

static int ask_events(struct top_ask *a, struct top_news *n, struct err *reterr)
{
	uint64_t last = member_number(n->top, "last_event"), next;
	json_t *answer;
	int rc;

	if (!a->has_events || last < a->last_event) {
		a->last_event = last > EVENTS_FIRST ? last - EVENTS_FIRST : 0;
		a->has_events = true;
	}
	rc = agentclient_ask(&a->client, "events",
			     json_pack("{s:I, s:i}", "after",
				       (json_int_t)a->last_event, "limit",
				       EVENTS_PAGE),
			     &answer, reterr);
	if (rc < 0)
		return rc;
	next = member_number(answer, "next");
	if (next > a->last_event)
		a->last_event = next;
	n->events = json_incref(json_object_get(answer, "events"));
	json_decref(answer);
	return 0;
}

static int ask_sessions(struct top_ask *a, struct top_news *n,
			struct err *reterr)
{
	uint64_t after = 0;

	n->sessions = json_array();
	n->some_left = true;
	for (int i = 0; i < TOP_SESSION_PAGES_MAX; i++) {
		const json_t *page, *next;
		json_t *answer;
		int rc = agentclient_ask(&a->client, "sessions",
					 json_pack("{s:s, s:I}", "workload",
						   n->workload, "after",
						   (json_int_t)after),
					 &answer, reterr);

		/* the workload, or the data plane, is gone */
		if (rc == -ENOENT || rc == -ENOTCONN) {
			n->some_left = false;
			return 0;
		}
		if (rc < 0)
			return rc;
		page = json_object_get(answer, "page");
		(void)json_array_extend(n->sessions,
					json_object_get(page, "sessions"));
		next = json_object_get(page, "next");
		after = (uint64_t)json_integer_value(next);
		n->some_left = json_is_integer(next);
		json_decref(answer);
		if (!n->some_left ||
		    json_array_size(n->sessions) >= TOP_SESSIONS_MAX)
			break;
	}
	return 0;
}

static void ask_all(struct top_ask *a, struct top_news *n)
{
	int rc = a->client.fd < 0 ? connect_agent(a, &n->err) : 0;

	pthread_mutex_lock(&a->lock);
	(void)snprintf(n->workload, sizeof n->workload, "%s", a->workload);
	pthread_mutex_unlock(&a->lock);
	if (rc == 0)
		rc = agentclient_ask(&a->client, "top", NULL, &n->top, &n->err);
	if (rc == 0)
		rc = ask_events(a, n, &n->err);
	if (rc == 0 && n->workload[0])
		rc = ask_sessions(a, n, &n->err);
	visible_make(n->top);
	visible_make(n->events);
	visible_make(n->sessions);
	if (rc < 0)
		disconnect(a);
}

/* Takes what is in *n. */
static void lay_down(struct top_ask *a, struct top_news *n)
{
	pthread_mutex_lock(&a->lock);
	if (a->news.events && n->events) { /* not taken yet */
		(void)json_array_extend(a->news.events, n->events);
		json_decref(n->events);
		n->events = json_incref(a->news.events);
	} else if (!n->events) {
		n->events = json_incref(a->news.events);
	}
	news_done(&a->news);
	a->news = *n;
	pthread_mutex_unlock(&a->lock);
	wake(a->news_fd);
}

static bool is_stopped(struct top_ask *a)
{
	bool stop;

	pthread_mutex_lock(&a->lock);
	stop = a->stop;
	pthread_mutex_unlock(&a->lock);
	return stop;
}

static void *run(void *arg)
{
	struct top_ask *a = arg;

	while (!is_stopped(a)) {
		struct pollfd pfd = { .fd = a->wake_fd, .events = POLLIN };
		struct top_news n = { .top = NULL };

		ask_all(a, &n);
		lay_down(a, &n);
		(void)poll(&pfd, 1, (int)a->delay_ms);
		drain(a->wake_fd);
	}
	disconnect(a);
	return NULL;
}

/* --- for the screen ------------------------------------------------------------------ */

static void free_ask(struct top_ask *a)
{
	news_done(&a->news);
	if (a->wake_fd >= 0)
		close(a->wake_fd);
	if (a->news_fd >= 0)
		close(a->news_fd);
	pthread_mutex_destroy(&a->lock);
	free(a->socket);
	free(a);
}

struct top_ask *top_ask_new(const char *socket, unsigned delay_ms,
			    struct err *reterr)
{
	struct top_ask *a = calloc(1, sizeof *a);
	int rc;

	if (!a) {
		(void)err_set(reterr, ENOMEM, NULL, "out of memory");
		return NULL;
	}
	*a = (struct top_ask){
		.socket = strdup(socket),
		.delay_ms = delay_ms,
		.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
		.news_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
		.busy_fd = -1,
		.client = { .fd = -1 }
	};
	pthread_mutex_init(&a->lock, NULL);
	rc = !a->socket || a->wake_fd < 0 || a->news_fd < 0
		     ? ENOMEM
		     : pthread_create(&a->thread, NULL, run, a);
	if (rc != 0) {
		(void)err_set(reterr, rc, NULL, "start to ask: %s",
			      strerror(rc));
		free_ask(a);
		return NULL;
	}
	return a;
}

void top_ask_free(struct top_ask *a)
{
	if (!a)
		return;
	pthread_mutex_lock(&a->lock);
	a->stop = true;
	if (a->busy_fd >= 0)
		(void)shutdown(a->busy_fd, SHUT_RDWR); /* or it is over */
	pthread_mutex_unlock(&a->lock);
	wake(a->wake_fd);
	(void)pthread_join(a->thread, NULL);
	free_ask(a);
}

int top_ask_fd(const struct top_ask *a)
{
	return a->news_fd;
}

void top_ask_now(struct top_ask *a, const char *workload)
{
	pthread_mutex_lock(&a->lock);
	(void)snprintf(a->workload, sizeof a->workload, "%s", workload);
	pthread_mutex_unlock(&a->lock);
	wake(a->wake_fd);
}

void top_ask_take(struct top_ask *a, struct top_news *ret)
{
	drain(a->news_fd);
	pthread_mutex_lock(&a->lock);
	*ret = a->news;
	a->news = (struct top_news){ .top = NULL };
	pthread_mutex_unlock(&a->lock);
}
