/* Between the HTTP library's thread and the pools. */
#pragma once

#include "api/request.h"

/* One address that is listened at. */
struct door {
	struct server *server;
	bool tls;
	int fd; /* owned until serving_start() */
	struct MHD_Daemon *daemon;
};

/*
 * Serves it, by a thread of the library, until MHD_stop_daemon(); the descriptor
 * is the daemon's. NULL: it says no why.
 */
struct MHD_Daemon *serving_start(struct door *d);

/*
 * The request waits, without a thread, until its job calls serving_resume(). Too
 * many wait: -EAGAIN, and it is answered so.
 */
int serving_submit(struct request *r, struct pool *p);
/* Its answer is there. The request is not the caller's any more. Any thread. */
void serving_resume(struct request *r);
