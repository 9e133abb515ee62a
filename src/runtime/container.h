/*
 * What a runtime says of one container.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

struct container {
	bool runs;     /* or is paused */
	pid_t pid;     /* 0: none is known */
	char *netns;   /* owned; path of its network namespace, or NULL */
	json_t *about; /* owned; may be NULL, unless it runs */
};
