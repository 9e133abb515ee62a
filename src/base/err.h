/*
 * An error as a value: what is wrong and where in the input, in words.
 *
 * A function that can be given bad input takes `struct err *reterr` last and
 * returns -errno; it fills *reterr only when it fails. Who decides what to do
 * about it tells it once (an answer on a control door, one log line, exit 2).
 */
#pragma once

#include <stdint.h>

#include "base/limits.h"

struct err {
	int code;		 /* errno value, positive; 0 = not set */
	char at[ERR_AT_MAX];	 /* where: "ctrl_add_mac.mac", may be "" */
	char text[ERR_TEXT_MAX]; /* what: expected and found */
};

/*
 * Fills *reterr (may be NULL) and returns -code (EIO for a code that is none). `at` may be NULL. Text that
 * is too long is cut. Any thread.
 */
int err_set(struct err *reterr, int code, const char *at, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Puts "outer" (and a dot, if `at` is not empty) before what `at` says. */
void err_prefix(struct err *err, const char *outer);

/* "EINVAL" for 22; "EUNKNOWN" where libc has no name. Static storage. */
const char *err_code_name(int code);
