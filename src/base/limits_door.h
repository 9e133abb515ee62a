/*
 * A part of base/limits.h, which has no room left: of doors, the agent's and the
 * data plane's, what is not there yet.
 */
#pragma once

#include <stdint.h>

#include "base/clock.h"
#include "base/sanitized.h"

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
/* Rules that one answer has; who wants all asks page by page. limit above: EINVAL. */
#define RULES_PAGE_MAX 1000
/* A request longer than that, 1 ms to read, is read beside the main loop. */
#define DOOR_LARGE 131072
/*
 * Questions about all that was recorded that are worked on at a time (agent/study.h),
 * 50 MB each: proposals, of different times or while more was learned; what another
 * mode or policy would have done. One more: EAGAIN.
 */
#define STUDIES_MAX	      4
#define PROPOSALS_MAKINGS_MAX 2 /* of them */
/* Proposals are of what was recorded in so many days, if nobody says since when. */
#define PROPOSALS_DAYS 30
/* As RULES_PAGE_MAX, of proposals: 250 KB. */
#define PROPOSALS_PAGE_MAX 1000
/* Proposals that are kept for who asks next, 3 KB each. More: made each time. */
#define PROPOSALS_KEPT_MAX 10000
/*
 * A successor has so long to make the configuration (rules are compiled) while who
 * comes to a door waits; and to take all over, while frames wait. Longer: it is
 * given up, and nothing has changed.
 */
#define HANDOVER_READY_MS  60000
#define HANDOVER_SWITCH_MS (SANITIZED ? 20000 : 2000)
/* An image has room for so much more than was counted, for what comes meanwhile. */
#define HANDOVER_ROOM_BYTES (4u << 20)
/* Bytes of an image that is said to come. More: it is none. */
#define HANDOVER_IMAGE_MAX ((uint64_t)1 << 40)
/* The agent waits so long for all of it, and then ends the successor. */
#define PLANE_SUCCEED_US (70 * USEC_PER_SEC)
/*
 * A worker that has not had a turn for so long hangs: it is ended, and told to say
 * where; and killed if it does not end in the other time.
 */
#define WATCHDOG_US	 ((SANITIZED ? 20 : 2) * USEC_PER_SEC)
#define WATCHDOG_KILL_US (2 * USEC_PER_SEC)
/* How often the opener looks, and how many looks in a row must find that. */
#define WATCHDOG_LOOK_MS 100
#define WATCHDOG_LOOKS	 5
/* Reports of dead workers that are kept; one more: the oldest goes. */
#define WATCHDOG_FILES 16
/* Bytes of what a worker writes when it dies. The rest is cut. */
#define WATCHDOG_REPORT_BYTES 65536
/*
 * A data plane that has died so often in that time is not started again for the
 * other: what it dies of would kill the next one, and each start is a gap.
 */
#define PLANE_DEATHS	5
#define PLANE_DEATHS_US ((SANITIZED ? 600 : 60) * USEC_PER_SEC)
#define PLANE_PARKED_US (60 * USEC_PER_SEC)
/*
 * The same of one workload, at whose frames they died; fewer, so that it is let be
 * before all are. Each time it was let be in vain it is for twice as long.
 */
#define PORT_DEATHS	   3
#define PORT_PARKED_US	   ((SANITIZED ? 30 : 60) * USEC_PER_SEC)
#define PORT_PARKED_MAX_US (3600 * USEC_PER_SEC)
/* A connection is lost a little before its process is seen to be dead. */
#define PLANE_DEATH_WAIT_US ((SANITIZED ? 10 : 1) * USEC_PER_SEC)
