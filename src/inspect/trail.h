/*
 * The trail of what a worker's flows were and said (wire/trail.h), for who
 * writes it down. Off until somebody has asked for it: then each flow that ends
 * makes a record, and so does what its parser tells while it is read.
 */
#pragma once

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
