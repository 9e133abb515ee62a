/*
 * Everything a worker judges by, at one moment: workloads with their policies,
 * internal subnets, special addresses, switches.
 *
 * A snapshot is built whole by the control thread, handed to the workers by
 * mailbox (dp/worker.h), read by them without a lock, and freed by the control
 * thread when every worker has given it back. It never changes in between.
 * Its version goes up by one with each build; a flow remembers under which
 * version it was judged and is judged again when that is no longer the
 * worker's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "policy/names.h"
#include "policy/policy.h"
#include "policy/port_set.h"
#include "policy/sensing.h"

/* An index in 0..ENDPOINTS_MAX-1 that a workload keeps while it lives. */
#define ENDPOINT_NONE UINT16_MAX

struct endpoint {
	bool used;
	bool tap;		      /* only watched: nothing is forwarded */
	bool nbe;		      /* ctrl_cfg_nbe: bounds of a namespace */
	uint16_t captures;	      /* bits: who captures it (dp/capture.h) */
	struct mac mac, ucmac, bcmac; /* zero: unset */
	struct policy *policy; /* NULL: none yet; the snapshot owns a count */
	struct port_set *listens; /* ctrl_cfg_mac.apps; NULL: none; likewise */
	struct sensing *sensing;  /* NULL: no sensors; likewise */
};

/* An address that goes by a name without DNS (ctrl_cfg_set_fqdn, rules). */
struct name_addr {
	struct ip_addr addr;
	uint16_t name; /* number in the name set */
};

struct snapshot_spec {
	const struct endpoint *endpoints; /* borrowed for the call */
	size_t n_endpoints;		  /* highest used index + 1 */
	const struct subnet *internal, *special;
	size_t n_internal, n_special;
	bool has_internal; /* what is not in it is external, or all are internal */
	const struct ip_addr *policy_addrs; /* in any order */
	size_t n_policy_addrs;
	bool has_policy_addrs;	  /* ctrl_cfg_policy_addr was ever received */
	bool icmp_enforced;	  /* ctrl_enable_icmp_policy */
	bool net_policy_disabled; /* ctrl_disable_net_policy: all is open */
	bool detect_unmanaged;	  /* ctrl_detect_unmanaged_wl */
	bool strict_group_mode;	  /* ctrl_strict_group_mode */
	bool xff;		  /* ctrl_sys_conf: X-Forwarded-For counts */
	uint32_t version;	  /* from 1 */
	/*
	 * The numbers of the names that rules speak of, in which
	 * snapshot_judge() is asked and answers; a name that is not in it, no
	 * peer goes by. Borrowed as long as the snapshot lives. NULL: no names.
	 */
	const struct name_set *names;
	/* In any order, at most NAMES_GIVEN_MAX of one address. */
	const struct name_addr *name_addrs;
	size_t n_name_addrs;
};

struct snapshot;

/* How a MAC speaks of a workload. */
enum mac_role { MAC_REAL, MAC_MARK };

/*
 * The policies of its workloads, each once, by rising address: a new array that
 * the caller frees. NULL: out of memory.
 */
struct policy **snapshot_policies(const struct snapshot_spec *spec,
				  size_t *ret_n);
/* NULL: out of memory. */
struct snapshot *snapshot_build(const struct snapshot_spec *spec);
/* Control thread only; NULL is accepted. */
void snapshot_free(struct snapshot *s);

/* What it was made from, for making the next one; borrowed while s lives. */
struct snapshot_spec snapshot_spec_of(const struct snapshot *s);
uint32_t snapshot_version(const struct snapshot *s);
/* ENDPOINT_NONE when no workload has that MAC in that role. */
uint16_t snapshot_find_mac(const struct snapshot *s, struct mac mac,
			   enum mac_role role);
/* Borrowed; NULL for an index not in use. */
const struct endpoint *snapshot_endpoint(const struct snapshot *s,
					 uint16_t index);

/* NULL: none. */
const struct name_set *snapshot_names(const struct snapshot *s);
/* Do its rules know any peer by name? */
bool snapshot_has_names(const struct snapshot *s);

/*
 * May this connection of that workload be? q->names and the answer's name are
 * numbers of snapshot_names(); names that the peer has by name_addrs are added
 * here, and q->peer_external and q->icmp_enforced are filled in here. Pure: the
 * same answer for the same arguments.
 */
struct judgement snapshot_judge(const struct snapshot *s, uint16_t endpoint,
				const struct policy_query *q);

/* ctrl_sys_conf: does X-Forwarded-For count? */
bool snapshot_xff(const struct snapshot *s);
/* Is it an internal address (without a list all are, reference 2.4)? */
bool snapshot_is_internal(const struct snapshot *s, struct ip_addr a);
