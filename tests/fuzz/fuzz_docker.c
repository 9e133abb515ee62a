/*
 * Any bytes as each of the answers of a Docker Engine, and as its events. What
 * is called good must hold what the header promises.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "runtime/about.h"
#include "runtime/docker_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_about(const json_t *about)
{
	BUG_ON(json_object_size(json_object_get(about, "labels")) >
	       RUNTIME_LABELS_MAX);
	BUG_ON(json_array_size(json_object_get(about, "ports")) >
	       RUNTIME_PORTS_MAX);
}

static void as_container(const char *text, size_t len)
{
	struct container c;
	struct err err = { 0 };

	if (docker_read_container(text, len, &c, &err)) {
		BUG_ON(c.runs && (c.pid <= 0 || !c.about));
		check_about(c.about);
	} else {
		BUG_ON(err.code == 0);
	}
	json_decref(c.about);
	free(c.netns);
}

static void as_list(const char *text, size_t len)
{
	json_t *list = docker_read_list(text, len, NULL), *item;
	char id[RUNTIME_ID_MAX];
	uint64_t brief;
	size_t i;

	json_array_foreach (list, i, item)
		BUG_ON(docker_list_item(item, id, &brief) &&
		       (!about_id_ok(id) || brief == 0));
	json_decref(list);
}

static void as_events(const char *text, size_t len)
{
	char id[RUNTIME_ID_MAX];

	while (len > 0) {
		long n = docker_split(text, len);

		BUG_ON(n > (long)len);
		if (n <= 0)
			break;
		if (docker_read_event(text, (size_t)n, id) == DOCKER_EVENT_LOOK)
			BUG_ON(!about_id_ok(id));
		text += n;
		len -= (size_t)n;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *text = (const char *)data;
	char version[16] = "";

	as_events(text, len);
	as_container(text, len);
	as_list(text, len);
	if (docker_read_version(text, len, version, NULL))
		BUG_ON(strspn(version, "0123456789.") != strlen(version));
	return 0;
}
