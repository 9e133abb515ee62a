/*
 * Which ports a workload listens on and what speaks there: told by the agent
 * (ctrl_cfg_mac.apps) or seen by the data plane. One map a workload, by its
 * index; the agent hears of a changed one (kind 1). Control thread only.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/image.h"
#include "wire/ctrl.h"
#include "wire/records.h"

struct app_maps;

/* NULL: out of memory. */
struct app_maps *app_maps_new(void);
/* NULL is accepted. */
void app_maps_free(struct app_maps *m);

/*
 * Makes room for the workload's map, so that app_maps_configure() cannot fail.
 * -ENOMEM.
 */
int app_maps_reserve(struct app_maps *m, uint16_t endpoint);
/*
 * What the agent told is now this (n <= ENDPOINT_APPS_MAX): what it told before
 * and does not any more is removed; what was seen stays; what an entry says of
 * application and server is kept where it is known. After app_maps_reserve().
 */
void app_maps_configure(struct app_maps *m, uint16_t endpoint,
			const struct app_port *apps, size_t n);
/*
 * Seen: numbers that are not 0 replace what is known. false: the map is full or
 * there is no memory, and it is not in it; the caller counts that.
 */
bool app_maps_learn(struct app_maps *m, uint16_t endpoint,
		    const struct app_record *seen);
/* The workload is gone. */
void app_maps_forget(struct app_maps *m, uint16_t endpoint);

/* The whole map; borrowed until the next change. *ret_n may be 0. */
const struct app_record *app_maps_get(const struct app_maps *m,
				      uint16_t endpoint, size_t *ret_n);
/* Entry i of that: was it told by the agent? */
bool app_maps_is_configured(const struct app_maps *m, uint16_t endpoint,
			    size_t i);
/* Has it changed since the agent was told last? */
bool app_maps_is_changed(const struct app_maps *m, uint16_t endpoint);
void app_maps_told(struct app_maps *m, uint16_t endpoint);

/* All of them. */
void app_maps_save(const struct app_maps *m, struct image_writer *w);
/*
 * What was seen is learned, beside what the agent has told. Of indices that `is`
 * says no to nothing is.
 */
void app_maps_load(struct app_maps *m, const struct image_reader *r,
		   bool (*is)(void *arg, uint16_t endpoint), void *arg);
