/*
 * What is kept beside the snapshot (kept.h), as the messages that would make
 * it; the other part of answer_config(). Control thread.
 */
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "dp/control.h"

/* The "apps" of a ctrl_cfg_mac body: what the agent told of the workload. */
json_t *answer_kept_apps(const struct kept *k, uint16_t endpoint);
/* Names, detectors, signatures, behind the other messages. */
void answer_kept_messages(json_t *messages, const struct control *ctl);
