/*
 * The HTTP/2 parser's own parts, for its files: http2.c (who speaks, frames),
 * http2_middle.c (who was speaking already), http2_head.c (header blocks), http2_look.c (what is in them), http2_tell.c,
 * http2_body.c (what is in DATA; whose fields are being told).
 */
#pragma once

#include "proto/http_unpack.h"
#include "proto/parser.h"
#include "proto/worker_own.h"

enum http2_type {
	HTTP2_DATA = 0,
	HTTP2_HEADERS = 1,
	HTTP2_PRIORITY = 2,
	HTTP2_RST_STREAM = 3,
	HTTP2_SETTINGS = 4,
	HTTP2_PUSH_PROMISE = 5,
	HTTP2_PING = 6,
	HTTP2_GOAWAY = 7,
	HTTP2_WINDOW_UPDATE = 8,
	HTTP2_CONTINUATION = 9,
};

/* Flags; of DATA, HEADERS, PUSH_PROMISE. ACK: of SETTINGS, PING. */
#define HTTP2_END_STREAM  1
#define HTTP2_ACK	  1
#define HTTP2_END_HEADERS 4
#define HTTP2_PADDED	  8
#define HTTP2_PRIORITIZED 0x20

#define HTTP2_FRAME_HEAD 9

struct http2_frame {
	uint32_t len;	 /* of what follows its head */
	uint32_t stream; /* 0: the connection */
	uint8_t type, flags;
};

/* What a side's next bytes are. */
enum http2_phase {
	HTTP2_BEGIN,   /* of a client the preface, of a server a frame */
	HTTP2_SEARCH,  /* met in its middle: a frame, or the rest of one */
	HTTP2_FRAME,   /* a frame's head */
	HTTP2_IN_DATA, /* `left` bytes of a body */
	HTTP2_PASS,    /* `left` bytes that say nothing */
	HTTP2_DEAF,    /* nothing of this side is understood any more */
};

/* A body that is under way: of a head without END_STREAM until its end. */
struct http2_body {
	uint32_t stream;
	uint8_t n_codings;  /* of codings[]; more: `bad_coding` */
	uint8_t codings[2]; /* enum http_coding, in the order applied */
	bool bad_coding;
	bool awaited; /* no byte of it has come, nor an answer */
	bool grpc;    /* it is messages, each with five bytes ahead: */
	uint8_t ahead_len;
	uint8_t ahead[5];
	bool has_length;
	uint32_t message_left; /* bytes of the gRPC message */
	uint64_t length;       /* announced, and not there yet */
	struct http_unpacker unpacker;
};

struct http2_side {
	uint8_t phase; /* enum http2_phase */
	/* The field in pieces that is open, + 1; 0: none. */
	uint8_t open;
	bool data_ends; /* END_STREAM, of the DATA that is read */
	bool late;	/* it was met in its middle */
	bool begun;	/* a frame, or a head, that is not there whole */
	uint8_t n_bodies;
	uint32_t told;	/* proto_note_once() */
	uint32_t hpack; /* 0: not begun yet */
	uint32_t left, padding;
	uint32_t stream; /* of that DATA */
	/* Of which stream fields were told since `ended`; 0: none. */
	uint32_t telling;
	uint32_t idle;	/* frames in a row that ask for nothing */
	uint32_t pings; /* that the other side has not answered */
	struct http2_body bodies[HTTP2_BODIES_MAX];
};

/* The head of a request whose body is under way, as hpack_take() has it. */
struct http2_kept {
	uint32_t stream; /* 0: free */
	uint32_t len;
	uint32_t credit; /* bytes that it may be told again for */
	uint8_t list[HTTP2_KEPT_HEAD_MAX];
};

/* Of gRPC: is it packed, how long is it. */
#define HTTP2_MESSAGE_HEAD 5

enum http2_kind { HTTP2_KIND_NONE, HTTP2_KIND_PLAIN, HTTP2_KIND_GRPC };

struct http2 {
	struct http2_side side[PROTO_SIDE__MAX];
	uint32_t last_stream; /* the latest that the client began */
	uint32_t requests, resets;
	uint8_t kind;	/* enum http2_kind, that `known` was told last */
	uint64_t known; /* what `known` was told (http_software.h) */
	struct http2_kept kept[HTTP2_KEPT_MAX];
};
_Static_assert(sizeof(struct http2) <= PARSER_STATE_MAX, "a large place");

/* How a step of the parser ended. */
enum http2_step {
	HTTP2_ON,
	HTTP2_WAIT, /* for more bytes */
	HTTP2_STOP, /* the sink said so */
	HTTP2_LOSE, /* this side is not understood any more */
};

/* Fields that say what a message is. */
enum http2_pseudo {
	HTTP2_METHOD,
	HTTP2_SCHEME,
	HTTP2_AUTHORITY,
	HTTP2_PATH,
	HTTP2_PROTOCOL,
	HTTP2_STATUS,
	HTTP2_PSEUDO__MAX
};

