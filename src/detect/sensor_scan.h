/*
 * Sensors at work: what a connection's parser tells, and what its sides send,
 * looked through as it comes, in whatever pieces.
 *
 *                    ┌ as it is
 *   piece ─▶ window ─┼ percent, HTML, JSON undone ─┬ ... again
 *                    └ base64 undone ──────────────┘
 *
 * What is over a border of pieces is found where it is within a window
 * (SENSOR_WINDOW_MIN). What a parser tells in pieces is judged at its last byte
 * only when more is there, or it is over: a card number may be the beginning of a
 * longer number. What a side sends is judged as it comes.
 *
 * Sensors whose patterns are all there are told at once; those that also need
 * something not to be there, when the request or answer is over.
 *
 * One scanner a worker, its thread. Nothing is allocated after
 * sensor_scanner_new().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/image.h"
#include "base/limits.h"
#include "detect/sensor_set.h"
#include "proto/parser.h"
#include "wire/sensing.h"

struct sensor_scanner;
struct sensor_lane;

/* What may be shown to anybody. */
struct sensor_evidence {
	char match[SENSOR_SHOWN_BYTES];
	char before[SENSOR_AROUND_BYTES + 1];
	char after[SENSOR_AROUND_BYTES + 1];
};

struct sensor_told {
	const struct sensor *sensor;
	const struct sensor_pattern *pattern;
	const struct secret_kind *secret; /* NULL: it was an expression */
	uint8_t where;			  /* enum sensor_where */
	uint8_t side;			  /* enum proto_side: who said it */
	uint8_t action;			  /* enum sensor_action */
	uint8_t depth;			  /* in how much it was wrapped */
	uint8_t count;			  /* different matches so far */
	/* As it is, and what is around it; empty: it was in a piece before. */
	struct bytes match, around;
	/* NULL: nothing had to be there */
	const struct sensor_evidence *evidence;
	char line[SENSOR_LINE_BYTES]; /* "GET host/path", or "" */
};

struct sensor_scanner_options {
	uint32_t conversations; /* 0: the default of each */
	uint32_t windows;
	uint32_t progress;
	void (*told)(void *arg, uint32_t conversation,
		     const struct sensor_told *t);
	void *arg;
};

struct sensor_scanner_counts {
	uint64_t no_conversation, no_window, no_progress;
	uint64_t pcre_limit, match_limit;
	uint64_t restarted; /* conversations that began anew with a new set */
	uint64_t scanned_bytes, views, candidates, told;
};

/* The options are copied. NULL: out of memory. */
struct sensor_scanner *
sensor_scanner_new(const struct sensor_scanner_options *o);
/* What it takes when all of it is used; the options name each number. */
size_t sensor_scanner_bytes(const struct sensor_scanner_options *o);
/* Its lane is the caller's again: take it back first, or forget it. */
void sensor_scanner_free(struct sensor_scanner *s);
struct sensor_scanner_counts
sensor_scanner_counts(const struct sensor_scanner *s);

/* Searches that were given up: pcre_limit and match_limit. Cheap. */
uint64_t sensor_limits_met(const struct sensor_scanner *s);

/*
 * What one scanner needs of a set; made by whoever makes sets. The set is
 * borrowed until it is freed. NULL: out of memory.
 */
struct sensor_lane *sensor_lane_new(const struct sensor_set *set);
void sensor_lane_free(struct sensor_lane *l);
/*
 * Scans with that one from now on (NULL: not at all); returns the one before,
 * which nothing uses any more. Conversations begin anew: what was half found is
 * forgotten.
 */
struct sensor_lane *sensor_scanner_adopt(struct sensor_scanner *s,
					 struct sensor_lane *l);

/* 0: there is no place (counted). */
uint32_t sensor_open(struct sensor_scanner *s);
/*
 * The connection is over; what was not to be there and is not is told now.
 * conversation: 0, or from sensor_open(); here and below, 0 does nothing.
 */
enum sensor_action sensor_close(struct sensor_scanner *s, uint32_t conversation,
				struct sensor_uses u);
/* Is that one from sensor_open(), and not closed? Of any number. */
bool sensor_is_open(const struct sensor_scanner *s, uint32_t conversation);
/* It is known what is spoken (0: nobody knows), or more closely. */
void sensor_known(struct sensor_scanner *s, uint32_t conversation,
		  uint32_t app);

/* Is a field of any use; are the bytes that a side sends? Not for each piece. */
bool sensor_wants(const struct sensor_scanner *s, struct sensor_uses u,
		  enum proto_field f);
bool sensor_wants_sent(const struct sensor_scanner *s, uint32_t conversation,
		       struct sensor_uses u, enum proto_side side);

/* Each returns the strongest action of what it has told. */
enum sensor_action sensor_piece(struct sensor_scanner *s, uint32_t conversation,
				struct sensor_uses u,
				const struct proto_piece *p);
enum sensor_action sensor_ended(struct sensor_scanner *s, uint32_t conversation,
				struct sensor_uses u, enum proto_side side);
/*
 * TCP: the next bytes in order. UDP: a datagram, each with gap_before. Best when
 * it is known what is spoken.
 */
enum sensor_action sensor_sent(struct sensor_scanner *s, uint32_t conversation,
			       struct sensor_uses u, enum proto_side side,
			       struct bytes b, bool gap_before);

/* Conversations, and all that is half found in them; counts. */
void sensor_scanner_save(const struct sensor_scanner *s,
			 struct image_writer *w);
/*
 * s: new, with the same limits, and with its lane, if there is one. Conversations
 * have the same handles. They begin anew, as by sensor_scanner_adopt(), where the
 * lane's set has another fingerprint. false: it is not there, or not sound; *s is
 * as new, no handle is open.
 */
bool sensor_scanner_load(struct sensor_scanner *s,
			 const struct image_reader *r);
