#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fleet/fleet_own.h"

void link_again(struct fleet *f)
{
	pthread_mutex_lock(&f->lock);
	f->again = true;
	pthread_cond_broadcast(&f->wake);
	pthread_mutex_unlock(&f->lock);
}

void link_missed(struct fleet *f)
{
	pthread_mutex_lock(&f->lock);
	f->missed = true;
	pthread_cond_broadcast(&f->wake);
	pthread_mutex_unlock(&f->lock);
}

void link_amiss(struct fleet *f)
{
	pthread_mutex_lock(&f->lock);
	f->up = f->told_up = false;
	f->again = f->amiss = true;
	pthread_cond_broadcast(&f->wake);
	pthread_mutex_unlock(&f->lock);
}

uint64_t link_denials(struct fleet *f, char *buf, size_t size)
{
	uint64_t n;

	pthread_mutex_lock(&f->lock);
	n = f->denials;
	(void)snprintf(buf, size, "%s", f->denied);
	pthread_mutex_unlock(&f->lock);
	return n;
}

/* --- called by the library --------------------------------------------------- */

static void on_up(natsConnection *nc, void *closure)
{
	struct fleet *f = closure;

	pthread_mutex_lock(&f->lock);
	f->connected = true;
	f->again = true;
	pthread_cond_broadcast(&f->wake);
	pthread_mutex_unlock(&f->lock);
}

static void on_down(natsConnection *nc, void *closure)
{
	struct fleet *f = closure;

	pthread_mutex_lock(&f->lock);
	f->connected = false;
	pthread_cond_broadcast(&f->wake);
	pthread_mutex_unlock(&f->lock);
}

static void on_closed(natsConnection *nc, void *closure)
{
	struct fleet *f = closure;

	pthread_mutex_lock(&f->lock);
	f->connected = false;
	f->closed = true;
	pthread_cond_broadcast(&f->wake);
	pthread_mutex_unlock(&f->lock);
}

static void on_error(natsConnection *nc, natsSubscription *sub, natsStatus s,
		     void *closure)
{
	struct fleet *f = closure;
	const char *text = NULL;

	if (s != NATS_NOT_PERMITTED) {
		/* a gap, or a server that is silent: what was missed is asked for */
		link_again(f);
		return;
	}
	(void)natsConnection_GetLastError(nc, &text);
	pthread_mutex_lock(&f->lock);
	if (learned_is_denied(f, text)) {
		f->learned_denials++;
		pthread_cond_broadcast(&f->wake);
		pthread_mutex_unlock(&f->lock);
		return;
	}
	f->denials++;
	(void)snprintf(f->denied, sizeof f->denied, "%s",
		       text ? text : natsStatus_GetText(s));
	pthread_cond_broadcast(&f->wake);
	pthread_mutex_unlock(&f->lock);
}

/* --- opening -------------------------------------------------------------------- */

static natsStatus set_servers(natsOptions *o, const struct fleet_spec *spec)
{
	/* the library takes char * and copies */
	return natsOptions_SetServers(o,
				      (const char **)(uintptr_t)spec->servers,
				      (int)spec->n_servers);
}

static natsStatus set_calls(natsOptions *o, struct fleet *f)
{
	natsStatus s = natsOptions_SetReconnectedCB(o, on_up, f);

	if (s == NATS_OK)
		s = natsOptions_SetRetryOnFailedConnect(o, true, on_up, f);
	if (s == NATS_OK)
		s = natsOptions_SetDisconnectedCB(o, on_down, f);
	if (s == NATS_OK)
		s = natsOptions_SetClosedCB(o, on_closed, f);
	if (s == NATS_OK)
		s = natsOptions_SetErrorHandler(o, on_error, f);
	return s;
}

static natsStatus set_times(natsOptions *o, struct fleet *f)
{
	char inbox[SUBJECT_MAX];
	natsStatus s = natsOptions_SetMaxReconnect(o, -1);

	(void)snprintf(inbox, sizeof inbox, "_INBOX.%s", f->node);
	if (s == NATS_OK)
		s = natsOptions_SetCustomInboxPrefix(o, inbox);
	if (s == NATS_OK)
		s = natsOptions_SetName(o, f->node);
	if (s == NATS_OK)
		s = natsOptions_SetReconnectWait(o, FLEET_AGAIN_MS);
	if (s == NATS_OK)
		s = natsOptions_SetReconnectJitter(o, FLEET_AGAIN_MS,
						   FLEET_AGAIN_MS);
	if (s == NATS_OK)
		s = natsOptions_SetTimeout(o, FLEET_ANSWER_MS);
	/* a server that is silent for two of them is gone */
	if (s == NATS_OK)
		s = natsOptions_SetPingInterval(o, 2L * FLEET_ANSWER_MS);
	if (s == NATS_OK)
		s = natsOptions_UseGlobalMessageDelivery(o, true);
	return s;
}

static int set_tls(natsOptions *o, const struct fleet_spec *spec,
		   struct err *reterr)
{
	const char *const files[] = { spec->ca, spec->cert, spec->key };
	natsStatus s = natsOptions_SetSecure(o, true);

