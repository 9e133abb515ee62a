/*
 * What our own door tells of signatures and sensors: weir_rules, weir_detection,
 * their part of weir_version, weir_stats and weir_config.
 */
#pragma once

#include <jansson.h>

#include "dp/control.h"

/* The answers of the messages of that name: what is ordered, in force, refused. */
void answer_rules(json_t *result, const struct control *ctl);
void answer_detection(json_t *result, const struct control *ctl);
/* "weir_rules", "weir_detection": versions only. */
void answer_detection_in_force(json_t *result, const struct control *ctl);
/* "signatures", "sensors": use against limits, counters, sizes. */
void answer_detection_counts(json_t *result, const struct control *ctl,
			     const struct inspect_counts *c);
/* As answer_config(). */
void answer_detection_messages(json_t *messages, const struct control *ctl);
