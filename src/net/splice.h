/*
 * Splicing a data plane into a workload's network port: the article's layout.
 *
 *  host                     agent namespace             workload namespace
 *  peer ───────────── vex            vin ──────────────── eth0
 *                       │  tc ingress │      (new veth: old name, ifindex,
 *                       ▼             ▼       MAC, addresses, routes)
 *                         vbr ═══ vth ◀──▶ data plane
 *
 * vex is the workload's own device (veth, macvlan, ...), moved; further
 * workloads of the same agent namespace get vex1/vin1 and so on and share
 * vbr/vth. Everything that `down` and `list` need is read back from the
 * kernel, so any process can take down what another put up.
 *
 * All calls work from any namespace, need CAP_NET_ADMIN and CAP_SYS_ADMIN
 * (CAP_BPF for the bpf redirector), and one thread. What fails is undone.
 */
#pragma once

#include <linux/if.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/err.h"
#include "net/redirector.h"

/* The prefix of all marks, "NeuV"; the low 16 bits tell the workload. */
#define SPLICE_MARK_AUTO (-1)
/* Names in the agent namespace, the article's. */
#define SPLICE_VEX "vex"
#define SPLICE_VIN "vin"
#define SPLICE_VBR "vbr"
#define SPLICE_VTH "vth" /* the data plane's port */

struct splice_spec {
	const char *workload; /* namespace name or path; borrowed */
	const char *agent;    /* the same */
	const char *dev;      /* NULL = "eth0" */
	int mark;	      /* 0..0xffff, or SPLICE_MARK_AUTO */
	bool redirector_auto; /* the best that works; else: */
	enum redirector redirector;
	enum divert_mode mode;
	/*
	 * Not 0: stop at the next step, undo, -EINTR. May be NULL. A signal
	 * handler of the caller sets it.
	 */
	const volatile sig_atomic_t *stop;
};

/* How complete a splice is; `down` repairs the others. */
enum splice_state {
	SPLICE_WHOLE,
	SPLICE_HALF,   /* an `up` or `down` was killed in the middle */
	SPLICE_ORPHAN, /* the workload's namespace is gone */
	SPLICE_STATE__MAX,
};

struct splice_counter {
	uint64_t frames, bytes; /* a GSO frame counts once, with all bytes */
};

struct splice_stat {
	enum splice_state state;
	char workload[96]; /* namespace path as given to `up`; may be cut: "" */
	uint64_t workload_ino;
	char dev[IFNAMSIZ];   /* in the workload */
	uint32_t dev_ifindex; /* original, kept */
	char vex[IFNAMSIZ], vin[IFNAMSIZ];
	uint32_t vex_ifindex, vin_ifindex; /* 0 = missing */
	struct mac mac;			   /* the workload's own */
	struct mac ucmac;		   /* unicast mark: 4e:65:75:56:hh:ll */
	struct mac bcmac; /* broadcast mark: ff:ff:ff:00:hh:ll */
	enum redirector redirector;
	enum divert_mode mode;
	/* How long the workload was cut off by `up`; 0 in a list. */
	uint64_t gap_us;
	struct splice_counter counter[DIVERT_COUNTER__MAX];
};

/*
 * Diverts. -EALREADY: that device of the workload is spliced already (through
 * this or any agent); nothing was changed. -EOPNOTSUPP: a device or redirector
 * that cannot be, with the reason.
 */
int splice_up(const struct splice_spec *spec, struct splice_stat *ret,
	      struct err *reterr);

/*
 * Puts everything back: the original device under its name and ifindex, with
 * the addresses and routes that the workload's device has now. Removes vbr
 * and vth with the last workload. Also finishes what was half made. dev NULL =
 * "eth0". -ENOENT: there is nothing to put back.
 */
int splice_down(const char *workload, const char *agent, const char *dev,
		struct err *reterr);
/* All of an agent namespace; tries all, returns the first failure. */
int splice_down_all(const char *agent, struct err *reterr);

/*
 * Takes away what is left of one whose workload is gone (SPLICE_ORPHAN, as listed);
 * vbr and vth, too, with the last.
 */
int splice_drop(const char *agent, const struct splice_stat *s,
		struct err *reterr);

/*
 * What is diverted through an agent namespace, with counters. *ret is the
 * caller's to free(). *ret_count may be 0.
 */
int splice_list(const char *agent, struct splice_stat **ret, size_t *ret_count,
		struct err *reterr);

/* Atomic with bpf: one map write. With u32: two filters come or go. */
int splice_set_mode(const char *workload, const char *agent, const char *dev,
		    enum divert_mode mode, struct err *reterr);

const char *splice_state_name(enum splice_state s);
