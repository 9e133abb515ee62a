/*
 * What a node listens to: news of the buckets, questions to it, and answers to its own. The
 * library listens to the same again with each server that it comes to.
 *
 * Servers (nats-server 2.9.10) that have read their configuration again may not know any
 * more that somebody listens at another one: what is said there does not come here, until
 * somebody begins to listen (decision 0027 tells what was seen, and what is supposed). So a
 * node begins anew where no news came of what it found, and now and then, for of a question
 * that does not come nobody knows here; and takes back what it listens to before it goes, as
 * an old connection that ends while the next begins might be told in the wrong order.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "fleet/fleet_own.h"
#include "fleet/pack.h"

static void on_question(natsConnection *nc, natsSubscription *sub, natsMsg *m,
			void *closure)
{
	struct listening *l = closure;
	struct fleet_news n = { .kind = FLEET_ASKED };
	const char *reply = natsMsg_GetReply(m);

	n.text = unpack_text(natsMsg_GetData(m),
			     (size_t)natsMsg_GetDataLength(m), &n.len, &n.err);
	n.reply = reply ? strdup(reply) : NULL;
	natsMsg_Destroy(m);
	if (n.text && n.reply)
		fleet_news_put(l->fleet, &n);
	else
		fleet_news_done(&n); /* who asks so gets no answer */
}

static void on_answer(natsConnection *nc, natsSubscription *sub, natsMsg *m,
		      void *closure)
{
	struct listening *l = closure;
	struct fleet_news n = { .kind = FLEET_ANSWERED };
	const char *dot = strrchr(natsMsg_GetSubject(m), '.');

	n.token = dot ? strtoull(dot + 1, NULL, 10) : 0;
	if (natsMsg_IsNoResponders(m))
		(void)err_set(&n.err, EHOSTUNREACH, "node",
			      "no such node is connected to the fleet");
	else
		n.text = unpack_text(natsMsg_GetData(m),
				     (size_t)natsMsg_GetDataLength(m), &n.len,
				     &n.err);
	natsMsg_Destroy(m);
	fleet_news_put(l->fleet, &n);
}

/* Called when the library calls the handler no more. */
static void over(void *closure)
{
	struct listening *l = closure;
	struct fleet *f = l->fleet;

	pthread_mutex_lock(&f->lock);
	l->over = true;
	pthread_cond_broadcast(&f->wake);
	pthread_mutex_unlock(&f->lock);
}

static int hear(struct fleet *f, const char *subject, natsMsgHandler fn,
		struct err *reterr)
{
	struct listening *l = calloc(1, sizeof *l);
	natsStatus rc;

	if (!l)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	l->fleet = f;
	rc = natsConnection_Subscribe(&l->sub, f->nc, subject, fn, l);
	if (rc != NATS_OK) {
		free(l);
		return err_set(reterr, EIO, NULL, "%s: %s", subject,
			       natsStatus_GetText(rc));
	}
	/* what waits is bounded by the news' queue; nothing of it is dropped */
	(void)natsSubscription_SetPendingLimits(l->sub, -1, -1);
	if (natsSubscription_SetOnCompleteCB(l->sub, over, l) != NATS_OK)
		l->over = true; /* there is nothing to wait for */
	l->next = f->listening;
	f->listening = l;
	return 0;
}

int listen_begin(struct fleet *f, struct err *reterr)
{
	static const natsMsgHandler calls[] = { watch_on_news, on_question,
						on_answer };
	char news[SUBJECT_MAX], asked[SUBJECT_MAX], inbox[SUBJECT_MAX];
	const char *const subjects[] = { news, asked, inbox };
	int rc = 0;

	(void)news_subjects(f->name, news);
	(void)subject_ask(f->name, f->node, asked);
	(void)snprintf(inbox, sizeof inbox, "_INBOX.%s.ask.*", f->node);
	while (rc == 0 && f->n_heard < sizeof calls / sizeof *calls) {
		rc = hear(f, subjects[f->n_heard], calls[f->n_heard], reterr);
		if (rc == 0)
			f->n_heard++;
	}
	return rc;
}

void listen_no_more(struct fleet *f)
{
	/* those that were taken back before are not again */
	for (struct listening *l = f->listening; l; l = l->next)
		(void)natsSubscription_Unsubscribe(l->sub);
	f->n_heard = 0;
}

static bool is_over(struct fleet *f, const struct listening *l)
{
	bool is;

	pthread_mutex_lock(&f->lock);
	is = l->over;
	pthread_mutex_unlock(&f->lock);
	return is;
}

/* Takes it off the list, of which *at is a link. */
static void take_off(struct listening **at)
{
	struct listening *l = *at;

	*at = l->next;
	natsSubscription_Destroy(l->sub);
	free(l);
}

int listen_anew(struct fleet *f, struct err *reterr)
{
	/* what is on its way for the old is still taken */
	for (struct listening *l = f->listening; l; l = l->next)
		(void)natsSubscription_Drain(l->sub);
	f->n_heard = 0;
	for (struct listening **at = &f->listening; *at;)
		if (is_over(f, *at))
			take_off(at);
		else
			at = &(*at)->next;
	return listen_begin(f, reterr);
}

void listen_end(struct fleet *f)
{
	while (f->listening) {
		pthread_mutex_lock(&f->lock);
		while (!f->listening->over)
			pthread_cond_wait(&f->wake, &f->lock);
		pthread_mutex_unlock(&f->lock);
		take_off(&f->listening);
	}
	f->n_heard = 0;
}
