/*
 * All outputs of a configuration. One thread puts lines in, another one changes
 * the configuration and asks how they are.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "export/config.h"
#include "export/item.h"

struct outputs;

/* state: as outputs_cursors() gave it; borrowed. NULL: out of memory. */
struct outputs *outputs_new(const json_t *state, const char *host);
/*
 * Ends them: what waits is sent, for EXPORT_END_MS at most; the rest the next one
 * sends, by outputs_cursors().
 */
void outputs_end(struct outputs *os);
void outputs_free(struct outputs *os); /* after that; NULL is accepted */

/*
 * From now on those of c (taken, stands empty). Those that are the same go on as
 * they are (and open their files anew), others are ended and begun with what
 * waits in them. -ENOMEM, -EAGAIN: one of them could not be begun.
 */
int outputs_apply(struct outputs *os, struct export_config *c,
		  struct err *reterr);

void outputs_put(struct outputs *os, struct item *i);
/* Waits a little, while one that gets on has hardly any room left. */
void outputs_hold(struct outputs *os);
/*
 * The event up to which all have got; UINT64_MAX: all of them begin with what is
 * new.
 */
uint64_t outputs_event(struct outputs *os);
/* All that there was has been put in; the last event was that one. */
void outputs_caught_up(struct outputs *os, uint64_t last_event);
/* The agent's numbers begin anew. */
void outputs_events_anew(struct outputs *os);

json_t *outputs_status(struct outputs *os);  /* an array; owned */
json_t *outputs_cursors(struct outputs *os); /* an object; owned */
