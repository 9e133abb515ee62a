/*
 * A workload's sensors with their actions, by where they look: our own look at
 * all of its traffic, NeuVector's at what their scope says
 * (detect/sensor_scope.h).
 *
 * Immutable once made; counted by the control thread alone, as a policy. Workers
 * read it through the snapshot that holds a count.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/sensing.h"

/* Bits of which of NeuVector's look, too: as of sensor_scope_of(). */
#define SENSING_DLP 1
#define SENSING_WAF 2

/* All borrowed for the call, in any order; of one id the last counts. */
struct sensing_spec {
	struct sensor_uses own, dlp, waf;
	struct sensor_scope scope; /* of dlp and waf */
	uint8_t signatures;	   /* enum signatures_mode */
};

struct sensing;

/* NULL: out of memory. Count 1; sensing_put() by the caller. */
struct sensing *sensing_new(const struct sensing_spec *spec);
/* Both accept NULL. */
struct sensing *sensing_get(struct sensing *s);
void sensing_put(struct sensing *s);

/* Do both ask for the same? NULL is like no sensors, and ENFORCE. */
bool sensing_same(const struct sensing *a, const struct sensing *b);

/* Any thread, from here on; s may be NULL. */
enum signatures_mode sensing_signatures(const struct sensing *s);
/* Those that look where the bits (SENSING_*) say, our own always. */
struct sensor_uses sensing_uses(const struct sensing *s, unsigned bits);
/* Where do NeuVector's look? NULL: there are none. */
const struct sensor_scope *sensing_scope(const struct sensing *s);
/* Is it one of NeuVector's, and none of our own? */
bool sensing_is_compat(const struct sensing *s, uint32_t id);
