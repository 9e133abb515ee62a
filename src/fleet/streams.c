/*
 * The buckets are as any client of NATS makes its key-value stores (ADR-8 of
 * nats-architecture-and-design), so that `nats kv` reads them.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fleet/fleet_own.h"

#define DAY_NS (86400LL * 1000000000LL)
/* So long the servers know a message again that was sent twice. */
#define AGAIN_NS (120LL * 1000000000LL)

static void describe(const struct fleet *f, enum stream s, jsStreamConfig *c)
{
	bool is_kv = s != STREAM_EVENTS && s != STREAM_FLOWS;

	c->Storage = js_FileStorage;
	c->Replicas = f->replicas;
	c->MaxMsgSize = s == STREAM_LEARNED ? LEARNED_MESSAGE_MAX
					    : FLEET_MESSAGE_MAX;
	c->AllowDirect = true;
	c->Duplicates = AGAIN_NS;
	if (is_kv) {
		c->MaxMsgsPerSubject = s == STREAM_POLICY ? FLEET_HISTORY : 1;
		c->Discard = js_DiscardNew;
		c->DenyDelete = true;
		/* else who may write one key could wipe all */
		c->AllowRollup = false;
		return;
	}
	c->Discard = js_DiscardOld;
	c->MaxAge = DAY_NS * (s == STREAM_EVENTS ? f->spec.events_days
						 : f->spec.flows_days);
	c->MaxBytes = (int64_t)(s == STREAM_EVENTS ? f->spec.events_bytes
						   : f->spec.flows_bytes);
}

static int refused(struct fleet *f, const char *name, natsStatus s,
		   struct err *reterr)
{
	char denied[ERR_TEXT_MAX];

	if (link_denials(f, denied, sizeof denied) > 0)
		return err_set(reterr, EACCES, NULL, "%s: %s", name, denied);
	return err_set(reterr, EIO, NULL, "stream %s: %s", name,
		       natsStatus_GetText(s));
}

static natsStatus make(struct fleet *f, enum stream s, const char *name,
		       jsStreamInfo **ret)
{
	char subjects[SUBJECT_MAX];
	const char *list[1] = { stream_subjects(f->name, s, subjects) };
	char source[SUBJECT_MAX], news[SUBJECT_MAX];
	jsStreamConfig c;
	jsRePublish again;
	natsStatus rc = jsStreamConfig_Init(&c);

	c.Name = name;
	c.Subjects = list;
	c.SubjectsLen = 1;
	describe(f, s, &c);
	if (s == STREAM_POLICY || s == STREAM_NODES) {
		(void)jsRePublish_Init(&again);
		again.Source = stream_subjects(f->name, s, source);
		again.Destination = stream_news(f->name, s, news);
		c.RePublish = &again;
	}
	return rc == NATS_OK ? js_AddStream(ret, f->js, &c, NULL, NULL) : rc;
}

int streams_find_one(struct fleet *f, enum stream s, bool makes,
		     struct stream_state *ret, struct err *reterr)
{
	char name[SUBJECT_MAX];
	jsStreamInfo *info = NULL;
	jsErrCode code = 0;
	natsStatus rc;

	(void)stream_name(f->name, s, name);
	rc = js_GetStreamInfo(&info, f->js, name, NULL, &code);
	if (rc == NATS_NOT_FOUND || code == JSStreamNotFoundErr) {
		if (!makes)
			return err_set(reterr, ENOENT, NULL,
				       "stream %s: there is none", name);
		rc = make(f, s, name, &info);
	}
	if (rc != NATS_OK)
		return refused(f, name, rc, reterr);
	*ret = (struct stream_state){ .created = info->Created,
				      .first = info->State.FirstSeq,
				      .last = info->State.LastSeq,
				      .n = info->State.Msgs };
	jsStreamInfo_Destroy(info);
	return 0;
}

int streams_find(struct fleet *f, struct stream_state ret[static STREAM__MAX],
		 struct err *reterr)
{
	int rc = 0;

	for (int s = 0; s < STREAM_LEARNED && rc == 0; s++)
		rc = streams_find_one(f, (enum stream)s, true, &ret[s], reterr);
	return rc;
}
