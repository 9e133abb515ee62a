/*
 * A threat as Suricata's `anomaly`: of what layer it is, and its name there.
 */
#pragma once

#include <jansson.h>
#include <stdint.h>

/*
 * {"type", "event", "layer"?}; of a threat that is not known here, as of a later
 * data plane, {"type": "unknown", "event", "code"}. name: "ping of death". The
 * caller's; NULL: out of memory.
 */
json_t *anomaly_of(uint64_t id, const char *name);
