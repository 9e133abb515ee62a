/*
 *   SENDING ──error──▶ FAILING (wait 0.25 .. 30 s) ──sent──▶ SENDING
 *
 * Each change of state is one line in the log, and so is a queue that begins to
 * lose lines. A thread that hangs in a call is sent SIGUSR1, which nobody handles
 * but to be interrupted by it.
 */
#include "export/output.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"

struct output {
	struct output_config config; /* owned */
	const struct output_ops *ops;
	char host[256];
	struct queue *queue;
	pthread_t thread;
	bool running, fresh, losing; /* whoever puts */
	atomic_bool stop, reopen, ended;
	atomic_ullong until_us, got_on_us; /* us of CLOCK_MONOTONIC */
	atomic_ullong refused;

	pthread_mutex_t lock; /* of what follows */
	bool failing;
	char error[ERR_AT_MAX + 2 + ERR_TEXT_MAX];
	uint64_t error_at_s, since_s; /* since 1970 */
};

static const struct output_ops *const all_ops[OUTPUT_KIND__MAX] = {
	[OUTPUT_FILE] = &output_file,	  [OUTPUT_UNIX] = &output_unix,
	[OUTPUT_SYSLOG] = &output_syslog, [OUTPUT_WEBHOOK] = &output_webhook,
	[OUTPUT_IPFIX] = &output_ipfix,
};

static uint64_t now_us(void)
{
	return clock_now().us;
}

static uint64_t unix_s(void)
{
	return clock_unix_us() / USEC_PER_SEC;
}

/* --- its thread ------------------------------------------------------------------ */

static void note_error(struct output *o, const struct err *err)
{
	bool first;

	pthread_mutex_lock(&o->lock);
	first = !o->failing;
	if (first)
		o->since_s = unix_s();
	o->failing = true;
	o->error_at_s = unix_s();
	(void)snprintf(o->error, sizeof o->error, "%s%s%s", err->at,
		       err->at[0] ? ": " : "", err->text);
	pthread_mutex_unlock(&o->lock);
	if (first)
		log_warn("output %s: %s%s%s, trying again", o->config.name,
			 err->at, err->at[0] ? ": " : "", err->text);
}

static void note_ok(struct output *o)
{
	bool was;

	pthread_mutex_lock(&o->lock);
	was = o->failing;
	if (was)
		o->since_s = unix_s();
	o->failing = false;
	pthread_mutex_unlock(&o->lock);
	if (was)
		log_info("output %s: sending again", o->config.name);
}

static bool is_over(const struct output *o)
{
	return atomic_load(&o->stop) && now_us() >= atomic_load(&o->until_us);
}

/* Until then, or it is to end or to open anew. */
static void nap(struct output *o, unsigned ms)
{
	uint64_t end = now_us() + ms * 1000ULL;

	while (now_us() < end && !is_over(o) && !atomic_load(&o->reopen)) {
		struct timespec t = { .tv_nsec = 20 * 1000000L };

		(void)nanosleep(&t, NULL); /* less is as well */
	}
}

static void give_up_one(struct output *o, const struct item *i,
			const struct err *err)
{
	uint64_t n = atomic_fetch_add(&o->refused, 1);

	pthread_mutex_lock(&o->lock);
	o->error_at_s = unix_s();
	(void)snprintf(o->error, sizeof o->error, "%s", err->text);
	pthread_mutex_unlock(&o->lock);
	if (n == 0) /* the first; `weir export status` has how many */
		log_warn("output %s: a line was refused: %s, leaving it out "
			 "kind=%s",
			 o->config.name, err->text, item_kind_name(i->kind));
}

/* One batch. 0, or it is to be tried again. */
static int send_some(struct output *o, void *self, uint64_t until_us)
{
	const struct item *items[EXPORT_BATCH_MAX];
	struct err err = { 0 };
	size_t done = 0, n;
	int rc;

	n = queue_peek(o->queue, items, EXPORT_BATCH_MAX, until_us);
	if (n == 0)
		return 0;
	rc = o->ops->send(self, items, n, &done, &err);
	if (done > 0)
		atomic_store(&o->got_on_us, now_us());
	if (rc == -EBADMSG) {
		give_up_one(o, items[done], &err);
		queue_done(o->queue, done, true);
		n = queue_peek(o->queue, items, 1, 0);
		queue_done(o->queue, n, false);
		return 0;
	}
	queue_done(o->queue, done, true);
	if (rc < 0)
		note_error(o, &err);
	else
		note_ok(o);
	return rc;
}

static void *run(void *arg)
{
	struct output *o = arg;
	void *self = o->ops->begin(&o->config, o->host);
	unsigned retry_ms = EXPORT_RETRY_FIRST_MS;
	struct err err;

	while (!self && !is_over(o)) {
		(void)err_set(&err, ENOMEM, NULL, "out of memory");
		note_error(o, &err);
		nap(o, EXPORT_RETRY_LAST_MS);
		self = o->ops->begin(&o->config, o->host);
	}
	while (!is_over(o)) {
		if (atomic_exchange(&o->reopen, false) && o->ops->reopen)
			o->ops->reopen(self);
		if (atomic_load(&o->stop) &&
		    queue_counts(o->queue).waiting == 0)
			break;
		if (send_some(o, self, now_us() + USEC_PER_SEC) == 0) {
			retry_ms = EXPORT_RETRY_FIRST_MS;
		} else {
			nap(o, retry_ms);
			retry_ms = retry_ms * 2 < EXPORT_RETRY_LAST_MS
					   ? retry_ms * 2
					   : EXPORT_RETRY_LAST_MS;
		}
		if (o->ops->idle)
			o->ops->idle(self);
	}
	o->ops->end(self);
	atomic_store(&o->ended, true);
	return NULL;
}

