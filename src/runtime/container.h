/*
 * What a runtime says of one container.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <string.h>
#include <sys/types.h>

struct container {
	bool runs;     /* or is paused */
	pid_t pid;     /* 0: none is known */
	char *netns;   /* owned; path of its network namespace, or NULL */
	json_t *about; /* owned; may be NULL, unless it runs */
};

/*
 * Takes what a runtime names as the path of the network namespace. One below
 * /proc is but another process's number: not taken.
 */
static inline void container_set_netns(struct container *c, const char *path)
{
	if (path && path[0] == '/' && strncmp(path, "/proc/", 6) != 0 &&
	    !c->netns)
		c->netns = strdup(path);
}
