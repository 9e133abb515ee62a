/*
 * The HTTP/1 parser's own parts, for its files: http1.c (who speaks, what comes
 * next), http_head.c (lines), http_header.c (what a header means), http_body.c.
 */
#pragma once

#include "proto/http_unpack.h"
#include "proto/parser.h"
#include "proto/worker_own.h"

/* What a side's next bytes are. */
enum http_phase {
	HTTP_START,	 /* a request's or an answer's first line, or blank */
	HTTP_HEADERS,	 /* a header, or the empty line */
	HTTP_TRAILERS,	 /* the same, behind the last chunk */
	HTTP_LONG_START, /* the rest of a first line of no end */
	HTTP_LONG_LINE,	 /* the rest of such a header */
	HTTP_BODY,	 /* `left` bytes, then a start */
	HTTP_BODY_TO_END,
	HTTP_CHUNK_SIZE, /* its digits */
	HTTP_CHUNK_REST, /* what is behind them in the line */
	HTTP_CHUNK,	 /* `left` bytes, then a line's end */
	HTTP_CHUNK_END,
	HTTP_AFTER_OLD, /* behind a request of HTTP/0.9, which is the last */
	HTTP_SEARCH,	/* bytes are missing: a start, at a chunk's beginning */
};

/* How a step of a parser ended. */
enum http_step {
	STEP_ON,
	STEP_WAIT,  /* for more bytes */
	STEP_STOP,  /* the sink said so */
	STEP_LOST,  /* not understood any more */
	STEP_DONE,  /* what follows is another protocol */
	STEP_HTTP2, /* it is that one */
};

/* What headers said of the body of the message that is being read. */
struct http_framing {
	uint64_t length; /* if has_length */
	bool has_length;
	bool coded;	/* Transfer-Encoding was there, */
	bool chunked;	/* and ended with "chunked" */
	bool lost;	/* where it ends is not to be known */
	bool upgrade;	/* another protocol is asked for, or granted, */
	bool websocket; /* that one */
	bool http2;
	uint8_t n_codings;  /* of codings[]; more: `bad_coding` */
	uint8_t n_transfer; /* of these, the last ones: of the transfer */
	uint8_t codings[2]; /* enum http_coding, in the order applied */
	bool bad_coding;
};

struct http_side {
	uint8_t phase; /* enum http_phase */
	bool odd_cr;   /* in the line left unread, so far: a lone CR, */
	bool odd_byte; /* other bytes that no line has, */
	bool folded;   /* line ends followed by blanks */
	bool open_header, open_body; /* fields that have begun */
	bool is_head, is_connect;    /* the request: its method */
	bool old;		     /* HTTP/0.9 */
	bool has_digits;	     /* of the chunk's size */
	bool body_begun;	     /* a byte of it, or of its chunks, came */
	bool chunk_cr;		     /* the last byte of its line was '\r' */
	bool before_11;		     /* HTTP/1.0, or older */
	bool silent;	 /* the long line is not told: it is a cookie */
	bool cut;	 /* the value that is looked at is */
	uint8_t again;	 /* the last head's place (http_again.c) */
	uint8_t long_in; /* enum http_phase behind that line */
	bool has_host;
	uint32_t told; /* proto_note_once() */
	uint16_t status;
	uint16_t headers;
	uint32_t head_bytes;
	uint32_t scanned; /* of what is left unread: no line's end there */
	uint64_t left;
	struct http_unpacker unpacker;
	struct http_framing framing;
	uint8_t tail[32]; /* the last bytes of a first line without end */
};

struct http1 {
	struct http_side side[PROTO_SIDE__MAX];
	uint32_t requests; /* whose heads are over */
	/* Requests without their answer yet; bit 0 is the oldest's. */
	uint32_t pending;
	uint64_t heads;	 /* it was a HEAD: no body follows */
	uint64_t leaves; /* it was a CONNECT */
	uint64_t olds;	 /* it was of HTTP/0.9: no head comes */
	uint64_t wishes; /* it was for another protocol */
	uint64_t known;	 /* what `known` was told (http_software.h) */
};
_Static_assert(sizeof(struct http1) <= PARSER_STATE_SMALL, "small");

/* One call of read(). */
struct http_reader {
	struct http1 *h;
	struct http_side *s;
	struct proto_worker *w;
	const struct proto_sink *sink;
	enum proto_side side;
	struct bytes rest; /* not consumed yet */
	bool last;
	bool record; /* what is told is written down (http_again.h) */
	/* Headers that can be told as they lie there; NULL: none. */
	struct bytes run;
};

/* What there is of a line: all, a part, more than is kept, a fold behind it. */
enum http_line { LINE_WHOLE, LINE_PART, LINE_LONG, LINE_GOES_ON };

/* http_again.c: a field that is told, wanted or not, while r->record */
void http_again_note(struct http_reader *r, const struct proto_piece *p);

/* cut: there is more of it. false: to be stopped. */
static inline bool http_tell(struct http_reader *r, enum proto_field f,
			     struct bytes b, bool cut)
{
	struct proto_piece p = { .bytes = b,
				 .field = (uint8_t)f,
				 .side = (uint8_t)r->side,
				 .begin = true,
				 .end = true,
				 .cut = cut };

	if (r->record)
		http_again_note(r, &p);
	return !proto_wanted(r->sink, f) || r->sink->piece(r->sink->arg, &p);
}

/* http_head.c */
enum http_step http_read_start(struct http_reader *r);
enum http_step http_read_headers(struct http_reader *r);
enum http_step http_read_long(struct http_reader *r);
/* All of a side but its place: another message begins. */
void http_begin_message(struct http_side *s);
/* Tells what headers are not told yet; end: there are no more. */
bool http_flush(struct http_reader *r, bool end);

/* http_header.c: false: to be stopped. odd: there were blanks around the name. */
bool http_header_means(struct http_reader *r, struct bytes name,
		       struct bytes value, bool odd);
/* A host, of a request's target or of a header. */
bool http_tell_host(struct http_reader *r, struct bytes authority);

/* http_body.c; STEP_ON: `phase` says what comes next. */
/* The head is over: what comes next. */
enum http_step http_begin_body(struct http_reader *r);
enum http_step http_read_body(struct http_reader *r);
/* The message is over. */
enum http_step http_end_message(struct http_reader *r);

static inline bool http_note(struct http_reader *r, enum proto_note n)
{
	r->record = false;
	return r->sink->note(r->sink->arg, r->side, n);
}

static inline bool http_note_once(struct http_reader *r, enum proto_note n)
{
	r->record = false;
	return proto_note_once(r->sink, &r->s->told, r->side, n);
}
