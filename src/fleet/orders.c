/*
 * Our thread: brings the connection up, and does what is ordered, one after the
 * other. What is told of this node goes first, and is tried again until it is sent.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <xxhash.h>

#include "fleet/fleet_own.h"
#include "fleet/pack.h"

/* Read between two other orders. */
#define STATES_AT_ONCE 64

void order_free(struct order *o)
{
	if (!o)
		return;
	free(o->reply);
	free(o->bytes);
	json_decref(o->about);
	free(o->reading);
	free(o);
}

int order_put(struct fleet *f, struct order *o, struct err *reterr)
{
	int rc = 0;

	pthread_mutex_lock(&f->lock);
	if (!f->up)
		rc = err_set(reterr, ENOTCONN, NULL,
			     "this node is cut off from the fleet: %s",
			     f->said[0] ? f->said : "no server answers");
	else if (f->n_orders == FLEET_ORDERS_MAX)
		rc = err_set(reterr, EAGAIN, NULL,
			     "%d orders wait for the fleet's servers",
			     FLEET_ORDERS_MAX);
	if (rc == 0) {
		o->next = NULL;
		*f->last = o;
		f->last = &o->next;
		f->n_orders++;
		pthread_cond_broadcast(&f->wake);
	}
	pthread_mutex_unlock(&f->lock);
	if (rc < 0)
		order_free(o);
	return rc;
}

void order_again(struct fleet *f, struct order *o)
{
	pthread_mutex_lock(&f->lock);
	o->next = NULL;
	*f->last = o;
	f->last = &o->next;
	f->n_orders++;
	pthread_mutex_unlock(&f->lock);
}

static struct order *order_take(struct fleet *f)
{
	struct order *o;

	pthread_mutex_lock(&f->lock);
	o = f->first;
	if (o) {
		f->first = o->next;
		if (!f->first)
			f->last = &f->first;
		f->n_orders--;
	}
	pthread_mutex_unlock(&f->lock);
	return o;
}

/* --- pausing -------------------------------------------------------------------- */

bool fleet_pause(struct fleet *f, unsigned ms)
{
	struct timespec at = fleet_in_ms(ms);
	bool ending;

	pthread_mutex_lock(&f->lock);
	if (!f->ending)
		(void)pthread_cond_timedwait(&f->wake, &f->lock, &at);
	ending = f->ending;
	pthread_mutex_unlock(&f->lock);
	return !ending;
}

struct timespec fleet_in_ms(unsigned ms)
{
	struct timespec at;

	(void)clock_gettime(CLOCK_REALTIME, &at);
	at.tv_nsec += (long)(ms % 1000) * 1000000;
	at.tv_sec += ms / 1000 + at.tv_nsec / 1000000000;
	at.tv_nsec %= 1000000000;
	return at;
}

/* --- orders ------------------------------------------------------------------- */

/* A message to a stream; bytes are borrowed. */
struct outgoing {
	const char *subject, *bytes;
	size_t len;
	/* Who sends it again, since no answer came, says this again: it is stored once. */
	char id[FLEET_NAME_MAX + 32];
};

/* ret_seq: its number in the stream; may be NULL. */
static int publish(struct fleet *f, const struct outgoing *o, uint64_t *ret_seq,
		   struct err *reterr)
{
	char denied[ERR_TEXT_MAX];
	uint64_t before = link_denials(f, denied, sizeof denied);
	jsPubAck *ack = NULL;
	jsErrCode code = 0;
	jsPubOptions p;
	natsStatus s;

	(void)jsPubOptions_Init(&p);
	p.MaxWait = FLEET_ANSWER_MS;
	p.MsgId = o->id;
	s = js_Publish(&ack, f->js, o->subject, o->bytes, (int)o->len, &p,
		       &code);
	if (s == NATS_OK && ret_seq)
		*ret_seq = ack->Sequence;
	jsPubAck_Destroy(ack);
	if (s == NATS_OK)
		return 0;
	if (s == NATS_MAX_PAYLOAD || code == JSStreamMessageExceedsMaximumErr)
		return err_set(reterr, E2BIG, NULL,
			       "%s: %zu bytes, and the servers take %lld",
			       o->subject, o->len,
			       (long long)natsConnection_GetMaxPayload(f->nc));
	if (link_denials(f, denied, sizeof denied) != before)
		return err_set(reterr, EACCES, NULL, "%s", denied);
	return err_set(reterr, EIO, NULL, "%s: %s", o->subject,
		       natsStatus_GetText(s));
}

