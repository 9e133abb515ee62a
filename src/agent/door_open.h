/* The agent's socket, as it comes to be. */
#pragma once

#include <sys/stat.h>

#include "base/err.h"

/*
 * Makes and opens it in place of one at which nobody answers, for root and the
 * members of `group` ("": root alone). The descriptor, and in *ret_is what stands
 * at its path; -EADDRINUSE: somebody does answer.
 */
int door_open(const char *path, const char *group, struct stat *ret_is,
	      struct err *reterr);
