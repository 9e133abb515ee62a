/*
 * Any bytes as a stream of gRPC frames, each of which is taken for every message
 * of containerd and of CRI that is read.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "runtime/about.h"
#include "runtime/containerd_read.h"
#include "runtime/cri_read.h"
#include "runtime/grpc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void as_lists(const uint8_t *m, size_t len)
{
	json_t *names = containerd_read_namespaces(m, len, NULL);
	json_t *tasks = containerd_read_tasks(m, len, "blue", NULL);
	json_t *pods = cri_read_pods(m, len, NULL), *brief;
	char namespace[RUNTIME_ID_MAX];
	const char *id;

	json_object_foreach (tasks, id, brief) {
		BUG_ON(!about_id_ok(containerd_split_id(id, namespace)));
		BUG_ON(strcmp(namespace, "blue") != 0);
		BUG_ON(json_integer_value(brief) == 0);
	}
	json_decref(names);
	json_decref(tasks);
	json_decref(pods);
}

static void as_one(const uint8_t *m, size_t len)
{
	struct container c = { 0 };
	struct err err = { 0 };
	const char *state;

	if (containerd_read_container(m, len, "blue/x", &c, &err)) {
		BUG_ON(!json_object_get(c.about, "service"));
		BUG_ON(c.netns && strncmp(c.netns, "/proc/", 6) == 0);
		json_decref(c.about);
		free(c.netns);
	} else {
		BUG_ON(err.code == 0);
	}
	if (containerd_read_task(m, len, &c, &state, NULL))
		BUG_ON(c.runs != (state != NULL) || c.runs != (c.pid > 0));
	if (cri_read_pod(m, len, &c, NULL)) {
		BUG_ON(!c.about || c.pid < 0);
		json_decref(c.about);
		free(c.netns);
	}
}

static void as_message(const uint8_t *m, size_t len)
{
	char id[RUNTIME_ID_MAX], namespace[RUNTIME_ID_MAX];

	as_lists(m, len);
	as_one(m, len);
	if (containerd_read_event(m, len, id) == CONTAINERD_EVENT_LOOK)
		BUG_ON(!about_id_ok(containerd_split_id(id, namespace)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *text = (const char *)data;
	const uint8_t *m;
	size_t m_len;

	while (len > 0) {
		long n = grpc_split(text, len);

		BUG_ON(n > (long)len);
		if (n <= 0)
			break;
		BUG_ON(!grpc_unframe(text, (size_t)n, &m, &m_len));
		as_message(m, m_len);
		text += n;
		len -= (size_t)n;
	}
	return 0;
}
