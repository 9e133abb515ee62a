/*
 * The sources that the agent would have, asked by the code that the agent has for it
 * (src/runtime): all at a time, for DOCTOR_RUNTIMES_S. Who listed what runs
 * by then is there; who did not is told with what went wrong, or that he hangs.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "doctor/checks.h"
#include "runtime/runtime.h"
#include "runtime/version.h"

struct heard {
	bool up, listed, down;
	unsigned found, unreadable;
	char why[RUNTIME_TEXT_MAX];
};

static void take(struct heard *heard, struct runtime_news *news)
{
	struct heard *h = &heard[news->source];

	switch (news->kind) {
	case NEWS_UP: h->up = true; break;
	case NEWS_LIST_END: h->listed = true; break;
	case NEWS_FOUND: h->found++; break;
	case NEWS_UNREADABLE: h->unreadable++; break;
	case NEWS_DOWN:
		h->down = true;
		memcpy(h->why, news->text, sizeof h->why);
		break;
	default: break;
	}
	runtime_news_done(news);
}

static bool all_settled(const struct heard *heard, size_t n)
{
	for (size_t k = 0; k < n; k++)
		if (!heard[k].listed && !heard[k].down)
			return false;
	return true;
}

static unsigned wait_of(const struct doctor *d)
{
	return d->options->wait_s ? d->options->wait_s : DOCTOR_RUNTIMES_S;
}

static int listen_to_all(const struct doctor *d, struct heard *heard,
			 struct err *reterr)
{
	const struct config *c = &d->config;
	usec_t end = usec_add(clock_now(), wait_of(d) * USEC_PER_SEC);
	struct runtimes *r = runtimes_new(c->runtimes, c->n_runtimes, reterr);
	struct runtime_news news;

	if (!r)
		return -reterr->code;
	while (!all_settled(heard, c->n_runtimes)) {
		struct pollfd p = { .fd = runtimes_fd(r), .events = POLLIN };
		usec_t now = clock_now();

		if (!usec_before(now, end))
			break;
		(void)poll(&p, 1, (int)(usec_since(end, now) / 1000) + 1);
		while (runtimes_next(r, &news))
			take(heard, &news);
	}
	runtimes_free(r);
	return 0;
}

static void tell_one(struct doctor *d, const struct runtime_spec *spec,
		     const struct heard *h)
{
	struct doctor_check c = { .name = runtime_kind_name(spec->kind) };
	char version[RUNTIME_VERSION_MAX] = "";
	struct stat st;

	if (stat(spec->path, &st) < 0 && errno == ENOENT) {
		doctor_tell(d, &c, "%s: nothing is there; it is waited for",
			    spec->path);
		return;
	}
	if (h->listed) {
		(void)runtime_version(spec, DOCTOR_VERSIONS_MS, version, NULL);
		if (h->unreadable) {
			c.result = DOCTOR_LIMITED;
			c.means = "those are guarded by their devices, but "
				  "not known by name";
			c.todo = "weir doctor as root; else weir-agent's log";
		}
		doctor_tell(d, &c,
			    "%s: answers%s%s; %u run, %u of them "
			    "unreadable",
			    spec->path, version[0] ? ", " : "", version,
			    h->found + h->unreadable, h->unreadable);
		return;
	}
	c.result = h->down && geteuid() != 0 ? DOCTOR_NOT_LOOKED
					     : DOCTOR_LIMITED;
	c.means = "its containers are guarded by their devices, but not known "
		  "by name: they are in no group but their own";
	c.todo = geteuid() != 0 ? DOCTOR_AS_ROOT
				: "see to the runtime, or take it out of "
				  "runtimes: in the configuration";
	if (h->down)
		doctor_tell(d, &c, "%s: %s", spec->path, h->why);
	else
		doctor_tell(d, &c, "%s: hangs: no answer in %u s", spec->path,
			    wait_of(d));
}

void doctor_runtimes(struct doctor *d)
{
	const struct config *c = &d->config;
	struct heard heard[RUNTIMES_MAX] = { { 0 } };
	struct err err = { 0 };

	d->group = "runtimes";
	if (listen_to_all(d, heard, &err) < 0) {
		doctor_tell(
			d,
			&(struct doctor_check){ .name = "sources",
						.result = DOCTOR_NOT_LOOKED },
			"%s", err.text);
		return;
	}
	for (size_t n = 0; n < c->n_runtimes; n++)
		tell_one(d, &c->runtimes[n], &heard[n]);
}
