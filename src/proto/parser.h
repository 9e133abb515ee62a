/*
 * A protocol is one file of this folder with one `const struct proto_parser`,
 * and one line in proto/parsers.c. Nothing else knows of it.
 *
 *   opening ──▶ recognise() ──▶ YES ──▶ read(), read(), ... ──▶ sink
 *               of each parser         of that one parser       fields, notes,
 *                                                               asked, ended
 *
 * recognise() is a pure function of the first bytes that either side has said.
 * It does not go by ports. read() gets one side's bytes in order, keeps what it
 * must remember in `state`, and tells the sink as it goes.
 *
 * Bytes are hostile: only the cursor of base/bytes.h touches them. Nothing is
 * allocated but from the worker's own pools (struct proto_worker), and no call
 * takes longer than is linear in the bytes given.
 *
 * The first bytes of a conversation may be missing: then a parser is recognised
 * in the middle (midstream) if its protocol can be, and its state knows nothing
 * of what was before. After a gap a parser finds its place again, or is lost.
 *
 * One worker's thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/image.h"
#include "base/limits.h"
#include "proto/fields.h"
#include "wire/app.h"

/* As enum flow_side. */
enum proto_side { PROTO_CLIENT, PROTO_SERVER, PROTO_SIDE__MAX };

/* What was said first. Never more than OPENING_BYTES_MAX a side. */
struct proto_opening {
	struct bytes said[PROTO_SIDE__MAX]; /* in order; empty: nothing yet */
	uint8_t first;	/* enum proto_side: who spoke first */
	uint8_t now;	/* whose bytes are the latest */
	bool udp;	/* each is the side's first datagram, maybe cut */
	bool midstream; /* the conversation's beginning was not seen */
	bool cut[PROTO_SIDE__MAX]; /* there is more than said[] shows */
	uint16_t server_port;	   /* a hint at most */
};

enum proto_guess {
	PROTO_NO,    /* not this, whatever may come */
	PROTO_MAYBE, /* more bytes would tell, or the other side's */
	PROTO_YES,
};

/* What a parser is to read. */
struct proto_chunk {
	/*
	 * TCP: what read() left of this side before, and what follows it.
	 * UDP: one datagram.
	 */
	struct bytes bytes;
	uint8_t side;	 /* enum proto_side */
	bool udp;	 /* dialogue_read() fills this in, and the next one */
	bool midstream;	 /* as of proto_opening */
	bool gap_before; /* bytes are missing before these */
	bool last;	 /* the side says no more */
};

/* A part of a field. */
struct proto_piece {
	struct bytes bytes; /* borrowed for the call */
	uint8_t field;	    /* enum proto_field */
	uint8_t side;	    /* enum proto_side */
	/* The field's first, its last piece; a whole field is both. */
	bool begin, end;
	bool cut; /* the field is longer than FIELD_BYTES_MAX */
	/* It is said, but what it is cannot be read; no bytes, begin, end */
	bool unseen;
	/*
	 * Not 0: whole fields with the same number, from the parsers of one worker,
	 * are the same field and the same bytes, whoever says them.
	 */
	uint64_t same;
};

/*
 * Who hears what parsers find. Each returns false when the parser is to stop
 * at once: it returns PROTO_STOPPED then, and is not called again.
 */
struct proto_sink {
	bool (*piece)(void *arg, const struct proto_piece *p);
	bool (*note)(void *arg, enum proto_side side, enum proto_note n);
	/*
	 * A request is known as far as policy can ask for it (its fields were
	 * told since the last call), and its receiver cannot act on it before
	 * it has the last byte that was given to read(): so a "no" comes before
	 * the request has reached anybody. A request that names several objects
	 * (topics) asks once for each.
	 */
	bool (*asked)(void *arg);
	/* A side's request or answer is over; so are its fields. */
	bool (*ended)(void *arg, enum proto_side side);
	/*
	 * It is found out what speaks, more closely than proto_parser.app:
	 * grpc of http2, wordpress, nginx. An id of wire/app.h.
	 */
	bool (*known)(void *arg, uint32_t app);
	void *arg;
	/*
	 * Bit f % 64 of [f / 64]: nobody listens to field f (all zero: somebody
	 * does to each). Such a field is not told, and a parser need not look
	 * at the bytes that only it would be of: a body is skipped by its
	 * length, and not decoded. May differ from call to call; a field in
	 * pieces that was begun may then stay open until `ended`.
	 */
	uint64_t unwanted[FIELD_WORDS];
};

