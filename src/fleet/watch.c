/*
 * What is heard of the buckets, each message once and in the order in which it was
 * stored. It comes in two ways: the servers say again what they have stored (news),
 * which is quick, and may be lost; and what is behind the last sequence can be asked
 * for, message by message (ADR-31, direct get), whenever one is missing, a server is
 * there again, or a while has gone by. There are no consumers that could be lost with
 * a server, and a node needs no permission to make any.
 *
 * A direct get is answered by the nearest copy of the stream, which may be behind, and
 * for long (nats-server 2.9.10 tells of some that stall while they catch up). How far the
 * stream is, news tell, and its leader now and then (`there`); what the copy still does
 * not have of that a while later, the leader is asked for. Not at once: where servers have
 * much to do all copies are behind, and a leader that all nodes ask has more. News that
 * come before what they follow wait for it (ahead.h).
 *
 * Where news do not come at all (a server that was not told by the others who listens to
 * them) looking finds what was stored; it is done more often then, until some come.
 *
 * A leader that is cut off from the others goes on as one until it notices
 * (FLEET_LESS_MS), and has less than was heard. Only who has less for longer is believed, as
 * servers that were restored from a backup do.
 *
 * Of a backlog only the policy's last version is told: those before it are nobody's
 * wish any more.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "fleet/fleet_own.h"
#include "fleet/pack.h"

#define NS_PER_USEC 1000ULL

/* A message of a bucket, wherever it comes from; borrowed. */
struct heard {
	enum stream stream;
	uint64_t seq, at_us;
	const char *subject;
	natsMsg *m;
};

/* --- the policy ------------------------------------------------------------------ */

/*
 * It is read anew. What was told stays told: of one stream nothing older is told behind
 * it, wherever the reading stops for a while. The policy's lock is held.
 */
