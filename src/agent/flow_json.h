/*
 * Flows and events of the store as the doors tell them.
 */
#pragma once

#include <jansson.h>

#include "store/store.h"

/* client, server: how they were described; NULL: not known. */
json_t *flow_json(const struct store_flow *f, const json_t *client,
		  const json_t *server);
/* With its number, and without its raw bytes unless those are asked for. */
json_t *event_json(const json_t *event, uint64_t number, bool raw);
