/*
 * What runs here, as the agent knows it: containers, the workloads they are in,
 * and the ports by which those talk. Memory only; who fills it is inventory.h,
 * who acts on it guard.h and policy.h.
 *
 *   container ──▶ workload ◀── port
 *   (runtime's)   (a network     (a device of it, and its host's side)
 *                  namespace)
 *
 * A workload is a network namespace, known by its inode and kept open; several
 * containers may be in one (a pod). A port may be seen at its host's side before
 * anybody told whose it is: then its workload is NULL. Two kinds of workloads
 * have no namespace that is open here: a VM's tap, and a veth that no runtime
 * claimed; they are their port.
 *
 * The main loop's thread only.
 */
#pragma once

#include <jansson.h>
#include <linux/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/loop.h"
#include "base/addr.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/limits_door.h"
#include "bpf/inplace.h"
#include "bpf/shared.h"
#include "intent/intent.h"
#include "net/netns.h"
#include "net/netwatch.h"

#define WORKLOAD_ID_MAX	  STORE_ID_MAX
#define WORKLOAD_TEXT_MAX 256

/* MACs that are remembered of a workload that is gone. */
#define WORKLOAD_GONE_MACS 8

struct agent;
struct tap;
struct whose;

struct container {
	struct container *next; /* of all */
	unsigned source;	/* index of the runtime */
	char id[RUNTIME_ID_MAX];
	json_t *about;		   /* owned; runtime/runtime.h */
	int pid;		   /* 0: unknown */
	bool listed;		   /* seen in the listing that is under way */
	struct workload *workload; /* NULL: host network */
};

enum port_state {
	PORT_FREE,     /* not diverted: not wanted, or not yet */
	PORT_DIVERTED, /* in its layout */
	PORT_FAILED,   /* could not be; why says it; tried again */
	PORT_STATE__MAX
};

/* How it is diverted. */
enum port_layout {
	PORT_IN_PLACE, /* at the host's side: guard.c */
	PORT_LISTENED, /* not at all, but a data plane hears it: guard_splice.h */
	PORT_SPLICED, /* its device is in a namespace of ours: guard_splice.h */
	PORT_LAYOUT__MAX
};

struct port {
	struct port *next;	   /* of all */
	struct workload *workload; /* NULL: nobody's yet */
	uint32_t host_ifindex;	   /* host's side; 0: it has none */
	char host[IFNAMSIZ];
	char kind[32];	    /* "veth", "tun", "macvlan" */
	char dev[IFNAMSIZ]; /* in the workload; "" */
	struct mac mac;	    /* the workload's; zero: not known yet */
	uint32_t ifindex;   /* in the workload */
	int32_t peer_nsid;  /* of a veth whose other end is elsewhere */
	usec_t seen_at;	    /* for who nobody claims */
	struct tap *tap;    /* taps.h; NULL: it is none */
	struct mac mark, group_mark; /* while diverted */
	struct mac plane_mac;	     /* under which the data plane knows it */
	enum port_state state;
	enum port_layout layout; /* while diverted */
	enum divert_mode divert; /* SPLICED: what the kernel does */
	uint64_t ns_ino;	 /* SPLICED, found so: of its workload; or 0 */
	enum inplace_mode mode;	 /* while diverted, as what follows */
	enum inplace_failure failure;
	bool only_ip;
	uint64_t wanted_in; /* first want (plane.h) that has it; 0: none */
	bool listed;	    /* seen in the listing that is under way */
	bool adopted;	    /* was diverted when the agent started */
	struct err why;	    /* FAILED */
	/* parking.h: when data planes died at its frames, a ring, and until when. */
	usec_t deaths[PORT_DEATHS], parked;
	unsigned n_deaths, n_parked;
};

