/*
 * A session with a Docker Engine or a Podman service. Events are asked for
 * first, then all that runs is listed: what begins or ends meanwhile waits as
 * an event. An event says only that something may have changed, and with which
 * container; what is true now its inspection tells. So an event may come late,
 * twice, or for nothing.
 *
 *   /version ─▶ /events (stays) ─▶ list, look at each ─┐
 *                          ┌───────────────────────────┘
 *                          └─▶ event: look at one ◀─▶ every 30 s: list, look at
 *                                                     what differs
 *
 * "since" closes the gap between the request for events and the moment that
 * Docker takes it up.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "runtime/docker_read.h"
#include "runtime/http.h"
#include "runtime/look.h"
#include "runtime/source.h"

/* Until who failed is asked once more. */
#define AGAIN_MS 200

struct docker {
	struct source *source;
	struct http *http;
	struct look look;
	char version[16];
};

/* {"type":["container"]}; {"status":["running","paused"]} */
static const char only_containers[] =
	"%7B%22type%22%3A%5B%22container%22%5D%7D";
static const char only_running[] =
	"%7B%22status%22%3A%5B%22running%22%2C%22paused%22%5D%7D";

static int ask(struct docker *d, const char *path, size_t max,
	       struct http_answer *ret, struct err *reterr)
{
	struct http_request q = { .path = path, .max = max };

	return http_ask(d->http, &q, ret, reterr);
}

static int expect_200(struct http_answer *a, const char *path,
		      struct err *reterr)
{
	if (a->status == 200)
		return 0;
	return err_set(reterr, EPROTO, NULL, "it answers %ld to %.60s",
		       a->status, path);
}

static int negotiate(struct docker *d, struct err *reterr)
{
	struct http_answer a = { 0 };
	int r = ask(d, "/version", RUNTIME_ANSWER_BYTES_MAX, &a, reterr);

	if (r == 0)
		r = expect_200(&a, "/version", reterr);
	if (r == 0 && !docker_read_version(a.body, a.len, d->version, reterr))
		r = -EBADMSG;
	http_answer_done(&a);
	return r;
}

static int follow(struct docker *d, struct err *reterr)
{
	struct http_request q = { .max = RUNTIME_EVENTS_BYTES_MAX };
	char path[160];

	(void)snprintf(path, sizeof path, "/v%s/events?filters=%s&since=%llu",
		       d->version, only_containers,
		       (unsigned long long)(clock_unix_us() / USEC_PER_SEC) -
			       1);
	q.path = path;
	return http_follow(d->http, &q, true, reterr);
}

/*
 * Podman answers 500 while it takes a container away, and 404 when that is done: who
 * fails is asked once more.
 */
static int ask_twice(struct docker *d, const char *path, struct http_answer *a,
		     struct err *reterr)
{
	int r = ask(d, path, RUNTIME_ANSWER_BYTES_MAX, a, reterr);

	if (r < 0 || a->status < 500)
		return r;
	http_answer_done(a);
	(void)poll(NULL, 0, AGAIN_MS);
	return ask(d, path, RUNTIME_ANSWER_BYTES_MAX, a, reterr);
}

static int inspect(void *session, const char *id, struct container *ret,
		   struct err *reterr)
{
	struct docker *d = session;
	char path[RUNTIME_ID_MAX + 64];
	struct http_answer a = { 0 };
	int r;

	*ret = (struct container){ 0 };
	(void)snprintf(path, sizeof path, "/v%s/containers/%s/json", d->version,
		       id);
	r = ask_twice(d, path, &a, reterr);
	if (r == 0 && a.status != 404) {
		r = expect_200(&a, "an inspection", reterr);
		if (r == 0 &&
		    !docker_read_container(a.body, a.len, ret, reterr))
			r = -EBADMSG;
	}
	http_answer_done(&a);
	return r;
}

static int look_at_list(struct docker *d, const json_t *list,
			struct err *reterr)
{
	char id[RUNTIME_ID_MAX];
	uint64_t brief;
	size_t i;
	json_t *item;
	int r = 0;

	json_array_foreach (list, i, item) {
		if (!docker_list_item(item, id, &brief))
			return err_set(reterr, EBADMSG, NULL,
				       "its list has a container without id");
		if (!source_list_same(d->source, id, brief))
			r = look_at(&d->look, id, brief, reterr);
		if (r < 0)
			return r;
	}
	return look_at_missing(&d->look, reterr);
}

static int list(struct docker *d, bool first, struct err *reterr)
{
	struct http_answer a = { 0 };
	char path[160];
	json_t *all = NULL;
	int r;

	(void)snprintf(path, sizeof path, "/v%s/containers/json?filters=%s",
		       d->version, only_running);
	r = ask(d, path, RUNTIME_LIST_BYTES_MAX, &a, reterr);
	if (r == 0)
		r = expect_200(&a, "/containers/json", reterr);
	if (r == 0)
		all = docker_read_list(a.body, a.len, reterr);
	http_answer_done(&a);
	if (r == 0)
		r = all ? source_list_begin(d->source, first) : -EBADMSG;
	if (r == 0)
		r = look_at_list(d, all, reterr);
	if (r == 0)
		r = source_list_end(d->source);
	json_decref(all);
	return r;
}

static int take_event(void *session, const char *line, size_t len,
		      struct err *reterr)
{
	struct docker *d = session;
	char id[RUNTIME_ID_MAX];

	switch (docker_read_event(line, len, id)) {
	case DOCKER_EVENT_LOOK: return look_at(&d->look, id, 0, reterr);
	case DOCKER_EVENT_BAD:
		return err_set(reterr, EPROTO, NULL,
			       "what it sends are no events");
	default: return 0;
	}
}

static int run(struct docker *d, struct err *reterr)
{
	int r = negotiate(d, reterr);
	bool first = true;

	if (r == 0)
		r = follow(d, reterr);
	if (r == 0)
		r = source_up(d->source);
	while (r == 0) {
		usec_t next =
			usec_add(clock_now(), RUNTIME_RELIST_MS * 1000ULL);

		r = list(d, first, reterr);
		first = false;
		if (r == 0)
			r = look_at_events(&d->look, d->http, docker_split,
					   next, reterr);
	}
	return r;
}

int docker_session(struct source *s, struct err *reterr)
{
	struct docker d = { .source = s,
			    .look = { .source = s,
				      .inspect = inspect,
				      .take = take_event,
				      .session = &d } };
	int r;

	d.http = http_new(s->path, s->stop_fd, false, reterr);
	if (!d.http)
		return -reterr->code;
	r = run(&d, reterr);
	http_free(d.http);
	return r;
}
