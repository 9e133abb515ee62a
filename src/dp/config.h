/*
 * What the data plane has been told: workloads, policies, subnets, switches.
 *
 * The current snapshot is the configuration; a message makes the next snapshot
 * from it and publishes that whole, or is refused and leaves no trace. Only
 * unfinished chunk sequences are kept beside it, each door's for itself.
 *
 * All functions return 0 or -errno with *reterr (at: the field). `strict` is
 * our own door: there, naming a workload that does not exist is an error; on
 * the compatible door it is skipped, as NeuVector's agent expects (2.4).
 * Control thread only.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "dp/fqdns.h"
#include "policy/snapshot.h"
#include "wire/ctrl.h"

struct config;

/*
 * Makes the workers judge by `next` from now on, and returns only when none of
 * them uses an older snapshot any more.
 */
typedef void config_publish_fn(void *arg, const struct snapshot *next);

/* Publishes an empty snapshot at once. NULL: out of memory. */
struct config *config_new(config_publish_fn *publish, void *arg);
/* The workers must have ended. NULL is accepted. */
void config_free(struct config *c);

/* Borrowed until the next change. */
const struct snapshot *config_current(const struct config *c);

int config_add_mac(struct config *c, const struct ctrl_msg *m,
		   struct err *reterr);
/* Whom a CTRL_DEL_MAC means. -ENOENT: nobody. */
int config_find_mac(const struct config *c, const struct ctrl_msg *m,
		    uint16_t *ret_index, struct err *reterr);
/*
 * `index` is a workload's, and free afterwards; its flows are the caller's to
 * end before it is given to another one.
 */
int config_del_mac(struct config *c, uint16_t index, struct err *reterr);
int config_cfg_mac(struct config *c, const struct ctrl_msg *m, bool strict,
		   struct err *reterr);
/* The same once more: all flows are judged anew, those of the kernel, too. */
int config_renew(struct config *c, struct err *reterr);
/*
 * What each workload's flows are looked through for, as `of` tells of each: a
 * count of it, or NULL; -ENOMEM. Publishes only where that changes.
 */
int config_set_sensing(struct config *c,
		       int (*of)(void *arg, uint16_t index,
				 struct sensing **ret),
		       void *arg, struct err *reterr);
/* CFG_INTERNAL_NET, CFG_SPECIP_NET, CFG_POLICY_ADDR; chunked. */
int config_subnets(struct config *c, const struct ctrl_msg *m, bool strict,
		   struct err *reterr);
/* CFG_POLICY; chunked. Takes the rules out of m. */
int config_policy(struct config *c, struct ctrl_msg *m, bool strict,
		  struct err *reterr);
/*
 * SYS_CONF, DISABLE_NET_POLICY, DETECT_UNMANAGED, STRICT_GROUP_MODE,
 * ENABLE_ICMP_POLICY; policies follow at once, without being sent again.
 */
int config_switch(struct config *c, const struct ctrl_msg *m,
		  struct err *reterr);
/*
 * WEIR_SETS: replaces all sets, and compiles policies that use any again.
 * -ENOENT when a policy uses one that is not among them.
 */
int config_sets(struct config *c, const struct ctrl_msg *m, struct err *reterr);
/* The weir_policy in force; all 0: there was none, or a part of it was changed. */
struct config_whole {
	uint64_t version;
	size_t policies, rules;
	size_t compiled; /* policies that were not in force before */
};

/*
 * WEIR_POLICY: replaces the policies of all workloads and all sets, or nothing.
 * Takes the rules out of m. MACs that no workload has are passed over.
 * -ESTALE: a later version is in force; -ENOENT: there is no such set.
 */
int config_policies(struct config *c, struct ctrl_msg *m, struct err *reterr);
struct config_whole config_whole(const struct config *c);
/* Borrowed until the next config_sets() or config_policies(); NULL: none. */
const struct addr_sets *config_addr_sets(const struct config *c);
/*
 * CFG_SET_FQDN, CFG_DEL_FQDN. Strict: a name that was never given is an error,
 * and none is deleted.
 */
int config_set_fqdn(struct config *c, const struct ctrl_msg *m,
		    struct err *reterr);
int config_del_fqdn(struct config *c, const struct ctrl_msg *m, bool strict,
		    struct err *reterr);
/* Borrowed until the next of these. */
const struct fqdns *config_fqdns(const struct config *c);
/*
 * The workload at that index (ENDPOINT_NONE: none), and no other, is captured by
 * what stands at that place (dp/capture.h); publishes where that changes.
 */
int config_set_capture(struct config *c, unsigned place, uint16_t index,
		       struct err *reterr);
/* CFG_NBE */
int config_nbe(struct config *c, const struct ctrl_msg *m, bool strict,
	       struct err *reterr);
/*
 * The indices of the workloads that have these MACs, each in the order named,
 * as a new array the caller frees. An unknown one: an error at field[i] when
 * strict, else passed over.
 */
int config_find_macs(const struct config *c, const struct mac *macs, size_t n,
		     bool strict, const char *field, uint16_t **ret,
		     size_t *ret_n, struct err *reterr);
