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
