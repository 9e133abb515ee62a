/*
 * The in-place layout: a workload's port is diverted at its host-side end; the
 * workload itself is not touched. Programs and maps are bpf/inplace.bpf.c's;
 * all state is theirs, pinned, so any process goes on where another stopped.
 *
 * Acts in the caller's network namespace, the one of the host-side devices,
 * where vbr and vth are, too. Needs CAP_NET_ADMIN, CAP_BPF, and CAP_SYS_ADMIN
 * (namespaces, bpffs). One thread.
 */
#pragma once

#include <linux/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "bpf/inplace.h"
#include "net/hook.h"
#include "net/inplace_allow.h"
#include "net/netns.h"

#define INPLACE_MARK_AUTO (-1)

/* Which port: by its workload's namespace, or by its host-side device. */
struct inplace_port {
	const char *netns; /* name or path; NULL: dev is the host's side */
	const char *dev;   /* in netns: NULL = "eth0" */
};

struct inplace_spec {
	struct inplace_port port;
	struct mac mac; /* the workload's; zero: of the port's other end */
	bool mac_later; /* a tap's, not known yet: pass, hold, quarantine */
	int mark;	/* 0..0xffff, or INPLACE_MARK_AUTO */
	enum inplace_mode mode;
	enum inplace_failure failure;
	enum inplace_hold hold;
	bool only_ip;
	struct inplace_allow allow;
	bool only_clsact; /* as on a kernel without TCX */
};

struct inplace_stat {
	char dev[IFNAMSIZ]; /* host side; "": it is gone */
	uint32_t ifindex;
	struct inplace_endpoint ep;
	struct mac ucmac, bcmac;
	struct inplace_allow allow;
	enum hook_kind hooks[2]; /* by enum inplace_way */
	bool first[2];		 /* likewise: hook_is_first() */
	struct inplace_counts counts;
};

/*
 * Diverts. -EALREADY: it is, as *ret tells. -EOPNOTSUPP: a port without a host side (macvlan
 * and the like; net/splice.h can), with the reason. What fails is undone.
 */
int inplace_add(const struct inplace_spec *spec, struct inplace_stat *ret,
		struct err *reterr);
/*
 * Takes it all away, vbr and vth with the last one; frames that are with the
 * data plane are waited for. -ENOENT: it is not diverted.
 */
int inplace_del(const struct inplace_port *port, struct err *reterr);
/* All, also of devices that are gone; tries all, returns the first failure. */
int inplace_del_all(struct err *reterr);
/* Is anything in that namespace diverted in place? Then vbr is. */
bool inplace_is_used(const struct netns *ns);
/* What is left of devices that are gone; else the next inplace_add() does it. */
int inplace_sweep(struct err *reterr);
/* What is set of a workload that is diverted. -1, NULL: stays as it is. */
struct inplace_change {
	int mode, failure, hold, only_ip;
	const struct inplace_allow *allow; /* instead of those before */
	const struct mac *mac;		   /* the workload's, when it changed */
};

#define INPLACE_CHANGE_NOTHING                                       \
	{                                                            \
		.mode = -1, .failure = -1, .hold = -1, .only_ip = -1 \
	}

/*
 * But for the allowed peers, which are written before, one map write. -ENOENT;
 * -EINVAL: tap or inline of one whose MAC is not known.
 */
int inplace_set(const struct inplace_port *port, const struct inplace_change *c,
		struct err *reterr);
/* *ret is the caller's to free(); *ret_n may be 0. */
int inplace_list(struct inplace_stat **ret, size_t *ret_n, struct err *reterr);

/*
 * The counters of ports, by the ifindex of their host's side; ret has room for
 * n. Zero: not diverted. Reads nothing else, so 1,000 take 2 ms.
 */
int inplace_counts_of(const uint32_t *ports, size_t n,
		      struct inplace_counts *ret, struct err *reterr);

/* "pass", "tap", ...; "closed", "open"; "drop", "pass" */
const char *inplace_mode_name(enum inplace_mode m);
const char *inplace_failure_name(enum inplace_failure f);
const char *inplace_hold_name(enum inplace_hold h);
/* By name; -EINVAL says which names there are. */
int inplace_mode_parse(const char *name, enum inplace_mode *ret,
		       struct err *reterr);
int inplace_failure_parse(const char *name, enum inplace_failure *ret,
			  struct err *reterr);
int inplace_hold_parse(const char *name, enum inplace_hold *ret,
		       struct err *reterr);
