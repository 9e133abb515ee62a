/*
 * A conversation as a parser's test writes it, and what was heard of it, as
 * text. Also for fuzzers: what every parser must keep to is checked on the way
 * (BUG_ON).
 *
 *   app ssh                      recognised
 *   C ssh.proto 2.0              a field, its pieces joined; \xNN, ~ if cut, ? if unseen
 *   C note ssh.1
 *   asked
 *   S ended
 *   known nginx
 *   over | lost | unknown        how it went on; nothing: it is being read
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"
#include "proto/dialogue.h"

/* Longer transcripts are cut. */
#define TALK_TEXT_MAX 65536

struct talk_line {
	char who; /* 'C', 'S'; 0 ends a table */
	const char *text;
	size_t len; /* 0: strlen(text) */
};

/* A line of a literal that may have zeros in it. */
#define TALK(who, literal)                        \
	{                                         \
		who, literal, sizeof(literal) - 1 \
	}

struct talk;

/* Only this parser is asked, of talks that are begun from now on. */
extern const struct proto_parser *talk_parser;

/* A TLS client's hello to db.test, and what is told of it. */
#define TALK_HELLO                                                     \
	"\x16\3\1\0\x3f\1\0\0\x3b\3\3RANDOMRANDOMRANDOMRANDOMRANDOMRA" \
	"\0\0\2\x13\1\1\0\0\x10\0\0\0\x0c\0\x0a\0\0\7db.test"
#define TALK_HELLO_SAID                                 \
	"C tls.sni db.test\nC tls.version 1.2\n"        \
	"C ja3.hash 1e7c622032b0cb79401b0f7be3793a1a\n" \
	"C ja4 t12d010100_0f2cb44170f4_000000000000\nasked\nC ended\n"

/* A pool of its own. Aborts when out of memory. */
struct talk *talk_new(bool udp, bool midstream);
void talk_free(struct talk *t);
/* It is known who speaks; before anything is said. */
void talk_only(struct talk *t, const struct proto_parser *p);
/* A side goes on by these bytes. */
void talk_say(struct talk *t, enum proto_side side, struct bytes b);
/* They were not seen (TCP). */
void talk_gap(struct talk *t, enum proto_side side);
/* The side is through. */
void talk_end(struct talk *t, enum proto_side side);
/* Say "no" to the n-th asked (from 1), and go on after that. 0: never. */
void talk_refuse(struct talk *t, unsigned nth);
/* From now on nobody listens to that field (proto_sink.unwanted). */
void talk_unwanted(struct talk *t, enum proto_field f);
/*
 * It goes on in another pool, by an image of this one. false: what is left of a
 * body in a coding is not told there (dialogue_counts.bodies_cut).
 */
bool talk_hand_over(struct talk *t);
struct dialogue_counts talk_counts(const struct talk *t);
/* Borrowed until the next call. */
const char *talk_heard(struct talk *t);

/*
 * The transcript of these lines, each one chunk: must be `want`, and the same
 * byte by byte and cut at random (TCP), and handed over after each chunk. Fails the cmocka test if not; only
 * declared in unit tests.
 */
void talk_check(const char *name, bool udp, const struct talk_line *lines,
		const char *want);
