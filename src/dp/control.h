/*
 * The control thread: everything of weir-dp that is not on a frame's way.
 *
 *   doors ──messages──▶ handlers ──▶ config ──snapshot──▶ worker (mailbox)
 *     ▲                    │
 *     └──── answers ◀──────┴──── questions to the worker ──▶
 *
 * One thread, one poll() loop. It may allocate and may wait for a worker's
 * answer (a batch's time), never for a peer: a client that does not take its
 * answers loses them, or its connection.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "dp/capture.h"
#include "dp/config.h"
#include "dp/detection.h"
#include "dp/kept.h"
#include "dp/notify.h"
#include "dp/options.h"
#include "dp/ports.h"
#include "dp/told.h"
#include "dp/workers.h"
#include "inspect/settings.h"

/* What a door has seen; told by weir_stats. */
struct door_counts {
	uint64_t messages;     /* understood and carried out */
	uint64_t refused;      /* understood, but wrong or impossible */
	uint64_t refused_full; /* of these: a limit is met (ENOSPC, E2BIG) */
	uint64_t unknown;      /* no such message */
	uint64_t garbage;      /* not even JSON, or too long */
	uint64_t unanswered;   /* answers nobody took */
};

struct control {
	struct workers workers; /* first: it is aligned to cache lines */
	struct config *config;
	struct ports ports;
	int opener_fd;
	usec_t started;
	struct door_counts compat, own;
	unsigned own_clients;	  /* connected to the own door */
	uint64_t own_turned_away; /* there were OWN_CLIENTS_MAX */
	uint64_t own_pauses;	  /* no descriptor was left for who came */
	usec_t own_opens; /* then nobody is let in before that; 0: now */
	struct kept kept;
	struct detection *detection;
	usec_t next_ports; /* when workers are asked what speaks where */
	uint64_t ports_not_learned;	  /* a map was full, or out of memory */
	struct inspect_settings settings; /* the worker's, now */
	struct told told;
	struct notify notify;
	struct captures captures;
	/*
	 * Of the request under way: who asks, -1: not a client of the own door;
	 * and a descriptor that goes with the answer, borrowed, -1: none.
	 */
	int client, answer_fd;
	struct handover {     /* to a successor (dp/handover.h) */
		int asked_by; /* whose answer is under way; or -1 */
		int fd;	      /* to it, while it gets ready; or -1 */
		usec_t until; /* then it is given up */
	} handover;
	int lost_fd; /* eventfd: an interface went away */
	uint32_t max_flows;
	const struct fit *fit;	    /* borrowed */
	uint64_t stalled_us;	    /* frames waited for, when it took over */
	uint64_t successions;	    /* data planes before this one, in a row */
	struct log_limit input_log; /* for lines that messages can trigger */
};

struct door_fds {
	int compat; /* SOCK_DGRAM, bound; -1: none */
	int own;    /* SOCK_SEQPACKET, listening; -1: none */
	int notify; /* SOCK_DGRAM, notices leave from it; -1: nobody is told */
};

struct control_begin {
	struct door_fds doors;
	int opener_fd, from;
	int fit_fd;		       /* of fit_open(); taken */
	const struct options *options; /* borrowed, as what follows */
	struct heartbeat *heartbeat;   /* NULL: not here */
	struct pulse *pulse;	       /* the workers' */
	const json_t *load;
};

/*
 * Applies the messages of the array in `load` (NULL: none), takes over from the
 * predecessor that `from` leads to (-1: there is none), says "ready" and serves
 * until SIGTERM, SIGINT or SIGQUIT comes, the opener is gone, or a successor has
 * taken over: then the process ends at once (WORKER_HANDED_OVER), as it does where
 * it cannot take over (1). Returns the exit status.
 */
int control_run(const struct control_begin *b);
