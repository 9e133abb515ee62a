/*
 * The thread that asks the agent for what is new - events, and the trail - makes
 * lines of it and puts them into the outputs. An agent that is away is waited for.
 */
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "base/err.h"
#include "export/outputs.h"

struct reader;

struct reader_spec {
	char *door;	  /* the agent's; copied */
	uint32_t stats_s; /* 0: no lines of stats */
	const char *host; /* this node's name; copied */
};

struct reader *reader_new(const struct reader_spec *spec, struct outputs *os,
			  struct err *reterr);
/* Ends it. NULL is accepted. */
void reader_free(struct reader *r);
/* From now on with that interval; door and host stay. */
void reader_set_stats(struct reader *r, uint32_t stats_s);
/* {"state", "text"?, "events", "trail", "missed", ...}; owned. */
json_t *reader_status(struct reader *r);
