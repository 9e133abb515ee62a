/*
 * What the Docker Engine API says, read: bytes in, values out. Podman's answers
 * are the same where we look. Pure.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"
#include "runtime/container.h"

/*
 * Which version of the API to speak, from an answer to /version: "1.41". false
 * and *reterr: it is no such answer.
 */
bool docker_read_version(const char *text, size_t len, char ret[16],
			 struct err *reterr);

/* The list of containers; NULL and *reterr: it is none. */
json_t *docker_read_list(const char *text, size_t len, struct err *reterr);
/* One of it, and a hash (not 0) of what may change; false: it is rubbish. */
bool docker_list_item(const json_t *item, char ret_id[RUNTIME_ID_MAX],
		      uint64_t *ret_brief);

/* From /containers/ID/json. ret->about is the caller's. */
bool docker_read_container(const char *text, size_t len, struct container *ret,
			   struct err *reterr);

enum docker_event {
	DOCKER_EVENT_NONE, /* nothing that matters */
	DOCKER_EVENT_LOOK, /* something may have changed with this container */
	DOCKER_EVENT_BAD,  /* that is no event */
	DOCKER_EVENT__MAX
};

/* One line of /events. */
enum docker_event docker_read_event(const char *line, size_t len,
				    char ret_id[RUNTIME_ID_MAX]);
/* For http_next(): events are lines. */
long docker_split(const char *text, size_t len);
