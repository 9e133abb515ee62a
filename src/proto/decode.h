/*
 * Undoes what text is written in, for those who look for something in it: piece
 * by piece, in whatever pieces it comes, or at once and in place.
 *
 * Nothing is refused: what is no code is left as it is. The result is never
 * longer than what was read. Pure functions.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

enum decode_kind {
	DECODE_PERCENT, /* %41, and %u0041 as IIS has it */
	DECODE_FORM,	/* the same, and '+' is a blank */
	DECODE_HTML,	/* &lt; &#60; &#x3c; and without ';' */
	DECODE_JSON,	/* \u0041 \n \" */
	/*
	 * Either alphabet; blanks are passed over, '=' ends a run, anything else
	 * ends all.
	 */
	DECODE_BASE64,
	DECODE_LOWER,	/* ASCII */
	DECODE_SQUEEZE, /* blanks in a row are one ' ' */
	DECODE_STRIP,	/* no blanks */
	DECODE__MAX
};

/* The longest code: two \uXXXX of one character. */
#define DECODE_KEPT_MAX 12

struct decode {
	uint8_t kind; /* enum decode_kind */
	uint8_t kept_len;
	uint8_t n_bits; /* base64 */
	bool over;	/* base64 has ended */
	bool in_blanks; /* of DECODE_SQUEEZE */
	uint32_t bits;
	uint8_t kept[DECODE_KEPT_MAX]; /* what may be a code's beginning */
};

/* What a digit of either base64 alphabet stands for, 0..63; else: */
#define DECODE_NO_DIGIT 0xff
extern const uint8_t decode_base64_digits[256];

static inline struct decode decode_of(enum decode_kind kind)
{
	return (struct decode){ .kind = (uint8_t)kind };
}

/*
 * Reads all of in. Returns how much it wrote to out, which has room for
 * bytes_len(in) + DECODE_KEPT_MAX and is not in's own memory.
 */
size_t decode_some(struct decode *d, struct bytes in, uint8_t *out);
/* There is no more: the rest, at most DECODE_KEPT_MAX. */
size_t decode_rest(struct decode *d, uint8_t *out);
/* All at once; out has room for bytes_len(in), and may be in.begin. */
size_t decode_all(enum decode_kind kind, struct bytes in, uint8_t *out);
/*
 * kind: one that has codes. The first one that decode_all() would undo, '+' of
 * forms aside; NULL: there is none. Costs a memchr() where there is none.
 */
const uint8_t *decode_first(enum decode_kind kind, struct bytes b);
