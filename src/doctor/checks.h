/*
 * What the files of src/doctor share: each has one function that tells its checks,
 * in order. For this folder only.
 */
#pragma once

#include <linux/if.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/config.h"
#include "base/limits_doctor.h"
#include "doctor/doctor.h"

struct doctor {
	const struct doctor_options *options;
	const char *group; /* of what is told next */
	json_t *checks;	   /* owned */
	size_t counts[DOCTOR_RESULT__MAX];
	bool failed; /* out of memory */
	struct config config;
	bool has_config; /* else it is wrong, and config is what holds without */
	/* Of the agent's `status`; NULL: it does not answer. Owned. */
	json_t *status;
	struct err why_no_agent;
};

struct doctor_check {
	const char *name;
	enum doctor_result result;
	const char *means; /* for the user; NULL: what is found says it */
	const char *todo;  /* NULL: nothing */
};

/* What was found, in words, after what the check says. */
void doctor_tell(struct doctor *d, const struct doctor_check *c,
		 const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#define DOCTOR_AS_ROOT "run weir doctor as root"
/*
 * What a failure means. Who is refused and is not root could not look; root could not do
 * it either.
 */
enum doctor_result doctor_result_of(int rc, enum doctor_result failed);

void doctor_privileges(struct doctor *d);
void doctor_kernel(struct doctor *d);
void doctor_layouts(struct doctor *d);
void doctor_runtimes(struct doctor *d);
void doctor_cni(struct doctor *d);
void doctor_host(struct doctor *d);
void doctor_weir(struct doctor *d);

/* --- pure parts, for tests --- */

/* What a network of that kind means for Weir. */
struct cni_kind {
	const char *type; /* of a CNI plugin */
	enum doctor_result result;
	const char *means;
	const char *todo; /* NULL: nothing */
};
/* NULL: it is not known. */
const struct cni_kind *cni_kind_of(const char *type);
/*
 * The types of the plugins in a CNI configuration, in their order, as a new array; NULL
 * and *reterr: it is none.
 */
json_t *cni_read(const char *text, size_t len, struct err *reterr);
/* The hexadecimal number behind "NAME:\t" in /proc/PID/status; false: none is. */
bool status_number(const char *text, const char *name, uint64_t *ret);

/*
 * programs.c: who else has programs on a device of the caller's network namespace.
 * Names are put into names, apart from Weir's, once each.
 */
struct device_programs {
	unsigned tcx, clsact; /* of others */
};
int device_programs(uint32_t ifindex, struct device_programs *ret,
		    json_t *names, struct err *reterr);
