/*
 * A thread a kind, as a runtime's source:
 *
 *   list, page by page ─▶ its version ─▶ watch from there ─┐
 *        ▲                                  ▲   │ ended     │ broken, or refused:
 *        │ 410: forgotten since when        └───┘           │ down, wait
 *        └──────────────────────────────────────────────────┘
 *
 * The version outlives what breaks, so that a server that comes back tells what
 * changed meanwhile. The token's file is read for each request, since kubelet writes
 * another one before the first runs out; a watch that has begun goes on until the
 * server ends it.
 *
 * Lists are read in pages and from the store (no resourceVersion): the server's
 * cache would give all at once, whatever limit was asked for.
 */
#include "runtime/kubernetes.h"

#include <curl/curl.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/bug.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/limits_kubernetes.h"
#include "base/mailbox.h"
#include "base/text.h"
#include "runtime/http.h"
#include "runtime/kubernetes_read.h"

struct follower {
	struct kube *kube;
	enum kube_kind kind;
	pthread_t thread;
	struct http *http;
	char version[KUBE_VERSION_MAX]; /* to go on from; "": list */
	bool up;
	char why_down[RUNTIME_TEXT_MAX]; /* as told */
	unsigned failures;		 /* in a row */
};

struct kube {
	struct mailbox box;
	int stop_fd;
	char *server, *token_file, *ca_file, *node; /* the latter two NULL */
	size_t n;				    /* threads that run */
	struct follower followers[KUBE_KIND__MAX];
};

static const char *const kind_names[] = {
	[KUBE_NAMESPACES] = "namespaces",
	[KUBE_PODS] = "pods",
	[KUBE_POLICIES] = "networkpolicies",
};
_Static_assert(sizeof kind_names / sizeof *kind_names == KUBE_KIND__MAX,
	       "one name a kind");

const char *kube_kind_name(enum kube_kind k)
{
	BUG_ON((unsigned)k >= KUBE_KIND__MAX);
	return kind_names[k];
}

/* --- telling ---------------------------------------------------------- */

/* Takes about. 0, or -ECANCELED. */
static int tell(struct follower *f, enum news_kind kind, const char *id,
		json_t *about, const char *text)
{
	struct runtime_news news = { .kind = kind,
				     .source = (unsigned)f->kind,
				     .about = about,
				     .ns.fd = -1 };

	(void)snprintf(news.id, sizeof news.id, "%s", id);
	(void)snprintf(news.text, sizeof news.text, "%s", text);
	return mailbox_put(&f->kube->box, &news);
}

static int tell_up(struct follower *f)
{
	f->failures = 0;
	if (f->up)
		return 0;
	f->up = true;
	f->why_down[0] = '\0';
	return tell(f, NEWS_UP, "", NULL, "");
}

static int tell_down(struct follower *f, const char *why)
{
	if (!f->up && strcmp(f->why_down, why) == 0)
		return 0;
	f->up = false;
	(void)snprintf(f->why_down, sizeof f->why_down, "%s", why);
	return tell(f, NEWS_DOWN, "", NULL, why);
}

/* Takes what o has. */
static int tell_object(struct follower *f, struct kube_object *o)
{
	json_t *about = o->about;

	o->about = NULL;
	return tell(f, about ? NEWS_FOUND : NEWS_GONE, o->uid, about, "");
}

/* --- asking ----------------------------------------------------------- */

static void add_escaped(struct text *to, const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~";

	for (; *text; text++)
		if (strchr(plain, *text))
			text_add(to, text, 1);
		else
			text_addf(to, "%%%02X", (unsigned char)*text);
}

/* Up to the '?' and what of all there is it is about. */
static void begin_path(const struct follower *f, struct text *path)
{
	text_add_word(path, f->kind == KUBE_POLICIES
				    ? "/apis/networking.k8s.io/v1/"
				    : "/api/v1/");
	text_add_word(path, kind_names[f->kind]);
	text_add_word(path, "?");
	if (f->kind != KUBE_PODS)
		return;
	text_add_word(path, "fieldSelector=");
	add_escaped(path, "status.phase!=Succeeded,status.phase!=Failed");
	if (f->kube->node) {
		add_escaped(path, ",spec.nodeName=");
		add_escaped(path, f->kube->node);
	}
	text_add_word(path, "&");
}

