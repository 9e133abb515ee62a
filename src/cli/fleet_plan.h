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
};

struct fleet_node {
	char name[FLEET_NAME_MAX];
	char host[FLEET_HOST_MAX]; /* "": was not said; only for people */
	bool editor;		   /* may change the policy, and forget nodes */
	bool made; /* in the folder already; not in fleet.json */
};

struct fleet_plan {
	char name[FLEET_NAME_MAX];
	unsigned days;	    /* 1..FLEET_DAYS_MAX; how long certificates hold */
	unsigned kept_days; /* what fleet.json says of it; 0: is new */
	char *store;	    /* owned; NULL: the default */
	uint16_t monitor;   /* on 127.0.0.1; 0: none */
	size_t n_servers, n_nodes;
	struct fleet_server servers[FLEET_MADE_SERVERS_MAX];
	struct fleet_node nodes[FLEET_NODES_MAX];
};

/* Empty, with defaults. NULL: out of memory. */
struct fleet_plan *fleet_plan_new(void);
void fleet_plan_free(struct fleet_plan *p);

/* 1-63 of a-z, 0-9 and '-', which does not begin it. -EINVAL; `at` names it. */
int fleet_name_check(const char *name, const char *at, struct err *reterr);
/* NAME=HOST:PORT[:CLUSTERPORT]; an IPv6 address in brackets. -EINVAL, -EEXIST, -E2BIG. */
int fleet_plan_server(struct fleet_plan *p, const char *text,
		      struct err *reterr);
/* NAME[=HOST]. -EINVAL, -EEXIST, -E2BIG. */
int fleet_plan_node(struct fleet_plan *p, const char *at, const char *text,
		    struct err *reterr);
/* A node that may edit; one that is not known yet becomes one. As above. */
int fleet_plan_editor(struct fleet_plan *p, const char *name,
		      struct err *reterr);
int fleet_plan_days(struct fleet_plan *p, const char *text, struct err *reterr);
int fleet_plan_monitor(struct fleet_plan *p, const char *text,
		       struct err *reterr);
int fleet_plan_store(struct fleet_plan *p, const char *path,
		     struct err *reterr);

/* fleet.json, which the caller frees. NULL: out of memory. */
char *fleet_plan_write(const struct fleet_plan *p);
/*
 * What DIR/fleet.json says, into an empty plan; each of its nodes is `made`.
 * -ENOENT and the like; -EINVAL: it is none of ours.
 */
int fleet_plan_read(struct fleet_plan *p, const char *dir, struct err *reterr);
