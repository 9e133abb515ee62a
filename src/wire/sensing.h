/*
 * What a workload's traffic is looked through for, in the words of
 * weir_detection and of NeuVector's ctrl_cfg_dlp.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sensor_action { SENSOR_NOTHING, SENSOR_ALERT, SENSOR_BLOCK };

/* That sensor counts for a workload. */
struct sensor_use {
	uint32_t id;
	uint8_t action; /* ALERT, BLOCK */
};
/* Sorted by id, each once; borrowed for the call. May differ from call to call. */
struct sensor_uses {
	const struct sensor_use *uses;
	size_t n;
};

/* What the actions of signatures come to. In the order of strictness. */
enum signatures_mode {
	SIGNATURES_OFF,	    /* none is looked for */
	SIGNATURES_ALERT,   /* what would be dropped is only told of */
	SIGNATURES_ENFORCE, /* as their rules say */
	SIGNATURES__MAX
};

/* Whose traffic NeuVector's sensors look at; see detect/sensor_scope.h. */
struct sensor_scope {
	const uint32_t *rule_ids, *waf_rule_ids;
	size_t n_rule_ids, n_waf_rule_ids;
	bool inside, waf_inside;
	uint8_t dir;	   /* POLICY_DIR_* */
	bool default_deny; /* of the workload's policy */
};