/* "authorization: Bearer TOKEN", to be freed. NULL and *reterr. */
static char *read_token(const struct follower *f, struct err *reterr)
{
	size_t len = 0;
	char *text = file_load(f->kube->token_file, KUBE_TOKEN_MAX, &len,
			       reterr),
	     *header;

	if (!text)
		return NULL;
	while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
		text[--len] = '\0';
	for (size_t k = 0; k < len; k++)
		if (text[k] <= ' ' || text[k] > '~')
			len = 0;
	header = len > 0 ? malloc(len + 32) : NULL;
	if (header)
		(void)snprintf(header, len + 32, "authorization: Bearer %s",
			       text);
	else
		/* NULL says that it failed */
		(void)err_set(reterr, EBADMSG, NULL, "%s: no token is in it",
			      f->kube->token_file);
	explicit_bzero(text, strlen(text));
	free(text);
	return header;
}

static void forget_token(char *header)
{
	if (header)
		explicit_bzero(header, strlen(header));
	free(header);
}

static int refused(const struct follower *f, long status, struct err *reterr)
{
	const char *name = kind_names[f->kind];

	switch (status) {
	case 401:
		return err_set(reterr, EACCES, NULL,
			       "401: it does not accept the token");
	case 403:
		return err_set(reterr, EACCES, NULL,
			       "403: this account may not list and watch %s",
			       name);
	case 410:
		return err_set(reterr, ESTALE, NULL, "410: %s are too old",
			       name);
	default:
		return err_set(reterr, EPROTO, NULL, "it answers %ld to %s",
			       status, name);
	}
}

static int ask(struct follower *f, const char *path, struct http_answer *ret,
	       struct err *reterr)
{
	char *token = read_token(f, reterr);
	const char *headers[] = { token, "accept: application/json", NULL };
	struct http_request q = { .path = path,
				  .headers = headers,
				  .max = KUBE_PAGE_BYTES_MAX };
	int r;

	if (!token)
		return -reterr->code;
	r = http_ask(f->http, &q, ret, reterr);
	forget_token(token);
	if (r == 0 && ret->status != 200) {
		r = refused(f, ret->status, reterr);
		http_answer_done(ret);
	}
	return r;
}

/* --- listing ---------------------------------------------------------- */

static int tell_page(struct follower *f, const struct kube_page *p)
{
	struct kube_object o;
	json_t *v;
	size_t n;
	int r = 0;

	json_array_foreach (p->items, n, v) {
		if (kube_read_object(f->kind, v, &o, NULL) < 0 && !o.uid[0])
			continue; /* of such a one nothing can be told */
		if (r == 0 && o.about)
			r = tell_object(f, &o);
		kube_object_done(&o);
		if (r < 0)
			break;
	}
	return r;
}

/* more: token of the page; "": the first. */
static int list_page(struct follower *f, const char *more,
		     struct kube_page *ret, struct err *reterr)
{
	struct http_answer a = { 0 };
	struct text t = { 0 };
	char *path;
	int r;

	begin_path(f, &t);
	text_addf(&t, "limit=%d", KUBE_PAGE_OBJECTS);
	if (more[0]) {
		text_add_word(&t, "&continue=");
		add_escaped(&t, more);
	}
	path = text_take(&t);
	r = path ? ask(f, path, &a, reterr)
		 : err_set(reterr, ENOMEM, NULL, "out of memory");
	free(path);
	if (r == 0)
		r = kube_read_page(a.body, a.len, ret, reterr);
	http_answer_done(&a);
	return r;
}

