/*
 * Signatures and sensors of a data plane: what was ordered, what is in force, and
 * who has which.
 *
 *   weir_rules ───────────▶ builder ─▶ sig_set ───lane each──▶ workers
 *   weir_detection ─┬─────▶ builder ─▶ sensor_set ─lane each─▶ workers
 *   ctrl_bld_dlp ───┘ (dp/dlp.h)
 *   weir_detection, ctrl_cfg_dlp: who has which ─▶ config ─▶ snapshot
 *
 * A set of signatures is in use until the last connection that began with it is
 * over; sensors are at once replaced everywhere.
 *
 * Our own sensors and NeuVector's are one set, as their ids are one space. Where
 * both have an id, ours counts; of NeuVector's the latest.
 *
 * Control thread only.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "dp/builder.h"
#include "dp/config.h"
#include "dp/dlp.h"
#include "dp/workers.h"
#include "wire/ctrl.h"

struct detection;

/* All borrowed, for as long as it lives. NULL: *reterr. */
struct detection *detection_start(const struct workers *ws,
				  const struct dlp *dlp, struct err *reterr);
/* Before the workers end. NULL is accepted. */
void detection_stop(struct detection *d);

/* WEIR_RULES, and not only to ask. Takes what it holds. -ESTALE. */
int detection_rules(struct detection *d, struct ctrl_msg *m,
		    struct err *reterr);
/*
 * WEIR_DETECTION, likewise. Workloads' MACs that nobody has are passed over. 0;
 * -ESTALE; as sensor_list_parse(), and nothing has changed.
 */
int detection_sensors(struct detection *d, struct config *c, struct ctrl_msg *m,
		      struct err *reterr);
/*
 * What dp/dlp.h keeps has changed: who has which; and, if `patterns`, what they
 * are.
 */
int detection_dlp_changed(struct detection *d, struct config *c, bool patterns,
			  struct err *reterr);
/* The workload is gone. */
void detection_forget(struct detection *d, uint16_t endpoint);

/* Readable when detection_turn() has something to do. */
int detection_fd(const struct detection *d);
/* What was built comes into force; sets that nobody uses any more are freed. */
void detection_turn(struct detection *d, struct config *c);
/* Is there an older set that is to be looked after now and then? */
bool detection_has_old(const struct detection *d);
/*
 * Until all that was ordered is in force. As negative errno if nothing came of some of
 * it: then that is not what it was told to begin with.
 */
int detection_settle(struct detection *d, struct config *c, struct err *reterr);

struct detection_state {
	uint64_t version;  /* of the last order; 0: there was none */
	uint64_t in_force; /* of what is in force */
	bool building;
	/* Of what was built last: */
	uint64_t read, refused, left_out;
	const json_t *faults; /* borrowed; NULL: none */
	const char *error;    /* ""; why nothing came of it */
};
struct detection_state detection_state(const struct detection *d,
				       enum built_kind kind);
/* In force; NULL: none. Borrowed until the next turn. */
const struct sig_set *detection_signatures(const struct detection *d);
const struct sensor_set *detection_sensor_set(const struct detection *d);
/* Sets of signatures that are not freed yet. */
unsigned detection_sets(const struct detection *d);
/* As they were ordered; borrowed. sensors: NULL: none. */
const struct rules_message *detection_ordered_rules(const struct detection *d);
const json_t *detection_ordered_sensors(const struct detection *d);
/* Of weir_detection, of that workload; NULL: it was not spoken of. Borrowed. */
const struct workload_sensing *detection_told(const struct detection *d,
					      uint16_t endpoint);
