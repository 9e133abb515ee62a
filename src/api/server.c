#include "api/server.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "api/certificate.h"
#include "api/follow.h"
#include "api/hall.h"
#include "api/rate.h"
#include "api/stream.h"
#include "base/limits_api.h"
#include "base/log.h"

#define BACKLOG 1024

/* --- what has to be done now and then ---------------------------------------- */

struct ticker {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t end;
	bool ends;
	unsigned ticks;
	struct server *server;
};

static bool is_time(unsigned ticks, unsigned seconds)
{
	return ticks % (seconds * 1000 / API_TICK_MS) == 0;
}

static void tick(struct server *s, unsigned ticks)
{
	usec_t now = clock_now();

	hall_sweep(s->hall, now);
	if (is_time(ticks, 1))
		accounts_refresh(s->accounts);
	streams_wake(s->streams, s->accounts, now,
		     is_time(ticks, API_STREAM_CHECK_S));
}

static void *run_ticker(void *arg)
{
	struct ticker *t = arg;
	struct timespec at;

	pthread_mutex_lock(&t->lock);
	while (!t->ends) {
		(void)clock_gettime(CLOCK_MONOTONIC, &at); /* cannot fail */
		at.tv_nsec += API_TICK_MS * 1000000L;
		at.tv_sec += at.tv_nsec / 1000000000L;
		at.tv_nsec %= 1000000000L;
		(void)pthread_cond_timedwait(&t->end, &t->lock, &at);
		tick(t->server, t->ticks++);
	}
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

static int start_ticker(struct server *s, struct err *reterr)
{
	struct ticker *t = calloc(1, sizeof *t);
	pthread_condattr_t attr;
	int rc;

	if (!t)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	t->server = s;
	pthread_mutex_init(&t->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&t->end, &attr);
	pthread_condattr_destroy(&attr);
	rc = pthread_create(&t->thread, NULL, run_ticker, t);
	if (rc != 0) {
		free(t);
		return err_set(reterr, rc, NULL, "no thread: %s", strerror(rc));
	}
	s->ticker = t;
	return 0;
}

static void stop_ticker(struct ticker *t)
{
	if (!t)
		return;
	pthread_mutex_lock(&t->lock);
	t->ends = true;
	pthread_cond_signal(&t->end);
	pthread_mutex_unlock(&t->lock);
	pthread_join(t->thread, NULL);
	pthread_cond_destroy(&t->end);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

/* --- start and end ---------------------------------------------------------------- */

static int open_address(const struct api_listen *l, struct err *reterr)
{
	int fd =
		socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int one = 1, off = 0;
	char text[API_LISTEN_TEXT_MAX];

	if (fd >= 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) == 0 &&
	    bind(fd, (const struct sockaddr *)&l->addr, sizeof l->addr) == 0 &&
	    listen(fd, BACKLOG) == 0)
		return fd;
	(void)err_set(reterr, errno, api_listen_text(l, text), "%s",
		      strerror(errno));
	if (fd >= 0)
		close(fd);
	return -reterr->code;
}

int server_open(struct server *s, const struct api_config *c,
		struct err *reterr)
{
	int rc = files_read(c->web, &s->files, reterr);

	if (rc == 0)
		rc = certificate_open(c, reterr);
	if (rc == 0)
		rc = file_read(c->openapi, &s->openapi, reterr);
	s->config = c;
	for (size_t i = 0; rc == 0 && i < c->n_listens; i++) {
		struct door *d = &s->doors[s->n_doors];

		*d = (struct door){ .server = s,
				    .tls = !c->listens[i].loopback };
		d->fd = open_address(&c->listens[i], reterr);
		if (d->fd < 0)
			rc = d->fd;
		else
			s->n_doors++;
	}
	return rc;
}

int server_start(struct server *s, struct err *reterr)
{
	const char *agent = s->config->agent;
	char text[API_LISTEN_TEXT_MAX];
	int rc = 0;

	s->hall = hall_new();
	if (!s->hall)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	s->quick = pool_new(API_QUICK_THREADS, agent, reterr);
	s->slow = s->quick ? pool_new(API_SLOW_THREADS, agent, reterr) : NULL;
	s->clerk = s->slow ? pool_new(1, agent, reterr) : NULL;
	if (!s->clerk)
		return -reterr->code;
	rc = accounts_open(s->config->state_dir, &s->accounts, reterr);
	s->rate = rate_new();
	s->streams = streams_new();
	if (rc == 0 && (!s->rate || !s->streams))
		rc = err_set(reterr, ENOMEM, NULL, "out of memory");
	if (rc == 0) {
		s->follow = follow_start(s->streams, agent, reterr);
		rc = s->follow ? 0 : -reterr->code;
	}
	if (rc == 0)
		rc = start_ticker(s, reterr);
	/* last: who is let in finds all of it */
	for (size_t i = 0; rc == 0 && i < s->n_doors; i++) {
		struct door *d = &s->doors[i];

		d->daemon = serving_start(d);
		if (!d->daemon)
			rc = err_set(
				reterr, EIO,
				api_listen_text(&s->config->listens[i], text),
				"cannot be served");
	}
	return rc;
}

void server_stop(struct server *s)
{
	stop_ticker(s->ticker);
	for (size_t i = 0; i < s->n_doors; i++)
		if (s->doors[i].daemon) /* nobody new meanwhile */
			s->doors[i].fd = MHD_quiesce_daemon(s->doors[i].daemon);
	follow_stop(s->follow);
	streams_end(s->streams);
	/* with them ends what requests wait for */
	pool_free(s->quick);
	pool_free(s->slow);
	pool_free(s->clerk);
	for (size_t i = 0; i < s->n_doors; i++) {
		if (s->doors[i].daemon)
			MHD_stop_daemon(s->doors[i].daemon);
		if (s->doors[i].fd >= 0)
			close(s->doors[i].fd);
	}
	follow_free(s->follow); /* the last job may have asked for its counts */
	if (s->accounts)
		accounts_save(s->accounts);
	accounts_free(s->accounts);
	rate_free(s->rate);
	streams_free(s->streams);
	certificate_close();
	hall_free(s->hall);
	files_done(&s->files);
	free(s->openapi.path);
	free(s->openapi.text);
	s->hall = NULL;
}
