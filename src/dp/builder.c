/*
 * One mutex guards orders and results; the thread holds it only to take an order
 * and to hand in what came of it. Of each kind there is at most one order and one
 * result.
 *
 *   ordered ─thread takes it─▶ under way ─▶ result ─builder_take()─▶ nothing
 *      └──────── a new order: the others are thrown away ────────────┘
 */
#include "dp/builder.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/bug.h"
#include "base/limits.h"
#include "wire/ctrl_detection.h"

/* Frames and doors come first. */
#define BUILDER_NICE 10

struct order {
	bool waits;
	uint64_t version;
	struct rules_message rules;
	struct sensor_list *sensors;
};

struct builder {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed; /* orders, results, end */
	int fd;
	bool end;
	struct order orders[BUILT__MAX];
	bool under_way[BUILT__MAX];
	_Atomic bool stale[BUILT__MAX]; /* what is under way is not wanted */
	bool has_result[BUILT__MAX];
	struct built results[BUILT__MAX];
};

static void order_done(struct order *o)
{
	rules_message_done(&o->rules);
	sensor_list_free(o->sensors);
	*o = (struct order){ .waits = false };
}

void built_done(struct built *r)
{
	sig_set_free(r->signatures);
	sensor_set_free(r->sensors);
	json_decref(r->faults);
	*r = (struct built){ .kind = r->kind };
}

/* --- the thread ----------------------------------------------------------- */

static void add_fault(json_t *faults, json_t *fault)
{
	if (!faults || json_array_size(faults) >= FAULTS_TOLD_MAX)
		json_decref(fault);
	else
		(void)json_array_append_new(faults, fault); /* one untold */
}

static void tell_refused(struct built *r, const struct sig_list *list)
{
	r->read = sig_list_len(list);
	r->refused = sig_list_refused(list);
	for (size_t i = 0; i < sig_list_faults(list); i++) {
		const struct sig_fault *f = sig_list_fault(list, i);

		add_fault(r->faults,
			  json_pack("{s:s, s:I, s:I, s:s, s:s}", "file",
				    f->file, "line", (json_int_t)f->line,
				    "column", (json_int_t)f->column, "keyword",
				    f->keyword, "text", f->text));
	}
}

/* What sig_set_new() hands back. */
struct rules_context {
	_Atomic bool *stale;
	struct built *result;
};

static void rule_left_out(void *arg, const struct signature *s,
			  const struct err *why)
{
	struct built *r = ((struct rules_context *)arg)->result;

	r->left_out++;
	add_fault(r->faults, json_pack("{s:s, s:I, s:I, s:s, s:s}", "file",
				       s->file, "line", (json_int_t)s->line,
				       "column", (json_int_t)0, "keyword",
				       "pcre", "text", why->text));
}

static void sensor_left_out(void *arg, const struct sensor *s,
			    const struct err *why)
{
	struct built *r = arg;

	r->left_out++;
	add_fault(r->faults, json_pack("{s:s, s:s}", "sensor", s->name, "text",
				       why->text));
}

static bool is_stale(void *arg)
{
	return atomic_load(((struct rules_context *)arg)->stale);
}

static int read_rules(struct sig_list *list, const struct rules_message *m,
		      struct err *reterr)
{
	int rc = 0;

	for (size_t i = 0; i < m->n_variables && rc == 0; i++)
		rc = sig_list_set(list, m->variables[i].name,
				  m->variables[i].value, reterr);
	for (size_t i = 0; i < m->n_files && rc == 0; i++)
		rc = sig_list_text(list, m->files[i].name, m->files[i].text,
				   strlen(m->files[i].text), reterr);
	return rc;
}

static void build_rules(struct builder *b, const struct order *o,
			struct built *r)
{
	struct rules_context context = { &b->stale[BUILT_RULES], r };
	struct sig_set_options opt = { .cancelled = is_stale,
				       .arg = &context,
				       .left_out = rule_left_out };
	struct sig_list *list = sig_list_new();

	if (!list) {
		r->failed = true;
		(void)err_set(&r->err, ENOMEM, NULL, "out of memory");
		return;
	}
	r->failed = read_rules(list, &o->rules, &r->err) < 0;
	tell_refused(r, list);
	if (r->failed || sig_list_len(list) == 0) {
		sig_list_free(list);
		return;
	}
	r->signatures = sig_set_new(list, &opt, &r->err);
	r->failed = !r->signatures;
}

static void build_sensors(struct order *o, struct built *r)
{
	struct sensor_set_options opt = { .left_out = sensor_left_out,
					  .arg = r };
	struct sensor_list *list = o->sensors;

	o->sensors = NULL;
	if (!list)
		return;
	r->read = sensor_list_len(list);
	if (r->read == 0) {
		sensor_list_free(list);
		return;
	}
	r->sensors = sensor_set_new(list, &opt, &r->err);
	r->failed = !r->sensors;
}

static void build(struct builder *b, enum built_kind kind, struct order *o,
		  struct built *r)
{
	*r = (struct built){ .kind = kind,
			     .version = o->version,
			     .faults = json_array() };
	if (kind == BUILT_RULES)
		build_rules(b, o, r);
	else
		build_sensors(o, r);
}