static void interrupted(int signal)
{
	(void)signal; /* what was waited for returns; that is all */
}

static void hear_signal(void)
{
	struct sigaction a = { .sa_handler = interrupted };

	(void)sigaction(SIGUSR1, &a, NULL); /* calls are not restarted */
}

/* --- from outside ------------------------------------------------------------------ */

struct output *output_new(struct output_config *c, struct output *before,
			  const struct cursor *cursor, const char *host,
			  struct err *reterr)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct output *o = calloc(1, sizeof *o);
	int rc = 0;

	(void)pthread_once(&once, hear_signal);
	if (o)
		o->queue = queue_new(&c->buffer);
	if (!o || !o->queue) {
		free(o);
		(void)err_set(reterr, ENOMEM, NULL, "out of memory");
		return NULL;
	}
	o->ops = all_ops[c->kind];
	(void)snprintf(o->host, sizeof o->host, "%s", host);
	pthread_mutex_init(&o->lock, NULL);
	o->since_s = unix_s();
	if (before)
		queue_move(o->queue, before->queue);
	else if (cursor)
		queue_begin(o->queue, cursor);
	o->fresh = before ? before->fresh : !cursor;
	o->config = *c;
	rc = pthread_create(&o->thread, NULL, run, o);
	if (rc != 0) {
		o->config = (struct output_config){ 0 };
		output_free(o);
		(void)err_set(reterr, rc, NULL, "a thread: %s", strerror(rc));
		return NULL;
	}
	o->running = true;
	*c = (struct output_config){ 0 };
	return o;
}

const struct output_config *output_config(const struct output *o)
{
	return &o->config;
}

struct queue *output_queue(struct output *o)
{
	return o->queue;
}

static bool is_marked(const struct output *o, const struct item *i)
{
	for (unsigned k = 0; k < i->n_hooks; k++)
		if (strcmp(i->hooks[k], o->config.name) == 0)
			return true;
	return false;
}

static bool is_wanted(const struct output *o, const struct item *i)
{
	const struct output_config *c = &o->config;

	if (c->kind == OUTPUT_WEBHOOK && is_marked(o, i))
		return true;
	if (c->only_marked || !(c->kinds >> i->kind & 1))
		return false;
	return !i->severity || i->severity >= c->severity;
}

void output_put(struct output *o, struct item *i)
{
	unsigned gone = queue_put(o->queue, i, !o->fresh && is_wanted(o, i));

	if (gone > 0 && !o->losing)
		log_warn("output %s: its buffer is full, losing the oldest "
			 "lines",
			 o->config.name);
	if (gone > 0)
		o->losing = true;
	else if (o->losing && !queue_is_filling(o->queue)) {
		log_info("output %s: its buffer has room again lost=%llu",
			 o->config.name,
			 (unsigned long long)queue_counts(o->queue).lost);
		o->losing = false;
	}
}

bool output_is_fresh(const struct output *o)
{
	return o->fresh;
}

void output_begin_now(struct output *o, uint64_t last_event)
{
	if (o->fresh)
		queue_pass_events(o->queue, last_event);
	o->fresh = false;
}

bool output_is_behind(struct output *o, uint64_t now)
{
	return queue_is_filling(o->queue) &&
	       atomic_load(&o->got_on_us) + EXPORT_HOLD_MS * 1000ULL > now;
}

void output_reopen(struct output *o)
{
	atomic_store(&o->reopen, true);
	queue_wake(o->queue);
}

json_t *output_status(struct output *o)
{
	struct queue_counts c = queue_counts(o->queue);
	json_t *s;

	pthread_mutex_lock(&o->lock);
	s = json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "name",
		      o->config.name, "kind", output_kind_name(o->config.kind),
		      "state", o->failing ? "failing" : "ok", "since",
		      (json_int_t)o->since_s, "sent", (json_int_t)c.sent,
		      "waiting", (json_int_t)c.waiting, "waiting_bytes",
		      (json_int_t)c.bytes, "lost", (json_int_t)c.lost,
		      "refused", (json_int_t)atomic_load(&o->refused));
	if (s && o->error_at_s) {
		(void)json_object_set_new(s, "last_error",
					  json_string(o->error));
		(void)json_object_set_new(
			s, "last_error_at",
			json_integer((json_int_t)o->error_at_s));
	}
	pthread_mutex_unlock(&o->lock);
	return s;
}

void output_stop(struct output *o, uint64_t until_us)
{
	atomic_store(&o->until_us, until_us);
	atomic_store(&o->stop, true);
	queue_wake(o->queue);
}

void output_join(struct output *o)
{
	if (!o->running)
		return;
	while (!atomic_load(&o->ended)) {
		struct timespec t = { .tv_nsec = 10 * 1000000L };

		if (is_over(o))
			(void)pthread_kill(o->thread, SIGUSR1);
		(void)nanosleep(&t, NULL); /* less is as well */
	}
	(void)pthread_join(o->thread, NULL);
	o->running = false;
}

void output_free(struct output *o)
{
	struct export_config c = { .n = 1 };

	if (!o)
		return;
	queue_free(o->queue);
	pthread_mutex_destroy(&o->lock);
	c.outputs[0] = o->config;
	export_config_done(&c);
	free(o);
}
