#include "fleet/fleet.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "base/clock.h"
#include "fleet/fleet_own.h"
#include "fleet/pack.h"

/* Only what does not fit its default is kept of the spec's texts. */
static int take_spec(struct fleet *f, const struct fleet_spec *spec,
		     struct err *reterr)
{
	if (!fleet_name_is_valid(spec->name))
		return err_set(reterr, EINVAL, "cluster.name",
			       "\"%s\" must be 1 to %d of a-z, 0-9 and -",
			       spec->name, FLEET_NAME_MAX - 1);
	if (!fleet_name_is_valid(spec->node))
		return err_set(reterr, EINVAL, "node",
			       "\"%s\", this node's name in the fleet, must be "
			       "1 to %d of a-z, 0-9 and -",
			       spec->node, FLEET_NAME_MAX - 1);
	f->name = strdup(spec->name);
	f->node = strdup(spec->node);
	f->spec = *spec;
	f->replicas = spec->replicas	     ? spec->replicas
		      : spec->n_servers >= 3 ? 3
					     : 1;
	if (f->name && f->node)
		return 0;
	return err_set(reterr, ENOMEM, NULL, "out of memory");
}

static void news_done(void *item)
{
	fleet_news_done(item);
}

struct fleet *fleet_new(const struct fleet_spec *spec, struct err *reterr)
{
	struct fleet *f = calloc(1, sizeof *f);
	int rc;

	if (!f) {
		(void)err_set(reterr, ENOMEM, NULL, "out of memory");
		return NULL;
	}
	f->last = &f->first;
	f->news.fd = -1;
	BUG_ON(pthread_mutex_init(&f->lock, NULL) != 0);
	BUG_ON(pthread_mutex_init(&f->hear_lock, NULL) != 0);
	BUG_ON(pthread_mutex_init(&f->policy_lock, NULL) != 0);
	BUG_ON(pthread_cond_init(&f->wake, NULL) != 0);
	BUG_ON(pthread_cond_init(&f->policy_heard, NULL) != 0);
	rc = take_spec(f, spec, reterr);
	if (rc == 0)
		rc = mailbox_init(&f->news, sizeof(struct fleet_news),
				  FLEET_NEWS_MAX, news_done, reterr);
	if (rc == 0)
		rc = link_open(f, spec, reterr);
	if (rc == 0 && pthread_create(&f->thread, NULL, orders_run, f) != 0)
		rc = err_set(reterr, EAGAIN, NULL, "no thread can be started");
	if (rc < 0) {
		fleet_free(f);
		return NULL;
	}
	f->has_thread = true;
	return f;
}

void fleet_free(struct fleet *f)
{
	struct order *o;

	if (!f)
		return;
	pthread_mutex_lock(&f->lock);
	f->ending = true;
	pthread_cond_broadcast(&f->wake);
	pthread_mutex_unlock(&f->lock);
	mailbox_close(&f->news);
	if (f->has_thread)
		(void)pthread_join(f->thread, NULL);
	link_close(f);
	mailbox_done(&f->news);
	while ((o = f->first)) {
		f->first = o->next;
		order_free(o);
	}
	for (int k = 0; k < FLEET_KEY__MAX; k++)
		free(f->tell[k]);
	for (int s = 0; s <= STREAM_NODES; s++)
		ahead_done(&f->ahead[s]);
	version_done(&f->version);
	json_decref(f->about);
	pthread_cond_destroy(&f->wake);
	pthread_cond_destroy(&f->policy_heard);
	pthread_mutex_destroy(&f->lock);
	pthread_mutex_destroy(&f->hear_lock);
	pthread_mutex_destroy(&f->policy_lock);
	free(f->name);
	free(f->node);
	free(f);
}

int fleet_connect_anew(struct fleet *f, const struct fleet_spec *spec,
		       struct err *reterr)
{
	return link_change(f, spec, reterr);
}

int fleet_fd(const struct fleet *f)
{
	return f->news.fd;
}

struct fleet_counts fleet_counts(const struct fleet *f)
{
	return (struct fleet_counts){ .found = f->n_found,
				      .no_room = f->n_no_room };
}

bool fleet_next(struct fleet *f, struct fleet_news *ret)
{
	return mailbox_take(&f->news, ret);
}

void fleet_news_put(struct fleet *f, struct fleet_news *n)
{
	/* of what ends nobody hears any more */
	(void)mailbox_put(&f->news, n);
}

void fleet_news_done(struct fleet_news *n)
{
	free(n->text);
	free(n->reply);
	json_decref(n->about);
	n->text = n->reply = NULL;
	n->about = NULL;
}

/* --- orders ------------------------------------------------------------------- */

static struct order *order_new(enum order_kind kind, uint64_t token,
			       struct err *reterr)
{
	struct order *o = calloc(1, sizeof *o);

