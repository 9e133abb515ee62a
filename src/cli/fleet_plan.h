/*
 * What a fleet is made of: its servers and nodes, as `weir fleet init` is told of
 * them, and as fleet.json keeps them for who adds one later.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/limits_fleet_init.h"

#define FLEET_DAYS_DEFAULT	   825
#define FLEET_CLUSTER_PORT_DEFAULT 6222
#define FLEET_STORE_DEFAULT	   "/var/lib/nats"

struct fleet_server {
	char name[FLEET_NAME_MAX];
	char host[FLEET_HOST_MAX]; /* a DNS name or an address, no brackets */
	uint16_t port, cluster_port;
	bool made;	    /* as of a node */
	bool renews;	    /* gets new certificates */
	bool routes_inside; /* its nats.conf is of an earlier Weir */
};

struct fleet_node {
	char name[FLEET_NAME_MAX];
	char host[FLEET_HOST_MAX]; /* "": was not said; only for people */
	bool editor;		   /* may change the policy, and forget nodes */
	bool was_editor;	   /* in fleet.json */
	bool made;   /* in the folder already; not in fleet.json */
	bool renews; /* gets a new certificate */
};

/*
 * Who is no part of it any more, but has a certificate still: a name that is not
 * given again.
 */
struct fleet_gone {
	char name[FLEET_NAME_MAX];
	bool now; /* was to go in this run, maybe once more; not in fleet.json */
};

/* Owned; all 0 is none. */
struct fleet_gones {
	struct fleet_gone *at;
	size_t n;
};

struct fleet_plan {
	char name[FLEET_NAME_MAX];
	unsigned days;	    /* 1..FLEET_DAYS_MAX; how long certificates hold */
	unsigned kept_days; /* what fleet.json says of it; 0: is new */
	char *store;	    /* owned; NULL: the default */
	uint16_t monitor;   /* on 127.0.0.1; 0: none */
	bool had_editor;    /* what fleet.json says, as had_servers */
	size_t had_servers;
	size_t n_servers, n_nodes;
	struct fleet_gones gone_servers, gone_nodes;
	struct fleet_server servers[FLEET_MADE_SERVERS_MAX];
	struct fleet_node nodes[FLEET_NODES_MAX];
};

/* Empty, with defaults. NULL: out of memory. */
struct fleet_plan *fleet_plan_new(void);
void fleet_plan_free(struct fleet_plan *p);

/* 1-63 of a-z, 0-9 and '-', which does not begin it. -EINVAL; `at` names it. */
int fleet_name_check(const char *name, const char *at, struct err *reterr);
/* NAME=HOST:PORT[:CLUSTERPORT]; an IPv6 address in brackets. -EINVAL, -EEXIST, -E2BIG. */
int fleet_plan_server(struct fleet_plan *p, const char *at, const char *text,
		      struct err *reterr);
/* NAME[=HOST]. -EINVAL, -EEXIST, -E2BIG. */
int fleet_plan_node(struct fleet_plan *p, const char *at, const char *text,
		    struct err *reterr);
/* A node that may edit; one that is not known yet becomes one of a new fleet. As above. */
int fleet_plan_editor(struct fleet_plan *p, const char *name,
		      struct err *reterr);
int fleet_plan_days(struct fleet_plan *p, const char *text, struct err *reterr);
int fleet_plan_monitor(struct fleet_plan *p, const char *text,
		       struct err *reterr);
int fleet_plan_store(struct fleet_plan *p, const char *path,
		     struct err *reterr);

/*
 * Changes of a fleet that is there (fleet_plan_change.c). What is so already is no
 * error: what was interrupted is done again. -EINVAL, -ENOENT: there is none.
 */
int fleet_plan_no_editor(struct fleet_plan *p, const char *name,
			 struct err *reterr);
int fleet_plan_remove(struct fleet_plan *p, const char *name,
		      struct err *reterr);
int fleet_plan_remove_server(struct fleet_plan *p, const char *name,
			     struct err *reterr);
/* New certificates: of each node and server of that name, or of all. */
int fleet_plan_renew(struct fleet_plan *p, const char *name,
		     struct err *reterr);
void fleet_plan_renew_all(struct fleet_plan *p);
/* Is it one, with all that was said? -EINVAL. */
int fleet_plan_check(const struct fleet_plan *p, struct err *reterr);

/* --- for the files of it: fleet_plan.c, fleet_plan_change.c, fleet_plan_json.c --- */

struct fleet_node *fleet_plan_find(struct fleet_plan *p, const char *name);
bool fleet_gone_has(const struct fleet_gones *g, const char *name);
/* -ENOMEM, -E2BIG */
int fleet_gone_add(struct fleet_gones *g, const char *name, bool now,
		   struct err *reterr);
int fleet_plan_check_host(const char *host, const char *at, struct err *reterr);
int fleet_plan_add_server(struct fleet_plan *p, const struct fleet_server *s,
			  const char *at, struct err *reterr);

/* --- fleet.json (fleet_plan_json.c) ------------------------------------------ */

/* fleet.json, which the caller frees. NULL: out of memory. */
char *fleet_plan_write(const struct fleet_plan *p);
/*
 * What DIR/fleet.json says, into an empty plan; each of its nodes is `made`.
 * -ENOENT and the like; -EINVAL: it is none of ours.
 */
int fleet_plan_read(struct fleet_plan *p, const char *dir, struct err *reterr);
