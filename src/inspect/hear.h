/*
 * Who hears what parsers tell of a flow (proto/parser.h, struct proto_sink): its
 * application, the requests, names for policy, threats.
 */
#pragma once

#include "inspect/passage.h"
#include "inspect/talk.h"

/* One packet's. */
struct hearing {
	struct passage *w;
	struct flow *f;
	struct talk *t; /* NULL: only datagrams of resolvers are read */
	bool dns_told;	/* the parser has read a DNS message */
	bool judged;	/* a request was, and f's verdict is by it */
	bool other_app; /* what is spoken is another thing than before */
	/* What keeps it from going on. */
	bool refused;	  /* by policy: that request may not be */
	bool reject;	  /* and its client is to be told so */
	bool unheard;	  /* there was no place for all who would listen to f */
	uint8_t limits;	  /* bits, by enum inspect_limit: met */
	bool bypass;	  /* nothing more of f is to be looked at */
	uint8_t stop;	  /* enum reason: what was found in it; 0: nothing */
	uint8_t action;	  /* enum dpi_action, of that */
	uint32_t stop_id; /* the threat, the signature's or the sensor's */
};

/* A tap, a capture: nothing is stopped there. */
bool hear_is_only_watched(const struct hearing *h);
/* Who reads is known: so is the application. Called again, it does nothing. */
void hear_recognised(struct hearing *h);
/* h->f->app will not be another one any more. */
void hear_settle(struct hearing *h);
/* Once for each pipeline: which fields are wanted of parsers. */
void hear_begin(struct inspect *in);
/* arg of its functions is a hearing. */
struct proto_sink hear_sink(struct hearing *h);
/*
 * h's parser does not understand any more what is said. Whatever is asked from
 * now on nobody knows: where rules go by requests, that is judged as such.
 */
void hear_lost(struct hearing *h);
/*
 * h->refused or h->stop: the packet is dropped, and TCP cut; tells of it. Not
 * for what is only watched.
 */
void hear_stop(struct hearing *h);
