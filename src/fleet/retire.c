/*
 * Servers have one group of them all, which decides what is kept where, and that counts
 * who is gone: of four three are needed, and with one more lost nothing could be decided.
 * So the group is told ($JS.API.SERVER.REMOVE), and gives the streams' shares to others.
 * Whether they have them is asked of all: each tells what streams it leads and how far
 * those are that follow it.
 */
#include "fleet/retire.h"

#include <errno.h>
#include <jansson.h>
#include <nats/nats.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#define CONNECT_MS 5000
/* A group without a leader finds one within so long. */
#define REMOVE_US 20000000ULL
#define COPY_US	  60000000ULL
#define ANSWER_MS 1000
#define PAUSE_MS  200
/* NATS's own: it is no member. */
#define NOT_MEMBER 10044

static const char remove_subject[] = "$JS.API.SERVER.REMOVE";
static const char look_subject[] = "$SYS.REQ.SERVER.PING.JSZ";

static natsStatus describe(const struct fleet_admin *admin, natsOptions *o)
{
	natsStatus s = natsOptions_SetServers(
		o, (const char **)(uintptr_t)admin->servers,
		(int)admin->n_servers);

	if (s == NATS_OK)
		s = natsOptions_SetTimeout(o, CONNECT_MS);
	if (s == NATS_OK)
		s = natsOptions_SetSecure(o, true);
	if (s == NATS_OK)
		s = natsOptions_SetCATrustedCertificates(o, admin->ca);
	if (s == NATS_OK)
		s = natsOptions_SetCertificatesChain(o, admin->cert,
						     admin->key);
	/* where its user may be answered */
	if (s == NATS_OK)
		s = natsOptions_SetCustomInboxPrefix(o, "_INBOX.admin");
	return s;
}

static int connect_to(const struct fleet_admin *admin, natsConnection **ret,
		      struct err *reterr)
{
	natsOptions *o = NULL;
	natsStatus s = natsOptions_Create(&o);

	if (s == NATS_OK)
		s = describe(admin, o);
	if (s == NATS_OK)
		s = natsConnection_Connect(ret, o);
	natsOptions_Destroy(o);
	if (s == NATS_OK)
		return 0;
	return err_set(reterr, ENOTCONN, NULL,
		       "no server lets us in: %s; they need the users.conf "
		       "that was written with --remove-server, and a reload",
		       natsStatus_GetText(s));
}

static json_t *read_answer(natsMsg *m)
{
	/* they write -1 as 2^64 - 1, which is no integer of jansson's */
	return json_loadb(natsMsg_GetData(m), (size_t)natsMsg_GetDataLength(m),
			  JSON_DECODE_INT_AS_REAL, NULL);
}

/* --- out of the group -------------------------------------------------------------- */

/* 0; -EAGAIN: nobody leads them yet; else *reterr says it. */
static int remove_once(natsConnection *nc, const char *question, unsigned ms,
		       struct err *reterr)
{
	const char *text = "?";
	natsMsg *m = NULL;
	json_t *v, *error;
	double code = 0;
	int rc;
	natsStatus s = natsConnection_RequestString(&m, nc, remove_subject,
						    question, ms);

	if (s != NATS_OK)
		return err_set(reterr, EAGAIN, NULL,
			       "the servers say nothing "
			       "of it: %s",
			       natsStatus_GetText(s));
	v = read_answer(m);
	natsMsg_Destroy(m);
	error = json_object_get(v, "error");
	(void)json_unpack(error, "{s?F, s?s}", "err_code", &code, "description",
			  &text);
	if (json_is_true(json_object_get(v, "success")) ||
	    (int)code == NOT_MEMBER)
		rc = 0;
	else
		rc = err_set(reterr, EIO, NULL, "the servers refuse: %s", text);
	json_decref(v);
	return rc;
}

static int remove_from_group(natsConnection *nc, const char *server,
			     struct err *reterr)
{
	usec_t until = usec_add(clock_now(), REMOVE_US);
	json_t *v = json_pack("{s:s}", "peer", server);
	char *question = v ? json_dumps(v, JSON_COMPACT) : NULL;
	int rc = question ? -EAGAIN
			  : err_set(reterr, ENOMEM, NULL, "out of memory");

