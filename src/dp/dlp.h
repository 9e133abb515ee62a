/*
 * What DLP/WAF is told to look for (reference 2.5): the signatures that count
 * for a workload, with their actions and scope, and the detector that knows
 * their patterns. Checked and kept whole, by the workload's index; a change is
 * in force only as a whole, and chunks only at their END.
 *
 * Scopes and detectors are shared between workloads and counted. All functions
 * return 0 or -errno with *reterr. `strict`: the chunk came through our own door;
 * each door has its own unfinished sequences. Control thread only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "wire/ctrl.h"

struct dlp;

/* Which signatures count, and where. Immutable once it can be seen. */
struct dlp_scope {
	unsigned users; /* workloads that have it */
	struct dlp_use *dlp, *waf;
	size_t n_dlp, n_waf;
	uint32_t *rule_ids, *waf_rule_ids; /* of policy rules */
	size_t n_rule_ids, n_waf_rule_ids;
	bool inside, waf_inside; /* else outside of those rules */
};

/* Immutable once it can be seen. */
struct dlp_detector {
	unsigned users;
	uint64_t serial; /* of all there were; the latest is the highest */
	uint8_t dir;	 /* POLICY_DIR_* */
	struct dlp_rule *rules;
	size_t n_rules; /* 1..DLP_RULES_MAX */
};

/* Indices of workloads; borrowed for the call. */
struct dlp_targets {
	const uint16_t *endpoints;
	size_t n;
};

/* NULL: out of memory. */
struct dlp *dlp_new(void);
/* NULL is accepted. */
void dlp_free(struct dlp *d);

/* CFG_DLP; chunked. Takes the lists out of m. */
int dlp_configure(struct dlp *d, struct ctrl_msg *m, bool strict,
		  struct dlp_targets at, struct err *reterr);
/* CFG_DLPMAC: their signatures; their detector stays. */
void dlp_clear(struct dlp *d, struct dlp_targets at);
/*
 * BLD_DLP; chunked. Takes the rules out of m. An END chunk without rules takes
 * the detector from `at`.
 */
int dlp_build(struct dlp *d, struct ctrl_msg *m, bool strict,
	      struct dlp_targets at, struct dlp_targets not_at,
	      struct err *reterr);
/* BLD_DLPMAC. -ESRCH when none of `old` has a detector. */
int dlp_attach(struct dlp *d, struct dlp_targets old, struct dlp_targets add,
	       struct dlp_targets remove, struct err *reterr);
/* The workload is gone. */
void dlp_forget(struct dlp *d, uint16_t endpoint);

struct dlp_latest {
	struct dlp_rule rule; /* its texts are borrowed */
	uint64_t serial;      /* of its detector */
};
/*
 * The rules of all detectors that a workload has, each detector's once: an array
 * that the caller frees; how many. NULL: out of memory.
 */
size_t dlp_latest(const struct dlp *d, struct dlp_latest **ret);

/* NULL: none. Borrowed until the next change. */
const struct dlp_scope *dlp_scope_of(const struct dlp *d, uint16_t endpoint);
const struct dlp_detector *dlp_detector_of(const struct dlp *d,
					   uint16_t endpoint);
