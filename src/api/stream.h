/*
 * Server-sent events: GET /stream?topics=events,map. However many look, the agent
 * is followed once (follow.h). Who has no session any more is shown out.
 */
#pragma once

#include "api/request.h"
#include "api/ring.h"
#include "base/clock.h"

struct streams;

struct streams *streams_new(void);
/* No stream is left. NULL is accepted. */
void streams_free(struct streams *s);

/* Makes r->stream, or answers with a problem. */
void stream_open(struct request *r);
/* What is sent of it. NULL: out of memory. */
struct MHD_Response *stream_response(struct stream *s);
/* NULL is accepted. */
void stream_free(struct stream *s);

/* Wakes who has something to read. check: and asks who still may. */
void streams_wake(struct streams *s, struct accounts *a, usec_t now,
		  bool check);
/* They all end. */
void streams_end(struct streams *s);

/* How many read each topic, and all. */
size_t streams_readers(struct streams *s, enum topic t);
struct streams_counts {
	uint64_t open, missed, messages;
};
struct streams_counts streams_count(struct streams *s);
struct ring *streams_ring(struct streams *s);