/* All pages are of one version: the last one tells it, too. */
static int list(struct follower *f, struct err *reterr)
{
	struct kube_page p = { .whole = NULL };
	char more[KUBE_CONTINUE_MAX] = "";
	unsigned pages = 0;
	int r;

	do {
		r = list_page(f, more, &p, reterr);
		if (r == 0 && pages == 0)
			r = tell(f, NEWS_LIST_BEGIN, "", NULL, "");
		if (r == 0)
			r = tell_page(f, &p);
		if (r == 0 && p.more &&
		    (strlen(p.more) >= sizeof more ||
		     ++pages >= KUBE_PAGES_MAX))
			r = err_set(reterr, E2BIG, NULL,
				    "its list has too many pages");
		(void)snprintf(more, sizeof more, "%s",
			       r == 0 && p.more ? p.more : "");
		if (r == 0)
			memcpy(f->version, p.version, sizeof f->version);
		kube_page_done(&p);
	} while (more[0]);
	if (r < 0) {
		f->version[0] = '\0';
		return r;
	}
	return tell(f, NEWS_LIST_END, "", NULL, "");
}

/* --- watching --------------------------------------------------------- */

static int begin_watch(struct follower *f, struct err *reterr)
{
	char *path, *token = read_token(f, reterr);
	const char *headers[] = { token, "accept: application/json", NULL };
	struct http_request q = { .headers = headers,
				  .max = KUBE_WATCH_BYTES_MAX };
	struct text t = { 0 };
	long status;
	int r;

	if (!token)
		return -reterr->code;
	begin_path(f, &t);
	text_addf(&t,
		  "watch=1&allowWatchBookmarks=true&timeoutSeconds=%d"
		  "&resourceVersion=%s",
		  KUBE_WATCH_S, f->version);
	q.path = path = text_take(&t);
	r = path ? http_follow(f->http, &q, true, reterr)
		 : err_set(reterr, ENOMEM, NULL, "out of memory");
	free(path);
	forget_token(token);
	status = http_stream_status(f->http);
	return r < 0 && status != 0 && status != 200
		       ? refused(f, status, reterr)
		       : r;
}

static int take_event(struct follower *f, const char *line, size_t len,
		      struct err *reterr)
{
	struct kube_object o;
	enum kube_event e = kube_read_event(f->kind, line, len, &o, reterr);
	int r = 0;

	switch (e) {
	case KUBE_EVENT_SET: r = tell_object(f, &o); break;
	case KUBE_EVENT_BOOKMARK: break;
	case KUBE_EVENT_EXPIRED: r = -ESTALE; break;
	case KUBE_EVENT_FAILED:
	case KUBE_EVENT_BAD: r = -EPROTO; break;
	}
	if (r == 0 && o.version[0])
		memcpy(f->version, o.version, sizeof f->version);
	kube_object_done(&o);
	return r;
}

/* Until it ends: 0, as it should; -ESTALE: list again. */
static int watch(struct follower *f, struct err *reterr)
{
	usec_t last =
		usec_add(clock_now(), KUBE_WATCH_S * USEC_PER_SEC +
					      KUBE_WATCH_GRACE_MS * 1000ULL);
	int r = begin_watch(f, reterr);

	if (r == 0)
		r = tell_up(f);
	while (r == 0) {
		uint64_t left_us = usec_since(last, clock_now());
		const char *line;
		size_t len;

		r = http_next(f->http, kube_split, (int)(left_us / 1000), &line,
			      &len, reterr);
		if (r == 1)
			r = take_event(f, line, len, reterr);
		else if (r == 0)
			r = err_set(reterr, ETIMEDOUT, NULL,
				    "it hangs: a watch does not end");
	}
	/* it ended, or the connection: which, the next one tells */
	return r == -EPIPE ? 0 : r;
}

/* --- threads ---------------------------------------------------------- */

static int wait_ms(const struct follower *f, int ms)
{
	struct pollfd p = { .fd = f->kube->stop_fd, .events = POLLIN };

	return poll(&p, 1, ms) > 0 ? -ECANCELED : 0;
}

static int session(struct follower *f, struct err *reterr)
{
	int r = 0;

	while (r == 0) {
		bool listed = !f->version[0];

		if (listed)
			r = list(f, reterr);
		if (r == 0)
			r = watch(f, reterr);
		if (r == -ESTALE) {
			f->version[0] = '\0';
			/* a server that always says so is one that fails */
			r = listed ? r : 0;
		}
		if (r == 0)
			r = wait_ms(f, KUBE_AGAIN_MS);
	}
	return r;
}

