/*
 * Sensors compiled: an immutable set that any number of workers scan with
 * (detect/sensor_scan.h). Built aside, by whoever may take a second for it.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "detect/sensor.h"

struct sensor_set;

struct sensor_set_size {
	uint32_t sensors;
	uint32_t left_out;
	uint32_t expressions; /* PCRE2 */
	uint32_t unfiltered;  /* ... that Vectorscan cannot look for */
	uint64_t database_bytes, scratch_bytes;
	uint32_t window; /* bytes that are looked at again, at least */
};

struct sensor_set_options {
	/*
	 * Told of each sensor that cannot be compiled, and is left out: an
	 * expression. Maybe NULL.
	 */
	void (*left_out)(void *arg, const struct sensor *s,
			 const struct err *why);
	void *arg;
};

/*
 * Takes the list: it is the set's from now on, and is freed also where this
 * fails. NULL: *reterr, ENOMEM, EIO (Vectorscan).
 */
struct sensor_set *sensor_set_new(struct sensor_list *l,
				  const struct sensor_set_options *opt,
				  struct err *reterr);
/* When no scanner has it any more. NULL is accepted. */
void sensor_set_free(struct sensor_set *s);
struct sensor_set_size sensor_set_size(const struct sensor_set *s);
/*
 * The same in two processes that have the same sensors and number what is in them
 * likewise: what one remembers of a connection means the same to the other.
 */
uint64_t sensor_set_fingerprint(const struct sensor_set *s);
/* By id; NULL: it has none of that id. Borrowed. */
const struct sensor *sensor_set_find(const struct sensor_set *s, uint32_t id);
