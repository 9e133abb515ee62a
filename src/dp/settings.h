/*
 * The settings of a pipeline as the JSON of weir_settings, both ways.
 *
 *   {"meters":{"syn-flood":{"upper":800,...},...},
 *    "threats":{"2003":{"enabled":true,"action":"drop"},...},
 *    "streams":{"overlap":"first","on":{"held_max":"drop",...}},
 *    "fragments":{"overlap":"kill"}, "flows":{"full":"judge"},
 *    "policy":{"absent":"open"},
 *    "tunnels":{"look":["vxlan",...],"vxlan_ports":[4789],...},
 *    "cache":{"on":true,"frames":8,"depth":0}}
 *
 * Only what has an effect is in it: no meters or threats that nobody looks for,
 * no action of threats 2001 and 2002, whose packets are dropped in any case.
 */
#pragma once

#include <jansson.h>

#include "base/err.h"
#include "inspect/settings.h"

/*
 * *before with the members of body changed; an array replaces the one before, and
 * null is the default again.
 * 0; or -EINVAL, -E2BIG with *reterr (at: "meters.syn-flood.upper"), and *ret
 * untouched.
 */
int settings_read(const json_t *body, const struct inspect_settings *before,
		  struct inspect_settings *ret, struct err *reterr);
/* All of them; the caller's. */
json_t *settings_json(const struct inspect_settings *s);
/* Those that are not the default, so that reading them makes the rest so. */
json_t *settings_changed_json(const struct inspect_settings *s);