/* Locked. Of what was ordered, if anything. */
static bool take_order(struct builder *b, enum built_kind *ret_kind,
		       struct order *ret)
{
	for (int k = 0; k < BUILT__MAX; k++) {
		if (!b->orders[k].waits)
			continue;
		*ret = b->orders[k];
		b->orders[k] = (struct order){ .waits = false };
		b->under_way[k] = true;
		atomic_store(&b->stale[k], false);
		*ret_kind = (enum built_kind)k;
		return true;
	}
	return false;
}

/* Locked. */
static void hand_in(struct builder *b, struct built *r)
{
	uint64_t one = 1;

	b->under_way[r->kind] = false;
	if (atomic_load(&b->stale[r->kind])) {
		built_done(r);
	} else {
		BUG_ON(b->has_result[r->kind]);
		b->results[r->kind] = *r;
		b->has_result[r->kind] = true;
		/* a full eventfd has told it already */
		if (write(b->fd, &one, sizeof one) < 0)
			BUG_ON(errno != EAGAIN);
	}
	pthread_cond_broadcast(&b->changed);
}

static void *run(void *arg)
{
	struct builder *b = arg;
	enum built_kind kind = BUILT_RULES;
	struct order order;
	struct built result;

	/* without it, it only takes longer for others */
	(void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid),
			  BUILDER_NICE);
	pthread_mutex_lock(&b->lock);
	while (!b->end) {
		if (!take_order(b, &kind, &order)) {
			pthread_cond_wait(&b->changed, &b->lock);
			continue;
		}
		pthread_mutex_unlock(&b->lock);
		build(b, kind, &order, &result);
		order_done(&order);
		pthread_mutex_lock(&b->lock);
		hand_in(b, &result);
	}
	pthread_mutex_unlock(&b->lock);
	return NULL;
}

/* --- the control thread ----------------------------------------------------- */

static int start(struct builder *b)
{
	sigset_t all, before;
	int rc;

	sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&b->thread, NULL, run, b);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}

struct builder *builder_new(struct err *reterr)
{
	struct builder *b = calloc(1, sizeof *b);
	int rc;

	if (!b) {
		(void)err_set(reterr, ENOMEM, NULL, "out of memory");
		return NULL;
	}
	b->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_init(&b->lock, NULL);
	pthread_cond_init(&b->changed, NULL);
	rc = b->fd < 0 ? errno : start(b);
	if (rc == 0)
		return b;
	(void)err_set(reterr, rc, NULL, "no thread for rules: %s",
		      strerror(rc));
	if (b->fd >= 0)
		close(b->fd);
	free(b);
	return NULL;
}

void builder_free(struct builder *b)
{
	if (!b)
		return;
	pthread_mutex_lock(&b->lock);
	b->end = true;
	for (int k = 0; k < BUILT__MAX; k++)
		atomic_store(&b->stale[k], true);
	pthread_cond_broadcast(&b->changed);
	pthread_mutex_unlock(&b->lock);
	(void)pthread_join(b->thread, NULL);
	for (int k = 0; k < BUILT__MAX; k++) {
		order_done(&b->orders[k]);
		if (b->has_result[k])
			built_done(&b->results[k]);
	}
	pthread_cond_destroy(&b->changed);
	pthread_mutex_destroy(&b->lock);
	close(b->fd);
	free(b);
}

static void give_order(struct builder *b, enum built_kind kind, struct order *o)
{
	o->waits = true;
	pthread_mutex_lock(&b->lock);
	order_done(&b->orders[kind]);
	b->orders[kind] = *o;
	atomic_store(&b->stale[kind], true);
	if (b->has_result[kind]) {
		built_done(&b->results[kind]);
		b->has_result[kind] = false;
	}
	pthread_cond_broadcast(&b->changed);
	pthread_mutex_unlock(&b->lock);
}

void builder_rules(struct builder *b, struct rules_message *m)
{
	struct order o = { .version = m->version, .rules = *m };

	*m = (struct rules_message){ 0 };
	give_order(b, BUILT_RULES, &o);
}

void builder_sensors(struct builder *b, struct sensor_list *list,
		     uint64_t version)
{
	struct order o = { .version = version, .sensors = list };

	give_order(b, BUILT_SENSORS, &o);
}

int builder_fd(const struct builder *b)
{
	return b->fd;
}

bool builder_take(struct builder *b, struct built *ret)
{
	bool found = false;
	uint64_t ignored;

	pthread_mutex_lock(&b->lock);
	if (read(b->fd, &ignored, sizeof ignored) < 0)
		BUG_ON(errno != EAGAIN);
	for (int k = 0; k < BUILT__MAX && !found; k++) {
		if (!b->has_result[k])
			continue;
		*ret = b->results[k];
		b->has_result[k] = false;
		found = true;
	}
	pthread_mutex_unlock(&b->lock);
	return found;
}

/* Locked. */
static bool is_busy(const struct builder *b, int kind)
{
	return b->orders[kind].waits || b->under_way[kind];
}

bool builder_is_busy(struct builder *b, enum built_kind kind)
{
	bool busy;

	pthread_mutex_lock(&b->lock);
	busy = is_busy(b, kind) || b->has_result[kind];
	pthread_mutex_unlock(&b->lock);
	return busy;
}

void builder_wait(struct builder *b)
{
	pthread_mutex_lock(&b->lock);
	while (is_busy(b, BUILT_RULES) || is_busy(b, BUILT_SENSORS))
		pthread_cond_wait(&b->changed, &b->lock);
	pthread_mutex_unlock(&b->lock);
}
