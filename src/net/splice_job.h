/*
 * What the calls of splice.h work on: both namespaces and what is known of one
 * splice. For splice*.c only.
 */
#pragma once

#include <signal.h>
#include <stdint.h>

#include "base/err.h"
#include "bpf/shared.h"
#include "net/divert.h"
#include "net/ifconf.h"
#include "net/netns.h"
#include "net/nl.h"
#include "net/splice.h"
#include "net/undo.h"

/* One up, down or list under way: both namespaces and what is known. */
struct job {
	struct netns workload, agent;
	struct divert *divert; /* bpf: loaded before the exchange; owned */
	struct nl *in_workload, *in_agent;
	struct ifconf_state conf; /* of the workload's device */
	struct splice_stat s;
	uint32_t vbr;
	const volatile sig_atomic_t *stop;
	struct undo undo;
};

/* workload NULL: only the agent's namespace. Undoes itself. */
int job_open(struct job *j, const char *workload, const char *agent,
	     struct err *reterr);
void job_done(struct job *j);
/*
 * One change at a time for both namespaces; waits for others. The lock ends
 * with the job. -EINTR: a signal came meanwhile.
 */
int job_lock(const struct job *j, struct err *reterr);
/* What the redirectors have to know of j->s. */
struct divert_endpoint job_endpoint(const struct job *j);
