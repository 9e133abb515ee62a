/*
 * A part of base/limits.h, which has no room left: ending sessions by hand.
 */
#pragma once

/* Sessions that one weir_kill, one session-kill names. More: E2BIG. */
#define SESSIONS_KILL_MAX 64
/*
 * Those of one worker that are found and not reset yet: this is done between two
 * batches, with two frames each. The rest is asked for again.
 */
#define KILLS_WAITING_MAX 16
