/*
 * A flow of the store as the doors tell it.
 */
#pragma once

#include <jansson.h>

#include "store/store.h"

/* client, server: how they were described; NULL: not known. */
json_t *flow_json(const struct store_flow *f, const json_t *client,
		  const json_t *server);
