/*
 * The configuration of nats-server and of weir-agent, as text, of a plan. Each is
 * the caller's; NULL: out of memory.
 */
#pragma once

#include "cli/fleet_plan.h"

/* "a.node.weir": what a node's certificate says it is, and the server's user. */
#define FLEET_USER_MAX (2 * FLEET_NAME_MAX + 8)
const char *fleet_conf_user(const struct fleet_plan *p,
			    const struct fleet_node *n,
			    char buf[static FLEET_USER_MAX]);

/* The user of the servers' own account, who may take one of them out of their group. */
#define FLEET_ADMIN_HOST "servers.admin"
const char *fleet_conf_admin(const struct fleet_plan *p,
			     char buf[static FLEET_USER_MAX]);

/* nats.conf of the i-th server. It includes users.conf. */
char *fleet_conf_server(const struct fleet_plan *p, size_t i);
/* routes.conf of that server, which nats.conf includes: who the others are. */
char *fleet_conf_routes(const struct fleet_plan *p, size_t own);
/* users.conf, one for all servers: who may say and hear what (fleet_users.c). */
char *fleet_conf_users(const struct fleet_plan *p);
/* cluster.yaml, the part of weir.yaml of a node. */
char *fleet_conf_node(const struct fleet_plan *p, const struct fleet_node *n);
