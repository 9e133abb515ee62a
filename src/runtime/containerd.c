/*
 * A session with containerd, as docker.c's with Docker: events first, then a
 * list, then a look at each that an event names. All of containerd's own
 * namespaces: "k8s.io" of Kubernetes, "moby" of a Docker (whose socket tells
 * more), and whatever else there is. Those that appear later, their events and
 * the next list tell of.
 *
 * containerd does not say when it has taken up a subscription. So the first
 * list is followed by a second one soon, in which what fell in between is
 * found.
 */
#include <errno.h>
#include <string.h>

#include "base/bug.h"
#include "base/clock.h"
#include "runtime/about.h"
#include "runtime/containerd.pb-c.h"
#include "runtime/containerd_read.h"
#include "runtime/grpc.h"
#include "runtime/look.h"
#include "runtime/source.h"

#define SERVICES "/containerd.services."

struct containerd {
	struct source *source;
	struct http *http;
	struct look look;
};

static int ask(struct containerd *c, const char *method, const char *namespace,
	       const char *id, struct grpc_answer *ret, struct err *reterr)
{
	uint8_t packed[GRPC_REQUEST_MAX];
	Ctrd__IdRequest request = CTRD__ID_REQUEST__INIT;
	struct grpc_request q = { .method = method,
				  .metadata = namespace,
				  .message = packed,
				  .max = RUNTIME_ANSWER_BYTES_MAX };

	request.id = (char *)id;
	BUG_ON(ctrd__id_request__get_packed_size(&request) > sizeof packed);
	q.len = ctrd__id_request__pack(&request, packed);
	return grpc_ask(c->http, &q, ret, reterr);
}

static int follow(struct containerd *c, struct err *reterr)
{
	static char *filters[] = {
		"topic==\"/tasks/start\"",   "topic==\"/tasks/exit\"",
		"topic==\"/tasks/delete\"",  "topic==\"/tasks/paused\"",
		"topic==\"/tasks/resumed\"", "topic==\"/containers/update\"",
	};
	uint8_t packed[GRPC_REQUEST_MAX];
	Ctrd__SubscribeRequest request = CTRD__SUBSCRIBE_REQUEST__INIT;
	struct grpc_request q = {
		.method = SERVICES "events.v1.Events/Subscribe",
		.message = packed,
		.max = RUNTIME_EVENTS_BYTES_MAX,
	};

	request.filters = filters;
	request.n_filters = sizeof filters / sizeof *filters;
	BUG_ON(ctrd__subscribe_request__get_packed_size(&request) >
	       sizeof packed);
	q.len = ctrd__subscribe_request__pack(&request, packed);
	return grpc_follow(c->http, &q, reterr);
}

static int get_task(struct containerd *c, const char *namespace,
		    const char *name, struct container *ret,
		    const char **ret_state, struct err *reterr)
{
	struct grpc_answer a;
	int r = ask(c, SERVICES "tasks.v1.Tasks/Get", namespace, name, &a,
		    reterr);

	if (r == 0 &&
	    !containerd_read_task(a.message, a.len, ret, ret_state, reterr))
		r = -EBADMSG;
	grpc_answer_done(&a);
	return r;
}

static int inspect(void *session, const char *id, struct container *ret,
		   struct err *reterr)
{
	struct containerd *c = session;
	char namespace[RUNTIME_ID_MAX];
	const char *name = containerd_split_id(id, namespace), *state;
	struct grpc_answer a;
	int r;

	*ret = (struct container){ 0 };
	r = get_task(c, namespace, name, ret, &state, reterr);
	if (r == 0 && ret->runs) {
		r = ask(c, SERVICES "containers.v1.Containers/Get", namespace,
			name, &a, reterr);
		if (r == 0 && !containerd_read_container(a.message, a.len, id,
							 ret, reterr))
			r = -EBADMSG;
		grpc_answer_done(&a);
		if (r == 0)
			about_text(ret->about, "state", state);
	}
	if (r == -ENODATA) { /* it is not there, so it does not run */
		*ret = (struct container){ 0 };
		r = 0;
	}
	return r;
}

