/* What a runtime says that it is. */
#pragma once

#include <stddef.h>

#include "base/err.h"
#include "runtime/runtime.h"

#define RUNTIME_VERSION_MAX 64

/*
 * Asks it, for so long at most: "20.10.24", "containerd 1.6.20"; "" for a folder. ret is
 * filled only on success; reterr may be NULL. -ECANCELED: it took too long; else as
 * http_ask().
 */
int runtime_version(const struct runtime_spec *spec, int wait_ms,
		    char ret[static RUNTIME_VERSION_MAX], struct err *reterr);
