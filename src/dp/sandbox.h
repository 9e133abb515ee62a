/*
 * What the two processes of a live weir-dp (dp/opener.h) may still ask of the kernel.
 * Theory in sandbox.c.
 */
#pragma once

#include "base/err.h"

/*
 * The last step of the worker's drop, after uid and capabilities (opener_drop()):
 * from here on, and for each thread that this one makes, the kernel answers only
 * the calls that it lives on; there is no way back. To be called while the process
 * has one thread. -errno, told in *reterr: the kernel has no seccomp filters, or no
 * memory.
 */
int sandbox_worker(struct err *reterr);

/* The same for the opener, which may do all but what only an attacker would. */
int sandbox_opener(struct err *reterr);
