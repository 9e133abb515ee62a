/*
 * Whose traffic NeuVector's sensors look at (reference 6.3): a workload is in
 * groups, and its sensors are for what crosses their border (outside), or for all
 * but what stays within (inside). Pure.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/sensing.h"

struct sensor_traffic {
	bool session;	     /* else a frame without one */
	bool mesh;	     /* of a proxymesh's workload */
	bool internal, open; /* east-west; no rule said anything (OPEN) */
	bool peer_is_host;   /* or a tunnel */
	uint32_t rule;	     /* id of the policy's rule that it is of */
	uint32_t app;
};

#define SENSOR_SCOPE_DLP 1
#define SENSOR_SCOPE_WAF 2
/* Bits: which sensors look at it. */
unsigned sensor_scope_of(const struct sensor_scope *s,
			 const struct sensor_traffic *t);
