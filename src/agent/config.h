/*
 * The agent's configuration, /etc/weir/weir.yaml (weir.yaml(5)). It is read and
 * checked whole before anything of it is used; one that is wrong changes
 * nothing. What is not in it has the value said here.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits.h"
#include "base/limits_fleet.h"
#include "bpf/inplace.h"
#include "intent/intent.h"
#include "runtime/runtime.h"

#define CONFIG_PATTERNS_MAX 64

/* Patterns as fnmatch(3) knows them. */
struct config_patterns {
	char *at[CONFIG_PATTERNS_MAX]; /* owned */
	size_t n;
};

enum config_on_new {
	ON_NEW_AUTO, /* hold, if anything is protected; else pass */
	ON_NEW_HOLD,
	ON_NEW_PASS,
	ON_NEW__MAX
};

/* The fleet that this host belongs to; no servers: none. */
struct config_cluster {
	char *name;			  /* weir; owned, as all texts */
	char *servers[FLEET_SERVERS_MAX]; /* "tls://host:4222" */
	size_t n_servers;
	char *ca, *cert, *key; /* files; NULL: no TLS */
	unsigned replicas; /* of what is kept; 0: 3 with 3 servers or more */
	unsigned events_days, events_mb, flows_days, flows_mb; /* there */
};

/* `kubernetes:`; texts owned. */
struct config_kubernetes {
	bool on;       /* it is there */
	bool all_pods; /* not only this node's */
	char *server, *token_file, *ca_file;
};

struct config {
	struct runtime_spec runtimes[RUNTIMES_MAX]; /* paths owned */
	size_t n_runtimes;

	/* guard: */
	struct config_patterns links;	/* host's devices: ["*"] */
	struct config_patterns exclude; /* of those, and workloads' names */
	enum config_on_new on_new;	/* auto */
	unsigned claim_ms; /* a veth that nobody claims is its own workload */
	bool only_ip;	   /* what is neither IP nor ARP: dropped */
	enum inplace_failure on_failure; /* closed */
	bool splice;	   /* what has no host's side; false: left alone */
	bool watch_inline; /* discover and monitor: inline; else a copy */

	enum intent_mode default_mode; /* of a new store: discover */

	/* data_plane: */
	char *program, *plane_door; /* owned */
	bool plane_managed;
	unsigned workers; /* 1..WORKERS_MAX */

	/* learn: */
	bool auto_accept;

	/* rules: */
	bool rules_builtin; /* those that come with Weir, if they are there */
	char *rules_path;   /* where; owned */

	/* store: */
	char *store_dir; /* /var/lib/weir */
	unsigned flows_days, events_days, store_max_mb;

	/* control: */
	char *door; /* /run/weir/agent.sock */
	/* Who beside root may ask there; accounts that do not exist: nobody. */
	char *door_group;	      /* of the socket: weir */
	char *api_user, *export_user; /* weir-api, weir-export */

	struct config_cluster cluster;
	struct config_kubernetes kubernetes;

	char *node; /* this host's name; in a cluster the node's */
};

/* What holds without a file. -ENOMEM. End with config_done(). */
int config_init(struct config *c, struct err *reterr);
void config_done(struct config *c);
/*
 * Reads and checks the file; *ret is a whole configuration. -ENOENT: there is
 * no file; -EINVAL with FILE:LINE:COL. *ret is untouched on failure.
 */
int config_read(const char *path, struct config *ret, struct err *reterr);
/* The same; but a file that need not be there: what holds without one. */
int config_read_if(const char *path, bool must, struct config *ret,
		   struct err *reterr);
bool config_cluster_must_restart(const struct config_cluster *a,
				 const struct config_cluster *b);
bool config_kubernetes_same(const struct config_kubernetes *a,
			    const struct config_kubernetes *b);
/* Does any fit? */
bool config_matches(const struct config_patterns *p, const char *text);