/* All agents of a cluster lose their server at once, and must not ask at once. */
static int pause_ms(struct follower *f)
{
	unsigned chance = 0;
	int ms = KUBE_RETRY_LONG_MS;

	if (f->failures < 6)
		ms = KUBE_RETRY_MS << f->failures++;
	if (getrandom(&chance, sizeof chance, GRND_NONBLOCK) < 0)
		chance = (unsigned)clock_now().us;
	return ms / 2 + (int)(chance % (unsigned)(ms / 2 + 1));
}

static void *follow_main(void *arg)
{
	struct follower *f = arg;
	int r = 0;

	while (r != -ECANCELED) {
		struct err why = { 0 };

		f->http = http_new_tls(f->kube->server, f->kube->ca_file,
				       f->kube->stop_fd, &why);
		r = f->http ? session(f, &why) : -ENOMEM;
		http_free(f->http);
		if (r != -ECANCELED)
			r = tell_down(f, why.text);
		if (r != -ECANCELED)
			r = wait_ms(f, pause_ms(f));
	}
	return NULL;
}

static int start(struct kube *k, enum kube_kind kind, struct err *reterr)
{
	struct follower *f = &k->followers[kind];
	sigset_t all, before;
	int rc;

	f->kube = k;
	f->kind = kind;
	sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before); /* cannot fail */
	rc = pthread_create(&f->thread, NULL, follow_main, f);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc != 0)
		return err_set(reterr, rc, NULL, "thread for %s: %s",
			       kind_names[kind], strerror(rc));
	k->n++;
	return 0;
}

static void news_done(void *item)
{
	runtime_news_done(item);
}

static int init(struct kube *k, const struct kube_spec *spec,
		struct err *reterr)
{
	k->server = strdup(spec->server);
	k->token_file = strdup(spec->token_file);
	k->ca_file = spec->ca_file ? strdup(spec->ca_file) : NULL;
	k->node = spec->node ? strdup(spec->node) : NULL;
	if (!k->server || !k->token_file || !k->ca_file != !spec->ca_file ||
	    !k->node != !spec->node)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	k->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (k->stop_fd < 0)
		return err_set(reterr, errno, NULL, "eventfd: %s",
			       strerror(errno));
	return mailbox_init(&k->box, sizeof(struct runtime_news),
			    RUNTIME_NEWS_MAX, news_done, reterr);
}

struct kube *kube_new(const struct kube_spec *spec, struct err *reterr)
{
	struct kube *k = NULL;
	int rc;

	/* counted by libcurl, and safe in any thread of ours */
	if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK)
		k = calloc(1, sizeof *k);
	if (!k) {
		/* NULL says that it failed */
		(void)err_set(reterr, ENOMEM, NULL, "out of memory");
		return NULL;
	}
	k->stop_fd = -1;
	rc = init(k, spec, reterr);
	for (unsigned kind = 0; rc == 0 && kind < KUBE_KIND__MAX; kind++)
		rc = start(k, kind, reterr);
	if (rc == 0)
		return k;
	kube_free(k);
	return NULL;
}

void kube_free(struct kube *k)
{
	uint64_t one = 1;

	if (!k)
		return;
	if (k->n > 0) {
		BUG_ON(write(k->stop_fd, &one, sizeof one) != sizeof one);
		mailbox_close(&k->box);
	}
	for (size_t n = 0; n < k->n; n++)
		BUG_ON(pthread_join(k->followers[n].thread, NULL) != 0);
	mailbox_done(&k->box);
	if (k->stop_fd >= 0)
		close(k->stop_fd);
	free(k->server);
	free(k->token_file);
	free(k->ca_file);
	free(k->node);
	free(k);
	curl_global_cleanup();
}

int kube_fd(const struct kube *k)
{
	return k->box.fd;
}

bool kube_next(struct kube *k, struct runtime_news *ret)
{
	return mailbox_take(&k->box, ret);
}