static void send_batch(struct fleet *f, const struct order *o)
{
	struct fleet_news n = { .kind = FLEET_SENT, .token = o->token };
	struct outgoing out = { .bytes = o->bytes, .len = o->len };
	char subject[SUBJECT_MAX];

	out.subject = subject_stream(f->name, o->stream, f->node, subject);
	(void)snprintf(out.id, sizeof out.id, "%s.%016llx", f->node,
		       (unsigned long long)XXH3_64bits(o->bytes, o->len));
	(void)publish(f, &out, &f->sent[stream_of(o->stream)], &n.err);
	fleet_news_put(f, &n);
}

/*
 * The last of ours there (ADR-31, direct get): the leader is not asked, since it would
 * show anybody's to who may ask it. The copy that answers may be behind.
 */
static void get_last(struct fleet *f, const struct order *o)
{
	struct fleet_news n = { .kind = FLEET_LAST, .token = o->token };
	uint64_t sent = f->sent[stream_of(o->stream)];
	char stream[SUBJECT_MAX], own[SUBJECT_MAX], subject[3 * SUBJECT_MAX];
	const char *status = NULL;
	natsMsg *m = NULL;
	natsStatus s;

	(void)snprintf(subject, sizeof subject, "$JS.API.DIRECT.GET.%s.%s",
		       stream_name(f->name, stream_of(o->stream), stream),
		       subject_stream(f->name, o->stream, f->node, own));
	s = natsConnection_Request(&m, f->nc, subject, "", 0, FLEET_ANSWER_MS);
	if (s != NATS_OK)
		(void)err_set(&n.err, EIO, NULL, "%s: %s", subject,
			      natsStatus_GetText(s));
	else if (watch_number_of(m, JSSequence) < sent)
		(void)err_set(&n.err, EAGAIN, NULL,
			      "%s: the copy of the server that answers is "
			      "behind",
			      subject);
	else if (natsMsgHeader_Get(m, "Status", &status) != NATS_OK)
		n.text = unpack_text(natsMsg_GetData(m),
				     (size_t)natsMsg_GetDataLength(m), &n.len,
				     &n.err);
	else if (strcmp(status, "404") != 0)
		(void)err_set(&n.err, EIO, NULL, "%s: status %s", subject,
			      status);
	natsMsg_Destroy(m);
	fleet_news_put(f, &n);
}

static natsStatus publish_deletion(struct fleet *f, const char *subject)
{
	jsPubOptions p;
	natsMsg *m = NULL;
	natsStatus s = natsMsg_Create(&m, subject, NULL, NULL, 0);

	(void)jsPubOptions_Init(&p);
	p.MaxWait = FLEET_ANSWER_MS;
	if (s == NATS_OK)
		s = natsMsgHeader_Set(m, "KV-Operation", "DEL");
	if (s == NATS_OK)
		s = js_PublishMsg(NULL, f->js, m, &p, NULL);
	natsMsg_Destroy(m);
	return s;
}

static void forget(struct fleet *f, const struct order *o)
{
	struct fleet_news n = { .kind = FLEET_FORGOTTEN, .token = o->token };
	char subject[SUBJECT_MAX], denied[ERR_TEXT_MAX];
	uint64_t before = link_denials(f, denied, sizeof denied);
	natsStatus s = NATS_OK;

	for (int k = 0; k < FLEET_KEY__MAX && s == NATS_OK; k++) {
		if (k >= FLEET_LEARNED && !f->learned_there)
			break; /* where nothing was told */
		s = publish_deletion(f, subject_key(f->name, (enum fleet_key)k,
						    o->node, subject));
	}
	if (s != NATS_OK && link_denials(f, denied, sizeof denied) != before)
		(void)err_set(&n.err, EACCES, NULL,
			      "this node may not forget others: %s", denied);
	else if (s != NATS_OK)
		(void)err_set(&n.err, EIO, NULL, "%s", natsStatus_GetText(s));
	fleet_news_put(f, &n);
}

static void ask(struct fleet *f, const struct order *o)
{
	struct fleet_news n = { .kind = FLEET_ANSWERED, .token = o->token };
	char subject[SUBJECT_MAX], reply[SUBJECT_MAX];
	const char *last = NULL;
	natsStatus s;

	(void)snprintf(reply, sizeof reply, "_INBOX.%s.ask.%llu", f->node,
		       (unsigned long long)o->token);
	s = natsConnection_PublishRequest(
		f->nc, subject_ask(f->name, o->node, subject), reply, o->bytes,
		(int)o->len);
	/* what is not permitted is said before this is answered */
	if (s == NATS_OK)
		s = natsConnection_FlushTimeout(f->nc, FLEET_ANSWER_MS);
	(void)natsConnection_GetLastError(f->nc, &last);
	if (last && strstr(last, subject) && strstr(last, "ermission"))
		(void)err_set(&n.err, EACCES, "node",
			      "this node may not ask others: %s", last);
	else if (s != NATS_OK)
		(void)err_set(&n.err, EIO, NULL, "%s", natsStatus_GetText(s));
	else
		return;
	fleet_news_put(f, &n);
}