	while (rc == -EAGAIN && usec_before(clock_now(), until)) {
		rc = remove_once(nc, question, 5 * ANSWER_MS, reterr);
		if (rc == -EAGAIN)
			nats_Sleep(PAUSE_MS);
	}
	free(question);
	json_decref(v);
	return rc;
}

/* --- has everybody what there is? ----------------------------------------------------- */

struct look {
	const char *retired;
	size_t answers, streams;
	bool lacks; /* somebody is not as far as who leads it, or it is gone */
};

static void look_at_stream(struct look *l, const char *server,
			   const json_t *stream)
{
	const json_t *cluster = json_object_get(stream, "cluster"), *r;
	const char *leader =
		json_string_value(json_object_get(cluster, "leader"));
	size_t i;

	/* one alone has no cluster, and nobody to copy to */
	if (cluster && (!leader || strcmp(leader, server) != 0)) {
		l->lacks |= !leader || strcmp(leader, l->retired) == 0;
		return;
	}
	l->streams++;
	json_array_foreach (json_object_get(cluster, "replicas"), i, r) {
		const char *name =
			json_string_value(json_object_get(r, "name"));

		l->lacks |= !json_is_true(json_object_get(r, "current")) ||
			    !name || strcmp(name, l->retired) == 0;
	}
}

static void look_at_answer(struct look *l, const json_t *v)
{
	const json_t *account, *stream, *data = json_object_get(v, "data");
	const char *server = json_string_value(
		json_object_get(json_object_get(v, "server"), "name"));
	size_t i, j;

	/* it may end only now */
	if (!server || !data || strcmp(server, l->retired) == 0)
		return;
	l->answers++;
	json_array_foreach (json_object_get(data, "account_details"), i,
			    account)
		json_array_foreach (json_object_get(account, "stream_detail"),
				    j, stream)
			look_at_stream(l, server, stream);
}

/* Asks all once; what is heard in time counts. */
static natsStatus look_once(natsConnection *nc, size_t n_servers,
			    unsigned round, struct look *l)
{
	usec_t until = usec_add(clock_now(), ANSWER_MS * 1000ULL);
	natsSubscription *sub = NULL;
	char inbox[64];
	natsMsg *m;
	natsStatus s;

	(void)snprintf(inbox, sizeof inbox, "_INBOX.admin.look.%ld.%u",
		       (long)getpid(), round);
	s = natsConnection_SubscribeSync(&sub, nc, inbox);
	if (s == NATS_OK)
		s = natsConnection_PublishRequestString(
			nc, look_subject, inbox,
			"{\"accounts\":true,\"streams\":true}");
	while (s == NATS_OK && l->answers < n_servers &&
	       usec_before(clock_now(), until) &&
	       natsSubscription_NextMsg(&m, sub, ANSWER_MS) == NATS_OK) {
		json_t *v = read_answer(m);

		natsMsg_Destroy(m);
		look_at_answer(l, v);
		json_decref(v);
	}
	natsSubscription_Destroy(sub);
	return s;
}

static int wait_for_copies(natsConnection *nc, const struct fleet_admin *admin,
			   const char *server, struct err *reterr)
{
	usec_t until = usec_add(clock_now(), COPY_US);
	natsStatus s = NATS_OK;
	unsigned round = 0;

	while (s == NATS_OK && usec_before(clock_now(), until)) {
		struct look l = { .retired = server };

		s = look_once(nc, admin->n_servers, round++, &l);
		if (s == NATS_OK && l.answers == admin->n_servers && !l.lacks)
			return 0;
		nats_Sleep(PAUSE_MS);
	}
	if (s != NATS_OK)
		return err_set(reterr, EIO, NULL,
			       "the servers were not asked: "
			       "%s",
			       natsStatus_GetText(s));
	return err_set(reterr, EAGAIN, NULL,
		       "%s counts no more, but the others do not have all of "
		       "its share yet, or one of them does not answer: try "
		       "again",
		       server);
}

int fleet_retire(const struct fleet_admin *admin, const char *server,
		 struct err *reterr)
{
	natsConnection *nc = NULL;
	int rc = connect_to(admin, &nc, reterr);

	if (rc == 0)
		rc = remove_from_group(nc, server, reterr);
	if (rc == 0)
		rc = wait_for_copies(nc, admin, server, reterr);
	natsConnection_Destroy(nc);
	return rc;
}
