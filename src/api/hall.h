/*
 * The hall: which connections there are, since when each is expected to have said
 * or taken what it wants, and whether it has shown who it is. Who is too slow is
 * shown out. Any thread.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/clock.h"

struct connection;
struct hall;
struct link;

struct hall *hall_new(void);
void hall_free(struct hall *h); /* NULL is accepted */

/* May one more come from there? */
bool hall_may_enter(struct hall *h, const struct sockaddr *from);
/* NULL: out of memory. fd stays whose it is. */
struct connection *hall_enter(struct hall *h, int fd,
			      const struct sockaddr *from);
void hall_leave(struct hall *h, struct connection *c);

/* It has to be done within so many seconds; 0: as long as it likes. */
void hall_expect(struct hall *h, struct connection *c, unsigned seconds);
/* It has shown a session or a token. */
void hall_know(struct hall *h, struct connection *c);
/* The address, of IPv6 the network (/64), as text. Static for its life. */
const char *hall_address(const struct connection *c);
bool hall_is_local(const struct connection *c);

/*
 * It waits for what this link asks the agent, until hall_answered(). Who leaves
 * meanwhile, or ends his side (which looks the same), has the link hung up.
 * false: he has left. NULL for c is accepted: nobody knows.
 */
bool hall_asks(struct hall *h, struct connection *c, struct link *l);
bool hall_answered(struct hall *h, struct connection *c);

/* Shuts those out whose time is over, and hangs up for those who have left. */
void hall_sweep(struct hall *h, usec_t now);

struct hall_counts {
	uint64_t connections, refused, too_slow; /* now; since it began */
};
struct hall_counts hall_count(struct hall *h);
