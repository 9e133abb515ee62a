/*
 * What containerd says, read: bytes of protobuf in, values out. Pure. However
 * a message is made, unpacking takes at most RUNTIME_UNPACKED_MAX.
 *
 * Ids are "NAMESPACE/ID" everywhere here.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"
#include "runtime/container.h"

/* An array of names; NULL and *reterr: it is no list of namespaces. */
json_t *containerd_read_namespaces(const uint8_t *m, size_t len,
				   struct err *reterr);
/*
 * What runs or is paused, of an answer to Tasks/List: {id: brief}, for
 * source_list_same(). NULL and *reterr: it is none.
 */
json_t *containerd_read_tasks(const uint8_t *m, size_t len,
			      const char *namespace, struct err *reterr);
/* Does its task run, and as which process? Fills all but `about`. */
bool containerd_read_task(const uint8_t *m, size_t len, struct container *ret,
			  const char **ret_state, struct err *reterr);
/* The rest of ret: its `about`, without the state, and its path of a netns. */
bool containerd_read_container(const uint8_t *m, size_t len, const char *id,
			       struct container *ret, struct err *reterr);

enum containerd_event {
	CONTAINERD_EVENT_NONE, /* of no container, or of a process exec'ed */
	CONTAINERD_EVENT_LOOK, /* something may have changed with this one */
	CONTAINERD_EVENT_BAD,
	CONTAINERD_EVENT__MAX
};

/* An Envelope. */
enum containerd_event containerd_read_event(const uint8_t *m, size_t len,
					    char ret_id[RUNTIME_ID_MAX]);

/* Splits "NAMESPACE/ID" as this file makes them; returns ID. */
const char *containerd_split_id(const char *id,
				char ret_namespace[RUNTIME_ID_MAX]);
