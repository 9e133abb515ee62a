/*
 * A session with a CRI runtime, which is wanted where there is nothing better:
 * CRI-O. Not every one tells events, so the pods are listed every second, and
 * looked at when they are new. A pod is one workload; its containers share its
 * network, and what runs in them is not asked for.
 */
#include <errno.h>

#include "base/bug.h"
#include "base/clock.h"
#include "runtime/cri.pb-c.h"
#include "runtime/cri_read.h"
#include "runtime/grpc.h"
#include "runtime/look.h"
#include "runtime/source.h"

#define SERVICE "/runtime.v1.RuntimeService/"

struct cri {
	struct source *source;
	struct http *http;
	struct look look;
};

static int ask(struct cri *c, const char *method, const ProtobufCMessage *m,
	       struct grpc_answer *ret, struct err *reterr)
{
	uint8_t packed[GRPC_REQUEST_MAX];
	struct grpc_request q = { .method = method,
				  .message = packed,
				  .max = RUNTIME_ANSWER_BYTES_MAX };

	BUG_ON(protobuf_c_message_get_packed_size(m) > sizeof packed);
	q.len = protobuf_c_message_pack(m, packed);
	return grpc_ask(c->http, &q, ret, reterr);
}

static int inspect(void *session, const char *id, struct container *ret,
		   struct err *reterr)
{
	struct cri *c = session;
	Cri__PodStatusRequest q = CRI__POD_STATUS_REQUEST__INIT;
	struct grpc_answer a;
	int r;

	*ret = (struct container){ 0 };
	q.pod_sandbox_id = (char *)id;
	q.verbose = true;
	r = ask(c, SERVICE "PodSandboxStatus", &q.base, &a, reterr);
	if (r == 0 && !cri_read_pod(a.message, a.len, ret, reterr))
		r = -EBADMSG;
	grpc_answer_done(&a);
	return r == -ENODATA ? 0 : r; /* it is not there, so it does not run */
}

static int get_pods(struct cri *c, json_t **ret, struct err *reterr)
{
	Cri__ListPodsRequest q = CRI__LIST_PODS_REQUEST__INIT;
	Cri__PodFilter filter = CRI__POD_FILTER__INIT;
	Cri__PodState ready = CRI__POD_STATE__INIT;
	struct grpc_answer a;
	int r;

	filter.state = &ready;
	q.filter = &filter;
	r = ask(c, SERVICE "ListPodSandbox", &q.base, &a, reterr);
	if (r == 0) {
		*ret = cri_read_pods(a.message, a.len, reterr);
		if (!*ret)
			r = -EBADMSG;
	}
	grpc_answer_done(&a);
	return r;
}

static int list(struct cri *c, bool first, struct err *reterr)
{
	json_t *pods = NULL, *brief;
	const char *id;
	int r = get_pods(c, &pods, reterr);

	if (r == 0 && first)
		r = source_up(c->source);
	if (r == 0)
		r = source_list_begin(c->source, first);
	json_object_foreach (pods, id, brief) {
		uint64_t b = (uint64_t)json_integer_value(brief);

		if (r == 0 && !source_list_same(c->source, id, b))
			r = look_at(&c->look, id, b, reterr);
	}
	json_decref(pods);
	if (r == 0)
		r = look_at_missing(&c->look, reterr);
	return r == 0 ? source_list_end(c->source) : r;
}

int cri_session(struct source *s, struct err *reterr)
{
	struct cri c = { .source = s,
			 .look = { .source = s, .inspect = inspect } };
	int r = 0;

	c.http = http_new(s->path, s->stop_fd, true, reterr);
	if (!c.http)
		return -reterr->code;
	c.look.session = &c;
	for (bool first = true; r == 0; first = false) {
		r = list(&c, first, reterr);
		if (r == 0)
			r = source_wait(s, RUNTIME_CRI_POLL_MS);
	}
	http_free(c.http);
	return r;
}
