/*
 * A connection to the agent: one thread asks, and any other may cut it off, so
 * that nobody who waits has to be waited for.
 */
#pragma once

#include <jansson.h>
#include <pthread.h>
#include <stdbool.h>

#include "api/span.h"
#include "base/err.h"
#include "door/agentclient.h"

struct link {
	const char *path; /* borrowed */
	unsigned wait_s;  /* for an answer; over: -EAGAIN */
	struct agentclient client;

	pthread_mutex_t lock; /* of the next two */
	int fd;		      /* of client, or -1 */
	bool cut;
};

void link_init(struct link *l, const char *path, unsigned wait_s);
void link_done(struct link *l);
/* Whoever waits for the agent does so no more, nor will anybody. Any thread. */
void link_cut(struct link *l);
bool link_is_cut(struct link *l);
/*
 * What it asks just now is not wanted any more: it fails, and the agent hears that
 * nobody waits. The next question connects anew. Any thread.
 */
void link_hang_up(struct link *l);

/*
 * A command (args is taken), for whom ("by"; NULL: nobody in particular), and the
 * agent's line, borrowed until the next call. It connects where it has to; a
 * connection that the agent has closed is found before the command is sent.
 * -errno: it could not be asked, or did not answer (and the connection is given
 * up); what it says of itself is the caller's to look at.
 */
int link_ask(struct link *l, const char *command, const char *by, json_t *args,
	     struct span *ret, struct err *reterr);
/* The next line of what the last command follows; -EAGAIN: none for wait_s. */
int link_next(struct link *l, struct span *ret, struct err *reterr);
void link_close(struct link *l);
/* Gives back what a large answer took. */
void link_trim(struct link *l);
