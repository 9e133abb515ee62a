/*
 * Starts and ends the sources. A thread waits only where stop_fd wakes it: in
 * poll(2) beside its sockets, or for room in the mailbox; so runtimes_free()
 * has to wait for none of the runtimes. Signals are left to the main thread.
 */
#include "runtime/runtime.h"

#include <curl/curl.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/bug.h"
#include "base/mailbox.h"
#include "runtime/source.h"

struct runtimes {
	struct mailbox box;
	int stop_fd;
	struct netns own;
	size_t n; /* sources that run */
	struct source sources[RUNTIMES_MAX];
};

static const char *const kind_names[] = {
	[RUNTIME_DOCKER] = "docker",	     [RUNTIME_PODMAN] = "podman",
	[RUNTIME_CONTAINERD] = "containerd", [RUNTIME_CRI] = "cri",
	[RUNTIME_NETNS] = "netns",
};
_Static_assert(sizeof kind_names / sizeof *kind_names == RUNTIME_KIND__MAX,
	       "one name a kind");

const char *runtime_kind_name(enum runtime_kind k)
{
	BUG_ON((unsigned)k >= RUNTIME_KIND__MAX);
	return kind_names[k];
}

int runtime_kind_parse(const char *name, enum runtime_kind *ret,
		       struct err *reterr)
{
	for (unsigned k = 0; k < RUNTIME_KIND__MAX; k++)
		if (strcmp(name, kind_names[k]) == 0) {
			*ret = k;
			return 0;
		}
	return err_set(reterr, EINVAL, NULL,
		       "no such runtime: \"%.40s\" (docker, podman, "
		       "containerd, cri, netns)",
		       name);
}

static void *source_main(void *arg)
{
	source_run(arg);
	return NULL;
}

static int start(struct runtimes *r, const struct runtime_spec *spec,
		 struct err *reterr)
{
	struct source *s = &r->sources[r->n];
	sigset_t all, before;
	int rc;

	*s = (struct source){
		.index = (unsigned)r->n,
		.kind = spec->kind,
		.path = strdup(spec->path),
		.box = &r->box,
		.stop_fd = r->stop_fd,
		.own = &r->own,
	};
	if (!s->path)
		return err_set(reterr, ENOMEM, NULL, "out of memory");
	sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before); /* cannot fail */
	rc = pthread_create(&s->thread, NULL, source_main, s);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc != 0) {
		free(s->path);
		return err_set(reterr, rc, NULL, "thread for %s: %s",
			       spec->path, strerror(rc));
	}
	r->n++;
	return 0;
}

static void news_done(void *item)
{
	runtime_news_done(item);
}

static int init(struct runtimes *r, struct err *reterr)
{
	int rc = netns_open_self(&r->own, reterr);

	if (rc < 0)
		return rc;
	r->stop_fd = eventfd(0, EFD_CLOEXEC);
	if (r->stop_fd < 0)
		return err_set(reterr, errno, NULL, "eventfd: %s",
			       strerror(errno));
	return mailbox_init(&r->box, sizeof(struct runtime_news),
			    RUNTIME_NEWS_MAX, news_done, reterr);
}

struct runtimes *runtimes_new(const struct runtime_spec *specs, size_t n,
			      struct err *reterr)
{
	struct runtimes *r = NULL;

	BUG_ON(n > RUNTIMES_MAX);
	/* counted by libcurl, and safe in any thread of ours */
	if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK)
		r = calloc(1, sizeof *r);
	if (!r) {
		(void)err_set(reterr, ENOMEM, NULL, "out of memory");
		return NULL;
	}
	r->stop_fd = -1;
	r->own.fd = -1;
	if (init(r, reterr) < 0)
		goto fail;
	for (size_t i = 0; i < n; i++)
		if (start(r, &specs[i], reterr) < 0)
			goto fail;
	return r;
fail:
	runtimes_free(r);
	return NULL;
}

void runtimes_free(struct runtimes *r)
{
	uint64_t one = 1;

	if (!r)
		return;
	if (r->n > 0) {
		BUG_ON(write(r->stop_fd, &one, sizeof one) != sizeof one);
		mailbox_close(&r->box);
	}
	for (size_t i = 0; i < r->n; i++) {
		BUG_ON(pthread_join(r->sources[i].thread, NULL) != 0);
		free(r->sources[i].path);
	}
	mailbox_done(&r->box);
	if (r->stop_fd >= 0)
		close(r->stop_fd);
	netns_done(&r->own);
	free(r);
	curl_global_cleanup();
}

int runtimes_fd(const struct runtimes *r)
{
	return r->box.fd;
}

bool runtimes_next(struct runtimes *r, struct runtime_news *ret)
{
	return mailbox_take(&r->box, ret);
}

void runtime_news_done(struct runtime_news *news)
{
	json_decref(news->about);
	netns_done(&news->ns);
	news->about = NULL;
}
