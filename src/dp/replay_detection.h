/*
 * Signatures and sensors of a replay: the weir_rules and weir_detection of --load,
 * built before the first frame. What signatures would drop is only told, as in any
 * capture.
 */
#pragma once

#include <jansson.h>

#include "base/err.h"
#include "dp/config.h"
#include "inspect/inspect.h"
#include "wire/ctrl.h"

struct replay_detection;

/* Is any of its messages about them? NULL: no. */
bool replay_detection_is_asked(const json_t *load);
/* Both borrowed, for as long as it lives. NULL: *reterr. */
struct replay_detection *replay_detection_new(struct inspect *in,
					      struct config *c,
					      struct err *reterr);
/* Before the inspect. NULL is accepted. */
void replay_detection_free(struct replay_detection *d);

/* What it was for goes on in another one, into which nothing was loaded yet. */
int replay_detection_move(struct replay_detection *d, struct inspect *next);

/* WEIR_RULES, WEIR_DETECTION; takes what the message holds. Once each. */
int replay_rules(struct replay_detection *d, struct ctrl_msg *m,
		 struct err *reterr);
int replay_sensors(struct replay_detection *d, struct ctrl_msg *m,
		   struct err *reterr);
