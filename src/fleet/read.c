/*
 * What all nodes have recorded, read back from the end of a stream: message by message
 * by its number (ADR-31, direct get), so there is no consumer in a server, and nothing
 * to take down. Numbers follow each other; one that is not there was removed.
 *
 * It may take hundreds of answers of a server. So it is done by our thread, a few
 * messages at a time, and goes behind what else is ordered then.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "fleet/fleet_own.h"
#include "fleet/pack.h"

/* Messages between two other orders. */
#define SLICE 32
/* The last is asked for so often: a server may be behind the stream's leader. */
#define LATE_TRIES 20
#define LATE_MS	   50
#define GET_MAX	   (2UL * SUBJECT_MAX)

struct reading {
	fleet_read_fn *fn;
	void *arg;
	bool begun;
	unsigned late;	      /* how often the first was asked for in vain */
	uint64_t next, first; /* numbers; next below first: there is no more */
	uint64_t messages, bytes;
};

int fleet_read(struct fleet *f, enum fleet_stream s, uint64_t from,
	       fleet_read_fn *fn, void *arg, uint64_t token, struct err *reterr)
{
	struct order *o = calloc(1, sizeof *o);

	if (o)
		o->reading = calloc(1, sizeof *o->reading);
	if (!o || !o->reading) {
		order_free(o);
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	}
	o->kind = ORDER_READ;
	o->stream = s;
	o->token = token;
	*o->reading = (struct reading){ .fn = fn, .arg = arg, .next = from };
	return order_put(f, o, reterr);
}

static void told(struct fleet *f, const struct order *o, const struct err *err)
{
	const struct reading *r = o->reading;
	struct fleet_news n = { .kind = FLEET_READ, .token = o->token };

	n.revision = r->begun && r->next >= r->first ? r->next : 0;
	if (err)
		n.err = *err;
	fleet_news_put(f, &n);
}

void fleet_fail_reads(struct fleet *f, const struct err *why)
{
	struct order *failed = NULL, **end = &failed, **at, *o;
	struct err err;

	(void)err_set(&err, ENOTCONN, NULL,
		      "this node is cut off from the fleet: %s", why->text);
	pthread_mutex_lock(&f->lock);
	f->last = at = &f->first;
	while ((o = *at)) {
		if (o->kind != ORDER_READ) {
			at = &o->next;
			f->last = at;
			continue;
		}
		*at = o->next;
		f->n_orders--;
		o->next = NULL;
		*end = o;
		end = &o->next;
	}
	pthread_mutex_unlock(&f->lock);
	while ((o = failed)) {
		failed = o->next;
		told(f, o, &err);
		order_free(o);
	}
}

/* --- may it, and from where ----------------------------------------------------- */

static const char *get_subject(const struct fleet *f, const struct order *o,
			       char buf[static GET_MAX])
{
	char stream[SUBJECT_MAX];

	(void)snprintf(buf, GET_MAX, "$JS.API.DIRECT.GET.%s",
		       stream_name(f->name, stream_of(o->stream), stream));
	return buf;
}

/* What was refused once may be permitted since: does it come again? */
static bool is_denied_again(struct fleet *f, uint64_t before)
{
	char denied[ERR_TEXT_MAX];

	for (int i = 0; i < LATE_TRIES; i++)
		if (link_denials(f, denied, sizeof denied) != before ||
		    !fleet_pause(f, LATE_MS))
			return true;
	return false;
}

/*
 * A request that is not permitted is not answered. So one whose answer nobody hears
 * goes before: what a server has against it is said before the next is answered.
 */
static int may_read(struct fleet *f, const struct order *o, struct err *reterr)
{
	char subject[GET_MAX], nowhere[SUBJECT_MAX];
	char denied[ERR_TEXT_MAX];
	uint64_t before = link_denials(f, denied, sizeof denied);
	const char *last = NULL;
	natsStatus s;

	(void)get_subject(f, o, subject);
	(void)snprintf(nowhere, sizeof nowhere, "_INBOX.%s.nowhere", f->node);
	s = natsConnection_PublishRequestString(f->nc, subject, nowhere,
						"{\"seq\":0}");
	if (s == NATS_OK)
		s = natsConnection_FlushTimeout(f->nc, FLEET_ANSWER_MS);
	if (s != NATS_OK)
		return err_set(reterr, EIO, NULL, "%s", natsStatus_GetText(s));
	(void)natsConnection_GetLastError(f->nc, &last);
	if (!last || !strstr(last, subject) || !strstr(last, "ermission") ||
	    !is_denied_again(f, before))
		return 0;
	return err_set(reterr, EACCES, "fleet",
		       "this node may not read what others recorded; editors "
		       "may (servers whose users.conf was written by a version "
		       "before that do not know it): %s",
		       last);
}

