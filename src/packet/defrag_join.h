/*
 * Fragments as pieces of their datagram, and the datagram made of them: no
 * memory, no state. What waits for what is packet/defrag.h.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "packet/packet.h"

/* What of a datagram one frame carries. */
struct frag_piece {
	uint16_t off, len;   /* in the datagram, bytes; len > 0 */
	uint16_t content_at; /* in the frame, bytes */
	uint16_t captured;   /* of len; less when cut by a snaplen */
	bool more;	     /* another piece follows this one */
};

static inline uint32_t frag_piece_end(const struct frag_piece *f)
{
	return (uint32_t)f->off + f->len;
}

/* p: a fragment. */
struct frag_piece frag_piece_of(const struct packet *p);

/* The two bits of RFC 3168 in p's IP header, 0: not ECN-capable. */
uint8_t frag_ecn(const struct packet *p);

/*
 * Writes the datagram that these n frames, which begin at offset 0 and join
 * without gap or overlap, are fragments of, as one frame with the headers of
 * the first. *ret_wire_len is its length; fewer bytes are written if a piece is
 * cut. false: longer than a datagram can be, or than out has room for.
 */
bool frag_join(struct outbytes *out, const struct bytes *frames,
	       const struct frag_piece *pieces, unsigned n,
	       size_t *ret_wire_len);