/* What a header block has; borrows from its list. */
struct http2_head {
	struct bytes list; /* for hpack_take() */
	struct bytes
		pseudo[HTTP2_PSEUDO__MAX]; /* begins with NULL: not there */
	struct bytes host;		   /* likewise */
	bool unknown; /* there is more of it than is known (hpack_late()) */
	bool has_pseudo, has_others;
	bool malformed; /* not what is allowed */
	bool odd;	/* so that nobody knows what is made of it */
	bool smuggling; /* and HTTP/1 would read it otherwise */
	bool grpc;
	bool has_type; /* content-type */
	bool has_length;
	uint64_t length;
	uint8_t n_codings; /* of a body, or of gRPC's messages */
	uint8_t codings[HTTP_CODINGS_MAX];
	bool bad_coding;
};

/* One call of read(). */
struct http2_reader {
	struct http2 *h;
	struct http2_side *s;
	struct proto_worker *w;
	const struct proto_sink *sink;
	enum proto_side side;
	bool midstream;
	struct bytes rest;	/* not consumed yet */
	enum proto_field field; /* that is told of a body */
};

static inline bool http2_note(struct http2_reader *r, enum proto_note n)
{
	return r->sink->note(r->sink->arg, r->side, n);
}

static inline bool http2_note_once(struct http2_reader *r, enum proto_note n)
{
	return proto_note_once(r->sink, &r->s->told, r->side, n);
}

/* A frame's first nine bytes; false: they are not there. http2.c */
bool http2_take_head(struct bytes *b, struct http2_frame *ret);
/* What every receiver ends the connection for. */
enum http2_step http2_broken(struct http2_reader *r);

/*
 * http2_head.c. The block of a HEADERS or PUSH_PROMISE at the beginning of rest,
 * which has its head; HTTP2_WAIT: it is not there whole.
 */
enum http2_step http2_read_head(struct http2_reader *r,
				const struct http2_frame *f);
/* Without padding and what HEADERS has ahead; false: that is not there. */
bool http2_bare(const struct http2_frame *f, struct bytes *payload);

/* http2_middle.c: pure functions. */
/* Of a connection whose beginning was not seen. */
enum proto_guess http2_recognise_middle(const struct proto_opening *o);
/* Does a frame begin here? MAYBE: more bytes would tell. */
enum proto_guess http2_is_frame(struct bytes b, enum proto_side side);
/* Does a DATA frame of that stream begin here, and is it one message of gRPC? */
bool http2_is_message_ahead(struct bytes b, uint32_t stream);
/* Of gRPC: what is in DATA of len bytes; the first HTTP2_MESSAGE_HEAD of them count. */
bool http2_is_message(struct bytes data, uint32_t len);

/* http2_look.c: pure functions. */
/* Of all fields of a list. */
void http2_look_at(struct bytes list, struct http2_head *ret);
/* Is it a request as it should be? */
bool http2_is_request(const struct http2_head *h);
bool http2_is_same_host(struct bytes a, struct bytes b);

/* http2_tell.c; each returns false to stop. */
/* All of a request, and asks. */
bool http2_tell_request(struct http2_reader *r, const struct http2_head *h);
/* What single fields mean, and http.header. */
bool http2_tell_fields(struct http2_reader *r, const struct http2_head *h);
/* http.header. */
bool http2_tell_lines(struct http2_reader *r, const struct http2_head *h);
/* The fields of a request once more. */
bool http2_tell_again(struct http2_reader *r, struct bytes list);
/* It carries gRPC; else plain requests. */
bool http2_tell_kind(struct http2_reader *r, bool grpc);
/*
 * What the client asks now is not to be known: policy is asked so, that it does
 * not pass as what was asked before.
 */
bool http2_ask_unknown(struct http2_reader *r);

/* http2_body.c; each returns false to stop. */
/*
 * Fields of this stream are told next: what is told of another one is over, or
 * also of this one (anew: by a head).
 */
bool http2_telling(struct http2_reader *r, uint32_t stream, bool anew);
/* Nothing more of what is told comes. */
bool http2_told(struct http2_reader *r);
/* A head without END_STREAM has come. *ret: NULL: no room, or it has one. */
bool http2_begin_body(struct http2_reader *r, uint32_t stream,
		      struct http2_body **ret);
/* The rest's first bytes are of the stream's body, `left` at most. */
bool http2_read_data(struct http2_reader *r);
/* The side has said END_STREAM. */
bool http2_end_stream(struct http2_reader *r, uint32_t stream);
/* RST_STREAM: nothing more comes of it from any side. */
bool http2_reset_stream(struct http2_reader *r, uint32_t stream);
/* The server has answered: of its request no body is waited for. */
void http2_answered(struct http2 *h, uint32_t stream);
/* Of which stream the body is waited for longest; 0: of none. */
uint32_t http2_awaited(const struct http2 *h);
/* What is had of the pools goes back. */
void http2_end_bodies(struct http2_side *s, struct proto_worker *w);
/* Of a side that was loaded; false: it does not have what it says. */
bool http2_adopt_bodies(const struct http2_side *s, struct proto_worker *w);
/* Keeps a request's head for http2_tell_again(), if there is room. */
void http2_keep(struct http2 *h, uint32_t stream, struct bytes list);
/* DATA of so many bytes is paid for telling it again. */
void http2_pay(struct http2 *h, uint32_t stream, uint32_t len);
/* A field in pieces of the stream that is told. */
bool http2_piece(struct http2_reader *r, enum proto_field f, struct bytes b,
		 bool end);
