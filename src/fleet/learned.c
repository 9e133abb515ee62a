/*
 * The bucket of what was learned. A fleet that was made before there was one has
 * servers whose users.conf does not speak of it: then nothing is told, and the rest
 * goes on, and it is tried again now and then: servers that read another users.conf
 * keep their connections.
 *
 * To be denied something takes as long to notice as an answer that does not come; but a
 * server says so before it answers a ping, so what may be done is found out with an
 * empty word and a ping.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fleet/fleet_own.h"

bool learned_is_denied(const struct fleet *f, const char *text)
{
	char stream[SUBJECT_MAX], key[SUBJECT_MAX];

	(void)stream_name(f->name, STREAM_LEARNED, stream);
	(void)snprintf(key, sizeof key, "$KV.%s-learned.", f->name);
	return text && (strstr(text, stream) || strstr(text, key));
}

/* Looks that are left out, FLEET_LOOK_MS each, after it was denied. */
#define DENIED_LOOKS 11

static uint64_t denials(struct fleet *f)
{
	uint64_t n;

	pthread_mutex_lock(&f->lock);
	n = f->learned_denials;
	pthread_mutex_unlock(&f->lock);
	return n;
}

/*
 * The library's last error is of that; but is it of just now? Then its thread for
 * errors says so in a moment.
 */
static bool denied_since(struct fleet *f, uint64_t before)
{
	struct timespec until = fleet_in_ms(FLEET_ANSWER_MS);
	bool is;
	int rc = 0;

	pthread_mutex_lock(&f->lock);
	while (f->learned_denials == before && !f->ending && rc == 0)
		rc = pthread_cond_timedwait(&f->wake, &f->lock, &until);
	is = f->learned_denials != before;
	pthread_mutex_unlock(&f->lock);
	return is;
}

/*
 * May it ask that? 1, 0, or -EIO. Without a reply it is no question to JetStream,
 * which does nothing about it.
 */
static int may(struct fleet *f, const char *form, struct err *reterr)
{
	char stream[SUBJECT_MAX], subject[2 * SUBJECT_MAX];
	uint64_t before = denials(f);
	const char *last = NULL;
	natsStatus s;

	(void)snprintf(subject, sizeof subject, "$JS.API.%s.%s", form,
		       stream_name(f->name, STREAM_LEARNED, stream));
	s = natsConnection_PublishString(f->nc, subject, "");
	if (s == NATS_OK)
		s = natsConnection_FlushTimeout(f->nc, FLEET_ANSWER_MS);
	if (s != NATS_OK)
		return err_set(reterr, EIO, NULL, "%s", natsStatus_GetText(s));
	(void)natsConnection_GetLastError(f->nc, &last);
	return !(last && strstr(last, subject) && strstr(last, "ermission") &&
		 denied_since(f, before));
}

/* What there is; what is wrong for a while only is tried again with the next look. */
static int look(struct fleet *f, bool *ret_reads, struct stream_state *ret,
		struct err *reterr)
{
	int rc = may(f, "STREAM.INFO", reterr);

	if (rc == 0)
		return err_set(
			reterr, EACCES, NULL,
			"the servers' users.conf does not let nodes tell "
			"each other what they learned: it is of a former "
			"version; weir fleet init FOLDER --users "
			"writes it anew");
	if (rc > 0)
		rc = may(f, "DIRECT.GET", reterr);
	if (rc < 0)
		return rc;
	*ret_reads = rc > 0;
	rc = streams_find_one(f, STREAM_LEARNED, *ret_reads, ret, reterr);
	return rc == -EACCES ? -EIO : rc; /* of something else */
}

void learned_find(struct fleet *f)
{
	struct fleet_news n = { .kind = FLEET_LEARNING };
	struct stream_state now = { 0 };
	bool same;
	int rc;

	rc = look(f, &n.may, &now, &n.err);
	f->learned_skip = rc == -EACCES ? DENIED_LOOKS : 0;
	if (rc == -EACCES && !f->learned_told_denied) {
		f->learned_told_denied = true;
		f->learned_told = 0;
		fleet_news_put(f, &n);
	}
	if (rc < 0)
		return;
	same = f->learned_told == now.created && f->learned_told_reads == n.may;
	watch_learned_from(f, &now, !same);
	pthread_mutex_lock(&f->lock);
	f->learned_there = true;
	f->learned_reads = n.may;
	pthread_mutex_unlock(&f->lock);
	if (same)
		return;
	f->learned_told = now.created;
	f->learned_told_reads = n.may;
	f->learned_told_denied = false;
	fleet_news_put(f, &n);
}

void learned_find_again(struct fleet *f)
{
	if (f->learned_there)
		return;
	if (f->learned_skip > 0)
		f->learned_skip--;
	else
		learned_find(f);
}

void learned_read(struct fleet *f, const struct order *o)
{
	struct fleet_news n = { .kind = FLEET_HEARD, .token = o->token };
	int rc = 1;

	if (!f->learned_there || !f->learned_reads)
		rc = err_set(&n.err, EAGAIN, NULL,
			     "the servers do not show what others learned");
	for (int i = 0; i < LEARNED_AT_ONCE && rc > 0; i++)
		rc = watch_learned(f, &n.err);
	if (rc < 0) { /* it may be gone: it is looked for again */
		pthread_mutex_lock(&f->lock);
		f->learned_there = false;
		pthread_mutex_unlock(&f->lock);
	}
	n.may = rc > 0;
	fleet_news_put(f, &n);
}
