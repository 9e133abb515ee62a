/*
 * How often somebody was wrong about a password: by address, by user, by both
 * (base/limits_api.h says how often may be). Each try is counted when it begins,
 * so that many at once gain nothing, and taken back when it was right. Not
 * locked: its owner's thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

struct rate;

struct rate *rate_new(void);
void rate_free(struct rate *r); /* NULL is accepted */
/* 0: go on; else after how many seconds it may be tried again. */
unsigned rate_try(struct rate *r, const char *address, const char *user,
		  usec_t now);
/* It was right: the pair begins anew. */
void rate_right(struct rate *r, const char *address, const char *user,
		usec_t now);
