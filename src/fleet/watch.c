/*
 * What is heard. Both buckets by consumers in order (the library asks again for what
 * is missing), from what is known on; questions and answers by plain subscriptions.
 *
 * Of a backlog only the policy's last version is told: those before it are nobody's
 * wish any more.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fleet/fleet_own.h"
#include "fleet/pack.h"

/* --- subscriptions ------------------------------------------------------------- */

static bool is_old(const struct listening *l)
{
	bool old;

	pthread_mutex_lock(&l->fleet->lock);
	old = l->old;
	pthread_mutex_unlock(&l->fleet->lock);
	return old;
}

static void over(void *closure)
{
	struct listening *l = closure;
	struct fleet *f = l->fleet;

	pthread_mutex_lock(&f->lock);
	l->over = true;
	pthread_cond_broadcast(&f->wake);
	pthread_mutex_unlock(&f->lock);
}

/* Frees those whom the library has left. The lock is held. */
static void sweep(struct fleet *f)
{
	struct listening **at = &f->listening, *l;

	while ((l = *at)) {
		if (!l->over) {
			at = &l->next;
			continue;
		}
		*at = l->next;
		natsSubscription_Destroy(l->sub);
		free(l);
	}
}

static struct listening *listening_new(struct fleet *f)
{
	struct listening *l = calloc(1, sizeof *l);

	if (!l)
		return NULL;
	l->fleet = f;
	pthread_mutex_lock(&f->lock);
	sweep(f);
	l->next = f->listening;
	f->listening = l;
	pthread_mutex_unlock(&f->lock);
	return l;
}

static void listening_end(struct fleet *f, struct listening *l)
{
	if (!l)
		return;
	pthread_mutex_lock(&f->lock);
	l->old = true;
	pthread_mutex_unlock(&f->lock);
	/* it is over() when the library has closed it */
	if (l->sub)
		(void)natsSubscription_Unsubscribe(l->sub);
	else
		over(l);
}

/* --- what comes ------------------------------------------------------------------ */

static bool metadata(natsMsg *m, uint64_t *ret_seq, uint64_t *ret_pending,
		     uint64_t *ret_at_s)
{
	jsMsgMetaData *meta = NULL;

	if (natsMsg_GetMetaData(&meta, m) != NATS_OK)
		return false;
	*ret_seq = meta->Sequence.Stream;
	*ret_pending = meta->NumPending;
	*ret_at_s = (uint64_t)(meta->Timestamp / 1000000000LL);
	jsMsgMetaData_Destroy(meta);
	return true;
}

/* The policy's lock is held. */
static void forget_version(struct fleet *f)
{
	version_done(&f->version);
	json_decref(f->about);
	f->about = NULL;
	f->start = (struct version_start){ 0 };
	f->told = f->heard = 0;
}

/* Those who wait for what they proposed. The policy's lock is held. */
static void note_proposed(struct fleet *f, const char *id, uint64_t seq,
			  bool is_void)
{
	if (strcmp(id, f->proposing_id) != 0)
		return;
	f->proposed = seq;
	f->is_void = is_void;
	pthread_cond_broadcast(&f->policy_heard);
}

/* What is to be told of it; false: nothing. The policy's lock is held. */
static bool take_version(struct fleet *f, natsMsg *m, uint64_t seq,
			 uint64_t pending, struct fleet_news *n)
{
	json_t *about = NULL;
	char *id = NULL;
	int rc;

	f->heard = seq;
	if (seq <= f->version.revision)
		return false;
	rc = version_read(&f->version, &f->start, seq, natsMsg_GetData(m),
			  (size_t)natsMsg_GetDataLength(m), &id, &about,
			  &n->err);
	if (rc == -EPROTO || rc == -E2BIG)
		n->err = (struct err){
			0
		}; /* nobody's; what is before it may be */
	else if (rc < 0) {
		n->kind = FLEET_DOWN;
		return true;
	} else {
		note_proposed(f, id, seq, rc > 0);
	}
	free(id);
	if (rc == 0) {
		json_decref(f->about);
		f->about = about;
	} else {
		json_decref(about);
	}
	n->kind = FLEET_POLICY;
	/* the last of a backlog may be void, and what counts before it */
	if (pending > 0 || f->version.revision == 0 ||
	    f->version.revision == f->told)
		return false;
	f->told = n->revision = f->version.revision;
	n->about = json_deep_copy(f->about); /* another thread's */
	n->text = strdup(f->version.text);
	n->len = f->version.len;
	return true;
}