	for (size_t i = 0; i < sizeof files / sizeof *files; i++)
		if (!files[i] || access(files[i], R_OK) < 0)
			return err_set(reterr, files[i] ? errno : EINVAL,
				       files[i] ? files[i] : "cluster",
				       "cannot be read: ca, cert and key are "
				       "needed together");
	if (s == NATS_OK)
		s = natsOptions_LoadCATrustedCertificates(o, spec->ca);
	if (s == NATS_OK)
		s = natsOptions_LoadCertificatesChain(o, spec->cert, spec->key);
	if (s == NATS_OK)
		return 0;
	return err_set(reterr, s == NATS_NO_MEMORY ? ENOMEM : EINVAL, "cluster",
		       "its certificates: %s", natsStatus_GetText(s));
}

/* What a server that goes at the wrong moment fails with; it is tried again. */
static bool is_of_moment(natsStatus s)
{
	switch (s) {
	case NATS_CONNECTION_CLOSED:
	case NATS_CONNECTION_DISCONNECTED:
	case NATS_IO_ERROR:
	case NATS_NO_SERVER:
	case NATS_STALE_CONNECTION:
	case NATS_TIMEOUT: return true;
	default: return false;
	}
}

static void set_closed(struct fleet *f, bool closed)
{
	pthread_mutex_lock(&f->lock);
	f->closed = closed;
	pthread_cond_broadcast(&f->wake);
	pthread_mutex_unlock(&f->lock);
}

/* The server has understood that nobody listens any more, before it hears of the next. */
static void say_goodbye(struct fleet *f)
{
	bool connected;

	pthread_mutex_lock(&f->lock);
	connected = f->connected;
	pthread_mutex_unlock(&f->lock);
	listen_no_more(f);
	if (connected)
		(void)natsConnection_FlushTimeout(f->nc, FLEET_ANSWER_MS);
}

/* Waits for the library's last word. */
static void drop(struct fleet *f)
{
	jsCtx_Destroy(f->js);
	if (f->nc) {
		say_goodbye(f);
		natsConnection_Close(f->nc);
		pthread_mutex_lock(&f->lock);
		while (!f->closed)
			pthread_cond_wait(&f->wake, &f->lock);
		pthread_mutex_unlock(&f->lock);
	}
	natsConnection_Destroy(f->nc);
	f->nc = NULL;
	f->js = NULL;
}

static int begin(struct fleet *f, struct err *reterr)
{
	natsStatus s = natsConnection_Connect(&f->nc, f->options);

	if (s == NATS_OK) {
		on_up(f->nc, f);
	} else if (is_of_moment(s)) {
		set_closed(f, true);
		return 0;
	} else if (s != NATS_NOT_YET_CONNECTED) {
		return err_set(reterr, s == NATS_NO_MEMORY ? ENOMEM : EINVAL,
			       "cluster.servers", "%s", natsStatus_GetText(s));
	}
	s = natsConnection_JetStream(&f->js, f->nc, NULL);
	if (s == NATS_OK)
		return 0;
	drop(f);
	return err_set(reterr, ENOMEM, "cluster", "%s", natsStatus_GetText(s));
}

static int make_options(struct fleet *f, const struct fleet_spec *spec,
			natsOptions **ret, struct err *reterr)
{
	natsOptions *o = NULL;
	natsStatus s = natsOptions_Create(&o);
	int rc = 0;

	if (s == NATS_OK)
		s = set_servers(o, spec);
	if (s == NATS_OK)
		s = set_calls(o, f);
	if (s == NATS_OK)
		s = set_times(o, f);
	if (s == NATS_OK && (spec->ca || spec->cert || spec->key))
		rc = set_tls(o, spec, reterr);
	if (s != NATS_OK)
		rc = err_set(reterr, s == NATS_NO_MEMORY ? ENOMEM : EINVAL,
			     "cluster.servers", "%s", natsStatus_GetText(s));
	if (rc < 0)
		natsOptions_Destroy(o);
	else
		*ret = o;
	return rc;
}

int link_open(struct fleet *f, const struct fleet_spec *spec,
	      struct err *reterr)
{
	int rc = make_options(f, spec, &f->options, reterr);

	return rc < 0 ? rc : begin(f, reterr);
}

int link_change(struct fleet *f, const struct fleet_spec *spec,
		struct err *reterr)
{
	natsOptions *next = NULL, *before;
	int rc = make_options(f, spec, &next, reterr);

	if (rc < 0)
		return rc;
	pthread_mutex_lock(&f->lock);
	before = f->next_options;
	f->next_options = next;
	pthread_cond_broadcast(&f->wake);
	pthread_mutex_unlock(&f->lock);
	natsOptions_Destroy(before);
	return 0;
}

static void end(struct fleet *f)
{
	drop(f);
	listen_end(f);
}

int link_reopen(struct fleet *f, struct err *reterr)
{
	natsOptions *next;
	int rc;

	end(f);
	pthread_mutex_lock(&f->lock);
	next = f->next_options;
	f->next_options = NULL;
	pthread_mutex_unlock(&f->lock);
	if (next) {
		natsOptions_Destroy(f->options);
		f->options = next;
	}
	set_closed(f, false);
	rc = begin(f, reterr);
	if (rc < 0)
		set_closed(f, true); /* and is tried again */
	return rc;
}

void link_close(struct fleet *f)
{
	end(f);
	natsOptions_Destroy(f->options);
	natsOptions_Destroy(f->next_options);
}
