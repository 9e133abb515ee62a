/*
 * What signatures and sensors have found in the packet under way (in->hearing):
 * it becomes a finding, and may keep the packet from going on. Only for
 * detection.c.
 */
#pragma once

#include "inspect/hear.h"

/* As sig_scanner_options.told, sensor_scanner_options.told; arg: an inspect. */
void detection_signature_told(void *arg, uint32_t flow,
			      const struct sig_told *t);
void detection_sensor_told(void *arg, uint32_t conversation,
			   const struct sensor_told *t);
/* What waits to know its request, knows it as far as it will. */
void detection_tell_held(const struct hearing *h);

static inline const struct sensing *sensing_of(const struct endpoint *e)
{
	return e ? e->sensing : NULL;
}
