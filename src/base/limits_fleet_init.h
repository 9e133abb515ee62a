/*
 * Limits of `weir fleet init`, each with its reason and what happens when it is met.
 */
#pragma once

/* Servers of a fleet. Three or five are right; more: E2BIG. */
#define FLEET_SERVERS_MAX 9
/* Nodes of a fleet; each is a user in each server's file. More: E2BIG. */
#define FLEET_NODES_MAX 4096
/*
 * Bytes of a name of a fleet, a server or a node, NUL included: it is a token of
 * subjects and a label of a DNS name, which has 63. Longer: refused.
 */
#define FLEET_NAME_MAX 64
/* Of a DNS name or an address, NUL included. Longer: refused. */
#define FLEET_HOST_MAX 254
/* Days that certificates hold, at most: ten years, as the authority's. Refused. */
#define FLEET_DAYS_MAX 3650
/* Bytes of a path below the fleet's folder, NUL included: "server-NAME/FILE". */
#define FLEET_PATH_MAX 128
/* Bytes of fleet.json and of the authority's files. Larger: E2BIG. */
#define FLEET_FILE_MAX (4u << 20)
