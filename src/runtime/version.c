/*
 * Docker and Podman have /version. The two services of gRPC have a request of that
 * name without content; of the answer, a text stands in field 1 (containerd), or a
 * name and a version in fields 2 and 3 (CRI). That is little enough to be read here.
 */
#include "runtime/version.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/bytes.h"
#include "runtime/grpc.h"
#include "runtime/http.h"

static int ask_docker(struct http *h, char *ret, struct err *reterr)
{
	struct http_request q = { .path = "/version",
				  .max = RUNTIME_ANSWER_BYTES_MAX };
	struct http_answer a = { 0 };
	int rc = http_ask(h, &q, &a, reterr);
	json_t *o = rc == 0 ? json_loadb(a.body, a.len, 0, NULL) : NULL;
	const char *text = json_string_value(json_object_get(o, "Version"));

	if (text)
		(void)snprintf(ret, RUNTIME_VERSION_MAX, "%.40s", text);
	else if (rc == 0)
		rc = err_set(reterr, EBADMSG, NULL, "it tells no version");
	json_decref(o);
	http_answer_done(&a);
	return rc;
}

/* Field n, a text of less than 128 bytes, of a message of such; "" if none is. */
static void field_of(const uint8_t *message, size_t len, uint8_t n,
		     char ret[static 32])
{
	struct bytes b = bytes_of(message, len), text;
	uint8_t tag, size;

	ret[0] = '\0';
	while (take_u8(&b, &tag) && take_u8(&b, &size)) {
		if (tag % 8 != 2 || size >= 128 || !take_bytes(&b, size, &text))
			return;
		if (tag / 8 == n)
			(void)snprintf(ret, 32, "%.*s", (int)bytes_len(text),
				       (const char *)text.begin);
	}
}

static int ask_grpc(struct http *h, bool cri, char *ret, struct err *reterr)
{
	struct grpc_request q = {
		.method = cri ? "/runtime.v1.RuntimeService/Version"
			      : "/containerd.services.version.v1.Version/"
				"Version",
		.message = (const uint8_t *)"",
		.max = RUNTIME_ANSWER_BYTES_MAX,
	};
	struct grpc_answer a;
	char name[32] = "containerd", version[32] = "";
	int rc = grpc_ask(h, &q, &a, reterr);

	if (rc == 0) {
		if (cri)
			field_of(a.message, a.len, 2, name);
		field_of(a.message, a.len, cri ? 3 : 1, version);
		(void)snprintf(ret, RUNTIME_VERSION_MAX, "%s%s%s", name,
			       version[0] ? " " : "", version);
	}
	grpc_answer_done(&a);
	return rc;
}

int runtime_version(const struct runtime_spec *spec, int wait_ms,
		    char ret[static RUNTIME_VERSION_MAX], struct err *reterr)
{
	struct itimerspec at = { .it_value = { wait_ms / 1000,
					       wait_ms % 1000 * 1000000L } };
	bool docker = spec->kind == RUNTIME_DOCKER ||
		      spec->kind == RUNTIME_PODMAN;
	struct err err = { 0 };
	struct http *h;
	int rc, stop;

	if (spec->kind == RUNTIME_NETNS) {
		ret[0] = '\0';
		return 0;
	}
	/* which becomes readable: that stops http_ask() */
	stop = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	if (stop < 0 || timerfd_settime(stop, 0, &at, NULL) < 0) {
		rc = err_set(reterr, errno, NULL, "a timer: %s",
			     strerror(errno));
		if (stop >= 0)
			close(stop);
		return rc;
	}
	h = http_new(spec->path, stop, !docker, &err);
	rc = !h	      ? -err.code
	     : docker ? ask_docker(h, ret, &err)
		      : ask_grpc(h, spec->kind == RUNTIME_CRI, ret, &err);
	http_free(h);
	close(stop);
	if (rc < 0 && reterr)
		*reterr = err;
	return rc;
}