static void on_policy(natsConnection *nc, natsSubscription *sub, natsMsg *m,
		      void *closure)
{
	struct listening *l = closure;
	struct fleet *f = l->fleet;
	struct fleet_news n = { 0 };
	uint64_t seq, pending;
	bool any = false, amiss;

	if (metadata(m, &seq, &pending, &n.at_s)) {
		pthread_mutex_lock(&f->policy_lock);
		/* under it: when compare() has it, nothing of an old one comes */
		any = !is_old(l) && take_version(f, m, seq, pending, &n);
		/* from the beginning of what is kept */
		if (any && n.err.code == ESTALE)
			forget_version(f);
		pthread_mutex_unlock(&f->policy_lock);
	}
	natsMsg_Destroy(m);
	amiss = n.err.code != 0;
	if (any)
		news_put(&f->news, &n); /* takes it */
	if (any && amiss)
		link_amiss(f);
}

static bool is_deletion(natsMsg *m)
{
	const char *what = NULL;

	return natsMsgHeader_Get(m, "KV-Operation", &what) == NATS_OK && what &&
	       strcmp(what, "PUT") != 0;
}

static void on_node(natsConnection *nc, natsSubscription *sub, natsMsg *m,
		    void *closure)
{
	struct listening *l = closure;
	struct fleet *f = l->fleet;
	struct fleet_news n = { .kind = FLEET_NODE };
	uint64_t seq, pending;
	bool any = !is_old(l) && metadata(m, &seq, &pending, &n.at_s) &&
		   subject_read_key(f->name, natsMsg_GetSubject(m), &n.key,
				    n.node);

	if (any) {
		pthread_mutex_lock(&f->lock);
		if (seq > f->nodes_seq)
			f->nodes_seq = seq;
		pthread_mutex_unlock(&f->lock);
		/* one that is damaged is as one that is not there, and is told */
		if (!is_deletion(m))
			n.text = unpack_text(natsMsg_GetData(m),
					     (size_t)natsMsg_GetDataLength(m),
					     &n.len, &n.err);
	}
	natsMsg_Destroy(m);
	if (any)
		news_put(&f->news, &n);
}

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
		news_put(&l->fleet->news, &n);
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
	news_put(&l->fleet->news, &n);
}

/* --- listening --------------------------------------------------------------------- */

static int failed(struct fleet *f, const char *what, natsStatus s,
		  struct err *reterr)
{
	char denied[ERR_TEXT_MAX];

	if (link_denials(f, denied, sizeof denied) > 0)
		return err_set(reterr, EACCES, NULL, "%s: %s", what, denied);
	return err_set(reterr, EIO, NULL, "%s: %s", what,
		       natsStatus_GetText(s));
}

/* To what is behind `after` in that stream; 0: to all that it keeps. */
static int listen_to(struct fleet *f, enum stream s, const char *subject,
		     uint64_t after, natsMsgHandler fn, struct listening **ret,
		     struct err *reterr)
{
	char stream[SUBJECT_MAX];
	struct listening *l = listening_new(f);
	jsSubOptions o;
	natsStatus rc;

	if (!l)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	(void)jsSubOptions_Init(&o);
	o.Stream = stream_name(f->name, s, stream);
	o.Ordered = true;
	o.Config.Heartbeat = FLEET_HEARTBEAT_NS;
	o.Config.DeliverPolicy = after ? js_DeliverByStartSequence
				       : js_DeliverAll;
	if (after)
		o.Config.OptStartSeq = after + 1;
	rc = js_Subscribe(&l->sub, f->js, subject, fn, l, NULL, &o, NULL);
	if (rc == NATS_OK)
		rc = natsSubscription_SetOnCompleteCB(l->sub, over, l);
	if (rc == NATS_OK)
		rc = natsSubscription_SetPendingLimits(l->sub, -1, -1);
	if (rc != NATS_OK) {
		listening_end(f, l);
		return failed(f, subject, rc, reterr);
	}
	*ret = l;
	return 0;
}

