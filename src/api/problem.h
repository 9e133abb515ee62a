/*
 * What goes wrong, as RFC 9457 tells it: application/problem+json with type,
 * title, status, detail, and code and at as the agent has them.
 */
#pragma once

#include "base/err.h"

#define PROBLEM_TYPE "application/problem+json"

/* The HTTP status of an error: 400..599. */
unsigned problem_status(int code);
/* "Bad Request"; "Error" for one we have no word for. */
const char *problem_title(unsigned status);
/* The body, the caller's. status 0: of the error. NULL: out of memory. */
char *problem_text(const struct err *err, unsigned status);
