/*
 * A change of the policy, on its way. An answer that is lost does not say that it was
 * not stored: it is sent again with the same id, by which the servers know it. And an
 * answer is not enough, for another may have been first (version.h): what became of it
 * is known when it is heard, like everybody's.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "fleet/fleet_own.h"

struct proposal {
	char id[2 * FLEET_NAME_MAX];
	char *message; /* owned */
	size_t len;
	uint64_t expect; /* the last sequence of the bucket that was heard */
	bool again;	 /* it was sent before */
};

static int somebody_else(struct err *reterr)
{
	return err_set(reterr, ESTALE, NULL,
		       "somebody else has changed the fleet's policy "
		       "meanwhile: try again");
}

/* -ESTALE: another version came before. */
static int write_it(struct fleet *f, const struct order *o, struct proposal *p,
		    struct err *reterr)
{
	int rc = 0;

	(void)snprintf(p->id, sizeof p->id, "%s.%llu.%llu", f->node,
		       (unsigned long long)clock_unix_us(),
		       (unsigned long long)o->token);
	pthread_mutex_lock(&f->hear_lock);
	p->expect = f->heard[STREAM_POLICY];
	pthread_mutex_unlock(&f->hear_lock);
	pthread_mutex_lock(&f->policy_lock);
	(void)snprintf(f->proposing_id, sizeof f->proposing_id, "%s", p->id);
	f->proposed = 0;
	f->is_void = false;
	if (f->version.revision != o->base)
		rc = somebody_else(reterr);
	else
		p->message = version_write(&f->version, o->bytes, o->len, p->id,
					   o->about, &p->len, reterr);
	pthread_mutex_unlock(&f->policy_lock);
	return rc < 0 ? rc : p->message ? 0 : -reterr->code;
}

/*
 * What became of it, when it is heard, within that time. 0 and *ret, -ESTALE: it is
 * void; -EAGAIN: it was not heard.
 */
static int hear_it(struct fleet *f, unsigned ms, uint64_t *ret,
		   struct err *reterr)
{
	struct timespec until = fleet_in_ms(ms);
	int rc = 0;

	pthread_mutex_lock(&f->policy_lock);
	while (!f->proposed && rc == 0)
		rc = pthread_cond_timedwait(&f->policy_heard, &f->policy_lock,
					    &until);
	*ret = f->proposed;
	if (!f->proposed)
		rc = -EAGAIN;
	else
		rc = f->is_void ? somebody_else(reterr) : 0;
	pthread_mutex_unlock(&f->policy_lock);
	return rc;
}

/* It is stored as seq, and news did not say so. As hear_it(). */
static int ask_for_it(struct fleet *f, uint64_t seq, uint64_t *ret,
		      struct err *reterr)
{
	struct err err;

	if (watch_stored(f, STREAM_POLICY, seq, &err) < 0)
		link_again(f);
	return hear_it(f, 0, ret, reterr);
}

/* Once. 0 and *ret, -EAGAIN: no answer; or refused. */
static int send_it(struct fleet *f, struct proposal *p, uint64_t *ret,
		   struct err *reterr)
{
	char subject[SUBJECT_MAX], denied[ERR_TEXT_MAX];
	uint64_t before = link_denials(f, denied, sizeof denied);
	jsPubAck *ack = NULL;
	jsErrCode code = 0;
	jsPubOptions o;
	natsStatus s;
	int rc;

	(void)jsPubOptions_Init(&o);
	o.MaxWait = FLEET_ANSWER_MS;
	o.MsgId = p->id;
	o.ExpectLastSubjectSeq = p->expect;
	o.ExpectNoMessage = p->expect == 0;
	s = js_Publish(&ack, f->js, subject_policy(f->name, subject),
		       p->message, (int)p->len, &o, &code);
	rc = hear_it(f, s == NATS_OK || p->again ? FLEET_HEAR_MS : 0, ret,
		     reterr);
	p->again = true;
	if (rc == -EAGAIN && s == NATS_OK)
		rc = ask_for_it(f, ack->Sequence, ret, reterr);
	jsPubAck_Destroy(ack);
	if (rc != -EAGAIN)
		return rc;
	if (link_denials(f, denied, sizeof denied) != before)
		return err_set(reterr, EACCES, NULL,
			       "this node may not change the fleet's policy: "
			       "%s",
			       denied);
	if (code == JSStreamWrongLastSequenceErr) {
		link_again(f); /* there is what was not heard here */
		return somebody_else(reterr);
	}
	return err_set(reterr, EAGAIN, NULL, "%s", natsStatus_GetText(s));
}

void fleet_do_propose(struct fleet *f, const struct order *o)
{
	struct fleet_news n = { .kind = FLEET_PROPOSED, .token = o->token };
	usec_t begin = clock_now();
	struct proposal p = { .message = NULL };
	int rc = write_it(f, o, &p, &n.err);

	if (rc == 0)
		rc = send_it(f, &p, &n.revision, &n.err);
	while (rc == -EAGAIN &&
	       usec_since(clock_now(), begin) < FLEET_PROPOSE_MS * 1000ULL &&
	       fleet_pause(f, FLEET_AGAIN_MS))
		rc = send_it(f, &p, &n.revision, &n.err);
	if (rc == -EAGAIN)
		(void)err_set(&n.err, ETIMEDOUT, NULL,
			      "the fleet's servers have not said that it is "
			      "stored; it may be");
	if (rc == 0)
		n.err = (struct err){ 0 };
	free(p.message);
	fleet_news_put(f, &n);
}
