/*
 * How far a frame's L4 checksum can be believed: a word from the rings, which
 * hear it from the kernel, to who checks it (packet/checksum.h).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum frame_csum_state {
	FRAME_CSUM_CHECK, /* the sender has filled it in: to be looked at */
	FRAME_CSUM_VALID, /* a network card has looked at it, and it is right */
	/*
	 * To be looked at, but it may have been captured before it was filled
	 * in, and nobody has noted that.
	 */
	FRAME_CSUM_CAPTURED,
	/* Offloaded: who puts the frame on a wire at last fills it in. */
	FRAME_CSUM_UNFILLED,
};

/* All zero: FRAME_CSUM_CHECK. */
struct frame_csum {
	enum frame_csum_state state;
	/*
	 * FRAME_CSUM_UNFILLED only. What will be filled in is the sum from
	 * start, counted from the frame's first byte, to the frame's end; it
	 * goes to start + offset. Both come from the sender, unchecked.
	 */
	uint16_t start, offset;
	bool segments; /* the frame will be cut first (GSO) */
};