	if (!o) {
		(void)err_set(reterr, ENOMEM, NULL, "out of memory");
		return NULL;
	}
	o->kind = kind;
	o->token = token;
	return o;
}

/* Takes o, which may be NULL. Packs text into it, and orders it. */
static int order_packed(struct fleet *f, struct order *o, const char *text,
			struct err *reterr)
{
	if (!o)
		return -reterr->code;
	o->bytes = pack_text(text, strlen(text), &o->len, reterr);
	if (!o->bytes) {
		order_free(o);
		return -reterr->code;
	}
	return order_put(f, o, reterr);
}

int fleet_propose(struct fleet *f, uint64_t base, const char *text,
		  const json_t *about, uint64_t token, struct err *reterr)
{
	struct order *o = order_new(ORDER_PROPOSE, token, reterr);

	if (!o)
		return -reterr->code;
	o->base = base;
	o->len = strlen(text);
	o->bytes = strdup(text);
	o->about = json_deep_copy(about); /* another thread's from now on */
	if (!o->bytes || !o->about) {
		order_free(o);
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	}
	return order_put(f, o, reterr);
}

/* Of something that is told: another than any before, also by an agent before. */
static uint64_t next_number(struct fleet *f)
{
	uint64_t now = clock_unix_us();

	f->last_number = now > f->last_number ? now : f->last_number + 1;
	return f->last_number;
}

int fleet_tell(struct fleet *f, enum fleet_key key, const char *text,
	       struct err *reterr)
{
	size_t len;
	char *packed = pack_text(text, strlen(text), &len, reterr);

	if (!packed)
		return -reterr->code;
	if (key >= FLEET_LEARNED && len > LEARNED_MESSAGE_MAX) {
		free(packed);
		return err_set(reterr, E2BIG, NULL,
			       "packed it is more than %d bytes",
			       LEARNED_MESSAGE_MAX);
	}
	pthread_mutex_lock(&f->lock);
	free(f->tell[key]);
	f->tell[key] = packed;
	f->tell_len[key] = len;
	f->tell_number[key] = next_number(f);
	pthread_cond_broadcast(&f->wake);
	pthread_mutex_unlock(&f->lock);
	return 0;
}

int fleet_forget(struct fleet *f, const char *node, uint64_t token,
		 struct err *reterr)
{
	struct order *o;

	if (!fleet_name_is_valid(node))
		return err_set(reterr, EINVAL, "node",
			       "\"%.80s\" is no node's name", node);
	o = order_new(ORDER_FORGET, token, reterr);
	if (!o)
		return -reterr->code;
	(void)snprintf(o->node, sizeof o->node, "%s", node);
	return order_put(f, o, reterr);
}

int fleet_states(struct fleet *f, uint64_t token, struct err *reterr)
{
	struct order *o = order_new(ORDER_STATES, token, reterr);

	return o ? order_put(f, o, reterr) : -reterr->code;
}

int fleet_learned(struct fleet *f, uint64_t token, struct err *reterr)
{
	struct order *o = order_new(ORDER_LEARNED, token, reterr);

	return o ? order_put(f, o, reterr) : -reterr->code;
}

int fleet_send(struct fleet *f, enum fleet_stream s, const char *text,
	       uint64_t token, struct err *reterr)
{
	struct order *o;

	if (strlen(text) > FLEET_BATCH_BYTES_MAX)
		return err_set(reterr, E2BIG, NULL,
			       "a batch of more than %d bytes",
			       FLEET_BATCH_BYTES_MAX);
	o = order_new(ORDER_SEND, token, reterr);
	if (o)
		o->stream = s;
	return order_packed(f, o, text, reterr);
}

int fleet_last(struct fleet *f, enum fleet_stream s, uint64_t token,
	       struct err *reterr)
{
	struct order *o = order_new(ORDER_LAST, token, reterr);

	if (!o)
		return -reterr->code;
	o->stream = s;
	return order_put(f, o, reterr);
}

int fleet_ask(struct fleet *f, const char *node, const char *question,
	      uint64_t token, struct err *reterr)
{
	struct order *o;

	if (!fleet_name_is_valid(node))
		return err_set(reterr, EINVAL, "node",
			       "\"%.80s\" is no node's name", node);
	o = order_new(ORDER_ASK, token, reterr);
	if (o)
		(void)snprintf(o->node, sizeof o->node, "%s", node);
	return order_packed(f, o, question, reterr);
}

void fleet_answer(struct fleet *f, const char *reply, const char *text)
{
	struct err err;
	struct order *o = order_new(ORDER_ANSWER, 0, &err);

	if (o)
		o->reply = strdup(reply);
	if (o && !o->reply) {
		order_free(o);
		return;
	}
	(void)order_packed(f, o, text, &err); /* who asked gives up waiting */
}