static int look_at_tasks(struct containerd *c, json_t *tasks,
			 struct err *reterr)
{
	const char *id;
	json_t *brief;
	int r = 0;

	json_object_foreach (tasks, id, brief) {
		uint64_t b = (uint64_t)json_integer_value(brief);

		if (!source_list_same(c->source, id, b))
			r = look_at(&c->look, id, b, reterr);
		if (r < 0)
			break;
	}
	return r;
}

static int list_tasks(struct containerd *c, const char *namespace,
		      struct err *reterr)
{
	struct grpc_answer a;
	json_t *tasks = NULL;
	int r = ask(c, SERVICES "tasks.v1.Tasks/List", namespace, "", &a,
		    reterr);

	if (r == 0) {
		tasks = containerd_read_tasks(a.message, a.len, namespace,
					      reterr);
		if (!tasks)
			r = -EBADMSG;
	}
	grpc_answer_done(&a);
	if (r == 0)
		r = look_at_tasks(c, tasks, reterr);
	json_decref(tasks);
	return r == -ENODATA ? 0 : r; /* the namespace is gone */
}

static int get_namespaces(struct containerd *c, json_t **ret,
			  struct err *reterr)
{
	struct grpc_answer a;
	int r = ask(c, SERVICES "namespaces.v1.Namespaces/List", NULL, "", &a,
		    reterr);

	if (r == 0) {
		*ret = containerd_read_namespaces(a.message, a.len, reterr);
		if (!*ret)
			r = -EBADMSG;
	}
	grpc_answer_done(&a);
	return r;
}

static int list(struct containerd *c, bool first, struct err *reterr)
{
	json_t *namespaces = NULL, *name;
	size_t i;
	int r = get_namespaces(c, &namespaces, reterr);

	if (r == 0)
		r = source_list_begin(c->source, first);
	json_array_foreach (namespaces, i, name) {
		if (r == 0)
			r = list_tasks(c, json_string_value(name), reterr);
	}
	json_decref(namespaces);
	if (r == 0)
		r = look_at_missing(&c->look, reterr);
	return r == 0 ? source_list_end(c->source) : r;
}

static int take_event(void *session, const char *frame, size_t len,
		      struct err *reterr)
{
	struct containerd *c = session;
	enum containerd_event e = CONTAINERD_EVENT_BAD;
	char id[RUNTIME_ID_MAX];
	const uint8_t *m;
	size_t m_len;

	if (grpc_unframe(frame, len, &m, &m_len))
		e = containerd_read_event(m, m_len, id);
	if (e == CONTAINERD_EVENT_BAD)
		return err_set(reterr, EPROTO, NULL,
			       "what it sends are no events");
	return e == CONTAINERD_EVENT_LOOK ? look_at(&c->look, id, 0, reterr)
					  : 0;
}

static int run(struct containerd *c, struct err *reterr)
{
	json_t *unused = NULL;
	int r = get_namespaces(c, &unused, reterr); /* does it answer? */
	uint64_t next_ms = RUNTIME_SETTLE_MS;

	json_decref(unused);
	if (r == 0)
		r = follow(c, reterr);
	if (r == 0)
		r = source_up(c->source);
	for (bool first = true; r == 0; first = false) {
		usec_t next = usec_add(clock_now(), next_ms * 1000);

		r = list(c, first, reterr);
		if (r == 0)
			r = look_at_events(&c->look, c->http, grpc_split, next,
					   reterr);
		next_ms = RUNTIME_RELIST_MS;
	}
	return r;
}

int containerd_session(struct source *s, struct err *reterr)
{
	struct containerd c = { .source = s,
				.look = { .source = s,
					  .inspect = inspect,
					  .take = take_event,
					  .session = &c } };
	int r;

	c.http = http_new(s->path, s->stop_fd, true, reterr);
	if (!c.http)
		return -reterr->code;
	r = run(&c, reterr);
	http_free(c.http);
	return r;
}
