/*
 * What the data plane tells of its own accord: connections, threats and findings, kept
 * after they left the workers for whoever reads them, NeuVector's agent
 * (notify.h) and clients of our own door alike. They leave the workers whether
 * anybody reads or not:
 *
 *   threats      every 2 s
 *   findings     likewise
 *   connections  every 5 s, or when that worker has many
 *   trail        twice a second, once somebody has asked for it
 *
 * Control thread only.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "dp/backlog.h"
#include "dp/workers.h"
#include "wire/records.h"
#include "wire/trail.h"

struct told {
	uint64_t epoch; /* of these numbers: another in every run */
	struct backlog
		*connections;	  /* struct connection_record, three worths */
	struct backlog *threats;  /* struct threat_record, one worth */
	struct backlog *findings; /* struct finding_record, one worth */
	struct backlog *trail;	  /* struct trail_record, one worth */
	bool trail_wanted;	  /* somebody has asked for it */
	usec_t next_look, next_connections, next_threats;
};

/*
 * epoch: random, 1..TOLD_EPOCH_MAX. -ENOMEM; ended with told_done() all the
 * same.
 */
#define TOLD_EPOCH_MAX (((uint64_t)1 << 53) - 1) /* JSON's exact integers */
int told_init(struct told *t, unsigned n_workers, uint64_t epoch, usec_t now);
/* Also of one that was half made or is all zero. */
void told_done(struct told *t);

/* Milliseconds until the next turn. */
int told_wait_ms(const struct told *t, usec_t now);
/* Takes out of the workers what is due. Call it when the control thread wakes. */
void told_turn(struct told *t, const struct workers *ws, usec_t now);

/* All that the workers have, now. */
void told_flush(struct told *t, const struct workers *ws, usec_t now);

/* Puts records in as if they came from a worker. */
void told_add_connection(struct told *t, const struct connection_record *c);
void told_add_threat(struct told *t, const struct threat_record *r);
void told_add_finding(struct told *t, const struct finding_record *r);
void told_add_trail(struct told *t, const struct trail_record *r);

/* Who reads a backlog from its beginning. Zero-initialised. */
struct told_reader {
	uint64_t after; /* number of the last record that was read */
	uint64_t lost;	/* gone before they were read */
};

/* All up to number `next` (of that backlog) is read, or gone and counted. */
void told_reader_move(struct told_reader *r, const struct backlog *b,
		      uint64_t next);
/* Lost so far, those that have not been passed yet included. */
uint64_t told_reader_lost(const struct told_reader *r, const struct backlog *b);
