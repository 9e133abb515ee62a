/*
 * One output: a thread that takes lines out of its queue and sends them, and that
 * nothing else waits for. What cannot be sent now is tried again, later and later;
 * meanwhile the queue fills, and its oldest lines give way.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"
#include "export/config.h"
#include "export/queue.h"

/* How a kind of output does it (out_*.c). All in the output's thread. */
struct output_ops {
	/* What it keeps; nothing is opened yet. NULL: out of memory. */
	void *(*begin)(const struct output_config *c, const char *host);
	void (*end)(void *self); /* NULL is accepted */
	/*
	 * Sends them in order; *ret_done: so many of the first are sent, also
	 * on failure. Opens or connects first, if need be. -EBADMSG: the one
	 * behind those is refused for good, and is given up; else: it is tried
	 * again. Waits EXPORT_SEND_S at most, and ends early by a signal.
	 */
	int (*send)(void *self, const struct item *const *items, size_t n,
		    size_t *ret_done, struct err *reterr);
	void (*reopen)(void *self); /* NULL: there is no use in it */
	void (*idle)(void *self);   /* about once a second; NULL likewise */
};

extern const struct output_ops output_file, output_unix, output_syslog,
	output_webhook, output_ipfix;

struct output;

/*
 * Starts its thread. c is taken, and stands empty. before: an output of the same
 * name that has ended: what waits in it is sent by this one; borrowed, or NULL.
 * cursor: where it goes on; NULL: with what is new. host: this node's name,
 * copied.
 */
struct output *output_new(struct output_config *c, struct output *before,
			  const struct cursor *cursor, const char *host,
			  struct err *reterr);
const struct output_config *output_config(const struct output *o);
struct queue *output_queue(struct output *o);

/* Offers a line, by its filter. Does not wait. */
void output_put(struct output *o, struct item *i);
/* It has no cursor, and what comes is older than it: only passed. */
bool output_is_fresh(const struct output *o);
void output_begin_now(struct output *o, uint64_t last_event);
/* Is its queue nearly full, and it gets on? */
bool output_is_behind(struct output *o, uint64_t now_us);
void output_reopen(struct output *o);
/* {"name", "kind", "state", "sent", "waiting", "lost", ...}; owned. */
json_t *output_status(struct output *o);

/* Asks it to end, once it has sent what waits, until then at most. */
void output_stop(struct output *o, uint64_t until_us);
/* Waits for its thread; what waits is still in its queue. */
void output_join(struct output *o);
/* Ended, or never begun. NULL is accepted. */
void output_free(struct output *o);