static int begin(struct fleet *f, struct order *o, struct err *reterr)
{
	struct reading *r = o->reading;
	char name[SUBJECT_MAX];
	jsStreamInfo *info = NULL;
	natsStatus s;
	int rc = may_read(f, o, reterr);

	if (rc < 0)
		return rc;
	(void)stream_name(f->name, stream_of(o->stream), name);
	s = js_GetStreamInfo(&info, f->js, name, NULL, NULL);
	if (s != NATS_OK)
		return err_set(reterr, EIO, NULL, "stream %s: %s", name,
			       natsStatus_GetText(s));
	r->begun = true;
	r->first = info->State.FirstSeq ? info->State.FirstSeq : 1;
	if (!r->next || r->next > info->State.LastSeq)
		r->next = info->State.LastSeq;
	jsStreamInfo_Destroy(info);
	return 0;
}

/* --- messages --------------------------------------------------------------------- */

/* *ret is the caller's; NULL: it is not there. */
static int get(struct fleet *f, const struct order *o, natsMsg **ret,
	       struct err *reterr)
{
	char subject[GET_MAX], question[64];
	const char *status = NULL;
	natsStatus s;
	bool none;

	*ret = NULL;
	(void)snprintf(question, sizeof question, "{\"seq\":%llu}",
		       (unsigned long long)o->reading->next);
	s = natsConnection_RequestString(ret, f->nc, get_subject(f, o, subject),
					 question, FLEET_ANSWER_MS);
	if (s != NATS_OK)
		return err_set(reterr, EIO, NULL, "%s: %s", subject,
			       natsStatus_GetText(s));
	if (natsMsgHeader_Get(*ret, "Status", &status) != NATS_OK)
		return 0;
	none = strcmp(status, "404") == 0;
	if (!none)
		(void)err_set(reterr, EIO, NULL, "%s: status %s", subject,
			      status);
	natsMsg_Destroy(*ret);
	*ret = NULL;
	return none ? 0 : -EIO;
}

/* Whether more is wanted; what is of nobody is passed over. */
static bool hand_over(const struct fleet *f, const struct order *o, natsMsg *m)
{
	struct reading *r = o->reading;
	struct fleet_stored stored = {
		.seq = r->next, .at_s = watch_time_of(m) / USEC_PER_SEC
	};
	char node[FLEET_NAME_MAX];
	const char *subject = NULL;
	struct err err;
	char *text;
	bool more;

	if (natsMsgHeader_Get(m, "Nats-Subject", &subject) != NATS_OK ||
	    !subject || !subject_read_stream(f->name, o->stream, subject, node))
		return true;
	/* what is wrong with it: it is damaged, whatever else */
	text = unpack_text_most(natsMsg_GetData(m),
				(size_t)natsMsg_GetDataLength(m),
				FLEET_BATCH_BYTES_MAX, &stored.len, &err);
	stored.node = node;
	stored.text = text;
	/* none is free: those that are damaged count, too */
	r->bytes += text ? stored.len : (uint64_t)natsMsg_GetDataLength(m);
	more = r->fn(r->arg, &stored);
	free(text);
	return more;
}

static bool is_at_end(const struct reading *r)
{
	return r->next < r->first || r->messages >= FLEET_READ_MESSAGES_MAX ||
	       r->bytes >= FLEET_READ_BYTES_MAX;
}

/* 1: more; 0: that was all; or -errno */
static int step(struct fleet *f, struct order *o, struct err *reterr)
{
	struct reading *r = o->reading;
	natsMsg *m = NULL;
	bool more = true;
	int rc;

	if (is_at_end(r))
		return 0;
	rc = get(f, o, &m, reterr);
	if (rc < 0)
		return rc;
	if (!m && r->messages == 0 && r->late++ < LATE_TRIES)
		return fleet_pause(f, LATE_MS);
	if (m)
		more = hand_over(f, o, m);
	natsMsg_Destroy(m);
	r->messages++;
	r->next--;
	return more;
}

bool fleet_do_read(struct fleet *f, struct order *o)
{
	struct err err = { 0 };
	int rc = 1;
	bool up;

	pthread_mutex_lock(&f->lock);
	up = f->up && !f->ending;
	pthread_mutex_unlock(&f->lock);
	if (!up)
		rc = err_set(&err, ENOTCONN, NULL,
			     "this node is cut off from the fleet");
	else if (!o->reading->begun)
		rc = begin(f, o, &err) < 0 ? -err.code : 1;
	for (int i = 0; i < SLICE && rc > 0; i++)
		rc = step(f, o, &err);
	if (rc > 0)
		return true;
	told(f, o, rc < 0 ? &err : NULL);
	return false;
}
