/* The worker's pools themselves; only for files of this folder. */
#pragma once

#include "base/limits.h"
#include "proto/hpack.h"
#include "proto/unpack.h"
#include "proto/worker.h"

/* QUIC: a client's hello while not all of it is there. */
struct quic_hello {
	uint64_t serial; /* whose it is; 0: nobody's */
	uint32_t whole;	 /* bytes without a gap from the first on */
	uint8_t bytes[QUIC_HELLO_MAX];
	uint8_t have[QUIC_HELLO_MAX]; /* is it there? */
};

struct http_again; /* proto/http_again.h */

struct proto_worker {
	uint64_t seed; /* for hashes */
	/* Anybody's, until the call of read() returns. */
	uint8_t scratch[PROTO_SCRATCH_BYTES];
	/* HTTP/1, during one call: a header's line in one, as it is told. */
	uint8_t line[HTTP_LINE_MAX];
	uint8_t text[HTTP_LINE_MAX + 16];
	/* What is unpacked of a body, for each coding. */
	uint8_t unpacked[HTTP_CODINGS_MAX][HTTP_UNPACKED_PIECE];
	struct unpack_pool *unpack;
	struct hpack_pool *hpack;	     /* HTTP/2 */
	struct http_again *again;	     /* HTTP/1 */
	struct quic_hello quic[QUIC_HELLOS]; /* taken in turn */
	uint32_t quic_next;
	uint64_t quic_serial;
};
