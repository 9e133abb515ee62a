/*
 * A part of base/limits.h, which has no room left: of the agent's door, what is
 * not there yet.
 */
#pragma once

/* Bytes of a name for whom somebody asks, NUL included. Longer: EINVAL. */
#define DOOR_BY_MAX 129
