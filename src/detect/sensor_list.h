/* A list of sensors while it is made; for sensor*.c only. */
#pragma once

#include "base/arena.h"
#include "detect/sensor.h"

struct sensor_list {
	struct arena arena; /* with all that sensors point to */
	struct sensor *sensors;
	size_t n;
	struct sensor_list *joined; /* what some of them point to; NULL: none */
};

/* For up to n sensors; NULL: out of memory. */
struct sensor_list *sensor_list_new(size_t n);
/*
 * Sorts, and looks for ids (named: and names) that are there twice. 0, or
 * -EINVAL, -ENOMEM with *reterr.
 */
int sensor_list_finish(struct sensor_list *l, bool named, struct err *reterr);