struct workload {
	struct workload *next; /* of all */
	struct agent *agent;   /* borrowed */
	char id[WORKLOAD_ID_MAX];
	struct netns ns; /* fd -1: a tap's, or nobody's veth */
	json_t *about;	 /* of its first container, and "node"; owned */
	unsigned n_containers;
	struct ip_addr *addrs; /* owned; at most WORKLOAD_ADDRS_MAX */
	size_t n_addrs;
	struct netwatch *watch; /* owned; NULL */
	struct loop_fd *watch_fd;
	bool stale;	   /* its devices or addresses are to be read again */
	usec_t look_again; /* then, too; 0: never */
	usec_t looked_at;  /* the last time */
	enum intent_mode intent_mode;
	json_t *groups;	      /* policy_groups_of(); owned; NULL: ask anew */
	uint64_t map_told[2]; /* what the map tells of it: hash; changed when */
	uint64_t counted[5]; /* throughput.c: what it had at the last reading */
	bool denied_some;    /* some rule denies it something */
	uint32_t world_at;   /* where it is in the last world_now() */
	bool quarantined;
	char quarantine_why[WORKLOAD_TEXT_MAX];
	bool released;	     /* the user said: not this one */
	bool described;	     /* anew: the store has not got it yet */
	bool remote, noted;  /* on another node; the store has heard of it */
	struct err why;	     /* what could not be read of it; code 0 */
	uint64_t violations; /* of it, since it is known; record.h */
	size_t place;	     /* in what is being put together; commands_top.c */
	/* Of one that is gone: under which MACs the data plane knew it. */
	struct mac gone_macs[WORKLOAD_GONE_MACS];
	size_t n_gone_macs;
};

struct registry {
	struct container *containers;
	struct workload *workloads;
	struct port *ports;
	unsigned n_containers, n_workloads, n_ports;
	uint64_t refused; /* for want of room */
	/*
	 * Those that went last: the data plane tells of a connection a few
	 * seconds after it was, and a short job is gone by then.
	 */
	struct workload *gone;
	unsigned n_gone;
	struct workload *remote; /* of other nodes; peers.c has them */
	unsigned n_remote;
	struct whose *by_mac, *by_addr; /* indices; owned; NULL: stale */
	uint64_t changes;		/* calls of registry_changed() */
};

/* Some MAC or address is another's now: the indices are made anew when asked. */
void registry_changed(struct registry *r);
/* The same where it can only be MACs, of ports: they are few beside a fleet's addresses. */
void registry_macs_changed(struct registry *r);

void registry_done(struct registry *r);

/* NULL: none such. */
struct container *registry_container(const struct registry *r, unsigned source,
				     const char *id);
struct workload *registry_by_ns(const struct registry *r,
				const struct netns *ns);
struct workload *registry_by_id(const struct registry *r, const char *id);
struct port *registry_port(const struct registry *r, uint32_t host_ifindex);
/* By the MAC under which the data plane knows it. */
struct port *registry_port_by_mac(const struct registry *r, struct mac mac);
/*
 * Whose MAC, by which the data plane knows a port, or whose address? Also of one
 * that went a while ago. Of several with one address, the first.
 */
struct workload *registry_by_mac(struct registry *r, struct mac mac);
struct workload *registry_by_addr(struct registry *r, struct ip_addr a);

/*
 * By what a person would write: name, "name.namespace", id or the beginning of
 * one. -ENOENT, -ENOTUNIQ with *reterr, which names what is near.
 */
int registry_find(const struct registry *r, const char *text,
		  struct workload **ret, struct err *reterr);

/* NULL: ENOSPC, or out of memory; counted in r->refused. */
struct container *registry_add_container(struct registry *r, unsigned source,
					 const char *id);
struct workload *registry_add_workload(struct registry *r, const char *id);
struct port *registry_add_port(struct registry *r);
void registry_del_container(struct registry *r, struct container *c);
/* Its watch must be out of the loop; its ports become nobody's. Is remembered. */
void registry_del_workload(struct registry *r, struct workload *w);
void registry_del_port(struct registry *r, struct port *p);

/* A member of w->about that is a text; "" if there is none. */
const char *workload_text(const struct workload *w, const char *member);
/* As it is called: name, or "name.namespace" where it has one. Static buffer. */
const char *workload_name(const struct workload *w);

/* Does the data plane judge what goes through it? */
bool port_is_judged(const struct port *p);
/*
 * For intent/intent.h: borrows from w. macs: room for WORKLOAD_PORTS_MAX; those
 * of its diverted ports are put there.
 */
#define WORKLOAD_PORTS_MAX 64
struct intent_workload workload_as_intent(const struct registry *r,
					  const struct workload *w,
					  struct mac *macs);

const char *port_state_name(enum port_state s);
const char *port_layout_name(enum port_layout l);
