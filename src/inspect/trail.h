/*
 * The trail of what a worker's flows were and said (wire/trail.h), for who
 * writes it down. Off until somebody has asked for it: then each flow that ends
 * makes a record, and so does what its parser tells while it is read.
 */
#pragma once

#include "base/image.h"
#include "inspect/hear.h"
#include "wire/trail.h"

struct trail;

/* NULL: out of memory. */
struct trail *trail_new(void);
void trail_free(struct trail *t); /* NULL is accepted */

/* Takes out of the mask what is written down (proto_sink.unwanted). */
void trail_wants_fields(const struct inspect *in,
			uint64_t unwanted[static FIELD_WORDS]);
/* As of struct proto_sink. */
void trail_piece(struct hearing *h, const struct proto_piece *p);
void trail_ended(struct hearing *h, enum proto_side side);
/* A message of DNS, whole; its flow is f. */
void trail_dns(struct inspect *in, const struct flow *f, enum proto_side side,
	       struct bytes message);
/* f, whose talk that is, is not listened to any more. */
void trail_talk_end(struct inspect *in, const struct flow *f, struct talk *t);
/* f is over. */
void trail_flow_end(struct inspect *in, const struct flow *f);

/* What waits to be drained, and what is open. */
void trail_save(const struct trail *t, struct image_writer *w);
/*
 * The one and the other, each into a trail without. false: it is not there, or
 * cannot be this; there is none then.
 */
bool trail_load(struct trail *t, const struct image_reader *r);
bool trail_load_open(struct trail *t, const struct image_reader *r);
/* Is a record open at that place (talk.trail)? For who has loaded it. */
bool trail_is_open(const struct trail *t, uint32_t place);
/* Records that are open; all of them are given up, and not told. */
uint32_t trail_count_open(const struct trail *t);
void trail_forget_open(struct trail *t);
