/* A part of base/limits.h, which has no room left: limits of HTTP. */
#pragma once

/*
 * HTTP/1: a line of a head that is read whole, a header with what is folded to
 * it: what nginx and Apache accept (8 KiB and 8,190). Longer: note "limit"; a
 * request's target is cut, the header's value too, the rest of it is told in
 * http.header only. A length of a body so long: not understood any more.
 */
#define HTTP_LINE_MAX 8192
/* Headers of one head, its bytes: as nginx and Node. More: note "limit". */
#define HTTP_HEADERS_MAX    256
#define HTTP_HEAD_BYTES_MAX (64u << 10)
/*
 * Heads whose meaning is remembered, of one worker, 330 KiB, touched when used:
 * those of the programs that talk just now; their bytes, with the fields that are
 * written anew, and fields. Longer, or with more: it is read each time. One more
 * drives another out.
 */
#define HTTP_AGAIN_PLACES 256
#define HTTP_AGAIN_BYTES  1152
#define HTTP_AGAIN_FIELDS 12
/*
 * Requests without an answer of which it is remembered whether they were HEAD or
 * CONNECT; clients pipeline a handful. More: note "limit", taken for a GET.
 */
#define HTTP_PENDING_MAX 64
/* Codings of one body, one around the other. More: "http.coding", told as sent. */
#define HTTP_CODINGS_MAX 2
/*
 * What a body may grow to when it is unpacked: so many times its length, once it
 * is longer than HTTP_GROWN_FREE; deflate can 1,032 times, text does 5 to 20.
 * More: note "http.ratio". And in all: note "limit". The rest is not told.
 */
#define HTTP_RATIO_MAX	  100
#define HTTP_GROWN_FREE	  (256u << 10)
#define HTTP_UNPACKED_MAX (256u << 20)
/* Unpacked bytes told in one piece. */
#define HTTP_UNPACKED_PIECE 16384
/*
 * Bodies of one worker that are being unpacked at a time; one more is told as it
 * was sent, note "limit". zlib takes 40 KiB for each, touched when used; brotli
 * a window of up to 4 MiB (what servers use) twice while it grows, and tables.
 */
#define INFLATERS_MAX	    256
#define INFLATE_ARENA_BYTES (48u << 10)
#define BROTLIS_MAX	    4
#define BROTLI_ARENA_BYTES  (8u << 20)
/*
 * HTTP/2: a header block with its frames, which must be there whole before it is
 * told; servers take 8 to 64 KiB of fields, and it is packed. The frames behind
 * its first one: more than one is seldom. Longer, more: note "http2.head", and
 * that side is not read on.
 */
#define HTTP2_BLOCK_MAX		(48u << 10)
#define HTTP2_CONTINUATIONS_MAX 16
/*
 * Bodies of one side of a connection that are under way at a time: servers allow
 * 100 to 128 streams. One more: note "http2.streams", told as it was sent.
 */
#define HTTP2_BODIES_MAX 128
/*
 * What is kept of requests whose bodies are under way, to be told again when
 * another request came between: so many, with heads of so many bytes. More, or
 * longer: their bodies are told without them, note "http2.streams".
 */
#define HTTP2_KEPT_MAX	    4
#define HTTP2_KEPT_HEAD_MAX 1000
/*
 * Frames in a row that ask for nothing (settings, priorities, empty data), pings
 * that wait for an answer, and requests that their client has taken back, where
 * those are more than half of all. More: note "http2.flood".
 */
#define HTTP2_IDLE_MAX	  128
#define HTTP2_PINGS_MAX	  64
#define HTTP2_RESETS_FREE 100
/*
 * Decoders of header blocks of one worker, two a connection, and the memory of
 * each, touched when used. One more connection: note "limit", not read. The
 * library takes up to seven bytes for one of a table of tiny fields: 4 KiB, which
 * nearly all use, have room in any case, and a field of 32 KiB beside it. More:
 * note "http2.hpack", that side is not read on.
 */
#define HPACK_DECODERS_MAX 2048
#define HPACK_ARENA_BYTES  (64u << 10)
#define HPACK_TABLE_MAX	   (16u << 10)
/*
 * A connection that is met in its middle is HTTP/2 by its frames: payload that
 * every receiver takes (RFC 9113 4.2), entries of a table, 32 bytes each. More:
 * it is not recognised by that one.
 */
#define HTTP2_FRAME_MAX	  16384u
#define HPACK_ENTRIES_MAX (HPACK_TABLE_MAX / 32)