static int hear(struct fleet *f, const char *subject, natsMsgHandler fn,
		struct err *reterr)
{
	struct listening *l = listening_new(f);
	natsStatus rc;

	if (!l)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	rc = natsConnection_Subscribe(&l->sub, f->nc, subject, fn, l);
	if (rc == NATS_OK)
		rc = natsSubscription_SetOnCompleteCB(l->sub, over, l);
	if (rc == NATS_OK)
		return 0;
	listening_end(f, l);
	return failed(f, subject, rc, reterr);
}

static int hear_questions(struct fleet *f, struct err *reterr)
{
	char subject[SUBJECT_MAX];
	int rc;

	if (f->asked_is_heard)
		return 0;
	rc = hear(f, subject_ask(f->name, f->node, subject), on_question,
		  reterr);
	if (rc < 0)
		return rc;
	(void)snprintf(subject, sizeof subject, "_INBOX.%s.ask.*", f->node);
	rc = hear(f, subject, on_answer, reterr);
	f->asked_is_heard = rc == 0;
	return rc;
}

/*
 * Up to which sequence somebody has emptied it. While it has as many as it keeps, that
 * may as well be what was dropped.
 */
static uint64_t purged(const struct stream_state *s)
{
	if (s->n == 0)
		return s->last;
	return s->n < FLEET_HISTORY ? s->first - 1 : 0;
}

/* Streams that were made anew count from 1 again: what was known is of others. */
static void compare(struct fleet *f,
		    const struct stream_state now[static STREAM__MAX])
{
	pthread_mutex_lock(&f->policy_lock);
	if (f->created[STREAM_POLICY] != now[STREAM_POLICY].created ||
	    f->version.revision > now[STREAM_POLICY].last)
		forget_version(f);
	if (f->version.revision == 0)
		f->start = (struct version_start){
			.purged = purged(&now[STREAM_POLICY])
		};
	pthread_mutex_unlock(&f->policy_lock);
	pthread_mutex_lock(&f->lock);
	if (f->created[STREAM_NODES] != now[STREAM_NODES].created ||
	    f->nodes_seq > now[STREAM_NODES].last)
		f->nodes_seq = 0;
	for (int s = 0; s < STREAM__MAX; s++)
		f->created[s] = now[s].created;
	pthread_mutex_unlock(&f->lock);
}

int watch_begin(struct fleet *f, struct err *reterr)
{
	struct stream_state now[STREAM__MAX];
	struct fleet_news none = { .kind = FLEET_POLICY };
	char subject[SUBJECT_MAX];
	uint64_t after;
	int rc = streams_find(f, now, reterr);

	if (rc == 0)
		rc = hear_questions(f, reterr);
	if (rc < 0)
		return rc;
	listening_end(f, f->policy);
	listening_end(f, f->nodes);
	f->policy = f->nodes = NULL;
	compare(f, now);
	if (now[STREAM_POLICY].n == 0)
		news_put(&f->news, &none);
	pthread_mutex_lock(&f->policy_lock);
	after = f->version.revision;
	pthread_mutex_unlock(&f->policy_lock);
	rc = listen_to(f, STREAM_POLICY, subject_policy(f->name, subject),
		       after, on_policy, &f->policy, reterr);
	pthread_mutex_lock(&f->lock);
	after = f->nodes_seq;
	pthread_mutex_unlock(&f->lock);
	if (rc == 0)
		rc = listen_to(f, STREAM_NODES,
			       stream_subjects(f->name, STREAM_NODES, subject),
			       after, on_node, &f->nodes, reterr);
	return rc;
}

void watch_end(struct fleet *f)
{
	f->policy = f->nodes = NULL;
	f->asked_is_heard = false;
	pthread_mutex_lock(&f->lock);
	for (;;) {
		sweep(f);
		if (!f->listening)
			break;
		pthread_cond_wait(&f->wake, &f->lock);
	}
	pthread_mutex_unlock(&f->lock);
}
