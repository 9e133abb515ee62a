/*
 * What a parser has told of the request that is under way, as far as policy can
 * ask for it (wire/request.h). Copied, because a parser may tell it over several
 * packets. A field that is told again takes the place of what it was: a request
 * that names several objects asks once for each.
 */
#pragma once

#include "base/limits.h"
#include "proto/parser.h"
#include "wire/request.h"

struct asked {
	struct asked_text {
		uint16_t at, len;
		bool told;
	} field[REQUEST__MAX];
	uint16_t used;	 /* of text */
	uint32_t unseen; /* bits: fields that could not be read */
	bool cut;	 /* something had no room: the request is not known */
	bool known;	 /* it was told as far as it will be */
	bool over;	 /* what is told next is the next request's */
	char *text;	 /* REQUEST_TEXT_MAX; borrowed for good */
};

/* The parser's field that is that one. */
enum proto_field asked_field(enum request_field f);
/* A whole field, if it is one of those. */
void asked_tell(struct asked *a, const struct proto_piece *p);
/* May that, from an image, with its `used` bytes of text, be one? */
bool asked_is_sound(const struct asked *a);
/* That was all of it. */
void asked_whole(struct asked *a);
/* The request is over; what it was can still be asked for. */
void asked_end(struct asked *a);
/* Nothing was told. */
void asked_clear(struct asked *a);
/* As policy is asked; borrowed from a until the next call that changes it. */
struct request asked_request(const struct asked *a);
/*
 * By which name the client calls the server, as policy_query.vhost: "" when it
 * names none, or what it said is no text.
 */
const char *asked_host(const struct asked *a);
