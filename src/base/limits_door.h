/*
 * A part of base/limits.h, which has no room left: of doors, the agent's and the
 * data plane's, what is not there yet.
 */
#pragma once

/* Bytes of a name for whom somebody asks, NUL included. Longer: EINVAL. */
#define DOOR_BY_MAX 129
/* An agent whose queue is full and who takes nobody out of it: ETIMEDOUT. */
#define DOOR_CONNECT_S 10
/* Requests of one client that are done before others have their turn. */
#define DOOR_LINES_PER_TURN 256
/* As DOOR_REQUEST_MAX, of who may only read, or nothing: he is closed. */
#define DOOR_QUESTION_MAX (1u << 20)
/* Of DOOR_CLIENTS_MAX so many are for root: accounts are turned away before. */
#define DOOR_ROOT_ROOM 16
/* No descriptor for who comes: so long nobody is let in. Counted (pauses). */
#define DOOR_PAUSE_US 250000
/* Jobs done beside the main loop (agent/aside.h). One more: EAGAIN. */
#define ASIDE_MAX 8
/* A request longer than that, 1 ms to read, is read beside the main loop. */
#define DOOR_LARGE 131072
/*
 * Proposals that are made at a time, of different times or while more was learned:
 * 50 MB each. One more: EAGAIN.
 */
#define PROPOSALS_MAKINGS_MAX 2
/* Proposals are of what was recorded in so many days, if nobody says since when. */
#define PROPOSALS_DAYS 30
/* Proposals that are kept for who asks next, 3 KB each. More: made each time. */
#define PROPOSALS_KEPT_MAX 10000
