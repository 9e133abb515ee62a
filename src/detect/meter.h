/*
 * Meters: how much of one sort comes to a workload, or from one source to it,
 * and whether that is too much (reference 7).
 *
 *   kind             counts                       of
 *   syn-flood        SYNs to the workload         workload + source
 *   icmp-flood       ICMP requests, either way    workload
 *   source-sessions  sessions at a time           workload + source
 *   tcp-no-data      sessions without client data workload
 *   udp-flood        datagrams of no flow (ours)  workload + source
 *   session-rate     new sessions (ours)          workload + source
 *
 * What is over the upper limit is limited, the rest passes: of a flood, at
 * most `upper` a span pass, from the first span on. A meter fires from then
 * until it is offered less than `lower` a span. That counts where a meter is
 * only a sign (tcp-no-data), and for who looks at the list.
 *
 * Whether a limited packet is dropped is the caller's business: not where a
 * workload is tapped.
 *
 * One thread; time is an argument; no allocation after meters_new().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/image.h"
#include "base/limits.h"
#include "wire/records.h"

struct meters;

struct meter_rule {
	bool enabled;
	uint32_t span_s; /* 1..60; 0 for source-sessions, a count at a time */
	uint32_t upper;	 /* 1..2^31; in a span, or at a time */
	uint32_t lower;	 /* 1..upper */
	/* A rate meter not hit for so long starts anew; 1..600. */
	uint32_t idle_s;
	/* Least time between two logs about one meter; 0..3600. */
	uint32_t log_gap_s;
};

struct meter_options {
	struct meter_rule rule[METER_KIND__MAX];
};

/* The reference's; the two meters of ours are there, but not enabled. */
extern const struct meter_options meter_defaults;

/* 0 or -EINVAL, *reterr (at: "syn-flood.upper") saying what was expected. */
int meter_options_check(const struct meter_options *opt, struct err *reterr);

/*
 * opt: checked, copied. sources: places for each kind that has a source,
 * 1..METER_SOURCES_MAX. seed: for the hash, random. NULL: out of memory.
 */
struct meters *meters_new(const struct meter_options *opt, uint32_t sources,
			  uint64_t seed);
void meters_free(struct meters *m);

/*
 * From now on other limits (checked). What was counted stays counted, but for
 * a kind whose span changes: it starts anew. Sessions begun while
 * source-sessions was not enabled are not in its counts.
 */
void meters_configure(struct meters *m, const struct meter_options *opt);

struct meter_answer {
	bool limit;  /* this one is too much */
	bool firing; /* so was one lately; see above */
	/*
	 * Not 0: it is time for a log, and so many were limited since the one
	 * before, this one counted. Only where limit is set.
	 */
	uint32_t log_count;
};

/*
 * One more of a rate kind. source is ignored by kinds that are of the whole
 * workload. A kind that is not enabled never limits. A full table forgets the
 * source that was quiet longest, counted.
 */
struct meter_answer meter_hit(struct meters *m, enum meter_kind kind,
			      uint16_t endpoint, struct ip_addr source,
			      usec_t now);

/*
 * A session from that source to the workload wants to begin. If it may (no
 * limit), *ret_ticket is what to end it with, else it is 0. A flow remembers
 * its ticket.
 */
struct meter_answer meter_session_begin(struct meters *m, uint16_t endpoint,
					struct ip_addr source, usec_t now,
					uint32_t *ret_ticket);
/*
 * The session with that ticket has ended; 0 is ignored, and so is one that is
 * none, or whose source was forgotten meanwhile (but after 2^16 of its successors).
 */
void meter_session_end(struct meters *m, uint32_t ticket, usec_t now);

/* Forgets what is idle, METERS_PER_AGE places at most; between batches. */
void meters_age(struct meters *m, usec_t now);
/* A workload is gone: its index may soon be another's. Between batches. */
void meters_forget_endpoint(struct meters *m, uint16_t endpoint);

/*
 * The next meter that is not idle; *cursor is 0 at first. false: no more. The
 * caller fills ep_mac and tap. Meters may come and go between two calls.
 */
bool meters_next(const struct meters *m, uint64_t *cursor, usec_t now,
		 struct meter_record *ret);

struct meter_stats {
	uint32_t in_use, limit; /* places; idle ones may be among them */
	uint64_t hits, limited;
	uint64_t evicted;      /* forgotten before their time: table full */
	uint64_t evicted_live; /* of these: with sessions, now counted less */
};

struct meter_stats meters_stats(const struct meters *m, enum meter_kind kind);

/* All that was counted; tickets go on to mean what they do. */
void meters_save(const struct meters *m, struct image_writer *w);
/*
 * m: new, of as many sources, and configured already: kinds that have another span
 * than they had begin anew. false: it is not there, or not sound; *m is as new.
 */
bool meters_load(struct meters *m, const struct image_reader *r);

/* "syn-flood", ...; static storage. */
const char *meter_kind_name(enum meter_kind kind);
