/*
 * What this host allows Weir to do, and what is missing: found out by trying, in
 * namespaces that end with the try, so nothing of the host is changed. Needs no
 * agent; without privileges it says what it could not look at. Every wait has an end.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"

enum doctor_result {
	DOCTOR_GOOD,
	DOCTOR_LIMITED,	   /* works, but not all of it */
	DOCTOR_MISSING,	   /* without it Weir does not work here */
	DOCTOR_NOT_LOOKED, /* it could not be found out */
	DOCTOR_RESULT__MAX
};

/* "good", "limited", "missing", "not looked at" */
const char *doctor_result_name(enum doctor_result r);

struct doctor_options {
	const char *config; /* the agent's configuration */
	bool config_must;   /* it was named: it has to be there */
	/* Doors instead of the configuration's; NULL: those. */
	const char *agent, *plane;
	unsigned wait_s; /* for all runtimes together; 0: DOCTOR_RUNTIMES_S */
};

/*
 * {"ok": true, "version":, "counts": {"good": n, ...}, "checks": [{"group":, "name":,
 * "result":, "found":, "means":?, "do":?}]}; ok: nothing is missing. One thread.
 * -ENOMEM.
 */
int doctor_examine(const struct doctor_options *options, json_t **ret,
		   struct err *reterr);