/* Some more of all nodes' states; true: it goes on. */
static bool read_states(struct fleet *f, const struct order *o)
{
	struct fleet_news n = { .kind = FLEET_STATES, .token = o->token };
	int rc = 1;

	for (int i = 0; i < STATES_AT_ONCE && rc > 0; i++)
		rc = watch_state(f, &n.err);
	if (rc > 0)
		return true;
	fleet_news_put(f, &n);
	return false;
}

/* true: it goes on. */
static bool do_order(struct fleet *f, struct order *o)
{
	switch (o->kind) {
	case ORDER_PROPOSE: fleet_do_propose(f, o); break;
	case ORDER_SEND: send_batch(f, o); break;
	case ORDER_LAST: get_last(f, o); break;
	case ORDER_FORGET: forget(f, o); break;
	case ORDER_STATES: return read_states(f, o);
	case ORDER_LEARNED: learned_read(f, o); break;
	case ORDER_ASK: ask(f, o); break;
	case ORDER_ANSWER:
		/* what is lost is asked for again by who waits */
		(void)natsConnection_Publish(f->nc, o->reply, o->bytes,
					     (int)o->len);
		break;
	case ORDER_READ: return fleet_do_read(f, o);
	}
	return false;
}

/* --- the thread -------------------------------------------------------------------- */

/* Once for each reason. */
static void say_down(struct fleet *f, const struct err *why)
{
	struct fleet_news n = { .kind = FLEET_DOWN, .err = *why };
	bool told;

	pthread_mutex_lock(&f->lock);
	f->up = f->learned_there = false;
	told = !f->told_up && strcmp(f->said, why->text) == 0;
	f->told_up = false;
	(void)snprintf(f->said, sizeof f->said, "%s", why->text);
	pthread_mutex_unlock(&f->lock);
	if (!told)
		fleet_news_put(f, &n);
	fleet_fail_reads(f, why);
}

/* With what the library heard last, as that a certificate is not known there. */
static void say_no_server(struct fleet *f)
{
	const char *last = NULL;
	struct err err;

	if (f->nc)
		(void)natsConnection_GetLastError(f->nc, &last);
	(void)err_set(&err, ENOTCONN, NULL, "no server answers%s%s",
		      last && last[0] ? ": " : "", last ? last : "");
	say_down(f, &err);
}

static void bring_up(struct fleet *f)
{
	struct fleet_news n = { .kind = FLEET_UP };
	struct err err = { 0 };
	bool told, amiss;

	pthread_mutex_lock(&f->lock);
	amiss = f->amiss;
	f->amiss = f->again = false;
	pthread_mutex_unlock(&f->lock);
	/* what is amiss for long is not to keep everybody busy */
	if (amiss && !fleet_pause(f, FLEET_ANSWER_MS))
		return;
	if (watch_begin(f, &err) < 0) {
		say_down(f, &err);
		(void)fleet_pause(f, FLEET_AGAIN_MS);
		link_again(f);
		return;
	}
	pthread_mutex_lock(&f->lock);
	/* something may have been amiss meanwhile */
	f->up = !f->amiss;
	told = f->told_up || f->amiss;
	f->told_up = f->up;
	f->said[0] = '\0';
	pthread_mutex_unlock(&f->lock);
	if (!told)
		fleet_news_put(f, &n);
	learned_find(f);
}

/* What the library gave up is tried again in a while. */
static void reopen(struct fleet *f, bool soon)
{
	struct err err = { 0 };

	if ((soon || fleet_pause(f, FLEET_AGAIN_MS)) &&
	    link_reopen(f, &err) < 0)
		say_down(f, &err);
}

static bool learned_is_there(struct fleet *f)
{
	bool there;

	pthread_mutex_lock(&f->lock);
	there = f->learned_there;
	pthread_mutex_unlock(&f->lock);
	return there;
}

/* Something is amiss with it: it is looked for again, while the rest goes on. */
static void learned_lost(struct fleet *f)
{
	pthread_mutex_lock(&f->lock);
	f->learned_there = false;
	pthread_mutex_unlock(&f->lock);
}