static void forget_version(struct fleet *f)
{
	version_done(&f->version);
	json_decref(f->about);
	f->about = NULL;
	f->start = (struct version_start){ 0 };
	f->is_whole = false;
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

/* The policy's lock is held. */
static int take_version(struct fleet *f, const struct heard *h,
			struct err *reterr)
{
	json_t *about = NULL;
	char *id = NULL;
	int rc;

	rc = version_read(&f->version, &f->start, h->seq, natsMsg_GetData(h->m),
			  (size_t)natsMsg_GetDataLength(h->m), &id, &about,
			  reterr);
	if (rc >= 0)
		note_proposed(f, id, h->seq, rc > 0);
	else if (rc == -EPROTO || rc == -E2BIG)
		rc = 1; /* nobody's; what is before it may be */
	if (rc == 0) {
		json_decref(f->about);
		f->about = json_incref(about);
	}
	free(id);
	json_decref(about);
	return rc < 0 ? rc : 0;
}

/* The version that there is now, if it is a later one than was told. */
static void tell_version(struct fleet *f)
{
	struct fleet_news n = { .kind = FLEET_POLICY };

	pthread_mutex_lock(&f->policy_lock);
	n.revision = f->version.revision;
	if (f->is_whole && n.revision > f->told) {
		n.text = strdup(f->version.text);
		n.len = f->version.len;
		/* another thread's from now on */
		n.about = json_deep_copy(f->about);
		f->told = n.revision;
	} else {
		n.revision = 0;
	}
	pthread_mutex_unlock(&f->policy_lock);
	if (n.revision)
		fleet_news_put(f, &n);
}

/* --- nodes ------------------------------------------------------------------------- */

static bool is_deletion(natsMsg *m)
{
	const char *what = NULL;

	return natsMsgHeader_Get(m, "KV-Operation", &what) == NATS_OK && what &&
	       strcmp(what, "PUT") != 0;
}

/* There may be many, of which each becomes large: it is unpacked by who needs it. */
static void take_packed(natsMsg *m, struct fleet_news *n)
{
	n->len = (size_t)natsMsg_GetDataLength(m);
	n->text = n->len <= LEARNED_MESSAGE_MAX ? malloc(n->len + 1) : NULL;
	if (n->text)
		memcpy(n->text, natsMsg_GetData(m), n->len);
	else
		(void)err_set(&n->err,
			      n->len > LEARNED_MESSAGE_MAX ? E2BIG : ENOMEM,
			      NULL, "what it learned has %zu bytes", n->len);
}

static void take_node(struct fleet *f, const struct heard *h)
{
	struct fleet_news n = { .kind = FLEET_NODE, .at_us = h->at_us };

	if (!subject_read_key(f->name, h->subject, &n.key, n.node))
		return;
	/* one that is damaged is told as that */
	if (is_deletion(h->m))
		n.text = NULL;
	else if (h->stream == STREAM_LEARNED)
		take_packed(h->m, &n);
	else
		n.text = unpack_text(natsMsg_GetData(h->m),
				     (size_t)natsMsg_GetDataLength(h->m),
				     &n.len, &n.err);
	fleet_news_put(f, &n);
}

/* The next of its bucket. hear_lock is held. */
static int take(struct fleet *f, const struct heard *h, struct err *reterr)
{
	int rc;

	f->heard[h->stream] = h->seq;
	if (h->stream != STREAM_POLICY) {
		take_node(f, h);
		return 0;
	}
	pthread_mutex_lock(&f->policy_lock);
	rc = take_version(f, h, reterr);
	if (rc == -ESTALE) { /* from the beginning of what is kept */
		forget_version(f);
		f->heard[STREAM_POLICY] = 0;
	}
	pthread_mutex_unlock(&f->policy_lock);
	return rc;
}

/* What came before it was its turn, as far as it is now. hear_lock is held. */
static int take_ahead(struct fleet *f, enum stream s, struct err *reterr)
{
	struct ahead *a = &f->ahead[s];
	struct heard h = { .stream = s };
	int rc = 0;

	ahead_pass(a, f->heard[s]);
	while (a->n > 0 && rc >= 0) {
		h.seq = f->heard[s] + 1;
		h.m = ahead_take(a, h.seq, &h.at_us);
		if (!h.m)
			break;
		if (natsMsgHeader_Get(h.m, "Nats-Subject", &h.subject) ==
		    NATS_OK)
			rc = take(f, &h, reterr);
		natsMsg_Destroy(h.m);
	}
	return rc;
}

/* --- news ------------------------------------------------------------------------------ */

uint64_t watch_number_of(natsMsg *m, const char *header)
{
	const char *text = NULL;

	return natsMsgHeader_Get(m, header, &text) == NATS_OK && text
		       ? strtoull(text, NULL, 10)
		       : 0;
}

static bool is_of(const struct fleet *f, natsMsg *m, enum stream *ret)
{
	const char *name = NULL;
	char own[SUBJECT_MAX];

	if (natsMsgHeader_Get(m, "Nats-Stream", &name) != NATS_OK || !name)
		return false;
	for (int s = STREAM_POLICY; s <= STREAM_NODES; s++)
		if (strcmp(name, stream_name(f->name, (enum stream)s, own)) ==
		    0) {
			*ret = (enum stream)s;
			return true;
		}
	return false;
}

/* false: the message is none of a bucket's. */
static bool read_news(const struct fleet *f, natsMsg *m, struct heard *ret)
{
	*ret = (struct heard){ .seq = watch_number_of(m, "Nats-Sequence"),
			       .at_us = clock_unix_us(),
			       .m = m };
	return ret->seq && is_of(f, m, &ret->stream) &&
	       natsMsgHeader_Get(m, "Nats-Subject", &ret->subject) == NATS_OK &&
	       ret->subject;
}

/* In its turn; what follows it may be there already. hear_lock is held. */
static void take_news(struct fleet *f, const struct heard *h)
{
	struct err err = { 0 };
	int rc = take(f, h, &err);

	if (rc >= 0)
		rc = take_ahead(f, h->stream, &err);
	if (rc < 0)
		link_amiss(f);
	else if (h->stream == STREAM_POLICY)
		tell_version(f);
}

/*
 * Before its turn. What is missing is asked for as soon as that is known; while it is
 * asked for, others may come, which are kept. Takes h->m if true. hear_lock is held.
 */
static bool keep_news(struct fleet *f, const struct heard *h)
{
	struct ahead *a = &f->ahead[h->stream];
	bool first = a->n == 0;
	int rc = ahead_keep(a, f->heard[h->stream], h->seq, h->at_us, h->m);

	if (rc < 0)
		f->n_no_room++;
	if (first || rc < 0)
		link_missed(f);
	return rc > 0;
}

void watch_on_news(natsConnection *nc, natsSubscription *sub, natsMsg *m,
		   void *closure)
{
	struct listening *l = closure;
	struct fleet *f = l->fleet;
	struct heard h;
	bool kept = false;

	if (read_news(f, m, &h)) {
		pthread_mutex_lock(&f->hear_lock);
		if (h.seq >= f->found[h.stream])
			f->found[h.stream] = 0;
		if (h.seq == f->heard[h.stream] + 1)
			take_news(f, &h);
		else if (h.seq > f->heard[h.stream])
			kept = keep_news(f, &h);
		pthread_mutex_unlock(&f->hear_lock);
	}
	if (!kept)
		natsMsg_Destroy(m);
}

/* --- catching up ------------------------------------------------------------------------- */

static int failed(struct fleet *f, const char *what, natsStatus s,
		  struct err *reterr)
{
	char denied[ERR_TEXT_MAX];

	if (s == NATS_NO_RESPONDERS)
		return err_set(reterr, EAGAIN, NULL,
			       "%s: the fleet's streams are not there yet; the "
			       "first editor's node makes them",
			       what);
	if (link_denials(f, denied, sizeof denied) > 0)
		return err_set(reterr, EACCES, NULL, "%s: %s", what, denied);
	return err_set(reterr, EIO, NULL, "%s: %s", what,
		       natsStatus_GetText(s));
}

/* ".6Z", which may be left out. */
static uint64_t usec_of_fraction(const char *text)
{
	uint64_t us = 0;

	if (*text++ != '.')
		return 0;
	for (uint64_t digit = USEC_PER_SEC / 10; digit; digit /= 10) {
		if (*text < '0' || *text > '9')
			break;
		us += digit * (uint64_t)(*text++ - '0');
	}
	return us;
}

/* "2026-12-01T10:59:23.6Z" as microseconds since 1970; 0: it is none. */
uint64_t watch_time_of(natsMsg *m)
{
	const char *text = NULL, *end;
	struct tm tm = { 0 };

	if (natsMsgHeader_Get(m, "Nats-Time-Stamp", &text) != NATS_OK || !text)
		return 0;
	end = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	return end ? (uint64_t)timegm(&tm) * USEC_PER_SEC +
			       usec_of_fraction(end)
		   : 0;
}

/* The first message behind `after`, which the caller destroys; NULL: the copy has none. */
static int ask_copy(struct fleet *f, enum stream s, uint64_t after,
		    natsMsg **ret, struct err *reterr)
{
	char subject[2 * SUBJECT_MAX], stream[SUBJECT_MAX], of[SUBJECT_MAX];
	char question[2 * SUBJECT_MAX];
	const char *status = NULL;
	natsStatus rc;

	*ret = NULL;
	(void)snprintf(subject, sizeof subject, "$JS.API.DIRECT.GET.%s",
		       stream_name(f->name, s, stream));
	(void)snprintf(question, sizeof question,
		       "{\"seq\":%llu,\"next_by_subj\":\"%s\"}",
		       (unsigned long long)after + 1,
		       stream_subjects(f->name, s, of));
	rc = natsConnection_RequestString(ret, f->nc, subject, question,
					  FLEET_ANSWER_MS);
	if (rc != NATS_OK)
		return failed(f, stream, rc, reterr);
	if (natsMsgHeader_Get(*ret, "Status", &status) != NATS_OK)
		return 0;
	rc = strcmp(status, "404") == 0 ? NATS_OK : NATS_ERR;
	if (rc != NATS_OK)
		(void)err_set(reterr, EIO, NULL, "%s: status %s", stream,
			      status);
	natsMsg_Destroy(*ret);
	*ret = NULL;
	return rc == NATS_OK ? 0 : -EIO;
}

/* The same of the stream's leader; the numbers up to `there` are all it may have. */
static int ask_leader(struct fleet *f, enum stream s, uint64_t after,
		      natsMsg **ret, struct err *reterr)
{
	struct stream_state *there = &f->there[s];
	char stream[SUBJECT_MAX];
	jsErrCode code = 0;
	natsStatus rc;

	*ret = NULL;
	(void)stream_name(f->name, s, stream);
	for (uint64_t seq = after + 1; seq <= there->last; seq++) {
		if (seq < there->first)
			seq = there->first;
		rc = js_GetMsg(ret, f->js, stream, seq, NULL, &code);
		if (rc == NATS_OK)
			return 0;
		if (rc != NATS_NOT_FOUND)
			return failed(f, stream, rc, reterr);
	}
	there->last = after; /* the rest is gone */
	pthread_mutex_lock(&f->hear_lock);
	if (s <= STREAM_NODES)
		f->ahead[s].last = after;
	pthread_mutex_unlock(&f->hear_lock);
	return 0;
}

/* The copy has nothing behind `after`, and did not for a while. */
static bool is_behind(struct fleet *f, enum stream s, uint64_t after)
{
	struct behind *b = &f->behind[s];

	if (after >= f->there[s].last || b->after != after || !b->is) {
		*b = (struct behind){ .is = after < f->there[s].last,
				      .after = after,
				      .since = clock_now() };
		return false;
	}
	return usec_since(clock_now(), b->since) >= FLEET_BEHIND_MS * 1000ULL;
}

/* The next, of whom has it; h->m is the caller's, NULL: there is none. */
static int ask_next(struct fleet *f, uint64_t after, struct heard *h,
		    struct err *reterr)
{
	int rc = ask_copy(f, h->stream, after, &h->m, reterr);

	if (rc < 0)
		return rc;
	if (h->m) {
		h->seq = watch_number_of(h->m, "Nats-Sequence");
		h->at_us = watch_time_of(h->m);
		if (natsMsgHeader_Get(h->m, "Nats-Subject", &h->subject) !=
		    NATS_OK)
			h->subject = NULL;
		return 0;
	}
	if (!is_behind(f, h->stream, after))
		return 0;
	rc = ask_leader(f, h->stream, after, &h->m, reterr);
	if (rc < 0 || !h->m)
		return rc;
	/* and so for what follows */
	f->behind[h->stream].after = natsMsg_GetSequence(h->m);
	h->seq = natsMsg_GetSequence(h->m);
	h->at_us = (uint64_t)natsMsg_GetTime(h->m) / NS_PER_USEC;
	h->subject = natsMsg_GetSubject(h->m);
	return 0;
}

/* hear_lock is held. */
static void note_found(struct fleet *f, enum stream s, uint64_t seq)
{
	if (!f->looking || s > STREAM_NODES)
		return;
	f->found[s] = seq;
	f->n_found++;
}

/* 1: there was one more; 0: there is none. */
static int take_next(struct fleet *f, enum stream s, struct err *reterr)
{
	struct heard h = { .stream = s };
	uint64_t after;
	int rc;

	pthread_mutex_lock(&f->hear_lock);
	after = f->heard[s];
	if (s <= STREAM_NODES && f->ahead[s].last > f->there[s].last)
		f->there[s].last = f->ahead[s].last;
	pthread_mutex_unlock(&f->hear_lock);
	rc = ask_next(f, after, &h, reterr);
	if (rc < 0 || !h.m)
		return rc;
	if (h.seq <= after || !h.subject) {
		natsMsg_Destroy(h.m);
		return err_set(reterr, EPROTO, NULL,
			       "a server's answer is none");
	}
	pthread_mutex_lock(&f->hear_lock);
	/* else news were quicker */
	if (h.seq > f->heard[s]) {
		note_found(f, s, h.seq);
		rc = take(f, &h, reterr);
	}
	if (rc >= 0 && s <= STREAM_NODES)
		rc = take_ahead(f, s, reterr);
	pthread_mutex_unlock(&f->hear_lock);
	natsMsg_Destroy(h.m);
	return rc < 0 ? rc : 1;
}

static int catch_up(struct fleet *f, enum stream s, struct err *reterr)
{
	int rc;

	do {
		rc = take_next(f, s, reterr);
	} while (rc > 0);
	if (s != STREAM_POLICY || rc < 0)
		return rc;
	pthread_mutex_lock(&f->hear_lock);
	pthread_mutex_lock(&f->policy_lock);
	f->is_whole = true;
	pthread_mutex_unlock(&f->policy_lock);
	tell_version(f);
	pthread_mutex_unlock(&f->hear_lock);
	return rc;
}

int watch_state(struct fleet *f, struct err *reterr)
{
	return take_next(f, STREAM_STATES, reterr);
}

int watch_learned(struct fleet *f, struct err *reterr)
{
	return take_next(f, STREAM_LEARNED, reterr);
}

void watch_learned_from(struct fleet *f, const struct stream_state *now,
			bool anyway)
{
	pthread_mutex_lock(&f->hear_lock);
	if (anyway || f->created[STREAM_LEARNED] != now->created ||
	    f->heard[STREAM_LEARNED] > now->last)
		f->heard[STREAM_LEARNED] = 0;
	f->created[STREAM_LEARNED] = now->created;
	f->there[STREAM_LEARNED] = *now;
	pthread_mutex_unlock(&f->hear_lock);
}

static int watch_catch_up(struct fleet *f, struct err *reterr)
{
	int rc = catch_up(f, STREAM_POLICY, reterr);

	return rc < 0 ? rc : catch_up(f, STREAM_NODES, reterr);
}

/* Something that is stored; or news of what is. */
static bool misses(struct fleet *f)
{
	bool is = false;

	pthread_mutex_lock(&f->hear_lock);
	for (int s = 0; s <= STREAM_NODES; s++)
		is |= f->heard[s] < f->there[s].last || f->found[s];
	pthread_mutex_unlock(&f->hear_lock);
	return is;
}

/* What news have not told; anew: and then they are listened to anew, at any rate. */
static int look_for(struct fleet *f, bool missed, bool anew, struct err *reterr)
{
	uint64_t before = f->n_found;
	int rc;

	f->looking = !missed;
	rc = watch_catch_up(f, reterr);
	f->looking = false;
	if (rc < 0 || (!anew && f->n_found == before))
		return rc;
	rc = listen_anew(f, reterr);
	return rc < 0 ? rc : watch_catch_up(f, reterr);
}

int watch_stored(struct fleet *f, enum stream s, uint64_t seq,
		 struct err *reterr)
{
	if (f->there[s].last < seq)
		f->there[s].last = seq;
	return look_for(f, false, false, reterr);
}

int watch_look(struct fleet *f, bool missed, bool of_leader, struct err *reterr)
{
	struct stream_state now;
	int rc = 0;

	for (int s = 0; s <= STREAM_NODES && of_leader && rc == 0; s++) {
		rc = streams_find_one(f, (enum stream)s, false, &now, reterr);
		if (rc == 0 && now.created != f->there[s].created)
			rc = err_set(reterr, ESTALE, NULL,
				     "a stream was made anew");
		if (rc == 0)
			f->there[s] = now;
	}
	if (rc == 0)
		rc = look_for(f, missed, of_leader, reterr);
	return rc < 0 ? rc : misses(f);
}

/* --- beginning ---------------------------------------------------------------------------- */

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

/* What was sent is not in another stream, nor where it has expired. */
static void compare_sent(struct fleet *f,
			 const struct stream_state now[static STREAM__MAX])
{
	for (int s = 0; s < STREAM_LEARNED; s++)
		if (f->there[s].created != now[s].created ||
		    now[s].first > f->sent[s] || now[s].last < f->sent[s])
			f->sent[s] = 0;
}

/*
 * Streams that were made anew count from 1 again: what was known is of others. before:
 * what was heard when it was asked how far they are; meanwhile there may be more.
 */
static void compare(struct fleet *f, const uint64_t before[static STREAM__MAX],
		    const struct stream_state now[static STREAM__MAX])
{
	compare_sent(f, now);
	pthread_mutex_lock(&f->hear_lock);
	for (int s = 0; s < STREAM_LEARNED; s++) {
		f->there[s] = now[s];
		if (f->created[s] == now[s].created && before[s] <= now[s].last)
			continue;
		f->created[s] = now[s].created;
		f->heard[s] = 0;
		if (s <= STREAM_NODES) {
			ahead_done(&f->ahead[s]);
			f->found[s] = 0;
		}
		if (s != STREAM_POLICY)
			continue;
		pthread_mutex_lock(&f->policy_lock);
		forget_version(f);
		f->told = 0;
		pthread_mutex_unlock(&f->policy_lock);
	}
	pthread_mutex_lock(&f->policy_lock);
	if (f->version.revision == 0)
		f->start = (struct version_start){
			.purged = purged(&now[STREAM_POLICY])
		};
	pthread_mutex_unlock(&f->policy_lock);
	pthread_mutex_unlock(&f->hear_lock);
}

/* There was none when it was asked for; one that was heard since counts. */
static void tell_none(struct fleet *f, const struct stream_state *now)
{
	struct fleet_news none = { .kind = FLEET_POLICY };

	pthread_mutex_lock(&f->hear_lock);
	if (now->n == 0 && f->heard[STREAM_POLICY] <= now->last)
		fleet_news_put(f, &none);
	pthread_mutex_unlock(&f->hear_lock);
}

/* -EAGAIN: somebody has less of a stream than was heard, and has not had it for long. */
static int believe(struct fleet *f, const uint64_t before[static STREAM__MAX],
		   const struct stream_state now[static STREAM__MAX],
		   struct err *reterr)
{
	char stream[SUBJECT_MAX];
	int less = -1;

	for (int s = 0; s < STREAM_LEARNED; s++)
		if (f->created[s] == now[s].created && now[s].last < before[s])
			less = s;
	if (less < 0 || !f->sees_less)
		f->less_since = clock_now();
	f->sees_less = less >= 0;
	if (less < 0 ||
	    usec_since(clock_now(), f->less_since) >= FLEET_LESS_MS * 1000ULL)
		return 0;
	return err_set(reterr, EAGAIN, NULL,
		       "stream %s: the servers have less of it than was heard",
		       stream_name(f->name, (enum stream)less, stream));
}

int watch_begin(struct fleet *f, struct err *reterr)
{
	struct stream_state now[STREAM__MAX] = { 0 };
	uint64_t before[STREAM__MAX];
	int rc = listen_begin(f, reterr);

	pthread_mutex_lock(&f->hear_lock);
	memcpy(before, f->heard, sizeof before);
	pthread_mutex_unlock(&f->hear_lock);
	if (rc == 0)
		rc = streams_find(f, now, reterr);
	if (rc == 0)
		rc = believe(f, before, now, reterr);
	if (rc < 0)
		return rc;
	compare(f, before, now);
	tell_none(f, &now[STREAM_POLICY]);
	return watch_catch_up(f, reterr);
}
