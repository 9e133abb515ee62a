/*
 * The device's counters, statistics and meters for both doors. Control thread.
 */
#pragma once

#include <jansson.h>
#include <stddef.h>

#include "dp/control.h"
#include "wire/records.h"

/* What the counters of kind 4 are at the moment. */
struct device_counters device_counters_of(struct control *ctl);
/*
 * Keeps, of n records, those that NeuVector's agent knows (kinds 0..3, IPv4 or
 * without a peer), in order, at the beginning; how many.
 */
size_t meters_of_agent(struct meter_record *m, size_t n);

void answer_counters(json_t *result, const struct device_counters *c);
/* "total", "last_5s", "last_60s", "last_300s". */
void answer_traffic(json_t *result, const struct stats_record *s);
/* "workloads": of each its sessions now, and all that it ever had. */
void answer_each_traffic(json_t *result, struct control *ctl);
/* "meters": all that run. */
void answer_meters(json_t *result, struct control *ctl);
/* "notices": sent, not taken and lost, by kind. */
void answer_notices(json_t *result, const struct control *ctl);