/* What is told of this node; false: it was not sent, and is tried again. */
static bool tell(struct fleet *f, enum fleet_key key)
{
	char subject[SUBJECT_MAX];
	struct outgoing out;
	struct err err;
	char *bytes;
	int rc;

	pthread_mutex_lock(&f->lock);
	out.bytes = bytes = f->tell[key];
	out.len = f->tell_len[key];
	(void)snprintf(out.id, sizeof out.id, "%s.%llu", f->node,
		       (unsigned long long)f->tell_number[key]);
	f->tell[key] = NULL;
	pthread_mutex_unlock(&f->lock);
	if (!bytes)
		return true;
	out.subject = subject_key(f->name, key, f->node, subject);
	rc = publish(f, &out, NULL, &err);
	pthread_mutex_lock(&f->lock);
	if (rc < 0 && !f->tell[key]) {
		f->tell[key] = bytes; /* and its number */
		bytes = NULL;
	}
	pthread_mutex_unlock(&f->lock);
	free(bytes);
	return rc == 0;
}

enum next {
	NEXT_END,
	NEXT_DOWN,
	NEXT_CHANGE,
	NEXT_REOPEN,
	NEXT_AGAIN,
	NEXT_WORK,
	NEXT_LOOK
};

/* The lock is held. */
static bool keys_are_due(const struct fleet *f)
{
	for (int k = 0; k < FLEET_KEY__MAX; k++)
		if (f->tell[k] && (k < FLEET_LEARNED || f->learned_there))
			return true;
	return false;
}

/* What there is to do now; false: nothing. The lock is held. */
static bool next_work(const struct fleet *f, enum next *ret)
{
	if (f->ending)
		*ret = NEXT_END;
	else if (f->next_options)
		*ret = NEXT_CHANGE;
	else if (!f->connected && f->up)
		*ret = NEXT_DOWN;
	else if (f->closed)
		*ret = NEXT_REOPEN;
	else if (f->connected && f->again)
		*ret = NEXT_AGAIN;
	else if (f->up && f->missed)
		*ret = NEXT_LOOK;
	else if (f->up && (f->first || keys_are_due(f)))
		*ret = NEXT_WORK;
	else
		return false;
	return true;
}

static bool is_past(const struct timespec *at)
{
	struct timespec now = fleet_in_ms(0);

	return now.tv_sec != at->tv_sec ? now.tv_sec > at->tv_sec
					: now.tv_nsec >= at->tv_nsec;
}

/* look_at: when that is due, also while there is work all the time. */
static enum next wait_for_work(struct fleet *f, struct timespec *look_at)
{
	enum next next = NEXT_LOOK;
	int rc = 0;

	pthread_mutex_lock(&f->lock);
	while (!next_work(f, &next) && rc == 0)
		rc = pthread_cond_timedwait(&f->wake, &f->lock, look_at);
	pthread_mutex_unlock(&f->lock);
	if (next == NEXT_WORK && is_past(look_at))
		next = NEXT_LOOK;
	if (next == NEXT_LOOK || next == NEXT_AGAIN)
		*look_at = fleet_in_ms(FLEET_LOOK_MS);
	return next;
}

static void work(struct fleet *f)
{
	struct order *o = order_take(f);
	bool told = true;

	for (int k = 0; k < FLEET_LEARNED; k++)
		told &= tell(f, (enum fleet_key)k);
	for (int k = FLEET_LEARNED; k < FLEET_KEY__MAX && learned_is_there(f);
	     k++)
		if (!tell(f, (enum fleet_key)k))
			learned_lost(f);
	if (o && do_order(f, o))
		order_again(f, o); /* behind what others want */
	else
		order_free(o);
	if (!told)
		(void)fleet_pause(f, FLEET_AGAIN_MS);
}

/* News are not sure to come: was any missed? */
static void look(struct fleet *f, struct timespec *look_at)
{
	struct err err = { 0 };
	bool connected, missed;
	int rc;

	pthread_mutex_lock(&f->lock);
	connected = f->connected;
	missed = f->missed;
	f->missed = false;
	pthread_mutex_unlock(&f->lock);
	if (!connected) {
		say_no_server(f);
		return;
	}
	rc = watch_look(f, missed,
			!missed && ++f->looks % FLEET_LOOKS_OF_LEADER == 0,
			&err);
	if (rc < 0)
		link_again(f);
	else if (rc > 0)
		*look_at = fleet_in_ms(FLEET_MISSED_MS);
	if (rc >= 0 && !missed)
		learned_find_again(f);
}

void *orders_run(void *fleet)
{
	struct fleet *f = fleet;
	struct timespec look_at = fleet_in_ms(FLEET_LOOK_MS);

	for (;;) {
		switch (wait_for_work(f, &look_at)) {
		case NEXT_END: return NULL;
		case NEXT_DOWN: say_no_server(f); break;
		case NEXT_CHANGE: reopen(f, true); break;
		case NEXT_REOPEN: reopen(f, false); break;
		case NEXT_AGAIN: bring_up(f); break;
		case NEXT_WORK: work(f); break;
		case NEXT_LOOK: look(f, &look_at); break;
		}
	}
}