static inline bool proto_wanted(const struct proto_sink *sink,
				enum proto_field f)
{
	return !(sink->unwanted[f / 64] >> (f % 64) & 1);
}

/* The parts that the parsers of one worker share (proto/worker.h). */
struct proto_worker;

enum proto_state {
	PROTO_READING,
	PROTO_DONE, /* nothing that follows can be read: encrypted, a tunnel */
	PROTO_LOST, /* not understood any more: malformed, a gap */
	PROTO_STOPPED, /* the sink said so */
};

struct proto_parser;

struct proto_result {
	enum proto_state state;
	/* Of chunk->bytes; the rest is shown again when there is more. */
	size_t consumed;
	/*
	 * DONE: who reads on, from what was not consumed of either side, with a
	 * state of its own. NULL: nobody.
	 */
	const struct proto_parser *next;
};

/* What the client has begun, and what its server waits for. */
enum proto_waits {
	PROTO_WAITS_NOTHING,
	PROTO_WAITS_HEAD, /* a request's head has begun, and is not whole */
	PROTO_WAITS_BODY, /* its body is to follow; no byte of it has come */
	PROTO_WAITS__MAX
};

struct proto_parser {
	const char *name; /* as app_name(app) */
	uint32_t app;	  /* id of wire/app.h */
	bool tcp, udp;
	/*
	 * What `state` is, of 0..PARSER_STATE_MAX bytes, and zero when the
	 * conversation begins; NULL: there is none. Places of more than
	 * PARSER_STATE_SMALL are fewer. It goes to another process as it is
	 * (base/image.h), so there are no pointers in it, and who changes it
	 * gives it another version.
	 */
	const struct image_part *state;
	enum proto_guess (*recognise)(const struct proto_opening *o);
	/* NULL: its name is all that is to be known. */
	struct proto_result (*read)(void *state, struct proto_worker *w,
				    const struct proto_chunk *c,
				    const struct proto_sink *sink);
	/*
	 * Cheap, of what was read so far. *which: of which head or body, by any
	 * number; another one is waited for anew. NULL: nothing ever is.
	 */
	enum proto_waits (*waits)(const void *state, uint32_t *which);
	/* Gives back what it has of the worker's pools. NULL: nothing. */
	void (*end)(void *state, struct proto_worker *w);
	/*
	 * Of a state that was loaded: takes what it says to have of the worker's
	 * pools, which are loaded. false: that is not there, or not its own.
	 * NULL: it has nothing.
	 */
	bool (*adopt)(const void *state, struct proto_worker *w);
};

static inline uint32_t proto_state_size(const struct proto_parser *p)
{
	return p->state ? p->state->size : 0;
}

_Static_assert(NOTE__MAX <= 32, "a bit each in what was told");

/*
 * Notes it, but if it is among *told (bit n): a parser keeps what it has noted
 * of a side, and says it once. false: to be stopped.
 */
static inline bool proto_note_once(const struct proto_sink *sink,
				   uint32_t *told, enum proto_side side,
				   enum proto_note n)
{
	uint32_t bit = (uint32_t)1 << n;

	if (*told & bit)
		return true;
	*told |= bit;
	return sink->note(sink->arg, side, n);
}

/*
 * Tells a whole field, if it is wanted; what read() returns when false:
 * PROTO_STOPPED.
 */
static inline bool proto_tell(const struct proto_sink *sink,
			      enum proto_side side, enum proto_field field,
			      struct bytes b)
{
	struct proto_piece p = { .bytes = b,
				 .field = (uint8_t)field,
				 .side = (uint8_t)side,
				 .begin = true,
				 .end = true };

	if (!proto_wanted(sink, field))
		return true;
	if (bytes_len(b) > FIELD_BYTES_MAX) {
		p.bytes.end = p.bytes.begin + FIELD_BYTES_MAX;
		p.cut = true;
	}
	return sink->piece(sink->arg, &p);
}

/*
 * The side says that field where it cannot be read: in a version that is not
 * known, behind what is not followed, compressed. So nobody takes it for not
 * said. As proto_tell().
 */
static inline bool proto_tell_unseen(const struct proto_sink *sink,
				     enum proto_side side,
				     enum proto_field field)
{
	struct proto_piece p = { .bytes = bytes_of("", 0),
				 .field = (uint8_t)field,
				 .side = (uint8_t)side,
				 .begin = true,
				 .end = true,
				 .unseen = true };

	return !proto_wanted(sink, field) || sink->piece(sink->arg, &p);
}
