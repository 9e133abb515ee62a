/*
 * Limits of `weir fleet init`, each with its reason and what happens when it is met.
 */
#pragma once

#include "base/limits_fleet.h"

/* Servers that are made. Three or five are right; more: E2BIG. */
#define FLEET_MADE_SERVERS_MAX 9
/* Of a DNS name or an address, NUL included. Longer: refused. */
#define FLEET_HOST_MAX 254
/* Days that certificates hold, at most: ten years, as the authority's. Refused. */
#define FLEET_DAYS_MAX 3650
/* Nodes, and servers, that are gone, whose names are not given again. More: E2BIG. */
#define FLEET_GONE_MAX 32768
/* Bytes of a path below the fleet's folder, NUL included: "server-NAME/FILE". */
#define FLEET_PATH_MAX 128
/* Bytes of fleet.json and of the authority's files. Larger: E2BIG. */
#define FLEET_FILE_MAX (4u << 20)
