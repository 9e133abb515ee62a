/*
 * Who waits for connections in a network namespace, by sock_diag(7).
 */
#pragma once

#include <stdint.h>

#include "base/err.h"
#include "net/netns.h"

/*
 * Calls fn for each TCP socket that listens in ns, of both families, whatever its
 * address; the same port may come again. A value other than 0 of fn ends it, and
 * is returned. -errno when the kernel does not tell.
 */
int listeners_each(const struct netns *ns, int (*fn)(void *arg, uint16_t port),
		   void *arg, struct err *reterr);
