/*
 * How far what the data planes tell has been recorded, so that an agent that is
 * started again goes on there, and nothing counts twice. A note of the store,
 * written behind the records: after a crash the last second may come again.
 *
 *   note "cursors": {"host": {"connections": [EPOCH, AFTER], ...}, "splices": ...}
 *
 * Another epoch is another data plane, which is read from its beginning.
 *
 * Nothing is asked for before workloads have been listed: records of who is not
 * known yet would be told of addresses.
 */
#pragma once

#include "agent/agent.h"
#include "agent/plane.h"

enum cursors_of { CURSORS_HOST, CURSORS_SPLICES, CURSORS_OF__MAX };

int cursors_start(struct agent *a, struct err *reterr);
void cursors_stop(struct agent *a);
/* Where that data plane's thread begins. */
void cursors_from(const struct agent *a, enum cursors_of of,
		  struct plane_cursor ret[static PLANE_TOLD__MAX]);
/* That news has been recorded, or waits to be. */
void cursors_read(struct agent *a, enum cursors_of of,
		  const struct plane_news *n);
/* What was recorded is in the store. */
void cursors_flush(struct agent *a);
/* A data plane's thread is there: it is told when it may ask. */
void cursors_hold(struct agent *a, struct plane *p);
