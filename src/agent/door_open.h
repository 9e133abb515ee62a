/* The socket of the agent's door. */
#pragma once

#include <sys/stat.h>

#include "base/err.h"

/*
 * Opens and listens there, in place of what a killed agent has left: the
 * descriptor, the caller's, or -errno. group: who may come in beside root; "":
 * nobody. *ret_is: what stands at the path now.
 */
int door_open(const char *path, const char *group, struct stat *ret_is,
	      struct err *reterr);
