/*
 * What a data plane tells of connections, threats and running meters, as
 * tables for a person, on stdout.
 */
#pragma once

#include <jansson.h>

#include "cli/out.h"

/* {"connections": [...], "missed": N}: oldest first. */
void dpshow_connections(const struct out *o, const json_t *answer);
/* {"threats": [...], "missed": N}: oldest first. */
void dpshow_threats(const struct out *o, const json_t *answer);
/* {"findings": [...], "missed": N}: oldest first. */
void dpshow_findings(const struct out *o, const json_t *answer);
/* {"meters": [...]} */
void dpshow_meters(const struct out *o, const json_t *answer);
